/* What ardm schedule and ardm report tell of a model's loss curve: budgets, how their calls may be split, and the picture of it. */
#ifndef ARDM_CLI_SCHEDULE_H
#define ARDM_CLI_SCHEDULE_H

#include "model_file.h"

#include "ardm/budget.h"

/* Losses of the nominal layout at a block, as ardm/schedule.h takes them. */
typedef struct cells {
    uint32_t *units, n, stages, parts; /* parts: symbols a unit */
    double *losses;
} cells;

ardm_status open_cells(cells *out, const ardm_predictor *p, const ardm_curve *curve, uint32_t block);
void close_cells(cells *c);

/* Predicted bits a dimension of a budget's calls split as gains most, equally over the cells, and in uniform steps. */
typedef struct splits {
    double optimal, equal, uniform;
} splits;
ardm_status compare_splits(splits *out, const ardm_budget *budget, const cells *c);

/* Budgets worth a row of a table: the least, and its doubles up to a call a unit or 2,048 calls (of a blocks family the longest block's). */
enum { MOST_BUDGETS = 33 };
ardm_status list_budgets(uint32_t out[MOST_BUDGETS], uint32_t *n, ardm_session *session);

/* A curve a cell; of a blocks family a curve for every block length, bars for the one in use; a curve a stage where cells are too many. Into a file
 * (.svg, .png), or with path NULL appended to `element` as an <svg>. schedule_plot.c */
ardm_status plot_schedule(const char *path, ardm_bytes *element, const ardm_predictor *p, const ardm_curve *curve, const ardm_budget *budget,
                          int32_t overwrite);

#endif
