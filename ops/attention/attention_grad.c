/* Gradient of attention: weights are computed again from the kept maximum and denominator of each query. */
#include "attention/attention.h"

#include <inttypes.h>
#include <stdio.h>

extern const char *const ardm_cl_attention_grad_cpu, *const ardm_cl_attention_grad_gpu;

enum { QKV, BLOCK, MASK, O, MAX, DEN, DO };

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    ardm_attention_extents e;
    char text[2][128];
    ARDM_TRY(ardm__attention_extents(&e, call));
    const ardm_shape o = ardm_shape_make(ARDM_F32, 3, (const int64_t[]){e.items, e.rows, e.width});
    const ardm_shape kept = ardm_shape_make(ARDM_F32, 3, (const int64_t[]){e.items, e.heads, e.rows});
    for (uint32_t index = O; index <= DO; ++index) {
        const ardm_shape *want = index == MAX || index == DEN ? &kept : &o;
        if (!ardm_shape_equal(&call->in[index], want))
            return ardm_fail(ARDM_ESHAPE, "attention_grad: operand %" PRIu32 " is %s; qkv asks for %s", index,
                             ardm_shape_text(&call->in[index], text[0], sizeof text[0]), ardm_shape_text(want, text[1], sizeof text[1]));
    }
    outputs[0] = call->in[QKV];
    return ARDM_OK;
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    ardm_attention_arrays a = {.qkv = in[QKV], .y = in[O], .dy = in[DO], .dqkv = out[0]};
    ARDM_TRY(ardm__attention_extents(&a.e, call));
    if (ardm__attention_has(call, BLOCK)) a.block = in[BLOCK];
    if (ardm__attention_has(call, MASK)) a.mask = in[MASK];
    /* Read only here; the forward pass writes them. */
    a.max = (float *)(uintptr_t)in[MAX];
    a.den = (float *)(uintptr_t)in[DEN];
    return ardm__attention_run(&a, a.e.items * a.e.heads, 1, (size_t)(3 * a.e.length + (4 * a.e.rows + 2) * a.e.head),
                               ARDM_REFERENCE_CALL(attention_grad_pairs));
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    ardm_attention_extents e;
    *flops = *bytes = 0;
    if (ardm__attention_extents(&e, call) != ARDM_OK) return;
    *flops = 10.0 * (double)e.items * (double)e.rows * (double)e.length * (double)e.width;
    *bytes = 4.0 * (double)e.items * (double)e.rows * (8.0 * (double)e.width + 2.0 * (double)e.heads);
}

static ardm_status plan(const ardm_call *call, ardm_recorder *recorder, int64_t tile, int64_t group) {
    ardm_attention_extents e;
    char options[64];
    uint32_t facts;
    ARDM_TRY(ardm__attention_extents(&e, call));
    const int32_t has_block = ardm__attention_has(call, BLOCK), has_mask = ardm__attention_has(call, MASK);
    const ardm_operand block = ARDM_IN(has_block ? BLOCK : QKV), mask = ARDM_IN(has_mask ? MASK : QKV);
    const uint64_t global = (uint64_t)(e.streams * ((e.length + tile - 1) / tile) * group), heads = (uint64_t)e.heads, items = (uint64_t)e.items;
    snprintf(options, sizeof options, "-DHEAD=%d", (int)e.head);
    ARDM_TRY(recorder->workspace(recorder, 8 * (uint64_t)(e.items * e.heads * e.rows), &facts));
    ARDM_TRY(ARDM_LAUNCH(recorder, "attention_grad_queries", options, 3, global, heads, items, (uint64_t)group, 1, 1, ARDM_IN(QKV), block, mask,
                         ARDM_IN(O), ARDM_IN(MAX), ARDM_IN(DEN), ARDM_IN(DO), ARDM_OUT(0), ARDM_WORK(facts), ARDM_INT(has_block), ARDM_INT(has_mask),
                         ARDM_INT(e.length), ARDM_INT(e.streams), ARDM_FLOAT(e.scale)));
    return ARDM_LAUNCH(recorder, "attention_grad_keys", options, 3, global, heads, items, (uint64_t)group, 1, 1, ARDM_IN(QKV), block, mask,
                       ARDM_IN(MAX), ARDM_WORK(facts), ARDM_IN(DO), ARDM_OUT(0), ARDM_INT(has_block), ARDM_INT(has_mask), ARDM_INT(e.length),
                       ARDM_INT(e.streams), ARDM_FLOAT(e.scale));
}

static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) { return plan(call, recorder, 16, 1); }
static ardm_status plan_gpu(const ardm_call *call, ardm_recorder *recorder) { return plan(call, recorder, 64, 64); }

static int32_t accept_gpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    ardm_attention_extents e;
    if (ardm__attention_extents(&e, call) != ARDM_OK) return 0;
    if (e.head > 64) {
        snprintf(why, n, "a head has %d features; 64 fit the registers of a work-item", (int)e.head);
        return 0;
    }
    if (facts->local_bytes < 16384 + 1024 || facts->max_work_group < 64) {
        snprintf(why, n, "needs 17 KiB of local memory and groups of 64");
        return 0;
    }
    return facts->device_class == ARDM_CLASS_GPU ? 20 : 5;
}

static int32_t accept_cpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call, (void)why, (void)n;
    return facts->device_class == ARDM_CLASS_GPU ? 10 : 20;
}

static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-64", ARDM_EXACT, accept_gpu, &ardm_cl_attention_grad_gpu, plan_gpu},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-16", ARDM_EXACT, accept_cpu, &ardm_cl_attention_grad_cpu, plan_cpu},
};

static const ardm_attr attrs[] = {
    {"heads", ARDM_ATTR_INT, "1", 1, 1024, "heads; the width is heads times a head's features"},
    {"streams", ARDM_ATTR_INT, "1", 1, 2, "2: positions are [clean; noisy]"},
};
static const ardm_port inputs[] = {
    {"qkv", ARDM_DT(ARDM_F32), 3, 3, 0},
    {"block", ARDM_DT(ARDM_I32), 1, 1, ARDM_PORT_OPTIONAL},
    {"mask", ARDM_DT(ARDM_U8), 2, 5, ARDM_PORT_OPTIONAL},
    {"o", ARDM_DT(ARDM_F32), 3, 3, 0},
    {"max", ARDM_DT(ARDM_F32), 3, 3, 0},
    {"den", ARDM_DT(ARDM_F32), 3, 3, 0},
    {"do", ARDM_DT(ARDM_F32), 3, 3, 0},
};
static const ardm_port outputs[] = {{"dqkv", ARDM_DT(ARDM_F32), 3, 3, 0}};
static const ardm_case cases[] = {
    {"f32[1,1,3] - - f32[1,1,1] f32[1,1,1]{0:2} f32[1,1,1]{1:2} f32[1,1,1]", "heads=1"},
    {"f32[0,4,12] - - f32[0,4,4] f32[0,2,4] f32[0,2,4] f32[0,4,4]", "heads=2"},
    {"f32[2,17,24] - u8[2,17]{0:4} f32[2,17,8] f32[2,2,17]{2:5} f32[2,2,17]{1:17} f32[2,17,8]", "heads=2"},
    {"f32[3,33,27] i32[3]{0:4} - f32[3,33,9] f32[3,3,33]{2:5} f32[3,3,33]{1:33} f32[3,33,9]", "heads=3"},
    {"f32[1,600,96] i32[1]{16:17} - f32[1,600,32] f32[1,1,600]{2:5} f32[1,1,600]{1:300} f32[1,600,32]", "heads=1, streams=2"},
    {"f32[1,600,24] - - f32[1,600,8] f32[1,1,600]{2:5} f32[1,1,600]{1:600} f32[1,600,8]", "heads=1"},
    {"f32[2,34,24] i32[2]{3:4} u8[2,17]{0:4} f32[2,34,8] f32[2,2,34]{2:5} f32[2,2,34]{1:17} f32[2,34,8]", "heads=2, streams=2"},
    {"f32[2,34,24] i32[2]{0:2} - f32[2,34,8] f32[2,1,34]{2:5} f32[2,1,34]{1:17} f32[2,34,8]", "heads=1, streams=2"},
    {"f32[1,66,192] - - f32[1,66,64] f32[1,1,66]{2:5} f32[1,1,66]{1:33} f32[1,66,64]", "heads=1, streams=2"},
    {"f32[1,18,780] i32[1]{5:6} - f32[1,18,260] f32[1,1,18]{2:5} f32[1,1,18]{1:18} f32[1,18,260]", "heads=1"},
    {"f32[1,5,30] - u8[1,5]{3:4} f32[1,5,10] f32[1,5,5]{0:1} f32[1,5,5]{1:2} f32[1,5,10]", "heads=5"},
};

const ardm_op ardm_op_attention_grad = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "attention_grad",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = attrs,
    .n_attrs = 2,
    .inputs = inputs,
    .outputs = outputs,
    .n_inputs = 7,
    .n_outputs = 1,
    .sums = "block over features, keys (dq) and queries (dk, dv); lane over features (row term)",
    .help = "gradient of attention with respect to qkv, from the output, maximum and denominator that it kept",
    .infer = infer,
    .reference = reference,
    .oracle = ardm__attention_grad_oracle,
    .bound = ardm__attention_grad_bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof variants[0],
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};
