/* ardm refine: keep what the first stages of a process tell of a file and draw the rest: bit depth for pictures and sounds. */
#include <stdlib.h>
#include <string.h>

#include "fill.h"

/* Network calls an item from a stage on. */
static uint32_t calls_from(const ardm_budget *budget, uint32_t from, uint32_t stages) {
    const uint32_t cells = ardm_schedule_cells(budget->schedule);
    uint32_t calls = 0, n;
    for (uint32_t c = cells / stages * from; c < cells; c++) {
        ardm_schedule_steps(budget->schedule, c, &n);
        calls += n;
    }
    return calls;
}

static ardm_status refine(ardm_predictor *p, ardm_item *item, const ardm_modality *modality, const arguments *args) {
    (void)modality;
    const ardm_process *process = ardm_session_process(p->session);
    const uint32_t stages = ardm_process_stages(process);
    int64_t n, steps, seed, from;
    double temperature = 1;
    if (stages == 1)
        return ardm_fail(ARDM_EINVAL, "the model has one stage, '%s': there is no coarser one to start from", ardm_process_text(process));
    ARDM_TRY(argument_int(&n, args, "count", 1, 1, 256));
    ARDM_TRY(argument_int(&steps, args, "steps", 0, 1, 1 << 24));
    ARDM_TRY(argument_int(&seed, args, "seed", 0, 0, INT64_MAX));
    ARDM_TRY(argument_int(&from, args, "from-stage", stages - 1, 1, stages - 1));
    if (has(args, "temperature")) ARDM_TRY(ardm_parse_float(&temperature, "temperature", argument(args, "temperature"), 0.01, 100));
    ARDM_TRY(fill_check(p, item));
    const char *to = argument(args, "output");
    if (!to) to = item->rank > 1 ? "refined.png" : strcmp(p->modality, "text") == 0 ? "-" : "refined.wav";
    ardm_budget budget;
    ARDM_TRY(ardm_budget_choose(&budget, p->model, p->session, (uint32_t)steps));
    uint8_t *all = malloc((size_t)(item->count / item->channels));
    uint16_t *drawn = malloc((size_t)n * (size_t)item->count * sizeof *drawn);
    filled done;
    ardm_status status = all && drawn ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for %lld refinements", (long long)n);
    const filling how = {.budget = &budget,
                         .seed = (uint64_t)seed,
                         .temperature = temperature,
                         .count = (uint32_t)n,
                         .from = (uint32_t)from,
                         .price = 1,
                         .task = "refine"};
    if (status == ARDM_OK) {
        memset(all, 1, (size_t)(item->count / item->channels));
        status = fill_item(&done, drawn, p, &how, item, all);
    }
    if (status == ARDM_OK) status = write_filled(to, p, item, drawn, (uint32_t)n, args);
    if (status == ARDM_OK) {
        const int32_t piped = strcmp(to, "-") == 0; /* standard output is the refinement's alone */
        char line[400];
        snprintf(line, sizeof line,
                 "%s: %lld refinement%s of %.0f units, %u of %u values told apart by the file: %.4f bits a unit drawn in %u calls; what was there "
                 "costs %.4f",
                 to, (long long)n, n == 1 ? "" : "s", done.units, ardm_process_class_count(process, (uint32_t)from), ardm_process_classes(process),
                 done.drawn_bits / done.units, calls_from(&budget, (uint32_t)from, stages), done.true_bits / done.units);
        if (piped)
            ardm_log_write(ARDM_LOG_INFO, "%s", line);
        else
            printf("%s\n", line);
    }
    free(drawn);
    free(all);
    ardm_budget_free(&budget);
    return status;
}

static ardm_status run(const arguments *args) { return fill_with(refine, args); }

static const option options[] = {
    {"from-stage", 0, "S", "x^(S) of every unit is kept, S = 1 … stages-1; default the last: only the finest digit is drawn"},
    {"count", 'n', "N", "how many; default 1, more are FILE-0, FILE-1, …"},
    {"steps", 0, "N", "network calls a tile or window if all stages were drawn; those of the kept ones are not made"},
    {"temperature", 't', "T", "divides the logits of what is drawn; default 1"},
    {"output", 'o', "FILE", "default refined.png, refined.wav (FILE.png draws it), or standard output for text"},
    {NULL, 0, NULL, NULL},
};
const command command_refine = {"refine",
                                "MODEL FILE [--from-stage S] [-n N]",
                                "Keep the coarse stages of a file and draw the finer ones.",
                                "ardm refine run/model.ardm posterised.png --from-stage 2 -o refined.png",
                                options,
                                run};
