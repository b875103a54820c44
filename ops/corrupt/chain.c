/* Widths of classes in the regular chains. */
#include <string.h>

#include "corrupt/chain.h"

const ardm_attr ardm__chain_attrs[3] = {
    {"family", ARDM_ATTR_TEXT, "absorbing", 0, 0, "absorbing or zero-least-significant"},
    {"classes", ARDM_ATTR_INT, NULL, 2, 65536, "symbols K"},
    {"base", ARDM_ATTR_INT, "2", 2, 65536, "branching of zero-least-significant"},
};

ardm_status ardm__chain_read(ardm__chain *chain, const char *op, const ardm_attr_value *attrs) {
    int32_t absorbing = strcmp(attrs[0].s, "absorbing") == 0;
    if (!absorbing && strcmp(attrs[0].s, "zero-least-significant") != 0)
        return ardm_fail(ARDM_EINVAL, "%s: family \"%s\" is neither absorbing nor zero-least-significant", op, attrs[0].s);
    *chain = (ardm__chain){absorbing, (int32_t)attrs[1].i, (int32_t)attrs[2].i, 0};
    for (int64_t width = 1; width < chain->classes; width *= absorbing ? chain->classes : chain->base) chain->stages++;
    return ARDM_OK;
}

static int32_t width_of(const ardm__chain *chain, int32_t digits) {
    int64_t width = 1;
    for (int32_t k = 0; k < digits && width < chain->classes; ++k) width *= chain->absorbing ? chain->classes : chain->base;
    return width < chain->classes ? (int32_t)width : chain->classes;
}

void ardm__chain_widths(const ardm__chain *chain, int32_t stage, int32_t *before, int32_t *after) {
    int32_t s = stage < 0 ? 0 : stage < chain->stages ? stage : chain->stages - 1;
    *before = width_of(chain, chain->stages - s);
    *after = width_of(chain, chain->stages - s - 1);
}
