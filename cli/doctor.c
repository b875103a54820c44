/* ardm doctor: does a device compute what exact numerics promise? Primitives, exact.h, and every op's own cases. */
#include "command.h"

#include <jansson.h>

#include "ardm/op_probe.h"

typedef struct tally {
    uint32_t checks, failures;
    int32_t quiet, json;
    json_t *list;
} tally;

static void count(void *user, const char *name, int32_t exact, const char *line) {
    tally *t = user;
    t->checks++;
    t->failures += !exact;
    if (t->json)
        json_array_append_new(t->list, json_pack("{s:s, s:b, s:s}", "check", name, "exact", (int)exact, "line", line));
    else if (!exact || !t->quiet)
        printf("  %-28s %s\n", name, line);
}

static ardm_status examine(const char *name, const ardm_device_facts *facts, tally *t) {
    ardm_device *device = NULL;
    uint32_t checks = t->checks, failures = t->failures;
    ARDM_TRY(ardm_device_open(&device, name));
    if (!t->json) printf("%s, driver %s\n", ardm_device_name(device), facts ? facts->driver : ardm_device_get_facts(device)->driver);
    ardm_status status = ardm_op_probe_all(device, count, t);
    if (status != ARDM_OK && status != ARDM_EINEXACT) t->failures += t->failures == failures;
    if (!t->json)
        printf("exact: %s (%u checks, %u failed)%s%s\n", status == ARDM_OK ? "yes" : "no", t->checks - checks, t->failures - failures,
               status == ARDM_OK ? "" : ": ", status == ARDM_OK ? "" : ardm_message());
    ardm_device_close(&device);
    return status;
}

static ardm_status run(const arguments *args) {
    const ardm_device_entry *entries = NULL;
    size_t n = 0;
    tally t = {0, 0, !has(args, "verbose"), has(args, "json"), json_array()};
    ARDM_TRY(need_files(args, 0, 0));
    ardm_status worst = ARDM_OK;
    if (has(args, "device")) {
        worst = examine(argument(args, "device"), NULL, &t);
    } else {
        ARDM_TRY(ardm_device_list(&entries, &n));
        for (size_t i = 0; i < n; i++) {
            char name[32];
            if (entries[i].facts.device_class == ARDM_CLASS_REFERENCE) continue;
            if (entries[i].why) {
                printf("%s: not used: %s\n", entries[i].facts.name, entries[i].why);
                continue;
            }
            snprintf(name, sizeof name, "%u:%u", entries[i].facts.platform_index, entries[i].facts.device_index);
            ardm_status status = examine(name, &entries[i].facts, &t);
            if (status != ARDM_OK) worst = status;
        }
        if (t.checks == 0 && !t.json) printf("no OpenCL device; the built-in reference is exact by definition (--device reference)\n");
    }
    if (t.json) {
        json_dumpf(t.list, stdout, JSON_INDENT(1));
        printf("\n");
    }
    json_decref(t.list);
    return worst;
}

static const option options[] = {{NULL, 0, NULL, NULL}};
const command command_doctor = {
    "doctor", "[--device NAME]", "Check that devices compute exactly: primitives, functions and every op's cases.", "ardm doctor -v", options, run};
