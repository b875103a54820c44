// gpu.cl: attention, a work-item a query, a group 64 queries of one stream; keys and values pass through local memory
//   operands as in cpu.cl
//   global    streams * ceil(length / 64) * 64, heads, items; local 64
#ifndef HEAD
#define HEAD 32          // features of a head
#endif
#define GROUP 64
#define STEP 16          // keys at a time; divides 256
#define BLOCK 256        // terms of a block sum
#define VOID 3

kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void attention(global const float *restrict qkv, global const int *restrict block, global const uchar *restrict mask, global float *restrict out,
               global float *restrict top, global float *restrict den, const int has_block, const int has_mask, const int length,
               const int streams, const float scale) {
    const int lane = (int)get_local_id(0), tiles = (length + GROUP - 1) / GROUP;
    const int stream = (int)get_group_id(0) / tiles, at = ((int)get_group_id(0) - stream * tiles) * GROUP;
    const int heads = (int)get_global_size(1), head = (int)get_global_id(1), item = (int)get_global_id(2);
    const size_t width = (size_t)heads * HEAD, step = 3 * width, first_row = (size_t)item * streams * length;
    global const float *keys = qkv + first_row * step + width + (size_t)head * HEAD;
    local float tile_k[2 * STEP * HEAD], tile_v[2 * STEP * HEAD];
    float q[HEAD], part[HEAD], total[HEAD];

    // A query sees j < clean in stream 0 and clean <= j < own in stream 1; both grow with the query.
    int n = has_block ? block[item] : 0;
    n = n <= 0 || n > length ? length : n;
    const int position = min(at + lane, length - 1), begin = position / n * n, own = min(begin + n, length), clean = stream == 0 ? own : begin;
    const int last = min(at + GROUP - 1, length - 1) / n * n, own_high = min(last + n, length);
    const int clean_high = stream == 0 ? own_high : last, noisy_low = stream == 0 ? INT_MAX : at / n * n;

    global const float *query = qkv + (first_row + (size_t)stream * length + position) * step + (size_t)head * HEAD;
    for (int c = 0; c < HEAD; ++c) q[c] = query[c], part[c] = total[c] = 0.0f;
    float m = -FLT_MAX, sum = 0.0f, whole = 0.0f;
    int seen = 0;
    for (int pass = 0; pass < 2; ++pass)
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
            if (pass == 1 && j0 > 0 && j0 % BLOCK == 0) {
                for (int c = 0; c < HEAD; ++c) total[c] += part[c], part[c] = 0.0f;
                whole += sum;
                sum = 0.0f;
            }
            for (int k = 0; k < STEP; ++k) {
                const int j = j0 + k, row = ((j < clean ? 0 : STEP) + k) * HEAD;
                if (j >= own || (has_mask && mask[(size_t)item * length + j] == VOID)) continue;
                float s = 0.0f;
                for (int c = 0; c < HEAD; ++c) s = fma(q[c], tile_k[row + c], s);
                s = ardm_flush(ardm_mul(ardm_flush(s), scale));
                if (pass == 0) {
                    m = s > m ? s : m;
                    seen = 1;
                    continue;
                }
                const float e = ardm_flush(ardm_exp(s - m));
                sum += e;
                for (int c = 0; c < HEAD; ++c) part[c] = fma(e, tile_v[row + c], part[c]);
            }
        }
    whole += sum;
    if (at + lane >= length) return;
    const float reciprocal = seen ? ardm_flush(ardm_reciprocal(whole)) : 0.0f;
    const size_t row = (size_t)stream * length + position;
    global float *o = out + (first_row + row) * width + (size_t)head * HEAD;
    for (int c = 0; c < HEAD; ++c) o[c] = ardm_flush((total[c] + part[c]) * reciprocal);
    top[((size_t)item * heads + head) * streams * length + row] = seen ? m : 0.0f;
    den[((size_t)item * heads + head) * streams * length + row] = whole;
}
