/* Cases made concrete: operand text is parsed, inputs are drawn, reference and oracle are called on them. */
#include "ardm/op_case.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/config.h"
#include "ardm/file.h"
#include "ardm/philox.h"

enum { MOST_OPERAND = 160, SEED = 20260 };

typedef struct spec {
    ardm_shape shape;
    int ranged, distinct;
    double low, high;
} spec;

static ardm_status parse_number(double *out, const char *what, const char *text, size_t length) {
    char copy[48];
    if (length == 0 || length >= sizeof copy) return ardm_fail(ARDM_EINVAL, "%s: a number of %zu characters", what, length);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return ardm_parse_float(out, what, copy, -1e40, 1e40); /* beyond float32: infinities */
}

/* "f32[3,4]{0.5:2}" or "i32[5]{0:9!}". */
static ardm_status parse_operand(spec *out, const char *text) {
    const char *open = strchr(text, '['), *close = strchr(text, ']');
    memset(out, 0, sizeof *out);
    if (!open || !close || close < open) return ardm_fail(ARDM_EINVAL, "case operand \"%s\": brackets are missing", text);
    out->shape.dtype = ardm_dtype_parse(text, (size_t)(open - text));
    if (!out->shape.dtype) return ardm_fail(ARDM_EINVAL, "case operand \"%s\": unknown type", text);
    for (const char *at = open + 1; at < close;) {
        double extent;
        size_t length = strcspn(at, ",]");
        if (out->shape.rank == ARDM_MAX_RANK) return ardm_fail(ARDM_EINVAL, "case operand \"%s\": more than %d extents", text, ARDM_MAX_RANK);
        ARDM_TRY(parse_number(&extent, text, at, length));
        if (extent < 0 || extent > 1e9 || extent != (double)(int64_t)extent) return ardm_fail(ARDM_EINVAL, "case operand \"%s\": bad extent", text);
        out->shape.dim[out->shape.rank++] = (int64_t)extent;
        at += length + 1;
    }
    if (close[1] == '\0') return ARDM_OK;
    const char *colon = strchr(close, ':'), *end = strchr(close, '}');
    if (close[1] != '{' || !colon || !end || end < colon || end[1] != '\0')
        return ardm_fail(ARDM_EINVAL, "case operand \"%s\": a range is {low:high}", text);
    out->ranged = 1;
    out->distinct = end[-1] == '!';
    ARDM_TRY(parse_number(&out->low, text, close + 2, (size_t)(colon - close - 2)));
    ARDM_TRY(parse_number(&out->high, text, colon + 1, (size_t)(end - colon - 1 - out->distinct)));
    return out->low < out->high ? ARDM_OK : ardm_fail(ARDM_EINVAL, "case operand \"%s\": its range is empty", text);
}

/* F of numerics.md 4, by the exponent bits. */
static float canonical(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return ((bits >> 23) & 0xff) < 127 - 40 ? 0.0f : x;
}

/* The sum of four uniforms, of variance 1 after scaling: near enough to a normal deviate, and exact but for one rounding. */
static float deviate(uint64_t item, uint32_t index) {
    uint32_t sum = 0;
    for (uint32_t k = 0; k < 4; ++k) sum += ardm_random_word(SEED, ARDM_RANDOM_SYNTHETIC, 1 + k, item, index) >> 12;
    return canonical((float)((int32_t)sum - (1 << 21)) * (1.7320508f / (1 << 20)));
}

static void store_integer(void *data, uint32_t dtype, int64_t i, int64_t value) {
    switch (dtype) {
    case ARDM_I32:
        ((int32_t *)data)[i] = (int32_t)value;
        break;
    case ARDM_U8:
        ((uint8_t *)data)[i] = (uint8_t)value;
        break;
    case ARDM_U16:
        ((uint16_t *)data)[i] = (uint16_t)value;
        break;
    default:
        ((uint32_t *)data)[i] = (uint32_t)value;
        break;
    }
}

static uint32_t draw(uint64_t item, int64_t i) { return ardm_random_word(SEED, ARDM_RANDOM_SYNTHETIC, 0, item, (uint32_t)i); }

/* Each row: a partial Fisher-Yates shuffle of low .. high-1. */
static ardm_status fill_distinct(void *data, const spec *s, uint64_t item) {
    int64_t width = ardm_shape_last(&s->shape, 0), rows = ardm_shape_rows(&s->shape, 1), span = (int64_t)s->high - (int64_t)s->low;
    if (span < width || span > 1 << 22) return ardm_fail(ARDM_EINVAL, "a case wants %" PRId64 " distinct values out of %" PRId64, width, span);
    int64_t *values = malloc((size_t)span * sizeof *values);
    if (!values) return ardm_fail(ARDM_ENOMEM, "no memory for %" PRId64 " distinct values", span);
    for (int64_t row = 0; row < rows; ++row) {
        for (int64_t k = 0; k < span; ++k) values[k] = (int64_t)s->low + k;
        for (int64_t k = 0; k < width; ++k) {
            int64_t other = k + (int64_t)(((uint64_t)draw(item, row * width + k) * (uint64_t)(span - k)) >> 32), kept = values[k];
            values[k] = values[other];
            values[other] = kept;
            store_integer(data, s->shape.dtype, row * width + k, values[k]);
        }
    }
    free(values);
    return ARDM_OK;
}

static ardm_status fill(void *data, const spec *s, uint64_t item) {
    int64_t count = ardm_shape_count(&s->shape);
    if (s->distinct && s->shape.dtype != ARDM_F32) return fill_distinct(data, s, item);
    double low = s->ranged ? s->low : 0, high = s->ranged ? s->high : s->shape.dtype == ARDM_U8 ? 256 : 65536;
    for (int64_t i = 0; i < count; ++i) {
        if (s->shape.dtype != ARDM_F32) {
            uint64_t span = (uint64_t)((int64_t)high - (int64_t)low);
            store_integer(data, s->shape.dtype, i, (int64_t)low + (int64_t)(((uint64_t)draw(item, i) * span) >> 32));
        } else if (s->ranged) {
            double width = high - low, part = width * ((draw(item, i) >> 8) * 0x1p-24);
            ((float *)data)[i] = canonical((float)(low + part));
        } else {
            ((float *)data)[i] = deviate(item, (uint32_t)i);
        }
    }
    return ARDM_OK;
}

/* Absent, empty and present operands: memory is never NULL for a present one. */
static void *allocate(uint64_t bytes) { return malloc(bytes ? bytes : 1); }

static ardm_status add_operand(ardm_case_data *data, const char *text) {
    spec s;
    uint32_t k = data->call.n_in;
    if (k == ARDM_MAX_OPERANDS) return ardm_fail(ARDM_EINVAL, "a case has more than %d operands", ARDM_MAX_OPERANDS);
    data->call.n_in++;
    if (strcmp(text, "-") == 0) return ARDM_OK;
    ARDM_TRY(parse_operand(&s, text));
    data->in[k] = s.shape;
    if (ardm_shape_bytes(&s.shape) > UINT64_C(1) << 30) return ardm_fail(ARDM_ENOMEM, "case operand \"%s\" is above 1 GiB", text);
    data->inputs[k] = allocate(ardm_shape_bytes(&s.shape));
    if (!data->inputs[k]) return ardm_fail(ARDM_ENOMEM, "no memory for case operand \"%s\"", text);
    uint64_t item = ardm_xxh64(data->op->name, strlen(data->op->name)) + UINT64_C(1000) * data->index + k;
    return fill(data->inputs[k], &s, item);
}

static ardm_status open_into(ardm_case_data *data, const char *inputs, const char *attrs) {
    const ardm_op *op = data->op;
    for (const char *at = inputs; *at;) {
        char word[MOST_OPERAND];
        size_t length = strcspn(at, " ");
        if (length >= sizeof word) return ardm_fail(ARDM_EINVAL, "a case operand has %zu characters", length);
        memcpy(word, at, length);
        word[length] = '\0';
        if (length) ARDM_TRY(add_operand(data, word));
        at += length + strspn(at + length, " ");
    }
    if (op->n_attrs > ARDM_MAX_ATTRS || op->n_outputs > ARDM_MAX_OPERANDS)
        return ardm_fail(ARDM_EINVAL, "%s: too many attributes or outputs", op->name);
    ARDM_TRY(ardm_attrs_parse(data->attrs, op, attrs, attrs ? strlen(attrs) : 0));
    return ardm_call_check(&data->call, data->out);
}

ardm_status ardm_case_open_text(ardm_case_data **out, const ardm_op *op, const char *inputs, const char *attrs, uint32_t index) {
    ardm_case_data *data = calloc(1, sizeof *data);
    *out = NULL;
    if (!data) return ardm_fail(ARDM_ENOMEM, "no memory for a case");
    data->op = op;
    data->index = index;
    data->call = (ardm_call){ARDM_OP_ABI, sizeof(ardm_call), op, 0, op->n_outputs, data->in, data->out, data->attrs, NULL, NULL};
    ardm_status status = open_into(data, inputs, attrs);
    if (status != ARDM_OK) {
        ardm_case_close(&data);
        return ardm_fail_in(status, "%s case %" PRIu32 " \"%s\"", op->name, index, inputs);
    }
    *out = data;
    return ARDM_OK;
}

ardm_status ardm_case_open(ardm_case_data **out, const ardm_op *op, uint32_t index) {
    *out = NULL;
    if (index >= op->n_cases) return ardm_fail(ARDM_ENOTFOUND, "%s has %" PRIu32 " cases", op->name, op->n_cases);
    return ardm_case_open_text(out, op, op->cases[index].inputs, op->cases[index].attrs, index);
}

void ardm_case_close(ardm_case_data **data) {
    if (!*data) return;
    for (uint32_t k = 0; k < ARDM_MAX_OPERANDS; ++k) {
        free((*data)->inputs[k]);
        free((*data)->wide[k]);
    }
    free(*data);
    *data = NULL;
}

static uint64_t output_bytes(const ardm_case_data *data, uint32_t k, int32_t oracle) {
    return ardm_shape_bytes(&data->out[k]) * (oracle && data->out[k].dtype == ARDM_F32 ? 2 : 1);
}

ardm_status ardm_case_outputs(void **outputs, const ardm_case_data *data, int32_t oracle) {
    memset(outputs, 0, data->call.n_out * sizeof *outputs);
    for (uint32_t k = 0; k < data->call.n_out; ++k) {
        uint64_t bytes = output_bytes(data, k, oracle);
        outputs[k] = allocate(bytes);
        if (!outputs[k]) {
            ardm_case_free_outputs(outputs, data);
            return ardm_fail(ARDM_ENOMEM, "%s: no memory for an output of %" PRIu64 " bytes", data->op->name, bytes);
        }
        memset(outputs[k], 0xff, bytes ? bytes : 1);
    }
    return ARDM_OK;
}

void ardm_case_free_outputs(void **outputs, const ardm_case_data *data) {
    for (uint32_t k = 0; k < data->call.n_out; ++k) {
        free(outputs[k]);
        outputs[k] = NULL;
    }
}

ardm_status ardm_case_reference(const ardm_case_data *data, void *const *outputs) {
    const void *in[ARDM_MAX_OPERANDS];
    for (uint32_t k = 0; k < ARDM_MAX_OPERANDS; ++k) in[k] = data->inputs[k];
    if (data->op->flags & ARDM_OP_VIEW) {
        /* A view's bytes are its first input's; the copy stands for it where memory is not shared. */
        memcpy(outputs[0], in[0], ardm_shape_bytes(&data->out[0]));
        return ARDM_OK;
    }
    return data->op->reference(&data->call, in, outputs);
}

static ardm_status widen(ardm_case_data *data, uint32_t k) {
    int64_t count = ardm_shape_count(&data->in[k]);
    uint64_t bytes = data->in[k].dtype == ARDM_F32 ? (uint64_t)count * sizeof(double) : ardm_shape_bytes(&data->in[k]);
    double *wide = data->wide[k] = allocate(bytes);
    if (!wide) return ardm_fail(ARDM_ENOMEM, "%s: no memory for its oracle", data->op->name);
    if (data->in[k].dtype != ARDM_F32)
        memcpy(wide, data->inputs[k], bytes);
    else
        for (int64_t i = 0; i < count; ++i) wide[i] = ((const float *)data->inputs[k])[i];
    return ARDM_OK;
}

ardm_status ardm_case_oracle(ardm_case_data *data, void *const *outputs) {
    const void *in[ARDM_MAX_OPERANDS];
    for (uint32_t k = 0; k < ARDM_MAX_OPERANDS; ++k) {
        if (data->inputs[k] && !data->wide[k]) ARDM_TRY(widen(data, k));
        in[k] = data->wide[k];
    }
    if (!(data->op->flags & ARDM_OP_VIEW)) return data->op->oracle(&data->call, in, outputs);
    memcpy(outputs[0], in[0], output_bytes(data, 0, 1));
    return ARDM_OK;
}

ardm_status ardm_case_digest(uint64_t *out, const ardm_op *op) {
    ardm_bytes hashes = {0};
    ardm_status status = ARDM_OK;
    for (uint32_t index = 0; index < op->n_cases && status == ARDM_OK; ++index) {
        ardm_case_data *data = NULL;
        void *outputs[ARDM_MAX_OPERANDS] = {0};
        status = ardm_case_open(&data, op, index);
        if (status == ARDM_OK) status = ardm_case_outputs(outputs, data, 0);
        if (status == ARDM_OK) status = ardm_case_reference(data, outputs);
        for (uint32_t k = 0; status == ARDM_OK && k < data->call.n_out; ++k) {
            uint64_t pair[2] = {output_bytes(data, k, 0), 0};
            pair[1] = ardm_xxh64(outputs[k], pair[0]);
            status = ardm_bytes_append(&hashes, pair, sizeof pair);
        }
        if (data) ardm_case_free_outputs(outputs, data);
        ardm_case_close(&data);
    }
    *out = ardm_xxh64(hashes.data ? hashes.data : (const uint8_t *)"", hashes.size);
    ardm_bytes_free(&hashes);
    return status;
}
