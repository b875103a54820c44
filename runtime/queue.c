/* The in-order queue. Nothing outside this file blocks: read and finish are the only waits of the system, and they are counted. */
#include <inttypes.h>
#include <string.h>

#include "device_private.h"

/* A driver may hold commands back until a flush; a long list should start while it is still being enqueued. */
enum { FLUSH_EVERY = 64, MOST_TRIES = 3 };

/* Large fills are split, since drivers were reported that fill buffers of some GiB wrongly. */
#define FILL_PIECE (UINT64_C(64) << 20)

static cl_mem root_memory(const ardm_buffer *buffer) { return buffer->parent ? buffer->parent->memory : buffer->memory; }

static ardm_status check_range(const ardm_device *device, const ardm_buffer *buffer, uint64_t offset, uint64_t bytes, const char *what) {
    if (buffer->device != device) return ardm_fail(ARDM_EINVAL, "%s: the buffer belongs to another device", what);
    if (offset > buffer->bytes || bytes > buffer->bytes - offset)
        return ardm_fail(ARDM_EINVAL, "%s of %" PRIu64 " bytes at %" PRIu64 " leaves a buffer of %" PRIu64, what, bytes, offset, buffer->bytes);
    return ARDM_OK;
}

int32_t ardm__queue_retry(ardm_device *device, cl_int code, int32_t *tries) {
    if (code != CL_OUT_OF_RESOURCES && code != CL_MEM_OBJECT_ALLOCATION_FAILURE) return 0;
    if (++*tries > MOST_TRIES) return 0;
    device->counts.waits++;
    return clFinish(device->queue) == CL_SUCCESS;
}

void ardm__queue_launched(ardm_device *device) {
    device->counts.launches++;
    if (++device->unflushed >= FLUSH_EVERY) {
        clFlush(device->queue);
        device->unflushed = 0;
    }
}

ardm_status ardm_queue_write(ardm_device *device, ardm_buffer *buffer, uint64_t offset, const void *source, uint64_t bytes) {
    cl_int code = CL_SUCCESS;
    int32_t tries = 0;
    ARDM_TRY(check_range(device, buffer, offset, bytes, "a write"));
    device->counts.writes++;
    device->counts.bytes_written += bytes;
    if (bytes == 0) return ARDM_OK;
    if (buffer->host) {
        memcpy(buffer->host + offset, source, bytes);
        return ARDM_OK;
    }
    do code = clEnqueueWriteBuffer(device->queue, root_memory(buffer), CL_FALSE, buffer->offset + offset, bytes, source, 0, NULL, NULL);
    while (ardm__queue_retry(device, code, &tries));
    return code == CL_SUCCESS ? ARDM_OK : ardm__cl_fail(device, code, "writing a buffer");
}

ardm_status ardm_queue_copy(ardm_device *device, ardm_buffer *to, uint64_t to_offset, ardm_buffer *from, uint64_t from_offset, uint64_t bytes) {
    cl_int code = CL_SUCCESS;
    int32_t tries = 0;
    ARDM_TRY(check_range(device, to, to_offset, bytes, "a copy"));
    ARDM_TRY(check_range(device, from, from_offset, bytes, "a copy"));
    device->counts.copies++;
    if (bytes == 0) return ARDM_OK;
    if (to->host) {
        memmove(to->host + to_offset, from->host + from_offset, bytes);
        return ARDM_OK;
    }
    do
        code = clEnqueueCopyBuffer(device->queue, root_memory(from), root_memory(to), from->offset + from_offset, to->offset + to_offset, bytes, 0,
                                   NULL, NULL);
    while (ardm__queue_retry(device, code, &tries));
    return code == CL_SUCCESS ? ARDM_OK : ardm__cl_fail(device, code, "copying a buffer");
}

static cl_int fill_piece(ardm_device *device, cl_mem memory, const void *pattern, size_t pattern_bytes, uint64_t offset, uint64_t bytes) {
    cl_int code;
    int32_t tries = 0;
    do code = clEnqueueFillBuffer(device->queue, memory, pattern, pattern_bytes, offset, bytes, 0, NULL, NULL);
    while (ardm__queue_retry(device, code, &tries));
    return code;
}

ardm_status ardm_queue_fill(ardm_device *device, ardm_buffer *buffer, uint64_t offset, uint32_t word, uint64_t bytes) {
    uint8_t pattern[4];
    cl_int code = CL_SUCCESS;
    ARDM_TRY(check_range(device, buffer, offset, bytes, "a fill"));
    if (offset % 4) return ardm_fail(ARDM_EINVAL, "a fill begins at %" PRIu64 ", no multiple of 4", offset);
    memcpy(pattern, &word, sizeof pattern);
    device->counts.fills++;
    if (buffer->host) {
        for (uint64_t k = 0; k < bytes; ++k) buffer->host[offset + k] = pattern[k % 4];
        return ARDM_OK;
    }
    uint64_t at = buffer->offset + offset, whole = at + bytes / 4 * 4, end = at + bytes;
    for (; at < whole && code == CL_SUCCESS; at += whole - at < FILL_PIECE ? whole - at : FILL_PIECE)
        code = fill_piece(device, root_memory(buffer), pattern, 4, at, whole - at < FILL_PIECE ? whole - at : FILL_PIECE);
    for (; at < end && code == CL_SUCCESS; ++at) code = fill_piece(device, root_memory(buffer), &pattern[at % 4], 1, at, 1);
    return code == CL_SUCCESS ? ARDM_OK : ardm__cl_fail(device, code, "filling a buffer");
}

ardm_status ardm_queue_read(ardm_device *device, ardm_buffer *buffer, uint64_t offset, void *target, uint64_t bytes) {
    cl_int code = CL_SUCCESS;
    int32_t tries = 0;
    ARDM_TRY(check_range(device, buffer, offset, bytes, "a read"));
    device->counts.reads++;
    device->counts.waits++;
    device->counts.bytes_read += bytes;
    device->unflushed = 0;
    if (buffer->host) {
        if (bytes) memcpy(target, buffer->host + offset, bytes);
        return ARDM_OK;
    }
    if (bytes == 0)
        code = clFinish(device->queue);
    else
        do code = clEnqueueReadBuffer(device->queue, root_memory(buffer), CL_TRUE, buffer->offset + offset, bytes, target, 0, NULL, NULL);
        while (ardm__queue_retry(device, code, &tries));
    if (code != CL_SUCCESS) return ardm__cl_fail(device, code, "reading a buffer");
    ardm__cache_save(device);
    return ARDM_OK;
}

ardm_status ardm_queue_finish(ardm_device *device) {
    device->counts.waits++;
    device->unflushed = 0;
    if (!device->queue) return ARDM_OK;
    cl_int code = clFinish(device->queue);
    if (code != CL_SUCCESS) return ardm__cl_fail(device, code, "waiting for the queue");
    ardm__cache_save(device);
    return ARDM_OK;
}
