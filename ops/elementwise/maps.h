/* The loops under the references of elementwise ops, and what their tables share. */
#ifndef ARDM_ELEMENTWISE_MAPS_H
#define ARDM_ELEMENTWISE_MAPS_H

#include "elementwise/plan.h"
#include "reference.h"

/* Kinds of map: one scalar formula each, the same as the op's `scalar` text. */
enum {
    ARDM_MAP_SCALE,
    ARDM_MAP_GELU,
    ARDM_MAP_SILU,
    ARDM_MAP_RELU,
    ARDM_MAP_TANH,
    ARDM_MAP_SIGMOID,
    ARDM_MAP_ADD,
    ARDM_MAP_SUB,
    ARDM_MAP_MUL,
    ARDM_MAP_GELU_GRAD,
    ARDM_MAP_SILU_GRAD,
    ARDM_MAP_RELU_GRAD
};

/* y[i] = F(map(a[i], by)) and y[i] = F(map(a[i], b[i])) for 0 <= i < n. */
ARDM_REFERENCE_DECLARE(void, map_one, (int32_t kind, const float *a, float by, float *y, int64_t n));
ARDM_REFERENCE_DECLARE(void, map_two, (int32_t kind, const float *a, const float *b, float *y, int64_t n));

/* References: threads over chunks; b repeats along the suffix that it covers. */
ardm_status ardm__map_unary(const ardm_call *call, int32_t kind, float by, const float *a, float *y);
ardm_status ardm__map_binary(const ardm_call *call, int32_t kind, const float *a, const float *b, float *y);

#endif
