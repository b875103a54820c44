/* The optional passes by name. Leaving any of them out changes no bit of any result. */
#include <string.h>

#include "../internal.h"

static const struct {
    const char *name;
    ardm_status (*run)(ardm_graph *);
} passes[] = {{"fold", ardm_graph__fold}, {"common", ardm_graph__common}, {"dead", ardm_graph__dead}, {"simplify", ardm_graph_simplify}};

ardm_status ardm_graph_run_pass(ardm_graph *graph, const char *pass) {
    ARDM_TRY(ardm_graph_check(graph));
    for (size_t k = 0; k < sizeof passes / sizeof *passes; ++k)
        if (strcmp(passes[k].name, pass) == 0) return passes[k].run(graph);
    return ardm_fail(ARDM_ENOTFOUND, "no pass is called \"%.40s\"; there are fold, common, dead and simplify, which is these three", pass);
}

int ardm_graph__is_listed(const char *list, const char *pass) {
    size_t length = strlen(pass);
    for (const char *at = list; at && *at;) {
        while (*at == ' ' || *at == ',') ++at;
        size_t word = strcspn(at, ", ");
        if (word == length && memcmp(at, pass, length) == 0) return 1;
        at += word;
    }
    return 0;
}
