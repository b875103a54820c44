/* A graph's memory, and reading it. builder.c appends to it. */
#include "ardm/graph.h"

#include <stdlib.h>
#include <string.h>

#include "internal.h"

ardm_status ardm_graph__grow(void **array, uint32_t count, uint32_t *capacity, size_t element) {
    if (count < *capacity) return ARDM_OK;
    uint32_t wider = *capacity ? 2 * *capacity : 16;
    void *grown = wider > *capacity && wider <= UINT32_C(1) << 24 ? realloc(*array, wider * element) : NULL;
    if (!grown) return ardm_fail(ARDM_ENOMEM, "no memory for a graph of %u elements", wider);
    *array = grown;
    *capacity = wider;
    return ARDM_OK;
}

int ardm_graph__is_identifier(const char *text, size_t length) {
    if (length == 0 || length > ARDM_MAX_NAME) return 0;
    for (size_t k = 0; k < length; ++k) {
        char c = text[k];
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (k == 0 || !((c >= '0' && c <= '9') || c == '.'))) return 0;
    }
    return 1;
}

char *ardm_graph__text_copy(const char *text, size_t length) {
    char *copy = malloc(length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

ardm_status ardm_graph_create(ardm_graph **out, const char *name) {
    *out = NULL;
    if (!ardm_graph__is_identifier(name, strlen(name))) return ardm_fail(ARDM_EINVAL, "\"%.40s\" is no name for a graph", name);
    ardm_graph *graph = calloc(1, sizeof *graph);
    if (!graph) return ardm_fail(ARDM_ENOMEM, "no memory for a graph");
    graph->name = ardm_graph__text_copy(name, strlen(name));
    if (!graph->name) {
        free(graph);
        return ardm_fail(ARDM_ENOMEM, "no memory for a graph");
    }
    *out = graph;
    return ARDM_OK;
}

void ardm_graph_free(ardm_graph **graph) {
    ardm_graph *old = *graph;
    if (!old) return;
    for (uint32_t k = 0; k < old->n_values; ++k) {
        free(old->values[k].label);
        free(old->values[k].name);
        free(old->values[k].data);
    }
    for (uint32_t k = 0; k < old->n_outputs; ++k) free(old->outputs[k].name);
    ardm_graph__map_free(&old->labels);
    ardm_graph__map_free(&old->known);
    free(old->values);
    free(old->nodes);
    free(old->inputs);
    free(old->states);
    free(old->outputs);
    free(old->updates);
    free(old->name);
    free(old);
    *graph = NULL;
}

/* Copies `count` elements into fresh memory of at least one element. */
static void *array_copy(const void *from, uint32_t count, size_t element, uint32_t *capacity) {
    *capacity = count ? count : 1;
    void *copy = malloc(*capacity * element);
    if (copy && count) memcpy(copy, from, count * element);
    return copy;
}

static ardm_status copy_value(ardm_graph *graph, ardm_value index, const ardm_graph__value *from) {
    ardm_graph__value *to = &graph->values[index];
    *to = *from;
    to->label = from->label ? ardm_graph__text_copy(from->label, strlen(from->label)) : NULL;
    to->name = from->name ? ardm_graph__text_copy(from->name, strlen(from->name)) : NULL;
    to->data = NULL;
    if (from->data) {
        uint64_t bytes = ardm_shape_bytes(&from->shape);
        to->data = malloc(bytes ? bytes : 1);
        if (to->data) memcpy(to->data, from->data, bytes);
    }
    if ((from->label && !to->label) || (from->name && !to->name) || (from->data && !to->data))
        return ardm_fail(ARDM_ENOMEM, "no memory for a copy of a graph");
    if (to->label) ARDM_TRY(ardm_graph__map_add(&graph->labels, to->label, index));
    return to->name ? ardm_graph__map_add(&graph->known, to->name, index) : ARDM_OK;
}

ardm_status ardm_graph_copy(ardm_graph **out, const ardm_graph *graph) {
    *out = NULL;
    ARDM_TRY(ardm_graph_check(graph));
    ardm_graph *copy = NULL;
    ARDM_TRY(ardm_graph_create(&copy, graph->name));
    memcpy(copy->names, graph->names, sizeof copy->names);
    memcpy(copy->slots, graph->slots, sizeof copy->slots);
    copy->n_names = graph->n_names;
    ardm_status status = ARDM_OK;
    copy->values = array_copy(NULL, 0, sizeof *copy->values * (graph->n_values ? graph->n_values : 1), &copy->cap_values);
    copy->cap_values = graph->n_values ? graph->n_values : 1;
    copy->nodes = array_copy(graph->nodes, graph->n_nodes, sizeof *copy->nodes, &copy->cap_nodes);
    copy->inputs = array_copy(graph->inputs, graph->n_inputs, sizeof *copy->inputs, &copy->cap_inputs);
    copy->states = array_copy(graph->states, graph->n_states, sizeof *copy->states, &copy->cap_states);
    copy->updates = array_copy(graph->updates, graph->n_updates, sizeof *copy->updates, &copy->cap_updates);
    copy->outputs = array_copy(NULL, 0, sizeof *copy->outputs * (graph->n_outputs ? graph->n_outputs : 1), &copy->cap_outputs);
    copy->cap_outputs = graph->n_outputs ? graph->n_outputs : 1;
    if (!copy->values || !copy->nodes || !copy->inputs || !copy->states || !copy->updates || !copy->outputs) {
        status = ardm_fail(ARDM_ENOMEM, "no memory for a copy of a graph");
        goto fail;
    }
    copy->n_nodes = graph->n_nodes;
    copy->n_inputs = graph->n_inputs;
    copy->n_states = graph->n_states;
    copy->n_updates = graph->n_updates;
    for (uint32_t k = 0; k < graph->n_values; ++k) {
        ++copy->n_values;
        if ((status = copy_value(copy, (ardm_value)k, &graph->values[k])) != ARDM_OK) goto fail;
    }
    for (uint32_t k = 0; k < graph->n_outputs; ++k) {
        copy->outputs[k] = graph->outputs[k];
        copy->outputs[k].name = ardm_graph__text_copy(graph->outputs[k].name, strlen(graph->outputs[k].name));
        ++copy->n_outputs;
        if (!copy->outputs[k].name) {
            status = ardm_fail(ARDM_ENOMEM, "no memory for a copy of a graph");
            goto fail;
        }
    }
    *out = copy;
    return ARDM_OK;
fail:
    ardm_graph_free(&copy);
    return status;
}

ardm_status ardm_graph_check(const ardm_graph *graph) {
    return graph->status == ARDM_OK ? ARDM_OK : ardm_fail(graph->status, "graph %s: %s", graph->name, graph->message);
}

void ardm_graph__renumber(ardm_graph *graph) {
    for (uint32_t k = 0; k < graph->n_values; ++k) graph->values[k].node = -1;
    for (uint32_t k = 0; k < graph->n_nodes; ++k)
        for (uint32_t j = 0; j < graph->nodes[k].n_out; ++j) graph->values[graph->nodes[k].out[j]].node = (int32_t)k;
}

void ardm_graph__call(const ardm_graph *graph, const ardm_graph__node *node, ardm_call *call, ardm_shape *in, ardm_shape *out) {
    for (uint32_t k = 0; k < node->n_in; ++k) in[k] = node->in[k] < 0 ? (ardm_shape){0} : graph->values[node->in[k]].shape;
    for (uint32_t k = 0; k < node->n_out; ++k) out[k] = graph->values[node->out[k]].shape;
    *call = (ardm_call){ARDM_OP_ABI, sizeof *call, node->op, node->n_in, node->n_out, in, out, node->attrs, node->in, node->out};
}

static const ardm_graph__value *value_at(const ardm_graph *graph, ardm_value value) {
    return value >= 0 && (uint32_t)value < graph->n_values ? &graph->values[value] : NULL;
}

uint32_t ardm_graph_value_count(const ardm_graph *graph) { return graph->n_values; }

int32_t ardm_graph_value_kind(const ardm_graph *graph, ardm_value value) {
    const ardm_graph__value *found = value_at(graph, value);
    return found ? found->kind : 0;
}

const char *ardm_graph_value_name(const ardm_graph *graph, ardm_value value) {
    const ardm_graph__value *found = value_at(graph, value);
    if (!found) return "";
    return found->name ? found->name : found->label ? found->label : "";
}

const ardm_shape *ardm_graph_value_shape(const ardm_graph *graph, ardm_value value) {
    const ardm_graph__value *found = value_at(graph, value);
    return found ? &found->shape : NULL;
}

const char *ardm_graph_value_type(const ardm_graph *graph, ardm_value value, char *out, size_t size) {
    const ardm_graph__value *found = value_at(graph, value);
    if (size > 0) out[0] = '\0';
    if (found && ardm_graph__type_print(graph, &found->shape, &found->twin, out, size) != ARDM_OK && size > 0) out[0] = '\0';
    return out;
}

ardm_value ardm_graph_find(const ardm_graph *graph, const char *name) {
    ardm_value value = ardm_graph__map_find(&graph->known, name, strlen(name));
    for (uint32_t k = 0; value < 0 && k < graph->n_outputs; ++k)
        if (strcmp(graph->outputs[k].name, name) == 0) value = graph->outputs[k].value;
    return value;
}

uint32_t ardm_graph_input_count(const ardm_graph *graph) { return graph->n_inputs; }
ardm_value ardm_graph_input_at(const ardm_graph *graph, uint32_t index) { return index < graph->n_inputs ? graph->inputs[index] : -1; }
uint32_t ardm_graph_state_count(const ardm_graph *graph) { return graph->n_states; }
ardm_value ardm_graph_state_at(const ardm_graph *graph, uint32_t index) { return index < graph->n_states ? graph->states[index] : -1; }
uint32_t ardm_graph_output_count(const ardm_graph *graph) { return graph->n_outputs; }
uint32_t ardm_graph_node_count(const ardm_graph *graph) { return graph->n_nodes; }
const ardm_op *ardm_graph_node_op(const ardm_graph *graph, uint32_t index) { return graph->nodes[index].op; }

const char *ardm_graph_output_at(const ardm_graph *graph, uint32_t index, ardm_value *value) {
    if (value) *value = index < graph->n_outputs ? graph->outputs[index].value : -1;
    return index < graph->n_outputs ? graph->outputs[index].name : NULL;
}
