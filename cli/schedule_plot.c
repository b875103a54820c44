/* The curves of a model's cells, with the steps of a schedule. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"
#include "schedule.h"

/* Curve k shows cells first … first+count−1 one after another, with the schedule's steps. */
static ardm_status join_cells(plot_curve *out, const cells *c, uint32_t first, uint32_t count, const ardm_schedule *schedule) {
    uint32_t before = 0, n_steps = 0;
    for (uint32_t k = 0; k < first; k++) before += c->units[k];
    out->loss = c->losses + before;
    out->units = 0;
    for (uint32_t k = first; k < first + count; k++) {
        uint32_t n;
        ardm_schedule_steps(schedule, k, &n);
        n_steps += n;
    }
    out->steps = malloc((n_steps + 1) * sizeof *out->steps);
    if (!out->steps) return ardm_fail(ARDM_ENOMEM, "no memory for %u steps", n_steps);
    for (uint32_t k = first; k < first + count; out->units += c->units[k++]) {
        uint32_t n;
        const uint32_t *at = ardm_schedule_steps(schedule, k, &n);
        for (uint32_t j = 0; j < n; j++) out->steps[out->n_steps++] = out->units + at[j];
    }
    return ARDM_OK;
}

ardm_status plot_schedule(const char *path, ardm_bytes *element, const ardm_predictor *p, const ardm_curve *curve, const ardm_budget *budget,
                          int32_t overwrite) {
    const ardm_order_family *family = ardm_session_order(p->session);
    const uint32_t kinds = budget->block ? family->high - family->low + 1 : 0;
    plot_curve list[PLOT_MOST_CURVES];
    cells each[PLOT_MOST_CURVES]; /* of a blocks family one for each curve, else the first */
    uint32_t n = 0;
    ardm_status status = ARDM_OK;
    memset(list, 0, sizeof list);
    memset(each, 0, sizeof each);
    if (kinds > PLOT_MOST_CURVES)
        return ardm_fail(ARDM_EUNSUPPORTED, "%u block lengths are more curves than can be told apart; %d are", kinds, PLOT_MOST_CURVES);
    for (uint32_t k = 0; k < kinds && status == ARDM_OK; k++, n++) {
        const uint32_t block = family->low + k;
        status = open_cells(&each[k], p, curve, block);
        if (status != ARDM_OK) break;
        snprintf(list[k].name, sizeof list[k].name, "blocks of %u", block);
        if (block == budget->block)
            status = join_cells(&list[k], &each[k], 0, 1, budget->schedule);
        else
            list[k].loss = each[k].losses, list[k].units = each[k].units[0];
    }
    if (!kinds) status = open_cells(&each[0], p, curve, 0);
    if (!kinds && status == ARDM_OK) {
        const uint32_t levels = each[0].n / each[0].stages, joined = each[0].n > PLOT_MOST_CURVES ? levels : 1;
        for (uint32_t k = 0; k < each[0].n && n < PLOT_MOST_CURVES && status == ARDM_OK; k += joined) {
            plot_curve *own = &list[n];
            status = join_cells(own, &each[0], k, joined, budget->schedule);
            if (status != ARDM_OK || own->units == 0) {
                free(own->steps);
                memset(own, 0, sizeof *own);
                continue;
            }
            if (joined > 1)
                snprintf(own->name, sizeof own->name, "stage %u: %u levels, %u units", k / levels, levels, own->units);
            else if (each[0].stages > 1 && levels > 1)
                snprintf(own->name, sizeof own->name, "stage %u, level %u: %u units", k / levels, k % levels, own->units);
            else
                snprintf(own->name, sizeof own->name, "%s %u: %u units", levels > 1 ? "level" : "stage", k, own->units);
            n++;
        }
    }
    if (status == ARDM_OK) {
        const uint32_t parts = ardm_session_parts(p->session);
        char title[128], what[64];
        snprintf(what, sizeof what, "loss, bits a unit of %u dimensions", parts);
        snprintf(title, sizeof title, "%s %s, %s, %s: %u calls, %.4f bits a dimension predicted", p->modality, p->variant,
                 ardm_session_description(p->session)->process, ardm_session_description(p->session)->order, budget->calls, budget->bits);
        status = plot_curves(path, element, title, parts > 1 ? what : "loss, bits a dimension", list, n, curve, overwrite);
    }
    for (uint32_t k = 0; k < PLOT_MOST_CURVES; k++) {
        free(list[k].steps);
        close_cells(&each[k]);
    }
    return status;
}
