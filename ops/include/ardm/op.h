/* ardm/op.h (ops): an op is one table. This header is that table, and what its functions are given.
 *
 * Nothing in an op enqueues or touches OpenCL: a variant's `plan` describes launches, the graph records them. Every exact
 * variant gives the bytes of `reference` for every case; `reference` stays within `bound` of `oracle`. Built-in ops and op
 * plugins use the same struct. All tensors are dense, row-major, channels last. */
#ifndef ARDM_OP_H
#define ARDM_OP_H

#include <stddef.h>

#include "ardm/device.h"
#include "ardm/status.h"

#define ARDM_OP_ABI 1
#define ARDM_MAX_RANK 5
#define ARDM_MAX_OPERANDS 12
#define ARDM_MAX_ATTRS 8

enum { ARDM_F32 = 1, ARDM_I32 = 2, ARDM_U8 = 3, ARDM_U16 = 4, ARDM_U32 = 5 };
#define ARDM_DT(dtype) (1u << (dtype))

/* Extents and element type. rank 0 is a scalar (one element); dtype 0 is an optional operand that is absent. */
typedef struct ardm_shape {
    uint32_t dtype, rank;
    int64_t dim[ARDM_MAX_RANK];
} ardm_shape;

uint64_t ardm_dtype_bytes(uint32_t dtype);
const char *ardm_dtype_name(uint32_t dtype);                /* "f32" */
uint32_t ardm_dtype_parse(const char *name, size_t length); /* 0: unknown */
int64_t ardm_shape_count(const ardm_shape *shape);
uint64_t ardm_shape_bytes(const ardm_shape *shape);
int64_t ardm_shape_rows(const ardm_shape *shape, uint32_t tail); /* product of all extents but the last `tail` */
int64_t ardm_shape_last(const ardm_shape *shape, uint32_t back); /* extent counted from the end: 0 is the last */
int32_t ardm_shape_equal(const ardm_shape *a, const ardm_shape *b);
ardm_shape ardm_shape_make(uint32_t dtype, uint32_t rank, const int64_t *dim);
const char *ardm_shape_text(const ardm_shape *shape, char *out, size_t size); /* "f32[3,4]" */

enum { ARDM_ATTR_INT = 1, ARDM_ATTR_FLOAT = 2, ARDM_ATTR_TEXT = 3 };
typedef struct ardm_attr {
    const char *name;
    uint32_t type;
    const char *fallback; /* default as text; NULL: required */
    double low, high;     /* inclusive */
    const char *help;
} ardm_attr;
typedef union ardm_attr_value {
    int64_t i;
    double f;
    const char *s;
} ardm_attr_value;

enum { ARDM_PORT_OPTIONAL = 1, ARDM_PORT_VARIADIC = 2 }; /* variadic: last input only */
typedef struct ardm_port {
    const char *name;
    uint32_t dtypes; /* ARDM_DT(ARDM_F32) | … */
    uint32_t min_rank, max_rank, flags;
} ardm_port;

typedef struct ardm_op ardm_op;
typedef int32_t ardm_value; /* a value of a graph; -1: none */

/* One use of an op with everything known about it. */
typedef struct ardm_call {
    uint32_t abi, size;
    const ardm_op *op;
    uint32_t n_in, n_out;
    const ardm_shape *in, *out;   /* out is not set yet in `infer` */
    const ardm_attr_value *attrs; /* in the order of op->attrs */
    const ardm_value *x, *y;      /* in `gradient`: the values; elsewhere NULL */
} ardm_call;

/* What `gradient` appends nodes with. `emit` returns the node's first output, further outputs into `outs` (may be NULL);
 * attrs is text as in the graph form, "group=4, tb=1", or NULL. A failure is remembered by the graph; emit then returns -1. */
typedef struct ardm_builder ardm_builder;
struct ardm_builder {
    uint32_t abi, size;
    void *self;
    ardm_value (*emit)(ardm_builder *builder, const char *op, const ardm_value *in, uint32_t n_in, const char *attrs, ardm_value *outs);
    int64_t group; /* items a gradient group (numerics.md 3); parameter gradients pass it on */
};

/* What `plan` describes launches with. */
enum { ARDM_OPERAND_IN = 1, ARDM_OPERAND_OUT = 2, ARDM_OPERAND_WORK = 3, ARDM_OPERAND_I32 = 4, ARDM_OPERAND_F32 = 5 };
typedef struct ardm_operand {
    uint32_t kind, index; /* index of input, output or workspace */
    int32_t i;
    float f;
} ardm_operand;
#define ARDM_IN(k) ((ardm_operand){ARDM_OPERAND_IN, (k), 0, 0})
#define ARDM_OUT(k) ((ardm_operand){ARDM_OPERAND_OUT, (k), 0, 0})
#define ARDM_WORK(k) ((ardm_operand){ARDM_OPERAND_WORK, (k), 0, 0})
#define ARDM_INT(v) ((ardm_operand){ARDM_OPERAND_I32, 0, (int32_t)(v), 0})
#define ARDM_FLOAT(v) ((ardm_operand){ARDM_OPERAND_F32, 0, 0, (v)})

typedef struct ardm_step { /* one kernel launch */
    uint32_t abi, size;
    const char *kernel;  /* function name in the variant's source */
    const char *options; /* "-DTILE=8 -DVEC=4"; macros for tile sizes only, shapes are arguments */
    uint32_t dimensions;
    uint64_t global[3], local[3]; /* local[0] 0: the driver chooses; a global extent of 0 is a launch of nothing */
    const ardm_operand *operands;
    uint32_t n_operands;
} ardm_step;

typedef struct ardm_recorder ardm_recorder;
struct ardm_recorder {
    uint32_t abi, size;
    void *self;
    const ardm_device_facts *facts;
    int32_t (*workspace)(ardm_recorder *recorder, uint64_t bytes, uint32_t *index); /* contents undefined */
    int32_t (*launch)(ardm_recorder *recorder, const ardm_step *step);
    /* A CLBlast product c[m,n] = a[m,k] b[k,n], row-major, ta/tb transposed storage. `fast` numerics only. */
    int32_t (*library_gemm)(ardm_recorder *recorder, const ardm_operand *a, const ardm_operand *b, const ardm_operand *c, int64_t m, int64_t n,
                            int64_t k, int32_t ta, int32_t tb);
};

typedef struct ardm_variant {
    uint32_t abi, size;
    const char *name;                                                                                /* "cpu-8x32", "gpu-local-64x64", "clblast" */
    uint32_t numerics;                                                                               /* ARDM_EXACT | ARDM_FAST */
    int32_t (*accept)(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n); /* score; 0 = no, and why. NULL: 1 */
    const char *const *source; /* pointer to the embedded kernel text; NULL for library calls */
    int32_t (*plan)(const ardm_call *call, ardm_recorder *recorder);
} ardm_variant;

/* One test and benchmark case: operands as text, blank separated, "-" for an absent one. A shape may carry a range of values:
 * "f32[17,257]" is normal(0,1); "f32[3]{0.5:2}" uniform; "i32[5]{0:27}" integers lo <= v < hi; u8, u16, u32 likewise.
 * Zero-size cases ("f32[0,4]") are legal. */
typedef struct ardm_case {
    const char *inputs, *attrs;
} ardm_case;

enum {
    ARDM_OP_ELEMENTWISE = 1, /* has `scalar`; operands of one shape, or suffix-broadcast (see ops/README.md) */
    ARDM_OP_VIEW = 2,        /* output 0 is input 0's bytes under another shape */
    ARDM_OP_NO_GRADIENT = 4, /* integer or terminal: differentiation stops here */
    ARDM_OP_UPDATES = 8      /* outputs are meant for `update` (optimiser) */
};

struct ardm_op {
    uint32_t abi, size;
    const char *name;
    uint32_t version; /* bumped when one bit of an exact output changes */
    uint32_t flags;
    const ardm_attr *attrs;
    uint32_t n_attrs;
    const ardm_port *inputs, *outputs;
    uint32_t n_inputs, n_outputs;
    const char *sums; /* "block over k": which rule of numerics.md 2 fixes its order; "" none */
    const char *help; /* one line for docs */
    ardm_status (*infer)(const ardm_call *call, ardm_shape *outputs);
    /* dy: one a output (-1: no gradient reaches it); dx: one an input, set to -1 where none flows. NULL: no gradient. */
    ardm_status (*gradient)(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx);
    ardm_status (*reference)(const ardm_call *call, const void *const *in, void *const *out);
    /* f32 operands are double arrays; integer operands keep their type (pass through the const double * as given). */
    ardm_status (*oracle)(const ardm_call *call, const void *const *in, void *const *out);
    /* |reference - oracle| per element of output `k`; doubles in, doubles out. NULL: `ulps`·2^-24·|y| + 2^-39. */
    void (*bound)(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound);
    double ulps;
    void (*cost)(const ardm_call *call, double *flops, double *bytes);
    const char *scalar;           /* elementwise only: one expression over a, b, c (inputs) and attribute names */
    const ardm_variant *variants; /* best first; the last accepts every device; none for views and elementwise */
    uint32_t n_variants;
    const ardm_case *cases;
    uint32_t n_cases;
};

/* The list (ops/list.h expanded). */
const ardm_op *ardm_op_find(const char *name); /* NULL: unknown */
const ardm_op *ardm_op_at(uint32_t index);     /* NULL past the end; in the order of ops/list.h, then plugins' */
/* Adds a plugin's op; the table must live for ever. Its name has a dot ("org.example.op"). Main thread, before graphs are made. */
ardm_status ardm_op_register(const ardm_op *op);

/* Checks operand count, dtypes, ranks and runs `infer`: ARDM_ESHAPE with op, operand and numbers. */
ardm_status ardm_call_check(const ardm_call *call, ardm_shape *outputs);

/* Attribute text "group=4, tb=1" against the schema, defaults filled in. Text values are interned and live for ever.
 * values: n_attrs entries. The printer prints only what differs from the default, in schema order. */
ardm_status ardm_attrs_parse(ardm_attr_value *values, const ardm_op *op, const char *text, size_t length);
ardm_status ardm_attrs_print(char *out, size_t size, const ardm_op *op, const ardm_attr_value *values);

/* The best variant for a device: ARDM_EUNSUPPORTED with every refusal when none accepts. `numerics` ARDM_EXACT never gives a fast one.
 * Elementwise ops get a generated variant, views none (*out NULL). */
ardm_status ardm_variant_choose(const ardm_variant **out, const ardm_call *call, const ardm_device_facts *facts, uint32_t numerics);
/* Variant `index` of an op, generated ones included; NULL past the end. */
const ardm_variant *ardm_variant_at(const ardm_op *op, uint32_t index);

/* Helpers for op authors. */
#define ARDM_LAUNCH(recorder, kernel, options, dims, g0, g1, g2, l0, l1, l2, ...)                                                                    \
    ardm_record(recorder, kernel, options, dims, (const uint64_t[3]){g0, g1, g2}, (const uint64_t[3]){l0, l1, l2},                                   \
                (const ardm_operand[]){__VA_ARGS__}, sizeof((const ardm_operand[]){__VA_ARGS__}) / sizeof(ardm_operand))
ardm_status ardm_record(ardm_recorder *recorder, const char *kernel, const char *options, uint32_t dimensions, const uint64_t global[3],
                        const uint64_t local[3], const ardm_operand *operands, uint32_t n_operands);

#endif
