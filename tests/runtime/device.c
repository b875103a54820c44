/* device.c: runs the suites of the device side against a cache folder of their own. */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ardm/cache.h"
#include "ardm/log.h"

const char *self;
char last_program_line[256];

static void keep_line(void *user, int32_t level, const char *line) {
    (void)user;
    (void)level;
    if (strstr(line, " a program ")) snprintf(last_program_line, sizeof last_program_line, "%s", line);
}

ardm_device *test_device(void) {
    const ardm_device_entry *entries;
    ardm_device *device = NULL;
    size_t count;
    ok(ardm_device_list(&entries, &count));
    for (size_t k = 0; k < count && !device; ++k) {
        char name[32];
        if (entries[k].why || entries[k].facts.device_class == ARDM_CLASS_REFERENCE) continue;
        snprintf(name, sizeof name, "%u:%u", (unsigned)entries[k].facts.platform_index, (unsigned)entries[k].facts.device_index);
        ok(ardm_device_open(&device, name));
    }
    if (!device) fprintf(stderr, "no OpenCL device: not exercised\n");
    return device;
}

int main(int argc, char **argv) {
    char folder[] = "/tmp/ardm-device-XXXXXX";
    ardm_log_set(keep_line, NULL, ARDM_LOG_DEBUG);
    self = argv[0];
    if (argc == 2 && strcmp(argv[1], "--child") == 0) return cache_child();
    if (!mkdtemp(folder)) return 1;
    setenv("ARDM_CACHE", folder, 1);
    unsetenv("ARDM_DEVICE");
    SRunner *runner = srunner_create(open_suite());
    srunner_add_suite(runner, queue_suite());
    srunner_add_suite(runner, kernel_suite());
    srunner_add_suite(runner, cache_suite());
    srunner_add_suite(runner, probe_suite());
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    uint32_t removed;
    ardm_cache_clear(&removed);
    rmdir(folder);
    return failed != 0;
}
