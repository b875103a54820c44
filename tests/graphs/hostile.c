/* Text that means harm: truncated, mutated, oversized. Each gets an error or a graph that prints and parses back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static const char whole[] =
    "ardm graph 1\n"
    "graph step(%x: f32[N,2*H,4], %t: i32[N]) -> loss=%4, %y {\n"
    "  %w = state f32[4,3] \"fc.w\"\n"
    "  %0 = constant f32[3] {1, -2.5, 0.25}\n"
    "  %1 = constant u8[80] \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
    "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f\"\n"
    "  %h = matmul %x, %w : f32[N,2*H,3]\n"
    "  %y = add %h, %0 : f32[N,2*H,3]\n"
    "  %2 = position_sum %y : f32[N,3]\n"
    "  %3, %lse = softmax_nll %2, %t, - : f32[N], f32[N]\n"
    "  %4 = sum %3 : f32[]\n"
    "  %5 = matmul_grad %x, %y group=4 : f32[N/4,4,3]\n"
    "  %6 = tree_sum %5 : f32[4,3]\n"
    "  update %w, %6\n"
    "}\n";

/* Memory checkers see reads past the end only when the text has exactly its own bytes. */
static ardm_status parse_exactly(const char *text, size_t size, uint64_t limit) {
    char *copy = malloc(size ? size : 1);
    ardm_graph *graph = NULL;
    memcpy(copy, text, size);
    ardm_status status = ardm_graph_parse(&graph, copy, size, limit);
    free(copy);
    if (status == ARDM_OK) {
        char *once = printed(graph);
        ardm_graph *again = parsed(once);
        expect_text(again, once);
        ardm_graph_free(&again);
        free(once);
    }
    ardm_graph_free(&graph);
    return status;
}

START_TEST(every_truncation_fails) {
    size_t size = sizeof whole - 1;
    OK(parse_exactly(whole, size, 1 << 20));
    OK(parse_exactly(whole, size - 1, 1 << 20)); /* the last newline may be missing */
    for (size_t cut = 0; cut < size - 1; ++cut) {
        ck_assert_int_eq(parse_exactly(whole, cut, 1 << 20), ARDM_EFORMAT);
        ck_assert_ptr_nonnull(strstr(ardm_message(), "line "));
    }
}
END_TEST

/* Every byte replaced by each of these: most are errors, none may crash or print something that does not parse. */
START_TEST(every_mutation_is_survived) {
    static const char with[] = {'\0', '\n', ' ', '%', '0', '9', '"', '\\', ',', '=',    '{',   '}',
                                '[',  ']',  '-', ':', '#', '*', '/', 'N',  'x', '\x7f', '\xff'};
    char text[sizeof whole];
    int failed = 0, tried = 0;
    for (size_t at = 0; at < sizeof whole - 1; ++at)
        for (size_t k = 0; k < sizeof with; ++k) {
            memcpy(text, whole, sizeof whole);
            text[at] = with[k];
            ardm_status status = parse_exactly(text, sizeof whole - 1, 1 << 20);
            ck_assert(status == ARDM_OK || status == ARDM_EFORMAT);
            failed += status != ARDM_OK;
            ++tried;
        }
    ck_assert_int_gt(failed, tried / 2);
    ck_assert_int_lt(failed, tried);
}
END_TEST

/* Pieces cut out, doubled and swapped, by a fixed sequence. */
START_TEST(spliced_text_is_survived) {
    uint32_t state = 12345;
    for (int round = 0; round < 3000; ++round) {
        char text[2 * sizeof whole];
        state = state * 1664525u + 1013904223u;
        size_t from = (state >> 8) % (sizeof whole - 1);
        state = state * 1664525u + 1013904223u;
        size_t to = (state >> 8) % (sizeof whole - 1);
        size_t tail = sizeof whole - 1 - to;
        memcpy(text, whole, from);
        memcpy(text + from, whole + to, tail);
        ardm_status status = parse_exactly(text, from + tail, 1 << 20);
        ck_assert(status == ARDM_OK || status == ARDM_EFORMAT);
    }
}
END_TEST

static const struct {
    const char *body, *message;
} bad[] = {
    {"%a = relu %b\n", "%b is not defined"},
    {"%a = relu %a\n", "%a is not defined"},
    {"%a = nothing %x\n", "no op is called"},
    {"%a, %b = relu %x\n", "1 outputs"},
    {"%a = relu %x\n%a = relu %x\n", "defined twice"},
    {"%x = relu %x\n", "defined twice"},
    {"%a = relu %x : f32[N,5]\n", "the text says"},
    {"%a = relu %x : f32[N,4] more\n", "end of the line"},
    {"%a = scale %x by=zero\n", "scale"},
    {"%a = scale %x\n", "required"},
    {"%a = scale %x by=1, to=2\n", "no attribute"},
    {"%a = matmul %x\n", "matmul"},
    {"%a = add %x, %x, %x\n", "add"},
    {"%a = state f32[N,99999999999] \"s\"\n", "2^31-1"},
    {"%a = state f32[65536,65536,65536] \"s\"\n", "2^40"},
    {"%a = state f32[1,1,1,1,1,1] \"s\"\n", "more than 5"},
    {"%a = state f32[N/7] \"s\"\n", "divide"},
    {"%a = state f32[N/0] \"s\"\n", "divided by 0"},
    {"%a = state f32[A,B,C] \"1\"\n%b = state f32[D,E,F] \"2\"\n%c = state f32[G,P,J] \"3\"\n%d = state f32[K] \"4\"\n", "one name too many"},
    {"%a = state f64[3] \"s\"\n", "no type"},
    {"%a = state f32[3] \"s\"\n%b = state f32[3] \"s\"\n", "two inputs or states"},
    {"%a = state f32[3] \"x\"\n", "two inputs or states"},
    {"%a = constant f32[2] {1}\n", "comma"},
    {"%a = constant f32[2] {1, 2, 3}\n", "} expected"},
    {"%a = constant f32[2] {1, nan}\n", "constant"},
    {"%a = constant f32[] {1e39}\n", "constant"},
    {"%a = constant u8[] {256}\n", "constant"},
    {"%a = constant i32[] {1.5}\n", "constant"},
    {"%a = constant f32[N] {1}\n", "numbers"},
    {"%a = constant u8[1000000] \"00\"\n", "bytes"},
    {"%a = constant f32[1] \"0000c07f\"\n", "not finite"},
    {"%999 = relu %x\n", "numbered from 0"},
    {"%99999999 = relu %x\n", "a number below"},
    {"update %x, %x\n", "update takes a state"},
    {"%a = state f32[3] \"s\"\nupdate %a, %x\n", "new value is"},
    {"%a = state f32[3] \"s\"\nupdate %a, %a\nupdate %a, %a\n", "updated twice"},
    {"nonsense\n", "expected"},
    {"}\nmore\n", "nothing after"},
};

START_TEST(errors_are_named) {
    char text[1024];
    snprintf(text, sizeof text, "ardm graph 1\ngraph g(%%x: f32[N,4]) {\n%s}\n", bad[_i].body);
    ck_assert_int_eq(parse_exactly(text, strlen(text), 1 << 20), ARDM_EFORMAT);
    ck_assert_msg(strstr(ardm_message(), bad[_i].message), "\"%s\" lacks \"%s\"", ardm_message(), bad[_i].message);
}
END_TEST

/* A short text must not ask for much memory, a long one must not take quadratic time. */
START_TEST(long_text_is_read) {
    enum { LINES = 20000 };
    ardm_bytes bytes = {0};
    OK(ardm_bytes_printf(&bytes, "ardm graph 1\ngraph g(%%x: f32[N,4]) {\n"));
    for (int k = 0; k < LINES; ++k) OK(ardm_bytes_printf(&bytes, "  %%%d = relu %%x : f32[N,4]\n", k));
    OK(ardm_bytes_printf(&bytes, "}\n"));
    ardm_graph *graph = NULL;
    OK(ardm_graph_parse(&graph, (const char *)bytes.data, bytes.size, 0));
    ck_assert_uint_eq(ardm_graph_node_count(graph), LINES);
    expect_text(graph, (const char *)bytes.data);
    OK(ardm_graph_run_pass(graph, "common"));
    ck_assert_uint_eq(ardm_graph_node_count(graph), 1);
    ardm_graph_free(&graph);
    ardm_bytes_free(&bytes);
}
END_TEST

TCase *hostile_cases(void) {
    TCase *test = tcase_create("hostile");
    tcase_add_test(test, every_truncation_fails);
    tcase_add_test(test, every_mutation_is_survived);
    tcase_add_test(test, spliced_text_is_survived);
    tcase_add_loop_test(test, errors_are_named, 0, sizeof bad / sizeof *bad);
    tcase_add_test(test, long_text_is_read);
    return test;
}
