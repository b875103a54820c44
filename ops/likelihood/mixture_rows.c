/* Mixture of logistics: see mixture_rows.h for the formula. Lanes of 16 rows, or of 16 bins, run side by side. */
#include "likelihood/mixture_rows.h"
#include "likelihood/mixture_mass.h"

/* One component of a strip of rows, gathered so that the arithmetic runs over lanes. */
typedef struct lanes {
    float w[MOST][STRIP], o[MOST][STRIP], g[MOST][STRIP], t[MOST][STRIP], centre[STRIP], under[STRIP], over[STRIP];
    int32_t k[STRIP];
} lanes;

static void gather(lanes *s, const ardm__mixture *mix, const float *p, const float *centre, int64_t begin, int64_t end) {
    for (int j = 0; j < STRIP; ++j) {
        int64_t row = begin + j < end ? begin + j : end - 1;
        const float *x = p + row * 3 * mix->M;
        s->centre[j] = centre[row];
        for (int m = 0; m < mix->M; ++m) {
            s->w[m][j] = x[m];
            s->o[m][j] = x[mix->M + m];
            s->g[m][j] = x[2 * mix->M + m];
        }
    }
}

static void load(lanes *s, const ardm__mixture *mix, const float *p, const float *centre, const int32_t *target, int64_t begin, int64_t end) {
    gather(s, mix, p, centre, begin, end);
    for (int j = 0; j < STRIP; ++j) {
        int64_t row = begin + j < end ? begin + j : end - 1;
        s->k[j] = target[row] < 0 ? 0 : target[row] >= mix->K ? mix->K - 1 : target[row];
    }
}

static void masses(lanes *s, const ardm__mixture *mix) {
    const float low = mix->low, high = mix->high, gap = mix->gap, half = mix->half;
    const int32_t last = mix->K - 1;
    for (int m = 0; m < mix->M; ++m)
        for (int j = 0; j < STRIP; ++j) {
            float log_d = ardm_flush(gap - limited(s->g[m][j], low, high)), d = ardm_flush(ardm_exp(log_d));
            float u = ardm_flush(ardm_fma(ardm_flush(s->centre[j] + s->o[m][j]), half, half)), k = (float)s->k[j];
            float mass = log_mass(edge(k - 0.5f, u, d), edge(k + 0.5f, u, d), log_width(d, log_d), s->k[j] == 0, s->k[j] == last);
            s->t[m][j] = ardm_flush(s->w[m][j] + mass);
        }
    log_sum(s->w, mix->M, s->under);
    log_sum(s->t, mix->M, s->over);
}

void ARDM_REFERENCE(mixture_nll_rows)(const ardm__mixture *mix, const float *p, const float *centre, const int32_t *target, float *nll, int64_t begin,
                                      int64_t end) {
    lanes s;
    for (int64_t at = begin; at < end; at += STRIP) {
        load(&s, mix, p, centre, target, at, end);
        masses(&s, mix);
        for (int64_t row = at; row < end && row < at + STRIP; ++row)
            nll[row] = target[row] < 0 || target[row] >= mix->K ? 0 : ardm_flush(s.under[row - at] - s.over[row - at]);
    }
}

void ARDM_REFERENCE(mixture_nll_grad_rows)(const ardm__mixture *mix, const float *p, const float *centre, const int32_t *target, const float *dy,
                                           float *dp, float *dcentre, int64_t begin, int64_t end) {
    const float low = mix->low, high = mix->high, gap = mix->gap, half = mix->half;
    const int32_t M = mix->M, last = mix->K - 1;
    lanes s;
    float mean[STRIP], weight[STRIP], scale[STRIP], seed[STRIP], sum[STRIP];
    for (int64_t at = begin; at < end; at += STRIP) {
        int64_t many = end - at < STRIP ? end - at : STRIP;
        load(&s, mix, p, centre, target, at, end);
        masses(&s, mix);
        for (int j = 0; j < STRIP; ++j) {
            int64_t row = at + j < end ? at + j : end - 1;
            seed[j] = target[row] < 0 || target[row] > last ? 0 : dy[row];
            sum[j] = 0;
        }
        for (int m = 0; m < M; ++m) {
            for (int j = 0; j < STRIP; ++j) {
                float log_d = ardm_flush(gap - limited(s.g[m][j], low, high)), d = ardm_flush(ardm_exp(log_d));
                float u = ardm_flush(ardm_fma(ardm_flush(s.centre[j] + s.o[m][j]), half, half)), k = (float)s.k[j];
                float a = edge(k - 0.5f, u, d), b = edge(k + 0.5f, u, d);
                int is_first = s.k[j] == 0, is_last = s.k[j] == last;
                float gm = mean_slope(a, b, d, half, is_first, is_last), gs = scale_slope(a, b, d, is_first, is_last);
                gs = ardm_select((s.g[m][j] < low) | (s.g[m][j] > high), 0.0f, gs);
                float prior = ardm_flush(ardm_exp(ardm_flush(s.w[m][j] - s.under[j])));
                float share = ardm_flush(ardm_exp(ardm_flush(s.t[m][j] - s.over[j])));
                weight[j] = ardm_flush(ardm_mul(seed[j], ardm_flush(prior - share)));
                mean[j] = ardm_flush(ardm_mul(-seed[j], ardm_flush(ardm_mul(share, gm))));
                scale[j] = ardm_flush(ardm_mul(seed[j], ardm_flush(ardm_mul(share, gs))));
                sum[j] += mean[j];
            }
            for (int64_t j = 0; j < many; ++j) {
                float *y = dp + (at + j) * 3 * M + m;
                y[0] = weight[j];
                y[M] = mean[j];
                y[2 * M] = scale[j];
            }
        }
        for (int64_t j = 0; j < many; ++j) dcentre[at + j] = ardm_flush(sum[j]);
    }
}

void ARDM_REFERENCE(mixture_logits_rows)(const ardm__mixture *mix, const float *p, const float *centre, float *z, int64_t begin, int64_t end) {
    const int32_t M = mix->M, K = mix->K;
    float w[MOST][STRIP], t[MOST][STRIP], d[MOST], u[MOST], width[MOST], under[STRIP], over[STRIP];
    for (int64_t row = begin; row < end; ++row) {
        const float *x = p + row * 3 * M;
        for (int m = 0; m < M; ++m) {
            float log_d = ardm_flush(mix->gap - limited(x[2 * M + m], mix->low, mix->high));
            d[m] = ardm_flush(ardm_exp(log_d));
            u[m] = ardm_flush(ardm_fma(ardm_flush(centre[row] + x[M + m]), mix->half, mix->half));
            width[m] = log_width(d[m], log_d);
            for (int j = 0; j < STRIP; ++j) w[m][j] = x[m];
        }
        log_sum(w, M, under);
        for (int32_t at = 0; at < K; at += STRIP) {
            for (int m = 0; m < M; ++m) {
                const float dm = d[m], um = u[m], wide = width[m], weight = x[m];
                for (int j = 0; j < STRIP; ++j) {
                    int32_t k = at + j;
                    float a = edge((float)k - 0.5f, um, dm), b = edge((float)k + 0.5f, um, dm);
                    t[m][j] = ardm_flush(weight + log_mass(a, b, wide, k == 0, k == K - 1));
                }
            }
            log_sum(t, M, over);
            for (int32_t k = at; k < K && k < at + STRIP; ++k) z[row * K + k] = ardm_flush(over[k - at] - under[k - at]);
        }
    }
}

/* --- children ---------------------------------------------------------------------------------------------------------------------- */

/* A strip of rows and one child of each: its outer bins, their number n, and whether it reaches an end. */
typedef struct intervals {
    lanes s;
    float d[MOST][STRIP], log_d[MOST][STRIP], u[MOST][STRIP], from[STRIP], to[STRIP], n[STRIP], log_n[STRIP];
    int32_t first[STRIP], last[STRIP], most; /* most: children of a row of the strip */
    ardm__parent parent[STRIP];
} intervals;

static void open_rows(intervals *v, const ardm__mixture *mix, const ardm__children *children, const float *p, const float *centre, int64_t begin,
                      int64_t end) {
    lanes *s = &v->s;
    gather(s, mix, p, centre, begin, end);
    v->most = 0;
    for (int j = 0; j < STRIP; ++j) {
        v->parent[j] = ardm__parent_of(children, begin + j < end ? begin + j : end - 1);
        if (v->parent[j].count > v->most) v->most = v->parent[j].count;
    }
    for (int m = 0; m < mix->M; ++m)
        for (int j = 0; j < STRIP; ++j) {
            v->log_d[m][j] = ardm_flush(mix->gap - limited(s->g[m][j], mix->low, mix->high));
            v->d[m][j] = ardm_flush(ardm_exp(v->log_d[m][j]));
            v->u[m][j] = ardm_flush(ardm_fma(ardm_flush(s->centre[j] + s->o[m][j]), mix->half, mix->half));
        }
    log_sum(s->w, mix->M, s->under);
}

/* Child `child` of each row, a row's last where it has fewer: t and the sum over components. */
static void open_child(intervals *v, const ardm__mixture *mix, const ardm__children *children, int32_t child) {
    for (int j = 0; j < STRIP; ++j) {
        int32_t low, high;
        ardm__child_interval(children, &v->parent[j], child < v->parent[j].count ? child : v->parent[j].count - 1, &low, &high);
        v->from[j] = (float)low - 0.5f;
        v->to[j] = (float)high + 0.5f;
        v->n[j] = (float)(high - low + 1);
        v->first[j] = low == 0;
        v->last[j] = high == mix->K - 1;
    }
    for (int j = 0; j < STRIP; ++j) v->log_n[j] = ardm_log(v->n[j]);
    for (int m = 0; m < mix->M; ++m)
        for (int j = 0; j < STRIP; ++j) {
            float d = v->d[m][j], u = v->u[m][j];
            float width = log_width(ardm_flush(ardm_mul(d, v->n[j])), ardm_flush(v->log_d[m][j] + v->log_n[j]));
            float mass = log_mass(edge(v->from[j], u, d), edge(v->to[j], u, d), width, v->first[j], v->last[j]);
            v->s.t[m][j] = ardm_flush(v->s.w[m][j] + mass);
        }
    log_sum(v->s.t, mix->M, v->s.over);
}

void ARDM_REFERENCE(mixture_children_rows)(const ardm__mixture *mix, const ardm__children *children, const float *p, const float *centre, float *y,
                                           int64_t begin, int64_t end) {
    const int64_t B = children->most;
    intervals v;
    for (int64_t at = begin; at < end; at += STRIP) {
        const int64_t many = end - at < STRIP ? end - at : STRIP;
        open_rows(&v, mix, children, p, centre, at, end);
        for (int32_t child = 0; child < v.most; ++child) {
            open_child(&v, mix, children, child);
            for (int64_t j = 0; j < many; ++j) y[(at + j) * B + child] = child < v.parent[j].count ? ardm_flush(v.s.over[j] - v.s.under[j]) : 0.0f;
        }
        for (int64_t j = 0; j < many; ++j)
            for (int64_t child = v.most; child < B; ++child) y[(at + j) * B + child] = 0;
    }
}

enum { WEIGHT, MEAN, SCALE, KINDS, BLOCK = 256 };

/* One child's terms into the running blocks. */
static void add_child(intervals *v, const ardm__mixture *mix, const float *seed, float block[KINDS][MOST][STRIP]) {
    const float low = mix->low, high = mix->high, half = mix->half;
    lanes *s = &v->s;
    for (int m = 0; m < mix->M; ++m)
        for (int j = 0; j < STRIP; ++j) {
            float d = v->d[m][j], u = v->u[m][j], a = edge(v->from[j], u, d), b = edge(v->to[j], u, d);
            float gm = mean_slope(a, b, d, half, v->first[j], v->last[j]);
            float gs = scale_slope(a, b, ardm_flush(ardm_mul(d, v->n[j])), v->first[j], v->last[j]);
            gs = ardm_select((s->g[m][j] < low) | (s->g[m][j] > high), 0.0f, gs);
            float prior = ardm_flush(ardm_exp(ardm_flush(s->w[m][j] - s->under[j])));
            float share = ardm_flush(ardm_exp(ardm_flush(s->t[m][j] - s->over[j])));
            block[WEIGHT][m][j] += ardm_flush(ardm_mul(seed[j], ardm_flush(share - prior)));
            block[MEAN][m][j] += ardm_flush(ardm_mul(seed[j], ardm_flush(ardm_mul(share, gm))));
            block[SCALE][m][j] += ardm_flush(ardm_mul(-seed[j], ardm_flush(ardm_mul(share, gs))));
        }
}

static void clear(float sums[KINDS][MOST][STRIP], int32_t M) {
    for (int kind = 0; kind < KINDS; ++kind)
        for (int m = 0; m < M; ++m)
            for (int j = 0; j < STRIP; ++j) sums[kind][m][j] = 0;
}

/* A total of +0 does not change what is added to it: the first block needs no case of its own. */
static void close_block(float total[KINDS][MOST][STRIP], float block[KINDS][MOST][STRIP], int32_t M) {
    for (int kind = 0; kind < KINDS; ++kind)
        for (int m = 0; m < M; ++m)
            for (int j = 0; j < STRIP; ++j) total[kind][m][j] += block[kind][m][j];
    clear(block, M);
}

void ARDM_REFERENCE(mixture_children_grad_rows)(const ardm__mixture *mix, const ardm__children *children, const float *p, const float *centre,
                                                const float *dy, float *dp, float *dcentre, int64_t begin, int64_t end) {
    const int64_t B = children->most;
    const int32_t M = mix->M;
    float total[KINDS][MOST][STRIP], block[KINDS][MOST][STRIP], seed[STRIP];
    intervals v;
    for (int64_t at = begin; at < end; at += STRIP) {
        const int64_t many = end - at < STRIP ? end - at : STRIP;
        open_rows(&v, mix, children, p, centre, at, end);
        clear(total, M);
        clear(block, M);
        for (int32_t child = 0; child < v.most; ++child) {
            if (child > 0 && child % BLOCK == 0) close_block(total, block, M);
            for (int64_t j = 0; j < STRIP; ++j) seed[j] = j < many && child < v.parent[j].count ? dy[(at + j) * B + child] : 0.0f;
            open_child(&v, mix, children, child);
            add_child(&v, mix, seed, block);
        }
        close_block(total, block, M);
        for (int64_t j = 0; j < many; ++j) {
            float sum = 0;
            for (int m = 0; m < M; ++m) {
                float *x = dp + (at + j) * 3 * M + m;
                for (int kind = 0; kind < KINDS; ++kind) x[kind * M] = ardm_flush(total[kind][m][j]);
                sum += x[MEAN * M];
            }
            dcentre[at + j] = ardm_flush(sum);
        }
    }
}
