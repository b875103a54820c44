/* Ops of two operands. add, sub and mul take a second operand whose shape is a suffix of the first's and repeats along the rest. */
#include <math.h>
#include <stdio.h>

#include "ardm/thread.h"
#include "elementwise/maps.h"

typedef struct job {
    int32_t kind;
    const float *a, *b;
    float *y;
    int64_t row; /* elements of b */
} job;

static void run(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    if (j->row == 1) {
        /* One number for all: spread over a strip so that the loops stay plain. */
        float strip[256];
        for (int k = 0; k < 256; ++k) strip[k] = j->b[0];
        for (int64_t i = begin; i < end; i += 256) ARDM_REFERENCE_CALL(map_two)(j->kind, j->a + i, strip, j->y + i, end - i < 256 ? end - i : 256);
        return;
    }
    for (int64_t i = begin; i < end;) {
        int64_t at = i % j->row, many = j->row - at < end - i ? j->row - at : end - i;
        ARDM_REFERENCE_CALL(map_two)(j->kind, j->a + i, j->b + at, j->y + i, many);
        i += many;
    }
}

ardm_status ardm__map_binary(const ardm_call *call, int32_t kind, const float *a, const float *b, float *y) {
    job j = {kind, a, b, y, ardm_shape_count(&call->in[1])};
    ardm_parallel(ardm_shape_count(&call->in[0]), ARDM_CHUNK, run, &j);
    return ARDM_OK;
}

static ardm_status suffix_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *a = &call->in[0], *b = &call->in[1];
    char left[128], right[128];
    int fits = b->rank <= a->rank;
    for (uint32_t back = 0; fits && back < b->rank; ++back) fits = ardm_shape_last(a, back) == ardm_shape_last(b, back);
    if (!fits)
        return ardm_fail(ARDM_ESHAPE, "%s: b is %s, which is no suffix of a, %s", call->op->name, ardm_shape_text(b, right, sizeof right),
                         ardm_shape_text(a, left, sizeof left));
    out[0] = *a;
    return ARDM_OK;
}

static ardm_status equal_infer(const ardm_call *call, ardm_shape *out) {
    char left[128], right[128];
    if (!ardm_shape_equal(&call->in[0], &call->in[1]))
        return ardm_fail(ARDM_ESHAPE, "%s: x is %s but dy is %s; they must agree", call->op->name, ardm_shape_text(&call->in[0], left, sizeof left),
                         ardm_shape_text(&call->in[1], right, sizeof right));
    out[0] = call->in[0];
    return ARDM_OK;
}

/* The gradient of the short operand: what reached its repeats, summed by groups and then by the tree. `full` has a's shape. */
static ardm_value reduce_to_suffix(ardm_builder *builder, const ardm_call *call, ardm_value full) {
    const ardm_shape *a = &call->in[0], *b = &call->in[1];
    char text[64];
    if (b->rank == a->rank) return full;
    if (b->rank == 0) return builder->emit(builder, "sum", &full, 1, NULL, NULL);
    ardm_value flat = full;
    if (b->rank > 1) {
        snprintf(text, sizeof text, "first=%u, count=%u", (unsigned)(a->rank - b->rank), (unsigned)b->rank);
        flat = builder->emit(builder, "merge", &full, 1, text, NULL);
    }
    snprintf(text, sizeof text, "group=%lld", (long long)builder->group);
    ardm_value parts = builder->emit(builder, "column_sum", &flat, 1, text, NULL);
    ardm_value sum = builder->emit(builder, "tree_sum", &parts, 1, NULL, NULL);
    if (b->rank == 1) return sum;
    ardm_value shaped[2] = {sum, call->x[1]};
    return builder->emit(builder, "reshape_like", shaped, 2, NULL, NULL);
}

static ardm_value two(ardm_builder *builder, const char *op, ardm_value a, ardm_value b) {
    ardm_value in[2] = {a, b};
    return builder->emit(builder, op, in, 2, NULL, NULL);
}

static ardm_status add_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = dy[0];
    dx[1] = reduce_to_suffix(builder, call, dy[0]);
    return ARDM_OK;
}
static ardm_status sub_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = dy[0];
    ardm_value sum = reduce_to_suffix(builder, call, dy[0]);
    dx[1] = builder->emit(builder, "scale", &sum, 1, "by=-1", NULL);
    return ARDM_OK;
}
static ardm_status mul_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = two(builder, "mul", dy[0], call->x[1]);
    dx[1] = reduce_to_suffix(builder, call, two(builder, "mul", dy[0], call->x[0]));
    return ARDM_OK;
}

#define REFERENCE(name, kind)                                                                                                                        \
    static ardm_status name##_reference(const ardm_call *call, const void *const *in, void *const *out) {                                            \
        return ardm__map_binary(call, kind, in[0], in[1], out[0]);                                                                                   \
    }
REFERENCE(add, ARDM_MAP_ADD)
REFERENCE(sub, ARDM_MAP_SUB)
REFERENCE(mul, ARDM_MAP_MUL)
REFERENCE(gelu_grad, ARDM_MAP_GELU_GRAD)
REFERENCE(silu_grad, ARDM_MAP_SILU_GRAD)
REFERENCE(relu_grad, ARDM_MAP_RELU_GRAD)

/* Derivatives in double, each by a formula of its own. */
static double logistic(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double silu_slope(double x) { return logistic(x) * (1 + x * logistic(-x)); }
static double gelu_slope(double x) {
    double t = tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t) * (1 + t) * 0.79788456080286535588 * (1 + 0.134145 * x * x);
}

#define ORACLE(name, expression)                                                                                                                     \
    static ardm_status name##_oracle(const ardm_call *call, const void *const *in, void *const *out) {                                               \
        int64_t n = ardm_shape_count(&call->in[0]), repeat = ardm_shape_count(&call->in[1]);                                                         \
        for (int64_t i = 0; i < n; ++i) {                                                                                                            \
            double a = ((const double *)in[0])[i], b = ((const double *)in[1])[i % repeat];                                                          \
            ((double *)out[0])[i] = (expression);                                                                                                    \
        }                                                                                                                                            \
        return ARDM_OK;                                                                                                                              \
    }
ORACLE(add, a + b)
ORACLE(sub, a - b)
ORACLE(mul, a *b)
ORACLE(gelu_grad, b *gelu_slope(a))
ORACLE(silu_grad, b *silu_slope(a))
ORACLE(relu_grad, a > 0 ? b : 0)

/* The slopes cross zero, so their error is absolute: below 2.2e-7, measured over all floats (runtime/exact.md), 2^-21 here. */
static void slope_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound) {
    int64_t n = ardm_shape_count(&call->out[0]);
    (void)k;
    (void)out;
    for (int64_t i = 0; i < n; ++i) bound[i] = 0x1p-21 * fabs(((const double *)in[1])[i]) + 0x1p-39;
}

static void cost_of(const ardm_call *call, double flops, double *out_flops, double *bytes) {
    double n = (double)ardm_shape_count(&call->in[0]);
    *out_flops = n * flops;
    *bytes = n * 8 + (double)ardm_shape_bytes(&call->in[1]);
}
static void light_cost(const ardm_call *call, double *flops, double *bytes) { cost_of(call, 1, flops, bytes); }
static void slope_cost(const ardm_call *call, double *flops, double *bytes) { cost_of(call, 60, flops, bytes); }

static const ardm_port pair[] = {{"a", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK, 0}, {"b", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK, 0}};
static const ardm_port slope_inputs[] = {{"x", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK, 0}, {"dy", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK, 0}};
static const ardm_port result[] = {{"y", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK, 0}};
static const ardm_case pair_cases[] = {
    {"f32[] f32[]", NULL},         {"f32[17,257] f32[17,257]", NULL}, {"f32[3,5,7] f32[5,7]", NULL},
    {"f32[129,65] f32[65]", NULL}, {"f32[4,4100] f32[]", NULL},       {"f32[9000,1] f32[1]", NULL},
    {"f32[0,4] f32[4]", NULL},     {"f32[3,0] f32[0]", NULL},         {"f32[40]{-1e-11:1e-11} f32[40]{-1e-11:1e-11}", NULL}};
static const ardm_case slope_cases[] = {{"f32[] f32[]", NULL},
                                        {"f32[17,257] f32[17,257]", NULL},
                                        {"f32[0,4] f32[0,4]", NULL},
                                        {"f32[5000]{-8:8} f32[5000]", NULL},
                                        {"f32[300]{-100:100} f32[300]", NULL},
                                        {"f32[1,3] f32[1,3]{-1e-11:1e-11}", NULL}};

#define BINARY(symbol, text, mask, ports, shape_rule, back, limit, relative, price, list, what)                                                      \
    const ardm_op ardm_op_##symbol = {ARDM_OP_ABI,                                                                                                   \
                                      sizeof(ardm_op),                                                                                               \
                                      .name = #symbol,                                                                                               \
                                      .version = 1,                                                                                                  \
                                      .flags = ARDM_OP_ELEMENTWISE | (mask),                                                                         \
                                      .inputs = ports,                                                                                               \
                                      .outputs = result,                                                                                             \
                                      .n_inputs = 2,                                                                                                 \
                                      .n_outputs = 1,                                                                                                \
                                      .sums = "",                                                                                                    \
                                      .help = what,                                                                                                  \
                                      .infer = shape_rule,                                                                                           \
                                      .gradient = back,                                                                                              \
                                      .reference = symbol##_reference,                                                                               \
                                      .oracle = symbol##_oracle,                                                                                     \
                                      .bound = limit,                                                                                                \
                                      .ulps = relative,                                                                                              \
                                      .cost = price,                                                                                                 \
                                      .scalar = text,                                                                                                \
                                      .cases = list,                                                                                                 \
                                      .n_cases = ARDM_LENGTH(list)}

BINARY(add, "a + b", 0, pair, suffix_infer, add_gradient, NULL, 1, light_cost, pair_cases, "a + b; b may be a suffix");
BINARY(sub, "a - b", 0, pair, suffix_infer, sub_gradient, NULL, 1, light_cost, pair_cases, "a - b; b may be a suffix");
BINARY(mul, "ardm_mul(a, b)", 0, pair, suffix_infer, mul_gradient, NULL, 1, light_cost, pair_cases, "a b; b may be a suffix");
BINARY(gelu_grad, "ardm_mul(ardm_flush(ardm_gelu_grad(a)), b)", ARDM_OP_NO_GRADIENT, slope_inputs, equal_infer, NULL, slope_bound, 0, slope_cost,
       slope_cases, "dy times the slope of GELU at x");
BINARY(silu_grad, "ardm_mul(ardm_flush(ardm_silu_grad(a)), b)", ARDM_OP_NO_GRADIENT, slope_inputs, equal_infer, NULL, slope_bound, 0, slope_cost,
       slope_cases, "dy times the slope of x sigmoid(x)");
BINARY(relu_grad, "ardm_select(a > 0.0f, b, 0.0f)", ARDM_OP_NO_GRADIENT, slope_inputs, equal_infer, NULL, NULL, 0, light_cost, slope_cases,
       "dy where x > 0");
