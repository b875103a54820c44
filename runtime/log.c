/* log.c: one sink for lines, one for progress, and the request to stop. */
#include "ardm/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { LINE_SIZE = 8192 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* serialises both sinks, so a line never cuts a progress bar */
static ardm_log_sink log_sink;
static void *log_user;
static _Atomic int32_t log_level = ARDM_LOG_WARNING;
static ardm_progress_sink progress_sink;
static void *progress_user;
static _Atomic uint32_t warnings;
static _Atomic int32_t interrupted; /* lock-free, hence legal in a signal handler */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "ardm_interrupt is called from signal handlers");

void ardm_log_set(ardm_log_sink sink, void *user, int32_t most_detailed_level) {
    pthread_mutex_lock(&lock);
    log_sink = sink;
    log_user = user;
    log_level = most_detailed_level;
    pthread_mutex_unlock(&lock);
}

void ardm_log_write(int32_t level, const char *format, ...) {
    if (level == ARDM_LOG_WARNING) warnings++; /* counted even where nobody listens: it decides the exit code */
    if (level > log_level) return;
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&lock);
    if (log_sink) log_sink(log_user, level, line);
    pthread_mutex_unlock(&lock);
}

uint32_t ardm_log_warnings(void) { return warnings; }

void ardm_progress_set(ardm_progress_sink sink, void *user) {
    pthread_mutex_lock(&lock);
    progress_sink = sink;
    progress_user = user;
    pthread_mutex_unlock(&lock);
}

ardm_status ardm_progress(const char *task, double done, double total, const char *unit, const char *note) {
    pthread_mutex_lock(&lock);
    if (progress_sink) progress_sink(progress_user, task, done, total, unit, note);
    pthread_mutex_unlock(&lock);
    if (interrupted) return ardm_fail(ARDM_EINTERRUPT, "%s was interrupted after %.0f %s", task, done, unit);
    return ARDM_OK;
}

void ardm_interrupt(void) { interrupted = 1; }

int32_t ardm_interrupted(void) { return interrupted; }

double ardm_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
