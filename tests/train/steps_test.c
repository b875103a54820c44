/* Every network trained for some steps on every device: identical weights, moments and averages in bytes, a falling loss, and
 * counts of launches, waits, builds and allocations that do not grow. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/exact.h"
#include "ardm/file.h"
#include "ardm/objective.h"
#include "ardm/philox.h"
#include "ardm/program.h"

enum { BATCH = 8, GROUP = 4, STEPS = 20 };

static const ardm_network unet = {.size = sizeof(ardm_network),
                                  .kind = ARDM_NETWORK_UNET,
                                  .head = ARDM_HEAD_MIXTURE,
                                  .classes = 256,
                                  .stages = 1,
                                  .base = 256,
                                  .family = "absorbing",
                                  .channels = 3,
                                  .width = 20,
                                  .layers = 2,
                                  .heads = 2,
                                  .mixtures = 3,
                                  .streams = 1,
                                  .stem = 10,
                                  .groups = 4,
                                  .scales = 2,
                                  .down = 2};
static const ardm_network staged = {.size = sizeof(ardm_network),
                                    .kind = ARDM_NETWORK_UNET,
                                    .head = ARDM_HEAD_DIRECT,
                                    .classes = 256,
                                    .stages = 4,
                                    .base = 4,
                                    .family = "zero-least-significant",
                                    .channels = 3,
                                    .width = 20,
                                    .layers = 2,
                                    .heads = 2,
                                    .streams = 1,
                                    .stem = 10,
                                    .groups = 4,
                                    .scales = 2,
                                    .down = 1};
static const ardm_network text = {.size = sizeof(ardm_network),
                                  .kind = ARDM_NETWORK_TRANSFORMER,
                                  .head = ARDM_HEAD_SOFTMAX,
                                  .classes = 27,
                                  .stages = 1,
                                  .base = 27,
                                  .family = "absorbing",
                                  .channels = 1,
                                  .width = 32,
                                  .layers = 2,
                                  .heads = 2,
                                  .streams = 2,
                                  .context = 2,
                                  .buckets = 64};

static const ardm_network sound = {.size = sizeof(ardm_network),
                                   .kind = ARDM_NETWORK_DIFFWAVE,
                                   .head = ARDM_HEAD_MIXTURE,
                                   .classes = 256,
                                   .stages = 1,
                                   .base = 256,
                                   .family = "absorbing",
                                   .channels = 1,
                                   .width = 20,
                                   .layers = 4,
                                   .mixtures = 3,
                                   .streams = 1,
                                   .scales = 5,
                                   .cycle = 3};

static const ardm_network samples = {.size = sizeof(ardm_network),
                                     .kind = ARDM_NETWORK_DIFFWAVE,
                                     .head = ARDM_HEAD_CDF,
                                     .classes = 65536,
                                     .stages = 2,
                                     .base = 256,
                                     .family = "zero-least-significant",
                                     .channels = 1,
                                     .width = 20,
                                     .layers = 4,
                                     .mixtures = 3,
                                     .streams = 1,
                                     .scales = 5,
                                     .cycle = 3};

/* The paper's layers. */
static const ardm_network paper_unet = {sizeof(ardm_network),
                                        .kind = ARDM_NETWORK_UNET,
                                        .head = ARDM_HEAD_DIRECT,
                                        .classes = 16,
                                        .stages = 2,
                                        .base = 4,
                                        .family = "zero-least-significant",
                                        .inputs = 16,
                                        .channels = 3,
                                        .width = 12,
                                        .layers = 1,
                                        .heads = 1,
                                        .streams = 1,
                                        .stem = 8,
                                        .groups = 2,
                                        .down = 2,
                                        .paper = 1,
                                        .embedding = 3,
                                        .every = 1};
static const ardm_network paper_text = {sizeof(ardm_network),
                                        .kind = ARDM_NETWORK_TRANSFORMER,
                                        .head = ARDM_HEAD_SOFTMAX,
                                        .classes = 9,
                                        .stages = 1,
                                        .base = 9,
                                        .family = "absorbing",
                                        .channels = 1,
                                        .width = 16,
                                        .layers = 1,
                                        .heads = 2,
                                        .streams = 1,
                                        .paper = 1,
                                        .timed = 1};
static const ardm_network paper_sound = {sizeof(ardm_network),
                                         .kind = ARDM_NETWORK_DIFFWAVE,
                                         .head = ARDM_HEAD_CDF,
                                         .classes = 65536,
                                         .stages = 2,
                                         .base = 256,
                                         .family = "zero-least-significant",
                                         .inputs = 65536,
                                         .channels = 1,
                                         .width = 12,
                                         .layers = 3,
                                         .mixtures = 3,
                                         .streams = 1,
                                         .stem = 8,
                                         .cycle = 2,
                                         .paper = 1,
                                         .embedding = 2};

static void check(ardm_status status) { ck_assert_msg(status == ARDM_OK, "%s", ardm_message()); }

/* Every state of the step graph, started as training starts it. */
static void start(ardm_store *store, const ardm_graph *graph) {
    for (uint32_t i = 0; i < ardm_graph_state_count(graph); i++) {
        ardm_value value = ardm_graph_state_at(graph, i);
        const char *name = ardm_graph_value_name(graph, value), *dot = strrchr(name, '.');
        const ardm_shape *shape = ardm_graph_value_shape(graph, value);
        float *data = calloc((size_t)ardm_shape_count(shape), sizeof *data);
        char base[128];
        snprintf(base, sizeof base, "%s", name);
        if (strcmp(dot, ".average") == 0) base[dot - name] = 0;
        if (strcmp(dot, ".m") != 0 && strcmp(dot, ".v") != 0) ardm_network_initialise(data, base, shape, 7);
        check(ardm_store_set(store, name, shape, data));
        free(data);
    }
}

static uint32_t word(uint32_t step, uint32_t what, uint32_t index) { return ardm_random_word(3, ARDM_RANDOM_SYNTHETIC, what, step, index); }

static void fill(ardm_binding *binding, const ardm_network *net, uint32_t step) {
    int32_t *symbols = ardm_binding_input(binding, "symbols"), *stage = ardm_binding_input(binding, "stage"),
            *block = ardm_binding_input(binding, "block");
    uint8_t *state = ardm_binding_input(binding, "state");
    float *weight = ardm_binding_input(binding, "weight"), *time = ardm_binding_input(binding, "time");
    uint32_t units = (uint32_t)(ardm_shape_count(ardm_binding_shape(binding, "symbols")) / BATCH);
    for (uint32_t i = 0; i < BATCH; i++) {
        uint32_t last = word(step, 1, i) % (uint32_t)net->classes;
        stage[i] = (int32_t)(word(step, 2, i) % (uint32_t)net->stages);
        time[i] = (float)(word(step, 3, i) >> 8) * 0x1p-24f;
        if (block) block[i] = (int32_t)(1 + word(step, 4, i) % 5);
        for (uint32_t u = 0; u < units; u++) { /* a slow random walk: something to learn */
            size_t at = (size_t)i * units + u;
            last = (last + word(step, 5, (uint32_t)at) % 3 + (uint32_t)net->classes - 1) % (uint32_t)net->classes;
            symbols[at] = (int32_t)last;
            state[at] = (uint8_t)(word(step, 6, (uint32_t)at) % 3);
            weight[at] = state[at] == 0 ? 1.0f / (float)(BATCH * units) : 0;
        }
    }
    *(float *)ardm_binding_input(binding, "rate") = 0x1p-9f;
    uint32_t *key = ardm_binding_input(binding, "key");
    ck_assert_int_eq(key != NULL, net->dropout > 0);
    if (key) {
        key[0] = 7, key[1] = 0, key[2] = step;
        *(int32_t *)ardm_binding_input(binding, "first") = 40;
    }
    *(float *)ardm_binding_input(binding, "limit") = 1;
    *(float *)ardm_binding_input(binding, "c1") = 1;
    *(float *)ardm_binding_input(binding, "c2") = 1;
    *(float *)ardm_binding_input(binding, "average") = 0x1p-3f;
}

/* Trains and digests every state. */
static void train(ardm_sha256 *out, const ardm_network *net, const char *device_name, float losses[STEPS], const char *disable) {
    ardm_device *device = NULL;
    ardm_store *store = NULL;
    ardm_graph *graph = NULL;
    ardm_binding *binding = NULL;
    ardm_identity *identity = NULL;
    ardm_objective objective = {GROUP, 0.9, 0.98, 1e-8, 0.01, 10};
    check(ardm_device_open(&device, device_name));
    check(ardm_store_create(&store, device));
    check(ardm_objective_train(&graph, net, &objective));
    start(store, graph);
    ardm_extent image[3] = {{"N", BATCH}, {"H", 8}, {"W", 12}}, line[2] = {{"N", BATCH}, {"L", 21}};
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    options.disable = disable;
    int unet_kind = net->kind == ARDM_NETWORK_UNET;
    check(ardm_bind(&binding, graph, store, unet_kind ? image : line, unet_kind ? 3 : 2, &options));
    ardm_queue_counts before = {0}, after = {0};
    uint64_t allocated = 0;
    uint32_t builds = 0;
    for (uint32_t step = 0; step < STEPS; step++) {
        fill(binding, net, step % 2); /* few batches: something to learn in few steps */
        if (step == 1) {
            before = ardm_device_counts(device);
            allocated = ardm_device_allocated(device);
            builds = ardm_device_builds(device);
        }
        check(ardm_run(binding));
        losses[step] = *(const float *)ardm_binding_output(binding, "loss");
        ck_assert_msg(isfinite(losses[step]), "step %u: loss is not finite", step);
        ck_assert_int_eq(*(const int32_t *)ardm_binding_output(binding, "hold"), 0);
    }
    after = ardm_device_counts(device);
    ck_assert_uint_eq(after.waits - before.waits, STEPS - 1);
    ck_assert_uint_eq(after.writes - before.writes, STEPS - 1);
    if (!ardm_device_is_reference(device)) /* what was recorded, and nothing else */
        ck_assert_uint_eq(after.launches + after.copies - before.launches - before.copies,
                          (uint64_t)(STEPS - 1) * ardm_binding_facts(binding)->launches);
    ck_assert_uint_eq(ardm_device_allocated(device), allocated);
    ck_assert_uint_eq(ardm_device_builds(device), builds);
    check(ardm_identity_begin(&identity));
    uint64_t parameters = 0;
    for (uint32_t i = 0; i < ardm_store_count(store); i++) {
        const char *name = ardm_store_name(store, i);
        const ardm_shape *shape = ardm_store_shape(store, name);
        void *data = malloc((size_t)ardm_shape_bytes(shape) + 1);
        check(ardm_store_get(store, name, data));
        ardm_identity_field(identity, data, (size_t)ardm_shape_bytes(shape));
        parameters += (uint64_t)ardm_shape_count(shape);
        free(data);
    }
    ardm_identity_end(&identity, out);
    char hex[65];
    ardm_sha256_hex(out, hex);
    static const char *const kinds[] = {"", "transformer", "unet", "diffwave"};
    printf("%s on %s: %llu parameters, %.1f launches a step, loss %.4f to %.4f, states %.16s\n", kinds[net->kind], ardm_device_name(device),
           (unsigned long long)(parameters / 4), (double)(after.launches - before.launches) / (STEPS - 1), (double)losses[0],
           (double)losses[STEPS - 1], hex);
    ardm_binding_free(&binding);
    ardm_graph_free(&graph);
    ardm_store_free(&store);
    ardm_device_close(&device);
}

/* The digest of the states, on every device. */
static ardm_sha256 same_everywhere(const ardm_network *net) {
    const ardm_device_entry *entries;
    size_t count;
    ardm_sha256 first, other;
    float losses[STEPS], again[STEPS];
    train(&first, net, "reference", losses, NULL);
    double early = 0, late = 0; /* batches differ: compare quarters of the run */
    for (int i = 0; i < STEPS / 4; i++) {
        early += (double)losses[i];
        late += (double)losses[STEPS - 1 - i];
    }
    ck_assert_msg(late < early, "loss %g does not fall below %g", late, early);
    train(&other, net, "reference", again, "simplify");
    ck_assert_mem_eq(&first, &other, sizeof first);
    check(ardm_device_list(&entries, &count));
    for (size_t i = 0; i < count; i++) {
        char name[32];
        if (entries[i].why || entries[i].facts.device_class == ARDM_CLASS_REFERENCE) continue;
        snprintf(name, sizeof name, "%u:%u", entries[i].facts.platform_index, entries[i].facts.device_index);
        train(&other, net, name, again, NULL);
        ck_assert_mem_eq(&first, &other, sizeof first);
        ck_assert_mem_eq(losses, again, sizeof losses);
    }
    return first;
}

START_TEST(test_unet) { same_everywhere(&unet); }
END_TEST
START_TEST(test_staged) { same_everywhere(&staged); }
END_TEST
START_TEST(test_diffwave) { same_everywhere(&sound); }
END_TEST
START_TEST(test_samples) { same_everywhere(&samples); }
END_TEST
START_TEST(test_transformer) { same_everywhere(&text); }
END_TEST
START_TEST(test_paper_unet) { same_everywhere(&paper_unet); }
END_TEST
START_TEST(test_paper_text) { same_everywhere(&paper_text); }
END_TEST
START_TEST(test_paper_sound) { same_everywhere(&paper_sound); }
END_TEST

/* What is dropped is the same everywhere too, and something is. */
static void drops_everywhere(const ardm_network *net) {
    ardm_network dropping = *net;
    ardm_sha256 without;
    float losses[STEPS];
    dropping.dropout = 0.1;
    const ardm_sha256 with = same_everywhere(&dropping);
    train(&without, net, "reference", losses, NULL);
    ck_assert_mem_ne(&without, &with, sizeof with);
}

START_TEST(test_dropout) {
    static const ardm_network *const networks[] = {&unet, &text, &sound, &paper_unet, &paper_text, &paper_sound};
    drops_everywhere(networks[_i]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("train/steps");
    TCase *tcase = tcase_create("steps");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, test_unet);
    tcase_add_test(tcase, test_staged);
    tcase_add_test(tcase, test_transformer);
    tcase_add_test(tcase, test_diffwave);
    tcase_add_test(tcase, test_samples);
    tcase_add_test(tcase, test_paper_unet);
    tcase_add_test(tcase, test_paper_text);
    tcase_add_test(tcase, test_paper_sound);
    tcase_add_loop_test(tcase, test_dropout, 0, 6);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
