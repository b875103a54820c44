/* The definition of attention and its gradient, to the bit.
 *
 *   s = F(F(block sum over features q k) * scale)            m = max over visible keys
 *   e = F(exp(s - m))                                        den = F(block sum over keys e)
 *   r = F(reciprocal(den))                                   o = F(block sum over keys e v * r)
 *
 * A hidden key is a +0 term that keeps its index. A query that sees no key has o = m = den = +0.
 *
 *   p = F(e * r), r = +0 where den = 0
 *   D = F(lane sum over features do o)                       dp = F(block sum over features do v)
 *   ds = F(p * F(dp - D))
 *   dq = F(F(block sum over keys ds k) * scale)              dk = F(F(block sum over queries ds q) * scale)
 *   dv = F(block sum over queries p do)
 *
 * The index of a query is its row in the joined [streams * length]. A block sum is cut at multiples of 256 of that index;
 * results of skipped blocks are +0, and adding +0 to a sum that is never -0 changes nothing. */
#include "attention/attention.h"

#include <float.h>
#include <math.h>

#include "ardm/exact.h"

/* scores[j] += block sum over features of row[c] * columns[c][j], begin <= j < end. */
static void products(float *restrict scores, const float *restrict row, const float *restrict columns, int64_t head, int64_t stride, int64_t begin,
                     int64_t end, float *restrict part) {
    for (int64_t j = begin; j < end; ++j) scores[j] = 0.0f;
    for (int64_t c = 0; c < head; ++c) {
        float *restrict sums = head <= ARDM_ATTENTION_BLOCK ? scores : part;
        const float *restrict column = columns + c * stride;
        const float x = row[c];
        if (sums == part && c % ARDM_ATTENTION_BLOCK == 0)
            for (int64_t j = begin; j < end; ++j) part[j] = 0.0f;
        for (int64_t j = begin; j < end; ++j) sums[j] = fmaf(x, column[j], sums[j]);
        if (sums == part && (c % ARDM_ATTENTION_BLOCK == ARDM_ATTENTION_BLOCK - 1 || c == head - 1))
            for (int64_t j = begin; j < end; ++j) scores[j] += part[j];
    }
}

typedef struct row_of {
    const ardm_attention_arrays *a;
    int64_t item, head, row;
    const float *keys[2], *values[2]; /* rows of stream 0 and 1 */
    const float *key_columns[2], *value_columns[2];
    const uint8_t *mask;
    const float *query;
    ardm_attention_view view;
} row_of;

static row_of find_row(const ardm_attention_arrays *a, int64_t item, int64_t head, int64_t row) {
    const ardm_attention_extents *e = &a->e;
    const int64_t stream = row / e->length, position = row % e->length, step = 3 * e->width;
    const float *base = a->qkv + item * e->rows * step + head * e->head;
    row_of r = {.a = a, .item = item, .head = head, .row = row, .query = base + row * step};
    for (int64_t s = 0; s < 2; ++s) {
        const int64_t held = s < e->streams ? s : 0;
        r.keys[s] = base + held * e->length * step + e->width;
        r.values[s] = r.keys[s] + e->width;
        r.key_columns[s] = a->k_columns + ((item * e->streams + held) * e->width + head * e->head) * e->length;
        r.value_columns[s] = a->v_columns + ((item * e->streams + held) * e->width + head * e->head) * e->length;
    }
    r.mask = a->mask ? a->mask + item * e->length : NULL;
    r.view = ardm__attention_view(e, stream, position, a->block ? a->block[item] : 0);
    return r;
}

static int hidden(const row_of *r, int64_t j) { return r->mask && r->mask[j] == ARDM_ATTENTION_VOID; }

/* e[j] for j < own, 0 where hidden; `m` is found first unless `given`. Returns 0 where no key is seen. */
static int exponentials(const row_of *r, float *restrict e, float *restrict part, float *m, int given) {
    const ardm_attention_extents *x = &r->a->e;
    products(e, r->query, r->key_columns[0], x->head, x->length, 0, r->view.clean, part);
    products(e, r->query, r->key_columns[1], x->head, x->length, r->view.clean, r->view.own, part);
    int seen = 0;
    float most = -FLT_MAX;
    for (int64_t j = 0; j < r->view.own; ++j) e[j] = ardm_flush(ardm_mul(ardm_flush(e[j]), x->scale));
    for (int64_t j = 0; j < r->view.own; ++j) {
        if (hidden(r, j)) continue;
        seen = 1;
        most = e[j] > most ? e[j] : most;
    }
    if (!given) *m = most;
    const float top = *m;
    for (int64_t j = 0; j < r->view.own; ++j) e[j] = ardm_flush(ardm_exp(e[j] - top));
    if (r->mask)
        for (int64_t j = 0; j < r->view.own; ++j) e[j] = hidden(r, j) ? 0.0f : e[j];
    return seen;
}

/* sum[c] += block sum over keys of weights[j] * rows[j][c], keys of both streams; part: head floats. */
static void weigh(const row_of *r, float *restrict sum, float *restrict part, const float *restrict weights, const float *const rows[2]) {
    const ardm_attention_extents *x = &r->a->e;
    const int64_t step = 3 * x->width, head = x->head;
    for (int64_t c = 0; c < head; ++c) sum[c] = 0.0f;
    for (int64_t begin = 0; begin < r->view.own; begin += ARDM_ATTENTION_BLOCK) {
        const int64_t end = begin + ARDM_ATTENTION_BLOCK < r->view.own ? begin + ARDM_ATTENTION_BLOCK : r->view.own;
        for (int64_t c = 0; c < head; ++c) part[c] = 0.0f;
        for (int64_t j = begin; j < end; ++j) {
            const float w = weights[j];
            const float *restrict row = rows[j >= r->view.clean] + j * step;
            if (w == 0.0f) continue;
            for (int64_t c = 0; c < head; ++c) part[c] = fmaf(w, row[c], part[c]);
        }
        for (int64_t c = 0; c < head; ++c) sum[c] += part[c];
    }
}

static float block_sum(const float *x, int64_t count) {
    float total = 0.0f;
    for (int64_t begin = 0; begin < count; begin += ARDM_ATTENTION_BLOCK) {
        const int64_t end = begin + ARDM_ATTENTION_BLOCK < count ? begin + ARDM_ATTENTION_BLOCK : count;
        float part = 0.0f;
        for (int64_t j = begin; j < end; ++j) part += x[j];
        total += part;
    }
    return total;
}

void ARDM_REFERENCE(attention_rows)(const ardm_attention_arrays *a, int64_t begin, int64_t end, float *scratch) {
    const ardm_attention_extents *x = &a->e;
    float *e = scratch, *part = e + x->length, *sum = part + (x->length > x->head ? x->length : x->head);
    for (int64_t index = begin; index < end; ++index) {
        const row_of r = find_row(a, index / (x->heads * x->rows), index / x->rows % x->heads, index % x->rows);
        float m;
        const int seen = exponentials(&r, e, part, &m, 0);
        const float den = seen ? ardm_flush(block_sum(e, r.view.own)) : 0.0f;
        const float reciprocal = seen ? ardm_flush(ardm_reciprocal(den)) : 0.0f;
        float *out = a->out + (r.item * x->rows + r.row) * x->width + r.head * x->head;
        if (seen) weigh(&r, sum, part, e, r.values);
        for (int64_t c = 0; c < x->head; ++c) out[c] = seen ? ardm_flush(sum[c] * reciprocal) : 0.0f;
        a->max[index] = seen ? m : 0.0f;
        a->den[index] = den;
    }
}

static float lane_dot(const float *a, const float *b, int64_t count) {
    float total = 0.0f;
    for (int64_t begin = 0; begin < count; begin += 16384) {
        const int64_t end = begin + 16384 < count ? begin + 16384 : count;
        float lane[64] = {0};
        for (int64_t i = begin; i < end; ++i) lane[i % 64] = fmaf(a[i], b[i], lane[i % 64]);
        for (int half = 32; half > 0; half /= 2)
            for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
        total += lane[0];
    }
    return total;
}

void ARDM_REFERENCE(attention_grad_pairs)(const ardm_attention_arrays *a, int64_t begin, int64_t end, float *scratch) {
    const ardm_attention_extents *x = &a->e;
    const int64_t step = 3 * x->width, head = x->head, kept = x->rows * head, most = x->length > head ? x->length : head;
    float *p = scratch, *ds = p + x->length, *part = ds + x->length, *sum = part + most;
    float *dk_part = sum + head, *dv_part = dk_part + kept, *dk = dv_part + kept, *dv = dk + kept;
    for (int64_t pair = begin; pair < end; ++pair) {
        const int64_t item = pair / x->heads, h = pair % x->heads;
        float *gradient = a->dqkv + item * x->rows * step + h * head;
        for (int64_t i = 0; i < 4 * kept; ++i) dk_part[i] = 0.0f;
        for (int64_t row = 0; row < x->rows; ++row) {
            const row_of r = find_row(a, item, h, row);
            const int64_t at = (item * x->heads + h) * x->rows + row, width_at = (item * x->rows + row) * x->width + h * head;
            const float *dy = a->dy + width_at;
            const float den = a->den[at], reciprocal = den == 0.0f ? 0.0f : ardm_flush(ardm_reciprocal(den));
            const float inner = ardm_flush(lane_dot(dy, a->y + width_at, head));
            float m = a->max[at];
            exponentials(&r, p, part, &m, 1);
            for (int64_t j = 0; j < r.view.own; ++j) p[j] = ardm_flush(p[j] * reciprocal);
            products(ds, dy, r.value_columns[0], head, x->length, 0, r.view.clean, part);
            products(ds, dy, r.value_columns[1], head, x->length, r.view.clean, r.view.own, part);
            for (int64_t j = 0; j < r.view.own; ++j) ds[j] = ardm_flush(p[j] * ardm_flush(ardm_flush(ds[j]) - inner));
            if (r.mask)
                for (int64_t j = 0; j < r.view.own; ++j) ds[j] = hidden(&r, j) ? 0.0f : ds[j];
            weigh(&r, sum, part, ds, r.keys);
            for (int64_t c = 0; c < head; ++c) gradient[row * step + c] = ardm_flush(ardm_flush(sum[c]) * x->scale);
            for (int64_t j = 0; j < r.view.own; ++j) {
                if (p[j] == 0.0f) continue; /* then ds is +0 too */
                float *restrict to_k = dk_part + ((j >= r.view.clean ? x->length : 0) + j) * head;
                float *restrict to_v = dv_part + ((j >= r.view.clean ? x->length : 0) + j) * head;
                const float pj = p[j], dsj = ds[j];
                for (int64_t c = 0; c < head; ++c) {
                    to_k[c] = fmaf(dsj, r.query[c], to_k[c]);
                    to_v[c] = fmaf(pj, dy[c], to_v[c]);
                }
            }
            if (row % ARDM_ATTENTION_BLOCK == ARDM_ATTENTION_BLOCK - 1 || row == x->rows - 1)
                for (int64_t i = 0; i < 2 * kept; ++i) {
                    dk[i] += dk_part[i]; /* dv follows dk as dv_part follows dk_part */
                    dk_part[i] = 0.0f;
                }
        }
        for (int64_t row = 0; row < x->rows; ++row)
            for (int64_t c = 0; c < head; ++c) {
                gradient[row * step + x->width + c] = ardm_flush(ardm_flush(dk[row * head + c]) * x->scale);
                gradient[row * step + 2 * x->width + c] = ardm_flush(dv[row * head + c]);
            }
    }
}
