/* Dropout in a run: the same bytes again, interrupted or not; nothing of it where a model is judged or stored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/model.h"
#include "run.h"
#include "support/checks.h"

static const char *config(const char *dropout, const char *lr, int evaluate) {
    static char text[1024];
    snprintf(text, sizeof text,
             "[data]\npath = words.txt\nwindow = 16\n[modality]\nid = text\nvariant = bytes\n[order]\nfamily = blocks:1-4\n"
             "[network]\nkind = transformer\nwidth = 16\nlayers = 2\nheads = 2\ncontext = 1\nbuckets = 64\ndropout = %s\n"
             "[train]\nsteps = 6\nbatch = 8\ngroup = 4\nwarmup = 0\nschedule = constant\nseed = 5000000001\nlr = %s\ncheckpoint = 9\nevaluate = %d\n"
             "[eval]\nitems = 3\n",
             dropout, lr, evaluate);
    return text;
}

static ardm_bytes trained(const char *device, const char *dropout) {
    run r;
    begin(&r, device, config(dropout, "0.01", 9));
    ck_ok(ardm_trainer_run(r.trainer, 0));
    ardm_bytes all = states(&r);
    end(&r);
    return all;
}

START_TEST(a_run_again_drops_the_same) {
    ardm_bytes first = trained("reference", "0.2"), none = trained("reference", "0"), more = trained("reference", "0.21");
    ck_assert_uint_eq(none.size, first.size); /* no state of its own */
    ck_assert_mem_ne(none.data, first.data, first.size);
    ck_assert_mem_ne(more.data, first.data, first.size);
    const char *device;
    for (size_t k = 0; (device = device_at(k)) != NULL; k++) {
        ardm_bytes again_there = trained(device, "0.2");
        ck_same(&first, &again_there);
        ardm_bytes_free(&again_there);
    }
    ardm_bytes_free(&first);
    ardm_bytes_free(&none);
    ardm_bytes_free(&more);
}
END_TEST

START_TEST(a_resumed_run_drops_the_same) {
    ardm_bytes whole = trained("reference", "0.2");
    run r;
    begin(&r, "reference", config("0.2", "0.01", 9));
    for (int64_t step = 1; step < 6; step += 2) {
        ck_ok(ardm_trainer_run(r.trainer, step));
        const uint32_t *key = ardm_binding_input(ardm_trainer_binding(r.trainer), "key");
        ck_assert(key[0] == 0x2a05f201 && key[1] == 1 && key[2] == step - 1); /* seed 5000000001, and the step just made */
        again(&r);
    }
    ck_ok(ardm_trainer_run(r.trainer, 0));
    ardm_bytes parted = states(&r);
    ck_same(&whole, &parted);
    ardm_bytes_free(&whole);
    ardm_bytes_free(&parted);
    end(&r);
}
END_TEST

typedef struct row {
    char train[32], bound[64]; /* bits of the steps, and the held-out bound with its error */
} row;

/* The last row of log.csv. */
static row last_row(const run *r) {
    char path[128], line[512], kept[512] = "";
    row out = {"", ""};
    snprintf(path, sizeof path, "%s/log.csv", r->path);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file)) memcpy(kept, line, sizeof kept);
    fclose(file);
    ck_assert_int_eq(sscanf(kept, "6,%*[^,],48,%31[^,],%63[^,],", out.train, out.bound), 2);
    return out;
}

static ardm_bytes graph_of(run *r) {
    char path[128];
    ardm_model *model = NULL;
    ardm_bytes text = {0};
    snprintf(path, sizeof path, "%s/model.ardm", r->path);
    ck_ok(ardm_trainer_export(r->trainer, path));
    ck_ok(ardm_model_load(&model, path, 1 << 30));
    const char *graph = ardm_model_get(model, "ardm.graph"), *ops = ardm_model_get(model, "ardm.ops");
    ck_assert(graph && ops && !strstr(graph, "dropout") && !strstr(ops, "dropout"));
    ck_ok(ardm_bytes_append(&text, graph, strlen(graph)));
    ardm_model_free(&model);
    return text;
}

/* At a learning rate of 0 the weights stay: what the steps cost tells of dropout, what the held-out items cost does not. */
START_TEST(nothing_is_dropped_in_an_evaluation) {
    const char *device;
    for (size_t k = 0; (device = device_at(k)) != NULL; k++) {
        run with, without;
        begin(&with, device, config("0.5", "0", 3));
        begin(&without, device, config("0", "0", 3));
        ck_ok(ardm_trainer_run(with.trainer, 0));
        ck_ok(ardm_trainer_run(without.trainer, 0));
        const row a = last_row(&with), b = last_row(&without);
        ck_assert_str_ne(a.train, b.train);
        ck_assert_str_eq(a.bound, b.bound);
        ardm_bytes one = graph_of(&with), other = graph_of(&without);
        ck_same(&one, &other);
        ardm_bytes_free(&one);
        ardm_bytes_free(&other);
        end(&with);
        end(&without);
    }
}
END_TEST

START_TEST(what_is_refused) {
    static const char *const values[] = {"1", "-0.1", "0.995", "half", ""};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        ardm_recipe *recipe = NULL;
        const char *text = config(values[i], "0.01", 9);
        ck_fails(ARDM_EINVAL, "dropout", ardm_recipe_parse(&recipe, "a.ini", text, strlen(text)));
        ck_assert_ptr_null(recipe);
    }
}
END_TEST

int main(void) {
    if (!open_folder()) return 1;
    Suite *suite = suite_create("train/dropout");
    TCase *tcase = tcase_create("dropout");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, a_run_again_drops_the_same);
    tcase_add_test(tcase, a_resumed_run_drops_the_same);
    tcase_add_test(tcase, nothing_is_dropped_in_an_evaluation);
    tcase_add_test(tcase, what_is_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return !close_folder() || failed != 0;
}
