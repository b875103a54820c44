/* The launches of the convolutions, for both device classes. */
#include "conv/conv.h"

enum { MOST_PART_BYTES = 1 << 26 };

static uint64_t ceil_div(int64_t a, int64_t b) { return (uint64_t)((a + b - 1) / b); }

ardm_status ardm__plan_convolve(ardm_recorder *recorder, const ardm_conv *conv, int32_t backward) {
    ardm_conv c = *conv;
    if (c.kernel_height == 1 && c.kernel_width == 1 && c.stride == 1) {
        /* Pixels do not see each other: one long line, no edges. */
        c.width = c.out_width = c.items * c.height * c.width;
        c.items = c.height = c.out_height = 1;
    }
    const int64_t taps = c.kernel_height * c.kernel_width, height = backward ? c.height : c.out_height, width = backward ? c.width : c.out_width;
    const int64_t source_height = backward ? c.out_height : c.height, source_width = backward ? c.out_width : c.width;
    const int64_t depth = backward ? c.outputs : c.channels, columns = backward ? c.channels : c.outputs, zeros = c.kernel_width * depth;
    const uint64_t panels = ceil_div(columns, 16);
    uint32_t packed;
    ARDM_TRY(recorder->workspace(recorder, (panels * 16 * (uint64_t)(taps * depth) + (uint64_t)zeros) * 4, &packed));
    if (backward)
        ARDM_TRY(ARDM_LAUNCH(recorder, "pack_transposed", NULL, 3, ceil_div(depth, 64), panels, (uint64_t)taps, 1, 1, 1, ARDM_IN(1),
                             ARDM_WORK(packed), ARDM_INT(depth), ARDM_INT(columns), ARDM_INT(zeros)));
    else
        ARDM_TRY(ARDM_LAUNCH(recorder, "pack", NULL, 2, ceil_div(taps * depth, 64), panels, 1, 1, 1, 1, ARDM_IN(1), ARDM_WORK(packed),
                             ARDM_INT(taps * depth), ARDM_INT(columns), ARDM_INT(zeros)));
    return ARDM_LAUNCH(recorder, "convolve", NULL, 2, ceil_div(c.items * height * width, 8), (panels + 1) / 2, 1, 1, 1, 1, ARDM_IN(0),
                       ARDM_WORK(packed), ARDM_OUT(0), ARDM_INT(c.items), ARDM_INT(height), ARDM_INT(width), ARDM_INT(columns),
                       ARDM_INT(source_height), ARDM_INT(source_width), ARDM_INT(depth), ARDM_INT(c.kernel_height), ARDM_INT(c.kernel_width),
                       ARDM_INT(c.stride), ARDM_INT(c.dilation), ARDM_INT(backward));
}

ardm_status ardm__plan_weight_gradient(ardm_recorder *recorder, const ardm_conv *conv, int64_t groups) {
    ardm_conv c = *conv;
    int64_t terms = c.items * c.out_height * c.out_width, pitch = (c.outputs + 15) / 16 * 16, chunk = 128, parts = 1;
    const int64_t taps = c.kernel_height * c.kernel_width, size = taps * c.channels * c.outputs, columns = (c.outputs + 31) / 32;
    const int64_t blocks = (terms + 255) / 256, units = recorder->facts->compute_units;
    ardm_operand dy = ARDM_IN(1), target = ARDM_OUT(0);
    uint32_t work;
    if (terms == 0) c.items = 0, c.out_height = c.out_width = 1;
    if (terms > 0 && taps == 1 && c.stride == 1) {
        c.width = c.out_width = terms;
        c.items = c.height = c.out_height = 1;
    }
    if (pitch != c.outputs && groups * terms > 0) {
        ARDM_TRY(recorder->workspace(recorder, (uint64_t)(groups * terms * pitch) * 4, &work));
        dy = ARDM_WORK(work);
        ARDM_TRY(ARDM_LAUNCH(recorder, "pad_columns", NULL, 1, ceil_div(groups * terms, 64), 1, 1, 1, 1, 1, ARDM_IN(1), dy, ARDM_INT(groups * terms),
                             ARDM_INT(c.outputs), ARDM_INT(pitch)));
    }
    /* Wide chunks of channels keep a block of dy near; narrow ones, and then blocks apart, keep the compute units busy. */
    while (chunk > 8 && taps * (int64_t)ceil_div(c.channels, chunk) * columns * groups < 4 * units) chunk /= 2;
    if (blocks > 1 && taps * (int64_t)ceil_div(c.channels, chunk) * columns * groups < 2 * units && groups * blocks * size <= MOST_PART_BYTES / 4) {
        parts = blocks;
        ARDM_TRY(recorder->workspace(recorder, (uint64_t)(groups * parts * size) * 4, &work));
        target = ARDM_WORK(work);
    }
    ARDM_TRY(ARDM_LAUNCH(recorder, "weight_gradient", NULL, 3, (uint64_t)taps, ceil_div(c.channels, chunk) * (uint64_t)columns,
                         (uint64_t)(groups * parts), 1, 1, 1, ARDM_IN(0), dy, target, ARDM_INT(c.items), ARDM_INT(c.height), ARDM_INT(c.width),
                         ARDM_INT(c.channels), ARDM_INT(c.out_height), ARDM_INT(c.out_width), ARDM_INT(c.outputs), ARDM_INT(pitch),
                         ARDM_INT(c.kernel_height), ARDM_INT(c.kernel_width), ARDM_INT(c.stride), ARDM_INT(c.dilation), ARDM_INT(chunk),
                         ARDM_INT(parts)));
    if (parts == 1) return ARDM_OK;
    return ARDM_LAUNCH(recorder, "add_parts", NULL, 2, ceil_div(size, 1024), (uint64_t)groups, 1, 1, 1, 1, target, ARDM_OUT(0), ARDM_INT(size),
                       ARDM_INT(parts));
}

ardm_status ardm__plan_convolve_gpu(ardm_recorder *recorder, const ardm_conv *conv, int32_t backward, uint64_t side) {
    const int64_t height = backward ? conv->height : conv->out_height, width = backward ? conv->width : conv->out_width;
    const int64_t source_height = backward ? conv->out_height : conv->height, source_width = backward ? conv->out_width : conv->width;
    const int64_t depth = backward ? conv->outputs : conv->channels, columns = backward ? conv->channels : conv->outputs, tile = 4 * (int64_t)side;
    return ARDM_LAUNCH(recorder, backward ? "convolve_backward" : "convolve", side == 16 ? "-DSIDE=16" : "-DSIDE=8", 2,
                       ceil_div(columns, tile) * side, ceil_div(conv->items * height * width, tile) * side, 1, side, side, 1, ARDM_IN(0), ARDM_IN(1),
                       ARDM_OUT(0), ARDM_INT(conv->items), ARDM_INT(height), ARDM_INT(width), ARDM_INT(columns), ARDM_INT(source_height),
                       ARDM_INT(source_width), ARDM_INT(depth), ARDM_INT(conv->kernel_height), ARDM_INT(conv->kernel_width), ARDM_INT(conv->stride),
                       ARDM_INT(conv->dilation));
}

ardm_status ardm__plan_weight_gradient_gpu(ardm_recorder *recorder, const ardm_conv *c, int64_t groups, uint64_t side) {
    const int64_t tile = 4 * (int64_t)side, rows = c->kernel_height * c->kernel_width * c->channels;
    return ARDM_LAUNCH(recorder, "weight_gradient", side == 16 ? "-DSIDE=16" : "-DSIDE=8", 3, ceil_div(c->outputs, tile) * side,
                       ceil_div(rows, tile) * side, (uint64_t)groups, side, side, 1, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0), ARDM_INT(c->items),
                       ARDM_INT(c->height), ARDM_INT(c->width), ARDM_INT(c->channels), ARDM_INT(c->out_height), ARDM_INT(c->out_width),
                       ARDM_INT(c->outputs), ARDM_INT(c->kernel_height), ARDM_INT(c->kernel_width), ARDM_INT(c->stride), ARDM_INT(c->dilation));
}
