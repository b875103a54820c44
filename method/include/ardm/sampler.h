/* ardm/sampler.h (method): drawing items and filling in what is missing.
 *
 * Sampling is decoding random words: each unit's slot is a Philox word, looked up in the same integer frequencies that the coder
 * uses, so the same seed gives the same item on every device (numerics.md 7). */
#ifndef ARDM_SAMPLER_H
#define ARDM_SAMPLER_H

#include "ardm/budget.h"

/* What a call has decided, for whoever looks on. Items are drawn in batches, each through all its calls. */
typedef struct ardm_sample_step {
    uint32_t call, calls;     /* call 0 … calls−1 of a batch */
    uint32_t first, n;        /* the batch: items first … first+n−1 of those that are drawn */
    const int32_t *symbols;   /* i32[n, units]: the least member of what is known of each */
    const uint8_t *partition; /* u8[n, units]: which partition that is (ardm/process.h); the stages' number: a symbol */
} ardm_sample_step;

/* Which units a call decides: those that the order drew, or those of the level that the network is surest of: by their largest probability, by
 * its distance from the second, by the least entropy; of equals the lower unit. With several units a call, samples then follow no distribution
 * that a model states, so nothing is coded so. A temperature acts on the frequencies here, not on the logits. */
enum { ARDM_CONFIDENCE_NONE = 0, ARDM_CONFIDENCE_PROBABILITY = 1, ARDM_CONFIDENCE_MARGIN = 2, ARDM_CONFIDENCE_ENTROPY = 3 };
ardm_status ardm_confidence_parse(int32_t *out, const char *text); /* "probability", "margin", "entropy" */

typedef struct ardm_sampling {
    const ardm_budget *budget;
    uint64_t seed;
    double temperature;                                             /* 1: the model's distribution */
    int32_t confidence;                                             /* ARDM_CONFIDENCE_… */
    uint32_t from;                                                  /* first stage that is drawn; 0: all */
    const char *task;                                               /* for progress */
    ardm_status (*watch)(void *user, const ardm_sample_step *step); /* after each call; NULL nobody. What it returns ends the work unless ARDM_OK */
    void *user;
} ardm_sampling;

/* Draws `n` items of `layout` into symbols, i32[n, units]. mask (u8[n, units], or NULL) keeps ARDM_GIVEN units as they are; item k is
 * number first + k of the seed.
 * With sampling->from = s the symbols tell x^(s) of every unit, and what is finer is drawn: exact, since x^(s) is all that stage s knows
 * of an undecided unit. ARDM_EINVAL unless s is below the stages' number. */
ardm_status ardm_sample(ardm_session *session, const ardm_sampling *sampling, const ardm_layout *layout, int32_t *symbols, const uint8_t *mask,
                        uint64_t first, uint32_t n);

/* What the coder would pay, from float log-probabilities: Σ nll in bits of each item under a schedule and its order.
 *   bits  f64[n]    mask as above: given units cost nothing    number  the order's item of the first */
ardm_status ardm_scheduled_cost(double *bits, ardm_session *session, const ardm_budget *budget, uint64_t seed, const ardm_layout *layout,
                                int32_t *symbols, const uint8_t *mask, uint64_t number, uint32_t n);
/* The same from stage `from` on, x^(from) known of every unit. */
ardm_status ardm_scheduled_cost_from(double *bits, ardm_session *session, const ardm_budget *budget, uint64_t seed, uint32_t from,
                                     const ardm_layout *layout, int32_t *symbols, const uint8_t *mask, uint64_t number, uint32_t n);
/* As ardm_scheduled_cost unit by unit, stages added up: bits f64[n, units], 0 where given or void. */
ardm_status ardm_scheduled_units(double *bits, ardm_session *session, const ardm_budget *budget, uint64_t seed, const ardm_layout *layout,
                                 int32_t *symbols, const uint8_t *mask, uint64_t number, uint32_t n);

#endif
