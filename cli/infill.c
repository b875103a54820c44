/* ardm infill: fill any missing part of a picture, text or sound, several times if asked, and say what the true part would have cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/sampler.h"
#include "fill.h"
#include "given.h"

/* Bits of a filled unit where all one knows is the mean and spread of the known units of its channel: a discretised logistic. */
static double mean_cost(const ardm_item *item, const uint8_t *fill) {
    double total = 0;
    for (uint32_t c = 0; c < item->channels; c++) {
        double n = 0, sum = 0, squares = 0;
        for (int64_t p = 0; p < item->count / item->channels; p++) {
            if (fill[p]) continue;
            double x = item->symbols[p * item->channels + c];
            n++;
            sum += x;
            squares += x * x;
        }
        double mean = n > 0 ? sum / n : (item->classes - 1) / 2.0, variance = n > 1 ? squares / n - mean * mean : 1e4;
        double scale = sqrt(3 * (variance > 1 ? variance : 1)) / 3.14159265358979;
        for (int64_t p = 0; p < item->count / item->channels; p++) {
            if (!fill[p]) continue;
            uint32_t x = item->symbols[p * item->channels + c];
            double low = x == 0 ? 0 : 1 / (1 + exp(-(x - 0.5 - mean) / scale));
            double high = x + 1 == item->classes ? 1 : 1 / (1 + exp(-(x + 0.5 - mean) / scale));
            total -= log2(high - low > 1e-12 ? high - low : 1e-12);
        }
    }
    return total;
}

/* The same for text, where values mean nothing: by how often each symbol is among the known ones, half an occurrence added to all. */
static double counts_cost(const ardm_item *item, const uint8_t *fill) {
    double *counts = calloc(item->classes, sizeof *counts), n = item->classes / 2.0, total = 0;
    if (!counts) return NAN; /* a line of the report, not the work */
    for (uint32_t x = 0; x < item->classes; x++) counts[x] = 0.5;
    for (int64_t p = 0; p < item->count; p++) {
        if (fill[p / item->channels]) continue;
        counts[item->symbols[p]]++;
        n++;
    }
    for (int64_t p = 0; p < item->count; p++)
        if (fill[p / item->channels]) total -= log2(counts[item->symbols[p]] / n);
    free(counts);
    return total;
}

static void report(const char *to, const filled *done, int64_t n, double plain, int32_t text, int32_t unknown) {
    char cost[160] = "";
    if (!unknown)
        snprintf(cost, sizeof cost, "; what was there costs %.4f bits a filled unit, %.4f %s", done->true_bits / done->units, plain / done->units,
                 text ? "by the counts of the known ones" : "around the mean of the known ones");
    if (strcmp(to, "-") == 0) /* standard output is the filling's alone */
        ardm_log_write(ARDM_LOG_INFO, "%lld filling%s of %.0f units%s", (long long)n, n == 1 ? "" : "s", done->units, cost);
    else
        printf("%s: %lld filling%s of %.0f units%s\n", to, (long long)n, n == 1 ? "" : "s", done->units, cost);
}

/* The item `times` as large in each extent, its positions the first of each `times` by `times`. */
static ardm_status enlarge(ardm_item *out, uint8_t **fill, const ardm_item *item, const ardm_modality *modality, int64_t times, uint64_t limit) {
    const int64_t extents[3] = {item->extents[0] * times, item->rank > 1 ? item->extents[1] * times : 1, 1};
    const uint32_t c = item->channels;
    if ((double)extents[0] * (double)extents[1] * c * 8 > (double)limit)
        return ardm_fail(ARDM_ENOMEM, "%lldx%lld enlarged %lld times is beyond --memory", (long long)item->extents[0], (long long)item->extents[1],
                         (long long)times);
    ARDM_TRY(ardm_item_blank(out, modality, item->variant, item->rank, extents));
    *fill = malloc((size_t)(out->count / c));
    if (!*fill) return ardm_fail(ARDM_ENOMEM, "no memory for %lld positions", (long long)(out->count / c));
    memset(*fill, 1, (size_t)(out->count / c));
    for (int64_t p = 0; p < item->count / c; p++) {
        const int64_t to = p / item->extents[1] * times * extents[1] + p % item->extents[1] * (item->rank > 1 ? times : 1);
        (*fill)[to] = 0;
        memcpy(out->symbols + to * c, item->symbols + p * c, c * sizeof *item->symbols);
    }
    return ARDM_OK;
}

static ardm_status fill_file(ardm_predictor *p, ardm_item *item, const ardm_modality *modality, const arguments *args) {
    int64_t n, steps, seed, times;
    int32_t confidence = ARDM_CONFIDENCE_NONE;
    double temperature = 1;
    const int32_t text = strcmp(p->modality, "text") == 0;
    ARDM_TRY(argument_int(&n, args, "count", 1, 1, 256));
    ARDM_TRY(argument_int(&steps, args, "steps", 0, 1, 1 << 24));
    ARDM_TRY(argument_int(&seed, args, "seed", 0, 0, INT64_MAX));
    ARDM_TRY(argument_int(&times, args, "enlarge", 0, 2, 64));
    if (has(args, "order-by")) ARDM_TRY(ardm_confidence_parse(&confidence, argument(args, "order-by")));
    if (has(args, "temperature")) ARDM_TRY(ardm_parse_float(&temperature, "temperature", argument(args, "temperature"), 0.01, 100));
    if (times && (has(args, "mask") || has(args, "given") || has(args, "grid")))
        return ardm_fail(ARDM_EINVAL, "--enlarge says what is given; leave out --mask, --given and --grid");
    if (times && text) return ardm_fail(ARDM_EINVAL, "--enlarge is of pictures and sounds");
    ARDM_TRY(fill_check(p, item));
    const char *to = argument(args, "output");
    if (!to) to = item->rank > 1 ? "filled.png" : text ? "-" : "filled.wav";
    ardm_budget budget = {0};
    ardm_item large;
    uint8_t *fill = NULL;
    uint16_t *drawn = NULL;
    filled done;
    memset(&large, 0, sizeof large);
    ardm_status status = ARDM_OK;
    if (times) {
        status = enlarge(&large, &fill, item, modality, times, memory_limit(args));
        item = &large;
    } else {
        fill = malloc((size_t)(item->count / item->channels));
        status = fill ? read_given(fill, item, args) : ardm_fail(ARDM_ENOMEM, "no memory for %lld positions", (long long)item->count);
    }
    if (status == ARDM_OK) status = ardm_budget_choose(&budget, p->model, p->session, (uint32_t)steps);
    if (status == ARDM_OK && !(drawn = malloc((size_t)n * (size_t)item->count * sizeof *drawn)))
        status = ardm_fail(ARDM_ENOMEM, "no memory for %lld fillings", (long long)n);
    const filling how = {.budget = &budget,
                         .seed = (uint64_t)seed,
                         .temperature = temperature,
                         .confidence = confidence,
                         .count = (uint32_t)n,
                         .unknown = times != 0,
                         .task = "infill"};
    if (status == ARDM_OK) status = fill_item(&done, drawn, p, &how, item, fill);
    const double plain = status != ARDM_OK || times ? 0 : text ? counts_cost(item, fill) : mean_cost(item, fill);
    if (status == ARDM_OK) status = write_filled(to, p, item, drawn, (uint32_t)n, args);
    if (status == ARDM_OK) report(to, &done, n, plain, text, times != 0);
    free(drawn);
    free(fill);
    ardm_item_free(&large);
    ardm_budget_free(&budget);
    return status;
}

static ardm_status run(const arguments *args) { return fill_with(fill_file, args); }

static const option options[] = {
    {"mask", 0, "MASK",
     "what is missing. Pictures: one of the same size, non-zero = fill; text and sound: ranges such as 120-180,400-410, or a file of 0 and 1"},
    {"given", 0, "A:B", "text and sound: what is there, the rest is filled; 0:100 is a prefix, 0:100,180: leaves a gap"},
    {"grid", 0, "N", "given is every N-th position of each extent: 2 keeps a quarter of a picture, half of a sound"},
    {"enlarge", 0, "N", "pictures and sounds: draws what is between the positions of FILE, N times as large in each extent"},
    {"count", 'n', "N", "how many fillings; default 1, more are FILE-0, FILE-1, …"},
    {"steps", 0, "N", "network calls a tile or window"},
    {"order-by", 0, "CONFIDENCE", "a call decides the units that it is surest of: probability, margin or entropy; outside the model's distribution"},
    {"temperature", 't', "T", "divides the logits of what is drawn; default 1"},
    {"output", 'o', "FILE", "default filled.png, filled.wav (FILE.png draws it), or standard output for text"},
    {NULL, 0, NULL, NULL},
};
const command command_infill = {"infill",
                                "MODEL FILE --mask M | --given A:B | --grid N | --enlarge N  [-n N]",
                                "Fill missing parts, and tell what the true parts cost.",
                                "ardm infill tiles photo.png --mask hole.png -o filled.png; ardm infill bytes story.txt --given :400 -n 3",
                                options,
                                run};
