/* Transformer (Vaswani et al. 2017; pre-LN as in paper App. D): bidirectional, or block-causal in two streams (method.md 2).
 *
 * Two streams run joined as [clean L; noisy L] through the same weights, so one call trains every cell. */
#include "networks/paper.h"

#include <stdio.h>

/* The two streams' ids as one row of 2L: i32[N,L] twice → i32[N,2L]. */
static ardm_value join_ids(ardm_graph *graph, ardm_value clean, ardm_value noisy) {
    ardm_value a = ARDM_NODE(graph, "split_last", "by=1", clean), b = ARDM_NODE(graph, "split_last", "by=1", noisy);
    return ARDM_NODE(graph, "merge", "first=1, count=2", ARDM_NODE(graph, "concat_positions", NULL, a, b));
}

/* `taps` along the positions; void ones are +0 to it, however many there are. */
static ardm_value convolve(ardm_graph *graph, const ardm_network *net, const char *prefix, ardm_value x, ardm_value state) {
    long long width = net->width;
    ardm_value voids = ARDM_NODE(graph, "expand", "axis=3", ARDM_NODE(graph, "expand", "axis=1", state));
    voids = ardm_graph_node(graph, NULL, "voids", &voids, 1, NULL);
    ardm_value w = ardm_network__state(graph, prefix, "kernel", "f32[1,%lld,%lld,%lld]", (long long)net->taps, width, width);
    ardm_value line = ARDM_NODE(graph, "hide", NULL, ARDM_NODE(graph, "expand", "axis=1", x), voids);
    line = ARDM_NODE(graph, "merge", "first=1, count=2", ARDM_NODE(graph, "conv", NULL, line, w));
    return ARDM_NODE(graph, "add", NULL, line, ardm_network__state(graph, prefix, "bias", "f32[%lld]", width));
}

static ardm_value block(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in, ardm_value h, ardm_value time, int64_t index) {
    char prefix[32], name[64];
    snprintf(prefix, sizeof prefix, "block%lld", (long long)index);

    snprintf(name, sizeof name, "%s.norm1", prefix);
    ardm_value x = ardm_network__layer_norm(graph, net, name, h, net->width);
    if (net->taps > 0) {
        snprintf(name, sizeof name, "%s.conv", prefix);
        x = convolve(graph, net, name, x, in->state);
    }
    snprintf(name, sizeof name, "%s.qkv", prefix);
    x = ardm_network__dense(graph, name, x, net->width, 3 * net->width, 0);
    x = ardm_graph_node(graph, NULL, "attention", (const ardm_value[]){x, in->block, in->state}, 3, "heads=%lld, streams=%lld", (long long)net->heads,
                        (long long)net->streams);
    snprintf(name, sizeof name, "%s.attention.out", prefix);
    x = ardm_network__dense(graph, name, x, net->width, net->width, !net->paper);
    h = ARDM_NODE(graph, "add", NULL, h, ardm_network__dropout(graph, net, in, x, 2 * index + 1));

    snprintf(name, sizeof name, "%s.norm2", prefix);
    x = ardm_network__layer_norm(graph, net, name, h, net->width);
    snprintf(name, sizeof name, "%s.mlp.in", prefix);
    x = ardm_network__dense(graph, name, x, net->width, 4 * net->width, 1);
    if (time >= 0) {
        snprintf(name, sizeof name, "%s.condition", prefix);
        x = ARDM_NODE(graph, "add_item", NULL, x, ardm_network__dense(graph, name, time, 4 * net->width, 4 * net->width, 1));
    }
    x = ARDM_NODE(graph, "gelu", NULL, x);
    snprintf(name, sizeof name, "%s.mlp.out", prefix);
    x = ardm_network__dense(graph, name, x, 4 * net->width, net->width, 1);
    return ARDM_NODE(graph, "add", NULL, h, ardm_network__dropout(graph, net, in, x, 2 * index + 2));
}

ardm_network_outputs ardm_network__transformer(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in) {
    char type[48], prefix[32];
    long long width = net->width, classes = net->classes;
    ardm_value ids[2];
    ardm_graph_node(graph, ids, "corrupt", (const ardm_value[]){in->symbols, in->state, in->stage, ardm_network_table(graph, net)}, 4,
                    "family=%s, classes=%lld, base=%lld", net->family, classes, (long long)net->base);
    ardm_value all = net->streams == 2 ? join_ids(graph, in->symbols, ids[0]) : ids[0];

    /* A row an id: the K symbols, then what partitions have of their own (absorbing: one). The first K rows are the tied output,
     * but in the paper's form, whose rows start fifty times larger. */
    snprintf(type, sizeof type, "f32[%lld,%lld]", net->inputs > 0 ? (long long)net->inputs : classes + 1, width);
    ardm_value table = ardm_graph_state(graph, net->paper ? "input.table" : "token.table", type);
    ardm_value h = ARDM_NODE(graph, "embed", NULL, all, table);
    for (int64_t back = 1; back <= net->context; back++) {
        ardm_value hashed =
            ardm_graph_node(graph, NULL, "context_ids", (const ardm_value[]){all, in->block}, 2, "history=%lld, buckets=%lld, streams=%lld",
                            (long long)back, (long long)net->buckets, (long long)net->streams);
        snprintf(prefix, sizeof prefix, "context%lld", (long long)back);
        ardm_value rows = ardm_network__state(graph, prefix, "table", "f32[%lld,%lld]", (long long)net->buckets, width);
        h = ARDM_NODE(graph, "add", NULL, h, ARDM_NODE(graph, "embed", NULL, hashed, rows));
    }
    ardm_value places = ardm_graph_node(graph, NULL, "positions", &all, 1, "width=%lld, streams=%lld", width, (long long)net->streams);
    /* Tokens start at 0.02; positions are brought to the same size so that neither drowns the other. */
    if (!net->paper) places = ARDM_NODE(graph, "scale", "by=0.02", places);
    if (net->permuted) places = ARDM_NODE(graph, "embed", NULL, join_ids(graph, in->position, in->position), places); /* rows of the clean stream */
    h = ARDM_NODE(graph, "add", NULL, h, places);

    if (net->stages > 1) {
        snprintf(type, sizeof type, "f32[%lld,%lld]", (long long)net->stages, width);
        ardm_value stage = ARDM_NODE(graph, "embed", NULL, in->stage, ardm_graph_state(graph, "stage.table", type));
        h = ARDM_NODE(graph, "add_item", NULL, h, stage);
    }

    h = ardm_network__dropout(graph, net, in, h, 0);
    ardm_value time = net->timed ? ardm_network__time(graph, net, in) : -1;
    for (int64_t i = 0; i < net->layers; i++) h = block(graph, net, in, h, time, i);

    if (net->streams == 2) h = ARDM_NODE(graph, "split_positions", "part=1, parts=2", h);
    if (in->rows >= 0) h = ARDM_NODE(graph, "gather_rows", NULL, h, in->rows);
    h = ardm_network__layer_norm(graph, net, "norm", h, width);
    if (net->head == ARDM_HEAD_DIRECT) /* digits are not symbols: nothing to tie */
        return ardm_network__head(graph, net, in, ardm_network__dense(graph, "head", h, width, net->stages * net->base, 1), -1);
    if (net->paper) return ardm_network__head(graph, net, in, ardm_network__dense(graph, "head", h, width, classes, 1), -1);
    ardm_value z = ARDM_NODE(graph, "matmul", "tb=1", h, table);
    z = ardm_graph_node(graph, NULL, "slice", &z, 1, "begin=0, size=%lld", classes);
    snprintf(type, sizeof type, "f32[%lld]", classes);
    z = ARDM_NODE(graph, "add", NULL, z, ardm_graph_state(graph, "head.bias", type));
    return ardm_network__head(graph, net, in, z, -1);
}
