// likelihood/pixel.cl: mixture of logistics over RGB pixels (likelihood/pixel_rows.h has the formula)
//   z        rows of 10·M numbers: weights, means r g b, log scales r g b, alpha, beta, gamma
//   centre   three numbers a row; target, known: three values a row
//   low, high, gap, half   limits of the log scale, log(2 / (K - 1)), (K - 1) / 2
//   STRIP    pixels (or bins of pixel_bins) that one pass holds: vectors on a CPU, one on a GPU

#include "bins.clh"

// First block of a kind in a row of z; MEANS and SCALES have one a channel.
#define MEANS 1
#define SCALES 4
#define ALPHA 7
#define BETA 8
#define GAMMA 9
#define BLOCKS 10

// A strip of pixels: bins of their values, centres, and how far each value is from its centre.
typedef struct pixels {
    float bin[3][STRIP], centre[3][STRIP], e[3][STRIP];
} pixels;

static void open_pixels(pixels *s, global const float *restrict centre, global const int *restrict values, const int begin, const int rows,
                        const int K) {
    for (int c = 0; c < 3; c++)
        for (int j = 0; j < STRIP; j++) {
            const size_t at = (size_t)min(begin + j, rows - 1) * 3 + c;
            const int k = clamp(values[at], 0, K - 1);
            s->centre[c][j] = centre[at];
            s->bin[c][j] = (float)k;
            s->e[c][j] = ardm_flush((ardm_divide((float)(2 * k), (float)(K - 1)) - 1.0f) - s->centre[c][j]);
        }
}

// Component m of the strip's rows, a block each.
static void open_component(float x[BLOCKS][STRIP], global const float *restrict z, const int begin, const int rows, const int M, const int m) {
    for (int j = 0; j < STRIP; j++) {
        global const float *row = z + (size_t)min(begin + j, rows - 1) * BLOCKS * M + m;
        for (int block = 0; block < BLOCKS; block++) x[block][j] = row[block * M];
    }
}

// Means of a component in channel c.
static void means(const pixels *s, float x[BLOCKS][STRIP], const int c, float *restrict mean) {
    for (int j = 0; j < STRIP; j++) mean[j] = s->centre[c][j] + x[MEANS + c][j];
    if (c == 1)
        for (int j = 0; j < STRIP; j++) mean[j] = fma(x[ALPHA][j], s->e[0][j], mean[j]);
    if (c == 2)
        for (int j = 0; j < STRIP; j++) mean[j] = fma(x[GAMMA][j], s->e[1][j], fma(x[BETA][j], s->e[0][j], mean[j]));
    for (int j = 0; j < STRIP; j++) mean[j] = ardm_flush(mean[j]);
}

// Adds the log masses of the strip's bins of channel c to t, in the rows whose number of known channels is above c.
static void add_masses(const pixels *s, float x[BLOCKS][STRIP], const int c, const int *restrict known, const int K, const float low,
                       const float high, const float gap, const float half_span, float *restrict t) {
    const float end = (float)(K - 1);
    float mean[STRIP];
    means(s, x, c, mean);
    for (int j = 0; j < STRIP; j++) {
        const float bin = s->bin[c][j];
        const float log_d = ardm_flush(gap - scale_of(x[SCALES + c][j], low, high));
        const float d = ardm_flush(ardm_exp(log_d));
        const float u = ardm_flush(fma(mean[j], half_span, half_span));
        const float mass = log_mass(edge(bin - 0.5f, u, d), edge(bin + 0.5f, u, d), log_width(d, log_d), bin == 0.0f, bin == end);
        t[j] = ardm_select(c < known[j], ardm_flush(t[j] + mass), t[j]);
    }
}

static int used(global const int *values, const int K) {
    return values[0] >= 0 && values[0] < K && values[1] >= 0 && values[1] < K && values[2] >= 0 && values[2] < K;
}

// global  ceil(rows / STRIP); any local size
kernel void pixel_nll(global const float *restrict z, global const float *restrict centre, global const int *restrict target,
                      global float *restrict nll, const int rows, const int M, const int K, const float low, const float high, const float gap,
                      const float half_span) {
    const int begin = (int)get_global_id(0) * STRIP;
    float w[MOST][STRIP], t[MOST][STRIP], x[BLOCKS][STRIP], under[STRIP], over[STRIP];
    int known[STRIP];
    pixels s;
    open_pixels(&s, centre, target, begin, rows, K);
    for (int j = 0; j < STRIP; j++) known[j] = 3;
    for (int m = 0; m < M; m++) {
        open_component(x, z, begin, rows, M, m);
        for (int j = 0; j < STRIP; j++) w[m][j] = t[m][j] = x[0][j];
        for (int c = 0; c < 3; c++) add_masses(&s, x, c, known, K, low, high, gap, half_span, t[m]);
    }
    log_sum(w, M, under);
    log_sum(t, M, over);
    for (int j = 0; j < STRIP && begin + j < rows; j++)
        nll[begin + j] = used(target + (size_t)(begin + j) * 3, K) ? ardm_flush(under[j] - over[j]) : 0.0f;
}

// global  ceil(rows / STRIP); any local size
kernel void pixel_nll_grad(global const float *restrict z, global const float *restrict centre, global const int *restrict target,
                           global const float *restrict dy, global float *restrict dz, global float *restrict dcentre, const int rows,
                           const int M, const int K, const float low, const float high, const float gap, const float half_span) {
    const int begin = (int)get_global_id(0) * STRIP;
    const float end = (float)(K - 1);
    float w[MOST][STRIP], t[MOST][STRIP], gm[3][MOST][STRIP], gs[3][MOST][STRIP];
    float x[BLOCKS][STRIP], mean[STRIP], under[STRIP], over[STRIP], seed[STRIP], sum[3][STRIP], y[BLOCKS][STRIP];
    pixels s;
    open_pixels(&s, centre, target, begin, rows, K);
    for (int m = 0; m < M; m++) {
        open_component(x, z, begin, rows, M, m);
        for (int j = 0; j < STRIP; j++) w[m][j] = t[m][j] = x[0][j];
        for (int c = 0; c < 3; c++) {
            means(&s, x, c, mean);
            for (int j = 0; j < STRIP; j++) {
                const float raw = x[SCALES + c][j], bin = s.bin[c][j];
                const float log_d = ardm_flush(gap - scale_of(raw, low, high));
                const float d = ardm_flush(ardm_exp(log_d));
                const float u = ardm_flush(fma(mean[j], half_span, half_span));
                const float a = edge(bin - 0.5f, u, d), b = edge(bin + 0.5f, u, d);
                const int first = bin == 0.0f, last = bin == end;
                t[m][j] = ardm_flush(t[m][j] + log_mass(a, b, log_width(d, log_d), first, last));
                gm[c][m][j] = mean_slope(a, b, d, half_span, first, last);
                gs[c][m][j] = ardm_select((raw < low) | (raw > high), 0.0f, scale_slope(a, b, d, first, last));
            }
        }
    }
    log_sum(w, M, under);
    log_sum(t, M, over);
    for (int j = 0; j < STRIP; j++) {
        const int row = min(begin + j, rows - 1);
        seed[j] = used(target + (size_t)row * 3, K) ? dy[row] : 0.0f;
        sum[0][j] = sum[1][j] = sum[2][j] = 0.0f;
    }
    for (int m = 0; m < M; m++) {
        open_component(x, z, begin, rows, M, m);
        for (int j = 0; j < STRIP; j++) {
            const float prior = ardm_flush(ardm_exp(ardm_flush(w[m][j] - under[j])));
            const float share = ardm_flush(ardm_exp(ardm_flush(t[m][j] - over[j])));
            const float r = ardm_flush(ardm_mul(-seed[j], ardm_flush(ardm_mul(share, gm[0][m][j]))));
            const float g = ardm_flush(ardm_mul(-seed[j], ardm_flush(ardm_mul(share, gm[1][m][j]))));
            const float b = ardm_flush(ardm_mul(-seed[j], ardm_flush(ardm_mul(share, gm[2][m][j]))));
            y[0][j] = ardm_flush(ardm_mul(seed[j], ardm_flush(prior - share)));
            y[MEANS][j] = r;
            y[MEANS + 1][j] = g;
            y[MEANS + 2][j] = b;
            y[SCALES][j] = ardm_flush(ardm_mul(seed[j], ardm_flush(ardm_mul(share, gs[0][m][j]))));
            y[SCALES + 1][j] = ardm_flush(ardm_mul(seed[j], ardm_flush(ardm_mul(share, gs[1][m][j]))));
            y[SCALES + 2][j] = ardm_flush(ardm_mul(seed[j], ardm_flush(ardm_mul(share, gs[2][m][j]))));
            y[ALPHA][j] = ardm_flush(ardm_mul(g, s.e[0][j]));
            y[BETA][j] = ardm_flush(ardm_mul(b, s.e[0][j]));
            y[GAMMA][j] = ardm_flush(ardm_mul(b, s.e[1][j]));
            sum[0][j] = fma(-x[BETA][j], b, fma(-x[ALPHA][j], g, sum[0][j] + r));
            sum[1][j] = fma(-x[GAMMA][j], b, sum[1][j] + g);
            sum[2][j] += b;
        }
        for (int j = 0; j < STRIP && begin + j < rows; j++) {
            global float *row = dz + (size_t)(begin + j) * BLOCKS * M + m;
            for (int block = 0; block < BLOCKS; block++) row[block * M] = y[block][j];
        }
    }
    for (int j = 0; j < STRIP && begin + j < rows; j++)
        for (int c = 0; c < 3; c++) dcentre[(size_t)(begin + j) * 3 + c] = ardm_flush(sum[c][j]);
}

// The mixture of channel part[row / per] given the channels before it: rows of 3·M numbers, with centre 0.
// global  ceil(rows / STRIP); any local size
kernel void pixel_condition(global const float *restrict z, global const float *restrict centre, global const int *restrict known,
                            global const int *restrict part, global float *restrict p, const int rows, const int per, const int M, const int K,
                            const float low, const float high, const float gap, const float half_span) {
    const int begin = (int)get_global_id(0) * STRIP;
    float t[MOST][STRIP], x[BLOCKS][STRIP], mean[3][STRIP], under[STRIP];
    int parts[STRIP], most = 0;
    pixels s;
    open_pixels(&s, centre, known, begin, rows, K);
    for (int j = 0; j < STRIP; j++) {
        parts[j] = clamp(part[min(begin + j, rows - 1) / per], 0, 2);
        most = max(most, parts[j]);
    }
    for (int m = 0; m < M; m++) {
        open_component(x, z, begin, rows, M, m);
        for (int j = 0; j < STRIP; j++) t[m][j] = x[0][j];
        for (int c = 0; c < most; c++) add_masses(&s, x, c, parts, K, low, high, gap, half_span, t[m]);
    }
    log_sum(t, M, under);
    for (int m = 0; m < M; m++) {
        open_component(x, z, begin, rows, M, m);
        for (int c = 0; c <= most; c++) means(&s, x, c, mean[c]);
        for (int j = 0; j < STRIP && begin + j < rows; j++) {
            global float *row = p + (size_t)(begin + j) * 3 * M + m;
            row[0] = ardm_flush(t[m][j] - under[j]);
            row[M] = mean[parts[j]][j];
            row[2 * M] = x[SCALES + parts[j]][j];
        }
    }
}

// global  ceil(K / (STRIP * strips)), rows; any local size
kernel void pixel_bins(global const float *restrict p, global float *restrict logits, const int M, const int K, const float low,
                       const float high, const float gap, const float half_span, const int strips) {
    const int row = (int)get_global_id(1);
    bin_logits(p + (size_t)row * 3 * M, 0.0f, logits + (size_t)row * K, (int)get_global_id(0) * strips * STRIP, strips, M, K, low, high, gap,
               half_span);
}
