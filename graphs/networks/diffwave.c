/* The network of sounds (after DiffWave, Kong et al. 2021, as in paper App. D): interpolation features along time, gated residual blocks of dilated
 * convolutions, a skip from every block, and the features once more at the head.
 *
 * An item i32[N,L] is a picture one pixel high. The interpolation reads it as [N,L,1,1], so that every sample is a row of its own and no
 * device goes through an item serially; the convolutions read it as [N,1,L,·], samples side by side. */
#include "networks/private.h"

#include <stdio.h>

#include "ardm/exact.h"

enum { FINE = 256 }; /* classes from which a mixture's numbers are too coarse as they are */
enum { SIZES = 4, TAPS = 31, MOST_MIXTURES = 32 };

/* Three taps along time. */
static ardm_value conv(ardm_graph *graph, const char *prefix, ardm_value x, int64_t in, int64_t out, int64_t dilation) {
    ardm_value w = ardm_network__state(graph, prefix, "kernel", "f32[1,3,%lld,%lld]", (long long)in, (long long)out);
    ardm_value y = ardm_graph_node(graph, NULL, "conv", (const ardm_value[]){x, w}, 2, "dilation=%lld", (long long)dilation);
    return ARDM_NODE(graph, "add", NULL, y, ardm_network__state(graph, prefix, "bias", "f32[%lld]", (long long)out));
}

static ardm_value part(ardm_graph *graph, ardm_value x, int64_t begin, int64_t size) {
    return ardm_graph_node(graph, NULL, "slice", &x, 1, "begin=%lld, size=%lld", (long long)begin, (long long)size);
}

/* Moves *h on by one block and gives what the block says to the head. The last block has nothing behind it to move on to. */
static ardm_value block(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in, ardm_value *h, ardm_value voids,
                        ardm_value condition, int64_t index) {
    char prefix[32], name[64];
    long long width = net->width;
    snprintf(prefix, sizeof prefix, "block%lld", (long long)index);
    snprintf(name, sizeof name, "%s.condition", prefix);
    ardm_value x = ARDM_NODE(graph, "add_item", NULL, *h, ardm_network__dense(graph, name, condition, width, width, 0));
    /* What lies beyond the end of an item is +0 to a convolution, rounded extents or not. */
    x = ardm_network__dropout(graph, net, in, ARDM_NODE(graph, "hide", NULL, x, voids), index);
    snprintf(name, sizeof name, "%s.gate", prefix);
    x = conv(graph, name, x, width, 2 * width, (int64_t)1 << index % net->cycle);
    ardm_value wave = ARDM_NODE(graph, "tanh", NULL, part(graph, x, 0, width));
    ardm_value gate = ARDM_NODE(graph, "sigmoid", NULL, part(graph, x, width, width));
    x = ARDM_NODE(graph, "mul", NULL, wave, gate);
    if (index + 1 < net->layers) {
        snprintf(name, sizeof name, "%s.residual", prefix);
        ardm_value moved = ARDM_NODE(graph, "add", NULL, *h, ardm_network__dense(graph, name, x, width, width, 1));
        *h = ARDM_NODE(graph, "scale", "by=0.707106769", moved); /* two summands of variance 1 keep it at 1 */
    }
    snprintf(name, sizeof name, "%s.skip", prefix);
    return ardm_network__dense(graph, name, x, width, width, 1);
}

/* Means and log scales of a mixture, counted in a length between the whole range and one class: with 65,536 classes what a sound leaves
 * open is a thousandth of the range, and steps of one size have to suit both ends of it. */
static ardm_value finer(ardm_graph *graph, const ardm_network *net, ardm_value z, float unit) {
    float gain[3 * MOST_MIXTURES], shift[3 * MOST_MIXTURES];
    int64_t m = net->mixtures;
    char type[32];
    if (net->classes <= FINE) return z;
    for (int64_t k = 0; k < 3 * m; k++) {
        gain[k] = k / m == 1 ? unit : 1.0f;
        shift[k] = k / m == 2 ? ardm_flush(ardm_log(unit)) : 0.0f;
    }
    snprintf(type, sizeof type, "f32[%lld]", (long long)(3 * m));
    z = ARDM_NODE(graph, "mul", NULL, z, ardm_graph_constant(graph, type, gain));
    return ARDM_NODE(graph, "add", NULL, z, ardm_graph_constant(graph, type, shift));
}

/* Loud and quiet sounds differ by more than a hundred: signs and magnitudes at SIZES sizes, appended to the features. */
static ardm_value at_sizes(ardm_graph *graph, ardm_value features, ardm_value told) {
    for (int64_t k = 0; k < SIZES; k++) {
        ardm_value by = ardm_graph_node(graph, NULL, "scale", &told, 1, "by=%lld", (long long)4 << 3 * k);
        ardm_value near = ARDM_NODE(graph, "tanh", NULL, by);
        features = ARDM_NODE(graph, "concat", NULL, features, ARDM_NODE(graph, "concat", NULL, near, ARDM_NODE(graph, "mul", NULL, near, near)));
    }
    return features;
}

/* A linear rule of the samples around a position, whose coefficients the network chooses: [N,1,L,Z] to be added to the rows' parameters, the same
 * in the mean of every component. What is not known shows 0, and the network knows where. */
static ardm_value predict(ardm_graph *graph, const ardm_network *net, ardm_value values, ardm_value said, float unit) {
    float around[TAPS * TAPS] = {0}, sum[TAPS * 3 * MOST_MIXTURES] = {0};
    const int64_t m = net->mixtures;
    char type[48];
    for (int64_t k = 0; k < TAPS; k++) {
        around[k * TAPS + k] = 1;
        for (int64_t i = m; i < 2 * m; i++) sum[k * 3 * m + i] = ardm_reciprocal(unit);
    }
    snprintf(type, sizeof type, "f32[1,%d,1,%d]", TAPS, TAPS);
    ardm_value line = ARDM_NODE(graph, "expand", "axis=1", ARDM_NODE(graph, "merge", "first=1, count=2", values));
    ardm_value x = ARDM_NODE(graph, "conv", NULL, line, ardm_graph_constant(graph, type, around));
    x = ARDM_NODE(graph, "mul", NULL, x, ardm_network__dense(graph, "predict.out", said, net->width, TAPS, 1));
    snprintf(type, sizeof type, "f32[%d,%lld]", TAPS, (long long)(3 * m));
    return ARDM_NODE(graph, "matmul", NULL, x, ardm_graph_constant(graph, type, sum));
}

/* [N,1,L,D] at the asked rows. */
static ardm_value picked(ardm_graph *graph, const ardm_network_inputs *in, ardm_value x) {
    x = ARDM_NODE(graph, "merge", "first=1, count=2", x);
    return in->rows >= 0 ? ARDM_NODE(graph, "gather_rows", NULL, x, in->rows) : x;
}

ardm_network_outputs ardm_network__diffwave(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in) {
    long long width = net->width;
    ardm_value shown[2], seen[2];
    ardm_graph_node(graph, shown, "corrupt", (const ardm_value[]){in->symbols, in->state, in->stage, ardm_network_table(graph, net)}, 4,
                    "family=%s, classes=%lld, base=%lld", net->family, (long long)net->classes, (long long)net->base);
    ardm_value values = ARDM_NODE(graph, "expand", "axis=2", ARDM_NODE(graph, "expand", "axis=2", shown[1]));
    ardm_value state = ARDM_NODE(graph, "expand", "axis=2", ARDM_NODE(graph, "expand", "axis=2", in->state));
    ardm_graph_node(graph, seen, "interpolate", (const ardm_value[]){values, state, in->stage}, 3,
                    "scales=%lld, family=%s, classes=%lld, base=%lld, residual=8", (long long)net->scales, net->family, (long long)net->classes,
                    (long long)net->base);
    const ardm_shape *seen_shape = ardm_graph_value_shape(graph, seen[0]);
    if (!seen_shape) return (ardm_network_outputs){-1, -1};
    int64_t depth = seen_shape->dim[3] + 4 * SIZES; /* the shape itself may move when values are added */
    ardm_value voids = ardm_graph_node(graph, NULL, "voids", &state, 1, NULL);
    /* Beside the interpolation what every position shows, and how far it is from what the others say. All of it is +0 at void positions. */
    ardm_value told = ARDM_NODE(graph, "concat", NULL, values, part(graph, seen[0], 2 * net->scales, 1));
    ardm_value features = at_sizes(graph, seen[0], told);
    features = ARDM_NODE(graph, "expand", "axis=1", ARDM_NODE(graph, "merge", "first=1, count=2", features));

    ardm_value condition = ardm_network__condition(graph, net, in);
    ardm_value h = ARDM_NODE(graph, "silu", NULL, conv(graph, "enter", features, depth, width, 1));
    ardm_value said = -1;
    for (int64_t i = 0; i < net->layers; i++) {
        ardm_value skip = block(graph, net, in, &h, voids, condition, i);
        said = said < 0 ? skip : ARDM_NODE(graph, "add", NULL, said, skip);
    }
    said = ardm_graph_node(graph, NULL, "scale", &said, 1, "by=%.9g", (double)ardm_rsqrt((float)net->layers));
    h = ARDM_NODE(graph, "silu", NULL, ardm_network__dense(graph, "last", said, width, width, 1));

    const int64_t z_size = ardm_network__parameters(net);
    const int32_t mixed = (net->head == ARDM_HEAD_MIXTURE || net->head == ARDM_HEAD_CDF) && net->mixtures <= MOST_MIXTURES;
    const float unit = net->classes > FINE ? ardm_flush(ardm_mul(16.0f, ardm_rsqrt((float)net->classes))) : 1.0f;
    ardm_value predicted = mixed ? predict(graph, net, values, h, unit) : -1;
    h = ARDM_NODE(graph, "concat", NULL, h, features); /* what a linear rule of the known samples can say need not pass a nonlinearity */
    ardm_value z = picked(graph, in, h);
    z = ardm_network__own(graph, net, in, ardm_network__dense(graph, "head", z, width + depth, ardm_network__experts(net) * z_size, 1));
    ardm_value centre = -1;
    if (mixed) {
        z = finer(graph, net, ARDM_NODE(graph, "add", NULL, z, picked(graph, in, predicted)), unit);
        centre = ardm_network__rows(graph, in, ARDM_NODE(graph, "merge", "first=1, count=3", seen[1]));
    }
    return ardm_network__head(graph, net, in, z, centre);
}
