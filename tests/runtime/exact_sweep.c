/* exact_sweep [STEP [FUNCTION]]: errors of exact.h against libm in double over every STEP-th float, 1 for all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exact.h"

#include "ardm/exact.h"

static void sweep(const char *name, float (*f)(float), double (*exact)(double), float low, float high, uint64_t step) {
    double worst = 0, most = 0;
    float at = 0;
    uint64_t count = 0, not_nearest = 0;
    const int any = strcmp(name, "log") == 0 || strcmp(name, "sqrt") == 0 || strcmp(name, "rsqrt") == 0 || strcmp(name, "reciprocal") == 0;
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += step) {
        const float x = ardm_from_bits((uint32_t)bits);
        if (!(x >= low && x <= high) || fabsf(x) < 0x1p-126f || (!any && fabsf(x) < 0x1p-40f)) continue;
        const double want = exact(x);
        int exponent;
        if (fabs(want) < 0x1p-126) continue;
        frexp(want, &exponent);
        const float y = f(x);
        const double error = y == y ? fabs(y - want) : INFINITY, units = ldexp(error, 24 - exponent);
        if (units > worst) worst = units, at = x;
        if (error > most && fabs(want) <= 2) most = error;
        not_nearest += y != (float)want;
        ++count;
    }
    printf("%-12s %10llu floats  %12.4f units at %-16a  %.3g absolute (|y| <= 2)  %.3f%% not the nearest\n", name, (unsigned long long)count, worst,
           (double)at, most, count ? 100.0 * (double)not_nearest / (double)count : 0.0);
    fflush(stdout);
}

#define X(name, low, high, ulps, absolute, value)                                                                                                    \
    static float name##_f(float x) { return ardm_##name(x); }                                                                                        \
    static double name##_d(double x) { return value; }
ARDM_UNARY(X)
#undef X

int main(int argc, char **argv) {
    const uint64_t step = argc > 1 ? strtoull(argv[1], NULL, 10) : 65537;
    if (step == 0) return fprintf(stderr, "exact_sweep [STEP [FUNCTION]]: STEP is 1 or more\n"), 1;
#define X(name, low, high, ulps, absolute, value)                                                                                                    \
    if (argc < 3 || strcmp(argv[2], #name) == 0) sweep(#name, name##_f, name##_d, low, high, step);
    ARDM_UNARY(X)
#undef X
    return 0;
}
