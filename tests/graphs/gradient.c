/* Differentiation against central differences of the oracles in doubles, and its text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* Forward graphs with an output "loss"; the gradient is taken for every state. The states hold multiples of 2^-11. */
static const char *const forward[] = {
    /* one layer, a shared weight used three times, a bias */
    "graph a(%x: f32[N,4], %t: i32[N]) -> %loss {\n"
    "  %w = state f32[4,4] \"w\"\n  %b = state f32[4] \"b\"\n"
    "  %h1 = matmul %x, %w\n  %h2 = add %h1, %b\n  %h3 = gelu %h2\n"
    "  %h4 = matmul %h3, %w\n  %h5 = tanh %h4\n  %h6 = matmul %h5, %w tb=1\n  %h7 = add %h6, %b\n"
    "  %n, %lse = softmax_nll %h7, %t\n  %loss = sum %n\n}\n",
    /* a value used by several nodes and twice by one, views on the way, sub and mul */
    "graph b(%x: f32[N,6]) -> %loss {\n"
    "  %w = state f32[6,6] \"w\"\n  %s = state f32[6] \"s\"\n"
    "  %h = matmul %x, %w\n  %v = split_last %h by=3\n  %m = merge %v first=1\n  %q = mul %m, %m\n  %r = sub %q, %h\n"
    "  %p = mul %r, %s\n  %k = sigmoid %p\n  %l = silu %h\n  %j = add %k, %l\n  %z = softmax %j\n  %y = mul %z, %j\n  %loss = sum %y\n}\n",
    /* norm, per-item additions, concatenation and slices, positions */
    "graph c(%x: f32[N,3,4], %t: f32[N,4]) -> %loss {\n"
    "  %w = state f32[4,4] \"w\"\n  %g = state f32[4] \"g\"\n  %b = state f32[4] \"b\"\n"
    "  %h = matmul %x, %w\n  %e = matmul %t, %w\n  %i = add_item %h, %e\n"
    "  %y, %mean, %r = layer_norm %i, %g, %b\n  %c = concat %y, %h\n  %s = slice %c begin=2, size=5\n"
    "  %q = mul %s, %s\n  %p = position_sum %q\n  %loss = sum %p\n}\n",
    /* convolution */
    "graph d(%x: f32[N,3,4,2]) -> %loss {\n"
    "  %w = state f32[3,3,2,3] \"w\"\n  %b = state f32[3] \"b\"\n"
    "  %h = conv %x, %w\n  %a = add %h, %b\n  %y = tanh %a\n  %q = mul %y, %y\n  %loss = sum %q\n}\n",
};

enum { ITEMS = 4, GROUP = 2 };
static const ardm_extent extents[] = {{"N", ITEMS}};

static ardm_graph *with_gradients(const char *body, ardm_value *wrt, ardm_value *gradients) {
    char text[2048], name[64];
    snprintf(text, sizeof text, "ardm graph 1\n%s", body);
    ardm_graph *graph = parsed(text);
    uint32_t n = ardm_graph_state_count(graph);
    for (uint32_t k = 0; k < n; ++k) wrt[k] = ardm_graph_state_at(graph, k);
    ardm_value seed = ardm_graph_scalar(graph, 2.0f);
    OK(ardm_graph_differentiate(graph, ardm_graph_find(graph, "loss"), seed, GROUP, wrt, n, gradients));
    for (uint32_t k = 0; k < n; ++k) {
        snprintf(name, sizeof name, "d_%s", ardm_graph_value_name(graph, wrt[k]));
        ck_assert_int_ge(gradients[k], 0);
        ardm_graph_output(graph, name, gradients[k]);
    }
    OK(ardm_graph_check(graph));
    return graph;
}

static void fill_inputs(const ardm_graph *graph, ardm_binding *binding) {
    for (uint32_t k = 0; k < ardm_graph_input_count(graph); ++k) {
        const char *name = ardm_graph_value_name(graph, ardm_graph_input_at(graph, k));
        const ardm_shape *shape = ardm_binding_shape(binding, name);
        for (int64_t j = 0; j < ardm_shape_count(shape); ++j)
            if (shape->dtype == ARDM_F32)
                ((float *)ardm_binding_input(binding, name))[j] = noise(77 + k, (uint32_t)j);
            else
                ((int32_t *)ardm_binding_input(binding, name))[j] = (int32_t)(j * 7 % 4);
    }
}

static double loss_at(ardm_store *store, ardm_binding *binding, const char *name, float *data, int64_t index, float by) {
    float old = data[index];
    data[index] += by;
    const ardm_shape shape = *ardm_store_shape(store, name);
    OK(ardm_store_set(store, name, &shape, data));
    OK(ardm_run(binding));
    data[index] = old;
    OK(ardm_store_set(store, name, &shape, data));
    return *ardm_binding_output_double(binding, "loss");
}

START_TEST(gradient_equals_differences) {
    const float step = 0x1p-9f; /* exact in f32; the fourth-order formula leaves an error near 1e-9 of the fifth derivative */
    ardm_value wrt[8], gradients[8];
    ardm_graph *graph = with_gradients(forward[_i], wrt, gradients);
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    options.oracle = 1;
    OK(ardm_store_create(&store, reference_device()));
    set_noise(store, graph, extents, 1, 5, 0.5f);
    OK(ardm_bind(&binding, graph, store, extents, 1, &options));
    fill_inputs(graph, binding);
    for (uint32_t k = 0; k < ardm_graph_state_count(graph); ++k) {
        char name[64];
        const char *state = ardm_graph_value_name(graph, wrt[k]);
        snprintf(name, sizeof name, "d_%s", state);
        int64_t count = ardm_shape_count(ardm_store_shape(store, state));
        float *data = malloc((size_t)count * sizeof *data);
        OK(ardm_store_get(store, state, data));
        for (int64_t j = 0; j < count; ++j) {
            double near = loss_at(store, binding, state, data, j, step) - loss_at(store, binding, state, data, j, -step);
            double far = loss_at(store, binding, state, data, j, 2 * step) - loss_at(store, binding, state, data, j, -2 * step);
            double expected = 2.0 * (8 * near - far) / (12.0 * step);
            OK(ardm_run(binding));
            double got = ardm_binding_output_double(binding, name)[j];
            ck_assert_msg(fabs(got - expected) <= 1e-7 * (1 + fabs(expected)), "%s[%lld]: %.12g, differences give %.12g", state, (long long)j, got,
                          expected);
        }
        free(data);
    }
    ardm_binding_free(&binding);
    ardm_store_free(&store);
    ardm_graph_free(&graph);
}
END_TEST

/* The exact gradient is the oracle's, and every device gives its bytes. */
START_TEST(devices_give_the_same_gradient) {
    ardm_value wrt[8], gradients[8];
    ardm_graph *graph = with_gradients(forward[_i], wrt, gradients);
    float *first = NULL;
    ck_assert_ptr_nonnull(device_at(0));
    for (int pass = 0, device = 0; device_at(device); ++device) {
        ardm_store *store = NULL;
        ardm_binding *binding = NULL;
        OK(ardm_store_create(&store, device_at(device)));
        set_noise(store, graph, extents, 1, 5, 0.5f);
        OK(ardm_bind(&binding, graph, store, extents, 1, NULL));
        fill_inputs(graph, binding);
        OK(ardm_run(binding));
        size_t bytes = 0;
        for (uint32_t k = 0; k < ardm_graph_output_count(graph); ++k)
            bytes += ardm_shape_bytes(ardm_binding_shape(binding, ardm_graph_output_at(graph, k, NULL)));
        uint8_t *all = malloc(bytes), *at = all;
        for (uint32_t k = 0; k < ardm_graph_output_count(graph); ++k) {
            const char *name = ardm_graph_output_at(graph, k, NULL);
            size_t size = ardm_shape_bytes(ardm_binding_shape(binding, name));
            memcpy(at, ardm_binding_output(binding, name), size);
            at += size;
        }
        if (pass++ == 0)
            first = (float *)all;
        else {
            ck_assert_msg(memcmp(first, all, bytes) == 0, "%s differs from %s", ardm_device_name(device_at(device)), ardm_device_name(device_at(0)));
            free(all);
        }
        ardm_binding_free(&binding);
        ardm_store_free(&store);
    }
    free(first);
    ardm_graph_free(&graph);
}
END_TEST

/* Uses last first; partials of all uses are added before one fold. */
START_TEST(contributions_are_ordered) {
    ardm_graph *graph = parsed("ardm graph 1\ngraph g(%x: f32[N,4]) -> %loss {\n"
                               "  %w = state f32[4,4] \"w\"\n"
                               "  %a = matmul %x, %w\n"
                               "  %b = matmul %a, %w\n"
                               "  %loss = sum %b\n"
                               "}\n");
    ardm_value w = ardm_graph_find(graph, "w"), seed = ardm_graph_scalar(graph, 1.0f), gradient;
    OK(ardm_graph_differentiate(graph, ardm_graph_find(graph, "loss"), seed, 2, &w, 1, &gradient));
    ardm_graph_output(graph, "dw", gradient);
    OK(ardm_graph_simplify(graph));
    char *text = printed(graph);
    const char *last = strstr(text, "matmul_grad %a,"), *first = strstr(text, "matmul_grad %x,");
    ck_assert_ptr_nonnull(last);
    ck_assert_ptr_nonnull(first);
    ck_assert(last < first);
    ck_assert_msg(strstr(text, "add ") && strstr(strstr(text, "add "), "f32[N/2,4,4]"), "%s", text);
    const char *fold = strstr(text, "tree_sum");
    ck_assert_ptr_nonnull(fold);
    ck_assert_ptr_null(strstr(fold + 1, "tree_sum"));
    free(text);
    ardm_graph_free(&graph);
}
END_TEST

/* Within a node the last operand comes first, and what is there already is the first operand of the next addition. */
START_TEST(operands_are_ordered) {
    ardm_graph *graph = parsed("ardm graph 1\ngraph g(%x: f32[4], %seed: f32[]) -> %loss {\n"
                               "  %a = sub %x, %x\n"
                               "  %b = sub %x, %a\n"
                               "  %loss = sum %b\n"
                               "}\n");
    ardm_value x = ardm_graph_find(graph, "x"), gradient;
    OK(ardm_graph_differentiate(graph, ardm_graph_find(graph, "loss"), ardm_graph_find(graph, "seed"), 1, &x, 1, &gradient));
    ardm_graph_output(graph, "dx", gradient);
    OK(ardm_graph_simplify(graph));
    /* %1 reaches b, so x; %2 reaches a, and its two operands, both x, get %3 (the second) and %2 (the first). */
    expect_text(graph, "ardm graph 1\n"
                       "graph g(%x: f32[4], %seed: f32[]) -> %loss, dx=%5 {\n"
                       "  %a = sub %x, %x : f32[4]\n"
                       "  %b = sub %x, %a : f32[4]\n"
                       "  %loss = sum %b : f32[]\n"
                       "  %0 = scale %b by=0 : f32[4]\n"
                       "  %1 = add %0, %seed : f32[4]\n"
                       "  %2 = scale %1 by=-1 : f32[4]\n"
                       "  %3 = scale %2 by=-1 : f32[4]\n"
                       "  %4 = add %1, %3 : f32[4]\n"
                       "  %5 = add %4, %2 : f32[4]\n"
                       "}\n");
    ardm_graph_free(&graph);
}
END_TEST

START_TEST(missing_gradient_is_named) {
    ardm_graph *graph = parsed("ardm graph 1\ngraph g(%x: f32[N,4], %s: i32[N]) -> %loss {\n"
                               "  %w = state f32[4,4] \"w\"\n  %unused = state f32[3] \"unused\"\n"
                               "  %a = matmul %x, %w\n  %loss = sum %a\n}\n");
    ardm_value wrt[2] = {ardm_graph_find(graph, "w"), ardm_graph_find(graph, "unused")}, gradients[2];
    ardm_value seed = ardm_graph_scalar(graph, 1.0f);
    OK(ardm_graph_differentiate(graph, ardm_graph_find(graph, "loss"), seed, 1, wrt, 2, gradients));
    ck_assert_int_ge(gradients[0], 0);
    ck_assert_int_eq(gradients[1], -1); /* none flows */
    ardm_value s = ardm_graph_find(graph, "s");
    ck_assert_int_eq(ardm_graph_differentiate(graph, ardm_graph_find(graph, "loss"), seed, 1, &s, 1, gradients), ARDM_ESHAPE);
    ck_assert_int_eq(ardm_graph_differentiate(graph, wrt[0], seed, 1, wrt, 1, gradients), ARDM_ESHAPE);
    ardm_graph_free(&graph);
}
END_TEST

TCase *gradient_cases(void) {
    TCase *test = tcase_create("gradient");
    tcase_add_loop_test(test, gradient_equals_differences, 0, sizeof forward / sizeof *forward);
    tcase_add_loop_test(test, devices_give_the_same_gradient, 0, sizeof forward / sizeof *forward);
    tcase_add_test(test, contributions_are_ordered);
    tcase_add_test(test, operands_are_ordered);
    tcase_add_test(test, missing_gradient_is_named);
    return test;
}
