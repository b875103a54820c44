/* softmax_nll: see softmax_rows.h for the formula. */
#include <stddef.h>

#include "ardm/exact.h"
#include "likelihood/softmax_rows.h"

enum { LANES = 64, SEGMENT = 16384 };

/* Logits that count; 0 for a row that costs nothing. */
static int64_t counted(const int32_t *target, const int32_t *children, int64_t row, int64_t K) {
    int64_t n = children == NULL || children[row] > K ? K : children[row];
    return n <= 1 || target[row] < 0 || target[row] >= n ? 0 : n;
}

/* Free of order; in lanes it runs in vectors. */
static float largest(const float *z, int64_t n) {
    float most = z[0], lane[LANES];
    int64_t i = 0;
    if (n >= LANES) {
        for (int j = 0; j < LANES; ++j) lane[j] = z[j];
        for (i = LANES; i + LANES <= n; i += LANES)
            for (int j = 0; j < LANES; ++j) lane[j] = ardm_max(lane[j], z[i + j]);
        for (int j = 0; j < LANES; ++j) most = ardm_max(most, lane[j]);
    }
    for (; i < n; ++i) most = ardm_max(most, z[i]);
    return most;
}

static float lane_sum(const float *z, float m, int64_t n) {
    float sum = 0, lane[LANES];
    for (int64_t begin = 0; begin < n; begin += SEGMENT) {
        int64_t end = n - begin < SEGMENT ? n : begin + SEGMENT, i = begin;
        for (int j = 0; j < LANES; ++j) lane[j] = 0;
        for (; i + LANES <= end; i += LANES)
            for (int j = 0; j < LANES; ++j) lane[j] += ardm_flush(ardm_exp(z[i + j] - m));
        for (int64_t j = 0; j < end - i; ++j) lane[j] += ardm_flush(ardm_exp(z[i + j] - m));
        for (int half = LANES / 2; half > 0; half /= 2)
            for (int j = 0; j < half; ++j) lane[j] += lane[j + half];
        sum = begin == 0 ? lane[0] : sum + lane[0];
    }
    return sum;
}

void ARDM_REFERENCE(softmax_nll_rows)(const float *z, const int32_t *target, const int32_t *children, float *nll, float *lse, int64_t K,
                                      int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
        const float *x = z + row * K;
        int64_t n = counted(target, children, row, K);
        nll[row] = lse[row] = 0;
        if (n == 0) continue;
        float m = largest(x, n);
        float log_sum = ardm_log(lane_sum(x, m, n));
        nll[row] = ardm_flush(log_sum - (x[target[row]] - m));
        lse[row] = ardm_flush(m + log_sum);
    }
}

void ARDM_REFERENCE(softmax_nll_grad_rows)(const float *z, const int32_t *target, const int32_t *children, const float *lse, const float *dy,
                                           float *dz, int64_t K, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
        const float *x = z + row * K;
        const float l = lse[row], g = dy[row];
        float *dx = dz + row * K;
        int64_t n = counted(target, children, row, K), t = target[row];
        for (int64_t i = 0; i < n; ++i) dx[i] = ardm_flush(ardm_mul(g, ardm_flush(ardm_exp(x[i] - l))));
        for (int64_t i = n; i < K; ++i) dx[i] = 0;
        if (n > 0) dx[t] = ardm_flush(ardm_mul(g, ardm_flush(ardm_flush(ardm_exp(x[t] - l)) - 1.0f)));
    }
}
