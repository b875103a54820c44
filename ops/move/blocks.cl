// move/blocks.cl: space to depth and back; a run of b·C words is contiguous on both sides
//   deep[n, h/b, w/b, (by·b + bx)·C + c] = wide[n, h, w, c]
//   runs     N·H·(W/b), numbered as they lie in `wide`
//   global   ceil(runs / each); any local size

static size_t deep_at(const int run, const int across, const int b, const int width) {
    const int row = run / across, column = run % across; // row: over N·H, so row / b is the deep row, as H is a multiple of b
    return ((size_t)(row / b) * across + column) * b * width + (size_t)(row % b) * width;
}

kernel void to_depth(global const uint *restrict x, global uint *restrict y, const int runs, const int across, const int b, const int width,
                     const int each) {
    const int first = (int)get_global_id(0) * each;
    const int last = min(runs - first, each) + first;
    for (int run = first; run < last; run++) {
        global const uint *from = x + (size_t)run * width;
        global uint *to = y + deep_at(run, across, b, width);
        for (int j = 0; j < width; j++) to[j] = from[j];
    }
}

kernel void to_space(global const uint *restrict x, global uint *restrict y, const int runs, const int across, const int b, const int width,
                     const int each) {
    const int first = (int)get_global_id(0) * each;
    const int last = min(runs - first, each) + first;
    for (int run = first; run < last; run++) {
        global const uint *from = x + deep_at(run, across, b, width);
        global uint *to = y + (size_t)run * width;
        for (int j = 0; j < width; j++) to[j] = from[j];
    }
}
