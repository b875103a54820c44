/* interpolate: what the known units around a unit say about it, at several scales, as inputs of a network and as the place to
 * which a mixture's means are offsets. A fixed filter, so nothing is learned through it. Formula in interpolate_rows.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/exact.h"
#include "ardm/thread.h"
#include "corrupt/chain.h"
#include "features/interpolate_rows.h"

extern const char *const ardm_cl_features_interpolate;

enum { SCALES = 0, CHAIN = 1, RESIDUAL = 4 }; /* attributes: scales, then those of a chain, then residual */

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    const ardm_shape *values = &call->in[0], *state = &call->in[1], *stage = &call->in[2];
    ardm_shape same = *state;
    ardm__chain chain;
    char left[128], right[128];
    ARDM_TRY(ardm__chain_read(&chain, "interpolate", call->attrs + CHAIN));
    same.dtype = ARDM_F32;
    if (!ardm_shape_equal(&same, values) || stage->dim[0] != values->dim[0])
        return ardm_fail(ARDM_ESHAPE, "interpolate: values are %s, state is %s, stage has %lld items; extents must agree",
                         ardm_shape_text(values, left, sizeof left), ardm_shape_text(state, right, sizeof right), (long long)stage->dim[0]);
    out[0] = out[1] = *values;
    out[0].dim[3] *= 2 * call->attrs[SCALES].i + 3;
    return ARDM_OK;
}

static void body(void *user, int64_t begin, int64_t end) { ARDM_REFERENCE_CALL(interpolate_rows)(user, begin, end); }

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t *dim = call->in[0].dim;
    const int32_t *stage = in[2];
    ardm__interpolate work = {.H = dim[1],
                              .W = dim[2],
                              .C = dim[3],
                              .scales = (int32_t)call->attrs[SCALES].i,
                              .residual = (int32_t)call->attrs[RESIDUAL].i,
                              .values = in[0],
                              .state = in[1],
                              .features = out[0],
                              .centre = out[1]};
    ardm__chain chain;
    ARDM_TRY(ardm__chain_read(&chain, "interpolate", call->attrs + CHAIN));
    if (ardm_shape_count(&call->in[0]) == 0) return ARDM_OK;
    size_t floats = (size_t)(5 * ardm_shape_count(&call->in[0]) + dim[0]);
    float *scratch = malloc(floats * sizeof *scratch);
    if (!scratch) return ardm_fail(ARDM_ENOMEM, "interpolate: no memory for %zu floats of scratch", floats);
    if (!chain.absorbing && !chain.table) {
        work.inverse = scratch;
        for (int64_t n = 0; n < dim[0]; ++n) {
            int32_t before, after;
            ardm__chain_widths(&chain, stage[n], &before, &after);
            scratch[n] = ardm_flush(ardm_divide((float)(chain.classes - 1), (float)(2 * before)));
        }
    }
    work.lines = scratch + dim[0];
    ardm_parallel(dim[0] * dim[1], 8, body, &work);
    free(scratch);
    return ARDM_OK;
}

/* The definition in two dimensions at once, the unit's own part left out where `others` is 1. Returns the mass; *sum is that of the
 * values, *size that of their magnitudes. */
static double around(const ardm_call *call, const void *const *in, int64_t at, int32_t scale, int others, double *sum, double *size) {
    const int64_t *dim = call->in[0].dim;
    int64_t c = at % dim[3], x = at / dim[3] % dim[2], y = at / dim[3] / dim[2] % dim[1], n = at / dim[3] / dim[2] / dim[1];
    double mass = 0, r2 = pow(4, scale + 1);
    *sum = *size = 0;
    for (int64_t v = 0; v < dim[1]; ++v)
        for (int64_t u = 0; u < dim[2]; ++u) {
            double dy = (double)(v - y), dx = (double)(u - x);
            int64_t there = ((n * dim[1] + v) * dim[2] + u) * dim[3] + c;
            int seen = ((const uint8_t *)in[1])[there];
            if (dy * dy >= r2 || dx * dx >= r2 || (seen != 1 && seen != 2) || (others && there == at)) continue;
            double w = pow((1 - dy * dy / r2) * (1 - dx * dx / r2), 2), value = ((const double *)in[0])[there];
            mass += w;
            *sum += w * value;
            *size += w * fabs(value);
        }
    return mass;
}

/* The same of the finest scale at which another unit is known; 0 where none is. *taps: of that scale, where asked for. */
static double others(const ardm_call *call, const void *const *in, int64_t at, double *sum, double *size, double *taps) {
    for (int32_t j = 0; j < call->attrs[SCALES].i; ++j) {
        double mass = around(call, in, at, j, 1, sum, size);
        if (taps) *taps = (double)((4 << j) - 1);
        if (mass > 0) return mass;
    }
    return 0;
}

static double zoom_factor(const ardm_call *call, const void *const *in, int64_t at) {
    const int64_t *dim = call->in[0].dim;
    int64_t classes = call->attrs[CHAIN + 1].i, base = call->attrs[CHAIN + 2].i, stages = 0, width = 1;
    int64_t s = ((const int32_t *)in[2])[at / (dim[1] * dim[2] * dim[3])];
    if (call->attrs[CHAIN].s[1] == 'b' || call->attrs[CHAIN].s[0] == 't') return 0; /* absorbing, table */
    for (int64_t all = 1; all < classes; all *= base) stages++;
    s = s < 0 ? 0 : s >= stages ? stages - 1 : s;
    for (; s < stages; ++s) width *= base;
    return (double)(classes - 1) / (2 * (double)(width < classes ? width : classes));
}

static double clip(double x) { return x < -4 ? -4 : x > 4 ? 4 : x; }

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t count = ardm_shape_count(&call->in[0]), C = call->in[0].dim[3], scales = call->attrs[SCALES].i;
    double *features = out[0], *centre = out[1];
    for (int64_t at = 0; at < count; ++at) {
        int seen = ((const uint8_t *)in[1])[at], known = seen == 1 || seen == 2, found = 0;
        double value = ((const double *)in[0])[at], zoom = zoom_factor(call, in, at), *y = features + at / C * C * (2 * scales + 3) + at % C;
        centre[at] = 0;
        for (int64_t k = 0; k < 2 * scales + 3; ++k) y[k * C] = 0;
        for (int32_t j = 0; j < scales && seen <= 2; ++j) {
            double sum, size, mass = around(call, in, at, j, 0, &sum, &size);
            y[(scales + j) * C] = mass > 0 ? log(mass) / 4 : -3;
            if (mass == 0) continue;
            if (!found++) centre[at] = sum / mass;
            y[j * C] = zoom > 0 ? clip((sum / mass - value) * zoom) : sum / mass;
            if (j == 0 && known) y[2 * scales * C] = zoom > 0 ? clip((value - sum / mass) * zoom) : value - sum / mass;
        }
        if (known && call->attrs[RESIDUAL].i > 0) {
            double sum, size, gain = zoom > 0 ? zoom : (double)call->attrs[RESIDUAL].i, mass = others(call, in, at, &sum, &size, NULL);
            y[2 * scales * C] = mass > 0 ? clip((value - sum / mass) * gain) : 0;
        }
        y[(2 * scales + 1) * C] = known;
        y[(2 * scales + 2) * C] = seen == 2;
    }
    return ARDM_OK;
}

/* Sums of T = 2R - 1 taps, twice, for the values and for the mass, each tap off by half a unit and each line flushed once. */
static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    int64_t count = ardm_shape_count(&call->in[0]), C = call->in[0].dim[3], scales = call->attrs[SCALES].i, F = 2 * scales + 3;
    (void)out;
    for (int64_t at = 0; at < count; ++at) {
        double zoom = zoom_factor(call, in, at), finest = 0, value = fabs(((const double *)in[0])[at]);
        int found = 0;
        if (k == 1) limit[at] = 0x1p-39;
        for (int64_t f = 0; k == 0 && f < F; ++f) limit[at / C * C * F + at % C + f * C] = 0x1p-39;
        for (int32_t j = 0; j < scales; ++j) {
            double sum, size, taps = (double)((4 << j) - 1), mass = around(call, in, at, j, 0, &sum, &size);
            if (mass == 0) continue;
            double error = (4 * taps + 16) * 0x1p-24 * (size / mass) + (taps + 1) * 0x1p-39 / mass + 0x1p-39;
            double seen = zoom > 0 ? (error + 0x1p-23 * (value + size / mass)) * zoom + 4 * 0x1p-23 : error;
            if (j == 0) finest = zoom > 0 ? seen : error + 0x1p-23 * (value + size / mass);
            if (!found++ && k == 1) limit[at] = error;
            if (k == 1) continue;
            double *y = limit + at / C * C * F + at % C;
            y[j * C] = seen;
            y[(scales + j) * C] = ((2 * taps + 16) * 0x1p-24 + fabs(log(mass)) * 0x1p-22) / 4 + taps * 0x1p-40 / mass + 0x1p-39;
            y[2 * scales * C] = finest + 0x1p-39;
        }
        if (k == 0 && call->attrs[RESIDUAL].i > 0) {
            /* A - v and B - 1 keep the errors of the whole sums; what is left of the mass divides them. Both sides lie within -4 … 4. */
            double sum, size, taps, mass = others(call, in, at, &sum, &size, &taps);
            double gain = zoom > 0 ? zoom : (double)call->attrs[RESIDUAL].i, unit = (2 * taps + 10) * 0x1p-24, lost = unit * (mass + 1) / mass;
            double error = (unit * (size + value) + (taps + 2) * 0x1p-39) / mass + lost * (size / mass) + 0x1p-22 * (value + size / mass);
            if (mass > 0) limit[at / C * C * F + at % C + 2 * scales * C] = lost < 0.5 ? 2 * error * gain + 0x1p-21 : 8;
        }
    }
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    double count = (double)ardm_shape_count(&call->in[0]), scales = (double)call->attrs[SCALES].i;
    *flops = count * (8 * (pow(2, scales + 2) - 4 - scales) + 90 * scales);
    *bytes = count * 4 * (2 * scales + 3 + 10);
}

static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t *dim = call->in[0].dim;
    uint64_t bytes = 5 * ardm_shape_bytes(&call->in[0]), local = recorder->facts->device_class == ARDM_CLASS_CPU;
    uint32_t lines;
    ardm__chain chain;
    ARDM_TRY(ardm__chain_read(&chain, "interpolate", call->attrs + CHAIN));
    ARDM_TRY(recorder->workspace(recorder, bytes, &lines));
    return ARDM_LAUNCH(recorder, "interpolate", "", 1, bytes > 0 ? (uint64_t)(dim[0] * dim[1]) : 0, 1, 1, local, local, local, ARDM_IN(0), ARDM_IN(1),
                       ARDM_IN(2), ARDM_OUT(0), ARDM_OUT(1), ARDM_WORK(lines), ARDM_INT(dim[1]), ARDM_INT(dim[2]), ARDM_INT(dim[3]),
                       ARDM_INT(call->attrs[SCALES].i), ARDM_INT(call->attrs[RESIDUAL].i), ARDM_INT(!chain.absorbing && !chain.table),
                       ARDM_INT(chain.stages), ARDM_INT(chain.base), ARDM_INT(chain.classes));
}

static const ardm_attr attrs[] = {
    {"scales", ARDM_ATTR_INT, "3", 1, 5, "scales, radius 2, 4, 8 ..."},
    {"family", ARDM_ATTR_TEXT, "absorbing", 0, 0, "as of corrupt; a table is not zoomed"},
    {"classes", ARDM_ATTR_INT, NULL, 2, 65536, "symbols K"},
    {"base", ARDM_ATTR_INT, "2", 2, 65536, "branching of zero-least-significant"},
    {"residual", ARDM_ATTR_INT, "0", 0, 256, "0: v - q_0; g: g times v less the interpolation of the other units"},
};
static const ardm_port inputs[] = {
    {"values", ARDM_DT(ARDM_F32), 4, 4, 0}, {"state", ARDM_DT(ARDM_U8), 4, 4, 0}, {"stage", ARDM_DT(ARDM_I32), 1, 1, 0}};
static const ardm_port outputs[] = {{"features", ARDM_DT(ARDM_F32), 4, 4, 0}, {"centre", ARDM_DT(ARDM_F32), 4, 4, 0}};
static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "rows", ARDM_EXACT, NULL, &ardm_cl_features_interpolate, plan}};
static const ardm_case cases[] = {
    {"f32[1,1,1,1]{-1:1} u8[1,1,1,1]{0:4} i32[1]{0:1}", "classes=256"},
    {"f32[2,9,7,3]{-1:1} u8[2,9,7,3]{0:4} i32[2]{0:1}", "classes=256"},
    {"f32[3,5,33,1]{-1:1} u8[3,5,33,1]{0:2} i32[3]{0:1}", "classes=256, scales=5"},
    {"f32[1,17,18,2]{-1:1} u8[1,17,18,2]{0:1} i32[1]{0:1}", "classes=2, scales=2"},
    {"f32[4,8,11,3]{-1:1} u8[4,8,11,3]{0:4} i32[4]{0:4}", "classes=256, family=\"zero-least-significant\", base=4"},
    {"f32[3,6,5,1]{-1:1} u8[3,6,5,1]{0:5} i32[3]{-1:4}", "classes=5, family=\"zero-least-significant\", base=2, scales=1"},
    {"f32[2,9,7,3]{-1:1} u8[2,9,7,3]{0:4} i32[2]{0:1}", "classes=256, residual=8"},
    {"f32[2,40,37,1]{-1:1} u8[2,40,37,1]{0:60} i32[2]{0:1}", "classes=256, scales=5, residual=1"},
    {"f32[4,8,11,3]{-1:1} u8[4,8,11,3]{0:4} i32[4]{0:4}", "classes=256, family=\"zero-least-significant\", base=4, residual=1"},
    {"f32[2,5,4,3]{-1:1} u8[2,5,4,3]{0:4} i32[2]{0:4}", "classes=7, family=\"augment-least-significant\", base=2, residual=1"},
    {"f32[2,5,4,3]{-1:1} u8[2,5,4,3]{0:4} i32[2]{0:4}", "classes=7, family=\"table\""},
    {"f32[0,4,4,3] u8[0,4,4,3]{0:4} i32[0]{0:1}", "classes=256"},
    {"f32[2,0,4,3] u8[2,0,4,3]{0:4} i32[2]{0:1}", "classes=256"},
};
const ardm_op ardm_op_interpolate = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "interpolate",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = attrs,
    .n_attrs = sizeof attrs / sizeof attrs[0],
    .inputs = inputs,
    .n_inputs = 3,
    .outputs = outputs,
    .n_outputs = 2,
    .sums = "chain over taps, rows then columns",
    .help = "normalised convolution of the known units at several scales",
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
