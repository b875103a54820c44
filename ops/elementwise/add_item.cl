// elementwise/add_item.cl: y[n,p,d] = F(x[n,p,d] + b[n,d])
//   x, y        rows = N * P rows of `width` floats; b: N rows

// CPU class: global ceil(rows / each), local size 1
kernel void add_item_rows(global const float *restrict x, global const float *restrict b, global float *restrict y, const int rows,
                          const int positions, const int width, const int each) {
    const int first = (int)get_global_id(0) * each;
    const int last = min(rows - first, each) + first;
    for (int row = first; row < last; ++row) {
        global const float *restrict from = x + (size_t)row * width;
        global const float *restrict with = b + (size_t)(row / positions) * width;
        global float *restrict to = y + (size_t)row * width;
        for (int d = 0; d < width; ++d) to[d] = ardm_flush(from[d] + with[d]);
    }
}

// GPU class: global >= rows * width
kernel void add_item_each(global const float *restrict x, global const float *restrict b, global float *restrict y, const int count,
                          const int positions, const int width) {
    const int i = (int)get_global_id(0);
    if (i >= count) return;
    const int row = i / width;
    y[i] = ardm_flush(x[i] + b[(row / positions) * width + i - row * width]);
}
