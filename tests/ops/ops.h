/* The op list as tests: which items there are, and what each kind of test does with one. */
#ifndef TESTS_OPS_H
#define TESTS_OPS_H

#include "ardm/op_case.h"

/* What the command line chose. */
typedef struct settings {
    const char *only, *device, *variant;
    int small; /* cases of at most 64 Ki multiply-adds, exact buffers, one group size: for simulators */
} settings;
extern settings chosen;

/* One case, on one device by one variant where it runs on one. */
typedef struct item {
    const ardm_op *op;
    uint32_t index; /* case */
    const ardm_variant *variant;
    ardm_device *device;
    uint32_t group; /* most work-items a group that a GPU plan is told of; 0: the device's own facts */
    char name[200]; /* "ops/matmul/2/cpu-8x32 on pthread-…" */
} item;

typedef struct items {
    item *at;
    int count;
} items;

void cases_list(items *out); /* every op and case */
void runs_list(items *out);  /* … and every exact variant on every device */
void items_free(items *list);
void devices_open(void);
void devices_close(void);

/* 0, or fills `why` with the first difference. */
int outputs_differ(const ardm_case_data *data, void *const *want, void *const *got, char *why, size_t size);

/* Runs an item on its device; 0 when its bytes are the reference's. `plant` turns one byte of the answer first. */
int run_differs(const item *what, int plant, char *why, size_t size);

int oracle_differs(const item *what, char *why, size_t size);    /* reference beyond the bound */
int canonical_differs(const item *what, char *why, size_t size); /* a float output that F would change */
int levels_differ(const item *what, char *why, size_t size);     /* builds of the C reference, numbers of threads */
int gradient_differs(const item *what, char *why, size_t size);  /* central differences of the oracle */
int digest_differs(const ardm_op *op, char *why, size_t size);   /* ops/numerics.md */
int digest_print(const ardm_op *op);

int probe_differs(ardm_device *device, const ardm_op *op, char *why, size_t size);
int probe_lacks_case(const ardm_op *op, char *why, size_t size);        /* 1: a variant that is chosen for a case has none that the probe runs */
int planted_probe_differs(ardm_device *device, char *why, size_t size); /* 1: the planted difference was seen */

#endif
