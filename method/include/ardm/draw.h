/* ardm/draw.h (method): what training draws for an example: which (cell, n), and which units are given.
 *
 * Every draw is a pure function of Philox counters (ardm/philox.h), so batches, devices and resumed runs draw alike. */
#ifndef ARDM_DRAW_H
#define ARDM_DRAW_H

#include "ardm/order.h"

/* Uniform: k = word(purpose 4, draw 2, item = example, index 0) * total >> 32, in [0, total).
 *   total   number of (cell, n) pairs of this example, 1..2^31 */
uint64_t ardm_draw_uniform(uint64_t seed, uint64_t example, uint64_t total);

/* Stratified over a global batch of B: the example in stratum i gets k = ((i * 2^32 + U) * total >> 32) div B, with
 * U = word(purpose 4, draw 0, item = step, index 0). Items of different size pass their own total. */
uint64_t ardm_draw_stratified(uint64_t seed, uint64_t step, uint32_t stratum, uint32_t batch, uint64_t total);

/* Antithetic (the paper's option): g = gcd(batch, total) rungs, total / g apart, climbed by each of batch / g offsets. The example in stratum i
 * stands on rung i div (batch / g) of ladder o = i mod (batch / g): k = rung * (total / g) + (word(purpose 4, draw 5, item = step, index o) * (total
 * / g)
 * >> 32). Where g is 1 this is a uniform draw of each example. Items of different size pass their own total. */
uint64_t ardm_draw_antithetic(uint64_t seed, uint64_t step, uint32_t stratum, uint32_t batch, uint64_t total);

/* Which stratum each item of the batch gets: stratum[j] is the place of j by (word(purpose 4, draw 1, item = step, index = j), j).
 * ARDM_ENOMEM. batch 1..65536 */
ardm_status ardm_draw_strata(uint64_t seed, uint64_t step, uint32_t batch, uint32_t *stratum);

/* A cell-causal network trains every level at once: known[l] uniform in [0, counts[l]), 0 for an empty level;
 * words of purpose 4, draw 3, item = example, index = level. */
void ardm_draw_known(uint64_t seed, uint64_t example, const uint32_t *counts, uint32_t levels, uint32_t *known);

/* n of a "blocks:low-high" family for an example: uniform in low..high by word(purpose 4, draw 4, item = example, index 0). */
uint32_t ardm_draw_block(uint64_t seed, uint64_t example, const ardm_order_family *family);

/* A given set, with probability share / 2^24 (else nothing is given): one of a random subset, a half-plane or border band, the
 * complement of a rectangle, a prefix; whole positions, purpose 5, draw 0, item = example.
 *   mask  u8[units], read for ARDM_VOID; every other unit becomes ARDM_GIVEN or ARDM_UNDECIDED, at least one undecided where any can be
 * Returns the number of given units. */
uint32_t ardm_draw_given(uint64_t seed, uint64_t example, uint32_t share, const ardm_layout *layout, uint8_t *mask);

#endif
