/* Coding stands on exactness: before a binding codes anything, the primitives and the cases of exactly the kernels that it launches have
 * given the reference's bytes on its device. Verdicts are kept, so that this costs once a device, driver and kernel. */
#include <inttypes.h>
#include <stdlib.h>

#include "ardm/log.h"
#include "ardm/op_probe.h"
#include "guard.h"

static int32_t is_new(const ardm_variant **seen, uint32_t *n, const ardm_variant *variant) {
    for (uint32_t k = 0; k < *n; k++)
        if (seen[k] == variant) return 0;
    seen[(*n)++] = variant;
    return 1;
}

static ardm_status probe_all(const ardm_binding *binding, ardm_device *device, const ardm_variant **seen) {
    uint32_t nodes = ardm_binding_facts(binding)->nodes, n = 0;
    uint64_t launches = ardm_device_counts(device).launches;
    double began = ardm_clock();
    ARDM_TRY(ardm_probe_primitives(device));
    for (uint32_t k = 0; k < nodes; k++) {
        const ardm_op *op;
        const ardm_variant *variant;
        ardm_binding_node(binding, k, &op, &variant);
        if (!variant || !is_new(seen, &n, variant)) continue;
        ARDM_TRY(ardm_op_probe(device, op, variant));
        if (ardm_device_counts(device).launches != launches) ARDM_TRY(ardm_progress("check the device", k + 1, nodes, "nodes", NULL));
    }
    if (ardm_device_counts(device).launches != launches)
        ardm_log_write(ARDM_LOG_INFO, "%s: %" PRIu32 " kernels are exact on their cases (%.1f s, once a driver)", ardm_device_name(device), n,
                       ardm_clock() - began);
    return ARDM_OK;
}

ardm_status ardm_guard__binding(const ardm_binding *binding, ardm_device *device) {
    if (ardm_device_is_reference(device)) return ARDM_OK;
    const ardm_variant **seen = malloc((ardm_binding_facts(binding)->nodes + 1) * sizeof *seen);
    if (!seen) return ardm_fail(ARDM_ENOMEM, "no memory to check a device");
    ardm_status status = probe_all(binding, device, seen);
    free(seen);
    return status == ARDM_EINEXACT ? ardm_fail_in(status, "%s is refused for coding (the device `reference` is exact)", ardm_device_name(device))
                                   : status;
}
