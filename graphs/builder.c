/* Appending to a graph. The first failure stays with the graph; what follows it does nothing. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

ardm_value ardm_graph__broken(ardm_graph *graph, ardm_status status) {
    if (graph->status == ARDM_OK && status != ARDM_OK) {
        graph->status = status;
        snprintf(graph->message, sizeof graph->message, "%s", ardm_message());
    }
    return -1;
}

ardm_status ardm_graph__canonical(float *data, int64_t count, int32_t least, const char *what) {
    for (int64_t k = 0; k < count; ++k) {
        uint32_t bits;
        memcpy(&bits, &data[k], sizeof bits);
        int32_t exponent = (int32_t)(bits >> 23 & 255);
        if (exponent == 255) return ardm_fail(ARDM_EINVAL, "%s: element %lld is not finite", what, (long long)k);
        if (exponent < 127 + least) data[k] = 0.0f;
    }
    return ARDM_OK;
}

ardm_status ardm_graph__set_label(ardm_graph *graph, ardm_value value, const char *label) {
    ardm_graph__value *labelled = &graph->values[value];
    if (ardm_graph__map_find(&graph->labels, label, strlen(label)) >= 0) return ardm_fail(ARDM_EEXIST, "%%%s is defined twice", label);
    labelled->label = ardm_graph__text_copy(label, strlen(label));
    if (!labelled->label) return ardm_fail(ARDM_ENOMEM, "no memory for a name");
    return ardm_graph__map_add(&graph->labels, labelled->label, value);
}

ardm_value ardm_graph__add_value(ardm_graph *graph, int32_t kind, const ardm_shape *shape, const ardm_shape *twin, const char *label) {
    ardm_status status = ardm_graph__grow((void **)&graph->values, graph->n_values, &graph->cap_values, sizeof *graph->values);
    if (status != ARDM_OK) return ardm_graph__broken(graph, status);
    ardm_value value = (ardm_value)graph->n_values++;
    graph->values[value] = (ardm_graph__value){.kind = kind, .shape = *shape, .twin = *twin, .node = -1};
    if (label && (status = ardm_graph__set_label(graph, value, label)) != ARDM_OK) return ardm_graph__broken(graph, status);
    return value;
}

/* Inputs and states share one space of names. */
static ardm_value add_named(ardm_graph *graph, int32_t kind, const char *name, const char *type, size_t type_length, const char *label) {
    ardm_shape shape, twin;
    ardm_status status = ardm_graph__type_parse(graph, type, type_length, &shape, &twin);
    if (status != ARDM_OK) return ardm_graph__broken(graph, ardm_fail_in(status, "%s", name));
    if (ardm_graph__map_find(&graph->known, name, strlen(name)) >= 0)
        return ardm_graph__broken(graph, ardm_fail(ARDM_EEXIST, "\"%s\" names two inputs or states", name));
    ardm_value value = ardm_graph__add_value(graph, kind, &shape, &twin, label);
    if (value < 0) return -1;
    char *copy = ardm_graph__text_copy(name, strlen(name));
    if (!copy) return ardm_graph__broken(graph, ardm_fail(ARDM_ENOMEM, "no memory for a name"));
    graph->values[value].name = copy;
    status = ardm_graph__map_add(&graph->known, copy, value);
    return status == ARDM_OK ? value : ardm_graph__broken(graph, status);
}

ardm_value ardm_graph__add_input(ardm_graph *graph, const char *name, const char *type, size_t type_length) {
    if (graph->status != ARDM_OK) return -1;
    if (!ardm_graph__is_identifier(name, strlen(name)))
        return ardm_graph__broken(graph, ardm_fail(ARDM_EINVAL, "\"%.40s\" is no name for an input", name));
    ardm_value value = add_named(graph, ARDM_VALUE_INPUT, name, type, type_length, name);
    if (value < 0) return -1;
    ardm_status status = ardm_graph__grow((void **)&graph->inputs, graph->n_inputs, &graph->cap_inputs, sizeof *graph->inputs);
    if (status != ARDM_OK) return ardm_graph__broken(graph, status);
    graph->inputs[graph->n_inputs++] = value;
    return value;
}

ardm_value ardm_graph__add_state(ardm_graph *graph, const char *name, const char *type, size_t type_length, const char *label) {
    if (graph->status != ARDM_OK) return -1;
    size_t length = strlen(name);
    int legal = length > 0 && length <= ARDM_MAX_NAME;
    for (size_t k = 0; k < length; ++k) legal &= (uint8_t)name[k] > 32 && (uint8_t)name[k] != 127 && name[k] != '"' && name[k] != '\\';
    if (!legal) return ardm_graph__broken(graph, ardm_fail(ARDM_EINVAL, "\"%.40s\" is no name for a state", name));
    ardm_value value = add_named(graph, ARDM_VALUE_STATE, name, type, type_length, label);
    if (value < 0) return -1;
    ardm_status status = ardm_graph__grow((void **)&graph->states, graph->n_states, &graph->cap_states, sizeof *graph->states);
    if (status != ARDM_OK) return ardm_graph__broken(graph, status);
    graph->states[graph->n_states++] = value;
    return value;
}

ardm_value ardm_graph_input(ardm_graph *graph, const char *name, const char *type) { return ardm_graph__add_input(graph, name, type, strlen(type)); }

ardm_value ardm_graph_state(ardm_graph *graph, const char *name, const char *type) {
    size_t length = strlen(name);
    int free_label = ardm_graph__is_identifier(name, length) && ardm_graph__map_find(&graph->labels, name, length) < 0;
    return ardm_graph__add_state(graph, name, type, strlen(type), free_label ? name : NULL);
}

ardm_value ardm_graph__add_constant(ardm_graph *graph, const ardm_shape *shape, const void *data, const char *label) {
    if (graph->status != ARDM_OK) return -1;
    uint64_t bytes = ardm_shape_bytes(shape);
    void *copy = calloc(1, bytes ? bytes : 1);
    if (!copy) return ardm_graph__broken(graph, ardm_fail(ARDM_ENOMEM, "no memory for a constant of %llu bytes", (unsigned long long)bytes));
    if (data && bytes) memcpy(copy, data, bytes);
    if (shape->dtype == ARDM_F32) {
        ardm_status status = ardm_graph__canonical(copy, ardm_shape_count(shape), -40, "a constant");
        if (status != ARDM_OK) {
            free(copy);
            return ardm_graph__broken(graph, status);
        }
    }
    ardm_value value = ardm_graph__add_value(graph, ARDM_VALUE_CONSTANT, shape, shape, label);
    if (value < 0) free(copy);
    if (value >= 0) graph->values[value].data = copy;
    return value;
}

ardm_value ardm_graph_constant(ardm_graph *graph, const char *type, const void *data) {
    ardm_shape shape, twin;
    if (graph->status != ARDM_OK) return -1;
    ardm_status status = ardm_graph__type_parse(graph, type, strlen(type), &shape, &twin);
    if (status == ARDM_OK && !ardm_shape_equal(&shape, &twin)) status = ardm_fail(ARDM_ESHAPE, "a constant's extents are numbers, not %s", type);
    if (status != ARDM_OK) return ardm_graph__broken(graph, ardm_fail_in(status, "constant"));
    return ardm_graph__add_constant(graph, &shape, data, NULL);
}

ardm_value ardm_graph_scalar(ardm_graph *graph, float value) {
    const ardm_shape shape = {ARDM_F32, 0, {0}};
    return ardm_graph__add_constant(graph, &shape, &value, NULL);
}

/* Infers at one nominal point: `twin` chooses which. */
static ardm_status infer(const ardm_graph *graph, const ardm_graph__node *node, int twin, ardm_shape *out) {
    ardm_shape in[ARDM_MAX_OPERANDS];
    for (uint32_t k = 0; k < node->n_in; ++k) {
        const ardm_graph__value *value = node->in[k] < 0 ? NULL : &graph->values[node->in[k]];
        in[k] = value ? (twin ? value->twin : value->shape) : (ardm_shape){0};
    }
    const ardm_call call = {ARDM_OP_ABI, sizeof call, node->op, node->n_in, node->n_out, in, NULL, node->attrs, NULL, NULL};
    return ardm_call_check(&call, out);
}

ardm_value ardm_graph__add_node(ardm_graph *graph, ardm_value *outs, const ardm_op *op, const ardm_value *in, uint32_t n_in, const char *attrs,
                                size_t attrs_length) {
    ardm_graph__node node = {.op = op, .n_in = n_in, .n_out = op->n_outputs};
    ardm_shape shapes[ARDM_MAX_OPERANDS], twins[ARDM_MAX_OPERANDS];
    ardm_status status;
    if (n_in > ARDM_MAX_OPERANDS || op->n_outputs > ARDM_MAX_OPERANDS) {
        status = ardm_fail(ARDM_ESHAPE, "%s: %u operands; the most is %d", op->name, n_in, ARDM_MAX_OPERANDS);
        goto fail;
    }
    for (uint32_t k = 0; k < n_in; ++k) {
        node.in[k] = in[k];
        if (in[k] < -1 || in[k] >= (ardm_value)graph->n_values || (in[k] >= 0 && graph->values[in[k]].kind == 0)) {
            status = ardm_fail(ARDM_EINVAL, "%s: operand %u is no value of this graph", op->name, k);
            goto fail;
        }
    }
    /* Absent operands at the end are made explicit, so that an op may look at each of its ports. */
    for (; node.n_in < op->n_inputs && (op->inputs[node.n_in].flags & ARDM_PORT_OPTIONAL); ++node.n_in) node.in[node.n_in] = -1;
    if ((status = ardm_attrs_parse(node.attrs, op, attrs, attrs_length)) != ARDM_OK) goto fail;
    if ((status = infer(graph, &node, 0, shapes)) != ARDM_OK || (status = infer(graph, &node, 1, twins)) != ARDM_OK) goto fail;
    for (uint32_t k = 0; k < node.n_out; ++k)
        if ((status = ardm_graph__type_check(graph, &shapes[k], &twins[k])) != ARDM_OK) {
            ardm_fail_in(status, "%s: output %s", op->name, op->outputs[k].name);
            goto fail;
        }
    if ((status = ardm_graph__grow((void **)&graph->nodes, graph->n_nodes, &graph->cap_nodes, sizeof *graph->nodes)) != ARDM_OK) goto fail;
    for (uint32_t k = 0; k < node.n_out; ++k) {
        node.out[k] = ardm_graph__add_value(graph, ARDM_VALUE_LOCAL, &shapes[k], &twins[k], NULL);
        if (node.out[k] < 0) return -1;
        graph->values[node.out[k]].node = (int32_t)graph->n_nodes;
        if (outs) outs[k] = node.out[k];
    }
    graph->nodes[graph->n_nodes++] = node;
    return node.out[0];
fail:
    return ardm_graph__broken(graph, status);
}

ardm_value ardm_graph_node(ardm_graph *graph, ardm_value *outs, const char *op, const ardm_value *in, uint32_t n_in, const char *attrs, ...) {
    char text[2048] = "";
    const ardm_op *found = ardm_op_find(op);
    for (uint32_t k = 0; outs && found && k < found->n_outputs; ++k) outs[k] = -1;
    if (graph->status != ARDM_OK) return -1;
    if (!found) return ardm_graph__broken(graph, ardm_fail(ARDM_ENOTFOUND, "no op is called \"%.60s\"", op));
    if (attrs) {
        va_list arguments;
        va_start(arguments, attrs);
        int written = vsnprintf(text, sizeof text, attrs, arguments);
        va_end(arguments);
        if (written < 0 || (size_t)written >= sizeof text)
            return ardm_graph__broken(graph,
                                      ardm_fail(ARDM_EINVAL, "%s: attributes of %d characters; the most is %zu", op, written, sizeof text - 1));
    }
    return ardm_graph__add_node(graph, outs, found, in, n_in, text, strlen(text));
}

static int same_type(const ardm_graph *graph, ardm_value a, ardm_value b) {
    return ardm_shape_equal(&graph->values[a].shape, &graph->values[b].shape) && ardm_shape_equal(&graph->values[a].twin, &graph->values[b].twin);
}

static int is_value(const ardm_graph *graph, ardm_value value) {
    return value >= 0 && (uint32_t)value < graph->n_values && graph->values[value].kind != 0;
}

void ardm_graph_update(ardm_graph *graph, ardm_value state, ardm_value value) {
    ardm_status status = graph->status;
    char a[ARDM_MAX_TYPE], b[ARDM_MAX_TYPE];
    if (status != ARDM_OK) return;
    if (!is_value(graph, state) || !is_value(graph, value) || graph->values[state].kind != ARDM_VALUE_STATE)
        status = ardm_fail(ARDM_EINVAL, "update takes a state and a value of this graph");
    else if (!same_type(graph, state, value))
        status = ardm_fail(ARDM_ESHAPE, "update: state %s is %s but its new value is %s", graph->values[state].name,
                           ardm_graph_value_type(graph, state, a, sizeof a), ardm_graph_value_type(graph, value, b, sizeof b));
    for (uint32_t k = 0; status == ARDM_OK && k < graph->n_updates; ++k)
        if (graph->updates[k].state == state) status = ardm_fail(ARDM_EEXIST, "state %s is updated twice", graph->values[state].name);
    if (status == ARDM_OK) status = ardm_graph__grow((void **)&graph->updates, graph->n_updates, &graph->cap_updates, sizeof *graph->updates);
    if (status == ARDM_OK) graph->updates[graph->n_updates++] = (ardm_graph__update){state, value};
    ardm_graph__broken(graph, status);
}

void ardm_graph_output(ardm_graph *graph, const char *name, ardm_value value) {
    ardm_status status = graph->status;
    if (status != ARDM_OK) return;
    if (!is_value(graph, value) || !ardm_graph__is_identifier(name, strlen(name)))
        status = ardm_fail(ARDM_EINVAL, "output \"%.40s\": no such value, or no name for an output", name);
    for (uint32_t k = 0; status == ARDM_OK && k < graph->n_outputs; ++k)
        if (strcmp(graph->outputs[k].name, name) == 0) status = ardm_fail(ARDM_EEXIST, "two outputs are called %s", name);
    if (status == ARDM_OK) status = ardm_graph__grow((void **)&graph->outputs, graph->n_outputs, &graph->cap_outputs, sizeof *graph->outputs);
    char *copy = status == ARDM_OK ? ardm_graph__text_copy(name, strlen(name)) : NULL;
    if (status == ARDM_OK && !copy) status = ardm_fail(ARDM_ENOMEM, "no memory for a name");
    if (status == ARDM_OK) graph->outputs[graph->n_outputs++] = (ardm_graph__output){copy, value};
    ardm_graph__broken(graph, status);
}
