/* Models and files of the archive commands. */
#include "codec_files.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static ardm_status keep(ardm_predictor **out, open_models *m, ardm_model *model) {
    ardm_predictor *p = calloc(1, sizeof *p);
    ardm_status status = ARDM_OK;
    if (!p || m->n == sizeof m->list / sizeof *m->list) status = ardm_fail(ARDM_ENOMEM, "too many models at once");
    if (status == ARDM_OK && !m->device) status = open_device(&m->device, m->args);
    if (status != ARDM_OK) {
        free(p);
        ardm_model_free(&model);
        return status;
    }
    status = ardm_predictor_open(p, model, m->device, memory_limit(m->args));
    if (status != ARDM_OK) {
        free(p);
        return status;
    }
    m->list[m->n++] = *out = p;
    return ARDM_OK;
}

ardm_status named_variant(char out[32], open_models *m) {
    char path[4096];
    ardm_model *model = NULL;
    ardm_predictor *kept;
    out[0] = 0;
    if (!has(m->args, "model")) return ARDM_OK;
    ARDM_TRY(find_model(path, argument(m->args, "model")));
    ARDM_TRY(ardm_model_load(&model, path, memory_limit(m->args)));
    ARDM_TRY(keep(&kept, m, model));
    snprintf(out, 32, "%s", kept->variant);
    return ARDM_OK;
}

static int32_t fits(const ardm_model *model, const char *modality, const char *variant) {
    char id[32] = "", own[32] = "";
    const char *text = ardm_model_get(model, "ardm.modality");
    return text && sscanf(text, "%31s %*d %31s", id, own) >= 1 && strcmp(id, modality) == 0 && (!own[0] || strcmp(own, variant) == 0);
}

/* The first model of the folder, by name, for this kind of item. */
static ardm_status look_in(ardm_model **out, const char *folder, size_t length, const char *modality, const char *variant, const arguments *args) {
    char path[4096], best[4096] = "";
    snprintf(path, sizeof path, "%.*s", (int)length, folder);
    DIR *directory = opendir(path);
    if (!directory) return ARDM_OK;
    struct dirent *entry;
    ardm_model *found = NULL;
    while ((entry = readdir(directory)) != NULL) {
        size_t n = strlen(entry->d_name);
        ardm_model *model = NULL;
        if (n < 6 || strcmp(entry->d_name + n - 5, ".ardm") != 0 || (found && strcmp(entry->d_name, best) > 0)) continue;
        if (snprintf(path, sizeof path, "%.*s/%s", (int)length, folder, entry->d_name) >= (int)sizeof path) continue;
        if (ardm_model_load(&model, path, memory_limit(args)) != ARDM_OK || !fits(model, modality, variant)) {
            ardm_model_free(&model);
            continue;
        }
        ardm_model_free(&found);
        found = model;
        snprintf(best, sizeof best, "%s", entry->d_name);
    }
    closedir(directory);
    *out = found;
    return ARDM_OK;
}

static ardm_status by_modality(void *user, const char *modality, const char *variant, ardm_predictor **out) {
    open_models *m = user;
    const char *named = argument(m->args, "model");
    ardm_model *model = NULL;
    *out = NULL;
    for (uint32_t i = 0; i < m->n && !*out; i++)
        if (fits(m->list[i]->model, modality, variant)) *out = m->list[i];
    if (*out) return ARDM_OK;
    if (named) {
        char path[4096];
        ARDM_TRY(find_model(path, named));
        ARDM_TRY(ardm_model_load(&model, path, memory_limit(m->args)));
        if (!fits(model, modality, variant)) {
            ardm_status status = ardm_fail(ARDM_EINVAL, "the model %s codes %s, not %s %s; leave -m out to choose by kind", named,
                                           ardm_model_get(model, "ardm.modality"), modality, variant);
            ardm_model_free(&model);
            if (m->args->n_files == 1) return status; /* among several files the model is meant for those that it fits */
        } else {
            return keep(out, m, model);
        }
    }
    const char *sources[2] = {getenv("ARDM_MODEL_PATH"), model_folders()};
    for (int i = 0; i < 2 && !model; i++)
        for (const char *at = sources[i]; at && *at && !model; at += strcspn(at, ":"), at += *at == ':')
            ARDM_TRY(look_in(&model, at, strcspn(at, ":"), modality, variant, m->args));
    return model ? keep(out, m, model) : ARDM_OK;
}

static ardm_status by_identity(void *user, const uint8_t identity[8], ardm_predictor **out) {
    open_models *m = user;
    const char *named = argument(m->args, "model");
    ardm_model *model = NULL;
    for (uint32_t i = 0; i < m->n; i++)
        if (memcmp(m->list[i]->identity.bytes, identity, 8) == 0) {
            *out = m->list[i];
            return ARDM_OK;
        }
    if (named) {
        char path[4096], has_hex[65];
        ardm_sha256 own;
        ARDM_TRY(find_model(path, named));
        ARDM_TRY(ardm_model_load(&model, path, memory_limit(m->args)));
        ardm_status status = ardm_model_identity(model, &own);
        if (status == ARDM_OK && memcmp(own.bytes, identity, 8) != 0) {
            char wanted[17];
            for (int i = 0; i < 8; i++) snprintf(wanted + 2 * i, 3, "%02x", identity[i]);
            ardm_sha256_hex(&own, has_hex);
            status = ardm_fail(ARDM_EMODEL, "the archive was made with the model %s… and %s is %.16s…", wanted, named, has_hex);
        }
        if (status != ARDM_OK) {
            ardm_model_free(&model);
            return status;
        }
    } else {
        ARDM_TRY(ardm_model_find(&model, identity, model_folders(), memory_limit(m->args), NULL));
    }
    return keep(out, m, model);
}

ardm_models models_of(open_models *models, const arguments *args) {
    memset(models, 0, sizeof *models);
    models->args = args;
    return (ardm_models){models, by_modality, by_identity};
}

static ardm_status of_kind(void *user, const char *modality, const char *variant, ardm_predictor **out) {
    ardm_predictor *p = user;
    *out = fits(p->model, modality, variant) ? p : NULL;
    return ARDM_OK;
}

static ardm_status of_identity(void *user, const uint8_t identity[8], ardm_predictor **out) {
    ardm_predictor *p = user;
    *out = p;
    return memcmp(p->identity.bytes, identity, 8) == 0 ? ARDM_OK : ardm_fail(ARDM_EMODEL, "the archive just written names another model");
}

ardm_models only_model(ardm_predictor *predictor) { return (ardm_models){predictor, of_kind, of_identity}; }

void close_models(open_models *models) {
    for (uint32_t i = 0; i < models->n; i++) {
        ardm_predictor_close(models->list[i]);
        free(models->list[i]);
    }
    ardm_device_close(&models->device);
}

ardm_status read_archive(ardm_archive **out, ardm_bytes *bytes, const char *path, const arguments *args) {
    ARDM_TRY(ardm_file_read(bytes, path, memory_limit(args), 0));
    ardm_status status = ardm_archive_open(out, bytes->data, bytes->size, memory_limit(args));
    return status == ARDM_OK ? status : ardm_fail_in(status, "%s", path);
}

const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void print_hash(char out[17], uint64_t hash) { snprintf(out, 17, "%016llx", (unsigned long long)hash); }

const char *what_comes_back(const ardm_codec_report *report) {
    return report->same_bytes ? "the same bytes" : strcmp(report->modality, "audio") == 0 ? "the same samples" : "the same pixels";
}
