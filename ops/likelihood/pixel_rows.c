/* Mixture over RGB pixels: see pixel_rows.h for the formula. Lanes of 16 pixels run side by side. */
#include "likelihood/pixel_rows.h"
#include "likelihood/mixture_mass.h"

/* First block of a kind in a row of z; MEANS and SCALES have one a channel. */
enum { WEIGHTS = 0, MEANS = 1, SCALES = 4, ALPHA = 7, BETA = 8, GAMMA = 9, BLOCKS = ARDM__PIXEL_BLOCKS };

/* A strip of pixels, gathered so that the arithmetic runs over lanes: block b of component m is x[b * M + m]. e: a value from its centre. */
typedef struct pixels {
    float x[BLOCKS * MOST][STRIP], t[MOST][STRIP], centre[3][STRIP], bin[3][STRIP], e[3][STRIP], under[STRIP], over[STRIP];
} pixels;

static void open_pixels(pixels *s, const ardm__mixture *mix, const float *z, const float *centre, const int32_t *values, int64_t begin, int64_t end) {
    const int32_t width = BLOCKS * mix->M, last = mix->K - 1;
    int32_t k[3][STRIP];
    for (int j = 0; j < STRIP; ++j) {
        const int64_t row = begin + j < end ? begin + j : end - 1;
        const float *x = z + row * width;
        for (int32_t i = 0; i < width; ++i) s->x[i][j] = x[i];
        for (int c = 0; c < 3; ++c) {
            const int32_t value = values[row * 3 + c];
            s->centre[c][j] = centre[row * 3 + c];
            k[c][j] = value < 0 ? 0 : value > last ? last : value;
        }
    }
    for (int c = 0; c < 3; ++c)
        for (int j = 0; j < STRIP; ++j) {
            s->bin[c][j] = (float)k[c][j];
            s->e[c][j] = ardm_flush((ardm_divide((float)(2 * k[c][j]), (float)last) - 1.0f) - s->centre[c][j]);
        }
    for (int m = 0; m < mix->M; ++m)
        for (int j = 0; j < STRIP; ++j) s->t[m][j] = s->x[m][j];
}

/* Means of component m in channel c. */
static void means(const pixels *s, int M, int m, int c, float *restrict mean) {
    for (int j = 0; j < STRIP; ++j) mean[j] = s->centre[c][j] + s->x[(MEANS + c) * M + m][j];
    if (c > 0)
        for (int j = 0; j < STRIP; ++j) mean[j] = ardm_fma(s->x[(c == 1 ? ALPHA : BETA) * M + m][j], s->e[0][j], mean[j]);
    if (c > 1)
        for (int j = 0; j < STRIP; ++j) mean[j] = ardm_fma(s->x[GAMMA * M + m][j], s->e[1][j], mean[j]);
    for (int j = 0; j < STRIP; ++j) mean[j] = ardm_flush(mean[j]);
}

/* Log masses of the strip's bins of channel c under component m. */
static void masses(const pixels *s, const ardm__mixture *mix, int m, int c, float *restrict mass) {
    const float low = mix->low, high = mix->high, gap = mix->gap, half = mix->half, last = (float)(mix->K - 1);
    const float *g = s->x[(SCALES + c) * mix->M + m], *bin = s->bin[c];
    float mean[STRIP];
    means(s, mix->M, m, c, mean);
    for (int j = 0; j < STRIP; ++j) {
        float log_d = ardm_flush(gap - limited(g[j], low, high)), d = ardm_flush(ardm_exp(log_d));
        float u = ardm_flush(ardm_fma(mean[j], half, half));
        mass[j] = log_mass(edge(bin[j] - 0.5f, u, d), edge(bin[j] + 0.5f, u, d), log_width(d, log_d), bin[j] == 0.0f, bin[j] == last);
    }
}

static int used(const int32_t *values, int32_t K) {
    int inside = 1;
    for (int c = 0; c < 3; ++c) inside &= values[c] >= 0 && values[c] < K;
    return inside;
}

void ARDM_REFERENCE(pixel_nll_rows)(const ardm__mixture *mix, const float *z, const float *centre, const int32_t *target, float *nll, int64_t begin,
                                    int64_t end) {
    pixels s;
    float mass[STRIP];
    for (int64_t at = begin; at < end; at += STRIP) {
        open_pixels(&s, mix, z, centre, target, at, end);
        log_sum(s.t, mix->M, s.under);
        for (int m = 0; m < mix->M; ++m)
            for (int c = 0; c < 3; ++c) {
                masses(&s, mix, m, c, mass);
                for (int j = 0; j < STRIP; ++j) s.t[m][j] = ardm_flush(s.t[m][j] + mass[j]);
            }
        log_sum(s.t, mix->M, s.over);
        for (int64_t row = at; row < end && row < at + STRIP; ++row)
            nll[row] = used(target + row * 3, mix->K) ? ardm_flush(s.under[row - at] - s.over[row - at]) : 0;
    }
}

/* The same, added to t, with the slopes of the log masses: they share exponentials. */
static void add_slopes(pixels *s, const ardm__mixture *mix, int m, int c, float *restrict by_mean, float *restrict by_scale) {
    const float low = mix->low, high = mix->high, gap = mix->gap, half = mix->half, last = (float)(mix->K - 1);
    const float *g = s->x[(SCALES + c) * mix->M + m], *bin = s->bin[c];
    float mean[STRIP], *t = s->t[m];
    means(s, mix->M, m, c, mean);
    for (int j = 0; j < STRIP; ++j) {
        float log_d = ardm_flush(gap - limited(g[j], low, high)), d = ardm_flush(ardm_exp(log_d));
        float u = ardm_flush(ardm_fma(mean[j], half, half)), a = edge(bin[j] - 0.5f, u, d), b = edge(bin[j] + 0.5f, u, d);
        int first = bin[j] == 0.0f, end = bin[j] == last;
        t[j] = ardm_flush(t[j] + log_mass(a, b, log_width(d, log_d), first, end));
        by_mean[j] = mean_slope(a, b, d, half, first, end);
        by_scale[j] = ardm_select((g[j] < low) | (g[j] > high), 0.0f, scale_slope(a, b, d, first, end));
    }
}

void ARDM_REFERENCE(pixel_nll_grad_rows)(const ardm__mixture *mix, const float *z, const float *centre, const int32_t *target, const float *dy,
                                         float *dz, float *dcentre, int64_t begin, int64_t end) {
    const int32_t M = mix->M, width = BLOCKS * M;
    pixels s;
    float by_mean[3][MOST][STRIP], by_scale[3][MOST][STRIP], y[BLOCKS][STRIP], sum[3][STRIP], seed[STRIP];
    for (int64_t at = begin; at < end; at += STRIP) {
        const int64_t many = end - at < STRIP ? end - at : STRIP;
        open_pixels(&s, mix, z, centre, target, at, end);
        log_sum(s.t, M, s.under);
        for (int m = 0; m < M; ++m)
            for (int c = 0; c < 3; ++c) add_slopes(&s, mix, m, c, by_mean[c][m], by_scale[c][m]);
        log_sum(s.t, M, s.over);
        for (int j = 0; j < STRIP; ++j) {
            const int64_t row = j < many ? at + j : end - 1;
            seed[j] = used(target + row * 3, mix->K) ? dy[row] : 0;
            sum[0][j] = sum[1][j] = sum[2][j] = 0;
        }
        for (int m = 0; m < M; ++m) {
            const float *w = s.x[m], *alpha = s.x[ALPHA * M + m], *beta = s.x[BETA * M + m], *gamma = s.x[GAMMA * M + m];
            for (int j = 0; j < STRIP; ++j) {
                const float prior = ardm_flush(ardm_exp(ardm_flush(w[j] - s.under[j])));
                const float share = ardm_flush(ardm_exp(ardm_flush(s.t[m][j] - s.over[j])));
                float mean[3];
                for (int c = 0; c < 3; ++c) {
                    y[MEANS + c][j] = mean[c] = ardm_flush(ardm_mul(-seed[j], ardm_flush(ardm_mul(share, by_mean[c][m][j]))));
                    y[SCALES + c][j] = ardm_flush(ardm_mul(seed[j], ardm_flush(ardm_mul(share, by_scale[c][m][j]))));
                }
                y[WEIGHTS][j] = ardm_flush(ardm_mul(seed[j], ardm_flush(prior - share)));
                y[ALPHA][j] = ardm_flush(ardm_mul(mean[1], s.e[0][j]));
                y[BETA][j] = ardm_flush(ardm_mul(mean[2], s.e[0][j]));
                y[GAMMA][j] = ardm_flush(ardm_mul(mean[2], s.e[1][j]));
                sum[0][j] = ardm_fma(-beta[j], mean[2], ardm_fma(-alpha[j], mean[1], sum[0][j] + mean[0]));
                sum[1][j] = ardm_fma(-gamma[j], mean[2], sum[1][j] + mean[1]);
                sum[2][j] += mean[2];
            }
            for (int64_t j = 0; j < many; ++j)
                for (int b = 0; b < BLOCKS; ++b) dz[(at + j) * width + b * M + m] = y[b][j];
        }
        for (int64_t j = 0; j < many; ++j)
            for (int c = 0; c < 3; ++c) dcentre[(at + j) * 3 + c] = ardm_flush(sum[c][j]);
    }
}

/* The mixture of channel `part` given the channels before it, as rows of mixture_logits with centre 0. */
static void condition(const pixels *s, int M, const int32_t *part, float *p) {
    float mean[3][STRIP];
    for (int m = 0; m < M; ++m) {
        for (int c = 0; c < 3; ++c) means(s, M, m, c, mean[c]);
        for (int j = 0; j < STRIP; ++j) {
            float *x = p + j * 3 * M + m;
            x[0] = ardm_flush(s->t[m][j] - s->under[j]);
            x[M] = mean[part[j]][j];
            x[2 * M] = s->x[(SCALES + part[j]) * M + m][j];
        }
    }
}

void ARDM_REFERENCE(pixel_logits_rows)(const ardm__mixture *mix, const float *z, const float *centre, const int32_t *known, const int32_t *part,
                                       int64_t per, float *logits, int64_t begin, int64_t end) {
    static const float origin[STRIP] = {0};
    pixels s;
    float p[STRIP * 3 * MOST], mass[STRIP];
    int32_t parts[STRIP];
    for (int64_t at = begin; at < end; at += STRIP) {
        const int64_t many = end - at < STRIP ? end - at : STRIP;
        open_pixels(&s, mix, z, centre, known, at, end);
        int32_t most = 0;
        for (int j = 0; j < STRIP; ++j) {
            const int32_t number = part[(j < many ? at + j : end - 1) / per];
            parts[j] = number < 0 ? 0 : number > 2 ? 2 : number;
            most = parts[j] > most ? parts[j] : most;
        }
        for (int m = 0; m < mix->M; ++m)
            for (int c = 0; c < most; ++c) {
                masses(&s, mix, m, c, mass);
                for (int j = 0; j < STRIP; ++j) s.t[m][j] = ardm_select(c < parts[j], ardm_flush(s.t[m][j] + mass[j]), s.t[m][j]);
            }
        log_sum(s.t, mix->M, s.under);
        condition(&s, mix->M, parts, p);
        ARDM_REFERENCE(mixture_logits_rows)(mix, p, origin, logits + at * mix->K, 0, many);
    }
}
