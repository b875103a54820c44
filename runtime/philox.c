/* philox.c: Philox4x32-10, Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
#include "ardm/philox.h"

void ardm_philox4(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t even = (uint64_t)0xD2511F53u * c0, odd = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(odd >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)odd;
        c2 = (uint32_t)(even >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)even;
        k0 += 0x9E3779B9u; /* golden ratio */
        k1 += 0xBB67AE85u; /* sqrt(3) - 1 */
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

uint32_t ardm_random_word(uint64_t seed, uint32_t purpose, uint32_t draw, uint64_t item, uint32_t index) {
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const uint32_t counter[4] = {index >> 2, (uint32_t)item, (uint32_t)(item >> 32), purpose << 24 | draw};
    uint32_t out[4];
    ardm_philox4(out, counter, key);
    return out[index & 3];
}

float ardm_random_uniform(uint64_t seed, uint32_t purpose, uint32_t draw, uint64_t item, uint32_t index) {
    return (float)(ardm_random_word(seed, purpose, draw, item, index) >> 8) * 0x1p-24f;
}
