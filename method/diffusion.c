#include "ardm/diffusion.h"

#include <assert.h>

/* Mean of loss[m], m binomial (units - 1, t): outwards from the mode by ratios, so that nothing under- or overflows before it is small. */
static double bernstein(const double *loss, uint32_t units, double t) {
    const uint32_t n = units - 1;
    if (t <= 0 || n == 0) return loss[0];
    const uint32_t raw = (uint32_t)((double)units * t), mode = raw < n ? raw : n;
    const double odds = t / (1 - t);
    double sum = loss[mode], total = 1, weight = 1;
    for (uint32_t m = mode; m < n && weight > 1e-30 * total; m++) {
        weight *= (double)(n - m) / (double)(m + 1) * odds;
        sum += weight * loss[m + 1];
        total += weight;
    }
    weight = 1;
    for (uint32_t m = mode; m > 0 && weight > 1e-30 * total; m--) {
        weight *= (double)m / (double)(n - m + 1) / odds;
        sum += weight * loss[m - 1];
        total += weight;
    }
    return sum / total;
}

double ardm_diffusion_bits(const double *loss, uint32_t units, uint32_t steps) {
    assert(units > 0 && steps > 0);
    double bits = 0;
    for (uint32_t k = 0; k < steps; k++) bits += bernstein(loss, units, (double)k / (double)steps);
    return bits * (double)units / (double)steps;
}

double ardm_diffusion_calls(uint32_t units, uint32_t steps) {
    assert(steps > 0);
    const double keep = 1 - 1 / (double)steps;
    double none = 1;
    for (uint32_t u = 0; u < units; u++) none *= keep;
    return (double)steps * (1 - none);
}
