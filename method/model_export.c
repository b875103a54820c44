/* Rounding for storage, once, and finding a model by its identity. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "model_private.h"

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

static ardm_status not_finite(const char *name, int64_t i) {
    return ardm_fail(ARDM_EINVAL, "export: element %lld of \"%.60s\" is not finite, or not after rounding", (long long)i, name);
}

/* Nearest, ties to even: add half of the last kept place, less one unless that place is odd. */
static ardm_status to_bf16(ardm_model *m, const char *name, const ardm_tensor *t, const float *x, int64_t count) {
    uint16_t *rounded = malloc((size_t)(count + 1) * sizeof *rounded);
    if (!rounded) return ardm_fail(ARDM_ENOMEM, "no memory to export \"%.60s\"", name);
    ardm_status status = ARDM_OK;
    for (int64_t i = 0; i < count && !status; i++) {
        const uint32_t bits = bits_of(x[i]), up = bits + 0x7fffu + (bits >> 16 & 1);
        if ((bits & 0x7f800000u) == 0x7f800000u || (up & 0x7f800000u) == 0x7f800000u) status = not_finite(name, i);
        rounded[i] = (uint16_t)(up >> 16);
    }
    if (!status) status = ardm_model_set_tensor(m, name, ARDM_STORED_BF16, t->rank, t->dim, rounded);
    free(rounded);
    return status;
}

static double power_of_two(int e) {
    const uint64_t bits = (uint64_t)(1023 + e) << 52;
    double value;
    memcpy(&value, &bits, 8);
    return value;
}

/* The least exponent at which the row's largest magnitude rounds to at most 127. A row of zeros gets 0. */
static int row_exponent(const float *x, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; i++) {
        const double magnitude = x[i] < 0 ? -(double)x[i] : (double)x[i];
        if (magnitude > most) most = magnitude;
    }
    if (most == 0) return 0;
    int e = -126;
    while (e < 120 && most * power_of_two(-e) > 127.5) e++;
    return e;
}

static ardm_status to_int8(ardm_model *m, const char *name, const ardm_tensor *t, const float *x, int64_t count) {
    const int64_t width = t->dim[t->rank - 1], rows = width ? count / width : 0;
    int8_t *q = malloc((size_t)count + 1), *exponents = malloc((size_t)rows + 1);
    char scale[1024];
    snprintf(scale, sizeof scale, "%s.exp", name);
    ardm_status status = q && exponents ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory to export \"%.60s\"", name);
    for (int64_t row = 0; row < rows && !status; row++) {
        for (int64_t i = row * width; i < (row + 1) * width && !status; i++)
            if ((bits_of(x[i]) & 0x7f800000u) == 0x7f800000u) status = not_finite(name, i);
        if (status) break;
        const int e = row_exponent(x + row * width, width);
        exponents[row] = (int8_t)e;
        for (int64_t i = row * width; i < (row + 1) * width; i++) {
            const double scaled = (double)x[i] * power_of_two(-e) + 0x1.8p52; /* rounds to even: the last place is 1 */
            const double whole = scaled - 0x1.8p52;
            q[i] = (int8_t)(whole > 127 ? 127 : whole < -127 ? -127 : whole);
        }
    }
    if (!status) status = ardm_model_set_tensor(m, name, ARDM_STORED_I8, t->rank, t->dim, q);
    if (!status) status = ardm_model_set_tensor(m, scale, ARDM_STORED_I8, 1, &rows, exponents);
    free(q);
    free(exponents);
    return status;
}

ardm_status ardm_model_export(ardm_model **out, const ardm_model *m, uint32_t dtype) {
    *out = NULL;
    if (dtype != ARDM_STORED_F32 && dtype != ARDM_STORED_BF16 && dtype != ARDM_STORED_I8)
        return ardm_fail(ARDM_EINVAL, "export: weights are stored as f32, bf16 or int8");
    ARDM_TRY(ardm_model_create(out));
    ardm_status status = ARDM_OK;
    for (uint32_t i = 0; i < m->n_entries && !status; i++) status = ardm_model_set(*out, m->entries[i].key, m->entries[i].value);
    for (uint32_t i = 0; i < m->n_tensors && !status; i++) {
        const ardm_tensor *t = &m->tensors[i];
        if (dtype == ARDM_STORED_F32 || t->dtype != ARDM_STORED_F32 || t->rank < 2 || !ardm_model_is_weight(m, t))
            status = ardm_model_set_tensor(*out, t->name, t->dtype, t->rank, t->dim, t->data);
        else
            status = (dtype == ARDM_STORED_BF16 ? to_bf16 : to_int8)(*out, t->name, t, t->data, ardm__stored_count(t->rank, t->dim));
    }
    if (status) ardm_model_free(out);
    return status;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Sorted names that end in ".ardm"; a folder that cannot be read has none. */
static ardm_status list_folder(const char *folder, char ***names, size_t *count) {
    *names = NULL;
    *count = 0;
    DIR *dir = opendir(folder);
    if (!dir) return ARDM_OK;
    size_t capacity = 0;
    ardm_status status = ARDM_OK;
    for (struct dirent *entry; !status && (entry = readdir(dir));) {
        const size_t n = strlen(entry->d_name);
        if (n < 6 || strcmp(entry->d_name + n - 5, ".ardm") != 0) continue;
        if (*count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            char **moved = realloc(*names, capacity * sizeof *moved);
            if (!moved) {
                status = ardm_fail(ARDM_ENOMEM, "no memory to list %s", folder);
                break;
            }
            *names = moved;
        }
        if (!((*names)[*count] = malloc(n + 1)))
            status = ardm_fail(ARDM_ENOMEM, "no memory to list %s", folder);
        else
            memcpy((*names)[(*count)++], entry->d_name, n + 1);
    }
    closedir(dir);
    if (*count) qsort(*names, *count, sizeof **names, by_name);
    return status;
}

typedef struct search {
    const uint8_t *wanted;
    uint64_t limit;
    ardm_model *found;
    ardm_sha256 identity;
    ardm_bytes path;
} search;

static ardm_status try_file(search *s, const char *path) {
    ardm_model *model = NULL;
    ardm_sha256 identity;
    ardm_status status = ardm_model_load(&model, path, s->limit);
    if (!status) status = ardm_model_identity(model, &identity);
    if (status) {
        ardm_log_write(ARDM_LOG_INFO, "passed over: %s", ardm_message());
        ardm_model_free(&model);
        return status == ARDM_ENOMEM ? status : ARDM_OK;
    }
    if (memcmp(identity.bytes, s->wanted, 8) != 0) {
        ardm_model_free(&model);
        return ARDM_OK;
    }
    if (s->found) { /* a copy of the same model does no harm */
        ardm_model_free(&model);
        if (memcmp(identity.bytes, s->identity.bytes, 32) == 0) return ARDM_OK;
        return ardm_fail(ARDM_EMODEL, "two different models begin with the wanted identity: %s and %s", (const char *)s->path.data, path);
    }
    s->found = model;
    s->identity = identity;
    return ardm_bytes_printf(&s->path, "%s", path);
}

static ardm_status try_folders(search *s, const char *folders) {
    while (folders && *folders) {
        const size_t n = strcspn(folders, ":");
        ardm_bytes folder = {0};
        char **names = NULL;
        size_t count = 0;
        ardm_status status = n ? ardm_bytes_printf(&folder, "%.*s", (int)n, folders) : ARDM_OK;
        if (!status && n) status = list_folder((const char *)folder.data, &names, &count);
        for (size_t i = 0; i < count; i++) {
            ardm_bytes path = {0};
            if (!status) status = ardm_bytes_printf(&path, "%s/%s", (const char *)folder.data, names[i]);
            if (!status) status = try_file(s, (const char *)path.data);
            ardm_bytes_free(&path);
            free(names[i]);
        }
        free(names);
        ardm_bytes_free(&folder);
        ARDM_TRY(status);
        folders += n + (folders[n] == ':');
    }
    return ARDM_OK;
}

ardm_status ardm_model_find(ardm_model **out, const uint8_t identity[8], const char *folders, uint64_t limit, ardm_bytes *path) {
    search s = {identity, limit, NULL, {{0}}, {0}};
    const char *own = getenv("ARDM_MODEL_PATH");
    *out = NULL;
    ardm_status status = try_folders(&s, own);
    if (!status) status = try_folders(&s, folders);
    if (!status && !s.found)
        status = ardm_fail(ARDM_EMODEL, "the model %02x%02x%02x%02x%02x%02x%02x%02x… is not among the .ardm files of: %s%s%s", identity[0],
                           identity[1], identity[2], identity[3], identity[4], identity[5], identity[6], identity[7],
                           own ? own : "($ARDM_MODEL_PATH is not set)", folders && *folders ? ":" : "", folders ? folders : "");
    if (!status && path) status = ardm_bytes_printf(path, "%s", (const char *)s.path.data);
    if (status) ardm_model_free(&s.found);
    *out = s.found;
    ardm_bytes_free(&s.path);
    return status;
}
