/* rig.h: a toy, its table and a session over it: what the method's programs do with them. */
#ifndef TESTS_TOY_RIG_H
#define TESTS_TOY_RIG_H

#include "ardm/budget.h"
#include "ardm/device.h"
#include "ardm/sampler.h"
#include "table.h"

/* A toy model in one of the forms that the program knows. */
typedef struct rig_form {
    int32_t chain; /* 0: the class mixture of 3 units; else a chain of so many units */
    uint32_t k;    /* symbols */
    const char *process, *order;
    uint32_t block; /* n of a blocks family, else 0 */
    table_form table;
} rig_form;

typedef struct rig {
    toy t;
    table network;
    ardm_session *session;
    const rig_form *form;
    ardm_layout layout;
    uint32_t units[MOST_STAGES * MOST_UNITS], cells; /* of the toy's units by stage and level */
    double loss[MOST_STAGES * MOST_UNITS];
} rig;

extern const double chain_step[4]; /* of x' = x + d mod 4 */

void rig_open(rig *r, const rig_form *form, ardm_device *device);
void rig_close(rig *r);

/* The optimum for so many calls in all (its steps), and what it costs if units are exchangeable; free budget.schedule. */
ardm_budget rig_budget(const rig *r, uint32_t calls, double *cost);
uint32_t rig_most_calls(const rig *r); /* one unit a call */

/* Bits of every x under a budget; given: toy units, NULL none. one_order: all x in the order of one item, else each in its own. */
void rig_bits(rig *r, const ardm_budget *budget, const uint8_t *given, uint64_t seed, int32_t one_order, double *bits);
double rig_mean(const rig *r, const double *bits); /* Σ p(x) bits(x) */

/* −log2 of x given the units of x that are given, by summing over the joint distribution. */
double rig_exact_bits(const rig *r, uint32_t x, const uint8_t *given);
/* p(x) when each call's units are drawn apart, one call a level and stage. */
double rig_flat(const rig *r, uint32_t x);

/* Chunks of drawn items: coded bits against float likelihoods and the law of the coder, and everything comes back. */
void rig_code(rig *r, uint32_t calls, const uint8_t *given);
/* Samples as numbers x. Given units are those of x `base`. */
void rig_sample(rig *r, uint32_t calls, const uint8_t *given, uint32_t base, uint32_t *x, uint32_t count);
void rig_sample_by(rig *r, const ardm_sampling *sampling, const uint8_t *given, uint32_t base, uint32_t *x, uint32_t count);

/* 1: sessions are bound to the ops' oracles, in doubles. */
extern int32_t in_doubles;
void each_device(void (*visit)(ardm_device *device));
void by_oracles(void (*visit)(ardm_device *device)); /* with in_doubles, on `reference` */
/* The optimal schedule (kept when `out` is given) and its cost; `loss` is made non-increasing within rounding. */
double best_cost(ardm_schedule **out, double *loss, const uint32_t *units, uint32_t cells, uint32_t budget);

TCase *production_cases(void);
TCase *average_cases(void);
TCase *forms_cases(void);
TCase *given_cases(void);
TCase *blocks_cases(void);
TCase *reports_cases(void);
TCase *sampling_cases(void);
TCase *turns_cases(void);

#endif
