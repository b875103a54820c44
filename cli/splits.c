/* Budgets by a model's loss curve, split in three ways. */
#include "schedule.h"

#include <stdlib.h>
#include <string.h>

ardm_status open_cells(cells *out, const ardm_predictor *p, const ardm_curve *curve, uint32_t block) {
    out->stages = ardm_process_stages(ardm_session_process(p->session));
    out->parts = ardm_session_parts(p->session);
    return ardm_budget_losses(&out->losses, &out->units, &out->n, curve, p->session, block);
}

void close_cells(cells *c) {
    free(c->units);
    free(c->losses);
    memset(c, 0, sizeof *c);
}

static double dimensions(const cells *c) {
    double sum = 0;
    for (uint32_t k = 0; k < c->n; k++) sum += c->units[k];
    return sum / c->stages * c->parts;
}

ardm_status compare_splits(splits *out, const ardm_budget *budget, const cells *c) {
    ardm_schedule *schedule = NULL;
    const uint32_t calls = ardm_schedule_calls(budget->schedule);
    out->optimal = budget->bits;
    ARDM_TRY(ardm_schedule_equal(&schedule, c->losses, c->units, c->n, calls));
    out->equal = ardm_schedule_predict(schedule, c->losses) / dimensions(c);
    ardm_schedule_free(&schedule);
    ARDM_TRY(ardm_schedule_naive(&schedule, c->units, c->n, calls));
    out->uniform = ardm_schedule_predict(schedule, c->losses) / dimensions(c);
    ardm_schedule_free(&schedule);
    return ARDM_OK;
}

ardm_status list_budgets(uint32_t out[MOST_BUDGETS], uint32_t *n, ardm_session *session) {
    const ardm_layout layout = ardm_session_layout(session);
    const ardm_order_family *family = ardm_session_order(session);
    const uint32_t units = ardm_layout_units(&layout) * ardm_process_stages(ardm_session_process(session));
    uint32_t least = 0;
    *n = 0;
    ARDM_TRY(ardm_budget_least(&least, session));
    const uint64_t most = family->kind == ARDM_ORDER_BLOCKS ? family->high * (uint64_t)least : 2048;
    for (uint64_t b = least; b > 0 && b <= units && (b <= most || b == least); b *= 2) out[(*n)++] = (uint32_t)b;
    return ARDM_OK;
}
