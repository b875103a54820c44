/* Whole archives through the decoder. The container alone is tested in tests/method/host_archive.c. */
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

static const struct {
    const char *name, *source;
    int32_t text;
} seeds[] = {{"tiles", "boat.ppm", 0}, {"staged", "drawn.png", 0}, {"bytes", "prose.txt", 1}};

/* The unchanged archive decodes; no shorter one does, nor one with bytes behind it. */
START_TEST(every_length) {
    ardm_predictor predictor;
    open_golden(&predictor, seeds[_i].name);
    seed s = golden_seed(seeds[_i].name, seeds[_i].source);
    OK(attempt(s.archive.data, s.archive.size, &predictor, 0, &s));
    for (size_t n = 0; n < s.archive.size; n++) ck_assert_int_eq(attempt(s.archive.data, n, &predictor, 0, &s), ARDM_EFORMAT);
    OK(ardm_bytes_append(&s.archive, "", 1));
    ck_assert_int_ne(attempt(s.archive.data, s.archive.size, &predictor, 0, &s), ARDM_OK);
    seed_free(&s);
    ardm_predictor_close(&predictor);
}
END_TEST

/* Golden archives with single bytes changed, spread over all of them: the coded words, too, have no checksum of their own. */
START_TEST(golden_bytes) {
    ardm_predictor predictor;
    open_golden(&predictor, seeds[_i].name);
    seed s = golden_seed(seeds[_i].name, seeds[_i].source);
    uint64_t state = 5;
    for (int k = 0; k < 6; k++) {
        size_t at = 5 + chance(&state, (uint32_t)s.archive.size - 5);
        uint8_t with = (uint8_t)(1 + chance(&state, 255));
        s.archive.data[at] ^= with;
        (void)attempt(s.archive.data, s.archive.size, &predictor, 0, &s);
        s.archive.data[at] ^= with;
    }
    seed_free(&s);
    ardm_predictor_close(&predictor);
}
END_TEST

/* Steps between the values that a byte takes, so that each field of the head takes at least 100: fields of four and more bytes, each of
 * which is one decoding, need fewer a byte (13 in the hash, 26 in the digest, 17 in the state). Nothing has a checksum that would have to be
 * repaired: digest, state and hash are the checks. */
static uint32_t step_at(const seed *s, size_t at) {
    ardm_archive *archive = NULL;
    ardm_archive_chunk chunk;
    OK(ardm_archive_open(&archive, s->archive.data, s->archive.size, LIMIT));
    OK(ardm_archive_chunk_at(archive, 0, 0, &chunk));
    uint64_t hash = ardm_archive_at(archive, 0)->hash;
    size_t words = (size_t)(chunk.data - s->archive.data), hash_at = 0;
    while (hash_at + 8 < words && memcmp(s->archive.data + hash_at, &hash, 8) != 0) hash_at++;
    ck_assert_uint_lt(hash_at + 8, words);
    ardm_archive_close(&archive);
    if (at >= words) return 127;
    int32_t in_hash = at >= hash_at && at < hash_at + 8, in_digest = at >= hash_at + 9 && at < hash_at + 13;
    return in_hash ? 20 : in_digest ? 10 : at >= words - 6 ? 15 : 2;
}

START_TEST(every_field) {
    ardm_predictor predictor;
    open_golden(&predictor, seeds[_i].name);
    seed s = small_seed(seeds[_i].name, seeds[_i].text, 1);
    OK(attempt(s.archive.data, s.archive.size, &predictor, 0, &s));
    int refused = 0, tried = 0;
    for (size_t at = 0; at < s.archive.size; at++) {
        uint8_t was = s.archive.data[at];
        uint32_t step = step_at(&s, at);
        for (uint32_t with = 1; with < 256; with += step) {
            s.archive.data[at] = (uint8_t)(was ^ with);
            refused += attempt(s.archive.data, s.archive.size, &predictor, 0, &s) != ARDM_OK;
            tried++;
        }
        s.archive.data[at] = was;
    }
    ck_assert_int_gt(refused, tried * 9 / 10); /* schedules that agree on six pixels and their seeds may decode */
    seed_free(&s);
    ardm_predictor_close(&predictor);
}
END_TEST

/* After a change the trailer's checksum is made right again, so that the fields behind it are reached. */
static void mend(ardm_bytes *bytes) {
    uint32_t length = 0;
    memcpy(&length, bytes->data + bytes->size - 8, 4);
    if (length > bytes->size - 16) return;
    const uint64_t hash = ardm_xxh64(bytes->data + bytes->size - 16 - length, length);
    memcpy(bytes->data + bytes->size - 16, &hash, 8);
}

/* Three items with names, one of them stored: bytes of the whole archive, trailer mended. */
START_TEST(several_items) {
    ardm_predictor predictor;
    open_golden(&predictor, seeds[_i].name);
    seed s = small_seed(seeds[_i].name, seeds[_i].text, 3);
    OK(attempt(s.archive.data, s.archive.size, &predictor, 0, &s));
    ardm_bytes copy = {0};
    uint64_t state = 11;
    for (size_t at = 0; at < s.archive.size; at += at < 64 || at + 160 > s.archive.size ? 1 : 5) { /* names, index and footer are all tried */
        copy.size = 0;
        OK(ardm_bytes_append(&copy, s.archive.data, s.archive.size));
        copy.data[at] ^= (uint8_t)(1 + chance(&state, 255));
        if (at + 16 < copy.size) mend(&copy);
        (void)attempt(copy.data, copy.size, &predictor, 0, &s);
    }
    ardm_bytes_free(&copy);
    seed_free(&s);
    ardm_predictor_close(&predictor);
}
END_TEST

/* Archives that keep to the container's rules and lie about what they hold. */
static ardm_status lie(ardm_predictor *predictor, const seed *s, void (*change)(ardm_archive_item *, ardm_archive_chunk *, uint64_t),
                       uint64_t argument) {
    ardm_archive *archive = NULL;
    ardm_archive_writer *writer = NULL;
    ardm_bytes bytes = {0};
    ardm_archive_chunk chunk;
    OK(ardm_archive_open(&archive, s->archive.data, s->archive.size, LIMIT));
    ardm_archive_item item = *ardm_archive_at(archive, 0);
    OK(ardm_archive_chunk_at(archive, 0, 0, &chunk));
    change(&item, &chunk, argument);
    OK(ardm_archive_writer_create(&writer));
    OK(ardm_archive_add_item(writer, &item));
    for (uint64_t i = 0; i < item.n_chunks; i++) OK(ardm_archive_add_chunk(writer, &chunk));
    OK(ardm_archive_finish(writer, &bytes));
    ardm_status status = attempt(bytes.data, bytes.size, predictor, 0, s);
    ardm_bytes_free(&bytes);
    ardm_archive_writer_free(&writer);
    ardm_archive_close(&archive);
    return status;
}

/* Extents up to the limit with as many chunks as they ask for, or one. */
static void grow(ardm_archive_item *item, ardm_archive_chunk *chunk, uint64_t extent) {
    (void)chunk;
    item->extents[0] = extent;
    if (item->n_extents > 1) item->extents[1] = 1;
}
static void grow_with_chunks(ardm_archive_item *item, ardm_archive_chunk *chunk, uint64_t extent) {
    grow(item, chunk, extent);
    item->n_chunks = item->n_extents > 1 ? (extent + 255) / 256 : (extent + 16383) / 16384;
    *chunk = (ardm_archive_chunk){.kind = ARDM_CHUNK_RAW, .data = (const uint8_t *)"", .size = 0};
}
static void list_of(ardm_archive_item *item, ardm_archive_chunk *chunk, uint64_t n) {
    static uint8_t list[4096];
    uint64_t state = n * 77 + 1;
    (void)chunk;
    for (size_t i = 0; i < sizeof list; i++) list[i] = (uint8_t)(n % 3 == 0 ? chance(&state, 3) : chance(&state, 256));
    item->schedule = ARDM_ARCHIVE_EXPLICIT;
    item->list = list;
    item->list_size = n % sizeof list;
}
static void frozen(ardm_archive_item *item, ardm_archive_chunk *chunk, uint64_t n) {
    (void)chunk;
    item->schedule = (uint32_t)n;
}

START_TEST(consistent_lies) {
    ardm_predictor predictor;
    open_golden(&predictor, seeds[_i].name);
    seed s = small_seed(seeds[_i].name, seeds[_i].text, 1);
    for (uint32_t n = 0; n < 16; n++) (void)lie(&predictor, &s, frozen, n);
    for (uint32_t n = 0; n < 100; n++) (void)lie(&predictor, &s, list_of, n * 37);
    for (uint64_t extent = 1; extent < UINT64_MAX / 4; extent *= 2) {
        if (extent != 1) ck_assert_int_ne(lie(&predictor, &s, grow, extent), ARDM_OK);
        if (extent <= LIMIT / 3) ck_assert_int_ne(lie(&predictor, &s, grow_with_chunks, extent), ARDM_OK);
    }
    ck_assert_int_eq(lie(&predictor, &s, grow_with_chunks, LIMIT / 3), ARDM_ENOMEM); /* six bytes a symbol, at least */
    seed_free(&s);
    ardm_predictor_close(&predictor);
}
END_TEST

TCase *archive_cases(void) {
    enum { SEEDS = sizeof seeds / sizeof *seeds };
    TCase *cases = tcase_create("archives");
    tcase_set_timeout(cases, 600);
    tcase_add_loop_test(cases, every_length, 0, SEEDS);
    tcase_add_loop_test(cases, golden_bytes, 0, SEEDS);
    tcase_add_loop_test(cases, every_field, 0, SEEDS);
    tcase_add_loop_test(cases, several_items, 0, SEEDS);
    tcase_add_loop_test(cases, consistent_lies, 0, SEEDS);
    return cases;
}
