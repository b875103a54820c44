/* given.c: conditioning in stages. A given unit shows its full value in every stage; clamped stage by stage it would show its class,
 * and the law would be another one. */
#include <math.h>
#include <stdlib.h>

#include "ardm/walk.h"
#include "rig.h"

static const rig_form pair = {.chain = 2, .k = 4, .process = "zero-least-significant 4 2", .order = "uniform"};
static const uint8_t first[MOST_UNITS] = {ARDM_GIVEN};

/* p(the other unit is in the lower half | unit 0 is 0), as the network says in stage 0 when unit 0 has this state. */
static double lower_half(rig *r, uint8_t state) {
    ardm_call_io io;
    ck_ok(ardm_session_call(&io, r->session, ARDM_TASK_EVALUATE, &r->layout, 1, 1));
    memset(io.symbols, 0, 2 * sizeof *io.symbols);
    io.state[0] = state;
    io.state[1] = ARDM_UNDECIDED;
    io.row[0] = 1;
    io.target[0] = 0;
    io.children[0] = 2;
    ck_ok(ardm_run(io.binding));
    const double *exact = in_doubles ? ardm_binding_output_double(io.binding, "nll") : NULL;
    return exp(-(exact ? exact[0] : (double)((const float *)ardm_binding_output(io.binding, "nll"))[0]));
}

/* What a walk charges in stage 0 for unit 1 in the lower half. */
static double walked_half(rig *r) {
    int32_t symbols[2] = {0, 0};
    const ardm_walk_item item = {symbols, first, 0};
    ardm_budget budget = rig_budget(r, 2, NULL);
    ardm_walk *walk = NULL;
    ck_ok(ardm_walk_open(&walk, r->session, ARDM_TASK_EVALUATE, &r->layout, budget.schedule, 0, 1, &item, 1));
    ck_assert_uint_eq(ardm_walk_calls(walk), 2);
    ck_ok(ardm_walk_run(walk, 0, NULL, 1));
    const ardm_call_io *io = ardm_walk_io(walk);
    ck_assert_uint_eq(io->state[0], ARDM_GIVEN);
    ck_assert_uint_eq(ardm_walk_answer(walk, 0).count, 1);
    const double *exact = in_doubles ? ardm_binding_output_double(io->binding, "nll") : NULL;
    const double nats = exact ? exact[0] : (double)((const float *)ardm_binding_output(io->binding, "nll"))[0];
    ardm_walk_close(&walk);
    ardm_schedule_free(&budget.schedule);
    return exp(-nats);
}

static void halves_on(ardm_device *device) {
    const double tolerance = in_doubles ? 1e-9 : 1e-6;
    rig r;
    rig_open(&r, &pair, device);
    ck_assert_double_eq_tol(lower_half(&r, ARDM_GIVEN), 7.0 / 8, tolerance);
    ck_assert_double_eq_tol(lower_half(&r, ARDM_DECIDED), 23.0 / 32, tolerance); /* what clamping would have shown */
    ck_assert_double_eq_tol(walked_half(&r), 7.0 / 8, tolerance);
    rig_close(&r);
}

START_TEST(conditioning_is_not_clamping) {
    by_oracles(halves_on);
    each_device(halves_on);
}
END_TEST

/* Filled in many times: the law of the rest given what is given. */
enum { SAMPLES = 16000, COMPARED = 1000 };
static const struct filled {
    rig_form form;
    uint8_t given[MOST_UNITS];
    uint32_t base; /* the x whose given units are shown */
    double limit;  /* one in a thousand, by degrees of freedom */
} filled[] = {
    {{.chain = 2, .k = 4, .process = "zero-least-significant 4 2", .order = "uniform"}, {ARDM_GIVEN}, 0, 16.3},
    {{.chain = 2, .k = 4, .process = "zero-least-significant 4 2", .order = "uniform"}, {ARDM_GIVEN}, 1, 16.3},
    {{.chain = 3, .k = 4, .process = "zero-least-significant 4 2", .order = "raster"}, {0, ARDM_GIVEN, 0}, 4 * 3, 37.7},
    {{.chain = 3, .k = 4, .process = "zero-least-significant 4 2", .order = "uniform"}, {0, 0, ARDM_GIVEN}, 16 * 1, 37.7},
    {{.k = 5, .process = "zero-least-significant 5 2", .order = "uniform"}, {0, ARDM_GIVEN, 0}, 5 * 3, 51.2},
    {{.k = 6, .process = "zero-least-significant 6 4", .order = "uniform"}, {ARDM_GIVEN, ARDM_GIVEN, 0}, 5 + 6 * 2, 20.5},
    {{.chain = 3, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", .block = 2, .table = {.high = 16}}, {ARDM_GIVEN}, 3, 37.7},
    /* A prefix, a gap, and every second unit, in the forms of text, sound and pictures. */
    {{.chain = 4, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", .block = 1, .table = {.high = 16}}, {ARDM_GIVEN, ARDM_GIVEN}, 7, 37.7},
    {{.chain = 4, .k = 4, .process = "absorbing 4", .order = "uniform"}, {ARDM_GIVEN, 0, 0, ARDM_GIVEN}, 3 + 64 * 1, 37.7},
    {{.chain = 5, .k = 4, .process = "absorbing 4", .order = "dyadic"}, {ARDM_GIVEN, 0, ARDM_GIVEN, 0, ARDM_GIVEN}, 16 * 3 + 256, 37.7},
    {{.chain = 3, .k = 4, .process = "zero-least-significant 4 2", .order = "quincunx", .table = {.rank = 2, .extent = {4, 4}, .at = {0, 1, 2}}},
     {ARDM_GIVEN, 0, ARDM_GIVEN},
     16 * 2,
     16.3},
};
enum { FILLED = sizeof filled / sizeof *filled };
static uint32_t first_fillings[FILLED][COMPARED];

static void same_fillings_on(ardm_device *device) {
    static uint32_t x[COMPARED];
    for (int i = 0; i < FILLED; i++) {
        rig r;
        rig_open(&r, &filled[i].form, device);
        rig_sample(&r, rig_most_calls(&r), filled[i].given, filled[i].base, x, COMPARED);
        ck_assert_mem_eq(x, first_fillings[i], sizeof x);
        rig_close(&r);
    }
}

START_TEST(fillings_follow_the_conditional) {
    static uint32_t x[SAMPLES], seen[MOST_STATES];
    ardm_device *device = NULL;
    ck_ok(ardm_device_open(&device, "reference"));
    for (int i = 0; i < FILLED; i++) {
        rig r;
        double chi = 0;
        uint32_t possible = 0, found = 0, lower = 0;
        rig_open(&r, &filled[i].form, device);
        rig_sample(&r, rig_most_calls(&r), filled[i].given, filled[i].base, x, SAMPLES);
        memcpy(first_fillings[i], x, sizeof first_fillings[i]);
        memset(seen, 0, sizeof seen);
        for (uint32_t k = 0; k < SAMPLES; k++) seen[x[k]]++;
        for (uint32_t y = 0; y < r.t.states; y++) {
            int32_t shows = 1;
            for (uint32_t u = 0; u < r.t.n; u++)
                shows &= filled[i].given[u] != ARDM_GIVEN || toy_symbol(&r.t, y, u) == toy_symbol(&r.t, filled[i].base, u);
            if (!shows) continue;
            const double want = SAMPLES * exp2(-rig_exact_bits(&r, y, filled[i].given));
            chi += (seen[y] - want) * (seen[y] - want) / want;
            found += seen[y];
            possible++;
            if (toy_symbol(&r.t, y, 1) < 2) lower += seen[y];
        }
        ck_assert_uint_eq(found, SAMPLES); /* what is given stays */
        ck_assert_uint_gt(possible, 3);
        ck_assert_msg(chi < filled[i].limit, "%s %s, filling %d: chi-square %g", filled[i].form.process, filled[i].form.order, i, chi);
        if (i == 0) ck_assert_double_eq_tol((double)lower / SAMPLES, 7.0 / 8, 4 * sqrt(7.0 / 64 / SAMPLES));
        rig_close(&r);
    }
    ardm_device_close(&device);
    each_device(same_fillings_on);
}
END_TEST

TCase *given_cases(void) {
    TCase *cases = tcase_create("given");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, conditioning_is_not_clamping);
    tcase_add_test(cases, fillings_follow_the_conditional);
    return cases;
}
