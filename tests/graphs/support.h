/* What the suites of tests/graphs share. */
#ifndef ARDM_TESTS_GRAPHS_H
#define ARDM_TESTS_GRAPHS_H

#include <check.h>

#include "ardm/graph.h"
#include "ardm/program.h"

/* Fails the test with the library's message. */
#define OK(call) ck_assert_msg((call) == ARDM_OK, "%s: %s", #call, ardm_message())

ardm_graph *parsed(const char *text);
char *printed(const ardm_graph *graph); /* the caller frees it */
void expect_text(const ardm_graph *graph, const char *text);

/* Every device that OpenCL offers and `reference`; `index` from 0, NULL past the end. Opened once. */
ardm_device *device_at(int index);
void close_devices(void); /* before exit: some drivers are gone by the time exit handlers run */
ardm_device *reference_device(void);

/* Deterministic numbers in [-1, 1], multiples of 2^-10, so that small steps stay exact in f32. */
float noise(uint32_t seed, uint32_t index);
void set_noise(ardm_store *store, const ardm_graph *graph, const ardm_extent *extents, uint32_t n_extents, uint32_t seed, float scale);

TCase *text_cases(void);
TCase *hostile_cases(void);
TCase *passes_cases(void);
TCase *gradient_cases(void);
TCase *memory_cases(void);
TCase *random_cases(void);
TCase *alloc_cases(void);
TCase *ops_cases(void);
TCase *run_cases(void);
TCase *train_cases(void);
TCase *variants_cases(void);
TCase *networks_cases(void);
TCase *dropout_cases(void);

#endif
