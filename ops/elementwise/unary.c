/* Ops of one operand: scale, and the activations with their derivatives' use in gradients. */
#include <math.h>
#include <stdio.h>

#include "ardm/thread.h"
#include "elementwise/maps.h"

typedef struct job {
    int32_t kind;
    float by;
    const float *a;
    float *y;
} job;

static void run(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    ARDM_REFERENCE_CALL(map_one)(j->kind, j->a + begin, j->by, j->y + begin, end - begin);
}

ardm_status ardm__map_unary(const ardm_call *call, int32_t kind, float by, const float *a, float *y) {
    job j = {kind, by, a, y};
    ardm_parallel(ardm_shape_count(&call->in[0]), ARDM_CHUNK, run, &j);
    return ARDM_OK;
}

static ardm_status same_shape(const ardm_call *call, ardm_shape *out) {
    out[0] = call->in[0];
    return ARDM_OK;
}

static void cost_of(const ardm_call *call, double flops, double *out_flops, double *bytes) {
    double n = (double)ardm_shape_count(&call->in[0]);
    *out_flops = n * flops;
    *bytes = n * 8;
}

/* Flops are counted as the primitives of exact.h, an fma as two. */
#define COST(name, flops)                                                                                                                            \
    static void name##_cost(const ardm_call *call, double *out_flops, double *bytes) { cost_of(call, flops, out_flops, bytes); }
#define REFERENCE(name, kind, by)                                                                                                                    \
    static ardm_status name##_reference(const ardm_call *call, const void *const *in, void *const *out) {                                            \
        return ardm__map_unary(call, kind, by, in[0], out[0]);                                                                                       \
    }
#define ORACLE(name, expression)                                                                                                                     \
    static ardm_status name##_oracle(const ardm_call *call, const void *const *in, void *const *out) {                                               \
        int64_t n = ardm_shape_count(&call->out[0]);                                                                                                 \
        for (int64_t i = 0; i < n; ++i) {                                                                                                            \
            double x = ((const double *)in[0])[i];                                                                                                   \
            ((double *)out[0])[i] = (expression);                                                                                                    \
        }                                                                                                                                            \
        return ARDM_OK;                                                                                                                              \
    }

REFERENCE(scale, ARDM_MAP_SCALE, (float)call->attrs[0].f)
REFERENCE(gelu, ARDM_MAP_GELU, 0.0f)
REFERENCE(silu, ARDM_MAP_SILU, 0.0f)
REFERENCE(relu, ARDM_MAP_RELU, 0.0f)
REFERENCE(tanh, ARDM_MAP_TANH, 0.0f)
REFERENCE(sigmoid, ARDM_MAP_SIGMOID, 0.0f)

/* The factor is f32 wherever it is used; the oracle multiplies by the same number. */
ORACLE(scale, x *(double)(float)call->attrs[0].f)
ORACLE(gelu, 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))))
ORACLE(silu, x / (1 + exp(-x)))
ORACLE(relu, x > 0 ? x : 0)
ORACLE(tanh, (exp(2 * x) - 1) / (exp(2 * x) + 1))
ORACLE(sigmoid, 0.5 + 0.5 * tanh(0.5 * x))

COST(scale, 1)
COST(gelu, 52)
COST(silu, 45)
COST(relu, 1)
COST(tanh, 48)
COST(sigmoid, 44)

static ardm_status scale_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char text[64];
    snprintf(text, sizeof text, "by=%.17g", call->attrs[0].f);
    dx[0] = builder->emit(builder, "scale", dy, 1, text, NULL);
    return ARDM_OK;
}

/* dx = op_grad(x, dy) */
static ardm_value by_derivative(ardm_builder *builder, const char *op, const ardm_call *call, ardm_value dy) {
    ardm_value in[2] = {call->x[0], dy};
    return builder->emit(builder, op, in, 2, NULL, NULL);
}

static ardm_status gelu_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = by_derivative(builder, "gelu_grad", call, dy[0]);
    return ARDM_OK;
}
static ardm_status silu_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = by_derivative(builder, "silu_grad", call, dy[0]);
    return ARDM_OK;
}
static ardm_status relu_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = by_derivative(builder, "relu_grad", call, dy[0]);
    return ARDM_OK;
}

static ardm_value two(ardm_builder *builder, const char *op, ardm_value a, ardm_value b) {
    ardm_value in[2] = {a, b};
    return builder->emit(builder, op, in, 2, NULL, NULL);
}
/* dy - dy y^2 */
static ardm_status tanh_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    ardm_value square = two(builder, "mul", call->y[0], call->y[0]);
    dx[0] = two(builder, "sub", dy[0], two(builder, "mul", dy[0], square));
    return ARDM_OK;
}
/* dy y - (dy y) y */
static ardm_status sigmoid_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    ardm_value t = two(builder, "mul", dy[0], call->y[0]);
    dx[0] = two(builder, "sub", t, two(builder, "mul", t, call->y[0]));
    return ARDM_OK;
}

/* x sigmoid(u) is 0 where sigmoid(u) is below 2^-40: |x| 2^-40 is lost there. */
static void tail_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound) {
    (void)k;
    for (int64_t i = 0; i < ardm_shape_count(&call->in[0]); ++i)
        bound[i] = call->op->ulps * 0x1p-24 * fabs(((const double *)out[0])[i]) + (1 + fabs(((const double *)in[0])[i])) * 0x1p-39;
}

static const ardm_port inputs[] = {{"x", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK, 0}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK, 0}};
static const ardm_attr scale_attrs[] = {{"by", ARDM_ATTR_FLOAT, NULL, -0x1p100, 0x1p100, "the factor, as f32"}};
static const ardm_case scale_cases[] = {
    {"f32[]", "by=3"}, {"f32[17,257]", "by=-0.3"}, {"f32[0,4]", "by=2"}, {"f32[9000]", "by=0.001"}, {"f32[33]{-1e-11:1e-11}", "by=0.25"}};
/* Ranges: the middle, the tails where formulas saturate, and values that F removes. */
static const ardm_case cases[] = {{"f32[]", NULL},           {"f32[17,257]", NULL},        {"f32[0,4]", NULL},
                                  {"f32[5000]{-8:8}", NULL}, {"f32[300]{-100:100}", NULL}, {"f32[3,2,5]{-1e-9:1e-9}", NULL}};

#define UNARY(symbol, text, relative, what, ...)                                                                                                     \
    const ardm_op ardm_op_##symbol = {ARDM_OP_ABI,                                                                                                   \
                                      sizeof(ardm_op),                                                                                               \
                                      .name = #symbol,                                                                                               \
                                      .version = 1,                                                                                                  \
                                      .flags = ARDM_OP_ELEMENTWISE,                                                                                  \
                                      .inputs = inputs,                                                                                              \
                                      .outputs = outputs,                                                                                            \
                                      .n_inputs = 1,                                                                                                 \
                                      .n_outputs = 1,                                                                                                \
                                      .sums = "",                                                                                                    \
                                      .help = what,                                                                                                  \
                                      .infer = same_shape,                                                                                           \
                                      .gradient = symbol##_gradient,                                                                                 \
                                      .reference = symbol##_reference,                                                                               \
                                      .oracle = symbol##_oracle,                                                                                     \
                                      .ulps = relative,                                                                                              \
                                      .cost = symbol##_cost,                                                                                         \
                                      .scalar = text,                                                                                                \
                                      __VA_ARGS__}
#define WITH_CASES .cases = cases, .n_cases = ARDM_LENGTH(cases)

/* `ulps` bounds in units of 2^-24 |y|: twice the units in the last place that runtime/exact.md states. */
UNARY(scale, "ardm_mul(a, by)", 1, "y = by x", .attrs = scale_attrs, .n_attrs = 1, .cases = scale_cases, .n_cases = ARDM_LENGTH(scale_cases));
UNARY(gelu, "ardm_gelu(a)", 120, "GELU, tanh form", .bound = tail_bound, WITH_CASES);
UNARY(silu, "ardm_silu(a)", 8, "x sigmoid(x)", .bound = tail_bound, WITH_CASES);
UNARY(relu, "ardm_max(a, 0.0f)", 0, "max(x, 0)", WITH_CASES);
UNARY(tanh, "ardm_tanh(a)", 8, "tanh(x)", WITH_CASES);
UNARY(sigmoid, "ardm_sigmoid(a)", 8, "1 / (1 + exp(-x))", WITH_CASES);
