/* host.h: the suites of this program, and what they share. */
#ifndef TESTS_RUNTIME_HOST_H
#define TESTS_RUNTIME_HOST_H

#include <check.h>

#include "ardm/status.h"

Suite *status_suite(void);
Suite *random_suite(void);
Suite *file_suite(void);
Suite *unpack_suite(void);
Suite *config_suite(void);
Suite *thread_suite(void);
Suite *alloc_suite(void);

#define ck_ok(call)                                                                                                                                  \
    do {                                                                                                                                             \
        ardm_status ck_status_ = (call);                                                                                                             \
        ck_assert_msg(ck_status_ == ARDM_OK, "%s: %s: %s", #call, ardm_status_name(ck_status_), ardm_message());                                     \
    } while (0)

/* The call fails with this status and says something that contains `words`. */
#define ck_fails(status, words, call)                                                                                                                \
    do {                                                                                                                                             \
        ardm_status ck_status_ = (call);                                                                                                             \
        ck_assert_msg(ck_status_ == (status), "%s gives %s: %s", #call, ardm_status_name(ck_status_), ardm_message());                               \
        ck_assert_msg(strstr(ardm_message(), words) != NULL, "\"%s\" lacks \"%s\"", ardm_message(), words);                                          \
    } while (0)

#endif
