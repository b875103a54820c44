/* What the files of this folder share: the insides of a graph. */
#ifndef ARDM_GRAPHS_INTERNAL_H
#define ARDM_GRAPHS_INTERNAL_H

#include "ardm/graph.h"

enum {
    ARDM_MAX_NAMES = 12,       /* named extents a graph */
    ARDM_MAX_EXTENT_NAME = 15, /* bytes of such a name */
    ARDM_MAX_NAME = 255,       /* bytes of the name of a graph, value or output */
    ARDM_MAX_TYPE = 256        /* room for a printed type */
};

/* Text to value, open addressing; keys are borrowed from the values. */
typedef struct ardm_graph__map {
    const char **keys;
    int32_t *items;
    uint32_t used, capacity;
} ardm_graph__map;
int32_t ardm_graph__map_find(const ardm_graph__map *map, const char *key, size_t length); /* -1: none */
ardm_status ardm_graph__map_add(ardm_graph__map *map, const char *key, int32_t item);     /* key must be new */
void ardm_graph__map_free(ardm_graph__map *map);

typedef struct ardm_graph__value {
    int32_t kind;           /* ARDM_VALUE_…; 0: a pass removed it */
    ardm_shape shape, twin; /* at the two nominal points of extent.c */
    char *label;            /* what the text form calls it; NULL: a number when printed */
    char *name;             /* what callers know an input or state by */
    void *data;             /* of a constant */
    int32_t node;           /* that makes it, -1: none */
} ardm_graph__value;

typedef struct ardm_graph__node {
    const ardm_op *op;
    ardm_attr_value attrs[ARDM_MAX_ATTRS];
    uint32_t n_in, n_out; /* absent optional operands are -1; n_in is at least op->n_inputs unless the last is variadic */
    ardm_value in[ARDM_MAX_OPERANDS], out[ARDM_MAX_OPERANDS];
} ardm_graph__node;

typedef struct ardm_graph__output {
    char *name;
    ardm_value value;
} ardm_graph__output;

typedef struct ardm_graph__update {
    ardm_value state, value;
} ardm_graph__update;

struct ardm_graph {
    char *name;
    char names[ARDM_MAX_NAMES][ARDM_MAX_EXTENT_NAME + 1]; /* extents, in order of appearance */
    uint32_t slots[ARDM_MAX_NAMES];                       /* which nominal numbers a name has */
    uint32_t n_names;
    ardm_graph__value *values;
    ardm_graph__node *nodes; /* every node stands behind those it reads */
    ardm_value *inputs, *states;
    ardm_graph__output *outputs;
    ardm_graph__update *updates;
    uint32_t n_values, n_nodes, n_inputs, n_states, n_outputs, n_updates;
    uint32_t cap_values, cap_nodes, cap_inputs, cap_states, cap_outputs, cap_updates;
    ardm_graph__map labels, known; /* labels; names of inputs and states */
    ardm_status status;
    char message[768];
};

/* Remembers this thread's message as the graph's first failure; returns -1. */
ardm_value ardm_graph__broken(ardm_graph *graph, ardm_status status);
/* Makes room for one more element. */
ardm_status ardm_graph__grow(void **array, uint32_t count, uint32_t *capacity, size_t element);
int ardm_graph__is_identifier(const char *text, size_t length); /* letter or _, then letters, digits, _ and . */
char *ardm_graph__text_copy(const char *text, size_t length);   /* NULL: no memory */

/* Builders that name what they make; `label` NULL: none. -1 on failure. */
ardm_value ardm_graph__add_value(ardm_graph *graph, int32_t kind, const ardm_shape *shape, const ardm_shape *twin, const char *label);
ardm_value ardm_graph__add_state(ardm_graph *graph, const char *name, const char *type, size_t type_length, const char *label);
ardm_value ardm_graph__add_input(ardm_graph *graph, const char *name, const char *type, size_t type_length);
ardm_value ardm_graph__add_constant(ardm_graph *graph, const ardm_shape *shape, const void *data, const char *label); /* data NULL: zeros */
ardm_value ardm_graph__add_node(ardm_graph *graph, ardm_value *outs, const ardm_op *op, const ardm_value *in, uint32_t n_in, const char *attrs,
                                size_t attrs_length);
ardm_status ardm_graph__set_label(ardm_graph *graph, ardm_value value, const char *label);
/* Fills a call of a node at its first nominal point; in and out need ARDM_MAX_OPERANDS shapes. */
void ardm_graph__call(const ardm_graph *graph, const ardm_graph__node *node, ardm_call *call, ardm_shape *in, ardm_shape *out);
/* Sets every value's `node` again after nodes moved. */
void ardm_graph__renumber(ardm_graph *graph);

/* Canonical weights (numerics.md 4): +0 below 2^least (-40; -100 for Adam's moments) and for -0. ARDM_EINVAL at the first
 * non-finite element. */
ardm_status ardm_graph__canonical(float *data, int64_t count, int32_t least, const char *what);

/* extent.c */
ardm_status ardm_graph__type_parse(ardm_graph *graph, const char *text, size_t length, ardm_shape *shape, ardm_shape *twin);
ardm_status ardm_graph__type_print(const ardm_graph *graph, const ardm_shape *shape, const ardm_shape *twin, char *out, size_t size);
ardm_status ardm_graph__type_check(const ardm_graph *graph, const ardm_shape *shape, const ardm_shape *twin); /* could be printed */
/* Extents of a declared value at bound names; ARDM_ESHAPE when a name has no value or a quotient is not whole. */
struct ardm_extent;
ardm_status ardm_graph__type_at(const ardm_graph *graph, const ardm_shape *shape, const ardm_shape *twin, const struct ardm_extent *extents,
                                uint32_t n_extents, ardm_shape *out);

/* passes */
ardm_status ardm_graph__fold(ardm_graph *graph);
ardm_status ardm_graph__common(ardm_graph *graph);
ardm_status ardm_graph__dead(ardm_graph *graph);
/* The text of what a disabled list names: 1 when `pass` is in the comma-separated `list`. */
int ardm_graph__is_listed(const char *list, const char *pass);

#endif
