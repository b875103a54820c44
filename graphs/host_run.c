/* Running a plan without OpenCL: each op's C reference over the plan's memory, or, in tests, each op's double-precision oracle
 * with every value in memory of its own. */
#include <stdlib.h>
#include <string.h>

#include "binding.h"

static void *host_of(const ardm_binding *binding, ardm_value value) {
    ardm_buffer *memory = value < 0 ? NULL : ardm_binding__memory(binding, value);
    return memory ? ardm_buffer_host(memory) : NULL;
}

/* Pointers never change after recording, as kernel arguments do not. */
ardm_status ardm_binding__host_prepare(ardm_binding *binding) {
    const ardm_graph *graph = binding->graph;
    size_t total = 0;
    for (uint32_t k = 0; k < graph->n_nodes; ++k) total += graph->nodes[k].n_in + graph->nodes[k].n_out;
    ardm_binding__host_free(binding);
    binding->host_first = malloc((graph->n_nodes + 1) * sizeof *binding->host_first);
    binding->host_in = malloc((total + 1) * sizeof *binding->host_in);
    binding->host_out = malloc((total + 1) * sizeof *binding->host_out);
    if (!binding->host_first || !binding->host_in || !binding->host_out) return ardm_fail(ARDM_ENOMEM, "no memory for a binding");
    uint32_t next = 0;
    for (uint32_t k = 0; k < graph->n_nodes; ++k) {
        const ardm_graph__node *node = &graph->nodes[k];
        binding->host_first[k] = next;
        for (uint32_t j = 0; j < node->n_in; ++j) binding->host_in[next + j] = host_of(binding, node->in[j]);
        for (uint32_t j = 0; j < node->n_out; ++j) binding->host_out[next + j] = host_of(binding, node->out[j]);
        next += node->n_in + node->n_out;
    }
    return ARDM_OK;
}

ardm_status ardm_binding__host_node(ardm_binding *binding, uint32_t node) {
    const ardm_call *call = &binding->plan->nodes[node].call;
    uint32_t first = binding->host_first[node];
    ardm_status status = call->op->reference(call, binding->host_in + first, binding->host_out + first);
    return status == ARDM_OK ? ARDM_OK : ardm_fail_in(status, "node %u, %s", node, call->op->name);
}

void ardm_binding__host_free(ardm_binding *binding) {
    free(binding->host_first);
    free(binding->host_in);
    free(binding->host_out);
    binding->host_first = NULL;
    binding->host_in = NULL;
    binding->host_out = NULL;
}

/* f32 becomes double, everything else stays. */
static size_t element_bytes(const ardm_shape *shape) { return shape->dtype == ARDM_F32 ? sizeof(double) : ardm_dtype_bytes(shape->dtype); }

static void widen(void *to, const void *from, const ardm_shape *shape) {
    int64_t count = ardm_shape_count(shape);
    if (shape->dtype == ARDM_F32)
        for (int64_t k = 0; k < count; ++k) ((double *)to)[k] = ((const float *)from)[k];
    else
        memcpy(to, from, ardm_shape_bytes(shape));
}

static void narrow(void *to, const void *from, const ardm_shape *shape) {
    int64_t count = ardm_shape_count(shape);
    if (shape->dtype == ARDM_F32)
        for (int64_t k = 0; k < count; ++k) ((float *)to)[k] = (float)((const double *)from)[k];
    else
        memcpy(to, from, ardm_shape_bytes(shape));
}

ardm_status ardm_binding__oracle_create(ardm_binding *binding) {
    const ardm_graph *graph = binding->graph;
    ardm_binding__oracle *oracle = binding->oracle = calloc(1, sizeof *oracle);
    if (!oracle || !(oracle->values = calloc(graph->n_values + 1, sizeof *oracle->values)) ||
        !(oracle->versions = calloc(graph->n_values + 1, sizeof *oracle->versions)))
        return ardm_fail(ARDM_ENOMEM, "no memory for a run in doubles");
    if (!(oracle->outputs = calloc(graph->n_outputs + 1, sizeof *oracle->outputs))) return ardm_fail(ARDM_ENOMEM, "no memory for a run in doubles");
    for (uint32_t k = 0; k < graph->n_outputs; ++k) {
        const ardm_shape *shape = &binding->plan->value_shapes[graph->outputs[k].value];
        oracle->outputs[k] = calloc((size_t)ardm_shape_count(shape) + 1, element_bytes(shape));
        if (!oracle->outputs[k]) return ardm_fail(ARDM_ENOMEM, "no memory for a run in doubles");
    }
    for (uint32_t k = 0; k < graph->n_values; ++k) {
        const ardm_shape *shape = &binding->plan->value_shapes[k];
        if (graph->values[k].kind == 0) continue;
        oracle->values[k] = calloc((size_t)ardm_shape_count(shape) + 1, element_bytes(shape));
        if (!oracle->values[k]) return ardm_fail(ARDM_ENOMEM, "no memory for a run in doubles");
        if (graph->values[k].kind == ARDM_VALUE_CONSTANT) widen(oracle->values[k], graph->values[k].data, shape);
    }
    for (uint32_t k = 0; k < graph->n_nodes; ++k)
        if (!graph->nodes[k].op->oracle && !ardm_plan__is_view(&graph->nodes[k]))
            return ardm_fail(ARDM_EUNSUPPORTED, "op %s has no oracle", graph->nodes[k].op->name);
    return ARDM_OK;
}

/* A state keeps its doubles from run to run until somebody else writes it. */
static void load(ardm_binding *binding) {
    const ardm_graph *graph = binding->graph;
    ardm_binding__oracle *oracle = binding->oracle;
    for (uint32_t k = 0; k < graph->n_inputs; ++k) {
        ardm_value input = graph->inputs[k];
        widen(oracle->values[input], binding->input_host + binding->plan->slots[input].offset, &binding->plan->value_shapes[input]);
    }
    for (uint32_t k = 0; k < graph->n_values; ++k) {
        ardm_store__entry *state = binding->states[k];
        if (!state || oracle->versions[k] == state->version) continue;
        widen(oracle->values[k], ardm_buffer_host(state->buffer), &binding->plan->value_shapes[k]);
        oracle->versions[k] = state->version;
    }
}

static ardm_status run_oracle_node(ardm_binding *binding, uint32_t node) {
    const ardm_graph__node *graph_node = &binding->graph->nodes[node];
    const ardm_call *call = &binding->plan->nodes[node].call;
    void **values = binding->oracle->values;
    const void *in[ARDM_MAX_OPERANDS];
    void *out[ARDM_MAX_OPERANDS];
    for (uint32_t k = 0; k < graph_node->n_in; ++k) in[k] = graph_node->in[k] < 0 ? NULL : values[graph_node->in[k]];
    for (uint32_t k = 0; k < graph_node->n_out; ++k) out[k] = values[graph_node->out[k]];
    if (ardm_plan__is_view(graph_node)) {
        memcpy(out[0], in[0], (size_t)ardm_shape_count(&call->out[0]) * element_bytes(&call->out[0]));
        return ARDM_OK;
    }
    ardm_status status = call->op->oracle(call, in, out);
    return status == ARDM_OK ? ARDM_OK : ardm_fail_in(status, "node %u, %s in doubles", node, call->op->name);
}

/* All new states are taken before any is given its value. */
static ardm_status store_updates(ardm_binding *binding) {
    const ardm_graph *graph = binding->graph;
    void **values = binding->oracle->values;
    void **fresh = calloc(graph->n_updates + 1, sizeof *fresh);
    ardm_status status = fresh ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for a run in doubles");
    for (uint32_t k = 0; k < graph->n_updates && status == ARDM_OK; ++k) {
        ardm_value value = graph->updates[k].value;
        const ardm_shape *shape = &binding->plan->value_shapes[value];
        size_t bytes = (size_t)ardm_shape_count(shape) * element_bytes(shape);
        fresh[k] = malloc(bytes + 1);
        if (!fresh[k]) status = ardm_fail(ARDM_ENOMEM, "no memory for a run in doubles");
        if (fresh[k]) memcpy(fresh[k], values[value], bytes);
    }
    for (uint32_t k = 0; k < graph->n_updates && status == ARDM_OK; ++k) {
        ardm_value state = graph->updates[k].state;
        const ardm_shape *shape = &binding->plan->value_shapes[state];
        memcpy(values[state], fresh[k], (size_t)ardm_shape_count(shape) * element_bytes(shape));
        narrow(ardm_buffer_host(binding->states[state]->buffer), values[state], shape);
        binding->oracle->versions[state] = ++binding->states[state]->version;
    }
    for (uint32_t k = 0; fresh && k < graph->n_updates; ++k) free(fresh[k]);
    free(fresh);
    return status;
}

ardm_status ardm_binding__oracle_run(ardm_binding *binding) {
    const ardm_graph *graph = binding->graph;
    load(binding);
    for (uint32_t k = 0; k < graph->n_nodes; ++k) ARDM_TRY(run_oracle_node(binding, k));
    for (uint32_t k = 0; k < graph->n_outputs; ++k) {
        ardm_value value = graph->outputs[k].value;
        const ardm_shape *shape = &binding->plan->value_shapes[value];
        narrow(binding->output_host + binding->plan->slots[binding->plan->outputs[k]].offset, binding->oracle->values[value], shape);
        memcpy(binding->oracle->outputs[k], binding->oracle->values[value], (size_t)ardm_shape_count(shape) * element_bytes(shape));
    }
    return store_updates(binding);
}

void ardm_binding__oracle_free(ardm_binding *binding) {
    ardm_binding__oracle *oracle = binding->oracle;
    if (!oracle) return;
    for (uint32_t k = 0; oracle->values && k < binding->graph->n_values; ++k) free(oracle->values[k]);
    for (uint32_t k = 0; oracle->outputs && k < binding->graph->n_outputs; ++k) free(oracle->outputs[k]);
    free(oracle->outputs);
    free(oracle->values);
    free(oracle->versions);
    free(oracle);
    binding->oracle = NULL;
}
