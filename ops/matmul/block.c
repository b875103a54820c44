/* Four rows of chains, 64 outputs wide: the definition of a block's sum (numerics.md 2). */
#include "matmul/block.h"

#include <math.h>

void ARDM_REFERENCE(matmul_block)(float *sum, const float *a, const float *b, int64_t terms) {
    float c0[ARDM_BLOCK_COLUMNS] = {0}, c1[ARDM_BLOCK_COLUMNS] = {0}, c2[ARDM_BLOCK_COLUMNS] = {0}, c3[ARDM_BLOCK_COLUMNS] = {0};
    for (int64_t k = 0; k < terms; ++k, a += ARDM_BLOCK_ROWS, b += ARDM_BLOCK_COLUMNS) {
        const float a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
        for (int m = 0; m < ARDM_BLOCK_COLUMNS; ++m) {
            c0[m] = fmaf(a0, b[m], c0[m]);
            c1[m] = fmaf(a1, b[m], c1[m]);
            c2[m] = fmaf(a2, b[m], c2[m]);
            c3[m] = fmaf(a3, b[m], c3[m]);
        }
    }
    for (int m = 0; m < ARDM_BLOCK_COLUMNS; ++m) {
        sum[m] = c0[m];
        sum[ARDM_BLOCK_COLUMNS + m] = c1[m];
        sum[2 * ARDM_BLOCK_COLUMNS + m] = c2[m];
        sum[3 * ARDM_BLOCK_COLUMNS + m] = c3[m];
    }
}
