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

// The first id of a partition that numbers its classes on from where finer ones end.
static int first_id(const int partition, const int stages, const int base, const int K) {
    int first = K;
    for (int p = stages - 1; p > partition; p--) {
        const int each = width_of(base, K, stages - p);
        first += (K + each - 1) / each;
    }
    return first;
}

// fresh: classes have ids of their own before the last stage is done
kernel void corrupt(global const int *restrict symbols, global const uchar *restrict state, global const int *restrict stage,
                    global int *restrict ids, global float *restrict values, const int size, const int stages, const int base, const int K,
                    const int fresh, const int each) {
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
    const int s = clamp(stage[n], 0, stages - 1);
    const int first_before = first_id(s, stages, base, K), first_after = first_id(s + 1, stages, base, K);
    for (int i = 0; i < many; i++) {
        const int x = clamp(symbols[i], 0, K - 1), seen = state[i];
        const int width = seen == 0 ? before : seen == 1 ? after : 1;
        const int low = x - x % width;
        const int high = min(low + width, K) - 1;
        const float value = ardm_divide((float)(low + high), span) - 1.0f;
        const int own = fresh && (seen == 0 || (seen == 1 && s + 1 < stages));
        ids[i] = seen > 2 ? -1 : own ? (seen == 0 ? first_before : first_after) + x / width : low;
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

// The same from a table i32[5, S+1, K]: planes least, greatest, id, digit, children (corrupt/chain.h).
static int entry(global const int *restrict table, const int plane, const int partition, const int x, const int stages, const int K) {
    return table[((size_t)plane * (stages + 1) + partition) * K + x];
}

kernel void corrupt_table(global const int *restrict symbols, global const uchar *restrict state, global const int *restrict stage,
                          global const int *restrict table, global int *restrict ids, global float *restrict values, const int size,
                          const int stages, const int K, const int each) {
    const int n = (int)get_global_id(1), s = clamp(stage[n], 0, stages - 1);
    const int begin = (int)get_global_id(0) * each, many = min(size - begin, each);
    const size_t at = (size_t)n * size + begin;
    const float span = (float)(K - 1);
    for (int i = 0; i < many; i++) {
        const int x = clamp(symbols[at + i], 0, K - 1), seen = state[at + i], p = seen < 2 ? s + seen : stages;
        const int low = clamp(entry(table, 0, p, x, stages, K), 0, K - 1), high = clamp(entry(table, 1, p, x, stages, K), low, K - 1);
        const float value = ardm_divide((float)(low + high), span) - 1.0f;
        ids[at + i] = seen > 2 ? -1 : max(entry(table, 2, p, x, stages, K), -1);
        values[at + i] = seen > 2 ? 0.0f : ardm_flush(value);
    }
}

kernel void digit_table(global const int *restrict symbols, global const int *restrict stage, global const int *restrict table,
                        global int *restrict digits, global int *restrict children, const int size, const int stages, const int most, const int K,
                        const int each) {
    const int n = (int)get_global_id(1), s = clamp(stage[n], 0, stages - 1);
    const int begin = (int)get_global_id(0) * each, many = min(size - begin, each);
    const size_t at = (size_t)n * size + begin;
    for (int i = 0; i < many; i++) {
        const int x = clamp(symbols[at + i], 0, K - 1), count = clamp(entry(table, 4, s, x, stages, K), 1, most);
        digits[at + i] = clamp(entry(table, 3, s, x, stages, K), 0, count - 1);
        children[at + i] = count;
    }
}
