/* host_archive.c: the container there and back, its price, and bytes that lie. */
#include "host.h"

#include <stdlib.h>

#include "ardm/archive.h"

enum { LIMIT = 1 << 24 };

static ardm_archive_item tile(void) {
    ardm_archive_item item = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 1, 2, 3, NULL, 0, 0, 3, {32, 32, 3}, NULL, 0, 0x1122334455667788u, 1, "", 0, 0};
    return item;
}

static void write_one(ardm_bytes *out, const ardm_archive_item *item, const ardm_archive_chunk *chunk) {
    ardm_archive_writer *w = NULL;
    ck_ok(ardm_archive_writer_create(&w));
    ck_ok(ardm_archive_add_item(w, item));
    for (uint64_t i = 0; i < item->n_chunks; i++) ck_ok(ardm_archive_add_chunk(w, chunk));
    ck_ok(ardm_archive_finish(w, out));
    ardm_archive_writer_free(&w);
}

START_TEST(one_tile_costs_at_most_forty_bytes) {
    static const uint8_t words[1536] = {9, 8, 7};
    const ardm_archive_chunk chunk = {ARDM_CHUNK_CODED, 0xdeadbeef, 0x123456789abc, words, sizeof words};
    const ardm_archive_item item = tile();
    ardm_bytes bytes = {0};
    ardm_archive *a = NULL;
    ardm_archive_chunk got;
    write_one(&bytes, &item, &chunk);
    ck_assert_uint_le(bytes.size, sizeof words + 6 + 40); /* payload: the coder's words and state */
    ck_ok(ardm_archive_open(&a, bytes.data, bytes.size, LIMIT));
    ck_assert_uint_eq(ardm_archive_count(a), 1);
    const ardm_archive_item *back = ardm_archive_at(a, 0);
    ck_assert_mem_eq(back->identity, item.identity, 8);
    ck_assert_uint_eq(back->identity[8], 0); /* without a trailer the rest is not known */
    ck_assert_uint_eq(back->numerics, 1);
    ck_assert_uint_eq(back->modality, 2);
    ck_assert_uint_eq(back->schedule, 3);
    ck_assert_uint_eq(back->n_extents, 3);
    ck_assert_uint_eq(back->extents[2], 3);
    ck_assert(back->hash == item.hash);
    ck_assert_str_eq(back->name, "");
    ck_ok(ardm_archive_chunk_at(a, 0, 0, &got));
    ck_assert_uint_eq(got.digest, chunk.digest);
    ck_assert(got.state == chunk.state);
    ck_assert_uint_eq(got.size, sizeof words);
    ck_assert_mem_eq(got.data, words, sizeof words);
    ck_fails(ARDM_EINVAL, "no chunk 1", ardm_archive_chunk_at(a, 0, 1, &got));
    ardm_archive_close(&a);
    ardm_bytes_free(&bytes);
}
END_TEST

/* Three items: two of one coder, one with an explicit schedule, names, side data and chunks of every kind. */
static void write_three(ardm_bytes *out) {
    static uint8_t side[5000], zeros[70000], noise[300];
    uint64_t state = 6;
    for (size_t i = 0; i < sizeof side; i++) side[i] = (uint8_t)(i / 100);
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)next_random(&state);
    ardm_archive_writer *w = NULL;
    ardm_archive_item item = tile();
    ardm_archive_chunk chunk;
    ardm_bytes kept = {0};
    ck_ok(ardm_archive_writer_create(&w));
    item.name = "a/first image.png";
    item.mode = 0644;
    item.mtime = -5;
    item.seed = UINT64_MAX;
    item.side = side;
    item.side_size = sizeof side;
    item.n_chunks = 2;
    ck_ok(ardm_archive_add_item(w, &item));
    ck_ok(ardm_archive_store(&chunk, &kept, zeros, sizeof zeros));
    ck_assert_uint_eq(chunk.kind, ARDM_CHUNK_ZSTD);
    ck_ok(ardm_archive_add_chunk(w, &chunk));
    ck_ok(ardm_archive_store(&chunk, &kept, noise, sizeof noise));
    ck_assert_uint_eq(chunk.kind, ARDM_CHUNK_RAW);
    ck_fails(ARDM_EINVAL, "1 chunks", ardm_archive_add_item(w, &item));
    ck_ok(ardm_archive_add_chunk(w, &chunk));
    ck_fails(ARDM_EINVAL, "more than", ardm_archive_add_chunk(w, &chunk));
    item.name = "b.txt";
    item.mtime = 1700000000;
    item.side_size = 0;
    item.n_chunks = 0;
    ck_ok(ardm_archive_add_item(w, &item));
    item.identity[20] = 77;
    item.schedule = ARDM_ARCHIVE_EXPLICIT;
    item.list = (const uint8_t *)"\x01\x02\x03";
    item.list_size = 3;
    item.n_chunks = 1;
    item.name = "c";
    ck_ok(ardm_archive_add_item(w, &item));
    const ardm_archive_chunk coded = {ARDM_CHUNK_CODED, 5, 1ull << 40, noise, 200};
    ck_ok(ardm_archive_add_chunk(w, &coded));
    ck_ok(ardm_archive_finish(w, out));
    ardm_bytes_free(&kept);
    ardm_archive_writer_free(&w);
}

START_TEST(several_items_with_names) {
    ardm_bytes bytes = {0};
    ardm_archive *a = NULL;
    ardm_archive_chunk chunk;
    static uint8_t room[70000];
    write_three(&bytes);
    ck_ok(ardm_archive_open(&a, bytes.data, bytes.size, LIMIT));
    ck_assert_uint_eq(ardm_archive_count(a), 3);
    const ardm_archive_item *first = ardm_archive_at(a, 0), *second = ardm_archive_at(a, 1), *third = ardm_archive_at(a, 2);
    ck_assert_str_eq(first->name, "a/first image.png");
    ck_assert_uint_eq(first->mode, 0644);
    ck_assert_int_eq(first->mtime, -5);
    ck_assert_int_eq(second->mtime, 1700000000);
    ck_assert(first->seed == UINT64_MAX);
    ck_assert_uint_eq(first->side_size, 5000);
    for (int i = 0; i < 5000; i++) ck_assert_uint_eq(first->side[i], i / 100);
    ck_assert_uint_eq(second->identity[9], 10); /* full identities stand in the trailer */
    ck_assert_uint_eq(third->identity[20], 77);
    ck_assert_uint_eq(second->schedule, 3);
    ck_assert_uint_eq(third->list_size, 3);
    ck_assert_mem_eq(third->list, "\x01\x02\x03", 3);
    ck_ok(ardm_archive_chunk_at(a, 0, 0, &chunk));
    ck_ok(ardm_archive_restore(&chunk, room, sizeof room));
    ck_fails(ARDM_EFORMAT, "unpack", ardm_archive_restore(&chunk, room, sizeof room - 1));
    chunk.digest++;
    ck_fails(ARDM_EFORMAT, "checksum", ardm_archive_restore(&chunk, room, sizeof room));
    ck_ok(ardm_archive_chunk_at(a, 0, 1, &chunk));
    ck_ok(ardm_archive_restore(&chunk, room, 300));
    ck_fails(ARDM_EFORMAT, "300 stored", ardm_archive_restore(&chunk, room, 299));
    ardm_archive_close(&a);
    ardm_bytes_free(&bytes);
}
END_TEST

/* Opens and walks everything; what it says is not judged, only that it is safe. */
static ardm_status probe(const uint8_t *data, size_t size, uint64_t limit) {
    ardm_archive *a = NULL;

    uint8_t *exact = malloc(size ? size : 1); /* exact size, so that a checker sees a byte too many */
    memcpy(exact, data, size);

    const ardm_status status = ardm_archive_open(&a, exact, size, limit);
    for (uint32_t i = 0; !status && i < ardm_archive_count(a); i++) {
        const ardm_archive_item *item = ardm_archive_at(a, i);
        uint64_t sum = item->side_size ? item->side[item->side_size - 1] : 0;
        for (uint64_t c = 0; c < item->n_chunks; c++) {
            ardm_archive_chunk chunk;
            ck_ok(ardm_archive_chunk_at(a, i, c, &chunk));
            for (uint64_t b = 0; b < chunk.size; b++) sum += chunk.data[b];
        }
        ck_assert(sum < UINT64_MAX);
    }
    ardm_archive_close(&a);
    free(exact);
    return status;
}

START_TEST(every_truncation_is_an_error) {
    ardm_bytes bytes = {0};
    write_three(&bytes);
    ck_ok(probe(bytes.data, bytes.size, LIMIT));
    for (size_t cut = 0; cut < bytes.size; cut++) ck_fails(ARDM_EFORMAT, "archive", probe(bytes.data, cut, LIMIT));
    ck_ok(ardm_bytes_append(&bytes, "", 1));
    ck_fails(ARDM_EFORMAT, "trailer", probe(bytes.data, bytes.size, LIMIT));
    ardm_bytes_free(&bytes);
    const ardm_archive_item item = tile();
    const ardm_archive_chunk chunk = {ARDM_CHUNK_CODED, 1, 1ull << 33, (const uint8_t *)"abcdef", 6};
    write_one(&bytes, &item, &chunk);
    for (size_t cut = 0; cut < bytes.size; cut++) ck_fails(ARDM_EFORMAT, "archive", probe(bytes.data, cut, LIMIT));
    ardm_bytes_free(&bytes);
}
END_TEST

/* After a change the trailer's own checksum is made right again, so that the fields behind it are reached. */
static void mend(ardm_bytes *bytes) {
    uint32_t length = 0;
    memcpy(&length, bytes->data + bytes->size - 8, 4);
    if (length > bytes->size - 16) return;
    const uint64_t hash = ardm_xxh64(bytes->data + bytes->size - 16 - length, length);
    memcpy(bytes->data + bytes->size - 16, &hash, 8);
}

START_TEST(mutations_never_hurt) {
    ardm_bytes bytes = {0};
    uint64_t state = 44;
    uint32_t refused = 0;
    write_three(&bytes);
    uint8_t *good = malloc(bytes.size);
    memcpy(good, bytes.data, bytes.size);
    for (size_t at = 0; at < bytes.size; at++) {
        for (int change = 0; change < 112; change++) {
            memcpy(bytes.data, good, bytes.size);
            static const uint8_t odd[4] = {0, 0xff, 0x80, 0x7f};
            bytes.data[at] = change < 4 ? odd[change] : change < 12 ? (uint8_t)(bytes.data[at] ^ 1 << (change - 4)) : (uint8_t)next_random(&state);
            if (at < bytes.size - 16) mend(&bytes);
            const ardm_status status = probe(bytes.data, bytes.size, LIMIT);
            ck_assert(status == ARDM_OK || status == ARDM_EFORMAT || status == ARDM_ENOMEM || status == ARDM_EUNSUPPORTED);
            refused += status != ARDM_OK;
        }
    }
    ck_assert_uint_gt(refused, 1000);
    free(good);
    ardm_bytes_free(&bytes);
}
END_TEST

START_TEST(promises_beyond_the_limit_are_refused) {
    ardm_archive_item item = tile();
    const ardm_archive_chunk chunk = {ARDM_CHUNK_RAW, 0, 0, NULL, 0};
    ardm_bytes bytes = {0};
    item.extents[0] = UINT64_MAX;
    item.extents[1] = UINT64_MAX;
    write_one(&bytes, &item, &chunk);
    ck_fails(ARDM_ENOMEM, "limit", probe(bytes.data, bytes.size, LIMIT));
    ardm_bytes_free(&bytes);
    item.extents[0] = 5000;
    item.extents[1] = 5000;
    write_one(&bytes, &item, &chunk);
    ck_fails(ARDM_ENOMEM, "limit of 16777216", probe(bytes.data, bytes.size, LIMIT));
    ck_ok(probe(bytes.data, bytes.size, 1u << 27));
    bytes.data[4] = 9;
    ck_fails(ARDM_EUNSUPPORTED, "version is 9; this program reads 1", probe(bytes.data, bytes.size, LIMIT));
    bytes.data[0] = 'a';
    ck_fails(ARDM_EFORMAT, "ARDZ", probe(bytes.data, bytes.size, LIMIT));
    ardm_bytes_free(&bytes);
}
END_TEST

START_TEST(names_stay_below_the_folder) {
    static const char *const bad[] = {"/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "a/./b", "a\nb", ".."};
    ardm_archive_writer *w = NULL;
    ck_ok(ardm_archive_writer_create(&w));
    ardm_archive_item item = tile();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        item.name = bad[i];
        ck_fails(ARDM_EINVAL, "relative", ardm_archive_add_item(w, &item));
    }
    item.name = "..a/b..";
    ck_ok(ardm_archive_add_item(w, &item));
    ardm_archive_writer_free(&w);
    ardm_bytes bytes = {0};
    write_three(&bytes);
    for (size_t i = 0; i + 7 < bytes.size; i++) /* the same lie told by the file, its checksum made right */
        if (memcmp(bytes.data + i, "a/first", 7) == 0) memcpy(bytes.data + i, "../irst", 7);
    mend(&bytes);
    ck_fails(ARDM_EFORMAT, "name of item 0", probe(bytes.data, bytes.size, LIMIT));
    ardm_bytes_free(&bytes);
}
END_TEST

Suite *archive_suite(void) {
    Suite *suite = suite_create("archive");
    TCase *cases = tcase_create("archive");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, one_tile_costs_at_most_forty_bytes);
    tcase_add_test(cases, several_items_with_names);
    tcase_add_test(cases, every_truncation_is_an_error);
    tcase_add_test(cases, mutations_never_hurt);
    tcase_add_test(cases, promises_beyond_the_limit_are_refused);
    tcase_add_test(cases, names_stay_below_the_folder);
    suite_add_tcase(suite, cases);
    return suite;
}
