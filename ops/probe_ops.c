/* The ops' cases as a probe of a device. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ardm/file.h"
#include "ardm/op_case.h"
#include "ardm/op_probe.h"
#include "private.h"

extern const char *const ardm_cl_exact;

static ardm_status compare(const ardm_case_data *data, const ardm_variant *variant, void *const *want, void *const *got) {
    for (uint32_t k = 0; k < data->call.n_out; ++k) {
        uint64_t bytes = ardm_shape_bytes(&data->out[k]), width = ardm_dtype_bytes(data->out[k].dtype);
        const uint8_t *a = want[k], *b = got[k];
        for (uint64_t i = 0; i < bytes; i += width) {
            uint32_t x = 0, y = 0;
            if (memcmp(a + i, b + i, width) == 0) continue;
            memcpy(&x, a + i, width);
            memcpy(&y, b + i, width);
            return ardm_fail(ARDM_EINEXACT, "op %s, case %" PRIu32 ", variant %s: output %s[%" PRIu64 "] is %08" PRIx32 ", exact is %08" PRIx32,
                             data->op->name, data->index, variant->name, data->op->outputs[k].name, i / width, y, x);
        }
    }
    return ARDM_OK;
}

/* *ran is counted up where the variant takes the case and has something to compute. */
static ardm_status run_case(ardm_device *device, const ardm_op *op, uint32_t index, const ardm_variant *variant, uint32_t *ran) {
    ardm_case_data *data = NULL;
    ardm_case_run *run = NULL;
    void *want[ARDM_MAX_OPERANDS] = {0}, *got[ARDM_MAX_OPERANDS] = {0};
    double flops = 0, bytes = 0;
    char why[160];
    ARDM_TRY(ardm_case_open(&data, op, index));
    if (op->cost) op->cost(&data->call, &flops, &bytes);
    ardm_status status = ARDM_OK;
    if (flops > ARDM_PROBE_OPERATIONS || (variant->accept && variant->accept(&data->call, ardm_device_get_facts(device), why, sizeof why) <= 0))
        goto done;
    uint64_t written = 0;
    for (uint32_t k = 0; k < data->call.n_out; ++k) written += ardm_shape_bytes(&data->out[k]);
    *ran += written > 0;
    if ((status = ardm_case_outputs(want, data, 0)) != ARDM_OK || (status = ardm_case_outputs(got, data, 0)) != ARDM_OK) goto done;
    if ((status = ardm_case_reference(data, want)) != ARDM_OK) goto done;
    if ((status = ardm_case_run_open(&run, data, variant, device, NULL, 1)) != ARDM_OK) goto done;
    status = ardm_case_run_outputs(run, got);
    /* A zone behind an operand that changed says as much as a wrong bit. */
    if (status == ARDM_EDEVICE) status = ardm_fail_in(ARDM_EINEXACT, "op %s, case %" PRIu32 ", variant %s", op->name, index, variant->name);
    if (status == ARDM_OK) status = compare(data, variant, want, got);
done:
    ardm_case_run_close(&run);
    ardm_case_free_outputs(want, data);
    ardm_case_free_outputs(got, data);
    ardm_case_close(&data);
    return status;
}

/* Hash of the cases, so that a new one is run although no kernel changed. */
static uint64_t cases_of(const ardm_op *op) {
    uint64_t sum = op->n_cases;
    for (uint32_t k = 0; k < op->n_cases; ++k) {
        const char *texts[2] = {op->cases[k].inputs, op->cases[k].attrs ? op->cases[k].attrs : ""};
        for (int t = 0; t < 2; ++t) sum = sum * UINT64_C(0x9e3779b97f4a7c15) + ardm_xxh64(texts[t], strlen(texts[t]));
    }
    return sum;
}

/* fresh: kept verdicts are not asked. *ran: how many cases it was, UINT32_MAX when a kept verdict answered. */
static ardm_status probe_variant(ardm_device *device, const ardm_op *op, const ardm_variant *variant, int32_t fresh, uint32_t *ran) {
    char key[240];
    *ran = UINT32_MAX;
    if (variant->numerics != ARDM_EXACT || !variant->source) return ARDM_OK;
    snprintf(key, sizeof key, "op %.60s %" PRIu32 " %.60s %016" PRIx64 " %016" PRIx64 " %016" PRIx64, op->name, op->version, variant->name,
             ardm_xxh64(ardm_cl_exact, strlen(ardm_cl_exact)), ardm_xxh64(*variant->source, strlen(*variant->source)), cases_of(op));
    if (!fresh && ardm_probe_lookup(device, key) == 1) return ARDM_OK;
    ardm_status status = ARDM_OK;
    *ran = 0;
    for (uint32_t index = 0; index < op->n_cases && status == ARDM_OK; ++index) status = run_case(device, op, index, variant, ran);
    if (*ran && (status == ARDM_OK || status == ARDM_EINEXACT)) ardm_probe_keep(device, key, status == ARDM_OK, ardm_message());
    return status;
}

static ardm_status probe_op(ardm_device *device, const ardm_op *op, int32_t fresh) {
    const ardm_variant *variant;
    uint32_t ran;
    if (ardm_device_is_reference(device) || op->flags & ARDM_OP_VIEW) return ARDM_OK;
    for (uint32_t v = 0; (variant = ardm_variant_at(op, v)) != NULL; ++v) ARDM_TRY(probe_variant(device, op, variant, fresh, &ran));
    return ARDM_OK;
}

ardm_status ardm_op_probe(ardm_device *device, const ardm_op *op, const ardm_variant *variant) {
    uint32_t ran = 0;
    if (!variant) return probe_op(device, op, 0);
    if (ardm_device_is_reference(device) || op->flags & ARDM_OP_VIEW) return ARDM_OK;
    ARDM_TRY(probe_variant(device, op, variant, 0, &ran));
    if (ran == 0)
        return ardm_fail(ARDM_EINEXACT, "op %s, variant %s: %s takes none of its %" PRIu32 " cases, so nothing shows that it is exact", op->name,
                         variant->name, ardm_device_name(device), op->n_cases);
    return ARDM_OK;
}

ardm_status ardm_op_probe_all(ardm_device *device, ardm_probe_sink sink, void *user) {
    const ardm_op *op;
    char first[600] = "";
    ardm_status answer = ardm_probe_report(device, sink, user);
    if (answer != ARDM_OK && answer != ARDM_EINEXACT) return answer;
    if (answer != ARDM_OK) snprintf(first, sizeof first, "%s", ardm_message());
    for (uint32_t k = 0; (op = ardm_op_at(k)) != NULL; ++k) {
        char line[400];
        ardm_status status = probe_op(device, op, 1);
        snprintf(line, sizeof line, "%s", status == ARDM_OK ? "exact on its cases" : ardm_message());
        if (sink) sink(user, op->name, status == ARDM_OK, line);
        if (status == ARDM_OK || answer != ARDM_OK) continue;
        answer = status;
        snprintf(first, sizeof first, "%s", line);
    }
    return answer == ARDM_OK ? ARDM_OK : ardm_fail(answer, "%s", first);
}
