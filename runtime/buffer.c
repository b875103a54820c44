/* Device memory with an owner count, and views of it. Host memory on the reference device. */
#include <inttypes.h>
#include <stdlib.h>

#include "device_private.h"

ardm_status ardm_buffer_create(ardm_buffer **out, ardm_device *device, uint64_t bytes) {
    const ardm_device_facts *facts = device->facts;
    cl_int code = CL_SUCCESS;
    *out = NULL;
    if (bytes > facts->max_allocation)
        return ardm_fail(ARDM_ENOMEM, "%s: a buffer of %" PRIu64 " bytes was asked for; the device allows %" PRIu64, device->name, bytes,
                         facts->max_allocation);
    ardm_buffer *buffer = calloc(1, sizeof *buffer);
    if (!buffer) return ardm_fail(ARDM_ENOMEM, "no memory for a buffer");
    buffer->references = 1;
    buffer->device = device;
    buffer->bytes = bytes;
    /* Drivers refuse buffers of nothing. */
    uint64_t real = bytes ? bytes : 4;
    if (ardm_device_is_reference(device))
        buffer->host = aligned_alloc(ARDM_ALIGN, (real + ARDM_ALIGN - 1) / ARDM_ALIGN * ARDM_ALIGN);
    else
        buffer->memory = clCreateBuffer(device->context, CL_MEM_READ_WRITE, real, NULL, &code);
    if (!buffer->host && !buffer->memory) {
        free(buffer);
        if (code == CL_SUCCESS) code = CL_OUT_OF_HOST_MEMORY;
        return ardm_fail(ARDM_ENOMEM, "%s: no memory for a buffer of %" PRIu64 " bytes beside %" PRIu64 " in use: %s", device->name, bytes,
                         device->allocated, ardm__cl_error(code));
    }
    device->allocated += bytes;
    ardm__device_retain(device);
    *out = buffer;
    return ARDM_OK;
}

ardm_status ardm_buffer_view(ardm_buffer **out, ardm_buffer *parent, uint64_t offset, uint64_t bytes) {
    ardm_buffer *root = parent->parent ? parent->parent : parent;
    cl_int code = CL_SUCCESS;
    *out = NULL;
    if (offset > parent->bytes || bytes > parent->bytes - offset)
        return ardm_fail(ARDM_EINVAL, "a view of %" PRIu64 " bytes at %" PRIu64 " leaves its buffer of %" PRIu64, bytes, offset, parent->bytes);
    if (offset % ARDM_ALIGN) return ardm_fail(ARDM_EINVAL, "a view begins at %" PRIu64 ", no multiple of %d", offset, ARDM_ALIGN);
    ardm_buffer *view = calloc(1, sizeof *view);
    if (!view) return ardm_fail(ARDM_ENOMEM, "no memory for a view");
    view->references = 1;
    view->device = root->device;
    view->parent = root;
    view->offset = parent->offset + offset;
    view->bytes = bytes;
    if (root->host) view->host = root->host + view->offset;
    if (root->memory && bytes == 0) {
        /* A sub-buffer of nothing is an error in OpenCL. No kernel reads through an empty view, so any memory will do. */
        view->memory = root->memory;
        code = clRetainMemObject(view->memory);
    } else if (root->memory) {
        cl_buffer_region region = {view->offset, bytes};
        view->memory = clCreateSubBuffer(root->memory, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    }
    if (code != CL_SUCCESS) {
        free(view);
        return ardm__cl_fail(root->device, code, "creating a view");
    }
    ardm__buffer_retain(root);
    ardm__device_retain(root->device);
    *out = view;
    return ARDM_OK;
}

void ardm__buffer_retain(ardm_buffer *buffer) { __atomic_add_fetch(&buffer->references, 1, __ATOMIC_RELAXED); }

void ardm_buffer_release(ardm_buffer **out) {
    ardm_buffer *buffer = *out;
    *out = NULL;
    if (!buffer || __atomic_sub_fetch(&buffer->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    ardm_device *device = buffer->device;
    if (buffer->memory) clReleaseMemObject(buffer->memory);
    if (buffer->parent) {
        ardm_buffer_release(&buffer->parent);
    } else {
        device->allocated -= buffer->bytes;
        free(buffer->host);
    }
    free(buffer);
    ardm__device_release(device);
}

uint64_t ardm_buffer_bytes(const ardm_buffer *buffer) { return buffer->bytes; }
void *ardm_buffer_host(ardm_buffer *buffer) { return buffer->host; }

void *ardm_buffer_cl_mem(ardm_buffer *buffer, uint64_t *byte_offset) {
    /* Libraries take the root and an offset: some pass sub-buffers on to calls that refuse them. */
    *byte_offset = buffer->offset;
    return buffer->parent ? buffer->parent->memory : buffer->memory;
}
