// move/voids.cl: which positions are void, and their features set to +0
//   state    [N, H, W, C] bytes; mask [N, H/b, W/b], rounded up; 3 is void
//   x, y     rows of `width` words, a byte of mask each

// global   N * H/b * W/b; any local size
kernel void voids(global const uchar *restrict state, global uchar *restrict mask, const int count, const int H, const int W, const int C,
                  const int b) {
    const int i = (int)get_global_id(0), across = (W + b - 1) / b, down = (H + b - 1) / b;
    if (i >= count) return;
    const int row = i / across, y = row % down * b, x = i % across * b;
    mask[i] = state[((size_t)(row / down * H + y) * W + x) * C] == 3 ? 3 : 0;
}

// global   ceil(width / columns) x ceil(rows / each); any local size
kernel void hide(global const uint *restrict x, global const uchar *restrict mask, global uint *restrict y, const int rows, const int width,
                 const int columns, const int each) {
    const int left = (int)get_global_id(0) * columns, right = min(width - left, columns) + left;
    const int first = (int)get_global_id(1) * each, last = min(rows - first, each) + first;
    for (int row = first; row < last; row++) {
        const uint keep = mask[row] == 3 ? 0u : 0xffffffffu;
        global const uint *from = x + (size_t)row * width;
        global uint *to = y + (size_t)row * width;
        for (int j = left; j < right; j++) to[j] = from[j] & keep;
    }
}
