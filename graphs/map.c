/* Text to value, for labels and names. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static uint32_t hash_of(const char *key, size_t length) {
    uint32_t hash = 2166136261u;
    for (size_t k = 0; k < length; ++k) hash = (hash ^ (uint8_t)key[k]) * 16777619u;
    return hash;
}

int32_t ardm_graph__map_find(const ardm_graph__map *map, const char *key, size_t length) {
    if (map->capacity == 0) return -1;
    for (uint32_t slot = hash_of(key, length) & (map->capacity - 1); map->keys[slot]; slot = (slot + 1) & (map->capacity - 1))
        if (strlen(map->keys[slot]) == length && memcmp(map->keys[slot], key, length) == 0) return map->items[slot];
    return -1;
}

static void put(ardm_graph__map *map, const char *key, int32_t item) {
    uint32_t slot = hash_of(key, strlen(key)) & (map->capacity - 1);
    while (map->keys[slot]) slot = (slot + 1) & (map->capacity - 1);
    map->keys[slot] = key;
    map->items[slot] = item;
    ++map->used;
}

ardm_status ardm_graph__map_add(ardm_graph__map *map, const char *key, int32_t item) {
    if (2 * (map->used + 1) > map->capacity) {
        uint32_t capacity = map->capacity ? 2 * map->capacity : 64;
        ardm_graph__map wider = {calloc(capacity, sizeof *wider.keys), malloc(capacity * sizeof *wider.items), 0, capacity};
        if (!wider.keys || !wider.items) {
            ardm_graph__map_free(&wider);
            return ardm_fail(ARDM_ENOMEM, "no memory for %u names", capacity);
        }
        for (uint32_t slot = 0; slot < map->capacity; ++slot)
            if (map->keys[slot]) put(&wider, map->keys[slot], map->items[slot]);
        ardm_graph__map_free(map);
        *map = wider;
    }
    put(map, key, item);
    return ARDM_OK;
}

void ardm_graph__map_free(ardm_graph__map *map) {
    free(map->keys);
    free(map->items);
    *map = (ardm_graph__map){0};
}
