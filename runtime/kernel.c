/* Programs, kernels and recorded launches. A program is built once a device from prelude, source and options, or loaded from
 * the program cache; each launch owns a cl_kernel of its own, whose arguments are set once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/cache.h"
#include "ardm/log.h"
#include "device_private.h"

extern const char *const ardm_cl_exact;

/* Exactness ends where a compiler may rewrite floats, so such options are refused, from plugins too. */
static const char *const relaxing[] = {"-cl-fast",   "-cl-unsafe",         "-cl-mad", "-cl-finite", "-cl-denorms", "-cl-no-signed",
                                       "-cl-single", "-cl-fp32-correctly", "-ffast",  "-ffp",       "-cl-std"};

struct ardm_launch {
    ardm_device *device;
    ardm_program *program;
    cl_kernel kernel;
    char *name;
    uint32_t dimensions, local_given, nothing, seen;
    size_t global[3], local[3];
    ardm_buffer **buffers;
    uint32_t n_buffers;
};

const char *const ardm__build_options = "-cl-std=CL1.2";

static ardm_status write_log(ardm_program *program, const char *log, char *path, size_t size) {
    const ardm_device_facts *facts = program->device->facts;
    char folder[900], hex[65];
    ardm_bytes text = {0};
    if (ardm_cache_folder(folder, sizeof folder) != ARDM_OK || ardm_make_directories(folder) != ARDM_OK) snprintf(folder, sizeof folder, "/tmp");
    ardm_sha256_hex(&program->key, hex);
    snprintf(path, size, "%s/build-%.16s.log", folder, hex);
    ardm_status status = ardm_bytes_printf(&text, "device   %s\ndriver   %s\nversion  %s\noptions  %s %s\n\n%s\n\n%s\n", program->device->name,
                                           facts->driver, facts->version, ardm__build_options, program->options, log, program->source);
    if (status == ARDM_OK) status = ardm_file_write(path, text.data, text.size, 1);
    ardm_bytes_free(&text);
    return status;
}

/* The first line of a driver's log that speaks of an error, to put into the message. */
static void first_error(const char *log, char *out, size_t size) {
    const char *at = strstr(log, "error:"), *begin = at ? at : log;
    while (at && begin > log && begin[-1] != '\n') --begin;
    size_t length = strcspn(begin, "\n");
    snprintf(out, size, "%.*s", (int)(length < size ? length : size - 1), begin);
}

static ardm_status fail_build(ardm_program *program, cl_int code) {
    char path[1024] = "", line[300] = "";
    size_t length = 0;
    char *log = NULL;
    if (clGetProgramBuildInfo(program->program, program->device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &length) == CL_SUCCESS && length > 0)
        log = calloc(1, length + 1);
    if (log) clGetProgramBuildInfo(program->program, program->device->id, CL_PROGRAM_BUILD_LOG, length, log, NULL);
    const char *shown = log && log[0] ? log : "(the driver gave no log)";
    first_error(shown, line, sizeof line);
    ardm_status written = write_log(program, shown, path, sizeof path);
    ardm_fail(ARDM_EBUILD, "%s: a kernel does not build: %s (%s); the driver's log is in %s", program->device->name, ardm__cl_error(code), line,
              written == ARDM_OK ? path : "no file, since none could be written");
    free(log);
    return ARDM_EBUILD;
}

static ardm_status build_source(ardm_program *program) {
    ardm_device *device = program->device;
    cl_int code;
    char options[512];
    /* The file's own #line follows the prelude, so the driver's messages name the .cl file. */
    const char *texts[3] = {ardm_cl_exact, "\n", program->source};
    if (snprintf(options, sizeof options, "%s %s", ardm__build_options, program->options) >= (int)sizeof options)
        return ardm_fail(ARDM_EINVAL, "kernel options of %zu bytes", strlen(program->options));
    program->program = clCreateProgramWithSource(device->context, 3, texts, NULL, &code);
    if (!program->program) return ardm__cl_fail(device, code, "creating a program");
    code = clBuildProgram(program->program, 1, &device->id, options, NULL, NULL);
    return code == CL_SUCCESS ? ARDM_OK : fail_build(program, code);
}

static void free_program(ardm_program *program) {
    if (program->program) clReleaseProgram(program->program);
    free(program->source);
    free(program->options);
    free(program->pairs);
    free(program);
}

static ardm_status make_program(ardm_program **out, ardm_device *device, uint64_t hash, const char *source, const char *options) {
    ardm_status status = ARDM_OK;
    ardm_program *program = calloc(1, sizeof *program);
    if (!program) return ardm_fail(ARDM_ENOMEM, "no memory for a program");
    program->device = device;
    program->hash = hash;
    program->source = strdup(source);
    program->options = strdup(options);
    if (!program->source || !program->options) {
        free_program(program);
        return ardm_fail(ARDM_ENOMEM, "no memory for a program");
    }
    double begin = ardm_clock();
    ardm__cache_key(program, ardm_cl_exact);
    int32_t loaded = ardm__cache_load(program);
    if (!loaded) status = build_source(program);
    if (status != ARDM_OK) {
        free_program(program);
        return status;
    }
    ardm_log_write(ARDM_LOG_DEBUG, "%s a program in %.0f ms, options \"%s\"", loaded ? "loaded" : "built", 1e3 * (ardm_clock() - begin), options);
    device->builds++;
    program->next = device->programs;
    device->programs = program;
    *out = program;
    return ARDM_OK;
}

ardm_status ardm_kernel_get(ardm_kernel **out, ardm_device *device, const char *source, const char *options, const char *name) {
    *out = NULL;
    if (ardm_device_is_reference(device)) return ardm_fail(ARDM_EUNSUPPORTED, "the reference device runs no kernels");
    if (!options) options = "";
    for (size_t k = 0; k < sizeof relaxing / sizeof relaxing[0]; ++k)
        if (strstr(options, relaxing[k])) return ardm_fail(ARDM_EINVAL, "kernel options \"%s\": %s… may change results", options, relaxing[k]);
    uint64_t hash = ardm_xxh64(source, strlen(source)) * UINT64_C(0x9e3779b97f4a7c15) + ardm_xxh64(options, strlen(options));
    ardm_program *program = device->programs;
    while (program && !(program->hash == hash && strcmp(program->options, options) == 0 && strcmp(program->source, source) == 0))
        program = program->next;
    if (!program) ARDM_TRY(make_program(&program, device, hash, source, options));
    for (ardm_kernel *kernel = device->kernels; kernel; kernel = kernel->next)
        if (kernel->program == program && strcmp(kernel->name, name) == 0) {
            *out = kernel;
            return ARDM_OK;
        }
    ardm_kernel *kernel = calloc(1, sizeof *kernel);
    if (kernel) kernel->name = strdup(name);
    if (!kernel || !kernel->name) {
        free(kernel);
        return ardm_fail(ARDM_ENOMEM, "no memory for a kernel");
    }
    kernel->program = program;
    kernel->next = device->kernels;
    device->kernels = kernel;
    *out = kernel;
    return ARDM_OK;
}

void ardm__programs_free(ardm_device *device) {
    while (device->kernels) {
        ardm_kernel *kernel = device->kernels;
        device->kernels = kernel->next;
        free(kernel->name);
        free(kernel);
    }
    while (device->programs) {
        ardm_program *program = device->programs;
        device->programs = program->next;
        free_program(program);
    }
}

static ardm_status check_sizes(const ardm_launch *launch, const char *name) {
    const ardm_device_facts *facts = launch->device->facts;
    uint64_t group = 1;
    for (uint32_t axis = 0; axis < launch->dimensions && launch->local_given; ++axis) {
        if (launch->local[axis] == 0 || launch->global[axis] % launch->local[axis])
            return ardm_fail(ARDM_EINVAL, "%s: global size %zu along axis %" PRIu32 " is no multiple of local size %zu", name, launch->global[axis],
                             axis, launch->local[axis]);
        group *= launch->local[axis];
    }
    if (group > facts->max_work_group)
        return ardm_fail(ARDM_EINVAL, "%s: groups of %" PRIu64 " work-items; %s allows %" PRIu64, name, group, launch->device->name,
                         facts->max_work_group);
    return ARDM_OK;
}

static ardm_status set_args(ardm_launch *launch, const ardm_launch_arg *args, uint32_t n_args) {
    cl_uint wanted = 0;
    cl_int code = clGetKernelInfo(launch->kernel, CL_KERNEL_NUM_ARGS, sizeof wanted, &wanted, NULL);
    if (code != CL_SUCCESS) return ardm__cl_fail(launch->device, code, "asking for a kernel's arguments");
    if (wanted != n_args) return ardm_fail(ARDM_EINVAL, "%s takes %u arguments; %" PRIu32 " were recorded", launch->name, wanted, n_args);
    launch->buffers = calloc(n_args + 1, sizeof *launch->buffers);
    if (!launch->buffers) return ardm_fail(ARDM_ENOMEM, "no memory for a launch");
    for (uint32_t k = 0; k < n_args; ++k) {
        const ardm_launch_arg *arg = &args[k];
        if (arg->kind == ARDM_ARG_BUFFER) {
            cl_mem memory = arg->buffer ? arg->buffer->memory : NULL;
            if (arg->buffer && arg->buffer->device != launch->device)
                return ardm_fail(ARDM_EINVAL, "%s: argument %" PRIu32 " is a buffer of another device", launch->name, k);
            code = clSetKernelArg(launch->kernel, k, sizeof memory, &memory);
            if (arg->buffer) {
                ardm__buffer_retain(arg->buffer);
                launch->buffers[launch->n_buffers++] = arg->buffer;
            }
        } else if (arg->kind == ARDM_ARG_I32) {
            code = clSetKernelArg(launch->kernel, k, sizeof arg->i, &arg->i);
        } else {
            code = clSetKernelArg(launch->kernel, k, sizeof arg->f, &arg->f);
        }
        if (code != CL_SUCCESS) {
            char what[160];
            snprintf(what, sizeof what, "setting argument %" PRIu32 " of %.80s", k, launch->name);
            return ardm__cl_fail(launch->device, code, what);
        }
    }
    return ARDM_OK;
}

ardm_status ardm_launch_create(ardm_launch **out, ardm_device *device, ardm_kernel *kernel, uint32_t dimensions, const uint64_t global[3],
                               const uint64_t local[3], const ardm_launch_arg *args, uint32_t n_args) {
    cl_int code;
    *out = NULL;
    if (dimensions < 1 || dimensions > 3) return ardm_fail(ARDM_EINVAL, "%s: a launch of %" PRIu32 " dimensions", kernel->name, dimensions);
    ardm_launch *launch = calloc(1, sizeof *launch);
    if (!launch) return ardm_fail(ARDM_ENOMEM, "no memory for a launch");
    launch->device = device;
    ardm__device_retain(device);
    launch->program = kernel->program;
    launch->name = kernel->name;
    launch->dimensions = dimensions;
    launch->local_given = local && local[0] != 0;
    for (uint32_t axis = 0; axis < dimensions; ++axis) {
        launch->global[axis] = global[axis];
        launch->local[axis] = launch->local_given ? local[axis] : 0;
        launch->nothing |= global[axis] == 0;
    }
    ardm_status status = check_sizes(launch, kernel->name);
    if (status == ARDM_OK) {
        launch->kernel = clCreateKernel(kernel->program->program, kernel->name, &code);
        if (!launch->kernel) {
            char what[160];
            snprintf(what, sizeof what, "creating kernel %.100s", kernel->name);
            status = ardm__cl_fail(device, code, what);
        }
    }
    if (status == ARDM_OK) status = set_args(launch, args, n_args);
    if (status != ARDM_OK) ardm_launch_release(&launch);
    *out = launch;
    return status;
}

void ardm_launch_release(ardm_launch **out) {
    ardm_launch *launch = *out;
    *out = NULL;
    if (!launch) return;
    if (launch->kernel) clReleaseKernel(launch->kernel);
    for (uint32_t k = 0; k < launch->n_buffers; ++k) ardm_buffer_release(&launch->buffers[k]);
    free(launch->buffers);
    ardm_device *device = launch->device;
    free(launch);
    ardm__device_release(device);
}

ardm_status ardm_launch_enqueue(ardm_launch *launch) {
    ardm_device *device = launch->device;
    cl_int code;
    int32_t tries = 0;
    if (launch->nothing) return ARDM_OK;
    do
        code = clEnqueueNDRangeKernel(device->queue, launch->kernel, launch->dimensions, NULL, launch->global,
                                      launch->local_given ? launch->local : NULL, 0, NULL, NULL);
    while (ardm__queue_retry(device, code, &tries));
    if (code != CL_SUCCESS) {
        char what[160];
        snprintf(what, sizeof what, "launching %.100s", launch->name);
        return ardm__cl_fail(device, code, what);
    }
    ardm__queue_launched(device);
    if (!launch->seen) {
        uint64_t local[3] = {launch->local[0], launch->local[1], launch->local[2]};
        ardm__cache_launched(launch->program, launch->name, local);
        launch->seen = 1;
    }
    return ARDM_OK;
}
