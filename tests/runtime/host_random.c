/* host_random.c: Philox4x32-10 against the known answers of its authors' Random123 1.14, hashes against their standards. */
#include <string.h>

#include "ardm/file.h"
#include "ardm/philox.h"
#include "host.h"

static const struct {
    uint32_t counter[4], key[2], out[4];
} answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(philox_known_answers) {
    uint32_t out[4];
    ardm_philox4(out, answers[_i].counter, answers[_i].key);
    for (int i = 0; i < 4; i++) ck_assert_uint_eq(out[i], answers[_i].out[i]);
}
END_TEST

/* The third answer by the fields of a draw: counter word 3 = purpose << 24 | draw, word 0 = index >> 2. */
START_TEST(words_place_their_fields) {
    const uint32_t key[2] = {0xa4093822, 0x299f31d0}, counter[4] = {5, 0x85a308d3, 0x13198a2e, 0x03707344};
    const uint64_t seed = 0x299f31d0a4093822, item = 0x13198a2e85a308d3;
    uint32_t out[4];
    ardm_philox4(out, counter, key);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t word = ardm_random_word(seed, 3, 0x707344, item, 20 + i);
        ck_assert_uint_eq(word, out[i]);
        float uniform = ardm_random_uniform(seed, 3, 0x707344, item, 20 + i);
        ck_assert(uniform == (float)((double)(word >> 8) / 16777216.0));
        ck_assert(uniform >= 0 && uniform < 1);
    }
    ck_assert_uint_eq(ardm_random_word(0, 0, 0, 0, 2), 0xbc57ac4c);
}
END_TEST

START_TEST(sha256_of_its_standard) {
    static const struct {
        const char *text, *hex;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (int i = 0; i < 3; i++) {
        ardm_sha256 hash;
        char hex[65];
        ardm_sha256_of(&hash, vectors[i].text, strlen(vectors[i].text));
        ardm_sha256_hex(&hash, hex);
        ck_assert_str_eq(hex, vectors[i].hex);
    }
}
END_TEST

START_TEST(xxhash_known_answers) {
    ck_assert_uint_eq(ardm_xxh32(NULL, 0), 0x02cc5d05);
    ck_assert_uint_eq(ardm_xxh64(NULL, 0), 0xef46db3751d8e999);
    ck_assert_uint_eq(ardm_xxh32("abc", 3), 0x32d153ff);
    ck_assert_uint_eq(ardm_xxh64("abc", 3), 0x44bc2cf5ad770999);
}
END_TEST

START_TEST(identity_puts_lengths_before_fields) {
    static const uint8_t spelled[] = {3, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c', 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 'd'};
    ardm_identity *identity;
    ardm_sha256 got, want;
    ck_ok(ardm_identity_begin(&identity));
    ardm_identity_field(identity, "abc", 3);
    ardm_identity_field(identity, NULL, 0);
    ardm_identity_field(identity, "d", 1);
    ardm_identity_end(&identity, &got);
    ck_assert_ptr_null(identity);
    ardm_sha256_of(&want, spelled, sizeof spelled);
    ck_assert_mem_eq(&got, &want, sizeof got);
}
END_TEST

Suite *random_suite(void) {
    Suite *suite = suite_create("random");
    TCase *tests = tcase_create("random");
    tcase_add_loop_test(tests, philox_known_answers, 0, 3);
    tcase_add_test(tests, words_place_their_fields);
    tcase_add_test(tests, sha256_of_its_standard);
    tcase_add_test(tests, xxhash_known_answers);
    tcase_add_test(tests, identity_puts_lengths_before_fields);
    suite_add_tcase(suite, tests);
    return suite;
}
