/* ardm plan: what a config needs, before any kernel is built. */
#include "command.h"

#include <string.h>

#include "ardm/modality.h"
#include "ardm/objective.h"
#include "ardm/program.h"
#include "ardm/recipe.h"

static uint64_t total(const ardm_plan_facts *f) {
    return f->state_bytes + f->constant_bytes + f->input_bytes + f->output_bytes + f->local_bytes + f->workspace_bytes;
}

static void print_facts(const char *what, int64_t batch, const ardm_plan_facts *f) {
    printf("%-8s batch %-4lld %6u nodes %6u launches %9.2f GFLOP %9.1f MiB: states %.1f, locals %.1f (live %.1f), workspace %.1f, in and out %.1f\n",
           what, (long long)batch, f->nodes, f->launches, f->flops / 1e9, (double)total(f) / 1048576, (double)f->state_bytes / 1048576,
           (double)f->local_bytes / 1048576, (double)f->live_peak / 1048576, (double)f->workspace_bytes / 1048576,
           (double)(f->input_bytes + f->output_bytes) / 1048576);
}

static ardm_status plan_graph(ardm_plan_facts *out, const ardm_graph *graph, const ardm_recipe *r, const ardm_device_facts *facts, int64_t batch,
                              int64_t rows) {
    int32_t image = r->network.kind == ARDM_NETWORK_UNET;
    ardm_extent extents[4] = {{"N", batch}, {image ? "H" : "L", image ? r->tile : r->window}};
    uint32_t n = 2;
    if (image) extents[n++] = (ardm_extent){"W", r->tile};
    if (rows) extents[n++] = (ardm_extent){"R", rows};
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    return ardm_graph_plan(out, graph, facts, extents, n, &options);
}

static ardm_status plan(const ardm_recipe *r, const ardm_device_facts *facts, const arguments *args) {
    ardm_graph *step = NULL, *inference = NULL, *decode = NULL;
    ardm_plan_facts f;
    ardm_objective objective = {r->group, r->beta1, r->beta2, r->epsilon, r->decay, 20};
    ardm_status status = ardm_objective_train(&step, &r->network, &objective);
    if (status == ARDM_OK) status = ardm_network_graph(&inference, &r->network);
    if (status == ARDM_OK) status = ardm_objective_head(&decode, inference, ARDM_TASK_DECODE, r->network.head, r->network.classes);
    if (status == ARDM_OK) {
        int64_t parameters = 0;
        for (uint32_t i = 0; i < ardm_graph_state_count(inference); i++) {
            ardm_value value = ardm_graph_state_at(inference, i);
            const ardm_shape *shape = ardm_graph_value_shape(inference, value);
            char type[96];
            parameters += ardm_shape_count(shape);
            if (has(args, "verbose"))
                printf("  %-28s %s\n", ardm_graph_value_name(inference, value), ardm_graph_value_type(inference, value, type, sizeof type));
        }
        printf("%lld parameters: %.2f MiB as f32, %.2f MiB as bf16\n", (long long)parameters, (double)parameters * 4 / 1048576,
               (double)parameters * 2 / 1048576);
        status = plan_graph(&f, step, r, facts, r->batch, 0);
        if (status == ARDM_OK) print_facts("train", r->batch, &f);
    }
    if (status == ARDM_OK) status = plan_graph(&f, decode, r, facts, 1, 64);
    if (status == ARDM_OK) print_facts("decode", 1, &f);
    int64_t fits = 0;
    uint64_t limit = memory_limit(args);
    for (int64_t batch = r->group; status == ARDM_OK && batch <= 65536; batch *= 2) {
        status = plan_graph(&f, step, r, facts, batch, 0);
        if (status != ARDM_OK || total(&f) > limit) break;
        fits = batch;
    }
    if (fits)
        printf("largest training batch in %.2f GiB: %lld\n", (double)limit / ((uint64_t)1 << 30), (long long)fits);
    else
        printf("no training batch fits in %.2f GiB\n", (double)limit / ((uint64_t)1 << 30));
    ardm_graph_free(&decode);
    ardm_graph_free(&inference);
    ardm_graph_free(&step);
    return ARDM_OK;
}

static ardm_status run(const arguments *args) {
    ardm_recipe *recipe = NULL;
    ardm_device *device = NULL;
    ardm_process *process = NULL;
    const ardm_modality *modality = NULL;
    ardm_item item;
    memset(&item, 0, sizeof item);
    ARDM_TRY(need_files(args, 1, 1));
    ARDM_TRY(ardm_recipe_read(&recipe, args->files[0]));
    int64_t extents[3] = {recipe->tile, recipe->tile, 1};
    uint32_t rank = recipe->network.kind == ARDM_NETWORK_UNET ? 2 : 1;
    if (rank == 1) extents[0] = recipe->window, extents[1] = 1;
    ardm_status status = ardm_modality_find(&modality, recipe->modality);
    if (status == ARDM_OK) status = ardm_item_blank(&item, modality, recipe->variant[0] ? recipe->variant : NULL, rank, extents);
    if (status == ARDM_OK) status = ardm_recipe_resolve(recipe, item.classes, item.channels, &process);
    if (status == ARDM_OK) status = open_device(&device, args);
    if (status == ARDM_OK) status = plan(recipe, ardm_device_get_facts(device), args);
    ardm_device_close(&device);
    ardm_process_free(&process);
    ardm_item_free(&item);
    ardm_recipe_free(&recipe);
    return status;
}

static const option options[] = {{NULL, 0, NULL, NULL}};
const command command_plan = {"plan",
                              "CONFIG",
                              "Memory, launches and operations of a config, and the largest batch that fits --memory.",
                              "ardm plan samples/configs/tiles.ini --memory 4G",
                              options,
                              run};
