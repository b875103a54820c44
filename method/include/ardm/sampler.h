/* ardm/sampler.h (method): drawing items and filling in what is missing.
 *
 * Sampling is decoding random words: each unit's slot is a Philox word, looked up in the same integer frequencies that the coder
 * uses, so the same seed gives the same item on every device (numerics.md 7). */
#ifndef ARDM_SAMPLER_H
#define ARDM_SAMPLER_H

#include "ardm/budget.h"

typedef struct ardm_sampling {
    const ardm_budget *budget;
    uint64_t seed;
    double temperature; /* 1: the model's distribution */
    const char *task;   /* for progress */
} ardm_sampling;

/* Draws `n` items of `layout` into symbols, i32[n, units]. mask (u8[n, units], or NULL) keeps ARDM_GIVEN units as they are; item k is
 * number first + k of the seed. */
ardm_status ardm_sample(ardm_session *session, const ardm_sampling *sampling, const ardm_layout *layout, int32_t *symbols, const uint8_t *mask,
                        uint64_t first, uint32_t n);

/* What the coder would pay, from float log-probabilities: Σ nll in bits of each item under a schedule and its order.
 *   bits  f64[n]    mask as above: given units cost nothing    number  the order's item of the first */
ardm_status ardm_scheduled_cost(double *bits, ardm_session *session, const ardm_budget *budget, uint64_t seed, const ardm_layout *layout,
                                int32_t *symbols, const uint8_t *mask, uint64_t number, uint32_t n);
/* The same unit by unit, stages added up: bits f64[n, units], 0 where given or void. */
ardm_status ardm_scheduled_units(double *bits, ardm_session *session, const ardm_budget *budget, uint64_t seed, const ardm_layout *layout,
                                 int32_t *symbols, const uint8_t *mask, uint64_t number, uint32_t n);

#endif
