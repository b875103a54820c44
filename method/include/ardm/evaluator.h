/* ardm/evaluator.h (method): what held-out data costs, by which label, with which error (method.md 7). */
#ifndef ARDM_EVALUATOR_H
#define ARDM_EVALUATOR_H

#include "ardm/dataset.h"
#include "ardm/session.h"

/* A mean over items with its standard error; bits per dimension. */
typedef struct ardm_estimate {
    int64_t items;
    double dimensions, bits, error, seconds;
} ardm_estimate;

/* What one call measured of a cell: the mean cost in bits of the `remaining` units of `count` that were asked after n were known.
 * Causal networks report block (n of the family) as the level, and the place inside a block. */
typedef void (*ardm_cell_sink)(void *user, uint32_t stage, uint32_t level, uint32_t n, uint32_t count, double bits, uint32_t remaining);

/* The order-agnostic bound (an upper bound of the code length over orders, paper Eq. 2) by `draws` draws an item, stratified.
 * Items first … first + count − 1 of the held-out part. `cells` may be NULL. */
ardm_status ardm_evaluate_bound(ardm_estimate *out, ardm_session *session, const ardm_dataset *dataset, int64_t first, int64_t count, uint32_t draws,
                                uint64_t seed, ardm_cell_sink cells, void *user);

#endif
