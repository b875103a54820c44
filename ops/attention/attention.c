/* Scaled dot-product attention over joined queries, keys and values, in one stream or, block-causal, in two. */
#include "attention/attention.h"

#include <stdio.h>

extern const char *const ardm_cl_attention_cpu, *const ardm_cl_attention_gpu;

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    ardm_attention_extents e;
    ARDM_TRY(ardm__attention_extents(&e, call));
    outputs[0] = ardm_shape_make(ARDM_F32, 3, (const int64_t[]){e.items, e.rows, e.width});
    outputs[1] = outputs[2] = ardm_shape_make(ARDM_F32, 3, (const int64_t[]){e.items, e.heads, e.rows});
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char attrs[64];
    for (uint32_t index = 0; index < call->n_in; ++index) dx[index] = -1;
    if (dy[1] >= 0 || dy[2] >= 0) return ardm_fail(ARDM_EUNSUPPORTED, "attention: max and den are kept for its gradient and have none themselves");
    if (dy[0] < 0) return ARDM_OK;
    snprintf(attrs, sizeof attrs, "heads=%d, streams=%d", (int)call->attrs[0].i, (int)call->attrs[1].i);
    dx[0] = builder->emit(builder, "attention_grad",
                          (const ardm_value[]){call->x[0], ardm__attention_has(call, 1) ? call->x[1] : -1,
                                               ardm__attention_has(call, 2) ? call->x[2] : -1, call->y[0], call->y[1], call->y[2], dy[0]},
                          7, attrs, NULL);
    return ARDM_OK;
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    ardm_attention_arrays a = {.qkv = in[0], .out = out[0], .max = out[1], .den = out[2]};
    ARDM_TRY(ardm__attention_extents(&a.e, call));
    if (ardm__attention_has(call, 1)) a.block = in[1];
    if (ardm__attention_has(call, 2)) a.mask = in[2];
    return ardm__attention_run(&a, a.e.items * a.e.heads * a.e.rows, 16, (size_t)(2 * a.e.length + 2 * a.e.head),
                               ARDM_REFERENCE_CALL(attention_rows));
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    ardm_attention_extents e;
    *flops = *bytes = 0;
    if (ardm__attention_extents(&e, call) != ARDM_OK) return;
    /* A query sees at most `length` keys, also in two streams. */
    *flops = 4.0 * (double)e.items * (double)e.rows * (double)e.length * (double)e.width;
    *bytes = 4.0 * (double)e.items * (double)e.rows * (4.0 * (double)e.width + 2.0 * (double)e.heads);
}

/* One work-item a tile of 16 queries; STORE keys keep their scores between the passes. */
static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) {
    ardm_attention_extents e;
    char options[64];
    ARDM_TRY(ardm__attention_extents(&e, call));
    snprintf(options, sizeof options, "-DHEAD=%d", (int)e.head);
    return ARDM_LAUNCH(recorder, "attention", options, 3, (uint64_t)(e.streams * ((e.length + 15) / 16)), (uint64_t)e.heads, (uint64_t)e.items, 1, 1,
                       1, ARDM_IN(0), ARDM_IN(ardm__attention_has(call, 1) ? 1 : 0), ARDM_IN(ardm__attention_has(call, 2) ? 2 : 0), ARDM_OUT(0),
                       ARDM_OUT(1), ARDM_OUT(2), ARDM_INT(ardm__attention_has(call, 1)), ARDM_INT(ardm__attention_has(call, 2)), ARDM_INT(e.length),
                       ARDM_INT(e.streams), ARDM_FLOAT(e.scale));
}

static int32_t accept_gpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    ardm_attention_extents e;
    if (ardm__attention_extents(&e, call) != ARDM_OK) return 0;
    if (e.head > 128) {
        snprintf(why, n, "a head has %d features; 128 fit the registers of a work-item", (int)e.head);
        return 0;
    }
    if (facts->local_bytes < 4 * 16 * 128 * sizeof(float) || facts->max_work_group < 64) {
        snprintf(why, n, "needs 32 KiB of local memory and groups of 64");
        return 0;
    }
    return facts->device_class == ARDM_CLASS_GPU ? 20 : 5;
}

/* One work-item a query, 64 queries of one stream a group; keys pass through local memory. */
static ardm_status plan_gpu(const ardm_call *call, ardm_recorder *recorder) {
    ardm_attention_extents e;
    char options[64];
    ARDM_TRY(ardm__attention_extents(&e, call));
    snprintf(options, sizeof options, "-DHEAD=%d", (int)e.head);
    return ARDM_LAUNCH(recorder, "attention", options, 3, (uint64_t)(e.streams * ((e.length + 63) / 64) * 64), (uint64_t)e.heads, (uint64_t)e.items,
                       64, 1, 1, ARDM_IN(0), ARDM_IN(ardm__attention_has(call, 1) ? 1 : 0), ARDM_IN(ardm__attention_has(call, 2) ? 2 : 0),
                       ARDM_OUT(0), ARDM_OUT(1), ARDM_OUT(2), ARDM_INT(ardm__attention_has(call, 1)), ARDM_INT(ardm__attention_has(call, 2)),
                       ARDM_INT(e.length), ARDM_INT(e.streams), ARDM_FLOAT(e.scale));
}

static int32_t accept_cpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call, (void)why, (void)n;
    return facts->device_class == ARDM_CLASS_GPU ? 10 : 20;
}

static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-64", ARDM_EXACT, accept_gpu, &ardm_cl_attention_gpu, plan_gpu},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-16", ARDM_EXACT, accept_cpu, &ardm_cl_attention_cpu, plan_cpu},
};

static const ardm_attr attrs[] = {
    {"heads", ARDM_ATTR_INT, "1", 1, 1024, "heads; the width is heads times a head's features"},
    {"streams", ARDM_ATTR_INT, "1", 1, 2, "2: positions are [clean; noisy]"},
};
static const ardm_port inputs[] = {
    {"qkv", ARDM_DT(ARDM_F32), 3, 3, 0},
    {"block", ARDM_DT(ARDM_I32), 1, 1, ARDM_PORT_OPTIONAL},
    {"mask", ARDM_DT(ARDM_U8), 2, 5, ARDM_PORT_OPTIONAL},
};
static const ardm_port outputs[] = {
    {"o", ARDM_DT(ARDM_F32), 3, 3, 0},
    {"max", ARDM_DT(ARDM_F32), 3, 3, 0},
    {"den", ARDM_DT(ARDM_F32), 3, 3, 0},
};
static const ardm_case cases[] = {
    {"f32[1,1,3] - -", "heads=1"},
    {"f32[0,4,12] - -", "heads=2"},
    {"f32[2,0,12] - -", "heads=2"},
    {"f32[2,17,24] - u8[2,17]{0:4}", "heads=2"},
    {"f32[3,33,27] i32[3]{0:4} -", "heads=3"},
    {"f32[1,600,96] i32[1]{16:17} -", "heads=1, streams=2"},
    {"f32[2,34,24] i32[2]{3:4} u8[2,17]{0:4}", "heads=2, streams=2"},
    {"f32[2,34,24] i32[2]{0:2} -", "heads=1, streams=2"},
    {"f32[3,2,12] i32[3]{0:3} -", "heads=4, streams=2"},
    {"f32[1,66,192] - -", "heads=2, streams=2"},
    {"f32[1,18,780] i32[1]{5:6} -", "heads=1"},
    {"f32[1,5,30] - u8[1,5]{3:4}", "heads=5"},
    {"f32[1,530,48] i32[1]{100:101} u8[1,530]{0:4}", "heads=1"},
};

const ardm_op ardm_op_attention = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "attention",
    .version = 1,
    .attrs = attrs,
    .n_attrs = 2,
    .inputs = inputs,
    .outputs = outputs,
    .n_inputs = 3,
    .n_outputs = 3,
    .sums = "block over features, block over keys",
    .help = "softmax attention of joined q, k, v; block-causal by blocks of `block` positions (0: one block); mask 3 hides a key",
    .infer = infer,
    .gradient = gradient,
    .reference = reference,
    .oracle = ardm__attention_oracle,
    .bound = ardm__attention_bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof variants[0],
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};
