/* unpack.h: packed streams, shared by unpack.c and file.c. */
#ifndef ARDM_RUNTIME_UNPACK_H
#define ARDM_RUNTIME_UNPACK_H

#include "ardm/file.h"

enum { ARDM_PACKED_NONE = 0, ARDM_PACKED_XZ = 1, ARDM_PACKED_GZIP = 2, ARDM_PACKED_MAGIC = 6 /* bytes that decide */ };

/* Fills `buffer`; *got 0 at the end of the stream. */
typedef ardm_status (*ardm_unpack_source)(void *user, uint8_t *buffer, size_t capacity, size_t *got);

int32_t ardm_unpack__kind(const uint8_t *data, size_t size);

/* Appends to `out` what the stream unpacks to, `head` being its first bytes. Never holds more than `limit` bytes of it. */
ardm_status ardm_unpack__stream(ardm_bytes *out, int32_t kind, const uint8_t *head, size_t n_head, ardm_unpack_source source, void *user,
                                uint64_t limit);

/* Room for `more` bytes after the present ones. */
ardm_status ardm_bytes__reserve(ardm_bytes *bytes, size_t more);

#endif
