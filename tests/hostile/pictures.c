/* Pictures, raw arrays and texts that were changed on purpose, through the modality plugins and back to a file.
 *
 * What is accepted must be what another reader sees (libpng, sscanf) and must come back: the same bytes where the plugin says so, the same
 * pixels and colour chunks for PNG. */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/modality.h"
#include "mutate.h"

enum { ROOM = 1 << 20, SLAB_SLACK = 1 << 18, WIDTH = 13, HEIGHT = 9 };

static void refused(void) { ck_assert_msg(strlen(ardm_message()) > 10, "no reason: %s", ardm_message()); }

/* Decodes item 0 of exactly these bytes within `memory`. */
static ardm_status decode(ardm_item *out, int64_t *items, const char *id, const char *shape, const void *data, size_t size, uint64_t memory) {
    ardm_modality_options options = ARDM_MODALITY_OPTIONS_INIT;
    const ardm_modality *modality = NULL;
    ardm_source *source = NULL;
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, data, size);
    OK(ardm_modality_find(&modality, id));
    options.memory = memory;
    options.shape = shape;
    memset(out, 0, sizeof *out);
    *items = 0;
    watch();
    const int64_t before = heap_live();
    ardm_status status = ardm_source_open(&source, modality, exact, size, "hostile", &options);
    if (status == ARDM_OK) *items = ardm_source_items(source);
    if (status == ARDM_OK) status = ardm_source_item(out, source, 0);
    ardm_source_close(&source);
    const int64_t peak = heap_peak() - before, left = heap_live() - before; /* before Check's macros use the heap */
    judge(status, "modality");
    ck_assert_msg(peak <= (int64_t)memory + SLAB_SLACK, "%lld bytes at once, %llu are allowed", (long long)peak, (unsigned long long)memory);
    if (status != ARDM_OK) {
        refused();
        ck_assert_ptr_null(out->symbols);
        ck_assert_int_eq(left, 0);
    }
    free(exact);
    return status;
}

/* Encodes what was decoded; `same`: to these bytes. */
static void back(const ardm_item *item, const char *id, const void *same, size_t size) {
    const ardm_modality *modality = NULL;
    ardm_bytes file = {0};
    ardm_item again;
    int64_t items;
    OK(ardm_modality_find(&modality, id));
    OK(ardm_item_encode(&file, modality, item, 4 * ROOM));
    if (same) {
        ck_assert_uint_eq(file.size, size);
        if (size) ck_assert_int_eq(memcmp(file.data, same, size), 0);
    } else {
        OK(decode(&again, &items, id, NULL, file.data, file.size, ROOM));
        ck_assert_int_eq(again.count, item->count);
        ck_assert_int_eq(again.extents[0], item->extents[0]);
        ck_assert_int_eq(memcmp(again.symbols, item->symbols, (size_t)item->count * sizeof *item->symbols), 0);
        ck_assert_uint_eq(again.side.size, item->side.size);
        if (item->side.size) ck_assert_int_eq(memcmp(again.side.data, item->side.data, item->side.size), 0);
        ardm_item_free(&again);
    }
    ardm_bytes_free(&file);
}

/* --- PNG ------------------------------------------------------------------------------------------------------------------------- */

typedef struct stream {
    const uint8_t *data;
    size_t size, at;
    ardm_bytes *out;
} stream;

static void pull(png_structp png, png_bytep to, size_t bytes) {
    stream *s = png_get_io_ptr(png);
    if (bytes > s->size - s->at) png_error(png, "end");
    memcpy(to, s->data + s->at, bytes);
    s->at += bytes;
}

static void push(png_structp png, png_bytep from, size_t bytes) {
    stream *s = png_get_io_ptr(png);
    OK(ardm_bytes_append(s->out, from, bytes));
}

static void no_flush(png_structp png) { (void)png; }
static void quiet(png_structp png, png_const_charp text) { (void)png, (void)text; }
static void stop(png_structp png, png_const_charp text) {
    (void)text;
    png_longjmp(png, 1);
}

static uint8_t pixel(int32_t y, int32_t i) { return (uint8_t)(y * 17 + i * 5 + ((uint32_t)(y * 39 + i) * 2654435761u >> 28)); }

/* Several IDAT chunks, and chunks that are kept and dropped. */
static void make_png(ardm_bytes *out, int colour, int interlace) {
    stream s = {.out = out};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, quiet);
    png_infop info = png_create_info_struct(png);
    uint8_t rows[HEIGHT][WIDTH * 3], *lines[HEIGHT];
    char key[] = "Comment", words[] = "made to be hurt";
    png_text text = {.compression = PNG_TEXT_COMPRESSION_NONE, .key = key, .text = words, .text_length = sizeof words - 1};
    for (int32_t y = 0; y < HEIGHT; y++) {
        lines[y] = rows[y];
        for (int32_t i = 0; i < WIDTH * 3; i++) rows[y][i] = pixel(y, i);
    }
    if (setjmp(png_jmpbuf(png))) ck_abort_msg("libpng");
    png_set_write_fn(png, &s, push, no_flush);
    png_set_compression_buffer_size(png, 60);
    png_set_IHDR(png, info, WIDTH, HEIGHT, 8, colour, interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_gAMA(png, info, 0.45455);
    png_set_pHYs(png, info, 2835, 2835, PNG_RESOLUTION_METER);
    png_set_text(png, info, &text, 1);
    png_set_rows(png, info, lines);
    png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    png_destroy_write_struct(&png, &info);
}

/* The pixels as libpng by itself sees them; 0: it refuses. */
static int32_t read_png(const uint8_t *data, size_t size, const ardm_item *item) {
    stream s = {.data = data, .size = size};
    volatile int32_t same = 0;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, stop, quiet);
    png_infop info = png_create_info_struct(png);
    if (!setjmp(png_jmpbuf(png))) {
        png_set_read_fn(png, &s, pull);
        png_read_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
        const size_t line = png_get_rowbytes(png, info);
        same = png_get_image_height(png, info) == item->extents[0] && (int64_t)line * item->extents[0] == item->count;
        uint8_t **rows = png_get_rows(png, info);
        for (int64_t y = 0; same && y < item->extents[0]; y++)
            for (size_t i = 0; i < line; i++) same &= rows[y][i] == item->symbols[(size_t)y * line + i];
    }
    png_destroy_read_struct(&png, &info, NULL);
    return same;
}

enum { ANY, SAME, REFUSED }; /* may be another picture; the same or none; none */

/* 1: refused. */
static int try_png(const uint8_t *data, size_t size, int must, const ardm_item *original, const char *what) {
    ardm_item item;
    int64_t items;
    if (decode(&item, &items, "image", NULL, data, size, ROOM) != ARDM_OK) return 1;
    ck_assert_msg(must != REFUSED, "%s: accepted", what);
    ck_assert_msg(read_png(data, size, &item), "%s: other pixels than libpng's", what);
    if (must == SAME) {
        ck_assert_msg(item.count == original->count, "%s: another size", what);
        ck_assert_msg(memcmp(item.symbols, original->symbols, (size_t)item.count * 2) == 0, "%s: other pixels with success", what);
    }
    back(&item, "image", NULL, 0);
    ardm_item_free(&item);
    return 0;
}

static uint32_t big(const uint8_t *b) { return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]; }

static uint32_t crc_of(const uint8_t *data, size_t size) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int k = 0; k < 8; k++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

/* The checksum of the chunk at `at`, where its length lets it end inside the file. */
static void mend(uint8_t *data, size_t size, size_t at) {
    const uint64_t length = big(data + at);
    if (length > size - at - 12) return;
    const uint32_t crc = crc_of(data + at + 4, (size_t)length + 4);
    for (uint32_t k = 0; k < 4; k++) data[at + 8 + length + k] = (uint8_t)(crc >> (24 - 8 * k));
}

/* A field of `n` bytes of the chunk at `chunk` takes at least 100 other values; long ones take 4 a byte. */
static void change_field(const ardm_bytes *file, size_t chunk, size_t at, size_t n, int must, int mended, const ardm_item *original,
                         const char *what) {
    uint8_t *copy = malloc(file->size);
    const uint32_t least = (uint32_t)(100 + n - 1) / (uint32_t)n, tries = least < 4 ? 4 : least;
    for (size_t byte = at; byte < at + n; byte++)
        for (uint32_t k = 1; k <= tries; k++) {
            memcpy(copy, file->data, file->size);
            copy[byte] ^= (uint8_t)(k * 255 / tries);
            if (mended) mend(copy, file->size, chunk);
            (void)try_png(copy, file->size, must, original, what);
        }
    free(copy);
}

static const struct { int colour, interlace; } kinds[] = {{PNG_COLOR_TYPE_RGB, 0}, {PNG_COLOR_TYPE_GRAY, 0}, {PNG_COLOR_TYPE_RGB, 1}};

START_TEST(png_lengths) {
    ardm_bytes file = {0};
    ardm_item item;
    int64_t items;
    make_png(&file, kinds[_i].colour, kinds[_i].interlace);
    OK(decode(&item, &items, "image", NULL, file.data, file.size, ROOM));
    ck_assert(read_png(file.data, file.size, &item));
    back(&item, "image", NULL, 0);
    for (size_t n = 0; n < file.size; n++) ck_assert_int_eq(try_png(file.data, n, REFUSED, &item, "cut"), 1);
    ardm_item_free(&item);
    ardm_bytes_free(&file);
}
END_TEST

START_TEST(png_fields) {
    static const struct {
        size_t at, n;
        int must;
    } header[] = {{0, 4, ANY}, {4, 4, ANY}, {8, 1, REFUSED}, {9, 1, ANY}, {10, 1, REFUSED}, {11, 1, REFUSED}, {12, 1, ANY}};
    ardm_bytes file = {0};
    ardm_item item;
    int64_t items;
    int chunks = 0, data = 0;
    make_png(&file, kinds[_i].colour, kinds[_i].interlace);
    OK(decode(&item, &items, "image", NULL, file.data, file.size, ROOM));
    change_field(&file, 0, 0, 8, REFUSED, 0, &item, "signature");
    for (size_t at = 8; at + 12 <= file.size; chunks++) {
        const size_t length = big(file.data + at), place = at + 8;
        const char *name = (const char *)file.data + at + 4;
        char what[64];
        snprintf(what, sizeof what, "%.4s", name);
        const int is_header = strcmp(what, "IHDR") == 0, is_data = strcmp(what, "IDAT") == 0, is_end = strcmp(what, "IEND") == 0;
        change_field(&file, at, at, 4, is_end ? ANY : is_header || is_data ? SAME : ANY, 1, &item, what);
        change_field(&file, at, at, 4, is_end ? ANY : REFUSED, 0, &item, what);
        change_field(&file, at, at + 4, 4, is_header || is_data || is_end ? SAME : ANY, 1, &item, what);
        change_field(&file, at, at + 4, 4, REFUSED, 0, &item, what);
        change_field(&file, at, place + length, 4, REFUSED, 0, &item, what);
        for (size_t k = 0; is_header && k < sizeof header / sizeof *header; k++)
            change_field(&file, at, place + header[k].at, header[k].n, header[k].must, 1, &item, what);
        if (is_data && data++ == 0) change_field(&file, at, place, 2, SAME, 1, &item, "zlib header");
        if (!is_header && length) change_field(&file, at, place, length, SAME, 1, &item, what);
        at += 12 + length;
        if (is_data && at + 8 <= file.size && memcmp(file.data + at + 4, "IEND", 4) == 0)
            change_field(&file, at - 12 - length, place + length - 4, 4, SAME, 1, &item, "adler");
    }
    ck_assert_int_ge(chunks, 6);
    ck_assert_int_ge(data, 2);
    ardm_item_free(&item);
    ardm_bytes_free(&file);
}
END_TEST

/* A row is widened through a slab, which counts: 6 MB of symbols fit into 8 MB, 12 MB beside them do not. */
START_TEST(long_rows) {
    ardm_bytes file = {0};
    ardm_item item;
    int64_t items;
    make_png(&file, PNG_COLOR_TYPE_RGB, 0);
    memcpy(file.data + 16, (const uint8_t[]){0, 0x0f, 0x42, 0x40, 0, 0, 0, 1}, 8); /* 1,000,000 x 1 */
    mend(file.data, file.size, 8);
    for (uint64_t memory = 1 << 20; memory <= 32 << 20; memory *= 2)
        ck_assert_int_ne(decode(&item, &items, "image", NULL, file.data, file.size, memory), ARDM_OK);
    ardm_bytes_free(&file);
}
END_TEST

/* --- PNM, IDX, raw arrays, texts --------------------------------------------------------------------------------------------------- */

static const char *const pnm_heads[] = {"P6\n4 3\n255\n", "P5\n4 9\n255\n", "P5 #c\n4\t 9\r\n15 "};
enum { PNM_BYTES = 36 };

static int try_pnm(const uint8_t *data, size_t size) {
    ardm_item item;
    int64_t items;
    char kind, text[64];
    long width, height;
    if (decode(&item, &items, "image", NULL, data, size, ROOM) != ARDM_OK) return 1;
    back(&item, "image", data, size);
    snprintf(text, sizeof text, "%.*s", (int)(size < 20 ? size : 20), (const char *)data);
    if (!strchr(text, '#') && sscanf(text, "P%c %ld %ld", &kind, &width, &height) == 3) {
        ck_assert_int_eq(item.extents[1], width);
        ck_assert_int_eq(item.extents[0], height);
        ck_assert_int_eq(item.channels, kind == '5' ? 1 : 3);
    }
    ardm_item_free(&item);
    return 0;
}

START_TEST(pnm_files) {
    uint8_t data[256];
    const size_t head = strlen(pnm_heads[_i]), size = head + PNM_BYTES;
    uint64_t state = 101;
    int accepted = 0;
    for (size_t i = 0; i < PNM_BYTES; i++) data[head + i] = (uint8_t)(i % 16);
    memcpy(data, pnm_heads[_i], head);
    ck_assert_int_eq(try_pnm(data, size), 0);
    for (size_t n = 0; n < size; n++) ck_assert_int_eq(try_pnm(data, n), 1);
    data[size] = 0;
    ck_assert_int_eq(try_pnm(data, size + 1), 1);
    for (size_t at = 0; at < head; at++)
        for (uint32_t with = 1; with < 256; with++) {
            data[at] ^= (uint8_t)with;
            accepted += !try_pnm(data, size);
            data[at] ^= (uint8_t)with;
        }
    for (int k = 0; k < 600; k++) { /* numbers and lengths of the header; the samples follow */
        char *changed = mutate_text(pnm_heads[_i], &state);
        uint8_t whole[256];
        const size_t n = strlen(changed);
        memcpy(whole, changed, n);
        memcpy(whole + n, data + head, PNM_BYTES);
        accepted += !try_pnm(whole, n + PNM_BYTES);
        free(changed);
    }
    ck_assert_int_gt(accepted, 10); /* blanks for blanks, sizes that swap, other maxima */
}
END_TEST

/* 2 pictures of 3 x 5, and one. */
START_TEST(idx_files) {
    uint8_t data[16 + 30] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 5};
    ardm_item item;
    int64_t items;
    static const uint32_t extremes[] = {0, 1, 2, 3, 5, 1000000, 1000001, 0x7fffffff, 0x80000000u, 0xffffffffu};
    enum { EXTREMES = sizeof extremes / sizeof *extremes };
    for (size_t i = 16; i < sizeof data; i++) data[i] = (uint8_t)i;
    OK(decode(&item, &items, "image", NULL, data, sizeof data, ROOM));
    ck_assert_int_eq(items, 2);
    ardm_item_free(&item);
    for (size_t n = 0; n < sizeof data; n++) ck_assert_int_ne(decode(&item, &items, "image", NULL, data, n, ROOM), ARDM_OK);
    for (size_t at = 0; at < 16; at++)
        for (uint32_t with = 1; with < 256; with++) {
            data[at] ^= (uint8_t)with;
            ck_assert_int_ne(decode(&item, &items, "image", NULL, data, sizeof data, ROOM), ARDM_OK); /* no other extents fill the file */
            data[at] ^= (uint8_t)with;
        }
    for (int rank = 3; rank < 5; rank++)
        for (int k = 0; k < EXTREMES * EXTREMES * EXTREMES; k++) { /* extents whose product leaves 64 bits */
            uint8_t whole[20 + 30] = {0, 0, 8, (uint8_t)rank, [19] = 3};
            const size_t size = (size_t)(4 + 4 * rank + 30);
            const uint32_t dims[3] = {extremes[k % EXTREMES], extremes[k / EXTREMES % EXTREMES], extremes[k / EXTREMES / EXTREMES]};
            for (uint32_t d = 0; d < 3; d++)
                for (uint32_t b = 0; b < 4; b++) whole[4 + 4 * d + b] = (uint8_t)(dims[d] >> (24 - 8 * b));
            const int fits = (uint64_t)dims[0] <= 30 && (uint64_t)dims[1] <= 30 && (uint64_t)dims[2] <= 30 && dims[0] * dims[1] * dims[2] > 0 &&
                             dims[0] * dims[1] * dims[2] * (rank == 4 ? 3 : 1) == 30;
            ardm_status status = decode(&item, &items, "image", NULL, whole, size, ROOM);
            ck_assert_msg((status == ARDM_OK) == fits, "%u x %u x %u of rank %d: %s", dims[0], dims[1], dims[2], rank, ardm_message());
            if (status != ARDM_OK) continue;
            ck_assert_int_eq(items, dims[0]);
            ck_assert_int_eq(item.extents[0], dims[1]);
            ck_assert_int_eq(item.extents[1], dims[2]);
            if (items == 1) back(&item, "image", whole, size);
            ardm_item_free(&item);
        }
}
END_TEST

/* Shorter arrays are whole numbers of items or refused; shapes are shapes or refused. */
START_TEST(raw_arrays) {
    uint8_t data[54];
    ardm_item item;
    int64_t items;
    uint64_t state = 111;
    int accepted = 0;
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 3);
    for (size_t n = 0; n <= sizeof data; n++) {
        ardm_status status = decode(&item, &items, "image", "2x3x3", data, n, ROOM);
        ck_assert_int_eq(status == ARDM_OK, n > 0 && n % 18 == 0);
        if (status != ARDM_OK) continue;
        ck_assert_int_eq(items, (int64_t)n / 18);
        back(&item, "image", data, 18);
        ardm_item_free(&item);
    }
    for (int k = 0; k < 2000; k++) {
        char *shape = mutate_text(k % 2 ? "2x3x3" : "6x9", &state);
        long dims[3] = {0, 0, 1};
        int end = 0, end3 = 0;
        if (shape[0] && decode(&item, &items, "image", shape, data, sizeof data, ROOM) == ARDM_OK) {
            int n = sscanf(shape, "%ldx%ld%nx%ld%n", &dims[0], &dims[1], &end, &dims[2], &end3);
            ck_assert_msg(n >= 2 && shape[n == 3 ? end3 : end] == 0, "shape %s", shape);
            ck_assert_int_eq(item.extents[0], dims[0]);
            ck_assert_int_eq(item.extents[1], dims[1]);
            ck_assert_int_eq(item.channels, dims[2]);
            ck_assert_int_eq(items * item.count, (int64_t)sizeof data);
            ardm_item_free(&item);
            accepted++;
        }
        free(shape);
    }
    ck_assert_int_gt(accepted, 5);
}
END_TEST

/* Any bytes are a text; each comes back. */
START_TEST(texts) {
    ardm_bytes text = golden("prose.txt");
    ardm_item item;
    int64_t items;
    uint64_t state = 121;
    for (size_t n = 0; n <= 300; n++) {
        if (n) text.data[chance(&state, 300)] = (uint8_t)chance(&state, 256);
        OK(decode(&item, &items, "text", NULL, text.data, n, ROOM));
        back(&item, "text", text.data, n);
        ardm_item_free(&item);
    }
    ck_assert_int_ne(decode(&item, &items, "text", "2x3", text.data, text.size, ROOM), ARDM_OK);
    ck_assert_int_eq(decode(&item, &items, "text", NULL, text.data, text.size, 512), ARDM_ENOMEM);
    ardm_bytes_free(&text);
}
END_TEST

TCase *picture_cases(void) {
    enum { KINDS = sizeof kinds / sizeof *kinds };
    TCase *cases = tcase_create("pictures");
    tcase_set_timeout(cases, 600);
    tcase_add_loop_test(cases, png_lengths, 0, KINDS);
    tcase_add_loop_test(cases, png_fields, 0, KINDS);
    tcase_add_test(cases, long_rows);
    tcase_add_loop_test(cases, pnm_files, 0, 3);
    tcase_add_test(cases, idx_files);
    tcase_add_test(cases, raw_arrays);
    tcase_add_test(cases, texts);
    return cases;
}
