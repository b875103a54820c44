/* Colours of costs: dark blue is cheap, yellow is dear. */
#ifndef ARDM_CLI_HEAT_H
#define ARDM_CLI_HEAT_H

#include "ardm/status.h"

/* share: 0 … 1 of the dearest colour; what is beyond takes the ends. */
void heat_colour(uint8_t out[3], double share);
/* What the dearest colour stands for: all but a two-hundredth of the values stay below, since a few costly ones would leave the rest dark. At least
 * 1, rounded up. Sorts the values. */
double heat_most(double *values, int64_t n);

#endif
