/* Axes, bands, lines and the last values of a chart. */
#include "chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "canvas.h"

enum { WIDTH = 480, HEIGHT = 270, LEFT = 58, RIGHT = 14, TOP = 40, BOTTOM = 34, STRETCHES = 200 };
static const uint32_t grey = 0xd8d8d8;

typedef struct frame {
    canvas *c;
    const chart *chart;
    double first, last, low, high; /* of the axes; low and high: their logarithms in a log scale */
    int32_t log;
} frame;

static double x_of(const frame *f, double x) {
    return LEFT + (WIDTH - LEFT - RIGHT) * (f->last > f->first ? (x - f->first) / (f->last - f->first) : 0.5);
}

static double y_of(const frame *f, double y) {
    const double at = ((f->log ? log10(y) : y) - f->low) / (f->high - f->low);
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (at < 0 ? 0 : at > 1 ? 1 : at));
}

void chart_smooth(double *out, const double *values, uint32_t n, uint32_t reach) {
    for (uint32_t i = 0; i < n; i++) {
        double sum = 0;
        uint32_t count = 0;
        for (uint32_t k = i < reach ? 0 : i - reach; k < n && k <= i + reach; k++)
            if (!isnan(values[k])) sum += values[k], count++;
        out[i] = count ? sum / count : NAN;
    }
}

/* The range of what is drawn, widened to whole ticks. Returns the distance of ticks (1: decades of a log scale). */
static double fit_axes(frame *f) {
    const chart *c = f->chart;
    double low = INFINITY, high = -INFINITY;
    f->first = INFINITY, f->last = -INFINITY;
    for (uint32_t i = 0; i < c->n; i++) f->first = fmin(f->first, c->x[i]), f->last = fmax(f->last, c->x[i]);
    for (uint32_t k = 0; k < c->n_lines; k++)
        for (uint32_t i = 0; i < c->n; i++) {
            const chart_line *l = &c->lines[k];
            if (isnan(l->y[i])) continue;
            const double band = l->error && !isnan(l->error[i]) ? fabs(l->error[i]) : 0;
            low = fmin(low, l->y[i] - band), high = fmax(high, l->y[i] + band);
        }
    if (!(f->first <= f->last)) f->first = 0, f->last = 1;
    if (!(low <= high)) low = 0, high = 1;
    f->log = c->scale == CHART_LOG && low > 0;
    if (f->log) {
        f->low = log10(low), f->high = log10(high);
        if (f->high - f->low < 0.1) f->low -= 0.1, f->high += 0.1;
        if (f->high - f->low >= 1) { /* else between two decades, marked as it is */
            f->low = floor(f->low + 1e-9), f->high = ceil(f->high - 1e-9);
            return 1;
        }
        low = pow(10, f->low), high = pow(10, f->high);
        f->log = 0;
    }
    if (c->scale == CHART_FROM_ZERO && low > 0) low = 0;
    if (!(high - low > 1e-12 * fmax(fabs(low), fabs(high)))) high = low + (low != 0 ? fabs(low) / 10 : 1);
    const double tick = canvas_tick(high - low, 5);
    f->low = floor(low / tick + 1e-9) * tick;
    f->high = ceil(high / tick - 1e-9) * tick;
    return tick;
}

static void print_steps(char text[32], double steps) {
    if (fabs(steps) >= 1e6)
        snprintf(text, 32, "%gM", steps / 1e6);
    else if (fabs(steps) >= 1e4)
        snprintf(text, 32, "%gk", steps / 1e3);
    else
        snprintf(text, 32, "%g", steps);
}

static void draw_axes(const frame *f, double tick) {
    char text[32];
    const int ticks = (int)floor((f->high - f->low) / tick + 0.5);
    const int every = f->log ? ticks / 6 + 1 : 1;
    for (int i = 0; i <= ticks; i += every) {
        const double value = f->low + i * tick, y = TOP + (HEIGHT - TOP - BOTTOM) * (1 - i * tick / (f->high - f->low));
        const double line[4] = {LEFT, y, WIDTH - RIGHT, y};
        canvas_line(f->c, line, 2, (stroke){grey, 1, 0, 0}, "grid");
        snprintf(text, sizeof text, "%.5g", f->log ? pow(10, value) : fabs(value) < tick / 1e6 ? 0 : value);
        canvas_text(f->c, LEFT - 7, y, 12, ANCHOR_END, 0, text);
    }
    if (f->last > f->first) {
        const double step = fmax(1, canvas_tick(f->last - f->first, 6));
        for (double x = ceil(f->first / step) * step; x <= f->last * (1 + 1e-12); x += step) {
            const double line[4] = {x_of(f, x), TOP, x_of(f, x), HEIGHT - BOTTOM};
            canvas_line(f->c, line, 2, (stroke){grey, 1, 0, 0}, "grid");
            print_steps(text, x);
            if (x_of(f, x) < WIDTH - RIGHT - 34) canvas_text(f->c, x_of(f, x), HEIGHT - BOTTOM + 14, 12, ANCHOR_MIDDLE, 0, text);
        }
    } else if (f->chart->n) {
        print_steps(text, f->first);
        canvas_text(f->c, x_of(f, f->first), HEIGHT - BOTTOM + 14, 12, ANCHOR_MIDDLE, 0, text);
    }
    canvas_text(f->c, WIDTH - RIGHT, HEIGHT - BOTTOM + 14, 12, ANCHOR_END, 0, "step");
    canvas_text(f->c, LEFT, TOP - 12, 12, ANCHOR_START, 0, f->chart->unit);
}

/* Rows first … end−1 that are all numbers. */
static void draw_band(const frame *f, const chart_line *l, uint32_t first, uint32_t end, double *xy) {
    uint32_t n = 0;
    for (uint32_t i = first; i < end; i++, n++) {
        const double band = isnan(l->error[i]) ? 0 : fabs(l->error[i]);
        xy[2 * n] = x_of(f, f->chart->x[i]), xy[2 * n + 1] = y_of(f, l->y[i] + band);
    }
    for (uint32_t i = end; i-- > first; n++) {
        const double band = isnan(l->error[i]) ? 0 : fabs(l->error[i]);
        xy[2 * n] = x_of(f, f->chart->x[i]), xy[2 * n + 1] = y_of(f, l->y[i] - band);
    }
    canvas_area(f->c, xy, n, l->colour, "band");
}

static void draw_stretch(const frame *f, const chart_line *l, uint32_t first, uint32_t end, double *xy) {
    const uint32_t count = end - first, stretches = count > 2 * STRETCHES ? STRETCHES : count;
    uint32_t n = 0;
    for (uint32_t s = 0; s < stretches; s++) {
        const uint32_t from = first + (uint32_t)((uint64_t)s * count / stretches), to = first + (uint32_t)((uint64_t)(s + 1) * count / stretches);
        uint32_t least = from, most = from;
        for (uint32_t i = from; i < to; i++) {
            if (l->y[i] < l->y[least]) least = i;
            if (l->y[i] > l->y[most]) most = i;
        }
        const uint32_t ends[2] = {least < most ? least : most, least < most ? most : least};
        for (uint32_t k = 0; k < (least == most ? 1u : 2u); k++, n++)
            xy[2 * n] = x_of(f, f->chart->x[ends[k]]), xy[2 * n + 1] = y_of(f, l->y[ends[k]]);
    }
    canvas_line(f->c, xy, n, (stroke){l->colour, l->width, 0, 0}, "line");
}

static void draw_line(const frame *f, const chart_line *l, double *xy) {
    const uint32_t n = f->chart->n;
    uint32_t last = n;
    for (uint32_t first = 0, end; first < n; first = end) {
        end = first + 1;
        if (isnan(l->y[first])) continue;
        while (end < n && !isnan(l->y[end])) end++;
        last = end - 1;
        if (l->error) draw_band(f, l, first, end, xy);
        if (end - first == 1)
            canvas_dot(f->c, x_of(f, f->chart->x[first]), y_of(f, l->y[first]), l->width, l->colour);
        else
            draw_stretch(f, l, first, end, xy);
    }
    if (last < n) canvas_dot(f->c, x_of(f, f->chart->x[last]), y_of(f, l->y[last]), l->width + 1, l->colour);
}

ardm_status chart_draw(ardm_bytes *out, const chart *what) {
    frame f = {NULL, what, 0, 1, 0, 1, 0};
    double *xy = malloc((4 * (size_t)what->n + 4) * sizeof *xy);
    if (!xy) return ardm_fail(ARDM_ENOMEM, "no memory for a chart of %u points", what->n);
    ardm_status status = canvas_open_in(&f.c, out, what->title, WIDTH, HEIGHT);
    if (status == ARDM_OK) {
        draw_axes(&f, fit_axes(&f));
        double x = WIDTH - RIGHT; /* the legend from the right, the last line first */
        for (uint32_t k = what->n_lines; k-- > 0;) {
            const chart_line *l = &what->lines[k];
            char text[96];
            draw_line(&f, l, xy);
            const int length = snprintf(text, sizeof text, "%s%s%s", l->name, l->last[0] ? " " : "", l->last);
            canvas_text(f.c, x, TOP - 28, 12, ANCHOR_END, 0, text);
            x -= 7.1 * (length < (int)sizeof text ? length : (int)sizeof text - 1) + 8;
            const double mark[4] = {x - 16, TOP - 28, x, TOP - 28};
            canvas_line(f.c, mark, 2, (stroke){l->colour, 2.5, 0, 0}, "legend");
            x -= 30;
        }
        status = canvas_close(&f.c, 1, 0);
    }
    free(xy);
    return status;
}
