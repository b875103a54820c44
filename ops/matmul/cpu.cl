// matmul/cpu.cl: y[r,m] = F(block sum over k of x[r,k] * w[k,m]) and its weight gradient, for CPU devices.
//   panel   16 columns of w, all k: p[q][k][16], zero beyond the last column; written by pack or pack_transposed
//   tile    8 rows by two panels in 16 named accumulators; totals of finished blocks of 256 terms wait in private memory
//   local   1: the width is in the source, so the compiler needs no neighbours to fill a vector
// A total may start at +0 instead of with its first block: the sums differ in the sign of zero at most, and F removes it.

#define BLOCK 256
#define ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

static float16 canonical16(const float16 v) {
    const int16 bits = as_int16(v);
    return as_float16(select(bits, (int16)(0), (bits & 0x7fffffff) < 0x2b800000));
}

static void store16(global float *y, const float16 v, const int count) {
    if (count >= 16) {
        vstore16(v, 0, y);
    } else {
        float edge[16];
        vstore16(v, 0, edge);
        for (int j = 0; j < count; j++) y[j] = edge[j];
    }
}

#define ZERO(i) float16 c##i##0 = (float16)(0.0f), c##i##1 = (float16)(0.0f);
#define ZERO_ONE(i) float16 c##i##0 = (float16)(0.0f);
#define TERM(i)                                                                                                        \
    v = (float16)(a##i[k]);                                                                                            \
    c##i##0 = fma(v, b0, c##i##0);                                                                                     \
    c##i##1 = fma(v, b1, c##i##1);
#define TERM_ONE(i) c##i##0 = fma((float16)(a##i[k]), b0, c##i##0);
#define FOLD(i)                                                                                                        \
    total[2 * i] += c##i##0;                                                                                           \
    total[2 * i + 1] += c##i##1;                                                                                       \
    c##i##0 = c##i##1 = (float16)(0.0f);
#define FOLD_ONE(i)                                                                                                    \
    total[i] += c##i##0;                                                                                               \
    c##i##0 = (float16)(0.0f);
#define LAST(i)                                                                                                        \
    c##i##0 += total[2 * i];                                                                                           \
    c##i##1 += total[2 * i + 1];
#define LAST_ONE(i) c##i##0 += total[i];
#define ROW(i) global const float *a##i = x + (size_t)min(r0 + i, R - 1) * K;
#define STORE(i)                                                                                                       \
    if (r0 + i < R) {                                                                                                  \
        store16(y + (size_t)(r0 + i) * M + m0, canonical16(c##i##0), 16);                                              \
        store16(y + (size_t)(r0 + i) * M + m0 + 16, canonical16(c##i##1), M - m0 - 16);                                \
    }
#define STORE_ONE(i)                                                                                                   \
    if (r0 + i < R) store16(y + (size_t)(r0 + i) * M + m0, canonical16(c##i##0), M - m0);

// One tile, columns m0 …; panel u of the tile is read at b##u, `step` floats from term to term.
static void tile(global const float *x, global const float *panel0, global const float *panel1, global float *y, const int r0, const int m0,
                 const int R, const int K, const int M, const size_t step) {
    ROWS(ROW)
    int k = 0;
    if (m0 + 16 < M) {
        float16 total[16], v;
        ROWS(ZERO)
        if (K > BLOCK)
            for (int i = 0; i < 16; i++) total[i] = (float16)(0.0f);
        for (int end = BLOCK; end < K; end += BLOCK) {
            for (; k < end; k++) {
                const float16 b0 = vload16(0, panel0), b1 = vload16(0, panel1);
                panel0 += step;
                panel1 += step;
                ROWS(TERM)
            }
            ROWS(FOLD)
        }
        for (; k < K; k++) {
            const float16 b0 = vload16(0, panel0), b1 = vload16(0, panel1);
            panel0 += step;
            panel1 += step;
            ROWS(TERM)
        }
        if (K > BLOCK) {
            ROWS(LAST)
        }
        ROWS(STORE)
    } else {
        float16 total[8];
        ROWS(ZERO_ONE)
        if (K > BLOCK)
            for (int i = 0; i < 8; i++) total[i] = (float16)(0.0f);
        for (int end = BLOCK; end < K; end += BLOCK) {
            for (; k < end; k++) {
                const float16 b0 = vload16(0, panel0);
                panel0 += step;
                ROWS(TERM_ONE)
            }
            ROWS(FOLD_ONE)
        }
        for (; k < K; k++) {
            const float16 b0 = vload16(0, panel0);
            panel0 += step;
            ROWS(TERM_ONE)
        }
        if (K > BLOCK) {
            ROWS(LAST_ONE)
        }
        ROWS(STORE_ONE)
    }
}

// global  near, ceil(M / 32), ceil(ceil(R / 8) / near): `near` tiles of rows pass by one pair of panels before the next is taken
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void product(global const float *x, global const float *p, global float *y, const int R,
                                                                   const int K, const int M) {
    const int m0 = 32 * (int)get_global_id(1), r0 = 8 * (int)(get_global_id(2) * get_global_size(0) + get_global_id(0));
    global const float *panel = p + (size_t)m0 * K;
    if (r0 < R) tile(x, panel, panel + 16 * (size_t)K, y, r0, m0, R, K, M, 16);
}

// The same reading w[k,m] in place: M is a multiple of 16. For few rows, where packing would cost more than it saves.
// global  ceil(R / 8), ceil(M / 32)
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void product_in_place(global const float *x, global const float *w, global float *y,
                                                                            const int R, const int K, const int M) {
    const int m0 = 32 * (int)get_global_id(1);
    tile(x, w + m0, w + m0 + 16, y, 8 * (int)get_global_id(0), m0, R, K, M, M);
}

// w[k,m] into panels.  global  ceil(K / 64), ceil(M / 16)
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void pack(global const float *w, global float *p, const int K, const int M) {
    const int m0 = 16 * (int)get_global_id(1), begin = 64 * (int)get_global_id(0), end = min(begin + 64, K);
    p += (size_t)m0 * K;
    if (m0 + 16 <= M) {
        for (int k = begin; k < end; k++) vstore16(vload16(0, w + (size_t)k * M + m0), k, p);
    } else {
        for (int k = begin; k < end; k++)
            for (int j = 0; j < 16; j++) p[(size_t)k * 16 + j] = m0 + j < M ? w[(size_t)k * M + m0 + j] : 0.0f;
    }
}

// A 16x16 transpose by four rounds that interleave row i with row i + 8.
#define INTERLEAVE(to, from, i)                                                                                        \
    to[2 * i] = (float16)(from[i].s0, from[i + 8].s0, from[i].s1, from[i + 8].s1, from[i].s2, from[i + 8].s2, from[i].s3, from[i + 8].s3,            \
                          from[i].s4, from[i + 8].s4, from[i].s5, from[i + 8].s5, from[i].s6, from[i + 8].s6, from[i].s7, from[i + 8].s7);           \
    to[2 * i + 1] = (float16)(from[i].s8, from[i + 8].s8, from[i].s9, from[i + 8].s9, from[i].sa, from[i + 8].sa, from[i].sb, from[i + 8].sb,        \
                              from[i].sc, from[i + 8].sc, from[i].sd, from[i + 8].sd, from[i].se, from[i + 8].se, from[i].sf, from[i + 8].sf);
#define ROUND(to, from)                                                                                                \
    INTERLEAVE(to, from, 0) INTERLEAVE(to, from, 1) INTERLEAVE(to, from, 2) INTERLEAVE(to, from, 3)                    \
    INTERLEAVE(to, from, 4) INTERLEAVE(to, from, 5) INTERLEAVE(to, from, 6) INTERLEAVE(to, from, 7)

// w[m,k] into the panels of its transpose.  global  ceil(K / 64), ceil(M / 16)
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void pack_transposed(global const float *w, global float *p, const int K, const int M) {
    const int m0 = 16 * (int)get_global_id(1), begin = 64 * (int)get_global_id(0), end = min(begin + 64, K);
    p += (size_t)m0 * K;
    w += (size_t)m0 * K;
    int k = begin;
    if (m0 + 16 <= M) {
        for (; k + 16 <= end; k += 16) {
            float16 s[16], t[16];
            for (int j = 0; j < 16; j++) s[j] = vload16(0, w + (size_t)j * K + k);
            ROUND(t, s)
            ROUND(s, t)
            ROUND(t, s)
            ROUND(s, t)
            for (int j = 0; j < 16; j++) vstore16(s[j], k + j, p);
        }
    }
    for (; k < end; k++)
        for (int j = 0; j < 16; j++) p[(size_t)k * 16 + j] = m0 + j < M ? w[(size_t)j * K + k] : 0.0f;
}
