/* Which variant a binding takes, with an op whose variants are made for it: a library product, a kernel that does not build, one
 * that does. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "support.h"

static const char *const broken_source = "kernel void product(global const float *x) { this does not build; }\n";

static int32_t plan_library(const ardm_call *call, ardm_recorder *recorder) {
    const ardm_operand x = ARDM_IN(0), w = ARDM_IN(1), y = ARDM_OUT(0);
    return recorder->library_gemm(recorder, &x, &w, &y, ardm_shape_rows(&call->in[0], 1), ardm_shape_last(&call->out[0], 0),
                                  ardm_shape_last(&call->in[0], 0), 0, (int32_t)call->attrs[0].i);
}

static int32_t plan_broken(const ardm_call *call, ardm_recorder *recorder) {
    (void)call;
    return ARDM_LAUNCH(recorder, "product", NULL, 1, 1, 1, 1, 1, 1, 1, ARDM_IN(0));
}

static int32_t accept_most(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call;
    (void)facts;
    (void)why;
    (void)n;
    return 1000;
}

/* matmul under another name, with a choice of variants. */
static ardm_op op;
static ardm_variant variants[3];

static void register_once(void) {
    const ardm_op *matmul = ardm_op_find("matmul");
    if (op.name) return;
    uint32_t last = 0;
    while (ardm_variant_at(matmul, last + 1)) ++last;
    op = *matmul;
    op.name = "test.graphs.product";
    variants[0] = (ardm_variant){ARDM_OP_ABI, sizeof(ardm_variant), "library", ARDM_FAST, accept_most, NULL, plan_library};
    variants[1] = (ardm_variant){ARDM_OP_ABI, sizeof(ardm_variant), "broken", ARDM_EXACT, accept_most, &broken_source, plan_broken};
    variants[2] = *ardm_variant_at(matmul, last);
    op.variants = variants;
    op.n_variants = 3;
    OK(ardm_op_register(&op));
}

static ardm_graph *product_graph(void) {
    register_once();
    return parsed("ardm graph 1\ngraph g(%x: f32[N,130]) -> %y, %z {\n  %w = state f32[130,90] \"w\"\n  %v = state f32[90,130] \"v\"\n"
                  "  %y = test.graphs.product %x, %w\n  %z = test.graphs.product %x, %v tb=1\n}\n");
}

static void fill(ardm_binding *binding) {
    float *x = ardm_binding_input(binding, "x");
    for (uint32_t k = 0; k < ardm_shape_count(ardm_binding_shape(binding, "x")); ++k) x[k] = noise(4, k);
}

/* Fast numerics take the library, stay near the exact product, and allocate nothing of ours in a run. */
START_TEST(library_product_is_near) {
    const ardm_extent extents[] = {{"N", 70}};
    for (int k = 0; device_at(k); ++k) {
        if (ardm_device_is_reference(device_at(k))) continue;
        ardm_graph *graph = product_graph();
        ardm_store *store = NULL;
        ardm_binding *exact = NULL, *fast = NULL;
        ardm_bytes text = {0};
        ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
        OK(ardm_store_create(&store, device_at(k)));
        set_noise(store, graph, extents, 1, 3, 1.0f);
        OK(ardm_bind(&exact, graph, store, extents, 1, NULL));
        options.numerics = ARDM_FAST;
        options.profile = 1;
        OK(ardm_bind(&fast, graph, store, extents, 1, &options));
        fill(exact);
        fill(fast);
        OK(ardm_run(exact));
        OK(ardm_run(fast));
        uint64_t allocated = ardm_device_allocated(device_at(k));
        OK(ardm_run(fast));
        ck_assert_uint_eq(ardm_device_allocated(device_at(k)), allocated);
        OK(ardm_binding_profile(&text, fast));
        ck_assert_ptr_nonnull(strstr((const char *)text.data, "library"));
        for (int output = 0; output < 2; ++output) {
            const float *a = ardm_binding_output(exact, output ? "z" : "y"), *b = ardm_binding_output(fast, output ? "z" : "y");
            /* 130 products of at most 1 each, added in any order */
            for (int j = 0; j < 70 * 90; ++j) ck_assert_float_le(fabsf(a[j] - b[j]), 130 * 0x1p-23f * 130);
        }
        ardm_bytes_free(&text);
        ardm_binding_free(&exact);
        ardm_binding_free(&fast);
        ardm_store_free(&store);
        ardm_graph_free(&graph);
    }
}
END_TEST

/* A kernel that does not build is passed over with a warning, or is an error where that is asked for. Exact numerics never
 * take the fast variant, not even by name. */
START_TEST(broken_variant_is_passed_over) {
    const ardm_extent extents[] = {{"N", 3}};
    for (int k = 0; device_at(k); ++k) {
        if (ardm_device_is_reference(device_at(k))) continue;
        ardm_graph *graph = product_graph();
        ardm_store *store = NULL;
        ardm_binding *binding = NULL;
        ardm_bytes text = {0};
        ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
        OK(ardm_store_create(&store, device_at(k)));
        set_noise(store, graph, extents, 1, 3, 1.0f);
        options.profile = 1;
        options.variant = "library";
        uint64_t allocated = ardm_device_allocated(device_at(k));
        options.no_fallback = 1;
        ck_assert_int_eq(ardm_bind(&binding, graph, store, extents, 1, &options), ARDM_EBUILD);
        ck_assert_ptr_null(binding);
        options.no_fallback = 0;
        uint32_t warnings = ardm_log_warnings();
        OK(ardm_bind(&binding, graph, store, extents, 1, &options));
        ck_assert_uint_eq(ardm_log_warnings(), warnings + 1);
        fill(binding);
        OK(ardm_run(binding));
        OK(ardm_binding_profile(&text, binding));
        ck_assert_ptr_null(strstr((const char *)text.data, "broken"));
        ck_assert_ptr_null(strstr((const char *)text.data, "library"));
        ck_assert_ptr_nonnull(strstr((const char *)text.data, variants[2].name));
        ardm_bytes_free(&text);
        ardm_binding_free(&binding);
        ardm_store_free(&store);
        ck_assert_uint_lt(ardm_device_allocated(device_at(k)), allocated);
        ardm_graph_free(&graph);
    }
}
END_TEST

TCase *variants_cases(void) {
    TCase *test = tcase_create("variants");
    tcase_add_test(test, library_product_is_near);
    tcase_add_test(test, broken_variant_is_passed_over);
    return test;
}
