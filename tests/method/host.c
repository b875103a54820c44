/* host.c: runs the suites of the host-side method. */
#include "host.h"

int main(void) {
    SRunner *runner = srunner_create(process_suite());
    srunner_add_suite(runner, order_suite());
    srunner_add_suite(runner, schedule_suite());
    srunner_add_suite(runner, curve_suite());
    srunner_add_suite(runner, frequency_suite());
    srunner_add_suite(runner, rans_suite());
    srunner_add_suite(runner, toy_suite());
    srunner_add_suite(runner, estimator_suite());
    srunner_add_suite(runner, archive_suite());
    srunner_add_suite(runner, model_suite());
    srunner_add_suite(runner, calibration_suite());
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
