/* Gradients are nodes: the graph is walked backwards and each op appends the nodes of its own gradient.
 *
 * Parameter gradients come as partials, one a group of items, that tree_sum folds (numerics.md 3). Where a parameter has
 * several uses their partials are added group by group before one tree_sum, so that any split of the batch over devices
 * adds the same numbers in the same order. */
#include <stdlib.h>
#include <string.h>

#include "../internal.h"

enum { NONE = 0, WHOLE = 1, PARTIAL = 2 };

typedef struct gradient {
    ardm_value value;
    int32_t form; /* PARTIAL: [G, shape of the value] */
} gradient;

typedef struct walk {
    ardm_graph *graph;
    gradient *of;    /* a value's gradient so far */
    uint8_t *needed; /* values on a path from what is asked for to the loss */
    uint32_t n;      /* values before any gradient node */
} walk;

static ardm_value emit(ardm_builder *builder, const char *op, const ardm_value *in, uint32_t n_in, const char *attrs, ardm_value *outs) {
    return ardm_graph_node(builder->self, outs, op, in, n_in, attrs ? "%s" : NULL, attrs);
}

/* A gradient must have its value's extents, or one axis of groups before them. */
static int form_of(const ardm_graph *graph, ardm_value dx, ardm_value x) {
    const ardm_shape *a = &graph->values[dx].shape, *b = &graph->values[x].shape;
    if (ardm_shape_equal(a, b) && ardm_shape_equal(&graph->values[dx].twin, &graph->values[x].twin)) return WHOLE;
    if (a->dtype != b->dtype || a->rank != b->rank + 1) return NONE;
    for (uint32_t axis = 0; axis < b->rank; ++axis)
        if (a->dim[axis + 1] != b->dim[axis]) return NONE;
    return PARTIAL;
}

static ardm_value fold(walk *w, gradient from) {
    if (from.form != PARTIAL) return from.value;
    return ardm_graph_node(w->graph, NULL, "tree_sum", &from.value, 1, NULL);
}

static ardm_status contribute(walk *w, const ardm_graph__node *node, ardm_value x, ardm_value dx) {
    ardm_graph *graph = w->graph;
    gradient *sum = &w->of[x], next = {dx, form_of(graph, dx, x)};
    if (next.form == NONE) {
        char a[ARDM_MAX_TYPE], b[ARDM_MAX_TYPE];
        return ardm_fail(ARDM_ESHAPE, "%s: an operand is %s but its gradient is %s", node->op->name, ardm_graph_value_type(graph, x, a, sizeof a),
                         ardm_graph_value_type(graph, dx, b, sizeof b));
    }
    /* An op that folded its own partials: take them back, the dead fold is dropped later. */
    int32_t producer = graph->values[dx].node;
    if (next.form == WHOLE && producer >= 0 && strcmp(graph->nodes[producer].op->name, "tree_sum") == 0 &&
        form_of(graph, graph->nodes[producer].in[0], x) == PARTIAL)
        next = (gradient){graph->nodes[producer].in[0], PARTIAL};
    if (sum->form == NONE) {
        *sum = next;
        return ARDM_OK;
    }
    if (sum->form != next.form || (next.form == PARTIAL && (graph->values[sum->value].shape.dim[0] != graph->values[next.value].shape.dim[0] ||
                                                            graph->values[sum->value].twin.dim[0] != graph->values[next.value].twin.dim[0]))) {
        *sum = (gradient){fold(w, *sum), WHOLE};
        next = (gradient){fold(w, next), WHOLE};
    }
    sum->value = ARDM_NODE(graph, "add", NULL, sum->value, next.value);
    return graph->status;
}

/* Marks what depends on `wrt`. */
static void mark(walk *w, const ardm_value *wrt, uint32_t n) {
    for (uint32_t k = 0; k < n; ++k) w->needed[wrt[k]] = 1;
    for (uint32_t k = 0; k < w->graph->n_nodes; ++k) {
        const ardm_graph__node *node = &w->graph->nodes[k];
        int needed = 0;
        for (uint32_t j = 0; j < node->n_in; ++j) needed |= node->in[j] >= 0 && w->needed[node->in[j]];
        if (node->op->flags & ARDM_OP_NO_GRADIENT) needed = 0;
        for (uint32_t j = 0; j < node->n_out; ++j)
            if (needed && w->graph->values[node->out[j]].shape.dtype == ARDM_F32) w->needed[node->out[j]] = 1;
    }
}

static ardm_status step(walk *w, const ardm_graph__node *node, ardm_builder *builder) {
    ardm_graph *graph = w->graph;
    ardm_shape in[ARDM_MAX_OPERANDS], out[ARDM_MAX_OPERANDS];
    ardm_value dy[ARDM_MAX_OPERANDS], dx[ARDM_MAX_OPERANDS];
    ardm_call call;
    int reached = 0, needed = 0;
    for (uint32_t k = 0; k < node->n_in; ++k) needed |= node->in[k] >= 0 && w->needed[node->in[k]];
    for (uint32_t k = 0; k < node->n_out; ++k) reached |= w->of[node->out[k]].form != NONE;
    if (!needed || !reached || (node->op->flags & ARDM_OP_NO_GRADIENT)) return ARDM_OK;
    for (uint32_t k = 0; k < node->n_out; ++k) {
        gradient *whole = &w->of[node->out[k]];
        if (whole->form == PARTIAL) *whole = (gradient){fold(w, *whole), WHOLE};
        dy[k] = whole->form == NONE ? -1 : whole->value;
    }
    for (uint32_t k = 0; k < node->n_in; ++k) dx[k] = -1;
    if (node->op->gradient) {
        ardm_graph__call(graph, node, &call, in, out);
        ARDM_TRY(node->op->gradient(builder, &call, dy, dx));
    } else if (node->op->flags & ARDM_OP_VIEW) {
        dx[0] = ARDM_NODE(graph, "reshape_like", NULL, dy[0], node->in[0]);
    } else {
        return ardm_fail(ARDM_EUNSUPPORTED, "op %s has no gradient, and one is needed", node->op->name);
    }
    ARDM_TRY(ardm_graph_check(graph));
    /* Last operand first, as with uses. */
    for (uint32_t k = node->n_in; k-- > 0;)
        if (dx[k] >= 0 && node->in[k] >= 0 && w->needed[node->in[k]]) ARDM_TRY(contribute(w, node, node->in[k], dx[k]));
    return ARDM_OK;
}

static ardm_status check(const ardm_graph *graph, ardm_value loss, ardm_value seed, const ardm_value *wrt, uint32_t n) {
    const ardm_shape scalar = {ARDM_F32, 0, {0}};
    for (uint32_t k = 0; k < n + 2; ++k) {
        ardm_value value = k < n ? wrt[k] : k == n ? loss : seed;
        if (value < 0 || (uint32_t)value >= graph->n_values || graph->values[value].kind == 0)
            return ardm_fail(ARDM_EINVAL, "differentiate: no such value");
        if (k >= n && !ardm_shape_equal(&graph->values[value].shape, &scalar))
            return ardm_fail(ARDM_ESHAPE, "differentiate: loss and seed are f32[]");
        if (graph->values[value].shape.dtype != ARDM_F32) return ardm_fail(ARDM_ESHAPE, "differentiate: with respect to integers");
    }
    return ARDM_OK;
}

ardm_status ardm_graph_differentiate(ardm_graph *graph, ardm_value loss, ardm_value seed, int64_t group, const ardm_value *wrt, uint32_t n,
                                     ardm_value *gradients) {
    ARDM_TRY(ardm_graph_check(graph));
    ARDM_TRY(check(graph, loss, seed, wrt, n));
    walk w = {graph, calloc(graph->n_values, sizeof *w.of), calloc(graph->n_values, 1), graph->n_values};
    ardm_builder builder = {ARDM_OP_ABI, sizeof builder, graph, emit, group};
    ardm_status status = w.of && w.needed ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "differentiate: no memory");
    uint32_t n_nodes = graph->n_nodes;
    if (status == ARDM_OK) {
        mark(&w, wrt, n);
        w.of[loss] = (gradient){seed, WHOLE};
    }
    for (uint32_t k = n_nodes; status == ARDM_OK && k-- > 0;) {
        const ardm_graph__node node = graph->nodes[k]; /* a copy: the array moves as nodes are added */
        status = step(&w, &node, &builder);
    }
    for (uint32_t k = 0; status == ARDM_OK && k < n; ++k) {
        gradients[k] = w.of[wrt[k]].form == NONE ? -1 : fold(&w, w.of[wrt[k]]);
        if (w.of[wrt[k]].form != NONE) w.of[wrt[k]] = (gradient){gradients[k], WHOLE};
    }
    if (status == ARDM_OK) status = graph->status;
    if (status != ARDM_OK) ardm_graph__broken(graph, status);
    free(w.of);
    free(w.needed);
    return ardm_graph_check(graph);
}
