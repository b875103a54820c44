/* Gradients by central differences of the oracle, in double. The op's gradient function appends nodes to a builder that computes
 * each node at once by its oracle, so neither a device nor a graph is needed. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/philox.h"
#include "ops.h"

enum { MOST_VALUES = 256, MOST_POINTS = 24 };

/* f32 values are held as double, others in their type. */
typedef struct value {
    ardm_shape shape;
    void *data;
} value;
typedef struct eager {
    ardm_builder builder;
    value values[MOST_VALUES];
    int32_t count, failed;
} eager;

static uint64_t wide_bytes(const ardm_shape *shape) { return ardm_shape_bytes(shape) * (shape->dtype == ARDM_F32 ? 2 : 1); }

static ardm_value add_value(eager *e, const ardm_shape *shape, const void *data) {
    if (e->count == MOST_VALUES) return -1;
    value *v = &e->values[e->count];
    v->shape = *shape;
    v->data = malloc(wide_bytes(shape) + 8);
    if (!v->data) abort();
    if (data) memcpy(v->data, data, wide_bytes(shape));
    return e->count++;
}

static ardm_value emit(ardm_builder *builder, const char *name, const ardm_value *in, uint32_t n_in, const char *attrs, ardm_value *outs) {
    eager *e = builder->self;
    const ardm_op *op = ardm_op_find(name);
    ardm_shape shapes[ARDM_MAX_OPERANDS], outputs[ARDM_MAX_OPERANDS];
    ardm_attr_value values[ARDM_MAX_ATTRS];
    const void *inputs[ARDM_MAX_OPERANDS] = {0};
    void *results[ARDM_MAX_OPERANDS] = {0};
    if (e->failed) return -1;
    e->failed = 1;
    if (!op) {
        ardm_fail(ARDM_ENOTFOUND, "the gradient names op %s, which does not exist", name);
        return -1;
    }
    memset(shapes, 0, sizeof shapes);
    for (uint32_t k = 0; k < n_in; ++k) {
        if (in[k] < 0) continue;
        shapes[k] = e->values[in[k]].shape;
        inputs[k] = e->values[in[k]].data;
    }
    ardm_call call = {ARDM_OP_ABI, sizeof call, op, n_in, op->n_outputs, shapes, outputs, values, NULL, NULL};
    if (ardm_attrs_parse(values, op, attrs, attrs ? strlen(attrs) : 0) != ARDM_OK || ardm_call_check(&call, outputs) != ARDM_OK) return -1;
    ardm_value first = e->count;
    for (uint32_t k = 0; k < op->n_outputs; ++k) {
        ardm_value made = add_value(e, &outputs[k], NULL);
        if (made < 0) return -1;
        results[k] = e->values[made].data;
        if (outs) outs[k] = made;
    }
    if (op->flags & ARDM_OP_VIEW)
        memcpy(results[0], inputs[0], wide_bytes(&outputs[0]));
    else if (op->oracle(&call, inputs, results) != ARDM_OK)
        return -1;
    e->failed = 0;
    return first;
}

static double weight(int64_t i) { return (double)(ardm_random_word(7, ARDM_RANDOM_SYNTHETIC, 50, 1, (uint32_t)i) >> 8) * 0x1p-23 - 1; }

/* Sum of weight · y over the first output, and of the magnitudes of its terms. */
static double loss_of(const ardm_case_data *data, const void *const *in, void **out, double *size) {
    double sum = 0;
    int64_t count = ardm_shape_count(&data->out[0]);
    *size = 0;
    if (data->op->flags & ARDM_OP_VIEW)
        memcpy(out[0], in[0], wide_bytes(&data->out[0]));
    else if (data->op->oracle(&data->call, in, out) != ARDM_OK)
        return NAN;
    for (int64_t i = 0; i < count; ++i) {
        double term = weight(i) * ((double *)out[0])[i];
        sum += term;
        *size += fabs(term);
    }
    return sum;
}

static int check_input(ardm_case_data *data, uint32_t k, const double *analytic, void **scratch, char *why, size_t size) {
    int64_t count = ardm_shape_count(&data->in[k]);
    double *x = data->wide[k];
    for (int64_t p = 0; p < MOST_POINTS && p < count; ++p) {
        /* All elements of a small operand, a spread sample of a large one. */
        int64_t i =
            count <= MOST_POINTS ? p : (int64_t)(((uint64_t)ardm_random_word(7, ARDM_RANDOM_SYNTHETIC, 51, k, (uint32_t)p) * (uint64_t)count) >> 32);
        double kept = x[i], h = 1e-5 * (fabs(kept) > 1 ? fabs(kept) : 1), terms, ignored;
        double here = loss_of(data, (const void *const *)data->wide, scratch, &ignored);
        x[i] = kept + h;
        double above = loss_of(data, (const void *const *)data->wide, scratch, &terms);
        x[i] = kept - h;
        double below = loss_of(data, (const void *const *)data->wide, scratch, &ignored);
        x[i] = kept;
        double numeric = (above - below) / (2 * h), left = (here - below) / h, right = (above - here) / h;
        /* Arbitrary factors: truncation of the difference, and cancellation of terms of size 2^-52. */
        double limit = 1e-5 * (fabs(numeric) + fabs(analytic[i])) + 1e-7 + 1e-15 * terms / h;
        if (fabs(numeric - analytic[i]) <= limit) continue;
        /* On a kink, as ReLU's at 0, any slope between the two sides is a gradient. */
        if (fabs(left - right) > 1e-2 * (fabs(left) + fabs(right)) && analytic[i] >= fmin(left, right) - limit &&
            analytic[i] <= fmax(left, right) + limit)
            continue;
        snprintf(why, size, "gradient of %s[%" PRId64 "]: %.12g by its nodes, %.12g by differences",
                 data->op->inputs[k < data->op->n_inputs ? k : data->op->n_inputs - 1].name, i, analytic[i], numeric);
        return 1;
    }
    return 0;
}

static int check_group(ardm_case_data *data, void **out, int64_t group, char *why, size_t size) {
    eager *e = calloc(1, sizeof *e);
    ardm_value x[ARDM_MAX_OPERANDS], y[ARDM_MAX_OPERANDS], dy[ARDM_MAX_OPERANDS], dx[ARDM_MAX_OPERANDS];
    int differs = 0;
    if (!e) abort();
    e->builder = (ardm_builder){ARDM_OP_ABI, sizeof(ardm_builder), e, emit, group};
    for (uint32_t k = 0; k < data->call.n_in; ++k) {
        x[k] = data->in[k].dtype ? add_value(e, &data->in[k], data->wide[k]) : -1;
        dx[k] = -1;
    }
    for (uint32_t k = 0; k < data->call.n_out; ++k) {
        y[k] = add_value(e, &data->out[k], out[k]);
        dy[k] = -1;
    }
    dy[0] = add_value(e, &data->out[0], NULL);
    for (int64_t i = 0; i < ardm_shape_count(&data->out[0]); ++i) ((double *)e->values[dy[0]].data)[i] = weight(i);
    ardm_call call = data->call;
    call.x = x;
    call.y = y;
    if (data->op->gradient(&e->builder, &call, dy, dx) != ARDM_OK || e->failed) {
        snprintf(why, size, "gradient: %s", ardm_message());
        differs = 1;
    }
    for (uint32_t k = 0; k < call.n_in && !differs; ++k) {
        if (dx[k] < 0 || data->in[k].dtype != ARDM_F32) continue;
        char a[96], b[96];
        if (!ardm_shape_equal(&e->values[dx[k]].shape, &data->in[k])) {
            snprintf(why, size, "gradient of operand %u is %s but the operand is %s", (unsigned)k,
                     ardm_shape_text(&e->values[dx[k]].shape, a, sizeof a), ardm_shape_text(&data->in[k], b, sizeof b));
            differs = 1;
        } else {
            void *scratch[ARDM_MAX_OPERANDS];
            if (ardm_case_outputs(scratch, data, 1) != ARDM_OK) abort();
            differs = check_input(data, k, e->values[dx[k]].data, scratch, why, size);
            ardm_case_free_outputs(scratch, data);
        }
    }
    for (int32_t v = 0; v < e->count; ++v) free(e->values[v].data);
    free(e);
    return differs;
}

int gradient_differs(const item *what, char *why, size_t size) {
    ardm_case_data *data;
    void *out[ARDM_MAX_OPERANDS];
    double flops = 0, bytes = 0;
    if (!what->op->gradient || what->op->flags & ARDM_OP_NO_GRADIENT) return 0;
    if (ardm_case_open(&data, what->op, what->index) != ARDM_OK) {
        snprintf(why, size, "%s", ardm_message());
        return 1;
    }
    if (what->op->cost) what->op->cost(&data->call, &flops, &bytes);
    int differs = 0;
    /* Each point costs two oracles; the large cases add nothing here. */
    if (data->out[0].dtype == ARDM_F32 && flops < 4e5 && ardm_shape_count(&data->out[0]) > 0) {
        if (ardm_case_outputs(out, data, 1) != ARDM_OK) abort();
        differs = ardm_case_oracle(data, out) != ARDM_OK;
        if (differs) snprintf(why, size, "%s", ardm_message());
        int64_t n = data->in[0].rank ? data->in[0].dim[0] : 1;
        if (!differs) differs = check_group(data, out, n, why, size);
        if (!differs && n > 1 && (n & (n - 1)) == 0) differs = check_group(data, out, 1, why, size);
        ardm_case_free_outputs(out, data);
    }
    ardm_case_close(&data);
    return differs;
}
