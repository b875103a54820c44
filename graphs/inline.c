/* Copying one graph's nodes into another: how a head is put behind a network that a model carries as text. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* The printed types must be the same: extents are compared by name. */
static ardm_status check_type(const ardm_graph *graph, ardm_value value, const ardm_graph *part, ardm_value expected, const char *what) {
    char a[ARDM_MAX_TYPE], b[ARDM_MAX_TYPE];
    ardm_graph_value_type(graph, value, a, sizeof a);
    ardm_graph_value_type(part, expected, b, sizeof b);
    if (strcmp(a, b) == 0) return ARDM_OK;
    return ardm_fail(ARDM_ESHAPE, "inline %s: %s is %s but %s is expected", part->name, what, a, b);
}

static ardm_value take_state(ardm_graph *graph, const ardm_graph *part, ardm_value value, ardm_status *status) {
    const char *name = part->values[value].name;
    char type[ARDM_MAX_TYPE];
    ardm_value found = ardm_graph__map_find(&graph->known, name, strlen(name));
    if (found < 0) return ardm_graph_state(graph, name, ardm_graph_value_type(part, value, type, sizeof type));
    if (graph->values[found].kind != ARDM_VALUE_STATE)
        *status = ardm_fail(ARDM_EEXIST, "inline %s: state %s is an input here", part->name, name);
    else
        *status = check_type(graph, found, part, value, name);
    return found;
}

static ardm_status inline_into(ardm_graph *graph, const ardm_graph *part, ardm_value *map, const ardm_value *inputs, ardm_value *outputs) {
    ardm_status status = ARDM_OK;
    for (uint32_t k = 0; k < part->n_inputs; ++k) {
        ardm_value input = inputs[k];
        if (input < 0 || input >= (ardm_value)graph->n_values)
            return ardm_fail(ARDM_EINVAL, "inline %s: input %s is missing", part->name, part->values[part->inputs[k]].name);
        ARDM_TRY(check_type(graph, input, part, part->inputs[k], part->values[part->inputs[k]].name));
        map[part->inputs[k]] = input;
    }
    for (uint32_t k = 0; k < part->n_states; ++k) {
        map[part->states[k]] = take_state(graph, part, part->states[k], &status);
        ARDM_TRY(status);
    }
    for (uint32_t k = 0; k < part->n_values; ++k)
        if (part->values[k].kind == ARDM_VALUE_CONSTANT) map[k] = ardm_graph__add_constant(graph, &part->values[k].shape, part->values[k].data, NULL);
    for (uint32_t k = 0; k < part->n_nodes && graph->status == ARDM_OK; ++k) {
        const ardm_graph__node *node = &part->nodes[k];
        ardm_value in[ARDM_MAX_OPERANDS], out[ARDM_MAX_OPERANDS];
        char attrs[8192];
        for (uint32_t j = 0; j < node->n_in; ++j) in[j] = node->in[j] < 0 ? -1 : map[node->in[j]];
        ARDM_TRY(ardm_attrs_print(attrs, sizeof attrs, node->op, node->attrs));
        ardm_graph__add_node(graph, out, node->op, in, node->n_in, attrs, strlen(attrs));
        for (uint32_t j = 0; j < node->n_out && graph->status == ARDM_OK; ++j) map[node->out[j]] = out[j];
    }
    ARDM_TRY(ardm_graph_check(graph));
    for (uint32_t k = 0; k < part->n_updates; ++k) ardm_graph_update(graph, map[part->updates[k].state], map[part->updates[k].value]);
    for (uint32_t k = 0; k < part->n_outputs; ++k) outputs[k] = map[part->outputs[k].value];
    return graph->status;
}

ardm_status ardm_graph_inline(ardm_graph *graph, const ardm_graph *part, const ardm_value *inputs, uint32_t n_inputs, ardm_value *outputs,
                              uint32_t n_outputs) {
    ARDM_TRY(ardm_graph_check(graph));
    ARDM_TRY(ardm_graph_check(part));
    ardm_value *map = NULL;
    ardm_status status = ARDM_OK;
    if (n_inputs != part->n_inputs || n_outputs != part->n_outputs)
        status = ardm_fail(ARDM_EINVAL, "inline %s: %u inputs and %u outputs are given; it has %u and %u", part->name, n_inputs, n_outputs,
                           part->n_inputs, part->n_outputs);
    if (status == ARDM_OK && graph == part) status = ardm_fail(ARDM_EINVAL, "inline: a graph into itself");
    if (status == ARDM_OK && !(map = malloc((part->n_values + 1) * sizeof *map))) status = ardm_fail(ARDM_ENOMEM, "inline: no memory");
    for (uint32_t k = 0; status == ARDM_OK && k < part->n_values; ++k) map[k] = -1;
    if (status == ARDM_OK) status = inline_into(graph, part, map, inputs, outputs);
    free(map);
    if (status != ARDM_OK) ardm_graph__broken(graph, status);
    return ardm_graph_check(graph);
}
