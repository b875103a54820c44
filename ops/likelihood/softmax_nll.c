/* softmax_nll: what a target costs under a softmax, in nats; formula in softmax_rows.h. Shorter than softmax, log and pick, and
 * exact for rows with few reachable children. */
#include <math.h>

#include "ardm/op.h"
#include "ardm/thread.h"
#include "likelihood/softmax_rows.h"

extern const char *const ardm_cl_likelihood_softmax;

static ardm_status check(const ardm_call *call, const ardm_shape *rows, const char *name) {
    const ardm_shape *z = &call->in[0];
    char left[128], right[128];
    int32_t same = rows->rank + 1 == z->rank;
    for (uint32_t axis = 0; same && axis < rows->rank; ++axis) same = rows->dim[axis] == z->dim[axis];
    if (same) return ARDM_OK;
    return ardm_fail(ARDM_ESHAPE, "%s: z is %s but %s is %s; it must have z's extents but for the last", call->op->name,
                     ardm_shape_text(z, left, sizeof left), name, ardm_shape_text(rows, right, sizeof right));
}

static const ardm_shape *children_of(const ardm_call *call) { return call->n_in > 2 && call->in[2].dtype != 0 ? &call->in[2] : NULL; }

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    ARDM_TRY(check(call, &call->in[1], "target"));
    if (children_of(call)) ARDM_TRY(check(call, &call->in[2], "children"));
    out[0] = out[1] = ardm_shape_make(ARDM_F32, call->in[1].rank, call->in[1].dim);
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = dx[1] = -1;
    if (call->n_in > 2) dx[2] = -1;
    if (dy[1] >= 0) return ardm_fail(ARDM_EUNSUPPORTED, "softmax_nll: lse is for the gradient of nll alone; nothing may be derived through it");
    dx[0] = builder->emit(builder, "softmax_nll_grad",
                          (const ardm_value[]){call->x[0], call->x[1], call->n_in > 2 ? call->x[2] : -1, call->y[1], dy[0]}, 5, NULL, NULL);
    return ARDM_OK;
}

typedef struct work {
    const float *z;
    const int32_t *target, *children;
    const float *lse, *dy;
    float *nll, *out;
    int64_t K;
} work;

static void nll_body(void *user, int64_t begin, int64_t end) {
    const work *w = user;
    ARDM_REFERENCE_CALL(softmax_nll_rows)(w->z, w->target, w->children, w->nll, w->out, w->K, begin, end);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    work w = {in[0], in[1], children_of(call) ? in[2] : NULL, NULL, NULL, out[0], out[1], ardm_shape_last(&call->in[0], 0)};
    ardm_parallel(ardm_shape_count(&call->in[1]), 1 + 16384 / (w.K + 1), nll_body, &w);
    return ARDM_OK;
}

/* Rows as the definition has them: the logits that count, 0 when the row costs nothing. */
static int64_t oracle_count(const ardm_call *call, const void *const *in, int64_t row) {
    int64_t K = ardm_shape_last(&call->in[0], 0), n = K, t = ((const int32_t *)in[1])[row];
    if (children_of(call) && ((const int32_t *)in[2])[row] < K) n = ((const int32_t *)in[2])[row];
    return n >= 2 && t >= 0 && t < n ? n : 0;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t K = ardm_shape_last(&call->in[0], 0), rows = ardm_shape_count(&call->in[1]);
    for (int64_t row = 0; row < rows; ++row) {
        const double *z = (const double *)in[0] + row * K;
        int64_t n = oracle_count(call, in, row);
        double top = n ? z[0] : 0, sum = 0;
        for (int64_t i = 1; i < n; ++i) top = fmax(top, z[i]);
        for (int64_t i = 0; i < n; ++i) sum += exp(z[i] - top);
        ((double *)out[0])[row] = n ? top + log(sum) - z[((const int32_t *)in[1])[row]] : 0;
        ((double *)out[1])[row] = n ? top + log(sum) : 0;
    }
    return ARDM_OK;
}

/* exp and the lane sum (K / 64 + 6 additions) have relative errors, which log makes absolute; flushed terms are 2^-40 each. */
static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    int64_t K = ardm_shape_last(&call->in[0], 0), rows = ardm_shape_count(&call->in[1]);
    (void)k;
    (void)out;
    for (int64_t row = 0; row < rows; ++row) {
        double most = 1;
        for (int64_t i = 0; i < K; ++i) most = fmax(most, fabs(((const double *)in[0])[row * K + i]));
        limit[row] = ((double)K / 64 + 24 + 8 * most) * 0x1p-24 + (double)K * 0x1p-40;
    }
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 26.0 * (double)ardm_shape_count(&call->in[0]);
    *bytes = 4.0 * (double)(ardm_shape_count(&call->in[0]) + 4 * ardm_shape_count(&call->in[1]));
}

/* About 4,096 logits a work-item on a CPU. */
static int64_t rows_each(const ardm_recorder *recorder, int64_t K) {
    return recorder->facts->device_class == ARDM_CLASS_CPU && K < 4096 ? 4096 / (K + 1) + 1 : 1;
}

static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    int64_t K = ardm_shape_last(&call->in[0], 0), rows = ardm_shape_count(&call->in[1]), each = rows_each(recorder, K);
    uint64_t local = recorder->facts->device_class == ARDM_CLASS_CPU;
    int32_t counted = children_of(call) != NULL;
    return ARDM_LAUNCH(recorder, "softmax_nll", "", 1, (uint64_t)((rows + each - 1) / each), 1, 1, local, local, local, ARDM_IN(0), ARDM_IN(1),
                       ARDM_IN(counted ? 2u : 1u), ARDM_OUT(0), ARDM_OUT(1), ARDM_INT(rows), ARDM_INT(K), ARDM_INT(counted), ARDM_INT(each));
}

static const ardm_port inputs[] = {{"z", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0},
                                   {"target", ARDM_DT(ARDM_I32), 0, ARDM_MAX_RANK - 1, 0},
                                   {"children", ARDM_DT(ARDM_I32), 0, ARDM_MAX_RANK - 1, ARDM_PORT_OPTIONAL}};
static const ardm_port outputs[] = {{"nll", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0}, {"lse", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0}};
static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "rows", ARDM_EXACT, NULL, &ardm_cl_likelihood_softmax, plan}};
static const ardm_case cases[] = {
    {"f32[1,2] i32[1]{0:2}", NULL},
    {"f32[3,17,27] i32[3,17]{0:27}", NULL},
    {"f32[9,256] i32[9]{-1:256}", NULL},
    {"f32[33,5]{-20:20} i32[33]{0:2} i32[33]{0:6}", NULL},
    {"f32[5,129]{-30:30} i32[5]{0:64} i32[5]{64:130}", NULL},
    {"f32[2,40000] i32[2]{0:40000}", NULL},
    {"f32[4,1] i32[4]{0:1}", NULL},
    {"f32[0,4] i32[0]{0:4}", NULL},
};
const ardm_op ardm_op_softmax_nll = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "softmax_nll",
    .version = 1,
    .inputs = inputs,
    .n_inputs = 3,
    .outputs = outputs,
    .n_outputs = 2,
    .sums = "lane over K",
    .help = "cost of a target under a softmax, in nats",
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
    ARDM_TRY(check(call, &call->in[1], "target"));
    if (children_of(call)) ARDM_TRY(check(call, &call->in[2], "children"));
    ARDM_TRY(check(call, &call->in[3], "lse"));
    ARDM_TRY(check(call, &call->in[4], "dy"));
    out[0] = call->in[0];
    return ARDM_OK;
}

static void grad_body(void *user, int64_t begin, int64_t end) {
    const work *w = user;
    ARDM_REFERENCE_CALL(softmax_nll_grad_rows)(w->z, w->target, w->children, w->lse, w->dy, w->out, w->K, begin, end);
}

static ardm_status grad_reference(const ardm_call *call, const void *const *in, void *const *out) {
    work w = {in[0], in[1], children_of(call) ? in[2] : NULL, in[3], in[4], NULL, out[0], ardm_shape_last(&call->in[0], 0)};
    ardm_parallel(ardm_shape_count(&call->in[1]), 1 + 16384 / (w.K + 1), grad_body, &w);
    return ARDM_OK;
}

static ardm_status grad_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t K = ardm_shape_last(&call->in[0], 0), rows = ardm_shape_count(&call->in[1]);
    const double *z = in[0], *lse = in[3], *dy = in[4];
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t i = 0, n = oracle_count(call, in, row); i < K; ++i)
            ((double *)out[0])[row * K + i] = i < n ? dy[row] * (exp(z[row * K + i] - lse[row]) - (i == ((const int32_t *)in[1])[row])) : 0;
    return ARDM_OK;
}

static void grad_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    int64_t K = ardm_shape_last(&call->in[0], 0), count = ardm_shape_count(&call->in[0]);
    const double *z = in[0], *lse = in[3], *dy = in[4];
    (void)k;
    (void)out;
    for (int64_t i = 0; i < count; ++i) {
        double p = exp(z[i] - lse[i / K]);
        limit[i] = fabs(dy[i / K]) * (p * (8 + fabs(z[i]) + fabs(lse[i / K])) * 0x1p-24 + 0x1p-23 + 0x1p-38) + 0x1p-39;
    }
}

static ardm_status grad_plan(const ardm_call *call, ardm_recorder *recorder) {
    int64_t K = ardm_shape_last(&call->in[0], 0), rows = ardm_shape_count(&call->in[1]), each = rows_each(recorder, K);
    uint64_t local = recorder->facts->device_class == ARDM_CLASS_CPU;
    int32_t counted = children_of(call) != NULL;
    return ARDM_LAUNCH(recorder, "softmax_nll_grad", "", 1, (uint64_t)((rows + each - 1) / each), 1, 1, local, local, local, ARDM_IN(0), ARDM_IN(1),
                       ARDM_IN(counted ? 2u : 1u), ARDM_IN(3), ARDM_IN(4), ARDM_OUT(0), ARDM_INT(rows), ARDM_INT(K), ARDM_INT(counted),
                       ARDM_INT(each));
}

static const ardm_port grad_inputs[] = {{"z", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0},
                                        {"target", ARDM_DT(ARDM_I32), 0, ARDM_MAX_RANK - 1, 0},
                                        {"children", ARDM_DT(ARDM_I32), 0, ARDM_MAX_RANK - 1, ARDM_PORT_OPTIONAL},
                                        {"lse", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0},
                                        {"dy", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0}};
static const ardm_port grad_outputs[] = {{"dz", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0}};
static const ardm_variant grad_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "rows", ARDM_EXACT, NULL, &ardm_cl_likelihood_softmax, grad_plan}};
static const ardm_case grad_cases[] = {
    {"f32[1,2] i32[1]{0:2} - f32[1] f32[1]", NULL},           {"f32[3,17,27] i32[3,17]{0:27} - f32[3,17]{3:5} f32[3,17]", NULL},
    {"f32[9,256] i32[9]{-1:256} - f32[9]{5:7} f32[9]", NULL}, {"f32[33,5]{-20:20} i32[33]{0:2} i32[33]{0:6} f32[33]{15:20} f32[33]", NULL},
    {"f32[4,1] i32[4]{0:1} - f32[4] f32[4]", NULL},           {"f32[0,4] i32[0]{0:4} - f32[0] f32[0]", NULL},
};
const ardm_op ardm_op_softmax_nll_grad = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "softmax_nll_grad",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .inputs = grad_inputs,
    .n_inputs = 5,
    .outputs = grad_outputs,
    .n_outputs = 1,
    .sums = "",
    .help = "gradient of softmax_nll",
    .infer = grad_infer,
    .reference = grad_reference,
    .oracle = grad_oracle,
    .bound = grad_bound,
    .cost = cost,
    .variants = grad_variants,
    .n_variants = sizeof grad_variants / sizeof grad_variants[0],
    .cases = grad_cases,
    .n_cases = sizeof grad_cases / sizeof grad_cases[0],
};
