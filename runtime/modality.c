/* Modalities by id and by content, and items made or written without a source. */
#include "ardm/modality.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/loader.h"
#include "source.h"

const ardm_modality *ardm_modality_at(uint32_t index) {
    const ardm_plugin_entry_info *entries;
    uint32_t count;
    if (ardm_plugins_list(&entries, &count) != ARDM_OK) return NULL;
    for (uint32_t k = 0; k < count; ++k) {
        const ardm_plugin *plugin = entries[k].plugin;
        if (!plugin) continue;
        if (index < plugin->n_modalities) return (const ardm_modality *)((const char *)plugin->modalities + (size_t)index * plugin->modality_stride);
        index -= plugin->n_modalities;
    }
    return NULL;
}

ardm_status ardm_modality_find(const ardm_modality **out, const char *id) {
    char known[256] = "";
    *out = NULL;
    for (uint32_t k = 0; (*out = ardm_modality_at(k)) != NULL; ++k) {
        if (strcmp((*out)->id, id) == 0) return ARDM_OK;
        if (strlen(known) + strlen((*out)->id) + 2 < sizeof known) strcat(strcat(known, " "), (*out)->id);
    }
    if (!known[0]) return ardm_fail(ARDM_ENOTFOUND, "modality \"%s\": no plugin is loaded; ARDM_PLUGIN_PATH names the folders where they are", id);
    return ardm_fail(ARDM_ENOTFOUND, "modality \"%s\" is unknown; there are:%s", id, known);
}

ardm_status ardm_modality_probe(const ardm_modality **out, const void *data, size_t size, const char *name) {
    const ardm_modality *m;
    int32_t best = 0;
    *out = NULL;
    for (uint32_t k = 0; (m = ardm_modality_at(k)) != NULL; ++k) {
        int32_t score = m->probe(data, size < 4096 ? (int64_t)size : 4096, name ? name : "");
        if (score > best) {
            best = score;
            *out = m;
        }
    }
    return *out ? ARDM_OK : ardm_modality_find(out, "text");
}

const char *ardm_modality_id(const ardm_modality *modality) { return modality->id; }
uint32_t ardm_modality_version(const ardm_modality *modality) { return modality->version; }
const char *ardm_modality_help(const ardm_modality *modality) { return modality->help; }
const char *ardm_modality_variants(const ardm_modality *modality) { return modality->variants; }
const char *ardm_modality_metric(const ardm_modality *modality) { return modality->metric; }
const char *ardm_modality_suffix(const ardm_modality *modality) { return modality->suffix; }
const char *ardm_modality_config(const ardm_modality *modality) { return modality->config; }

const char *ardm_modality_orders(const ardm_modality *modality) {
    return modality->size >= sizeof *modality && modality->orders ? modality->orders : "";
}

ardm_status ardm_modality_levels(uint16_t *levels, const ardm_modality *modality, const char *order, uint32_t rank, const int64_t *extents,
                                 uint32_t channels) {
    const char *orders = ardm_modality_orders(modality);
    ardm_task task = {.budget = ARDM__MEMORY};
    uint64_t units = channels;
    int32_t known = 0;
    for (const char *at = orders; *at && !known; at += strcspn(at, "|"), at += *at == '|')
        known = strcspn(at, "|") == strlen(order) && strncmp(at, order, strlen(order)) == 0;
    if (!known)
        return ardm_fail(ARDM_ENOTFOUND, "modality %s has no order \"%.40s\"; there %s%.150s", modality->id, order, *orders ? "are: " : "is none",
                         orders);
    if (rank < 1 || rank > 3) return ardm_fail(ARDM_EINVAL, "an item of rank %u; 1 to 3 is legal", rank);
    for (uint32_t axis = 0; axis < rank; ++axis) {
        if (extents[axis] < 1 || extents[axis] > UINT16_MAX + 1) return ardm_fail(ARDM_EINVAL, "extent %u is %lld", axis, (long long)extents[axis]);
        units *= (uint64_t)extents[axis];
        if (units > UINT16_MAX + 1) return ardm_fail(ARDM_EINVAL, "an item has more than 65536 units");
    }
    memset(levels, 0xff, (size_t)units * sizeof *levels);
    ardm_status status = ardm__task_status(&task, modality->levels(&task, order, rank, extents, channels, levels), modality->id);
    ardm__task_end(&task);
    return status;
}

void ardm_item_free(ardm_item *item) {
    free(item->symbols);
    ardm_bytes_free(&item->side);
    memset(item, 0, sizeof *item);
}

/* --- items without a source ------------------------------------------------------------------------------------------------------ */

/* Header of a new item, checked, its symbols 0; the task holds what the plugin allocated. */
static ardm_status blank(ardm_item *out, ardm_task *task, ardm_header *header, const ardm_modality *modality, uint32_t rank, const int64_t *extents) {
    *header = (ardm_header){ARDM_PLUGIN_ABI, sizeof *header, .rank = rank, .items = 1, .extents = {1, 1, 1}};
    if (rank < 1 || rank > 3) return ardm_fail(ARDM_EINVAL, "an item of rank %u; 1 to 3 is legal", rank);
    for (uint32_t axis = 0; axis < rank; ++axis) header->extents[axis] = extents[axis];
    ARDM_TRY(ardm__task_status(task, modality->blank(task, header), modality->id));
    ARDM_TRY(ardm__header_check(header, modality));
    return ardm__item_from_header(out, header, task->budget);
}

ardm_status ardm_item_blank(ardm_item *out, const ardm_modality *modality, const char *variant, uint32_t rank, const int64_t *extents) {
    ardm_task_setting settings[] = {{"variant", variant}};
    ardm_task task = {.budget = ARDM__MEMORY, .settings = settings, .n_settings = variant && variant[0]};
    ardm_header header;
    memset(out, 0, sizeof *out);
    ardm_status status = blank(out, &task, &header, modality, rank, extents);
    ardm__task_end(&task);
    if (status != ARDM_OK) ardm_item_free(out);
    return status;
}

ardm_status ardm_item_synthetic(ardm_item *out, const ardm_modality *modality, const char *variant, uint32_t rank, const int64_t *extents,
                                uint64_t seed) {
    ardm_task_setting settings[] = {{"variant", variant}};
    ardm_task task = {.budget = ARDM__MEMORY, .settings = settings, .n_settings = variant && variant[0]};
    ardm_header header;
    int32_t *symbols = NULL;
    memset(out, 0, sizeof *out);
    ardm_status status = blank(out, &task, &header, modality, rank, extents);
    if (status == ARDM_OK && !(symbols = malloc((size_t)out->count * sizeof *symbols + 1)))
        status = ardm_fail(ARDM_ENOMEM, "no memory for a synthetic item");
    if (status == ARDM_OK) status = ardm__task_status(&task, modality->synthesise(&task, &header, seed, symbols), modality->id);
    if (status == ARDM_OK) status = ardm__symbols_narrow(out->symbols, symbols, out->count, out->classes, modality->id);
    free(symbols);
    ardm__task_end(&task);
    if (status != ARDM_OK) ardm_item_free(out);
    return status;
}

/* --- writing ----------------------------------------------------------------------------------------------------------------------- */

enum { SLAB = 65536 }; /* symbols widened at a time */

static ardm_status write_slabs(ardm_task *task, const ardm_modality *modality, const ardm_item *item, void *writer, int32_t *slab, int64_t each) {
    int64_t rows = item->extents[0], width = rows > 0 ? item->count / rows : 0;
    for (int64_t row = 0; row < rows; row += each) {
        int64_t many = rows - row < each ? rows - row : each;
        for (int64_t i = 0; i < many * width; ++i) {
            slab[i] = item->symbols[row * width + i];
            if ((uint32_t)slab[i] >= item->classes)
                return ardm_fail(ARDM_EINVAL, "%s: a symbol is %d, but there are %u classes", modality->id, slab[i], item->classes);
        }
        ARDM_TRY(ardm__task_status(task, modality->write(task, writer, many, slab), modality->id));
    }
    return ARDM_OK;
}

static ardm_status write_item(ardm_bytes *out, const ardm_modality *modality, const ardm_item *item, uint32_t purpose, uint64_t limit) {
    ardm_header header = {.abi = ARDM_PLUGIN_ABI,
                          .size = sizeof header,
                          .rank = item->rank,
                          .channels = item->channels,
                          .classes = item->classes,
                          .exact = (uint32_t)item->exact,
                          .extents = {item->extents[0], item->extents[1], item->extents[2]},
                          .items = 1,
                          .variant = item->variant,
                          .side = item->side.data,
                          .side_bytes = (int64_t)item->side.size};
    ardm_task_setting settings[] = {{"variant", item->variant}};
    if (limit == 0 || limit > PTRDIFF_MAX / 4) limit = ARDM__MEMORY;
    size_t kept = out->size;
    ardm_task task = {.output = out, .output_limit = kept + (size_t)limit, .budget = limit, .settings = settings, .n_settings = 1};
    void *writer = NULL;
    ARDM_TRY(ardm__header_check(&header, modality));
    int64_t width = header.extents[0] > 0 ? item->count / header.extents[0] : 0, each = width > 0 && width < SLAB ? SLAB / width : 1;
    int32_t *slab = malloc((size_t)(width * each) * sizeof *slab + 1);
    if (!slab) return ardm_fail(ARDM_ENOMEM, "no memory for a slab of %lld symbols", (long long)(width * each));
    ardm_status status = ardm__task_status(&task, modality->begin(&task, &header, purpose, &writer), modality->id);
    if (status == ARDM_OK) {
        status = write_slabs(&task, modality, item, writer, slab, each);
        int32_t ended = modality->end(&task, writer, status == ARDM_OK);
        if (status == ARDM_OK) status = ardm__task_status(&task, ended, modality->id);
    }
    free(slab);
    ardm__task_end(&task);
    if (status != ARDM_OK) out->size = kept;
    return status;
}

ardm_status ardm_item_encode(ardm_bytes *out, const ardm_modality *modality, const ardm_item *item, uint64_t limit) {
    return write_item(out, modality, item, ARDM_WRITE_FILE, limit);
}

ardm_status ardm_item_render(ardm_bytes *out, const ardm_modality *modality, const ardm_item *item, uint64_t limit) {
    return write_item(out, modality, item, ARDM_WRITE_PICTURE, limit);
}
