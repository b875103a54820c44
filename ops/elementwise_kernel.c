/* The generated variants of elementwise ops: map.cl with the op's scalar text, attributes and types put before it.
 *
 * "cpu-chunk" gives a work-item at least 4,096 elements in a loop that the driver's compiler turns into vectors; "gpu-each"
 * gives a work-item one element. Attributes are kernel arguments, so that another value builds nothing. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

extern const char *const ardm_cl_map;

enum { CHUNK = 4096, GROUP = 64, MOST_INPUTS = 3 };

typedef struct generated {
    struct generated *next;
    const ardm_op *op;
    char *source;
    const char *source_text; /* the variants point at this pointer */
    ardm_variant variants[2];
} generated;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static generated *known;

static const char *cl_type(uint32_t dtype) {
    switch (dtype) {
    case ARDM_I32:
        return "int";
    case ARDM_U8:
        return "uchar";
    case ARDM_U16:
        return "ushort";
    case ARDM_U32:
        return "uint";
    default:
        return "float";
    }
}

static int32_t accept_cpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n) {
    (void)call;
    if (facts->device_class == ARDM_CLASS_CPU) return 2;
    snprintf(why, n, "loops over %d elements suit CPU devices", CHUNK);
    return 0;
}

typedef struct layout {
    int64_t n, row;
    int64_t count[MOST_INPUTS];
    char options[192];
} layout;

/* Inputs hold n elements, repeat along a suffix, or are one element. */
static ardm_status lay_out(layout *out, const ardm_call *call) {
    static const char letters[] = "ABC";
    size_t used = 0;
    out->n = out->row = ardm_shape_count(&call->out[0]);
    out->options[0] = '\0';
    for (uint32_t k = 0; k < call->n_in; ++k) {
        out->count[k] = ardm_shape_count(&call->in[k]);
        int single = out->count[k] == 1 && out->n > 1;
        if (out->n > 0 && (out->count[k] == 0 || out->n % out->count[k] != 0)) {
            char a[96], y[96];
            return ardm_fail(ARDM_ESHAPE, "%s: operand %s does not repeat evenly over %s", call->op->name, ardm_shape_text(&call->in[k], a, sizeof a),
                             ardm_shape_text(&call->out[0], y, sizeof y));
        }
        if (!single && out->count[k] < out->row) out->row = out->count[k];
        int written = 0;
        if (single) written += snprintf(out->options + used, sizeof out->options - used, "%s-DSTEP_%c=0", used ? " " : "", letters[k]);
        used += (size_t)written;
        if (call->in[k].dtype != ARDM_F32) {
            written =
                snprintf(out->options + used, sizeof out->options - used, "%s-DTYPE_%c=%s", used ? " " : "", letters[k], cl_type(call->in[k].dtype));
            used += (size_t)written;
        }
    }
    if (call->out[0].dtype != ARDM_F32)
        snprintf(out->options + used, sizeof out->options - used, "%s-DTYPE_Y=%s", used ? " " : "", cl_type(call->out[0].dtype));
    /* A chunk may run past the end by less than itself. */
    if (out->n > INT32_MAX - (1 << 20))
        return ardm_fail(ARDM_ESHAPE, "%s: %lld elements are more than a launch takes", call->op->name, (long long)out->n);
    return ARDM_OK;
}

/* The operands that both kernels share: inputs with their counts, the output, n, then attributes. */
static uint32_t operands_of(ardm_operand *out, const ardm_call *call, const layout *lay) {
    uint32_t used = 0;
    for (uint32_t k = 0; k < call->n_in; ++k) {
        out[used++] = ARDM_IN(k);
        out[used++] = ARDM_INT(lay->count[k]);
    }
    out[used++] = ARDM_OUT(0);
    out[used++] = ARDM_INT(lay->n);
    for (uint32_t k = 0; k < call->op->n_attrs; ++k) {
        if (call->op->attrs[k].type == ARDM_ATTR_FLOAT) out[used++] = ARDM_FLOAT((float)call->attrs[k].f);
        if (call->op->attrs[k].type == ARDM_ATTR_INT) out[used++] = ARDM_INT(call->attrs[k].i);
    }
    return used;
}

static int32_t plan_chunks(const ardm_call *call, ardm_recorder *recorder) {
    layout lay;
    ardm_operand operands[2 * MOST_INPUTS + 4 + ARDM_MAX_ATTRS];
    ARDM_TRY(lay_out(&lay, call));
    if (lay.n == 0) return ARDM_OK;
    /* Four chunks a unit balance uneven progress; more only cost hand-overs. */
    int64_t units = recorder->facts && recorder->facts->compute_units ? recorder->facts->compute_units : 1;
    int64_t chunk = (lay.n + 4 * units - 1) / (4 * units);
    chunk = (chunk + CHUNK - 1) / CHUNK * CHUNK;
    uint32_t used = operands_of(operands, call, &lay);
    operands[used++] = ARDM_INT(lay.row);
    operands[used++] = ARDM_INT(chunk);
    return ardm_record(recorder, "map_chunk", lay.options, 1, (const uint64_t[3]){(uint64_t)((lay.n + chunk - 1) / chunk), 1, 1},
                       (const uint64_t[3]){1, 1, 1}, operands, used);
}

static int32_t plan_each(const ardm_call *call, ardm_recorder *recorder) {
    layout lay;
    ardm_operand operands[2 * MOST_INPUTS + 4 + ARDM_MAX_ATTRS];
    ARDM_TRY(lay_out(&lay, call));
    if (lay.n == 0) return ARDM_OK;
    uint32_t used = operands_of(operands, call, &lay);
    uint64_t group =
        recorder->facts && recorder->facts->max_work_group && recorder->facts->max_work_group < GROUP ? recorder->facts->max_work_group : GROUP;
    uint64_t global = ((uint64_t)lay.n + group - 1) / group * group;
    return ardm_record(recorder, "map_each", lay.options, 1, (const uint64_t[3]){global, 1, 1}, (const uint64_t[3]){group, 1, 1}, operands, used);
}

static int put(char *out, size_t size, size_t *used, const char *a, const char *b, const char *c, const char *d) {
    int written = snprintf(out + *used, size - *used, "%s%s%s%s", a, b, c, d);
    if (written < 0 || (size_t)written >= size - *used) return 0;
    *used += (size_t)written;
    return 1;
}

static char *generate(const ardm_op *op) {
    size_t size = strlen(ardm_cl_map) + strlen(op->scalar) + 4096, used = 0;
    char *text = malloc(size), inputs[8];
    if (!text || op->n_inputs < 1 || op->n_inputs > MOST_INPUTS) goto fail;
    snprintf(inputs, sizeof inputs, "%u", (unsigned)op->n_inputs);
    if (!put(text, size, &used, "#define MAP_INPUTS ", inputs, "\n#define MAP_PARAMETERS", "")) goto fail;
    for (uint32_t k = 0; k < op->n_attrs; ++k)
        if (op->attrs[k].type != ARDM_ATTR_TEXT &&
            !put(text, size, &used, ", const ", op->attrs[k].type == ARDM_ATTR_INT ? "int" : "float", " ", op->attrs[k].name))
            goto fail;
    if (!put(text, size, &used, "\n#define MAP_ARGUMENTS", "", "", "")) goto fail;
    for (uint32_t k = 0; k < op->n_attrs; ++k)
        if (op->attrs[k].type != ARDM_ATTR_TEXT && !put(text, size, &used, ", ", op->attrs[k].name, "", "")) goto fail;
    if (!put(text, size, &used, "\n#define MAP_SCALAR ", op->scalar, "\n#define MAP_FLUSH(x) ",
             op->outputs[0].dtypes & ARDM_DT(ARDM_F32) ? "ardm_flush(x)\n" : "(x)\n") ||
        !put(text, size, &used, ardm_cl_map, "", "", ""))
        goto fail;
    return text;
fail:
    free(text);
    return NULL;
}

static generated *make(const ardm_op *op) {
    static const char *const names[2] = {"cpu-chunk", "gpu-each"};
    generated *entry = calloc(1, sizeof *entry);
    if (!entry) return NULL;
    entry->op = op;
    entry->source = generate(op);
    if (!entry->source) {
        free(entry);
        return NULL;
    }
    entry->source_text = entry->source;
    for (int k = 0; k < 2; ++k)
        entry->variants[k] = (ardm_variant){ARDM_OP_ABI,
                                            sizeof(ardm_variant),
                                            names[k],
                                            ARDM_EXACT,
                                            k == 0 ? accept_cpu : NULL,
                                            &entry->source_text,
                                            k == 0 ? plan_chunks : plan_each};
    return entry;
}

const ardm_variant *ardm__elementwise_variant(const ardm_op *op, uint32_t index) {
    if (index >= 2) return NULL;
    pthread_mutex_lock(&lock);
    generated *entry = known;
    while (entry && entry->op != op) entry = entry->next;
    if (!entry && (entry = make(op)) != NULL) {
        entry->next = known;
        known = entry;
    }
    pthread_mutex_unlock(&lock);
    return entry ? &entry->variants[index] : NULL;
}
