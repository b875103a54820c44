/* pixel_nll: what a whole pixel costs under a mixture of logistics over (r, g, b), in nats; formula in pixel_rows.h. The gradient reaches the
 * centres too: through the means, and through the distances that alpha, beta and gamma multiply. */
#include <math.h>
#include <stdio.h>

#include "ardm/thread.h"
#include "likelihood/pixel.h"

static ardm_shape rows_of(const ardm_call *call) { return ardm_shape_make(ARDM_F32, call->in[0].rank - 1, call->in[0].dim); }

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    ARDM_TRY(ardm__pixel_check(call));
    out[0] = rows_of(call);
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char text[32];
    ardm_value outs[2] = {-1, -1};
    (void)snprintf(text, sizeof text, "classes=%lld", (long long)call->attrs[0].i);
    dx[0] = builder->emit(builder, "pixel_nll_grad", (const ardm_value[]){call->x[0], call->x[1], call->x[2], dy[0]}, 4, text, outs);
    dx[1] = outs[1];
    dx[2] = -1;
    return ARDM_OK;
}

typedef struct work {
    ardm__mixture mix;
    const float *z, *centre, *dy;
    const int32_t *target;
    float *out, *dcentre;
} work;

static void nll_body(void *user, int64_t begin, int64_t end) {
    const work *w = user;
    ARDM_REFERENCE_CALL(pixel_nll_rows)(&w->mix, w->z, w->centre, w->target, w->out, begin, end);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    work w = {ardm__pixel_mixture(call), in[0], in[1], NULL, in[2], out[0], NULL};
    ardm_parallel(ardm__pixel_count(call), 32, nll_body, &w);
    return ARDM_OK;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    ardm__pixel p;
    for (int64_t row = 0; row < ardm__pixel_count(call); ++row) {
        ardm__pixel_open(&p, call, in, row);
        ((double *)out[0])[row] = p.used ? ardm__pixel_sum(p.weight, p.M) - ardm__pixel_sum(p.mass[2], p.M) : 0;
    }
    return ARDM_OK;
}

/* What the components' errors come to, and what the sums over components add. */
static double row_error(const ardm__pixel *p) {
    double under = ardm__pixel_sum(p->weight, p->M), over = ardm__pixel_sum(p->mass[2], p->M);
    return ardm__pixel_spread(p->mass[2], p->off[2], p->M) + 0x1p-23 * ((double)p->M + 8 + 2 * fabs(under) + 2 * fabs(over)) + (double)p->M * 0x1p-38;
}

static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    ardm__pixel p;
    (void)k;
    (void)out;
    for (int64_t row = 0; row < ardm__pixel_count(call); ++row) {
        ardm__pixel_open(&p, call, in, row);
        limit[row] = (p.used ? row_error(&p) : 0) + 0x1p-39;
    }
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 54.0 * (double)ardm_shape_count(&call->in[0]);
    *bytes = 4.0 * (double)(ardm_shape_count(&call->in[0]) + 7 * ardm__pixel_count(call));
}

static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    ardm__mixture mix = ardm__pixel_mixture(call);
    const char *options;
    int64_t strip = ardm__mixture_strip(recorder, &options), rows = ardm__pixel_count(call);
    uint64_t local = strip > 1;
    return ARDM_LAUNCH(recorder, "pixel_nll", options, 1, (uint64_t)((rows + strip - 1) / strip), 1, 1, local, local, local, ARDM_IN(0), ARDM_IN(1),
                       ARDM_IN(2), ARDM_OUT(0), ARDM_INT(rows), ARDM_INT(mix.M), ARDM_INT(mix.K), ARDM_FLOAT(mix.low), ARDM_FLOAT(mix.high),
                       ARDM_FLOAT(mix.gap), ARDM_FLOAT(mix.half));
}

static const ardm_port inputs[] = {{"z", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0},
                                   {"centre", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0},
                                   {"target", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK, 0}};
static const ardm_port outputs[] = {{"nll", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0}};
static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_likelihood_pixel, plan}};
/* Of the fifth the log scales lie beyond both limits, one component has all the mass, and values stand far out in the tails. */
static const ardm_case cases[] = {
    {"f32[1,10] f32[1,3] i32[1,3]{0:2}", "classes=2"},
    {"f32[3,17,50] f32[3,17,3]{-1:1} i32[3,17,3]{0:256}", NULL},
    {"f32[40,100]{-4:4} f32[40,3]{-1:1} i32[40,3]{-1:257}", NULL},
    {"f32[33,20]{-8:4} f32[33,3]{-1:1} i32[33,3]{0:5}", "classes=5"},
    {"f32[2,9,30]{-40:40} f32[2,9,3]{-4:4} i32[2,9,3]{0:256}", NULL},
    {"f32[17,20]{-9:3} f32[17,3]{-1:1} i32[17,3]{0:2}", "classes=2"},
    {"f32[9,320]{-3:3} f32[9,3]{-1:1} i32[9,3]{0:4096}", "classes=4096"},
    {"f32[25,320]{-3:3} f32[25,3]{-1:1} i32[25,3]{0:65536}", "classes=65536"},
    {"f32[0,50] f32[0,3] i32[0,3]{0:256}", NULL},
};
const ardm_op ardm_op_pixel_nll = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "pixel_nll",
    .version = 1,
    .attrs = ardm__mixture_attrs,
    .n_attrs = 1,
    .inputs = inputs,
    .n_inputs = 3,
    .outputs = outputs,
    .n_outputs = 1,
    .sums = "block over components",
    .help = "cost of a whole pixel under a mixture of logistics over r, g given r, b given both, in nats",
    .infer = infer,
    .gradient = gradient,
    .reference = reference,
    .oracle = oracle,
    .bound = bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof variants[0],
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};

/* --- the gradient ---------------------------------------------------------------------------------------------------------------- */

static ardm_status grad_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape rows = rows_of(call);
    char left[128], right[128];
    ARDM_TRY(ardm__pixel_check(call));
    if (!ardm_shape_equal(&call->in[3], &rows))
        return ardm_fail(ARDM_ESHAPE, "%s: z is %s but dy is %s; it must have z's extents but for the last", call->op->name,
                         ardm_shape_text(&call->in[0], left, sizeof left), ardm_shape_text(&call->in[3], right, sizeof right));
    out[0] = call->in[0];
    out[1] = call->in[1];
    return ARDM_OK;
}

static void grad_body(void *user, int64_t begin, int64_t end) {
    const work *w = user;
    ARDM_REFERENCE_CALL(pixel_nll_grad_rows)(&w->mix, w->z, w->centre, w->target, w->dy, w->out, w->dcentre, begin, end);
}

static ardm_status grad_reference(const ardm_call *call, const void *const *in, void *const *out) {
    work w = {ardm__pixel_mixture(call), in[0], in[1], in[3], in[2], out[0], out[1]};
    ardm_parallel(ardm__pixel_count(call), 32, grad_body, &w);
    return ARDM_OK;
}

/* One component's part of the gradient, a block each, and of the centres'. */
typedef struct slopes {
    double z[ARDM__PIXEL_BLOCKS], centre[3];
} slopes;

static void to_centre(const ardm__pixel *p, int64_t m, const double *mean, double *out) {
    const double *alpha = p->z + 7 * p->M + m, *beta = p->z + 8 * p->M + m, *gamma = p->z + 9 * p->M + m;
    out[0] = mean[0] - *alpha * mean[1] - *beta * mean[2];
    out[1] = mean[1] - *gamma * mean[2];
    out[2] = mean[2];
}

static ardm_status grad_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    double *dz = out[0], *dcentre = out[1];
    ardm__pixel p;
    for (int64_t row = 0; row < ardm__pixel_count(call); ++row) {
        ardm__pixel_open(&p, call, in, row);
        double dy = p.used ? ((const double *)in[3])[row] : 0, under = ardm__pixel_sum(p.weight, p.M), over = ardm__pixel_sum(p.mass[2], p.M);
        double e0 = p.value[0] - p.centre[0], e1 = p.value[1] - p.centre[1];
        for (int64_t c = 0; c < 3; ++c) dcentre[row * 3 + c] = 0;
        for (int64_t m = 0; m < p.M; ++m) {
            double share = exp(p.mass[2][m] - over), by_mean, by_scale;
            slopes s;
            s.z[0] = dy * (exp(p.weight[m] - under) - share);
            for (int64_t c = 0; c < 3; ++c) {
                ardm__mixture_slopes(&p.by[c][m], p.bin[c], p.K, &by_mean, &by_scale);
                s.z[1 + c] = -dy * share * by_mean;
                s.z[4 + c] = p.by[c][m].limited ? 0 : -dy * share * by_scale;
            }
            s.z[7] = s.z[2] * e0;
            s.z[8] = s.z[3] * e0;
            s.z[9] = s.z[3] * e1;
            to_centre(&p, m, s.z + 1, s.centre);
            for (int64_t b = 0; b < ARDM__PIXEL_BLOCKS; ++b) dz[(row * ARDM__PIXEL_BLOCKS + b) * p.M + m] = s.z[b];
            for (int64_t c = 0; c < 3; ++c) dcentre[row * 3 + c] += s.centre[c];
        }
    }
    return ARDM_OK;
}

/* Shares are off by the errors of log masses; slopes by the error of their edges, at most a quarter of it a sigmoid. */
static void component_error(const ardm__pixel *p, int64_t m, double dy, double wrong, slopes *size, slopes *error) {
    double over = ardm__pixel_sum(p->mass[2], p->M), share = exp(p->mass[2][m] - over);
    double loose = fmin(1, share * expm1(p->off[2][m] + wrong)) + 0x1p-39, most = fmin(1, share + loose), prior = exp(p->weight[m]), total = 0;
    for (int64_t i = 0; i < p->M; ++i) total += exp(p->weight[i]);
    size->z[0] = dy;
    error->z[0] = dy * (loose + 0x1p-21 * (most + prior / total * (1 + fabs(p->weight[m])))) + 0x1p-38;
    for (int64_t c = 0; c < 3; ++c) {
        const ardm__component *part = &p->by[c][m];
        double by_mean, by_scale, edges = fabs(((double)p->bin[c] * 2 / (double)(p->K - 1) - 1 - part->mean) * part->inverse) + 2;
        ardm__mixture_slopes(part, p->bin[c], p->K, &by_mean, &by_scale);
        size->z[1 + c] = dy * share * fabs(by_mean);
        error->z[1 + c] = dy * (loose * fabs(by_mean) + most * part->inverse * (p->error[c][m] + 0x1p-21) + 0x1p-38 * (1 + part->inverse)) + 0x1p-38;
        error->z[4 + c] = dy * (loose * fabs(by_scale) + most * edges * (p->error[c][m] + 0x1p-20) + 0x1p-38 * (1 + edges)) + 0x1p-38;
    }
    for (int64_t b = 7; b < ARDM__PIXEL_BLOCKS; ++b) {
        int64_t c = b == 7 ? 1 : 2, from = b == 9;
        double e = fabs(p->value[from] - p->centre[from]), rounding = 0x1p-23 * (2 + fabs(p->centre[from]) + e);
        error->z[b] = error->z[1 + c] * (e + rounding) + (size->z[1 + c] + error->z[1 + c]) * (rounding + 0x1p-23 * e) + 0x1p-38;
    }
}

static void grad_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    ardm__pixel p;
    (void)out;
    for (int64_t row = 0; row < ardm__pixel_count(call); ++row) {
        double dy = fabs(((const double *)in[3])[row]), wrong, sum[3] = {0}, most[3] = {0};
        ardm__pixel_open(&p, call, in, row);
        wrong = row_error(&p);
        if (!p.used) dy = 0;
        for (int64_t m = 0; m < p.M; ++m) {
            slopes size, error;
            component_error(&p, m, dy, wrong, &size, &error);
            for (int64_t c = 0; c < 3; ++c)
                for (int64_t to = c; to < 3; ++to) {
                    double factor = to == c ? 1 : fabs(p.z[(to == 1 ? 7 : 8 + c) * p.M + m]);
                    sum[c] += factor * error.z[1 + to];
                    most[c] += factor * (size.z[1 + to] + error.z[1 + to]);
                }
            if (k == 1) continue;
            for (int64_t b = 0; b < ARDM__PIXEL_BLOCKS; ++b) limit[(row * ARDM__PIXEL_BLOCKS + b) * p.M + m] = error.z[b];
        }
        if (k == 1)
            for (int64_t c = 0; c < 3; ++c) limit[row * 3 + c] = sum[c] + most[c] * (double)(3 * p.M) * 0x1p-23 + 0x1p-39;
    }
}

static ardm_status grad_plan(const ardm_call *call, ardm_recorder *recorder) {
    ardm__mixture mix = ardm__pixel_mixture(call);
    const char *options;
    int64_t strip = ardm__mixture_strip(recorder, &options), rows = ardm__pixel_count(call);
    uint64_t local = strip > 1;
    return ARDM_LAUNCH(recorder, "pixel_nll_grad", options, 1, (uint64_t)((rows + strip - 1) / strip), 1, 1, local, local, local, ARDM_IN(0),
                       ARDM_IN(1), ARDM_IN(2), ARDM_IN(3), ARDM_OUT(0), ARDM_OUT(1), ARDM_INT(rows), ARDM_INT(mix.M), ARDM_INT(mix.K),
                       ARDM_FLOAT(mix.low), ARDM_FLOAT(mix.high), ARDM_FLOAT(mix.gap), ARDM_FLOAT(mix.half));
}

static void grad_cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 108.0 * (double)ardm_shape_count(&call->in[0]);
    *bytes = 8.0 * (double)ardm_shape_count(&call->in[0]);
}

static const ardm_port grad_inputs[] = {{"z", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0},
                                        {"centre", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0},
                                        {"target", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK, 0},
                                        {"dy", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0}};
static const ardm_port grad_outputs[] = {{"dz", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0}, {"dcentre", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0}};
static const ardm_variant grad_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_likelihood_pixel, grad_plan}};
static const ardm_case grad_cases[] = {
    {"f32[1,10] f32[1,3] i32[1,3]{0:2} f32[1]", "classes=2"},
    {"f32[3,17,50] f32[3,17,3]{-1:1} i32[3,17,3]{0:256} f32[3,17]", NULL},
    {"f32[40,100]{-4:4} f32[40,3]{-1:1} i32[40,3]{-1:257} f32[40]", NULL},
    {"f32[33,20]{-8:4} f32[33,3]{-1:1} i32[33,3]{0:5} f32[33]", "classes=5"},
    {"f32[2,9,30]{-40:40} f32[2,9,3]{-4:4} i32[2,9,3]{0:256} f32[2,9]", NULL},
    {"f32[17,20]{-9:3} f32[17,3]{-1:1} i32[17,3]{0:2} f32[17]", "classes=2"},
    {"f32[9,320]{-3:3} f32[9,3]{-1:1} i32[9,3]{0:4096} f32[9]", "classes=4096"},
    {"f32[25,320]{-3:3} f32[25,3]{-1:1} i32[25,3]{0:65536} f32[25]", "classes=65536"},
    {"f32[0,50] f32[0,3] i32[0,3]{0:256} f32[0]", NULL},
};
const ardm_op ardm_op_pixel_nll_grad = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "pixel_nll_grad",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = ardm__mixture_attrs,
    .n_attrs = 1,
    .inputs = grad_inputs,
    .n_inputs = 4,
    .outputs = grad_outputs,
    .n_outputs = 2,
    .sums = "block over components",
    .help = "gradient of pixel_nll, by z and by the centres",
    .infer = grad_infer,
    .reference = grad_reference,
    .oracle = grad_oracle,
    .bound = grad_bound,
    .cost = grad_cost,
    .variants = grad_variants,
    .n_variants = sizeof grad_variants / sizeof grad_variants[0],
    .cases = grad_cases,
    .n_cases = sizeof grad_cases / sizeof grad_cases[0],
};
