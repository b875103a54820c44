/* Which values share memory, and from when to when each piece is needed.
 *
 * Reads of a state see its old value. A new state is written straight over the old one only where that is provable: the node
 * that makes it is the last reader, and either works element by element (every operand that is the old state has the result's
 * shape) or is an optimiser op, whose output k replaces its operand k. Otherwise the new value waits and is copied at the end. */
#include <string.h>

#include "plan.h"

static int32_t root_of(const ardm_plan *plan, int32_t slot) {
    while (plan->slots[slot].root != slot) slot = plan->slots[slot].root;
    return slot;
}

static void alias_views(ardm_plan *plan) {
    const ardm_graph *graph = plan->graph;
    for (uint32_t k = 0; k < graph->n_nodes; ++k)
        if (ardm_plan__is_view(&graph->nodes[k])) plan->slots[graph->nodes[k].out[0]].root = root_of(plan, graph->nodes[k].in[0]);
}

/* Positions of first write and last read. A view reads nothing. */
static void find_uses(ardm_plan *plan) {
    const ardm_graph *graph = plan->graph;
    for (uint32_t k = 0; k < graph->n_nodes; ++k) {
        const ardm_graph__node *node = &graph->nodes[k];
        if (ardm_plan__is_view(node)) continue;
        for (uint32_t j = 0; j < node->n_in; ++j)
            if (node->in[j] >= 0) plan->slots[root_of(plan, node->in[j])].last = k + 1;
        for (uint32_t j = 0; j < node->n_out; ++j) plan->slots[node->out[j]].first = plan->slots[node->out[j]].last = k + 1;
    }
}

static void set_where(ardm_plan *plan) {
    static const int32_t where[] = {ARDM_IN_NOTHING, ARDM_IN_INPUTS, ARDM_IN_CONSTANTS, ARDM_IN_STATE, ARDM_IN_ARENA};
    for (uint32_t k = 0; k < plan->graph->n_values; ++k) plan->slots[k].where = plan->used[k] ? where[plan->graph->values[k].kind] : ARDM_IN_NOTHING;
    /* An input that nothing reads still has its place in the block that is written. */
    for (uint32_t k = 0; k < plan->graph->n_inputs; ++k) plan->slots[plan->graph->inputs[k]].where = ARDM_IN_INPUTS;
}

/* A result that a node computes is computed inside the output block; what no node writes is copied there first of all. */
static ardm_status set_outputs(ardm_plan *plan) {
    const ardm_graph *graph = plan->graph;
    for (uint32_t k = 0; k < graph->n_outputs; ++k) {
        int32_t root = root_of(plan, graph->outputs[k].value);
        if (plan->slots[root].where == ARDM_IN_ARENA) plan->slots[root].where = ARDM_IN_OUTPUTS;
        plan->outputs[k] = root;
        if (plan->slots[root].where == ARDM_IN_OUTPUTS) continue;
        int32_t copy = ardm_plan__slot_add(plan, plan->slots[root].bytes, 0, 0);
        if (copy < 0) return ardm_fail(ARDM_ENOMEM, "no memory for a plan");
        plan->slots[copy].where = ARDM_IN_OUTPUTS;
        plan->outputs[k] = copy;
        plan->before[plan->n_before++] = (ardm_plan__copy){root, copy};
    }
    return ARDM_OK;
}

/* May node `k` write output `value` over `state` while it reads it? */
static int may_overwrite(const ardm_plan *plan, uint32_t k, ardm_value value, ardm_value state) {
    const ardm_graph__node *node = &plan->graph->nodes[k];
    uint32_t output = 0;
    while (node->out[output] != value) ++output;
    for (uint32_t j = 0; j < node->n_in; ++j) {
        if (node->in[j] < 0 || root_of(plan, node->in[j]) != state) continue;
        if ((node->op->flags & ARDM_OP_UPDATES) && j == output) continue;
        if ((node->op->flags & ARDM_OP_ELEMENTWISE) && ardm_shape_equal(&plan->nodes[k].call.in[j], &plan->nodes[k].call.out[output])) continue;
        return 0;
    }
    return 1;
}

static int is_updated(const ardm_graph *graph, ardm_value state) {
    for (uint32_t k = 0; k < graph->n_updates; ++k)
        if (graph->updates[k].state == state) return 1;
    return 0;
}

/* A value that becomes two states can stand in one of them only. */
static uint32_t updates_from(const ardm_plan *plan, int32_t root) {
    uint32_t count = 0;
    for (uint32_t k = 0; k < plan->graph->n_updates; ++k) count += root_of(plan, plan->graph->updates[k].value) == root;
    return count;
}

static ardm_status set_update(ardm_plan *plan, const ardm_graph__update *update, int in_place) {
    uint32_t end = plan->graph->n_nodes + 1;
    int32_t root = root_of(plan, update->value);
    ardm_plan__slot *slot = &plan->slots[root], *state = &plan->slots[update->state];
    if (root == update->state) return ARDM_OK;
    if (slot->where == ARDM_IN_ARENA) {
        int last_reader = state->last == slot->first && may_overwrite(plan, slot->first - 1, root, update->state);
        if (in_place && (state->last < slot->first || last_reader) && updates_from(plan, root) == 1) {
            slot->root = update->state;
            return ARDM_OK;
        }
        slot->last = end;
    } else if (slot->where == ARDM_IN_STATE && is_updated(plan->graph, root)) {
        /* States that change places: the old value is put aside before anything is written. */
        int32_t copy = ardm_plan__slot_add(plan, slot->bytes, 0, end);
        if (copy < 0) return ardm_fail(ARDM_ENOMEM, "no memory for a plan");
        plan->before[plan->n_before++] = (ardm_plan__copy){root, copy};
        root = copy;
    }
    plan->after[plan->n_after++] = (ardm_plan__copy){root, update->state};
    return ARDM_OK;
}

/* An element-by-element result takes the memory of an operand that dies with it. */
static void overwrite_operands(ardm_plan *plan) {
    const ardm_graph *graph = plan->graph;
    for (uint32_t k = 0; k < graph->n_nodes; ++k) {
        const ardm_graph__node *node = &graph->nodes[k];
        int32_t out = node->out[0];
        if (!(node->op->flags & ARDM_OP_ELEMENTWISE) || node->n_out != 1) continue;
        if (plan->slots[out].root != out || plan->slots[out].where != ARDM_IN_ARENA) continue;
        for (uint32_t j = 0; j < node->n_in; ++j) {
            int32_t in = node->in[j] < 0 ? -1 : root_of(plan, node->in[j]);
            if (in < 0 || plan->slots[in].where != ARDM_IN_ARENA || plan->slots[in].last != k + 1) continue;
            if (!ardm_shape_equal(&plan->nodes[k].call.in[j], &plan->nodes[k].call.out[0]) || !may_overwrite(plan, k, out, in)) continue;
            plan->slots[out].root = in;
            plan->slots[in].last = plan->slots[out].last;
            break;
        }
    }
}

ardm_status ardm_plan__lifetimes(ardm_plan *plan, int in_place) {
    alias_views(plan);
    find_uses(plan);
    set_where(plan);
    ARDM_TRY(set_outputs(plan));
    for (uint32_t k = 0; k < plan->graph->n_updates; ++k) ARDM_TRY(set_update(plan, &plan->graph->updates[k], in_place));
    if (in_place) overwrite_operands(plan);
    /* From here on a root is found in one step. */
    for (uint32_t k = 0; k < plan->n_slots; ++k) plan->slots[k].root = root_of(plan, (int32_t)k);
    return ARDM_OK;
}
