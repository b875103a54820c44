/* What the suites share: one use of an op, its inputs written by the test, its C reference run. */
#ifndef ARDM_TESTS_HEADS_H
#define ARDM_TESTS_HEADS_H

#include <check.h>

#include "ardm/op_case.h"

Suite *mixture_suite(void);
Suite *pixel_suite(void);
Suite *chain_suite(void);
Suite *children_suite(void);
Suite *interpolate_suite(void);

typedef struct use {
    ardm_case_data *data;
    void *out[ARDM_MAX_OPERANDS];
} use;

/* `inputs` as in a case; fill use.data->inputs[k], then run. */
use use_open(const char *op, const char *inputs, const char *attrs);
void use_run(use *u);
void use_close(use *u);

#endif
