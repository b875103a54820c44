// cpu.cl: attention, a work-item a tile of 16 queries; vectors run across the queries, never along a sum
//   qkv       [items, streams * length, 3 * heads * HEAD]
//   block     i32[items] where has_block        mask   u8[items, length] where has_mask (3 hides a key)
//   out       [items, streams * length, heads * HEAD]       top, den   [items, heads, streams * length]
//   global    streams * ceil(length / 16), heads, items; local 1
#include "tile.clh"
#ifndef STORE
#define STORE 512        // keys whose scores are kept from the first pass to the second; more are computed twice
#endif

kernel void attention(global const float *restrict qkv, global const int *restrict block, global const uchar *restrict mask,
                      global float *restrict out, global float *restrict top, global float *restrict den, const int has_block, const int has_mask,
                      const int length, const int streams, const float scale) {
    const int tiles = (length + 15) / 16, stream = (int)get_global_id(0) / tiles, at = ((int)get_global_id(0) - stream * tiles) * 16;
    const int heads = (int)get_global_size(1), head = (int)get_global_id(1), item = (int)get_global_id(2);
    const size_t width = (size_t)heads * HEAD, step = 3 * width, first_row = (size_t)item * streams * length;
    global const float *keys = qkv + first_row * step + width + (size_t)head * HEAD, *values = keys + width;
    const size_t to_noisy = (streams - 1) * step * length;
    float q[HEAD * 16], part[HEAD * 16], total[HEAD * 16], kept[STORE * 16];
    float16 s[STEP];

    // A query sees j < clean in stream 0 and clean <= j < own in stream 1; both grow with the query.
    int n = has_block ? block[item] : 0;
    n = n <= 0 || n > length ? length : n;
    // min of two vectors: Oclgrind 21.10 reads past a scalar operand.
    const int16 position = min(at + (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), (int16)(length - 1));
    const int16 begin = position / n * n, own = min(begin + n, (int16)(length)), clean = stream == 0 ? own : begin;
    const int clean_high = clean.sf, own_high = own.sf, clean_low = clean.s0, noisy_low = stream == 0 ? INT_MAX : clean.s0;

    load_tile(q, qkv + (first_row + (size_t)stream * length) * step + (size_t)head * HEAD, step, at, length);
    for (int c = 0; c < HEAD * 16; ++c) part[c] = total[c] = 0.0f;
    float16 m = HIDDEN, sum = 0.0f, whole = 0.0f;
    for (int pass = 0; pass < 2; ++pass) {
        for (int j = 0; j < own_high; j += STEP) {
            if (pass == 0 || own_high > STORE) {
                if (j < clean_high) {
                    dots(s, q, keys, step, j, length);
                    for (int k = 0; k < STEP; ++k) s[k] = flush16(mul16(s[k], scale));
                    if (j + STEP > clean_low)
                        for (int k = 0; k < STEP; ++k) s[k] = select((float16)(HIDDEN), s[k], j + k < clean);
                } else {
                    for (int k = 0; k < STEP; ++k) s[k] = HIDDEN;
                }
                if (j > noisy_low - STEP) {
                    float16 t[STEP];
                    dots(t, q, keys + to_noisy, step, j, length);
                    for (int k = 0; k < STEP; ++k) s[k] = select(s[k], flush16(mul16(t[k], scale)), j + k >= clean & j + k < own);
                }
                if (has_mask)
                    for (int k = 0; k < min(STEP, own_high - j); ++k)
                        if (mask[(size_t)item * length + j + k] == VOID) s[k] = HIDDEN;
            }
            if (pass == 0) {
                for (int k = 0; k < STEP; ++k) m = select(m, s[k], s[k] > m);
                if (own_high <= STORE)
                    for (int k = 0; k < STEP; ++k) vstore16(s[k], j + k, kept);
                continue;
            }
            float e[STEP * 16];
            for (int k = 0; k < STEP; ++k) vstore16((own_high <= STORE ? vload16(j + k, kept) : s[k]) - m, k, e);
            for (int i = 0; i < STEP * 16; ++i) e[i] = ardm_flush(ardm_exp(e[i]));
            if (j > 0 && j % BLOCK == 0) {
                close_block(total, part);
                whole += sum;
                sum = 0.0f;
            }
            for (int k = 0; k < STEP; ++k) s[k] = vload16(k, e), sum += s[k];
            if (j <= noisy_low - STEP) {
                add_rows(part, s, values, step, j, length);
            } else {
                float16 t[STEP];
                if (j < clean_high) {
                    for (int k = 0; k < STEP; ++k) t[k] = select((float16)(0.0f), s[k], j + k < clean);
                    add_rows(part, t, values, step, j, length);
                }
                for (int k = 0; k < STEP; ++k) t[k] = select((float16)(0.0f), s[k], j + k >= clean);
                add_rows(part, t, values + to_noisy, step, j, length);
            }
        }
    }
    close_block(total, part);
    whole += sum;

    const int16 seen = m > HIDDEN;
    float reciprocal[16], d[16], t[16];
    vstore16(select((float16)(0.0f), whole, seen), 0, d);
    vstore16(select((float16)(0.0f), m, seen), 0, t);
    for (int lane = 0; lane < 16; ++lane) reciprocal[lane] = ardm_flush(ardm_reciprocal(d[lane]));
    vstore16(select((float16)(0.0f), vload16(0, reciprocal), seen), 0, reciprocal);
    for (int c = 0; c < HEAD; ++c) vstore16(flush16(vload16(c, total) * vload16(0, reciprocal)), c, total);
    for (int lane = 0; lane < min(16, length - at); ++lane) {
        const size_t row = (size_t)stream * length + at + lane, rows = (size_t)streams * length;
        global float *o = out + (first_row + row) * width + (size_t)head * HEAD;
        for (int c = 0; c < HEAD; ++c) o[c] = total[c * 16 + lane];
        top[((size_t)item * heads + head) * rows + row] = t[lane];
        den[((size_t)item * heads + head) * rows + row] = d[lane];
    }
}
