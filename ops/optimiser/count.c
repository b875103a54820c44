/* count: elements that are not zero, or not finite, by their bits. What training watches: logits, and gradients that were flushed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/exact.h"
#include "ardm/thread.h"
#include "optimiser/loops.h"

extern const char *const ardm_cl_optimiser_count;

enum { MOST_GROUPS = 64, STRIDES = 16 };

/* An element counts where, of its bits in `mask`, the value is at least `least`. */
typedef struct rule {
    int32_t mask, least;
} rule;

static ardm_status read_rule(rule *out, const ardm_call *call) {
    const char *of = call->attrs[0].s;
    if (strcmp(of, "nonzero") == 0)
        *out = (rule){0x7fffffff, 1};
    else if (strcmp(of, "nonfinite") == 0)
        *out = (rule){0x7f800000, 0x7f800000};
    else
        return ardm_fail(ARDM_EINVAL, "count: of=%s; it counts nonzero or nonfinite", of);
    return ARDM_OK;
}

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    rule r = {0, 0};
    out[0] = ardm_shape_make(ARDM_I32, 0, NULL);
    return read_rule(&r, call);
}

typedef struct job {
    const float *x;
    int32_t *sums; /* one a chunk */
    int64_t count;
    rule rule;
} job;

static void run(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    for (int64_t k = begin; k < end; ++k) {
        int64_t last = (k + 1) * ARDM_CHUNK < j->count ? (k + 1) * ARDM_CHUNK : j->count;
        int32_t found = 0;
        for (int64_t i = k * ARDM_CHUNK; i < last; ++i) found += (int32_t)(ardm_bits(j->x[i]) & (uint32_t)j->rule.mask) >= j->rule.least;
        j->sums[k] = found;
    }
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t count = ardm_shape_count(&call->in[0]), chunks = (count + ARDM_CHUNK - 1) / ARDM_CHUNK;
    job j = {in[0], malloc((size_t)(chunks + 1) * sizeof *j.sums), count, {0, 0}};
    if (!j.sums) return ardm_fail(ARDM_ENOMEM, "count: no memory for %lld chunks", (long long)chunks);
    ardm_status status = read_rule(&j.rule, call);
    if (status == ARDM_OK) ardm_parallel(chunks, 2, run, &j);
    int32_t total = 0;
    for (int64_t k = 0; status == ARDM_OK && k < chunks; ++k) total += j.sums[k];
    *(int32_t *)out[0] = total;
    free(j.sums);
    return status;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const double *x = in[0];
    int32_t zeros = 0, finite = 0, n = (int32_t)ardm_shape_count(&call->in[0]);
    for (int32_t i = n; i-- > 0;) {
        zeros += x[i] == 0;
        finite += isfinite(x[i]) != 0;
    }
    *(int32_t *)out[0] = n - (call->attrs[0].s[3] == 'z' ? zeros : finite);
    return ARDM_OK;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = (double)ardm_shape_count(&call->in[0]);
    *bytes = (double)ardm_shape_bytes(&call->in[0]);
}

static ardm_status fold(ardm_recorder *recorder, uint32_t work, int64_t parts) {
    return ARDM_LAUNCH(recorder, "count_fold", "", 1, 1, 1, 1, 1, 1, 1, ARDM_WORK(work), ARDM_OUT(0), ARDM_INT(parts));
}

static ardm_status plan_chunks(const ardm_call *call, ardm_recorder *recorder) {
    int64_t n = ardm_shape_count(&call->in[0]);
    uint32_t work = 0;
    rule r = {0, 0};
    ARDM_TRY(read_rule(&r, call));
    ARDM_TRY(ardm__check_launch(call, n));
    if (n == 0) return ARDM_LAUNCH(recorder, "count_none", "", 1, 1, 1, 1, 1, 1, 1, ARDM_OUT(0));
    int64_t each = ardm__share(recorder, n, ARDM_CHUNK, 16), parts = (n + each - 1) / each;
    if (parts > 1) ARDM_TRY(recorder->workspace(recorder, (uint64_t)parts * sizeof(int32_t), &work));
    ARDM_TRY(ARDM_LAUNCH(recorder, "count_chunks", "", 1, (uint64_t)parts, 1, 1, 1, 1, 1, ARDM_IN(0), parts > 1 ? ARDM_WORK(work) : ARDM_OUT(0),
                         ARDM_INT(n), ARDM_INT(r.mask), ARDM_INT(r.least), ARDM_INT(each)));
    return parts > 1 ? fold(recorder, work, parts) : ARDM_OK;
}

static ardm_status plan_groups(const ardm_call *call, ardm_recorder *recorder) {
    int64_t n = ardm_shape_count(&call->in[0]);
    uint64_t group = ardm__group(recorder);
    uint32_t work = 0;
    rule r = {0, 0};
    ARDM_TRY(read_rule(&r, call));
    ARDM_TRY(ardm__check_launch(call, n));
    if (n == 0) return ARDM_LAUNCH(recorder, "count_none", "", 1, 1, 1, 1, 1, 1, 1, ARDM_OUT(0));
    uint64_t parts = ((uint64_t)n + group * STRIDES - 1) / (group * STRIDES);
    if (parts > MOST_GROUPS) parts = MOST_GROUPS;
    if (parts > 1) ARDM_TRY(recorder->workspace(recorder, parts * sizeof(int32_t), &work));
    ARDM_TRY(ARDM_LAUNCH(recorder, "count_groups", "", 1, parts * group, 1, 1, group, 1, 1, ARDM_IN(0), parts > 1 ? ARDM_WORK(work) : ARDM_OUT(0),
                         ARDM_INT(n), ARDM_INT(r.mask), ARDM_INT(r.least)));
    return parts > 1 ? fold(recorder, work, (int64_t)parts) : ARDM_OK;
}

static const ardm_port inputs[] = {{"x", ARDM_DT(ARDM_F32), 0, ARDM_MAX_RANK, 0}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_I32), 0, 0, 0}};
static const ardm_attr attrs[] = {{"of", ARDM_ATTR_TEXT, NULL, 0, 0, "nonzero or nonfinite"}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-chunk", ARDM_EXACT, ardm__accept_cpu, &ardm_cl_optimiser_count, plan_chunks},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-stride", ARDM_EXACT, NULL, &ardm_cl_optimiser_count, plan_groups}};
static const ardm_case cases[] = {{"f32[]", "of=nonzero"},
                                  {"f32[17,257]{-2e-12:2e-12}", "of=nonzero"},
                                  {"f32[0,4]", "of=nonzero"},
                                  {"f32[70001]{-1e-12:1e-12}", "of=nonzero"},
                                  {"f32[150001]{-1e39:1e39}", "of=nonzero"},
                                  {"f32[1]{1e39:1e40}", "of=nonfinite"},
                                  {"f32[17,257]{-5e38:4e38}", "of=nonfinite"},
                                  {"f32[3,0]", "of=nonfinite"},
                                  {"f32[70001]", "of=nonfinite"},
                                  {"f32[150001]{-1e39:1e39}", "of=nonfinite"}};
const ardm_op ardm_op_count = {ARDM_OP_ABI,
                               sizeof(ardm_op),
                               .name = "count",
                               .version = 1,
                               .flags = ARDM_OP_NO_GRADIENT,
                               .attrs = attrs,
                               .n_attrs = ARDM_LENGTH(attrs),
                               .inputs = inputs,
                               .outputs = outputs,
                               .n_inputs = 1,
                               .n_outputs = 1,
                               .sums = "",
                               .help = "how many elements are not zero, or not finite",
                               .infer = infer,
                               .reference = reference,
                               .oracle = oracle,
                               .cost = cost,
                               .variants = variants,
                               .n_variants = ARDM_LENGTH(variants),
                               .cases = cases,
                               .n_cases = ARDM_LENGTH(cases)};
