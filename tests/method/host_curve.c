/* host_curve.c: bins, isotonic fit, interpolation, other sizes. */
#include "host.h"

#include <math.h>

#include "ardm/curve.h"

START_TEST(small_cells_are_kept_exactly) {
    const uint32_t units[3] = {3, 0, 2};
    const double want[5] = {2, 1.880240814944147, 1.807259185055853, 1.5, 0.25};
    ardm_curve *c = NULL;
    double got[5];
    ck_ok(ardm_curve_create(&c, units, 3));
    ck_assert_uint_eq(ardm_curve_bins(c, 0), 3);
    ck_assert_uint_eq(ardm_curve_bins(c, 1), 0);
    for (uint32_t n = 0; n < 3; n++) ardm_curve_add(c, 0, n, 3, want[n], 1);
    for (uint32_t n = 0; n < 2; n++) ardm_curve_add(c, 2, n, 2, want[3 + n], 4);
    ck_ok(ardm_curve_losses(c, 0, units, 3, got));
    for (int i = 0; i < 5; i++) ck_assert_double_eq_tol(got[i], want[i], 1e-15);
    double bits = 0;
    ck_ok(ardm_curve_bound(c, &bits));
    ck_assert_double_eq_tol(bits, 91.0 / 16 + 1.75, 1e-12);
    ardm_curve_free(&c);
}
END_TEST

START_TEST(violators_are_pooled_by_counts) {
    const uint32_t units = 5;
    const double loss[5] = {4, 1, 3, 2, 2}, weight[5] = {1, 1, 3, 1, 1};
    ardm_curve *c = NULL;
    double got[5];
    ck_ok(ardm_curve_create(&c, &units, 1));
    for (uint32_t n = 0; n < 5; n++) ardm_curve_add(c, 0, n, 5, loss[n], weight[n]);
    ck_ok(ardm_curve_losses(c, 0, &units, 1, got));
    const double want[5] = {4, 2.5, 2.5, 2, 2}; /* (1 + 3 * 3) / 4 */
    for (int i = 0; i < 5; i++) ck_assert_double_eq_tol(got[i], want[i], 1e-15);
    ck_ok(ardm_curve_losses(c, 1, &units, 1, got)); /* smoothed: 1-2-1 by counts inside, then pooled */
    const double one = (1 * 4 + 2 * 1 * 1 + 3 * 3) / (1.0 + 2 + 3), two = (1 * 1 + 2 * 3 * 3 + 1 * 2) / (1.0 + 6 + 1),
                 three = (3 * 3 + 2 * 2 + 2) / (3.0 + 2 + 1);
    ck_assert(one < two);
    const double pooled = (one + 3 * two) / 4;
    ck_assert_double_eq_tol(got[0], 4, 1e-15);
    ck_assert_double_eq_tol(got[1], pooled, 1e-15);
    ck_assert_double_eq_tol(got[2], pooled, 1e-15);
    ck_assert_double_eq_tol(got[3], three, 1e-15);
    ck_assert_double_eq_tol(got[4], 2, 1e-15);
    ardm_curve_free(&c);
}
END_TEST

START_TEST(pools_keep_their_counts) {
    const uint32_t units = 4;
    const double loss[4] = {1, 3, 4, 0.5}, weight[4] = {1, 3, 2, 1};
    ardm_curve *c = NULL;
    double got[4];
    ck_ok(ardm_curve_create(&c, &units, 1));
    for (uint32_t n = 0; n < 4; n++) ardm_curve_add(c, 0, n, 4, loss[n], weight[n]);
    ck_ok(ardm_curve_losses(c, 0, &units, 1, got));
    for (int i = 0; i < 3; i++) ck_assert_double_eq_tol(got[i], 3, 1e-15); /* (1 + 9 + 8) / 6 */
    ck_assert_double_eq_tol(got[3], 0.5, 1e-15);
    ardm_curve_free(&c);
}
END_TEST

START_TEST(gaps_and_other_sizes_run_straight) {
    const uint32_t units[2] = {100, 1000}, other[2] = {100, 500};
    ardm_curve *c = NULL;
    static double got[1100];
    ck_ok(ardm_curve_create(&c, units, 2));
    ck_fails(ARDM_EINVAL, "nothing was measured", ardm_curve_losses(c, 1, units, 2, got));
    for (uint32_t n = 0; n < 100; n += 3) ardm_curve_add(c, 0, n, 100, 8 - 0.05 * n, 1);
    ck_ok(ardm_curve_losses(c, 0, units, 2, got));
    for (uint32_t n = 0; n < 100; n++) ck_assert_double_eq_tol(got[n], 8 - 0.05 * n, 1e-12);
    for (uint32_t n = 1; n < 1000; n++) ck_assert(got[100 + n] <= got[99 + n]); /* the second cell follows the first */
    ck_assert_double_eq_tol(got[100 + 500], 8 - 2.5, 1e-12);
    for (uint32_t n = 0; n < 1000; n++) ardm_curve_add(c, 1, n, 1000, 4 - 0.002 * n, 2);
    ck_assert_uint_eq(ardm_curve_bins(c, 1), 128);
    ck_ok(ardm_curve_losses(c, 0, other, 2, got));
    for (uint32_t n = 0; n < 500; n++) ck_assert_double_eq_tol(got[100 + n], 4 - 0.004 * n, 0.002);
    ck_ok(ardm_curve_losses(c, 1, units, 2, got));
    for (uint32_t n = 0; n < 1000; n++) ck_assert_double_eq_tol(got[100 + n], 4 - 0.002 * n, 0.003);
    ck_fails(ARDM_EINVAL, "2 cells", ardm_curve_losses(c, 0, other, 1, got));
    ardm_curve_free(&c);
}
END_TEST

START_TEST(sums_merge_fade_and_come_back) {
    const uint32_t units = 300;
    ardm_curve *a = NULL, *b = NULL, *whole = NULL;
    uint64_t state = 3;
    ck_ok(ardm_curve_create(&a, &units, 1));
    ck_ok(ardm_curve_create(&b, &units, 1));
    ck_ok(ardm_curve_create(&whole, &units, 1));
    for (int i = 0; i < 1000; i++) {
        const uint32_t n = next_random(&state) % 300;
        const double loss = (double)(next_random(&state) % 64) / 8;
        ardm_curve_add(i % 2 ? a : b, 0, n, 300, loss, 1);
        ardm_curve_add(whole, 0, n, 300, loss, 1);
    }
    ardm_curve_merge(a, b);
    for (uint32_t i = 0; i < 128; i++) {
        ck_assert(ardm_curve_mean(a, 0, i) == ardm_curve_mean(whole, 0, i));
        ck_assert(ardm_curve_visits(a, 0, i) == ardm_curve_visits(whole, 0, i));
    }
    const double mean = ardm_curve_mean(a, 0, 5), visits = ardm_curve_visits(a, 0, 5);
    ardm_curve_fade(a, 0.5);
    ck_assert(ardm_curve_mean(a, 0, 5) == mean && ardm_curve_visits(a, 0, 5) == visits / 2);
    ck_ok(ardm_curve_restore(b, ardm_curve_sums(whole), ardm_curve_counts(whole)));
    ck_assert(ardm_curve_mean(b, 0, 5) == ardm_curve_mean(whole, 0, 5));
    double bad[128] = {0};
    bad[7] = -1;
    ck_fails(ARDM_EFORMAT, "bin 7", ardm_curve_restore(b, ardm_curve_sums(whole), bad));
    bad[7] = NAN;
    ck_fails(ARDM_EFORMAT, "bin 7", ardm_curve_restore(b, bad, ardm_curve_counts(whole)));
    ardm_curve_free(&a);
    ardm_curve_free(&b);
    ardm_curve_free(&whole);
}
END_TEST

Suite *curve_suite(void) {
    Suite *suite = suite_create("curve");
    TCase *cases = tcase_create("curve");
    tcase_add_test(cases, small_cells_are_kept_exactly);
    tcase_add_test(cases, violators_are_pooled_by_counts);
    tcase_add_test(cases, pools_keep_their_counts);
    tcase_add_test(cases, gaps_and_other_sizes_run_straight);
    tcase_add_test(cases, sums_merge_fade_and_come_back);
    suite_add_tcase(suite, cases);
    return suite;
}
