/* ardm/model.h (method): a model is one safetensors file that carries its own graph, process, order, schedules and curve.
 *
 * Loading calls no network builder. method/model.md is the specification. Files are hostile until checked: every size is bounded
 * by the file and by `limit`, and every failure says why. */
#ifndef ARDM_MODEL_H
#define ARDM_MODEL_H

#include "ardm/curve.h"
#include "ardm/file.h"
#include "ardm/order.h"
#include "ardm/process.h"
#include "ardm/schedule.h"

enum {
    ARDM_STORED_F32 = 1,
    ARDM_STORED_BF16 = 2,
    ARDM_STORED_I8 = 3,
    ARDM_STORED_U8 = 4,
    ARDM_STORED_U16 = 5,
    ARDM_STORED_I32 = 6,
    ARDM_STORED_U32 = 7,
    ARDM_STORED_F64 = 8
};
#define ARDM_MODEL_MAX_RANK 8
#define ARDM_MODEL_MAX_SCHEDULES 16

typedef struct ardm_tensor {
    const char *name;
    uint32_t dtype, rank; /* ARDM_STORED_… */
    int64_t dim[ARDM_MODEL_MAX_RANK];
    const void *data; /* owned by the model, 8-byte aligned */
    uint64_t bytes;
} ardm_tensor;

typedef struct ardm_model ardm_model;

ardm_status ardm_model_create(ardm_model **out);
void ardm_model_free(ardm_model **model);

/* Reads a file or bytes. limit: no more memory than this, bytes. ARDM_EFORMAT, ARDM_ENOMEM, ARDM_ENOTFOUND, ARDM_EIO.
 * ardm_model_parse takes any safetensors file whose types are known; ardm_model_load also asks for what a model must have
 * (format, graph, process, order, numerics; weights finite; schedules that read) and says what is missing. */
ardm_status ardm_model_parse(ardm_model **out, const void *data, size_t size, uint64_t limit, const char *name);
ardm_status ardm_model_load(ardm_model **out, const char *path, uint64_t limit);
ardm_status ardm_model_check(const ardm_model *model, const char *name);

/* Keys and tensors in byte order of names, so equal models give equal files. */
ardm_status ardm_model_print(ardm_bytes *out, const ardm_model *model);
ardm_status ardm_model_write(const ardm_model *model, const char *path, int32_t overwrite);

/* Metadata: "ardm.graph", "ardm.config", "ardm.modality", "ardm.process", "ardm.order", "ardm.numerics", "ardm.ops", "ardm.training". */
const char *ardm_model_get(const ardm_model *model, const char *key); /* NULL: absent */
ardm_status ardm_model_set(ardm_model *model, const char *key, const char *value);
uint32_t ardm_model_key_count(const ardm_model *model);
const char *ardm_model_key(const ardm_model *model, uint32_t index);

uint32_t ardm_model_tensor_count(const ardm_model *model);
const ardm_tensor *ardm_model_tensor_at(const ardm_model *model, uint32_t index); /* in byte order of names */
const ardm_tensor *ardm_model_tensor(const ardm_model *model, const char *name);  /* NULL: absent */
/* Copies `data`; replaces a tensor of that name. ARDM_EINVAL: rank, extents, or a name that is empty or "__metadata__". */
ardm_status ardm_model_set_tensor(ardm_model *model, const char *name, uint32_t dtype, uint32_t rank, const int64_t *dim, const void *data);
ardm_status ardm_model_remove_tensor(ardm_model *model, const char *name);

/* Weights: tensors outside the prefixes process. order. curve. schedule., and without the ".exp" companions of int8 ones. */
int32_t ardm_model_is_weight(const ardm_model *model, const ardm_tensor *tensor);
/* The weight widened exactly: f32, bf16, or int8 times 2^exp of its row (rows: all extents but the last). out: f32[count]. */
ardm_status ardm_model_widen(const ardm_model *model, const ardm_tensor *tensor, float *out);

/* SHA-256 over graph text, process, order, layout, modality, their tables, the frozen schedules and the weights: see model.md. */
ardm_status ardm_model_identity(const ardm_model *model, ardm_sha256 *out);

/* The graph as ardm_graph_print gives it, with "matmul@1 conv@1 …", the versions of its ops and of those that the coder puts behind it. */
ardm_status ardm_model_set_graph(ardm_model *model, const char *text);

/* The parts, made anew; the caller frees them. */
ardm_status ardm_model_process(const ardm_model *model, ardm_process **out);
ardm_status ardm_model_set_process(ardm_model *model, const ardm_process *process);
ardm_status ardm_model_order(const ardm_model *model, ardm_order_family *out);
/* The table of an order of kind TABLE or PLUGIN, and the layout that it is for. */
ardm_status ardm_model_table(const ardm_model *model, ardm_layout *layout, ardm_order **out);
/* Levels of a layout; an order with a table gives that and takes no other layout: ardm/levels.h asks the plugin for others. */
ardm_status ardm_model_levels(const ardm_model *model, uint32_t block, const ardm_layout *layout, ardm_order **out);
ardm_status ardm_model_set_order(ardm_model *model, const ardm_order_family *family,
                                 const ardm_order *table);               /* table: NULL unless kind is TABLE or PLUGIN */
ardm_status ardm_model_curve(const ardm_model *model, ardm_curve **out); /* ARDM_ENOTFOUND: none */
ardm_status ardm_model_set_curve(ardm_model *model, const ardm_curve *curve);
/* Frozen schedules, index 0..15, in the encoding of ardm_schedule_write, with the units of their cells beside them. */
ardm_status ardm_model_schedule(const ardm_model *model, uint32_t index, ardm_schedule **out); /* ARDM_ENOTFOUND: none */
ardm_status ardm_model_set_schedule(ardm_model *model, uint32_t index, const ardm_schedule *schedule);
uint32_t ardm_model_schedule_count(const ardm_model *model);

/* A copy whose f32 weights of rank 2 and more are rounded once: ARDM_STORED_BF16 to nearest even, ARDM_STORED_I8 with a power-of-two
 * scale a row. ARDM_EINVAL: a weight is not finite or leaves the range of the type. */
ardm_status ardm_model_export(ardm_model **out, const ardm_model *model, uint32_t dtype);

/* The model whose identity begins with these 8 bytes, among *.ardm of the folders of $ARDM_MODEL_PATH (colon-separated), then of
 * `folders` (may be NULL). path: may be NULL. ARDM_EMODEL: none (the message lists the folders), or two different ones. */
ardm_status ardm_model_find(ardm_model **out, const uint8_t identity[8], const char *folders, uint64_t limit, ardm_bytes *path);

#endif
