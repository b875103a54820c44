/* Checkpoints: every state of the run by name, and the host's few numbers, in one safetensors file. */
#include "trainer_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/config.h"
#include "ardm/model.h"

/* Sums of parts are empty between steps. */
static int32_t is_part(const char *name) {
    const char *tail = strrchr(name, '.');
    return tail && strncmp(tail, ".part", 5) == 0 && tail[5] >= '0' && tail[5] <= '9';
}

static ardm_status put_states(ardm_model *file, const ardm_store *source) {
    ardm_store *store = (ardm_store *)source; /* reading waits for the queue, so the library asks for a store that is not const */
    for (uint32_t i = 0; i < ardm_store_count(store); i++) {
        const char *name = ardm_store_name(store, i);
        if (is_part(name)) continue;
        const ardm_shape *shape = ardm_store_shape(store, name);
        void *data = malloc((size_t)ardm_shape_bytes(shape) + 1);
        if (!data) return ardm_fail(ARDM_ENOMEM, "no memory for %s", name);
        ardm_status status = ardm_store_get(store, name, data);
        if (status == ARDM_OK) status = ardm_model_set_tensor(file, name, ARDM_STORED_F32, shape->rank, shape->dim, data);
        free(data);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

/* Numbers of trainer.measured. Runs of before [train] keep and patience have the first seven; the others are 0 then. */
enum { MEASURED_FIRST = 7, MEASURED = 12 };

/* Every state of the run as a file; `before`, where it is not NULL, is what the file there is renamed to. */
static ardm_status write_file(ardm_trainer *t, const char *path, const char *before) {
    char text[64];
    ardm_model *file = NULL;
    int64_t two = 2, count = MEASURED;
    float powers[2] = {t->beta1_power, t->beta2_power};
    double measured[MEASURED] = {t->seconds,
                                 t->bound.bits,
                                 t->bound.error,
                                 (double)t->bound.items,
                                 t->logged_bits,
                                 t->logged_clipped,
                                 (double)t->logged_steps,
                                 t->best,
                                 (double)t->best_step,
                                 (double)t->stale,
                                 t->due,
                                 t->due_norm};
    ARDM_TRY(ardm_model_create(&file));
    ardm_status status = put_states(file, t->store);
    if (status == ARDM_OK) status = ardm_model_set_tensor(file, "trainer.powers", ARDM_STORED_F32, 1, &two, powers);
    if (status == ARDM_OK) status = ardm_model_set_tensor(file, "trainer.measured", ARDM_STORED_F64, 1, &count, measured);
    snprintf(text, sizeof text, "%lld", (long long)t->step);
    if (status == ARDM_OK) status = ardm_model_set(file, "ardm.checkpoint", "1");
    if (status == ARDM_OK) status = ardm_model_set(file, "ardm.step", text);
    snprintf(text, sizeof text, "%d", t->exponent);
    if (status == ARDM_OK) status = ardm_model_set(file, "ardm.exponent", text);
    if (status == ARDM_OK) status = ardm_model_set(file, "ardm.config", t->recipe->text);
    /* The file before stays readable until the new one is whole: a rename, then an atomic write. */
    if (status == ARDM_OK && before && ardm_file_exists(path) && rename(path, before) != 0) status = ardm_fail(ARDM_EIO, "cannot rename %s", path);
    if (status == ARDM_OK) status = ardm_model_write(file, path, 1);
    ardm_model_free(&file);
    return status;
}

/* Behind the run's own checkpoint: killed between the two, a resumed run has the states of the best step and writes them again. */
static ardm_status write_best(ardm_trainer *t) {
    char path[4096];
    if (!t->recipe->keep_best || t->best_step == 0 || t->best_step != t->step) return ARDM_OK;
    ARDM_TRY(ardm_trainer__path(path, t, "best.safetensors"));
    return write_file(t, path, NULL);
}

ardm_status ardm_trainer__save(ardm_trainer *t) {
    char path[4096], before[4096];
    if (t->follows) return ARDM_OK;
    ARDM_TRY(ardm_trainer__path(path, t, "run.safetensors"));
    ARDM_TRY(ardm_trainer__path(before, t, "run.previous.safetensors"));
    ARDM_TRY(write_file(t, path, before));
    return write_best(t);
}

static ardm_status load_file(ardm_trainer *t, const char *path) {
    ardm_bytes bytes = {0};
    ardm_model *file = NULL;
    ardm_status status = ardm_file_read(&bytes, path, (uint64_t)1 << 40, 0);
    if (status == ARDM_OK) status = ardm_model_parse(&file, bytes.data, bytes.size, (uint64_t)1 << 40, path);
    ardm_bytes_free(&bytes);
    ARDM_TRY(status);
    const char *step = ardm_model_get(file, "ardm.step"), *config = ardm_model_get(file, "ardm.config"),
               *exponent = ardm_model_get(file, "ardm.exponent");
    const ardm_tensor *powers = ardm_model_tensor(file, "trainer.powers"), *measured = ardm_model_tensor(file, "trainer.measured");
    int64_t e = 0;
    if (!step || !config || !exponent || !powers || powers->dtype != ARDM_STORED_F32 || powers->bytes != 8 || !measured ||
        measured->dtype != ARDM_STORED_F64 || (measured->bytes != sizeof(double[MEASURED_FIRST]) && measured->bytes != sizeof(double[MEASURED])))
        status = ardm_fail(ARDM_EFORMAT, "%s is no checkpoint of a training run", path);
    else if (strcmp(config, t->recipe->text) != 0)
        status = ardm_fail(ARDM_EINVAL, "%s was made with another config; resume with the config.ini of the run folder, or start anew", path);
    if (status == ARDM_OK) status = ardm_parse_int(&t->step, "step of the checkpoint", step, 0, (int64_t)1 << 40);
    if (status == ARDM_OK) status = ardm_parse_int(&e, "exponent of the checkpoint", exponent, 0, 60);
    if (status == ARDM_OK) {
        t->exponent = (int32_t)e;
        t->beta1_power = ((const float *)powers->data)[0];
        t->beta2_power = ((const float *)powers->data)[1];
        double m[MEASURED] = {0};
        memcpy(m, measured->data, measured->bytes);
        t->seconds = m[0];
        t->bound.bits = m[1];
        t->bound.error = m[2];
        t->bound.items = (int64_t)m[3];
        t->logged_bits = m[4];
        t->logged_clipped = m[5];
        t->logged_steps = (int64_t)m[6];
        t->best = m[7];
        t->best_step = (int64_t)m[8];
        t->stale = (int64_t)m[9];
        t->due = m[10] != 0;
        t->due_norm = m[11];
    }
    for (uint32_t i = 0; status == ARDM_OK && i < ardm_model_tensor_count(file); i++) {
        const ardm_tensor *tensor = ardm_model_tensor_at(file, i);
        if (strncmp(tensor->name, "trainer.", 8) == 0 || is_part(tensor->name)) continue;
        if (tensor->dtype != ARDM_STORED_F32 || tensor->rank > ARDM_MAX_RANK) {
            status = ardm_fail(ARDM_EFORMAT, "%s: state %s is not f32 of rank %d at most", path, tensor->name, ARDM_MAX_RANK);
            break;
        }
        ardm_shape shape = ardm_shape_make(ARDM_F32, tensor->rank, tensor->dim);
        status = ardm_store_restore(t->store, tensor->name, &shape, tensor->data);
    }
    ardm_model_free(&file);
    return status;
}

ardm_status ardm_trainer__load(ardm_trainer *t) {
    char path[4096], before[4096];
    ARDM_TRY(ardm_trainer__path(path, t, "run.safetensors"));
    ARDM_TRY(ardm_trainer__path(before, t, "run.previous.safetensors"));
    const char *found = ardm_file_exists(path) ? path : before; /* killed between the rename and the write */
    if (!ardm_file_exists(found)) return ardm_fail(ARDM_ENOTFOUND, "%s: no checkpoint to resume from", t->folder);
    ARDM_TRY(load_file(t, found));
    return write_best(t);
}
