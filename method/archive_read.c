#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "archive_private.h"
#include "ardm/leb128.h"

typedef struct record {
    ardm_archive_item item;
    uint64_t begin, end; /* bytes of the file */
    uint64_t *chunks;    /* where each begins */
    uint8_t *side;       /* owned when it was packed */
    char *name;          /* owned */
    int same;            /* coder fields were those of the record before */
} record;

struct ardm_archive {
    const uint8_t *data;
    size_t size;
    uint64_t limit, promised; /* memory taken for tables and side data */
    record *records;
    uint32_t count, capacity;
};

typedef struct cursor {
    const uint8_t *at, *end;
} cursor;

void ardm_archive_close(ardm_archive **archive) {
    ardm_archive *a = *archive;
    if (!a) return;
    for (uint32_t i = 0; i < a->count; i++) {
        free(a->records[i].chunks);
        free(a->records[i].side);
        free(a->records[i].name);
    }
    free(a->records);
    free(a);
    *archive = NULL;
}

uint32_t ardm_archive_count(const ardm_archive *archive) { return archive->count; }
const ardm_archive_item *ardm_archive_at(const ardm_archive *archive, uint32_t index) {
    return index < archive->count ? &archive->records[index].item : NULL;
}
uint64_t ardm_archive_item_bytes(const ardm_archive *archive, uint32_t index) { return archive->records[index].end - archive->records[index].begin; }

static ardm_status take(cursor *c, void *out, size_t size, const char *what) {
    if ((size_t)(c->end - c->at) < size) return ardm_fail(ARDM_EFORMAT, "the data ends inside %s", what);
    memcpy(out, c->at, size);
    c->at += size;
    return ARDM_OK;
}

static ardm_status take_byte(cursor *c, uint32_t *out, const char *what) {
    uint8_t byte = 0;
    ARDM_TRY(take(c, &byte, 1, what));
    *out = byte;
    return ARDM_OK;
}

static ardm_status take_span(cursor *c, const uint8_t **out, uint64_t size, const char *what) {
    if ((uint64_t)(c->end - c->at) < size) return ardm_fail(ARDM_EFORMAT, "the data ends inside %s", what);
    *out = c->at;
    c->at += size;
    return ARDM_OK;
}

static ardm_status take_number(cursor *c, uint64_t *out, uint64_t most, const char *what) {
    return ardm_leb128_read(out, &c->at, c->end, most, what);
}

static ardm_status reserve(ardm_archive *a, uint64_t bytes) {
    if (bytes > a->limit || a->promised > a->limit - bytes)
        return ardm_fail(ARDM_ENOMEM, "it needs more memory than the limit of %llu bytes", (unsigned long long)a->limit);
    a->promised += bytes;
    return ARDM_OK;
}

static ardm_status read_coder(cursor *c, ardm_archive_item *item) {
    ARDM_TRY(take(c, item->identity, 8, "a model identity"));
    ARDM_TRY(take_byte(c, &item->numerics, "the numerics version"));
    ARDM_TRY(take_byte(c, &item->modality, "the modality"));
    ARDM_TRY(take_byte(c, &item->schedule, "the schedule"));
    if (item->schedule >= 16 && item->schedule != ARDM_ARCHIVE_EXPLICIT)
        return ardm_fail(ARDM_EFORMAT, "schedule number %u is not 0..15 or 255", item->schedule);
    if (item->schedule != ARDM_ARCHIVE_EXPLICIT) return ARDM_OK;
    ARDM_TRY(take_number(c, &item->list_size, UINT32_MAX, "the size of the schedule"));
    return take_span(c, &item->list, item->list_size, "the schedule");
}

static ardm_status read_extents(ardm_archive *a, cursor *c, ardm_archive_item *item) {
    uint64_t n = 0, product = 1;
    ARDM_TRY(take_number(c, &n, ARDM_ARCHIVE_MAX_EXTENTS, "the number of extents"));
    if (!n) return ardm_fail(ARDM_EFORMAT, "an item has no extent");
    item->n_extents = (uint32_t)n;
    for (uint32_t i = 0; i < n; i++) {
        ARDM_TRY(take_number(c, &item->extents[i], UINT64_MAX, "an extent"));
        const uint64_t e = item->extents[i];
        if (e && product > a->limit / e)
            return ardm_fail(ARDM_ENOMEM, "its extents promise more than the limit of %llu bytes", (unsigned long long)a->limit);
        product *= e;
    }
    return ARDM_OK;
}

static ardm_status read_side(ardm_archive *a, cursor *c, record *r) {
    uint64_t code = 0;
    const uint8_t *bytes = NULL;
    ARDM_TRY(take_number(c, &code, 2 * (uint64_t)ARDM_ARCHIVE_MAX_SIDE + 1, "the size of the side data"));
    ARDM_TRY(take_span(c, &bytes, code / 2, "the side data"));
    r->item.side = bytes;
    r->item.side_size = code / 2;
    if (!(code & 1)) return ARDM_OK;
    const unsigned long long size = ZSTD_getFrameContentSize(bytes, (size_t)(code / 2));
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > ARDM_ARCHIVE_MAX_SIDE)
        return ardm_fail(ARDM_EFORMAT, "its side data does not unpack to at most %u bytes", ARDM_ARCHIVE_MAX_SIDE);
    ARDM_TRY(reserve(a, size));
    if (!(r->side = malloc((size_t)size + 1))) return ardm_fail(ARDM_ENOMEM, "no memory for side data of %llu bytes", size);
    if (ZSTD_decompress(r->side, (size_t)size, bytes, (size_t)(code / 2)) != size) return ardm_fail(ARDM_EFORMAT, "its side data does not unpack");
    r->item.side = r->side;
    r->item.side_size = size;
    return ARDM_OK;
}

/* One chunk at the cursor. */
static ardm_status read_chunk(cursor *c, ardm_archive_chunk *out) {
    uint64_t code = 0;
    *out = (ardm_archive_chunk){0};
    ARDM_TRY(take(c, &out->digest, 4, "a chunk"));
    ARDM_TRY(take_number(c, &code, UINT64_MAX >> 1, "the size of a chunk"));
    out->kind = (uint32_t)(code & 3);
    out->size = code >> 2;
    if (out->kind > ARDM_CHUNK_RAW) return ardm_fail(ARDM_EFORMAT, "a chunk has kind %u", out->kind);
    if (out->kind == ARDM_CHUNK_CODED) {
        out->size *= 2;
        ARDM_TRY(take(c, &out->state, 6, "a coder state"));
    }
    return take_span(c, &out->data, out->size, "a chunk");
}

static ardm_status read_chunks(ardm_archive *a, cursor *c, record *r) {
    ARDM_TRY(take_number(c, &r->item.n_chunks, (uint64_t)(c->end - c->at) / 5 + 1, "the number of chunks"));
    ARDM_TRY(reserve(a, r->item.n_chunks * sizeof *r->chunks));
    if (!(r->chunks = malloc((size_t)(r->item.n_chunks + 1) * sizeof *r->chunks)))
        return ardm_fail(ARDM_ENOMEM, "no memory for %llu chunks", (unsigned long long)r->item.n_chunks);
    for (uint64_t i = 0; i < r->item.n_chunks; i++) {
        ardm_archive_chunk chunk;
        r->chunks[i] = (uint64_t)(c->at - a->data);
        ARDM_TRY(read_chunk(c, &chunk));
    }
    return ARDM_OK;
}

static ardm_status read_item(ardm_archive *a, cursor *c, uint32_t flags) {
    if (a->count == a->capacity) {
        const uint32_t capacity = a->capacity ? 2 * a->capacity : 8;
        ARDM_TRY(reserve(a, (uint64_t)(capacity - a->capacity) * sizeof *a->records));
        record *moved = realloc(a->records, capacity * sizeof *moved);
        if (!moved) return ardm_fail(ARDM_ENOMEM, "no memory for %u items", capacity);
        a->records = moved;
        a->capacity = capacity;
    }
    record *r = &a->records[a->count];
    memset(r, 0, sizeof *r);
    r->begin = (uint64_t)(c->at - a->data) - 1;
    r->item.name = "";
    a->count++; /* from here on close() frees what it holds */
    if (flags & ARDM__FLAG_SAME) {
        if (a->count == 1) return ardm_fail(ARDM_EFORMAT, "the first item refers to one before it");
        const ardm_archive_item *before = &a->records[a->count - 2].item;
        memcpy(r->item.identity, before->identity, 32);
        r->item.numerics = before->numerics;
        r->item.modality = before->modality;
        r->item.schedule = before->schedule;
        r->item.list = before->list;
        r->item.list_size = before->list_size;
        r->same = 1;
    } else {
        ARDM_TRY(read_coder(c, &r->item));
    }
    ARDM_TRY(take_number(c, &r->item.seed, UINT64_MAX, "the seed"));
    ARDM_TRY(read_extents(a, c, &r->item));
    ARDM_TRY(read_side(a, c, r));
    ARDM_TRY(take(c, &r->item.hash, 8, "the hash of an item"));
    ARDM_TRY(read_chunks(a, c, r));
    r->end = (uint64_t)(c->at - a->data);
    return ARDM_OK;
}

static ardm_status read_entry(ardm_archive *a, cursor *c, uint32_t index, uint64_t *begin) {
    record *r = &a->records[index];
    uint64_t value = 0;
    const uint8_t *name = NULL;
    ARDM_TRY(take_number(c, &value, a->size, "the index"));
    *begin += value;
    if (*begin != r->begin)
        return ardm_fail(ARDM_EFORMAT, "its index puts item %u at %llu, but it is at %llu", index, (unsigned long long)*begin,
                         (unsigned long long)r->begin);
    ARDM_TRY(take_number(c, &value, ARDM_ARCHIVE_MAX_NAME, "the length of a name"));
    ARDM_TRY(take_span(c, &name, value, "a name"));
    if (!ardm__archive_name_ok((const char *)name, (size_t)value))
        return ardm_fail(ARDM_EFORMAT, "the name of item %u is not a safe relative path", index);
    ARDM_TRY(reserve(a, value + 1));
    if (!(r->name = malloc((size_t)value + 1))) return ardm_fail(ARDM_ENOMEM, "no memory for a name");
    memcpy(r->name, name, (size_t)value);
    r->name[value] = '\0';
    r->item.name = r->name;
    ARDM_TRY(take_number(c, &value, 07777, "permissions"));
    r->item.mode = (uint32_t)value;
    ARDM_TRY(take_number(c, &value, UINT64_MAX, "a time"));
    r->item.mtime = (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
    uint8_t identity[32];
    if (r->same)
        memcpy(identity, a->records[index - 1].item.identity, 32);
    else
        ARDM_TRY(take(c, identity, 32, "a full identity"));
    if (memcmp(identity, r->item.identity, 8) != 0) return ardm_fail(ARDM_EFORMAT, "item %u has two different model identities", index);
    memcpy(r->item.identity, identity, 32);
    return ARDM_OK;
}

/* c stands behind the mark. The last bytes are checked first, so that damage is named as such. */
static ardm_status read_trailer(ardm_archive *a, cursor *c) {
    const uint8_t *begin = c->at - 1;
    if (c->end - c->at < ARDM__FOOTER) return ardm_fail(ARDM_EFORMAT, "the data ends inside the trailer");
    const uint8_t *footer = c->end - ARDM__FOOTER;
    uint64_t hash = 0, count = 0, at = 0;
    uint32_t length = 0;
    memcpy(&hash, footer, 8);
    memcpy(&length, footer + 8, 4);
    if (memcmp(footer + 12, ardm__archive_end, 4) != 0 || length != (uint64_t)(footer - begin) || hash != ardm_xxh64(begin, length))
        return ardm_fail(ARDM_EFORMAT, "the trailer is damaged");
    c->end = footer;
    ARDM_TRY(take_number(c, &count, UINT32_MAX, "the number of items"));
    if (count != a->count) return ardm_fail(ARDM_EFORMAT, "the trailer counts %llu items, the archive has %u", (unsigned long long)count, a->count);
    for (uint32_t i = 0; i < a->count; i++) ARDM_TRY(read_entry(a, c, i, &at));
    if (c->at != footer) return ardm_fail(ARDM_EFORMAT, "%zu bytes of the trailer are left over", (size_t)(footer - c->at));
    return ARDM_OK;
}

static ardm_status read_all(ardm_archive *a, cursor *c) {
    uint8_t magic[4] = {0};
    uint32_t version = 0, flags = 0;
    ARDM_TRY(take(c, magic, 4, "the magic number"));
    if (memcmp(magic, ardm__archive_magic, 4) != 0) return ardm_fail(ARDM_EFORMAT, "it does not begin with ARDZ");
    ARDM_TRY(take_byte(c, &version, "the version"));
    if (version != ARDM_ARCHIVE_VERSION)
        return ardm_fail(ARDM_EUNSUPPORTED, "its version is %u; this program reads %d", version, ARDM_ARCHIVE_VERSION);
    int indexed = 0;
    do {
        ARDM_TRY(take_byte(c, &flags, "an item"));
        if (flags == ARDM__FLAG_TRAILER && indexed) return read_trailer(a, c);
        if (!a->count) {
            indexed = (flags & ARDM__FLAG_INDEXED) != 0;
            flags &= ~(uint32_t)ARDM__FLAG_INDEXED;
        } else if (!indexed) {
            return ardm_fail(ARDM_EFORMAT, "data follows the only item");
        }
        if (flags & ~(uint32_t)ARDM__FLAG_SAME) return ardm_fail(ARDM_EFORMAT, "an item has unknown flags %02x", flags);
        ARDM_TRY(read_item(a, c, flags));
    } while (c->at != c->end);
    return indexed ? ardm_fail(ARDM_EFORMAT, "its trailer is missing") : ARDM_OK;
}

ardm_status ardm_archive_open(ardm_archive **out, const void *data, size_t size, uint64_t limit) {
    *out = calloc(1, sizeof **out);
    if (!*out) return ardm_fail(ARDM_ENOMEM, "no memory for an archive");
    (*out)->data = data;
    (*out)->size = size;
    (*out)->limit = limit;
    cursor c = {data, (const uint8_t *)data + size};
    const ardm_status status = read_all(*out, &c);
    if (!status) return ARDM_OK;
    const size_t at = (size_t)(c.at - (const uint8_t *)data);
    ardm_archive_close(out);
    return ardm_fail_in(status, "archive, near byte %zu", at);
}

ardm_status ardm_archive_chunk_at(const ardm_archive *a, uint32_t item, uint64_t index, ardm_archive_chunk *out) {
    if (item >= a->count || index >= a->records[item].item.n_chunks)
        return ardm_fail(ARDM_EINVAL, "archive: it has no chunk %llu of item %u", (unsigned long long)index, item);
    cursor c = {a->data + a->records[item].chunks[index], a->data + a->size};
    return read_chunk(&c, out);
}

ardm_status ardm_archive_restore(const ardm_archive_chunk *chunk, void *out, size_t size) {
    if (chunk->kind == ARDM_CHUNK_RAW) {
        if (chunk->size != size)
            return ardm_fail(ARDM_EFORMAT, "damaged chunk: %llu stored bytes, %zu expected", (unsigned long long)chunk->size, size);
        if (size) memcpy(out, chunk->data, size);
    } else if (chunk->kind == ARDM_CHUNK_ZSTD) {
        const size_t got = ZSTD_decompress(out, size, chunk->data, (size_t)chunk->size);
        if (ZSTD_isError(got) || got != size) return ardm_fail(ARDM_EFORMAT, "damaged chunk: it does not unpack to %zu bytes", size);
    } else {
        return ardm_fail(ARDM_EINVAL, "archive: a coded chunk is decoded, not restored");
    }
    if (ardm_xxh32(out, size) != chunk->digest) return ardm_fail(ARDM_EFORMAT, "damaged chunk: its checksum differs");
    return ARDM_OK;
}
