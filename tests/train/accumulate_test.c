/* A batch in parts: the same weights, moments and averages, to the bit, as the batch in one piece, on the reference and on every device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/objective.h"
#include "ardm/philox.h"
#include "run.h"
#include "support/checks.h"

#define TRAIN "[train]\nsteps = 4\nbatch = 8\ngroup = 1\nwarmup = 2\nlr = 0.01\ndecay = 0.1\nclip = 0.5\ncheckpoint = 9\nevaluate = 9\naccumulate = "
/* one table for what both streams show and for the output: gradients of several uses */
#define TEXT(more)                                                                                                                                   \
    "[data]\npath = words.txt\nwindow = 16\n[modality]\nid = text\nvariant = bytes\n[order]\nfamily = blocks:1-4\n"                                  \
    "[network]\nkind = transformer\nwidth = 16\nlayers = 2\nheads = 2\ncontext = 1\nbuckets = 64\n" more TRAIN
#define PICTURE(more)                                                                                                                                \
    "[data]\npath = sky.pgm\ntile = 8\n[modality]\nid = image\nvariant = grey\n[order]\nfamily = quincunx\n[network]\nkind = unet\n"                 \
    "width = 16\nlayers = 1\nheads = 2\nstem = 8\ngroups = 4\nscales = 2\n" more "[head]\nkind = mixture\nmixtures = 2\n" TRAIN
enum { NETWORKS = 4 };
static const char *const networks[NETWORKS] = {TEXT(""), PICTURE(""), TEXT("dropout = 0.2\n"), PICTURE("dropout = 0.2\n")};

static const char *config(int network, int parts) {
    static char text[1024];
    snprintf(text, sizeof text, "%s%d\n[eval]\nitems = 2\n", networks[network], parts);
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

/* Every state of `whole`, by name, is the same in `parted`, which has sums of parts beside them. */
static void ck_same_states(const run *whole, const run *parted, int parts) {
    uint32_t more = 0, parameters = 0;
    for (; parts >> (more + 1); more++) continue;
    for (uint32_t i = 0; i < ardm_store_count(whole->store); i++) {
        const char *name = ardm_store_name(whole->store, i);
        const size_t bytes = (size_t)ardm_shape_bytes(ardm_store_shape(whole->store, name));
        void *a = malloc(bytes), *b = malloc(bytes);
        ck_ok(ardm_store_get(whole->store, name, a));
        ck_ok(ardm_store_get(parted->store, name, b));
        ck_assert_msg(memcmp(a, b, bytes) == 0, "%s differs in %d parts", name, parts);
        parameters += strstr(name, ".average") != NULL;
        free(a);
        free(b);
    }
    ck_assert_uint_eq(ardm_store_count(parted->store), ardm_store_count(whole->store) + more * parameters);
}

START_TEST(parts_give_the_bits_of_the_whole) {
    const char *device;
    write_picture();
    for (size_t k = 0; (device = device_at(k)) != NULL; k++)
        for (int network = 0; network < NETWORKS; network++) {
            run whole;
            begin(&whole, device, config(network, 1));
            ck_ok(ardm_trainer_run(whole.trainer, 0));
            for (int parts = 2; parts <= 8; parts *= 2) {
                run parted;
                begin(&parted, device, config(network, parts));
                ck_assert_int_eq(ardm_binding_shape(ardm_trainer_binding(parted.trainer), "symbols")->dim[0], 8 / parts);
                ck_ok(ardm_trainer_run(parted.trainer, 2));
                again(&parted);
                ck_ok(ardm_trainer_run(parted.trainer, 0));
                ck_same_states(&whole, &parted, parts);
                end(&parted);
            }
            end(&whole);
        }
}
END_TEST

/* A part that is not finite moves nothing, and nothing of it stays in the sums. */
START_TEST(nothing_of_a_bad_part_is_kept) {
    static const char name[] = "block0.mlp.in.weight";
    run whole, parted;
    begin(&whole, "reference", config(0, 1));
    ck_ok(ardm_trainer_run(whole.trainer, 0));
    begin(&parted, "reference", config(0, 4));
    ck_ok(ardm_trainer_run(parted.trainer, 2));
    const ardm_shape *shape = ardm_store_shape(parted.store, name);
    const size_t count = (size_t)ardm_shape_count(shape);
    float *old = malloc(count * sizeof *old), *bad = malloc(count * sizeof *bad);
    ck_ok(ardm_store_get(parted.store, name, old));
    for (size_t i = 0; i < count; i++) bad[i] = 3e38f;
    ck_ok(ardm_store_set(parted.store, name, shape, bad));
    ck_fails(ARDM_EINVAL, "step 3 is not finite", ardm_trainer_run(parted.trainer, 0));
    ck_assert_int_eq(ardm_trainer_step(parted.trainer), 2);
    ck_ok(ardm_store_restore(parted.store, name, shape, old));
    ck_ok(ardm_trainer_run(parted.trainer, 0));
    ck_same_states(&whole, &parted, 4);
    free(old);
    free(bad);
    end(&whole);
    end(&parted);
}
END_TEST

/* Part by part, the counter folds every sum once, into the tree. */
START_TEST(masks_fold_a_tree) {
    enum { LEVELS = 5 };
    uint32_t waiting[LEVELS] = {0}; /* sets of parts, as bits */
    for (uint32_t part = 0; part < 1u << LEVELS; part++) {
        uint32_t own = 1u << part, next[LEVELS];
        for (int32_t level = 0; level < LEVELS; level++) {
            const ardm_part_masks m = ardm_objective_part(part, level);
            ck_assert(m.stay == 1 - m.store && (m.carry == 0 || m.store == 0));
            next[level] = m.store == 1 ? own : waiting[level];
            if (m.carry == 1) {
                const uint32_t size = 1u << level, first = part + 1 - 2 * size;
                ck_assert_uint_eq(waiting[level], ((1u << size) - 1) << first); /* the left subtree */
                ck_assert_uint_eq(own, waiting[level] << size);                 /* the right one */
                own |= waiting[level];
            }
        }
        memcpy(waiting, next, sizeof next);
        if (part + 1 == 1u << LEVELS) ck_assert_uint_eq(own, UINT32_MAX);
    }
}
END_TEST

static void refused(const char *lines) {
    char text[512];
    ardm_recipe *recipe = NULL;
    snprintf(text, sizeof text, "[data]\npath = a\n[modality]\nid = text\n[network]\nkind = transformer\n[train]\nbatch = 16\n%s\n", lines);
    ck_fails(ARDM_EINVAL, "accumulate", ardm_recipe_parse(&recipe, "a.ini", text, strlen(text)));
    ck_assert_ptr_null(recipe);
}

START_TEST(what_is_refused) {
    refused("group = 2\naccumulate = 3");
    refused("group = 2\naccumulate = 16");
    refused("group = 16\naccumulate = 2");
}
END_TEST

int main(void) {
    if (!open_folder()) return 1;
    Suite *suite = suite_create("train/accumulate");
    TCase *tcase = tcase_create("accumulate");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, masks_fold_a_tree);
    tcase_add_test(tcase, what_is_refused);
    tcase_add_test(tcase, parts_give_the_bits_of_the_whole);
    tcase_add_test(tcase, nothing_of_a_bad_part_is_kept);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return !close_folder() || failed != 0;
}
