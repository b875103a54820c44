/* Held-out items of a report with what each symbol costs: heat maps beside pictures, letters on colours, a strip under a sound. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/dataset.h"
#include "ardm/modality.h"
#include "ardm/sampler.h"
#include "canvas.h"
#include "heat.h"
#include "report.h"

enum { MOST_ITEMS = 8, STRIP = 1024, SHADES = 8 };

/* The items that are shown, and their bits by place: all symbols of one taken together. */
typedef struct shown {
    ardm_layout layout;
    uint32_t n, symbols_each, positions, given; /* given: leading symbols that are not asked */
    int32_t *symbols;
    double *place; /* f64[n, positions] */
    double most;   /* of the dearest colour */
} shown;

static void close_shown(shown *s) {
    free(s->symbols);
    free(s->place);
}

static ardm_status measure(shown *s, const report *r, const ardm_dataset *data, const ardm_budget *budget) {
    const ardm_predictor *p = &r->predictor;
    const size_t all = (size_t)s->n * s->symbols_each, places = (size_t)s->n * s->positions, units = (size_t)s->n * ardm_layout_units(&s->layout);
    uint8_t *mask = calloc(all, 1);
    double *bits = calloc(units, sizeof *bits), *sorted = malloc(places * sizeof *sorted);
    s->symbols = malloc(all * sizeof *s->symbols);
    s->place = calloc(places, sizeof *s->place);
    ardm_status status = ARDM_OK;
    if (!mask || !bits || !sorted || !s->symbols || !s->place) {
        status = ardm_fail(ARDM_ENOMEM, "no memory for %u items", s->n);
        goto fail;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        ardm_dataset_item(data, i, s->symbols + (size_t)i * s->symbols_each);
        memset(mask + (size_t)i * s->symbols_each, ARDM_GIVEN, s->given);
    }
    status = ardm_scheduled_units(bits, p->session, budget, (uint64_t)r->options->seed, &s->layout, s->symbols, mask, 0, s->n);
    for (size_t u = 0; u < units; u++) s->place[u / (units / places)] += bits[u];
    memcpy(sorted, s->place, places * sizeof *sorted);
    s->most = heat_most(sorted, (int64_t)places);
fail:
    free(sorted);
    free(bits);
    free(mask);
    return status;
}

static double bits_of(const shown *s, uint32_t item) {
    double sum = 0;
    for (uint32_t u = 0; u < s->positions; u++) sum += s->place[(size_t)item * s->positions + u];
    return sum / (s->symbols_each - s->given);
}

/* An item of the dataset as its modality has it. */
static ardm_status take_item(ardm_item *out, const ardm_modality **modality, const report *r, const shown *s, uint32_t item) {
    const ardm_predictor *p = &r->predictor;
    const int64_t extents[3] = {s->layout.extent[0], s->layout.rank > 1 ? s->layout.extent[1] : 1, 1};
    ARDM_TRY(ardm_modality_find(modality, p->modality));
    ARDM_TRY(ardm_item_blank(out, *modality, p->variant[0] ? p->variant : NULL, s->layout.rank, extents));
    if (out->count != s->symbols_each)
        return ardm_fail(ARDM_EINVAL, "an item of %lld symbols, and the data has %u", (long long)out->count, s->symbols_each);
    for (uint32_t u = 0; u < s->symbols_each; u++) out->symbols[u] = (uint16_t)s->symbols[(size_t)item * s->symbols_each + u];
    return ARDM_OK;
}

/* height rows of width colours as a PNG. */
static ardm_status colours(ardm_bytes *out, const double *bits, uint32_t width, uint32_t height, double most) {
    canvas *c;
    uint8_t *rgb = malloc((size_t)width * height * 3 + 1);
    if (!rgb) return ardm_fail(ARDM_ENOMEM, "no memory for %ux%u colours", width, height);
    for (size_t i = 0; i < (size_t)width * height; i++) heat_colour(rgb + 3 * i, bits[i] / most);
    ardm_status status = canvas_open_in(&c, out, NULL, width, height);
    if (status == ARDM_OK) {
        canvas_pixels(c, 0, 0, 1, rgb, width, height);
        status = canvas_close(&c, 1, 0);
    }
    free(rgb);
    return status;
}

static ardm_status scale(report *r, const char *unit, double most) {
    canvas *c;
    ardm_bytes svg = {0};
    char text[48];
    ARDM_TRY(canvas_open_in(&c, &svg, "scale of colours", 320, 34));
    for (int i = 0; i < 64; i++) {
        uint8_t colour[3];
        heat_colour(colour, i / 63.0);
        canvas_bar(c, 10 + 4.6875 * i, 2, 4.8, 10, (uint32_t)colour[0] << 16 | (uint32_t)colour[1] << 8 | colour[2], NULL);
    }
    canvas_text(c, 10, 24, 12, ANCHOR_START, 0, "0");
    canvas_text(c, 160, 24, 12, ANCHOR_MIDDLE, 0, unit);
    snprintf(text, sizeof text, "%g and more", most);
    canvas_text(c, 310, 24, 12, ANCHOR_END, 0, text);
    ardm_status status = canvas_close(&c, 1, 0);
    if (status == ARDM_OK) {
        html_put(&r->page, "<div class=\"scale\">");
        html_append(&r->page, &svg);
        html_put(&r->page, "</div>\n");
    }
    ardm_bytes_free(&svg);
    return status;
}

/* Pictures beside their maps; sounds over a strip of them, each column the mean of its samples. */
static ardm_status draw_item(report *r, const shown *s, uint32_t item) {
    const ardm_modality *modality;
    ardm_item own;
    ardm_bytes picture = {0}, map = {0};
    const int32_t image = s->layout.rank > 1;
    const double *bits = s->place + (size_t)item * s->positions;
    memset(&own, 0, sizeof own);
    ardm_status status = take_item(&own, &modality, r, s, item);
    if (status == ARDM_OK) status = ardm_item_render(&picture, modality, &own, 0);
    if (status == ARDM_OK && image) status = colours(&map, bits, s->layout.extent[1], s->layout.extent[0], s->most);
    if (status == ARDM_OK && !image) {
        double column[STRIP];
        const uint32_t width = s->positions < STRIP ? s->positions : STRIP;
        for (uint32_t k = 0; k < width; k++) {
            const uint32_t from = (uint32_t)((uint64_t)k * s->positions / width), to = (uint32_t)((uint64_t)(k + 1) * s->positions / width);
            column[k] = 0;
            for (uint32_t u = from; u < to; u++) column[k] += bits[u] / (to - from);
        }
        status = colours(&map, column, width, 1, s->most);
    }
    if (status == ARDM_OK) {
        html_put(&r->page, "<figure>");
        html_media(&r->page, "image/png", &picture, "held-out item", image ? "pixels tile" : "paper");
        html_media(&r->page, "image/png", &map, "its bits", image ? "pixels tile" : "strip");
        html_put(&r->page, "<figcaption>%.4f bits a dimension</figcaption></figure>\n", bits_of(s, item));
    }
    ardm_bytes_free(&map);
    ardm_bytes_free(&picture);
    ardm_item_free(&own);
    return status;
}

/* Runs of letters that cost alike share a colour; a letter of several bytes costs their sum. */
static void colour_text(report *r, const shown *s, const uint8_t *text, const double *bits) {
    uint32_t at = 0;
    while (at < s->positions) {
        uint32_t begin = at, shade = 0;
        for (uint32_t first = 1; at < s->positions; first = 0) {
            uint32_t end = at + 1;
            double sum = bits[at];
            while (text[at] >= 0xc0 && end < s->positions && text[end] >> 6 == 2) sum += bits[end++];
            uint32_t own = (uint32_t)(sum / s->most * SHADES + 0.5);
            if (own > SHADES) own = SHADES;
            if (first) shade = own;
            if (own != shade) break;
            at = end;
        }
        if (shade) html_put(&r->page, "<span class=\"h%u\">", shade);
        html_bytes(&r->page, text + begin, at - begin);
        if (shade) html_put(&r->page, "</span>");
    }
}

static ardm_status write_item(report *r, const shown *s, uint32_t item) {
    const ardm_modality *modality;
    ardm_item own;
    ardm_bytes text = {0};
    memset(&own, 0, sizeof own);
    ardm_status status = take_item(&own, &modality, r, s, item);
    if (status == ARDM_OK) status = ardm_item_encode(&text, modality, &own, 0);
    if (status == ARDM_OK) {
        html_put(&r->page, "<figure><pre class=\"held\">");
        if (text.size == s->positions)
            colour_text(r, s, text.data, s->place + (size_t)item * s->positions);
        else /* its bytes are not its symbols */
            html_bytes(&r->page, text.data, text.size);
        html_put(&r->page, "</pre><figcaption>%.4f bits a dimension</figcaption></figure>\n", bits_of(s, item));
    }
    ardm_bytes_free(&text);
    ardm_item_free(&own);
    return status;
}

static ardm_status show(report *r, const shown *s) {
    const int32_t text = strcmp(r->predictor.modality, "text") == 0;
    ardm_status status = ARDM_OK;
    if (text) {
        html_put(&r->page, "<p>Colours from none, 0 bits a letter, to <span class=\"h%d\">this</span>, %g and more.</p>\n", SHADES, s->most);
    } else {
        status = scale(r, s->layout.rank > 1 ? "bits a pixel" : "bits a sample", s->most);
        html_put(&r->page, "<div class=\"pictures\">\n");
    }
    for (uint32_t i = 0; i < s->n && status == ARDM_OK; i++) status = text ? write_item(r, s, i) : draw_item(r, s, i);
    if (!text) html_put(&r->page, "</div>\n");
    return status;
}

static ardm_status open_held_out(ardm_dataset **out, const report *r) {
    const ardm_recipe *p = r->recipe;
    const ardm_dataset_options options = {.paths = p->paths,
                                          .root = r->options->root,
                                          .modality = p->modality,
                                          .variant = p->variant,
                                          .shape = p->shape,
                                          .tile = p->tile,
                                          .window = p->window,
                                          .end = INT64_MAX,
                                          .memory = r->options->memory};
    return ardm_dataset_open(out, &options);
}

void report_held_out(report *r, const ardm_budget *budget) {
    ardm_dataset *data = NULL;
    shown s = {0};
    html_put(&r->page, "<h3>Held-out items</h3>\n");
    if (!r->recipe) {
        html_note(&r->page, "None: the config says where the data is, and cannot be read.");
        return;
    }
    ardm_status status = open_held_out(&data, r);
    if (status != ARDM_OK) {
        html_note(&r->page, "None, the data is not at hand (--data DIR or $ARDM_DATA): %s", ardm_message());
        return;
    }
    const ardm_layout whole = ardm_dataset_layout(data);
    const ardm_description *d = ardm_session_description(r->predictor.session);
    const int64_t held_out = ardm_dataset_held_out(data), most = r->options->samples < MOST_ITEMS ? r->options->samples : MOST_ITEMS;
    s.layout = ardm_layout_join(&whole, ardm_session_parts(r->predictor.session));
    s.n = (uint32_t)(held_out < most ? held_out : most);
    s.symbols_each = ardm_layout_symbols(&whole);
    s.positions = whole.extent[0] * (whole.rank > 1 ? whole.extent[1] : 1);
    s.given = d->context;
    if (d->rank != whole.rank || d->extent[0] != whole.extent[0] || d->context >= s.symbols_each)
        status = ardm_fail(ARDM_EINVAL, "the model is not of the config's items");
    if (status == ARDM_OK && s.n == 0) status = ardm_fail(ARDM_EINVAL, "the data has none");
    if (status == ARDM_OK) status = measure(&s, r, data, budget);
    if (status == ARDM_OK) {
        html_put(&r->page, "<p>The first %u, with the bits of each place under the same schedule of %u calls", s.n, budget->calls);
        if (s.given) html_put(&r->page, "; the first %u symbols are given and not asked", s.given);
        html_put(&r->page, ".</p>\n");
        status = show(r, &s);
    }
    if (status != ARDM_OK) report_failed(r, "held-out items", status);
    close_shown(&s);
    ardm_dataset_free(&data);
}
