/* The inside of a model, shared by the model_*.c files. */
#ifndef ARDM_METHOD_MODEL_PRIVATE_H
#define ARDM_METHOD_MODEL_PRIVATE_H

#include "ardm/model.h"

typedef struct ardm_model_entry {
    char *key, *value;
} ardm_model_entry;

struct ardm_model {
    ardm_model_entry *entries; /* sorted by key */
    uint32_t n_entries, entry_capacity;
    ardm_tensor *tensors; /* sorted by name; name and data are owned */
    uint32_t n_tensors, tensor_capacity;
};

uint32_t ardm__stored_bytes(uint32_t dtype);   /* of one element; 0: unknown */
const char *ardm__stored_name(uint32_t dtype); /* "F32" */
uint32_t ardm__stored_parse(const char *name); /* 0: unknown */
/* Elements of an extent list, or -1 when an extent is negative or the product leaves 2^48. */
int64_t ardm__stored_count(uint32_t rank, const int64_t *dim);

#endif
