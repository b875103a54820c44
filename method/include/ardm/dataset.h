/* ardm/dataset.h (method): training and held-out items of one size, cut from files that a modality plugin decodes.
 *
 * Images are kept whole; training cuts tiles at any place or on a grid, the held-out part is a fixed grid. Text is kept as long strings;
 * training cuts windows anywhere or one behind the other, held-out windows follow one another. The last 1/50 of each file, at least 200 items where
 * the file has four times as many, is held out; where all files are too short for that, the last 1/50 of them taken together. */
#ifndef ARDM_DATASET_H
#define ARDM_DATASET_H

#include "ardm/file.h"
#include "ardm/order.h"

enum { ARDM_MAX_SCALES = 8, ARDM_MAX_SCALE = 64 };

typedef struct ardm_dataset ardm_dataset;

typedef struct ardm_dataset_options {
    const char *paths;                      /* blank-separated; `path@A:B` takes bytes A to B-1 of the unpacked file */
    const char *root;                       /* relative paths start here; NULL: $ARDM_DATA, else the working folder */
    const char *modality, *variant, *shape; /* modality NULL: probed */
    int64_t tile, window;                   /* extents of an item */
    int64_t first, end;                     /* whole items of the files: images A to B-1; end INT64_MAX */
    int32_t whole;                          /* 1: no held-out split, everything is in the held-out part (evaluation of given files) */
    uint64_t memory;
} ardm_dataset_options;

ardm_status ardm_dataset_open(ardm_dataset **out, const ardm_dataset_options *options);
void ardm_dataset_free(ardm_dataset **dataset);

const char *ardm_dataset_modality(const ardm_dataset *dataset);
const char *ardm_dataset_variant(const ardm_dataset *dataset); /* what the files are: "rgb", "pcm16x2" */
uint32_t ardm_dataset_classes(const ardm_dataset *dataset);
ardm_layout ardm_dataset_layout(const ardm_dataset *dataset); /* of an item */
int64_t ardm_dataset_training(const ardm_dataset *dataset);   /* tiles or windows of the training part, by area */
int64_t ardm_dataset_held_out(const ardm_dataset *dataset);

/* Held-out item `index`: i32[units]. */
void ardm_dataset_item(const ardm_dataset *dataset, int64_t index, int32_t *symbols);

/* How training examples are cut. */
typedef struct ardm_augmentation {
    int32_t flips, rotations; /* mirror images and quarter turns of pictures */
    int32_t fixed;            /* 1: crops on the grid only, each once an epoch */
    uint32_t n_scales;        /* 0: as the picture is */
    uint32_t scale[ARDM_MAX_SCALES];
} ardm_augmentation;

/* Training example `number`: source by a permutation of each epoch; place, mirror image, quarter turns and scale by Philox (purposes 2 and 3), which
 * are counted by example, so that batch, device and resume cannot change them (method.md 5). Rows that are held out enter at no scale. */
void ardm_dataset_example(const ardm_dataset *dataset, uint64_t number, uint64_t seed, const ardm_augmentation *augmentation, int32_t *symbols);

/* How often each symbol occurs in the training part, f64[channels, K], for the start of the output bias. */
void ardm_dataset_marginal(const ardm_dataset *dataset, double *counts);

/* Training facts: [{"name": …, "bytes": …, "sha256": …}, …] as JSON text. */
ardm_status ardm_dataset_facts(ardm_bytes *out, const ardm_dataset *dataset);

#endif
