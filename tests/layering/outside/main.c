/* main.c: one call into each library, so that all of them must link. */
#include <ardm/config.h>
#include <ardm/draw.h>
#include <ardm/graph.h>
#include <ardm/op.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    static const char *const names[] = {"matmul", "softmax", NULL};
    const char *name = ardm_nearest("matmull", names);
    const ardm_op *op = name ? ardm_op_find(name) : NULL;
    ardm_graph *graph = NULL;
    int good = op && strcmp(op->name, "matmul") == 0 && ardm_draw_uniform(1, 2, 10) < 10;
    good = good && ardm_graph_create(&graph, "outside") == ARDM_OK && ardm_graph_node_count(graph) == 0;
    ardm_graph_free(&graph);
    if (!good) fprintf(stderr, "%s\n", ardm_message());
    return good ? 0 : 1;
}
