/* The best held-out bound: its checkpoint, the model made from it, the end for want of a better one, and what a resume must know. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ardm/log.h"
#include "ardm/model.h"
#include "run.h"
#include "support/checks.h"

#define CONFIG(rate, more)                                                                                                                           \
    "[data]\npath = words.txt\nwindow = 16\n[modality]\nid = text\nvariant = bytes\n[order]\nfamily = blocks:1-4\n"                                  \
    "[network]\nkind = transformer\nwidth = 16\nlayers = 1\nheads = 2\ncontext = 1\nbuckets = 64\n"                                                  \
    "[train]\nsteps = 12\nbatch = 8\ngroup = 4\nwarmup = 0\nschedule = constant\ngiven = 0\ncheckpoint = 5\nevaluate = 2\nlr = " rate "\n" more      \
    "\n[eval]\nitems = 2\n"

static const char *program, *given_path, *given_root; /* of a run that another process began */

static char *file_of(const run *r, const char *name) {
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", r->path, name);
    return path;
}

static ardm_model *model_of(const run *r, const char *name) {
    ardm_bytes bytes = {0};
    ardm_model *model = NULL;
    ck_ok(ardm_file_read(&bytes, file_of(r, name), 1 << 30, 0));
    ck_ok(ardm_model_parse(&model, bytes.data, bytes.size, 1 << 30, name));
    ardm_bytes_free(&bytes);
    return model;
}

/* Tensors are the same, but for seconds. */
static void ck_same_files(const run *a, const run *b, const char *name) {
    ardm_model *x = model_of(a, name), *y = model_of(b, name);
    ck_assert_uint_eq(ardm_model_tensor_count(x), ardm_model_tensor_count(y));
    ck_assert_uint_gt(ardm_model_tensor_count(x), 0);
    for (uint32_t i = 0; i < ardm_model_tensor_count(x); i++) {
        const ardm_tensor *p = ardm_model_tensor_at(x, i), *q = ardm_model_tensor_at(y, i);
        const size_t skip = strcmp(p->name, "trainer.measured") == 0 ? sizeof(double) : 0;
        ck_assert_str_eq(p->name, q->name);
        ck_assert_uint_eq(p->bytes, q->bytes);
        ck_assert_msg(memcmp((const char *)p->data + skip, (const char *)q->data + skip, p->bytes - skip) == 0, "%s of %s differs", p->name, name);
    }
    ardm_model_free(&x);
    ardm_model_free(&y);
}

/* Rows of log.csv without their seconds. */
static void ck_same_logs(const run *a, const run *b) {
    char path[160], line[2][512];
    snprintf(path, sizeof path, "%s", file_of(a, "log.csv"));
    FILE *x = fopen(path, "r"), *y = fopen(file_of(b, "log.csv"), "r");
    ck_assert(x && y);
    int rows = 0;
    while (fgets(line[0], 512, x)) {
        ck_assert_msg(fgets(line[1], 512, y) != NULL, "%s has %d rows only", b->path, rows);
        char *p = strchr(line[0], ','), *q = strchr(line[1], ',');
        *p = *q = 0;
        ck_assert_str_eq(line[0], line[1]);
        ck_assert_str_eq(strchr(p + 1, ','), strchr(q + 1, ','));
        rows++;
    }
    ck_assert(fgets(line[1], 512, y) == NULL && rows > 2);
    fclose(x);
    fclose(y);
}

static int rows_of_log(const run *r) {
    char line[512];
    int rows = -1; /* the header */
    FILE *file = fopen(file_of(r, "log.csv"), "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file)) rows++;
    fclose(file);
    return rows;
}

/* Without learning rate every bound is the first one: never a better one. */
START_TEST(patience_ends_a_run) {
    run r;
    double bits = 0;
    begin(&r, "reference", CONFIG("0", "patience = 2\n"));
    ck_assert_int_eq(ardm_trainer_best(r.trainer, NULL), 0);
    ck_ok(ardm_trainer_run(r.trainer, 5));
    ck_assert_int_eq(ardm_trainer_step(r.trainer), 5); /* one evaluation without a better bound, at step 4 */
    again(&r);
    ck_ok(ardm_trainer_run(r.trainer, 0));
    ck_assert_int_eq(ardm_trainer_step(r.trainer), 6);
    ck_assert_int_eq(ardm_trainer_best(r.trainer, &bits), 2);
    ck_assert(bits > 1);
    again(&r); /* what has ended stays so */
    ck_ok(ardm_trainer_run(r.trainer, 0));
    ck_assert_int_eq(ardm_trainer_step(r.trainer), 6);
    ck_assert_int_eq(rows_of_log(&r), 3);
    ck_assert(!ardm_file_exists(file_of(&r, "best.safetensors")));
    end(&r);
    begin(&r, "reference", CONFIG("0", "patience = 0\n"));
    ck_ok(ardm_trainer_run(r.trainer, 0));
    ck_assert_int_eq(ardm_trainer_step(r.trainer), 12);
    end(&r);
}
END_TEST

/* Makes weights and averages that say nothing of the data. */
static void spoil(const run *r) {
    static const char *const names[] = {"token.table", "token.table.average"};
    for (int k = 0; k < 2; k++) {
        const ardm_shape *shape = ardm_store_shape(r->store, names[k]);
        ck_assert_ptr_nonnull(shape);
        float *data = malloc((size_t)ardm_shape_bytes(shape));
        ck_assert_ptr_nonnull(data);
        for (int64_t i = 0; i < ardm_shape_count(shape); i++) data[i] = (float)(i % 7) - 3;
        ck_ok(ardm_store_set(r->store, names[k], shape, data));
        free(data);
    }
}

static int64_t steps_of(const ardm_model *model) {
    const char *facts = ardm_model_get(model, "ardm.training"), *at = facts ? strstr(facts, "\"steps\":") : NULL;
    ck_assert_ptr_nonnull(at);
    return strtoll(at + 8, NULL, 10);
}

START_TEST(the_model_is_of_the_best_step) {
    const char *device;
    for (size_t k = 0; (device = device_at(k)) != NULL; k++) {
        run r, last;
        begin(&r, device, CONFIG("0.01", "keep = best\n"));
        ck_ok(ardm_trainer_run(r.trainer, 4));
        ck_assert_int_eq(ardm_trainer_best(r.trainer, NULL), 4);
        spoil(&r);
        ck_ok(ardm_trainer_run(r.trainer, 7));
        ck_assert_int_eq(ardm_trainer_best(r.trainer, NULL), 4);
        ck_assert_int_eq(ardm_trainer_step(r.trainer), 7);
        ardm_bytes before = states(&r);
        ck_ok(ardm_trainer_export(r.trainer, file_of(&r, "best.ardm")));
        ardm_bytes after = states(&r);
        ck_same(&before, &after);
        ck_assert_int_eq(ardm_trainer_step(r.trainer), 7);
        ardm_bytes_free(&before);
        ardm_bytes_free(&after);

        /* Every weight and the curve are those of a run that stops there, and not those of the last step. */
        begin(&last, device, CONFIG("0.01", "keep = last\n"));
        ck_ok(ardm_trainer_run(last.trainer, 4));
        ck_ok(ardm_trainer_export(last.trainer, file_of(&last, "best.ardm")));
        ck_assert(!ardm_file_exists(file_of(&last, "best.safetensors")));
        ck_same_files(&r, &last, "best.ardm");
        ardm_model *model = model_of(&r, "best.ardm");
        ck_assert_int_eq(steps_of(model), 4);
        ardm_model_free(&model);
        end(&last);

        /* A best.safetensors of another step is refused, not taken. */
        ardm_bytes own = checkpoint(&r);
        ck_ok(ardm_file_write(file_of(&r, "best.safetensors"), own.data, own.size, 1));
        ck_fails(ARDM_EFORMAT, "is not the checkpoint of step 4", ardm_trainer_export(r.trainer, file_of(&r, "other.ardm")));
        ardm_bytes_free(&own);
        end(&r);
    }
}
END_TEST

/* Killed between run.safetensors and best.safetensors, the second is of a step before, or missing. */
START_TEST(a_resume_completes_the_best) {
    run r;
    ardm_bytes first = {0}, best = {0}, mended = {0};
    begin(&r, "reference", CONFIG("0.01", "keep = best\n"));
    ck_ok(ardm_trainer_run(r.trainer, 2));
    ck_ok(ardm_file_read(&first, file_of(&r, "best.safetensors"), 1 << 30, 0));
    ck_ok(ardm_trainer_run(r.trainer, 4));
    ck_assert_int_eq(ardm_trainer_best(r.trainer, NULL), 4);
    ck_ok(ardm_file_read(&best, file_of(&r, "best.safetensors"), 1 << 30, 0));
    for (int missing = 0; missing < 2; missing++) {
        ck_ok(ardm_file_write(file_of(&r, "best.safetensors"), first.data, first.size, 1));
        if (missing) ck_assert_int_eq(unlink(file_of(&r, "best.safetensors")), 0);
        again(&r);
        ck_ok(ardm_file_read(&mended, file_of(&r, "best.safetensors"), 1 << 30, 0));
        ck_same(&best, &mended);
        ardm_bytes_free(&mended);
    }
    ardm_bytes_free(&best);
    ardm_bytes_free(&first);
    end(&r);
}
END_TEST

static int evaluations;
static void interrupt_second(void *user, const char *task, double done, double total, const char *unit, const char *note) {
    (void)user, (void)done, (void)total, (void)unit, (void)note;
    if (strcmp(task, "evaluate") == 0 && ++evaluations == 2) ardm_interrupt();
}

/* Stopped in the middle of an evaluation, the run goes on, in a process of its own, as if nothing had been. The last test: interrupts stay. */
START_TEST(an_evaluation_broken_off_is_made_again) {
    static const char config[] = CONFIG("0.01", "keep = best\npatience = 9\n");
    run whole, cut;
    char command[512];
    begin(&whole, "reference", config);
    ck_ok(ardm_trainer_run(whole.trainer, 0));
    begin(&cut, "reference", config);
    ardm_progress_set(interrupt_second, NULL);
    ck_fails(ARDM_EINTERRUPT, "stopped at step 4", ardm_trainer_run(cut.trainer, 0));
    ardm_progress_set(NULL, NULL);
    ck_assert_int_eq(rows_of_log(&cut), 1);
    ck_assert_int_eq(ardm_trainer_best(cut.trainer, NULL), 2);
    FILE *log = fopen(file_of(&cut, "log.csv"), "a"); /* and killed between that row and its checkpoint */
    ck_assert(log && fprintf(log, "4,0.1,32,1,1,1,1,1,1,1\n") > 0 && fclose(log) == 0);
    snprintf(command, sizeof command, "'%s' '%s' '%s'", program, cut.path, cut.root);
    ck_assert_int_eq(system(command), 0);
    ck_same_files(&whole, &cut, "run.safetensors");
    ck_same_files(&whole, &cut, "best.safetensors");
    ck_same_logs(&whole, &cut);
    end(&whole);
    end(&cut);
}
END_TEST

START_TEST(a_given_run_goes_on) { resume(given_path, given_root); }
END_TEST

int main(int argc, char **argv) {
    program = argv[0];
    Suite *suite = suite_create("train/best");
    TCase *tcase = tcase_create("best");
    tcase_set_timeout(tcase, 0);
    if (argc == 3) {
        given_path = argv[1], given_root = argv[2];
        tcase_add_test(tcase, a_given_run_goes_on);
    } else {
        if (!open_folder()) return 1;
        tcase_add_test(tcase, patience_ends_a_run);
        tcase_add_test(tcase, the_model_is_of_the_best_step);
        tcase_add_test(tcase, a_resume_completes_the_best);
        tcase_add_test(tcase, an_evaluation_broken_off_is_made_again);
    }
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return (argc != 3 && !close_folder()) || failed != 0;
}
