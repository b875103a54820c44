/* The same bits from every build of the C text: -O0 to -O3, with and without fma instructions, vectorised or not. */
#include "exact.h"

enum { COUNT = 1 << 17 };

static uint32_t x[COUNT], z[COUNT], want[COUNT], got[COUNT];

static void compare(const char *build, exact_points *points) {
    for (int64_t i = 0; i < COUNT; ++i) {
        x[i] = exact_argument(i * 8 + 5);
        z[i] = exact_argument(i * 77 + 1);
    }
    for (int32_t f = 0; f < ARDM_F_COUNT; ++f) {
        exact_points_plain(f, x, z, want, COUNT);
        points(f, x, z, got, COUNT);
        for (int64_t i = 0; i < COUNT; ++i) {
            /* The payload of a NaN is not defined. */
            if ((want[i] & 0x7fffffffu) > 0x7f800000u && (got[i] & 0x7fffffffu) > 0x7f800000u) continue;
            if (got[i] != want[i]) ck_abort_msg("%s(%08x, %08x): %08x built %s, %08x plain", exact_name(f), x[i], z[i], got[i], build, want[i]);
        }
    }
}

START_TEST(unoptimised) { compare("-O0", exact_points_o0); }
END_TEST
START_TEST(optimised) { compare("-O3", exact_points_o3); }
END_TEST
#if defined(__x86_64__)
START_TEST(fused) {
    if (__builtin_cpu_supports("fma")) compare("-O1 -mfma", exact_points_fma);
}
END_TEST
START_TEST(vectors) {
    if (__builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2")) compare("-O3 -mavx2 -mfma", exact_points_avx2);
}
END_TEST
#endif

/* The comparison itself can fail. */
static void other_function(int32_t f, const uint32_t *a, const uint32_t *b, uint32_t *y, int64_t n) {
    exact_points_plain(f, a, b, y, n);
    y[n / 2] ^= 1;
}
START_TEST(a_wrong_bit_is_seen) {
    int32_t f = ARDM_F_sqrt;
    other_function(f, x, z, got, COUNT);
    exact_points_plain(f, x, z, want, COUNT);
    int32_t differences = 0;
    for (int64_t i = 0; i < COUNT; ++i) differences += got[i] != want[i];
    ck_assert_int_eq(differences, 1);
}
END_TEST

Suite *builds_suite(void) {
    Suite *suite = suite_create("exact builds");
    TCase *tests = tcase_create("builds");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, unoptimised);
    tcase_add_test(tests, optimised);
#if defined(__x86_64__)
    tcase_add_test(tests, fused);
    tcase_add_test(tests, vectors);
#endif
    tcase_add_test(tests, a_wrong_bit_is_seen);
    suite_add_tcase(suite, tests);
    return suite;
}
