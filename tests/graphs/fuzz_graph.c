/* Random bytes as a graph: an error or a graph that prints and parses to itself. */
#include <stdlib.h>
#include <string.h>

#include "ardm/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ardm_graph *graph = NULL, *again = NULL;
    ardm_bytes once = {0}, twice = {0};
    if (ardm_graph_parse(&graph, (const char *)data, size, 1 << 20) != ARDM_OK) return 0;
    if (ardm_graph_print(&once, graph) != ARDM_OK) abort();
    if (ardm_graph_parse(&again, (const char *)once.data, once.size, 1 << 20) != ARDM_OK) abort();
    if (ardm_graph_simplify(graph) != ARDM_OK && ardm_message()[0] == 0) abort();
    if (ardm_graph_print(&twice, again) != ARDM_OK || once.size != twice.size || memcmp(once.data, twice.data, once.size) != 0) abort();
    ardm_bytes_free(&once);
    ardm_bytes_free(&twice);
    ardm_graph_free(&graph);
    ardm_graph_free(&again);
    return 0;
}
