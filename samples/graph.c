/* graph: builds a small network and its loss, differentiates it, and runs it on the default device and on the C reference.
 *
 * The two agree in every bit, and that is the point: a loss, a gradient and a frequency mean the same everywhere. */
#include <stdio.h>
#include <string.h>

#include <ardm/graph.h>
#include <ardm/philox.h>
#include <ardm/program.h>

enum { ITEMS = 64, IN = 48, HIDDEN = 80, CLASSES = 10 };
static const char *const outputs[] = {"loss", "dw1", "dw2"};
enum { OUTPUTS = sizeof outputs / sizeof *outputs };

/* Building needs no checks: a call that fails returns -1, later calls do nothing, and ardm_graph_check has the first message. */
static ardm_status build(ardm_graph **out) {
    ardm_graph *graph = NULL;
    ARDM_TRY(ardm_graph_create(&graph, "classify"));
    ardm_value x = ardm_graph_input(graph, "x", "f32[N,48]"); /* N is bound later */
    ardm_value target = ardm_graph_input(graph, "target", "i32[N]");
    ardm_value w1 = ardm_graph_state(graph, "w1", "f32[48,80]"); /* states live across runs, in a store */
    ardm_value w2 = ardm_graph_state(graph, "w2", "f32[80,10]");
    ardm_value hidden = ARDM_NODE(graph, "gelu", NULL, ARDM_NODE(graph, "matmul", NULL, x, w1));
    ardm_value logits = ARDM_NODE(graph, "matmul", NULL, hidden, w2);
    ardm_value loss = ARDM_NODE(graph, "sum", NULL, ARDM_NODE(graph, "softmax_nll", NULL, logits, target));
    ardm_graph_output(graph, outputs[0], loss);

    /* Gradients are more nodes of the same graph. They are added up in groups of 8 items, in an order that no device changes. */
    const ardm_value weights[] = {w1, w2};
    ardm_value gradients[2] = {-1, -1};
    ardm_status status = ardm_graph_differentiate(graph, loss, ardm_graph_scalar(graph, 1.0f), 8, weights, 2, gradients);
    for (int k = 0; k < 2; ++k) ardm_graph_output(graph, outputs[k + 1], gradients[k]);
    if (status == ARDM_OK) status = ardm_graph_check(graph);
    if (status == ARDM_OK)
        *out = graph;
    else
        ardm_graph_free(&graph);
    return status;
}

/* Numbers in -scale … scale, a pure function of seed and position. */
static void noise(float *out, uint32_t count, uint64_t seed, float scale) {
    for (uint32_t i = 0; i < count; ++i) out[i] = scale * (2 * ardm_random_uniform(seed, ARDM_RANDOM_SYNTHETIC, 0, 0, i) - 1);
}

/* Binds the graph to N = ITEMS and to weights on `device`, and runs it; the store keeps the weights, the binding the results. */
static ardm_status run(ardm_store **store, ardm_binding **binding, const ardm_graph *graph, ardm_device *device) {
    const ardm_extent extents[] = {{"N", ITEMS}};
    const ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    float w[IN * HIDDEN];
    ARDM_TRY(ardm_store_create(store, device));
    noise(w, IN * HIDDEN, 1, 0.25f);
    ARDM_TRY(ardm_store_set(*store, "w1", ardm_graph_value_shape(graph, ardm_graph_find(graph, "w1")), w));
    noise(w, HIDDEN * CLASSES, 2, 0.25f);
    ARDM_TRY(ardm_store_set(*store, "w2", ardm_graph_value_shape(graph, ardm_graph_find(graph, "w2")), w));
    ARDM_TRY(ardm_bind(binding, graph, *store, extents, 1, &options));
    noise(ardm_binding_input(*binding, "x"), ITEMS * IN, 3, 1.0f);
    int32_t *target = ardm_binding_input(*binding, "target");
    for (int32_t i = 0; i < ITEMS; ++i) target[i] = i % CLASSES;
    return ardm_run(*binding);
}

int main(void) {
    ardm_graph *graph = NULL;
    ardm_device *devices[2] = {NULL, NULL}; /* the default one, and the reference */
    ardm_store *stores[2] = {NULL, NULL};
    ardm_binding *bindings[2] = {NULL, NULL};
    int different = 0;
    ardm_status status = build(&graph);
    for (int k = 0; k < 2 && status == ARDM_OK; ++k) {
        status = ardm_device_open(&devices[k], k == 0 ? NULL : "reference");
        if (status == ARDM_OK) status = run(&stores[k], &bindings[k], graph, devices[k]);
    }
    if (status == ARDM_OK)
        printf("%u nodes on %s and on %s\n", ardm_graph_node_count(graph), ardm_device_name(devices[0]), ardm_device_name(devices[1]));
    for (int k = 0; k < OUTPUTS && status == ARDM_OK; ++k) {
        uint64_t bytes = ardm_shape_bytes(ardm_binding_shape(bindings[0], outputs[k]));
        const float *a = ardm_binding_output(bindings[0], outputs[k]), *b = ardm_binding_output(bindings[1], outputs[k]);
        int same = memcmp(a, b, bytes) == 0;
        printf("%-5s begins %-13a %-13a %6llu bytes: %s\n", outputs[k], a[0], b[0], (unsigned long long)bytes, same ? "the same" : "DIFFERENT");
        different += !same;
    }
    if (status != ARDM_OK) fprintf(stderr, "graph: %s\n", ardm_message());
    for (int k = 0; k < 2; ++k) {
        ardm_binding_free(&bindings[k]);
        ardm_store_free(&stores[k]);
        ardm_device_close(&devices[k]);
    }
    ardm_graph_free(&graph);
    return status == ARDM_OK && different == 0 ? 0 : 1;
}
