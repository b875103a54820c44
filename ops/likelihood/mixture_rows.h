/* The C references of the mixture ops: K bins of equal width on -1 … 1, and a mixture of M <= 32 logistics over them.
 *
 * A row of p holds M weights w, M means o (offsets from the row's centre c) and M log scales g. With half = (K - 1) / 2,
 *     g' = g limited to low … 3, low = F(-log(K - 1)) - 2: below that a component is one bin wide and only its gradient suffers
 *     log_d = F(F(log(2 / (K - 1))) - g')     d = F(exp(log_d)), the width of a bin in units of the scale
 *     u = F(fma(F(c + o), half, half)), the mean counted in bins: bin k covers k - 1/2 … k + 1/2
 *     a = F(F((k - 1/2) - u) · d)     b = F(F((k + 1/2) - u) · d)
 *     mass of bin k = sigmoid(b) - sigmoid(a) = sigmoid(b) · sigmoid(-a) · (1 - exp(-d)), so
 *     log mass = (log_width - softplus(-b)) - softplus(a), no difference of near numbers anywhere;
 * the first bin has no a and no width, the last no b and no width: they take the full tails, by index.
 *     log_width = log(1 - exp(-d)): below d = 1 the series log_d - y + y²/6 - y⁴/180 + y⁶/2835 - y⁸/37800, y = d/2; else log1p
 *     t = F(w + log mass)     lse(v) = F(top + log(block sum of F(exp(v - top)))), ascending over components
 *     nll = F(lse(w) - lse(t)), in nats; +0 where the target is not one of 0 … K-1
 *     z_k = F(lse(t) - lse(w)), the log of the mass of bin k
 * Gradient: with r = F(exp(F(t - lse(t)))), q = F(exp(F(w - lse(w)))), A = F(sigmoid(a)), B = F(sigmoid(-b)) (+0 where absent)
 *     dw = F(dy · F(q - r))
 *     do = F(-dy · F(r · F(F(A - B) · F(d · half))))     dc = F(sum of do, ascending)
 *     dg = F(dy · F(r · F((F(b · B) - F(a · A)) + width_slope))), +0 where g is limited
 *     width_slope = d / (exp(d) - 1), by 1 - y + y²/3 - y⁴/45 + 2y⁶/945 - y⁸/4725 below d = 1
 *
 * A child is an interval of n bins lo … hi (children.h). It is a bin with edges a of lo and b of hi and with the width
 *     n · d: d' = F(d · n), log_d' = F(log_d + log n) in log_width and width_slope; lo = 0 is first, hi = K - 1 is last, both have mass 1
 *     y_j = F(lse(t) - lse(w)); for n = 1 these are the bits of z_lo
 * Gradient: sums are block sums over children, ascending, of
 *     F(dy_j · F(r - q)),  F(dy_j · F(r · F(F(A - B) · F(d · half)))),  F(-dy_j · F(r · F((F(b · B) - F(a · A)) + width_slope))),
 * the last +0 where g is limited; dw, do, dg are F of them, dc = F(sum of do, ascending). Children beyond the last are +0 and count as +0. */
#ifndef ARDM_LIKELIHOOD_MIXTURE_ROWS_H
#define ARDM_LIKELIHOOD_MIXTURE_ROWS_H

#include "likelihood/children.h"
#include "reference.h"

enum { ARDM__MIXTURES = 32 };

typedef struct ardm__mixture {
    int32_t M, K;
    float low, high, gap, half;
} ardm__mixture;

ARDM_REFERENCE_DECLARE(void, mixture_nll_rows,
                       (const ardm__mixture *mix, const float *p, const float *centre, const int32_t *target, float *nll, int64_t begin,
                        int64_t end));
ARDM_REFERENCE_DECLARE(void, mixture_nll_grad_rows,
                       (const ardm__mixture *mix, const float *p, const float *centre, const int32_t *target, const float *dy, float *dp,
                        float *dcentre, int64_t begin, int64_t end));
ARDM_REFERENCE_DECLARE(void, mixture_logits_rows,
                       (const ardm__mixture *mix, const float *p, const float *centre, float *z, int64_t begin, int64_t end));
ARDM_REFERENCE_DECLARE(void, mixture_children_rows,
                       (const ardm__mixture *mix, const ardm__children *children, const float *p, const float *centre, float *y, int64_t begin,
                        int64_t end));
ARDM_REFERENCE_DECLARE(void, mixture_children_grad_rows,
                       (const ardm__mixture *mix, const ardm__children *children, const float *p, const float *centre, const float *dy, float *dp,
                        float *dcentre, int64_t begin, int64_t end));

#endif
