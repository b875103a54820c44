/* Learning rates: near their formulas in double, at their ends exactly, and of bits that no compiler or host changes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ardm/exact.h"
#include "ardm/recipe.h"
#include "support/checks.h"

enum { STEPS = 5000 };
static const double pi = 3.14159265358979323846;

static ardm_recipe *recipe_of(const char *schedule, int64_t warmup) {
    char text[512];
    ardm_recipe *recipe = NULL;
    snprintf(
        text, sizeof text,
        "[data]\npath = a.txt\n[modality]\nid = text\n[network]\nkind = transformer\n[train]\nsteps = %d\nlr = 0.003\nwarmup = %lld\nschedule = %s\n",
        STEPS, (long long)warmup, schedule);
    ck_ok(ardm_recipe_parse(&recipe, "rate.ini", text, strlen(text)));
    return recipe;
}

static double formula(const char *schedule, double w, double i) {
    const double peak = (double)0.003f;
    if (i < w) return peak * (i + 1) / w;
    if (strcmp(schedule, "cosine") == 0) return peak * (1 + cos(pi * (i - w) / (STEPS - w))) / 2;
    if (strcmp(schedule, "linear") == 0) return peak * (STEPS - i) / (STEPS - w);
    if (strcmp(schedule, "rsqrt") == 0) return peak * sqrt((w > 1 ? w : 1) / (i + 1));
    return peak;
}

START_TEST(rates_follow_their_formulas) {
    static const char *const schedules[] = {"cosine", "linear", "constant", "rsqrt"};
    static const int64_t warmups[] = {0, 1, 200, STEPS, 2 * STEPS};
    for (int s = 0; s < 4; s++)
        for (int w = 0; w < 5; w++) {
            ardm_recipe *recipe = recipe_of(schedules[s], warmups[w]);
            float before = 0;
            for (int64_t i = 0; i < STEPS; i++) {
                const float rate = ardm_recipe_rate(recipe, i);
                ck_assert(ardm_bits(rate) == ardm_bits(ardm_flush(rate)));
                ck_assert_msg(rate > 0 && fabs((double)rate - formula(schedules[s], (double)warmups[w], (double)i)) < 1e-8,
                              "%s, warm-up %lld, step %lld: %.9g", schedules[s], (long long)warmups[w], (long long)i, (double)rate);
                if (i < warmups[w]) ck_assert(rate > before);
                if (i > warmups[w]) ck_assert(rate <= before);
                before = rate;
            }
            if (warmups[w] > 0 && warmups[w] <= STEPS) ck_assert(ardm_recipe_rate(recipe, warmups[w] - 1) == 0.003f);
            ardm_recipe_free(&recipe);
        }
}
END_TEST

/* The digest of all bits of a run; a host that computed one of them otherwise would train other weights. */
START_TEST(bits_are_these) {
    static const struct {
        const char *schedule;
        uint32_t digest;
    } rows[] = {{"cosine", 0x6191d5e1}, {"linear", 0xa475bef8}, {"constant", 0x28b85093}, {"rsqrt", 0x16957cee}};
    for (int s = 0; s < 4; s++) {
        ardm_recipe *recipe = recipe_of(rows[s].schedule, 200);
        uint32_t digest = 2166136261u;
        for (int64_t i = 0; i < STEPS; i++) digest = (digest ^ ardm_bits(ardm_recipe_rate(recipe, i))) * 16777619u;
        ck_assert_msg(digest == rows[s].digest, "%s gives 0x%08x", rows[s].schedule, digest);
        ardm_recipe_free(&recipe);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("train/rate");
    TCase *tcase = tcase_create("rate");
    tcase_add_test(tcase, rates_follow_their_formulas);
    tcase_add_test(tcase, bits_are_these);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
