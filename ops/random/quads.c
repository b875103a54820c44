/* Dropout, four elements a block of Philox: blocks do not depend on each other, so the loop over them vectorises. */
#include "random/quads.h"

#include "ardm/exact.h"
#include "ardm/philox.h"

static float keep(const ardm__dropout *d, uint32_t word, float x) {
    return ardm_select(word >= d->threshold, ardm_flush(ardm_mul(x, d->scale)), 0.0f);
}

/* Quads `begin` to `end - 1` of one item whose elements are all there. */
static void run_whole(const ardm__dropout *d, uint32_t item, const float *restrict x, float *restrict y, int64_t begin, int64_t end) {
    const uint32_t purpose = (uint32_t)ARDM_RANDOM_DROPOUT << 24 | d->layer, low = d->key[0], high = d->key[1], step = d->key[2];
    for (int64_t q = begin; q < end; ++q)
        for (uint32_t lane = 0; lane < 4; ++lane) {
            const uint32_t word = ardm_philox_word((uint32_t)q, item, step, purpose, low, high, lane);
            y[4 * q + lane] = keep(d, word, x[4 * q + lane]);
        }
}

void ARDM_REFERENCE(dropout_quads)(const ardm__dropout *d, const float *x, float *y, int64_t begin, int64_t end) {
    const uint32_t purpose = (uint32_t)ARDM_RANDOM_DROPOUT << 24 | d->layer;
    const int64_t whole = d->size / 4;
    while (begin < end) {
        const int64_t n = begin / d->quads, first = begin - n * d->quads, left = end - n * d->quads, last = left < d->quads ? left : d->quads;
        const float *from = x + n * d->size;
        float *to = y + n * d->size;
        const uint32_t item = d->first + (uint32_t)n;
        run_whole(d, item, from, to, first, last < whole ? last : whole);
        if (last > whole)
            for (int64_t e = 4 * whole; e < d->size; ++e)
                to[e] = keep(d, ardm_philox_word((uint32_t)whole, item, d->key[2], purpose, d->key[0], d->key[1], (uint32_t)(e & 3)), from[e]);
        begin += last - first;
    }
}
