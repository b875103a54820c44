/* square_sum, clip_factor and hold: the global norm of a gradient, the factor that keeps it within a limit, and the flag of a step that is not
 * finite (numerics.md 6). */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ardm/exact.h"
#include "ardm/thread.h"
#include "optimiser/loops.h"

extern const char *const ardm_cl_optimiser_norm;

/* --- square_sum ------------------------------------------------------------------------------------------------------------ */

static ardm_status scalar_infer(const ardm_call *call, ardm_shape *out) {
    (void)call;
    out[0] = ardm_shape_make(ARDM_F32, 0, NULL);
    return ARDM_OK;
}

typedef struct job {
    const float *x;
    float *sums;
    int64_t count;
} job;

static void run(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    for (int64_t k = begin; k < end; ++k) {
        int64_t rest = j->count - k * ARDM_SEGMENT;
        j->sums[k] = ARDM_REFERENCE_CALL(segment_squares)(j->x + k * ARDM_SEGMENT, rest < ARDM_SEGMENT ? rest : ARDM_SEGMENT);
    }
}

static ardm_status square_sum_reference(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t count = ardm_shape_count(&call->in[0]), segments = (count + ARDM_SEGMENT - 1) / ARDM_SEGMENT;
    float total = 0.0f, *sums = malloc((size_t)(segments ? segments : 1) * sizeof *sums);
    if (!sums) return ardm_fail(ARDM_ENOMEM, "square_sum: no memory for %lld segments", (long long)segments);
    job j = {in[0], sums, count};
    ardm_parallel(segments, 2, run, &j);
    for (int64_t k = 0; k < segments; ++k) total = k ? total + sums[k] : sums[k];
    *(float *)out[0] = ardm_flush(total);
    free(sums);
    return ARDM_OK;
}

static ardm_status square_sum_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const double *x = in[0];
    double total = 0;
    for (int64_t i = ardm_shape_count(&call->in[0]); i-- > 0;) total += x[i] * x[i];
    *(double *)out[0] = total;
    return ARDM_OK;
}

/* 256 terms a lane, six foldings, one addition a segment; all terms are positive. */
static void square_sum_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    (void)k;
    (void)in;
    *limit = 0x1p-24 * 1.01 * (262 + (double)(ardm_shape_count(&call->in[0]) / ARDM_SEGMENT)) * *(const double *)out[0] + 0x1p-39;
}

static void square_sum_cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 2 * (double)ardm_shape_count(&call->in[0]);
    *bytes = (double)ardm_shape_bytes(&call->in[0]);
}

static int32_t accept_groups(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call;
    if (facts->max_work_group >= ARDM_LANES) return 1;
    snprintf(why, n, "work-groups of %d are needed", ARDM_LANES);
    return 0;
}

static ardm_status plan_squares(const ardm_call *call, ardm_recorder *recorder, const char *kernel, int64_t local) {
    int64_t count = ardm_shape_count(&call->in[0]), segments = (count + ARDM_SEGMENT - 1) / ARDM_SEGMENT;
    uint32_t work = 0;
    ARDM_TRY(ardm__check_launch(call, count));
    if (segments == 0) return ARDM_LAUNCH(recorder, "square_none", "", 1, 1, 1, 1, 1, 1, 1, ARDM_OUT(0));
    if (segments > 1) ARDM_TRY(recorder->workspace(recorder, (uint64_t)segments * sizeof(float), &work));
    ARDM_TRY(ARDM_LAUNCH(recorder, kernel, "", 1, (uint64_t)(segments * local), 1, 1, (uint64_t)local, 1, 1, ARDM_IN(0),
                         segments > 1 ? ARDM_WORK(work) : ARDM_OUT(0), ARDM_INT(count)));
    if (segments == 1) return ARDM_OK;
    return ARDM_LAUNCH(recorder, "square_fold", "", 1, 1, 1, 1, 1, 1, 1, ARDM_WORK(work), ARDM_OUT(0), ARDM_INT(segments));
}
static ardm_status plan_segments(const ardm_call *call, ardm_recorder *recorder) { return plan_squares(call, recorder, "square_segments", 1); }
static ardm_status plan_groups(const ardm_call *call, ardm_recorder *recorder) { return plan_squares(call, recorder, "square_groups", ARDM_LANES); }

static const ardm_port square_inputs[] = {{"x", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK, 0}};
static const ardm_port scalar_output[] = {{"y", ARDM_DT(ARDM_F32), 0, 0, 0}};
static const ardm_variant square_variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-segments", ARDM_EXACT, ardm__accept_cpu, &ardm_cl_optimiser_norm, plan_segments},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-lanes", ARDM_EXACT, accept_groups, &ardm_cl_optimiser_norm, plan_groups}};
static const ardm_case square_cases[] = {{"f32[]", NULL},      {"f32[17,257]", NULL}, {"f32[0,4]", NULL},   {"f32[63]", NULL},
                                         {"f32[16384]", NULL}, {"f32[16385]", NULL},  {"f32[70001]", NULL}, {"f32[129]{-1e-6:1e-6}", NULL}};
const ardm_op ardm_op_square_sum = {ARDM_OP_ABI,
                                    sizeof(ardm_op),
                                    .name = "square_sum",
                                    .version = 1,
                                    .flags = ARDM_OP_NO_GRADIENT,
                                    .inputs = square_inputs,
                                    .outputs = scalar_output,
                                    .n_inputs = 1,
                                    .n_outputs = 1,
                                    .sums = "lane over all elements",
                                    .help = "sum of squares of a tensor",
                                    .infer = scalar_infer,
                                    .reference = square_sum_reference,
                                    .oracle = square_sum_oracle,
                                    .bound = square_sum_bound,
                                    .cost = square_sum_cost,
                                    .variants = square_variants,
                                    .n_variants = ARDM_LENGTH(square_variants),
                                    .cases = square_cases,
                                    .n_cases = ARDM_LENGTH(square_cases)};

/* --- clip_factor ----------------------------------------------------------------------------------------------------------- */

/* Block sum over tensors, not flushed. */
static float all_squares(const float *squares, int64_t n) {
    float total = 0.0f;
    for (int64_t first = 0; first < n; first += 256) {
        float part = 0.0f;
        for (int64_t k = first; k < n && k < first + 256; ++k) part += squares[k];
        total = first ? total + part : part;
    }
    return total;
}

static ardm_status clip_reference(const ardm_call *call, const void *const *in, void *const *out) {
    const float limit = *(const float *)in[1], scale = *(const float *)in[2];
    const float norm = ardm_flush(ardm_sqrt(ardm_flush(all_squares(in[0], call->in[0].dim[0])))), most = ardm_mul(limit, scale);
    *(float *)out[0] = ardm_flush(ardm_select((norm <= most) | (limit == 0.0f), 1.0f, ardm_divide(most, norm)));
    return ARDM_OK;
}

static ardm_status clip_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    double total = 0, most = *(const double *)in[1] * *(const double *)in[2];
    for (int64_t k = 0; k < call->in[0].dim[0]; ++k) total += ((const double *)in[0])[k];
    *(double *)out[0] = most == 0 || sqrt(total) <= most ? 1 : most / sqrt(total);
    return ARDM_OK;
}

/* The root halves the relative error of the sum; near the limit both answers are 1 to that error. */
static void clip_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    double n = (double)call->in[0].dim[0];
    (void)k;
    (void)in;
    *limit = 0x1p-24 * (4 + (n < 256 ? n : 256 + n / 256)) * *(const double *)out[0] + 0x1p-39;
}

static void clip_cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = (double)call->in[0].dim[0] + 60;
    *bytes = (double)ardm_shape_bytes(&call->in[0]) + 12;
}

static ardm_status clip_plan(const ardm_call *call, ardm_recorder *recorder) {
    return ARDM_LAUNCH(recorder, "clip_factor", "", 1, 1, 1, 1, 1, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_IN(2), ARDM_OUT(0),
                       ARDM_INT(call->in[0].dim[0]));
}

static const ardm_port clip_inputs[] = {
    {"squares", ARDM_DT(ARDM_F32), 1, 1, 0}, {"limit", ARDM_DT(ARDM_F32), 0, 0, 0}, {"scale", ARDM_DT(ARDM_F32), 0, 0, 0}};
static const ardm_variant clip_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "one", ARDM_EXACT, NULL, &ardm_cl_optimiser_norm, clip_plan}};
static const ardm_case clip_cases[] = {{"f32[1]{0.5:4} f32[]{0.1:0.2} f32[]{1:2}", NULL}, {"f32[17]{0:3} f32[]{0.5:1} f32[]{1:2}", NULL},
                                       {"f32[17]{0:3} f32[]{50:60} f32[]{1:2}", NULL},    {"f32[600]{0:1e-3} f32[]{0.5:1} f32[]{0.1:0.2}", NULL},
                                       {"f32[0] f32[]{0.5:1} f32[]{1:2}", NULL},          {"f32[5]{0:9} f32[]{1e-14:2e-14} f32[]{1:2}", NULL}};
const ardm_op ardm_op_clip_factor = {ARDM_OP_ABI,
                                     sizeof(ardm_op),
                                     .name = "clip_factor",
                                     .version = 1,
                                     .flags = ARDM_OP_NO_GRADIENT,
                                     .inputs = clip_inputs,
                                     .outputs = scalar_output,
                                     .n_inputs = 3,
                                     .n_outputs = 1,
                                     .sums = "block over tensors",
                                     .help = "1, or what brings the root of the summed squares down to limit scale; limit 0: 1",
                                     .infer = scalar_infer,
                                     .reference = clip_reference,
                                     .oracle = clip_oracle,
                                     .bound = clip_bound,
                                     .cost = clip_cost,
                                     .variants = clip_variants,
                                     .n_variants = ARDM_LENGTH(clip_variants),
                                     .cases = clip_cases,
                                     .n_cases = ARDM_LENGTH(clip_cases)};

/* --- hold ------------------------------------------------------------------------------------------------------------------ */

static ardm_status hold_infer(const ardm_call *call, ardm_shape *out) {
    (void)call;
    out[0] = ardm_shape_make(ARDM_I32, 0, NULL);
    return ARDM_OK;
}

static ardm_status hold_reference(const ardm_call *call, const void *const *in, void *const *out) {
    const float total = all_squares(in[0], call->in[0].dim[0]), loss = *(const float *)in[1];
    *(int32_t *)out[0] = !ardm_is_finite(total) || !ardm_is_finite(loss) || *(const int32_t *)in[2] != 0;
    return ARDM_OK;
}

/* Not finite is what the sum would be in float32: beyond its greatest number. */
static ardm_status hold_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    double total = 0, loss = *(const double *)in[1];
    for (int64_t k = call->in[0].dim[0]; k-- > 0;) total += ((const double *)in[0])[k];
    *(int32_t *)out[0] = !(total <= (double)FLT_MAX) || !(fabs(loss) <= (double)FLT_MAX) || *(const int32_t *)in[2] != 0;
    return ARDM_OK;
}

static ardm_status hold_plan(const ardm_call *call, ardm_recorder *recorder) {
    return ARDM_LAUNCH(recorder, "hold", "", 1, 1, 1, 1, 1, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_IN(2), ARDM_OUT(0), ARDM_INT(call->in[0].dim[0]));
}

static void hold_cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = (double)call->in[0].dim[0];
    *bytes = (double)ardm_shape_bytes(&call->in[0]) + 12;
}

static const ardm_port hold_inputs[] = {
    {"squares", ARDM_DT(ARDM_F32), 1, 1, 0}, {"loss", ARDM_DT(ARDM_F32), 0, 0, 0}, {"bad", ARDM_DT(ARDM_I32), 0, 0, 0}};
static const ardm_port hold_outputs[] = {{"y", ARDM_DT(ARDM_I32), 0, 0, 0}};
static const ardm_variant hold_variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "one", ARDM_EXACT, NULL, &ardm_cl_optimiser_norm, hold_plan}};
static const ardm_case hold_cases[] = {{"f32[1]{0:1} f32[]{0:9} i32[]{0:1}", NULL},
                                       {"f32[17]{0:3} f32[] i32[]{3:4}", NULL},
                                       {"f32[0] f32[] i32[]{0:1}", NULL},
                                       {"f32[300]{1e38:3e38} f32[] i32[]{0:1}", NULL},
                                       {"f32[600]{0:9} f32[]{1e39:1e40} i32[]{0:1}", NULL},
                                       {"f32[5]{0:9} f32[]{-1e40:-1e39} i32[]{0:1}", NULL},
                                       {"f32[600]{1e34:1e35} f32[]{3e38:3.4e38} i32[]{0:1}", NULL}};
const ardm_op ardm_op_hold = {ARDM_OP_ABI,
                              sizeof(ardm_op),
                              .name = "hold",
                              .version = 1,
                              .flags = ARDM_OP_NO_GRADIENT,
                              .inputs = hold_inputs,
                              .outputs = hold_outputs,
                              .n_inputs = 3,
                              .n_outputs = 1,
                              .sums = "block over tensors",
                              .help = "1 where the summed squares or the loss are not finite or bad is not 0, else 0",
                              .infer = hold_infer,
                              .reference = hold_reference,
                              .oracle = hold_oracle,
                              .cost = hold_cost,
                              .variants = hold_variants,
                              .n_variants = ARDM_LENGTH(hold_variants),
                              .cases = hold_cases,
                              .n_cases = ARDM_LENGTH(hold_cases)};
