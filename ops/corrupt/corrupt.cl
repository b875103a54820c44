// corrupt/corrupt.cl: what a unit shows, and the digit that it decides (corrupt/chain.h)
//   stages   S; base: b, or K of the absorbing chain; K: symbols
//   size     elements an item
//   global   ceil(size / each), N; any local size

static int width_of(const int base, const int K, const int digits) {
    int width = 1;
    for (int k = 0; k < digits && width < K; k++) width = base > K / width ? K : width * base;
    return width < K ? width : K;
}

static void widths(const int stage, const int stages, const int base, const int K, int *before, int *after) {
    const int s = clamp(stage, 0, stages - 1);
    *before = width_of(base, K, stages - s);
    *after = width_of(base, K, stages - s - 1);
}

// blank: the id of an undecided unit of the absorbing chain, else -1
kernel void corrupt(global const int *restrict symbols, global const uchar *restrict state, global const int *restrict stage,
                    global int *restrict ids, global float *restrict values, const int size, const int stages, const int base, const int K,
                    const int blank, const int each) {
    const int n = (int)get_global_id(1);
    const int begin = (int)get_global_id(0) * each;
    const int many = min(size - begin, each);
    const size_t at = (size_t)n * size + begin;
    symbols += at;
    state += at;
    ids += at;
    values += at;
    int before, after;
    widths(stage[n], stages, base, K, &before, &after);
    const float span = (float)(K - 1);
    for (int i = 0; i < many; i++) {
        const int x = clamp(symbols[i], 0, K - 1), seen = state[i];
        const int width = seen == 0 ? before : seen == 1 ? after : 1;
        const int low = x - x % width;
        const int high = min(low + width, K) - 1;
        const float value = ardm_divide((float)(low + high), span) - 1.0f;
        ids[i] = seen > 2 ? -1 : seen == 0 && blank >= 0 ? blank : low;
        values[i] = seen > 2 ? 0.0f : ardm_flush(value);
    }
}

kernel void digit(global const int *restrict symbols, global const int *restrict stage, global int *restrict digits, global int *restrict children,
                  const int size, const int stages, const int base, const int K, const int each) {
    const int n = (int)get_global_id(1);
    const int begin = (int)get_global_id(0) * each;
    const int many = min(size - begin, each);
    const size_t at = (size_t)n * size + begin;
    symbols += at;
    digits += at;
    children += at;
    int before, after;
    widths(stage[n], stages, base, K, &before, &after);
    for (int i = 0; i < many; i++) {
        const int x = clamp(symbols[i], 0, K - 1);
        const int low = x - x % before;
        digits[i] = (x - low) / after;
        children[i] = (min(before, K - low) - 1) / after + 1;
    }
}
