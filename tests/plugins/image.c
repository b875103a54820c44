/* PNM, raw arrays and IDX: what comes back, and what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins.h"

/* A header and `samples` bytes 0, 7, 14 … behind it, none above `most`. */
static size_t file_of(uint8_t *out, const char *header, size_t samples, int most) {
    size_t n = strlen(header);
    memcpy(out, header, n);
    for (size_t i = 0; i < samples; ++i) out[n + i] = (uint8_t)(i * 7 % (size_t)(most + 1));
    return n + samples;
}

static void comes_back(const char *header, size_t samples, int most, int64_t height, int64_t width, uint32_t channels, size_t side) {
    uint8_t data[2048];
    size_t size = file_of(data, header, samples, most);
    ardm_item item;
    ardm_bytes out = {0};
    OK(decode(&item, NULL, data, size, NULL));
    ck_assert_int_eq(item.extents[0], height);
    ck_assert_int_eq(item.extents[1], width);
    ck_assert_uint_eq(item.channels, channels);
    ck_assert_uint_eq(item.classes, 256);
    ck_assert_int_eq(item.exact, 1);
    ck_assert_uint_eq(item.side.size, side);
    for (size_t i = 0; i < samples; ++i) ck_assert_uint_eq(item.symbols[i], data[size - samples + i]);
    OK(ardm_item_encode(&out, modality("image"), &item, 0));
    ck_assert_uint_eq(out.size, size);
    ck_assert_int_eq(memcmp(out.data, data, size), 0);
    ardm_item_free(&item);
    ardm_bytes_free(&out);
}

START_TEST(pnm_comes_back) {
    comes_back("P5\n7 5\n255\n", 35, 255, 5, 7, 1, 0);
    comes_back("P6\n7 5\n255\n", 105, 255, 5, 7, 3, 0);
    comes_back("P6 7\t5\r\n255\n", 105, 255, 5, 7, 3, 13);
    comes_back("P5\n# made by hand\n7 # width\n5\n200\n", 35, 200, 5, 7, 1, 35);
    comes_back("P5 1 1 1 ", 1, 1, 1, 1, 1, 10);
}
END_TEST

START_TEST(pnm_is_refused) {
    uint8_t data[2048];
    ardm_item item;
    size_t size = file_of(data, "P5\n7 5\n255\n", 36, 255);
    FAILS(decode(&item, NULL, data, size, NULL), ARDM_EUNSUPPORTED, "1 bytes follow");
    FAILS(decode(&item, NULL, data, size - 2, NULL), ARDM_EFORMAT, "the file has 34");
    size = file_of(data, "P5\n7 5\n65535\n", 70, 255);
    FAILS(decode(&item, NULL, data, size, NULL), ARDM_EUNSUPPORTED, "16 bit");
    size = file_of(data, "P5\n7 5\n100\n", 35, 255);
    FAILS(decode(&item, NULL, data, size, NULL), ARDM_EFORMAT, "maximum 100");
    size = file_of(data, "P4\n7 5\n", 5, 255);
    FAILS(decode(&item, NULL, data, size, NULL), ARDM_EUNSUPPORTED, "kind P4");
    size = file_of(data, "P7\nWIDTH 7\n", 5, 255);
    FAILS(decode(&item, NULL, data, size, NULL), ARDM_EUNSUPPORTED, "kind P7");
    size = file_of(data, "P5\n0 5\n255\n", 0, 255);
    FAILS(decode(&item, NULL, data, size, NULL), ARDM_EFORMAT, "0 x 5");
    size = file_of(data, "P5\n-7 5\n255\n", 35, 255);
    FAILS(decode(&item, NULL, data, size, NULL), ARDM_EFORMAT, "damaged");
    size = file_of(data, "P5\n999999 999999\n255\n", 35, 255);
    FAILS(decode(&item, NULL, data, size, NULL), ARDM_EFORMAT, "the file has 35");
    size = file_of(data, "P6\n7 5\n255\n", 105, 255);
    FAILS(decode(&item, NULL, data, size, "grey"), ARDM_EUNSUPPORTED, "rgb, but grey");
}
END_TEST

static ardm_status open_shape(ardm_source **out, const void *data, size_t size, const char *shape, const char *variant) {
    ardm_modality_options options = ARDM_MODALITY_OPTIONS_INIT;
    options.shape = shape;
    options.variant = variant;
    return ardm_source_open(out, modality("image"), data, size, "array", &options);
}

START_TEST(raw_arrays_are_items) {
    uint8_t data[6 * 4 * 5 * 3];
    ardm_source *source;
    ardm_item item;
    ardm_bytes out = {0};
    for (size_t i = 0; i < sizeof data; ++i) data[i] = (uint8_t)(i * 11 + i / 60);
    OK(open_shape(&source, data, sizeof data, "4x5x3", "rgb"));
    ck_assert_int_eq(ardm_source_items(source), 6);
    ck_assert_int_eq(ardm_source_header(source)->extents[1], 5);
    const int64_t wanted[] = {0, 1, 4, 5};
    for (int k = 0; k < 4; ++k) {
        const uint8_t *from = data + 60 * wanted[k];
        OK(ardm_source_item(&item, source, wanted[k]));
        for (int i = 0; i < 60; ++i) ck_assert_uint_eq(item.symbols[i], from[i]);
        out.size = 0;
        OK(ardm_item_encode(&out, modality("image"), &item, 0));
        ck_assert_uint_eq(out.size, 60);
        ck_assert_int_eq(memcmp(out.data, from, 60), 0);
        ardm_item_free(&item);
    }
    FAILS(ardm_source_item(&item, source, 4), ARDM_EINVAL, "item 4");
    FAILS(ardm_source_item(&item, source, 6), ARDM_EINVAL, "item 6");
    ardm_source_close(&source);
    ardm_bytes_free(&out);
}
END_TEST

START_TEST(shapes_are_strict) {
    static const char *const wrong[] = {"4", "4x5x3x1", "4x", "x4", "4x5x", "04x5", "4x5x-3", "4 x 5", "9999999x4", "4x0x3"};
    uint8_t data[120] = {0};
    ardm_source *source;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; ++k) FAILS(open_shape(&source, data, 120, wrong[k], NULL), ARDM_EINVAL, "shape");
    FAILS(open_shape(&source, data, 120, "4x5x2", NULL), ARDM_EUNSUPPORTED, "1 or 3 channels");
    FAILS(open_shape(&source, data, 119, "4x5x3", NULL), ARDM_EFORMAT, "119 bytes");
    FAILS(open_shape(&source, data, 0, "4x5x3", NULL), ARDM_EFORMAT, "0 bytes");
    FAILS(open_shape(&source, data, 120, "4x5x3", "grey"), ARDM_EUNSUPPORTED, "rgb, but grey");
    OK(open_shape(&source, data, 120, "6x20", "grey"));
    ardm_source_close(&source);
}
END_TEST

START_TEST(idx_is_items) {
    uint8_t data[16 + 3 * 4 * 5] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5};
    ardm_source *source;
    ardm_item item;
    ardm_bytes out = {0}, again = {0};
    for (int i = 0; i < 60; ++i) data[16 + i] = (uint8_t)(200 - i);
    OK(ardm_source_open(&source, NULL, data, sizeof data, "train-images-idx3-ubyte", NULL));
    ck_assert_str_eq(ardm_modality_id(ardm_source_modality(source)), "image");
    ck_assert_int_eq(ardm_source_items(source), 3);
    OK(ardm_source_item(&item, source, 2));
    ck_assert_str_eq(item.variant, "grey");
    for (int i = 0; i < 20; ++i) ck_assert_uint_eq(item.symbols[i], (unsigned)(200 - 40 - i));
    ck_assert_int_eq(item.exact, 0);
    OK(ardm_item_encode(&out, modality("image"), &item, 0)); /* a file of one picture, which then comes back as it is */
    ck_assert_uint_eq(out.size, 16 + 20);
    ardm_item_free(&item);
    ardm_source_close(&source);
    OK(decode(&item, NULL, out.data, out.size, "grey"));
    ck_assert_int_eq(item.exact, 1);
    for (int i = 0; i < 20; ++i) ck_assert_uint_eq(item.symbols[i], (unsigned)(200 - 40 - i));
    OK(ardm_item_encode(&again, modality("image"), &item, 0));
    ck_assert_uint_eq(again.size, out.size);
    ck_assert_int_eq(memcmp(again.data, out.data, out.size), 0);
    ardm_item_free(&item);
    ardm_bytes_free(&out);
    ardm_bytes_free(&again);
    FAILS(ardm_source_open(&source, NULL, data, sizeof data - 1, "x", NULL), ARDM_EFORMAT, "the file has 59");
    data[3] = 1;
    FAILS(ardm_source_open(&source, modality("image"), data, sizeof data, "x", NULL), ARDM_EUNSUPPORTED, "rank 1");
}
END_TEST

START_TEST(content_decides) {
    static const uint8_t zeros[64];
    const ardm_modality *m;
    OK(ardm_modality_probe(&m, "P6\n1 1\n255\nabc", 14, "notes.txt"));
    ck_assert_str_eq(ardm_modality_id(m), "image");
    OK(ardm_modality_probe(&m, "Plain text.", 11, "photo.png"));
    ck_assert_str_eq(ardm_modality_id(m), "text");
    OK(ardm_modality_probe(&m, zeros, sizeof zeros, ""));
    ck_assert_str_eq(ardm_modality_id(m), "text");
    OK(ardm_modality_probe(&m, "", 0, NULL));
    ck_assert_str_eq(ardm_modality_id(m), "text");
    ardm_item item;
    FAILS(decode(&item, "image", zeros, 3, NULL), ARDM_EUNSUPPORTED, "shape");
}
END_TEST

Suite *image_suite(void) {
    Suite *suite = suite_create("image");
    TCase *tests = tcase_create("image");
    tcase_add_test(tests, pnm_comes_back);
    tcase_add_test(tests, pnm_is_refused);
    tcase_add_test(tests, raw_arrays_are_items);
    tcase_add_test(tests, shapes_are_strict);
    tcase_add_test(tests, idx_is_items);
    tcase_add_test(tests, content_decides);
    suite_add_tcase(suite, tests);
    return suite;
}
