/* Extents that are not numbers yet.
 *
 * Ops infer shapes from numbers, so a named extent is given two: A and B = prime · A, the prime its own. Every shape is
 * inferred at both points. An extent that is equal at both is a number; otherwise it is (num/den)·product of names, and the
 * primes of B/A say which: 2·N·H/4 has B/A = prime(N)·prime(H) whatever the coefficient. A is smooth, so that N/group and
 * strides stay whole, and small, so that N·R rows of 65,536 logits and N·H·W positions of 1,900 channels stay below the 2^40
 * elements an op accepts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ardm/program.h"
#include "internal.h"

typedef struct extent {
    int64_t num, den;
    uint32_t power[ARDM_MAX_NAMES];
} extent;

/* Well-known names have fixed slots, so a shape reads alike in every graph; others take the rest in order. */
static const struct {
    const char *name;
    int64_t prime, smooth;
} slots[ARDM_MAX_NAMES] = {{"N", 2, 19200}, {"H", 3, 32}, {"W", 5, 32}, {"L", 7, 32}, {"R", 11, 16}, {"", 13, 32},
                           {"", 17, 32},    {"", 19, 32}, {"", 23, 32}, {"", 29, 32}, {"", 31, 32},  {"", 37, 32}};

enum { MOST_COUNT_BITS = 40 };

static int64_t gcd(int64_t a, int64_t b) {
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static int32_t find_name(const ardm_graph *graph, const char *text, size_t length) {
    for (uint32_t k = 0; k < graph->n_names; ++k)
        if (strlen(graph->names[k]) == length && memcmp(graph->names[k], text, length) == 0) return (int32_t)k;
    return -1;
}

static ardm_status intern_name(ardm_graph *graph, const char *text, size_t length, uint32_t *index) {
    int32_t found = find_name(graph, text, length);
    if (found >= 0) {
        *index = (uint32_t)found;
        return ARDM_OK;
    }
    if (length > ARDM_MAX_EXTENT_NAME)
        return ardm_fail(ARDM_ESHAPE, "the name of an extent has %zu bytes; the most is %d", length, ARDM_MAX_EXTENT_NAME);
    uint32_t slot = 0;
    while (slot < ARDM_MAX_NAMES && !(strlen(slots[slot].name) == length && memcmp(slots[slot].name, text, length) == 0)) ++slot;
    for (uint32_t other = 0; slot == ARDM_MAX_NAMES && other < ARDM_MAX_NAMES; ++other) {
        int taken = slots[other].name[0] != '\0';
        for (uint32_t k = 0; k < graph->n_names; ++k) taken |= graph->slots[k] == other;
        if (!taken) slot = other;
    }
    if (slot == ARDM_MAX_NAMES) return ardm_fail(ARDM_ESHAPE, "extent \"%.*s\" is one name too many", (int)length, text);
    *index = graph->n_names++;
    memcpy(graph->names[*index], text, length);
    graph->names[*index][length] = '\0';
    graph->slots[*index] = slot;
    return ARDM_OK;
}

static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Reads one number below 2^31. */
static ardm_status read_number(const char *text, size_t length, size_t *at, int64_t *out) {
    int64_t value = 0;
    size_t begin = *at;
    for (; *at < length && is_digit(text[*at]); ++*at) {
        value = 10 * value + (text[*at] - '0');
        if (value > INT32_MAX) return ardm_fail(ARDM_ESHAPE, "an extent is above 2^31-1");
    }
    if (*at == begin || (text[begin] == '0' && *at - begin > 1)) return ardm_fail(ARDM_ESHAPE, "an extent must be like 12, N or 2*N*H/4");
    *out = value;
    return ARDM_OK;
}

/* Multiplies an extent in at both points, within 2^62. */
static ardm_status times(int64_t *a, int64_t by) {
    if (by != 0 && *a > (INT64_MAX >> 1) / by) return ardm_fail(ARDM_ESHAPE, "an extent is above 2^31-1");
    *a *= by;
    return ARDM_OK;
}

/* "2*N*H/4" up to a comma or bracket. */
static ardm_status read_extent(ardm_graph *graph, const char *text, size_t length, size_t *at, int64_t *a, int64_t *b) {
    int64_t number = 0;
    uint32_t name = 0;
    *a = *b = 1;
    for (;;) {
        if (*at < length && is_letter(text[*at])) {
            size_t begin = *at;
            while (*at < length && (is_letter(text[*at]) || is_digit(text[*at]))) ++*at;
            ARDM_TRY(intern_name(graph, text + begin, *at - begin, &name));
            number = slots[graph->slots[name]].smooth;
            ARDM_TRY(times(a, number));
            ARDM_TRY(times(b, number * slots[graph->slots[name]].prime));
        } else {
            ARDM_TRY(read_number(text, length, at, &number));
            ARDM_TRY(times(a, number));
            ARDM_TRY(times(b, number));
        }
        if (*at == length || text[*at] != '*') break;
        ++*at;
    }
    if (*at < length && text[*at] == '/') {
        ++*at;
        ARDM_TRY(read_number(text, length, at, &number));
        if (number == 0 || *a % number || *b % number)
            return ardm_fail(ARDM_ESHAPE, "an extent is divided by %" PRId64 ", which does not divide its nominal value %" PRId64, number, *a);
        *a /= number;
        *b /= number;
    }
    return ARDM_OK;
}

static ardm_status check_count(const ardm_shape *shape) {
    int64_t count = 1;
    for (uint32_t axis = 0; axis < shape->rank; ++axis) {
        int64_t dim = shape->dim[axis];
        if (dim < 0 || dim > INT32_MAX) return ardm_fail(ARDM_ESHAPE, "extent %u is %" PRId64 "; 0 to 2^31-1 is legal", axis, dim);
        if (dim > 0 && count > (INT64_C(1) << MOST_COUNT_BITS) / dim)
            return ardm_fail(ARDM_ESHAPE, "a value has more than 2^%d elements", MOST_COUNT_BITS);
        count *= dim > 0 ? dim : 1;
    }
    return ARDM_OK;
}

ardm_status ardm_graph__type_parse(ardm_graph *graph, const char *text, size_t length, ardm_shape *shape, ardm_shape *twin) {
    size_t at = 0;
    while (at < length && text[at] != '[') ++at;
    *shape = (ardm_shape){.dtype = ardm_dtype_parse(text, at)};
    if (shape->dtype == 0 || at == length)
        return ardm_fail(ARDM_ESHAPE, "\"%.*s\" is no type; one is like f32[N,3], with f32, i32, u8, u16 or u32", length > 60 ? 60 : (int)length,
                         text);
    *twin = *shape;
    ++at;
    while (at < length && text[at] != ']') {
        if (shape->rank == ARDM_MAX_RANK) return ardm_fail(ARDM_ESHAPE, "a type has more than %d extents", ARDM_MAX_RANK);
        if (shape->rank > 0 && text[at++] != ',') return ardm_fail(ARDM_ESHAPE, "commas separate the extents of a type");
        while (at < length && text[at] == ' ') ++at;
        ARDM_TRY(read_extent(graph, text, length, &at, &shape->dim[shape->rank], &twin->dim[shape->rank]));
        ++shape->rank;
        twin->rank = shape->rank;
    }
    if (at + 1 != length) return ardm_fail(ARDM_ESHAPE, "a type ends in ]");
    ARDM_TRY(check_count(shape));
    return check_count(twin);
}

/* Solves for coefficient and powers. */
static ardm_status factor(const ardm_graph *graph, int64_t a, int64_t b, extent *out) {
    *out = (extent){.num = a, .den = 1};
    if (a == b) return ARDM_OK;
    int64_t common = a > 0 && b > 0 ? gcd(a, b) : 0;
    if (common == 0 || a != common) goto fail;
    int64_t ratio = b / common;
    for (uint32_t k = 0; k < graph->n_names; ++k) {
        int64_t prime = slots[graph->slots[k]].prime, smooth = slots[graph->slots[k]].smooth;
        for (; ratio % prime == 0; ratio /= prime) {
            int64_t shared = gcd(out->num, smooth);
            ++out->power[k];
            out->num /= shared;
            if (out->den > INT32_MAX) goto fail;
            out->den *= smooth / shared;
            shared = gcd(out->num, out->den);
            out->num /= shared;
            out->den /= shared;
        }
    }
    if (ratio == 1 && out->den <= INT32_MAX) return ARDM_OK;
fail:
    return ardm_fail(ARDM_ESHAPE, "an extent is no product of a number and named extents (%" PRId64 " and %" PRId64 " at the two nominal points)", a,
                     b);
}

static void print_extent(const ardm_graph *graph, const extent *value, char *out, size_t size) {
    size_t used = 0;
    uint32_t names = 0;
    char part[32];
    out[0] = '\0';
    for (uint32_t k = 0; k < graph->n_names; ++k) names += value->power[k];
    if (names == 0 || value->num != 1) {
        snprintf(part, sizeof part, "%" PRId64 "%s", value->num, names ? "*" : "");
        used += strlen(part);
        if (used < size) strcat(out, part);
    }
    for (uint32_t k = 0; k < graph->n_names; ++k)
        for (uint32_t times_left = value->power[k]; times_left > 0; --times_left) {
            snprintf(part, sizeof part, "%s%s", graph->names[k], --names ? "*" : "");
            used += strlen(part);
            if (used < size) strcat(out, part);
        }
    if (value->den != 1) {
        snprintf(part, sizeof part, "/%" PRId64, value->den);
        used += strlen(part);
        if (used < size) strcat(out, part);
    }
}

ardm_status ardm_graph__type_check(const ardm_graph *graph, const ardm_shape *shape, const ardm_shape *twin) {
    extent value;
    if (shape->dtype != twin->dtype || shape->rank != twin->rank) return ardm_fail(ARDM_ESHAPE, "a rank or type depends on an extent");
    for (uint32_t axis = 0; axis < shape->rank; ++axis) ARDM_TRY(factor(graph, shape->dim[axis], twin->dim[axis], &value));
    return ARDM_OK;
}

ardm_status ardm_graph__type_print(const ardm_graph *graph, const ardm_shape *shape, const ardm_shape *twin, char *out, size_t size) {
    size_t used = (size_t)snprintf(out, size, "%s[", ardm_dtype_name(shape->dtype));
    for (uint32_t axis = 0; axis < shape->rank && used < size; ++axis) {
        extent value;
        char part[ARDM_MAX_TYPE];
        ARDM_TRY(factor(graph, shape->dim[axis], twin->dim[axis], &value));
        print_extent(graph, &value, part, sizeof part);
        used += (size_t)snprintf(out + used, size - used, "%s%s", axis ? "," : "", part);
    }
    if (used < size) used += (size_t)snprintf(out + used, size - used, "]");
    return used < size ? ARDM_OK : ardm_fail(ARDM_ESHAPE, "a type has more than %zu characters", size);
}

ardm_status ardm_graph__type_at(const ardm_graph *graph, const ardm_shape *shape, const ardm_shape *twin, const ardm_extent *extents,
                                uint32_t n_extents, ardm_shape *out) {
    *out = *shape;
    for (uint32_t axis = 0; axis < shape->rank; ++axis) {
        extent value;
        ARDM_TRY(factor(graph, shape->dim[axis], twin->dim[axis], &value));
        int64_t result = value.num;
        for (uint32_t k = 0; k < graph->n_names; ++k) {
            uint32_t found = 0;
            while (value.power[k] && found < n_extents && strcmp(extents[found].name, graph->names[k]) != 0) ++found;
            if (value.power[k] && found == n_extents) return ardm_fail(ARDM_ESHAPE, "extent %s is not bound to a number", graph->names[k]);
            if (value.power[k] && (extents[found].value < 0 || extents[found].value > INT32_MAX))
                return ardm_fail(ARDM_ESHAPE, "extent %s is %" PRId64 "; 0 to 2^31-1 is legal", graph->names[k], extents[found].value);
            for (uint32_t power = value.power[k]; power > 0; --power) ARDM_TRY(times(&result, extents[found].value));
        }
        if (result % value.den) {
            char text[ARDM_MAX_TYPE];
            print_extent(graph, &value, text, sizeof text);
            return ardm_fail(ARDM_ESHAPE, "extent %s is %" PRId64 "/%" PRId64 ", which is not whole", text, result, value.den);
        }
        out->dim[axis] = result / value.den;
    }
    return check_count(out);
}
