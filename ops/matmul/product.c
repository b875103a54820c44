/* The walk of the references: panels of 64 columns, four rows at a time, blocks ascending. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/exact.h"
#include "ardm/thread.h"
#include "matmul/block.h"

typedef struct product {
    float *y, *panels; /* panels: [plane][panel][k][64], zero beyond the last column */
    int64_t rows, columns, k, panel_count, quads;
    ardm_left left;
    const void *user;
    const ardm_right *right;
    void (*block)(float *sum, const float *a, const float *b, int64_t terms);
} product;

static void fill_panels(void *user, int64_t begin, int64_t end) {
    const product *p = user;
    for (int64_t index = begin; index < end; ++index) {
        const int64_t plane = index / (p->panel_count * p->k), panel = index / p->k % p->panel_count, k = index % p->k;
        const ardm_right *right = p->right;
        const float *b = right->b + plane * right->plane + k / right->depth * right->outer + k % right->depth * right->inner;
        float *to = p->panels + index * ARDM_BLOCK_COLUMNS;
        for (int64_t m = 0; m < ARDM_BLOCK_COLUMNS; ++m) {
            const int64_t column = panel * ARDM_BLOCK_COLUMNS + m;
            to[m] = column < p->columns ? b[column * right->column] : 0.0f;
        }
    }
}

static void add_rows(const product *p, int64_t first_row, int64_t count, int64_t panel, const float *sum, int start, int finish, float *y) {
    const int64_t first = panel * ARDM_BLOCK_COLUMNS, left = p->columns - first;
    const int64_t width = left < ARDM_BLOCK_COLUMNS ? left : ARDM_BLOCK_COLUMNS;
    for (int64_t i = 0; i < count; ++i) {
        float *to = y + (first_row + i) * p->columns + first;
        const float *from = sum + i * ARDM_BLOCK_COLUMNS;
        for (int64_t m = 0; m < width; ++m) {
            const float total = start ? from[m] : to[m] + from[m];
            to[m] = finish ? ardm_flush(total) : total;
        }
    }
}

static void fill_rows(void *user, int64_t begin, int64_t end) {
    const product *p = user;
    float a[ARDM_BLOCK * ARDM_BLOCK_ROWS], sum[ARDM_BLOCK_ROWS * ARDM_BLOCK_COLUMNS];
    for (int64_t quad = begin; quad < end; ++quad) {
        const int64_t plane = quad / p->quads, row = quad % p->quads * ARDM_BLOCK_ROWS, left = p->rows - row;
        const int64_t count = left < ARDM_BLOCK_ROWS ? left : ARDM_BLOCK_ROWS;
        const float *panels = p->panels + (p->right->plane ? plane * p->panel_count * p->k * ARDM_BLOCK_COLUMNS : 0);
        float *y = p->y + plane * p->rows * p->columns;
        int64_t k = 0;
        memset(a, 0, sizeof a);
        do {
            const int64_t terms = p->k - k < ARDM_BLOCK ? p->k - k : ARDM_BLOCK;
            for (int64_t i = 0; i < count; ++i) p->left(p->user, plane, row + i, k, terms, a + i);
            for (int64_t panel = 0; panel < p->panel_count; ++panel) {
                p->block(sum, a, panels + (panel * p->k + k) * ARDM_BLOCK_COLUMNS, terms);
                add_rows(p, row, count, panel, sum, k == 0, k + terms == p->k, y);
            }
            k += terms;
        } while (k < p->k);
    }
}

ardm_status ardm__block_product(float *y, int64_t planes, int64_t rows, int64_t columns, int64_t k, ardm_left left, const void *user,
                                const ardm_right *right) {
    const int64_t panel_count = (columns + ARDM_BLOCK_COLUMNS - 1) / ARDM_BLOCK_COLUMNS, quads = (rows + ARDM_BLOCK_ROWS - 1) / ARDM_BLOCK_ROWS;
    const int64_t right_planes = right->plane ? planes : planes < 1 ? planes : 1, panel_rows = right_planes * panel_count * k;
    product p = {y, NULL, rows, columns, k, panel_count, quads, left, user, right, ARDM_REFERENCE_CALL(matmul_block)};
    if (planes * rows * columns == 0) return ARDM_OK;
    p.panels = malloc(((size_t)panel_rows * ARDM_BLOCK_COLUMNS + 1) * sizeof *p.panels);
    if (!p.panels) return ardm_fail(ARDM_ENOMEM, "a product of %" PRId64 " terms and %" PRId64 " columns does not fit in memory", k, columns);
    ardm_parallel(panel_rows, 1024, fill_panels, &p);
    ardm_parallel(planes * quads, 1 + 1000000 / (1 + ARDM_BLOCK_ROWS * columns * k), fill_rows, &p);
    free(p.panels);
    return ARDM_OK;
}
