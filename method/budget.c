/* Budgets: frozen schedules, explicit ones, and what they promise. */
#include "ardm/budget.h"

#include <stdlib.h>
#include <string.h>

/* Units of every (stage, level) of the nominal layout at a block. */
static ardm_status cell_units(uint32_t **out, uint32_t *cells, ardm_session *session, uint32_t block) {
    ardm_layout layout = ardm_session_layout(session);
    ardm_orders *orders;
    const ardm_order *order;
    *out = NULL;
    ARDM_TRY(ardm_session_orders(&orders, session, &layout));
    ARDM_TRY(ardm_orders_get(&order, orders, block));
    uint32_t stages = ardm_process_stages(ardm_session_process(session)), levels = ardm_order_levels(order);
    *cells = stages * levels;
    *out = malloc(*cells * sizeof **out);
    if (!*out) return ardm_fail(ARDM_ENOMEM, "no memory for %u cells", *cells);
    for (uint32_t c = 0; c < *cells; c++) (*out)[c] = ardm_order_counts(order)[c % levels];
    return ARDM_OK;
}

static uint32_t sum_of(const uint32_t *units, uint32_t cells) {
    uint32_t sum = 0;
    for (uint32_t c = 0; c < cells; c++) sum += units[c];
    return sum;
}

static int32_t is_causal(const ardm_session *session) { return ardm_session_order(session)->kind == ARDM_ORDER_BLOCKS; }

/* Losses of all cells of the nominal layout: of a blocks family every level has the curve of n. */
static ardm_status cell_losses(double **out, const ardm_curve *curve, ardm_session *session, const uint32_t *units, uint32_t cells, uint32_t block) {
    uint32_t total = sum_of(units, cells);
    double *losses = malloc((total + 1) * sizeof *losses), *own = NULL;
    uint32_t *sizes = NULL;
    *out = NULL;
    if (!losses) return ardm_fail(ARDM_ENOMEM, "no memory for %u losses", total);
    ardm_status status = ARDM_OK;
    if (!is_causal(session)) {
        status = ardm_curve_losses(curve, 1, units, cells, losses);
    } else {
        const ardm_order_family *family = ardm_session_order(session);
        uint32_t kinds = family->high - family->low + 1, at = 0;
        if (ardm_curve_cells(curve) != kinds) { /* before memory is taken for the range that a model claims */
            free(losses);
            return ardm_fail(ARDM_EFORMAT, "the loss curve has %u cells and the order %u kinds of blocks", ardm_curve_cells(curve), kinds);
        }
        own = malloc((size_t)kinds * (family->high + 1) * sizeof *own);
        sizes = malloc(kinds * sizeof *sizes);
        if (!own || !sizes) status = ardm_fail(ARDM_ENOMEM, "no memory for losses");
        for (uint32_t k = 0; status == ARDM_OK && k < kinds; k++) sizes[k] = family->low + k;
        if (status == ARDM_OK) status = ardm_curve_losses(curve, 0, sizes, kinds, own);
        const double *row = own;
        for (uint32_t k = 0; status == ARDM_OK && k + family->low < block; k++) row += sizes[k];
        for (uint32_t c = 0; status == ARDM_OK && c < cells; c++)
            for (uint32_t n = 0; n < units[c]; n++) losses[at++] = row[n];
    }
    free(own);
    free(sizes);
    if (status == ARDM_OK)
        *out = losses;
    else
        free(losses);
    return status;
}

ardm_status ardm_budget_losses(double **losses, uint32_t **units, uint32_t *cells, const ardm_curve *curve, ardm_session *session, uint32_t block) {
    *losses = NULL;
    ARDM_TRY(cell_units(units, cells, session, block));
    ardm_status status = cell_losses(losses, curve, session, *units, *cells, block);
    if (status == ARDM_OK) return status;
    free(*units);
    *units = NULL;
    return status;
}

/* Calls of the coded part: a text window codes what follows its context. */
static uint32_t coded_calls(ardm_session *session, const ardm_schedule *schedule, uint32_t block) {
    uint32_t context = ardm_session_description(session)->context, calls = ardm_schedule_calls(schedule), skipped = 0;
    for (uint32_t c = 0; block && c < context / block; c++) {
        uint32_t n;
        ardm_schedule_steps(schedule, c, &n);
        skipped += n;
    }
    return calls - skipped;
}

ardm_status ardm_budget_predict(double *bits, const ardm_budget *budget, const ardm_curve *curve, ardm_session *session) {
    uint32_t *units, cells;
    double *losses;
    *bits = 0;
    ARDM_TRY(ardm_budget_losses(&losses, &units, &cells, curve, session, budget->block));
    uint32_t stages = ardm_process_stages(ardm_session_process(session));
    *bits = ardm_schedule_predict(budget->schedule, losses) / ((double)sum_of(units, cells) / stages * ardm_session_parts(session));
    free(losses);
    free(units);
    return ARDM_OK;
}

static ardm_status finish(ardm_budget *out, const ardm_model *model, ardm_session *session) {
    ardm_curve *curve = NULL;
    out->calls = coded_calls(session, out->schedule, out->block);
    if (!model || ardm_model_curve(model, &curve) != ARDM_OK) return ARDM_OK;
    ardm_status status = ardm_budget_predict(&out->bits, out, curve, session);
    ardm_curve_free(&curve);
    return status;
}

static ardm_status make(ardm_schedule **out, ardm_session *session, const ardm_curve *curve, uint32_t block, uint32_t budget) {
    uint32_t *units, cells;
    double *losses;
    ARDM_TRY(ardm_budget_losses(&losses, &units, &cells, curve, session, block));
    ardm_status status = ardm_schedule_optimal(out, losses, units, cells, budget);
    free(losses);
    free(units);
    return status;
}

ardm_status ardm_freeze_schedules(ardm_model *model, ardm_session *session, const ardm_curve *curve) {
    const ardm_order_family *family = ardm_session_order(session);
    uint32_t index = 0;
    if (is_causal(session)) {
        for (uint32_t n = family->low; n <= family->high && index < ARDM_MODEL_MAX_SCHEDULES; n++) {
            uint32_t *units, cells;
            ARDM_TRY(cell_units(&units, &cells, session, n));
            free(units);
            /* One n: more calls only by steps inside a block. Several: a shorter block is the better use of a call. */
            for (uint32_t steps = 1; steps <= n && index < ARDM_MODEL_MAX_SCHEDULES; steps *= 2) {
                ardm_schedule *schedule = NULL;
                ardm_status status = make(&schedule, session, curve, n, steps * cells);
                if (status == ARDM_OK) status = ardm_model_set_schedule(model, index++, schedule);
                ardm_schedule_free(&schedule);
                ARDM_TRY(status);
                if (family->low != family->high) break;
            }
        }
        return ARDM_OK;
    }
    uint32_t *units, cells, least = 0;
    ARDM_TRY(cell_units(&units, &cells, session, 0));
    uint32_t total = sum_of(units, cells), usual = ardm_schedule_default_budget(units, cells);
    for (uint32_t c = 0; c < cells; c++) least += units[c] > 0;
    free(units);
    uint32_t budgets[ARDM_MODEL_MAX_SCHEDULES], n = 0;
    budgets[n++] = usual;
    for (uint32_t b = least; b <= total && n < 8; b *= 2)
        if (b != usual) budgets[n++] = b;
    for (uint32_t i = 0; i < n; i++) {
        ardm_schedule *schedule = NULL;
        ardm_status status = make(&schedule, session, curve, 0, budgets[i]);
        if (status == ARDM_OK) status = ardm_model_set_schedule(model, index++, schedule);
        ardm_schedule_free(&schedule);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

/* A model's schedule must be one of the cells that its order has: what follows counts on that. */
static ardm_status check_cells(const ardm_schedule *schedule, ardm_session *session, uint32_t block) {
    uint32_t *units = NULL, cells;
    ARDM_TRY(cell_units(&units, &cells, session, block));
    int32_t same = ardm_schedule_cells(schedule) == cells;
    for (uint32_t c = 0; same && c < cells; c++) same = ardm_schedule_units(schedule, c) == units[c];
    free(units);
    return same ? ARDM_OK
                : ardm_fail(ARDM_EFORMAT, "a frozen schedule of %u cells does not fit the model's order, which has %u", ardm_schedule_cells(schedule),
                            cells);
}

ardm_status ardm_budget_frozen(ardm_budget *out, const ardm_model *model, ardm_session *session, uint32_t index) {
    memset(out, 0, sizeof *out);
    ARDM_TRY(ardm_model_schedule(model, index, &out->schedule));
    out->frozen = (int32_t)index;
    ardm_status status = ARDM_OK;
    if (ardm_schedule_cells(out->schedule) == 0) status = ardm_fail(ARDM_EFORMAT, "frozen schedule %u has no cell", index);
    if (status == ARDM_OK && is_causal(session)) out->block = ardm_schedule_units(out->schedule, 0);
    if (status == ARDM_OK) status = check_cells(out->schedule, session, out->block);
    if (status == ARDM_OK) status = finish(out, model, session);
    if (status != ARDM_OK) ardm_budget_free(out);
    return status;
}

ardm_status ardm_budget_read(ardm_budget *out, ardm_session *session, uint32_t block, const void *data, size_t size) {
    uint32_t *units, cells;
    memset(out, 0, sizeof *out);
    out->frozen = -1;
    out->block = is_causal(session) ? block : 0;
    ARDM_TRY(cell_units(&units, &cells, session, out->block));
    ardm_status status = ardm_schedule_read(&out->schedule, data, size, units, cells);
    free(units);
    if (status == ARDM_OK) status = finish(out, NULL, session);
    return status;
}

void ardm_budget_free(ardm_budget *budget) {
    ardm_schedule_free(&budget->schedule);
    memset(budget, 0, sizeof *budget);
}

ardm_status ardm_budget_least(uint32_t *out, ardm_session *session) {
    uint32_t *units, cells;
    *out = 0;
    const ardm_order_family *family = ardm_session_order(session);
    uint32_t block = is_causal(session) ? family->high : 0, context = ardm_session_description(session)->context;
    ARDM_TRY(cell_units(&units, &cells, session, block));
    for (uint32_t c = 0; c < cells; c++) *out += units[c] > 0 && (!block || c >= context / block);
    free(units);
    return ARDM_OK;
}

static ardm_status too_few(ardm_session *session, uint32_t steps) {
    uint32_t least = 0;
    ARDM_TRY(ardm_budget_least(&least, session));
    return ardm_fail(ARDM_EINVAL, "%u calls are too few: this model has %u cells, and each needs one; give --steps %u or more", steps, least, least);
}

ardm_status ardm_budget_choose(ardm_budget *out, const ardm_model *model, ardm_session *session, uint32_t steps) {
    uint32_t *units, cells, frozen = ardm_model_schedule_count(model);
    memset(out, 0, sizeof *out);
    uint32_t least;
    ARDM_TRY(ardm_budget_least(&least, session));
    ARDM_TRY(cell_units(&units, &cells, session, 0));
    uint32_t total = sum_of(units, cells), usual = is_causal(session) ? (least > 48 ? least : 48) : ardm_schedule_default_budget(units, cells);
    free(units);
    if (steps == 0) steps = usual;
    if (steps > total) steps = total;
    if (steps < least) return too_few(session, steps);
    /* Blocks: the frozen schedule with the most calls that the budget pays. */
    int32_t best = -1;
    uint32_t most = 0;
    for (uint32_t i = 0; i < frozen; i++) {
        ardm_budget other;
        ARDM_TRY(ardm_budget_frozen(&other, model, session, i));
        if (is_causal(session) ? other.calls <= steps && other.calls > most : other.calls == steps) {
            best = (int32_t)i;
            most = other.calls;
        }
        ardm_budget_free(&other);
    }
    if (best >= 0) return ardm_budget_frozen(out, model, session, (uint32_t)best);
    if (is_causal(session)) return too_few(session, steps);
    ardm_curve *curve = NULL;
    ARDM_TRY(ardm_model_curve(model, &curve));
    out->frozen = -1;
    ardm_status status = make(&out->schedule, session, curve, 0, steps);
    ardm_curve_free(&curve);
    if (status == ARDM_OK) status = finish(out, model, session);
    if (status != ARDM_OK) ardm_budget_free(out);
    return status;
}
