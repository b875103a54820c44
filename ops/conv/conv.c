/* conv: y[N,H/s,W/s,M] = x[N,H,W,C] convolved with w[KH,KW,C,M], zero padding that keeps the size, odd kernels. */
#include <inttypes.h>
#include <stdio.h>

#include "conv/conv.h"
#include "matmul/block.h"
#include "matmul/matmul.h"

extern const char *const ardm_cl_conv_cpu, *const ardm_cl_conv_gpu;

ardm_status ardm__conv_check(ardm_conv *c, const char *op) {
    if (c->kernel_height % 2 == 0 || c->kernel_width % 2 == 0)
        return ardm_fail(ARDM_ESHAPE, "%s: the kernel is %" PRId64 "x%" PRId64 "; both must be odd", op, c->kernel_height, c->kernel_width);
    if (c->kernel_height * c->kernel_width > 225)
        return ardm_fail(ARDM_ESHAPE, "%s: the kernel is %" PRId64 "x%" PRId64 "; the most is 225 taps", op, c->kernel_height, c->kernel_width);
    if (c->height > 1 << 24 || c->width > 1 << 24 || c->items * c->height * c->width > ARDM_MOST_INT)
        return ardm_fail(ARDM_ESHAPE, "%s: %" PRId64 " items of %" PRId64 "x%" PRId64 " are more pixels than 2^31-1, or a side is above 2^24", op,
                         c->items, c->height, c->width);
    if (c->kernel_height * c->kernel_width * (c->channels > c->outputs ? c->channels : c->outputs) > ARDM_MOST_INT)
        return ardm_fail(ARDM_ESHAPE, "%s: %" PRId64 "x%" PRId64 " taps of %" PRId64 " to %" PRId64 " channels are more terms than 2^31-1", op,
                         c->kernel_height, c->kernel_width, c->channels, c->outputs);
    c->out_height = (c->height + c->stride - 1) / c->stride;
    c->out_width = (c->width + c->stride - 1) / c->stride;
    return ARDM_OK;
}

static ardm_conv extents_of(const ardm_call *call) {
    const int64_t *x = call->in[0].dim, *w = call->in[1].dim, stride = call->attrs[0].i, dilation = call->attrs[1].i;
    return (ardm_conv){x[0], x[1], x[2], x[3], (x[1] + stride - 1) / stride, (x[2] + stride - 1) / stride, w[3], w[0], w[1], stride, dilation};
}

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    ardm_conv c = extents_of(call);
    if (call->in[1].dim[2] != c.channels)
        return ardm_fail(ARDM_ESHAPE, "conv: x has %" PRId64 " channels but w takes %" PRId64, c.channels, call->in[1].dim[2]);
    ARDM_TRY(ardm__conv_check(&c, "conv"));
    outputs[0] = ardm_shape_make(ARDM_F32, 4, (const int64_t[]){c.items, c.out_height, c.out_width, c.outputs});
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    const ardm_conv c = extents_of(call);
    char text[160];
    dx[0] = dx[1] = -1;
    if (dy[0] < 0) return ARDM_OK;
    snprintf(text, sizeof text, "stride=%" PRId64 ", dilation=%" PRId64, c.stride, c.dilation);
    dx[0] = builder->emit(builder, "conv_grad_x", (const ardm_value[]){dy[0], call->x[1], call->x[0]}, 3, text, NULL);
    snprintf(text, sizeof text, "group=%" PRId64 ", stride=%" PRId64 ", kernel=%" PRId64 ", height=%" PRId64 ", dilation=%" PRId64, builder->group,
             c.stride, c.kernel_width, c.kernel_height, c.dilation);
    const ardm_value parts = builder->emit(builder, "conv_grad_w", (const ardm_value[]){call->x[0], dy[0]}, 2, text, NULL);
    dx[1] = builder->emit(builder, "tree_sum", &parts, 1, NULL, NULL);
    return ARDM_OK;
}

typedef struct left_factor {
    const float *x;
    ardm_conv conv;
} left_factor;

/* Row: a pixel of y. Term: (ky, kx, channel). */
static void left(const void *user, int64_t plane, int64_t row, int64_t begin, int64_t terms, float *a) {
    const left_factor *factor = user;
    const ardm_conv *c = &factor->conv;
    const int64_t item = row / c->out_width / c->out_height, oy = row / c->out_width % c->out_height, ox = row % c->out_width;
    (void)plane;
    for (int64_t k = begin, end; k < begin + terms; k = end) {
        const int64_t tap = k / c->channels, channel = k % c->channels;
        const int64_t y = oy * c->stride + (tap / c->kernel_width - c->kernel_height / 2) * c->dilation;
        const int64_t x = ox * c->stride + (tap % c->kernel_width - c->kernel_width / 2) * c->dilation;
        end = (tap + 1) * c->channels < begin + terms ? (tap + 1) * c->channels : begin + terms;
        if (y < 0 || y >= c->height || x < 0 || x >= c->width) {
            for (; k < end; ++k, a += ARDM_BLOCK_ROWS) *a = 0.0f;
        } else {
            const float *from = factor->x + ((item * c->height + y) * c->width + x) * c->channels + channel;
            for (; k < end; ++k, a += ARDM_BLOCK_ROWS) *a = *from++;
        }
    }
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    const left_factor factor = {in[0], extents_of(call)};
    const ardm_conv *c = &factor.conv;
    const int64_t depth = c->kernel_height * c->kernel_width * c->channels;
    const ardm_right right = {in[1], 0, depth, 0, c->outputs, 1};
    return ardm__block_product(out[0], 1, c->items * c->out_height * c->out_width, c->outputs, depth, left, &factor, &right);
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
    return ardm__plan_convolve(recorder, &c, 0);
}

static ardm_status plan_gpu64(const ardm_call *call, ardm_recorder *recorder) {
    const ardm_conv c = extents_of(call);
    return ardm__plan_convolve_gpu(recorder, &c, 0, 16);
}

static ardm_status plan_gpu32(const ardm_call *call, ardm_recorder *recorder) {
    const ardm_conv c = extents_of(call);
    return ardm__plan_convolve_gpu(recorder, &c, 0, 8);
}

static const ardm_attr attrs[] = {{"stride", ARDM_ATTR_INT, "1", 1, 8, "pixels of x to one of y"},
                                  {"dilation", ARDM_ATTR_INT, "1", 1, 1 << 20, "pixels from tap to tap"}};
static const ardm_port inputs[] = {{"x", ARDM_DT(ARDM_F32), 4, 4, 0}, {"w", ARDM_DT(ARDM_F32), 4, 4, 0}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 4, 4, 0}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-local-64x64", ARDM_EXACT, ardm__accept_gpu64, &ardm_cl_conv_gpu, plan_gpu64},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-local-32x32", ARDM_EXACT, ardm__accept_gpu32, &ardm_cl_conv_gpu, plan_gpu32},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-8x32", ARDM_EXACT, ardm__accept_cpu_class, &ardm_cl_conv_cpu, plan_cpu},
};
static const ardm_case cases[] = {
    {"f32[1,1,1,1] f32[1,1,1,1]", NULL},
    {"f32[2,5,7,3] f32[3,3,3,9]", NULL},
    {"f32[0,4,4,2] f32[3,3,2,2]", NULL},
    {"f32[1,3,3,0] f32[3,3,0,2]", NULL},
    {"f32[1,0,3,2] f32[3,3,2,2]", NULL},
    {"f32[1,6,5,33] f32[3,3,33,33]", NULL},
    {"f32[2,9,8,6] f32[5,5,6,16]", "stride=2"},
    {"f32[3,4,4,65] f32[1,1,65,40]", NULL},
    {"f32[1,7,6,12] f32[1,1,12,33]", "stride=2"},
    {"f32[1,1,40,24] f32[1,3,24,48]", "dilation=8"},
    {"f32[2,1,2,3] f32[7,7,3,4]", NULL},
    {"f32[2,16,16,32] f32[3,3,32,32]", NULL},
    {"f32[1,8,9,5] f32[3,5,5,17]", "stride=3, dilation=2"},
    {"f32[1,4,5,3]{-1e-7:1e-7} f32[3,3,3,5]{-1e-5:1e-5}", NULL},
};

const ardm_op ardm_op_conv = {
    .abi = ARDM_OP_ABI,
    .size = sizeof(ardm_op),
    .name = "conv",
    .version = 1,
    .attrs = attrs,
    .n_attrs = sizeof attrs / sizeof *attrs,
    .inputs = inputs,
    .n_inputs = sizeof inputs / sizeof *inputs,
    .outputs = outputs,
    .n_outputs = 1,
    .sums = "block over (ky, kx, channel)",
    .help = "y[N,H/s,W/s,M] = x[N,H,W,C] convolved with w[KH,KW,C,M]",
    .infer = infer,
    .gradient = gradient,
    .reference = reference,
    .oracle = ardm__conv_oracle,
    .bound = ardm__conv_bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof *variants,
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
};
