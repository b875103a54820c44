/* Classes of chains: widths by arithmetic, or entries of a table. */
#include "corrupt/chain.h"

#include <string.h>

const ardm_attr ardm__chain_attrs[3] = {
    {"family", ARDM_ATTR_TEXT, "absorbing", 0, 0, "absorbing, zero-least-significant, augment-least-significant or table"},
    {"classes", ARDM_ATTR_INT, NULL, 2, 65536, "symbols K"},
    {"base", ARDM_ATTR_INT, "2", 2, 65536, "branching of the regular stages; the most children of a table"},
};

ardm_status ardm__chain_read(ardm__chain *chain, const char *op, const ardm_attr_value *attrs) {
    const char *family = attrs[0].s;
    *chain = (ardm__chain){.absorbing = strcmp(family, "absorbing") == 0,
                           .augment = strcmp(family, "augment-least-significant") == 0,
                           .table = strcmp(family, "table") == 0,
                           .classes = (int32_t)attrs[1].i,
                           .base = (int32_t)attrs[2].i};
    if (!chain->absorbing && !chain->augment && !chain->table && strcmp(family, "zero-least-significant") != 0)
        return ardm_fail(ARDM_EINVAL, "%s: family \"%s\" is none of absorbing, zero-least-significant, augment-least-significant, table", op, family);
    if (chain->table) return ARDM_OK;
    for (int64_t width = 1; width < chain->classes; width *= chain->absorbing ? chain->classes : chain->base) chain->stages++;
    return ARDM_OK;
}

ardm_status ardm__chain_call(ardm__chain *chain, const ardm_call *call, uint32_t table) {
    ARDM_TRY(ardm__chain_read(chain, call->op->name, call->attrs));
    const ardm_shape *shape = call->n_in > table && call->in[table].dtype ? &call->in[table] : NULL;
    char text[128];
    if (!chain->table && shape) return ardm_fail(ARDM_EINVAL, "%s: only the family \"table\" takes a table", call->op->name);
    if (!chain->table) return ARDM_OK;
    if (!shape) return ardm_fail(ARDM_EINVAL, "%s: the family \"table\" needs its table, i32[5,S+1,%d]", call->op->name, chain->classes);
    if (shape->dim[0] != 5 || shape->dim[1] < 2 || shape->dim[1] > 33 || shape->dim[2] != chain->classes)
        return ardm_fail(ARDM_ESHAPE, "%s: table is %s; it must be i32[5,S+1,%d] with S of 1 to 32", call->op->name,
                         ardm_shape_text(shape, text, sizeof text), chain->classes);
    chain->stages = (int32_t)shape->dim[1] - 1;
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

int32_t ardm__chain_ids(const ardm__chain *chain, int32_t partition, int32_t *width) {
    int32_t first = chain->classes;
    *width = 0;
    if (partition == chain->stages || !(chain->absorbing || chain->augment)) return 0;
    *width = width_of(chain, chain->stages - partition);
    for (int32_t p = chain->stages - 1; p > partition; --p) {
        int32_t each = width_of(chain, chain->stages - p);
        first += (chain->classes + each - 1) / each;
    }
    return first;
}

int32_t ardm__chain_entry(const ardm__chain *chain, const int32_t *table, int32_t plane, int32_t partition, int32_t x, int32_t low, int32_t high) {
    int32_t value = table[((int64_t)plane * (chain->stages + 1) + partition) * chain->classes + x];
    return value < low ? low : value > high ? high : value;
}
