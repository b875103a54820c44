/* ardm/device.h (runtime): one device, its context, its in-order queue, its built kernels and its buffers.
 *
 * A device is an OpenCL device or the built-in `reference` device, which runs the C reference of every op in host memory.
 * Nothing else in the tree creates a context, and queue.c is the only file that blocks. Two threads may use two devices
 * freely; one device serves one thread at a time. */
#ifndef ARDM_DEVICE_H
#define ARDM_DEVICE_H

#include <stddef.h>

#include "ardm/status.h"

#define ARDM_DEVICE_ABI 1

enum { ARDM_CLASS_REFERENCE = 0, ARDM_CLASS_CPU = 1, ARDM_CLASS_ACCELERATOR = 2, ARDM_CLASS_GPU = 3 };
enum { ARDM_EXACT = 1, ARDM_FAST = 2 }; /* numerics */

/* What a variant may know of a device when it accepts or refuses a call. */
typedef struct ardm_device_facts {
    uint32_t abi, size;
    uint32_t device_class; /* ARDM_CLASS_… */
    uint32_t compute_units;
    uint64_t global_bytes, max_allocation, local_bytes, max_work_group;
    uint32_t native_float_width;
    uint32_t has_fp64, has_fast_fma, has_subgroups;
    uint32_t base_alignment; /* bytes, of sub-buffers */
    const char *platform, *name, *vendor, *driver, *version, *c_version;
    const char *pci; /* "" when not reported */
    uint32_t platform_index, device_index;
} ardm_device_facts;

typedef struct ardm_device ardm_device;

/* Every device that is present, `reference` last. The array and its strings live until the process ends.
 * Platforms without a device are walked past. Devices that cannot be used are listed with the reason in `why`. */
typedef struct ardm_device_entry {
    ardm_device_facts facts;
    const char *why; /* NULL: usable */
} ardm_device_entry;
ardm_status ardm_device_list(const ardm_device_entry **out, size_t *count);

/* Opens a device.
 *   name   NULL or "": $ARDM_DEVICE, else the best class present (GPU, accelerator, CPU, reference); among CPUs the widest
 *          native vector. Otherwise "platform:device" indices, part of a name, a PCI address, "cpu", "gpu" or "reference".
 * Returns ARDM_ENOTFOUND, listing what there is, when nothing matches; ARDM_EDEVICE when the driver refuses. */
ardm_status ardm_device_open(ardm_device **out, const char *name);
void ardm_device_close(ardm_device **device);
/* Opens a list of names with commas between them, "cpu,gpu"; one that stands there twice is opened twice, with a context and a queue each. NULL or ""
 * as above, one device unless $ARDM_DEVICE is a list. The caller closes *count devices. ARDM_EINVAL: an empty name, or more than `most`. */
ardm_status ardm_device_open_list(ardm_device **out, uint32_t most, uint32_t *count, const char *names);
const ardm_device_facts *ardm_device_get_facts(const ardm_device *device);
const char *ardm_device_name(const ardm_device *device); /* "pthread-… (Portable Computing Language)" */
int32_t ardm_device_is_reference(const ardm_device *device);

/* Buffers: memory on the device (host memory for `reference`). Zero bytes is legal. A view is a range of its parent, which
 * it keeps alive; offsets are multiples of ARDM_ALIGN. */
#define ARDM_ALIGN 512 /* the widest base alignment known of a device; refused above */
typedef struct ardm_buffer ardm_buffer;
ardm_status ardm_buffer_create(ardm_buffer **out, ardm_device *device, uint64_t bytes);
ardm_status ardm_buffer_view(ardm_buffer **out, ardm_buffer *parent, uint64_t offset, uint64_t bytes);
void ardm_buffer_release(ardm_buffer **buffer);
uint64_t ardm_buffer_bytes(const ardm_buffer *buffer);
void *ardm_buffer_host(ardm_buffer *buffer);               /* reference device: its memory; OpenCL: NULL */
uint64_t ardm_device_allocated(const ardm_device *device); /* bytes of all live buffers that are no views */

/* Kernels built from source text, cached by (source, options, device, driver). `source` is put behind the prelude, which is
 * FP_CONTRACT OFF and exact.h. A failed build writes the driver's log to a file that the message names: ARDM_EBUILD. */
typedef struct ardm_kernel ardm_kernel;
ardm_status ardm_kernel_get(ardm_kernel **out, ardm_device *device, const char *source, const char *options, const char *name);
uint32_t ardm_device_builds(const ardm_device *device); /* programs built or loaded so far; tests assert it stands still */

/* A launch with fixed arguments, set once. A recorded launch owns its own cl_kernel, so replaying sets no argument. */
typedef struct ardm_launch_arg {
    uint32_t kind; /* ARDM_ARG_… */
    int32_t i;
    float f;
    ardm_buffer *buffer;
} ardm_launch_arg;
enum { ARDM_ARG_BUFFER = 1, ARDM_ARG_I32 = 2, ARDM_ARG_F32 = 3 };
typedef struct ardm_launch ardm_launch;
ardm_status ardm_launch_create(ardm_launch **out, ardm_device *device, ardm_kernel *kernel, uint32_t dimensions, const uint64_t global[3],
                               const uint64_t local[3], /* local[0] 0: the driver chooses */
                               const ardm_launch_arg *args, uint32_t n_args);
void ardm_launch_release(ardm_launch **launch);
ardm_status ardm_launch_enqueue(ardm_launch *launch);

/* The queue. Writes may return before they are done: `source` must stay until the next read or finish. */
ardm_status ardm_queue_write(ardm_device *device, ardm_buffer *buffer, uint64_t offset, const void *source, uint64_t bytes);
ardm_status ardm_queue_copy(ardm_device *device, ardm_buffer *to, uint64_t to_offset, ardm_buffer *from, uint64_t from_offset, uint64_t bytes);
ardm_status ardm_queue_fill(ardm_device *device, ardm_buffer *buffer, uint64_t offset, uint32_t word, uint64_t bytes);
ardm_status ardm_queue_read(ardm_device *device, ardm_buffer *buffer, uint64_t offset, void *target, uint64_t bytes); /* waits */
ardm_status ardm_queue_finish(ardm_device *device);                                                                   /* waits */

/* What the queue did since the device was opened. Tests assert differences of these. */
typedef struct ardm_queue_counts {
    uint64_t launches, copies, fills, writes, reads, waits, bytes_written, bytes_read;
} ardm_queue_counts;
ardm_queue_counts ardm_device_counts(const ardm_device *device);

/* The raw handles, for library calls (CLBlast) alone: cl_command_queue, cl_mem. NULL on `reference`. */
void *ardm_device_cl_queue(ardm_device *device);
void *ardm_buffer_cl_mem(ardm_buffer *buffer, uint64_t *byte_offset);

#endif
