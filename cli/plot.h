/* The picture of ardm schedule: loss curves over relative time, and the steps of a schedule under them. */
#ifndef ARDM_CLI_PLOT_H
#define ARDM_CLI_PLOT_H

#include "ardm/curve.h"
#include "ardm/file.h"
#include "ardm/schedule.h"

/* One curve: a cell, or where there are too many to tell apart the cells of a stage one after another. */
typedef struct plot_curve {
    char name[64];
    const double *loss; /* f64[units], bits a unit with n units known */
    uint32_t units;
    uint32_t *steps, n_steps; /* left ends of blocks; none: no bars */
} plot_curve;

enum { PLOT_MOST_CURVES = 24 };

/* what: of the losses, "loss, bits a dimension". path: .svg or .png, NULL: appended to `element` as an <svg>. measured: dots of the bins of curve k's
 * cell, NULL none. */
ardm_status plot_curves(const char *path, ardm_bytes *element, const char *title, const char *what, const plot_curve *curves, uint32_t n,
                        const ardm_curve *measured, int32_t overwrite);

#endif
