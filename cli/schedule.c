/* ardm schedule: what budgets cost by the model's loss curve, split in three ways, and a picture of the curve with the steps. */
#include "model_file.h"
#include "plot.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/budget.h"

/* Losses of the nominal layout at a block, as ardm/schedule.h takes them. */
typedef struct cells {
    uint32_t *units, n, stages;
    double *losses;
} cells;

static ardm_status open_cells(cells *out, const ardm_predictor *p, const ardm_curve *curve, uint32_t block) {
    out->stages = ardm_process_stages(ardm_session_process(p->session));
    return ardm_budget_losses(&out->losses, &out->units, &out->n, curve, p->session, block);
}

static void close_cells(cells *c) {
    free(c->units);
    free(c->losses);
    memset(c, 0, sizeof *c);
}

static double dimensions(const cells *c) {
    double sum = 0;
    for (uint32_t k = 0; k < c->n; k++) sum += c->units[k];
    return sum / c->stages;
}

/* Bits a dimension of as many calls as the budget has, split equally over the cells, and in uniform steps. */
static ardm_status compare(double *equal, double *uniform, const ardm_budget *budget, const cells *c) {
    ardm_schedule *schedule = NULL;
    const uint32_t calls = ardm_schedule_calls(budget->schedule);
    ARDM_TRY(ardm_schedule_equal(&schedule, c->losses, c->units, c->n, calls));
    *equal = ardm_schedule_predict(schedule, c->losses) / dimensions(c);
    ardm_schedule_free(&schedule);
    ARDM_TRY(ardm_schedule_naive(&schedule, c->units, c->n, calls));
    *uniform = ardm_schedule_predict(schedule, c->losses) / dimensions(c);
    ardm_schedule_free(&schedule);
    return ARDM_OK;
}

/* The steps of every cell with the loss that each block pays. */
static json_t *steps_of(const ardm_budget *budget, const cells *c) {
    json_t *list = json_array();
    const double *loss = c->losses;
    for (uint32_t k = 0; k < c->n; loss += c->units[k++]) {
        uint32_t n;
        const uint32_t *at = ardm_schedule_steps(budget->schedule, k, &n);
        json_t *steps = json_array(), *losses = json_array();
        for (uint32_t j = 0; j < n; j++) {
            json_array_append_new(steps, json_integer(at[j]));
            json_array_append_new(losses, json_real(loss[at[j]]));
        }
        json_array_append_new(list, json_pack("{s:i, s:i, s:i, s:o, s:o}", "stage", (int)(k / (c->n / c->stages)), "level",
                                              (int)(k % (c->n / c->stages)), "units", (int)c->units[k], "steps", steps, "losses", losses));
    }
    return list;
}

static ardm_status print_budget(json_t *list, const ardm_predictor *p, const ardm_curve *curve, uint32_t steps, int32_t all, const arguments *args) {
    ardm_budget budget;
    cells c = {0};
    double equal = 0, uniform = 0;
    ARDM_TRY(ardm_budget_choose(&budget, p->model, p->session, steps));
    ardm_status status = open_cells(&c, p, curve, budget.block);
    if (status == ARDM_OK) status = compare(&equal, &uniform, &budget, &c);
    if (status == ARDM_OK) {
        json_t *entry = json_pack("{s:I, s:I, s:f, s:f, s:f, s:i}", "calls", (json_int_t)budget.calls, "block", (json_int_t)budget.block,
                                  "bits_per_dim", budget.bits, "equal_split", equal, "uniform_steps", uniform, "frozen", (int)budget.frozen);
        if (all) json_object_set_new(entry, "cells", steps_of(&budget, &c));
        json_array_append_new(list, entry);
    }
    if (status == ARDM_OK && !has(args, "json")) {
        if (json_array_size(list) == 1) printf(" calls   optimal split   equal split   uniform steps   bits a dimension, predicted\n");
        printf("%6u %15.4f %13.4f %15.4f  ", budget.calls, budget.bits, equal, uniform);
        if (budget.block) printf(" blocks of %u,", budget.block);
        printf(" %s\n", budget.frozen >= 0 ? "frozen in the model" : "explicit");
        for (uint32_t k = 0; all && k < c.n; k++) {
            uint32_t n;
            const uint32_t *at = ardm_schedule_steps(budget.schedule, k, &n);
            printf("  cell %u of %u units:", k, c.units[k]);
            for (uint32_t j = 0; j < n; j++) printf(" %u", at[j]);
            printf("\n");
        }
    }
    close_cells(&c);
    ardm_budget_free(&budget);
    return status;
}

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

/* A curve a cell; of a blocks family a curve for every block length, bars for the one in use; a curve a stage where cells are too many. */
static ardm_status plot(const char *path, const ardm_predictor *p, const ardm_curve *curve, const ardm_budget *budget, const arguments *args) {
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
        char title[128];
        snprintf(title, sizeof title, "%s %s, %s, %s: %u calls, %.4f bits a dimension predicted", p->modality, p->variant,
                 ardm_session_description(p->session)->process, ardm_session_description(p->session)->order, budget->calls, budget->bits);
        status = plot_curves(path, title, list, n, curve, has(args, "force"));
    }
    for (uint32_t k = 0; k < PLOT_MOST_CURVES; k++) {
        free(list[k].steps);
        close_cells(&each[k]);
    }
    return status;
}

static ardm_status answer(json_t *list, const ardm_predictor *p, const arguments *args) {
    ardm_curve *curve = NULL;
    ardm_budget budget = {0};
    int64_t steps;
    uint32_t least = 0;
    ARDM_TRY(argument_int(&steps, args, "steps", 0, 1, 1 << 24));
    ARDM_TRY(ardm_model_curve(p->model, &curve));
    const ardm_layout layout = ardm_session_layout(p->session);
    const uint32_t stages = ardm_process_stages(ardm_session_process(p->session)), units = ardm_layout_units(&layout) * stages;
    const ardm_order_family *family = ardm_session_order(p->session);
    ardm_status status = ardm_budget_least(&least, p->session);
    const uint64_t most = family->kind == ARDM_ORDER_BLOCKS ? family->high * (uint64_t)least : 2048;
    if (status == ARDM_OK && steps) status = print_budget(list, p, curve, (uint32_t)steps, 1, args);
    for (uint64_t b = least; status == ARDM_OK && !steps && b <= units && (b <= most || b == least); b *= 2)
        status = print_budget(list, p, curve, (uint32_t)b, 0, args);
    if (status == ARDM_OK && has(args, "plot")) status = ardm_budget_choose(&budget, p->model, p->session, (uint32_t)steps);
    if (status == ARDM_OK && has(args, "plot")) status = plot(argument(args, "plot"), p, curve, &budget, args);
    ardm_budget_free(&budget);
    ardm_curve_free(&curve);
    return status;
}

static ardm_status run(const arguments *args) {
    ardm_predictor predictor;
    ardm_device *device = NULL;
    ARDM_TRY(need_files(args, 1, 1));
    ARDM_TRY(open_predictor(&predictor, &device, args->files[0], args));
    json_t *list = json_array();
    ardm_status status = answer(list, &predictor, args);
    if (status == ARDM_OK && has(args, "json")) {
        json_dumpf(list, stdout, JSON_INDENT(1));
        printf("\n");
    }
    json_decref(list);
    ardm_predictor_close(&predictor);
    ardm_device_close(&device);
    return status;
}

static const option options[] = {{"steps", 0, "N", "one budget, with the block ends of every cell"},
                                 {"plot", 0, "FILE", "draw loss curves, and the steps of --steps or the default budget, as .svg or .png"},
                                 {NULL, 0, NULL, NULL}};
const command command_schedule = {
    "schedule",
    "MODEL [--steps N] [--plot FILE]",
    "Predicted bits per dimension by number of network calls: split over cells as gains most, equally, in uniform steps.",
    "ardm schedule tiles --steps 24 --plot curve.svg",
    options,
    run};
