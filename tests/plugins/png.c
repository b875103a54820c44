/* PNG: files made by libpng itself, so that both sides do not share a mistake. */
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "plugins.h"

enum { WIDTH = 13, HEIGHT = 9 };

static void append(png_structp png, png_bytep data, size_t size) { OK(ardm_bytes_append(png_get_io_ptr(png), data, size)); }
static void flush(png_structp png) { (void)png; }

static uint8_t sample(int64_t i) { return (uint8_t)(i * 37 + i / 5); }

/* A picture of `sample`, of any kind that libpng writes. */
static void make(ardm_bytes *out, int depth, int colour, int interlace, int gamma) {
    static const int channels_of[] = {1, 0, 3, 1, 2, 0, 4};
    int64_t line = (WIDTH * channels_of[colour] * depth + 7) / 8;
    uint8_t *pixels = malloc((size_t)(HEIGHT * line));
    png_bytep rows[HEIGHT];
    png_color palette[256];
    memset(palette, 9, sizeof palette);
    for (int64_t i = 0; i < HEIGHT * line; ++i) pixels[i] = sample(i);
    for (int y = 0; y < HEIGHT; ++y) rows[y] = pixels + y * line;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    ck_assert_ptr_nonnull(info);
    if (setjmp(png_jmpbuf(png))) ck_abort_msg("libpng");
    png_set_write_fn(png, out, append, flush);
    png_set_IHDR(png, info, WIDTH, HEIGHT, depth, colour, interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (colour == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 256);
    if (gamma) png_set_gAMA_fixed(png, info, 45455);
    if (gamma) png_set_pHYs(png, info, 2835, 2835, PNG_RESOLUTION_METER);
    if (gamma) png_set_text(png, info, &(png_text){.compression = PNG_TEXT_COMPRESSION_NONE, .key = (char[]){"Title"}, .text = (char[]){"x"}}, 1);
    png_write_info(png, info);
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(pixels);
}

static int contains(const ardm_bytes *bytes, const char *name) {
    for (size_t i = 0; i + 4 <= bytes->size; ++i)
        if (memcmp(bytes->data + i, name, 4) == 0) return 1;
    return 0;
}

START_TEST(pixels_come_back) {
    for (int kind = 0; kind < 8; ++kind) {
        int colour = kind & 1 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, channels = kind & 1 ? 3 : 1;
        ardm_bytes file = {0}, out = {0};
        ardm_item item, again;
        make(&file, 8, colour, kind & 2 ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, kind & 4);
        OK(decode(&item, NULL, file.data, file.size, channels == 3 ? "rgb" : "grey"));
        ck_assert_int_eq(item.extents[0], HEIGHT);
        ck_assert_int_eq(item.extents[1], WIDTH);
        ck_assert_int_eq(item.exact, 0);
        ck_assert_int_eq(item.count, HEIGHT * WIDTH * channels);
        for (int64_t i = 0; i < item.count; ++i) ck_assert_uint_eq(item.symbols[i], sample(i));
        OK(ardm_item_encode(&out, modality("image"), &item, 0));
        OK(decode(&again, NULL, out.data, out.size, NULL));
        ck_assert_int_eq(memcmp(item.symbols, again.symbols, (size_t)item.count * 2), 0);
        ck_assert_int_eq(contains(&out, "gAMA"), kind & 4 ? 1 : 0);
        ck_assert_int_eq(contains(&out, "pHYs"), kind & 4 ? 1 : 0);
        ck_assert_int_eq(contains(&out, "tEXt"), 0);
        ck_assert_uint_eq(item.side.size, kind & 4 ? 1 + 12 + 17 : 1);
        ck_assert_uint_eq(item.side.size, again.side.size);
        ck_assert_int_eq(memcmp(item.side.data, again.side.data, item.side.size), 0);
        ardm_item_free(&item);
        ardm_item_free(&again);
        ardm_bytes_free(&file);
        ardm_bytes_free(&out);
    }
}
END_TEST

START_TEST(other_kinds_are_named) {
    static const struct {
        int depth, colour;
        const char *part;
    } kinds[] = {{8, PNG_COLOR_TYPE_PALETTE, "palette"},
                 {8, PNG_COLOR_TYPE_RGB_ALPHA, "RGB with alpha"},
                 {16, PNG_COLOR_TYPE_RGB, "16 bit"},
                 {8, PNG_COLOR_TYPE_GRAY_ALPHA, "with alpha"},
                 {1, PNG_COLOR_TYPE_GRAY, "1 bit"}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; ++k) {
        ardm_bytes file = {0};
        ardm_item item;
        make(&file, kinds[k].depth, kinds[k].colour, PNG_INTERLACE_NONE, 0);
        FAILS(decode(&item, NULL, file.data, file.size, NULL), ARDM_EUNSUPPORTED, kinds[k].part);
        ardm_bytes_free(&file);
    }
}
END_TEST

START_TEST(rendering_is_a_png) {
    ardm_bytes picture = {0};
    ardm_item item, seen;
    OK(ardm_item_synthetic(&item, modality("image"), "grey", 2, (const int64_t[]){40, 31}, 3));
    OK(ardm_item_render(&picture, modality("image"), &item, 0));
    OK(decode(&seen, NULL, picture.data, picture.size, "grey"));
    ck_assert_int_eq(memcmp(item.symbols, seen.symbols, (size_t)item.count * 2), 0);
    ardm_item_free(&seen);
    picture.size = 0;
    OK(ardm_item_encode(&picture, modality("image"), &item, 0)); /* without a file behind it, an item is written as PNM */
    ck_assert_int_eq(memcmp(picture.data, "P5\n31 40\n255\n", 13), 0);
    ardm_item_free(&item);
    ardm_bytes_free(&picture);
    FAILS(ardm_item_blank(&item, modality("image"), "cmyk", 2, (const int64_t[]){4, 4}), ARDM_EINVAL, "cmyk");
}
END_TEST

Suite *png_suite(void) {
    Suite *suite = suite_create("png");
    TCase *tests = tcase_create("png");
    tcase_add_test(tests, pixels_come_back);
    tcase_add_test(tests, other_kinds_are_named);
    tcase_add_test(tests, rendering_is_a_png);
    suite_add_tcase(suite, tests);
    return suite;
}
