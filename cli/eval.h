/* The parts of ardm eval: one file a report. */
#ifndef ARDM_CLI_EVAL_H
#define ARDM_CLI_EVAL_H

#include "model_file.h"

#include "ardm/budget.h"
#include "ardm/dataset.h"
#include "ardm/evaluator.h"

/* Mean and standard error over items, bits a dimension, of bits an item. */
ardm_estimate estimate_of(const double *bits, int64_t count, double dimensions, double began);
/* The same of the first `count` items under a budget's schedule; the first `context` units are given. */
ardm_status scheduled(ardm_estimate *out, ardm_predictor *p, const ardm_dataset *data, const ardm_budget *budget, int64_t count, uint64_t seed,
                      uint32_t context);
/* The data of --data, items of "A:B" (NULL: all). */
ardm_status open_data(ardm_dataset **out, const ardm_predictor *p, const char *items, const arguments *args);
/* The loss curve of --fit, else the model's own. */
ardm_status fitted_curve(ardm_curve **out, ardm_predictor *p, int64_t seed, const arguments *args);

ardm_status compare_processes(ardm_predictor *p, const ardm_dataset *data, const arguments *args); /* compare.c */
ardm_status show_calibration(ardm_predictor *p, const ardm_dataset *data, const arguments *args);  /* calibration.c */
ardm_status map_costs(ardm_predictor *p, const arguments *args);                                   /* map.c */

#endif
