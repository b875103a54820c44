/* The diffusion chain. One call of the network serves a batch of draws, whatever items they belong to. */
#include "ardm/chain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/draw.h"
#include "ardm/log.h"
#include "ardm/philox.h"
#include "ask_private.h"

enum { BATCH = 16, DRAW_TIME = 5, DRAW_SUBSET = 6 };
static const double ln2 = 0.69314718055994530942;

ardm_status ardm_chain_check(ardm_session *session) {
    const ardm_description *d = ardm_session_description(session);
    ardm_layout layout = ardm_session_layout(session);
    ardm_orders *orders;
    const ardm_order *order;
    if (ardm_process_stages(ardm_session_process(session)) != 1)
        return ardm_fail(ARDM_EUNSUPPORTED,
                         "absorbing diffusion needs an absorbing process: '%s' has %u stages, and its units are never without a coarse value",
                         d->process, ardm_process_stages(ardm_session_process(session)));
    ARDM_TRY(ardm_session_orders(&orders, session, &layout));
    if (ardm_orders_causal(orders))
        return ardm_fail(ARDM_EUNSUPPORTED, "absorbing diffusion undecides any units: the order '%s' shows a unit only what is left of its block",
                         d->order);
    ARDM_TRY(ardm_orders_get(&order, orders, 0));
    if (ardm_order_levels(order) != 1)
        return ardm_fail(ARDM_EUNSUPPORTED,
                         "absorbing diffusion undecides units of one level alike: the order '%s' has %u levels; train with 'uniform'", d->order,
                         ardm_order_levels(order));
    return ARDM_OK;
}

/* Of the limit, times have density 7/8 + (1/8) / (2 sqrt t): with sum/t as the value, the second moment is then finite. */
static const double share = 0.125;

/* A draw: which units are undecided, and what a nat of them weighs in bits. Returns how many are undecided. */
static uint32_t draw(uint8_t *state, double *weight, uint32_t units, uint32_t steps, uint32_t stratum, uint32_t draws, uint64_t seed,
                     uint64_t number) {
    const uint64_t example = number * draws + stratum;
    double undecided; /* probability · 2^32 */
    if (steps) {
        const uint64_t t = 1 + ardm_draw_stratified(seed, number, stratum, draws, steps);
        undecided = (double)t / (double)steps * 0x1p32;
        *weight = (double)steps / (double)t / ln2;
    } else {
        const double u = (stratum + (ardm_random_word(seed, ARDM_RANDOM_STEP, DRAW_TIME, number, 0) + 0.5) * 0x1p-32) / draws;
        const double root = (sqrt(share * share + 4 * (1 - share) * u) - share) / (2 * (1 - share)); /* of the time, by its distribution */
        undecided = root * root * 0x1p32;
        *weight = 1 / (root * ((1 - share) * root + share / 2)) / ln2;
    }
    uint32_t count = 0;
    for (uint32_t v = 0; v < units; v++) {
        const int32_t hidden = ardm_random_word(seed, ARDM_RANDOM_STEP, DRAW_SUBSET, example, v) < undecided;
        state[v] = hidden ? ARDM_UNDECIDED : ARDM_DECIDED;
        count += (uint32_t)hidden;
    }
    return count;
}

ardm_status ardm_chain_cost(double *bits, ardm_session *session, uint32_t steps, uint32_t draws, uint64_t seed, const int32_t *symbols,
                            uint64_t number, uint32_t n) {
    const ardm_layout layout = ardm_session_layout(session);
    const uint32_t units = ardm_layout_units(&layout);
    ARDM_TRY(ardm_chain_check(session));
    if (!draws || draws > 65536) return ardm_fail(ARDM_EINVAL, "%u draws an item: give 1 to 65536", draws);
    uint8_t *state = malloc(units);
    if (!state) return ardm_fail(ARDM_ENOMEM, "no memory for %u states", units);
    ardm_status status = ARDM_OK;
    memset(bits, 0, n * sizeof *bits);
    for (uint64_t begin = 0, all = (uint64_t)n * draws; begin < all && status == ARDM_OK; begin += BATCH) {
        const uint32_t count = all - begin < BATCH ? (uint32_t)(all - begin) : BATCH;
        uint32_t asked[BATCH];
        double weight[BATCH];
        ardm_call_io io;
        status = ardm_session_call(&io, session, ARDM_TASK_EVALUATE, &layout, BATCH, units);
        for (uint32_t i = 0; i < count && status == ARDM_OK; i++) {
            const uint32_t item = (uint32_t)((begin + i) / draws);
            const int32_t *own = symbols + (size_t)item * ardm_layout_symbols(&layout);
            uint32_t row = 0;
            asked[i] = draw(state, &weight[i], units, steps, (uint32_t)((begin + i) % draws), draws, seed, number + item);
            ardm_ask__item(&io, i, session, &layout, 0, own, state);
            io.time[i] = ardm_fraction(units - asked[i], units);
            for (uint32_t u = 0; u < units; u++)
                if (state[u] == ARDM_UNDECIDED) ardm_ask__row(&io, i, row++, session, &layout, 0, 0, u, own + (size_t)u * io.parts);
        }
        if (status == ARDM_OK) status = ardm_run(io.binding);
        if (status != ARDM_OK) break;
        const float *nll = ardm_binding_output(io.binding, "nll");
        for (uint32_t i = 0; i < count; i++) {
            double sum = 0;
            for (uint32_t j = 0; j < asked[i]; j++) sum += (double)nll[(size_t)i * io.rows + j];
            bits[(begin + i) / draws] += weight[i] * sum / draws;
        }
        status = ardm_progress("diffusion", (double)(begin + count), (double)all, "draws", NULL);
    }
    free(state);
    return status;
}
