/* toy.c: joint distributions by table, and everything that follows from them by summing. */
#include "toy.h"

#include <math.h>
#include <stdio.h>

uint32_t toy_symbol(const toy *t, uint32_t x, uint32_t unit) {
    while (unit--) x /= t->k;
    return x % t->k;
}

static void open_toy(toy *t, uint32_t n, uint32_t k, const char *process) {
    memset(t, 0, sizeof *t);
    t->n = n;
    t->k = k;
    t->states = 1;
    for (uint32_t i = 0; i < n; i++) t->states *= k;
    if (strncmp(process, "partitions ", 11) == 0)
        ck_ok(ardm_process_from_partitions(&t->process, k, process + 11));
    else
        ck_ok(ardm_process_parse(&t->process, process));
    ardm_order_family family;
    ck_ok(ardm_order_parse(&family, "uniform"));
    ck_ok(ardm_order_create(&t->order, &family, 0, &(ardm_layout){1, {n}, 1}));
}

void toy_close(toy *t) {
    ardm_process_free(&t->process);
    ardm_order_free(&t->order);
}

/* z uniform, every unit equals z with probability 5/8. */
void toy_mixture(toy *t, uint32_t k, const char *process) {
    open_toy(t, 3, k, process);
    for (uint32_t x = 0; x < t->states; x++)
        for (uint32_t z = 0; z < k; z++) {
            double p = 1.0 / k;
            for (uint32_t u = 0; u < 3; u++) p *= toy_symbol(t, x, u) == z ? 0.625 : 0.375 / (k - 1);
            t->p[x] += p;
        }
}

void toy_chain_by(toy *t, uint32_t n, uint32_t k, const double *step, const char *process) {
    open_toy(t, n, k, process);
    for (uint32_t x = 0; x < t->states; x++) {
        t->p[x] = 1.0 / k;
        for (uint32_t u = 1; u < n; u++) t->p[x] *= step[(toy_symbol(t, x, u) + k - toy_symbol(t, x, u - 1)) % k];
    }
}

void toy_chain(toy *t, uint32_t n, uint32_t k, const double *step) {
    char process[32];
    snprintf(process, sizeof process, "absorbing %u", k);
    toy_chain_by(t, n, k, step, process);
}

void toy_levels(toy *t, const uint16_t *levels) {
    ardm_order_free(&t->order);
    ck_ok(ardm_order_from_table(&t->order, levels, &(ardm_layout){1, {t->n}, 1}));
}

double toy_entropy(const toy *t) {
    double h = 0;
    for (uint32_t x = 0; x < t->states; x++)
        if (t->p[x] > 0) h -= t->p[x] * log2(t->p[x]);
    return h;
}

/* What the units show in these states, as one number. */
static uint32_t context(const toy *t, uint32_t x, uint32_t stage, const uint8_t *state) {
    uint32_t key = 0;
    for (uint32_t u = t->n; u-- > 0;) {
        const uint32_t v = toy_symbol(t, x, u);
        const uint32_t shown = state[u] == ARDM_GIVEN ? v : ardm_process_class(t->process, stage + (state[u] == ARDM_DECIDED), v);
        key = key * t->k + shown;
    }
    return key;
}

/* p(digit of `unit` | what x shows), all digits. Returns how many there are. */
uint32_t toy_network(const toy *t, uint32_t x, uint32_t stage, const uint8_t *state, uint32_t unit, double *p) {
    const uint32_t key = context(t, x, stage, state), children = ardm_process_children(t->process, stage, toy_symbol(t, x, unit));
    double total = 0;
    for (uint32_t d = 0; d < children; d++) p[d] = 0;
    for (uint32_t y = 0; y < t->states; y++) {
        if (context(t, y, stage, state) != key) continue;
        p[ardm_process_digit(t->process, stage, toy_symbol(t, y, unit), NULL)] += t->p[y];
        total += t->p[y];
    }
    for (uint32_t d = 0; d < children; d++) p[d] /= total;
    return children;
}

/* Expected -log2 of a unit's digit in these states, over all data; by the table of contexts. */
double toy_unit_loss(const toy *t, uint32_t stage, const uint8_t *state, uint32_t unit) {
    static double joint[MOST_STATES][6], whole[MOST_STATES];
    if (t->price) {
        double nats = 0;
        for (uint32_t x = 0; x < t->states; x++) nats += t->p[x] * t->price(t->user, stage, state, unit, x);
        return nats / 0.69314718055994530942;
    }
    memset(joint, 0, sizeof joint);
    memset(whole, 0, sizeof whole);
    for (uint32_t x = 0; x < t->states; x++) {
        const uint32_t key = context(t, x, stage, state);
        joint[key][ardm_process_digit(t->process, stage, toy_symbol(t, x, unit), NULL)] += t->p[x];
        whole[key] += t->p[x];
    }
    double loss = 0;
    for (uint32_t key = 0; key < t->states; key++)
        for (uint32_t d = 0; d < t->k && whole[key] > 0; d++)
            if (joint[key][d] > 0) loss -= joint[key][d] * log2(joint[key][d] / whole[key]);
    return loss;
}

/* L of one cell: over all subsets of n known units, which are the first n places of an order, and all remaining units. */
static double cell_loss(const toy *t, uint32_t stage, uint32_t level, uint32_t n) {
    int32_t place[MOST_UNITS];
    uint32_t counts[MOST_UNITS] = {0}, subsets = 0;
    uint8_t state[MOST_UNITS];
    double sum = 0;
    ck_ok(ardm_order_place(t->order, t->mask, 1, stage, 0, place, counts));
    uint32_t before = 0, members[MOST_UNITS], size = 0;
    for (uint32_t l = 0; l < level; l++) before += counts[l];
    for (uint32_t u = 0; u < t->n; u++)
        if (place[u] >= 0 && ardm_order_level(t->order)[u] == level) members[size++] = u;
    for (uint32_t set = 0; set < 1u << size; set++) {
        uint32_t known = 0, first = before, later = before + n;
        for (uint32_t i = 0; i < size; i++) known += set >> i & 1;
        if (known != n) continue;
        for (uint32_t i = 0; i < size; i++) place[members[i]] = (int32_t)(set >> i & 1 ? first++ : later++);
        ardm_order_states(t->order, place, counts, level, n, state);
        for (uint32_t i = 0; i < size; i++)
            if (state[members[i]] == ARDM_UNDECIDED) sum += toy_unit_loss(t, stage, state, members[i]) / (size - n);
        subsets++;
    }
    return sum / subsets;
}

/* All losses of all cells; returns the number of cells. */
uint32_t toy_losses(const toy *t, double *loss, uint32_t *units) {
    const uint32_t levels = ardm_order_levels(t->order), stages = ardm_process_stages(t->process);
    int32_t place[MOST_UNITS];
    uint32_t counts[MOST_UNITS], at = 0;
    ck_ok(ardm_order_place(t->order, t->mask, 1, 0, 0, place, counts));
    for (uint32_t c = 0; c < stages * levels; c++) {
        units[c] = counts[c % levels];
        for (uint32_t n = 0; n < units[c]; n++) loss[at++] = cell_loss(t, c / levels, c % levels, n);
    }
    return stages * levels;
}
