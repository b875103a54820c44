// likelihood/mixture_children.cl: log masses of a parent's children under a mixture of logistics, and their gradient
// (likelihood/mixture_rows.h has the formula)
//   p        rows of 3·M numbers: weights, means, log scales; per: rows an item; most: B, children of an output row
//   STRIP    rows that one pass holds: vectors on a CPU, one on a GPU
//   global   one extent, rounded up; any local size

#include "child.clh"
#include "mixture.clh"

#define BLOCK 256

// A strip of rows: what does not depend on the child.
typedef struct rows_of {
    float w[MOST][STRIP], d[MOST][STRIP], log_d[MOST][STRIP], u[MOST][STRIP], under[STRIP];
    parent_class parent[STRIP];
    int most; // children of a row of the strip
} rows_of;
// One child of each row: its outer edges in bins, their number, whether it reaches an end, and its terms.
typedef struct child_of {
    float from[STRIP], to[STRIP], n[STRIP], log_n[STRIP], t[MOST][STRIP], over[STRIP];
    int first[STRIP], last[STRIP];
} child_of;

static void open_rows(rows_of *r, global const float *restrict p, global const float *restrict centre, global const int *restrict parent,
                      global const int *restrict stage, global const int *restrict table, const family f, const int begin, const int rows,
                      const int per, const int M, const float low, const float high, const float gap, const float half_span) {
    r->most = 0;
    for (int j = 0; j < STRIP; j++) {
        const int row = min(begin + j, rows - 1);
        r->parent[j] = parent_of(table, f, parent[row], stage[row / per]);
        r->most = max(r->most, r->parent[j].count);
    }
    for (int m = 0; m < M; m++)
        for (int j = 0; j < STRIP; j++) {
            const int row = min(begin + j, rows - 1);
            global const float *x = p + (size_t)row * 3 * M + m;
            r->w[m][j] = x[0];
            r->log_d[m][j] = ardm_flush(gap - scale_of(x[2 * M], low, high));
            r->d[m][j] = ardm_flush(ardm_exp(r->log_d[m][j]));
            r->u[m][j] = ardm_flush(fma(ardm_flush(centre[row] + x[M]), half_span, half_span));
        }
    log_sum(r->w, M, r->under);
}

// Bins lo … hi of a child of 0 … count-1.
static int2 interval(global const int *restrict table, const family f, const parent_class p, const int child) {
    if (!f.tabled) {
        const int from = p.low + child * p.after;
        return (int2)(from, min(p.end - from, p.after) + from - 1);
    }
    int x = p.low, end = p.end - 1;
    while (x < end) {
        const int middle = (x + end) / 2, below = clamp(entry(table, f, 3, p.stage, middle), 0, f.most - 1) < child;
        x = below ? middle + 1 : x;
        end = below ? end : middle;
    }
    const int from = clamp(entry(table, f, 0, p.stage + 1, x), 0, f.K - 1);
    return (int2)(from, clamp(entry(table, f, 1, p.stage + 1, x), from, f.K - 1));
}

static void open_child(child_of *c, const rows_of *r, global const int *restrict table, const family f, const int child, const int M) {
    for (int j = 0; j < STRIP; j++) {
        const int2 bins = interval(table, f, r->parent[j], min(child, r->parent[j].count - 1));
        c->from[j] = (float)bins.x - 0.5f;
        c->to[j] = (float)bins.y + 0.5f;
        c->n[j] = (float)(bins.y - bins.x + 1);
        c->first[j] = bins.x == 0;
        c->last[j] = bins.y == f.K - 1;
    }
    for (int j = 0; j < STRIP; j++) c->log_n[j] = ardm_log(c->n[j]);
    for (int m = 0; m < M; m++)
        for (int j = 0; j < STRIP; j++) {
            const float d = r->d[m][j], u = r->u[m][j];
            const float width = log_width(ardm_flush(ardm_mul(d, c->n[j])), ardm_flush(r->log_d[m][j] + c->log_n[j]));
            const float mass = log_mass(edge(c->from[j], u, d), edge(c->to[j], u, d), width, c->first[j], c->last[j]);
            c->t[m][j] = ardm_flush(r->w[m][j] + mass);
        }
    log_sum(c->t, M, c->over);
}

// take: children a work-item; chunks: work-items a strip of rows
kernel void mixture_children(global const float *restrict p, global const float *restrict centre, global const int *restrict parent,
                             global const int *restrict stage, global const int *restrict table, global float *restrict y, const int rows,
                             const int per, const int stages, const int base, const int K, const int most, const int tabled, const int M,
                             const float low, const float high, const float gap, const float half_span, const int take, const int chunks) {
    const family f = {stages, base, K, most, tabled};
    const size_t item = get_global_id(0);
    if (item / chunks * STRIP >= (size_t)rows) return;
    const int begin = (int)(item / chunks) * STRIP, first = (int)(item % chunks) * take, end = min(most - first, take) + first;
    rows_of r;
    child_of c;
    open_rows(&r, p, centre, parent, stage, table, f, begin, rows, per, M, low, high, gap, half_span);
    for (int child = first; child < end; child++) {
        if (child < r.most) open_child(&c, &r, table, f, child, M);
        for (int j = 0; j < STRIP && begin + j < rows; j++)
            y[(size_t)(begin + j) * most + child] = child < r.parent[j].count ? ardm_flush(c.over[j] - r.under[j]) : 0.0f;
    }
}

#define KINDS 3 // weights, means, log scales

kernel void mixture_children_grad(global const float *restrict p, global const float *restrict centre, global const int *restrict parent,
                                  global const int *restrict stage, global const float *restrict dy, global const int *restrict table,
                                  global float *restrict dp, global float *restrict dcentre, const int rows, const int per, const int stages,
                                  const int base, const int K, const int most, const int tabled, const int M, const float low, const float high,
                                  const float gap, const float half_span) {
    const family f = {stages, base, K, most, tabled};
    if (get_global_id(0) * STRIP >= (size_t)rows) return;
    const int begin = (int)get_global_id(0) * STRIP;
    rows_of r;
    child_of c;
    float total[KINDS][MOST][STRIP], block[KINDS][MOST][STRIP];
    open_rows(&r, p, centre, parent, stage, table, f, begin, rows, per, M, low, high, gap, half_span);
    for (int kind = 0; kind < KINDS; kind++)
        for (int m = 0; m < M; m++)
            for (int j = 0; j < STRIP; j++) total[kind][m][j] = block[kind][m][j] = 0.0f;
    for (int child = 0; child < r.most; child++) {
        if (child > 0 && child % BLOCK == 0)
            for (int kind = 0; kind < KINDS; kind++)
                for (int m = 0; m < M; m++)
                    for (int j = 0; j < STRIP; j++) {
                        total[kind][m][j] += block[kind][m][j];
                        block[kind][m][j] = 0.0f;
                    }
        float seed[STRIP];
        for (int j = 0; j < STRIP; j++)
            seed[j] = begin + j < rows && child < r.parent[j].count ? dy[(size_t)(begin + j) * most + child] : 0.0f;
        open_child(&c, &r, table, f, child, M);
        for (int m = 0; m < M; m++)
            for (int j = 0; j < STRIP; j++) {
                const float raw = p[(size_t)min(begin + j, rows - 1) * 3 * M + 2 * M + m];
                const float d = r.d[m][j], u = r.u[m][j], a = edge(c.from[j], u, d), b = edge(c.to[j], u, d);
                const float gm = mean_slope(a, b, d, half_span, c.first[j], c.last[j]);
                const float slope = scale_slope(a, b, ardm_flush(ardm_mul(d, c.n[j])), c.first[j], c.last[j]);
                const float gs = ardm_select((raw < low) | (raw > high), 0.0f, slope);
                const float prior = ardm_flush(ardm_exp(ardm_flush(r.w[m][j] - r.under[j])));
                const float share = ardm_flush(ardm_exp(ardm_flush(c.t[m][j] - c.over[j])));
                block[0][m][j] += ardm_flush(ardm_mul(seed[j], ardm_flush(share - prior)));
                block[1][m][j] += ardm_flush(ardm_mul(seed[j], ardm_flush(ardm_mul(share, gm))));
                block[2][m][j] += ardm_flush(ardm_mul(-seed[j], ardm_flush(ardm_mul(share, gs))));
            }
    }
    for (int j = 0; j < STRIP && begin + j < rows; j++) {
        float sum = 0.0f;
        for (int m = 0; m < M; m++) {
            global float *x = dp + (size_t)(begin + j) * 3 * M + m;
            for (int kind = 0; kind < KINDS; kind++) x[kind * M] = ardm_flush(total[kind][m][j] + block[kind][m][j]);
            sum += ardm_flush(total[1][m][j] + block[1][m][j]);
        }
        dcentre[begin + j] = ardm_flush(sum);
    }
}
