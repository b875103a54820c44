/* ardm/objective.h (method): the graphs of training, evaluation and coding. Three builders over one network.
 *
 * Training draws one (cell, n) an example (or one an own cell for cell-causal networks) and weighs the log-likelihood of the
 * units that remain: loss = Σ_units weight · nll, the estimator of method.md 2 (paper Eq. 2). All weights come from the host. */
#ifndef ARDM_OBJECTIVE_H
#define ARDM_OBJECTIVE_H

#include "ardm/network.h"

/* What the trainer needs to know beside the network. */
typedef struct ardm_objective {
    int64_t group; /* items a gradient group */
    double beta1, beta2, epsilon, decay;
    int32_t exponent; /* the backward pass is seeded with 2^exponent (numerics.md 4) */
    int32_t levels;   /* log2 of the parts that a global batch comes in; 0: whole */
} ardm_objective;

/* One optimiser step.
 *   inputs   symbols state stage time [block] as in network.h, with dropout key and first; weight f32[N,U]; f32[]: rate, limit (0: none is a
 *            huge number), c1, c2 (bias corrections), average (1−d)
 *   outputs  nll f32[N,U] nats; loss f32[] = Σ weight·nll; norms f32[T]: squared gradient norm of each parameter × 4^exponent; clip f32[];
 *            hold i32[]: not 0 where the loss, the gradient's norm or a logit is not finite: every state then stays as it was, bit for bit
 *   states   each parameter w and w.m, w.v (Adam's moments), w.average
 * With levels, part a of 2^levels is run with the masks of ardm_objective_part, and the last one moves the weights: the same bits as one run of the
 * whole batch, as long as every part holds whole groups. Gradients of parts are folded like the digits of a binary counter, so that the sum is the
 * tree over all groups (numerics.md 3), in `levels` buffers. inputs   + carry.0 …, store.0 …, stay.0 …, idle f32[] outputs  loss, nll and hold of the
 * part; norms and clip mean something with the last part only states   + w.part0 …: sums of 1, 2, 4 … parts */
ardm_status ardm_objective_train(ardm_graph **out, const ardm_network *network, const ardm_objective *objective);

/* The masks of part `part` at `level`: whether the sum that waits there joins in, whether this one waits there from now on. */
typedef struct ardm_part_masks {
    float carry, store, stay;
} ardm_part_masks;
ardm_part_masks ardm_objective_part(uint32_t part, int32_t level);

/* The same step in two graphs, for a batch that several devices share: the gradients of a part, and what their sum, made elsewhere, does to the
 * weights. `levels` is 0. backward  inputs symbols … weight as above → loss f32[], bad i32[] (logits that are not finite), gradient.0, gradient.1, …:
 * one a parameter in byte order of the names; no state changes move      inputs gradient.0 …, loss, bad, rate, limit, c1, c2, average → norms, clip,
 * hold; states as above */
ardm_status ardm_objective_backward(ardm_graph **out, const ardm_network *network, const ardm_objective *objective);
ardm_status ardm_objective_move(ardm_graph **out, const ardm_network *network, const ardm_objective *objective);
const char *ardm_objective_gradient(char name[32], uint32_t index); /* "gradient.7" */

/* The same gradients, seeded with what the caller likes and only looked at; no state changes.
 *   inputs   symbols … weight as above; scale f32[], the seed
 *   outputs  nonzero.0, nonzero.1, … i32[], one a parameter in byte order of the names: elements of its gradient that are not zero */
ardm_status ardm_objective_gradients(ardm_graph **out, const ardm_network *network, int64_t group);

/* Symbols that one row of a head tells: all channels of a pixel, else 1. */
uint32_t ardm_head_parts(int32_t head, uint32_t channels);
/* How many frequencies a row gives one after another, each knowing what those before decided: a pixel's channels; the base-256 digits of a mixture's
 * symbol where it has more values than frequencies can tell apart (numerics.md 7); else 1. */
uint32_t ardm_head_turns(int32_t head, int64_t classes);
#define ARDM_DIGIT_BASE 256u

/* The heads appended to an inference graph (ardm_network_graph, or the one that a model carries), with its inputs.
 *   evaluate  + target i32[N,R], of pixels i32[N,R,3]; children i32[N,R] → nll f32[N,R]
 *   encode    + target, children, row i32[N,R] (−1: none) → interval u32[N,R,2], digest u32[]
 *   decode    + children, row i32[N,R] → frequency u32[N,R,n], digest u32[]
 *   sample    + children i32[N,R], slot u32[N,R], coldness f32[] (1 / temperature) → symbol i32[N,R] (child indices) */
enum { ARDM_TASK_EVALUATE = 1, ARDM_TASK_ENCODE = 2, ARDM_TASK_DECODE = 3, ARDM_TASK_SAMPLE = 4 };
ardm_status ardm_objective_head(ardm_graph **out, const ardm_graph *inference, int32_t task, int32_t head, int64_t classes);

/* Of a head of several turns, what encode, decode and sample run once a turn, after the inference graph by itself: the inputs and outputs above
 * beside its outputs z and centre, and inputs    known i32[N,R] or of pixels i32[N,R,3]: the symbols as far as they are decided; turn i32[N] */
ardm_status ardm_objective_turn(ardm_graph **out, const ardm_graph *inference, int32_t task, int32_t head, int64_t classes);

#endif
