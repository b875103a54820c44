/* The C references of children and its gradient, a row at a time.
 *
 * y_j = F(top + log(block sum of F(exp(z_x - top)))) over the leaves x of child j, ascending, top their maximum; a term's index is its place
 * in the child. A child of one leaf is F(z_x), which is what the formula gives for every finite z_x. Children without leaves are +0.
 * dz_x = F(dy_j · F(exp(F(z_x - y_j)))) for a leaf x of child j, +0 for other symbols. */
#ifndef ARDM_LIKELIHOOD_CHILDREN_ROWS_H
#define ARDM_LIKELIHOOD_CHILDREN_ROWS_H

#include "reference.h"

/* A regular parent: low … end-1, children `after` wide. */
ARDM_REFERENCE_DECLARE(void, children_row, (const float *z, int32_t low, int32_t end, int32_t after, float *y, int32_t B));
ARDM_REFERENCE_DECLARE(void, children_grad_row,
                       (const float *z, const float *y, const float *dy, int32_t low, int32_t end, int32_t after, float *dz, int32_t K));
/* A table's: symbols of low … end-1 whose `least` is low; least and digit are the table's K entries at the row's stage, as they are. */
ARDM_REFERENCE_DECLARE(void, children_table_row,
                       (const float *z, const int32_t *least, const int32_t *digit, int32_t low, int32_t end, float *y, int32_t B, int32_t K));
ARDM_REFERENCE_DECLARE(void, children_table_grad_row,
                       (const float *z, const float *y, const float *dy, const int32_t *least, const int32_t *digit, int32_t low, int32_t end,
                        float *dz, int32_t B, int32_t K));

#endif
