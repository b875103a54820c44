/* ardm/archive.h (method): the container of coded items, version 1. method/archive.md is the specification.
 *
 * This is bytes in, bytes out: what the chunks mean is the coder's business. A reader borrows the bytes, checks all of the
 * container before it returns, and never needs more memory than `limit`. */
#ifndef ARDM_ARCHIVE_H
#define ARDM_ARCHIVE_H

#include "ardm/file.h"

#define ARDM_ARCHIVE_VERSION 1
#define ARDM_ARCHIVE_MAX_EXTENTS 8
#define ARDM_ARCHIVE_MAX_SIDE (1u << 20)
#define ARDM_ARCHIVE_MAX_NAME 4096u
#define ARDM_ARCHIVE_EXPLICIT 255u /* schedule: the list follows instead of a number */

enum { ARDM_CHUNK_CODED = 0, ARDM_CHUNK_ZSTD = 1, ARDM_CHUNK_RAW = 2 };

typedef struct ardm_archive_chunk {
    uint32_t kind;
    uint32_t digest;     /* coded: of the frequency rows (numerics.md 8); else XXH32 of the stored bytes once restored */
    uint64_t state;      /* coded: 48 bits */
    const uint8_t *data; /* coded: 16-bit little-endian words in reading order */
    uint64_t size;       /* bytes; even when coded */
} ardm_archive_chunk;

typedef struct ardm_archive_item {
    uint8_t identity[32]; /* of the model; a reader without a trailer knows the first 8 bytes, the rest is 0 */
    uint32_t numerics;    /* version, 0..255 */
    uint32_t modality;    /* number of the modality, 0: bytes that no model coded */
    uint32_t schedule;    /* 0..15: a frozen one of the model; ARDM_ARCHIVE_EXPLICIT */
    const uint8_t *list;  /* explicit: ardm_schedule_write's bytes */
    uint64_t list_size;
    uint64_t seed;      /* of the order */
    uint32_t n_extents; /* 1..8 */
    uint64_t extents[ARDM_ARCHIVE_MAX_EXTENTS];
    const uint8_t *side; /* opaque to the container, at most 1 MiB */
    uint64_t side_size;
    uint64_t hash; /* XXH64 of what is restored */
    uint64_t n_chunks;
    const char *name; /* relative, "" when not stored */
    uint32_t mode;    /* permission bits, 0 when not stored */
    int64_t mtime;    /* seconds since 1970, 0 when not stored */
} ardm_archive_item;

/* Writing: items one after another, each with exactly n_chunks chunks. All pointers are borrowed for the call. */
typedef struct ardm_archive_writer ardm_archive_writer;
ardm_status ardm_archive_writer_create(ardm_archive_writer **out);
void ardm_archive_writer_free(ardm_archive_writer **writer);
/* ARDM_EINVAL: a field is out of range, or the item before lacks chunks. */
ardm_status ardm_archive_add_item(ardm_archive_writer *writer, const ardm_archive_item *item);
ardm_status ardm_archive_add_chunk(ardm_archive_writer *writer, const ardm_archive_chunk *chunk);
/* Appends the trailer unless the archive is one item below 4 KiB, and moves the bytes into `out`. */
ardm_status ardm_archive_finish(ardm_archive_writer *writer, ardm_bytes *out);

/* Reading. */
typedef struct ardm_archive ardm_archive;
/* limit: bytes of memory that the archive may promise: extents of an item multiply to at most this. ARDM_EFORMAT with the place of
 * the damage; ARDM_EUNSUPPORTED: another version (both numbers); ARDM_ENOMEM: past the limit. `data` is borrowed until it is closed. */
ardm_status ardm_archive_open(ardm_archive **out, const void *data, size_t size, uint64_t limit);
void ardm_archive_close(ardm_archive **archive);
uint32_t ardm_archive_count(const ardm_archive *archive);
const ardm_archive_item *ardm_archive_at(const ardm_archive *archive, uint32_t index);
/* Container bytes of an item: all of its record, chunks included. */
uint64_t ardm_archive_item_bytes(const ardm_archive *archive, uint32_t index);
ardm_status ardm_archive_chunk_at(const ardm_archive *archive, uint32_t item, uint64_t index, ardm_archive_chunk *out);

/* A chunk that no model helps: zstd where that is smaller, else the bytes themselves. `kept` owns chunk->data; free it. */
ardm_status ardm_archive_store(ardm_archive_chunk *chunk, ardm_bytes *kept, const void *data, size_t size);
/* Restores a stored chunk into exactly `size` bytes. ARDM_EFORMAT: another size, or another XXH32 than its digest. */
ardm_status ardm_archive_restore(const ardm_archive_chunk *chunk, void *out, size_t size);

#endif
