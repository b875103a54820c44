/* The chains: class counts, branchings, and that the digits of all stages spell the symbol. */
#include <math.h>
#include <stdio.h>

#include "heads.h"

/* corrupt and digit over all K symbols at one stage. */
typedef struct shown {
    int32_t id[300], digit[300], children[300];
    float value[300];
} shown;

static void show(shown *out, const char *attrs, int classes, int stage, int state) {
    char inputs[96];
    (void)snprintf(inputs, sizeof inputs, "i32[1,%d]{0:2} u8[1,%d]{0:1} i32[1]{0:1}", classes, classes);
    use c = use_open("corrupt", inputs, attrs);
    for (int x = 0; x < classes; ++x) ((int32_t *)c.data->inputs[0])[x] = x, ((uint8_t *)c.data->inputs[1])[x] = (uint8_t)state;
    ((int32_t *)c.data->inputs[2])[0] = stage;
    use_run(&c);
    (void)snprintf(inputs, sizeof inputs, "i32[1,%d]{0:2} i32[1]{0:1}", classes);
    use d = use_open("digit", inputs, attrs);
    for (int x = 0; x < classes; ++x) ((int32_t *)d.data->inputs[0])[x] = x;
    ((int32_t *)d.data->inputs[1])[0] = stage;
    use_run(&d);
    for (int x = 0; x < classes; ++x) {
        out->id[x] = ((int32_t *)c.out[0])[x];
        out->value[x] = ((float *)c.out[1])[x];
        out->digit[x] = ((int32_t *)d.out[0])[x];
        out->children[x] = ((int32_t *)d.out[1])[x];
    }
    use_close(&c);
    use_close(&d);
}

static int distinct(const int32_t *id, int n) {
    int count = 0;
    for (int x = 0; x < n; ++x) count += x == 0 || id[x] != id[x - 1];
    return count;
}

/* classes after each stage, and the branching of the last symbol's parent at each stage */
static void check(int classes, int base, int stages, const int *counts, const int *last) {
    char attrs[96];
    shown undecided, decided;
    (void)snprintf(attrs, sizeof attrs, "family=\"zero-least-significant\", classes=%d, base=%d", classes, base);
    for (int s = 0; s < stages; ++s) {
        show(&undecided, attrs, classes, s, 0);
        show(&decided, attrs, classes, s, 1);
        ck_assert_int_eq(distinct(undecided.id, classes), s ? counts[s - 1] : 1);
        ck_assert_int_eq(distinct(decided.id, classes), counts[s]);
        ck_assert_int_eq(undecided.children[classes - 1], last[s]);
        for (int x = 0; x < classes; ++x) {
            ck_assert_int_lt(undecided.digit[x], undecided.children[x]);
            /* The parent and the digit name the class after the stage: symbols agree in both or in neither. */
            for (int y = 0; y < classes; ++y)
                ck_assert_int_eq(decided.id[x] == decided.id[y], undecided.id[x] == undecided.id[y] && undecided.digit[x] == undecided.digit[y]);
        }
        if (s == 0) ck_assert(undecided.value[0] == 0);
    }
    show(&decided, attrs, classes, stages - 1, 1);
    for (int x = 0; x < classes; ++x) {
        ck_assert_int_eq(decided.id[x], x);
        ck_assert_double_eq_tol(decided.value[x], 2.0 * x / (classes - 1) - 1, 1e-6);
    }
    show(&decided, attrs, classes, 0, 2); /* given: all of it, in every stage */
    for (int x = 0; x < classes; ++x) ck_assert_int_eq(decided.id[x], x);
}

START_TEST(zero_least_significant) {
    check(5, 2, 3, (const int[]){2, 3, 5}, (const int[]){2, 1, 1});
    check(6, 4, 2, (const int[]){2, 6}, (const int[]){2, 2});
    check(256, 4, 4, (const int[]){4, 16, 64, 256}, (const int[]){4, 4, 4, 4});
    check(27, 27, 1, (const int[]){27}, (const int[]){27});
}
END_TEST

START_TEST(absorbing) {
    shown s;
    show(&s, "classes=27", 27, 0, 0);
    for (int x = 0; x < 27; ++x) ck_assert(s.id[x] == 27 && s.value[x] == 0 && s.digit[x] == x && s.children[x] == 27);
    show(&s, "classes=27", 27, 0, 1);
    for (int x = 0; x < 27; ++x) ck_assert_int_eq(s.id[x], x);
    show(&s, "classes=27", 27, 0, 3);
    for (int x = 0; x < 27; ++x) ck_assert(s.id[x] == -1 && s.value[x] == 0);
}
END_TEST

Suite *chain_suite(void) {
    Suite *suite = suite_create("chain");
    TCase *tests = tcase_create("chain");
    tcase_add_test(tests, zero_least_significant);
    tcase_add_test(tests, absorbing);
    suite_add_tcase(suite, tests);
    return suite;
}
