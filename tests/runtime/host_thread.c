/* host_thread.c: every row is done once, at any number of threads, nested, from two callers and in a child process. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ardm/thread.h"
#include "host.h"

typedef struct rows {
    uint8_t *seen;
    int64_t grain, count;
    _Atomic int64_t short_ranges;
} rows;

static void mark(void *user, int64_t begin, int64_t end) {
    rows *r = user;
    if (end - begin < r->grain && end != r->count) r->short_ranges++;
    for (int64_t i = begin; i < end; i++) r->seen[i]++;
}

static int covers(int64_t count, int64_t grain) {
    rows r = {.seen = calloc((size_t)count + 1, 1), .grain = grain, .count = count};
    ardm_parallel(count, grain, mark, &r);
    int good = r.short_ranges == 0 && r.seen[count] == 0;
    for (int64_t i = 0; i < count; i++) good &= r.seen[i] == 1;
    free(r.seen);
    return good;
}

START_TEST(rows_are_done_once) {
    static const int64_t counts[] = {0, 1, 2, 3, 7, 64, 1000, 4099};
    static const int threads[] = {1, 2, 3, 8};
    for (int t = 0; t < 4; t++) {
        ardm_parallel_set_threads(threads[t]);
        ck_assert_int_eq(ardm_parallel_threads(), threads[t]);
        for (int c = 0; c < 8; c++)
            for (int64_t grain = 0; grain < 1100; grain = 3 * grain + 1) ck_assert_int_eq(covers(counts[c], grain), 1);
    }
    ardm_parallel_set_threads(0);
    ck_assert_int_ge(ardm_parallel_threads(), 1);
}
END_TEST

START_TEST(short_loops_follow_each_other) {
    ardm_parallel_set_threads(4);
    for (int i = 0; i < 2000; i++) ck_assert_int_eq(covers(9, 1), 1);
}
END_TEST

static pthread_barrier_t barrier;

static void meet(void *user, int64_t begin, int64_t end) {
    (void)user;
    for (int64_t i = begin; i < end; i++) pthread_barrier_wait(&barrier);
}

/* Two rows that wait for each other end only where two threads run them. */
START_TEST(rows_run_side_by_side) {
    ardm_parallel_set_threads(2);
    pthread_barrier_init(&barrier, NULL, 2);
    ardm_parallel(2, 1, meet, NULL);
    pthread_barrier_destroy(&barrier);
}
END_TEST

static void nested(void *user, int64_t begin, int64_t end) {
    _Atomic int64_t *sum = user;
    for (int64_t i = begin; i < end; i++) *sum += covers(50 + i, 1);
}

START_TEST(nested_loops_run) {
    _Atomic int64_t sum = 0;
    ardm_parallel_set_threads(3);
    ardm_parallel(40, 1, nested, &sum);
    ck_assert_int_eq(sum, 40);
}
END_TEST

static void *call_often(void *user) {
    int *good = user;
    for (int i = 0; i < 300; i++) *good &= covers(97, 1);
    return NULL;
}

START_TEST(two_callers_do_not_wait_for_ever) {
    int good[2] = {1, 1};
    pthread_t thread;
    ardm_parallel_set_threads(3);
    ck_assert_int_eq(pthread_create(&thread, NULL, call_often, &good[0]), 0);
    call_often(&good[1]);
    pthread_join(thread, NULL);
    ck_assert_int_eq(good[0] + good[1], 2);
}
END_TEST

START_TEST(a_child_starts_its_own_workers) {
    ardm_parallel_set_threads(3);
    ck_assert_int_eq(covers(100, 1), 1);
    pid_t child = fork();
    if (child == 0) _exit(covers(100, 1) ? 7 : 1);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 7);
}
END_TEST

Suite *thread_suite(void) {
    Suite *suite = suite_create("thread");
    TCase *tests = tcase_create("thread");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, rows_are_done_once);
    tcase_add_test(tests, short_loops_follow_each_other);
    tcase_add_test(tests, rows_run_side_by_side);
    tcase_add_test(tests, nested_loops_run);
    tcase_add_test(tests, two_callers_do_not_wait_for_ever);
    tcase_add_test(tests, a_child_starts_its_own_workers);
    suite_add_tcase(suite, tests);
    return suite;
}
