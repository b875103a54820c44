/* ardm schedule: what budgets cost, by the model's loss curve. */
#include "model_file.h"

#include <jansson.h>
#include <stdlib.h>

#include "ardm/budget.h"

static ardm_status print_budget(json_t *list, const ardm_predictor *p, uint32_t steps, int32_t all, const arguments *args) {
    ardm_budget budget;
    ARDM_TRY(ardm_budget_choose(&budget, p->model, p->session, steps));
    json_array_append_new(list, json_pack("{s:I, s:I, s:f, s:i}", "calls", (json_int_t)budget.calls, "block", (json_int_t)budget.block,
                                          "bits_per_dim", budget.bits, "frozen", (int)budget.frozen));
    if (!has(args, "json")) {
        printf("%6u calls  %8.4f bits/dim", budget.calls, budget.bits);
        if (budget.block) printf("  blocks of %u", budget.block);
        printf("  %s\n", budget.frozen >= 0 ? "frozen in the model" : "explicit");
        for (uint32_t c = 0; all && c < ardm_schedule_cells(budget.schedule); c++) {
            uint32_t n;
            const uint32_t *at = ardm_schedule_steps(budget.schedule, c, &n);
            printf("  cell %u of %u units:", c, ardm_schedule_units(budget.schedule, c));
            for (uint32_t k = 0; k < n; k++) printf(" %u", at[k]);
            printf("\n");
        }
    }
    ardm_budget_free(&budget);
    return ARDM_OK;
}

static ardm_status run(const arguments *args) {
    ardm_predictor predictor;
    ardm_device *device = NULL;
    int64_t steps;
    uint32_t least = 0;
    ARDM_TRY(need_files(args, 1, 1));
    ARDM_TRY(argument_int(&steps, args, "steps", 0, 1, 1 << 24));
    ARDM_TRY(open_predictor(&predictor, &device, args->files[0], args));
    json_t *list = json_array();
    ardm_status status = ardm_budget_least(&least, predictor.session);
    ardm_layout layout = ardm_session_layout(predictor.session);
    uint32_t units = ardm_layout_units(&layout);
    if (status == ARDM_OK && steps) status = print_budget(list, &predictor, (uint32_t)steps, 1, args);
    for (uint32_t b = least; status == ARDM_OK && !steps && b <= units && b <= 16 * least; b *= 2)
        status = print_budget(list, &predictor, b, 0, args);
    if (status == ARDM_OK && has(args, "json")) {
        json_dumpf(list, stdout, JSON_INDENT(1));
        printf("\n");
    }
    json_decref(list);
    ardm_predictor_close(&predictor);
    ardm_device_close(&device);
    return status;
}

static const option options[] = {{"steps", 0, "N", "one budget, with the block ends of every cell"}, {NULL, 0, NULL, NULL}};
const command command_schedule = {
    "schedule", "MODEL [--steps N]", "Predicted bits per dimension by number of network calls.", "ardm schedule tiles --steps 24", options, run};
