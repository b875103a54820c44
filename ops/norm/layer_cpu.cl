// layer_cpu.cl: layer norm, a work-item `per` rows; four float16 hold the 64 lanes of a sum
//   x, y, dy, dx [rows, width]     gamma, beta [width]     mean, rstd [rows]     inverse F(1 / width)
//   partials     [parts, blocks of 256 rows, 2, width]: dgamma, then dbeta
//   global       ceil(rows / per); parameters: ceil(width / 64), blocks, parts; fold: ceil(2 width / 64), parts; local 1
#define SEGMENT 16384    // elements of a segment of a lane sum
#define BLOCK 256        // terms of a block sum

static inline float16 flush16(const float16 x) {
    const uint16 u = as_uint16(x);
    return as_float16(u & as_uint16((u & 0x7fffffffu) >= 0x2b800000u));
}
static inline float16 mul16(const float16 a, const float16 b) { return fma(a, b, (float16)(-0.0f)); }

// v = x[0..63]; elements from `left` on are `fill`
static inline void load64(float16 *v, global const float *x, const int left, const float fill) {
    if (left >= 64) {
        for (int k = 0; k < 4; ++k) v[k] = vload16(k, x);
    } else {
        float t[64];
        for (int i = 0; i < 64; ++i) t[i] = fill;
        for (int i = 0; i < left; ++i) t[i] = x[i];
        for (int k = 0; k < 4; ++k) v[k] = vload16(k, t);
    }
}
static inline void store64(global float *y, const float16 *v, const int left) {
    if (left >= 64) {
        for (int k = 0; k < 4; ++k) vstore16(v[k], k, y);
    } else {
        float t[64];
        for (int k = 0; k < 4; ++k) vstore16(v[k], k, t);
        for (int i = 0; i < left; ++i) y[i] = t[i];
    }
}

// 64 lanes -> 1, lane i taking lane i + half
static inline float fold64(const float16 *lane) {
    const float16 a = (lane[0] + lane[2]) + (lane[1] + lane[3]);
    const float8 b = a.lo + a.hi;
    const float4 c = b.lo + b.hi;
    const float2 d = c.lo + c.hi;
    return d.x + d.y;
}

kernel void layer_norm(global const float *restrict x, global const float *restrict gamma, global const float *restrict beta,
                       global float *restrict y, global float *restrict mean, global float *restrict rstd, const int rows, const int width,
                       const int per, const float inverse, const float eps) {
    const int first = (int)get_global_id(0) * per, last = min(first + per, rows);
    for (int row = first; row < last; ++row) {
        global const float *in = x + (size_t)row * width;
        global float *out = y + (size_t)row * width;
        float16 v[4], lane[4], g[4], b[4];
        float total = 0.0f;
        for (int from = 0; from < width; from += SEGMENT) {
            for (int k = 0; k < 4; ++k) lane[k] = 0.0f;
            for (int i = from; i < min(from + SEGMENT, width); i += 64) {
                load64(v, in + i, width - i, 0.0f);
                for (int k = 0; k < 4; ++k) lane[k] += v[k];
            }
            total += fold64(lane);
        }
        const float m = ardm_flush(ardm_mul(total, inverse));
        total = 0.0f;
        for (int from = 0; from < width; from += SEGMENT) {
            for (int k = 0; k < 4; ++k) lane[k] = 0.0f;
            for (int i = from; i < min(from + SEGMENT, width); i += 64) {
                load64(v, in + i, width - i, m);
                for (int k = 0; k < 4; ++k) {
                    const float16 d = flush16(v[k] - m);
                    lane[k] = fma(d, d, lane[k]);
                }
            }
            total += fold64(lane);
        }
        const float r = ardm_flush(ardm_rsqrt(ardm_flush(ardm_mul(total, inverse)) + eps));
        for (int i = 0; i < width; i += 64) {
            load64(v, in + i, width - i, m);
            load64(g, gamma + i, width - i, 0.0f);
            load64(b, beta + i, width - i, 0.0f);
            for (int k = 0; k < 4; ++k) v[k] = flush16(fma(flush16(flush16(v[k] - m) * r), g[k], b[k]));
            store64(out + i, v, width - i);
        }
        mean[row] = m;
        rstd[row] = r;
    }
}

kernel void layer_norm_grad(global const float *restrict x, global const float *restrict gamma, global const float *restrict mean,
                            global const float *restrict rstd, global const float *restrict dy, global float *restrict dx, const int rows,
                            const int width, const int per, const float inverse) {
    const int first = (int)get_global_id(0) * per, last = min(first + per, rows);
    for (int row = first; row < last; ++row) {
        const size_t at = (size_t)row * width;
        const float m = mean[row], r = rstd[row];
        float16 v[4], d[4], g[4], lane[4], lane_h[4];
        float sum = 0.0f, sum_h = 0.0f;
        for (int from = 0; from < width; from += SEGMENT) {
            for (int k = 0; k < 4; ++k) lane[k] = lane_h[k] = 0.0f;
            for (int i = from; i < min(from + SEGMENT, width); i += 64) {
                load64(v, x + at + i, width - i, m);
                load64(d, dy + at + i, width - i, 0.0f);
                load64(g, gamma + i, width - i, 0.0f);
                for (int k = 0; k < 4; ++k) {
                    const float16 slope = flush16(mul16(d[k], g[k]));
                    lane[k] += slope;
                    lane_h[k] = fma(slope, flush16(flush16(v[k] - m) * r), lane_h[k]);
                }
            }
            sum += fold64(lane);
            sum_h += fold64(lane_h);
        }
        sum = ardm_flush(ardm_mul(sum, inverse));
        sum_h = ardm_flush(ardm_mul(sum_h, inverse));
        for (int i = 0; i < width; i += 64) {
            load64(v, x + at + i, width - i, m);
            load64(d, dy + at + i, width - i, 0.0f);
            load64(g, gamma + i, width - i, 0.0f);
            for (int k = 0; k < 4; ++k) {
                const float16 slope = flush16(mul16(d[k], g[k])), h = flush16(flush16(v[k] - m) * r);
                v[k] = flush16(flush16(fma((float16)(-sum_h), h, flush16(slope - sum))) * r);
            }
            store64(dx + at + i, v, width - i);
        }
    }
}

kernel void layer_norm_parameters(global const float *restrict x, global const float *restrict mean, global const float *restrict rstd,
                                  global const float *restrict dy, global float *restrict partials, const int part_rows, const int width) {
    const int i = (int)get_global_id(0) * 64, block = (int)get_global_id(1), part = (int)get_global_id(2), blocks = (int)get_global_size(1);
    const int last = min((block + 1) * BLOCK, part_rows);
    global float *to = partials + ((size_t)part * blocks + block) * 2 * width + i;
    float16 v[4], d[4], sum[4], sum_h[4];
    for (int k = 0; k < 4; ++k) sum[k] = sum_h[k] = 0.0f;
    for (int index = block * BLOCK; index < last; ++index) {
        const size_t row = (size_t)part * part_rows + index;
        const float m = mean[row], r = rstd[row];
        load64(v, x + row * width + i, width - i, 0.0f);
        load64(d, dy + row * width + i, width - i, 0.0f);
        for (int k = 0; k < 4; ++k) {
            sum[k] += d[k];
            sum_h[k] = fma(d[k], flush16(flush16(v[k] - m) * r), sum_h[k]);
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
        load64(v, partials + ((size_t)part * blocks + block) * 2 * width + i, left, 0.0f);
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
