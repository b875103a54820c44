/* The references' rows of softmax and its gradient: rows begin <= row < end of [rows, width]. */
#ifndef ARDM_OPS_SOFTMAX_H
#define ARDM_OPS_SOFTMAX_H

#include "reference.h"

ARDM_REFERENCE_DECLARE(void, softmax_rows, (const float *z, float *p, int64_t width, int64_t begin, int64_t end));
ARDM_REFERENCE_DECLARE(void, softmax_grad_rows, (const float *p, const float *dy, float *dz, int64_t width, int64_t begin, int64_t end));

#endif
