/* ardm eval --calibration: expected calibration error by cell, and reliability tables. */
#include "eval.h"

#include <jansson.h>
#include <stdlib.h>

#include "ardm/calibration.h"

enum { BATCH = 64 };

static void name_cell(char out[64], ardm_session *session, uint32_t cell, uint32_t cells) {
    const ardm_order_family *family = ardm_session_order(session);
    const uint32_t stages = ardm_process_stages(ardm_session_process(session)), levels = cells / stages;
    if (family->kind == ARDM_ORDER_BLOCKS)
        snprintf(out, 64, "blocks of %u", family->low + cell);
    else
        snprintf(out, 64, "stage %u, level %u", cell / levels, cell % levels);
}

static int32_t is_empty(const ardm_calibration *c, uint32_t cell) {
    for (uint32_t b = 0; b < ARDM_CALIBRATION_SURE_BINS; b++)
        if (ardm_calibration_bin(c, ARDM_CALIBRATION_SURE, cell, b).events) return 0;
    return 1;
}

static int32_t bins_of(int32_t table) { return table == ARDM_CALIBRATION_SURE ? ARDM_CALIBRATION_SURE_BINS : ARDM_CALIBRATION_EACH_BINS; }

static json_t *table_json(const ardm_calibration *c, int32_t table, uint32_t cell) {
    json_t *list = json_array();
    for (int32_t b = 0; b < bins_of(table); b++) {
        const ardm_reliability r = ardm_calibration_bin(c, table, cell, (uint32_t)b);
        if (r.events)
            json_array_append_new(list, json_pack("{s:f, s:f, s:I, s:f, s:f, s:f, s:f}", "low", r.low, "high", r.high, "events", (json_int_t)r.events,
                                                  "share", r.share, "predicted", r.predicted, "observed", r.observed, "error", r.error));
    }
    return list;
}

static void print_json(const ardm_calibration *c, ardm_session *session, int64_t items, int64_t draws) {
    json_t *list = json_array();
    const uint32_t cells = ardm_calibration_cells(c);
    double chance, error = ardm_calibration_error(c, UINT32_MAX, &chance);
    json_t *all = json_pack("{s:I, s:I, s:f, s:f, s:o, s:o}", "items", (json_int_t)items, "draws", (json_int_t)draws, "error", error, "chance",
                            chance, "most_probable", table_json(c, ARDM_CALIBRATION_SURE, UINT32_MAX), "every_outcome",
                            table_json(c, ARDM_CALIBRATION_EACH, UINT32_MAX));
    for (uint32_t k = 0; k < cells; k++) {
        char name[64];
        name_cell(name, session, k, cells);
        error = ardm_calibration_error(c, k, &chance);
        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:o}", "cell", name, "error", error, "chance", chance, "most_probable",
                                              table_json(c, ARDM_CALIBRATION_SURE, k)));
    }
    json_object_set_new(all, "cells", list);
    json_dumpf(all, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(all);
}

static void print_bins(const ardm_calibration *c, int32_t table, const char *title) {
    printf("\n%s\n", title);
    printf("      predicted within         events   share   predicted    observed\n");
    for (int32_t b = 0; b < bins_of(table); b++) {
        const ardm_reliability r = ardm_calibration_bin(c, table, UINT32_MAX, (uint32_t)b);
        if (r.events)
            printf("  %10.3g to %-10.3g %10llu  %6.4f  %10.4g  %10.4g ± %.2g\n", r.low, r.high, (unsigned long long)r.events, r.share, r.predicted,
                   r.observed, r.error);
    }
}

static void print_tables(const ardm_calibration *c, ardm_session *session, int64_t items, int64_t draws) {
    const uint32_t cells = ardm_calibration_cells(c);
    double chance, error = ardm_calibration_error(c, UINT32_MAX, &chance);
    printf("%lld items, %lld draws each; what coding unit by unit predicts\n", (long long)items, (long long)draws);
    printf("expected calibration error    (by chance alone)\n");
    printf("  %-24s %8.5f   (%.5f)\n", "all cells", error, chance);
    for (uint32_t k = 0; cells > 1 && k < cells; k++) {
        char name[64];
        name_cell(name, session, k, cells);
        error = ardm_calibration_error(c, k, &chance);
        if (is_empty(c, k))
            printf("  %-24s nothing was predicted: more items, or more --draws\n", name);
        else
            printf("  %-24s %8.5f   (%.5f)\n", name, error, chance);
    }
    print_bins(c, ARDM_CALIBRATION_SURE, "the most probable outcome of each prediction");
    print_bins(c, ARDM_CALIBRATION_EACH, "every outcome of each prediction");
}

ardm_status show_calibration(ardm_predictor *p, const ardm_dataset *data, const arguments *args) {
    const ardm_layout layout = ardm_dataset_layout(data);
    const uint32_t each = ardm_layout_symbols(&layout);
    const int64_t count = ardm_dataset_held_out(data);
    ardm_calibration *c = NULL;
    int64_t draws, seed;
    ARDM_TRY(argument_int(&draws, args, "draws", 4, 1, 10000));
    ARDM_TRY(argument_int(&seed, args, "seed", 0, 0, INT64_MAX));
    int32_t *symbols = malloc((size_t)BATCH * each * sizeof *symbols);
    ardm_status status = symbols ? ardm_calibration_open(&c, p->session) : ardm_fail(ARDM_ENOMEM, "no memory for a batch");
    for (int64_t begin = 0; status == ARDM_OK && begin < count; begin += BATCH) {
        const uint32_t n = count - begin < BATCH ? (uint32_t)(count - begin) : BATCH;
        for (uint32_t i = 0; i < n; i++) ardm_dataset_item(data, begin + i, symbols + (size_t)i * each);
        status = ardm_calibrate(c, p->session, symbols, (uint64_t)begin, n, (uint32_t)draws, (uint64_t)seed);
    }
    if (status == ARDM_OK && has(args, "json"))
        print_json(c, p->session, count, draws);
    else if (status == ARDM_OK)
        print_tables(c, p->session, count, draws);
    ardm_calibration_free(&c);
    free(symbols);
    return status;
}
