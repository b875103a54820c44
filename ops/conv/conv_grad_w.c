/* conv_grad_w: dw[G,KH,KW,C,M], a convolution's gradient to its weights, one part a group of items. */
#include <inttypes.h>

#include "conv/conv.h"
#include "matmul/block.h"
#include "matmul/matmul.h"

extern const char *const ardm_cl_conv_cpu, *const ardm_cl_conv_gpu;

/* items: those of one group */
static ardm_conv extents_of(const ardm_call *call) {
    const int64_t *x = call->in[0].dim, *dy = call->in[1].dim, width = call->attrs[2].i, height = call->attrs[3].i;
    return (ardm_conv){call->attrs[0].i, x[1], x[2], x[3], dy[1], dy[2], dy[3], height > 0 ? height : width, width, call->attrs[1].i,
                       call->attrs[4].i};
}

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    const ardm_shape *x = &call->in[0], *dy = &call->in[1];
    const int64_t group = call->attrs[0].i;
    ardm_conv c = extents_of(call);
    char text[128];
    if (x->dim[0] % group != 0)
        return ardm_fail(ARDM_ESHAPE, "conv_grad_w: %" PRId64 " items are no whole number of groups of %" PRId64, x->dim[0], group);
    c.items = x->dim[0];
    ARDM_TRY(ardm__conv_check(&c, "conv_grad_w"));
    if (dy->dim[0] != c.items || dy->dim[1] != c.out_height || dy->dim[2] != c.out_width)
        return ardm_fail(ARDM_ESHAPE, "conv_grad_w: dy is %s; x wants %" PRId64 " items of %" PRId64 "x%" PRId64,
                         ardm_shape_text(dy, text, sizeof text), c.items, c.out_height, c.out_width);
    outputs[0] = ardm_shape_make(ARDM_F32, 5, (const int64_t[]){x->dim[0] / group, c.kernel_height, c.kernel_width, c.channels, c.outputs});
    return ARDM_OK;
}

typedef struct left_factor {
    const float *x;
    ardm_conv conv;
} left_factor;

/* Row: (ky, kx, channel). Term: (item, y, x) of the group. */
static void left(const void *user, int64_t plane, int64_t row, int64_t begin, int64_t terms, float *a) {
    const left_factor *factor = user;
    const ardm_conv *c = &factor->conv;
    const int64_t tap = row / c->channels, channel = row % c->channels;
    const int64_t shift_y = (tap / c->kernel_width - c->kernel_height / 2) * c->dilation;
    const int64_t shift_x = (tap % c->kernel_width - c->kernel_width / 2) * c->dilation;
    for (int64_t t = begin; t < begin + terms; ++t, a += ARDM_BLOCK_ROWS) {
        const int64_t item = plane * c->items + t / c->out_width / c->out_height;
        const int64_t y = t / c->out_width % c->out_height * c->stride + shift_y, x = t % c->out_width * c->stride + shift_x;
        const int inside = y >= 0 && y < c->height && x >= 0 && x < c->width;
        *a = inside ? factor->x[((item * c->height + y) * c->width + x) * c->channels + channel] : 0.0f;
    }
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    const left_factor factor = {in[0], extents_of(call)};
    const ardm_conv *c = &factor.conv;
    const int64_t terms = c->items * c->out_height * c->out_width;
    const ardm_right right = {in[1], terms * c->outputs, terms, 0, c->outputs, 1};
    return ardm__block_product(out[0], call->out[0].dim[0], c->kernel_height * c->kernel_width * c->channels, c->outputs, terms, left, &factor,
                               &right);
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    const ardm_conv c = extents_of(call);
    const double y = (double)c.items * (double)call->out[0].dim[0] * (double)(c.out_height * c.out_width * c.outputs),
                 x = (double)c.items * (double)call->out[0].dim[0] * (double)(c.height * c.width * c.channels);
    const double w = (double)(c.kernel_height * c.kernel_width * c.channels * c.outputs);
    *flops = 2 * y * (double)(c.kernel_height * c.kernel_width * c.channels);
    *bytes = 4 * (x + w * (double)call->out[0].dim[0] + y);
}

static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) {
    const ardm_conv c = extents_of(call);
    return ardm__plan_weight_gradient(recorder, &c, call->out[0].dim[0]);
}

static ardm_status plan_gpu64(const ardm_call *call, ardm_recorder *recorder) {
    const ardm_conv c = extents_of(call);
    return ardm__plan_weight_gradient_gpu(recorder, &c, call->out[0].dim[0], 16);
}

static ardm_status plan_gpu32(const ardm_call *call, ardm_recorder *recorder) {
    const ardm_conv c = extents_of(call);
    return ardm__plan_weight_gradient_gpu(recorder, &c, call->out[0].dim[0], 8);
}

static const ardm_attr attrs[] = {{"group", ARDM_ATTR_INT, "1", 1, 1 << 20, "items a gradient group"},
                                  {"stride", ARDM_ATTR_INT, "1", 1, 8, "pixels of x to one of y"},
                                  {"kernel", ARDM_ATTR_INT, NULL, 1, 225, "taps in a line"},
                                  {"height", ARDM_ATTR_INT, "0", 0, 225, "lines of taps; 0: as many as taps in a line"},
                                  {"dilation", ARDM_ATTR_INT, "1", 1, 1 << 20, "pixels from tap to tap"}};
static const ardm_port inputs[] = {{"x", ARDM_DT(ARDM_F32), 4, 4, 0}, {"dy", ARDM_DT(ARDM_F32), 4, 4, 0}};
static const ardm_port outputs[] = {{"dw", ARDM_DT(ARDM_F32), 5, 5, 0}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-local-64x64", ARDM_EXACT, ardm__accept_gpu64, &ardm_cl_conv_gpu, plan_gpu64},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-local-32x32", ARDM_EXACT, ardm__accept_gpu32, &ardm_cl_conv_gpu, plan_gpu32},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-8x32", ARDM_EXACT, ardm__accept_cpu_class, &ardm_cl_conv_cpu, plan_cpu},
};
static const ardm_case cases[] = {
    {"f32[1,1,1,1] f32[1,1,1,1]", "kernel=1"},
    {"f32[2,5,7,3] f32[2,5,7,9]", "group=2, kernel=3"},
    {"f32[0,4,4,2] f32[0,4,4,2]", "kernel=3"},
    {"f32[2,3,3,0] f32[2,3,3,2]", "kernel=3"},
    {"f32[2,0,3,2] f32[2,0,3,4]", "group=2, kernel=3"},
    {"f32[4,6,5,33] f32[4,6,5,33]", "group=2, kernel=3"},
    {"f32[2,9,8,6] f32[2,5,4,16]", "kernel=5, stride=2"},
    {"f32[6,8,8,20] f32[6,8,8,40]", "group=6, kernel=1"},
    {"f32[1,7,6,12] f32[1,4,3,33]", "kernel=1, stride=2"},
    {"f32[2,1,300,24] f32[2,1,300,48]", "group=2, kernel=3, height=1, dilation=8"},
    {"f32[2,1,2,3] f32[2,1,2,4]", "kernel=7"},
    {"f32[4,16,16,32] f32[4,16,16,32]", "group=2, kernel=3"},
    {"f32[3,8,9,5] f32[3,3,3,17]", "group=3, kernel=5, height=3, stride=3, dilation=2"},
    {"f32[1,40,41,2] f32[1,40,41,1]", "kernel=3"},
};

const ardm_op ardm_op_conv_grad_w = {
    .abi = ARDM_OP_ABI,
    .size = sizeof(ardm_op),
    .name = "conv_grad_w",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = attrs,
    .n_attrs = sizeof attrs / sizeof *attrs,
    .inputs = inputs,
    .n_inputs = sizeof inputs / sizeof *inputs,
    .outputs = outputs,
    .n_outputs = 1,
    .sums = "block over (item, y, x) in a group",
    .help = "dw[G,KH,KW,C,M] of conv",
    .infer = infer,
    .reference = reference,
    .oracle = ardm__conv_grad_w_oracle,
    .bound = ardm__conv_grad_w_bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof *variants,
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
};
