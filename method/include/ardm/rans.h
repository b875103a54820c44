/* ardm/rans.h (method): the entropy coder, rANS with a 64-bit register, state in [2^32, 2^48) and 16-bit words.
 *
 * Totals are 2^24. What goes in last comes out first: the encoder takes symbols in reverse coding order. The state starts at
 * 2^32 + c, c a 32-bit checksum of the symbols, and a decoder that does not end there has a damaged chunk.
 * Cost over sum of -log2(freq / 2^24): 32 to 49 bits a chunk. Source: Duda 2013, arXiv 1311.2540. */
#ifndef ARDM_RANS_H
#define ARDM_RANS_H

#include <stddef.h>

#include "ardm/status.h"

typedef struct ardm_rans_encoder {
    uint64_t state;
    uint16_t *words; /* in order of emission: the decoder reads them from the end */
    size_t count, capacity;
} ardm_rans_encoder;

void ardm_rans_begin(ardm_rans_encoder *encoder, uint32_t checksum);
/* Adds n symbols given as start, freq pairs in coding order; walks them from the last to the first. Pairs with freq 0 or 2^24
 * are free and add nothing. Calls run from the last block of a chunk to its first. ARDM_ENOMEM; ARDM_EINVAL: start + freq > 2^24. */
ardm_status ardm_rans_add(ardm_rans_encoder *encoder, const uint32_t (*intervals)[2], size_t n);
/* Reverses the words in place, so that they are in reading order; the encoder keeps owning them. */
void ardm_rans_finish(ardm_rans_encoder *encoder);
void ardm_rans_free(ardm_rans_encoder *encoder);

typedef struct ardm_rans_decoder {
    uint64_t state;
    const uint8_t *at, *end; /* little-endian words, any alignment */
} ardm_rans_decoder;

/* ARDM_EFORMAT: the state is out of range or the bytes are odd. */
ardm_status ardm_rans_open(ardm_rans_decoder *decoder, uint64_t state, const void *words, size_t bytes);
/* The next symbol's slot in [0, 2^24). */
uint32_t ardm_rans_slot(const ardm_rans_decoder *decoder);
/* Removes the symbol with the interval that holds the slot. ARDM_EFORMAT when words run out or it does not hold it. */
ardm_status ardm_rans_take(ardm_rans_decoder *decoder, uint32_t start, uint32_t freq);
/* ARDM_EFORMAT unless every word is used and the state is 2^32 + checksum. */
ardm_status ardm_rans_close(const ardm_rans_decoder *decoder, uint32_t checksum);

#endif
