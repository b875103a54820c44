/* A drawing: lines, bars, text and pixels, to an SVG (written here, so that lines and words stay such) or a PNG (through cairo), by the ending
 * of its path. Points and sizes are CSS pixels from the upper left corner. Failures are kept until canvas_close. */
#ifndef ARDM_CLI_CANVAS_H
#define ARDM_CLI_CANVAS_H

#include "ardm/file.h"

typedef struct canvas canvas;

typedef struct stroke {
    uint32_t colour;         /* 0xRRGGBB */
    double width, dash, gap; /* dash 0: solid */
} stroke;

enum { ANCHOR_START = 0, ANCHOR_MIDDLE = 1, ANCHOR_END = 2 };

/* A round distance of ticks, 1, 2 or 5 times a power of ten, at most `most` of them over a span above 0. */
double canvas_tick(double span, int32_t most);

/* ARDM_EINVAL unless the path ends in .png or, without pixels, .svg. */
ardm_status canvas_check(const char *path, int32_t pixels);
/* White ground. */
ardm_status canvas_open(canvas **out, const char *path, double width, double height);
/* The same in memory, for a page: an <svg> element of that title, without ground and colours of its text (the page's style has them), or with title
 * NULL a PNG. canvas_close appends it to `to`. */
ardm_status canvas_open_in(canvas **out, ardm_bytes *to, const char *title, double width, double height);
/* Writes the file (ARDM_EEXIST when it is there and overwrite is 0) and frees the canvas; NULL is fine. write 0: only frees. */
ardm_status canvas_close(canvas **c, int32_t write, int32_t overwrite);

/* name: class of the element in an SVG, "curve"; NULL none. xy: n points. */
void canvas_line(canvas *c, const double *xy, uint32_t n, stroke how, const char *name);
/* A filled outline of n points, a quarter opaque. */
void canvas_area(canvas *c, const double *xy, uint32_t n, uint32_t colour, const char *name);
void canvas_bar(canvas *c, double x, double y, double width, double height, uint32_t colour, const char *name);
void canvas_dot(canvas *c, double x, double y, double radius, uint32_t colour);
/* (x, y) is the middle of the line's height at the anchor. upwards: turned by a quarter, reading upwards. */
void canvas_text(canvas *c, double x, double y, double size, int32_t anchor, int32_t upwards, const char *text);
/* Pixels, u8[height, width, 3], each drawn as a square of `scale`: of a PNG only (asserted). */
void canvas_pixels(canvas *c, double x, double y, double scale, const uint8_t *rgb, uint32_t width, uint32_t height);

#endif
