/* test_ops [--only OP | --framework] [--device TEXT] [--variant NAME] [--small] [--digest] [--plant]
 *
 * Every op and case: bytes of every exact variant on every device, oracle bounds, canonical outputs, builds of the reference,
 * gradients, digests, and the framework itself. --digest prints the lines of ops/numerics.md. --plant launches a kernel that writes out of bounds,
 * which a memory checker around this program must report. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework.h"
#include "ops.h"

settings chosen;
static items cases, runs;

#define FAIL_IF(call, what)                                                                                                                          \
    do {                                                                                                                                             \
        char why[500] = "";                                                                                                                          \
        if (call) ck_abort_msg("%s: %s", (what)->name, why);                                                                                         \
    } while (0)

START_TEST(bytes_equal_reference) { FAIL_IF(run_differs(&runs.at[_i], 0, why, sizeof why), &runs.at[_i]); }
END_TEST

START_TEST(reference_within_bound) { FAIL_IF(oracle_differs(&cases.at[_i], why, sizeof why), &cases.at[_i]); }
END_TEST

START_TEST(outputs_canonical) { FAIL_IF(canonical_differs(&cases.at[_i], why, sizeof why), &cases.at[_i]); }
END_TEST

START_TEST(reference_builds_agree) { FAIL_IF(levels_differ(&cases.at[_i], why, sizeof why), &cases.at[_i]); }
END_TEST

START_TEST(gradient_by_differences) { FAIL_IF(gradient_differs(&cases.at[_i], why, sizeof why), &cases.at[_i]); }
END_TEST

START_TEST(digest_of_version) {
    const item *first = &cases.at[_i];
    if (first->index == 0) FAIL_IF(digest_differs(first->op, why, sizeof why), first);
}
END_TEST

START_TEST(probe_accepts_device) {
    const item *first = &cases.at[_i];
    if (first->index == 0 && runs.count) FAIL_IF(probe_differs(runs.at[0].device, first->op, why, sizeof why), first);
}
END_TEST

START_TEST(probe_has_cases) {
    const item *first = &cases.at[_i];
    if (first->index == 0) FAIL_IF(probe_lacks_case(first->op, why, sizeof why), first);
}
END_TEST

START_TEST(probe_sees_a_difference) {
    char why[500] = "";
    if (runs.count) ck_assert_msg(planted_probe_differs(runs.at[0].device, why, sizeof why), "%s", why);
}
END_TEST

/* A comparison that cannot fail proves nothing: one turned bit of a good answer must be seen. */
START_TEST(planted_byte_is_found) {
    char why[500] = "";
    int k = 0;
    while (k < runs.count && strstr(runs.at[k].op->cases[runs.at[k].index].inputs, "[0")) ++k;
    if (k == runs.count) return;
    ck_assert_msg(run_differs(&runs.at[k], 1, why, sizeof why), "%s: a turned bit was not seen", runs.at[k].name);
    ck_assert_ptr_nonnull(strstr(why, "1 of"));
}
END_TEST

/* Every op: at least three cases, and variants the last of which takes any device. */
START_TEST(tables_are_complete) {
    const ardm_op *op;
    for (uint32_t k = 0; (op = ardm_op_at(k)) != NULL; ++k) {
        if (chosen.only && strcmp(op->name, chosen.only) != 0) continue;
        const ardm_variant *variant = NULL;
        ck_assert_msg(op->abi == ARDM_OP_ABI && op->size == sizeof *op, "%s: abi or size", op->name);
        ck_assert_msg(op->n_cases >= 3, "%s has %u cases; three at least: odd extents, empty, extent 1", op->name, (unsigned)op->n_cases);
        ck_assert_msg(op->infer && (op->flags & ARDM_OP_VIEW || (op->reference && op->oracle)), "%s: a function is missing", op->name);
        ck_assert_msg(op->version >= 1 && op->sums && op->help && op->cost, "%s: version, sums, help and cost", op->name);
        if (op->flags & ARDM_OP_VIEW) continue;
        for (uint32_t v = 0; ardm_variant_at(op, v); ++v) variant = ardm_variant_at(op, v);
        ck_assert_msg(variant && variant->numerics == ARDM_EXACT, "%s: no exact variant is last", op->name);
        ck_assert_msg(ardm_op_find(op->name) == op, "%s is listed twice", op->name);
    }
}
END_TEST

static Suite *suite(void) {
    Suite *s = suite_create("ops");
    TCase *t = tcase_create("list");
    tcase_add_test(t, tables_are_complete);
    tcase_add_test(t, planted_byte_is_found);
    tcase_add_loop_test(t, bytes_equal_reference, 0, runs.count);
    if (!chosen.small) {
        tcase_add_loop_test(t, reference_within_bound, 0, cases.count);
        tcase_add_loop_test(t, outputs_canonical, 0, cases.count);
        tcase_add_loop_test(t, reference_builds_agree, 0, cases.count);
        tcase_add_loop_test(t, gradient_by_differences, 0, cases.count);
        tcase_add_loop_test(t, digest_of_version, 0, cases.count);
        tcase_add_test(t, probe_sees_a_difference);
        tcase_add_loop_test(t, probe_has_cases, 0, cases.count);
        tcase_add_loop_test(t, probe_accepts_device, 0, cases.count);
    }
    tcase_set_timeout(t, 600);
    suite_add_tcase(s, t);
    return s;
}

static Suite *framework_suite(void) {
    Suite *s = suite_create("op framework");
    TCase *t = tcase_create("framework");
    add_framework_tests(t);
    suite_add_tcase(s, t);
    return s;
}

/* OpenCL does not survive a fork, so all tests share this process. */
static int run_suite(Suite *s) {
    SRunner *runner = srunner_create(s);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* Writes behind its buffer: the liveness control of memory checkers. */
static int plant(void) {
    static const char source[] = "kernel void out_of_bounds(global int *y) { y[1000] = 1; }\n";
    ardm_device *device = NULL;
    ardm_kernel *kernel;
    ardm_buffer *buffer = NULL;
    ardm_launch *launch = NULL;
    if (ardm_device_open(&device, "Oclgrind") != ARDM_OK || ardm_kernel_get(&kernel, device, source, "", "out_of_bounds") != ARDM_OK ||
        ardm_buffer_create(&buffer, device, 64) != ARDM_OK)
        goto fail;
    ardm_launch_arg arg = {ARDM_ARG_BUFFER, 0, 0, buffer};
    if (ardm_launch_create(&launch, device, kernel, 1, (const uint64_t[3]){1, 1, 1}, (const uint64_t[3]){1, 1, 1}, &arg, 1) != ARDM_OK ||
        ardm_launch_enqueue(launch) != ARDM_OK || ardm_queue_finish(device) != ARDM_OK)
        goto fail;
    ardm_launch_release(&launch);
    ardm_buffer_release(&buffer);
    ardm_device_close(&device);
    return 0;
fail:
    fprintf(stderr, "%s\n", ardm_message());
    return 1;
}

int main(int argc, char **argv) {
    int digest = 0, framework = 0, failed = 0;
    for (int k = 1; k < argc; ++k) {
        int more = k + 1 < argc;
        if (strcmp(argv[k], "--only") == 0 && more)
            chosen.only = argv[++k];
        else if (strcmp(argv[k], "--device") == 0 && more)
            chosen.device = argv[++k];
        else if (strcmp(argv[k], "--variant") == 0 && more)
            chosen.variant = argv[++k];
        else if (strcmp(argv[k], "--small") == 0)
            chosen.small = 1;
        else if (strcmp(argv[k], "--framework") == 0)
            framework = 1;
        else if (strcmp(argv[k], "--digest") == 0)
            digest = 1;
        else if (strcmp(argv[k], "--plant") == 0)
            return plant();
        else
            return fprintf(stderr, "usage: test_ops [--only OP | --framework] [--device TEXT] [--variant NAME] [--small] [--digest] [--plant]\n"), 1;
    }
    if (chosen.only && !ardm_op_find(chosen.only)) return fprintf(stderr, "no op is named %s\n", chosen.only), 1;
    if (digest) {
        const ardm_op *op;
        for (uint32_t k = 0; (op = ardm_op_at(k)) != NULL; ++k)
            if (!chosen.only || strcmp(op->name, chosen.only) == 0) failed |= digest_print(op);
        return failed;
    }
    if (framework) return run_suite(framework_suite());
    devices_open();
    if (chosen.device) {
        runs_list(&runs);
        if (runs.count == 0) return fprintf(stderr, "ops: no device matches \"%s\" or no case runs there: not exercised\n", chosen.device), 77;
    } else {
        runs_list(&runs);
    }
    cases_list(&cases);
    failed = run_suite(suite());
    printf("ops: %d cases, %d runs on devices\n", cases.count, runs.count);
    items_free(&cases);
    items_free(&runs);
    devices_close();
    return failed;
}
