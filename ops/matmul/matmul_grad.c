/* matmul_grad: dw[G,K,M], a matrix product's gradient to its weights, one part a group of items: x transposed times dy. */
#include <inttypes.h>

#include "conv/conv.h"
#include "matmul/block.h"
#include "matmul/matmul.h"

extern const char *const ardm_cl_conv_cpu, *const ardm_cl_matmul_gpu;

typedef struct extents {
    int64_t groups, terms, inputs, outputs; /* terms: rows in a group */
} extents;

static extents extents_of(const ardm_call *call) {
    const int64_t groups = call->out[0].dim[0];
    return (extents){groups, groups > 0 ? ardm_shape_rows(&call->in[0], 1) / groups : 0, call->out[0].dim[1], call->out[0].dim[2]};
}

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    const ardm_shape *x = &call->in[0], *dy = &call->in[1];
    const int64_t group = call->attrs[0].i;
    char a[128], b[128];
    int32_t fits = x->rank == dy->rank;
    for (uint32_t axis = 0; fits && axis + 1 < x->rank; ++axis) fits = x->dim[axis] == dy->dim[axis];
    if (!fits)
        return ardm_fail(ARDM_ESHAPE, "matmul_grad: x is %s but dy is %s; all extents but the last must agree", ardm_shape_text(x, a, sizeof a),
                         ardm_shape_text(dy, b, sizeof b));
    if (x->dim[0] % group != 0)
        return ardm_fail(ARDM_ESHAPE, "matmul_grad: %" PRId64 " items are no whole number of groups of %" PRId64, x->dim[0], group);
    if (ardm_shape_rows(x, 1) > ARDM_MOST_INT)
        return ardm_fail(ARDM_ESHAPE, "matmul_grad: x has %" PRId64 " rows; the most is %d", ardm_shape_rows(x, 1), ARDM_MOST_INT);
    outputs[0] = ardm_shape_make(ARDM_F32, 3, (const int64_t[]){x->dim[0] / group, ardm_shape_last(x, 0), ardm_shape_last(dy, 0)});
    return ARDM_OK;
}

typedef struct left_factor {
    const float *x;
    int64_t terms, inputs;
} left_factor;

static void left(const void *user, int64_t plane, int64_t row, int64_t begin, int64_t terms, float *a) {
    const left_factor *factor = user;
    const float *x = factor->x + (plane * factor->terms + begin) * factor->inputs + row;
    for (int64_t k = 0; k < terms; ++k) a[ARDM_BLOCK_ROWS * k] = x[k * factor->inputs];
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    const extents e = extents_of(call);
    const left_factor factor = {in[0], e.terms, e.inputs};
    const ardm_right right = {in[1], e.terms * e.outputs, e.terms, 0, e.outputs, 1};
    return ardm__block_product(out[0], e.groups, e.inputs, e.outputs, e.terms, left, &factor, &right);
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    const extents e = extents_of(call);
    const double rows = (double)e.groups * (double)e.terms, inputs = (double)e.inputs, outputs = (double)e.outputs;
    *flops = 2 * rows * inputs * outputs;
    *bytes = 4 * (rows * (inputs + outputs) + (double)e.groups * inputs * outputs);
}

/* The weight gradient of a convolution whose one tap walks a single line. */
static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) {
    const extents e = extents_of(call);
    const ardm_conv line = {1, 1, e.terms, e.inputs, 1, e.terms, e.outputs, 1, 1, 1, 1};
    return ardm__plan_weight_gradient(recorder, &line, e.groups);
}

static ardm_status plan_gpu(const ardm_call *call, ardm_recorder *recorder, uint64_t side, const char *options) {
    const extents e = extents_of(call);
    const uint64_t tile = 4 * side;
    return ARDM_LAUNCH(recorder, "gradient", options, 3, ((uint64_t)e.outputs + tile - 1) / tile * side,
                       ((uint64_t)e.inputs + tile - 1) / tile * side, (uint64_t)e.groups, side, side, 1, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0),
                       ARDM_INT(e.terms), ARDM_INT(e.inputs), ARDM_INT(e.outputs));
}

static ardm_status plan_gpu64(const ardm_call *call, ardm_recorder *recorder) { return plan_gpu(call, recorder, 16, "-DSIDE=16"); }
static ardm_status plan_gpu32(const ardm_call *call, ardm_recorder *recorder) { return plan_gpu(call, recorder, 8, "-DSIDE=8"); }

static const ardm_attr attrs[] = {{"group", ARDM_ATTR_INT, "1", 1, 1 << 20, "items a gradient group"}};
static const ardm_port inputs[] = {{"x", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}, {"dy", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_port outputs[] = {{"dw", ARDM_DT(ARDM_F32), 3, 3, 0}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-local-64x64", ARDM_EXACT, ardm__accept_gpu64, &ardm_cl_matmul_gpu, plan_gpu64},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-local-32x32", ARDM_EXACT, ardm__accept_gpu32, &ardm_cl_matmul_gpu, plan_gpu32},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-8x32", ARDM_EXACT, ardm__accept_cpu_class, &ardm_cl_conv_cpu, plan_cpu},
};
static const ardm_case cases[] = {
    {"f32[1,1] f32[1,1]", NULL},
    {"f32[4,17,33] f32[4,17,5]", "group=2"},
    {"f32[0,3] f32[0,4]", NULL},
    {"f32[2,0,3] f32[2,0,4]", NULL},
    {"f32[2,3,0] f32[2,3,4]", NULL},
    {"f32[2,3,3] f32[2,3,0]", "group=2"},
    {"f32[513,40] f32[513,64]", "group=513"},
    {"f32[2,257,3] f32[2,257,96]", "group=1"},
    {"f32[6,130,24] f32[6,130,48]", "group=6"},
    {"f32[4,5,5,7,9] f32[4,5,5,7,33]", "group=2"},
    {"f32[8,70,1] f32[8,70,1]", "group=8"},
    {"f32[2,600,65] f32[2,600,70]", "group=2"},
    {"f32[16,64,8] f32[16,64,32]", "group=16"},
    {"f32[3,40,6]{-1e-7:1e-7} f32[3,40,6]{-1e-5:1e-5}", "group=3"},
};

const ardm_op ardm_op_matmul_grad = {
    .abi = ARDM_OP_ABI,
    .size = sizeof(ardm_op),
    .name = "matmul_grad",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = attrs,
    .n_attrs = 1,
    .inputs = inputs,
    .n_inputs = 2,
    .outputs = outputs,
    .n_outputs = 1,
    .sums = "block over (item, position) in a group",
    .help = "dw[G,K,M] of matmul",
    .infer = infer,
    .reference = reference,
    .oracle = ardm__matmul_grad_oracle,
    .bound = ardm__matmul_grad_bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof *variants,
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
};
