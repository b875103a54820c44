/* What writer and reader of the container agree on. */
#ifndef ARDM_METHOD_ARCHIVE_PRIVATE_H
#define ARDM_METHOD_ARCHIVE_PRIVATE_H

#include "ardm/archive.h"

enum {
    ARDM__FLAG_SAME = 1,      /* identity, numerics, modality and schedule are those of the item before */
    ARDM__FLAG_INDEXED = 2,   /* first item alone: a trailer ends the archive, so a cut at an item's end is noticed */
    ARDM__FLAG_TRAILER = 128, /* not an item: the trailer */
    ARDM__SMALL = 4096,       /* one item below this many bytes gets no trailer */
    ARDM__FOOTER = 16         /* XXH64, u32 length, magic */
};
extern const char ardm__archive_magic[4]; /* "ARDZ" */
extern const char ardm__archive_end[4];   /* "ZDRA" */

/* Whether a name may be restored below a folder: relative, no "..", no empty component, no control character. */
int ardm__archive_name_ok(const char *name, size_t size);

#endif
