/* average.c: a model file holds the averaged weights, and held-out bounds are measured with them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ardm/device.h"
#include "ardm/evaluator.h"
#include "ardm/model.h"
#include "ardm/predictor.h"
#include "ardm/trainer.h"
#include "rig.h"

static const char config[] =
    "[data]\npath = words.txt\nwindow = 16\n[modality]\nid = text\nvariant = bytes\n[order]\nfamily = blocks:1-4\n"
    "[network]\nkind = transformer\nwidth = 16\nlayers = 1\nheads = 2\ncontext = 0\n"
    "[train]\nsteps = 12\nbatch = 8\nwarmup = 2\ngiven = 0\ncheckpoint = 12\nevaluate = 12\naverage = 0.5\n[eval]\nitems = 2\n";

static void write_words(const char *path) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 800; i++) fprintf(file, "%d sheep sleep in the shade; ", i * i % 97);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(models_hold_averaged_weights) {
    char folder[] = "/tmp/ardm-toy-XXXXXX", words[64], run[64], path[64], clean[80];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(words, sizeof words, "%s/words.txt", folder);
    snprintf(run, sizeof run, "%s/run", folder);
    snprintf(path, sizeof path, "%s/model.ardm", folder);
    write_words(words);
    setenv("ARDM_PLUGIN_PATH", ARDM_TEST_PLUGINS, 1);
    ardm_recipe *recipe = NULL;
    ardm_dataset *dataset = NULL;
    ardm_device *device = NULL;
    ardm_trainer *trainer = NULL;
    ardm_model *model = NULL;
    ck_ok(ardm_recipe_parse(&recipe, "words.ini", config, sizeof config - 1));
    const ardm_dataset_options options = {.paths = recipe->paths,
                                          .root = folder,
                                          .modality = "text",
                                          .variant = "bytes",
                                          .window = recipe->window,
                                          .end = INT64_MAX,
                                          .memory = 1 << 30};
    ck_ok(ardm_dataset_open(&dataset, &options));
    ck_ok(ardm_device_open(&device, "reference"));
    ck_ok(ardm_trainer_open(&trainer, recipe, dataset, device, run, 0, 0));
    ck_ok(ardm_trainer_run(trainer, 0));
    ck_ok(ardm_trainer_export(trainer, path));
    ck_ok(ardm_model_load(&model, path, (uint64_t)1 << 30));
    ardm_store *store = ardm_trainer_store(trainer);
    uint32_t weights = 0, moved = 0;
    for (uint32_t i = 0; i < ardm_model_tensor_count(model); i++) {
        const ardm_tensor *tensor = ardm_model_tensor_at(model, i);
        char average[160];
        if (!ardm_model_is_weight(model, tensor)) continue;
        snprintf(average, sizeof average, "%s.average", tensor->name);
        ck_assert_ptr_nonnull(ardm_store_shape(store, average));
        float *smooth = malloc(tensor->bytes), *raw = malloc(tensor->bytes), *stored = malloc(tensor->bytes);
        ck_ok(ardm_store_get(store, average, smooth));
        ck_ok(ardm_store_get(store, tensor->name, raw));
        ck_ok(ardm_model_widen(model, tensor, stored));
        ck_assert_mem_eq(stored, smooth, tensor->bytes);
        moved += memcmp(raw, smooth, tensor->bytes) != 0;
        weights++;
        free(smooth);
        free(raw);
        free(stored);
    }
    ck_assert_uint_gt(weights, 5);
    ck_assert_uint_gt(moved, weights / 2);
    /* The bound that the run states is the one of the weights it hands out: the same items, the same draws. */
    const char *facts = ardm_model_get(model, "ardm.training"), *stated = strstr(facts, "\"held_out_bits_per_dim\":");
    ck_assert_ptr_nonnull(stated);
    const double bits = atof(stated + strlen("\"held_out_bits_per_dim\":"));
    const char *at = strstr(facts, "\"held_out_items\":");
    ck_assert_ptr_nonnull(at);
    ardm_predictor predictor;
    ardm_estimate bound;
    ck_ok(ardm_predictor_open(&predictor, model, device, 0));
    const uint32_t items = (uint32_t)atoi(at + strlen("\"held_out_items\":")), draws = items < 500 ? 2000 / items : 4;
    ck_ok(ardm_evaluate_bound(&bound, predictor.session, dataset, 0, items, draws > 64 ? 64 : draws, recipe->seed + 1, NULL, NULL));
    ck_assert_double_eq_tol(bound.bits, bits, 1e-5 * bits);
    ardm_predictor_close(&predictor);
    ardm_trainer_free(&trainer);
    ardm_device_close(&device);
    ardm_dataset_free(&dataset);
    ardm_recipe_free(&recipe);
    snprintf(clean, sizeof clean, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(clean), 0);
}
END_TEST

TCase *average_cases(void) {
    TCase *cases = tcase_create("average");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, models_hold_averaged_weights);
    return cases;
}
