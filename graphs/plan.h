/* What compiling a graph for one device and one set of extents yields, before any buffer or kernel is made.
 *
 * A slot is a piece of memory: slot v belongs to value v, further ones are workspaces and copies. Slots that share bytes
 * (views, results written over dying operands, new states written over old ones) have one root, and only roots have a place. */
#ifndef ARDM_GRAPHS_PLAN_H
#define ARDM_GRAPHS_PLAN_H

#include "ardm/program.h"
#include "internal.h"

enum { ARDM_IN_NOTHING = 0, ARDM_IN_INPUTS, ARDM_IN_OUTPUTS, ARDM_IN_STATE, ARDM_IN_CONSTANTS, ARDM_IN_ARENA };
enum { ARDM_MAX_ARENAS = 64 };

typedef struct ardm_plan__slot {
    int32_t root;  /* slot whose bytes these are */
    int32_t where; /* of a root */
    uint32_t arena;
    uint64_t offset, bytes;
    uint32_t first, last; /* positions between which an arena root is alive: 0 before all nodes, k + 1 node k, n + 1 after all */
} ardm_plan__slot;

enum { ARDM_STEP_LAUNCH = 1, ARDM_STEP_GEMM = 2 };
typedef struct ardm_plan__step {
    uint32_t node, kind;
    ardm_step launch; /* strings and operands owned; a product has three operands and a workspace */
    int64_t m, n, k;
    int32_t ta, tb;
} ardm_plan__step;

typedef struct ardm_plan__node {
    ardm_call call;              /* concrete; its shapes are in `shapes` of the plan */
    const ardm_variant *variant; /* NULL: views, and on the reference device */
    uint32_t first_work, n_work; /* slots */
} ardm_plan__node;

typedef struct ardm_plan__copy {
    int32_t from, to; /* slots */
} ardm_plan__copy;

typedef struct ardm_plan {
    const ardm_graph *graph;
    ardm_shape *value_shapes, *shapes;
    ardm_plan__slot *slots;
    ardm_plan__node *nodes;
    ardm_plan__step *steps;
    ardm_plan__copy *before, *after; /* of the nodes: results that no node writes; new states */
    int32_t *outputs;                /* slot of each output */
    uint8_t *used;                   /* values that anything reads or writes */
    uint32_t n_slots, cap_slots, n_steps, cap_steps, n_before, n_after, n_arenas;
    uint64_t input_bytes, output_bytes, constant_bytes, arena_bytes[ARDM_MAX_ARENAS];
    ardm_plan_facts facts;
} ardm_plan;

/* Variants that did not build and are passed over. */
typedef struct ardm_plan__refused {
    const ardm_variant **variants;
    uint32_t count, capacity;
} ardm_plan__refused;

ardm_status ardm_plan__create(ardm_plan **out, const ardm_graph *graph, const ardm_device_facts *facts, const ardm_extent *extents,
                              uint32_t n_extents, const ardm_bind_options *options, const ardm_plan__refused *refused);
void ardm_plan__free(ardm_plan **plan);
/* A new slot of `bytes`; -1 without memory. */
int32_t ardm_plan__slot_add(ardm_plan *plan, uint64_t bytes, uint32_t first, uint32_t last);
/* Roots, copies and lifetimes (lifetime.c), then places (place.c). in_place 0: nothing is written over anything. */
ardm_status ardm_plan__lifetimes(ardm_plan *plan, int in_place);
ardm_status ardm_plan__place(ardm_plan *plan, const ardm_device_facts *facts);
int ardm_plan__is_view(const ardm_graph__node *node);

/* A copy after the optional passes that are not disabled. */
ardm_status ardm_graph__compiled_copy(ardm_graph **out, const ardm_graph *graph, const ardm_bind_options *options);
/* Options of any size, filled up with defaults. */
ardm_status ardm_bind_options__take(ardm_bind_options *out, const ardm_bind_options *options);

#endif
