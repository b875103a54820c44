/* ardm schedule: what budgets cost by the model's loss curve, split in three ways, and a picture of the curve with the steps. */
#include "schedule.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

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
    splits s = {0};
    ARDM_TRY(ardm_budget_choose(&budget, p->model, p->session, steps));
    ardm_status status = open_cells(&c, p, curve, budget.block);
    if (status == ARDM_OK) status = compare_splits(&s, &budget, &c);
    if (status == ARDM_OK) {
        json_t *entry = json_pack("{s:I, s:I, s:f, s:f, s:f, s:i}", "calls", (json_int_t)budget.calls, "block", (json_int_t)budget.block,
                                  "bits_per_dim", s.optimal, "equal_split", s.equal, "uniform_steps", s.uniform, "frozen", (int)budget.frozen);
        if (all) json_object_set_new(entry, "cells", steps_of(&budget, &c));
        json_array_append_new(list, entry);
    }
    if (status == ARDM_OK && !has(args, "json")) {
        if (json_array_size(list) == 1) printf(" calls   optimal split   equal split   uniform steps   bits a dimension, predicted\n");
        printf("%6u %15.4f %13.4f %15.4f  ", budget.calls, s.optimal, s.equal, s.uniform);
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

static ardm_status answer(json_t *list, const ardm_predictor *p, const arguments *args) {
    ardm_curve *curve = NULL;
    ardm_budget budget = {0};
    int64_t steps;
    uint32_t budgets[MOST_BUDGETS], n = 0;
    ARDM_TRY(argument_int(&steps, args, "steps", 0, 1, 1 << 24));
    ARDM_TRY(ardm_model_curve(p->model, &curve));
    ardm_status status = ARDM_OK;
    if (steps) budgets[n++] = (uint32_t)steps;
    if (!steps) status = list_budgets(budgets, &n, p->session);
    for (uint32_t i = 0; i < n && status == ARDM_OK; i++) status = print_budget(list, p, curve, budgets[i], steps > 0, args);
    if (status == ARDM_OK && has(args, "plot")) status = ardm_budget_choose(&budget, p->model, p->session, (uint32_t)steps);
    if (status == ARDM_OK && has(args, "plot")) status = plot_schedule(argument(args, "plot"), NULL, p, curve, &budget, has(args, "force"));
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
