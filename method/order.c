#include "ardm/order.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/philox.h"

struct ardm_order {
    ardm_layout layout;
    uint32_t units, levels, runs;
    uint16_t *level;
    uint32_t *counts;
};

/* By kind. */
static const char *const names[] = {
    "?",
    [ARDM_ORDER_UNIFORM] = "uniform",
    [ARDM_ORDER_RASTER] = "raster",
    [ARDM_ORDER_QUINCUNX] = "quincunx",
    [ARDM_ORDER_DYADIC] = "dyadic",
    [ARDM_ORDER_BLOCKS] = "blocks",
    [ARDM_ORDER_TABLE] = "table",
    [ARDM_ORDER_CHANNEL_UNIFORM] = "channel-uniform",
    [ARDM_ORDER_CHANNEL_RASTER] = "channel-raster",
    [ARDM_ORDER_CHANNEL_QUINCUNX] = "channel-quincunx",
    [ARDM_ORDER_PLUGIN] = "plugin",
};
enum { KINDS = sizeof names / sizeof *names };

ardm_status ardm_order_parse(ardm_order_family *out, const char *text) {
    memset(out, 0, sizeof *out);
    for (uint32_t kind = 1; kind < KINDS; kind++)
        if (kind != ARDM_ORDER_BLOCKS && kind != ARDM_ORDER_PLUGIN && strcmp(text, names[kind]) == 0) {
            out->kind = kind;
            return ARDM_OK;
        }
    unsigned long number[2] = {0, 0};
    const int32_t permuted = strncmp(text, "permuted:", 9) == 0;
    if (permuted || strncmp(text, "blocks:", 7) == 0) {
        const char *at = text + (permuted ? 9 : 7);
        for (int i = 0; i < 2; i++) {
            char *end = NULL;
            if (*at < '1' || *at > '9') goto fail;
            number[i] = strtoul(at, &end, 10);
            if (number[i] > ARDM_MAX_UNITS || (*end && (i == 1 || *end != '-'))) goto fail;
            if (!*end && i == 0) number[1] = number[0];
            if (!*end) break;
            at = end + 1;
        }
        if (number[0] > number[1]) goto fail;
        out->kind = ARDM_ORDER_BLOCKS;
        out->permuted = permuted;
        out->low = (uint32_t)number[0];
        out->high = (uint32_t)number[1];
        return ARDM_OK;
    }
    if (strncmp(text, "plugin:", 7) == 0) {
        const size_t n = strlen(text + 7);
        if (n == 0 || n >= sizeof out->name || strcspn(text + 7, " \t\r\n|") != n) goto fail;
        out->kind = ARDM_ORDER_PLUGIN;
        memcpy(out->name, text + 7, n + 1);
        return ARDM_OK;
    }
fail:
    return ardm_fail(ARDM_EINVAL,
                     "order \"%.60s\" is not one of uniform, raster, quincunx, dyadic, channel-uniform, channel-raster, channel-quincunx, blocks:N, "
                     "blocks:LOW-HIGH (1..%u), permuted likewise, plugin:NAME (up to 23 bytes), table",
                     text, ARDM_MAX_UNITS);
}

void ardm_order_print(const ardm_order_family *family, char out[32]) {
    const char *name = family->permuted ? "permuted" : names[family->kind < KINDS ? family->kind : 0];
    if (family->kind == ARDM_ORDER_PLUGIN)
        snprintf(out, 32, "plugin:%s", family->name);
    else if (family->kind != ARDM_ORDER_BLOCKS)
        snprintf(out, 32, "%s", name);
    else if (family->low == family->high)
        snprintf(out, 32, "%s:%u", name, family->low);
    else
        snprintf(out, 32, "%s:%u-%u", name, family->low, family->high);
}

/* Coarsest is largest: how many halvings of the quincunx lattice (x + y even, then both even, …) keep the position. */
static uint32_t quincunx_depth(uint32_t y, uint32_t x) {
    uint32_t depth = 0;
    if (y == 0 && x == 0) return 64;
    for (;; depth += 2, y /= 2, x /= 2) {
        if ((x + y) & 1) return depth;
        if (x & 1) return depth + 1;
    }
}

static uint32_t dyadic_depth(uint32_t x) {
    uint32_t depth = 0;
    if (x == 0) return 64;
    for (; !(x & 1); x /= 2) depth++;
    return depth;
}

/* Turns depths (0 finest, < 65) into levels, coarsest first: empty depths vanish, leading ones merge up to one of 16 units. */
static void merge_depths(ardm_order *o, const uint8_t *depth) {
    uint32_t count[65] = {0}, level_of[65] = {0}, levels = 0;
    const uint32_t channels = o->layout.channels;
    for (uint32_t p = 0; p < o->units / channels; p++) count[depth[p]] += channels;
    int merging = 1;
    for (uint32_t d = 65; d-- > 0;) {
        if (!count[d]) continue;
        level_of[d] = merging ? 0 : levels;
        if (merging && count[d] >= 16) {
            merging = 0;
            levels = 1;
        } else if (!merging) {
            levels++;
        }
    }
    o->levels = merging ? 1 : levels;
    for (uint32_t u = 0; u < o->units; u++) o->level[u] = (uint16_t)level_of[depth[u / channels]];
}

static ardm_status check_layout(const ardm_layout *layout, uint32_t *units) {
    uint64_t n = layout->channels;
    if (layout->rank < 1 || layout->rank > 3) return ardm_fail(ARDM_EINVAL, "order: an item has %u extents; there must be 1..3", layout->rank);
    if (layout->channels < 1) return ardm_fail(ARDM_EINVAL, "order: an item has no channel");
    for (uint32_t i = 0; i < layout->rank; i++) {
        if (!layout->extent[i]) return ardm_fail(ARDM_EINVAL, "order: extent %u of an item is 0", i);
        if (n <= ARDM_MAX_UNITS) n *= layout->extent[i];
    }
    if (n > ARDM_MAX_UNITS) return ardm_fail(ARDM_EINVAL, "order: an item has more than %u units", ARDM_MAX_UNITS);
    *units = (uint32_t)n;
    return ARDM_OK;
}

static ardm_status allocate(ardm_order **out, const ardm_layout *layout) {
    uint32_t units = 0;
    *out = NULL;
    ARDM_TRY(check_layout(layout, &units));
    ardm_order *o = calloc(1, sizeof *o);
    if (!o) return ardm_fail(ARDM_ENOMEM, "no memory for an order");
    o->layout = *layout;
    o->units = units;
    o->runs = 1;
    o->level = calloc(units, sizeof *o->level);
    o->counts = calloc(units, sizeof *o->counts);
    *out = o;
    if (o->level && o->counts) return ARDM_OK;
    ardm_order_free(out);
    return ardm_fail(ARDM_ENOMEM, "no memory for an order of %u units", units);
}

static void count_levels(ardm_order *o) {
    for (uint32_t u = 0; u < o->units; u++) o->counts[o->level[u]]++;
}

uint32_t ardm_layout_units(const ardm_layout *layout) {
    uint32_t units = layout->channels;
    for (uint32_t i = 0; i < layout->rank; i++) units *= layout->extent[i];
    return units;
}

uint32_t ardm_layout_parts(const ardm_layout *layout) { return layout->parts ? layout->parts : 1; }
uint32_t ardm_layout_symbols(const ardm_layout *layout) { return ardm_layout_units(layout) * ardm_layout_parts(layout); }

ardm_layout ardm_layout_join(const ardm_layout *layout, uint32_t parts) {
    ardm_layout joined = *layout;
    assert(parts && ardm_layout_parts(layout) == 1 && layout->channels % parts == 0);
    joined.channels /= parts;
    joined.parts = parts;
    return joined;
}

static int32_t kept(uint8_t state) { return state == ARDM_GIVEN || state == ARDM_VOID; }

uint8_t ardm_layout_masked(const ardm_layout *layout, const uint8_t *mask, uint32_t unit) {
    const uint32_t parts = ardm_layout_parts(layout);
    if (!mask) return ARDM_UNDECIDED;
    for (uint32_t i = 0; i < parts; i++)
        if (!kept(mask[unit * parts + i])) return ARDM_UNDECIDED;
    return mask[unit * parts];
}

uint32_t ardm_layout_split(const ardm_layout *layout, const uint8_t *mask) {
    const uint32_t parts = ardm_layout_parts(layout), units = ardm_layout_units(layout);
    uint32_t split = 0;
    for (uint32_t u = 0; mask && u < units; u++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < parts; i++) n += (uint32_t)kept(mask[u * parts + i]);
        split += n > 0 && n < parts;
    }
    return split;
}

/* Channel c of a position in level l of P is in level c P + l; the positions' levels are those of an item of one channel. */
static ardm_status spread_channels(ardm_order *o, uint32_t kind) {
    ardm_layout one = o->layout;
    ardm_order *positions = NULL;
    one.channels = 1;
    ARDM_TRY(ardm_order_create(&positions, &(ardm_order_family){.kind = kind}, 0, &one));
    o->runs = o->layout.channels;
    o->levels = o->runs * positions->levels;
    for (uint32_t u = 0; u < o->units; u++) o->level[u] = (uint16_t)(u % o->runs * positions->levels + positions->level[u / o->runs]);
    ardm_order_free(&positions);
    return ARDM_OK;
}

/* What a plugin or a model gives for a layout is checked as any table. */
static ardm_status from_source(ardm_order **out, const ardm_order_family *family, const ardm_layout *layout) {
    uint32_t units = 0;
    char text[32];
    ardm_order_print(family, text);
    *out = NULL;
    if (!family->source) return ardm_fail(ARDM_EINVAL, "order: the levels of %s are not known here: they come from a model or a plugin", text);
    ARDM_TRY(check_layout(layout, &units));
    uint16_t *levels = malloc(units * sizeof *levels);
    if (!levels) return ardm_fail(ARDM_ENOMEM, "no memory for an order of %u units", units);
    ardm_status status = family->source->levels(family->source->user, layout, levels);
    if (status == ARDM_OK) {
        status = ardm_order_from_table(out, levels, layout);
        if (status != ARDM_OK) status = ardm_fail_in(status, "%s", text);
    }
    free(levels);
    return status;
}

ardm_status ardm_order_create(ardm_order **out, const ardm_order_family *family, uint32_t block, const ardm_layout *layout) {
    if (family->kind == ARDM_ORDER_PLUGIN || family->kind == ARDM_ORDER_TABLE) return from_source(out, family, layout);
    ARDM_TRY(allocate(out, layout));
    ardm_order *o = *out;
    const uint32_t positions = o->units / layout->channels;
    uint8_t *depth = NULL;
    ardm_status status = ARDM_OK;
    switch (family->kind) {
    case ARDM_ORDER_UNIFORM:
        o->levels = 1;
        break;
    case ARDM_ORDER_RASTER:
        o->levels = o->units;
        for (uint32_t u = 0; u < o->units; u++) o->level[u] = (uint16_t)u;
        break;
    case ARDM_ORDER_BLOCKS:
        if (!block) block = family->high;
        if (block < family->low || block > family->high) {
            status = ardm_fail(ARDM_EINVAL, "order: blocks of %u units, but the model was trained on %u..%u", block, family->low, family->high);
            goto fail;
        }
        o->levels = (o->units + block - 1) / block;
        for (uint32_t u = 0; u < o->units; u++) o->level[u] = (uint16_t)(u / block);
        break;
    case ARDM_ORDER_CHANNEL_UNIFORM:
    case ARDM_ORDER_CHANNEL_RASTER:
    case ARDM_ORDER_CHANNEL_QUINCUNX:
        status = spread_channels(o, ARDM_ORDER_UNIFORM + (family->kind - ARDM_ORDER_CHANNEL_UNIFORM));
        if (status != ARDM_OK) goto fail;
        break;
    case ARDM_ORDER_QUINCUNX:
    case ARDM_ORDER_DYADIC: {
        const uint32_t rank = family->kind == ARDM_ORDER_QUINCUNX ? 2 : 1;
        if (layout->rank != rank) {
            status = ardm_fail(ARDM_EINVAL, "order: %s needs %u extent%s, the item has %u", rank == 2 ? "quincunx" : "dyadic", rank,
                               rank == 2 ? "s" : "", layout->rank);
            goto fail;
        }
        depth = malloc(positions);
        if (!depth) {
            status = ardm_fail(ARDM_ENOMEM, "no memory for an order of %u units", o->units);
            goto fail;
        }
        for (uint32_t p = 0; p < positions; p++)
            depth[p] = (uint8_t)(rank == 2 ? quincunx_depth(p / layout->extent[1], p % layout->extent[1]) : dyadic_depth(p));
        merge_depths(o, depth);
        free(depth);
        break;
    }
    default:
        status = ardm_fail(ARDM_EINVAL, "order: unknown family");
        goto fail;
    }
    count_levels(o);
    return ARDM_OK;
fail:
    ardm_order_free(out);
    return status;
}

ardm_status ardm_order_from_table(ardm_order **out, const uint16_t *levels, const ardm_layout *layout) {
    ARDM_TRY(allocate(out, layout));
    ardm_order *o = *out;
    for (uint32_t u = 0; u < o->units; u++) {
        if (levels[u] >= o->units) {
            ardm_order_free(out);
            return ardm_fail(ARDM_EINVAL, "order table: unit %u has level %u, more than there are units", u, levels[u]);
        }
        o->level[u] = levels[u];
        if (levels[u] + 1u > o->levels) o->levels = levels[u] + 1u;
    }
    count_levels(o);
    for (uint32_t l = 0; l < o->levels; l++)
        if (!o->counts[l]) {
            ardm_order_free(out);
            return ardm_fail(ARDM_EINVAL, "order table: no unit has level %u", l);
        }
    return ARDM_OK;
}

void ardm_order_free(ardm_order **order) {
    if (!*order) return;
    free((*order)->level);
    free((*order)->counts);
    free(*order);
    *order = NULL;
}

uint32_t ardm_order_units(const ardm_order *order) { return order->units; }
uint32_t ardm_order_levels(const ardm_order *order) { return order->levels; }
uint32_t ardm_order_runs(const ardm_order *order) { return order->runs; }
const ardm_layout *ardm_order_layout(const ardm_order *order) { return &order->layout; }
const uint16_t *ardm_order_level(const ardm_order *order) { return order->level; }
const uint32_t *ardm_order_counts(const ardm_order *order) { return order->counts; }

typedef struct entry {
    uint32_t word, unit;
} entry;

/* One stable pass on 11 bits of the word; ascending input units stay ascending among equals. */
static void radix_pass(const entry *from, entry *to, uint32_t n, uint32_t shift) {
    uint32_t start[2048] = {0};
    for (uint32_t i = 0; i < n; i++) start[from[i].word >> shift & 2047]++;
    uint32_t total = 0;
    for (uint32_t b = 0; b < 2048; b++) {
        const uint32_t count = start[b];
        start[b] = total;
        total += count;
    }
    for (uint32_t i = 0; i < n; i++) to[start[from[i].word >> shift & 2047]++] = from[i];
}

ardm_status ardm_order_permute(uint32_t *unit, uint32_t units, const uint8_t *mask, uint64_t seed, uint64_t item) {
    enum { DRAW = 1 << 23 };
    entry *a = calloc(2 * (size_t)units + 1, sizeof *a), *b = a ? a + units : NULL;
    if (!a) return ardm_fail(ARDM_ENOMEM, "no memory to order %u units", units);
    uint32_t given = 0, n = 0;
    for (uint32_t u = 0; u < units; u++) {
        const uint8_t state = mask ? mask[u] : ARDM_UNDECIDED;
        if (state == ARDM_GIVEN) unit[given++] = u;
        if (state != ARDM_GIVEN && state != ARDM_VOID) a[n++] = (entry){ardm_random_word(seed, ARDM_RANDOM_ORDER, DRAW, item, u), u};
    }
    radix_pass(a, b, n, 0);
    radix_pass(b, a, n, 11);
    radix_pass(a, b, n, 22);
    for (uint32_t i = 0; i < n; i++) unit[given + i] = b[i].unit;
    for (uint32_t u = 0, at = given + n; mask && u < units; u++)
        if (mask[u] == ARDM_VOID) unit[at++] = u;
    free(a);
    return ARDM_OK;
}

ardm_status ardm_order_place(const ardm_order *o, const uint8_t *mask, uint64_t seed, uint32_t stage, uint64_t item, int32_t *place,
                             uint32_t *counts) {
    entry *a = malloc(2 * (size_t)o->units * sizeof *a), *b = a ? a + o->units : NULL;
    uint32_t *start = calloc(o->levels, sizeof *start), n = 0;
    if (!a || !start) {
        free(a);
        free(start);
        return ardm_fail(ARDM_ENOMEM, "no memory to order %u units", o->units);
    }
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t words[4] = {0};
    for (uint32_t u = 0; u < o->units; u++) {
        if ((u & 3) == 0) {
            const uint32_t counter[4] = {u >> 2, (uint32_t)item, (uint32_t)(item >> 32), (uint32_t)ARDM_RANDOM_ORDER << 24 | stage};
            ardm_philox4(words, counter, key);
        }
        const uint8_t state = mask ? mask[u] : ARDM_UNDECIDED;
        place[u] = state == ARDM_VOID ? ARDM_PLACE_VOID : ARDM_PLACE_GIVEN;
        if (state == ARDM_VOID || state == ARDM_GIVEN) continue;
        a[n++] = (entry){words[u & 3], u};
        start[o->level[u]]++;
    }
    if (counts) memcpy(counts, start, o->levels * sizeof *counts);
    uint32_t total = 0;
    for (uint32_t l = 0; l < o->levels; l++) {
        const uint32_t count = start[l];
        start[l] = total;
        total += count;
    }
    radix_pass(a, b, n, 0);
    radix_pass(b, a, n, 11);
    radix_pass(a, b, n, 22);
    for (uint32_t i = 0; i < n; i++) place[b[i].unit] = (int32_t)start[o->level[b[i].unit]]++;
    free(a);
    free(start);
    return ARDM_OK;
}

static uint8_t excluded(int32_t place) { return place == ARDM_PLACE_VOID ? ARDM_VOID : ARDM_GIVEN; }

void ardm_order_states(const ardm_order *o, const int32_t *place, const uint32_t *counts, uint32_t level, uint32_t n, uint8_t *state) {
    assert(level < o->levels && n <= counts[level]);
    uint32_t known = n;
    for (uint32_t l = 0; l < level; l++) known += counts[l];
    for (uint32_t u = 0; u < o->units; u++)
        state[u] = place[u] < 0 ? excluded(place[u]) : (uint32_t)place[u] < known ? (uint8_t)ARDM_DECIDED : (uint8_t)ARDM_UNDECIDED;
}

ardm_status ardm_order_states_all(const ardm_order *o, const int32_t *place, const uint32_t *counts, const uint32_t *known, uint8_t *state) {
    uint32_t *end = malloc(o->levels * sizeof *end), begin = 0; /* place from which a level's units are undecided */
    if (!end) return ardm_fail(ARDM_ENOMEM, "no memory for %u levels", o->levels);
    for (uint32_t l = 0; l < o->levels; l++) {
        assert(known[l] <= counts[l]);
        end[l] = begin + known[l];
        begin += counts[l];
    }
    for (uint32_t u = 0; u < o->units; u++)
        state[u] = place[u] < 0 ? excluded(place[u]) : (uint32_t)place[u] < end[o->level[u]] ? (uint8_t)ARDM_DECIDED : (uint8_t)ARDM_UNDECIDED;
    free(end);
    return ARDM_OK;
}

void ardm_order_pair(const uint32_t *counts, uint32_t levels, uint64_t k, uint32_t *stage, uint32_t *level, uint32_t *n) {
    uint64_t total = 0;
    for (uint32_t l = 0; l < levels; l++) total += counts[l];
    assert(total > 0);
    *stage = (uint32_t)(k / total);
    k %= total;
    uint32_t l = 0;
    while (k >= counts[l]) k -= counts[l++];
    *level = l;
    *n = (uint32_t)k;
}
