/* Model files by path or name. */
#include "model_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ardm/file.h"

const char *model_folders(void) {
    static char folders[3 * 4096];
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) return ARDM_MODELS;
    self[n] = 0;
    *strrchr(self, '/') = 0;
    snprintf(folders, sizeof folders, "%s/../share/ardm:%s/models:%s", self, self, ARDM_MODELS);
    return folders;
}

static int32_t try_folders(char out[4096], const char *folders, const char *name) {
    while (folders && *folders) {
        size_t n = strcspn(folders, ":");
        if (n && snprintf(out, 4096, "%.*s/%s.ardm", (int)n, folders, name) < 4096 && ardm_file_exists(out)) return 1;
        folders += n + (folders[n] == ':');
    }
    return 0;
}

ardm_status find_model(char out[4096], const char *name) {
    if (ardm_file_exists(name)) {
        if (snprintf(out, 4096, "%s", name) >= 4096) return ardm_fail(ARDM_EINVAL, "path too long: %.80s…", name);
        return ARDM_OK;
    }
    if (!strchr(name, '/') && (try_folders(out, getenv("ARDM_MODEL_PATH"), name) || try_folders(out, model_folders(), name))) return ARDM_OK;
    return ardm_fail(ARDM_EMODEL, "no model %s: no such file, and no %s.ardm in $ARDM_MODEL_PATH or %s", name, name, model_folders());
}

ardm_status open_predictor(ardm_predictor *out, ardm_device **device, const char *name, const arguments *args) {
    char path[4096];
    ardm_model *model = NULL;
    ARDM_TRY(find_model(path, name));
    ARDM_TRY(ardm_model_load(&model, path, memory_limit(args)));
    ardm_status status = open_device(device, args);
    if (status != ARDM_OK) {
        ardm_model_free(&model);
        return status;
    }
    status = ardm_predictor_open(out, model, *device, memory_limit(args));
    if (status != ARDM_OK) ardm_device_close(device);
    return status;
}
