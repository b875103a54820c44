/* Models that were changed on purpose, through opening and decoding. The safetensors reader alone is tested in tests/method/host_model.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mutate.h"

static const struct {
    const char *name;
    int32_t text;
} seeds[] = {{"tiles", 0}, {"staged", 0}, {"bytes", 1}};

/* Takes the bytes for a model file, opens it and decodes with it an archive of the unchanged model. */
static ardm_status decode_with(const void *data, size_t size, const seed *s) {
    ardm_model *model = NULL;
    ardm_predictor predictor;
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, data, size);
    watch();
    ardm_status status = ardm_model_parse(&model, exact, size, LIMIT, "hostile");
    if (status == ARDM_OK && (status = ardm_model_check(model, "hostile")) != ARDM_OK) ardm_model_free(&model);
    if (status == ARDM_OK) status = ardm_predictor_open(&predictor, model, reference(), LIMIT);
    judge(status, "model");
    free(exact);
    if (status != ARDM_OK) return status;
    status = attempt(s->archive.data, s->archive.size, &predictor, 1, s);
    /* The other ways into a model: its budgets, and the tasks that no archive starts. */
    ardm_budget budget;
    watch();
    if (ardm_budget_choose(&budget, predictor.model, predictor.session, 0) == ARDM_OK) ardm_budget_free(&budget);
    for (uint32_t i = 0; i < ARDM_MODEL_MAX_SCHEDULES; i++)
        if (ardm_budget_frozen(&budget, predictor.model, predictor.session, i) == ARDM_OK) ardm_budget_free(&budget);
    ardm_layout layout = ardm_session_layout(predictor.session);
    for (int32_t task = ARDM_TASK_EVALUATE; task <= ARDM_TASK_SAMPLE; task += ARDM_TASK_SAMPLE - ARDM_TASK_EVALUATE) {
        ardm_call_io io;
        if (ardm_session_call(&io, predictor.session, task, &layout, 1, 1) == ARDM_OK) (void)ardm_run(io.binding);
    }
    judge(ARDM_OK, "session");
    ardm_predictor_close(&predictor);
    return status;
}

static ardm_bytes model_bytes(const char *name) {
    char file[64];
    snprintf(file, sizeof file, "%s.ardm", name);
    return golden(file);
}

static size_t header_of(const ardm_bytes *model) {
    uint64_t length;
    memcpy(&length, model->data, 8);
    return (size_t)length;
}

START_TEST(every_length) {
    seed s = small_seed(seeds[_i].name, seeds[_i].text, 1);
    ardm_bytes model = model_bytes(seeds[_i].name);
    OK(decode_with(model.data, model.size, &s));
    size_t header = header_of(&model);
    /* Inside the tensors only their end is told apart, so every 41st place will do. */
    for (size_t n = 0; n < model.size; n += n < header + 64 || n + 64 > model.size ? 1 : 41)
        ck_assert_int_eq(decode_with(model.data, n, &s), ARDM_EFORMAT);
    ardm_bytes_free(&model);
    seed_free(&s);
}
END_TEST

/* Every second byte of the header and each of its length. There is no checksum beside the identity, which is not asked for here. */
START_TEST(header_bytes) {
    seed s = small_seed(seeds[_i].name, seeds[_i].text, 1);
    ardm_bytes model = model_bytes(seeds[_i].name);
    size_t header = header_of(&model);
    uint64_t state = 21;
    for (size_t at = 0; at < 8 + header; at += at < 8 ? 1 : 2)
        for (int k = 0; k < (at < 8 ? 100 : 1); k++) {
            uint8_t was = model.data[at];
            model.data[at] = at < 8 || k % 2 ? (uint8_t)chance(&state, 256) : (uint8_t) "0123456789%[]{},:\"xN- \\"[chance(&state, 24)];
            (void)decode_with(model.data, model.size, &s);
            model.data[at] = was;
        }
    ardm_bytes_free(&model);
    seed_free(&s);
}
END_TEST

/* The golden model with one part replaced, written anew with a header that fits. */
static ardm_status with_text(const ardm_bytes *bytes, const char *key, const char *value, const seed *s) {
    ardm_model *model = NULL;
    ardm_bytes changed = {0};
    OK(ardm_model_parse(&model, bytes->data, bytes->size, LIMIT, "golden"));
    ardm_status status = ardm_model_set(model, key, value);
    if (status == ARDM_OK) status = ardm_model_print(&changed, model);
    if (status == ARDM_OK) status = decode_with(changed.data, changed.size, s);
    ardm_bytes_free(&changed);
    ardm_model_free(&model);
    return status;
}

/* Values that are well formed and wrong. */
static const struct {
    const char *key, *value;
} lies[] = {
    {"ardm.order", "blocks:1-65535"},
    {"ardm.order", "blocks:65535"},
    {"ardm.order", "blocks:1"},
    {"ardm.order", "blocks:4-5"},
    {"ardm.order", "raster"},
    {"ardm.order", "uniform"},
    {"ardm.order", "dyadic"},
    {"ardm.order", "quincunx"},
    {"ardm.order", "table"},
    {"ardm.process", "absorbing 2"},
    {"ardm.process", "absorbing 255"},
    {"ardm.process", "absorbing 257"},
    {"ardm.process", "absorbing 65536"},
    {"ardm.process", "zero-least-significant 256 2"},
    {"ardm.process", "zero-least-significant 256 16"},
    {"ardm.process", "augment-least-significant 256 4"},
    {"ardm.process", "zero-least-significant 65536 2"},
    {"ardm.process", "table 256 3"},
    {"ardm.layout", "extents 1x1 channels 1 head mixture multiple 1 context 0"},
    {"ardm.layout", "extents 16x16 channels 4 head mixture multiple 2 context 0"},
    {"ardm.layout", "extents 1x16 channels 3 head mixture multiple 64 context 0"},
    {"ardm.layout", "extents 1x20000 channels 3 head direct multiple 64 context 0"},
    {"ardm.layout", "extents 20000x1 channels 3 head mixture multiple 64 context 19999"},
    {"ardm.layout", "extents 16x16 channels 3 head mixture multiple 1 context 15"},
    {"ardm.layout", "extents 16x16 channels 3 head softmax multiple 2 context 0"},
    {"ardm.layout", "extents 16x16 channels 3 head direct multiple 2 context 0"},
    {"ardm.layout", "extents 64 channels 3 head softmax multiple 1 context 32"},
    {"ardm.layout", "extents 64 channels 1 head mixture multiple 1 context 32"},
    {"ardm.layout", "extents 64 channels 1 head softmax multiple 63 context 63"},
    {"ardm.layout", "extents 64 channels 1 head softmax multiple 1 context 0"},
    {"ardm.layout", "extents 1 channels 1 head softmax multiple 1 context 0"},
    {"ardm.layout", "extents 65536 channels 1 head softmax multiple 1 context 65535"},
    {"ardm.layout", "extents -1 channels 1 head softmax multiple 1 context 0"},
    {"ardm.modality", "image 1 grey"},
    {"ardm.modality", "text 1 letters"},
    {"ardm.modality", "text 1 rgb"},
    {"ardm.modality", "audio 1"},
    {"ardm.modality", "image"},
    {"ardm.numerics", "2"},
    {"ardm.numerics", ""},
    {"ardm.format", "2"},
};

START_TEST(wrong_texts) {
    seed s = small_seed(seeds[_i].name, seeds[_i].text, 1);
    ardm_bytes model = model_bytes(seeds[_i].name);
    for (size_t k = 0; k < sizeof lies / sizeof *lies; k++) (void)with_text(&model, lies[k].key, lies[k].value, &s);
    ardm_bytes_free(&model);
    seed_free(&s);
}
END_TEST

START_TEST(every_text) {
    seed s = small_seed(seeds[_i].name, seeds[_i].text, 1);
    ardm_bytes bytes = model_bytes(seeds[_i].name);
    ardm_model *model = NULL;
    uint64_t state = 31;
    OK(ardm_model_parse(&model, bytes.data, bytes.size, LIMIT, "golden"));
    for (uint32_t i = 0; i < ardm_model_key_count(model); i++) {
        const char *key = ardm_model_key(model, i), *value = ardm_model_get(model, key);
        int32_t shown = strcmp(key, "ardm.config") == 0 || strcmp(key, "ardm.training") == 0 || strcmp(key, "ardm.ops") == 0;
        for (int k = 0; k < (shown ? 8 : 110); k++) { /* those three are never read to run a model */
            char *changed = mutate_text(value, &state);
            (void)with_text(&bytes, key, changed, &s);
            free(changed);
        }
    }
    ardm_model_free(&model);
    ardm_bytes_free(&bytes);
    seed_free(&s);
}
END_TEST

START_TEST(every_graph) {
    seed s = small_seed(seeds[_i].name, seeds[_i].text, 1);
    ardm_bytes bytes = model_bytes(seeds[_i].name);
    ardm_model *model = NULL;
    uint64_t state = 41;
    OK(ardm_model_parse(&model, bytes.data, bytes.size, LIMIT, "golden"));
    const char *text = ardm_model_get(model, "ardm.graph");
    char *plain = strip_types(text);
    OK(with_text(&bytes, "ardm.graph", plain, &s));
    for (int k = 0; k < 500; k++) {
        char *changed = mutate_graph(plain, &state);
        (void)with_text(&bytes, "ardm.graph", changed, &s);
        free(changed);
    }
    free(plain);
    ardm_model_free(&model);
    ardm_bytes_free(&bytes);
    seed_free(&s);
}
END_TEST

/* Every tensor with other bytes, types and extents; the header always fits the bytes. */
START_TEST(every_tensor) {
    seed s = small_seed(seeds[_i].name, seeds[_i].text, 1);
    ardm_bytes bytes = model_bytes(seeds[_i].name);
    ardm_model *model = NULL;
    uint64_t state = 51;
    OK(ardm_model_parse(&model, bytes.data, bytes.size, LIMIT, "golden"));
    for (uint32_t i = 0; i < ardm_model_tensor_count(model); i++) {
        int32_t weight = ardm_model_is_weight(model, ardm_model_tensor_at(model, i));
        for (int k = 0; k < (weight ? 12 : 100); k++) {
            static const uint8_t sizes[] = {0, 4, 2, 1, 1, 2, 4, 4, 8};
            ardm_model *other = NULL;
            ardm_bytes changed = {0};
            OK(ardm_model_parse(&other, bytes.data, bytes.size, LIMIT, "golden"));
            const ardm_tensor *old = ardm_model_tensor_at(other, i);
            char name[256];
            snprintf(name, sizeof name, "%s", old->name);
            uint32_t dtype = k % 4 == 0 ? 1 + chance(&state, 8) : old->dtype, rank = old->rank;
            int64_t dim[ARDM_MODEL_MAX_RANK] = {0}, count = 1;
            memcpy(dim, old->dim, sizeof dim);
            if (k % 4 == 1 && rank) dim[chance(&state, rank)] = chance(&state, 70);
            if (k % 8 == 2) rank = chance(&state, 4), dim[0] = dim[1] = dim[2] = 1 + chance(&state, 5);
            for (uint32_t d = 0; d < rank; d++) count *= dim[d];
            uint64_t size = (uint64_t)count * sizes[dtype];
            uint8_t *data = calloc(size + 1, 1);
            memcpy(data, old->data, size < old->bytes ? size : old->bytes);
            for (uint32_t n = k % 4 == 1 ? 0 : 1 + chance(&state, 4); n > 0 && size; n--) {
                uint64_t at = chance(&state, (uint32_t)size);
                data[at] = (uint8_t)(k % 3 ? chance(&state, 256) : chance(&state, 2) * 255);
            }
            if (k == 7)
                OK(ardm_model_remove_tensor(other, name));
            else
                OK(ardm_model_set_tensor(other, name, dtype, rank, dim, data));
            free(data);
            OK(ardm_model_print(&changed, other));
            (void)decode_with(changed.data, changed.size, &s);
            ardm_bytes_free(&changed);
            ardm_model_free(&other);
        }
    }
    ardm_model_free(&model);
    ardm_bytes_free(&bytes);
    seed_free(&s);
}
END_TEST

TCase *model_cases(void) {
    enum { SEEDS = sizeof seeds / sizeof *seeds };
    TCase *cases = tcase_create("models");
    tcase_set_timeout(cases, 600);
    tcase_add_loop_test(cases, every_length, 0, SEEDS);
    tcase_add_loop_test(cases, header_bytes, 0, SEEDS);
    tcase_add_loop_test(cases, wrong_texts, 0, SEEDS);
    tcase_add_loop_test(cases, every_text, 0, SEEDS);
    tcase_add_loop_test(cases, every_graph, 0, SEEDS);
    tcase_add_loop_test(cases, every_tensor, 0, SEEDS);
    return cases;
}
