/* tree_sum: groups of a global batch, added in a perfect binary tree by index (numerics.md 3). F stands at every node, not only
 * at the root, so that a subtree computed by another device, rank or accumulation step is the same number. */
#include <math.h>
#include <stdio.h>

#include "ardm/thread.h"
#include "reduce/sums.h"

extern const char *const ardm_cl_reduce_tree;

enum { TILE = 256 };

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *x = &call->in[0];
    out[0] = ardm_shape_make(ARDM_F32, x->rank - 1, x->dim + 1);
    return ARDM_OK;
}

/* Not in infer: there extents are nominal. */
static ardm_status check_count(const ardm_call *call) {
    int64_t count = call->in[0].dim[0];
    if (ardm__is_power_of_two(count) && count <= INT64_C(1) << 30) return ARDM_OK;
    return ardm_fail(ARDM_ESHAPE, "tree_sum: %lld groups; a power of two up to 2^30 is required", (long long)count);
}

/* dx = 0 x + dy in every group. */
static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    ardm_value in[2] = {builder->emit(builder, "scale", call->x, 1, "by=0", NULL), dy[0]};
    dx[0] = builder->emit(builder, "add", in, 2, NULL, NULL);
    return ARDM_OK;
}

typedef struct job {
    const float *x;
    float *y;
    int64_t count, width;
} job;

static void run(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    ARDM_REFERENCE_CALL(tree_sums)(j->x, j->y, j->count, j->width, begin, end);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    job j = {in[0], out[0], call->in[0].dim[0], ardm_shape_count(&call->out[0])};
    ARDM_TRY(check_count(call));
    ardm_parallel(j.width, ARDM_CHUNK, run, &j);
    return ARDM_OK;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t width = ardm_shape_count(&call->out[0]);
    for (int64_t d = 0; d < width; ++d) {
        double sum = 0;
        for (int64_t i = 0; i < call->in[0].dim[0]; ++i) sum += ((const double *)in[0])[i * width + d];
        ((double *)out[0])[d] = sum;
    }
    return ARDM_OK;
}

/* A term passes one rounding and one F a level. */
static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    int64_t count = call->in[0].dim[0], width = ardm_shape_count(&call->out[0]);
    const double *x = in[0];
    double levels = 0;
    (void)k;
    (void)out;
    for (int64_t n = count; n > 1; n /= 2) ++levels;
    for (int64_t d = 0; d < width; ++d) {
        double sum = 0;
        for (int64_t i = 0; i < count; ++i) sum += fabs(x[i * width + d]);
        limit[d] = 0x1p-24 * 1.01 * levels * sum + 0x1p-40 * 2 * (double)count;
    }
}

static ardm_status plan_tiles(const ardm_call *call, ardm_recorder *recorder) {
    int64_t count = call->in[0].dim[0], width = ardm_shape_count(&call->out[0]);
    ARDM_TRY(check_count(call));
    ARDM_TRY(ardm__check_launch(call, ardm_shape_count(&call->in[0])));
    if (width == 0) return ARDM_OK;
    int64_t each = ardm__share(recorder, width, (ARDM_CHUNK + count - 1) / count, TILE);
    return ARDM_LAUNCH(recorder, "tree_tiles", "", 1, (uint64_t)((width + each - 1) / each), 1, 1, 1, 1, 1, ARDM_IN(0), ARDM_OUT(0), ARDM_INT(count),
                       ARDM_INT(width), ARDM_INT(each));
}

static ardm_status plan_each(const ardm_call *call, ardm_recorder *recorder) {
    int64_t count = call->in[0].dim[0], width = ardm_shape_count(&call->out[0]);
    ARDM_TRY(check_count(call));
    ARDM_TRY(ardm__check_launch(call, ardm_shape_count(&call->in[0])));
    if (width == 0) return ARDM_OK;
    uint64_t group = ardm__group(recorder);
    return ARDM_LAUNCH(recorder, "tree_each", "", 1, ardm__round_up(width, group), 1, 1, group, 1, 1, ARDM_IN(0), ARDM_OUT(0), ARDM_INT(count),
                       ARDM_INT(width));
}

static const ardm_port inputs[] = {{"x", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK - 1, 0}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-tiles", ARDM_EXACT, ardm__accept_cpu, &ardm_cl_reduce_tree, plan_tiles},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-each", ARDM_EXACT, NULL, &ardm_cl_reduce_tree, plan_each}};
static const ardm_case cases[] = {{"f32[1,5]", NULL}, {"f32[1]", NULL},    {"f32[2,17,3]", NULL}, {"f32[64,257]", NULL},
                                  {"f32[4,0]", NULL}, {"f32[1024]", NULL}, {"f32[8,9001]", NULL}, {"f32[16,33]{-2e-12:2e-12}", NULL}};
const ardm_op ardm_op_tree_sum = {ARDM_OP_ABI,
                                  sizeof(ardm_op),
                                  .name = "tree_sum",
                                  .version = 1,
                                  .inputs = inputs,
                                  .outputs = outputs,
                                  .n_inputs = 1,
                                  .n_outputs = 1,
                                  .sums = "tree over groups",
                                  .help = "adds the groups of a batch in a perfect binary tree",
                                  .infer = infer,
                                  .gradient = gradient,
                                  .reference = reference,
                                  .oracle = oracle,
                                  .bound = bound,
                                  .cost = ardm__sum_cost,
                                  .variants = variants,
                                  .n_variants = ARDM_LENGTH(variants),
                                  .cases = cases,
                                  .n_cases = ARDM_LENGTH(cases)};
