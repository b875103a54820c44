/* ardm train: a config in, a run folder and a model out. */
#include "model_file.h"
#include "places.h"
#include "quick.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "ardm/file.h"
#include "ardm/trainer.h"

static void print_keys(void) {
    static const char *const types[] = {"", "text", "whole number", "number", "yes or no", "one of"};
    size_t count;
    const ardm_config_key *keys = ardm_recipe_keys(&count);
    const char *section = "";
    for (size_t i = 0; i < count; i++) {
        const ardm_config_key *k = &keys[i];
        if (strcmp(section, k->section) != 0) printf("%s[%s]\n", i ? "\n" : "", section = k->section);
        printf("  %-11s %s%s%s%s%s%s; %s", k->name, types[k->type], k->choices ? " " : "", k->choices ? k->choices : "",
               k->unit && k->unit[0] ? ", " : "", k->unit ? k->unit : "", k->fallback ? "" : ", must be given", k->help);
        if (k->fallback && k->fallback[0]) printf(" (default %s)", k->fallback);
        if (k->type == ARDM_KEY_INT || k->type == ARDM_KEY_FLOAT) printf(" [%g … %g]", k->low, k->high);
        printf("\n");
    }
    printf("\nA ; begins a comment: a text that has one stands between quotes.\n");
}

static ardm_status open_data(ardm_dataset **out, const ardm_recipe *recipe, const arguments *args) {
    ardm_dataset_options options = {.paths = recipe->paths,
                                    .root = argument(args, "data"),
                                    .modality = recipe->modality,
                                    .variant = recipe->variant,
                                    .shape = recipe->shape,
                                    .tile = recipe->tile,
                                    .window = recipe->window,
                                    .memory = memory_limit(args)};
    ARDM_TRY(items_range(&options.first, &options.end, args));
    return ardm_dataset_open(out, &options);
}

/* What a row of the log brings to the run's report. */
typedef struct watcher {
    const char *folder;
    ardm_device *device;
    uint64_t memory;
} watcher;

static void row_is_there(void *user) {
    const watcher *w = user;
    refresh_report(w->folder, w->device, 1, w->memory);
}

static ardm_status train(const arguments *args, ardm_recipe *recipe, const char *folder, int32_t resume) {
    ardm_dataset *dataset = NULL;
    places on = {.count = 0};
    ardm_trainer *trainer = NULL;
    watcher watch;
    int64_t until = 0;
    char path[4096];
    ARDM_TRY(argument_int(&until, args, "until", 0, 1, (int64_t)1 << 40));
    ardm_status status = open_places(&on, args);
    if (status == ARDM_OK) status = open_data(&dataset, recipe, args);
    const ardm_trainer_devices shared = {on.devices, on.count, on.ranks};
    if (status == ARDM_OK)
        status = ardm_trainer_open_on(&trainer, recipe, dataset, &shared, folder, resume, has(args, "memory") ? memory_limit(args) : 0);
    if (status == ARDM_OK && has(args, "from") && leads(&on)) {
        status = find_model(path, argument(args, "from"));
        if (status == ARDM_OK) status = ardm_trainer_start_from(trainer, path);
    }
    if (status == ARDM_OK && leads(&on)) {
        const ardm_plan_facts *plan = ardm_binding_facts(ardm_trainer_binding(trainer));
        print_places(&on);
        printf(", %lld training and %lld held-out items, step %lld of %lld\n", (long long)ardm_dataset_training(dataset),
               (long long)ardm_dataset_held_out(dataset), (long long)ardm_trainer_step(trainer), (long long)recipe->steps);
        printf("%u nodes, %u launches, %.2f GFLOP a step, %.0f MiB\n", plan->nodes, plan->launches, plan->flops / 1e9,
               (double)(plan->state_bytes + plan->local_bytes + plan->workspace_bytes + plan->input_bytes + plan->output_bytes) / (1 << 20));
        fflush(stdout);
        watch = (watcher){folder, on.devices[0], memory_limit(args)};
        ardm_trainer_watch(trainer, row_is_there, &watch);
    }
    if (status == ARDM_OK) status = ardm_trainer_run(trainer, until);
    if (status == ARDM_OK && leads(&on)) { /* at the last step, or where --until stops */
        if (snprintf(path, sizeof path, "%s/model.ardm", folder) >= (int)sizeof path) status = ardm_fail(ARDM_EINVAL, "path too long: %s", folder);
        if (status == ARDM_OK) status = ardm_trainer_export(trainer, path);
        if (status == ARDM_OK) refresh_report(folder, on.devices[0], 0, memory_limit(args));
        int64_t step = ardm_trainer_step(trainer), best;
        double bits;
        best = ardm_trainer_best(trainer, &bits);
        if (status == ARDM_OK && recipe->patience && step < recipe->steps && (until == 0 || step < until))
            printf("ended at step %lld of %lld: no better bound in %lld evaluations\n", (long long)step, (long long)recipe->steps,
                   (long long)recipe->patience);
        if (status == ARDM_OK && recipe->keep_best && best) printf("weights of step %lld, bound %.4f bits per dimension\n", (long long)best, bits);
        if (status == ARDM_OK) printf("model %s; its figures: ardm model show %s; smaller: ardm model export %s -o FILE.ardm\n", path, path, path);
    }
    ardm_trainer_free(&trainer);
    close_places(&on, status);
    ardm_dataset_free(&dataset);
    return status;
}

static ardm_status run(const arguments *args) {
    char config[4096];
    if (has(args, "keys")) {
        print_keys();
        return ARDM_OK;
    }
    if (has(args, "quick")) return quick(args);
    if (has(args, "minutes") || has(args, "variant") || has(args, "shape"))
        return ardm_fail(ARDM_EINVAL,
                         "--minutes, --variant and --shape are for --quick; a config says [train] steps, [modality] variant, [data] shape");
    const char *resume = argument(args, "resume"), *folder = resume ? resume : argument(args, "output");
    ARDM_TRY(need_files(args, resume ? 0 : 1, 1));
    if (!folder) folder = "run";
    const char *source = args->n_files ? args->files[0] : config;
    if (!args->n_files && snprintf(config, sizeof config, "%s/config.ini", folder) >= (int)sizeof config)
        return ardm_fail(ARDM_EINVAL, "path too long: %s", folder);
    ardm_recipe *recipe = NULL;
    ARDM_TRY(ardm_recipe_read(&recipe, source));
    ardm_status status = train(args, recipe, folder, resume != NULL);
    ardm_recipe_free(&recipe);
    return status;
}

static const option options[] = {
    {"data", 'd', "DIR", "where relative paths of the config start; default $ARDM_DATA"},
    {"output", 'o', "RUN", "run folder; default run"},
    {"resume", 'r', "RUN", "go on with a run folder, to the same bytes as if it had never stopped"},
    {"from", 0, "MODEL", "start from the weights of a model of the same network"},
    {"until", 0, "STEP", "stop after this step, with a checkpoint and the model so far"},
    {"quick", 0, NULL, "make a model for the FILES given: choose network and steps, train, and tell after how much data it pays for itself"},
    {"minutes", 0, "N", "--quick: time for all of it; default 20"},
    {"variant", 0, "NAME", "--quick: read the files as this, such as letters; default what compress takes them for"},
    {"shape", 0, "HxWxC", "--quick: read raw files as arrays of such items"},
    {"keys", 0, NULL, "print every config key with type, range and default"},
    {NULL, 0, NULL, NULL},
};
const command command_train = {"train",
                               "CONFIG [-o RUN] | --quick FILE… [-o RUN] [--minutes N] | --resume RUN",
                               "Train a model by a config; Ctrl-C saves and stops.",
                               "ardm train samples/configs/tiles.ini -o run\n"
                               "  ardm train CONFIG --device 0:0,0:1    2, 4, 8 ... devices share each batch; weights are those of one device\n"
                               "  mpirun -n 2 ardm train CONFIG         so do processes, where ardm was built with an MPI (Debian: libopenmpi-dev\n"
                               "                                        openmpi-bin); each opens the devices of its --device",
                               options,
                               run};
