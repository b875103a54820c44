/* ardm/session.h (method): a model on a device: its weights in a store, its inference graph, and bindings kept by task and extents.
 *
 * Evaluator, sampler and coder are loops over a session. A trainer lends its own store, so that held-out bounds read the
 * averaged weights in place. One session serves one thread at a time. */
#ifndef ARDM_SESSION_H
#define ARDM_SESSION_H

#include "ardm/example.h"
#include "ardm/experts.h"
#include "ardm/objective.h"
#include "ardm/program.h"

/* What a model is beside weights and graph; copied where it is taken. */
typedef struct ardm_description {
    const char *process;             /* "absorbing 256" */
    const ardm_process *chain;       /* of "table K S", whose text does not tell it; else may be NULL */
    const char *order;               /* "quincunx" */
    const ardm_level_source *levels; /* of plugin and table orders, borrowed for the session's life; else NULL */
    int32_t head;                    /* ARDM_HEAD_… */
    uint32_t rank, extent[2];        /* the nominal item: [32,32] of images, [512] of text */
    uint32_t channels;
    uint32_t multiple; /* extents are rounded up to it; the excess is void */
    uint32_t context;  /* text: leading symbols of a window that are given, not coded */
    ardm_experts experts;
} ardm_description;

typedef struct ardm_session ardm_session;

/*   inference  borrowed during the call   store  borrowed for the session's life
 *   suffix     ".average" in training, NULL for a model file
 *   memory     limit of a binding in bytes; 0 none */
ardm_status ardm_session_create(ardm_session **out, const ardm_graph *inference, ardm_store *store, const char *suffix,
                                const ardm_description *description, uint64_t memory);
void ardm_session_free(ardm_session **session);
const ardm_description *ardm_session_description(const ardm_session *session);
const ardm_process *ardm_session_process(const ardm_session *session);
const ardm_order_family *ardm_session_order(const ardm_session *session);
ardm_device *ardm_session_device(const ardm_session *session);
uint32_t ardm_session_digits(const ardm_session *session); /* frequencies a row and turn: K of softmax and mixture, b of direct, 256 of digits */
uint32_t ardm_session_turns(const ardm_session *session);  /* ardm_head_turns */
uint32_t ardm_session_parts(const ardm_session *session);  /* ardm_head_parts */

/* What turn `turn` of a unit in `stage` asks: the child of its symbols, and among how many; and writes one decided. symbol: i32[parts], the unit's.
 */
uint32_t ardm_session_digit(const ardm_session *session, uint32_t stage, uint32_t turn, const int32_t *symbol, uint32_t *children);
void ardm_session_decide(const ardm_session *session, uint32_t stage, uint32_t turn, int32_t *symbol, uint32_t digit);

/* The expert of a cell of an item in this order; 0 where there is one. */
uint32_t ardm_session_expert(const ardm_session *session, const ardm_order *order, uint32_t stage, uint32_t level);

/* The nominal layout, and orders of any layout; the session owns them. */
ardm_layout ardm_session_layout(const ardm_session *session);
ardm_status ardm_session_orders(ardm_orders **out, ardm_session *session, const ardm_layout *layout);

/* A call: pointers into the bindings' host memory. items and rows are capacities (rows a power of two from 16); padded items
 * are full of ARDM_VOID and rows of -1. */
typedef struct ardm_call_io {
    ardm_binding *binding;               /* has the task's outputs */
    ardm_binding *network;               /* what a head of several turns encodes, decodes and samples from; else NULL */
    uint32_t items, rows, symbols_each;  /* symbols an item, excess included */
    uint32_t parts, turns;               /* turns of this task: 1 of an evaluation */
    int32_t *symbols;                    /* i32[items, symbols_each] */
    uint8_t *state;                      /* u8[items, symbols_each] */
    int32_t *stage, *block, *expert;     /* i32[items]; block, expert NULL where the network has none */
    int32_t *position;                   /* i32[items, symbols_each] of a permuted family: the unit in each slot; else NULL */
    float *time;                         /* f32[items] */
    int32_t *row;                        /* i32[items, rows]: units to predict */
    int32_t *target, *children, *number; /* i32[items, rows]; NULL where the task has none; an evaluation's target has all parts of a unit.
                                          * number: digest row numbers */
    int32_t *known;                      /* i32[items, rows, parts]: the symbols, as far as earlier turns decided them; NULL without turns */
    uint32_t *slot;                      /* u32[items, rows], sampling */
    float *coldness;                     /* f32, sampling: 1 / temperature */
} ardm_call_io;

/* The binding of a task for at least `items` items of `layout` and `rows` rows, everything idle. A binding that encodes or decodes is refused
 * (ARDM_EINEXACT, with op, case and variant) where the device's primitives or one of its kernels fails its own cases. */
ardm_status ardm_session_call(ardm_call_io *out, ardm_session *session, int32_t task, const ardm_layout *layout, uint32_t items, uint32_t rows);

/* Runs the call that was filled in; turn > 0 only its head, on what the network said in turn 0. Before each turn its known, target, children and
 * number are filled in. */
ardm_status ardm_session_run(const ardm_call_io *io, uint32_t turn);

/* The unit of an unpadded layout as the padded network numbers it (they differ where extents were rounded up). */
uint32_t ardm_session_padded(const ardm_session *session, const ardm_layout *layout, uint32_t unit);

#endif
