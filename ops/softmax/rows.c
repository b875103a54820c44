/* The definition of softmax and its gradient, to the bit.
 *
 *   e = F(exp(z - max z))    p = F(e * F(reciprocal(lane sum e)))
 *   dz = F(p * F(dy - F(lane sum p dy))) */
#include "softmax/softmax.h"

#include <float.h>
#include <math.h>

#include "ardm/exact.h"
#include "norm/lanes.h"

void ARDM_REFERENCE(softmax_rows)(const float *z, float *p, int64_t width, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
        const float *restrict x = z + row * width;
        float *restrict y = p + row * width, most = -FLT_MAX, total = 0.0f;
        for (int64_t i = 0; i < width; ++i) most = x[i] > most ? x[i] : most;
        for (int64_t i = 0; i < width; ++i) y[i] = ardm_flush(ardm_exp(x[i] - most));
        for (int64_t from = 0; from < width; from += ARDM_LANE_SEGMENT) {
            float lane[64] = {0};
            ARDM_LANES(from, width, i, l, lane[l] += y[i])
            total += ardm__fold(lane);
        }
        const float reciprocal = ardm_flush(ardm_reciprocal(total));
        for (int64_t i = 0; i < width; ++i) y[i] = ardm_flush(y[i] * reciprocal);
    }
}

void ARDM_REFERENCE(softmax_grad_rows)(const float *p, const float *dy, float *dz, int64_t width, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
        const float *restrict y = p + row * width, *restrict d = dy + row * width;
        float *restrict x = dz + row * width, total = 0.0f;
        for (int64_t from = 0; from < width; from += ARDM_LANE_SEGMENT) {
            float lane[64] = {0};
            ARDM_LANES(from, width, i, l, lane[l] = fmaf(y[i], d[i], lane[l]))
            total += ardm__fold(lane);
        }
        total = ardm_flush(total);
        for (int64_t i = 0; i < width; ++i) x[i] = ardm_flush(y[i] * ardm_flush(d[i] - total));
    }
}
