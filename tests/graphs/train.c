/* A multi-layer perceptron with two hidden layers, trained with adam: every device ends in the same bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { STEPS = 20, ITEMS = 16, GROUP = 4, IN = 20, HIDDEN = 33, CLASSES = 5 };
static const ardm_extent extents[] = {{"N", ITEMS}};

/* The forward part is text, the rest is appended: what a trainer does. */
static ardm_graph *training_graph(void) {
    ardm_graph *graph = parsed("ardm graph 1\n"
                               "graph mlp(%x: f32[N,20], %t: i32[N], %hyper: f32[8], %seed: f32[]) -> %loss, %z {\n"
                               "  %w1 = state f32[20,33] \"w1\"\n  %b1 = state f32[33] \"b1\"\n"
                               "  %w2 = state f32[33,33] \"w2\"\n  %b2 = state f32[33] \"b2\"\n"
                               "  %w3 = state f32[33,5] \"w3\"\n  %b3 = state f32[5] \"b3\"\n"
                               "  %h1 = matmul %x, %w1\n  %p1 = add %h1, %b1\n  %a1 = gelu %p1\n"
                               "  %h2 = matmul %a1, %w2\n  %p2 = add %h2, %b2\n  %a2 = gelu %p2\n"
                               "  %h3 = matmul %a2, %w3\n  %z = add %h3, %b3\n"
                               "  %n, %lse = softmax_nll %z, %t\n  %loss = sum %n\n}\n");
    static const char *const names[] = {"w1", "b1", "w2", "b2", "w3", "b3"};
    ardm_value wrt[6], gradients[6], outs[4];
    for (int k = 0; k < 6; ++k) wrt[k] = ardm_graph_find(graph, names[k]);
    OK(ardm_graph_differentiate(graph, ardm_graph_find(graph, "loss"), ardm_graph_find(graph, "seed"), GROUP, wrt, 6, gradients));
    for (int k = 0; k < 6; ++k) {
        char type[64], name[64];
        ardm_value states[3];
        ardm_graph_value_type(graph, wrt[k], type, sizeof type);
        for (int j = 0; j < 3; ++j) {
            snprintf(name, sizeof name, "%s.%c", names[k], "mva"[j]);
            states[j] = ardm_graph_state(graph, name, type);
        }
        const ardm_value in[] = {wrt[k], states[0], states[1], states[2], gradients[k], ardm_graph_find(graph, "hyper")};
        ardm_graph_node(graph, outs, "adam", in, 6, NULL);
        ardm_graph_update(graph, wrt[k], outs[0]);
        for (int j = 0; j < 3; ++j) ardm_graph_update(graph, states[j], outs[j + 1]);
    }
    OK(ardm_graph_check(graph));
    return graph;
}

static void fill(ardm_binding *binding, int step) {
    float *x = ardm_binding_input(binding, "x"), *hyper = ardm_binding_input(binding, "hyper");
    int32_t *t = ardm_binding_input(binding, "t");
    for (int k = 0; k < ITEMS; ++k) {
        t[k] = (step + k) % CLASSES;
        for (int j = 0; j < IN; ++j) x[k * IN + j] = noise(100 + (uint32_t)step, (uint32_t)(k * IN + j)) * 0.5f + (j % CLASSES == t[k] ? 1.0f : 0.0f);
    }
    const float values[8] = {0x1p-6f, 1, 1, 1, 0x1p4f, 0x1p-3f, 0, 0};
    memcpy(hyper, values, sizeof values);
    *(float *)ardm_binding_input(binding, "seed") = 0x1p4f;
}

/* All states after `steps` steps from `from` (a checkpoint, or NULL for fresh weights), one behind the other. */
static uint8_t *train(ardm_device *device, ardm_graph *graph, const char *disable, int first, int steps, const uint8_t *from, size_t *bytes,
                      float *losses) {
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    options.disable = disable;
    OK(ardm_store_create(&store, device));
    set_noise(store, graph, extents, 1, 3, 0.2f);
    for (uint32_t k = 0; k < ardm_store_count(store); ++k) {
        const char *name = ardm_store_name(store, k);
        const ardm_shape shape = *ardm_store_shape(store, name);
        if (from) {
            OK(ardm_store_restore(store, name, &shape, from));
            from += ardm_shape_bytes(&shape);
        } else if (strchr(name, '.')) {
            OK(ardm_store_set(store, name, &shape, NULL));
        }
    }
    OK(ardm_bind(&binding, graph, store, extents, 1, &options));
    for (int step = first; step < first + steps; ++step) {
        fill(binding, step);
        OK(ardm_run(binding));
        if (losses) losses[step] = *(const float *)ardm_binding_output(binding, "loss");
    }
    *bytes = 0;
    for (uint32_t k = 0; k < ardm_store_count(store); ++k) *bytes += ardm_shape_bytes(ardm_store_shape(store, ardm_store_name(store, k)));
    uint8_t *all = malloc(*bytes), *at = all;
    for (uint32_t k = 0; k < ardm_store_count(store); ++k) {
        const char *name = ardm_store_name(store, k);
        OK(ardm_store_get(store, name, at));
        at += ardm_shape_bytes(ardm_store_shape(store, name));
    }
    ardm_binding_free(&binding);
    ardm_store_free(&store);
    return all;
}

START_TEST(devices_train_to_the_same_bytes) {
    ardm_graph *graph = training_graph();
    float losses[STEPS];
    size_t bytes, others;
    uint8_t *expected = train(reference_device(), graph, NULL, 0, STEPS, NULL, &bytes, losses);
    ck_assert_uint_eq(bytes, 4 * 4 * (IN * HIDDEN + HIDDEN + HIDDEN * HIDDEN + HIDDEN + HIDDEN * CLASSES + CLASSES));
    ck_assert_float_lt(losses[STEPS - 1], 0.5f * losses[0]); /* it learns */
    for (int k = 0; device_at(k); ++k) {
        uint8_t *got = train(device_at(k), graph, NULL, 0, STEPS, NULL, &others, NULL);
        ck_assert_uint_eq(bytes, others);
        ck_assert_msg(memcmp(expected, got, bytes) == 0, "%s ends in other bytes", ardm_device_name(device_at(k)));
        free(got);
    }
    free(expected);
    ardm_graph_free(&graph);
}
END_TEST

START_TEST(passes_and_text_train_to_the_same_bytes) {
    static const char *const off[] = {"simplify", "in-place", "fold,common,dead,in-place"};
    ardm_graph *graph = training_graph();
    size_t bytes, others;
    char *text = printed(graph);
    ardm_graph *again = parsed(text);
    uint8_t *expected = train(device_at(0), graph, NULL, 0, 5, NULL, &bytes, NULL);
    for (int k = 0; k < 4; ++k) {
        uint8_t *got = train(device_at(0), k < 3 ? graph : again, k < 3 ? off[k] : NULL, 0, 5, NULL, &others, NULL);
        ck_assert_msg(bytes == others && memcmp(expected, got, bytes) == 0, "without %s: other bytes", k < 3 ? off[k] : "the builder");
        free(got);
    }
    free(expected);
    free(text);
    ardm_graph_free(&again);
    ardm_graph_free(&graph);
}
END_TEST

/* A checkpoint is the store: stop after 7 steps, go on in a new store. */
START_TEST(resume_gives_the_same_bytes) {
    ardm_graph *graph = training_graph();
    size_t bytes, others;
    uint8_t *expected = train(device_at(0), graph, NULL, 0, 12, NULL, &bytes, NULL);
    uint8_t *checkpoint = train(device_at(0), graph, NULL, 0, 7, NULL, &others, NULL);
    uint8_t *resumed = train(device_at(0), graph, NULL, 7, 5, checkpoint, &others, NULL);
    ck_assert_int_ne(memcmp(expected, checkpoint, bytes), 0);
    ck_assert(bytes == others && memcmp(expected, resumed, bytes) == 0);
    free(expected);
    free(checkpoint);
    free(resumed);
    ardm_graph_free(&graph);
}
END_TEST

/* Optimiser ops write their states in place: no copy in a step. */
START_TEST(a_step_copies_nothing) {
    ardm_graph *graph = training_graph();
    for (int k = 0; device_at(k); ++k) {
        ardm_store *store = NULL;
        ardm_binding *binding = NULL;
        OK(ardm_store_create(&store, device_at(k)));
        set_noise(store, graph, extents, 1, 3, 0.2f);
        OK(ardm_bind(&binding, graph, store, extents, 1, NULL));
        fill(binding, 0);
        OK(ardm_run(binding));
        ardm_queue_counts before = ardm_device_counts(device_at(k));
        OK(ardm_run(binding));
        ardm_queue_counts after = ardm_device_counts(device_at(k));
        ck_assert_uint_eq(after.copies - before.copies, 0);
        ck_assert_uint_eq(after.waits - before.waits, 1);
        ardm_binding_free(&binding);
        ardm_store_free(&store);
    }
    ardm_graph_free(&graph);
}
END_TEST

TCase *train_cases(void) {
    TCase *test = tcase_create("train");
    tcase_add_test(test, devices_train_to_the_same_bytes);
    tcase_add_test(test, passes_and_text_train_to_the_same_bytes);
    tcase_add_test(test, resume_gives_the_same_bytes);
    tcase_add_test(test, a_step_copies_nothing);
    return test;
}
