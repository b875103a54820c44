// grad_cpu.cl: gradient of attention; a work-item a tile of 16 queries (dq), then a tile of 16 keys (dk, dv)
//   qkv, block, mask, o, max, den   as in cpu.cl; dy as o; dqkv as qkv
//   facts     [items, heads, streams * length, 2]: reciprocal(den) and the row term of dy and o, made by the first kernel
//   global    streams * ceil(length / 16), heads, items; local 1
// A query's index in the sums of dk and dv is its row in the joined [streams * length].
#include "tile.clh"

// weights[k] = F(e * reciprocal), slopes[k] = F(weights[k] * F(dp - inner)), from scores (HIDDEN where hidden) and dp
static inline void slopes_of(float16 *weights, float16 *slopes, const float16 *scores, const float16 *dp, const float16 *m, const float16 *reciprocal,
                             const float16 *inner) {
    float e[STEP * 16];
    for (int k = 0; k < STEP; ++k) vstore16(scores[k] - m[k], k, e);
    for (int i = 0; i < STEP * 16; ++i) e[i] = ardm_flush(ardm_exp(e[i]));
    for (int k = 0; k < STEP; ++k) {
        weights[k] = flush16(vload16(k, e) * reciprocal[k]);
        slopes[k] = flush16(weights[k] * flush16(dp[k] - inner[k]));
    }
}

// F(lane sum over features of a[c] * b[c]) of 16 rows
static inline float16 row_terms(const float *a, const float *b) {
    float16 lane[64], total = 0.0f;
    for (int begin = 0; begin < HEAD; begin += 16384) {
        for (int i = 0; i < 64; ++i) lane[i] = 0.0f;
        for (int c = begin; c < min(begin + 16384, HEAD); ++c) lane[c & 63] = fma(vload16(c, a), vload16(c, b), lane[c & 63]);
        for (int half_lanes = 32; half_lanes > 0; half_lanes /= 2)
            for (int i = 0; i < half_lanes; ++i) lane[i] += lane[i + half_lanes];
        total += lane[0];
    }
    return flush16(total);
}

kernel void attention_grad_queries(global const float *restrict qkv, global const int *restrict block, global const uchar *restrict mask,
                                   global const float *restrict o, global const float *restrict top, global const float *restrict den,
                                   global const float *restrict dy, global float *restrict dqkv, global float *restrict facts, const int has_block,
                                   const int has_mask, const int length, const int streams, const float scale) {
    const int tiles = (length + 15) / 16, stream = (int)get_global_id(0) / tiles, at = ((int)get_global_id(0) - stream * tiles) * 16;
    const int heads = (int)get_global_size(1), head = (int)get_global_id(1), item = (int)get_global_id(2);
    const size_t width = (size_t)heads * HEAD, step = 3 * width, rows = (size_t)streams * length, first_row = (size_t)item * rows;
    const size_t row = first_row + (size_t)stream * length, fact = ((size_t)item * heads + head) * rows + (size_t)stream * length;
    global const float *keys = qkv + first_row * step + width + (size_t)head * HEAD, *values = keys + width;
    const size_t to_noisy = (streams - 1) * step * length;
    const int count = min(16, length - at);
    float q[HEAD * 16], d[HEAD * 16], part[HEAD * 16], total[HEAD * 16], m_of[16], r_of[16], i_of[16];
    float16 s[STEP], dp[STEP], p[STEP], m[STEP], reciprocal[STEP], inner[STEP];

    int n = has_block ? block[item] : 0;
    n = n <= 0 || n > length ? length : n;
    // min of two vectors: Oclgrind 21.10 reads past a scalar operand.
    const int16 position = min(at + (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), (int16)(length - 1));
    const int16 begin = position / n * n, own = min(begin + n, (int16)(length)), clean = stream == 0 ? own : begin;
    const int clean_high = clean.sf, own_high = own.sf, clean_low = clean.s0, noisy_low = stream == 0 ? INT_MAX : clean.s0;

    load_tile(q, qkv + row * step + (size_t)head * HEAD, step, at, length);
    load_tile(d, dy + row * width + (size_t)head * HEAD, width, at, length);
    load_tile(part, o + row * width + (size_t)head * HEAD, width, at, length);
    vstore16(row_terms(d, part), 0, i_of);
    for (int lane = 0; lane < 16; ++lane) {
        const float whole = den[fact + min(at + lane, length - 1)];
        m_of[lane] = top[fact + min(at + lane, length - 1)];
        r_of[lane] = whole == 0.0f ? 0.0f : ardm_flush(ardm_reciprocal(whole));
    }
    for (int lane = 0; lane < count; ++lane) {
        facts[2 * (fact + at + lane)] = r_of[lane];
        facts[2 * (fact + at + lane) + 1] = i_of[lane];
    }
    for (int k = 0; k < STEP; ++k) m[k] = vload16(0, m_of), reciprocal[k] = vload16(0, r_of), inner[k] = vload16(0, i_of);
    for (int c = 0; c < HEAD * 16; ++c) part[c] = total[c] = 0.0f;

    for (int j = 0; j < own_high; j += STEP) {
        const int noisy = j > noisy_low - STEP;
        if (j > 0 && j % BLOCK == 0) close_block(total, part);
        if (j < clean_high) {
            dots(s, q, keys, step, j, length);
            dots(dp, d, values, step, j, length);
            for (int k = 0; k < STEP; ++k) s[k] = flush16(mul16(s[k], scale));
            if (j + STEP > clean_low)
                for (int k = 0; k < STEP; ++k) s[k] = select((float16)(HIDDEN), s[k], j + k < clean);
        } else {
            for (int k = 0; k < STEP; ++k) s[k] = HIDDEN, dp[k] = 0.0f;
        }
        if (noisy) {
            float16 t[STEP], u[STEP];
            dots(t, q, keys + to_noisy, step, j, length);
            dots(u, d, values + to_noisy, step, j, length);
            for (int k = 0; k < STEP; ++k) {
                const int16 seen = j + k >= clean & j + k < own;
                s[k] = select(s[k], flush16(mul16(t[k], scale)), seen);
                dp[k] = select(dp[k], u[k], seen);
            }
        }
        if (has_mask)
            for (int k = 0; k < min(STEP, own_high - j); ++k)
                if (mask[(size_t)item * length + j + k] == VOID) s[k] = HIDDEN;
        slopes_of(p, s, s, dp, m, reciprocal, inner);
        if (!noisy) {
            add_rows(part, s, keys, step, j, length);
        } else {
            if (j < clean_high) {
                for (int k = 0; k < STEP; ++k) p[k] = select((float16)(0.0f), s[k], j + k < clean);
                add_rows(part, p, keys, step, j, length);
            }
            for (int k = 0; k < STEP; ++k) p[k] = select((float16)(0.0f), s[k], j + k >= clean);
            add_rows(part, p, keys + to_noisy, step, j, length);
        }
    }
    close_block(total, part);
    for (int c = 0; c < HEAD; ++c) vstore16(flush16(flush16(vload16(c, total)) * scale), c, total);
    for (int lane = 0; lane < count; ++lane) {
        global float *to = dqkv + (row + at + lane) * step + (size_t)head * HEAD;
        for (int c = 0; c < HEAD; ++c) to[c] = total[c * 16 + lane];
    }
}

kernel void attention_grad_keys(global const float *restrict qkv, global const int *restrict block, global const uchar *restrict mask,
                                global const float *restrict top, global const float *restrict facts, global const float *restrict dy,
                                global float *restrict dqkv, const int has_block, const int has_mask, const int length, const int streams,
                                const float scale) {
    const int tiles = (length + 15) / 16, stream = (int)get_global_id(0) / tiles, at = ((int)get_global_id(0) - stream * tiles) * 16;
    const int heads = (int)get_global_size(1), head = (int)get_global_id(1), item = (int)get_global_id(2);
    const size_t width = (size_t)heads * HEAD, step = 3 * width, rows = (size_t)streams * length, first_row = (size_t)item * rows;
    const size_t row = first_row + (size_t)stream * length, fact = ((size_t)item * heads + head) * rows;
    global const float *queries = qkv + first_row * step + (size_t)head * HEAD, *slopes = dy + first_row * width + (size_t)head * HEAD;
    float key[HEAD * 16], value[HEAD * 16], k_part[HEAD * 16], v_part[HEAD * 16], k_total[HEAD * 16], v_total[HEAD * 16];
    float16 s[STEP], dp[STEP], p[STEP], m[STEP], reciprocal[STEP], inner[STEP];

    int n = has_block ? block[item] : 0;
    n = n <= 0 || n > length ? length : n;
    const int last = min(at + 15, length - 1), count = min(16, length - at);
    // An index that no query sees where the key is void or past the end.
    int index[16];
    for (int lane = 0; lane < 16; ++lane) {
        const int j = at + lane, shown = j < length && !(has_mask && mask[(size_t)item * length + min(j, length - 1)] == VOID);
        index[lane] = shown ? j : INT_MAX;
    }
    const int16 j = vload16(0, index);
    load_tile(key, queries + (size_t)stream * length * step + width, step, at, length);
    load_tile(value, queries + (size_t)stream * length * step + 2 * width, step, at, length);
    for (int c = 0; c < HEAD * 16; ++c) k_part[c] = v_part[c] = k_total[c] = v_total[c] = 0.0f;

    // Clean keys are seen by queries of their stream from their block on, and by noisy ones of later blocks; noisy keys by their block.
    int open = 0;
    for (int from = stream; from < streams; ++from) {
        const int first = at / n * n;
        const int low = from * length + (from == stream ? first : min(first + n, length));
        const int high = from * length + (stream == 1 ? min(last / n * n + n, length) : length);
        for (int i = low / STEP * STEP; i < high; i += STEP) {
            if (i / BLOCK != open) {
                close_block(k_total, k_part);
                close_block(v_total, v_part);
                open = i / BLOCK;
            }
            dots(s, key, queries, step, i, (int)rows);
            dots(dp, value, slopes, width, i, (int)rows);
            for (int k = 0; k < STEP; ++k) {
                const int query = min(i + k, (int)rows - 1), position = query - from * length, begin = position / n * n;
                const int end = min(begin + n, length), valid = i + k >= low && i + k < high;
                const int seen_low = stream == 1 ? begin : 0, seen_high = !valid ? 0 : from == stream ? end : begin;
                s[k] = select((float16)(HIDDEN), flush16(mul16(s[k], scale)), j >= seen_low & j < seen_high);
                m[k] = top[fact + query];
                reciprocal[k] = facts[2 * (fact + query)];
                inner[k] = facts[2 * (fact + query) + 1];
            }
            slopes_of(p, s, s, dp, m, reciprocal, inner);
            add_rows(k_part, s, queries, step, i, (int)rows);
            add_rows(v_part, p, slopes, width, i, (int)rows);
        }
    }
    close_block(k_total, k_part);
    close_block(v_total, v_part);
    for (int c = 0; c < HEAD; ++c) {
        vstore16(flush16(flush16(vload16(c, k_total)) * scale), c, k_total);
        vstore16(flush16(vload16(c, v_total)), c, v_total);
    }
    for (int lane = 0; lane < count; ++lane) {
        global float *to = dqkv + (row + at + lane) * step + width + (size_t)head * HEAD;
        for (int c = 0; c < HEAD; ++c) to[c] = k_total[c * 16 + lane], to[width + c] = v_total[c * 16 + lane];
    }
}
