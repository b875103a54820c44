/* table.c: one-hot of everything shown, one-hot of the context, its row of logits. All sums are of small integers, so exact. */
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A mixture head's constants: component m is in the middle of bin m. Log scales stay above the op's limit, log(1/(K-1)) - 2. */
static const float centre = 0.5f;
static float offset(uint32_t k, uint32_t m) { return (float)(2.0 * m / (k - 1) - 1 - (double)centre); }
static float narrow(uint32_t k) { return (float)(log(1.0 / (k - 1)) - 1.5); }

static void number_contexts(table *t) {
    const ardm_process *p = t->toy->process;
    const uint32_t k = t->toy->k;
    t->stages = ardm_process_stages(p);
    t->digits = ardm_process_logits(p);
    t->width = t->form.mixture ? 3 * k : t->form.data ? k : t->digits;
    t->ids = ardm_process_inputs(p);
    t->features = t->ids + 2;
    for (uint32_t s = 0; s < t->stages; s++) {
        t->codes[s] = 0;
        for (uint32_t after = 0; after < 2; after++) {
            for (uint32_t x = 0; x < k; x++)
                if (ardm_process_class(p, s + after, x) == x) t->symbol[s][t->codes[s]++] = x;
            if (!after) t->undecided[s] = t->codes[s];
        }
        t->decided[s] = t->codes[s];
        for (uint32_t x = 0; s + 1 < t->stages && x < k; x++) t->symbol[s][t->codes[s]++] = x;
        uint32_t all = 1;
        for (uint32_t u = 0; u < t->toy->n; u++) all *= t->codes[s];
        t->first[s + 1] = t->first[s] + all;
    }
    t->contexts = t->first[t->stages];
}

uint32_t table_context(const table *t, uint32_t x, uint32_t stage, const uint8_t *state) {
    uint32_t number = 0;
    for (uint32_t u = t->toy->n; u-- > 0;) {
        const uint32_t full = state[u] == ARDM_GIVEN && stage + 1 < t->stages, known = state[u] != ARDM_UNDECIDED, v = toy_symbol(t->toy, x, u);
        const uint32_t shown = full ? v : ardm_process_class(t->toy->process, stage + known, v);
        uint32_t code = full ? t->decided[stage] : known ? t->undecided[stage] : 0;
        while (t->symbol[stage][code] != shown) code++;
        number = number * t->codes[stage] + code;
    }
    return t->first[stage] + number;
}

void table_show(const table *t, uint32_t context, uint32_t *stage, uint8_t *state, int32_t *symbols) {
    uint32_t s = 0;
    while (context >= t->first[s + 1]) s++;
    context -= t->first[s];
    for (uint32_t u = 0; u < t->toy->n; u++, context /= t->codes[s]) {
        const uint32_t code = context % t->codes[s];
        state[u] = code < t->undecided[s] ? ARDM_UNDECIDED : code < t->decided[s] ? ARDM_DECIDED : ARDM_GIVEN;
        symbols[u] = (int32_t)t->symbol[s][code];
    }
    *stage = s;
}

static uint32_t number_of(const toy *t, const int32_t *symbols) {
    uint32_t x = 0;
    for (uint32_t u = t->n; u-- > 0;) x = x * t->k + (uint32_t)symbols[u];
    return x;
}

static ardm_value matrix(table *t, const char *name, uint32_t rows, uint32_t columns, const float *data) {
    char type[48];
    const int64_t dim[2] = {rows, columns};
    const ardm_shape shape = ardm_shape_make(ARDM_F32, 2, dim);
    ck_ok(ardm_store_set(t->store, name, &shape, data));
    snprintf(type, sizeof type, "f32[%u,%u]", rows, columns);
    return ardm_graph_state(t->graph, name, type);
}

static ardm_value one_hot(table *t, const char *name, ardm_value ids, uint32_t rows) {
    float *eye = calloc((size_t)rows * rows, sizeof *eye);
    for (uint32_t i = 0; i < rows; i++) eye[i * rows + i] = 1;
    const ardm_value out = ARDM_NODE(t->graph, "embed", NULL, ids, matrix(t, name, rows, rows, eye));
    free(eye);
    return out;
}

/* Where ids cannot tell given from decided: K as a symbol of a chain with as many stages, of which only the given state shows all. */
static ardm_value given_flag(table *t, ardm_value symbols, ardm_value state, ardm_value stage) {
    const uint32_t k = t->toy->k;
    uint32_t base = 2, classes = 0;
    for (;; base++) {
        classes = base;
        for (uint32_t s = 1; s < t->stages; s++) classes *= base;
        if (classes > k && k % base) break;
    }
    ardm_value counts[2], shown[2];
    float *flag = calloc(classes, sizeof *flag);
    ardm_graph_node(t->graph, counts, "digit", (const ardm_value[]){symbols, stage}, 2, "family=absorbing, classes=%u", k);
    ardm_graph_node(t->graph, shown, "corrupt", (const ardm_value[]){counts[1], state, stage}, 3,
                    "family=zero-least-significant, classes=%u, base=%u", classes, base);
    flag[k] = 1;
    const ardm_value out =
        ARDM_NODE(t->graph, "embed", NULL, ARDM_NODE(t->graph, "split_last", "by=1", shown[0]), matrix(t, "given", classes, 1, flag));
    free(flag);
    return out;
}

/* The operand of a process that is a table, or -1. */
static ardm_value look_up(table *t) {
    int32_t planes[5 * (MOST_STAGES + 1) * MOST_SYMBOLS];
    char type[48];
    if (ardm_process_family(t->toy->process) != ARDM_PROCESS_TABLE) return -1;
    ardm_process_table(t->toy->process, planes);
    snprintf(type, sizeof type, "i32[5,%u,%u]", t->stages + 1, t->toy->k);
    return ardm_graph_constant(t->graph, type, planes);
}

static void chain_attrs(const table *t, char out[96]) {
    static const char *const families[] = {[ARDM_PROCESS_ABSORBING] = "absorbing",
                                           [ARDM_PROCESS_ZERO_LEAST_SIGNIFICANT] = "zero-least-significant",
                                           [ARDM_PROCESS_AUGMENT_LEAST_SIGNIFICANT] = "augment-least-significant",
                                           [ARDM_PROCESS_TABLE] = "table"};
    const uint32_t family = ardm_process_family(t->toy->process), regular = ardm_process_base(t->toy->process);
    snprintf(out, 96, "family=%s, classes=%u, base=%u", families[family], t->toy->k, family == ARDM_PROCESS_TABLE ? t->digits : regular);
}

/* What a unit shows, f32[N,L,1,ids+2]: its id in one-hot form, whether it is undecided and whether it is given, which ids alone do not say. */
static ardm_value features(table *t, ardm_value symbols, ardm_value state, ardm_value stage) {
    const uint32_t k = t->toy->k;
    ardm_value shown[2], known[2];
    char chain[96];
    chain_attrs(t, chain);
    float flag[MOST_SYMBOLS + 1] = {0};
    ardm_graph_node(t->graph, shown, "corrupt", (const ardm_value[]){symbols, state, stage, look_up(t)}, 4, "%s", chain);
    ardm_graph_node(t->graph, known, "corrupt", (const ardm_value[]){symbols, state, stage}, 3, "family=absorbing, classes=%u", k);
    flag[k] = 1;
    const ardm_value ids = one_hot(t, "shown", ARDM_NODE(t->graph, "split_last", "by=1", shown[0]), t->ids);
    const ardm_value undecided =
        ARDM_NODE(t->graph, "embed", NULL, ARDM_NODE(t->graph, "split_last", "by=1", known[0]), matrix(t, "undecided", k + 1, 1, flag));
    return ARDM_NODE(t->graph, "concat", NULL, ids, ARDM_NODE(t->graph, "concat", NULL, undecided, given_flag(t, symbols, state, stage)));
}

/* Symbols that everybody may see in full: the clean stream of a block-causal network, in the form of `features`. */
static ardm_value clean_features(table *t, ardm_value symbols) {
    const uint32_t k = t->toy->k, f = t->features;
    float *eye = calloc((size_t)k * f, sizeof *eye);
    for (uint32_t x = 0; x < k; x++) eye[x * f + x] = 1;
    const ardm_value out = ARDM_NODE(t->graph, "embed", NULL, ARDM_NODE(t->graph, "split_last", "by=1", symbols), matrix(t, "clean", k, f, eye));
    free(eye);
    return out;
}

/* One-hot places, f32[N,L,1,L]: only at place j do the offsets -j … L-1-j all lie inside the item. */
static ardm_value places(table *t, ardm_value symbols) {
    const uint32_t n = t->places, k = t->toy->k, taps = 2 * n - 1;
    float one[MOST_SYMBOLS], *kernel = calloc((size_t)taps * n, sizeof *kernel);
    char type[48];
    const int64_t dim[4] = {taps, 1, 1, n};
    const ardm_shape shape = ardm_shape_make(ARDM_F32, 4, dim);
    for (uint32_t x = 0; x < k; x++) one[x] = 1;
    for (uint32_t j = 0; j < n; j++)
        for (uint32_t v = 0; v < n; v++) kernel[(v + n - 1 - j) * n + j] = 1;
    ck_ok(ardm_store_set(t->store, "places", &shape, kernel));
    free(kernel);
    snprintf(type, sizeof type, "f32[%u,1,1,%u]", taps, n);
    const ardm_value ones = ARDM_NODE(t->graph, "embed", NULL, ARDM_NODE(t->graph, "split_last", "by=1", symbols), matrix(t, "one", k, 1, one));
    const ardm_value inside = ARDM_NODE(t->graph, "conv", NULL, ones, ardm_graph_state(t->graph, "places", type));
    return ARDM_NODE(t->graph, "relu", NULL, ARDM_NODE(t->graph, "sub", NULL, inside, ardm_graph_scalar(t->graph, (float)(n - 1))));
}

/* The toy units' features in one row, f32[N,n·f], of each stream: each unit's are moved to its own columns. */
static void side_by_side(table *t, ardm_value *stream, uint32_t streams, ardm_value place) {
    const uint32_t n = t->toy->n, f = t->features;
    float *copy = calloc((size_t)f * n * f, sizeof *copy), *spread = calloc((size_t)t->places * n * f, sizeof *spread);
    for (uint32_t u = 0; u < n; u++)
        for (uint32_t i = 0; i < f; i++) copy[i * n * f + u * f + i] = spread[t->form.at[u] * n * f + u * f + i] = 1;
    const ardm_value copies = matrix(t, "copy", f, n * f, copy);
    const ardm_value own = ARDM_NODE(t->graph, "matmul", NULL, place, matrix(t, "spread", t->places, n * f, spread));
    free(copy);
    free(spread);
    for (uint32_t i = 0; i < streams; i++) {
        const ardm_value all = ARDM_NODE(t->graph, "mul", NULL, ARDM_NODE(t->graph, "matmul", NULL, stream[i], copies), own);
        stream[i] = ARDM_NODE(t->graph, "position_sum", NULL, ARDM_NODE(t->graph, "merge", "first=1, count=2", all));
    }
}

/* What each unit may see, f32[N,n,n·f+1]: earlier blocks clean, its own as shown, later ones as undecided; and a 1 for the stage. */
static ardm_value seen_by_each(table *t, ardm_value clean, ardm_value shown, ardm_value block) {
    const uint32_t n = t->toy->n, f = t->features, row = n * f + 1, all = n * row, blocks = t->form.high + 1;
    float *tile = calloc((size_t)n * f * all, sizeof *tile), *part[3];
    for (uint32_t u = 0; u < n; u++)
        for (uint32_t i = 0; i < n * f; i++) tile[i * all + u * row + i] = 1;
    for (int i = 0; i < 3; i++) part[i] = calloc((size_t)blocks * all, sizeof *part[i]);
    for (uint32_t b = 0; b < blocks; b++)
        for (uint32_t u = 0; u < n; u++) {
            for (uint32_t v = 0; v < n; v++) {
                const uint32_t size = b ? b : t->form.high, mine = u / size, its = v / size;
                float *at = part[its < mine ? 0 : its == mine ? 1 : 2] + b * all + u * row + v * f;
                if (its > mine)
                    at[t->toy->k] = at[t->ids] = 1; /* the absorbing id */
                else
                    for (uint32_t i = 0; i < f; i++) at[i] = 1;
            }
            part[2][b * all + u * row + n * f] = 1;
        }
    static const char *const names[3] = {"sees.clean", "sees.shown", "sees.nothing"};
    ardm_value sees[3];
    for (int i = 0; i < 3; i++) {
        sees[i] = ARDM_NODE(t->graph, "embed", NULL, block, matrix(t, names[i], blocks, all, part[i]));
        free(part[i]);
    }
    const ardm_value copies = matrix(t, "tile", n * f, all, tile);
    free(tile);
    const ardm_value a = ARDM_NODE(t->graph, "mul", NULL, ARDM_NODE(t->graph, "matmul", NULL, clean, copies), sees[0]);
    const ardm_value b = ARDM_NODE(t->graph, "mul", NULL, ARDM_NODE(t->graph, "matmul", NULL, shown, copies), sees[1]);
    const ardm_value sum = ARDM_NODE(t->graph, "add", NULL, ARDM_NODE(t->graph, "add", NULL, a, b), sees[2]);
    return ardm_graph_node(t->graph, NULL, "split_last", &sum, 1, "by=%u", row);
}

/* A context's column scores its best only where everything agrees, any other row at least 1 less. */
static ardm_value contexts(table *t, ardm_value row) {
    const uint32_t n = t->toy->n, f = t->features, rows = n * f + t->stages;
    float *score = calloc((size_t)rows * t->contexts, sizeof *score), *best = calloc(t->contexts, sizeof *best);
    for (uint32_t c = 0; c < t->contexts; c++) {
        uint32_t stage;
        uint8_t state[MOST_UNITS];
        int32_t symbols[MOST_UNITS];
        table_show(t, c, &stage, state, symbols);
        for (uint32_t u = 0; u < n; u++) {
            const int undecided = state[u] == ARDM_UNDECIDED, given = state[u] == ARDM_GIVEN;
            float *column = score + (size_t)u * f * t->contexts + c;
            const int32_t id = ardm_process_input(t->toy->process, undecided ? stage : given ? t->stages : stage + 1, (uint32_t)symbols[u]);
            column[(size_t)id * t->contexts] = 1;
            column[(size_t)t->ids * t->contexts] = undecided ? 1 : -1;
            if (stage + 1 < t->stages) column[(size_t)(t->ids + 1) * t->contexts] = given ? 1 : -1;
            best[c] += (float)(1 + undecided + given);
        }
        score[(n * f + stage) * t->contexts + c] = 1; /* with the stage the best is best + 1 */
    }
    char type[48];
    const int64_t dim[1] = {t->contexts};
    const ardm_shape shape = ardm_shape_make(ARDM_F32, 1, dim);
    ck_ok(ardm_store_set(t->store, "best", &shape, best));
    snprintf(type, sizeof type, "f32[%u]", t->contexts);
    const ardm_value scores = ARDM_NODE(t->graph, "matmul", NULL, row, matrix(t, "score", rows, t->contexts, score));
    free(score);
    free(best);
    return ARDM_NODE(t->graph, "relu", NULL, ARDM_NODE(t->graph, "sub", NULL, scores, ardm_graph_state(t->graph, "best", type)));
}

/* Weights of K logistics whose bins have the masses p: each is one bin wide, so what leaks is solved for. */
static void mixture_weights(const table *t, const double *p, double *weight) {
    const uint32_t k = t->toy->k;
    const double d = exp(log(2.0 / (k - 1)) - (double)narrow(k));
    double a[MOST_SYMBOLS][MOST_SYMBOLS + 1];
    for (uint32_t x = 0; x < k; x++) {
        for (uint32_t m = 0; m < k; m++) {
            const double mean = ((double)centre + (double)offset(k, m) + 1) * (k - 1) / 2;
            const double below = x ? 1 / (1 + exp(-(x - 0.5 - mean) * d)) : 0, up = x + 1 < k ? 1 / (1 + exp(-(x + 0.5 - mean) * d)) : 1;
            a[x][m] = up - below;
        }
        a[x][k] = p[x];
    }
    for (uint32_t i = 0; i < k; i++) /* near the identity: no pivot is small */
        for (uint32_t x = 0; x < k; x++) {
            const double share = x == i ? 0 : a[x][i] / a[i][i];
            for (uint32_t m = i; m <= k; m++) a[x][m] -= share * a[i][m];
        }
    for (uint32_t m = 0; m < k; m++) {
        weight[m] = a[m][k] / a[m][m];
        ck_assert(weight[m] > 0);
    }
}

/* A child's mass over its leaves in shares of 1, 2, 3 …; leaves of other parents get a mass that must not count. */
static void leaf_masses(const table *t, uint32_t stage, uint32_t shown, const double *p, double *mass) {
    const ardm_process *process = t->toy->process;
    for (uint32_t x = 0; x < t->toy->k; x++) {
        mass[x] = 0.125;
        if (ardm_process_class(process, stage, x) != ardm_process_class(process, stage, shown)) continue;
        double place = 0, sum = 0, leaves = 0;
        for (uint32_t y = 0; y < t->toy->k; y++)
            if (ardm_process_class(process, stage + 1, y) == ardm_process_class(process, stage + 1, x)) {
                leaves++;
                sum += leaves;
                if (y == x) place = leaves;
            }
        mass[x] = p[ardm_process_digit(process, stage, x, NULL)] * place / sum;
    }
}

/* The head's numbers of a unit that shows `shown`, in double; digits beyond the reachable get a mass that must not count. */
static void head_of_unit(const table *t, uint32_t stage, uint32_t shown, uint32_t children, const double *p, double *z) {
    const uint32_t k = t->toy->k;
    double weight[MOST_SYMBOLS], leaf[MOST_SYMBOLS];
    if (!t->form.mixture && !t->form.data) {
        for (uint32_t d = 0; d < t->width; d++) z[d] = d < children ? log(p[d]) : 5;
        return;
    }
    leaf_masses(t, stage, shown, p, leaf);
    if (t->form.data) {
        for (uint32_t x = 0; x < k; x++) z[x] = log(leaf[x]);
        return;
    }
    mixture_weights(t, leaf, weight);
    for (uint32_t m = 0; m < k; m++) {
        z[m] = log(weight[m]);
        z[k + m] = (double)offset(k, m);
        z[2 * k + m] = (double)narrow(k);
    }
}

/* The head as the sum of two floats, so that oracles see it to 1e-12: [contexts] in, places · width out. */
static ardm_value logits(table *t, ardm_value context) {
    const uint32_t n = t->toy->n, columns = t->places * t->width;
    float *high = calloc((size_t)t->contexts * columns, sizeof *high), *low = calloc((size_t)t->contexts * columns, sizeof *low);
    for (uint32_t c = 0; c < t->contexts; c++) {
        uint32_t stage;
        uint8_t state[MOST_UNITS];
        int32_t symbols[MOST_UNITS];
        double p[MOST_SYMBOLS], z[3 * MOST_SYMBOLS];
        table_show(t, c, &stage, state, symbols);
        for (uint32_t u = 0; u < n; u++) {
            if (state[u] != ARDM_UNDECIDED) continue;
            const uint32_t children = toy_network(t->toy, number_of(t->toy, symbols), stage, state, u, p);
            head_of_unit(t, stage, (uint32_t)symbols[u], children, p, z);
            for (uint32_t d = 0; d < t->width; d++) {
                const size_t at = (size_t)c * columns + t->form.at[u] * t->width + d;
                high[at] = (float)z[d];
                low[at] = (float)(z[d] - (double)high[at]);
            }
        }
    }
    const ardm_value a = ARDM_NODE(t->graph, "matmul", NULL, context, matrix(t, "high", t->contexts, columns, high));
    const ardm_value b = ARDM_NODE(t->graph, "matmul", NULL, context, matrix(t, "low", t->contexts, columns, low));
    free(high);
    free(low);
    return ARDM_NODE(t->graph, "add", NULL, a, b);
}

/* Of f32[N,n,n·width] each unit's own answer, f32[N,n,width]. */
static ardm_value own_answers(table *t, ardm_value z) {
    const uint32_t n = t->toy->n, w = t->width;
    float *mine = calloc((size_t)n * n * w, sizeof *mine), *fold = calloc((size_t)n * w * w, sizeof *fold);
    for (uint32_t u = 0; u < n; u++)
        for (uint32_t d = 0; d < w; d++) mine[u * n * w + u * w + d] = fold[(u * w + d) * w + d] = 1;
    z = ARDM_NODE(t->graph, "mul", NULL, z, matrix(t, "mine", n, n * w, mine));
    z = ARDM_NODE(t->graph, "matmul", NULL, z, matrix(t, "fold", n * w, w, fold));
    free(mine);
    free(fold);
    return z;
}

static void complete_form(table *t, const table_form *form) {
    if (form) t->form = *form;
    if (!t->form.rank) {
        t->form.rank = 1;
        t->form.extent[0] = t->toy->n;
        for (uint32_t u = 0; u < t->toy->n; u++) t->form.at[u] = (uint16_t)u;
    }
    if (!t->form.channels) t->form.channels = 1;
    t->places = t->form.extent[0] * (t->form.rank > 1 ? t->form.extent[1] : 1) * t->form.channels;
}

/* Images are looked at as a row of pixels. */
static ardm_value in_a_row(table *t, ardm_value x) { return t->form.rank == 1 ? x : ARDM_NODE(t->graph, "merge", "first=1, count=3", x); }

void table_open(table *t, toy *model, ardm_device *device, const table_form *form) {
    memset(t, 0, sizeof *t);
    t->toy = model;
    t->device = device;
    complete_form(t, form);
    number_contexts(t);
    ck_ok(ardm_store_create(&t->store, device));
    ck_ok(ardm_graph_create(&t->graph, "table"));
    const int32_t flat = t->form.rank == 1;
    char type[32];
    snprintf(type, sizeof type, flat ? "i32[N,L]" : "i32[N,H,W,%u]", t->form.channels);
    ardm_value symbols = ardm_graph_input(t->graph, "symbols", type);
    snprintf(type, sizeof type, flat ? "u8[N,L]" : "u8[N,H,W,%u]", t->form.channels);
    ardm_value state = ardm_graph_input(t->graph, "state", type);
    const ardm_value stage = ardm_graph_input(t->graph, "stage", "i32[N]");
    ardm_graph_input(t->graph, "time", "f32[N]");
    const ardm_value block = t->form.high ? ardm_graph_input(t->graph, "block", "i32[N]") : -1;
    const ardm_value rows = ardm_graph_input(t->graph, "rows", "i32[N,R]");
    symbols = in_a_row(t, symbols);
    state = in_a_row(t, state);
    const uint32_t causal = t->form.high > 0;
    ardm_value seen[2] = {features(t, symbols, state, stage), causal ? clean_features(t, symbols) : -1}, z;
    side_by_side(t, seen, 1 + causal, places(t, symbols));
    if (causal) {
        z = own_answers(t, logits(t, contexts(t, seen_by_each(t, seen[1], seen[0], block))));
    } else {
        z = logits(t, contexts(t, ARDM_NODE(t->graph, "concat", NULL, seen[0], one_hot(t, "stages", stage, t->stages))));
        z = ardm_graph_node(t->graph, NULL, "split_last", &z, 1, "by=%u", t->width);
    }
    z = ARDM_NODE(t->graph, "gather_rows", NULL, z, rows);
    ardm_value centre_of_rows = -1;
    if (t->form.mixture) { /* the centre is the last offset, which has half of the last mean */
        float last[3 * MOST_SYMBOLS] = {0};
        last[2 * model->k - 1] = 1;
        const ardm_value middle = ARDM_NODE(t->graph, "matmul", NULL, z, matrix(t, "last", t->width, 1, last));
        centre_of_rows = ARDM_NODE(t->graph, "merge", "first=1, count=2", middle);
    }
    if (t->stages > 1 && (t->form.mixture || t->form.data)) {
        ardm_value parent = ARDM_NODE(t->graph, "gather_rows", NULL, ARDM_NODE(t->graph, "split_last", "by=1", symbols), rows);
        parent = ARDM_NODE(t->graph, "merge", "first=1, count=2", parent);
        char chain[96];
        chain_attrs(t, chain);
        z = t->form.data ? ardm_graph_node(t->graph, NULL, "children", (const ardm_value[]){z, parent, stage, look_up(t)}, 4, "%s", chain)
                         : ardm_graph_node(t->graph, NULL, "mixture_children", (const ardm_value[]){z, centre_of_rows, parent, stage, look_up(t)}, 5,
                                           "%s", chain);
        centre_of_rows = -1;
    }
    ardm_graph_output(t->graph, "z", z);
    if (centre_of_rows >= 0) ardm_graph_output(t->graph, "centre", centre_of_rows);
    ck_ok(ardm_graph_check(t->graph));
}

void table_close(table *t) {
    ardm_graph_free(&t->graph);
    ardm_store_free(&t->store);
    free(t->nats);
    t->nats = NULL;
}

static int32_t head_of(const table *t) {
    if (t->stages > 1) return ARDM_HEAD_DIRECT; /* whatever it was: rows are children */
    return t->form.mixture ? ARDM_HEAD_MIXTURE : ARDM_HEAD_SOFTMAX;
}

void table_session(ardm_session **out, const table *t, const char *order) {
    const ardm_description description = {.process = ardm_process_text(t->toy->process),
                                          .chain = t->toy->process,
                                          .order = order,
                                          .head = head_of(t),
                                          .rank = t->form.rank,
                                          .extent = {t->form.extent[0], t->form.extent[1]},
                                          .channels = t->form.channels,
                                          .multiple = 1};
    ck_ok(ardm_session_create(out, t->graph, t->store, NULL, &description, 0));
}

void table_item(const table *t, uint32_t x, const uint8_t *given, int32_t *symbols, uint8_t *mask) {
    memset(symbols, 0, t->places * sizeof *symbols);
    for (uint32_t u = 0; mask && u < t->places; u++) mask[u] = u & 1 ? ARDM_VOID : ARDM_GIVEN; /* what the toy does not use */
    for (uint32_t u = 0; u < t->toy->n; u++) {
        symbols[t->form.at[u]] = (int32_t)toy_symbol(t->toy, x, u);
        if (mask) mask[t->form.at[u]] = given ? given[u] : (uint8_t)ARDM_UNDECIDED;
    }
}

uint32_t table_read(const table *t, const int32_t *symbols) {
    int32_t own_symbols[MOST_UNITS];
    for (uint32_t u = 0; u < t->toy->n; u++) own_symbols[u] = symbols[t->form.at[u]];
    return number_of(t->toy, own_symbols);
}

void table_measure(table *t, int32_t oracle) {
    enum { ITEMS = 64 };
    const uint32_t n = t->toy->n, rows = n * t->digits;
    const ardm_extent extents[3] = {{"N", ITEMS}, {"L", n}, {"R", rows}};
    ardm_graph *graph = NULL;
    ardm_binding *binding = NULL;
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    options.oracle = oracle;
    ck_ok(ardm_objective_head(&graph, t->graph, ARDM_TASK_EVALUATE, head_of(t), t->toy->k));
    ck_ok(ardm_bind(&binding, graph, t->store, extents, 3, &options));
    int32_t *symbols = ardm_binding_input(binding, "symbols"), *stage = ardm_binding_input(binding, "stage"),
            *row = ardm_binding_input(binding, "rows"), *target = ardm_binding_input(binding, "target"),
            *children = ardm_binding_input(binding, "children");
    uint8_t *state = ardm_binding_input(binding, "state");
    free(t->nats);
    t->nats = calloc((size_t)t->contexts * rows, sizeof *t->nats);
    for (uint32_t c = 0; c < t->contexts; c += ITEMS) {
        for (uint32_t i = 0; i < ITEMS; i++) {
            uint32_t s;
            table_show(t, c + i < t->contexts ? c + i : 0, &s, state + i * n, symbols + i * n);
            stage[i] = (int32_t)s;
            for (uint32_t j = 0; j < rows; j++) {
                row[i * rows + j] = (int32_t)(j / t->digits);
                target[i * rows + j] = (int32_t)(j % t->digits);
                children[i * rows + j] = (int32_t)ardm_process_children(t->toy->process, s, (uint32_t)symbols[i * n + j / t->digits]);
            }
        }
        ck_ok(ardm_run(binding));
        const float *single = ardm_binding_output(binding, "nll");
        const double *exact = oracle ? ardm_binding_output_double(binding, "nll") : NULL;
        for (uint32_t i = 0; i < ITEMS && c + i < t->contexts; i++)
            for (uint32_t j = 0; j < rows; j++) {
                const int asked = state[i * n + j / t->digits] == ARDM_UNDECIDED && target[i * rows + j] < children[i * rows + j];
                t->nats[(size_t)(c + i) * rows + j] = !asked ? NAN : exact ? exact[i * rows + j] : (double)single[i * rows + j];
            }
    }
    ardm_binding_free(&binding);
    ardm_graph_free(&graph);
}

double table_price(const void *user, uint32_t stage, const uint8_t *state, uint32_t unit, uint32_t x) {
    const table *t = user;
    const uint32_t digit = ardm_process_digit(t->toy->process, stage, toy_symbol(t->toy, x, unit), NULL);
    return t->nats[((size_t)table_context(t, x, stage, state) * t->toy->n + unit) * t->digits + digit];
}
