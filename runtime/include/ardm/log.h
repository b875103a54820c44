/* ardm/log.h (runtime): messages for people, through one callback that the program owns.
 *
 * The library itself never writes to a stream: it calls the sink, and the default sink drops everything. */
#ifndef ARDM_LOG_H
#define ARDM_LOG_H

#include "ardm/status.h"

enum { ARDM_LOG_ERROR = 0, ARDM_LOG_WARNING = 1, ARDM_LOG_INFO = 2, ARDM_LOG_DEBUG = 3 };

typedef void (*ardm_log_sink)(void *user, int32_t level, const char *line);

/* Installs the sink (NULL: drop). Call before threads start; lines arrive whole, one at a time, from any thread. */
void ardm_log_set(ardm_log_sink sink, void *user, int32_t most_detailed_level);
void ardm_log_write(int32_t level, const char *format, ...) ARDM_PRINTF(2, 3);

/* Counts warnings since start: the program exits 2 when work succeeded and this is not 0. */
uint32_t ardm_log_warnings(void);

/* Long work calls ardm_progress a few times a second; returns ARDM_EINTERRUPT once the user asked to stop, else ARDM_OK.
 *   task   "train", "compress", …   done, total   in `unit`s; total 0 when unknown   note   may be NULL */
typedef void (*ardm_progress_sink)(void *user, const char *task, double done, double total, const char *unit, const char *note);
void ardm_progress_set(ardm_progress_sink sink, void *user);
ardm_status ardm_progress(const char *task, double done, double total, const char *unit, const char *note);

/* Asks running work to stop at its next safe place. Async-signal-safe. */
void ardm_interrupt(void);
int32_t ardm_interrupted(void);

/* Seconds on a monotonic clock. */
double ardm_clock(void);

#endif
