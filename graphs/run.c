/* Running: one write of all inputs, the list, one read of all outputs, which is the only wait. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "binding.h"

static ardm_value find_input(const ardm_binding *binding, const char *name) {
    ardm_value value = ardm_graph__map_find(&binding->graph->known, name, strlen(name));
    return value >= 0 && binding->graph->values[value].kind == ARDM_VALUE_INPUT ? value : -1;
}

static int32_t find_output(const ardm_binding *binding, const char *name) {
    for (uint32_t k = 0; k < binding->graph->n_outputs; ++k)
        if (strcmp(binding->graph->outputs[k].name, name) == 0) return (int32_t)k;
    return -1;
}

void *ardm_binding_input(ardm_binding *binding, const char *name) {
    ardm_value value = find_input(binding, name);
    return value < 0 ? NULL : binding->input_host + binding->plan->slots[value].offset;
}

const ardm_shape *ardm_binding_shape(const ardm_binding *binding, const char *name) {
    ardm_value value = find_input(binding, name);
    int32_t output = value < 0 ? find_output(binding, name) : -1;
    if (output >= 0) value = binding->graph->outputs[output].value;
    return value < 0 ? NULL : &binding->plan->value_shapes[value];
}

const void *ardm_binding_output(const ardm_binding *binding, const char *name) {
    int32_t output = find_output(binding, name);
    return output < 0 ? NULL : binding->output_host + binding->plan->slots[binding->plan->outputs[output]].offset;
}

const double *ardm_binding_output_double(const ardm_binding *binding, const char *name) {
    int32_t output = find_output(binding, name);
    if (output < 0 || !binding->oracle || ardm_binding_shape(binding, name)->dtype != ARDM_F32) return NULL;
    return binding->oracle->outputs[output];
}

static ardm_status write_inputs(ardm_binding *binding) {
    if (binding->plan->input_bytes == 0) return ARDM_OK;
    return ardm_queue_write(binding->device, binding->inputs, 0, binding->input_host, binding->plan->input_bytes);
}

/* Without outputs there is still a wait: the caller may fill the inputs again afterwards. */
static ardm_status read_outputs(ardm_binding *binding) {
    if (binding->plan->output_bytes == 0) return ardm_queue_finish(binding->device);
    return ardm_queue_read(binding->device, binding->outputs, 0, binding->output_host, binding->plan->output_bytes);
}

static ardm_status run_profiled(ardm_binding *binding) {
    uint32_t copies = binding->graph->n_nodes;
    memset(binding->seconds, 0, (copies + 1) * sizeof *binding->seconds);
    for (uint32_t k = 0; k < binding->n_entries; ++k) {
        const ardm_binding__entry *entry = &binding->entries[k];
        double begin = ardm_clock();
        ARDM_TRY(ardm_binding__run_entry(binding, entry));
        ARDM_TRY(ardm_queue_finish(binding->device));
        binding->seconds[entry->node == UINT32_MAX ? copies : entry->node] += ardm_clock() - begin;
    }
    return ARDM_OK;
}

ardm_status ardm_run(ardm_binding *binding) {
    if (binding->oracle) return ardm_binding__oracle_run(binding);
    ARDM_TRY(write_inputs(binding));
    if (binding->options.profile) {
        ARDM_TRY(ardm_queue_finish(binding->device));
        ARDM_TRY(run_profiled(binding));
    } else {
        for (uint32_t k = 0; k < binding->n_entries; ++k) ARDM_TRY(ardm_binding__run_entry(binding, &binding->entries[k]));
    }
    return read_outputs(binding);
}

/* Old values of the states that a run changes, so that the replay leaves no trace. */
static ardm_status swap_states(ardm_binding *binding, void **saved, int restore) {
    for (uint32_t k = 0; k < binding->graph->n_updates; ++k) {
        ardm_store__entry *state = binding->states[binding->graph->updates[k].state];
        uint64_t bytes = ardm_buffer_bytes(state->buffer);
        if (restore) {
            if (saved[k]) ARDM_TRY(ardm_queue_write(binding->device, state->buffer, 0, saved[k], bytes));
            continue;
        }
        saved[k] = malloc(bytes + 1);
        if (!saved[k]) return ardm_fail(ARDM_ENOMEM, "no memory to put %s aside", state->name);
        ardm_status status = ardm_queue_read(binding->device, state->buffer, 0, saved[k], bytes);
        if (status != ARDM_OK) {
            free(saved[k]);
            saved[k] = NULL;
            return status;
        }
    }
    return restore ? ardm_queue_finish(binding->device) : ARDM_OK;
}

static ardm_status test_node(ardm_binding *binding, uint32_t node, int *bad) {
    const ardm_graph__node *graph_node = &binding->graph->nodes[node];
    *bad = 0;
    for (uint32_t k = 0; k < graph_node->n_out && !*bad; ++k) {
        ardm_value value = graph_node->out[k];
        const ardm_shape *shape = &binding->plan->value_shapes[value];
        int64_t count = ardm_shape_count(shape);
        if (shape->dtype != ARDM_F32 || count == 0) continue;
        float *data = malloc((size_t)count * sizeof *data);
        if (!data) return ardm_fail(ARDM_ENOMEM, "no memory to look at a result");
        ardm_status status = ardm_queue_read(binding->device, ardm_binding__memory(binding, value), 0, data, ardm_shape_bytes(shape));
        for (int64_t j = 0; status == ARDM_OK && j < count; ++j) *bad |= !isfinite(data[j]);
        free(data);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

static ardm_status replay(ardm_binding *binding, char *node, size_t size) {
    ARDM_TRY(write_inputs(binding));
    for (uint32_t k = 0; k < binding->n_entries; ++k) {
        const ardm_binding__entry *entry = &binding->entries[k];
        int bad = 0, last = k + 1 == binding->n_entries || binding->entries[k + 1].node != entry->node;
        ARDM_TRY(ardm_binding__run_entry(binding, entry));
        if (entry->node == UINT32_MAX || !last) continue;
        ARDM_TRY(test_node(binding, entry->node, &bad));
        if (!bad) continue;
        const ardm_graph__node *found = &binding->graph->nodes[entry->node];
        const char *state = NULL; /* tells a reader where in the network that is */
        for (uint32_t j = 0; j < found->n_in && !state; ++j)
            if (found->in[j] >= 0 && binding->graph->values[found->in[j]].kind == ARDM_VALUE_STATE) state = binding->graph->values[found->in[j]].name;
        char type[ARDM_MAX_TYPE];
        snprintf(node, size, "node %u, %s%s%s : %s", entry->node, found->op->name, state ? " with " : "", state ? state : "",
                 ardm_graph_value_type(binding->graph, found->out[0], type, sizeof type));
        return ARDM_OK;
    }
    return ARDM_OK;
}

ardm_status ardm_binding_find_nonfinite(ardm_binding *binding, char *node, size_t size) {
    if (size > 0) node[0] = '\0';
    if (binding->oracle) return ardm_fail(ARDM_EUNSUPPORTED, "a run in doubles is not replayed");
    void **saved = calloc(binding->graph->n_updates + 1, sizeof *saved);
    if (!saved) return ardm_fail(ARDM_ENOMEM, "no memory for a replay");
    ardm_status status = swap_states(binding, saved, 0);
    if (status == ARDM_OK) status = replay(binding, node, size);
    ardm_status restored = swap_states(binding, saved, 1);
    for (uint32_t k = 0; k < binding->graph->n_updates; ++k) free(saved[k]);
    free(saved);
    return status == ARDM_OK ? restored : status;
}
