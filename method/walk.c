/* Walks. Places are made once a stage; a call is (stage, level, step), or (step of all levels) of a causal network that knows all. */
#include "ardm/walk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "ardm/philox.h"
#include "ask_private.h"

typedef struct walked {
    const ardm_walk_item *item;
    uint8_t *mask;                 /* u8[units] of the item's mask, or NULL; of a permuted order all of this is by slot … */
    uint32_t *natural;             /* … and this is the unit in each; else NULL */
    ardm_schedule *schedule;       /* fitted to this item's counts */
    int32_t *place;                /* of the stage at hand */
    uint32_t *unit_at;             /* unit by place */
    uint32_t *counts, *known;      /* by level */
    uint32_t *before;              /* units of earlier levels */
    uint32_t free;                 /* units that are neither given nor void */
    uint32_t *slot, *unit, *asked; /* the answer of the last call */
    int32_t *children;
    uint32_t n_asked;
} walked;

typedef struct call {
    uint32_t stage, level, step, turn;
} call;

struct ardm_walk {
    ardm_session *session;
    int32_t task, together; /* together: one call answers a step of every level */
    int32_t wide;           /* a call asks for the rest of its level */
    ardm_layout layout;
    ardm_orders *orders;
    const ardm_order *order;
    uint32_t block, levels, stages, units, parts, turns, n_items;
    uint64_t seed;
    walked *items;
    call *calls;
    uint32_t n_calls, stage; /* stage whose places are made; UINT32_MAX none */
    call last;               /* of the last run */
    ardm_call_io io;
};

static uint32_t natural_of(const walked *x, uint32_t slot) { return x->natural ? x->natural[slot] : slot; }

static ardm_status permute(const ardm_walk *w, walked *x) {
    x->natural = malloc(w->units * sizeof *x->natural);
    if (!x->natural) return ardm_fail(ARDM_ENOMEM, "no memory for an item of %u units", w->units);
    return ardm_order_permute(x->natural, w->units, x->item->mask, w->seed, x->item->number);
}

static ardm_status open_item(ardm_walk *w, walked *x, const ardm_walk_item *item, const ardm_schedule *schedule) {
    x->item = item;
    x->place = malloc(w->units * sizeof *x->place);
    x->unit_at = malloc(w->units * sizeof *x->unit_at);
    x->unit = malloc(w->units * sizeof *x->unit);
    x->slot = malloc(w->units * sizeof *x->slot);
    x->asked = malloc(w->units * sizeof *x->asked);
    x->children = malloc(w->units * sizeof *x->children);
    x->counts = calloc(w->levels, sizeof *x->counts);
    x->known = calloc(w->levels, sizeof *x->known);
    x->before = calloc(w->levels, sizeof *x->before);
    uint32_t *all = malloc((size_t)w->levels * w->stages * sizeof *all);
    x->mask = item->mask ? malloc(w->units) : NULL;
    if ((item->mask && !x->mask) || !x->place || !x->unit_at || !x->unit || !x->slot || !x->asked || !x->children || !x->counts || !x->known ||
        !x->before || !all) {
        free(all);
        return ardm_fail(ARDM_ENOMEM, "no memory for an item of %u units", w->units);
    }
    const uint16_t *level = ardm_order_level(w->order);
    if (ardm_session_order(w->session)->permuted) ARDM_TRY(permute(w, x));
    for (uint32_t u = 0; u < w->units; u++) {
        const uint8_t state = ardm_layout_masked(&w->layout, item->mask, natural_of(x, u));
        if (x->mask) x->mask[u] = state;
        x->counts[level[u]] += state == ARDM_UNDECIDED;
    }
    for (uint32_t l = 0; l < w->levels; l++) {
        x->before[l] = x->free;
        x->free += x->counts[l];
        for (uint32_t s = 0; s < w->stages; s++) all[s * w->levels + l] = x->counts[l];
    }
    ardm_status status = ardm_schedule_fit(&x->schedule, schedule, w->stages * ardm_order_runs(w->order), all, w->levels * w->stages);
    free(all);
    return status;
}

/* Calls in coding order; a (stage, level) has as many as its busiest item. */
static ardm_status list_calls(ardm_walk *w) {
    uint32_t room = 0;
    for (int32_t pass = 0; pass < 2; pass++) {
        w->n_calls = 0;
        uint32_t most_steps = 0;
        for (uint32_t s = 0; s < w->stages; s++)
            for (uint32_t l = 0; l < w->levels; l++) {
                uint32_t steps = 0;
                for (uint32_t i = 0; i < w->n_items; i++) {
                    uint32_t count;
                    ardm_schedule_steps(w->items[i].schedule, s * w->levels + l, &count);
                    if (count > steps) steps = count;
                }
                if (steps > most_steps) most_steps = steps;
                if (w->together) continue;
                for (uint32_t k = 0; k < steps * w->turns; k++, w->n_calls++)
                    if (pass) w->calls[w->n_calls] = (call){s, l, k / w->turns, k % w->turns};
            }
        if (w->together)
            for (uint32_t k = 0; k < most_steps; k++, w->n_calls++)
                if (pass) w->calls[w->n_calls] = (call){0, 0, k, 0};
        if (!pass) {
            room = w->n_calls;
            w->calls = malloc((room ? room : 1) * sizeof *w->calls);
            if (!w->calls) return ardm_fail(ARDM_ENOMEM, "no memory for %u calls", room);
        }
    }
    return ARDM_OK;
}

ardm_status ardm_walk_open(ardm_walk **out, ardm_session *session, int32_t task, const ardm_layout *layout, const ardm_schedule *schedule,
                           uint32_t block, uint64_t seed, const ardm_walk_item *items, uint32_t n_items) {
    *out = NULL;
    ardm_walk *w = calloc(1, sizeof *w);
    if (!w || !(w->items = calloc(n_items ? n_items : 1, sizeof *w->items))) {
        free(w);
        return ardm_fail(ARDM_ENOMEM, "no memory for a walk");
    }
    w->session = session;
    w->task = task;
    w->layout = *layout;
    w->block = block;
    w->seed = seed;
    w->n_items = n_items;
    w->stage = UINT32_MAX;
    w->stages = ardm_process_stages(ardm_session_process(session));
    w->parts = ardm_layout_parts(layout);
    w->turns = task == ARDM_TASK_EVALUATE ? 1 : ardm_session_turns(session);
    uint32_t split = 0;
    for (uint32_t i = 0; i < n_items; i++) split += ardm_layout_split(layout, items[i].mask);
    if (split) ardm_log_write(ARDM_LOG_WARNING, "%u pixels are given in part: this model predicts pixels, and they are predicted as a whole", split);
    ardm_status status = ardm_session_orders(&w->orders, session, layout);
    if (status == ARDM_OK) status = ardm_orders_get(&w->order, w->orders, block);
    if (status == ARDM_OK) {
        w->units = ardm_order_units(w->order);
        w->levels = ardm_order_levels(w->order);
        w->together = ardm_orders_causal(w->orders) && (task == ARDM_TASK_ENCODE || task == ARDM_TASK_EVALUATE);
    }
    for (uint32_t i = 0; i < n_items && status == ARDM_OK; i++) status = open_item(w, &w->items[i], &items[i], schedule);
    if (status == ARDM_OK) status = list_calls(w);
    if (status != ARDM_OK) ardm_walk_close(&w);
    *out = w;
    return status;
}

void ardm_walk_close(ardm_walk **walk) {
    ardm_walk *w = *walk;
    if (!w) return;
    for (uint32_t i = 0; i < w->n_items; i++) {
        walked *x = &w->items[i];
        ardm_schedule_free(&x->schedule);
        free(x->mask);
        free(x->place);
        free(x->unit_at);
        free(x->unit);
        free(x->slot);
        free(x->natural);
        free(x->asked);
        free(x->children);
        free(x->counts);
        free(x->known);
        free(x->before);
    }
    free(w->items);
    free(w->calls);
    free(w);
    *walk = NULL;
}

void ardm_walk_from(ardm_walk *w, uint32_t stage) {
    uint32_t first = 0;
    while (first < w->n_calls && w->calls[first].stage < stage) first++;
    w->n_calls -= first;
    memmove(w->calls, w->calls + first, w->n_calls * sizeof *w->calls);
}

void ardm_walk_widen(ardm_walk *w) {
    assert(!w->together);
    w->wide = 1;
}

void ardm_walk_choose(ardm_walk *w, uint32_t item, const uint32_t *unit, uint32_t count) {
    enum { CHOSEN = INT32_MIN };
    walked *x = &w->items[item];
    assert(w->wide && count <= x->n_asked);
    if (!count) return;
    uint32_t first = x->asked[0], next = first + count;
    for (uint32_t k = 0; k < count; k++) x->place[unit[k]] = CHOSEN;
    for (uint32_t j = 0; j < x->n_asked; j++) {
        uint32_t u = x->unit[j];
        if (x->place[u] == CHOSEN) continue;
        x->place[u] = (int32_t)next;
        x->unit_at[next++] = u;
    }
    for (uint32_t k = 0; k < count; k++) {
        x->place[unit[k]] = (int32_t)(first + k);
        x->unit_at[first + k] = unit[k];
    }
}

uint32_t ardm_walk_calls(const ardm_walk *walk) { return walk->n_calls; }
uint32_t ardm_walk_turn(const ardm_walk *walk, uint32_t index) { return walk->calls[index].turn; }
uint32_t ardm_walk_turns(const ardm_walk *walk) { return walk->turns; }
const ardm_call_io *ardm_walk_io(const ardm_walk *walk) { return &walk->io; }

/* First place and length of step `step` of a level; length 0 where the item has fewer steps. */
static uint32_t span(const ardm_walk *w, const walked *x, uint32_t stage, uint32_t level, uint32_t step, uint32_t *first) {
    uint32_t n;
    const uint32_t *steps = ardm_schedule_steps(x->schedule, stage * w->levels + level, &n);
    if (step >= n) return 0;
    *first = x->before[level] + steps[step];
    return (step + 1 < n ? steps[step + 1] : x->counts[level]) - steps[step];
}

uint32_t ardm_walk_count(const ardm_walk *walk, uint32_t index, uint32_t item) {
    const call *c = &walk->calls[index];
    const walked *x = &walk->items[item];
    uint32_t first, count = 0;
    if (!walk->together) return span(walk, x, c->stage, c->level, c->step, &first);
    for (uint32_t l = 0; l < walk->levels; l++) count += span(walk, x, 0, l, c->step, &first);
    return count;
}

static ardm_status enter_stage(ardm_walk *w, uint32_t stage) {
    if (w->stage == stage) return ARDM_OK;
    for (uint32_t i = 0; i < w->n_items; i++) {
        walked *x = &w->items[i];
        ARDM_TRY(ardm_order_place(w->order, x->mask, w->seed, stage, x->item->number, x->place, x->counts));
        for (uint32_t u = 0; u < w->units; u++)
            if (x->place[u] >= 0) x->unit_at[x->place[u]] = u;
    }
    w->stage = stage;
    return ARDM_OK;
}

/* A decoder's causal network needs no position behind the block: a masked key adds nothing (numerics.md 6). */
static ardm_layout shown_layout(const ardm_walk *w, const call *c) {
    ardm_layout shown = w->layout;
    if (!ardm_orders_causal(w->orders) || w->together || ardm_session_order(w->session)->permuted) return shown; /* positions are a table's rows */
    uint32_t end = (c->level + 1) * w->block;
    end = (end + 31) / 32 * 32;
    if (w->block && end < shown.extent[0]) shown.extent[0] = end;
    return shown;
}

static void answer_units(ardm_walk *w, walked *x, const call *c) {
    if (c->turn) { /* the same units; some may have been chosen since */
        for (uint32_t j = 0; j < x->n_asked; j++) x->asked[j] = (uint32_t)x->place[x->slot[j]];
        return;
    }
    x->n_asked = 0;
    for (uint32_t l = w->together ? 0 : c->level; l < (w->together ? w->levels : c->level + 1); l++) {
        uint32_t first = 0, count = span(w, x, c->stage, l, c->step, &first);
        if (w->wide && count) count = x->before[l] + x->counts[l] - first;
        for (uint32_t j = 0; j < count; j++) {
            x->asked[x->n_asked] = first + j;
            x->slot[x->n_asked] = x->unit_at[first + j];
            x->unit[x->n_asked++] = natural_of(x, x->unit_at[first + j]);
        }
    }
}

static void fill_states(ardm_walk *w, walked *x, const call *c, uint8_t *state) {
    if (w->together) {
        for (uint32_t l = 0; l < w->levels; l++) {
            uint32_t n;
            const uint32_t *steps = ardm_schedule_steps(x->schedule, l, &n);
            x->known[l] = c->step < n ? steps[c->step] : x->counts[l];
        }
        ardm_order_states_all(w->order, x->place, x->counts, x->known, state);
        return;
    }
    uint32_t n;
    const uint32_t *steps = ardm_schedule_steps(x->schedule, c->stage * w->levels + c->level, &n);
    ardm_order_states(w->order, x->place, x->counts, c->level, c->step < n ? steps[c->step] : x->counts[c->level], state);
}

/* What the network sees of an item. */
static ardm_status show_item(ardm_walk *w, uint32_t i, const call *c, const ardm_layout *shown) {
    walked *x = &w->items[i];
    const uint32_t visible = ardm_layout_units(shown), parts = w->parts;
    uint8_t *state = malloc(w->units);
    if (!state) return ardm_fail(ARDM_ENOMEM, "no memory for states");
    fill_states(w, x, c, state);
    int32_t *symbols = w->io.symbols + (size_t)i * w->io.symbols_each;
    uint8_t *states = w->io.state + (size_t)i * w->io.symbols_each;
    for (uint32_t u = 0; u < visible; u++) {
        const size_t at = (size_t)ardm_session_padded(w->session, shown, u) * parts;
        for (uint32_t k = 0; k < parts; k++) {
            symbols[at + k] = x->item->symbols[(size_t)natural_of(x, u) * parts + k];
            states[at + k] = state[u];
        }
    }
    free(state);
    for (uint32_t u = 0; w->io.position && u < visible; u++) w->io.position[(size_t)i * w->io.symbols_each + u] = (int32_t)natural_of(x, u);
    w->io.stage[i] = (int32_t)c->stage;
    if (w->io.expert) w->io.expert[i] = (int32_t)ardm_session_expert(w->session, w->order, c->stage, c->level);
    if (w->io.block)
        w->io.block[i] = (int32_t)w->block;
    else if (x->n_asked)
        w->io.time[i] = ardm_fraction(x->asked[0], x->free);
    return ARDM_OK;
}

/* What is asked of it in this turn. */
static void ask_item(ardm_walk *w, uint32_t i, const call *c, const ardm_layout *shown, uint32_t number) {
    walked *x = &w->items[i];
    const int32_t causal = ardm_orders_causal(w->orders);
    for (uint32_t j = 0; j < x->n_asked; j++) {
        const size_t row = (size_t)i * w->io.rows + j;
        const uint32_t unit = x->unit[j];
        ardm_ask__row(&w->io, i, j, w->session, shown, (int32_t)c->stage, c->turn, x->slot[j], x->item->symbols + (size_t)unit * w->parts);
        x->children[j] = w->io.children[row];
        if (w->io.number) w->io.number[row] = x->children[j] > 1 ? (int32_t)(number + (causal ? x->asked[j] : j)) : -1;
        if (w->io.slot)
            w->io.slot[row] = ardm_random_word(w->seed, ARDM_RANDOM_SAMPLE, 4 * (c->stage * w->turns + c->turn), x->item->number, unit) >> 8;
    }
}

ardm_status ardm_walk_run(ardm_walk *w, uint32_t index, const uint32_t *number, float coldness) {
    const call *c = &w->calls[index];
    ARDM_TRY(enter_stage(w, c->stage));
    uint32_t rows = 1;
    for (uint32_t i = 0; i < w->n_items; i++) {
        answer_units(w, &w->items[i], c);
        if (w->items[i].n_asked > rows) rows = w->items[i].n_asked;
    }
    const ardm_layout shown = shown_layout(w, c);
    if (c->turn == 0) {
        ARDM_TRY(ardm_session_call(&w->io, w->session, w->task, &shown, w->n_items, rows));
        for (uint32_t i = 0; i < w->n_items; i++) ARDM_TRY(show_item(w, i, c, &shown));
    }
    for (uint32_t i = 0; i < w->n_items; i++) ask_item(w, i, c, &shown, number ? number[i] : 0);
    if (w->io.coldness) *w->io.coldness = coldness;
    w->last = *c;
    return ardm_session_run(&w->io, c->turn);
}

ardm_walk_rows ardm_walk_answer(const ardm_walk *walk, uint32_t item) {
    const walked *x = &walk->items[item];
    return (ardm_walk_rows){x->n_asked, walk->stage, walk->last.turn, x->unit, x->asked, x->children};
}

void ardm_walk_decide(const ardm_walk *walk, uint32_t item, uint32_t unit, uint32_t digit) {
    ardm_session_decide(walk->session, walk->stage, walk->last.turn, walk->items[item].item->symbols + (size_t)unit * walk->parts, digit);
}

void ardm_walk_partitions(const ardm_walk *walk, uint32_t item, uint8_t *partition) {
    const walked *x = &walk->items[item];
    const call *c = &walk->last;
    assert(!walk->together);
    uint32_t first, count = span(walk, x, c->stage, c->level, c->step, &first);
    if (!count) first = x->before[c->level] + x->counts[c->level]; /* an item of fewer steps has ended its level */
    for (uint32_t u = 0; u < walk->units; u++) {
        const uint32_t place = (uint32_t)x->place[u];
        for (uint32_t k = 0; k < walk->parts; k++) {
            const uint32_t last = walk->parts > 1 ? k : walk->turns - 1; /* the turn that decides this symbol */
            const int32_t decided = place < first || (place < first + count && last <= c->turn);
            partition[(size_t)u * walk->parts + k] = (uint8_t)(x->place[u] < 0 ? walk->stages : c->stage + (uint32_t)decided);
        }
    }
}
