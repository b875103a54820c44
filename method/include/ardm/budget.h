/* ardm/budget.h (method): from a number of calls to a schedule, with a model's loss curve or from its frozen schedules.
 *
 * Models of a blocks family buy calls by shorter blocks: their schedule is n and the steps inside a block. All others split the budget
 * over cells by marginal gain (method.md 4). */
#ifndef ARDM_BUDGET_H
#define ARDM_BUDGET_H

#include "ardm/evaluator.h"
#include "ardm/model.h"
#include "ardm/session.h"

typedef struct ardm_budget {
    ardm_schedule *schedule; /* of the nominal layout */
    uint32_t block;          /* n of a blocks family, else 0 */
    int32_t frozen;          /* its number in the model, −1 when it is not one of them */
    uint32_t calls;          /* network calls an item (a text window: of its coded half) */
    double bits;             /* predicted, a dimension; 0 when the model has no curve */
} ardm_budget;

/* The loss curve on held-out items first … first+count−1, and the bound that the same calls give. */
ardm_status ardm_measure_curve(ardm_curve **out, ardm_estimate *bound, ardm_session *session, const ardm_dataset *dataset, int64_t first,
                               int64_t count, uint32_t draws, uint64_t seed);

/* The schedules that a model carries: budgets 1, 2, 4 … times the cells, or every n of a blocks family. */
ardm_status ardm_freeze_schedules(ardm_model *model, ardm_session *session, const ardm_curve *curve);

/* steps 0: the default, max(cells, min(48, units)). ARDM_EINVAL: fewer than the model needs, which is said. */
ardm_status ardm_budget_choose(ardm_budget *out, const ardm_model *model, ardm_session *session, uint32_t steps);
/* Predicted bits a dimension of a budget's schedule under another curve than the model's: one fitted on data like that at hand. */
ardm_status ardm_budget_predict(double *bits, const ardm_budget *budget, const ardm_curve *curve, ardm_session *session);
/* What ardm/schedule.h takes: units and losses (bits a unit) of every cell of the nominal layout at a block (0 but for blocks families) by a
 * curve. The caller frees both. */
ardm_status ardm_budget_losses(double **losses, uint32_t **units, uint32_t *cells, const ardm_curve *curve, ardm_session *session, uint32_t block);
/* One of the model's frozen schedules, as an archive names it. */
ardm_status ardm_budget_frozen(ardm_budget *out, const ardm_model *model, ardm_session *session, uint32_t index);
/* An explicit schedule of an archive. */
ardm_status ardm_budget_read(ardm_budget *out, ardm_session *session, uint32_t block, const void *data, size_t size);
void ardm_budget_free(ardm_budget *budget);

/* The least number of calls an item. */
ardm_status ardm_budget_least(uint32_t *out, ardm_session *session);

#endif
