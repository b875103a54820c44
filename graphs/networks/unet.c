/* The image network (after paper App. D.1, at the sizes of method.md 8): interpolation features, a full-resolution stem,
 * residual blocks after space-to-depth, attention in the middle where asked, and a full-resolution skip into the head. */
#include "networks/private.h"

#include <stdio.h>

static ardm_value residual(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in, ardm_value h, ardm_value mask,
                           ardm_value condition, int64_t index) {
    char prefix[32], name[64];
    long long width = net->width;
    snprintf(prefix, sizeof prefix, "block%lld", (long long)index);
    snprintf(name, sizeof name, "%s.norm1", prefix);
    ardm_value x = ARDM_NODE(graph, "silu", NULL, ardm_network__group_norm(graph, net, name, h, mask, width));
    snprintf(name, sizeof name, "%s.in", prefix);
    x = ardm_network__conv(graph, name, x, 3, width, width);
    snprintf(name, sizeof name, "%s.condition", prefix);
    x = ARDM_NODE(graph, "add_item", NULL, x, ardm_network__dense(graph, name, condition, width, width, 0));
    snprintf(name, sizeof name, "%s.norm2", prefix);
    x = ARDM_NODE(graph, "silu", NULL, ardm_network__group_norm(graph, net, name, x, mask, width));
    x = ardm_network__dropout(graph, net, in, x, index);
    snprintf(name, sizeof name, "%s.out", prefix);
    return ARDM_NODE(graph, "add", NULL, h, ardm_network__conv(graph, name, x, 3, width, width));
}

/* Self-attention over all H·W positions; one residual branch. */
static ardm_value attend(ardm_graph *graph, const ardm_network *net, ardm_value h, ardm_value mask) {
    ardm_value x = ardm_network__group_norm(graph, net, "middle.norm", h, mask, net->width);
    ardm_value flat = ARDM_NODE(graph, "merge", "first=1, count=2", x);
    ardm_value qkv = ardm_network__dense(graph, "middle.qkv", flat, net->width, 3 * net->width, 0);
    ardm_value keys = ARDM_NODE(graph, "merge", "first=1, count=2", mask);
    ardm_value o = ardm_graph_node(graph, NULL, "attention", (const ardm_value[]){qkv, -1, keys}, 3, "heads=%lld, streams=1", (long long)net->heads);
    o = ardm_network__dense(graph, "middle.out", o, net->width, net->width, 1);
    return ARDM_NODE(graph, "add", NULL, h, ARDM_NODE(graph, "reshape_like", NULL, o, h));
}

ardm_network_outputs ardm_network__unet(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in) {
    long long channels = net->channels, width = net->width;
    ardm_value shown[2], seen[2];
    ardm_graph_node(graph, shown, "corrupt", (const ardm_value[]){in->symbols, in->state, in->stage, ardm_network_table(graph, net)}, 4,
                    "family=%s, classes=%lld, base=%lld", net->family, (long long)net->classes, (long long)net->base);
    ardm_graph_node(graph, seen, "interpolate", (const ardm_value[]){shown[1], in->state, in->stage}, 3,
                    "scales=%lld, family=%s, classes=%lld, base=%lld, residual=8", (long long)net->scales, net->family, (long long)net->classes,
                    (long long)net->base);
    const ardm_shape *seen_shape = ardm_graph_value_shape(graph, seen[0]);
    if (!seen_shape) return (ardm_network_outputs){-1, -1};
    int64_t depth = seen_shape->dim[3]; /* the shape itself may move when values are added */

    ardm_value condition = ardm_network__condition(graph, net, in);
    ardm_value stem = ARDM_NODE(graph, "silu", NULL, ardm_network__conv(graph, "stem", seen[0], 5, depth, net->stem));
    /* Void positions: +0 at the two places where a block of positions opens or closes; inside, group norm sets them to +0 before every
     * convolution. */
    ardm_value pixels = ardm_graph_node(graph, NULL, "voids", &in->state, 1, NULL);
    ardm_value mask = ardm_graph_node(graph, NULL, "voids", &in->state, 1, "block=%lld", (long long)net->down);
    stem = ARDM_NODE(graph, "hide", NULL, stem, pixels);
    int64_t packed = net->stem * net->down * net->down;
    ardm_value h = stem;
    if (net->down > 1) h = ardm_graph_node(graph, NULL, "space_to_depth", &h, 1, "block=%lld", (long long)net->down);
    h = ardm_network__dense(graph, "enter", h, packed, width, 1);
    for (int64_t i = 0; i < net->layers; i++) {
        if (net->heads > 0 && i == net->layers / 2) h = attend(graph, net, h, mask);
        h = residual(graph, net, in, h, mask, condition, i);
    }
    h = ARDM_NODE(graph, "silu", NULL, ardm_network__group_norm(graph, net, "leave.norm", h, mask, width));
    h = ardm_network__dense(graph, "leave", h, width, packed, 1);
    if (net->down > 1) h = ardm_graph_node(graph, NULL, "depth_to_space", &h, 1, "block=%lld", (long long)net->down);
    h = ARDM_NODE(graph, "concat", NULL, ARDM_NODE(graph, "hide", NULL, h, pixels), stem);
    h = ARDM_NODE(graph, "silu", NULL, ardm_network__conv(graph, "last", h, 3, 2 * net->stem, net->stem));

    /* One slice of the head a unit of the position; then a unit is a row: [N,H,W,C·Z] → [N,H·W·C,Z]. */
    const int64_t z_size = ardm_network__parameters(net), units = net->head == ARDM_HEAD_PIXEL ? 1 : channels, experts = ardm_network__experts(net);
    h = ARDM_NODE(graph, "concat", NULL, h, seen[0]); /* what a linear rule of the known units can say need not pass a nonlinearity */
    ardm_value z = ardm_network__dense(graph, "head", h, net->stem + depth, units * experts * z_size, 1);
    z = ardm_graph_node(graph, NULL, "split_last", &z, 1, "by=%lld", (long long)(experts * z_size));
    z = ARDM_NODE(graph, "merge", "first=1, count=3", z);
    if (in->rows >= 0) z = ARDM_NODE(graph, "gather_rows", NULL, z, in->rows);
    z = ardm_network__own(graph, net, in, z);
    ardm_value centre = -1;
    if (net->head == ARDM_HEAD_MIXTURE || net->head == ARDM_HEAD_CDF)
        centre = ardm_network__rows(graph, in, ARDM_NODE(graph, "merge", "first=1, count=3", seen[1]));
    if (net->head == ARDM_HEAD_PIXEL) {
        centre = ARDM_NODE(graph, "merge", "first=1, count=2", seen[1]);
        if (in->rows >= 0) centre = ARDM_NODE(graph, "gather_rows", NULL, centre, in->rows);
    }
    return ardm_network__head(graph, net, in, z, centre);
}
