/* Sessions: bindings by (task, extents), found again in a short list. */
#include "ardm/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"

typedef struct bound {
    int32_t task;
    ardm_layout padded;
    ardm_call_io io;
} bound;

typedef struct laid {
    ardm_layout layout;
    ardm_orders *orders;
} laid;

struct ardm_session {
    ardm_description description;
    char *process_text, *order_text, *suffix;
    ardm_process *process;
    ardm_order_family family;
    ardm_graph *inference, *tasks[5];
    ardm_store *store;
    uint64_t memory;
    bound *bindings;
    laid *orders;
    uint32_t n_bindings, n_orders;
};

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
    if (ardm_graph_input_count(graph) != (causal ? 6u : 5u))
        return ardm_fail(ARDM_EFORMAT, "the model's graph has %u inputs; its order '%s' fills %d", ardm_graph_input_count(graph), d->order,
                         causal ? 6 : 5);
    ardm_value z = -1;
    char type[96], wanted[64];
    if (ardm_graph_output_count(graph) == 0) return ardm_fail(ARDM_EFORMAT, "the model's graph has no output");
    (void)ardm_graph_output_at(graph, 0, &z);
    ardm_graph_value_type(graph, z, type, sizeof type);
    snprintf(wanted, sizeof wanted, "f32[N,R,%u]", ardm_session_digits(session));
    if (d->head == ARDM_HEAD_MIXTURE ? strncmp(type, "f32[N,R,", 8) != 0 : strcmp(type, wanted) != 0)
        return ardm_fail(ARDM_EFORMAT, "the model's graph gives %s; its head needs %s", type, d->head == ARDM_HEAD_MIXTURE ? "f32[N,R,3M]" : wanted);
    return ARDM_OK;
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
    if (status == ARDM_OK) status = ardm_graph_copy(&session->inference, inference);
    int32_t direct = description->head == ARDM_HEAD_DIRECT;
    if (status == ARDM_OK && !direct && ardm_process_stages(session->process) != 1)
        status = ardm_fail(ARDM_EFORMAT, "a head over whole symbols needs a process of one stage, not '%s'", session->process_text);
    if (status == ARDM_OK && session->family.kind == ARDM_ORDER_BLOCKS && ardm_process_stages(session->process) != 1)
        status = ardm_fail(ARDM_EFORMAT, "an order of blocks needs a process of one stage, not '%s'", session->process_text);
    if (status == ARDM_OK) status = check_graph(session, inference);
    if (status != ARDM_OK) ardm_session_free(&session);
    *out = session;
    return status;
}

void ardm_session_free(ardm_session **session) {
    ardm_session *s = *session;
    if (!s) return;
    for (uint32_t i = 0; i < s->n_bindings; i++) ardm_binding_free(&s->bindings[i].io.binding);
    for (uint32_t i = 0; i < s->n_orders; i++) ardm_orders_free(&s->orders[i].orders);
    for (int i = 0; i < 5; i++) ardm_graph_free(&s->tasks[i]);
    ardm_graph_free(&s->inference);
    ardm_process_free(&s->process);
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

uint32_t ardm_session_digits(const ardm_session *session) {
    return session->description.head == ARDM_HEAD_DIRECT ? ardm_process_logits(session->process) : ardm_process_classes(session->process);
}

ardm_layout ardm_session_layout(const ardm_session *session) {
    const ardm_description *d = &session->description;
    return (ardm_layout){d->rank, {d->extent[0], d->rank > 1 ? d->extent[1] : 0, 0}, d->channels};
}

static int32_t same_layout(const ardm_layout *a, const ardm_layout *b) {
    if (a->rank != b->rank || a->channels != b->channels) return 0;
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

static ardm_status bind_task(ardm_call_io *io, ardm_session *session, int32_t task, const ardm_layout *padded, uint32_t items, uint32_t rows) {
    if (!session->tasks[task])
        ARDM_TRY(
            ardm_objective_head(&session->tasks[task], session->inference, task, session->description.head, ardm_process_classes(session->process)));
    ardm_extent extents[4] = {{"N", items}, {"R", rows}};
    if (padded->rank == 2) {
        extents[2] = (ardm_extent){"H", padded->extent[0]};
        extents[3] = (ardm_extent){"W", padded->extent[1]};
    } else {
        extents[2] = (ardm_extent){"L", padded->extent[0]};
    }
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    options.suffix = session->suffix;
    options.memory = session->memory;
    ARDM_TRY(ardm_bind(&io->binding, session->tasks[task], session->store, extents, padded->rank == 2 ? 4 : 3, &options));
    if (task == ARDM_TASK_ENCODE || task == ARDM_TASK_DECODE) {
        ardm_status status = ardm_guard__binding(io->binding, ardm_session_device(session));
        if (status != ARDM_OK) {
            ardm_binding_free(&io->binding);
            return status;
        }
    }
    io->items = items;
    io->rows = rows;
    io->units = ardm_layout_units(padded);
    io->symbols = ardm_binding_input(io->binding, "symbols");
    io->state = ardm_binding_input(io->binding, "state");
    io->stage = ardm_binding_input(io->binding, "stage");
    io->time = ardm_binding_input(io->binding, "time");
    io->block = ardm_binding_input(io->binding, "block");
    io->row = ardm_binding_input(io->binding, "rows");
    io->target = ardm_binding_input(io->binding, "target");
    io->children = ardm_binding_input(io->binding, "children");
    io->number = ardm_binding_input(io->binding, "row");
    io->slot = ardm_binding_input(io->binding, "slot");
    io->coldness = ardm_binding_input(io->binding, "coldness");
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
    if (!found) {
        bound *grown = realloc(session->bindings, (session->n_bindings + 1) * sizeof *grown);
        if (!grown) return ardm_fail(ARDM_ENOMEM, "no memory for a binding");
        session->bindings = grown;
        found = &grown[session->n_bindings];
        *found = (bound){task, padded, {0}};
        ARDM_TRY(bind_task(&found->io, session, task, &padded, items, rows));
        session->n_bindings++;
    }
    *out = found->io;
    size_t all = (size_t)out->items * out->rows;
    memset(out->symbols, 0, (size_t)out->items * out->units * sizeof *out->symbols);
    memset(out->state, ARDM_VOID, (size_t)out->items * out->units);
    memset(out->stage, 0, out->items * sizeof *out->stage);
    memset(out->time, 0, out->items * sizeof *out->time);
    if (out->block) memset(out->block, 0, out->items * sizeof *out->block);
    for (size_t i = 0; i < all; i++) out->row[i] = -1;
    if (out->target) memset(out->target, 0, all * sizeof *out->target);
    if (out->children)
        for (size_t i = 0; i < all; i++) out->children[i] = 1;
    if (out->number)
        for (size_t i = 0; i < all; i++) out->number[i] = -1;
    if (out->slot) memset(out->slot, 0, all * sizeof *out->slot);
    if (out->coldness) *out->coldness = 1;
    return ARDM_OK;
}
