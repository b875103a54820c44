/* host_order.c: levels, places, states and draws. */
#include "host.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/draw.h"
#include "ardm/experts.h"
#include "ardm/philox.h"

static ardm_order *make(const char *family, uint32_t block, ardm_layout layout) {
    ardm_order_family f;
    ardm_order *o = NULL;
    char text[32];
    ck_ok(ardm_order_parse(&f, family));
    ardm_order_print(&f, text);
    ck_assert_str_eq(text, family);
    ck_ok(ardm_order_create(&o, &f, block, &layout));
    return o;
}

static void check_counts(const ardm_order *o, const uint32_t *counts, uint32_t levels) {
    ck_assert_uint_eq(ardm_order_levels(o), levels);
    uint32_t total = 0;
    for (uint32_t l = 0; l < levels; l++) {
        if (counts) ck_assert_uint_eq(ardm_order_counts(o)[l], counts[l]);
        ck_assert_uint_gt(ardm_order_counts(o)[l], 0);
        total += ardm_order_counts(o)[l];
    }
    ck_assert_uint_eq(total, ardm_order_units(o));
}

START_TEST(levels_of_the_families) {
    ardm_order *o = make("quincunx", 0, (ardm_layout){2, {32, 32}, 1});
    check_counts(o, (const uint32_t[]){32, 32, 64, 128, 256, 512}, 6);
    for (uint32_t u = 0; u < 1024; u++) ck_assert_int_eq(ardm_order_level(o)[u] == 5, (u / 32 + u % 32) % 2 == 1);
    ck_assert_uint_eq(ardm_order_level(o)[33], 4); /* both odd */
    ardm_order_free(&o);
    o = make("quincunx", 0, (ardm_layout){2, {8, 8}, 3});
    check_counts(o, (const uint32_t[]){48, 48, 96}, 3); /* units 3 3 6 12 24 48 96: 24 is the first with 16 */
    ardm_order_free(&o);
    o = make("uniform", 0, (ardm_layout){1, {17}, 1});
    check_counts(o, (const uint32_t[]){17}, 1);
    ardm_order_free(&o);
    o = make("raster", 0, (ardm_layout){2, {2, 3}, 2});
    check_counts(o, NULL, 12);
    ck_assert_uint_eq(ardm_order_level(o)[7], 7);
    ardm_order_free(&o);
    o = make("blocks:4", 0, (ardm_layout){1, {10}, 1});
    check_counts(o, (const uint32_t[]){4, 4, 2}, 3);
    ardm_order_free(&o);
    o = make("blocks:1-16", 5, (ardm_layout){1, {10}, 1});
    check_counts(o, (const uint32_t[]){5, 5}, 2);
    ardm_order_free(&o);
    o = make("dyadic", 0, (ardm_layout){1, {64}, 1});
    check_counts(o, (const uint32_t[]){32, 32}, 2);
    ardm_order_free(&o);
    o = make("dyadic", 0, (ardm_layout){1, {1000}, 1});
    check_counts(o, NULL, 6);
    ck_assert_uint_eq(ardm_order_counts(o)[5], 500);
    ardm_order_free(&o);
}
END_TEST

/* Whole channels in sequence, and inside each what a picture of one channel has. */
START_TEST(channels_come_one_after_another) {
    static const char *const families[] = {"channel-uniform", "channel-raster", "channel-quincunx"};
    static const ardm_layout layouts[] = {{2, {32, 32}, 3}, {2, {9, 31}, 3}, {2, {1, 1}, 4}, {2, {8, 8}, 1}};
    for (int f = 0; f < 3; f++)
        for (size_t k = 0; k < sizeof layouts / sizeof *layouts; k++) {
            ardm_layout one = layouts[k];
            one.channels = 1;
            ardm_order *o = make(families[f], 0, layouts[k]), *single = make(families[f] + strlen("channel-"), 0, one);
            const uint32_t channels = layouts[k].channels, levels = ardm_order_levels(single);
            check_counts(o, NULL, channels * levels);
            ck_assert_uint_eq(ardm_order_runs(o), channels);
            ck_assert_uint_eq(ardm_order_runs(single), 1);
            for (uint32_t u = 0; u < ardm_order_units(o); u++)
                ck_assert_uint_eq(ardm_order_level(o)[u], u % channels * levels + ardm_order_level(single)[u / channels]);
            ardm_order_free(&single);
            ardm_order_free(&o);
        }
    ardm_order *o = make("channel-quincunx", 0, (ardm_layout){2, {32, 32}, 3});
    check_counts(o, (const uint32_t[]){32, 32, 64, 128, 256, 512, 32, 32, 64, 128, 256, 512, 32, 32, 64, 128, 256, 512}, 18);
    ck_assert_uint_eq(ardm_order_level(o)[3 * 1 + 1], 11); /* (0, 1) green */
    ardm_order_free(&o);
    o = make("channel-raster", 0, (ardm_layout){2, {2, 3}, 2});
    ck_assert_uint_eq(ardm_order_level(o)[7], 9); /* position 3, channel 1 */
    ardm_order_free(&o);
}
END_TEST

START_TEST(quincunx_takes_any_size) {
    for (uint32_t h = 1; h < 40; h++)
        for (uint32_t w = 1; w < 40; w += 1 + h % 3) {
            ardm_order *o = make("quincunx", 0, (ardm_layout){2, {h, w}, 1});
            const uint32_t levels = ardm_order_levels(o);
            check_counts(o, NULL, levels);
            if (levels > 1) ck_assert_uint_eq(ardm_order_counts(o)[levels - 1], h * w / 2);
            if (levels > 1) ck_assert_uint_ge(ardm_order_counts(o)[0], 16);
            ardm_order_free(&o);
        }
}
END_TEST

START_TEST(orders_that_are_refused) {
    static const char *const texts[] = {"",          "Uniform",   "blocks",       "blocks:",      "blocks:0", "blocks:8-4",
                                        "blocks:1-", "blocks:-3", "blocks:1-2-3", "blocks:70000", "blocks:4x"};
    ardm_order_family f;
    ardm_order *o = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) ck_fails(ARDM_EINVAL, "order", ardm_order_parse(&f, texts[i]));
    ck_ok(ardm_order_parse(&f, "quincunx"));
    ck_fails(ARDM_EINVAL, "2 extents", ardm_order_create(&o, &f, 0, &(ardm_layout){1, {9}, 1}));
    ck_fails(ARDM_EINVAL, "channel-dyadic", ardm_order_parse(&f, "channel-dyadic"));
    ck_ok(ardm_order_parse(&f, "channel-quincunx"));
    ck_fails(ARDM_EINVAL, "2 extents", ardm_order_create(&o, &f, 0, &(ardm_layout){1, {9}, 3}));
    ck_ok(ardm_order_parse(&f, "quincunx"));
    ck_fails(ARDM_EINVAL, "extent 1", ardm_order_create(&o, &f, 0, &(ardm_layout){2, {9, 0}, 1}));
    ck_fails(ARDM_EINVAL, "65536", ardm_order_create(&o, &f, 0, &(ardm_layout){2, {4000000000u, 4000000000u}, 4000000000u}));
    ck_ok(ardm_order_parse(&f, "blocks:1-16"));
    ck_fails(ARDM_EINVAL, "1..16", ardm_order_create(&o, &f, 17, &(ardm_layout){1, {9}, 1}));
    ck_fails(ARDM_EINVAL, "unit 1", ardm_order_from_table(&o, (const uint16_t[]){0, 9, 1}, &(ardm_layout){1, {3}, 1}));
    ck_fails(ARDM_EINVAL, "level 1", ardm_order_from_table(&o, (const uint16_t[]){0, 2, 2}, &(ardm_layout){1, {3}, 1}));
    ck_assert_ptr_null(o);
}
END_TEST

static ardm_status given_levels(void *user, const ardm_layout *layout, uint16_t *levels) {
    if (layout->rank != 1) return ardm_fail(ARDM_EUNSUPPORTED, "not of these");
    for (uint32_t u = 0; u < layout->extent[0]; u++) levels[u] = ((const uint16_t *)user)[u];
    return ARDM_OK;
}

/* What comes from outside is a table like any other, and the unit at fault is named. */
START_TEST(levels_of_plugins_are_checked) {
    uint16_t levels[4] = {0, 2, 1, 2};
    ardm_order_family f, empty;
    ardm_order *o = NULL;
    char text[32];
    const ardm_level_source source = {given_levels, levels};
    ck_ok(ardm_order_parse(&f, "plugin:twenty-three-characters"));
    ck_assert_str_eq(f.name, "twenty-three-characters");
    ardm_order_print(&f, text);
    ck_assert_str_eq(text, "plugin:twenty-three-characters");
    ck_fails(ARDM_EINVAL, "order", ardm_order_parse(&empty, "plugin:"));
    ck_fails(ARDM_EINVAL, "order", ardm_order_parse(&empty, "plugin:twenty-three-characters-"));
    ck_fails(ARDM_EINVAL, "order", ardm_order_parse(&empty, "plugin:a b"));
    ck_fails(ARDM_EINVAL, "come from a model or a plugin", ardm_order_create(&o, &f, 0, &(ardm_layout){1, {4}, 1}));
    f.source = &source;
    ck_ok(ardm_order_create(&o, &f, 0, &(ardm_layout){1, {4}, 1}));
    check_counts(o, (const uint32_t[]){1, 1, 2}, 3);
    ardm_order_free(&o);
    ck_fails(ARDM_EUNSUPPORTED, "not of these", ardm_order_create(&o, &f, 0, &(ardm_layout){2, {2, 2}, 1}));
    levels[2] = 4;
    ck_fails(ARDM_EINVAL, "unit 2", ardm_order_create(&o, &f, 0, &(ardm_layout){1, {4}, 1}));
    levels[2] = 3;
    ck_fails(ARDM_EINVAL, "no unit has level 1", ardm_order_create(&o, &f, 0, &(ardm_layout){1, {4}, 1}));
    ck_assert_ptr_null(o);
}
END_TEST

typedef struct key {
    uint32_t level, word, unit;
} key;
static int compare(const void *a, const void *b) {
    const key *x = a, *y = b;
    if (x->level != y->level) return x->level < y->level ? -1 : 1;
    if (x->word != y->word) return x->word < y->word ? -1 : 1;
    return x->unit < y->unit ? -1 : 1;
}

START_TEST(places_are_ranks_by_level_word_unit) {
    static const char *const families[] = {"quincunx", "uniform", "raster", "blocks:7", "channel-uniform", "channel-quincunx"};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        ardm_order *o = make(families[i], 0, (ardm_layout){2, {19, 23}, 3});
        const uint32_t n = ardm_order_units(o), levels = ardm_order_levels(o);
        int32_t *place = malloc(n * sizeof *place);
        uint32_t *counts = malloc(levels * sizeof *counts);
        key *keys = malloc(n * sizeof *keys);
        uint8_t *mask = calloc(n, 1), *state = malloc(n);
        for (uint32_t u = 0; u < n; u++) mask[u] = u % 11 == 3 ? ARDM_GIVEN : u % 17 == 5 ? ARDM_VOID : ARDM_UNDECIDED;
        ck_ok(ardm_order_place(o, mask, 0x123456789abcdefull, 2, 0x1ffffffffull, place, counts));
        uint32_t kept = 0;
        for (uint32_t u = 0; u < n; u++)
            if (mask[u] == ARDM_UNDECIDED)
                keys[kept++] = (key){ardm_order_level(o)[u], ardm_random_word(0x123456789abcdefull, ARDM_RANDOM_ORDER, 2, 0x1ffffffffull, u), u};
            else
                ck_assert_int_eq(place[u], mask[u] == ARDM_GIVEN ? ARDM_PLACE_GIVEN : ARDM_PLACE_VOID);
        qsort(keys, kept, sizeof *keys, compare);
        for (uint32_t j = 0; j < kept; j++) ck_assert_int_eq(place[keys[j].unit], (int32_t)j);
        uint32_t before = 0;
        for (uint32_t l = 0; l < levels; l++) {
            const uint32_t known = counts[l] / 2;
            ardm_order_states(o, place, counts, l, known, state);
            uint32_t decided = 0;
            for (uint32_t u = 0; u < n; u++) {
                decided += state[u] == ARDM_DECIDED;
                if (mask[u] != ARDM_UNDECIDED)
                    ck_assert_uint_eq(state[u], mask[u]);
                else if (ardm_order_level(o)[u] < l)
                    ck_assert_uint_eq(state[u], ARDM_DECIDED);
                else if (ardm_order_level(o)[u] > l)
                    ck_assert_uint_eq(state[u], ARDM_UNDECIDED);
            }
            ck_assert_uint_eq(decided, before + known);
            before += counts[l];
            if (l > 40) break;
        }
        uint32_t *known = malloc(levels * sizeof *known), *seen = calloc(levels, sizeof *seen);
        for (uint32_t l = 0; l < levels; l++) known[l] = counts[l] / 3;
        ck_ok(ardm_order_states_all(o, place, counts, known, state));
        for (uint32_t u = 0; u < n; u++) seen[ardm_order_level(o)[u]] += state[u] == ARDM_DECIDED;
        for (uint32_t l = 0; l < levels; l++) ck_assert_uint_eq(seen[l], known[l]);
        free(known);
        free(seen);
        free(place);
        free(counts);
        free(keys);
        free(mask);
        free(state);
        ardm_order_free(&o);
    }
}
END_TEST

/* The documented case: ranks (2, 0, 1) with one unit known means that unit 1 is known, not unit 2. */
START_TEST(a_place_is_a_rank_not_a_position) {
    ardm_order *o = make("uniform", 0, (ardm_layout){1, {3}, 1});
    uint8_t state[3];
    ardm_order_states(o, (const int32_t[]){2, 0, 1}, (const uint32_t[]){3}, 0, 1, state);
    ck_assert_uint_eq(state[0], ARDM_UNDECIDED);
    ck_assert_uint_eq(state[1], ARDM_DECIDED);
    ck_assert_uint_eq(state[2], ARDM_UNDECIDED);
    ardm_order_free(&o);
}
END_TEST

START_TEST(pairs_run_through_the_cells) {
    const uint32_t counts[] = {3, 0, 2};
    uint32_t stage, level, n;
    static const uint32_t want[][3] = {{0, 0, 0}, {0, 0, 1}, {0, 0, 2}, {0, 2, 0}, {0, 2, 1}, {1, 0, 0}, {1, 0, 1}, {1, 0, 2}, {1, 2, 0}, {1, 2, 1}};
    for (uint32_t k = 0; k < 10; k++) {
        ardm_order_pair(counts, 3, k, &stage, &level, &n);
        ck_assert_uint_eq(stage, want[k][0]);
        ck_assert_uint_eq(level, want[k][1]);
        ck_assert_uint_eq(n, want[k][2]);
    }
}
END_TEST

START_TEST(permutations_take_the_given_first) {
    enum { UNITS = 40 };
    ardm_order_family family;
    uint32_t unit[UNITS], again[UNITS], first = 0;
    uint8_t mask[UNITS] = {0};
    char text[32];
    for (uint32_t u = 0; u < UNITS; u += 7) mask[u] = u % 2 ? ARDM_VOID : ARDM_GIVEN; /* 0 14 28 given, 7 21 35 void */
    ck_ok(ardm_order_permute(unit, UNITS, mask, 5, 9));
    ck_assert_uint_eq(unit[0], 0);
    ck_assert_uint_eq(unit[1], 14);
    ck_assert_uint_eq(unit[2], 28);
    for (uint32_t k = 0; k < 3; k++) ck_assert_uint_eq(unit[UNITS - 3 + k], 7 + 14 * k);
    uint64_t seen = 0;
    for (uint32_t k = 0; k < UNITS; k++) seen |= (uint64_t)1 << unit[k];
    ck_assert(seen == ((uint64_t)1 << UNITS) - 1);
    for (uint32_t k = 3; k + 4 < UNITS; k++) { /* by word, then unit */
        const uint32_t a = ardm_random_word(5, ARDM_RANDOM_ORDER, 1 << 23, 9, unit[k]),
                       b = ardm_random_word(5, ARDM_RANDOM_ORDER, 1 << 23, 9, unit[k + 1]);
        ck_assert(a < b || (a == b && unit[k] < unit[k + 1]));
    }
    for (uint64_t item = 0; item < 200; item++) { /* items have orders of their own */
        ck_ok(ardm_order_permute(again, UNITS, NULL, 5, item));
        first += again[0] < UNITS / 2;
    }
    ck_assert_uint_gt(first, 60);
    ck_assert_uint_lt(first, 140);
    ck_ok(ardm_order_parse(&family, "permuted:1-16"));
    ck_assert_uint_eq(family.kind, ARDM_ORDER_BLOCKS);
    ck_assert_int_eq(family.permuted, 1);
    ardm_order_print(&family, text);
    ck_assert_str_eq(text, "permuted:1-16");
    ck_assert_int_eq(ardm_order_parse(&family, "permuted"), ARDM_EINVAL);
}
END_TEST

START_TEST(experts_follow_the_last_levels) {
    ardm_experts experts;
    ardm_order *nominal = NULL, *small = NULL, *apart = NULL;
    ardm_order_family family;
    char text[3 * ARDM_EXPERT_CELLS_MAX];
    const ardm_layout whole = {2, {32, 32, 0}, 1, 0}, part = {2, {8, 8, 0}, 1, 0}, colours = {2, {8, 8, 0}, 3, 0};
    ck_ok(ardm_experts_parse(&experts, " 0 0 1, 1 2 3"));
    ardm_experts_print(text, &experts);
    ck_assert_str_eq(text, "0,0,1,1,2,3");
    ck_assert_uint_eq(experts.count, 4);
    ck_ok(ardm_order_parse(&family, "quincunx"));
    ck_ok(ardm_order_create(&nominal, &family, 0, &whole));
    ck_ok(ardm_order_create(&small, &family, 0, &part));
    ck_ok(ardm_experts_check(&experts, 1, nominal));
    ck_assert_int_eq(ardm_experts_check(&experts, 2, nominal), ARDM_EINVAL);
    ck_assert_ptr_nonnull(strstr(ardm_message(), "give 12 numbers"));
    for (uint32_t l = 0; l < 6; l++) ck_assert_uint_eq(ardm_experts_of(&experts, 1, nominal, 0, l), experts.of[l]);
    const uint32_t levels = ardm_order_levels(small); /* its last levels are those of the nominal item */
    ck_assert_uint_lt(levels, 6);
    for (uint32_t l = 0; l < levels; l++) ck_assert_uint_eq(ardm_experts_of(&experts, 1, small, 0, l), experts.of[6 - levels + l]);
    ck_ok(ardm_order_parse(&family, "channel-quincunx"));
    ck_ok(ardm_order_create(&apart, &family, 0, &colours));
    ck_ok(ardm_experts_parse(&experts, "0 1 2"));
    ck_ok(ardm_experts_parse(&experts, "0 0 0 1 1 1 2 2 2 3 3 3 4 4 4 5 5 5"));
    const uint32_t run = ardm_order_levels(apart) / 3; /* 2 stages of 3 channels of 3 levels in the nominal item */
    for (uint32_t s = 0; s < 2; s++)
        for (uint32_t l = 0; l < 3 * run; l++) ck_assert_uint_eq(ardm_experts_of(&experts, 2, apart, s, l), 3 * s + l / run);
    static const char *const wrong[] = {"0 2", "x", "0 16", "1", "0 -1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) ck_assert_int_eq(ardm_experts_parse(&experts, wrong[i]), ARDM_EINVAL);
    ck_ok(ardm_experts_parse(&experts, ""));
    ck_assert_uint_eq(ardm_experts_of(&experts, 1, small, 0, 1), 0);
    ardm_order_free(&nominal);
    ardm_order_free(&small);
    ardm_order_free(&apart);
}
END_TEST

START_TEST(strata_cover_the_range_evenly) {
    enum { BATCH = 48 };
    for (uint64_t step = 0; step < 50; step++) {
        uint32_t stratum[BATCH], seen[BATCH] = {0};
        const uint64_t total = 7 + 1000 * step;
        ck_ok(ardm_draw_strata(5, step, BATCH, stratum));
        for (uint32_t j = 0; j < BATCH; j++) seen[stratum[j]]++;
        for (uint32_t j = 0; j < BATCH; j++) ck_assert_uint_eq(seen[j], 1);
        for (uint32_t i = 0; i < BATCH; i++) {
            const uint64_t k = ardm_draw_stratified(5, step, i, BATCH, total);
            const long double u = ((long double)i + ardm_random_word(5, ARDM_RANDOM_STEP, 0, step, 0) * 0x1p-32L) / BATCH;
            ck_assert_uint_lt(k, total);
            ck_assert_uint_eq(k, (uint64_t)(u * (long double)total));
            ck_assert_uint_ge(k, i * total / BATCH);
        }
        ck_assert_uint_lt(ardm_draw_uniform(5, step, total), total);
    }
}
END_TEST

/* Rungs are equally far apart, every ladder has an offset of its own, and over the steps each offset is met equally often. */
START_TEST(ladders_are_what_the_paper_draws) {
    static const struct {
        uint32_t batch, total, rungs;
    } rows[] = {{128, 3072, 128}, {48, 36, 12}, {8, 12, 4}, {16, 16, 16}, {7, 12, 1}, {32, 1, 1}, {6, 4, 2}};
    enum { STEPS = 3000 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const uint32_t batch = rows[i].batch, ladders = batch / rows[i].rungs, spacing = rows[i].total / rows[i].rungs;
        uint64_t sum = 0;
        uint32_t differ = 0;
        for (uint64_t step = 0; step < STEPS; step++) {
            for (uint32_t l = 0; l < ladders; l++) {
                const uint64_t offset = ardm_draw_antithetic(5, step, l, batch, rows[i].total);
                ck_assert_uint_lt(offset, spacing);
                sum += offset;
                differ += l > 0 && offset != ardm_draw_antithetic(5, step, 0, batch, rows[i].total);
                for (uint32_t rung = 1; rung < rows[i].rungs; rung++)
                    ck_assert_uint_eq(ardm_draw_antithetic(5, step, rung * ladders + l, batch, rows[i].total), offset + (uint64_t)rung * spacing);
            }
        }
        const double draws = (double)STEPS * ladders, mean = (double)sum / draws, expected = (spacing - 1) / 2.0;
        const double error = sqrt(((double)spacing * spacing - 1) / 12 / draws);
        ck_assert_msg(fabs(mean - expected) <= 4 * error, "offsets of %u in %u: mean %g", batch, rows[i].total, mean);
        ck_assert((differ > 0) == (ladders > 1 && spacing > 1));
    }
}
END_TEST

START_TEST(every_step_is_drawn_equally_often) {
    enum { TOTAL = 12, DRAWS = 24000 };
    uint32_t seen[TOTAL] = {0}, stratified[TOTAL] = {0}, blocks[17] = {0};
    ardm_order_family f;
    ck_ok(ardm_order_parse(&f, "blocks:1-16"));
    for (uint64_t i = 0; i < DRAWS; i++) {
        seen[ardm_draw_uniform(9, i, TOTAL)]++;
        stratified[ardm_draw_stratified(9, i / 8, (uint32_t)(i % 8), 8, TOTAL)]++;
        blocks[ardm_draw_block(9, i, &f)]++;
    }
    double chi = 0, chi_blocks = 0;
    for (int k = 0; k < TOTAL; k++) {
        chi += ((double)seen[k] - 2000) * ((double)seen[k] - 2000) / 2000;
        ck_assert_uint_ge(stratified[k], 1850);
        ck_assert_uint_le(stratified[k], 2150);
    }
    for (int n = 1; n <= 16; n++) chi_blocks += ((double)blocks[n] - 1500) * ((double)blocks[n] - 1500) / 1500;
    ck_assert(chi < 31.3); /* 11 degrees of freedom, one in a thousand */
    ck_assert(chi_blocks < 37.7);
    ck_assert_uint_eq(blocks[0], 0);
}
END_TEST

START_TEST(given_sets_leave_something_to_predict) {
    static const ardm_layout layouts[] = {{2, {8, 8}, 3}, {1, {64}, 1}, {2, {1, 5}, 1}, {1, {1}, 2}, {3, {3, 4, 5}, 1}, {2, {2, 2}, 1}};
    for (size_t l = 0; l < sizeof layouts / sizeof *layouts; l++) {
        uint32_t with = 0, largest = 0, units = layouts[l].channels;
        for (uint32_t i = 0; i < layouts[l].rank; i++) units *= layouts[l].extent[i];
        for (uint64_t example = 0; example < 2000; example++) {
            uint8_t mask[256] = {0}, again[256] = {0};
            if (units > 4) mask[3] = again[3] = ARDM_VOID;
            const uint32_t given = ardm_draw_given(77, example, 1u << 23, &layouts[l], mask);
            ck_assert_uint_eq(ardm_draw_given(77, example, 1u << 23, &layouts[l], again), given);
            ck_assert_mem_eq(mask, again, units);
            uint32_t counted = 0, undecided = 0;
            for (uint32_t u = 0; u < units; u++) {
                counted += mask[u] == ARDM_GIVEN;
                undecided += mask[u] == ARDM_UNDECIDED;
                if (units > 4 && u == 3)
                    ck_assert_uint_eq(mask[u], ARDM_VOID);
                else if (u % layouts[l].channels && !(units > 4 && u - 1 == 3))
                    ck_assert_uint_eq(mask[u], mask[u - 1]); /* whole positions */
            }
            ck_assert_uint_eq(counted, given);
            ck_assert_uint_ge(undecided, 1);
            with += given > 0;
            if (given > largest) largest = given;
        }
        if (units > 16) {
            ck_assert_uint_gt(with, 800); /* half of the examples, less the draws that give nothing */
            ck_assert_uint_lt(with, 1050);
            ck_assert_uint_gt(largest, units / 2);
        }
        uint8_t none[256] = {0};
        ck_assert_uint_eq(ardm_draw_given(77, 1, 0, &layouts[l], none), 0);
    }
}
END_TEST

Suite *order_suite(void) {
    Suite *suite = suite_create("order");
    TCase *cases = tcase_create("order");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, levels_of_the_families);
    tcase_add_test(cases, channels_come_one_after_another);
    tcase_add_test(cases, quincunx_takes_any_size);
    tcase_add_test(cases, orders_that_are_refused);
    tcase_add_test(cases, levels_of_plugins_are_checked);
    tcase_add_test(cases, places_are_ranks_by_level_word_unit);
    tcase_add_test(cases, a_place_is_a_rank_not_a_position);
    tcase_add_test(cases, pairs_run_through_the_cells);
    tcase_add_test(cases, permutations_take_the_given_first);
    tcase_add_test(cases, experts_follow_the_last_levels);
    tcase_add_test(cases, strata_cover_the_range_evenly);
    tcase_add_test(cases, ladders_are_what_the_paper_draws);
    tcase_add_test(cases, every_step_is_drawn_equally_often);
    tcase_add_test(cases, given_sets_leave_something_to_predict);
    suite_add_tcase(suite, cases);
    return suite;
}
