/* What plans over many independent elements share. */
#ifndef ARDM_ELEMENTWISE_PLAN_H
#define ARDM_ELEMENTWISE_PLAN_H

#include "ardm/op.h"

#define ARDM_LENGTH(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

/* Elements that a CPU work-item takes at least: fewer cost more in hand-over than in work. */
enum { ARDM_CHUNK = 4096 };

/* ARDM_ESHAPE when indices would not fit the int32 of kernels: a chunk may run past the end by less than itself. */
ardm_status ardm__check_launch(const ardm_call *call, int64_t count);
/* Elements a work-item of `count` for four work-items a compute unit, at least `least`, a multiple of `step`. */
int64_t ardm__share(const ardm_recorder *recorder, int64_t count, int64_t least, int64_t step);
/* Work-group size for one element a work-item: 64, or the power of two that the device takes; and n rounded up to it. */
uint64_t ardm__group(const ardm_recorder *recorder);
uint64_t ardm__round_up(int64_t n, uint64_t group);
/* Score 2 on CPU devices, refusal elsewhere. */
int32_t ardm__accept_cpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n);

#endif
