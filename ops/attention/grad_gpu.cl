// grad_gpu.cl: gradient of attention; a work-item a query (dq), then a work-item a key (dk, dv), groups of 64 of one stream
//   operands as in grad_cpu.cl
//   global    streams * ceil(length / 64) * 64, heads, items; local 64
#ifndef HEAD
#define HEAD 32          // features of a head
#endif
#define GROUP 64
#define STEP 16          // keys or queries at a time; divides 256
#define BLOCK 256        // terms of a block sum
#define VOID 3

kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void attention_grad_queries(global const float *restrict qkv, global const int *restrict block, global const uchar *restrict mask,
                            global const float *restrict o, global const float *restrict top, global const float *restrict den,
                            global const float *restrict dy, global float *restrict dqkv, global float *restrict facts, const int has_block,
                            const int has_mask, const int length, const int streams, const float scale) {
    const int lane = (int)get_local_id(0), tiles = (length + GROUP - 1) / GROUP;
    const int stream = (int)get_group_id(0) / tiles, at = ((int)get_group_id(0) - stream * tiles) * GROUP;
    const int heads = (int)get_global_size(1), head = (int)get_global_id(1), item = (int)get_global_id(2);
    const size_t width = (size_t)heads * HEAD, step = 3 * width, rows = (size_t)streams * length, first_row = (size_t)item * rows;
    global const float *keys = qkv + first_row * step + width + (size_t)head * HEAD;
    local float tile_k[2 * STEP * HEAD], tile_v[2 * STEP * HEAD];
    float q[HEAD], d[HEAD], part[HEAD], total[HEAD], fold[64];

    int n = has_block ? block[item] : 0;
    n = n <= 0 || n > length ? length : n;
    const int position = min(at + lane, length - 1), begin = position / n * n, own = min(begin + n, length), clean = stream == 0 ? own : begin;
    const int last = min(at + GROUP - 1, length - 1) / n * n, own_high = min(last + n, length);
    const int clean_high = stream == 0 ? own_high : last, noisy_low = stream == 0 ? INT_MAX : at / n * n;

    const size_t row = (size_t)stream * length + position, fact = ((size_t)item * heads + head) * rows + row;
    const size_t narrow = (first_row + row) * width + (size_t)head * HEAD, wide = (first_row + row) * step + (size_t)head * HEAD;
    for (int i = 0; i < 64; ++i) fold[i] = 0.0f;
    for (int c = 0; c < HEAD; ++c) {
        q[c] = qkv[wide + c];
        d[c] = dy[narrow + c];
        fold[c & 63] = fma(d[c], o[narrow + c], fold[c & 63]);
        part[c] = total[c] = 0.0f;
    }
    for (int half_lanes = 32; half_lanes > 0; half_lanes /= 2)
        for (int i = 0; i < half_lanes; ++i) fold[i] += fold[i + half_lanes];
    const float m = top[fact], whole = den[fact], inner = ardm_flush(fold[0]);
    const float reciprocal = whole == 0.0f ? 0.0f : ardm_flush(ardm_reciprocal(whole));

    for (int j0 = 0; j0 < own_high; j0 += STEP) {
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int s = 0; s < 2; ++s) {
            if (s == 0 ? j0 >= clean_high : j0 <= noisy_low - STEP) continue;
            for (int i = lane; i < STEP * HEAD; i += GROUP) {
                const size_t from = ((size_t)s * length + min(j0 + i / HEAD, length - 1)) * step + i % HEAD;
                tile_k[s * STEP * HEAD + i] = keys[from];
                tile_v[s * STEP * HEAD + i] = keys[width + from];
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (j0 > 0 && j0 % BLOCK == 0)
            for (int c = 0; c < HEAD; ++c) total[c] += part[c], part[c] = 0.0f;
        for (int k = 0; k < STEP; ++k) {
            const int j = j0 + k, from = ((j < clean ? 0 : STEP) + k) * HEAD;
            if (j >= own || (has_mask && mask[(size_t)item * length + j] == VOID)) continue;
            float s = 0.0f, dp = 0.0f;
            for (int c = 0; c < HEAD; ++c) {
                s = fma(q[c], tile_k[from + c], s);
                dp = fma(d[c], tile_v[from + c], dp);
            }
            s = ardm_flush(ardm_mul(ardm_flush(s), scale));
            const float p = ardm_flush(ardm_flush(ardm_exp(s - m)) * reciprocal);
            const float slope = ardm_flush(p * ardm_flush(ardm_flush(dp) - inner));
            for (int c = 0; c < HEAD; ++c) part[c] = fma(slope, tile_k[from + c], part[c]);
        }
    }
    if (at + lane >= length) return;
    facts[2 * fact] = reciprocal;
    facts[2 * fact + 1] = inner;
    for (int c = 0; c < HEAD; ++c) dqkv[wide + c] = ardm_flush(ardm_flush(total[c] + part[c]) * scale);
}

kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void attention_grad_keys(global const float *restrict qkv, global const int *restrict block, global const uchar *restrict mask,
                         global const float *restrict top, global const float *restrict facts, global const float *restrict dy,
                         global float *restrict dqkv, const int has_block, const int has_mask, const int length, const int streams,
                         const float scale) {
    const int lane = (int)get_local_id(0), tiles = (length + GROUP - 1) / GROUP;
    const int stream = (int)get_group_id(0) / tiles, at = ((int)get_group_id(0) - stream * tiles) * GROUP;
    const int heads = (int)get_global_size(1), head = (int)get_global_id(1), item = (int)get_global_id(2);
    const size_t width = (size_t)heads * HEAD, step = 3 * width, rows = (size_t)streams * length, first_row = (size_t)item * rows;
    const size_t fact = ((size_t)item * heads + head) * rows;
    local float tile_q[STEP * HEAD], tile_d[STEP * HEAD];
    float key[HEAD], value[HEAD], k_part[HEAD], v_part[HEAD], k_total[HEAD], v_total[HEAD];

    int n = has_block ? block[item] : 0;
    n = n <= 0 || n > length ? length : n;
    const int j = min(at + lane, length - 1), last = min(at + GROUP - 1, length - 1);
    const int hidden = has_mask && mask[(size_t)item * length + j] == VOID;
    const size_t wide = (first_row + (size_t)stream * length + j) * step + (size_t)head * HEAD;
    for (int c = 0; c < HEAD; ++c) {
        key[c] = qkv[wide + width + c];
        value[c] = qkv[wide + 2 * width + c];
        k_part[c] = v_part[c] = k_total[c] = v_total[c] = 0.0f;
    }

    // Clean keys are seen by queries of their stream from their block on, and by noisy ones of later blocks; noisy keys by their block.
    int open = 0;
    for (int from = stream; from < streams; ++from) {
        const int first = at / n * n;
        const int low = from * length + (from == stream ? first : min(first + n, length));
        const int high = from * length + (stream == 1 ? min(last / n * n + n, length) : length);
        for (int i0 = low / STEP * STEP; i0 < high; i0 += STEP) {
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int i = lane; i < STEP * HEAD; i += GROUP) {
                const size_t query = first_row + min(i0 + i / HEAD, (int)rows - 1);
                tile_q[i] = qkv[query * step + (size_t)head * HEAD + i % HEAD];
                tile_d[i] = dy[query * width + (size_t)head * HEAD + i % HEAD];
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            if (i0 / BLOCK != open) {
                for (int c = 0; c < HEAD; ++c) {
                    k_total[c] += k_part[c], k_part[c] = 0.0f;
                    v_total[c] += v_part[c], v_part[c] = 0.0f;
                }
                open = i0 / BLOCK;
            }
            for (int k = 0; k < STEP; ++k) {
                const int query = i0 + k;
                if (query < low || query >= high || hidden) continue;
                const int begin = (query - from * length) / n * n, end = min(begin + n, length);
                if (j < (stream == 1 ? begin : 0) || j >= (from == stream ? end : begin)) continue;
                float s = 0.0f, dp = 0.0f;
                for (int c = 0; c < HEAD; ++c) {
                    s = fma(key[c], tile_q[k * HEAD + c], s);
                    dp = fma(value[c], tile_d[k * HEAD + c], dp);
                }
                s = ardm_flush(ardm_mul(ardm_flush(s), scale));
                const float p = ardm_flush(ardm_flush(ardm_exp(s - top[fact + query])) * facts[2 * (fact + query)]);
                const float slope = ardm_flush(p * ardm_flush(ardm_flush(dp) - facts[2 * (fact + query) + 1]));
                for (int c = 0; c < HEAD; ++c) {
                    k_part[c] = fma(slope, tile_q[k * HEAD + c], k_part[c]);
                    v_part[c] = fma(p, tile_d[k * HEAD + c], v_part[c]);
                }
            }
        }
    }
    if (at + lane >= length) return;
    for (int c = 0; c < HEAD; ++c) {
        dqkv[wide + width + c] = ardm_flush(ardm_flush(k_total[c] + k_part[c]) * scale);
        dqkv[wide + 2 * width + c] = ardm_flush(v_total[c] + v_part[c]);
    }
}
