#include "ardm/curve.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct ardm_curve {
    uint32_t cells;
    uint32_t *units, *start; /* cells; cells + 1: where a cell's bins begin */
    double *sum, *visits;
};

ardm_status ardm_curve_create(ardm_curve **out, const uint32_t *units, uint32_t cells) {
    ardm_curve *c = *out = calloc(1, sizeof *c);
    if (!c) return ardm_fail(ARDM_ENOMEM, "no memory for a loss curve");
    c->cells = cells;
    c->units = malloc(((size_t)cells + 1) * sizeof *c->units);
    c->start = malloc(((size_t)cells + 1) * sizeof *c->start);
    if (!c->units || !c->start) goto fail;
    c->start[0] = 0;
    for (uint32_t i = 0; i < cells; i++) {
        c->units[i] = units[i];
        c->start[i + 1] = c->start[i] + (units[i] < ARDM_CURVE_BINS ? units[i] : ARDM_CURVE_BINS);
    }
    c->sum = calloc((size_t)c->start[cells] + 1, sizeof *c->sum);
    c->visits = calloc((size_t)c->start[cells] + 1, sizeof *c->visits);
    if (c->sum && c->visits) return ARDM_OK;
fail:
    ardm_curve_free(out);
    return ardm_fail(ARDM_ENOMEM, "no memory for a loss curve of %u cells", cells);
}

void ardm_curve_free(ardm_curve **curve) {
    if (!*curve) return;
    free((*curve)->units);
    free((*curve)->start);
    free((*curve)->sum);
    free((*curve)->visits);
    free(*curve);
    *curve = NULL;
}

uint32_t ardm_curve_cells(const ardm_curve *curve) { return curve->cells; }
uint32_t ardm_curve_units(const ardm_curve *curve, uint32_t cell) { return curve->units[cell]; }
uint32_t ardm_curve_bins(const ardm_curve *curve, uint32_t cell) { return curve->start[cell + 1] - curve->start[cell]; }
uint32_t ardm_curve_total_bins(const ardm_curve *curve) { return curve->start[curve->cells]; }
const uint32_t *ardm_curve_all_units(const ardm_curve *curve) { return curve->units; }
const double *ardm_curve_sums(const ardm_curve *curve) { return curve->sum; }
const double *ardm_curve_counts(const ardm_curve *curve) { return curve->visits; }

double ardm_curve_visits(const ardm_curve *c, uint32_t cell, uint32_t bin) {
    assert(cell < c->cells && bin < ardm_curve_bins(c, cell));
    return c->visits[c->start[cell] + bin];
}
double ardm_curve_mean(const ardm_curve *c, uint32_t cell, uint32_t bin) {
    const double visits = ardm_curve_visits(c, cell, bin);
    return visits > 0 ? c->sum[c->start[cell] + bin] / visits : 0;
}

void ardm_curve_add(ardm_curve *c, uint32_t cell, uint32_t n, uint32_t units, double loss, double weight) {
    assert(cell < c->cells && n < units);
    const uint32_t bins = ardm_curve_bins(c, cell);
    if (!bins) return;
    const uint32_t bin = c->start[cell] + (uint32_t)((uint64_t)n * bins / units);
    c->sum[bin] += loss * weight;
    c->visits[bin] += weight;
}

void ardm_curve_merge(ardm_curve *c, const ardm_curve *other) {
    assert(c->cells == other->cells && ardm_curve_total_bins(c) == ardm_curve_total_bins(other));
    for (uint32_t i = 0; i < c->start[c->cells]; i++) {
        c->sum[i] += other->sum[i];
        c->visits[i] += other->visits[i];
    }
}

void ardm_curve_fade(ardm_curve *c, double factor) {
    for (uint32_t i = 0; i < c->start[c->cells]; i++) {
        c->sum[i] *= factor;
        c->visits[i] *= factor;
    }
}

ardm_status ardm_curve_restore(ardm_curve *c, const double *sums, const double *counts) {
    for (uint32_t i = 0; i < c->start[c->cells]; i++)
        if (!(sums[i] >= -1e300 && sums[i] <= 1e300) || !(counts[i] >= 0 && counts[i] <= 1e300))
            return ardm_fail(ARDM_EFORMAT, "loss curve: bin %u has sum %g and count %g", i, sums[i], counts[i]);
    memcpy(c->sum, sums, c->start[c->cells] * sizeof *sums);
    memcpy(c->visits, counts, c->start[c->cells] * sizeof *counts);
    return ARDM_OK;
}

/* A run of visited bins during the fit: where they stand, their mean and weight. */
typedef struct point {
    double place, mean, weight;
} point;

/* Bin b of `bins` holds the n with n bins / units = b: the middle of those, as a fraction of the cell. */
static double middle_of(uint32_t b, uint32_t bins, uint32_t units) {
    const uint64_t first = ((uint64_t)b * units + bins - 1) / bins, last = ((uint64_t)(b + 1) * units + bins - 1) / bins - 1;
    return (double)(first + last) / 2 / (double)units;
}

/* Pool adjacent violators, non-increasing: a mean above the pool before it joins that pool. n <= 128. */
static void make_monotone(point *p, uint32_t n) {
    point pool[ARDM_CURVE_BINS];
    uint32_t size[ARDM_CURVE_BINS], pools = 0, at = 0;
    for (uint32_t i = 0; i < n; i++) {
        pool[pools] = p[i];
        size[pools++] = 1;
        while (pools > 1 && pool[pools - 1].mean > pool[pools - 2].mean) {
            point *a = &pool[pools - 2], *b = &pool[pools - 1];
            a->mean = (a->mean * a->weight + b->mean * b->weight) / (a->weight + b->weight);
            a->weight += b->weight;
            size[pools - 2] += size[pools - 1];
            pools--;
        }
    }
    for (uint32_t k = 0; k < pools; k++)
        for (uint32_t i = 0; i < size[k]; i++) p[at++].mean = pool[k].mean;
}

/* The first and the last bin keep their mean: a one-sided average would pull down the steep beginning, which costs most. */
static void smooth_once(point *p, uint32_t n) {
    double before = n ? p[0].mean : 0;
    for (uint32_t i = 1; i + 1 < n; i++) {
        const double here = p[i].mean;
        p[i].mean = (p[i - 1].weight * before + 2 * p[i].weight * here + p[i + 1].weight * p[i + 1].mean) /
                    (p[i - 1].weight + 2 * p[i].weight + p[i + 1].weight);
        before = here;
    }
}

/* The visited bins of a cell, fitted; returns how many. */
static uint32_t fit(const ardm_curve *c, uint32_t cell, int32_t smooth, point *p) {
    const uint32_t bins = ardm_curve_bins(c, cell);
    uint32_t n = 0;
    for (uint32_t b = 0; b < bins; b++) {
        const double visits = ardm_curve_visits(c, cell, b);
        if (visits > 0) p[n++] = (point){middle_of(b, bins, c->units[cell]), ardm_curve_mean(c, cell, b), visits};
    }
    if (smooth) smooth_once(p, n);
    make_monotone(p, n);
    return n;
}

/* Straight between points; beyond the outer ones on for half a bin, then level. */
static void evaluate(const point *p, uint32_t n, uint32_t bins, uint32_t units, double *losses) {
    const double reach = 0.5 / (double)bins;
    uint32_t k = 0;
    for (uint32_t i = 0; i < units; i++) {
        double x = (double)i / (double)units;
        if (x < p[0].place - reach) x = p[0].place - reach;
        if (x > p[n - 1].place + reach) x = p[n - 1].place + reach;
        while (k + 2 < n && x >= p[k + 1].place) k++;
        double y = p[0].mean;
        if (n > 1)
            y = x == p[k + 1].place ? p[k + 1].mean : p[k].mean + (x - p[k].place) / (p[k + 1].place - p[k].place) * (p[k + 1].mean - p[k].mean);
        if (y < 0) y = 0;
        losses[i] = i && y > losses[i - 1] ? losses[i - 1] : y;
    }
}

ardm_status ardm_curve_losses(const ardm_curve *c, int32_t smooth, const uint32_t *units, uint32_t cells, double *losses) {
    if (cells != c->cells) return ardm_fail(ARDM_EINVAL, "loss curve: it has %u cells, the item %u", c->cells, cells);
    point p[ARDM_CURVE_BINS];
    uint32_t source = cells; /* a cell that was visited, the last one so far */
    for (uint32_t i = 0; i < cells && source == cells; i++)
        if (fit(c, i, smooth, p)) source = i;
    if (source == cells) return ardm_fail(ARDM_EINVAL, "loss curve: nothing was measured yet");
    for (uint32_t i = 0; i < cells; losses += units[i++]) {
        if (!units[i]) continue;
        uint32_t n = fit(c, i, smooth, p);
        if (n)
            source = i;
        else
            n = fit(c, source, smooth, p);
        evaluate(p, n, ardm_curve_bins(c, source), units[i], losses);
    }
    return ARDM_OK;
}

ardm_status ardm_curve_bound(const ardm_curve *c, double *bits) {
    uint64_t total = 0;
    *bits = 0;
    for (uint32_t i = 0; i < c->cells; i++) total += c->units[i];
    double *losses = malloc((size_t)(total + 1) * sizeof *losses);
    if (!losses) return ardm_fail(ARDM_ENOMEM, "no memory for %llu losses", (unsigned long long)total);
    const ardm_status status = ardm_curve_losses(c, 0, c->units, c->cells, losses);
    for (uint64_t i = 0; i < total && !status; i++) *bits += losses[i];
    free(losses);
    return status;
}
