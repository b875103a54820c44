/* Expands the op list into test items. */
#include "ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEVICES = 16 };
static ardm_device *devices[MOST_DEVICES];
static uint32_t n_devices;

void devices_open(void) {
    const ardm_device_entry *entries;
    size_t count;
    ardm_device_list(&entries, &count);
    for (size_t k = 0; k < count && n_devices < MOST_DEVICES; ++k) {
        char name[32];
        if (entries[k].why || entries[k].facts.device_class == ARDM_CLASS_REFERENCE) continue;
        if (chosen.device && !strstr(entries[k].facts.platform, chosen.device) && !strstr(entries[k].facts.name, chosen.device)) continue;
        snprintf(name, sizeof name, "%u:%u", (unsigned)entries[k].facts.platform_index, (unsigned)entries[k].facts.device_index);
        if (ardm_device_open(&devices[n_devices], name) == ARDM_OK)
            ++n_devices;
        else
            fprintf(stderr, "ops: device %s is passed over: %s\n", name, ardm_message());
    }
    if (n_devices == 0) fprintf(stderr, "ops: no OpenCL device: kernels were not exercised\n");
}

void devices_close(void) {
    while (n_devices > 0) ardm_device_close(&devices[--n_devices]);
}

static void add(items *out, const item *one) {
    item *grown = realloc(out->at, (size_t)(out->count + 1) * sizeof *grown);
    if (!grown) abort();
    out->at = grown;
    out->at[out->count++] = *one;
}

/* Simulators need small cases: no more than 64 Ki multiply-adds, by the op's own account. */
static int small_enough(const ardm_op *op, uint32_t index) {
    ardm_case_data *data;
    double flops = 0, bytes = 0;
    if (ardm_case_open(&data, op, index) != ARDM_OK) return 1; /* let the test say what is wrong */
    if (op->cost) op->cost(&data->call, &flops, &bytes);
    for (uint32_t k = 0; k < data->call.n_out; ++k) bytes += (double)ardm_shape_bytes(&data->out[k]);
    ardm_case_close(&data);
    return flops <= 2 * 65536 && bytes <= 1 << 19;
}

void cases_list(items *out) {
    const ardm_op *op;
    memset(out, 0, sizeof *out);
    for (uint32_t k = 0; (op = ardm_op_at(k)) != NULL; ++k) {
        if (chosen.only && strcmp(op->name, chosen.only) != 0) continue;
        for (uint32_t index = 0; index < op->n_cases; ++index) {
            item one = {.op = op, .index = index};
            if (chosen.small && !small_enough(op, index)) continue;
            snprintf(one.name, sizeof one.name, "ops/%s/%u", op->name, (unsigned)index);
            add(out, &one);
        }
    }
}

/* The facts a variant is asked with: a CPU device also stands in for a GPU, so that GPU variants are run. */
static int accepts(const item *one, uint32_t device_class, char *why, uint32_t size) {
    ardm_case_data *data;
    ardm_device_facts facts = *ardm_device_get_facts(one->device);
    int32_t score = 1;
    facts.device_class = device_class;
    if (ardm_case_open(&data, one->op, one->index) != ARDM_OK) return device_class == ARDM_CLASS_CPU;
    if (one->variant->accept) score = one->variant->accept(&data->call, &facts, why, size);
    ardm_case_close(&data);
    return score > 0;
}

static void add_runs(items *out, const item *which) {
    const ardm_variant *variant;
    for (uint32_t v = 0; (variant = ardm_variant_at(which->op, v)) != NULL; ++v) {
        if (chosen.variant && strcmp(variant->name, chosen.variant) != 0) continue;
        if (variant->numerics != ARDM_EXACT) continue;
        for (uint32_t d = 0; d < n_devices; ++d) {
            char why[160] = "";
            item one = *which;
            one.variant = variant;
            one.device = devices[d];
            int length = snprintf(one.name, sizeof one.name, "ops/%s/%u/%s on %.60s", which->op->name, (unsigned)which->index, variant->name,
                                  ardm_device_name(devices[d]));
            int taken = accepts(&one, ardm_device_get_facts(devices[d])->device_class, why, sizeof why);
            if (taken) add(out, &one);
            if (taken && chosen.small) continue;
            if (ardm_device_get_facts(devices[d])->device_class != ARDM_CLASS_CPU || !accepts(&one, ARDM_CLASS_GPU, why, sizeof why)) continue;
            for (one.group = 256; one.group >= 64; one.group /= 4) {
                if (one.group > ardm_device_get_facts(devices[d])->max_work_group) continue;
                snprintf(one.name + length, sizeof one.name - (size_t)length, ", groups of %u", (unsigned)one.group);
                add(out, &one);
                if (chosen.small) break;
            }
        }
    }
}

void runs_list(items *out) {
    items cases;
    cases_list(&cases);
    memset(out, 0, sizeof *out);
    for (int k = 0; k < cases.count; ++k)
        if (!(cases.at[k].op->flags & ARDM_OP_VIEW)) add_runs(out, &cases.at[k]);
    items_free(&cases);
}

void items_free(items *list) {
    free(list->at);
    memset(list, 0, sizeof *list);
}
