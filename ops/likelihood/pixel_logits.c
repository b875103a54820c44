/* pixel_logits: the log mass of every value of one channel given the channels before it, for the draw and the coder; formula in pixel_rows.h. */
#include <math.h>

#include "ardm/thread.h"
#include "likelihood/pixel.h"

enum { PART = 3 };

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *z = &call->in[0], *part = &call->in[PART];
    char left[128], right[128];
    ARDM_TRY(ardm__pixel_check(call));
    if (part->dim[0] != z->dim[0])
        return ardm_fail(ARDM_ESHAPE, "%s: z is %s but part is %s; it must have one number an item", call->op->name,
                         ardm_shape_text(z, left, sizeof left), ardm_shape_text(part, right, sizeof right));
    out[0] = *z;
    out[0].dim[z->rank - 1] = call->attrs[0].i;
    return ARDM_OK;
}

/* Rows an item. */
static int64_t per_item(const ardm_call *call) { return call->in[0].dim[0] > 0 ? ardm__pixel_count(call) / call->in[0].dim[0] : 0; }

typedef struct work {
    ardm__mixture mix;
    const float *z, *centre;
    const int32_t *known, *part;
    float *out;
    int64_t per;
} work;

static void body(void *user, int64_t begin, int64_t end) {
    const work *w = user;
    ARDM_REFERENCE_CALL(pixel_logits_rows)(&w->mix, w->z, w->centre, w->known, w->part, w->per, w->out, begin, end);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    work w = {ardm__pixel_mixture(call), in[0], in[1], in[2], in[PART], out[0], per_item(call)};
    ardm_parallel(ardm__pixel_count(call), 16, body, &w);
    return ARDM_OK;
}

/* Log weights of the components given the known channels, not normalised, and how far they may be off in f32. */
typedef struct given {
    int64_t part;
    double weight[ARDM__MIXTURES], off[ARDM__MIXTURES];
} given;

static given open_row(ardm__pixel *p, const ardm_call *call, const void *const *in, int64_t row) {
    given g = {.part = ((const int32_t *)in[PART])[row / per_item(call)]};
    ardm__pixel_open(p, call, in, row);
    g.part = g.part < 0 ? 0 : g.part > 2 ? 2 : g.part;
    for (int64_t m = 0; m < p->M; ++m) {
        g.weight[m] = g.part ? p->mass[g.part - 1][m] : p->weight[m];
        g.off[m] = (g.part ? p->off[g.part - 1][m] : 0) + 0x1p-23 * fabs(g.weight[m]);
    }
    return g;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    ardm__pixel p;
    for (int64_t row = 0; row < ardm__pixel_count(call); ++row) {
        given g = open_row(&p, call, in, row);
        double total = ardm__pixel_sum(g.weight, p.M), mass[ARDM__MIXTURES];
        for (int64_t k = 0; k < p.K; ++k) {
            for (int64_t m = 0; m < p.M; ++m) mass[m] = g.weight[m] + ardm__mixture_log_mass(&p.by[g.part][m], k, p.K);
            ((double *)out[0])[row * p.K + k] = ardm__pixel_sum(mass, p.M) - total;
        }
    }
    return ARDM_OK;
}

static void bound(const ardm_call *call, uint32_t which, const void *const *in, const void *const *out, double *limit) {
    const double *z = out[0];
    ardm__pixel p;
    (void)which;
    for (int64_t row = 0; row < ardm__pixel_count(call); ++row) {
        given g = open_row(&p, call, in, row);
        double total = ardm__pixel_sum(g.weight, p.M), apart = ardm__pixel_spread(g.weight, g.off, p.M), mass[ARDM__MIXTURES], off[ARDM__MIXTURES];
        for (int64_t k = 0; k < p.K; ++k) {
            for (int64_t m = 0; m < p.M; ++m) {
                double bin = ardm__mixture_log_mass(&p.by[g.part][m], k, p.K);
                mass[m] = g.weight[m] + bin;
                off[m] = g.off[m] + ardm__pixel_error(&p, g.part, m, k) + 0x1p-22 * (fabs(g.weight[m] - total) + fabs(bin));
            }
            limit[row * p.K + k] =
                apart + ardm__pixel_spread(mass, off, p.M) + 0x1p-23 * ((double)p.M + 12 + 2 * fabs(z[row * p.K + k])) + (double)p.M * 0x1p-37;
        }
    }
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    double rows = (double)ardm__pixel_count(call), bins = rows * (double)call->attrs[0].i;
    *flops = (bins + 2 * rows) * (double)(ardm_shape_last(&call->in[0], 0) / ARDM__PIXEL_BLOCKS) * 110;
    *bytes = 4 * bins;
}

/* The channel's own mixture first, then its bins as in mixture_logits. */
static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    ardm__mixture mix = ardm__pixel_mixture(call);
    int32_t cpu = recorder->facts->device_class == ARDM_CLASS_CPU;
    const char *options = cpu ? "-DSTRIP=16" : "-DSTRIP=1";
    int64_t rows = ardm__pixel_count(call), strip = cpu ? 16 : 1, strips = cpu ? 1 + 4096 / (16 * mix.M) : 1, take = strip * strips;
    uint64_t local = cpu ? 1 : 0;
    uint32_t row;
    ARDM_TRY(recorder->workspace(recorder, (uint64_t)rows * 3 * (uint64_t)mix.M * sizeof(float), &row));
    ARDM_TRY(ARDM_LAUNCH(recorder, "pixel_condition", options, 1, (uint64_t)((rows + strip - 1) / strip), 1, 1, local, local, local, ARDM_IN(0),
                         ARDM_IN(1), ARDM_IN(2), ARDM_IN(PART), ARDM_WORK(row), ARDM_INT(rows), ARDM_INT(per_item(call)), ARDM_INT(mix.M),
                         ARDM_INT(mix.K), ARDM_FLOAT(mix.low), ARDM_FLOAT(mix.high), ARDM_FLOAT(mix.gap), ARDM_FLOAT(mix.half)));
    return ARDM_LAUNCH(recorder, "pixel_bins", options, 2, (uint64_t)((mix.K + take - 1) / take), (uint64_t)rows, 1, local, local, local,
                       ARDM_WORK(row), ARDM_OUT(0), ARDM_INT(mix.M), ARDM_INT(mix.K), ARDM_FLOAT(mix.low), ARDM_FLOAT(mix.high), ARDM_FLOAT(mix.gap),
                       ARDM_FLOAT(mix.half), ARDM_INT(strips));
}

static const ardm_port inputs[] = {{"z", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0},
                                   {"centre", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0},
                                   {"known", ARDM_DT(ARDM_I32), 2, ARDM_MAX_RANK, 0},
                                   {"part", ARDM_DT(ARDM_I32), 1, 1, 0}};
static const ardm_port outputs[] = {{"logits", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_likelihood_pixel, plan}};
static const ardm_case cases[] = {
    {"f32[1,10] f32[1,3] i32[1,3]{0:2} i32[1]{0:3}", "classes=2"},
    {"f32[5,3,50] f32[5,3,3]{-1:1} i32[5,3,3]{0:256} i32[5]{0:3}", NULL},
    {"f32[19,100]{-4:4} f32[19,3]{-1:1} i32[19,3]{-1:257} i32[19]{-1:4}", NULL},
    {"f32[17,20]{-8:4} f32[17,3]{-1:1} i32[17,3]{0:37} i32[17]{1:3}", "classes=37"},
    {"f32[9,2,30]{-40:40} f32[9,2,3]{-4:4} i32[9,2,3]{0:256} i32[9]{0:3}", NULL},
    {"f32[3,1,320]{-3:3} f32[3,1,3]{-1:1} i32[3,1,3]{0:1025} i32[3]{1:3}", "classes=1025"},
    {"f32[0,4,50] f32[0,4,3] i32[0,4,3]{0:256} i32[0]{0:3}", NULL},
};
const ardm_op ardm_op_pixel_logits = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "pixel_logits",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = ardm__mixture_attrs,
    .n_attrs = 1,
    .inputs = inputs,
    .n_inputs = 4,
    .outputs = outputs,
    .n_outputs = 1,
    .sums = "block over components",
    .help = "log mass of every value of a pixel's channel given the channels before it",
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
