// conv/cpu.cl: convolution forward, backward to its input and backward to its weights, for CPU devices. Channels last.
//   panel   16 output channels of the weights, all k = (tap, depth): p[q][k][16], zero beyond the last channel; a row of zeros
//           follows the panels and stands for every source pixel that lies outside
//   tile    8 pixels by two panels in 16 named accumulators; totals of finished blocks of 256 terms wait in private memory
//   local   1: the width is in the source, so the compiler needs no neighbours to fill a vector
// A total may start at +0 instead of with its first block: the sums differ in the sign of zero at most, and F removes it.

#define BLOCK 256
#define MOST_TAPS 225
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
    v = (float16)(a##i[c]);                                                                                            \
    c##i##0 = fma(v, b0, c##i##0);                                                                                     \
    c##i##1 = fma(v, b1, c##i##1);
#define TERM_ONE(i) c##i##0 = fma((float16)(a##i[c]), b0, c##i##0);
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
#define LOAD                                                                                                           \
    const float16 b0 = vload16(0, panel), b1 = vload16(K, panel);                                                      \
    panel += 16;
#define LOAD_ONE                                                                                                       \
    const float16 b0 = vload16(0, panel);                                                                              \
    panel += 16;

// Where the tap that lies `shift` from the centre finds pixel o: forward at o * stride + shift, backward at (o - shift) / stride.
// ok is -1 where that is a pixel.
static int8 source(const int8 o, const int shift, const int stride, const int backward, const int extent, int8 *ok) {
    if (!backward) {
        const int8 at = o * stride + shift;
        *ok = (at >= 0) & (at < extent);
        return at;
    }
    const int8 t = o - shift, at = stride == 1 ? t : stride == 2 ? t >> 1 : t / stride;
    *ok = (t >= 0) & (at * stride == t) & (at < extent);
    return at;
}

#define POINT(i) runs[run][i] = ok.s##i ? x + (size_t)pixel.s##i * D : zeros;
#define START(i) global const float *a##i = runs[run][i];
#define STORE(i)                                                                                                       \
    if (i < count) {                                                                                                   \
        store16(y + (size_t)target.s##i * M + m0, canonical16(c##i##0), 16);                                           \
        store16(y + (size_t)target.s##i * M + m0 + 16, canonical16(c##i##1), M - m0 - 16);                             \
    }
#define STORE_ONE(i)                                                                                                   \
    if (i < count) store16(y + (size_t)target.s##i * M + m0, canonical16(c##i##0), M - m0);

// The walk of one tile over k = (ky, kx, depth), run by run, cut into blocks of 256 wherever they fall. Runs that find no pixel are
// passed over.
#define WALK(PANELS, LOAD, TERM, FOLD, LAST)                                                                           \
    global const float *panel = p + m0 * K;                                                                            \
    float16 total[8 * PANELS];                                                                                         \
    int room = BLOCK;                                                                                                  \
    for (int i = 0; i < 8 * PANELS; i++) total[i] = (float16)(0.0f);                                                   \
    for (int run = 0; run < n_runs; run++) {                                                                           \
        ROWS(START)                                                                                                    \
        for (int c = 0; c < length;) {                                                                                 \
            const int end = min(length, c + room);                                                                     \
            room -= end - c;                                                                                           \
            if (some[run]) {                                                                                           \
                for (; c < end; c++) {                                                                                 \
                    LOAD                                                                                               \
                    ROWS(TERM)                                                                                         \
                }                                                                                                      \
            } else {                                                                                                   \
                panel += 16 * (end - c);                                                                               \
                c = end;                                                                                               \
            }                                                                                                          \
            if (room == 0) {                                                                                           \
                room = BLOCK;                                                                                          \
                ROWS(FOLD)                                                                                             \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    ROWS(LAST)

// y[N,H,W,M] from x[N,SH,SW,D].  backward  0: y is the convolution's output; 1: y is the gradient of its input, x that of its output
//   zeros   KW * D floats of +0 behind the panels
//   wide    tiles of 32 output channels a work-item does
//   global  near, ceil(ceil(M / 32) / wide), ceil(ceil(N * H * W / 8) / near): `near` tiles of pixels pass by one panel before the next
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void convolve(global const float *x, global const float *p, global float *y, const int N,
                                                                    const int H, const int W, const int M, const int SH, const int SW, const int D,
                                                                    const int KH, const int KW, const int stride, const int dilation,
                                                                    const int backward, const int wide) {
    const int R = N * H * W, first = 8 * (int)(get_global_id(2) * get_global_size(0) + get_global_id(0)), count = min(8, R - first);
    const int m_begin = 32 * wide * (int)get_global_id(1), m_end = min(m_begin + 32 * wide, M);
    const size_t K = (size_t)KH * KW * D;
    global const float *zeros = p + (size_t)((M + 15) / 16 * 16) * K;
    if (count <= 0) return;

    // Backward, the pixels of a line are walked by residue modulo the stride, so that a tile's pixels find the same taps.
    const int step = backward ? stride : 1;
    int at_item[8], at_row[8], at_column[8];
    int n = first / W / H, h = first / W % H, residue = 0, w = first % W;
    for (int part = (W + step - 1) / step; w >= part; part = (W - residue + step - 1) / step) {
        w -= part;
        residue++;
    }
    w = residue + w * step;
    for (int i = 0; i < 8; i++) {
        at_item[i] = n;
        at_row[i] = h;
        at_column[i] = w;
        if (i + 1 >= count) continue;
        w += step;
        if (w < W) continue;
        w = ++residue;
        if (residue < step && w < W) continue;
        w = residue = 0;
        if (++h < H) continue;
        h = 0;
        n++;
    }
    const int8 item = vload8(0, at_item), row = vload8(0, at_row), column = vload8(0, at_column), target = (item * H + row) * W + column;

    // Where each pixel's run of a tap begins, found before any accumulator is live. A line of taps is one run where all its pixels exist.
    int8 ok_first, ok_last;
    source(column, -(KW / 2), stride, backward, SW, &ok_first);
    source(column, KW / 2, stride, backward, SW, &ok_last);
    const int span = !backward && dilation == 1 && all(ok_first & ok_last) ? KW : 1, length = span * D, n_runs = KH * (KW / span);
    global const float *runs[MOST_TAPS][8];
    char some[MOST_TAPS];
    for (int run = 0; run < n_runs; run++) {
        const int ky = run * span / KW, kx = run * span % KW;
        int8 ok_row, ok;
        const int8 line = (item * SH + source(row, (ky - KH / 2) * dilation, stride, backward, SH, &ok_row)) * SW;
        const int8 pixel = line + source(column, (kx - KW / 2) * dilation, stride, backward, SW, &ok);
        ok &= ok_row;
        ROWS(POINT)
        some[run] = any(ok);
    }

    for (int m0 = m_begin; m0 < m_end; m0 += 32) {
        if (m0 + 16 < M) {
            float16 v;
            ROWS(ZERO)
            WALK(2, LOAD, TERM, FOLD, LAST)
            ROWS(STORE)
        } else {
            ROWS(ZERO_ONE)
            WALK(1, LOAD_ONE, TERM_ONE, FOLD_ONE, LAST_ONE)
            ROWS(STORE_ONE)
        }
    }
}

// Adds a block's sum to what earlier blocks left in y.
static void add16(global float *y, const float16 sum, const int count, const int start, const int finish) {
    float16 v = sum;
    if (count >= 16) {
        if (!start) v += vload16(0, y);
    } else if (!start) {
        float edge[16];
        vstore16((float16)(0.0f), 0, edge);
        for (int j = 0; j < count; j++) edge[j] = y[j];
        v += vload16(0, edge);
    }
    store16(y, finish ? canonical16(v) : v, count);
}

#define OFFSET(i) const size_t o##i = min(i, C - 1 - c0);
#define PRODUCT(i)                                                                                                     \
    v = (float16)(a[o##i]);                                                                                            \
    c##i##0 = fma(v, b0, c##i##0);                                                                                     \
    c##i##1 = fma(v, b1, c##i##1);
#define PRODUCT_ONE(i) c##i##0 = fma((float16)(a[o##i]), b0, c##i##0);
#define ADD(i)                                                                                                         \
    if (c0 + i < C) {                                                                                                  \
        add16(to + (size_t)i * M, c##i##0, 16, start, finish);                                                         \
        add16(to + (size_t)i * M + 16, c##i##1, M - m0 - 16, start, finish);                                           \
    }
#define ADD_ONE(i)                                                                                                     \
    if (c0 + i < C) add16(to + (size_t)i * M, c##i##0, M - m0, start, finish);

// The terms of one block, a line of pixels at a time; pixels whose tap lies outside are passed over. FROM is the address of b at
// pixel `begin` of line h of item n, NEXT the way to the next pixel.
#define LINES(FROM, NEXT, TERMS)                                                                                       \
    for (int left = terms, n = block_item, h = block_row, w = block_column; left > 0;) {                               \
        const int run = min(left, W - w), ys = h * stride + shift_y, begin = max(w, low), end = min(w + run, high);    \
        if (ys >= 0 && ys < SH && begin < end) {                                                                       \
            global const float *a = x + ((size_t)(n * SH + ys) * SW + begin * stride + shift_x) * C + c0;              \
            FROM;                                                                                                      \
            for (int j = begin; j < end; j++) {                                                                        \
                TERMS                                                                                                  \
                a += (size_t)stride * C;                                                                               \
                NEXT;                                                                                                  \
            }                                                                                                          \
        }                                                                                                              \
        left -= run;                                                                                                   \
        w = 0;                                                                                                         \
        if (++h == H) {                                                                                                \
            h = 0;                                                                                                     \
            n++;                                                                                                       \
        }                                                                                                              \
    }
#define GATHERED const float16 *b = strip + 2 * (terms - left + begin - w)
#define IN_PLACE global const float *b = dy + ((size_t)(n * H + h) * W + begin) * M + m0

// 32 columns of `terms` rows side by side, +0 beyond the last column: near, whatever the distance of rows in memory.
//   left    floats from `from` to the end of its buffer
static void gather(float16 *strip, global const float *from, const int terms, const int M, const int columns, ulong left) {
    const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), low = lane < columns, high = lane + 16 < columns;
    for (int t = 0; t < terms; t++, from += M, left -= M) {
        if (left >= 32) {
            strip[2 * t] = select((float16)(0.0f), vload16(0, from), low);
            strip[2 * t + 1] = select((float16)(0.0f), vload16(1, from), high);
        } else {
            float edge[32];
            for (int j = 0; j < 32; j++) edge[j] = j < columns ? from[j] : 0.0f;
            strip[2 * t] = vload16(0, edge);
            strip[2 * t + 1] = vload16(1, edge);
        }
    }
}

// One group's gradient [KH,KW,C,M]: block sum over its (item, pixel) of x[N,SH,SW,C] at the tap times dy[N,H,W,M].
//   N       items in a group      chunk  channels of x a work-item does, a multiple of 8
//   wide    tiles of 32 output channels a work-item does
//   gathered  0: dy is read in place, M a multiple of 16; 1: 32 columns of a block of it are brought together first
//   parts   1: y is the result, blocks are added up in it; else the number of blocks, and y[group, block] takes each alone
//   global  KH * KW, ceil(C / chunk) * ceil(ceil(M / 32) / wide), groups * parts
// Blocks are the outer loop: a block's x and dy stay in the second-level cache while all tiles of the item use them.
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void weight_gradient(global const float *x, global const float *dy, global float *y,
                                                                           const int N,
                                                                           const int SH, const int SW, const int C, const int H, const int W,
                                                                           const int M, const int KH, const int KW, const int stride,
                                                                           const int dilation, const int chunk, const int wide, const int parts,
                                                                           const int gathered) {
    const int tap = get_global_id(0), strips = ((M + 31) / 32 + wide - 1) / wide;
    const int group = (int)get_global_id(2) / parts, groups = (int)get_global_size(2) / parts;
    const int m_begin = (int)get_global_id(1) % strips * wide * 32, m_end = min(m_begin + wide * 32, M);
    const int c_begin = (int)get_global_id(1) / strips * chunk, c_end = min(c_begin + chunk, C);
    const int shift_y = (tap / KW - KH / 2) * dilation, shift_x = (tap % KW - KW / 2) * dilation;
    const int low = shift_x < 0 ? (stride - 1 - shift_x) / stride : 0, high = shift_x < SW ? (SW - 1 - shift_x) / stride + 1 : 0;
    const int T = N * H * W, part = (int)get_global_id(2) % parts, t_end = parts > 1 ? min(T, (part + 1) * BLOCK) : T;
    x += (size_t)group * N * SH * SW * C;
    dy += (size_t)group * T * M;
    y += get_global_id(2) * KH * KW * C * M + (size_t)tap * C * M;
    float16 strip[2 * BLOCK];
    int t = part * BLOCK;
    do {
        const int terms = min(BLOCK, t_end - t), start = t == 0 || parts > 1, finish = parts == 1 && t + BLOCK >= T;
        const int block_item = t / W / H, block_row = t / W % H, block_column = t % W;
        for (int m0 = m_begin; m0 < m_end; m0 += 32) {
            const size_t begin = (size_t)t * M + m0;
            if (gathered) gather(strip, dy + begin, terms, M, M - m0, (groups - group) * (size_t)T * M - begin);
            for (int c0 = c_begin; c0 < c_end; c0 += 8) {
                global float *to = y + (size_t)c0 * M + m0;
                ROWS(OFFSET)
                if (m0 + 16 < M) {
                    float16 v;
                    ROWS(ZERO)
                    if (gathered) {
                        LINES(GATHERED, b += 2, const float16 b0 = b[0]; const float16 b1 = b[1]; ROWS(PRODUCT))
                    } else {
                        LINES(IN_PLACE, b += M, const float16 b0 = vload16(0, b); const float16 b1 = vload16(1, b); ROWS(PRODUCT))
                    }
                    ROWS(ADD)
                } else {
                    ROWS(ZERO_ONE)
                    if (gathered) {
                        LINES(GATHERED, b += 2, const float16 b0 = b[0]; ROWS(PRODUCT_ONE))
                    } else {
                        LINES(IN_PLACE, b += M, const float16 b0 = vload16(0, b); ROWS(PRODUCT_ONE))
                    }
                    ROWS(ADD_ONE)
                }
            }
        }
        t += BLOCK;
    } while (t < t_end);
}

// y[group] = F(the group's parts added ascending).  global  ceil(size / 1024), groups
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void add_parts(global const float *work, global float *y, const int size, const int parts) {
    const int begin = 1024 * (int)get_global_id(0), end = min(begin + 1024, size);
    work += get_global_id(1) * (size_t)parts * size;
    y += get_global_id(1) * (size_t)size;
    for (int e = begin; e < end; e += 16) {
        const int count = min(16, end - e);
        float16 sum = (float16)(0.0f);
        for (int part = 0; part < parts; part++) {
            global const float *from = work + (size_t)part * size + e;
            if (count == 16) {
                sum += vload16(0, from);
            } else {
                float edge[16];
                vstore16((float16)(0.0f), 0, edge);
                for (int j = 0; j < count; j++) edge[j] = from[j];
                sum += vload16(0, edge);
            }
        }
        store16(y + e, canonical16(sum), count);
    }
}

// The zero row behind the panels, by one work-item of a packing launch.
static void clear(global float *p, const int zeros) {
    for (int i = 0; i < zeros; i++) p[i] = 0.0f;
}

// w[k,m] into panels.  global  ceil(K / 64), ceil(M / 16)
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void pack(global const float *w, global float *p, const int K, const int M, const int zeros) {
    const int m0 = 16 * (int)get_global_id(1), begin = 64 * (int)get_global_id(0), end = min(begin + 64, K);
    if (get_global_id(0) + get_global_id(1) == 0) clear(p + get_global_size(1) * 16 * (size_t)K, zeros);
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


// w[tap,m,k] into panels over (tap, k) of columns m.  global  ceil(K / 64), ceil(M / 16), taps
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void pack_transposed(global const float *w, global float *p, const int K, const int M,
                                                                           const int zeros) {
    const int m0 = 16 * (int)get_global_id(1), begin = 64 * (int)get_global_id(0), end = min(begin + 64, K), tap = get_global_id(2);
    const size_t depth = get_global_size(2) * (size_t)K;
    if (get_global_id(0) + get_global_id(1) + tap == 0) clear(p + get_global_size(1) * 16 * depth, zeros);
    p += m0 * depth + (size_t)tap * K * 16;
    w += ((size_t)tap * M + m0) * K;
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
