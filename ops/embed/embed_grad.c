/* Gradient of an embedding table: a stable counting sort of each part's positions by token, then a sum over each list. */
#include "embed/embed.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/thread.h"

extern const char *const ardm_cl_embed_embed;

typedef struct extents {
    int64_t parts, rows, classes, width; /* rows of a part */
} extents;

static extents find(const ardm_call *call) {
    const int64_t items = call->in[0].dim[0], group = call->attrs[1].i, parts = items / group;
    return (extents){parts, parts > 0 ? ardm_shape_count(&call->in[0]) / parts : 0, call->attrs[0].i, ardm_shape_last(&call->in[1], 0)};
}

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    const ardm_shape *ids = &call->in[0], *dy = &call->in[1];
    char text[2][128];
    ardm_shape want = ardm_shape_make(ARDM_F32, ids->rank, ids->dim);
    want.dim[want.rank++] = ardm_shape_last(dy, 0);
    if (!ardm_shape_equal(dy, &want))
        return ardm_fail(ARDM_ESHAPE, "embed_grad: dy is %s for ids %s", ardm_shape_text(dy, text[0], sizeof text[0]),
                         ardm_shape_text(ids, text[1], sizeof text[1]));
    if (ids->dim[0] % call->attrs[1].i != 0)
        return ardm_fail(ARDM_ESHAPE, "embed_grad: %" PRId64 " items are no whole number of groups of %" PRId64, ids->dim[0], call->attrs[1].i);
    const extents e = find(call);
    outputs[0] = ardm_shape_make(ARDM_F32, 3, (const int64_t[]){e.parts, e.classes, e.width});
    return ARDM_OK;
}

typedef struct job {
    extents e;
    const int32_t *ids;
    int32_t *order, *ends;
    ardm_embed_sums sums;
} job;

static void sort(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    for (int64_t part = begin; part < end; ++part) {
        const int32_t *ids = j->ids + part * j->e.rows;
        int32_t *order = j->order + part * j->e.rows, *ends = j->ends + part * j->e.classes, below = 0;
        memset(ends, 0, (size_t)j->e.classes * sizeof *ends);
        for (int64_t i = 0; i < j->e.rows; ++i)
            if (ids[i] >= 0 && ids[i] < j->e.classes) ends[ids[i]]++;
        for (int64_t token = 0; token < j->e.classes; ++token) {
            const int32_t count = ends[token];
            ends[token] = below;
            below += count;
        }
        for (int64_t i = 0; i < j->e.rows; ++i)
            if (ids[i] >= 0 && ids[i] < j->e.classes) order[ends[ids[i]]++] = (int32_t)i;
    }
}

static void sum(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    ARDM_REFERENCE_CALL(embed_sums)(&j->sums, begin, end);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    job j = {.e = find(call), .ids = in[0]};
    const size_t n_order = (size_t)(j.e.parts * j.e.rows), n_ends = (size_t)(j.e.parts * j.e.classes);
    j.order = malloc((n_order + n_ends + 1) * sizeof *j.order);
    if (!j.order) return ardm_fail(ARDM_ENOMEM, "embed_grad: no memory for %zu sorted positions", n_order);
    j.ends = j.order + n_order;
    j.sums = (ardm_embed_sums){in[1], j.order, j.ends, out[0], j.e.rows, j.e.classes, j.e.width};
    ardm_parallel(j.e.parts, 1, sort, &j);
    ardm_parallel(j.e.parts * j.e.classes, 8, sum, &j);
    free(j.order);
    return ARDM_OK;
}

/* The sum of every dy whose id is the token; `errors`: of (rows + 2) u |dy| instead, the error of a sum in any order. */
static void add(const ardm_call *call, const void *const *in, double *out, int errors) {
    const extents e = find(call);
    const int32_t *ids = in[0];
    const double *dy = in[1];
    for (int64_t i = 0; i < e.parts * e.classes * e.width; ++i) out[i] = errors ? 0x1p-40 : 0;
    for (int64_t row = 0; row < e.parts * e.rows; ++row)
        for (int64_t c = 0; c < e.width; ++c) {
            const double d = dy[row * e.width + c];
            if (ids[row] >= 0 && ids[row] < e.classes)
                out[(row / e.rows * e.classes + ids[row]) * e.width + c] += errors ? (double)(e.rows + 2) * 0x1p-24 * fabs(d) : d;
        }
}
static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    add(call, in, out[0], 0);
    return ARDM_OK;
}
static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *to) {
    (void)k, (void)out;
    add(call, in, to, 1);
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    const extents e = find(call);
    *flops = (double)e.parts * (double)e.rows * (double)e.width;
    *bytes = 4.0 * (double)e.parts * (double)e.width * (double)(e.rows + e.classes);
}

/* Each work-item of the sort reads a part's ids twice: few ranges where work-items are few and wide, many where they are many. */
static ardm_status plan(const ardm_call *call, ardm_recorder *recorder, int32_t gpu) {
    const extents e = find(call);
    const int64_t wanted = gpu ? (e.classes + 15) / 16 : 1 + 16 / (e.parts + 1), range = (e.classes + wanted - 1) / wanted,
                  per = 1 + 1024 / (e.width + 1);
    uint32_t order, ends;
    ARDM_TRY(recorder->workspace(recorder, 4 * (uint64_t)(e.parts * e.rows), &order));
    ARDM_TRY(recorder->workspace(recorder, 4 * (uint64_t)(e.parts * e.classes), &ends));
    ARDM_TRY(ARDM_LAUNCH(recorder, "embed_sort", "", 2, (uint64_t)((e.classes + range - 1) / range), (uint64_t)e.parts, 1, 1, 1, 1, ARDM_IN(0),
                         ARDM_WORK(order), ARDM_WORK(ends), ARDM_INT(e.rows), ARDM_INT(e.classes), ARDM_INT(range)));
    if (gpu)
        return ARDM_LAUNCH(recorder, "embed_sum_wide", "", 3, (uint64_t)((e.width + 31) / 32 * 32), (uint64_t)e.classes, (uint64_t)e.parts, 32, 1, 1,
                           ARDM_IN(1), ARDM_WORK(order), ARDM_WORK(ends), ARDM_OUT(0), ARDM_INT(e.rows), ARDM_INT(e.classes), ARDM_INT(e.width));
    return ARDM_LAUNCH(recorder, "embed_sum", "", 2, (uint64_t)((e.classes + per - 1) / per), (uint64_t)e.parts, 1, 1, 1, 1, ARDM_IN(1),
                       ARDM_WORK(order), ARDM_WORK(ends), ARDM_OUT(0), ARDM_INT(e.rows), ARDM_INT(e.classes), ARDM_INT(e.width), ARDM_INT(per));
}
static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) { return plan(call, recorder, 0); }
static ardm_status plan_gpu(const ardm_call *call, ardm_recorder *recorder) { return plan(call, recorder, 1); }

static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-element", ARDM_EXACT, ardm__embed_accept_gpu, &ardm_cl_embed_embed, plan_gpu},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-sort", ARDM_EXACT, ardm__embed_accept_cpu, &ardm_cl_embed_embed, plan_cpu},
};
static const ardm_attr attrs[] = {
    {"classes", ARDM_ATTR_INT, NULL, 1, 1 << 24, "rows of the table"},
    {"group", ARDM_ATTR_INT, NULL, 1, 1 << 20, "items a partial gradient"},
};
static const ardm_port inputs[] = {{"ids", ARDM_DT(ARDM_I32), 1, 4, 0}, {"dy", ARDM_DT(ARDM_F32), 2, 5, 0}};
static const ardm_port outputs[] = {{"dtable", ARDM_DT(ARDM_F32), 3, 3, 0}};
static const ardm_case cases[] = {
    {"i32[1]{0:1} f32[1,1]", "classes=1, group=1"},
    {"i32[0,4]{0:2} f32[0,4,3]", "classes=2, group=1"},
    {"i32[6,17]{-2:29} f32[6,17,19]", "classes=27, group=3"},
    {"i32[4,300]{0:2} f32[4,300,70]", "classes=5, group=2"},
    {"i32[2,3,5,7]{-1:256} f32[2,3,5,7,64]", "classes=256, group=2"},
    {"i32[2,40]{0:16384} f32[2,40,16]", "classes=16384, group=1"},
};

const ardm_op ardm_op_embed_grad = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "embed_grad",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = attrs,
    .n_attrs = 2,
    .inputs = inputs,
    .outputs = outputs,
    .n_inputs = 2,
    .n_outputs = 1,
    .sums = "block over each token's positions of a part, counted in the token's own list",
    .help = "gradient of embed's table as partials [parts, classes, width]",
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
