/* sampling.c: the laws that samples follow when they are asked to leave the model's own. */
#include <math.h>
#include <stdlib.h>

#include "rig.h"

enum { SAMPLES = 6000, COMPARED = 200 };

/* p(x) when every call decides a whole level and its units are drawn apart, each probability taken to the power 1 / temperature. */
static double tempered(const rig *r, uint32_t x, double temperature) {
    const uint32_t levels = ardm_order_levels(r->t.order);
    const uint16_t *level = ardm_order_level(r->t.order);
    double product = 1;
    for (uint32_t c = 0; c < r->network.stages * levels; c++) {
        uint8_t state[MOST_UNITS];
        for (uint32_t u = 0; u < r->t.n; u++) state[u] = level[u] < c % levels ? ARDM_DECIDED : ARDM_UNDECIDED;
        for (uint32_t u = 0; u < r->t.n; u++) {
            double p[MOST_SYMBOLS], sum = 0;
            if (level[u] != c % levels) continue;
            const uint32_t children = toy_network(&r->t, x, c / levels, state, u, p);
            for (uint32_t d = 0; d < children; d++) sum += pow(p[d], 1 / temperature);
            product *= pow(p[ardm_process_digit(r->t.process, c / levels, toy_symbol(&r->t, x, u), NULL)], 1 / temperature) / sum;
        }
    }
    return product;
}

static const struct tempered_form {
    rig_form form;
    double temperature, limit; /* one in a thousand, by degrees of freedom */
    int32_t confidence;        /* which changes nothing where a level is one unit */
} warm[] = {
    {{.k = 4, .process = "absorbing 4", .order = "raster"}, 1, 103},
    {{.k = 4, .process = "absorbing 4", .order = "raster"}, 2, 103},
    {{.k = 4, .process = "absorbing 4", .order = "raster"}, 0.5, 103},
    {{.k = 4, .process = "zero-least-significant 4 2", .order = "raster"}, 1.5, 103},
    {{.k = 4, .process = "absorbing 4", .order = "raster", .table = {.mixture = 1}}, 0.7, 103},
    {{.chain = 3, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", .block = 1, .table = {.high = 16}}, 2, 103},
    {{.k = 4, .process = "absorbing 4", .order = "raster"}, 0.5, 103, ARDM_CONFIDENCE_MARGIN},
    {{.k = 4, .process = "zero-least-significant 4 2", .order = "raster"}, 1.5, 103, ARDM_CONFIDENCE_ENTROPY},
};
enum { WARM = sizeof warm / sizeof *warm };

START_TEST(temperature_divides_the_logits) {
    static uint32_t x[SAMPLES], seen[MOST_STATES];
    ardm_device *device = NULL;
    ck_ok(ardm_device_open(&device, "reference"));
    for (int i = 0; i < WARM; i++) {
        rig r;
        double chi = 0, whole = 0;
        rig_open(&r, &warm[i].form, device);
        ardm_budget budget = rig_budget(&r, rig_most_calls(&r), NULL);
        const ardm_sampling sampling = {
            .budget = &budget, .seed = 77, .temperature = warm[i].temperature, .confidence = warm[i].confidence, .task = "toy"};
        rig_sample_by(&r, &sampling, NULL, 0, x, SAMPLES);
        memset(seen, 0, sizeof seen);
        for (uint32_t k = 0; k < SAMPLES; k++) seen[x[k]]++;
        for (uint32_t y = 0; y < r.t.states; y++) {
            const double want = SAMPLES * tempered(&r, y, warm[i].temperature);
            chi += (seen[y] - want) * (seen[y] - want) / want;
            whole += want;
        }
        ck_assert_double_eq_tol(whole, SAMPLES, 1e-6 * SAMPLES);
        ck_assert_msg(chi < warm[i].limit, "%s %s at %g: chi-square %g", warm[i].form.process, warm[i].form.order, warm[i].temperature, chi);
        ardm_schedule_free(&budget.schedule);
        rig_close(&r);
    }
    ardm_device_close(&device);
}
END_TEST

/* Cold enough, a chain stays where its given unit is, and the class mixture repeats whatever it drew first. */
static void cold_on(ardm_device *device) {
    static const rig_form chain = {.chain = 4, .k = 4, .process = "absorbing 4", .order = "raster"},
                          mixture = {.k = 4, .process = "absorbing 4", .order = "uniform"};
    static const uint8_t given[MOST_UNITS] = {ARDM_GIVEN};
    static uint32_t x[COMPARED];
    uint32_t seen[4] = {0};
    rig r;
    rig_open(&r, &chain, device);
    ardm_budget budget = rig_budget(&r, 4, NULL);
    ardm_sampling sampling = {.budget = &budget, .seed = 5, .temperature = 0.01, .task = "toy"};
    rig_sample_by(&r, &sampling, given, 2, x, COMPARED);
    for (int k = 0; k < COMPARED; k++) ck_assert_uint_eq(x[k], 2 * (1 + 4 + 16 + 64));
    ardm_schedule_free(&budget.schedule);
    rig_close(&r);
    rig_open(&r, &mixture, device);
    budget = rig_budget(&r, 3, NULL);
    rig_sample_by(&r, &sampling, NULL, 0, x, COMPARED);
    for (int k = 0; k < COMPARED; k++) {
        ck_assert_uint_eq(x[k] % (1 + 4 + 16), 0);
        seen[x[k] / (1 + 4 + 16)]++;
    }
    for (int z = 0; z < 4; z++) ck_assert_uint_gt(seen[z], COMPARED / 8);
    ardm_schedule_free(&budget.schedule);
    rig_close(&r);
}

START_TEST(cold_samples_are_the_mode) { each_device(cold_on); }
END_TEST

/* What a watcher saw of each item, call by call. */
enum { WATCHED = 20, MOST_CALLS = 16 };
typedef struct seen {
    size_t places;
    uint32_t calls, steps; /* calls of a batch; times called */
    int32_t symbols[MOST_CALLS][WATCHED * MOST_PLACES];
    uint8_t partition[MOST_CALLS][WATCHED * MOST_PLACES];
} seen;

static ardm_status look(void *user, const ardm_sample_step *step) {
    seen *s = user;
    ck_assert_uint_lt(step->call, step->calls);
    ck_assert_uint_le(step->calls, MOST_CALLS);
    ck_assert_uint_le(step->first + step->n, WATCHED);
    memcpy(s->symbols[step->call] + step->first * s->places, step->symbols, step->n * s->places * sizeof(int32_t));
    memcpy(s->partition[step->call] + step->first * s->places, step->partition, step->n * s->places);
    s->calls = step->calls;
    s->steps++;
    return ARDM_OK;
}

static void watched_on(ardm_device *device) {
    static const rig_form forms[] = {
        {.k = 4, .process = "absorbing 4", .order = "uniform"},
        {.k = 5, .process = "zero-least-significant 5 2", .order = "raster"},
        {.k = 6, .process = "zero-least-significant 6 4", .order = "uniform"},
        {.chain = 3, .k = 4, .process = "zero-least-significant 4 2", .order = "quincunx", .table = {.rank = 2, .extent = {8, 8}, .at = {62, 9, 18}}},
        {.chain = 4, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", .block = 2, .table = {.high = 16}}};
    static const uint8_t given[MOST_UNITS] = {ARDM_GIVEN};
    static int32_t symbols[WATCHED * MOST_PLACES];
    static uint8_t mask[WATCHED * MOST_PLACES];
    static seen s;
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        rig r;
        rig_open(&r, &forms[f], device);
        const size_t places = r.network.places;
        const uint32_t stages = r.network.stages, free = r.t.n - 1;
        ardm_budget budget = rig_budget(&r, rig_most_calls(&r), NULL);
        memset(&s, 0, sizeof s);
        s.places = places;
        const ardm_sampling sampling = {.budget = &budget, .seed = 9, .temperature = 1, .task = "toy", .watch = look, .user = &s};
        for (uint32_t i = 0; i < WATCHED; i++) table_item(&r.network, i, given, symbols + i * places, mask + i * places);
        ck_ok(ardm_sample(r.session, &sampling, &r.layout, symbols, mask, 0, WATCHED));
        ck_assert_uint_eq(s.calls, stages * free); /* a unit a call, and one unit is given */
        ck_assert_uint_eq(s.steps, 2 * s.calls);   /* two batches */
        for (uint32_t i = 0; i < WATCHED; i++)
            for (uint32_t c = 0; c < s.calls; c++) {
                uint32_t decided = 0;
                for (uint32_t u = 0; u < r.t.n; u++) {
                    const size_t at = i * places + r.network.form.at[u];
                    const uint32_t partition = s.partition[c][at];
                    ck_assert_uint_le(partition, stages);
                    ck_assert_uint_eq((uint32_t)s.symbols[c][at], ardm_process_class(r.t.process, partition, (uint32_t)symbols[at]));
                    if (u == 0) ck_assert_uint_eq(partition, stages);
                    if (u) decided += partition;
                }
                ck_assert_uint_eq(decided, c + 1);
            }
        ardm_schedule_free(&budget.schedule);
        rig_close(&r);
    }
}

START_TEST(watchers_see_what_each_call_decides) { each_device(watched_on); }
END_TEST

/* Drawn from a later stage, the rest follows p(x | x^(from), what is given). */
static const struct refined_form {
    rig_form form;
    uint32_t from, base; /* the x whose classes are known */
    uint8_t given[MOST_UNITS];
} refined[] = {
    {{.k = 5, .process = "zero-least-significant 5 2", .order = "uniform"}, 1, 2 + 5 * 1 + 25 * 3, {0}},
    {{.k = 5, .process = "zero-least-significant 5 2", .order = "uniform"}, 1, 2 + 5 * 4 + 25 * 3, {0}},
    {{.k = 5, .process = "zero-least-significant 5 2", .order = "raster"}, 2, 3 + 5 * 0 + 25 * 1, {0}},
    {{.k = 6, .process = "augment-least-significant 6 4", .order = "raster"}, 1, 1 + 6 * 5 + 36 * 3, {0}},
    {{.chain = 4, .k = 4, .process = "zero-least-significant 4 2", .order = "uniform"}, 1, 2 + 4 * 3 + 16 * 0 + 64 * 3, {0}},
    {{.chain = 4, .k = 4, .process = "zero-least-significant 4 2", .order = "dyadic"}, 1, 2 + 4 * 3 + 16 * 0 + 64 * 3, {0, ARDM_GIVEN}},
};
enum { REFINED = sizeof refined / sizeof *refined };
static uint32_t first_refined[REFINED][COMPARED];

/* What the base shows of y is what it shows of itself. */
static int32_t shows_same(const rig *r, const struct refined_form *f, uint32_t y, uint32_t x) {
    for (uint32_t u = 0; u < r->t.n; u++) {
        const uint32_t stages = r->network.stages, partition = f->given[u] == ARDM_GIVEN ? stages : f->from;
        if (ardm_process_class(r->t.process, partition, toy_symbol(&r->t, y, u)) !=
            ardm_process_class(r->t.process, partition, toy_symbol(&r->t, x, u)))
            return 0;
    }
    return 1;
}

static void draw_refined(rig *r, const struct refined_form *f, uint32_t *x, uint32_t count) {
    ardm_budget budget = rig_budget(r, rig_most_calls(r), NULL);
    const ardm_sampling sampling = {.budget = &budget, .seed = 31, .temperature = 1, .from = f->from, .task = "toy"};
    rig_sample_by(r, &sampling, f->given, f->base, x, count);
    ardm_schedule_free(&budget.schedule);
}

START_TEST(refinements_follow_the_conditional) {
    static uint32_t x[SAMPLES], counts[MOST_STATES];
    ardm_device *device = NULL;
    ck_ok(ardm_device_open(&device, "reference"));
    for (int i = 0; i < REFINED; i++) {
        rig r;
        double chi = 0, whole = 0;
        uint32_t possible = 0, found = 0;
        rig_open(&r, &refined[i].form, device);
        draw_refined(&r, &refined[i], x, SAMPLES);
        memcpy(first_refined[i], x, sizeof first_refined[i]);
        memset(counts, 0, sizeof counts);
        for (uint32_t k = 0; k < SAMPLES; k++) counts[x[k]]++;
        for (uint32_t y = 0; y < r.t.states; y++) whole += shows_same(&r, &refined[i], y, refined[i].base) ? r.t.p[y] : 0;
        for (uint32_t y = 0; y < r.t.states; y++) {
            if (!shows_same(&r, &refined[i], y, refined[i].base)) continue;
            const double want = SAMPLES * r.t.p[y] / whole;
            chi += (counts[y] - want) * (counts[y] - want) / want;
            found += counts[y];
            possible++;
        }
        ck_assert_uint_eq(found, SAMPLES); /* what is known stays */
        ck_assert_uint_gt(possible, 2);
        const double d = possible - 1, root = 1 - 2 / (9 * d) + 3.09 * sqrt(2 / (9 * d)); /* Wilson and Hilferty: one in a thousand */
        ck_assert_msg(chi < d * root * root * root, "%s %s, refinement %d: chi-square %g of %g degrees", refined[i].form.process,
                      refined[i].form.order, i, chi, d);
        rig_close(&r);
    }
    ardm_device_close(&device);
}
END_TEST

static void refined_on(ardm_device *device) {
    static uint32_t x[COMPARED];
    for (int i = 0; i < REFINED; i++) {
        rig r;
        rig_open(&r, &refined[i].form, device);
        draw_refined(&r, &refined[i], x, COMPARED);
        ck_assert_mem_eq(x, first_refined[i], sizeof x);
        ardm_budget budget = rig_budget(&r, rig_most_calls(&r), NULL);
        for (uint32_t z = 0; z < r.t.states; z += 7) { /* its price is −log2 of its share among what shows the same */
            int32_t symbols[MOST_PLACES];
            uint8_t mask[MOST_PLACES];
            double bits, same, whole = 0;
            table_item(&r.network, z, refined[i].given, symbols, mask);
            ck_ok(ardm_scheduled_cost_from(&bits, r.session, &budget, 3, refined[i].from, &r.layout, symbols, mask, 5 + z, 1));
            for (uint32_t y = 0; y < r.t.states; y++) whole += shows_same(&r, &refined[i], y, z) ? r.t.p[y] : 0;
            ck_assert_double_eq_tol(bits, log2(whole / r.t.p[z]), 1e-5);
            ck_ok(ardm_scheduled_cost_from(&bits, r.session, &budget, 3, 0, &r.layout, symbols, mask, 5 + z, 1));
            ck_ok(ardm_scheduled_cost(&same, r.session, &budget, 3, &r.layout, symbols, mask, 5 + z, 1));
            ck_assert(bits == same);
            ck_fails(ARDM_EINVAL, "is none to begin with",
                     ardm_scheduled_cost_from(&bits, r.session, &budget, 3, r.network.stages, &r.layout, symbols, mask, 5, 1));
        }
        ardm_schedule_free(&budget.schedule);
        rig_close(&r);
    }
}

START_TEST(refinements_cost_their_share) { each_device(refined_on); }
END_TEST

/* ---- confidence ---- */

static double confidence_of(const double *p, uint32_t n, int32_t kind) {
    double best = 0, next = 0, sum = 0;
    for (uint32_t d = 0; d < n; d++) {
        sum += p[d] * log(p[d]);
        if (p[d] > best)
            next = best, best = p[d];
        else
            next = fmax(next, p[d]);
    }
    return kind == ARDM_CONFIDENCE_PROBABILITY ? best : kind == ARDM_CONFIDENCE_MARGIN ? best - next : sum;
}

/* The probability of drawing y, call by call: the units of a cell that the exact network is surest of, drawn apart. chosen: by call, a bit a unit. */
static double path_law(const rig *r, const uint8_t *given, const uint32_t *counts, uint32_t calls, int32_t kind, uint32_t y, uint32_t *chosen) {
    const uint16_t *level = ardm_order_level(r->t.order);
    uint32_t stage = 0;
    uint8_t state[MOST_UNITS] = {0};
    double product = 1;
    for (uint32_t u = 0; u < r->t.n; u++) state[u] = given[u] == ARDM_GIVEN ? ARDM_GIVEN : ARDM_UNDECIDED;
    for (uint32_t c = 0; c < calls; c++) {
        uint32_t cell = UINT32_MAX;
        double sure[MOST_UNITS], share[MOST_UNITS];
        for (int32_t pass = 0; pass < 2 && cell == UINT32_MAX; pass++) {
            for (uint32_t u = 0; u < r->t.n; u++)
                if (state[u] == ARDM_UNDECIDED && level[u] < cell) cell = level[u];
            if (cell != UINT32_MAX) break;
            stage++;
            for (uint32_t u = 0; u < r->t.n; u++)
                if (state[u] == ARDM_DECIDED) state[u] = ARDM_UNDECIDED;
        }
        for (uint32_t u = 0; u < r->t.n; u++) {
            double p[MOST_SYMBOLS];
            sure[u] = -INFINITY;
            if (state[u] != ARDM_UNDECIDED || level[u] != cell) continue;
            sure[u] = confidence_of(p, toy_network(&r->t, y, stage, state, u, p), kind);
            share[u] = p[ardm_process_digit(r->t.process, stage, toy_symbol(&r->t, y, u), NULL)];
        }
        chosen[c] = 0;
        for (uint32_t k = 0; k < counts[c]; k++) {
            uint32_t best = 0;
            for (uint32_t u = 1; u < r->t.n; u++)
                if (sure[u] > sure[best] + 1e-9) best = u; /* of equals the first */
            ck_assert(sure[best] > -INFINITY);
            chosen[c] |= 1u << best;
            product *= share[best];
            sure[best] = -INFINITY;
        }
        for (uint32_t u = 0; u < MOST_UNITS; u++)
            if (chosen[c] >> u & 1) state[u] = ARDM_DECIDED;
    }
    return product;
}

static const struct confident_form {
    rig_form form;
    uint32_t calls; /* of the whole item, nothing given; 0: one a unit */
    uint8_t given[MOST_UNITS];
    uint32_t base;
    int32_t differs; /* from what the order alone would draw */
} confident[] = {
    {{.k = 4, .process = "absorbing 4", .order = "uniform"}, 2, {0}, 0, 0},
    {{.chain = 5, .k = 4, .process = "absorbing 4", .order = "uniform"}, 2, {0, 0, ARDM_GIVEN}, 16 * 1, 1},
    {{.chain = 5, .k = 4, .process = "absorbing 4", .order = "uniform"}, 3, {0, 0, 0, ARDM_GIVEN}, 64 * 2, 1},
    {{.chain = 4, .k = 4, .process = "absorbing 4", .order = "uniform"}, 0, {0}, 0, 0},
    {{.chain = 4, .k = 4, .process = "zero-least-significant 4 2", .order = "uniform"}, 5, {0, ARDM_GIVEN}, 4 * 3, 1},
    {{.k = 5, .process = "zero-least-significant 5 2", .order = "uniform"}, 6, {0}, 0, 0},
    {{.k = 6, .process = "zero-least-significant 6 4", .order = "uniform"}, 0, {0}, 0, 1}, /* 2 or 4 children: margins tie, probabilities do not */
    {{.chain = 5, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", .block = 4, .table = {.high = 16}}, 4, {ARDM_GIVEN}, 3, 1},
};
enum { CONFIDENT = sizeof confident / sizeof *confident };
static uint32_t first_confident[CONFIDENT][3][COMPARED];

/* Units that each call decided of an item, a bit a unit. */
static void decided_sets(const rig *r, const seen *s, const uint8_t *given, uint32_t item, uint32_t *sets) {
    for (uint32_t c = 0; c < s->calls; c++) {
        sets[c] = 0;
        for (uint32_t u = 0; u < r->t.n; u++) {
            const size_t at = item * s->places + r->network.form.at[u];
            const uint32_t before = c ? s->partition[c - 1][at] : given[u] == ARDM_GIVEN ? r->network.stages : 0;
            if (s->partition[c][at] != before) sets[c] |= 1u << u;
        }
    }
}

static void watch_confident(rig *r, const struct confident_form *f, const ardm_budget *budget, int32_t kind, seen *s, uint32_t *x) {
    const ardm_sampling sampling = {.budget = budget, .seed = 31, .temperature = 1, .confidence = kind, .task = "toy", .watch = look, .user = s};
    memset(s, 0, sizeof *s);
    s->places = r->network.places;
    rig_sample_by(r, &sampling, f->given, f->base, x, WATCHED);
}

static uint32_t bits_of(uint32_t set) {
    uint32_t n = 0;
    for (; set; set &= set - 1) n++;
    return n;
}

/* first: laws too, and what other devices are compared with. */
static void confident_by(ardm_device *device, int32_t first) {
    static uint32_t x[SAMPLES], seen_of[MOST_STATES];
    static seen s;
    for (int i = 0; i < CONFIDENT; i++) {
        const struct confident_form *f = &confident[i];
        rig r;
        rig_open(&r, &f->form, device);
        ardm_budget budget = rig_budget(&r, f->calls ? f->calls : rig_most_calls(&r), NULL);
        for (int32_t kind = 1; kind <= 3; kind++) {
            uint32_t counts[MOST_CALLS], sets[MOST_CALLS], chosen[MOST_CALLS], unlike = 0, possible = 0;
            watch_confident(&r, f, &budget, 0, &s, x); /* the order's own choice */
            for (uint32_t k = 0; k < WATCHED; k++) {
                decided_sets(&r, &s, f->given, k, sets);
                for (uint32_t c = 0; c < s.calls; c++) counts[c] = bits_of(sets[c]);
                path_law(&r, f->given, counts, s.calls, kind, x[k], chosen);
                for (uint32_t c = 0; c < s.calls; c++) unlike += sets[c] != chosen[c];
            }
            if (f->differs) ck_assert_uint_gt(unlike, WATCHED / 2);
            watch_confident(&r, f, &budget, kind, &s, x);
            for (uint32_t k = 0; k < WATCHED; k++) {
                path_law(&r, f->given, counts, s.calls, kind, x[k], chosen);
                decided_sets(&r, &s, f->given, k, sets);
                for (uint32_t c = 0; c < s.calls; c++)
                    ck_assert_msg(sets[c] == chosen[c], "%s %s, form %d, confidence %d, sample %u: call %u decides %x, surest are %x",
                                  f->form.process, f->form.order, i, kind, k, c, sets[c], chosen[c]);
            }
            const ardm_sampling sampling = {.budget = &budget, .seed = 31, .temperature = 1, .confidence = kind, .task = "toy"};
            rig_sample_by(&r, &sampling, f->given, f->base, x, first ? SAMPLES : COMPARED);
            if (!first) {
                ck_assert_mem_eq(x, first_confident[i][kind - 1], COMPARED * sizeof *x);
                continue;
            }
            memcpy(first_confident[i][kind - 1], x, COMPARED * sizeof *x);
            double chi = 0, whole = 0;
            memset(seen_of, 0, sizeof seen_of);
            for (uint32_t k = 0; k < SAMPLES; k++) seen_of[x[k]]++;
            for (uint32_t y = 0; y < r.t.states; y++) {
                int32_t shows = 1;
                for (uint32_t u = 0; u < r.t.n; u++) shows &= f->given[u] != ARDM_GIVEN || toy_symbol(&r.t, y, u) == toy_symbol(&r.t, f->base, u);
                if (!shows) continue;
                const double law = path_law(&r, f->given, counts, s.calls, kind, y, chosen), want = SAMPLES * law;
                chi += (seen_of[y] - want) * (seen_of[y] - want) / want;
                whole += law;
                possible++;
                if (!f->calls) ck_assert_double_eq_tol(law, exp2(-rig_exact_bits(&r, y, f->given)), 1e-12); /* any order, a unit a call */
            }
            const double d = possible - 1, root = 1 - 2 / (9 * d) + 3.09 * sqrt(2 / (9 * d));
            ck_assert_double_eq_tol(whole, 1, 1e-9);
            ck_assert_msg(chi < d * root * root * root, "form %d, confidence %d: chi-square %g of %g degrees", i, kind, chi, d);
        }
        ardm_schedule_free(&budget.schedule);
        rig_close(&r);
    }
}

static void confident_on(ardm_device *device) { confident_by(device, 0); }

START_TEST(confident_samples_are_of_the_surest_units) {
    ardm_device *device = NULL;
    ck_ok(ardm_device_open(&device, "reference"));
    confident_by(device, 1);
    ardm_device_close(&device);
    each_device(confident_on);
}
END_TEST

/* Where a call decides a whole cell there is nothing to choose: bit for bit what is drawn without. */
static void whole_cells_on(ardm_device *device) {
    static const rig_form forms[] = {{.chain = 5, .k = 4, .process = "absorbing 4", .order = "uniform"},
                                     {.chain = 4, .k = 4, .process = "zero-least-significant 4 2", .order = "dyadic"},
                                     {.k = 6, .process = "augment-least-significant 6 4", .order = "raster"},
                                     {.chain = 5, .k = 4, .process = "absorbing 4", .order = "blocks:1-16", .block = 2, .table = {.high = 16}}};
    static uint32_t plain[COMPARED], x[COMPARED];
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        static const uint8_t given[MOST_UNITS] = {ARDM_GIVEN};
        rig r;
        rig_open(&r, &forms[i], device);
        ardm_budget budget = rig_budget(&r, r.cells, NULL);
        ardm_sampling sampling = {.budget = &budget, .seed = 8, .temperature = 1, .task = "toy"};
        rig_sample_by(&r, &sampling, given, 1, plain, COMPARED);
        for (sampling.confidence = 1; sampling.confidence <= 3; sampling.confidence++) {
            rig_sample_by(&r, &sampling, given, 1, x, COMPARED);
            ck_assert_mem_eq(x, plain, sizeof x);
        }
        ardm_schedule_free(&budget.schedule);
        rig_close(&r);
    }
}

START_TEST(confidence_changes_no_whole_cell) { each_device(whole_cells_on); }
END_TEST

TCase *sampling_cases(void) {
    TCase *cases = tcase_create("sampling");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, temperature_divides_the_logits);
    tcase_add_test(cases, cold_samples_are_the_mode);
    tcase_add_test(cases, watchers_see_what_each_call_decides);
    tcase_add_test(cases, refinements_follow_the_conditional);
    tcase_add_test(cases, refinements_cost_their_share);
    tcase_add_test(cases, confident_samples_are_of_the_surest_units);
    tcase_add_test(cases, confidence_changes_no_whole_cell);
    return cases;
}
