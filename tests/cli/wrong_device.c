/* A device that computes wrongly, for LD_PRELOAD: the driver's compiler sees other kernel text than the program gave it. The program
 * itself has no hook; everything here lies outside.
 *
 *   WRONG_FROM WRONG_TO   what is replaced in every program's source, at its first place
 *   WRONG_DRIVER          put behind the driver's version: another driver, as far as anybody can tell
 *   WRONG_LOG             at the end: "kernel launches" of every kernel, one a line */
#define _GNU_SOURCE
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN __attribute__((visibility("default")))
enum { MOST_KERNELS = 512 };
static struct {
    char name[80];
    unsigned long launches;
} kernels[MOST_KERNELS];
static unsigned n_kernels;

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

SHOWN cl_program CL_API_CALL clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts, const size_t *lengths, cl_int *error) {
    cl_program (*real)(cl_context, cl_uint, const char **, const size_t *, cl_int *);
    *(void **)&real = next("clCreateProgramWithSource");
    const char *from = getenv("WRONG_FROM"), *to = getenv("WRONG_TO");
    size_t size = 1, used = 0;
    if (!from || !to) return real(context, count, texts, lengths, error);
    for (cl_uint k = 0; k < count; ++k) size += lengths && lengths[k] ? lengths[k] : strlen(texts[k]);
    char *whole = calloc(1, size), *changed = calloc(1, size + strlen(to));
    if (!whole || !changed) abort();
    for (cl_uint k = 0; k < count; ++k) {
        size_t length = lengths && lengths[k] ? lengths[k] : strlen(texts[k]);
        memcpy(whole + used, texts[k], length);
        used += length;
    }
    const char *at = strstr(whole, from);
    if (at)
        sprintf(changed, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
    else
        strcpy(changed, whole);
    cl_program program = real(context, 1, (const char *[]){changed}, NULL, error);
    free(whole);
    free(changed);
    return program;
}

SHOWN cl_int CL_API_CALL clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t size, void *value, size_t *wanted) {
    cl_int (*real)(cl_device_id, cl_device_info, size_t, void *, size_t *);
    *(void **)&real = next("clGetDeviceInfo");
    const char *more = getenv("WRONG_DRIVER");
    cl_int code = real(device, what, size, value, wanted);
    if (code != CL_SUCCESS || !more || what != CL_DRIVER_VERSION) return code;
    if (wanted) *wanted += strlen(more);
    if (value && strlen(value) + strlen(more) < size) strcat(value, more);
    return code;
}

SHOWN cl_int CL_API_CALL clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                                const size_t *global, const size_t *local, cl_uint waits, const cl_event *list, cl_event *event) {
    cl_int (*real)(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *, const size_t *, cl_uint, const cl_event *, cl_event *);
    *(void **)&real = next("clEnqueueNDRangeKernel");
    char name[80] = "";
    unsigned k = 0;
    clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    while (k < n_kernels && strcmp(kernels[k].name, name) != 0) ++k;
    if (k == n_kernels && n_kernels < MOST_KERNELS) strcpy(kernels[n_kernels++].name, name);
    if (k < n_kernels) ++kernels[k].launches;
    return real(queue, kernel, dimensions, offset, global, local, waits, list, event);
}

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("WRONG_LOG");
    FILE *file = path && n_kernels ? fopen(path, "w") : NULL;
    if (!file) return;
    for (unsigned k = 0; k < n_kernels; ++k) fprintf(file, "%s %lu\n", kernels[k].name, kernels[k].launches);
    fclose(file);
}
