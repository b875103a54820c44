/* A plan given memory: the store's states, blocks for inputs, outputs and constants, arenas shared with the store's other bindings. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"

static ardm_status missing_state(const ardm_binding *binding, ardm_value value) {
    char type[ARDM_MAX_TYPE];
    return ardm_fail(ARDM_ENOTFOUND, "graph %s needs state %s, %s, which the store lacks", binding->graph->name, binding->graph->values[value].name,
                     ardm_graph_value_type(binding->graph, value, type, sizeof type));
}

/* "w" + suffix first, then "w". */
static ardm_status find_state(ardm_binding *binding, ardm_value value) {
    const char *name = binding->graph->values[value].name;
    ardm_store__entry *entry = NULL;
    if (binding->suffix) {
        ardm_bytes text = {0};
        ardm_status status = ardm_bytes_printf(&text, "%s%s", name, binding->suffix);
        if (status == ARDM_OK) entry = ardm_store__find(binding->store, (const char *)text.data);
        ardm_bytes_free(&text);
        ARDM_TRY(status);
    }
    if (!entry) entry = ardm_store__find(binding->store, name);
    if (!entry) return missing_state(binding, value);
    if (!ardm_shape_equal(&entry->shape, &binding->plan->value_shapes[value])) {
        char have[160], want[160];
        return ardm_fail(ARDM_ESHAPE, "state %s is %s in the store; graph %s takes %s", entry->name,
                         ardm_shape_text(&entry->shape, have, sizeof have), binding->graph->name,
                         ardm_shape_text(&binding->plan->value_shapes[value], want, sizeof want));
    }
    binding->states[value] = entry;
    return ARDM_OK;
}

static ardm_status find_states(ardm_binding *binding) {
    binding->states = calloc(binding->graph->n_values + 1, sizeof *binding->states);
    if (!binding->states) return ardm_fail(ARDM_ENOMEM, "no memory for a binding");
    for (uint32_t k = 0; k < binding->graph->n_states; ++k)
        if (binding->plan->used[binding->graph->states[k]]) ARDM_TRY(find_state(binding, binding->graph->states[k]));
    /* One state under two names would be written in two places. */
    for (uint32_t k = 0; k < binding->graph->n_updates; ++k)
        for (uint32_t j = 0; binding->suffix && j < binding->graph->n_states; ++j)
            if (binding->graph->states[j] != binding->graph->updates[k].state && binding->plan->used[binding->graph->states[j]] &&
                binding->states[binding->graph->states[j]] == binding->states[binding->graph->updates[k].state])
                return ardm_fail(ARDM_EINVAL, "with suffix %s two states of the graph are %s, and one is updated", binding->suffix,
                                 binding->states[binding->graph->updates[k].state]->name);
    return ARDM_OK;
}

static ardm_status upload_constants(ardm_binding *binding) {
    const ardm_plan *plan = binding->plan;
    if (plan->constant_bytes == 0) return ARDM_OK;
    uint8_t *staging = calloc(1, plan->constant_bytes);
    if (!staging) return ardm_fail(ARDM_ENOMEM, "no memory for constants");
    for (uint32_t k = 0; k < binding->graph->n_values; ++k)
        if (plan->slots[k].where == ARDM_IN_CONSTANTS && plan->slots[k].root == (int32_t)k)
            memcpy(staging + plan->slots[k].offset, binding->graph->values[k].data, plan->slots[k].bytes);
    ardm_status status = ardm_queue_write(binding->device, binding->constants, 0, staging, plan->constant_bytes);
    if (status == ARDM_OK) status = ardm_queue_finish(binding->device);
    free(staging);
    return status;
}

static ardm_status make_slot(ardm_binding *binding, uint32_t index) {
    const ardm_plan__slot *slot = &binding->plan->slots[index];
    ardm_buffer *parent = NULL;
    if (slot->root != (int32_t)index) return ARDM_OK;
    switch (slot->where) {
    case ARDM_IN_INPUTS:
        parent = binding->inputs;
        break;
    case ARDM_IN_OUTPUTS:
        parent = binding->outputs;
        break;
    case ARDM_IN_CONSTANTS:
        parent = binding->constants;
        break;
    case ARDM_IN_STATE:
        parent = binding->states[index]->buffer;
        break;
    case ARDM_IN_ARENA:
        parent = binding->arenas[slot->arena];
        break;
    default:
        return ARDM_OK;
    }
    return ardm_buffer_view(&binding->slots[index], parent, slot->offset, slot->bytes);
}

static ardm_status make_memory(ardm_binding *binding) {
    const ardm_plan *plan = binding->plan;
    /* An arena of nothing still gives empty values something to point at. */
    uint64_t bytes[ARDM_MAX_ARENAS] = {0};
    uint32_t n_arenas = plan->n_arenas ? plan->n_arenas : 1;
    for (uint32_t k = 0; k < plan->n_arenas; ++k) bytes[k] = plan->arena_bytes[k];
    ARDM_TRY(ardm_buffer_create(&binding->inputs, binding->device, plan->input_bytes));
    ARDM_TRY(ardm_buffer_create(&binding->outputs, binding->device, plan->output_bytes));
    ARDM_TRY(ardm_buffer_create(&binding->constants, binding->device, plan->constant_bytes));
    ARDM_TRY(ardm_store__arenas(binding->store, bytes, n_arenas, binding->arenas));
    binding->slots = calloc(plan->n_slots + 1, sizeof *binding->slots);
    binding->input_host = calloc(1, plan->input_bytes + 1);
    binding->output_host = calloc(1, plan->output_bytes + 1);
    if (!binding->slots || !binding->input_host || !binding->output_host) return ardm_fail(ARDM_ENOMEM, "no memory for a binding");
    for (uint32_t k = 0; k < plan->n_slots; ++k) ARDM_TRY(make_slot(binding, k));
    return upload_constants(binding);
}

static void free_memory(ardm_binding *binding) {
    ardm_binding__drop_entries(binding);
    ardm_binding__host_free(binding);
    ardm_binding__oracle_free(binding);
    for (uint32_t k = 0; binding->slots && k < binding->plan->n_slots; ++k) ardm_buffer_release(&binding->slots[k]);
    for (uint32_t k = 0; k < ARDM_MAX_ARENAS; ++k) ardm_buffer_release(&binding->arenas[k]);
    ardm_buffer_release(&binding->inputs);
    ardm_buffer_release(&binding->outputs);
    ardm_buffer_release(&binding->constants);
    free(binding->slots);
    free(binding->states);
    free(binding->input_host);
    free(binding->output_host);
    binding->slots = NULL;
    binding->states = NULL;
    binding->input_host = binding->output_host = NULL;
    ardm_plan__free(&binding->plan);
}

/* One attempt with the variants that are left. */
static ardm_status attempt(ardm_binding *binding, const ardm_extent *extents, uint32_t n_extents, ardm_plan__refused *refused) {
    ARDM_TRY(
        ardm_plan__create(&binding->plan, binding->graph, ardm_device_get_facts(binding->device), extents, n_extents, &binding->options, refused));
    ARDM_TRY(find_states(binding));
    ARDM_TRY(make_memory(binding));
    if (binding->options.oracle) return ardm_binding__oracle_create(binding);
    return ardm_binding__record(binding, refused);
}

static ardm_status copy_options(ardm_binding *binding, const ardm_bind_options *options) {
    ardm_bind_options *own = &binding->options;
    ARDM_TRY(ardm_bind_options__take(own, options));
    if (own->suffix && own->suffix[0]) binding->suffix = ardm_graph__text_copy(own->suffix, strlen(own->suffix));
    if (own->suffix && own->suffix[0] && !binding->suffix) return ardm_fail(ARDM_ENOMEM, "no memory for a binding");
    own->suffix = binding->suffix;
    if (own->oracle && !ardm_device_is_reference(binding->device))
        return ardm_fail(ARDM_EINVAL, "the oracles run on the reference device alone, not on %s", ardm_device_name(binding->device));
    return ARDM_OK;
}

static ardm_status bind(ardm_binding *binding, const ardm_graph *graph, const ardm_extent *extents, uint32_t n_extents,
                        const ardm_bind_options *options) {
    ardm_plan__refused refused = {NULL, 0, 0};
    ARDM_TRY(copy_options(binding, options));
    ARDM_TRY(ardm_graph__compiled_copy(&binding->graph, graph, &binding->options));
    ardm_status status = ARDM_EBUILD;
    for (;;) {
        uint32_t before = refused.count;
        status = attempt(binding, extents, n_extents, &refused);
        if (status != ARDM_EBUILD || refused.count == before) break;
        free_memory(binding);
    }
    free(refused.variants);
    binding->options.disable = binding->options.variant = NULL; /* borrowed for the call only */
    ARDM_TRY(status);
    binding->seconds = calloc(binding->graph->n_nodes + 1, sizeof *binding->seconds);
    return binding->seconds ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for a binding");
}

ardm_status ardm_bind(ardm_binding **out, const ardm_graph *graph, ardm_store *store, const ardm_extent *extents, uint32_t n_extents,
                      const ardm_bind_options *options) {
    *out = NULL;
    ardm_binding *binding = calloc(1, sizeof *binding);
    if (!binding) return ardm_fail(ARDM_ENOMEM, "no memory for a binding");
    binding->store = store;
    binding->device = ardm_store_device(store);
    ardm_status status = bind(binding, graph, extents, n_extents, options);
    if (status != ARDM_OK) {
        ardm_binding_free(&binding);
        return status;
    }
    *out = binding;
    return ARDM_OK;
}

void ardm_binding_free(ardm_binding **binding) {
    ardm_binding *old = *binding;
    if (!old) return;
    free_memory(old);
    ardm_graph_free(&old->graph);
    free(old->entries);
    free(old->seconds);
    free(old->suffix);
    free(old);
    *binding = NULL;
}

const ardm_plan_facts *ardm_binding_facts(const ardm_binding *binding) { return &binding->plan->facts; }

void ardm_binding_node(const ardm_binding *binding, uint32_t index, const ardm_op **op, const ardm_variant **variant) {
    assert(index < binding->graph->n_nodes);
    *op = binding->graph->nodes[index].op;
    *variant = binding->plan->nodes[index].variant;
}
