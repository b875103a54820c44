/* Runs: counts, extents, empty values, suffixes, errors, profile, replay. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "support.h"

static const char net[] = "ardm graph 1\n"
                          "graph net(%x: f32[N,L,8], %t: i32[N,L], %s: f32[]) -> %z, loss=%l {\n"
                          "  %w = state f32[8,5] \"w\"\n  %b = state f32[5] \"b\"\n  %c = state f32[] \"count\"\n"
                          "  %one = constant f32[] {1}\n"
                          "  %h = matmul %x, %w\n  %z = add %h, %b\n  %n, %lse = softmax_nll %z, %t\n  %m = mul %n, %s\n  %l = sum %m\n"
                          "  %k = add %c, %one\n  update %c, %k\n}\n";

static void fill(ardm_binding *binding, uint32_t seed) {
    const ardm_shape *x = ardm_binding_shape(binding, "x"), *t = ardm_binding_shape(binding, "t");
    for (int64_t k = 0; k < ardm_shape_count(x); ++k) ((float *)ardm_binding_input(binding, "x"))[k] = noise(seed, (uint32_t)k);
    for (int64_t k = 0; k < ardm_shape_count(t); ++k) ((int32_t *)ardm_binding_input(binding, "t"))[k] = (int32_t)((k + seed) % 5);
    *(float *)ardm_binding_input(binding, "s") = 0.5f;
}

/* One write, one read, one wait; after the first run nothing is built or allocated. */
START_TEST(a_run_is_counted) {
    const ardm_extent extents[] = {{"N", 6}, {"L", 7}};
    for (int k = 0; device_at(k); ++k) {
        ardm_device *device = device_at(k);
        ardm_graph *graph = parsed(net);
        ardm_store *store = NULL;
        ardm_binding *binding = NULL;
        OK(ardm_store_create(&store, device));
        set_noise(store, graph, extents, 2, 3, 0.5f);
        const float zero = 0;
        OK(ardm_store_set(store, "count", ardm_store_shape(store, "count"), &zero));
        OK(ardm_bind(&binding, graph, store, extents, 2, NULL));
        fill(binding, 1);
        OK(ardm_run(binding));
        uint64_t allocated = ardm_device_allocated(device);
        uint32_t builds = ardm_device_builds(device);
        for (int run = 0; run < 3; ++run) {
            ardm_queue_counts before = ardm_device_counts(device);
            OK(ardm_run(binding));
            ardm_queue_counts after = ardm_device_counts(device);
            ck_assert_uint_eq(after.writes - before.writes, 1);
            ck_assert_uint_eq(after.reads - before.reads, 1);
            ck_assert_uint_eq(after.waits - before.waits, 1);
            ck_assert_uint_eq(after.copies - before.copies, 0);
            ck_assert_uint_eq(after.fills - before.fills, 0);
            if (!ardm_device_is_reference(device)) ck_assert_uint_eq(after.launches - before.launches, ardm_binding_facts(binding)->launches);
            ck_assert_uint_eq(after.bytes_written - before.bytes_written, ardm_binding_facts(binding)->input_bytes);
            ck_assert_uint_eq(after.bytes_read - before.bytes_read, ardm_binding_facts(binding)->output_bytes);
        }
        ck_assert_uint_eq(ardm_device_allocated(device), allocated);
        ck_assert_uint_eq(ardm_device_builds(device), builds);
        float count;
        OK(ardm_store_get(store, "count", &count));
        ck_assert_float_eq(count, 4);
        ardm_binding_free(&binding);
        ardm_store_free(&store);
        ardm_graph_free(&graph);
    }
}
END_TEST

/* Results of one device and one set of disabled passes; the caller frees them. */
static uint8_t *results(ardm_device *device, const char *disable, const ardm_extent *extents, size_t *bytes) {
    ardm_graph *graph = parsed(net);
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    options.disable = disable;
    OK(ardm_store_create(&store, device));
    set_noise(store, graph, extents, 2, 3, 0.5f);
    OK(ardm_bind(&binding, graph, store, extents, 2, &options));
    fill(binding, 9);
    OK(ardm_run(binding));
    OK(ardm_run(binding));
    size_t z = ardm_shape_bytes(ardm_binding_shape(binding, "z"));
    *bytes = z + 8;
    uint8_t *all = calloc(1, *bytes);
    memcpy(all, ardm_binding_output(binding, "z"), z);
    memcpy(all + z, ardm_binding_output(binding, "loss"), 4);
    OK(ardm_store_get(store, "count", all + z + 4));
    ardm_binding_free(&binding);
    ardm_store_free(&store);
    ardm_graph_free(&graph);
    return all;
}

/* Every optional pass off, on every device, at several extents: the same bytes. */
START_TEST(passes_change_no_bit) {
    static const char *const off[] = {"", "simplify", "fold", "common", "dead", "in-place", "simplify,in-place"};
    static const ardm_extent at[][2] = {{{"N", 4}, {"L", 3}}, {{"N", 1}, {"L", 1}}, {{"N", 17}, {"L", 31}}, {{"N", 0}, {"L", 5}}};
    for (size_t e = 0; e < sizeof at / sizeof *at; ++e) {
        size_t bytes, others;
        uint8_t *expected = results(reference_device(), NULL, at[e], &bytes);
        for (int k = 0; device_at(k); ++k)
            for (size_t p = 0; p < sizeof off / sizeof *off; ++p) {
                uint8_t *got = results(device_at(k), off[p], at[e], &others);
                ck_assert_uint_eq(bytes, others);
                ck_assert_msg(memcmp(expected, got, bytes) == 0, "%s without %s", ardm_device_name(device_at(k)), off[p]);
                free(got);
            }
        free(expected);
    }
}
END_TEST

/* Averaged weights by suffix; states without one stay. */
START_TEST(suffix_chooses_states) {
    const ardm_shape shape = {ARDM_F32, 1, {2}};
    const float plain[2] = {1, 2}, average[2] = {3, 4};
    ardm_graph *graph = parsed("ardm graph 1\ngraph g() -> %y {\n  %a = state f32[2] \"a\"\n  %b = state f32[2] \"b\"\n  %y = add %a, %b\n}\n");
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    OK(ardm_store_create(&store, reference_device()));
    OK(ardm_store_set(store, "b", &shape, plain));
    ck_assert_int_eq(ardm_bind(&binding, graph, store, NULL, 0, NULL), ARDM_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(ardm_message(), "state a, f32[2]"));
    OK(ardm_store_set(store, "a", &shape, plain));
    OK(ardm_store_set(store, "a~average", &shape, average));
    options.suffix = "~average";
    OK(ardm_bind(&binding, graph, store, NULL, 0, &options));
    OK(ardm_run(binding));
    ck_assert_float_eq(((const float *)ardm_binding_output(binding, "y"))[0], 4);
    ck_assert_float_eq(((const float *)ardm_binding_output(binding, "y"))[1], 6);
    ardm_binding_free(&binding);
    ck_assert_uint_eq(ardm_store_count(store), 3);
    ck_assert_str_eq(ardm_store_name(store, 1), "a~average");
    ardm_store_free(&store);
    ardm_graph_free(&graph);
}
END_TEST

START_TEST(store_keeps_canonical_values) {
    const ardm_shape shape = {ARDM_F32, 1, {4}}, other = {ARDM_F32, 1, {5}};
    const float given[4] = {1, 0x1p-41f, -0.0f, -0x1p-40f}, kept[4] = {1, 0, 0, -0x1p-40f}, restored[4] = {1, 0x1p-41f, 0, -0x1p-40f};
    const float infinite[4] = {0, INFINITY, 0, 0};
    float got[5];
    for (int k = 0; device_at(k); ++k) {
        ardm_store *store = NULL;
        OK(ardm_store_create(&store, device_at(k)));
        OK(ardm_store_set(store, "s", &shape, given));
        OK(ardm_store_get(store, "s", got));
        ck_assert_mem_eq(got, kept, sizeof kept);
        OK(ardm_store_restore(store, "s", &shape, given));
        OK(ardm_store_get(store, "s", got));
        ck_assert_mem_eq(got, restored, sizeof kept);
        ck_assert_int_eq(ardm_store_set(store, "s", &shape, infinite), ARDM_EINVAL);
        ck_assert_int_eq(ardm_store_set(store, "s", &other, NULL), ARDM_ESHAPE);
        ck_assert_int_eq(ardm_store_get(store, "t", got), ARDM_ENOTFOUND);
        OK(ardm_store_set(store, "t", &other, NULL));
        OK(ardm_store_get(store, "t", got));
        for (int j = 0; j < 5; ++j) ck_assert_float_eq(got[j], 0);
        ardm_store_free(&store);
    }
}
END_TEST

/* The first bad node is named, and the replay leaves the states alone. */
START_TEST(nonfinite_node_is_found) {
    const ardm_extent extents[] = {{"N", 3}};
    for (int k = 0; device_at(k); ++k) {
        ardm_graph *graph = parsed("ardm graph 1\ngraph g(%x: f32[N]) -> %y {\n  %s = state f32[] \"s\"\n"
                                   "  %a = scale %x by=2\n  %b = mul %a, %a\n  %y = tanh %a\n  %l = sum %b\n  update %s, %l\n}\n");
        ardm_store *store = NULL;
        ardm_binding *binding = NULL;
        const ardm_shape scalar = {ARDM_F32, 0, {0}};
        char node[200];
        float got = 3;
        OK(ardm_store_create(&store, device_at(k)));
        OK(ardm_store_set(store, "s", &scalar, &got));
        OK(ardm_bind(&binding, graph, store, extents, 1, NULL));
        ((float *)ardm_binding_input(binding, "x"))[1] = 1e30f;
        OK(ardm_binding_find_nonfinite(binding, node, sizeof node));
        ck_assert_ptr_nonnull(strstr(node, "mul"));
        OK(ardm_store_get(store, "s", &got));
        ck_assert_float_eq(got, 3);
        ((float *)ardm_binding_input(binding, "x"))[1] = 1;
        OK(ardm_binding_find_nonfinite(binding, node, sizeof node));
        ck_assert_str_eq(node, "");
        ardm_binding_free(&binding);
        ardm_store_free(&store);
        ardm_graph_free(&graph);
    }
}
END_TEST

START_TEST(profile_lists_nodes) {
    const ardm_extent extents[] = {{"N", 6}, {"L", 7}};
    for (int k = 0; device_at(k); ++k) {
        ardm_graph *graph = parsed(net);
        ardm_store *store = NULL;
        ardm_binding *binding = NULL;
        ardm_bytes text = {0};
        ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
        options.profile = 1;
        OK(ardm_store_create(&store, device_at(k)));
        set_noise(store, graph, extents, 2, 3, 0.5f);
        OK(ardm_bind(&binding, graph, store, extents, 2, &options));
        fill(binding, 1);
        OK(ardm_run(binding));
        OK(ardm_binding_profile(&text, binding));
        ck_assert_ptr_nonnull(strstr((const char *)text.data, "softmax_nll"));
        ck_assert_ptr_nonnull(strstr((const char *)text.data, "GFLOP/s"));
        ardm_bytes_free(&text);
        ardm_binding_free(&binding);
        ardm_store_free(&store);
        ardm_graph_free(&graph);
    }
}
END_TEST

/* A bind builds no kernel that exists, and is quick: the time is printed, not asserted. */
START_TEST(second_bind_builds_nothing) {
    const ardm_extent extents[] = {{"N", 8}};
    ardm_graph *graph = NULL;
    OK(ardm_graph_create(&graph, "deep"));
    ardm_value x = ardm_graph_input(graph, "x", "f32[N,32]"), w = ardm_graph_state(graph, "w", "f32[32,32]"), seed = ardm_graph_scalar(graph, 1);
    ardm_value h = x, gradient;
    for (int k = 0; k < 150; ++k) h = ARDM_NODE(graph, "tanh", NULL, ARDM_NODE(graph, "matmul", NULL, h, w));
    OK(ardm_graph_differentiate(graph, ARDM_NODE(graph, "sum", NULL, h), seed, 2, &w, 1, &gradient));
    ardm_graph_output(graph, "dw", gradient);
    for (int k = 0; device_at(k); ++k) {
        ardm_store *store = NULL;
        ardm_binding *binding = NULL;
        OK(ardm_store_create(&store, device_at(k)));
        set_noise(store, graph, extents, 1, 3, 0.1f);
        OK(ardm_bind(&binding, graph, store, extents, 1, NULL));
        ardm_binding_free(&binding);
        uint32_t builds = ardm_device_builds(device_at(k));
        double begin = ardm_clock();
        OK(ardm_bind(&binding, graph, store, extents, 1, NULL));
        double seconds = ardm_clock() - begin;
        ck_assert_uint_eq(ardm_device_builds(device_at(k)), builds);
        printf("bind of %u nodes on %s: %.2f ms, %.2f ms per 100 nodes\n", ardm_binding_facts(binding)->nodes, ardm_device_name(device_at(k)),
               1e3 * seconds, 1e5 * seconds / ardm_binding_facts(binding)->nodes);
        ardm_binding_free(&binding);
        ardm_store_free(&store);
    }
    ardm_graph_free(&graph);
}
END_TEST

TCase *run_cases(void) {
    TCase *test = tcase_create("run");
    tcase_add_test(test, a_run_is_counted);
    tcase_add_test(test, passes_change_no_bit);
    tcase_add_test(test, suffix_chooses_states);
    tcase_add_test(test, store_keeps_canonical_values);
    tcase_add_test(test, nonfinite_node_is_found);
    tcase_add_test(test, profile_lists_nodes);
    tcase_add_test(test, second_bind_builds_nothing);
    return test;
}
