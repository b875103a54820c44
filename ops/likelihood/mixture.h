/* What the mixture ops share on the host. */
#ifndef ARDM_LIKELIHOOD_MIXTURE_H
#define ARDM_LIKELIHOOD_MIXTURE_H

#include "ardm/op.h"
#include "likelihood/mixture_rows.h"

extern const char *const ardm_cl_likelihood_mixture;
extern const ardm_attr ardm__mixture_attrs[1];

ardm__mixture ardm__mixture_make(int64_t M, int64_t K);
/* The constants of a call whose first operand is p and whose first attribute is `classes`. */
ardm__mixture ardm__mixture_of(const ardm_call *call);
/* p is […,3M] with M of 1 … 32, and operands 1 … n-1 have its leading extents. */
ardm_status ardm__mixture_check(const ardm_call *call, uint32_t n);

/* Rows a work-item of the nll kernels, and the option that tells them: vectors across rows on a CPU. */
int64_t ardm__mixture_strip(const ardm_recorder *recorder, const char **options);

/* For oracles and bounds, in double. log_mass: of bin k under component m of a row. */
typedef struct ardm__component {
    double weight, mean, inverse, log_scale; /* mean: centre included; inverse: of the scale after its limits */
    int32_t limited;
} ardm__component;
ardm__component ardm__mixture_component_of(const double *p, double centre, int64_t m, int64_t M, int64_t K); /* p: the row */
ardm__component ardm__mixture_component(const ardm_call *call, const double *p, const double *centre, int64_t row, int64_t m);
double ardm__mixture_log_mass(const ardm__component *c, int64_t k, int64_t K);
/* Derivatives of that log mass: by the mean, and by the log scale. */
void ardm__mixture_slopes(const ardm__component *c, int64_t k, int64_t K, double *by_mean, double *by_scale);
/* How far a log mass in f32 may be off: the edges' rounding times the slope, and the rounding of the sum. */
double ardm__mixture_error(const ardm__component *c, double centre, int64_t k, int64_t K);

#endif
