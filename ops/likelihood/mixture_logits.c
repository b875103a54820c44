/* mixture_logits: the log mass of every bin, for the draw and the coder; formula in mixture_rows.h. */
#include <math.h>

#include "ardm/thread.h"
#include "likelihood/mixture.h"

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    ARDM_TRY(ardm__mixture_check(call, 2));
    out[0] = call->in[0];
    out[0].dim[out[0].rank - 1] = call->attrs[0].i;
    return ARDM_OK;
}

typedef struct work {
    ardm__mixture mix;
    const float *p, *centre;
    float *z;
} work;

static void body(void *user, int64_t begin, int64_t end) {
    const work *w = user;
    ARDM_REFERENCE_CALL(mixture_logits_rows)(&w->mix, w->p, w->centre, w->z, begin, end);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    work w = {ardm__mixture_of(call), in[0], in[1], out[0]};
    ardm_parallel(ardm_shape_count(&call->in[1]), 1, body, &w);
    return ARDM_OK;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t rows = ardm_shape_count(&call->in[1]), M = ardm_shape_last(&call->in[0], 0) / 3, K = call->attrs[0].i;
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t k = 0; k < K; ++k) {
            double most = -INFINITY, top = -INFINITY, mass = 0, total = 0;
            for (int64_t m = 0; m < M; ++m) {
                ardm__component c = ardm__mixture_component(call, in[0], in[1], row, m);
                top = fmax(top, c.weight);
                most = fmax(most, c.weight + ardm__mixture_log_mass(&c, k, K));
            }
            for (int64_t m = 0; m < M; ++m) {
                ardm__component c = ardm__mixture_component(call, in[0], in[1], row, m);
                total += exp(c.weight - top);
                mass += exp(c.weight + ardm__mixture_log_mass(&c, k, K) - most);
            }
            ((double *)out[0])[row * K + k] = most + log(mass) - top - log(total);
        }
    return ARDM_OK;
}

static void bound(const ardm_call *call, uint32_t which, const void *const *in, const void *const *out, double *limit) {
    int64_t rows = ardm_shape_count(&call->in[1]), M = ardm_shape_last(&call->in[0], 0) / 3, K = call->attrs[0].i;
    const double *z = out[0];
    (void)which;
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t k = 0; k < K; ++k) {
            double error = 0, most = 0;
            for (int64_t m = 0; m < M; ++m) {
                ardm__component c = ardm__mixture_component(call, in[0], in[1], row, m);
                error = fmax(error, ardm__mixture_error(&c, ((const double *)in[1])[row], k, K));
                most = fmax(most, fabs(c.weight));
            }
            limit[row * K + k] = error + 0x1p-23 * ((double)M + 8 + most + fabs(z[row * K + k])) + (double)M * 0x1p-38;
        }
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    double bins = (double)ardm_shape_count(&call->in[1]) * (double)call->attrs[0].i;
    *flops = bins * (double)(ardm_shape_last(&call->in[0], 0) / 3) * 110;
    *bytes = 4 * bins;
}

/* CPU: 16 bins side by side, about 4,096 masses a work-item; else a bin a work-item. */
static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    ardm__mixture mix = ardm__mixture_of(call);
    int32_t cpu = recorder->facts->device_class == ARDM_CLASS_CPU;
    int64_t rows = ardm_shape_count(&call->in[1]), strip = cpu ? 16 : 1, strips = cpu ? 1 + 4096 / (16 * mix.M) : 1, take = strip * strips;
    uint64_t local = cpu ? 1 : 0;
    return ARDM_LAUNCH(recorder, "mixture_logits", cpu ? "-DSTRIP=16" : "-DSTRIP=1", 2, (uint64_t)((mix.K + take - 1) / take), (uint64_t)rows, 1,
                       local, local, local, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0), ARDM_INT(mix.M), ARDM_INT(mix.K), ARDM_FLOAT(mix.low),
                       ARDM_FLOAT(mix.high), ARDM_FLOAT(mix.gap), ARDM_FLOAT(mix.half), ARDM_INT(strips));
}

static const ardm_port inputs[] = {{"p", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0}, {"centre", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0}};
static const ardm_port outputs[] = {{"z", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0}};
static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_likelihood_mixture, plan}};
static const ardm_case cases[] = {
    {"f32[1,3] f32[1]", "classes=2"},
    {"f32[2,3,15] f32[2,3]{-1:1}", NULL},
    {"f32[7,30]{-4:4} f32[7]{-1:1}", NULL},
    {"f32[9,6]{-8:4} f32[9]{-1:1}", "classes=37"},
    {"f32[1,96]{-3:3} f32[1]{-1:1}", "classes=1025"},
    {"f32[0,15] f32[0]", NULL},
};
const ardm_op ardm_op_mixture_logits = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "mixture_logits",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = ardm__mixture_attrs,
    .n_attrs = 1,
    .inputs = inputs,
    .n_inputs = 2,
    .outputs = outputs,
    .n_outputs = 1,
    .sums = "block over components",
    .help = "log mass of every bin under a mixture of logistics",
    .infer = infer,
    .reference = reference,
    .oracle = oracle,
    .bound = bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof variants[0],
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};
