/* conv_grad_x: dx[N,H,W,C], a convolution's gradient to its input; x gives the extents alone. */
#include <inttypes.h>

#include "conv/conv.h"
#include "matmul/block.h"
#include "matmul/matmul.h"

extern const char *const ardm_cl_conv_cpu, *const ardm_cl_conv_gpu;

static ardm_conv extents_of(const ardm_call *call) {
    const int64_t *dy = call->in[0].dim, *w = call->in[1].dim, *x = call->in[2].dim;
    return (ardm_conv){x[0], x[1], x[2], x[3], dy[1], dy[2], w[3], w[0], w[1], call->attrs[0].i, call->attrs[1].i};
}

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    ardm_conv c = extents_of(call);
    const ardm_shape *dy = &call->in[0], *w = &call->in[1];
    char text[128];
    ARDM_TRY(ardm__conv_check(&c, "conv_grad_x"));
    const ardm_shape y = ardm_shape_make(ARDM_F32, 4, (const int64_t[]){c.items, c.out_height, c.out_width, c.outputs});
    if (!ardm_shape_equal(dy, &y) || w->dim[2] != c.channels)
        return ardm_fail(ARDM_ESHAPE,
                         "conv_grad_x: dy is %s and w takes %" PRId64 " channels; x has %" PRId64 " and w gives %" PRId64 " at %" PRId64 "x%" PRId64,
                         ardm_shape_text(dy, text, sizeof text), w->dim[2], c.channels, c.outputs, c.out_height, c.out_width);
    outputs[0] = call->in[2];
    return ARDM_OK;
}

typedef struct left_factor {
    const float *dy;
    ardm_conv conv;
} left_factor;

/* The pixel of y whose tap at `shift` is pixel `at` of x; -1: none. */
static int64_t pixel_of(int64_t at, int64_t shift, int64_t stride, int64_t extent) {
    const int64_t t = at - shift;
    return t >= 0 && t % stride == 0 && t / stride < extent ? t / stride : -1;
}

/* Row: a pixel of x. Term: (ky, kx, output). */
static void left(const void *user, int64_t plane, int64_t row, int64_t begin, int64_t terms, float *a) {
    const left_factor *factor = user;
    const ardm_conv *c = &factor->conv;
    const int64_t item = row / c->width / c->height, y = row / c->width % c->height, x = row % c->width;
    (void)plane;
    for (int64_t k = begin, end; k < begin + terms; k = end) {
        const int64_t tap = k / c->outputs, output = k % c->outputs;
        const int64_t oy = pixel_of(y, (tap / c->kernel_width - c->kernel_height / 2) * c->dilation, c->stride, c->out_height);
        const int64_t ox = pixel_of(x, (tap % c->kernel_width - c->kernel_width / 2) * c->dilation, c->stride, c->out_width);
        end = (tap + 1) * c->outputs < begin + terms ? (tap + 1) * c->outputs : begin + terms;
        if (oy < 0 || ox < 0) {
            for (; k < end; ++k, a += ARDM_BLOCK_ROWS) *a = 0.0f;
        } else {
            const float *from = factor->dy + ((item * c->out_height + oy) * c->out_width + ox) * c->outputs + output;
            for (; k < end; ++k, a += ARDM_BLOCK_ROWS) *a = *from++;
        }
    }
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    const left_factor factor = {in[0], extents_of(call)};
    const ardm_conv *c = &factor.conv;
    const ardm_right right = {in[1], 0, c->outputs, c->channels * c->outputs, 1, c->outputs};
    return ardm__block_product(out[0], 1, c->items * c->height * c->width, c->channels, c->kernel_height * c->kernel_width * c->outputs, left,
                               &factor, &right);
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    const ardm_conv c = extents_of(call);
    const double y = (double)c.items * (double)(c.out_height * c.out_width * c.outputs),
                 x = (double)c.items * (double)(c.height * c.width * c.channels);
    const double w = (double)(c.kernel_height * c.kernel_width * c.channels * c.outputs);
    *flops = 2 * y * (double)(c.kernel_height * c.kernel_width * c.channels);
    *bytes = 4 * (x + w + y);
}

static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) {
    const ardm_conv c = extents_of(call);
    return ardm__plan_convolve(recorder, &c, 1);
}

static ardm_status plan_gpu64(const ardm_call *call, ardm_recorder *recorder) {
    const ardm_conv c = extents_of(call);
    return ardm__plan_convolve_gpu(recorder, &c, 1, 16);
}

static ardm_status plan_gpu32(const ardm_call *call, ardm_recorder *recorder) {
    const ardm_conv c = extents_of(call);
    return ardm__plan_convolve_gpu(recorder, &c, 1, 8);
}

static const ardm_attr attrs[] = {{"stride", ARDM_ATTR_INT, "1", 1, 8, "pixels of x to one of y"},
                                  {"dilation", ARDM_ATTR_INT, "1", 1, 1 << 20, "pixels from tap to tap"}};
static const ardm_port inputs[] = {{"dy", ARDM_DT(ARDM_F32), 4, 4, 0}, {"w", ARDM_DT(ARDM_F32), 4, 4, 0}, {"x", ARDM_DT(ARDM_F32), 4, 4, 0}};
static const ardm_port outputs[] = {{"dx", ARDM_DT(ARDM_F32), 4, 4, 0}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-local-64x64", ARDM_EXACT, ardm__accept_gpu64, &ardm_cl_conv_gpu, plan_gpu64},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-local-32x32", ARDM_EXACT, ardm__accept_gpu32, &ardm_cl_conv_gpu, plan_gpu32},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-8x32", ARDM_EXACT, ardm__accept_cpu_class, &ardm_cl_conv_cpu, plan_cpu},
};
static const ardm_case cases[] = {
    {"f32[1,1,1,1] f32[1,1,1,1] f32[1,1,1,1]", NULL},
    {"f32[2,5,7,9] f32[3,3,3,9] f32[2,5,7,3]", NULL},
    {"f32[0,4,4,2] f32[3,3,2,2] f32[0,4,4,2]", NULL},
    {"f32[1,3,3,0] f32[3,3,2,0] f32[1,3,3,2]", NULL},
    {"f32[1,6,5,33] f32[3,3,40,33] f32[1,6,5,40]", NULL},
    {"f32[2,5,4,16] f32[5,5,6,16] f32[2,9,8,6]", "stride=2"},
    {"f32[2,4,4,96] f32[3,3,48,96] f32[2,8,8,48]", "stride=2"},
    {"f32[3,4,4,40] f32[1,1,65,40] f32[3,4,4,65]", NULL},
    {"f32[1,4,3,33] f32[1,1,12,33] f32[1,7,6,12]", "stride=2"},
    {"f32[1,1,40,48] f32[1,3,24,48] f32[1,1,40,24]", "dilation=8"},
    {"f32[2,1,2,4] f32[7,7,3,4] f32[2,1,2,3]", NULL},
    {"f32[2,16,16,32] f32[3,3,32,32] f32[2,16,16,32]", NULL},
    {"f32[1,3,3,17] f32[3,5,5,17] f32[1,8,9,5]", "stride=3, dilation=2"},
    {"f32[1,1,1,3] f32[3,3,5,3] f32[1,3,2,5]", "stride=8"},
};

const ardm_op ardm_op_conv_grad_x = {
    .abi = ARDM_OP_ABI,
    .size = sizeof(ardm_op),
    .name = "conv_grad_x",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = attrs,
    .n_attrs = sizeof attrs / sizeof *attrs,
    .inputs = inputs,
    .n_inputs = sizeof inputs / sizeof *inputs,
    .outputs = outputs,
    .n_outputs = 1,
    .sums = "block over (ky, kx, output)",
    .help = "dx[N,H,W,C] of conv from dy, w, and x for its extents",
    .infer = infer,
    .reference = reference,
    .oracle = ardm__conv_grad_x_oracle,
    .bound = ardm__conv_grad_x_bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof *variants,
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
};
