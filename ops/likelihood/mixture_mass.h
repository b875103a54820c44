/* Pieces of a discretised mixture of logistics (mixture_rows.h has the formula) that its C references share: the twin of mixture.clh. */
#ifndef ARDM_LIKELIHOOD_MIXTURE_MASS_H
#define ARDM_LIKELIHOOD_MIXTURE_MASS_H

#include "ardm/exact.h"
#include "likelihood/mixture_rows.h"

enum { MOST = ARDM__MIXTURES, STRIP = 16 };

static inline float log_width(float d, float log_d) {
    float y = ardm_mul(d, 0.5f), q = ardm_flush(ardm_mul(y, y));
    float s = ardm_fma(q, -2.6455026455e-05f, 3.5273368607e-04f);
    s = ardm_fma(s, q, -5.5555555556e-03f);
    s = ardm_fma(s, q, 1.6666666667e-01f);
    return ardm_select(d < 1.0f, ardm_fma(s, q, log_d - y), ardm_log1p(-ardm_exp(-d)));
}

static inline float width_slope(float d) {
    float y = ardm_mul(d, 0.5f), q = ardm_flush(ardm_mul(y, y)), e = ardm_flush(ardm_exp(-d));
    float s = ardm_fma(q, -2.1164021164e-04f, 2.1164021164e-03f);
    s = ardm_fma(s, q, -2.2222222222e-02f);
    s = ardm_fma(s, q, 3.3333333333e-01f);
    return ardm_select(d < 1.0f, ardm_fma(s, q, 1.0f - y), ardm_divide(ardm_flush(ardm_mul(d, e)), 1.0f - e));
}

static inline float log_mass(float a, float b, float width, int first, int last) {
    float up = ardm_select(last, 0.0f, ardm_softplus(-b)), down = ardm_select(first, 0.0f, ardm_softplus(a));
    return (ardm_select(first | last, 0.0f, width) - up) - down;
}

/* Slopes of a bin's log mass: by the mean, and by the log scale with its sign turned; wide is the width of the bin, d or n times d. */
static inline float mean_slope(float a, float b, float d, float half, int first, int last) {
    float below = ardm_select(first, 0.0f, ardm_flush(ardm_sigmoid(a))), above = ardm_select(last, 0.0f, ardm_flush(ardm_sigmoid(-b)));
    return ardm_flush(ardm_mul(ardm_flush(below - above), ardm_flush(ardm_mul(d, half))));
}

static inline float scale_slope(float a, float b, float wide, int first, int last) {
    float below = ardm_select(first, 0.0f, ardm_flush(ardm_sigmoid(a))), above = ardm_select(last, 0.0f, ardm_flush(ardm_sigmoid(-b)));
    float width = ardm_select(first | last, 0.0f, width_slope(wide));
    return ardm_flush((ardm_flush(ardm_mul(b, above)) - ardm_flush(ardm_mul(a, below))) + width);
}

static inline float edge(float at, float u, float d) { return ardm_flush(ardm_mul(ardm_flush(at - u), d)); }

static inline float limited(float raw, float low, float high) {
    float s = ardm_select(raw < low, low, raw);
    return ardm_select(s > high, high, s);
}

/* Log-sum-exp over M values a lane. */
static inline void log_sum(float t[MOST][STRIP], int M, float *restrict out) {
    float top[STRIP], sum[STRIP];
    for (int j = 0; j < STRIP; ++j) top[j] = t[0][j];
    for (int m = 1; m < M; ++m)
        for (int j = 0; j < STRIP; ++j) top[j] = ardm_max(top[j], t[m][j]);
    for (int j = 0; j < STRIP; ++j) sum[j] = 0;
    for (int m = 0; m < M; ++m)
        for (int j = 0; j < STRIP; ++j) sum[j] += ardm_flush(ardm_exp(t[m][j] - top[j]));
    for (int j = 0; j < STRIP; ++j) out[j] = ardm_flush(top[j] + ardm_log(sum[j]));
}

#endif
