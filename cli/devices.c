/* ardm devices: what is present, why something cannot be used, and which variant of each op a device gets. */
#include "command.h"

#include <jansson.h>
#include <string.h>

#include "ardm/op.h"
#include "ardm/op_case.h"

static const char *class_name(uint32_t device_class) {
    static const char *const names[] = {"reference", "CPU", "accelerator", "GPU"};
    return device_class < 4 ? names[device_class] : "?";
}

static json_t *describe(const ardm_device_entry *entry) {
    const ardm_device_facts *f = &entry->facts;
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:b}", "name", f->name, "platform", f->platform, "class",
                  class_name(f->device_class), "vendor", f->vendor, "driver", f->driver, "version", f->version, "pci", f->pci, "compute_units",
                  (json_int_t)f->compute_units, "global_bytes", (json_int_t)f->global_bytes, "max_allocation", (json_int_t)f->max_allocation,
                  "local_bytes", (json_int_t)f->local_bytes, "fast_fma", (int)f->has_fast_fma, "fp64", (int)f->has_fp64);
    if (entry->why) json_object_set_new(object, "refused", json_string(entry->why));
    return object;
}

/* The choice for an op's second case, which no tile divides; and why better variants were refused. */
static void print_variants(const ardm_device_facts *facts) {
    const ardm_op *op;
    for (uint32_t i = 0; (op = ardm_op_at(i)) != NULL; i++) {
        ardm_case_data *data = NULL;
        if ((op->flags & ARDM_OP_VIEW) || op->n_cases == 0 || ardm_case_open(&data, op, op->n_cases > 1 ? 1 : 0) != ARDM_OK) continue;
        const ardm_variant *chosen = NULL;
        if (ardm_variant_choose(&chosen, &data->call, facts, ARDM_EXACT) == ARDM_OK && chosen)
            printf("  %-20s %s\n", op->name, chosen->name);
        else
            printf("  %-20s none: %s\n", op->name, ardm_message());
        const ardm_variant *variant;
        for (uint32_t v = 0; (variant = ardm_variant_at(op, v)) != NULL; v++) {
            char why[200] = "";
            if (variant == chosen || !variant->accept || variant->accept(&data->call, facts, why, sizeof why) > 0) continue;
            printf("  %-20s   not %s: %s\n", "", variant->name, why);
        }
        ardm_case_close(&data);
    }
}

static ardm_status run(const arguments *args) {
    const ardm_device_entry *entries = NULL;
    size_t count = 0;
    ARDM_TRY(need_files(args, 0, 0));
    ARDM_TRY(ardm_device_list(&entries, &count));
    if (has(args, "json")) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++) json_array_append_new(list, describe(&entries[i]));
        json_dumpf(list, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(list);
        return ARDM_OK;
    }
    for (size_t i = 0; i < count; i++) {
        const ardm_device_facts *f = &entries[i].facts;
        if (f->device_class == ARDM_CLASS_REFERENCE)
            printf("reference  %s\n", f->name);
        else
            printf("%u:%u  %s (%s)\n", f->platform_index, f->device_index, f->name, f->platform);
        printf("  class %s, %u compute units, %.2f GiB, largest allocation %.2f GiB\n", class_name(f->device_class), f->compute_units,
               (double)f->global_bytes / (1 << 30), (double)f->max_allocation / (1 << 30));
        if (f->driver[0]) printf("  driver %s, %s%s%s\n", f->driver, f->version, f->pci[0] ? ", PCI " : "", f->pci);
        if (!f->has_fast_fma && f->device_class != ARDM_CLASS_REFERENCE) printf("  no hardware fma reported: exact, and slow\n");
        if (entries[i].why)
            printf("  refused: %s\n", entries[i].why);
        else if (has(args, "variants") && f->device_class != ARDM_CLASS_REFERENCE)
            print_variants(f);
    }
    size_t usable = 0;
    for (size_t i = 0; i < count; i++) usable += !entries[i].why && entries[i].facts.device_class != ARDM_CLASS_REFERENCE;
    if (!usable)
        printf("no OpenCL device can be used: commands run on the slow reference, to the same bytes, and exit with 2%s\n",
               count > 1 ? "" : "\ndrivers are packages such as pocl-opencl-icd");
    return ARDM_OK;
}

static const option options[] = {{"variants", 0, NULL, "which variant of each op a device gets, and why others were refused"}, {NULL, 0, NULL, NULL}};
const command command_devices = {
    "devices", "[--variants]", "List OpenCL devices of all platforms, and the built-in reference.", "ardm devices --variants", options, run};
