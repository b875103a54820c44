/* The inside of a store: states in byte order of their names, and scratch arenas that bindings share. */
#ifndef ARDM_GRAPHS_STORE_H
#define ARDM_GRAPHS_STORE_H

#include "ardm/program.h"

typedef struct ardm_store__entry {
    char *name;
    ardm_shape shape;
    ardm_buffer *buffer;
    uint64_t version; /* counts the writes from outside, so that a copy in doubles knows when it is stale */
} ardm_store__entry;

ardm_store__entry *ardm_store__find(const ardm_store *store, const char *name);

/* `count` different arenas of at least the given sizes; the caller owns a reference to each. Runs of one device follow one
 * another and nothing in an arena outlives a run, so bindings may share them. */
ardm_status ardm_store__arenas(ardm_store *store, const uint64_t *bytes, uint32_t count, ardm_buffer **out);

#endif
