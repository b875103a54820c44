/* Which variant of an op a device gets, and why the others were refused. */
#include <stdio.h>
#include <string.h>

#include "private.h"

const ardm_variant *ardm_variant_at(const ardm_op *op, uint32_t index) {
    if (index < op->n_variants) return &op->variants[index];
    if (op->flags & ARDM_OP_ELEMENTWISE && op->scalar) return ardm__elementwise_variant(op, index - op->n_variants);
    return NULL;
}

ardm_status ardm_variant_choose(const ardm_variant **out, const ardm_call *call, const ardm_device_facts *facts, uint32_t numerics) {
    const ardm_variant *variant, *best = NULL;
    int32_t best_score = 0;
    char reasons[1024] = "";
    size_t used = 0;
    *out = NULL;
    if (call->op->flags & ARDM_OP_VIEW) return ARDM_OK;
    for (uint32_t index = 0; (variant = ardm_variant_at(call->op, index)) != NULL; ++index) {
        char why[160] = "no reason given";
        int32_t score = 1;
        if (numerics == ARDM_EXACT && variant->numerics != ARDM_EXACT) {
            score = 0;
            snprintf(why, sizeof why, "not exact");
        } else if (variant->accept) {
            score = variant->accept(call, facts, why, sizeof why);
        }
        /* Of equal scores the earlier wins: the list is ordered best first. */
        if (score > best_score) {
            best = variant;
            best_score = score;
        }
        if (score <= 0 && used < sizeof reasons) {
            int written = snprintf(reasons + used, sizeof reasons - used, "; %s: %s", variant->name, why);
            used += written > 0 ? (size_t)written : 0;
        }
    }
    *out = best;
    return best ? ARDM_OK
                : ardm_fail(ARDM_EUNSUPPORTED, "%s: no variant runs on %s%s", call->op->name, facts->name ? facts->name : "this device", reasons);
}
