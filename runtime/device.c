/* A device handle: one context and one in-order queue, or the reference device, which has neither. */
#include "device_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "ardm/probe.h"

static void CL_CALLBACK on_driver_message(const char *text, const void *data, size_t size, void *user) {
    (void)data;
    (void)size;
    (void)user;
    ardm_log_write(ARDM_LOG_DEBUG, "driver: %s", text);
}

static ardm_status open_at(ardm_device **out, size_t index) {
    const ardm_device_entry *entry;
    cl_device_id id;
    cl_int code = CL_SUCCESS;
    *out = NULL;
    ARDM_TRY(ardm__device_at(&entry, &id, index));
    ardm_device *device = calloc(1, sizeof *device);
    if (!device) return ardm_fail(ARDM_ENOMEM, "no memory for a device");
    device->references = 1;
    device->facts = &entry->facts;
    size_t length = strlen(entry->facts.name) + strlen(entry->facts.platform) + 4;
    device->name = malloc(length);
    if (!device->name) {
        free(device);
        return ardm_fail(ARDM_ENOMEM, "no memory for a device");
    }
    if (entry->facts.device_class == ARDM_CLASS_REFERENCE) {
        snprintf(device->name, length, "%s", entry->facts.name);
        *out = device;
        return ARDM_OK;
    }
    snprintf(device->name, length, "%s (%s)", entry->facts.name, entry->facts.platform);
    device->id = id;
    ardm_status status = ardm__check_process();
    if (status != ARDM_OK) goto fail;
    device->context = clCreateContext(NULL, 1, &id, on_driver_message, NULL, &code);
    if (!device->context) {
        status = ardm__cl_fail(device, code, "creating a context");
        goto fail;
    }
    device->queue = clCreateCommandQueue(device->context, id, 0, &code);
    if (!device->queue) {
        status = ardm__cl_fail(device, code, "creating a queue");
        goto fail;
    }
    *out = device;
    return ARDM_OK;
fail:
    ardm__device_release(device);
    return status;
}

/* Nobody named a device: take the best that opens and computes as it must. */
static ardm_status open_default(ardm_device **out, const size_t *order, size_t count) {
    for (size_t k = 0; k < count; ++k) {
        ardm_status status = open_at(out, order[k]);
        if (status == ARDM_OK && !ardm_device_is_reference(*out)) status = ardm_probe_primitives(*out);
        if (status == ARDM_OK) {
            if (ardm_device_is_reference(*out)) ardm_log_write(ARDM_LOG_WARNING, "no OpenCL device can be used; running the slow C reference");
            return ARDM_OK;
        }
        ardm_log_write(ARDM_LOG_WARNING, "passing a device over: %s", ardm_message());
        ardm_device_close(out);
    }
    return ardm_fail(ARDM_EDEVICE, "no device opens");
}

ardm_status ardm_device_open(ardm_device **out, const char *name) {
    size_t order[ARDM__MOST_DEVICES], count = 0;
    *out = NULL;
    if (!name || !name[0]) name = getenv("ARDM_DEVICE");
    ARDM_TRY(ardm__device_find(order, &count, name));
    if (!name || !name[0]) return open_default(out, order, count);
    return open_at(out, order[0]);
}

ardm_status ardm_device_open_list(ardm_device **out, uint32_t most, uint32_t *count, const char *names) {
    char name[256];
    ardm_status status = ARDM_OK;
    *count = 0;
    if (!names || !names[0]) names = getenv("ARDM_DEVICE");
    if (!names || !names[0]) names = NULL;
    for (const char *at = names; status == ARDM_OK;) {
        const size_t length = at ? strcspn(at, ",") : 0;
        if (at && (length == 0 || length >= sizeof name))
            status = ardm_fail(ARDM_EINVAL, "device list %s: a name is empty or too long", names);
        else if (*count == most)
            status = ardm_fail(ARDM_EINVAL, "device list %s: more than %u devices", names, most);
        else
            status = ardm_device_open(&out[*count], at ? (snprintf(name, sizeof name, "%.*s", (int)length, at), name) : NULL);
        if (status == ARDM_OK) ++*count;
        if (!at || !at[length]) break;
        at += length + 1;
    }
    while (status != ARDM_OK && *count > 0) ardm_device_close(&out[--*count]);
    return status;
}

void ardm__device_retain(ardm_device *device) { __atomic_add_fetch(&device->references, 1, __ATOMIC_RELAXED); }

void ardm__device_release(ardm_device *device) {
    if (__atomic_sub_fetch(&device->references, 1, __ATOMIC_ACQ_REL) > 0) return;
    if (device->queue) ardm__programs_free(device);
    if (device->queue) clReleaseCommandQueue(device->queue);
    if (device->context) clReleaseContext(device->context);
    free(device->exact);
    free(device->name);
    free(device);
}

void ardm_device_close(ardm_device **device) {
    if (!*device) return;
    if ((*device)->queue) ardm_queue_finish(*device);
    ardm__device_release(*device);
    *device = NULL;
}

const ardm_device_facts *ardm_device_get_facts(const ardm_device *device) { return device->facts; }
const char *ardm_device_name(const ardm_device *device) { return device->name; }
int32_t ardm_device_is_reference(const ardm_device *device) { return device->queue == NULL; }
uint64_t ardm_device_allocated(const ardm_device *device) { return device->allocated; }
uint32_t ardm_device_builds(const ardm_device *device) { return device->builds; }
ardm_queue_counts ardm_device_counts(const ardm_device *device) { return device->counts; }
void *ardm_device_cl_queue(ardm_device *device) { return device->queue; }

const char *ardm__cl_error(cl_int code) {
    static const char *const runtime[] = {"success",
                                          "device not found",
                                          "device not available",
                                          "compiler not available",
                                          "memory object allocation failure",
                                          "out of resources",
                                          "out of host memory",
                                          "profiling info not available",
                                          "mem copy overlap",
                                          "image format mismatch",
                                          "image format not supported",
                                          "build program failure",
                                          "map failure",
                                          "misaligned sub-buffer offset",
                                          "an event that was waited for failed",
                                          "compile program failure",
                                          "linker not available",
                                          "link program failure",
                                          "device partition failed",
                                          "kernel argument info not available"};
    static const char *const invalid[] = {"value",
                                          "device type",
                                          "platform",
                                          "device",
                                          "context",
                                          "queue properties",
                                          "command queue",
                                          "host pointer",
                                          "memory object",
                                          "image format descriptor",
                                          "image size",
                                          "sampler",
                                          "binary",
                                          "build options",
                                          "program",
                                          "program executable",
                                          "kernel name",
                                          "kernel definition",
                                          "kernel",
                                          "argument index",
                                          "argument value",
                                          "argument size",
                                          "kernel arguments",
                                          "work dimension",
                                          "work-group size",
                                          "work-item size",
                                          "global offset",
                                          "event wait list",
                                          "event",
                                          "operation",
                                          "GL object",
                                          "buffer size",
                                          "mip level",
                                          "global work size",
                                          "property"};
    if (code <= 0 && code > -(cl_int)(sizeof runtime / sizeof runtime[0])) return runtime[-code];
    if (code <= -30 && code > -30 - (cl_int)(sizeof invalid / sizeof invalid[0])) return invalid[-30 - code];
    return "unknown error";
}

ardm_status ardm__cl_fail(const ardm_device *device, cl_int code, const char *what) {
    ardm_status status = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY ? ARDM_ENOMEM : ARDM_EDEVICE;
    return ardm_fail(status, "%s: %s failed: %s%s (OpenCL error %d)", device->name, what, code <= -30 && code > -100 ? "invalid " : "",
                     ardm__cl_error(code), code);
}
