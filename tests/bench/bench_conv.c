/* Exact convolution, forward and both backward passes. Usage: bench_conv [device] */
#include <stdio.h>

#include "bench.h"

static const struct {
    bench_conv conv;
    int32_t group; /* items a gradient group */
} shapes[] = {
    {{16, 32, 32, 64, 64, 3, 3, 1}, 16},  {{16, 32, 32, 256, 256, 3, 3, 1}, 16},  {{32, 16, 16, 96, 96, 3, 3, 1}, 4},
    {{32, 16, 16, 96, 96, 1, 1, 1}, 4},   {{32, 16, 16, 3, 96, 3, 3, 1}, 4},      {{32, 16, 16, 96, 7, 3, 3, 1}, 4},
    {{1, 1, 4000, 128, 128, 1, 3, 2}, 1}, {{1, 1, 4000, 128, 128, 1, 3, 128}, 1},
};

static void row(bench *b, const bench_conv *c, int32_t pass, int32_t group) {
    static const char *const ops[] = {"conv", "conv_grad_x", "conv_grad_w"}, *const names[] = {"forward", "data", "weights"};
    static const double targets[] = {0.95, 0.95, 0.96};
    char inputs[160], attrs[96], label[96];
    const double flops = 2.0 * c->items * c->height * c->width * c->channels * c->outputs * c->kernel_height * c->kernel_width;
    if (pass == BENCH_BACKWARD_WEIGHTS) {
        snprintf(inputs, sizeof inputs, "f32[%d,%d,%d,%d] f32[%d,%d,%d,%d]", c->items, c->height, c->width, c->channels, c->items, c->height,
                 c->width, c->outputs);
        snprintf(attrs, sizeof attrs, "group=%d, kernel=%d, height=%d, dilation=%d", group, c->kernel_width, c->kernel_height, c->dilation);
    } else {
        const int32_t backward = pass == BENCH_BACKWARD_DATA, first = backward ? c->outputs : c->channels;
        int used = snprintf(inputs, sizeof inputs, "f32[%d,%d,%d,%d] f32[%d,%d,%d,%d]", c->items, c->height, c->width, first, c->kernel_height,
                            c->kernel_width, c->channels, c->outputs);
        if (backward) snprintf(inputs + used, sizeof inputs - (size_t)used, " f32[%d,%d,%d,%d]", c->items, c->height, c->width, c->channels);
        snprintf(attrs, sizeof attrs, "dilation=%d", c->dilation);
    }
    snprintf(label, sizeof label, "%dx%dx%d %d-%d %dx%d/%d %s", c->items, c->height, c->width, c->channels, c->outputs, c->kernel_height,
             c->kernel_width, c->dilation, names[pass]);
    const double peak = bench_peak(b), seconds = bench_op(b, ops[pass], inputs, attrs);
    bench_row(b, label, flops, seconds, peak, 0.80);
    bench_ratio("oneDNN", seconds, bench_onednn_conv(b, c, pass), targets[pass]);
}

int main(int argc, char **argv) {
    bench b;
    if (bench_open(&b, argc > 1 ? argv[1] : NULL) != ARDM_OK) {
        fprintf(stderr, "bench_conv: %s\n", ardm_message());
        return 1;
    }
    printf("items x height x width channels-outputs kernel/dilation; operations count padding taps; packing is part of each time; * marks a missed "
           "target");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i)
        for (int32_t pass = BENCH_FORWARD; pass <= BENCH_BACKWARD_WEIGHTS; ++pass) row(&b, &shapes[i].conv, pass, shapes[i].group);
    printf("\n");
    return bench_close(&b);
}
