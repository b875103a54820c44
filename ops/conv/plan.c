/* The launches of the convolutions, for both device classes. */
#include "conv/conv.h"

enum { MOST_PART_BYTES = 1 << 26, NEAR_BYTES = 384 << 10 };

static uint64_t ceil_div(int64_t a, int64_t b) { return (uint64_t)((a + b - 1) / b); }

int64_t ardm__near_tiles(int64_t tiles, int64_t row) {
    const int64_t fit = NEAR_BYTES / (8 * 4 * (row > 0 ? row : 1));
    return fit < 4 ? (tiles < 4 ? tiles : 4) : fit < tiles ? fit : tiles;
}

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
    /* A work-item does all output channels where their weights stay in the second-level cache, one pair of panels is too much for the
     * first, and there are tiles enough. */
    const int64_t tiles = (int64_t)ceil_div(c.items * height * width, 8), pairs = (int64_t)(panels + 1) / 2;
    const int64_t bytes = 16 * taps * depth * 4,
                  all = (int64_t)panels * bytes <= NEAR_BYTES && 2 * bytes > 24 << 10 && tiles >= 8 * (int64_t)recorder->facts->compute_units;
    const int64_t near = ardm__near_tiles(tiles, depth);
    return ARDM_LAUNCH(recorder, "convolve", NULL, 3, (uint64_t)near, all ? 1 : (uint64_t)pairs, near > 0 ? ceil_div(tiles, near) : 0, 1, 1, 1,
                       ARDM_IN(0), ARDM_WORK(packed), ARDM_OUT(0), ARDM_INT(c.items), ARDM_INT(height), ARDM_INT(width), ARDM_INT(columns),
                       ARDM_INT(source_height), ARDM_INT(source_width), ARDM_INT(depth), ARDM_INT(c.kernel_height), ARDM_INT(c.kernel_width),
                       ARDM_INT(c.stride), ARDM_INT(c.dilation), ARDM_INT(backward), ARDM_INT(all ? pairs : 1));
}

/* Work-items of `chunk` channels by `wide` tiles of 32 outputs. */
static int64_t weight_items(const ardm_conv *c, int64_t planes, int64_t chunk, int64_t wide) {
    return planes * (int64_t)(ceil_div(c->channels, chunk) * ceil_div((c->outputs + 31) / 32, wide));
}

ardm_status ardm__plan_weight_gradient(ardm_recorder *recorder, const ardm_conv *conv, int64_t groups) {
    ardm_conv c = *conv;
    int64_t terms = c.items * c.out_height * c.out_width, parts = 1;
    const int64_t taps = c.kernel_height * c.kernel_width, size = taps * c.channels * c.outputs, tiles = (c.outputs + 31) / 32;
    const int64_t blocks = (terms + 255) / 256, units = recorder->facts->compute_units;
    ardm_operand target = ARDM_OUT(0);
    uint32_t work;
    if (terms == 0) c.items = 0, c.out_height = c.out_width = 1;
    if (terms > 0 && taps == 1 && c.stride == 1) {
        c.width = c.out_width = terms;
        c.items = c.height = c.out_height = 1;
    }
    /* Large areas keep a block of x and dy near; smaller ones, and then blocks apart, keep the compute units busy. */
    int64_t chunk = 128, wide = 8;
    while ((chunk > 8 || wide > 1) && weight_items(&c, taps * groups, chunk, wide) < 4 * units) {
        if (wide > 1 && 32 * wide >= chunk)
            wide /= 2;
        else
            chunk /= 2;
    }
    if (blocks > 1 && weight_items(&c, taps * groups, chunk, wide) < 2 * units && groups * blocks * size <= MOST_PART_BYTES / 4) {
        parts = blocks;
        ARDM_TRY(recorder->workspace(recorder, (uint64_t)(groups * parts * size) * 4, &work));
        target = ARDM_WORK(work);
    }
    /* Rows at a power-of-two distance fall into few cache sets; gathering them pays once enough channels use them. */
    const int64_t gathered = c.outputs % 16 != 0 || (c.outputs % 128 == 0 && c.channels >= 64);
    ARDM_TRY(ARDM_LAUNCH(recorder, "weight_gradient", NULL, 3, (uint64_t)taps, ceil_div(c.channels, chunk) * ceil_div(tiles, wide),
                         (uint64_t)(groups * parts), 1, 1, 1, ARDM_IN(0), ARDM_IN(1), target, ARDM_INT(c.items), ARDM_INT(c.height),
                         ARDM_INT(c.width), ARDM_INT(c.channels), ARDM_INT(c.out_height), ARDM_INT(c.out_width), ARDM_INT(c.outputs),
                         ARDM_INT(c.kernel_height), ARDM_INT(c.kernel_width), ARDM_INT(c.stride), ARDM_INT(c.dilation), ARDM_INT(chunk),
                         ARDM_INT(wide), ARDM_INT(parts), ARDM_INT(gathered)));
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
