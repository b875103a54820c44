/* ardm eval --map: what each unit of a file costs. F.png: bits a pixel as colours beside the picture; any other name: a line a unit. */
#include "eval.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/file.h"
#include "ardm/modality.h"
#include "ardm/sampler.h"
#include "canvas.h"
#include "heat.h"

enum { BATCH = 16, MOST_PICTURES = 16 };

/* A part of an item that the network sees at once, as compress cuts it: a tile, or a window with the symbols before it. */
typedef struct part {
    int64_t y, x;
    ardm_layout layout;
    uint32_t given; /* leading units that are only shown */
} part;

static ardm_status cut(part **out, uint32_t *n, const ardm_item *item, const ardm_session *session) {
    const ardm_description *d = ardm_session_description(session);
    const int64_t h = d->extent[0], w = item->rank > 1 ? d->extent[1] : 1, step = item->rank > 1 ? h : h - d->context;
    const int64_t down = (item->extents[0] + step - 1) / step, across = (item->extents[1] + w - 1) / w;
    *n = 0;
    *out = malloc((size_t)(down * across + 1) * sizeof **out);
    if (!*out) return ardm_fail(ARDM_ENOMEM, "no memory for %lld parts", (long long)(down * across));
    for (int64_t y = 0; y < item->extents[0]; y += step)
        for (int64_t x = 0; x < item->extents[1]; x += w) {
            const uint32_t height = (uint32_t)(item->extents[0] - y < step ? item->extents[0] - y : step);
            const uint32_t width = (uint32_t)(item->extents[1] - x < w ? item->extents[1] - x : w);
            const uint32_t back = item->rank > 1 || y < d->context ? 0 : d->context;
            const ardm_layout own = {item->rank, {height + back, item->rank > 1 ? width : 0, 0}, item->channels, 1};
            (*out)[(*n)++] = (part){y - back, x, ardm_layout_join(&own, ardm_session_parts(session)), back};
        }
    return ARDM_OK;
}

static int64_t position_of(const part *p, const ardm_item *item, uint32_t symbol) {
    const uint32_t c = item->channels, width = p->layout.rank > 1 ? p->layout.extent[1] : 1;
    return ((p->y + symbol / c / width) * item->extents[1] + p->x + symbol / c % width) * c + symbol % c;
}

/* bits: f64[count] of the item. `number` is the first part's; it moves on. */
static ardm_status cost_of_item(double *bits, ardm_predictor *p, const ardm_budget *budget, const ardm_item *item, uint64_t seed, uint64_t *number) {
    part *parts = NULL;
    uint32_t n = 0, room = 0;
    ardm_status status = cut(&parts, &n, item, p->session);
    for (uint32_t i = 0; i < n; i++)
        if (ardm_layout_symbols(&parts[i].layout) > room) room = ardm_layout_symbols(&parts[i].layout);
    int32_t *symbols = malloc((size_t)BATCH * room * sizeof *symbols + 1);
    uint8_t *mask = malloc((size_t)BATCH * room + 1);
    double *own = malloc((size_t)BATCH * room * sizeof *own + 1);
    if (status == ARDM_OK && (!symbols || !mask || !own)) status = ardm_fail(ARDM_ENOMEM, "no memory for %u symbols", BATCH * room);
    for (uint32_t i = 0, count; i < n && status == ARDM_OK; i += count, *number += count) {
        const ardm_layout layout = parts[i].layout;
        const uint32_t all = ardm_layout_symbols(&layout), each = ardm_layout_parts(&layout), units = all / each;
        for (count = 1; i + count < n && count < BATCH; count++) /* neighbours of the same form go together */
            if (memcmp(&parts[i + count].layout, &layout, sizeof layout) != 0 || parts[i + count].given != parts[i].given) break;
        for (uint32_t k = 0; k < count; k++)
            for (uint32_t u = 0; u < all; u++) {
                symbols[(size_t)k * all + u] = item->symbols[position_of(&parts[i + k], item, u)];
                mask[(size_t)k * all + u] = u < parts[i].given ? ARDM_GIVEN : ARDM_UNDECIDED;
            }
        status = ardm_scheduled_units(own, p->session, budget, seed, &layout, symbols, mask, *number, count);
        for (uint32_t k = 0; k < count && status == ARDM_OK; k++)
            for (uint32_t u = parts[i].given; u < all; u++) /* a unit's bits are those of its symbols together */
                bits[position_of(&parts[i + k], item, u)] = own[(size_t)k * units + u / each] / each;
        if (status == ARDM_OK) status = ardm_progress("map", i + count, n, "parts", NULL);
    }
    free(own);
    free(mask);
    free(symbols);
    free(parts);
    return status;
}

typedef struct mapped {
    ardm_item item;
    double *bits, sum;
} mapped;

static double pixel_bits(const mapped *m, int64_t pixel) {
    double sum = 0;
    for (uint32_t k = 0; k < m->item.channels; k++) sum += m->bits[pixel * m->item.channels + k];
    return sum;
}

/* One picture: itself at (x, y), its bits beside it. */
static ardm_status draw_picture(canvas *c, const mapped *m, double x, double y, double scale, double most) {
    const uint32_t h = (uint32_t)m->item.extents[0], w = (uint32_t)m->item.extents[1], channels = m->item.channels;
    uint8_t *rgb = malloc((size_t)h * w * 3 + 1);
    if (!rgb) return ardm_fail(ARDM_ENOMEM, "no memory for %ux%u pixels", w, h);
    for (int64_t i = 0; i < (int64_t)h * w; i++)
        for (uint32_t k = 0; k < 3; k++)
            rgb[3 * i + k] = (uint8_t)(m->item.symbols[i * channels + (channels >= 3 ? k : 0)] * 255u / (m->item.classes - 1));
    canvas_pixels(c, x, y, scale, rgb, w, h);
    for (int64_t i = 0; i < (int64_t)h * w; i++) heat_colour(rgb + 3 * i, pixel_bits(m, i) / most);
    canvas_pixels(c, x + w * scale + 16, y, scale, rgb, w, h);
    free(rgb);
    return ARDM_OK;
}

/* What the dearest colour of the pictures stands for. */
static ardm_status brightest(double *out, const mapped *list, uint32_t n) {
    int64_t all = 0, at = 0;
    for (uint32_t k = 0; k < n; k++) all += list[k].item.extents[0] * list[k].item.extents[1];
    double *values = malloc((size_t)all * sizeof *values);
    if (!values) return ardm_fail(ARDM_ENOMEM, "no memory for %lld pixels", (long long)all);
    for (uint32_t k = 0; k < n; k++)
        for (int64_t i = 0; i < list[k].item.extents[0] * list[k].item.extents[1]; i++) values[at++] = pixel_bits(&list[k], i);
    *out = heat_most(values, all);
    free(values);
    return ARDM_OK;
}

static ardm_status draw_pictures(const char *path, const mapped *list, uint32_t n, const ardm_budget *budget, const arguments *args) {
    enum { MARGIN = 20, HEAD = 44, FOOT = 64 };
    int64_t w = 1, h = 0;
    double most = 0;
    for (uint32_t k = 0; k < n; k++) {
        if (list[k].item.extents[1] > w) w = list[k].item.extents[1];
        h += list[k].item.extents[0];
    }
    ARDM_TRY(brightest(&most, list, n));
    const double scale = w >= 384 ? 1 : (double)(384 / w), width = 2 * MARGIN + 2 * w * scale + 16;
    canvas *c;
    ARDM_TRY(canvas_open(&c, path, width < 520 ? 520 : width, HEAD + h * scale + 10 * (n - 1) + FOOT));
    char text[160];
    double sum = 0, dimensions = 0, y = HEAD;
    for (uint32_t k = 0; k < n; k++) {
        sum += list[k].sum;
        dimensions += (double)list[k].item.count;
    }
    snprintf(text, sizeof text, "%.4f bits a dimension, schedule of %u calls", sum / dimensions, budget->calls);
    canvas_text(c, MARGIN, 22, 14, ANCHOR_START, 0, text);
    ardm_status status = ARDM_OK;
    for (uint32_t k = 0; k < n && status == ARDM_OK; k++) {
        status = draw_picture(c, &list[k], MARGIN, y, scale, most);
        y += (double)list[k].item.extents[0] * scale + 10;
    }
    for (int i = 0; i < 240; i++) { /* the scale */
        uint8_t colour[3];
        heat_colour(colour, i / 239.0);
        canvas_bar(c, MARGIN + i, y + 8, 1.2, 14, (uint32_t)colour[0] << 16 | (uint32_t)colour[1] << 8 | colour[2], NULL);
    }
    for (int i = 0; i <= 4; i++) {
        snprintf(text, sizeof text, "%g", most * i / 4);
        canvas_text(c, MARGIN + 60 * i, y + 32, 11, i ? ANCHOR_MIDDLE : ANCHOR_START, 0, text);
    }
    canvas_text(c, MARGIN + 260, y + 15, 12, ANCHOR_START, 0, "bits a pixel; the last colour: this and more");
    ardm_status closed = canvas_close(&c, status == ARDM_OK, has(args, "force"));
    return status == ARDM_OK ? closed : status;
}

/* Lines of unit, symbol, what it looks like in text, bits. */
static ardm_status list_symbols(const char *path, const mapped *list, uint32_t n, const ardm_budget *budget, const arguments *args) {
    ardm_bytes text = {0};
    ardm_status status = ARDM_OK;
    for (uint32_t k = 0; k < n && status == ARDM_OK; k++) {
        const mapped *m = &list[k];
        status = ardm_bytes_printf(&text, "# item %u: %lld units, %.6f bits, %.4f a dimension, schedule of %u calls\n# unit\tsymbol\tshown\tbits\n",
                                   k, (long long)m->item.count, m->sum, m->sum / (double)m->item.count, budget->calls);
        for (int64_t i = 0; i < m->item.count && status == ARDM_OK; i++) {
            const uint32_t symbol = m->item.symbols[i];
            char shown[4] = ".";
            if (m->item.rank == 1 && m->item.classes == 256 && symbol > 32 && symbol < 127) shown[0] = (char)symbol;
            if (m->item.classes == 27) shown[0] = symbol ? (char)('a' + symbol - 1) : '.';
            status = ardm_bytes_printf(&text, "%lld\t%u\t%s\t%.6f\n", (long long)i, symbol, shown, m->bits[i]);
        }
    }
    if (status == ARDM_OK) status = ardm_file_write(path, text.data, text.size, has(args, "force"));
    ardm_bytes_free(&text);
    return status;
}

static ardm_status open_source(ardm_source **out, ardm_bytes *bytes, const ardm_predictor *p, const arguments *args) {
    const char *path = argument(args, "data");
    ardm_modality_options options = ARDM_MODALITY_OPTIONS_INIT;
    const ardm_modality *modality, *known;
    ARDM_TRY(ardm_file_read(bytes, path, memory_limit(args), 1));
    ARDM_TRY(ardm_modality_find(&modality, p->modality));
    options.variant = p->variant[0] ? p->variant : NULL;
    options.memory = memory_limit(args);
    /* A shape says how raw bytes are read; files that announce themselves do not need it. */
    if (has(args, "shape") && ardm_modality_probe(&known, bytes->data, bytes->size, path) == ARDM_OK && strcmp(ardm_modality_id(known), "text") == 0)
        options.shape = argument(args, "shape");
    return ardm_source_open(out, modality, bytes->data, bytes->size, path, &options);
}

static ardm_status cost_of_items(mapped *list, uint32_t *n, ardm_source *source, ardm_predictor *p, const ardm_budget *budget,
                                 const arguments *args) {
    const ardm_description *d = ardm_session_description(p->session);
    int64_t first, end, seed;
    uint64_t number = 0;
    ARDM_TRY(items_range(&first, &end, args));
    ARDM_TRY(argument_int(&seed, args, "seed", 0, 0, INT64_MAX));
    if (end > ardm_source_items(source)) end = ardm_source_items(source);
    if (end - first > MOST_PICTURES)
        return ardm_fail(ARDM_EINVAL, "%lld items are more than a map has room for: give up to %d by --items A:B", (long long)(end - first),
                         MOST_PICTURES);
    if (first >= end) return ardm_fail(ARDM_EINVAL, "items start at %lld, and the file has %lld", (long long)first, (long long)end);
    for (int64_t i = first; i < end; i++) {
        mapped *m = &list[(*n)++];
        ARDM_TRY(ardm_source_item(&m->item, source, i));
        if (m->item.rank != d->rank || m->item.channels != d->channels || m->item.classes != ardm_process_classes(ardm_session_process(p->session)))
            return ardm_fail(ARDM_EINVAL, "the model is of %s %s; this is %s", p->modality, p->variant, m->item.variant);
        if (m->item.count == 0) return ardm_fail(ARDM_EINVAL, "%s is empty: there is nothing to map", argument(args, "data"));
        m->bits = calloc((size_t)m->item.count, sizeof *m->bits);
        if (!m->bits) return ardm_fail(ARDM_ENOMEM, "no memory for %lld units", (long long)m->item.count);
        ARDM_TRY(cost_of_item(m->bits, p, budget, &m->item, (uint64_t)seed, &number));
        for (int64_t u = 0; u < m->item.count; u++) m->sum += m->bits[u];
    }
    return ARDM_OK;
}

static void say(const char *path, const mapped *list, uint32_t n, const ardm_budget *budget, const arguments *args) {
    if (strcmp(path, "-") == 0) return; /* the listing alone */
    json_t *all = json_array();
    for (uint32_t k = 0; k < n; k++)
        if (has(args, "json"))
            json_array_append_new(all, json_pack("{s:I, s:I, s:f, s:f}", "units", (json_int_t)list[k].item.count, "calls", (json_int_t)budget->calls,
                                                 "bits", list[k].sum, "bits_per_dim", list[k].sum / (double)list[k].item.count));
        else
            printf("%s: %lld units, %.4f bits a dimension, schedule of %u calls\n", path, (long long)list[k].item.count,
                   list[k].sum / (double)list[k].item.count, budget->calls);
    if (has(args, "json")) {
        json_dumpf(all, stdout, JSON_INDENT(1));
        printf("\n");
    }
    json_decref(all);
}

ardm_status map_costs(ardm_predictor *p, const arguments *args) {
    const char *path = argument(args, "map");
    mapped list[MOST_PICTURES];
    ardm_bytes bytes = {0};
    ardm_source *source = NULL;
    ardm_budget budget = {0};
    uint32_t n = 0;
    int64_t steps;
    memset(list, 0, sizeof list);
    ARDM_TRY(argument_int(&steps, args, "steps", 0, 1, 1 << 24));
    /* What the end would refuse is refused before the work. */
    if (strcmp(path, "-") != 0 && !has(args, "force") && ardm_file_exists(path)) return ardm_fail(ARDM_EEXIST, "%s exists; -f overwrites it", path);
    const int32_t drawn = canvas_check(path, 1) == ARDM_OK;
    if (!drawn && canvas_check(path, 0) == ARDM_OK) return ardm_fail(ARDM_EUNSUPPORTED, "%s: a map of pixels is written as .png", path);
    if (drawn && ardm_session_description(p->session)->rank == 1)
        return ardm_fail(ARDM_EUNSUPPORTED, "%s: only pictures are mapped as .png; any other name, or -, lists the bits of each symbol", path);
    ardm_status status = open_source(&source, &bytes, p, args);
    if (status == ARDM_OK) status = ardm_budget_choose(&budget, p->model, p->session, (uint32_t)steps);
    if (status == ARDM_OK) status = cost_of_items(list, &n, source, p, &budget, args);
    if (status == ARDM_OK) status = drawn ? draw_pictures(path, list, n, &budget, args) : list_symbols(path, list, n, &budget, args);
    if (status == ARDM_OK) say(path, list, n, &budget, args);
    for (uint32_t k = 0; k < n; k++) {
        ardm_item_free(&list[k].item);
        free(list[k].bits);
    }
    ardm_budget_free(&budget);
    ardm_source_close(&source);
    ardm_bytes_free(&bytes);
    return status;
}
