/* table.c: one-hot of everything shown, one-hot of the context, its row of logits. All sums are of small integers, so exact. */
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void number_contexts(table *t) {
    const ardm_process *p = t->toy->process;
    t->stages = ardm_process_stages(p);
    t->width = ardm_process_logits(p);
    for (uint32_t s = 0; s < t->stages; s++) {
        t->codes[s] = 0;
        for (uint32_t after = 0; after < 2; after++) {
            for (uint32_t x = 0; x < t->toy->k; x++)
                if (ardm_process_class(p, s + after, x) == x) t->symbol[s][t->codes[s]++] = x;
            if (!after) t->undecided[s] = t->codes[s];
        }
        uint32_t all = 1;
        for (uint32_t u = 0; u < t->toy->n; u++) all *= t->codes[s];
        t->first[s + 1] = t->first[s] + all;
    }
    t->contexts = t->first[t->stages];
}

uint32_t table_context(const table *t, uint32_t x, uint32_t stage, const uint8_t *state) {
    uint32_t number = 0;
    for (uint32_t u = t->toy->n; u-- > 0;) {
        const uint32_t known = state[u] != ARDM_UNDECIDED, shown = ardm_process_class(t->toy->process, stage + known, toy_symbol(t->toy, x, u));
        uint32_t code = known ? t->undecided[stage] : 0;
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
        state[u] = code < t->undecided[s] ? ARDM_UNDECIDED : ARDM_DECIDED;
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

/* What a unit shows, f32[N,L,1,K+2]: its id in one-hot form, and whether it is undecided, which ids alone do not say. */
static ardm_value features(table *t, ardm_value symbols, ardm_value state, ardm_value stage) {
    const uint32_t k = t->toy->k;
    const int absorbing = ardm_process_family(t->toy->process) == ARDM_PROCESS_ABSORBING;
    ardm_value shown[2], known[2];
    float flag[MOST_SYMBOLS + 1] = {0};
    ardm_graph_node(t->graph, shown, "corrupt", (const ardm_value[]){symbols, state, stage}, 3, "family=%s, classes=%u, base=%u",
                    absorbing ? "absorbing" : "zero-least-significant", k, absorbing ? 2 : ardm_process_base(t->toy->process));
    ardm_graph_node(t->graph, known, "corrupt", (const ardm_value[]){symbols, state, stage}, 3, "family=absorbing, classes=%u", k);
    flag[k] = 1;
    return ARDM_NODE(t->graph, "concat", NULL, one_hot(t, "shown", ARDM_NODE(t->graph, "split_last", "by=1", shown[0]), k + 1),
                     ARDM_NODE(t->graph, "embed", NULL, ARDM_NODE(t->graph, "split_last", "by=1", known[0]), matrix(t, "flag", k + 1, 1, flag)));
}

/* One-hot places, f32[N,L,1,n]: only at place j do the offsets -j … n-1-j all lie inside the item. */
static ardm_value places(table *t, ardm_value symbols) {
    const uint32_t n = t->toy->n, k = t->toy->k, taps = 2 * n - 1;
    float one[MOST_SYMBOLS], kernel[(2 * MOST_UNITS - 1) * MOST_UNITS] = {0};
    char type[48];
    const int64_t dim[4] = {taps, 1, 1, n};
    const ardm_shape shape = ardm_shape_make(ARDM_F32, 4, dim);
    for (uint32_t x = 0; x < k; x++) one[x] = 1;
    for (uint32_t j = 0; j < n; j++)
        for (uint32_t v = 0; v < n; v++) kernel[(v + n - 1 - j) * n + j] = 1;
    ck_ok(ardm_store_set(t->store, "places", &shape, kernel));
    snprintf(type, sizeof type, "f32[%u,1,1,%u]", taps, n);
    const ardm_value ones = ARDM_NODE(t->graph, "embed", NULL, ARDM_NODE(t->graph, "split_last", "by=1", symbols), matrix(t, "one", k, 1, one));
    const ardm_value inside = ARDM_NODE(t->graph, "conv", NULL, ones, ardm_graph_state(t->graph, "places", type));
    return ARDM_NODE(t->graph, "relu", NULL, ARDM_NODE(t->graph, "sub", NULL, inside, ardm_graph_scalar(t->graph, (float)(n - 1))));
}

/* All units' features in one row, f32[N,n·f]: each is moved to its place. */
static ardm_value side_by_side(table *t, ardm_value feature, ardm_value place) {
    const uint32_t n = t->toy->n, f = t->toy->k + 2;
    float *copy = calloc((size_t)f * n * f, sizeof *copy), *spread = calloc((size_t)n * n * f, sizeof *spread);
    for (uint32_t u = 0; u < n; u++)
        for (uint32_t i = 0; i < f; i++) copy[i * n * f + u * f + i] = spread[u * n * f + u * f + i] = 1;
    const ardm_value a = ARDM_NODE(t->graph, "matmul", NULL, feature, matrix(t, "copy", f, n * f, copy));
    const ardm_value b = ARDM_NODE(t->graph, "matmul", NULL, place, matrix(t, "spread", n, n * f, spread));
    free(copy);
    free(spread);
    return ARDM_NODE(t->graph, "position_sum", NULL, ARDM_NODE(t->graph, "merge", "first=1, count=2", ARDM_NODE(t->graph, "mul", NULL, a, b)));
}

/* A context's column scores its best only where everything agrees, any other row at least 1 less. */
static ardm_value contexts(table *t, ardm_value row) {
    const uint32_t n = t->toy->n, k = t->toy->k, f = k + 2, rows = n * f + t->stages;
    const int absorbing = ardm_process_family(t->toy->process) == ARDM_PROCESS_ABSORBING;
    float *score = calloc((size_t)rows * t->contexts, sizeof *score), *best = calloc(t->contexts, sizeof *best);
    for (uint32_t c = 0; c < t->contexts; c++) {
        uint32_t stage;
        uint8_t state[MOST_UNITS];
        int32_t symbols[MOST_UNITS];
        table_show(t, c, &stage, state, symbols);
        for (uint32_t u = 0; u < n; u++) {
            const int undecided = state[u] == ARDM_UNDECIDED;
            score[(u * f + (undecided && absorbing ? k : (uint32_t)symbols[u])) * t->contexts + c] = 1;
            score[(u * f + k + 1) * t->contexts + c] = undecided ? 1 : -1;
            best[c] += (float)(1 + undecided);
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

/* ln p as the sum of two floats, so that oracles see it to 1e-12. Children that are out of reach get a mass that must not count. */
static ardm_value logits(table *t, ardm_value context) {
    const uint32_t n = t->toy->n, columns = n * t->width;
    float *high = calloc((size_t)t->contexts * columns, sizeof *high), *low = calloc((size_t)t->contexts * columns, sizeof *low);
    for (uint32_t c = 0; c < t->contexts; c++) {
        uint32_t stage;
        uint8_t state[MOST_UNITS];
        int32_t symbols[MOST_UNITS];
        double p[MOST_SYMBOLS];
        table_show(t, c, &stage, state, symbols);
        for (uint32_t u = 0; u < n; u++) {
            if (state[u] != ARDM_UNDECIDED) continue;
            const uint32_t children = toy_network(t->toy, number_of(t->toy, symbols), stage, state, u, p);
            for (uint32_t d = 0; d < t->width; d++) {
                const size_t at = (size_t)c * columns + u * t->width + d;
                const double z = d < children ? log(p[d]) : 5;
                high[at] = (float)z;
                low[at] = (float)(z - (double)high[at]);
            }
        }
    }
    const ardm_value a = ARDM_NODE(t->graph, "matmul", NULL, context, matrix(t, "high", t->contexts, columns, high));
    const ardm_value b = ARDM_NODE(t->graph, "matmul", NULL, context, matrix(t, "low", t->contexts, columns, low));
    free(high);
    free(low);
    return ARDM_NODE(t->graph, "add", NULL, a, b);
}

void table_open(table *t, toy *model, ardm_device *device) {
    memset(t, 0, sizeof *t);
    t->toy = model;
    t->device = device;
    number_contexts(t);
    ck_ok(ardm_store_create(&t->store, device));
    ck_ok(ardm_graph_create(&t->graph, "table"));
    const ardm_value symbols = ardm_graph_input(t->graph, "symbols", "i32[N,L]"), state = ardm_graph_input(t->graph, "state", "u8[N,L]");
    const ardm_value stage = ardm_graph_input(t->graph, "stage", "i32[N]");
    ardm_graph_input(t->graph, "time", "f32[N]");
    const ardm_value rows = ardm_graph_input(t->graph, "rows", "i32[N,R]");
    const ardm_value all = side_by_side(t, features(t, symbols, state, stage), places(t, symbols));
    ardm_value z = logits(t, contexts(t, ARDM_NODE(t->graph, "concat", NULL, all, one_hot(t, "stages", stage, t->stages))));
    z = ardm_graph_node(t->graph, NULL, "split_last", &z, 1, "by=%u", t->width);
    ardm_graph_output(t->graph, "z", ARDM_NODE(t->graph, "gather_rows", NULL, z, rows));
    ck_ok(ardm_graph_check(t->graph));
}

void table_close(table *t) {
    ardm_graph_free(&t->graph);
    ardm_store_free(&t->store);
    free(t->nats);
    t->nats = NULL;
}

static int32_t head_of(const table *t) {
    return ardm_process_family(t->toy->process) == ARDM_PROCESS_ABSORBING ? ARDM_HEAD_SOFTMAX : ARDM_HEAD_DIRECT;
}

void table_session(ardm_session **out, const table *t, const char *order) {
    const ardm_description description = {.process = ardm_process_text(t->toy->process),
                                          .order = order,
                                          .head = head_of(t),
                                          .rank = 1,
                                          .extent = {t->toy->n},
                                          .channels = 1,
                                          .multiple = 1};
    ck_ok(ardm_session_create(out, t->graph, t->store, NULL, &description, 0));
}

void table_measure(table *t, int32_t oracle) {
    enum { ITEMS = 64 };
    const uint32_t n = t->toy->n, rows = n * t->width;
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
                row[i * rows + j] = (int32_t)(j / t->width);
                target[i * rows + j] = (int32_t)(j % t->width);
                children[i * rows + j] = (int32_t)ardm_process_children(t->toy->process, s, (uint32_t)symbols[i * n + j / t->width]);
            }
        }
        ck_ok(ardm_run(binding));
        const float *single = ardm_binding_output(binding, "nll");
        const double *exact = oracle ? ardm_binding_output_double(binding, "nll") : NULL;
        for (uint32_t i = 0; i < ITEMS && c + i < t->contexts; i++)
            for (uint32_t j = 0; j < rows; j++) {
                const int asked = state[i * n + j / t->width] == ARDM_UNDECIDED && target[i * rows + j] < children[i * rows + j];
                t->nats[(size_t)(c + i) * rows + j] = !asked ? NAN : exact ? exact[i * rows + j] : (double)single[i * rows + j];
            }
    }
    ardm_binding_free(&binding);
    ardm_graph_free(&graph);
}

double table_price(const void *user, uint32_t stage, const uint8_t *state, uint32_t unit, uint32_t x) {
    const table *t = user;
    const uint32_t digit = ardm_process_digit(t->toy->process, stage, toy_symbol(t->toy, x, unit), NULL);
    return t->nats[((size_t)table_context(t, x, stage, state) * t->toy->n + unit) * t->width + digit];
}
