/* ardm train --quick: looks at the files, chooses and trains a network by the ordinary trainer until the time is nearly over, and says what the model
 * is worth. */
#include "quick.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "ardm/model.h"
#include "ardm/trainer.h"

static const double usual_minutes = 20;

static ardm_status check_options(const arguments *args) {
    static const char *const others[] = {"data", "from", "until", "keys"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (has(args, others[i]))
            return ardm_fail(ARDM_EINVAL, "--quick takes files and no config: --%s has no meaning beside it; edit RUN/config.ini and train that",
                             others[i]);
    if (has(args, "items")) return ardm_fail(ARDM_EINVAL, "--quick takes whole files; --items has no meaning beside it");
    return ARDM_OK;
}

static ardm_status take_time(quick_time *out, const arguments *args, int32_t resumed) {
    double minutes = usual_minutes;
    out->began = ardm_clock();
    out->end = INFINITY;
    if (has(args, "minutes")) ARDM_TRY(ardm_parse_float(&minutes, "minutes", argument(args, "minutes"), 0.05, 100000));
    if (has(args, "minutes") || !resumed) out->end = out->began + 60 * minutes;
    return ARDM_OK;
}

static ardm_status path_in(char out[4096], const char *folder, const char *name) {
    return snprintf(out, 4096, "%s/%s", folder, name) < 4096 ? ARDM_OK : ardm_fail(ARDM_EINVAL, "path too long: %s", folder);
}

static void say(const arguments *args, const char *format, ...) ARDM_PRINTF(2, 3);
static void say(const arguments *args, const char *format, ...) {
    if (has(args, "json") || has(args, "quiet")) return;
    va_list list;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    fflush(stdout);
}

static void say_data(const quick_data *d, const arguments *args) {
    say(args, "%d file%s of %s %s, %lld bytes: %lld symbols, %lld %s of %lld\n", d->n_files, d->n_files == 1 ? "" : "s",
        ardm_modality_id(d->modality), d->variant, (long long)d->bytes, (long long)d->symbols, (long long)d->windows,
        d->rank > 1 ? "tiles" : "windows", (long long)d->window);
    if (d->held[0].from > 0 || d->held[0].first > 0)
        say(args, "held out for the figures at the end: the last %lld bytes of %s\n", (long long)d->held_bytes, d->held[0].path);
    else
        say(args, "held out for the figures at the end: %d file%s, %lld bytes, named in held-out.json of the run folder\n", d->n_held,
            d->n_held == 1 ? "" : "s", (long long)d->held_bytes);
}

static ardm_status open_set(ardm_dataset **out, const quick_data *d, const char *paths, const char *root) {
    const ardm_dataset_options options = {.paths = paths,
                                          .root = root,
                                          .modality = ardm_modality_id(d->modality),
                                          .variant = d->variant,
                                          .shape = d->shape,
                                          .tile = d->window,
                                          .window = d->window,
                                          .end = INT64_MAX,
                                          .memory = d->memory};
    return ardm_dataset_open(out, &options);
}

/* Slices from checkpoint to checkpoint, the last one as long as the time allows by the speed of the one before. */
static ardm_status train_until(ardm_trainer *trainer, const ardm_recipe *recipe, double end, double step) {
    for (int64_t at; (at = ardm_trainer_step(trainer)) < recipe->steps;) {
        int64_t until = (at / recipe->checkpoint + 1) * recipe->checkpoint;
        const double began = ardm_clock(), fit = step > 0 ? (end - began) / step : 2;
        if (fit < 1) return ARDM_OK;
        if (fit < (double)(until - at)) until = at + (int64_t)fit;
        if (until > recipe->steps) until = recipe->steps;
        ARDM_TRY(ardm_trainer_run(trainer, until));
        step = (ardm_clock() - began) / (double)(until - at);
    }
    return ARDM_OK;
}

/* The trainer's model, and the copy with rounded weights that is measured. */
static ardm_status write_models(char rounded[4096], ardm_trainer *trainer, const char *folder) {
    char path[4096];
    ardm_model *model = NULL, *copy = NULL;
    ARDM_TRY(path_in(path, folder, "model.ardm"));
    ARDM_TRY(path_in(rounded, folder, "model-bf16.ardm"));
    ARDM_TRY(ardm_trainer_export(trainer, path));
    ARDM_TRY(ardm_model_load(&model, path, (uint64_t)1 << 40));
    ardm_status status = ardm_model_export(&copy, model, ARDM_STORED_BF16);
    if (status == ARDM_OK) status = ardm_model_write(copy, rounded, 1);
    ardm_model_free(&copy);
    ardm_model_free(&model);
    return status;
}

static ardm_status train(char rounded[4096], ardm_recipe *recipe, const ardm_dataset *dataset, ardm_device *device, const char *folder,
                         const quick_plan *plan, const quick_time *time, int32_t resumed, const quick_data *d, const arguments *args) {
    ardm_trainer *trainer = NULL;
    ardm_estimate bound;
    double reserve = plan->reserve;
    ardm_status status = ardm_trainer_open(&trainer, recipe, dataset, device, folder, resumed, d->limit);
    if (status == ARDM_OK && resumed && isfinite(time->end)) {
        status = ardm_trainer_bound(&bound, trainer, 8, 2);
        reserve = quick_reserve(bound.seconds, dataset, time);
    }
    if (status == ARDM_OK) status = train_until(trainer, recipe, time->end - reserve, plan->step);
    if (status == ARDM_EINTERRUPT)
        ardm_fail(status, "stopped at step %lld; go on with ardm train --quick --resume %s, or without --quick for the model alone",
                  (long long)(trainer ? ardm_trainer_step(trainer) : 0), folder);
    if (status == ARDM_OK && ardm_trainer_step(trainer) < recipe->steps)
        say(args, "time is over at step %lld of %lld: the device was slower than when it was measured; ardm train --quick --resume %s goes on\n",
            (long long)ardm_trainer_step(trainer), (long long)recipe->steps, folder);
    if (status == ARDM_OK) status = write_models(rounded, trainer, folder);
    ardm_trainer_free(&trainer);
    return status;
}

static ardm_status finish(const quick_data *d, const char *folder, const char *rounded, const quick_time *time, const arguments *args) {
    quick_time rest = *time;
    if (!isfinite(rest.end)) rest = (quick_time){ardm_clock(), ardm_clock() + 60 * usual_minutes / 8};
    ARDM_TRY(quick_worth(d, rounded, &rest, args));
    say(args, "A page about the run, with samples: ardm report %s\n", folder);
    return ARDM_OK;
}

static ardm_status begin(const char *folder, const quick_time *time, const arguments *args) {
    quick_data data;
    quick_plan plan = {0};
    ardm_dataset *dataset = NULL;
    ardm_device *device = NULL;
    ardm_recipe *recipe = NULL;
    char path[4096], rounded[4096];
    ARDM_TRY(path_in(path, folder, "run.safetensors"));
    if (ardm_file_exists(path))
        return ardm_fail(ARDM_EEXIST, "%s exists; go on with ardm train --quick --resume %s, or choose another folder with -o", path, folder);
    ardm_status status = quick_look(&data, args);
    if (status == ARDM_OK) status = quick_split(&data, folder);
    if (status == ARDM_OK) say_data(&data, args);
    if (status == ARDM_OK) status = open_set(&dataset, &data, (const char *)data.paths.data, NULL);
    if (status == ARDM_OK) status = open_device(&device, args);
    if (status == ARDM_OK) {
        say(args, "time: %.4g min on %s; timing networks\n", (time->end - time->began) / 60, ardm_device_name(device));
        status = quick_choose(&plan, &data, dataset, device, folder, time);
    }
    if (status == ARDM_OK) status = path_in(path, folder, "config.ini");
    if (status == ARDM_OK) status = ardm_recipe_parse(&recipe, path, (const char *)plan.config.data, plan.config.size);
    if (status == ARDM_OK) {
        say(args,
            "network: %s of width %lld, %lld layers, order %s, %lld parameters (%.2f MB as bf16), the config is %s\n"
            "plan: %lld steps of %.3g s, about %.1f minutes; then %.1f for the model's curve and for coding held-out data\n",
            ardm_config_text(recipe->config, "network", "kind"), (long long)recipe->network.width, (long long)recipe->network.layers, recipe->order,
            (long long)plan.parameters, (double)plan.parameters * 2e-6, path, (long long)plan.steps, plan.step, (double)plan.steps * plan.step / 60,
            plan.reserve / 60);
        if (plan.steps < 200) say(args, "so few steps make a poor model: give --minutes more\n");
        status = train(rounded, recipe, dataset, device, folder, &plan, time, 0, &data, args);
    }
    ardm_recipe_free(&recipe);
    ardm_dataset_free(&dataset);
    ardm_device_close(&device);
    ardm_bytes_free(&plan.config);
    if (status == ARDM_OK) status = finish(&data, folder, rounded, time, args);
    quick_data_free(&data);
    return status;
}

static ardm_status resume(const char *folder, const quick_time *time, const arguments *args) {
    quick_data data;
    const quick_plan plan = {0};
    ardm_dataset *dataset = NULL;
    ardm_device *device = NULL;
    ardm_recipe *recipe = NULL;
    char path[4096], rounded[4096];
    ARDM_TRY(need_files(args, 0, 0));
    ARDM_TRY(quick_split_read(&data, folder, memory_limit(args)));
    data.limit = has(args, "memory") ? data.memory : 0;
    ardm_status status = path_in(path, folder, "config.ini");
    if (status == ARDM_OK) status = ardm_recipe_read(&recipe, path);
    if (status == ARDM_OK) status = open_set(&dataset, &data, recipe->paths, NULL);
    if (status == ARDM_OK) status = open_device(&device, args);
    if (status == ARDM_OK) status = train(rounded, recipe, dataset, device, folder, &plan, time, 1, &data, args);
    ardm_recipe_free(&recipe);
    ardm_dataset_free(&dataset);
    ardm_device_close(&device);
    if (status == ARDM_OK) status = finish(&data, folder, rounded, time, args);
    quick_data_free(&data);
    return status;
}

ardm_status quick(const arguments *args) {
    quick_time time;
    const char *resumed = argument(args, "resume"), *folder = resumed ? resumed : argument(args, "output");
    ARDM_TRY(check_options(args));
    ARDM_TRY(take_time(&time, args, resumed != NULL));
    if (resumed) return resume(folder, &time, args);
    if (args->n_files == 0) return ardm_fail(ARDM_EINVAL, "name the files to make a model for: ardm train --quick FILE…");
    return begin(folder ? folder : "run", &time, args);
}
