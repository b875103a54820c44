/* ardm/recipe.h (method): what a training config says, checked. A model keeps the text, and never reads it to run. */
#ifndef ARDM_RECIPE_H
#define ARDM_RECIPE_H

#include "ardm/config.h"
#include "ardm/dataset.h"
#include "ardm/experts.h"
#include "ardm/network.h"
#include "ardm/process.h"

/* Learning rate behind the warm-up. */
enum { ARDM_RATE_COSINE = 1, ARDM_RATE_CONSTANT = 2, ARDM_RATE_LINEAR = 3, ARDM_RATE_RSQRT = 4 };

typedef struct ardm_recipe {
    char *text; /* the config as read, NUL-terminated */
    ardm_config *config;
    /* data */
    const char *paths;              /* blank-separated; `path@A:B` takes bytes A to B-1 of the unpacked file */
    const char *shape;              /* of raw arrays, "32x32x3" */
    const char *modality, *variant; /* "image", "grey|rgb"; "text", "bytes|letters" */
    const char *licence;            /* of the data, kept in the model */
    int64_t tile, window;           /* image tile edge in pixels; text window in symbols */
    /* process, order */
    const char *family, *order, *partitions;
    int64_t base;
    int32_t *table;       /* of family "table", once resolved; network.table is this */
    ardm_experts experts; /* network.experts counts them */
    ardm_network network; /* classes, channels and stages are filled in once the data is open */
    /* train */
    int64_t steps, batch, group, warmup, checkpoint, evaluate, evaluate_items, draws, patience, accumulate;
    double rate, decay, beta1, beta2, epsilon, clip, average, given, auxiliary;
    int32_t schedule, sampling, keep_best; /* sampling: ardm/example.h */
    ardm_augmentation augmentation;
    uint64_t seed;
} ardm_recipe;

/* Parses and checks a config: ARDM_EINVAL names section and key. */
ardm_status ardm_recipe_parse(ardm_recipe **out, const char *name, const char *text, size_t size);
ardm_status ardm_recipe_read(ardm_recipe **out, const char *path);
void ardm_recipe_free(ardm_recipe **recipe);

/* Sets what only the data tells: classes, channels, and from them stages and base. ARDM_EINVAL when the process cannot be. */
ardm_status ardm_recipe_resolve(ardm_recipe *recipe, int64_t classes, int64_t channels, ardm_process **process);

/* The learning rate of step `step`, counted from 0, in exact arithmetic (method.md 5). */
float ardm_recipe_rate(const ardm_recipe *recipe, int64_t step);

/* Every key with type, default, range, unit and help; `ardm train --keys` prints it. */
const ardm_config_key *ardm_recipe_keys(size_t *count);

#endif
