/* host.h: the suites of the host-side method, and what they share. */
#ifndef TESTS_METHOD_HOST_H
#define TESTS_METHOD_HOST_H

#include "../support/checks.h"

Suite *process_suite(void);
Suite *order_suite(void);
Suite *schedule_suite(void);
Suite *curve_suite(void);
Suite *frequency_suite(void);
Suite *rans_suite(void);
Suite *toy_suite(void);
Suite *estimator_suite(void);
Suite *archive_suite(void);
Suite *model_suite(void);
Suite *calibration_suite(void);

#endif
