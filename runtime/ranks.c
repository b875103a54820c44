/* The processes of a job: whether there is one, who joins it, and what all of them can do with nothing but swaps between two. */
#include "ardm/ranks.h"

#include <stdlib.h>
#include <string.h>

#include "ardm/loader.h"
#include "task.h"

struct ardm_ranks {
    const ardm_ranks_power *power; /* NULL: alone */
    uint32_t own, count;
};

enum { NOT_LAUNCHED = 0, UNTOLD = -1 };

/* How many processes a launcher says it started: Open MPI, MPICH and its relatives, and whoever speaks PMIx without a number. */
static long launched_count(void) {
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "PMI_SIZE"};
    for (size_t k = 0; k < sizeof names / sizeof *names; ++k) {
        const char *text = getenv(names[k]);
        if (text && text[0]) return strtol(text, NULL, 10);
    }
    return getenv("PMIX_RANK") ? UNTOLD : NOT_LAUNCHED;
}

int32_t ardm__launched(void) { return launched_count() > 1 || launched_count() == UNTOLD; }

static ardm_status find_power(const ardm_ranks_power **out) {
    const ardm_plugin_entry_info *entries;
    uint32_t count;
    *out = NULL;
    ARDM_TRY(ardm_plugins_list(&entries, &count));
    for (uint32_t k = 0; k < count && !*out; ++k)
        if (entries[k].plugin && entries[k].plugin->get) *out = entries[k].plugin->get("ardm.ranks/1");
    if (*out && ((*out)->abi != ARDM_PLUGIN_ABI || (*out)->size < sizeof **out)) *out = NULL;
    if (*out) return ARDM_OK;
    return ardm_fail(ARDM_EUNSUPPORTED,
                     "this is one process of a job, and no plugin joins them: build ardm where an MPI is installed (Debian: libopenmpi-dev and "
                     "openmpi-bin), or start it without mpirun");
}

ardm_status ardm_ranks_open(ardm_ranks **out) {
    const long launched = launched_count();
    *out = NULL;
    ardm_ranks *ranks = calloc(1, sizeof *ranks);
    if (!ranks) return ardm_fail(ARDM_ENOMEM, "no memory for the ranks of a job");
    ranks->count = 1;
    ardm_status status = ARDM_OK;
    if (ardm__launched()) {
        status = find_power(&ranks->power);
        if (status == ARDM_OK && ranks->power->open(&ranks->own, &ranks->count) != 0) {
            ranks->power = NULL;
            status = ardm_fail(ARDM_EIO, "the processes of the job cannot be joined");
        }
        if (status == ARDM_OK && launched > 0 && (long)ranks->count != launched)
            status = ardm_fail(ARDM_EUNSUPPORTED, "the launcher started %ld processes and the plugin sees %u: ardm was built with another MPI",
                               launched, ranks->count);
        if (status == ARDM_OK && (ranks->count & (ranks->count - 1)))
            status = ardm_fail(ARDM_EINVAL, "a job has 2, 4, 8 … processes, not %u", ranks->count);
    }
    if (status != ARDM_OK) {
        if (ranks->power) ranks->power->close();
        free(ranks);
        return status;
    }
    *out = ranks;
    return ARDM_OK;
}

void ardm_ranks_close(ardm_ranks **ranks) {
    int32_t met = 1;
    if (!*ranks) return;
    if ((*ranks)->power) {
        ardm_ranks_any(*ranks, &met); /* asleep until all are here, as leaving need not be */
        (*ranks)->power->close();
    }
    free(*ranks);
    *ranks = NULL;
}

void ardm_ranks_abort(const ardm_ranks *ranks, int32_t code) {
    if (ranks->power) ranks->power->abort(code);
}

uint32_t ardm_ranks_own(const ardm_ranks *ranks) { return ranks->own; }
uint32_t ardm_ranks_count(const ardm_ranks *ranks) { return ranks->count; }

ardm_status ardm_ranks_swap(const ardm_ranks *ranks, uint32_t other, const void *give, void *take, uint64_t bytes) {
    if (!ranks->power || ranks->power->swap(other, give, take, bytes) != 0)
        return ardm_fail(ARDM_EIO, "rank %u cannot exchange %llu bytes with rank %u", ranks->own, (unsigned long long)bytes, other);
    return ARDM_OK;
}

ardm_status ardm_ranks_share(const ardm_ranks *ranks, void *data, uint64_t bytes) {
    void *taken = ranks->count > 1 ? malloc(bytes + 1) : NULL;
    ardm_status status = ranks->count > 1 && !taken ? ardm_fail(ARDM_ENOMEM, "no memory for what ranks share") : ARDM_OK;
    for (uint32_t bit = 1; bit < ranks->count && status == ARDM_OK; bit <<= 1) {
        status = ardm_ranks_swap(ranks, ranks->own ^ bit, data, taken, bytes);
        if (status == ARDM_OK && (ranks->own & bit)) memcpy(data, taken, bytes);
    }
    free(taken);
    return status;
}

ardm_status ardm_ranks_any(const ardm_ranks *ranks, int32_t *flag) {
    int32_t own = *flag != 0, taken = 0;
    for (uint32_t bit = 1; bit < ranks->count; bit <<= 1) {
        ARDM_TRY(ardm_ranks_swap(ranks, ranks->own ^ bit, &own, &taken, sizeof own));
        own |= taken;
    }
    *flag = own;
    return ARDM_OK;
}
