/* What the networks of form `paper` share: the shapes of the paper's appendix D, layer by layer. */
#ifndef ARDM_NETWORKS_PAPER_H
#define ARDM_NETWORKS_PAPER_H

#include "networks/private.h"

/* A convolution of `high` x 3 taps with bias. */
ardm_value ardm_network__taps(ardm_graph *graph, const char *prefix, ardm_value x, int64_t high, int64_t in, int64_t out, int64_t dilation);
/* How far an item is, through two dense layers of four times the width: [N,4D], before the nonlinearity of those that read it. */
ardm_value ardm_network__time(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs);

typedef struct ardm_network__seen {
    ardm_value h;      /* f32[N,H,W,D], +0 at void positions */
    ardm_value values; /* f32[N,H,W,C] */
    ardm_value voids;  /* u8[N,H,W] */
} ardm_network__seen;
/* Of symbols and state [N,H,W,C]: numbers, what is known and the stage through a convolution, ids through an embedding. */
ardm_network__seen ardm_network__look(ardm_graph *graph, const ardm_network *network, ardm_value symbols, ardm_value state, ardm_value stage,
                                      int64_t high);

ardm_network_outputs ardm_network__paper_unet(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs);
ardm_network_outputs ardm_network__paper_wave(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs);

#endif
