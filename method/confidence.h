/* confidence.h: which units of a level a call of a confident sampler decides. */
#ifndef ARDM_METHOD_CONFIDENCE_H
#define ARDM_METHOD_CONFIDENCE_H

#include "ardm/sampler.h"
#include "ardm/walk.h"

/* After a call of a widened walk (task DECODE): decides the most confident units of an item, as many as the schedule says, by drawing each.
 * `number` is the item's. Adds how many to *decided. */
ardm_status ardm_confidence__decide(double *decided, ardm_walk *walk, const ardm_session *session, const ardm_sampling *sampling, uint32_t call,
                                    uint32_t item, uint64_t number);

#endif
