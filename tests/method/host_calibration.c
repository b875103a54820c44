/* host_calibration.c: reliability tables against sums made here from the list of all predictions. */
#include "host.h"

#include <math.h>
#include <stdlib.h>

#include "ardm/calibration.h"

enum { EVENTS = 4000, MOST = 9, CELLS = 3 };

typedef struct prediction {
    uint32_t cell, count, frequency[MOST], outcome;
    double weight;
} prediction;

/* Frequencies of 2^24 in all, of any form; the outcome follows them, or not. */
static void draw_prediction(prediction *p, uint64_t *state, int32_t honest) {
    double share[MOST], sum = 0;
    uint32_t left = UINT32_C(1) << 24;
    p->cell = next_random(state) % CELLS;
    p->count = 1 + next_random(state) % MOST;
    p->weight = 0.25 + next_uniform(state);
    for (uint32_t k = 0; k < p->count; k++) sum += share[k] = pow(next_uniform(state), 4) + 1e-7;
    for (uint32_t k = 0; k + 1 < p->count; k++) {
        p->frequency[k] = (uint32_t)(share[k] / sum * 16777000) + 1;
        left -= p->frequency[k];
    }
    p->frequency[p->count - 1] = left;
    uint32_t slot = next_random(state) >> 8;
    for (p->outcome = 0; slot >= p->frequency[p->outcome]; p->outcome++) slot -= p->frequency[p->outcome];
    if (!honest) p->outcome = next_random(state) % p->count;
}

/* What a bin of a table holds, by walking the list. cell CELLS: all. */
static ardm_reliability walk(const prediction *list, int32_t table, uint32_t cell, double low, double high) {
    ardm_reliability r = {.low = low, .high = high};
    double all = 0, weight = 0, variance = 0;
    for (uint32_t i = 0; i < EVENTS; i++) {
        const prediction *p = &list[i];
        uint32_t top = 0;
        if (p->count < 2 || (cell < CELLS && p->cell != cell)) continue;
        for (uint32_t k = 1; k < p->count; k++)
            if (p->frequency[k] > p->frequency[top]) top = k;
        for (uint32_t k = 0; k < p->count; k++) {
            const double q = p->frequency[k] / 16777216.0;
            if (table == ARDM_CALIBRATION_SURE && k != top) continue;
            all += p->weight;
            if (q < low || (q >= high && high < 1)) continue;
            r.events++;
            weight += p->weight;
            r.predicted += p->weight * q;
            r.observed += k == p->outcome ? p->weight : 0;
            variance += p->weight * p->weight * q * (1 - q);
        }
    }
    if (!r.events) return r;
    r.share = weight / all;
    r.predicted /= weight;
    r.observed /= weight;
    r.error = sqrt(variance) / weight;
    return r;
}

static void check_bin(const ardm_calibration *c, const prediction *list, int32_t table, uint32_t cell, uint32_t bin, double low, double high) {
    const ardm_reliability got = ardm_calibration_bin(c, table, cell < CELLS ? cell : UINT32_MAX, bin), want = walk(list, table, cell, low, high);
    ck_assert_uint_eq(got.events, want.events);
    if (!want.events) return;
    ck_assert_double_eq_tol(got.low, low, 1e-15);
    ck_assert_double_eq_tol(got.high, high, 1e-15);
    ck_assert_double_eq_tol(got.share, want.share, 1e-12);
    ck_assert_double_eq_tol(got.predicted, want.predicted, 1e-12);
    ck_assert_double_eq_tol(got.observed, want.observed, 1e-12);
    ck_assert_double_eq_tol(got.error, want.error, 1e-12);
}

static ardm_calibration *collect(prediction *list, int32_t honest) {
    ardm_calibration *c = NULL;
    uint64_t state = 404;
    ck_ok(ardm_calibration_create(&c, CELLS));
    for (uint32_t i = 0; i < EVENTS; i++) {
        draw_prediction(&list[i], &state, honest);
        ardm_calibration_add(c, list[i].cell, list[i].frequency, list[i].count, list[i].outcome, list[i].weight);
    }
    return c;
}

START_TEST(tables_hold_what_was_predicted) {
    static prediction list[EVENTS];
    ardm_calibration *c = collect(list, 1);
    for (uint32_t cell = 0; cell <= CELLS; cell++) {
        double error = 0, chance = 0;
        for (uint32_t b = 0; b < ARDM_CALIBRATION_SURE_BINS; b++) {
            const double low = b / 15.0, high = (b + 1) / 15.0;
            check_bin(c, list, ARDM_CALIBRATION_SURE, cell, b, low, high);
            const ardm_reliability r = walk(list, ARDM_CALIBRATION_SURE, cell, low, high);
            error += r.share * fabs(r.predicted - r.observed);
            chance += r.share * r.error * sqrt(2 / acos(-1));
        }
        for (uint32_t b = 0; b < ARDM_CALIBRATION_EACH_BINS; b++)
            check_bin(c, list, ARDM_CALIBRATION_EACH, cell, b, b == 23 ? 0 : pow(2, -1.0 - b), pow(2, -(double)b));
        double by_chance;
        ck_assert_double_eq_tol(ardm_calibration_error(c, cell < CELLS ? cell : UINT32_MAX, &by_chance), error, 1e-12);
        ck_assert_double_eq_tol(by_chance, chance, 1e-12);
        ck_assert(error < 3 * chance);
    }
    ardm_calibration_free(&c);
    c = collect(list, 0); /* outcomes that do not follow what was predicted */
    double chance, error = ardm_calibration_error(c, UINT32_MAX, &chance);
    ck_assert(error > 10 * chance);
    ardm_calibration_free(&c);
}
END_TEST

START_TEST(edges_of_bins) {
    static const uint32_t sure[1] = {1u << 24}, half[2] = {1u << 23, 1u << 23}, rare[2] = {1, (1u << 24) - 1};
    ardm_calibration *c = NULL;
    ck_ok(ardm_calibration_create(&c, 1));
    ck_assert_double_eq(ardm_calibration_error(c, 0, NULL), 0);
    ardm_calibration_add(c, 0, sure, 1, 0, 1); /* nothing was predicted */
    for (uint32_t b = 0; b < ARDM_CALIBRATION_SURE_BINS; b++) ck_assert_uint_eq(ardm_calibration_bin(c, ARDM_CALIBRATION_SURE, 0, b).events, 0);
    ardm_calibration_add(c, 0, half, 2, 0, 1);
    ardm_calibration_add(c, 0, rare, 2, 1, 1);
    ck_assert_uint_eq(ardm_calibration_bin(c, ARDM_CALIBRATION_EACH, 0, 0).events, 3);  /* 1/2, 1/2 and nearly 1 */
    ck_assert_uint_eq(ardm_calibration_bin(c, ARDM_CALIBRATION_EACH, 0, 23).events, 1); /* 2^-24 */
    ck_assert_uint_eq(ardm_calibration_bin(c, ARDM_CALIBRATION_SURE, 0, 7).events, 1);
    ck_assert_uint_eq(ardm_calibration_bin(c, ARDM_CALIBRATION_SURE, 0, 14).events, 1);
    ck_assert_double_eq_tol(ardm_calibration_error(c, 0, NULL), (0.5 + 0x1p-24) / 2, 1e-15);
    ardm_calibration_free(&c);
}
END_TEST

Suite *calibration_suite(void) {
    Suite *suite = suite_create("calibration");
    TCase *cases = tcase_create("calibration");
    tcase_add_test(cases, tables_hold_what_was_predicted);
    tcase_add_test(cases, edges_of_bins);
    suite_add_tcase(suite, cases);
    return suite;
}
