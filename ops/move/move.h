/* What the moving ops share. They copy words: operands are canonical already (numerics.md 4), so no F is applied, and the
 * kernels move uint, so that no device flushes or quietens what it only carries. */
#ifndef ARDM_MOVE_H
#define ARDM_MOVE_H

#include "ardm/exact.h"
#include "ardm/op.h"

#define ARDM_MOVED (ARDM_DT(ARDM_F32) | ARDM_DT(ARDM_I32) | ARDM_DT(ARDM_U32))
#define ARDM_LENGTH(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

/* Work-items over `rows` rows of `width` words: each takes `columns` words of `each` rows. CPU class: about 4,096 words an
 * item; else one word, so that neighbours touch neighbours. */
typedef struct ardm__strips {
    uint64_t global[2], local; /* columns first; local 0: the driver chooses */
    int64_t columns, each;
} ardm__strips;
ardm__strips ardm__strips_of(const ardm_device_facts *facts, int64_t rows, int64_t width);

/* One copy: `rows` strips of `width` elements, from x + row * x_step + x_at to y + row * y_step + y_at. */
typedef struct ardm__strip {
    int64_t rows, width, x_step, x_at, y_step, y_at;
} ardm__strip;
void ardm__strip_copy(const ardm__strip *s, const void *x, void *y, size_t bytes); /* bytes: of an element */
ardm_status ardm__strip_record(ardm_recorder *recorder, const ardm__strip *s, uint32_t input);
extern const char *const ardm_cl_move_strips;

/* Bytes of one element as a reference sees it, and as an oracle sees it (f32 operands are double there). */
size_t ardm__reference_bytes(const ardm_shape *shape);
size_t ardm__oracle_bytes(const ardm_shape *shape);

/* Every element is read and written once: no arithmetic. */
void ardm__move_cost(const ardm_call *call, double *flops, double *bytes);

#endif
