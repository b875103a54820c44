#include <stdlib.h>

#include "ardm/log.h"
#include "hostile.h"

int main(void) {
    setenv("ARDM_PLUGIN_PATH", ARDM_TEST_PLUGINS, 1);
    ardm_device *device = reference();
    Suite *suite = suite_create("hostile");
    suite_add_tcase(suite, archive_cases());
    suite_add_tcase(suite, model_cases());
    suite_add_tcase(suite, graph_cases());
    suite_add_tcase(suite, recipe_cases());
    suite_add_tcase(suite, picture_cases());
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* one process: memory is counted and the device is shared */
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    ardm_device_close(&device);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
