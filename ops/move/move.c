/* Shares of work and sizes of elements for the moving ops. */
#include <string.h>

#include "move/move.h"

enum { WORDS = 4096 };

ardm__strips ardm__strips_of(const ardm_device_facts *facts, int64_t rows, int64_t width) {
    ardm__strips strips = {{0, 0}, 0, 1, 1};
    if (rows <= 0 || width <= 0) return strips;
    if (facts->device_class == ARDM_CLASS_CPU) {
        strips.local = 1;
        strips.columns = width < WORDS ? width : WORDS;
        strips.each = WORDS / strips.columns;
    }
    strips.global[0] = (uint64_t)((width + strips.columns - 1) / strips.columns);
    strips.global[1] = (uint64_t)((rows + strips.each - 1) / strips.each);
    return strips;
}

size_t ardm__reference_bytes(const ardm_shape *shape) { return (size_t)ardm_dtype_bytes(shape->dtype); }

size_t ardm__oracle_bytes(const ardm_shape *shape) { return shape->dtype == ARDM_F32 ? sizeof(double) : (size_t)ardm_dtype_bytes(shape->dtype); }

void ardm__move_cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 0;
    *bytes = 0;
    for (uint32_t k = 0; k < call->n_out; ++k) *bytes += 2.0 * (double)ardm_shape_bytes(&call->out[k]);
}

void ardm__strip_copy(const ardm__strip *s, const void *x, void *y, size_t bytes) {
    for (int64_t row = 0; row < s->rows; ++row)
        memcpy((char *)y + (size_t)(row * s->y_step + s->y_at) * bytes, (const char *)x + (size_t)(row * s->x_step + s->x_at) * bytes,
               (size_t)s->width * bytes);
}

ardm_status ardm__strip_record(ardm_recorder *recorder, const ardm__strip *s, uint32_t input) {
    ardm__strips w = ardm__strips_of(recorder->facts, s->rows, s->width);
    return ARDM_LAUNCH(recorder, "copy_strips", "", 2, w.global[0], w.global[1], 1, w.local, w.local, w.local, ARDM_IN(input), ARDM_OUT(0),
                       ARDM_INT(s->rows), ARDM_INT(s->width), ARDM_INT(s->x_step), ARDM_INT(s->x_at), ARDM_INT(s->y_step), ARDM_INT(s->y_at),
                       ARDM_INT(w.columns), ARDM_INT(w.each));
}
