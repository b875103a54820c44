/* dropout (Srivastava et al. 2014, inverted): elements are dropped with probability p, the others scaled by 1 / (1 - p).
 *
 * Nothing is stored and nothing has a state: element e of item n is dropped when its word of Philox (purpose 6, draw = layer,
 * item = step · 2^32 + first + n, index = e) is below ceil(p · 2^32). `first` is the index of item 0 in the global batch, so parts and
 * devices that split a batch drop the same elements, and the gradient is the same op on dy. */
#include <stdio.h>

#include "ardm/exact.h"
#include "ardm/philox.h"
#include "ardm/thread.h"
#include "elementwise/plan.h"
#include "random/quads.h"

extern const char *const ardm_cl_random_dropout;

enum { P, LAYER };

typedef struct job {
    ardm__dropout d;
    const float *x;
    float *y;
} job;

/* Integers do the rounding up: p · 2^32 is exact, and below 2^32. */
static uint32_t threshold_of(double p) {
    const double scaled = p * 0x1p32;
    const uint64_t below = (uint64_t)scaled;
    return (uint32_t)(below + ((double)below < scaled));
}

static float scale_of(double p) { return ardm_reciprocal((float)(1 - p)); }

static int64_t size_of(const ardm_shape *x) {
    int64_t size = 1;
    for (uint32_t axis = 1; axis < x->rank; ++axis) size *= x->dim[axis];
    return size;
}

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    char text[128];
    if (call->in[1].dim[0] != 3)
        return ardm_fail(ARDM_ESHAPE, "dropout: key is %s; it must be u32[3]: seed low, seed high, step",
                         ardm_shape_text(&call->in[1], text, sizeof text));
    out[0] = call->in[0];
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    const ardm_value in[3] = {dy[0], call->x[1], call->x[2]};
    char attrs[64];
    ARDM_TRY(ardm_attrs_print(attrs, sizeof attrs, call->op, call->attrs));
    dx[0] = builder->emit(builder, "dropout", in, 3, attrs, NULL);
    return ARDM_OK;
}

static void run(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    ARDM_REFERENCE_CALL(dropout_quads)(&j->d, j->x, j->y, begin, end);
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    const uint32_t *key = in[1];
    const int64_t size = size_of(&call->in[0]);
    job j = {{threshold_of(call->attrs[P].f),
              (uint32_t)call->attrs[LAYER].i,
              {key[0], key[1], key[2]},
              (uint32_t) * (const int32_t *)in[2],
              scale_of(call->attrs[P].f),
              size,
              (size + 3) / 4},
             in[0],
             out[0]};
    ardm_parallel(call->in[0].dim[0] * j.d.quads, ARDM_CHUNK / 4, run, &j);
    return ARDM_OK;
}

/* An element at a time, with the host's own generator. */
static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const uint32_t *key = in[1];
    const int64_t count = ardm_shape_count(&call->in[0]), items = call->in[0].dim[0];
    const uint64_t seed = (uint64_t)key[1] << 32 | key[0];
    const double p = call->attrs[P].f, *x = in[0];
    double *y = out[0];
    for (int64_t i = 0; i < count; ++i) {
        const int64_t n = i / (count / items), e = i % (count / items);
        const uint64_t item = (uint64_t)key[2] << 32 | (uint32_t)(*(const int32_t *)in[2] + (uint32_t)n);
        const double u = ardm_random_word(seed, ARDM_RANDOM_DROPOUT, (uint32_t)call->attrs[LAYER].i, item, (uint32_t)e) * 0x1p-32;
        y[i] = u < p ? 0 : x[i] / (1 - p);
    }
    return ARDM_OK;
}

/* Ten rounds of two products and four exclusive ors serve four elements. */
static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 25.0 * (double)ardm_shape_count(&call->in[0]);
    *bytes = 8.0 * (double)ardm_shape_count(&call->in[0]);
}

#define OPERANDS                                                                                                                                     \
    ARDM_IN(0), ARDM_IN(1), ARDM_IN(2), ARDM_OUT(0), ARDM_INT(total), ARDM_INT(quads), ARDM_INT(size), ARDM_INT(threshold_of(call->attrs[P].f)),     \
        ARDM_INT((uint32_t)ARDM_RANDOM_DROPOUT << 24 | (uint32_t)call->attrs[LAYER].i), ARDM_FLOAT(scale_of(call->attrs[P].f))

static ardm_status plan_runs(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t size = size_of(&call->in[0]), quads = (size + 3) / 4, total = call->in[0].dim[0] * quads;
    ARDM_TRY(ardm__check_launch(call, 4 * total));
    if (total == 0) return ARDM_OK;
    const int64_t each = ardm__share(recorder, total, ARDM_CHUNK / 4, 1);
    return ARDM_LAUNCH(recorder, "dropout_runs", "", 1, (uint64_t)((total + each - 1) / each), 1, 1, 1, 1, 1, OPERANDS, ARDM_INT(each));
}

static ardm_status plan_each(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t size = size_of(&call->in[0]), quads = (size + 3) / 4, total = call->in[0].dim[0] * quads;
    const uint64_t group = ardm__group(recorder);
    ARDM_TRY(ardm__check_launch(call, 4 * total));
    if (total == 0) return ARDM_OK;
    return ARDM_LAUNCH(recorder, "dropout_each", "", 1, ardm__round_up(total, group), 1, 1, group, 1, 1, OPERANDS);
}

static const ardm_attr attrs[] = {{"p", ARDM_ATTR_FLOAT, NULL, 0, 0.999, "probability that an element is dropped"},
                                  {"layer", ARDM_ATTR_INT, "0", 0, (1 << 24) - 1, "places of one graph that drop apart from each other"}};
static const ardm_port inputs[] = {
    {"x", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0}, {"key", ARDM_DT(ARDM_U32), 1, 1, 0}, {"first", ARDM_DT(ARDM_I32), 0, 0, 0}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-runs", ARDM_EXACT, ardm__accept_cpu, &ardm_cl_random_dropout, plan_runs},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-each", ARDM_EXACT, NULL, &ardm_cl_random_dropout, plan_each}};
static const ardm_case cases[] = {
    {"f32[1] u32[3]{0:4294967296} i32[]{0:9}", "p=0.5"},
    {"f32[3,17,65] u32[3]{0:4294967296} i32[]{0:65536}", "p=0.1, layer=3"},
    {"f32[2,3,4,5,6] u32[3]{0:4294967296} i32[]{0:65536}", "p=0.9, layer=16777215"},
    {"f32[4,5000] u32[3]{0:4294967296} i32[]{-2147483648:2147483648}", "p=0.25, layer=255"},
    {"f32[700,3] u32[3]{0:4294967296} i32[]{2147483000:2147483648}", "p=0.3333333333333333, layer=1"},
    {"f32[5,9] u32[3]{0:5} i32[]{0:2}", "p=0"},
    {"f32[2,99] u32[3]{0:5} i32[]{0:2}", "p=0.999"},
    {"f32[0,4] u32[3]{0:5} i32[]{0:2}", "p=0.5"},
    {"f32[3,0,4] u32[3]{0:5} i32[]{0:2}", "p=0.5"},
};
const ardm_op ardm_op_dropout = {ARDM_OP_ABI,
                                 sizeof(ardm_op),
                                 .name = "dropout",
                                 .version = 1,
                                 .attrs = attrs,
                                 .n_attrs = ARDM_LENGTH(attrs),
                                 .inputs = inputs,
                                 .outputs = outputs,
                                 .n_inputs = 3,
                                 .n_outputs = 1,
                                 .sums = "",
                                 .help =
                                     "drops elements with probability p by counters of seed, step, item and layer; scales the others by 1 / (1 - p)",
                                 .infer = infer,
                                 .gradient = gradient,
                                 .reference = reference,
                                 .oracle = oracle,
                                 .ulps = 3, /* 1 - p, its reciprocal, the product */
                                 .cost = cost,
                                 .variants = variants,
                                 .n_variants = ARDM_LENGTH(variants),
                                 .cases = cases,
                                 .n_cases = ARDM_LENGTH(cases)};
