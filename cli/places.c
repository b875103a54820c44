/* Devices and ranks of a run, opened together and closed together. */
#include "places.h"

#include "ardm/log.h"

ardm_status open_places(places *out, const arguments *args) {
    *out = (places){.count = 0};
    ARDM_TRY(ardm_ranks_open(&out->ranks));
    if (!leads(out)) ardm_progress_set(NULL, NULL);
    return ardm_device_open_list(out->devices, MOST_DEVICES, &out->count, argument(args, "device"));
}

int32_t leads(const places *on) { return ardm_ranks_own(on->ranks) == 0; }

void print_places(const places *on) {
    const uint32_t n = ardm_ranks_count(on->ranks);
    for (uint32_t k = 0; k < on->count; k++) printf("%s%s", k ? ", " : "device ", ardm_device_name(on->devices[k]));
    if (n > 1) printf(" on rank 0 of %u", n);
}

void close_places(places *on, ardm_status status) {
    while (on->count > 0) ardm_device_close(&on->devices[--on->count]);
    if (!on->ranks) return;
    if (status != ARDM_OK && status != ARDM_EINTERRUPT && ardm_ranks_count(on->ranks) > 1) { /* the others may wait for this one */
        fprintf(stderr, "ardm: rank %u of %u: %s\n", ardm_ranks_own(on->ranks), ardm_ranks_count(on->ranks), ardm_message());
        fflush(NULL);
        ardm_ranks_abort(on->ranks, EXIT_ERROR);
    }
    ardm_ranks_close(&on->ranks);
}
