/* table.h: a network that is a table. Its logits are the exact log-conditionals of a toy model for every state of its input, made
 * from the ops that other networks use, so that graphs, sessions, walks, coder and sampler are the real ones. */
#ifndef TESTS_TOY_TABLE_H
#define TESTS_TOY_TABLE_H

#include <check.h>

#include "ardm/session.h"
#include "support/toy.h"

enum { MOST_STAGES = 3, MOST_SYMBOLS = 6 };

/* The contexts of a stage are numbers whose digits say what each unit shows: first the classes before the stage (undecided), then
 * the classes after it (decided). */
typedef struct table {
    toy *toy;
    uint32_t stages, width, contexts;               /* width: logits a unit */
    uint32_t first[MOST_STAGES + 1];                /* the contexts of a stage follow one another */
    uint32_t codes[MOST_STAGES];                    /* what a unit may show in a stage … */
    uint32_t undecided[MOST_STAGES];                /* … the first of them undecided */
    uint32_t symbol[MOST_STAGES][2 * MOST_SYMBOLS]; /* least member of the class that a code shows */
    ardm_graph *graph;
    ardm_device *device;
    ardm_store *store;
    double *nats; /* [contexts, units, width]: what table_measure found; NAN where nothing is asked */
} table;

/* `device` is borrowed; the model too. */
void table_open(table *t, toy *model, ardm_device *device);
void table_close(table *t);
void table_session(ardm_session **out, const table *t, const char *order);

/* What x shows: the context's number. */
uint32_t table_context(const table *t, uint32_t x, uint32_t stage, const uint8_t *state);
/* The inverse: states, and one x that shows it. */
void table_show(const table *t, uint32_t context, uint32_t *stage, uint8_t *state, int32_t *symbols);

/* Runs the evaluation graph for every context, undecided unit and digit. oracle: in doubles, by every op's oracle. */
void table_measure(table *t, int32_t oracle);
/* toy_price over what was measured. */
double table_price(const void *table, uint32_t stage, const uint8_t *state, uint32_t unit, uint32_t x);

#endif
