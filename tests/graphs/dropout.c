/* Dropout: what p says, apart in seed, step, item and layer, the same however a batch is cut; where networks have it, and that inference has none. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/network.h"
#include "support.h"

enum { ITEMS = 4, SIZE = 8191, LAYERS = 3 };

static const char *const text = "ardm graph 1\n"
                                "graph g(%%x: f32[N,8191], %%key: u32[3], %%first: i32[]) -> %%a, %%b, %%c {\n"
                                "  %%a = dropout %%x, %%key, %%first p=%.17g\n"
                                "  %%b = dropout %%x, %%key, %%first p=%.17g, layer=1\n"
                                "  %%c = dropout %%x, %%key, %%first p=%.17g, layer=16777215\n}\n";

/* Which elements of `items` items from `first` on are kept, a byte each: uint8_t[LAYERS][items][SIZE]. All of x is 1. */
static void masks(uint8_t *kept, ardm_device *device, double p, uint64_t seed, uint32_t step, int32_t first, int64_t items) {
    static const char *const names[LAYERS] = {"a", "b", "c"};
    const ardm_extent extents[] = {{"N", items}};
    const size_t count = (size_t)items * SIZE;
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    char whole[512];
    snprintf(whole, sizeof whole, text, p, p, p);
    ardm_graph *graph = parsed(whole);
    OK(ardm_store_create(&store, device));
    OK(ardm_bind(&binding, graph, store, extents, 1, NULL));
    float *x = ardm_binding_input(binding, "x");
    for (size_t i = 0; i < count; ++i) x[i] = 1;
    const uint32_t key[3] = {(uint32_t)seed, (uint32_t)(seed >> 32), step};
    memcpy(ardm_binding_input(binding, "key"), key, sizeof key);
    *(int32_t *)ardm_binding_input(binding, "first") = first;
    OK(ardm_run(binding));
    for (int layer = 0; layer < LAYERS; ++layer) {
        const float *y = ardm_binding_output(binding, names[layer]);
        for (size_t i = 0; i < count; ++i) {
            ck_assert_msg(y[i] == 0 || fabs((double)y[i] * (1 - p) - 1) < 3 * 0x1p-24, "%g is neither 0 nor 1 / %g", (double)y[i], 1 - p);
            kept[(size_t)layer * count + i] = y[i] != 0;
        }
    }
    ardm_binding_free(&binding);
    ardm_store_free(&store);
    ardm_graph_free(&graph);
}

/* Deviations of a count of `n` draws of probability q. */
static double deviations(double count, double n, double q) { return (count - n * q) / sqrt(n * q * (1 - q)); }

/* Two masks that do not depend on each other agree by chance: kept with q², dropped with (1 - q)². */
static void ck_apart(const uint8_t *a, const uint8_t *b, double n, double q, const char *what) {
    double both = 0;
    for (size_t i = 0; i < (size_t)n; ++i) both += a[i] == b[i];
    const double z = deviations(both, n, q * q + (1 - q) * (1 - q));
    ck_assert_msg(fabs(z) < 5, "masks of two %s agree in %g of %g elements: %.1f deviations", what, both, n, z);
}

/* Every item of every layer, step and seed is a mask of its own that keeps 1 - p of the elements. */
START_TEST(masks_are_of_p_and_apart) {
    static const double all[] = {0.1, 0.5, 0.9};
    enum { STEPS = 2, SEEDS = 2, MASKS = SEEDS * STEPS * LAYERS * ITEMS };
    const double p = all[_i], q = 1 - p;
    uint8_t *kept = malloc((size_t)MASKS * SIZE);
    ck_assert_ptr_nonnull(kept);
    for (size_t run = 0; run < SEEDS * STEPS; ++run) /* seeds that differ in the high word alone, steps one apart */
        masks(kept + run * LAYERS * ITEMS * SIZE, reference_device(), p, (uint64_t)(run / STEPS) << 32 | 5, (uint32_t)(run % STEPS), 3, ITEMS);
    double total = 0;
    for (size_t k = 0; k < MASKS; ++k) {
        double sum = 0, beside = 0;
        const uint8_t *mask = kept + k * SIZE;
        for (size_t i = 0; i < SIZE; ++i) sum += mask[i];
        for (size_t i = 0; i + 1 < SIZE; ++i) beside += mask[i] == mask[i + 1];
        ck_assert_msg(fabs(deviations(sum, SIZE, q)) < 5, "mask %zu keeps %g of %d at p %g", k, sum, SIZE, p);
        /* Neighbours agree as strangers do; each element is in two pairs, which at most doubles the variance of the count of pairs. */
        ck_assert_msg(fabs(deviations(beside, SIZE - 1, q * q + p * p)) < 5 * sqrt(2), "mask %zu: neighbours agree %g times", k, beside);
        total += sum;
        for (size_t other = 0; other < k; ++other) ck_apart(mask, kept + other * SIZE, SIZE, q, "seeds, steps, layers or items");
    }
    ck_assert_msg(fabs(deviations(total, (double)MASKS * SIZE, q)) < 5, "all masks keep %g of %d at p %g", total, MASKS * SIZE, p);
    free(kept);
}
END_TEST

/* Items 3 … 6 of a batch at once, one by one, and on every device: the same elements. */
START_TEST(a_cut_batch_drops_alike) {
    const size_t each = (size_t)ITEMS * SIZE, all = LAYERS * each;
    uint8_t *whole = malloc(all), *part = malloc(all);
    masks(whole, reference_device(), 0.3, 11, 1000000000, 3, ITEMS);
    for (int k = 0; device_at(k); ++k) {
        masks(part, device_at(k), 0.3, 11, 1000000000, 3, ITEMS);
        ck_assert_msg(memcmp(whole, part, all) == 0, "%s drops other elements", ardm_device_name(device_at(k)));
        for (int32_t item = 0; item < ITEMS; ++item) {
            masks(part, device_at(k), 0.3, 11, 1000000000, 3 + item, 1);
            for (size_t layer = 0; layer < LAYERS; ++layer)
                ck_assert_msg(memcmp(whole + layer * each + (size_t)item * SIZE, part + layer * SIZE, SIZE) == 0, "%s: item %d alone differs",
                              ardm_device_name(device_at(k)), 3 + item);
        }
    }
    free(whole);
    free(part);
}
END_TEST

/* The gradient passes what the value passed, by the same factor, and nothing else. */
START_TEST(gradients_take_the_same_mask) {
    ardm_graph *graph =
        parsed("ardm graph 1\ngraph g(%x: f32[N,30], %key: u32[3], %first: i32[], %seed: f32[]) -> %y, %loss {\n"
               "  %w = state f32[30] \"w\"\n  %h = add %x, %w\n  %y = dropout %h, %key, %first p=0.4, layer=7\n  %loss = sum %y\n}\n");
    const ardm_extent extents[] = {{"N", 1}};
    ardm_value w = ardm_graph_find(graph, "w"), gradient;
    OK(ardm_graph_differentiate(graph, ardm_graph_find(graph, "loss"), ardm_graph_find(graph, "seed"), 1, &w, 1, &gradient));
    ardm_graph_output(graph, "dw", gradient);
    for (int k = 0; device_at(k); ++k) {
        ardm_store *store = NULL;
        ardm_binding *binding = NULL;
        int dropped = 0;
        OK(ardm_store_create(&store, device_at(k)));
        set_noise(store, graph, extents, 1, 3, 0.0f);
        OK(ardm_bind(&binding, graph, store, extents, 1, NULL));
        for (int i = 0; i < 30; ++i) ((float *)ardm_binding_input(binding, "x"))[i] = 2;
        memset(ardm_binding_input(binding, "key"), 1, 12);
        *(int32_t *)ardm_binding_input(binding, "first") = 9;
        *(float *)ardm_binding_input(binding, "seed") = 2;
        OK(ardm_run(binding));
        ck_assert_mem_eq(ardm_binding_output(binding, "y"), ardm_binding_output(binding, "dw"), 30 * sizeof(float));
        for (int i = 0; i < 30; ++i) dropped += ((const float *)ardm_binding_output(binding, "y"))[i] == 0;
        ck_assert(dropped > 0 && dropped < 30);
        ardm_binding_free(&binding);
        ardm_store_free(&store);
    }
    ardm_graph_free(&graph);
}
END_TEST

/* Layers of the dropout nodes of a text: how many nodes have each, and none above `most`. */
static void count_layers(const char *printed_text, uint32_t *nodes, uint32_t most) {
    memset(nodes, 0, most * sizeof *nodes);
    for (const char *at = printed_text; (at = strstr(at, " = dropout ")) != NULL; ++at) {
        const char *end = strchr(at, '\n'), *layer = strstr(at, "layer=");
        const unsigned long number = layer && layer < end ? strtoul(layer + 6, NULL, 10) : 0;
        ck_assert_uint_lt(number, most);
        nodes[number]++;
    }
}

static const ardm_network base = {sizeof base, .stages = 1, .base = 16,    .family = "absorbing", .classes = 16, .channels = 1,  .width = 12,
                                  .layers = 3, .heads = 2,  .mixtures = 2, .streams = 1,          .stem = 8,     .groups = 2,    .scales = 2,
                                  .down = 1,   .cycle = 2,  .buckets = 16, .embedding = 3,        .every = 1,    .dropout = 0.25};

/* Each place is a layer of its own, and a graph of inference has none and asks for no key. */
START_TEST(networks_have_it_in_training_alone) {
    static const struct {
        int32_t kind, head, paper;
        uint32_t places;
    } all[] = {{ARDM_NETWORK_TRANSFORMER, ARDM_HEAD_SOFTMAX, 0, 7}, {ARDM_NETWORK_TRANSFORMER, ARDM_HEAD_SOFTMAX, 1, 7},
               {ARDM_NETWORK_UNET, ARDM_HEAD_MIXTURE, 0, 3},        {ARDM_NETWORK_UNET, ARDM_HEAD_SOFTMAX, 1, 9},
               {ARDM_NETWORK_DIFFWAVE, ARDM_HEAD_MIXTURE, 0, 3},    {ARDM_NETWORK_DIFFWAVE, ARDM_HEAD_MIXTURE, 1, 3}};
    ardm_network network = base, plain;
    network.kind = all[_i].kind, network.head = all[_i].head, network.paper = all[_i].paper;
    plain = network;
    plain.dropout = 0;

    ardm_graph *with = NULL, *without = NULL, *training = NULL;
    OK(ardm_network_graph(&with, &network));
    OK(ardm_network_graph(&without, &plain));
    char *expected = printed(without);
    expect_text(with, expected);
    ck_assert_ptr_null(strstr(expected, "dropout"));
    free(expected);

    OK(ardm_graph_create(&training, "training"));
    const int image = network.kind == ARDM_NETWORK_UNET;
    ardm_network_inputs in = {.block = -1, .rows = -1, .expert = -1, .position = -1};
    in.symbols = ardm_graph_input(training, "symbols", image ? "i32[N,H,W,1]" : "i32[N,L]");
    in.state = ardm_graph_input(training, "state", image ? "u8[N,H,W,1]" : "u8[N,L]");
    in.stage = ardm_graph_input(training, "stage", "i32[N]");
    in.time = ardm_graph_input(training, "time", "f32[N]");
    in.key = ardm_graph_input(training, "key", "u32[3]");
    in.first = ardm_graph_input(training, "first", "i32[]");
    ardm_graph_output(training, "z", ardm_network_append(training, &network, &in).z);
    OK(ardm_graph_check(training));
    uint32_t nodes[16];
    char *text_of = printed(training);
    count_layers(text_of, nodes, 16);
    for (uint32_t layer = 0; layer < 16; ++layer)
        ck_assert_msg(nodes[layer] == (layer < all[_i].places), "layer %u has %u nodes", (unsigned)layer, (unsigned)nodes[layer]);
    free(text_of);
    ardm_graph_free(&with);
    ardm_graph_free(&without);
    ardm_graph_free(&training);
}
END_TEST

TCase *dropout_cases(void) {
    TCase *test = tcase_create("dropout");
    tcase_add_loop_test(test, masks_are_of_p_and_apart, 0, 3);
    tcase_add_test(test, a_cut_batch_drops_alike);
    tcase_add_test(test, gradients_take_the_same_mask);
    tcase_add_loop_test(test, networks_have_it_in_training_alone, 0, 6);
    return test;
}
