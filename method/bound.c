/* The bound on held-out items. One call serves a batch of draws; every draw of an item is stratified over all draws of the run. */
#include "ardm/evaluator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "ask_private.h"

enum { BATCH = 16 };
static const double ln2 = 0.69314718055994530942;

/* The levels of one answered item, in bits. */
static void tell_cells(ardm_cell_sink cells, void *user, const ardm_example *e, const uint16_t *level, uint32_t levels, uint32_t units,
                       int32_t causal, const float *nll) {
    double *sum = calloc(levels, sizeof *sum);
    if (!sum) return; /* the curve then lacks this item: it is an average */
    for (uint32_t u = 0; u < units; u++)
        if (e->weight[u] != 0) sum[level[u]] += (double)nll[u];
    for (uint32_t l = 0; l < levels; l++) {
        uint32_t remaining = e->counts[l] - e->known[l];
        if (e->price[l] == 0 || remaining == 0) continue;
        cells(user, (uint32_t)e->stage, causal ? (uint32_t)e->block : l, e->known[l], e->counts[l], sum[l] / remaining / ln2, remaining);
    }
    free(sum);
}

ardm_status ardm_evaluate_bound(ardm_estimate *out, ardm_session *session, const ardm_dataset *dataset, int64_t first, int64_t count, uint32_t draws,
                                uint64_t seed, ardm_cell_sink cells, void *user) {
    const ardm_layout whole = ardm_dataset_layout(dataset), layout = ardm_layout_join(&whole, ardm_session_parts(session));
    const ardm_process *process = ardm_session_process(session);
    ardm_orders *orders;
    double started = ardm_clock(), total = 0, squares = 0, dimensions = 0;
    int32_t *symbols = NULL;
    double *cost = NULL, *size = NULL;
    ardm_example *drawn = NULL;
    uint32_t *stratum = NULL;
    memset(out, 0, sizeof *out);
    int64_t held = ardm_dataset_held_out(dataset);
    if (first >= held) return ardm_fail(ARDM_EINVAL, "items start at %lld, and there are %lld held-out items", (long long)first, (long long)held);
    if (count > held - first) count = held - first;
    ARDM_TRY(ardm_session_orders(&orders, session, &layout));
    const ardm_order *order;
    ARDM_TRY(ardm_orders_get(&order, orders, 0));
    uint32_t units = ardm_order_units(order);
    ardm_status status = ARDM_OK;
    symbols = malloc(2 * (size_t)ardm_layout_symbols(&layout) * sizeof *symbols); /* and room to permute them */
    cost = calloc((size_t)count, sizeof *cost);
    size = calloc((size_t)count, sizeof *size);
    drawn = calloc(BATCH, sizeof *drawn);
    if (!symbols || !cost || !size || !drawn) {
        status = ardm_fail(ARDM_ENOMEM, "no memory for %lld items", (long long)count);
        goto done;
    }
    for (int i = 0; i < BATCH && status == ARDM_OK; i++) status = ardm_example_create(&drawn[i], orders);
    int64_t all = count * draws;
    ardm_draw_options options = {
        .seed = seed, .step = 0, .sampling = ARDM_SAMPLING_STRATIFIED, .batch = (uint32_t)(all < 65536 ? all : 65536), .given_share = 0};
    stratum = malloc(options.batch * sizeof *stratum);
    if (status == ARDM_OK && !stratum) status = ardm_fail(ARDM_ENOMEM, "no memory for %lld draws", (long long)all);
    if (status == ARDM_OK) status = ardm_draw_strata(seed, 0, options.batch, stratum);
    for (int64_t begin = 0; begin < all && status == ARDM_OK; begin += BATCH) {
        int64_t n = all - begin < BATCH ? all - begin : BATCH;
        ardm_call_io io;
        status = ardm_session_call(&io, session, ARDM_TASK_EVALUATE, &layout, BATCH, units);
        for (int64_t i = 0; i < n && status == ARDM_OK; i++) {
            int64_t number = begin + i;
            ardm_dataset_item(dataset, first + number / draws, symbols);
            options.step = (uint64_t)number / options.batch;
            status =
                ardm_example_draw(&drawn[i], orders, ardm_process_stages(process), &options, (uint64_t)number, stratum[number % options.batch], NULL);
            if (status != ARDM_OK) break;
            ardm_example_permute(&drawn[i], units, symbols, symbols + units);
            for (uint32_t u = 0; io.position && u < units; u++) io.position[(size_t)i * io.symbols_each + u] = (int32_t)drawn[i].unit[u];
            io.time[i] = drawn[i].time;
            if (io.block) io.block[i] = drawn[i].block;
            if (io.expert) io.expert[i] = (int32_t)ardm_session_expert(session, order, (uint32_t)drawn[i].stage, drawn[i].level);
            ardm_ask__item(&io, (uint32_t)i, session, &layout, drawn[i].stage, symbols, drawn[i].state);
            for (uint32_t u = 0; u < units; u++)
                ardm_ask__row(&io, (uint32_t)i, u, session, &layout, drawn[i].stage, 0, u, symbols + (size_t)u * io.parts);
        }
        if (status == ARDM_OK) status = ardm_run(io.binding);
        if (status != ARDM_OK) break;
        const float *nll = ardm_binding_output(io.binding, "nll");
        for (int64_t i = 0; i < n; i++) {
            const ardm_example *e = &drawn[i];
            int64_t item = (begin + i) / draws;
            for (uint32_t u = 0; u < units; u++) cost[item] += (double)e->weight[u] * (double)nll[(size_t)i * io.rows + u] / ln2 / draws;
            size[item] = (double)e->dimensions * ardm_layout_parts(&layout);
            if (cells) {
                const ardm_order *own;
                status = ardm_orders_get(&own, orders, (uint32_t)e->block);
                if (status == ARDM_OK)
                    tell_cells(cells, user, e, ardm_order_level(own), ardm_order_levels(own), units, ardm_orders_causal(orders),
                               nll + (size_t)i * io.rows);
            }
        }
        if (status == ARDM_OK) status = ardm_progress("evaluate", (double)(begin + n), (double)all, "draws", NULL);
    }
    if (status == ARDM_OK) {
        for (int64_t i = 0; i < count; i++) {
            double each = size[i] > 0 ? cost[i] / size[i] : 0;
            total += each;
            squares += each * each;
            dimensions += size[i];
        }
        double mean = total / (double)count, variance = count > 1 ? (squares - total * mean) / (double)(count - 1) : 0;
        *out = (ardm_estimate){count, dimensions, mean, sqrt(variance > 0 ? variance / (double)count : 0), ardm_clock() - started};
    }
done:
    free(stratum);
    for (int i = 0; drawn && i < BATCH; i++) ardm_example_destroy(&drawn[i]);
    free(drawn);
    free(size);
    free(cost);
    free(symbols);
    return status;
}
