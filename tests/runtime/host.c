/* host.c: runs the suites of the host side. */
#include "host.h"

int main(void) {
    SRunner *runner = srunner_create(status_suite());
    srunner_add_suite(runner, random_suite());
    srunner_add_suite(runner, file_suite());
    srunner_add_suite(runner, unpack_suite());
    srunner_add_suite(runner, config_suite());
    srunner_add_suite(runner, thread_suite());
    srunner_add_suite(runner, alloc_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
