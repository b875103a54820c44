/* ardm sample: new items from a model, in as many calls as one can afford. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

#include "trace.h"

static ardm_status draw(ardm_predictor *predictor, const arguments *args) {
    int64_t n, steps, seed;
    int32_t confidence = ARDM_CONFIDENCE_NONE;
    double temperature = 1;
    ARDM_TRY(argument_int(&n, args, "count", 16, 1, 4096));
    ARDM_TRY(argument_int(&steps, args, "steps", 0, 1, 1 << 24));
    ARDM_TRY(argument_int(&seed, args, "seed", 0, 0, INT64_MAX));
    if (has(args, "order-by")) ARDM_TRY(ardm_confidence_parse(&confidence, argument(args, "order-by")));
    if (has(args, "temperature")) ARDM_TRY(ardm_parse_float(&temperature, "temperature", argument(args, "temperature"), 0.01, 100));
    ardm_layout layout = ardm_session_layout(predictor->session);
    const char *to = argument(args, "output");
    if (!to) to = layout.rank > 1 ? "samples.png" : strcmp(predictor->modality, "text") == 0 ? "-" : "samples.wav";
    ardm_budget budget;
    ARDM_TRY(ardm_budget_choose(&budget, predictor->model, predictor->session, (uint32_t)steps));
    int32_t *symbols = malloc((size_t)n * ardm_layout_symbols(&layout) * sizeof *symbols);
    ardm_sampling sampling = {.budget = &budget, .seed = (uint64_t)seed, .temperature = temperature, .confidence = confidence, .task = "sample"};
    trace *traced = NULL;
    ardm_status status = symbols ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for %lld samples", (long long)n);
    if (status == ARDM_OK && has(args, "trace")) {
        status = trace_open(&traced, argument(args, "trace"), predictor, &layout, args);
        sampling.watch = trace_step;
        sampling.user = traced;
    }
    double began = ardm_clock();
    if (status == ARDM_OK) status = ardm_sample(predictor->session, &sampling, &layout, symbols, NULL, 0, (uint32_t)n);
    if (status == ARDM_OK && traced) status = trace_finish(traced);
    if (status == ARDM_OK) status = write_items(to, predictor, &layout, symbols, (uint32_t)n, args);
    if (status == ARDM_OK && strcmp(to, "-") != 0)
        printf("%s: %lld samples, seed %lld, %u calls each, %.1f s\n", to, (long long)n, (long long)seed, ardm_schedule_calls(budget.schedule),
               ardm_clock() - began);
    trace_free(&traced);
    free(symbols);
    ardm_budget_free(&budget);
    return status;
}

static ardm_status run(const arguments *args) {
    ardm_predictor predictor;
    ardm_device *device = NULL;
    ARDM_TRY(need_files(args, 1, 1));
    ARDM_TRY(open_predictor(&predictor, &device, args->files[0], args));
    ardm_status status = draw(&predictor, args);
    ardm_predictor_close(&predictor);
    ardm_device_close(&device);
    return status;
}

static const option options[] = {
    {"count", 'n', "N", "how many; default 16"},
    {"steps", 0, "N", "network calls an item; default max(cells, min(48, units))"},
    {"order-by", 0, "CONFIDENCE", "a call decides the units that it is surest of: probability, margin or entropy; outside the model's distribution"},
    {"temperature", 't', "T", "divides the logits; default 1"},
    {"trace", 0, "PATH", "what is known after each call: FOLDER has a picture a call, FILE.png up to 16 frames of the first sample; text: a listing"},
    {"output", 'o', "FILE", "picture (default samples.png), sound (samples.wav; FILE.png draws it) or text (standard output)"},
    {NULL, 0, NULL, NULL},
};
const command command_sample = {"sample",
                                "MODEL [-n 16] [--steps N] [--trace PATH] [-o FILE]",
                                "Draw samples; the same seed gives the same ones on every device.",
                                "ardm sample tiles -n 64 --steps 48 -o grid.png --trace steps.png",
                                options,
                                run};
