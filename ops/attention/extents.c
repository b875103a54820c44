/* Extents of an attention call, and the threads that run its reference. */
#include "attention/attention.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "ardm/exact.h"
#include "ardm/thread.h"

int32_t ardm__attention_has(const ardm_call *call, uint32_t input) { return input < call->n_in && call->in[input].dtype != 0; }

ardm_status ardm__attention_extents(ardm_attention_extents *out, const ardm_call *call) {
    const ardm_shape *qkv = &call->in[0];
    const int64_t heads = call->attrs[0].i, streams = call->attrs[1].i, width = qkv->dim[2] / 3;
    if (qkv->dim[2] != 3 * width || width < heads || width % heads != 0)
        return ardm_fail(ARDM_ESHAPE, "%s: qkv's last extent is %" PRId64 "; it must be 3 x %" PRId64 " heads x features", call->op->name,
                         qkv->dim[2], heads);
    if (qkv->dim[1] % streams != 0)
        return ardm_fail(ARDM_ESHAPE, "%s: qkv has %" PRId64 " positions, which are no %" PRId64 " streams of one length", call->op->name,
                         qkv->dim[1], streams);
    *out = (ardm_attention_extents){qkv->dim[0],   qkv->dim[1] / streams, streams, heads,
                                    width / heads, qkv->dim[1],           width,   ardm_flush(ardm_rsqrt((float)(width / heads)))};
    if (ardm__attention_has(call, 1) && call->in[1].dim[0] != out->items)
        return ardm_fail(ARDM_ESHAPE, "%s: block has %" PRId64 " elements for %" PRId64 " items", call->op->name, call->in[1].dim[0], out->items);
    if (ardm__attention_has(call, 2) && (call->in[2].dim[0] != out->items || ardm_shape_count(&call->in[2]) != out->items * out->length))
        return ardm_fail(ARDM_ESHAPE, "%s: mask has %" PRId64 " elements for %" PRId64 " items of %" PRId64 " positions", call->op->name,
                         ardm_shape_count(&call->in[2]), out->items, out->length);
    return ARDM_OK;
}

static void transpose(void *user, int64_t begin, int64_t end) {
    const ardm_attention_arrays *a = user;
    const ardm_attention_extents *e = &a->e;
    float *columns[2] = {(float *)(uintptr_t)a->k_columns, (float *)(uintptr_t)a->v_columns};
    for (int64_t index = begin; index < end; ++index) {
        const float *rows = a->qkv + index * e->length * 3 * e->width;
        for (int64_t part = 0; part < 2; ++part)
            for (int64_t p = 0; p < e->length; ++p)
                for (int64_t c = 0; c < e->width; ++c)
                    columns[part][(index * e->width + c) * e->length + p] = rows[(3 * p + 1 + part) * e->width + c];
    }
}

typedef struct job {
    const ardm_attention_arrays *a;
    size_t scratch;
    void (*body)(const ardm_attention_arrays *a, int64_t begin, int64_t end, float *scratch);
    atomic_int failed;
} job;

static void work(void *user, int64_t begin, int64_t end) {
    job *j = user;
    float *scratch = malloc(j->scratch * sizeof *scratch);
    if (scratch)
        j->body(j->a, begin, end, scratch);
    else
        atomic_store(&j->failed, 1);
    free(scratch);
}

ardm_status ardm__attention_run(ardm_attention_arrays *a, int64_t count, int64_t grain, size_t scratch,
                                void (*body)(const ardm_attention_arrays *a, int64_t begin, int64_t end, float *scratch)) {
    const size_t columns = (size_t)(a->e.items * a->e.rows * a->e.width);
    job j = {a, scratch + 64, body, 0};
    float *memory = malloc((2 * columns + 1) * sizeof *memory);
    if (memory == NULL)
        return ardm_fail(ARDM_ENOMEM, "attention: no memory for %zu bytes of transposed keys and values", 2 * columns * sizeof *memory);
    a->k_columns = memory;
    a->v_columns = memory + columns;
    ardm_parallel(a->e.items * a->e.streams, 1, transpose, a);
    ardm_parallel(count, grain, work, &j);
    free(memory);
    a->k_columns = a->v_columns = NULL;
    return atomic_load(&j.failed) ? ardm_fail(ARDM_ENOMEM, "attention: no memory for %zu bytes of scratch a thread", j.scratch * sizeof *memory)
                                  : ARDM_OK;
}
