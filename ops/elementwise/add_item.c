/* add_item: one row an item, added at all its positions (time and class embeddings). */
#include <stdio.h>

#include "ardm/thread.h"
#include "elementwise/maps.h"

extern const char *const ardm_cl_elementwise_add_item;

typedef struct job {
    const float *x, *b;
    float *y;
    int64_t positions, width;
} job;

static int64_t positions_of(const ardm_call *call) {
    int64_t items = call->in[0].dim[0], rows = ardm_shape_rows(&call->in[0], 1);
    return items > 0 && rows > 0 ? rows / items : 1;
}

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *x = &call->in[0], *b = &call->in[1];
    char left[128], right[128];
    if (b->dim[0] != x->dim[0] || b->dim[1] != ardm_shape_last(x, 0))
        return ardm_fail(ARDM_ESHAPE, "add_item: b is %s; for x, %s, it must be [%lld,%lld]", ardm_shape_text(b, right, sizeof right),
                         ardm_shape_text(x, left, sizeof left), (long long)x->dim[0], (long long)ardm_shape_last(x, 0));
    out[0] = *x;
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    (void)call;
    dx[0] = dy[0];
    dx[1] = builder->emit(builder, "position_sum", dy, 1, NULL, NULL);
    return ARDM_OK;
}

static void run(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    for (int64_t row = begin; row < end; ++row) ARDM_REFERENCE_CALL(map_two)
    (ARDM_MAP_ADD, j->x + row * j->width, j->b + row / j->positions * j->width, j->y + row * j->width, j->width);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    job j = {in[0], in[1], out[0], positions_of(call), ardm_shape_last(&call->in[0], 0)};
    ardm_parallel(ardm_shape_rows(&call->in[0], 1), ARDM_CHUNK / (j.width + 1) + 1, run, &j);
    return ARDM_OK;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t items = call->in[0].dim[0], width = call->in[1].dim[1], count = ardm_shape_count(&call->in[0]);
    const double *x = in[0], *b = in[1];
    double *y = out[0];
    for (int64_t n = 0, i = 0; n < items; ++n)
        for (int64_t end = i + count / items; i < end; ++i) y[i] = x[i] + b[n * width + i % width];
    return ARDM_OK;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = (double)ardm_shape_count(&call->in[0]);
    *bytes = *flops * 8 + (double)ardm_shape_bytes(&call->in[1]);
}

static ardm_status plan_rows(const ardm_call *call, ardm_recorder *recorder) {
    int64_t rows = ardm_shape_rows(&call->in[0], 1), width = ardm_shape_last(&call->in[0], 0);
    ARDM_TRY(ardm__check_launch(call, rows * width));
    if (rows * width == 0) return ARDM_OK;
    int64_t each = ardm__share(recorder, rows, (ARDM_CHUNK + width - 1) / width, 1);
    return ARDM_LAUNCH(recorder, "add_item_rows", "", 1, (uint64_t)((rows + each - 1) / each), 1, 1, 1, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0),
                       ARDM_INT(rows), ARDM_INT(positions_of(call)), ARDM_INT(width), ARDM_INT(each));
}

static ardm_status plan_each(const ardm_call *call, ardm_recorder *recorder) {
    int64_t count = ardm_shape_count(&call->in[0]);
    uint64_t group = ardm__group(recorder);
    ARDM_TRY(ardm__check_launch(call, count));
    if (count == 0) return ARDM_OK;
    return ARDM_LAUNCH(recorder, "add_item_each", "", 1, ardm__round_up(count, group), 1, 1, group, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0),
                       ARDM_INT(count), ARDM_INT(positions_of(call)), ARDM_INT(ardm_shape_last(&call->in[0], 0)));
}

static const ardm_port inputs[] = {{"x", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}, {"b", ARDM_DT(ARDM_F32), 2, 2, 0}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-rows", ARDM_EXACT, ardm__accept_cpu, &ardm_cl_elementwise_add_item, plan_rows},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-each", ARDM_EXACT, NULL, &ardm_cl_elementwise_add_item, plan_each}};
static const ardm_case cases[] = {{"f32[1,1] f32[1,1]", NULL},      {"f32[3,17,65] f32[3,65]", NULL}, {"f32[2,5,3,7] f32[2,7]", NULL},
                                  {"f32[0,4,3] f32[0,3]", NULL},    {"f32[2,0,3] f32[2,3]", NULL},    {"f32[5,9] f32[5,9]", NULL},
                                  {"f32[2,300,64] f32[2,64]", NULL}};
const ardm_op ardm_op_add_item = {ARDM_OP_ABI,
                                  sizeof(ardm_op),
                                  .name = "add_item",
                                  .version = 1,
                                  .inputs = inputs,
                                  .outputs = outputs,
                                  .n_inputs = 2,
                                  .n_outputs = 1,
                                  .sums = "",
                                  .help = "x + b, a row of b for all positions of an item",
                                  .infer = infer,
                                  .gradient = gradient,
                                  .reference = reference,
                                  .oracle = oracle,
                                  .ulps = 1,
                                  .cost = cost,
                                  .variants = variants,
                                  .n_variants = ARDM_LENGTH(variants),
                                  .cases = cases,
                                  .n_cases = ARDM_LENGTH(cases)};
