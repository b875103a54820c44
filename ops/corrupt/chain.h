/* Chains of partitions (ops/README.md, corrupt): S stages s = 0 … S-1 in generative order, partitions 0 … S.
 *
 *   absorbing                    S = 1; before it a class holds all of 0 … K-1, after it one symbol
 *   zero-least-significant b     S = the least with b^S >= K; before stage s a class holds b^(S-s) symbols, after it b^(S-s-1)
 *   augment-least-significant b  the same classes, a fresh block of ids a partition
 *   table                        read from an operand, `base` the most children of a parent
 *
 * A regular class of width w that holds x begins at x - x mod w and ends before K. Widths stop at K: nothing is wider than all.
 * A table is i32[5,S+1,K]: least and greatest member of the class of x in partition p, its id; digit of x in stage p and children of its
 * parent there (p < S). What is read from it is brought into range first: hostile tables give defined results. */
#ifndef ARDM_CORRUPT_CHAIN_H
#define ARDM_CORRUPT_CHAIN_H

#include "ardm/op.h"

typedef struct ardm__chain {
    int32_t absorbing, augment, table, classes, base, stages; /* flags; then K, b, S */
} ardm__chain;

enum { ARDM__LEAST = 0, ARDM__GREATEST = 1, ARDM__ID = 2, ARDM__DIGIT = 3, ARDM__CHILDREN = 4 }; /* planes of a table */

extern const ardm_attr ardm__chain_attrs[3]; /* family, classes, base: every op with a chain begins with these */

/* `attrs` in the order above. Of a table, S is 0: ardm__chain_call has it. */
ardm_status ardm__chain_read(ardm__chain *chain, const char *op, const ardm_attr_value *attrs);
/* The chain of a call whose operand `table` is optional: there exactly where the family asks for it, with extents that fit. */
ardm_status ardm__chain_call(ardm__chain *chain, const ardm_call *call, uint32_t table);
/* Regular: widths before and after stage `stage`, which is brought into 0 … S-1. */
void ardm__chain_widths(const ardm__chain *chain, int32_t stage, int32_t *before, int32_t *after);
/* The first id of partition `partition`, and the width by which its classes are counted from there; 0: an id is the least member. */
int32_t ardm__chain_ids(const ardm__chain *chain, int32_t partition, int32_t *width);
/* table[plane][partition][x], partition and x in range, brought into low … high. */
int32_t ardm__chain_entry(const ardm__chain *chain, const int32_t *table, int32_t plane, int32_t partition, int32_t x, int32_t low, int32_t high);

#endif
