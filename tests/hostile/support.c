#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hostile.h"

enum { MOST_SECONDS = 20 }; /* a guess that holds under sanitizers on a slow machine; the slowest legal try takes some tenths */

uint32_t chance(uint64_t *state, uint32_t below) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)((*state >> 16) % below);
}

ardm_device *reference(void) {
    static ardm_device *device;
    if (!device && ardm_device_open(&device, "reference") != ARDM_OK) {
        fprintf(stderr, "%s\n", ardm_message());
        exit(EXIT_FAILURE);
    }
    return device;
}

ardm_bytes golden(const char *file) {
    ardm_bytes bytes = {0};
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", ARDM_TEST_GOLDEN, file);
    OK(ardm_file_read(&bytes, path, LIMIT, 0));
    return bytes;
}

void seed_free(seed *s) {
    ardm_bytes_free(&s->archive);
    for (int i = 0; i < MOST_ITEMS_HERE; i++) ardm_bytes_free(&s->items[i]);
}

seed golden_seed(const char *name, const char *source) {
    char file[64];
    seed s = {.model = name};
    snprintf(file, sizeof file, "%s.ardz", name);
    s.archive = golden(file);
    s.items[0] = golden(source);
    return s;
}

void open_golden(ardm_predictor *out, const char *name) {
    char file[64];
    ardm_model *model = NULL;
    snprintf(file, sizeof file, "%s.ardm", name);
    ardm_bytes bytes = golden(file);
    OK(ardm_model_parse(&model, bytes.data, bytes.size, LIMIT, file));
    OK(ardm_model_check(model, file));
    OK(ardm_predictor_open(out, model, reference(), LIMIT));
    ardm_bytes_free(&bytes);
}

typedef struct lender {
    ardm_predictor *predictor;
    int32_t any;
} lender;

static ardm_status by_modality(void *user, const char *modality, const char *variant, ardm_predictor **out) {
    lender *l = user;
    (void)variant;
    *out = strcmp(modality, l->predictor->modality) == 0 ? l->predictor : NULL;
    return ARDM_OK;
}

static ardm_status by_identity(void *user, const uint8_t identity[8], ardm_predictor **out) {
    lender *l = user;
    *out = l->predictor;
    if (l->any || memcmp(identity, l->predictor->identity.bytes, 8) == 0) return ARDM_OK;
    return ardm_fail(ARDM_EMODEL, "another model is needed");
}

/* Smooth values cost a model less than storing them, so that the chunk is coded. */
static void small_item(ardm_bytes *out, int32_t text) {
    if (text) {
        OK(ardm_bytes_append(out, "the light of the sea and the tower", 34));
        return;
    }
    OK(ardm_bytes_printf(out, "P6\n4 4\n255\n"));
    ardm_bytes boat = golden("boat.ppm");
    for (size_t y = 0; y < 4; y++) OK(ardm_bytes_append(out, boat.data + 13 + y * 69, 12));
    ardm_bytes_free(&boat);
}

seed small_seed(const char *model, int32_t text, uint32_t kinds) {
    seed s = {.model = model};
    ardm_predictor predictor;
    open_golden(&predictor, model);
    lender lent = {&predictor, 0};
    const ardm_models models = {&lent, by_modality, by_identity};
    ardm_codec_input inputs[MOST_ITEMS_HERE] = {0};
    const ardm_codec_options options = {.steps = text ? 8 : 5, .seed = 7, .verify = 1, .memory = LIMIT};
    small_item(&s.items[0], text);
    if (kinds > 1) {
        for (uint32_t i = 0; i < 300; i++) OK(ardm_bytes_append(&s.items[1], &(uint8_t){(uint8_t)(i * i * 37 >> 3 ^ i)}, 1));
        small_item(&s.items[2], text);
        s.items[2].data[s.items[2].size - 1] ^= 1;
    }
    for (uint32_t i = 0; i < kinds; i++)
        inputs[i] = (ardm_codec_input){.name = kinds > 1 ? (const char *[]){"a/first", "second", "third"}[i] : "",
                                       .data = s.items[i].data,
                                       .size = s.items[i].size,
                                       .end = INT64_MAX,
                                       .mode = kinds > 1 ? 0644 : 0,
                                       .mtime = kinds > 1 ? 1000000000 : 0};
    ardm_bytes *out = NULL;
    ardm_codec_report *reports = NULL;
    uint32_t n = 0, n_reports = 0;
    OK(ardm_compress(&out, &n, &reports, &n_reports, inputs, kinds, &models, &options));
    ck_assert_uint_eq(n, 1);
    s.archive = out[0];
    ck_assert_uint_eq(reports[0].stored_chunks, 0); /* else no network is needed to decode it */
    free(out);
    free(reports);
    ardm_predictor_close(&predictor);
    return s;
}

static int64_t live_before;
static clock_t began;

void watch(void) {
    live_before = heap_live();
    heap_watch();
    began = clock();
    (void)ardm_fail(ARDM_EINVAL, "-");
}

void judge(ardm_status status, const char *what) {
    int64_t taken = heap_peak() - live_before;
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    ck_assert_msg(taken <= LIMIT + SLACK, "%s: %lld bytes at once (%s)", what, (long long)taken, ardm_message());
    ck_assert_msg(seconds < MOST_SECONDS, "%s: took %.1f s (%s)", what, seconds, ardm_message());
    if (status != ARDM_OK) ck_assert_msg(strlen(ardm_message()) > 10, "%s: status %d without a reason: %s", what, status, ardm_message());
}

ardm_status attempt(const void *data, size_t size, ardm_predictor *predictor, int32_t any, const seed *want) {
    ardm_archive *archive = NULL;
    lender lent = {predictor, any};
    const ardm_models models = {&lent, by_modality, by_identity};
    uint8_t *exact = malloc(size ? size : 1); /* exactly its bytes are valid, for the sanitizer */
    memcpy(exact, data, size);
    watch();
    ardm_status status = ardm_archive_open(&archive, exact, size, LIMIT);
    judge(status, "archive");
    for (uint32_t i = 0; status == ARDM_OK && i < ardm_archive_count(archive); i++) {
        ardm_bytes out = {0};
        watch();
        status = ardm_decompress(&out, NULL, archive, i, &models, LIMIT);
        judge(status, "decoder");
        if (status == ARDM_OK) {
            int32_t same = 0; /* items may have been put in another order, which is no wrong output */
            for (uint32_t k = 0; k < MOST_ITEMS_HERE; k++)
                same |= want->items[k].data && out.size == want->items[k].size && memcmp(out.data, want->items[k].data, out.size) == 0;
            ck_assert_msg(same, "item %u: %zu wrong bytes with success", i, out.size);
        } else {
            ck_assert_uint_eq(out.size, 0);
        }
        ardm_bytes_free(&out);
    }
    ardm_archive_close(&archive);
    free(exact);
    return status;
}
