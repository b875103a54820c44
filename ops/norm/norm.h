/* What the norms share: extents, lane sums in C, and the references' rows. */
#ifndef ARDM_OPS_NORM_H
#define ARDM_OPS_NORM_H

#include <stddef.h>

#include "ardm/op.h"
#include "reference.h"

enum { ARDM_NORM_BLOCK = 256 };

/* x seen as [items, positions, width]; `split` groups of channels; `inverse` is 1 / width. */
typedef struct ardm_norm_extents {
    int64_t items, positions, width, split;
    int64_t group, parts; /* gradient: items a part, and how many parts */
    float eps, inverse;
} ardm_norm_extents;

/* Operands of the references; every pointer may be unused. mask NULL: nothing is void. */
typedef struct ardm_norm_arrays {
    ardm_norm_extents e;
    const float *x, *gamma, *beta, *dy, *mean_in, *rstd_in;
    const uint8_t *mask;
    float *y, *mean, *rstd, *dx, *dgamma, *dbeta;
} ardm_norm_arrays;

ARDM_REFERENCE_DECLARE(void, layer_norm_rows, (const ardm_norm_arrays *a, int64_t begin, int64_t end));
ARDM_REFERENCE_DECLARE(void, layer_norm_grad_rows, (const ardm_norm_arrays *a, int64_t begin, int64_t end));
/* Pairs of [items, split]. */
ARDM_REFERENCE_DECLARE(void, group_norm_pairs, (const ardm_norm_arrays *a, int64_t begin, int64_t end));
ARDM_REFERENCE_DECLARE(void, group_norm_grad_pairs, (const ardm_norm_arrays *a, int64_t begin, int64_t end));
/* Pairs of [parts, chunks of 64 channels]: dgamma and dbeta of both norms (mean and rstd of an item a split, or of a row). */
ARDM_REFERENCE_DECLARE(void, norm_parameters, (const ardm_norm_arrays *a, int64_t begin, int64_t end));

typedef void ardm_norm_body(const ardm_norm_arrays *a, int64_t begin, int64_t end);
void ardm__norm_run(const ardm_norm_arrays *a, int64_t count, int64_t grain, ardm_norm_body *body);

/* Checks x and the parameters in `first` .. `last` inputs, all f32[width]. */
ardm_status ardm__norm_extents(ardm_norm_extents *out, const ardm_call *call, uint32_t first, uint32_t last);
ardm_status ardm__norm_group(ardm_norm_extents *out, const ardm_call *call, int64_t group);
ardm_status ardm__norm_split(ardm_norm_extents *out, const ardm_call *call, int64_t split, uint32_t mask_input);
int32_t ardm__norm_has(const ardm_call *call, uint32_t input);
/* Every device takes the CPU form; a GPU prefers its own. */
int32_t ardm__norm_accept_cpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n);
int32_t ardm__norm_accept_gpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n);
/* Shape of x without its last extent, or [items, split]. */
ardm_shape ardm__norm_row_shape(const ardm_call *call);
/* Fold of the 256-row partials [parts, blocks, 2, width] into outputs 1 and 2, by the kernel norm_fold. */
ardm_status ardm__norm_fold(ardm_recorder *recorder, const char *options, const ardm_norm_extents *e, uint32_t partials, int32_t gpu);
/* Build options of group_cpu.cl or group_gpu.cl, and the first global extent of its norms. */
void ardm__norm_group_options(char *out, size_t size, const ardm_norm_extents *e, int32_t gpu, uint64_t *global);
/* The GPU form keeps `sets` sums a (channel, block of positions) in local memory. */
int32_t ardm__norm_accept_group(const ardm_norm_extents *e, const ardm_device_facts *facts, int64_t sets, char *why, uint32_t n);

ardm_status ardm__norm_oracle(const ardm_call *call, const void *const *in, void *const *out);
ardm_status ardm__norm_grad_oracle(const ardm_call *call, const void *const *in, void *const *out);
void ardm__norm_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound);
void ardm__norm_grad_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound);

#endif
