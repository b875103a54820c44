/* Layer norm: each row is centred, scaled to unit variance, then multiplied by gamma and shifted by beta. */
#include "norm/norm.h"

#include <stdio.h>

extern const char *const ardm_cl_norm_layer_cpu, *const ardm_cl_norm_layer_gpu;

static ardm_status extents(ardm_norm_extents *e, const ardm_call *call) {
    ARDM_TRY(ardm__norm_extents(e, call, 1, 2));
    e->eps = (float)call->attrs[0].f;
    return ARDM_OK;
}

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    ardm_norm_extents e;
    ARDM_TRY(extents(&e, call));
    outputs[0] = call->in[0];
    outputs[1] = outputs[2] = ardm__norm_row_shape(call);
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char attrs[48];
    ardm_value outs[3];
    dx[0] = dx[1] = dx[2] = -1;
    if (dy[1] >= 0 || dy[2] >= 0) return ardm_fail(ARDM_EUNSUPPORTED, "layer_norm: mean and rstd are kept for its gradient and have none themselves");
    if (dy[0] < 0) return ARDM_OK;
    snprintf(attrs, sizeof attrs, "group=%lld", (long long)builder->group);
    if (builder->emit(builder, "layer_norm_grad", (const ardm_value[]){call->x[0], call->x[1], call->y[1], call->y[2], dy[0]}, 5, attrs, outs) < 0)
        return ARDM_OK; /* the builder keeps the message */
    dx[0] = outs[0];
    dx[1] = builder->emit(builder, "tree_sum", &outs[1], 1, NULL, NULL);
    dx[2] = builder->emit(builder, "tree_sum", &outs[2], 1, NULL, NULL);
    return ARDM_OK;
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    ardm_norm_arrays a = {.x = in[0], .gamma = in[1], .beta = in[2], .y = out[0], .mean = out[1], .rstd = out[2]};
    ARDM_TRY(extents(&a.e, call));
    ardm__norm_run(&a, a.e.items * a.e.positions, 1 + 4096 / a.e.width, ARDM_REFERENCE_CALL(layer_norm_rows));
    return ARDM_OK;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 9.0 * (double)ardm_shape_count(&call->in[0]);
    *bytes = 8.0 * (double)ardm_shape_count(&call->in[0]);
}

static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) {
    ardm_norm_extents e;
    ARDM_TRY(extents(&e, call));
    const int64_t rows = e.items * e.positions, per = 1 + 4096 / e.width;
    return ARDM_LAUNCH(recorder, "layer_norm", "", 1, (uint64_t)((rows + per - 1) / per), 1, 1, 1, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_IN(2),
                       ARDM_OUT(0), ARDM_OUT(1), ARDM_OUT(2), ARDM_INT(rows), ARDM_INT(e.width), ARDM_INT(per), ARDM_FLOAT(e.inverse),
                       ARDM_FLOAT(e.eps));
}

static ardm_status plan_gpu(const ardm_call *call, ardm_recorder *recorder) {
    ardm_norm_extents e;
    ARDM_TRY(extents(&e, call));
    return ARDM_LAUNCH(recorder, "layer_norm", "", 2, 64, (uint64_t)(e.items * e.positions), 1, 64, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_IN(2),
                       ARDM_OUT(0), ARDM_OUT(1), ARDM_OUT(2), ARDM_INT(e.width), ARDM_FLOAT(e.inverse), ARDM_FLOAT(e.eps));
}

static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-row-64", ARDM_EXACT, ardm__norm_accept_gpu, &ardm_cl_norm_layer_gpu, plan_gpu},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-rows", ARDM_EXACT, ardm__norm_accept_cpu, &ardm_cl_norm_layer_cpu, plan_cpu},
};

static const ardm_attr attrs[] = {{"eps", ARDM_ATTR_FLOAT, "1e-5", 1e-9, 1, "added to the variance"}};
static const ardm_port inputs[] = {
    {"x", ARDM_DT(ARDM_F32), 2, 5, 0},
    {"gamma", ARDM_DT(ARDM_F32), 1, 1, 0},
    {"beta", ARDM_DT(ARDM_F32), 1, 1, 0},
};
static const ardm_port outputs[] = {
    {"y", ARDM_DT(ARDM_F32), 2, 5, 0},
    {"mean", ARDM_DT(ARDM_F32), 1, 4, 0},
    {"rstd", ARDM_DT(ARDM_F32), 1, 4, 0},
};
static const ardm_case cases[] = {
    {"f32[1,1] f32[1] f32[1]", ""},
    {"f32[0,5] f32[5] f32[5]", ""},
    {"f32[7,3,17] f32[17] f32[17]", "eps=1e-3"},
    {"f32[5,64] f32[64] f32[64]", ""},
    {"f32[2,3,130]{3:5} f32[130] f32[130]", "eps=1e-6"},
    {"f32[70,128] f32[128] f32[128]", ""},
    {"f32[2,17000] f32[17000] f32[17000]", ""},
};

const ardm_op ardm_op_layer_norm = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "layer_norm",
    .version = 1,
    .attrs = attrs,
    .n_attrs = 1,
    .inputs = inputs,
    .outputs = outputs,
    .n_inputs = 3,
    .n_outputs = 3,
    .sums = "lane over the row",
    .help = "rows centred, scaled to unit variance, times gamma plus beta; mean and rstd are kept for the gradient",
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
