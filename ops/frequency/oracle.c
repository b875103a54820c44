#include <math.h>

#include "frequency/frequency.h"

/* floor(a * 2^40 / b) for a < 2^24, by long division a bit at a time. */
static uint64_t divide_shifted(uint64_t a, uint64_t b) {
    uint64_t quotient = a / b, rest = a % b;
    for (int bit = 0; bit < 40; bit++) {
        rest *= 2;
        quotient = 2 * quotient + (rest >= b);
        if (rest >= b) rest -= b;
    }
    return quotient;
}

/* floor(w * r / 2^40) by halves, so that no product needs more than 64 bits. */
static uint64_t scale_down(uint64_t w, uint64_t r) {
    const uint64_t high = w * (r >> 20), low = w * (r & 0xfffff);
    return (high + (low >> 20)) >> 20;
}

static double weigh(double d) {
    const double octave = 4096, constant = 0x1.715476p+12;
    double units = (double)(float)((float)d * constant); /* one float rounding, as the rule says */
    if (!(units < 122879)) units = 122879;
    const int64_t q = (int64_t)nearbyint(units);
    const double coarse = nearbyint(ldexp(exp2(-(double)(q % 4096 / 64) / 64), 30));
    const double fine = nearbyint(ldexp(exp2(-(double)(q % 64) / octave), 30));
    /* coarse * fine needs 60 bits: long double holds 64. */
    const long double product = floorl(((long double)coarse * fine + 536870912.0L) / 1073741824.0L);
    return floor(ldexp((double)product, -(int)(q / 4096)));
}

ardm_status ardm__frequency_oracle(const double *z, const int32_t *children, uint32_t *f, int64_t rows, int64_t k) {
    for (int64_t row = 0; row < rows; row++, z += k, f += k) {
        int64_t n = k, best = 0;
        if (children) n = children[row] < 0 ? 0 : children[row] < k ? children[row] : k;
        for (int64_t j = 1; j < n; j++)
            if (z[j] > z[best]) best = j;
        double total = 0;
        for (int64_t j = 0; j < n; j++) {
            const double w = j == best ? 1073741824.0 : weigh((double)(float)(z[best] - z[j]));
            total += w;
            f[j] = (uint32_t)w;
        }
        uint32_t rest = 1u << 24;
        for (int64_t j = 0; j < k; j++) {
            if (j < n)
                f[j] = (uint32_t)(1 + scale_down(f[j], divide_shifted((1u << 24) - (uint64_t)n, (uint64_t)total)));
            else
                f[j] = 0;
            rest -= f[j];
        }
        if (n) f[best] += rest;
    }
    return ARDM_OK;
}
