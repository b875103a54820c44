/* What training watches: a step that is not finite leaves every state as it was and is named, and the share of flushed gradients is the one
 * that its definition gives. On the reference and on every device. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ardm/log.h"
#include "ardm/model.h"
#include "ardm/objective.h"
#include "ardm/trainer.h"
#include "run.h"
#include "support/checks.h"

#define CONFIG(rate, evaluate)                                                                                                                       \
    "[data]\npath = words.txt\nwindow = 16\n[modality]\nid = text\nvariant = bytes\n[order]\nfamily = blocks:1-4\n"                                  \
    "[network]\nkind = transformer\nwidth = 16\nlayers = 1\nheads = 2\ncontext = 1\nbuckets = 64\n"                                                  \
    "[train]\nsteps = 8\nbatch = 8\ngroup = 4\nwarmup = 0\nschedule = constant\ngiven = 0\ncheckpoint = 2\nlr = " rate "\nevaluate = " evaluate      \
    "\n[eval]\nitems = 2\n"
enum { WIDTH = 16, CLASSES = 256, EXPONENT = 8 /* bits of 8 items x 16 units = 128 */ };

/* Sets the first `count` elements of a state and gives back what the state held. */
static float *plant(const run *r, const char *name, int64_t count, float value) {
    const ardm_shape *shape = ardm_store_shape(r->store, name);
    ck_assert_msg(shape != NULL, "no state %s", name);
    int64_t all = ardm_shape_count(shape);
    float *old = malloc((size_t)all * sizeof *old), *new = malloc((size_t)all * sizeof *new);
    ck_ok(ardm_store_get(r->store, name, old));
    for (int64_t i = 0; i < all; i++) new[i] = i < count || count == 0 ? value : old[i];
    ck_ok(ardm_store_set(r->store, name, shape, new));
    free(new);
    return old;
}

static void restore(const run *r, const char *name, float **old) {
    ck_ok(ardm_store_restore(r->store, name, ardm_store_shape(r->store, name), *old));
    free(*old);
    *old = NULL;
}

/* --- steps that are not finite --------------------------------------------------------------------------------------------- */

/* The third step fails with `node` named; states and checkpoint are untouched. Tells loss and summed squares of the step. */
static void ck_held(run *r, const char *node, float *loss, float *squares) {
    ardm_bytes before = states(r), saved = checkpoint(r);
    ck_fails(ARDM_EINVAL, "step 3 is not finite", ardm_trainer_run(r->trainer, 4));
    ck_assert_msg(strstr(ardm_message(), node) != NULL, "\"%s\" lacks \"%s\"", ardm_message(), node);
    ck_assert_int_eq(ardm_trainer_step(r->trainer), 2);
    ardm_bytes after = states(r), kept = checkpoint(r);
    ck_same(&before, &after);
    ck_same(&saved, &kept);
    const float *norms = ardm_binding_output(ardm_trainer_binding(r->trainer), "norms");
    *loss = *(const float *)ardm_binding_output(ardm_trainer_binding(r->trainer), "loss");
    *squares = 0;
    for (int64_t i = 0; i < ardm_shape_count(ardm_binding_shape(ardm_trainer_binding(r->trainer), "norms")); i++) *squares += norms[i];
    ardm_bytes_free(&before);
    ardm_bytes_free(&saved);
    ardm_bytes_free(&after);
    ardm_bytes_free(&kept);
}

START_TEST(nothing_of_a_step_is_kept) {
    const char *device;
    for (size_t k = 0; (device = device_at(k)) != NULL; k++) {
        run calm, r;
        float loss, squares;
        begin(&calm, device, CONFIG("0.002", "8"));
        ck_ok(ardm_trainer_run(calm.trainer, 4));
        begin(&r, device, CONFIG("0.002", "8"));
        ck_ok(ardm_trainer_run(r.trainer, 2));

        /* A product overflows: everything behind it is NaN. */
        float *weight = plant(&r, "block0.mlp.in.weight", 0, 3e38f);
        ck_held(&r, ", matmul with block0.mlp.in.weight : f32[N,2*L,64]", &loss, &squares);
        ck_assert(!isfinite(loss));
        restore(&r, "block0.mlp.in.weight", &weight);

        /* Logits of -inf that nobody asks for: loss and gradient do not show them. */
        float *gain = plant(&r, "norm.gain", 0, 0), *bias = plant(&r, "norm.bias", 0, 1), *table = plant(&r, "token.table", WIDTH, -3e38f);
        ck_held(&r, ", matmul with token.table : f32[N,L,257]", &loss, &squares);
        ck_assert(isfinite(loss) && isfinite(squares));
        restore(&r, "norm.gain", &gain);
        restore(&r, "norm.bias", &bias);
        restore(&r, "token.table", &table);

        /* A gradient whose square overflows behind a finite loss. */
        bias = plant(&r, "norm.bias", 0, 1), table = plant(&r, "token.table", WIDTH, 1e22f);
        ck_held(&r, ", square_sum : f32[]", &loss, &squares);
        ck_assert(isfinite(loss) && !isfinite(squares));
        restore(&r, "norm.bias", &bias);
        restore(&r, "token.table", &table);

        /* Had nothing happened, not even powers of beta would differ. */
        ck_ok(ardm_trainer_run(r.trainer, 4));
        ardm_bytes a = states(&calm), b = states(&r);
        ck_same(&a, &b);
        ardm_bytes_free(&a);
        ardm_bytes_free(&b);
        end(&calm);
        end(&r);
    }
}
END_TEST

/* --- flushed gradients ----------------------------------------------------------------------------------------------------- */

static uint32_t warned, warned_flushed;
static void count_warning(void *user, int32_t level, const char *line) {
    (void)user;
    if (level != ARDM_LOG_WARNING) return;
    warned++;
    warned_flushed += strstr(line, "of the gradients' elements") != NULL;
}

/* The last column of the rows of log.csv. */
static uint32_t read_flushed(const run *r, double column[8]) {
    char path[128], line[512];
    uint32_t rows = 0;
    snprintf(path, sizeof path, "%s/log.csv", r->path);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    ck_assert_ptr_nonnull(strstr(line, ",clipped,flushed\n"));
    while (rows < 8 && fgets(line, sizeof line, file)) column[rows++] = atof(strrchr(line, ',') + 1);
    fclose(file);
    return rows;
}

static int64_t nonzeros(ardm_binding *binding, float seed, uint32_t parameters) {
    int64_t sum = 0;
    *(float *)ardm_binding_input(binding, "scale") = seed;
    ck_ok(ardm_run(binding));
    for (uint32_t i = 0; i < parameters; i++) {
        char name[32];
        snprintf(name, sizeof name, "nonzero.%u", i);
        sum += *(const int32_t *)ardm_binding_output(binding, name);
    }
    return sum;
}

/* By the definition, on the batch that the trainer's step holds. */
static double flushed(const run *r) {
    static const char *const inputs[] = {"symbols", "state", "stage", "time", "block", "weight"};
    const ardm_extent extents[] = {{"N", 8}, {"L", 16}};
    ardm_binding *binding = NULL, *step = ardm_trainer_binding(r->trainer);
    ardm_graph *graph = NULL;
    ck_ok(ardm_objective_gradients(&graph, &r->recipe->network, r->recipe->group));
    ck_ok(ardm_bind(&binding, graph, r->store, extents, 2, NULL));
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        memcpy(ardm_binding_input(binding, inputs[i]), ardm_binding_input(step, inputs[i]), ardm_shape_bytes(ardm_binding_shape(step, inputs[i])));
    uint32_t parameters = ardm_graph_state_count(graph);
    double kept = (double)nonzeros(binding, ldexpf(1, EXPONENT), parameters), all = (double)nonzeros(binding, ldexpf(1, EXPONENT + 40), parameters);
    ardm_binding_free(&binding);
    ardm_graph_free(&graph);
    return (all - kept) / all;
}

START_TEST(flushed_share_is_logged) {
    const char *device;
    for (size_t k = 0; (device = device_at(k)) != NULL; k++) {
        run r;
        double column[8];
        begin(&r, device, CONFIG("0", "2")); /* without learning rate the planted weights stay */
        warned = warned_flushed = 0;
        ardm_log_set(count_warning, NULL, ARDM_LOG_WARNING);
        ck_ok(ardm_trainer_run(r.trainer, 2));
        ck_assert_uint_eq(warned, 0);
        float *gain = plant(&r, "norm.gain", 0, 0x1p-39f); /* what is behind the last norm gets next to nothing */
        ck_ok(ardm_trainer_run(r.trainer, 6));
        ardm_log_set(NULL, NULL, ARDM_LOG_WARNING);
        ck_assert_uint_eq(read_flushed(&r, column), 3);
        double share = flushed(&r);
        printf("%s: flushed %g, then %g and %g\n", ardm_device_name(r.device), column[0], column[1], column[2]);
        ck_assert_double_eq(column[0], 0);
        ck_assert_double_gt(share, 0.01);
        ck_assert_double_lt(share, 1);
        ck_assert_double_eq_tol(column[2], share, 0.005 * share);
        ck_assert_uint_eq(warned_flushed, 1); /* once for two rows */
        free(gain);
        end(&r);
    }
}
END_TEST

/* A run begun with fewer columns goes on with the header of today; its rows stay, and rows later than the checkpoint go. */
START_TEST(old_logs_go_on) {
    static const char before[] = "step,seconds,items,clipped\n2,0.1,16,1.000\n3,0.1,24,1.000\n",
                      after[] = "step,seconds,items,bits_per_dim,bound,bound_error,lr,grad_norm,clipped,flushed\n2,0.1,16,1.000\n";
    run r;
    char path[128];
    ardm_bytes bytes = {0};
    begin(&r, "reference", CONFIG("0.002", "2"));
    ck_ok(ardm_trainer_run(r.trainer, 2));
    ardm_trainer_free(&r.trainer);
    snprintf(path, sizeof path, "%s/log.csv", r.path);
    ck_ok(ardm_file_write(path, before, sizeof before - 1, 1));
    ck_ok(ardm_trainer_open(&r.trainer, r.recipe, r.dataset, r.device, r.path, 1, 0));
    ck_ok(ardm_file_read(&bytes, path, 1 << 20, 0));
    ck_assert_uint_eq(bytes.size, sizeof after - 1);
    ck_assert_mem_eq(bytes.data, after, bytes.size);
    ardm_bytes_free(&bytes);
    end(&r);
}
END_TEST

/* Two items: one with weights of ordinary size, one whose every gradient is below 2^-40 under the smaller seed. Only the rows of the context table
 * that the second alone uses tell the seeds apart: 7 symbols that stand before another. */
START_TEST(flushed_elements_are_known) {
    enum { LENGTH = 16, EACH = 7, D = 8 };
    const ardm_network net = {.size = sizeof(ardm_network),
                              .kind = ARDM_NETWORK_TRANSFORMER,
                              .head = ARDM_HEAD_SOFTMAX,
                              .classes = 2 * EACH,
                              .stages = 1,
                              .base = 2 * EACH,
                              .family = "absorbing",
                              .channels = 1,
                              .width = D,
                              .layers = 1,
                              .heads = 2,
                              .streams = 1,
                              .context = 1,
                              .buckets = 4096};
    const ardm_extent extents[] = {{"N", 2}, {"L", LENGTH}};
    const char *device_name;
    for (size_t k = 0; (device_name = device_at(k)) != NULL; k++) {
        ardm_graph *graph = NULL;
        ardm_device *device = NULL;
        ardm_store *store = NULL;
        ardm_binding *binding = NULL;
        uint64_t random = 88172645463325252u;
        ck_ok(ardm_objective_gradients(&graph, &net, 1));
        ck_ok(ardm_device_open(&device, device_name));
        ck_ok(ardm_store_create(&store, device));
        uint32_t parameters = ardm_graph_state_count(graph), table = parameters;
        for (uint32_t i = 0; i < parameters; i++) {
            ardm_value value = ardm_graph_state_at(graph, i);
            const ardm_shape *shape = ardm_graph_value_shape(graph, value);
            float *data = malloc((size_t)ardm_shape_count(shape) * sizeof *data);
            for (int64_t j = 0; j < ardm_shape_count(shape); j++) data[j] = (float)next_uniform(&random) - 0.5f;
            ck_ok(ardm_store_set(store, ardm_graph_value_name(graph, value), shape, data));
            free(data);
        }
        for (uint32_t i = 0; i < parameters; i++)
            if (strcmp(ardm_store_name(store, i), "context1.table") == 0) table = i; /* counts come in byte order of the names too */
        ck_assert_uint_lt(table, parameters);
        ck_ok(ardm_bind(&binding, graph, store, extents, 2, NULL));
        int32_t *symbols = ardm_binding_input(binding, "symbols");
        uint8_t *state = ardm_binding_input(binding, "state");
        float *weight = ardm_binding_input(binding, "weight");
        for (int i = 0; i < 2 * LENGTH; i++) {
            symbols[i] = i / LENGTH * EACH + i % LENGTH % EACH;
            state[i] = i % LENGTH < 10; /* ten decided units, all seven symbols before the last of them; the others show that they are not */
            weight[i] = state[i] ? 0 : i < LENGTH ? 0x1p20f : 0x1p-30f;
        }
        int64_t kept = nonzeros(binding, 0x1p-30f, parameters), kept_rows, all, all_rows;
        char name[32];
        snprintf(name, sizeof name, "nonzero.%u", table);
        kept_rows = *(const int32_t *)ardm_binding_output(binding, name);
        all = nonzeros(binding, 0x1p10f, parameters);
        all_rows = *(const int32_t *)ardm_binding_output(binding, name);
        ck_assert_int_eq(kept_rows, (EACH + 1) * D); /* and the row of units that show nothing, which both items use */
        ck_assert_int_eq(all_rows, (2 * EACH + 1) * D);
        ck_assert_int_eq(all - kept, EACH * D);
        ardm_binding_free(&binding);
        ardm_store_free(&store);
        ardm_device_close(&device);
        ardm_graph_free(&graph);
    }
}
END_TEST

int main(void) {
    if (!open_folder()) return 1;
    Suite *suite = suite_create("train/watch");
    TCase *tcase = tcase_create("watch");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, nothing_of_a_step_is_kept);
    tcase_add_test(tcase, flushed_share_is_logged);
    tcase_add_test(tcase, old_logs_go_on);
    tcase_add_test(tcase, flushed_elements_are_known);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return !close_folder() || failed != 0;
}
