/* The C references of softmax_nll and its gradient, over rows `begin` to `end` of K logits.
 *
 * n = children (K where absent): logits from n on are masked. A row with n <= 1, or whose target is not one of 0 … n-1 (a row that
 * a call does not use), costs +0, has lse +0 and no gradient. Otherwise, with m the largest logit that is not masked,
 *     s = lane sum over K of F(exp(z_i - m)), masked terms +0
 *     nll = F(log s - (z_t - m))      lse = F(m + log s)
 *     dz_i = F(dy · F(F(exp(z_i - lse)) - [i = t])), +0 where masked */
#ifndef ARDM_LIKELIHOOD_SOFTMAX_ROWS_H
#define ARDM_LIKELIHOOD_SOFTMAX_ROWS_H

#include "reference.h"

ARDM_REFERENCE_DECLARE(void, softmax_nll_rows,
                       (const float *z, const int32_t *target, const int32_t *children, float *nll, float *lse, int64_t K, int64_t begin,
                        int64_t end));
ARDM_REFERENCE_DECLARE(void, softmax_nll_grad_rows,
                       (const float *z, const int32_t *target, const int32_t *children, const float *lse, const float *dy, float *dz, int64_t K,
                        int64_t begin, int64_t end));

#endif
