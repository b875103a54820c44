/* merge, split_last, expand and reshape_like: the same bytes under other extents. */
#include <string.h>

#include "move/move.h"

static ardm_status merge_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *x = &call->in[0];
    uint32_t first = (uint32_t)call->attrs[0].i, count = (uint32_t)call->attrs[1].i;
    if (first + count > x->rank) return ardm_fail(ARDM_ESHAPE, "merge: extents %u to %u of a value of rank %u", first, first + count - 1, x->rank);
    *out = ardm_shape_make(x->dtype, x->rank - count + 1, x->dim);
    for (uint32_t axis = first + 1; axis < first + count; ++axis) out->dim[first] *= x->dim[axis];
    for (uint32_t axis = first + count; axis < x->rank; ++axis) out->dim[axis - count + 1] = x->dim[axis];
    return ARDM_OK;
}

static ardm_status split_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *x = &call->in[0];
    int64_t by = call->attrs[0].i, last = ardm_shape_last(x, 0);
    if (last % by != 0) return ardm_fail(ARDM_ESHAPE, "split_last: the last extent %lld is no multiple of %lld", (long long)last, (long long)by);
    *out = ardm_shape_make(x->dtype, x->rank + 1, x->dim);
    out->dim[x->rank - 1] = last / by;
    out->dim[x->rank] = by;
    return ARDM_OK;
}

static ardm_status expand_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *x = &call->in[0];
    uint32_t axis = (uint32_t)call->attrs[0].i;
    if (axis > x->rank) return ardm_fail(ARDM_ESHAPE, "expand: extent %u of a value of rank %u", axis, x->rank);
    *out = ardm_shape_make(x->dtype, x->rank + 1, x->dim);
    out->dim[axis] = 1;
    for (uint32_t to = axis; to < x->rank; ++to) out->dim[to + 1] = x->dim[to];
    return ARDM_OK;
}

static ardm_status reshape_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *x = &call->in[0], *like = &call->in[1];
    char left[128], right[128];
    if (ardm_shape_count(x) != ardm_shape_count(like))
        return ardm_fail(ARDM_ESHAPE, "reshape_like: x is %s but like is %s; their counts differ", ardm_shape_text(x, left, sizeof left),
                         ardm_shape_text(like, right, sizeof right));
    *out = ardm_shape_make(x->dtype, like->rank, like->dim);
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = builder->emit(builder, "reshape_like", (const ardm_value[]){dy[0], call->x[0]}, 2, NULL, NULL);
    if (call->n_in > 1) dx[1] = -1;
    return ARDM_OK;
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    if (out[0] != in[0]) memcpy(out[0], in[0], (size_t)ardm_shape_bytes(&call->in[0]));
    return ARDM_OK;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    if (out[0] != in[0]) memcpy(out[0], in[0], (size_t)ardm_shape_count(&call->in[0]) * ardm__oracle_bytes(&call->in[0]));
    return ARDM_OK;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    (void)call;
    *flops = *bytes = 0;
}

enum { ANY = ARDM_MOVED | ARDM_DT(ARDM_U8) | ARDM_DT(ARDM_U16) };
static const ardm_port one[] = {{"x", ANY, 0, ARDM_MAX_RANK, 0}};
static const ardm_port narrow[] = {{"x", ANY, 1, ARDM_MAX_RANK - 1, 0}};
static const ardm_port below[] = {{"x", ANY, 0, ARDM_MAX_RANK - 1, 0}};
static const ardm_port two[] = {{"x", ANY, 0, ARDM_MAX_RANK, 0}, {"like", ANY, 0, ARDM_MAX_RANK, 0}};
static const ardm_port result[] = {{"y", ANY, 0, ARDM_MAX_RANK, 0}};
static const ardm_attr merge_attrs[] = {{"first", ARDM_ATTR_INT, NULL, 0, ARDM_MAX_RANK - 1, "first extent that is merged"},
                                        {"count", ARDM_ATTR_INT, "2", 1, ARDM_MAX_RANK, "extents that become one"}};
static const ardm_attr split_attrs[] = {{"by", ARDM_ATTR_INT, NULL, 1, 2147483647, "the new last extent"}};
static const ardm_attr expand_attrs[] = {{"axis", ARDM_ATTR_INT, NULL, 0, ARDM_MAX_RANK - 1, "place of the new extent"}};
static const ardm_case merge_cases[] = {
    {"f32[2,3]", "first=0"}, {"f32[2,3,5,7]", "first=1, count=2"}, {"f32[3,0,2]", "first=1"}, {"i32[1,1,9]{0:5}", "first=0, count=3"}};
static const ardm_case split_cases[] = {{"f32[6]", "by=2"}, {"f32[2,3,15]", "by=5"}, {"f32[0,4]", "by=4"}, {"u8[2,1]{0:4}", "by=1"}};
static const ardm_case expand_cases[] = {{"f32[2,3]", "axis=1"}, {"f32[]", "axis=0"},          {"f32[3,5,7,2]", "axis=4"},
                                         {"f32[0,4]", "axis=0"}, {"u8[2,1,3]{0:4}", "axis=2"}, {"i32[1]{0:5}", "axis=1"}};
static const ardm_case reshape_cases[] = {
    {"f32[6] f32[2,3]", NULL}, {"f32[2,3,5] i32[30]{0:2}", NULL}, {"f32[0,4] f32[3,0]", NULL}, {"f32[1] f32[]", NULL}};

#define VIEW(NAME, IN, N_IN, INFER, HELP, CASES, ...)                                                                                                \
    const ardm_op ardm_op_##NAME = {                                                                                                                 \
        ARDM_OP_ABI,          sizeof(ardm_op),        .name = #NAME,    .version = 1, .flags = ARDM_OP_VIEW, .inputs = IN,                           \
        .n_inputs = N_IN,     .outputs = result,      .n_outputs = 1,   .sums = "",   .help = HELP,          .infer = INFER,                         \
        .gradient = gradient, .reference = reference, .oracle = oracle, .cost = cost, .cases = CASES,        .n_cases = ARDM_LENGTH(CASES),          \
        __VA_ARGS__}

VIEW(merge, one, 1, merge_infer, "neighbouring extents become one", merge_cases, .attrs = merge_attrs, .n_attrs = 2);
VIEW(split_last, narrow, 1, split_infer, "the last extent D becomes [D/by, by]", split_cases, .attrs = split_attrs, .n_attrs = 1);
VIEW(expand, below, 1, expand_infer, "an extent of 1 at a place", expand_cases, .attrs = expand_attrs, .n_attrs = 1);
VIEW(reshape_like, two, 2, reshape_infer, "x under the extents of another value", reshape_cases, .attrs = NULL);
