/* From a trained run to a model file: averaged weights, loss curve, frozen schedules and the facts of its training. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/budget.h"
#include "ardm/exact.h"
#include "ardm/log.h"
#include "ardm/model.h"
#include "ardm/predictor.h"
#include "trainer_private.h"

typedef struct curve_user {
    ardm_curve *curve;
    uint32_t levels, low; /* levels of a stage; first n of a blocks family */
    int32_t causal;
} curve_user;

static void add_cell(void *user, uint32_t stage, uint32_t level, uint32_t n, uint32_t count, double bits, uint32_t remaining) {
    const curve_user *u = user;
    uint32_t cell = u->causal ? level - u->low : stage * u->levels + level;
    if (u->causal && count != level) return; /* a last block that is cut short has another clock */
    ardm_curve_add(u->curve, cell, n, count, bits, remaining);
}

ardm_status ardm_measure_curve(ardm_curve **out, ardm_estimate *bound, ardm_session *session, const ardm_dataset *dataset, int64_t first,
                               int64_t count, uint32_t draws, uint64_t seed) {
    const ardm_layout whole = ardm_dataset_layout(dataset), layout = ardm_layout_join(&whole, ardm_session_parts(session));
    const ardm_order_family *family = ardm_session_order(session);
    ardm_orders *orders;
    const ardm_order *order;
    *out = NULL;
    ARDM_TRY(ardm_session_orders(&orders, session, &layout));
    ARDM_TRY(ardm_orders_get(&order, orders, 0));
    curve_user user = {NULL, ardm_order_levels(order), family->low, ardm_orders_causal(orders)};
    uint32_t stages = ardm_process_stages(ardm_session_process(session));
    uint32_t cells = user.causal ? family->high - family->low + 1 : stages * user.levels;
    uint32_t *units = malloc(cells * sizeof *units);
    if (!units) return ardm_fail(ARDM_ENOMEM, "no memory for %u cells", cells);
    for (uint32_t c = 0; c < cells; c++) units[c] = user.causal ? family->low + c : ardm_order_counts(order)[c % user.levels];
    ardm_status status = ardm_curve_create(&user.curve, units, cells);
    free(units);
    if (status == ARDM_OK) status = ardm_evaluate_bound(bound, session, dataset, first, count, draws, seed, add_cell, &user);
    if (status != ARDM_OK) ardm_curve_free(&user.curve);
    *out = user.curve;
    return status;
}

static ardm_status put_weights(ardm_model *model, const ardm_trainer *t) {
    for (uint32_t i = 0; i < ardm_graph_state_count(t->inference); i++) {
        ardm_value value = ardm_graph_state_at(t->inference, i);
        const char *name = ardm_graph_value_name(t->inference, value);
        const ardm_shape *shape = ardm_graph_value_shape(t->inference, value);
        char average[160];
        snprintf(average, sizeof average, "%s.average", name);
        float *data = malloc((size_t)ardm_shape_bytes(shape) + 1);
        if (!data) return ardm_fail(ARDM_ENOMEM, "no memory for %s", name);
        ardm_status status = ardm_store_get(t->store, average, data);
        if (status == ARDM_OK) status = ardm_model_set_tensor(model, name, ARDM_STORED_F32, shape->rank, shape->dim, data);
        free(data);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

static ardm_status put_facts(ardm_model *model, const ardm_trainer *t, const ardm_estimate *bound) {
    ardm_bytes files = {0};
    ARDM_TRY(ardm_dataset_facts(&files, t->dataset));
    json_t *list = json_loadb((const char *)files.data, files.size, 0, NULL);
    ardm_bytes_free(&files);
    json_t *facts = json_pack("{s:o*, s:I, s:I, s:f, s:s, s:s, s:f, s:f, s:I, s:s}", "files", list, "steps", (json_int_t)t->step, "items",
                              (json_int_t)(t->step * t->recipe->batch), "seconds", t->seconds, "device", ardm_device_name(t->device), "driver",
                              ardm_device_get_facts(t->device)->driver, "held_out_bits_per_dim", bound->bits, "held_out_error", bound->error,
                              "held_out_items", (json_int_t)bound->items, "licence", t->recipe->licence);
    char *text = facts ? json_dumps(facts, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    ardm_status status = text ? ardm_model_set(model, "ardm.training", text) : ardm_fail(ARDM_ENOMEM, "no memory for the training facts");
    free(text);
    json_decref(facts);
    return status;
}

static ardm_status put_layout(ardm_model *model, const ardm_trainer *t) {
    const ardm_description d = ardm_trainer__describe(t);
    char text[160 + 3 * ARDM_EXPERT_CELLS_MAX];
    ardm_description_print(text, sizeof text, &d);
    return ardm_model_set(model, "ardm.layout", text);
}

ardm_status ardm_trainer_start_from(ardm_trainer *t, const char *path) {
    ardm_model *model = NULL;
    if (t->step > 0) return ardm_fail(ARDM_EINVAL, "the run is at step %lld; only a fresh one takes weights", (long long)t->step);
    ARDM_TRY(ardm_model_load(&model, path, (uint64_t)1 << 40));
    ardm_status status = ARDM_OK;
    for (uint32_t i = 0; status == ARDM_OK && i < ardm_graph_state_count(t->inference); i++) {
        ardm_value value = ardm_graph_state_at(t->inference, i);
        const char *name = ardm_graph_value_name(t->inference, value);
        const ardm_shape *shape = ardm_graph_value_shape(t->inference, value);
        const ardm_tensor *tensor = ardm_model_tensor(model, name);
        int32_t same = tensor && ardm_model_is_weight(model, tensor) && tensor->rank == shape->rank;
        for (uint32_t d = 0; same && d < shape->rank; d++) same = tensor->dim[d] == shape->dim[d];
        if (!same) {
            status = ardm_fail(ARDM_EINVAL, "%s has no weight %s of the extents that the config's network needs", path, name);
            break;
        }
        char average[160];
        float *data = malloc((size_t)ardm_shape_bytes(shape) + 1);
        snprintf(average, sizeof average, "%s.average", name);
        status = data ? ardm_model_widen(model, tensor, data) : ardm_fail(ARDM_ENOMEM, "no memory for %s", name);
        if (status == ARDM_OK) status = ardm_store_set(t->store, name, shape, data);
        if (status == ARDM_OK) status = ardm_store_set(t->store, average, shape, data);
        free(data);
    }
    ardm_model_free(&model);
    return status;
}

ardm_status ardm_trainer__export(ardm_trainer *t, const char *path) {
    ardm_model *model = NULL;
    ardm_curve *curve = NULL;
    ardm_bytes text = {0};
    ardm_estimate bound;
    char modality[64];
    int64_t items = ardm_dataset_held_out(t->dataset);
    if (items > 500) items = 500;
    uint32_t draws = (uint32_t)(items < 500 ? 4 * 500 / items : 4);
    ARDM_TRY(ardm_measure_curve(&curve, &bound, t->session, t->dataset, 0, items, draws > 64 ? 64 : draws, t->recipe->seed + 1));
    ardm_status status = ardm_model_create(&model);
    if (status == ARDM_OK) status = ardm_graph_print(&text, t->inference);
    if (status == ARDM_OK) status = ardm_model_set(model, "ardm.format", "1");
    if (status == ARDM_OK) status = ardm_model_set(model, "ardm.numerics", "1");
    if (status == ARDM_OK) status = ardm_model_set_graph(model, (const char *)text.data);
    if (status == ARDM_OK) status = ardm_model_set(model, "ardm.config", t->recipe->text);
    snprintf(modality, sizeof modality, "%s 1 %s", ardm_dataset_modality(t->dataset), ardm_dataset_variant(t->dataset));
    if (status == ARDM_OK) status = ardm_model_set(model, "ardm.modality", modality);
    if (status == ARDM_OK) status = put_layout(model, t);
    if (status == ARDM_OK) status = ardm_model_set_process(model, t->process);
    if (status == ARDM_OK) status = t->tables ? ardm_levels_record(t->tables, model) : ardm_model_set_order(model, &t->family, NULL);
    if (status == ARDM_OK) status = put_weights(model, t);
    if (status == ARDM_OK) status = ardm_model_set_curve(model, curve);
    if (status == ARDM_OK) status = ardm_freeze_schedules(model, t->session, curve);
    if (status == ARDM_OK) status = put_facts(model, t, &bound);
    if (status == ARDM_OK) status = ardm_model_check(model, path);
    if (status == ARDM_OK) status = ardm_model_write(model, path, 1);
    ardm_bytes_free(&text);
    ardm_curve_free(&curve);
    ardm_model_free(&model);
    return status;
}
