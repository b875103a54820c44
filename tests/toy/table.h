/* table.h: a network that is a table. Its logits are the exact log-conditionals of a toy model for every state of its input, made
 * from the ops that other networks use, so that graphs, sessions, walks, coder and sampler are the real ones. */
#ifndef TESTS_TOY_TABLE_H
#define TESTS_TOY_TABLE_H

#include <check.h>

#include "ardm/session.h"
#include "support/toy.h"

enum { MOST_STAGES = 3, MOST_SYMBOLS = 6, MOST_PLACES = 64 };

/* What a table is beside the toy. All 0: a softmax or direct head over an item of the toy's units. */
typedef struct table_form {
    uint32_t high;            /* not 0: cell-causal for blocks up to `high`, as a block-causal transformer is */
    int32_t mixture;          /* a mixture head of K narrow logistics with the same conditionals; of stages, each child its interval (cdf) */
    int32_t data;             /* of stages: K logits, each child the sum of its leaves */
    uint32_t rank, extent[2]; /* not 0: the item's extents; the toy's units are at places at[], the rest is not looked at */
    uint32_t channels;        /* of a picture; 0: 1 */
    uint16_t at[MOST_UNITS];
} table_form;

/* The contexts of a stage are numbers whose digits say what each unit shows: first the classes before the stage (undecided), then
 * the classes after it (decided), then the symbols (given), which are the same as decided in the last stage. */
typedef struct table {
    toy *toy;
    table_form form;
    uint32_t places;                                /* units of the item */
    uint32_t stages, digits, width, contexts;       /* digits: answers a unit; width: numbers of the head a unit */
    uint32_t ids, features;                         /* what a unit may show, and its columns: one-hot id, undecided, given */
    uint32_t first[MOST_STAGES + 1];                /* the contexts of a stage follow one another */
    uint32_t codes[MOST_STAGES];                    /* what a unit may show in a stage … */
    uint32_t undecided[MOST_STAGES];                /* … the first of them undecided … */
    uint32_t decided[MOST_STAGES];                  /* … from here on given */
    uint32_t symbol[MOST_STAGES][3 * MOST_SYMBOLS]; /* least member of the class that a code shows */
    ardm_graph *graph;
    ardm_device *device;
    ardm_store *store;
    double *nats; /* [contexts, units, digits]: what table_measure found; NAN where nothing is asked */
} table;

/* `device` is borrowed; the model too. form NULL: the plain one. */
void table_open(table *t, toy *model, ardm_device *device, const table_form *form);
void table_close(table *t);
void table_session(ardm_session **out, const table *t, const char *order);

/* Item x as a session sees it: symbols i32[places], mask u8[places] (may be NULL); `given` are toy units, NULL none. */
void table_item(const table *t, uint32_t x, const uint8_t *given, int32_t *symbols, uint8_t *mask);
uint32_t table_read(const table *t, const int32_t *symbols);

/* What x shows: the context's number. */
uint32_t table_context(const table *t, uint32_t x, uint32_t stage, const uint8_t *state);
/* The inverse: states, and one x that shows it. */
void table_show(const table *t, uint32_t context, uint32_t *stage, uint8_t *state, int32_t *symbols);

/* Runs the evaluation graph for every context, undecided unit and digit (plain extents, not causal). oracle: in doubles, by every
 * op's oracle. */
void table_measure(table *t, int32_t oracle);
/* toy_price over what was measured. */
double table_price(const void *table, uint32_t stage, const uint8_t *state, uint32_t unit, uint32_t x);

#endif
