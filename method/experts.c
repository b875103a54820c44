/* Lists of experts by cell. */
#include "ardm/experts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ardm_status ardm_experts_parse(ardm_experts *out, const char *text) {
    static const char apart[] = " \t,";
    uint32_t used = 0;
    memset(out, 0, sizeof *out);
    for (const char *at = text + strspn(text, apart); *at; at += strspn(at, apart)) {
        char *end;
        const unsigned long expert = strtoul(at, &end, 10);
        if (*at < '0' || *at > '9' || (*end && !strchr(apart, *end)) || expert >= ARDM_EXPERTS_MAX)
            return ardm_fail(ARDM_EINVAL, "expert_of_cell: \"%.20s\" is no expert; they are numbers from 0 to %u", at, ARDM_EXPERTS_MAX - 1);
        if (out->cells == ARDM_EXPERT_CELLS_MAX) return ardm_fail(ARDM_EINVAL, "expert_of_cell: more than %u cells", ARDM_EXPERT_CELLS_MAX);
        out->of[out->cells++] = (uint8_t)expert;
        used |= 1u << expert;
        if (expert + 1 > out->count) out->count = (uint32_t)expert + 1;
        at = end;
    }
    for (uint32_t e = 0; e < out->count; e++)
        if (!(used >> e & 1)) return ardm_fail(ARDM_EINVAL, "expert_of_cell: no cell has expert %u", e);
    return ARDM_OK;
}

void ardm_experts_print(char *out, const ardm_experts *experts) {
    out[0] = 0;
    for (uint32_t c = 0; c < experts->cells; c++) out += sprintf(out, "%s%u", c ? "," : "", experts->of[c]);
}

ardm_status ardm_experts_check(const ardm_experts *experts, uint32_t stages, const ardm_order *order) {
    const uint32_t levels = ardm_order_levels(order);
    if (!experts->cells || experts->cells == stages * levels) return ARDM_OK;
    return ardm_fail(ARDM_EINVAL, "expert_of_cell names %u cells; the process has %u stage%s and the order %u levels: give %u numbers",
                     experts->cells, stages, stages == 1 ? "" : "s", levels, stages * levels);
}

uint32_t ardm_experts_of(const ardm_experts *experts, uint32_t stages, const ardm_order *order, uint32_t stage, uint32_t level) {
    if (!experts->cells) return 0;
    const uint32_t runs = ardm_order_runs(order), own = ardm_order_levels(order) / runs, nominal = experts->cells / (stages * runs);
    const uint32_t back = own - 1 - level % own; /* levels behind this one in its run */
    return experts->of[(stage * runs + level / own) * nominal + (back < nominal ? nominal - 1 - back : 0)];
}
