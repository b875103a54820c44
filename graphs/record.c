/* From a plan to a list of entries whose arguments never change again. */
#include <clblast_c.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "binding.h"

enum { MOST_ARGS = 64 };

ardm_buffer *ardm_binding__memory(const ardm_binding *binding, int32_t slot) { return binding->slots[binding->plan->slots[slot].root]; }

static int32_t slot_of(const ardm_binding *binding, uint32_t node, const ardm_operand *operand) {
    const ardm_graph__node *graph_node = &binding->graph->nodes[node];
    if (operand->kind == ARDM_OPERAND_IN) return graph_node->in[operand->index];
    if (operand->kind == ARDM_OPERAND_OUT) return graph_node->out[operand->index];
    return (int32_t)(binding->plan->nodes[node].first_work + operand->index);
}

static ardm_status add_entry(ardm_binding *binding, const ardm_binding__entry *entry) {
    ARDM_TRY(ardm_graph__grow((void **)&binding->entries, binding->n_entries, &binding->cap_entries, sizeof *binding->entries));
    binding->entries[binding->n_entries++] = *entry;
    return ARDM_OK;
}

static ardm_status add_copies(ardm_binding *binding, const ardm_plan__copy *copies, uint32_t count) {
    for (uint32_t k = 0; k < count; ++k)
        ARDM_TRY(add_entry(binding, &(ardm_binding__entry){ARDM_ENTRY_COPY, UINT32_MAX, NULL, NULL, NULL, copies[k].from, copies[k].to}));
    return ARDM_OK;
}

static ardm_status record_launch(ardm_binding *binding, const ardm_plan__step *step, ardm_kernel *kernel) {
    ardm_launch_arg args[MOST_ARGS];
    if (step->launch.n_operands > MOST_ARGS)
        return ardm_fail(ARDM_EINVAL, "%s: %u arguments; the most is %d", step->launch.kernel, step->launch.n_operands, MOST_ARGS);
    for (uint32_t k = 0; k < step->launch.n_operands; ++k) {
        const ardm_operand *operand = &step->launch.operands[k];
        args[k] = (ardm_launch_arg){ARDM_ARG_BUFFER, operand->i, operand->f, NULL};
        if (operand->kind == ARDM_OPERAND_I32) args[k].kind = ARDM_ARG_I32;
        if (operand->kind == ARDM_OPERAND_F32) args[k].kind = ARDM_ARG_F32;
        if (args[k].kind != ARDM_ARG_BUFFER) continue;
        int32_t slot = slot_of(binding, step->node, operand);
        args[k].buffer = slot < 0 ? NULL : ardm_binding__memory(binding, slot); /* an absent operand is a null pointer */
    }
    ardm_binding__entry entry = {ARDM_ENTRY_LAUNCH, step->node, NULL, NULL, NULL, -1, -1};
    ARDM_TRY(ardm_launch_create(&entry.launch, binding->device, kernel, step->launch.dimensions, step->launch.global, step->launch.local, args,
                                step->launch.n_operands));
    ardm_status status = add_entry(binding, &entry);
    if (status != ARDM_OK) ardm_launch_release(&entry.launch);
    return status;
}

/* Kernels of this recording, so that each text is hashed once. */
typedef struct known_kernel {
    const char *source, *options, *name;
    ardm_kernel *kernel;
} known_kernel;
typedef struct known_kernels {
    known_kernel *items;
    uint32_t count, capacity;
} known_kernels;

static ardm_status get_kernel(ardm_binding *binding, known_kernels *known, const ardm_plan__step *step, ardm_kernel **out) {
    const ardm_variant *variant = binding->plan->nodes[step->node].variant;
    const char *source = variant->source ? *variant->source : NULL;
    if (!source) return ardm_fail(ARDM_EINVAL, "variant %s launches a kernel but has no source", variant->name);
    for (uint32_t k = 0; k < known->count; ++k) {
        const known_kernel *item = &known->items[k];
        if (item->source == source && strcmp(item->name, step->launch.kernel) == 0 && strcmp(item->options, step->launch.options) == 0) {
            *out = item->kernel;
            return ARDM_OK;
        }
    }
    ARDM_TRY(ardm_kernel_get(out, binding->device, source, step->launch.options, step->launch.kernel));
    ARDM_TRY(ardm_graph__grow((void **)&known->items, known->count, &known->capacity, sizeof *known->items));
    known->items[known->count++] = (known_kernel){source, step->launch.options, step->launch.kernel, *out};
    return ARDM_OK;
}

/* A CLBlast product, row-major: c[m,n] = a[m,k] b[k,n]. */
typedef struct product {
    CLBlastTranspose ta, tb;
    size_t m, n, k, lda, ldb, offset[3];
    cl_mem memory[3];
    cl_command_queue queue;
} product;

static product product_of(const ardm_binding *binding, const ardm_plan__step *step) {
    product p = {step->ta ? CLBlastTransposeYes : CLBlastTransposeNo,
                 step->tb ? CLBlastTransposeYes : CLBlastTransposeNo,
                 (size_t)step->m,
                 (size_t)step->n,
                 (size_t)step->k,
                 (size_t)(step->ta ? step->m : step->k),
                 (size_t)(step->tb ? step->k : step->n),
                 {0},
                 {NULL},
                 ardm_device_cl_queue(binding->device)};
    for (uint32_t k = 0; k < 3; ++k) {
        uint64_t offset;
        p.memory[k] = ardm_buffer_cl_mem(ardm_binding__memory(binding, slot_of(binding, step->node, &step->launch.operands[k])), &offset);
        p.offset[k] = offset / sizeof(float);
    }
    return p;
}

/* The temporary comes from the plan's workspace, so that a run allocates nothing. */
static ardm_status record_gemm(ardm_binding *binding, const ardm_plan__step *step) {
    product p = product_of(binding, step);
    int32_t slot = slot_of(binding, step->node, &step->launch.operands[3]);
    size_t wanted = 0, planned = binding->plan->slots[slot].bytes;
    uint64_t offset;
    cl_int error = CL_SUCCESS;
    CLBlastStatusCode code = CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, p.ta, p.tb, p.m, p.n, p.k, p.offset[0], p.lda, p.offset[1], p.ldb,
                                                        p.offset[2], p.n, &p.queue, &wanted);
    if (code != CLBlastSuccess) return ardm_fail(ARDM_EBUILD, "CLBlast refuses a product of m=%zu n=%zu k=%zu: error %d", p.m, p.n, p.k, (int)code);
    if (wanted > planned)
        return ardm_fail(ARDM_EBUILD, "CLBlast wants %zu temporary bytes for m=%zu n=%zu k=%zu; %zu are planned", wanted, p.m, p.n, p.k, planned);
    ardm_binding__entry entry = {ARDM_ENTRY_GEMM, step->node, NULL, step, NULL, -1, -1};
    cl_mem root = ardm_buffer_cl_mem(ardm_binding__memory(binding, slot), &offset);
    const cl_buffer_region region = {offset, planned};
    entry.scratch = clCreateSubBuffer(root, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
    if (error != CL_SUCCESS) return ardm_fail(ARDM_EDEVICE, "a sub-buffer for CLBlast: OpenCL error %d", (int)error);
    ardm_status status = add_entry(binding, &entry);
    if (status != ARDM_OK) clReleaseMemObject(entry.scratch);
    return status;
}

static ardm_status run_gemm(ardm_binding *binding, const ardm_binding__entry *entry) {
    product p = product_of(binding, entry->gemm);
    CLBlastStatusCode code =
        CLBlastSgemmWithTempBuffer(CLBlastLayoutRowMajor, p.ta, p.tb, p.m, p.n, p.k, 1.0f, p.memory[0], p.offset[0], p.lda, p.memory[1], p.offset[1],
                                   p.ldb, 0.0f, p.memory[2], p.offset[2], p.n, &p.queue, NULL, entry->scratch);
    if (code == CLBlastSuccess) return ARDM_OK;
    return ardm_fail(ARDM_EDEVICE, "CLBlast: a product of m=%zu n=%zu k=%zu gave error %d", p.m, p.n, p.k, (int)code);
}

ardm_status ardm_binding__run_entry(ardm_binding *binding, const ardm_binding__entry *entry) {
    const ardm_plan__slot *slots = binding->plan->slots;
    switch (entry->kind) {
    case ARDM_ENTRY_LAUNCH:
        return ardm_launch_enqueue(entry->launch);
    case ARDM_ENTRY_GEMM:
        return run_gemm(binding, entry);
    case ARDM_ENTRY_HOST:
        return ardm_binding__host_node(binding, entry->node);
    default:
        if (slots[entry->from].bytes == 0) return ARDM_OK;
        return ardm_queue_copy(binding->device, ardm_binding__memory(binding, entry->to), 0, ardm_binding__memory(binding, entry->from), 0,
                               slots[entry->from].bytes);
    }
}

/* The next best variant gets its turn; the driver's log has been written by then. */
static ardm_status refuse(ardm_binding *binding, uint32_t node, ardm_plan__refused *refused) {
    const ardm_variant *variant = binding->plan->nodes[node].variant;
    if (binding->options.no_fallback) return ARDM_EBUILD;
    ardm_log_write(ARDM_LOG_WARNING, "%s: variant %s is passed over: %s", binding->graph->nodes[node].op->name, variant->name, ardm_message());
    ARDM_TRY(ardm_graph__grow((void **)&refused->variants, refused->count, &refused->capacity, sizeof *refused->variants));
    refused->variants[refused->count++] = variant;
    return ARDM_EBUILD;
}

static ardm_status record_nodes(ardm_binding *binding, known_kernels *known, ardm_plan__refused *refused) {
    const ardm_plan *plan = binding->plan;
    if (ardm_device_is_reference(binding->device)) {
        for (uint32_t k = 0; k < binding->graph->n_nodes; ++k)
            if (!ardm_plan__is_view(&binding->graph->nodes[k]))
                ARDM_TRY(add_entry(binding, &(ardm_binding__entry){ARDM_ENTRY_HOST, k, NULL, NULL, NULL, -1, -1}));
        return ardm_binding__host_prepare(binding);
    }
    for (uint32_t k = 0; k < plan->n_steps; ++k) {
        const ardm_plan__step *step = &plan->steps[k];
        ardm_kernel *kernel = NULL;
        ardm_status status = step->kind == ARDM_STEP_GEMM ? record_gemm(binding, step) : get_kernel(binding, known, step, &kernel);
        if (status == ARDM_OK && kernel) status = record_launch(binding, step, kernel);
        if (status == ARDM_EBUILD) return refuse(binding, step->node, refused);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

ardm_status ardm_binding__record(ardm_binding *binding, ardm_plan__refused *refused) {
    known_kernels known = {NULL, 0, 0};
    ardm_status status = add_copies(binding, binding->plan->before, binding->plan->n_before);
    if (status == ARDM_OK) status = record_nodes(binding, &known, refused);
    if (status == ARDM_OK) status = add_copies(binding, binding->plan->after, binding->plan->n_after);
    free(known.items);
    return status;
}

void ardm_binding__drop_entries(ardm_binding *binding) {
    for (uint32_t k = 0; k < binding->n_entries; ++k) {
        ardm_launch_release(&binding->entries[k].launch);
        if (binding->entries[k].scratch) clReleaseMemObject(binding->entries[k].scratch);
    }
    binding->n_entries = 0;
}
