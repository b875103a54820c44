/* host_frequency.c: the integer rule against its promises; loss against exact probabilities. */
#include "host.h"

#include <math.h>
#include <stdlib.h>

#include "ardm/frequency.h"

extern const char *const ardm_cl_frequency_frequency;

static uint64_t total_of(const uint32_t *f, uint32_t n) {
    uint64_t sum = 0;
    for (uint32_t j = 0; j < n; j++) {
        ck_assert_uint_ge(f[j], 1);
        sum += f[j];
    }
    return sum;
}

/* Expected code length with frequencies f less the entropy, both under softmax(z). */
static double excess(const float *z, const uint32_t *f, uint32_t n) {
    double most = -INFINITY, sum = 0, bits = 0;
    for (uint32_t j = 0; j < n; j++) most = fmax(most, z[j]);
    for (uint32_t j = 0; j < n; j++) sum += exp((double)z[j] - most);
    for (uint32_t j = 0; j < n; j++) {
        const double p = exp((double)z[j] - most) / sum;
        if (p > 0) bits += p * (log2(p) - log2(f[j] * 0x1p-24));
    }
    return bits;
}

START_TEST(rows_are_exact_and_cost_little) {
    static const uint32_t sizes[] = {1, 2, 3, 4, 16, 27, 256, 257, 4096};
    static const float spreads[] = {0, 0.5f, 3, 12, 40, 200};
    static float z[4096];
    static uint32_t f[4096];
    uint64_t state = 1;
    double worst = 0;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t k = 0; k < sizeof spreads / sizeof *spreads; k++)
            for (int trial = 0; trial < 10; trial++) {
                const uint32_t n = sizes[s];
                for (uint32_t j = 0; j < n; j++) z[j] = spreads[k] * (float)(next_uniform(&state) - 0.5);
                ardm_frequency_row(z, n, f);
                ck_assert_uint_eq(total_of(f, n), 1u << 24);
                const double loss = excess(z, f, n), allowed = 2.5e-5 * fmax(1, n / 256.0);
                ck_assert_msg(loss <= allowed, "n %u spread %g: %g bits", n, (double)spreads[k], loss);
                if (n <= 256 && loss > worst) worst = loss;
            }
    ck_assert(worst > 1e-9); /* the check measures something */
}
END_TEST

/* 64 numbers behind `name` in the kernel's text. */
static void kernel_table(const char *name, uint32_t out[64]) {
    const char *at = strstr(ardm_cl_frequency_frequency, name);
    ck_assert_ptr_nonnull(at);
    at = strchr(at, '{');
    for (int i = 0; i < 64; i++) {
        char *end = NULL;
        out[i] = (uint32_t)strtoul(at + 1, &end, 10);
        ck_assert_ptr_ne(end, at + 1);
        ck_assert_int_eq(*end, 'u');
        at = end + 1; /* on the comma */
    }
}

/* The host has the same tables: the op's test compares its rows with the kernel's in bytes. */
START_TEST(tables_are_what_their_formula_says) {
    uint32_t t1[64], t2[64];
    kernel_table("frequency_t1[64]", t1);
    kernel_table("frequency_t2[64]", t2);
    for (int i = 0; i < 64; i++) {
        ck_assert_uint_eq(t1[i], (uint32_t)roundl(0x1p30L * exp2l(-i / 64.0L)));
        ck_assert_uint_eq(t2[i], (uint32_t)roundl(0x1p30L * exp2l(-i / 4096.0L)));
    }
}
END_TEST

START_TEST(one_child_is_free_and_ties_go_to_the_lowest) {
    uint32_t f[4];
    ardm_frequency_row((const float[]){-3}, 1, f);
    ck_assert_uint_eq(f[0], 1u << 24);
    ardm_frequency_row((const float[]){1, 1, 1}, 3, f);
    ck_assert_uint_eq(f[0], (1u << 24) - 2 * f[1]); /* the remainder */
    ck_assert_uint_eq(f[1], f[2]);
    ck_assert_uint_gt(f[0], f[1]);
    ardm_frequency_row((const float[]){0, 5, 5, 5}, 4, f);
    ck_assert_uint_gt(f[1], f[2]);
    ardm_frequency_row((const float[]){-1e30f, 0, -2e30f}, 3, f);
    ck_assert_uint_eq(f[0], 1);
    ck_assert_uint_eq(f[2], 1);
    ck_assert_uint_eq(f[1], (1u << 24) - 2);
}
END_TEST

START_TEST(values_that_are_no_numbers_stay_harmless) {
    static const float odd[] = {NAN, INFINITY, -INFINITY, 0, 3.4e38f, -3.4e38f};
    uint32_t f[6];
    for (int a = 0; a < 6; a++)
        for (int b = 0; b < 6; b++)
            for (int c = 0; c < 6; c++) {
                ardm_frequency_row((const float[]){odd[a], odd[b], odd[c], 1}, 4, f);
                ck_assert_uint_eq(total_of(f, 4), 1u << 24);
            }
    ardm_frequency_row((const float[]){NAN, 2, NAN}, 3, f);
    ck_assert_uint_gt(f[1], 1u << 23);
}
END_TEST

START_TEST(leaves_sum_into_children) {
    uint64_t state = 8;
    for (int trial = 0; trial < 200; trial++) {
        float z[40], log_mass[5];
        uint32_t child[40], f[5], reference[5];
        double mass[5] = {0};
        for (uint32_t i = 0; i < 40; i++) {
            z[i] = (float)(8 * next_uniform(&state));
            child[i] = i < 5 ? i : next_random(&state) % 5;
            mass[child[i]] += exp((double)z[i]);
        }
        for (int j = 0; j < 5; j++) log_mass[j] = (float)log(mass[j]);
        ardm_frequency_leaves(z, child, 40, 5, f);
        ardm_frequency_row(log_mass, 5, reference);
        ck_assert_uint_eq(total_of(f, 5), 1u << 24);
        for (int j = 0; j < 5; j++) ck_assert_double_eq_tol(f[j], reference[j], 2e-4 * reference[j] + 8);
    }
    /* Leaves that are their own children: the plain rule. */
    float z[9];
    uint32_t child[9], f[9], g[9];
    for (uint32_t i = 0; i < 9; i++) {
        z[i] = (float)(8 * next_uniform(&state));
        child[i] = i;
    }
    ardm_frequency_leaves(z, child, 9, 9, f);
    ardm_frequency_row(z, 9, g);
    ck_assert_mem_eq(f, g, sizeof f);
    /* A parent of almost no mass: e^-80 beside leaves outside it leaves exact children (logits of its own leaves alone). */
    ardm_frequency_leaves((const float[]){-80, -81}, (const uint32_t[]){0, 1}, 2, 2, f);
    ardm_frequency_leaves((const float[]){0, -1}, (const uint32_t[]){0, 1}, 2, 2, g);
    ck_assert_mem_eq(f, g, 2 * sizeof *f);
}
END_TEST

START_TEST(slots_find_their_symbol) {
    uint32_t f[7] = {0, 5, 1, 0, 9, 3, 0}, interval[2];
    for (uint32_t slot = 0; slot < 18; slot++) {
        const int32_t symbol = ardm_frequency_find(f, 7, slot);
        ardm_frequency_interval(f, 7, symbol, interval);
        ck_assert_uint_le(interval[0], slot);
        ck_assert_uint_lt(slot - interval[0], interval[1]);
    }
    ck_assert_int_eq(ardm_frequency_find(f, 7, 18), -1);
    ardm_frequency_interval(f, 7, -1, interval);
    ck_assert_uint_eq(interval[1], 0);
    ardm_frequency_interval(f, 7, 7, interval);
    ck_assert_uint_eq(interval[1], 0);
}
END_TEST

START_TEST(a_digest_sees_value_row_and_place) {
    uint32_t f[3] = {7, 0, 9};
    const uint32_t base = ardm_frequency_digest(f, 3, 10);
    ck_assert_uint_ne(ardm_frequency_digest(f, 3, 11), base);
    f[1] = 1;
    ck_assert_uint_ne(ardm_frequency_digest(f, 3, 10), base);
    f[1] = 0;
    f[0] = 9, f[2] = 7;
    ck_assert_uint_ne(ardm_frequency_digest(f, 3, 10), base);
    ck_assert_uint_eq(ardm_frequency_digest((const uint32_t[]){1}, 1, 0), 0x514e28b7u); /* mix32(0, 1), computed elsewhere */
}
END_TEST

Suite *frequency_suite(void) {
    Suite *suite = suite_create("frequency");
    TCase *cases = tcase_create("frequency");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, rows_are_exact_and_cost_little);
    tcase_add_test(cases, tables_are_what_their_formula_says);
    tcase_add_test(cases, one_child_is_free_and_ties_go_to_the_lowest);
    tcase_add_test(cases, values_that_are_no_numbers_stay_harmless);
    tcase_add_test(cases, leaves_sum_into_children);
    tcase_add_test(cases, slots_find_their_symbol);
    tcase_add_test(cases, a_digest_sees_value_row_and_place);
    suite_add_tcase(suite, cases);
    return suite;
}
