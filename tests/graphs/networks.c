/* Networks as a whole: what must not change a bit of a unit's row, by one thread (graphs/networks-one-thread) or many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/network.h"
#include "support.h"

enum { HIGH = 5, WIDE = 7, CHANNELS = 3, UNITS = HIGH * WIDE * CHANNELS };

/* The rows of one item of 5x7 pixels in a field of `high` x `wide`, void around it. The caller frees them. */
static float *rows_in(ardm_device *device, const ardm_network *network, int64_t high, int64_t wide, size_t *bytes) {
    ardm_graph *graph = NULL;
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    const ardm_extent extents[] = {{"N", 1}, {"H", high}, {"W", wide}, {"R", 128}};
    OK(ardm_network_graph(&graph, network));
    OK(ardm_store_create(&store, device));
    set_noise(store, graph, extents, 4, 5, 0.25f);
    OK(ardm_bind(&binding, graph, store, extents, 4, NULL));
    int32_t *symbols = ardm_binding_input(binding, "symbols"), *rows = ardm_binding_input(binding, "rows");
    uint8_t *state = ardm_binding_input(binding, "state");
    *(int32_t *)ardm_binding_input(binding, "stage") = 1;
    *(float *)ardm_binding_input(binding, "time") = 0.25f;
    for (int64_t i = 0; i < high * wide * CHANNELS; ++i) {
        symbols[i] = (int32_t)(i * 37 % 200); /* what lies in void positions must not matter */
        state[i] = 3;
    }
    for (int64_t k = 0; k < 128; ++k) rows[k] = -1;
    for (int64_t y = 0; y < HIGH; ++y)
        for (int64_t x = 0; x < WIDE; ++x)
            for (int64_t c = 0; c < CHANNELS; ++c) {
                int64_t unit = (y * WIDE + x) * CHANNELS + c, there = (y * wide + x) * CHANNELS + c;
                symbols[there] = (int32_t)(unit * 11 % 256);
                state[there] = (uint8_t)(unit % 4 % 3);
                rows[unit] = (int32_t)there;
            }
    OK(ardm_run(binding));
    int64_t depth = ardm_binding_shape(binding, "z")->dim[2];
    size_t z = (size_t)(UNITS * depth) * sizeof(float), centre = network->head == ARDM_HEAD_MIXTURE ? UNITS * sizeof(float) : 0;
    float *all = malloc(*bytes = z + centre);
    memcpy(all, ardm_binding_output(binding, "z"), z);
    if (centre) memcpy((char *)all + z, ardm_binding_output(binding, "centre"), centre);
    for (int64_t i = 1; i < UNITS * depth; ++i) /* weights are not zero, so the rows differ */
        if (all[i] != all[0]) goto differ;
    ck_abort_msg("every parameter of every unit is %g", (double)all[0]);
differ:
    ardm_binding_free(&binding);
    ardm_store_free(&store);
    ardm_graph_free(&graph);
    return all;
}

/* Extents that were rounded up, by one or by many pixels, at either side: the same rows, with and without attention. */
START_TEST(rounded_extents_change_no_bit) {
    ardm_network network = {sizeof network,
                            .kind = ARDM_NETWORK_UNET,
                            .head = ARDM_HEAD_MIXTURE,
                            .classes = 256,
                            .stages = 1,
                            .base = 256,
                            .family = "absorbing",
                            .channels = CHANNELS,
                            .width = 24,
                            .layers = 2,
                            .heads = 2,
                            .mixtures = 3,
                            .streams = 1,
                            .stem = 8,
                            .groups = 4,
                            .scales = 2,
                            .down = 2};
    static const int64_t fields[][2] = {{6, 10}, {12, 8}, {16, 16}};
    for (int kind = 0; kind < 5; ++kind) { /* as it is, at full resolution, staged without attention; the paper's, and staged with more of it */
        network.down = kind == 1 || kind == 3 ? 1 : 2;
        if (kind == 2) {
            network.family = "zero-least-significant", network.head = ARDM_HEAD_DIRECT;
            network.stages = 2, network.base = 16, network.heads = 0;
        }
        if (kind == 3) {
            network.family = "absorbing", network.head = ARDM_HEAD_SOFTMAX;
            network.stages = 1, network.base = 256, network.heads = 1;
            network.paper = 1, network.embedding = 5, network.stem = 16;
        }
        if (kind == 4) {
            network.family = "zero-least-significant", network.head = ARDM_HEAD_DATA;
            network.stages = 2, network.base = 16, network.every = 2;
        }
        for (int k = 0; device_at(k); ++k) {
            size_t bytes, other;
            float *expected = rows_in(device_at(k), &network, HIGH + network.down - 1, WIDE + network.down - 1, &bytes);
            for (size_t f = 0; f < sizeof fields / sizeof *fields; ++f) {
                float *got = rows_in(device_at(k), &network, fields[f][0], fields[f][1], &other);
                ck_assert_msg(bytes == other && memcmp(expected, got, bytes) == 0, "%s: kind %d rounded to %lldx%lld, rows differ",
                              ardm_device_name(device_at(k)), kind, (long long)fields[f][0], (long long)fields[f][1]);
                free(got);
            }
            free(expected);
        }
    }
}
END_TEST

/* Channel-first orders ask for green where red is decided. A row sees the decided channels of its own pixel, and nothing of what is undecided. */
START_TEST(a_channel_sees_the_decided_ones) {
    const ardm_network network = {sizeof network,
                                  .kind = ARDM_NETWORK_UNET,
                                  .head = ARDM_HEAD_MIXTURE,
                                  .classes = 256,
                                  .stages = 1,
                                  .base = 256,
                                  .family = "absorbing",
                                  .channels = CHANNELS,
                                  .width = 24,
                                  .layers = 1,
                                  .mixtures = 3,
                                  .streams = 1,
                                  .stem = 8,
                                  .groups = 4,
                                  .scales = 2,
                                  .down = 2};
    enum { SIDE = 6, ALL = SIDE * SIDE * CHANNELS, PIXEL = 2 * SIDE + 3 };
    const ardm_extent extents[] = {{"N", 1}, {"H", SIDE}, {"W", SIDE}, {"R", 16}};
    for (int k = 0; device_at(k); ++k) {
        ardm_graph *graph = NULL;
        ardm_store *store = NULL;
        ardm_binding *binding = NULL;
        float rows[3][9];
        OK(ardm_network_graph(&graph, &network));
        OK(ardm_store_create(&store, device_at(k)));
        set_noise(store, graph, extents, 4, 5, 0.25f);
        OK(ardm_bind(&binding, graph, store, extents, 4, NULL));
        int32_t *symbols = ardm_binding_input(binding, "symbols"), *asked = ardm_binding_input(binding, "rows");
        uint8_t *state = ardm_binding_input(binding, "state");
        for (int i = 0; i < 16; ++i) asked[i] = i ? -1 : PIXEL * CHANNELS + 1;
        for (int change = 0; change < 3; ++change) {
            for (int u = 0; u < ALL; ++u) {
                symbols[u] = u * 11 % 256;
                state[u] = u % CHANNELS == 0; /* red is decided, green and blue are not */
            }
            if (change) symbols[PIXEL * CHANNELS + (change == 1 ? 0 : 2)] = 200;
            OK(ardm_run(binding));
            memcpy(rows[change], ardm_binding_output(binding, "z"), sizeof rows[change]);
        }
        ck_assert_msg(memcmp(rows[0], rows[1], sizeof rows[0]) != 0, "%s: green does not see red", ardm_device_name(device_at(k)));
        ck_assert_mem_eq(rows[0], rows[2], sizeof rows[0]);
        ardm_binding_free(&binding);
        ardm_store_free(&store);
        ardm_graph_free(&graph);
    }
}
END_TEST

/* The rows of one item of `length` samples, with void samples behind it. The caller frees them. */
static float *samples_in(ardm_device *device, const ardm_network *network, int64_t length, int64_t padded, size_t *bytes) {
    ardm_graph *graph = NULL;
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    const ardm_extent extents[] = {{"N", 1}, {"L", padded}, {"R", 64}};
    OK(ardm_network_graph(&graph, network));
    OK(ardm_store_create(&store, device));
    set_noise(store, graph, extents, 3, 5, 0.25f);
    OK(ardm_bind(&binding, graph, store, extents, 3, NULL));
    int32_t *symbols = ardm_binding_input(binding, "symbols"), *rows = ardm_binding_input(binding, "rows");
    uint8_t *state = ardm_binding_input(binding, "state");
    *(int32_t *)ardm_binding_input(binding, "stage") = network->stages > 1;
    *(float *)ardm_binding_input(binding, "time") = 0.25f;
    for (int64_t i = 0; i < padded; ++i) { /* what lies in void samples must not matter */
        symbols[i] = (int32_t)((i < length ? i * 1103 : i * 37 + padded) % network->classes);
        state[i] = (uint8_t)(i < length ? i % 4 % 3 : 3);
    }
    for (int64_t k = 0; k < 64; ++k) rows[k] = k < length ? (int32_t)k : -1;
    OK(ardm_run(binding));
    int64_t depth = ardm_binding_shape(binding, "z")->dim[2];
    *bytes = (size_t)(length * depth) * sizeof(float);
    float *all = malloc(*bytes);
    memcpy(all, ardm_binding_output(binding, "z"), *bytes);
    ck_assert_msg(memcmp(all, all + depth, (size_t)depth * sizeof(float)) != 0, "samples 0 and 1 are alike: nothing is compared");
    ardm_binding_free(&binding);
    ardm_store_free(&store);
    ardm_graph_free(&graph);
    return all;
}

static const ardm_network sound = {sizeof(ardm_network),
                                   .kind = ARDM_NETWORK_DIFFWAVE,
                                   .head = ARDM_HEAD_MIXTURE,
                                   .classes = 256,
                                   .stages = 1,
                                   .base = 256,
                                   .family = "absorbing",
                                   .channels = 1,
                                   .width = 24,
                                   .layers = 4,
                                   .mixtures = 3,
                                   .streams = 1,
                                   .scales = 5,
                                   .cycle = 3};

/* The same network over 16-bit samples, two digits of 256 each. */
static ardm_network staged_sound(int32_t head) {
    ardm_network network = sound;
    network.head = head;
    network.classes = 65536, network.stages = 2, network.base = 256;
    network.family = "zero-least-significant";
    return network;
}

static ardm_network paper_sound(int32_t head) {
    ardm_network network = staged_sound(head);
    network.paper = 1, network.embedding = 5, network.stem = 16;
    return network;
}

/* Samples behind the end, from one to more than the network's reach: the same rows. */
START_TEST(void_samples_change_no_bit) {
    enum { LENGTH = 53 };
    static const int64_t padded[] = {54, 64, 131};
    const ardm_network text = {sizeof(ardm_network),
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
                               .streams = 1,
                               .taps = 3};
    const ardm_network networks[] = {sound, staged_sound(ARDM_HEAD_DIRECT), staged_sound(ARDM_HEAD_CDF), paper_sound(ARDM_HEAD_CDF), text};
    for (size_t w = 0; w < sizeof networks / sizeof *networks; ++w)
        for (int k = 0; device_at(k); ++k) {
            size_t bytes, other;
            float *expected = samples_in(device_at(k), &networks[w], LENGTH, LENGTH, &bytes);
            for (size_t f = 0; f < sizeof padded / sizeof *padded; ++f) {
                float *got = samples_in(device_at(k), &networks[w], LENGTH, padded[f], &other);
                ck_assert_msg(bytes == other && memcmp(expected, got, bytes) == 0, "%s: network %zu rounded to %lld samples, rows differ",
                              ardm_device_name(device_at(k)), w, (long long)padded[f]);
                free(got);
            }
            free(expected);
        }
}
END_TEST

/* What a batch of `items` computes; item n is the same for every batch that holds it. The caller frees the outputs. */
static uint8_t *batch_rows(ardm_device *device, const ardm_network *network, int64_t items, int64_t rows, size_t *each) {
    ardm_graph *graph = NULL;
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    const int image = network->kind == ARDM_NETWORK_UNET;
    const ardm_extent extents[] = {{"N", items}, {"R", rows}, {image ? "H" : "L", image ? 6 : 40}, {"W", 8}};
    OK(ardm_network_graph(&graph, network));
    OK(ardm_store_create(&store, device));
    set_noise(store, graph, extents, 4, 5, 0.25f);
    OK(ardm_bind(&binding, graph, store, extents, image ? 4 : 3, NULL));
    const int64_t units = ardm_shape_count(ardm_binding_shape(binding, "symbols")) / items;
    for (int64_t n = 0; n < items; ++n) {
        for (int64_t u = 0; u < units; ++u) {
            ((int32_t *)ardm_binding_input(binding, "symbols"))[n * units + u] = (int32_t)((u * 11 + n * 5) % network->classes);
            ((uint8_t *)ardm_binding_input(binding, "state"))[n * units + u] = (uint8_t)((u + n) % 4 % 3);
        }
        for (int64_t r = 0; r < rows; ++r)
            ((int32_t *)ardm_binding_input(binding, "rows"))[n * rows + r] = r < 13 ? (int32_t)((r * 3 + n) % units) : -1;
        ((int32_t *)ardm_binding_input(binding, "stage"))[n] = 0;
        ((float *)ardm_binding_input(binding, "time"))[n] = 0.03125f * (float)n;
        if (network->streams == 2) ((int32_t *)ardm_binding_input(binding, "block"))[n] = 1 + (int32_t)n % 16;
    }
    OK(ardm_run(binding));
    const ardm_shape *z = ardm_binding_shape(binding, "z");
    *each = (size_t)(13 * z->dim[2]) * sizeof(float);
    uint8_t *all = malloc(*each * (size_t)items);
    for (int64_t n = 0; n < items; ++n)
        memcpy(all + *each * (size_t)n, (const float *)ardm_binding_output(binding, "z") + n * z->dim[1] * z->dim[2], *each);
    ardm_binding_free(&binding);
    ardm_store_free(&store);
    ardm_graph_free(&graph);
    return all;
}

/* Batch, place in it and row capacity, on every device: the bytes of the reference (numerics.md 9). */
START_TEST(batch_and_rows_change_no_bit) {
    const ardm_network networks[] = {
        {sizeof(ardm_network), .kind = ARDM_NETWORK_UNET, .head = ARDM_HEAD_MIXTURE, .classes = 256, .stages = 1, .base = 256, .family = "absorbing",
         .channels = 3, .width = 24, .layers = 2, .heads = 2, .mixtures = 3, .streams = 1, .stem = 8, .groups = 4, .scales = 2, .down = 2},
        {sizeof(ardm_network), .kind = ARDM_NETWORK_TRANSFORMER, .head = ARDM_HEAD_SOFTMAX, .classes = 27, .stages = 1, .base = 27,
         .family = "absorbing", .channels = 1, .width = 32, .layers = 2, .heads = 2, .streams = 2, .context = 2, .buckets = 64},
        {sizeof(ardm_network), .kind = ARDM_NETWORK_UNET, .head = ARDM_HEAD_SOFTMAX, .classes = 256, .stages = 1, .base = 256, .family = "absorbing",
         .channels = 3, .width = 24, .layers = 2, .heads = 1, .streams = 1, .stem = 16, .groups = 4, .down = 1, .paper = 1, .embedding = 5},
        {sizeof(ardm_network), .kind = ARDM_NETWORK_TRANSFORMER, .head = ARDM_HEAD_SOFTMAX, .classes = 27, .stages = 1, .base = 27,
         .family = "absorbing", .channels = 1, .width = 32, .layers = 2, .heads = 2, .streams = 1, .paper = 1, .timed = 1},
        sound,
        staged_sound(ARDM_HEAD_DIRECT),
        staged_sound(ARDM_HEAD_CDF),
        paper_sound(ARDM_HEAD_CDF)};
    static const int64_t batches[] = {1, 3, 8}, capacities[] = {16, 256};
    for (size_t w = 0; w < sizeof networks / sizeof *networks; ++w) {
        size_t each, other;
        uint8_t *expected = batch_rows(reference_device(), &networks[w], 17, 16, &each);
        ck_assert_msg(memcmp(expected, expected + each, each) != 0, "items 0 and 1 are alike: nothing is compared");
        for (int k = 0; device_at(k); ++k)
            for (size_t b = 0; b < 4; ++b)
                for (size_t r = 0; r < 2; ++r) {
                    const int64_t items = b < 3 ? batches[b] : 17;
                    uint8_t *got = batch_rows(device_at(k), &networks[w], items, capacities[r], &other);
                    ck_assert_msg(each == other && memcmp(expected, got, each * (size_t)items) == 0, "%s: network %zu, batch %lld, %lld rows",
                                  ardm_device_name(device_at(k)), w, (long long)items, (long long)capacities[r]);
                    free(got);
                }
        free(expected);
    }
}
END_TEST

TCase *networks_cases(void) {
    TCase *tests = tcase_create("networks");
    tcase_add_test(tests, a_channel_sees_the_decided_ones);
    tcase_add_test(tests, rounded_extents_change_no_bit);
    tcase_add_test(tests, void_samples_change_no_bit);
    tcase_add_test(tests, batch_and_rows_change_no_bit);
    return tests;
}
