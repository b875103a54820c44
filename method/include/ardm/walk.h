/* ardm/walk.h (method): the one loop behind coding, sampling, in-filling and scheduled likelihoods.
 *
 * A walk takes several items of one layout through a schedule: stage by stage, level by level, block by block, and where a row tells several
 * symbols or digits (ardm_head_turns) turn by turn. Each call predicts one turn of one block of every item; the network runs in the first. Who knows
 * the symbols (encoder, evaluator) may run a cell-causal network over all levels at once; who does not (decoder, sampler) writes each block's symbols
 * before the next call. */
#ifndef ARDM_WALK_H
#define ARDM_WALK_H

#include "ardm/schedule.h"
#include "ardm/session.h"

typedef struct ardm_walk_item {
    int32_t *symbols;    /* i32[units, parts], caller's; undecided units of stage s hold any member of their class x^(s) */
    const uint8_t *mask; /* u8[units, parts] with ARDM_GIVEN and ARDM_VOID, or NULL: all free; borrowed. Units that it splits are free */
    uint64_t number;     /* item of the order's ranks */
} ardm_walk_item;

typedef struct ardm_walk ardm_walk;

/*   task      ARDM_TASK_…: with EVALUATE and ENCODE the symbols are known
 *   schedule  of the nominal layout at this block; fitted to each item by fractions
 *   block     n of a blocks family, else 0
 *   items     borrowed with what they point to */
ardm_status ardm_walk_open(ardm_walk **out, ardm_session *session, int32_t task, const ardm_layout *layout, const ardm_schedule *schedule,
                           uint32_t block, uint64_t seed, const ardm_walk_item *items, uint32_t n_items);
void ardm_walk_close(ardm_walk **walk);
/* Before the first call: leaves out those of stages before `stage`, whose digits the symbols tell already. */
void ardm_walk_from(ardm_walk *walk, uint32_t stage);
uint32_t ardm_walk_calls(const ardm_walk *walk);

/* What a call answers for one item: rows first … first+count−1 of its binding are the units unit[0 … count−1], in coding order,
 * at places place … of the stage. A causal network with known symbols answers a step of every level: then `place` is by unit. */
typedef struct ardm_walk_rows {
    uint32_t count, stage, turn;
    const uint32_t *unit;    /* natural unit numbers */
    const uint32_t *place;   /* place of each in the stage's sequence: coding order inside an item */
    const int32_t *children; /* reachable children; 1: nothing to code */
} ardm_walk_rows;

/* Runs call `index` (in order). Fills targets from the symbols, sampling slots by Philox purpose 8, and `coldness`. number[i] is the
 * digest row number of item i's first row, the others follow; of causal networks it is the number of place 0 (NULL: 0). */
ardm_status ardm_walk_run(ardm_walk *walk, uint32_t index, const uint32_t *number, float coldness);
ardm_walk_rows ardm_walk_answer(const ardm_walk *walk, uint32_t item);
/* How many rows call `index` has for an item, known beforehand, and in which turn. */
uint32_t ardm_walk_count(const ardm_walk *walk, uint32_t index, uint32_t item);
uint32_t ardm_walk_turn(const ardm_walk *walk, uint32_t index);
uint32_t ardm_walk_turns(const ardm_walk *walk);
const ardm_call_io *ardm_walk_io(const ardm_walk *walk); /* of the last call: item i's rows start at i * io->rows */

/* Of walks that know no symbols, before the first call: each call asks for all units of its level that are not decided; ardm_walk_count still
 * tells how many it is to decide. ardm_walk_choose says which, after each call of turn 0 with any: they take the first places, the others theirs
 * behind. Rows of later turns are the same units, at the places they have got. */
void ardm_walk_widen(ardm_walk *walk);
void ardm_walk_choose(ardm_walk *walk, uint32_t item, const uint32_t *unit, uint32_t count);

/* Writes a decided child of this turn: the unit's symbol becomes the least member of child `digit`. */
void ardm_walk_decide(const ardm_walk *walk, uint32_t item, uint32_t unit, uint32_t digit);
/* How fine each symbol is known after the last call, once its rows are decided: u8[units, parts], x^(partition). Given and void ones are whole;
 * one of several digits is known when all of them are.
 * Not of a causal network with known symbols (asserted), which decides nothing. */
void ardm_walk_partitions(const ardm_walk *walk, uint32_t item, uint8_t *partition);

#endif
