/* PNG through libpng: 8 bits, grey or RGB. Pixels and the chunks that say what the colours mean come back; text and time do not.
 *
 * libpng reports errors by longjmp to the setjmp of whoever called it last: each function here that enters it sets its own, and
 * keeps nothing in locals that an error would need. All memory is the host's. */
#include "image.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CHUNK = 1 << 20, NAME = 4, HEAD = 8 };

/* Kept chunks, as they stand in the file. */
static const png_byte kept[][NAME + 1] = {"gAMA", "cHRM", "sRGB", "iCCP", "sBIT", "bKGD", "pHYs", "tRNS"};
enum { KEPT = sizeof kept / sizeof kept[0] };

typedef struct state {
    ardm_task *task;
    png_structp png;
    png_infop info;
    image_input *in;
    uint8_t *side;
    uint8_t **lines; /* of an interlaced picture, which comes whole */
    uint8_t *whole;
    const uint8_t *chunks; /* kept ones still to be written */
    int64_t chunk_bytes;
    int32_t status; /* of a stream that failed, else 0 */
    char message[200];
} state;

static void on_error(png_structp png, png_const_charp text) {
    state *s = png_get_error_ptr(png);
    size_t n = strlen(text);
    if (n >= sizeof s->message) n = sizeof s->message - 1;
    memcpy(s->message, text, n);
    s->message[n] = '\0';
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static png_voidp take(png_structp png, png_alloc_size_t bytes) {
    state *s = png_get_mem_ptr(png);
    return bytes <= INT64_MAX ? image_host->allocate(s->task, (int64_t)bytes) : NULL;
}

static void give(png_structp png, png_voidp memory) {
    state *s = png_get_mem_ptr(png);
    image_host->release(s->task, memory);
}

static int32_t png_status(const state *s) {
    if (s->status) return s->status; /* the host has the message */
    int memory = strstr(s->message, "emory") != NULL || strstr(s->message, "user limits") != NULL;
    return image_fail(s->task, memory ? ARDM_PLUGIN_ENOMEM : ARDM_PLUGIN_EFORMAT, "PNG: %s", s->message[0] ? s->message : "libpng gave no reason");
}

/* --- reading ----------------------------------------------------------------------------------------------------------------------- */

static void feed(png_structp png, png_bytep to, size_t bytes) {
    state *s = png_get_io_ptr(png);
    if (image_get(s->in, to, (int64_t)bytes) != (int64_t)bytes) png_error(png, "the file is cut off");
}

static void close_png(ardm_task *task, image_reader *r) {
    state *s = r->state;
    if (!s) return;
    png_destroy_read_struct(&s->png, &s->info, NULL);
    image_host->release(task, s->side);
    image_host->release(task, s->lines);
    image_host->release(task, s->whole);
    image_host->release(task, s);
}

/* A number below 2^32 in four bytes, little-endian. */
static void put_u32(uint8_t *to, uint64_t value) {
    for (int k = 0; k < 4; ++k) to[k] = (uint8_t)(value >> (8 * k));
}

static uint64_t get_u32(const uint8_t *from) { return from[0] | (uint64_t)from[1] << 8 | (uint64_t)from[2] << 16 | (uint64_t)from[3] << 24; }

/* Side bytes: SIDE_PNG, then each kept chunk as name, length and data. */
static int32_t keep_chunks(ardm_task *task, image_reader *r, state *s) {
    png_unknown_chunkp chunks = NULL;
    int n = png_get_unknown_chunks(s->png, s->info, &chunks);
    int64_t size = 1;
    for (int k = 0; k < n; ++k) size += HEAD + (int64_t)chunks[k].size;
    if (size > ARDM_PLUGIN_SIDE)
        return image_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "PNG: %lld bytes of colour information; up to %d are kept", (long long)size,
                          ARDM_PLUGIN_SIDE);
    if (!(s->side = image_host->allocate(task, size))) return image_fail(task, ARDM_PLUGIN_ENOMEM, "no memory for %lld side bytes", (long long)size);
    uint8_t *at = s->side;
    *at++ = SIDE_PNG;
    for (int k = 0; k < n; ++k) {
        memcpy(at, chunks[k].name, NAME);
        put_u32(at + NAME, chunks[k].size);
        if (chunks[k].size > 0) memcpy(at + HEAD, chunks[k].data, chunks[k].size);
        at += HEAD + chunks[k].size;
    }
    r->side = s->side;
    r->side_bytes = size;
    return ARDM_PLUGIN_OK;
}

static int32_t check_kind(ardm_task *task, image_reader *r, state *s) {
    int colour = png_get_color_type(s->png, s->info), depth = png_get_bit_depth(s->png, s->info);
    static const char *const names[] = {"grey", "?", "RGB", "palette", "grey with alpha", "?", "RGB with alpha", "?"};
    if (depth != 8 || (colour != PNG_COLOR_TYPE_GRAY && colour != PNG_COLOR_TYPE_RGB))
        return image_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "PNG of %d bit, %s; 8 bit grey and RGB are read", depth, names[colour & 7]);
    r->height = png_get_image_height(s->png, s->info);
    r->width = png_get_image_width(s->png, s->info);
    r->channels = colour == PNG_COLOR_TYPE_GRAY ? 1 : 3;
    return ARDM_PLUGIN_OK;
}

static int32_t read_info(state *s) {
    if (setjmp(png_jmpbuf(s->png))) return png_status(s);
    png_set_crc_action(s->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_benign_errors(s->png, 0); /* else a wrong checksum of the pixels, met behind the last row, is only a warning */
    png_set_chunk_malloc_max(s->png, MOST_CHUNK);
    png_set_chunk_cache_max(s->png, 2 * KEPT);
    png_set_keep_unknown_chunks(s->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(s->png, PNG_HANDLE_CHUNK_ALWAYS, kept[0], KEPT);
    png_set_read_fn(s->png, s, feed);
    png_read_info(s->png, s->info);
    return ARDM_PLUGIN_OK;
}

static int32_t read_whole(state *s) {
    if (setjmp(png_jmpbuf(s->png))) return png_status(s);
    png_read_image(s->png, s->lines);
    return ARDM_PLUGIN_OK;
}

static int32_t start_rows(state *s) {
    if (setjmp(png_jmpbuf(s->png))) return png_status(s);
    (void)png_set_interlace_handling(s->png);
    png_read_update_info(s->png, s->info);
    return ARDM_PLUGIN_OK;
}

static int32_t read_lines(state *s, int64_t count, int64_t line, uint8_t *out) {
    if (setjmp(png_jmpbuf(s->png))) return png_status(s);
    for (int64_t row = 0; row < count; ++row) png_read_row(s->png, out + row * line, NULL);
    return ARDM_PLUGIN_OK;
}

static int32_t read_end(state *s) {
    if (setjmp(png_jmpbuf(s->png))) return png_status(s);
    png_read_end(s->png, NULL);
    return ARDM_PLUGIN_OK;
}

/* All rows of an interlaced picture, once. */
static int32_t load_whole(ardm_task *task, image_reader *r, state *s) {
    int64_t line = r->width * r->channels;
    s->whole = image_host->allocate(task, r->height * line);
    s->lines = image_host->allocate(task, r->height * (int64_t)sizeof *s->lines);
    if (!s->whole || !s->lines)
        return image_fail(task, ARDM_PLUGIN_ENOMEM, "no memory for an interlaced picture of %lld bytes", (long long)(r->height * line));
    for (int64_t row = 0; row < r->height; ++row) s->lines[row] = s->whole + row * line;
    return read_whole(s);
}

static int32_t rows(ardm_task *task, image_reader *r, int64_t item, int64_t first, int64_t count, uint8_t *out) {
    state *s = r->state;
    int64_t line = r->width * r->channels;
    int32_t status = ARDM_PLUGIN_OK, interlaced = png_get_interlace_type(s->png, s->info) != PNG_INTERLACE_NONE;
    (void)item;
    if (first * line != r->offset) return image_fail(task, ARDM_PLUGIN_EINVAL, "a PNG is read row after row");
    if (first == 0) status = start_rows(s);
    if (!status && first == 0 && interlaced) status = load_whole(task, r, s);
    if (!status && interlaced) memcpy(out, s->whole + first * line, (size_t)(count * line));
    if (!status && !interlaced) status = read_lines(s, count, line, out);
    r->offset = (first + count) * line;
    if (!status && first + count == r->height) status = read_end(s);
    return status;
}

int32_t image_png_open(ardm_task *task, image_reader *r) {
    state *s = image_host->allocate(task, sizeof *s);
    if (!s) return image_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    memset(s, 0, sizeof *s);
    s->task = task;
    s->in = &r->in;
    r->state = s;
    r->close = close_png;
    r->rows = rows;
    s->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, s, on_error, on_warning, s, take, give);
    s->info = s->png ? png_create_info_struct(s->png) : NULL;
    if (!s->info) return image_fail(task, ARDM_PLUGIN_ENOMEM, "no memory for libpng");
    int32_t status = read_info(s);
    if (!status) status = check_kind(task, r, s);
    return status ? status : keep_chunks(task, r, s);
}

/* --- writing ----------------------------------------------------------------------------------------------------------------------- */

static void drain(png_structp png, png_bytep from, size_t bytes) {
    state *s = png_get_io_ptr(png);
    s->status = image_host->write(s->task, from, (int64_t)bytes);
    if (s->status) png_error(png, "the output failed");
}

static void flush_nothing(png_structp png) { (void)png; }

/* One kept chunk; the side bytes may be hostile. Returns what it takes of them, 0 when they are damaged. */
static int64_t add_chunk(state *s) {
    const uint8_t *at = s->chunks;
    int64_t left = s->chunk_bytes;
    png_unknown_chunk chunk = {.location = PNG_HAVE_IHDR};
    int known = 0;
    if (left < HEAD || get_u32(at + NAME) > (uint64_t)(left - HEAD)) return 0;
    for (int k = 0; k < KEPT; ++k) known |= memcmp(kept[k], at, NAME) == 0;
    if (!known) return 0;
    memcpy(chunk.name, at, NAME);
    chunk.size = (size_t)get_u32(at + NAME);
    chunk.data = (png_bytep)(uintptr_t)(at + HEAD); /* libpng copies it */
    png_set_unknown_chunks(s->png, s->info, &chunk, 1);
    return HEAD + (int64_t)chunk.size;
}

static int32_t write_info(state *s, const image_writer *w) {
    if (setjmp(png_jmpbuf(s->png))) return png_status(s);
    png_set_write_fn(s->png, s, drain, flush_nothing);
    png_set_IHDR(s->png, s->info, (png_uint_32)w->width, (png_uint_32)w->height, 8, w->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_keep_unknown_chunks(s->png, PNG_HANDLE_CHUNK_ALWAYS, kept[0], KEPT);
    while (s->chunk_bytes > 0) {
        int64_t used = add_chunk(s);
        if (used == 0) png_error(s->png, "the kept colour information is damaged");
        s->chunks += used;
        s->chunk_bytes -= used;
    }
    png_write_info(s->png, s->info);
    return ARDM_PLUGIN_OK;
}

static int32_t write_line(state *s, const uint8_t *line) {
    if (setjmp(png_jmpbuf(s->png))) return png_status(s);
    png_write_row(s->png, line);
    return ARDM_PLUGIN_OK;
}

static int32_t write_end(state *s) {
    if (setjmp(png_jmpbuf(s->png))) return png_status(s);
    png_write_end(s->png, NULL);
    return ARDM_PLUGIN_OK;
}

static int32_t write_rows(ardm_task *task, image_writer *w, int64_t count, const int32_t *symbols) {
    int64_t n = w->width * w->channels;
    (void)task;
    for (int64_t row = 0; row < count; ++row) {
        for (int64_t i = 0; i < n; ++i) w->line[i] = (uint8_t)symbols[row * n + i];
        int32_t status = write_line(w->state, w->line);
        if (status) return status;
    }
    return ARDM_PLUGIN_OK;
}

static int32_t end_png(ardm_task *task, image_writer *w, int32_t finish) {
    state *s = w->state;
    int32_t status = finish && w->row == w->height ? write_end(s) : ARDM_PLUGIN_OK;
    png_destroy_write_struct(&s->png, &s->info);
    image_host->release(task, s);
    return status;
}

int32_t image_png_begin(ardm_task *task, image_writer *w, const uint8_t *side, int64_t side_bytes) {
    state *s = image_host->allocate(task, sizeof *s);
    if (!s) return image_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    memset(s, 0, sizeof *s);
    s->task = task;
    s->chunks = side;
    s->chunk_bytes = side_bytes;
    w->state = s;
    s->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, s, on_error, on_warning, s, take, give);
    s->info = s->png ? png_create_info_struct(s->png) : NULL;
    int32_t status = s->info ? write_info(s, w) : image_fail(task, ARDM_PLUGIN_ENOMEM, "no memory for libpng");
    if (status) {
        png_destroy_write_struct(&s->png, &s->info);
        image_host->release(task, s);
        return status;
    }
    w->rows = write_rows;
    w->end = end_png;
    return ARDM_PLUGIN_OK;
}
