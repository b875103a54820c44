/* The functions of the host table: streams over memory, counted allocations, one message a task. */
#include "task.h"

#include <stdlib.h>
#include <string.h>

#include "ardm/status.h"

/* In front of each allocation; 16 bytes times two, so that what follows stays aligned. */
typedef struct block {
    struct block *next, *previous;
    uint64_t bytes, pad;
} block;

static int64_t skip_bytes(ardm_task *task, int64_t bytes) {
    size_t left = task->size - task->at, take = bytes < 0 ? 0 : (uint64_t)bytes < left ? (size_t)bytes : left;
    task->at += take;
    return (int64_t)take;
}

static int64_t read_bytes(ardm_task *task, void *to, int64_t bytes) {
    size_t at = task->at;
    int64_t take = skip_bytes(task, bytes);
    if (take > 0) memcpy(to, task->data + at, (size_t)take);
    return take;
}

static int64_t length(ardm_task *task) { return (int64_t)task->size; }

static int32_t fail(ardm_task *task, int32_t status, const char *text) {
    size_t n = text ? strlen(text) : 0;
    if (n >= sizeof task->message) n = sizeof task->message - 1;
    if (n > 0) memcpy(task->message, text, n);
    task->message[n] = '\0';
    return status ? status : ARDM_EFORMAT;
}

static int32_t write_bytes(ardm_task *task, const void *from, int64_t bytes) {
    if (!task->output || bytes < 0) return fail(task, ARDM_EIO, "nothing can be written here");
    if ((uint64_t)bytes > task->output_limit || task->output->size > task->output_limit - (size_t)bytes)
        return fail(task, ARDM_ENOMEM, "the output would grow past its limit");
    if (ardm_bytes_append(task->output, from, (size_t)bytes) != ARDM_OK) return fail(task, ARDM_ENOMEM, ardm_message());
    return ARDM_OK;
}

static void *allocate(ardm_task *task, int64_t bytes) {
    if (bytes < 0 || task->budget < sizeof(block) || (uint64_t)bytes > task->budget - sizeof(block)) return NULL;
    block *b = malloc(sizeof *b + (size_t)bytes);
    if (!b) return NULL;
    *b = (block){task->blocks, NULL, (uint64_t)bytes + sizeof *b, 0};
    if (b->next) b->next->previous = b;
    task->blocks = b;
    task->budget -= b->bytes;
    return b + 1;
}

static void release(ardm_task *task, void *memory) {
    if (!memory) return;
    block *b = (block *)memory - 1;
    if (b->next) b->next->previous = b->previous;
    if (b->previous)
        b->previous->next = b->next;
    else
        task->blocks = b->next;
    task->budget += b->bytes;
    free(b);
}

static const char *option(ardm_task *task, const char *name) {
    for (uint32_t k = 0; k < task->n_settings; ++k)
        if (strcmp(task->settings[k].name, name) == 0) return task->settings[k].value;
    return NULL;
}

#ifndef ARDM_VERSION
#define ARDM_VERSION "0"
#endif
const ardm_host ardm__plugin_host = {ARDM_PLUGIN_ABI, sizeof(ardm_host), ARDM_VERSION, read_bytes, skip_bytes, length,
                                     write_bytes,     allocate,          release,      fail,       option,     ardm__power};

void ardm__task_end(ardm_task *task) {
    while (task->blocks) release(task, (block *)task->blocks + 1);
}

ardm_status ardm__task_status(const ardm_task *task, int32_t status, const char *what) {
    if (status == ARDM_OK) return ARDM_OK;
    /* A number that we do not know is still a failure. */
    if (status < ARDM_EINVAL || status > ARDM_EINTERRUPT) status = ARDM_EFORMAT;
    return ardm_fail(status, "%s: %s", what, task->message[0] ? task->message : ardm_status_name(status));
}
