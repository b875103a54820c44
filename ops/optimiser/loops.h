/* The loops under the references of this family. */
#ifndef ARDM_OPTIMISER_LOOPS_H
#define ARDM_OPTIMISER_LOOPS_H

#include "elementwise/plan.h"
#include "reference.h"

enum { ARDM_LANES = 64, ARDM_SEGMENT = 16384 };

/* Everything of an update that is the same for all parameters. */
typedef struct ardm__adam {
    float one_minus_beta1, one_minus_beta2, eps; /* eps in scaled units */
    float lr, keep;                              /* keep = 1 - lr decay */
    float clip, c1, c2, one_minus_average;
} ardm__adam;

typedef struct ardm__adam_arrays {
    const float *w, *m, *v, *a, *grad;
    float *next_w, *next_m, *next_v, *next_a;
} ardm__adam_arrays;

ARDM_REFERENCE_DECLARE(void, adam_range, (const ardm__adam *adam, const ardm__adam_arrays *arrays, int64_t begin, int64_t end));

/* Lane sum of squares of up to ARDM_SEGMENT elements: 64 chains, folded by halves; not flushed. */
ARDM_REFERENCE_DECLARE(float, segment_squares, (const float *x, int64_t many));

#endif
