/* Several devices share a batch: checkpoint and log are those of one device, byte for byte but for the seconds, whatever the parts, and wherever a
 * run is resumed. On the reference, on every device, and on both together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "ardm/model.h"
#include "ardm/philox.h"
#include "run.h"
#include "support/checks.h"

#define TRAIN                                                                                                                                        \
    "[train]\nsteps = 4\nbatch = 8\ngroup = 1\nwarmup = 2\nlr = 0.01\ndecay = 0.1\nclip = 0.5\ncheckpoint = 3\nevaluate = 2\naccumulate = %d\n"      \
    "[eval]\nitems = 2\n"
static const char *const networks[] = {
    "[data]\npath = words.txt\nwindow = 16\n[modality]\nid = text\nvariant = bytes\n[order]\nfamily = blocks:1-4\n"
    "[network]\nkind = transformer\nwidth = 16\nlayers = 2\nheads = 2\ncontext = 1\nbuckets = 64\ndropout = 0.2\n" TRAIN,
    "[data]\npath = sky.pgm\ntile = 8\n[modality]\nid = image\nvariant = grey\n[order]\nfamily = quincunx\n[network]\nkind = unet\nwidth = "
    "16\nlayers = 1\nheads = 2\nstem = 8\ngroups = 4\nscales = 2\n[head]\nkind = mixture\nmixtures = 2\n" TRAIN};

static const char *config(int network, int accumulate) {
    static char text[1024];
    snprintf(text, sizeof text, networks[network], accumulate);
    return text;
}

static void write_picture(void) {
    char path[128];
    snprintf(path, sizeof path, "%s/sky.pgm", data_folder());
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "P5\n40 40\n255\n");
    for (uint32_t i = 0; i < 1600; i++) fputc((int)(60 + 2 * (i / 40) + ardm_random_word(2, ARDM_RANDOM_SYNTHETIC, 0, 0, i) % 9), file);
    ck_assert_int_eq(fclose(file), 0);
}

static ardm_model *checkpoint_of(const run *r) {
    ardm_bytes bytes = checkpoint(r);
    ardm_model *file = NULL;
    ck_ok(ardm_model_parse(&file, bytes.data, bytes.size, 1 << 30, r->path));
    ardm_bytes_free(&bytes);
    return file;
}

/* Tensors, of which trainer.measured begins with the seconds. */
static void ck_same_checkpoint(const run *a, const run *b, const char *what) {
    ardm_model *left = checkpoint_of(a), *right = checkpoint_of(b);
    ck_assert_uint_eq(ardm_model_tensor_count(left), ardm_model_tensor_count(right));
    for (uint32_t i = 0; i < ardm_model_tensor_count(left); i++) {
        const ardm_tensor *l = ardm_model_tensor_at(left, i), *r = ardm_model_tensor(right, l->name);
        const size_t skip = strcmp(l->name, "trainer.measured") == 0 ? sizeof(double) : 0;
        ck_assert_msg(r && r->bytes == l->bytes, "%s: no %s", what, l->name);
        ck_assert_msg(memcmp((const char *)l->data + skip, (const char *)r->data + skip, l->bytes - skip) == 0, "%s: %s differs", what, l->name);
    }
    ck_assert_str_eq(ardm_model_get(left, "ardm.step"), ardm_model_get(right, "ardm.step"));
    ardm_model_free(&left);
    ardm_model_free(&right);
}

/* log.csv without its second column. */
static void read_log(char *out, size_t size, const run *r) {
    char path[128], line[512];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/log.csv", r->path);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file)) {
        const char *second = strchr(line, ','), *third = second ? strchr(second + 1, ',') : NULL;
        ck_assert_ptr_nonnull(third);
        n += (size_t)snprintf(out + n, size - n, "%.*s%s", (int)(second - line), line, third);
        ck_assert_uint_lt(n, size);
    }
    fclose(file);
}

static void ck_same_run(const run *a, const run *b, const char *what) {
    char left[2048], right[2048];
    ck_same_checkpoint(a, b, what);
    read_log(left, sizeof left, a);
    read_log(right, sizeof right, b);
    ck_assert_msg(strcmp(left, right) == 0, "%s: log.csv is\n%s, not\n%s", what, right, left);
    ardm_bytes l = states(a), r = states(b);
    size_t more = 0;
    for (uint32_t i = 0; i < ardm_store_count(a->store); i++) more += strstr(ardm_store_name(a->store, i), ".part") != NULL;
    if (more == 0) ck_same(&l, &r);
    ardm_bytes_free(&l);
    ardm_bytes_free(&r);
}

/* `device` n times. */
static const char *times(const char *device, int n) {
    static char list[256];
    list[0] = '\0';
    for (int k = 0; k < n; k++) strcat(strcat(list, k ? "," : ""), device);
    return list;
}

START_TEST(sharing_gives_the_bits_of_one) {
    static const int parts[] = {1, 4, 8};
    const char *device;
    char name[64], what[128];
    write_picture();
    for (size_t k = 0; (device = device_at(k)) != NULL; k++) {
        snprintf(name, sizeof name, "%s", device);
        for (int network = 0; network < 2; network++)
            for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
                const int accumulate = parts[p];
                run one;
                begin(&one, name, config(network, accumulate));
                ck_ok(ardm_trainer_run(one.trainer, 0));
                for (int n = 2; n <= (k == 0 ? 8 : 2); n *= 2) {
                    run shared;
                    snprintf(what, sizeof what, "network %d in %d parts on %d times %s", network, accumulate, n, name);
                    begin(&shared, times(name, n), config(network, accumulate));
                    ck_assert_int_eq(ardm_binding_shape(ardm_trainer_binding(shared.trainer), "symbols")->dim[0],
                                     8 / (accumulate > n ? accumulate : n));
                    ck_ok(ardm_trainer_run(shared.trainer, 0));
                    ck_same_run(&one, &shared, what);
                    end(&shared);
                }
                end(&one);
            }
    }
}
END_TEST

/* From one device to two, to four, and back to one; the first device that is not the reference takes part where there is one. */
START_TEST(a_run_moves_between_devices) {
    run one, moved;
    char pair[64];
    const char *other = device_at(1);
    snprintf(pair, sizeof pair, "reference,%s", other ? other : "reference");
    begin(&one, "reference", config(0, 2));
    ck_ok(ardm_trainer_run(one.trainer, 0));
    begin(&moved, "reference", config(0, 2));
    ck_ok(ardm_trainer_run(moved.trainer, 1));
    again_on(&moved, pair);
    ck_ok(ardm_trainer_run(moved.trainer, 2));
    again_on(&moved, times("reference", 4));
    ck_ok(ardm_trainer_run(moved.trainer, 3));
    again_on(&moved, "reference");
    ck_ok(ardm_trainer_run(moved.trainer, 0));
    ck_same_run(&one, &moved, "a run that moved");
    end(&one);
    end(&moved);
}
END_TEST

/* Weights that are not finite are found in the part that shows it first; nothing of the step is kept on any device. */
START_TEST(nothing_of_a_bad_step_is_kept) {
    static const char name[] = "block0.mlp.in.weight";
    run one, shared;
    begin(&one, "reference", config(0, 1));
    ck_ok(ardm_trainer_run(one.trainer, 0));
    begin(&shared, times("reference", 4), config(0, 1));
    ck_ok(ardm_trainer_run(shared.trainer, 2));
    const ardm_shape *shape = ardm_store_shape(shared.store, name);
    const size_t count = (size_t)ardm_shape_count(shape);
    float *old = malloc(count * sizeof *old), *bad = malloc(count * sizeof *bad);
    ck_ok(ardm_store_get(shared.store, name, old));
    for (size_t i = 0; i < count; i++) bad[i] = 3e38f;
    ck_ok(ardm_store_set(shared.store, name, shape, bad));
    ck_fails(ARDM_EINVAL, "step 3 is not finite", ardm_trainer_run(shared.trainer, 0));
    ck_assert_msg(strstr(ardm_message(), ", matmul with block0.mlp.in.weight : f32[N,2*L,64]") != NULL, "%s", ardm_message());
    ck_assert_int_eq(ardm_trainer_step(shared.trainer), 2);
    ck_ok(ardm_store_restore(shared.store, name, shape, old));
    ck_ok(ardm_trainer_run(shared.trainer, 0));
    ck_same_run(&one, &shared, "a run with a bad step");
    free(old);
    free(bad);
    end(&one);
    end(&shared);
}
END_TEST

/* The first device's weights are changed behind the back of the others, as by a device that is not exact; the checkpoint behind that is kept. */
static const run *drifting, *kept;
static uint32_t warned;
static void drift(void *user, const char *task, double done, double total, const char *unit, const char *note) {
    static const char name[] = "norm.gain";
    (void)user, (void)total, (void)unit, (void)note;
    if (strcmp(task, "train") != 0) return;
    if (done == 1) {
        const ardm_shape *shape = ardm_store_shape(drifting->store, name);
        float gain[16];
        ck_assert_int_eq(ardm_shape_count(shape), 16);
        ck_ok(ardm_store_get(drifting->store, name, gain));
        gain[3] += 0.25f;
        ck_ok(ardm_store_restore(drifting->store, name, shape, gain));
    } else if (done == 2) {
        char command[256];
        snprintf(command, sizeof command, "cp '%s'/run.safetensors '%s'/log.csv '%s'", drifting->path, drifting->path, kept->path);
        ck_assert_int_eq(system(command), 0);
    }
}
static void count_warning(void *user, int32_t level, const char *line) {
    (void)user;
    warned += level == ARDM_LOG_WARNING && strstr(line, "step 2: device 2, ") && strstr(line, "holds other weights than the first one");
}

/* From that checkpoint on the second device has the first one's weights: going on and resuming are the same. */
START_TEST(drift_is_told_and_ended) {
    run shared, next;
    begin(&shared, "reference,reference", config(0, 1));
    begin(&next, "reference", config(0, 1));
    drifting = &shared, kept = &next;
    ardm_log_set(count_warning, NULL, ARDM_LOG_WARNING);
    ardm_progress_set(drift, NULL);
    ck_ok(ardm_trainer_run(shared.trainer, 0));
    ardm_progress_set(NULL, NULL);
    ardm_log_set(NULL, NULL, ARDM_LOG_WARNING);
    ck_assert_uint_eq(warned, 1);
    again(&next);
    ck_assert_int_eq(ardm_trainer_step(next.trainer), 2);
    ck_ok(ardm_trainer_run(next.trainer, 0));
    ck_same_run(&next, &shared, "a run with drift");
    end(&shared);
    end(&next);
}
END_TEST

static void refused(const char *words, const char *devices, const char *text) {
    run r = {0};
    ardm_trainer *trainer = NULL;
    begin(&r, "reference", config(0, 1));
    ardm_recipe *recipe = NULL;
    ardm_device *opened[8];
    uint32_t count;
    ck_ok(ardm_recipe_parse(&recipe, "a.ini", text, strlen(text)));
    ck_ok(ardm_device_open_list(opened, 8, &count, devices));
    const ardm_trainer_devices on = {opened, count, NULL};
    ck_fails(ARDM_EINVAL, words, ardm_trainer_open_on(&trainer, recipe, r.dataset, &on, "/nowhere", 0, 0));
    ck_assert_ptr_null(trainer);
    for (uint32_t k = 0; k < count; k++) ardm_device_close(&opened[k]);
    ardm_recipe_free(&recipe);
    end(&r);
}

START_TEST(what_is_refused) {
    ardm_device *opened[2] = {NULL};
    uint32_t count;
    static const char few[] = "[data]\npath = words.txt\nwindow = 16\n[modality]\nid = text\nvariant = bytes\n[network]\nkind = transformer\nwidth = "
                              "16\nlayers = 1\nheads = 2\n[train]\nsteps = 1\nbatch = 8\ngroup = 4\n";
    refused("3 devices cannot share a batch", times("reference", 3), config(0, 1));
    refused("batch 8 / group 4 is 2 groups, too few for 4 devices: 1, 2 would do, or a group of 2 items", times("reference", 4), few);
    ck_fails(ARDM_EINVAL, "a name is empty", ardm_device_open_list(opened, 2, &count, "reference,,reference"));
    ck_fails(ARDM_EINVAL, "more than 2 devices", ardm_device_open_list(opened, 2, &count, times("reference", 3)));
    ck_fails(ARDM_ENOTFOUND, "", ardm_device_open_list(opened, 2, &count, "reference,no such thing"));
    ck_assert(!opened[0] && !opened[1] && count == 0);
}
END_TEST

int main(void) {
    if (!open_folder()) return 1;
    Suite *suite = suite_create("train/devices");
    TCase *tcase = tcase_create("devices");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, sharing_gives_the_bits_of_one);
    tcase_add_test(tcase, a_run_moves_between_devices);
    tcase_add_test(tcase, nothing_of_a_bad_step_is_kept);
    tcase_add_test(tcase, drift_is_told_and_ended);
    tcase_add_test(tcase, what_is_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return !close_folder() || failed != 0;
}
