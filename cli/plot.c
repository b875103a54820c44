/* Axes, curves, legend, and a lane of bars a curve. */
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "canvas.h"

enum { LEFT = 64, TOP = 40, WIDTH = 620, HEIGHT = 340, LANE = 14, MOST_POINTS = 512 };
static const uint32_t grey = 0xd8d8d8, dark = 0x606060;

/* Seven colours that differ for most eyes (Okabe and Ito 2008), times four dashes. */
static stroke stroke_of(uint32_t k) {
    static const uint32_t colours[] = {0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0x56b4e9, 0xe69f00, 0x000000};
    static const double dashes[4][2] = {{0, 0}, {7, 3}, {2, 2}, {10, 4}};
    return (stroke){colours[k % 7], 1.8, dashes[k / 7 % 4][0], dashes[k / 7 % 4][1]};
}

/* Half way to white. */
static uint32_t paler(uint32_t colour) { return (colour >> 1 & 0x7f7f7f) + 0x7f7f7f; }

static double x_of(double fraction) { return LEFT + WIDTH * fraction; }
static double y_of(double bits, double most) { return TOP + HEIGHT * (1 - bits / most); }

static void draw_axes(canvas *c, const char *what, double most, double tick) {
    char text[32];
    for (int i = 0; i * tick <= most * 1.0001; i++) {
        const double y = y_of(i * tick, most), line[4] = {LEFT, y, LEFT + WIDTH, y};
        canvas_line(c, line, 2, (stroke){i ? grey : dark, 1, 0, 0}, "grid");
        snprintf(text, sizeof text, "%g", i * tick);
        canvas_text(c, LEFT - 8, y, 12, ANCHOR_END, 0, text);
    }
    for (int i = 0; i <= 10; i += 2) {
        const double x = x_of(i / 10.0), line[4] = {x, TOP, x, TOP + HEIGHT};
        canvas_line(c, line, 2, (stroke){i ? grey : dark, 1, 0, 0}, "grid");
        snprintf(text, sizeof text, "%g", i / 10.0);
        canvas_text(c, x, TOP + HEIGHT + 14, 12, ANCHOR_MIDDLE, 0, text);
    }
    canvas_text(c, 18, TOP + HEIGHT / 2.0, 13, ANCHOR_MIDDLE, 1, what);
    canvas_text(c, LEFT + WIDTH / 2.0, TOP + HEIGHT + 34, 13, ANCHOR_MIDDLE, 0, "relative time: share of the curve's units that are known");
}

/* The loss holds from n known units until one more is. */
static ardm_status draw_curve(canvas *c, const plot_curve *curve, stroke how, double most) {
    const uint32_t n = curve->units < MOST_POINTS ? curve->units : MOST_POINTS;
    double *xy = malloc(2 * ((size_t)n + 1) * sizeof *xy);
    if (!xy) return ardm_fail(ARDM_ENOMEM, "no memory for a curve");
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = (uint32_t)((uint64_t)i * curve->units / n);
        xy[2 * i] = x_of((double)at / curve->units);
        xy[2 * i + 1] = y_of(curve->loss[at], most);
    }
    xy[2 * n] = x_of(1);
    xy[2 * n + 1] = y_of(curve->loss[curve->units - 1], most);
    canvas_line(c, xy, n + 1, how, "curve");
    free(xy);
    return ARDM_OK;
}

static void draw_dots(canvas *c, const ardm_curve *measured, uint32_t cell, uint32_t colour, double most) {
    const uint32_t bins = ardm_curve_bins(measured, cell);
    for (uint32_t b = 0; b < bins; b++) {
        const double mean = ardm_curve_mean(measured, cell, b);
        if (ardm_curve_visits(measured, cell, b) > 0 && mean >= 0 && mean <= most)
            canvas_dot(c, x_of((b + 0.5) / bins), y_of(mean, most), 1.3, colour);
    }
}

/* Blocks of parallel units, light and dark in turn. */
static void draw_lane(canvas *c, const plot_curve *curve, double y, uint32_t colour) {
    for (uint32_t j = 0; j < curve->n_steps; j++) {
        const uint32_t end = j + 1 < curve->n_steps ? curve->steps[j + 1] : curve->units;
        const double from = x_of((double)curve->steps[j] / curve->units), to = x_of((double)end / curve->units);
        canvas_bar(c, from, y, to - from, LANE - 4, j % 2 ? paler(colour) : colour, "step");
    }
}

ardm_status plot_curves(const char *path, ardm_bytes *element, const char *title, const char *what, const plot_curve *curves, uint32_t n,
                        const ardm_curve *measured, int32_t overwrite) {
    double most = 0;
    uint32_t lanes = 0;
    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t i = 0; i < curves[k].units; i++) most = fmax(most, curves[k].loss[i]);
        lanes += curves[k].n_steps > 0;
    }
    if (!(most > 0)) most = 1;
    const double tick = canvas_tick(most, 10);
    most = ceil(most / tick - 1e-9) * tick;
    const double lane = TOP + HEIGHT + 66, legend = LEFT + WIDTH + 24;
    double height = lane + lanes * LANE + 16;
    if (height < TOP + 18.0 * n + 16) height = TOP + 18.0 * n + 16;
    canvas *c;
    ARDM_TRY(path ? canvas_open(&c, path, legend + 250, height) : canvas_open_in(&c, element, title, legend + 250, height));
    ardm_status status = ARDM_OK;
    draw_axes(c, what, most, tick);
    canvas_text(c, LEFT, 18, 15, ANCHOR_START, 0, title);
    if (lanes) canvas_text(c, LEFT, lane - 10, 12, ANCHOR_START, 0, "steps of the schedule: one bar is one network call");
    for (uint32_t k = 0, at = 0; k < n && status == ARDM_OK; k++) {
        const stroke how = stroke_of(k);
        const double y = TOP + 8 + 18.0 * k, line[4] = {legend, y, legend + 26, y};
        if (measured && n == ardm_curve_cells(measured)) draw_dots(c, measured, k, paler(how.colour), most);
        status = draw_curve(c, &curves[k], how, most);
        canvas_line(c, line, 2, how, "legend");
        canvas_text(c, legend + 34, y, 12, ANCHOR_START, 0, curves[k].name);
        if (!curves[k].n_steps) continue;
        char calls[32];
        snprintf(calls, sizeof calls, "%u call%s", curves[k].n_steps, curves[k].n_steps == 1 ? "" : "s");
        draw_lane(c, &curves[k], lane + LANE * at, how.colour);
        canvas_text(c, legend, lane + LANE * at++ + (LANE - 4) / 2.0, 11, ANCHOR_START, 0, calls);
    }
    ardm_status closed = canvas_close(&c, status == ARDM_OK, overwrite);
    return status == ARDM_OK ? closed : status;
}
