// group_cpu.cl: group norm, a work-item WIDTH channels of one item (whole groups), 16 at a time
//   x, y, dy, dx [items, positions, width]   gamma, beta [width]   mean, rstd [items, split]   mask u8[items, positions], 3 is void
//   partials     [parts, blocks of 256 rows, 2, width]: dgamma, then dbeta
//   global       width / WIDTH, items; parameters: ceil(width / 64), blocks, parts; local 1
#ifndef WIDTH
#define WIDTH 24         // channels of a work-item: whole groups
#endif
#ifndef CHANNELS
#define CHANNELS 12      // channels of a group
#endif
#define BLOCK 256        // terms of a block sum
#define VOID 3
// Chunks of 16 channels; the last one overlaps the one before it, which computes the same values twice.
#define CHUNKS ((WIDTH + 15) / 16)
#define CHUNK(k) (WIDTH < 16 ? 0 : min(16 * (k), WIDTH - 16))

static inline float16 flush16(const float16 x) {
    const uint16 u = as_uint16(x);
    return as_float16(u & as_uint16((u & 0x7fffffffu) >= 0x2b800000u));
}
static inline float16 mul16(const float16 a, const float16 b) { return fma(a, b, (float16)(-0.0f)); }

static inline float16 load16(global const float *x) {
#if WIDTH >= 16
    return vload16(0, x);
#else
    float t[16];
    for (int i = 0; i < 16; ++i) t[i] = 0.0f;
    for (int i = 0; i < WIDTH; ++i) t[i] = x[i];
    return vload16(0, t);
#endif
}
static inline void store16(global float *y, const float16 v) {
#if WIDTH >= 16
    vstore16(v, 0, y);
#else
    float t[16];
    vstore16(v, 0, t);
    for (int i = 0; i < WIDTH; ++i) y[i] = t[i];
#endif
}

// F(1 / n) of the elements of a group that are not void; +0 where there are none
static inline float inverse_count(global const uchar *mask, const int has_mask, const int positions) {
    int count = positions;
    if (has_mask) {
        count = 0;
        for (int p = 0; p < positions; ++p) count += mask[p] != VOID;
    }
    return count > 0 ? ardm_flush(ardm_reciprocal((float)(count * CHANNELS))) : 0.0f;
}

// value[c] = F(sum over the channels of c's group, ascending, times inverse)
static inline void group_means(float *value, const float *sum, const float inverse) {
    for (int g = 0; g < WIDTH; g += CHANNELS) {
        float total = sum[g];
        for (int c = 1; c < CHANNELS; ++c) total += sum[g + c];
        total = ardm_flush(ardm_mul(total, inverse));
        for (int c = 0; c < CHANNELS; ++c) value[g + c] = total;
    }
}

kernel void group_norm(global const float *restrict x, global const float *restrict gamma, global const float *restrict beta,
                       global const uchar *restrict masks, global float *restrict y, global float *restrict mean, global float *restrict rstd,
                       const int has_mask, const int positions, const int width, const float eps) {
    const int first = (int)get_global_id(0) * WIDTH, item = (int)get_global_id(1), split = width / CHANNELS;
    global const uchar *mask = masks + (size_t)item * positions;
    global const float *in = x + (size_t)item * positions * width + first;
    global float *out = y + (size_t)item * positions * width + first;
    float sum[WIDTH + 16], m[WIDTH + 16], r[WIDTH + 16];
    const float inverse = inverse_count(mask, has_mask, positions);
    for (int c = 0; c < WIDTH + 16; ++c) m[c] = r[c] = 0.0f;
    for (int pass = 0; pass < 2; ++pass) {
        for (int k = 0; k < CHUNKS; ++k) {
            const int c = CHUNK(k);
            const float16 centre = vload16(0, m + c);
            float16 total = 0.0f, part = 0.0f;
            for (int p = 0; p < positions; ++p) {
                if (p > 0 && p % BLOCK == 0) total += part, part = 0.0f;
                if (has_mask && mask[p] == VOID) continue;
                const float16 v = load16(in + (size_t)p * width + c), d = flush16(v - centre);
                part = pass == 0 ? part + v : fma(d, d, part);
            }
            vstore16(total + part, 0, sum + c);
        }
        group_means(pass == 0 ? m : r, sum, inverse);
    }
    for (int g = 0; g < WIDTH; g += CHANNELS) {
        const float deviation = inverse == 0.0f ? 0.0f : ardm_flush(ardm_rsqrt(r[g] + eps));
        for (int c = 0; c < CHANNELS; ++c) r[g + c] = deviation;
        mean[(size_t)item * split + (first + g) / CHANNELS] = m[g];
        rstd[(size_t)item * split + (first + g) / CHANNELS] = deviation;
    }
    for (int k = 0; k < CHUNKS; ++k) {
        const int c = CHUNK(k);
        const float16 centre = vload16(0, m + c), scale = vload16(0, r + c), g = load16(gamma + first + c), b = load16(beta + first + c);
        for (int p = 0; p < positions; ++p) {
            const float16 v = load16(in + (size_t)p * width + c), h = flush16(flush16(v - centre) * scale);
            store16(out + (size_t)p * width + c, has_mask && mask[p] == VOID ? (float16)(0.0f) : flush16(fma(h, g, b)));
        }
    }
}

kernel void group_norm_grad(global const float *restrict x, global const float *restrict gamma, global const float *restrict mean,
                            global const float *restrict rstd, global const float *restrict dy, global const uchar *restrict masks,
                            global float *restrict dx, const int has_mask, const int positions, const int width) {
    const int first = (int)get_global_id(0) * WIDTH, item = (int)get_global_id(1), split = width / CHANNELS;
    global const uchar *mask = masks + (size_t)item * positions;
    const size_t at = (size_t)item * positions * width + first;
    float sum[WIDTH + 16], sum_h[WIDTH + 16], m[WIDTH + 16], r[WIDTH + 16], slope_mean[WIDTH + 16], along_mean[WIDTH + 16];
    const float inverse = inverse_count(mask, has_mask, positions);
    for (int c = 0; c < WIDTH + 16; ++c) m[c] = r[c] = slope_mean[c] = along_mean[c] = 0.0f;
    for (int c = 0; c < WIDTH; ++c) {
        m[c] = mean[(size_t)item * split + (first + c) / CHANNELS];
        r[c] = rstd[(size_t)item * split + (first + c) / CHANNELS];
    }
    for (int k = 0; k < CHUNKS; ++k) {
        const int c = CHUNK(k);
        const float16 centre = vload16(0, m + c), scale = vload16(0, r + c), g = load16(gamma + first + c);
        float16 total = 0.0f, total_h = 0.0f, part = 0.0f, part_h = 0.0f;
        for (int p = 0; p < positions; ++p) {
            if (p > 0 && p % BLOCK == 0) {
                total += part, part = 0.0f;
                total_h += part_h, part_h = 0.0f;
            }
            if (has_mask && mask[p] == VOID) continue;
            const size_t place = at + (size_t)p * width + c;
            const float16 slope = flush16(mul16(load16(dy + place), g));
            part += slope;
            part_h = fma(slope, flush16(flush16(load16(x + place) - centre) * scale), part_h);
        }
        vstore16(total + part, 0, sum + c);
        vstore16(total_h + part_h, 0, sum_h + c);
    }
    group_means(slope_mean, sum, inverse);
    group_means(along_mean, sum_h, inverse);
    for (int k = 0; k < CHUNKS; ++k) {
        const int c = CHUNK(k);
        const float16 centre = vload16(0, m + c), scale = vload16(0, r + c), g = load16(gamma + first + c);
        const float16 slopes = vload16(0, slope_mean + c), along = vload16(0, along_mean + c);
        for (int p = 0; p < positions; ++p) {
            const size_t place = at + (size_t)p * width + c;
            const float16 slope = flush16(mul16(load16(dy + place), g)), h = flush16(flush16(load16(x + place) - centre) * scale);
            const float16 v = flush16(flush16(fma(-along, h, flush16(slope - slopes))) * scale);
            store16(dx + place, has_mask && mask[p] == VOID ? (float16)(0.0f) : v);
        }
    }
}

// v = x[0..63]; elements from `left` on are +0
static inline void load64(float16 *v, global const float *x, const int left) {
    if (left >= 64) {
        for (int k = 0; k < 4; ++k) v[k] = vload16(k, x);
    } else {
        float t[64];
        for (int i = 0; i < 64; ++i) t[i] = 0.0f;
        for (int i = 0; i < left; ++i) t[i] = x[i];
        for (int k = 0; k < 4; ++k) v[k] = vload16(k, t);
    }
}
static inline void store64(global float *y, const float16 *v, const int left) {
    float t[64];
    for (int k = 0; k < 4; ++k) vstore16(v[k], k, t);
    for (int i = 0; i < min(left, 64); ++i) y[i] = t[i];
}

kernel void group_norm_parameters(global const float *restrict x, global const float *restrict mean, global const float *restrict rstd,
                                  global const float *restrict dy, global const uchar *restrict mask, global float *restrict partials,
                                  const int has_mask, const int part_rows, const int positions, const int width) {
    const int i = (int)get_global_id(0) * 64, block = (int)get_global_id(1), part = (int)get_global_id(2), blocks = (int)get_global_size(1);
    const int last = min((block + 1) * BLOCK, part_rows), split = width / CHANNELS, count = min(64, width - i);
    global float *to = partials + ((size_t)part * blocks + block) * 2 * width + i;
    float16 v[4], d[4], sum[4], sum_h[4];
    float m[64], r[64];
    int item = -1;
    for (int l = 0; l < 64; ++l) m[l] = r[l] = 0.0f;
    for (int k = 0; k < 4; ++k) sum[k] = sum_h[k] = 0.0f;
    for (int index = block * BLOCK; index < last; ++index) {
        const size_t row = (size_t)part * part_rows + index;
        if (has_mask && mask[row] == VOID) continue;
        if (item != (int)(row / positions)) {
            item = (int)(row / positions);
            for (int l = 0; l < count; ++l) {
                m[l] = mean[(size_t)item * split + (i + l) / CHANNELS];
                r[l] = rstd[(size_t)item * split + (i + l) / CHANNELS];
            }
        }
        load64(v, x + row * width + i, width - i);
        load64(d, dy + row * width + i, width - i);
        for (int k = 0; k < 4; ++k) {
            sum[k] += d[k];
            sum_h[k] = fma(d[k], flush16(flush16(v[k] - vload16(k, m)) * vload16(k, r)), sum_h[k]);
        }
    }
    store64(to, sum_h, width - i);
    store64(to + width, sum, width - i);
}

kernel void norm_fold(global const float *restrict partials, global float *restrict dgamma, global float *restrict dbeta, const int blocks,
                      const int width) {
    const int i = (int)get_global_id(0) * 64, part = (int)get_global_id(1), left = 2 * width - i;
    float16 v[4], sum[4];
    float t[64];
    for (int k = 0; k < 4; ++k) sum[k] = 0.0f;
    for (int block = 0; block < blocks; ++block) {
        load64(v, partials + ((size_t)part * blocks + block) * 2 * width + i, left);
        for (int k = 0; k < 4; ++k) sum[k] += v[k];
    }
    for (int k = 0; k < 4; ++k) vstore16(flush16(sum[k]), k, t);
    for (int l = 0; l < min(left, 64); ++l) {
        if (i + l < width)
            dgamma[(size_t)part * width + i + l] = t[l];
        else
            dbeta[(size_t)part * width + i + l - width] = t[l];
    }
}
