/* Each allocation in turn fails. The linker sends our allocations here (--wrap); those inside libraries go on. */
#include <stdlib.h>
#include <string.h>

#include "ardm/thread.h"
#include "support.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static int64_t countdown; /* 0: none fails */

static int refused(void) { return countdown > 0 && --countdown == 0; }

void *__wrap_malloc(size_t size) { return refused() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return refused() ? NULL : __real_calloc(count, size); }
void *__wrap_realloc(void *old, size_t size) { return refused() ? NULL : __real_realloc(old, size); }

static const char text[] = "ardm graph 1\n"
                           "graph g(%x: f32[N,4], %t: i32[N]) -> %loss, w=%w {\n"
                           "  %w = state f32[4,4] \"w\"\n  %b = state f32[4] \"b\"\n  %u = state f32[4] \"u\"\n"
                           "  %0 = constant f32[4] {1, 2, 3, 4}\n  %1 = relu %0\n  %2 = scale %1 by=0.5\n"
                           "  %a = matmul %x, %w\n  %h = add %a, %b\n  %y = mul %h, %2\n  %z = merge %y first=0\n  %v = reshape_like %z, %y\n"
                           "  %n, %lse = softmax_nll %v, %t\n  %loss = sum %n\n"
                           "  update %u, %b\n}\n";

static ardm_device *device;
static const ardm_extent extents[] = {{"N", 4}};

static ardm_status build(ardm_graph **out) {
    ardm_graph *part = NULL;
    ardm_status status = ardm_graph_parse(&part, text, sizeof text - 1, 1000);
    if (status == ARDM_OK) status = ardm_graph_create(out, "whole");
    if (status == ARDM_OK) {
        ardm_value in[2] = {ardm_graph_input(*out, "x", "f32[N,4]"), ardm_graph_input(*out, "t", "i32[N]")}, outs[2] = {-1, -1}, wrt[2], gradients[2];
        status = ardm_graph_inline(*out, part, in, 2, outs, 2);
        ardm_value seed = ardm_graph_scalar(*out, 1.0f);
        wrt[0] = ardm_graph_find(*out, "w");
        wrt[1] = ardm_graph_find(*out, "b");
        if (status == ARDM_OK) status = ardm_graph_differentiate(*out, outs[0], seed, 2, wrt, 2, gradients);
        for (int k = 0; k < 2 && status == ARDM_OK; ++k) ardm_graph_update(*out, wrt[k], ARDM_NODE(*out, "sub", NULL, wrt[k], gradients[k]));
        ardm_graph_output(*out, "loss", outs[0]);
        if (status == ARDM_OK) status = ardm_graph_check(*out);
    }
    ardm_graph_free(&part);
    return status;
}

static ardm_status print_again(const ardm_graph *graph) {
    ardm_bytes bytes = {0};
    ardm_graph *again = NULL;
    ardm_status status = ardm_graph_print(&bytes, graph);
    if (status == ARDM_OK) status = ardm_graph_parse(&again, (const char *)bytes.data, bytes.size, 1000);
    if (status == ARDM_OK) status = ardm_graph_simplify(again);
    if (status == ARDM_OK) status = ardm_graph_print_dot(&bytes, again);
    ardm_bytes_free(&bytes);
    ardm_graph_free(&again);
    return status;
}

static ardm_status bind_and_run(const ardm_graph *graph, ardm_store *store, int oracle) {
    ardm_binding *binding = NULL;
    ardm_bytes bytes = {0};
    char node[100];
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    options.oracle = oracle;
    options.profile = 1;
    options.suffix = "~";
    ardm_status status = ardm_bind(&binding, graph, store, extents, 1, &options);
    if (status == ARDM_OK) status = ardm_run(binding);
    if (status == ARDM_OK) status = ardm_binding_profile(&bytes, binding);
    if (status == ARDM_OK && !oracle) status = ardm_binding_find_nonfinite(binding, node, sizeof node);
    ardm_bytes_free(&bytes);
    ardm_binding_free(&binding);
    return status;
}

static ardm_status everything(void) {
    static const float zeros[16] = {0};
    const ardm_shape w = {ARDM_F32, 2, {4, 4}}, b = {ARDM_F32, 1, {4}};
    ardm_graph *graph = NULL;
    ardm_store *store = NULL;
    ardm_status status = build(&graph);
    if (status == ARDM_OK) status = print_again(graph);
    if (status == ARDM_OK) status = ardm_store_create(&store, device);
    if (status == ARDM_OK) status = ardm_store_set(store, "w", &w, zeros);
    if (status == ARDM_OK) status = ardm_store_set(store, "b", &b, zeros);
    if (status == ARDM_OK) status = ardm_store_set(store, "u", &b, NULL);
    if (status == ARDM_OK) status = bind_and_run(graph, store, 0);
    if (status == ARDM_OK) status = bind_and_run(graph, store, 1);
    ardm_store_free(&store);
    ardm_graph_free(&graph);
    return status;
}

START_TEST(every_allocation_may_fail) {
    device = reference_device();
    ardm_parallel_set_threads(1);
    OK(everything());
    uint64_t allocated = ardm_device_allocated(device);
    int64_t failures = 0;
    for (int64_t n = 1;; ++n) {
        countdown = n;
        ardm_status status = everything();
        int64_t left = countdown;
        countdown = 0;
        ck_assert_uint_eq(ardm_device_allocated(device), allocated);
        if (left > 0) {
            OK(status);
            break;
        }
        ck_assert_msg(status == ARDM_OK || status == ARDM_ENOMEM, "allocation %lld: %s", (long long)n, ardm_message());
        failures += status != ARDM_OK;
    }
    ck_assert_int_gt(failures, 200);
    ardm_parallel_set_threads(0);
}
END_TEST

TCase *alloc_cases(void) {
    TCase *test = tcase_create("alloc");
    tcase_add_test(test, every_allocation_may_fail);
    return test;
}
