/* ardm eval: what data costs, by which label: bound, scheduled likelihood, its prediction, and bytes on disk. */
#include "eval.h"
#include "codec_files.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ardm/sampler.h"

enum { BATCH = 16, GROUPS = 8 };

ardm_estimate estimate_of(const double *bits, int64_t count, double dimensions, double began) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) {
        const double each = bits[i] / dimensions;
        sum += each;
        squares += each * each;
    }
    const double mean = sum / (double)count, variance = count > 1 ? (squares - sum * mean) / (double)(count - 1) : 0;
    return (ardm_estimate){count, dimensions * (double)count, mean, sqrt(variance > 0 ? variance / (double)count : 0), ardm_clock() - began};
}

ardm_status scheduled(ardm_estimate *out, ardm_predictor *p, const ardm_dataset *data, const ardm_budget *budget, int64_t count, uint64_t seed,
                      uint32_t context) {
    const ardm_layout whole = ardm_dataset_layout(data), layout = ardm_layout_join(&whole, ardm_session_parts(p->session));
    const uint32_t units = ardm_layout_symbols(&layout);
    int32_t *symbols = malloc((size_t)BATCH * units * sizeof *symbols);
    uint8_t *mask = calloc((size_t)BATCH, units);
    double *bits = malloc((size_t)count * sizeof *bits), began = ardm_clock();
    ardm_status status = symbols && mask && bits ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for %lld items", (long long)count);
    for (uint32_t i = 0; status == ARDM_OK && i < BATCH; i++) memset(mask + (size_t)i * units, ARDM_GIVEN, context);
    for (int64_t begin = 0; status == ARDM_OK && begin < count; begin += BATCH) {
        uint32_t n = count - begin < BATCH ? (uint32_t)(count - begin) : BATCH;
        for (uint32_t i = 0; i < n; i++) ardm_dataset_item(data, begin + i, symbols + (size_t)i * units);
        status = ardm_scheduled_cost(bits + begin, p->session, budget, seed, &layout, symbols, mask, (uint64_t)begin, n);
        if (status == ARDM_OK) status = ardm_progress("scheduled likelihood", (double)(begin + n), (double)count, "items", NULL);
    }
    if (status == ARDM_OK) *out = estimate_of(bits, count, units - context, began);
    free(bits);
    free(symbols);
    free(mask);
    return status;
}

/* The model that is evaluated is the one that codes. */
static ardm_status evaluated(void *user, const char *modality, const char *variant, ardm_predictor **out) {
    ardm_predictor *p = user;
    *out = strcmp(p->modality, modality) == 0 && (!p->variant[0] || strcmp(p->variant, variant) == 0) ? p : NULL;
    return ARDM_OK;
}

static ardm_status evaluated_too(void *user, const uint8_t identity[8], ardm_predictor **out) {
    ardm_predictor *p = user;
    *out = p;
    return memcmp(p->identity.bytes, identity, 8) == 0 ? ARDM_OK : ardm_fail(ARDM_EMODEL, "the archive just written names another model");
}

/* Compresses the same items, each as an archive of its own, onto disk, and adds up the files' sizes. */
static ardm_status coded(uint64_t *bytes, uint64_t *dimensions, ardm_predictor *p, const char *path, const arguments *args) {
    const char *temporary = getenv("TMPDIR");
    char place[4096], file[4200];
    if (snprintf(place, sizeof place, "%s/ardm-eval-XXXXXX", temporary ? temporary : "/tmp") >= (int)sizeof place || !mkdtemp(place))
        return ardm_fail(ARDM_EIO, "no temporary folder can be made");
    ardm_codec_input input = {.name = base_name(path), .shape = argument(args, "shape"), .named_model = 1};
    struct stat facts;
    if (stat(path, &facts) == 0) { /* as compress stores them */
        input.mode = (uint32_t)facts.st_mode & 0777;
        input.mtime = (int64_t)facts.st_mtime;
    }
    ardm_bytes content = {0}, *archives = NULL;
    ardm_codec_report *reports = NULL;
    uint32_t n = 0, n_reports = 0;
    ardm_models source = {p, evaluated, evaluated_too};
    ardm_codec_options options = {.each = 1, .verify = 1, .memory = memory_limit(args)};
    int64_t steps = 0, seed = 0;
    ardm_status status = items_range(&input.first, &input.end, args);
    if (status == ARDM_OK) status = argument_int(&steps, args, "steps", 0, 1, 1 << 24);
    if (status == ARDM_OK) status = argument_int(&seed, args, "seed", 0, 0, INT64_MAX);
    options.steps = (uint32_t)steps;
    options.seed = (uint64_t)seed;
    if (status == ARDM_OK) status = ardm_file_read(&content, path, memory_limit(args), 1);
    input.data = content.data;
    input.size = content.size;
    if (status == ARDM_OK) status = ardm_compress(&archives, &n, &reports, &n_reports, &input, 1, &source, &options);
    *bytes = *dimensions = 0;
    for (uint32_t i = 0; status == ARDM_OK && i < n; i++) {
        struct stat info;
        snprintf(file, sizeof file, "%s/%u.ardz", place, i);
        status = ardm_file_write(file, archives[i].data, archives[i].size, 0);
        if (status == ARDM_OK && stat(file, &info) != 0) status = ardm_fail(ARDM_EIO, "%s is not there after it was written", file);
        if (status == ARDM_OK) *bytes += (uint64_t)info.st_size;
        *dimensions += reports[i].dimensions;
        unlink(file);
    }
    rmdir(place);
    for (uint32_t i = 0; archives && i < n; i++) ardm_bytes_free(&archives[i]);
    free(archives);
    free(reports);
    ardm_bytes_free(&content);
    return status;
}

ardm_status open_data(ardm_dataset **out, const ardm_predictor *p, const char *items, const arguments *args) {
    const ardm_description *d = ardm_session_description(p->session);
    ardm_dataset_options options = {.paths = argument(args, "data"),
                                    .root = ".",
                                    .modality = p->modality,
                                    .variant = p->variant,
                                    .shape = argument(args, "shape"),
                                    .tile = d->extent[0],
                                    .window = d->extent[0],
                                    .whole = 1,
                                    .memory = memory_limit(args)};
    ARDM_TRY(range_of(&options.first, &options.end, items));
    return ardm_dataset_open(out, &options);
}

ardm_status fitted_curve(ardm_curve **out, ardm_predictor *p, int64_t seed, const arguments *args) {
    ardm_dataset *data = NULL;
    ardm_estimate bound;
    *out = NULL;
    if (!has(args, "fit")) return ardm_model_curve(p->model, out);
    ARDM_TRY(open_data(&data, p, argument(args, "fit"), args));
    ardm_status status = ardm_measure_curve(out, &bound, p->session, data, 0, ardm_dataset_held_out(data), 16, (uint64_t)seed + 1);
    ardm_dataset_free(&data);
    return status;
}

/* The schedule's cost by the curves of all groups but one; all of them for -1. */
static ardm_status predict_without(double *bits, ardm_curve *const *groups, int32_t n, int32_t left_out, const ardm_budget *budget,
                                   ardm_predictor *p) {
    ardm_curve *all = NULL;
    ardm_status status = ardm_curve_create(&all, ardm_curve_all_units(groups[0]), ardm_curve_cells(groups[0]));
    for (int32_t g = 0; status == ARDM_OK && g < n; g++)
        if (g != left_out) ardm_curve_merge(all, groups[g]);
    if (status == ARDM_OK) status = ardm_budget_predict(bits, budget, all, p->session);
    ardm_curve_free(&all);
    return status;
}

/* The schedule's cost by a loss curve measured on other items of the same data. Its standard error is a jackknife over groups of those
 * items; -1 where there is one item alone. */
static ardm_status predict(double *bits, double *error, ardm_predictor *p, const ardm_budget *budget, int64_t seed, const arguments *args) {
    ardm_dataset *data = NULL;
    ardm_curve *groups[GROUPS] = {NULL};
    ardm_estimate bound;
    *error = -1;
    ARDM_TRY(open_data(&data, p, argument(args, "fit"), args));
    int64_t items = ardm_dataset_held_out(data);
    int32_t n = items < GROUPS ? (int32_t)items : GROUPS;
    ardm_status status = n > 0 ? ARDM_OK : ardm_fail(ARDM_EINVAL, "--fit %s names no item", argument(args, "fit"));
    for (int32_t g = 0; status == ARDM_OK && g < n; g++) {
        int64_t first = items * g / n, end = items * (g + 1) / n;
        status = ardm_measure_curve(&groups[g], &bound, p->session, data, first, end - first, 16, (uint64_t)seed + 1 + (uint64_t)g);
    }
    if (status == ARDM_OK) status = predict_without(bits, groups, n, -1, budget, p);
    double each[GROUPS], mean = 0, squares = 0;
    for (int32_t g = 0; status == ARDM_OK && n > 1 && g < n; g++) {
        status = predict_without(&each[g], groups, n, g, budget, p);
        mean += each[g] / n;
    }
    for (int32_t g = 0; status == ARDM_OK && n > 1 && g < n; g++) squares += (each[g] - mean) * (each[g] - mean);
    if (n > 1) *error = sqrt(squares * (n - 1) / n);
    for (int32_t g = 0; g < n; g++) ardm_curve_free(&groups[g]);
    ardm_dataset_free(&data);
    return status;
}

/* One call a unit, cell by cell, nothing given: the chain rule along one order an item, drawn by the seed. */
static ardm_status full_order(ardm_estimate *out, uint32_t *calls, ardm_predictor *p, const ardm_dataset *data, int64_t count, uint64_t seed) {
    const ardm_order_family *family = ardm_session_order(p->session);
    ardm_budget budget = {.frozen = -1, .block = family->kind == ARDM_ORDER_BLOCKS ? family->high : 0};
    ardm_curve *curve = NULL;
    double *losses = NULL;
    uint32_t *units = NULL, cells = 0, total = 0;
    ARDM_TRY(ardm_model_curve(p->model, &curve));
    ardm_status status = ardm_budget_losses(&losses, &units, &cells, curve, p->session, budget.block);
    for (uint32_t c = 0; status == ARDM_OK && c < cells; c++) total += units[c];
    if (status == ARDM_OK) status = ardm_schedule_naive(&budget.schedule, units, cells, total);
    *calls = budget.calls = total;
    if (status == ARDM_OK) status = scheduled(out, p, data, &budget, count, seed, 0);
    ardm_budget_free(&budget);
    ardm_curve_free(&curve);
    free(losses);
    free(units);
    return status;
}

static ardm_status measure(ardm_predictor *p, const ardm_dataset *data, const arguments *args) {
    int64_t draws, steps, seed, count = ardm_dataset_held_out(data);
    const uint32_t context = has(args, "no-context") ? 0 : ardm_session_description(p->session)->context;
    uint32_t full_calls = 0;
    ardm_estimate bound, cost, full = {0};
    ardm_budget budget;
    ARDM_TRY(argument_int(&draws, args, "draws", 4, 1, 10000));
    ARDM_TRY(argument_int(&steps, args, "steps", 0, 1, 1 << 24));
    ARDM_TRY(argument_int(&seed, args, "seed", 0, 0, INT64_MAX));
    ARDM_TRY(ardm_budget_choose(&budget, p->model, p->session, (uint32_t)steps));
    ardm_status status = ardm_evaluate_bound(&bound, p->session, data, 0, count, (uint32_t)draws, (uint64_t)seed, NULL, NULL);
    if (status == ARDM_OK) status = scheduled(&cost, p, data, &budget, count, (uint64_t)seed, context);
    if (status == ARDM_OK && !context) budget.calls = ardm_schedule_calls(budget.schedule);
    if (status == ARDM_OK && has(args, "full-order")) status = full_order(&full, &full_calls, p, data, count, (uint64_t)seed);
    uint64_t bytes = 0, dimensions = 0;
    double predicted = budget.bits, predicted_error = -1;
    if (status == ARDM_OK && has(args, "fit")) status = predict(&predicted, &predicted_error, p, &budget, seed, args);
    if (status == ARDM_OK && has(args, "coded")) status = coded(&bytes, &dimensions, p, argument(args, "data"), args);
    if (status == ARDM_OK && has(args, "json")) {
        json_t *all = json_pack("{s:I, s:f, s:f, s:I, s:f, s:f, s:f, s:I}", "items", (json_int_t)count, "bound", bound.bits, "bound_error",
                                bound.error, "calls", (json_int_t)budget.calls, "scheduled", cost.bits, "scheduled_error", cost.error, "predicted",
                                predicted, "coded_bytes", (json_int_t)bytes);
        json_object_set_new(all, "predicted_error", predicted_error >= 0 ? json_real(predicted_error) : json_null());
        if (full.items)
            json_object_update_new(all, json_pack("{s:f, s:f, s:I}", "full_order", full.bits, "full_order_error", full.error, "full_order_calls",
                                                  (json_int_t)full_calls));
        json_dumpf(all, stdout, JSON_INDENT(1));
        printf("\n");
        json_decref(all);
    } else if (status == ARDM_OK) {
        printf("%lld items, bits a dimension\n", (long long)count);
        printf("  bound, %lld draws an item        %8.4f ± %.4f  (%.1f s)\n", (long long)draws, bound.bits, bound.error, bound.seconds);
        printf("  schedule of %4u calls, measured  %8.4f ± %.4f  (%.1f s)\n", budget.calls, cost.bits, cost.error, cost.seconds);
        char error[32] = "";
        if (predicted_error >= 0) snprintf(error, sizeof error, " ± %.4f", predicted_error);
        printf("  the same, predicted              %8.4f%s  (%s%s)\n", predicted, error,
               has(args, "fit") ? "loss curve of items " : "loss curve of the model's held-out data", has(args, "fit") ? argument(args, "fit") : "");
        if (full.items) printf("  full order of %5u calls         %8.4f ± %.4f  (%.1f s)\n", full_calls, full.bits, full.error, full.seconds);
        if (has(args, "coded"))
            printf("  coded, files on disk             %8.4f  (%llu bytes)\n", 8.0 * (double)bytes / (double)dimensions, (unsigned long long)bytes);
    }
    ardm_budget_free(&budget);
    return status;
}

static ardm_status run(const arguments *args) {
    ardm_predictor predictor;
    ardm_device *device = NULL;
    ardm_dataset *data = NULL;
    ARDM_TRY(need_files(args, 1, 1));
    if (!has(args, "data")) return ardm_fail(ARDM_EINVAL, "give the data: --data PATH");
    ARDM_TRY(open_predictor(&predictor, &device, args->files[0], args));
    const int32_t reports = has(args, "compare") || has(args, "calibration") || has(args, "map");
    ardm_status status = ARDM_OK;
    if (has(args, "map")) status = map_costs(&predictor, args);
    if (status == ARDM_OK && (has(args, "compare") || has(args, "calibration") || !reports))
        status = open_data(&data, &predictor, argument(args, "items"), args);
    if (status == ARDM_OK && !reports) status = measure(&predictor, data, args);
    if (status == ARDM_OK && has(args, "compare")) status = compare_processes(&predictor, data, args);
    if (status == ARDM_OK && has(args, "calibration")) status = show_calibration(&predictor, data, args);
    ardm_dataset_free(&data);
    ardm_predictor_close(&predictor);
    ardm_device_close(&device);
    return status;
}

static const option options[] = {
    {"data", 'd', "PATH", "files to measure; several in quotes, path@A:B for a part"},
    {"shape", 0, "HxWxC", "read raw files as arrays of such items"},
    {"draws", 0, "N", "(cell, n) draws an item of the bound; default 4"},
    {"steps", 0, "N", "calls of the scheduled likelihood; default max(cells, min(48, units))"},
    {"fit", 0, "A:B", "predict by a loss curve measured on these items of the data"},
    {"full-order", 0, NULL, "also the likelihood along one order an item, a call a unit, nothing given"},
    {"no-context", 0, NULL, "schedules of whole windows; without it the first half of a window of text is given, as in coding"},
    {"compare", 0, NULL, "instead: order-agnostic, parallel and absorbing diffusion by number of network calls (models of order uniform)"},
    {"calls", 0, "LIST", "the columns of --compare, such as 1,16,256,1000; default powers of 4, one a unit, 4 a unit"},
    {"full", 0, NULL, "--compare: also the full-order likelihood, one call a unit along one order"},
    {"calibration", 0, NULL, "instead: expected calibration error by cell, and predicted probabilities against frequencies"},
    {"map", 0, "FILE", "instead: bits of each unit of one file: F.png, beside the picture; any other name, or -: a listing"},
    {"coded", 0, NULL, "also compress each item, decode it again, and measure the archives on disk; one file without @A:B"},
    {NULL, 0, NULL, NULL},
};
const command command_eval = {"eval",
                              "MODEL --data PATH [--items A:B]",
                              "Bound, scheduled likelihood and coded size of data, labelled; comparisons, calibration, and maps of bits.",
                              "ardm eval tiles --data test.hwc.xz --shape 32x32x3 --items 0:100 --coded",
                              options,
                              run};
