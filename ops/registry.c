/* The list of ops, expanded once, and after it the ops of plugins in order of registration. */
#include <string.h>

#include "ardm/op.h"

#define OP(name) extern const ardm_op ardm_op_##name;
#include "list.h"
#undef OP

static const ardm_op *const built_in[] = {
#define OP(name) &ardm_op_##name,
#include "list.h"
#undef OP
    NULL};

enum { BUILT_IN = sizeof built_in / sizeof built_in[0] - 1, MOST_FOREIGN = 256 };
static const ardm_op *foreign[MOST_FOREIGN];
static uint32_t n_foreign;

const ardm_op *ardm_op_at(uint32_t index) {
    if (index < BUILT_IN) return built_in[index];
    return index - BUILT_IN < n_foreign ? foreign[index - BUILT_IN] : NULL;
}

const ardm_op *ardm_op_find(const char *name) {
    const ardm_op *op;
    for (uint32_t index = 0; (op = ardm_op_at(index)) != NULL; ++index)
        if (strcmp(op->name, name) == 0) return op;
    return NULL;
}

ardm_status ardm_op_register(const ardm_op *op) {
    if (op->abi != ARDM_OP_ABI || op->size < sizeof *op)
        return ardm_fail(ARDM_EUNSUPPORTED, "an op table has version %u and %u bytes; this library takes version %d and %zu bytes", op->abi, op->size,
                         ARDM_OP_ABI, sizeof *op);
    if (op->name == NULL || strchr(op->name, '.') == NULL || strlen(op->name) > 63)
        return ardm_fail(ARDM_EINVAL, "op \"%s\": a plugin's op is named like org.example.op, at most 63 bytes", op->name ? op->name : "");
    if (op->infer == NULL || op->reference == NULL || op->oracle == NULL || op->n_inputs > ARDM_MAX_OPERANDS || op->n_outputs == 0 ||
        op->n_outputs > ARDM_MAX_OPERANDS || op->n_attrs > ARDM_MAX_ATTRS)
        return ardm_fail(ARDM_EINVAL, "op %s: infer, reference, oracle and at least one output are required", op->name);
    if (op->n_variants == 0 && !(op->flags & (ARDM_OP_VIEW | ARDM_OP_ELEMENTWISE))) return ardm_fail(ARDM_EINVAL, "op %s has no variant", op->name);
    if (ardm_op_find(op->name)) return ardm_fail(ARDM_EEXIST, "op %s is registered already", op->name);
    if (n_foreign == MOST_FOREIGN)
        return ardm_fail(ARDM_ENOMEM, "op %s: %d plugin ops are registered, the most there may be", op->name, MOST_FOREIGN);
    foreign[n_foreign++] = op;
    return ARDM_OK;
}
