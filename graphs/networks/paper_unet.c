/* The paper's network for pictures (App. D.1): residual blocks at one resolution, the second half of them on what the first half left behind,
 * attention over all positions in the middle and wherever else it is asked for. */
#include "networks/paper.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct trunk {
    ardm_graph *graph;
    const ardm_network *net;
    const ardm_network_inputs *in;
    ardm_value mask, condition;
} trunk;

static ardm_value normed(const trunk *t, const char *prefix, const char *name, ardm_value x, int64_t width) {
    char full[64];
    snprintf(full, sizeof full, "%s.%s", prefix, name);
    return ARDM_NODE(t->graph, "silu", NULL, ardm_network__group_norm(t->graph, t->net, full, x, t->mask, width));
}

static ardm_value residual(const trunk *t, const char *prefix, ardm_value h, int64_t in, int64_t layer) {
    const int64_t width = t->net->width;
    char name[64];
    ardm_value x = normed(t, prefix, "norm1", h, in);
    snprintf(name, sizeof name, "%s.in", prefix);
    x = ardm_network__taps(t->graph, name, x, 3, in, width, 1);
    snprintf(name, sizeof name, "%s.condition", prefix);
    x = ARDM_NODE(t->graph, "add_item", NULL, x, ardm_network__dense(t->graph, name, t->condition, 4 * width, width, 1));
    x = ardm_network__dropout(t->graph, t->net, t->in, normed(t, prefix, "norm2", x, width), layer);
    snprintf(name, sizeof name, "%s.out", prefix);
    x = ardm_network__taps(t->graph, name, x, 3, width, width, 1);
    if (in != width) {
        snprintf(name, sizeof name, "%s.shortcut", prefix);
        h = ardm_network__dense(t->graph, name, h, in, width, 1);
    }
    return ARDM_NODE(t->graph, "add", NULL, h, x);
}

static ardm_value attend(const trunk *t, const char *prefix, ardm_value h) {
    const int64_t width = t->net->width;
    char name[64];
    snprintf(name, sizeof name, "%s.norm", prefix);
    ardm_value x = ardm_network__group_norm(t->graph, t->net, name, h, t->mask, width);
    snprintf(name, sizeof name, "%s.qkv", prefix);
    ardm_value qkv = ardm_network__dense(t->graph, name, ARDM_NODE(t->graph, "merge", "first=1, count=2", x), width, 3 * width, 1);
    ardm_value keys = ARDM_NODE(t->graph, "merge", "first=1, count=2", t->mask);
    x = ardm_graph_node(t->graph, NULL, "attention", (const ardm_value[]){qkv, -1, keys}, 3, "heads=%lld, streams=1", (long long)t->net->heads);
    snprintf(name, sizeof name, "%s.out", prefix);
    x = ardm_network__dense(t->graph, name, x, width, width, 1);
    return ARDM_NODE(t->graph, "add", NULL, h, ARDM_NODE(t->graph, "reshape_like", NULL, x, h));
}

/* Block `index` of one half, and attention behind it where it is its turn. Residual blocks are layers of dropout, from 0 in their order. */
static ardm_value block(const trunk *t, const char *half, int64_t index, ardm_value h, int64_t in) {
    const int64_t before = half[0] == 'd' ? 0 : t->net->layers + 2;
    char prefix[40], name[64];
    snprintf(prefix, sizeof prefix, "%s%lld", half, (long long)index);
    h = residual(t, prefix, h, in, before + index);
    if (t->net->heads == 0 || t->net->every == 0 || (index + 1) % t->net->every != 0) return h;
    snprintf(name, sizeof name, "%s.attention", prefix);
    return attend(t, name, h);
}

ardm_network_outputs ardm_network__paper_unet(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in) {
    const int64_t width = net->width, packed = net->down * net->down * width;
    const ardm_network__seen seen = ardm_network__look(graph, net, in->symbols, in->state, in->stage, 3);
    const ardm_value mask = ardm_graph_node(graph, NULL, "voids", &in->state, 1, "block=%lld", (long long)net->down);
    const trunk t = {graph, net, in, mask, ARDM_NODE(graph, "silu", NULL, ardm_network__time(graph, net, in))};
    ardm_value h = seen.h, *left = calloc((size_t)net->layers + 1, sizeof *left);
    if (!left) return (ardm_network_outputs){-1, -1};
    if (net->down > 1) {
        h = ardm_graph_node(graph, NULL, "space_to_depth", &h, 1, "block=%lld", (long long)net->down);
        h = ardm_network__dense(graph, "pack", h, packed, width, 1);
    }
    left[0] = h;
    for (int64_t i = 0; i < net->layers; i++) left[i + 1] = h = block(&t, "down", i, h, width);
    h = residual(&t, "middle0", h, width, net->layers);
    if (net->heads > 0) h = attend(&t, "middle.attention", h);
    h = residual(&t, "middle1", h, width, net->layers + 1);
    for (int64_t i = 0; i <= net->layers; i++) h = block(&t, "up", i, ARDM_NODE(graph, "concat", NULL, h, left[net->layers - i]), 2 * width);
    free(left);
    trunk last = t;
    if (net->down > 1) {
        h = ardm_network__dense(graph, "unpack", h, width, packed, 1);
        h = ardm_graph_node(graph, NULL, "depth_to_space", &h, 1, "block=%lld", (long long)net->down);
        last.mask = seen.voids;
    }
    h = normed(&last, "last", "norm", h, width);

    /* One slice of the head a channel; then a unit is a row: [N,H,W,C·Z] → [N,H·W·C,Z]. */
    const int64_t size = ardm_network__parameters(net);
    ardm_value z = ardm_network__taps(graph, "head", h, 3, width, net->channels * size, 1);
    z = ardm_graph_node(graph, NULL, "split_last", &z, 1, "by=%lld", (long long)size);
    z = ARDM_NODE(graph, "merge", "first=1, count=3", z);
    if (in->rows >= 0) z = ARDM_NODE(graph, "gather_rows", NULL, z, in->rows);
    return ardm_network__head(graph, net, in, z, -1);
}
