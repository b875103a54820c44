/* Sessions: bindings by (task, extents), found again in a short list. */
#include "ardm/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"

/* Files of many lengths ask for many extents. More bindings than this cost memory, and drivers take longer to free a kernel the more there are. */
enum { MOST_BINDINGS = 32 };

typedef struct bound {
    int32_t task;
    ardm_layout padded;
    ardm_call_io io;
    uint64_t used; /* the call that last asked for it */
} bound;

typedef struct laid {
    ardm_layout layout;
    ardm_orders *orders;
} laid;

struct ardm_session {
    ardm_description description;
    char *process_text, *order_text, *suffix;
    ardm_process *process, *digits; /* digits: of symbols that are coded in two turns; else NULL */
    ardm_order_family family;
    ardm_graph *inference, *tasks[5];
    ardm_store *store;
    uint64_t memory;
    bound *bindings;
    laid *orders;
    uint32_t n_bindings, n_orders;
    uint64_t calls;
};

static void drop_binding(bound *b) {
    ardm_binding_free(&b->io.binding);
    ardm_binding_free(&b->io.network);
}

static char *copy_text(const char *text) {
    char *copy = text ? malloc(strlen(text) + 1) : NULL;
    if (copy) strcpy(copy, text);
    return copy;
}

static ardm_status check_type(const ardm_graph *graph, const char *name, const char *wanted) {
    char type[96] = "nothing";
    ardm_value value = ardm_graph_find(graph, name);
    if (value >= 0 && ardm_graph_value_kind(graph, value) == ARDM_VALUE_INPUT) ardm_graph_value_type(graph, value, type, sizeof type);
    return strcmp(type, wanted) == 0 ? ARDM_OK : ardm_fail(ARDM_EFORMAT, "the model's graph has %s for its input %s, not %s", type, name, wanted);
}

/* A call writes whole arrays of these types, so a graph that was not made here must agree. */
static ardm_status check_graph(const ardm_session *session, const ardm_graph *graph) {
    const ardm_description *d = &session->description;
    int32_t causal = session->family.kind == ARDM_ORDER_BLOCKS;
    char symbols[48], state[48];
    if (d->rank == 2) {
        snprintf(symbols, sizeof symbols, "i32[N,H,W,%u]", d->channels);
        snprintf(state, sizeof state, "u8[N,H,W,%u]", d->channels);
    } else {
        if (d->channels != 1) return ardm_fail(ARDM_EFORMAT, "items of one extent have one channel, not %u", d->channels);
        snprintf(symbols, sizeof symbols, "i32[N,L]");
        snprintf(state, sizeof state, "u8[N,L]");
    }
    ARDM_TRY(check_type(graph, "symbols", symbols));
    ARDM_TRY(check_type(graph, "state", state));
    ARDM_TRY(check_type(graph, "stage", "i32[N]"));
    ARDM_TRY(check_type(graph, "time", "f32[N]"));
    ARDM_TRY(check_type(graph, "rows", "i32[N,R]"));
    if (causal) ARDM_TRY(check_type(graph, "block", "i32[N]"));
    if (session->family.permuted) ARDM_TRY(check_type(graph, "position", "i32[N,L]"));
    if (d->experts.cells) ARDM_TRY(check_type(graph, "expert", "i32[N]"));
    const uint32_t inputs = 5u + (causal ? 1 : 0) + (d->experts.cells ? 1 : 0) + (session->family.permuted ? 1 : 0);
    if (ardm_graph_input_count(graph) != inputs)
        return ardm_fail(ARDM_EFORMAT, "the model's graph has %u inputs; its order '%s' and its experts fill %u", ardm_graph_input_count(graph),
                         d->order, inputs);
    ardm_value z = -1;
    char type[96], wanted[64];
    if (ardm_graph_output_count(graph) == 0) return ardm_fail(ARDM_EFORMAT, "the model's graph has no output");
    (void)ardm_graph_output_at(graph, 0, &z);
    ardm_graph_value_type(graph, z, type, sizeof type);
    snprintf(wanted, sizeof wanted, "f32[N,R,%u]", ardm_session_digits(session));
    const int32_t mixed = d->head == ARDM_HEAD_MIXTURE || d->head == ARDM_HEAD_PIXEL;
    if (mixed ? strncmp(type, "f32[N,R,", 8) != 0 : strcmp(type, wanted) != 0)
        return ardm_fail(ARDM_EFORMAT, "the model's graph gives %s; its head needs %s", type, mixed ? "components of a mixture, f32[N,R,·]" : wanted);
    return ARDM_OK;
}

static ardm_status open_turns(ardm_session *session) {
    const ardm_description *d = &session->description;
    const uint32_t classes = ardm_process_classes(session->process), turns = ardm_head_turns(d->head, classes);
    char text[64];
    if (d->head == ARDM_HEAD_PIXEL && (d->channels != 3 || d->rank != 2))
        return ardm_fail(ARDM_EFORMAT, "a head of pixels needs pictures of 3 channels, not %u", d->channels);
    if (turns == 1) return ARDM_OK;
    if (session->family.kind == ARDM_ORDER_BLOCKS)
        return ardm_fail(ARDM_EUNSUPPORTED, "an order of blocks codes one symbol a row, and this head %u", turns);
    if (d->head == ARDM_HEAD_PIXEL) return ARDM_OK;
    snprintf(text, sizeof text, "zero-least-significant %u %u", classes, ARDM_DIGIT_BASE);
    return ardm_process_parse(&session->digits, text);
}

static ardm_status check_experts(ardm_session *session) {
    const ardm_layout layout = ardm_session_layout(session);
    ardm_orders *orders;
    const ardm_order *order;
    if (!session->description.experts.cells) return ARDM_OK;
    ARDM_TRY(ardm_session_orders(&orders, session, &layout));
    ARDM_TRY(ardm_orders_get(&order, orders, 0));
    return ardm_experts_check(&session->description.experts, ardm_process_stages(session->process), order);
}

ardm_status ardm_session_create(ardm_session **out, const ardm_graph *inference, ardm_store *store, const char *suffix,
                                const ardm_description *description, uint64_t memory) {
    *out = NULL;
    ardm_session *session = calloc(1, sizeof *session);
    if (!session) return ardm_fail(ARDM_ENOMEM, "no memory for a session");
    ardm_status status = ARDM_OK;
    session->description = *description;
    session->store = store;
    session->memory = memory;
    session->process_text = copy_text(description->process);
    session->order_text = copy_text(description->order);
    session->suffix = copy_text(suffix);
    if (!session->process_text || !session->order_text || (suffix && !session->suffix)) status = ardm_fail(ARDM_ENOMEM, "no memory for a session");
    session->description.process = session->process_text;
    session->description.chain = NULL;
    session->description.order = session->order_text;
    if (status == ARDM_OK)
        status = description->chain ? ardm_process_copy(&session->process, description->chain)
                                    : ardm_process_parse(&session->process, session->process_text);
    if (status == ARDM_OK) status = ardm_order_parse(&session->family, session->order_text);
    session->family.source = description->levels;
    if (status == ARDM_OK) status = ardm_graph_copy(&session->inference, inference);
    int32_t direct = description->head == ARDM_HEAD_DIRECT;
    if (status == ARDM_OK && !direct && ardm_process_stages(session->process) != 1)
        status = ardm_fail(ARDM_EFORMAT, "a head over whole symbols needs a process of one stage, not '%s'", session->process_text);
    if (status == ARDM_OK && session->family.kind == ARDM_ORDER_BLOCKS && ardm_process_stages(session->process) != 1)
        status = ardm_fail(ARDM_EFORMAT, "an order of blocks needs a process of one stage, not '%s'", session->process_text);
    if (status == ARDM_OK) status = open_turns(session);
    if (status == ARDM_OK) status = check_experts(session);
    if (status == ARDM_OK) status = check_graph(session, inference);
    if (status != ARDM_OK) ardm_session_free(&session);
    *out = session;
    return status;
}

void ardm_session_free(ardm_session **session) {
    ardm_session *s = *session;
    if (!s) return;
    for (uint32_t i = 0; i < s->n_bindings; i++) drop_binding(&s->bindings[i]);
    for (uint32_t i = 0; i < s->n_orders; i++) ardm_orders_free(&s->orders[i].orders);
    for (int i = 0; i < 5; i++) ardm_graph_free(&s->tasks[i]);
    ardm_graph_free(&s->inference);
    ardm_process_free(&s->process);
    ardm_process_free(&s->digits);
    free(s->bindings);
    free(s->orders);
    free(s->process_text);
    free(s->order_text);
    free(s->suffix);
    free(s);
    *session = NULL;
}

const ardm_description *ardm_session_description(const ardm_session *session) { return &session->description; }
const ardm_process *ardm_session_process(const ardm_session *session) { return session->process; }
const ardm_order_family *ardm_session_order(const ardm_session *session) { return &session->family; }
ardm_device *ardm_session_device(const ardm_session *session) { return ardm_store_device(session->store); }

uint32_t ardm_session_turns(const ardm_session *session) {
    return ardm_head_turns(session->description.head, ardm_process_classes(session->process));
}

uint32_t ardm_session_parts(const ardm_session *session) { return ardm_head_parts(session->description.head, session->description.channels); }

uint32_t ardm_session_digit(const ardm_session *session, uint32_t stage, uint32_t turn, const int32_t *symbol, uint32_t *children) {
    if (session->digits) return ardm_process_digit(session->digits, turn, (uint32_t)symbol[0], children);
    return ardm_process_digit(session->process, stage, (uint32_t)symbol[turn], children);
}

void ardm_session_decide(const ardm_session *session, uint32_t stage, uint32_t turn, int32_t *symbol, uint32_t digit) {
    if (session->digits)
        symbol[0] = (int32_t)ardm_process_child(session->digits, turn, (uint32_t)symbol[0], digit);
    else
        symbol[turn] = (int32_t)ardm_process_child(session->process, stage, (uint32_t)symbol[turn], digit);
}

uint32_t ardm_session_expert(const ardm_session *session, const ardm_order *order, uint32_t stage, uint32_t level) {
    return ardm_experts_of(&session->description.experts, ardm_process_stages(session->process), order, stage, level);
}

uint32_t ardm_session_digits(const ardm_session *session) {
    if (session->digits) return ardm_process_logits(session->digits);
    return session->description.head == ARDM_HEAD_DIRECT ? ardm_process_logits(session->process) : ardm_process_classes(session->process);
}

ardm_layout ardm_session_layout(const ardm_session *session) {
    const ardm_description *d = &session->description;
    const ardm_layout symbols = {d->rank, {d->extent[0], d->rank > 1 ? d->extent[1] : 0, 0}, d->channels, 1};
    return ardm_layout_join(&symbols, ardm_session_parts(session));
}

static int32_t same_layout(const ardm_layout *a, const ardm_layout *b) {
    if (a->rank != b->rank || a->channels != b->channels || ardm_layout_parts(a) != ardm_layout_parts(b)) return 0;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->extent[i] != b->extent[i]) return 0;
    return 1;
}

ardm_status ardm_session_orders(ardm_orders **out, ardm_session *session, const ardm_layout *layout) {
    *out = NULL;
    for (uint32_t i = 0; i < session->n_orders; i++)
        if (same_layout(&session->orders[i].layout, layout)) {
            *out = session->orders[i].orders;
            return ARDM_OK;
        }
    laid *grown = realloc(session->orders, (session->n_orders + 1) * sizeof *grown);
    if (!grown) return ardm_fail(ARDM_ENOMEM, "no memory for orders");
    session->orders = grown;
    ARDM_TRY(ardm_orders_create(out, &session->family, layout));
    grown[session->n_orders++] = (laid){*layout, *out};
    return ARDM_OK;
}

static ardm_layout padded_layout(const ardm_session *session, const ardm_layout *layout) {
    ardm_layout padded = *layout;
    uint32_t m = session->description.multiple ? session->description.multiple : 1;
    for (uint32_t i = 0; i < padded.rank; i++) padded.extent[i] = (padded.extent[i] + m - 1) / m * m;
    return padded;
}

uint32_t ardm_session_padded(const ardm_session *session, const ardm_layout *layout, uint32_t unit) {
    if (layout->rank != 2) return unit;
    ardm_layout padded = padded_layout(session, layout);
    uint32_t position = unit / layout->channels, y = position / layout->extent[1], x = position % layout->extent[1];
    return (y * padded.extent[1] + x) * layout->channels + unit % layout->channels;
}

static uint32_t power_from(uint32_t least, uint32_t n) {
    uint32_t p = least;
    while (p < n) p *= 2;
    return p;
}

static ardm_status bind_graph(ardm_binding **out, const ardm_session *session, const ardm_graph *graph, const ardm_extent *extents, uint32_t n,
                              int32_t coding) {
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    options.suffix = session->suffix;
    options.memory = session->memory;
    ARDM_TRY(ardm_bind(out, graph, session->store, extents, n, &options));
    ardm_status status = coding ? ardm_guard__binding(*out, ardm_session_device(session)) : ARDM_OK;
    if (status != ARDM_OK) ardm_binding_free(out);
    return status;
}

static ardm_status bind_task(ardm_call_io *io, ardm_session *session, int32_t task, const ardm_layout *padded, uint32_t items, uint32_t rows) {
    const uint32_t classes = ardm_process_classes(session->process), turns = task == ARDM_TASK_EVALUATE ? 1 : ardm_session_turns(session);
    const int32_t coding = task == ARDM_TASK_ENCODE || task == ARDM_TASK_DECODE;
    if (!session->tasks[task])
        ARDM_TRY((turns > 1 ? ardm_objective_turn : ardm_objective_head)(&session->tasks[task], session->inference, task, session->description.head,
                                                                         classes));
    ardm_extent extents[4] = {{"N", items}, {"R", rows}};
    if (padded->rank == 2) {
        extents[2] = (ardm_extent){"H", padded->extent[0]};
        extents[3] = (ardm_extent){"W", padded->extent[1]};
    } else {
        extents[2] = (ardm_extent){"L", padded->extent[0]};
    }
    const uint32_t n_extents = padded->rank == 2 ? 4 : 3;
    io->network = NULL;
    if (turns > 1) ARDM_TRY(bind_graph(&io->network, session, session->inference, extents, n_extents, coding));
    ardm_status status = bind_graph(&io->binding, session, session->tasks[task], extents, turns > 1 ? 2 : n_extents, coding);
    if (status != ARDM_OK) {
        ardm_binding_free(&io->network);
        return status;
    }
    io->items = items;
    io->rows = rows;
    io->parts = ardm_layout_parts(padded);
    io->turns = turns;
    io->symbols_each = ardm_layout_symbols(padded);
    ardm_binding *network = io->network ? io->network : io->binding;
    io->symbols = ardm_binding_input(network, "symbols");
    io->state = ardm_binding_input(network, "state");
    io->stage = ardm_binding_input(network, "stage");
    io->time = ardm_binding_input(network, "time");
    io->block = ardm_binding_input(network, "block");
    io->expert = ardm_binding_input(network, "expert");
    io->position = ardm_binding_input(network, "position");
    io->row = ardm_binding_input(network, "rows");
    io->target = ardm_binding_input(io->binding, "target");
    io->children = ardm_binding_input(io->binding, "children");
    io->number = ardm_binding_input(io->binding, "row");
    io->slot = ardm_binding_input(io->binding, "slot");
    io->coldness = ardm_binding_input(io->binding, "coldness");
    io->known = ardm_binding_input(io->binding, "known");
    return ARDM_OK;
}

/* Another binding, in place of the one that was not asked for longest where there are enough. */
static ardm_status bind_new(bound **out, ardm_session *session, int32_t task, const ardm_layout *padded, uint32_t items, uint32_t rows) {
    bound made = {task, *padded, {0}, 0};
    if (!session->bindings && !(session->bindings = calloc(MOST_BINDINGS, sizeof *session->bindings)))
        return ardm_fail(ARDM_ENOMEM, "no memory for bindings");
    bound *place = &session->bindings[session->n_bindings];
    if (session->n_bindings == MOST_BINDINGS) {
        place = session->bindings;
        for (uint32_t i = 1; i < MOST_BINDINGS; i++)
            if (session->bindings[i].used < place->used) place = &session->bindings[i];
        drop_binding(place);
        *place = session->bindings[--session->n_bindings];
        place = &session->bindings[session->n_bindings];
    }
    ARDM_TRY(bind_task(&made.io, session, task, padded, items, rows));
    *place = made;
    session->n_bindings++;
    *out = place;
    return ARDM_OK;
}

ardm_status ardm_session_call(ardm_call_io *out, ardm_session *session, int32_t task, const ardm_layout *layout, uint32_t items, uint32_t rows) {
    ardm_layout padded = padded_layout(session, layout);
    rows = power_from(16, rows);
    bound *found = NULL;
    for (uint32_t i = 0; i < session->n_bindings && !found; i++) {
        bound *b = &session->bindings[i];
        if (b->task == task && b->io.items == items && b->io.rows == rows && same_layout(&b->padded, &padded)) found = b;
    }
    if (!found) ARDM_TRY(bind_new(&found, session, task, &padded, items, rows));
    found->used = ++session->calls;
    *out = found->io;
    const size_t all = (size_t)out->items * out->rows, symbols = (size_t)out->items * out->symbols_each;
    const size_t targets = all * (task == ARDM_TASK_EVALUATE ? out->parts : 1);
    memset(out->symbols, 0, symbols * sizeof *out->symbols);
    memset(out->state, ARDM_VOID, symbols);
    for (size_t i = 0; out->position && i < symbols; i++) out->position[i] = (int32_t)(i % out->symbols_each);
    memset(out->stage, 0, out->items * sizeof *out->stage);
    memset(out->time, 0, out->items * sizeof *out->time);
    if (out->block) memset(out->block, 0, out->items * sizeof *out->block);
    if (out->expert) memset(out->expert, 0, out->items * sizeof *out->expert);
    for (size_t i = 0; i < all; i++) out->row[i] = -1;
    if (out->target) memset(out->target, 0, targets * sizeof *out->target);
    if (out->children)
        for (size_t i = 0; i < all; i++) out->children[i] = 1;
    if (out->number)
        for (size_t i = 0; i < all; i++) out->number[i] = -1;
    if (out->slot) memset(out->slot, 0, all * sizeof *out->slot);
    if (out->coldness) *out->coldness = 1;
    if (out->known) memset(out->known, 0, all * out->parts * sizeof *out->known);
    return ARDM_OK;
}

ardm_status ardm_session_run(const ardm_call_io *io, uint32_t turn) {
    static const char *const said[] = {"z", "centre"};
    if (!io->network) return ardm_run(io->binding);
    if (turn == 0) {
        ARDM_TRY(ardm_run(io->network));
        for (int i = 0; i < 2; i++)
            memcpy(ardm_binding_input(io->binding, said[i]), ardm_binding_output(io->network, said[i]),
                   (size_t)ardm_shape_bytes(ardm_binding_shape(io->network, said[i])));
    }
    int32_t *turns = ardm_binding_input(io->binding, "turn");
    for (uint32_t i = 0; i < io->items; i++) turns[i] = (int32_t)turn;
    return ardm_run(io->binding);
}
