/* Random graphs: whatever is fused in memory, reordered or dropped, every device and every set of passes gives the bytes of the
 * plainest plan. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { SIDE = 6, COUNT = SIDE * SIDE, STATES = 4, OUTPUTS = 3, NODES = 40, RUNS = 3 };

typedef struct source {
    uint32_t seed, next;
} source;

static uint32_t draw(source *s, uint32_t below) { return (uint32_t)((noise(s->seed, s->next++) + 1.0f) * 1024.0f) % below; }

/* Values of 6x6, and the same as views of 36; every node reads any two of what there is. */
static ardm_graph *random_graph(uint32_t seed) {
    source s = {seed, 0};
    ardm_graph *graph = NULL;
    ardm_value square[NODES + 8], flat[NODES + 8];
    uint32_t n_square = 0, n_flat = 0;
    char name[16];
    OK(ardm_graph_create(&graph, "random"));
    square[n_square++] = ardm_graph_input(graph, "x", "f32[6,6]");
    ardm_value states[STATES];
    for (int k = 0; k < STATES; ++k) {
        snprintf(name, sizeof name, "s%d", k);
        square[n_square++] = states[k] = ardm_graph_state(graph, name, "f32[6,6]");
    }
    flat[n_flat++] = ARDM_NODE(graph, "merge", "first=0", square[1]);
    for (int k = 0; k < NODES; ++k) {
        ardm_value a = square[draw(&s, n_square)], b = square[draw(&s, n_square)], c = flat[draw(&s, n_flat)], d = flat[draw(&s, n_flat)];
        switch (draw(&s, 11)) {
        case 0:
            square[n_square++] = ARDM_NODE(graph, "add", NULL, a, b);
            break;
        case 1:
            square[n_square++] = ARDM_NODE(graph, "mul", NULL, a, b);
            break;
        case 2:
            square[n_square++] = ARDM_NODE(graph, "tanh", NULL, a);
            break;
        case 3:
            square[n_square++] = ARDM_NODE(graph, "matmul", NULL, a, b);
            break;
        case 4:
            square[n_square++] = ARDM_NODE(graph, "softmax", NULL, a);
            break;
        case 5:
            flat[n_flat++] = ARDM_NODE(graph, "merge", "first=0", a);
            break;
        case 6:
            flat[n_flat++] = ARDM_NODE(graph, "sub", NULL, c, d);
            break;
        case 7:
            square[n_square++] = ARDM_NODE(graph, "split_last", "by=6", c);
            break;
        case 8:
            square[n_square++] = ARDM_NODE(graph, "reshape_like", NULL, c, a);
            break;
        case 9:
            square[n_square++] = ARDM_NODE(graph, "matmul", "tb=1", a, a);
            break;
        default:
            flat[n_flat++] = ARDM_NODE(graph, "scale", "by=0.5", d);
            break;
        }
    }
    for (int k = 0; k < STATES; ++k)
        if (draw(&s, 4) > 0) {
            /* Mostly late values, kept small so that nothing overflows; now and then a state or the input itself. */
            ardm_value value = square[draw(&s, 3) ? n_square - 1 - draw(&s, 4) : draw(&s, n_square)];
            if (draw(&s, 3)) value = ARDM_NODE(graph, "tanh", NULL, value);
            ardm_graph_update(graph, states[k], value);
        }
    for (int k = 0; k < OUTPUTS; ++k) {
        snprintf(name, sizeof name, "y%d", k);
        ardm_graph_output(graph, name, draw(&s, 2) ? square[draw(&s, n_square)] : flat[draw(&s, n_flat)]);
    }
    OK(ardm_graph_check(graph));
    return graph;
}

static void run_graph(const ardm_graph *graph, ardm_device *device, const char *disable, float *out) {
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    char name[16];
    options.disable = disable;
    OK(ardm_store_create(&store, device));
    set_noise(store, graph, NULL, 0, 3, 0.25f);
    OK(ardm_bind(&binding, graph, store, NULL, 0, &options));
    for (int run = 0; run < RUNS; ++run) {
        for (uint32_t k = 0; k < COUNT; ++k) ((float *)ardm_binding_input(binding, "x"))[k] = noise(50 + (uint32_t)run, k);
        OK(ardm_run(binding));
        for (int k = 0; k < OUTPUTS; ++k, out += COUNT) {
            snprintf(name, sizeof name, "y%d", k);
            memcpy(out, ardm_binding_output(binding, name), COUNT * sizeof *out);
        }
    }
    for (int k = 0; k < STATES; ++k, out += COUNT) {
        snprintf(name, sizeof name, "s%d", k);
        OK(ardm_store_get(store, name, out));
    }
    ardm_binding_free(&binding);
    ardm_store_free(&store);
}

START_TEST(random_graphs_agree) {
    enum { TOTAL = (RUNS * OUTPUTS + STATES) * COUNT };
    static const char *const off[] = {NULL, "in-place", "simplify", "common"};
    float expected[TOTAL], got[TOTAL];
    ardm_graph *graph = random_graph((uint32_t)_i);
    run_graph(graph, reference_device(), "simplify,in-place", expected);
    for (int k = 0; device_at(k); ++k)
        for (size_t p = 0; p < sizeof off / sizeof *off; ++p) {
            run_graph(graph, device_at(k), off[p], got);
            if (memcmp(expected, got, sizeof got) != 0) {
                char *text = printed(graph);
                ck_abort_msg("graph %d on %s without %s:\n%s", _i, ardm_device_name(device_at(k)), off[p] ? off[p] : "nothing", text);
            }
        }
    char *text = printed(graph);
    ardm_graph *again = parsed(text);
    expect_text(again, text);
    run_graph(again, device_at(0), NULL, got);
    ck_assert_int_eq(memcmp(expected, got, sizeof got), 0);
    free(text);
    ardm_graph_free(&again);
    ardm_graph_free(&graph);
}
END_TEST

TCase *random_cases(void) {
    TCase *test = tcase_create("random");
    tcase_add_loop_test(test, random_graphs_agree, 0, 200);
    return test;
}
