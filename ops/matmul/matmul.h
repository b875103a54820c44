/* What matmul and matmul_grad share. */
#ifndef ARDM_MATMUL_H
#define ARDM_MATMUL_H

#include "ardm/op.h"

enum { ARDM_MOST_INT = 0x7fffffff }; /* kernels index rows and extents by int, elements by size_t */

ardm_status ardm__matmul_oracle(const ardm_call *call, const void *const *in, void *const *out);
ardm_status ardm__matmul_grad_oracle(const ardm_call *call, const void *const *in, void *const *out);
void ardm__matmul_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound);
void ardm__matmul_grad_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound);

/* Scores for the two classes of an exact variant: the one made for the device's class wins, the CPU class runs anywhere. */
int32_t ardm__accept_cpu_class(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n);
int32_t ardm__accept_gpu64(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n); /* 16x16 items */
int32_t ardm__accept_gpu32(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n); /* 8x8 items */

#endif
