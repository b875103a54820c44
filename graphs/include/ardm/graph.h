/* ardm/graph.h (graphs): a graph is a list of values and the nodes that make them; it has a text form that parses back.
 *
 * Named extents (N items, R rows, H, W, L …) are bound late. Shapes are inferred by the ops' own `infer` at two nominal
 * points whose ratio is a prime of each name's own, so that an inferred extent prints as "2*H" and H/2 stays whole (see
 * graphs/extent.c). Building is short: a call that fails returns -1, the graph keeps the first message, later calls do
 * nothing, and ardm_graph_check() reports it. */
#ifndef ARDM_GRAPH_H
#define ARDM_GRAPH_H

#include "ardm/file.h"
#include "ardm/op.h"

typedef struct ardm_graph ardm_graph;

enum { ARDM_VALUE_INPUT = 1, ARDM_VALUE_CONSTANT = 2, ARDM_VALUE_STATE = 3, ARDM_VALUE_LOCAL = 4 };

ardm_status ardm_graph_create(ardm_graph **out, const char *name);
void ardm_graph_free(ardm_graph **graph);
ardm_status ardm_graph_copy(ardm_graph **out, const ardm_graph *graph);
ardm_status ardm_graph_check(const ardm_graph *graph); /* the first failure of building, or ARDM_OK */

/* Values. `type` is text: "f32[N,H,W,3]", "i32[N]", "f32[]". Names are unique per graph. */
ardm_value ardm_graph_input(ardm_graph *graph, const char *name, const char *type);
ardm_value ardm_graph_state(ardm_graph *graph, const char *name, const char *type);    /* name may hold dots: "block0.qkv" */
ardm_value ardm_graph_constant(ardm_graph *graph, const char *type, const void *data); /* concrete extents, copied */
ardm_value ardm_graph_scalar(ardm_graph *graph, float value);

/* Appends a node; returns its first output. `attrs` is printf-formatted text or NULL. `outs` (may be NULL) receives all outputs. */
ardm_value ardm_graph_node(ardm_graph *graph, ardm_value *outs, const char *op, const ardm_value *in, uint32_t n_in, const char *attrs, ...)
    ARDM_PRINTF(6, 7);
#define ARDM_NODE(graph, op, attrs, ...)                                                                                                             \
    ardm_graph_node(graph, NULL, op, (const ardm_value[]){__VA_ARGS__}, sizeof((const ardm_value[]){__VA_ARGS__}) / sizeof(ardm_value), attrs)

/* The only way to change state; all updates follow all reads of the old value. */
void ardm_graph_update(ardm_graph *graph, ardm_value state, ardm_value value);
void ardm_graph_output(ardm_graph *graph, const char *name, ardm_value value);

/* Copies the nodes of `part` into `graph`, its inputs replaced by `inputs` (by position), states shared by name; `outputs`
 * receives the values of its outputs. This is how builders append heads to a network that a model carries as text. */
ardm_status ardm_graph_inline(ardm_graph *graph, const ardm_graph *part, const ardm_value *inputs, uint32_t n_inputs, ardm_value *outputs,
                              uint32_t n_outputs);

/* Reading. */
uint32_t ardm_graph_value_count(const ardm_graph *graph);
int32_t ardm_graph_value_kind(const ardm_graph *graph, ardm_value value);
const char *ardm_graph_value_name(const ardm_graph *graph, ardm_value value);
const ardm_shape *ardm_graph_value_shape(const ardm_graph *graph, ardm_value value);                  /* at nominal extents */
const char *ardm_graph_value_type(const ardm_graph *graph, ardm_value value, char *out, size_t size); /* "f32[N,2*H,3]" */
ardm_value ardm_graph_find(const ardm_graph *graph, const char *name); /* inputs, states and outputs by name; -1 none */
uint32_t ardm_graph_input_count(const ardm_graph *graph);
ardm_value ardm_graph_input_at(const ardm_graph *graph, uint32_t index);
uint32_t ardm_graph_output_count(const ardm_graph *graph);
const char *ardm_graph_output_at(const ardm_graph *graph, uint32_t index, ardm_value *value);
uint32_t ardm_graph_state_count(const ardm_graph *graph);
ardm_value ardm_graph_state_at(const ardm_graph *graph, uint32_t index);
uint32_t ardm_graph_node_count(const ardm_graph *graph);
const ardm_op *ardm_graph_node_op(const ardm_graph *graph, uint32_t index); /* index < node count; not in the order of the text */

/* Text form. print = parse⁻¹; the first line is "ardm graph 1". Hostile text gets ARDM_EFORMAT with the line; never more than
 * `limit` bytes of constants. `dot` prints Graphviz instead. */
ardm_status ardm_graph_print(ardm_bytes *out, const ardm_graph *graph);
ardm_status ardm_graph_print_dot(ardm_bytes *out, const ardm_graph *graph);
ardm_status ardm_graph_parse(ardm_graph **out, const char *text, size_t size, uint64_t limit);

/* Passes. Each takes and changes a graph. */
/* Appends the gradients of `loss` (f32[]) with respect to `wrt`, seeded with the value `seed` (f32[]); gradients[i] is -1
 * where none flows. group: items a gradient group. Contributions to one value are added in the order of its uses, last use first. */
ardm_status ardm_graph_differentiate(ardm_graph *graph, ardm_value loss, ardm_value seed, int64_t group, const ardm_value *wrt, uint32_t n,
                                     ardm_value *gradients);
/* Folding by the reference, common subexpressions, dead nodes. Never reassociates, distributes or cancels: same bits. */
ardm_status ardm_graph_simplify(ardm_graph *graph);
ardm_status ardm_graph_run_pass(ardm_graph *graph, const char *pass); /* "simplify", …; ARDM_ENOTFOUND lists the passes */

#endif
