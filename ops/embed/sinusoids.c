/* Fixed sinusoids of the position and of the time: sines first, then cosines, of x * 10000^(-i / (half - 1)). */
#include "embed/embed.h"

#include <inttypes.h>
#include <math.h>

#include "ardm/exact.h"
#include "ardm/thread.h"

extern const char *const ardm_cl_embed_features;

#define U 0x1p-24

enum { MOST_POSITIONS = 8192 }; /* sin and cos are exact.h's up to 2^13 */

float ardm__embed_step(int64_t half) { return half > 1 ? ardm_flush(ardm_mul(9.21034037f, ardm_flush(ardm_reciprocal((float)(half - 1))))) : 0.0f; }

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    const int64_t width = call->attrs[0].i, streams = call->attrs[1].i, rows = call->in[0].dim[1];
    if (width % 2 != 0) return ardm_fail(ARDM_ESHAPE, "positions: the width %" PRId64 " is odd", width);
    if (rows % streams != 0 || rows / streams > MOST_POSITIONS)
        return ardm_fail(ARDM_ESHAPE, "positions: %" PRId64 " positions in %" PRId64 " streams; a stream has at most %d", rows, streams,
                         MOST_POSITIONS);
    outputs[0] = ardm_shape_make(ARDM_F32, 2, (const int64_t[]){rows, width});
    return ARDM_OK;
}

static ardm_status time_infer(const ardm_call *call, ardm_shape *outputs) {
    const int64_t width = call->attrs[0].i;
    if (width % 2 != 0) return ardm_fail(ARDM_ESHAPE, "time_embed: the width %" PRId64 " is odd", width);
    outputs[0] = ardm_shape_make(ARDM_F32, 2, (const int64_t[]){call->in[0].dim[0], width});
    return ARDM_OK;
}

typedef struct job {
    const float *t; /* NULL: positions */
    float *y, step;
    int64_t length, half;
} job;

static void fill(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    for (int64_t row = begin; row < end; ++row) ARDM_REFERENCE_CALL(embed_sinusoids)
    (j->y + row * 2 * j->half, j->t ? ardm_flush(ardm_mul(1000.0f, j->t[row])) : (float)(int32_t)(row % j->length), j->step, j->half);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t half = call->attrs[0].i / 2;
    job j = {NULL, out[0], ardm__embed_step(half), call->in[0].dim[1] / call->attrs[1].i, half};
    (void)in;
    ardm_parallel(call->out[0].dim[0], 1 + 1024 / half, fill, &j);
    return ARDM_OK;
}

static ardm_status time_reference(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t half = call->attrs[0].i / 2;
    job j = {in[0], out[0], ardm__embed_step(half), 1, half};
    ardm_parallel(call->out[0].dim[0], 1 + 1024 / half, fill, &j);
    return ARDM_OK;
}

/* The angle errs by three roundings of the exponent, which is a relative error of the frequency, and two more. */
static double angle_of(double x, int64_t i, int64_t half, double *error) {
    const double power = half > 1 ? log(1e4) * (double)i / (double)(half - 1) : 0, angle = x * exp(-power);
    *error = fabs(angle) * (4 * power + 5) * U + 4 * U + 0x1p-39;
    return angle;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t half = call->attrs[0].i / 2, length = call->in[0].dim[1] / call->attrs[1].i;
    double *y = out[0], error;
    (void)in;
    for (int64_t row = 0; row < call->out[0].dim[0]; ++row)
        for (int64_t i = 0; i < half; ++i) {
            y[2 * half * row + i] = sin(angle_of((double)(row % length), i, half, &error));
            y[2 * half * row + half + i] = cos(angle_of((double)(row % length), i, half, &error));
        }
    return ARDM_OK;
}

static ardm_status time_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t half = call->attrs[0].i / 2;
    const double *t = in[0];
    double *y = out[0], error;
    for (int64_t row = 0; row < call->out[0].dim[0]; ++row)
        for (int64_t i = 0; i < half; ++i) {
            y[2 * half * row + i] = sin(angle_of(1000 * t[row], i, half, &error));
            y[2 * half * row + half + i] = cos(angle_of(1000 * t[row], i, half, &error));
        }
    return ARDM_OK;
}

static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *to) {
    const int64_t half = call->attrs[0].i / 2, length = call->in[0].dim[1] / call->attrs[1].i;
    (void)k, (void)in, (void)out;
    for (int64_t row = 0; row < call->out[0].dim[0]; ++row)
        for (int64_t i = 0; i < 2 * half; ++i) angle_of((double)(row % length), i % half, half, &to[2 * half * row + i]);
}

static void time_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *to) {
    const int64_t half = call->attrs[0].i / 2;
    const double *t = in[0];
    (void)k, (void)out;
    for (int64_t row = 0; row < call->out[0].dim[0]; ++row)
        for (int64_t i = 0; i < 2 * half; ++i) angle_of(1000 * t[row], i % half, half, &to[2 * half * row + i]);
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 25.0 * (double)ardm_shape_count(&call->out[0]);
    *bytes = 4.0 * (double)ardm_shape_count(&call->out[0]);
}

static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t rows = call->out[0].dim[0], half = call->attrs[0].i / 2, per = ardm__embed_per(recorder, 1 + 1024 / half);
    return ARDM_LAUNCH(recorder, "positions", "", 1, (uint64_t)((rows + per - 1) / per), 1, 1, per == 1 ? 0 : 1, 1, 1, ARDM_OUT(0), ARDM_INT(rows),
                       ARDM_INT(call->in[0].dim[1] / call->attrs[1].i), ARDM_INT(half), ARDM_FLOAT(ardm__embed_step(half)), ARDM_INT(per));
}

static ardm_status time_plan(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t rows = call->out[0].dim[0], half = call->attrs[0].i / 2, per = ardm__embed_per(recorder, 1 + 1024 / half);
    return ARDM_LAUNCH(recorder, "time_embed", "", 1, (uint64_t)((rows + per - 1) / per), 1, 1, per == 1 ? 0 : 1, 1, 1, ARDM_IN(0), ARDM_OUT(0),
                       ARDM_INT(rows), ARDM_INT(half), ARDM_FLOAT(ardm__embed_step(half)), ARDM_INT(per));
}

static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "plain", ARDM_EXACT, NULL, &ardm_cl_embed_features, plan}};
static const ardm_variant time_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "plain", ARDM_EXACT, NULL, &ardm_cl_embed_features, time_plan}};
static const ardm_attr attrs[] = {
    {"width", ARDM_ATTR_INT, NULL, 2, 1 << 16, "an even number of features"},
    {"streams", ARDM_ATTR_INT, "1", 1, 2, "2: positions are [clean; noisy]"},
};
static const ardm_port inputs[] = {{"like", ARDM_DT(ARDM_I32), 2, 2, 0}};
static const ardm_port time_inputs[] = {{"t", ARDM_DT(ARDM_F32), 1, 1, 0}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 2, 2, 0}};
static const ardm_case cases[] = {
    {"i32[1,1]", "width=2"},    {"i32[2,0]", "width=4"}, {"i32[3,17]", "width=6"}, {"i32[1,300]", "width=130"}, {"i32[2,66]", "width=64, streams=2"},
    {"i32[1,8192]", "width=4"},
};
static const ardm_case time_cases[] = {
    {"f32[1]{0:1}", "width=2"},
    {"f32[0]", "width=4"},
    {"f32[17]{0:1}", "width=6"},
    {"f32[70]{0:1}", "width=256"},
};

const ardm_op ardm_op_positions = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "positions",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = attrs,
    .n_attrs = 2,
    .inputs = inputs,
    .outputs = outputs,
    .n_inputs = 1,
    .n_outputs = 1,
    .sums = "",
    .help = "sines then cosines of the position, as many rows as `like` has positions",
    .infer = infer,
    .reference = reference,
    .oracle = oracle,
    .bound = bound,
    .cost = cost,
    .variants = variants,
    .n_variants = 1,
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};

const ardm_op ardm_op_time_embed = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "time_embed",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = attrs,
    .n_attrs = 1,
    .inputs = time_inputs,
    .outputs = outputs,
    .n_inputs = 1,
    .n_outputs = 1,
    .sums = "",
    .help = "sines then cosines of 1000 t",
    .infer = time_infer,
    .reference = time_reference,
    .oracle = time_oracle,
    .bound = time_bound,
    .cost = cost,
    .variants = time_variants,
    .n_variants = 1,
    .cases = time_cases,
    .n_cases = sizeof time_cases / sizeof time_cases[0],
};
