/* test_graphs [AREA] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static const struct {
    const char *name;
    TCase *(*make)(void);
} areas[] = {{"text", text_cases},      {"hostile", hostile_cases}, {"passes", passes_cases},     {"gradient", gradient_cases},
             {"memory", memory_cases},  {"alloc", alloc_cases},     {"ops", ops_cases},           {"random", random_cases},
             {"run", run_cases},        {"train", train_cases},     {"variants", variants_cases}, {"networks", networks_cases},
             {"dropout", dropout_cases}};

int main(int argc, char **argv) {
    Suite *suite = suite_create("graphs");
    int found = 0;
    for (size_t k = 0; k < sizeof areas / sizeof *areas; ++k) {
        if (argc > 1 && strcmp(argv[1], areas[k].name) != 0) continue;
        TCase *test = areas[k].make();
        tcase_set_timeout(test, 0);
        suite_add_tcase(suite, test);
        ++found;
    }
    if (!found) {
        fprintf(stderr, "no area is called %s\n", argv[1]);
        return 1;
    }
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* OpenCL does not survive a fork */
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    close_devices();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
