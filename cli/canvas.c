/* Drawings as SVG text or as PNG through cairo. */
#include "canvas.h"

#include <assert.h>
#include <cairo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"

struct canvas {
    const char *path;
    ardm_bytes *to; /* in memory: what it is appended to, else NULL */
    ardm_bytes svg; /* unless there is a surface */
    cairo_surface_t *png;
    cairo_t *cairo;
    ardm_status status; /* the first failure; its message is the thread's */
};

static int32_t ends_in(const char *path, const char *ending) {
    const size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}

static void keep(canvas *c, ardm_status status) {
    if (c->status == ARDM_OK) c->status = status;
}

double canvas_tick(double span, int32_t most) {
    double tick = pow(10, floor(log10(span / most)));
    while (span / tick > most) tick *= span / tick > 5 * most ? 10 : span / tick > 2 * most ? 5 : 2;
    return tick;
}

ardm_status canvas_check(const char *path, int32_t pixels) {
    if (ends_in(path, ".png") || (!pixels && ends_in(path, ".svg"))) return ARDM_OK;
    return ardm_fail(ARDM_EINVAL, "%s: this picture is written as %s.png", path, pixels ? "" : ".svg or ");
}

static ardm_status open_surface(canvas **c, double width, double height) {
    (*c)->png = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    (*c)->cairo = cairo_create((*c)->png);
    if (cairo_status((*c)->cairo) != CAIRO_STATUS_SUCCESS) {
        const char *why = cairo_status_to_string(cairo_status((*c)->cairo));
        ardm_status status = ardm_fail(ARDM_ENOMEM, "%s: a picture of %.0fx%.0f: %s", (*c)->path, width, height, why);
        canvas_close(c, 0, 0);
        return status;
    }
    cairo_set_source_rgb((*c)->cairo, 1, 1, 1);
    cairo_paint((*c)->cairo);
    cairo_select_font_face((*c)->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    return ARDM_OK;
}

ardm_status canvas_open(canvas **out, const char *path, double width, double height) {
    *out = NULL;
    ARDM_TRY(canvas_check(path, 0));
    canvas *c = calloc(1, sizeof *c);
    if (!c) return ardm_fail(ARDM_ENOMEM, "no memory for a picture");
    c->path = path;
    if (ends_in(path, ".svg"))
        c->status = ardm_bytes_printf(&c->svg,
                                      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
                                      "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" fill=\"#202020\">\n"
                                      "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
                                      width, height, width, height);
    else
        ARDM_TRY(open_surface(&c, width, height));
    *out = c;
    return ARDM_OK;
}

ardm_status canvas_open_in(canvas **out, ardm_bytes *to, const char *title, double width, double height) {
    *out = NULL;
    canvas *c = calloc(1, sizeof *c);
    if (!c) return ardm_fail(ARDM_ENOMEM, "no memory for a picture");
    c->path = title ? title : "picture";
    c->to = to;
    if (!title) {
        ARDM_TRY(open_surface(&c, width, height));
    } else {
        keep(c,
             ardm_bytes_printf(&c->svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" role=\"img\"><title>", width, height));
        keep(c, html_escape(&c->svg, title, strlen(title)));
        keep(c, ardm_bytes_printf(&c->svg, "</title>\n"));
    }
    *out = c;
    return ARDM_OK;
}

static cairo_status_t append(void *user, const unsigned char *data, unsigned int size) {
    return ardm_bytes_append(user, data, size) == ARDM_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_NO_MEMORY;
}

ardm_status canvas_close(canvas **canvas_, int32_t write, int32_t overwrite) {
    canvas *c = *canvas_;
    if (!c) return ARDM_OK;
    ardm_status status = c->status;
    if (write && status == ARDM_OK && c->png) {
        cairo_status_t result = cairo_status(c->cairo);
        if (result == CAIRO_STATUS_SUCCESS) result = cairo_surface_write_to_png_stream(c->png, append, &c->svg);
        if (result != CAIRO_STATUS_SUCCESS) status = ardm_fail(ARDM_EIO, "%s: %s", c->path, cairo_status_to_string(result));
    } else if (write && status == ARDM_OK) {
        status = ardm_bytes_printf(&c->svg, "</svg>\n");
    }
    if (write && status == ARDM_OK)
        status = c->to ? ardm_bytes_append(c->to, c->svg.data, c->svg.size) : ardm_file_write(c->path, c->svg.data, c->svg.size, overwrite);
    if (c->cairo) cairo_destroy(c->cairo);
    if (c->png) cairo_surface_destroy(c->png);
    ardm_bytes_free(&c->svg);
    free(c);
    *canvas_ = NULL;
    return status;
}

static void paint(canvas *c, uint32_t colour) {
    cairo_set_source_rgb(c->cairo, (colour >> 16) / 255.0, (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0);
}

/* ` class="name"` or nothing. */
static void print_class(canvas *c, const char *name) {
    if (name) keep(c, ardm_bytes_printf(&c->svg, " class=\"%s\"", name));
}

void canvas_line(canvas *c, const double *xy, uint32_t n, stroke how, const char *name) {
    if (c->cairo) {
        const double dashes[2] = {how.dash, how.gap};
        paint(c, how.colour);
        cairo_set_line_width(c->cairo, how.width);
        cairo_set_dash(c->cairo, dashes, how.dash > 0 ? 2 : 0, 0);
        cairo_set_line_join(c->cairo, CAIRO_LINE_JOIN_ROUND);
        cairo_new_path(c->cairo); /* text leaves a point behind */
        for (uint32_t i = 0; i < n; i++) cairo_line_to(c->cairo, xy[2 * i], xy[2 * i + 1]);
        cairo_stroke(c->cairo);
        return;
    }
    keep(c, ardm_bytes_printf(&c->svg, "<polyline"));
    print_class(c, name);
    keep(c, ardm_bytes_printf(&c->svg, " fill=\"none\" stroke=\"#%06x\" stroke-width=\"%g\" stroke-linejoin=\"round\"", how.colour, how.width));
    if (how.dash > 0) keep(c, ardm_bytes_printf(&c->svg, " stroke-dasharray=\"%g %g\"", how.dash, how.gap));
    keep(c, ardm_bytes_printf(&c->svg, " points=\""));
    for (uint32_t i = 0; i < n; i++) keep(c, ardm_bytes_printf(&c->svg, "%s%.2f,%.2f", i ? " " : "", xy[2 * i], xy[2 * i + 1]));
    keep(c, ardm_bytes_printf(&c->svg, "\"/>\n"));
}

void canvas_area(canvas *c, const double *xy, uint32_t n, uint32_t colour, const char *name) {
    if (c->cairo) {
        cairo_set_source_rgba(c->cairo, (colour >> 16) / 255.0, (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0, 0.25);
        cairo_new_path(c->cairo);
        for (uint32_t i = 0; i < n; i++) cairo_line_to(c->cairo, xy[2 * i], xy[2 * i + 1]);
        cairo_close_path(c->cairo);
        cairo_fill(c->cairo);
        return;
    }
    keep(c, ardm_bytes_printf(&c->svg, "<polygon"));
    print_class(c, name);
    keep(c, ardm_bytes_printf(&c->svg, " fill=\"#%06x\" fill-opacity=\"0.25\" points=\"", colour));
    for (uint32_t i = 0; i < n; i++) keep(c, ardm_bytes_printf(&c->svg, "%s%.2f,%.2f", i ? " " : "", xy[2 * i], xy[2 * i + 1]));
    keep(c, ardm_bytes_printf(&c->svg, "\"/>\n"));
}

void canvas_bar(canvas *c, double x, double y, double width, double height, uint32_t colour, const char *name) {
    if (c->cairo) {
        paint(c, colour);
        cairo_new_path(c->cairo);
        cairo_rectangle(c->cairo, x, y, width, height);
        cairo_fill(c->cairo);
        return;
    }
    keep(c, ardm_bytes_printf(&c->svg, "<rect"));
    print_class(c, name);
    keep(c, ardm_bytes_printf(&c->svg, " x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"#%06x\"/>\n", x, y, width, height, colour));
}

void canvas_dot(canvas *c, double x, double y, double radius, uint32_t colour) {
    if (c->cairo) {
        paint(c, colour);
        cairo_new_path(c->cairo);
        cairo_arc(c->cairo, x, y, radius, 0, 6.283185307179586);
        cairo_fill(c->cairo);
        return;
    }
    keep(c, ardm_bytes_printf(&c->svg, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"%g\" fill=\"#%06x\"/>\n", x, y, radius, colour));
}

void canvas_text(canvas *c, double x, double y, double size, int32_t anchor, int32_t upwards, const char *text) {
    if (c->cairo) {
        cairo_text_extents_t extents;
        cairo_set_font_size(c->cairo, size);
        cairo_text_extents(c->cairo, text, &extents);
        cairo_save(c->cairo);
        paint(c, 0x202020);
        cairo_translate(c->cairo, x, y);
        if (upwards) cairo_rotate(c->cairo, -1.5707963267948966);
        cairo_move_to(c->cairo, -extents.x_advance * anchor / 2, 0.35 * size);
        cairo_show_text(c->cairo, text);
        cairo_restore(c->cairo);
        return;
    }
    static const char *const anchors[] = {"start", "middle", "end"};
    keep(c, ardm_bytes_printf(&c->svg, "<text x=\"%.2f\" y=\"%.2f\" font-size=\"%g\" dy=\"0.35em\" text-anchor=\"%s\"", x, y, size, anchors[anchor]));
    if (upwards) keep(c, ardm_bytes_printf(&c->svg, " transform=\"rotate(-90 %.2f %.2f)\"", x, y));
    keep(c, ardm_bytes_append(&c->svg, ">", 1));
    keep(c, html_escape(&c->svg, text, strlen(text)));
    keep(c, ardm_bytes_printf(&c->svg, "</text>\n"));
}

void canvas_pixels(canvas *c, double x, double y, double scale, const uint8_t *rgb, uint32_t width, uint32_t height) {
    assert(c->cairo);
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    if (cairo_surface_status(image) == CAIRO_STATUS_SUCCESS) {
        const size_t stride = (size_t)cairo_image_surface_get_stride(image);
        unsigned char *data = cairo_image_surface_get_data(image);
        cairo_surface_flush(image);
        for (uint32_t i = 0; i < height; i++)
            for (uint32_t j = 0; j < width; j++) {
                const uint8_t *from = rgb + 3 * ((size_t)i * width + j);
                const uint32_t pixel = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
                memcpy(data + i * stride + 4 * (size_t)j, &pixel, sizeof pixel);
            }
        cairo_surface_mark_dirty(image);
        cairo_save(c->cairo);
        cairo_translate(c->cairo, x, y);
        cairo_scale(c->cairo, scale, scale);
        cairo_set_source_surface(c->cairo, image, 0, 0);
        cairo_pattern_set_filter(cairo_get_source(c->cairo), CAIRO_FILTER_NEAREST);
        cairo_rectangle(c->cairo, 0, 0, width, height);
        cairo_fill(c->cairo);
        cairo_restore(c->cairo);
    } else {
        keep(c, ardm_fail(ARDM_ENOMEM, "%s: no memory for %ux%u pixels", c->path, width, height));
    }
    cairo_surface_destroy(image);
}
