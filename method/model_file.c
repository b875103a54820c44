/* safetensors: u64 length of a JSON header, the header, the bytes of all tensors without a hole. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"

/* Jansson needs up to some 60 bytes a byte of JSON, so a header may be this part of the limit. */
enum { HEADER_SHARE = 64, MOST_PARTS = 16384 };

typedef struct place {
    const char *name;
    uint64_t begin, end;
} place;

static int by_begin(const void *a, const void *b) {
    const place *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

static ardm_status read_tensor(ardm_model *m, const char *name, const json_t *entry, const uint8_t *data, uint64_t size, place *where) {
    const json_t *dtype = json_object_get(entry, "dtype"), *shape = json_object_get(entry, "shape"),
                 *offsets = json_object_get(entry, "data_offsets");
    if (!json_is_object(entry) || json_object_size(entry) != 3 || !json_is_string(dtype) || !json_is_array(shape) || !json_is_array(offsets) ||
        json_array_size(offsets) != 2)
        return ardm_fail(ARDM_EFORMAT, "tensor \"%.60s\" needs dtype, shape and two data_offsets", name);
    const uint32_t type = ardm__stored_parse(json_string_value(dtype));
    if (!type) return ardm_fail(ARDM_EFORMAT, "tensor \"%.60s\" has type \"%.20s\", which is not supported", name, json_string_value(dtype));
    const size_t rank = json_array_size(shape);
    if (rank > ARDM_MODEL_MAX_RANK) return ardm_fail(ARDM_EFORMAT, "tensor \"%.60s\" has %zu extents; at most %d", name, rank, ARDM_MODEL_MAX_RANK);
    int64_t dim[ARDM_MODEL_MAX_RANK] = {0}, offset[2] = {0};
    for (size_t i = 0; i < rank; i++) {
        const json_t *extent = json_array_get(shape, i);
        dim[i] = json_is_integer(extent) ? json_integer_value(extent) : -1;
    }
    for (size_t i = 0; i < 2; i++) {
        const json_t *number = json_array_get(offsets, i);
        offset[i] = json_is_integer(number) ? json_integer_value(number) : -1;
    }
    const int64_t count = ardm__stored_count((uint32_t)rank, dim);
    if (count < 0) return ardm_fail(ARDM_EFORMAT, "tensor \"%.60s\" has bad extents", name);
    if (offset[0] < 0 || offset[1] < offset[0] || (uint64_t)offset[1] > size)
        return ardm_fail(ARDM_EFORMAT, "tensor \"%.60s\" lies at %lld..%lld of %llu bytes", name, (long long)offset[0], (long long)offset[1],
                         (unsigned long long)size);
    if ((uint64_t)count * ardm__stored_bytes(type) != (uint64_t)(offset[1] - offset[0]))
        return ardm_fail(ARDM_EFORMAT, "tensor \"%.60s\" has %lld bytes, its extents say %llu", name, (long long)(offset[1] - offset[0]),
                         (unsigned long long)count * ardm__stored_bytes(type));
    *where = (place){name, (uint64_t)offset[0], (uint64_t)offset[1]};
    return ardm_model_set_tensor(m, name, type, (uint32_t)rank, dim, data + offset[0]);
}

static ardm_status read_metadata(ardm_model *m, json_t *metadata) {
    const char *key;
    json_t *value;
    if (!json_is_object(metadata) || json_object_size(metadata) > MOST_PARTS)
        return ardm_fail(ARDM_EFORMAT, "__metadata__ is not an object of at most %d strings", MOST_PARTS);
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value)) return ardm_fail(ARDM_EFORMAT, "metadata \"%.60s\" is not a string", key);
        ARDM_TRY(ardm_model_set(m, key, json_string_value(value)));
    }
    return ARDM_OK;
}

static ardm_status read_header(ardm_model *m, json_t *header, const uint8_t *data, uint64_t size) {
    const size_t n = json_object_size(header);
    if (n > MOST_PARTS) return ardm_fail(ARDM_EFORMAT, "%zu tensors; at most %d", n, MOST_PARTS);
    place *places = malloc((n + 1) * sizeof *places);
    if (!places) return ardm_fail(ARDM_ENOMEM, "no memory for %zu tensors", n);
    ardm_status status = ARDM_OK;
    size_t tensors = 0;
    const char *key;
    json_t *value;
    json_object_foreach(header, key, value) {
        if (status) break;
        if (strcmp(key, "__metadata__") == 0)
            status = read_metadata(m, value);
        else
            status = read_tensor(m, key, value, data, size, &places[tensors++]);
    }
    if (!status) qsort(places, tensors, sizeof *places, by_begin);
    uint64_t at = 0;
    for (size_t i = 0; i < tensors && !status; i++) { /* overlaps would let a small file fill the memory */
        if (places[i].begin != at)
            status = ardm_fail(ARDM_EFORMAT, "tensor \"%.60s\" begins at %llu, not at %llu where the one before it ends", places[i].name,
                               (unsigned long long)places[i].begin, (unsigned long long)at);
        at = places[i].end;
    }
    if (!status && at != size) status = ardm_fail(ARDM_EFORMAT, "%llu bytes follow the last tensor", (unsigned long long)(size - at));
    free(places);
    return status;
}

/* The sum of all extents must fit before anything is copied: overlapping tensors are found only afterwards. */
static ardm_status check_total(json_t *header, uint64_t size) {
    const char *key;
    json_t *value;
    uint64_t total = 0;
    json_object_foreach(header, key, value) {
        const json_t *offsets = json_object_get(value, "data_offsets");
        const int64_t begin = json_integer_value(json_array_get(offsets, 0)), end = json_integer_value(json_array_get(offsets, 1));
        if (begin < 0 || end <= begin) continue;
        if ((uint64_t)(end - begin) > size || (total += (uint64_t)(end - begin)) > size)
            return ardm_fail(ARDM_EFORMAT, "tensors overlap or pass the end of the file");
    }
    return ARDM_OK;
}

ardm_status ardm_model_parse(ardm_model **out, const void *data, size_t size, uint64_t limit, const char *name) {
    const uint8_t *bytes = data;
    uint64_t length = 0;
    *out = NULL;
    json_t *header = NULL;
    ardm_status status = ARDM_OK;
    if (size < 8) {
        status = ardm_fail(ARDM_EFORMAT, "%zu bytes are no model", size);
        goto fail;
    }
    memcpy(&length, bytes, 8);
    if (length < 2 || length > size - 8 || bytes[8] != '{') {
        status = ardm_fail(ARDM_EFORMAT, "not a safetensors file: its header would have %llu of %zu bytes", (unsigned long long)length, size);
        goto fail;
    }
    if (length > limit / HEADER_SHARE || size > limit) {
        status = ardm_fail(ARDM_ENOMEM, "a header of %llu bytes in a file of %zu needs more than the limit of %llu bytes", (unsigned long long)length,
                           size, (unsigned long long)limit);
        goto fail;
    }
    json_error_t error;
    header = json_loadb((const char *)bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (!header || !json_is_object(header)) {
        status = ardm_fail(ARDM_EFORMAT, "its header is no JSON object: %s", header ? "another value" : error.text);
        goto fail;
    }
    if ((status = check_total(header, size - 8 - length))) goto fail;
    if ((status = ardm_model_create(out))) goto fail;
    if ((status = read_header(*out, header, bytes + 8 + length, size - 8 - length))) goto fail;
    json_decref(header);
    return ARDM_OK;
fail:
    json_decref(header);
    ardm_model_free(out);
    return ardm_fail_in(status, "model %s", name);
}

ardm_status ardm_model_load(ardm_model **out, const char *path, uint64_t limit) {
    ardm_bytes bytes = {0};
    *out = NULL;
    ARDM_TRY(ardm_file_read(&bytes, path, limit, 0));
    ardm_status status = ardm_model_parse(out, bytes.data, bytes.size, limit, path);
    if (!status && (status = ardm_model_check(*out, path))) ardm_model_free(out);
    ardm_bytes_free(&bytes);
    return status;
}

/* A JSON string; the text is known to be UTF-8. */
static ardm_status print_string(ardm_bytes *out, const char *text) {
    ARDM_TRY(ardm_bytes_append(out, "\"", 1));
    for (const char *at = text; *at;) {
        size_t plain = 0;
        while ((unsigned char)at[plain] >= 0x20 && at[plain] != '"' && at[plain] != '\\') plain++;
        ARDM_TRY(ardm_bytes_append(out, at, plain));
        at += plain;
        if (!*at) break;
        if (*at == '"' || *at == '\\')
            ARDM_TRY(ardm_bytes_printf(out, "\\%c", *at));
        else if (*at == '\n')
            ARDM_TRY(ardm_bytes_append(out, "\\n", 2));
        else
            ARDM_TRY(ardm_bytes_printf(out, "\\u%04x", (unsigned char)*at));
        at++;
    }
    return ardm_bytes_append(out, "\"", 1);
}

/* Bytes lie by falling element size, then by name, so that every tensor is aligned. */
static ardm_status print_bytes(ardm_bytes *out, const ardm_model *m) {
    for (uint32_t element = 8; element; element /= 2)
        for (uint32_t i = 0; i < m->n_tensors; i++)
            if (ardm__stored_bytes(m->tensors[i].dtype) == element) ARDM_TRY(ardm_bytes_append(out, m->tensors[i].data, m->tensors[i].bytes));
    return ARDM_OK;
}

static uint64_t offset_of(const ardm_model *m, uint32_t index) {
    const uint32_t own = ardm__stored_bytes(m->tensors[index].dtype);
    uint64_t offset = 0;
    for (uint32_t i = 0; i < m->n_tensors; i++) {
        const uint32_t element = ardm__stored_bytes(m->tensors[i].dtype);
        if (element > own || (element == own && i < index)) offset += m->tensors[i].bytes;
    }
    return offset;
}

static ardm_status print_header(ardm_bytes *out, const ardm_model *m) {
    ARDM_TRY(ardm_bytes_printf(out, "{\"__metadata__\":{"));
    for (uint32_t i = 0; i < m->n_entries; i++) {
        if (i) ARDM_TRY(ardm_bytes_append(out, ",", 1));
        ARDM_TRY(print_string(out, m->entries[i].key));
        ARDM_TRY(ardm_bytes_append(out, ":", 1));
        ARDM_TRY(print_string(out, m->entries[i].value));
    }
    ARDM_TRY(ardm_bytes_append(out, "}", 1));
    for (uint32_t i = 0; i < m->n_tensors; i++) {
        const ardm_tensor *t = &m->tensors[i];
        ARDM_TRY(ardm_bytes_append(out, ",", 1));
        ARDM_TRY(print_string(out, t->name));
        ARDM_TRY(ardm_bytes_printf(out, ":{\"dtype\":\"%s\",\"shape\":[", ardm__stored_name(t->dtype)));
        for (uint32_t d = 0; d < t->rank; d++) ARDM_TRY(ardm_bytes_printf(out, d ? ",%lld" : "%lld", (long long)t->dim[d]));
        const uint64_t offset = offset_of(m, i);
        ARDM_TRY(ardm_bytes_printf(out, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)offset, (unsigned long long)(offset + t->bytes)));
    }
    ARDM_TRY(ardm_bytes_append(out, "}", 1));
    while (out->size % 8) ARDM_TRY(ardm_bytes_append(out, " ", 1));
    return ARDM_OK;
}

ardm_status ardm_model_print(ardm_bytes *out, const ardm_model *m) {
    ardm_bytes header = {0};
    ardm_status status = print_header(&header, m);
    const uint64_t length = header.size;
    if (!status) status = ardm_bytes_append(out, &length, 8);
    if (!status) status = ardm_bytes_append(out, header.data, header.size);
    if (!status) status = print_bytes(out, m);
    ardm_bytes_free(&header);
    return status;
}

ardm_status ardm_model_write(const ardm_model *model, const char *path, int32_t overwrite) {
    ardm_bytes bytes = {0};
    ardm_status status = ardm_model_print(&bytes, model);
    if (!status) status = ardm_file_write(path, bytes.data, bytes.size, overwrite);
    ardm_bytes_free(&bytes);
    return status;
}
