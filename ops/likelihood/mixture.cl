// likelihood/mixture.cl: discretised mixture of logistics (likelihood/mixture_rows.h has the formula)
//   p        rows of 3·M numbers: weights, means, log scales
//   low, high, gap, half   limits of the log scale, log(2 / (K - 1)), (K - 1) / 2
//   STRIP    rows (of the likelihood) or bins (of the logits) that one pass holds: vectors on a CPU, one on a GPU

#include "bins.clh"

// global  ceil(rows / STRIP); any local size
kernel void mixture_nll(global const float *restrict p, global const float *restrict centre, global const int *restrict target,
                        global float *restrict nll, const int rows, const int M, const int K, const float low, const float high, const float gap,
                        const float half_span) {
    const int begin = (int)get_global_id(0) * STRIP;
    float w[MOST][STRIP], t[MOST][STRIP], under[STRIP], over[STRIP];
    for (int m = 0; m < M; m++)
        for (int j = 0; j < STRIP; j++) {
            const int row = min(begin + j, rows - 1), k = clamp(target[row], 0, K - 1);
            global const float *x = p + (size_t)row * 3 * M + m;
            const float log_d = ardm_flush(gap - scale_of(x[2 * M], low, high));
            const float d = ardm_flush(ardm_exp(log_d));
            const float u = ardm_flush(fma(ardm_flush(centre[row] + x[M]), half_span, half_span));
            const float a = edge((float)k - 0.5f, u, d), b = edge((float)k + 0.5f, u, d);
            w[m][j] = x[0];
            t[m][j] = ardm_flush(x[0] + log_mass(a, b, log_width(d, log_d), k == 0, k == K - 1));
        }
    log_sum(w, M, under);
    log_sum(t, M, over);
    for (int j = 0; j < STRIP && begin + j < rows; j++) {
        const int k = target[begin + j];
        nll[begin + j] = k < 0 || k >= K ? 0.0f : ardm_flush(under[j] - over[j]);
    }
}

// global  ceil(rows / STRIP); any local size
kernel void mixture_nll_grad(global const float *restrict p, global const float *restrict centre, global const int *restrict target,
                             global const float *restrict dy, global float *restrict dp, global float *restrict dcentre, const int rows,
                             const int M, const int K, const float low, const float high, const float gap, const float half_span) {
    const int begin = (int)get_global_id(0) * STRIP;
    float w[MOST][STRIP], t[MOST][STRIP], gm[MOST][STRIP], gs[MOST][STRIP], under[STRIP], over[STRIP];
    for (int m = 0; m < M; m++)
        for (int j = 0; j < STRIP; j++) {
            const int row = min(begin + j, rows - 1), k = clamp(target[row], 0, K - 1);
            const int first = k == 0, last = k == K - 1;
            global const float *x = p + (size_t)row * 3 * M + m;
            const float raw = x[2 * M];
            const float log_d = ardm_flush(gap - scale_of(raw, low, high));
            const float d = ardm_flush(ardm_exp(log_d));
            const float u = ardm_flush(fma(ardm_flush(centre[row] + x[M]), half_span, half_span));
            const float a = edge((float)k - 0.5f, u, d), b = edge((float)k + 0.5f, u, d);
            w[m][j] = x[0];
            t[m][j] = ardm_flush(x[0] + log_mass(a, b, log_width(d, log_d), first, last));
            gm[m][j] = mean_slope(a, b, d, half_span, first, last);
            gs[m][j] = ardm_select((raw < low) | (raw > high), 0.0f, scale_slope(a, b, d, first, last));
        }
    log_sum(w, M, under);
    log_sum(t, M, over);
    for (int j = 0; j < STRIP && begin + j < rows; j++) {
        const int row = begin + j;
        const float g = target[row] < 0 || target[row] >= K ? 0.0f : dy[row];
        global float *y = dp + (size_t)row * 3 * M;
        float sum = 0.0f;
        for (int m = 0; m < M; m++) {
            const float prior = ardm_flush(ardm_exp(ardm_flush(w[m][j] - under[j])));
            const float share = ardm_flush(ardm_exp(ardm_flush(t[m][j] - over[j])));
            const float mean = ardm_flush(ardm_mul(-g, ardm_flush(ardm_mul(share, gm[m][j]))));
            y[m] = ardm_flush(ardm_mul(g, ardm_flush(prior - share)));
            y[M + m] = mean;
            y[2 * M + m] = ardm_flush(ardm_mul(g, ardm_flush(ardm_mul(share, gs[m][j]))));
            sum += mean;
        }
        dcentre[row] = ardm_flush(sum);
    }
}

// global  ceil(K / (STRIP * strips)), rows; any local size
kernel void mixture_logits(global const float *restrict p, global const float *restrict centre, global float *restrict z,
                           const int M, const int K, const float low, const float high, const float gap, const float half_span,
                           const int strips) {
    const int row = (int)get_global_id(1);
    bin_logits(p + (size_t)row * 3 * M, centre[row], z + (size_t)row * K, (int)get_global_id(0) * strips * STRIP, strips, M, K, low, high, gap,
               half_span);
}
