// group_gpu.cl: group norm, a group of 64 work-items one group of channels of one item
//   operands as in group_cpu.cl
//   global    split * 64, items; parameters: ceil(width / 64) * 64, blocks, parts; local 64
// A work-item sums a block of 256 positions of one channel; sums of all (channel, block) wait in local memory.
#ifndef CHANNELS
#define CHANNELS 12      // channels of a group
#endif
#ifndef SUMS
#define SUMS 2048        // floats of local memory; at least blocks * channels
#endif
#define BLOCK 256        // terms of a block sum
#define VOID 3

// F(1 / n) of the elements that are not void; +0 where there are none
static inline float inverse_count(local int *counts, const int l, global const uchar *mask, const int has_mask, const int positions) {
    int count = 0;
    for (int p = l; p < positions; p += 64) count += !has_mask || mask[p] != VOID;
    counts[l] = count;
    barrier(CLK_LOCAL_MEM_FENCE);
    count = 0;
    for (int i = 0; i < 64; ++i) count += counts[i];
    return count > 0 ? ardm_flush(ardm_reciprocal((float)(count * CHANNELS))) : 0.0f;
}

// F(sums over positions, block by block, then channels, ascending, times inverse); every work-item computes it
static inline float group_mean(local const float *sums, const int blocks, const float inverse) {
    float total = 0.0f;
    for (int c = 0; c < CHANNELS; ++c) {
        float sum = 0.0f;
        for (int b = 0; b < blocks; ++b) sum += sums[b * CHANNELS + c];
        total = c == 0 ? sum : total + sum;
    }
    return ardm_flush(ardm_mul(total, inverse));
}

kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void group_norm(global const float *restrict x, global const float *restrict gamma, global const float *restrict beta,
                global const uchar *restrict masks, global float *restrict y, global float *restrict mean, global float *restrict rstd,
                const int has_mask, const int positions, const int width, const float eps) {
    local float sums[SUMS];
    local int counts[64];
    const int l = (int)get_local_id(0), first = (int)get_group_id(0) * CHANNELS, item = (int)get_global_id(1), split = width / CHANNELS;
    const int blocks = (positions + BLOCK - 1) / BLOCK;
    const size_t at = (size_t)item * positions * width + first;
    global const uchar *mask = masks + (size_t)item * positions;
    const float inverse = inverse_count(counts, l, mask, has_mask, positions);
    float m = 0.0f, r = 0.0f;
    for (int pass = 0; pass < 2; ++pass) {
        for (int task = l; task < blocks * CHANNELS; task += 64) {
            const int c = task % CHANNELS, begin = task / CHANNELS * BLOCK, end = min(begin + BLOCK, positions);
            float sum = 0.0f;
            for (int p = begin; p < end; ++p) {
                if (has_mask && mask[p] == VOID) continue;
                const float v = x[at + (size_t)p * width + c], d = ardm_flush(v - m);
                sum = pass == 0 ? sum + v : fma(d, d, sum);
            }
            sums[task] = sum;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (pass == 0)
            m = group_mean(sums, blocks, inverse);
        else
            r = inverse == 0.0f ? 0.0f : ardm_flush(ardm_rsqrt(group_mean(sums, blocks, inverse) + eps));
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = l; i < positions * CHANNELS; i += 64) {
        const int p = i / CHANNELS, c = i % CHANNELS;
        const size_t place = at + (size_t)p * width + c;
        const float h = ardm_flush(ardm_flush(x[place] - m) * r);
        y[place] = has_mask && mask[p] == VOID ? 0.0f : ardm_flush(fma(h, gamma[first + c], beta[first + c]));
    }
    if (l == 0) {
        mean[(size_t)item * split + get_group_id(0)] = m;
        rstd[(size_t)item * split + get_group_id(0)] = r;
    }
}

kernel __attribute__((reqd_work_group_size(64, 1, 1)))
void group_norm_grad(global const float *restrict x, global const float *restrict gamma, global const float *restrict mean,
                     global const float *restrict rstd, global const float *restrict dy, global const uchar *restrict masks,
                     global float *restrict dx, const int has_mask, const int positions, const int width) {
    local float sums[SUMS], sums_h[SUMS];
    local int counts[64];
    const int l = (int)get_local_id(0), first = (int)get_group_id(0) * CHANNELS, item = (int)get_global_id(1), split = width / CHANNELS;
    const int blocks = (positions + BLOCK - 1) / BLOCK;
    const size_t at = (size_t)item * positions * width + first;
    global const uchar *mask = masks + (size_t)item * positions;
    const float inverse = inverse_count(counts, l, mask, has_mask, positions);
    const float m = mean[(size_t)item * split + get_group_id(0)], r = rstd[(size_t)item * split + get_group_id(0)];
    for (int task = l; task < blocks * CHANNELS; task += 64) {
        const int c = task % CHANNELS, begin = task / CHANNELS * BLOCK, end = min(begin + BLOCK, positions);
        float sum = 0.0f, sum_h = 0.0f;
        for (int p = begin; p < end; ++p) {
            if (has_mask && mask[p] == VOID) continue;
            const size_t place = at + (size_t)p * width + c;
            const float slope = ardm_flush(ardm_mul(dy[place], gamma[first + c]));
            sum += slope;
            sum_h = fma(slope, ardm_flush(ardm_flush(x[place] - m) * r), sum_h);
        }
        sums[task] = sum;
        sums_h[task] = sum_h;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const float slope_mean = group_mean(sums, blocks, inverse), along_mean = group_mean(sums_h, blocks, inverse);
    for (int i = l; i < positions * CHANNELS; i += 64) {
        const int p = i / CHANNELS, c = i % CHANNELS;
        const size_t place = at + (size_t)p * width + c;
        const float slope = ardm_flush(ardm_mul(dy[place], gamma[first + c])), h = ardm_flush(ardm_flush(x[place] - m) * r);
        const float v = ardm_flush(ardm_flush(fma(-along_mean, h, ardm_flush(slope - slope_mean))) * r);
        dx[place] = has_mask && mask[p] == VOID ? 0.0f : v;
    }
}

kernel void group_norm_parameters(global const float *restrict x, global const float *restrict mean, global const float *restrict rstd,
                                  global const float *restrict dy, global const uchar *restrict mask, global float *restrict partials,
                                  const int has_mask, const int part_rows, const int positions, const int width) {
    const int i = (int)get_global_id(0), block = (int)get_global_id(1), part = (int)get_global_id(2), blocks = (int)get_global_size(1);
    const int last = min((block + 1) * BLOCK, part_rows), split = width / CHANNELS;
    global float *to = partials + ((size_t)part * blocks + block) * 2 * width + i;
    float sum = 0.0f, sum_h = 0.0f;
    if (i >= width) return;
    for (int index = block * BLOCK; index < last; ++index) {
        const size_t row = (size_t)part * part_rows + index, at = row * width + i, group = row / positions * split + i / CHANNELS;
        if (has_mask && mask[row] == VOID) continue;
        sum += dy[at];
        sum_h = fma(dy[at], ardm_flush(ardm_flush(x[at] - mean[group]) * rstd[group]), sum_h);
    }
    to[0] = sum_h;
    to[width] = sum;
}

kernel void norm_fold(global const float *restrict partials, global float *restrict dgamma, global float *restrict dbeta, const int blocks,
                      const int width) {
    const int i = (int)get_global_id(0), part = (int)get_global_id(1);
    float sum = 0.0f;
    if (i >= 2 * width) return;
    for (int block = 0; block < blocks; ++block) sum += partials[((size_t)part * blocks + block) * 2 * width + i];
    if (i < width)
        dgamma[(size_t)part * width + i] = ardm_flush(sum);
    else
        dbeta[(size_t)part * width + i - width] = ardm_flush(sum);
}
