/* ardm/leb128.h (method): unsigned LEB128 numbers, as archives and schedules store them.
 *
 * Seven bits a byte, least significant first, the high bit says that more follow; the shortest form only. */
#ifndef ARDM_LEB128_H
#define ARDM_LEB128_H

#include "ardm/file.h"

ardm_status ardm_leb128_write(ardm_bytes *out, uint64_t value);
/* Reads one number at *at and moves it. ARDM_EFORMAT: the bytes end, more than 64 bits, a longer form than needed, or above `most`. */
ardm_status ardm_leb128_read(uint64_t *out, const uint8_t **at, const uint8_t *end, uint64_t most, const char *what);

#endif
