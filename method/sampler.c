/* Sampling and scheduled likelihoods: walks that draw, and walks that read. */
#include "ardm/sampler.h"

#include <stdlib.h>

#include "ardm/exact.h"
#include "ardm/log.h"
#include "ardm/walk.h"
#include "confidence.h"

enum { BATCH = 16 };

/* partition: u8[n, symbols], room. */
static ardm_status show(const ardm_sampling *s, const ardm_walk *walk, const ardm_walk_item *items, uint32_t n, size_t each, ardm_sample_step step,
                        uint8_t *partition) {
    for (uint32_t i = 0; i < n; i++) ardm_walk_partitions(walk, i, partition + i * each);
    step.n = n;
    step.calls = ardm_walk_calls(walk);
    step.symbols = items->symbols; /* of a batch they follow one another */
    step.partition = partition;
    return s->watch(s->user, &step);
}

static void take_symbols(double *done, ardm_walk *walk, uint32_t item) {
    const ardm_call_io *io = ardm_walk_io(walk);
    const int32_t *symbol = (const int32_t *)ardm_binding_output(io->binding, "symbol") + (size_t)item * io->rows;
    const ardm_walk_rows rows = ardm_walk_answer(walk, item);
    for (uint32_t j = 0; j < rows.count; j++) ardm_walk_decide(walk, item, rows.unit[j], rows.children[j] > 1 ? (uint32_t)symbol[j] : 0);
    *done += rows.count;
}

static ardm_status sample_batch(ardm_session *session, const ardm_sampling *s, const ardm_layout *layout, const ardm_walk_item *items, uint32_t n,
                                uint32_t begin, double *done, double all) {
    ardm_walk *walk = NULL;
    const size_t each = ardm_layout_symbols(layout);
    uint8_t *partition = s->watch ? malloc(n * each) : NULL;
    if (s->watch && !partition) return ardm_fail(ARDM_ENOMEM, "no memory for the states of %u items", n);
    const int32_t task = s->confidence ? ARDM_TASK_DECODE : ARDM_TASK_SAMPLE; /* confidence needs the frequencies */
    float coldness = s->temperature == 1 ? 1.0f : ardm_reciprocal((float)s->temperature);
    ardm_status status = ardm_walk_open(&walk, session, task, layout, s->budget->schedule, s->budget->block, s->seed, items, n);
    if (status == ARDM_OK) ardm_walk_from(walk, s->from);
    if (status == ARDM_OK && s->confidence) ardm_walk_widen(walk);
    for (uint32_t c = 0; status == ARDM_OK && c < ardm_walk_calls(walk); c++) {
        status = ardm_walk_run(walk, c, NULL, coldness);
        for (uint32_t i = 0; status == ARDM_OK && i < n; i++) {
            if (s->confidence)
                status = ardm_confidence__decide(done, walk, session, s, c, i, items[i].number);
            else
                take_symbols(done, walk, i);
        }
        if (status != ARDM_OK) break;
        if (s->watch) status = show(s, walk, items, n, each, (ardm_sample_step){.call = c, .first = begin}, partition);
        if (status == ARDM_OK) status = ardm_progress(s->task, *done, all, "symbols", NULL);
    }
    ardm_walk_close(&walk);
    free(partition);
    return status;
}

static ardm_status check_from(const ardm_session *session, uint32_t from) {
    const uint32_t stages = ardm_process_stages(ardm_session_process(session));
    if (from < stages) return ARDM_OK;
    return ardm_fail(ARDM_EINVAL, "stage %u is none to begin with: the model has %u", from, stages);
}

ardm_status ardm_sample(ardm_session *session, const ardm_sampling *sampling, const ardm_layout *layout, int32_t *symbols, const uint8_t *mask,
                        uint64_t first, uint32_t n) {
    const size_t each = ardm_layout_symbols(layout), parts = ardm_layout_parts(layout), turns = ardm_session_turns(session);
    double done = 0, all = 0;
    if (!(sampling->temperature > 0)) return ardm_fail(ARDM_EINVAL, "temperature %g: give a number above 0", sampling->temperature);
    ARDM_TRY(check_from(session, sampling->from));
    if (sampling->confidence && ardm_session_order(session)->permuted)
        return ardm_fail(ARDM_EUNSUPPORTED, "a permuted order decides in an item's own order: --order-by has no choice there");
    const ardm_process *process = ardm_session_process(session);
    for (size_t k = 0; k < n * each; k++) {
        const size_t item = k / each;
        if (ardm_layout_masked(layout, mask ? mask + item * each : NULL, (uint32_t)(k % each / parts)) != ARDM_UNDECIDED) continue;
        symbols[k] = sampling->from ? (int32_t)ardm_process_class(process, sampling->from, (uint32_t)symbols[k]) : 0;
        all += (double)(ardm_process_stages(process) - sampling->from) * (double)turns / (double)parts;
    }
    for (uint32_t begin = 0; begin < n; begin += BATCH) {
        ardm_walk_item items[BATCH];
        uint32_t count = n - begin < BATCH ? n - begin : BATCH;
        for (uint32_t i = 0; i < count; i++)
            items[i] = (ardm_walk_item){symbols + (begin + i) * each, mask ? mask + (begin + i) * each : NULL, first + begin + i};
        ARDM_TRY(sample_batch(session, sampling, layout, items, count, begin, &done, all));
    }
    return ARDM_OK;
}

/* by_unit: bits is f64[n, units], else f64[n]. */
static ardm_status walk_costs(double *bits, int32_t by_unit, ardm_session *session, const ardm_budget *budget, uint64_t seed, uint32_t from,
                              const ardm_layout *layout, int32_t *symbols, const uint8_t *mask, uint64_t number, uint32_t n) {
    static const double ln2 = 0.69314718055994530942;
    const size_t units = ardm_layout_units(layout), each = ardm_layout_symbols(layout);
    ardm_status status = ARDM_OK;
    for (size_t k = 0; k < n * (by_unit ? units : 1); k++) bits[k] = 0;
    for (uint32_t begin = 0; status == ARDM_OK && begin < n; begin += BATCH) {
        ardm_walk_item items[BATCH];
        ardm_walk *walk = NULL;
        uint32_t count = n - begin < BATCH ? n - begin : BATCH;
        for (uint32_t i = 0; i < count; i++)
            items[i] = (ardm_walk_item){symbols + (begin + i) * each, mask ? mask + (begin + i) * each : NULL, number + begin + i};
        status = ardm_walk_open(&walk, session, ARDM_TASK_EVALUATE, layout, budget->schedule, budget->block, seed, items, count);
        if (status == ARDM_OK) ardm_walk_from(walk, from);
        for (uint32_t c = 0; status == ARDM_OK && c < ardm_walk_calls(walk); c++) {
            status = ardm_walk_run(walk, c, NULL, 1);
            if (status != ARDM_OK) break;
            const ardm_call_io *io = ardm_walk_io(walk);
            const float *nll = ardm_binding_output(io->binding, "nll");
            for (uint32_t i = 0; i < count; i++) {
                ardm_walk_rows rows = ardm_walk_answer(walk, i);
                for (uint32_t j = 0; j < rows.count; j++)
                    if (rows.children[j] > 1) bits[by_unit ? (begin + i) * units + rows.unit[j] : begin + i] += (double)nll[i * io->rows + j] / ln2;
            }
            status = ardm_progress("evaluate", begin + (double)count * (c + 1) / ardm_walk_calls(walk), n, "items", NULL);
        }
        ardm_walk_close(&walk);
    }
    return status;
}

ardm_status ardm_scheduled_cost(double *bits, ardm_session *session, const ardm_budget *budget, uint64_t seed, const ardm_layout *layout,
                                int32_t *symbols, const uint8_t *mask, uint64_t number, uint32_t n) {
    return walk_costs(bits, 0, session, budget, seed, 0, layout, symbols, mask, number, n);
}

ardm_status ardm_scheduled_cost_from(double *bits, ardm_session *session, const ardm_budget *budget, uint64_t seed, uint32_t from,
                                     const ardm_layout *layout, int32_t *symbols, const uint8_t *mask, uint64_t number, uint32_t n) {
    ARDM_TRY(check_from(session, from));
    return walk_costs(bits, 0, session, budget, seed, from, layout, symbols, mask, number, n);
}

ardm_status ardm_scheduled_units(double *bits, ardm_session *session, const ardm_budget *budget, uint64_t seed, const ardm_layout *layout,
                                 int32_t *symbols, const uint8_t *mask, uint64_t number, uint32_t n) {
    return walk_costs(bits, 1, session, budget, seed, 0, layout, symbols, mask, number, n);
}
