/* Loops over contiguous outputs, compiled once a level. A tile of columns keeps its accumulators in the first cache. */
#include "reduce/sums.h"

#include "ardm/exact.h"

enum { TILE = 64 };

void ARDM_REFERENCE(column_sums)(const float *x, float *y, int64_t terms, int64_t width, int64_t begin, int64_t end) {
    for (int64_t column = begin; column < end; column += TILE) {
        float total[TILE], block[TILE];
        int many = end - column < TILE ? (int)(end - column) : TILE;
        for (int j = 0; j < many; ++j) total[j] = 0.0f;
        for (int64_t first = 0; first < terms; first += ARDM_BLOCK) {
            int64_t last = terms - first < ARDM_BLOCK ? terms : first + ARDM_BLOCK;
            for (int j = 0; j < many; ++j) block[j] = 0.0f;
            for (int64_t t = first; t < last; ++t) {
                const float *row = x + t * width + column;
                for (int j = 0; j < many; ++j) block[j] += row[j];
            }
            for (int j = 0; j < many; ++j) total[j] = first ? total[j] + block[j] : block[j];
        }
        for (int j = 0; j < many; ++j) y[column + j] = ardm_flush(total[j]);
    }
}

/* out[j] for the nodes over rows 0 <= i < count of x. */
static void node(const float *x, int64_t count, int64_t width, int many, float *out) {
    if (count == 1) {
        for (int j = 0; j < many; ++j) out[j] = ardm_flush(x[j]);
        return;
    }
    float right[TILE];
    node(x, count / 2, width, many, out);
    node(x + count / 2 * width, count / 2, width, many, right);
    for (int j = 0; j < many; ++j) out[j] = ardm_flush(out[j] + right[j]);
}

void ARDM_REFERENCE(tree_sums)(const float *x, float *y, int64_t count, int64_t width, int64_t begin, int64_t end) {
    for (int64_t column = begin; column < end; column += TILE)
        node(x + column, count, width, end - column < TILE ? (int)(end - column) : TILE, y + column);
}

/* Eight rows side by side: their chains are independent, each stays in order. */
static void eight_rows(const float *x, float *y, int64_t width) {
    float total[8] = {0};
    for (int64_t first = 0; first < width; first += ARDM_BLOCK) {
        int64_t last = width - first < ARDM_BLOCK ? width : first + ARDM_BLOCK;
        float block[8] = {0};
        for (int64_t t = first; t < last; ++t)
            for (int r = 0; r < 8; ++r) block[r] += x[r * width + t];
        for (int r = 0; r < 8; ++r) total[r] = first ? total[r] + block[r] : block[r];
    }
    for (int r = 0; r < 8; ++r) y[r] = ardm_flush(total[r]);
}

void ARDM_REFERENCE(row_sums)(const float *x, float *y, int64_t width, int64_t begin, int64_t end) {
    int64_t row = begin;
    for (; row + 8 <= end; row += 8) eight_rows(x + row * width, y + row, width);
    for (; row < end; ++row) ARDM_REFERENCE(column_sums)(x + row * width, y + row, width, 1, 0, 1);
}
