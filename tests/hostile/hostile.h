/* Hostile input through the whole decoder: archives, models and texts that were changed on purpose, on the reference device.
 *
 * What a single parser does with damage is tested beside it: tests/method (container, safetensors), tests/graphs (graph text),
 * tests/runtime (INI), tests/plugins (PNG, PNM, IDX). Here damage that parses goes on: to plans, bindings, runs and files. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <check.h>

#include "ardm/codec.h"
#include "ardm/device.h"

enum { LIMIT = 64 << 20, SLACK = 8 << 20, MOST_ITEMS_HERE = 3 };
#define OK(call) ck_assert_msg((call) == ARDM_OK, "%s", ardm_message())

/* Bytes of the heap that this program holds, counted by heap.c. */
int64_t heap_live(void);
void heap_watch(void); /* begins a new peak */
int64_t heap_peak(void);

uint32_t chance(uint64_t *state, uint32_t below); /* xorshift: the same sequence everywhere */
ardm_device *reference(void);
ardm_bytes golden(const char *file);

/* An archive with what it must give back. */
typedef struct seed {
    const char *model;
    ardm_bytes archive, items[MOST_ITEMS_HERE];
} seed;
void seed_free(seed *s);
seed golden_seed(const char *name, const char *source);
/* Small enough for thousands of decodings: a picture of 4x4, or a sentence; kinds > 1 adds stored bytes and another one, with names. */
seed small_seed(const char *model, int32_t text, uint32_t kinds);

void open_golden(ardm_predictor *out, const char *model);

/* Opens the archive and restores every item with `predictor`, whose identity is not asked for when `any`. ARDM_OK only when every item
 * gave the seed's bytes; other bytes, a missing reason, memory above LIMIT or a long time fail the test. */
ardm_status attempt(const void *data, size_t size, ardm_predictor *predictor, int32_t any, const seed *want);

/* Begins and ends what attempt and others do around each try: memory, time and a reason. */
void watch(void);
void judge(ardm_status status, const char *what);

TCase *archive_cases(void);
TCase *model_cases(void);
TCase *graph_cases(void);
TCase *recipe_cases(void);
TCase *picture_cases(void);

#endif
