/* Items cut into quads: four elements that share a block of Philox. The loop under dropout's reference. */
#ifndef ARDM_RANDOM_QUADS_H
#define ARDM_RANDOM_QUADS_H

#include <stdint.h>

#include "reference.h"

typedef struct ardm__dropout {
    uint32_t threshold, layer; /* a word below the threshold drops its element */
    uint32_t key[3], first;    /* seed low, seed high, step; global index of item 0 */
    float scale;
    int64_t size, quads; /* elements and quads of an item: the last quad may be cut short */
} ardm__dropout;

/* y = dropout(x) for quads `begin` to `end - 1`, counted through the items. */
ARDM_REFERENCE_DECLARE(void, dropout_quads, (const ardm__dropout *d, const float *x, float *y, int64_t begin, int64_t end));

#endif
