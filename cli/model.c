/* ardm model: what is there, what is in it, is it whole, and smaller copies. */
#include "model_file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/file.h"

static ardm_status show(const char *path, const arguments *args) {
    static const char *const types[] = {"", "f32", "bf16", "i8", "u8", "u16", "i32", "u32", "f64"};
    ardm_model *model = NULL;
    ardm_sha256 identity;
    char hex[65];
    ARDM_TRY(ardm_model_load(&model, path, memory_limit(args)));
    ardm_status status = ardm_model_identity(model, &identity);
    if (status == ARDM_OK) {
        ardm_sha256_hex(&identity, hex);
        printf("file       %s\nidentity   %s\n", path, hex);
        static const char *const keys[] = {"ardm.modality", "ardm.process", "ardm.order",   "ardm.layout",
                                           "ardm.numerics", "ardm.ops",     "ardm.training"};
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (ardm_model_get(model, keys[i])) printf("%-10s %s\n", keys[i] + 5, ardm_model_get(model, keys[i]));
        uint64_t parameters = 0, bytes = 0;
        for (uint32_t i = 0; i < ardm_model_tensor_count(model); i++) {
            const ardm_tensor *t = ardm_model_tensor_at(model, i);
            uint64_t count = 1;
            if (!ardm_model_is_weight(model, t)) continue;
            for (uint32_t d = 0; d < t->rank; d++) count *= (uint64_t)t->dim[d];
            parameters += count;
            bytes += t->bytes;
            if (!has(args, "verbose")) continue;
            printf("  %-28s %-5s", t->name, types[t->dtype]);
            for (uint32_t d = 0; d < t->rank; d++) printf("%s%lld", d ? "," : " ", (long long)t->dim[d]);
            printf("\n");
        }
        printf("weights    %llu parameters, %llu bytes\nschedules  %u frozen\n", (unsigned long long)parameters, (unsigned long long)bytes,
               ardm_model_schedule_count(model));
    }
    ardm_model_free(&model);
    return status;
}

static ardm_status verify(const char *path, const arguments *args) {
    ardm_predictor predictor;
    ardm_device *device = NULL;
    char hex[65];
    ARDM_TRY(open_predictor(&predictor, &device, path, args));
    ardm_sha256_hex(&predictor.identity, hex);
    printf("%s: whole, every weight of its graph present and finite, identity %s\n", path, hex);
    ardm_predictor_close(&predictor);
    ardm_device_close(&device);
    return ARDM_OK;
}

static ardm_status export_model(const char *path, const arguments *args) {
    const char *to = argument(args, "output"), *type = argument(args, "type");
    if (!to) return ardm_fail(ARDM_EINVAL, "ardm model export %s: give -o FILE.ardm", path);
    uint32_t dtype = !type || strcmp(type, "bf16") == 0 ? ARDM_STORED_BF16 : strcmp(type, "int8") == 0 ? ARDM_STORED_I8 : 0;
    if (!dtype) return ardm_fail(ARDM_EINVAL, "--type %s: choose bf16 or int8", type);
    ardm_model *model = NULL, *rounded = NULL;
    ARDM_TRY(ardm_model_load(&model, path, memory_limit(args)));
    ardm_status status = ardm_model_export(&rounded, model, dtype);
    if (status == ARDM_OK) status = ardm_model_write(rounded, to, has(args, "force"));
    ardm_model_free(&rounded);
    ardm_model_free(&model);
    return status;
}

static void list_folder(const char *folder, size_t length) {
    char path[4096];
    snprintf(path, sizeof path, "%.*s", (int)length, folder);
    DIR *directory = opendir(path);
    if (!directory) return;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        size_t n = strlen(entry->d_name);
        if (n > 5 && strcmp(entry->d_name + n - 5, ".ardm") == 0) printf("%s/%s\n", path, entry->d_name);
    }
    closedir(directory);
}

static ardm_status run(const arguments *args) {
    char path[4096];
    ARDM_TRY(need_files(args, 1, 2));
    const char *what = args->files[0];
    if (strcmp(what, "list") == 0) {
        const char *sources[2] = {getenv("ARDM_MODEL_PATH"), model_folders()};
        for (int i = 0; i < 2; i++)
            for (const char *at = sources[i]; at && *at; at += strcspn(at, ":"), at += *at == ':') list_folder(at, strcspn(at, ":"));
        return ARDM_OK;
    }
    ARDM_TRY(need_files(args, 2, 2));
    ARDM_TRY(find_model(path, args->files[1]));
    if (strcmp(what, "show") == 0) return show(path, args);
    if (strcmp(what, "verify") == 0) return verify(path, args);
    if (strcmp(what, "export") == 0) return export_model(path, args);
    return ardm_fail(ARDM_EINVAL, "ardm model %s: choose list, show, verify or export", what);
}

static const option options[] = {
    {"output", 'o', "FILE", "export: where the rounded model goes"},
    {"type", 0, "TYPE", "export: bf16 (default) or int8"},
    {NULL, 0, NULL, NULL},
};
const command command_model = {"model",
                               "list | show|verify|export MODEL",
                               "List models, show one, check it, or write a copy with rounded weights.",
                               "ardm model export run/model.ardm -o tiles.ardm",
                               options,
                               run};
