/* The one loop that the references of matrix products and convolutions share, and the walk that cuts their sums into blocks. */
#ifndef ARDM_MATMUL_BLOCK_H
#define ARDM_MATMUL_BLOCK_H

#include "ardm/status.h"
#include "reference.h"

enum { ARDM_BLOCK = 256, ARDM_BLOCK_ROWS = 4, ARDM_BLOCK_COLUMNS = 64 };

/* sum[4][64]: the chains over `terms` terms of a[terms][4] times b[terms][64], from +0. */
ARDM_REFERENCE_DECLARE(void, matmul_block, (float *sum, const float *a, const float *b, int64_t terms));

/* The right factor of plane p: element (k, m) is b[p * plane + k / depth * outer + k % depth * inner + m * column]. */
typedef struct ardm_right {
    const float *b;
    int64_t plane, depth, outer, inner, column;
} ardm_right;

/* Writes the left factor's terms begin … begin + terms - 1 of one row to a[0], a[4], a[8], … */
typedef void (*ardm_left)(const void *user, int64_t plane, int64_t row, int64_t begin, int64_t terms, float *a);

/* y[planes, rows, columns] = F(block sum over k of left * right). right->plane 0: all planes share one right factor. */
ardm_status ardm__block_product(float *y, int64_t planes, int64_t rows, int64_t columns, int64_t k, ardm_left left, const void *user,
                                const ardm_right *right);

#endif
