/* Folding by the reference, common subexpressions, dead nodes. None reassociates, distributes or cancels: same bits.
 * Values keep their numbers, so a caller's handles of inputs, states and outputs stay good; removed values have kind 0. */
#include <stdlib.h>
#include <string.h>

#include "../internal.h"

enum { MOST_FOLDED_BYTES = 1 << 20 };

static void replace(ardm_graph *graph, const ardm_value *by) {
    for (uint32_t k = 0; k < graph->n_nodes; ++k)
        for (uint32_t j = 0; j < graph->nodes[k].n_in; ++j)
            if (graph->nodes[k].in[j] >= 0) graph->nodes[k].in[j] = by[graph->nodes[k].in[j]];
    for (uint32_t k = 0; k < graph->n_outputs; ++k) graph->outputs[k].value = by[graph->outputs[k].value];
    for (uint32_t k = 0; k < graph->n_updates; ++k) graph->updates[k].value = by[graph->updates[k].value];
}

static int is_foldable(const ardm_graph *graph, const ardm_graph__node *node) {
    uint64_t bytes = 0;
    for (uint32_t k = 0; k < node->n_in; ++k)
        if (node->in[k] >= 0 && graph->values[node->in[k]].kind != ARDM_VALUE_CONSTANT) return 0;
    for (uint32_t k = 0; k < node->n_out; ++k) bytes += ardm_shape_bytes(&graph->values[node->out[k]].shape);
    return bytes <= MOST_FOLDED_BYTES;
}

/* Runs a node on constants; its outputs become constants. */
static ardm_status fold_node(ardm_graph *graph, const ardm_graph__node *node) {
    ardm_shape in_shapes[ARDM_MAX_OPERANDS], out_shapes[ARDM_MAX_OPERANDS];
    const void *in[ARDM_MAX_OPERANDS] = {NULL};
    void *out[ARDM_MAX_OPERANDS] = {NULL};
    ardm_call call;
    ardm_status status = ARDM_OK;
    ardm_graph__call(graph, node, &call, in_shapes, out_shapes);
    for (uint32_t k = 0; k < node->n_in; ++k) in[k] = node->in[k] < 0 ? NULL : graph->values[node->in[k]].data;
    for (uint32_t k = 0; k < node->n_out && status == ARDM_OK; ++k) {
        uint64_t bytes = ardm_shape_bytes(&out_shapes[k]);
        out[k] = calloc(1, bytes ? bytes : 1);
        if (!out[k]) status = ardm_fail(ARDM_ENOMEM, "fold: no memory for %llu bytes", (unsigned long long)bytes);
    }
    if (status == ARDM_OK && (node->op->flags & ARDM_OP_VIEW))
        memcpy(out[0], in[0], ardm_shape_bytes(&out_shapes[0]));
    else if (status == ARDM_OK)
        status = node->op->reference(&call, in, out);
    for (uint32_t k = 0; k < node->n_out; ++k) {
        if (status != ARDM_OK) {
            free(out[k]);
            continue;
        }
        graph->values[node->out[k]].kind = ARDM_VALUE_CONSTANT;
        graph->values[node->out[k]].data = out[k];
    }
    return status;
}

ardm_status ardm_graph__fold(ardm_graph *graph) {
    uint32_t kept = 0;
    ardm_status status = ARDM_OK;
    for (uint32_t k = 0; k < graph->n_nodes; ++k) {
        if (status == ARDM_OK && is_foldable(graph, &graph->nodes[k])) {
            status = fold_node(graph, &graph->nodes[k]);
            if (status == ARDM_OK) continue;
        }
        graph->nodes[kept++] = graph->nodes[k];
    }
    graph->n_nodes = kept;
    ardm_graph__renumber(graph);
    return status;
}

static int same_attrs(const ardm_graph__node *a, const ardm_graph__node *b) {
    for (uint32_t k = 0; k < a->op->n_attrs; ++k) {
        const ardm_attr_value *x = &a->attrs[k], *y = &b->attrs[k];
        int32_t type = (int32_t)a->op->attrs[k].type;
        if (type == ARDM_ATTR_INT && x->i != y->i) return 0;
        if (type == ARDM_ATTR_FLOAT && memcmp(&x->f, &y->f, sizeof x->f) != 0) return 0;
        if (type == ARDM_ATTR_TEXT && strcmp(x->s, y->s) != 0) return 0;
    }
    return 1;
}

static int same_node(const ardm_graph__node *a, const ardm_graph__node *b) {
    return a->op == b->op && a->n_in == b->n_in && memcmp(a->in, b->in, a->n_in * sizeof *a->in) == 0 && same_attrs(a, b);
}

static int same_constant(const ardm_graph__value *a, const ardm_graph__value *b) {
    return ardm_shape_equal(&a->shape, &b->shape) && memcmp(a->data, b->data, ardm_shape_bytes(&a->shape)) == 0;
}

static uint32_t mix(uint32_t hash, const void *data, size_t size) {
    for (size_t k = 0; k < size; ++k) hash = (hash ^ ((const uint8_t *)data)[k]) * 16777619u;
    return hash;
}

/* Every op is a pure function of operands and attributes (random ones take their seed as an operand), so two equal nodes
 * are one. A table of hashes chains nodes and constants alike. */
ardm_status ardm_graph__common(ardm_graph *graph) {
    uint32_t buckets = 64;
    while (buckets < graph->n_nodes + graph->n_values) buckets *= 2;
    int32_t *head = malloc(buckets * sizeof *head), *next = malloc((graph->n_nodes + graph->n_values + 1) * sizeof *next);
    ardm_value *by = malloc((graph->n_values + 1) * sizeof *by);
    ardm_status status = ARDM_OK;
    uint32_t kept = 0;
    if (!head || !next || !by) {
        status = ardm_fail(ARDM_ENOMEM, "common: no memory");
        goto done;
    }
    for (uint32_t k = 0; k < buckets; ++k) head[k] = -1;
    for (uint32_t k = 0; k < graph->n_values; ++k) {
        const ardm_graph__value *value = &graph->values[k];
        by[k] = (ardm_value)k;
        if (value->kind != ARDM_VALUE_CONSTANT) continue;
        uint32_t bucket = mix(2166136261u, value->data, ardm_shape_bytes(&value->shape)) & (buckets - 1);
        int32_t other = head[bucket];
        while (other >= 0 && !same_constant(value, &graph->values[other])) other = next[other];
        if (other >= 0) {
            by[k] = other;
            continue;
        }
        next[k] = head[bucket];
        head[bucket] = (int32_t)k;
    }
    for (uint32_t k = 0; k < buckets; ++k) head[k] = -1;
    for (uint32_t k = 0; k < graph->n_nodes; ++k) {
        ardm_graph__node *node = &graph->nodes[k];
        for (uint32_t j = 0; j < node->n_in; ++j)
            if (node->in[j] >= 0) node->in[j] = by[node->in[j]];
        uint32_t bucket = mix(mix(2166136261u, node->op->name, strlen(node->op->name)), node->in, node->n_in * sizeof *node->in) & (buckets - 1);
        int32_t other = head[bucket];
        while (other >= 0 && !same_node(node, &graph->nodes[other])) other = next[other];
        if (other >= 0) {
            for (uint32_t j = 0; j < node->n_out; ++j) by[node->out[j]] = graph->nodes[other].out[j];
            continue;
        }
        next[kept] = head[bucket];
        head[bucket] = (int32_t)kept;
        graph->nodes[kept++] = *node;
    }
    graph->n_nodes = kept;
    replace(graph, by);
    ardm_graph__renumber(graph);
done:
    free(head);
    free(next);
    free(by);
    return status;
}

static void need(uint8_t *used, ardm_value value) {
    if (value >= 0) used[value] = 1;
}

/* Labels of removed values are free again. */
static ardm_status drop_values(ardm_graph *graph, const uint8_t *used) {
    for (uint32_t k = 0; k < graph->n_values; ++k) {
        ardm_graph__value *value = &graph->values[k];
        if (used[k] || value->kind == ARDM_VALUE_INPUT || value->kind == ARDM_VALUE_STATE || value->kind == 0) continue;
        free(value->label);
        free(value->data);
        value->label = NULL;
        value->data = NULL;
        value->kind = 0;
    }
    ardm_graph__map_free(&graph->labels);
    for (uint32_t k = 0; k < graph->n_values; ++k)
        if (graph->values[k].label) ARDM_TRY(ardm_graph__map_add(&graph->labels, graph->values[k].label, (int32_t)k));
    return ARDM_OK;
}

ardm_status ardm_graph__dead(ardm_graph *graph) {
    uint8_t *used = calloc(graph->n_values + 1, 1);
    if (!used) return ardm_fail(ARDM_ENOMEM, "dead: no memory");
    for (uint32_t k = 0; k < graph->n_outputs; ++k) need(used, graph->outputs[k].value);
    for (uint32_t k = 0; k < graph->n_updates; ++k) need(used, graph->updates[k].value);
    uint32_t kept = graph->n_nodes;
    for (uint32_t k = graph->n_nodes; k-- > 0;) {
        ardm_graph__node *node = &graph->nodes[k];
        int live = 0;
        for (uint32_t j = 0; j < node->n_out; ++j) live |= used[node->out[j]];
        if (!live) continue;
        for (uint32_t j = 0; j < node->n_in; ++j) need(used, node->in[j]);
        for (uint32_t j = 0; j < node->n_out; ++j) used[node->out[j]] = 1; /* an output nobody reads lives with its node */
        graph->nodes[--kept] = *node;
    }
    if (kept < graph->n_nodes) memmove(graph->nodes, graph->nodes + kept, (graph->n_nodes - kept) * sizeof *graph->nodes);
    graph->n_nodes -= kept;
    ardm_graph__renumber(graph);
    ardm_status status = drop_values(graph, used);
    free(used);
    return status;
}

ardm_status ardm_graph_simplify(ardm_graph *graph) {
    ARDM_TRY(ardm_graph_check(graph));
    ARDM_TRY(ardm_graph__fold(graph));
    ARDM_TRY(ardm_graph__common(graph));
    return ardm_graph__dead(graph);
}
