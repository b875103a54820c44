// move/strips.cl: words from one strided place to another
//   rows, width   of the part that moves; row r begins at x + r * x_step + x_at and goes to y + r * y_step + y_at
//   global        ceil(width / columns), ceil(rows / each); any local size

kernel void copy_strips(global const uint *restrict x, global uint *restrict y, const int rows, const int width, const int x_step, const int x_at,
                        const int y_step, const int y_at, const int columns, const int each) {
    const int begin = (int)get_global_id(0) * columns;
    const int many = min(width - begin, columns);
    const int first = (int)get_global_id(1) * each;
    const int last = min(rows - first, each) + first;
    for (int row = first; row < last; row++) {
        global const uint *from = x + (size_t)row * x_step + x_at + begin;
        global uint *to = y + (size_t)row * y_step + y_at + begin;
        for (int j = 0; j < many; j++) to[j] = from[j];
    }
}

// y[row] = x[row] between `at` and `at + size`, 0 elsewhere; width: of y.
kernel void pad_strips(global const uint *restrict x, global uint *restrict y, const int rows, const int width, const int at, const int size,
                       const int columns, const int each) {
    const int begin = (int)get_global_id(0) * columns;
    const int end = min(width - begin, columns) + begin;
    const int first = (int)get_global_id(1) * each;
    const int last = min(rows - first, each) + first;
    for (int row = first; row < last; row++) {
        global const uint *from = x + (size_t)row * size;
        global uint *to = y + (size_t)row * width;
        const int from_here = clamp(at, begin, end), to_here = clamp(at + size, begin, end);
        for (int j = begin; j < from_here; j++) to[j] = 0;
        for (int j = from_here; j < to_here; j++) to[j] = from[j - at];
        for (int j = to_here; j < end; j++) to[j] = 0;
    }
}
