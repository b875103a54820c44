/* Which of the three builds of a C reference this processor runs. */
#include "reference.h"

static int32_t limit = ARDM_CPU_V4;

static int32_t detect(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma"))
        return ARDM_CPU_V4;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return ARDM_CPU_AVX2;
#endif
    return ARDM_CPU_BASE;
}

int32_t ardm__cpu_level(void) {
    /* Threads that race here store the same number. */
    static int32_t level = -1;
    int32_t known = __atomic_load_n(&level, __ATOMIC_RELAXED);
    if (known < 0) __atomic_store_n(&level, known = detect(), __ATOMIC_RELAXED);
    return known < limit ? known : limit;
}

void ardm__cpu_level_limit(int32_t level) { limit = level; }
