/* Items cut into tiles or windows, and put together again. */
#include "fill.h"

#include <stdlib.h>
#include <string.h>

#include "ardm/file.h"
#include "ardm/sampler.h"
#include "picture.h"

/* A part of the item that one network call sees, of the nominal extents where the item is large enough. */
typedef struct part {
    int64_t y, x;
    ardm_layout layout;
    uint32_t context; /* leading units that an earlier part has decided */
} part;

static int64_t position_of(const part *p, const ardm_item *item, uint32_t unit) {
    const uint32_t c = item->channels, width = p->layout.rank > 1 ? p->layout.extent[1] : 1;
    return (p->y + unit / c / width) * item->extents[1] + p->x + unit / c % width;
}

ardm_status fill_with(fill_work *work, const arguments *args) {
    ardm_predictor predictor;
    ardm_device *device = NULL;
    ardm_bytes bytes = {0};
    ardm_item item;
    const ardm_modality *modality = NULL;
    memset(&item, 0, sizeof item);
    ARDM_TRY(need_files(args, 2, 2));
    ARDM_TRY(open_predictor(&predictor, &device, args->files[0], args));
    ardm_status status = ardm_file_read(&bytes, args->files[1], memory_limit(args), 1);
    if (status == ARDM_OK) status = ardm_modality_find(&modality, predictor.modality);
    /* As what the model codes where the file can be: a text may be letters to one model and bytes to another. */
    ardm_modality_options how = ARDM_MODALITY_OPTIONS_INIT;
    how.memory = memory_limit(args);
    how.variant = predictor.variant;
    if (status == ARDM_OK && ardm_item_decode(&item, &modality, bytes.data, bytes.size, args->files[1], &how) != ARDM_OK) {
        how.variant = NULL;
        status = ardm_item_decode(&item, &modality, bytes.data, bytes.size, args->files[1], &how);
    }
    if (status == ARDM_OK) status = work(&predictor, &item, modality, args);
    ardm_item_free(&item);
    ardm_bytes_free(&bytes);
    ardm_predictor_close(&predictor);
    ardm_device_close(&device);
    return status;
}

ardm_status fill_check(const ardm_predictor *p, const ardm_item *item) {
    const ardm_description *d = ardm_session_description(p->session);
    if (item->rank != d->rank || item->channels != d->channels || item->classes != ardm_process_classes(ardm_session_process(p->session)))
        return ardm_fail(ARDM_EINVAL, "the model fills %s %s; this is %s", p->modality, p->variant, item->variant);
    return item->count ? ARDM_OK : ardm_fail(ARDM_EINVAL, "the item is empty: nothing is to be filled");
}

/* symbols i32[count, units, parts], state u8[count, units, parts]: room of the part. */
static ardm_status fill_part(filled *out, uint16_t *drawn, ardm_predictor *p, const filling *how, const part *where, const ardm_item *item,
                             const uint8_t *fill, int32_t *symbols, uint8_t *state) {
    const uint32_t all = ardm_layout_symbols(&where->layout), c = item->channels, n = how->count;
    const uint64_t number = (uint64_t)(where->y * item->extents[1] + where->x);
    uint32_t missing = 0;
    for (uint32_t u = 0; u < all; u++) {
        const int64_t position = position_of(where, item, u);
        state[u] = u >= where->context && fill[position] ? ARDM_UNDECIDED : ARDM_GIVEN;
        missing += state[u] == ARDM_UNDECIDED;
        symbols[u] = item->symbols[position * c + u % c];
    }
    if (!missing) return ARDM_OK;
    if (!how->unknown) {
        double bits = 0;
        ARDM_TRY(ardm_scheduled_cost_from(&bits, p->session, how->budget, how->seed, how->from, &where->layout, symbols, state, number, 1));
        out->true_bits += bits;
    }
    out->units += missing;
    for (uint32_t k = 0; k < n; k++) {
        if (k) memcpy(state + (size_t)k * all, state, all);
        for (uint32_t u = 0; u < all; u++) symbols[(size_t)k * all + u] = drawn[(int64_t)k * item->count + position_of(where, item, u) * c + u % c];
    }
    const ardm_sampling sampling = {.budget = how->budget,
                                    .seed = how->seed,
                                    .temperature = how->temperature,
                                    .confidence = how->confidence,
                                    .from = how->from,
                                    .task = how->task};
    /* Sample k of a part has a number of its own, whatever the other parts are. */
    ARDM_TRY(ardm_sample(p->session, &sampling, &where->layout, symbols, state, number * 65536, n));
    for (uint32_t k = 0; how->price && k < n; k++) {
        double bits = 0;
        ARDM_TRY(ardm_scheduled_cost_from(&bits, p->session, how->budget, how->seed, how->from, &where->layout, symbols + (size_t)k * all, state,
                                          number * 65536 + k, 1));
        out->drawn_bits += bits / n;
    }
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t u = 0; u < all; u++)
            if (state[u] == ARDM_UNDECIDED)
                drawn[(int64_t)k * item->count + position_of(where, item, u) * c + u % c] = (uint16_t)symbols[(size_t)k * all + u];
    return ARDM_OK;
}

ardm_status fill_item(filled *out, uint16_t *drawn, ardm_predictor *p, const filling *how, const ardm_item *item, const uint8_t *fill) {
    const ardm_description *d = ardm_session_description(p->session);
    const int64_t h = d->extent[0], w = item->rank > 1 ? d->extent[1] : 1, context = item->rank > 1 ? 0 : d->context;
    const size_t room = (size_t)how->count * (size_t)h * (size_t)w * item->channels;
    int32_t *symbols = malloc(room * sizeof *symbols);
    uint8_t *state = malloc(room);
    ardm_status status = symbols && state ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for %zu units", room);
    memset(out, 0, sizeof *out);
    for (uint32_t k = 0; k < how->count; k++) memcpy(drawn + (int64_t)k * item->count, item->symbols, (size_t)item->count * sizeof *drawn);
    for (int64_t y = 0, next; status == ARDM_OK && y < item->extents[0]; y = next) {
        const uint32_t height = (uint32_t)(item->extents[0] - y < h ? item->extents[0] - y : h);
        next = y + height == item->extents[0] ? item->extents[0] : y + height - context;
        for (int64_t x = 0; status == ARDM_OK && x < item->extents[1]; x += w) {
            const uint32_t width = (uint32_t)(item->extents[1] - x < w ? item->extents[1] - x : w);
            const ardm_layout own = {item->rank, {height, item->rank > 1 ? width : 0, 0}, item->channels, 1};
            const part where = {y, x, ardm_layout_join(&own, ardm_session_parts(p->session)), y ? (uint32_t)context : 0};
            status = fill_part(out, drawn, p, how, &where, item, fill, symbols, state);
        }
    }
    free(state);
    free(symbols);
    return status;
}

ardm_status write_filled(const char *to, const ardm_predictor *predictor, ardm_item *item, const uint16_t *drawn, uint32_t count,
                         const arguments *args) {
    const ardm_modality *modality;
    const int32_t together = strcmp(to, "-") == 0;
    const char *slash = strrchr(to, '/'), *dot = strrchr(slash ? slash : to, '.');
    const int stem = dot ? (int)(dot - to) : (int)strlen(to);
    ardm_bytes file = {0};
    ARDM_TRY(ardm_modality_find(&modality, predictor->modality));
    ardm_status status = ARDM_OK;
    for (uint32_t k = 0; k < count && status == ARDM_OK; k++) {
        char path[4096];
        memcpy(item->symbols, drawn + (int64_t)k * item->count, (size_t)item->count * sizeof *drawn);
        status = show_item(&file, modality, item, to);
        if (status == ARDM_OK && together && count > 1) status = ardm_bytes_printf(&file, "\n%s\n", k + 1 < count ? "--------" : "");
        if (together || status != ARDM_OK) continue;
        const int n = count == 1 ? snprintf(path, sizeof path, "%s", to) : snprintf(path, sizeof path, "%.*s-%u%s", stem, to, k, dot ? dot : "");
        status = n < (int)sizeof path ? ardm_file_write(path, file.data, file.size, has(args, "force"))
                                      : ardm_fail(ARDM_EINVAL, "path too long: %.80s…", to);
        ardm_bytes_free(&file);
    }
    if (status == ARDM_OK && together) status = ardm_file_write(to, file.data, file.size, 0);
    ardm_bytes_free(&file);
    return status;
}
