/* What the ops of children share on the host: which leaves each child of a row's parent has (corrupt/chain.h).
 *
 * Regular chains: the parent is low … end-1, child j begins at low + j · after and ends where the next begins or the parent does.
 * Tables, at stage s: the parent is low = least … end-1 = greatest of the class of the symbol that a unit shows. Leaves are its symbols x
 * whose least is low too, each in the child of its digit. An interval of a child reaches from the least to the greatest member, in
 * partition s + 1, of the class of the first x in low … end-1 with a digit of j or more; x is found by bisection, so that K does not
 * count, and it is the child where every class is an interval. What is read from a table is brought into range first. */
#ifndef ARDM_LIKELIHOOD_CHILDREN_H
#define ARDM_LIKELIHOOD_CHILDREN_H

#include "corrupt/chain.h"

typedef struct ardm__children {
    ardm__chain chain;
    const int32_t *parent, *stage, *table; /* one a row; one an item; NULL: regular */
    int64_t per;                           /* rows an item */
    int32_t most;                          /* children B of the outputs */
} ardm__children;

typedef struct ardm__parent {
    int32_t stage, low, end, after, count; /* after: of regular chains; count: children, 1 … B */
} ardm__parent;

/* Operands `parent` and `parent + 1` (the stage) fit operand 0, whose last extent is not looked at. *most: B. */
ardm_status ardm__children_check(const ardm_call *call, uint32_t parent, uint32_t table, int32_t *most);
ardm_status ardm__children_open(ardm__children *out, const ardm_call *call, const void *const *in, uint32_t parent, uint32_t table);
ardm__parent ardm__parent_of(const ardm__children *children, int64_t row);
/* The least and the greatest leaf of child j of 0 … count-1. */
void ardm__child_interval(const ardm__children *children, const ardm__parent *parent, int32_t j, int32_t *low, int32_t *high);

/* For oracles and bounds, by enumeration: the child that leaf x belongs to, -1 where the row's parent does not hold it. */
int64_t ardm__leaf_child(const ardm_call *call, const void *const *in, uint32_t parent, uint32_t table, int64_t row, int64_t x);
/* Likewise the intervals of all children of a row, low and high of B entries each; the number of children. */
int64_t ardm__child_intervals(const ardm_call *call, const void *const *in, uint32_t parent, uint32_t table, int64_t row, int64_t *low,
                              int64_t *high);

#endif
