/* ardm report: a page about a training run, for people. */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void report_failed(report *r, const char *what, ardm_status status) {
    if (r->page.status != ARDM_OK) return;
    if (status == ARDM_EINTERRUPT || status == ARDM_ENOMEM) {
        r->page.status = status;
        return;
    }
    ardm_log_write(ARDM_LOG_WARNING, "report: %s: %s", what, ardm_message());
    html_note(&r->page, "No %s: %s", what, ardm_message());
}

ardm_status report_word(ardm_bytes *out, const report *r, const char *name) {
    char path[4200];
    if (!name) return shell_word(out, r->options->folder);
    snprintf(path, sizeof path, "%s/%s", r->options->folder, name);
    return shell_word(out, path);
}

double report_pace(const run_log *log, uint32_t row) {
    const double *step = log->value[LOG_STEP], *seconds = log->value[LOG_SECONDS];
    const double steps = step[row] - (row ? step[row - 1] : 0), passed = seconds[row] - (row ? seconds[row - 1] : 0);
    return steps > 0 && passed >= 0 ? passed / steps : NAN;
}

/* Metadata of a safetensors file, without its tensors: a checkpoint is three times a model and more. */
static json_t *metadata_of(const char *path) {
    enum { MOST = 64 << 20 };
    unsigned char head[8];
    FILE *file = fopen(path, "rb");
    json_t *all = NULL, *own = NULL;
    char *text = NULL;
    uint64_t size = 0;
    if (!file) return NULL;
    if (fread(head, 1, sizeof head, file) == sizeof head)
        for (int k = 7; k >= 0; k--) size = size << 8 | head[k];
    if (size > 0 && size <= MOST && (text = malloc(size)) != NULL && fread(text, 1, size, file) == size) all = json_loadb(text, size, 0, NULL);
    fclose(file);
    free(text);
    own = json_incref(json_object_get(all, "__metadata__"));
    json_decref(all);
    return own;
}

/* The checkpoint's step; its config where the folder has none. */
static ardm_status find_checkpoint(report *r) {
    static const char *const names[] = {"run.safetensors", "run.previous.safetensors"};
    r->checkpoint_step = -1;
    for (int k = 0; k < 2 && r->checkpoint_step < 0; k++) {
        snprintf(r->checkpoint, sizeof r->checkpoint, "%s/%s", r->options->folder, names[k]);
        json_t *facts = metadata_of(r->checkpoint);
        const char *step = json_string_value(json_object_get(facts, "ardm.step")), *config = json_string_value(json_object_get(facts, "ardm.config"));
        if (step && ardm_parse_int(&r->checkpoint_step, "step", step, 0, (int64_t)1 << 40) != ARDM_OK) r->checkpoint_step = -1;
        ardm_status status = config && r->config.size == 0 ? ardm_bytes_append(&r->config, config, strlen(config)) : ARDM_OK;
        json_decref(facts);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

static void open_model(report *r) {
    ardm_model *model = NULL;
    const report_options *o = r->options;
    if (o->log_only || !ardm_file_exists(r->model_path)) return;
    ardm_status status = ardm_model_load(&model, r->model_path, o->memory);
    if (status == ARDM_OK && ardm_model_get(model, "ardm.training")) r->training = json_loads(ardm_model_get(model, "ardm.training"), 0, NULL);
    if (status == ARDM_OK && !o->device) {
        status = ardm_device_open(&r->own, o->device_name);
        if (status != ARDM_OK) ardm_model_free(&model);
    }
    if (status == ARDM_OK) status = ardm_predictor_open(&r->predictor, model, o->device ? o->device : r->own, o->memory);
    r->has_model = status == ARDM_OK;
    if (status == ARDM_OK) return;
    snprintf(r->model_wrong, sizeof r->model_wrong, "%s", ardm_message());
    ardm_log_write(ARDM_LOG_WARNING, "report: %s", ardm_message());
}

static ardm_status open_run(report *r) {
    const report_options *o = r->options;
    struct stat info;
    char path[4096];
    if (stat(o->folder, &info) != 0 || !S_ISDIR(info.st_mode)) return ardm_fail(ARDM_ENOTFOUND, "%s is no run folder", o->folder);
    if (snprintf(path, sizeof path, "%s/log.csv", o->folder) + 32 >= (int)sizeof path) return ardm_fail(ARDM_EINVAL, "path too long: %s", o->folder);
    snprintf(r->config_path, sizeof r->config_path, "%s/config.ini", o->folder);
    snprintf(r->model_path, sizeof r->model_path, "%s/model.ardm", o->folder);
    const int32_t has_log = ardm_file_exists(path), has_config = ardm_file_exists(r->config_path);
    if (has_config) ARDM_TRY(ardm_file_read(&r->config, r->config_path, o->memory, 0));
    ARDM_TRY(find_checkpoint(r));
    if (!has_log && !has_config && r->checkpoint_step < 0 && !ardm_file_exists(r->model_path))
        return ardm_fail(ARDM_ENOTFOUND, "%s has no config.ini, log.csv, checkpoint or model.ardm: ardm train writes them", o->folder);
    ARDM_TRY(run_log_read(&r->log, path, o->memory));
    if (r->config.size && ardm_recipe_parse(&r->recipe, r->config_path, (const char *)r->config.data, r->config.size) != ARDM_OK)
        snprintf(r->config_wrong, sizeof r->config_wrong, "%s", ardm_message());
    open_model(r);
    return ARDM_OK;
}

static void close_run(report *r) {
    if (r->has_model) ardm_predictor_close(&r->predictor);
    ardm_device_close(&r->own);
    json_decref(r->training);
    ardm_recipe_free(&r->recipe);
    ardm_bytes_free(&r->config);
    run_log_free(&r->log);
}

ardm_status write_report(const report_options *options) {
    report *r = calloc(1, sizeof *r);
    char path[4096], title[512];
    if (!r) return ardm_fail(ARDM_ENOMEM, "no memory for a report");
    r->options = options;
    ardm_status status = open_run(r);
    if (status == ARDM_OK) {
        snprintf(path, sizeof path, "%s/report.html", options->folder);
        snprintf(title, sizeof title, "Training run %.400s", options->folder);
        html_open(&r->page, title);
        report_summary(r);
        report_facts(r);
        report_curves(r);
        if (!options->log_only) report_budgets(r);
        if (!options->log_only) report_pictures(r);
        report_log(r);
        status = html_close(&r->page, options->output ? options->output : path, options->output ? options->overwrite : 1);
    }
    close_run(r);
    free(r);
    return status;
}

void refresh_report(const char *folder, ardm_device *device, int32_t log_only, uint64_t memory) {
    static int32_t told;
    const report_options options = {.folder = folder, .device = device, .log_only = log_only, .memory = memory};
    if (write_report(&options) == ARDM_OK || told) return;
    told = 1;
    ardm_log_write(ARDM_LOG_WARNING, "no report of the run: %s", ardm_message());
}

static ardm_status run(const arguments *args) {
    ARDM_TRY(need_files(args, 1, 1));
    report_options options = {.folder = args->files[0],
                              .output = argument(args, "output"),
                              .root = argument(args, "data"),
                              .device_name = argument(args, "device"),
                              .overwrite = has(args, "force"),
                              .memory = memory_limit(args)};
    ARDM_TRY(argument_int(&options.samples, args, "samples", 16, 0, 256));
    ARDM_TRY(argument_int(&options.steps, args, "steps", 0, 1, 1 << 24));
    ARDM_TRY(argument_int(&options.seed, args, "seed", 0, 0, INT64_MAX));
    /* What the end would refuse is refused before the work. */
    if (options.output && strcmp(options.output, "-") != 0 && !options.overwrite && ardm_file_exists(options.output))
        return ardm_fail(ARDM_EEXIST, "%s exists; -f overwrites it", options.output);
    ARDM_TRY(write_report(&options));
    if (!options.output) printf("%s/report.html\n", options.folder);
    return ARDM_OK;
}

static const option options[] = {
    {"samples", 0, "N", "samples, and up to 8 held-out items with their bits; 0: no pictures, no network call; default 16"},
    {"steps", 0, "N", "network calls of each of them; default 16, or one a cell"},
    {"data", 'd', "DIR", "where relative paths of the config start; default $ARDM_DATA"},
    {"output", 'o', "FILE", "default RUN/report.html, which is replaced; -: standard output"},
    {NULL, 0, NULL, NULL},
};
const command command_report = {"report",
                                "RUN [--samples N] [-o FILE.html]",
                                "A page about a training run: facts, curves, budgets, samples; one file, nothing from outside.",
                                "ardm report run --samples 64 -o run.html",
                                options,
                                run};
