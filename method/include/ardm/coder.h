/* ardm/coder.h (method): symbols to coded chunks and back. method/archive.md fixes the order of everything here.
 *
 * A chunk is what decodes alone: tiles of an image, or the windows of a stretch of text. Its tiles fall into groups that are coded
 * one after another: tiles of one layout together (layouts in order of first appearance), every window of text on its own, so that it
 * may show the windows before it. Inside a group: stage, level, block, tile, unit. Chunks share calls, whatever file they are from. */
#ifndef ARDM_CODER_H
#define ARDM_CODER_H

#include "ardm/schedule.h"
#include "ardm/session.h"

typedef struct ardm_tile {
    ardm_layout layout;
    int32_t *symbols;    /* i32[units]; windows of one text overlap in memory, so what was decoded is the next one's context */
    const uint8_t *mask; /* ARDM_GIVEN units are not coded; NULL: all are */
} ardm_tile;

typedef struct ardm_chunk {
    ardm_tile *tiles;
    uint32_t n_tiles;
    uint64_t number;   /* of the chunk in its archive: the item of the order's ranks */
    uint32_t checksum; /* XXH32 of the symbols as u16 little-endian, all coded units of all tiles in unit order */
    /* The coded form. Encoding fills it; words are the caller's to free. */
    uint32_t digest;
    uint64_t state;
    uint8_t *words; /* little-endian u16 in reading order */
    uint64_t word_bytes;
    double bits;        /* Σ −log2(f / 2^24), encoding only */
    ardm_status status; /* decoding: this chunk's own result, with `why`; encoding: ARDM_EINEXACT where the reference differs */
    char why[160];
} ardm_chunk;

typedef struct ardm_coding {
    const ardm_schedule *schedule; /* of the session's nominal layout */
    uint32_t block;                /* n of a blocks family, else 0 */
    uint64_t seed;                 /* of the order */
    const char *task;              /* what progress calls it: "compress", "verify", … */
    ardm_session *reference;       /* encoding: the same model on the device `reference`, which makes one call again; NULL: none does */
} ardm_coding;

ardm_status ardm_chunk_checksum(uint32_t *out, const ardm_chunk *chunk); /* ARDM_ENOMEM */

/* Encodes all chunks; their checksums are computed here. With a reference one call of one tile, drawn by Philox purpose 10 from the seed, is
 * made again there: ARDM_EINEXACT names chunk, call and row where the coded intervals or the digest of the frequencies differ. */
ardm_status ardm_encode(ardm_session *session, const ardm_coding *coding, ardm_chunk *chunks, uint32_t n_chunks);

/* Decodes all chunks into their tiles' symbols (given units must be in place). A damaged chunk has its own status: ARDM_EFORMAT when
 * its words or checksum do not fit, ARDM_EINEXACT when the frequencies differ from those of the encoder (digest). The call
 * itself fails only when nothing can be decoded at all. */
ardm_status ardm_decode(ardm_session *session, const ardm_coding *coding, ardm_chunk *chunks, uint32_t n_chunks);

#endif
