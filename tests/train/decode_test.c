/* Decoding in counts: one write, one wait a call; nothing built or allocated once every binding exists. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/budget.h"
#include "ardm/predictor.h"
#include "ardm/walk.h"

static const char *golden;

static void check(ardm_status status) { ck_assert_msg(status == ARDM_OK, "%s", ardm_message()); }

/* Walks one item through a model, deciding child 0 everywhere. */
static uint32_t walk_once(ardm_predictor *p, const ardm_budget *budget, ardm_queue_counts *spent) {
    ardm_layout layout = ardm_session_layout(p->session);
    size_t units = layout.channels;
    for (uint32_t i = 0; i < layout.rank; i++) units *= layout.extent[i];
    int32_t *symbols = calloc(units, sizeof *symbols);
    ardm_walk_item item = {symbols, NULL, 1};
    ardm_walk *walk = NULL;
    check(ardm_walk_open(&walk, p->session, ARDM_TASK_DECODE, &layout, budget->schedule, budget->block, 5, &item, 1));
    ardm_queue_counts before = ardm_device_counts(p->device);
    uint32_t calls = ardm_walk_calls(walk), decided = 0;
    for (uint32_t c = 0; c < calls; c++) {
        check(ardm_walk_run(walk, c, NULL, 1));
        ardm_walk_rows rows = ardm_walk_answer(walk, 0);
        for (uint32_t j = 0; j < rows.count; j++) ardm_walk_decide(walk, 0, rows.unit[j], 0);
        decided += rows.count;
    }
    ardm_queue_counts after = ardm_device_counts(p->device);
    ck_assert_uint_eq(decided, units * ardm_process_stages(ardm_session_process(p->session)));
    *spent = (ardm_queue_counts){.launches = after.launches - before.launches,
                                 .writes = after.writes - before.writes,
                                 .waits = after.waits - before.waits,
                                 .reads = after.reads - before.reads,
                                 .bytes_written = after.bytes_written - before.bytes_written,
                                 .bytes_read = after.bytes_read - before.bytes_read};
    ardm_walk_close(&walk);
    free(symbols);
    return calls;
}

static void counts_of(const char *name, const char *device_name) {
    char path[4096];
    ardm_model *model = NULL;
    ardm_device *device = NULL;
    ardm_predictor p;
    ardm_budget budget;
    ardm_queue_counts first, second;
    snprintf(path, sizeof path, "%s/%s.ardm", golden, name);
    check(ardm_model_load(&model, path, 1 << 28));
    check(ardm_device_open(&device, device_name));
    check(ardm_predictor_open(&p, model, device, 0));
    check(ardm_budget_choose(&budget, p.model, p.session, 0));
    walk_once(&p, &budget, &first);
    uint64_t allocated = ardm_device_allocated(device);
    uint32_t builds = ardm_device_builds(device), calls = walk_once(&p, &budget, &second);
    ck_assert_uint_eq(second.waits, calls);
    ck_assert_uint_eq(second.writes, calls);
    ck_assert_uint_eq(second.reads, calls);
    ck_assert_uint_eq(ardm_device_allocated(device), allocated);
    ck_assert_uint_eq(ardm_device_builds(device), builds);
    printf("%s on %s: %u calls, each 1 write, 1 wait, %.1f launches, %.0f bytes out, %.0f bytes back\n", name, ardm_device_name(device), calls,
           (double)second.launches / calls, (double)second.bytes_written / calls, (double)second.bytes_read / calls);
    ardm_budget_free(&budget);
    ardm_predictor_close(&p);
    ardm_device_close(&device);
}

static void counts_everywhere(const char *name) {
    const ardm_device_entry *entries;
    size_t count;
    counts_of(name, "reference");
    check(ardm_device_list(&entries, &count));
    for (size_t i = 0; i < count; i++) {
        char device[32];
        if (entries[i].why || entries[i].facts.device_class == ARDM_CLASS_REFERENCE) continue;
        snprintf(device, sizeof device, "%u:%u", entries[i].facts.platform_index, entries[i].facts.device_index);
        counts_of(name, device);
    }
}

START_TEST(test_tiles) { counts_everywhere("tiles"); }
END_TEST
START_TEST(test_staged) { counts_everywhere("staged"); }
END_TEST
START_TEST(test_bytes) { counts_everywhere("bytes"); }
END_TEST

int main(int argc, char **argv) {
    golden = argc > 1 ? argv[1] : "tests/golden";
    Suite *suite = suite_create("train/decode");
    TCase *tcase = tcase_create("counts");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, test_tiles);
    tcase_add_test(tcase, test_staged);
    tcase_add_test(tcase, test_bytes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
