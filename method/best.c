/* The best held-out bound of a run: when to stop for want of a better one, and the model of the step that had it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/file.h"
#include "ardm/model.h"
#include "trainer_private.h"

void ardm_trainer__count_bound(ardm_trainer *t) {
    if (t->best_step == 0 || t->bound.bits < t->best) {
        t->best = t->bound.bits;
        t->best_step = t->step;
        t->stale = 0;
    } else
        t->stale++;
}

int32_t ardm_trainer__lost_patience(const ardm_trainer *t) { return t->recipe->patience > 0 && t->stale >= t->recipe->patience; }

int64_t ardm_trainer_best(const ardm_trainer *t, double *bits) {
    if (bits) *bits = t->best;
    return t->best_step;
}

ardm_status ardm_trainer_bound(ardm_estimate *out, ardm_trainer *t, int64_t items, uint32_t draws) {
    return ardm_evaluate_bound(out, t->session, t->dataset, 0, items, draws, t->recipe->seed, NULL, NULL);
}

/* Averages of the run, set aside while the store holds those of the best step. */
static ardm_status set_aside(ardm_model *aside, const ardm_trainer *t) {
    for (uint32_t i = 0; i < ardm_graph_state_count(t->inference); i++) {
        char name[160];
        snprintf(name, sizeof name, "%s.average", ardm_graph_value_name(t->inference, ardm_graph_state_at(t->inference, i)));
        const ardm_shape *shape = ardm_store_shape(t->store, name);
        void *data = malloc((size_t)ardm_shape_bytes(shape) + 1);
        if (!data) return ardm_fail(ARDM_ENOMEM, "no memory for %s", name);
        ardm_status status = ardm_store_get(t->store, name, data);
        if (status == ARDM_OK) status = ardm_model_set_tensor(aside, name, ARDM_STORED_F32, shape->rank, shape->dim, data);
        free(data);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

static ardm_status take_averages(ardm_trainer *t, const ardm_model *from, const char *what) {
    for (uint32_t i = 0; i < ardm_graph_state_count(t->inference); i++) {
        char name[160];
        snprintf(name, sizeof name, "%s.average", ardm_graph_value_name(t->inference, ardm_graph_state_at(t->inference, i)));
        const ardm_tensor *tensor = ardm_model_tensor(from, name);
        const ardm_shape *shape = ardm_store_shape(t->store, name);
        if (!tensor || tensor->dtype != ARDM_STORED_F32 || tensor->bytes != (uint64_t)ardm_shape_bytes(shape))
            return ardm_fail(ARDM_EFORMAT, "%s has no state %s of this network", what, name);
        ARDM_TRY(ardm_store_restore(t->store, name, shape, tensor->data));
    }
    return ARDM_OK;
}

static ardm_status read_best(ardm_model **out, double *seconds, const ardm_trainer *t) {
    char path[4096], step[32];
    ardm_bytes bytes = {0};
    *out = NULL;
    ARDM_TRY(ardm_trainer__path(path, t, "best.safetensors"));
    ardm_status status = ardm_file_read(&bytes, path, (uint64_t)1 << 40, 0);
    if (status == ARDM_OK) status = ardm_model_parse(out, bytes.data, bytes.size, (uint64_t)1 << 40, path);
    ardm_bytes_free(&bytes);
    ARDM_TRY(status);
    const char *own = ardm_model_get(*out, "ardm.step");
    const ardm_tensor *measured = ardm_model_tensor(*out, "trainer.measured");
    snprintf(step, sizeof step, "%lld", (long long)t->best_step);
    if (!own || strcmp(own, step) != 0 || !measured || measured->dtype != ARDM_STORED_F64 || measured->bytes < sizeof *seconds) {
        ardm_model_free(out);
        return ardm_fail(ARDM_EFORMAT, "%s is not the checkpoint of step %s, which had the best bound of this run", path, step);
    }
    memcpy(seconds, measured->data, sizeof *seconds);
    return ARDM_OK;
}

ardm_status ardm_trainer_export(ardm_trainer *t, const char *path) {
    if (!t->recipe->keep_best || t->best_step == 0 || t->best_step == t->step) return ardm_trainer__export(t, path);
    ardm_model *best = NULL, *aside = NULL;
    const int64_t step = t->step;
    const double seconds = t->seconds;
    double then = 0;
    ARDM_TRY(read_best(&best, &then, t));
    ardm_status status = ardm_model_create(&aside);
    if (status == ARDM_OK) status = set_aside(aside, t);
    if (status == ARDM_OK) {
        t->step = t->best_step;
        t->seconds = then;
        status = take_averages(t, best, "best.safetensors");
        if (status == ARDM_OK) status = ardm_trainer__export(t, path);
        t->step = step;
        t->seconds = seconds;
        ardm_status back = take_averages(t, aside, "the run");
        if (status == ARDM_OK) status = back;
    }
    ardm_model_free(&aside);
    ardm_model_free(&best);
    return status;
}
