/* Text before and after a pass. */
#include <stdlib.h>
#include <string.h>

#include "support.h"

static const struct {
    const char *pass, *before, *after;
} cases[] = {
    {"fold",
     "ardm graph 1\ngraph g() -> %y {\n"
     "  %a = constant f32[2,2] {1, 2, 3, 4}\n"
     "  %b = constant f32[2] {10, 20}\n"
     "  %c = add %a, %b\n"
     "  %y = merge %c first=0\n"
     "}\n",
     "ardm graph 1\ngraph g() -> %y {\n"
     "  %a = constant f32[2,2] {1, 2, 3, 4}\n"
     "  %b = constant f32[2] {10, 20}\n"
     "  %c = constant f32[2,2] {11, 22, 13, 24}\n"
     "  %y = constant f32[4] {11, 22, 13, 24}\n"
     "}\n"},
    {"simplify", "ardm graph 1\ngraph g() {\n}\n", "ardm graph 1\ngraph g() {\n}\n"},
    {"fold", /* inputs and states are not constants */
     "ardm graph 1\ngraph g(%x: f32[2]) -> %y {\n"
     "  %s = state f32[2] \"s\"\n"
     "  %a = relu %s\n"
     "  %y = add %x, %a\n"
     "}\n",
     "ardm graph 1\ngraph g(%x: f32[2]) -> %y {\n"
     "  %s = state f32[2] \"s\"\n"
     "  %a = relu %s : f32[2]\n"
     "  %y = add %x, %a : f32[2]\n"
     "}\n"},
    {"common", /* equal attributes and operands; a chain collapses; operands in another order stay */
     "ardm graph 1\ngraph g(%x: f32[N,2], %y: f32[N,2]) -> %e, %f, %s, %p {\n"
     "  %a = relu %x\n"
     "  %b = relu %x\n"
     "  %c = scale %a by=2\n"
     "  %d = scale %b by=2\n"
     "  %e = add %c, %d\n"
     "  %f = add %d, %c\n"
     "  %s = scale %a by=3\n"
     "  %o = add %x, %y\n"
     "  %p = add %y, %x\n"
     "}\n",
     "ardm graph 1\ngraph g(%x: f32[N,2], %y: f32[N,2]) -> %e, f=%e, %s, %p {\n"
     "  %a = relu %x : f32[N,2]\n"
     "  %c = scale %a by=2 : f32[N,2]\n"
     "  %e = add %c, %c : f32[N,2]\n"
     "  %s = scale %a by=3 : f32[N,2]\n"
     "  %o = add %x, %y : f32[N,2]\n"
     "  %p = add %y, %x : f32[N,2]\n"
     "}\n"},
    {"common",
     "ardm graph 1\ngraph g(%x: f32[N]) -> %y {\n"
     "  %a = constant f32[] {2}\n"
     "  %b = constant f32[] {2}\n"
     "  %c = mul %x, %a\n"
     "  %d = mul %x, %b\n"
     "  %y = add %c, %d\n"
     "}\n",
     "ardm graph 1\ngraph g(%x: f32[N]) -> %y {\n"
     "  %a = constant f32[] {2}\n"
     "  %b = constant f32[] {2}\n"
     "  %c = mul %x, %a : f32[N]\n"
     "  %y = add %c, %c : f32[N]\n"
     "}\n"},
    {"dead", /* inputs and states stay, updates keep what they need */
     "ardm graph 1\ngraph g(%x: f32[N], %z: i32[N]) -> %y {\n"
     "  %s = state f32[] \"s\"\n"
     "  %k = constant f32[] {3}\n"
     "  %a = relu %x\n"
     "  %b = gelu %a\n"
     "  %y = tanh %x\n"
     "  %u = sum %a\n"
     "  update %s, %u\n"
     "}\n",
     "ardm graph 1\ngraph g(%x: f32[N], %z: i32[N]) -> %y {\n"
     "  %s = state f32[] \"s\"\n"
     "  %a = relu %x : f32[N]\n"
     "  %y = tanh %x : f32[N]\n"
     "  %u = sum %a : f32[]\n"
     "  update %s, %u\n"
     "}\n"},
    {"simplify", /* never reassociates, distributes or cancels */
     "ardm graph 1\ngraph g(%x: f32[N], %y: f32[N]) -> %e {\n"
     "  %z = constant f32[] {0}\n"
     "  %a = add %x, %z\n"
     "  %b = sub %a, %y\n"
     "  %c = add %b, %y\n"
     "  %d = scale %c by=1\n"
     "  %e = mul %d, %z\n"
     "}\n",
     "ardm graph 1\ngraph g(%x: f32[N], %y: f32[N]) -> %e {\n"
     "  %z = constant f32[] {0}\n"
     "  %a = add %x, %z : f32[N]\n"
     "  %b = sub %a, %y : f32[N]\n"
     "  %c = add %b, %y : f32[N]\n"
     "  %d = scale %c by=1 : f32[N]\n"
     "  %e = mul %d, %z : f32[N]\n"
     "}\n"},
};

START_TEST(pass_gives_text) {
    ardm_graph *graph = parsed(cases[_i].before);
    OK(ardm_graph_run_pass(graph, cases[_i].pass));
    expect_text(graph, cases[_i].after);
    OK(ardm_graph_run_pass(graph, cases[_i].pass)); /* once is enough */
    expect_text(graph, cases[_i].after);
    ardm_graph_free(&graph);
}
END_TEST

START_TEST(unknown_pass_is_named) {
    ardm_graph *graph = parsed("ardm graph 1\ngraph g() {\n}\n");
    ck_assert_int_eq(ardm_graph_run_pass(graph, "simplfy"), ARDM_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(ardm_message(), "simplfy"));
    ck_assert_ptr_nonnull(strstr(ardm_message(), "fold, common, dead"));
    ardm_graph_free(&graph);
}
END_TEST

TCase *passes_cases(void) {
    TCase *test = tcase_create("passes");
    tcase_add_loop_test(test, pass_gives_text, 0, sizeof cases / sizeof *cases);
    tcase_add_test(test, unknown_pass_is_named);
    return test;
}
