/* column_sum and position_sum: block sums down the columns, a sum a group of items. They are the gradients of what is shared by
 * positions: biases, scales, embeddings. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ardm/thread.h"
#include "reduce/sums.h"

extern const char *const ardm_cl_reduce_columns;

enum { TILE = 64 };

/* x seen as [groups, terms, width]. */
typedef struct columns {
    int64_t groups, terms, width;
} columns;

static columns columns_of(const ardm_call *call) {
    const ardm_shape *x = &call->in[0];
    columns c = {call->out[0].dim[0], 1, ardm_shape_last(x, 0)};
    for (uint32_t axis = 1; axis + 1 < x->rank; ++axis) c.terms *= x->dim[axis];
    c.terms *= c.groups > 0 ? x->dim[0] / c.groups : 0;
    return c;
}

static ardm_status column_sum_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *x = &call->in[0];
    int64_t group = call->attrs[0].i;
    if (x->dim[0] % group != 0)
        return ardm_fail(ARDM_ESHAPE, "column_sum: %lld items are no multiple of the group, %lld", (long long)x->dim[0], (long long)group);
    int64_t dim[2] = {x->dim[0] / group, ardm_shape_last(x, 0)};
    out[0] = ardm_shape_make(ARDM_F32, 2, dim);
    return ARDM_OK;
}

static ardm_status position_sum_infer(const ardm_call *call, ardm_shape *out) {
    int64_t dim[2] = {call->in[0].dim[0], ardm_shape_last(&call->in[0], 0)};
    out[0] = ardm_shape_make(ARDM_F32, 2, dim);
    return ARDM_OK;
}

/* dx = 0 x + dy at every position. */
static ardm_status position_sum_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    ardm_value in[2] = {builder->emit(builder, "scale", call->x, 1, "by=0", NULL), dy[0]};
    dx[0] = builder->emit(builder, "add_item", in, 2, NULL, NULL);
    return ARDM_OK;
}

typedef struct job {
    const float *x;
    float *y;
    columns c;
    int64_t tiles;
} job;

static void run(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    for (int64_t at = begin; at < end; ++at) {
        int64_t group = at / j->tiles, first = at % j->tiles * TILE, last = first + TILE < j->c.width ? first + TILE : j->c.width;
        ARDM_REFERENCE_CALL(column_sums)
        (j->x + group * j->c.terms * j->c.width, j->y + group * j->c.width, j->c.terms, j->c.width, first, last);
    }
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    job j = {in[0], out[0], columns_of(call), 0};
    j.tiles = (j.c.width + TILE - 1) / TILE;
    ardm_parallel(j.c.groups * j.tiles, 1 + 65536 / (1 + TILE * j.c.terms), run, &j);
    return ARDM_OK;
}

/* Walks x once in memory order. */
static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t count = ardm_shape_count(&call->in[0]), width = ardm_shape_last(&call->in[0], 0), cells = ardm_shape_count(&call->out[0]);
    const double *x = in[0];
    double *y = out[0];
    for (int64_t i = 0; i < cells; ++i) y[i] = 0;
    for (int64_t i = 0; i < count; ++i) y[i / (count / (cells / width)) * width + i % width] += x[i];
    return ARDM_OK;
}

/* A term passes at most 256 additions in its block and one a block behind it: |error| <= (256 + blocks) 2^-24 sum |x|. */
static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    columns c = columns_of(call);
    double depth = (double)(c.terms < ARDM_BLOCK ? c.terms : ARDM_BLOCK + (c.terms + ARDM_BLOCK - 1) / ARDM_BLOCK);
    const double *x = in[0];
    (void)k;
    (void)out;
    for (int64_t cell = 0; cell < c.groups * c.width; ++cell) {
        double sum = 0;
        for (int64_t t = 0; t < c.terms; ++t) sum += fabs(x[(cell / c.width * c.terms + t) * c.width + cell % c.width]);
        limit[cell] = 0x1p-24 * 1.01 * depth * sum + 0x1p-39;
    }
}

void ardm__sum_cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = (double)ardm_shape_count(&call->in[0]);
    *bytes = (double)(ardm_shape_bytes(&call->in[0]) + ardm_shape_bytes(&call->out[0]));
}

int32_t ardm__is_power_of_two(int64_t n) { return n > 0 && (n & (n - 1)) == 0; }

/* With enough tiles a work-item adds all blocks of its columns; else blocks are work-items and a second launch adds them. */
static ardm_status plan_tiles(const ardm_call *call, ardm_recorder *recorder) {
    columns c = columns_of(call);
    ARDM_TRY(ardm__check_launch(call, ardm_shape_count(&call->in[0])));
    if (c.groups * c.width == 0) return ARDM_OK;
    int64_t units = recorder->facts && recorder->facts->compute_units ? recorder->facts->compute_units : 1;
    int64_t tiles = (c.width + TILE - 1) / TILE, blocks = (c.terms + ARDM_BLOCK - 1) / ARDM_BLOCK;
    int whole = blocks <= 1 || tiles * c.groups >= 4 * units;
    uint32_t work = 0;
    if (!whole) ARDM_TRY(recorder->workspace(recorder, (uint64_t)(c.groups * blocks * c.width) * sizeof(float), &work));
    ARDM_TRY(ARDM_LAUNCH(recorder, "column_tiles", "", 3, (uint64_t)tiles, whole ? 1 : (uint64_t)blocks, (uint64_t)c.groups, 1, 1, 1, ARDM_IN(0),
                         whole ? ARDM_OUT(0) : ARDM_WORK(work), ARDM_INT(c.terms), ARDM_INT(c.width), ARDM_INT(c.groups * c.terms * c.width),
                         ARDM_INT(whole)));
    if (whole) return ARDM_OK;
    return ARDM_LAUNCH(recorder, "fold_tiles", "", 2, (uint64_t)tiles, (uint64_t)c.groups, 1, 1, 1, 1, ARDM_WORK(work), ARDM_OUT(0), ARDM_INT(blocks),
                       ARDM_INT(c.width));
}

static ardm_status plan_each(const ardm_call *call, ardm_recorder *recorder) {
    columns c = columns_of(call);
    ARDM_TRY(ardm__check_launch(call, ardm_shape_count(&call->in[0])));
    if (c.groups * c.width == 0) return ARDM_OK;
    uint64_t group = ardm__group(recorder), across = ardm__round_up(c.width, group);
    int64_t blocks = (c.terms + ARDM_BLOCK - 1) / ARDM_BLOCK;
    uint32_t work = 0;
    ARDM_TRY(recorder->workspace(recorder, (uint64_t)(c.groups * (blocks ? blocks : 1) * c.width) * sizeof(float), &work));
    if (blocks > 0)
        ARDM_TRY(ARDM_LAUNCH(recorder, "column_each", "", 3, across, (uint64_t)blocks, (uint64_t)c.groups, group, 1, 1, ARDM_IN(0), ARDM_WORK(work),
                             ARDM_INT(c.terms), ARDM_INT(c.width)));
    return ARDM_LAUNCH(recorder, "fold_each", "", 2, across, (uint64_t)c.groups, 1, group, 1, 1, ARDM_WORK(work), ARDM_OUT(0), ARDM_INT(blocks),
                       ARDM_INT(c.width));
}

static const ardm_port inputs[] = {{"x", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 2, 2, 0}};
static const ardm_attr attrs[] = {{"group", ARDM_ATTR_INT, NULL, 1, 1 << 30, "items a sum covers"}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-tiles", ARDM_EXACT, ardm__accept_cpu, &ardm_cl_reduce_columns, plan_tiles},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-each", ARDM_EXACT, NULL, &ardm_cl_reduce_columns, plan_each}};
/* 257 and 600 terms pass block ends; widths lie below, at and between the vectors of a tile. */
static const ardm_case column_cases[] = {{"f32[1,1]", "group=1"},       {"f32[6,43,5]", "group=3"},   {"f32[257,17]", "group=257"},
                                         {"f32[2,300,130]", "group=2"}, {"f32[4,3,5,64]", "group=1"}, {"f32[0,4]", "group=2"},
                                         {"f32[2,0,3]", "group=2"},     {"f32[600,1]", "group=600"},  {"f32[1200,81]", "group=600"},
                                         {"f32[2,3,0]", "group=2"},     {"f32[512,256]", "group=512"}};
static const ardm_case position_cases[] = {{"f32[1,1]", NULL},   {"f32[3,43,5]", NULL}, {"f32[2,17,19,33]", NULL}, {"f32[0,4,2]", NULL},
                                           {"f32[2,0,3]", NULL}, {"f32[5,9]", NULL},    {"f32[2,600,96]", NULL},   {"f32[1,5,67,3]", NULL}};
const ardm_op ardm_op_column_sum = {ARDM_OP_ABI,
                                    sizeof(ardm_op),
                                    .name = "column_sum",
                                    .version = 1,
                                    .flags = ARDM_OP_NO_GRADIENT,
                                    .attrs = attrs,
                                    .n_attrs = 1,
                                    .inputs = inputs,
                                    .outputs = outputs,
                                    .n_inputs = 1,
                                    .n_outputs = 1,
                                    .sums = "block over (item, position) of a group",
                                    .help = "sums over the items and positions of a group",
                                    .infer = column_sum_infer,
                                    .reference = reference,
                                    .oracle = oracle,
                                    .bound = bound,
                                    .cost = ardm__sum_cost,
                                    .variants = variants,
                                    .n_variants = ARDM_LENGTH(variants),
                                    .cases = column_cases,
                                    .n_cases = ARDM_LENGTH(column_cases)};
const ardm_op ardm_op_position_sum = {ARDM_OP_ABI,
                                      sizeof(ardm_op),
                                      .name = "position_sum",
                                      .version = 1,
                                      .inputs = inputs,
                                      .outputs = outputs,
                                      .n_inputs = 1,
                                      .n_outputs = 1,
                                      .sums = "block over positions",
                                      .help = "sums over the positions of an item",
                                      .infer = position_sum_infer,
                                      .gradient = position_sum_gradient,
                                      .reference = reference,
                                      .oracle = oracle,
                                      .bound = bound,
                                      .cost = ardm__sum_cost,
                                      .variants = variants,
                                      .n_variants = ARDM_LENGTH(variants),
                                      .cases = position_cases,
                                      .n_cases = ARDM_LENGTH(position_cases)};
