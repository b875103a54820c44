/* ardm/experts.h (method): which of a network's heads a cell uses (method.md 8, expert_of_cell).
 *
 * A network of E experts has E heads behind one body, and a call uses that of its cell: early levels and late ones, or coarse stages and fine ones,
 * need not share one. A list has an expert a cell, stage by stage, level by level of the nominal item. */
#ifndef ARDM_EXPERTS_H
#define ARDM_EXPERTS_H

#include "ardm/order.h"

#define ARDM_EXPERTS_MAX 16u
#define ARDM_EXPERT_CELLS_MAX 256u

typedef struct ardm_experts {
    uint32_t cells, count; /* both 0: one head for all cells */
    uint8_t of[ARDM_EXPERT_CELLS_MAX];
} ardm_experts;

/* "0 0 0 1 1 1", also with commas; every expert from 0 to the largest has a cell. "" is none. ARDM_EINVAL names what is wrong. */
ardm_status ardm_experts_parse(ardm_experts *out, const char *text);
/* "0,0,0,1,1,1" into at least 3 * ARDM_EXPERT_CELLS_MAX bytes. */
void ardm_experts_print(char *out, const ardm_experts *experts);
/* ARDM_EINVAL unless the list has `stages` times the levels of `order`, the nominal one. */
ardm_status ardm_experts_check(const ardm_experts *experts, uint32_t stages, const ardm_order *order);
/* The expert of a cell of an item of any extents: levels are aligned as a schedule's are (method/archive.md), at the last. 0 where there are none. */
uint32_t ardm_experts_of(const ardm_experts *experts, uint32_t stages, const ardm_order *order, uint32_t stage, uint32_t level);

#endif
