/* Comparisons: a device with the reference in bytes, the reference with the oracle within its bound, and with itself. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/thread.h"
#include "ops.h"
#include "reference.h"

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

int outputs_differ(const ardm_case_data *data, void *const *want, void *const *got, char *why, size_t size) {
    for (uint32_t k = 0; k < data->call.n_out; ++k) {
        const uint8_t *a = want[k], *b = got[k];
        uint64_t bytes = ardm_shape_bytes(&data->out[k]), width = ardm_dtype_bytes(data->out[k].dtype), different = 0, first = 0;
        for (uint64_t i = 0; i + width <= bytes; i += width) {
            if (memcmp(a + i, b + i, width) == 0) continue;
            if (different++ == 0) first = i;
        }
        if (different == 0) continue;
        uint32_t x = 0, y = 0;
        float fx, fy;
        memcpy(&x, a + first, width);
        memcpy(&y, b + first, width);
        memcpy(&fx, &x, 4);
        memcpy(&fy, &y, 4);
        snprintf(why, size,
                 "output %s: %" PRIu64 " of %" PRIu64 " elements differ, first %" PRIu64 ": reference %08" PRIx32 " (%g), got %08" PRIx32 " (%g)",
                 data->op->outputs[k].name, different, bytes / width, first / width, x, (double)fx, y, (double)fy);
        return 1;
    }
    return 0;
}

/* A case with its reference's outputs and room for others. */
typedef struct opened {
    ardm_case_data *data;
    void *want[ARDM_MAX_OPERANDS], *got[ARDM_MAX_OPERANDS];
} opened;

static int fail_open(char *why, size_t size) {
    snprintf(why, size, "%s", ardm_message());
    return 1;
}

static int open_case(opened *out, const item *what, int32_t oracle, char *why, size_t size) {
    memset(out, 0, sizeof *out);
    if (ardm_case_open(&out->data, what->op, what->index) != ARDM_OK || ardm_case_outputs(out->want, out->data, 0) != ARDM_OK ||
        ardm_case_outputs(out->got, out->data, oracle) != ARDM_OK || ardm_case_reference(out->data, out->want) != ARDM_OK)
        return fail_open(why, size);
    return 0;
}

static void close_case(opened *one) {
    if (one->data) {
        ardm_case_free_outputs(one->want, one->data);
        ardm_case_free_outputs(one->got, one->data);
    }
    ardm_case_close(&one->data);
}

int run_differs(const item *what, int plant, char *why, size_t size) {
    opened one;
    ardm_case_run *run = NULL;
    ardm_device_facts facts = *ardm_device_get_facts(what->device);
    if (what->group) {
        facts.device_class = ARDM_CLASS_GPU;
        facts.max_work_group = what->group;
        if (facts.local_bytes > 32768) facts.local_bytes = 32768;
    }
    int differs = open_case(&one, what, 0, why, size);
    if (!differs && (ardm_case_run_open(&run, one.data, what->variant, what->device, &facts, !chosen.small) != ARDM_OK ||
                     ardm_case_run_outputs(run, one.got) != ARDM_OK))
        differs = fail_open(why, size);
    if (!differs && plant && ardm_shape_bytes(&one.data->out[0]) > 0) ((uint8_t *)one.got[0])[0] ^= 1;
    if (!differs) differs = outputs_differ(one.data, one.want, one.got, why, size);
    ardm_case_run_close(&run);
    close_case(&one);
    return differs;
}

static int compare_floats(const opened *one, uint32_t k, const double *bound, char *why, size_t size) {
    const float *got = one->want[k];
    const double *exact = one->got[k];
    int64_t count = ardm_shape_count(&one->data->out[k]);
    for (int64_t i = 0; i < count; ++i) {
        double limit = bound ? bound[i] : one->data->op->ulps * 0x1p-24 * fabs(exact[i]) + 0x1p-39;
        double error = fabs((double)got[i] - exact[i]);
        if (error <= limit || (isnan(exact[i]) && isnan(got[i])) || (isinf(exact[i]) && (double)got[i] == exact[i])) continue;
        snprintf(why, size, "output %s[%" PRId64 "]: reference %.9g, oracle %.17g, apart %.3g, bound %.3g", one->data->op->outputs[k].name, i,
                 (double)got[i], exact[i], error, limit);
        return 1;
    }
    return 0;
}

int oracle_differs(const item *what, char *why, size_t size) {
    opened one;
    int differs = open_case(&one, what, 1, why, size);
    if (!differs && ardm_case_oracle(one.data, one.got) != ARDM_OK) differs = fail_open(why, size);
    for (uint32_t k = 0; !differs && k < one.data->call.n_out; ++k) {
        const ardm_shape *shape = &one.data->out[k];
        if (shape->dtype != ARDM_F32) {
            if (memcmp(one.want[k], one.got[k], ardm_shape_bytes(shape)) != 0) {
                snprintf(why, size, "integer output %s: reference and oracle differ", what->op->outputs[k].name);
                differs = 1;
            }
            continue;
        }
        double *bound = NULL;
        if (what->op->bound) {
            bound = calloc((size_t)ardm_shape_count(shape) + 1, sizeof *bound);
            if (bound) what->op->bound(&one.data->call, k, (const void *const *)one.data->wide, (const void *const *)one.got, bound);
        }
        differs = compare_floats(&one, k, bound, why, size);
        free(bound);
    }
    close_case(&one);
    return differs;
}

int canonical_differs(const item *what, char *why, size_t size) {
    opened one;
    int differs = open_case(&one, what, 0, why, size);
    /* The optimiser's states keep smaller values: F' of numerics.md 6. */
    uint32_t least = what->op->flags & ARDM_OP_UPDATES ? 127 - 100 : 127 - 40;
    for (uint32_t k = 0; !differs && k < one.data->call.n_out; ++k) {
        if (one.data->out[k].dtype != ARDM_F32 || what->op->flags & ARDM_OP_VIEW) continue;
        int64_t count = ardm_shape_count(&one.data->out[k]);
        for (int64_t i = 0; i < count && !differs; ++i) {
            uint32_t bits = bits_of(((const float *)one.want[k])[i]);
            if (bits == 0 || ((bits >> 23) & 0xff) >= least) continue;
            snprintf(why, size, "output %s[%" PRId64 "] is %08" PRIx32 ", which F would make +0", what->op->outputs[k].name, i, bits);
            differs = 1;
        }
    }
    close_case(&one);
    return differs;
}

int levels_differ(const item *what, char *why, size_t size) {
    opened one;
    int32_t threads = ardm_parallel_threads();
    int differs = open_case(&one, what, 0, why, size);
    for (int32_t level = ARDM_CPU_V4; level >= ARDM_CPU_BASE && !differs; --level) {
        ardm__cpu_level_limit(level);
        ardm_parallel_set_threads(level == ARDM_CPU_V4 ? 1 : 3);
        for (uint32_t k = 0; k < one.data->call.n_out; ++k) memset(one.got[k], 0x55, ardm_shape_bytes(&one.data->out[k]));
        if (ardm_case_reference(one.data, one.got) != ARDM_OK) differs = fail_open(why, size);
        if (!differs) differs = outputs_differ(one.data, one.want, one.got, why, size);
        if (differs) {
            size_t used = strlen(why);
            snprintf(why + used, size - used, " (build level %d of the reference)", level);
        }
    }
    ardm__cpu_level_limit(ARDM_CPU_V4);
    ardm_parallel_set_threads(threads);
    close_case(&one);
    return differs;
}
