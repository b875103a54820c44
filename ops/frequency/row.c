#include "ardm/exact.h"
#include "ardm/frequency.h"
#include "frequency/tables.h"

/* Ascending with the value; NaN is least, so that it neither wins nor depends on the order of comparisons. */
static uint32_t key_of(float z) {
    const uint32_t u = ardm_bits(z);
    if ((u & 0x7fffffffu) > 0x7f800000u) return 0;
    if ((u & 0x7fffffffu) == 0) return 0x80000000u;
    return (u >> 31) ? ~u : u | 0x80000000u;
}

/* round(2^30 e^-d) from d >= 0, at most 30 octaves down. The comparison sends NaN to the end. */
static uint32_t weight(float d) {
    float u = ardm_mul(d, 0x1.715476p+12f);
    u = u < 122879.0f ? u : 122879.0f;
    const uint32_t q = ardm_bits(u + 0x1p23f) & 0x7fffffu;
    const uint64_t product = (uint64_t)ardm__frequency_t1[(q >> 6) & 63] * ardm__frequency_t2[q & 63] + (1ull << 29);
    return (uint32_t)(product >> 30) >> (q >> 12);
}

static uint32_t best_of(const float *z, uint32_t n) {
    uint32_t a = 0, best = 0;
    for (uint32_t j = 0; j < n; j++) {
        const uint32_t key = key_of(z[j]);
        if (key > best) {
            best = key;
            a = j;
        }
    }
    return a;
}

static uint64_t scale_of(uint32_t n, uint64_t total) { return total ? ((uint64_t)(ARDM_FREQUENCY_TOTAL - n) << 40) / total : 0; }

void ardm_frequency_row(const float *z, uint32_t n, uint32_t *f) {
    if (!n) return;
    const uint32_t a = best_of(z, n);
    uint64_t total = 0;
    for (uint32_t j = 0; j < n; j++) {
        f[j] = j == a ? 1u << 30 : weight(z[a] - z[j]);
        total += f[j];
    }
    const uint64_t scale = scale_of(n, total);
    uint32_t sum = 0;
    for (uint32_t j = 0; j < n; j++) {
        f[j] = 1u + (uint32_t)((f[j] * scale) >> 40);
        sum += f[j];
    }
    f[a] += ARDM_FREQUENCY_TOTAL - sum;
}

void ardm_frequency_leaves(const float *z, const uint32_t *child, uint32_t leaves, uint32_t n, uint32_t *f) {
    uint64_t mass[ARDM_FREQUENCY_MAX] = {0}, total = 0;
    if (!n || !leaves) return;
    const uint32_t a = best_of(z, leaves);
    for (uint32_t i = 0; i < leaves; i++) {
        const uint32_t w = i == a ? 1u << 30 : weight(z[a] - z[i]);
        mass[child[i]] += w;
        total += w;
    }
    const uint64_t scale = scale_of(n, total);
    uint32_t sum = 0;
    for (uint32_t j = 0; j < n; j++) {
        f[j] = 1u + (uint32_t)((mass[j] * scale) >> 40);
        sum += f[j];
    }
    f[child[a]] += ARDM_FREQUENCY_TOTAL - sum;
}

void ardm_frequency_interval(const uint32_t *f, uint32_t n, int32_t symbol, uint32_t interval[2]) {
    interval[0] = interval[1] = 0;
    if (symbol < 0 || (uint32_t)symbol >= n) return;
    for (int32_t j = 0; j < symbol; j++) interval[0] += f[j];
    interval[1] = f[symbol];
}

int32_t ardm_frequency_find(const uint32_t *f, uint32_t n, uint32_t slot) {
    uint32_t end = 0;
    for (uint32_t j = 0; j < n; j++) {
        end += f[j];
        if (slot < end) return (int32_t)j;
    }
    return -1;
}

static uint32_t mix32(uint32_t a, uint32_t b) {
    uint32_t h = a * 0x9e3779b1u + b;
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    return h ^ (h >> 16);
}

uint32_t ardm_frequency_digest(const uint32_t *f, uint32_t n, uint32_t row) {
    uint32_t sum = 0;
    for (uint32_t j = 0; j < n; j++)
        if (f[j]) sum += mix32(4096u * row + j, f[j]);
    return sum;
}
