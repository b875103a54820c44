/* Loops over parameters and over lanes, compiled once a level. */
#include "optimiser/loops.h"

#include "ardm/exact.h"

void ARDM_REFERENCE(adam_range)(const ardm__adam *adam, const ardm__adam_arrays *arrays, int64_t begin, int64_t end) {
    const ardm__adam k = *adam;
    const float *restrict w = arrays->w, *restrict m = arrays->m, *restrict v = arrays->v, *restrict a = arrays->a, *restrict grad = arrays->grad;
    float *restrict next_w = arrays->next_w, *restrict next_m = arrays->next_m;
    float *restrict next_v = arrays->next_v, *restrict next_a = arrays->next_a;
    for (int64_t i = begin; i < end; ++i) {
        const float g = ardm_flush(ardm_mul(grad[i], k.clip));
        const float q = ardm_mul(g, g);
        const float m1 = ardm_flush_small(ardm_fma(k.one_minus_beta1, g - m[i], m[i]));
        const float v1 = ardm_flush_small(ardm_fma(k.one_minus_beta2, q - v[i], v[i]));
        const float step = ardm_flush_small(ardm_divide(ardm_mul(m1, k.c1), ardm_sqrt(ardm_mul(v1, k.c2)) + k.eps));
        const float w1 = ardm_flush(ardm_fma(-k.lr, step, ardm_mul(w[i], k.keep)));
        const float a1 = ardm_flush(ardm_fma(k.one_minus_average, w1 - a[i], a[i]));
        next_w[i] = w1;
        next_m[i] = m1;
        next_v[i] = v1;
        next_a[i] = a1;
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
