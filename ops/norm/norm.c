/* Extents of the norms, and the threads that run their references. */
#include "norm/norm.h"

#include <inttypes.h>
#include <stdio.h>

#include "ardm/exact.h"
#include "ardm/thread.h"

int32_t ardm__norm_has(const ardm_call *call, uint32_t input) { return input < call->n_in && call->in[input].dtype != 0; }

ardm_status ardm__norm_extents(ardm_norm_extents *out, const ardm_call *call, uint32_t first, uint32_t last) {
    const ardm_shape *x = &call->in[0];
    const int64_t width = ardm_shape_last(x, 0), items = x->dim[0];
    if (width == 0) return ardm_fail(ARDM_ESHAPE, "%s: rows of x have no element", call->op->name);
    int64_t positions = 1;
    for (uint32_t axis = 1; axis + 1 < x->rank; ++axis) positions *= x->dim[axis];
    *out = (ardm_norm_extents){.items = items, .positions = positions, .width = width, .inverse = ardm_flush(ardm_reciprocal((float)width))};
    for (uint32_t index = first; index <= last; ++index)
        if (call->in[index].dim[0] != width)
            return ardm_fail(ARDM_ESHAPE, "%s: %s has %" PRId64 " elements; rows of x have %" PRId64, call->op->name, call->op->inputs[index].name,
                             call->in[index].dim[0], width);
    return ARDM_OK;
}

ardm_status ardm__norm_group(ardm_norm_extents *out, const ardm_call *call, int64_t group) {
    if (out->items % group != 0)
        return ardm_fail(ARDM_ESHAPE, "%s: %" PRId64 " items are no whole number of groups of %" PRId64, call->op->name, out->items, group);
    out->group = group;
    out->parts = out->items / group;
    return ARDM_OK;
}

ardm_status ardm__norm_split(ardm_norm_extents *out, const ardm_call *call, int64_t split, uint32_t mask_input) {
    if (out->width % split != 0)
        return ardm_fail(ARDM_ESHAPE, "%s: %" PRId64 " channels do not split into %" PRId64 " groups", call->op->name, out->width, split);
    if (ardm__norm_has(call, mask_input)) {
        const ardm_shape *mask = &call->in[mask_input];
        if (mask->dim[0] != out->items || ardm_shape_count(mask) != out->items * out->positions)
            return ardm_fail(ARDM_ESHAPE, "%s: mask has %" PRId64 " elements for %" PRId64 " items of %" PRId64 " positions", call->op->name,
                             ardm_shape_count(mask), out->items, out->positions);
    }
    out->split = split;
    return ARDM_OK;
}

ardm_shape ardm__norm_row_shape(const ardm_call *call) {
    const ardm_shape *x = &call->in[0];
    return ardm_shape_make(ARDM_F32, x->rank - 1, x->dim);
}

int32_t ardm__norm_accept_cpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call, (void)why, (void)n;
    return facts->device_class == ARDM_CLASS_GPU ? 10 : 20;
}

int32_t ardm__norm_accept_gpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call;
    if (facts->max_work_group < 64 || facts->local_bytes < 1024) {
        snprintf(why, n, "needs groups of 64 and 1 KiB of local memory");
        return 0;
    }
    return facts->device_class == ARDM_CLASS_GPU ? 20 : 5;
}

typedef struct job {
    const ardm_norm_arrays *a;
    ardm_norm_body *body;
} job;

static void work(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    j->body(j->a, begin, end);
}

void ardm__norm_run(const ardm_norm_arrays *a, int64_t count, int64_t grain, ardm_norm_body *body) {
    job j = {a, body};
    ardm_parallel(count, grain, work, &j);
}

ardm_status ardm__norm_fold(ardm_recorder *recorder, const char *options, const ardm_norm_extents *e, uint32_t partials, int32_t gpu) {
    const int64_t blocks = (e->group * e->positions + ARDM_NORM_BLOCK - 1) / ARDM_NORM_BLOCK, chunks = (2 * e->width + 63) / 64;
    return ARDM_LAUNCH(recorder, "norm_fold", options, 2, (uint64_t)(gpu ? 64 * chunks : chunks), (uint64_t)e->parts, 1, gpu ? 64 : 1, 1, 1,
                       ARDM_WORK(partials), ARDM_OUT(1), ARDM_OUT(2), ARDM_INT(blocks), ARDM_INT(e->width));
}

enum { LEAST_SUMS = 2048 };

static int64_t group_sums(const ardm_norm_extents *e) {
    int64_t sums = LEAST_SUMS, wanted = (e->positions + ARDM_NORM_BLOCK - 1) / ARDM_NORM_BLOCK * (e->width / e->split);
    while (sums < wanted) sums *= 2;
    return sums;
}

void ardm__norm_group_options(char *out, size_t size, const ardm_norm_extents *e, int32_t gpu, uint64_t *global) {
    const int64_t channels = e->width / e->split;
    if (gpu) {
        snprintf(out, size, "-DCHANNELS=%d -DSUMS=%d", (int)channels, (int)group_sums(e));
        *global = (uint64_t)(64 * e->split);
        return;
    }
    /* As many groups as fill a vector and divide the channels. */
    int64_t together = 1;
    while (together < e->split && (e->split % together != 0 || together * channels < 16)) ++together;
    snprintf(out, size, "-DCHANNELS=%d -DWIDTH=%d", (int)channels, (int)(together * channels));
    *global = (uint64_t)(e->split / together);
}

int32_t ardm__norm_accept_group(const ardm_norm_extents *e, const ardm_device_facts *facts, int64_t sets, char *why, uint32_t n) {
    const int64_t bytes = sets * group_sums(e) * (int64_t)sizeof(float) + 1024;
    if (facts->max_work_group < 64 || facts->local_bytes < (uint64_t)bytes) {
        snprintf(why, n, "needs groups of 64 and %lld bytes of local memory", (long long)bytes);
        return 0;
    }
    return facts->device_class == ARDM_CLASS_GPU ? 20 : 5;
}
