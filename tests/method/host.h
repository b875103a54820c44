/* host.h: the suites of the host-side method, and what they share. */
#ifndef TESTS_METHOD_HOST_H
#define TESTS_METHOD_HOST_H

#include <check.h>
#include <stdint.h>
#include <string.h>

#include "ardm/status.h"

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

/* xorshift: test data only. */
static inline uint32_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 16);
}
static inline double next_uniform(uint64_t *state) { return next_random(state) * 0x1p-32; }

#endif
