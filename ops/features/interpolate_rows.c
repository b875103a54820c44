/* Normalised convolution: see interpolate_rows.h for the formula. Inner loops run along a row of pixels. */
#include <stddef.h>

#include "ardm/exact.h"
#include "features/interpolate_rows.h"

static float weight(int32_t radius, int32_t d) {
    int32_t t = radius * radius - d * d;
    const float scale = ardm_reciprocal((float)(radius * radius)); /* a power of two: exact */
    return ardm_mul(ardm_mul((float)t, scale), ardm_mul((float)t, scale));
}

static inline float limited(float x) {
    float y = ardm_select(x < -4.0f, -4.0f, x);
    return ardm_select(y > 4.0f, 4.0f, y);
}

/* Column sums V and U of one row. */
static void vertical(const ardm__interpolate *work, int64_t row, int32_t radius, float *restrict v, float *restrict u) {
    const int64_t wide = work->W * work->C, y = row % work->H;
    for (int64_t i = 0; i < wide; ++i) v[i] = u[i] = 0;
    for (int32_t d = 1 - radius; d < radius; ++d) {
        if (y + d < 0 || y + d >= work->H) continue;
        const float w = weight(radius, d), *x = work->values + (row + d) * wide;
        const uint8_t *state = work->state + (row + d) * wide;
        for (int64_t i = 0; i < wide; ++i) {
            const int known = (state[i] == 1) | (state[i] == 2);
            v[i] = ardm_fma(w, ardm_select(known, x[i], 0.0f), v[i]);
            u[i] = ardm_fma(w, ardm_select(known, 1.0f, 0.0f), u[i]);
        }
    }
    for (int64_t i = 0; i < wide; ++i) {
        v[i] = ardm_flush(v[i]);
        u[i] = ardm_flush(u[i]);
    }
}

static void horizontal(const ardm__interpolate *work, int32_t radius, const float *restrict from, float *restrict to) {
    const int64_t wide = work->W * work->C;
    for (int64_t i = 0; i < wide; ++i) to[i] = 0;
    for (int32_t d = 1 - radius; d < radius; ++d) {
        const float w = weight(radius, d);
        const int64_t shift = d * work->C, first = shift < 0 ? -shift : 0, last = shift > 0 ? wide - shift : wide;
        for (int64_t i = first; i < last; ++i) to[i] = ardm_fma(w, from[i + shift], to[i]);
    }
    for (int64_t i = 0; i < wide; ++i) to[i] = ardm_flush(to[i]);
}

void ARDM_REFERENCE(interpolate_rows)(const ardm__interpolate *work, int64_t begin, int64_t end) {
    const int64_t W = work->W, C = work->C, wide = W * C, F = C * (2 * work->scales + 3);
    for (int64_t row = begin; row < end; ++row) {
        float *restrict v = work->lines + row * 5 * wide, *restrict u = v + wide, *restrict a = u + wide, *restrict b = a + wide,
                        *restrict r = b + wide;
        float *restrict centre = work->centre + row * wide, *features = work->features + row * W * F;
        const float *x = work->values + row * wide;
        const uint8_t *state = work->state + row * wide;
        const int zoomed = work->inverse != NULL, residual = work->residual > 0;
        const float inverse = zoomed ? work->inverse[row / work->H] : 1.0f, gain = zoomed ? inverse : (float)work->residual;
        for (int64_t i = 0; i < wide; ++i) centre[i] = r[i] = 0;
        for (int32_t j = work->scales - 1; j >= 0; --j) {
            const int32_t radius = 2 << j;
            vertical(work, row, radius, v, u);
            horizontal(work, radius, v, a);
            horizontal(work, radius, u, b);
            /* a becomes the interpolation as the network sees it, b the log of the mass; r is the residual. */
            for (int64_t i = 0; i < wide; ++i) {
                const int none = b[i] == 0.0f, hidden = state[i] > 2, known = (state[i] == 1) | (state[i] == 2);
                const float mass = ardm_select(none, 1.0f, b[i]), q = ardm_flush(ardm_divide(a[i], mass));
                const float near = limited(ardm_flush(ardm_mul(ardm_flush(q - x[i]), inverse)));
                const float rest = ardm_flush(b[i] - 1.0f), others = ardm_flush(a[i] - x[i]);
                const int alone = residual && !(rest > 0.0f);
                const float o = ardm_flush(ardm_divide(others, ardm_select(rest > 0.0f, rest, 1.0f)));
                const float apart = ardm_flush(x[i] - ardm_select(residual, o, q)), scaled = limited(ardm_flush(ardm_mul(apart, gain)));
                centre[i] = ardm_select(hidden, 0.0f, ardm_select(none, centre[i], q));
                a[i] = ardm_select(none | hidden, 0.0f, ardm_select(zoomed, near, q));
                b[i] = ardm_select(hidden, 0.0f, ardm_select(none, -3.0f, ardm_flush(ardm_mul(ardm_log(mass), 0.25f))));
                r[i] = ardm_select(known, ardm_select(alone, r[i], ardm_select(zoomed | residual, scaled, apart)), 0.0f);
            }
            for (int64_t p = 0; p < W; ++p)
                for (int64_t c = 0; c < C; ++c) {
                    features[p * F + j * C + c] = a[p * C + c];
                    features[p * F + (work->scales + j) * C + c] = b[p * C + c];
                }
        }
        for (int64_t p = 0; p < W; ++p)
            for (int64_t c = 0; c < C; ++c) {
                const uint8_t seen = state[p * C + c];
                float *y = features + p * F + 2 * work->scales * C + c;
                y[0] = r[p * C + c];
                y[C] = seen == 1 || seen == 2 ? 1.0f : 0.0f;
                y[2 * C] = seen == 2 ? 1.0f : 0.0f;
            }
    }
}
