/* adam: AdamW with averaged weights, one launch over a tensor or an arena of tensors (numerics.md 6). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ardm/exact.h"
#include "ardm/thread.h"
#include "optimiser/loops.h"

extern const char *const ardm_cl_optimiser_adam;

enum { W, M, V, A, GRAD, HYPER, HOLD };
enum { LR, CLIP, C1, C2, SCALE, AVERAGE };
enum { BETA1, BETA2, EPS, DECAY };

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    static const char *const names[] = {"w", "m", "v", "a", "grad"};
    char left[128], right[128];
    for (uint32_t k = M; k <= GRAD; ++k)
        if (!ardm_shape_equal(&call->in[W], &call->in[k]))
            return ardm_fail(ARDM_ESHAPE, "adam: w is %s but %s is %s; they must agree", ardm_shape_text(&call->in[W], left, sizeof left), names[k],
                             ardm_shape_text(&call->in[k], right, sizeof right));
    if (call->in[HYPER].dim[0] != 8) return ardm_fail(ARDM_ESHAPE, "adam: hyper has %lld numbers; it must have 8", (long long)call->in[HYPER].dim[0]);
    for (uint32_t k = 0; k < 4; ++k) out[k] = call->in[W];
    return ARDM_OK;
}

typedef struct job {
    ardm__adam adam;
    ardm__adam_arrays arrays;
    int32_t hold;
} job;

static int32_t held(const ardm_call *call, const void *const *in) {
    return call->n_in > HOLD && call->in[HOLD].dtype != 0 && *(const int32_t *)in[HOLD] != 0;
}

static void run(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    const ardm__adam_arrays *a = &j->arrays;
    if (j->hold) { /* memmove: the new values may stand where the old ones do */
        size_t bytes = (size_t)(end - begin) * sizeof(float);
        memmove(a->next_w + begin, a->w + begin, bytes);
        memmove(a->next_m + begin, a->m + begin, bytes);
        memmove(a->next_v + begin, a->v + begin, bytes);
        memmove(a->next_a + begin, a->a + begin, bytes);
        return;
    }
    ARDM_REFERENCE_CALL(adam_range)(&j->adam, &j->arrays, begin, end);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    const float *hyper = in[HYPER];
    job j = {.adam = {.one_minus_beta1 = 1.0f - (float)call->attrs[BETA1].f,
                      .one_minus_beta2 = 1.0f - (float)call->attrs[BETA2].f,
                      .eps = ardm_mul((float)call->attrs[EPS].f, hyper[SCALE]),
                      .lr = hyper[LR],
                      .keep = ardm_fma(-hyper[LR], (float)call->attrs[DECAY].f, 1.0f),
                      .clip = hyper[CLIP],
                      .c1 = hyper[C1],
                      .c2 = hyper[C2],
                      .one_minus_average = hyper[AVERAGE]},
             .arrays = {in[W], in[M], in[V], in[A], in[GRAD], out[W], out[M], out[V], out[A]},
             .hold = held(call, in)};
    ardm_parallel(ardm_shape_count(&call->in[W]), ARDM_CHUNK, run, &j);
    return ARDM_OK;
}

/* The textbook form: exponential averages, bias correction, decoupled decay. */
static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const double *w = in[W], *m = in[M], *v = in[V], *a = in[A], *grad = in[GRAD], *hyper = in[HYPER];
    double b1 = (float)call->attrs[BETA1].f, b2 = (float)call->attrs[BETA2].f, decay = (float)call->attrs[DECAY].f;
    double eps = (float)call->attrs[EPS].f * hyper[SCALE];
    for (uint32_t k = 0; held(call, in) && k < 4; ++k)
        for (int64_t i = 0; i < ardm_shape_count(&call->in[W]); ++i) ((double *)out[k])[i] = ((const double *)in[k])[i];
    for (int64_t i = 0; !held(call, in) && i < ardm_shape_count(&call->in[W]); ++i) {
        double g = grad[i] * hyper[CLIP], m1 = b1 * m[i] + (1 - b1) * g, v1 = b2 * v[i] + (1 - b2) * g * g;
        double update = m1 * hyper[C1] / (sqrt(v1 * hyper[C2]) + eps);
        double w1 = w[i] - hyper[LR] * decay * w[i] - hyper[LR] * update;
        ((double *)out[W])[i] = w1;
        ((double *)out[M])[i] = m1;
        ((double *)out[V])[i] = v1;
        ((double *)out[A])[i] = (1 - hyper[AVERAGE]) * a[i] + hyper[AVERAGE] * w1;
    }
    return ARDM_OK;
}

/* 1 - beta is rounded once (2^-24 relative to 1), g and q once each; a mean is one subtraction and one fma. Below, u = 2^-24:
 *   |dm| <= 4u (|m| + |g|) + 2^-40      F(g) may drop up to 2^-40, and F' 2^-100
 *   |dv| <= 6u (|v| + q) + 2^-78 + 2^-99  F(g) changes q where |g| < 2^-40
 *   the step's error follows from both: its denominator is s + eps, s = sqrt(v c2), |ds| <= dv c2 / s and at most sqrt(dv c2) */
static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    const double u = 0x1p-24, *w = in[W], *m = in[M], *v = in[V], *a = in[A], *grad = in[GRAD], *hyper = in[HYPER];
    double eps = (float)call->attrs[EPS].f * hyper[SCALE];
    for (int64_t i = 0; held(call, in) && i < ardm_shape_count(&call->in[W]); ++i) limit[i] = 0;
    for (int64_t i = 0; !held(call, in) && i < ardm_shape_count(&call->in[W]); ++i) {
        double g = fabs(grad[i] * hyper[CLIP]), q = g * g;
        double dm = 4 * u * (fabs(m[i]) + g) + 0x1p-40, dv = 6 * u * (v[i] + q) + 0x1p-78 + 0x1p-99;
        double m1 = ((const double *)out[M])[i], v1 = ((const double *)out[V])[i], s = sqrt(v1 * hyper[C2]), shift = sqrt(dv * hyper[C2]);
        double ds = (s > shift ? dv * hyper[C2] / s : shift) + 3 * u * s, bottom = s + eps,
               least = bottom - ds > 0.5 * bottom ? bottom - ds : 0.5 * eps;
        double step = fabs(m1) * hyper[C1] / bottom;
        double dstep = (dm * hyper[C1] + step * (ds + u * bottom)) / least + 6 * u * step + 0x1p-99;
        double dw = hyper[LR] * dstep + 4 * u * (fabs(w[i]) + hyper[LR] * step) + 0x1p-39;
        limit[i] = k == M ? dm : k == V ? dv : k == W ? dw : dw + 4 * u * (fabs(a[i]) + fabs(w[i]) + hyper[LR] * step) + 0x1p-39;
    }
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    double n = (double)ardm_shape_count(&call->in[W]);
    *flops = 85 * n;
    *bytes = 36 * n;
}

static ardm_status launch(const ardm_call *call, ardm_recorder *recorder, const char *options, int64_t each, uint64_t global, uint64_t local) {
    return ARDM_LAUNCH(recorder, "adam", options, 1, global, 1, 1, local, 1, 1, ARDM_IN(W), ARDM_IN(M), ARDM_IN(V), ARDM_IN(A), ARDM_IN(GRAD),
                       ARDM_IN(HYPER), ARDM_IN(HOLD), ARDM_OUT(W), ARDM_OUT(M), ARDM_OUT(V), ARDM_OUT(A), ARDM_INT(ardm_shape_count(&call->in[W])),
                       ARDM_FLOAT((float)call->attrs[BETA1].f), ARDM_FLOAT((float)call->attrs[BETA2].f), ARDM_FLOAT((float)call->attrs[EPS].f),
                       ARDM_FLOAT((float)call->attrs[DECAY].f), ARDM_INT(each));
}

static ardm_status plan_chunks(const ardm_call *call, ardm_recorder *recorder) {
    int64_t n = ardm_shape_count(&call->in[W]);
    ARDM_TRY(ardm__check_launch(call, n));
    if (n == 0) return ARDM_OK;
    int64_t each = ardm__share(recorder, n, ARDM_CHUNK, ARDM_CHUNK);
    return launch(call, recorder, "", each, (uint64_t)((n + each - 1) / each), 1);
}

static ardm_status plan_each(const ardm_call *call, ardm_recorder *recorder) {
    int64_t n = ardm_shape_count(&call->in[W]);
    ARDM_TRY(ardm__check_launch(call, n));
    if (n == 0) return ARDM_OK;
    uint64_t group = ardm__group(recorder);
    return launch(call, recorder, "-DSTRIP=1", 1, ardm__round_up(n, group), group);
}

#define ANY(name)                                                                                                                                    \
    { name, ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK, 0 }
static const ardm_port inputs[] = {ANY("w"),
                                   ANY("m"),
                                   ANY("v"),
                                   ANY("a"),
                                   ANY("grad"),
                                   {"hyper", ARDM_DT(ARDM_F32), 1, 1, 0},
                                   {"hold", ARDM_DT(ARDM_I32), 0, 0, ARDM_PORT_OPTIONAL}};
static const ardm_port outputs[] = {ANY("w"), ANY("m"), ANY("v"), ANY("a")};
static const ardm_attr attrs[] = {{"beta1", ARDM_ATTR_FLOAT, "0.9", 0, 0.999999, "decay of the mean of gradients"},
                                  {"beta2", ARDM_ATTR_FLOAT, "0.999", 0, 0.999999, "decay of the mean of their squares"},
                                  {"eps", ARDM_ATTR_FLOAT, "1e-8", 1e-12, 1, "added to the root, before the gradient's scale 2^e"},
                                  {"decay", ARDM_ATTR_FLOAT, "0", 0, 10, "weight decay, a step of learning rate 1"}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-chunk", ARDM_EXACT, ardm__accept_cpu, &ardm_cl_optimiser_adam, plan_chunks},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-each", ARDM_EXACT, NULL, &ardm_cl_optimiser_adam, plan_each}};
static const ardm_case cases[] = {
    {"f32[1] f32[1] f32[1]{0:1} f32[1] f32[1] f32[8]{0.1:1}", NULL},
    {"f32[17,257] f32[17,257] f32[17,257]{0:2} f32[17,257] f32[17,257] f32[8]{0.1:1}", "beta1=0.8, beta2=0.98, eps=1e-6, decay=0.01"},
    {"f32[0,4] f32[0,4] f32[0,4] f32[0,4] f32[0,4] f32[8]{0.1:1}", NULL},
    {"f32[9001] f32[9001]{-1e-3:1e-3} f32[9001]{0:1e-6} f32[9001] f32[9001]{-1e-3:1e-3} f32[8]{0.5:2}", "eps=1e-4"},
    {"f32[65] f32[65]{-1e-11:1e-11} f32[65]{0:1e-11} f32[65] f32[65]{-1e-11:1e-11} f32[8]{0.5:2}", "eps=1e-3"},
    {"f32[130] f32[130] f32[130]{0:2} f32[130] f32[130] f32[8]{0.1:1} i32[]{0:1}", "decay=0.01"},
    {"f32[9001] f32[9001] f32[9001]{0:2} f32[9001] f32[9001]{-1e40:1e40} f32[8]{0.1:1} i32[]{1:2}", "decay=0.01"}};
const ardm_op ardm_op_adam = {ARDM_OP_ABI,
                              sizeof(ardm_op),
                              .name = "adam",
                              .version = 1,
                              .flags = ARDM_OP_NO_GRADIENT | ARDM_OP_UPDATES,
                              .attrs = attrs,
                              .n_attrs = ARDM_LENGTH(attrs),
                              .inputs = inputs,
                              .outputs = outputs,
                              .n_inputs = ARDM_LENGTH(inputs),
                              .n_outputs = ARDM_LENGTH(outputs),
                              .sums = "",
                              .help = "AdamW with averaged weights; hyper = lr, clip, c1, c2, scale, 1 - average, 0, 0; hold not 0: nothing moves",
                              .infer = infer,
                              .reference = reference,
                              .oracle = oracle,
                              .bound = bound,
                              .cost = cost,
                              .variants = variants,
                              .n_variants = ARDM_LENGTH(variants),
                              .cases = cases,
                              .n_cases = ARDM_LENGTH(cases)};
