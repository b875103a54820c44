/* The paper's network for CIFAR-10 at its full size: one step of training on one picture. It is told first what the step needs; where that is not
 * there, it says so and passes over. Weights that close branches are not zero here, so that every parameter has a gradient in the first step. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "ardm/objective.h"
#include "ardm/program.h"
#include "ardm/recipe.h"
#include "ardm/thread.h"

enum { SKIPPED = 77, EDGE = 32, CHANNELS = 3, CLASSES = 256, PARAMETERS = 123921600 };

static void check(ardm_status status) { ck_assert_msg(status == ARDM_OK, "%s", ardm_message()); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef struct weights {
    const ardm_graph *graph;
    float **data; /* of each state of the step; NULL: zeros */
} weights;

static void draw(void *user, int64_t begin, int64_t end) {
    const weights *w = user;
    for (int64_t i = begin; i < end; i++) {
        ardm_value value = ardm_graph_state_at(w->graph, (uint32_t)i);
        const char *name = ardm_graph_value_name(w->graph, value), *dot = strrchr(name, '.');
        const ardm_shape *shape = ardm_graph_value_shape(w->graph, value);
        if (strcmp(dot, ".m") == 0 || strcmp(dot, ".v") == 0 || strcmp(dot, ".average") == 0) continue;
        char other[160];
        snprintf(other, sizeof other, "%s", name);
        char *closing = strstr(other, ".out."); /* drawn as what opens a branch */
        if (closing) memcpy(closing, ".on_.", 5);
        w->data[i] = malloc((size_t)ardm_shape_bytes(shape));
        if (w->data[i]) ardm_network_initialise(w->data[i], other, shape, 7);
    }
}

static int64_t start(ardm_store *store, const ardm_graph *graph) {
    uint32_t n = ardm_graph_state_count(graph);
    weights w = {graph, calloc(n, sizeof *w.data)};
    int64_t parameters = 0;
    ck_assert_ptr_nonnull(w.data);
    ardm_parallel(n, 1, draw, &w);
    for (uint32_t i = 0; i < n; i++) {
        ardm_value value = ardm_graph_state_at(graph, i);
        const ardm_shape *shape = ardm_graph_value_shape(graph, value);
        if (w.data[i]) parameters += ardm_shape_count(shape);
        check(ardm_store_set(store, ardm_graph_value_name(graph, value), shape, w.data[i]));
        free(w.data[i]);
    }
    free(w.data);
    return parameters;
}

static void fill(ardm_binding *binding) {
    const int units = EDGE * EDGE * CHANNELS;
    for (int u = 0; u < units; u++) {     /* a slope with a ripple, a third of it known */
        int known = (u + u / 7) % 3 == 0; /* of each channel some */
        ((int32_t *)ardm_binding_input(binding, "symbols"))[u] = (u / 24 + u * 37 % 11) % CLASSES;
        ((uint8_t *)ardm_binding_input(binding, "state"))[u] = (uint8_t)known;
        ((float *)ardm_binding_input(binding, "weight"))[u] = known ? 0 : 1.5f / (float)units;
    }
    *(int32_t *)ardm_binding_input(binding, "stage") = 0;
    *(float *)ardm_binding_input(binding, "time") = 1 / 3.0f;
    *(float *)ardm_binding_input(binding, "rate") = 0x1p-13f;
    *(float *)ardm_binding_input(binding, "limit") = 100;
    *(float *)ardm_binding_input(binding, "c1") = 10;
    *(float *)ardm_binding_input(binding, "c2") = 1000;
    *(float *)ardm_binding_input(binding, "average") = 0x1p-3f;
}

/* Moments of a parameter deep inside: the step has come all the way down. */
static void check_moved(ardm_store *store, const char *name) {
    const ardm_shape *shape = ardm_store_shape(store, name);
    ck_assert_msg(shape != NULL, "no state %s", name);
    float *data = malloc((size_t)ardm_shape_bytes(shape));
    int64_t moved = 0, count = ardm_shape_count(shape);
    check(ardm_store_get(store, name, data));
    for (int64_t i = 0; i < count; i++) moved += data[i] != 0;
    ck_assert_msg(moved > count / 2, "%s: %lld of %lld elements are not zero", name, (long long)moved, (long long)count);
    free(data);
}

static int step(ardm_device *device, const char *config) {
    ardm_recipe *recipe = NULL;
    ardm_process *process = NULL;
    ardm_graph *graph = NULL;
    ardm_store *store = NULL;
    ardm_binding *binding = NULL;
    ardm_plan_facts facts;
    check(ardm_recipe_read(&recipe, config));
    check(ardm_recipe_resolve(recipe, CLASSES, CHANNELS, &process));
    ardm_objective objective = {1, recipe->beta1, recipe->beta2, recipe->epsilon, recipe->decay, 20};
    check(ardm_objective_train(&graph, &recipe->network, &objective));
    const ardm_extent extents[] = {{"N", 1}, {"H", EDGE}, {"W", EDGE}};
    check(ardm_graph_plan(&facts, graph, ardm_device_get_facts(device), extents, 3, NULL));
    const uint64_t needs = facts.state_bytes + facts.constant_bytes + facts.input_bytes + facts.output_bytes + facts.local_bytes;
    const uint64_t there = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    printf("planned: %.0f MiB (states %.0f, intermediate %.0f), %.1f GFLOP, %u launches; free memory %.0f MiB\n", (double)needs / 1048576,
           (double)facts.state_bytes / 1048576, (double)facts.local_bytes / 1048576, facts.flops / 1e9, facts.launches, (double)there / 1048576);
    fflush(stdout);
    if (needs + needs / 2 > there) { /* weights are drawn in memory of their own */
        printf("skipped: the step needs more memory than there is\n");
        return SKIPPED;
    }
    check(ardm_store_create(&store, device));
    double began = now();
    ck_assert_int_eq(start(store, graph), PARAMETERS);
    printf("%d parameters drawn in %.1f s\n", PARAMETERS, now() - began);
    fflush(stdout);
    check(ardm_bind(&binding, graph, store, extents, 3, NULL));
    fill(binding);
    began = now();
    check(ardm_run(binding));
    const double took = now() - began;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const float loss = *(const float *)ardm_binding_output(binding, "loss"), *norms = ardm_binding_output(binding, "norms");
    printf("forward, backward and update on %s: %.1f s, %.1f GFLOP/s, loss %.4f nats a unit; allocated %.0f MiB, resident at most %.0f MiB\n",
           ardm_device_name(device), took, facts.flops / took / 1e9, (double)loss, (double)ardm_device_allocated(device) / 1048576,
           (double)usage.ru_maxrss / 1024);
    ck_assert_uint_eq(ardm_device_allocated(device), needs);
    ck_assert_int_eq(*(const int32_t *)ardm_binding_output(binding, "hold"), 0);
    ck_assert_msg(fabs((double)loss - log(CLASSES)) < 0.5, "a fresh network costs %g nats a unit, not about %g", (double)loss, log(CLASSES));
    for (int64_t i = 0; i < ardm_shape_count(ardm_binding_shape(binding, "norms")); i++)
        ck_assert_msg(norms[i] > 0 && isfinite(norms[i]), "parameter %lld: squared norm of the gradient is %g", (long long)i, (double)norms[i]);
    check_moved(store, "enter.kernel.m");
    check_moved(store, "middle.attention.qkv.weight.m");
    ardm_binding_free(&binding);
    ardm_store_free(&store);
    ardm_graph_free(&graph);
    ardm_process_free(&process);
    ardm_recipe_free(&recipe);
    return 0;
}

static const char *config;
static int result;

START_TEST(one_step) {
    const ardm_device_entry *entries;
    size_t count;
    ardm_device *device = NULL;
    check(ardm_device_list(&entries, &count));
    for (size_t i = 0; i < count && !device; i++) {
        char name[32];
        if (entries[i].why || entries[i].facts.device_class == ARDM_CLASS_REFERENCE) continue;
        snprintf(name, sizeof name, "%u:%u", entries[i].facts.platform_index, entries[i].facts.device_index);
        check(ardm_device_open(&device, name));
    }
    if (!device) printf("skipped: no OpenCL device\n");
    result = device ? step(device, config) : SKIPPED;
    ardm_device_close(&device);
}
END_TEST

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    config = argv[1];
    Suite *suite = suite_create("train/paper");
    TCase *tcase = tcase_create("paper");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, one_step);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : result;
}
