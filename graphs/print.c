/* The text form, written; parse.c reads it. The order is fixed: states, constants, nodes, updates. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { MOST_LISTED = 64 }; /* longer constants are hexadecimal bytes */

/* Values without a label are numbered in the order in which they are printed. */
static uint32_t *number_values(const ardm_graph *graph) {
    uint32_t *numbers = calloc(graph->n_values + 1, sizeof *numbers), next = 0;
    if (!numbers) return NULL;
    for (uint32_t k = 0; k < graph->n_states; ++k)
        if (!graph->values[graph->states[k]].label) numbers[graph->states[k]] = next++;
    for (uint32_t k = 0; k < graph->n_values; ++k)
        if (graph->values[k].kind == ARDM_VALUE_CONSTANT && !graph->values[k].label) numbers[k] = next++;
    for (uint32_t k = 0; k < graph->n_nodes; ++k)
        for (uint32_t j = 0; j < graph->nodes[k].n_out; ++j)
            if (!graph->values[graph->nodes[k].out[j]].label) numbers[graph->nodes[k].out[j]] = next++;
    return numbers;
}

static ardm_status print_ref(ardm_bytes *out, const ardm_graph *graph, const uint32_t *numbers, ardm_value value) {
    if (value < 0) return ardm_bytes_printf(out, "-");
    if (graph->values[value].label) return ardm_bytes_printf(out, "%%%s", graph->values[value].label);
    return ardm_bytes_printf(out, "%%%" PRIu32, numbers[value]);
}

static ardm_status print_type(ardm_bytes *out, const ardm_graph *graph, ardm_value value) {
    char type[ARDM_MAX_TYPE];
    ARDM_TRY(ardm_graph__type_print(graph, &graph->values[value].shape, &graph->values[value].twin, type, sizeof type));
    return ardm_bytes_printf(out, "%s", type);
}

static ardm_status print_element(ardm_bytes *out, uint32_t dtype, const void *data, int64_t index) {
    char number[40];
    switch (dtype) {
    case ARDM_F32:
        snprintf(number, sizeof number, "%.9g", (double)((const float *)data)[index]);
        for (char *c = number; *c; ++c)
            if (*c == ',') *c = '.'; /* a program may have set a locale */
        break;
    case ARDM_I32:
        snprintf(number, sizeof number, "%" PRId32, ((const int32_t *)data)[index]);
        break;
    case ARDM_U8:
        snprintf(number, sizeof number, "%u", ((const uint8_t *)data)[index]);
        break;
    case ARDM_U16:
        snprintf(number, sizeof number, "%u", ((const uint16_t *)data)[index]);
        break;
    default:
        snprintf(number, sizeof number, "%" PRIu32, ((const uint32_t *)data)[index]);
        break;
    }
    return ardm_bytes_printf(out, "%s%s", index ? ", " : "", number);
}

static ardm_status print_constant(ardm_bytes *out, const ardm_graph__value *value) {
    int64_t count = ardm_shape_count(&value->shape);
    if (count > MOST_LISTED) {
        static const char digits[] = "0123456789abcdef";
        uint64_t bytes = ardm_shape_bytes(&value->shape);
        ARDM_TRY(ardm_bytes_printf(out, " \""));
        for (uint64_t k = 0; k < bytes; ++k) {
            uint8_t byte = ((const uint8_t *)value->data)[k];
            const char pair[2] = {digits[byte >> 4], digits[byte & 15]};
            ARDM_TRY(ardm_bytes_append(out, pair, 2));
        }
        return ardm_bytes_printf(out, "\"\n");
    }
    ARDM_TRY(ardm_bytes_printf(out, " {"));
    for (int64_t k = 0; k < count; ++k) ARDM_TRY(print_element(out, value->shape.dtype, value->data, k));
    return ardm_bytes_printf(out, "}\n");
}

static ardm_status print_node(ardm_bytes *out, const ardm_graph *graph, const uint32_t *numbers, const ardm_graph__node *node) {
    char attrs[8192];
    uint32_t n_in = node->n_in;
    while (n_in > 0 && node->in[n_in - 1] < 0) --n_in;
    ARDM_TRY(ardm_bytes_printf(out, "  "));
    for (uint32_t k = 0; k < node->n_out; ++k) {
        if (k) ARDM_TRY(ardm_bytes_printf(out, ", "));
        ARDM_TRY(print_ref(out, graph, numbers, node->out[k]));
    }
    ARDM_TRY(ardm_bytes_printf(out, " = %s", node->op->name));
    for (uint32_t k = 0; k < n_in; ++k) {
        ARDM_TRY(ardm_bytes_printf(out, k ? ", " : " "));
        ARDM_TRY(print_ref(out, graph, numbers, node->in[k]));
    }
    ARDM_TRY(ardm_attrs_print(attrs, sizeof attrs, node->op, node->attrs));
    ARDM_TRY(ardm_bytes_printf(out, "%s%s : ", attrs[0] ? " " : "", attrs));
    for (uint32_t k = 0; k < node->n_out; ++k) {
        if (k) ARDM_TRY(ardm_bytes_printf(out, ", "));
        ARDM_TRY(print_type(out, graph, node->out[k]));
    }
    return ardm_bytes_printf(out, "\n");
}

static ardm_status print_header(ardm_bytes *out, const ardm_graph *graph, const uint32_t *numbers) {
    ARDM_TRY(ardm_bytes_printf(out, "ardm graph 1\ngraph %s(", graph->name));
    for (uint32_t k = 0; k < graph->n_inputs; ++k) {
        ARDM_TRY(ardm_bytes_printf(out, "%s%%%s: ", k ? ", " : "", graph->values[graph->inputs[k]].label));
        ARDM_TRY(print_type(out, graph, graph->inputs[k]));
    }
    ARDM_TRY(ardm_bytes_printf(out, ")%s", graph->n_outputs ? " -> " : ""));
    for (uint32_t k = 0; k < graph->n_outputs; ++k) {
        const ardm_graph__output *output = &graph->outputs[k];
        const char *label = graph->values[output->value].label;
        if (k) ARDM_TRY(ardm_bytes_printf(out, ", "));
        if (!label || strcmp(label, output->name) != 0) ARDM_TRY(ardm_bytes_printf(out, "%s=", output->name));
        ARDM_TRY(print_ref(out, graph, numbers, output->value));
    }
    return ardm_bytes_printf(out, " {\n");
}

static ardm_status print_body(ardm_bytes *out, const ardm_graph *graph, const uint32_t *numbers) {
    for (uint32_t k = 0; k < graph->n_states; ++k) {
        ARDM_TRY(ardm_bytes_printf(out, "  "));
        ARDM_TRY(print_ref(out, graph, numbers, graph->states[k]));
        ARDM_TRY(ardm_bytes_printf(out, " = state "));
        ARDM_TRY(print_type(out, graph, graph->states[k]));
        ARDM_TRY(ardm_bytes_printf(out, " \"%s\"\n", graph->values[graph->states[k]].name));
    }
    for (uint32_t k = 0; k < graph->n_values; ++k) {
        if (graph->values[k].kind != ARDM_VALUE_CONSTANT) continue;
        ARDM_TRY(ardm_bytes_printf(out, "  "));
        ARDM_TRY(print_ref(out, graph, numbers, (ardm_value)k));
        ARDM_TRY(ardm_bytes_printf(out, " = constant "));
        ARDM_TRY(print_type(out, graph, (ardm_value)k));
        ARDM_TRY(print_constant(out, &graph->values[k]));
    }
    for (uint32_t k = 0; k < graph->n_nodes; ++k) ARDM_TRY(print_node(out, graph, numbers, &graph->nodes[k]));
    for (uint32_t k = 0; k < graph->n_updates; ++k) {
        ARDM_TRY(ardm_bytes_printf(out, "  update "));
        ARDM_TRY(print_ref(out, graph, numbers, graph->updates[k].state));
        ARDM_TRY(ardm_bytes_printf(out, ", "));
        ARDM_TRY(print_ref(out, graph, numbers, graph->updates[k].value));
        ARDM_TRY(ardm_bytes_printf(out, "\n"));
    }
    return ardm_bytes_printf(out, "}\n");
}

ardm_status ardm_graph_print(ardm_bytes *out, const ardm_graph *graph) {
    ARDM_TRY(ardm_graph_check(graph));
    uint32_t *numbers = number_values(graph);
    if (!numbers) return ardm_fail(ARDM_ENOMEM, "no memory to print a graph");
    ardm_status status = print_header(out, graph, numbers);
    if (status == ARDM_OK) status = print_body(out, graph, numbers);
    free(numbers);
    return status;
}

/* Values are boxes, nodes are ellipses, updates are dashed arrows. */
static ardm_status print_dot(ardm_bytes *out, const ardm_graph *graph, const uint32_t *numbers) {
    static const char *const shapes[] = {"", "invhouse", "note", "cylinder", "box"};
    ARDM_TRY(ardm_bytes_printf(out, "digraph \"%s\" {\n  node [fontname=\"monospace\"];\n", graph->name));
    for (uint32_t k = 0; k < graph->n_values; ++k) {
        if (graph->values[k].kind == 0) continue;
        ARDM_TRY(ardm_bytes_printf(out, "  v%" PRIu32 " [shape=%s, label=\"", k, shapes[graph->values[k].kind]));
        ARDM_TRY(print_ref(out, graph, numbers, (ardm_value)k));
        ARDM_TRY(ardm_bytes_printf(out, "\\n"));
        ARDM_TRY(print_type(out, graph, (ardm_value)k));
        ARDM_TRY(ardm_bytes_printf(out, "\"];\n"));
    }
    for (uint32_t k = 0; k < graph->n_nodes; ++k) {
        const ardm_graph__node *node = &graph->nodes[k];
        ARDM_TRY(ardm_bytes_printf(out, "  n%" PRIu32 " [label=\"%s\"];\n", k, node->op->name));
        for (uint32_t j = 0; j < node->n_in; ++j)
            if (node->in[j] >= 0) ARDM_TRY(ardm_bytes_printf(out, "  v%d -> n%" PRIu32 ";\n", node->in[j], k));
        for (uint32_t j = 0; j < node->n_out; ++j) ARDM_TRY(ardm_bytes_printf(out, "  n%" PRIu32 " -> v%d;\n", k, node->out[j]));
    }
    for (uint32_t k = 0; k < graph->n_updates; ++k)
        ARDM_TRY(ardm_bytes_printf(out, "  v%d -> v%d [style=dashed, label=\"update\"];\n", graph->updates[k].value, graph->updates[k].state));
    for (uint32_t k = 0; k < graph->n_outputs; ++k)
        ARDM_TRY(ardm_bytes_printf(out, "  o%" PRIu32 " [shape=house, label=\"%s\"];\n  v%d -> o%" PRIu32 ";\n", k, graph->outputs[k].name,
                                   graph->outputs[k].value, k));
    return ardm_bytes_printf(out, "}\n");
}

ardm_status ardm_graph_print_dot(ardm_bytes *out, const ardm_graph *graph) {
    ARDM_TRY(ardm_graph_check(graph));
    uint32_t *numbers = number_values(graph);
    if (!numbers) return ardm_fail(ARDM_ENOMEM, "no memory to print a graph");
    ardm_status status = print_dot(out, graph, numbers);
    free(numbers);
    return status;
}
