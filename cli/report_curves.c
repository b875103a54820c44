/* The curves of a report: what log.csv tells over the steps of the run. */
#include <math.h>
#include <stdlib.h>

#include "chart.h"
#include "report.h"

enum { BLUE = 0x0072b2, ORANGE = 0xd55e00 };

/* A figure of the rows from `first` on. lines: their values are of whole columns. */
static void figure(report *r, const char *title, const char *what, const char *unit, int32_t scale, const chart_line *lines, uint32_t n_lines,
                   uint32_t first) {
    ardm_bytes svg = {0};
    chart_line own[4];
    int32_t any = 0; /* logs of older programs lack the last columns */
    for (uint32_t k = 0; k < n_lines; k++)
        for (uint32_t i = first; i < r->log.n && !any; i++) any = !isnan(lines[k].y[i]);
    if (!any) return;
    for (uint32_t k = 0; k < n_lines; k++) {
        own[k] = lines[k];
        own[k].y += first;
        if (own[k].error) own[k].error += first;
    }
    const chart c = {title, unit, r->log.value[LOG_STEP] + first, r->log.n - first, n_lines, own, scale};
    ardm_status status = chart_draw(&svg, &c);
    html_put(&r->page, "<figure><figcaption><b>");
    html_text(&r->page, "%s", title);
    html_put(&r->page, "</b> ");
    html_text(&r->page, "%s", what);
    html_put(&r->page, "</figcaption>\n");
    if (status == ARDM_OK)
        html_append(&r->page, &svg);
    else
        report_failed(r, title, status);
    html_put(&r->page, "</figure>\n");
    ardm_bytes_free(&svg);
}

/* A column of the log as it is. */
static void column(report *r, int32_t which, const char *title, const char *what, const char *unit, int32_t scale) {
    const chart_line line = {"last", run_log_field(&r->log, r->log.n - 1, which), r->log.value[which], NULL, BLUE, 1.8};
    figure(r, title, what, unit, scale, &line, 1, 0);
}

static void draw(report *r, double *smooth, double *pace) {
    const run_log *log = &r->log;
    const uint32_t last = log->n - 1, reach = log->n / 50 + 1;
    char caption[256], smoothed[32], seconds[32] = "";
    for (uint32_t i = 0; i < log->n; i++) pace[i] = report_pace(log, i);
    chart_smooth(smooth, log->value[LOG_BITS], log->n, reach);
    snprintf(smoothed, sizeof smoothed, "%.5f", smooth[last]);
    if (!isnan(pace[last])) snprintf(seconds, sizeof seconds, "%.5g", pace[last]);
    const chart_line training[2] = {{"mean of a row", run_log_field(log, last, LOG_BITS), log->value[LOG_BITS], NULL, 0x56b4e9, 1},
                                    {"smoothed", smoothed, smooth, NULL, BLUE, 2}};
    const chart_line bound = {"last", run_log_field(log, last, LOG_BOUND), log->value[LOG_BOUND], log->value[LOG_ERROR], ORANGE, 1.8};
    const chart_line late[2] = {{"training", smoothed, smooth, NULL, BLUE, 1.8},
                                {"held-out", run_log_field(log, last, LOG_BOUND), log->value[LOG_BOUND], log->value[LOG_ERROR], ORANGE, 1.8}};
    const chart_line steps = {"last", seconds, pace, NULL, BLUE, 1.8};
    snprintf(caption, sizeof caption, "the mean since the row before, and the mean of up to %u rows around each; weights as they are", 2 * reach + 1);
    figure(r, "Training batches", caption, "bits a dimension", CHART_LINEAR, training, 2, 0);
    figure(r, "Held-out bound", "averaged weights; the band is one standard error over items", "bits a dimension", CHART_LINEAR, &bound, 1, 0);
    if (log->n >= 8) figure(r, "The second half", "the same two, closer", "bits a dimension", CHART_LINEAR, late, 2, log->n / 2);
    column(r, LOG_RATE, "Learning rate", "of the last step before the row", "rate", CHART_FROM_ZERO);
    column(r, LOG_NORM, "Gradient norm", "of that step, before it is clipped", "norm", CHART_LOG);
    column(r, LOG_CLIPPED, "Clipped steps", "share of the steps since the row before whose gradient was above [train] clip", "share of steps",
           CHART_FROM_ZERO);
    column(r, LOG_FLUSHED, "Flushed gradients", "share of the elements of that step's gradient that are too small and count as 0",
           "share of elements", CHART_FROM_ZERO);
    figure(r, "Time of a step", "mean since the row before, without evaluations", "seconds", CHART_FROM_ZERO, &steps, 1, 0);
}

void report_curves(report *r) {
    html_put(&r->page, "<h2 id=\"curves\">Curves</h2>\n");
    if (!r->log.n) {
        html_note(&r->page, "log.csv has no row yet: the first comes after [train] evaluate steps.");
        return;
    }
    double *smooth = malloc(2 * (size_t)r->log.n * sizeof *smooth);
    if (!smooth) {
        report_failed(r, "curves", ardm_fail(ARDM_ENOMEM, "no memory for %u rows", r->log.n));
        return;
    }
    html_put(&r->page, "<div class=\"charts\">\n");
    draw(r, smooth, smooth + r->log.n);
    html_put(&r->page, "</div>\n");
    free(smooth);
}
