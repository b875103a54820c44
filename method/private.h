/* What files of this folder share and nobody else may use. */
#ifndef ARDM_METHOD_PRIVATE_H
#define ARDM_METHOD_PRIVATE_H

#include <stdint.h>

#include "ardm/status.h"

/* Least bits of a cell with 1, 2, … steps; stops after `most`, or after the first step that gains no more than `price`.
 * *count is how many costs were written. */
ardm_status ardm__schedule_costs(double *costs, uint32_t *count, const double *loss, uint32_t units, uint32_t most, double price);

#endif
