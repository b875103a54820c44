/* run.c: what run.h says. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/checks.h"

static char folder[] = "/tmp/ardm-train-XXXXXX";
static int runs;

int open_folder(void) {
    char path[64];
    setenv("ARDM_PLUGIN_PATH", ARDM_TEST_PLUGINS, 1);
    if (!mkdtemp(folder)) return 0;
    snprintf(path, sizeof path, "%s/words.txt", folder);
    FILE *file = fopen(path, "wb");
    if (!file) return 0;
    for (int i = 0; i < 800; i++) fprintf(file, "%d sheep sleep in the shade; ", i * i % 97);
    return fclose(file) == 0;
}

const char *data_folder(void) { return folder; }

int close_folder(void) {
    char clean[64];
    snprintf(clean, sizeof clean, "rm -rf '%s'", folder);
    return system(clean) == 0;
}

static void open_trainer(run *r, int32_t resumed) {
    const ardm_trainer_devices on = {r->devices, r->n_devices, NULL};
    ck_ok(ardm_trainer_open_on(&r->trainer, r->recipe, r->dataset, &on, r->path, resumed, 0));
    r->store = ardm_trainer_store(r->trainer);
}

static void open_all(run *r, const char *root, const char *devices, const char *config, int32_t resumed) {
    r->root = root;
    ck_ok(ardm_recipe_parse(&r->recipe, "words.ini", config, strlen(config)));
    const ardm_dataset_options options = {.paths = r->recipe->paths,
                                          .root = root,
                                          .modality = r->recipe->modality,
                                          .variant = r->recipe->variant,
                                          .tile = r->recipe->tile,
                                          .window = r->recipe->window,
                                          .end = INT64_MAX,
                                          .memory = 1 << 30};
    ck_ok(ardm_dataset_open(&r->dataset, &options));
    ck_ok(ardm_device_open_list(r->devices, 8, &r->n_devices, devices));
    r->device = r->devices[0];
    open_trainer(r, resumed);
}

void begin(run *r, const char *devices, const char *config) {
    memset(r, 0, sizeof *r);
    snprintf(r->path, sizeof r->path, "%s/run%d", folder, runs++);
    open_all(r, folder, devices, config, 0);
}

void resume(const char *path, const char *root) {
    run r = {0};
    char name[128];
    ardm_bytes config = {0};
    setenv("ARDM_PLUGIN_PATH", ARDM_TEST_PLUGINS, 1);
    snprintf(r.path, sizeof r.path, "%s", path);
    snprintf(name, sizeof name, "%s/config.ini", path);
    ck_ok(ardm_file_read(&config, name, 1 << 20, 0));
    ck_ok(ardm_bytes_append(&config, "", 1));
    open_all(&r, root, "reference", (const char *)config.data, 1);
    ck_ok(ardm_trainer_run(r.trainer, 0));
    ardm_bytes_free(&config);
    end(&r);
}

void again(run *r) {
    ardm_trainer_free(&r->trainer);
    open_trainer(r, 1);
}

static void close_devices(run *r) {
    while (r->n_devices > 0) ardm_device_close(&r->devices[--r->n_devices]);
}

void again_on(run *r, const char *devices) {
    ardm_trainer_free(&r->trainer);
    close_devices(r);
    ck_ok(ardm_device_open_list(r->devices, 8, &r->n_devices, devices));
    r->device = r->devices[0];
    open_trainer(r, 1);
}

void end(run *r) {
    ardm_trainer_free(&r->trainer);
    close_devices(r);
    ardm_dataset_free(&r->dataset);
    ardm_recipe_free(&r->recipe);
}

ardm_bytes states(const run *r) {
    ardm_bytes all = {0};
    for (uint32_t i = 0; i < ardm_store_count(r->store); i++) {
        const char *name = ardm_store_name(r->store, i);
        const ardm_shape *shape = ardm_store_shape(r->store, name);
        void *data = malloc((size_t)ardm_shape_bytes(shape));
        ck_assert_ptr_nonnull(data);
        ck_ok(ardm_store_get(r->store, name, data));
        ck_ok(ardm_bytes_append(&all, data, (size_t)ardm_shape_bytes(shape)));
        free(data);
    }
    return all;
}

void ck_same(const ardm_bytes *a, const ardm_bytes *b) {
    ck_assert_uint_eq(a->size, b->size);
    ck_assert_mem_eq(a->data, b->data, a->size);
}

ardm_bytes checkpoint(const run *r) {
    char path[128];
    ardm_bytes bytes = {0};
    snprintf(path, sizeof path, "%s/run.safetensors", r->path);
    ck_ok(ardm_file_read(&bytes, path, 1 << 30, 0));
    return bytes;
}

const char *device_at(size_t index) {
    static char name[32];
    const ardm_device_entry *entries;
    size_t count;
    if (index == 0) return "reference";
    ck_ok(ardm_device_list(&entries, &count));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].why || entries[i].facts.device_class == ARDM_CLASS_REFERENCE || --index) continue;
        snprintf(name, sizeof name, "%u:%u", entries[i].facts.platform_index, entries[i].facts.device_index);
        return name;
    }
    return NULL;
}
