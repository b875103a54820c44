/* The children of a class: a table that spells a regular chain gives its bytes, masses are those of leaves, and what lies outside the
 * parent counts for nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heads.h"

enum { MOST_K = 300, MOST_STAGES = 9 };

typedef struct table {
    int classes, stages, most;
    int32_t of[5][MOST_STAGES + 1][MOST_K];
} table;

/* From the class of each symbol in each partition; digits count classes of the finer partition by their least members. */
static void spell(table *t) {
    for (int p = 0; p <= t->stages; ++p)
        for (int x = 0; x < t->classes; ++x) {
            int least = t->classes, greatest = 0;
            for (int y = 0; y < t->classes; ++y) {
                if (t->of[2][p][y] != t->of[2][p][x]) continue;
                least = y < least ? y : least;
                greatest = y;
            }
            t->of[0][p][x] = least;
            t->of[1][p][x] = greatest;
        }
    t->most = 2;
    for (int s = 0; s < t->stages; ++s)
        for (int x = 0; x < t->classes; ++x) {
            int found = 0;
            for (int y = 0; y < t->classes; ++y) {
                if (t->of[2][s][y] != t->of[2][s][x] || t->of[0][s + 1][y] != y) continue;
                if (t->of[2][s + 1][y] == t->of[2][s + 1][x]) t->of[3][s][x] = found;
                found++;
            }
            t->of[4][s][x] = found;
            if (found > t->most) t->most = found;
        }
}

static void regular(table *t, int classes, int base) {
    memset(t, 0, sizeof *t);
    t->classes = classes;
    for (int all = 1; all < classes; all *= base) t->stages++;
    for (int p = 0; p <= t->stages; ++p)
        for (int x = 0; x < classes; ++x) {
            int width = 1;
            for (int k = p; k < t->stages; ++k) width *= base;
            t->of[2][p][x] = x / width;
        }
    spell(t);
    ck_assert_int_le(t->most, base);
}

static void put(use *u, int operand, const table *t) {
    int32_t *out = u->data->inputs[operand];
    for (int plane = 0; plane < 5; ++plane)
        for (int p = 0; p <= t->stages; ++p, out += t->classes) memcpy(out, t->of[plane][p], (size_t)t->classes * sizeof *out);
}

/* Every symbol as parent, every stage. `before` and `between` name what stands before the parent and between stage and table. */
static void same_bytes(const char *op, const char *before, const char *between, int base, const table *t) {
    char inputs[320], attrs[96], full[400];
    (void)snprintf(inputs, sizeof inputs, "%s i32[%d,%d]{0:%d} i32[%d]{0:1}%s", before, t->stages, t->classes, t->classes, t->stages, between);
    (void)snprintf(full, sizeof full, "%s i32[5,%d,%d]", inputs, t->stages + 1, t->classes);
    (void)snprintf(attrs, sizeof attrs, "family=\"zero-least-significant\", classes=%d, base=%d", t->classes, base);
    use plain = use_open(op, inputs, attrs);
    (void)snprintf(attrs, sizeof attrs, "family=\"table\", classes=%d, base=%d", t->classes, base);
    use spelled = use_open(op, full, attrs);
    uint32_t parent = 0, operands = plain.data->call.n_in;
    while (plain.data->in[parent].dtype != ARDM_I32) parent++;
    for (int s = 0; s < t->stages; ++s) {
        ((int32_t *)plain.data->inputs[parent + 1])[s] = s;
        for (int x = 0; x < t->classes; ++x) ((int32_t *)plain.data->inputs[parent])[s * t->classes + x] = x;
    }
    for (uint32_t k = 0; k < operands; ++k) memcpy(spelled.data->inputs[k], plain.data->inputs[k], ardm_shape_bytes(&plain.data->in[k]));
    put(&spelled, (int)operands, t);
    use_run(&plain);
    use_run(&spelled);
    for (uint32_t k = 0; k < plain.data->call.n_out; ++k)
        ck_assert_msg(memcmp(plain.out[k], spelled.out[k], ardm_shape_bytes(&plain.data->out[k])) == 0, "%s, K=%d, b=%d: output %u differs", op,
                      t->classes, base, (unsigned)k);
    use_close(&plain);
    use_close(&spelled);
}

START_TEST(tables_spell_regular_chains) {
    static const int shapes[][2] = {{5, 2}, {6, 4}, {27, 27}, {256, 4}, {256, 16}, {300, 7}, {2, 2}};
    table *t = malloc(sizeof *t);
    ck_assert_ptr_nonnull(t);
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; ++k) {
        char before[128], between[64];
        const int base = shapes[k][1];
        regular(t, shapes[k][0], base);
        (void)snprintf(before, sizeof before, "f32[%d,%d,%d]{-9:9}", t->stages, t->classes, t->classes);
        same_bytes("children", before, "", base, t);
        (void)snprintf(before, sizeof before, "f32[%d,%d,%d]{-9:5} f32[%d,%d,%d]{5:9}", t->stages, t->classes, t->classes, t->stages, t->classes,
                       base);
        (void)snprintf(between, sizeof between, " f32[%d,%d,%d]", t->stages, t->classes, base);
        same_bytes("children_grad", before, between, base, t);
        (void)snprintf(before, sizeof before, "f32[%d,%d,9]{-3:2} f32[%d,%d]{-1:1}", t->stages, t->classes, t->stages, t->classes);
        same_bytes("mixture_children", before, "", base, t);
        same_bytes("mixture_children_grad", before, between, base, t);
    }
    free(t);
}
END_TEST

/* Text of 27: vowels, consonants and the blank, then the letters. Classes are no intervals. */
START_TEST(vowels) {
    table *t = calloc(1, sizeof *t);
    ck_assert_ptr_nonnull(t);
    t->classes = 27;
    t->stages = 2;
    for (int x = 0; x < 27; ++x) {
        t->of[2][1][x] = x == 26 ? 2 : x == 0 || x == 4 || x == 8 || x == 14 || x == 20 ? 0 : 1;
        t->of[2][2][x] = x;
    }
    spell(t);
    ck_assert_int_eq(t->most, 21);
    use u = use_open("children", "f32[2,27,27]{-4:4} i32[2,27]{0:27} i32[2]{0:1} i32[5,3,27]", "family=\"table\", classes=27, base=21");
    put(&u, 3, t);
    for (int x = 0; x < 27; ++x) ((int32_t *)u.data->inputs[1])[x] = ((int32_t *)u.data->inputs[1])[27 + x] = x;
    ((int32_t *)u.data->inputs[2])[0] = 0;
    ((int32_t *)u.data->inputs[2])[1] = 1;
    use_run(&u);
    for (int x = 0; x < 27; ++x) {
        const float *z = (const float *)u.data->inputs[0] + x * 27, *y = (const float *)u.out[0] + x * 21;
        double sums[3] = {0, 0, 0};
        for (int k = 0; k < 27; ++k) sums[t->of[2][1][k]] += exp((double)z[k]);
        for (int j = 0; j < 3; ++j) ck_assert_double_eq_tol(y[j], log(sums[j]), 1e-5);
        for (int j = 3; j < 21; ++j) ck_assert(y[j] == 0);
        /* The second stage names letters: logits as they are. */
        z += 27 * 27;
        y += 27 * 21;
        for (int k = 0, j = 0; k < 27; ++k)
            if (t->of[2][1][k] == t->of[2][1][x]) ck_assert(y[j++] == z[k]);
    }
    use_close(&u);
    free(t);
}
END_TEST

/* A parent of e^-80 of the mass still has exact children, and mass outside it changes no bit. */
START_TEST(small_parents_are_exact) {
    const char *attrs = "family=\"zero-least-significant\", classes=256, base=4";
    use a = use_open("children", "f32[1,4,256] i32[1,4]{0:256} i32[1]{0:1}", attrs),
        b = use_open("children", "f32[1,4,256] i32[1,4]{0:256} i32[1]{0:1}", attrs);
    ((int32_t *)a.data->inputs[2])[0] = ((int32_t *)b.data->inputs[2])[0] = 2;
    for (int row = 0; row < 4; ++row) {
        int32_t shown = ((int32_t *)a.data->inputs[1])[row] = ((int32_t *)b.data->inputs[1])[row] = 16 * (5 * row) + row;
        float *x = (float *)a.data->inputs[0] + row * 256, *y = (float *)b.data->inputs[0] + row * 256;
        for (int k = 0; k < 256; ++k) {
            x[k] = (float)(k * 37 % 64) / 32 - 80; /* exact when moved by 80 */
            y[k] = k / 16 == shown / 16 ? x[k] : 40.0f - (float)k;
        }
    }
    use_run(&a);
    use_run(&b);
    ck_assert_mem_eq(a.out[0], b.out[0], ardm_shape_bytes(&a.data->out[0]));
    for (int row = 0; row < 4; ++row) {
        const float *x = (const float *)a.data->inputs[0] + row * 256 + 80 * row, *y = (const float *)a.out[0] + row * 4;
        for (int j = 0; j < 4; ++j) {
            double sum = 0;
            for (int k = 0; k < 4; ++k) sum += exp((double)x[4 * j + k] + 80);
            ck_assert_double_eq_tol(y[j], log(sum) - 80, 1.2e-5);
        }
    }
    use_close(&a);
    use_close(&b);
}
END_TEST

/* A child of one bin has the bits of mixture_logits: absorbing, and the last stage of a chain. */
START_TEST(bins_are_those_of_the_mixture) {
    use logits = use_open("mixture_logits", "f32[256,15]{-6:4} f32[256]{-1:1}", "classes=256");
    use_run(&logits);
    const float *z = logits.out[0];
    for (int base = 256; base >= 16; base /= 16) {
        char attrs[96];
        (void)snprintf(attrs, sizeof attrs, "family=\"%s\", classes=256, base=%d", base == 256 ? "absorbing" : "zero-least-significant", base);
        use u = use_open("mixture_children", "f32[1,256,15] f32[1,256] i32[1,256]{0:256} i32[1]{9:10}", attrs);
        for (int k = 0; k < 2; ++k) memcpy(u.data->inputs[k], logits.data->inputs[k], ardm_shape_bytes(&logits.data->in[k]));
        use_run(&u);
        for (int row = 0; row < 256; ++row) {
            int low = base == 256 ? 0 : ((int32_t *)u.data->inputs[2])[row] / 16 * 16;
            ck_assert_mem_eq((float *)u.out[0] + row * base, z + row * 256 + low, (size_t)base * sizeof(float));
        }
        use_close(&u);
    }
    use_close(&logits);
}
END_TEST

/* At every stage of a chain the masses of all children of the first parent sum to the parent's. */
START_TEST(masses_add_up) {
    use u = use_open("mixture_children", "f32[2,32,15]{-6:4} f32[2,32]{-1:1} i32[2,32]{0:65535} i32[2]{0:1}",
                     "family=\"zero-least-significant\", classes=65535, base=256");
    memcpy((float *)u.data->inputs[0] + 480, u.data->inputs[0], 480 * sizeof(float));
    memcpy((float *)u.data->inputs[1] + 32, u.data->inputs[1], 32 * sizeof(float));
    memcpy((int32_t *)u.data->inputs[2] + 32, u.data->inputs[2], 32 * sizeof(int32_t));
    ((int32_t *)u.data->inputs[3])[0] = 0;
    ((int32_t *)u.data->inputs[3])[1] = 1;
    use_run(&u);
    for (int row = 0; row < 32; ++row) {
        const float *first = (const float *)u.out[0] + row * 256, *second = first + 32 * 256;
        int shown = ((int32_t *)u.data->inputs[2])[row], many = shown / 256 == 255 ? 255 : 256;
        double all = 0, inner = 0;
        for (int j = 0; j < 256; ++j) all += exp((double)first[j]);
        for (int j = 0; j < many; ++j) inner += exp((double)second[j] - first[shown / 256]);
        ck_assert_double_eq_tol(all, 1, 1e-5);
        ck_assert_double_eq_tol(inner, 1, 1e-3); /* edges of a bin lie at 32,768 bins from the mean */
    }
    use_close(&u);
}
END_TEST

Suite *children_suite(void) {
    Suite *suite = suite_create("children");
    TCase *cases = tcase_create("children");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, tables_spell_regular_chains);
    tcase_add_test(cases, vowels);
    tcase_add_test(cases, small_parents_are_exact);
    tcase_add_test(cases, bins_are_those_of_the_mixture);
    tcase_add_test(cases, masses_add_up);
    suite_add_tcase(suite, cases);
    return suite;
}
