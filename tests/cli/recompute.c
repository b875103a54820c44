/* Encoding lets the C reference make one call again: which one the seed draws, and a model that differs in one weight is told apart by chunk,
 * call and row. All on the reference device: the "device" is wrong because its weights are. */
#include <stdio.h>
#include <stdlib.h>

#include "ardm/budget.h"
#include "ardm/coder.h"
#include "ardm/log.h"
#include "ardm/predictor.h"
#include "support/checks.h"

static const char *golden;
enum { CHUNKS = 2, TILES = 2 };

typedef struct rig {
    ardm_device *devices[2];
    ardm_predictor coding, reference;
    ardm_budget budget;
    ardm_layout layout;
    ardm_chunk chunks[CHUNKS];
    ardm_tile tiles[CHUNKS][TILES];
    uint32_t n_tiles;
} rig;

static void rig_open(rig *r, const char *name, uint32_t n_tiles) {
    char path[4096];
    ardm_model *model = NULL;
    uint64_t random = 7;
    memset(r, 0, sizeof *r);
    snprintf(path, sizeof path, "%s/%s.ardm", golden, name);
    ck_ok(ardm_model_load(&model, path, 1 << 28));
    for (int k = 0; k < 2; k++) ck_ok(ardm_device_open(&r->devices[k], "reference"));
    ck_ok(ardm_predictor_open(&r->coding, model, r->devices[0], 0));
    ck_ok(ardm_predictor_twin(&r->reference, &r->coding, r->devices[1], 0));
    ck_ok(ardm_budget_choose(&r->budget, r->coding.model, r->coding.session, 0));
    r->layout = ardm_session_layout(r->coding.session);
    r->n_tiles = n_tiles;
    uint32_t units = ardm_layout_units(&r->layout);
    for (uint32_t c = 0; c < CHUNKS; c++) {
        r->chunks[c] = (ardm_chunk){.tiles = r->tiles[c], .n_tiles = n_tiles, .number = c};
        for (uint32_t t = 0; t < n_tiles; t++) {
            int32_t *symbols = malloc(units * sizeof *symbols);
            for (uint32_t u = 0; u < units; u++) symbols[u] = (int32_t)(next_random(&random) % 90);
            r->tiles[c][t] = (ardm_tile){r->layout, symbols, NULL};
        }
    }
}

static void rig_close(rig *r) {
    for (uint32_t c = 0; c < CHUNKS; c++)
        for (uint32_t t = 0; t < r->n_tiles; t++) free(r->tiles[c][t].symbols);
    ardm_budget_free(&r->budget);
    ardm_predictor_close(&r->reference);
    ardm_predictor_close(&r->coding);
    for (int k = 0; k < 2; k++) ardm_device_close(&r->devices[k]);
}

static ardm_status encode(rig *r, uint64_t seed, int32_t check) {
    ardm_coding coding = {r->budget.schedule, r->budget.block, seed, "test", check ? r->reference.session : NULL};
    ardm_status status = ardm_encode(r->coding.session, &coding, r->chunks, CHUNKS);
    for (uint32_t c = 0; c < CHUNKS; c++) {
        free(r->chunks[c].words);
        r->chunks[c].words = NULL;
    }
    return status;
}

static void keep_line(void *user, int32_t level, const char *line) {
    (void)level;
    if (strstr(line, "the C reference gives the same")) snprintf(user, 300, "%s", line);
}

/* Every seed draws; over some of them every chunk and tile, and calls of all parts of the schedule. */
START_TEST(seeds_draw_calls) {
    rig r;
    char line[300];
    uint32_t seen[CHUNKS][TILES] = {{0}}, low = UINT32_MAX, high = 0, all = 0;
    rig_open(&r, "tiles", TILES);
    ardm_log_set(keep_line, line, ARDM_LOG_INFO);
    for (uint64_t seed = 0; seed < 24; seed++) {
        char again[300];
        unsigned chunk, tile, call, calls, rows;
        line[0] = 0;
        ck_ok(encode(&r, seed, 1));
        ck_assert_int_eq(
            sscanf(line, "chunk %u, tile %u, call %u of %u: the C reference gives the same %u rows", &chunk, &tile, &call, &calls, &rows), 5);
        ck_assert(chunk < CHUNKS && tile < TILES && call >= 1 && call <= calls && rows >= 1);
        seen[chunk][tile]++;
        low = call < low ? call : low;
        high = call > high ? call : high;
        all = calls;
        snprintf(again, 60, "%s", line);
        if (seed > 1) continue;
        ck_ok(encode(&r, seed, 1));
        ck_assert_msg(strncmp(line, again, strcspn(again, "(")) == 0, "%s, then %s", again, line);
    }
    ardm_log_set(NULL, NULL, ARDM_LOG_WARNING);
    for (int c = 0; c < CHUNKS; c++)
        for (int t = 0; t < TILES; t++) ck_assert_uint_gt(seen[c][t], 0);
    ck_assert_msg(low <= all / 4 && high > all - all / 4, "calls %u to %u of %u", low, high, all);
    rig_close(&r);
}
END_TEST

/* Reads, changes and writes back a weight of the coding side. */
static float *weight_get(rig *r, const char *name, const ardm_shape **shape) {
    *shape = ardm_store_shape(r->coding.store, name);
    ck_assert_msg(*shape != NULL, "no weight %s", name);
    float *data = malloc((size_t)ardm_shape_bytes(*shape));
    ck_ok(ardm_store_get(r->coding.store, name, data));
    return data;
}
static void weight_set(rig *r, const char *name, const ardm_shape *shape, float *data) {
    ardm_shape copy = *shape;
    ck_ok(ardm_store_set(r->coding.store, name, &copy, data));
    free(data);
}

START_TEST(other_arithmetic_is_named) {
    static const struct {
        const char *model, *weight;
        uint32_t tiles;
    } cases[] = {{"tiles", "stem.kernel", 2}, {"staged", "stem.kernel", 2}, {"bytes", "token.table", 1}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        rig r;
        const ardm_shape *shape;
        rig_open(&r, cases[k].model, cases[k].tiles);
        ck_ok(encode(&r, 0, 1));
        float *data = weight_get(&r, cases[k].weight, &shape);
        for (int64_t i = 0; i < ardm_shape_count(shape); i++) data[i] *= 1.01f;
        weight_set(&r, cases[k].weight, shape, data);
        for (uint64_t seed = 0; seed < 4; seed++) {
            unsigned chunk, tile, call, calls, row, refused = 0;
            ck_assert_int_eq(encode(&r, seed, 1), ARDM_EINEXACT);
            ck_assert_msg(sscanf(ardm_message(), "chunk %u, tile %u, call %u of %u, row %u:", &chunk, &tile, &call, &calls, &row) == 5, "%s",
                          ardm_message());
            for (uint32_t c = 0; c < CHUNKS; c++) refused += r.chunks[c].status == ARDM_EINEXACT;
            ck_assert_uint_eq(refused, 1);
            ck_assert_int_eq(r.chunks[chunk].status, ARDM_EINEXACT);
            ck_assert_ptr_nonnull(strstr(r.chunks[chunk].why, "row"));
        }
        ck_ok(encode(&r, 0, 0)); /* nobody asks */
        rig_close(&r);
    }
}
END_TEST

/* Two bytes that never occur change places, in table and output alike: every coded interval stays, the frequencies behind them do not. */
START_TEST(only_the_digest_differs) {
    rig r;
    rig_open(&r, "bytes", 1);
    for (uint32_t k = 0; k < ardm_store_count(r.coding.store); k++) {
        const char *name = ardm_store_name(r.coding.store, k);
        const ardm_shape *shape = ardm_store_shape(r.coding.store, name);
        int64_t width = shape->rank == 2 ? shape->dim[1] : 1;
        if (shape->dim[0] < 256 || strncmp(name, "context", 7) == 0) continue;
        float *data = weight_get(&r, name, &shape);
        for (int64_t i = 0; i < width; i++) {
            float swap = data[254 * width + i];
            data[254 * width + i] = data[255 * width + i];
            data[255 * width + i] = swap;
        }
        weight_set(&r, name, shape, data);
    }
    for (uint64_t seed = 0; seed < 3; seed++) ck_fails(ARDM_EINEXACT, "one of rows 0 to", encode(&r, seed, 1));
    ck_ok(encode(&r, 0, 0));
    rig_close(&r);
}
END_TEST

int main(int argc, char **argv) {
    golden = argc > 1 ? argv[1] : "tests/golden";
    Suite *suite = suite_create("cli/recompute");
    TCase *tcase = tcase_create("recompute");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, seeds_draw_calls);
    tcase_add_test(tcase, other_arithmetic_is_named);
    tcase_add_test(tcase, only_the_digest_differs);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
