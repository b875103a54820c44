/* ardm/thread.h (runtime): a fixed pool for loops over rows. Results never depend on the number of threads, because a
 * body owns its rows and no sum crosses them. */
#ifndef ARDM_THREAD_H
#define ARDM_THREAD_H

#include <stdint.h>

/* Calls body(user, begin, end) over disjoint ranges that cover 0..count; `grain` is the least worth a hand-over.
 * Blocks until all are done. Nested calls run serially. */
void ardm_parallel(int64_t count, int64_t grain, void (*body)(void *user, int64_t begin, int64_t end), void *user);

/* 0: as many as the processors this process may use. Call while nothing runs. */
void ardm_parallel_set_threads(int32_t threads);
int32_t ardm_parallel_threads(void);

#endif
