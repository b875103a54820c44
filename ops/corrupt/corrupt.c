/* corrupt: what each unit shows to the network, as an id (a row of the embedding) and as a number in -1 … 1.
 *
 *   undecided   the class before the item's stage      decided   the class after it
 *   given       the symbol itself                      void      id -1, value +0
 *
 * Its value is F(divide(least + greatest, K - 1) - 1), +0 for the class of all. Its id is its least member under zero-least-significant
 * (ids of different stages coincide) and after the last stage; else the classes of a partition are numbered on from where finer
 * partitions end, the finest from K (absorbing: K); a table names its own. Symbols outside 0 … K-1 count as the nearest of them,
 * stages outside 0 … S-1 likewise, states above 3 as void. */

#include "ardm/exact.h"
#include "corrupt/chain.h"

extern const char *const ardm_cl_corrupt_corrupt;

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *symbols = &call->in[0], *state = &call->in[1], *stage = &call->in[2];
    ardm_shape same = *state;
    ardm__chain chain;
    char left[128], right[128];
    ARDM_TRY(ardm__chain_call(&chain, call, 3));
    same.dtype = ARDM_I32;
    if (!ardm_shape_equal(&same, symbols) || stage->dim[0] != symbols->dim[0])
        return ardm_fail(ARDM_ESHAPE, "corrupt: symbols are %s, state is %s, stage has %lld items; extents must agree",
                         ardm_shape_text(symbols, left, sizeof left), ardm_shape_text(state, right, sizeof right), (long long)stage->dim[0]);
    out[0] = *symbols;
    out[1] = ardm_shape_make(ARDM_F32, symbols->rank, symbols->dim);
    return ARDM_OK;
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    const int32_t *symbols = in[0], *stage = in[2];
    const uint8_t *state = in[1];
    int32_t *ids = out[0];
    float *values = out[1];
    int64_t count = ardm_shape_count(&call->in[0]), items = call->in[0].dim[0], size = items > 0 ? count / items : 0;
    ardm__chain chain;
    ARDM_TRY(ardm__chain_call(&chain, call, 3));
    const int32_t last = chain.classes - 1;
    for (int64_t n = 0; n < items; ++n) {
        const int32_t s = stage[n] < 0 ? 0 : stage[n] < chain.stages ? stage[n] : chain.stages - 1;
        int32_t width[3] = {1, 1, 1}, each[3] = {0, 0, 0}, first[3] = {0, 0, 0}; /* undecided, decided, given */
        if (!chain.table) {
            ardm__chain_widths(&chain, s, &width[0], &width[1]);
            for (int32_t k = 0; k < 2; ++k) first[k] = ardm__chain_ids(&chain, s + k, &each[k]);
        }
        for (int64_t i = n * size; i < (n + 1) * size; ++i) {
            int32_t x = symbols[i] < 0 ? 0 : symbols[i] > last ? last : symbols[i];
            int32_t k = state[i] < 2 ? state[i] : 2, low = x - x % width[k], high = last - low < width[k] ? last : low + width[k] - 1;
            int32_t id = each[k] ? first[k] + x / each[k] : low;
            if (chain.table) {
                const int32_t p = k == 2 ? chain.stages : s + k;
                low = ardm__chain_entry(&chain, in[3], ARDM__LEAST, p, x, 0, last);
                high = ardm__chain_entry(&chain, in[3], ARDM__GREATEST, p, x, low, last);
                id = ardm__chain_entry(&chain, in[3], ARDM__ID, p, x, -1, INT32_MAX);
            }
            float value = ardm_flush(ardm_divide((float)(low + high), (float)last) - 1.0f);
            ids[i] = state[i] > 2 ? -1 : id;
            values[i] = state[i] > 2 ? 0.0f : value;
        }
    }
    return ARDM_OK;
}

/* From the stage maps themselves: the partition after s stages puts x and y into one class when their leading s digits agree; ids are
 * dealt out class by class, from the finest partition to the coarsest. */
static int64_t power(int64_t base, int64_t exponent) {
    int64_t value = 1;
    while (exponent-- > 0) value *= base;
    return value;
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const int32_t *symbols = in[0], *stage = in[2];
    const uint8_t *state = in[1];
    int64_t classes = call->attrs[1].i, count = ardm_shape_count(&call->in[0]), per = call->in[0].dim[0] ? count / call->in[0].dim[0] : 1;
    int32_t absorbing = call->attrs[0].s[1] == 'b', fresh = call->attrs[0].s[0] == 'a';
    const int32_t *table = call->n_in > 3 && call->in[3].dtype ? in[3] : NULL;
    int64_t base = absorbing ? classes : call->attrs[2].i, stages = 0;
    while (!table && power(base, stages) < classes) stages++;
    if (table) stages = call->in[3].dim[1] - 1;
    for (int64_t i = 0; i < count; ++i) {
        int64_t s = stage[i / per], x = symbols[i], decided, unit, low = -1, high = -1;
        s = s < 0 ? 0 : s >= stages ? stages - 1 : s;
        x = x < 0 ? 0 : x >= classes ? classes - 1 : x;
        decided = state[i] == 0 ? s : state[i] == 1 ? s + 1 : stages;
        if (table) {
            const int32_t *at = table + decided * classes + x;
            low = at[0] < 0 ? 0 : at[0] >= classes ? classes - 1 : at[0];
            high = at[(stages + 1) * classes];
            high = high < low ? low : high >= classes ? classes - 1 : high;
            ((int32_t *)out[0])[i] = state[i] > 2 ? -1 : at[2 * (stages + 1) * classes] < 0 ? -1 : at[2 * (stages + 1) * classes];
            ((double *)out[1])[i] = state[i] > 2 ? 0 : (double)(low + high) / (double)(classes - 1) - 1;
            continue;
        }
        unit = power(base, stages - decided);
        for (int64_t y = 0; y < classes; ++y)
            if (y / unit == x / unit) {
                if (low < 0) low = y;
                high = y;
            }
        ((int32_t *)out[0])[i] = state[i] > 2 ? -1 : (int32_t)low;
        if (fresh && decided < stages && state[i] <= 2) {
            int64_t id = classes + x / unit;
            for (int64_t p = decided + 1; p < stages; ++p) id += (classes - 1) / power(base, stages - p) + 1;
            ((int32_t *)out[0])[i] = (int32_t)id;
        }
        ((double *)out[1])[i] = state[i] > 2 ? 0 : (double)(low + high) / (double)(classes - 1) - 1;
    }
    return ARDM_OK;
}

/* The quotient is at most 2 and off by one unit of it; the difference is exact or off by half a unit of 1. */
static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    int64_t count = ardm_shape_count(&call->out[k]);
    (void)in;
    (void)out;
    for (int64_t i = 0; i < count; ++i) limit[i] = k == 1 ? 0x1p-22 : 0;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 30.0 * (double)ardm_shape_count(&call->in[0]);
    *bytes = 13.0 * (double)ardm_shape_count(&call->in[0]);
}

static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    int64_t count = ardm_shape_count(&call->in[0]), items = call->in[0].dim[0], size = items > 0 ? count / items : 0;
    int32_t cpu = recorder->facts->device_class == ARDM_CLASS_CPU;
    int64_t each = cpu ? 4096 : 1;
    uint64_t local = cpu ? 1 : 0;
    ardm__chain chain;
    ARDM_TRY(ardm__chain_call(&chain, call, 3));
    if (chain.table)
        return ARDM_LAUNCH(recorder, "corrupt_table", "", 2, (uint64_t)((size + each - 1) / each), (uint64_t)items, 1, local, local, local,
                           ARDM_IN(0), ARDM_IN(1), ARDM_IN(2), ARDM_IN(3), ARDM_OUT(0), ARDM_OUT(1), ARDM_INT(size), ARDM_INT(chain.stages),
                           ARDM_INT(chain.classes), ARDM_INT(each));
    return ARDM_LAUNCH(recorder, "corrupt", "", 2, (uint64_t)((size + each - 1) / each), (uint64_t)items, 1, local, local, local, ARDM_IN(0),
                       ARDM_IN(1), ARDM_IN(2), ARDM_OUT(0), ARDM_OUT(1), ARDM_INT(size), ARDM_INT(chain.stages),
                       ARDM_INT(chain.absorbing ? chain.classes : chain.base), ARDM_INT(chain.classes), ARDM_INT(chain.absorbing || chain.augment),
                       ARDM_INT(each));
}

static const ardm_port inputs[] = {{"symbols", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK, 0},
                                   {"state", ARDM_DT(ARDM_U8), 1, ARDM_MAX_RANK, 0},
                                   {"stage", ARDM_DT(ARDM_I32), 1, 1, 0},
                                   {"table", ARDM_DT(ARDM_I32), 3, 3, ARDM_PORT_OPTIONAL}};
static const ardm_port outputs[] = {{"ids", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK, 0}, {"values", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK, 0}};
static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "chunks", ARDM_EXACT, NULL, &ardm_cl_corrupt_corrupt, plan}};
static const ardm_case cases[] = {
    {"i32[1,1]{0:2} u8[1,1]{0:4} i32[1]{0:1}", "classes=2"},
    {"i32[3,5000]{0:27} u8[3,5000]{0:4} i32[3]{0:1}", "classes=27"},
    {"i32[4,5,7,3]{0:256} u8[4,5,7,3]{0:4} i32[4]{0:4}", "family=\"zero-least-significant\", classes=256, base=4"},
    {"i32[5,33]{0:5} u8[5,33]{0:4} i32[5]{0:3}", "family=\"zero-least-significant\", classes=5, base=2"},
    {"i32[4,65]{0:6} u8[4,65]{0:4} i32[4]{0:2}", "family=\"zero-least-significant\", classes=6, base=4"},
    {"i32[2,99]{-3:70000} u8[2,99]{0:6} i32[2]{-1:5}", "family=\"zero-least-significant\", classes=65536, base=256"},
    {"i32[2,9]{0:65535} u8[2,9]{0:4} i32[2]{0:2}", "family=\"zero-least-significant\", classes=65535, base=65536"},
    {"i32[4,5,7,3]{0:256} u8[4,5,7,3]{0:4} i32[4]{0:4}", "family=\"augment-least-significant\", classes=256, base=4"},
    {"i32[5,33]{0:5} u8[5,33]{0:4} i32[5]{-1:4}", "family=\"augment-least-significant\", classes=5, base=2"},
    {"i32[2,99]{0:1000} u8[2,99]{0:4} i32[2]{0:2}", "family=\"augment-least-significant\", classes=1000, base=32"},
    {"i32[4,65]{-1:28} u8[4,65]{0:5} i32[4]{-1:4} i32[5,4,27]{-2:40}", "family=\"table\", classes=27, base=21"},
    {"i32[0,4]{0:9} u8[0,4]{0:4} i32[0]{0:1}", "classes=9"},
    {"i32[3,0]{0:9} u8[3,0]{0:4} i32[3]{0:1}", "classes=9"},
};
const ardm_op ardm_op_corrupt = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "corrupt",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = ardm__chain_attrs,
    .n_attrs = 3,
    .inputs = inputs,
    .n_inputs = 4,
    .outputs = outputs,
    .n_outputs = 2,
    .sums = "",
    .help = "what a unit shows, as an id and as a number",
    .infer = infer,
    .reference = reference,
    .oracle = oracle,
    .bound = bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof variants[0],
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};
