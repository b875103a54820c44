/* mixture_nll: what a target costs under a discretised mixture of logistics, in nats; formula in mixture_rows.h. The gradient
 * reaches the centre too, as the sum of the means' gradients. */
#include <math.h>
#include <stdio.h>

#include "ardm/thread.h"
#include "likelihood/mixture.h"

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    ARDM_TRY(ardm__mixture_check(call, 3));
    out[0] = ardm_shape_make(ARDM_F32, call->in[1].rank, call->in[1].dim);
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char text[32];
    ardm_value outs[2] = {-1, -1};
    (void)snprintf(text, sizeof text, "classes=%lld", (long long)call->attrs[0].i);
    dx[0] = builder->emit(builder, "mixture_nll_grad", (const ardm_value[]){call->x[0], call->x[1], call->x[2], dy[0]}, 4, text, outs);
    dx[1] = outs[1];
    dx[2] = -1;
    return ARDM_OK;
}

typedef struct work {
    ardm__mixture mix;
    const float *p, *centre, *dy;
    const int32_t *target;
    float *out, *dcentre;
} work;

static void nll_body(void *user, int64_t begin, int64_t end) {
    const work *w = user;
    ARDM_REFERENCE_CALL(mixture_nll_rows)(&w->mix, w->p, w->centre, w->target, w->out, begin, end);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    work w = {ardm__mixture_of(call), in[0], in[1], NULL, in[2], out[0], NULL};
    ardm_parallel(ardm_shape_count(&call->in[1]), 64, nll_body, &w);
    return ARDM_OK;
}

static int32_t used(const ardm_call *call, const void *const *in, int64_t row) {
    int32_t k = ((const int32_t *)in[2])[row];
    return k >= 0 && k < call->attrs[0].i;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t rows = ardm_shape_count(&call->in[1]), M = ardm_shape_last(&call->in[0], 0) / 3, K = call->attrs[0].i;
    for (int64_t row = 0; row < rows; ++row) {
        double mass = 0, total = 0, top = -INFINITY, most = -INFINITY;
        for (int64_t m = 0; m < M; ++m) {
            ardm__component c = ardm__mixture_component(call, in[0], in[1], row, m);
            top = fmax(top, c.weight);
            if (used(call, in, row)) most = fmax(most, c.weight + ardm__mixture_log_mass(&c, ((const int32_t *)in[2])[row], K));
        }
        for (int64_t m = 0; m < M; ++m) {
            ardm__component c = ardm__mixture_component(call, in[0], in[1], row, m);
            total += exp(c.weight - top);
            if (used(call, in, row)) mass += exp(c.weight + ardm__mixture_log_mass(&c, ((const int32_t *)in[2])[row], K) - most);
        }
        ((double *)out[0])[row] = used(call, in, row) ? top + log(total) - most - log(mass) : 0;
    }
    return ARDM_OK;
}

/* The largest error of a component that matters, and what the sums over components add. */
static double row_error(const ardm_call *call, const void *const *in, int64_t row) {
    int64_t M = ardm_shape_last(&call->in[0], 0) / 3, K = call->attrs[0].i;
    double error = 0, most = 0, best = -INFINITY;
    if (!used(call, in, row)) return 0;
    for (int64_t m = 0; m < M; ++m) {
        ardm__component c = ardm__mixture_component(call, in[0], in[1], row, m);
        int64_t k = ((const int32_t *)in[2])[row];
        double mass = c.weight + ardm__mixture_log_mass(&c, k, K), mine = ardm__mixture_error(&c, ((const double *)in[1])[row], k, K);
        best = fmax(best, mass);
        most = fmax(most, fabs(c.weight));
        error = fmax(error, mine);
    }
    return error + 0x1p-23 * ((double)M + 8 + most + fabs(best)) + (double)M * 0x1p-38;
}

static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    (void)k;
    (void)out;
    for (int64_t row = 0; row < ardm_shape_count(&call->in[1]); ++row) limit[row] = row_error(call, in, row) + 0x1p-39;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 60.0 * (double)ardm_shape_count(&call->in[0]);
    *bytes = 4.0 * (double)(ardm_shape_count(&call->in[0]) + 3 * ardm_shape_count(&call->in[1]));
}

static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    ardm__mixture mix = ardm__mixture_of(call);
    const char *options;
    int64_t strip = ardm__mixture_strip(recorder, &options), rows = ardm_shape_count(&call->in[1]);
    uint64_t local = strip > 1;
    return ARDM_LAUNCH(recorder, "mixture_nll", options, 1, (uint64_t)((rows + strip - 1) / strip), 1, 1, local, local, local, ARDM_IN(0), ARDM_IN(1),
                       ARDM_IN(2), ARDM_OUT(0), ARDM_INT(rows), ARDM_INT(mix.M), ARDM_INT(mix.K), ARDM_FLOAT(mix.low), ARDM_FLOAT(mix.high),
                       ARDM_FLOAT(mix.gap), ARDM_FLOAT(mix.half));
}

static const ardm_port inputs[] = {{"p", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0},
                                   {"centre", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0},
                                   {"target", ARDM_DT(ARDM_I32), 0, ARDM_MAX_RANK - 1, 0}};
static const ardm_port outputs[] = {{"nll", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0}};
static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_likelihood_mixture, plan}};
static const ardm_case cases[] = {
    {"f32[1,3] f32[1] i32[1]{0:2}", "classes=2"},
    {"f32[3,17,15] f32[3,17]{-1:1} i32[3,17]{0:256}", NULL},
    {"f32[40,30]{-4:4} f32[40]{-1:1} i32[40]{-1:257}", NULL},
    {"f32[33,6]{-8:4} f32[33]{-1:1} i32[33]{0:5}", "classes=5"},
    {"f32[9,96]{-3:3} f32[9]{-1:1} i32[9]{0:65536}", "classes=65536"},
    {"f32[0,15] f32[0] i32[0]{0:256}", NULL},
};
const ardm_op ardm_op_mixture_nll = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "mixture_nll",
    .version = 1,
    .attrs = ardm__mixture_attrs,
    .n_attrs = 1,
    .inputs = inputs,
    .n_inputs = 3,
    .outputs = outputs,
    .n_outputs = 1,
    .sums = "block over components",
    .help = "cost of a target under a mixture of logistics, in nats",
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
    ARDM_TRY(ardm__mixture_check(call, 4));
    out[0] = call->in[0];
    out[1] = call->in[1];
    return ARDM_OK;
}

static void grad_body(void *user, int64_t begin, int64_t end) {
    const work *w = user;
    ARDM_REFERENCE_CALL(mixture_nll_grad_rows)(&w->mix, w->p, w->centre, w->target, w->dy, w->out, w->dcentre, begin, end);
}

static ardm_status grad_reference(const ardm_call *call, const void *const *in, void *const *out) {
    work w = {ardm__mixture_of(call), in[0], in[1], in[3], in[2], out[0], out[1]};
    ardm_parallel(ardm_shape_count(&call->in[1]), 64, grad_body, &w);
    return ARDM_OK;
}

static ardm_status grad_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t rows = ardm_shape_count(&call->in[1]), width = ardm_shape_last(&call->in[0], 0), M = width / 3, K = call->attrs[0].i;
    double *dp = out[0], *dcentre = out[1], prior[ARDM__MIXTURES], share[ARDM__MIXTURES];
    for (int64_t row = 0; row < rows; ++row) {
        int64_t k = ((const int32_t *)in[2])[row];
        double dy = used(call, in, row) ? ((const double *)in[3])[row] : 0, top = -INFINITY, most = -INFINITY, total = 0, mass = 0;
        k = k < 0 ? 0 : k >= K ? K - 1 : k;
        for (int64_t m = 0; m < M; ++m) {
            ardm__component c = ardm__mixture_component(call, in[0], in[1], row, m);
            prior[m] = c.weight;
            share[m] = c.weight + ardm__mixture_log_mass(&c, k, K);
            top = fmax(top, prior[m]);
            most = fmax(most, share[m]);
        }
        for (int64_t m = 0; m < M; ++m) {
            total += prior[m] = exp(prior[m] - top);
            mass += share[m] = exp(share[m] - most);
        }
        dcentre[row] = 0;
        for (int64_t m = 0; m < M; ++m) {
            ardm__component c = ardm__mixture_component(call, in[0], in[1], row, m);
            double by_mean, by_scale, r = share[m] / mass;
            ardm__mixture_slopes(&c, k, K, &by_mean, &by_scale);
            dp[row * width + m] = dy * (prior[m] / total - r);
            dp[row * width + M + m] = -dy * r * by_mean;
            dp[row * width + 2 * M + m] = c.limited ? 0 : -dy * r * by_scale;
            dcentre[row] -= dy * r * by_mean;
        }
    }
    return ARDM_OK;
}

/* Shares are off by the errors of log masses; the slopes by the error of their edges, at most a quarter of it a sigmoid. */
static void grad_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    int64_t rows = ardm_shape_count(&call->in[1]), width = ardm_shape_last(&call->in[0], 0), M = width / 3, K = call->attrs[0].i;
    (void)out;
    for (int64_t row = 0; row < rows; ++row) {
        double dy = fabs(((const double *)in[3])[row]), error = 2 * row_error(call, in, row), sum = 0;
        int64_t bin = ((const int32_t *)in[2])[row];
        for (int64_t m = 0; m < M; ++m) {
            ardm__component c = ardm__mixture_component(call, in[0], in[1], row, m);
            double by_mean, by_scale;
            ardm__mixture_slopes(&c, bin, K, &by_mean, &by_scale);
            double mean = dy * (error * (fabs(by_mean) + c.inverse) + 0x1p-21 * c.inverse) + 0x1p-37;
            double edges = fabs(((double)bin * 2 / (double)(K - 1) - 1 - c.mean) * c.inverse) + 2;
            double scale = dy * (error * (fabs(by_scale) + edges) + 0x1p-20 * edges) + 0x1p-37;
            sum += mean * (1 + (double)M * 0x1p-22) + dy * fabs(by_mean) * (double)M * 0x1p-23;
            if (k == 1) continue;
            limit[row * width + m] = dy * (2 * error + 0x1p-22) + 0x1p-38;
            limit[row * width + M + m] = mean;
            limit[row * width + 2 * M + m] = scale;
        }
        if (k == 1) limit[row] = sum;
    }
}

static ardm_status grad_plan(const ardm_call *call, ardm_recorder *recorder) {
    ardm__mixture mix = ardm__mixture_of(call);
    const char *options;
    int64_t strip = ardm__mixture_strip(recorder, &options), rows = ardm_shape_count(&call->in[1]);
    uint64_t local = strip > 1;
    return ARDM_LAUNCH(recorder, "mixture_nll_grad", options, 1, (uint64_t)((rows + strip - 1) / strip), 1, 1, local, local, local, ARDM_IN(0),
                       ARDM_IN(1), ARDM_IN(2), ARDM_IN(3), ARDM_OUT(0), ARDM_OUT(1), ARDM_INT(rows), ARDM_INT(mix.M), ARDM_INT(mix.K),
                       ARDM_FLOAT(mix.low), ARDM_FLOAT(mix.high), ARDM_FLOAT(mix.gap), ARDM_FLOAT(mix.half));
}

static void grad_cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 120.0 * (double)ardm_shape_count(&call->in[0]);
    *bytes = 8.0 * (double)ardm_shape_count(&call->in[0]);
}

static const ardm_port grad_inputs[] = {{"p", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0},
                                        {"centre", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0},
                                        {"target", ARDM_DT(ARDM_I32), 0, ARDM_MAX_RANK - 1, 0},
                                        {"dy", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0}};
static const ardm_port grad_outputs[] = {{"dp", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0}, {"dcentre", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0}};
static const ardm_variant grad_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_likelihood_mixture, grad_plan}};
static const ardm_case grad_cases[] = {
    {"f32[1,3] f32[1] i32[1]{0:2} f32[1]", "classes=2"},
    {"f32[3,17,15] f32[3,17]{-1:1} i32[3,17]{0:256} f32[3,17]", NULL},
    {"f32[40,30]{-4:4} f32[40]{-1:1} i32[40]{-1:257} f32[40]", NULL},
    {"f32[33,6]{-8:4} f32[33]{-1:1} i32[33]{0:5} f32[33]", "classes=5"},
    {"f32[9,96]{-3:3} f32[9]{-1:1} i32[9]{0:65536} f32[9]", "classes=65536"},
    {"f32[0,15] f32[0] i32[0]{0:256} f32[0]", NULL},
};
const ardm_op ardm_op_mixture_nll_grad = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "mixture_nll_grad",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = ardm__mixture_attrs,
    .n_attrs = 1,
    .inputs = grad_inputs,
    .n_inputs = 4,
    .outputs = grad_outputs,
    .n_outputs = 2,
    .sums = "block over components",
    .help = "gradient of mixture_nll, by p and by the centre",
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
