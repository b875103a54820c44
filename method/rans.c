#include "ardm/rans.h"

#include <stdlib.h>
#include <string.h>

#define LOW (1ull << 32)
#define HIGH (1ull << 48)
#define BITS 24
#define TOTAL (1u << BITS)

void ardm_rans_begin(ardm_rans_encoder *encoder, uint32_t checksum) { *encoder = (ardm_rans_encoder){LOW + checksum, NULL, 0, 0}; }

/* Two words a symbol is the most: one leaves [2^24, 2^32) where freq is 1. */
static ardm_status reserve(ardm_rans_encoder *e, size_t n) {
    if (n > (SIZE_MAX / sizeof *e->words - e->count) / 4) return ardm_fail(ARDM_ENOMEM, "too many symbols in a chunk: %zu", n);
    if (e->count + 2 * n <= e->capacity) return ARDM_OK;
    const size_t capacity = 2 * (e->count + 2 * n);
    uint16_t *words = realloc(e->words, capacity * sizeof *words);
    if (!words) return ardm_fail(ARDM_ENOMEM, "no memory for %zu coded words", capacity);
    e->words = words;
    e->capacity = capacity;
    return ARDM_OK;
}

ardm_status ardm_rans_add(ardm_rans_encoder *e, const uint32_t (*intervals)[2], size_t n) {
    ARDM_TRY(reserve(e, n));
    uint64_t x = e->state;
    for (size_t i = n; i-- > 0;) {
        const uint64_t start = intervals[i][0], freq = intervals[i][1];
        if (start + freq > TOTAL)
            return ardm_fail(ARDM_EINVAL, "coder: symbol %zu has start %u and frequency %u, past the total 2^24", i, intervals[i][0],
                             intervals[i][1]);
        if (freq == 0 || freq == TOTAL) continue;
        while (x >= freq << BITS) {
            e->words[e->count++] = (uint16_t)x;
            x >>= 16;
        }
        x = (x / freq << BITS) + x % freq + start;
    }
    e->state = x;
    return ARDM_OK;
}

void ardm_rans_finish(ardm_rans_encoder *e) {
    for (size_t i = 0, j = e->count; i + 1 < j; i++) {
        const uint16_t word = e->words[i];
        e->words[i] = e->words[--j];
        e->words[j] = word;
    }
}

void ardm_rans_free(ardm_rans_encoder *e) {
    free(e->words);
    *e = (ardm_rans_encoder){0, NULL, 0, 0};
}

ardm_status ardm_rans_open(ardm_rans_decoder *d, uint64_t state, const void *words, size_t bytes) {
    if (state < LOW || state >= HIGH)
        return ardm_fail(ARDM_EFORMAT, "damaged chunk: its coder state %llx is out of range", (unsigned long long)state);
    if (bytes % 2) return ardm_fail(ARDM_EFORMAT, "damaged chunk: %zu bytes are no whole words", bytes);
    const uint8_t *at = words;
    *d = (ardm_rans_decoder){state, at, bytes ? at + bytes : at};
    return ARDM_OK;
}

uint32_t ardm_rans_slot(const ardm_rans_decoder *d) { return (uint32_t)(d->state & (TOTAL - 1)); }

ardm_status ardm_rans_take(ardm_rans_decoder *d, uint32_t start, uint32_t freq) {
    const uint32_t slot = ardm_rans_slot(d);
    if (slot < start || slot - start >= freq)
        return ardm_fail(ARDM_EFORMAT, "damaged chunk: slot %u is outside its symbol's interval %u + %u", slot, start, freq);
    if (freq == TOTAL) return ARDM_OK;
    uint64_t x = freq * (d->state >> BITS) + slot - start;
    while (x < LOW) {
        if (d->end - d->at < 2) return ardm_fail(ARDM_EFORMAT, "damaged chunk: its words end before its symbols");
        x = x << 16 | (uint64_t)(d->at[0] | d->at[1] << 8);
        d->at += 2;
    }
    d->state = x;
    return ARDM_OK;
}

ardm_status ardm_rans_close(const ardm_rans_decoder *d, uint32_t checksum) {
    if (d->at != d->end) return ardm_fail(ARDM_EFORMAT, "damaged chunk: %zu bytes are left over", (size_t)(d->end - d->at));
    if (d->state != LOW + checksum)
        return ardm_fail(ARDM_EFORMAT, "damaged chunk: the coder ends at %llx, the symbols' checksum is %08x", (unsigned long long)d->state,
                         checksum);
    return ARDM_OK;
}
