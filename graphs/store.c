/* States by name, on a device. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "plan.h"

struct ardm_store {
    ardm_device *device;
    ardm_store__entry **entries; /* sorted; each stays where it is while the array grows */
    uint32_t count, capacity;
    ardm_buffer *arenas[ARDM_MAX_ARENAS];
    uint32_t n_arenas;
};

ardm_status ardm_store_create(ardm_store **out, ardm_device *device) {
    *out = calloc(1, sizeof **out);
    if (!*out) return ardm_fail(ARDM_ENOMEM, "no memory for a store");
    (*out)->device = device;
    return ARDM_OK;
}

static void free_entry(ardm_store__entry *entry) {
    if (!entry) return;
    ardm_buffer_release(&entry->buffer);
    free(entry->name);
    free(entry);
}

void ardm_store_free(ardm_store **store) {
    ardm_store *old = *store;
    if (!old) return;
    for (uint32_t k = 0; k < old->count; ++k) free_entry(old->entries[k]);
    for (uint32_t k = 0; k < old->n_arenas; ++k) ardm_buffer_release(&old->arenas[k]);
    free(old->entries);
    free(old);
    *store = NULL;
}

ardm_device *ardm_store_device(const ardm_store *store) { return store->device; }

/* Where `name` is, or where it would stand. */
static uint32_t search(const ardm_store *store, const char *name, int *found) {
    uint32_t low = 0, high = store->count;
    *found = 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(store->entries[middle]->name, name);
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

ardm_store__entry *ardm_store__find(const ardm_store *store, const char *name) {
    int found;
    uint32_t at = search(store, name, &found);
    return found ? store->entries[at] : NULL;
}

static ardm_status add_entry(ardm_store *store, uint32_t at, const char *name, const ardm_shape *shape) {
    ARDM_TRY(ardm_graph__grow((void **)&store->entries, store->count, &store->capacity, sizeof *store->entries));
    ardm_store__entry *entry = calloc(1, sizeof *entry);
    ardm_status status = entry ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for state %s", name);
    if (status == ARDM_OK && !(entry->name = ardm_graph__text_copy(name, strlen(name))))
        status = ardm_fail(ARDM_ENOMEM, "no memory for state %s", name);
    if (status == ARDM_OK) status = ardm_buffer_create(&entry->buffer, store->device, ardm_shape_bytes(shape));
    if (status != ARDM_OK) {
        free_entry(entry);
        return status;
    }
    entry->shape = *shape;
    memmove(store->entries + at + 1, store->entries + at, (store->count - at) * sizeof *store->entries);
    store->entries[at] = entry;
    ++store->count;
    return ARDM_OK;
}

static ardm_status write_entry(ardm_store *store, ardm_store__entry *entry, const void *data) {
    uint64_t bytes = ardm_shape_bytes(&entry->shape);
    ++entry->version;
    if (!data) {
        ARDM_TRY(ardm_queue_fill(store->device, entry->buffer, 0, 0, bytes));
        return ardm_queue_finish(store->device);
    }
    ARDM_TRY(ardm_queue_write(store->device, entry->buffer, 0, data, bytes));
    return ardm_queue_finish(store->device); /* `data` is the caller's again */
}

static ardm_status set(ardm_store *store, const char *name, const ardm_shape *shape, const void *data, int32_t least) {
    int found;
    float *canonical = NULL;
    char old[160], new[160];
    uint32_t at = search(store, name, &found);
    if (shape->dtype == 0 || shape->dtype > ARDM_U32 || shape->rank > ARDM_MAX_RANK) return ardm_fail(ARDM_EINVAL, "state %s: no such type", name);
    if (found && !ardm_shape_equal(&store->entries[at]->shape, shape))
        return ardm_fail(ARDM_ESHAPE, "state %s is %s; %s was given", name, ardm_shape_text(&store->entries[at]->shape, old, sizeof old),
                         ardm_shape_text(shape, new, sizeof new));
    if (data && shape->dtype == ARDM_F32) {
        uint64_t bytes = ardm_shape_bytes(shape);
        canonical = malloc(bytes ? bytes : 1);
        if (!canonical) return ardm_fail(ARDM_ENOMEM, "state %s: no memory", name);
        memcpy(canonical, data, bytes);
        ardm_status status = ardm_graph__canonical(canonical, ardm_shape_count(shape), least, name);
        if (status != ARDM_OK) {
            free(canonical);
            return status;
        }
        data = canonical;
    }
    ardm_status status = found ? ARDM_OK : add_entry(store, at, name, shape);
    if (status == ARDM_OK) status = write_entry(store, store->entries[at], data);
    free(canonical);
    return status;
}

ardm_status ardm_store_set(ardm_store *store, const char *name, const ardm_shape *shape, const void *data) {
    return set(store, name, shape, data, -40);
}

ardm_status ardm_store_restore(ardm_store *store, const char *name, const ardm_shape *shape, const void *data) {
    return set(store, name, shape, data, -100);
}

ardm_status ardm_store_get(ardm_store *store, const char *name, void *data) {
    const ardm_store__entry *entry = ardm_store__find(store, name);
    if (!entry) return ardm_fail(ARDM_ENOTFOUND, "there is no state %s", name);
    return ardm_queue_read(store->device, entry->buffer, 0, data, ardm_shape_bytes(&entry->shape));
}

uint32_t ardm_store_count(const ardm_store *store) { return store->count; }
const char *ardm_store_name(const ardm_store *store, uint32_t index) { return index < store->count ? store->entries[index]->name : NULL; }

const ardm_shape *ardm_store_shape(const ardm_store *store, const char *name) {
    const ardm_store__entry *entry = ardm_store__find(store, name);
    return entry ? &entry->shape : NULL;
}

ardm_status ardm_store__arenas(ardm_store *store, const uint64_t *bytes, uint32_t count, ardm_buffer **out) {
    uint8_t taken[ARDM_MAX_ARENAS] = {0};
    for (uint32_t k = 0; k < count; ++k) {
        uint32_t best = ARDM_MAX_ARENAS, spare = ARDM_MAX_ARENAS;
        for (uint32_t j = 0; j < store->n_arenas; ++j) {
            if (taken[j]) continue;
            spare = j;
            uint64_t size = ardm_buffer_bytes(store->arenas[j]);
            if (size >= bytes[k] && (best == ARDM_MAX_ARENAS || size < ardm_buffer_bytes(store->arenas[best]))) best = j;
        }
        if (best == ARDM_MAX_ARENAS) {
            ardm_buffer *fresh = NULL;
            ARDM_TRY(ardm_buffer_create(&fresh, store->device, bytes[k]));
            /* A larger arena serves everybody who comes later; who holds the smaller one keeps it alive. */
            best = spare < ARDM_MAX_ARENAS ? spare : store->n_arenas++;
            ardm_buffer_release(&store->arenas[best]);
            store->arenas[best] = fresh;
        }
        taken[best] = 1;
        ARDM_TRY(ardm_buffer_view(&out[k], store->arenas[best], 0, ardm_buffer_bytes(store->arenas[best])));
    }
    return ARDM_OK;
}
