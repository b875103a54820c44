// matmul/gpu.cl: y[r,m] = F(block sum over k of x[r,k] * w[k,m]) and its weight gradient, for devices with fast local memory.
//   tile    4*SIDE x 4*SIDE outputs a work-group of SIDE x SIDE items, 4x4 an item; 16 terms at a time go through local memory
//   sums    c0 … c3 is the block, t0 … t3 the total: a total from +0 differs in the sign of zero at most, and F removes it
#ifndef SIDE
#define SIDE 16          // 8 or 16
#endif
#define TILE (4 * SIDE)
#define DEPTH 16         // terms a step; divides 256

static float4 canonical4(const float4 v) {
    const int4 bits = as_int4(v);
    return as_float4(select(bits, (int4)(0), (bits & 0x7fffffff) < 0x2b800000));
}

static void store_row(global float *y, const float4 v, const int count) {
    const float4 f = canonical4(v);
    if (count > 0) y[0] = f.s0;
    if (count > 1) y[1] = f.s1;
    if (count > 2) y[2] = f.s2;
    if (count > 3) y[3] = f.s3;
}

// a[term][row] and b[term][column] from memory where the walk along `row` or along `term` is the contiguous one; +0 outside.
#define ALONG_TERMS(to, from, first, limit, row_step)                                                                  \
    for (int e = id; e < TILE * DEPTH; e += SIDE * SIDE) {                                                             \
        const int k = k0 + e % DEPTH, r = first + e / DEPTH;                                                           \
        to[e % DEPTH][e / DEPTH] = k < K && r < limit ? from[(size_t)r * (row_step) + k] : 0.0f;                       \
    }
#define ALONG_ROWS(to, from, first, limit, term_step)                                                                  \
    for (int e = id; e < TILE * DEPTH; e += SIDE * SIDE) {                                                             \
        const int k = k0 + e / TILE, r = first + e % TILE;                                                             \
        to[e / TILE][e % TILE] = k < K && r < limit ? from[(size_t)k * (term_step) + r] : 0.0f;                        \
    }

#define MULTIPLY(LOAD_A, LOAD_B, rows, columns)                                                                        \
    local float a[DEPTH][TILE], b[DEPTH][TILE];                                                                        \
    const int tx = get_local_id(0), ty = get_local_id(1), id = ty * SIDE + tx;                                         \
    float4 c0 = (float4)(0.0f), c1 = c0, c2 = c0, c3 = c0, t0 = c0, t1 = c0, t2 = c0, t3 = c0;                         \
    for (int k0 = 0; k0 < K; k0 += DEPTH) {                                                                            \
        LOAD_A                                                                                                         \
        LOAD_B                                                                                                         \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                                  \
        for (int k = 0; k < DEPTH; k++) {                                                                              \
            const float4 u = vload4(ty, a[k]), v = vload4(tx, b[k]);                                                   \
            c0 = fma((float4)(u.s0), v, c0);                                                                           \
            c1 = fma((float4)(u.s1), v, c1);                                                                           \
            c2 = fma((float4)(u.s2), v, c2);                                                                           \
            c3 = fma((float4)(u.s3), v, c3);                                                                           \
        }                                                                                                              \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                                  \
        if ((k0 + DEPTH) % 256 == 0) {                                                                                 \
            t0 += c0;                                                                                                  \
            t1 += c1;                                                                                                  \
            t2 += c2;                                                                                                  \
            t3 += c3;                                                                                                  \
            c0 = c1 = c2 = c3 = (float4)(0.0f);                                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    const int r = r0 + 4 * ty, m = m0 + 4 * tx, count = (columns) - m;                                                 \
    y += (size_t)r * (columns) + m;                                                                                    \
    if (r < (rows)) store_row(y, t0 + c0, count);                                                                      \
    if (r + 1 < (rows)) store_row(y + (columns), t1 + c1, count);                                                      \
    if (r + 2 < (rows)) store_row(y + 2 * (size_t)(columns), t2 + c2, count);                                          \
    if (r + 3 < (rows)) store_row(y + 3 * (size_t)(columns), t3 + c3, count);

// global  SIDE * ceil(M / TILE), SIDE * ceil(R / TILE)
kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void product(global const float *x, global const float *w, global float *y, const int R,
                                                                         const int K, const int M) {
    const int m0 = TILE * (int)get_group_id(0), r0 = TILE * (int)get_group_id(1);
    MULTIPLY(ALONG_TERMS(a, x, r0, R, K), ALONG_ROWS(b, w, m0, M, M), R, M)
}

// The same with w stored [M,K].
kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void product_transposed(global const float *x, global const float *w, global float *y,
                                                                                    const int R, const int K, const int M) {
    const int m0 = TILE * (int)get_group_id(0), r0 = TILE * (int)get_group_id(1);
    MULTIPLY(ALONG_TERMS(a, x, r0, R, K), ALONG_TERMS(b, w, m0, M, K), R, M)
}

// y[g,i,m] = F(block sum over the K rows of group g of x[row,i] * dy[row,m]).  global  SIDE * ceil(M / TILE), SIDE * ceil(I / TILE), groups
kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void gradient(global const float *x, global const float *dy, global float *y, const int K,
                                                                          const int I, const int M) {
    const int m0 = TILE * (int)get_group_id(0), r0 = TILE * (int)get_group_id(1);
    x += get_global_id(2) * K * I;
    dy += get_global_id(2) * K * M;
    y += get_global_id(2) * I * M;
    MULTIPLY(ALONG_ROWS(a, x, r0, I, I), ALONG_ROWS(b, dy, m0, M, M), I, M)
}
