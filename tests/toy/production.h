/* production.h: what the programs of the method do with a table for a network. */
#ifndef TESTS_TOY_PRODUCTION_H
#define TESTS_TOY_PRODUCTION_H

#include "ardm/schedule.h"
#include "table.h"

TCase *production_cases(void);
TCase *average_cases(void);

void each_device(void (*visit)(ardm_device *device));
/* The optimal schedule (kept when `out` is given) and its cost; `loss` is made non-increasing within rounding. */
double best_cost(ardm_schedule **out, double *loss, const uint32_t *units, uint32_t cells, uint32_t budget);

#endif
