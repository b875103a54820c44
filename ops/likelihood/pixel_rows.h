/* The C references of the pixel ops: K bins a channel, and a mixture of M <= 32 components over whole pixels (r, g, b).
 *
 *     p(r, g, b) = sum over k of pi_k · p_k(r) · p_k(g | r) · p_k(b | r, g), each factor a logistic's bin as in mixture_rows.h
 *
 * A row of z holds ten blocks of M: weights w, means o_r, o_g, o_b, log scales g_r, g_g, g_b, and alpha (g on r), beta (b on r),
 * gamma (b on g). With v(x) = divide(2x, K - 1) - 1, e_r = F(v(r) - c_r), e_g = F(v(g) - c_g) and c the pixel's three centres
 *     mean_r = F(c_r + o_r)     mean_g = F(fma(alpha, e_r, c_g + o_g))     mean_b = F(fma(gamma, e_g, fma(beta, e_r, c_b + o_b)))
 *     u = F(fma(mean, half, half)), and a, b, d, the log mass of a bin and lse(v) as in mixture_rows.h
 *     t_0 = w     t_r = F(t_0 + log mass of r)     t_g = F(t_r + log mass of g)     t_b = F(t_g + log mass of b)
 *     nll = F(lse(w) - lse(t_b)), in nats for the whole pixel; +0 where a value of the target is not one of 0 … K-1
 * Gradient: with q, r, A, B and width_slope as in mixture_rows.h, for each channel c
 *     dw = F(dy · F(q - r))     do_c = F(-dy · F(r · F(F(A - B) · F(d · half))))
 *     dg_c = F(dy · F(r · F((F(b · B) - F(a · A)) + width_slope))), +0 where g_c is limited
 *     dalpha = F(do_g · e_r)     dbeta = F(do_b · e_r)     dgamma = F(do_b · e_g)
 *     dc, F of sums ascending over components: of do_r, then fma(-alpha, do_g, ·), then fma(-beta, do_b, ·); of do_g, then
 *     fma(-gamma, do_b, ·); of do_b
 *
 * Channel `part` given the known channels before it is a mixture of logistics of its own, a row of mixture_logits with centre 0:
 *     w' = F(t - lse(t)) with t of the channel before (w for r), o' = mean_part, g' = g_part,
 * so the logits of its K values are those of mixture_logits. `part` is limited to 0 … 2, known values to 0 … K-1; what `known` holds
 * from `part` on reaches nothing. */
#ifndef ARDM_LIKELIHOOD_PIXEL_ROWS_H
#define ARDM_LIKELIHOOD_PIXEL_ROWS_H

#include "likelihood/mixture_rows.h"

enum { ARDM__PIXEL_BLOCKS = 10 };

ARDM_REFERENCE_DECLARE(void, pixel_nll_rows,
                       (const ardm__mixture *mix, const float *z, const float *centre, const int32_t *target, float *nll, int64_t begin,
                        int64_t end));
ARDM_REFERENCE_DECLARE(void, pixel_nll_grad_rows,
                       (const ardm__mixture *mix, const float *z, const float *centre, const int32_t *target, const float *dy, float *dz,
                        float *dcentre, int64_t begin, int64_t end));
/* per: rows an item; part has a number an item. */
ARDM_REFERENCE_DECLARE(void, pixel_logits_rows,
                       (const ardm__mixture *mix, const float *z, const float *centre, const int32_t *known, const int32_t *part, int64_t per,
                        float *logits, int64_t begin, int64_t end));

#endif
