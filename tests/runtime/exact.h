/* The functions of ardm/exact.h as a list, with what runtime/exact.md promises of each.
 *
 * ARDM_UNARY(X): X(name, least argument, greatest argument, error in units of the last place, absolute error, value in double).
 * A result is right when either error holds. Loops over points say ck_abort_msg: even a passing ck_assert writes to a file. ARDM_OTHERS(X): X(name,
 * call) of two floats a, b or two words u, v. */
#ifndef ARDM_TESTS_EXACT_H
#define ARDM_TESTS_EXACT_H

#include <check.h>
#include <math.h>
#include <stdint.h>

#define ARDM_UNARY(X)                                                                                                                                \
    X(exp, -27.725885f, 88.72283f, 1.01, 0, exp(x))                                                                                                  \
    X(log, 0x1p-126f, 0x1.fffffep127f, 0.86, 0, log(x))                                                                                              \
    X(log1p, -0x1.fffffep-1f, 0x1.fffffep127f, 1.44, 0, log1p(x))                                                                                    \
    X(tanh, -0x1.fffffep127f, 0x1.fffffep127f, 2.61, 0, tanh(x))                                                                                     \
    X(sigmoid, -27.725885f, 0x1.fffffep127f, 2.83, 0, 1 / (1 + exp(-x)))                                                                             \
    X(softplus, -27.725885f, 0x1.fffffep127f, 1.71, 0, (x > 0 ? x : 0) + log1p(exp(-fabs(x))))                                                       \
    X(log_sigmoid, -0x1.fffffep127f, 27.725885f, 1.71, 0, (x < 0 ? x : 0) - log1p(exp(-fabs(x))))                                                    \
    X(silu, -27.725885f, 0x1.fffffep127f, 3.65, 0, x / (1 + exp(-x)))                                                                                \
    X(silu_grad, -27.7f, 0x1.fffffep127f, 0, 0x1p-22, silu_slope(x))                                                                                 \
    X(gelu, -6.28f, 0x1.fffffep127f, 58.2, 0, x / (1 + exp(-gelu_inner(x))))                                                                         \
    X(gelu_grad, -6.28f, 0x1.fffffep127f, 0, 0x1p-22, gelu_slope(x))                                                                                 \
    X(sin, -8192, 8192, 1.54, 0, sin(x))                                                                                                             \
    X(cos, -8192, 8192, 1.54, 0, cos(x))                                                                                                             \
    X(sqrt, 0x1p-126f, 0x1.fffffep127f, 0.5, 0, sqrt(x))                                                                                             \
    X(rsqrt, 0x1p-126f, 0x1.fffffep127f, 0.5001, 0, 1 / sqrt(x))                                                                                     \
    X(reciprocal, -0x1.fffffep127f, 0x1.fffffep127f, 0.5001, 0, 1 / x)

#define ARDM_OTHERS(X)                                                                                                                               \
    X(mul_add, ardm_mul(a, b) + a)                                                                                                                   \
    X(fma, ardm_fma(a, b, a))                                                                                                                        \
    X(divide, ardm_divide(a, b))                                                                                                                     \
    X(max, ardm_max(a, b))                                                                                                                           \
    X(min, ardm_min(a, b))                                                                                                                           \
    X(flush, ardm_flush(a))                                                                                                                          \
    X(flush_small, ardm_flush_small(a))                                                                                                              \
    X(normal, ardm_normal(u, v))                                                                                                                     \
    X(philox, ardm_from_bits(ardm_philox_word(u, v, 3u, 4u, 5u, 6u, u & 3u) >> 9))

enum {
#define X(name, ...) ARDM_F_##name,
    ARDM_UNARY(X) ARDM_OTHERS(X)
#undef X
        ARDM_F_COUNT
};

static inline double gelu_inner(double x) { return 1.5957691216057307117597842397375 * (x + 0.044715 * x * x * x); }
static inline double silu_slope(double x) {
    const double up = 1 / (1 + exp(-x)), down = 1 / (1 + exp(x));
    return up + (fabs(x) > 700 ? 0 : x * up * down);
}
static inline double gelu_slope(double x) {
    const double u = gelu_inner(x), up = 1 / (1 + exp(-u)), down = 1 / (1 + exp(u));
    return up + (fabs(x) > 50 ? 0 : x * up * down * 1.5957691216057307117597842397375 * (1 + 3 * 0.044715 * x * x));
}

/* y[i] = function f of x[i] and z[i], both as bits; a build of exact_points.c each. */
#define ARDM_POINTS_NAME_(build) exact_points_##build
#define ARDM_POINTS_NAME(build) ARDM_POINTS_NAME_(build)
typedef void exact_points(int32_t f, const uint32_t *x, const uint32_t *z, uint32_t *y, int64_t n);
exact_points exact_points_plain, exact_points_o0, exact_points_o3, exact_points_fma, exact_points_avx2;

/* The fastest build that this processor runs: the plain one calls fmaf for every fma. */
exact_points *exact_points_best(void);

/* Bits of point i: every exponent, both signs, infinities and NaNs; no subnormal. */
static inline uint32_t exact_argument(int64_t i) {
    const uint32_t bits = (uint32_t)i * 2654435761u;
    return bits & 0x7f800000u ? bits : bits & 0x80000000u;
}

const char *exact_name(int32_t f);

Suite *errors_suite(void);
Suite *builds_suite(void);
Suite *bytes_suite(void);

#endif
