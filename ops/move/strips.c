/* concat and slice: strips of rows along the last extent. */
#include <stdio.h>
#include <string.h>

#include "move/move.h"

/* --- concat: y[…,A+B] ---------------------------------------------------------------------------------------------------- */

static ardm_status same_but(const ardm_call *call, uint32_t axis) {
    const ardm_shape *a = &call->in[0], *b = &call->in[1];
    char left[128], right[128];
    int32_t same = a->dtype == b->dtype && a->rank == b->rank;
    for (uint32_t k = 0; same && k < a->rank; ++k) same = k == axis || a->dim[k] == b->dim[k];
    if (same) return ARDM_OK;
    return ardm_fail(ARDM_ESHAPE, "%s: a is %s but b is %s; all but extent %u must agree", call->op->name, ardm_shape_text(a, left, sizeof left),
                     ardm_shape_text(b, right, sizeof right), axis);
}

static ardm_status concat_infer(const ardm_call *call, ardm_shape *out) {
    uint32_t axis = call->in[0].rank - 1;
    ARDM_TRY(same_but(call, axis));
    out[0] = call->in[0];
    out[0].dim[axis] += call->in[1].dim[axis];
    return ARDM_OK;
}

static ardm__strip concat_strip(const ardm_call *call, uint32_t input) {
    int64_t a = ardm_shape_last(&call->in[0], 0), width = ardm_shape_last(&call->in[input], 0);
    return (ardm__strip){ardm_shape_rows(&call->out[0], 1), width, width, 0, ardm_shape_last(&call->out[0], 0), input ? a : 0};
}

static ardm_status concat_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    int64_t a = ardm_shape_last(&call->in[0], 0), b = ardm_shape_last(&call->in[1], 0);
    char text[64];
    (void)snprintf(text, sizeof text, "begin=0, size=%lld", (long long)a);
    dx[0] = builder->emit(builder, "slice", dy, 1, text, NULL);
    (void)snprintf(text, sizeof text, "begin=%lld, size=%lld", (long long)a, (long long)b);
    dx[1] = builder->emit(builder, "slice", dy, 1, text, NULL);
    return ARDM_OK;
}

static ardm_status concat_reference(const ardm_call *call, const void *const *in, void *const *out) {
    for (uint32_t k = 0; k < 2; ++k) {
        ardm__strip s = concat_strip(call, k);
        ardm__strip_copy(&s, in[k], out[0], ardm__reference_bytes(&call->out[0]));
    }
    return ARDM_OK;
}

static ardm_status concat_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t a = ardm_shape_last(&call->in[0], 0), d = ardm_shape_last(&call->out[0], 0), count = ardm_shape_count(&call->out[0]);
    size_t bytes = ardm__oracle_bytes(&call->out[0]);
    for (int64_t i = 0; i < count; ++i) {
        int64_t row = i / d, column = i % d;
        const char *from = column < a ? (const char *)in[0] + (size_t)(row * a + column) * bytes
                                      : (const char *)in[1] + (size_t)(row * (d - a) + column - a) * bytes;
        memcpy((char *)out[0] + (size_t)i * bytes, from, bytes);
    }
    return ARDM_OK;
}

static ardm_status concat_plan(const ardm_call *call, ardm_recorder *recorder) {
    for (uint32_t k = 0; k < 2; ++k) {
        ardm__strip s = concat_strip(call, k);
        ARDM_TRY(ardm__strip_record(recorder, &s, k));
    }
    return ARDM_OK;
}

static const ardm_port pair[] = {{"a", ARDM_MOVED, 1, ARDM_MAX_RANK, 0}, {"b", ARDM_MOVED, 1, ARDM_MAX_RANK, 0}};
static const ardm_port result[] = {{"y", ARDM_MOVED, 1, ARDM_MAX_RANK, 0}};
static const ardm_variant concat_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_move_strips, concat_plan}};
static const ardm_case concat_cases[] = {{"f32[1,1] f32[1,1]", NULL},           {"f32[17,5] f32[17,3]", NULL}, {"f32[2,3,7] f32[2,3,64]", NULL},
                                         {"f32[0,4] f32[0,2]", NULL},           {"f32[5,0] f32[5,3]", NULL},   {"f32[3,5000] f32[3,4097]", NULL},
                                         {"i32[9,2]{-1:9} i32[9,1]{0:5}", NULL}};
const ardm_op ardm_op_concat = {ARDM_OP_ABI,
                                sizeof(ardm_op),
                                .name = "concat",
                                .version = 1,
                                .inputs = pair,
                                .n_inputs = 2,
                                .outputs = result,
                                .n_outputs = 1,
                                .sums = "",
                                .help = "joins two values along the last extent",
                                .infer = concat_infer,
                                .gradient = concat_gradient,
                                .reference = concat_reference,
                                .oracle = concat_oracle,
                                .cost = ardm__move_cost,
                                .variants = concat_variants,
                                .n_variants = ARDM_LENGTH(concat_variants),
                                .cases = concat_cases,
                                .n_cases = ARDM_LENGTH(concat_cases)};

/* --- slice: y = x[…, begin … begin+size-1] ------------------------------------------------------------------------------- */

static ardm_status slice_infer(const ardm_call *call, ardm_shape *out) {
    int64_t begin = call->attrs[0].i, size = call->attrs[1].i, d = ardm_shape_last(&call->in[0], 0);
    if (begin + size > d)
        return ardm_fail(ARDM_ESHAPE, "slice: begin %lld and size %lld end past the last extent, %lld", (long long)begin, (long long)size,
                         (long long)d);
    out[0] = call->in[0];
    out[0].dim[out[0].rank - 1] = size;
    return ARDM_OK;
}

static ardm__strip slice_strip(const ardm_call *call) {
    int64_t size = call->attrs[1].i;
    return (ardm__strip){ardm_shape_rows(&call->out[0], 1), size, ardm_shape_last(&call->in[0], 0), call->attrs[0].i, size, 0};
}

static ardm_status slice_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char text[64];
    (void)snprintf(text, sizeof text, "begin=%lld, size=%lld", (long long)call->attrs[0].i, (long long)ardm_shape_last(&call->in[0], 0));
    dx[0] = builder->emit(builder, "slice_grad", dy, 1, text, NULL);
    return ARDM_OK;
}

static ardm_status slice_reference(const ardm_call *call, const void *const *in, void *const *out) {
    ardm__strip s = slice_strip(call);
    ardm__strip_copy(&s, in[0], out[0], ardm__reference_bytes(&call->out[0]));
    return ARDM_OK;
}

static ardm_status slice_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t begin = call->attrs[0].i, size = call->attrs[1].i, d = ardm_shape_last(&call->in[0], 0), count = ardm_shape_count(&call->out[0]);
    size_t bytes = ardm__oracle_bytes(&call->out[0]);
    for (int64_t i = 0; i < count; ++i)
        memcpy((char *)out[0] + (size_t)i * bytes, (const char *)in[0] + (size_t)(i / size * d + begin + i % size) * bytes, bytes);
    return ARDM_OK;
}

static ardm_status slice_plan(const ardm_call *call, ardm_recorder *recorder) {
    ardm__strip s = slice_strip(call);
    return ardm__strip_record(recorder, &s, 0);
}

static const ardm_port single[] = {{"x", ARDM_MOVED, 1, ARDM_MAX_RANK, 0}};
static const ardm_attr slice_attrs[] = {{"begin", ARDM_ATTR_INT, "0", 0, 2147483647, "first element that is kept"},
                                        {"size", ARDM_ATTR_INT, NULL, 0, 2147483647, "elements that are kept"}};
static const ardm_variant slice_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_move_strips, slice_plan}};
static const ardm_case slice_cases[] = {
    {"f32[1,1]", "size=1"},          {"f32[17,9]", "begin=4, size=3"}, {"f32[2,3,65]", "begin=1, size=64"},   {"f32[0,4]", "begin=1, size=2"},
    {"f32[3,4]", "begin=4, size=0"}, {"f32[5,4]", "size=4"},           {"i32[7,5]{0:99}", "begin=2, size=1"},
};
const ardm_op ardm_op_slice = {ARDM_OP_ABI,
                               sizeof(ardm_op),
                               .name = "slice",
                               .version = 1,
                               .attrs = slice_attrs,
                               .n_attrs = ARDM_LENGTH(slice_attrs),
                               .inputs = single,
                               .n_inputs = 1,
                               .outputs = result,
                               .n_outputs = 1,
                               .sums = "",
                               .help = "a part of the last extent",
                               .infer = slice_infer,
                               .gradient = slice_gradient,
                               .reference = slice_reference,
                               .oracle = slice_oracle,
                               .cost = ardm__move_cost,
                               .variants = slice_variants,
                               .n_variants = ARDM_LENGTH(slice_variants),
                               .cases = slice_cases,
                               .n_cases = ARDM_LENGTH(slice_cases)};

/* --- slice_grad: dx[…,size] is dy from `begin` on and +0 elsewhere --------------------------------------------------------- */

static ardm_status slice_grad_infer(const ardm_call *call, ardm_shape *out) {
    int64_t begin = call->attrs[0].i, size = call->attrs[1].i, d = ardm_shape_last(&call->in[0], 0);
    if (begin + d > size)
        return ardm_fail(ARDM_ESHAPE, "slice_grad: begin %lld and %lld elements end past size %lld", (long long)begin, (long long)d, (long long)size);
    out[0] = call->in[0];
    out[0].dim[out[0].rank - 1] = size;
    return ARDM_OK;
}

static ardm_status slice_grad_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char text[64];
    (void)snprintf(text, sizeof text, "begin=%lld, size=%lld", (long long)call->attrs[0].i, (long long)ardm_shape_last(&call->in[0], 0));
    dx[0] = builder->emit(builder, "slice", dy, 1, text, NULL);
    return ARDM_OK;
}

static ardm_status slice_grad_reference(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t d = ardm_shape_last(&call->in[0], 0);
    ardm__strip s = {ardm_shape_rows(&call->out[0], 1), d, d, 0, call->attrs[1].i, call->attrs[0].i};
    memset(out[0], 0, (size_t)ardm_shape_bytes(&call->out[0]));
    ardm__strip_copy(&s, in[0], out[0], ardm__reference_bytes(&call->out[0]));
    return ARDM_OK;
}

static ardm_status slice_grad_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t begin = call->attrs[0].i, size = call->attrs[1].i, d = ardm_shape_last(&call->in[0], 0), count = ardm_shape_count(&call->out[0]);
    const double *dy = in[0];
    double *dx = out[0];
    for (int64_t i = 0; i < count; ++i) {
        int64_t column = i % size - begin;
        dx[i] = column >= 0 && column < d ? dy[i / size * d + column] : 0;
    }
    return ARDM_OK;
}

static ardm_status slice_grad_plan(const ardm_call *call, ardm_recorder *recorder) {
    int64_t rows = ardm_shape_rows(&call->out[0], 1), width = call->attrs[1].i;
    ardm__strips w = ardm__strips_of(recorder->facts, rows, width);
    return ARDM_LAUNCH(recorder, "pad_strips", "", 2, w.global[0], w.global[1], 1, w.local, w.local, w.local, ARDM_IN(0), ARDM_OUT(0), ARDM_INT(rows),
                       ARDM_INT(width), ARDM_INT(call->attrs[0].i), ARDM_INT(ardm_shape_last(&call->in[0], 0)), ARDM_INT(w.columns),
                       ARDM_INT(w.each));
}

static const ardm_port single_f32[] = {{"dy", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0}};
static const ardm_port result_f32[] = {{"dx", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0}};
static const ardm_attr slice_grad_attrs[] = {{"begin", ARDM_ATTR_INT, "0", 0, 2147483647, "where dy begins"},
                                             {"size", ARDM_ATTR_INT, NULL, 0, 2147483647, "the last extent of dx"}};
static const ardm_variant slice_grad_variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_move_strips, slice_grad_plan}};
static const ardm_case slice_grad_cases[] = {
    {"f32[1,1]", "size=1"},          {"f32[17,3]", "begin=4, size=9"}, {"f32[2,3,64]", "begin=1, size=65"},
    {"f32[0,2]", "begin=1, size=4"}, {"f32[3,0]", "begin=4, size=4"},  {"f32[2,2]", "begin=4095, size=8200"},
};
const ardm_op ardm_op_slice_grad = {ARDM_OP_ABI,
                                    sizeof(ardm_op),
                                    .name = "slice_grad",
                                    .version = 1,
                                    .attrs = slice_grad_attrs,
                                    .n_attrs = ARDM_LENGTH(slice_grad_attrs),
                                    .inputs = single_f32,
                                    .n_inputs = 1,
                                    .outputs = result_f32,
                                    .n_outputs = 1,
                                    .sums = "",
                                    .help = "puts dy into a longer last extent of +0",
                                    .infer = slice_grad_infer,
                                    .gradient = slice_grad_gradient,
                                    .reference = slice_grad_reference,
                                    .oracle = slice_grad_oracle,
                                    .cost = ardm__move_cost,
                                    .variants = slice_grad_variants,
                                    .n_variants = ARDM_LENGTH(slice_grad_variants),
                                    .cases = slice_grad_cases,
                                    .n_cases = ARDM_LENGTH(slice_grad_cases)};
