/* One loop a formula, compiled once a level; every formula is the scalar text of its op. */
#include "elementwise/maps.h"

#include "ardm/exact.h"

#define LOOP(expression)                                                                                                                             \
    for (int64_t i = 0; i < n; ++i) y[i] = ardm_flush(expression);                                                                                   \
    break

void ARDM_REFERENCE(map_one)(int32_t kind, const float *restrict a, float by, float *restrict y, int64_t n) {
    switch (kind) {
    case ARDM_MAP_SCALE:
        LOOP(ardm_mul(a[i], by));
    case ARDM_MAP_GELU:
        LOOP(ardm_gelu(a[i]));
    case ARDM_MAP_SILU:
        LOOP(ardm_silu(a[i]));
    case ARDM_MAP_RELU:
        LOOP(ardm_max(a[i], 0.0f));
    case ARDM_MAP_TANH:
        LOOP(ardm_tanh(a[i]));
    case ARDM_MAP_SIGMOID:
        LOOP(ardm_sigmoid(a[i]));
    default:
        break;
    }
}

void ARDM_REFERENCE(map_two)(int32_t kind, const float *restrict a, const float *restrict b, float *restrict y, int64_t n) {
    switch (kind) {
    case ARDM_MAP_ADD:
        LOOP(a[i] + b[i]);
    case ARDM_MAP_SUB:
        LOOP(a[i] - b[i]);
    case ARDM_MAP_MUL:
        LOOP(ardm_mul(a[i], b[i]));
    case ARDM_MAP_GELU_GRAD:
        LOOP(ardm_mul(ardm_flush(ardm_gelu_grad(a[i])), b[i]));
    case ARDM_MAP_SILU_GRAD:
        LOOP(ardm_mul(ardm_flush(ardm_silu_grad(a[i])), b[i]));
    case ARDM_MAP_RELU_GRAD:
        LOOP(ardm_select(a[i] > 0.0f, b[i], 0.0f));
    default:
        break;
    }
}
