/* What the networks share: short spellings of the nodes that every one of them appends. */
#ifndef ARDM_NETWORKS_PRIVATE_H
#define ARDM_NETWORKS_PRIVATE_H

#include "ardm/network.h"

/* A state named "prefix.name" of the given type. */
ardm_value ardm_network__state(ardm_graph *graph, const char *prefix, const char *name, const char *type, ...) ARDM_PRINTF(4, 5);
/* x·w + b over the last extent, states "prefix.weight" [in,out] and, unless bias is 0, "prefix.bias" [out]. */
ardm_value ardm_network__dense(ardm_graph *graph, const char *prefix, ardm_value x, int64_t in, int64_t out, int32_t bias);
ardm_value ardm_network__conv(ardm_graph *graph, const char *prefix, ardm_value x, int64_t kernel, int64_t in, int64_t out);
ardm_value ardm_network__layer_norm(ardm_graph *graph, const char *prefix, ardm_value x, int64_t width);
ardm_value ardm_network__group_norm(ardm_graph *graph, const char *prefix, ardm_value x, ardm_value mask, int64_t width, int64_t groups);

ardm_network_outputs ardm_network__transformer(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs);
ardm_network_outputs ardm_network__unet(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs);

#endif
