/* Compiling: concrete shapes, variants and their launches, memory. No OpenCL here, so a plan can be shown before a device is asked. */
#include "plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

ardm_status ardm_bind_options__take(ardm_bind_options *out, const ardm_bind_options *options) {
    *out = (ardm_bind_options)ARDM_BIND_OPTIONS_INIT;
    if (!options) return ARDM_OK;
    if (options->size < sizeof(uint32_t) || options->size > sizeof *out)
        return ardm_fail(ARDM_EINVAL, "bind options of %u bytes; this library knows %zu", options->size, sizeof *out);
    memcpy(out, options, options->size);
    out->size = sizeof *out;
    if (out->numerics != ARDM_EXACT && out->numerics != ARDM_FAST) return ardm_fail(ARDM_EINVAL, "numerics are exact or fast");
    return ARDM_OK;
}

int ardm_plan__is_view(const ardm_graph__node *node) { return (node->op->flags & ARDM_OP_VIEW) != 0; }

int32_t ardm_plan__slot_add(ardm_plan *plan, uint64_t bytes, uint32_t first, uint32_t last) {
    if (ardm_graph__grow((void **)&plan->slots, plan->n_slots, &plan->cap_slots, sizeof *plan->slots) != ARDM_OK) return -1;
    plan->slots[plan->n_slots] = (ardm_plan__slot){(int32_t)plan->n_slots, ARDM_IN_ARENA, 0, 0, bytes, first, last};
    return (int32_t)plan->n_slots++;
}

static ardm_status allocate(ardm_plan *plan) {
    const ardm_graph *graph = plan->graph;
    size_t operands = 0;
    for (uint32_t k = 0; k < graph->n_nodes; ++k) operands += graph->nodes[k].n_in + graph->nodes[k].n_out;
    plan->value_shapes = calloc(graph->n_values + 1, sizeof *plan->value_shapes);
    plan->shapes = calloc(operands + 1, sizeof *plan->shapes);
    plan->nodes = calloc(graph->n_nodes + 1, sizeof *plan->nodes);
    plan->before = calloc(graph->n_updates + graph->n_outputs + 1, sizeof *plan->before);
    plan->after = calloc(graph->n_updates + 1, sizeof *plan->after);
    plan->outputs = calloc(graph->n_outputs + 1, sizeof *plan->outputs);
    plan->used = calloc(graph->n_values + 1, 1);
    if (!plan->value_shapes || !plan->shapes || !plan->nodes || !plan->before || !plan->after || !plan->outputs || !plan->used)
        return ardm_fail(ARDM_ENOMEM, "no memory for the plan of %u nodes", graph->n_nodes);
    return ARDM_OK;
}

static void mark_used(ardm_plan *plan) {
    const ardm_graph *graph = plan->graph;
    for (uint32_t k = 0; k < graph->n_nodes; ++k) {
        for (uint32_t j = 0; j < graph->nodes[k].n_in; ++j)
            if (graph->nodes[k].in[j] >= 0) plan->used[graph->nodes[k].in[j]] = 1;
        for (uint32_t j = 0; j < graph->nodes[k].n_out; ++j) plan->used[graph->nodes[k].out[j]] = 1;
    }
    for (uint32_t k = 0; k < graph->n_outputs; ++k) plan->used[graph->outputs[k].value] = 1;
    for (uint32_t k = 0; k < graph->n_updates; ++k) plan->used[graph->updates[k].state] = plan->used[graph->updates[k].value] = 1;
}

/* Declared values take the extents, the ops infer the rest. */
static ardm_status shape_values(ardm_plan *plan, const ardm_extent *extents, uint32_t n_extents) {
    const ardm_graph *graph = plan->graph;
    ardm_shape *next = plan->shapes;
    for (uint32_t k = 0; k < graph->n_values; ++k) {
        const ardm_graph__value *value = &graph->values[k];
        if (value->kind == 0 || value->kind == ARDM_VALUE_LOCAL) continue;
        ardm_status status = ardm_graph__type_at(graph, &value->shape, &value->twin, extents, n_extents, &plan->value_shapes[k]);
        if (status != ARDM_OK) return ardm_fail_in(status, "%s", value->name ? value->name : "constant");
    }
    for (uint32_t k = 0; k < graph->n_nodes; ++k) {
        const ardm_graph__node *node = &graph->nodes[k];
        ardm_shape *in = next, *out = next + node->n_in;
        next += node->n_in + node->n_out;
        for (uint32_t j = 0; j < node->n_in; ++j) in[j] = node->in[j] < 0 ? (ardm_shape){0} : plan->value_shapes[node->in[j]];
        plan->nodes[k].call = (ardm_call){ARDM_OP_ABI, sizeof(ardm_call), node->op, node->n_in, node->n_out, in, out, node->attrs, NULL, NULL};
        ARDM_TRY(ardm_call_check(&plan->nodes[k].call, out));
        for (uint32_t j = 0; j < node->n_out; ++j) plan->value_shapes[node->out[j]] = out[j];
    }
    for (uint32_t k = 0; k < graph->n_updates; ++k)
        if (!ardm_shape_equal(&plan->value_shapes[graph->updates[k].state], &plan->value_shapes[graph->updates[k].value]))
            return ardm_fail(ARDM_ESHAPE, "update: at these extents state %s and its new value differ in shape",
                             graph->values[graph->updates[k].state].name);
    for (uint32_t k = 0; k < graph->n_values; ++k)
        if (ardm_plan__slot_add(plan, ardm_shape_bytes(&plan->value_shapes[k]), 0, 0) < 0) return ardm_fail(ARDM_ENOMEM, "no memory for a plan");
    return ARDM_OK;
}

typedef struct recording {
    ardm_recorder recorder; /* first, so that the callbacks find the rest */
    ardm_plan *plan;
    uint32_t node;
} recording;

static int32_t add_workspace(ardm_recorder *recorder, uint64_t bytes, uint32_t *index) {
    recording *record = recorder->self;
    ardm_plan__node *node = &record->plan->nodes[record->node];
    int32_t slot = ardm_plan__slot_add(record->plan, bytes, record->node + 1, record->node + 1);
    if (slot < 0) return ardm_fail(ARDM_ENOMEM, "no memory for a plan");
    *index = node->n_work++;
    return ARDM_OK;
}

static ardm_status check_operand(const recording *record, const ardm_operand *operand) {
    const ardm_plan__node *node = &record->plan->nodes[record->node];
    uint32_t most = operand->kind == ARDM_OPERAND_IN ? node->call.n_in : operand->kind == ARDM_OPERAND_OUT ? node->call.n_out : node->n_work;
    if (operand->kind == ARDM_OPERAND_I32 || operand->kind == ARDM_OPERAND_F32) return ARDM_OK;
    if (operand->kind < ARDM_OPERAND_IN || operand->kind > ARDM_OPERAND_WORK || operand->index >= most)
        return ardm_fail(ARDM_EINVAL, "%s: a launch names operand %u of kind %u, which the call lacks", node->call.op->name, operand->index,
                         operand->kind);
    return ARDM_OK;
}

static ardm_status append_step(recording *record, const ardm_plan__step *from, const ardm_operand *operands) {
    ardm_plan *plan = record->plan;
    for (uint32_t k = 0; k < from->launch.n_operands; ++k) ARDM_TRY(check_operand(record, &operands[k]));
    ARDM_TRY(ardm_graph__grow((void **)&plan->steps, plan->n_steps, &plan->cap_steps, sizeof *plan->steps));
    ardm_plan__step *step = &plan->steps[plan->n_steps++];
    *step = *from;
    const char *kernel = from->launch.kernel ? from->launch.kernel : "", *options = from->launch.options ? from->launch.options : "";
    step->launch.kernel = ardm_graph__text_copy(kernel, strlen(kernel));
    step->launch.options = ardm_graph__text_copy(options, strlen(options));
    ardm_operand *copy = malloc((from->launch.n_operands + 1) * sizeof *copy);
    if (copy && from->launch.n_operands) memcpy(copy, operands, from->launch.n_operands * sizeof *copy);
    step->launch.operands = copy;
    return step->launch.kernel && step->launch.options && copy ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for a plan");
}

static int32_t add_launch(ardm_recorder *recorder, const ardm_step *launch) {
    recording *record = recorder->self;
    const char *op = record->plan->nodes[record->node].call.op->name;
    if (launch->dimensions < 1 || launch->dimensions > 3) return ardm_fail(ARDM_EINVAL, "%s: a launch of %u dimensions", op, launch->dimensions);
    for (uint32_t axis = 0; axis < launch->dimensions; ++axis)
        if (launch->global[axis] == 0) return ARDM_OK;
    const ardm_plan__step step = {record->node, ARDM_STEP_LAUNCH, *launch, 0, 0, 0, 0, 0};
    return append_step(record, &step, launch->operands);
}

/* CLBlast pads and transposes into a temporary. Its tiles are at most 128 along m and n and 32 along k in every tuning we use;
 * padding to 256 and 256 bounds what it may ask for, and bind compares with what it does ask for. */
static uint64_t padded(int64_t extent) { return ((uint64_t)extent + 255) / 256 * 256; }

static int32_t add_gemm(ardm_recorder *recorder, const ardm_operand *a, const ardm_operand *b, const ardm_operand *c, int64_t m, int64_t n, int64_t k,
                        int32_t ta, int32_t tb) {
    recording *record = recorder->self;
    uint32_t work;
    if (m == 0 || n == 0) return ARDM_OK;
    if (m < 0 || n < 0 || k < 1 || m > INT32_MAX / k || n > INT32_MAX / k || m > INT32_MAX / n)
        return ardm_fail(ARDM_EUNSUPPORTED, "%s: CLBlast takes operands below 2^31 elements, not m=%" PRId64 " n=%" PRId64 " k=%" PRId64,
                         record->plan->nodes[record->node].call.op->name, m, n, k);
    uint64_t bytes = 4 * (padded(m) * padded(k) + padded(k) * padded(n) + padded(m) * padded(n));
    ARDM_TRY(add_workspace(recorder, bytes, &work));
    const ardm_operand operands[4] = {*a, *b, *c, ARDM_WORK(work)};
    const ardm_plan__step step = {record->node, ARDM_STEP_GEMM, {ARDM_OP_ABI, sizeof(ardm_step), .n_operands = 4}, m, n, k, ta, tb};
    return append_step(record, &step, operands);
}

static int is_refused(const ardm_plan__refused *refused, const ardm_variant *variant) {
    for (uint32_t k = 0; refused && k < refused->count; ++k)
        if (refused->variants[k] == variant) return 1;
    return 0;
}

static ardm_status choose(const ardm_variant **out, const ardm_call *call, const ardm_device_facts *facts, const ardm_bind_options *options,
                          const ardm_plan__refused *refused) {
    const ardm_variant *variant;
    int32_t best = 0;
    *out = NULL;
    for (uint32_t k = 0; (variant = ardm_variant_at(call->op, k)) != NULL; ++k) {
        char why[160] = "";
        if ((options->numerics == ARDM_EXACT && variant->numerics != ARDM_EXACT) || is_refused(refused, variant)) continue;
        int32_t score = variant->accept ? variant->accept(call, facts, why, sizeof why) : 1;
        if (score > 0 && options->variant && strcmp(variant->name, options->variant) == 0) score = INT32_MAX;
        if (score <= best) continue;
        best = score;
        *out = variant;
    }
    if (*out) return ARDM_OK;
    if (refused && refused->count) return ardm_fail(ARDM_EBUILD, "%s: no variant is left that builds on %s", call->op->name, facts->name);
    return ardm_variant_choose(out, call, facts, options->numerics);
}

static ardm_status choose_variants(ardm_plan *plan, const ardm_device_facts *facts, const ardm_bind_options *options,
                                   const ardm_plan__refused *refused) {
    recording record = {{ARDM_OP_ABI, sizeof(ardm_recorder), NULL, facts, add_workspace, add_launch, add_gemm}, plan, 0};
    record.recorder.self = &record;
    for (uint32_t k = 0; k < plan->graph->n_nodes; ++k) {
        ardm_plan__node *node = &plan->nodes[k];
        node->first_work = plan->n_slots;
        if (ardm_plan__is_view(&plan->graph->nodes[k])) continue;
        if (facts->device_class == ARDM_CLASS_REFERENCE) {
            ++plan->facts.launches;
            continue;
        }
        record.node = k;
        ARDM_TRY(choose(&node->variant, &node->call, facts, options, refused));
        ardm_status status = node->variant->plan(&node->call, &record.recorder);
        if (status != ARDM_OK) return ardm_fail_in(status, "%s, variant %s", node->call.op->name, node->variant->name);
    }
    plan->facts.launches += plan->n_steps;
    return ARDM_OK;
}

/* By the op, or else what it reads and writes. */
static void cost_of(const ardm_graph__node *node, const ardm_call *call, double *flops, double *bytes) {
    *flops = *bytes = 0;
    if (call->op->cost)
        call->op->cost(call, flops, bytes);
    else if (!ardm_plan__is_view(node)) {
        for (uint32_t j = 0; j < call->n_in; ++j) *bytes += (double)ardm_shape_bytes(&call->in[j]);
        for (uint32_t j = 0; j < call->n_out; ++j) *bytes += (double)ardm_shape_bytes(&call->out[j]);
    }
}

static void add_costs(ardm_plan *plan) {
    for (uint32_t k = 0; k < plan->graph->n_nodes; ++k) {
        double flops, bytes;
        uint64_t work = 0;
        cost_of(&plan->graph->nodes[k], &plan->nodes[k].call, &flops, &bytes);
        plan->facts.flops += flops;
        plan->facts.bytes += bytes;
        for (uint32_t j = 0; j < plan->nodes[k].n_work; ++j) work += plan->slots[plan->nodes[k].first_work + j].bytes;
        if (work > plan->facts.workspace_bytes) plan->facts.workspace_bytes = work;
    }
}

static void add_facts(ardm_plan *plan) {
    const ardm_graph *graph = plan->graph;
    plan->facts.nodes = graph->n_nodes;
    plan->facts.input_bytes = plan->input_bytes;
    plan->facts.output_bytes = plan->output_bytes;
    plan->facts.constant_bytes = plan->constant_bytes;
    plan->facts.launches += plan->n_before + plan->n_after;
    for (uint32_t k = 0; k < plan->n_arenas; ++k) plan->facts.local_bytes += plan->arena_bytes[k];
    for (uint32_t k = 0; k < graph->n_states; ++k)
        if (plan->used[graph->states[k]]) plan->facts.state_bytes += ardm_shape_bytes(&plan->value_shapes[graph->states[k]]);
    add_costs(plan);
}

static ardm_status check_memory(const ardm_plan *plan, uint64_t limit) {
    const ardm_plan_facts *facts = &plan->facts;
    uint64_t total = facts->state_bytes + facts->constant_bytes + facts->input_bytes + facts->output_bytes + facts->local_bytes;
    if (limit == 0 || total <= limit) return ARDM_OK;
    return ardm_fail(ARDM_ENOMEM,
                     "graph %s needs %" PRIu64 " bytes (%" PRIu64 " states, %" PRIu64 " constants, %" PRIu64 " inputs, %" PRIu64 " outputs, %" PRIu64
                     " intermediate); the limit is %" PRIu64,
                     plan->graph->name, total, facts->state_bytes, facts->constant_bytes, facts->input_bytes, facts->output_bytes, facts->local_bytes,
                     limit);
}

static ardm_status compile(ardm_plan *plan, const ardm_device_facts *facts, const ardm_extent *extents, uint32_t n_extents,
                           const ardm_bind_options *options, const ardm_plan__refused *refused) {
    ARDM_TRY(allocate(plan));
    mark_used(plan);
    ARDM_TRY(shape_values(plan, extents, n_extents));
    ARDM_TRY(choose_variants(plan, facts, options, refused));
    ARDM_TRY(ardm_plan__lifetimes(plan, !ardm_graph__is_listed(options->disable, "in-place")));
    ARDM_TRY(ardm_plan__place(plan, facts));
    add_facts(plan);
    return check_memory(plan, options->memory);
}

ardm_status ardm_plan__create(ardm_plan **out, const ardm_graph *graph, const ardm_device_facts *facts, const ardm_extent *extents,
                              uint32_t n_extents, const ardm_bind_options *options, const ardm_plan__refused *refused) {
    *out = NULL;
    ardm_plan *plan = calloc(1, sizeof *plan);
    if (!plan) return ardm_fail(ARDM_ENOMEM, "no memory for a plan");
    plan->graph = graph;
    ardm_status status = compile(plan, facts, extents, n_extents, options, refused);
    if (status != ARDM_OK) {
        ardm_plan__free(&plan);
        return status;
    }
    *out = plan;
    return ARDM_OK;
}

void ardm_plan__free(ardm_plan **plan) {
    ardm_plan *old = *plan;
    if (!old) return;
    for (uint32_t k = 0; k < old->n_steps; ++k) {
        free((void *)(uintptr_t)old->steps[k].launch.kernel);
        free((void *)(uintptr_t)old->steps[k].launch.options);
        free((void *)(uintptr_t)old->steps[k].launch.operands);
    }
    free(old->value_shapes);
    free(old->shapes);
    free(old->slots);
    free(old->nodes);
    free(old->steps);
    free(old->before);
    free(old->after);
    free(old->outputs);
    free(old->used);
    free(old);
    *plan = NULL;
}

/* The passes a binding runs before planning. */
static ardm_status run_passes(ardm_graph *graph, const ardm_bind_options *options) {
    static const char *const optional[] = {"fold", "common", "dead"};
    if (ardm_graph__is_listed(options->disable, "simplify")) return ARDM_OK;
    for (size_t k = 0; k < sizeof optional / sizeof *optional; ++k)
        if (!ardm_graph__is_listed(options->disable, optional[k])) ARDM_TRY(ardm_graph_run_pass(graph, optional[k]));
    return ARDM_OK;
}

ardm_status ardm_graph__compiled_copy(ardm_graph **out, const ardm_graph *graph, const ardm_bind_options *options) {
    ARDM_TRY(ardm_graph_copy(out, graph));
    ardm_status status = run_passes(*out, options);
    if (status != ARDM_OK) ardm_graph_free(out);
    return status;
}

static void tell(const ardm_plan *plan, ardm_plan_visit visit, void *user) {
    for (uint32_t k = 0; k < plan->graph->n_nodes; ++k) {
        const ardm_graph__node *node = &plan->graph->nodes[k];
        const ardm_call *call = &plan->nodes[k].call;
        ardm_plan_node about = {sizeof about, node->op, 0, {NULL}, {NULL}, call->out, 0, 0, 0};
        for (uint32_t j = 0; j < node->n_in; ++j) {
            if (node->in[j] < 0 || plan->graph->values[node->in[j]].kind != ARDM_VALUE_STATE) continue;
            about.states[about.n_states] = plan->graph->values[node->in[j]].name;
            about.state_shapes[about.n_states++] = &call->in[j];
        }
        for (uint32_t j = 0; j < node->n_out && !ardm_plan__is_view(node); ++j) about.output_bytes += ardm_shape_bytes(&call->out[j]);
        cost_of(node, call, &about.flops, &about.bytes);
        visit(user, &about);
    }
}

static ardm_status plan_copy(const ardm_graph *graph, const ardm_device_facts *facts, const ardm_extent *extents, uint32_t n_extents,
                             const ardm_bind_options *options, ardm_plan_facts *out, ardm_plan_visit visit, void *user) {
    ardm_bind_options given;
    ardm_graph *copy = NULL;
    ardm_plan *plan = NULL;
    ARDM_TRY(ardm_bind_options__take(&given, options));
    ARDM_TRY(ardm_graph__compiled_copy(&copy, graph, &given));
    ardm_status status = ardm_plan__create(&plan, copy, facts, extents, n_extents, &given, NULL);
    if (status == ARDM_OK && out) *out = plan->facts;
    if (status == ARDM_OK && visit) tell(plan, visit, user);
    ardm_plan__free(&plan);
    ardm_graph_free(&copy);
    return status;
}

ardm_status ardm_graph_plan(ardm_plan_facts *out, const ardm_graph *graph, const ardm_device_facts *facts, const ardm_extent *extents,
                            uint32_t n_extents, const ardm_bind_options *options) {
    *out = (ardm_plan_facts){0};
    return plan_copy(graph, facts, extents, n_extents, options, out, NULL, NULL);
}

ardm_status ardm_graph_plan_nodes(const ardm_graph *graph, const ardm_device_facts *facts, const ardm_extent *extents, uint32_t n_extents,
                                  const ardm_bind_options *options, ardm_plan_visit visit, void *user) {
    return plan_copy(graph, facts, extents, n_extents, options, NULL, visit, user);
}
