/* Real files, where ARDM_DATA names the folder that holds them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins.h"

static int find(ardm_bytes *out, const char *name) {
    const char *root = getenv("ARDM_DATA");
    char path[1024];
    if (!root || !root[0]) {
        (void)fprintf(stderr, "skipped: %s (ARDM_DATA is not set)\n", name);
        return 0;
    }
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    OK(ardm_file_read(out, path, UINT64_C(1) << 30, 1));
    return 1;
}

START_TEST(photograph) {
    ardm_bytes file = {0}, out = {0};
    ardm_item item, again;
    if (!find(&file, "photos/kodim01.png")) return;
    OK(decode(&item, NULL, file.data, file.size, "rgb"));
    ck_assert_int_eq(item.extents[0], 512);
    ck_assert_int_eq(item.extents[1], 768);
    OK(ardm_item_encode(&out, modality("image"), &item, 0));
    OK(decode(&again, NULL, out.data, out.size, NULL));
    ck_assert_int_eq(memcmp(item.symbols, again.symbols, (size_t)item.count * 2), 0);
    ardm_item_free(&item);
    ardm_item_free(&again);
    ardm_bytes_free(&file);
    ardm_bytes_free(&out);
}
END_TEST

START_TEST(array_of_pictures) {
    ardm_bytes file = {0};
    ardm_source *source;
    ardm_item item;
    ardm_modality_options options = ARDM_MODALITY_OPTIONS_INIT;
    options.shape = "32x32x3";
    if (!find(&file, "cifar10/test_0000_0499.hwc.xz")) return;
    OK(ardm_source_open(&source, modality("image"), file.data, file.size, "cifar", &options));
    ck_assert_int_eq(ardm_source_items(source), 500);
    OK(ardm_source_item(&item, source, 499));
    for (int i = 0; i < 3072; ++i) ck_assert_uint_eq(item.symbols[i], file.data[499 * 3072 + i]);
    ardm_item_free(&item);
    ardm_source_close(&source);
    ardm_bytes_free(&file);
}
END_TEST

START_TEST(digits) {
    ardm_bytes file = {0};
    ardm_source *source;
    if (!find(&file, "mnist/test-even-images-idx3-ubyte.gz")) return;
    OK(ardm_source_open(&source, NULL, file.data, file.size, "mnist", NULL));
    ck_assert_int_eq(ardm_source_items(source), 5000);
    ck_assert_int_eq(ardm_source_header(source)->extents[0], 28);
    ardm_source_close(&source);
    ardm_bytes_free(&file);
}
END_TEST

START_TEST(books) {
    ardm_bytes file = {0};
    ardm_item item;
    if (!find(&file, "text/wiki27-valid.xz")) return;
    OK(decode(&item, "text", file.data, file.size, "letters"));
    ck_assert_int_eq(item.count, (int64_t)file.size);
    ardm_item_free(&item);
    ardm_bytes_free(&file);
}
END_TEST

START_TEST(spoken_digits) {
    ardm_bytes file = {0}, out = {0};
    ardm_source *source;
    ardm_item item;
    ardm_modality_options options = ARDM_MODALITY_OPTIONS_INIT;
    char name[64];
    for (int digit = 0; digit < 10; ++digit) {
        (void)snprintf(name, sizeof name, "audio/wav/%d_jackson_5.wav", digit);
        file.size = out.size = 0;
        if (!find(&file, name)) return;
        OK(decode(&item, NULL, file.data, file.size, "pcm16"));
        ck_assert_int_eq(item.exact, 1);
        ck_assert_int_eq(item.count, ((int64_t)file.size - 44) / 2);
        ck_assert_uint_eq(item.side.size, 0);
        OK(ardm_item_encode(&out, modality("audio"), &item, 0));
        ck_assert_uint_eq(out.size, file.size);
        ck_assert_int_eq(memcmp(out.data, file.data, out.size), 0);
        ardm_item_free(&item);
    }
    file.size = 0;
    options.shape = "905229";
    if (!find(&file, "audio/fsdd-test.s16le.xz")) return;
    OK(ardm_source_open(&source, modality("audio"), file.data, file.size, "fsdd", &options));
    ck_assert_int_eq(ardm_source_items(source), 1);
    OK(ardm_source_item(&item, source, 0));
    for (int64_t i = 0; i < item.count; ++i) ck_assert_uint_eq(item.symbols[i], (file.data[2 * i] | (unsigned)file.data[2 * i + 1] << 8) ^ 0x8000u);
    ardm_item_free(&item);
    ardm_source_close(&source);
    ardm_bytes_free(&file);
    ardm_bytes_free(&out);
}
END_TEST

Suite *data_suite(void) {
    Suite *suite = suite_create("data");
    TCase *tests = tcase_create("data");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, photograph);
    tcase_add_test(tests, array_of_pictures);
    tcase_add_test(tests, digits);
    tcase_add_test(tests, books);
    tcase_add_test(tests, spoken_digits);
    suite_add_tcase(suite, tests);
    return suite;
}
