/* ardm/schedule.h (method): which units are predicted in parallel.
 *
 * A schedule holds, for each cell, the strictly increasing left ends of its blocks: step j covers units p_j .. p_(j+1)-1 of the
 * cell and is one network call with p_j units known, at a cost of (p_(j+1) - p_j) * L[p_j] bits. Cells are counted stage by stage,
 * level by level; an empty cell has no step, any other begins with 0.
 * Source: Hoogeboom et al. 2021, section 4 and appendix A.2; the O(B N) form by the lower envelope of lines. */
#ifndef ARDM_SCHEDULE_H
#define ARDM_SCHEDULE_H

#include "ardm/file.h"
#include "ardm/status.h"

typedef struct ardm_schedule ardm_schedule;

/* The optimum of one cell. loss: f64[units], bits a unit, non-increasing (ARDM_EINVAL names the first that is not).
 * Time O(budget * units), memory O(units).
 *   steps  u32[budget], strictly increasing from 0     cost  bits of the whole cell, may be NULL
 * ARDM_EINVAL unless 1 <= budget <= units. */
ardm_status ardm_schedule_cell(uint32_t *steps, double *cost, const double *loss, uint32_t units, uint32_t budget);
/* costs[k-1]: the least bits with k steps, k = 1..most. */
ardm_status ardm_schedule_costs(double *costs, const double *loss, uint32_t units, uint32_t most);

/* The optimal schedule of a whole item.
 *   loss    losses of all cells one after another, f64[sum of units]      units  u32[cells]
 *   budget  calls in total, split over cells by marginal gain. More than there are units: one step a unit.
 * ARDM_EINVAL: a budget below the number of non-empty cells (the message says both), a loss that rises inside a cell. */
ardm_status ardm_schedule_optimal(ardm_schedule **out, const double *loss, const uint32_t *units, uint32_t cells, uint32_t budget);
/* The same where a call costs `price` bits (bits + lambda seconds): a cell gets another step while that gains more. */
ardm_status ardm_schedule_priced(ardm_schedule **out, const double *loss, const uint32_t *units, uint32_t cells, double price);
/* Evenly spaced, round-half-even(j * units / steps), the budget shared in proportion to units. */
ardm_status ardm_schedule_naive(ardm_schedule **out, const uint32_t *units, uint32_t cells, uint32_t budget);
/* The same number of steps for every cell (a cell of fewer units takes one a unit and leaves the rest to the others), each cell's steps
 * optimal: how the paper splits calls over stages, kept for comparison. What does not divide goes to the first cells. */
ardm_status ardm_schedule_equal(ardm_schedule **out, const double *loss, const uint32_t *units, uint32_t cells, uint32_t budget);
/* max(non-empty cells, min(48, sum of units)). */
uint32_t ardm_schedule_default_budget(const uint32_t *units, uint32_t cells);

/* The same fractions for other extents: p -> floor(p * new / old), repeats dropped; cells are aligned at the last one, and a cell
 * beyond the first takes the first one's steps (edge tiles, given sets). cells must be whole stages: cells = stages * levels in both. */
ardm_status ardm_schedule_fit(ardm_schedule **out, const ardm_schedule *schedule, uint32_t stages, const uint32_t *units, uint32_t cells);

void ardm_schedule_free(ardm_schedule **schedule);
uint32_t ardm_schedule_cells(const ardm_schedule *schedule);
uint32_t ardm_schedule_units(const ardm_schedule *schedule, uint32_t cell);
uint32_t ardm_schedule_calls(const ardm_schedule *schedule); /* steps of all cells */
const uint32_t *ardm_schedule_steps(const ardm_schedule *schedule, uint32_t cell, uint32_t *count);

/* Predicted bits, by the same losses as above (not sorted, not checked). */
double ardm_schedule_predict(const ardm_schedule *schedule, const double *loss);

/* Bytes: ULEB128 cells; then for every cell with more than one unit ULEB128 steps and the gaps p_j - p_(j-1) - 1 for j >= 1. */
ardm_status ardm_schedule_write(ardm_bytes *out, const ardm_schedule *schedule);
/* Reads exactly `size` bytes; ARDM_EFORMAT unless they are a schedule of these units. */
ardm_status ardm_schedule_read(ardm_schedule **out, const void *data, size_t size, const uint32_t *units, uint32_t cells);

#endif
