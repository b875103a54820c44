/* C against OpenCL: the same bytes from the kernel text on the default device, a million points a function. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exact.h"

#include "ardm/device.h"

enum { COUNT = 1 << 20, CHUNK = 4096 };

static ardm_device *device;

/* The same list as in C, a case a function. */
static char *kernel_text(void) {
    static const char *const cases[] = {
#define X(name, ...) "ardm_" #name "(a)",
        ARDM_UNARY(X)
#undef X
#define X(name, call) #call,
            ARDM_OTHERS(X)
#undef X
    };
    size_t size = 1 << 16, used = 0;
    char *text = malloc(size);
    ck_assert_ptr_nonnull(text);
    used +=
        (size_t)snprintf(text, size,
                         "kernel void points(global const uint *restrict x, global const uint *restrict z, global uint *restrict y, const int f) {\n"
                         "    const int begin = (int)get_global_id(0) * %d;\n"
                         "    switch (f) {\n",
                         CHUNK);
    for (int32_t f = 0; f < ARDM_F_COUNT; ++f)
        used += (size_t)snprintf(text + used, size - used,
                                 "    case %d:\n"
                                 "        for (int i = begin; i < begin + %d; ++i) {\n"
                                 "            const uint u = x[i], v = z[i];\n"
                                 "            const float a = as_float(u), b = as_float(v);\n"
                                 "            y[i] = as_uint(%s);\n"
                                 "        }\n"
                                 "        break;\n",
                                 (int)f, CHUNK, cases[f]);
    used += (size_t)snprintf(text + used, size - used, "    }\n}\n");
    ck_assert(used < size);
    return text;
}

START_TEST(kernels_give_the_bytes_of_c) {
    uint32_t *x = malloc(COUNT * sizeof *x), *z = malloc(COUNT * sizeof *z), *want = malloc(COUNT * sizeof *want), *got = malloc(COUNT * sizeof *got);
    char *text = kernel_text();
    ardm_buffer *buffers[3] = {NULL};
    ardm_kernel *kernel = NULL;
    ck_assert(x && z && want && got);
    for (int64_t i = 0; i < COUNT; ++i) {
        x[i] = exact_argument(i);
        z[i] = exact_argument(5 * i + 3);
    }
    ck_assert_msg(ardm_kernel_get(&kernel, device, text, "", "points") == ARDM_OK, "%s", ardm_message());
    for (int k = 0; k < 3; ++k) ck_assert_msg(ardm_buffer_create(&buffers[k], device, COUNT * sizeof *x) == ARDM_OK, "%s", ardm_message());
    ck_assert(ardm_queue_write(device, buffers[0], 0, x, COUNT * sizeof *x) == ARDM_OK);
    ck_assert(ardm_queue_write(device, buffers[1], 0, z, COUNT * sizeof *z) == ARDM_OK);
    for (int32_t f = 0; f < ARDM_F_COUNT; ++f) {
        ardm_launch *launch = NULL;
        const ardm_launch_arg args[4] = {{.kind = ARDM_ARG_BUFFER, .buffer = buffers[0]},
                                         {.kind = ARDM_ARG_BUFFER, .buffer = buffers[1]},
                                         {.kind = ARDM_ARG_BUFFER, .buffer = buffers[2]},
                                         {.kind = ARDM_ARG_I32, .i = f}};
        const uint64_t global[3] = {COUNT / CHUNK, 1, 1}, local[3] = {1, 1, 1};
        ck_assert_msg(ardm_launch_create(&launch, device, kernel, 1, global, local, args, 4) == ARDM_OK, "%s", ardm_message());
        ck_assert_msg(ardm_launch_enqueue(launch) == ARDM_OK, "%s", ardm_message());
        ck_assert_msg(ardm_queue_read(device, buffers[2], 0, got, COUNT * sizeof *got) == ARDM_OK, "%s", ardm_message());
        ardm_launch_release(&launch);
        exact_points_best()(f, x, z, want, COUNT);
        uint32_t finite = 0;
        for (int64_t i = 0; i < COUNT; ++i) {
            if ((want[i] & 0x7fffffffu) > 0x7f800000u && (got[i] & 0x7fffffffu) > 0x7f800000u) continue;
            /* Sums and products of arbitrary floats may be subnormal, which a device may flush. */
            if ((f == ARDM_F_mul_add || f == ARDM_F_fma) && (want[i] & 0x7f800000u) == 0) continue;
            finite += (want[i] & 0x7f800000u) != 0x7f800000u;
            if (got[i] != want[i])
                ck_abort_msg("%s(%08x, %08x): %08x on %s, %08x in C", exact_name(f), x[i], z[i], got[i], ardm_device_name(device), want[i]);
        }
        ck_assert_msg(finite > COUNT / 16, "%s: %u finite results only", exact_name(f), finite);
    }
    for (int k = 0; k < 3; ++k) ardm_buffer_release(&buffers[k]);
    free(text);
    free(got);
    free(want);
    free(z);
    free(x);
}
END_TEST

static void open_device(void) { ck_assert_msg(ardm_device_open(&device, NULL) == ARDM_OK, "%s", ardm_message()); }
static void close_device(void) { ardm_device_close(&device); }

Suite *bytes_suite(void) {
    Suite *suite = suite_create("exact bytes");
    ardm_device *found = NULL;
    int32_t none = ardm_device_open(&found, NULL) != ARDM_OK || ardm_device_is_reference(found);
    ardm_device_close(&found);
    if (none) {
        printf("skipped: exact bytes (no OpenCL device)\n");
        return suite;
    }
    TCase *tests = tcase_create("bytes");
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, open_device, close_device);
    tcase_add_test(tests, kernels_give_the_bytes_of_c);
    suite_add_tcase(suite, tests);
    return suite;
}
