/* The inside of a binding. */
#ifndef ARDM_GRAPHS_BINDING_H
#define ARDM_GRAPHS_BINDING_H

#include "plan.h"
#include "store.h"

enum { ARDM_ENTRY_LAUNCH = 1, ARDM_ENTRY_GEMM = 2, ARDM_ENTRY_COPY = 3, ARDM_ENTRY_HOST = 4 };

/* One thing a run does. Copies before and after the nodes have the node number UINT32_MAX. */
typedef struct ardm_binding__entry {
    uint32_t kind, node;
    ardm_launch *launch;
    const ardm_plan__step *gemm;
    void *scratch;    /* a cl_mem for CLBlast's temporary */
    int32_t from, to; /* slots of a copy */
} ardm_binding__entry;

/* The double-precision run keeps every value apart, in host memory. */
typedef struct ardm_binding__oracle {
    void **values;      /* doubles for f32, else the type itself; views have memory of their own */
    void **outputs;     /* as they were before the updates */
    uint64_t *versions; /* of the states when they were loaded */
} ardm_binding__oracle;

struct ardm_binding {
    ardm_device *device;
    ardm_store *store;
    ardm_graph *graph;
    ardm_plan *plan;
    ardm_bind_options options;
    ardm_store__entry **states; /* a value's entry in the store; NULL where it is no state */
    ardm_buffer *inputs, *outputs, *constants, *arenas[ARDM_MAX_ARENAS];
    ardm_buffer **slots; /* a root's memory; NULL: none */
    uint8_t *input_host, *output_host;
    ardm_binding__entry *entries;
    uint32_t n_entries, cap_entries;
    const void **host_in; /* reference device: operands of every node, one behind the other */
    void **host_out;
    uint32_t *host_first; /* where a node's operands begin: in, then out */
    ardm_binding__oracle *oracle;
    double *seconds; /* profile: a node's time in the last run; the last element is copies */
    char *suffix;    /* owned */
};

ardm_buffer *ardm_binding__memory(const ardm_binding *binding, int32_t slot);
ardm_status ardm_binding__record(ardm_binding *binding, ardm_plan__refused *refused); /* ARDM_EBUILD: a variant was added to `refused` */
void ardm_binding__drop_entries(ardm_binding *binding);
ardm_status ardm_binding__run_entry(ardm_binding *binding, const ardm_binding__entry *entry);

/* host_run.c: the reference and oracle back ends. */
ardm_status ardm_binding__host_prepare(ardm_binding *binding);
ardm_status ardm_binding__host_node(ardm_binding *binding, uint32_t node);
void ardm_binding__host_free(ardm_binding *binding);
ardm_status ardm_binding__oracle_create(ardm_binding *binding);
ardm_status ardm_binding__oracle_run(ardm_binding *binding);
void ardm_binding__oracle_free(ardm_binding *binding);

#endif
