/* Examples of training and evaluation, and the orders they need. */
#include "ardm/example.h"

#include <stdlib.h>
#include <string.h>

#include "ardm/exact.h"

struct ardm_orders {
    ardm_order_family family;
    ardm_layout layout;
    ardm_order **made; /* by block, high + 1 of them */
};

ardm_status ardm_orders_create(ardm_orders **out, const ardm_order_family *family, const ardm_layout *layout) {
    ardm_orders *orders = calloc(1, sizeof *orders);
    *out = NULL;
    if (!orders || !(orders->made = calloc((size_t)family->high + 1, sizeof(ardm_order *)))) {
        free(orders);
        return ardm_fail(ARDM_ENOMEM, "no memory for orders");
    }
    orders->family = *family;
    orders->layout = *layout;
    const ardm_order *first;
    ardm_status status = ardm_orders_get(&first, orders, 0);
    if (status != ARDM_OK) ardm_orders_free(&orders);
    *out = orders;
    return status;
}

void ardm_orders_free(ardm_orders **orders) {
    if (!*orders) return;
    for (uint32_t i = 0; i <= (*orders)->family.high; i++) ardm_order_free(&(*orders)->made[i]);
    free((*orders)->made);
    free(*orders);
    *orders = NULL;
}

ardm_status ardm_orders_get(const ardm_order **out, ardm_orders *orders, uint32_t block) {
    *out = NULL;
    uint32_t index = orders->family.kind == ARDM_ORDER_BLOCKS ? (block ? block : orders->family.high) : 0;
    if (index > orders->family.high)
        return ardm_fail(ARDM_EINVAL, "block %u is outside the model's %u-%u", block, orders->family.low, orders->family.high);
    if (!orders->made[index]) ARDM_TRY(ardm_order_create(&orders->made[index], &orders->family, block, &orders->layout));
    *out = orders->made[index];
    return ARDM_OK;
}

const ardm_order_family *ardm_orders_family(const ardm_orders *orders) { return &orders->family; }
const ardm_layout *ardm_orders_layout(const ardm_orders *orders) { return &orders->layout; }
int32_t ardm_orders_causal(const ardm_orders *orders) { return orders->family.kind == ARDM_ORDER_BLOCKS; }

ardm_status ardm_example_create(ardm_example *out, const ardm_orders *orders) {
    uint32_t units = ardm_layout_units(&orders->layout);
    memset(out, 0, sizeof *out);
    out->state = malloc(units);
    out->weight = malloc(units * sizeof *out->weight);
    out->place = malloc(units * sizeof *out->place);
    out->counts = malloc(units * sizeof *out->counts); /* no order has more levels than units */
    out->known = malloc(units * sizeof *out->known);
    out->from = malloc(units * sizeof *out->from);
    out->price = malloc(units * sizeof *out->price);
    const int32_t permuted = orders->family.permuted;
    out->unit = permuted ? malloc(units * sizeof *out->unit) : NULL;
    if ((!permuted || out->unit) && out->state && out->weight && out->place && out->counts && out->known && out->from && out->price) return ARDM_OK;
    ardm_example_destroy(out);
    return ardm_fail(ARDM_ENOMEM, "no memory for an example of %u units", units);
}

void ardm_example_destroy(ardm_example *example) {
    free(example->state);
    free(example->weight);
    free(example->place);
    free(example->counts);
    free(example->known);
    free(example->from);
    free(example->price);
    free(example->unit);
    memset(example, 0, sizeof *example);
}

void ardm_example_permute(const ardm_example *e, uint32_t units, int32_t *symbols, int32_t *scratch) {
    if (!e->unit) return;
    memcpy(scratch, symbols, units * sizeof *scratch);
    for (uint32_t u = 0; u < units; u++) symbols[u] = scratch[e->unit[u]];
}

float ardm_fraction(uint32_t a, uint32_t b) { return b ? ardm_flush(ardm_divide((float)a, (float)b)) : 0.0f; }

/* Weight of each unit that its level still asks: (pairs of all cells) / (units of its level that remain), and the auxiliary term. */
static void weigh(ardm_example *e, uint32_t units, const uint16_t *level, uint32_t levels, int32_t causal, double pairs, double auxiliary) {
    uint32_t first = 0;
    for (uint32_t l = 0; l < levels; l++) {
        uint32_t remaining = e->counts[l] - e->known[l];
        e->from[l] = first + e->known[l];
        first += e->counts[l];
        int32_t asked = remaining > 0 && (causal || l == e->level);
        e->price[l] = asked ? (float)((causal ? (double)e->counts[l] : pairs) / remaining + auxiliary) : 0.0f;
    }
    for (uint32_t u = 0; u < units; u++) {
        uint32_t l = level[u];
        e->weight[u] = e->place[u] >= 0 && (uint32_t)e->place[u] >= e->from[l] ? e->price[l] : 0.0f;
    }
}

ardm_status ardm_example_draw(ardm_example *e, ardm_orders *orders, uint32_t stages, const ardm_draw_options *options, uint64_t number,
                              uint32_t stratum, const uint8_t *base) {
    int32_t causal = ardm_orders_causal(orders);
    const ardm_order *order;
    e->block = causal ? (int32_t)ardm_draw_block(options->seed, number, &orders->family) : 0;
    ARDM_TRY(ardm_orders_get(&order, orders, (uint32_t)e->block));
    uint32_t units = ardm_order_units(order), levels = ardm_order_levels(order);
    if (base)
        memcpy(e->state, base, units);
    else
        memset(e->state, ARDM_UNDECIDED, units);
    uint32_t given = ardm_draw_given(options->seed, number, options->given_share, &orders->layout, e->state);
    if (e->unit) {
        ARDM_TRY(ardm_order_permute(e->unit, units, e->state, options->seed, number));
        uint32_t kept[2] = {0, 0}; /* states by slot: given first, void last */
        for (uint32_t u = 0; u < units; u++) {
            kept[0] += e->state[u] == ARDM_GIVEN;
            kept[1] += e->state[u] == ARDM_VOID;
        }
        for (uint32_t u = 0; u < units; u++)
            e->state[u] = u < kept[0] ? ARDM_GIVEN : u < units - kept[1] ? (uint8_t)ARDM_UNDECIDED : (uint8_t)ARDM_VOID;
    }
    uint32_t voids = 0;
    for (uint32_t u = 0; u < units; u++) voids += e->state[u] == ARDM_VOID;
    e->dimensions = units - voids - given;
    e->stage = 0;
    e->level = e->n = 0;
    e->time = 0;
    if (e->dimensions == 0) {
        memset(e->weight, 0, units * sizeof *e->weight);
        memset(e->counts, 0, levels * sizeof *e->counts);
        return ARDM_OK;
    }
    if (causal) {
        ARDM_TRY(ardm_order_place(order, e->state, options->seed, 0, number, e->place, e->counts));
        ardm_draw_known(options->seed, number, e->counts, levels, e->known);
        ardm_order_states_all(order, e->place, e->counts, e->known, e->state);
    } else {
        /* Counts do not depend on the stage, so the pair is drawn before the ranks of its stage are made. */
        memset(e->counts, 0, levels * sizeof *e->counts);
        for (uint32_t u = 0; u < units; u++) e->counts[ardm_order_level(order)[u]] += e->state[u] == ARDM_UNDECIDED;
        uint64_t total = (uint64_t)stages * e->dimensions;
        uint64_t k =
            options->sampling == ARDM_SAMPLING_STRATIFIED   ? ardm_draw_stratified(options->seed, options->step, stratum, options->batch, total)
            : options->sampling == ARDM_SAMPLING_ANTITHETIC ? ardm_draw_antithetic(options->seed, options->step, stratum, options->batch, total)
                                                            : ardm_draw_uniform(options->seed, number, total);
        uint32_t stage;
        ardm_order_pair(e->counts, levels, k, &stage, &e->level, &e->n);
        e->stage = (int32_t)stage;
        ARDM_TRY(ardm_order_place(order, e->state, options->seed, stage, number, e->place, e->counts));
        ardm_order_states(order, e->place, e->counts, e->level, e->n, e->state);
        uint32_t before = e->n;
        for (uint32_t l = 0; l < e->level; l++) before += e->counts[l];
        e->time = ardm_fraction(before, e->dimensions);
        memset(e->known, 0, levels * sizeof *e->known);
        e->known[e->level] = e->n;
    }
    weigh(e, units, ardm_order_level(order), levels, causal, (double)stages * e->dimensions, options->auxiliary);
    return ARDM_OK;
}
