/* Where a run trains: the devices of --device, and the ranks of the job that mpirun started. */
#ifndef ARDM_PLACES_H
#define ARDM_PLACES_H

#include "ardm/trainer.h"
#include "command.h"

enum { MOST_DEVICES = 64 };

typedef struct places {
    ardm_device *devices[MOST_DEVICES];
    uint32_t count;
    ardm_ranks *ranks;
} places;

/* Ranks behind the first one show no progress. Close it also after a failure. */
ardm_status open_places(places *out, const arguments *args);
int32_t leads(const places *on); /* rank 0, and who is alone */
void print_places(const places *on);
/* status: of the work. A rank that fails ends the job, and says why. */
void close_places(places *on, ardm_status status);

#endif
