/* The mixture is a distribution: its bins sum to one, and the likelihood is that of the bin. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "heads.h"

enum { ROWS = 24 };

/* Rows of every temper: ranges of weights, offsets and log scales, and centres inside and outside. */
static void fill(use *u, int mixtures) {
    float *p = u->data->inputs[0], *centre = u->data->inputs[1];
    for (int row = 0; row < ROWS; ++row) {
        float weight = row % 3 ? 1.0f : 12.0f, offset = row % 4 ? 0.3f : 3.0f;
        float *x = p + (size_t)row * 3 * (size_t)mixtures;
        for (int m = 0; m < mixtures; ++m) {
            x[m] *= weight;
            x[mixtures + m] *= offset;
            x[2 * mixtures + m] = row % 5 == 0 ? -20.0f : row % 5 == 1 ? 9.0f : x[2 * mixtures + m] * 2 - 3;
        }
        centre[row] = row % 6 ? centre[row] : row % 2 ? 4.0f : -4.0f;
    }
}

static void check_classes(int classes, int mixtures) {
    char inputs[128], attrs[32];
    (void)snprintf(inputs, sizeof inputs, "f32[%d,%d]{-1:1} f32[%d]{-1:1}", ROWS, 3 * mixtures, ROWS);
    (void)snprintf(attrs, sizeof attrs, "classes=%d", classes);
    use logits = use_open("mixture_logits", inputs, attrs);
    fill(&logits, mixtures);
    use_run(&logits);
    const float *z = logits.out[0];
    for (int row = 0; row < ROWS; ++row) {
        double sum = 0;
        for (int k = 0; k < classes; ++k) sum += exp((double)z[row * classes + k]);
        ck_assert_msg(fabs(sum - 1) < 1e-5, "K=%d M=%d row %d: the bins sum to %.9g", classes, mixtures, row, sum);
    }
    /* Every 7th bin, the first and the last: the likelihood is minus the log mass. */
    (void)snprintf(inputs, sizeof inputs, "f32[%d,%d]{-1:1} f32[%d]{-1:1} i32[%d]{0:2}", ROWS, 3 * mixtures, ROWS, ROWS);
    use nll = use_open("mixture_nll", inputs, attrs);
    memcpy(nll.data->inputs[0], logits.data->inputs[0], ardm_shape_bytes(&logits.data->in[0]));
    memcpy(nll.data->inputs[1], logits.data->inputs[1], ardm_shape_bytes(&logits.data->in[1]));
    for (int k = 0; k < classes; k = k == classes - 1 ? classes : k + 7 < classes ? k + 7 : classes - 1) {
        int32_t *target = nll.data->inputs[2];
        for (int row = 0; row < ROWS; ++row) target[row] = k;
        use_run(&nll);
        for (int row = 0; row < ROWS; ++row) {
            double cost = ((float *)nll.out[0])[row], log_mass = z[row * classes + k];
            ck_assert_msg(fabs(cost + log_mass) <= 1e-6 * (10 + fabs(log_mass)), "K=%d row %d bin %d: %.9g and %.9g", classes, row, k, cost,
                          log_mass);
        }
    }
    use_close(&nll);
    use_close(&logits);
}

START_TEST(bins_sum_to_one) {
    static const int classes[] = {2, 3, 5, 16, 256, 1025, 4096};
    for (size_t k = 0; k < sizeof classes / sizeof *classes; ++k) {
        check_classes(classes[k], 1);
        check_classes(classes[k], 5);
    }
    check_classes(256, 32);
}
END_TEST

/* A narrow component far from the target: the cost is the distance in scales, no infinity and no loss of digits. */
START_TEST(tails_stay_finite) {
    use u = use_open("mixture_nll", "f32[3,3] f32[3] i32[3]{0:2}", "classes=256");
    float *p = u.data->inputs[0], *centre = u.data->inputs[1];
    int32_t *target = u.data->inputs[2];
    for (int row = 0; row < 3; ++row) {
        p[3 * row] = 2.5f; /* one component: its weight does not matter */
        p[3 * row + 1] = 0.25f;
        p[3 * row + 2] = -4.0f;
        centre[row] = 0.5f;
    }
    target[0] = 0;
    target[1] = 1;
    target[2] = 255;
    use_run(&u);
    double scale = exp(-4), step = 2.0 / 255, upper0 = (-1 + step / 2 - 0.75) / scale, upper1 = upper0 + step / scale;
    double expect0 = -upper0, expect1 = -(upper1 + log(-expm1(-step / scale))), lower = (1 - step / 2 - 0.75) / scale;
    ck_assert_double_eq_tol(((float *)u.out[0])[0], expect0, 1e-4);
    ck_assert_double_eq_tol(((float *)u.out[0])[1], expect1, 1e-4);
    ck_assert_double_eq_tol(((float *)u.out[0])[2], log1p(exp(lower)), 1e-4);
    target[0] = -1; /* a row that a call does not use */
    target[1] = 256;
    use_run(&u);
    ck_assert(((float *)u.out[0])[0] == 0 && ((float *)u.out[0])[1] == 0);
    use_close(&u);
}
END_TEST

START_TEST(softmax_of_unused_rows) {
    use u = use_open("softmax_nll", "f32[4,3] i32[4]{0:1} i32[4]{0:1}", NULL);
    int32_t *target = u.data->inputs[1], *children = u.data->inputs[2];
    float *z = u.data->inputs[0];
    for (int i = 0; i < 12; ++i) z[i] = 1.0f;
    z[2] = 80.0f; /* behind the reachable ones: not seen */
    target[0] = 1, children[0] = 2;
    target[1] = 0, children[1] = 1;
    target[2] = 2, children[2] = 2;
    target[3] = -1, children[3] = 3;
    use_run(&u);
    const float *nll = u.out[0], *lse = u.out[1];
    ck_assert_double_eq_tol(nll[0], log(2), 1e-7);
    ck_assert_double_eq_tol(lse[0], 1 + log(2), 1e-6);
    for (int row = 1; row < 4; ++row) ck_assert(nll[row] == 0 && lse[row] == 0);
    use_close(&u);
}
END_TEST

Suite *mixture_suite(void) {
    Suite *suite = suite_create("likelihood");
    TCase *tests = tcase_create("likelihood");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, bins_sum_to_one);
    tcase_add_test(tests, tails_stay_finite);
    tcase_add_test(tests, softmax_of_unused_rows);
    suite_add_tcase(suite, tests);
    return suite;
}
