/* host_toy.c: toy models small enough to enumerate. The network is a table of exact conditionals; processes, orders, states,
 * schedules, frequencies and the coder are the real ones. */
#include <math.h>
#include <stdlib.h>

#include "ardm/diffusion.h"
#include "ardm/frequency.h"
#include "ardm/philox.h"
#include "ardm/rans.h"
#include "ardm/schedule.h"
#include "host.h"
#include "support/toy.h"

static double sum(const double *x, uint32_t n) {
    double s = 0;
    for (uint32_t i = 0; i < n; i++) s += x[i];
    return s;
}

static double best_cost(const double *loss, const uint32_t *units, uint32_t cells, uint32_t budget) {
    ardm_schedule *s = NULL;
    double copy[64];
    uint32_t total = 0;
    for (uint32_t c = 0; c < cells; c++)
        for (uint32_t n = 0; n < units[c]; n++, total++) copy[total] = n ? fmin(loss[total], copy[total - 1]) : loss[total]; /* rounding */
    ck_ok(ardm_schedule_optimal(&s, copy, units, cells, budget));
    ck_assert_uint_eq(ardm_schedule_calls(s), budget);
    const double cost = ardm_schedule_predict(s, loss);
    ardm_schedule_free(&s);
    return cost;
}

START_TEST(class_mixture) {
    toy t;
    double loss[8];
    uint32_t units[4];
    toy_mixture(&t, 4, "absorbing 4");
    ck_assert_uint_eq(toy_losses(&t, loss, units), 1);
    static const double want[3] = {2, 1.880240814944147, 1.807259185055853}, costs[3] = {6, 5.760481629888294, 5.6875};
    for (int n = 0; n < 3; n++) {
        ck_assert_double_eq_tol(loss[n], want[n], 1e-9);
        ck_assert_double_eq_tol(best_cost(loss, units, 1, (uint32_t)n + 1), costs[n], 1e-9);
    }
    ck_assert_double_eq_tol(toy_entropy(&t), 91.0 / 16, 1e-12);
    ck_assert_double_eq_tol(sum(loss, 3), 91.0 / 16, 1e-9);
    toy_close(&t);
}
END_TEST

/* Absorbing diffusion in T steps by its definition: step t decides 1/t of what m undecided units are left, binomial by products. */
static double diffusion(const double *loss, uint32_t n, uint32_t steps) {
    double bits = 0;
    for (uint32_t t = 1; t <= steps; t++)
        for (uint32_t m = 1; m <= n; m++) {
            double p = 1;
            for (uint32_t i = 0; i < m; i++) p *= (double)(n - i) / (i + 1) * t / steps;
            for (uint32_t i = 0; i < n - m; i++) p *= 1 - (double)t / steps;
            bits += p * m * loss[n - m] / t;
        }
    return bits;
}

START_TEST(absorbing_diffusion_in_steps) {
    static const struct {
        uint32_t steps;
        double bits;
    } want[] = {{1, 6}, {2, 5.837902805604055}, {3, 5.786469160536939}, {10, 5.716645010017461}, {100, 5.690393451101921}};
    toy t;
    double loss[40];
    uint32_t units[4];
    toy_mixture(&t, 4, "absorbing 4");
    toy_losses(&t, loss, units);
    for (int i = 0; i < 5; i++) ck_assert_double_eq_tol(ardm_diffusion_bits(loss, 3, want[i].steps), want[i].bits, 1e-9);
    ck_assert_double_eq_tol(1e5 * (ardm_diffusion_bits(loss, 3, 100000) - 91.0 / 16), 1.5 * (loss[0] - loss[2]), 1e-4);
    toy_close(&t);
    double sums = 0;
    for (int n = 0; n < 40; n++) loss[n] = 8.0 / (1 + n);
    for (uint32_t steps = 1; steps < 60; steps += 7) ck_assert_double_eq_tol(ardm_diffusion_bits(loss, 40, steps), diffusion(loss, 40, steps), 1e-8);
    static double large[3072];
    for (int n = 0; n < 3072; n++) sums += large[n] = 2 + 6.0 / (1 + n / 50.0);
    const double bits = ardm_diffusion_bits(large, 3072, 1000);
    ck_assert(bits > sums && bits < 3072 * large[0]);
    ck_assert_double_eq_tol(ardm_diffusion_calls(256, 1000), 226, 0.5);
    ck_assert_double_eq(ardm_diffusion_calls(5, 1), 1);
}
END_TEST

START_TEST(class_mixture_in_stages) {
    toy t;
    double loss[16];
    uint32_t units[8];
    toy_mixture(&t, 4, "zero-least-significant 4 2");
    ck_assert_uint_eq(toy_losses(&t, loss, units), 2);
    static const double want[6] = {1, 0.954434002924965, 0.925806812019178, 1, 0.924795717633118, 0.882463467422734};
    for (int i = 0; i < 6; i++) ck_assert_double_eq_tol(loss[i], want[i], 1e-9);
    ck_assert_double_eq_tol(sum(loss, 6), 5.6875, 1e-9);
    toy_close(&t);

    toy_mixture(&t, 5, "zero-least-significant 5 2");
    ck_assert_uint_eq(toy_losses(&t, loss, units), 3);
    static const double stages[3] = {2.036205423515533, 2.258717823021489, 2.184949503043688};
    for (int s = 0; s < 3; s++) ck_assert_double_eq_tol(sum(loss + 3 * s, 3), stages[s], 1e-9);
    ck_assert_double_eq_tol(sum(loss, 9), 6.479872749580699, 1e-9);
    ck_assert_double_eq_tol(toy_entropy(&t), 6.479872749580699, 1e-9);
    toy_close(&t);

    toy_mixture(&t, 6, "zero-least-significant 6 4");
    ck_assert_uint_eq(toy_losses(&t, loss, units), 2);
    ck_assert_double_eq_tol(sum(loss, 3), 2.589160528403288, 1e-9);
    ck_assert_double_eq_tol(sum(loss + 3, 3), 4.520140023967880, 1e-9);
    ck_assert_double_eq_tol(toy_entropy(&t), 2.589160528403288 + 4.520140023967880, 1e-9);
    toy_close(&t);
}
END_TEST

/* All ways to cut n units into k blocks. */
static double cheapest(const double *loss, uint32_t from, uint32_t n, uint32_t k) {
    double best = INFINITY;
    if (k == 1) return (n - from) * loss[from];
    for (uint32_t next = from + 1; next + k - 1 <= n; next++) best = fmin(best, (next - from) * loss[from] + cheapest(loss, next, n, k - 1));
    return best;
}

START_TEST(three_ways_to_spend_calls) {
    toy t;
    double loss[16];
    uint32_t units[8];
    toy_mixture(&t, 5, "zero-least-significant 5 2");
    ck_assert_uint_eq(toy_losses(&t, loss, units), 3);
    for (int i = 0; i < 9; i++) /* rounding */
        if (i % 3) loss[i] = fmin(loss[i], loss[i - 1]);
    for (uint32_t budget = 3; budget <= 9; budget++) {
        double best = INFINITY, equal = 0, uniform = 0;
        ardm_schedule *s[3] = {NULL};
        for (uint32_t a = 1; a <= 3; a++)
            for (uint32_t b = 1; b <= 3; b++)
                for (uint32_t c = 1; c <= 3; c++)
                    if (a + b + c == budget) best = fmin(best, cheapest(loss, 0, 3, a) + cheapest(loss + 3, 0, 3, b) + cheapest(loss + 6, 0, 3, c));
        for (uint32_t k = 0; k < 3; k++) {
            const uint32_t steps = budget / 3 + (k < budget % 3);
            equal += cheapest(loss + 3 * k, 0, 3, steps);
            for (uint32_t j = 0; j < steps; j++) { /* stages of equal size take their share of uniform steps alike */
                const uint32_t from = (uint32_t)rint(3.0 * j / steps), to = (uint32_t)rint(3.0 * (j + 1) / steps);
                uniform += (to - from) * loss[3 * k + from];
            }
        }
        ck_ok(ardm_schedule_optimal(&s[0], loss, units, 3, budget));
        ck_ok(ardm_schedule_equal(&s[1], loss, units, 3, budget));
        ck_ok(ardm_schedule_naive(&s[2], units, 3, budget));
        ck_assert_double_eq_tol(ardm_schedule_predict(s[0], loss), best, 1e-12);
        ck_assert_double_eq_tol(ardm_schedule_predict(s[1], loss), equal, 1e-12);
        ck_assert_double_eq_tol(ardm_schedule_predict(s[2], loss), uniform, 1e-12);
        if (budget == 9) ck_assert_double_eq_tol(equal, 6.479872749580699, 1e-9);
        for (int k = 0; k < 3; k++) ardm_schedule_free(&s[k]);
    }
    toy_close(&t);
}
END_TEST

START_TEST(markov_chain_of_four_symbols) {
    static const double step[4] = {0.5, 0.375, 0.0625, 0.0625};
    toy t;
    double loss[32];
    uint32_t units[8];
    toy_chain(&t, 5, 4, step);
    ck_assert_double_eq_tol(toy_entropy(&t), 8.1225563, 1e-7);
    toy_losses(&t, loss, units);
    ck_assert_double_eq_tol(sum(loss, 5), toy_entropy(&t), 1e-9);
    ck_assert_double_eq_tol(best_cost(loss, units, 1, 1), 10, 1e-9); /* one call: the marginals, two bits each */
    for (int n = 1; n < 5; n++) ck_assert(loss[n] <= loss[n - 1] + 1e-12);
    const uint16_t raster[5] = {0, 1, 2, 3, 4}, blocks[5] = {0, 0, 0, 1, 1};
    toy_levels(&t, raster);
    ck_assert_uint_eq(toy_losses(&t, loss, units), 5);
    ck_assert_double_eq_tol(sum(loss, 5), toy_entropy(&t), 1e-9);
    ck_assert_double_eq_tol(loss[0], 2, 1e-12);
    for (int n = 2; n < 5; n++) ck_assert_double_eq_tol(loss[n], loss[1], 1e-12); /* only the neighbour matters */
    toy_levels(&t, blocks);
    toy_losses(&t, loss, units);
    ck_assert_double_eq_tol(sum(loss, 5), toy_entropy(&t), 1e-9);
    toy_close(&t);
}
END_TEST

START_TEST(given_units_condition_exactly) {
    static const double step[4] = {0.5, 0.375, 0.0625, 0.0625};
    toy t;
    double loss[32];
    uint32_t units[8];
    toy_chain(&t, 5, 4, step);
    /* H(everything | units 1 and 4) by message passing: chains between the given ones, entropy of the given pair taken off. */
    double pair = 0;
    for (uint32_t d = 0; d < 4; d++) {
        double p = 0; /* three steps from unit 1 to unit 4 */
        for (uint32_t a = 0; a < 4; a++)
            for (uint32_t b = 0; b < 4; b++) p += step[a] * step[b] * step[(d + 8 - a - b) % 4];
        pair -= p * log2(p);
    }
    t.mask[1] = t.mask[4] = ARDM_GIVEN;
    toy_losses(&t, loss, units);
    ck_assert_uint_eq(units[0], 3);
    ck_assert_double_eq_tol(sum(loss, 3), toy_entropy(&t) - (2 + pair), 1e-9);
    toy_close(&t);
    /* In stages a given unit shows its full value from the first stage on. */
    toy_mixture(&t, 4, "zero-least-significant 4 2");
    t.mask[2] = ARDM_GIVEN;
    toy_losses(&t, loss, units);
    ck_assert_double_eq_tol(sum(loss, 4), 91.0 / 16 - 2, 1e-9);
    toy_close(&t);
}
END_TEST

START_TEST(structured_levels_cost_less) {
    static const double flip[2] = {0.9, 0.1};
    toy t;
    double loss[16];
    uint32_t units[8];
    toy_chain(&t, 3, 2, flip);
    const uint16_t raster[3] = {0, 1, 2}, pair[3] = {0, 1, 1};
    toy_levels(&t, raster);
    toy_losses(&t, loss, units);
    ck_assert_double_eq_tol(2 * loss[1], 0.93799, 1e-5); /* what the identity would predict for the last two in one call */
    toy_levels(&t, pair);
    toy_losses(&t, loss, units);
    ck_assert_double_eq_tol(2 * loss[1], 1.14907, 1e-5); /* what they cost */
    toy_close(&t);
    toy_chain(&t, 5, 2, flip);
    ck_assert_double_eq_tol(toy_entropy(&t), 2.87598, 1e-5);
    uint32_t cells = toy_losses(&t, loss, units);
    ck_assert_double_eq_tol(best_cost(loss, units, cells, 3), 3.08390, 1e-5);
    ck_assert_double_eq_tol(best_cost(loss, units, cells, 4), 2.93610, 1e-5);
    const uint16_t levels[5] = {0, 2, 1, 2, 0};
    toy_levels(&t, levels);
    cells = toy_losses(&t, loss, units);
    ck_assert_uint_eq(cells, 3);
    ck_assert_double_eq_tol(best_cost(loss, units, cells, 3), 3.00064, 1e-5);
    ck_assert_double_eq_tol(best_cost(loss, units, cells, 4), toy_entropy(&t), 1e-9);
    toy_close(&t);
}
END_TEST

/* One row of frequencies for the digit of a unit. */
static uint32_t row(const toy *t, uint32_t x, uint32_t stage, const uint8_t *state, uint32_t unit, uint32_t *f) {
    double p[6];
    float z[6];
    const uint32_t children = toy_network(t, x, stage, state, unit, p);
    for (uint32_t d = 0; d < children; d++) z[d] = (float)log(p[d] > 1e-30 ? p[d] : 1e-30);
    ardm_frequency_row(z, children, f);
    return children;
}

/* Walks an item in coding order: for every block its states and its units by rank. visit returns x, which a decoder extends. */
typedef uint32_t (*visitor)(void *user, const toy *t, uint32_t x, uint32_t stage, const uint8_t *state, uint32_t unit);
static uint32_t walk(const toy *t, const ardm_schedule *s, uint64_t seed, uint64_t item, uint32_t x, visitor visit, void *user) {
    const uint32_t levels = ardm_order_levels(t->order);
    for (uint32_t c = 0; c < ardm_schedule_cells(s); c++) {
        int32_t place[MOST_UNITS];
        uint32_t counts[MOST_UNITS], steps = 0, before = 0;
        uint8_t state[MOST_UNITS];
        ck_ok(ardm_order_place(t->order, t->mask, seed, c / levels, item, place, counts));
        for (uint32_t l = 0; l < c % levels; l++) before += counts[l];
        const uint32_t *step = ardm_schedule_steps(s, c, &steps);
        for (uint32_t j = 0; j < steps; j++) {
            const uint32_t end = j + 1 < steps ? step[j + 1] : counts[c % levels], old = x;
            ardm_order_states(t->order, place, counts, c % levels, step[j], state);
            for (uint32_t r = before + step[j]; r < before + end; r++)
                for (uint32_t u = 0; u < t->n; u++)
                    if (place[u] == (int32_t)r) {
                        const uint32_t y = visit(user, t, old, c / levels, state, u); /* one call: nobody sees the block's own units */
                        for (uint32_t v = 0, power = 1; v < t->n; v++, power *= t->k)
                            if (v == u) x += (toy_symbol(t, y, u) - toy_symbol(t, x, u)) * power;
                    }
        }
    }
    return x;
}

typedef struct pairs {
    uint32_t (*list)[2];
    size_t count;
    double bits;
    ardm_rans_decoder decoder;
    uint64_t seed, item;
    uint32_t uses;
} pairs;

static uint32_t note(void *user, const toy *t, uint32_t x, uint32_t stage, const uint8_t *state, uint32_t unit) {
    pairs *p = user;
    uint32_t f[6], children = row(t, x, stage, state, unit, f), *pair = p->list[p->count];
    ardm_frequency_interval(f, children, (int32_t)ardm_process_digit(t->process, stage, toy_symbol(t, x, unit), NULL), pair);
    if (children > 1) {
        p->count++;
        p->bits += 24 - log2(pair[1]);
    }
    return x;
}

static uint32_t extend(const toy *t, uint32_t x, uint32_t stage, uint32_t unit, uint32_t digit) {
    uint32_t power = 1;
    for (uint32_t v = 0; v < unit; v++) power *= t->k;
    return x + (ardm_process_child(t->process, stage, toy_symbol(t, x, unit), digit) - toy_symbol(t, x, unit)) * power;
}

static uint32_t decode(void *user, const toy *t, uint32_t x, uint32_t stage, const uint8_t *state, uint32_t unit) {
    pairs *p = user;
    uint32_t f[6], interval[2], children = row(t, x, stage, state, unit, f);
    if (children < 2) return x;
    const int32_t digit = ardm_frequency_find(f, children, ardm_rans_slot(&p->decoder));
    ck_assert_int_ge(digit, 0);
    ardm_frequency_interval(f, children, digit, interval);
    ck_ok(ardm_rans_take(&p->decoder, interval[0], interval[1]));
    return extend(t, x, stage, unit, (uint32_t)digit);
}

static uint32_t sample(void *user, const toy *t, uint32_t x, uint32_t stage, const uint8_t *state, uint32_t unit) {
    pairs *p = user;
    uint32_t f[6], children = row(t, x, stage, state, unit, f);
    if (children < 2) return x;
    const uint32_t slot = ardm_random_word(p->seed, ARDM_RANDOM_SAMPLE, 4 * stage, p->item, unit) >> 8;
    return extend(t, x, stage, unit, (uint32_t)ardm_frequency_find(f, children, slot));
}

static uint32_t draw_state(const toy *t, uint64_t *random) {
    double u = next_uniform(random);
    for (uint32_t x = 0; x < t->states; x++)
        if ((u -= t->p[x]) < 0) return x;
    return t->states - 1;
}

static void code_items(toy *t, uint32_t budget) {
    enum { ITEMS = 400 };
    double loss[32], squares = 0, total = 0;
    uint32_t units[16], cells = toy_losses(t, loss, units);
    for (uint32_t c = 0, at = 0; c < cells; c++)
        for (uint32_t n = 0; n < units[c]; n++, at++)
            if (n) loss[at] = fmin(loss[at], loss[at - 1]);
    ardm_schedule *s = NULL;
    ck_ok(ardm_schedule_optimal(&s, loss, units, cells, budget));
    static uint32_t list[ITEMS * 5 * 3][2];
    static uint32_t x[ITEMS];
    pairs p = {list, 0, 0, {0}, 0, 0, 0};
    uint64_t random = 31 + budget;
    for (uint32_t i = 0; i < ITEMS; i++) {
        const double before = p.bits;
        x[i] = draw_state(t, &random);
        walk(t, s, 9, i, x[i], note, &p);
        total += p.bits - before;
        squares += (p.bits - before) * (p.bits - before);
    }
    /* Code length: within four standard errors of what the schedule predicts. */
    const double mean = total / ITEMS, error = sqrt(fmax(0, squares / ITEMS - mean * mean) / ITEMS);
    ck_assert_msg(fabs(mean - ardm_schedule_predict(s, loss)) < 4 * error + 1e-4, "%g bits an item, %g predicted, error %g", mean,
                  ardm_schedule_predict(s, loss), error);
    ardm_rans_encoder e;
    ardm_rans_begin(&e, 0xabcdef01u);
    ck_ok(ardm_rans_add(&e, (const uint32_t(*)[2])list, p.count));
    ardm_rans_finish(&e);
    const double over = 48 + 16.0 * (double)e.count - p.bits;
    ck_assert_msg(over >= 32 - 0x1p-11 * (double)p.count - 17 && over <= 49 + 0x1p-11 * (double)p.count, "%g bits over", over);
    ck_ok(ardm_rans_open(&p.decoder, e.state, e.words, 2 * e.count));
    for (uint32_t i = 0; i < ITEMS; i++) ck_assert_uint_eq(walk(t, s, 9, i, 0, decode, &p), x[i]);
    ck_ok(ardm_rans_close(&p.decoder, 0xabcdef01u));
    ardm_rans_free(&e);
    ardm_schedule_free(&s);
}

START_TEST(coded_items_come_back_at_the_predicted_size) {
    static const struct {
        uint32_t k;
        const char *process;
        uint32_t budgets[3];
    } rows[] = {{4, "absorbing 4", {1, 2, 3}},
                {4, "zero-least-significant 4 2", {2, 4, 6}},
                {5, "zero-least-significant 5 2", {3, 5, 9}},
                {6, "zero-least-significant 6 4", {2, 3, 6}},
                {6, "augment-least-significant 6 2", {3, 4, 9}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int b = 0; b < 3; b++) {
            toy t;
            toy_mixture(&t, rows[i].k, rows[i].process);
            code_items(&t, rows[i].budgets[b]);
            toy_close(&t);
        }
}
END_TEST

/* 64,000 samples against `want`: chi-square with 63 degrees of freedom. */
static double chi_square(const toy *t, uint32_t budget, const double *want) {
    enum { SAMPLES = 64000 };
    double loss[16], seen[64] = {0}, chi = 0;
    uint32_t units[8], cells = toy_losses(t, loss, units);
    ardm_schedule *s = NULL;
    for (uint32_t i = 1; i < cells * 3; i++)
        if (i % 3) loss[i] = fmin(loss[i], loss[i - 1]);
    ck_ok(ardm_schedule_optimal(&s, loss, units, cells, budget));
    pairs p = {NULL, 0, 0, {0}, 1234, 0, 0};
    for (p.item = 0; p.item < SAMPLES; p.item++) seen[walk(t, s, 1234, p.item, 0, sample, &p)]++;
    for (int x = 0; x < 64; x++) chi += (seen[x] - SAMPLES * want[x]) * (seen[x] - SAMPLES * want[x]) / (SAMPLES * want[x]);
    ardm_schedule_free(&s);
    return chi;
}

START_TEST(samples_follow_the_model) {
    toy t;
    double flat[64];
    for (int x = 0; x < 64; x++) flat[x] = 1.0 / 64;
    toy_mixture(&t, 4, "absorbing 4");
    ck_assert(chi_square(&t, 3, t.p) < 103);
    ck_assert(chi_square(&t, 1, flat) < 103); /* one call: the product of the marginals */
    ck_assert(chi_square(&t, 1, t.p) > 1000);
    toy_close(&t);
    toy_mixture(&t, 4, "zero-least-significant 4 2");
    ck_assert(chi_square(&t, 6, t.p) < 103);
    toy_close(&t);
}
END_TEST

Suite *toy_suite(void) {
    Suite *suite = suite_create("toy");
    TCase *cases = tcase_create("toy");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, class_mixture);
    tcase_add_test(cases, absorbing_diffusion_in_steps);
    tcase_add_test(cases, class_mixture_in_stages);
    tcase_add_test(cases, three_ways_to_spend_calls);
    tcase_add_test(cases, markov_chain_of_four_symbols);
    tcase_add_test(cases, given_units_condition_exactly);
    tcase_add_test(cases, structured_levels_cost_less);
    tcase_add_test(cases, coded_items_come_back_at_the_predicted_size);
    tcase_add_test(cases, samples_follow_the_model);
    suite_add_tcase(suite, cases);
    return suite;
}
