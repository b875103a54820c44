#include "ardm/leb128.h"

ardm_status ardm_leb128_write(ardm_bytes *out, uint64_t value) {
    uint8_t bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (uint8_t)(value & 127);
        value >>= 7;
        if (value) bytes[n] |= 128;
        n++;
    } while (value);
    return ardm_bytes_append(out, bytes, n);
}

ardm_status ardm_leb128_read(uint64_t *out, const uint8_t **at, const uint8_t *end, uint64_t most, const char *what) {
    uint64_t value = 0;
    *out = 0;
    for (uint32_t shift = 0;; shift += 7) {
        if (*at == end) return ardm_fail(ARDM_EFORMAT, "%s: the data ends inside a number", what);
        const uint8_t byte = *(*at)++;
        if (shift == 63 && byte > 1) return ardm_fail(ARDM_EFORMAT, "%s: a number has more than 64 bits", what);
        value |= (uint64_t)(byte & 127) << shift;
        if (byte & 128) continue;
        if (shift && !byte) return ardm_fail(ARDM_EFORMAT, "%s: a number is not in its shortest form", what);
        break;
    }
    if (value > most)
        return ardm_fail(ARDM_EFORMAT, "%s is %llu; at most %llu is allowed", what, (unsigned long long)value, (unsigned long long)most);
    *out = value;
    return ARDM_OK;
}
