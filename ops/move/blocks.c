/* space_to_depth and depth_to_space: blocks of b×b positions become channels, (by·b + bx)·C + c, and return. */
#include <stdio.h>
#include <string.h>

#include "move/move.h"

extern const char *const ardm_cl_move_blocks;

/* The wide side's extents; a run is b·C elements, contiguous on both sides. */
typedef struct extents {
    int64_t n, h, w, c, b;
} extents;

static extents extents_of(const ardm_call *call, const ardm_shape *wide) {
    return (extents){wide->dim[0], wide->dim[1], wide->dim[2], wide->dim[3], call->attrs[0].i};
}

static ardm_status depth_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *x = &call->in[0];
    int64_t b = call->attrs[0].i;
    if (x->dim[1] % b != 0 || x->dim[2] % b != 0)
        return ardm_fail(ARDM_ESHAPE, "space_to_depth: %lld x %lld positions are no multiple of block %lld", (long long)x->dim[1],
                         (long long)x->dim[2], (long long)b);
    out[0] = ardm_shape_make(x->dtype, 4, (const int64_t[]){x->dim[0], x->dim[1] / b, x->dim[2] / b, x->dim[3] * b * b});
    return ARDM_OK;
}

static ardm_status space_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *x = &call->in[0];
    int64_t b = call->attrs[0].i;
    if (x->dim[3] % (b * b) != 0)
        return ardm_fail(ARDM_ESHAPE, "depth_to_space: %lld channels are no multiple of %lld, the square of block %lld", (long long)x->dim[3],
                         (long long)(b * b), (long long)b);
    out[0] = ardm_shape_make(x->dtype, 4, (const int64_t[]){x->dim[0], x->dim[1] * b, x->dim[2] * b, x->dim[3] / (b * b)});
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char text[32];
    int32_t deep = strcmp(call->op->name, "space_to_depth") == 0;
    (void)snprintf(text, sizeof text, "block=%lld", (long long)call->attrs[0].i);
    dx[0] = builder->emit(builder, deep ? "depth_to_space" : "space_to_depth", dy, 1, text, NULL);
    return ARDM_OK;
}

static void move_runs(const extents *e, const char *from, char *to, size_t bytes, int32_t deep) {
    int64_t across = e->w / e->b, width = e->b * e->c;
    for (int64_t run = 0; run < e->n * e->h * across; ++run) {
        int64_t row = run / across, column = run % across;
        size_t there = (size_t)(((row / e->b * across + column) * e->b + row % e->b) * width) * bytes, here = (size_t)(run * width) * bytes;
        memcpy(to + (deep ? there : here), from + (deep ? here : there), (size_t)width * bytes);
    }
}

static ardm_status depth_reference(const ardm_call *call, const void *const *in, void *const *out) {
    extents e = extents_of(call, &call->in[0]);
    move_runs(&e, in[0], out[0], ardm__reference_bytes(&call->in[0]), 1);
    return ARDM_OK;
}

static ardm_status space_reference(const ardm_call *call, const void *const *in, void *const *out) {
    extents e = extents_of(call, &call->out[0]);
    move_runs(&e, in[0], out[0], ardm__reference_bytes(&call->in[0]), 0);
    return ARDM_OK;
}

/* Element by element, from the definition. */
static void move_elements(const extents *e, const char *from, char *to, size_t bytes, int32_t deep) {
    for (int64_t n = 0; n < e->n; ++n)
        for (int64_t y = 0; y < e->h; ++y)
            for (int64_t x = 0; x < e->w; ++x)
                for (int64_t c = 0; c < e->c; ++c) {
                    int64_t wide = ((n * e->h + y) * e->w + x) * e->c + c, b = e->b;
                    int64_t depth = ((y % b) * b + x % b) * e->c + c;
                    int64_t narrow = ((n * (e->h / b) + y / b) * (e->w / b) + x / b) * (b * b * e->c) + depth;
                    memcpy(to + (size_t)(deep ? narrow : wide) * bytes, from + (size_t)(deep ? wide : narrow) * bytes, bytes);
                }
}

static ardm_status depth_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    extents e = extents_of(call, &call->in[0]);
    move_elements(&e, in[0], out[0], ardm__oracle_bytes(&call->in[0]), 1);
    return ARDM_OK;
}

static ardm_status space_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    extents e = extents_of(call, &call->out[0]);
    move_elements(&e, in[0], out[0], ardm__oracle_bytes(&call->in[0]), 0);
    return ARDM_OK;
}

static ardm_status record(const extents *e, ardm_recorder *recorder, const char *kernel) {
    int64_t across = e->w / e->b, runs = e->n * e->h * across, width = e->b * e->c;
    int32_t cpu = recorder->facts->device_class == ARDM_CLASS_CPU;
    int64_t each = cpu && width > 0 && width < 4096 ? 4096 / width : 1;
    uint64_t items = width > 0 ? (uint64_t)((runs + each - 1) / each) : 0, local = cpu ? 1 : 0;
    return ARDM_LAUNCH(recorder, kernel, "", 1, items, 1, 1, local, local, local, ARDM_IN(0), ARDM_OUT(0), ARDM_INT(runs), ARDM_INT(across),
                       ARDM_INT(e->b), ARDM_INT(width), ARDM_INT(each));
}

static ardm_status depth_plan(const ardm_call *call, ardm_recorder *recorder) {
    extents e = extents_of(call, &call->in[0]);
    return record(&e, recorder, "to_depth");
}

static ardm_status space_plan(const ardm_call *call, ardm_recorder *recorder) {
    extents e = extents_of(call, &call->out[0]);
    return record(&e, recorder, "to_space");
}

static const ardm_attr attrs[] = {{"block", ARDM_ATTR_INT, "2", 1, 64, "side of a block"}};
static const ardm_port inputs[] = {{"x", ARDM_MOVED, 4, 4, 0}};
static const ardm_port outputs[] = {{"y", ARDM_MOVED, 4, 4, 0}};
static const ardm_variant depth_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "runs", ARDM_EXACT, NULL, &ardm_cl_move_blocks, depth_plan}};
static const ardm_variant space_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "runs", ARDM_EXACT, NULL, &ardm_cl_move_blocks, space_plan}};
static const ardm_case depth_cases[] = {{"f32[1,2,2,1]", NULL},         {"f32[3,4,6,5]", NULL},       {"f32[2,9,3,7]", "block=3"},
                                        {"f32[2,3,5,4]", "block=1"},    {"f32[0,4,4,3]", NULL},       {"f32[2,0,4,3]", NULL},
                                        {"f32[1,32,32,33]", "block=4"}, {"i32[2,4,4,3]{0:256}", NULL}};
static const ardm_case space_cases[] = {{"f32[1,1,1,4]", NULL},  {"f32[3,2,3,20]", NULL}, {"f32[2,3,1,63]", "block=3"}, {"f32[2,3,5,4]", "block=1"},
                                        {"f32[0,2,2,12]", NULL}, {"f32[2,0,2,12]", NULL}, {"f32[1,8,8,528]", "block=4"}};
const ardm_op ardm_op_space_to_depth = {ARDM_OP_ABI,
                                        sizeof(ardm_op),
                                        .name = "space_to_depth",
                                        .version = 1,
                                        .attrs = attrs,
                                        .n_attrs = ARDM_LENGTH(attrs),
                                        .inputs = inputs,
                                        .n_inputs = 1,
                                        .outputs = outputs,
                                        .n_outputs = 1,
                                        .sums = "",
                                        .help = "blocks of positions become channels",
                                        .infer = depth_infer,
                                        .gradient = gradient,
                                        .reference = depth_reference,
                                        .oracle = depth_oracle,
                                        .cost = ardm__move_cost,
                                        .variants = depth_variants,
                                        .n_variants = ARDM_LENGTH(depth_variants),
                                        .cases = depth_cases,
                                        .n_cases = ARDM_LENGTH(depth_cases)};
const ardm_op ardm_op_depth_to_space = {ARDM_OP_ABI,
                                        sizeof(ardm_op),
                                        .name = "depth_to_space",
                                        .version = 1,
                                        .attrs = attrs,
                                        .n_attrs = ARDM_LENGTH(attrs),
                                        .inputs = inputs,
                                        .n_inputs = 1,
                                        .outputs = outputs,
                                        .n_outputs = 1,
                                        .sums = "",
                                        .help = "channels become blocks of positions",
                                        .infer = space_infer,
                                        .gradient = gradient,
                                        .reference = space_reference,
                                        .oracle = space_oracle,
                                        .cost = ardm__move_cost,
                                        .variants = space_variants,
                                        .n_variants = ARDM_LENGTH(space_variants),
                                        .cases = space_cases,
                                        .n_cases = ARDM_LENGTH(space_cases)};
