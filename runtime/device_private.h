/* What the files of the device side share. OpenCL types stay behind this header. */
#ifndef ARDM_DEVICE_PRIVATE_H
#define ARDM_DEVICE_PRIVATE_H

#include <CL/cl.h>

#include "ardm/device.h"
#include "ardm/file.h"
#include "ardm/probe.h"

/* A program and everything built from it. Kept by its device until that closes, since a bind must not build twice. */
typedef struct ardm_program ardm_program;
struct ardm_program {
    ardm_program *next;
    ardm_device *device;
    char *source, *options; /* as given, for exact comparison behind the hash */
    uint64_t hash;
    ardm_sha256 key; /* of the entry in the program cache */
    cl_program program;
    /* (kernel, local size) pairs that the cached binary holds; a driver compiles at a pair's first launch. */
    uint64_t *pairs;
    uint32_t n_pairs, dirty; /* dirty: a launch added a pair since the last save */
};

struct ardm_kernel {
    ardm_kernel *next;
    ardm_program *program;
    char *name;
};

struct ardm_device {
    int32_t references; /* the caller's one and one for each buffer and launch */
    const ardm_device_facts *facts;
    char *name;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    ardm_program *programs;
    ardm_kernel *kernels;
    uint32_t builds, unflushed, dirty; /* dirty: some program has something to save */
    uint64_t allocated;
    ardm_queue_counts counts;
    ardm_sha256 *exact; /* verdicts of probes that need no file any more */
    uint32_t n_exact;
};

struct ardm_buffer {
    int32_t references;
    ardm_device *device;
    ardm_buffer *parent;    /* the root, never a view */
    uint64_t offset, bytes; /* offset inside the root */
    cl_mem memory;          /* the root's, or the sub-buffer that kernels see */
    uint8_t *host;          /* reference device */
};

/* device_list.c: the indices of usable devices that match `name` (NULL: all), best first; room for 129 */
enum { ARDM__MOST_DEVICES = 129 };
ardm_status ardm__device_find(size_t *order, size_t *count, const char *name);
ardm_status ardm__device_at(const ardm_device_entry **out, cl_device_id *id, size_t index);
ardm_status ardm__check_process(void); /* OpenCL does not survive a fork */

/* device.c */
void ardm__device_retain(ardm_device *device);
void ardm__device_release(ardm_device *device);
const char *ardm__cl_error(cl_int code);
ardm_status ardm__cl_fail(const ardm_device *device, cl_int code, const char *what);

/* buffer.c */
void ardm__buffer_retain(ardm_buffer *buffer);

/* queue.c: after an error that a finished queue may cure, waits and answers 1; at most three times an enqueue. */
int32_t ardm__queue_retry(ardm_device *device, cl_int code, int32_t *tries);
void ardm__queue_launched(ardm_device *device);

/* kernel.c */
extern const char *const ardm__build_options; /* of every program, before its own */
void ardm__programs_free(ardm_device *device);

/* program_cache.c. All of these fail silently: without a cache everything is built from source. */
void ardm__cache_key(ardm_program *program, const char *prelude);
int32_t ardm__cache_load(ardm_program *program); /* 1: program->program is built */
void ardm__cache_launched(ardm_program *program, const char *kernel, const uint64_t local[3]);
void ardm__cache_save(ardm_device *device); /* programs that launches made dirty; call after a wait */

/* probe.c: the probe with another kernel text; tests plant wrong arithmetic in it */
ardm_status ardm__probe_source(ardm_device *device, const char *source, ardm_probe_sink sink, void *user);

#endif
