/* What the trainer and its checkpoints share. */
#ifndef ARDM_TRAINER_PRIVATE_H
#define ARDM_TRAINER_PRIVATE_H

#include "ardm/evaluator.h"
#include "ardm/trainer.h"

struct ardm_trainer {
    ardm_recipe *recipe;
    const ardm_dataset *dataset;
    ardm_device *device;
    char *folder;
    ardm_store *store;
    ardm_graph *inference;
    ardm_binding *binding; /* of the training step */
    ardm_session *session; /* averaged weights, for held-out bounds */
    ardm_process *process;
    ardm_order_family family;
    ardm_orders *orders;
    ardm_example *examples; /* one an item of the batch */
    uint32_t *stratum;
    int32_t exponent;
    /* The host's part of a checkpoint. */
    int64_t step;
    float beta1_power, beta2_power; /* running products, never pow */
    /* Sums since the last row of log.csv, so that a resumed run logs what an uninterrupted one does. */
    double logged_bits, logged_clipped;
    int64_t logged_steps;
    double seconds;      /* trained so far, over all sittings */
    ardm_estimate bound; /* the last held-out bound */
};

ardm_description ardm_trainer__describe(const ardm_trainer *trainer);
ardm_status ardm_trainer__path(char out[4096], const ardm_trainer *trainer, const char *name);
/* Writes run.safetensors, keeping the one before; reads it back into the trainer and its store. */
ardm_status ardm_trainer__save(ardm_trainer *trainer);
ardm_status ardm_trainer__load(ardm_trainer *trainer);

#endif
