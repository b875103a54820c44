/* ardm/trainer.h (method): the training loop. A run is a folder; a checkpoint is every state of the run, so resume is exact.
 *
 * The run folder has config.ini, run.safetensors (all states, and run.previous.safetensors), log.csv, and model.ardm where a run ends or --until
 * stops it; with [train] keep = best also best.safetensors, the checkpoint of the best held-out bound, which the model is then made from. log.csv has
 * a row every [train] evaluate steps: step, seconds, items, bits_per_dim (mean of the steps since the last row), bound and bound_error (held out),
 * lr, grad_norm, clipped (share of the steps since the last row), flushed (method.md 5: of this step's batch). Killed at any step and resumed, a run
 * ends with the same bytes as one that was never stopped. */
#ifndef ARDM_TRAINER_H
#define ARDM_TRAINER_H

#include "ardm/dataset.h"
#include "ardm/evaluator.h"
#include "ardm/program.h"
#include "ardm/ranks.h"
#include "ardm/recipe.h"

typedef struct ardm_trainer ardm_trainer;

/* Opens a run in `folder`, fresh (ARDM_EEXIST when a checkpoint is there) or resumed (the config must be the stored one).
 * recipe and dataset are borrowed for the trainer's life; classes, channels and stages of recipe->network are set here. */
ardm_status ardm_trainer_open(ardm_trainer **out, ardm_recipe *recipe, const ardm_dataset *dataset, ardm_device *device, const char *folder,
                              int32_t resume, uint64_t memory);

/* Several devices share each batch: 2^k of them, all ranks of a job together, each one an aligned range of its groups (numerics.md 3). States, loss
 * and checkpoints are those of one device, bit for bit, as long as every device is exact; [train] accumulate says how small a range must be for one
 * of them. Between steps every device holds the same states: where a checkpoint finds that they do not, it warns and goes on with the first one's.
 * Ranks must read the same config and data, have as many devices each, and rank 0 alone measures bounds and writes. ARDM_EINVAL: the batch has too
 * few groups, or another rule above is broken. What fails on one rank fails there alone: end the job then (ardm_ranks_abort), since the others wait.
 * An interrupt of any rank stops all. */
typedef struct ardm_trainer_devices {
    ardm_device *const *devices;
    uint32_t count;
    const ardm_ranks *ranks; /* NULL: no job; borrowed for the trainer's life */
} ardm_trainer_devices;
ardm_status ardm_trainer_open_on(ardm_trainer **out, ardm_recipe *recipe, const ardm_dataset *dataset, const ardm_trainer_devices *on,
                                 const char *folder, int32_t resume, uint64_t memory);
void ardm_trainer_free(ardm_trainer **trainer);

/* Takes the weights of a model of the same network for the start, averages too: fine-tuning. Before the first step of a fresh run. */
ardm_status ardm_trainer_start_from(ardm_trainer *trainer, const char *path);

/* Trains to the last step (or to `until`, 0: the last), or until [train] patience evaluations brought no better bound. ARDM_EINTERRUPT after a
 * checkpoint when the user asked to stop. ARDM_EINVAL at a step whose loss, gradient norm or logits are not finite, with its number and the first
 * node at fault: all states are those of the step before, bit for bit, and the last checkpoint stays. */
ardm_status ardm_trainer_run(ardm_trainer *trainer, int64_t until);

/* Calls watch(user) after each row of log.csv; NULL: nobody. */
void ardm_trainer_watch(ardm_trainer *trainer, void (*watch)(void *user), void *user);

int64_t ardm_trainer_step(const ardm_trainer *trainer);
/* The step whose held-out bound is the least so far (0: none was measured), and the bound in bits per dimension where `bits` is not NULL. */
int64_t ardm_trainer_best(const ardm_trainer *trainer, double *bits);
ardm_store *ardm_trainer_store(const ardm_trainer *trainer);
ardm_binding *ardm_trainer_binding(const ardm_trainer *trainer);

/* The bound of the averaged weights on the first `items` held-out items, `draws` draws an item, with the seconds that it took. */
ardm_status ardm_trainer_bound(ardm_estimate *out, ardm_trainer *trainer, int64_t items, uint32_t draws);

/* Measures the final bound and loss curve with the averaged weights on held-out items, freezes schedules and writes the model
 * (f32 weights; `ardm model export` rounds). */
ardm_status ardm_trainer_export(ardm_trainer *trainer, const char *path);

#endif
