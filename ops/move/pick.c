/* pick: the part of the last extent that belongs to a row's own channel, and the way back. */
#include <stdio.h>
#include <string.h>

#include "move/move.h"

extern const char *const ardm_cl_move_gather;

/* Rows that share a channel: x has more leading extents than channel. 0: channel is no prefix of x's rows. */
static int64_t rows_a_channel(const ardm_shape *x, const ardm_shape *channel) {
    int64_t rows = 1;
    if (channel->rank + 1 > x->rank) return 0;
    for (uint32_t axis = 0; axis < channel->rank; ++axis)
        if (channel->dim[axis] != x->dim[axis]) return 0;
    for (uint32_t axis = channel->rank; axis + 1 < x->rank; ++axis) rows *= x->dim[axis];
    return rows > 0 ? rows : 1;
}

static ardm_status pick_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *x = &call->in[0], *channel = &call->in[1];
    int64_t size = call->attrs[0].i, width = ardm_shape_last(x, 0);
    if (!rows_a_channel(x, channel)) return ardm_fail(ARDM_ESHAPE, "pick: channel must have leading extents of x, not the last");
    if (width % size != 0) return ardm_fail(ARDM_ESHAPE, "pick: the last extent %lld is no multiple of size %lld", (long long)width, (long long)size);
    out[0] = *x;
    out[0].dim[x->rank - 1] = size;
    return ARDM_OK;
}

static ardm_status pick_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = builder->emit(builder, "pick_grad", (const ardm_value[]){call->x[1], dy[0], call->x[0]}, 3, NULL, NULL);
    dx[1] = -1;
    return ARDM_OK;
}

static ardm_status pick_reference(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t size = call->attrs[0].i, channels = ardm_shape_last(&call->in[0], 0) / size, rows = ardm_shape_rows(&call->in[0], 1);
    size_t bytes = (size_t)size * ardm__reference_bytes(&call->in[0]);
    int64_t per = rows_a_channel(&call->in[0], &call->in[1]);
    for (int64_t i = 0; i < rows; ++i) {
        int32_t channel = ((const int32_t *)in[1])[i / per];
        char *to = (char *)out[0] + (size_t)i * bytes;
        if (channel < 0 || channel >= channels)
            memset(to, 0, bytes);
        else
            memcpy(to, (const char *)in[0] + (size_t)(i * channels + channel) * bytes, bytes);
    }
    return ARDM_OK;
}

static ardm_status pick_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t size = call->attrs[0].i, width = ardm_shape_last(&call->in[0], 0), count = ardm_shape_count(&call->in[0]);
    size_t bytes = ardm__oracle_bytes(&call->in[0]);
    const int32_t *channel = in[1];
    int64_t span = ardm_shape_count(&call->in[1]) ? count / ardm_shape_count(&call->in[1]) : 1; /* elements that share a channel */
    memset(out[0], 0, (size_t)ardm_shape_count(&call->out[0]) * bytes);
    for (int64_t i = 0; i < count; ++i)
        if (i % width / size == channel[i / span])
            memcpy((char *)out[0] + (size_t)(i / width * size + i % size) * bytes, (const char *)in[0] + (size_t)i * bytes, bytes);
    return ARDM_OK;
}

static ardm_status pick_plan(const ardm_call *call, ardm_recorder *recorder) {
    int64_t size = call->attrs[0].i, channels = ardm_shape_last(&call->in[0], 0) / size, rows = ardm_shape_rows(&call->in[0], 1);
    ardm__strips w = ardm__strips_of(recorder->facts, rows, size);
    return ARDM_LAUNCH(recorder, "pick", "", 2, w.global[0], w.global[1], 1, w.local, w.local, w.local, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0),
                       ARDM_INT(rows), ARDM_INT(channels), ARDM_INT(size), ARDM_INT(w.columns), ARDM_INT(w.each),
                       ARDM_INT(rows_a_channel(&call->in[0], &call->in[1])));
}

static const ardm_attr pick_attrs[] = {{"size", ARDM_ATTR_INT, NULL, 1, 2147483647, "elements a channel"}};
static const ardm_port pick_inputs[] = {{"x", ARDM_MOVED, 2, ARDM_MAX_RANK, 0}, {"channel", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK - 1, 0}};
static const ardm_port pick_outputs[] = {{"y", ARDM_MOVED, 2, ARDM_MAX_RANK, 0}};
static const ardm_variant pick_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_move_gather, pick_plan}};
static const ardm_case pick_cases[] = {
    {"f32[1,1,1] i32[1,1]{0:1}", "size=1"},     {"f32[3,5,21] i32[3,5]{-1:3}", "size=7"},
    {"f32[2,17,99] i32[2,17]{0:3}", "size=33"}, {"f32[0,4,6] i32[0,4]{0:3}", "size=2"},
    {"i32[7,6]{0:9} i32[7]{0:3}", "size=2"},    {"f32[3,5,8] i32[3]{-1:4}", "size=2"}, /* a channel for all rows of an item */
};
const ardm_op ardm_op_pick = {ARDM_OP_ABI,
                              sizeof(ardm_op),
                              .name = "pick",
                              .version = 1,
                              .attrs = pick_attrs,
                              .n_attrs = ARDM_LENGTH(pick_attrs),
                              .inputs = pick_inputs,
                              .n_inputs = 2,
                              .outputs = pick_outputs,
                              .n_outputs = 1,
                              .sums = "",
                              .help = "the part of the last extent that belongs to the row's channel; -1 gives 0",
                              .infer = pick_infer,
                              .gradient = pick_gradient,
                              .reference = pick_reference,
                              .oracle = pick_oracle,
                              .cost = ardm__move_cost,
                              .variants = pick_variants,
                              .n_variants = ARDM_LENGTH(pick_variants),
                              .cases = pick_cases,
                              .n_cases = ARDM_LENGTH(pick_cases)};

/* --- pick_grad: dy in the row's channel, +0 in the others ------------------------------------------------------------------------ */

static ardm_status pick_grad_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *channel = &call->in[0], *dy = &call->in[1], *x = &call->in[2];
    int64_t size = ardm_shape_last(dy, 0);
    int32_t same = dy->rank == x->rank && rows_a_channel(x, channel) > 0;
    for (uint32_t axis = 0; same && axis + 1 < x->rank; ++axis) same = dy->dim[axis] == x->dim[axis];
    if (!same || size == 0 || ardm_shape_last(x, 0) % size != 0)
        return ardm_fail(ARDM_ESHAPE, "pick_grad: channel, dy and x do not belong together: size %lld of last extent %lld", (long long)size,
                         (long long)ardm_shape_last(x, 0));
    out[0] = *x;
    return ARDM_OK;
}

static ardm_status pick_grad_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char text[32];
    (void)snprintf(text, sizeof text, "size=%lld", (long long)ardm_shape_last(&call->in[1], 0));
    dx[0] = dx[2] = -1;
    dx[1] = builder->emit(builder, "pick", (const ardm_value[]){dy[0], call->x[0]}, 2, text, NULL);
    return ARDM_OK;
}

static ardm_status pick_grad_reference(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t size = ardm_shape_last(&call->in[1], 0), channels = ardm_shape_last(&call->in[2], 0) / size, rows = ardm_shape_rows(&call->in[1], 1);
    int64_t per = rows_a_channel(&call->in[2], &call->in[0]);
    memset(out[0], 0, (size_t)ardm_shape_bytes(&call->out[0]));
    for (int64_t i = 0; i < rows; ++i) {
        int32_t channel = ((const int32_t *)in[0])[i / per];
        if (channel >= 0 && channel < channels)
            memcpy((float *)out[0] + (i * channels + channel) * size, (const float *)in[1] + i * size, (size_t)size * sizeof(float));
    }
    return ARDM_OK;
}

static ardm_status pick_grad_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t size = ardm_shape_last(&call->in[1], 0), width = ardm_shape_last(&call->in[2], 0), count = ardm_shape_count(&call->out[0]);
    const int32_t *channel = in[0];
    const double *dy = in[1];
    double *dx = out[0];
    int64_t span = ardm_shape_count(&call->in[0]) ? count / ardm_shape_count(&call->in[0]) : 1;
    for (int64_t i = 0; i < count; ++i) dx[i] = channel[i / span] == i % width / size ? dy[i / width * size + i % width % size] : 0;
    return ARDM_OK;
}

static ardm_status pick_grad_plan(const ardm_call *call, ardm_recorder *recorder) {
    int64_t size = ardm_shape_last(&call->in[1], 0), channels = ardm_shape_last(&call->in[2], 0) / size, rows = ardm_shape_rows(&call->in[1], 1);
    ardm__strips w = ardm__strips_of(recorder->facts, rows, size);
    return ARDM_LAUNCH(recorder, "pick_back", "", 2, w.global[0], w.global[1], 1, w.local, w.local, w.local, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0),
                       ARDM_INT(rows), ARDM_INT(channels), ARDM_INT(size), ARDM_INT(w.columns), ARDM_INT(w.each),
                       ARDM_INT(rows_a_channel(&call->in[2], &call->in[0])));
}

static const ardm_port pick_grad_inputs[] = {{"channel", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK - 1, 0},
                                             {"dy", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0},
                                             {"x", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_port pick_grad_outputs[] = {{"dx", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_variant pick_grad_variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_move_gather, pick_grad_plan}};
static const ardm_case pick_grad_cases[] = {
    {"i32[1,1]{0:1} f32[1,1,1] f32[1,1,1]", NULL},      {"i32[3,5]{-1:3} f32[3,5,7] f32[3,5,21]", NULL},
    {"i32[2,17]{0:3} f32[2,17,33] f32[2,17,99]", NULL}, {"i32[0,4]{0:3} f32[0,4,2] f32[0,4,6]", NULL},
    {"i32[3]{-1:4} f32[3,5,2] f32[3,5,8]", NULL},
};
const ardm_op ardm_op_pick_grad = {ARDM_OP_ABI,
                                   sizeof(ardm_op),
                                   .name = "pick_grad",
                                   .version = 1,
                                   .inputs = pick_grad_inputs,
                                   .n_inputs = 3,
                                   .outputs = pick_grad_outputs,
                                   .n_outputs = 1,
                                   .sums = "",
                                   .help = "dy in the row's channel, 0 in the others",
                                   .infer = pick_grad_infer,
                                   .gradient = pick_grad_gradient,
                                   .reference = pick_grad_reference,
                                   .oracle = pick_grad_oracle,
                                   .cost = ardm__move_cost,
                                   .variants = pick_grad_variants,
                                   .n_variants = ARDM_LENGTH(pick_grad_variants),
                                   .cases = pick_grad_cases,
                                   .n_cases = ARDM_LENGTH(pick_grad_cases)};
