/* What the pixel ops share on the host; formula in pixel_rows.h. */
#ifndef ARDM_LIKELIHOOD_PIXEL_H
#define ARDM_LIKELIHOOD_PIXEL_H

#include "likelihood/mixture.h"
#include "likelihood/pixel_rows.h"

extern const char *const ardm_cl_likelihood_pixel;

/* The constants of a call whose first operand is z and whose first attribute is `classes`. */
ardm__mixture ardm__pixel_mixture(const ardm_call *call);
int64_t ardm__pixel_count(const ardm_call *call);
/* z is […,10M] with M of 1 … 32, operands 1 and 2 are [z's leading extents,3]. */
ardm_status ardm__pixel_check(const ardm_call *call);

/* A pixel as oracles and bounds have it, in double, from the first three operands. by[c][m] and error[c][m]: component m of channel c, and how
 * far its log mass may be off in f32; mass[c][m]: the weight with the log masses of channels 0 … c; off[c][m]: how far that may be off. */
typedef struct ardm__pixel {
    int64_t M, K, bin[3];
    const double *z, *centre;
    double value[3], weight[ARDM__MIXTURES], mass[3][ARDM__MIXTURES], off[3][ARDM__MIXTURES], error[3][ARDM__MIXTURES];
    ardm__component by[3][ARDM__MIXTURES];
    int32_t used; /* all three values are among 0 … K-1; bin has them limited to it */
} ardm__pixel;
/* A channel's components stand once those before it have their bins. */
void ardm__pixel_open(ardm__pixel *pixel, const ardm_call *call, const void *const *in, int64_t row);
/* Log of the sum over components, and how far it is off when component m is off by as much as off[m]. */
double ardm__pixel_sum(const double *mass, int64_t M);
double ardm__pixel_spread(const double *mass, const double *off, int64_t M);
/* How far the log mass of a bin of channel c may be off under component m: the mean is a sum of products. */
double ardm__pixel_error(const ardm__pixel *pixel, int64_t c, int64_t m, int64_t bin);

#endif
