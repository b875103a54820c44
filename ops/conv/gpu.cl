// conv/gpu.cl: convolution forward, backward to its input and backward to its weights, for devices with fast local memory.
//   tile    4*SIDE x 4*SIDE outputs a work-group of SIDE x SIDE items, 4x4 an item; 16 terms at a time go through local memory
//   sums    c0 … c3 is the block, t0 … t3 the total: a total from +0 differs in the sign of zero at most, and F removes it
//   rows    pixels of the result, or (tap, channel) for the weights; terms (ky, kx, depth), or (item, y, x) for the weights
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

#define MULTIPLY(LOAD_A, LOAD_B, rows, columns)                                                                        \
    local float a[DEPTH][TILE], b[DEPTH][TILE];                                                                        \
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

#define ITEM const int tx = get_local_id(0), ty = get_local_id(1), id = ty * SIDE + tx;

// A step's 16 terms of TILE pixels. Every item keeps its term and walks ROWS rows, found once.
#define ROWS (TILE * DEPTH / (SIDE * SIDE))
#define PIXELS                                                                                                         \
    int item[ROWS], row[ROWS], column[ROWS];                                                                           \
    for (int j = 0; j < ROWS; j++) {                                                                                   \
        const int r = min(r0 + id / DEPTH + j * (SIDE * SIDE / DEPTH), R - 1);                                         \
        item[j] = r / W / H;                                                                                           \
        row[j] = r / W % H;                                                                                            \
        column[j] = r % W;                                                                                             \
    }
#define LOAD_SOURCE(INSIDE)                                                                                            \
    {                                                                                                                  \
        const int k = k0 + id % DEPTH, tap = k / D, d = k % D;                                                         \
        const int down = (tap / KW - KH / 2) * dilation, right = (tap % KW - KW / 2) * dilation;                       \
        for (int j = 0; j < ROWS; j++) {                                                                               \
            INSIDE                                                                                                     \
            a[id % DEPTH][id / DEPTH + j * (SIDE * SIDE / DEPTH)] =                                                    \
                k < K && inside ? x[((size_t)(item[j] * SH + ys) * SW + xs) * D + d] : 0.0f;                           \
        }                                                                                                              \
    }
#define AHEAD                                                                                                          \
    const int ys = row[j] * stride + down, xs = column[j] * stride + right;                                            \
    const bool inside = ys >= 0 && ys < SH && xs >= 0 && xs < SW;
#define BACK                                                                                                           \
    const int yt = row[j] - down, xt = column[j] - right, ys = yt / stride, xs = xt / stride;                          \
    const bool inside = yt >= 0 && xt >= 0 && ys * stride == yt && xs * stride == xt && ys < SH && xs < SW;
#define LOAD_WEIGHTS                                                                                                   \
    for (int e = id; e < TILE * DEPTH; e += SIDE * SIDE) {                                                             \
        const int k = k0 + e / TILE, m = m0 + e % TILE;                                                                \
        b[e / TILE][e % TILE] = k < K && m < M ? w[(size_t)k * M + m] : 0.0f;                                          \
    }
#define LOAD_TURNED                                                                                                    \
    for (int e = id; e < TILE * DEPTH; e += SIDE * SIDE) {                                                             \
        const int k = k0 + e % DEPTH, m = m0 + e / DEPTH;                                                              \
        b[e % DEPTH][e / DEPTH] = k < K && m < M ? w[((size_t)(k / D) * M + m) * D + k % D] : 0.0f;                    \
    }

// y[N,H,W,M] from x[N,SH,SW,D] and w[KH,KW,D,M].  global  SIDE * ceil(M / TILE), SIDE * ceil(N * H * W / TILE)
kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void convolve(global const float *x, global const float *w, global float *y, const int N,
                                                                          const int H, const int W, const int M, const int SH, const int SW,
                                                                          const int D, const int KH, const int KW, const int stride,
                                                                          const int dilation) {
    const int m0 = TILE * (int)get_group_id(0), r0 = TILE * (int)get_group_id(1), R = N * H * W, K = KH * KW * D;
    ITEM
    PIXELS
    MULTIPLY(LOAD_SOURCE(AHEAD), LOAD_WEIGHTS, R, M)
}

// y[N,H,W,M], the gradient of the input, from x[N,SH,SW,D], that of the output, and w[KH,KW,M,D].  global  as above
kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void convolve_backward(global const float *x, global const float *w, global float *y,
                                                                                   const int N, const int H, const int W, const int M, const int SH,
                                                                                   const int SW, const int D, const int KH, const int KW,
                                                                                   const int stride, const int dilation) {
    const int m0 = TILE * (int)get_group_id(0), r0 = TILE * (int)get_group_id(1), R = N * H * W, K = KH * KW * D;
    ITEM
    PIXELS
    MULTIPLY(LOAD_SOURCE(BACK), LOAD_TURNED, R, M)
}

// One group's y[KH,KW,C,M] from its x[N,SH,SW,C] and dy[N,H,W,M]. Every item keeps its (tap, channel).
//   global  SIDE * ceil(M / TILE), SIDE * ceil(KH * KW * C / TILE), groups
kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void weight_gradient(global const float *x, global const float *dy, global float *y,
                                                                                 const int N, const int SH, const int SW, const int C, const int H,
                                                                                 const int W, const int M, const int KH, const int KW,
                                                                                 const int stride, const int dilation) {
    const int m0 = TILE * (int)get_group_id(0), r0 = TILE * (int)get_group_id(1), R = KH * KW * C, K = N * H * W;
    ITEM
    const int q = r0 + id % TILE, tap = q / C, c = q % C;
    const int down = (tap / KW - KH / 2) * dilation, right = (tap % KW - KW / 2) * dilation;
    x += get_global_id(2) * N * SH * SW * C;
    dy += get_global_id(2) * K * M;
    y += get_global_id(2) * R * M;
    MULTIPLY(
        for (int e = id; e < TILE * DEPTH; e += SIDE * SIDE) {
            const int k = k0 + e / TILE; const int ys = k / W % H * stride + down; const int xs = k % W * stride + right;
            const bool inside = k < K && q < R && ys >= 0 && ys < SH && xs >= 0 && xs < SW;
            a[e / TILE][e % TILE] = inside ? x[((size_t)(k / W / H * SH + ys) * SW + xs) * C + c] : 0.0f;
        },
        for (int e = id; e < TILE * DEPTH; e += SIDE * SIDE) {
            const int k = k0 + e / TILE; const int m = m0 + e % TILE;
            b[e / TILE][e % TILE] = k < K && m < M ? dy[(size_t)k * M + m] : 0.0f;
        }, R, M)
}
