/* production.c: what training draws and weighs is the bound, and samples follow the model. */
#include <stdlib.h>

#include "rig.h"

static const double ln2 = 0.69314718055994530942;

/* All data against a stratum for every (cell, n): what training draws and weighs, with what the network charges. */
static double estimate(rig *r, uint64_t step) {
    const toy *t = &r->t;
    const uint32_t stages = r->network.stages, pairs = stages * t->n;
    ardm_orders *orders;
    ardm_example e;
    double bound = 0;
    ck_ok(ardm_session_orders(&orders, r->session, &r->layout));
    ck_ok(ardm_example_create(&e, orders));
    for (uint32_t x = 0; x < t->states; x++) {
        ardm_call_io io;
        float weight[MOST_STAGES * MOST_UNITS][MOST_UNITS];
        ck_ok(ardm_session_call(&io, r->session, ARDM_TASK_EVALUATE, &r->layout, pairs, t->n));
        for (uint32_t i = 0; i < pairs; i++) {
            const ardm_draw_options options = {.seed = 7, .step = step, .sampling = ARDM_SAMPLING_STRATIFIED, .batch = pairs};
            ck_ok(ardm_example_draw(&e, orders, stages, &options, step * pairs + i, i, NULL));
            io.stage[i] = e.stage;
            io.time[i] = e.time;
            memcpy(weight[i], e.weight, t->n * sizeof **weight);
            for (uint32_t u = 0; u < t->n; u++) {
                uint32_t children;
                io.symbols[i * t->n + u] = (int32_t)toy_symbol(t, x, u);
                io.state[i * t->n + u] = e.state[u];
                io.row[i * io.rows + u] = (int32_t)u;
                io.target[i * io.rows + u] = (int32_t)ardm_process_digit(t->process, (uint32_t)e.stage, toy_symbol(t, x, u), &children);
                io.children[i * io.rows + u] = (int32_t)children;
            }
        }
        ck_ok(ardm_run(io.binding));
        const float *nll = ardm_binding_output(io.binding, "nll");
        const double *exact = in_doubles ? ardm_binding_output_double(io.binding, "nll") : NULL;
        for (uint32_t i = 0; i < pairs; i++)
            for (uint32_t u = 0; u < t->n; u++) {
                const size_t at = i * io.rows + u;
                bound += t->p[x] * (double)weight[i][u] * (exact ? exact[at] : (double)nll[at]) / pairs / ln2;
            }
    }
    ardm_example_destroy(&e);
    return bound;
}

static void estimator_on(ardm_device *device) {
    static const rig_form forms[] = {{.k = 4, .process = "absorbing 4", .order = "uniform"},
                                     {.k = 4, .process = "absorbing 4", .order = "raster"},
                                     {.k = 4, .process = "absorbing 4", .order = "raster", .table = {.mixture = 1}},
                                     {.k = 4, .process = "zero-least-significant 4 2", .order = "uniform"},
                                     {.k = 4, .process = "zero-least-significant 4 2", .order = "raster"},
                                     {.k = 5, .process = "zero-least-significant 5 2", .order = "uniform"},
                                     {.k = 6, .process = "zero-least-significant 6 4", .order = "uniform"},
                                     {.k = 6, .process = "augment-least-significant 6 4", .order = "uniform"},
                                     {.chain = 5, .k = 4, .process = "absorbing 4", .order = "raster"}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms - (in_doubles ? 1 : 0); i++) { /* weights of 5 units are not floats */
        rig r;
        rig_open(&r, &forms[i], device);
        for (uint64_t step = 0; step < (forms[i].chain ? 1 : 2); step++)
            ck_assert_double_eq_tol(estimate(&r, step), toy_entropy(&r.t), in_doubles ? 1e-9 : 1e-5);
        rig_close(&r);
    }
}

START_TEST(what_training_draws_is_the_bound) {
    each_device(estimator_on);
    by_oracles(estimator_on);
}
END_TEST

/* Chi-square with 63 degrees of freedom: 103 is exceeded once in a thousand seeds, and the seed is fixed. */
enum { SAMPLES = 64000, FEWER = 16000, COMPARED = 2000 };
static const struct drawn {
    rig_form form;
    uint32_t calls;
    int32_t flat; /* one call a level: the product of what each unit is worth alone */
    uint32_t samples;
} drawn[] = {{{.k = 4, .process = "absorbing 4", .order = "uniform"}, 3, 0, SAMPLES},
             {{.k = 4, .process = "absorbing 4", .order = "uniform"}, 1, 1, SAMPLES},
             {{.k = 4, .process = "zero-least-significant 4 2", .order = "uniform"}, 6, 0, SAMPLES},
             {{.k = 4, .process = "zero-least-significant 4 2", .order = "uniform"}, 2, 1, FEWER},
             {{.chain = 3, .k = 4, .process = "absorbing 4", .order = "blocks:1", .block = 1, .table = {.high = 1}}, 3, 0, FEWER},
             {{.chain = 3, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", .block = 2, .table = {.high = 16}}, 2, 1, FEWER},
             {{.chain = 3, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", .block = 16, .table = {.high = 16}}, 3, 0, FEWER},
             {{.k = 4, .process = "absorbing 4", .order = "uniform", .table = {.mixture = 1}}, 3, 0, FEWER}};
enum { DRAWN = sizeof drawn / sizeof *drawn };
static uint32_t first_samples[DRAWN][COMPARED];

static void same_samples_on(ardm_device *device) {
    static uint32_t x[COMPARED];
    for (int i = 0; i < DRAWN; i++) {
        rig r;
        rig_open(&r, &drawn[i].form, device);
        rig_sample(&r, drawn[i].calls, NULL, 0, x, COMPARED);
        ck_assert_mem_eq(x, first_samples[i], sizeof x);
        rig_close(&r);
    }
}

START_TEST(samples_follow_the_model) {
    uint32_t *x = malloc(SAMPLES * sizeof *x);
    ardm_device *device = NULL;
    ck_ok(ardm_device_open(&device, "reference"));
    for (int i = 0; i < DRAWN; i++) {
        double seen[64] = {0}, chi[2] = {0}; /* against the model, against units drawn apart */
        rig r;
        rig_open(&r, &drawn[i].form, device);
        rig_sample(&r, drawn[i].calls, NULL, 0, x, drawn[i].samples);
        memcpy(first_samples[i], x, sizeof first_samples[i]);
        for (uint32_t k = 0; k < drawn[i].samples; k++) seen[x[k]]++;
        for (uint32_t y = 0; y < 64; y++)
            for (int flat = 0; flat < 2; flat++) {
                const double want = drawn[i].samples * (flat ? rig_flat(&r, y) : r.t.p[y]);
                chi[flat] += (seen[y] - want) * (seen[y] - want) / want;
            }
        const char *name = drawn[i].form.order;
        ck_assert_msg(chi[drawn[i].flat] < 103, "%s in %u calls: chi-square %g", name, drawn[i].calls, chi[drawn[i].flat]);
        if (drawn[i].form.block != 1)
            ck_assert_msg(chi[!drawn[i].flat] > 300, "%s: chi-square %g where another law holds", name, chi[!drawn[i].flat]);
        rig_close(&r);
    }
    ardm_device_close(&device);
    free(x);
    each_device(same_samples_on);
}
END_TEST

TCase *production_cases(void) {
    TCase *cases = tcase_create("production");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, what_training_draws_is_the_bound);
    tcase_add_test(cases, samples_follow_the_model);
    return cases;
}
