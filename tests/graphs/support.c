#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ardm_graph *parsed(const char *text) {
    ardm_graph *graph = NULL;
    OK(ardm_graph_parse(&graph, text, strlen(text), 1 << 20));
    return graph;
}

char *printed(const ardm_graph *graph) {
    ardm_bytes bytes = {0};
    OK(ardm_graph_print(&bytes, graph));
    return (char *)bytes.data;
}

void expect_text(const ardm_graph *graph, const char *text) {
    char *got = printed(graph);
    ck_assert_str_eq(got, text);
    free(got);
}

enum { MOST_DEVICES = 16 };
static ardm_device *devices[MOST_DEVICES];
static int n_devices;

void close_devices(void) {
    while (n_devices > 0) ardm_device_close(&devices[--n_devices]);
}

ardm_device *device_at(int index) {
    if (n_devices == 0) {
        const ardm_device_entry *entries;
        size_t count;
        OK(ardm_device_list(&entries, &count));
        for (size_t k = 0; k < count && n_devices < MOST_DEVICES; ++k) {
            char name[64];
            if (entries[k].why) continue;
            snprintf(name, sizeof name, "%u:%u", entries[k].facts.platform_index, entries[k].facts.device_index);
            if (entries[k].facts.device_class == ARDM_CLASS_REFERENCE) strcpy(name, "reference");
            OK(ardm_device_open(&devices[n_devices], name));
            ++n_devices;
        }
    }
    return index < n_devices ? devices[index] : NULL;
}

ardm_device *reference_device(void) {
    for (int k = 0; device_at(k); ++k)
        if (ardm_device_is_reference(device_at(k))) return device_at(k);
    ck_abort_msg("no reference device");
    return NULL;
}

float noise(uint32_t seed, uint32_t index) {
    uint32_t x = seed * 0x9e3779b9u + index * 0x85ebca6bu + 1;
    for (int k = 0; k < 3; ++k) {
        x ^= x >> 16;
        x *= 0x7feb352du;
        x ^= x >> 15;
        x *= 0x846ca68bu;
    }
    return ((int32_t)(x % 2049) - 1024) / 1024.0f;
}

/* Concrete extents of a state, read from its printed type. */
static ardm_shape shape_at(const ardm_graph *graph, ardm_value value, const ardm_extent *extents, uint32_t n_extents) {
    char text[256];
    ardm_shape shape = *ardm_graph_value_shape(graph, value);
    ardm_graph_value_type(graph, value, text, sizeof text);
    char *at = strchr(text, '[') + 1;
    for (uint32_t axis = 0; axis < shape.rank; ++axis) {
        int64_t dim = 1;
        while (*at != ',' && *at != ']') {
            uint32_t k = 0;
            while (k < n_extents && strncmp(at, extents[k].name, strlen(extents[k].name)) != 0) ++k;
            if (k < n_extents) {
                dim *= extents[k].value;
                at += strlen(extents[k].name);
            } else {
                dim *= strtol(at, &at, 10);
            }
            if (*at == '*') ++at;
        }
        ++at;
        shape.dim[axis] = dim;
    }
    return shape;
}

void set_noise(ardm_store *store, const ardm_graph *graph, const ardm_extent *extents, uint32_t n_extents, uint32_t seed, float scale) {
    for (uint32_t k = 0; k < ardm_graph_state_count(graph); ++k) {
        ardm_value state = ardm_graph_state_at(graph, k);
        const ardm_shape shape = shape_at(graph, state, extents, n_extents);
        int64_t count = ardm_shape_count(&shape);
        float *data = malloc((size_t)count * sizeof *data + 1);
        for (int64_t j = 0; j < count; ++j) data[j] = scale * noise(seed + k, (uint32_t)j);
        OK(ardm_store_set(store, ardm_graph_value_name(graph, state), &shape, data));
        free(data);
    }
}
