/* Text: bytes come back, letters are 27 symbols, anything else is named. */
#include <stdlib.h>
#include <string.h>

#include "plugins.h"

START_TEST(any_bytes_come_back) {
    uint8_t data[70000];
    ardm_item item;
    ardm_bytes out = {0};
    for (size_t i = 0; i < sizeof data; ++i) data[i] = (uint8_t)(i * 7 + i / 256);
    OK(decode(&item, "text", data, sizeof data, NULL));
    ck_assert_uint_eq(item.rank, 1);
    ck_assert_uint_eq(item.classes, 256);
    ck_assert_int_eq(item.extents[0], (int64_t)sizeof data);
    ck_assert_int_eq(item.exact, 1);
    ck_assert_uint_eq(item.side.size, 0);
    ck_assert_str_eq(item.variant, "bytes");
    for (size_t i = 0; i < sizeof data; ++i) ck_assert_uint_eq(item.symbols[i], data[i]);
    OK(ardm_item_encode(&out, modality("text"), &item, 0));
    ck_assert_uint_eq(out.size, sizeof data);
    ck_assert_int_eq(memcmp(out.data, data, sizeof data), 0);
    ardm_item_free(&item);
    ardm_bytes_free(&out);
}
END_TEST

START_TEST(nothing_is_a_text) {
    ardm_item item;
    ardm_bytes out = {0};
    OK(decode(&item, NULL, "", 0, NULL));
    ck_assert_int_eq(item.count, 0);
    OK(ardm_item_encode(&out, modality("text"), &item, 0));
    ck_assert_uint_eq(out.size, 0);
    ardm_item_free(&item);
    ardm_bytes_free(&out);
}
END_TEST

START_TEST(letters_are_27_symbols) {
    static const char words[] = "a zebra and its quay";
    ardm_item item;
    ardm_bytes out = {0};
    OK(decode(&item, "text", words, strlen(words), "letters"));
    ck_assert_uint_eq(item.classes, 27);
    ck_assert_uint_eq(item.symbols[0], 1);
    ck_assert_uint_eq(item.symbols[1], 0);
    ck_assert_uint_eq(item.symbols[2], 26);
    OK(ardm_item_encode(&out, modality("text"), &item, 0));
    ck_assert_uint_eq(out.size, strlen(words));
    ck_assert_int_eq(memcmp(out.data, words, out.size), 0);
    ardm_item_free(&item);
    ardm_bytes_free(&out);
    FAILS(decode(&item, "text", "ab\ncd", 5, "letters"), ARDM_EUNSUPPORTED, "byte 2 is 10");
    FAILS(decode(&item, "text", "abC", 3, "letters"), ARDM_EUNSUPPORTED, "byte 2 is 67");
    FAILS(decode(&item, "text", "ab", 2, "runes"), ARDM_EINVAL, "bytes and letters");
}
END_TEST

START_TEST(blank_and_synthetic) {
    ardm_item item, again, other;
    ardm_bytes out = {0};
    OK(ardm_item_blank(&item, modality("text"), "letters", 1, (const int64_t[]){12}));
    ck_assert_uint_eq(item.classes, 27);
    OK(ardm_item_render(&out, modality("text"), &item, 0));
    ck_assert_int_eq(memcmp(out.data, "            ", 12), 0);
    ardm_item_free(&item);
    OK(ardm_item_synthetic(&item, modality("text"), NULL, 1, (const int64_t[]){1000}, 5));
    OK(ardm_item_synthetic(&again, modality("text"), NULL, 1, (const int64_t[]){1000}, 5));
    OK(ardm_item_synthetic(&other, modality("text"), NULL, 1, (const int64_t[]){1000}, 6));
    ck_assert_int_eq(memcmp(item.symbols, again.symbols, 2000), 0);
    ck_assert_int_ne(memcmp(item.symbols, other.symbols, 2000), 0);
    ardm_item_free(&item);
    ardm_item_free(&again);
    ardm_item_free(&other);
    ardm_bytes_free(&out);
    FAILS(ardm_item_blank(&item, modality("text"), NULL, 2, (const int64_t[]){3, 3}), ARDM_EINVAL, "one axis");
}
END_TEST

Suite *text_suite(void) {
    Suite *suite = suite_create("text");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, any_bytes_come_back);
    tcase_add_test(tests, nothing_is_a_text);
    tcase_add_test(tests, letters_are_27_symbols);
    tcase_add_test(tests, blank_and_synthetic);
    suite_add_tcase(suite, tests);
    return suite;
}
