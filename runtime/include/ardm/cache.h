/* ardm/cache.h (runtime): the folder of built programs, probe verdicts and build logs.
 *
 * $ARDM_CACHE, else $XDG_CACHE_HOME/ardm, else $HOME/.cache/ardm; ARDM_CACHE=off keeps nothing. Entries are named by the SHA-256 of all that
 * a build depends on, written beside their name and renamed, so any number of processes may share the folder. Whatever is
 * wrong with an entry, the program is built from source and the entry replaced: a cache never makes a call fail. */
#ifndef ARDM_CACHE_H
#define ARDM_CACHE_H

#include <stddef.h>

#include "ardm/status.h"

#define ARDM_CACHE_CAP (UINT64_C(256) << 20) /* bytes of programs; the least recently used go first */

/* ARDM_ENOTFOUND when caching is off or there is no home. The folder need not exist. */
ardm_status ardm_cache_folder(char *out, size_t size);

typedef struct ardm_cache_entry {
    char name[80];    /* file name */
    char device[120]; /* "name, driver", "" for other files */
    uint64_t bytes;
    int64_t used; /* last use, seconds since 1970 */
    int32_t good; /* a program whose checksum and key fit; -1: not a program */
} ardm_cache_entry;

/* Every file of the cache, by name, each read and verified. The caller frees the array with free(). */
ardm_status ardm_cache_list(ardm_cache_entry **out, size_t *count);

/* Removes programs that do not verify; counts what was seen and removed. */
ardm_status ardm_cache_verify(uint32_t *seen, uint32_t *removed);

/* Removes everything that ardm wrote there, and nothing else. */
ardm_status ardm_cache_clear(uint32_t *removed);

#endif
