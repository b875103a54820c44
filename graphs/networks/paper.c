/* Where the paper's networks for pictures and sounds begin (App. D; graphs/networks/README.md, form = paper). */
#include "networks/paper.h"

#include <stdio.h>
#include <stdlib.h>

ardm_value ardm_network__taps(ardm_graph *graph, const char *prefix, ardm_value x, int64_t high, int64_t in, int64_t out, int64_t dilation) {
    ardm_value w = ardm_network__state(graph, prefix, "kernel", "f32[%lld,3,%lld,%lld]", (long long)high, (long long)in, (long long)out);
    ardm_value y = ardm_graph_node(graph, NULL, "conv", (const ardm_value[]){x, w}, 2, "dilation=%lld", (long long)dilation);
    return ARDM_NODE(graph, "add", NULL, y, ardm_network__state(graph, prefix, "bias", "f32[%lld]", (long long)out));
}

ardm_value ardm_network__time(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in) {
    ardm_value t = ardm_graph_node(graph, NULL, "time_embed", &in->time, 1, "width=%lld", (long long)net->width);
    t = ARDM_NODE(graph, "silu", NULL, ardm_network__dense(graph, "time.first", t, net->width, 4 * net->width, 1));
    return ardm_network__dense(graph, "time.second", t, 4 * net->width, 4 * net->width, 1);
}

/* 1 where a unit shows what it will be known by from this stage on, decided or given: as numbers, ids of the absorbing process of two
 * classes through a table of three rows. */
static ardm_value known(ardm_graph *graph, ardm_value symbols, ardm_value state, ardm_value stage) {
    static const float rows[3] = {1, 1, 0};
    ardm_value ids = ardm_graph_node(graph, NULL, "corrupt", (const ardm_value[]){symbols, state, stage}, 3, "family=absorbing, classes=2, base=2");
    ardm_value each = ARDM_NODE(graph, "embed", NULL, ids, ardm_graph_constant(graph, "f32[3,1]", rows));
    return ARDM_NODE(graph, "merge", "first=3, count=2", each);
}

/* A channel a stage, 1 everywhere in that of the item: f32[N,H,W,S]. What is known lends its extents. */
static ardm_value stages(ardm_graph *graph, const ardm_network *net, ardm_value units, ardm_value stage) {
    const int64_t many = net->stages;
    char type[48];
    float *rows = calloc((size_t)(many * (many > net->channels ? many : net->channels)), sizeof *rows);
    if (!rows) return -1;
    snprintf(type, sizeof type, "f32[%lld,%lld]", (long long)net->channels, (long long)many);
    ardm_value nothing = ARDM_NODE(graph, "matmul", NULL, units, ardm_graph_constant(graph, type, rows));
    for (int64_t s = 0; s < many; s++) rows[s * many + s] = 1;
    snprintf(type, sizeof type, "f32[%lld,%lld]", (long long)many, (long long)many);
    ardm_value own = ARDM_NODE(graph, "embed", NULL, stage, ardm_graph_constant(graph, type, rows));
    free(rows);
    return ARDM_NODE(graph, "add_item", NULL, nothing, own);
}

ardm_network__seen ardm_network__look(ardm_graph *graph, const ardm_network *net, ardm_value symbols, ardm_value state, ardm_value stage,
                                      int64_t high) {
    const int64_t channels = net->channels, wide = net->width - net->stem;
    char type[48];
    ardm_value shown[2];
    ardm_graph_node(graph, shown, "corrupt", (const ardm_value[]){symbols, state, stage, ardm_network_table(graph, net)}, 4,
                    "family=%s, classes=%lld, base=%lld", net->family, (long long)net->classes, (long long)net->base);
    ardm_network__seen seen = {-1, shown[1], ardm_graph_node(graph, NULL, "voids", &state, 1, NULL)};
    ardm_value units = known(graph, symbols, state, stage), numbers = ARDM_NODE(graph, "concat", NULL, shown[1], units);
    if (net->stages > 1) numbers = ARDM_NODE(graph, "concat", NULL, numbers, stages(graph, net, units, stage));
    numbers = ARDM_NODE(graph, "hide", NULL, numbers, seen.voids);
    numbers = ardm_network__taps(graph, "enter", numbers, high, 2 * channels + (net->stages > 1 ? net->stages : 0), net->stem, 1);

    snprintf(type, sizeof type, "f32[%lld,%lld]", (long long)(net->inputs > 0 ? net->inputs : net->classes + 1), (long long)net->embedding);
    ardm_value ids = ARDM_NODE(graph, "embed", NULL, shown[0], ardm_graph_state(graph, "embedding.table", type));
    ids = ARDM_NODE(graph, "merge", "first=3, count=2", ids);
    ids = ardm_network__dense(graph, "embedding", ids, channels * net->embedding, wide, 1);
    seen.h = ARDM_NODE(graph, "hide", NULL, ARDM_NODE(graph, "concat", NULL, numbers, ids), seen.voids);
    return seen;
}
