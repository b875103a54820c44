/* interpolate: constants are kept, one known pixel reaches as far as its scale, nothing leaks from units that are not known. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "heads.h"

enum { SIDE = 21, MIDDLE = 10, UNITS = SIDE * SIDE };

static use open_grey(const char *attrs) { return use_open("interpolate", "f32[1,21,21,1]{-1:1} u8[1,21,21,1]{0:1} i32[1]{0:1}", attrs); }

START_TEST(constants_are_kept) {
    use u = open_grey("classes=256");
    float *values = u.data->inputs[0];
    uint8_t *state = u.data->inputs[1];
    for (int i = 0; i < UNITS; ++i) {
        state[i] = (uint8_t)(i % 3);        /* undecided, decided, given */
        values[i] = i % 3 ? 0.375f : 77.0f; /* what is undecided must not matter */
    }
    use_run(&u);
    for (int i = 0; i < UNITS; ++i) ck_assert_double_eq_tol(((float *)u.out[1])[i], 0.375, 1e-6);
    use_close(&u);
}
END_TEST

START_TEST(one_pixel_reaches_radius_seven) {
    use u = open_grey("classes=256");
    float *values = u.data->inputs[0];
    uint8_t *state = u.data->inputs[1];
    memset(state, 0, UNITS);
    state[MIDDLE * SIDE + MIDDLE] = 1;
    values[MIDDLE * SIDE + MIDDLE] = -0.625f;
    state[0] = 3;
    use_run(&u);
    const float *centre = u.out[1], *features = u.out[0];
    for (int y = 0; y < SIDE; ++y)
        for (int x = 0; x < SIDE; ++x) {
            int dy = abs(y - MIDDLE), dx = abs(x - MIDDLE), far = dy > dx ? dy : dx, i = y * SIDE + x;
            ck_assert_double_eq_tol(centre[i], far <= 7 ? -0.625 : 0, 1e-6);
            if (i == 0) continue;
            double w = pow((1 - dy * dy / 64.0) * (1 - dx * dx / 64.0), 2);
            ck_assert_double_eq_tol(features[9 * i + 5], far <= 7 ? log(w) / 4 : -3, 1e-5);
            ck_assert(features[9 * i + 7] == (far == 0 ? 1.0f : 0.0f));
        }
    for (int k = 0; k < 9; ++k) ck_assert(features[k] == 0); /* void */
    use_close(&u);
}
END_TEST

START_TEST(zoom_is_limited) {
    use u = open_grey("classes=256, family=\"zero-least-significant\", base=4");
    float *values = u.data->inputs[0];
    uint8_t *state = u.data->inputs[1];
    memset(state, 0, UNITS);
    for (int i = 0; i < UNITS; ++i) values[i] = -1.0f + 3.0f / 255; /* class 0 … 3 of the last stage */
    ((int32_t *)u.data->inputs[2])[0] = 3;
    state[MIDDLE * SIDE + MIDDLE] = 1;
    values[MIDDLE * SIDE + MIDDLE] = -1.0f + 5.0f / 255; /* 2/255 away: a quarter of the width of 8/255 */
    use_run(&u);
    const float *features = u.out[0];
    int i = MIDDLE * SIDE + MIDDLE + 1;
    ck_assert_double_eq_tol(features[9 * i], 0.25, 1e-4);
    values[MIDDLE * SIDE + MIDDLE] = 1.0f;
    use_run(&u);
    ck_assert(features[9 * i] == 4.0f);
    use_close(&u);
}
END_TEST

Suite *interpolate_suite(void) {
    Suite *suite = suite_create("interpolate");
    TCase *tests = tcase_create("interpolate");
    tcase_add_test(tests, constants_are_kept);
    tcase_add_test(tests, one_pixel_reaches_radius_seven);
    tcase_add_test(tests, zoom_is_limited);
    suite_add_tcase(suite, tests);
    return suite;
}
