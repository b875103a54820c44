/* curves: what the loss curve should be made of. Schedules by the raw means, by the sorted ones (as the paper does it) and by the isotonic fit are
 * each found by the plain recursion, which asks nothing of a curve, and then paid for on other items.
 *
 * Usage: curves MODEL DATA SHAPE, a model of one cell, such as an absorbing one of order uniform. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ardm/budget.h>
#include <ardm/leb128.h>
#include <ardm/log.h>
#include <ardm/predictor.h>
#include <ardm/sampler.h>

enum { BATCH = 16, TESTED = 64, KINDS = 3, SEED = 7 };
static const char *const names[KINDS] = {"raw", "sorted", "isotonic"};
static const uint32_t budgets[] = {5, 20, 50};
static const struct {
    int64_t items;
    uint32_t draws;
} fits[] = {{16, 4}, {64, 16}}; /* items 100 and on */

/* The best steps by any curve, O(B N^2): cost(k, end) = min over start of cost(k-1, start) + (end - start) loss[start]. Returns its cost. */
static double recursion(uint32_t *steps, const double *loss, uint32_t units, uint32_t budget, double *cost, uint32_t *from) {
    const size_t row = units + 1;
    for (uint32_t end = 0; end <= units; end++) {
        cost[end] = end * loss[0];
        from[end] = 0;
    }
    for (uint32_t k = 1; k < budget; k++)
        for (uint32_t end = 0; end <= units; end++) {
            double best = INFINITY;
            uint32_t at = 0;
            for (uint32_t start = k; start < end; start++) {
                const double each = cost[(k - 1) * row + start] + (end - start) * loss[start];
                if (each < best) {
                    best = each;
                    at = start;
                }
            }
            cost[k * row + end] = best;
            from[k * row + end] = at;
        }
    for (uint32_t k = budget, end = units; k-- > 0;) end = steps[k] = from[k * row + end];
    return cost[(budget - 1) * row + units];
}

/* Steps as a schedule, by the bytes that an archive would hold. */
static ardm_status schedule_of(ardm_budget *out, ardm_session *session, const uint32_t *steps, uint32_t n) {
    ardm_bytes bytes = {0};
    ardm_status status = ardm_leb128_write(&bytes, 1);
    if (status == ARDM_OK) status = ardm_leb128_write(&bytes, n);
    for (uint32_t j = 1; status == ARDM_OK && j < n; j++) status = ardm_leb128_write(&bytes, steps[j] - steps[j - 1] - 1);
    if (status == ARDM_OK) status = ardm_budget_read(out, session, 0, bytes.data, bytes.size);
    ardm_bytes_free(&bytes);
    return status;
}

static int downwards(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? 1 : -(x > y);
}

static ardm_status make_curves(double *const losses[KINDS], const ardm_curve *curve, uint32_t units) {
    const uint32_t bins = ardm_curve_bins(curve, 0);
    double last = 0;
    for (uint32_t n = 0; n < units; n++) { /* a bin that no draw met has its neighbour's mean */
        const uint32_t bin = (uint32_t)((uint64_t)n * bins / units);
        if (ardm_curve_visits(curve, 0, bin) > 0) last = ardm_curve_mean(curve, 0, bin);
        losses[0][n] = losses[1][n] = last;
    }
    for (uint32_t n = units; n-- > 0;) /* nor has the first, perhaps */
        if (losses[0][n] == 0) losses[0][n] = losses[1][n] = n + 1 < units ? losses[0][n + 1] : 0;
    qsort(losses[1], units, sizeof **losses, downwards);
    return ardm_curve_losses(curve, 1, &units, 1, losses[2]);
}

static ardm_status open_items(ardm_dataset **out, const ardm_predictor *p, char **paths, int64_t first, int64_t end) {
    const ardm_description *d = ardm_session_description(p->session);
    const ardm_dataset_options options = {paths[0], ".", p->modality, p->variant, paths[1], d->extent[0], d->extent[0], first, end, 1, 1024u << 20u};
    return ardm_dataset_open(out, &options);
}

/* Bits of each of the items under the steps. */
static ardm_status pay(double *bits, ardm_predictor *p, const ardm_dataset *data, const uint32_t *steps, uint32_t n) {
    const ardm_layout layout = ardm_dataset_layout(data);
    const uint32_t units = ardm_layout_units(&layout);
    ardm_budget budget = {0};
    ARDM_TRY(schedule_of(&budget, p->session, steps, n));
    int32_t *symbols = malloc((size_t)BATCH * units * sizeof *symbols);
    uint8_t *mask = calloc(BATCH, units);
    ardm_status status = symbols && mask ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for %d items", BATCH);
    for (uint32_t begin = 0; status == ARDM_OK && begin < TESTED; begin += BATCH) {
        for (uint32_t i = 0; i < BATCH; i++) ardm_dataset_item(data, begin + i, symbols + (size_t)i * units);
        status = ardm_scheduled_cost(bits + begin, p->session, &budget, SEED, &layout, symbols, mask, begin, BATCH);
    }
    free(symbols);
    free(mask);
    ardm_budget_free(&budget);
    return status;
}

static void print_row(uint32_t f, uint32_t budget, int kind, double predicted, double (*bits)[TESTED], uint32_t units) {
    double sum = 0, worse = 0, squares = 0;
    for (int i = 0; i < TESTED; i++) {
        const double more = (bits[kind][i] - bits[2][i]) / units;
        sum += bits[kind][i] / units;
        worse += more;
        squares += more * more;
    }
    const double error = sqrt((squares - worse * worse / TESTED) / (TESTED - 1) / TESTED);
    printf("| %lld × %u | %u | %s | %.4f | %.4f | %+.4f ± %.4f |\n", (long long)fits[f].items, fits[f].draws, budget, names[kind], predicted / units,
           sum / TESTED, worse / TESTED, error);
}

static ardm_status compare(ardm_predictor *p, char **paths) {
    static double bits[KINDS][TESTED];
    const ardm_layout layout = ardm_session_layout(p->session);
    const uint32_t units = ardm_layout_units(&layout), most = budgets[sizeof budgets / sizeof *budgets - 1];
    double *losses[KINDS] = {0}, *cost = malloc((size_t)most * (units + 1) * sizeof *cost);
    uint32_t *from = malloc((size_t)most * (units + 1) * sizeof *from), *steps = malloc(most * sizeof *steps);
    ardm_dataset *test = NULL, *data = NULL;
    ardm_curve *curve = NULL;
    ardm_estimate bound;
    ardm_status status = cost && from && steps && units >= most ? ARDM_OK : ardm_fail(ARDM_EINVAL, "an item has %u units", units);
    for (int k = 0; k < KINDS; k++)
        if (!(losses[k] = malloc(units * sizeof *losses[k]))) status = ardm_fail(ARDM_ENOMEM, "no memory for a curve");
    if (status == ARDM_OK) status = open_items(&test, p, paths, 0, TESTED);
    if (status == ARDM_OK && ardm_dataset_held_out(test) < TESTED) status = ardm_fail(ARDM_EINVAL, "the data has fewer than %d items", TESTED);
    printf("| curve: items × draws | calls | kind | predicted | paid | more than isotonic |\n| --- | --- | --- | --- | --- | --- |\n");
    for (uint32_t f = 0; status == ARDM_OK && f < sizeof fits / sizeof *fits; f++) {
        status = open_items(&data, p, paths, 100, 100 + fits[f].items);
        if (status == ARDM_OK) status = ardm_measure_curve(&curve, &bound, p->session, data, 0, fits[f].items, fits[f].draws, SEED);
        if (status == ARDM_OK && ardm_curve_cells(curve) != 1)
            status = ardm_fail(ARDM_EUNSUPPORTED, "the model has %u cells, not one", ardm_curve_cells(curve));
        if (status == ARDM_OK) status = make_curves(losses, curve, units);
        for (uint32_t b = 0; status == ARDM_OK && b < sizeof budgets / sizeof *budgets; b++) {
            double predicted[KINDS];
            for (int k = 0; status == ARDM_OK && k < KINDS; k++) {
                predicted[k] = recursion(steps, losses[k], units, budgets[b], cost, from);
                status = pay(bits[k], p, test, steps, budgets[b]);
            }
            for (int k = 0; status == ARDM_OK && k < KINDS; k++) print_row(f, budgets[b], k, predicted[k], bits, units);
        }
        ardm_curve_free(&curve);
        ardm_dataset_free(&data);
    }
    ardm_dataset_free(&test);
    for (int k = 0; k < KINDS; k++) free(losses[k]);
    free(cost);
    free(from);
    free(steps);
    return status;
}

int main(int argc, char **argv) {
    ardm_device *device = NULL;
    ardm_model *model = NULL;
    ardm_predictor predictor;
    if (argc != 4) {
        fprintf(stderr, "usage: curves MODEL DATA SHAPE\n");
        return 1;
    }
    ardm_status status = ardm_device_open(&device, NULL);
    if (status == ARDM_OK) status = ardm_model_load(&model, argv[1], 1024u << 20u);
    if (status == ARDM_OK) {
        status = ardm_predictor_open(&predictor, model, device, 1024u << 20u);
        if (status == ARDM_OK) {
            status = compare(&predictor, argv + 2);
            ardm_predictor_close(&predictor);
        }
    }
    if (status != ARDM_OK) fprintf(stderr, "curves: %s\n", ardm_message());
    ardm_device_close(&device);
    return status != ARDM_OK;
}
