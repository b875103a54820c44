/* The C reference of interpolate, over rows `begin` to `end` of the N·H rows of pixels.
 *
 * A unit is known when its state is decided or given; m = 1 there, else 0. At scale j (0 finest) with R = 2^(j+1) the weight of
 * distance d is w(d) = (R² - d²)² / R⁴ for |d| < R: close to a binomial, compact, exact in f32. Per channel, from +0 and with taps
 * outside the image left out:
 *     V(y,x) = F(chain over dy ascending of fma(w(dy), m·v(y+dy,x), ·))     U(y,x) = F(the same of m)
 *     A(y,x) = F(chain over dx ascending of fma(w(dx), V(y,x+dx), ·))       B(y,x) = F(the same of U)
 *     interpolation q_j = F(divide(A, B)) where B > 0; nothing is known within R where B is 0
 * zoom(t) is t itself under absorbing and tables. Under the least-significant families, where a unit shows the midpoint v of its class, it is
 * F(F(t - v) · inverse) limited to -4 … 4, inverse = F(divide(K - 1, 2 · width)), width that of an undecided class of the item's stage.
 * Features of a channel c of C, feature k of it at k·C + c; all of them +0 where the unit is void:
 *     k = j                 zoom(q_j), +0 where nothing is known
 *     k = scales + j        F(log(B) / 4), -3 where nothing is known
 *     k = 2·scales          the residual of a known unit, +0 at others. Attribute `residual` 0: F(v - q_0), times inverse and limited when
 *                           zoomed; a known unit takes part in its own q_0. Attribute g > 0, against the others alone: o = F(divide(
 *                           F(A - v), F(B - 1))) of the finest scale with B > 1, then F(F(v - o) · g) (inverse for g when zoomed), limited;
 *                           +0 where nothing else is known
 *     k = 2·scales + 1, 2   1 where known, 1 where given
 * centre = q of the finest scale that has one, +0 where none has or the unit is void. */
#ifndef ARDM_FEATURES_INTERPOLATE_ROWS_H
#define ARDM_FEATURES_INTERPOLATE_ROWS_H

#include "reference.h"

typedef struct ardm__interpolate {
    int64_t H, W, C;
    int32_t scales, residual;
    const float *values;
    const uint8_t *state;
    const float *inverse; /* an item each; NULL: not zoomed */
    float *features, *centre;
    float *lines; /* 5·W·C of scratch a row */
} ardm__interpolate;

ARDM_REFERENCE_DECLARE(void, interpolate_rows, (const ardm__interpolate *work, int64_t begin, int64_t end));

#endif
