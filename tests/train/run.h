/* A small run of the trainer with everything it needs, in a folder of its own. */
#ifndef ARDM_TESTS_RUN_H
#define ARDM_TESTS_RUN_H

#include "ardm/file.h"
#include "ardm/trainer.h"

typedef struct run {
    char path[64];
    const char *root; /* of the data */
    ardm_recipe *recipe;
    ardm_dataset *dataset;
    ardm_device *device; /* the first of */
    ardm_device *devices[8];
    uint32_t n_devices;
    ardm_trainer *trainer;
    ardm_store *store;
} run;

/* Makes the folder, words.txt in it, and says where plugins are; 0 when that fails. Removes it again. */
int open_folder(void);
int close_folder(void);
const char *data_folder(void);

/* Opens a fresh run on a list of devices; opens the trainer anew from its checkpoint, on others; closes. */
void begin(run *r, const char *devices, const char *config);
void again(run *r);
void again_on(run *r, const char *devices);
void end(run *r);
/* A run that another process began, on the reference, to its end. */
void resume(const char *path, const char *root);

/* Weights, moments and averages, one behind the other in byte order of their names. */
ardm_bytes states(const run *r);
void ck_same(const ardm_bytes *a, const ardm_bytes *b);
ardm_bytes checkpoint(const run *r); /* run.safetensors */

/* Every device's name, the reference first; NULL behind the last. */
const char *device_at(size_t index);

#endif
