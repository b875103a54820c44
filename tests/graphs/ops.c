/* Every op and case as a graph: its text comes back, and bound to the reference device it gives the bytes of the bare reference.
 * And as hostile constants: a text may put any integer where an op expects an index, and folding runs it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/op_case.h"
#include "support.h"

/* One node over inputs or constants of the case's shapes; outputs y0, y1, … */
static ardm_graph *graph_of(const ardm_case_data *data, int constants, int extreme) {
    ardm_graph *graph = NULL;
    ardm_value in[ARDM_MAX_OPERANDS], out[ARDM_MAX_OPERANDS];
    char type[128], name[32];
    OK(ardm_graph_create(&graph, "one"));
    for (uint32_t k = 0; k < data->call.n_in; ++k) {
        in[k] = -1;
        if (data->in[k].dtype == 0) continue;
        ardm_shape_text(&data->in[k], type, sizeof type);
        snprintf(name, sizeof name, "x%u", (unsigned)k);
        if (!constants) {
            in[k] = ardm_graph_input(graph, name, type);
            continue;
        }
        uint64_t bytes = ardm_shape_bytes(&data->in[k]);
        uint8_t *values = malloc(bytes + 1);
        memcpy(values, data->inputs[k], bytes);
        if (data->in[k].dtype != ARDM_F32)
            for (uint64_t j = 0; j < bytes / 4; ++j) {
                const int32_t extremes[] = {INT32_MAX, INT32_MIN, -2, 1 << 30, -1};
                memcpy(values + 4 * j, &extremes[((uint64_t)extreme + j) % 5], 4);
            }
        in[k] = ardm_graph_constant(graph, type, values);
        free(values);
    }
    char attrs[4096];
    OK(ardm_attrs_print(attrs, sizeof attrs, data->op, data->attrs));
    ardm_graph_node(graph, out, data->op->name, in, data->call.n_in, "%s", attrs);
    for (uint32_t k = 0; k < data->call.n_out; ++k) {
        snprintf(name, sizeof name, "y%u", (unsigned)k);
        ardm_graph_output(graph, name, out[k]);
    }
    return graph;
}

static void check_case(const ardm_op *op, uint32_t index) {
    ardm_case_data *data = NULL;
    void *outputs[ARDM_MAX_OPERANDS];
    char name[32];
    OK(ardm_case_open(&data, op, index));
    ardm_graph *graph = graph_of(data, 0, 0);
    ck_assert_msg(ardm_graph_check(graph) == ARDM_OK, "%s: %s", op->name, ardm_message());
    char *text = printed(graph);
    ardm_graph *again = parsed(text);
    expect_text(again, text);
    free(text);

    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    OK(ardm_store_create(&store, reference_device()));
    OK(ardm_bind(&binding, again, store, NULL, 0, NULL));
    for (uint32_t k = 0; k < data->call.n_in; ++k) {
        snprintf(name, sizeof name, "x%u", (unsigned)k);
        if (data->in[k].dtype) memcpy(ardm_binding_input(binding, name), data->inputs[k], ardm_shape_bytes(&data->in[k]));
    }
    OK(ardm_run(binding));
    OK(ardm_case_outputs(outputs, data, 0));
    OK(ardm_case_reference(data, outputs));
    for (uint32_t k = 0; k < data->call.n_out; ++k) {
        snprintf(name, sizeof name, "y%u", (unsigned)k);
        ck_assert_msg(memcmp(ardm_binding_output(binding, name), outputs[k], ardm_shape_bytes(&data->out[k])) == 0, "%s, case %u, output %u",
                      op->name, (unsigned)index, (unsigned)k);
    }
    ardm_case_free_outputs(outputs, data);
    ardm_binding_free(&binding);
    ardm_store_free(&store);
    ardm_graph_free(&again);
    ardm_graph_free(&graph);
    ardm_case_close(&data);
}

START_TEST(every_op_runs_in_a_graph) {
    const ardm_op *op;
    for (uint32_t k = 0; (op = ardm_op_at(k)) != NULL; ++k)
        for (uint32_t index = 0; index < op->n_cases && strchr(op->name, '.') == NULL; ++index) check_case(op, index);
}
END_TEST

/* Under a memory checker this shows reads out of bounds; without one, crashes. */
START_TEST(any_index_is_survived) {
    const ardm_op *op;
    for (uint32_t k = 0; (op = ardm_op_at(k)) != NULL; ++k)
        for (uint32_t index = 0; index < op->n_cases && strchr(op->name, '.') == NULL; ++index) {
            ardm_case_data *data = NULL;
            int integers = 0;
            OK(ardm_case_open(&data, op, index));
            for (uint32_t j = 0; j < data->call.n_in; ++j) integers |= data->in[j].dtype > ARDM_F32;
            for (int extreme = 0; integers && extreme < 5; ++extreme) {
                ardm_graph *graph = graph_of(data, 1, extreme);
                if (getenv("ARDM_TEST_TRACE")) fprintf(stderr, "%s case %u\n", op->name, (unsigned)index);
                if (ardm_graph_check(graph) == ARDM_OK && ardm_graph_simplify(graph) != ARDM_OK) ck_assert_str_ne(ardm_message(), "");
                ardm_graph_free(&graph);
            }
            ardm_case_close(&data);
        }
}
END_TEST

TCase *ops_cases(void) {
    TCase *test = tcase_create("ops");
    tcase_add_test(test, every_op_runs_in_a_graph);
    tcase_add_test(test, any_index_is_survived);
    return test;
}
