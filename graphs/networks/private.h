/* What the networks share: short spellings of the nodes that every one of them appends. */
#ifndef ARDM_NETWORKS_PRIVATE_H
#define ARDM_NETWORKS_PRIVATE_H

#include "ardm/network.h"

/* A state named "prefix.name" of the given type. */
ardm_value ardm_network__state(ardm_graph *graph, const char *prefix, const char *name, const char *type, ...) ARDM_PRINTF(4, 5);
/* x·w + b over the last extent, states "prefix.weight" [in,out] and, unless bias is 0, "prefix.bias" [out]. */
ardm_value ardm_network__dense(ardm_graph *graph, const char *prefix, ardm_value x, int64_t in, int64_t out, int32_t bias);
ardm_value ardm_network__conv(ardm_graph *graph, const char *prefix, ardm_value x, int64_t kernel, int64_t in, int64_t out);
/* x with elements dropped while a network is trained (graphs/networks/README.md says where); else x. Each place has a layer of its own. */
ardm_value ardm_network__dropout(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs, ardm_value x, int64_t layer);
/* Added to the variance: 1e-5, in the paper's form 1e-6. */
ardm_value ardm_network__layer_norm(ardm_graph *graph, const ardm_network *network, const char *prefix, ardm_value x, int64_t width);
ardm_value ardm_network__group_norm(ardm_graph *graph, const ardm_network *network, const char *prefix, ardm_value x, ardm_value mask, int64_t width);

int64_t ardm_network__parameters(const ardm_network *network); /* of the head, a unit */
/* How many sets of these a unit has, and from all of them [N,R,·] those of the item's expert. */
int64_t ardm_network__experts(const ardm_network *network);
ardm_value ardm_network__own(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs, ardm_value z);
/* What an item is told as a whole, [N,D]: how far it is, and in which stage. */
ardm_value ardm_network__condition(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs);
/* What every unit has one of, [N,U], at the asked rows: [N,R]. */
ardm_value ardm_network__rows(ardm_graph *graph, const ardm_network_inputs *inputs, ardm_value units);
/* The outputs from the rows' parameters z[N,R,·] and centres[N,R] (-1: none): picks the stage's, or adds up children. */
ardm_network_outputs ardm_network__head(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs, ardm_value z,
                                        ardm_value centre);

ardm_network_outputs ardm_network__transformer(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs);
ardm_network_outputs ardm_network__diffwave(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs);
ardm_network_outputs ardm_network__unet(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs);

#endif
