/* exact.c: runs the suites of exact.h. */
#include "exact.h"

const char *exact_name(int32_t f) {
    static const char *const names[] = {
#define X(name, ...) #name,
        ARDM_UNARY(X) ARDM_OTHERS(X)
#undef X
    };
    return names[f];
}

exact_points *exact_points_best(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2")) return exact_points_avx2;
#endif
    return exact_points_o3;
}

int main(void) {
    SRunner *runner = srunner_create(errors_suite());
    srunner_add_suite(runner, builds_suite());
    srunner_add_suite(runner, bytes_suite());
    srunner_set_fork_status(runner, CK_NOFORK); /* OpenCL does not survive a fork */
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
