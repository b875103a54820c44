#include "ardm/draw.h"

#include <stdlib.h>

#include "ardm/philox.h"

enum { DRAW_OFFSET = 0, DRAW_STRATUM = 1, DRAW_PAIR = 2, DRAW_KNOWN = 3, DRAW_BLOCK = 4, DRAW_LADDER = 5 };

static uint32_t below(uint32_t word, uint32_t count) { return (uint32_t)((uint64_t)word * count >> 32); }

uint64_t ardm_draw_uniform(uint64_t seed, uint64_t example, uint64_t total) {
    return (uint64_t)ardm_random_word(seed, ARDM_RANDOM_STEP, DRAW_PAIR, example, 0) * total >> 32;
}

uint64_t ardm_draw_stratified(uint64_t seed, uint64_t step, uint32_t stratum, uint32_t batch, uint64_t total) {
    const uint64_t u = ardm_random_word(seed, ARDM_RANDOM_STEP, DRAW_OFFSET, step, 0);
    /* (i 2^32 + U) total >> 32 without the overflow: i total is whole. */
    return (stratum * total + (u * total >> 32)) / batch;
}

uint64_t ardm_draw_antithetic(uint64_t seed, uint64_t step, uint32_t stratum, uint32_t batch, uint64_t total) {
    uint64_t rungs = batch, rest = total;
    while (rest) {
        const uint64_t next = rungs % rest;
        rungs = rest;
        rest = next;
    }
    const uint64_t ladders = batch / rungs, spacing = total / rungs;
    const uint64_t word = ardm_random_word(seed, ARDM_RANDOM_STEP, DRAW_LADDER, step, (uint32_t)(stratum % ladders));
    return stratum / ladders * spacing + (word * spacing >> 32);
}

typedef struct slot {
    uint32_t word, index;
} slot;

static int compare(const void *a, const void *b) {
    const slot *x = a, *y = b;
    if (x->word != y->word) return x->word < y->word ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

ardm_status ardm_draw_strata(uint64_t seed, uint64_t step, uint32_t batch, uint32_t *stratum) {
    slot *slots = malloc(batch * sizeof *slots);
    if (!slots) return ardm_fail(ARDM_ENOMEM, "no memory for the strata of %u items", batch);
    for (uint32_t j = 0; j < batch; j++) slots[j] = (slot){ardm_random_word(seed, ARDM_RANDOM_STEP, DRAW_STRATUM, step, j), j};
    qsort(slots, batch, sizeof *slots, compare);
    for (uint32_t i = 0; i < batch; i++) stratum[slots[i].index] = i;
    free(slots);
    return ARDM_OK;
}

void ardm_draw_known(uint64_t seed, uint64_t example, const uint32_t *counts, uint32_t levels, uint32_t *known) {
    for (uint32_t l = 0; l < levels; l++) known[l] = below(ardm_random_word(seed, ARDM_RANDOM_STEP, DRAW_KNOWN, example, l), counts[l]);
}

uint32_t ardm_draw_block(uint64_t seed, uint64_t example, const ardm_order_family *family) {
    return family->low + below(ardm_random_word(seed, ARDM_RANDOM_STEP, DRAW_BLOCK, example, 0), family->high - family->low + 1);
}

/* Words 0..15 choose the shape, the words from 16 on belong to positions. */
enum { WORD_GIVE = 0, WORD_KIND = 1, WORD_A = 2, WORD_POSITION = 16 };

typedef struct drawer {
    uint64_t seed, example;
    uint32_t next;
} drawer;

static uint32_t word_at(const drawer *d, uint32_t index) { return ardm_random_word(d->seed, ARDM_RANDOM_GIVEN, 0, d->example, index); }
static uint32_t pick(drawer *d, uint32_t count) { return below(word_at(d, d->next++), count); }

/* A box [begin, end) along each of three axes. */
typedef struct box {
    uint32_t begin[3], end[3];
} box;

static int inside(const box *b, const uint32_t at[3]) {
    for (int i = 0; i < 3; i++)
        if (at[i] < b->begin[i] || at[i] >= b->end[i]) return 0;
    return 1;
}

/* The undecided part of a half-plane (one side of one axis given) or of a border band (both sides of every axis given). */
static void draw_band(drawer *d, const uint32_t extent[3], box *undecided) {
    uint32_t axes[3], n = 0, least = UINT32_MAX;
    for (uint32_t i = 0; i < 3; i++)
        if (extent[i] > 1) {
            axes[n++] = i;
            if (extent[i] < least) least = extent[i];
        }
    if (!n) return;
    if (pick(d, 2) && least > 2) {
        const uint32_t width = 1 + pick(d, (least - 1) / 2);
        for (uint32_t i = 0; i < n; i++) {
            undecided->begin[axes[i]] += width;
            undecided->end[axes[i]] -= width;
        }
    } else {
        const uint32_t axis = axes[pick(d, n)], depth = 1 + pick(d, extent[axis] - 1);
        if (pick(d, 2))
            undecided->begin[axis] += depth;
        else
            undecided->end[axis] -= depth;
    }
}

uint32_t ardm_draw_given(uint64_t seed, uint64_t example, uint32_t share, const ardm_layout *layout, uint8_t *mask) {
    drawer d = {seed, example, WORD_A};
    uint32_t extent[3] = {1, 1, 1}, positions = 1, free_units = 0, given = 0;
    for (uint32_t i = 0; i < layout->rank; i++) {
        extent[i] = layout->extent[i];
        positions *= extent[i];
    }
    const uint32_t units = positions * layout->channels, inner = extent[1] * extent[2];
    const int32_t gives = (word_at(&d, WORD_GIVE) >> 8) < share;
    const uint32_t kind = below(word_at(&d, WORD_KIND), 4);
    box undecided = {{0, 0, 0}, {extent[0], extent[1], extent[2]}};
    uint32_t threshold = 0, prefix = 0;
    if (gives && kind == 0) threshold = word_at(&d, d.next++) >> 8;
    if (gives && kind == 1) draw_band(&d, extent, &undecided);
    if (gives && kind == 2)
        for (uint32_t i = 0; i < 3; i++) {
            const uint32_t size = 1 + pick(&d, extent[i]);
            undecided.begin[i] = pick(&d, extent[i] - size + 1);
            undecided.end[i] = undecided.begin[i] + size;
        }
    if (gives && kind == 3 && positions > 1) prefix = 1 + pick(&d, positions - 1);
    for (uint32_t u = 0; u < units; u++) {
        if (mask[u] == ARDM_VOID) continue;
        const uint32_t p = u / layout->channels, at[3] = {p / inner, p % inner / extent[2], p % extent[2]};
        int32_t is_given = 0;
        if (gives && kind == 0)
            is_given = (word_at(&d, WORD_POSITION + p) >> 8) < threshold;
        else if (gives)
            is_given = p < prefix || !inside(&undecided, at);
        mask[u] = is_given ? ARDM_GIVEN : ARDM_UNDECIDED;
        given += (uint32_t)is_given;
        free_units++;
    }
    if (free_units && given == free_units) { /* the loss needs one unit: a drawn position is taken back */
        uint32_t skip = pick(&d, free_units), chosen = 0;
        for (uint32_t u = 0; u < units; u++)
            if (mask[u] == ARDM_GIVEN && skip-- == 0) chosen = u / layout->channels;
        for (uint32_t u = chosen * layout->channels; u < (chosen + 1) * layout->channels; u++)
            if (mask[u] == ARDM_GIVEN) {
                mask[u] = ARDM_UNDECIDED;
                given--;
            }
    }
    return given;
}
