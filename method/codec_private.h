/* An item between file and chunks; shared by both directions. */
#ifndef ARDM_CODEC_PRIVATE_H
#define ARDM_CODEC_PRIVATE_H

#include "ardm/codec.h"
#include "ardm/coder.h"

enum { ARDM_MODALITY_NONE = 0, ARDM_MODALITY_IMAGE = 1, ARDM_MODALITY_TEXT = 2, ARDM_MODALITY_AUDIO = 3, ARDM_MODALITY_OTHER = 4 };
uint32_t ardm_codec__number(const char *modality); /* of the archive; OTHER: the model names it */
const char *ardm_codec__name(uint32_t number);

/* The tiles of an item: copies of an image's tiles, overlapping windows of a text. */
typedef struct ardm_codec__tiling {
    ardm_chunk *chunks;
    uint32_t n_chunks;
    ardm_tile *tiles;
    int32_t *symbols; /* of all tiles, or of the whole text */
    uint8_t *given;   /* the mask of a window with context: the first half given */
} ardm_codec__tiling;

/* Lays out chunks for the item's extents (symbols untouched) by the model's nominal layout. ARDM_EINVAL when they do not fit the model. */
ardm_status ardm_codec__tile(ardm_codec__tiling *out, const ardm_item *item, const ardm_description *model);
void ardm_codec__untile(ardm_codec__tiling *tiling);
/* Item symbols into tiles, and back. */
void ardm_codec__scatter(const ardm_codec__tiling *tiling, const ardm_item *item);
void ardm_codec__gather(const ardm_codec__tiling *tiling, ardm_item *item);

/* A chunk's symbols in unit order as bytes (u16 little-endian above 256 classes), for chunks that are stored; what context shows is not. */
uint64_t ardm_codec__raw_size(const ardm_chunk *chunk, uint32_t classes);
void ardm_codec__raw_get(const ardm_chunk *chunk, uint32_t classes, uint8_t *bytes);
ardm_status ardm_codec__raw_set(const ardm_chunk *chunk, uint32_t classes, const uint8_t *bytes);

/* XXH64 of all that restores an item whose file does not come back in bytes: rank, extents, channels and side length as u64 little-endian,
 * side bytes, then the symbols as big-endian samples of one byte, two above 256 classes. */
ardm_status ardm_codec__item_hash(uint64_t *out, const ardm_item *item);

#endif
