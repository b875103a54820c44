/* toy.h: models small enough to enumerate; their network is a table of exact conditionals. */
#ifndef TESTS_SUPPORT_TOY_H
#define TESTS_SUPPORT_TOY_H

#include "ardm/order.h"
#include "ardm/process.h"
#include "checks.h"

enum { MOST_STATES = 1024, MOST_UNITS = 5 };

typedef struct toy {
    uint32_t n, k, states; /* units, symbols, k^n */
    double p[MOST_STATES];
    ardm_process *process;
    ardm_order *order;
    uint8_t mask[MOST_UNITS]; /* given units */
    /* What a network charges for a unit of x, in nats; NULL: the exact conditional. */
    double (*price)(const void *user, uint32_t stage, const uint8_t *state, uint32_t unit, uint32_t x);
    const void *user;
} toy;

/* z uniform over k classes, each of 3 units equals z with probability 5/8. */
void toy_mixture(toy *t, uint32_t k, const char *process);
/* n units of k symbols, absorbing; step[d] is the probability of x' = x + d mod k. */
void toy_chain(toy *t, uint32_t n, uint32_t k, const double *step);
/* The same by another process. */
void toy_chain_by(toy *t, uint32_t n, uint32_t k, const double *step, const char *process);
void toy_levels(toy *t, const uint16_t *levels);
void toy_close(toy *t);

uint32_t toy_symbol(const toy *t, uint32_t x, uint32_t unit);
double toy_entropy(const toy *t); /* bits */
/* p(digit of `unit` | what x shows in these states), all digits. Returns how many there are. */
uint32_t toy_network(const toy *t, uint32_t x, uint32_t stage, const uint8_t *state, uint32_t unit, double *p);
/* Expected -log2 of a unit's digit in these states, over all data. */
double toy_unit_loss(const toy *t, uint32_t stage, const uint8_t *state, uint32_t unit);
/* The losses of all cells one after another; returns the number of cells. */
uint32_t toy_losses(const toy *t, double *loss, uint32_t *units);

#endif
