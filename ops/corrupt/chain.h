/* The regular chains of partitions (ops/README.md, corrupt): S stages s = 0 … S-1 in generative order.
 *
 *   absorbing                 S = 1; before it a class holds all of 0 … K-1, after it one symbol
 *   zero-least-significant b  S = the least with b^S >= K; before stage s a class holds b^(S-s) symbols, after it b^(S-s-1)
 *
 * A class of width w that holds x begins at x - x mod w and ends before K. Widths stop at K: nothing is wider than all. */
#ifndef ARDM_CORRUPT_CHAIN_H
#define ARDM_CORRUPT_CHAIN_H

#include "ardm/op.h"

typedef struct ardm__chain {
    int32_t absorbing, classes, base, stages;
} ardm__chain;

extern const ardm_attr ardm__chain_attrs[3]; /* family, classes, base: every op with a chain begins with these */

/* `attrs` in the order above. */
ardm_status ardm__chain_read(ardm__chain *chain, const char *op, const ardm_attr_value *attrs);
/* Widths before and after stage `stage`, which is brought into 0 … S-1. */
void ardm__chain_widths(const ardm__chain *chain, int32_t stage, int32_t *before, int32_t *after);

#endif
