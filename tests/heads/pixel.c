/* The mixture over pixels is a distribution over all of them, its conditionals are those of the joint likelihood, and what is drawn by them,
 * channel by channel as the sampler and the coder do, follows it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/philox.h"
#include "heads.h"

enum { BLOCKS = 10 };

/* A row of every temper: weights near and far apart, means inside and outside, scales beyond both limits, strong and weak factors. */
static void fill_row(float *z, float *centre, int mixtures, int row) {
    const float weight = row % 3 == 2 ? 12.0f : 1.0f, offset = row % 4 == 3 ? 3.0f : 0.3f, factor = row % 5 == 4 ? 4.0f : 0.8f;
    for (int m = 0; m < mixtures; ++m) {
        z[m] *= weight;
        for (int c = 0; c < 3; ++c) {
            float *scale = &z[(4 + c) * mixtures + m];
            z[(1 + c) * mixtures + m] *= offset;
            z[(7 + c) * mixtures + m] *= factor;
            *scale = row % 7 == 5 ? -20.0f : row % 7 == 6 ? 9.0f : *scale - 1;
        }
    }
    for (int c = 0; c < 3; ++c) centre[c] *= row % 6 == 5 ? 4.0f : 0.5f;
}

static use open_nll(int rows, int mixtures, int classes) {
    char inputs[160], attrs[32];
    (void)snprintf(inputs, sizeof inputs, "f32[%d,%d]{-1:1} f32[%d,3]{-1:1} i32[%d,3]{0:2}", rows, BLOCKS * mixtures, rows, rows);
    (void)snprintf(attrs, sizeof attrs, "classes=%d", classes);
    return use_open("pixel_nll", inputs, attrs);
}

static use open_logits(int rows, int mixtures, int classes) {
    char inputs[160], attrs[32];
    (void)snprintf(inputs, sizeof inputs, "f32[%d,%d]{-1:1} f32[%d,3]{-1:1} i32[%d,3]{0:2} i32[%d]{0:3}", rows, BLOCKS * mixtures, rows, rows, rows);
    (void)snprintf(attrs, sizeof attrs, "classes=%d", classes);
    return use_open("pixel_logits", inputs, attrs);
}

/* One mixture for all rows of `u`, the temper `row` of it. */
static void fill_all(use *u, int rows, int mixtures, int row) {
    float *z = u->data->inputs[0], *centre = u->data->inputs[1];
    const size_t width = (size_t)(BLOCKS * mixtures);
    fill_row(z, centre, mixtures, row);
    for (int i = 1; i < rows; ++i) {
        memcpy(z + (size_t)i * width, z, width * sizeof *z);
        memcpy(centre + i * 3, centre, 3 * sizeof *centre);
    }
}

/* Pixel `i` of an alphabet of K³. */
static void fill_alphabet(int32_t *pixel, int classes) {
    for (int i = 0; i < classes * classes * classes; ++i) {
        pixel[3 * i] = i / (classes * classes);
        pixel[3 * i + 1] = i / classes % classes;
        pixel[3 * i + 2] = i % classes;
    }
}

/* All pixels of 5 values a channel; and, of each, the three conditionals that a coder asks for one after another. */
static void check_alphabet(int mixtures, int row) {
    enum { K = 5, ALL = K * K * K };
    use nll = open_nll(ALL, mixtures, K), logits = open_logits(ALL, mixtures, K);
    double sum = 0, conditional[ALL] = {0};
    fill_all(&nll, ALL, mixtures, row);
    fill_alphabet(nll.data->inputs[2], K);
    for (uint32_t k = 0; k < 3; ++k) memcpy(logits.data->inputs[k], nll.data->inputs[k], ardm_shape_bytes(&nll.data->in[k]));
    use_run(&nll);
    for (int i = 0; i < ALL; ++i) sum += exp(-(double)((float *)nll.out[0])[i]);
    ck_assert_msg(fabs(sum - 1) < 1e-6, "M=%d row %d: all pixels sum to %.9g", mixtures, row, sum);
    for (int part = 0; part < 3; ++part) {
        for (int i = 0; i < ALL; ++i) ((int32_t *)logits.data->inputs[3])[i] = part;
        use_run(&logits);
        for (int i = 0; i < ALL; ++i) {
            const float *x = (const float *)logits.out[0] + i * K;
            double total = 0;
            for (int k = 0; k < K; ++k) total += exp((double)x[k]);
            conditional[i] += x[((int32_t *)nll.data->inputs[2])[3 * i + part]] - log(total);
        }
    }
    for (int i = 0; i < ALL; ++i) {
        double joint = -(double)((float *)nll.out[0])[i];
        ck_assert_msg(fabs(exp(conditional[i]) - exp(joint)) < 1e-5 && fabs(conditional[i] - joint) < 1e-5 * (1 + fabs(joint)),
                      "M=%d row %d pixel %d: log p is %.9g channel by channel, %.9g at once", mixtures, row, i, conditional[i], joint);
    }
    use_close(&logits);
    use_close(&nll);
}

START_TEST(pixels_sum_to_one) {
    for (int row = 0; row < 21; ++row) check_alphabet(row % 2 ? 5 : 3, row);
    check_alphabet(1, 0);
    check_alphabet(32, 1);
}
END_TEST

/* A pixel with a value outside costs nothing and moves nothing. */
START_TEST(unused_pixels_cost_nothing) {
    use nll = open_nll(3, 2, 4), grad = use_open("pixel_nll_grad", "f32[3,20] f32[3,3] i32[3,3]{0:1} f32[3]{1:2}", "classes=4");
    static const int32_t target[9] = {1, 2, 3, 1, -1, 3, 1, 2, 4};
    memcpy(nll.data->inputs[2], target, sizeof target);
    memcpy(grad.data->inputs[2], target, sizeof target);
    use_run(&nll);
    use_run(&grad);
    const float *cost = nll.out[0], *dz = grad.out[0], *dcentre = grad.out[1];
    ck_assert(cost[0] > 0 && cost[1] == 0 && cost[2] == 0);
    ck_assert(dz[0] != 0 && dcentre[0] != 0);
    for (int i = 20; i < 60; ++i) ck_assert(dz[i] == 0);
    for (int i = 3; i < 9; ++i) ck_assert(dcentre[i] == 0);
    use_close(&grad);
    use_close(&nll);
}
END_TEST

/* What stands in `known` from the asked channel on is not known: any number there gives the same bytes. A known value does matter. */
START_TEST(later_channels_reach_nothing) {
    enum { ROWS = 21, M = 5, K = 16 };
    use u = open_logits(ROWS, M, K);
    int32_t *known = u.data->inputs[2], *part = u.data->inputs[3];
    float *kept = malloc(ROWS * K * sizeof *kept);
    ck_assert_ptr_nonnull(kept);
    for (int row = 0; row < ROWS; ++row) {
        fill_row((float *)u.data->inputs[0] + row * BLOCKS * M, (float *)u.data->inputs[1] + row * 3, M, row % 5);
        part[row] = row % 3;
        for (int c = 0; c < 3; ++c) known[3 * row + c] = (row + 5 * c) % K;
    }
    use_run(&u);
    memcpy(kept, u.out[0], ROWS * K * sizeof *kept);
    for (int pass = 0; pass < 3; ++pass) {
        static const int32_t junk[3] = {-7, 9, INT32_MAX};
        for (int row = 0; row < ROWS; ++row)
            for (int c = part[row]; c < 3; ++c) known[3 * row + c] = junk[pass];
        use_run(&u);
        ck_assert_msg(memcmp(kept, u.out[0], ROWS * K * sizeof *kept) == 0, "unknown values of %d are seen", (int)junk[pass]);
    }
    for (int row = 0; row < ROWS; ++row)
        for (int c = 0; c < part[row]; ++c) known[3 * row + c] = (known[3 * row + c] + K / 2) % K;
    use_run(&u);
    for (int row = 0; row < ROWS; ++row) {
        int same = memcmp(kept + row * K, (float *)u.out[0] + row * K, K * sizeof *kept) == 0;
        ck_assert_msg(same == (part[row] == 0), "row %d, part %d: %s", row, (int)part[row], same ? "known values are not seen" : "moved");
    }
    free(kept);
    use_close(&u);
}
END_TEST

/* 64,000 pixels drawn channel by channel through frequencies against the joint likelihood: 63 degrees of freedom, p = 0.001 at 103. */
START_TEST(draws_follow_the_likelihood) {
    enum { K = 4, ALL = K * K * K, DRAWS = 64000, M = 3 };
    use nll = open_nll(ALL, M, K), logits = open_logits(DRAWS, M, K);
    use frequency = use_open("frequency", "f32[64000,4]", NULL), find = use_open("find", "u32[64000,4] u32[64000]", NULL);
    fill_all(&nll, ALL, M, 0);
    fill_alphabet(nll.data->inputs[2], K);
    use_run(&nll);
    for (int i = 0; i < DRAWS; ++i) {
        memcpy((float *)logits.data->inputs[0] + i * BLOCKS * M, nll.data->inputs[0], BLOCKS * M * sizeof(float));
        memcpy((float *)logits.data->inputs[1] + i * 3, nll.data->inputs[1], 3 * sizeof(float));
    }
    int32_t *known = logits.data->inputs[2];
    for (int part = 0; part < 3; ++part) {
        for (int i = 0; i < DRAWS; ++i) {
            ((int32_t *)logits.data->inputs[3])[i] = part;
            ((uint32_t *)find.data->inputs[1])[i] = ardm_random_word(11, ARDM_RANDOM_SYNTHETIC, 60, (uint64_t)part, (uint32_t)i) >> 8;
        }
        use_run(&logits);
        memcpy(frequency.data->inputs[0], logits.out[0], ardm_shape_bytes(&frequency.data->in[0]));
        use_run(&frequency);
        memcpy(find.data->inputs[0], frequency.out[0], ardm_shape_bytes(&find.data->in[0]));
        use_run(&find);
        for (int i = 0; i < DRAWS; ++i) known[3 * i + part] = ((int32_t *)find.out[0])[i];
    }
    int count[ALL] = {0};
    double chi = 0, least = DRAWS;
    for (int i = 0; i < DRAWS; ++i) ++count[(known[3 * i] * K + known[3 * i + 1]) * K + known[3 * i + 2]];
    for (int i = 0; i < ALL; ++i) {
        double expected = DRAWS * exp(-(double)((float *)nll.out[0])[i]), off = count[i] - expected;
        chi += off * off / expected;
        least = fmin(least, expected);
    }
    ck_assert_msg(least > 5, "a pixel is expected %.3g times: too few for a chi-square", least);
    ck_assert_msg(chi < 103, "chi-square of draws is %.1f", chi);
    use_close(&find);
    use_close(&frequency);
    use_close(&logits);
    use_close(&nll);
}
END_TEST

Suite *pixel_suite(void) {
    Suite *suite = suite_create("pixels");
    TCase *tests = tcase_create("pixels");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, pixels_sum_to_one);
    tcase_add_test(tests, unused_pixels_cost_nothing);
    tcase_add_test(tests, later_channels_reach_nothing);
    tcase_add_test(tests, draws_follow_the_likelihood);
    suite_add_tcase(suite, tests);
    return suite;
}
