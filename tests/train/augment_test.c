/* Where training examples come from: every one is found again, by search, among all that its augmentation allows, and nothing is preferred. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/dataset.h"
#include "ardm/philox.h"
#include "ardm/recipe.h"
#include "run.h"
#include "support/checks.h"

/* Two grey pictures; the last tile row of the second and what is below it is held out. */
enum { TILE = 8, SEED = 5, SMALL_ROWS = 18, SMALL_COLUMNS = 11, ROWS = 45, COLUMNS = 67, SPLIT = 32, TRAINING = 2 + 4 * 8 };
static uint8_t small[SMALL_ROWS * SMALL_COLUMNS], large[ROWS * COLUMNS];

static void write_picture(const char *root, const char *name, uint8_t *pixels, int rows, int columns) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < rows * columns; i++) pixels[i] = (uint8_t)ardm_random_word(1, ARDM_RANDOM_SYNTHETIC, (uint32_t)rows, 0, (uint32_t)i);
    fprintf(file, "P5\n%d %d\n255\n", columns, rows);
    ck_assert_uint_eq(fwrite(pixels, 1, (size_t)(rows * columns), file), (size_t)(rows * columns));
    ck_assert_int_eq(fclose(file), 0);
}

static ardm_dataset *pictures(void) {
    ardm_dataset *dataset = NULL;
    write_picture(data_folder(), "a.pgm", small, SMALL_ROWS, SMALL_COLUMNS);
    write_picture(data_folder(), "b.pgm", large, ROWS, COLUMNS);
    const ardm_dataset_options options = {
        .paths = "a.pgm b.pgm", .root = data_folder(), .modality = "image", .tile = TILE, .window = 16, .end = INT64_MAX, .memory = 1 << 30};
    ck_ok(ardm_dataset_open(&dataset, &options));
    ck_assert_int_eq(ardm_dataset_training(dataset), TRAINING);
    return dataset;
}

typedef struct place {
    int large, scale, y, x, mirror, turns;
} place;

/* A tile by the definition of its transformation: the averaged picture, mirrored, then turned. */
static void tile_at(int32_t tile[TILE * TILE], const place *p) {
    const uint8_t *pixels = p->large ? large : small;
    const int columns = p->large ? COLUMNS : SMALL_COLUMNS;
    int32_t next[TILE * TILE];
    for (int i = 0; i < TILE; i++)
        for (int j = 0; j < TILE; j++) {
            double sum = 0;
            for (int a = 0; a < p->scale; a++)
                for (int b = 0; b < p->scale; b++) sum += pixels[((p->y + i) * p->scale + a) * columns + (p->x + j) * p->scale + b];
            tile[i * TILE + (p->mirror ? TILE - 1 - j : j)] = (int32_t)floor(sum / (p->scale * p->scale) + 0.5);
        }
    for (int turn = 0; turn < p->turns; turn++) {
        for (int i = 0; i < TILE; i++) /* the right column becomes the first row */
            for (int j = 0; j < TILE; j++) next[i * TILE + j] = tile[j * TILE + TILE - 1 - i];
        memcpy(tile, next, sizeof next);
    }
}

/* The only place that gives these symbols, of those that training may see. */
static place find(const int32_t *symbols, const ardm_augmentation *a) {
    int32_t tile[TILE * TILE];
    place found = {.scale = 0};
    for (int which = 0; which < 2; which++)
        for (uint32_t s = 0; s < a->n_scales; s++) {
            const int scale = (int)a->scale[s], rows = (which ? SPLIT : SMALL_ROWS) / scale, columns = (which ? COLUMNS : SMALL_COLUMNS) / scale;
            const int step = a->fixed ? TILE : 1;
            for (int y = 0; y + TILE <= rows; y += step)
                for (int x = 0; x + TILE <= columns; x += step)
                    for (int k = 0; k < 8; k++) {
                        const place p = {which, scale, y, x, k & 1, k >> 1};
                        if ((p.mirror && !a->flips) || (p.turns && !a->rotations)) continue;
                        tile_at(tile, &p);
                        if (memcmp(tile, symbols, sizeof tile) != 0) continue;
                        ck_assert_int_eq(found.scale, 0);
                        found = p;
                    }
        }
    ck_assert_msg(found.scale > 0, "an example is nowhere in the training part");
    return found;
}

static void ck_share(const char *what, int count, int of, double share) {
    const double error = sqrt(of * share * (1 - share));
    ck_assert_msg(fabs(count - of * share) < 4 * error, "%s: %d of %d, expected %g", what, count, of, of * share);
}

START_TEST(every_transformation_is_drawn_alike) {
    const ardm_augmentation a = {.flips = 1, .rotations = 1, .n_scales = 3, .scale = {1, 2, 4}};
    enum { DRAWS = TRAINING * 24 };
    ardm_dataset *dataset = pictures();
    int larger = 0, scales[5] = {0}, turns[4] = {0}, mirrors = 0, joint[8] = {0}, low[4] = {0}, right = 0;
    for (uint64_t number = 0; number < DRAWS; number++) {
        int32_t symbols[TILE * TILE], again_[TILE * TILE];
        ardm_dataset_example(dataset, number, SEED, &a, symbols);
        ardm_dataset_example(dataset, number, SEED, &a, again_);
        ck_assert_mem_eq(symbols, again_, sizeof symbols);
        const place p = find(symbols, &a);
        turns[p.turns]++;
        mirrors += p.mirror;
        joint[2 * p.turns + p.mirror]++;
        larger += p.large;
        if (p.large && p.scale == 1) { /* choices have words of their own: neither turns nor scale go with the place */
            low[p.turns] += p.y >= 13;
            right += p.x >= 30;
        }
        if (p.large)
            scales[p.scale]++;
        else
            ck_assert_int_eq(p.scale, 1); /* averaged down it holds no tile */
    }
    ck_assert_int_eq(larger, DRAWS / TRAINING * (TRAINING - 2)); /* sources by area, exactly in an epoch */
    ck_share("mirrored", mirrors, DRAWS, 0.5);
    for (int k = 0; k < 4; k++) ck_share("turned", turns[k], DRAWS, 0.25);
    for (int k = 0; k < 8; k++) ck_share("mirrored and turned", joint[k], DRAWS, 0.125);
    for (int k = 0; k < 4; k++) ck_share("turned in the lower half", low[k], scales[1], 0.25 * 12 / 25);
    ck_share("in the right half", right, scales[1], 0.5);
    for (int k = 1; k <= 4; k *= 2) ck_share("scaled", scales[k], larger, 1.0 / 3);
    ardm_dataset_free(&dataset);
}
END_TEST

/* The words of a plain crop stay what they were, so runs of before go on. */
START_TEST(plain_crops_are_where_their_words_say) {
    const ardm_augmentation a = {.n_scales = 1, .scale = {1}};
    ardm_dataset *dataset = pictures();
    for (uint64_t number = 0; number < 3 * TRAINING; number++) {
        int32_t symbols[TILE * TILE];
        ardm_dataset_example(dataset, number, SEED, &a, symbols);
        const place p = find(symbols, &a);
        const uint64_t rows = (p.large ? SPLIT : SMALL_ROWS) - TILE + 1, columns = (p.large ? COLUMNS : SMALL_COLUMNS) - TILE + 1;
        ck_assert_int_eq(p.y, (int)(ardm_random_word(SEED, ARDM_RANDOM_AUGMENT, 0, number, 0) * rows >> 32));
        ck_assert_int_eq(p.x, (int)(ardm_random_word(SEED, ARDM_RANDOM_AUGMENT, 0, number, 1) * columns >> 32));
    }
    ardm_dataset_free(&dataset);
}
END_TEST

START_TEST(fixed_crops_come_once_an_epoch) {
    const ardm_augmentation a = {.fixed = 1, .n_scales = 1, .scale = {1}}, scaled = {.fixed = 1, .n_scales = 2, .scale = {1, 2}};
    ardm_dataset *dataset = pictures();
    int32_t symbols[TILE * TILE];
    int seen[2][8][8] = {0};
    for (uint64_t number = 0; number < TRAINING; number++) {
        ardm_dataset_example(dataset, number, SEED, &a, symbols);
        const place p = find(symbols, &a);
        ck_assert_int_eq(seen[p.large][p.y / TILE][p.x / TILE]++, 0);
    }
    int halved = 0;
    for (uint64_t number = 0; number < 4 * TRAINING; number++) {
        ardm_dataset_example(dataset, number, SEED, &scaled, symbols);
        halved += find(symbols, &scaled).scale == 2; /* find looks on the grid alone */
    }
    ck_share("halved", halved, 4 * (TRAINING - 2), 0.5);
    ardm_dataset_free(&dataset);
}
END_TEST

START_TEST(windows_of_text_are_random_or_fixed) {
    const ardm_augmentation anywhere = {.n_scales = 1, .scale = {1}}, grid = {.fixed = 1, .n_scales = 1, .scale = {1}};
    enum { WINDOW = 16 };
    ardm_dataset *dataset = NULL;
    ardm_bytes text = {0};
    char path[128];
    const ardm_dataset_options options = {
        .paths = "words.txt", .root = data_folder(), .modality = "text", .variant = "bytes", .window = WINDOW, .end = INT64_MAX, .memory = 1 << 30};
    ck_ok(ardm_dataset_open(&dataset, &options));
    snprintf(path, sizeof path, "%s/words.txt", data_folder());
    ck_ok(ardm_file_read(&text, path, 1 << 20, 0));
    const uint64_t n = (uint64_t)ardm_dataset_training(dataset);
    uint8_t *seen = calloc(n, 1);
    uint64_t off_grid = 0;
    for (uint64_t number = 0; number < n; number++) {
        int32_t symbols[WINDOW];
        uint8_t window[WINDOW];
        for (int which = 0; which < 2; which++) {
            ardm_dataset_example(dataset, number, SEED, which ? &anywhere : &grid, symbols);
            for (int i = 0; i < WINDOW; i++) window[i] = (uint8_t)symbols[i];
            int32_t on_grid = 0;
            for (uint64_t w = 0; w < n; w++)
                if (memcmp(text.data + w * WINDOW, window, WINDOW) == 0) {
                    on_grid = 1;
                    if (!which) seen[w] = 1;
                }
            if (which)
                off_grid += !on_grid;
            else
                ck_assert(on_grid);
        }
    }
    for (uint64_t w = 0; w < n; w++) ck_assert_msg(seen[w], "window %llu was never met", (unsigned long long)w);
    ck_assert_uint_gt(off_grid, n / 32); /* the text repeats itself, so most windows are like one on the grid */
    free(seen);
    ardm_bytes_free(&text);
    ardm_dataset_free(&dataset);
}
END_TEST

static const char *config(const char *data, const char *train) {
    static char text[512];
    snprintf(
        text, sizeof text,
        "[data]\npath = words.txt\nwindow = 16\n%s\n[modality]\nid = text\nvariant = bytes\n[network]\nkind = transformer\nwidth = 16\nlayers = 1\n"
        "heads = 2\n[train]\nbatch = 8\nsteps = 2\n%s\n",
        data, train);
    return text;
}

static void refused(const char *data, const char *words) {
    ardm_recipe *recipe = NULL;
    const char *text = config(data, "");
    ck_fails(ARDM_EINVAL, words, ardm_recipe_parse(&recipe, "x.ini", text, strlen(text)));
}

START_TEST(what_is_refused) {
    refused("scales = 1 2 1", "has 1 twice");
    refused("scales = 0", "scales");
    refused("scales = 1 two", "scales");
    refused("scales = 65", "scales");
    refused("scales = 1 2 3 4 5 6 7 8 9", "more than 8");
    refused("crops = everywhere", "crops");
    for (int k = 0; k < 2; k++) {
        ardm_device *device = NULL;
        ardm_dataset *dataset = NULL;
        ardm_recipe *recipe = NULL;
        ardm_trainer *trainer = NULL;
        char path[128];
        const char *text = k ? config("scales = 1 2", "") : config("", "rotations = yes");
        const ardm_dataset_options options = {
            .paths = "words.txt", .root = data_folder(), .modality = "text", .variant = "bytes", .window = 16, .end = INT64_MAX, .memory = 1 << 30};
        snprintf(path, sizeof path, "%s/refused", data_folder());
        ck_ok(ardm_recipe_parse(&recipe, "x.ini", text, strlen(text)));
        ck_ok(ardm_dataset_open(&dataset, &options));
        ck_ok(ardm_device_open(&device, "reference"));
        ck_fails(ARDM_EINVAL, "are for pictures; this is", ardm_trainer_open(&trainer, recipe, dataset, device, path, 0, 0));
        ck_assert_ptr_null(trainer);
        ardm_device_close(&device);
        ardm_dataset_free(&dataset);
        ardm_recipe_free(&recipe);
    }
}
END_TEST

int main(void) {
    if (!open_folder()) return 1;
    Suite *suite = suite_create("train/augment");
    TCase *tcase = tcase_create("augment");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, every_transformation_is_drawn_alike);
    tcase_add_test(tcase, plain_crops_are_where_their_words_say);
    tcase_add_test(tcase, fixed_crops_come_once_an_epoch);
    tcase_add_test(tcase, windows_of_text_are_random_or_fixed);
    tcase_add_test(tcase, what_is_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return !close_folder() || failed != 0;
}
