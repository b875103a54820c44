/* The paper's network for sounds (App. D.3, after DiffWave, Kong et al. 2021): gated residual blocks of dilated convolutions, and what they say
 * to the head. An item i32[N,L] is a picture one pixel high. */
#include "networks/paper.h"

#include <stdio.h>

#include "ardm/exact.h"

static ardm_value part(ardm_graph *graph, ardm_value x, int64_t begin, int64_t size) {
    return ardm_graph_node(graph, NULL, "slice", &x, 1, "begin=%lld, size=%lld", (long long)begin, (long long)size);
}

/* Moves *h on by one block and gives what the block says to the head. The last block has nothing behind it to move on to. */
static ardm_value block(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in, ardm_value *h, ardm_value voids,
                        ardm_value condition, int64_t index) {
    char name[64];
    const int64_t width = net->width;
    snprintf(name, sizeof name, "block%lld.condition", (long long)index);
    ardm_value x = ARDM_NODE(graph, "add_item", NULL, *h, ardm_network__dense(graph, name, condition, 4 * width, width, 1));
    x = ardm_network__dropout(graph, net, in, ARDM_NODE(graph, "hide", NULL, x, voids), index);
    snprintf(name, sizeof name, "block%lld.gate", (long long)index);
    x = ardm_network__taps(graph, name, x, 1, width, 2 * width, (int64_t)1 << index % net->cycle);
    ardm_value wave = ARDM_NODE(graph, "tanh", NULL, part(graph, x, 0, width));
    ardm_value gate = ARDM_NODE(graph, "sigmoid", NULL, part(graph, x, width, width));
    x = ARDM_NODE(graph, "mul", NULL, wave, gate);
    if (index + 1 < net->layers) {
        snprintf(name, sizeof name, "block%lld.residual", (long long)index);
        ardm_value moved = ARDM_NODE(graph, "add", NULL, *h, ardm_network__dense(graph, name, x, width, width, 1));
        *h = ARDM_NODE(graph, "scale", "by=0.707106769", moved);
    }
    snprintf(name, sizeof name, "block%lld.skip", (long long)index);
    return ardm_network__dense(graph, name, x, width, width, 1);
}

static ardm_value pixels(ardm_graph *graph, ardm_value units) { /* [N,L] as [N,1,L,1] */
    return ARDM_NODE(graph, "expand", "axis=3", ARDM_NODE(graph, "expand", "axis=1", units));
}

ardm_network_outputs ardm_network__paper_wave(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in) {
    const ardm_network__seen seen = ardm_network__look(graph, net, pixels(graph, in->symbols), pixels(graph, in->state), in->stage, 1);
    const ardm_value condition = ARDM_NODE(graph, "silu", NULL, ardm_network__time(graph, net, in));
    ardm_value h = ARDM_NODE(graph, "relu", NULL, seen.h), said = -1;
    for (int64_t i = 0; i < net->layers; i++) {
        ardm_value skip = block(graph, net, in, &h, seen.voids, condition, i);
        said = said < 0 ? skip : ARDM_NODE(graph, "add", NULL, said, skip);
    }
    said = ardm_graph_node(graph, NULL, "scale", &said, 1, "by=%.9g", (double)ardm_rsqrt((float)net->layers));
    h = ARDM_NODE(graph, "relu", NULL, ardm_network__dense(graph, "last", said, net->width, net->width, 1));

    ardm_value z = ARDM_NODE(graph, "merge", "first=1, count=2", h), centre = -1;
    if (in->rows >= 0) z = ARDM_NODE(graph, "gather_rows", NULL, z, in->rows);
    z = ardm_network__dense(graph, "head", z, net->width, ardm_network__parameters(net), 1);
    if (net->head == ARDM_HEAD_MIXTURE || net->head == ARDM_HEAD_CDF) { /* means count from the middle of the range */
        ardm_value middle = ARDM_NODE(graph, "scale", "by=0", ARDM_NODE(graph, "merge", "first=1, count=3", seen.values));
        centre = ardm_network__rows(graph, in, middle);
    }
    return ardm_network__head(graph, net, in, z, centre);
}
