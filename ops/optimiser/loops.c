/* Loops over parameters and over lanes, compiled once a level. */
#include "optimiser/loops.h"

#include <string.h>

#include "ardm/exact.h"

enum { STRIP = 128 };

/* Results of a strip go to the stack first: with nine pointers no compiler proves that vectors are safe, and the new values may
 * really stand where the old ones did. */
void ARDM_REFERENCE(adam_range)(const ardm__adam *adam, const ardm__adam_arrays *arrays, int64_t begin, int64_t end) {
    const ardm__adam k = *adam;
    float new_w[STRIP], new_m[STRIP], new_v[STRIP], new_a[STRIP];
    for (int64_t at = begin; at < end; at += STRIP) {
        const float *w = arrays->w + at, *m = arrays->m + at, *v = arrays->v + at, *a = arrays->a + at, *grad = arrays->grad + at;
        const int many = end - at < STRIP ? (int)(end - at) : STRIP;
        for (int i = 0; i < many; ++i) {
            const float g = ardm_flush(ardm_mul(grad[i], k.clip));
            const float q = ardm_mul(g, g);
            const float m1 = ardm_flush_small(ardm_fma(k.one_minus_beta1, g - m[i], m[i]));
            const float v1 = ardm_flush_small(ardm_fma(k.one_minus_beta2, q - v[i], v[i]));
            const float step = ardm_flush_small(ardm_divide(ardm_mul(m1, k.c1), ardm_sqrt(ardm_mul(v1, k.c2)) + k.eps));
            const float w1 = ardm_flush(ardm_fma(-k.lr, step, ardm_mul(w[i], k.keep)));
            new_w[i] = w1;
            new_m[i] = m1;
            new_v[i] = v1;
            new_a[i] = ardm_flush(ardm_fma(k.one_minus_average, w1 - a[i], a[i]));
        }
        const size_t bytes = (size_t)many * sizeof(float);
        memcpy(arrays->next_w + at, new_w, bytes);
        memcpy(arrays->next_m + at, new_m, bytes);
        memcpy(arrays->next_v + at, new_v, bytes);
        memcpy(arrays->next_a + at, new_a, bytes);
    }
}

float ARDM_REFERENCE(segment_squares)(const float *x, int64_t many) {
    float lane[ARDM_LANES] = {0};
    int64_t full = many / ARDM_LANES * ARDM_LANES;
    for (int64_t i = 0; i < full; i += ARDM_LANES)
        for (int j = 0; j < ARDM_LANES; ++j) lane[j] = ardm_fma(x[i + j], x[i + j], lane[j]);
    for (int64_t i = full; i < many; ++i) lane[i - full] = ardm_fma(x[i], x[i], lane[i - full]);
    for (int half = ARDM_LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; ++j) lane[j] += lane[j + half];
    return lane[0];
}
