/* Buffers, views and the queue, on an OpenCL device and on the reference device alike. */
#include <string.h>

#include "device.h"

static ardm_device *open_one(int which) {
    ardm_device *device = NULL;
    if (which) return test_device();
    ok(ardm_device_open(&device, "reference"));
    return device;
}

START_TEST(bytes_come_back) {
    ardm_device *device = open_one(_i);
    if (!device) return;
    enum { N = 3 * ARDM_ALIGN + 13 };
    static uint8_t sent[N], got[N];
    ardm_buffer *whole, *view, *inner, *none, *empty;
    for (int k = 0; k < N; ++k) sent[k] = (uint8_t)(k * 7 + 3);
    ok(ardm_buffer_create(&whole, device, N));
    ck_assert_uint_eq(ardm_device_allocated(device), N);
    ok(ardm_buffer_view(&view, whole, ARDM_ALIGN, 2 * ARDM_ALIGN + 13));
    ok(ardm_buffer_view(&inner, view, ARDM_ALIGN, ARDM_ALIGN));
    ok(ardm_buffer_create(&none, device, 0));
    ok(ardm_buffer_view(&empty, whole, ARDM_ALIGN, 0));
    ck_assert_uint_eq(ardm_device_allocated(device), N);
    ardm_queue_counts before = ardm_device_counts(device);
    ok(ardm_queue_write(device, whole, 0, sent, N));
    ok(ardm_queue_read(device, inner, 0, got, ARDM_ALIGN));
    ck_assert_mem_eq(got, sent + 2 * ARDM_ALIGN, ARDM_ALIGN);
    ok(ardm_queue_fill(device, view, 4, UINT32_C(0x04030201), 11));
    ok(ardm_queue_copy(device, inner, 0, whole, 0, 100));
    ok(ardm_queue_write(device, none, 0, sent, 0));
    ok(ardm_queue_read(device, whole, 0, got, N));
    for (int k = 0; k < 11; ++k) sent[ARDM_ALIGN + 4 + k] = (uint8_t)(k % 4 + 1);
    memcpy(sent + 2 * ARDM_ALIGN, sent, 100);
    ck_assert_mem_eq(got, sent, N);
    ardm_queue_counts after = ardm_device_counts(device);
    ck_assert_uint_eq(after.writes - before.writes, 2);
    ck_assert_uint_eq(after.reads - before.reads, 2);
    ck_assert_uint_eq(after.waits - before.waits, 2);
    ck_assert_uint_eq(after.fills - before.fills, 1);
    ck_assert_uint_eq(after.copies - before.copies, 1);
    ck_assert_uint_eq(after.bytes_written - before.bytes_written, N);
    ck_assert_uint_eq(after.bytes_read - before.bytes_read, N + ARDM_ALIGN);
    ck_assert_int_eq(ardm_buffer_host(inner) != NULL, ardm_device_is_reference(device));
    /* A view keeps its parent alive. */
    ardm_buffer_release(&whole);
    ok(ardm_queue_read(device, inner, 0, got, 100));
    ck_assert_mem_eq(got, sent, 100);
    ck_assert_uint_eq(ardm_device_allocated(device), N);
    ardm_buffer_release(&view);
    ardm_buffer_release(&inner);
    ardm_buffer_release(&none);
    ardm_buffer_release(&empty);
    ck_assert_uint_eq(ardm_device_allocated(device), 0);
    ardm_device_close(&device);
}
END_TEST

START_TEST(ranges_are_checked) {
    ardm_device *device = open_one(_i);
    if (!device) return;
    ardm_buffer *buffer, *view;
    uint8_t bytes[16] = {0};
    ok(ardm_buffer_create(&buffer, device, 2 * ARDM_ALIGN));
    ck_assert_int_eq(ardm_buffer_view(&view, buffer, 1, 8), ARDM_EINVAL);
    ck_assert_int_eq(ardm_buffer_view(&view, buffer, ARDM_ALIGN, ARDM_ALIGN + 1), ARDM_EINVAL);
    ck_assert_int_eq(ardm_buffer_view(&view, buffer, UINT64_MAX - ARDM_ALIGN + 1, 2 * ARDM_ALIGN), ARDM_EINVAL);
    ck_assert_int_eq(ardm_queue_write(device, buffer, 2 * ARDM_ALIGN - 8, bytes, 9), ARDM_EINVAL);
    ck_assert_int_eq(ardm_queue_read(device, buffer, UINT64_MAX, bytes, 2), ARDM_EINVAL);
    ck_assert_int_eq(ardm_queue_fill(device, buffer, 2, 0, 4), ARDM_EINVAL);
    ck_assert_int_eq(ardm_queue_copy(device, buffer, 2 * ARDM_ALIGN, buffer, 0, 1), ARDM_EINVAL);
    ck_assert_int_eq(ardm_buffer_create(&view, device, ardm_device_get_facts(device)->max_allocation + 1), ARDM_ENOMEM);
    ardm_buffer_release(&buffer);
    ardm_device_close(&device);
}
END_TEST

START_TEST(buffers_outlive_the_handle) {
    ardm_device *device = open_one(_i);
    if (!device) return;
    ardm_buffer *buffer;
    ok(ardm_buffer_create(&buffer, device, 64));
    ardm_device_close(&device);
    ardm_buffer_release(&buffer);
    ardm_buffer_release(&buffer);
}
END_TEST

Suite *queue_suite(void) {
    Suite *s = suite_create("queue");
    TCase *t = tcase_create("queue");
    tcase_add_loop_test(t, bytes_come_back, 0, 2);
    tcase_add_loop_test(t, ranges_are_checked, 0, 2);
    tcase_add_loop_test(t, buffers_outlive_the_handle, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
