/* gather_rows: the rows of each item that a call is about, before the head, and the way back. */
#include <string.h>

#include "move/move.h"

extern const char *const ardm_cl_move_gather;

/* Extents of one use: N items of P positions of F elements, R rows of each. */
typedef struct extents {
    int64_t n, p, f, r;
} extents;

static extents extents_of(const ardm_shape *x, const ardm_shape *rows) {
    extents e = {x->dim[0], 1, ardm_shape_last(x, 0), rows->dim[1]};
    for (uint32_t axis = 1; axis + 1 < x->rank; ++axis) e.p *= x->dim[axis];
    return e;
}

static ardm_status same_items(const ardm_call *call, const ardm_shape *x, const ardm_shape *rows) {
    if (x->dim[0] == rows->dim[0]) return ARDM_OK;
    return ardm_fail(ARDM_ESHAPE, "%s: x has %lld items but rows is for %lld", call->op->name, (long long)x->dim[0], (long long)rows->dim[0]);
}

static ardm_status gather_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *x = &call->in[0], *rows = &call->in[1];
    ARDM_TRY(same_items(call, x, rows));
    out[0] = ardm_shape_make(x->dtype, 3, (const int64_t[]){x->dim[0], rows->dim[1], ardm_shape_last(x, 0)});
    return ARDM_OK;
}

static ardm_status gather_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = builder->emit(builder, "gather_rows_grad", (const ardm_value[]){call->x[1], dy[0], call->x[0]}, 3, NULL, NULL);
    dx[1] = -1;
    return ARDM_OK;
}

static ardm_status gather_reference(const ardm_call *call, const void *const *in, void *const *out) {
    extents e = extents_of(&call->in[0], &call->in[1]);
    size_t bytes = (size_t)e.f * ardm__reference_bytes(&call->in[0]);
    const int32_t *rows = in[1];
    for (int64_t i = 0; i < e.n * e.r; ++i) {
        char *to = (char *)out[0] + (size_t)i * bytes;
        if (rows[i] < 0 || rows[i] >= e.p)
            memset(to, 0, bytes);
        else
            memcpy(to, (const char *)in[0] + (size_t)(i / e.r * e.p + rows[i]) * bytes, bytes);
    }
    return ARDM_OK;
}

static ardm_status gather_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    extents e = extents_of(&call->in[0], &call->in[1]);
    size_t bytes = ardm__oracle_bytes(&call->in[0]);
    const int32_t *rows = in[1];
    memset(out[0], 0, (size_t)(e.n * e.r * e.f) * bytes);
    for (int64_t n = 0; n < e.n; ++n)
        for (int64_t r = 0; r < e.r; ++r)
            for (int64_t p = 0; p < e.p; ++p)
                for (int64_t f = 0; f < e.f && rows[n * e.r + r] == p; ++f)
                    memcpy((char *)out[0] + (size_t)((n * e.r + r) * e.f + f) * bytes,
                           (const char *)in[0] + (size_t)((n * e.p + p) * e.f + f) * bytes, bytes);
    return ARDM_OK;
}

static ardm_status gather_plan(const ardm_call *call, ardm_recorder *recorder) {
    extents e = extents_of(&call->in[0], &call->in[1]);
    ardm__strips w = ardm__strips_of(recorder->facts, e.n * e.r, e.f);
    return ARDM_LAUNCH(recorder, "gather", "", 2, w.global[0], w.global[1], 1, w.local, w.local, w.local, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0),
                       ARDM_INT(e.n * e.r), ARDM_INT(e.r), ARDM_INT(e.p), ARDM_INT(e.f), ARDM_INT(w.columns), ARDM_INT(w.each));
}

static const ardm_port gather_inputs[] = {{"x", ARDM_MOVED, 2, ARDM_MAX_RANK, 0}, {"rows", ARDM_DT(ARDM_I32), 2, 2, 0}};
static const ardm_port gather_outputs[] = {{"y", ARDM_MOVED, 3, 3, 0}};
static const ardm_variant gather_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_move_gather, gather_plan}};
static const ardm_case gather_cases[] = {
    {"f32[1,1,1] i32[1,1]{0:1}", NULL},     {"f32[3,17,5] i32[3,8]{-1:17}", NULL}, {"f32[2,4,5,65] i32[2,33]{-1:20}", NULL},
    {"f32[0,4,3] i32[0,2]{0:4}", NULL},     {"f32[2,4,3] i32[2,0]{0:4}", NULL},    {"i32[3,17,1]{0:256} i32[3,16]{-1:17}", NULL},
    {"f32[2,5,4100] i32[2,3]{-1:5}", NULL},
};
const ardm_op ardm_op_gather_rows = {ARDM_OP_ABI,
                                     sizeof(ardm_op),
                                     .name = "gather_rows",
                                     .version = 1,
                                     .inputs = gather_inputs,
                                     .n_inputs = 2,
                                     .outputs = gather_outputs,
                                     .n_outputs = 1,
                                     .sums = "",
                                     .help = "rows of each item by number; -1 gives a row of 0",
                                     .infer = gather_infer,
                                     .gradient = gather_gradient,
                                     .reference = gather_reference,
                                     .oracle = gather_oracle,
                                     .cost = ardm__move_cost,
                                     .variants = gather_variants,
                                     .n_variants = ARDM_LENGTH(gather_variants),
                                     .cases = gather_cases,
                                     .n_cases = ARDM_LENGTH(gather_cases)};

/* --- gather_rows_grad: dx[n,p] = sum of dy[n,r] over the rows r with number p, ascending, F after each addition. The rows of an
 * item are distinct in our graphs; then this is the one term. ------------------------------------------------------------------- */

static ardm_status scatter_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *rows = &call->in[0], *dy = &call->in[1], *x = &call->in[2];
    ARDM_TRY(same_items(call, x, rows));
    if (dy->dim[0] != rows->dim[0] || dy->dim[1] != rows->dim[1] || dy->dim[2] != ardm_shape_last(x, 0))
        return ardm_fail(ARDM_ESHAPE, "gather_rows_grad: dy is [%lld,%lld,%lld]; rows and x say [%lld,%lld,%lld]", (long long)dy->dim[0],
                         (long long)dy->dim[1], (long long)dy->dim[2], (long long)rows->dim[0], (long long)rows->dim[1],
                         (long long)ardm_shape_last(x, 0));
    out[0] = *x;
    return ARDM_OK;
}

static ardm_status scatter_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = dx[2] = -1;
    dx[1] = builder->emit(builder, "gather_rows", (const ardm_value[]){dy[0], call->x[0]}, 2, NULL, NULL);
    return ARDM_OK;
}

static ardm_status scatter_reference(const ardm_call *call, const void *const *in, void *const *out) {
    extents e = extents_of(&call->in[2], &call->in[0]);
    const int32_t *rows = in[0];
    const float *dy = in[1];
    float *dx = out[0];
    memset(dx, 0, (size_t)(e.n * e.p * e.f) * sizeof *dx);
    for (int64_t i = 0; i < e.n * e.r; ++i) {
        if (rows[i] < 0 || rows[i] >= e.p) continue;
        float *to = dx + (i / e.r * e.p + rows[i]) * e.f;
        for (int64_t f = 0; f < e.f; ++f) to[f] = ardm_flush(to[f] + dy[i * e.f + f]);
    }
    return ARDM_OK;
}

static ardm_status scatter_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    extents e = extents_of(&call->in[2], &call->in[0]);
    const int32_t *rows = in[0];
    const double *dy = in[1];
    double *dx = out[0];
    for (int64_t n = 0; n < e.n; ++n)
        for (int64_t p = 0; p < e.p; ++p)
            for (int64_t f = 0; f < e.f; ++f) {
                double sum = 0;
                for (int64_t r = 0; r < e.r; ++r)
                    if (rows[n * e.r + r] == p) sum += dy[(n * e.r + r) * e.f + f];
                dx[(n * e.p + p) * e.f + f] = sum;
            }
    return ARDM_OK;
}

/* R additions at most, each off by half a unit of the largest partial sum and by one F. */
static void scatter_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound) {
    extents e = extents_of(&call->in[2], &call->in[0]);
    const int32_t *rows = in[0];
    const double *dy = in[1];
    (void)k;
    (void)out;
    for (int64_t i = 0; i < e.n * e.p * e.f; ++i) bound[i] = 0x1p-39;
    for (int64_t i = 0; i < e.n * e.r; ++i)
        for (int64_t f = 0; f < e.f && rows[i] >= 0 && rows[i] < e.p; ++f) {
            double term = dy[i * e.f + f];
            bound[(i / e.r * e.p + rows[i]) * e.f + f] += (double)e.r * 0x1p-24 * (term < 0 ? -term : term) + 0x1p-39;
        }
}

static ardm_status scatter_plan(const ardm_call *call, ardm_recorder *recorder) {
    extents e = extents_of(&call->in[2], &call->in[0]);
    int64_t columns = recorder->facts->device_class == ARDM_CLASS_CPU ? 256 : 1;
    uint64_t local = recorder->facts->device_class == ARDM_CLASS_CPU;
    return ARDM_LAUNCH(recorder, "scatter", "", 2, (uint64_t)((e.f + columns - 1) / columns), (uint64_t)e.n, 1, local, local, local, ARDM_IN(0),
                       ARDM_IN(1), ARDM_OUT(0), ARDM_INT(e.r), ARDM_INT(e.p), ARDM_INT(e.f), ARDM_INT(columns));
}

static const ardm_port scatter_inputs[] = {
    {"rows", ARDM_DT(ARDM_I32), 2, 2, 0}, {"dy", ARDM_DT(ARDM_F32), 3, 3, 0}, {"x", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_port scatter_outputs[] = {{"dx", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_variant scatter_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_move_gather, scatter_plan}};
static const ardm_case scatter_cases[] = {
    {"i32[1,1]{0:1} f32[1,1,1] f32[1,1,1]", NULL},           {"i32[3,8]{-1:17} f32[3,8,5] f32[3,17,5]", NULL},
    {"i32[2,33]{-1:20} f32[2,33,300] f32[2,4,5,300]", NULL}, {"i32[0,2]{0:4} f32[0,2,3] f32[0,4,3]", NULL},
    {"i32[2,0]{0:4} f32[2,0,3] f32[2,4,3]", NULL},
};
const ardm_op ardm_op_gather_rows_grad = {ARDM_OP_ABI,
                                          sizeof(ardm_op),
                                          .name = "gather_rows_grad",
                                          .version = 1,
                                          .inputs = scatter_inputs,
                                          .n_inputs = 3,
                                          .outputs = scatter_outputs,
                                          .n_outputs = 1,
                                          .sums = "ascending over rows, F after each",
                                          .help = "gives rows back to their positions; -1 gives nothing",
                                          .infer = scatter_infer,
                                          .gradient = scatter_gradient,
                                          .reference = scatter_reference,
                                          .oracle = scatter_oracle,
                                          .bound = scatter_bound,
                                          .cost = ardm__move_cost,
                                          .variants = scatter_variants,
                                          .n_variants = ARDM_LENGTH(scatter_variants),
                                          .cases = scatter_cases,
                                          .n_cases = ARDM_LENGTH(scatter_cases)};
