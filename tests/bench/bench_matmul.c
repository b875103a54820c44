/* Exact matrix products: plain, with transposed weights, and the weight gradient. Usage: bench_matmul [device] */
#include <stdio.h>

#include "bench.h"

static const struct {
    int32_t rows, columns, depth;
} shapes[] = {{256, 256, 256},   {512, 512, 512}, {1024, 1024, 1024}, {8, 1024, 1024}, {256, 64, 576},
              {1024, 256, 2304}, {8192, 96, 96},  {8192, 7, 96},      {1, 1024, 1024}};

static void forward(bench *b, int32_t rows, int32_t columns, int32_t depth, int32_t transposed) {
    char inputs[96], label[64];
    snprintf(inputs, sizeof inputs, "f32[%d,%d] f32[%d,%d]", rows, depth, transposed ? columns : depth, transposed ? depth : columns);
    snprintf(label, sizeof label, "matmul%s %dx%dx%d", transposed ? " tb" : "", rows, columns, depth);
    const double flops = 2.0 * rows * columns * depth, peak = bench_peak(b), seconds = bench_op(b, "matmul", inputs, transposed ? "tb=1" : "tb=0");
    bench_row(b, label, flops, seconds, peak, 0.80);
    if (transposed) return;
    bench_ratio("OpenBLAS", seconds, bench_openblas(b, rows, columns, depth), 1.05);
    bench_ratio("oneDNN", seconds, bench_onednn_matmul(b, rows, columns, depth), 0.95);
}

static void gradient(bench *b, int32_t items, int32_t positions, int32_t depth, int32_t columns, int32_t group) {
    char inputs[96], attrs[32], label[64];
    snprintf(inputs, sizeof inputs, "f32[%d,%d,%d] f32[%d,%d,%d]", items, positions, depth, items, positions, columns);
    snprintf(attrs, sizeof attrs, "group=%d", group);
    snprintf(label, sizeof label, "matmul_grad %dx%d %dx%d by %d", items, positions, depth, columns, group);
    const double peak = bench_peak(b), seconds = bench_op(b, "matmul_grad", inputs, attrs);
    bench_row(b, label, 2.0 * items * positions * depth * columns, seconds, peak, 0.80);
}

int main(int argc, char **argv) {
    bench b;
    if (bench_open(&b, argc > 1 ? argv[1] : NULL) != ARDM_OK) {
        fprintf(stderr, "bench_matmul: %s\n", ardm_message());
        return 1;
    }
    printf("rows x columns x depth; packing of the weights is part of each time; * marks a missed target");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) forward(&b, shapes[i].rows, shapes[i].columns, shapes[i].depth, 0);
    forward(&b, 512, 512, 512, 1);
    forward(&b, 8192, 96, 96, 1);
    gradient(&b, 32, 256, 96, 96, 4);
    gradient(&b, 32, 256, 128, 512, 32);
    gradient(&b, 16, 512, 256, 256, 2);
    printf("\n");
    return bench_close(&b);
}
