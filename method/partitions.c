/* A table process from the text of its partitions. */
#include <stdlib.h>
#include <string.h>

#include "ardm/process.h"

enum { APART = UINT16_MAX };

static const char *skip(const char *at) { return at + strspn(at, " \t"); }

/* One number of at most five digits; *at moves behind it. */
static int read_symbol(const char **at, uint32_t *out) {
    const size_t digits = strspn(*at, "0123456789");
    if (digits == 0 || digits > 5) return 0;
    *out = (uint32_t)strtoul(*at, NULL, 10);
    *at += digits;
    return 1;
}

/* The classes of one partition into map[0 … classes-1]; *at moves to '/' or the end. */
static ardm_status read_partition(const char **at, uint32_t partition, uint32_t classes, uint16_t *map) {
    uint32_t label = 0, members = 0;
    for (uint32_t x = 0; x < classes; x++) map[x] = APART;
    for (*at = skip(*at);; *at = skip(*at)) {
        const char end = **at;
        if (end == 0 || end == '/' || end == '|') {
            if (members == 0) return ardm_fail(ARDM_EINVAL, "partition %u: class %u has no member", partition, label);
            if (end != '|') break;
            if (++label == APART) return ardm_fail(ARDM_EINVAL, "partition %u has more than %d classes", partition, APART);
            members = 0;
            ++*at;
            continue;
        }
        uint32_t first, last;
        if (!read_symbol(at, &first)) return ardm_fail(ARDM_EINVAL, "partition %u: \"%.20s\" is neither a symbol, nor | nor /", partition, *at);
        last = first;
        if (**at == '-') {
            ++*at;
            if (!read_symbol(at, &last))
                return ardm_fail(ARDM_EINVAL, "partition %u: a range from %u has no end at \"%.20s\"", partition, first, *at);
        }
        if (last >= classes || first > last)
            return ardm_fail(ARDM_EINVAL, "partition %u: %u-%u is no range of the symbols 0 to %u", partition, first, last, classes - 1);
        for (uint32_t x = first; x <= last; x++, members++) {
            if (map[x] != APART) return ardm_fail(ARDM_EINVAL, "partition %u: symbol %u is in two classes", partition, x);
            map[x] = (uint16_t)label;
        }
    }
    for (uint32_t x = 0; x < classes; x++)
        if (map[x] == APART) return ardm_fail(ARDM_EINVAL, "partition %u: symbol %u is in no class", partition, x);
    return ARDM_OK;
}

ardm_status ardm_process_from_partitions(ardm_process **out, uint32_t classes, const char *text) {
    uint32_t stages = 2;
    *out = NULL;
    if (classes < 2 || classes > ARDM_PROCESS_MAX_CLASSES)
        return ardm_fail(ARDM_EINVAL, "partitions of %u symbols; there must be 2 to %u", classes, ARDM_PROCESS_MAX_CLASSES);
    for (const char *c = text; *c; c++) stages += *c == '/';
    if (stages > ARDM_PROCESS_MAX_STAGES) return ardm_fail(ARDM_EINVAL, "%u stages; there must be 2 to %u", stages, ARDM_PROCESS_MAX_STAGES);
    uint16_t *maps = calloc((size_t)(stages + 1) * classes, sizeof *maps);
    if (!maps) return ardm_fail(ARDM_ENOMEM, "no memory for %u partitions of %u symbols", stages + 1, classes);
    ardm_status status = ARDM_OK;
    for (uint32_t p = 1; p < stages && status == ARDM_OK; p++, text += *text == '/')
        status = read_partition(&text, p, classes, maps + (size_t)p * classes);
    for (uint32_t x = 0; x < classes; x++) maps[(size_t)stages * classes + x] = (uint16_t)x;
    if (status == ARDM_OK) status = ardm_process_from_table(out, classes, stages, maps, NULL);
    free(maps);
    return status;
}
