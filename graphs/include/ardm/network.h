/* ardm/network.h (graphs): networks are functions that append nodes.
 *
 * A network maps (symbols, unit state, stage, time, block, rows) to one row of head parameters a unit. Training asks for every
 * unit (`rows` -1), coding for the rows of a block: the same function, the same bits. Shapes, names and formulas of the
 * networks are in graphs/networks/README.md. */
#ifndef ARDM_NETWORK_H
#define ARDM_NETWORK_H

#include "ardm/graph.h"

enum { ARDM_NETWORK_TRANSFORMER = 1, ARDM_NETWORK_UNET = 2, ARDM_NETWORK_DIFFWAVE = 3 };
/* What a row's outputs are (method.md 1). Of one stage: a softmax over K, or a mixture of logistics over K ordered symbols. Of several:
 * direct, b logits a stage; data, K logits of which each child takes the sum of its leaves; cdf, a mixture of which each child takes its
 * interval. Rows of the last three leave the network as logits of children, so all of them are coded alike.
 * Of a pixel, one row tells red, then green, then blue: a mixture whose components condition each channel on those before. */
enum { ARDM_HEAD_SOFTMAX = 1, ARDM_HEAD_DIRECT = 2, ARDM_HEAD_MIXTURE = 3, ARDM_HEAD_DATA = 4, ARDM_HEAD_CDF = 5, ARDM_HEAD_PIXEL = 6 };

/* Everything that decides a network's shape; written from the config, never read back from a model. */
typedef struct ardm_network {
    uint32_t size; /* sizeof, first */
    int32_t kind, head;
    int64_t classes;              /* K */
    int64_t stages, base;         /* S, b (of a table: the most children of a parent): direct heads have S·b logits */
    const char *family;           /* of the process, as op corrupt names it */
    const int32_t *table;         /* family "table": i32[5,S+1,K] of ops/corrupt/chain.h, borrowed during the call; else NULL */
    int64_t inputs;               /* rows of an embedding of ids; 0: K + 1 */
    int64_t channels;             /* symbols a position: 1 for text, C for images; a unit is a symbol, of a pixel head all C */
    int64_t width, layers;        /* hidden width D; transformer blocks or residual blocks */
    int64_t heads;                /* attention heads; unet: 0 has no attention */
    int64_t mixtures;             /* M of a mixture head */
    int64_t streams;              /* transformer: 1 bidirectional, 2 block-causal */
    int64_t context, buckets;     /* transformer: hashed embeddings of the 1…context preceding symbols */
    int64_t stem, groups, scales; /* unet: full-resolution width, norm groups, scales of the interpolation features (diffwave as well) */
    int64_t down;                 /* unet: space-to-depth block, 1 or 2 */
    int64_t cycle;                /* diffwave: dilations 1, 2 … 2^(cycle-1), then from 1 again */
    int64_t taps;                 /* transformer of one stream: of a convolution along positions before each attention, odd; 0: none */
    int32_t paper;                /* the shapes of the paper's appendix D instead of our smaller ones; scales has no meaning there */
    int32_t timed;                /* transformer, paper: blocks are told how much is decided */
    int64_t embedding;            /* unet, diffwave, paper: width of an id's row; of D, stem are from numbers and the rest from ids */
    int64_t every;                /* unet, paper: attention also behind every so-manieth block of either half; 0: in the middle alone */
    double dropout;               /* probability that an element is dropped where the network has op dropout, if inputs say so; 0: never */
    int64_t experts;              /* unet, diffwave of form small: heads, of which a call uses its cell's; 0 and 1: one for all cells */
    int32_t permuted;             /* transformer of two streams: positions are told by an input, since an item's units come in an order of its own */
} ardm_network;

typedef struct ardm_network_inputs {
    ardm_value symbols;  /* i32[N,L] or i32[N,H,W,C]: leaves that show what is known */
    ardm_value state;    /* u8, the same extents: 0 undecided, 1 decided, 2 given, 3 void */
    ardm_value stage;    /* i32[N] */
    ardm_value time;     /* f32[N]: n/N over units that are neither void nor given */
    ardm_value block;    /* i32[N], block-causal networks; -1 otherwise */
    ardm_value rows;     /* i32[N,R], or -1: every unit in order */
    ardm_value key;      /* u32[3]: seed low, seed high, step of op dropout, or -1: nothing is dropped, whatever the network says */
    ardm_value first;    /* i32[]: item 0's place in the global batch; with key */
    ardm_value expert;   /* i32[N], which of several experts an item's cell has; -1 otherwise */
    ardm_value position; /* i32[N,L], of a permuted network: where each unit is; -1 otherwise */
} ardm_network_inputs;

typedef struct ardm_network_outputs {
    ardm_value z;      /* softmax f32[N,R,K]; direct, data, cdf f32[N,R,b] of the item's stage; mixture f32[N,R,3M]; pixel f32[N,R,10M] */
    ardm_value centre; /* mixture: f32[N,R], pixel: f32[N,R,3]: what the means are offsets from; -1 otherwise */
} ardm_network_outputs;

/* What rows are once they have left the network: ARDM_HEAD_SOFTMAX, _MIXTURE, _PIXEL, or _DIRECT for all whose rows are logits of children. */
int32_t ardm_network_row_head(const ardm_network *network);

/* The operand of ops that look classes up: a constant of network->table, or -1 where there is none. */
ardm_value ardm_network_table(ardm_graph *graph, const ardm_network *network);

/* Appends the network. Failures are the graph's (ardm_graph_check). */
ardm_network_outputs ardm_network_append(ardm_graph *graph, const ardm_network *network, const ardm_network_inputs *inputs);

/* The graph that a model file carries: inputs symbols state stage time [block] [position] [expert] rows, outputs z [centre]. */
ardm_status ardm_network_graph(ardm_graph **out, const ardm_network *network);
/* The same without rows: every unit in order. */
ardm_status ardm_network_forward(ardm_graph **out, const ardm_network *network);

/* How a state of the network starts. Kinds: zeros, ones, normal(0, scale), the marginal of the data (output bias). */
enum { ARDM_INIT_ZERO = 0, ARDM_INIT_ONE = 1, ARDM_INIT_NORMAL = 2, ARDM_INIT_MARGINAL = 3 };
typedef struct ardm_initialiser {
    int32_t kind;
    float scale;
} ardm_initialiser;
ardm_initialiser ardm_network_initialiser(const char *name, const ardm_shape *shape);

/* Writes the start values of one f32 state: Philox normals by the tensor's name (runtime/README.md), so neither order nor device matters. */
void ardm_network_initialise(float *out, const char *name, const ardm_shape *shape, uint64_t seed);

#endif
