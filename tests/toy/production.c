/* production.c: scheduled costs, the training estimator, coding and sampling of toy models over real sessions. */
#include "production.h"

#include <math.h>
#include <stdlib.h>

#include "ardm/coder.h"
#include "ardm/device.h"
#include "ardm/sampler.h"

static const double ln2 = 0.69314718055994530942, chain_step[4] = {0.5, 0.375, 0.0625, 0.0625};

/* All x, one after another. */
static int32_t *every_item(const toy *t) {
    int32_t *symbols = malloc((size_t)t->states * t->n * sizeof *symbols);
    for (uint32_t x = 0; x < t->states; x++)
        for (uint32_t u = 0; u < t->n; u++) symbols[x * t->n + u] = (int32_t)toy_symbol(t, x, u);
    return symbols;
}

static uint32_t read_item(const toy *t, const int32_t *symbols) {
    uint32_t x = 0;
    for (uint32_t u = t->n; u-- > 0;) x = x * t->k + (uint32_t)symbols[u];
    return x;
}

static ardm_budget budget_of(const toy *t, uint32_t calls, double *cost) {
    double loss[32];
    uint32_t units[16], cells = toy_losses(t, loss, units);
    ardm_budget budget = {.frozen = -1, .calls = calls};
    const double predicted = best_cost(&budget.schedule, loss, units, cells, calls);
    if (cost) *cost = predicted;
    return budget;
}

/* Σ p(x) · bits of x: with exchangeable units any order costs what the schedule says, with one unit a call any order costs H.
 * one_order: all x in the same order, else each in its own, which only the second case allows. */
static double expected_cost(const table *n, ardm_session *session, const ardm_budget *budget, const uint8_t *given, uint64_t seed, int one_order) {
    const toy *t = n->toy;
    const ardm_layout layout = ardm_session_layout(session);
    int32_t *symbols = every_item(t);
    uint8_t *mask = calloc((size_t)t->states, t->n);
    double *bits = calloc(t->states, sizeof *bits), all = 0;
    for (uint32_t x = 0; given && x < t->states; x++) memcpy(mask + x * t->n, given, t->n);
    for (uint32_t x = 0; x < t->states; x += one_order ? 1 : t->states)
        ck_ok(ardm_scheduled_cost(bits + x, session, budget, seed, &layout, symbols + x * t->n, given ? mask + x * t->n : NULL, 5,
                                  one_order ? 1 : t->states));
    for (uint32_t x = 0; x < t->states; x++) all += t->p[x] * bits[x];
    free(bits);
    free(mask);
    free(symbols);
    return all;
}

static void costs_on(ardm_device *device) {
    static const struct {
        uint32_t k;
        const char *process;
        uint32_t budgets[3];
    } rows[] = {{4, "absorbing 4", {1, 2, 3}},
                {4, "zero-least-significant 4 2", {2, 4, 6}},
                {5, "zero-least-significant 5 2", {3, 5, 9}},
                {6, "zero-least-significant 6 4", {2, 3, 6}}};
    static const double printed[3] = {6, 5.760481629888294, 5.6875};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        toy t;
        table network;
        ardm_session *session = NULL;
        toy_mixture(&t, rows[i].k, rows[i].process);
        table_open(&network, &t, device);
        table_session(&session, &network, "uniform");
        for (int b = 0; b < 3; b++) {
            double predicted;
            ardm_budget budget = budget_of(&t, rows[i].budgets[b], &predicted);
            const double cost = expected_cost(&network, session, &budget, NULL, 11, 1);
            ck_assert_double_eq_tol(cost, predicted, 1e-5);
            if (i == 0) ck_assert_double_eq_tol(cost, printed[b], 1e-5);
            ardm_schedule_free(&budget.schedule);
        }
        ardm_session_free(&session);
        table_close(&network);
        toy_close(&t);
    }
}

START_TEST(block_costs_are_schedule_costs) { each_device(costs_on); }
END_TEST

/* A chain: units are not exchangeable, yet one unit a call costs H in every order, and what is given is taken off. */
static void chain_on(ardm_device *device) {
    static const char *const orders[2] = {"uniform", "raster"};
    static const uint16_t levels[2][5] = {{0, 0, 0, 0, 0}, {0, 1, 2, 3, 4}};
    static const uint8_t given[5] = {0, ARDM_GIVEN, 0, 0, ARDM_GIVEN};
    toy t;
    table network;
    toy_chain(&t, 5, 4, chain_step);
    table_open(&network, &t, device);
    for (int f = 0; f < 2; f++) {
        ardm_session *session = NULL;
        toy_levels(&t, levels[f]);
        table_session(&session, &network, orders[f]);
        ardm_budget budget = budget_of(&t, 5, NULL);
        ck_assert_double_eq_tol(expected_cost(&network, session, &budget, NULL, (uint64_t)f, 0), toy_entropy(&t), 1e-5);
        double loss[5], rest = 0;
        uint32_t units[5];
        memcpy(t.mask, given, 5);
        toy_losses(&t, loss, units);
        for (int u = 0; u < 3; u++) rest += loss[u];
        memset(t.mask, 0, 5);
        ck_assert_double_eq_tol(expected_cost(&network, session, &budget, given, 3, 0), rest, 1e-5);
        ardm_schedule_free(&budget.schedule);
        ardm_session_free(&session);
    }
    table_close(&network);
    toy_close(&t);
}

START_TEST(a_chain_costs_its_entropy) { each_device(chain_on); }
END_TEST

/* All data against a stratum for every (cell, n): what training draws and weighs, with what the network charges. */
static double estimate(const table *n, ardm_session *session, uint64_t step) {
    const toy *t = n->toy;
    const uint32_t stages = n->stages, pairs = stages * t->n;
    const ardm_layout layout = ardm_session_layout(session);
    ardm_orders *orders;
    ardm_example e;
    double bound = 0;
    ck_ok(ardm_session_orders(&orders, session, &layout));
    ck_ok(ardm_example_create(&e, orders));
    for (uint32_t x = 0; x < t->states; x++) {
        ardm_call_io io;
        float weight[MOST_STAGES * MOST_UNITS][MOST_UNITS];
        ck_ok(ardm_session_call(&io, session, ARDM_TASK_EVALUATE, &layout, pairs, t->n));
        for (uint32_t i = 0; i < pairs; i++) {
            const ardm_draw_options options = {.seed = 7, .step = step, .stratified = 1, .batch = pairs};
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
        for (uint32_t i = 0; i < pairs; i++)
            for (uint32_t u = 0; u < t->n; u++) bound += t->p[x] * (double)weight[i][u] * (double)nll[i * io.rows + u] / pairs / ln2;
    }
    ardm_example_destroy(&e);
    return bound;
}

static void estimator_on(ardm_device *device) {
    static const struct {
        uint32_t k;
        const char *process, *order;
    } rows[] = {{4, "absorbing 4", "uniform"},
                {4, "absorbing 4", "raster"},
                {4, "zero-least-significant 4 2", "uniform"},
                {4, "zero-least-significant 4 2", "raster"},
                {5, "zero-least-significant 5 2", "uniform"},
                {6, "zero-least-significant 6 4", "uniform"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        toy t;
        table network;
        ardm_session *session = NULL;
        toy_mixture(&t, rows[i].k, rows[i].process);
        table_open(&network, &t, device);
        table_session(&session, &network, rows[i].order);
        for (uint64_t step = 0; step < 2; step++) ck_assert_double_eq_tol(estimate(&network, session, step), toy_entropy(&t), 1e-5);
        ardm_session_free(&session);
        table_close(&network);
        toy_close(&t);
    }
}

START_TEST(what_training_draws_is_the_bound) { each_device(estimator_on); }
END_TEST

static uint32_t draw_state(const toy *t, uint64_t *random) {
    double u = next_uniform(random);
    for (uint32_t x = 0; x < t->states; x++)
        if ((u -= t->p[x]) < 0) return x;
    return t->states - 1;
}

/* Chunks of drawn items: bits against float likelihoods and the law of the coder, and everything comes back. */
static void code(ardm_session *session, const toy *t, uint32_t calls, const uint8_t *mask) {
    enum { CHUNKS = 3, TILES = 60 };
    const ardm_layout layout = ardm_session_layout(session);
    ardm_budget budget = budget_of(t, calls, NULL);
    const ardm_coding coding = {.schedule = budget.schedule, .seed = 21, .task = "toy"};
    int32_t symbols[CHUNKS][TILES][MOST_UNITS], back[CHUNKS][TILES][MOST_UNITS];
    ardm_tile tiles[CHUNKS][TILES];
    ardm_chunk chunks[CHUNKS];
    uint64_t random = 91 + calls;
    memset(chunks, 0, sizeof chunks);
    for (uint32_t c = 0; c < CHUNKS; c++) {
        for (uint32_t i = 0; i < TILES; i++) {
            const uint32_t x = draw_state(t, &random);
            for (uint32_t u = 0; u < t->n; u++) symbols[c][i][u] = (int32_t)toy_symbol(t, x, u);
            tiles[c][i] = (ardm_tile){layout, symbols[c][i], mask};
        }
        chunks[c] = (ardm_chunk){.tiles = tiles[c], .n_tiles = TILES, .number = 40 + c};
    }
    ck_ok(ardm_encode(session, &coding, chunks, CHUNKS));
    for (uint32_t c = 0; c < CHUNKS; c++) {
        double likelihood = 0;
        for (uint32_t i = 0; i < TILES; i++) {
            double bits;
            ck_ok(ardm_scheduled_cost(&bits, session, &budget, coding.seed, &layout, symbols[c][i], mask, chunks[c].number, 1));
            likelihood += bits;
        }
        const double count = (double)TILES * t->n * ardm_process_stages(t->process), over = 48 + 8.0 * (double)chunks[c].word_bytes - chunks[c].bits;
        ck_assert_msg(fabs(chunks[c].bits - likelihood) < 2.5e-5 * count, "%g bits coded, %g of likelihood", chunks[c].bits, likelihood);
        ck_assert_msg(over >= 32 - 0x1p-11 * count && over <= 49 + 0x1p-11 * count, "%g bits over", over);
        for (uint32_t i = 0; i < TILES; i++) {
            for (uint32_t u = 0; u < t->n; u++) back[c][i][u] = mask && mask[u] == ARDM_GIVEN ? symbols[c][i][u] : 0;
            tiles[c][i].symbols = back[c][i];
        }
    }
    ck_ok(ardm_decode(session, &coding, chunks, CHUNKS));
    for (uint32_t c = 0; c < CHUNKS; c++) {
        ck_assert_msg(chunks[c].status == ARDM_OK, "%s", chunks[c].why);
        for (uint32_t i = 0; i < TILES; i++) ck_assert_mem_eq(back[c][i], symbols[c][i], t->n * sizeof(int32_t));
        free(chunks[c].words);
    }
    ardm_schedule_free(&budget.schedule);
}

static void coding_on(ardm_device *device) {
    static const struct {
        uint32_t k;
        const char *process;
        uint32_t budgets[2];
    } rows[] = {{4, "absorbing 4", {1, 3}},
                {4, "zero-least-significant 4 2", {2, 5}},
                {5, "zero-least-significant 5 2", {3, 9}},
                {6, "zero-least-significant 6 4", {2, 6}}};
    static const uint8_t given[5] = {0, ARDM_GIVEN, 0, 0, ARDM_GIVEN};
    toy t;
    table network;
    ardm_session *session = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        toy_mixture(&t, rows[i].k, rows[i].process);
        table_open(&network, &t, device);
        table_session(&session, &network, "uniform");
        for (int b = 0; b < 2; b++) code(session, &t, rows[i].budgets[b], NULL);
        ardm_session_free(&session);
        table_close(&network);
        toy_close(&t);
    }
    toy_chain(&t, 5, 4, chain_step);
    table_open(&network, &t, device);
    table_session(&session, &network, "uniform");
    code(session, &t, 3, NULL);
    code(session, &t, 3, given);
    ardm_session_free(&session);
    table_close(&network);
    toy_close(&t);
}

START_TEST(items_come_back_at_the_size_of_the_law) { each_device(coding_on); }
END_TEST

static void draw(int32_t *symbols, uint32_t samples, const char *process, uint32_t calls, ardm_device *device) {
    toy t;
    table network;
    ardm_session *session = NULL;
    toy_mixture(&t, 4, process);
    table_open(&network, &t, device);
    table_session(&session, &network, "uniform");
    ardm_budget budget = budget_of(&t, calls, NULL);
    const ardm_sampling sampling = {&budget, 1234, 1, "toy"};
    const ardm_layout layout = ardm_session_layout(session);
    ck_ok(ardm_sample(session, &sampling, &layout, symbols, NULL, 0, samples));
    ardm_schedule_free(&budget.schedule);
    ardm_session_free(&session);
    table_close(&network);
    toy_close(&t);
}

enum { SAMPLES = 64000, COMPARED = 2000 };
static const struct {
    const char *process;
    uint32_t calls;
    int flat; /* one call an item: the product of the marginals */
} drawn[] = {{"absorbing 4", 3, 0}, {"absorbing 4", 1, 1}, {"zero-least-significant 4 2", 6, 0}};
static int32_t first_samples[3][COMPARED * 3];

static void same_samples_on(ardm_device *device) {
    static int32_t symbols[COMPARED * 3];
    for (int i = 0; i < 3; i++) {
        draw(symbols, COMPARED, drawn[i].process, drawn[i].calls, device);
        ck_assert_mem_eq(symbols, first_samples[i], sizeof symbols);
    }
}

/* Chi-square with 63 degrees of freedom: 103 is exceeded once in a thousand seeds, and the seed is fixed. */
START_TEST(samples_follow_the_model) {
    int32_t *symbols = malloc((size_t)SAMPLES * 3 * sizeof *symbols);
    ardm_device *device = NULL;
    toy t;
    toy_mixture(&t, 4, "absorbing 4");
    ck_ok(ardm_device_open(&device, "reference"));
    for (int i = 0; i < 3; i++) {
        double seen[64] = {0}, chi[2] = {0}; /* against the model, against the marginals */
        draw(symbols, SAMPLES, drawn[i].process, drawn[i].calls, device);
        memcpy(first_samples[i], symbols, sizeof first_samples[i]);
        for (uint32_t k = 0; k < SAMPLES; k++) seen[read_item(&t, symbols + 3 * k)]++;
        for (int x = 0; x < 64; x++)
            for (int flat = 0; flat < 2; flat++) {
                const double want = SAMPLES * (flat ? 1.0 / 64 : t.p[x]);
                chi[flat] += (seen[x] - want) * (seen[x] - want) / want;
            }
        ck_assert_msg(chi[drawn[i].flat] < 103, "%s in %u calls: chi-square %g", drawn[i].process, drawn[i].calls, chi[drawn[i].flat]);
        ck_assert_msg(chi[!drawn[i].flat] > 1000, "chi-square %g where another law holds", chi[!drawn[i].flat]);
    }
    ardm_device_close(&device);
    toy_close(&t);
    free(symbols);
    each_device(same_samples_on);
}
END_TEST

TCase *production_cases(void) {
    TCase *cases = tcase_create("production");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, block_costs_are_schedule_costs);
    tcase_add_test(cases, a_chain_costs_its_entropy);
    tcase_add_test(cases, what_training_draws_is_the_bound);
    tcase_add_test(cases, items_come_back_at_the_size_of_the_law);
    tcase_add_test(cases, samples_follow_the_model);
    return cases;
}
