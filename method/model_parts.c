/* What a model means: process, order, schedules and curve from their texts and tensors, its weights and its identity. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/op.h"
#include "model_private.h"

static const ardm_tensor *typed(const ardm_model *m, const char *name, uint32_t dtype, uint32_t rank) {
    const ardm_tensor *t = ardm_model_tensor(m, name);
    return t && t->dtype == dtype && t->rank == rank ? t : NULL;
}

static ardm_status text_of(const ardm_model *m, const char *key, const char **out) {
    *out = ardm_model_get(m, key);
    return *out ? ARDM_OK : ardm_fail(ARDM_EFORMAT, "model: metadata \"%s\" is missing", key);
}

ardm_status ardm_model_set_graph(ardm_model *m, const char *text) {
    static const char *const heads[] = {"mixture_logits", "mixture_children", "pixel_logits", "frequency"};
    ardm_bytes ops = {0};
    ardm_status status = ARDM_OK;
    const ardm_op *op;
    for (uint32_t i = 0; status == ARDM_OK && (op = ardm_op_at(i)) != NULL; i++) {
        char spelled[80];
        snprintf(spelled, sizeof spelled, "= %s ", op->name);
        int32_t coded = 0; /* what heads put behind the graph */
        for (size_t k = 0; k < sizeof heads / sizeof *heads; k++) coded |= strcmp(op->name, heads[k]) == 0;
        if (coded || strstr(text, spelled)) status = ardm_bytes_printf(&ops, "%s%s@%u", ops.size ? " " : "", op->name, op->version);
    }
    if (status == ARDM_OK) status = ardm_model_set(m, "ardm.graph", text);
    if (status == ARDM_OK) status = ardm_model_set(m, "ardm.ops", ops.data ? (const char *)ops.data : "");
    ardm_bytes_free(&ops);
    return status;
}

ardm_status ardm_model_process(const ardm_model *m, ardm_process **out) {
    const char *text;
    *out = NULL;
    ARDM_TRY(text_of(m, "ardm.process", &text));
    if (strncmp(text, "table ", 6) != 0) return ardm_process_parse(out, text);
    const ardm_tensor *maps = typed(m, "process.maps", ARDM_STORED_U16, 2), *ids = typed(m, "process.ids", ARDM_STORED_I32, 2);
    if (!maps || !ids || maps->dim[0] < 2 || maps->dim[0] > (int64_t)ARDM_PROCESS_MAX_STAGES + 1 ||
        maps->dim[1] > (int64_t)ARDM_PROCESS_MAX_CLASSES || ids->dim[0] != maps->dim[0] || ids->dim[1] != maps->dim[1])
        return ardm_fail(ARDM_EFORMAT, "model: a table process needs process.maps u16[S+1,K] and process.ids i32[S+1,K]");
    ARDM_TRY(ardm_process_from_table(out, (uint32_t)maps->dim[1], (uint32_t)maps->dim[0] - 1, maps->data, ids->data));
    if (strcmp(ardm_process_text(*out), text) == 0) return ARDM_OK;
    ardm_process_free(out);
    return ardm_fail(ARDM_EFORMAT, "model: process \"%.40s\" is not what its tables say", text);
}

ardm_status ardm_model_set_process(ardm_model *m, const ardm_process *process) {
    ARDM_TRY(ardm_model_set(m, "ardm.process", ardm_process_text(process)));
    if (ardm_process_family(process) != ARDM_PROCESS_TABLE) return ARDM_OK;
    const int64_t dim[2] = {(int64_t)ardm_process_stages(process) + 1, ardm_process_classes(process)};
    uint16_t *maps = malloc((size_t)(dim[0] * dim[1]) * sizeof *maps);
    int32_t *ids = malloc((size_t)(dim[0] * dim[1]) * sizeof *ids);
    ardm_status status = maps && ids ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for a process table");
    if (!status) {
        ardm_process_maps(process, maps, ids);
        status = ardm_model_set_tensor(m, "process.maps", ARDM_STORED_U16, 2, dim, maps);
    }
    if (!status) status = ardm_model_set_tensor(m, "process.ids", ARDM_STORED_I32, 2, dim, ids);
    free(maps);
    free(ids);
    return status;
}

ardm_status ardm_model_order(const ardm_model *m, ardm_order_family *out) {
    const char *text;
    ARDM_TRY(text_of(m, "ardm.order", &text));
    return ardm_order_parse(out, text);
}

ardm_status ardm_model_table(const ardm_model *m, ardm_layout *layout, ardm_order **out) {
    *out = NULL;
    const ardm_tensor *levels = typed(m, "order.levels", ARDM_STORED_U16, 1), *extents = typed(m, "order.extents", ARDM_STORED_U32, 1);
    if (!levels || !extents || extents->dim[0] < 2 || extents->dim[0] > 4)
        return ardm_fail(ARDM_EFORMAT, "model: a table order needs order.levels u16[units] and order.extents u32[rank + 1]");
    const uint32_t *e = extents->data, rank = (uint32_t)extents->dim[0] - 1;
    uint64_t units = e[rank];
    *layout = (ardm_layout){.rank = rank, .channels = e[rank]};
    for (uint32_t i = 0; i < rank; i++) {
        layout->extent[i] = e[i];
        if (units <= ARDM_MAX_UNITS) units *= e[i];
    }
    if (units != (uint64_t)levels->dim[0]) return ardm_fail(ARDM_EFORMAT, "model: order.levels has %lld units", (long long)levels->dim[0]);
    return ardm_order_from_table(out, levels->data, layout);
}

ardm_status ardm_model_levels(const ardm_model *m, uint32_t block, const ardm_layout *layout, ardm_order **out) {
    ardm_order_family family;
    ardm_layout own;
    *out = NULL;
    ARDM_TRY(ardm_model_order(m, &family));
    if (family.kind != ARDM_ORDER_TABLE && family.kind != ARDM_ORDER_PLUGIN) return ardm_order_create(out, &family, block, layout);
    ARDM_TRY(ardm_model_table(m, &own, out));
    int same = layout->rank == own.rank && layout->channels == own.channels;
    for (uint32_t i = 0; i < own.rank; i++) same = same && layout->extent[i] == own.extent[i];
    if (same) return ARDM_OK;
    ardm_order_free(out);
    return ardm_fail(ARDM_EUNSUPPORTED, "model: its order is a table for one size, and this item has another");
}

ardm_status ardm_model_set_order(ardm_model *m, const ardm_order_family *family, const ardm_order *table) {
    char text[32];
    ardm_order_print(family, text);
    ARDM_TRY(ardm_model_set(m, "ardm.order", text));
    if (family->kind != ARDM_ORDER_TABLE && family->kind != ARDM_ORDER_PLUGIN) return ARDM_OK;
    if (!table) return ardm_fail(ARDM_EINVAL, "model: a table order without its table");
    const ardm_layout *layout = ardm_order_layout(table);
    uint32_t extents[4] = {0};
    memcpy(extents, layout->extent, layout->rank * sizeof *extents);
    extents[layout->rank] = layout->channels;
    ARDM_TRY(ardm_model_set_tensor(m, "order.extents", ARDM_STORED_U32, 1, (const int64_t[]){layout->rank + 1}, extents));
    return ardm_model_set_tensor(m, "order.levels", ARDM_STORED_U16, 1, (const int64_t[]){ardm_order_units(table)}, ardm_order_level(table));
}

ardm_status ardm_model_curve(const ardm_model *m, ardm_curve **out) {
    *out = NULL;
    const ardm_tensor *units = ardm_model_tensor(m, "curve.units");
    if (!units) return ardm_fail(ARDM_ENOTFOUND, "model: it holds no loss curve");
    const ardm_tensor *sum = typed(m, "curve.sum", ARDM_STORED_F64, 1), *visits = typed(m, "curve.visits", ARDM_STORED_F64, 1);
    if (units->dtype != ARDM_STORED_U32 || units->rank != 1 || !sum || !visits || units->dim[0] > (1 << 22))
        return ardm_fail(ARDM_EFORMAT, "model: a curve needs curve.units u32[cells], curve.sum and curve.visits f64[bins]");
    uint64_t total = 0;
    for (int64_t i = 0; i < units->dim[0]; i++) {
        const uint32_t n = ((const uint32_t *)units->data)[i];
        total += n < ARDM_CURVE_BINS ? n : ARDM_CURVE_BINS;
    }
    if (total != (uint64_t)sum->dim[0] || total != (uint64_t)visits->dim[0])
        return ardm_fail(ARDM_EFORMAT, "model: curve.sum and curve.visits have %lld and %lld bins, the cells %llu", (long long)sum->dim[0],
                         (long long)visits->dim[0], (unsigned long long)total);
    ARDM_TRY(ardm_curve_create(out, units->data, (uint32_t)units->dim[0]));
    const ardm_status status = ardm_curve_restore(*out, sum->data, visits->data);
    if (status) ardm_curve_free(out);
    return status;
}

ardm_status ardm_model_set_curve(ardm_model *m, const ardm_curve *curve) {
    const int64_t cells = ardm_curve_cells(curve), bins = ardm_curve_total_bins(curve);
    ARDM_TRY(ardm_model_set_tensor(m, "curve.units", ARDM_STORED_U32, 1, &cells, ardm_curve_all_units(curve)));
    ARDM_TRY(ardm_model_set_tensor(m, "curve.sum", ARDM_STORED_F64, 1, &bins, ardm_curve_sums(curve)));
    return ardm_model_set_tensor(m, "curve.visits", ARDM_STORED_F64, 1, &bins, ardm_curve_counts(curve));
}

static void schedule_name(char out[32], uint32_t index, const char *end) { snprintf(out, 32, "schedule.%02u%s", index, end); }

ardm_status ardm_model_schedule(const ardm_model *m, uint32_t index, ardm_schedule **out) {
    char name[32];
    *out = NULL;
    schedule_name(name, index, "");
    const ardm_tensor *bytes = ardm_model_tensor(m, name);
    if (index >= ARDM_MODEL_MAX_SCHEDULES || !bytes) return ardm_fail(ARDM_ENOTFOUND, "model: it has no frozen schedule %u", index);
    schedule_name(name, index, ".units");
    const ardm_tensor *units = typed(m, name, ARDM_STORED_U32, 1);
    if (bytes->dtype != ARDM_STORED_U8 || bytes->rank != 1 || !units || units->dim[0] > (1 << 22))
        return ardm_fail(ARDM_EFORMAT, "model: frozen schedule %u is not u8[bytes] with units u32[cells]", index);
    for (int64_t i = 0; i < units->dim[0]; i++)
        if (((const uint32_t *)units->data)[i] > ARDM_MAX_UNITS)
            return ardm_fail(ARDM_EFORMAT, "model: a cell of frozen schedule %u has more than %u units", index, ARDM_MAX_UNITS);
    return ardm_schedule_read(out, bytes->data, bytes->bytes, units->data, (uint32_t)units->dim[0]);
}

ardm_status ardm_model_set_schedule(ardm_model *m, uint32_t index, const ardm_schedule *schedule) {
    if (index >= ARDM_MODEL_MAX_SCHEDULES)
        return ardm_fail(ARDM_EINVAL, "model: schedule %u; a model has at most %d", index, ARDM_MODEL_MAX_SCHEDULES);
    ardm_bytes bytes = {0};
    char name[32];
    const int64_t cells = ardm_schedule_cells(schedule);
    uint32_t *units = malloc(((size_t)cells + 1) * sizeof *units);
    ardm_status status = units ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for a schedule");
    for (uint32_t c = 0; units && c < (uint32_t)cells; c++) units[c] = ardm_schedule_units(schedule, c);
    if (!status) status = ardm_schedule_write(&bytes, schedule);
    schedule_name(name, index, "");
    if (!status) status = ardm_model_set_tensor(m, name, ARDM_STORED_U8, 1, (const int64_t[]){(int64_t)bytes.size}, bytes.data);
    schedule_name(name, index, ".units");
    if (!status) status = ardm_model_set_tensor(m, name, ARDM_STORED_U32, 1, &cells, units);
    ardm_bytes_free(&bytes);
    free(units);
    return status;
}

uint32_t ardm_model_schedule_count(const ardm_model *m) {
    uint32_t n = 0;
    char name[32];
    for (; n < ARDM_MODEL_MAX_SCHEDULES; n++) {
        schedule_name(name, n, "");
        if (!ardm_model_tensor(m, name)) break;
    }
    return n;
}

static int starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* The int8 weight that a "NAME.exp" tensor belongs to, or NULL. */
static const ardm_tensor *scaled_by(const ardm_model *m, const ardm_tensor *exponents) {
    const size_t n = strlen(exponents->name);
    char base[1024];
    if (exponents->dtype != ARDM_STORED_I8 || n < 5 || n >= sizeof base || strcmp(exponents->name + n - 4, ".exp") != 0) return NULL;
    memcpy(base, exponents->name, n - 4);
    base[n - 4] = '\0';
    const ardm_tensor *weight = ardm_model_tensor(m, base);
    return weight && weight->dtype == ARDM_STORED_I8 ? weight : NULL;
}

int32_t ardm_model_is_weight(const ardm_model *m, const ardm_tensor *t) {
    return !starts(t->name, "process.") && !starts(t->name, "order.") && !starts(t->name, "curve.") && !starts(t->name, "schedule.") &&
           !scaled_by(m, t);
}

static int64_t rows_of(const ardm_tensor *t) {
    int64_t rows = 1;
    for (uint32_t i = 0; i + 1 < t->rank; i++) rows *= t->dim[i];
    return rows;
}

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

ardm_status ardm_model_widen(const ardm_model *m, const ardm_tensor *t, float *out) {
    const int64_t count = ardm__stored_count(t->rank, t->dim);
    if (t->dtype == ARDM_STORED_F32) {
        memcpy(out, t->data, t->bytes);
        return ARDM_OK;
    }
    if (t->dtype == ARDM_STORED_BF16) {
        for (int64_t i = 0; i < count; i++) out[i] = from_bits((uint32_t)((const uint16_t *)t->data)[i] << 16);
        return ARDM_OK;
    }
    if (t->dtype != ARDM_STORED_I8) return ardm_fail(ARDM_EFORMAT, "model: weight \"%.60s\" has type %s", t->name, ardm__stored_name(t->dtype));
    char name[1024];
    snprintf(name, sizeof name, "%s.exp", t->name);
    const ardm_tensor *exponents = ardm_model_tensor(m, name);
    const int64_t rows = rows_of(t), width = rows ? count / rows : 0;
    if (!exponents || exponents->dtype != ARDM_STORED_I8 || (int64_t)exponents->bytes != rows)
        return ardm_fail(ARDM_EFORMAT, "model: int8 weight \"%.60s\" needs \"%.60s.exp\", i8[%lld]", t->name, t->name, (long long)rows);
    for (int64_t i = 0; i < count; i++) {
        const int32_t e = ((const int8_t *)exponents->data)[i / width];
        if (e < -126 || e > 120)
            return ardm_fail(ARDM_EFORMAT, "model: row %lld of \"%.60s\" has exponent %d; -126..120 widen exactly", (long long)(i / width), t->name,
                             e);
        out[i] = (float)((const int8_t *)t->data)[i] * from_bits((uint32_t)(127 + e) << 23);
    }
    return ARDM_OK;
}

static void identity_tensor(ardm_identity *identity, const ardm_tensor *t) {
    ardm_identity_field(identity, t->name, strlen(t->name));
    ardm_identity_field(identity, ardm__stored_name(t->dtype), strlen(ardm__stored_name(t->dtype)));
    ardm_identity_field(identity, t->dim, t->rank * sizeof *t->dim);
    ardm_identity_field(identity, t->data, t->bytes);
}

/* All that decoding reads. What a graph alone does not say stands in layout and modality; a model that lacks them has empty ones. */
ardm_status ardm_model_identity(const ardm_model *m, ardm_sha256 *out) {
    static const char *const keys[] = {"ardm.graph", "ardm.process", "ardm.order", "ardm.layout", "ardm.modality"};
    enum { KEYS = sizeof keys / sizeof *keys, NEEDED = 3 };
    ardm_identity *identity = NULL;
    const char *text[KEYS];
    for (int i = 0; i < NEEDED; i++) ARDM_TRY(text_of(m, keys[i], &text[i]));
    for (int i = NEEDED; i < KEYS; i++) text[i] = ardm_model_get(m, keys[i]) ? ardm_model_get(m, keys[i]) : "";
    ARDM_TRY(ardm_identity_begin(&identity));
    for (int i = 0; i < KEYS; i++) ardm_identity_field(identity, text[i], strlen(text[i]));
    for (uint32_t i = 0; i < m->n_tensors; i++)
        if (!starts(m->tensors[i].name, "curve.")) identity_tensor(identity, &m->tensors[i]);
    ardm_identity_end(&identity, out);
    return ARDM_OK;
}

static ardm_status check_weight(const ardm_model *m, const ardm_tensor *t) {
    const int64_t count = ardm__stored_count(t->rank, t->dim);
    for (int64_t i = 0; t->dtype == ARDM_STORED_F32 && i < count; i++)
        if ((((const uint32_t *)t->data)[i] & 0x7f800000u) == 0x7f800000u)
            return ardm_fail(ARDM_EFORMAT, "model: element %lld of weight \"%.60s\" is not finite", (long long)i, t->name);
    for (int64_t i = 0; t->dtype == ARDM_STORED_BF16 && i < count; i++)
        if ((((const uint16_t *)t->data)[i] & 0x7f80u) == 0x7f80u)
            return ardm_fail(ARDM_EFORMAT, "model: element %lld of weight \"%.60s\" is not finite", (long long)i, t->name);
    if (t->dtype == ARDM_STORED_I8) {
        float *wide = malloc((size_t)(count + 1) * sizeof *wide);
        if (!wide) return ardm_fail(ARDM_ENOMEM, "no memory for weight \"%.60s\"", t->name);
        const ardm_status status = ardm_model_widen(m, t, wide);
        free(wide);
        return status;
    }
    if (t->dtype != ARDM_STORED_F32 && t->dtype != ARDM_STORED_BF16)
        return ardm_fail(ARDM_EFORMAT, "model: weight \"%.60s\" has type %s; f32, bf16 or int8 is known", t->name, ardm__stored_name(t->dtype));
    return ARDM_OK;
}

static ardm_status check(const ardm_model *m) {
    const char *text;
    ardm_process *process = NULL;
    ardm_order_family family;
    ARDM_TRY(text_of(m, "ardm.format", &text));
    if (strcmp(text, "1") != 0) return ardm_fail(ARDM_EFORMAT, "model: its format is %.20s; this program knows 1", text);
    ARDM_TRY(text_of(m, "ardm.graph", &text));
    if (!starts(text, "ardm graph 1")) return ardm_fail(ARDM_EFORMAT, "model: its graph does not begin with \"ardm graph 1\"");
    ARDM_TRY(text_of(m, "ardm.numerics", &text));
    ARDM_TRY(text_of(m, "ardm.modality", &text));
    ARDM_TRY(ardm_model_order(m, &family));
    ARDM_TRY(ardm_model_process(m, &process));
    ardm_process_free(&process);
    if (family.kind == ARDM_ORDER_TABLE || family.kind == ARDM_ORDER_PLUGIN) {
        ardm_layout layout;
        ardm_order *order = NULL;
        ARDM_TRY(ardm_model_table(m, &layout, &order));
        ardm_order_free(&order);
    }
    for (uint32_t i = 0; i < m->n_tensors; i++)
        if (ardm_model_is_weight(m, &m->tensors[i])) ARDM_TRY(check_weight(m, &m->tensors[i]));
    for (uint32_t i = 0; i < ardm_model_schedule_count(m); i++) {
        ardm_schedule *schedule = NULL;
        ARDM_TRY(ardm_model_schedule(m, i, &schedule));
        ardm_schedule_free(&schedule);
    }
    if (ardm_model_tensor(m, "curve.units")) {
        ardm_curve *curve = NULL;
        ARDM_TRY(ardm_model_curve(m, &curve));
        ardm_curve_free(&curve);
    }
    return ARDM_OK;
}

ardm_status ardm_model_check(const ardm_model *m, const char *name) {
    const ardm_status status = check(m);
    if (!status) return ARDM_OK;
    return ardm_fail_in(status == ARDM_EINVAL ? ARDM_EFORMAT : status, "%s", name); /* a bad text in a file is the file's fault */
}
