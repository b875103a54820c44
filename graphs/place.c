/* Offsets. Inputs, outputs and constants stand side by side in a block each, so that one transfer moves them; what lives only
 * between nodes is packed into a few arenas, none above the device's largest allocation: the largest piece first, each at the
 * lowest gap that is free for as long as it lives. */
#include <inttypes.h>
#include <stdlib.h>

#include "plan.h"

static uint64_t align_of(const ardm_device_facts *facts) {
    uint64_t align = ARDM_ALIGN;
    while (align < facts->base_alignment) align *= 2;
    return align;
}

static uint64_t round_up(uint64_t bytes, uint64_t align) { return (bytes + align - 1) / align * align; }

/* A piece of nothing takes no room; where it is does not matter. */
static void append(ardm_plan__slot *slot, uint64_t *end, uint64_t align) {
    slot->offset = round_up(*end, align);
    *end = slot->offset + slot->bytes;
    if (slot->bytes == 0) slot->offset = 0;
}

static ardm_status place_blocks(ardm_plan *plan, uint64_t align, uint64_t most) {
    for (uint32_t k = 0; k < plan->n_slots; ++k) {
        ardm_plan__slot *slot = &plan->slots[k];
        if (slot->root != (int32_t)k) continue;
        if (slot->where == ARDM_IN_INPUTS) append(slot, &plan->input_bytes, align);
        if (slot->where == ARDM_IN_OUTPUTS) append(slot, &plan->output_bytes, align);
        if (slot->where == ARDM_IN_CONSTANTS) append(slot, &plan->constant_bytes, align);
    }
    if (plan->input_bytes > most || plan->output_bytes > most || plan->constant_bytes > most)
        return ardm_fail(ARDM_ENOMEM,
                         "inputs, outputs and constants take %" PRIu64 ", %" PRIu64 " and %" PRIu64 " bytes; the device allocates %" PRIu64
                         " at once",
                         plan->input_bytes, plan->output_bytes, plan->constant_bytes, most);
    return ARDM_OK;
}

typedef struct piece {
    uint64_t bytes, offset;
    uint32_t first, last;
    int32_t slot;
} piece;

/* Larger first; equal ones by position and then number, so that a plan depends on nothing else. */
static int by_size(const void *left, const void *right) {
    const piece *a = left, *b = right;
    if (a->bytes != b->bytes) return a->bytes > b->bytes ? -1 : 1;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

typedef struct arena {
    piece *placed; /* by offset */
    uint32_t count;
    uint64_t end;
} arena;

/* The lowest offset at which `p` fits between pieces that are alive at the same time; UINT64_MAX: none below `most`. */
static uint64_t find_gap(const arena *a, const piece *p, uint64_t align, uint64_t most) {
    uint64_t at = 0;
    for (uint32_t k = 0; k < a->count; ++k) {
        const piece *other = &a->placed[k];
        if (other->last < p->first || p->last < other->first) continue;
        if (other->offset >= at && other->offset - at >= p->bytes) break;
        uint64_t behind = round_up(other->offset + other->bytes, align);
        if (behind > at) at = behind;
    }
    return at <= most && most - at >= p->bytes ? at : UINT64_MAX;
}

static void insert(arena *a, const piece *p) {
    uint32_t at = a->count++;
    for (; at > 0 && a->placed[at - 1].offset > p->offset; --at) a->placed[at] = a->placed[at - 1];
    a->placed[at] = *p;
    if (p->offset + p->bytes > a->end) a->end = p->offset + p->bytes;
}

static ardm_status place_piece(ardm_plan *plan, arena *arenas, piece *p, uint32_t n_pieces, uint64_t align, uint64_t most) {
    for (uint32_t k = 0; k < ARDM_MAX_ARENAS; ++k) {
        if (k == plan->n_arenas) {
            arenas[k].placed = malloc(n_pieces * sizeof *arenas[k].placed);
            if (!arenas[k].placed) return ardm_fail(ARDM_ENOMEM, "no memory for a plan");
            ++plan->n_arenas;
        }
        p->offset = find_gap(&arenas[k], p, align, most);
        if (p->offset == UINT64_MAX) continue;
        insert(&arenas[k], p);
        plan->slots[p->slot].arena = k;
        plan->slots[p->slot].offset = p->offset;
        return ARDM_OK;
    }
    return ardm_fail(ARDM_ENOMEM, "the plan needs more than %d arenas of %" PRIu64 " bytes", ARDM_MAX_ARENAS, most);
}

/* The largest number of bytes alive at one position. */
static ardm_status find_peak(ardm_plan *plan, const piece *pieces, uint32_t n_pieces) {
    uint32_t positions = plan->graph->n_nodes + 3;
    int64_t *change = calloc(positions, sizeof *change), now = 0;
    if (!change) return ardm_fail(ARDM_ENOMEM, "no memory for a plan");
    for (uint32_t k = 0; k < n_pieces; ++k) {
        change[pieces[k].first] += (int64_t)pieces[k].bytes;
        change[pieces[k].last + 1] -= (int64_t)pieces[k].bytes;
    }
    for (uint32_t k = 0; k < positions; ++k) {
        now += change[k];
        if ((uint64_t)now > plan->facts.live_peak) plan->facts.live_peak = (uint64_t)now;
    }
    free(change);
    return ARDM_OK;
}

ardm_status ardm_plan__place(ardm_plan *plan, const ardm_device_facts *facts) {
    uint64_t align = align_of(facts), most = facts->max_allocation ? facts->max_allocation : UINT64_MAX / 2;
    arena arenas[ARDM_MAX_ARENAS] = {{0}};
    uint32_t n_pieces = 0;
    ARDM_TRY(place_blocks(plan, align, most));
    piece *pieces = malloc((plan->n_slots + 1) * sizeof *pieces);
    if (!pieces) return ardm_fail(ARDM_ENOMEM, "no memory for a plan");
    for (uint32_t k = 0; k < plan->n_slots; ++k) {
        const ardm_plan__slot *slot = &plan->slots[k];
        if (slot->root == (int32_t)k && slot->where == ARDM_IN_ARENA && slot->bytes > 0)
            pieces[n_pieces++] = (piece){slot->bytes, 0, slot->first, slot->last, (int32_t)k};
    }
    qsort(pieces, n_pieces, sizeof *pieces, by_size);
    ardm_status status = ARDM_OK;
    for (uint32_t k = 0; k < n_pieces && status == ARDM_OK; ++k) {
        if (pieces[k].bytes > most)
            status = ardm_fail(ARDM_ENOMEM, "one intermediate value takes %" PRIu64 " bytes; the device allocates %" PRIu64 " at once",
                               pieces[k].bytes, most);
        else
            status = place_piece(plan, arenas, &pieces[k], n_pieces, align, most);
    }
    if (status == ARDM_OK) status = find_peak(plan, pieces, n_pieces);
    for (uint32_t k = 0; k < plan->n_arenas; ++k) {
        plan->arena_bytes[k] = arenas[k].end;
        free(arenas[k].placed);
    }
    free(pieces);
    return status;
}
