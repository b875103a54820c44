/* stack: scalars side by side. Longer vectors are made by concat. */
#include <stdio.h>

#include "optimiser/loops.h"

extern const char *const ardm_cl_optimiser_stack;

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    int64_t dim[1] = {call->n_in};
    out[0] = ardm_shape_make(ARDM_F32, 1, dim);
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    for (uint32_t k = 0; k < call->n_in; ++k) {
        char text[48];
        snprintf(text, sizeof text, "begin=%u, size=1", (unsigned)k);
        ardm_value in[2] = {builder->emit(builder, "slice", dy, 1, text, NULL), call->x[k]};
        dx[k] = builder->emit(builder, "reshape_like", in, 2, NULL, NULL);
    }
    return ARDM_OK;
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    for (uint32_t k = 0; k < call->n_in; ++k) ((float *)out[0])[k] = *(const float *)in[k];
    return ARDM_OK;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    double *y = out[0];
    for (uint32_t k = call->n_in; k-- > 0;) y[k] = *(const double *)in[k];
    return ARDM_OK;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 0;
    *bytes = 8.0 * call->n_in;
}

static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    ardm_operand operands[ARDM_MAX_OPERANDS + 2];
    const uint64_t one[3] = {1, 1, 1};
    for (uint32_t k = 0; k < ARDM_MAX_OPERANDS; ++k) operands[k] = ARDM_IN(k < call->n_in ? k : 0);
    operands[ARDM_MAX_OPERANDS] = ARDM_OUT(0);
    operands[ARDM_MAX_OPERANDS + 1] = ARDM_INT(call->n_in);
    return ardm_record(recorder, "stack", "", 1, one, one, operands, ARDM_LENGTH(operands));
}

static const ardm_port inputs[] = {{"x", ARDM_DT(ARDM_F32), 0, 0, ARDM_PORT_VARIADIC}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 1, 1, 0}};
static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "one", ARDM_EXACT, NULL, &ardm_cl_optimiser_stack, plan}};
static const ardm_case cases[] = {
    {"f32[]", NULL}, {"f32[] f32[] f32[]", NULL}, {"f32[] f32[] f32[] f32[] f32[] f32[] f32[] f32[] f32[] f32[] f32[] f32[]", NULL}};
const ardm_op ardm_op_stack = {ARDM_OP_ABI,
                               sizeof(ardm_op),
                               .name = "stack",
                               .version = 1,
                               .inputs = inputs,
                               .outputs = outputs,
                               .n_inputs = 1,
                               .n_outputs = 1,
                               .sums = "",
                               .help = "scalars to a vector",
                               .infer = infer,
                               .gradient = gradient,
                               .reference = reference,
                               .oracle = oracle,
                               .cost = cost,
                               .variants = variants,
                               .n_variants = ARDM_LENGTH(variants),
                               .cases = cases,
                               .n_cases = ARDM_LENGTH(cases)};
