/* What a network predicts, into reliability tables: draws as the bound's, frequencies as the decoder's. */
#include <stdlib.h>

#include "ardm/calibration.h"
#include "ardm/log.h"
#include "ask_private.h"

enum { BATCH = 16, MOST_ROWS = 256, LEAST_ROWS = 16, MOST_FREQUENCIES = 1 << 20 };

ardm_status ardm_calibration_open(ardm_calibration **out, ardm_session *session) {
    const ardm_layout layout = ardm_session_layout(session);
    const ardm_order_family *family = ardm_session_order(session);
    ardm_orders *orders;
    const ardm_order *order;
    *out = NULL;
    ARDM_TRY(ardm_session_orders(&orders, session, &layout));
    ARDM_TRY(ardm_orders_get(&order, orders, 0));
    if (ardm_orders_causal(orders)) return ardm_calibration_create(out, family->high - family->low + 1);
    return ardm_calibration_create(out, ardm_process_stages(ardm_session_process(session)) * ardm_order_levels(order));
}

/* A draw of an item, as its row of the call. */
typedef struct drawn {
    ardm_example example;
    uint32_t *unit, asked; /* u32[rows] */
} drawn;

/* The units that a draw still asks, the next ones in its order first; no more than `rows`. */
static void choose_units(drawn *d, const uint16_t *level, uint32_t units, int32_t causal, uint32_t rows) {
    const ardm_example *e = &d->example;
    d->asked = 0;
    for (uint32_t u = 0; u < units; u++) {
        const uint32_t from = e->from[causal ? level[u] : e->level];
        if (e->weight[u] != 0 && (causal || (uint32_t)e->place[u] - from < rows)) d->unit[d->asked++] = u;
    }
}

static void add(ardm_calibration *calibration, const drawn *d, const ardm_session *session, const ardm_order *order, int32_t causal, uint32_t turn,
                const int32_t *symbols, const uint32_t *frequency, uint32_t width) {
    const ardm_example *e = &d->example;
    const uint16_t *level = ardm_order_level(order);
    const uint32_t parts = ardm_session_parts(session), turns = ardm_session_turns(session);
    const uint32_t cell = causal ? (uint32_t)e->block - ardm_session_order(session)->low : (uint32_t)e->stage * ardm_order_levels(order) + e->level;
    for (uint32_t j = 0; j < d->asked; j++) {
        const uint32_t u = d->unit[j], l = level[u], remaining = e->counts[l] - e->known[l];
        uint32_t children, digit = ardm_session_digit(session, (uint32_t)e->stage, turn, symbols + (size_t)u * parts, &children);
        /* Each (cell, n) weighs 1, whatever part of its units was asked, in however many turns. */
        ardm_calibration_add(calibration, cell, frequency + (size_t)j * width, children, digit, 1.0 / turns / (causal ? remaining : d->asked));
    }
}

typedef struct shown {
    const ardm_layout *layout;
    const int32_t *symbols; /* of all items */
    uint64_t begin;         /* first draw of the batch */
    uint32_t draws;         /* of an item */
} shown;

/* One turn of a batch whose items are filled in. */
static ardm_status take_turn(ardm_calibration *calibration, ardm_session *session, const ardm_call_io *io, const drawn *list, uint32_t count,
                             uint32_t turn, const shown *s) {
    const uint32_t each = ardm_layout_symbols(s->layout), width = ardm_session_digits(session);
    ardm_orders *orders;
    ARDM_TRY(ardm_session_orders(&orders, session, s->layout));
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < list[i].asked; j++)
            ardm_ask__row(io, i, j, session, s->layout, list[i].example.stage, turn, list[i].unit[j],
                          s->symbols + (size_t)((s->begin + i) / s->draws) * each + (size_t)list[i].unit[j] * io->parts);
    ARDM_TRY(ardm_session_run(io, turn));
    const uint32_t *frequency = ardm_binding_output(io->binding, "frequency");
    for (uint32_t i = 0; i < count; i++) {
        const ardm_order *order;
        ARDM_TRY(ardm_orders_get(&order, orders, (uint32_t)list[i].example.block));
        add(calibration, &list[i], session, order, ardm_orders_causal(orders), turn, s->symbols + (size_t)((s->begin + i) / s->draws) * each,
            frequency + (size_t)i * io->rows * width, width);
    }
    return ARDM_OK;
}

ardm_status ardm_calibrate(ardm_calibration *calibration, ardm_session *session, const int32_t *symbols, uint64_t number, uint32_t n, uint32_t draws,
                           uint64_t seed) {
    const ardm_layout layout = ardm_session_layout(session);
    const uint32_t units = ardm_layout_units(&layout), each = ardm_layout_symbols(&layout), width = ardm_session_digits(session);
    const uint32_t stages = ardm_process_stages(ardm_session_process(session));
    ardm_orders *orders;
    drawn list[BATCH];
    ARDM_TRY(ardm_session_orders(&orders, session, &layout));
    if (ardm_session_order(session)->permuted) return ardm_fail(ARDM_EUNSUPPORTED, "calibration is not measured of permuted orders");
    if (!draws || draws > 65536) return ardm_fail(ARDM_EINVAL, "%u draws an item: give 1 to 65536", draws);
    const int32_t causal = ardm_orders_causal(orders);
    uint32_t rows = MOST_FREQUENCIES / width < MOST_ROWS ? MOST_FREQUENCIES / width : MOST_ROWS;
    if (rows < LEAST_ROWS) rows = LEAST_ROWS;
    if (rows > units || causal) rows = units; /* of a causal network every level asks some */
    ardm_status status = ARDM_OK;
    for (uint32_t i = 0; i < BATCH; i++) list[i] = (drawn){.unit = NULL};
    for (uint32_t i = 0; i < BATCH && status == ARDM_OK; i++) {
        status = ardm_example_create(&list[i].example, orders);
        if (status == ARDM_OK && !(list[i].unit = malloc(rows * sizeof *list[i].unit)))
            status = ardm_fail(ARDM_ENOMEM, "no memory for %u rows", rows);
    }
    ardm_draw_options options = {.seed = seed, .sampling = ARDM_SAMPLING_STRATIFIED, .batch = draws};
    for (uint64_t begin = 0, all = (uint64_t)n * draws; begin < all && status == ARDM_OK; begin += BATCH) {
        const uint32_t count = all - begin < BATCH ? (uint32_t)(all - begin) : BATCH;
        ardm_call_io io;
        status = ardm_session_call(&io, session, ARDM_TASK_DECODE, &layout, BATCH, rows);
        for (uint32_t i = 0; i < count && status == ARDM_OK; i++) {
            ardm_example *e = &list[i].example;
            const uint64_t item = number + (begin + i) / draws, stratum = (begin + i) % draws;
            const int32_t *own = symbols + (size_t)((begin + i) / draws) * each;
            const ardm_order *order;
            options.step = item;
            status = ardm_example_draw(e, orders, stages, &options, item * draws + stratum, (uint32_t)stratum, NULL);
            if (status == ARDM_OK) status = ardm_orders_get(&order, orders, (uint32_t)e->block);
            if (status != ARDM_OK) break;
            choose_units(&list[i], ardm_order_level(order), units, causal, rows);
            io.time[i] = e->time;
            if (io.block) io.block[i] = e->block;
            if (io.expert) io.expert[i] = (int32_t)ardm_session_expert(session, order, (uint32_t)e->stage, e->level);
            ardm_ask__item(&io, i, session, &layout, e->stage, own, e->state);
        }
        for (uint32_t turn = 0; turn < io.turns && status == ARDM_OK; turn++)
            status = take_turn(calibration, session, &io, list, count, turn, &(const shown){&layout, symbols, begin, draws});
        if (status == ARDM_OK) status = ardm_progress("calibration", (double)(begin + count), (double)all, "draws", NULL);
    }
    for (uint32_t i = 0; i < BATCH; i++) {
        ardm_example_destroy(&list[i].example);
        free(list[i].unit);
    }
    return status;
}
