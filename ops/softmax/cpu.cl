// cpu.cl: softmax and its gradient, a work-item `per` rows; four float16 hold the 64 lanes of a sum
//   z, p, dy, dz   [rows, width]
//   global         ceil(rows / per); local 1
#define SEGMENT 16384    // elements of a segment of a lane sum

static inline float16 flush16(const float16 x) {
    const uint16 u = as_uint16(x);
    return as_float16(u & as_uint16((u & 0x7fffffffu) >= 0x2b800000u));
}

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

kernel void softmax(global const float *restrict z, global float *restrict p, const int rows, const int width, const int per) {
    const int first = (int)get_global_id(0) * per, last = min(first + per, rows);
    for (int row = first; row < last; ++row) {
        global const float *in = z + (size_t)row * width;
        global float *out = p + (size_t)row * width;
        float16 v[4], lane[4], most = -FLT_MAX;
        float top[16], e[64], total = 0.0f;
        for (int i = 0; i < width; i += 64) {
            load64(v, in + i, width - i, -FLT_MAX);
            for (int k = 0; k < 4; ++k) most = select(most, v[k], v[k] > most);
        }
        vstore16(most, 0, top);
        for (int i = 1; i < 16; ++i) top[0] = top[i] > top[0] ? top[i] : top[0];
        const float m = top[0];
        for (int from = 0; from < width; from += SEGMENT) {
            for (int k = 0; k < 4; ++k) lane[k] = 0.0f;
            for (int i = from; i < min(from + SEGMENT, width); i += 64) {
                /* The exponential of what is missing is +0. */
                load64(v, in + i, width - i, -FLT_MAX);
                for (int k = 0; k < 4; ++k) vstore16(v[k] - m, k, e);
                for (int l = 0; l < 64; ++l) e[l] = ardm_flush(ardm_exp(e[l]));
                for (int k = 0; k < 4; ++k) v[k] = vload16(k, e), lane[k] += v[k];
                store64(out + i, v, width - i);
            }
            total += fold64(lane);
        }
        const float reciprocal = ardm_flush(ardm_reciprocal(total));
        for (int i = 0; i < width; i += 64) {
            load64(v, out + i, width - i, 0.0f);
            for (int k = 0; k < 4; ++k) v[k] = flush16(v[k] * reciprocal);
            store64(out + i, v, width - i);
        }
    }
}

kernel void softmax_grad(global const float *restrict p, global const float *restrict dy, global float *restrict dz, const int rows,
                         const int width, const int per) {
    const int first = (int)get_global_id(0) * per, last = min(first + per, rows);
    for (int row = first; row < last; ++row) {
        const size_t at = (size_t)row * width;
        float16 v[4], d[4], lane[4];
        float total = 0.0f;
        for (int from = 0; from < width; from += SEGMENT) {
            for (int k = 0; k < 4; ++k) lane[k] = 0.0f;
            for (int i = from; i < min(from + SEGMENT, width); i += 64) {
                load64(v, p + at + i, width - i, 0.0f);
                load64(d, dy + at + i, width - i, 0.0f);
                for (int k = 0; k < 4; ++k) lane[k] = fma(v[k], d[k], lane[k]);
            }
            total += fold64(lane);
        }
        total = ardm_flush(total);
        for (int i = 0; i < width; i += 64) {
            load64(v, p + at + i, width - i, 0.0f);
            load64(d, dy + at + i, width - i, 0.0f);
            for (int k = 0; k < 4; ++k) v[k] = flush16(v[k] * flush16(d[k] - total));
            store64(dz + at + i, v, width - i);
        }
    }
}
