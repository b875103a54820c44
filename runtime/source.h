/* What sources and items share: checks of what a plugin says. */
#ifndef ARDM_RUNTIME_SOURCE_H
#define ARDM_RUNTIME_SOURCE_H

#include "ardm/modality.h"
#include "ardm/plugin.h"
#include "task.h"

#define ARDM__MEMORY (UINT64_C(2) << 30)

/* Ranks, extents, counts and side bytes within the rules of plugin.h. */
ardm_status ardm__header_check(const ardm_header *header, const ardm_modality *modality);
/* Extents, side and room for the symbols (zeroed), refused above `memory` bytes. */
ardm_status ardm__item_from_header(ardm_item *out, const ardm_header *header, uint64_t memory);
/* i32 of a plugin to u16, each one checked. */
ardm_status ardm__symbols_narrow(uint16_t *out, const int32_t *in, int64_t count, uint32_t classes, const char *who);

#endif
