/* matmul: y[…,M] = x[…,K] w, w stored [K,M], or [M,K] with tb. */
#include "matmul/matmul.h"

#include <inttypes.h>
#include <stdio.h>

#include "conv/conv.h"
#include "matmul/block.h"

extern const char *const ardm_cl_matmul_cpu, *const ardm_cl_matmul_gpu;

typedef struct extents {
    int64_t rows, depth, columns;
} extents;

static extents extents_of(const ardm_call *call) {
    return (extents){ardm_shape_rows(&call->in[0], 1), ardm_shape_last(&call->in[0], 0), ardm_shape_last(&call->out[0], 0)};
}

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    const ardm_shape *x = &call->in[0], *w = &call->in[1];
    const int64_t tb = call->attrs[0].i, depth = ardm_shape_last(x, 0);
    if (w->dim[tb ? 1 : 0] != depth)
        return ardm_fail(ARDM_ESHAPE, "matmul: the last extent of x is %" PRId64 " but w is [%" PRId64 ",%" PRId64 "]%s; it must have %" PRId64 " %s",
                         depth, w->dim[0], w->dim[1], tb ? " transposed" : "", depth, tb ? "columns" : "rows");
    if (ardm_shape_rows(x, 1) > ARDM_MOST_INT)
        return ardm_fail(ARDM_ESHAPE, "matmul: x has %" PRId64 " rows; the most is %d", ardm_shape_rows(x, 1), ARDM_MOST_INT);
    outputs[0] = *x;
    outputs[0].dim[x->rank - 1] = w->dim[tb ? 0 : 1];
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    const int64_t tb = call->attrs[0].i;
    char group[48];
    dx[0] = dx[1] = -1;
    if (dy[0] < 0) return ARDM_OK;
    snprintf(group, sizeof group, "group=%" PRId64, builder->group);
    dx[0] = builder->emit(builder, "matmul", (const ardm_value[]){dy[0], call->x[1]}, 2, tb ? "tb=0" : "tb=1", NULL);
    const ardm_value parts = tb ? builder->emit(builder, "matmul_grad", (const ardm_value[]){dy[0], call->x[0]}, 2, group, NULL)
                                : builder->emit(builder, "matmul_grad", (const ardm_value[]){call->x[0], dy[0]}, 2, group, NULL);
    dx[1] = builder->emit(builder, "tree_sum", &parts, 1, NULL, NULL);
    return ARDM_OK;
}

typedef struct left_factor {
    const float *x;
    int64_t depth;
} left_factor;

static void left(const void *user, int64_t plane, int64_t row, int64_t begin, int64_t terms, float *a) {
    const left_factor *factor = user;
    const float *x = factor->x + row * factor->depth + begin;
    (void)plane;
    for (int64_t k = 0; k < terms; ++k) a[ARDM_BLOCK_ROWS * k] = x[k];
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    const extents e = extents_of(call);
    const int64_t tb = call->attrs[0].i;
    const left_factor factor = {in[0], e.depth};
    const ardm_right right = {in[1], 0, e.depth, 0, tb ? 1 : e.columns, tb ? e.depth : 1};
    return ardm__block_product(out[0], 1, e.rows, e.columns, e.depth, left, &factor, &right);
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    const extents e = extents_of(call);
    const double rows = (double)e.rows, depth = (double)e.depth, columns = (double)e.columns;
    *flops = 2 * rows * depth * columns;
    *bytes = 4 * (rows * depth + depth * columns + rows * columns);
}

int32_t ardm__accept_cpu_class(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call, (void)why, (void)n;
    return facts->device_class == ARDM_CLASS_CPU ? 3 : 1;
}

static int32_t accept_gpu(const ardm_device_facts *facts, uint64_t items, uint64_t local_bytes, int32_t score, char *why, uint32_t n) {
    if (facts->max_work_group < items) {
        snprintf(why, n, "work-groups of %" PRIu64 " needed, the device allows %" PRIu64, items, facts->max_work_group);
        return 0;
    }
    if (facts->local_bytes < local_bytes) {
        snprintf(why, n, "%" PRIu64 " bytes of local memory needed, the device has %" PRIu64, local_bytes, facts->local_bytes);
        return 0;
    }
    return facts->device_class == ARDM_CLASS_CPU ? 1 : score;
}

int32_t ardm__accept_gpu64(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call;
    return accept_gpu(facts, 256, 2 * 16 * 64 * 4, 3, why, n);
}

int32_t ardm__accept_gpu32(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call;
    return accept_gpu(facts, 64, 2 * 16 * 32 * 4, 2, why, n);
}

static int32_t accept_library(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    const extents e = extents_of(call);
    if (e.rows == 0 || e.depth == 0 || e.columns == 0 || e.rows * e.depth > ARDM_MOST_INT || e.depth * e.columns > ARDM_MOST_INT ||
        e.rows * e.columns > ARDM_MOST_INT) {
        snprintf(why, n, "operands of 1 to 2^31-1 elements needed");
        return 0;
    }
    return facts->device_class == ARDM_CLASS_CPU ? 1 : 4; /* on a CPU the tiled kernel is an order faster */
}

/* Below this many rows a packed copy of w costs more than reading w in place loses. */
enum { ROWS_WORTH_PACKING = 64 };

static ardm_status plan_cpu(const ardm_call *call, ardm_recorder *recorder) {
    const extents e = extents_of(call);
    const uint64_t tiles = (uint64_t)(e.rows + 7) / 8, panels = (uint64_t)(e.columns + 15) / 16, pairs = (panels + 1) / 2;
    const int64_t tb = call->attrs[0].i;
    uint32_t packed;
    if (!tb && e.columns % 16 == 0 && e.rows < ROWS_WORTH_PACKING)
        return ARDM_LAUNCH(recorder, "product_in_place", NULL, 2, tiles, pairs, 1, 1, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0), ARDM_INT(e.rows),
                           ARDM_INT(e.depth), ARDM_INT(e.columns));
    ARDM_TRY(recorder->workspace(recorder, panels * 16 * (uint64_t)e.depth * 4, &packed));
    ARDM_TRY(ARDM_LAUNCH(recorder, tb ? "pack_transposed" : "pack", NULL, 2, (uint64_t)(e.depth + 63) / 64, panels, 1, 1, 1, 1, ARDM_IN(1),
                         ARDM_WORK(packed), ARDM_INT(e.depth), ARDM_INT(e.columns)));
    const uint64_t near = (uint64_t)ardm__near_tiles((int64_t)tiles, e.depth);
    return ARDM_LAUNCH(recorder, "product", NULL, 3, near, pairs, near > 0 ? (tiles + near - 1) / near : 0, 1, 1, 1, ARDM_IN(0), ARDM_WORK(packed),
                       ARDM_OUT(0), ARDM_INT(e.rows), ARDM_INT(e.depth), ARDM_INT(e.columns));
}

static ardm_status plan_gpu(const ardm_call *call, ardm_recorder *recorder, uint64_t side, const char *options) {
    const extents e = extents_of(call);
    const uint64_t tile = 4 * side;
    return ARDM_LAUNCH(recorder, call->attrs[0].i ? "product_transposed" : "product", options, 2, ((uint64_t)e.columns + tile - 1) / tile * side,
                       ((uint64_t)e.rows + tile - 1) / tile * side, 1, side, side, 1, ARDM_IN(0), ARDM_IN(1), ARDM_OUT(0), ARDM_INT(e.rows),
                       ARDM_INT(e.depth), ARDM_INT(e.columns));
}

static ardm_status plan_gpu64(const ardm_call *call, ardm_recorder *recorder) { return plan_gpu(call, recorder, 16, "-DSIDE=16"); }
static ardm_status plan_gpu32(const ardm_call *call, ardm_recorder *recorder) { return plan_gpu(call, recorder, 8, "-DSIDE=8"); }

static ardm_status plan_library(const ardm_call *call, ardm_recorder *recorder) {
    const extents e = extents_of(call);
    const ardm_operand x = ARDM_IN(0), w = ARDM_IN(1), y = ARDM_OUT(0);
    if (!recorder->library_gemm) return ardm_fail(ARDM_EUNSUPPORTED, "matmul: no matrix-product library here");
    return recorder->library_gemm(recorder, &x, &w, &y, e.rows, e.columns, e.depth, 0, (int32_t)call->attrs[0].i);
}

static const ardm_attr attrs[] = {{"tb", ARDM_ATTR_INT, "0", 0, 1, "1: w is stored [M,K]"}};
static const ardm_port inputs[] = {{"x", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}, {"w", ARDM_DT(ARDM_F32), 2, 2, 0}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_variant variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "clblast", ARDM_FAST, accept_library, NULL, plan_library},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-local-64x64", ARDM_EXACT, ardm__accept_gpu64, &ardm_cl_matmul_gpu, plan_gpu64},
    {ARDM_OP_ABI, sizeof(ardm_variant), "gpu-local-32x32", ARDM_EXACT, ardm__accept_gpu32, &ardm_cl_matmul_gpu, plan_gpu32},
    {ARDM_OP_ABI, sizeof(ardm_variant), "cpu-8x32", ARDM_EXACT, ardm__accept_cpu_class, &ardm_cl_matmul_cpu, plan_cpu},
};
static const ardm_case cases[] = {
    {"f32[1,1] f32[1,1]", NULL},          {"f32[17,257] f32[257,3]", NULL},    {"f32[9,33] f32[48,33]", "tb=1"},
    {"f32[0,4] f32[4,5]", NULL},          {"f32[3,0] f32[0,5]", NULL},         {"f32[3,4] f32[4,0]", NULL},
    {"f32[2,3,5,513] f32[513,33]", NULL}, {"f32[70,256] f32[256,64]", NULL},   {"f32[40,255] f32[255,65]", NULL},
    {"f32[8,512] f32[512,48]", NULL},     {"f32[37,300] f32[70,300]", "tb=1"}, {"f32[1,600] f32[600,1]", NULL},
    {"f32[1,600] f32[1,600]", "tb=1"},    {"f32[65,3] f32[3,96]", NULL},       {"f32[33,64] f32[7,64]", "tb=1"},
    {"f32[31,128] f32[128,128]", NULL},   {"f32[2,16,96] f32[96,96]", "tb=1"}, {"f32[5,70]{-1e-7:1e-7} f32[70,9]{-1e-5:1e-5}", NULL},
};

const ardm_op ardm_op_matmul = {
    .abi = ARDM_OP_ABI,
    .size = sizeof(ardm_op),
    .name = "matmul",
    .version = 1,
    .attrs = attrs,
    .n_attrs = 1,
    .inputs = inputs,
    .n_inputs = 2,
    .outputs = outputs,
    .n_outputs = 1,
    .sums = "block over k",
    .help = "y[…,M] = x[…,K] w",
    .infer = infer,
    .gradient = gradient,
    .reference = reference,
    .oracle = ardm__matmul_oracle,
    .bound = ardm__matmul_bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof *variants,
    .cases = cases,
    .n_cases = sizeof cases / sizeof *cases,
};
