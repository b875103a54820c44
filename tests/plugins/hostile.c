/* Files made to hurt: cut at every length, every byte of a header changed with its checksum repaired, promises that do not fit in
 * memory, side bytes of a damaged archive. The sanitizers watch; here it is asserted that a reason is given and memory is bounded. */
#include <stdlib.h>
#include <string.h>

#include "ardm/philox.h"
#include "plugins.h"

enum { LIMIT = HOSTILE_LIMIT, SLACK = 1 << 20 };

ardm_status try_decode(ardm_item *item, const char *id, const void *data, size_t size) {
    ardm_modality_options options = ARDM_MODALITY_OPTIONS_INIT;
    const ardm_modality *m = modality(id);
    int64_t before = memory_live();
    options.memory = LIMIT;
    memory_watch();
    ardm_status status = ardm_item_decode(item, &m, data, size, "hostile", &options);
    int64_t peak = memory_peak() - before, left = memory_live() - before;
    ck_assert_int_le(peak, LIMIT + SLACK);
    if (status != ARDM_OK) {
        ck_assert_int_gt((int)strlen(ardm_message()), 10);
        ck_assert_ptr_null(item->symbols);
        ck_assert_int_eq(left, 0);
    }
    return status;
}

static uint32_t crc_of(const uint8_t *data, size_t size) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; ++i) {
        crc ^= data[i];
        for (int k = 0; k < 8; ++k) crc = crc & 1 ? (crc >> 1) ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

/* The checksum of the chunk whose length field stands at `at`. */
static void repair(uint8_t *chunk, uint32_t length) {
    uint32_t crc = crc_of(chunk + 4, length + 4);
    for (int k = 0; k < 4; ++k) chunk[8 + length + (uint32_t)k] = (uint8_t)(crc >> (24 - 8 * k));
}

static void cut_everywhere(const char *id, const uint8_t *data, size_t size) {
    ardm_item item;
    for (size_t n = 0; n < size; ++n) {
        uint8_t *copy = malloc(n + 1); /* exactly n bytes are valid, for the sanitizer */
        memcpy(copy, data, n);
        ck_assert_msg(try_decode(&item, id, copy, n) != ARDM_OK, "%zu of %zu bytes decoded", n, size);
        free(copy);
    }
    ck_assert_int_eq(try_decode(&item, id, data, size), ARDM_OK);
    ardm_item_free(&item);
}

START_TEST(cut_files_are_refused) {
    ardm_bytes png = {0}, pnm = {0};
    ardm_item item;
    png_of(&png, "rgb", 9, 13, 1);
    cut_everywhere("image", png.data, png.size);
    OK(decode(&item, NULL, png.data, png.size, NULL));
    ardm_bytes_free(&item.side);
    OK(ardm_item_encode(&pnm, modality("image"), &item, 0));
    cut_everywhere("image", pnm.data, pnm.size);
    uint8_t idx[16 + 40] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 8};
    cut_everywhere("image", idx, sizeof idx);
    ardm_item_free(&item);
    ardm_bytes_free(&png);
    ardm_bytes_free(&pnm);
}
END_TEST

/* `size` bytes with byte `at` changed in `tries` ways; `fix` repairs checksums. What decodes must be as large as it says. */
static int change(const uint8_t *data, size_t size, size_t at, int tries, void (*fix)(uint8_t *)) {
    uint8_t *copy = malloc(size);
    int refused = 0;
    ardm_item item;
    for (int k = 1; k <= tries; ++k) {
        memcpy(copy, data, size);
        copy[at] = (uint8_t)(copy[at] + (uint32_t)k * 256u / ((uint32_t)tries + 1u) + 1u);
        if (fix) fix(copy);
        if (try_decode(&item, "image", copy, size) != ARDM_OK) {
            refused++;
            continue;
        }
        ck_assert_int_eq(item.count, item.extents[0] * item.extents[1] * item.channels);
        for (int64_t i = 0; i < item.count; ++i) ck_assert_uint_lt(item.symbols[i], 256);
        ardm_item_free(&item);
    }
    free(copy);
    return refused;
}

static void fix_ihdr(uint8_t *png) { repair(png + 8, 13); }

START_TEST(png_headers_are_not_believed) {
    ardm_bytes png = {0};
    png_of(&png, "rgb", 9, 13, 2);
    int refused = 0;
    for (size_t at = 16; at < 29; ++at) refused += change(png.data, png.size, at, 128, fix_ihdr);
    ck_assert_int_gt(refused, 13 * 100);
    ck_assert_int_eq(change(png.data, png.size, 16, 128, NULL), 128); /* without repair each is a damaged chunk */
    ardm_bytes_free(&png);
}
END_TEST

static size_t data_at;
static uint32_t data_length;
static void fix_data(uint8_t *png) { repair(png + data_at, data_length); }

START_TEST(png_data_is_not_believed) {
    ardm_bytes png = {0};
    png_of(&png, "grey", 9, 13, 3);
    data_at = 33;
    const uint8_t *chunk = png.data + data_at;
    ck_assert_int_eq(memcmp(chunk + 4, "IDAT", 4), 0);
    data_length = (uint32_t)chunk[2] << 8 | chunk[3];
    for (size_t at = data_at + 8; at < data_at + 8 + data_length; ++at) (void)change(png.data, png.size, at, 16, fix_data);
    for (size_t at = data_at; at < data_at + 8; ++at) (void)change(png.data, png.size, at, 128, NULL);
    ardm_bytes_free(&png);
}
END_TEST

START_TEST(pnm_headers_are_not_believed) {
    static const char head[] = "P6 #c\n13 9\n255\n";
    uint8_t data[sizeof head - 1 + 13 * 9 * 3] = {0};
    memcpy(data, head, sizeof head - 1);
    for (size_t at = 0; at < sizeof head - 1; ++at) (void)change(data, sizeof data, at, 128, NULL);
    uint8_t idx[16 + 40] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 8};
    int refused = 0;
    for (size_t at = 0; at < 16; ++at) refused += change(idx, sizeof idx, at, 128, NULL);
    ck_assert_int_gt(refused, 16 * 100);
}
END_TEST

START_TEST(promises_are_bounded) {
    ardm_bytes png = {0};
    ardm_item item;
    png_of(&png, "rgb", 9, 13, 4);
    /* 900,000 x 900,000 pixels: 2.4 TB of symbols, refused before a byte of them is there. */
    const uint8_t large[4] = {0, 0x0d, 0xbb, 0xa0};
    memcpy(png.data + 16, large, 4);
    memcpy(png.data + 20, large, 4);
    fix_ihdr(png.data);
    FAILS(try_decode(&item, "image", png.data, png.size), ARDM_EFORMAT, "2^40");
    /* 2,000 x 2,000: 24 MB of symbols above a limit of 1 MiB; interlaced, so that libpng wants all of it. */
    const uint8_t medium[4] = {0, 0, 0x07, 0xd0};
    memcpy(png.data + 16, medium, 4);
    memcpy(png.data + 20, medium, 4);
    png.data[28] = 1;
    fix_ihdr(png.data);
    FAILS(try_decode(&item, "image", png.data, png.size), ARDM_ENOMEM, "memory limit");
    ardm_bytes_free(&png);
    /* A text of 600,000 bytes needs 1.2 MB of symbols. */
    char *text = calloc(600000, 1);
    FAILS(try_decode(&item, "text", text, 600000), ARDM_ENOMEM, "memory limit");
    free(text);
}
END_TEST

START_TEST(side_bytes_are_not_believed) {
    ardm_item item;
    ardm_bytes out = {0};
    uint8_t side[64];
    OK(ardm_item_synthetic(&item, modality("image"), "grey", 2, (const int64_t[]){5, 4}, 1));
    int good = 0;
    for (uint32_t trial = 0; trial < 4000; ++trial) {
        size_t n = ardm_random_word(1, ARDM_RANDOM_SYNTHETIC, 0, trial, 0) % sizeof side;
        for (size_t k = 0; k < n; ++k) side[k] = (uint8_t)ardm_random_word(1, ARDM_RANDOM_SYNTHETIC, 1, trial, (uint32_t)k);
        if (n > 0) side[0] = (uint8_t)(trial % 5);
        if (n > 9 && trial % 3 == 0) memcpy(side + 1, "gAMA\4\0\0\0", 8);
        if (n > 12 && trial % 7 == 0) memcpy(side + 1, "P5\n4 5\n255\n", 11);
        item.side.size = 0;
        OK(ardm_bytes_append(&item.side, side, n));
        out.size = 0;
        int64_t before = memory_live();
        ardm_status status = ardm_item_encode(&out, modality("image"), &item, LIMIT);
        int64_t left = memory_live() - before;
        ck_assert_int_le(left, 65536); /* the output's own growth */
        good += status == ARDM_OK;
        if (status != ARDM_OK) ck_assert_uint_eq(out.size, 0);
    }
    ck_assert_int_gt(good, 0);
    ck_assert_int_lt(good, 2000);
    item.side.size = 0;
    item.extents[0] = 6; /* more than the symbols that are there */
    item.count = 24;
    item.extents[1] = 4;
    item.channels = 2;
    FAILS(ardm_item_encode(&out, modality("image"), &item, 0), ARDM_EFORMAT, "no picture");
    ardm_item_free(&item);
    ardm_bytes_free(&out);
}
END_TEST

Suite *hostile_suite(void) {
    Suite *suite = suite_create("hostile");
    TCase *tests = tcase_create("hostile");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, cut_files_are_refused);
    tcase_add_test(tests, png_headers_are_not_believed);
    tcase_add_test(tests, png_data_is_not_believed);
    tcase_add_test(tests, pnm_headers_are_not_believed);
    tcase_add_test(tests, promises_are_bounded);
    tcase_add_test(tests, side_bytes_are_not_believed);
    suite_add_tcase(suite, tests);
    return suite;
}
