/* Gradient of layer norm, from the mean and reciprocal deviation that it kept. */
#include "norm/norm.h"

extern const char *const ardm_cl_norm_layer_cpu, *const ardm_cl_norm_layer_gpu;

enum { X, GAMMA, MEAN, RSTD, DY };

static ardm_status extents(ardm_norm_extents *e, const ardm_call *call) {
    ARDM_TRY(ardm__norm_extents(e, call, GAMMA, GAMMA));
    return ardm__norm_group(e, call, call->attrs[0].i);
}

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    ardm_norm_extents e;
    char text[128];
    ARDM_TRY(extents(&e, call));
    const ardm_shape rows = ardm__norm_row_shape(call);
    if (!ardm_shape_equal(&call->in[MEAN], &rows) || !ardm_shape_equal(&call->in[RSTD], &rows) || !ardm_shape_equal(&call->in[DY], &call->in[X]))
        return ardm_fail(ARDM_ESHAPE, "layer_norm_grad: mean, rstd and dy must be %s and x's shape", ardm_shape_text(&rows, text, sizeof text));
    outputs[0] = call->in[X];
    outputs[1] = outputs[2] = ardm_shape_make(ARDM_F32, 2, (const int64_t[]){e.parts, e.width});
    return ARDM_OK;
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    ardm_norm_arrays a = {.x = in[X], .gamma = in[GAMMA], .mean_in = in[MEAN], .rstd_in = in[RSTD], .dy = in[DY]};
    ARDM_TRY(extents(&a.e, call));
    a.dx = out[0];
    a.dgamma = out[1];
    a.dbeta = out[2];
    ardm__norm_run(&a, a.e.items * a.e.positions, 1 + 4096 / a.e.width, ARDM_REFERENCE_CALL(layer_norm_grad_rows));
    ardm__norm_run(&a, a.e.parts * ((a.e.width + 63) / 64), 1, ARDM_REFERENCE_CALL(norm_parameters));
    return ARDM_OK;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 20.0 * (double)ardm_shape_count(&call->in[X]);
    *bytes = 20.0 * (double)ardm_shape_count(&call->in[X]);
}

/* One launch for dx; dgamma and dbeta by blocks of 256 rows, then over the blocks. */
static ardm_status plan(const ardm_call *call, ardm_recorder *recorder, int32_t gpu) {
    ardm_norm_extents e;
    uint32_t partials;
    ARDM_TRY(extents(&e, call));
    const int64_t rows = e.items * e.positions, part_rows = e.group * e.positions, blocks = (part_rows + ARDM_NORM_BLOCK - 1) / ARDM_NORM_BLOCK;
    const int64_t per = 1 + 4096 / e.width, chunks = (e.width + 63) / 64;
    ARDM_TRY(recorder->workspace(recorder, 8 * (uint64_t)(e.parts * blocks * e.width), &partials));
    if (gpu)
        ARDM_TRY(ARDM_LAUNCH(recorder, "layer_norm_grad", "", 2, 64, (uint64_t)rows, 1, 64, 1, 1, ARDM_IN(X), ARDM_IN(GAMMA), ARDM_IN(MEAN),
                             ARDM_IN(RSTD), ARDM_IN(DY), ARDM_OUT(0), ARDM_INT(e.width), ARDM_FLOAT(e.inverse)));
    else
        ARDM_TRY(ARDM_LAUNCH(recorder, "layer_norm_grad", "", 1, (uint64_t)((rows + per - 1) / per), 1, 1, 1, 1, 1, ARDM_IN(X), ARDM_IN(GAMMA),
                             ARDM_IN(MEAN), ARDM_IN(RSTD), ARDM_IN(DY), ARDM_OUT(0), ARDM_INT(rows), ARDM_INT(e.width), ARDM_INT(per),
                             ARDM_FLOAT(e.inverse)));
    ARDM_TRY(ARDM_LAUNCH(recorder, "layer_norm_parameters", "", 3, (uint64_t)(gpu ? 64 * chunks : chunks), (uint64_t)blocks, (uint64_t)e.parts,
                         gpu ? 64 : 1, 1, 1, ARDM_IN(X), ARDM_IN(MEAN), ARDM_IN(RSTD), ARDM_IN(DY), ARDM_WORK(partials), ARDM_INT(part_rows),
                         ARDM_INT(e.width)));
    return ardm__norm_fold(recorder, "", &e, partials, gpu);
}

static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) { return plan(call, recorder, 0); }
static ardm_status plan_gpu(const ardm_call *call, ardm_recorder *recorder) { return plan(call, recorder, 1); }

static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-row-64", ARDM_EXACT, ardm__norm_accept_gpu, &ardm_cl_norm_layer_gpu, plan_gpu},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-rows", ARDM_EXACT, ardm__norm_accept_cpu, &ardm_cl_norm_layer_cpu, plan_cpu},
};

static const ardm_attr attrs[] = {{"group", ARDM_ATTR_INT, NULL, 1, 1 << 20, "items a partial gradient"}};
static const ardm_port inputs[] = {
    {"x", ARDM_DT(ARDM_F32), 2, 5, 0},    {"gamma", ARDM_DT(ARDM_F32), 1, 1, 0}, {"mean", ARDM_DT(ARDM_F32), 1, 4, 0},
    {"rstd", ARDM_DT(ARDM_F32), 1, 4, 0}, {"dy", ARDM_DT(ARDM_F32), 2, 5, 0},
};
static const ardm_port outputs[] = {
    {"dx", ARDM_DT(ARDM_F32), 2, 5, 0},
    {"dgamma", ARDM_DT(ARDM_F32), 2, 2, 0},
    {"dbeta", ARDM_DT(ARDM_F32), 2, 2, 0},
};
static const ardm_case cases[] = {
    {"f32[1,1] f32[1] f32[1] f32[1]{0.5:2} f32[1,1]", "group=1"},
    {"f32[0,5] f32[5] f32[0] f32[0] f32[0,5]", "group=2"},
    {"f32[6,3,17] f32[17] f32[6,3] f32[6,3]{0.5:2} f32[6,3,17]", "group=3"},
    {"f32[4,200,128] f32[128] f32[4,200] f32[4,200]{0.5:2} f32[4,200,128]", "group=2"},
    {"f32[3,130] f32[130] f32[3] f32[3]{0.5:2} f32[3,130]", "group=1"},
    {"f32[2,17000] f32[17000] f32[2] f32[2]{0.5:2} f32[2,17000]", "group=2"},
    {"f32[257,64] f32[64] f32[257] f32[257]{0.5:2} f32[257,64]", "group=257"},
};

const ardm_op ardm_op_layer_norm_grad = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "layer_norm_grad",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = attrs,
    .n_attrs = 1,
    .inputs = inputs,
    .outputs = outputs,
    .n_inputs = 5,
    .n_outputs = 3,
    .sums = "lane over the row (dx); block over (item, position) of a part (dgamma, dbeta)",
    .help = "gradient of layer_norm; parameter gradients come as partials [parts, width]",
    .infer = infer,
    .reference = reference,
    .oracle = ardm__norm_grad_oracle,
    .bound = ardm__norm_grad_bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof variants[0],
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};
