/* The sums of numerics.md 2 and 3 as loops over outputs, under the references of this family, and what its tables share. */
#ifndef ARDM_REDUCE_SUMS_H
#define ARDM_REDUCE_SUMS_H

#include "elementwise/plan.h"
#include "reference.h"

enum { ARDM_BLOCK = 256 };

/* y[d] = F(block sum over t of x[t * width + d]), columns begin <= d < end. */
ARDM_REFERENCE_DECLARE(void, column_sums, (const float *x, float *y, int64_t terms, int64_t width, int64_t begin, int64_t end));
/* y[d] = binary tree over i of x[i * width + d], F at every node; count is a power of two. */
ARDM_REFERENCE_DECLARE(void, tree_sums, (const float *x, float *y, int64_t count, int64_t width, int64_t begin, int64_t end));
/* y[r] = F(block sum along row r of x), rows begin <= r < end. */
ARDM_REFERENCE_DECLARE(void, row_sums, (const float *x, float *y, int64_t width, int64_t begin, int64_t end));

/* Cost of reading the input once and adding it. */
void ardm__sum_cost(const ardm_call *call, double *flops, double *bytes);
int32_t ardm__is_power_of_two(int64_t n);

#endif
