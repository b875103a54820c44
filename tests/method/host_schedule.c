/* host_schedule.c: optimal schedules against plain recursion, splits against exhaustive search, bytes there and back. */
#include "host.h"

#include <math.h>
#include <stdlib.h>

#include "ardm/schedule.h"

static const double paper[5] = {5, 4, 3, 2.85, 2.80};

START_TEST(the_papers_five_costs) {
    static const double costs[5] = {25, 19, 18, 17.7, 17.65};
    static const uint32_t steps[5][5] = {{0}, {0, 2}, {0, 1, 2}, {0, 1, 2, 3}, {0, 1, 2, 3, 4}};
    double all[5];
    ck_ok(ardm_schedule_costs(all, paper, 5, 5));
    for (uint32_t b = 1; b <= 5; b++) {
        uint32_t got[5];
        double cost = 0;
        ck_ok(ardm_schedule_cell(got, &cost, paper, 5, b));
        ck_assert_double_eq_tol(cost, costs[b - 1], 1e-12);
        ck_assert_double_eq_tol(all[b - 1], costs[b - 1], 1e-12);
        for (uint32_t j = 0; j < b; j++) ck_assert_uint_eq(got[j], steps[b - 1][j]);
    }
}
END_TEST

/* The definition: best of all last steps, O(B N^2). */
static double recursion(const double *loss, uint32_t n, uint32_t budget) {
    double *cost = malloc((n + 1) * sizeof *cost), *next = malloc((n + 1) * sizeof *next);
    for (uint32_t t = 0; t <= n; t++) cost[t] = t ? INFINITY : 0;
    for (uint32_t k = 0; k < budget; k++) {
        for (uint32_t t = 0; t <= n; t++) {
            next[t] = INFINITY;
            for (uint32_t s = 0; s < t; s++) next[t] = fmin(next[t], cost[s] + (t - s) * loss[s]);
        }
        double *swap = cost;
        cost = next;
        next = swap;
    }
    const double best = cost[n];
    free(cost);
    free(next);
    return best;
}

static void draw_losses(double *loss, uint32_t n, uint64_t *state) {
    const uint32_t kind = next_random(state) % 4;
    loss[0] = 4 + 4 * next_uniform(state);
    for (uint32_t i = 1; i < n; i++) {
        double fall = next_uniform(state) * loss[i - 1] / 8;
        if (kind == 1 && next_random(state) % 3) fall = 0;                             /* plateaus, as isotonic fits give */
        if (kind == 2) fall = floor(fall * 4) / 4;                                     /* ties */
        if (kind == 3) fall = next_random(state) % 10 ? fall / 1000 : loss[i - 1] / 3; /* cliffs */
        loss[i] = loss[i - 1] - fall;
    }
}

START_TEST(the_envelope_equals_the_recursion) {
    uint64_t state = 20211005;
    for (int trial = 0; trial < 400; trial++) {
        double loss[70], cost = 0;
        uint32_t steps[70];
        const uint32_t n = 1 + next_random(&state) % 70, budget = 1 + next_random(&state) % n;
        draw_losses(loss, n, &state);
        ck_ok(ardm_schedule_cell(steps, &cost, loss, n, budget));
        ck_assert_double_eq_tol(cost, recursion(loss, n, budget), 1e-10);
        ck_assert_uint_eq(steps[0], 0);
        for (uint32_t j = 1; j < budget; j++) ck_assert_uint_gt(steps[j], steps[j - 1]);
        ck_assert_uint_lt(steps[budget - 1], n);
        double costs[70];
        ck_ok(ardm_schedule_costs(costs, loss, n, n));
        ck_assert_double_eq_tol(costs[budget - 1], cost, 1e-10);
        for (uint32_t k = 2; k < n; k++) ck_assert(costs[k - 2] - costs[k - 1] >= costs[k - 1] - costs[k] - 1e-9); /* convex */
    }
}
END_TEST

/* All ways to share `budget` steps over the cells from `cell` on. */
static double exhaustive(const double *loss, const uint32_t *units, uint32_t cells, uint32_t cell, uint32_t budget) {
    if (cell == cells) return budget ? INFINITY : 0;
    if (!units[cell]) return exhaustive(loss, units, cells, cell + 1, budget);
    double best = INFINITY;
    for (uint32_t k = 1; k <= units[cell] && k <= budget; k++)
        best = fmin(best, recursion(loss, units[cell], k) + exhaustive(loss + units[cell], units, cells, cell + 1, budget - k));
    return best;
}

START_TEST(splits_are_the_best_of_all) {
    uint64_t state = 77;
    for (int trial = 0; trial < 150; trial++) {
        uint32_t units[4], total = 0, filled = 0;
        double loss[32];
        for (int c = 0; c < 4; c++) {
            units[c] = next_random(&state) % 7;
            if (units[c]) draw_losses(loss + total, units[c], &state);
            total += units[c];
            filled += units[c] > 0;
        }
        if (!total) continue;
        for (uint32_t budget = filled; budget <= total; budget++) {
            ardm_schedule *s = NULL;
            ck_ok(ardm_schedule_optimal(&s, loss, units, 4, budget));
            ck_assert_uint_eq(ardm_schedule_calls(s), budget);
            ck_assert_double_eq_tol(ardm_schedule_predict(s, loss), exhaustive(loss, units, 4, 0, budget), 1e-10);
            for (uint32_t c = 0; c < 4; c++) {
                uint32_t count = 0;
                const uint32_t *steps = ardm_schedule_steps(s, c, &count);
                ck_assert_int_eq(count > 0, units[c] > 0);
                if (count) ck_assert_uint_eq(steps[0], 0);
            }
            ardm_schedule_free(&s);
        }
    }
}
END_TEST

START_TEST(a_price_stops_where_a_call_gains_less) {
    uint64_t state = 5;
    for (int trial = 0; trial < 50; trial++) {
        const uint32_t units[3] = {9, 1, 14};
        double loss[24], best = INFINITY;
        const double price = next_uniform(&state);
        draw_losses(loss, 9, &state);
        loss[9] = 3;
        draw_losses(loss + 10, 14, &state);
        ardm_schedule *s = NULL;
        for (uint32_t budget = 3; budget <= 24; budget++) {
            ck_ok(ardm_schedule_optimal(&s, loss, units, 3, budget));
            best = fmin(best, ardm_schedule_predict(s, loss) + price * budget);
            ardm_schedule_free(&s);
        }
        ck_ok(ardm_schedule_priced(&s, loss, units, 3, price));
        ck_assert_double_eq_tol(ardm_schedule_predict(s, loss) + price * ardm_schedule_calls(s), best, 1e-10);
        ardm_schedule_free(&s);
    }
}
END_TEST

START_TEST(budgets_that_cannot_be) {
    const uint32_t units[4] = {2, 0, 1, 2}, many[3] = {40, 0, 60};
    const double loss[5] = {2, 1, 3, 2, 1}, rising[5] = {2, 1, 3, 2, 2.5};
    ardm_schedule *s = NULL;
    ck_fails(ARDM_EINVAL, "2 calls is below the 3 cells", ardm_schedule_optimal(&s, loss, units, 4, 2));
    ck_fails(ARDM_EINVAL, "0 calls is below the 3 cells", ardm_schedule_naive(&s, units, 4, 0));
    ck_fails(ARDM_EINVAL, "must not rise", ardm_schedule_optimal(&s, rising, units, 4, 4));
    ck_fails(ARDM_EINVAL, "6 steps for 5 units", ardm_schedule_cell((uint32_t[6]){0}, NULL, paper, 5, 6));
    ck_fails(ARDM_EINVAL, "with 0 units known is nan", ardm_schedule_cell((uint32_t[1]){0}, NULL, (const double[]){NAN}, 1, 1));
    ck_assert_ptr_null(s);
    ck_ok(ardm_schedule_optimal(&s, loss, units, 4, 1000)); /* more than units: a step each */
    ck_assert_uint_eq(ardm_schedule_calls(s), 5);
    ardm_schedule_free(&s);
    ck_assert_uint_eq(ardm_schedule_default_budget(units, 4), 5);
    ck_assert_uint_eq(ardm_schedule_default_budget(many, 3), 48);
    uint32_t ones[100];
    for (int i = 0; i < 100; i++) ones[i] = 1;
    ck_assert_uint_eq(ardm_schedule_default_budget(ones, 100), 100);
}
END_TEST

START_TEST(the_naive_schedule) {
    const uint32_t units[2] = {10, 30};
    ardm_schedule *s = NULL;
    uint32_t count = 0;
    ck_ok(ardm_schedule_naive(&s, units, 2, 16));
    const uint32_t *steps = ardm_schedule_steps(s, 0, &count);
    static const uint32_t first[4] = {0, 2, 5, 8}; /* 2.5 and 7.5 go to the even side */
    ck_assert_uint_eq(count, 4);
    for (int j = 0; j < 4; j++) ck_assert_uint_eq(steps[j], first[j]);
    ardm_schedule_steps(s, 1, &count);
    ck_assert_uint_eq(count, 12);
    ardm_schedule_free(&s);
    for (uint32_t budget = 2; budget <= 40; budget++) {
        ck_ok(ardm_schedule_naive(&s, units, 2, budget));
        ck_assert_uint_eq(ardm_schedule_calls(s), budget);
        for (uint32_t c = 0; c < 2; c++) {
            steps = ardm_schedule_steps(s, c, &count);
            for (uint32_t j = 1; j < count; j++) ck_assert_uint_gt(steps[j], steps[j - 1]);
            ck_assert_uint_lt(steps[count - 1], units[c]);
        }
        ardm_schedule_free(&s);
    }
}
END_TEST

START_TEST(equal_splits_are_the_best_of_equal_counts) {
    uint64_t state = 2021;
    for (int trial = 0; trial < 100; trial++) {
        uint32_t units[4], total = 0, filled = 0;
        double loss[32];
        for (int c = 0; c < 4; c++) {
            units[c] = next_random(&state) % 7;
            if (units[c]) draw_losses(loss + total, units[c], &state);
            total += units[c];
            filled += units[c] > 0;
        }
        for (uint32_t budget = filled; total && budget <= total + 1; budget++) {
            uint32_t want[4] = {0}, left = budget < total ? budget : total;
            for (uint32_t round = 0; left; round++) /* one more for every cell that has a unit left */
                for (int c = 0; c < 4 && left; c++)
                    if (round < units[c]) want[c]++, left--;
            double cost = 0;
            for (uint32_t c = 0, at = 0; c < 4; at += units[c++])
                if (want[c]) cost += recursion(loss + at, units[c], want[c]);
            ardm_schedule *s = NULL, *best = NULL;
            ck_ok(ardm_schedule_equal(&s, loss, units, 4, budget));
            ck_ok(ardm_schedule_optimal(&best, loss, units, 4, budget));
            for (uint32_t c = 0; c < 4; c++) {
                uint32_t count;
                ardm_schedule_steps(s, c, &count);
                ck_assert_uint_eq(count, want[c]);
            }
            ck_assert_double_eq_tol(ardm_schedule_predict(s, loss), cost, 1e-10);
            ck_assert(ardm_schedule_predict(best, loss) <= cost + 1e-10);
            ardm_schedule_free(&s);
            ardm_schedule_free(&best);
        }
    }
    ardm_schedule *s = NULL;
    ck_fails(ARDM_EINVAL, "below the 2 cells", ardm_schedule_equal(&s, paper, (const uint32_t[]){2, 3}, 2, 1));
    ck_fails(ARDM_EINVAL, "must not rise", ardm_schedule_equal(&s, (const double[]){1, 2, 3}, (const uint32_t[]){3}, 1, 2));
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(other_extents_keep_the_fractions) {
    const uint32_t units[6] = {8, 16, 100, 8, 16, 100}, edge[4] = {10, 50, 0, 3}, same[6] = {8, 16, 100, 8, 16, 100};
    ardm_schedule *s = NULL, *t = NULL;
    uint32_t count = 0, original = 0;
    ck_ok(ardm_schedule_naive(&s, units, 6, 40));
    ck_ok(ardm_schedule_fit(&t, s, 2, same, 6));
    ck_assert_uint_eq(ardm_schedule_calls(t), 40);
    ardm_schedule_free(&t);
    ck_ok(ardm_schedule_fit(&t, s, 2, edge, 4)); /* two levels: the last two of three */
    const uint32_t *old = ardm_schedule_steps(s, 2, &original), *steps = ardm_schedule_steps(t, 1, &count);
    for (uint32_t j = 0, n = 0; j < original; j++)
        if (!j || old[j] / 2 != old[j - 1] / 2) ck_assert_uint_eq(steps[n++], old[j] / 2);
    ardm_schedule_steps(t, 2, &count);
    ck_assert_uint_eq(count, 0);
    steps = ardm_schedule_steps(t, 3, &count);
    ck_assert_uint_ge(count, 1);
    for (uint32_t j = 1; j < count; j++) ck_assert_uint_gt(steps[j], steps[j - 1]);
    ck_assert_uint_lt(steps[count - 1], 3);
    ardm_schedule_free(&t);
    ck_fails(ARDM_EINVAL, "whole levels", ardm_schedule_fit(&t, s, 4, edge, 4));
    ardm_schedule_free(&s);
}
END_TEST

START_TEST(bytes_there_and_back) {
    uint64_t state = 99;
    for (int trial = 0; trial < 60; trial++) {
        const uint32_t units[5] = {1 + next_random(&state) % 400, 1, 0, 2, 1 + next_random(&state) % 90};
        const uint32_t filled = 4, total = units[0] + units[1] + units[3] + units[4];
        const uint32_t budget = filled + next_random(&state) % (total - filled + 1);
        ardm_schedule *s = NULL, *t = NULL;
        ardm_bytes bytes = {0}, again = {0};
        ck_ok(ardm_schedule_naive(&s, units, 5, budget));
        ck_ok(ardm_schedule_write(&bytes, s));
        ck_ok(ardm_schedule_read(&t, bytes.data, bytes.size, units, 5));
        ck_ok(ardm_schedule_write(&again, t));
        ck_assert_uint_eq(again.size, bytes.size);
        ck_assert_mem_eq(again.data, bytes.data, bytes.size);
        ck_assert_uint_eq(ardm_schedule_calls(t), budget);
        ardm_schedule_free(&t);
        for (size_t cut = 0; cut < bytes.size; cut++) ck_fails(ARDM_EFORMAT, "schedule", ardm_schedule_read(&t, bytes.data, cut, units, 5));
        ck_ok(ardm_bytes_append(&bytes, "", 1));
        ck_fails(ARDM_EFORMAT, "left over", ardm_schedule_read(&t, bytes.data, bytes.size, units, 5));
        for (int change = 0; change < 100; change++) { /* any other bytes are refused or another valid schedule */
            uint8_t *at = bytes.data + next_random(&state) % (bytes.size - 1), kept = *at;
            *at = (uint8_t)next_random(&state);
            if (ardm_schedule_read(&t, bytes.data, bytes.size - 1, units, 5) == ARDM_OK) {
                for (uint32_t c = 0; c < 5; c++) {
                    uint32_t count = 0;
                    const uint32_t *steps = ardm_schedule_steps(t, c, &count);
                    ck_assert_int_eq(count > 0, units[c] > 0);
                    for (uint32_t j = 1; j < count; j++) ck_assert_uint_gt(steps[j], steps[j - 1]);
                    if (count) ck_assert_uint_lt(steps[count - 1], units[c]);
                }
            }
            ardm_schedule_free(&t);
            *at = kept;
        }
        ardm_bytes_free(&bytes);
        ardm_bytes_free(&again);
        ardm_schedule_free(&s);
    }
}
END_TEST

START_TEST(a_second_of_audio) {
    enum { N = 16000 };
    double *loss = malloc(N * sizeof *loss);
    uint32_t units = N;
    for (int i = 0; i < N; i++) loss[i] = 2 + 6.0 / (1 + i / 200.0);
    ardm_schedule *s = NULL;
    ck_ok(ardm_schedule_optimal(&s, loss, &units, 1, 500));
    double naive, best = ardm_schedule_predict(s, loss);
    ardm_schedule_free(&s);
    ck_ok(ardm_schedule_naive(&s, &units, 1, 500));
    naive = ardm_schedule_predict(s, loss);
    ck_assert(best < naive);
    ardm_schedule_free(&s);
    free(loss);
}
END_TEST

Suite *schedule_suite(void) {
    Suite *suite = suite_create("schedule");
    TCase *cases = tcase_create("schedule");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, the_papers_five_costs);
    tcase_add_test(cases, the_envelope_equals_the_recursion);
    tcase_add_test(cases, splits_are_the_best_of_all);
    tcase_add_test(cases, a_price_stops_where_a_call_gains_less);
    tcase_add_test(cases, budgets_that_cannot_be);
    tcase_add_test(cases, the_naive_schedule);
    tcase_add_test(cases, equal_splits_are_the_best_of_equal_counts);
    tcase_add_test(cases, other_extents_keep_the_fractions);
    tcase_add_test(cases, bytes_there_and_back);
    tcase_add_test(cases, a_second_of_audio);
    suite_add_tcase(suite, cases);
    return suite;
}
