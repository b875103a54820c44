/* Errors against libm in double on a sample of all floats, and the values at the ends. */
#include <stdio.h>

#include "exact.h"

#include "ardm/exact.h"
#include "ardm/philox.h"

#define INF 0x7f800000u
#define NAN_BITS 0x7fc00000u

static int is_nan(uint32_t bits) { return (bits & 0x7fffffffu) > INF; }

static double unit(double value) {
    int exponent;
    frexp(value, &exponent);
    return ldexp(1, exponent - 24);
}

/* Canonical arguments; log, sqrt and their kin take any normal number. */
static int skipped(const char *name, float x) {
    if (name[0] == 'l' && name[3] == '\0') return 0; /* log */
    if (name[0] == 'r' || (name[0] == 's' && name[1] == 'q')) return fabsf(x) < 0x1p-126f;
    return x != 0 && fabsf(x) < 0x1p-40f;
}

static void check_errors(int32_t f, double (*exact)(double), float low, float high, double ulps, double absolute) {
    enum { CHUNK = 4096 };
    static uint32_t xs[CHUNK], ys[CHUNK];
    const char *name = exact_name(f);
    uint32_t count = 0;
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32;) {
        int32_t many = 0;
        for (; bits < UINT64_C(1) << 32 && many < CHUNK; bits += 4099) {
            const float x = ardm_from_bits((uint32_t)bits);
            if (x >= low && x <= high && !skipped(name, x)) xs[many++] = (uint32_t)bits;
        }
        exact_points_best()(f, xs, xs, ys, many);
        for (int32_t i = 0; i < many; ++i) {
            const double x = ardm_from_bits(xs[i]), y = ardm_from_bits(ys[i]), want = exact(x), error = fabs(y - want);
            if (fabs(want) < 0x1p-126) continue;
            if (!(error <= ulps * unit(want) || error <= absolute))
                ck_abort_msg("%s(%a) = %a, want %a: %.3f units, %g", name, x, y, want, error / unit(want), error);
            ++count;
        }
    }
    ck_assert_msg(count > 100000, "%s: %u points only", name, count);
}

#define X(name, low, high, ulps, absolute, value)                                                                                                    \
    static double name##_d(double x) { return value; }                                                                                               \
    START_TEST(name##_errors) { check_errors(ARDM_F_##name, name##_d, low, high, ulps, absolute); }                                                  \
    END_TEST
ARDM_UNARY(X)
#undef X

static const struct {
    int32_t f;
    uint32_t x, want; /* any NaN is as good as NAN_BITS */
} ends[] = {
    {ARDM_F_exp, 0x00000000u, 0x3f800000u},
    {ARDM_F_exp, 0x80000000u, 0x3f800000u},
    {ARDM_F_exp, 0xc1ddce9eu, 0},           /* the first float below -40 ln 2 */
    {ARDM_F_exp, 0xc1ddce9du, 0x2b80000fu}, /* the last above */
    {ARDM_F_exp, 0xc2000000u, 0},
    {ARDM_F_exp, 0x42b17217u, 0x7f7fff84u},
    {ARDM_F_exp, 0x42b17218u, INF},
    {ARDM_F_exp, 0x7f7fffffu, INF},
    {ARDM_F_exp, INF, INF},
    {ARDM_F_exp, 0xff800000u, 0},
    {ARDM_F_exp, NAN_BITS, NAN_BITS},
    {ARDM_F_log, 0x3f800000u, 0},
    {ARDM_F_log, 0, 0xff800000u},
    {ARDM_F_log, 0x80000000u, 0xff800000u},
    {ARDM_F_log, 0xbf800000u, NAN_BITS},
    {ARDM_F_log, INF, INF},
    {ARDM_F_log, 0xff800000u, NAN_BITS},
    {ARDM_F_log, NAN_BITS, NAN_BITS},
    {ARDM_F_log1p, 0, 0},
    {ARDM_F_log1p, 0xbf800000u, 0xff800000u},
    {ARDM_F_log1p, 0x7f7fffffu, 0x42b17218u},
    {ARDM_F_log1p, 0x7f3504f4u, 0x42b0c0a6u},
    {ARDM_F_log1p, 0xc0000000u, NAN_BITS},
    {ARDM_F_log1p, INF, INF},
    {ARDM_F_log1p, 0xff800000u, NAN_BITS},
    {ARDM_F_log1p, NAN_BITS, NAN_BITS},
    {ARDM_F_tanh, 0, 0},
    {ARDM_F_tanh, 0x41200000u, 0x3f800000u},
    {ARDM_F_tanh, 0xff800000u, 0xbf800000u},
    {ARDM_F_tanh, INF, 0x3f800000u},
    {ARDM_F_tanh, NAN_BITS, NAN_BITS},
    {ARDM_F_sigmoid, 0, 0x3f000000u},
    {ARDM_F_sigmoid, 0xff800000u, 0},
    {ARDM_F_sigmoid, INF, 0x3f800000u},
    {ARDM_F_sigmoid, NAN_BITS, NAN_BITS},
    {ARDM_F_softplus, 0xff800000u, 0},
    {ARDM_F_softplus, INF, INF},
    {ARDM_F_softplus, NAN_BITS, NAN_BITS},
    {ARDM_F_silu, 0, 0},
    {ARDM_F_silu, INF, INF},
    {ARDM_F_silu, 0xff800000u, NAN_BITS},
    {ARDM_F_silu_grad, 0, 0x3f000000u},
    {ARDM_F_silu_grad, INF, 0x3f800000u},
    {ARDM_F_silu_grad, NAN_BITS, NAN_BITS},
    {ARDM_F_gelu, 0, 0},
    {ARDM_F_gelu, INF, INF},
    {ARDM_F_gelu, 0x7f000000u, 0x7f000000u},
    {ARDM_F_gelu_grad, 0, 0x3f000000u},
    {ARDM_F_gelu_grad, INF, 0x3f800000u},
    {ARDM_F_gelu_grad, NAN_BITS, NAN_BITS},
    {ARDM_F_sin, 0, 0},
    {ARDM_F_cos, 0, 0x3f800000u},
    {ARDM_F_sin, INF, NAN_BITS},
    {ARDM_F_cos, 0xff800000u, NAN_BITS},
    {ARDM_F_sqrt, 0, 0},
    {ARDM_F_sqrt, 0x80000000u, 0},
    {ARDM_F_sqrt, 0x40800000u, 0x40000000u},
    {ARDM_F_sqrt, 0xbf800000u, NAN_BITS},
    {ARDM_F_sqrt, INF, INF},
    {ARDM_F_sqrt, 0xff800000u, NAN_BITS},
    {ARDM_F_sqrt, NAN_BITS, NAN_BITS},
    {ARDM_F_rsqrt, 0, INF},
    {ARDM_F_rsqrt, INF, 0},
    {ARDM_F_rsqrt, 0xbf800000u, NAN_BITS},
    {ARDM_F_rsqrt, NAN_BITS, NAN_BITS},
    {ARDM_F_reciprocal, 0, INF},
    {ARDM_F_reciprocal, 0x80000000u, 0xff800000u},
    {ARDM_F_reciprocal, INF, 0},
    {ARDM_F_reciprocal, 0xff800000u, 0},
    {ARDM_F_reciprocal, NAN_BITS, NAN_BITS},
    {ARDM_F_reciprocal, 0x7f7fffffu, 0}, /* 2^-128 would be subnormal */
    {ARDM_F_flush, 0x2b800000u, 0x2b800000u},
    {ARDM_F_flush, 0x2b7fffffu, 0},
    {ARDM_F_flush, 0xab7fffffu, 0},
    {ARDM_F_flush, 0xab800000u, 0xab800000u},
    {ARDM_F_flush, 0x80000000u, 0},
    {ARDM_F_flush, NAN_BITS, NAN_BITS},
    {ARDM_F_flush, 0x00000001u, 0},
    {ARDM_F_flush_small, 0x0d800000u, 0x0d800000u},
    {ARDM_F_flush_small, 0x8d7fffffu, 0},
};

START_TEST(values_at_the_ends) {
    for (uint32_t k = 0; k < sizeof ends / sizeof ends[0]; ++k) {
        uint32_t zero = 0, got;
        exact_points_plain(ends[k].f, &ends[k].x, &zero, &got, 1);
        if (is_nan(ends[k].want))
            ck_assert_msg(is_nan(got), "%s(%08x) = %08x, want NaN", exact_name(ends[k].f), ends[k].x, got);
        else
            ck_assert_msg(got == ends[k].want, "%s(%08x) = %08x, want %08x", exact_name(ends[k].f), ends[k].x, got, ends[k].want);
    }
}
END_TEST

START_TEST(divide_rounds_to_nearest) {
    uint32_t odd = 0, count = 0;
    for (int64_t i = 0; i < 2000000; ++i) {
        const float a = ardm_from_bits(exact_argument(i)), b = ardm_from_bits(exact_argument(7 * i + 12345));
        const float got = ardm_divide(a, b), want = a / b;
        if (want != want) {
            if (got == got) ck_abort_msg("%a / %a = %a, want NaN", (double)a, (double)b, (double)got);
        } else if (fabsf(want) < 0x1p-126f) {
            if (ardm_bits(got) != 0 && fabsf(got) != 0x1p-126f) ck_abort_msg("%a / %a = %a, want +0", (double)a, (double)b, (double)got);
        } else {
            ++count;
            odd += got != want;
            /* double's quotient is right far below a unit of float */
            if (!(got == want || fabs(got - (double)a / b) <= 0.5001 * unit((double)a / b)))
                ck_abort_msg("%a / %a = %a, want %a", (double)a, (double)b, (double)got, (double)want);
        }
    }
    ck_assert_msg(count > 1000000 && odd < count / 1000, "%u of %u quotients are not the nearest", odd, count);
}
END_TEST

/* Fusing a product into an addition shows here: (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24 exactly, and 0 after rounding. */
START_TEST(product_is_rounded) {
    volatile float a = 1.0f + 0x1p-12f, b = 1.0f + 0x1p-12f, c = -1.0f - 0x1p-11f;
    ck_assert(ardm_mul(a, b) + c == 0.0f);
    ck_assert(ardm_fma(a, b, c) == 0x1p-24f);
    ck_assert(ardm_bits(ardm_mul(-0.0f, a)) == 0x80000000u && ardm_bits(ardm_mul(0.0f, a)) == 0);
}
END_TEST

START_TEST(deviates_are_normal) {
    enum { COUNT = 400000 };
    double moment[5] = {0};
    for (uint32_t i = 0; i < COUNT; ++i) {
        const uint32_t u = ardm_random_word(1, ARDM_RANDOM_SYNTHETIC, 0, 0, 2 * i), v = ardm_random_word(1, ARDM_RANDOM_SYNTHETIC, 0, 0, 2 * i + 1);
        const double x = ardm_normal(u, v), want = sqrt(-2 * log(((u >> 8) + 1.0) * 0x1p-24)) * cos(6.283185307179586476925 * ((v >> 8) * 0x1p-24));
        if (!(fabs(x - want) <= 0x1p-20)) ck_abort_msg("deviate of %08x, %08x: %a, want %a", u, v, x, want);
        for (int k = 1; k < 5; ++k) moment[k] += pow(x, k) / COUNT;
    }
    /* Five standard errors of each moment. */
    ck_assert_msg(fabs(moment[1]) < 5 / sqrt(COUNT), "mean %g", moment[1]);
    ck_assert_msg(fabs(moment[2] - 1) < 5 * sqrt(2.0 / COUNT), "variance %g", moment[2]);
    ck_assert_msg(fabs(moment[3]) < 5 * sqrt(15.0 / COUNT), "third moment %g", moment[3]);
    ck_assert_msg(fabs(moment[4] - 3) < 5 * sqrt(96.0 / COUNT), "fourth moment %g", moment[4]);
    ck_assert(fabsf(ardm_normal(0, 0)) < 5.77f && ardm_is_finite(ardm_normal(0, 0)) && ardm_normal(0xffffffffu, 0) == 0.0f);
}
END_TEST

START_TEST(finite_by_exponent) {
    ck_assert(ardm_is_finite(0.0f) && ardm_is_finite(0x1.fffffep127f) && ardm_is_finite(-1.0f));
    ck_assert(!ardm_is_finite(ardm_from_bits(INF)) && !ardm_is_finite(ardm_from_bits(0xff800000u)) && !ardm_is_finite(ardm_from_bits(NAN_BITS)));
}
END_TEST

START_TEST(words_are_those_of_philox) {
    for (uint32_t i = 0; i < 1000; ++i) {
        const uint64_t seed = UINT64_C(0x123456789abcdef) * (i + 1), item = UINT64_C(0xfedcba987654321) * (i + 3);
        ck_assert_uint_eq(
            ardm_philox_word(i >> 2, (uint32_t)item, (uint32_t)(item >> 32), 8u << 24 | i, (uint32_t)seed, (uint32_t)(seed >> 32), i & 3),
            ardm_random_word(seed, ARDM_RANDOM_SAMPLE, i, item, i));
    }
}
END_TEST

Suite *errors_suite(void) {
    Suite *suite = suite_create("exact errors");
    TCase *tests = tcase_create("errors");
    tcase_set_timeout(tests, 120);
#define X(name, ...) tcase_add_test(tests, name##_errors);
    ARDM_UNARY(X)
#undef X
    tcase_add_test(tests, values_at_the_ends);
    tcase_add_test(tests, divide_rounds_to_nearest);
    tcase_add_test(tests, product_is_rounded);
    tcase_add_test(tests, deviates_are_normal);
    tcase_add_test(tests, finite_by_exponent);
    tcase_add_test(tests, words_are_those_of_philox);
    suite_add_tcase(suite, tests);
    return suite;
}
