/* What the trainer and its checkpoints share. */
#ifndef ARDM_TRAINER_PRIVATE_H
#define ARDM_TRAINER_PRIVATE_H

#include "ardm/evaluator.h"
#include "ardm/levels.h"
#include "ardm/trainer.h"

struct ardm_trainer {
    ardm_recipe *recipe;
    const ardm_dataset *dataset;
    ardm_device *device;
    char *folder;
    ardm_store *store;
    ardm_graph *inference;
    ardm_binding *binding;          /* of the training step */
    ardm_binding *optimiser;        /* takes the rates and has norms, clip and hold: the same, but where several devices share a batch */
    ardm_binding *gauge;            /* its gradients alone, under any seed: what flushing costs */
    ardm_session *session;          /* averaged weights, for held-out bounds */
    struct ardm_replicas *replicas; /* NULL: one device */
    int32_t follows;                /* a rank other than 0: it measures and writes nothing */
    ardm_process *process;
    ardm_order_family family;
    ardm_levels *tables; /* of a plugin's order, else NULL */
    ardm_orders *orders;
    ardm_example *examples; /* one an item of the batch */
    uint32_t *stratum;
    int32_t exponent, levels; /* 2^levels parts of a batch, each a run of the step graph */
    double dimensions;        /* of the whole batch */
    /* The host's part of a checkpoint. */
    int64_t step;
    float beta1_power, beta2_power; /* running products, never pow */
    /* Sums since the last row of log.csv, so that a resumed run logs what an uninterrupted one does. */
    double logged_bits, logged_clipped;
    int64_t logged_steps;
    double seconds;      /* trained so far, over all sittings */
    ardm_estimate bound; /* the last held-out bound */
    double best;         /* the least of the bounds so far, of step best_step; 0: none yet */
    int64_t best_step;
    int64_t stale;   /* evaluations since */
    int32_t due;     /* the evaluation of this step was interrupted */
    double due_norm; /* what its row of the log will say */
    int32_t warned;  /* of flushed gradients, in this sitting */
    void (*watch)(void *user);
    void *watcher;
};

ardm_description ardm_trainer__describe(const ardm_trainer *trainer);
ardm_status ardm_trainer__path(char out[4096], const ardm_trainer *trainer, const char *name);
/* Puts items first … first+items−1 of the batch that was drawn for `step` into the inputs of a binding; threads may do so side by side. */
ardm_status ardm_trainer__fill(ardm_trainer *trainer, ardm_binding *binding, int64_t step, int64_t first, int64_t items);
/* Writes run.safetensors, keeping the one before, and best.safetensors where the step is the best; reads the first back into the trainer and
 * its store. */
ardm_status ardm_trainer__save(ardm_trainer *trainer);
ardm_status ardm_trainer__load(ardm_trainer *trainer);

/* Counts the bound just measured: the best, or one more that is not. */
void ardm_trainer__count_bound(ardm_trainer *trainer);
/* No better bound for [train] patience evaluations. */
int32_t ardm_trainer__lost_patience(const ardm_trainer *trainer);
/* The model of the averages that the store holds. */
ardm_status ardm_trainer__export(ardm_trainer *trainer, const char *path);

/* Two more backward passes over the last of the parts that [train] accumulate makes of the step just made give the share of flushed gradient
 * elements, 0 … 1 (method.md 5). */
ardm_status ardm_trainer__bind_gauge(ardm_trainer *trainer, const ardm_extent *extents, uint32_t n_extents, uint64_t memory);
ardm_status ardm_trainer__flushed(double *share, ardm_trainer *trainer);

#endif
