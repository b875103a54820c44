/* What networks say, for a reader in another language to say again: as JSON, one object a network, with its inputs, its outputs and where it has
 * no model file its weights. Golden models, and every network that can be built today, at toy sizes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/exact.h"
#include "ardm/network.h"
#include "ardm/objective.h"
#include "ardm/philox.h"
#include "ardm/predictor.h"

enum { HIGH = 6, WIDE = 8, LONG = 20, BLOCK = 3, EXPERT = 1 };
static const float when = 0.375f;

static int failed(void) {
    fprintf(stderr, "%s\n", ardm_message());
    return 1;
}

static uint32_t word(uint32_t what, uint32_t index) { return ardm_random_word(5, ARDM_RANDOM_SYNTHETIC, what, 0, index); }

static void print_floats(const float *data, int64_t count) {
    printf("[");
    for (int64_t i = 0; i < count; i++) printf("%s%.9g", i ? "," : "", (double)data[i]);
    printf("]");
}

/* No state at zero: what closes a branch is heard. */
static ardm_status draw(ardm_store *store, const ardm_graph *graph) {
    for (uint32_t s = 0; s < ardm_graph_state_count(graph); s++) {
        ardm_value value = ardm_graph_state_at(graph, s);
        const char *name = ardm_graph_value_name(graph, value), *dot = strrchr(name, '.');
        const ardm_shape *shape = ardm_graph_value_shape(graph, value);
        const int64_t count = ardm_shape_count(shape), last = shape->dim[shape->rank - 1];
        const float scale = shape->rank > 1 ? 2 * ardm_rsqrt((float)(count / last)) : 0.25f;
        float *data = malloc((size_t)count * sizeof *data);
        if (!data) return ardm_fail(ARDM_ENOMEM, "no memory for %s", name);
        for (int64_t i = 0; i < count; i++)
            data[i] = (strcmp(dot, ".gain") == 0) + scale * ((float)(word(9 + s, (uint32_t)i) >> 8) * 0x1p-23f - 1.0f);
        ardm_status status = ardm_store_set(store, name, shape, data);
        free(data);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

static ardm_status print_weights(ardm_store *store) {
    printf(", \"weights\": {");
    for (uint32_t s = 0; s < ardm_store_count(store); s++) {
        const char *name = ardm_store_name(store, s);
        const ardm_shape *shape = ardm_store_shape(store, name);
        float *data = malloc((size_t)ardm_shape_bytes(shape));
        if (!data) return ardm_fail(ARDM_ENOMEM, "no memory for %s", name);
        ardm_status status = ardm_store_get(store, name, data);
        printf("%s\"%s\": {\"shape\": [", s ? ", " : "", name);
        for (uint32_t d = 0; d < shape->rank; d++) printf("%s%lld", d ? "," : "", (long long)shape->dim[d]);
        printf("], \"data\": ");
        print_floats(data, ardm_shape_count(shape));
        printf("}");
        free(data);
        ARDM_TRY(status);
    }
    printf("}");
    return ARDM_OK;
}

/* Runs the network over one item, every unit a row, and prints inputs and outputs. voids: the last column or samples are void. */
static ardm_status run(const ardm_graph *graph, ardm_store *store, int64_t classes, int64_t channels, int64_t parts, int32_t stage, int voids) {
    const int image = channels > 0;
    const int64_t symbols_each = image ? HIGH * WIDE * channels : LONG, units = symbols_each / parts;
    const ardm_extent extents[] = {{"N", 1}, {"R", units}, {image ? "H" : "L", image ? HIGH : LONG}, {"W", WIDE}};
    ardm_binding *binding = NULL;
    ARDM_TRY(ardm_bind(&binding, graph, store, extents, image ? 4 : 3, NULL));
    int32_t *symbols = ardm_binding_input(binding, "symbols"), *rows = ardm_binding_input(binding, "rows"),
            *block = ardm_binding_input(binding, "block");
    uint8_t *state = ardm_binding_input(binding, "state");
    for (int64_t u = 0; u < symbols_each; u++) {
        const int64_t place = image ? u / channels % WIDE : u, end = image ? WIDE - 1 : LONG - 3;
        symbols[u] = (int32_t)(word(1, (uint32_t)u) % (uint32_t)classes);
        state[u] = voids && place >= end ? 3 : (uint8_t)(word(2, (uint32_t)(u / parts)) % 3); /* all of a unit alike */
    }
    for (int64_t u = 0; u < units; u++) rows[u] = (int32_t)u;
    *(int32_t *)ardm_binding_input(binding, "stage") = stage;
    *(float *)ardm_binding_input(binding, "time") = when;
    if (block) *block = BLOCK;
    for (int64_t u = 0; ardm_binding_input(binding, "position") && u < LONG; u++) /* 7 has no divisor in common with 20 */
        ((int32_t *)ardm_binding_input(binding, "position"))[u] = (int32_t)(7 * u % LONG);
    if (ardm_binding_input(binding, "expert")) *(int32_t *)ardm_binding_input(binding, "expert") = EXPERT;
    ardm_status status = ardm_run(binding);
    if (status == ARDM_OK) {
        printf(", \"shape\": [%d, %d, %lld], \"stage\": %d, \"time\": %.9g, \"block\": %d, \"symbols\": [", image ? HIGH : 1, image ? WIDE : LONG,
               (long long)(image ? channels : 1), stage, (double)when, block ? BLOCK : 0);
        for (int64_t u = 0; u < symbols_each; u++) printf("%s%d", u ? "," : "", symbols[u]);
        printf("], \"state\": [");
        for (int64_t u = 0; u < symbols_each; u++) printf("%s%d", u ? "," : "", state[u]);
        printf("], \"z\": ");
        print_floats(ardm_binding_output(binding, "z"), ardm_shape_count(ardm_binding_shape(binding, "z")));
        if (ardm_binding_output(binding, "centre")) {
            printf(", \"centre\": ");
            print_floats(ardm_binding_output(binding, "centre"), symbols_each);
        }
    }
    ardm_binding_free(&binding);
    return status;
}

static ardm_status run_golden(ardm_device *device, const char *path, int64_t channels) {
    ardm_model *model = NULL;
    ardm_predictor predictor;
    ardm_graph *graph = NULL;
    ARDM_TRY(ardm_model_load(&model, path, 1 << 28));
    ARDM_TRY(ardm_predictor_open(&predictor, model, device, 0));
    const char *text = ardm_model_get(model, "ardm.graph");
    ardm_status status = ardm_graph_parse(&graph, text, strlen(text), 1 << 20);
    printf("{\"model\": \"%s\"", path);
    if (status == ARDM_OK) status = run(graph, predictor.store, 256, channels, 1, 0, 0);
    printf("}");
    ardm_graph_free(&graph);
    ardm_predictor_close(&predictor);
    return status;
}

static ardm_status run_toy(ardm_device *device, const char *name, const ardm_network *net) {
    static const char *const kinds[] = {"", "transformer", "unet", "diffwave"};
    ardm_graph *graph = NULL;
    ardm_store *store = NULL;
    ARDM_TRY(ardm_network_graph(&graph, net));
    ardm_status status = ardm_store_create(&store, device);
    if (status == ARDM_OK) status = draw(store, graph);
    printf("{\"name\": \"%s\", \"network\": {\"kind\": \"%s\", \"paper\": %d, \"time\": %d, \"classes\": %lld, \"stages\": %lld, \"base\": %lld",
           name, kinds[net->kind], net->paper, net->timed, (long long)net->classes, (long long)net->stages, (long long)net->base);
    printf(", \"width\": %lld, \"layers\": %lld, \"heads\": %lld, \"groups\": %lld, \"scales\": %lld, \"down\": %lld, \"cycle\": %lld", //
           (long long)net->width, (long long)net->layers, (long long)net->heads, (long long)net->groups, (long long)net->scales, (long long)net->down,
           (long long)net->cycle);
    printf(", \"every\": %lld, \"streams\": %lld, \"context\": %lld, \"buckets\": %lld, \"mixtures\": %lld, \"units\": %lld, \"experts\": %lld, "
           "\"expert\": %d, \"permuted\": %d}",
           (long long)net->every, (long long)net->streams, (long long)net->context, (long long)net->buckets, (long long)net->mixtures,
           (long long)(net->channels / ardm_head_parts(net->head, (uint32_t)net->channels)), (long long)net->experts, EXPERT, net->permuted);
    if (status == ARDM_OK) status = print_weights(store);
    const int32_t image = net->kind == ARDM_NETWORK_UNET;
    if (status == ARDM_OK)
        status = run(graph, store, net->classes, image ? net->channels : 0, ardm_head_parts(net->head, (uint32_t)net->channels), net->stages > 1,
                     net->kind != ARDM_NETWORK_TRANSFORMER || net->taps > 0);
    printf("}");
    ardm_store_free(&store);
    ardm_graph_free(&graph);
    return status;
}

#define SIZES .size = sizeof(ardm_network), .classes = 16, .width = 16
#define WHOLE .family = "absorbing", .stages = 1, .base = 16
#define STAGED .family = "zero-least-significant", .stages = 2, .base = 4, .inputs = 16
#define TEXT .kind = ARDM_NETWORK_TRANSFORMER, .head = ARDM_HEAD_SOFTMAX, .channels = 1, .streams = 1
#define PERMUTED .kind = ARDM_NETWORK_TRANSFORMER, .head = ARDM_HEAD_SOFTMAX, .channels = 1, .streams = 2, .permuted = 1
#define PICTURE .kind = ARDM_NETWORK_UNET, .channels = 3, .groups = 4, .streams = 1
#define SOUND .kind = ARDM_NETWORK_DIFFWAVE, .head = ARDM_HEAD_MIXTURE, .channels = 1, .cycle = 2, .mixtures = 2, .streams = 1
static const struct {
    const char *name;
    ardm_network net;
} toys[] = {
    {"transformer", {SIZES, WHOLE, TEXT, .layers = 2, .heads = 2, .context = 2, .buckets = 64}},
    {"transformer, permuted", {SIZES, WHOLE, PERMUTED, .layers = 2, .heads = 2}},
    {"paper transformer, permuted", {SIZES, WHOLE, PERMUTED, .layers = 1, .heads = 2, .paper = 1}},
    {"transformer, convolved", {SIZES, WHOLE, TEXT, .layers = 1, .heads = 2, .context = 1, .buckets = 16, .taps = 5}},
    {"unet", {SIZES, WHOLE, PICTURE, .head = ARDM_HEAD_MIXTURE, .layers = 2, .heads = 2, .stem = 8, .scales = 2, .down = 2, .mixtures = 2}},
    {"unet of pixels", {SIZES, WHOLE, PICTURE, .head = ARDM_HEAD_PIXEL, .layers = 1, .stem = 8, .scales = 2, .down = 2, .mixtures = 2}},
    {"diffwave", {SIZES, WHOLE, SOUND, .layers = 3, .scales = 3}},
    {"unet of experts",
     {SIZES, WHOLE, PICTURE, .head = ARDM_HEAD_MIXTURE, .layers = 1, .stem = 8, .scales = 2, .down = 1, .mixtures = 1, .experts = 3}},
    {"diffwave of experts", {SIZES, WHOLE, SOUND, .layers = 1, .scales = 2, .experts = 2}},
    {"paper transformer", {SIZES, WHOLE, TEXT, .layers = 2, .heads = 2, .paper = 1, .timed = 1}},
    {"paper unet", {SIZES, WHOLE, PICTURE, .head = ARDM_HEAD_SOFTMAX, .layers = 2, .heads = 1, .stem = 12, .down = 1, .paper = 1, .embedding = 3}},
    {"paper unet, packed",
     {SIZES, STAGED, PICTURE, .head = ARDM_HEAD_DIRECT, .layers = 2, .heads = 2, .stem = 12, .down = 2, .paper = 1, .embedding = 3, .every = 2}},
    {"paper diffwave", {SIZES, WHOLE, SOUND, .layers = 3, .stem = 12, .paper = 1, .embedding = 3}},
};

int main(int argc, char **argv) {
    ardm_device *device = NULL;
    char path[4096];
    if (argc != 2) return 2;
    if (ardm_device_open(&device, "reference") != ARDM_OK) return failed();
    printf("[");
    snprintf(path, sizeof path, "%s/bytes.ardm", argv[1]);
    if (run_golden(device, path, 0) != ARDM_OK) return failed();
    printf(",\n");
    snprintf(path, sizeof path, "%s/tiles.ardm", argv[1]);
    if (run_golden(device, path, 3) != ARDM_OK) return failed();
    for (size_t t = 0; t < sizeof toys / sizeof *toys; t++) {
        printf(",\n");
        if (run_toy(device, toys[t].name, &toys[t].net) != ARDM_OK) return failed();
    }
    printf("]\n");
    ardm_device_close(&device);
    return 0;
}
