/* What the suites of the device side share. */
#ifndef TESTS_RUNTIME_DEVICE_H
#define TESTS_RUNTIME_DEVICE_H

#include <check.h>
#include <stdint.h>

#include "ardm/device.h"

Suite *open_suite(void);
Suite *queue_suite(void);
Suite *kernel_suite(void);
Suite *cache_suite(void);
Suite *probe_suite(void);

/* An OpenCL device by ARDM_TEST_DEVICE, else the first usable; NULL, with a line that says so, where there is none. */
ardm_device *test_device(void);

#define ok(call) ck_assert_msg((call) == ARDM_OK, "%s: %s", #call, ardm_message())

/* The program's own path, for children, and the job a child does. */
extern const char *self;
int cache_child(void);

/* The last line that the library logged with "program" in it: "built a program …" or "loaded a program …". */
extern char last_program_line[256];

#endif
