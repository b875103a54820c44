/* host_status.c: messages, log lines, progress and the request to stop. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "host.h"

START_TEST(message_is_set_and_prefixed) {
    ck_assert_int_eq(ardm_fail(ARDM_ESHAPE, "%d is not %d", 3, 4), ARDM_ESHAPE);
    ck_assert_str_eq(ardm_message(), "3 is not 4");
    ck_assert_int_eq(ardm_fail_in(ARDM_ESHAPE, "node %s", "y"), ARDM_ESHAPE);
    ck_assert_str_eq(ardm_message(), "node y: 3 is not 4");
    ardm_fail(ARDM_EIO, "again: %s", ardm_message()); /* the old message as an argument */
    ck_assert_str_eq(ardm_message(), "again: node y: 3 is not 4");
}
END_TEST

START_TEST(long_message_is_cut) {
    char *text = malloc(100001);
    memset(text, 'x', 100000);
    text[100000] = '\0';
    ardm_fail(ARDM_EIO, "%s", text);
    size_t length = strlen(ardm_message());
    ck_assert_uint_ge(length, 1000);
    ardm_fail_in(ARDM_EIO, "head");
    ck_assert_uint_eq(strlen(ardm_message()), length);
    ck_assert(!strncmp(ardm_message(), "head: xxx", 9));
    free(text);
}
END_TEST

static void *other_thread(void *user) {
    *(int *)user = *ardm_message() == '\0';
    ardm_fail(ARDM_EIO, "of another thread");
    return NULL;
}

START_TEST(message_belongs_to_its_thread) {
    pthread_t thread;
    int was_empty = 0;
    ardm_fail(ARDM_EIO, "mine");
    ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, &was_empty), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(was_empty, 1);
    ck_assert_str_eq(ardm_message(), "mine");
}
END_TEST

START_TEST(names_of_statuses_differ) {
    for (ardm_status a = ARDM_OK; a <= ARDM_EINTERRUPT; a++) {
        ck_assert_str_ne(ardm_status_name(a), "unknown");
        for (ardm_status b = ARDM_OK; b < a; b++) ck_assert_str_ne(ardm_status_name(a), ardm_status_name(b));
    }
    ck_assert_str_eq(ardm_status_name(99), "unknown");
}
END_TEST

typedef struct heard {
    int lines, level, progress;
    char line[64], task[16];
    double done;
} heard;

static void hear(void *user, int32_t level, const char *line) {
    heard *h = user;
    h->lines++;
    h->level = level;
    strncpy(h->line, line, sizeof h->line - 1);
}

static void watch(void *user, const char *task, double done, double total, const char *unit, const char *note) {
    heard *h = user;
    (void)total;
    (void)unit;
    (void)note;
    h->progress++;
    h->done = done;
    strncpy(h->task, task, sizeof h->task - 1);
}

START_TEST(lines_reach_the_sink_by_level) {
    heard h = {0};
    ardm_log_write(ARDM_LOG_ERROR, "nobody listens");
    ardm_log_set(hear, &h, ARDM_LOG_INFO);
    ardm_log_write(ARDM_LOG_INFO, "%d launches", 7);
    ck_assert_int_eq(h.lines, 1);
    ck_assert_int_eq(h.level, ARDM_LOG_INFO);
    ck_assert_str_eq(h.line, "7 launches");
    ardm_log_write(ARDM_LOG_DEBUG, "too detailed");
    ck_assert_int_eq(h.lines, 1);
    uint32_t warnings = ardm_log_warnings();
    ardm_log_write(ARDM_LOG_WARNING, "heard");
    ardm_log_set(NULL, NULL, ARDM_LOG_ERROR);
    ardm_log_write(ARDM_LOG_WARNING, "counted though nobody listens");
    ck_assert_int_eq(h.lines, 2);
    ck_assert_uint_eq(ardm_log_warnings(), warnings + 2);
}
END_TEST

static void on_signal(int number) {
    (void)number;
    ardm_interrupt();
}

START_TEST(a_signal_stops_long_work) {
    heard h = {0};
    ardm_progress_set(watch, &h);
    ck_ok(ardm_progress("train", 3, 10, "steps", NULL));
    ck_assert_int_eq(h.progress, 1);
    ck_assert_str_eq(h.task, "train");
    ck_assert(h.done == 3);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    ck_assert_int_eq(ardm_interrupted(), 0);
    raise(SIGUSR1);
    ck_assert_int_eq(ardm_interrupted(), 1);
    ck_fails(ARDM_EINTERRUPT, "train was interrupted after 4 steps", ardm_progress("train", 4, 10, "steps", NULL));
}
END_TEST

START_TEST(clock_does_not_go_back) {
    double last = ardm_clock();
    for (int i = 0; i < 1000; i++) {
        double now = ardm_clock();
        ck_assert(now >= last);
        last = now;
    }
}
END_TEST

Suite *status_suite(void) {
    Suite *suite = suite_create("status");
    TCase *tests = tcase_create("status");
    tcase_add_test(tests, message_is_set_and_prefixed);
    tcase_add_test(tests, long_message_is_cut);
    tcase_add_test(tests, message_belongs_to_its_thread);
    tcase_add_test(tests, names_of_statuses_differ);
    tcase_add_test(tests, lines_reach_the_sink_by_level);
    tcase_add_test(tests, a_signal_stops_long_work);
    tcase_add_test(tests, clock_does_not_go_back);
    suite_add_tcase(suite, tests);
    return suite;
}
