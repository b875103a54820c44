/* A chart of what a run's log tells, over its steps, as an <svg> for a page. */
#ifndef ARDM_CLI_CHART_H
#define ARDM_CLI_CHART_H

#include "ardm/file.h"

typedef struct chart_line {
    const char *name, *last; /* what the legend calls it and its last value: as the log has it */
    const double *y, *error; /* [n], NaN where there is none; error: half of a band, NULL no band */
    uint32_t colour;         /* 0xRRGGBB */
    double width;
} chart_line;

enum { CHART_LINEAR = 0, CHART_FROM_ZERO = 1, CHART_LOG = 2 };

typedef struct chart {
    const char *title, *unit;
    const double *x; /* [n], steps */
    uint32_t n, n_lines;
    const chart_line *lines;
    int32_t scale; /* CHART_…; a log scale is a linear one where a value is not above 0 */
} chart;

/* Appended to `out`. Of more points than there are pixels, the least and the greatest of each stretch. Without a value: axes alone. */
ardm_status chart_draw(ardm_bytes *out, const chart *c);

/* Mean of up to `reach` values to either side that are numbers; NaN where there is none. out: f64[n] */
void chart_smooth(double *out, const double *values, uint32_t n, uint32_t reach);

#endif
