/* Reliability tables: sums by cell and bin. */
#include "ardm/calibration.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

typedef struct bin {
    uint64_t events;
    double weight, predicted, observed; /* sums of w, w p, w [it is the outcome] */
    double variance;                    /* sum of w^2 p (1 - p) */
} bin;

enum { BINS = ARDM_CALIBRATION_SURE_BINS + ARDM_CALIBRATION_EACH_BINS };

struct ardm_calibration {
    uint32_t cells;
    bin *bins; /* [cells][BINS], the table `sure` first */
};

ardm_status ardm_calibration_create(ardm_calibration **out, uint32_t cells) {
    ardm_calibration *c = *out = calloc(1, sizeof *c);
    if (c) {
        c->cells = cells;
        c->bins = calloc((size_t)cells * BINS + 1, sizeof *c->bins);
    }
    if (c && c->bins) return ARDM_OK;
    ardm_calibration_free(out);
    return ardm_fail(ARDM_ENOMEM, "no memory for the reliability of %u cells", cells);
}

void ardm_calibration_free(ardm_calibration **calibration) {
    if (!*calibration) return;
    free((*calibration)->bins);
    free(*calibration);
    *calibration = NULL;
}

uint32_t ardm_calibration_cells(const ardm_calibration *calibration) { return calibration->cells; }

static void count_event(bin *b, double p, int32_t happened, double weight) {
    b->events++;
    b->weight += weight;
    b->predicted += weight * p;
    b->observed += happened ? weight : 0;
    b->variance += weight * weight * p * (1 - p);
}

void ardm_calibration_add(ardm_calibration *c, uint32_t cell, const uint32_t *frequency, uint32_t count, uint32_t outcome, double weight) {
    assert(cell < c->cells && outcome < count);
    bin *sure = c->bins + (size_t)cell * BINS, *each = sure + ARDM_CALIBRATION_SURE_BINS;
    uint32_t best = 0;
    if (count < 2) return;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t b = 0;
        while (b + 1 < ARDM_CALIBRATION_EACH_BINS && frequency[k] < UINT32_C(1) << (23 - b)) b++;
        count_event(&each[b], frequency[k] * 0x1p-24, k == outcome, weight);
        if (frequency[k] > frequency[best]) best = k;
    }
    uint32_t b = (uint32_t)((uint64_t)frequency[best] * ARDM_CALIBRATION_SURE_BINS >> 24);
    if (b == ARDM_CALIBRATION_SURE_BINS) b--;
    count_event(&sure[b], frequency[best] * 0x1p-24, best == outcome, weight);
}

/* A bin of one cell, or of all. */
static bin sum_of(const ardm_calibration *c, uint32_t cell, uint32_t index) {
    bin sum = {0};
    for (uint32_t k = cell == UINT32_MAX ? 0 : cell; k < (cell == UINT32_MAX ? c->cells : cell + 1); k++) {
        const bin *b = &c->bins[(size_t)k * BINS + index];
        sum.events += b->events;
        sum.weight += b->weight;
        sum.predicted += b->predicted;
        sum.observed += b->observed;
        sum.variance += b->variance;
    }
    return sum;
}

double ardm_calibration_error(const ardm_calibration *c, uint32_t cell, double *chance) {
    double weight = 0, distance = 0, expected = 0;
    assert(cell == UINT32_MAX || cell < c->cells);
    for (uint32_t k = 0; k < ARDM_CALIBRATION_SURE_BINS; k++) {
        const bin b = sum_of(c, cell, k);
        weight += b.weight;
        distance += fabs(b.predicted - b.observed);
        expected += sqrt(b.variance * 0.63661977236758134308); /* mean of |normal| is sqrt(2 / pi) of its deviation */
    }
    if (chance) *chance = weight > 0 ? expected / weight : 0;
    return weight > 0 ? distance / weight : 0;
}

ardm_reliability ardm_calibration_bin(const ardm_calibration *c, int32_t table, uint32_t cell, uint32_t index) {
    const uint32_t first = table == ARDM_CALIBRATION_SURE ? 0 : ARDM_CALIBRATION_SURE_BINS;
    const uint32_t bins = table == ARDM_CALIBRATION_SURE ? ARDM_CALIBRATION_SURE_BINS : ARDM_CALIBRATION_EACH_BINS;
    assert(index < bins && (cell == UINT32_MAX || cell < c->cells));
    const bin b = sum_of(c, cell, first + index);
    ardm_reliability r = {.events = b.events};
    double all = 0;
    if (!b.events) return r;
    for (uint32_t k = 0; k < bins; k++) all += sum_of(c, cell, first + k).weight;
    r.low = table == ARDM_CALIBRATION_SURE ? (double)index / bins : index + 1 == bins ? 0 : ldexp(1, -(int)index - 1);
    r.high = table == ARDM_CALIBRATION_SURE ? (double)(index + 1) / bins : ldexp(1, -(int)index);
    r.share = b.weight / all;
    r.predicted = b.predicted / b.weight;
    r.observed = b.observed / b.weight;
    r.error = sqrt(b.variance) / b.weight;
    return r;
}
