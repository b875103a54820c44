/* sum: everything to one number. Row sums are F of a block sum; rows are added by the tree when their number is a power of two, so
 * that a batch split into subtrees gives the same number, else by a block sum. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ardm/thread.h"
#include "reduce/sums.h"

extern const char *const ardm_cl_reduce_sum;

/* Up to this many elements a second launch costs more than it saves. */
enum { SMALL = 32768 };

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    (void)call;
    out[0] = ardm_shape_make(ARDM_F32, 0, NULL);
    return ARDM_OK;
}

/* dx = 0 x + dy everywhere. */
static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    ardm_value in[2] = {builder->emit(builder, "scale", call->x, 1, "by=0", NULL), dy[0]};
    dx[0] = builder->emit(builder, "add", in, 2, NULL, NULL);
    return ARDM_OK;
}

typedef struct job {
    const float *x;
    float *sums;
    int64_t width;
} job;

static void run(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    ARDM_REFERENCE_CALL(row_sums)(j->x, j->sums, j->width, begin, end);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t rows = ardm_shape_rows(&call->in[0], 1), width = ardm_shape_last(&call->in[0], 0);
    float *sums = malloc((size_t)(rows ? rows : 1) * sizeof *sums);
    if (!sums) return ardm_fail(ARDM_ENOMEM, "sum: no memory for %lld row sums", (long long)rows);
    job j = {in[0], sums, width};
    ardm_parallel(rows, 1 + 65536 / (1 + width), run, &j);
    if (ardm__is_power_of_two(rows))
        ARDM_REFERENCE_CALL(tree_sums)(sums, out[0], rows, 1, 0, 1);
    else
        ARDM_REFERENCE_CALL(column_sums)(sums, out[0], rows, 1, 0, 1);
    free(sums);
    return ARDM_OK;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    double total = 0;
    for (int64_t i = 0; i < ardm_shape_count(&call->in[0]); ++i) total += ((const double *)in[0])[i];
    *(double *)out[0] = total;
    return ARDM_OK;
}

static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    int64_t rows = ardm_shape_rows(&call->in[0], 1), width = ardm_shape_last(&call->in[0], 0), count = ardm_shape_count(&call->in[0]);
    double sum = 0, depth = (double)(ARDM_BLOCK + width / ARDM_BLOCK + 2 + ARDM_BLOCK + rows / ARDM_BLOCK + 2);
    (void)k;
    (void)out;
    for (int64_t i = 0; i < count; ++i) sum += fabs(((const double *)in[0])[i]);
    *limit = 0x1p-24 * 1.01 * (depth < (double)count ? depth : (double)count) * sum + 0x1p-40 * 2 * (double)(rows + 1);
}

typedef struct layout {
    int64_t rows, width, blocks;
    uint32_t work;
} layout;

static ardm_status lay_out(layout *out, const ardm_call *call, ardm_recorder *recorder) {
    ARDM_TRY(ardm__check_launch(call, ardm_shape_count(&call->in[0])));
    out->rows = ardm_shape_rows(&call->in[0], 1);
    out->width = ardm_shape_last(&call->in[0], 0);
    out->blocks = (out->width + ARDM_BLOCK - 1) / ARDM_BLOCK;
    return recorder->workspace(recorder, (uint64_t)(out->rows * (out->blocks + 1) + 1) * sizeof(float), &out->work);
}

static ardm_status plan_chains(const ardm_call *call, ardm_recorder *recorder) {
    layout lay;
    ARDM_TRY(lay_out(&lay, call, recorder));
    if (lay.rows * lay.width <= SMALL)
        return ARDM_LAUNCH(recorder, "sum_small", "", 1, 1, 1, 1, 1, 1, 1, ARDM_IN(0), ARDM_WORK(lay.work), ARDM_OUT(0), ARDM_INT(lay.rows),
                           ARDM_INT(lay.width), ARDM_INT(lay.blocks));
    int64_t all = lay.rows * lay.blocks, each = ardm__share(recorder, all, lay.width < ARDM_BLOCK ? ARDM_CHUNK / lay.width + 1 : 16, 16);
    ARDM_TRY(ARDM_LAUNCH(recorder, "sum_blocks", "", 1, (uint64_t)((all + each - 1) / each), 1, 1, 1, 1, 1, ARDM_IN(0), ARDM_WORK(lay.work),
                         ARDM_INT(lay.rows), ARDM_INT(lay.width), ARDM_INT(lay.blocks), ARDM_INT(each)));
    return ARDM_LAUNCH(recorder, "sum_finish", "", 1, 1, 1, 1, 1, 1, 1, ARDM_WORK(lay.work), ARDM_OUT(0), ARDM_INT(lay.rows), ARDM_INT(lay.blocks));
}

static ardm_status plan_groups(const ardm_call *call, ardm_recorder *recorder) {
    layout lay;
    ARDM_TRY(lay_out(&lay, call, recorder));
    uint64_t group = ardm__group(recorder), all = ardm__round_up(lay.rows * lay.blocks, group), rows = ardm__round_up(lay.rows, group);
    if (all > 0)
        ARDM_TRY(ARDM_LAUNCH(recorder, "sum_block_each", "", 1, all, 1, 1, group, 1, 1, ARDM_IN(0), ARDM_WORK(lay.work), ARDM_INT(lay.rows),
                             ARDM_INT(lay.width), ARDM_INT(lay.blocks)));
    if (rows > 0)
        ARDM_TRY(
            ARDM_LAUNCH(recorder, "sum_row_each", "", 1, rows, 1, 1, group, 1, 1, ARDM_WORK(lay.work), ARDM_INT(lay.rows), ARDM_INT(lay.blocks)));
    return ARDM_LAUNCH(recorder, "sum_group", "", 1, group, 1, 1, group, 1, 1, ARDM_WORK(lay.work), ARDM_OUT(0), ARDM_INT(lay.rows),
                       ARDM_INT(lay.blocks));
}

static const ardm_port inputs[] = {{"x", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK, 0}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 0, 0, 0}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-chains", ARDM_EXACT, ardm__accept_cpu, &ardm_cl_reduce_sum, plan_chains},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-group", ARDM_EXACT, NULL, &ardm_cl_reduce_sum, plan_groups}};
/* Rows: none, one, a power of two below and above a group, and neither; the last need more than one block of row sums. */
static const ardm_case cases[] = {
    {"f32[]", NULL},       {"f32[1]", NULL},     {"f32[0]", NULL},       {"f32[0,4]", NULL},     {"f32[3,0]", NULL},
    {"f32[257]", NULL},    {"f32[4,1]", NULL},   {"f32[5,43]", NULL},    {"f32[16,3,70]", NULL}, {"f32[128,300]", NULL},
    {"f32[7,9000]", NULL}, {"f32[300,3]", NULL}, {"f32[1,70001]", NULL}, {"f32[8,4096]", NULL},  {"f32[4,9]{-2e-12:2e-12}", NULL}};
const ardm_op ardm_op_sum = {ARDM_OP_ABI,
                             sizeof(ardm_op),
                             .name = "sum",
                             .version = 1,
                             .inputs = inputs,
                             .outputs = outputs,
                             .n_inputs = 1,
                             .n_outputs = 1,
                             .sums = "block along rows, then tree or block over rows",
                             .help = "everything to one number",
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
