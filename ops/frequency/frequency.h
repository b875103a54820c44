/* What the files of this family share: launch shapes, and oracles that recompute the rule by other means. */
#ifndef ARDM_OPS_FREQUENCY_H
#define ARDM_OPS_FREQUENCY_H

#include "ardm/op.h"

/* Leading extents of `rows` (with `tail` more of its own) against those of x without its last one. */
int32_t ardm__frequency_same_rows(const ardm_shape *x, const ardm_shape *rows, uint32_t tail);

/* CPU class: one work-item walks at least 4,096 elements, local size 1. GPU class: one row an item, the driver's local size. */
int64_t ardm__frequency_rows_per_item(const ardm_device_facts *facts, int64_t k);
uint64_t ardm__frequency_items(const ardm_device_facts *facts, int64_t rows, int64_t per);
uint64_t ardm__frequency_local(const ardm_device_facts *facts);
int32_t ardm__frequency_accept(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n);

/* numerics.md 7 from powers of two of the C library and long division: no table, no shared code. */
ardm_status ardm__frequency_oracle(const double *z, const int32_t *children, uint32_t *f, int64_t rows, int64_t k);

#endif
