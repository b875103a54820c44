/* ardm/frequency.h (ops): integer frequencies from logits, the one rule that coder and sampler share (numerics.md 7).
 *
 * A row of n reachable children gets f_j >= 1 with sum 2^24, by integers and one division. This is the reference of the ops
 * `frequency`, `interval`, `find` and `digest`, and what host code uses where a row is not worth a launch. */
#ifndef ARDM_FREQUENCY_H
#define ARDM_FREQUENCY_H

#include <stdint.h>

#define ARDM_FREQUENCY_BITS 24
#define ARDM_FREQUENCY_TOTAL (1u << ARDM_FREQUENCY_BITS)
#define ARDM_FREQUENCY_MAX 4096u /* children a row */

/* f[0..n) from canonical logits z[0..n), n <= 4096; n = 1 gives 2^24, n = 0 nothing. NaN counts as the least. */
void ardm_frequency_row(const float *z, uint32_t n, uint32_t *f);
/* Data parametrisation: weights over leaves, child[i] < n is the child of leaf i; the remainder goes to the child of the best leaf. Every
 * child holds a leaf. */
void ardm_frequency_leaves(const float *z, const uint32_t *child, uint32_t leaves, uint32_t n, uint32_t *f);

/* start and freq of `symbol`; 0, 0 when it is outside 0..n-1. */
void ardm_frequency_interval(const uint32_t *f, uint32_t n, int32_t symbol, uint32_t interval[2]);
/* The symbol whose interval holds `slot`; -1 when none does. */
int32_t ardm_frequency_find(const uint32_t *f, uint32_t n, uint32_t slot);

/* The part of row number `row` in a chunk's digest: sum of mix32(4096 row + j, f_j) over its reachable children j, mod 2^32.
 * mix32(a, b): h = a 0x9e3779b1 + b; h = (h ^ h>>16) 0x85ebca6b; h = (h ^ h>>13) 0xc2b2ae35; h ^ h>>16. */
uint32_t ardm_frequency_digest(const uint32_t *f, uint32_t n, uint32_t row);

#endif
