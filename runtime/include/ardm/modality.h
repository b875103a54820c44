/* ardm/modality.h (runtime): files as symbols and symbols as files, through the modality plugins.
 *
 * A source is the content of one file, already unpacked and in memory. It holds one item (a picture, a text) or many of one size
 * (a raw array, IDX). Callers see symbols, extents and opaque side bytes; what is a PNG or a UTF-8 only the plugin knows.
 * Plugins are found on the first call (ardm/loader.h). Two sources may be used by two threads; lists and probes on the main thread. */
#ifndef ARDM_MODALITY_H
#define ARDM_MODALITY_H

#include "ardm/file.h"

typedef struct ardm_modality ardm_modality; /* lives for ever */

/* One item. Zero it before first use; ardm_item_free leaves it zero. */
typedef struct ardm_item {
    uint32_t rank;      /* of the positions: 1 text, 2 pictures */
    uint32_t channels;  /* symbols a position */
    uint32_t classes;   /* K: symbols are 0 … K-1 */
    int32_t exact;      /* 1: encoding gives the source's bytes; 0: its values in another file of the same kind (PNG) */
    int64_t extents[3]; /* positions, outermost first; unused ones are 1 */
    int64_t count;      /* of symbols: extents times channels */
    uint16_t *symbols;  /* row-major, channels last; owned */
    ardm_bytes side;    /* what encoding needs beside the symbols; may be empty; owned */
    char variant[32];   /* "rgb", "grey", "bytes", "letters" */
} ardm_item;
void ardm_item_free(ardm_item *item);

typedef struct ardm_modality_options {
    uint32_t size;       /* sizeof, first */
    const char *variant; /* what the file must be, NULL or "" any (and the plugin's default where one file has several readings) */
    const char *shape;   /* "32x32x3": the bytes are a raw array of such items, NULL or "" no */
    uint64_t memory;     /* most bytes a call may allocate; 0: 2 GiB */
} ardm_modality_options;
#define ARDM_MODALITY_OPTIONS_INIT                                                                                                                   \
    { sizeof(ardm_modality_options), NULL, NULL, 0 }

/* By id: ARDM_ENOTFOUND lists what there is. By content: the best score over the first bytes and the file's name; where no plugin
 * knows the bytes, that is `text`, whose symbols are bytes. */
ardm_status ardm_modality_find(const ardm_modality **out, const char *id);
ardm_status ardm_modality_probe(const ardm_modality **out, const void *data, size_t size, const char *name);
const ardm_modality *ardm_modality_at(uint32_t index); /* NULL past the end */

const char *ardm_modality_id(const ardm_modality *modality);   /* "image" */
uint32_t ardm_modality_version(const ardm_modality *modality); /* of symbols and side bytes: a model and an archive record it */
const char *ardm_modality_help(const ardm_modality *modality);
const char *ardm_modality_variants(const ardm_modality *modality); /* "grey|rgb"; the first is the default */
const char *ardm_modality_metric(const ardm_modality *modality);   /* "bits/dim": what a cost is called */
const char *ardm_modality_suffix(const ardm_modality *modality);   /* of a rendered file: ".png" */
const char *ardm_modality_config(const ardm_modality *modality);   /* a config to start from, INI text */

/* Orders of its own, "codons|strands"; "" where it has none. The levels of one for an item of these extents, u16[extents times channels] as the
 * plugin wrote them, unchecked; what it left out is 65535. ARDM_ENOTFOUND lists the orders that there are. */
const char *ardm_modality_orders(const ardm_modality *modality);
ardm_status ardm_modality_levels(uint16_t *levels, const ardm_modality *modality, const char *order, uint32_t rank, const int64_t *extents,
                                 uint32_t channels);

/* Opens the content of a file; `data` is borrowed until the source is closed. modality NULL: probed. */
typedef struct ardm_source ardm_source;
ardm_status ardm_source_open(ardm_source **out, const ardm_modality *modality, const void *data, size_t size, const char *name,
                             const ardm_modality_options *options);
void ardm_source_close(ardm_source **source);
const ardm_modality *ardm_source_modality(const ardm_source *source);
int64_t ardm_source_items(const ardm_source *source);
const ardm_item *ardm_source_header(const ardm_source *source); /* of every item: all but symbols */

/* Decodes item `index`; indices must not fall from call to call (a source is read forwards). */
ardm_status ardm_source_item(ardm_item *out, ardm_source *source, int64_t index);

/* A whole file that is one item, in one call. */
ardm_status ardm_item_decode(ardm_item *out, const ardm_modality **modality, const void *data, size_t size, const char *name,
                             const ardm_modality_options *options);

/* An item of given extents without a source, symbols 0 (for samples). variant NULL: the default. */
ardm_status ardm_item_blank(ardm_item *out, const ardm_modality *modality, const char *variant, uint32_t rank, const int64_t *extents);
/* The modality's own generator for tests: a pure function of seed and extents. */
ardm_status ardm_item_synthetic(ardm_item *out, const ardm_modality *modality, const char *variant, uint32_t rank, const int64_t *extents,
                                uint64_t seed);

/* The file back, and something to look at (PNG, text). limit: most bytes of output, 0: 2 GiB. `out` is appended to. */
ardm_status ardm_item_encode(ardm_bytes *out, const ardm_modality *modality, const ardm_item *item, uint64_t limit);
ardm_status ardm_item_render(ardm_bytes *out, const ardm_modality *modality, const ardm_item *item, uint64_t limit);

#endif
