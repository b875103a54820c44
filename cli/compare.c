/* ardm eval --compare: the paper's comparison for one model. Columns are network calls; the same items in every cell. */
#include "eval.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/chain.h"
#include "ardm/diffusion.h"

enum { BATCH = 16, MOST_COLUMNS = 12 };

typedef struct column {
    uint32_t calls; /* 0: the limit of ever more diffusion steps */
    int32_t scheduled, whole;
    double parallel, diffusion, useful; /* predicted; parallel only where calls <= units */
    ardm_estimate bound, walked, chain; /* measured; items 0: not */
} column;

static int by_calls(const void *a, const void *b) {
    const uint32_t x = ((const column *)a)->calls - 1, y = ((const column *)b)->calls - 1; /* the limit is last */
    return x < y ? -1 : x > y;
}

static ardm_status list_columns(column *list, uint32_t *n, uint32_t units, const arguments *args) {
    const char *text = argument(args, "calls");
    uint32_t calls[MOST_COLUMNS], count = 0;
    for (uint32_t c = 1; !text && c < units && c <= 64; c *= 4) calls[count++] = c;
    if (!text) calls[count++] = 4 * units;
    for (const char *at = text; at && *at;) {
        char word[16];
        const size_t length = strcspn(at, ",");
        int64_t value;
        if (length == 0 || length >= sizeof word || count + 2 > MOST_COLUMNS)
            return ardm_fail(ARDM_EINVAL, "--calls %s: give up to %d numbers such as 1,16,256,1000", text, MOST_COLUMNS - 2);
        memcpy(word, at, length);
        word[length] = 0;
        ARDM_TRY(ardm_parse_int(&value, "calls", word, 1, 1 << 20));
        calls[count++] = (uint32_t)value;
        at += length + (at[length] == ',');
    }
    calls[count++] = units; /* one call a unit: the order-agnostic model itself */
    *n = 0;
    for (uint32_t k = 0; k < count; k++) {
        int32_t known = 0;
        for (uint32_t i = 0; i < *n; i++) known |= list[i].calls == calls[k];
        if (!known) list[(*n)++] = (column){.calls = calls[k], .whole = calls[k] == units, .scheduled = calls[k] < units};
    }
    list[(*n)++] = (column){.calls = 0};
    qsort(list, *n, sizeof *list, by_calls);
    return ARDM_OK;
}

/* What the curve says: the schedule's cost, B_T, and for the limit the sum of the losses. */
static ardm_status predict(column *c, const double *losses, const uint32_t *units, uint32_t parts) {
    const double dimensions = (double)*units * parts;
    if (c->calls == 0) {
        for (uint32_t n = 0; n < *units; n++) c->diffusion += losses[n] / dimensions;
        c->useful = *units;
        return ARDM_OK;
    }
    c->diffusion = ardm_diffusion_bits(losses, *units, c->calls) / dimensions;
    c->useful = ardm_diffusion_calls(*units, c->calls);
    if (c->calls > *units) return ARDM_OK;
    ardm_schedule *schedule = NULL;
    ARDM_TRY(ardm_schedule_optimal(&schedule, losses, units, 1, c->calls));
    c->parallel = ardm_schedule_predict(schedule, losses) / dimensions;
    ardm_schedule_free(&schedule);
    return ARDM_OK;
}

static ardm_status run_chain(ardm_estimate *out, ardm_predictor *p, const ardm_dataset *data, int64_t count, uint32_t steps, uint32_t draws,
                             uint64_t seed) {
    const ardm_layout layout = ardm_dataset_layout(data);
    const uint32_t units = ardm_layout_symbols(&layout);
    const double began = ardm_clock();
    double *bits = malloc((size_t)count * sizeof *bits);
    int32_t *symbols = malloc((size_t)BATCH * units * sizeof *symbols);
    ardm_status status = bits && symbols ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for %lld items", (long long)count);
    for (int64_t begin = 0; status == ARDM_OK && begin < count; begin += BATCH) {
        const uint32_t n = count - begin < BATCH ? (uint32_t)(count - begin) : BATCH;
        for (uint32_t i = 0; i < n; i++) ardm_dataset_item(data, begin + i, symbols + (size_t)i * units);
        status = ardm_chain_cost(bits + begin, p->session, steps, draws, seed, symbols, (uint64_t)begin, n);
    }
    if (status == ARDM_OK) *out = estimate_of(bits, count, units, began);
    free(symbols);
    free(bits);
    return status;
}

static void print_row(const char *label, const column *list, uint32_t n, size_t offset) {
    printf("%-36s", label);
    for (uint32_t k = 0; k < n; k++) {
        const double value = *(const double *)((const char *)&list[k] + offset);
        if (value > 0)
            printf(" %9.4f", value);
        else
            printf("         -");
    }
    printf("\n");
}

static void print_estimates(const char *label, const column *list, uint32_t n, size_t offset) {
    for (int32_t line = 0; line < 2; line++) {
        printf("%-36s", line ? "" : label);
        for (uint32_t k = 0; k < n; k++) {
            const ardm_estimate *e = (const ardm_estimate *)(const void *)((const char *)&list[k] + offset);
            if (!e->items)
                printf(line ? "          " : "         -");
            else if (line)
                printf("   ±%6.4f", e->error);
            else
                printf(" %9.4f", e->bits);
        }
        printf("\n");
    }
}

static void put_estimate(json_t *entry, const char *name, const ardm_estimate *e) {
    if (e->items) json_object_set_new(entry, name, json_pack("{s:f, s:f}", "bits_per_dim", e->bits, "error", e->error));
}

static void print_json(const column *list, uint32_t n, int64_t items, uint32_t units, int64_t draws) {
    json_t *columns = json_array();
    for (uint32_t k = 0; k < n; k++) {
        json_t *entry = json_object();
        json_object_set_new(entry, "calls", list[k].calls ? json_integer(list[k].calls) : json_null());
        put_estimate(entry, "order_agnostic", &list[k].bound);
        if (list[k].parallel > 0) json_object_set_new(entry, "parallel_predicted", json_real(list[k].parallel));
        put_estimate(entry, "parallel_measured", &list[k].walked);
        json_object_set_new(entry, "diffusion_predicted", json_real(list[k].diffusion));
        put_estimate(entry, "diffusion_measured", &list[k].chain);
        json_object_set_new(entry, "useful_calls", json_real(list[k].useful));
        json_array_append_new(columns, entry);
    }
    json_t *all =
        json_pack("{s:I, s:I, s:I, s:o}", "items", (json_int_t)items, "units", (json_int_t)units, "draws", (json_int_t)draws, "columns", columns);
    json_dumpf(all, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(all);
}

static void print_table(const column *list, uint32_t n, int64_t items, uint32_t units, int64_t draws, const arguments *args) {
    printf("%lld items of %u units, bits a dimension; ± is one standard error over items; %lld draws an item\n", (long long)items, units,
           (long long)draws);
    printf("predicted by the loss curve of %s%s\n", has(args, "fit") ? "items " : "the model's held-out data",
           has(args, "fit") ? argument(args, "fit") : "");
    printf("%-36s", "network calls");
    for (uint32_t k = 0; k < n; k++)
        if (list[k].calls)
            printf(" %9u", list[k].calls);
        else
            printf("     limit");
    printf("\n");
    print_estimates("order-agnostic, the bound", list, n, offsetof(column, bound));
    print_row("parallel, predicted", list, n, offsetof(column, parallel));
    print_estimates("parallel, measured", list, n, offsetof(column, walked));
    print_row("absorbing diffusion, predicted", list, n, offsetof(column, diffusion));
    print_estimates("absorbing diffusion, measured", list, n, offsetof(column, chain));
    print_row("  calls that decide something", list, n, offsetof(column, useful));
}

static ardm_status fill(column *list, uint32_t n, ardm_predictor *p, const ardm_dataset *data, const double *losses, const uint32_t *units,
                        int64_t draws, int64_t seed, const arguments *args) {
    const int64_t count = ardm_dataset_held_out(data);
    for (uint32_t k = 0; k < n; k++) {
        column *c = &list[k];
        ARDM_TRY(predict(c, losses, units, ardm_session_parts(p->session)));
        if (c->whole) ARDM_TRY(ardm_evaluate_bound(&c->bound, p->session, data, 0, count, (uint32_t)draws, (uint64_t)seed, NULL, NULL));
        if (c->scheduled || (c->whole && has(args, "full"))) {
            ardm_budget budget = {.frozen = -1, .calls = c->calls};
            ARDM_TRY(ardm_schedule_optimal(&budget.schedule, losses, units, 1, c->calls));
            ardm_status status = scheduled(&c->walked, p, data, &budget, count, (uint64_t)seed, 0);
            ardm_budget_free(&budget);
            ARDM_TRY(status);
        }
        ARDM_TRY(run_chain(&c->chain, p, data, count, c->calls, (uint32_t)draws, (uint64_t)seed));
    }
    return ARDM_OK;
}

ardm_status compare_processes(ardm_predictor *p, const ardm_dataset *data, const arguments *args) {
    column list[MOST_COLUMNS];
    uint32_t n = 0, cells = 0, *units = NULL;
    double *losses = NULL;
    int64_t draws, seed;
    ardm_curve *curve = NULL;
    ARDM_TRY(ardm_chain_check(p->session));
    ARDM_TRY(argument_int(&draws, args, "draws", 16, 1, 10000));
    ARDM_TRY(argument_int(&seed, args, "seed", 0, 0, INT64_MAX));
    ARDM_TRY(fitted_curve(&curve, p, seed, args));
    ardm_status status = ardm_budget_losses(&losses, &units, &cells, curve, p->session, 0);
    if (status == ARDM_OK) status = list_columns(list, &n, *units, args);
    if (status == ARDM_OK) status = fill(list, n, p, data, losses, units, draws, seed, args);
    if (status == ARDM_OK && has(args, "json"))
        print_json(list, n, ardm_dataset_held_out(data), *units, draws);
    else if (status == ARDM_OK)
        print_table(list, n, ardm_dataset_held_out(data), *units, draws, args);
    free(losses);
    free(units);
    ardm_curve_free(&curve);
    return status;
}
