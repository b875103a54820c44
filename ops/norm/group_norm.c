/* Group norm: channels in `groups` groups, each group of an item centred and scaled over all positions that are not void. */
#include "norm/norm.h"

#include <stdio.h>

extern const char *const ardm_cl_norm_group_cpu, *const ardm_cl_norm_group_gpu;

enum { X, GAMMA, BETA, MASK };

static ardm_status extents(ardm_norm_extents *e, const ardm_call *call) {
    ARDM_TRY(ardm__norm_extents(e, call, GAMMA, BETA));
    ARDM_TRY(ardm__norm_split(e, call, call->attrs[0].i, MASK));
    e->eps = (float)call->attrs[1].f;
    return ARDM_OK;
}

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    ardm_norm_extents e;
    ARDM_TRY(extents(&e, call));
    outputs[0] = call->in[X];
    outputs[1] = outputs[2] = ardm_shape_make(ARDM_F32, 2, (const int64_t[]){e.items, e.split});
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char attrs[80];
    ardm_value outs[3];
    const int32_t has_mask = ardm__norm_has(call, MASK);
    for (uint32_t index = 0; index < call->n_in; ++index) dx[index] = -1;
    if (dy[1] >= 0 || dy[2] >= 0) return ardm_fail(ARDM_EUNSUPPORTED, "group_norm: mean and rstd are kept for its gradient and have none themselves");
    if (dy[0] < 0) return ARDM_OK;
    snprintf(attrs, sizeof attrs, "groups=%lld, group=%lld", (long long)call->attrs[0].i, (long long)builder->group);
    if (builder->emit(builder, "group_norm_grad",
                      (const ardm_value[]){call->x[X], call->x[GAMMA], call->y[1], call->y[2], dy[0], has_mask ? call->x[MASK] : -1},
                      5u + (has_mask != 0), attrs, outs) < 0)
        return ARDM_OK; /* the builder keeps the message */
    dx[X] = outs[0];
    dx[GAMMA] = builder->emit(builder, "tree_sum", &outs[1], 1, NULL, NULL);
    dx[BETA] = builder->emit(builder, "tree_sum", &outs[2], 1, NULL, NULL);
    return ARDM_OK;
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    ardm_norm_arrays a = {.x = in[X], .gamma = in[GAMMA], .beta = in[BETA], .y = out[0], .mean = out[1], .rstd = out[2]};
    ARDM_TRY(extents(&a.e, call));
    if (ardm__norm_has(call, MASK)) a.mask = in[MASK];
    ardm__norm_run(&a, a.e.items * a.e.split, 1, ARDM_REFERENCE_CALL(group_norm_pairs));
    return ARDM_OK;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 10.0 * (double)ardm_shape_count(&call->in[X]);
    *bytes = 16.0 * (double)ardm_shape_count(&call->in[X]);
}

static ardm_status plan(const ardm_call *call, ardm_recorder *recorder, int32_t gpu) {
    ardm_norm_extents e;
    char options[64];
    uint64_t global;
    ARDM_TRY(extents(&e, call));
    ardm__norm_group_options(options, sizeof options, &e, gpu, &global);
    const int32_t has_mask = ardm__norm_has(call, MASK);
    return ARDM_LAUNCH(recorder, "group_norm", options, 2, global, (uint64_t)e.items, 1, gpu ? 64 : 1, 1, 1, ARDM_IN(X), ARDM_IN(GAMMA),
                       ARDM_IN(BETA), ARDM_IN(has_mask ? MASK : X), ARDM_OUT(0), ARDM_OUT(1), ARDM_OUT(2), ARDM_INT(has_mask), ARDM_INT(e.positions),
                       ARDM_INT(e.width), ARDM_FLOAT(e.eps));
}
static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) { return plan(call, recorder, 0); }
static ardm_status plan_gpu(const ardm_call *call, ardm_recorder *recorder) { return plan(call, recorder, 1); }

static int32_t accept_gpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    ardm_norm_extents e;
    if (extents(&e, call) != ARDM_OK) return 0;
    return ardm__norm_accept_group(&e, facts, 1, why, n);
}

static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-group-64", ARDM_EXACT, accept_gpu, &ardm_cl_norm_group_gpu, plan_gpu},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-16", ARDM_EXACT, ardm__norm_accept_cpu, &ardm_cl_norm_group_cpu, plan_cpu},
};
static const ardm_attr attrs[] = {
    {"groups", ARDM_ATTR_INT, "1", 1, 1 << 16, "groups of channels"},
    {"eps", ARDM_ATTR_FLOAT, "1e-5", 1e-9, 1, "added to the variance"},
};
static const ardm_port inputs[] = {
    {"x", ARDM_DT(ARDM_F32), 2, 5, 0},
    {"gamma", ARDM_DT(ARDM_F32), 1, 1, 0},
    {"beta", ARDM_DT(ARDM_F32), 1, 1, 0},
    {"mask", ARDM_DT(ARDM_U8), 1, 5, ARDM_PORT_OPTIONAL},
};
static const ardm_port outputs[] = {
    {"y", ARDM_DT(ARDM_F32), 2, 5, 0},
    {"mean", ARDM_DT(ARDM_F32), 2, 2, 0},
    {"rstd", ARDM_DT(ARDM_F32), 2, 2, 0},
};
static const ardm_case cases[] = {
    {"f32[1,1] f32[1] f32[1] -", "groups=1"},
    {"f32[0,4,6] f32[6] f32[6] -", "groups=2"},
    {"f32[2,0,6] f32[6] f32[6] -", "groups=3"},
    {"f32[3,17,15] f32[15] f32[15] u8[3,17]{0:4}", "groups=5"},
    {"f32[2,5,7,24]{3:5} f32[24] f32[24] -", "groups=2, eps=1e-3"},
    {"f32[2,16,17,96] f32[96] f32[96] u8[2,16,17]{0:4}", "groups=8"},
    {"f32[1,600,21] f32[21] f32[21] -", "groups=7"},
    {"f32[2,3,70] f32[70] f32[70] u8[2,3]{3:4}", "groups=1"},
};

const ardm_op ardm_op_group_norm = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "group_norm",
    .version = 1,
    .attrs = attrs,
    .n_attrs = 2,
    .inputs = inputs,
    .outputs = outputs,
    .n_inputs = 4,
    .n_outputs = 3,
    .sums = "block over positions a channel, then channels ascending",
    .help = "groups of channels centred and scaled over an item's positions, times gamma plus beta; void positions are +0",
    .infer = infer,
    .gradient = gradient,
    .reference = reference,
    .oracle = ardm__norm_oracle,
    .bound = ardm__norm_bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof variants[0],
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};
