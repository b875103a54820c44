/* checks.h: Check and statuses together, and random numbers for test data. */
#ifndef TESTS_SUPPORT_CHECKS_H
#define TESTS_SUPPORT_CHECKS_H

#include <check.h>
#include <stdint.h>
#include <string.h>

#include "ardm/status.h"

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
