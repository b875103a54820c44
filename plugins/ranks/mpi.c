/* ardm_mpi: the processes that mpirun started, joined through MPI. Nothing else in the tree sees mpi.h. */
#include <mpi.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "ardm/plugin.h"

enum { TAG = 1, PIECE = 1 << 28 /* counts are int */, EAGER = 2000 /* polls before it sleeps between them */, NAP = 50000 /* ns */ };

static int32_t join(uint32_t *rank, uint32_t *count) {
    int own = 0, all = 1, given;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &given) != MPI_SUCCESS || given < MPI_THREAD_FUNNELED) return ARDM_PLUGIN_EIO;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (MPI_Comm_rank(MPI_COMM_WORLD, &own) != MPI_SUCCESS || MPI_Comm_size(MPI_COMM_WORLD, &all) != MPI_SUCCESS) return ARDM_PLUGIN_EIO;
    *rank = (uint32_t)own;
    *count = (uint32_t)all;
    return ARDM_PLUGIN_OK;
}

/* A rank may wait for minutes while rank 0 measures a bound; MPI's own waits keep a processor busy all the while. */
static int finish(MPI_Request requests[2]) {
    const struct timespec nap = {0, NAP};
    for (long polls = 0;; ++polls) {
        int done = 0, code = MPI_Testall(2, requests, &done, MPI_STATUSES_IGNORE);
        if (code != MPI_SUCCESS || done) return code;
        if (polls > EAGER) nanosleep(&nap, NULL);
    }
}

static int32_t swap(uint32_t other, const void *give, void *take, uint64_t bytes) {
    for (uint64_t at = 0; at < bytes;) {
        MPI_Request requests[2];
        const int count = bytes - at < PIECE ? (int)(bytes - at) : PIECE;
        if (MPI_Irecv((char *)take + at, count, MPI_BYTE, (int)other, TAG, MPI_COMM_WORLD, &requests[0]) != MPI_SUCCESS) return ARDM_PLUGIN_EIO;
        if (MPI_Isend((const char *)give + at, count, MPI_BYTE, (int)other, TAG, MPI_COMM_WORLD, &requests[1]) != MPI_SUCCESS) return ARDM_PLUGIN_EIO;
        if (finish(requests) != MPI_SUCCESS) return ARDM_PLUGIN_EIO;
        at += (uint64_t)count;
    }
    return ARDM_PLUGIN_OK;
}

static void leave(void) { MPI_Finalize(); }

static void end_all(int32_t code) { MPI_Abort(MPI_COMM_WORLD, code); }

static const ardm_ranks_power power = {ARDM_PLUGIN_ABI, sizeof(ardm_ranks_power), join, swap, leave, end_all};

static const void *get(const char *id) { return strcmp(id, "ardm.ranks/1") == 0 ? &power : NULL; }

static const ardm_plugin plugin = {.abi = ARDM_PLUGIN_ABI,
                                   .size = sizeof plugin,
                                   .id = "org.ardm.mpi",
                                   .name = "MPI: training by several processes",
                                   .version = "1",
                                   .licence = "Apache-2.0",
                                   .get = get};

const ardm_plugin *ardm_plugin_entry(const ardm_host *host) {
    (void)host;
    return &plugin;
}
