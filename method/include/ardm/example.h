/* ardm/example.h (method): one item as a network call sees it: what is shown, what is asked, and what each answer weighs.
 *
 * Training and held-out evaluation draw alike (method.md 2, 3): a stage and a level by (cell, n), or every level of a
 * cell-causal network at once. Weights make Σ weight · nll the estimator of the bound in nats; the caller divides by dimensions. */
#ifndef ARDM_EXAMPLE_H
#define ARDM_EXAMPLE_H

#include "ardm/draw.h"
#include "ardm/order.h"
#include "ardm/process.h"

/* Orders of one layout, one for each n of a blocks family, made when first used. */
typedef struct ardm_orders ardm_orders;
ardm_status ardm_orders_create(ardm_orders **out, const ardm_order_family *family, const ardm_layout *layout);
void ardm_orders_free(ardm_orders **orders);
/* block 0 for families without one. The order lives as long as `orders`. */
ardm_status ardm_orders_get(const ardm_order **out, ardm_orders *orders, uint32_t block);
const ardm_order_family *ardm_orders_family(const ardm_orders *orders);
const ardm_layout *ardm_orders_layout(const ardm_orders *orders);
int32_t ardm_orders_causal(const ardm_orders *orders); /* blocks: one call trains every level */

/* How (cell, n) is drawn over a batch: ardm/draw.h. */
enum { ARDM_SAMPLING_UNIFORM = 0, ARDM_SAMPLING_STRATIFIED = 1, ARDM_SAMPLING_ANTITHETIC = 2 };

typedef struct ardm_draw_options {
    uint64_t seed, step;
    int32_t sampling;
    uint32_t batch;       /* of the strata: the global batch */
    uint32_t given_share; /* probability · 2^24 of a given set */
    double auxiliary;     /* weight of the auxiliary term: Σ log-likelihood of the asked units, not re-weighted */
} ardm_draw_options;

typedef struct ardm_example {
    uint8_t *state;           /* u8[units] */
    float *weight;            /* f32[units]; 0 where nothing is asked */
    int32_t *place;           /* i32[units], scratch and result */
    uint32_t *counts, *known; /* u32[levels]: units of each level, and how many of them are known */
    uint32_t *from;           /* u32[levels]: the first place that each level still asks */
    float *price;             /* f32[levels]: the weight of its units, 0 where the level is not asked */
    uint32_t *unit;           /* u32[units]: of a permuted family all above is by slot, and this is the unit there; else NULL */
    int32_t stage, block;
    uint32_t level, n; /* of the drawn cell; causal networks draw one n for every level */
    float time;
    uint32_t dimensions; /* units that are neither given nor void */
} ardm_example;

ardm_status ardm_example_create(ardm_example *out, const ardm_orders *orders);
void ardm_example_destroy(ardm_example *example);

/* Draws example number `example` (stratum of the batch in `stratum`). `base` is u8[units] with ARDM_VOID where there is
 * padding, or NULL. */
ardm_status ardm_example_draw(ardm_example *out, ardm_orders *orders, uint32_t stages, const ardm_draw_options *options, uint64_t example,
                              uint32_t stratum, const uint8_t *base);

/* Symbols of an example in the order of its slots; nothing for families that are not permuted. scratch: i32[units]. */
void ardm_example_permute(const ardm_example *example, uint32_t units, int32_t *symbols, int32_t *scratch);

/* The f32 quotient a / b in exact arithmetic, 0 when b is 0: time inputs. */
float ardm_fraction(uint32_t a, uint32_t b);

#endif
