/* The limit: twelve chains of fused multiply-adds that nothing feeds, at the widest vector the processor has. */
#include "ardm/thread.h"
#include "bench.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { ROUNDS = 200000, CHAINS = 12 };
#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define BEGIN512(i) __m512 c##i = _mm512_set1_ps((float)i);
#define STEP512(i) c##i = _mm512_fmadd_ps(c##i, scale, shift);
#define END512(i) sum = _mm512_add_ps(sum, c##i);
#define BEGIN256(i) __m256 c##i = _mm256_set1_ps((float)i);
#define STEP256(i) c##i = _mm256_fmadd_ps(c##i, scale, shift);
#define END256(i) sum = _mm256_add_ps(sum, c##i);

__attribute__((target("avx512f"))) static float chains512(void) {
    const __m512 scale = _mm512_set1_ps(0.999f), shift = _mm512_set1_ps(0.001f);
    __m512 sum = _mm512_setzero_ps();
    EACH(BEGIN512)
    for (int i = 0; i < ROUNDS; ++i) { EACH(STEP512) }
    EACH(END512)
    return _mm512_cvtss_f32(sum);
}

__attribute__((target("avx2,fma"))) static float chains256(void) {
    const __m256 scale = _mm256_set1_ps(0.999f), shift = _mm256_set1_ps(0.001f);
    __m256 sum = _mm256_setzero_ps();
    EACH(BEGIN256)
    for (int i = 0; i < ROUNDS; ++i) { EACH(STEP256) }
    EACH(END256)
    return _mm256_cvtss_f32(sum);
}

static void loop(void *user, int64_t begin, int64_t end) {
    volatile float *sink = user;
    const int wide = __builtin_cpu_supports("avx512f");
    for (int64_t i = begin; i < end; ++i) sink[i] = wide ? chains512() : chains256();
}

double bench_peak(const bench *b) {
    float sink[1024];
    double best = 1e9;
    const int32_t threads = b->threads < 1024 ? b->threads : 1024;
    const int wide = __builtin_cpu_supports("avx512f");
    if (!wide && !__builtin_cpu_supports("fma")) return 0;
    ardm_parallel_set_threads(threads);
    for (int sample = 0; sample < 7; ++sample) {
        const double start = bench_clock();
        ardm_parallel(threads, 1, loop, sink);
        const double seconds = bench_clock() - start;
        if (seconds < best) best = seconds;
    }
    ardm_parallel_set_threads(0);
    return 2.0 * (wide ? 16 : 8) * CHAINS * ROUNDS * threads / best / 1e9;
}
#else
double bench_peak(const bench *b) {
    (void)b;
    return 0;
}
#endif
