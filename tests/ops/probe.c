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
