/* ardm graph: the graph that a model carries, a config builds, or a text file holds, before or after passes. */
#include "command.h"

#include <string.h>

#include "ardm/file.h"
#include "ardm/graph.h"
#include "ardm/model.h"
#include "model_file.h"

static ardm_status load(ardm_graph **out, const char *name, const arguments *args) {
    ardm_bytes bytes = {0};
    char found[4096];
    const char *path = "-";
    if (strcmp(name, "-") != 0) {
        ARDM_TRY(find_model(found, name));
        path = found;
    }
    ARDM_TRY(ardm_file_read(&bytes, path, memory_limit(args), 0));
    ardm_status status;
    if (bytes.size >= 10 && memcmp(bytes.data, "ardm graph", 10) == 0) {
        status = ardm_graph_parse(out, (const char *)bytes.data, bytes.size, memory_limit(args));
    } else {
        ardm_model *model = NULL;
        status = ardm_model_parse(&model, bytes.data, bytes.size, memory_limit(args), path);
        if (status != ARDM_OK) status = ardm_fail_in(status, "neither a text that begins with 'ardm graph' nor a model");
        const char *text = status == ARDM_OK ? ardm_model_get(model, "ardm.graph") : NULL;
        if (status == ARDM_OK && !text) status = ardm_fail(ARDM_EFORMAT, "%s carries no graph", path);
        if (status == ARDM_OK) status = ardm_graph_parse(out, text, strlen(text), memory_limit(args));
        ardm_model_free(&model);
    }
    ardm_bytes_free(&bytes);
    return status;
}

static ardm_status run(const arguments *args) {
    ardm_graph *graph = NULL;
    ardm_bytes text = {0};
    ARDM_TRY(need_files(args, 1, 1));
    ARDM_TRY(load(&graph, args->files[0], args));
    const char *pass = argument(args, "after");
    ardm_status status = pass ? ardm_graph_run_pass(graph, pass) : ARDM_OK;
    if (status == ARDM_OK) status = has(args, "dot") ? ardm_graph_print_dot(&text, graph) : ardm_graph_print(&text, graph);
    if (status == ARDM_OK) fwrite(text.data, 1, text.size, stdout);
    ardm_bytes_free(&text);
    ardm_graph_free(&graph);
    return status;
}

static const option options[] = {
    {"after", 0, "PASS", "run a pass first: simplify"},
    {"dot", 0, NULL, "print Graphviz"},
    {NULL, 0, NULL, NULL},
};
const command command_graph = {"graph",
                               "MODEL|TEXT [--after PASS] [--dot]",
                               "Print the graph of a model in the text form that parses back.",
                               "ardm graph tiles --dot | dot -Tsvg > graph.svg",
                               options,
                               run};
