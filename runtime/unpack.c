/* unpack.c: .xz through liblzma and .gz through zlib, told apart by their magic. Concatenated members count as one stream, as
 * their tools have it; what follows the last member is damage. */
#include "unpack.h"

#include <inttypes.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { CHUNK = 1 << 16 };

/* A dictionary is promised by a header: xz -9 asks for 64 MiB, more is allowed only where `limit` is larger. */
#define LEAST_DICTIONARY (UINT64_C(96) << 20)

int32_t ardm_unpack__kind(const uint8_t *data, size_t size) {
    static const uint8_t xz[6] = {0xfd, '7', 'z', 'X', 'Z', 0}, gzip[3] = {0x1f, 0x8b, 8};
    if (size >= sizeof xz && !memcmp(data, xz, sizeof xz)) return ARDM_PACKED_XZ;
    if (size >= sizeof gzip && !memcmp(data, gzip, sizeof gzip)) return ARDM_PACKED_GZIP;
    return ARDM_PACKED_NONE;
}

typedef struct input {
    const uint8_t *head; /* handed out before the source is asked */
    size_t n_head;
    ardm_unpack_source source;
    void *user;
    uint8_t buffer[CHUNK];
} input;

static ardm_status next_chunk(input *in, const uint8_t **data, size_t *size) {
    if (in->n_head) {
        *data = in->head;
        *size = in->n_head < CHUNK ? in->n_head : CHUNK; /* zlib counts in 32 bits */
        in->head += *size;
        in->n_head -= *size;
        return ARDM_OK;
    }
    *data = in->buffer;
    *size = 0;
    return in->source ? in->source(in->user, in->buffer, CHUNK, size) : ARDM_OK;
}

/* Output room of at most one chunk, one byte beyond `limit` so that excess shows. */
static ardm_status make_room(ardm_bytes *out, size_t start, uint64_t limit, size_t *room) {
    uint64_t held = out->size - start;
    if (held > limit) return ardm_fail(ARDM_ENOMEM, "unpacks to more than the %" PRIu64 " bytes allowed", limit);
    *room = limit - held < CHUNK ? (size_t)(limit - held) + 1 : CHUNK;
    return ardm_bytes__reserve(out, *room);
}

static ardm_status unpack_xz(ardm_bytes *out, input *in, uint64_t limit) {
    lzma_stream stream = LZMA_STREAM_INIT;
    const size_t start = out->size;
    ardm_status status = ARDM_OK;
    lzma_ret code = lzma_stream_decoder(&stream, limit > LEAST_DICTIONARY ? limit : LEAST_DICTIONARY, LZMA_CONCATENATED);
    lzma_action action = LZMA_RUN;
    while (code == LZMA_OK) {
        if (!stream.avail_in && action == LZMA_RUN) {
            if ((status = next_chunk(in, &stream.next_in, &stream.avail_in))) goto end;
            if (!stream.avail_in) action = LZMA_FINISH; /* truncation shows as LZMA_BUF_ERROR from here */
        }
        size_t room = 0;
        if ((status = make_room(out, start, limit, &room))) goto end;
        stream.next_out = out->data + out->size;
        stream.avail_out = room;
        code = lzma_code(&stream, action);
        out->size += room - stream.avail_out;
    }
    if (code == LZMA_MEM_ERROR)
        status = ardm_fail(ARDM_ENOMEM, "no memory to unpack xz data");
    else if (code == LZMA_MEMLIMIT_ERROR)
        status = ardm_fail(ARDM_ENOMEM, "xz data asks for a dictionary of %" PRIu64 " bytes", lzma_memusage(&stream));
    else if (code == LZMA_BUF_ERROR)
        status = ardm_fail(ARDM_EFORMAT, "xz data is truncated after %zu unpacked bytes", out->size - start);
    else if (code != LZMA_STREAM_END)
        status = ardm_fail(ARDM_EFORMAT, "xz data is damaged after %zu unpacked bytes (liblzma code %d)", out->size - start, (int)code);
    else if (out->size - start > limit)
        status = ardm_fail(ARDM_ENOMEM, "unpacks to more than the %" PRIu64 " bytes allowed", limit);
end:
    lzma_end(&stream);
    return status;
}

static ardm_status unpack_gzip(ardm_bytes *out, input *in, uint64_t limit) {
    z_stream stream = {0};
    const size_t start = out->size;
    ardm_status status = ARDM_OK;
    int ended = 0; /* between members */
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return ardm_fail(ARDM_ENOMEM, "no memory to unpack gzip data");
    for (;;) {
        if (!stream.avail_in) {
            const uint8_t *data;
            size_t size;
            if ((status = next_chunk(in, &data, &size))) goto end;
            if (!size && ended) break;
            if (!size) {
                status = ardm_fail(ARDM_EFORMAT, "gzip data is truncated after %zu unpacked bytes", out->size - start);
                goto end;
            }
            stream.next_in = (Bytef *)(uintptr_t)data; /* zlib does not write to it; its type forgot const */
            stream.avail_in = (uInt)size;
        }
        if (ended) {
            inflateReset(&stream);
            ended = 0;
        }
        size_t room = 0;
        if ((status = make_room(out, start, limit, &room))) goto end;
        stream.next_out = out->data + out->size;
        stream.avail_out = (uInt)room;
        int code = inflate(&stream, Z_NO_FLUSH);
        out->size += room - stream.avail_out;
        if (code == Z_STREAM_END) {
            ended = 1;
        } else if (code == Z_MEM_ERROR) {
            status = ardm_fail(ARDM_ENOMEM, "no memory to unpack gzip data");
            goto end;
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            status = ardm_fail(ARDM_EFORMAT, "gzip data is damaged after %zu unpacked bytes: %s", out->size - start,
                               stream.msg ? stream.msg : "a dictionary is asked for");
            goto end;
        }
    }
    if (out->size - start > limit) status = ardm_fail(ARDM_ENOMEM, "unpacks to more than the %" PRIu64 " bytes allowed", limit);
end:
    inflateEnd(&stream);
    return status;
}

ardm_status ardm_unpack__stream(ardm_bytes *out, int32_t kind, const uint8_t *head, size_t n_head, ardm_unpack_source source, void *user,
                                uint64_t limit) {
    input *in = malloc(sizeof *in);
    if (!in) return ardm_fail(ARDM_ENOMEM, "no memory for a buffer of %zu bytes", sizeof *in);
    in->head = head;
    in->n_head = n_head;
    in->source = source;
    in->user = user;
    ardm_status status = kind == ARDM_PACKED_XZ ? unpack_xz(out, in, limit) : unpack_gzip(out, in, limit);
    free(in);
    return status;
}

ardm_status ardm_unpack(ardm_bytes *out, const void *data, size_t size, uint64_t limit) {
    *out = (ardm_bytes){0};
    int32_t kind = ardm_unpack__kind(data, size);
    if (!kind) return ardm_fail(ARDM_EINVAL, "%zu bytes that are neither xz nor gzip data cannot be unpacked", size);
    ardm_status status = ardm_unpack__stream(out, kind, data, size, NULL, NULL, limit);
    if (!status) status = ardm_bytes_printf(out, "%s", ""); /* a NUL after the end, for callers who read text */
    if (status) ardm_bytes_free(out);
    return status;
}
