/* ardm plan: what a config needs, before any kernel is built. */
#include "command.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/modality.h"
#include "ardm/objective.h"
#include "ardm/program.h"
#include "ardm/recipe.h"

/* The graphs of a config: a step of training, the network over one item with every unit, and the coder's call of 64 rows. */
typedef struct graphs {
    ardm_graph *step, *forward, *inference, *decode;
} graphs;

/* Items of a run of the step graph. */
static int64_t part_of(const ardm_recipe *r) { return r->batch / r->accumulate; }

static ardm_status build(graphs *out, const ardm_recipe *r) {
    ardm_objective objective = {r->group, r->beta1, r->beta2, r->epsilon, r->decay, 20, 0};
    while ((int64_t)1 << objective.levels < r->accumulate) objective.levels++;
    memset(out, 0, sizeof *out);
    ARDM_TRY(ardm_objective_train(&out->step, &r->network, &objective));
    ARDM_TRY(ardm_network_forward(&out->forward, &r->network));
    ARDM_TRY(ardm_network_graph(&out->inference, &r->network));
    int32_t head = r->network.head == ARDM_HEAD_DATA || r->network.head == ARDM_HEAD_CDF ? ARDM_HEAD_DIRECT : r->network.head;
    /* Of a head of several turns the network is the call; its turns are small. */
    if (ardm_head_turns(head, r->network.classes) > 1) return ardm_graph_copy(&out->decode, out->inference);
    return ardm_objective_head(&out->decode, out->inference, ARDM_TASK_DECODE, head, r->network.classes);
}

static void drop(graphs *g) {
    ardm_graph_free(&g->decode);
    ardm_graph_free(&g->inference);
    ardm_graph_free(&g->forward);
    ardm_graph_free(&g->step);
}

typedef struct named {
    ardm_extent list[4];
    uint32_t n;
} named;

static named extents_of(const ardm_recipe *r, int64_t batch, int64_t rows) {
    int32_t image = r->network.kind == ARDM_NETWORK_UNET;
    named e = {{{"N", batch}, {image ? "H" : "L", image ? r->tile : r->window}}, 2};
    if (image) e.list[e.n++] = (ardm_extent){"W", r->tile};
    if (rows) e.list[e.n++] = (ardm_extent){"R", rows};
    return e;
}

static ardm_status plan_graph(ardm_plan_facts *out, const ardm_graph *graph, const ardm_recipe *r, const ardm_device_facts *facts, int64_t batch,
                              int64_t rows) {
    const named e = extents_of(r, batch, rows);
    return ardm_graph_plan(out, graph, facts, e.list, e.n, NULL);
}

/* The table of layers: a line a node of the forward graph, with the tensors that it reads. */
typedef struct layers {
    json_t *list, *seen; /* seen: names of tensors that are counted already */
    int32_t failed;
} layers;

static json_t *tensor_of(layers *l, const char *name, const ardm_shape *shape) {
    char text[128];
    int32_t again = json_object_get(l->seen, name) != NULL;
    json_object_set_new(l->seen, name, json_true());
    return json_pack("{s:s, s:s, s:I}", "name", name, "shape", ardm_shape_text(shape, text, sizeof text), "parameters",
                     (json_int_t)(again ? 0 : ardm_shape_count(shape)));
}

static void add_layer(void *user, const ardm_plan_node *node) {
    layers *l = user;
    char text[128];
    if (node->output_bytes == 0 && node->n_states == 0) return; /* a view */
    json_t *tensors = json_array();
    for (uint32_t i = 0; i < node->n_states; i++) json_array_append_new(tensors, tensor_of(l, node->states[i], node->state_shapes[i]));
    json_t *layer = json_pack("{s:s, s:o, s:f, s:s, s:I}", "op", node->op->name, "tensors", tensors, "flop", node->flops, "output",
                              ardm_shape_text(node->output, text, sizeof text), "output_bytes", (json_int_t)node->output_bytes);
    l->failed |= json_array_append_new(l->list, layer) != 0;
}

/* A tensor that is read a second time (a tied output) counts where it comes first. */
static ardm_status list_layers(json_t **out, const ardm_graph *forward, const ardm_recipe *r, const ardm_device_facts *facts) {
    layers l = {json_array(), json_object(), 0};
    const named e = extents_of(r, 1, 0);
    ardm_status status = ardm_graph_plan_nodes(forward, facts, e.list, e.n, NULL, add_layer, &l);
    json_decref(l.seen);
    if (status == ARDM_OK && (!l.list || l.failed)) status = ardm_fail(ARDM_ENOMEM, "no memory for a table of layers");
    if (status == ARDM_OK)
        *out = l.list;
    else
        json_decref(l.list);
    return status;
}

static void print_layers(const json_t *list) {
    size_t i, k;
    json_t *layer, *tensor;
    json_int_t parameters = 0, bytes = 0;
    double flops = 0;
    printf("\n%-16s %-32s %-22s %12s %12s  %-22s %12s\n", "op", "tensor", "shape", "parameters", "MFLOP", "output", "bytes");
    json_array_foreach((json_t *)(uintptr_t)list, i, layer) {
        json_t *tensors = json_object_get(layer, "tensors");
        const double flop = json_real_value(json_object_get(layer, "flop"));
        const json_int_t size = json_integer_value(json_object_get(layer, "output_bytes"));
        flops += flop;
        bytes += size;
        for (k = 0; k == 0 || k < json_array_size(tensors); k++) {
            tensor = json_array_get(tensors, k);
            const json_int_t count = json_integer_value(json_object_get(tensor, "parameters"));
            parameters += count;
            printf("%-16s %-32s %-22s ", k ? "" : json_string_value(json_object_get(layer, "op")),
                   tensor ? json_string_value(json_object_get(tensor, "name")) : "-",
                   tensor ? json_string_value(json_object_get(tensor, "shape")) : "-");
            if (tensor)
                printf("%12lld", (long long)count);
            else
                printf("%12s", "-");
            if (k == 0) printf(" %12.4f  %-22s %12lld", flop / 1e6, json_string_value(json_object_get(layer, "output")), (long long)size);
            printf("\n");
        }
    }
    printf("%-16s %-32s %-22s %12lld %12.4f  %-22s %12lld\n", "total", "", "", (long long)parameters, flops / 1e6, "", (long long)bytes);
}

static uint64_t total(const ardm_plan_facts *f) { return f->state_bytes + f->constant_bytes + f->input_bytes + f->output_bytes + f->local_bytes; }

static void print_facts(const char *what, int64_t batch, const ardm_plan_facts *f) {
    printf("%-8s batch %-4lld %6u nodes %6u launches %9.2f GFLOP %9.1f MiB: states %.1f, locals %.1f (live %.1f, workspace %.1f), in and out %.1f\n",
           what, (long long)batch, f->nodes, f->launches, f->flops / 1e9, (double)total(f) / 1048576, (double)f->state_bytes / 1048576,
           (double)f->local_bytes / 1048576, (double)f->live_peak / 1048576, (double)f->workspace_bytes / 1048576,
           (double)(f->input_bytes + f->output_bytes) / 1048576);
}

static json_t *facts_json(int64_t batch, const ardm_plan_facts *f) {
    return json_pack("{s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "batch", (json_int_t)batch, "nodes", (json_int_t)f->nodes,
                     "launches", (json_int_t)f->launches, "flop", f->flops, "bytes", (json_int_t)total(f), "state_bytes", (json_int_t)f->state_bytes,
                     "constant_bytes", (json_int_t)f->constant_bytes, "input_bytes", (json_int_t)f->input_bytes, "output_bytes",
                     (json_int_t)f->output_bytes, "local_bytes", (json_int_t)f->local_bytes, "live_peak", (json_int_t)f->live_peak, "workspace_bytes",
                     (json_int_t)f->workspace_bytes);
}

static int64_t count_parameters(const ardm_graph *graph, int32_t list) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < ardm_graph_state_count(graph); i++) {
        ardm_value value = ardm_graph_state_at(graph, i);
        char type[96];
        sum += ardm_shape_count(ardm_graph_value_shape(graph, value));
        if (list) printf("  %-28s %s\n", ardm_graph_value_name(graph, value), ardm_graph_value_type(graph, value, type, sizeof type));
    }
    return sum;
}

/* The largest batch of `group` times a power of two whose step fits; 0: none does. What the ops refuse to plan does not fit either. */
static int64_t largest_batch(const ardm_graph *step, const ardm_recipe *r, const ardm_device_facts *facts, uint64_t limit) {
    int64_t fits = 0;
    for (int64_t batch = r->group; batch <= 65536; batch *= 2) {
        ardm_plan_facts f;
        if (plan_graph(&f, step, r, facts, batch, 0) != ARDM_OK || total(&f) > limit) break;
        fits = batch;
    }
    return fits;
}

static ardm_status plan(const graphs *g, const ardm_recipe *r, const ardm_device_facts *facts, const arguments *args) {
    ardm_plan_facts train, forward, decode;
    json_t *list = NULL;
    const int32_t json = has(args, "json");
    const int64_t parameters = count_parameters(g->inference, has(args, "verbose") && !json);
    char why[256] = "";
    ARDM_TRY(plan_graph(&forward, g->forward, r, facts, 1, 0));
    ARDM_TRY(plan_graph(&decode, g->decode, r, facts, 1, 64));
    if (plan_graph(&train, g->step, r, facts, part_of(r), 0) != ARDM_OK)
        snprintf(why, sizeof why, "%s", ardm_message()); /* told, with what does fit */
    const uint64_t limit = memory_limit(args);
    const int64_t fits = largest_batch(g->step, r, facts, limit);
    if (has(args, "layers")) ARDM_TRY(list_layers(&list, g->forward, r, facts));
    if (json) {
        json_t *all =
            json_pack("{s:I, s:o, s:o, s:o, s:I, s:I}", "parameters", (json_int_t)parameters, "train", facts_json(part_of(r), &train), "forward",
                      facts_json(1, &forward), "decode", facts_json(1, &decode), "memory", (json_int_t)limit, "largest_batch", (json_int_t)fits);
        if (list) json_object_set_new(all, "layers", list);
        json_dumpf(all, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(all);
        return ARDM_OK;
    }
    printf("%lld parameters: %.2f M, %.2f MiB as f32, %.2f MiB as bf16\n", (long long)parameters, (double)parameters / 1e6,
           (double)parameters * 4 / 1048576, (double)parameters * 2 / 1048576);
    if (why[0])
        printf("%-8s batch %-4lld refused: %s\n", "train", (long long)part_of(r), why);
    else
        print_facts("train", part_of(r), &train);
    print_facts("forward", 1, &forward);
    print_facts("decode", 1, &decode);
    if (fits)
        printf("largest training batch in %.2f GiB: %lld\n", (double)limit / ((uint64_t)1 << 30), (long long)fits);
    else
        printf("no training batch fits in %.2f GiB\n", (double)limit / ((uint64_t)1 << 30));
    if (list) print_layers(list);
    json_decref(list);
    return ARDM_OK;
}

static ardm_status run(const arguments *args) {
    ardm_recipe *recipe = NULL;
    ardm_device *device = NULL;
    ardm_process *process = NULL;
    const ardm_modality *modality = NULL;
    ardm_item item;
    graphs g = {NULL, NULL, NULL, NULL};
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
    if (status == ARDM_OK) status = build(&g, recipe);
    if (status == ARDM_OK) status = plan(&g, recipe, ardm_device_get_facts(device), args);
    drop(&g);
    ardm_device_close(&device);
    ardm_process_free(&process);
    ardm_item_free(&item);
    ardm_recipe_free(&recipe);
    return status;
}

static const option options[] = {{"layers", 0, NULL, "a line a node of the network over one item: tensors, parameters, operations, output"},
                                 {NULL, 0, NULL, NULL}};
const command command_plan = {"plan",
                              "CONFIG",
                              "Memory, launches and operations of a config, and the largest batch that fits --memory.",
                              "ardm plan samples/configs/tiles.ini --memory 4G --layers",
                              options,
                              run};
