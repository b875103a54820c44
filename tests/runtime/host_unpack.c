/* host_unpack.c: .xz and .gz streams, whole, cut, damaged, concatenated and promising too much. */
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ardm/file.h"
#include "host.h"

enum { TEXT = 70000, PACKED = 1 << 17, XZ = 0, GZIP = 1 };

static uint8_t text[TEXT], packed[2 * PACKED];

static size_t pack_xz(uint8_t *out, const void *data, size_t size) {
    size_t at = 0;
    ck_assert_int_eq(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, data, size, out, &at, PACKED), LZMA_OK);
    return at;
}

static size_t pack_gzip(uint8_t *out, const void *data, size_t size) {
    z_stream stream = {0};
    ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, data, size);
    stream.next_in = copy;
    stream.avail_in = (uInt)size;
    stream.next_out = out;
    stream.avail_out = PACKED;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t total = stream.total_out;
    deflateEnd(&stream);
    free(copy);
    return total;
}

static size_t pack(int kind, uint8_t *out, const void *data, size_t size) {
    return kind == XZ ? pack_xz(out, data, size) : pack_gzip(out, data, size);
}

static void make_text(void) {
    uint32_t word = 1;
    for (int i = 0; i < TEXT; i++) {
        word = word * 1664525u + 1013904223u;
        text[i] = (uint8_t)("etaoin shrdlu"[(word >> 24) % 13]);
    }
}

static void check_text(ardm_bytes *got, size_t size) {
    ck_assert_uint_eq(got->size, size);
    ck_assert(!memcmp(got->data, text, size));
    ck_assert_int_eq(got->data[size], 0);
    ardm_bytes_free(got);
}

START_TEST(unpacks_and_obeys_the_limit) {
    ardm_bytes got;
    make_text();
    size_t size = pack(_i, packed, text, TEXT);
    ck_assert_uint_lt(size, TEXT);
    ck_ok(ardm_unpack(&got, packed, size, TEXT));
    check_text(&got, TEXT);
    ck_fails(ARDM_ENOMEM, "more than the 69999 bytes allowed", ardm_unpack(&got, packed, size, TEXT - 1));
    ck_assert_ptr_null(got.data);
    ck_fails(ARDM_ENOMEM, "more than", ardm_unpack(&got, packed, size, 0));
    size = pack(_i, packed, text, 0);
    ck_ok(ardm_unpack(&got, packed, size, 0));
    check_text(&got, 0);
}
END_TEST

START_TEST(concatenated_streams_are_one) {
    ardm_bytes got;
    make_text();
    size_t size = pack(_i, packed, text, 1000);
    size += pack(_i, packed + size, text + 1000, 0);
    size += pack(_i, packed + size, text + 1000, TEXT - 1000);
    ck_ok(ardm_unpack(&got, packed, size, TEXT));
    check_text(&got, TEXT);
    packed[size] = 'x'; /* and nothing may follow */
    ck_fails(ARDM_EFORMAT, "data is", ardm_unpack(&got, packed, size + 1, TEXT));
}
END_TEST

START_TEST(every_truncation_is_noticed) {
    ardm_bytes got;
    make_text();
    size_t size = pack(_i, packed, text, 600);
    for (size_t n = 0; n < size; n++) {
        ardm_status status = ardm_unpack(&got, packed, n, TEXT);
        ck_assert_msg(status == ARDM_EFORMAT || (n < 6 && status == ARDM_EINVAL), "%zu of %zu bytes: %s", n, size, ardm_status_name(status));
        ck_assert_ptr_null(got.data);
    }
}
END_TEST

/* gzip protects neither time nor file system in its header, so a flip there may pass, but only with the same text. */
START_TEST(every_flip_is_noticed_or_harmless) {
    ardm_bytes got;
    int noticed = 0;
    make_text();
    size_t size = pack(_i, packed, text, 600);
    for (size_t at = 0; at < size; at++)
        for (int bit = 0; bit < 8; bit++) {
            packed[at] ^= (uint8_t)(1 << bit);
            ardm_status status = ardm_unpack(&got, packed, size, TEXT);
            if (!status) {
                ck_assert_int_eq(_i, GZIP);
                check_text(&got, 600);
            } else {
                noticed++;
            }
            packed[at] ^= (uint8_t)(1 << bit);
        }
    ck_assert_int_ge(noticed, (int)(size - 10) * 8);
}
END_TEST

/* The dictionary size of LZMA2 is one byte of the block header, which has its own checksum. */
START_TEST(a_promised_dictionary_is_refused) {
    ardm_bytes got;
    make_text();
    size_t size = pack_xz(packed, text, 600);
    uint8_t *header = packed + 12;
    size_t header_size = (header[0] + 1u) * 4;
    size_t at = 2;
    for (int sizes = header[1] >> 6 & 3; sizes; sizes &= sizes - 1) { /* optional sizes, 7 bits a byte */
        while (header[at] & 0x80) at++;
        at++;
    }
    ck_assert_uint_eq(header[at], 0x21); /* LZMA2, then the length of its properties */
    header[at + 2] = 40;                 /* 4 GiB */
    uint32_t sum = lzma_crc32(header, header_size - 4, 0);
    for (int i = 0; i < 4; i++) header[header_size - 4 + (size_t)i] = (uint8_t)(sum >> (8 * i));
    ck_fails(ARDM_ENOMEM, "dictionary", ardm_unpack(&got, packed, size, TEXT));
}
END_TEST

START_TEST(other_data_is_refused) {
    ardm_bytes got;
    ck_fails(ARDM_EINVAL, "neither xz nor gzip", ardm_unpack(&got, "plain text", 10, 100));
    ck_fails(ARDM_EINVAL, "neither xz nor gzip", ardm_unpack(&got, NULL, 0, 100));
}
END_TEST

START_TEST(files_are_unpacked_on_request) {
    char path[64];
    ardm_bytes got;
    make_text();
    snprintf(path, sizeof path, "runtime-host-%d.packed", _i);
    size_t size = pack(_i, packed, text, TEXT);
    ck_ok(ardm_file_write(path, packed, size, 1));
    ck_ok(ardm_file_read(&got, path, TEXT, 1));
    check_text(&got, TEXT);
    ck_fails(ARDM_ENOMEM, path, ardm_file_read(&got, path, TEXT - 1, 1));
    ck_ok(ardm_file_read(&got, path, TEXT, 0));
    ck_assert_uint_eq(got.size, size);
    ck_assert(!memcmp(got.data, packed, size));
    ardm_bytes_free(&got);
    ck_ok(ardm_file_write(path, packed, size / 2, 1));
    ck_fails(ARDM_EFORMAT, path, ardm_file_read(&got, path, TEXT, 1));
    remove(path);
}
END_TEST

Suite *unpack_suite(void) {
    Suite *suite = suite_create("unpack");
    TCase *tests = tcase_create("unpack");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, unpacks_and_obeys_the_limit, XZ, GZIP + 1);
    tcase_add_loop_test(tests, concatenated_streams_are_one, XZ, GZIP + 1);
    tcase_add_loop_test(tests, every_truncation_is_noticed, XZ, GZIP + 1);
    tcase_add_loop_test(tests, every_flip_is_noticed_or_harmless, XZ, GZIP + 1);
    tcase_add_test(tests, a_promised_dictionary_is_refused);
    tcase_add_test(tests, other_data_is_refused);
    tcase_add_loop_test(tests, files_are_unpacked_on_request, XZ, GZIP + 1);
    suite_add_tcase(suite, tests);
    return suite;
}
