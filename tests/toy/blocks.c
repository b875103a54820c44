/* blocks.c: one call of a cell-causal network trains every cell, and the bound of what training draws is the entropy. */
#include <math.h>

#include "ardm/walk.h"
#include "rig.h"

enum { MOST_BLOCK = 5, SETS = 1 << MOST_UNITS };
static const double ln2 = 0.69314718055994530942;

/* Of one block length: the expected loss of every level by the set that it knows; NAN where no draw had it yet. */
typedef struct terms {
    double loss[MOST_UNITS][SETS];
    uint32_t missing;
} terms;

/* The level's decided units, a bit a unit. */
static uint32_t known_set(const rig *r, const ardm_example *e, const uint16_t *level, uint32_t l) {
    uint32_t set = 0;
    for (uint32_t u = 0; u < r->t.n; u++)
        if (level[u] == l && e->state[u] == ARDM_DECIDED) set |= 1u << u;
    return set;
}

/* The training draw for all x in one call: every level answers. */
static void measure(rig *r, const ardm_example *e, double *unit_bits) {
    const toy *t = &r->t;
    ardm_call_io io;
    ck_ok(ardm_session_call(&io, r->session, ARDM_TASK_EVALUATE, &r->layout, t->states, t->n));
    for (uint32_t x = 0; x < t->states; x++) {
        io.block[x] = e->block;
        table_item(&r->network, x, NULL, io.symbols + x * t->n, NULL);
        memcpy(io.state + x * t->n, e->state, t->n);
        for (uint32_t u = 0; u < t->n; u++) {
            io.row[x * io.rows + u] = (int32_t)u;
            io.target[x * io.rows + u] = io.symbols[x * t->n + u];
            io.children[x * io.rows + u] = (int32_t)t->k;
        }
    }
    ck_ok(ardm_run(io.binding));
    const float *nll = ardm_binding_output(io.binding, "nll");
    const double *exact = in_doubles ? ardm_binding_output_double(io.binding, "nll") : NULL;
    for (uint32_t u = 0; u < t->n; u++) {
        unit_bits[u] = 0;
        for (uint32_t x = 0; x < t->states; x++) {
            const size_t at = (size_t)x * io.rows + u;
            unit_bits[u] += t->p[x] * (exact ? exact[at] : (double)nll[at]) / ln2;
        }
    }
}

/* Takes a draw into its block's terms, if it brings anything new; what was seen before must be the same again. */
static void take(rig *r, terms *seen, const ardm_example *e, const ardm_order *order) {
    const uint16_t *level = ardm_order_level(order);
    const uint32_t levels = ardm_order_levels(order);
    double bits[MOST_UNITS];
    int32_t fresh = 0;
    for (uint32_t l = 0; l < levels; l++) fresh |= isnan(seen->loss[l][known_set(r, e, level, l)]);
    if (!fresh) return;
    measure(r, e, bits);
    for (uint32_t l = 0; l < levels; l++) {
        double *own = &seen->loss[l][known_set(r, e, level, l)], loss = 0;
        for (uint32_t u = 0; u < r->t.n; u++) {
            if (level[u] != l) continue;
            ck_assert((e->weight[u] > 0) == (e->state[u] == ARDM_UNDECIDED)); /* every level is trained */
            loss += (double)e->weight[u] * bits[u];
        }
        if (isnan(*own))
            seen->missing--;
        else /* earlier blocks are clean whatever they know, so the other levels' draws do not matter */
            ck_assert_double_eq_tol(*own, loss, 1e-6);
        *own = loss;
    }
}

/* Σ over levels of the mean over n of the mean over sets of n: n is uniform, and so is the set by rank. */
static double bound(const rig *r, const terms *seen, const ardm_order *order) {
    double sum = 0;
    for (uint32_t l = 0; l < ardm_order_levels(order); l++) {
        const uint32_t count = ardm_order_counts(order)[l];
        double of_n[MOST_UNITS] = {0}, sets[MOST_UNITS] = {0};
        for (uint32_t set = 0; set < 1u << r->t.n; set++) {
            uint32_t n = 0;
            for (uint32_t u = 0; u < r->t.n; u++) n += set >> u & 1;
            if (isnan(seen->loss[l][set])) continue;
            ck_assert_uint_lt(n, count);
            of_n[n] += seen->loss[l][set];
            sets[n]++;
        }
        for (uint32_t n = 0; n < count; n++) sum += of_n[n] / sets[n] / count;
    }
    return sum;
}

static void bounds_on(ardm_device *device) {
    static const rig_form forms[] = {
        {.k = 4, .process = "absorbing 4", .order = "blocks:1-5", .block = 1, .table = {.high = MOST_BLOCK}},
        {.chain = 4, .k = 4, .process = "absorbing 4", .order = "blocks:1-5", .block = 1, .table = {.high = MOST_BLOCK}},
    };
    static terms seen[MOST_BLOCK + 1];
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        rig r;
        ardm_orders *orders;
        ardm_example e;
        const ardm_order *order[MOST_BLOCK + 1];
        uint32_t missing = 0, drawn[MOST_BLOCK + 1] = {0};
        rig_open(&r, &forms[i], device);
        ck_ok(ardm_session_orders(&orders, r.session, &r.layout));
        ck_ok(ardm_example_create(&e, orders));
        for (uint32_t b = 1; b <= MOST_BLOCK; b++) {
            ck_ok(ardm_orders_get(&order[b], orders, b));
            seen[b].missing = 0;
            for (uint32_t l = 0; l < r.t.n; l++)
                for (uint32_t set = 0; set < SETS; set++) seen[b].loss[l][set] = NAN;
            for (uint32_t l = 0; l < ardm_order_levels(order[b]); l++) seen[b].missing += (1u << ardm_order_counts(order[b])[l]) - 1;
            missing += seen[b].missing;
        }
        ck_assert_uint_gt(missing, 20);
        for (uint64_t number = 0; missing && number < 20000; number++) {
            const ardm_draw_options options = {.seed = 17, .step = number / 32, .batch = 32};
            ck_ok(ardm_example_draw(&e, orders, 1, &options, number, (uint32_t)(number % 32), NULL));
            const uint32_t before = seen[e.block].missing;
            take(&r, &seen[e.block], &e, order[e.block]);
            missing -= before - seen[e.block].missing;
            drawn[e.block]++;
        }
        ck_assert_uint_eq(missing, 0); /* every set of every level is drawn */
        for (uint32_t b = 1; b <= MOST_BLOCK; b++) {
            ck_assert_uint_gt(drawn[b], 0);
            /* Weights are floats: 4/3 is not one of them. */
            ck_assert_double_eq_tol(bound(&r, &seen[b], order[b]), toy_entropy(&r.t), in_doubles ? 1e-7 : 1e-5);
        }
        ardm_example_destroy(&e);
        rig_close(&r);
    }
}

START_TEST(one_call_trains_every_cell) {
    by_oracles(bounds_on);
    each_device(bounds_on);
}
END_TEST

/* Encoder and decoder ask a different number of calls: all levels at once, or one after another. */
static void calls_on(ardm_device *device) {
    static const rig_form form = {.chain = 4, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", .block = 1, .table = {.high = 16}};
    static int32_t symbols[MOST_UNITS];
    const ardm_walk_item item = {symbols, NULL, 0};
    static const int32_t tasks[2] = {ARDM_TASK_ENCODE, ARDM_TASK_DECODE};
    for (uint32_t block = 1; block <= 4; block++) {
        rig_form own = form;
        rig r;
        own.block = block;
        rig_open(&r, &own, device);
        ardm_budget budget = rig_budget(&r, r.cells, NULL);
        for (int i = 0; i < 2; i++) {
            ardm_walk *walk = NULL;
            ck_ok(ardm_walk_open(&walk, r.session, tasks[i], &r.layout, budget.schedule, block, 1, &item, 1));
            ck_assert_uint_eq(ardm_walk_calls(walk), i ? r.cells : 1);
            ardm_walk_close(&walk);
        }
        ardm_schedule_free(&budget.schedule);
        rig_close(&r);
    }
}

START_TEST(an_encoder_needs_one_call) { each_device(calls_on); }
END_TEST

/* A causal network answers all levels of one stage: with more stages most of an item would be left out. */
START_TEST(blocks_have_one_stage) {
    static const char *const inputs[6][2] = {{"symbols", "i32[N,L]"}, {"state", "u8[N,L]"}, {"stage", "i32[N]"},
                                             {"time", "f32[N]"},      {"block", "i32[N]"},  {"rows", "i32[N,R]"}};
    static const float zeros[8] = {0};
    const ardm_shape shape = ardm_shape_make(ARDM_F32, 2, (const int64_t[2]){4, 2});
    ardm_description description = {.process = "zero-least-significant 4 2",
                                    .order = "blocks:1-2",
                                    .head = ARDM_HEAD_DIRECT,
                                    .rank = 1,
                                    .extent = {3},
                                    .channels = 1,
                                    .multiple = 1};
    ardm_device *device = NULL;
    ardm_store *store = NULL;
    ardm_graph *graph = NULL;
    ardm_session *session = NULL;
    ardm_value in[6];
    ck_ok(ardm_device_open(&device, "reference"));
    ck_ok(ardm_store_create(&store, device));
    ck_ok(ardm_store_set(store, "w", &shape, zeros));
    ck_ok(ardm_graph_create(&graph, "staged"));
    for (int i = 0; i < 6; i++) in[i] = ardm_graph_input(graph, inputs[i][0], inputs[i][1]);
    const ardm_value z = ARDM_NODE(graph, "embed", NULL, in[0], ardm_graph_state(graph, "w", "f32[4,2]"));
    ardm_graph_output(graph, "z", ARDM_NODE(graph, "gather_rows", NULL, z, in[5]));
    ck_ok(ardm_graph_check(graph));
    ck_fails(ARDM_EFORMAT, "one stage", ardm_session_create(&session, graph, store, NULL, &description, 0));
    description.process = "absorbing 2";
    ck_ok(ardm_session_create(&session, graph, store, NULL, &description, 0));
    ardm_session_free(&session);
    ardm_graph_free(&graph);
    ardm_store_free(&store);
    ardm_device_close(&device);
}
END_TEST

TCase *blocks_cases(void) {
    TCase *cases = tcase_create("blocks");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, one_call_trains_every_cell);
    tcase_add_test(cases, an_encoder_needs_one_call);
    tcase_add_test(cases, blocks_have_one_stage);
    return cases;
}
