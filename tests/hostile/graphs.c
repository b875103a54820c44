/* Graph text through plan, binding and run. The parser alone is tested in tests/graphs/hostile.c, ops on legal shapes in tests/ops.
 *
 * A graph may carry constants, so the values of indices are as hostile as its text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/objective.h"
#include "ardm/program.h"
#include "mutate.h"

/* What is legal may also be slow; a small limit of memory, by the rule that any user has, keeps all of it short. Nothing that parses is left out. */
enum { MEMORY = 4 << 20, TRIES = 1200 };
static int n_run, n_refused; /* graphs that were run, and refused by plan, store or binding */

static void fill(void *memory, const ardm_shape *shape, uint64_t *state) {
    int64_t bytes = ardm_shape_bytes(shape), words = bytes / 4;
    static const int32_t odd[] = {0, 1, -1, 2, 3, 15, 100, 255, 256, 65536, INT32_MAX, INT32_MIN, INT32_MIN + 1, 1 << 30};
    uint32_t style = chance(state, 3);
    for (int64_t i = 0; i < words; i++) {
        if (shape->dtype == ARDM_F32)
            ((float *)memory)[i] = style ? (float)(int32_t)chance(state, 2000) * 0.001f - 1 : (float)(1e30 * (double)((int32_t)chance(state, 3) - 1));
        else
            ((int32_t *)memory)[i] = style ? odd[chance(state, sizeof odd / sizeof *odd)] : (int32_t)chance(state, 4);
    }
    for (int64_t i = 4 * words; i < bytes; i++) ((uint8_t *)memory)[i] = (uint8_t)chance(state, 256);
    if (shape->dtype == ARDM_U8 && style)
        for (int64_t i = 0; i < bytes; i++) ((uint8_t *)memory)[i] = (uint8_t)chance(state, 5);
}

static ardm_status run_graph(const ardm_graph *graph, const ardm_extent *extents, uint32_t n_extents, uint64_t *state) {
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    ardm_plan_facts facts;
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    options.memory = MEMORY;
    ARDM_TRY(ardm_graph_plan(&facts, graph, ardm_device_get_facts(reference()), extents, n_extents, &options));
    OK(ardm_store_create(&store, reference()));
    ardm_status status = ARDM_OK;
    for (uint32_t i = 0; i < ardm_graph_state_count(graph) && status == ARDM_OK; i++) {
        ardm_value value = ardm_graph_state_at(graph, i);
        char type[96];
        ardm_graph_value_type(graph, value, type, sizeof type);
        if (strpbrk(type, "NHWLR")) continue; /* a state has whole extents, which the binding says */
        status = ardm_store_set(store, ardm_graph_value_name(graph, value), ardm_graph_value_shape(graph, value), NULL);
    }
    if (status == ARDM_OK) status = ardm_bind(&binding, graph, store, extents, n_extents, &options);
    for (int round = 0; round < 2 && status == ARDM_OK; round++) {
        for (uint32_t i = 0; i < ardm_graph_input_count(graph); i++) {
            const char *name = ardm_graph_value_name(graph, ardm_graph_input_at(graph, i));
            fill(ardm_binding_input(binding, name), ardm_binding_shape(binding, name), state);
        }
        status = ardm_run(binding);
    }
    ardm_binding_free(&binding);
    ardm_store_free(&store);
    return status;
}

static ardm_status try_text(const char *text, uint64_t *state) {
    static const int64_t items[] = {1, 2, 3, 0}, sizes[] = {4, 2, 1, 0, 5};
    ardm_graph *graph = NULL;
    watch();
    ardm_status status = ardm_graph_parse(&graph, text, strlen(text), LIMIT);
    judge(status, "graph text");
    for (uint32_t k = 0; k < 3 && status == ARDM_OK; k++) {
        int64_t n = items[k == 0 ? 1 : chance(state, 4)], side = sizes[k == 0 ? 0 : chance(state, 5)];
        const ardm_extent extents[] = {{"N", n}, {"R", side}, {"H", side}, {"W", k == 0 ? side : sizes[chance(state, 5)]}, {"L", side}};
        watch();
        ardm_status ran = run_graph(graph, extents, sizeof extents / sizeof *extents, state);
        judge(ran, "graph");
        *(ran == ARDM_OK ? &n_run : &n_refused) += 1;
    }
    ardm_graph_free(&graph);
    return status;
}

/* The graphs of the golden models, with and without a head, and training steps of both networks, which hold nearly every op. */
static char *graph_text(int which) {
    static const char *const models[] = {"tiles", "staged", "bytes"};
    char file[64];
    ardm_model *model = NULL;
    ardm_graph *graph = NULL, *whole = NULL;
    ardm_bytes out = {0};
    if (which < 9) {
        snprintf(file, sizeof file, "%s.ardm", models[which % 3]);
        ardm_bytes bytes = golden(file);
        OK(ardm_model_parse(&model, bytes.data, bytes.size, LIMIT, file));
        const char *text = ardm_model_get(model, "ardm.graph");
        OK(ardm_graph_parse(&graph, text, strlen(text), LIMIT));
        const int32_t heads[] = {ARDM_HEAD_MIXTURE, ARDM_HEAD_DIRECT, ARDM_HEAD_SOFTMAX};
        if (which < 3)
            OK(ardm_graph_copy(&whole, graph));
        else
            OK(ardm_objective_head(&whole, graph, which < 6 ? ARDM_TASK_ENCODE : ARDM_TASK_SAMPLE, heads[which % 3], 256));
        ardm_model_free(&model);
        ardm_bytes_free(&bytes);
    } else {
        ardm_network net = {.size = sizeof net,
                            .kind = which == 9 ? ARDM_NETWORK_UNET : ARDM_NETWORK_TRANSFORMER,
                            .head = which == 9 ? ARDM_HEAD_MIXTURE : ARDM_HEAD_SOFTMAX,
                            .classes = 16,
                            .stages = 1,
                            .base = 16,
                            .family = "absorbing",
                            .channels = which == 9 ? 3 : 1,
                            .width = 8,
                            .layers = 1,
                            .heads = 2,
                            .mixtures = 2,
                            .streams = which == 9 ? 1 : 2,
                            .context = 1,
                            .buckets = 16,
                            .stem = 4,
                            .groups = 2,
                            .scales = 2,
                            .down = 2};
        const ardm_objective objective = {.group = 1, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8, .decay = 0.1};
        OK(ardm_objective_train(&whole, &net, &objective));
    }
    OK(ardm_graph_print(&out, whole));
    ardm_graph_free(&graph);
    ardm_graph_free(&whole);
    char *plain = strip_types((const char *)out.data);
    ardm_bytes_free(&out);
    return plain;
}

START_TEST(mutated_graphs) {
    char *plain = graph_text(_i);
    uint64_t state = 61 + (uint64_t)_i;
    int parsed = 0, tried = 0;
    n_run = n_refused = 0;
    ck_assert_int_eq(try_text(plain, &state), ARDM_OK);
    ck_assert_int_gt(n_run, 0);
    n_run = n_refused = 0;
    for (; tried < TRIES; tried++) {
        char *changed = mutate_graph(plain, &state);
        parsed += try_text(changed, &state) == ARDM_OK;
        free(changed);
    }
    ck_assert_int_gt(parsed, tried / 20); /* enough went past the parser … */
    ck_assert_int_gt(n_run, parsed);      /* … and of three sizes each, more than a third were legal to their end */
    free(plain);
}
END_TEST

/* Small graphs that ask for much. */
static const char *const greedy[] = {
    "  %a = positions %x width=2147483647, streams=1\n",
    "  %a = positions %x width=65536, streams=2\n",
    "  %a = split_last %x by=2147483647\n",
    "  %a = split_last %x by=0\n",
    "  %a = split_last %x by=-1\n",
    "  %a = time_embed %t width=2147483647\n",
    "  %a = time_embed %t width=2147483646\n",
    "  %a = time_embed %t width=0\n",
    "  %a = merge %x first=4, count=4\n",
    "  %a = merge %x first=2147483647, count=2147483647\n",
    "  %a = merge %x first=-1\n",
    "  %a = slice %f size=2147483647\n",
    "  %a = slice %f size=-1\n",
    "  %a = group_norm %f, %t, %t groups=2147483647\n",
    "  %a = group_norm %f, %t, %t groups=0\n",
    "  %a, %b, %c = attention %f heads=0\n",
    "  %a, %b, %c = attention %f heads=2147483647\n",
    "  %a, %b, %c = attention %f heads=-1\n",
    "  %c = constant i32[2,2] {2147483647, -2147483648, 1, -1}\n  %a = gather_rows %f, %c\n",
    "  %s = state f32[2147483647,1] \"s\"\n  %a = matmul %s, %s tb=1\n",
    "  %s = state f32[1048576,1048576] \"s\"\n  %a = matmul %s, %s\n",
    "  %s = state f32[0,4] \"s\"\n  %a = matmul %f, %s tb=1\n",
    "  %s = state f32[4,0] \"s\"\n  %a = matmul %f, %s\n  %b = softmax %a\n  %c = layer_norm %a, %t, %t\n",
    "  %s = state f32[0,0,4,4] \"s\"\n  %i = split_last %f by=4\n  %a = conv %f, %s\n",
    "  %a = concat %f, %f\n  %b = concat %a, %a\n  %c = concat %b, %b\n  %d = concat %c, %c\n  %e = concat %d, %d\n  %g = concat %e, %e\n",
};

START_TEST(greedy_graphs) {
    char text[1024];
    uint64_t state = 71 + (uint64_t)_i;
    snprintf(text, sizeof text, "ardm graph 1\ngraph g(%%x: i32[N,L], %%f: f32[N,L,4], %%t: f32[N]) {\n%s}\n", greedy[_i]);
    (void)try_text(text, &state);
    char whole[1200]; /* the same with what was made as an output, so that it is not dropped */
    snprintf(whole, sizeof whole, "ardm graph 1\ngraph g(%%x: i32[N,L], %%f: f32[N,L,4], %%t: f32[N]) -> a=%%a {\n%s}\n", greedy[_i]);
    for (int k = 0; k < 5; k++) (void)try_text(whole, &state);
}
END_TEST

/* Doubling line by line: 2^40 elements must be refused by arithmetic, not by the allocator; and a long chain must not recurse. */
START_TEST(deep_graphs) {
    ardm_bytes text = {0};
    uint64_t state = 81;
    OK(ardm_bytes_printf(&text, "ardm graph 1\ngraph g(%%x: f32[N,2]) -> a=%%x, b=%%0 {\n  %%0 = concat %%x, %%x\n"));
    for (int k = 1; k < 45; k++) OK(ardm_bytes_printf(&text, "  %%%d = concat %%%d, %%%d\n", k, k - 1, k - 1));
    OK(ardm_bytes_printf(&text, "}\n"));
    (void)try_text((const char *)text.data, &state);
    text.size = 0;
    OK(ardm_bytes_printf(&text, "ardm graph 1\ngraph g(%%x: f32[N,2]) -> y=%%19999 {\n  %%0 = silu %%x\n"));
    for (int k = 1; k < 20000; k++) OK(ardm_bytes_printf(&text, "  %%%d = silu %%%d\n", k, k - 1));
    OK(ardm_bytes_printf(&text, "}\n"));
    OK(try_text((const char *)text.data, &state));
    ardm_bytes_free(&text);
}
END_TEST

TCase *graph_cases(void) {
    TCase *cases = tcase_create("graphs");
    tcase_set_timeout(cases, 600);
    tcase_add_loop_test(cases, mutated_graphs, 0, 11);
    tcase_add_loop_test(cases, greedy_graphs, 0, sizeof greedy / sizeof *greedy);
    tcase_add_test(cases, deep_graphs);
    return cases;
}
