/* concat_positions and split_positions: two streams of one length, joined along the positions and parted again. Items are the
 * rows that move. */
#include <string.h>

#include "move/move.h"

static ardm_status concat_positions_infer(const ardm_call *call, ardm_shape *out) {
    char left[128], right[128];
    if (!ardm_shape_equal(&call->in[0], &call->in[1]))
        return ardm_fail(ARDM_ESHAPE, "concat_positions: a is %s but b is %s; they must agree", ardm_shape_text(&call->in[0], left, sizeof left),
                         ardm_shape_text(&call->in[1], right, sizeof right));
    out[0] = call->in[0];
    out[0].dim[1] *= 2;
    return ARDM_OK;
}

static ardm__strip positions_strip(const ardm_call *call, uint32_t input) {
    const ardm_shape *y = &call->out[0];
    int64_t width = 1;
    for (uint32_t axis = 1; axis < y->rank; ++axis) width *= y->dim[axis];
    return (ardm__strip){y->dim[0], width / 2, width / 2, 0, width, input ? width / 2 : 0};
}

static ardm_status concat_positions_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    (void)call;
    dx[0] = builder->emit(builder, "split_positions", dy, 1, "part=0, parts=2", NULL);
    dx[1] = builder->emit(builder, "split_positions", dy, 1, "part=1, parts=2", NULL);
    return ARDM_OK;
}

static ardm_status concat_positions_reference(const ardm_call *call, const void *const *in, void *const *out) {
    for (uint32_t k = 0; k < 2; ++k) {
        ardm__strip s = positions_strip(call, k);
        ardm__strip_copy(&s, in[k], out[0], ardm__reference_bytes(&call->out[0]));
    }
    return ARDM_OK;
}

static ardm_status concat_positions_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const ardm_shape *y = &call->out[0];
    int64_t length = y->dim[1] / 2, count = ardm_shape_count(y), d = 1;
    size_t bytes = ardm__oracle_bytes(y);
    for (uint32_t axis = 2; axis < y->rank; ++axis) d *= y->dim[axis];
    for (int64_t i = 0; i < count; ++i) {
        int64_t item = i / (2 * length * d), position = i / d % (2 * length), stream = position >= length;
        int64_t from = (item * length + position - stream * length) * d + i % d;
        memcpy((char *)out[0] + (size_t)i * bytes, (const char *)in[stream] + (size_t)from * bytes, bytes);
    }
    return ARDM_OK;
}

static ardm_status concat_positions_plan(const ardm_call *call, ardm_recorder *recorder) {
    for (uint32_t k = 0; k < 2; ++k) {
        ardm__strip s = positions_strip(call, k);
        ARDM_TRY(ardm__strip_record(recorder, &s, k));
    }
    return ARDM_OK;
}

static const ardm_port streams[] = {{"a", ARDM_MOVED, 2, ARDM_MAX_RANK, 0}, {"b", ARDM_MOVED, 2, ARDM_MAX_RANK, 0}};
static const ardm_port joined[] = {{"y", ARDM_MOVED, 2, ARDM_MAX_RANK, 0}};
static const ardm_variant concat_positions_variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_move_strips, concat_positions_plan}};
static const ardm_case concat_positions_cases[] = {{"f32[1,1,1] f32[1,1,1]", NULL},
                                                   {"f32[3,5,7] f32[3,5,7]", NULL},
                                                   {"f32[2,129,65] f32[2,129,65]", NULL},
                                                   {"f32[0,4,2] f32[0,4,2]", NULL},
                                                   {"i32[4,9]{0:27} i32[4,9]{0:27}", NULL}};
const ardm_op ardm_op_concat_positions = {ARDM_OP_ABI,
                                          sizeof(ardm_op),
                                          .name = "concat_positions",
                                          .version = 1,
                                          .inputs = streams,
                                          .n_inputs = 2,
                                          .outputs = joined,
                                          .n_outputs = 1,
                                          .sums = "",
                                          .help = "joins two streams along the positions",
                                          .infer = concat_positions_infer,
                                          .gradient = concat_positions_gradient,
                                          .reference = concat_positions_reference,
                                          .oracle = concat_positions_oracle,
                                          .cost = ardm__move_cost,
                                          .variants = concat_positions_variants,
                                          .n_variants = ARDM_LENGTH(concat_positions_variants),
                                          .cases = concat_positions_cases,
                                          .n_cases = ARDM_LENGTH(concat_positions_cases)};

static ardm_status split_positions_infer(const ardm_call *call, ardm_shape *out) {
    int64_t part = call->attrs[0].i, parts = call->attrs[1].i, length = call->in[0].dim[1];
    if (part >= parts) return ardm_fail(ARDM_ESHAPE, "split_positions: part %lld of %lld", (long long)part, (long long)parts);
    if (length % parts != 0)
        return ardm_fail(ARDM_ESHAPE, "split_positions: %lld positions cannot be split into %lld parts", (long long)length, (long long)parts);
    out[0] = call->in[0];
    out[0].dim[1] = length / parts;
    return ARDM_OK;
}

static ardm__strip split_strip(const ardm_call *call) {
    const ardm_shape *y = &call->out[0];
    int64_t width = 1, part = call->attrs[0].i, parts = call->attrs[1].i;
    for (uint32_t axis = 1; axis < y->rank; ++axis) width *= y->dim[axis];
    return (ardm__strip){y->dim[0], width, width * parts, width * part, width, 0};
}

/* The other part gets +0. No extent goes into the text: positions are bound late. */
static ardm_status split_positions_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    int64_t part = call->attrs[0].i, parts = call->attrs[1].i;
    ardm_value both[2];
    if (parts == 1) {
        dx[0] = dy[0];
        return ARDM_OK;
    }
    both[part] = dy[0];
    both[1 - part] = builder->emit(builder, "scale", dy, 1, "by=0", NULL);
    dx[0] = builder->emit(builder, "concat_positions", both, 2, NULL, NULL);
    return ARDM_OK;
}

static ardm_status split_positions_reference(const ardm_call *call, const void *const *in, void *const *out) {
    ardm__strip s = split_strip(call);
    ardm__strip_copy(&s, in[0], out[0], ardm__reference_bytes(&call->out[0]));
    return ARDM_OK;
}

static ardm_status split_positions_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const ardm_shape *y = &call->out[0];
    int64_t part = call->attrs[0].i, parts = call->attrs[1].i, length = y->dim[1], count = ardm_shape_count(y), d = 1;
    size_t bytes = ardm__oracle_bytes(y);
    for (uint32_t axis = 2; axis < y->rank; ++axis) d *= y->dim[axis];
    for (int64_t i = 0; i < count; ++i) {
        int64_t item = i / (length * d), position = i / d % length;
        int64_t from = (item * length * parts + part * length + position) * d + i % d;
        memcpy((char *)out[0] + (size_t)i * bytes, (const char *)in[0] + (size_t)from * bytes, bytes);
    }
    return ARDM_OK;
}

static ardm_status split_positions_plan(const ardm_call *call, ardm_recorder *recorder) {
    ardm__strip s = split_strip(call);
    return ardm__strip_record(recorder, &s, 0);
}

static const ardm_port whole[] = {{"x", ARDM_MOVED, 2, ARDM_MAX_RANK, 0}};
static const ardm_attr split_positions_attrs[] = {{"part", ARDM_ATTR_INT, NULL, 0, 1, "which part is kept"},
                                                  {"parts", ARDM_ATTR_INT, "2", 1, 2, "equal parts of the positions"}};
static const ardm_variant split_positions_variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_move_strips, split_positions_plan}};
static const ardm_case split_positions_cases[] = {{"f32[1,2,1]", "part=0"}, {"f32[3,10,7]", "part=1"},         {"f32[2,258,65]", "part=1"},
                                                  {"f32[0,4,2]", "part=0"}, {"f32[2,3,2]", "part=0, parts=1"}, {"i32[4,18]{0:27}", "part=1"}};
const ardm_op ardm_op_split_positions = {ARDM_OP_ABI,
                                         sizeof(ardm_op),
                                         .name = "split_positions",
                                         .version = 1,
                                         .attrs = split_positions_attrs,
                                         .n_attrs = ARDM_LENGTH(split_positions_attrs),
                                         .inputs = whole,
                                         .n_inputs = 1,
                                         .outputs = joined,
                                         .n_outputs = 1,
                                         .sums = "",
                                         .help = "one of the equal parts of the positions",
                                         .infer = split_positions_infer,
                                         .gradient = split_positions_gradient,
                                         .reference = split_positions_reference,
                                         .oracle = split_positions_oracle,
                                         .cost = ardm__move_cost,
                                         .variants = split_positions_variants,
                                         .n_variants = ARDM_LENGTH(split_positions_variants),
                                         .cases = split_positions_cases,
                                         .n_cases = ARDM_LENGTH(split_positions_cases)};
