/* Runs a case's variant on a device: uploads inputs, records the plan's launches, poisons what kernels must write. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/op_case.h"

enum { GUARD = ARDM_ALIGN, MOST_WORK = 16, MOST_LAUNCHES = 256 };

/* An operand's memory: `whole` with the guard zone, `view` what the kernel gets. */
typedef struct area {
    ardm_buffer *whole, *view;
    uint64_t bytes;
} area;

struct ardm_case_run {
    ardm_recorder recorder;
    const ardm_case_data *data;
    const ardm_variant *variant;
    ardm_device *device;
    int32_t guard;
    area in[ARDM_MAX_OPERANDS], out[ARDM_MAX_OPERANDS], work[MOST_WORK];
    uint32_t n_work, n_launches;
    ardm_launch *launches[MOST_LAUNCHES];
    uint64_t work_bytes;
};

static ardm_status area_open(area *out, ardm_case_run *run, uint64_t bytes) {
    out->bytes = bytes;
    uint64_t whole = run->guard ? (bytes + ARDM_ALIGN - 1) / ARDM_ALIGN * ARDM_ALIGN + GUARD : bytes;
    ARDM_TRY(ardm_buffer_create(&out->whole, run->device, whole));
    ARDM_TRY(ardm_buffer_view(&out->view, out->whole, 0, bytes));
    return ardm_queue_fill(run->device, out->whole, 0, UINT32_C(0xffffffff), whole);
}

static void area_close(area *a) {
    ardm_buffer_release(&a->view);
    ardm_buffer_release(&a->whole);
}

static ardm_status area_check(const area *a, ardm_case_run *run, const char *what, uint32_t index) {
    uint64_t tail = ardm_buffer_bytes(a->whole) - a->bytes;
    uint8_t *bytes = run->guard ? malloc(tail + 1) : NULL;
    if (!bytes) return ARDM_OK;
    ardm_status status = ardm_queue_read(run->device, a->whole, a->bytes, bytes, tail);
    for (uint64_t k = 0; k < tail && status == ARDM_OK; ++k)
        if (bytes[k] != 0xff)
            status = ardm_fail(ARDM_EDEVICE, "%s: variant %s wrote byte %" PRIu64 " behind %s %" PRIu32 " of %" PRIu64 " bytes", run->data->op->name,
                               run->variant->name, k, what, index, a->bytes);
    free(bytes);
    return status;
}

static int32_t on_workspace(ardm_recorder *recorder, uint64_t bytes, uint32_t *index) {
    ardm_case_run *run = recorder->self;
    if (run->n_work == MOST_WORK) return ardm_fail(ARDM_EINVAL, "%s: more than %d workspaces", run->data->op->name, MOST_WORK);
    *index = run->n_work;
    run->work_bytes += bytes;
    return area_open(&run->work[run->n_work++], run, bytes);
}

static ardm_status to_arg(ardm_launch_arg *arg, ardm_case_run *run, const ardm_operand *operand) {
    const ardm_call *call = &run->data->call;
    memset(arg, 0, sizeof *arg);
    arg->kind = ARDM_ARG_BUFFER;
    switch (operand->kind) {
    case ARDM_OPERAND_IN:
        /* An absent operand is a null pointer for the kernel. */
        if (operand->index < ARDM_MAX_OPERANDS) arg->buffer = operand->index < call->n_in ? run->in[operand->index].view : NULL;
        break;
    case ARDM_OPERAND_OUT:
        if (operand->index >= call->n_out) return ardm_fail(ARDM_EINVAL, "%s: a launch names output %" PRIu32, call->op->name, operand->index);
        arg->buffer = run->out[operand->index].view;
        break;
    case ARDM_OPERAND_WORK:
        if (operand->index >= run->n_work) return ardm_fail(ARDM_EINVAL, "%s: a launch names workspace %" PRIu32, call->op->name, operand->index);
        arg->buffer = run->work[operand->index].view;
        break;
    case ARDM_OPERAND_I32:
        arg->kind = ARDM_ARG_I32;
        arg->i = operand->i;
        break;
    case ARDM_OPERAND_F32:
        arg->kind = ARDM_ARG_F32;
        arg->f = operand->f;
        break;
    default:
        return ardm_fail(ARDM_EINVAL, "%s: a launch has an operand of kind %" PRIu32, call->op->name, operand->kind);
    }
    return ARDM_OK;
}

static int32_t on_launch(ardm_recorder *recorder, const ardm_step *step) {
    ardm_case_run *run = recorder->self;
    ardm_launch_arg args[64];
    ardm_kernel *kernel;
    if (run->n_launches == MOST_LAUNCHES || step->n_operands > 64)
        return ardm_fail(ARDM_EINVAL, "%s: more than %d launches or 64 operands", run->data->op->name, MOST_LAUNCHES);
    for (uint32_t k = 0; k < step->n_operands; ++k) ARDM_TRY(to_arg(&args[k], run, &step->operands[k]));
    ARDM_TRY(ardm_kernel_get(&kernel, run->device, *run->variant->source, step->options, step->kernel));
    ARDM_TRY(ardm_launch_create(&run->launches[run->n_launches], run->device, kernel, step->dimensions, step->global, step->local, args,
                                step->n_operands));
    run->n_launches++;
    return ARDM_OK;
}

static int32_t on_library_gemm(ardm_recorder *recorder, const ardm_operand *a, const ardm_operand *b, const ardm_operand *c, int64_t m, int64_t n,
                               int64_t k, int32_t ta, int32_t tb) {
    (void)recorder, (void)a, (void)b, (void)c, (void)m, (void)n, (void)k, (void)ta, (void)tb;
    return ardm_fail(ARDM_EUNSUPPORTED, "library calls are recorded by a bound graph");
}

static ardm_status open_into(ardm_case_run *run) {
    const ardm_call *call = &run->data->call;
    for (uint32_t k = 0; k < call->n_in; ++k) {
        if (call->in[k].dtype == 0) continue;
        uint64_t bytes = ardm_shape_bytes(&call->in[k]);
        ARDM_TRY(area_open(&run->in[k], run, bytes));
        ARDM_TRY(ardm_queue_write(run->device, run->in[k].view, 0, run->data->inputs[k], bytes));
    }
    for (uint32_t k = 0; k < call->n_out; ++k) ARDM_TRY(area_open(&run->out[k], run, ardm_shape_bytes(&call->out[k])));
    return run->variant->plan(call, &run->recorder);
}

ardm_status ardm_case_run_open(ardm_case_run **out, const ardm_case_data *data, const ardm_variant *variant, ardm_device *device,
                               const ardm_device_facts *facts, int32_t guard) {
    *out = NULL;
    ardm_case_run *run = calloc(1, sizeof *run);
    if (!run) return ardm_fail(ARDM_ENOMEM, "no memory to run a case");
    run->data = data;
    run->variant = variant;
    run->device = device;
    run->guard = guard;
    run->recorder = (ardm_recorder){ARDM_OP_ABI, sizeof(ardm_recorder), run, facts ? facts : ardm_device_get_facts(device), on_workspace,
                                    on_launch,   on_library_gemm};
    ardm_status status = open_into(run);
    if (status != ARDM_OK) ardm_case_run_close(&run);
    *out = run;
    return status;
}

ardm_status ardm_case_run_enqueue(ardm_case_run *run) {
    for (uint32_t k = 0; k < run->n_launches; ++k) ARDM_TRY(ardm_launch_enqueue(run->launches[k]));
    return ARDM_OK;
}

ardm_status ardm_case_run_outputs(ardm_case_run *run, void *const *outputs) {
    const ardm_call *call = &run->data->call;
    for (uint32_t k = 0; k < call->n_out; ++k)
        ARDM_TRY(ardm_queue_fill(run->device, run->out[k].whole, 0, UINT32_C(0xffffffff), ardm_buffer_bytes(run->out[k].whole)));
    for (uint32_t k = 0; k < run->n_work; ++k)
        ARDM_TRY(ardm_queue_fill(run->device, run->work[k].whole, 0, UINT32_C(0xffffffff), ardm_buffer_bytes(run->work[k].whole)));
    ARDM_TRY(ardm_case_run_enqueue(run));
    for (uint32_t k = 0; k < call->n_out; ++k) {
        ARDM_TRY(ardm_queue_read(run->device, run->out[k].view, 0, outputs[k], run->out[k].bytes));
        ARDM_TRY(area_check(&run->out[k], run, "output", k));
    }
    for (uint32_t k = 0; k < call->n_in; ++k)
        if (run->in[k].whole) ARDM_TRY(area_check(&run->in[k], run, "input", k));
    for (uint32_t k = 0; k < run->n_work; ++k) ARDM_TRY(area_check(&run->work[k], run, "workspace", k));
    return ARDM_OK;
}

uint32_t ardm_case_run_launches(const ardm_case_run *run) { return run->n_launches; }
uint64_t ardm_case_run_workspace(const ardm_case_run *run) { return run->work_bytes; }

void ardm_case_run_close(ardm_case_run **out) {
    ardm_case_run *run = *out;
    *out = NULL;
    if (!run) return;
    for (uint32_t k = 0; k < run->n_launches; ++k) ardm_launch_release(&run->launches[k]);
    for (uint32_t k = 0; k < ARDM_MAX_OPERANDS; ++k) {
        area_close(&run->in[k]);
        area_close(&run->out[k]);
    }
    for (uint32_t k = 0; k < run->n_work; ++k) area_close(&run->work[k]);
    free(run);
}
