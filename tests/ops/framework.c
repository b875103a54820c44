/* The framework: attribute text, calls, case text and registration. What is legal comes back, what is not gets an error, and no bytes do more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/philox.h"
#include "framework.h"
#include "ops.h"

static const ardm_attr attrs[] = {{"group", ARDM_ATTR_INT, "1", 1, 1000, ""},
                                  {"by", ARDM_ATTR_FLOAT, "0.5", -10, 10, ""},
                                  {"family", ARDM_ATTR_TEXT, "none", 0, 0, ""},
                                  {"must", ARDM_ATTR_INT, NULL, -5, 5, ""}};
static const ardm_op op = {ARDM_OP_ABI, sizeof(ardm_op), .name = "test", .attrs = attrs, .n_attrs = 4};

static ardm_status parse(ardm_attr_value *values, const char *text) { return ardm_attrs_parse(values, &op, text, strlen(text)); }

START_TEST(legal_text_comes_back) {
    static const char *const pairs[][2] = {{"must=1", "must=1"},
                                           {"  must=-5 ,group=1000", "group=1000, must=-5"},
                                           {"must=0, by=0.1", "by=0.1, must=0"},
                                           {"must=0, by=0.5, group=1, family=none", "must=0"},
                                           {"must=0,family=zero-least-significant", "family=zero-least-significant, must=0"},
                                           {"must=0, family=\"fma(a, b, \\\"c\\\\)\"", "family=\"fma(a, b, \\\"c\\\\)\", must=0"},
                                           {"must=0, family=\"\"", "family=\"\", must=0"},
                                           {"must=0, by=-1e-3", "by=-0.001, must=0"}};
    for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; ++k) {
        ardm_attr_value values[ARDM_MAX_ATTRS], again[ARDM_MAX_ATTRS];
        char text[200];
        ck_assert_msg(parse(values, pairs[k][0]) == ARDM_OK, "%s: %s", pairs[k][0], ardm_message());
        ck_assert_int_eq(ardm_attrs_print(text, sizeof text, &op, values), ARDM_OK);
        ck_assert_str_eq(text, pairs[k][1]);
        ck_assert_int_eq(parse(again, text), ARDM_OK);
        ck_assert_int_eq(again[0].i, values[0].i);
        ck_assert_double_eq(again[1].f, values[1].f);
        ck_assert_ptr_eq(again[2].s, values[2].s); /* interned */
        ck_assert_int_eq(ardm_attrs_print(text, 5, &op, values), ARDM_EINVAL);
    }
}
END_TEST

START_TEST(illegal_text_is_refused) {
    static const char *const texts[] = {"",
                                        "group=1",
                                        "must",
                                        "must=",
                                        "must=6",
                                        "must=1,",
                                        "must=1,,group=1",
                                        "must=1 group=1",
                                        "must=1, must=1",
                                        "must=1, nothing=1",
                                        "must=1, group=0",
                                        "must=1, group=1001",
                                        "must=1, group=010x",
                                        "must=1, group=0x10",
                                        "must=1, group=99999999999999999999",
                                        "must=1, by=nan",
                                        "must=1, by=inf",
                                        "must=1, by=11",
                                        "must=1, by=1,5",
                                        "must=1, family=\"open",
                                        "must=1, family=\"a\\n\"",
                                        "must=1, family=\"a\\",
                                        "must=1, family=a\"b",
                                        "must=1, family=\"a\nb\"",
                                        "=1",
                                        "must = 1",
                                        "must=1;group=1"};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; ++k) {
        ardm_attr_value values[ARDM_MAX_ATTRS];
        ck_assert_msg(parse(values, texts[k]) == ARDM_EINVAL, "accepted: %s", texts[k]);
        ck_assert_ptr_nonnull(strstr(ardm_message(), "test"));
    }
    ardm_attr_value values[ARDM_MAX_ATTRS];
    char *longest = malloc(20001);
    memset(longest, 'x', 20000);
    memcpy(longest, "must=1, family=", 15);
    longest[20000] = '\0';
    ck_assert_int_eq(parse(values, longest), ARDM_EINVAL);
    longest[15] = '"';
    ck_assert_int_eq(parse(values, longest), ARDM_EINVAL);
    free(longest);
}
END_TEST

/* Random bytes, and legal text with bytes changed: an answer, printable when it is a good one. */
START_TEST(hostile_text_is_safe) {
    static const char good[] = "group=12, by=-0.25, family=\"a, \\\"b\", must=3";
    int legal = 0;
    for (uint32_t round = 0; round < 20000; ++round) {
        char text[64], print[300];
        ardm_attr_value values[ARDM_MAX_ATTRS], again[ARDM_MAX_ATTRS];
        size_t length = sizeof good - 1;
        memcpy(text, good, length);
        uint32_t changes = 1 + ardm_random_word(3, ARDM_RANDOM_SYNTHETIC, 1, round, 0) % 3;
        for (uint32_t k = 0; k < changes; ++k) {
            uint32_t word = ardm_random_word(3, ARDM_RANDOM_SYNTHETIC, 2, round, k);
            text[word % length] = round % 2 ? (char)(word >> 24) : good[(word >> 12) % length];
        }
        if (round % 5 == 0) length = ardm_random_word(3, ARDM_RANDOM_SYNTHETIC, 3, round, 0) % length;
        char *exact = malloc(length + 1); /* its end is the end of memory: a checker sees reads beyond */
        memcpy(exact, text, length);
        ardm_status status = ardm_attrs_parse(values, &op, exact, length);
        free(exact);
        if (status != ARDM_OK) continue;
        ++legal;
        ck_assert_int_eq(ardm_attrs_print(print, sizeof print, &op, values), ARDM_OK);
        ck_assert_msg(parse(again, print) == ARDM_OK, "%s: %s", print, ardm_message());
        ck_assert(again[0].i == values[0].i && again[1].f == values[1].f && again[2].s == values[2].s && again[3].i == values[3].i);
    }
    ck_assert_int_gt(legal, 100);
}
END_TEST

START_TEST(calls_are_checked) {
    const ardm_op *add = ardm_op_find("add");
    int64_t dims[6] = {2, 3, 4, 5, 6, 7};
    ardm_shape out[1], in[3] = {ardm_shape_make(ARDM_F32, 2, dims), ardm_shape_make(ARDM_F32, 2, dims), ardm_shape_make(ARDM_F32, 2, dims)};
    ardm_call call = {ARDM_OP_ABI, sizeof call, add, 2, 1, in, out, NULL, NULL, NULL};
    ck_assert_int_eq(ardm_call_check(&call, out), ARDM_OK);
    call.n_in = 1;
    ck_assert_int_eq(ardm_call_check(&call, out), ARDM_ESHAPE);
    call.n_in = 3;
    ck_assert_int_eq(ardm_call_check(&call, out), ARDM_ESHAPE);
    call.n_in = 2;
    in[1].dtype = ARDM_I32;
    ck_assert_int_eq(ardm_call_check(&call, out), ARDM_ESHAPE);
    in[1].dtype = 0;
    ck_assert_int_eq(ardm_call_check(&call, out), ARDM_ESHAPE);
    in[1].dtype = 77;
    ck_assert_int_eq(ardm_call_check(&call, out), ARDM_ESHAPE);
    in[1] = in[0];
    in[1].dim[0] = -1;
    ck_assert_int_eq(ardm_call_check(&call, out), ARDM_ESHAPE);
    in[1].dim[0] = INT64_MAX;
    ck_assert_int_eq(ardm_call_check(&call, out), ARDM_ESHAPE);
    in[1].rank = 1000;
    ck_assert_int_eq(ardm_call_check(&call, out), ARDM_ESHAPE);
    in[0].dim[0] = in[0].dim[1] = (INT64_C(1) << 31) - 1;
    in[1] = in[0];
    ck_assert_int_eq(ardm_call_check(&call, out), ARDM_ESHAPE);
}
END_TEST

START_TEST(case_text_is_checked) {
    static const char *const bad[] = {
        "f32[2",          "f32 2]",          "x[2] f32[2]",   "f32[2]{1:0} f32[2]", "f32[2]{1} f32[2]",       "f32[1,1,1,1,1,1] f32[1]",
        "f32[-1] f32[1]", "f32[2.5] f32[2]", "f32[2] f32[3]", "f32[2] -",           "f32[4000000000] f32[1]", "f32[2]{0:1} f32[2]x"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; ++k) {
        ardm_case_data *data = NULL;
        ck_assert_msg(ardm_case_open_text(&data, ardm_op_find("add"), bad[k], NULL, 0) != ARDM_OK, "accepted: %s", bad[k]);
        ck_assert_ptr_null(data);
    }
}
END_TEST

START_TEST(plugin_ops_are_checked) {
    static ardm_op wrong;
    wrong = *ardm_op_find("add");
    ck_assert_int_eq(ardm_op_register(&wrong), ARDM_EINVAL); /* no dot */
    wrong.name = "org.example.add";
    wrong.size = 8;
    ck_assert_int_eq(ardm_op_register(&wrong), ARDM_EUNSUPPORTED);
    wrong.size = sizeof wrong;
    wrong.oracle = NULL;
    ck_assert_int_eq(ardm_op_register(&wrong), ARDM_EINVAL);
    ck_assert_ptr_null(ardm_op_find("org.example.add"));
}
END_TEST

void add_framework_tests(TCase *t) {
    tcase_add_test(t, legal_text_comes_back);
    tcase_add_test(t, illegal_text_is_refused);
    tcase_add_test(t, hostile_text_is_safe);
    tcase_add_test(t, calls_are_checked);
    tcase_add_test(t, case_text_is_checked);
    tcase_add_test(t, plugin_ops_are_checked);
}
