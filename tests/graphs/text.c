/* The text form: printer and parser are inverses. */
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* Canonical texts: each parses and prints to itself. */
static const char *const canonical[] = {
    "ardm graph 1\n"
    "graph empty() {\n"
    "}\n",

    "ardm graph 1\n"
    "graph mlp(%x: f32[N,784]) -> %y {\n"
    "  %w = state f32[784,10] \"fc.weight\"\n"
    "  %h = matmul %x, %w : f32[N,10]\n"
    "  %y = gelu %h : f32[N,10]\n"
    "}\n",

    "ardm graph 1\n"
    "graph step(%x: f32[N,4], %t: i32[N]) -> loss=%5, %x, logits=%2 {\n"
    "  %w = state f32[4,3] \"w\"\n"
    "  %0 = constant f32[] {0.5}\n"
    "  %1 = constant f32[3] {1, -2.5, 0.100000001}\n"
    "  %2 = matmul %x, %w : f32[N,3]\n"
    "  %3, %4 = softmax_nll %2, %t : f32[N], f32[N]\n"
    "  %5 = sum %3 : f32[]\n"
    "  %6 = mul %w, %0 : f32[4,3]\n"
    "  update %w, %6\n"
    "}\n",

    "ardm graph 1\n"
    "graph extents(%a: f32[N,2*H,W,3], %b: f32[N,H*W/4,12], %c: f32[N,K*K,5]) -> %d {\n"
    "  %d = merge %a first=1 : f32[N,2*H*W,3]\n"
    "}\n",

    "ardm graph 1\n"
    "graph kinds(%u: u8[N], %v: u16[3,N], %w: u32[], %i: i32[N,R]) -> %i {\n"
    "  %0 = constant i32[2] {-2147483648, 2147483647}\n"
    "  %1 = constant u8[3] {0, 7, 255}\n"
    "  %2 = constant u16[1] {65535}\n"
    "  %3 = constant u32[] {4294967295}\n"
    "  %4 = constant f32[0] {}\n"
    "}\n",

    "ardm graph 1\n"
    "graph absent(%z: f32[N,7], %t: i32[N], %l: f32[N], %dy: f32[N]) -> dz=%0 {\n"
    "  %0 = softmax_nll_grad %z, %t, -, %l, %dy : f32[N,7]\n"
    "}\n",

    "ardm graph 1\n"
    "graph groups(%x: f32[N,5,8]) -> %y {\n"
    "  %parts = column_sum %x group=16 : f32[N/16,8]\n"
    "  %y = tree_sum %parts : f32[8]\n"
    "}\n",
};

START_TEST(canonical_text_comes_back) {
    ardm_graph *graph = parsed(canonical[_i]);
    expect_text(graph, canonical[_i]);
    ardm_graph *copy = NULL;
    OK(ardm_graph_copy(&copy, graph));
    expect_text(copy, canonical[_i]);
    ardm_graph_free(&copy);
    ardm_graph_free(&graph);
}
END_TEST

START_TEST(loose_text_becomes_canonical) {
    ardm_graph *graph = parsed("# a remark\n\nardm graph 1   # version\n"
                               "graph  g ( %x : f32[N, 4*2] ) -> y = %b,  %x {\r\n"
                               "%a = relu %x\n"
                               "   %17 = state f32[8] \"s#not-a-remark\"  # one is\n"
                               "%b=add %a,%17:f32[N,8]\n"
                               "  %9 = matmul_grad %a, %b   group=4 \n"
                               "\n}\n"
                               "# the end");
    expect_text(graph, "ardm graph 1\n"
                       "graph g(%x: f32[N,8]) -> y=%b, %x {\n"
                       "  %0 = state f32[8] \"s#not-a-remark\"\n"
                       "  %a = relu %x : f32[N,8]\n"
                       "  %b = add %a, %0 : f32[N,8]\n"
                       "  %1 = matmul_grad %a, %b group=4 : f32[N/4,8,8]\n"
                       "}\n");
    ardm_graph_free(&graph);
}
END_TEST

/* What builders make prints as what the parser reads. */
START_TEST(built_graph_prints) {
    ardm_graph *graph = NULL;
    char type[64];
    OK(ardm_graph_create(&graph, "built"));
    ck_assert_int_eq(ardm_graph_state(graph, "7/odd name-1", "f32[5]"), -1); /* a blank */
    ck_assert_int_ne(ardm_graph_check(graph), ARDM_OK);
    ck_assert_ptr_nonnull(strstr(ardm_message(), "7/odd name-1"));
    ardm_graph_free(&graph);

    OK(ardm_graph_create(&graph, "built"));
    ardm_value x = ardm_graph_input(graph, "x", "f32[N,H,W,3]"), w = ardm_graph_state(graph, "block0.w", "f32[3,5]");
    ardm_value odd = ardm_graph_state(graph, "7/odd", "f32[5]");
    ardm_value half = ardm_graph_scalar(graph, 0.5f);
    ardm_value y = ARDM_NODE(graph, "matmul", NULL, x, w);
    y = ARDM_NODE(graph, "add", NULL, y, odd);
    y = ARDM_NODE(graph, "mul", NULL, y, half);
    ardm_value g = ardm_graph_node(graph, NULL, "matmul_grad", (const ardm_value[]){x, y}, 2, "group=%d", 8);
    ardm_graph_output(graph, "y", y);
    ardm_graph_output(graph, "g", g);
    ardm_graph_update(graph, odd, odd);
    OK(ardm_graph_check(graph));
    ck_assert_str_eq(ardm_graph_value_type(graph, g, type, sizeof type), "f32[N/8,3,5]");
    expect_text(graph, "ardm graph 1\n"
                       "graph built(%x: f32[N,H,W,3]) -> y=%4, g=%5 {\n"
                       "  %block0.w = state f32[3,5] \"block0.w\"\n"
                       "  %0 = state f32[5] \"7/odd\"\n"
                       "  %1 = constant f32[] {0.5}\n"
                       "  %2 = matmul %x, %block0.w : f32[N,H,W,5]\n"
                       "  %3 = add %2, %0 : f32[N,H,W,5]\n"
                       "  %4 = mul %3, %1 : f32[N,H,W,5]\n"
                       "  %5 = matmul_grad %x, %4 group=8 : f32[N/8,3,5]\n"
                       "  update %0, %0\n"
                       "}\n");
    ck_assert_int_eq(ardm_graph_find(graph, "block0.w"), w);
    ck_assert_int_eq(ardm_graph_find(graph, "x"), x);
    ck_assert_int_eq(ardm_graph_find(graph, "g"), g);
    ck_assert_int_eq(ardm_graph_find(graph, "none"), -1);
    ardm_graph_free(&graph);
}
END_TEST

/* Long constants are bytes, and come back to the bit. */
START_TEST(long_constants_come_back) {
    ardm_graph *graph = NULL, *again = NULL;
    float data[100];
    for (uint32_t k = 0; k < 100; ++k) data[k] = noise(1, k) / 3.0f;
    OK(ardm_graph_create(&graph, "g"));
    ardm_value c = ardm_graph_constant(graph, "f32[4,25]", data);
    ardm_graph_output(graph, "y", ARDM_NODE(graph, "relu", NULL, c));
    char *text = printed(graph);
    OK(ardm_graph_parse(&again, text, strlen(text), sizeof data));
    expect_text(again, text);
    ck_assert_int_eq(ardm_graph_parse(&(ardm_graph *){NULL}, text, strlen(text), sizeof data - 1), ARDM_EFORMAT);
    free(text);
    ardm_graph_free(&graph);
    ardm_graph_free(&again);
}
END_TEST

/* Every float survives nine digits. */
START_TEST(short_constants_come_back) {
    for (uint32_t k = 0; k < 2000; ++k) {
        union {
            uint32_t u;
            float f;
        } bits = {(uint32_t)(int32_t)(noise(2, k) * 1e6f) * 2654435761u + k * 40503u}, got;
        if ((bits.u >> 23 & 255) == 255 || (bits.u >> 23 & 255) < 127 - 40) continue;
        ardm_graph *graph = NULL;
        OK(ardm_graph_create(&graph, "g"));
        ardm_graph_output(graph, "y", ardm_graph_scalar(graph, bits.f));
        char *text = printed(graph);
        got.f = strtof(strstr(text, "f32[] {") + 7, NULL);
        ck_assert_uint_eq(got.u, bits.u);
        ardm_graph *again = parsed(text);
        expect_text(again, text);
        ardm_graph_free(&again);
        ardm_graph_free(&graph);
        free(text);
    }
}
END_TEST

/* A head behind a network that was loaded as text. */
START_TEST(inline_joins_graphs) {
    ardm_graph *part = parsed("ardm graph 1\n"
                              "graph net(%x: f32[N,4], %b: f32[3]) -> %z, %h {\n"
                              "  %w = state f32[4,3] \"w\"\n"
                              "  %c = constant f32[3] {1, 2, 3}\n"
                              "  %h = matmul %x, %w\n"
                              "  %k = add %h, %b\n"
                              "  %z = mul %k, %c\n"
                              "}\n");
    ardm_graph *graph = NULL;
    ardm_value outs[2];
    OK(ardm_graph_create(&graph, "whole"));
    ardm_value a = ardm_graph_input(graph, "a", "f32[N,4]"), bias = ardm_graph_state(graph, "bias", "f32[3]");
    OK(ardm_graph_inline(graph, part, (const ardm_value[]){a, bias}, 2, outs, 2));
    OK(ardm_graph_inline(graph, part, (const ardm_value[]){a, bias}, 2, outs, 2));
    ardm_graph_output(graph, "y", ARDM_NODE(graph, "softmax", NULL, outs[0]));
    OK(ardm_graph_simplify(graph));
    expect_text(graph, "ardm graph 1\n"
                       "graph whole(%a: f32[N,4]) -> y=%4 {\n"
                       "  %bias = state f32[3] \"bias\"\n"
                       "  %w = state f32[4,3] \"w\"\n"
                       "  %0 = constant f32[3] {1, 2, 3}\n"
                       "  %1 = matmul %a, %w : f32[N,3]\n"
                       "  %2 = add %1, %bias : f32[N,3]\n"
                       "  %3 = mul %2, %0 : f32[N,3]\n"
                       "  %4 = softmax %3 : f32[N,3]\n"
                       "}\n");
    ck_assert_int_eq(ardm_graph_inline(graph, part, (const ardm_value[]){bias, bias}, 2, outs, 2), ARDM_ESHAPE);
    ardm_graph_free(&graph);
    ardm_graph_free(&part);
}
END_TEST

/* Building goes on after a failure and reports the first. */
START_TEST(first_failure_stays) {
    ardm_graph *graph = NULL;
    OK(ardm_graph_create(&graph, "g"));
    ardm_value x = ardm_graph_input(graph, "x", "f32[N,4]"), w = ardm_graph_state(graph, "w", "f32[5,3]");
    ardm_value y = ARDM_NODE(graph, "matmul", NULL, x, w);
    ck_assert_int_eq(y, -1);
    y = ARDM_NODE(graph, "no_such_op", NULL, y);
    ardm_graph_output(graph, "y", y);
    ck_assert_int_eq(ardm_graph_check(graph), ARDM_ESHAPE);
    ck_assert_ptr_nonnull(strstr(ardm_message(), "matmul"));
    ardm_graph_free(&graph);
}
END_TEST

START_TEST(dot_names_everything) {
    ardm_graph *graph = parsed(canonical[2]);
    ardm_bytes bytes = {0};
    OK(ardm_graph_print_dot(&bytes, graph));
    const char *text = (const char *)bytes.data;
    ck_assert_ptr_nonnull(strstr(text, "digraph \"step\""));
    ck_assert_ptr_nonnull(strstr(text, "softmax_nll"));
    ck_assert_ptr_nonnull(strstr(text, "label=\"loss\""));
    ck_assert_ptr_nonnull(strstr(text, "style=dashed"));
    ardm_bytes_free(&bytes);
    ardm_graph_free(&graph);
}
END_TEST

TCase *text_cases(void) {
    TCase *test = tcase_create("text");
    tcase_add_loop_test(test, canonical_text_comes_back, 0, sizeof canonical / sizeof *canonical);
    tcase_add_test(test, loose_text_becomes_canonical);
    tcase_add_test(test, built_graph_prints);
    tcase_add_test(test, long_constants_come_back);
    tcase_add_test(test, short_constants_come_back);
    tcase_add_test(test, inline_joins_graphs);
    tcase_add_test(test, first_failure_stays);
    tcase_add_test(test, dot_names_everything);
    return test;
}
