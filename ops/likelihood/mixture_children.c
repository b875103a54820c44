/* mixture_children: the log mass of each child's bins under a mixture of logistics, for any number of bins at the cost of the children alone,
 * and the gradient; formula in mixture_rows.h, children in children.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ardm/thread.h"
#include "likelihood/children.h"
#include "likelihood/mixture.h"

extern const char *const ardm_cl_likelihood_mixture_children;

enum { PARENT = 2, TABLE = 4, GRAD_TABLE = 5 }; /* operands; the gradient's dy is 4 */

static ardm_status infer(const ardm_call *call, ardm_shape *out) {
    int32_t most;
    ARDM_TRY(ardm__mixture_check(call, 2));
    ARDM_TRY(ardm__children_check(call, PARENT, TABLE, &most));
    out[0] = call->in[0];
    out[0].dim[out[0].rank - 1] = most;
    return ARDM_OK;
}

static ardm_status gradient(ardm_builder *builder, const ardm_call *call, const ardm_value *dy, ardm_value *dx) {
    char text[128];
    ardm_value outs[2] = {-1, -1};
    const ardm_value in[] = {call->x[0], call->x[1], call->x[2], call->x[3], dy[0], call->n_in > TABLE ? call->x[TABLE] : -1};
    (void)snprintf(text, sizeof text, "family=\"%s\", classes=%lld, base=%lld", call->attrs[0].s, (long long)call->attrs[1].i,
                   (long long)call->attrs[2].i);
    for (uint32_t k = 2; k < call->n_in; ++k) dx[k] = -1;
    dx[0] = builder->emit(builder, "mixture_children_grad", in, 6, text, outs);
    dx[1] = outs[1];
    return ARDM_OK;
}

typedef struct work {
    ardm__mixture mix;
    ardm__children children;
    const float *p, *centre, *dy;
    float *out, *dcentre;
} work;

static void body(void *user, int64_t begin, int64_t end) {
    const work *w = user;
    ARDM_REFERENCE_CALL(mixture_children_rows)(&w->mix, &w->children, w->p, w->centre, w->out, begin, end);
}

static ardm__mixture mixture_of(const ardm_call *call) { return ardm__mixture_make(ardm_shape_last(&call->in[0], 0) / 3, call->attrs[1].i); }

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    work w = {.mix = mixture_of(call), .p = in[0], .centre = in[1], .out = out[0]};
    ARDM_TRY(ardm__children_open(&w.children, call, in, PARENT, TABLE));
    ardm_parallel(ardm_shape_count(&call->in[1]), 16, body, &w);
    return ARDM_OK;
}

/* A row as oracles and bounds have it: components, and the intervals of its children. */
typedef struct row_view {
    int64_t M, K, B, count, *low, *high;
    double total; /* log of the sum of weights */
    double *mass; /* of one child, a component each: weight and log mass */
    ardm__component c[ARDM__MIXTURES];
} row_view;

static ardm_status view_open(row_view *v, const ardm_call *call) {
    int64_t base = call->attrs[0].s[1] == 'b' ? call->attrs[1].i : call->attrs[2].i;
    *v = (row_view){.M = ardm_shape_last(&call->in[0], 0) / 3, .K = call->attrs[1].i, .B = base};
    v->low = malloc((size_t)base * 2 * sizeof *v->low);
    v->mass = malloc(ARDM__MIXTURES * sizeof *v->mass);
    v->high = v->low ? v->low + base : NULL;
    return v->low && v->mass ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "%s: no memory for %lld intervals", call->op->name, (long long)base);
}

static void view_close(row_view *v) {
    free(v->low);
    free(v->mass);
}

static void view_row(row_view *v, const ardm_call *call, const void *const *in, uint32_t table, int64_t row) {
    double top = -INFINITY;
    v->count = ardm__child_intervals(call, in, PARENT, table, row, v->low, v->high);
    v->total = 0;
    for (int64_t m = 0; m < v->M; ++m) {
        v->c[m] = ardm__mixture_component_of((const double *)in[0] + row * 3 * v->M, ((const double *)in[1])[row], m, v->M, v->K);
        top = fmax(top, v->c[m].weight);
    }
    for (int64_t m = 0; m < v->M; ++m) v->total += exp(v->c[m].weight - top);
    v->total = top + log(v->total);
}

/* Bin by bin; the sum over components. */
static double enumerate(row_view *v, int64_t j) {
    double most = -INFINITY, sum = 0;
    for (int64_t m = 0; m < v->M; ++m) {
        double top = -INFINITY, mass = 0;
        for (int64_t k = v->low[j]; k <= v->high[j]; ++k) {
            double bin = ardm__mixture_log_mass(&v->c[m], k, v->K);
            mass = bin > top ? mass * exp(top - bin) + 1 : mass + exp(bin - top);
            top = fmax(top, bin);
        }
        v->mass[m] = v->c[m].weight + top + log(mass);
        most = fmax(most, v->mass[m]);
    }
    for (int64_t m = 0; m < v->M; ++m) sum += exp(v->mass[m] - most);
    return most + log(sum);
}

static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t rows = ardm_shape_count(&call->in[1]);
    row_view v;
    ardm_status status = view_open(&v, call);
    for (int64_t row = 0; status == ARDM_OK && row < rows; ++row) {
        view_row(&v, call, in, TABLE, row);
        for (int64_t j = 0; j < v.B; ++j) ((double *)out[0])[row * v.B + j] = j < v.count ? enumerate(&v, j) - v.total : 0;
    }
    view_close(&v);
    return status;
}

/* Scaled edges of a child, and the width of a bin. */
static void edges_of(const row_view *v, const ardm__component *c, int64_t j, double *a, double *b, double *d) {
    double step = 2.0 / (double)(v->K - 1);
    *d = step * c->inverse;
    *a = ((double)v->low[j] * step - 1 - step / 2 - c->mean) * c->inverse;
    *b = ((double)v->high[j] * step - 1 + step / 2 - c->mean) * c->inverse;
}

/* How far the log masses of child j may be off in f32, the worst component's: the mean's rounding in scales, that of d times the edges (its
 * log is the difference of two), and the roundings of the width and of sums of softplus. 0: all bins, whose mass is 1 by index. */
static double error_of(const row_view *v, double centre, int64_t j) {
    double worst = 0, gap = fabs(log(2.0 / (double)(v->K - 1)));
    if (v->low[j] == 0 && v->high[j] == v->K - 1) return 0;
    for (int64_t m = 0; m < v->M; ++m) {
        const ardm__component *c = &v->c[m];
        double a, b, d, n = (double)(v->high[j] - v->low[j] + 1), place = (2 + fabs(centre) + fabs(c->mean)) * c->inverse;
        edges_of(v, c, j, &a, &b, &d);
        a = v->low[j] == 0 ? 0 : fabs(a);
        b = v->high[j] == v->K - 1 ? 0 : fabs(b);
        worst = fmax(worst, 4 * place + (4 + gap + fabs(log(d))) * (a + b + 1) + 4 * fabs(log(n * d)) + 4 * log(n) + 2 * fabs(c->weight) + 8);
    }
    return 0x1p-23 * worst;
}

static double weight_of(const row_view *v) {
    double most = 0;
    for (int64_t m = 0; m < v->M; ++m) most = fmax(most, fabs(v->c[m].weight));
    return most;
}

static void bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    row_view v;
    const double *y = out[k];
    if (view_open(&v, call) == ARDM_OK)
        for (int64_t row = 0; row < ardm_shape_count(&call->in[1]); ++row) {
            view_row(&v, call, in, TABLE, row);
            for (int64_t j = 0; j < v.B; ++j) {
                double own = error_of(&v, ((const double *)in[1])[row], j), sums = (double)v.M + 8 + weight_of(&v) + fabs(y[row * v.B + j]);
                limit[row * v.B + j] = j < v.count ? own + 0x1p-23 * sums + (double)v.M * 0x1p-38 : 0;
            }
        }
    view_close(&v);
}

static double masses_of(const ardm_call *call, int64_t children) {
    return (double)ardm_shape_count(&call->in[1]) * (double)children * (double)(ardm_shape_last(&call->in[0], 0) / 3);
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = masses_of(call, ardm_shape_last(&call->out[0], 0)) * 150;
    *bytes = 4 * (double)(ardm_shape_count(&call->in[0]) + ardm_shape_count(&call->out[0]));
}

/* `n` work-items, on a GPU so many that its groups are full. */
static uint64_t full(const ardm_recorder *recorder, int64_t n) {
    return (uint64_t)(recorder->facts->device_class == ARDM_CLASS_CPU ? n : (n + 63) / 64 * 64);
}

/* CPU: 16 rows side by side, about 4,096 masses a work-item; else a child of a row a work-item. */
static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    ardm__mixture mix = mixture_of(call);
    int32_t cpu = recorder->facts->device_class == ARDM_CLASS_CPU;
    int64_t rows = ardm_shape_count(&call->in[1]), items = call->in[1].dim[0], per = items > 0 && rows > 0 ? rows / items : 1;
    int64_t B = ardm_shape_last(&call->out[0], 0), strip = cpu ? 16 : 1, take = cpu ? 1 + 4096 / (16 * mix.M) : 1, chunks = (B + take - 1) / take;
    uint64_t local = cpu ? 1 : 64;
    ardm__chain chain;
    ARDM_TRY(ardm__chain_call(&chain, call, TABLE));
    return ARDM_LAUNCH(recorder, "mixture_children", cpu ? "-DSTRIP=16" : "-DSTRIP=1", 1, full(recorder, (rows + strip - 1) / strip * chunks), 1, 1,
                       local, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_IN(PARENT), ARDM_IN(PARENT + 1), ARDM_IN(chain.table ? TABLE : PARENT), ARDM_OUT(0),
                       ARDM_INT(rows), ARDM_INT(per), ARDM_INT(chain.stages), ARDM_INT(chain.absorbing ? mix.K : chain.base), ARDM_INT(mix.K),
                       ARDM_INT(B), ARDM_INT(chain.table), ARDM_INT(mix.M), ARDM_FLOAT(mix.low), ARDM_FLOAT(mix.high), ARDM_FLOAT(mix.gap),
                       ARDM_FLOAT(mix.half), ARDM_INT(take), ARDM_INT(chunks));
}

static const ardm_port inputs[] = {{"p", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0},
                                   {"centre", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK - 1, 0},
                                   {"parent", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK - 1, 0},
                                   {"stage", ARDM_DT(ARDM_I32), 1, 1, 0},
                                   {"table", ARDM_DT(ARDM_I32), 3, 3, ARDM_PORT_OPTIONAL}};
static const ardm_port outputs[] = {{"y", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}};
static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_likelihood_mixture_children, plan}};
static const ardm_case cases[] = {
    {"f32[1,3] f32[1] i32[1]{0:2} i32[1]{0:1}", "classes=2"},
    {"f32[2,3,15] f32[2,3]{-1:1} i32[2,3]{-1:30} i32[2]{-1:2}", "classes=27"},
    {"f32[4,9,15] f32[4,9]{-1:1} i32[4,9]{0:256} i32[4]{0:4}", "family=\"zero-least-significant\", classes=256, base=4"},
    {"f32[3,2,5,30]{-4:4} f32[3,2,5]{-1:1} i32[3,2,5]{-9:300} i32[3]{-1:3}", "family=\"zero-least-significant\", classes=256, base=16"},
    {"f32[5,33,6]{-8:4} f32[5,33]{-1:1} i32[5,33]{-2:8} i32[5]{-1:4}", "family=\"zero-least-significant\", classes=5, base=2"},
    {"f32[4,13,96]{-3:3} f32[4,13]{-1:1} i32[4,13]{0:6} i32[4]{0:2}", "family=\"augment-least-significant\", classes=6, base=4"},
    {"f32[3,1,15]{-6:3} f32[3,1]{-1:1} i32[3,1]{65000:65535} i32[3]{0:2}", "family=\"zero-least-significant\", classes=65535, base=256"},
    {"f32[4,15]{-9:3} f32[4]{-1:1} i32[4]{0:65536} i32[4]{0:2}", "family=\"zero-least-significant\", classes=65536, base=256"},
    {"f32[6,9,9] f32[6,9]{-1:1} i32[6,9]{-9:36} i32[6]{-1:3} i32[5,3,27]{-5:32}", "family=\"table\", classes=27, base=7"},
    {"f32[5,9,9] f32[5,9]{-1:1} i32[5,9]{0:90} i32[5]{0:2} i32[5,3,90]{-2000000000:2000000000}", "family=\"table\", classes=90, base=6"},
    {"f32[0,4,15] f32[0,4] i32[0,4]{0:9} i32[0]{0:1}", "classes=9"},
    {"f32[3,0,15] f32[3,0] i32[3,0]{0:9} i32[3]{0:1} i32[5,2,9]{0:9}", "family=\"table\", classes=9, base=9"},
};
const ardm_op ardm_op_mixture_children = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "mixture_children",
    .version = 1,
    .attrs = ardm__chain_attrs,
    .n_attrs = 3,
    .inputs = inputs,
    .n_inputs = 5,
    .outputs = outputs,
    .n_outputs = 1,
    .sums = "block over components",
    .help = "logits of a class's children from a mixture of logistics",
    .infer = infer,
    .gradient = gradient,
    .reference = reference,
    .oracle = oracle,
    .bound = bound,
    .cost = cost,
    .variants = variants,
    .n_variants = sizeof variants / sizeof variants[0],
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};

/* --- the gradient ---------------------------------------------------------------------------------------------------------------- */

static ardm_status grad_infer(const ardm_call *call, ardm_shape *out) {
    int32_t most;
    char text[128];
    ARDM_TRY(ardm__mixture_check(call, 2));
    ARDM_TRY(ardm__children_check(call, PARENT, GRAD_TABLE, &most));
    ardm_shape want = call->in[0];
    want.dim[want.rank - 1] = most;
    if (!ardm_shape_equal(&call->in[4], &want))
        return ardm_fail(ARDM_ESHAPE, "mixture_children_grad: dy is %s; it must be p's extents with %d children last",
                         ardm_shape_text(&call->in[4], text, sizeof text), most);
    out[0] = call->in[0];
    out[1] = call->in[1];
    return ARDM_OK;
}

static void grad_body(void *user, int64_t begin, int64_t end) {
    const work *w = user;
    ARDM_REFERENCE_CALL(mixture_children_grad_rows)(&w->mix, &w->children, w->p, w->centre, w->dy, w->out, w->dcentre, begin, end);
}

static ardm_status grad_reference(const ardm_call *call, const void *const *in, void *const *out) {
    work w = {.mix = mixture_of(call), .p = in[0], .centre = in[1], .dy = in[4], .out = out[0], .dcentre = out[1]};
    ARDM_TRY(ardm__children_open(&w.children, call, in, PARENT, GRAD_TABLE));
    ardm_parallel(ardm_shape_count(&call->in[1]), 16, grad_body, &w);
    return ARDM_OK;
}

static double logistic(double x) { return 1 / (1 + exp(-x)); }

/* Derivatives of one component's log mass of child j: by its mean, and by its log scale. */
static void slopes(const row_view *v, const ardm__component *c, int64_t j, double *by_mean, double *by_scale) {
    double a, b, d, n = (double)(v->high[j] - v->low[j] + 1);
    int32_t first = v->low[j] == 0, last = v->high[j] == v->K - 1;
    edges_of(v, c, j, &a, &b, &d);
    double below = first ? 0 : logistic(a), above = last ? 0 : logistic(-b), width = first || last ? 0 : n * d / expm1(n * d);
    *by_mean = c->inverse * (below - above);
    *by_scale = -((last ? 0 : b * above) - (first ? 0 : a * below) + width);
}

static ardm_status grad_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    int64_t rows = ardm_shape_count(&call->in[1]);
    double *dcentre = out[1];
    row_view v;
    ardm_status status = view_open(&v, call);
    for (int64_t row = 0; status == ARDM_OK && row < rows; ++row) {
        double *dp = (double *)out[0] + row * 3 * v.M;
        view_row(&v, call, in, GRAD_TABLE, row);
        dcentre[row] = 0;
        for (int64_t i = 0; i < 3 * v.M; ++i) dp[i] = 0;
        for (int64_t j = 0; j < v.count; ++j) {
            double dy = ((const double *)in[4])[row * v.B + j], over = enumerate(&v, j);
            for (int64_t m = 0; m < v.M; ++m) {
                double by_mean, by_scale, r = exp(v.mass[m] - over);
                slopes(&v, &v.c[m], j, &by_mean, &by_scale);
                dp[m] += dy * (r - exp(v.c[m].weight - v.total));
                dp[v.M + m] += dy * r * by_mean;
                dp[2 * v.M + m] += v.c[m].limited ? 0 : dy * r * by_scale;
                dcentre[row] += dy * r * by_mean;
            }
        }
    }
    view_close(&v);
    return status;
}

/* Shares are off by twice the errors of log masses, slopes by those of their edges (at most a quarter of it a sigmoid) times what the
 * sigmoids are multiplied with; F drops 2^-40 of a share; a sum's roundings are those of its terms. */
static void grad_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *limit) {
    row_view v;
    (void)out;
    if (view_open(&v, call) != ARDM_OK) return;
    for (int64_t row = 0; row < ardm_shape_count(&call->in[1]); ++row) {
        double error[3][ARDM__MIXTURES] = {{0}}, size[3][ARDM__MIXTURES] = {{0}}, sum = 0, all = 0;
        view_row(&v, call, in, GRAD_TABLE, row);
        for (int64_t j = 0; j < v.count; ++j) {
            double dy = fabs(((const double *)in[4])[row * v.B + j]), over = enumerate(&v, j);
            double own = error_of(&v, ((const double *)in[1])[row], j) + 0x1p-23 * ((double)v.M + 8 + weight_of(&v) + fabs(over));
            double share = expm1(2 * own);
            for (int64_t m = 0; m < v.M; ++m) {
                double by_mean, by_scale, a, b, d, r = exp(v.mass[m] - over), q = exp(v.c[m].weight - v.total);
                const ardm__component *c = &v.c[m];
                slopes(&v, c, j, &by_mean, &by_scale);
                edges_of(&v, c, j, &a, &b, &d);
                double edges = (v.low[j] == 0 ? 0 : fabs(a)) + (v.high[j] == v.K - 1 ? 0 : fabs(b)) + 2;
                error[0][m] += dy * ((r + q) * (share + 0x1p-22) + 0x1p-38) + 0x1p-39;
                error[1][m] += dy * (r * (share * fabs(by_mean) + c->inverse * (own + 0x1p-21)) + 0x1p-39 * c->inverse + 0x1p-38) + 0x1p-39;
                error[2][m] += dy * (r * (share * fabs(by_scale) + edges * (own + 0x1p-20)) + 0x1p-39 * edges + 0x1p-38) + 0x1p-39;
                size[0][m] += dy * fabs(r - q);
                size[1][m] += dy * r * fabs(by_mean);
                size[2][m] += dy * r * fabs(by_scale);
            }
        }
        for (int64_t m = 0; m < v.M; ++m) {
            for (int64_t i = 0; i < 3; ++i) error[i][m] += size[i][m] * (fmin((double)v.count, 256) + (double)v.count / 256 + 1) * 0x1p-24 + 0x1p-39;
            sum += error[1][m];
            all += size[1][m];
            for (int64_t i = 0; i < 3 && k == 0; ++i) limit[(row * 3 + i) * v.M + m] = error[i][m];
        }
        if (k == 1) limit[row] = sum + (all + sum) * (double)v.M * 0x1p-24 + 0x1p-39;
    }
    view_close(&v);
}

static void grad_cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = masses_of(call, ardm_shape_last(&call->in[4], 0)) * 240;
    *bytes = 4 * (double)(2 * ardm_shape_count(&call->in[0]) + ardm_shape_count(&call->in[4]));
}

static ardm_status grad_plan(const ardm_call *call, ardm_recorder *recorder) {
    ardm__mixture mix = mixture_of(call);
    int32_t cpu = recorder->facts->device_class == ARDM_CLASS_CPU;
    int64_t rows = ardm_shape_count(&call->in[1]), items = call->in[1].dim[0], per = items > 0 && rows > 0 ? rows / items : 1, strip = cpu ? 16 : 1;
    uint64_t local = cpu ? 1 : 64;
    ardm__chain chain;
    ARDM_TRY(ardm__chain_call(&chain, call, GRAD_TABLE));
    return ARDM_LAUNCH(recorder, "mixture_children_grad", cpu ? "-DSTRIP=16" : "-DSTRIP=1", 1, full(recorder, (rows + strip - 1) / strip), 1, 1,
                       local, 1, 1, ARDM_IN(0), ARDM_IN(1), ARDM_IN(PARENT), ARDM_IN(PARENT + 1), ARDM_IN(4),
                       ARDM_IN(chain.table ? GRAD_TABLE : PARENT), ARDM_OUT(0), ARDM_OUT(1), ARDM_INT(rows), ARDM_INT(per), ARDM_INT(chain.stages),
                       ARDM_INT(chain.absorbing ? mix.K : chain.base), ARDM_INT(mix.K), ARDM_INT(ardm_shape_last(&call->in[4], 0)),
                       ARDM_INT(chain.table), ARDM_INT(mix.M), ARDM_FLOAT(mix.low), ARDM_FLOAT(mix.high), ARDM_FLOAT(mix.gap), ARDM_FLOAT(mix.half));
}

static const ardm_port grad_inputs[] = {
    {"p", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0},          {"centre", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK - 1, 0},
    {"parent", ARDM_DT(ARDM_I32), 1, ARDM_MAX_RANK - 1, 0}, {"stage", ARDM_DT(ARDM_I32), 1, 1, 0},
    {"dy", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0},         {"table", ARDM_DT(ARDM_I32), 3, 3, ARDM_PORT_OPTIONAL}};
static const ardm_port grad_outputs[] = {{"dp", ARDM_DT(ARDM_F32), 2, ARDM_MAX_RANK, 0}, {"dcentre", ARDM_DT(ARDM_F32), 1, ARDM_MAX_RANK - 1, 0}};
static const ardm_variant grad_variants[] = {
    {ARDM_OP_ABI, sizeof(ardm_variant), "strips", ARDM_EXACT, NULL, &ardm_cl_likelihood_mixture_children, grad_plan}};
static const ardm_case grad_cases[] = {
    {"f32[1,3] f32[1] i32[1]{0:2} i32[1]{0:1} f32[1,2]", "classes=2"},
    {"f32[2,3,15] f32[2,3]{-1:1} i32[2,3]{-1:30} i32[2]{-1:2} f32[2,3,27]", "classes=27"},
    {"f32[4,9,15] f32[4,9]{-1:1} i32[4,9]{0:256} i32[4]{0:4} f32[4,9,4]", "family=\"zero-least-significant\", classes=256, base=4"},
    {"f32[3,2,5,30]{-4:4} f32[3,2,5]{-1:1} i32[3,2,5]{-9:300} i32[3]{-1:3} f32[3,2,5,16]", "family=\"zero-least-significant\", classes=256, base=16"},
    {"f32[5,33,6]{-8:4} f32[5,33]{-1:1} i32[5,33]{-2:8} i32[5]{-1:4} f32[5,33,2]", "family=\"zero-least-significant\", classes=5, base=2"},
    {"f32[4,13,96]{-3:3} f32[4,13]{-1:1} i32[4,13]{0:6} i32[4]{0:2} f32[4,13,4]", "family=\"augment-least-significant\", classes=6, base=4"},
    {"f32[2,9] f32[2]{-1:1} i32[2]{0:700} i32[2]{0:1} f32[2,700]", "classes=700"},
    {"f32[3,1,15]{-6:3} f32[3,1]{-1:1} i32[3,1]{65000:65535} i32[3]{0:2} f32[3,1,256]", "family=\"zero-least-significant\", classes=65535, base=256"},
    {"f32[4,15]{-9:3} f32[4]{-1:1} i32[4]{0:65536} i32[4]{0:2} f32[4,256]", "family=\"zero-least-significant\", classes=65536, base=256"},
    {"f32[6,9,9] f32[6,9]{-1:1} i32[6,9]{-9:36} i32[6]{-1:3} f32[6,9,7] i32[5,3,27]{-5:32}", "family=\"table\", classes=27, base=7"},
    {"f32[5,9,9] f32[5,9]{-1:1} i32[5,9]{0:90} i32[5]{0:2} f32[5,9,6] i32[5,3,90]{-2000000000:2000000000}", "family=\"table\", classes=90, base=6"},
    {"f32[0,4,15] f32[0,4] i32[0,4]{0:9} i32[0]{0:1} f32[0,4,9]", "classes=9"},
    {"f32[3,0,15] f32[3,0] i32[3,0]{0:9} i32[3]{0:1} f32[3,0,9] i32[5,2,9]{0:9}", "family=\"table\", classes=9, base=9"},
};
const ardm_op ardm_op_mixture_children_grad = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "mixture_children_grad",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = ardm__chain_attrs,
    .n_attrs = 3,
    .inputs = grad_inputs,
    .n_inputs = 6,
    .outputs = grad_outputs,
    .n_outputs = 2,
    .sums = "block over children, block over components",
    .help = "gradient of mixture_children, by p and by the centre",
    .infer = grad_infer,
    .reference = grad_reference,
    .oracle = grad_oracle,
    .bound = grad_bound,
    .cost = grad_cost,
    .variants = grad_variants,
    .n_variants = sizeof grad_variants / sizeof grad_variants[0],
    .cases = grad_cases,
    .n_cases = sizeof grad_cases / sizeof grad_cases[0],
};
