// reduce/columns.cl: out[g,d] = block sum over t of x[g,t,d], one sum a column
//   x          groups * terms rows of `width` floats, `total` floats in all
//   partials   [groups, blocks, width], a block of BLOCK terms each, not flushed
//   y          [groups, width]
#ifndef BLOCK
#define BLOCK 256        // numerics.md 2: part of the result, not a tunable
#endif
#define TILE 64          // columns of a work-item: four vectors of 16

float16 flush16(const float16 x) {
    const uint16 u = as_uint16(x);
    return as_float16(u & as_uint16((u & 0x7fffffffu) >= 0x2b800000u));
}

// The sum of `rows` rows over 16 columns from x[at] on. Where a row is narrower than 16 the spare lanes read on into the next
// row and are dropped later; past the end of x they are 0.
float16 strip(global const float *restrict x, size_t at, const int rows, const int width, const size_t total) {
    float16 sum = (float16)(0.0f);
    int row = 0;
    const int safe = at + 16 > total ? 0 : (int)min((size_t)rows, (total - 16 - at) / (size_t)width + 1);
    for (; row < safe; ++row, at += width) sum += vload16(0, x + at);
    for (; row < rows; ++row, at += width) {
        float lanes[16];
        for (int j = 0; j < 16; ++j) lanes[j] = at + j < total ? x[at + j] : 0.0f;
        sum += vload16(0, lanes);
    }
    return sum;
}

void put(global float *restrict out, const float16 sum, const int from, const int to) {
    float lanes[16];
    if (from == 0 && to == 16) {
        vstore16(sum, 0, out);
        return;
    }
    vstore16(sum, 0, lanes);
    for (int j = from; j < to; ++j) out[j] = lanes[j];
}

// CPU class: one work-item a tile of columns, group and, when `whole` is 0, block; local size 1.
//   global ceil(width / TILE), whole ? 1 : blocks, groups; out is y when whole, else partials
kernel void column_tiles(global const float *restrict x, global float *restrict out, const int terms, const int width, const int total,
                         const int whole) {
    const int column = (int)get_global_id(0) * TILE, group = (int)get_global_id(2);
    const int blocks = (terms + BLOCK - 1) / BLOCK;
    const int first = whole ? 0 : (int)get_global_id(1), last = whole ? blocks : first + 1;
    const size_t begin = (size_t)group * terms * width;
    global float *to = out + ((size_t)group * (whole ? 1 : blocks) + (whole ? 0 : first)) * width;
    if (width - column >= TILE) {
        float16 t0 = (float16)(0.0f), t1 = t0, t2 = t0, t3 = t0;
        for (int block = first; block < last; ++block) {
            const int rows = min(terms - block * BLOCK, BLOCK);
            global const float *from = x + begin + (size_t)block * BLOCK * width + column;
            float16 a0 = (float16)(0.0f), a1 = a0, a2 = a0, a3 = a0;
            for (int row = 0; row < rows; ++row, from += width) {
                a0 += vload16(0, from);
                a1 += vload16(1, from);
                a2 += vload16(2, from);
                a3 += vload16(3, from);
            }
            t0 = block == first ? a0 : t0 + a0;
            t1 = block == first ? a1 : t1 + a1;
            t2 = block == first ? a2 : t2 + a2;
            t3 = block == first ? a3 : t3 + a3;
        }
        vstore16(whole ? flush16(t0) : t0, 0, to + column);
        vstore16(whole ? flush16(t1) : t1, 1, to + column);
        vstore16(whole ? flush16(t2) : t2, 2, to + column);
        vstore16(whole ? flush16(t3) : t3, 3, to + column);
        return;
    }
    for (int at = column; at < width; at += 16) {
        // The last strip begins 16 before the end, so that no lane is outside; what lies before `at` was stored already.
        const int start = width >= 16 ? min(at, width - 16) : 0;
        float16 sum = (float16)(0.0f);
        for (int block = first; block < last; ++block) {
            const float16 part = strip(x, begin + (size_t)block * BLOCK * width + start, min(terms - block * BLOCK, BLOCK), width, (size_t)total);
            sum = block == first ? part : sum + part;
        }
        put(to + start, whole ? flush16(sum) : sum, at - start, min(width - start, 16));
    }
}

// CPU class: adds partials ascending. global ceil(width / TILE), groups; local size 1
kernel void fold_tiles(global const float *restrict partials, global float *restrict y, const int blocks, const int width) {
    const int column = (int)get_global_id(0) * TILE, group = (int)get_global_id(1), many = min(width - column, TILE);
    float sum[TILE];
    global const float *from = partials + (size_t)group * blocks * width + column;
    for (int j = 0; j < many; ++j) sum[j] = from[j];
    for (int block = 1; block < blocks; ++block) {
        from += width;
        for (int j = 0; j < many; ++j) sum[j] += from[j];
    }
    for (int j = 0; j < many; ++j) y[(size_t)group * width + column + j] = ardm_flush(sum[j]);
}

// GPU class: neighbours take neighbouring columns. global >= width, blocks, groups
kernel void column_each(global const float *restrict x, global float *restrict partials, const int terms, const int width) {
    const int column = (int)get_global_id(0), block = (int)get_global_id(1), group = (int)get_global_id(2);
    if (column >= width) return;
    const int rows = min(terms - block * BLOCK, BLOCK);
    global const float *from = x + ((size_t)group * terms + (size_t)block * BLOCK) * width + column;
    float sum = 0.0f;
    for (int row = 0; row < rows; ++row, from += width) sum += *from;
    partials[((size_t)group * get_global_size(1) + block) * width + column] = sum;
}

// GPU class: global >= width, groups
kernel void fold_each(global const float *restrict partials, global float *restrict y, const int blocks, const int width) {
    const int column = (int)get_global_id(0), group = (int)get_global_id(1);
    if (column >= width) return;
    global const float *from = partials + (size_t)group * blocks * width + column;
    float sum = blocks > 0 ? *from : 0.0f;
    for (int block = 1; block < blocks; ++block) {
        from += width;
        sum += *from;
    }
    y[(size_t)group * width + column] = ardm_flush(sum);
}
