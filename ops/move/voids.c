/* voids and hide: the void positions of an item whose extents were rounded up, and +0 in place of their features, so that what
 * lies in them reaches no unit through a convolution (design.md 2). */
#include <string.h>

#include "move/move.h"

extern const char *const ardm_cl_move_voids;

enum { VOID = 3 };

static ardm_status voids_infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *state = &call->in[0];
    int64_t b = call->attrs[0].i;
    out[0] = ardm_shape_make(ARDM_U8, 3, (const int64_t[]){state->dim[0], (state->dim[1] + b - 1) / b, (state->dim[2] + b - 1) / b});
    return ARDM_OK;
}

static ardm_status voids_reference(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t *dim = call->in[0].dim, *to = call->out[0].dim, b = call->attrs[0].i;
    const uint8_t *state = in[0];
    uint8_t *mask = out[0];
    if (ardm_shape_count(&call->in[0]) == 0) return ARDM_OK;
    for (int64_t n = 0; n < to[0]; ++n)
        for (int64_t y = 0; y < to[1]; ++y)
            for (int64_t x = 0; x < to[2]; ++x) *mask++ = state[((n * dim[1] + y * b) * dim[2] + x * b) * dim[3]] == VOID ? VOID : 0;
    return ARDM_OK;
}

/* From the units' side: every unit that opens a block says what the block is. */
static ardm_status voids_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t *dim = call->in[0].dim, *to = call->out[0].dim, b = call->attrs[0].i, count = ardm_shape_count(&call->in[0]);
    for (int64_t i = 0; i < count; ++i) {
        int64_t c = i % dim[3], x = i / dim[3] % dim[2], y = i / dim[3] / dim[2] % dim[1], n = i / dim[3] / dim[2] / dim[1];
        if (c == 0 && x % b == 0 && y % b == 0)
            ((uint8_t *)out[0])[(n * to[1] + y / b) * to[2] + x / b] = (uint8_t)(((const uint8_t *)in[0])[i] / VOID * VOID);
    }
    return ARDM_OK;
}

static ardm_status voids_plan(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t *dim = call->in[0].dim;
    int64_t count = ardm_shape_count(&call->in[0]) > 0 ? ardm_shape_count(&call->out[0]) : 0;
    return ARDM_LAUNCH(recorder, "voids", "", 1, (uint64_t)count, 1, 1, 0, 0, 0, ARDM_IN(0), ARDM_OUT(0), ARDM_INT(count), ARDM_INT(dim[1]),
                       ARDM_INT(dim[2]), ARDM_INT(dim[3]), ARDM_INT(call->attrs[0].i));
}

static ardm_status hide_infer(const ardm_call *call, ardm_shape *out) {
    char left[128], right[128];
    if (ardm_shape_count(&call->in[1]) != ardm_shape_rows(&call->in[0], 1))
        return ardm_fail(ARDM_ESHAPE, "hide: mask is %s; x, %s, has another number of positions", ardm_shape_text(&call->in[1], right, sizeof right),
                         ardm_shape_text(&call->in[0], left, sizeof left));
    out[0] = call->in[0];
    return ARDM_OK;
}

static ardm_status hide_gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = builder->emit(builder, "hide", (const ardm_value[]){dy[0], call->x[1]}, 2, NULL, NULL);
    dx[1] = -1;
    return ARDM_OK;
}

static ardm_status hide_reference(const ardm_call *call, const void *const *in, void *const *out) {
    size_t width = (size_t)ardm_shape_last(&call->in[0], 0) * sizeof(float), rows = (size_t)ardm_shape_rows(&call->in[0], 1);
    for (size_t row = 0; row < rows; ++row)
        if (((const uint8_t *)in[1])[row] == VOID)
            memset((char *)out[0] + row * width, 0, width);
        else
            memcpy((char *)out[0] + row * width, (const char *)in[0] + row * width, width);
    return ARDM_OK;
}

static ardm_status hide_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t count = ardm_shape_count(&call->in[0]), width = ardm_shape_last(&call->in[0], 0);
    for (int64_t i = 0; i < count; ++i) ((double *)out[0])[i] = ((const uint8_t *)in[1])[i / width] == VOID ? 0.0 : ((const double *)in[0])[i];
    return ARDM_OK;
}

static ardm_status hide_plan(const ardm_call *call, ardm_recorder *recorder) {
    int64_t rows = ardm_shape_rows(&call->in[0], 1), width = ardm_shape_last(&call->in[0], 0);
    ardm__strips w = ardm__strips_of(recorder->facts, rows, width);
    return ARDM_LAUNCH(recorder, "hide", "", 2, w.global[0], w.global[1], 1, w.local, w.local, w.local, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0),
                       ARDM_INT(rows), ARDM_INT(width), ARDM_INT(w.columns), ARDM_INT(w.each));
}

static const ardm_attr voids_attrs[] = {{"block", ARDM_ATTR_INT, "1", 1, 64, "side of a block"}};
static const ardm_port voids_inputs[] = {{"state", ARDM_DT(ARDM_U8), 4, 4, 0}};
static const ardm_port voids_outputs[] = {{"mask", ARDM_DT(ARDM_U8), 3, 3, 0}};
static const ardm_variant voids_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "each", ARDM_EXACT, NULL, &ardm_cl_move_voids, voids_plan}};
static const ardm_case voids_cases[] = {{"u8[1,1,1,1]{0:4}", NULL},       {"u8[3,5,7,3]{2:4}", NULL},      {"u8[2,9,6,3]{2:4}", "block=2"},
                                        {"u8[2,5,17,1]{0:4}", "block=3"}, {"u8[0,4,4,3]{0:4}", "block=2"}, {"u8[2,4,0,3]{0:4}", NULL}};
const ardm_op ardm_op_voids = {ARDM_OP_ABI,
                               sizeof(ardm_op),
                               .name = "voids",
                               .version = 1,
                               .flags = ARDM_OP_NO_GRADIENT,
                               .attrs = voids_attrs,
                               .n_attrs = ARDM_LENGTH(voids_attrs),
                               .inputs = voids_inputs,
                               .n_inputs = 1,
                               .outputs = voids_outputs,
                               .n_outputs = 1,
                               .sums = "",
                               .help = "3 where the first unit of a block is void, else 0",
                               .infer = voids_infer,
                               .reference = voids_reference,
                               .oracle = voids_oracle,
                               .cost = ardm__move_cost,
                               .variants = voids_variants,
                               .n_variants = ARDM_LENGTH(voids_variants),
                               .cases = voids_cases,
                               .n_cases = ARDM_LENGTH(voids_cases)};

static const ardm_port hide_inputs[] = {{"x", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}, {"mask", ARDM_DT(ARDM_U8), 1, ARDM_MAX_RANK, 0}};
static const ardm_port hide_outputs[] = {{"y", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_variant hide_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_move_voids, hide_plan}};
static const ardm_case hide_cases[] = {{"f32[1,1] u8[1]{3:4}", NULL},     {"f32[3,5,7,33] u8[3,5,7]{2:4}", NULL}, {"f32[2,9,70] u8[2,9]{0:4}", NULL},
                                       {"f32[0,4,3] u8[0,4]{0:4}", NULL}, {"f32[2,4,0] u8[2,4]{0:4}", NULL},      {"f32[2,5000] u8[2]{2:4}", NULL}};
const ardm_op ardm_op_hide = {ARDM_OP_ABI,
                              sizeof(ardm_op),
                              .name = "hide",
                              .version = 1,
                              .inputs = hide_inputs,
                              .n_inputs = 2,
                              .outputs = hide_outputs,
                              .n_outputs = 1,
                              .sums = "",
                              .help = "x, +0 at the positions whose mask is 3",
                              .infer = hide_infer,
                              .gradient = hide_gradient,
                              .reference = hide_reference,
                              .oracle = hide_oracle,
                              .cost = ardm__move_cost,
                              .variants = hide_variants,
                              .n_variants = ARDM_LENGTH(hide_variants),
                              .cases = hide_cases,
                              .n_cases = ARDM_LENGTH(hide_cases)};
