/* How a C reference becomes fast without becoming different.
 *
 * A loop that carries real work stands in its own file, say matmul/rows.c, listed by ardm_reference_sources(matmul/rows.c) in
 * family.cmake. The file is compiled three times: x86-64-v4, AVX2 with FMA, and baseline. Contraction is off in all of them and
 * every sum has one order, so they give the same bits, and a test runs all three.
 *
 *     matmul/rows.h     ARDM_REFERENCE_DECLARE(void, matmul_rows, (const float *a, float *c, int64_t n));
 *     matmul/rows.c     #include "matmul/rows.h"
 *                       void ARDM_REFERENCE(matmul_rows)(const float *a, float *c, int64_t n) { … }
 *     matmul/matmul.c   ARDM_REFERENCE_CALL(matmul_rows)(a, c, n);        (also as a function pointer)
 *
 * Write inner loops over outputs (contiguous, independent), never over the terms of one sum; hand rows to ardm_parallel. Use
 * fmaf() for a term: with FMA it is one instruction, in the baseline build the C library's exact one. Everything else in such a
 * file is static. */
#ifndef ARDM_OPS_REFERENCE_H
#define ARDM_OPS_REFERENCE_H

#include <stdint.h>

#define ARDM_PASTE_(name, level) ardm__##name##_##level
#define ARDM_PASTE(name, level) ARDM_PASTE_(name, level)
#ifdef ARDM_LEVEL
#define ARDM_REFERENCE(name) ARDM_PASTE(name, ARDM_LEVEL)
#endif

enum { ARDM_CPU_BASE = 0, ARDM_CPU_AVX2 = 1, ARDM_CPU_V4 = 2 };

/* The best level of this processor, or the lower one that a test asked for. */
int32_t ardm__cpu_level(void);
void ardm__cpu_level_limit(int32_t level);

#if defined(__x86_64__)
#define ARDM_REFERENCE_DECLARE(type, name, parameters)                                                                                               \
    type ARDM_PASTE(name, base) parameters;                                                                                                          \
    type ARDM_PASTE(name, avx2) parameters;                                                                                                          \
    type ARDM_PASTE(name, v4) parameters
#define ARDM_REFERENCE_CALL(name)                                                                                                                    \
    (ardm__cpu_level() == ARDM_CPU_V4 ? ARDM_PASTE(name, v4) : ardm__cpu_level() == ARDM_CPU_AVX2 ? ARDM_PASTE(name, avx2) : ARDM_PASTE(name, base))
#else
#define ARDM_REFERENCE_DECLARE(type, name, parameters) type ARDM_PASTE(name, base) parameters
#define ARDM_REFERENCE_CALL(name) ARDM_PASTE(name, base)
#endif

#endif
