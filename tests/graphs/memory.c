/* Plans against the buffers that are really made, and updates against what a graph means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static const char chain[] =
    "ardm graph 1\n"
    "graph chain(%x: f32[N,64]) -> %y {\n"
    "  %w = state f32[64,64] \"w\"\n"
    "  %k = constant f32[64] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, "
    "29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, "
    "60, 61, 62, 63, 64}\n"
    "  %a = matmul %x, %w\n"
    "  %b = add %a, %k\n"
    "  %c = gelu %b\n"
    "  %d = matmul %c, %w\n"
    "  %e = tanh %d\n"
    "  %f = matmul %e, %w\n"
    "  %y = mul %f, %a\n"
    "}\n";

static uint64_t total(const ardm_plan_facts *facts) {
    return facts->state_bytes + facts->constant_bytes + facts->input_bytes + facts->output_bytes + facts->local_bytes;
}

START_TEST(plan_is_what_is_allocated) {
    const ardm_extent extents[] = {{"N", 33}};
    for (int k = 0; device_at(k); ++k) {
        ardm_device *device = device_at(k);
        ardm_graph *graph = parsed(chain);
        ardm_store *store = NULL;
        ardm_binding *binding = NULL, *smaller = NULL;
        ardm_plan_facts facts;
        uint64_t before = ardm_device_allocated(device);
        uint32_t builds = ardm_device_builds(device);
        OK(ardm_graph_plan(&facts, graph, ardm_device_get_facts(device), extents, 1, NULL));
        ck_assert_uint_eq(ardm_device_builds(device), builds);
        OK(ardm_store_create(&store, device));
        set_noise(store, graph, extents, 1, 1, 0.1f);
        OK(ardm_bind(&binding, graph, store, extents, 1, NULL));
        ck_assert_uint_eq(ardm_device_allocated(device) - before, total(&facts));
        ck_assert_int_eq(memcmp(ardm_binding_facts(binding), &facts, sizeof facts), 0);
        ck_assert_uint_eq(facts.input_bytes, 33 * 64 * 4);
        ck_assert_uint_eq(facts.state_bytes, 64 * 64 * 4);
        ck_assert_uint_ge(facts.local_bytes, facts.live_peak);
        /* a, and one of b…f with its operand: three at most, not six. */
        ck_assert_uint_le(facts.live_peak, 3 * 33 * 64 * 4 + facts.workspace_bytes);
        ck_assert_double_ge(facts.flops, 3 * 2.0 * 33 * 64 * 64);

        /* A smaller binding takes the larger one's scratch memory. */
        const ardm_extent fewer[] = {{"N", 3}};
        uint64_t used = ardm_device_allocated(device);
        OK(ardm_bind(&smaller, graph, store, fewer, 1, NULL));
        const ardm_plan_facts *small = ardm_binding_facts(smaller);
        ck_assert_uint_eq(ardm_device_allocated(device) - used, small->constant_bytes + small->input_bytes + small->output_bytes);
        ardm_binding_free(&smaller);
        ardm_binding_free(&binding);
        ardm_store_free(&store);
        ck_assert_uint_eq(ardm_device_allocated(device), before);
        ardm_graph_free(&graph);
    }
}
END_TEST

/* A larger binding after a smaller one gets memory of its own, and both go on working. */
START_TEST(bindings_grow) {
    static const int64_t items[] = {3, 70, 5};
    for (int k = 0; device_at(k); ++k) {
        ardm_graph *graph = parsed(chain);
        ardm_store *store = NULL;
        ardm_binding *bindings[3];
        OK(ardm_store_create(&store, device_at(k)));
        set_noise(store, graph, NULL, 0, 1, 0.1f);
        for (int j = 0; j < 3; ++j) OK(ardm_bind(&bindings[j], graph, store, &(ardm_extent){"N", items[j]}, 1, NULL));
        for (int round = 0; round < 2; ++round)
            for (int j = 0; j < 3; ++j) {
                for (uint32_t i = 0; i < items[j] * 64; ++i) ((float *)ardm_binding_input(bindings[j], "x"))[i] = noise(4, i);
                OK(ardm_run(bindings[j]));
                /* An item's result does not depend on the batch. */
                ck_assert_mem_eq(ardm_binding_output(bindings[j], "y"), ardm_binding_output(bindings[0], "y"), 3 * 64 * 4);
            }
        for (int j = 0; j < 3; ++j) ardm_binding_free(&bindings[j]);
        ardm_store_free(&store);
        ardm_graph_free(&graph);
    }
}
END_TEST

START_TEST(memory_limit_is_told) {
    const ardm_extent extents[] = {{"N", 1000}};
    ardm_graph *graph = parsed(chain);
    ardm_plan_facts facts;
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    const ardm_device_facts *device = ardm_device_get_facts(reference_device());
    OK(ardm_graph_plan(&facts, graph, device, extents, 1, &options));
    options.memory = total(&facts);
    OK(ardm_graph_plan(&facts, graph, device, extents, 1, &options));
    --options.memory;
    ck_assert_int_eq(ardm_graph_plan(&facts, graph, device, extents, 1, &options), ARDM_ENOMEM);
    ck_assert_ptr_nonnull(strstr(ardm_message(), "the limit is"));
    ck_assert_int_eq(ardm_graph_plan(&facts, graph, device, NULL, 0, NULL), ARDM_ESHAPE);
    ck_assert_ptr_nonnull(strstr(ardm_message(), "extent N is not bound"));
    ardm_graph_free(&graph);
}
END_TEST

/* A device with a small largest allocation gets several arenas, and a value above it is refused. */
START_TEST(arenas_stay_below_the_largest_allocation) {
    const ardm_extent extents[] = {{"N", 100}};
    ardm_device_facts facts = *ardm_device_get_facts(reference_device());
    ardm_graph *graph = parsed("ardm graph 1\ngraph g(%x: f32[N,2]) -> %y {\n"
                               "  %s = state f32[2,64] \"s\"\n"
                               "  %a = matmul %x, %s\n  %b = softmax %a\n  %c = softmax %b\n  %d = softmax %c\n"
                               "  %e = add %a, %b\n  %f = add %c, %d\n  %g = add %e, %f\n  %h = position_sum %g\n  %y = sum %h\n}\n");
    ardm_plan_facts one, many;
    facts.max_allocation = 1 << 20;
    OK(ardm_graph_plan(&one, graph, &facts, extents, 1, NULL));
    facts.max_allocation = 100 * 64 * 4;
    OK(ardm_graph_plan(&many, graph, &facts, extents, 1, NULL));
    ck_assert_uint_eq(one.live_peak, many.live_peak);
    ck_assert_uint_ge(many.local_bytes, many.live_peak);
    facts.max_allocation = 100 * 64 * 4 - 1;
    ck_assert_int_eq(ardm_graph_plan(&many, graph, &facts, extents, 1, NULL), ARDM_ENOMEM);
    ck_assert_ptr_nonnull(strstr(ardm_message(), "25600"));
    ardm_graph_free(&graph);
}
END_TEST

/* What updates must mean, whatever the planner does: all reads see the old values. Expected values are worked out by hand. */
static const struct {
    const char *body;
    float a[3], b[3], y[3]; /* states and output after one run from a = 1 2 4, b = 8 16 32 */
} updates[] = {
    /* in place: the last reader writes */
    {"  %n = add %a, %b\n  update %a, %n\n", {9, 18, 36}, {8, 16, 32}, {1, 2, 4}},
    /* a read after the new value is made: must be copied at the end */
    {"  %n = scale %a by=3\n  %m = add %n, %a\n  update %a, %n\n  update %b, %m\n", {3, 6, 12}, {4, 8, 16}, {1, 2, 4}},
    /* states change places */
    {"  update %a, %b\n  update %b, %a\n", {8, 16, 32}, {1, 2, 4}, {1, 2, 4}},
    /* one takes the other's old value while that is updated */
    {"  %n = scale %b by=2\n  update %a, %b\n  update %b, %n\n", {8, 16, 32}, {16, 32, 64}, {1, 2, 4}},
    /* one value for both */
    {"  %n = add %a, %b\n  update %a, %n\n  update %b, %n\n", {9, 18, 36}, {9, 18, 36}, {1, 2, 4}},
    /* to itself, and from an input */
    {"  update %a, %a\n  update %b, %x\n", {1, 2, 4}, {5, 6, 7}, {1, 2, 4}},
    /* through a view of the new value and of the old one */
    {"  %n = mul %a, %b\n  %v = merge %n first=0, count=1\n  %o = merge %a first=0, count=1\n  %p = add %o, %v\n  update %a, %v\n  update %b, %p\n",
     {8, 32, 128},
     {9, 34, 132},
     {1, 2, 4}},
    /* softmax is no element-by-element op: its operand may not be written over */
    {"  %n = softmax %a\n  %m = scale %n by=0\n  %k = add %m, %b\n  update %a, %k\n", {8, 16, 32}, {8, 16, 32}, {1, 2, 4}},
};

static void check_update(ardm_device *device, int index, const char *disable) {
    static const float a[3] = {1, 2, 4}, b[3] = {8, 16, 32}, x[3] = {5, 6, 7};
    char text[1024];
    float got[3];
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    const ardm_shape shape = {ARDM_F32, 1, {3}};
    options.disable = disable;
    snprintf(text, sizeof text, "ardm graph 1\ngraph g(%%x: f32[3]) -> y=%%a {\n  %%a = state f32[3] \"a\"\n  %%b = state f32[3] \"b\"\n%s}\n",
             updates[index].body);
    ardm_graph *graph = parsed(text);
    OK(ardm_store_create(&store, device));
    OK(ardm_store_set(store, "a", &shape, a));
    OK(ardm_store_set(store, "b", &shape, b));
    OK(ardm_bind(&binding, graph, store, NULL, 0, &options));
    memcpy(ardm_binding_input(binding, "x"), x, sizeof x);
    OK(ardm_run(binding));
    ck_assert_mem_eq(ardm_binding_output(binding, "y"), updates[index].y, sizeof got);
    OK(ardm_store_get(store, "a", got));
    ck_assert_mem_eq(got, updates[index].a, sizeof got);
    OK(ardm_store_get(store, "b", got));
    ck_assert_mem_eq(got, updates[index].b, sizeof got);
    ardm_binding_free(&binding);
    ardm_store_free(&store);
    ardm_graph_free(&graph);
}

START_TEST(reads_come_before_updates) {
    for (int k = 0; device_at(k); ++k) {
        check_update(device_at(k), _i, NULL);
        check_update(device_at(k), _i, "in-place");
        check_update(device_at(k), _i, "simplify, in-place");
    }
}
END_TEST

/* Where the writer is no element-by-element op, or its operand stands elsewhere, the planner must copy. */
static const struct {
    const char *body;
    uint32_t launches, local_values;
} writers[] = {
    {"  %n = add %a, %x\n  update %a, %n\n", 1, 0},
    {"  %n = add %x, %a\n  update %a, %n\n", 1, 0},
    {"  %n = matmul %x, %a\n  update %a, %n\n", 2, 1},
    {"  %n = matmul %a, %x\n  update %a, %n\n", 2, 1},
    {"  %n = matmul %x, %x\n  update %a, %n\n", 1, 0}, /* nothing reads the old value */
    {"  %w, %m, %v, %k = adam %a, %b, %c, %d, %x, %h\n  update %a, %w\n  update %b, %m\n  update %c, %v\n  update %d, %k\n", 1, 0},
    {"  %w, %m, %v, %k = adam %a, %b, %c, %d, %x, %h\n  update %b, %w\n  update %a, %m\n  update %c, %v\n  update %d, %k\n", 3, 2},
};

static float *written(ardm_device *device, const ardm_graph *graph, const char *disable, uint32_t *launches) {
    enum { COUNT = 40 * 40 };
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    options.disable = disable;
    OK(ardm_store_create(&store, device));
    set_noise(store, graph, NULL, 0, 3, 0.1f);
    OK(ardm_bind(&binding, graph, store, NULL, 0, &options));
    for (uint32_t k = 0; k < COUNT; ++k) ((float *)ardm_binding_input(binding, "x"))[k] = noise(8, k);
    for (uint32_t k = 0; k < 8; ++k) ((float *)ardm_binding_input(binding, "h"))[k] = 0.5f;
    OK(ardm_run(binding));
    OK(ardm_run(binding));
    *launches = ardm_binding_facts(binding)->launches;
    float *all = malloc(4 * COUNT * sizeof *all);
    for (uint32_t k = 0; k < 4; ++k) OK(ardm_store_get(store, (const char *[]){"a", "b", "c", "d"}[k], all + k * COUNT));
    ardm_binding_free(&binding);
    ardm_store_free(&store);
    return all;
}

START_TEST(writers_are_told_apart) {
    char text[1024];
    snprintf(text, sizeof text,
             "ardm graph 1\ngraph g(%%x: f32[40,40], %%h: f32[8]) {\n  %%a = state f32[40,40] \"a\"\n  %%b = state f32[40,40] \"b\"\n"
             "  %%c = state f32[40,40] \"c\"\n  %%d = state f32[40,40] \"d\"\n%s}\n",
             writers[_i].body);
    ardm_graph *graph = parsed(text);
    ardm_plan_facts facts;
    OK(ardm_graph_plan(&facts, graph, ardm_device_get_facts(reference_device()), NULL, 0, NULL));
    ck_assert_uint_eq(facts.launches, writers[_i].launches);
    ck_assert_uint_eq(facts.local_bytes, writers[_i].local_values * 4 * 40 * 40 + (writers[_i].local_values > 1 ? 512 - 4 * 40 * 40 % 512 : 0));
    for (int k = 0; device_at(k); ++k) {
        uint32_t launches;
        float *a = written(device_at(k), graph, NULL, &launches), *b = written(device_at(k), graph, "in-place", &launches);
        ck_assert_int_eq(memcmp(a, b, 4 * 4 * 40 * 40), 0);
        free(a);
        free(b);
    }
    ardm_graph_free(&graph);
}
END_TEST

/* The first update above takes no copy; without the pass it takes one. */
START_TEST(update_in_place_saves_the_copy) {
    ardm_graph *graph = parsed("ardm graph 1\ngraph g() {\n  %a = state f32[3] \"a\"\n  %n = scale %a by=2\n  update %a, %n\n}\n");
    ardm_plan_facts facts;
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    const ardm_device_facts *device = ardm_device_get_facts(reference_device());
    OK(ardm_graph_plan(&facts, graph, device, NULL, 0, &options));
    ck_assert_uint_eq(facts.launches, 1);
    ck_assert_uint_eq(facts.local_bytes, 0);
    options.disable = "in-place";
    OK(ardm_graph_plan(&facts, graph, device, NULL, 0, &options));
    ck_assert_uint_eq(facts.launches, 2);
    ck_assert_uint_eq(facts.local_bytes, 12);
    ardm_graph_free(&graph);
}
END_TEST

TCase *memory_cases(void) {
    TCase *test = tcase_create("memory");
    tcase_add_test(test, plan_is_what_is_allocated);
    tcase_add_test(test, bindings_grow);
    tcase_add_test(test, memory_limit_is_told);
    tcase_add_test(test, arenas_stay_below_the_largest_allocation);
    tcase_add_loop_test(test, reads_come_before_updates, 0, sizeof updates / sizeof *updates);
    tcase_add_loop_test(test, writers_are_told_apart, 0, sizeof writers / sizeof *writers);
    tcase_add_test(test, update_in_place_saves_the_copy);
    return test;
}
