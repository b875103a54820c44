/* The choice of a network, its inference graph, and how its states start. */
#include "networks/paper.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ardm/exact.h"
#include "ardm/philox.h"

ardm_value ardm_network__state(ardm_graph *graph, const char *prefix, const char *name, const char *type, ...) {
    char full[128], extents[96];
    va_list list;
    va_start(list, type);
    vsnprintf(extents, sizeof extents, type, list);
    va_end(list);
    snprintf(full, sizeof full, "%s.%s", prefix, name);
    return ardm_graph_state(graph, full, extents);
}

ardm_value ardm_network__dense(ardm_graph *graph, const char *prefix, ardm_value x, int64_t in, int64_t out, int32_t bias) {
    ardm_value w = ardm_network__state(graph, prefix, "weight", "f32[%lld,%lld]", (long long)in, (long long)out);
    ardm_value y = ARDM_NODE(graph, "matmul", NULL, x, w);
    return bias ? ARDM_NODE(graph, "add", NULL, y, ardm_network__state(graph, prefix, "bias", "f32[%lld]", (long long)out)) : y;
}

ardm_value ardm_network__conv(ardm_graph *graph, const char *prefix, ardm_value x, int64_t kernel, int64_t in, int64_t out) {
    ardm_value w =
        ardm_network__state(graph, prefix, "kernel", "f32[%lld,%lld,%lld,%lld]", (long long)kernel, (long long)kernel, (long long)in, (long long)out);
    ardm_value b = ardm_network__state(graph, prefix, "bias", "f32[%lld]", (long long)out);
    return ARDM_NODE(graph, "add", NULL, ARDM_NODE(graph, "conv", NULL, x, w), b);
}

ardm_value ardm_network__layer_norm(ardm_graph *graph, const ardm_network *net, const char *prefix, ardm_value x, int64_t width) {
    ardm_value gain = ardm_network__state(graph, prefix, "gain", "f32[%lld]", (long long)width);
    ardm_value bias = ardm_network__state(graph, prefix, "bias", "f32[%lld]", (long long)width);
    return ARDM_NODE(graph, "layer_norm", net->paper ? "eps=1e-6" : NULL, x, gain, bias);
}

ardm_value ardm_network__group_norm(ardm_graph *graph, const ardm_network *net, const char *prefix, ardm_value x, ardm_value mask, int64_t width) {
    ardm_value gain = ardm_network__state(graph, prefix, "gain", "f32[%lld]", (long long)width);
    ardm_value bias = ardm_network__state(graph, prefix, "bias", "f32[%lld]", (long long)width);
    return ardm_graph_node(graph, NULL, "group_norm", (const ardm_value[]){x, gain, bias, mask}, 4,
                           net->paper ? "groups=%lld, eps=1e-6" : "groups=%lld", (long long)net->groups);
}

ardm_value ardm_network__dropout(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in, ardm_value x, int64_t layer) {
    if (!(net->dropout > 0) || in->key < 0) return x;
    return ardm_graph_node(graph, NULL, "dropout", (const ardm_value[]){x, in->key, in->first}, 3, "p=%.17g, layer=%lld", net->dropout,
                           (long long)layer);
}

int32_t ardm_network_row_head(const ardm_network *network) {
    return network->head == ARDM_HEAD_DATA || network->head == ARDM_HEAD_CDF ? ARDM_HEAD_DIRECT : network->head;
}

ardm_value ardm_network_table(ardm_graph *graph, const ardm_network *network) {
    char type[48];
    if (!network->table) return -1;
    snprintf(type, sizeof type, "i32[5,%lld,%lld]", (long long)network->stages + 1, (long long)network->classes);
    return ardm_graph_constant(graph, type, network->table);
}

int64_t ardm_network__parameters(const ardm_network *network) {
    switch (network->head) {
    case ARDM_HEAD_DIRECT:
        return network->stages * network->base;
    case ARDM_HEAD_MIXTURE:
    case ARDM_HEAD_CDF:
        return 3 * network->mixtures;
    case ARDM_HEAD_PIXEL:
        return 10 * network->mixtures;
    default:
        return network->classes;
    }
}

ardm_value ardm_network__condition(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in) {
    char type[48];
    ardm_value condition = ardm_graph_node(graph, NULL, "time_embed", &in->time, 1, "width=%lld", (long long)net->width);
    condition = ardm_network__dense(graph, "time.in", condition, net->width, net->width, 1);
    if (net->stages > 1) {
        snprintf(type, sizeof type, "f32[%lld,%lld]", (long long)net->stages, (long long)net->width);
        condition =
            ARDM_NODE(graph, "add", NULL, condition, ARDM_NODE(graph, "embed", NULL, in->stage, ardm_graph_state(graph, "stage.table", type)));
    }
    return ARDM_NODE(graph, "silu", NULL, condition);
}

ardm_value ardm_network__rows(ardm_graph *graph, const ardm_network_inputs *inputs, ardm_value units) {
    if (inputs->rows < 0) return units;
    ardm_value rows = ARDM_NODE(graph, "gather_rows", NULL, ARDM_NODE(graph, "split_last", "by=1", units), inputs->rows);
    return ARDM_NODE(graph, "merge", "first=1, count=2", rows);
}

int64_t ardm_network__experts(const ardm_network *network) { return network->experts > 1 ? network->experts : 1; }

ardm_value ardm_network__own(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs, ardm_value z) {
    if (network->experts < 2) return z;
    return ardm_graph_node(graph, NULL, "pick", (const ardm_value[]){z, inputs->expert}, 2, "size=%lld",
                           (long long)ardm_network__parameters(network));
}

ardm_network_outputs ardm_network__head(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *inputs, ardm_value z,
                                        ardm_value centre) {
    if (net->head == ARDM_HEAD_DIRECT && net->stages > 1)
        z = ardm_graph_node(graph, NULL, "pick", (const ardm_value[]){z, inputs->stage}, 2, "size=%lld", (long long)net->base);
    if (net->head != ARDM_HEAD_DATA && net->head != ARDM_HEAD_CDF) return (ardm_network_outputs){z, centre};
    /* What a unit shows is the parent of the children to choose from. */
    ardm_value parent = net->kind == ARDM_NETWORK_UNET ? ARDM_NODE(graph, "merge", "first=1, count=3", inputs->symbols) : inputs->symbols;
    parent = ardm_network__rows(graph, inputs, parent);
    int32_t cdf = net->head == ARDM_HEAD_CDF;
    ardm_value in[5] = {z, centre, parent, inputs->stage, ardm_network_table(graph, net)};
    if (!cdf) memmove(in + 1, in + 2, 3 * sizeof *in);
    z = ardm_graph_node(graph, NULL, cdf ? "mixture_children" : "children", in, cdf ? 5 : 4, "family=%s, classes=%lld, base=%lld", net->family,
                        (long long)net->classes, (long long)net->base);
    return (ardm_network_outputs){z, -1};
}

ardm_network_outputs ardm_network_append(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs) {
    switch (network->kind) {
    case ARDM_NETWORK_UNET:
        return network->paper ? ardm_network__paper_unet(graph, network, inputs) : ardm_network__unet(graph, network, inputs);
    case ARDM_NETWORK_DIFFWAVE:
        return network->paper ? ardm_network__paper_wave(graph, network, inputs) : ardm_network__diffwave(graph, network, inputs);
    default:
        return ardm_network__transformer(graph, network, inputs);
    }
}

static ardm_status build(ardm_graph **out, const ardm_network *network, int32_t rows) {
    static const char *const names[] = {"", "transformer", "unet", "diffwave"};
    int32_t image = network->kind == ARDM_NETWORK_UNET;
    ardm_graph *graph = NULL;
    *out = NULL;
    ARDM_TRY(ardm_graph_create(&graph, names[network->kind]));
    char extents[32] = "[N,L]", type[48];
    if (image) snprintf(extents, sizeof extents, "[N,H,W,%lld]", (long long)network->channels);
    ardm_network_inputs inputs = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1}; /* whoever infers drops nothing */
    snprintf(type, sizeof type, "i32%s", extents);
    inputs.symbols = ardm_graph_input(graph, "symbols", type);
    snprintf(type, sizeof type, "u8%s", extents);
    inputs.state = ardm_graph_input(graph, "state", type);
    inputs.stage = ardm_graph_input(graph, "stage", "i32[N]");
    inputs.time = ardm_graph_input(graph, "time", "f32[N]");
    if (network->streams == 2) inputs.block = ardm_graph_input(graph, "block", "i32[N]");
    if (network->permuted) inputs.position = ardm_graph_input(graph, "position", "i32[N,L]");
    if (network->experts > 1) inputs.expert = ardm_graph_input(graph, "expert", "i32[N]");
    if (rows) inputs.rows = ardm_graph_input(graph, "rows", "i32[N,R]");
    ardm_network_outputs outputs = ardm_network_append(graph, network, &inputs);
    ardm_graph_output(graph, "z", outputs.z);
    if (outputs.centre >= 0) ardm_graph_output(graph, "centre", outputs.centre);
    ardm_status status = ardm_graph_check(graph);
    if (status == ARDM_OK)
        *out = graph;
    else
        ardm_graph_free(&graph);
    return status;
}

ardm_status ardm_network_graph(ardm_graph **out, const ardm_network *network) { return build(out, network, 1); }
ardm_status ardm_network_forward(ardm_graph **out, const ardm_network *network) { return build(out, network, 0); }

static int32_t ends_with(const char *name, const char *tail) {
    size_t n = strlen(name), m = strlen(tail);
    return n >= m && strcmp(name + n - m, tail) == 0;
}

/* Weights start normal with variance 1/fan-in; what closes a residual branch and the head start at zero, so that a fresh network
 * predicts the data's marginal (method.md 5) and every block starts as the identity. */
ardm_initialiser ardm_network_initialiser(const char *name, const ardm_shape *shape) {
    ardm_initialiser zero = {ARDM_INIT_ZERO, 0}, one = {ARDM_INIT_ONE, 0}, normal = {ARDM_INIT_NORMAL, 0};
    if (strcmp(name, "head.bias") == 0) return (ardm_initialiser){ARDM_INIT_MARGINAL, 0};
    if (ends_with(name, ".bias")) return zero;
    if (ends_with(name, ".gain")) return one;
    if (ends_with(name, ".out.weight") || ends_with(name, ".out.kernel") || strcmp(name, "head.weight") == 0) return zero;
    if (strcmp(name, "input.table") == 0) return (ardm_initialiser){ARDM_INIT_NORMAL, 1};
    if (strcmp(name, "embedding.table") == 0) return (ardm_initialiser){ARDM_INIT_NORMAL, ardm_rsqrt((float)shape->dim[1])};
    if (ends_with(name, ".table")) {
        normal.scale = 0x1.47ae14p-6f; /* 0.02: tied logits start small */
        return normal;
    }
    int64_t fan_in = 1;
    for (uint32_t d = 0; d + 1 < shape->rank; d++) fan_in *= shape->dim[d];
    normal.scale = ardm_rsqrt((float)(fan_in > 0 ? fan_in : 1));
    return normal;
}

void ardm_network_initialise(float *out, const char *name, const ardm_shape *shape, uint64_t seed) {
    ardm_initialiser how = ardm_network_initialiser(name, shape);
    ardm_sha256 hash;
    ardm_sha256_of(&hash, name, strlen(name));
    uint64_t item = 0;
    for (int32_t i = 7; i >= 0; i--) item = item << 8 | hash.bytes[i];
    int64_t count = ardm_shape_count(shape);
    for (int64_t i = 0; i < count; i++) {
        float x = how.kind == ARDM_INIT_ONE ? 1.0f : 0.0f;
        if (how.kind == ARDM_INIT_NORMAL) {
            uint32_t a = ardm_random_word(seed, ARDM_RANDOM_WEIGHTS, 0, item, (uint32_t)(2 * i));
            uint32_t b = ardm_random_word(seed, ARDM_RANDOM_WEIGHTS, 0, item, (uint32_t)(2 * i + 1));
            x = ardm_flush(ardm_mul(ardm_normal(a, b), how.scale));
        }
        out[i] = x;
    }
}
