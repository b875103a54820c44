// random/dropout.cl: y[n,e] = word(n, e) < threshold ? +0 : F(x[n,e] * scale)
//   x, y        items of `size` floats, cut into quads of four that share a block of Philox; the last one may be cut short
//   key         seed low, seed high, step; first: global index of item 0
//   purpose     6 << 24 | layer

static float keep(const uint word, const uint threshold, const float scale, const float x) {
    return ardm_select(word >= threshold, ardm_flush(ardm_mul(x, scale)), 0.0f);
}

// The last quad of an item, of fewer than four elements.
static void cut_short(global const float *x, global float *y, const int size, const uint item, const uint step, const uint purpose, const uint low,
                      const uint high, const uint threshold, const float scale) {
    for (int e = size & ~3; e < size; ++e)
        y[e] = keep(ardm_philox_word((uint)e >> 2, item, step, purpose, low, high, (uint)e & 3u), threshold, scale, x[e]);
}

// Sixteen blocks at once, the rounds of ardm_philox_word: w[j] is word j of the blocks q, q + 1 … q + 15.
static void philox16(uint16 w[4], const uint q, const uint item, const uint step, const uint purpose, uint low, uint high) {
    uint16 c0 = (uint16)(q) + (uint16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    uint16 c1 = (uint16)(item), c2 = (uint16)(step), c3 = (uint16)(purpose);
    for (int round = 0; round < 10; ++round) {
        const uint16 h0 = mul_hi(c0, (uint16)(0xd2511f53u)), l0 = c0 * 0xd2511f53u;
        const uint16 h1 = mul_hi(c2, (uint16)(0xcd9e8d57u)), l1 = c2 * 0xcd9e8d57u;
        c0 = h1 ^ c1 ^ low;
        c1 = l1;
        c2 = h0 ^ c3 ^ high;
        c3 = l0;
        low += 0x9e3779b9u;
        high += 0xbb67ae85u;
    }
    w[0] = c0, w[1] = c1, w[2] = c2, w[3] = c3;
}

// Four blocks' words in the order of their elements.
#define BLOCKS(w, i, j, k, l)                                                                                                                \
    (uint16)(w[0].s##i, w[1].s##i, w[2].s##i, w[3].s##i, w[0].s##j, w[1].s##j, w[2].s##j, w[3].s##j, w[0].s##k, w[1].s##k, w[2].s##k,        \
             w[3].s##k, w[0].s##l, w[1].s##l, w[2].s##l, w[3].s##l)

static void keep16(const uint16 words, const uint threshold, const float scale, global const float *x, global float *y) {
    const int16 bits = as_int16(vload16(0, x) * scale);
    const int16 gone = (words < (uint16)(threshold)) | ((bits & 0x7fffffff) < 0x2b800000);
    vstore16(as_float16(bits & ~gone), 0, y);
}

// CPU class: global ceil(quads of all items / each), local size 1
kernel void dropout_runs(global const float *restrict x, global const uint *restrict key, global const int *restrict first, global float *restrict y,
                         const int total, const int quads, const int size, const int threshold, const int purpose, const float scale,
                         const int each) {
    const uint low = key[0], high = key[1], step = key[2], start = (uint)first[0];
    const int whole = size / 4;
    int begin = (int)get_global_id(0) * each;
    const int end = min(total - begin, each) + begin;
    while (begin < end) {
        const int n = begin / quads, at = begin - n * quads, last = min(end - n * quads, quads), full = min(last, whole);
        const uint item = start + (uint)n;
        global const float *restrict from = x + (size_t)n * size;
        global float *restrict to = y + (size_t)n * size;
        int q = at;
        for (; q + 16 <= full; q += 16) {
            uint16 w[4];
            philox16(w, (uint)q, item, step, (uint)purpose, low, high);
            keep16(BLOCKS(w, 0, 1, 2, 3), (uint)threshold, scale, from + 4 * q, to + 4 * q);
            keep16(BLOCKS(w, 4, 5, 6, 7), (uint)threshold, scale, from + 4 * q + 16, to + 4 * q + 16);
            keep16(BLOCKS(w, 8, 9, a, b), (uint)threshold, scale, from + 4 * q + 32, to + 4 * q + 32);
            keep16(BLOCKS(w, c, d, e, f), (uint)threshold, scale, from + 4 * q + 48, to + 4 * q + 48);
        }
        for (; q < full; ++q)
            for (uint lane = 0; lane < 4u; ++lane)
                to[4 * q + lane] =
                    keep(ardm_philox_word((uint)q, item, step, (uint)purpose, low, high, lane), (uint)threshold, scale, from[4 * q + lane]);
        if (last > whole) cut_short(from, to, size, item, step, (uint)purpose, low, high, (uint)threshold, scale);
        begin += last - at;
    }
}

// GPU class: global >= quads of all items
kernel void dropout_each(global const float *restrict x, global const uint *restrict key, global const int *restrict first, global float *restrict y,
                         const int total, const int quads, const int size, const int threshold, const int purpose, const float scale) {
    const int i = (int)get_global_id(0);
    if (i >= total) return;
    const int n = i / quads, q = i - n * quads;
    const uint item = (uint)first[0] + (uint)n;
    global const float *restrict from = x + (size_t)n * size;
    global float *restrict to = y + (size_t)n * size;
    if (4 * q + 4 > size) {
        cut_short(from, to, size, item, key[2], (uint)purpose, key[0], key[1], (uint)threshold, scale);
        return;
    }
    const float4 v = vload4((size_t)q, from);
    float4 kept;
    kept.x = keep(ardm_philox_word((uint)q, item, key[2], (uint)purpose, key[0], key[1], 0u), (uint)threshold, scale, v.x);
    kept.y = keep(ardm_philox_word((uint)q, item, key[2], (uint)purpose, key[0], key[1], 1u), (uint)threshold, scale, v.y);
    kept.z = keep(ardm_philox_word((uint)q, item, key[2], (uint)purpose, key[0], key[1], 2u), (uint)threshold, scale, v.z);
    kept.w = keep(ardm_philox_word((uint)q, item, key[2], (uint)purpose, key[0], key[1], 3u), (uint)threshold, scale, v.w);
    vstore4(kept, (size_t)q, to);
}
