/* ardm/ranks.h (runtime): the processes of one job, 2^k of them, as mpirun starts them. A plugin joins them (plugin.h, ardm_ranks_power); a process
 * that no launcher started is rank 0 of 1 and loads nothing.
 *
 * All ranks make the same calls in the same order, on the main thread. */
#ifndef ARDM_RANKS_H
#define ARDM_RANKS_H

#include "ardm/status.h"

typedef struct ardm_ranks ardm_ranks;

/* Joins the job. ARDM_EUNSUPPORTED: a launcher started several processes and no plugin can join them, which says what to install; or the plugin and
 * the launcher are of two kinds. ARDM_EINVAL: their number is no power of two. */
ardm_status ardm_ranks_open(ardm_ranks **out);
/* Waits for the others and leaves the job. */
void ardm_ranks_close(ardm_ranks **ranks);
/* Ends all processes of the job at once, for a rank that fails while others may wait for it. Alone it does nothing. */
void ardm_ranks_abort(const ardm_ranks *ranks, int32_t code);

uint32_t ardm_ranks_own(const ardm_ranks *ranks); /* of this process, from 0 */
uint32_t ardm_ranks_count(const ardm_ranks *ranks);

/* Gives `bytes` bytes to `other` and takes as many; `other` does the same. */
ardm_status ardm_ranks_swap(const ardm_ranks *ranks, uint32_t other, const void *give, void *take, uint64_t bytes);
/* Every rank's `data` becomes rank 0's. */
ardm_status ardm_ranks_share(const ardm_ranks *ranks, void *data, uint64_t bytes);
/* *flag becomes 1 where any rank's is not 0, else 0. */
ardm_status ardm_ranks_any(const ardm_ranks *ranks, int32_t *flag);

#endif
