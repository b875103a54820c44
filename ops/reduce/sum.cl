// reduce/sum.cl: y = sum over rows of F(block sum along a row); rows are added by the tree when their number is a power of two,
// else by a block sum
//   x          rows * width floats
//   partials   [rows, blocks], a block of BLOCK terms each, then [rows] row sums behind them
#ifndef BLOCK
#define BLOCK 256        // numerics.md 2: part of the result, not a tunable
#endif
#define LEVELS 32
#define MOST 64          // work-items of the last launch, GPU class, at most; a power of two

float chain(global const float *restrict from, const int many) {
    float sum = 0.0f;
    for (int t = 0; t < many; ++t) sum += from[t];
    return sum;
}

// Interleaves the lower, or the upper, halves of two vectors.
#define LOW(a, b)                                                                                                          \
    (float16)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3, a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7)
#define HIGH(a, b)                                                                                                         \
    (float16)(a.s8, b.s8, a.s9, b.s9, a.sa, b.sa, a.sb, b.sb, a.sc, b.sc, a.sd, b.sd, a.se, b.se, a.sf, b.sf)

// Sixteen chains side by side, a lane each, over `many` terms from from[0], from[stride], … on. Sixteen terms of each are loaded
// along the row and transposed by four perfect shuffles, then added term by term.
float16 sixteen_chains(global const float *restrict from, const int stride, const int many) {
    float16 sum = (float16)(0.0f);
    int t = 0;
    for (; t + 16 <= many; t += 16) {
        float16 a[16], b[16];
#pragma unroll
        for (int k = 0; k < 16; ++k) a[k] = vload16(0, from + k * stride + t);
#pragma unroll
        for (int k = 0; k < 8; ++k) b[2 * k] = LOW(a[k], a[k + 8]), b[2 * k + 1] = HIGH(a[k], a[k + 8]);
#pragma unroll
        for (int k = 0; k < 8; ++k) a[2 * k] = LOW(b[k], b[k + 8]), a[2 * k + 1] = HIGH(b[k], b[k + 8]);
#pragma unroll
        for (int k = 0; k < 8; ++k) b[2 * k] = LOW(a[k], a[k + 8]), b[2 * k + 1] = HIGH(a[k], a[k + 8]);
#pragma unroll
        for (int k = 0; k < 8; ++k) a[2 * k] = LOW(b[k], b[k + 8]), a[2 * k + 1] = HIGH(b[k], b[k + 8]);
#pragma unroll
        for (int k = 0; k < 16; ++k) sum += a[k];
    }
    for (; t < many; ++t) {
        float lanes[16];
        for (int k = 0; k < 16; ++k) lanes[k] = from[k * stride + t];
        sum += vload16(0, lanes);
    }
    return sum;
}

void blocks_between(global const float *restrict x, global float *restrict partials, const int width, const int blocks, const int begin,
                    const int end) {
    for (int at = begin; at < end;) {
        const int row = at / blocks, block = at - row * blocks;
        global const float *from = x + (size_t)row * width + (size_t)block * BLOCK;
        if (at + 16 <= end && (blocks == 1 || block + 16 <= width / BLOCK)) {
            vstore16(sixteen_chains(from, blocks == 1 ? width : BLOCK, blocks == 1 ? width : BLOCK), 0, partials + at);
            at += 16;
        } else {
            partials[at] = chain(from, min(width - block * BLOCK, BLOCK));
            ++at;
        }
    }
}

float fold_row(global const float *restrict partials, const int blocks) {
    float sum = blocks > 0 ? partials[0] : 0.0f;
    for (int block = 1; block < blocks; ++block) sum += partials[block];
    return ardm_flush(sum);
}

// A binary counter over `count` values from `sums` on; count a power of two.
float tree(global const float *restrict sums, const int count) {
    float kept[LEVELS], node = 0.0f;
    for (int i = 0; i < count; ++i) {
        int level = 0;
        node = ardm_flush(sums[i]);
        for (; (i >> level) & 1; ++level) node = ardm_flush(kept[level] + node);
        kept[level] = node;
    }
    return node;
}

float block_sum(global const float *restrict sums, const int count) {
    float total = 0.0f;
    for (int first = 0; first < count; first += BLOCK) {
        const float part = chain(sums + first, min(count - first, BLOCK));
        total = first == 0 ? part : total + part;
    }
    return ardm_flush(total);
}

void finish(global float *restrict partials, global float *restrict y, const int rows, const int blocks) {
    global float *sums = partials + (size_t)rows * blocks;
    for (int row = 0; row < rows; ++row) sums[row] = fold_row(partials + (size_t)row * blocks, blocks);
    y[0] = rows > 0 && (rows & (rows - 1)) == 0 ? tree(sums, rows) : block_sum(sums, rows);
}

// CPU class: global ceil(rows * blocks / each), local size 1
kernel void sum_blocks(global const float *restrict x, global float *restrict partials, const int rows, const int width, const int blocks,
                       const int each) {
    const int begin = (int)get_global_id(0) * each;
    blocks_between(x, partials, width, blocks, begin, min(rows * blocks - begin, each) + begin);
}
// CPU class: one work-item
kernel void sum_finish(global float *restrict partials, global float *restrict y, const int rows, const int blocks) {
    finish(partials, y, rows, blocks);
}
// CPU class: both of the above in one work-item, for small operands
kernel void sum_small(global const float *restrict x, global float *restrict partials, global float *restrict y, const int rows, const int width,
                      const int blocks) {
    blocks_between(x, partials, width, blocks, 0, rows * blocks);
    finish(partials, y, rows, blocks);
}

// GPU class: one block a work-item. global >= rows * blocks
kernel void sum_block_each(global const float *restrict x, global float *restrict partials, const int rows, const int width, const int blocks) {
    const int at = (int)get_global_id(0);
    if (at >= rows * blocks) return;
    const int row = at / blocks, block = at - row * blocks;
    partials[at] = chain(x + (size_t)row * width + (size_t)block * BLOCK, min(width - block * BLOCK, BLOCK));
}
// GPU class: one row a work-item. global >= rows
kernel void sum_row_each(global float *restrict partials, const int rows, const int blocks) {
    const int row = (int)get_global_id(0);
    if (row < rows) partials[(size_t)rows * blocks + row] = fold_row(partials + (size_t)row * blocks, blocks);
}
// GPU class: one group. Item i takes the i-th of as many aligned subtrees, or every so-many-th block of row sums.
kernel void sum_group(global float *restrict partials, global float *restrict y, const int rows, const int blocks) {
    local float nodes[MOST];
    const int i = (int)get_local_id(0), group = (int)get_local_size(0);
    global float *sums = partials + (size_t)rows * blocks;
    if (rows >= group && (rows & (rows - 1)) == 0) {
        nodes[i] = tree(sums + (size_t)i * (rows / group), rows / group);
        for (int half_count = group / 2; half_count > 0; half_count /= 2) {
            barrier(CLK_LOCAL_MEM_FENCE);
            const float node = i < half_count ? ardm_flush(nodes[2 * i] + nodes[2 * i + 1]) : 0.0f;
            barrier(CLK_LOCAL_MEM_FENCE);
            if (i < half_count) nodes[i] = node;
        }
        if (i == 0) y[0] = nodes[0];
        return;
    }
    if (rows < group) {
        if (i == 0) y[0] = rows > 0 && (rows & (rows - 1)) == 0 ? tree(sums, rows) : block_sum(sums, rows);
        return;
    }
    // The sum of a block replaces its first element: only this item reads that block.
    for (int first = i * BLOCK; first < rows; first += group * BLOCK) sums[first] = chain(sums + first, min(rows - first, BLOCK));
    barrier(CLK_GLOBAL_MEM_FENCE);
    if (i == 0) {
        float total = sums[0];
        for (int first = BLOCK; first < rows; first += BLOCK) total += sums[first];
        y[0] = ardm_flush(total);
    }
}
