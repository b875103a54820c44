/* host_estimator.c: what training draws, weighed by the real code, is the bound: exactly where the toy model is exchangeable. */
#include <math.h>

#include "ardm/example.h"
#include "host.h"
#include "support/toy.h"

static ardm_orders *orders_of(const char *family, ardm_layout layout) {
    ardm_order_family f;
    ardm_orders *orders = NULL;
    ck_ok(ardm_order_parse(&f, family));
    ck_ok(ardm_orders_create(&orders, &f, &layout));
    return orders;
}

/* What the network sees when it answers a unit: a cell-causal one sees earlier levels decided, its own as drawn, later ones not. */
static void see(uint8_t *state, ardm_orders *orders, const ardm_example *e, uint32_t unit) {
    const ardm_order *order = NULL;
    ck_ok(ardm_orders_get(&order, orders, (uint32_t)e->block));
    const uint16_t *level = ardm_order_level(order);
    for (uint32_t u = 0; u < ardm_order_units(order); u++) {
        state[u] = e->state[u];
        if (ardm_orders_causal(orders) && level[u] != level[unit]) state[u] = level[u] < level[unit] ? ARDM_DECIDED : ARDM_UNDECIDED;
    }
}

/* Mean of the weighed losses over the batches of some steps. */
static double estimate_steps(const toy *t, const char *family, int32_t sampling, uint32_t batch, const uint64_t *steps, uint32_t batches) {
    ardm_orders *orders = orders_of(family, (ardm_layout){1, {t->n}, 1});
    const uint32_t stages = ardm_process_stages(t->process);
    ardm_example e;
    uint8_t state[MOST_UNITS];
    double sum = 0;
    ck_ok(ardm_example_create(&e, orders));
    for (uint32_t b = 0; b < batches; b++)
        for (uint32_t i = 0; i < batch; i++) {
            const ardm_draw_options options = {7, steps[b], sampling, batch, 0, 0};
            ck_ok(ardm_example_draw(&e, orders, stages, &options, steps[b] * batch + i, i, NULL));
            ck_assert_uint_eq(e.dimensions, t->n);
            for (uint32_t u = 0; u < t->n; u++) {
                if (e.state[u] != ARDM_UNDECIDED) ck_assert(e.weight[u] == 0);
                if (e.weight[u] == 0) continue;
                see(state, orders, &e, u);
                sum += (double)e.weight[u] * toy_unit_loss(t, (uint32_t)e.stage, state, u);
            }
        }
    ardm_example_destroy(&e);
    ardm_orders_free(&orders);
    return sum / batch / batches;
}

/* With a stratum for every (cell, n). */
static double estimate(const toy *t, const char *family, uint64_t step, uint32_t batches) {
    uint64_t steps[8];
    ck_assert_uint_le(batches, 8);
    for (uint32_t b = 0; b < batches; b++) steps[b] = step + b;
    return estimate_steps(t, family, ARDM_SAMPLING_STRATIFIED, ardm_process_stages(t->process) * t->n, steps, batches);
}

START_TEST(exchangeable_units_give_the_bound_exactly) {
    static const struct {
        uint32_t k;
        const char *process;
    } rows[] = {{4, "absorbing 4"}, {4, "zero-least-significant 4 2"}, {5, "zero-least-significant 5 2"}, {6, "zero-least-significant 6 4"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        toy t;
        toy_mixture(&t, rows[i].k, rows[i].process);
        for (uint64_t step = 0; step < 3; step++) ck_assert_double_eq_tol(estimate(&t, "uniform", step, 1), toy_entropy(&t), 1e-6);
        toy_close(&t);
    }
}
END_TEST

START_TEST(levels_give_the_bound_exactly) {
    static const double step[4] = {0.5, 0.375, 0.0625, 0.0625};
    toy t;
    toy_chain(&t, 5, 4, step);
    ck_assert_double_eq_tol(estimate(&t, "raster", 3, 1), toy_entropy(&t), 1e-6);   /* a unit a level: only the cell weighs */
    ck_assert_double_eq_tol(estimate(&t, "blocks:1", 3, 1), toy_entropy(&t), 1e-6); /* all levels in one call */
    toy_close(&t);
    toy_mixture(&t, 4, "absorbing 4");
    ck_assert_double_eq_tol(estimate(&t, "raster", 3, 1), 91.0 / 16, 1e-6);
    ck_assert_double_eq_tol(estimate(&t, "blocks:1", 3, 1), 91.0 / 16, 1e-6);
    toy_close(&t);
}
END_TEST

/* Where order matters the mean over many orders comes near: the spread of one batch is measured beside it. */
START_TEST(orders_average_out) {
    static const double step[4] = {0.5, 0.375, 0.0625, 0.0625};
    enum { RUNS = 40 };
    toy t;
    double sum = 0, squares = 0;
    toy_chain(&t, 4, 4, step);
    for (int run = 0; run < RUNS; run++) {
        const double value = estimate(&t, "uniform", (uint64_t)run * 8, 8);
        sum += value;
        squares += value * value;
    }
    const double mean = sum / RUNS, error = sqrt((squares / RUNS - mean * mean) / RUNS);
    ck_assert(error > 1e-5 && error < 0.05);
    ck_assert_msg(fabs(mean - toy_entropy(&t)) < 4 * error, "%g, entropy %g, error %g", mean, toy_entropy(&t), error);
    toy_close(&t);
}
END_TEST

/* Antithetic batches of one ladder, one for each of its offsets: together they ask every (cell, n) once, and the mean is the bound. */
START_TEST(antithetic_offsets_average_to_the_bound) {
    static const struct {
        uint32_t k;
        const char *process;
        uint32_t batch, spacing; /* of 3, 6 or 9 pairs */
    } rows[] = {{4, "absorbing 4", 1, 3},
                {4, "absorbing 4", 3, 1},
                {4, "zero-least-significant 4 2", 2, 3},
                {4, "zero-least-significant 4 2", 3, 2},
                {5, "zero-least-significant 5 2", 3, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        toy t;
        toy_mixture(&t, rows[i].k, rows[i].process);
        const uint64_t pairs = ardm_process_stages(t.process) * t.n;
        uint64_t steps[3] = {0}, first = 0;
        uint32_t found = 0, seen[3] = {0};
        for (uint64_t step = 0; found < rows[i].spacing && step < 100; step++) {
            const uint64_t offset = ardm_draw_antithetic(7, step, 0, rows[i].batch, pairs);
            ck_assert_uint_lt(offset, rows[i].spacing);
            if (seen[offset]++) continue;
            if (offset == 0) first = step;
            steps[found++] = step;
        }
        ck_assert_uint_eq(found, rows[i].spacing);
        const double mean = estimate_steps(&t, "uniform", ARDM_SAMPLING_ANTITHETIC, rows[i].batch, steps, found);
        ck_assert_double_eq_tol(mean, toy_entropy(&t), 1e-6);
        if (found > 1) { /* one offset alone is not the bound: the mean above says something */
            const double one = estimate_steps(&t, "uniform", ARDM_SAMPLING_ANTITHETIC, rows[i].batch, &first, 1);
            ck_assert(fabs(one - toy_entropy(&t)) > 1e-3);
        }
        toy_close(&t);
    }
}
END_TEST

START_TEST(weights_of_an_example_sum_to_its_pairs) {
    static const char *const families[] = {"uniform", "quincunx", "raster", "blocks:1-16"};
    for (int f = 0; f < 4; f++) {
        const ardm_layout layout = {2, {9, 11}, 2};
        ardm_orders *orders = orders_of(families[f], layout);
        ardm_example e;
        uint8_t base[198] = {0};
        for (uint32_t u = 0; u < 198; u++) base[u] = u / 22 == 8 ? ARDM_VOID : ARDM_UNDECIDED;
        ck_ok(ardm_example_create(&e, orders));
        for (uint64_t i = 0; i < 300; i++) {
            const ardm_draw_options options = {11, i / 32, (int32_t)(i % 3), 32, 1u << 23, 0};
            const int32_t causal = ardm_orders_causal(orders);
            const uint32_t stages = causal ? 1 : 3;
            ck_ok(ardm_example_draw(&e, orders, stages, &options, i, (uint32_t)(i % 32), base));
            double sum = 0;
            uint32_t free_units = 0, shown = 0;
            for (uint32_t u = 0; u < 198; u++) {
                sum += (double)e.weight[u];
                free_units += e.state[u] == ARDM_UNDECIDED || e.state[u] == ARDM_DECIDED;
                shown += e.state[u] == ARDM_DECIDED;
                if (u / 22 == 8) ck_assert_uint_eq(e.state[u], ARDM_VOID);
                if (e.state[u] != ARDM_UNDECIDED) ck_assert(e.weight[u] == 0);
            }
            ck_assert_uint_eq(e.dimensions, free_units);
            ck_assert_double_eq_tol(sum, (double)stages * free_units, 1e-4 * stages * free_units);
            if (!causal) ck_assert(fabs((double)e.time - (double)shown / free_units) < 1e-6);
        }
        ardm_example_destroy(&e);
        ardm_orders_free(&orders);
    }
}
END_TEST

Suite *estimator_suite(void) {
    Suite *suite = suite_create("estimator");
    TCase *cases = tcase_create("estimator");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, exchangeable_units_give_the_bound_exactly);
    tcase_add_test(cases, levels_give_the_bound_exactly);
    tcase_add_test(cases, orders_average_out);
    tcase_add_test(cases, antithetic_offsets_average_to_the_bound);
    tcase_add_test(cases, weights_of_an_example_sum_to_its_pairs);
    suite_add_tcase(suite, cases);
    return suite;
}
