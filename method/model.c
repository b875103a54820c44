/* The store: metadata and tensors, each kept in byte order of names. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"

static const struct {
    const char *name;
    uint32_t bytes;
} types[] = {{"?", 0}, {"F32", 4}, {"BF16", 2}, {"I8", 1}, {"U8", 1}, {"U16", 2}, {"I32", 4}, {"U32", 4}, {"F64", 8}};
enum { TYPES = sizeof types / sizeof *types };

uint32_t ardm__stored_bytes(uint32_t dtype) { return dtype < TYPES ? types[dtype].bytes : 0; }
const char *ardm__stored_name(uint32_t dtype) { return types[dtype < TYPES ? dtype : 0].name; }
uint32_t ardm__stored_parse(const char *name) {
    for (uint32_t i = 1; i < TYPES; i++)
        if (strcmp(types[i].name, name) == 0) return i;
    return 0;
}
int64_t ardm__stored_count(uint32_t rank, const int64_t *dim) {
    int64_t count = 1;
    for (uint32_t i = 0; i < rank; i++) {
        if (dim[i] < 0 || dim[i] > (INT64_C(1) << 48)) return -1;
        if (dim[i] && count > (INT64_C(1) << 48) / dim[i]) return -1;
        count *= dim[i];
    }
    return count;
}

ardm_status ardm_model_create(ardm_model **out) {
    *out = calloc(1, sizeof **out);
    return *out ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for a model");
}

static void drop_tensor(ardm_tensor *tensor) {
    free((void *)(uintptr_t)tensor->name);
    free((void *)(uintptr_t)tensor->data);
}

void ardm_model_free(ardm_model **model) {
    ardm_model *m = *model;
    if (!m) return;
    for (uint32_t i = 0; i < m->n_entries; i++) {
        free(m->entries[i].key);
        free(m->entries[i].value);
    }
    for (uint32_t i = 0; i < m->n_tensors; i++) drop_tensor(&m->tensors[i]);
    free(m->entries);
    free(m->tensors);
    free(m);
    *model = NULL;
}

/* Where `name` is or would be among n sorted names that lie `stride` bytes apart; *found tells which. */
static uint32_t search(const void *base, uint32_t n, size_t stride, const char *name, int *found) {
    uint32_t low = 0, high = n;
    *found = 0;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = strcmp(*(const char *const *)(const void *)((const char *)base + middle * stride), name);
        if (order == 0) {
            *found = 1;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t find_entry(const ardm_model *m, const char *key, int *found) {
    return search(m->entries, m->n_entries, sizeof *m->entries, key, found);
}
static uint32_t find_tensor(const ardm_model *m, const char *name, int *found) {
    return search(m->tensors, m->n_tensors, sizeof *m->tensors, name, found);
}

/* Makes room for one more element in a growing array. */
static ardm_status grow(void **array, uint32_t n, uint32_t *capacity, size_t size) {
    if (n < *capacity) return ARDM_OK;
    const uint32_t wanted = n ? 2 * n : 16;
    void *moved = realloc(*array, wanted * size);
    if (!moved) return ardm_fail(ARDM_ENOMEM, "no memory for a model of %u parts", wanted);
    *array = moved;
    *capacity = wanted;
    return ARDM_OK;
}

static char *copy_text(const char *text) {
    const size_t n = strlen(text) + 1;
    char *copy = malloc(n);
    if (copy) memcpy(copy, text, n);
    return copy;
}

static int is_utf8(const char *text) {
    json_t *probe = json_string(text);
    json_decref(probe);
    return probe != NULL;
}

const char *ardm_model_get(const ardm_model *model, const char *key) {
    int found;
    const uint32_t at = find_entry(model, key, &found);
    return found ? model->entries[at].value : NULL;
}

ardm_status ardm_model_set(ardm_model *m, const char *key, const char *value) {
    if (!is_utf8(key) || !is_utf8(value)) return ardm_fail(ARDM_EINVAL, "model: metadata \"%.60s\" is not UTF-8", key);
    int found;
    const uint32_t at = find_entry(m, key, &found);
    void *entries = m->entries;
    ARDM_TRY(grow(&entries, m->n_entries, &m->entry_capacity, sizeof *m->entries));
    m->entries = entries;
    char *new_value = copy_text(value), *new_key = found ? NULL : copy_text(key);
    if (!new_value || (!found && !new_key)) {
        free(new_value);
        free(new_key);
        return ardm_fail(ARDM_ENOMEM, "no memory for metadata \"%.60s\"", key);
    }
    if (found) {
        free(m->entries[at].value);
        m->entries[at].value = new_value;
        return ARDM_OK;
    }
    memmove(m->entries + at + 1, m->entries + at, (m->n_entries - at) * sizeof *m->entries);
    m->entries[at] = (ardm_model_entry){new_key, new_value};
    m->n_entries++;
    return ARDM_OK;
}

uint32_t ardm_model_key_count(const ardm_model *model) { return model->n_entries; }
const char *ardm_model_key(const ardm_model *model, uint32_t index) { return index < model->n_entries ? model->entries[index].key : NULL; }
uint32_t ardm_model_tensor_count(const ardm_model *model) { return model->n_tensors; }
const ardm_tensor *ardm_model_tensor_at(const ardm_model *model, uint32_t index) { return index < model->n_tensors ? &model->tensors[index] : NULL; }
const ardm_tensor *ardm_model_tensor(const ardm_model *model, const char *name) {
    int found;
    const uint32_t at = find_tensor(model, name, &found);
    return found ? &model->tensors[at] : NULL;
}

ardm_status ardm_model_set_tensor(ardm_model *m, const char *name, uint32_t dtype, uint32_t rank, const int64_t *dim, const void *data) {
    const int64_t count = rank <= ARDM_MODEL_MAX_RANK ? ardm__stored_count(rank, dim) : -1;
    if (!*name || strcmp(name, "__metadata__") == 0 || strlen(name) > 1000 || !is_utf8(name))
        return ardm_fail(ARDM_EINVAL, "model: \"%.60s\" cannot name a tensor", name);
    if (!ardm__stored_bytes(dtype) || count < 0) return ardm_fail(ARDM_EINVAL, "model: tensor \"%.60s\" has an unknown type or bad extents", name);
    ardm_tensor made = {NULL, dtype, rank, {0}, NULL, (uint64_t)count * ardm__stored_bytes(dtype)};
    if (rank) memcpy(made.dim, dim, rank * sizeof *dim);
    int found;
    const uint32_t at = find_tensor(m, name, &found);
    void *tensors = m->tensors;
    ARDM_TRY(grow(&tensors, m->n_tensors, &m->tensor_capacity, sizeof *m->tensors));
    m->tensors = tensors;
    void *copy = malloc(made.bytes + 8); /* 8 more: never NULL for an empty one */
    made.name = copy_text(name);
    made.data = copy;
    if (!copy || !made.name) {
        drop_tensor(&made);
        return ardm_fail(ARDM_ENOMEM, "no memory for tensor \"%.60s\" of %llu bytes", name, (unsigned long long)made.bytes);
    }
    if (made.bytes) memcpy(copy, data, made.bytes);
    if (found) {
        drop_tensor(&m->tensors[at]);
    } else {
        memmove(m->tensors + at + 1, m->tensors + at, (m->n_tensors - at) * sizeof *m->tensors);
        m->n_tensors++;
    }
    m->tensors[at] = made;
    return ARDM_OK;
}

ardm_status ardm_model_remove_tensor(ardm_model *m, const char *name) {
    int found;
    const uint32_t at = find_tensor(m, name, &found);
    if (!found) return ardm_fail(ARDM_ENOTFOUND, "model: there is no tensor \"%.60s\"", name);
    drop_tensor(&m->tensors[at]);
    m->n_tensors--;
    memmove(m->tensors + at, m->tensors + at + 1, (m->n_tensors - at) * sizeof *m->tensors);
    return ARDM_OK;
}
