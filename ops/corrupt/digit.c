/* digit: the index of the child that an item's stage decides under the parent that a unit shows, and how many children that
 * parent has. Children are numbered by their least member, so the reachable ones are a prefix 0 … children-1. */
#include "corrupt/chain.h"

extern const char *const ardm_cl_corrupt_corrupt;

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *symbols = &call->in[0], *stage = &call->in[1];
    ardm__chain chain;
    ARDM_TRY(ardm__chain_call(&chain, call, 2));
    if (stage->dim[0] != symbols->dim[0])
        return ardm_fail(ARDM_ESHAPE, "digit: symbols has %lld items but stage has %lld", (long long)symbols->dim[0], (long long)stage->dim[0]);
    out[0] = out[1] = *symbols;
    return ARDM_OK;
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    const int32_t *symbols = in[0], *stage = in[1];
    int32_t *digits = out[0], *children = out[1];
    int64_t count = ardm_shape_count(&call->in[0]), items = call->in[0].dim[0], size = items > 0 ? count / items : 0;
    ardm__chain chain;
    ARDM_TRY(ardm__chain_call(&chain, call, 2));
    const int32_t last = chain.classes - 1;
    for (int64_t n = 0; n < items; ++n) {
        const int32_t s = stage[n] < 0 ? 0 : stage[n] < chain.stages ? stage[n] : chain.stages - 1;
        int32_t before = 1, after = 1;
        if (!chain.table) ardm__chain_widths(&chain, s, &before, &after);
        for (int64_t i = n * size; i < (n + 1) * size; ++i) {
            int32_t x = symbols[i] < 0 ? 0 : symbols[i] > last ? last : symbols[i];
            if (chain.table) {
                children[i] = ardm__chain_entry(&chain, in[2], ARDM__CHILDREN, s, x, 1, chain.base);
                digits[i] = ardm__chain_entry(&chain, in[2], ARDM__DIGIT, s, x, 0, children[i] - 1);
                continue;
            }
            int32_t low = x - x % before, end = chain.classes - low < before ? chain.classes - low : before;
            digits[i] = (x - low) / after;
            children[i] = (end - 1) / after + 1;
        }
    }
    return ARDM_OK;
}

/* By enumeration: walk the parent's members upwards and count the classes of the finer partition that begin. */
static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const int32_t *symbols = in[0], *stage = in[1];
    int64_t classes = call->attrs[1].i, count = ardm_shape_count(&call->in[0]), per = call->in[0].dim[0] ? count / call->in[0].dim[0] : 1;
    int64_t base = call->attrs[0].s[1] == 'b' ? classes : call->attrs[2].i, stages = 0;
    const int32_t *table = call->n_in > 2 && call->in[2].dtype ? in[2] : NULL;
    if (table)
        stages = call->in[2].dim[1] - 1;
    else
        for (int64_t all = 1; all < classes; all *= base) stages++;
    for (int64_t i = 0; i < count; ++i) {
        int64_t s = stage[i / per], x = symbols[i], fine = 1, found = 0, mine = 0, previous = -1;
        s = s < 0 ? 0 : s >= stages ? stages - 1 : s;
        x = x < 0 ? 0 : x >= classes ? classes - 1 : x;
        if (table) {
            const int32_t *at = table + 3 * (stages + 1) * classes + s * classes + x;
            found = at[(stages + 1) * classes] < 1 ? 1 : at[(stages + 1) * classes] > base ? base : at[(stages + 1) * classes];
            ((int32_t *)out[0])[i] = at[0] < 0 ? 0 : at[0] >= found ? (int32_t)found - 1 : at[0];
            ((int32_t *)out[1])[i] = (int32_t)found;
            continue;
        }
        for (int64_t k = s + 1; k < stages; ++k) fine *= base;
        for (int64_t y = 0; y < classes; ++y) {
            if (y / fine / base != x / fine / base || y / fine == previous) continue;
            previous = y / fine;
            if (previous == x / fine) mine = found;
            found++;
        }
        ((int32_t *)out[0])[i] = (int32_t)mine;
        ((int32_t *)out[1])[i] = (int32_t)found;
    }
    return ARDM_OK;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 8.0 * (double)ardm_shape_count(&call->in[0]);
    *bytes = 12.0 * (double)ardm_shape_count(&call->in[0]);
}

static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    int64_t count = ardm_shape_count(&call->in[0]), items = call->in[0].dim[0], size = items > 0 ? count / items : 0;
    int32_t cpu = recorder->facts->device_class == ARDM_CLASS_CPU;
    int64_t each = cpu ? 4096 : 1;
    uint64_t local = cpu ? 1 : 0;
    ardm__chain chain;
    ARDM_TRY(ardm__chain_call(&chain, call, 2));
    if (chain.table)
        return ARDM_LAUNCH(recorder, "digit_table", "", 2, (uint64_t)((size + each - 1) / each), (uint64_t)items, 1, local, local, local, ARDM_IN(0),
                           ARDM_IN(1), ARDM_IN(2), ARDM_OUT(0), ARDM_OUT(1), ARDM_INT(size), ARDM_INT(chain.stages), ARDM_INT(chain.base),
                           ARDM_INT(chain.classes), ARDM_INT(each));
    return ARDM_LAUNCH(recorder, "digit", "", 2, (uint64_t)((size + each - 1) / each), (uint64_t)items, 1, local, local, local, ARDM_IN(0),
                       ARDM_IN(1), ARDM_OUT(0), ARDM_OUT(1), ARDM_INT(size), ARDM_INT(chain.stages),
                       ARDM_INT(chain.absorbing ? chain.classes : chain.base), ARDM_INT(chain.classes), ARDM_INT(each));
}

static const ardm_port inputs[] = {{"symbols", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK, 0},
                                   {"stage", ARDM_DT(ARDM_I32), 1, 1, 0},
                                   {"table", ARDM_DT(ARDM_I32), 3, 3, ARDM_PORT_OPTIONAL}};
static const ardm_port outputs[] = {{"digit", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK, 0}, {"children", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK, 0}};
static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "chunks", ARDM_EXACT, NULL, &ardm_cl_corrupt_corrupt, plan}};
static const ardm_case cases[] = {
    {"i32[1,1]{0:2} i32[1]{0:1}", "classes=2"},
    {"i32[3,5000]{0:27} i32[3]{0:1}", "classes=27"},
    {"i32[4,5,7,3]{0:256} i32[4]{0:4}", "family=\"zero-least-significant\", classes=256, base=4"},
    {"i32[5,33]{0:5} i32[5]{0:3}", "family=\"zero-least-significant\", classes=5, base=2"},
    {"i32[4,65]{0:6} i32[4]{0:2}", "family=\"zero-least-significant\", classes=6, base=4"},
    {"i32[2,99]{-3:70000} i32[2]{-1:5}", "family=\"zero-least-significant\", classes=65536, base=256"},
    {"i32[2,9]{0:65535} i32[2]{0:2}", "family=\"zero-least-significant\", classes=65535, base=65536"},
    {"i32[5,33]{0:5} i32[5]{0:3}", "family=\"augment-least-significant\", classes=5, base=2"},
    {"i32[4,65]{-1:28} i32[4]{-1:4} i32[5,4,27]{-2:40}", "family=\"table\", classes=27, base=21"},
    {"i32[0,4]{0:9} i32[0]{0:1}", "classes=9"},
    {"i32[3,0]{0:9} i32[3]{0:1}", "classes=9"},
};
const ardm_op ardm_op_digit = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "digit",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = ardm__chain_attrs,
    .n_attrs = 3,
    .inputs = inputs,
    .n_inputs = 3,
    .outputs = outputs,
    .n_outputs = 2,
    .sums = "",
    .help = "the child that a stage decides, and how many the parent has",
    .infer = infer,
    .reference = reference,
    .oracle = oracle,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof variants[0],
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};
