/* Softmax over the last extent, and its gradient from the probabilities alone. */
#include "softmax/softmax.h"

#include <math.h>
#include <stdio.h>

#include "ardm/op.h"
#include "ardm/thread.h"

extern const char *const ardm_cl_softmax_cpu, *const ardm_cl_softmax_gpu;

#define U 0x1p-24
#define FLUSH 0x1p-40

typedef struct job {
    const float *a, *b;
    float *y;
    int64_t width;
} job;

static int64_t grain(int64_t width) { return 1 + 4096 / (width + 1); }

static ardm_status check(const ardm_call *call) {
    if (ardm_shape_last(&call->in[0], 0) == 0 && ardm_shape_rows(&call->in[0], 1) > 0)
        return ardm_fail(ARDM_ESHAPE, "%s: a row has no element", call->op->name);
    return ARDM_OK;
}

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    ARDM_TRY(check(call));
    outputs[0] = call->in[0];
    return ARDM_OK;
}

static ardm_status grad_infer(const ardm_call *call, ardm_shape *outputs) {
    char text[2][128];
    ARDM_TRY(check(call));
    if (!ardm_shape_equal(&call->in[0], &call->in[1]))
        return ardm_fail(ARDM_ESHAPE, "softmax_grad: p is %s but dy is %s", ardm_shape_text(&call->in[0], text[0], sizeof text[0]),
                         ardm_shape_text(&call->in[1], text[1], sizeof text[1]));
    outputs[0] = call->in[0];
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    dx[0] = dy[0] < 0 ? -1 : builder->emit(builder, "softmax_grad", (const ardm_value[]){call->y[0], dy[0]}, 2, NULL, NULL);
    return ARDM_OK;
}

static void rows(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    ARDM_REFERENCE_CALL(softmax_rows)(j->a, j->y, j->width, begin, end);
}
static void grad_rows(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    ARDM_REFERENCE_CALL(softmax_grad_rows)(j->a, j->b, j->y, j->width, begin, end);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    job j = {in[0], NULL, out[0], ardm_shape_last(&call->in[0], 0)};
    ardm_parallel(ardm_shape_rows(&call->in[0], 1), grain(j.width), rows, &j);
    return ARDM_OK;
}
static ardm_status grad_reference(const ardm_call *call, const void *const *in, void *const *out) {
    job j = {in[0], in[1], out[0], ardm_shape_last(&call->in[0], 0)};
    ardm_parallel(ardm_shape_rows(&call->in[0], 1), grain(j.width), grad_rows, &j);
    return ARDM_OK;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const double *z = in[0];
    double *p = out[0];
    const int64_t n = ardm_shape_last(&call->in[0], 0), count = ardm_shape_rows(&call->in[0], 1);
    for (int64_t row = 0; row < count; ++row, z += n, p += n) {
        double top = z[0], sum = 0;
        for (int64_t i = 0; i < n; ++i) top = fmax(top, z[i]);
        for (int64_t i = 0; i < n; ++i) sum += exp(z[i] - top);
        for (int64_t i = 0; i < n; ++i) p[i] = exp(z[i] - top) / sum;
    }
    return ARDM_OK;
}

/* A weight errs by the rounding of its difference, of exp (3 u), of the sum and its reciprocal and by two flushes. */
static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *to) {
    const double *z = in[0], *p = out[0];
    const int64_t n = ardm_shape_last(&call->in[0], 0), count = ardm_shape_rows(&call->in[0], 1);
    (void)k;
    for (int64_t row = 0; row < count; ++row) {
        double top = z[row * n];
        for (int64_t i = 0; i < n; ++i) top = fmax(top, z[row * n + i]);
        for (int64_t i = 0; i < n; ++i) {
            const double away = top - z[row * n + i];
            to[row * n + i] = p[row * n + i] * ((double)n + 12 + 2 * away) * U + FLUSH * (2 + (double)n * p[row * n + i]);
        }
    }
}

static ardm_status grad_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const double *p = in[0], *dy = in[1];
    double *dz = out[0];
    const int64_t n = ardm_shape_last(&call->in[0], 0), count = ardm_shape_rows(&call->in[0], 1);
    for (int64_t row = 0; row < count; ++row, p += n, dy += n, dz += n) {
        double sum = 0;
        for (int64_t i = 0; i < n; ++i) sum += p[i] * dy[i];
        for (int64_t i = 0; i < n; ++i) dz[i] = p[i] * (dy[i] - sum);
    }
    return ARDM_OK;
}

static void grad_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *to) {
    const double *p = in[0], *dy = in[1];
    const int64_t n = ardm_shape_last(&call->in[0], 0), count = ardm_shape_rows(&call->in[0], 1);
    (void)k, (void)out;
    for (int64_t row = 0; row < count; ++row) {
        double sum = 0;
        for (int64_t i = 0; i < n; ++i) sum += fabs(p[row * n + i] * dy[row * n + i]);
        for (int64_t i = 0; i < n; ++i)
            to[row * n + i] = fabs(p[row * n + i]) * (((double)n + 3) * U * sum + 3 * U * fabs(dy[row * n + i]) + 2 * FLUSH) + FLUSH;
    }
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 20.0 * (double)ardm_shape_count(&call->in[0]);
    *bytes = 16.0 * (double)ardm_shape_count(&call->in[0]);
}

static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t width = ardm_shape_last(&call->in[0], 0), count = ardm_shape_rows(&call->in[0], 1), per = grain(width);
    return ARDM_LAUNCH(recorder, "softmax", "", 1, (uint64_t)((count + per - 1) / per), 1, 1, 1, 1, 1, ARDM_IN(0), ARDM_OUT(0), ARDM_INT(count),
                       ARDM_INT(width), ARDM_INT(per));
}
static ardm_status plan_gpu(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t width = ardm_shape_last(&call->in[0], 0), count = ardm_shape_rows(&call->in[0], 1);
    return ARDM_LAUNCH(recorder, "softmax", "", 2, 64, (uint64_t)count, 1, 64, 1, 1, ARDM_IN(0), ARDM_OUT(0), ARDM_INT(width));
}
static ardm_status grad_plan_cpu(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t width = ardm_shape_last(&call->in[0], 0), count = ardm_shape_rows(&call->in[0], 1), per = grain(width);
    return ARDM_LAUNCH(recorder, "softmax_grad", "", 1, (uint64_t)((count + per - 1) / per), 1, 1, 1, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0),
                       ARDM_INT(count), ARDM_INT(width), ARDM_INT(per));
}
static ardm_status grad_plan_gpu(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t width = ardm_shape_last(&call->in[0], 0), count = ardm_shape_rows(&call->in[0], 1);
    return ARDM_LAUNCH(recorder, "softmax_grad", "", 2, 64, (uint64_t)count, 1, 64, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0), ARDM_INT(width));
}

static int32_t accept_cpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call, (void)why, (void)n;
    return facts->device_class == ARDM_CLASS_GPU ? 10 : 20;
}
static int32_t accept_gpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call;
    if (facts->max_work_group < 64 || facts->local_bytes < 1024) {
        snprintf(why, n, "needs groups of 64 and 1 KiB of local memory");
        return 0;
    }
    return facts->device_class == ARDM_CLASS_GPU ? 20 : 5;
}

static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-row-64", ARDM_EXACT, accept_gpu, &ardm_cl_softmax_gpu, plan_gpu},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-rows", ARDM_EXACT, accept_cpu, &ardm_cl_softmax_cpu, plan_cpu},
};
static const ardm_variant grad_variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-row-64", ARDM_EXACT, accept_gpu, &ardm_cl_softmax_gpu, grad_plan_gpu},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-rows", ARDM_EXACT, accept_cpu, &ardm_cl_softmax_cpu, grad_plan_cpu},
};
static const ardm_port inputs[] = {{"z", ARDM_DT(ARDM_F32), 1, 5, 0}};
static const ardm_port outputs[] = {{"p", ARDM_DT(ARDM_F32), 1, 5, 0}};
static const ardm_port grad_inputs[] = {{"p", ARDM_DT(ARDM_F32), 1, 5, 0}, {"dy", ARDM_DT(ARDM_F32), 1, 5, 0}};
static const ardm_port grad_outputs[] = {{"dz", ARDM_DT(ARDM_F32), 1, 5, 0}};
static const ardm_case cases[] = {
    {"f32[1]", ""},       {"f32[0,7]", ""},           {"f32[3,1]", ""},     {"f32[17,27]{-30:30}", ""},
    {"f32[5,7,256]", ""}, {"f32[2,130]{-80:80}", ""}, {"f32[2,16500]", ""},
};
static const ardm_case grad_cases[] = {
    {"f32[1]{0:1} f32[1]", ""},
    {"f32[0,7] f32[0,7]", ""},
    {"f32[3,1]{0:1} f32[3,1]", ""},
    {"f32[17,27]{0:0.1} f32[17,27]", ""},
    {"f32[5,7,256]{0:0.01} f32[5,7,256]", ""},
    {"f32[2,16500]{0:0.001} f32[2,16500]", ""},
};

const ardm_op ardm_op_softmax = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "softmax",
    .version = 1,
    .inputs = inputs,
    .outputs = outputs,
    .n_inputs = 1,
    .n_outputs = 1,
    .sums = "lane over the row",
    .help = "probabilities over the last extent",
    .infer = infer,
    .gradient = gradient,
    .reference = reference,
    .oracle = oracle,
    .bound = bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof variants[0],
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};

const ardm_op ardm_op_softmax_grad = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "softmax_grad",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .inputs = grad_inputs,
    .outputs = grad_outputs,
    .n_inputs = 2,
    .n_outputs = 1,
    .sums = "lane over the row",
    .help = "gradient of softmax from its probabilities",
    .infer = grad_infer,
    .reference = grad_reference,
    .oracle = grad_oracle,
    .bound = grad_bound,
    .cost = cost,
    .variants = grad_variants,
    .n_variants = sizeof grad_variants / sizeof grad_variants[0],
    .cases = grad_cases,
    .n_cases = sizeof grad_cases / sizeof grad_cases[0],
};
