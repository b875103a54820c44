/* A task lends a plugin one input, one output and memory, within limits, and keeps its message. */
#ifndef ARDM_RUNTIME_TASK_H
#define ARDM_RUNTIME_TASK_H

#include "ardm/file.h"
#include "ardm/plugin.h"

typedef struct ardm_task_setting {
    const char *name, *value;
} ardm_task_setting;

struct ardm_task {
    const uint8_t *data; /* input, borrowed */
    size_t size, at;
    ardm_bytes *output;  /* NULL: nothing may be written */
    size_t output_limit; /* of output->size */
    uint64_t budget;     /* bytes that may still be allocated */
    void *blocks;        /* a ring of what is allocated */
    const ardm_task_setting *settings;
    uint32_t n_settings;
    char message[512];
};

extern const ardm_host ardm__plugin_host;

/* Frees what a plugin left behind. */
void ardm__task_end(ardm_task *task);

/* A plugin's status as ours, with its message behind `what`. */
ardm_status ardm__task_status(const ardm_task *task, int32_t status, const char *what);

/* host->get: NULL or the power. Set by the loader. */
const void *ardm__power(const char *id);

/* ranks.c: this process is one of a job's. */
int32_t ardm__launched(void);

#endif
