/* Loops over exact.h, compiled once a build under other flags. */
#include "exact.h"

#include "ardm/exact.h"

#define UNARY(name, ...)                                                                                                                             \
    case ARDM_F_##name:                                                                                                                              \
        for (int64_t i = 0; i < n; ++i) y[i] = ardm_bits(ardm_##name(ardm_from_bits(x[i])));                                                         \
        break;
#define OTHER(name, call)                                                                                                                            \
    case ARDM_F_##name:                                                                                                                              \
        for (int64_t i = 0; i < n; ++i) {                                                                                                            \
            const uint32_t u = x[i], v = z[i];                                                                                                       \
            const float a = ardm_from_bits(u), b = ardm_from_bits(v);                                                                                \
            (void)a;                                                                                                                                 \
            (void)b;                                                                                                                                 \
            y[i] = ardm_bits(call);                                                                                                                  \
        }                                                                                                                                            \
        break;

void ARDM_POINTS_NAME(ARDM_BUILD)(int32_t f, const uint32_t *restrict x, const uint32_t *restrict z, uint32_t *restrict y, int64_t n) {
    switch (f) {
        ARDM_UNARY(UNARY)
        ARDM_OTHERS(OTHER)
    default:
        break;
    }
}
