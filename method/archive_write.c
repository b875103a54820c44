#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "archive_private.h"
#include "ardm/leb128.h"

const char ardm__archive_magic[4] = {'A', 'R', 'D', 'Z'};
const char ardm__archive_end[4] = {'Z', 'D', 'R', 'A'};

enum { LEVEL = 19, WORTH_PACKING = 64 };

struct ardm_archive_writer {
    ardm_bytes bytes, trailer;
    ardm_archive_item last; /* coder fields only; its list is kept in `list` */
    ardm_bytes list;
    uint64_t missing; /* chunks of the last item */
    uint64_t last_begin;
    uint32_t items;
};

int ardm__archive_name_ok(const char *name, size_t size) {
    if (!size) return 1;
    if (size > ARDM_ARCHIVE_MAX_NAME || memchr(name, 0, size)) return 0;
    for (size_t begin = 0; begin <= size;) {
        size_t end = begin;
        for (; end < size && name[end] != '/'; end++)
            if ((unsigned char)name[end] < 32 || name[end] == 127) return 0;
        const size_t n = end - begin;
        if (n == 0 || (n == 1 && name[begin] == '.') || (n == 2 && name[begin] == '.' && name[begin + 1] == '.')) return 0;
        begin = end + 1;
    }
    return 1;
}

ardm_status ardm_archive_writer_create(ardm_archive_writer **out) {
    *out = calloc(1, sizeof **out);
    return *out ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for an archive");
}

void ardm_archive_writer_free(ardm_archive_writer **writer) {
    if (!*writer) return;
    ardm_bytes_free(&(*writer)->bytes);
    ardm_bytes_free(&(*writer)->trailer);
    ardm_bytes_free(&(*writer)->list);
    free(*writer);
    *writer = NULL;
}

static ardm_status check_item(const ardm_archive_writer *w, const ardm_archive_item *item) {
    if (w->missing) return ardm_fail(ARDM_EINVAL, "archive: %llu chunks of the item before are missing", (unsigned long long)w->missing);
    if (item->numerics > 255 || item->modality > 255)
        return ardm_fail(ARDM_EINVAL, "archive: numerics %u, modality %u", item->numerics, item->modality);
    if (item->schedule >= 16 && item->schedule != ARDM_ARCHIVE_EXPLICIT) return ardm_fail(ARDM_EINVAL, "archive: schedule number %u", item->schedule);
    if (item->n_extents < 1 || item->n_extents > ARDM_ARCHIVE_MAX_EXTENTS) return ardm_fail(ARDM_EINVAL, "archive: %u extents", item->n_extents);
    if (item->side_size > ARDM_ARCHIVE_MAX_SIDE)
        return ardm_fail(ARDM_EINVAL, "archive: %llu bytes of side data; at most %u", (unsigned long long)item->side_size, ARDM_ARCHIVE_MAX_SIDE);
    if (item->name && !ardm__archive_name_ok(item->name, strlen(item->name)))
        return ardm_fail(ARDM_EINVAL, "archive: \"%.80s\" is no relative name", item->name);
    return ARDM_OK;
}

static int same_coder(const ardm_archive_writer *w, const ardm_archive_item *item) {
    const ardm_archive_item *last = &w->last;
    if (!w->items || memcmp(last->identity, item->identity, 32) != 0) return 0;
    if (last->numerics != item->numerics || last->modality != item->modality || last->schedule != item->schedule) return 0;
    return item->schedule != ARDM_ARCHIVE_EXPLICIT || (w->list.size == item->list_size && memcmp(w->list.data, item->list, w->list.size) == 0);
}

static ardm_status put_byte(ardm_bytes *out, uint32_t value) { return ardm_bytes_append(out, &(uint8_t){(uint8_t)value}, 1); }

static ardm_status put_coder(ardm_archive_writer *w, const ardm_archive_item *item) {
    ARDM_TRY(ardm_bytes_append(&w->bytes, item->identity, 8));
    ARDM_TRY(put_byte(&w->bytes, item->numerics));
    ARDM_TRY(put_byte(&w->bytes, item->modality));
    ARDM_TRY(put_byte(&w->bytes, item->schedule));
    w->list.size = 0;
    if (item->schedule != ARDM_ARCHIVE_EXPLICIT) return ARDM_OK;
    ARDM_TRY(ardm_leb128_write(&w->bytes, item->list_size));
    ARDM_TRY(ardm_bytes_append(&w->bytes, item->list, item->list_size));
    return ardm_bytes_append(&w->list, item->list, item->list_size);
}

/* zstd where that is smaller: *packed tells which. */
static ardm_status pack(ardm_bytes *out, const void *data, size_t size, int *packed) {
    *packed = 0;
    if (size < WORTH_PACKING) return ardm_bytes_append(out, data, size);
    const size_t bound = ZSTD_compressBound(size);
    void *room = malloc(bound);
    if (!room) return ardm_fail(ARDM_ENOMEM, "no memory to pack %zu bytes", size);
    const size_t got = ZSTD_compress(room, bound, data, size, LEVEL);
    *packed = !ZSTD_isError(got) && got < size;
    const ardm_status status = *packed ? ardm_bytes_append(out, room, got) : ardm_bytes_append(out, data, size);
    free(room);
    return status;
}

static ardm_status put_side(ardm_bytes *out, const ardm_archive_item *item) {
    ardm_bytes packed = {0};
    int smaller = 0;
    ardm_status status = pack(&packed, item->side, (size_t)item->side_size, &smaller);
    if (!status) status = ardm_leb128_write(out, 2 * (uint64_t)packed.size + (uint64_t)smaller);
    if (!status) status = ardm_bytes_append(out, packed.data, packed.size);
    ardm_bytes_free(&packed);
    return status;
}

static ardm_status note_in_trailer(ardm_archive_writer *w, const ardm_archive_item *item, int same, uint64_t begin) {
    const char *name = item->name ? item->name : "";
    ARDM_TRY(ardm_leb128_write(&w->trailer, begin - w->last_begin));
    ARDM_TRY(ardm_leb128_write(&w->trailer, strlen(name)));
    ARDM_TRY(ardm_bytes_append(&w->trailer, name, strlen(name)));
    ARDM_TRY(ardm_leb128_write(&w->trailer, item->mode));
    ARDM_TRY(ardm_leb128_write(&w->trailer, (uint64_t)item->mtime << 1 ^ (item->mtime < 0 ? UINT64_MAX : 0)));
    return same ? ARDM_OK : ardm_bytes_append(&w->trailer, item->identity, 32);
}

ardm_status ardm_archive_add_item(ardm_archive_writer *w, const ardm_archive_item *item) {
    ARDM_TRY(check_item(w, item));
    if (!w->items) {
        ARDM_TRY(ardm_bytes_append(&w->bytes, ardm__archive_magic, 4));
        ARDM_TRY(put_byte(&w->bytes, ARDM_ARCHIVE_VERSION));
    }
    const int same = same_coder(w, item);
    const uint64_t begin = w->bytes.size;
    ARDM_TRY(note_in_trailer(w, item, same, begin));
    w->last_begin = begin;
    ARDM_TRY(put_byte(&w->bytes, same ? ARDM__FLAG_SAME : 0));
    if (!same) ARDM_TRY(put_coder(w, item));
    ARDM_TRY(ardm_leb128_write(&w->bytes, item->seed));
    ARDM_TRY(ardm_leb128_write(&w->bytes, item->n_extents));
    for (uint32_t i = 0; i < item->n_extents; i++) ARDM_TRY(ardm_leb128_write(&w->bytes, item->extents[i]));
    ARDM_TRY(put_side(&w->bytes, item));
    ARDM_TRY(ardm_bytes_append(&w->bytes, &item->hash, 8));
    ARDM_TRY(ardm_leb128_write(&w->bytes, item->n_chunks));
    w->last = *item;
    w->missing = item->n_chunks;
    w->items++;
    return ARDM_OK;
}

ardm_status ardm_archive_add_chunk(ardm_archive_writer *w, const ardm_archive_chunk *chunk) {
    if (!w->missing) return ardm_fail(ARDM_EINVAL, "archive: a chunk more than its item announced");
    if (chunk->kind > ARDM_CHUNK_RAW || (chunk->kind == ARDM_CHUNK_CODED && (chunk->size % 2 || chunk->state >> 48)))
        return ardm_fail(ARDM_EINVAL, "archive: a chunk of kind %u, %llu bytes, state %llx", chunk->kind, (unsigned long long)chunk->size,
                         (unsigned long long)chunk->state);
    ARDM_TRY(ardm_bytes_append(&w->bytes, &chunk->digest, 4));
    ARDM_TRY(ardm_leb128_write(&w->bytes, (chunk->kind == ARDM_CHUNK_CODED ? chunk->size / 2 : chunk->size) << 2 | chunk->kind));
    if (chunk->kind == ARDM_CHUNK_CODED) ARDM_TRY(ardm_bytes_append(&w->bytes, &chunk->state, 6));
    ARDM_TRY(ardm_bytes_append(&w->bytes, chunk->data, (size_t)chunk->size));
    w->missing--;
    return ARDM_OK;
}

ardm_status ardm_archive_finish(ardm_archive_writer *w, ardm_bytes *out) {
    if (w->missing) return ardm_fail(ARDM_EINVAL, "archive: %llu chunks of the last item are missing", (unsigned long long)w->missing);
    if (!w->items) return ardm_fail(ARDM_EINVAL, "archive: it holds no item");
    if (w->items > 1 || w->bytes.size >= ARDM__SMALL) {
        const size_t begin = w->bytes.size;
        w->bytes.data[sizeof ardm__archive_magic + 1] |= ARDM__FLAG_INDEXED;
        ARDM_TRY(put_byte(&w->bytes, ARDM__FLAG_TRAILER));
        ARDM_TRY(ardm_leb128_write(&w->bytes, w->items));
        ARDM_TRY(ardm_bytes_append(&w->bytes, w->trailer.data, w->trailer.size));
        const size_t length = w->bytes.size - begin;
        const uint64_t hash = ardm_xxh64(w->bytes.data + begin, length);
        const uint32_t stored = (uint32_t)length;
        if (length > UINT32_MAX) return ardm_fail(ARDM_EINVAL, "archive: a trailer of %zu bytes", length);
        ARDM_TRY(ardm_bytes_append(&w->bytes, &hash, 8));
        ARDM_TRY(ardm_bytes_append(&w->bytes, &stored, 4));
        ARDM_TRY(ardm_bytes_append(&w->bytes, ardm__archive_end, 4));
    }
    *out = w->bytes;
    w->bytes = (ardm_bytes){0};
    return ARDM_OK;
}

ardm_status ardm_archive_store(ardm_archive_chunk *chunk, ardm_bytes *kept, const void *data, size_t size) {
    int smaller = 0;
    kept->size = 0;
    ARDM_TRY(pack(kept, data, size, &smaller));
    *chunk = (ardm_archive_chunk){smaller ? ARDM_CHUNK_ZSTD : ARDM_CHUNK_RAW, ardm_xxh32(data, size), 0, kept->data, kept->size};
    return ARDM_OK;
}
