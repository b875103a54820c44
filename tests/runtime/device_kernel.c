/* Kernels and recorded launches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

static const char *const source = "kernel void scale(global const float *x, global float *y, const float by, const int n) {\n"
                                  "    const int i = (int)get_global_id(0);\n"
                                  "    if (i < n) y[i] = ardm_flush(x[i] * by) + OFFSET;\n"
                                  "}\n";

START_TEST(launches_keep_their_arguments) {
    ardm_device *device = test_device();
    if (!device) return;
    float x[100], y[100];
    ardm_buffer *in, *out;
    ardm_kernel *kernel, *same;
    ardm_launch *twice, *thrice, *nothing;
    for (int k = 0; k < 100; ++k) x[k] = (float)k;
    ok(ardm_buffer_create(&in, device, sizeof x));
    ok(ardm_buffer_create(&out, device, sizeof y));
    ok(ardm_kernel_get(&kernel, device, source, "-DOFFSET=1", "scale"));
    uint32_t builds = ardm_device_builds(device);
    ok(ardm_kernel_get(&same, device, source, "-DOFFSET=1", "scale"));
    ck_assert_ptr_eq(kernel, same);
    ck_assert_uint_eq(ardm_device_builds(device), builds);
    ardm_launch_arg args[4] = {{ARDM_ARG_BUFFER, 0, 0, in}, {ARDM_ARG_BUFFER, 0, 0, out}, {ARDM_ARG_F32, 0, 2, NULL}, {ARDM_ARG_I32, 100, 0, NULL}};
    ok(ardm_launch_create(&twice, device, kernel, 1, (const uint64_t[3]){128}, (const uint64_t[3]){32}, args, 4));
    args[2].f = 3;
    ok(ardm_launch_create(&thrice, device, kernel, 1, (const uint64_t[3]){128}, (const uint64_t[3]){0}, args, 4));
    ok(ardm_launch_create(&nothing, device, kernel, 1, (const uint64_t[3]){0}, (const uint64_t[3]){0}, args, 4));
    /* The caller's references are not needed any more. */
    ardm_buffer *kept_in = in, *kept_out = out;
    ok(ardm_queue_write(device, in, 0, x, sizeof x));
    for (int round = 0; round < 4; ++round) {
        ardm_queue_counts before = ardm_device_counts(device);
        ok(ardm_launch_enqueue(nothing));
        ok(ardm_launch_enqueue(round % 2 ? thrice : twice));
        ok(ardm_queue_read(device, kept_out, 0, y, sizeof y));
        ardm_queue_counts after = ardm_device_counts(device);
        ck_assert_uint_eq(after.launches - before.launches, 1);
        ck_assert_uint_eq(after.waits - before.waits, 1);
        for (int k = 0; k < 100; ++k) ck_assert_float_eq(y[k], x[k] * (round % 2 ? 3.0f : 2.0f) + 1);
    }
    ardm_launch_release(&twice);
    ardm_launch_release(&thrice);
    ardm_launch_release(&nothing);
    ardm_buffer_release(&kept_in);
    ardm_buffer_release(&kept_out);
    ardm_device_close(&device);
}
END_TEST

START_TEST(wrong_launches_are_refused) {
    ardm_device *device = test_device();
    if (!device) return;
    ardm_buffer *buffer;
    ardm_kernel *kernel;
    ardm_launch *launch;
    ok(ardm_buffer_create(&buffer, device, 64));
    ok(ardm_kernel_get(&kernel, device, source, "-DOFFSET=1", "scale"));
    ardm_launch_arg args[4] = {
        {ARDM_ARG_BUFFER, 0, 0, buffer}, {ARDM_ARG_BUFFER, 0, 0, buffer}, {ARDM_ARG_F32, 0, 2, NULL}, {ARDM_ARG_I32, 1, 0, NULL}};
    ck_assert_int_eq(ardm_launch_create(&launch, device, kernel, 1, (const uint64_t[3]){100}, (const uint64_t[3]){64}, args, 4), ARDM_EINVAL);
    ck_assert_int_eq(ardm_launch_create(&launch, device, kernel, 1, (const uint64_t[3]){64}, (const uint64_t[3]){64}, args, 3), ARDM_EINVAL);
    uint64_t much = ardm_device_get_facts(device)->max_work_group * 2;
    ck_assert_int_eq(ardm_launch_create(&launch, device, kernel, 1, (const uint64_t[3]){much}, (const uint64_t[3]){much}, args, 4), ARDM_EINVAL);
    ck_assert_ptr_null(launch);
    ck_assert_ptr_nonnull(strstr(ardm_message(), "scale"));
    ok(ardm_kernel_get(&kernel, device, source, "-DOFFSET=1", "no_such_kernel"));
    ck_assert_int_ne(ardm_launch_create(&launch, device, kernel, 1, (const uint64_t[3]){64}, (const uint64_t[3]){64}, args, 4), ARDM_OK);
    ardm_buffer_release(&buffer);
    ardm_device_close(&device);
}
END_TEST

START_TEST(relaxed_builds_are_refused) {
    static const char *const options[] = {"-cl-fast-relaxed-math",
                                          "-DOFFSET=1 -cl-mad-enable",
                                          "-cl-unsafe-math-optimizations",
                                          "-cl-finite-math-only",
                                          "-cl-denorms-are-zero",
                                          "-cl-fp32-correctly-rounded-divide-sqrt",
                                          "-cl-std=CL2.0",
                                          "-ffast-math"};
    ardm_device *device = test_device();
    ardm_kernel *kernel;
    if (!device) return;
    for (size_t k = 0; k < sizeof options / sizeof options[0]; ++k)
        ck_assert_int_eq(ardm_kernel_get(&kernel, device, source, options[k], "scale"), ARDM_EINVAL);
    ardm_device_close(&device);
}
END_TEST

START_TEST(failed_build_leaves_a_log) {
    static const char *const bad = "#line 1 \"ops/bad/bad.cl\"\nkernel void bad(global int *y) { y[0] = no_such_name; }\n";
    ardm_device *device = test_device();
    ardm_kernel *kernel;
    char text[8192] = "";
    if (!device) return;
    ck_assert_int_eq(ardm_kernel_get(&kernel, device, bad, "", "bad"), ARDM_EBUILD);
    ck_assert_ptr_null(kernel);
    const char *path = strstr(ardm_message(), " log is in ");
    ck_assert_msg(path != NULL, "%s", ardm_message());
    FILE *file = fopen(path + strlen(" log is in "), "r");
    ck_assert_msg(file != NULL, "%s", ardm_message());
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    ck_assert_uint_gt(size, 0);
    ck_assert_ptr_nonnull(strstr(text, "no_such_name"));
    ck_assert_ptr_nonnull(strstr(text, "driver"));
    /* The next kernel builds. */
    ok(ardm_kernel_get(&kernel, device, source, "-DOFFSET=2", "scale"));
    ardm_device_close(&device);
}
END_TEST

Suite *kernel_suite(void) {
    Suite *s = suite_create("kernel");
    TCase *t = tcase_create("kernel");
    tcase_add_test(t, launches_keep_their_arguments);
    tcase_add_test(t, wrong_launches_are_refused);
    tcase_add_test(t, relaxed_builds_are_refused);
    tcase_add_test(t, failed_build_leaves_a_log);
    suite_add_tcase(s, t);
    return s;
}
