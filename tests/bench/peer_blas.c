/* OpenBLAS as a peer: row-major product, its packing included in its time. */
#include "bench.h"

#ifdef ARDM_WITH_OPENBLAS
#include <cblas.h>
#include <stdlib.h>

typedef struct product {
    int32_t m, n, k;
    float *a, *b, *c;
} product;

static void multiply(void *user, int32_t times) {
    const product *p = user;
    for (int32_t i = 0; i < times; ++i)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, p->m, p->n, p->k, 1.0f, p->a, p->k, p->b, p->n, 0.0f, p->c, p->n);
}

double bench_openblas(const bench *b, int32_t m, int32_t n, int32_t k) {
    const size_t a_count = (size_t)m * (size_t)k, b_count = (size_t)k * (size_t)n, c_count = (size_t)m * (size_t)n;
    float *memory = malloc((a_count + b_count + c_count) * sizeof *memory);
    product p = {m, n, k, memory, memory + a_count, memory + a_count + b_count};
    if (!memory) return -1;
    for (size_t i = 0; i < a_count + b_count + c_count; ++i) memory[i] = (float)(i % 97) / 97.0f - 0.5f;
    openblas_set_num_threads(b->threads);
    const double seconds = bench_median(multiply, &p);
    free(memory);
    return seconds;
}
#else
double bench_openblas(const bench *b, int32_t m, int32_t n, int32_t k) {
    (void)b, (void)m, (void)n, (void)k;
    return -1;
}
#endif
