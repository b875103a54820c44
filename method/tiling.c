/* How items are cut into chunks and tiles: fixed rules, part of the archive format. */
#include <stdlib.h>
#include <string.h>

#include "codec_private.h"

uint32_t ardm_codec__number(const char *modality) {
    for (uint32_t i = ARDM_MODALITY_IMAGE; i <= ARDM_MODALITY_AUDIO; i++)
        if (strcmp(modality, ardm_codec__name(i)) == 0) return i;
    return ARDM_MODALITY_OTHER;
}

const char *ardm_codec__name(uint32_t number) {
    static const char *const names[] = {"", "image", "text", "audio"};
    return number <= ARDM_MODALITY_AUDIO ? names[number] : "";
}

static ardm_status allocate(ardm_codec__tiling *t, uint64_t tiles, uint64_t chunks, uint64_t symbols, uint64_t given) {
    t->tiles = calloc(tiles + 1, sizeof *t->tiles);
    t->chunks = calloc(chunks + 1, sizeof *t->chunks);
    t->symbols = calloc(symbols + 1, sizeof *t->symbols);
    t->given = calloc(given + 1, 1);
    t->n_chunks = (uint32_t)chunks;
    if (t->tiles && t->chunks && t->symbols && t->given) return ARDM_OK;
    ardm_codec__untile(t);
    return ardm_fail(ARDM_ENOMEM, "no memory for %llu symbols", (unsigned long long)symbols);
}

/* Tiles in raster order, those at the right and lower edge cut short; 16 a chunk. */
static ardm_status tile_image(ardm_codec__tiling *t, const ardm_item *item, const ardm_description *model) {
    int64_t h = model->extent[0], w = model->extent[1], down = (item->extents[0] + h - 1) / h, across = (item->extents[1] + w - 1) / w;
    uint64_t n = (uint64_t)(down * across);
    ARDM_TRY(allocate(t, n, (n + ARDM_TILES_PER_CHUNK - 1) / ARDM_TILES_PER_CHUNK, (uint64_t)item->count, 0));
    int32_t *at = t->symbols;
    const uint32_t parts = ardm_head_parts(model->head, model->channels);
    for (uint64_t i = 0; i < n; i++) {
        int64_t y = (int64_t)i / across * h, x = (int64_t)i % across * w;
        uint32_t height = (uint32_t)(item->extents[0] - y < h ? item->extents[0] - y : h),
                 width = (uint32_t)(item->extents[1] - x < w ? item->extents[1] - x : w);
        t->tiles[i] = (ardm_tile){{2, {height, width, 0}, item->channels / parts, parts}, at, NULL};
        at += (size_t)height * width * item->channels;
        ardm_chunk *chunk = &t->chunks[i / ARDM_TILES_PER_CHUNK];
        if (i % ARDM_TILES_PER_CHUNK == 0) chunk->tiles = &t->tiles[i];
        chunk->number = i / ARDM_TILES_PER_CHUNK;
        chunk->n_tiles++;
    }
    return ARDM_OK;
}

/* 16 KiB a chunk, in windows of half the model's length, each shown the half before it inside the chunk. */
static ardm_status tile_text(ardm_codec__tiling *t, const ardm_item *item, const ardm_description *model) {
    uint64_t length = (uint64_t)item->count, step = model->extent[0] - model->context, context = model->context;
    uint64_t per = ARDM_TEXT_CHUNK / step, span = per * step, chunks = (length + span - 1) / span;
    if (per == 0) return ardm_fail(ARDM_EINVAL, "the model's window of %u symbols is longer than a chunk", model->extent[0]);
    ARDM_TRY(allocate(t, chunks * per, chunks, length, model->extent[0]));
    memset(t->given, ARDM_GIVEN, context);
    ardm_tile *tile = t->tiles;
    for (uint64_t c = 0; c < chunks; c++) {
        uint64_t begin = c * span, end = begin + span < length ? begin + span : length;
        ardm_chunk *chunk = &t->chunks[c];
        chunk->tiles = tile;
        chunk->number = c;
        for (uint64_t at = begin; at < end; at += step, chunk->n_tiles++) {
            uint64_t back = at - begin < context ? 0 : context, size = (end - at < step ? end - at : step) + back;
            *tile++ = (ardm_tile){{1, {(uint32_t)size, 0, 0}, 1, 1}, t->symbols + at - back, back ? t->given : NULL};
        }
    }
    return ARDM_OK;
}

ardm_status ardm_codec__tile(ardm_codec__tiling *out, const ardm_item *item, const ardm_description *model) {
    memset(out, 0, sizeof *out);
    if (item->rank != model->rank || item->channels != model->channels)
        return ardm_fail(ARDM_EINVAL, "the model codes items of rank %u with %u channels; this one has rank %u and %u", model->rank, model->channels,
                         item->rank, item->channels);
    return item->rank == 2 ? tile_image(out, item, model) : tile_text(out, item, model);
}

void ardm_codec__untile(ardm_codec__tiling *t) {
    for (uint32_t i = 0; t->chunks && i < t->n_chunks; i++) free(t->chunks[i].words);
    free(t->chunks);
    free(t->tiles);
    free(t->symbols);
    free(t->given);
    memset(t, 0, sizeof *t);
}

/* Visits every row of every tile together with its place in the item. */
static void exchange(const ardm_codec__tiling *t, const ardm_item *item, uint16_t *target) {
    if (item->rank == 1) {
        for (int64_t i = 0; i < item->count; i++) {
            if (target)
                target[i] = (uint16_t)t->symbols[i];
            else
                t->symbols[i] = item->symbols[i];
        }
        return;
    }
    int64_t y = 0, x = 0, c = item->channels;
    for (uint32_t k = 0; k < t->n_chunks; k++)
        for (uint32_t i = 0; i < t->chunks[k].n_tiles; i++) {
            const ardm_tile *tile = &t->chunks[k].tiles[i];
            int64_t height = tile->layout.extent[0], width = tile->layout.extent[1] * c;
            for (int64_t row = 0; row < height; row++) {
                int64_t at = ((y + row) * item->extents[1] + x) * c;
                for (int64_t j = 0; j < width; j++) {
                    if (target)
                        target[at + j] = (uint16_t)tile->symbols[row * width + j];
                    else
                        tile->symbols[row * width + j] = item->symbols[at + j];
                }
            }
            x += tile->layout.extent[1];
            if (x == item->extents[1]) x = 0, y += height;
        }
}

void ardm_codec__scatter(const ardm_codec__tiling *tiling, const ardm_item *item) { exchange(tiling, item, NULL); }
void ardm_codec__gather(const ardm_codec__tiling *tiling, ardm_item *item) { exchange(tiling, item, item->symbols); }

/* Coded symbols of a tile and where they begin: a window's context belongs to the window before. */
static uint32_t own_symbols(const ardm_tile *tile, int32_t **at) {
    uint32_t symbols = ardm_layout_symbols(&tile->layout), skip = 0;
    while (tile->mask && skip < symbols && tile->mask[skip] == ARDM_GIVEN) skip++;
    *at = tile->symbols + skip;
    return symbols - skip;
}

uint64_t ardm_codec__raw_size(const ardm_chunk *chunk, uint32_t classes) {
    uint64_t n = 0;
    int32_t *at;
    for (uint32_t i = 0; i < chunk->n_tiles; i++) n += own_symbols(&chunk->tiles[i], &at);
    return classes > 256 ? 2 * n : n;
}

void ardm_codec__raw_get(const ardm_chunk *chunk, uint32_t classes, uint8_t *bytes) {
    int32_t *at;
    for (uint32_t i = 0; i < chunk->n_tiles; i++)
        for (uint32_t k = 0, n = own_symbols(&chunk->tiles[i], &at); k < n; k++) {
            *bytes++ = (uint8_t)at[k];
            if (classes > 256) *bytes++ = (uint8_t)(at[k] >> 8);
        }
}

ardm_status ardm_codec__raw_set(const ardm_chunk *chunk, uint32_t classes, const uint8_t *bytes) {
    int32_t *at;
    for (uint32_t i = 0; i < chunk->n_tiles; i++)
        for (uint32_t k = 0, n = own_symbols(&chunk->tiles[i], &at); k < n; k++) {
            uint32_t symbol = *bytes++;
            if (classes > 256) symbol |= (uint32_t)*bytes++ << 8;
            if (symbol >= classes) return ardm_fail(ARDM_EFORMAT, "a stored chunk holds the symbol %u of %u", symbol, classes);
            at[k] = (int32_t)symbol;
        }
    return ARDM_OK;
}

static void put_u64(ardm_bytes *to, uint64_t value, ardm_status *status) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (8 * i));
    if (*status == ARDM_OK) *status = ardm_bytes_append(to, bytes, sizeof bytes);
}

ardm_status ardm_codec__item_hash(uint64_t *out, const ardm_item *item) {
    ardm_bytes bytes = {0};
    ardm_status status = ARDM_OK;
    uint32_t each = item->classes > 256 ? 2 : 1;
    put_u64(&bytes, item->rank, &status);
    for (uint32_t i = 0; i < item->rank; i++) put_u64(&bytes, (uint64_t)item->extents[i], &status);
    put_u64(&bytes, item->channels, &status);
    put_u64(&bytes, item->side.size, &status);
    if (status == ARDM_OK && item->side.size) status = ardm_bytes_append(&bytes, item->side.data, item->side.size);
    uint8_t *samples = malloc((size_t)item->count * each + 1), *at = samples;
    if (status == ARDM_OK && !samples) status = ardm_fail(ARDM_ENOMEM, "no memory for the hash of %lld symbols", (long long)item->count);
    for (int64_t i = 0; status == ARDM_OK && i < item->count; i++) {
        if (each == 2) *at++ = (uint8_t)(item->symbols[i] >> 8);
        *at++ = (uint8_t)item->symbols[i];
    }
    if (status == ARDM_OK) status = ardm_bytes_append(&bytes, samples, (size_t)(at - samples));
    if (status == ARDM_OK) *out = ardm_xxh64(bytes.data, bytes.size);
    free(samples);
    ardm_bytes_free(&bytes);
    return status;
}
