#include "ardm/levels.h"

#include <stdlib.h>
#include <string.h>

#include "ardm/modality.h"

struct ardm_levels {
    ardm_order_family family;
    char modality[64];
    ardm_layout nominal;
    uint16_t *table;  /* of the nominal layout */
    uint32_t *hashes; /* XXH32 of the tables, u16 little-endian, by extents from 1 on, the last fastest; 0: none. NULL of a table */
    size_t n_hashes;
    ardm_level_source source;
};

static ardm_status ask(const ardm_levels *l, const ardm_layout *layout, uint16_t *levels) {
    const ardm_modality *modality = NULL;
    const int64_t extents[3] = {layout->extent[0], layout->extent[1], layout->extent[2]};
    ARDM_TRY(ardm_modality_find(&modality, l->modality));
    return ardm_modality_levels(levels, modality, l->family.name, layout->rank, extents, layout->channels);
}

/* Where the hash of a layout is; n_hashes for one that the nominal layout does not hold. */
static size_t place_of(const ardm_levels *l, const ardm_layout *layout) {
    size_t at = 0;
    if (layout->rank != l->nominal.rank || layout->channels != l->nominal.channels) return l->n_hashes;
    for (uint32_t i = 0; i < layout->rank; i++) {
        if (layout->extent[i] < 1 || layout->extent[i] > l->nominal.extent[i]) return l->n_hashes;
        at = at * l->nominal.extent[i] + layout->extent[i] - 1;
    }
    return at;
}

static uint32_t hash_of(const uint16_t *levels, const ardm_layout *layout) { return ardm_xxh32(levels, ardm_layout_units(layout) * sizeof *levels); }

static ardm_status give(void *user, const ardm_layout *layout, uint16_t *levels) {
    const ardm_levels *l = user;
    const size_t at = place_of(l, layout), units = ardm_layout_units(layout);
    if (at + 1 == l->n_hashes) { /* the nominal layout is the last */
        memcpy(levels, l->table, units * sizeof *levels);
        return ARDM_OK;
    }
    if (!l->hashes) return ardm_fail(ARDM_EUNSUPPORTED, "model: its order is a table for one size, and this item has another");
    if (at == l->n_hashes)
        return ardm_fail(ARDM_EUNSUPPORTED, "the model knows plugin:%s up to its nominal extents, and an item goes beyond them", l->family.name);
    ARDM_TRY(ask(l, layout, levels));
    if (hash_of(levels, layout) == l->hashes[at]) return ARDM_OK;
    return ardm_fail(ARDM_EMODEL,
                     "plugin:%s of modality %s gives other levels for an item of %u%s%.0u than when the model was trained: use the plugin of then",
                     l->family.name, l->modality, layout->extent[0], layout->rank > 1 ? "x" : "", layout->rank > 1 ? layout->extent[1] : 0);
}

static ardm_status create(ardm_levels **out, const ardm_order_family *family, const char *modality, const ardm_layout *nominal) {
    ardm_levels *l = calloc(1, sizeof *l);
    *out = l;
    if (!l) return ardm_fail(ARDM_ENOMEM, "no memory for levels");
    l->family = *family;
    l->nominal = *nominal;
    l->source = (ardm_level_source){give, l};
    l->family.source = &l->source;
    l->n_hashes = 1;
    for (uint32_t i = 0; i < nominal->rank; i++) l->n_hashes *= nominal->extent[i];
    l->table = malloc(ardm_layout_units(nominal) * sizeof *l->table);
    const size_t length = strlen(modality);
    if (length >= sizeof l->modality) return ardm_fail(ARDM_EINVAL, "modality %.60s…: its id is too long", modality);
    memcpy(l->modality, modality, length + 1);
    return l->table ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for levels");
}

/* One layout's hash; an invalid table is an error, extents that the plugin refuses are not. */
static ardm_status hash_layout(ardm_levels *l, const ardm_layout *layout, uint16_t *levels) {
    const size_t at = place_of(l, layout);
    ardm_order *order = NULL;
    ardm_status status = ask(l, layout, levels);
    l->hashes[at] = 0;
    if (status == ARDM_EUNSUPPORTED && at + 1 < l->n_hashes) return ARDM_OK;
    if (status == ARDM_OK) status = ardm_order_from_table(&order, levels, layout);
    if (status == ARDM_OK) l->hashes[at] = hash_of(levels, layout);
    ardm_order_free(&order);
    if (status == ARDM_OK) return status;
    return ardm_fail_in(status, "plugin:%s for %u%s%.0u", l->family.name, layout->extent[0], layout->rank > 1 ? "x" : "",
                        layout->rank > 1 ? layout->extent[1] : 0);
}

ardm_status ardm_levels_train(ardm_levels **out, const char *modality, const ardm_order_family *family, const ardm_layout *nominal) {
    ardm_status status = create(out, family, modality, nominal);
    ardm_levels *l = *out;
    if (status == ARDM_OK && nominal->rank > 2)
        status = ardm_fail(ARDM_EUNSUPPORTED, "plugin:%s: items of %u extents have no orders of plugins", family->name, nominal->rank);
    if (status == ARDM_OK && !(l->hashes = calloc(l->n_hashes, sizeof *l->hashes))) status = ardm_fail(ARDM_ENOMEM, "no memory for levels");
    const uint32_t wide = nominal->rank > 1 ? nominal->extent[1] : 1;
    for (uint32_t y = 1; status == ARDM_OK && y <= nominal->extent[0]; y++)
        for (uint32_t x = 1; status == ARDM_OK && x <= wide; x++) {
            ardm_layout layout = *nominal;
            layout.extent[0] = y;
            if (nominal->rank > 1) layout.extent[1] = x;
            status = hash_layout(l, &layout, l->table); /* the nominal table comes last and stays */
        }
    if (status != ARDM_OK) ardm_levels_free(out);
    return status;
}

ardm_status ardm_levels_open(ardm_levels **out, const ardm_model *model, const char *modality) {
    ardm_order_family family;
    ardm_layout nominal = {0};
    ardm_order *order = NULL;
    *out = NULL;
    ARDM_TRY(ardm_model_order(model, &family));
    ARDM_TRY(ardm_model_table(model, &nominal, &order));
    ardm_status status = create(out, &family, modality, &nominal);
    ardm_levels *l = *out;
    if (status == ARDM_OK) memcpy(l->table, ardm_order_level(order), ardm_order_units(order) * sizeof *l->table);
    ardm_order_free(&order);
    if (status == ARDM_OK && family.kind == ARDM_ORDER_PLUGIN) {
        const ardm_tensor *hashes = ardm_model_tensor(model, "order.hashes");
        int32_t same = hashes && hashes->dtype == ARDM_STORED_U32 && hashes->rank == nominal.rank;
        for (uint32_t i = 0; same && i < nominal.rank; i++) same = hashes->dim[i] == nominal.extent[i];
        if (!same)
            status = ardm_fail(ARDM_EFORMAT, "model: a plugin's order needs order.hashes u32[extents]");
        else if (!(l->hashes = malloc(l->n_hashes * sizeof *l->hashes)))
            status = ardm_fail(ARDM_ENOMEM, "no memory for levels");
        else
            memcpy(l->hashes, hashes->data, l->n_hashes * sizeof *l->hashes);
        if (status == ARDM_OK && hash_of(l->table, &nominal) != l->hashes[l->n_hashes - 1])
            status = ardm_fail(ARDM_EFORMAT, "model: order.levels is not what order.hashes says");
    }
    if (status != ARDM_OK) ardm_levels_free(out);
    return status;
}

void ardm_levels_free(ardm_levels **levels) {
    if (!*levels) return;
    free((*levels)->table);
    free((*levels)->hashes);
    free(*levels);
    *levels = NULL;
}

const ardm_level_source *ardm_levels_source(const ardm_levels *levels) { return &levels->source; }

ardm_status ardm_levels_record(const ardm_levels *l, ardm_model *model) {
    ardm_order *order = NULL;
    const int64_t dim[2] = {l->nominal.extent[0], l->nominal.extent[1]};
    ARDM_TRY(ardm_order_from_table(&order, l->table, &l->nominal));
    ardm_status status = ardm_model_set_order(model, &l->family, order);
    ardm_order_free(&order);
    if (status == ARDM_OK) status = ardm_model_set_tensor(model, "order.hashes", ARDM_STORED_U32, l->nominal.rank, dim, l->hashes);
    return status;
}
