/* A source: one file's content, decoded item by item through a plugin, nothing of it believed. */
#include "source.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 65536, MOST_CHANNELS = 64, SLAB = 65536 };

struct ardm_source {
    const ardm_modality *modality;
    ardm_task task;
    ardm_task_setting settings[2];
    ardm_header header;
    void *reader;
    int open;
    ardm_item shape; /* the header as callers see it, without symbols */
    int64_t next;    /* the least item that may be read */
    uint64_t memory;
};

ardm_status ardm__header_check(const ardm_header *header, const ardm_modality *modality) {
    int64_t count = header->channels;
    if (header->rank < 1 || header->rank > 3 || header->channels < 1 || header->channels > MOST_CHANNELS || header->classes < 2 ||
        header->classes > MOST_CLASSES || header->items < 0)
        return ardm_fail(ARDM_EFORMAT, "%s: rank %u, %u channels, %u classes or %lld items are not legal", modality->id, header->rank,
                         header->channels, header->classes, (long long)header->items);
    for (uint32_t axis = 0; axis < 3; ++axis) {
        int64_t extent = header->extents[axis];
        if (extent < 0 || extent > INT32_MAX || (axis >= header->rank && extent != 1))
            return ardm_fail(ARDM_EFORMAT, "%s: extent %u is %lld", modality->id, axis, (long long)extent);
        if (extent > 0 && count > (INT64_C(1) << 40) / extent) return ardm_fail(ARDM_EFORMAT, "%s: more than 2^40 symbols an item", modality->id);
        count *= extent > 0 ? extent : 1;
    }
    if (header->side_bytes < 0 || header->side_bytes > ARDM_PLUGIN_SIDE || (header->side_bytes > 0 && !header->side))
        return ardm_fail(ARDM_EFORMAT, "%s: %lld bytes beside the symbols; the most is %d", modality->id, (long long)header->side_bytes,
                         ARDM_PLUGIN_SIDE);
    if (!header->variant || strlen(header->variant) >= sizeof((ardm_item *)0)->variant)
        return ardm_fail(ARDM_EFORMAT, "%s: the variant is not named", modality->id);
    return ARDM_OK;
}

/* All but the symbols. */
static ardm_status copy_header(ardm_item *out, const ardm_header *header) {
    memset(out, 0, sizeof *out);
    out->rank = header->rank;
    out->channels = header->channels;
    out->classes = header->classes;
    out->exact = header->exact != 0;
    out->count = header->channels;
    for (uint32_t axis = 0; axis < 3; ++axis) {
        out->extents[axis] = header->extents[axis];
        out->count *= header->extents[axis];
    }
    strcpy(out->variant, header->variant);
    return header->side_bytes > 0 ? ardm_bytes_append(&out->side, header->side, (size_t)header->side_bytes) : ARDM_OK;
}

ardm_status ardm__item_from_header(ardm_item *out, const ardm_header *header, uint64_t memory) {
    ARDM_TRY(copy_header(out, header));
    if ((uint64_t)out->count > memory / sizeof *out->symbols)
        return ardm_fail(ARDM_ENOMEM, "an item of %lld symbols needs %llu bytes, more than the %llu that are left of the memory limit",
                         (long long)out->count, (unsigned long long)out->count * 2, (unsigned long long)memory);
    out->symbols = calloc((size_t)out->count + 1, sizeof *out->symbols);
    return out->symbols ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for %lld symbols", (long long)out->count);
}

ardm_status ardm__symbols_narrow(uint16_t *out, const int32_t *in, int64_t count, uint32_t classes, const char *who) {
    for (int64_t i = 0; i < count; ++i) {
        if (in[i] < 0 || (uint32_t)in[i] >= classes)
            return ardm_fail(ARDM_EFORMAT, "%s: symbol %lld is %d, but there are %u classes", who, (long long)i, in[i], classes);
        out[i] = (uint16_t)in[i];
    }
    return ARDM_OK;
}

static ardm_status open_reader(ardm_source *s, const char *name) {
    const ardm_modality *m = s->modality;
    s->header = (ardm_header){.abi = ARDM_PLUGIN_ABI, .size = sizeof s->header, .items = 1, .extents = {1, 1, 1}};
    const char *what = name && name[0] ? name : m->id;
    ARDM_TRY(ardm__task_status(&s->task, m->open(&s->task, &s->header, &s->reader), what));
    s->open = 1;
    ARDM_TRY(ardm__header_check(&s->header, m));
    return copy_header(&s->shape, &s->header);
}

ardm_status ardm_source_open(ardm_source **out, const ardm_modality *modality, const void *data, size_t size, const char *name,
                             const ardm_modality_options *options) {
    static const ardm_modality_options fallback = ARDM_MODALITY_OPTIONS_INIT;
    *out = NULL;
    if (!options) options = &fallback;
    if (!modality) ARDM_TRY(ardm_modality_probe(&modality, data, size, name));
    ardm_source *s = calloc(1, sizeof *s);
    if (!s) return ardm_fail(ARDM_ENOMEM, "no memory to open %s", name ? name : "a file");
    s->modality = modality;
    s->memory = options->memory ? options->memory : ARDM__MEMORY;
    s->task = (ardm_task){.data = data, .size = size, .budget = s->memory, .settings = s->settings};
    if (options->variant && options->variant[0]) s->settings[s->task.n_settings++] = (ardm_task_setting){"variant", options->variant};
    if (options->shape && options->shape[0]) s->settings[s->task.n_settings++] = (ardm_task_setting){"shape", options->shape};
    ardm_status status = open_reader(s, name);
    /* Settings belong to the caller; a plugin reads them while it opens. */
    s->task.n_settings = 0;
    if (status != ARDM_OK) {
        ardm_source_close(&s);
        return status;
    }
    *out = s;
    return ARDM_OK;
}

void ardm_source_close(ardm_source **source) {
    ardm_source *s = *source;
    if (!s) return;
    if (s->open) s->modality->close(&s->task, s->reader);
    ardm__task_end(&s->task);
    ardm_item_free(&s->shape);
    free(s);
    *source = NULL;
}

const ardm_modality *ardm_source_modality(const ardm_source *source) { return source->modality; }
int64_t ardm_source_items(const ardm_source *source) { return source->header.items; }
const ardm_item *ardm_source_header(const ardm_source *source) { return &source->shape; }

static ardm_status read_item(ardm_item *out, ardm_source *s, int64_t index, int32_t *slab, int64_t each) {
    int64_t rows = out->extents[0], width = rows > 0 ? out->count / rows : 0;
    for (int64_t row = 0; row < rows; row += each) {
        int64_t many = rows - row < each ? rows - row : each;
        ARDM_TRY(ardm__task_status(&s->task, s->modality->read(&s->task, s->reader, index, row, many, slab), s->modality->id));
        ARDM_TRY(ardm__symbols_narrow(out->symbols + row * width, slab, many * width, out->classes, s->modality->id));
    }
    return ARDM_OK;
}

ardm_status ardm_source_item(ardm_item *out, ardm_source *source, int64_t index) {
    memset(out, 0, sizeof *out);
    if (index < source->next || index >= source->header.items)
        return ardm_fail(ARDM_EINVAL, "item %lld: items %lld to %lld can be read now", (long long)index, (long long)source->next,
                         (long long)source->header.items - 1);
    source->next = index + 1;
    ardm_status status = ardm__item_from_header(out, &source->header, source->task.budget);
    int64_t width = out->extents[0] > 0 ? out->count / out->extents[0] : 0, each = width > 0 && width < SLAB ? SLAB / width : 1;
    if (each > out->extents[0]) each = out->extents[0];
    int32_t *slab = NULL;
    /* What is held here while the plugin reads is no longer there for it to allocate. */
    const uint64_t held = (uint64_t)out->count * sizeof *out->symbols + (uint64_t)(width * each) * sizeof *slab, budget = source->task.budget;
    if (status == ARDM_OK && held > budget)
        status =
            ardm_fail(ARDM_ENOMEM, "an item of %lld symbols with rows of %lld needs %llu bytes, more than the %llu that are left of the memory limit",
                      (long long)out->count, (long long)width, (unsigned long long)held, (unsigned long long)budget);
    if (status == ARDM_OK && !(slab = malloc((size_t)(width * each) * sizeof *slab + 1)))
        status = ardm_fail(ARDM_ENOMEM, "no memory for a slab of %lld symbols", (long long)(width * each));
    if (status == ARDM_OK) {
        source->task.budget -= held;
        status = read_item(out, source, index, slab, each);
        source->task.budget += held;
    }
    free(slab);
    if (status != ARDM_OK) ardm_item_free(out);
    return status;
}

ardm_status ardm_item_decode(ardm_item *out, const ardm_modality **modality, const void *data, size_t size, const char *name,
                             const ardm_modality_options *options) {
    ardm_source *source;
    memset(out, 0, sizeof *out);
    ARDM_TRY(ardm_source_open(&source, *modality, data, size, name, options));
    ardm_status status = ARDM_OK;
    if (source->header.items != 1)
        status = ardm_fail(ARDM_EINVAL, "%s holds %lld items; one was expected", name ? name : "the file", (long long)source->header.items);
    if (status == ARDM_OK) status = ardm_source_item(out, source, 0);
    if (status == ARDM_OK) *modality = source->modality;
    ardm_source_close(&source);
    return status;
}
