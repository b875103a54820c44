/* forms.c: every process, order family and head through sessions: what items cost, what schedules cost, and that files come back. */
#include <math.h>
#include <stdlib.h>

#include "rig.h"

#define STAGED(k, b) "zero-least-significant " #k " " #b
#define AUGMENTED(k, b) "augment-least-significant " #k " " #b
#define BLOCKS(n) .block = n, .table = {.high = 16}

static const rig_form forms[] = {
    {.k = 4, .process = "absorbing 4", .order = "uniform"},
    {.k = 4, .process = "absorbing 4", .order = "raster"},
    {.k = 4, .process = "absorbing 4", .order = "uniform", .table = {.mixture = 1}},
    {.k = 4, .process = "absorbing 4", .order = "blocks:1", .block = 1, .table = {.high = 1}},
    {.k = 4, .process = "absorbing 4", .order = "blocks:1-16", BLOCKS(2)},
    {.k = 4, .process = "absorbing 4", .order = "blocks:1-16", BLOCKS(3)},
    {.k = 4, .process = "absorbing 4", .order = "blocks:2-3", .block = 2, .table = {.high = 3, .mixture = 1}},
    {.k = 4, .process = STAGED(4, 2), .order = "uniform"},
    {.k = 4, .process = STAGED(4, 2), .order = "raster"},
    {.k = 4, .process = STAGED(4, 2), .order = "dyadic"},
    {.k = 5, .process = STAGED(5, 2), .order = "uniform"},
    {.k = 6, .process = STAGED(6, 4), .order = "uniform"},
    {.k = 6, .process = STAGED(6, 4), .order = "raster"},
    {.k = 5, .process = AUGMENTED(5, 2), .order = "uniform"},
    {.k = 6, .process = AUGMENTED(6, 4), .order = "raster"},
    {.chain = 3, .k = 4, .process = AUGMENTED(4, 2), .order = "uniform"},
    {.k = 4, .process = STAGED(4, 2), .order = "uniform", .table = {.data = 1}},
    {.k = 5, .process = STAGED(5, 2), .order = "uniform", .table = {.data = 1}},
    {.k = 5, .process = STAGED(5, 2), .order = "uniform", .table = {.mixture = 1}},
    {.k = 6, .process = STAGED(6, 4), .order = "uniform", .table = {.mixture = 1}},
    {.k = 6, .process = AUGMENTED(6, 4), .order = "raster", .table = {.data = 1}},
    {.k = 5, .process = "partitions 0 3 | 1 2 4", .order = "uniform"},
    {.k = 5, .process = "partitions 0 3 | 1 2 4", .order = "raster", .table = {.data = 1}},
    {.k = 5, .process = "partitions 0 1 | 2-4", .order = "uniform", .table = {.mixture = 1}},
    {.k = 6, .process = "partitions 0 2 4 | 1 3 5 / 0 | 2 4 | 1 | 3 5", .order = "uniform", .table = {.data = 1}},
    {.chain = 5, .k = 4, .process = "absorbing 4", .order = "uniform"},
    {.chain = 4, .k = 4, .process = "absorbing 4", .order = "raster"},
    {.chain = 3, .k = 4, .process = "absorbing 4", .order = "dyadic", .table = {.rank = 1, .extent = {64}, .at = {6, 33, 12}}},
    {.chain = 3, .k = 4, .process = "absorbing 4", .order = "quincunx", .table = {.rank = 2, .extent = {8, 8}, .at = {1, 20, 51}}},
    {.chain = 3, .k = 4, .process = STAGED(4, 2), .order = "quincunx", .table = {.rank = 2, .extent = {8, 8}, .at = {62, 9, 18}}},
    {.chain = 3,
     .k = 4,
     .process = "absorbing 4",
     .order = "channel-uniform",
     .table = {.rank = 2, .extent = {3, 5}, .channels = 2, .at = {3, 22, 9}}},
    {.chain = 4,
     .k = 4,
     .process = "absorbing 4",
     .order = "channel-raster",
     .table = {.rank = 2, .extent = {1, 2}, .channels = 2, .at = {0, 1, 2, 3}}},
    {.chain = 4,
     .k = 4,
     .process = "absorbing 4",
     .order = "channel-quincunx",
     .table = {.rank = 2, .extent = {4, 8}, .channels = 2, .at = {53, 22, 51, 2}}},
    {.chain = 3, .k = 4, .process = STAGED(4, 2), .order = "uniform"},
    {.chain = 4, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", BLOCKS(1)},
    {.chain = 4, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", BLOCKS(2)},
    {.chain = 4, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", BLOCKS(3)},
    {.chain = 4, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", BLOCKS(16)},
};
enum { FORMS = sizeof forms / sizeof *forms };

/* A network that is exact charges each x its own −log2 p, whatever the order, when every call decides one unit. */
static void check_items(rig *r, const uint8_t *given, double tolerance) {
    double bits[MOST_STATES];
    ardm_budget budget = rig_budget(r, rig_most_calls(r), NULL);
    rig_bits(r, &budget, given, 3, 0, bits);
    for (uint32_t x = 0; x < r->t.states; x++)
        ck_assert_msg(fabs(bits[x] - rig_exact_bits(r, x, given)) < tolerance, "%s %s: item %u costs %.12g bits, its share is %.12g",
                      r->form->process, r->form->order, x, bits[x], rig_exact_bits(r, x, given));
    if (!given) ck_assert_double_eq_tol(rig_mean(r, bits), toy_entropy(&r->t), tolerance);
    ardm_schedule_free(&budget.schedule);
}

/* What a schedule costs: of exchangeable units in any one order; of others where a call decides a whole level. */
static void check_schedules(rig *r, double tolerance) {
    const uint32_t most = r->form->chain ? r->cells : rig_most_calls(r);
    for (uint32_t calls = r->cells; calls <= most; calls++) {
        double bits[MOST_STATES], predicted;
        ardm_budget budget = rig_budget(r, calls, &predicted);
        rig_bits(r, &budget, NULL, 11, 1, bits);
        ck_assert_msg(fabs(rig_mean(r, bits) - predicted) < tolerance, "%s %s in %u calls: %.12g bits, predicted %.12g", r->form->process,
                      r->form->order, calls, rig_mean(r, bits), predicted);
        ardm_schedule_free(&budget.schedule);
    }
}

/* Units that a cell-causal network shows to all others: a prefix; else any. */
static const uint8_t *given_of(const rig *r) {
    static const uint8_t prefix[MOST_UNITS] = {ARDM_GIVEN}, inner[MOST_UNITS] = {0, ARDM_GIVEN, 0, 0, ARDM_GIVEN};
    return r->form->table.high ? prefix : inner;
}

static void costs_on(ardm_device *device) {
    const double tolerance = in_doubles ? 1e-9 : 1e-5;
    for (int i = 0; i < FORMS; i++) {
        rig r;
        rig_open(&r, &forms[i], device);
        check_items(&r, NULL, tolerance);
        check_items(&r, given_of(&r), tolerance);
        check_schedules(&r, tolerance);
        rig_close(&r);
    }
}

START_TEST(items_cost_their_share_by_oracles) { by_oracles(costs_on); }
END_TEST
START_TEST(items_cost_their_share_on_devices) { each_device(costs_on); }
END_TEST

/* Of the mixture and of the chain. */
static const rig_form printed_forms[3] = {{.k = 4, .process = "absorbing 4", .order = "uniform"},
                                          {.chain = 5, .k = 4, .process = "absorbing 4", .order = "raster"},
                                          {.chain = 5, .k = 4, .process = "absorbing 4", .order = "uniform"}};

static void printed_on(ardm_device *device) {
    static const double printed[3] = {6, 5.760481629888294, 5.6875};
    const double tolerance = in_doubles ? 1e-9 : 1e-5;
    double bits[MOST_STATES];
    rig r;
    rig_open(&r, &printed_forms[0], device);
    for (uint32_t calls = 1; calls <= 3; calls++) {
        ardm_budget budget = rig_budget(&r, calls, NULL);
        rig_bits(&r, &budget, NULL, 11, 1, bits);
        ck_assert_double_eq_tol(rig_mean(&r, bits), printed[calls - 1], tolerance);
        ardm_schedule_free(&budget.schedule);
    }
    rig_close(&r);
    rig_open(&r, &printed_forms[1], device);
    ardm_budget budget = rig_budget(&r, 5, NULL);
    rig_bits(&r, &budget, NULL, 11, 1, bits);
    ck_assert_double_eq_tol(rig_mean(&r, bits), 8.1225563, tolerance + 1e-7);
    ck_assert_double_eq_tol(rig_mean(&r, bits), toy_entropy(&r.t), tolerance);
    ardm_schedule_free(&budget.schedule);
    rig_close(&r);
    rig_open(&r, &printed_forms[2], device); /* one call knows nothing but marginals */
    budget = rig_budget(&r, 1, NULL);
    rig_bits(&r, &budget, NULL, 11, 1, bits);
    ck_assert_double_eq_tol(rig_mean(&r, bits), 10, tolerance);
    ardm_schedule_free(&budget.schedule);
    rig_close(&r);
}

START_TEST(schedules_cost_what_is_printed) {
    by_oracles(printed_on);
    each_device(printed_on);
}
END_TEST

static void coding_on(ardm_device *device) {
    for (int i = 0; i < FORMS; i++) {
        rig r;
        rig_open(&r, &forms[i], device);
        rig_code(&r, r.cells, NULL);
        rig_code(&r, rig_most_calls(&r), NULL);
        rig_code(&r, (r.cells + rig_most_calls(&r)) / 2, given_of(&r));
        rig_close(&r);
    }
}

START_TEST(files_come_back_at_the_size_of_the_law) { each_device(coding_on); }
END_TEST

TCase *forms_cases(void) {
    TCase *cases = tcase_create("forms");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, items_cost_their_share_by_oracles);
    tcase_add_test(cases, items_cost_their_share_on_devices);
    tcase_add_test(cases, schedules_cost_what_is_printed);
    tcase_add_test(cases, files_come_back_at_the_size_of_the_law);
    return cases;
}
