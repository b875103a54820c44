/* ardm/program.h (graphs): from a graph to a recorded list of launches, and running it.
 *
 * compile once → bind to extents and a store of states (plans arenas, chooses variants, records) → run many times. A run is
 * one write of all inputs, the list, one read of all outputs, which is the only wait. After the first run of a binding nothing
 * is allocated and nothing compiled. On the reference device a run calls each op's C reference over the same plan. */
#ifndef ARDM_PROGRAM_H
#define ARDM_PROGRAM_H

#include "ardm/graph.h"

/* States by name: parameters, moments, averages, counters. A checkpoint is a store; so resume is complete by construction. */
typedef struct ardm_store ardm_store;
ardm_status ardm_store_create(ardm_store **out, ardm_device *device);
void ardm_store_free(ardm_store **store);
ardm_device *ardm_store_device(const ardm_store *store);
/* Creates or overwrites (a state keeps its shape: ARDM_ESHAPE). f32 values are made canonical (F, numerics.md 4), non-finite ones refused. data NULL:
 * zeros. */
ardm_status ardm_store_set(ardm_store *store, const char *name, const ardm_shape *shape, const void *data);
/* The same for checkpoints: what ardm_store_get gave comes back to the bit. Moments may be as small as 2^-100 (numerics.md 6). */
ardm_status ardm_store_restore(ardm_store *store, const char *name, const ardm_shape *shape, const void *data);
ardm_status ardm_store_get(ardm_store *store, const char *name, void *data); /* waits */
uint32_t ardm_store_count(const ardm_store *store);
const char *ardm_store_name(const ardm_store *store, uint32_t index);          /* in byte order of names */
const ardm_shape *ardm_store_shape(const ardm_store *store, const char *name); /* NULL: unknown */

typedef struct ardm_extent {
    const char *name; /* "N" */
    int64_t value;
} ardm_extent;

typedef struct ardm_bind_options {
    uint32_t size;       /* sizeof, first */
    uint32_t numerics;   /* ARDM_EXACT (default) or ARDM_FAST */
    const char *suffix;  /* state "w" is looked up as "w" + suffix first (averaged weights), then as "w"; NULL none */
    const char *disable; /* comma-separated optional passes to leave out, NULL none */
    int32_t no_fallback; /* a variant that does not build is an error instead of a warning */
    int32_t profile;     /* wait after each launch and keep times */
    int32_t oracle;      /* tests: run every op's double-precision oracle in host memory (reference device only) */
    const char *variant; /* tests: take the variant of this name wherever an op has it, NULL best */
    uint64_t memory;     /* refuse plans above this many bytes; 0: no limit */
} ardm_bind_options;
#define ARDM_BIND_OPTIONS_INIT                                                                                                                       \
    { sizeof(ardm_bind_options), ARDM_EXACT, NULL, NULL, 0, 0, 0, NULL, 0 }

typedef struct ardm_binding ardm_binding;

/* The graph is copied and simplified (unless disabled). States that the store lacks are ARDM_ENOTFOUND with their type. Optional
 * passes: fold, common, dead (together simplify) and in-place. Bindings of one store share scratch memory, run one at a time, and
 * are freed before it. */
ardm_status ardm_bind(ardm_binding **out, const ardm_graph *graph, ardm_store *store, const ardm_extent *extents, uint32_t n_extents,
                      const ardm_bind_options *options);
void ardm_binding_free(ardm_binding **binding);

/* Host memory of an input, to be filled before a run; it keeps its contents between runs. */
void *ardm_binding_input(ardm_binding *binding, const char *name);
const ardm_shape *ardm_binding_shape(const ardm_binding *binding, const char *name);     /* concrete, of an input or output */
const void *ardm_binding_output(const ardm_binding *binding, const char *name);          /* after a run */
const double *ardm_binding_output_double(const ardm_binding *binding, const char *name); /* bound with oracle: before rounding to f32 */

ardm_status ardm_run(ardm_binding *binding);

/* What the plan needs, known before any kernel is built. */
typedef struct ardm_plan_facts {
    /* Buffers: the sum of the first five. The largest workspace of a node is a part of local_bytes. */
    uint64_t state_bytes, constant_bytes, input_bytes, output_bytes, local_bytes, workspace_bytes;
    uint64_t live_peak; /* the largest set of locals alive at once */
    uint32_t nodes, launches;
    double flops, bytes; /* by the ops' own cost functions */
} ardm_plan_facts;
ardm_status ardm_graph_plan(ardm_plan_facts *out, const ardm_graph *graph, const ardm_device_facts *facts, const ardm_extent *extents,
                            uint32_t n_extents, const ardm_bind_options *options);
/* What a plan holds, node by node in their order; the numbers add up to those of the facts. What `node` points to lasts for the call. */
typedef struct ardm_plan_node {
    uint32_t size; /* sizeof, first */
    const ardm_op *op;
    uint32_t n_states; /* operands that are states, with their names */
    const char *states[ARDM_MAX_OPERANDS];
    const ardm_shape *state_shapes[ARDM_MAX_OPERANDS];
    const ardm_shape *output; /* the first of them */
    uint64_t output_bytes;    /* of all outputs; a view has no bytes of its own */
    double flops, bytes;      /* by the op's cost function */
} ardm_plan_node;
typedef void (*ardm_plan_visit)(void *user, const ardm_plan_node *node);
ardm_status ardm_graph_plan_nodes(const ardm_graph *graph, const ardm_device_facts *facts, const ardm_extent *extents, uint32_t n_extents,
                                  const ardm_bind_options *options, ardm_plan_visit visit, void *user);
const ardm_plan_facts *ardm_binding_facts(const ardm_binding *binding);
/* What computes node `index` of ardm_binding_facts()->nodes; *variant is NULL for views and on the reference device. */
void ardm_binding_node(const ardm_binding *binding, uint32_t index, const ardm_op **op, const ardm_variant **variant);

/* Profile table of the last run, one line a node, when bound with profile. */
ardm_status ardm_binding_profile(ardm_bytes *out, const ardm_binding *binding);

/* Names the first node whose output holds a non-finite value when the same inputs are run again, and a state that it reads: replays with a test
 * after each node. States stay as they are. */
ardm_status ardm_binding_find_nonfinite(ardm_binding *binding, char *node, size_t size);

#endif
