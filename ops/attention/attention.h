/* What attention and its gradient share: extents of a call, which keys a query sees, and the references' rows. */
#ifndef ARDM_OPS_ATTENTION_H
#define ARDM_OPS_ATTENTION_H

#include "ardm/op.h"
#include "reference.h"

/* Query position p of stream t sees key positions p' < clean as keys of stream 0, clean <= p' < own as keys of stream 1, and no
 * other. Keys keep the index p' in every sum, so that both streams, and a cache, add the same terms in the same order. */
typedef struct ardm_attention_view {
    int64_t clean, own;
} ardm_attention_view;

typedef struct ardm_attention_extents {
    int64_t items, length, streams, heads, head; /* head: features of one head */
    int64_t rows, width;                         /* streams * length, heads * head */
    float scale;                                 /* 1 / sqrt(head) */
} ardm_attention_extents;

enum { ARDM_ATTENTION_BLOCK = 256, ARDM_ATTENTION_VOID = 3 };

/* Checks shapes of qkv, block and mask (inputs 0, 1, 2) and fills `out`. */
ardm_status ardm__attention_extents(ardm_attention_extents *out, const ardm_call *call);
int32_t ardm__attention_has(const ardm_call *call, uint32_t input);

static inline ardm_attention_view ardm__attention_view(const ardm_attention_extents *e, int64_t stream, int64_t position, int64_t block) {
    const int64_t n = block <= 0 || block > e->length ? e->length : block;
    const int64_t begin = position / n * n, end = begin + n < e->length ? begin + n : e->length;
    return stream == 0 ? (ardm_attention_view){end, end} : (ardm_attention_view){begin, end};
}

/* Operands of the references. k_columns and v_columns are keys and values by [item][stream][feature][position], so that a
 * loop over keys is contiguous. */
typedef struct ardm_attention_arrays {
    ardm_attention_extents e;
    const float *qkv, *k_columns, *v_columns;
    const int32_t *block; /* NULL: one block */
    const uint8_t *mask;  /* NULL: no void */
    float *out, *max, *den;
    const float *y, *dy; /* gradient: o and do; max and den are read */
    float *dqkv;
} ardm_attention_arrays;

/* Rows begin <= row < end of [items, heads, rows]; scratch: length floats. */
ARDM_REFERENCE_DECLARE(void, attention_rows, (const ardm_attention_arrays *a, int64_t begin, int64_t end, float *scratch));
/* Pairs begin <= pair < end of [items, heads]; scratch: 2 * length + 4 * rows * head floats. */
ARDM_REFERENCE_DECLARE(void, attention_grad_pairs, (const ardm_attention_arrays *a, int64_t begin, int64_t end, float *scratch));

/* Transposes keys and values, runs rows or pairs on all threads. */
ardm_status ardm__attention_run(ardm_attention_arrays *a, int64_t count, int64_t grain, size_t scratch,
                                void (*body)(const ardm_attention_arrays *a, int64_t begin, int64_t end, float *scratch));

ardm_status ardm__attention_oracle(const ardm_call *call, const void *const *in, void *const *out);
ardm_status ardm__attention_grad_oracle(const ardm_call *call, const void *const *in, void *const *out);
void ardm__attention_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound);
void ardm__attention_grad_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound);

#endif
