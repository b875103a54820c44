/* Models that were changed on purpose, through opening and decoding. The safetensors reader alone is tested in tests/method/host_model.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/recipe.h"
#include "mutate.h"

static const struct {
    const char *name;
    int32_t text;
} seeds[] = {{"tiles", 0}, {"staged", 0}, {"bytes", 1}};

/* Opens the bytes as a model file. */
static ardm_status open_bytes(ardm_predictor *predictor, const void *data, size_t size) {
    ardm_model *model = NULL;
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, data, size);
    watch();
    ardm_status status = ardm_model_parse(&model, exact, size, LIMIT, "hostile");
    if (status == ARDM_OK && (status = ardm_model_check(model, "hostile")) != ARDM_OK) ardm_model_free(&model);
    if (status == ARDM_OK) status = ardm_predictor_open(predictor, model, reference(), LIMIT);
    judge(status, "model");
    free(exact);
    return status;
}

/* Takes the bytes for a model file, opens it and decodes with it an archive of the unchanged model. */
static ardm_status decode_with(const void *data, size_t size, const seed *s) {
    ardm_predictor predictor;
    ardm_status status = open_bytes(&predictor, data, size);
    if (status != ARDM_OK) return status;
    status = attempt(s->archive.data, s->archive.size, &predictor, 1, s);
    /* The other ways into a model: its budgets, and the tasks that no archive starts. */
    ardm_budget budget;
    watch();
    if (ardm_budget_choose(&budget, predictor.model, predictor.session, 0) == ARDM_OK) ardm_budget_free(&budget);
    for (uint32_t i = 0; i < ARDM_MODEL_MAX_SCHEDULES; i++)
        if (ardm_budget_frozen(&budget, predictor.model, predictor.session, i) == ARDM_OK) ardm_budget_free(&budget);
    ardm_layout layout = ardm_session_layout(predictor.session);
    for (uint32_t d = 0; layout.rank == 2 && d < 2; d++)
        if (layout.extent[d] > 4) layout.extent[d] = 4; /* pictures have any size, and a small one is soon done */
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

/* A whole model of the golden one's kind with a network of a few thousand weights, all 0: the format's every place, and few of them. */
static void tiny_model(ardm_bytes *out, const char *name) {
    char file[64];
    snprintf(file, sizeof file, "%s.ini", name);
    ardm_bytes config = golden(file), bytes = model_bytes(name), text = {0};
    ardm_recipe *recipe = NULL;
    ardm_process *process = NULL;
    ardm_graph *graph = NULL;
    ardm_model *model = NULL;
    OK(ardm_recipe_parse(&recipe, file, (const char *)config.data, config.size));
    OK(ardm_recipe_resolve(recipe, 256, strcmp(recipe->modality, "image") == 0 ? 3 : 1, &process));
    recipe->network.width = recipe->network.stem = 4;
    recipe->network.groups = 2;
    recipe->network.heads = recipe->network.layers = 1;
    OK(ardm_network_graph(&graph, &recipe->network));
    OK(ardm_graph_print(&text, graph));
    OK(ardm_model_parse(&model, bytes.data, bytes.size, LIMIT, name));
    OK(ardm_model_set_graph(model, (const char *)text.data));
    for (uint32_t i = ardm_model_tensor_count(model); i-- > 0;) {
        const ardm_tensor *t = ardm_model_tensor_at(model, i);
        char tensor[256];
        snprintf(tensor, sizeof tensor, "%s", t->name);
        if (ardm_model_is_weight(model, t) || strncmp(tensor, "curve.", 6) == 0) OK(ardm_model_remove_tensor(model, tensor));
    }
    for (uint32_t i = 0; i < ardm_graph_state_count(graph); i++) {
        const ardm_value value = ardm_graph_state_at(graph, i);
        const ardm_shape *shape = ardm_graph_value_shape(graph, value);
        void *zeros = calloc((size_t)ardm_shape_bytes(shape) + 1, 1);
        OK(ardm_model_set_tensor(model, ardm_graph_value_name(graph, value), ARDM_STORED_BF16, shape->rank, shape->dim, zeros));
        free(zeros);
    }
    OK(ardm_model_print(out, model));
    ardm_model_free(&model);
    ardm_graph_free(&graph);
    ardm_process_free(&process);
    ardm_recipe_free(&recipe);
    ardm_bytes_free(&config);
    ardm_bytes_free(&bytes);
    ardm_bytes_free(&text);
}

/* The whole file opens and no shorter one does, nor one with a byte behind it. */
START_TEST(every_length) {
    ardm_predictor predictor;
    ardm_bytes model = {0};
    tiny_model(&model, seeds[_i].name);
    OK(open_bytes(&predictor, model.data, model.size));
    ardm_predictor_close(&predictor);
    for (size_t n = 0; n < model.size; n++) {
        ck_assert_int_eq(open_bytes(&predictor, model.data, n), ARDM_EFORMAT);
        ck_assert_msg(strncmp(ardm_message(), "model hostile: ", 15) == 0, "%zu bytes: %s", n, ardm_message());
    }
    OK(ardm_bytes_append(&model, "", 1));
    ck_assert_int_eq(open_bytes(&predictor, model.data, model.size), ARDM_EFORMAT);
    ardm_bytes_free(&model);
}
END_TEST

/* Trained models: every length of the header, and in the tensors their begins and ends, beside which nothing is told apart. */
START_TEST(golden_lengths) {
    seed s = small_seed(seeds[_i].name, seeds[_i].text, 1);
    ardm_bytes bytes = model_bytes(seeds[_i].name);
    ardm_model *model = NULL;
    OK(decode_with(bytes.data, bytes.size, &s));
    OK(ardm_model_parse(&model, bytes.data, bytes.size, LIMIT, "golden"));
    const size_t header = header_of(&bytes);
    for (size_t n = 0; n < 8 + header; n++) ck_assert_int_eq(decode_with(bytes.data, n, &s), ARDM_EFORMAT);
    for (uint32_t i = 0; i < ardm_model_tensor_count(model); i++) {
        const ardm_tensor *t = ardm_model_tensor_at(model, i);
        size_t begin = 0; /* each tensor's bytes, looked for in the file */
        while (begin + t->bytes <= bytes.size - 8 - header && memcmp(bytes.data + 8 + header + begin, t->data, t->bytes) != 0) begin++;
        for (size_t k = 0; k < 3; k++) {
            const size_t n = 8 + header + begin + (t->bytes ? k : 0);
            if (n < bytes.size) ck_assert_int_eq(decode_with(bytes.data, n, &s), ARDM_EFORMAT);
        }
    }
    ardm_model_free(&model);
    ardm_bytes_free(&bytes);
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
    {"ardm.ops", ""},
    {"ardm.ops", "matmul@1"},
    {"ardm.ops", "org.example.op@1"},
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

/* An op whose version is not this program's computes other bits: refused by name, whichever of the list it is. */
START_TEST(other_versions) {
    ardm_bytes bytes = model_bytes(seeds[_i].name);
    ardm_model *model = NULL;
    OK(ardm_model_parse(&model, bytes.data, bytes.size, LIMIT, "golden"));
    const char *ops = ardm_model_get(model, "ardm.ops");
    int refused = 0;
    for (const char *at = ops; (at = strchr(at, '@')) != NULL; at++, refused++) {
        char changed[4096];
        ardm_model *other = NULL;
        ardm_bytes printed = {0};
        ardm_predictor predictor;
        ck_assert_int_lt(snprintf(changed, sizeof changed, "%s", ops), (int)sizeof changed);
        changed[at + 1 - ops]++; /* versions have one digit so far */
        OK(ardm_model_parse(&other, bytes.data, bytes.size, LIMIT, "golden"));
        OK(ardm_model_set(other, "ardm.ops", changed));
        OK(ardm_model_print(&printed, other));
        ck_assert_int_eq(open_bytes(&predictor, printed.data, printed.size), ARDM_EUNSUPPORTED);
        ck_assert_msg(strstr(ardm_message(), "which computes other bits") != NULL, "%s", ardm_message());
        ardm_bytes_free(&printed);
        ardm_model_free(&other);
    }
    ck_assert_int_gt(refused, 10);
    ardm_model_free(&model);
    ardm_bytes_free(&bytes);
}
END_TEST

/* Facts that are shown and never read to run a model. */
static int32_t is_shown(const char *key) { return strcmp(key, "ardm.config") == 0 || strcmp(key, "ardm.training") == 0; }

/* A changed fact is kept to the byte, changes no identity, and the model goes on to decode what it did. */
static void changed_fact(const ardm_bytes *bytes, const char *key, const char *value, const seed *s, const ardm_sha256 *identity) {
    ardm_model *model = NULL;
    ardm_predictor predictor;
    ardm_bytes changed = {0};
    OK(ardm_model_parse(&model, bytes->data, bytes->size, LIMIT, "golden"));
    OK(ardm_model_set(model, key, value));
    OK(ardm_model_print(&changed, model));
    OK(open_bytes(&predictor, changed.data, changed.size));
    ck_assert_str_eq(ardm_model_get(predictor.model, key), value);
    ck_assert_mem_eq(predictor.identity.bytes, identity->bytes, sizeof identity->bytes);
    OK(attempt(s->archive.data, s->archive.size, &predictor, 0, s));
    ardm_predictor_close(&predictor);
    ardm_bytes_free(&changed);
    ardm_model_free(&model);
}

START_TEST(every_text) {
    seed s = small_seed(seeds[_i].name, seeds[_i].text, 1);
    ardm_bytes bytes = model_bytes(seeds[_i].name);
    ardm_model *model = NULL;
    ardm_sha256 identity;
    uint64_t state = 31;
    OK(ardm_model_parse(&model, bytes.data, bytes.size, LIMIT, "golden"));
    OK(ardm_model_identity(model, &identity));
    int n_shown = 0;
    for (uint32_t i = 0; i < ardm_model_key_count(model); i++) {
        const char *key = ardm_model_key(model, i), *value = ardm_model_get(model, key);
        n_shown += is_shown(key);
        for (int k = 0; k < 110; k++) {
            char *changed = mutate_text(value, &state);
            if (is_shown(key))
                changed_fact(&bytes, key, changed, &s, &identity);
            else
                (void)with_text(&bytes, key, changed, &s);
            free(changed);
        }
    }
    ck_assert_int_eq(n_shown, 2);
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

/* One field of the JSON header is another text, and the length before it is made right again. */
static void changed_field(const ardm_bytes *bytes, const char *field, uint64_t *state, const seed *s, int *refused) {
    static const char *const texts[] = {"\"F32\"",
                                        "\"BF16\"",
                                        "\"I8\"",
                                        "\"U8\"",
                                        "\"I32\"",
                                        "\"F64\"",
                                        "\"F16\"",
                                        "\"\"",
                                        "null",
                                        "{}",
                                        "[]",
                                        "[0]",
                                        "[1]",
                                        "[1,1]",
                                        "[-1,1]",
                                        "[0,0]",
                                        "[0,1]",
                                        "[1,0]",
                                        "7",
                                        "true",
                                        "[4294967296,4294967296]",
                                        "[9223372036854775807,2]",
                                        "[0,18446744073709551615]",
                                        "[1.5,2]",
                                        "[\"0\",\"4\"]",
                                        "[1,1,1,1,1,1,1,1,1]",
                                        "-0",
                                        "1e3"};
    const size_t length = header_of(bytes);
    char mark[32], *header = calloc(length + 1, 1);
    const char *at = header;
    memcpy(header, bytes->data + 8, length);
    snprintf(mark, sizeof mark, "\"%s\":", field);
    size_t n = 0;
    while ((at = strstr(at, mark)) != NULL) n++, at++;
    ck_assert_uint_gt(n, 2);
    at = header;
    for (size_t k = chance(state, (uint32_t)n) + 1; k > 0; k--) at = strstr(at, mark) + strlen(mark);
    const size_t old = *at == '[' ? strcspn(at, "]") + 1 : *at == '"' ? strcspn(at + 1, "\"") + 2 : 1;
    char with[80];
    snprintf(with, sizeof with, "%.*s", (int)(old < 60 ? old : 60), at);
    if (chance(state, 2)) {
        char *other = mutate_text(with, state);
        snprintf(with, sizeof with, "%s", other);
        free(other);
    } else {
        snprintf(with, sizeof with, "%s", texts[chance(state, sizeof texts / sizeof *texts)]);
    }
    const int32_t same = strlen(with) == old && memcmp(with, at, old) == 0;
    const uint64_t longer = length - old + strlen(with);
    ardm_bytes changed = {0};
    OK(ardm_bytes_append(&changed, &longer, 8));
    OK(ardm_bytes_append(&changed, header, (size_t)(at - header)));
    OK(ardm_bytes_append(&changed, with, strlen(with)));
    OK(ardm_bytes_append(&changed, at + old, length - (size_t)(at - header) - old));
    OK(ardm_bytes_append(&changed, bytes->data + 8 + length, bytes->size - 8 - length));
    const ardm_status status = decode_with(changed.data, changed.size, s);
    if (same) ck_assert_int_eq(status, ARDM_OK);
    *refused += status != ARDM_OK;
    ardm_bytes_free(&changed);
    free(header);
}

START_TEST(tensor_fields) {
    static const char *const fields[] = {"dtype", "shape", "data_offsets"};
    seed s = small_seed(seeds[_i].name, seeds[_i].text, 1);
    ardm_bytes bytes = model_bytes(seeds[_i].name);
    uint64_t state = 45;
    for (size_t f = 0; f < 3; f++) {
        int refused = 0;
        for (int k = 0; k < 160; k++) changed_field(&bytes, fields[f], &state, &s, &refused);
        ck_assert_int_gt(refused, 130); /* the rest say the same in other words, or change facts beside the network */
    }
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
    tcase_add_loop_test(cases, golden_lengths, 0, SEEDS);
    tcase_add_loop_test(cases, header_bytes, 0, SEEDS);
    tcase_add_loop_test(cases, wrong_texts, 0, SEEDS);
    tcase_add_loop_test(cases, other_versions, 0, SEEDS);
    tcase_add_loop_test(cases, every_text, 0, SEEDS);
    tcase_add_loop_test(cases, every_graph, 0, SEEDS);
    tcase_add_loop_test(cases, tensor_fields, 0, SEEDS);
    tcase_add_loop_test(cases, every_tensor, 0, SEEDS);
    return cases;
}
