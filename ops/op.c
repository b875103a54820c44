/* Shapes and element types, the check that a call fits its op, and the recorder's short form. */
#include "ardm/op.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t bytes;
} dtypes[] = {{"none", 0}, {"f32", 4}, {"i32", 4}, {"u8", 1}, {"u16", 2}, {"u32", 4}};

uint64_t ardm_dtype_bytes(uint32_t dtype) { return dtype <= ARDM_U32 ? dtypes[dtype].bytes : 0; }

const char *ardm_dtype_name(uint32_t dtype) { return dtype <= ARDM_U32 ? dtypes[dtype].name : "?"; }

uint32_t ardm_dtype_parse(const char *name, size_t length) {
    for (uint32_t dtype = ARDM_F32; dtype <= ARDM_U32; ++dtype)
        if (strlen(dtypes[dtype].name) == length && memcmp(name, dtypes[dtype].name, length) == 0) return dtype;
    return 0;
}

int64_t ardm_shape_count(const ardm_shape *shape) { return ardm_shape_rows(shape, 0); }

uint64_t ardm_shape_bytes(const ardm_shape *shape) {
    return shape->dtype == 0 ? 0 : (uint64_t)ardm_shape_count(shape) * ardm_dtype_bytes(shape->dtype);
}

int64_t ardm_shape_rows(const ardm_shape *shape, uint32_t tail) {
    int64_t count = 1;
    for (uint32_t axis = 0; axis + tail < shape->rank; ++axis) count *= shape->dim[axis];
    return count;
}

int64_t ardm_shape_last(const ardm_shape *shape, uint32_t back) { return back < shape->rank ? shape->dim[shape->rank - 1 - back] : 1; }

int32_t ardm_shape_equal(const ardm_shape *a, const ardm_shape *b) {
    if (a->dtype != b->dtype || a->rank != b->rank) return 0;
    for (uint32_t axis = 0; axis < a->rank; ++axis)
        if (a->dim[axis] != b->dim[axis]) return 0;
    return 1;
}

ardm_shape ardm_shape_make(uint32_t dtype, uint32_t rank, const int64_t *dim) {
    ardm_shape shape = {dtype, rank, {0}};
    for (uint32_t axis = 0; axis < rank && axis < ARDM_MAX_RANK; ++axis) shape.dim[axis] = dim[axis];
    return shape;
}

const char *ardm_shape_text(const ardm_shape *shape, char *out, size_t size) {
    size_t used = 0;
    int written = snprintf(out, size, "%s[", ardm_dtype_name(shape->dtype));
    used += written > 0 ? (size_t)written : 0;
    for (uint32_t axis = 0; axis < shape->rank && axis < ARDM_MAX_RANK && used < size; ++axis) {
        written = snprintf(out + used, size - used, "%s%" PRId64, axis ? "," : "", shape->dim[axis]);
        used += written > 0 ? (size_t)written : 0;
    }
    if (used < size) snprintf(out + used, size - used, "]");
    return out;
}

/* The port that operand `index` belongs to: a variadic last port takes all that follow. */
static const ardm_port *input_port(const ardm_op *op, uint32_t index) {
    if (index < op->n_inputs) return &op->inputs[index];
    if (op->n_inputs > 0 && (op->inputs[op->n_inputs - 1].flags & ARDM_PORT_VARIADIC)) return &op->inputs[op->n_inputs - 1];
    return NULL;
}

/* Extents are kept far from overflow: no count reaches 2^40, no extent is negative. */
static ardm_status check_extents(const char *op, const char *port, const ardm_shape *shape) {
    int64_t count = 1;
    if (shape->rank > ARDM_MAX_RANK)
        return ardm_fail(ARDM_ESHAPE, "%s: %s has rank %" PRIu32 "; the most is %d", op, port, shape->rank, ARDM_MAX_RANK);
    for (uint32_t axis = 0; axis < shape->rank; ++axis) {
        int64_t extent = shape->dim[axis];
        if (extent < 0 || extent >= INT64_C(1) << 31)
            return ardm_fail(ARDM_ESHAPE, "%s: extent %" PRIu32 " of %s is %" PRId64 "; 0 to 2^31-1 is legal", op, axis, port, extent);
        if (extent > 0 && count > (INT64_C(1) << 40) / extent) return ardm_fail(ARDM_ESHAPE, "%s: %s has more than 2^40 elements", op, port);
        count *= extent > 0 ? extent : 1;
    }
    return ARDM_OK;
}

static ardm_status check_input(const ardm_call *call, uint32_t index) {
    const ardm_op *op = call->op;
    const ardm_shape *shape = &call->in[index];
    const ardm_port *port = input_port(op, index);
    char text[128];
    if (shape->dtype == 0) {
        if (port->flags & ARDM_PORT_OPTIONAL) return ARDM_OK;
        return ardm_fail(ARDM_ESHAPE, "%s: operand %s is missing", op->name, port->name);
    }
    ARDM_TRY(check_extents(op->name, port->name, shape));
    if (shape->dtype > ARDM_U32 || !(port->dtypes & ARDM_DT(shape->dtype)))
        return ardm_fail(ARDM_ESHAPE, "%s: operand %s is %s, a type that it does not take", op->name, port->name,
                         ardm_shape_text(shape, text, sizeof text));
    if (shape->rank < port->min_rank || shape->rank > port->max_rank)
        return ardm_fail(ARDM_ESHAPE, "%s: operand %s is %s; its rank must be %" PRIu32 " to %" PRIu32, op->name, port->name,
                         ardm_shape_text(shape, text, sizeof text), port->min_rank, port->max_rank);
    return ARDM_OK;
}

ardm_status ardm_call_check(const ardm_call *call, ardm_shape *outputs) {
    const ardm_op *op = call->op;
    uint32_t required = 0;
    int32_t variadic = op->n_inputs > 0 && (op->inputs[op->n_inputs - 1].flags & ARDM_PORT_VARIADIC);
    for (uint32_t index = 0; index < op->n_inputs; ++index)
        if (!(op->inputs[index].flags & ARDM_PORT_OPTIONAL)) required = index + 1;
    if (call->n_in < required || (call->n_in > op->n_inputs && !variadic))
        return ardm_fail(ARDM_ESHAPE, "%s: %" PRIu32 " operands given; it takes %" PRIu32 "%s%" PRIu32, op->name, call->n_in, required,
                         variadic ? " or more, at least " : " to ", op->n_inputs);
    for (uint32_t index = 0; index < call->n_in; ++index) ARDM_TRY(check_input(call, index));
    memset(outputs, 0, op->n_outputs * sizeof *outputs);
    ARDM_TRY(op->infer(call, outputs));
    for (uint32_t index = 0; index < op->n_outputs; ++index) ARDM_TRY(check_extents(op->name, op->outputs[index].name, &outputs[index]));
    return ARDM_OK;
}

ardm_status ardm_record(ardm_recorder *recorder, const char *kernel, const char *options, uint32_t dimensions, const uint64_t global[3],
                        const uint64_t local[3], const ardm_operand *operands, uint32_t n_operands) {
    ardm_step step = {ARDM_OP_ABI, sizeof step, kernel, options, dimensions, {0}, {0}, operands, n_operands};
    for (uint32_t axis = 0; axis < 3; ++axis) {
        step.global[axis] = axis < dimensions ? global[axis] : 1;
        step.local[axis] = axis < dimensions ? local[axis] : 1;
    }
    return recorder->launch(recorder, &step);
}
