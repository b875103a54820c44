/* children: from logits of symbols to logits of the children of the class that a unit shows, and the gradient; formula in
 * children_rows.h, chains in children.h. */
#include "likelihood/children.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ardm/thread.h"
#include "likelihood/children_rows.h"

extern const char *const ardm_cl_likelihood_children;

enum { PARENT = 1, TABLE = 3, GRAD_PARENT = 2, GRAD_TABLE = 5 }; /* operands */

static ardm_status check_z(const ardm_call *call) {
    char text[128];
    if (ardm_shape_last(&call->in[0], 0) == call->attrs[1].i) return ARDM_OK;
    return ardm_fail(ARDM_ESHAPE, "%s: z is %s; its last extent must be the %lld classes", call->op->name,
                     ardm_shape_text(&call->in[0], text, sizeof text), (long long)call->attrs[1].i);
}

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    int32_t most;
    ARDM_TRY(ardm__children_check(call, PARENT, TABLE, &most));
    ARDM_TRY(check_z(call));
    out[0] = call->in[0];
    out[0].dim[out[0].rank - 1] = most;
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char text[128];
    const ardm_value in[] = {call->x[0], call->y[0], call->x[1], call->x[2], dy[0], call->n_in > TABLE ? call->x[TABLE] : -1};
    (void)snprintf(text, sizeof text, "family=\"%s\", classes=%lld, base=%lld", call->attrs[0].s, (long long)call->attrs[1].i,
                   (long long)call->attrs[2].i);
    for (uint32_t k = 1; k < call->n_in; ++k) dx[k] = -1;
    dx[0] = builder->emit(builder, "children_grad", in, 6, text, NULL);
    return ARDM_OK;
}

typedef struct work {
    ardm__children children;
    const float *z, *y, *dy;
    float *out;
} work;

static void body(void *user, int64_t begin, int64_t end) {
    const work *w = user;
    const ardm__chain *chain = &w->children.chain;
    const int64_t K = chain->classes, B = w->children.most;
    void (*regular_row)(const float *, int32_t, int32_t, int32_t, float *, int32_t) = ARDM_REFERENCE_CALL(children_row);
    void (*table_row)(const float *, const int32_t *, const int32_t *, int32_t, int32_t, float *, int32_t, int32_t) =
        ARDM_REFERENCE_CALL(children_table_row);
    for (int64_t row = begin; row < end; ++row) {
        const ardm__parent p = ardm__parent_of(&w->children, row);
        const int32_t *at = w->children.table ? w->children.table + p.stage * K : NULL,
                      *digit = at ? at + ARDM__DIGIT * (chain->stages + 1) * K : NULL;
        if (at)
            table_row(w->z + row * K, at, digit, p.low, p.end, w->out + row * B, (int32_t)B, (int32_t)K);
        else
            regular_row(w->z + row * K, p.low, p.end, p.after, w->out + row * B, (int32_t)B);
    }
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    work w = {.z = in[0], .out = out[0]};
    ARDM_TRY(ardm__children_open(&w.children, call, in, PARENT, TABLE));
    ardm_parallel(ardm_shape_count(&call->in[PARENT]), 1 + 16384 / (1 + w.children.chain.classes), body, &w);
    return ARDM_OK;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t K = call->attrs[1].i, B = ardm_shape_last(&call->out[0], 0), rows = ardm_shape_count(&call->in[PARENT]);
    double *top = malloc((size_t)B * sizeof *top);
    if (!top) return ardm_fail(ARDM_ENOMEM, "children: no memory for %lld maxima", (long long)B);
    for (int64_t row = 0; row < rows; ++row) {
        const double *z = (const double *)in[0] + row * K;
        double *y = (double *)out[0] + row * B;
        for (int64_t j = 0; j < B; ++j) {
            top[j] = -INFINITY;
            y[j] = 0;
        }
        for (int64_t x = 0; x < K; ++x) {
            int64_t j = ardm__leaf_child(call, in, PARENT, TABLE, row, x);
            if (j >= 0) top[j] = fmax(top[j], z[x]);
        }
        for (int64_t x = 0; x < K; ++x) {
            int64_t j = ardm__leaf_child(call, in, PARENT, TABLE, row, x);
            if (j >= 0) y[j] += exp(z[x] - top[j]);
        }
        for (int64_t j = 0; j < B; ++j) y[j] = isinf(top[j]) ? 0 : top[j] + log(y[j]);
    }
    free(top);
    return ARDM_OK;
}

/* A child of one leaf is that leaf. Else: exp 2^-23 a term and its argument's rounding, log n at most in the mean; the block sum; log and the
 * last addition; what F drops from n terms beside one of 1. */
static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    int64_t K = call->attrs[1].i, B = ardm_shape_last(&call->out[0], 0), rows = ardm_shape_count(&call->in[PARENT]);
    const double *y = out[k];
    for (int64_t row = 0; row < rows; ++row) {
        double *n = limit + row * B;
        for (int64_t j = 0; j < B; ++j) n[j] = 0;
        for (int64_t x = 0; x < K; ++x) {
            int64_t j = ardm__leaf_child(call, in, PARENT, TABLE, row, x);
            if (j >= 0) n[j]++;
        }
        for (int64_t j = 0; j < B; ++j)
            n[j] = n[j] < 2 ? 0 : 0x1p-24 * (fmin(n[j], 256) + n[j] / 256 + 4 * log(n[j]) + 4 + fabs(y[row * B + j])) + n[j] * 0x1p-40 + 0x1p-39;
    }
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 26.0 * ((double)ardm_shape_count(&call->in[0]) + (double)ardm_shape_count(&call->out[0]));
    *bytes = 4.0 * ((double)ardm_shape_count(&call->in[0]) + (double)ardm_shape_count(&call->out[0]));
}

/* `each` elements a work-item, and so many of them that a GPU's groups are full. */
static uint64_t items_of(const ardm_recorder *recorder, int64_t elements, int64_t each) {
    int64_t round = recorder->facts->device_class == ARDM_CLASS_CPU ? 1 : 64;
    return (uint64_t)(((elements + each - 1) / each + round - 1) / round * round);
}

static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    int32_t cpu = recorder->facts->device_class == ARDM_CLASS_CPU;
    int64_t rows = ardm_shape_count(&call->in[PARENT]), items = call->in[PARENT].dim[0], per = items > 0 && rows > 0 ? rows / items : 1;
    int64_t K = call->attrs[1].i, B = ardm_shape_last(&call->out[0], 0);
    const char *options = cpu ? "-DSTRIP=16 -DGROUP=64" : "-DSTRIP=1 -DGROUP=1";
    uint64_t local = cpu ? 1 : 64;
    ardm__chain chain;
    ARDM_TRY(ardm__chain_call(&chain, call, TABLE));
    if (chain.table) {
        int64_t groups = cpu ? (B + 63) / 64 : B, each = cpu ? 1 + 4096 / K : 1;
        return ARDM_LAUNCH(recorder, "children_table", options, 1, items_of(recorder, rows * groups, each), 1, 1, local, 1, 1, ARDM_IN(0),
                           ARDM_IN(PARENT), ARDM_IN(PARENT + 1), ARDM_IN(TABLE), ARDM_OUT(0), ARDM_INT(rows), ARDM_INT(per), ARDM_INT(chain.stages),
                           ARDM_INT(K), ARDM_INT(B), ARDM_INT(each));
    }
    /* Children whose leaves are about 4,096 where the parent is all symbols. */
    int64_t each = !cpu ? 1 : B >= K ? 4096 : 4096 * B / K > 16 ? 4096 * B / K : 16;
    return ARDM_LAUNCH(recorder, "children", options, 1, items_of(recorder, rows * B, each), 1, 1, local, 1, 1, ARDM_IN(0), ARDM_IN(PARENT),
                       ARDM_IN(PARENT + 1), ARDM_OUT(0), ARDM_INT(rows), ARDM_INT(per), ARDM_INT(chain.stages),
                       ARDM_INT(chain.absorbing ? K : chain.base), ARDM_INT(K), ARDM_INT(B), ARDM_INT(each));
}

static const ardm_port inputs[] = {{"z", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0},
                                   {"parent", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK - 1, 0},
                                   {"stage", ARDM_DT(ARDM_I32), 1, 1, 0},
                                   {"table", ARDM_DT(ARDM_I32), 3, 3, ARDM_PORT_OPTIONAL}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "chunks", ARDM_EXACT, NULL, &ardm_cl_likelihood_children, plan}};
static const ardm_case cases[] = {
    {"f32[1,1,2] i32[1,1]{0:2} i32[1]{0:1}", "classes=2"},
    {"f32[3,17,27] i32[3,17]{-1:28} i32[3]{-1:2}", "classes=27"},
    {"f32[4,9,256]{-12:12} i32[4,9]{0:256} i32[4]{0:4}", "family=\"zero-least-significant\", classes=256, base=4"},
    {"f32[3,2,5,256] i32[3,2,5]{-9:300} i32[3]{-1:3}", "family=\"zero-least-significant\", classes=256, base=16"},
    {"f32[5,33,5]{-30:30} i32[5,33]{-2:8} i32[5]{-1:4}", "family=\"zero-least-significant\", classes=5, base=2"},
    {"f32[4,13,6] i32[4,13]{0:6} i32[4]{0:2}", "family=\"augment-least-significant\", classes=6, base=4"},
    {"f32[2,2,1500] i32[2,2]{0:1500} i32[2]{0:2}", "family=\"zero-least-significant\", classes=1500, base=2"},
    {"f32[2,1,65535]{-3:3} i32[2,1]{65000:65535} i32[2]{0:2}", "family=\"zero-least-significant\", classes=65535, base=256"},
    {"f32[3,7,27] i32[3,7]{-9:36} i32[3]{-1:3} i32[5,3,27]{-1:5}", "family=\"table\", classes=27, base=4"},
    {"f32[2,9,700] i32[2,9]{0:700} i32[2]{0:2} i32[5,3,700]{-300:900}", "family=\"table\", classes=700, base=100"},
    {"f32[9,27]{-5:5} i32[9]{0:27} i32[9]{0:1} i32[5,2,27]{0:99}", "family=\"table\", classes=27, base=21"},
    {"f32[6,2,4000]{-5:5} i32[6,2]{0:4000} i32[6]{0:2} i32[5,3,4000]{-2000000000:2000000000}", "family=\"table\", classes=4000, base=80"},
    {"f32[0,4,9] i32[0,4]{0:9} i32[0]{0:1}", "classes=9"},
    {"f32[3,0,9] i32[3,0]{0:9} i32[3]{0:1} i32[5,2,9]{0:9}", "family=\"table\", classes=9, base=9"},
};
const ardm_op ardm_op_children = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "children",
    .version = 1,
    .attrs = ardm__chain_attrs,
    .n_attrs = 3,
    .inputs = inputs,
    .n_inputs = 4,
    .outputs = outputs,
    .n_outputs = 1,
    .sums = "block over a child's leaves",
    .help = "logits of a class's children from logits of symbols",
    .infer = infer,
    .gradient = gradient,
    .reference = reference,
    .oracle = oracle,
    .bound = bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof variants[0],
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};

/* --- the gradient ---------------------------------------------------------------------------------------------------------------- */

static ardm_status grad_infer(const ardm_call *call, ardm_shape *out) {
    int32_t most;
    char text[128];
    ARDM_TRY(ardm__children_check(call, GRAD_PARENT, GRAD_TABLE, &most));
    ARDM_TRY(check_z(call));
    ardm_shape want = call->in[0];
    want.dim[want.rank - 1] = most;
    for (uint32_t k = 1; k < 5; k += 3)
        if (!ardm_shape_equal(&call->in[k], &want))
            return ardm_fail(ARDM_ESHAPE, "children_grad: %s is %s; it must be z's extents with %d children last", call->op->inputs[k].name,
                             ardm_shape_text(&call->in[k], text, sizeof text), most);
    out[0] = call->in[0];
    return ARDM_OK;
}

static void grad_body(void *user, int64_t begin, int64_t end) {
    const work *w = user;
    const ardm__chain *chain = &w->children.chain;
    const int64_t K = chain->classes, B = w->children.most;
    void (*regular_row)(const float *, const float *, const float *, int32_t, int32_t, int32_t, float *, int32_t) =
        ARDM_REFERENCE_CALL(children_grad_row);
    void (*table_row)(const float *, const float *, const float *, const int32_t *, const int32_t *, int32_t, int32_t, float *, int32_t, int32_t) =
        ARDM_REFERENCE_CALL(children_table_grad_row);
    for (int64_t row = begin; row < end; ++row) {
        const ardm__parent p = ardm__parent_of(&w->children, row);
        const float *z = w->z + row * K, *y = w->y + row * B, *dy = w->dy + row * B;
        const int32_t *at = w->children.table ? w->children.table + p.stage * K : NULL,
                      *digit = at ? at + ARDM__DIGIT * (chain->stages + 1) * K : NULL;
        if (at)
            table_row(z, y, dy, at, digit, p.low, p.end, w->out + row * K, (int32_t)B, (int32_t)K);
        else
            regular_row(z, y, dy, p.low, p.end, p.after, w->out + row * K, (int32_t)K);
    }
}

static ardm_status grad_reference(const ardm_call *call, const void *const *in, void *const *out) {
    work w = {.z = in[0], .y = in[1], .dy = in[4], .out = out[0]};
    ARDM_TRY(ardm__children_open(&w.children, call, in, GRAD_PARENT, GRAD_TABLE));
    ardm_parallel(ardm_shape_count(&call->in[GRAD_PARENT]), 1 + 16384 / (1 + w.children.chain.classes), grad_body, &w);
    return ARDM_OK;
}

static ardm_status grad_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t K = call->attrs[1].i, B = ardm_shape_last(&call->in[1], 0), rows = ardm_shape_count(&call->in[GRAD_PARENT]);
    const double *z = in[0], *y = in[1], *dy = in[4];
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t x = 0; x < K; ++x) {
            int64_t j = ardm__leaf_child(call, in, GRAD_PARENT, GRAD_TABLE, row, x);
            ((double *)out[0])[row * K + x] = j < 0 ? 0 : dy[row * B + j] * exp(z[row * K + x] - y[row * B + j]);
        }
    return ARDM_OK;
}

static void grad_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    int64_t K = call->attrs[1].i, B = ardm_shape_last(&call->in[1], 0), rows = ardm_shape_count(&call->in[GRAD_PARENT]);
    const double *z = in[0], *y = in[1], *dy = in[4];
    (void)k;
    (void)out;
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t x = 0; x < K; ++x) {
            int64_t j = ardm__leaf_child(call, in, GRAD_PARENT, GRAD_TABLE, row, x);
            double d = j < 0 ? 0 : z[row * K + x] - y[row * B + j];
            limit[row * K + x] = j < 0 ? 0 : fabs(dy[row * B + j]) * (exp(d) * (4 + fabs(d)) * 0x1p-24 + 0x1p-39) + 0x1p-40;
        }
}

static void grad_cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 26.0 * (double)ardm_shape_count(&call->in[0]);
    *bytes = 8.0 * ((double)ardm_shape_count(&call->in[0]) + (double)ardm_shape_count(&call->in[1]));
}

static ardm_status grad_plan(const ardm_call *call, ardm_recorder *recorder) {
    int32_t cpu = recorder->facts->device_class == ARDM_CLASS_CPU;
    int64_t rows = ardm_shape_count(&call->in[GRAD_PARENT]), items = call->in[GRAD_PARENT].dim[0], per = items > 0 && rows > 0 ? rows / items : 1;
    int64_t K = call->attrs[1].i, each = cpu ? 4096 : 1;
    uint64_t local = cpu ? 1 : 64;
    ardm__chain chain;
    ARDM_TRY(ardm__chain_call(&chain, call, GRAD_TABLE));
    return ARDM_LAUNCH(recorder, "children_grad", cpu ? "-DSTRIP=16 -DGROUP=64" : "-DSTRIP=1 -DGROUP=1", 1, items_of(recorder, rows * K, each), 1, 1,
                       local, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_IN(GRAD_PARENT), ARDM_IN(GRAD_PARENT + 1), ARDM_IN(4),
                       ARDM_IN(chain.table ? GRAD_TABLE : GRAD_PARENT), ARDM_OUT(0), ARDM_INT(rows), ARDM_INT(per), ARDM_INT(chain.stages),
                       ARDM_INT(chain.absorbing ? K : chain.base), ARDM_INT(K), ARDM_INT(ardm_shape_last(&call->in[1], 0)), ARDM_INT(chain.table),
                       ARDM_INT(each));
}

static const ardm_port grad_inputs[] = {
    {"z", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0},          {"y", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0},
    {"parent", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK - 1, 0}, {"stage", ARDM_DT(ARDM_I32), 1, 1, 0},
    {"dy", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0},         {"table", ARDM_DT(ARDM_I32), 3, 3, ARDM_PORT_OPTIONAL}};
static const ardm_port grad_outputs[] = {{"dz", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_variant grad_variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "chunks", ARDM_EXACT, NULL, &ardm_cl_likelihood_children, grad_plan}};
static const ardm_case grad_cases[] = {
    {"f32[1,1,2] f32[1,1,2] i32[1,1]{0:2} i32[1]{0:1} f32[1,1,2]", "classes=2"},
    {"f32[3,17,27] f32[3,17,27] i32[3,17]{-1:28} i32[3]{-1:2} f32[3,17,27]", "classes=27"},
    {"f32[4,9,256]{-12:3} f32[4,9,4]{4:7} i32[4,9]{0:256} i32[4]{0:4} f32[4,9,4]", "family=\"zero-least-significant\", classes=256, base=4"},
    {"f32[3,2,5,256] f32[3,2,5,16]{2:4} i32[3,2,5]{-9:300} i32[3]{-1:3} f32[3,2,5,16]", "family=\"zero-least-significant\", classes=256, base=16"},
    {"f32[5,33,5]{-30:1} f32[5,33,2]{0:2} i32[5,33]{-2:8} i32[5]{-1:4} f32[5,33,2]", "family=\"zero-least-significant\", classes=5, base=2"},
    {"f32[4,13,6] f32[4,13,4] i32[4,13]{0:6} i32[4]{0:2} f32[4,13,4]", "family=\"augment-least-significant\", classes=6, base=4"},
    {"f32[2,2,9001] f32[2,2,2]{6:8} i32[2,2]{0:9001} i32[2]{0:13} f32[2,2,2]", "family=\"zero-least-significant\", classes=9001, base=2"},
    {"f32[3,7,27] f32[3,7,4] i32[3,7]{-9:36} i32[3]{-1:3} f32[3,7,4] i32[5,3,27]{-1:5}", "family=\"table\", classes=27, base=4"},
    {"f32[2,9,700] f32[2,9,100] i32[2,9]{0:700} i32[2]{0:2} f32[2,9,100] i32[5,3,700]{-300:900}", "family=\"table\", classes=700, base=100"},
    {"f32[6,2,1300] f32[6,2,3] i32[6,2]{0:1300} i32[6]{0:2} f32[6,2,3] i32[5,3,1300]{-2000000000:2000000000}",
     "family=\"table\", classes=1300, base=3"},
    {"f32[0,4,9] f32[0,4,9] i32[0,4]{0:9} i32[0]{0:1} f32[0,4,9]", "classes=9"},
    {"f32[3,0,9] f32[3,0,9] i32[3,0]{0:9} i32[3]{0:1} f32[3,0,9] i32[5,2,9]{0:9}", "family=\"table\", classes=9, base=9"},
};
const ardm_op ardm_op_children_grad = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "children_grad",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = ardm__chain_attrs,
    .n_attrs = 3,
    .inputs = grad_inputs,
    .n_inputs = 6,
    .outputs = grad_outputs,
    .n_outputs = 1,
    .sums = "",
    .help = "gradient of children",
    .infer = grad_infer,
    .reference = grad_reference,
    .oracle = grad_oracle,
    .bound = grad_bound,
    .cost = grad_cost,
    .variants = grad_variants,
    .n_variants = sizeof grad_variants / sizeof grad_variants[0],
    .cases = grad_cases,
    .n_cases = sizeof grad_cases / sizeof grad_cases[0],
};
