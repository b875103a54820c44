/* Where the time of the last run went. */
#include <stdio.h>

#include "binding.h"

static ardm_status print_line(ardm_bytes *out, const ardm_binding *binding, uint32_t node, double total) {
    const ardm_plan__node *planned = &binding->plan->nodes[node];
    const ardm_graph__node *graph_node = &binding->graph->nodes[node];
    double flops = 0, bytes = 0, seconds = binding->seconds[node];
    char type[ARDM_MAX_TYPE];
    if (planned->call.op->cost) planned->call.op->cost(&planned->call, &flops, &bytes);
    ardm_shape_text(&binding->plan->value_shapes[graph_node->out[0]], type, sizeof type);
    return ardm_bytes_printf(out, "%5u  %-20s %-20s %9.3f ms %5.1f %% %9.2f GFLOP/s %9.2f GB/s  %s\n", node, graph_node->op->name,
                             planned->variant ? planned->variant->name : "reference", 1e3 * seconds, total > 0 ? 100 * seconds / total : 0,
                             seconds > 0 ? 1e-9 * flops / seconds : 0, seconds > 0 ? 1e-9 * bytes / seconds : 0, type);
}

ardm_status ardm_binding_profile(ardm_bytes *out, const ardm_binding *binding) {
    double total = 0;
    if (!binding->options.profile) return ardm_fail(ARDM_EINVAL, "the graph was not bound with profile");
    for (uint32_t k = 0; k <= binding->graph->n_nodes; ++k) total += binding->seconds[k];
    for (uint32_t k = 0; k < binding->graph->n_nodes; ++k)
        if (!ardm_plan__is_view(&binding->graph->nodes[k])) ARDM_TRY(print_line(out, binding, k, total));
    return ardm_bytes_printf(out, "       %-41s %9.3f ms\n       %-41s %9.3f ms\n", "copies", 1e3 * binding->seconds[binding->graph->n_nodes], "all",
                             1e3 * total);
}
