/* Attention in double, written from the formulas of the README alone, and how far the reference may be from it.
 *
 * The bounds follow the error of a chain of n rounded operations, n·u times the sum of magnitudes, through each formula; where
 * factors were rounded up to keep a bound short the constant is called GENEROUS. */
#include "attention/attention.h"

#include <math.h>

#define U 0x1p-24
#define FLUSH 0x1p-40
#define GENEROUS 2.0

typedef struct problem {
    long items, length, streams, heads, head, rows, width;
    const double *qkv;
    const int32_t *block;
    const uint8_t *mask;
    double scale;
} problem;

static problem state(const ardm_call *call, const void *const *in) {
    problem p = {.items = (long)call->in[0].dim[0], .rows = (long)call->in[0].dim[1], .width = (long)call->in[0].dim[2] / 3, .qkv = in[0]};
    p.heads = (long)call->attrs[0].i;
    p.streams = (long)call->attrs[1].i;
    p.length = p.rows / p.streams;
    p.head = p.width / p.heads;
    p.block = call->n_in > 1 && call->in[1].dtype ? in[1] : NULL;
    p.mask = call->n_in > 2 && call->in[2].dtype ? in[2] : NULL;
    p.scale = 1 / sqrt((double)p.head);
    return p;
}

static const double *vector(const problem *p, long item, long h, long row, long part) {
    return p->qkv + ((item * p->rows + row) * 3 + part) * p->width + h * p->head;
}

/* Does the query in row i see the key in row j? */
static int sees(const problem *p, long item, long i, long j) {
    const long n = p->block && p->block[item] > 0 ? p->block[item] : p->length;
    const long bi = i % p->length / n, bj = j % p->length / n;
    if (p->mask && p->mask[item * p->length + j % p->length] == 3) return 0;
    if (i < p->length) return j < p->length && bj <= bi;
    return j < p->length ? bj < bi : bj == bi;
}

static double dot(const double *a, const double *b, long n) {
    double sum = 0;
    for (long c = 0; c < n; ++c) sum += a[c] * b[c];
    return sum;
}
static double magnitude(const double *a, const double *b, long n) {
    double sum = 0;
    for (long c = 0; c < n; ++c) sum += fabs(a[c] * b[c]);
    return sum;
}

ardm_status ardm__attention_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const problem p = state(call, in);
    double *o = out[0], *max = out[1], *den = out[2];
    for (long item = 0; item < p.items; ++item)
        for (long h = 0; h < p.heads; ++h)
            for (long i = 0; i < p.rows; ++i) {
                double top = -INFINITY, sum = 0, *y = o + (item * p.rows + i) * p.width + h * p.head;
                const double *q = vector(&p, item, h, i, 0);
                for (long c = 0; c < p.head; ++c) y[c] = 0;
                for (long j = 0; j < p.rows; ++j)
                    if (sees(&p, item, i, j)) top = fmax(top, dot(q, vector(&p, item, h, j, 1), p.head) * p.scale);
                for (long j = 0; j < p.rows; ++j) {
                    if (!sees(&p, item, i, j)) continue;
                    const double e = exp(dot(q, vector(&p, item, h, j, 1), p.head) * p.scale - top);
                    sum += e;
                    for (long c = 0; c < p.head; ++c) y[c] += e * vector(&p, item, h, j, 2)[c];
                }
                for (long c = 0; c < p.head && sum > 0; ++c) y[c] /= sum;
                max[(item * p.heads + h) * p.rows + i] = sum > 0 ? top : 0;
                den[(item * p.heads + h) * p.rows + i] = sum;
            }
    return ARDM_OK;
}

/* Error of a score: features chained, two more roundings, scale itself, a flush of either. */
static double score_error(const problem *p, const double *q, const double *k) {
    return ((double)p->head + 6) * U * magnitude(q, k, p->head) * p->scale + 2 * FLUSH;
}

void ardm__attention_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound) {
    const problem p = state(call, in);
    const double *den = out[2], *max = out[1];
    for (long item = 0; item < p.items; ++item)
        for (long h = 0; h < p.heads; ++h)
            for (long i = 0; i < p.rows; ++i) {
                const double *q = vector(&p, item, h, i, 0);
                const long at = (item * p.heads + h) * p.rows + i;
                double off = 0; /* the worst score */
                for (long j = 0; j < p.rows; ++j)
                    if (sees(&p, item, i, j)) off = fmax(off, score_error(&p, q, vector(&p, item, h, j, 1)));
                /* Each weight: both scores, their difference, exp, the sums over keys, the reciprocal and the product. */
                const double relative = 2 * off + ((double)p.rows + 16 + fabs(max[at])) * U;
                if (k == 1) bound[at] = off;
                if (k == 2) bound[at] = GENEROUS * (relative * den[at] + (double)p.rows * FLUSH);
                for (long c = 0; k == 0 && c < p.head; ++c) {
                    double sum = 0, away = 0;
                    for (long j = 0; j < p.rows; ++j) {
                        if (!sees(&p, item, i, j)) continue;
                        const double v = fabs(vector(&p, item, h, j, 2)[c]), s = dot(q, vector(&p, item, h, j, 1), p.head) * p.scale - max[at];
                        sum += exp(s) * v * (1 + fabs(s) * U / relative);
                        away += FLUSH * v;
                    }
                    bound[(item * p.rows + i) * p.width + h * p.head + c] = den[at] > 0 ? GENEROUS * (relative * sum + away) / den[at] + FLUSH : 0;
                }
            }
}

/* Weight and slope of one pair in double, and how far the reference's may be. */
typedef struct pair {
    double p, ds, p_error, ds_error;
} pair;

static pair find_pair(const problem *x, const void *const *in, long item, long h, long i, long j) {
    const double *q = vector(x, item, h, i, 0), *key = vector(x, item, h, j, 1), *v = vector(x, item, h, j, 2);
    const double *o = (const double *)in[3] + (item * x->rows + i) * x->width + h * x->head;
    const double *dy = (const double *)in[6] + (item * x->rows + i) * x->width + h * x->head;
    const double max = ((const double *)in[4])[(item * x->heads + h) * x->rows + i],
                 den = ((const double *)in[5])[(item * x->heads + h) * x->rows + i];
    const double s = dot(q, key, x->head) * x->scale, dp = dot(dy, v, x->head), inner = dot(dy, o, x->head);
    const double reach = magnitude(dy, v, x->head) + magnitude(dy, o, x->head);
    pair r = {0};
    r.p = den == 0 ? 0 : exp(s - max) / den;
    r.ds = r.p * (dp - inner);
    r.p_error = r.p * (score_error(x, q, key) + (12 + fabs(s - max)) * U) + (den == 0 ? 0 : FLUSH * (1 + 1 / den));
    r.ds_error = r.p_error * fabs(dp - inner) + (r.p + r.p_error) * (((double)x->head + 8) * U * reach + 3 * FLUSH) + FLUSH;
    return r;
}

static ardm_status gradient(const ardm_call *call, const void *const *in, double *out, int errors) {
    const problem p = state(call, in);
    const double per_term = ((double)p.rows + 8) * U;
    for (long index = 0; index < p.items * p.rows * 3 * p.width; ++index) out[index] = 0;
    for (long item = 0; item < p.items; ++item)
        for (long h = 0; h < p.heads; ++h)
            for (long i = 0; i < p.rows; ++i)
                for (long j = 0; j < p.rows; ++j) {
                    if (!sees(&p, item, i, j)) continue;
                    const pair r = find_pair(&p, in, item, h, i, j);
                    const double *q = vector(&p, item, h, i, 0), *key = vector(&p, item, h, j, 1);
                    const double *dy = (const double *)in[6] + (item * p.rows + i) * p.width + h * p.head;
                    double *dq = out + (item * p.rows + i) * 3 * p.width + h * p.head;
                    double *dk = out + ((item * p.rows + j) * 3 + 1) * p.width + h * p.head, *dv = dk + p.width;
                    const double ds = errors ? GENEROUS * (r.ds_error + fabs(r.ds) * per_term) : r.ds;
                    const double w = errors ? GENEROUS * (r.p_error + r.p * per_term) : r.p;
                    for (long c = 0; c < p.head; ++c) {
                        dq[c] += ds * p.scale * (errors ? fabs(key[c]) : key[c]);
                        dk[c] += ds * p.scale * (errors ? fabs(q[c]) : q[c]);
                        dv[c] += w * (errors ? fabs(dy[c]) : dy[c]);
                    }
                }
    for (long index = 0; errors && index < p.items * p.rows * 3 * p.width; ++index) out[index] += 2 * FLUSH;
    return ARDM_OK;
}

ardm_status ardm__attention_grad_oracle(const ardm_call *call, const void *const *in, void *const *out) { return gradient(call, in, out[0], 0); }

void ardm__attention_grad_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound) {
    (void)k, (void)out;
    gradient(call, in, bound, 1);
}
