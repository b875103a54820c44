/* reports.c: the diffusion chain, calibration and bits a unit, through sessions, against what enumeration gives. */
#include <math.h>
#include <stdlib.h>

#include "ardm/calibration.h"
#include "ardm/chain.h"
#include "ardm/diffusion.h"
#include "ardm/sampler.h"
#include "rig.h"

enum { ALL = 64, DRAWS = 16, SEEDS = 80 };
static const rig_form mixture = {.k = 4, .process = "absorbing 4", .order = "uniform"};

static void list_items(const rig *r, int32_t *symbols) {
    for (uint32_t x = 0; x < r->t.states; x++) table_item(&r->network, x, NULL, symbols + x * r->network.places, NULL);
}

/* Mean over all data of the chain's estimate, with its standard error over seeds. */
static double run_chain(rig *r, uint32_t steps, double *error) {
    int32_t symbols[ALL * 3];
    double sum = 0, squares = 0;
    list_items(r, symbols);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        double bits[ALL];
        ck_ok(ardm_chain_cost(bits, r->session, steps, DRAWS, seed, symbols, 7, ALL));
        const double mean = rig_mean(r, bits);
        sum += mean;
        squares += mean * mean;
    }
    *error = sqrt(fmax(0, squares / SEEDS - sum / SEEDS * sum / SEEDS) / (SEEDS - 1));
    return sum / SEEDS;
}

static void chains_on(ardm_device *device) {
    static const uint32_t steps[] = {1, 2, 3, 10, 100, 0};
    rig r;
    rig_open(&r, &mixture, device);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        double error, sum = r.loss[0] + r.loss[1] + r.loss[2];
        const double mean = run_chain(&r, steps[i], &error), want = steps[i] ? ardm_diffusion_bits(r.loss, 3, steps[i]) : sum;
        ck_assert_msg(fabs(mean - want) < 4 * error + 1e-5, "%u steps: %g ± %g bits, the curve gives %g", steps[i], mean, error, want);
        /* Tight enough to tell the chains apart: they lie between 5.6875 and 6 bits. */
        ck_assert_msg(error < (steps[i] == 1 ? 1e-5 : steps[i] > 3 || steps[i] == 0 ? 0.03 : 0.015), "%u steps: ± %g", steps[i], error);
    }
    /* Draws are by number, whatever stands beside an item. */
    int32_t symbols[ALL * 3];
    double all[ALL], one;
    list_items(&r, symbols);
    ck_ok(ardm_chain_cost(all, r.session, 5, 3, 9, symbols, 100, ALL));
    ck_ok(ardm_chain_cost(&one, r.session, 5, 3, 9, symbols + 3 * 41, 141, 1));
    ck_assert_double_eq(one, all[41]);
    ck_fails(ARDM_EINVAL, "0 draws", ardm_chain_cost(all, r.session, 5, 0, 9, symbols, 0, 1));
    rig_close(&r);
}

START_TEST(the_chain_costs_what_the_curve_says) { each_device(chains_on); }
END_TEST

START_TEST(other_models_have_no_chain) {
    static const struct {
        rig_form form;
        const char *why;
    } refused[] = {{{.k = 4, .process = "zero-least-significant 4 2", .order = "uniform"}, "'zero-least-significant 4 2' has 2 stages"},
                   {{.k = 4, .process = "absorbing 4", .order = "raster"}, "'raster' has 3 levels"},
                   {{.k = 4, .process = "absorbing 4", .order = "blocks:1-16", .block = 2, .table = {.high = 16}}, "'blocks:1-16' shows"}};
    ardm_device *device = NULL;
    ck_ok(ardm_device_open(&device, "reference"));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int32_t symbols[3] = {0};
        double bits;
        rig r;
        rig_open(&r, &refused[i].form, device);
        ck_fails(ARDM_EUNSUPPORTED, refused[i].why, ardm_chain_cost(&bits, r.session, 4, 1, 0, symbols, 0, 1));
        rig_close(&r);
    }
    ardm_device_close(&device);
}
END_TEST

/* The model's own data: p(x) is a multiple of 1/2048 in the mixture of four classes. Or all x alike, of which the model knows nothing. */
static uint32_t draw_items(const rig *r, int32_t alike, int32_t *symbols) {
    uint32_t n = 0;
    for (uint32_t x = 0; x < r->t.states; x++)
        for (uint32_t k = 0, copies = alike ? 32 : (uint32_t)lround(2048 * r->t.p[x]); k < copies; k++)
            table_item(&r->network, x, NULL, symbols + 3 * n++, NULL);
    return n;
}

/* By enumeration: mean distance of the top probability and its frequency where every x is equally likely, a fourth for each symbol. */
static double distance_when_alike(const rig *r) {
    double mean[ARDM_CALIBRATION_SURE_BINS] = {0}, weight[ARDM_CALIBRATION_SURE_BINS] = {0}, sum = 0;
    for (uint32_t x = 0; x < r->t.states; x++)
        for (uint32_t known = 0; known < 8; known++)
            for (uint32_t u = 0; u < 3; u++) {
                static const uint32_t subsets[3] = {1, 3, 3}; /* with so many known */
                uint8_t state[MOST_UNITS];
                double p[MOST_SYMBOLS], best = 0;
                uint32_t n = 0;
                for (uint32_t v = 0; v < 3; v++) n += (state[v] = known >> v & 1 ? ARDM_DECIDED : ARDM_UNDECIDED) == ARDM_DECIDED;
                if (state[u] == ARDM_DECIDED) continue;
                toy_network(&r->t, x, 0, state, u, p);
                for (uint32_t d = 0; d < 4; d++) best = fmax(best, p[d]);
                const uint32_t bin = (uint32_t)(best * ARDM_CALIBRATION_SURE_BINS);
                const double w = 1.0 / (3.0 * subsets[n] * (3 - n) * r->t.states);
                mean[bin] += w * (best - 0.25);
                weight[bin] += w;
            }
    for (uint32_t b = 0; b < ARDM_CALIBRATION_SURE_BINS; b++) sum += fabs(mean[b]);
    return sum;
}

static void calibration_on(ardm_device *device) {
    static int32_t symbols[2048 * 3];
    rig r;
    rig_open(&r, &mixture, device);
    for (int32_t alike = 0; alike < 2; alike++) {
        ardm_calibration *c = NULL;
        double chance, share = 0;
        const uint32_t n = draw_items(&r, alike, symbols);
        ck_assert_uint_eq(n, 2048);
        ck_ok(ardm_calibration_open(&c, r.session));
        ck_assert_uint_eq(ardm_calibration_cells(c), 1);
        ck_ok(ardm_calibrate(c, r.session, symbols, 0, n, 3, 5));
        const double error = ardm_calibration_error(c, 0, &chance), want = alike ? distance_when_alike(&r) : 0;
        ck_assert(chance > 0 && chance < 0.01);
        ck_assert_msg(fabs(error - want) < 3 * chance, "calibration error %g, by enumeration %g, by chance %g", error, want, chance);
        ck_assert(want == 0 || want > 10 * chance);
        for (uint32_t b = 0; b < ARDM_CALIBRATION_EACH_BINS; b++) {
            const ardm_reliability each = ardm_calibration_bin(c, ARDM_CALIBRATION_EACH, UINT32_MAX, b);
            if (!each.events) continue;
            share += each.share;
            ck_assert(each.predicted >= each.low && each.predicted <= each.high);
            const double off = fabs(each.observed - (alike ? 0.25 : each.predicted));
            ck_assert_msg(off < 4 * each.error, "bin %u: %g predicted, %g ± %g observed", b, each.predicted, each.observed, each.error);
        }
        ck_assert_double_eq_tol(share, 1, 1e-12);
        ardm_calibration_free(&c);
    }
    rig_close(&r);
}

START_TEST(exact_models_are_calibrated_on_their_data) { each_device(calibration_on); }
END_TEST

/* Cells of stages, levels and block lengths; every prediction lands in its own. */
static void cells_on(ardm_device *device) {
    static const struct {
        rig_form form;
        uint32_t cells;
    } forms[] = {{{.k = 4, .process = "zero-least-significant 4 2", .order = "raster"}, 6},
                 {{.k = 5, .process = "zero-least-significant 5 2", .order = "uniform"}, 3},
                 {{.chain = 4, .k = 4, .process = "absorbing 4", .order = "blocks:2-3", .block = 2, .table = {.high = 3}}, 2}};
    static int32_t symbols[256 * 4];
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        ardm_calibration *c = NULL;
        rig r;
        rig_open(&r, &forms[i].form, device);
        for (uint32_t x = 0; x < r.t.states; x++) table_item(&r.network, x, NULL, symbols + x * r.network.places, NULL);
        ck_ok(ardm_calibration_open(&c, r.session));
        ck_assert_uint_eq(ardm_calibration_cells(c), forms[i].cells);
        ck_ok(ardm_calibrate(c, r.session, symbols, 0, r.t.states, 9, 1));
        uint64_t all = 0;
        for (uint32_t cell = 0; cell < forms[i].cells; cell++) {
            uint64_t events = 0;
            for (uint32_t b = 0; b < ARDM_CALIBRATION_SURE_BINS; b++) events += ardm_calibration_bin(c, ARDM_CALIBRATION_SURE, cell, b).events;
            ck_assert_uint_gt(events, 0);
            if (i == 0) ck_assert(events >= r.t.states && events <= 2 * r.t.states); /* nine strata over six pairs, one unit each */
            all += events;
        }
        if (i == 0) ck_assert_uint_eq(all, 9 * r.t.states);
        ardm_calibration_free(&c);
        rig_close(&r);
    }
}

START_TEST(predictions_land_in_their_cells) { each_device(cells_on); }
END_TEST

static void units_on(ardm_device *device) {
    static const rig_form forms[] = {{.k = 4, .process = "absorbing 4", .order = "uniform"},
                                     {.k = 4, .process = "zero-least-significant 4 2", .order = "raster"},
                                     {.k = 4, .process = "absorbing 4", .order = "blocks:1-16", .block = 2, .table = {.high = 16}}};
    static const uint8_t given[MOST_UNITS] = {ARDM_GIVEN};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        rig r;
        rig_open(&r, &forms[i], device);
        for (int32_t with = 0; with < 2; with++) {
            int32_t symbols[ALL * 3];
            uint8_t mask[ALL * 3];
            double each[ALL * 3], whole[ALL];
            ardm_budget budget = rig_budget(&r, rig_most_calls(&r), NULL);
            for (uint32_t x = 0; x < ALL; x++) table_item(&r.network, x, with ? given : NULL, symbols + 3 * x, mask + 3 * x);
            ck_ok(ardm_scheduled_units(each, r.session, &budget, 3, &r.layout, symbols, mask, 5, ALL));
            ck_ok(ardm_scheduled_cost(whole, r.session, &budget, 3, &r.layout, symbols, mask, 5, ALL));
            for (uint32_t x = 0; x < ALL; x++) {
                ck_assert_double_eq_tol(each[3 * x] + each[3 * x + 1] + each[3 * x + 2], whole[x], 1e-12);
                ck_assert_double_eq_tol(whole[x], rig_exact_bits(&r, x, with ? given : NULL), 1e-5);
                if (with) ck_assert_double_eq(each[3 * x], 0);
            }
            if (!with && r.cells == 2 && forms[i].block == 2) /* the first unit of two alone: two bits whatever it is, or what the other says */
                for (uint32_t x = 0; x < ALL; x++) ck_assert(fabs(each[3 * x] - 2) < 1e-5 || fabs(each[3 * x + 1] - 2) < 1e-5);
            ardm_schedule_free(&budget.schedule);
        }
        rig_close(&r);
    }
}

START_TEST(units_add_up_to_items) { each_device(units_on); }
END_TEST

TCase *reports_cases(void) {
    TCase *cases = tcase_create("reports");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, the_chain_costs_what_the_curve_says);
    tcase_add_test(cases, other_models_have_no_chain);
    tcase_add_test(cases, exact_models_are_calibrated_on_their_data);
    tcase_add_test(cases, predictions_land_in_their_cells);
    tcase_add_test(cases, units_add_up_to_items);
    return cases;
}
