/* The devices that share a run's batches: several of this process, those of other ranks, or both.
 *
 * Device d of rank r is number r·n + d of all. Each runs the backward graph over its range of the batch, part by part; the sums of ranges are added
 * in the tree of numerics.md 3, on the host within a process and by a butterfly between ranks; then every device moves its own weights by the
 * same sum. */
#ifndef ARDM_REPLICAS_H
#define ARDM_REPLICAS_H

#include "ardm/ranks.h"
#include "trainer_private.h"

typedef struct ardm_replicas ardm_replicas;

/* What a run of the backward graph tells beside gradients. */
typedef struct ardm_replicas__part {
    float loss;
    int32_t bad; /* logits that are not finite */
} ardm_replicas__part;

typedef struct ardm_replica ardm_replica;
struct ardm_replica {
    ardm_trainer *trainer;
    uint32_t number; /* among the devices of this process */
    ardm_device *device;
    ardm_store *store;
    ardm_binding *backward, *move;              /* of the first replica these three are the trainer's */
    float *sums;                                /* waiting sums of 1, 2, 4 … parts; the last is that of the range */
    uint64_t hash;                              /* of the states */
    ardm_status (*work)(ardm_replica *replica); /* what its thread is given to do, and how that ended */
    ardm_status status;
    char message[1024];
};

struct ardm_replicas {
    const ardm_ranks *ranks; /* NULL: no job */
    uint32_t own, n_ranks, n;
    ardm_replica *each;     /* n */
    int64_t n_parts, items; /* parts of a batch, items a part */
    int32_t levels;         /* 2^levels parts a device */
    size_t count, *first;   /* elements of all gradients; where each begins */
    uint32_t n_parameters;
    ardm_replicas__part *parts; /* n_parts, of all ranks once they are exchanged */
    float *losses;              /* n_parts, scratch */
    float *taken;               /* another rank's sum */
    int32_t warned;
};

/* Sets trainer->replicas where there is more than one device, and trainer->follows. */
ardm_status ardm_replicas__create(ardm_trainer *trainer, const ardm_trainer_devices *on);
/* Binds both halves of the step on every device, once the first one's store has its states: trainer->binding and ->optimiser are the first device's.
 * extents[0] is N. Ranks that do not agree about the run are told so. */
ardm_status ardm_replicas__bind(ardm_trainer *trainer, const ardm_extent *extents, uint32_t n_extents, uint64_t memory);
void ardm_replicas__free(ardm_replicas **replicas);

/* All below do nothing without replicas.
 *   spread  every device's states become those of the first device of rank 0
 *   check   spreads them where they are not the same, with a warning
 *   follow  what rank 0 alone knows of its measurements: whether one is due, and for how long none was better
 *   any     *flag is 1 where any rank's is not 0 */
ardm_status ardm_replicas__spread(ardm_trainer *trainer);
ardm_status ardm_replicas__check(ardm_trainer *trainer);
ardm_status ardm_replicas__follow(ardm_trainer *trainer);
ardm_status ardm_replicas__any(const ardm_trainer *trainer, int32_t *flag);

/* A step of the batch that was drawn, with the rates in trainer->optimiser; what it ended in is there too. */
ardm_status ardm_replicas__step(double *loss, ardm_trainer *trainer);
/* The first node at fault of the step just made, by number of part. */
ardm_status ardm_replicas__find_nonfinite(ardm_trainer *trainer, char node[160]);

/* Has every replica do the same, each on a thread of its own, the first one on the caller's; the first failure by number, named by its device. */
ardm_status ardm_replicas__together(ardm_replicas *replicas, ardm_status (*work)(ardm_replica *replica));

#endif
