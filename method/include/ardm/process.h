/* ardm/process.h (method): a process is a chain of S+1 partitions of the symbols 0..K-1, coarse to fine.
 *
 * Partition 0 is one class, partition S tells every symbol apart, and each refines the one before. Stage s, 0 <= s < S, turns
 * x^(s) into x^(s+1): given the class of a symbol in partition s (the parent) it names the class in partition s+1 (a child) by a
 * digit. A class is named by its least member, so x^(s) is itself a symbol. Children are counted in ascending order of their
 * least members. A parent with one child costs nothing: no loss, no coded symbol.
 * Regular chains are arithmetic; any other chain is a table, checked when it is made. Source: Hoogeboom et al. 2021, section 3.2. */
#ifndef ARDM_PROCESS_H
#define ARDM_PROCESS_H

#include "ardm/status.h"

enum {
    ARDM_PROCESS_ABSORBING = 1,                 /* S = 1; the one class of partition 0 has the fresh input id K */
    ARDM_PROCESS_ZERO_LEAST_SIGNIFICANT = 2,    /* base b; input ids coincide with symbols */
    ARDM_PROCESS_AUGMENT_LEAST_SIGNIFICANT = 3, /* the same partitions, a fresh block of input ids a partition */
    ARDM_PROCESS_TABLE = 4
};
#define ARDM_PROCESS_MAX_CLASSES 65536u
#define ARDM_PROCESS_MAX_STAGES 32u

typedef struct ardm_process ardm_process;

/* Reads "absorbing 256", "zero-least-significant 256 4" or "augment-least-significant 256 4": family, K (2..65536) and for
 * the last two the base (2..K). S is the least integer with b^S >= K, any K. ARDM_EINVAL with what is wrong. */
ardm_status ardm_process_parse(ardm_process **out, const char *text);

/* A table: maps is u16[stages + 1, classes], maps[s][x] any label of the class of x in partition s; ids is i32 of the same
 * extents (the embedding row of x's class) or NULL: a class of one symbol, or one equal to its only child, shares that id, every other
 * class gets a fresh id from K on, fine to coarse. ARDM_EINVAL names the first symbol at which the chain is not one. */
ardm_status ardm_process_from_table(ardm_process **out, uint32_t classes, uint32_t stages, const uint16_t *maps, const int32_t *ids);
/* The same from text: partitions 1 … S-1 separated by '/', classes by '|', members by blanks, a-b a range: "0 | 1 5 9 15 21 | 2-4 6-8 10-14
 * 16-20 22-26" of K = 27 first tells space, vowel or consonant, then which. Partitions 0 and S go without saying. ARDM_EINVAL names the
 * partition and symbol at fault. */
ardm_status ardm_process_from_partitions(ardm_process **out, uint32_t classes, const char *text);
ardm_status ardm_process_copy(ardm_process **out, const ardm_process *process);
void ardm_process_free(ardm_process **process);

uint32_t ardm_process_family(const ardm_process *process);
uint32_t ardm_process_classes(const ardm_process *process); /* K */
uint32_t ardm_process_base(const ardm_process *process);    /* absorbing: K; table: 0 */
uint32_t ardm_process_stages(const ardm_process *process);  /* S */
uint32_t ardm_process_inputs(const ardm_process *process);  /* rows of an embedding: 1 + the largest input id */
uint32_t ardm_process_logits(const ardm_process *process);  /* outputs of the direct parametrisation: the most children of any parent */
const char *ardm_process_text(const ardm_process *process); /* parses back; "table 27 2" for a table, whose maps travel beside it */

/* Least member of the class of x in `partition` (0..S): x^(partition). x < K is asserted. */
uint32_t ardm_process_class(const ardm_process *process, uint32_t partition, uint32_t x);
/* The largest member of that class, and 1 when the class is an interval (cdf parametrisation needs that). */
uint32_t ardm_process_last(const ardm_process *process, uint32_t partition, uint32_t x, int32_t *interval);
/* The digit of x in `stage` (0..S-1), and how many children its parent has (may be NULL). */
uint32_t ardm_process_digit(const ardm_process *process, uint32_t stage, uint32_t x, uint32_t *children);
uint32_t ardm_process_children(const ardm_process *process, uint32_t stage, uint32_t parent); /* parent: any member */
/* Least member of child `digit` of the parent's class; digit < children is asserted. */
uint32_t ardm_process_child(const ardm_process *process, uint32_t stage, uint32_t parent, uint32_t digit);
uint32_t ardm_process_class_count(const ardm_process *process, uint32_t partition);

int32_t ardm_process_input(const ardm_process *process, uint32_t partition, uint32_t x); /* embedding row of x's class */
/* What a network sees as a number, in [-1, 1]: divide(least + largest, K - 1) - 1 in exact arithmetic. */
float ardm_process_value(const ardm_process *process, uint32_t partition, uint32_t x);

/* Tables for the model file, u16[S+1, K] of least members and i32[S+1, K] of input ids; the caller's arrays. */
void ardm_process_maps(const ardm_process *process, uint16_t *maps, int32_t *ids);

/* The operand of the ops that look classes up (ops/README.md, corrupt), i32[5,S+1,K]: least and greatest member, input id, digit, children. */
void ardm_process_table(const ardm_process *process, int32_t *table);

#endif
