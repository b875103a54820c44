/* ardm/file.h (runtime): whole files in, atomic files out, byte streams, and the hashes of them.
 *
 * A file is written beside its final name, synced and renamed, so a reader sees the old bytes or the new bytes, never a part. */
#ifndef ARDM_FILE_H
#define ARDM_FILE_H

#include <stddef.h>

#include "ardm/status.h"

/* Growable bytes with one owner. {0} is an empty buffer. */
typedef struct ardm_bytes {
    uint8_t *data;
    size_t size, capacity;
} ardm_bytes;

ardm_status ardm_bytes_append(ardm_bytes *bytes, const void *data, size_t size);
ardm_status ardm_bytes_printf(ardm_bytes *bytes, const char *format, ...) ARDM_PRINTF(2, 3); /* text is kept NUL-terminated */
void ardm_bytes_free(ardm_bytes *bytes);

/* Reads a whole file, "-" is standard input. `.xz` and `.gz` content is recognised by its magic and unpacked when `unpack` is not 0.
 * Refuses more than `limit` bytes (after unpacking) with ARDM_ENOMEM. `out` is overwritten, a NUL not counted in its size follows
 * the last byte, and the caller frees it; on failure it is empty. */
ardm_status ardm_file_read(ardm_bytes *out, const char *path, uint64_t limit, int32_t unpack);

/* Unpacks .xz or .gz bytes; ARDM_EINVAL when `data` is neither. */
ardm_status ardm_unpack(ardm_bytes *out, const void *data, size_t size, uint64_t limit);

/* Atomic replacement of `path`. overwrite 0: ARDM_EEXIST when it exists. "-" writes to standard output. */
ardm_status ardm_file_write(const char *path, const void *data, size_t size, int32_t overwrite);

int32_t ardm_file_exists(const char *path);
ardm_status ardm_make_directories(const char *path);

/* Tests let the n-th write, sync or rename from now fail (0: none). */
void ardm_file_fail_after(int32_t n);

/* SHA-256 (FIPS 180-4), XXH32 and XXH64 with seed 0. */
typedef struct ardm_sha256 {
    uint8_t bytes[32];
} ardm_sha256;
void ardm_sha256_of(ardm_sha256 *out, const void *data, size_t size);
void ardm_sha256_hex(const ardm_sha256 *hash, char out[65]);
uint32_t ardm_xxh32(const void *data, size_t size);
uint64_t ardm_xxh64(const void *data, size_t size);

/* Incremental SHA-256 over fields, each preceded by its length as 64-bit little-endian (identities are defined so). */
typedef struct ardm_identity ardm_identity;
ardm_status ardm_identity_begin(ardm_identity **out);
void ardm_identity_field(ardm_identity *identity, const void *data, size_t size);
void ardm_identity_end(ardm_identity **identity, ardm_sha256 *out); /* frees it */

#endif
