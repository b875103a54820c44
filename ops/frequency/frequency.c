/* frequency: logits to integer frequencies of total 2^24. interval, find and digest read them: see read.c. */
#include "frequency/frequency.h"

#include <stdio.h>
#include <string.h>

#include "ardm/frequency.h"
#include "ardm/thread.h"

extern const char *const ardm_cl_frequency_frequency;

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *z = &call->in[0], *children = call->n_in > 1 ? &call->in[1] : NULL;
    if (ardm_shape_last(z, 0) > (int64_t)ARDM_FREQUENCY_MAX)
        return ardm_fail(ARDM_ESHAPE, "frequency: %lld children a row; %u fit 24 bits with the promised loss", (long long)ardm_shape_last(z, 0),
                         ARDM_FREQUENCY_MAX);
    if (children && children->dtype && !ardm__frequency_same_rows(z, children, 0))
        return ardm_fail(ARDM_ESHAPE, "frequency: children has not the leading extents of z (%lld rows)", (long long)ardm_shape_rows(z, 1));
    out[0] = *z;
    out[0].dtype = ARDM_U32;
    return ARDM_OK;
}

typedef struct job {
    const float *z;
    const int32_t *children;
    uint32_t *f;
    int64_t k;
} job;

static void rows(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    for (int64_t row = begin; row < end; row++) {
        int64_t n = j->children ? j->children[row] : j->k;
        n = n < 0 ? 0 : n > j->k ? j->k : n;
        ardm_frequency_row(j->z + row * j->k, (uint32_t)n, j->f + row * j->k);
        memset(j->f + row * j->k + n, 0, (size_t)(j->k - n) * sizeof *j->f);
    }
}

static const int32_t *children_of(const ardm_call *call, const void *const *in) {
    return call->n_in > 1 && call->in[1].dtype ? (const int32_t *)in[1] : NULL;
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    job j = {in[0], children_of(call, in), out[0], ardm_shape_last(&call->in[0], 0)};
    ardm_parallel(ardm_shape_rows(&call->in[0], 1), 1 + 4096 / (j.k + 1), rows, &j);
    return ARDM_OK;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    return ardm__frequency_oracle(in[0], children_of(call, in), out[0], ardm_shape_rows(&call->in[0], 1), ardm_shape_last(&call->in[0], 0));
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    const double n = (double)ardm_shape_count(&call->in[0]);
    *flops = 4 * n;
    *bytes = 8 * n;
}

static int has_children(const ardm_call *call) { return call->n_in > 1 && call->in[1].dtype; }

/* An absent operand still needs a buffer argument: z stands in for children and is not read. */
static ardm_status plan_rows(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t n = ardm_shape_rows(&call->in[0], 1), k = ardm_shape_last(&call->in[0], 0), per = ardm__frequency_rows_per_item(recorder->facts, k);
    const uint64_t local = ardm__frequency_local(recorder->facts);
    return ARDM_LAUNCH(recorder, "frequency", "", 1, ardm__frequency_items(recorder->facts, n, per), 1, 1, local, 1, 1, ARDM_IN(0),
                       has_children(call) ? ARDM_IN(1) : ARDM_IN(0), ARDM_OUT(0), ARDM_INT(n), ARDM_INT(k), ARDM_INT(has_children(call)),
                       ARDM_INT(per));
}

static ardm_status plan_group(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t n = ardm_shape_rows(&call->in[0], 1), k = ardm_shape_last(&call->in[0], 0);
    return ARDM_LAUNCH(recorder, "frequency_group", "-DGROUP=64", 1, (uint64_t)n * 64, 1, 1, 64, 1, 1, ARDM_IN(0),
                       has_children(call) ? ARDM_IN(1) : ARDM_IN(0), ARDM_OUT(0), ARDM_INT(k), ARDM_INT(has_children(call)));
}

static int32_t accept_group(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    if (facts->max_work_group < 64 || facts->local_bytes < 64 * 16) {
        snprintf(why, n, "needs groups of 64 and 1 KiB of local memory");
        return 0;
    }
    return facts->device_class == ARDM_CLASS_GPU && ardm_shape_last(&call->in[0], 0) >= 32 ? 20 : 5;
}

static const ardm_port inputs[] = {
    {"z", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0},
    {"children", ARDM_DT(ARDM_I32), 0, ARDM_MAX_RANK - 1, ARDM_PORT_OPTIONAL},
};
static const ardm_port outputs[] = {{"f", ARDM_DT(ARDM_U32), 1, ARDM_MAX_RANK, 0}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-64", ARDM_EXACT, accept_group, &ardm_cl_frequency_frequency, plan_group},
    {ARDM_OP_ABI, sizeof(ardm_variant), "rows", ARDM_EXACT, ardm__frequency_accept, &ardm_cl_frequency_frequency, plan_rows},
};
static const ardm_case cases[] = {
    {"f32[1,1]", NULL},
    {"f32[7,2]{-30:30}", NULL},
    {"f32[3,5,16]", NULL},
    {"f32[33,257]{-12:12} i32[33]{0:258}", NULL},
    {"f32[65,256]", NULL},
    {"f32[4,4]{0:1} i32[4]{1:2}", NULL},
    {"f32[6,64]{2:2.0000002} i32[6]{1:65}", NULL}, /* all equal: the tie rule, lowest index */
    {"f32[2,3,70]{-2000:2000} i32[2,3]{2:71}", NULL},
    {"f32[2,4096]{-8:8}", NULL},
    {"f32[0,5]", NULL},
    {"f32[3]{-1:1}", NULL},
};

const ardm_op ardm_op_frequency = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "frequency",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .inputs = inputs,
    .n_inputs = 2,
    .outputs = outputs,
    .n_outputs = 1,
    .sums = "",
    .help = "integer frequencies of total 2^24, at least 1 for a reachable child, 0 for any other",
    .infer = infer,
    .reference = reference,
    .oracle = oracle,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof *variants,
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
};
