/* ardm/order.h (method): the units of an item are cut into ordered levels; inside a level their order is uniform, by seed.
 *
 * Unit u of an item with extents [H, W] (or [L]) and C units a position is channel u mod C of position u div C, row-major. A level is an
 * integer function of the extents alone. A cell is (stage, level); cells run in sequence and a block of parallel units never
 * crosses a cell. Given and void units have no place in any cell.
 * The rank inside a level is the place by (Philox word of purpose 7, draw = stage, item, index = unit; then unit): see method/archive.md. */
#ifndef ARDM_ORDER_H
#define ARDM_ORDER_H

#include "ardm/status.h"

#define ARDM_MAX_UNITS 65536u

enum {
    ARDM_ORDER_UNIFORM = 1,  /* one level: the paper's model */
    ARDM_ORDER_RASTER = 2,   /* a level a unit: single-order */
    ARDM_ORDER_QUINCUNX = 3, /* coarse to fine in two dimensions, all channels of a position in its level; the last level is half of it */
    ARDM_ORDER_DYADIC = 4,   /* coarse to fine in one dimension, the odd positions last */
    ARDM_ORDER_BLOCKS = 5,   /* left to right in blocks of n units */
    ARDM_ORDER_TABLE = 6,    /* a level a unit, given from outside */
    /* One channel after another, each in the levels that its positions have by themselves. Of one channel the same as without. */
    ARDM_ORDER_CHANNEL_UNIFORM = 7,
    ARDM_ORDER_CHANNEL_RASTER = 8,
    ARDM_ORDER_CHANNEL_QUINCUNX = 9,
    ARDM_ORDER_PLUGIN = 10 /* a modality's own: its plugin gives the levels */
};

/* What a model records: "uniform", "raster", "quincunx", "dyadic", "channel-uniform", "channel-raster", "channel-quincunx", "blocks:16",
 * "blocks:1-16" where n is chosen per use, "permuted:1" and "permuted:1-16" likewise of units in random order, "plugin:NAME", or "table". */
typedef struct ardm_layout ardm_layout;
typedef struct ardm_level_source { /* of orders that no formula here gives */
    ardm_status (*levels)(void *user, const ardm_layout *layout, uint16_t *levels);
    void *user;
} ardm_level_source;
typedef struct ardm_order_family {
    uint32_t kind, low, high;        /* low <= n <= high of blocks, else 0 */
    int32_t permuted;                /* blocks of an item's own random order of units, instead of left to right */
    char name[24];                   /* of a plugin's order, else "" */
    const ardm_level_source *source; /* borrowed: of plugin and table, NULL after parsing; else NULL */
} ardm_order_family;
ardm_status ardm_order_parse(ardm_order_family *out, const char *text);
void ardm_order_print(const ardm_order_family *family, char out[32]);

struct ardm_layout {
    uint32_t rank;      /* 1..3 */
    uint32_t extent[3]; /* positions, slowest first */
    uint32_t channels;  /* units a position, at least 1 */
    uint32_t parts;     /* symbols a unit, coded in sequence from one row of the network: 3 of a pixel; 0 is 1 */
};

uint32_t ardm_layout_units(const ardm_layout *layout);   /* positions times channels */
uint32_t ardm_layout_symbols(const ardm_layout *layout); /* units times parts; symbol i is part i mod parts of unit i div parts */
uint32_t ardm_layout_parts(const ardm_layout *layout);   /* at least 1 */
/* The same extents with `parts` neighbouring symbols a unit; parts divides the channels of a layout whose units are symbols (asserted). */
ardm_layout ardm_layout_join(const ardm_layout *layout, uint32_t parts);
/* State of a unit by a mask of its symbols: ARDM_GIVEN or ARDM_VOID where all of them are, else ARDM_UNDECIDED: what a mask splits is asked as a
 * whole. mask: u8[symbols] or NULL. */
uint8_t ardm_layout_masked(const ardm_layout *layout, const uint8_t *mask, uint32_t unit);
/* Units of which a mask keeps some symbols and asks for others. */
uint32_t ardm_layout_split(const ardm_layout *layout, const uint8_t *mask);

typedef struct ardm_order ardm_order;

/* Levels of one layout. block: n of a blocks family; 0 takes the family's highest. At most 65,536 units.
 * Leading levels of quincunx and dyadic are merged up to the first that has 16 units: 32x32 gives 32, 32, 64, 128, 256, 512.
 * ARDM_EINVAL: a layout or n out of range, quincunx without two extents, dyadic without one, plugin or table without a source or with levels
 * that ardm_order_from_table refuses. */
ardm_status ardm_order_create(ardm_order **out, const ardm_order_family *family, uint32_t block, const ardm_layout *layout);
/* Levels from a table, u16[units] with every level 0..max in use; the first unit at fault is named. Copied. */
ardm_status ardm_order_from_table(ardm_order **out, const uint16_t *levels, const ardm_layout *layout);
void ardm_order_free(ardm_order **order);
uint32_t ardm_order_units(const ardm_order *order);
uint32_t ardm_order_levels(const ardm_order *order);
uint32_t ardm_order_runs(const ardm_order *order); /* equally long runs of levels: the channels of a channel-first order, else 1 */
const ardm_layout *ardm_order_layout(const ardm_order *order);
const uint16_t *ardm_order_level(const ardm_order *order);  /* u16[units] */
const uint32_t *ardm_order_counts(const ardm_order *order); /* units a level, nothing given or void */

/* The order that an item's units are in before they are cut into blocks, for a permuted family: unit[slot], u32[units]. Given units come first and
 * void ones last, each in ascending order; between them the free ones by (Philox word of purpose 7, draw 2^23, item, index = unit; then unit).
 * mask as in ardm_order_place, by unit. ARDM_ENOMEM. */
ardm_status ardm_order_permute(uint32_t *unit, uint32_t units, const uint8_t *mask, uint64_t seed, uint64_t item);

/* Unit states, as networks see them. */
enum { ARDM_UNDECIDED = 0, ARDM_DECIDED = 1, ARDM_GIVEN = 2, ARDM_VOID = 3 };
enum { ARDM_PLACE_GIVEN = -1, ARDM_PLACE_VOID = -2 };

/* The sequence of one stage. place[u] is unit u's place among all units that are neither given nor void, levels in order:
 * ranks, not positions. counts[l] (may be NULL) is the number of such units in level l.
 *   mask  u8[units], ARDM_GIVEN and ARDM_VOID are kept out, other values count as free; NULL: all free
 *   item  chunk number in archives, example number in training */
ardm_status ardm_order_place(const ardm_order *order, const uint8_t *mask, uint64_t seed, uint32_t stage, uint64_t item, int32_t *place,
                             uint32_t *counts);

/* States with n units of `level` known and everything of earlier levels: place < (units of earlier levels) + n. */
void ardm_order_states(const ardm_order *order, const int32_t *place, const uint32_t *counts, uint32_t level, uint32_t n, uint8_t *state);
/* States of a cell-causal network: in every level l the first known[l] of its own units are decided. ARDM_ENOMEM. */
ardm_status ardm_order_states_all(const ardm_order *order, const int32_t *place, const uint32_t *counts, const uint32_t *known, uint8_t *state);

/* The cell of the k-th (cell, n) pair, 0 <= k < stages * (sum of counts): pairs are listed stage by stage, level by level, n ascending. */
void ardm_order_pair(const uint32_t *counts, uint32_t levels, uint64_t k, uint32_t *stage, uint32_t *level, uint32_t *n);

#endif
