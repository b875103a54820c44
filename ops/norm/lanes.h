/* Lane sums (numerics.md 2) in the C references: element i of a segment goes to lane i mod 64. */
#ifndef ARDM_OPS_LANES_H
#define ARDM_OPS_LANES_H

#include <stdint.h>

#define ARDM_LANE_SEGMENT 16384

/* Runs `term` for the elements i of the segment at `from` of a row of n, l = i mod 64 its lane: 64 at a time, so that lanes
 * vectorise, then the rest. Missing elements would be +0 terms. */
#define ARDM_LANES(from, n, i, l, term)                                                                                                              \
    {                                                                                                                                                \
        const int64_t to_ = (from) + ARDM_LANE_SEGMENT < (n) ? (from) + ARDM_LANE_SEGMENT : (n);                                                     \
        int64_t at_ = (from);                                                                                                                        \
        for (; at_ + 64 <= to_; at_ += 64)                                                                                                           \
            for (int l = 0; l < 64; ++l) {                                                                                                           \
                const int64_t i = at_ + l;                                                                                                           \
                term;                                                                                                                                \
            }                                                                                                                                        \
        for (int l = 0; at_ + l < to_; ++l) {                                                                                                        \
            const int64_t i = at_ + l;                                                                                                               \
            term;                                                                                                                                    \
        }                                                                                                                                            \
    }

/* Lanes 64 -> 32 -> ... -> 1, lane i taking lane i + half. */
static inline float ardm__fold(float lane[64]) {
    for (int half = 32; half > 0; half /= 2)
        for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
    return lane[0];
}

#endif
