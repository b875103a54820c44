/* host_rans.c: the coder's law, its renormalisation at the extremes, and what it says about damage. */
#include "host.h"

#include <math.h>
#include <stdlib.h>

#include "ardm/rans.h"

enum { TOTAL = 1 << 24 };

/* Encodes in two blocks, decodes, checks; returns the bits of state and words. */
static double round_trip(const uint32_t (*intervals)[2], size_t n, uint32_t checksum) {
    ardm_rans_encoder e;
    ardm_rans_decoder d;
    const size_t half = n / 3;
    ardm_rans_begin(&e, checksum);
    ck_ok(ardm_rans_add(&e, intervals + half, n - half)); /* the last block first */
    ck_ok(ardm_rans_add(&e, intervals, half));
    ardm_rans_finish(&e);
    ck_assert(e.state >= 1ull << 32 && e.state < 1ull << 48);
    ck_ok(ardm_rans_open(&d, e.state, e.words, 2 * e.count));
    for (size_t i = 0; i < n; i++) {
        const uint32_t slot = ardm_rans_slot(&d);
        if (!intervals[i][1]) continue;
        ck_assert_uint_ge(slot, intervals[i][0]);
        ck_assert_uint_lt(slot - intervals[i][0], intervals[i][1]);
        ck_ok(ardm_rans_take(&d, intervals[i][0], intervals[i][1]));
    }
    ck_ok(ardm_rans_close(&d, checksum));
    ck_fails(ARDM_EFORMAT, "checksum", ardm_rans_close(&d, checksum ^ 1));
    const double bits = 48 + 16.0 * (double)e.count;
    ardm_rans_free(&e);
    return bits;
}

START_TEST(random_streams_obey_the_law) {
    uint64_t state = 4;
    enum { N = 4000 };
    static uint32_t intervals[N][2];
    for (int trial = 0; trial < 60; trial++) {
        const uint32_t kind = (uint32_t)trial % 5;
        const size_t n = trial < 5 ? 0 : 1 + next_random(&state) % N;
        double bits = 0;
        for (size_t i = 0; i < n; i++) {
            uint32_t freq = 1 + next_random(&state) % TOTAL;
            if (kind == 1) freq = 1;                               /* two words a symbol */
            if (kind == 2) freq = TOTAL - next_random(&state) % 3; /* nearly free, or free */
            if (kind == 3) freq = 1u << next_random(&state) % 25;
            if (kind == 4) freq = next_random(&state) % 4 ? TOTAL - 1 : 1; /* skewed to the extreme */
            intervals[i][1] = freq;
            intervals[i][0] = freq == TOTAL ? 0 : next_random(&state) % (TOTAL - freq + 1);
            bits += 24 - log2(freq);
        }
        const double got = round_trip((const uint32_t(*)[2])intervals, n, next_random(&state));
        ck_assert_msg(got - bits >= 32 - 0x1p-11 * (double)n - 17 && got - bits <= 49 + 0x1p-11 * (double)n, "kind %u, %zu symbols: %g over %g", kind,
                      n, got - bits, bits);
    }
}
END_TEST

START_TEST(frequency_one_emits_twice) {
    static const uint32_t ones[3][2] = {{5, 1}, {0, 1}, {TOTAL - 1, 1}};
    ardm_rans_encoder e;
    ardm_rans_begin(&e, 0xffffffffu);
    ck_ok(ardm_rans_add(&e, ones, 1));
    ck_assert_uint_eq(e.count, 1);
    ck_assert(e.state == (((1ull << 17) - 1) << 24) + 5);
    ck_ok(ardm_rans_add(&e, ones, 1)); /* about 2^41: one word leaves 2^25, still too much for frequency 1 */
    ck_assert_uint_eq(e.count, 3);
    ck_assert(e.state == (((1ull << 9) - 1) << 24) + 5);
    ardm_rans_free(&e);
    round_trip(ones, 3, 0xffffffffu);
    round_trip(ones, 3, 0);
}
END_TEST

START_TEST(free_pairs_add_nothing) {
    static const uint32_t pairs[4][2] = {{0, 0}, {0, TOTAL}, {9, 0}, {0, TOTAL}};
    ck_assert_double_eq(round_trip(pairs, 4, 77), 48);
}
END_TEST

START_TEST(damage_is_told) {
    uint64_t state = 12;
    enum { N = 600 };
    static uint32_t intervals[N][2];
    for (int i = 0; i < N; i++) {
        intervals[i][1] = 1u << 20;
        intervals[i][0] = (next_random(&state) % 16) << 20;
    }
    ardm_rans_encoder e;
    ardm_rans_decoder d;
    ardm_rans_begin(&e, 1234);
    ck_ok(ardm_rans_add(&e, (const uint32_t(*)[2])intervals, N));
    ardm_rans_finish(&e);
    ck_fails(ARDM_EFORMAT, "out of range", ardm_rans_open(&d, 1, e.words, 2 * e.count));
    ck_fails(ARDM_EFORMAT, "out of range", ardm_rans_open(&d, 1ull << 48, e.words, 2 * e.count));
    ck_fails(ARDM_EFORMAT, "whole words", ardm_rans_open(&d, e.state, e.words, 2 * e.count - 1));
    for (size_t words = 0; words < e.count; words++) { /* cut anywhere: the words end before the symbols */
        ardm_status status = ARDM_OK;
        ck_ok(ardm_rans_open(&d, e.state, e.words, 2 * words));
        for (int i = 0; i < N && status == ARDM_OK; i++) status = ardm_rans_take(&d, ardm_rans_slot(&d) & ~0xfffffu, 1u << 20);
        if (status == ARDM_OK) status = ardm_rans_close(&d, 1234);
        ck_assert_int_eq(status, ARDM_EFORMAT);
    }
    ck_ok(ardm_rans_open(&d, e.state, e.words, 2 * e.count));
    ck_fails(ARDM_EFORMAT, "outside its symbol", ardm_rans_take(&d, ardm_rans_slot(&d) + 1, 5));
    ck_fails(ARDM_EFORMAT, "left over", ardm_rans_close(&d, 1234));
    ck_fails(ARDM_EINVAL, "past the total", ardm_rans_add(&e, (const uint32_t[1][2]){{TOTAL - 1, 2}}, 1));
    ardm_rans_free(&e);
}
END_TEST

Suite *rans_suite(void) {
    Suite *suite = suite_create("rans");
    TCase *cases = tcase_create("rans");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, random_streams_obey_the_law);
    tcase_add_test(cases, frequency_one_emits_twice);
    tcase_add_test(cases, free_pairs_add_nothing);
    tcase_add_test(cases, damage_is_told);
    suite_add_tcase(suite, cases);
    return suite;
}
