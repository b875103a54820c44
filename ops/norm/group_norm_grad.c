/* Gradient of group norm, from the mean and reciprocal deviation that it kept. */
#include "norm/norm.h"

extern const char *const ardm_cl_norm_group_cpu, *const ardm_cl_norm_group_gpu;

enum { X, GAMMA, MEAN, RSTD, DY, MASK };

static ardm_status extents(ardm_norm_extents *e, const ardm_call *call) {
    ARDM_TRY(ardm__norm_extents(e, call, GAMMA, GAMMA));
    ARDM_TRY(ardm__norm_split(e, call, call->attrs[0].i, MASK));
    return ardm__norm_group(e, call, call->attrs[1].i);
}

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    ardm_norm_extents e;
    char text[128];
    ARDM_TRY(extents(&e, call));
    const ardm_shape kept = ardm_shape_make(ARDM_F32, 2, (const int64_t[]){e.items, e.split});
    if (!ardm_shape_equal(&call->in[MEAN], &kept) || !ardm_shape_equal(&call->in[RSTD], &kept) || !ardm_shape_equal(&call->in[DY], &call->in[X]))
        return ardm_fail(ARDM_ESHAPE, "group_norm_grad: mean and rstd must be %s and dy of x's shape", ardm_shape_text(&kept, text, sizeof text));
    outputs[0] = call->in[X];
    outputs[1] = outputs[2] = ardm_shape_make(ARDM_F32, 2, (const int64_t[]){e.parts, e.width});
    return ARDM_OK;
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    ardm_norm_arrays a = {.x = in[X], .gamma = in[GAMMA], .mean_in = in[MEAN], .rstd_in = in[RSTD], .dy = in[DY]};
    ARDM_TRY(extents(&a.e, call));
    if (ardm__norm_has(call, MASK)) a.mask = in[MASK];
    a.dx = out[0];
    a.dgamma = out[1];
    a.dbeta = out[2];
    ardm__norm_run(&a, a.e.items * a.e.split, 1, ARDM_REFERENCE_CALL(group_norm_grad_pairs));
    ardm__norm_run(&a, a.e.parts * ((a.e.width + 63) / 64), 1, ARDM_REFERENCE_CALL(norm_parameters));
    return ARDM_OK;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 20.0 * (double)ardm_shape_count(&call->in[X]);
    *bytes = 28.0 * (double)ardm_shape_count(&call->in[X]);
}

/* One launch for dx; dgamma and dbeta by blocks of 256 rows, then over the blocks. */
static ardm_status plan(const ardm_call *call, ardm_recorder *recorder, int32_t gpu) {
    ardm_norm_extents e;
    char options[64];
    uint32_t partials;
    uint64_t global;
    ARDM_TRY(extents(&e, call));
    const int32_t has_mask = ardm__norm_has(call, MASK);
    const int64_t part_rows = e.group * e.positions, blocks = (part_rows + ARDM_NORM_BLOCK - 1) / ARDM_NORM_BLOCK, chunks = (e.width + 63) / 64;
    ardm__norm_group_options(options, sizeof options, &e, gpu, &global);
    ARDM_TRY(recorder->workspace(recorder, 8 * (uint64_t)(e.parts * blocks * e.width), &partials));
    ARDM_TRY(ARDM_LAUNCH(recorder, "group_norm_grad", options, 2, global, (uint64_t)e.items, 1, gpu ? 64 : 1, 1, 1, ARDM_IN(X), ARDM_IN(GAMMA),
                         ARDM_IN(MEAN), ARDM_IN(RSTD), ARDM_IN(DY), ARDM_IN(has_mask ? MASK : X), ARDM_OUT(0), ARDM_INT(has_mask),
                         ARDM_INT(e.positions), ARDM_INT(e.width)));
    ARDM_TRY(ARDM_LAUNCH(recorder, "group_norm_parameters", options, 3, (uint64_t)(gpu ? 64 * chunks : chunks), (uint64_t)blocks, (uint64_t)e.parts,
                         gpu ? 64 : 1, 1, 1, ARDM_IN(X), ARDM_IN(MEAN), ARDM_IN(RSTD), ARDM_IN(DY), ARDM_IN(has_mask ? MASK : X), ARDM_WORK(partials),
                         ARDM_INT(has_mask), ARDM_INT(part_rows), ARDM_INT(e.positions), ARDM_INT(e.width)));
    return ardm__norm_fold(recorder, options, &e, partials, gpu);
}
static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) { return plan(call, recorder, 0); }
static ardm_status plan_gpu(const ardm_call *call, ardm_recorder *recorder) { return plan(call, recorder, 1); }

static int32_t accept_gpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    ardm_norm_extents e;
    if (extents(&e, call) != ARDM_OK) return 0;
    return ardm__norm_accept_group(&e, facts, 2, why, n);
}

static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-group-64", ARDM_EXACT, accept_gpu, &ardm_cl_norm_group_gpu, plan_gpu},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-16", ARDM_EXACT, ardm__norm_accept_cpu, &ardm_cl_norm_group_cpu, plan_cpu},
};
static const ardm_attr attrs[] = {
    {"groups", ARDM_ATTR_INT, "1", 1, 1 << 16, "groups of channels"},
    {"group", ARDM_ATTR_INT, NULL, 1, 1 << 20, "items a partial gradient"},
};
static const ardm_port inputs[] = {
    {"x", ARDM_DT(ARDM_F32), 2, 5, 0},    {"gamma", ARDM_DT(ARDM_F32), 1, 1, 0}, {"mean", ARDM_DT(ARDM_F32), 2, 2, 0},
    {"rstd", ARDM_DT(ARDM_F32), 2, 2, 0}, {"dy", ARDM_DT(ARDM_F32), 2, 5, 0},    {"mask", ARDM_DT(ARDM_U8), 1, 5, ARDM_PORT_OPTIONAL},
};
static const ardm_port outputs[] = {
    {"dx", ARDM_DT(ARDM_F32), 2, 5, 0},
    {"dgamma", ARDM_DT(ARDM_F32), 2, 2, 0},
    {"dbeta", ARDM_DT(ARDM_F32), 2, 2, 0},
};
static const ardm_case cases[] = {
    {"f32[1,1] f32[1] f32[1,1] f32[1,1]{0.5:2} f32[1,1] -", "groups=1, group=1"},
    {"f32[0,4,6] f32[6] f32[0,2] f32[0,2] f32[0,4,6] -", "groups=2, group=1"},
    {"f32[2,0,6] f32[6] f32[2,3] f32[2,3]{0.5:2} f32[2,0,6] -", "groups=3, group=1"},
    {"f32[4,17,15] f32[15] f32[4,5] f32[4,5]{0.5:2} f32[4,17,15] u8[4,17]{0:4}", "groups=5, group=2"},
    {"f32[2,5,7,24] f32[24] f32[2,2] f32[2,2]{0.5:2} f32[2,5,7,24] -", "groups=2, group=1"},
    {"f32[2,16,17,96] f32[96] f32[2,8] f32[2,8]{0.5:2} f32[2,16,17,96] u8[2,16,17]{0:4}", "groups=8, group=2"},
    {"f32[1,600,21] f32[21] f32[1,7] f32[1,7]{0.5:2} f32[1,600,21] -", "groups=7, group=1"},
    {"f32[2,3,70] f32[70] f32[2,1] f32[2,1]{0.5:2} f32[2,3,70] u8[2,3]{3:4}", "groups=1, group=2"},
};

const ardm_op ardm_op_group_norm_grad = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "group_norm_grad",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = attrs,
    .n_attrs = 2,
    .inputs = inputs,
    .outputs = outputs,
    .n_inputs = 6,
    .n_outputs = 3,
    .sums = "block over positions a channel, then channels ascending (dx); block over (item, position) of a part (dgamma, dbeta)",
    .help = "gradient of group_norm; parameter gradients come as partials [parts, width]",
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
