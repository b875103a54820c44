/* The norms in double, written from their formulas alone, and how far the references may be from them.
 *
 * Bounds: a sum of n terms errs by at most n·u times the sum of magnitudes in any order; the error of mean and deviation is
 * carried through to first order. GENEROUS covers the higher orders and the roundings that a count left out. */
#include "norm/norm.h"

#include <math.h>
#include <string.h>

#define U 0x1p-24
#define FLUSH 0x1p-40
#define GENEROUS 2.0

/* Layer norm is walked as group norm of one group with every row an item. */
typedef struct problem {
    long items, positions, width, split, channels;
    const double *x, *gamma;
    const uint8_t *mask;
} problem;

static int is_layer(const ardm_call *call) { return strncmp(call->op->name, "layer", 5) == 0; }

static problem state(const ardm_call *call, const void *const *in, uint32_t mask) {
    const ardm_shape *x = &call->in[0];
    const int layer = is_layer(call);
    problem p = {
        .items = 1, .positions = 1, .width = (long)x->dim[x->rank - 1], .split = layer ? 1 : (long)call->attrs[0].i, .x = in[0], .gamma = in[1]};
    for (uint32_t axis = 0; axis + 1 < x->rank; ++axis) *(axis == 0 || layer ? &p.items : &p.positions) *= (long)x->dim[axis];
    p.channels = p.width / p.split;
    if (!layer && mask < call->n_in && call->in[mask].dtype) p.mask = in[mask];
    return p;
}

static int is_void(const problem *p, long item, long position) { return p->mask && p->mask[item * p->positions + position] == 3; }
static long place(const problem *p, long item, long position, long group) {
    return (item * p->positions + position) * p->width + group * p->channels;
}

/* Mean over what is not void of f(element, which); n receives the count. */
typedef double term(long at, long channel, const void *user);
static double average(const problem *p, long item, long group, term *f, const void *user, double *n) {
    double sum = 0, count = 0;
    for (long position = 0; position < p->positions; ++position) {
        if (is_void(p, item, position)) continue;
        for (long c = 0; c < p->channels; ++c) sum += f(place(p, item, position, group) + c, group * p->channels + c, user);
        count += (double)p->channels;
    }
    if (n) *n = count;
    return count > 0 ? sum / count : 0;
}

typedef struct forward {
    const problem *p;
    double mean, d_error;
} forward;
static double value(long at, long channel, const void *user) {
    (void)channel;
    return ((const forward *)user)->p->x[at];
}
static double magnitude(long at, long channel, const void *user) { return fabs(value(at, channel, user)); }
static double square(long at, long channel, const void *user) {
    const double d = value(at, channel, user) - ((const forward *)user)->mean;
    return d * d;
}
static double square_error(long at, long channel, const void *user) {
    const forward *f = user;
    return 2 * fabs(value(at, channel, user) - f->mean) * f->d_error + f->d_error * f->d_error;
}

/* errors: the bound of output `k` alone into out[0]. */
static void forward_pass(const ardm_call *call, const void *const *in, void *const *out, int errors, uint32_t k) {
    const int layer = is_layer(call);
    const problem p = state(call, in, 3);
    const double *beta = in[2], eps = call->attrs[layer ? 0 : 1].f;
    for (long item = 0; item < p.items; ++item)
        for (long g = 0; g < p.split; ++g) {
            forward f = {&p, 0, 0};
            double n;
            f.mean = average(&p, item, g, value, &f, &n);
            const double var = average(&p, item, g, square, &f, NULL), r = n > 0 ? 1 / sqrt(var + eps) : 0;
            const double mean_error = (n + 4) * U * average(&p, item, g, magnitude, &f, NULL) + FLUSH;
            f.d_error = mean_error + U * sqrt(var) + FLUSH;
            const double var_error = average(&p, item, g, square_error, &f, NULL) + (n + 4) * U * var + FLUSH;
            const double r_error = r * (var_error / (2 * (var + eps)) + 5 * U) + FLUSH;
            if (!errors) {
                ((double *)out[1])[item * p.split + g] = f.mean;
                ((double *)out[2])[item * p.split + g] = r;
            } else if (k > 0) {
                ((double *)out[0])[item * p.split + g] = GENEROUS * (k == 1 ? mean_error : r_error);
                continue;
            }
            for (long position = 0; position < p.positions; ++position)
                for (long c = 0; c < p.channels; ++c) {
                    const long at = place(&p, item, position, g) + c;
                    const double d = p.x[at] - f.mean, gamma = p.gamma[g * p.channels + c], b = beta[g * p.channels + c];
                    double y = d * r * gamma + b;
                    if (errors)
                        y = GENEROUS * (fabs(gamma) * (f.d_error * r + fabs(d) * (r_error + U * r) + FLUSH * (r + 1)) +
                                        2 * U * (fabs(d * r * gamma) + fabs(b)) + FLUSH);
                    ((double *)out[0])[at] = is_void(&p, item, position) ? 0 : y;
                }
        }
}

ardm_status ardm__norm_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    forward_pass(call, in, out, 0, 0);
    return ARDM_OK;
}
void ardm__norm_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound) {
    (void)out;
    forward_pass(call, in, (void *const[]){bound}, 1, k);
}

/* Slopes g, normalised values h, and how far those of the reference may be. */
typedef struct backward {
    const problem *p;
    const double *dy;
    double mean, r;
} backward;
static double slope(long at, long channel, const void *user) {
    return ((const backward *)user)->dy[at] * ((const backward *)user)->p->gamma[channel];
}
static double normal(long at, const backward *b) { return (b->p->x[at] - b->mean) * b->r; }
static double normal_error(long at, const backward *b) { return 2 * U * fabs(normal(at, b)) + FLUSH * (b->r + 1); }
static double slope_error(long at, long channel, const void *user) { return U * fabs(slope(at, channel, user)) + FLUSH; }
static double slope_size(long at, long channel, const void *user) { return fabs(slope(at, channel, user)); }
static double along(long at, long channel, const void *user) { return slope(at, channel, user) * normal(at, user); }
static double along_size(long at, long channel, const void *user) { return fabs(along(at, channel, user)); }
static double along_error(long at, long channel, const void *user) {
    return fabs(slope(at, channel, user)) * normal_error(at, user) + fabs(normal(at, user)) * slope_error(at, channel, user);
}

static void backward_pass(const ardm_call *call, const void *const *in, void *const *out, int errors, uint32_t k) {
    const problem p = state(call, in, 5);
    const double *means = in[2], *rstds = in[3];
    const long parts = (long)call->out[1].dim[0], rows = parts > 0 ? p.items * p.positions / parts : 0;
    double *parameters[2] = {errors ? out[0] : out[1], errors ? out[0] : out[2]};
    for (long i = 0; i < parts * p.width; ++i) {
        if (!errors || k == 1) parameters[0][i] = errors ? GENEROUS * FLUSH : 0;
        if (!errors || k == 2) parameters[1][i] = errors ? GENEROUS * FLUSH : 0;
    }
    for (long item = 0; item < p.items; ++item)
        for (long g = 0; g < p.split; ++g) {
            const backward b = {&p, in[4], means[item * p.split + g], rstds[item * p.split + g]};
            double n;
            const double mean_g = average(&p, item, g, slope, &b, &n), mean_gh = average(&p, item, g, along, &b, NULL);
            const double g_error = (n + 4) * U * average(&p, item, g, slope_size, &b, NULL) + average(&p, item, g, slope_error, &b, NULL) + FLUSH;
            const double gh_error = (n + 4) * U * average(&p, item, g, along_size, &b, NULL) + average(&p, item, g, along_error, &b, NULL) + FLUSH;
            for (long position = 0; position < p.positions; ++position)
                for (long c = 0; c < p.channels; ++c) {
                    const long at = place(&p, item, position, g) + c, channel = g * p.channels + c;
                    const double s = slope(at, channel, &b), h = normal(at, &b), dy = b.dy[at];
                    const int hide = is_void(&p, item, position);
                    if (!errors) ((double *)out[0])[at] = hide ? 0 : (s - mean_g - mean_gh * h) * b.r;
                    if (errors && k == 0)
                        ((double *)out[0])[at] =
                            hide ? 0
                                 : GENEROUS * (b.r * (slope_error(at, channel, &b) + g_error + fabs(mean_gh) * normal_error(at, &b) +
                                                      fabs(h) * gh_error + 4 * U * (fabs(s) + fabs(mean_g) + fabs(mean_gh * h)) + 2 * FLUSH) +
                                               FLUSH);
                    if (hide || (errors && k == 0)) continue;
                    const long to = (item * p.positions + position) / rows * p.width + channel;
                    if (!errors || k == 1)
                        parameters[0][to] += errors ? GENEROUS * (fabs(dy) * normal_error(at, &b) + ((double)rows + 4) * U * fabs(dy * h)) : dy * h;
                    if (!errors || k == 2) parameters[1][to] += errors ? GENEROUS * ((double)rows + 4) * U * fabs(dy) : dy;
                }
        }
}

ardm_status ardm__norm_grad_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    backward_pass(call, in, out, 0, 0);
    return ARDM_OK;
}
void ardm__norm_grad_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound) {
    (void)out;
    backward_pass(call, in, (void *const[]){bound}, 1, k);
}
