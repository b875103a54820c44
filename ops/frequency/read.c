/* interval, find and digest: what coder, sampler and archive read from frequency rows. */
#include <string.h>

#include "ardm/frequency.h"
#include "frequency/frequency.h"

extern const char *const ardm_cl_frequency_frequency;

int32_t ardm__frequency_same_rows(const ardm_shape *x, const ardm_shape *rows, uint32_t tail) {
    if (rows->rank != x->rank - 1 + tail) return 0;
    for (uint32_t i = 0; i + 1 < x->rank; i++)
        if (rows->dim[i] != x->dim[i]) return 0;
    return 1;
}

int64_t ardm__frequency_rows_per_item(const ardm_device_facts *facts, int64_t k) {
    return facts->device_class == ARDM_CLASS_GPU ? 1 : 1 + 4095 / (k > 0 ? k : 1);
}
uint64_t ardm__frequency_items(const ardm_device_facts *facts, int64_t rows, int64_t per) {
    (void)facts;
    return (uint64_t)((rows + per - 1) / per);
}
uint64_t ardm__frequency_local(const ardm_device_facts *facts) { return facts->device_class == ARDM_CLASS_GPU ? 0 : 1; }
int32_t ardm__frequency_accept(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call, (void)facts, (void)why, (void)n;
    return 10;
}

static ardm_status check_rows(const ardm_call *call) {
    if (!ardm__frequency_same_rows(&call->in[0], &call->in[1], 0))
        return ardm_fail(ARDM_ESHAPE, "%s: the second operand has not the leading extents of f (%lld rows)", call->op->name,
                         (long long)ardm_shape_rows(&call->in[0], 1));
    return ARDM_OK;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = (double)ardm_shape_count(&call->in[0]);
    *bytes = 4 * *flops;
}

static int64_t rows_of(const ardm_call *call) { return ardm_shape_rows(&call->in[0], 1); }
static int64_t width_of(const ardm_call *call) { return ardm_shape_last(&call->in[0], 0); }

/* interval */

static ardm_status interval_infer(const ardm_call *call, ardm_shape *out) {
    ARDM_TRY(check_rows(call));
    out[0] = call->in[0];
    out[0].dim[out[0].rank - 1] = 2;
    return ARDM_OK;
}

static ardm_status interval_reference(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t k = width_of(call);
    for (int64_t row = 0; row < rows_of(call); row++)
        ardm_frequency_interval((const uint32_t *)in[0] + row * k, (uint32_t)k, ((const int32_t *)in[1])[row], (uint32_t *)out[0] + 2 * row);
    return ARDM_OK;
}

/* Adds every frequency to the one of the two words that it belongs to, if any. */
static ardm_status interval_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t k = width_of(call), n = rows_of(call);
    const int32_t *target = in[1];
    uint32_t *y = out[0];
    memset(y, 0, (size_t)n * 2 * sizeof *y);
    for (int64_t i = 0; i < n * k; i++) {
        const int64_t row = i / k, j = i % k;
        if (target[row] < k && j <= target[row]) y[2 * row + (j == target[row])] += ((const uint32_t *)in[0])[i];
    }
    return ARDM_OK;
}

static ardm_status plan_reader(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t per = ardm__frequency_rows_per_item(recorder->facts, width_of(call));
    const uint64_t local = ardm__frequency_local(recorder->facts);
    return ARDM_LAUNCH(recorder, call->op->name, "", 1, ardm__frequency_items(recorder->facts, rows_of(call), per), 1, 1, local, 1, 1, ARDM_IN(0),
                       ARDM_IN(1), ARDM_OUT(0), ARDM_INT(rows_of(call)), ARDM_INT(width_of(call)), ARDM_INT(per));
}

static const ardm_port interval_inputs[] = {
    {"f", ARDM_DT(ARDM_U32), 1, ARDM_MAX_RANK, 0},
    {"target", ARDM_DT(ARDM_I32), 0, ARDM_MAX_RANK - 1, 0},
};
static const ardm_port interval_outputs[] = {{"interval", ARDM_DT(ARDM_U32), 1, ARDM_MAX_RANK, 0}};
static const ardm_variant reader_variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "rows", ARDM_EXACT, ardm__frequency_accept, &ardm_cl_frequency_frequency, plan_reader},
};
static const ardm_case interval_cases[] = {
    {"u32[1,1]{16777216:16777217} i32[1]{0:1}", NULL},
    {"u32[33,257]{1:1000} i32[33]{-1:258}", NULL},
    {"u32[3,4,2]{1:99} i32[3,4]{0:2}", NULL},
    {"u32[0,3] i32[0]{0:3}", NULL},
    {"u32[7]{0:5} i32[]{0:7}", NULL},
};
const ardm_op ardm_op_interval = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "interval",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .inputs = interval_inputs,
    .n_inputs = 2,
    .outputs = interval_outputs,
    .n_outputs = 1,
    .sums = "",
    .help = "start and frequency of a row's target, 0 and 0 outside the row",
    .infer = interval_infer,
    .reference = interval_reference,
    .oracle = interval_oracle,
    .cost = cost,
    .variants = reader_variants,
    .n_variants = 1,
    .cases = interval_cases,
    .n_cases = sizeof interval_cases / sizeof *interval_cases,
};

/* find */

static ardm_status find_infer(const ardm_call *call, ardm_shape *out) {
    ARDM_TRY(check_rows(call));
    out[0] = call->in[1];
    out[0].dtype = ARDM_I32;
    return ARDM_OK;
}

static ardm_status find_reference(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t k = width_of(call);
    for (int64_t row = 0; row < rows_of(call); row++)
        ((int32_t *)out[0])[row] = ardm_frequency_find((const uint32_t *)in[0] + row * k, (uint32_t)k, ((const uint32_t *)in[1])[row]);
    return ARDM_OK;
}

/* Counts the ends that a slot has passed. */
static ardm_status find_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t k = width_of(call);
    for (int64_t row = 0; row < rows_of(call); row++) {
        const uint32_t *f = (const uint32_t *)in[0] + row * k;
        int32_t passed = 0;
        for (int64_t j = 0; j < k; j++) {
            uint64_t end = 0;
            for (int64_t i = 0; i <= j; i++) end += f[i];
            passed += end <= ((const uint32_t *)in[1])[row];
        }
        ((int32_t *)out[0])[row] = passed == k ? -1 : passed;
    }
    return ARDM_OK;
}

static const ardm_port find_inputs[] = {
    {"f", ARDM_DT(ARDM_U32), 1, ARDM_MAX_RANK, 0},
    {"slot", ARDM_DT(ARDM_U32), 0, ARDM_MAX_RANK - 1, 0},
};
static const ardm_port find_outputs[] = {{"symbol", ARDM_DT(ARDM_I32), 0, ARDM_MAX_RANK - 1, 0}};
static const ardm_case find_cases[] = {
    {"u32[1,1]{16777216:16777217} u32[1]{0:16777216}", NULL},
    {"u32[33,257]{1:1000} u32[33]{0:140000}", NULL}, /* some slots lie past the total */
    {"u32[3,4,2]{1:99} u32[3,4]{0:120}", NULL},
    {"u32[9,6]{0:3} u32[9]{0:8}", NULL},
    {"u32[0,3] u32[0]", NULL},
};
const ardm_op ardm_op_find_symbol = {
    /* ardm_op_find() is the look-up */
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "find",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .inputs = find_inputs,
    .n_inputs = 2,
    .outputs = find_outputs,
    .n_outputs = 1,
    .sums = "",
    .help = "the symbol whose interval holds the slot, -1 when none does",
    .infer = find_infer,
    .reference = find_reference,
    .oracle = find_oracle,
    .cost = cost,
    .variants = reader_variants,
    .n_variants = 1,
    .cases = find_cases,
    .n_cases = sizeof find_cases / sizeof *find_cases,
};

/* digest */

static ardm_status digest_infer(const ardm_call *call, ardm_shape *out) {
    ARDM_TRY(check_rows(call));
    out[0] = ardm_shape_make(ARDM_U32, 1, call->in[1].dim);
    return ARDM_OK;
}

static ardm_status digest_reference(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t k = width_of(call), items = call->in[1].dim[0], rows = items ? rows_of(call) / items : 0;
    for (int64_t item = 0; item < items; item++) {
        uint32_t sum = 0;
        for (int64_t row = item * rows; row < (item + 1) * rows; row++) {
            const int32_t index = ((const int32_t *)in[1])[row];
            if (index >= 0) sum += ardm_frequency_digest((const uint32_t *)in[0] + row * k, (uint32_t)k, (uint32_t)index);
        }
        ((uint32_t *)out[0])[item] = sum;
    }
    return ARDM_OK;
}

/* The same sum in 64-bit arithmetic reduced at the end of every step. */
static ardm_status digest_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const uint64_t k = (uint64_t)width_of(call), mask = 0xffffffffu, count = (uint64_t)ardm_shape_count(&call->in[0]);
    const uint64_t items = (uint64_t)call->in[1].dim[0];
    uint32_t *sums = out[0];
    memset(sums, 0, items * sizeof *sums);
    for (uint64_t i = count; i-- > 0;) {
        const int32_t index = ((const int32_t *)in[1])[i / k];
        const uint64_t v = ((const uint32_t *)in[0])[i];
        if (index < 0 || !v) continue;
        uint64_t h = ((4096 * (uint64_t)index + i % k) * 2654435761u + v) & mask;
        h = (h ^ h / 65536) * 2246822507u & mask;
        h = (h ^ h / 8192) * 3266489909u & mask;
        uint32_t *sum = &sums[i / (count / items)];
        *sum = (uint32_t)((*sum + (h ^ h / 65536)) & mask);
    }
    return ARDM_OK;
}

static ardm_status plan_digest(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t items = call->in[1].dim[0], n = items ? rows_of(call) / items : 0, k = width_of(call);
    const int64_t per = ardm__frequency_rows_per_item(recorder->facts, k);
    const uint64_t parts = n ? (uint64_t)((n + per - 1) / per) : 1;
    uint32_t work = 0;
    ARDM_TRY(recorder->workspace(recorder, 4 * parts * (uint64_t)(items ? items : 1), &work));
    ARDM_TRY(ARDM_LAUNCH(recorder, "digest", "", 2, parts, (uint64_t)items, 1, 1, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_WORK(work), ARDM_INT(n),
                         ARDM_INT(k), ARDM_INT(per)));
    return ARDM_LAUNCH(recorder, "digest_total", "", 1, (uint64_t)items, 1, 1, 1, 1, 1, ARDM_WORK(work), ARDM_OUT(0), ARDM_INT(parts));
}

static const ardm_port digest_inputs[] = {
    {"f", ARDM_DT(ARDM_U32), 2, ARDM_MAX_RANK, 0},
    {"row", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK - 1, 0},
};
static const ardm_port digest_outputs[] = {{"digest", ARDM_DT(ARDM_U32), 1, 1, 0}};
static const ardm_variant digest_variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "rows", ARDM_EXACT, ardm__frequency_accept, &ardm_cl_frequency_frequency, plan_digest},
};
static const ardm_case digest_cases[] = {
    {"u32[1,1]{16777216:16777217} i32[1]{0:1}", NULL},
    {"u32[33,257]{0:1000} i32[33]{-4:90}", NULL},
    {"u32[300,2]{1:16777215} i32[300]{0:1000000!}", NULL},
    {"u32[0,3] i32[0]", NULL},
    {"u32[5,16]{1:9} i32[5]{-1:0}", NULL}, /* no row counts: 0 */
    {"u32[3,70,33]{0:5000} i32[3,70]{-9:200}", NULL},
};
const ardm_op ardm_op_digest = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "digest",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .inputs = digest_inputs,
    .n_inputs = 2,
    .outputs = digest_outputs,
    .n_outputs = 1,
    .sums = "",
    .help = "32-bit sum over the numbered rows' frequencies of each item, free of order; row -1 does not count",
    .infer = digest_infer,
    .reference = digest_reference,
    .oracle = digest_oracle,
    .cost = cost,
    .variants = digest_variants,
    .n_variants = 1,
    .cases = digest_cases,
    .n_cases = sizeof digest_cases / sizeof *digest_cases,
};
