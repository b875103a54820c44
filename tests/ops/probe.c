/* The ops' probe: every op is exact here, and a device whose bytes are not the reference's is named. */
#include "ardm/op_probe.h"

#include <stdio.h>
#include <string.h>

#include "ops.h"

int probe_differs(ardm_device *device, const ardm_op *op, char *why, size_t size) {
    if (ardm_op_probe(device, op, NULL) != ARDM_OK) {
        snprintf(why, size, "%s", ardm_message());
        return 1;
    }
    return 0;
}

/* Where a device of these facts would launch a variant for a case, the probe must have one to run it on there. */
static int lacks_case(const ardm_op *op, const ardm_device_facts *facts, char *why, size_t size) {
    const ardm_variant *chosen_ones[16] = {NULL}, *runnable[16] = {NULL}, *variant;
    int lacking = 0;
    for (uint32_t index = 0; index < op->n_cases; ++index) {
        ardm_case_data *data;
        double flops = 0, bytes = 0;
        char reason[160];
        if (ardm_case_open(&data, op, index) != ARDM_OK) continue; /* other tests say so */
        op->cost(&data->call, &flops, &bytes);
        for (uint32_t v = 0; v < 16 && (variant = ardm_variant_at(op, v)) != NULL; ++v) {
            const ardm_variant *best = NULL;
            if (ardm_variant_choose(&best, &data->call, facts, ARDM_EXACT) == ARDM_OK && best == variant) chosen_ones[v] = variant;
            if (flops <= ARDM_PROBE_OPERATIONS && ardm_shape_bytes(&data->out[0]) > 0 &&
                (!variant->accept || variant->accept(&data->call, facts, reason, sizeof reason) > 0))
                runnable[v] = variant;
        }
        ardm_case_close(&data);
    }
    for (int v = 0; v < 16; ++v)
        if (chosen_ones[v] && !runnable[v]) {
            snprintf(why, size, "variant %s is chosen on class %u, and takes no case there that the probe runs", chosen_ones[v]->name,
                     (unsigned)facts->device_class);
            lacking = 1;
        }
    return lacking;
}

int probe_lacks_case(const ardm_op *op, char *why, size_t size) {
    static const uint32_t classes[] = {ARDM_CLASS_CPU, ARDM_CLASS_ACCELERATOR, ARDM_CLASS_GPU};
    const ardm_device_entry *entries;
    size_t count;
    if (op->flags & ARDM_OP_VIEW || ardm_device_list(&entries, &count) != ARDM_OK) return 0;
    for (size_t k = 0; k < sizeof classes / sizeof classes[0]; ++k)
        for (uint64_t group = 64; group <= 1024; group *= 4) {
            ardm_device_facts facts = entries[count - 1].facts; /* the reference's, dressed up */
            facts.device_class = classes[k];
            facts.max_work_group = group;
            facts.local_bytes = 32768;
            facts.max_allocation = facts.global_bytes = UINT64_C(1) << 32;
            if (lacks_case(op, &facts, why, size)) return 1;
        }
    return 0;
}

/* What a device that adds one unit in the last place looks like from here: the reference differs from it by one. */
static ardm_status wrong_reference(const ardm_call *call, const void *const *in, void *const *out) {
    const ardm_op *right = ardm_op_find(call->op->name);
    ARDM_TRY(right->reference(call, in, out));
    int64_t last = ardm_shape_count(&call->out[0]) - 1;
    if (last >= 0) ((uint32_t *)out[0])[last] += 1;
    return ARDM_OK;
}

int planted_probe_differs(ardm_device *device, char *why, size_t size) {
    static ardm_op wrong;
    wrong = *ardm_op_find("add");
    wrong.reference = wrong_reference;
    wrong.version = 1000000;
    ardm_status status = ardm_op_probe(device, &wrong, NULL);
    snprintf(why, size, "status %d: %s", status, ardm_message());
    return status == ARDM_EINEXACT && strstr(why, "op add") && strstr(why, "exact is");
}
