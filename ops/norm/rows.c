/* The definition of layer norm, group norm and their gradients, to the bit.
 *
 *   mean = F(sum x * 1/n)    d = F(x - mean)    var = F(sum d^2 * 1/n)    r = F(rsqrt(var + eps))
 *   h = F(d * r)             y = F(fma(h, gamma, beta))
 *
 *   g = F(dy * gamma)        a = F(sum g * 1/n)           b = F(sum g h * 1/n)
 *   dx = F(F(fma(-b, h, F(g - a))) * r)
 *   dgamma = F(block sum over the part's (item, position) dy h)      dbeta = F(block sum dy)
 *
 * Layer norm: n = width and sums are lane sums along the row. Group norm: a block sum over positions a channel, then the group's
 * channels ascending by plain addition; n counts the positions that are not void; a void position is a +0 term, its y and dx
 * are +0, and an item that is void altogether has mean = r = +0. 1/n is F(reciprocal(n)). */
#include "norm/norm.h"

#include <math.h>

#include "ardm/exact.h"
#include "norm/lanes.h"

enum { VOID = 3 };

static float centred(float x, float mean) { return ardm_flush(x - mean); }

void ARDM_REFERENCE(layer_norm_rows)(const ardm_norm_arrays *a, int64_t begin, int64_t end) {
    const int64_t n = a->e.width;
    const float *restrict gamma = a->gamma, *restrict beta = a->beta;
    for (int64_t row = begin; row < end; ++row) {
        const float *restrict x = a->x + row * n;
        float *restrict y = a->y + row * n, total = 0.0f;
        for (int64_t from = 0; from < n; from += ARDM_LANE_SEGMENT) {
            float lane[64] = {0};
            ARDM_LANES(from, n, i, l, lane[l] += x[i])
            total += ardm__fold(lane);
        }
        const float mean = ardm_flush(ardm_mul(total, a->e.inverse));
        total = 0.0f;
        for (int64_t from = 0; from < n; from += ARDM_LANE_SEGMENT) {
            float lane[64] = {0};
            ARDM_LANES(from, n, i, l, lane[l] = fmaf(centred(x[i], mean), centred(x[i], mean), lane[l]))
            total += ardm__fold(lane);
        }
        const float r = ardm_flush(ardm_rsqrt(ardm_flush(ardm_mul(total, a->e.inverse)) + a->e.eps));
        for (int64_t i = 0; i < n; ++i) y[i] = ardm_flush(fmaf(ardm_flush(centred(x[i], mean) * r), gamma[i], beta[i]));
        a->mean[row] = mean;
        a->rstd[row] = r;
    }
}

void ARDM_REFERENCE(layer_norm_grad_rows)(const ardm_norm_arrays *a, int64_t begin, int64_t end) {
    const int64_t n = a->e.width;
    const float *restrict gamma = a->gamma;
    for (int64_t row = begin; row < end; ++row) {
        const float *restrict x = a->x + row * n, *restrict dy = a->dy + row * n, mean = a->mean_in[row], r = a->rstd_in[row];
        float *restrict dx = a->dx + row * n, sum = 0.0f, sum_h = 0.0f;
        for (int64_t from = 0; from < n; from += ARDM_LANE_SEGMENT) {
            float lane[64] = {0}, lane_h[64] = {0};
            ARDM_LANES(from, n, i, l, lane[l] += ardm_flush(ardm_mul(dy[i], gamma[i])))
            ARDM_LANES(from, n, i, l, lane_h[l] = fmaf(ardm_flush(ardm_mul(dy[i], gamma[i])), ardm_flush(centred(x[i], mean) * r), lane_h[l]))
            sum += ardm__fold(lane);
            sum_h += ardm__fold(lane_h);
        }
        sum = ardm_flush(ardm_mul(sum, a->e.inverse));
        sum_h = ardm_flush(ardm_mul(sum_h, a->e.inverse));
        for (int64_t i = 0; i < n; ++i) {
            const float g = ardm_flush(ardm_mul(dy[i], gamma[i])), h = ardm_flush(centred(x[i], mean) * r);
            dx[i] = ardm_flush(ardm_flush(fmaf(-sum_h, h, ardm_flush(g - sum))) * r);
        }
    }
}

/* Channels `first` .. `first + count` of one item, at most 64 at a time, and what stays of a sum over its positions. */
typedef struct slab {
    const float *x, *dy, *gamma;
    const uint8_t *mask;
    int64_t positions, width, count;
    float mean, r;
} slab;

/* sum[c] of channel c: block sum over positions of x (which 0), d^2 (1), g (2) or g h (3). */
static void channel_sums(float sum[64], const slab *s, int which) {
    const int64_t count = s->count;
    for (int64_t c = 0; c < count; ++c) sum[c] = 0.0f;
    for (int64_t begin = 0; begin < s->positions; begin += ARDM_NORM_BLOCK) {
        const int64_t end = begin + ARDM_NORM_BLOCK < s->positions ? begin + ARDM_NORM_BLOCK : s->positions;
        float part[64] = {0};
        for (int64_t p = begin; p < end; ++p) {
            const float *restrict x = s->x + p * s->width, *restrict dy = s->dy ? s->dy + p * s->width : x, *restrict gamma = s->gamma;
            if (s->mask && s->mask[p] == VOID) continue;
            if (which == 0)
                for (int64_t c = 0; c < count; ++c) part[c] += x[c];
            else if (which == 1)
                for (int64_t c = 0; c < count; ++c) part[c] = fmaf(centred(x[c], s->mean), centred(x[c], s->mean), part[c]);
            else if (which == 2)
                for (int64_t c = 0; c < count; ++c) part[c] += ardm_flush(ardm_mul(dy[c], gamma[c]));
            else
                for (int64_t c = 0; c < count; ++c)
                    part[c] = fmaf(ardm_flush(ardm_mul(dy[c], gamma[c])), ardm_flush(centred(x[c], s->mean) * s->r), part[c]);
        }
        for (int64_t c = 0; c < count; ++c) sum[c] += part[c];
    }
}

static slab find_slab(const ardm_norm_arrays *a, int64_t item, int64_t channel) {
    const ardm_norm_extents *e = &a->e;
    const int64_t at = item * e->positions * e->width + channel;
    return (slab){.x = a->x + at,
                  .dy = a->dy ? a->dy + at : NULL,
                  .gamma = a->gamma + channel,
                  .mask = a->mask ? a->mask + item * e->positions : NULL,
                  .positions = e->positions,
                  .width = e->width};
}

static float group_sum(const ardm_norm_arrays *a, int64_t item, int64_t which_group, int which, float mean, float r) {
    const int64_t channels = a->e.width / a->e.split;
    float total = 0.0f, sum[64];
    for (int64_t from = 0; from < channels; from += 64) {
        slab s = find_slab(a, item, which_group * channels + from);
        s.count = channels - from < 64 ? channels - from : 64;
        s.mean = mean;
        s.r = r;
        channel_sums(sum, &s, which);
        for (int64_t c = 0; c < s.count; ++c) total = from + c == 0 ? sum[c] : total + sum[c];
    }
    return total;
}

/* 1 / n, +0 where everything is void. */
static float inverse_count(const ardm_norm_arrays *a, int64_t item) {
    int64_t count = a->e.positions;
    if (a->mask) {
        count = 0;
        for (int64_t p = 0; p < a->e.positions; ++p) count += a->mask[item * a->e.positions + p] != VOID;
    }
    count *= a->e.width / a->e.split;
    return count > 0 ? ardm_flush(ardm_reciprocal((float)count)) : 0.0f;
}

void ARDM_REFERENCE(group_norm_pairs)(const ardm_norm_arrays *a, int64_t begin, int64_t end) {
    const ardm_norm_extents *e = &a->e;
    const int64_t channels = e->width / e->split;
    for (int64_t pair = begin; pair < end; ++pair) {
        const int64_t item = pair / e->split, group = pair % e->split;
        const float inverse = inverse_count(a, item);
        const float mean = ardm_flush(ardm_mul(group_sum(a, item, group, 0, 0.0f, 0.0f), inverse));
        const float var = ardm_flush(ardm_mul(group_sum(a, item, group, 1, mean, 0.0f), inverse));
        const float r = inverse == 0.0f ? 0.0f : ardm_flush(ardm_rsqrt(var + e->eps));
        const float *restrict gamma = a->gamma + group * channels, *restrict beta = a->beta + group * channels;
        for (int64_t p = 0; p < e->positions; ++p) {
            const int64_t at = (item * e->positions + p) * e->width + group * channels;
            const float *restrict x = a->x + at;
            float *restrict y = a->y + at;
            const int hide = a->mask && a->mask[item * e->positions + p] == VOID;
            for (int64_t c = 0; c < channels; ++c) y[c] = hide ? 0.0f : ardm_flush(fmaf(ardm_flush(centred(x[c], mean) * r), gamma[c], beta[c]));
        }
        a->mean[pair] = mean;
        a->rstd[pair] = r;
    }
}

void ARDM_REFERENCE(group_norm_grad_pairs)(const ardm_norm_arrays *a, int64_t begin, int64_t end) {
    const ardm_norm_extents *e = &a->e;
    const int64_t channels = e->width / e->split;
    for (int64_t pair = begin; pair < end; ++pair) {
        const int64_t item = pair / e->split, group = pair % e->split;
        const float mean = a->mean_in[pair], r = a->rstd_in[pair], inverse = inverse_count(a, item);
        const float sum = ardm_flush(ardm_mul(group_sum(a, item, group, 2, mean, r), inverse));
        const float sum_h = ardm_flush(ardm_mul(group_sum(a, item, group, 3, mean, r), inverse));
        const float *restrict gamma = a->gamma + group * channels;
        for (int64_t p = 0; p < e->positions; ++p) {
            const int64_t at = (item * e->positions + p) * e->width + group * channels;
            const float *restrict x = a->x + at, *restrict dy = a->dy + at;
            float *restrict dx = a->dx + at;
            const int hide = a->mask && a->mask[item * e->positions + p] == VOID;
            for (int64_t c = 0; c < channels; ++c) {
                const float g = ardm_flush(ardm_mul(dy[c], gamma[c])), h = ardm_flush(centred(x[c], mean) * r);
                dx[c] = hide ? 0.0f : ardm_flush(ardm_flush(fmaf(-sum_h, h, ardm_flush(g - sum))) * r);
            }
        }
    }
}

void ARDM_REFERENCE(norm_parameters)(const ardm_norm_arrays *a, int64_t begin, int64_t end) {
    const ardm_norm_extents *e = &a->e;
    const int64_t chunks = (e->width + 63) / 64, rows = e->group * e->positions, split = e->split;
    for (int64_t pair = begin; pair < end; ++pair) {
        const int64_t part_of = pair / chunks, first = pair % chunks * 64, count = e->width - first < 64 ? e->width - first : 64;
        float sum[64] = {0}, sum_h[64] = {0}, mean[64], r[64];
        int64_t item = -1;
        for (int64_t from = 0; from < rows; from += ARDM_NORM_BLOCK) {
            const int64_t to = from + ARDM_NORM_BLOCK < rows ? from + ARDM_NORM_BLOCK : rows;
            float part[64] = {0}, part_h[64] = {0};
            for (int64_t i = from; i < to; ++i) {
                const int64_t row = part_of * rows + i;
                const float *restrict x = a->x + row * e->width + first, *restrict dy = a->dy + row * e->width + first;
                if (a->mask && a->mask[row] == VOID) continue;
                /* split 0 is layer norm: one mean a row; else one an item and group of channels. */
                if (split == 0)
                    for (int64_t c = 0; c < 64; ++c) mean[c] = a->mean_in[row], r[c] = a->rstd_in[row];
                else if (item != row / e->positions) {
                    item = row / e->positions;
                    for (int64_t c = 0; c < count; ++c) {
                        mean[c] = a->mean_in[item * split + (first + c) / (e->width / split)];
                        r[c] = a->rstd_in[item * split + (first + c) / (e->width / split)];
                    }
                }
                for (int64_t c = 0; c < count; ++c) {
                    part[c] += dy[c];
                    part_h[c] = fmaf(dy[c], ardm_flush(centred(x[c], mean[c]) * r[c]), part_h[c]);
                }
            }
            for (int64_t c = 0; c < count; ++c) {
                sum[c] += part[c];
                sum_h[c] += part_h[c];
            }
        }
        for (int64_t c = 0; c < count; ++c) {
            a->dbeta[part_of * e->width + first + c] = ardm_flush(sum[c]);
            a->dgamma[part_of * e->width + first + c] = ardm_flush(sum_h[c]);
        }
    }
}
