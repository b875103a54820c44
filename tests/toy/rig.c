/* rig.c: items, budgets, costs, chunks and samples of a toy over a real session. */
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ardm/coder.h"
#include "ardm/walk.h"

static const double ln2 = 0.69314718055994530942;
const double chain_step[4] = {0.5, 0.375, 0.0625, 0.0625};

/* Linked in place of ardm_bind: sessions have no option for oracles, which only tests need. */
ardm_status __real_ardm_bind(ardm_binding **out, const ardm_graph *graph, ardm_store *store, const ardm_extent *extents, uint32_t n_extents,
                             const ardm_bind_options *options);
ardm_status __wrap_ardm_bind(ardm_binding **out, const ardm_graph *graph, ardm_store *store, const ardm_extent *extents, uint32_t n_extents,
                             const ardm_bind_options *options);
int32_t in_doubles;
ardm_status __wrap_ardm_bind(ardm_binding **out, const ardm_graph *graph, ardm_store *store, const ardm_extent *extents, uint32_t n_extents,
                             const ardm_bind_options *options) {
    ardm_bind_options own = *options;
    own.oracle |= in_doubles;
    return __real_ardm_bind(out, graph, store, extents, n_extents, &own);
}

void each_device(void (*visit)(ardm_device *device)) {
    const ardm_device_entry *entries;
    size_t count;
    in_doubles = 0; /* a test that failed may have left it */
    ck_ok(ardm_device_list(&entries, &count));
    for (size_t i = 0; i < count; i++) {
        ardm_device *device = NULL;
        char name[32];
        if (entries[i].why) continue;
        snprintf(name, sizeof name, "%u:%u", entries[i].facts.platform_index, entries[i].facts.device_index);
        ck_ok(ardm_device_open(&device, entries[i].facts.device_class == ARDM_CLASS_REFERENCE ? "reference" : name));
        visit(device);
        ardm_device_close(&device);
    }
}

void by_oracles(void (*visit)(ardm_device *device)) {
    ardm_device *device = NULL;
    ck_ok(ardm_device_open(&device, "reference"));
    in_doubles = 1;
    visit(device);
    in_doubles = 0;
    ardm_device_close(&device);
}

double best_cost(ardm_schedule **out, double *loss, const uint32_t *units, uint32_t cells, uint32_t budget) {
    ardm_schedule *s = NULL;
    for (uint32_t c = 0, at = 0; c < cells; c++)
        for (uint32_t n = 0; n < units[c]; n++, at++)
            if (n) loss[at] = fmin(loss[at], loss[at - 1]); /* rounding: equal losses must not rise */
    ck_ok(ardm_schedule_optimal(&s, loss, units, cells, budget));
    const double cost = ardm_schedule_predict(s, loss);
    if (out)
        *out = s;
    else
        ardm_schedule_free(&s);
    return cost;
}

void rig_open(rig *r, const rig_form *form, ardm_device *device) {
    memset(r, 0, sizeof *r);
    r->form = form;
    if (form->chain)
        toy_chain_by(&r->t, (uint32_t)form->chain, form->k, chain_step, form->process);
    else
        toy_mixture(&r->t, form->k, form->process);
    table_open(&r->network, &r->t, device, &form->table);
    table_session(&r->session, &r->network, form->order);
    r->layout = ardm_session_layout(r->session);
    ardm_orders *orders = NULL;
    const ardm_order *order = NULL;
    uint16_t level[MOST_UNITS];
    ck_ok(ardm_session_orders(&orders, r->session, &r->layout));
    ck_ok(ardm_orders_get(&order, orders, form->block));
    for (uint32_t u = 0; u < r->t.n; u++) level[u] = ardm_order_level(order)[r->network.form.at[u]];
    toy_levels(&r->t, level);
    ck_assert_uint_eq(ardm_order_levels(r->t.order), ardm_order_levels(order));
    r->cells = toy_losses(&r->t, r->loss, r->units);
}

void rig_close(rig *r) {
    ardm_session_free(&r->session);
    table_close(&r->network);
    toy_close(&r->t);
}

uint32_t rig_most_calls(const rig *r) { return r->t.n * r->network.stages; }

ardm_budget rig_budget(const rig *r, uint32_t calls, double *cost) {
    double loss[MOST_STAGES * MOST_UNITS];
    memcpy(loss, r->loss, sizeof loss);
    ardm_budget budget = {.frozen = -1, .calls = calls, .block = r->form->block};
    const double predicted = best_cost(&budget.schedule, loss, r->units, r->cells, calls);
    if (cost) *cost = predicted;
    return budget;
}

/* ardm_scheduled_cost for items of any numbers, and in doubles. */
static void walk_costs(rig *r, const ardm_budget *budget, const ardm_walk_item *items, uint32_t n, uint64_t seed, double *bits) {
    ardm_walk *walk = NULL;
    ck_ok(ardm_walk_open(&walk, r->session, ARDM_TASK_EVALUATE, &r->layout, budget->schedule, budget->block, seed, items, n));
    for (uint32_t i = 0; i < n; i++) bits[i] = 0;
    for (uint32_t c = 0; c < ardm_walk_calls(walk); c++) {
        ck_ok(ardm_walk_run(walk, c, NULL, 1));
        const ardm_call_io *io = ardm_walk_io(walk);
        const float *single = ardm_binding_output(io->binding, "nll");
        const double *exact = in_doubles ? ardm_binding_output_double(io->binding, "nll") : NULL;
        for (uint32_t i = 0; i < n; i++) {
            const ardm_walk_rows rows = ardm_walk_answer(walk, i);
            for (uint32_t j = 0; j < rows.count; j++) {
                const size_t at = (size_t)i * io->rows + j;
                if (rows.children[j] > 1) bits[i] += (exact ? exact[at] : (double)single[at]) / ln2;
            }
        }
    }
    ardm_walk_close(&walk);
}

void rig_bits(rig *r, const ardm_budget *budget, const uint8_t *given, uint64_t seed, int32_t one_order, double *bits) {
    enum { BATCH = 64, NUMBER = 5 };
    static int32_t symbols[BATCH * MOST_PLACES];
    static uint8_t mask[BATCH * MOST_PLACES];
    const size_t places = r->network.places;
    for (uint32_t x = 0; x < r->t.states; x += BATCH) {
        const uint32_t n = r->t.states - x < BATCH ? r->t.states - x : BATCH;
        ardm_walk_item items[BATCH];
        for (uint32_t i = 0; i < n; i++) {
            table_item(&r->network, x + i, given, symbols + i * places, mask + i * places);
            items[i] = (ardm_walk_item){symbols + i * places, mask + i * places, NUMBER + (one_order ? 0 : x + i)};
        }
        if (in_doubles || one_order)
            walk_costs(r, budget, items, n, seed, bits + x);
        else
            ck_ok(ardm_scheduled_cost(bits + x, r->session, budget, seed, &r->layout, symbols, mask, NUMBER + x, n));
    }
}

double rig_mean(const rig *r, const double *bits) {
    double mean = 0;
    for (uint32_t x = 0; x < r->t.states; x++) mean += r->t.p[x] * bits[x];
    return mean;
}

double rig_exact_bits(const rig *r, uint32_t x, const uint8_t *given) {
    double whole = 0;
    for (uint32_t y = 0; y < r->t.states; y++) {
        int32_t same = 1;
        for (uint32_t u = 0; u < r->t.n; u++) same &= !(given && given[u] == ARDM_GIVEN) || toy_symbol(&r->t, x, u) == toy_symbol(&r->t, y, u);
        if (same) whole += r->t.p[y];
    }
    return log2(whole / r->t.p[x]);
}

double rig_flat(const rig *r, uint32_t x) {
    const uint32_t levels = ardm_order_levels(r->t.order);
    double product = 1;
    for (uint32_t c = 0; c < r->network.stages * levels; c++) {
        uint8_t state[MOST_UNITS];
        const uint16_t *level = ardm_order_level(r->t.order);
        for (uint32_t u = 0; u < r->t.n; u++) state[u] = level[u] < c % levels ? ARDM_DECIDED : ARDM_UNDECIDED;
        for (uint32_t u = 0; u < r->t.n; u++) {
            double p[MOST_SYMBOLS];
            if (level[u] != c % levels) continue;
            toy_network(&r->t, x, c / levels, state, u, p);
            product *= p[ardm_process_digit(r->t.process, c / levels, toy_symbol(&r->t, x, u), NULL)];
        }
    }
    return product;
}

static uint32_t draw_state(const toy *t, uint64_t *random) {
    double u = next_uniform(random);
    for (uint32_t x = 0; x < t->states; x++)
        if ((u -= t->p[x]) < 0) return x;
    return t->states - 1;
}

void rig_code(rig *r, uint32_t calls, const uint8_t *given) {
    enum { CHUNKS = 2, TILES = 16 };
    static int32_t symbols[CHUNKS][TILES][MOST_PLACES], back[CHUNKS][TILES][MOST_PLACES];
    static uint8_t mask[MOST_PLACES];
    ardm_budget budget = rig_budget(r, calls, NULL);
    const ardm_coding coding = {.schedule = budget.schedule, .block = budget.block, .seed = 21, .task = "toy"};
    ardm_tile tiles[CHUNKS][TILES];
    ardm_chunk chunks[CHUNKS];
    uint64_t random = 91 + calls;
    memset(chunks, 0, sizeof chunks);
    for (uint32_t c = 0; c < CHUNKS; c++) {
        for (uint32_t i = 0; i < TILES; i++) {
            table_item(&r->network, draw_state(&r->t, &random), given, symbols[c][i], mask);
            tiles[c][i] = (ardm_tile){r->layout, symbols[c][i], mask};
        }
        chunks[c] = (ardm_chunk){.tiles = tiles[c], .n_tiles = TILES, .number = 40 + c};
    }
    ck_ok(ardm_encode(r->session, &coding, chunks, CHUNKS));
    for (uint32_t c = 0; c < CHUNKS; c++) {
        double likelihood = 0, bits[TILES];
        ardm_walk_item items[TILES];
        for (uint32_t i = 0; i < TILES; i++) items[i] = (ardm_walk_item){symbols[c][i], mask, chunks[c].number};
        walk_costs(r, &budget, items, TILES, coding.seed, bits);
        for (uint32_t i = 0; i < TILES; i++) likelihood += bits[i];
        const double count = (double)TILES * r->t.n * r->network.stages, over = 48 + 8.0 * (double)chunks[c].word_bytes - chunks[c].bits;
        ck_assert_msg(fabs(chunks[c].bits - likelihood) < 2.5e-5 * count, "%s %s: %g bits coded, %g of likelihood", r->form->process, r->form->order,
                      chunks[c].bits, likelihood);
        ck_assert_msg(over >= 32 - 0x1p-11 * count && over <= 49 + 0x1p-11 * count, "%s %s: %g bits over", r->form->process, r->form->order, over);
        for (uint32_t i = 0; i < TILES; i++) {
            for (uint32_t u = 0; u < r->network.places; u++) back[c][i][u] = mask[u] == ARDM_GIVEN ? symbols[c][i][u] : 0;
            tiles[c][i].symbols = back[c][i];
        }
    }
    ck_ok(ardm_decode(r->session, &coding, chunks, CHUNKS));
    for (uint32_t c = 0; c < CHUNKS; c++) {
        ck_assert_msg(chunks[c].status == ARDM_OK, "%s %s: %s", r->form->process, r->form->order, chunks[c].why);
        for (uint32_t i = 0; i < TILES; i++) ck_assert_mem_eq(back[c][i], symbols[c][i], r->network.places * sizeof(int32_t));
        free(chunks[c].words);
    }
    ardm_schedule_free(&budget.schedule);
}

void rig_sample_by(rig *r, const ardm_sampling *sampling, const uint8_t *given, uint32_t base, uint32_t *x, uint32_t count) {
    const size_t places = r->network.places;
    int32_t *symbols = calloc(count * places, sizeof *symbols);
    uint8_t *mask = calloc(count, places);
    for (uint32_t i = 0; i < count; i++) table_item(&r->network, base, given, symbols + i * places, mask + i * places);
    ck_ok(ardm_sample(r->session, sampling, &r->layout, symbols, mask, 0, count));
    for (uint32_t i = 0; i < count; i++) x[i] = table_read(&r->network, symbols + i * places);
    free(mask);
    free(symbols);
}

void rig_sample(rig *r, uint32_t calls, const uint8_t *given, uint32_t base, uint32_t *x, uint32_t count) {
    ardm_budget budget = rig_budget(r, calls, NULL);
    const ardm_sampling sampling = {.budget = &budget, .seed = 1234, .temperature = 1, .task = "toy"};
    rig_sample_by(r, &sampling, given, base, x, count);
    ardm_schedule_free(&budget.schedule);
}
