/* host_process.c: chains of partitions, regular and from tables. */
#include "host.h"

#include <stdio.h>
#include <string.h>

#include "ardm/process.h"

static ardm_process *parse(const char *text) {
    ardm_process *p = NULL;
    ck_ok(ardm_process_parse(&p, text));
    ck_assert_str_eq(ardm_process_text(p), text);
    return p;
}

/* What every chain must satisfy, symbol by symbol. */
static void check_chain(const ardm_process *p) {
    const uint32_t k = ardm_process_classes(p), stages = ardm_process_stages(p);
    uint32_t most = 0;
    ck_assert_uint_eq(ardm_process_class_count(p, 0), 1);
    ck_assert_uint_eq(ardm_process_class_count(p, stages), k);
    for (uint32_t s = 0; s < stages; s++) {
        for (uint32_t x = 0; x < k; x++) {
            const uint32_t parent = ardm_process_class(p, s, x), child = ardm_process_class(p, s + 1, x);
            uint32_t children = 0;
            const uint32_t digit = ardm_process_digit(p, s, x, &children);
            ck_assert_uint_le(parent, x);
            ck_assert_uint_eq(ardm_process_class(p, s, parent), parent);
            ck_assert_uint_eq(ardm_process_class(p, s, child), parent);
            ck_assert_uint_lt(digit, children);
            ck_assert_uint_eq(children, ardm_process_children(p, s, parent));
            ck_assert_uint_eq(ardm_process_child(p, s, parent, digit), child);
            ck_assert_int_eq(ardm_process_input(p, s, x), ardm_process_input(p, s, parent));
            ck_assert_int_lt(ardm_process_input(p, s, x), (int)ardm_process_inputs(p));
            if (children > most) most = children;
            for (uint32_t d = 1; d < children; d++) ck_assert_uint_gt(ardm_process_child(p, s, parent, d), ardm_process_child(p, s, parent, d - 1));
        }
    }
    ck_assert_uint_eq(most, ardm_process_logits(p));
    for (uint32_t x = 0; x < k; x++) ck_assert_uint_eq(ardm_process_class(p, stages, x), x);
}

START_TEST(stage_counts_are_integers) {
    static const struct {
        uint32_t k, b, stages;
    } rows[] = {{125, 5, 3}, {216, 6, 3},    {243, 3, 5},   {256, 2, 8},    {256, 4, 4},     {256, 16, 2}, {256, 256, 1}, {5, 2, 3},
                {6, 4, 2},   {65536, 2, 16}, {65536, 4, 8}, {65536, 16, 4}, {65536, 256, 2}, {2, 2, 1},    {126, 5, 4},   {65536, 65536, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        snprintf(text, sizeof text, "zero-least-significant %u %u", rows[i].k, rows[i].b);
        ardm_process *p = parse(text);
        ck_assert_uint_eq(ardm_process_stages(p), rows[i].stages);
        if (rows[i].k < 300) check_chain(p);
        ardm_process_free(&p);
    }
}
END_TEST

/* Space, vowels, consonants of 27 symbols: three children, then 1, 5 and 21; and what cannot be a chain, each with its reason. */
START_TEST(partitions_are_read) {
    static const char vowels[] = "0 | 1 5 9 15 21 | 2-4 6-8 10-14 16-20 22-26";
    static const struct {
        const char *text, *why;
    } bad[] = {{"", "no member"},
               {"0-25", "symbol 26 is in no class"},
               {"0-26 | 3", "symbol 3 is in two classes"},
               {"0-26 |", "class 1 has no member"},
               {"0-27", "0-27 is no range"},
               {"5-4 0-3 6-26", "5-4 is no range"},
               {"0-", "no end"},
               {"0-26 x", "\"x\" is neither"},
               {"0 1-26 / 0 1 | 2-26 / 0 2 | 1 3-26", "symbols 0 and 2 share a class"}};
    ardm_process *p = NULL, *copy = NULL;
    ck_ok(ardm_process_from_partitions(&p, 27, vowels));
    check_chain(p);
    ck_assert_uint_eq(ardm_process_stages(p), 2);
    ck_assert_uint_eq(ardm_process_children(p, 0, 0), 3);
    ck_assert_uint_eq(ardm_process_children(p, 1, 0), 1);
    ck_assert_uint_eq(ardm_process_children(p, 1, 5), 5);
    ck_assert_uint_eq(ardm_process_children(p, 1, 2), 21);
    ck_ok(ardm_process_copy(&copy, p));
    int32_t table[5][3][27], again[5][3][27];
    ardm_process_table(p, &table[0][0][0]);
    ardm_process_table(copy, &again[0][0][0]);
    ck_assert(memcmp(table, again, sizeof table) == 0);
    for (uint32_t s = 0; s < 2; s++)
        for (uint32_t x = 0; x < 27; x++) {
            uint32_t children;
            ck_assert_int_eq(table[3][s][x], (int32_t)ardm_process_digit(p, s, x, &children));
            ck_assert_int_eq(table[4][s][x], (int32_t)children);
            ck_assert_int_eq(table[0][s + 1][x], (int32_t)ardm_process_child(p, s, x, (uint32_t)table[3][s][x]));
            ck_assert_int_eq(table[2][s][x], ardm_process_input(p, s, x));
        }
    ardm_process_free(&copy);
    ardm_process_free(&p);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(ardm_process_from_partitions(&p, 27, bad[i].text), ARDM_EINVAL);
        ck_assert_msg(strstr(ardm_message(), bad[i].why) != NULL, "%s: %s", bad[i].text, ardm_message());
    }
}
END_TEST

START_TEST(five_symbols_in_base_two) {
    ardm_process *p = parse("zero-least-significant 5 2");
    check_chain(p);
    static const uint32_t counts[] = {1, 2, 3, 5};
    for (uint32_t s = 0; s < 4; s++) ck_assert_uint_eq(ardm_process_class_count(p, s), counts[s]);
    ck_assert_uint_eq(ardm_process_children(p, 0, 0), 2);
    ck_assert_uint_eq(ardm_process_child(p, 0, 0, 1), 4);
    ck_assert_uint_eq(ardm_process_children(p, 1, 4), 1); /* 4 goes to 4 alone: free */
    ck_assert_uint_eq(ardm_process_children(p, 2, 4), 1);
    ck_assert_uint_eq(ardm_process_children(p, 1, 3), 2);
    ck_assert_uint_eq(ardm_process_last(p, 1, 2, NULL), 3);
    ck_assert_uint_eq(ardm_process_last(p, 0, 2, NULL), 4);
    ck_assert_uint_eq(ardm_process_logits(p), 2);
    ck_assert_uint_eq(ardm_process_inputs(p), 5);
    ardm_process_free(&p);
}
END_TEST

START_TEST(absorbing_hides_everything_behind_a_fresh_id) {
    ardm_process *p = parse("absorbing 256");
    check_chain(p);
    ck_assert_uint_eq(ardm_process_stages(p), 1);
    ck_assert_uint_eq(ardm_process_logits(p), 256);
    ck_assert_uint_eq(ardm_process_inputs(p), 257);
    ck_assert_int_eq(ardm_process_input(p, 0, 77), 256);
    ck_assert_int_eq(ardm_process_input(p, 1, 77), 77);
    ck_assert(ardm_process_value(p, 0, 77) == 0.0f);
    ck_assert(ardm_process_value(p, 1, 0) == -1.0f);
    ck_assert(ardm_process_value(p, 1, 255) == 1.0f);
    ardm_process_free(&p);
}
END_TEST

START_TEST(augment_uses_the_papers_blocks) {
    ardm_process *p = parse("augment-least-significant 256 4");
    check_chain(p);
    ck_assert_uint_eq(ardm_process_inputs(p), 341);
    ck_assert_int_eq(ardm_process_input(p, 0, 9), 340);
    ck_assert_int_eq(ardm_process_input(p, 1, 255), 339);
    ck_assert_int_eq(ardm_process_input(p, 2, 0), 320);
    ck_assert_int_eq(ardm_process_input(p, 3, 7), 257);
    ck_assert_int_eq(ardm_process_input(p, 4, 7), 7);
    ardm_process_free(&p);
    p = parse("augment-least-significant 8 2");
    ck_assert_uint_eq(ardm_process_inputs(p), 15);
    ck_assert_int_eq(ardm_process_input(p, 0, 0), 14);
    ardm_process_free(&p);
}
END_TEST

START_TEST(vowels_and_consonants) {
    uint16_t maps[3][27];
    for (uint32_t x = 0; x < 27; x++) { /* 0 is the space, 1 is a */
        const int vowel = x == 1 || x == 5 || x == 9 || x == 15 || x == 21;
        maps[0][x] = 7;
        maps[1][x] = (uint16_t)(x == 0 ? 100 : vowel ? 200 : 300);
        maps[2][x] = (uint16_t)(900 - x);
    }
    ardm_process *p = NULL;
    ck_ok(ardm_process_from_table(&p, 27, 2, maps[0], NULL));
    check_chain(p);
    ck_assert_str_eq(ardm_process_text(p), "table 27 2");
    ck_assert_uint_eq(ardm_process_children(p, 0, 0), 3);
    ck_assert_uint_eq(ardm_process_children(p, 1, 0), 1);
    ck_assert_uint_eq(ardm_process_children(p, 1, 1), 5);
    ck_assert_uint_eq(ardm_process_children(p, 1, 2), 21);
    ck_assert_uint_eq(ardm_process_logits(p), 21);
    ck_assert_int_eq(ardm_process_input(p, 1, 0), 0); /* a class of one symbol keeps its id */
    ck_assert_uint_eq(ardm_process_inputs(p), 30);
    ck_assert_uint_eq(ardm_process_digit(p, 1, 21, NULL), 4);
    int32_t interval = 1;
    ardm_process_last(p, 1, 1, &interval);
    ck_assert_int_eq(interval, 0);
    ardm_process_last(p, 0, 1, &interval);
    ck_assert_int_eq(interval, 1);
    uint16_t again[3 * 27];
    int32_t ids[3 * 27];
    ardm_process_maps(p, again, ids);
    ardm_process *q = NULL;
    ck_ok(ardm_process_from_table(&q, 27, 2, again, ids));
    for (uint32_t s = 0; s < 3; s++)
        for (uint32_t x = 0; x < 27; x++) {
            ck_assert_uint_eq(ardm_process_class(p, s, x), ardm_process_class(q, s, x));
            ck_assert_int_eq(ardm_process_input(p, s, x), ardm_process_input(q, s, x));
        }
    ardm_process_free(&q);
    ardm_process_free(&p);
}
END_TEST

START_TEST(a_table_agrees_with_the_arithmetic) {
    static const char *const texts[] = {"zero-least-significant 100 3", "absorbing 7", "augment-least-significant 37 4"};
    for (int i = 0; i < 3; i++) {
        ardm_process *p = parse(texts[i]), *q = NULL;
        uint16_t maps[6 * 100];
        int32_t ids[6 * 100];
        const uint32_t k = ardm_process_classes(p), stages = ardm_process_stages(p);
        ardm_process_maps(p, maps, ids);
        ck_ok(ardm_process_from_table(&q, k, stages, maps, ids));
        check_chain(q);
        ck_assert_uint_eq(ardm_process_logits(p), ardm_process_logits(q));
        ck_assert_uint_eq(ardm_process_inputs(p), ardm_process_inputs(q));
        for (uint32_t s = 0; s <= stages; s++)
            for (uint32_t x = 0; x < k; x++) {
                int32_t interval = 0;
                ck_assert_uint_eq(ardm_process_last(p, s, x, NULL), ardm_process_last(q, s, x, &interval));
                ck_assert_int_eq(interval, 1);
                ck_assert(ardm_process_value(p, s, x) == ardm_process_value(q, s, x));
                if (s < stages) ck_assert_uint_eq(ardm_process_digit(p, s, x, NULL), ardm_process_digit(q, s, x, NULL));
            }
        ardm_process_free(&q);
        ardm_process_free(&p);
    }
}
END_TEST

START_TEST(tables_that_are_no_chain) {
    ardm_process *p = NULL;
    const uint16_t split_root[] = {0, 0, 1, 0, 0, 1, 0, 1, 2};
    ck_fails(ARDM_EINVAL, "symbol 2 is apart", ardm_process_from_table(&p, 3, 2, split_root, NULL));
    const uint16_t crossing[] = {0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 2, 3};
    ck_fails(ARDM_EINVAL, "symbols 1 and 2 share a class of partition 2 but not of partition 1", ardm_process_from_table(&p, 4, 3, crossing, NULL));
    const uint16_t unfinished[] = {0, 0, 0, 0, 1, 1};
    ck_fails(ARDM_EINVAL, "1 and 2 share a class", ardm_process_from_table(&p, 3, 1, unfinished, NULL));
    const uint16_t fine[] = {0, 0, 0, 1};
    const int32_t ids[] = {2, 3, 0, 1};
    ck_fails(ARDM_EINVAL, "symbol 1 of partition 0", ardm_process_from_table(&p, 2, 1, fine, ids));
    ck_fails(ARDM_EINVAL, "symbols", ardm_process_from_table(&p, 1, 1, fine, NULL));
    ck_fails(ARDM_EINVAL, "stages", ardm_process_from_table(&p, 2, 0, fine, NULL));
    ck_assert_ptr_null(p);
}
END_TEST

START_TEST(texts_that_are_no_process) {
    static const char *const texts[] = {"",
                                        "absorbing",
                                        "absorbing ",
                                        "absorbing 1",
                                        "absorbing 65537",
                                        "absorbing 0x10",
                                        "absorbing 010",
                                        "absorbing 256 ",
                                        "absorbing -4",
                                        "absorbing 99999999999",
                                        "zero-least-significant 256",
                                        "zero-least-significant 256 1",
                                        "zero-least-significant 256 257",
                                        "zero-least-significant 256 4 4",
                                        "table 27 2",
                                        "Absorbing 256"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ardm_process *p = NULL;
        ck_fails(ARDM_EINVAL, "process", ardm_process_parse(&p, texts[i]));
        ck_assert_ptr_null(p);
    }
}
END_TEST

Suite *process_suite(void) {
    Suite *suite = suite_create("process");
    TCase *cases = tcase_create("process");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, stage_counts_are_integers);
    tcase_add_test(cases, partitions_are_read);
    tcase_add_test(cases, five_symbols_in_base_two);
    tcase_add_test(cases, absorbing_hides_everything_behind_a_fresh_id);
    tcase_add_test(cases, augment_uses_the_papers_blocks);
    tcase_add_test(cases, vowels_and_consonants);
    tcase_add_test(cases, a_table_agrees_with_the_arithmetic);
    tcase_add_test(cases, tables_that_are_no_chain);
    tcase_add_test(cases, texts_that_are_no_process);
    suite_add_tcase(suite, cases);
    return suite;
}
