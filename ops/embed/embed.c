/* Rows of a table by id. */
#include "embed/embed.h"

#include <inttypes.h>
#include <stdio.h>

#include "ardm/exact.h"
#include "ardm/thread.h"

extern const char *const ardm_cl_embed_embed;

int64_t ardm__embed_per(const ardm_recorder *recorder, int64_t many) { return recorder->facts->device_class == ARDM_CLASS_GPU ? 1 : many; }

int32_t ardm__embed_accept_cpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call, (void)why, (void)n;
    return facts->device_class == ARDM_CLASS_GPU ? 10 : 20;
}
int32_t ardm__embed_accept_gpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call;
    if (facts->max_work_group < 32) {
        snprintf(why, n, "needs groups of 32");
        return 0;
    }
    return facts->device_class == ARDM_CLASS_GPU ? 20 : 5;
}

typedef struct extents {
    int64_t rows, classes, width;
} extents;

static extents find(const ardm_call *call) { return (extents){ardm_shape_count(&call->in[0]), call->in[1].dim[0], call->in[1].dim[1]}; }

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    const ardm_shape *ids = &call->in[0];
    outputs[0] = ardm_shape_make(ARDM_F32, ids->rank, ids->dim);
    outputs[0].dim[outputs[0].rank++] = call->in[1].dim[1];
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char attrs[96];
    dx[0] = dx[1] = -1;
    if (dy[0] < 0) return ARDM_OK;
    snprintf(attrs, sizeof attrs, "classes=%" PRId64 ", group=%" PRId64, call->in[1].dim[0], builder->group);
    const ardm_value parts = builder->emit(builder, "embed_grad", (const ardm_value[]){call->x[0], dy[0]}, 2, attrs, NULL);
    if (parts >= 0) dx[1] = builder->emit(builder, "tree_sum", &parts, 1, NULL, NULL);
    return ARDM_OK;
}

typedef struct job {
    extents e;
    const int32_t *ids;
    const float *table;
    float *y;
} job;

static void copy(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    for (int64_t row = begin; row < end; ++row) {
        const int known = j->ids[row] >= 0 && j->ids[row] < j->e.classes;
        for (int64_t i = 0; i < j->e.width; ++i) j->y[row * j->e.width + i] = known ? ardm_flush(j->table[j->ids[row] * j->e.width + i]) : 0.0f;
    }
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    job j = {find(call), in[0], in[1], out[0]};
    ardm_parallel(j.e.rows, 1 + 4096 / (j.e.width + 1), copy, &j);
    return ARDM_OK;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const int32_t *ids = in[0];
    const double *table = in[1];
    double *y = out[0];
    const extents e = find(call);
    for (int64_t i = 0; i < e.rows * e.width; ++i) {
        const int32_t id = ids[i / e.width];
        y[i] = id < 0 || id >= e.classes ? 0 : table[id * e.width + i % e.width];
    }
    return ARDM_OK;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    const extents e = find(call);
    *flops = 0;
    *bytes = 8.0 * (double)e.rows * (double)e.width;
}

static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) {
    const extents e = find(call);
    const int64_t per = 1 + 4096 / (e.width + 1);
    return ARDM_LAUNCH(recorder, "embed", "", 1, (uint64_t)((e.rows + per - 1) / per), 1, 1, 1, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0),
                       ARDM_INT(e.rows), ARDM_INT(e.classes), ARDM_INT(e.width), ARDM_INT(per));
}

static ardm_status plan_gpu(const ardm_call *call, ardm_recorder *recorder) {
    const extents e = find(call);
    return ARDM_LAUNCH(recorder, "embed_wide", "", 2, (uint64_t)((e.width + 31) / 32 * 32), (uint64_t)e.rows, 1, 32, 1, 1, ARDM_IN(0), ARDM_IN(1),
                       ARDM_OUT(0), ARDM_INT(e.classes), ARDM_INT(e.width));
}

static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-element", ARDM_EXACT, ardm__embed_accept_gpu, &ardm_cl_embed_embed, plan_gpu},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-rows", ARDM_EXACT, ardm__embed_accept_cpu, &ardm_cl_embed_embed, plan_cpu},
};
static const ardm_port inputs[] = {{"ids", ARDM_DT(ARDM_I32), 1, 4, 0}, {"table", ARDM_DT(ARDM_F32), 2, 2, 0}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 2, 5, 0}};
static const ardm_case cases[] = {
    {"i32[1]{0:1} f32[1,1]", ""},
    {"i32[0,4]{0:2} f32[2,3]", ""},
    {"i32[3,17]{-2:29} f32[27,19]", ""},
    {"i32[2,3,5,7]{-1:256} f32[256,64]", ""},
};

const ardm_op ardm_op_embed = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "embed",
    .version = 1,
    .inputs = inputs,
    .outputs = outputs,
    .n_inputs = 2,
    .n_outputs = 1,
    .sums = "",
    .help = "row `id` of a table; +0 for -1 and for ids past the table",
    .infer = infer,
    .gradient = gradient,
    .reference = reference,
    .oracle = oracle,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof variants[0],
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};
