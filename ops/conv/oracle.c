/* Convolution and its two gradients in double: every pair of pixels that a tap connects, once. */
#include <math.h>
#include <string.h>

#include "conv/conv.h"

typedef struct net {
    int64_t items, xh, xw, xc, yh, yw, yc, kh, kw, stride, dilation;
} net;

/* One connection: pixel and tap indices, in units of their channel vectors. */
typedef void (*connection)(const net *n, const double *a, const double *b, double *out, int64_t x, int64_t y, int64_t tap, int absolute);

static void visit(const net *n, connection each, const double *a, const double *b, double *out, int absolute) {
    for (int64_t item = 0; item < n->items; ++item)
        for (int64_t x_row = 0; x_row < n->xh; ++x_row)
            for (int64_t x_column = 0; x_column < n->xw; ++x_column)
                for (int64_t ky = 0; ky < n->kh; ++ky)
                    for (int64_t kx = 0; kx < n->kw; ++kx) {
                        const int64_t down = x_row + (n->kh - 1) / 2 * n->dilation - ky * n->dilation;
                        const int64_t right = x_column + (n->kw - 1) / 2 * n->dilation - kx * n->dilation;
                        if (down < 0 || right < 0 || down % n->stride || right % n->stride) continue;
                        if (down / n->stride >= n->yh || right / n->stride >= n->yw) continue;
                        each(n, a, b, out, (item * n->xh + x_row) * n->xw + x_column, (item * n->yh + down / n->stride) * n->yw + right / n->stride,
                             ky * n->kw + kx, absolute);
                    }
}

static double term(double a, double b, int absolute) { return absolute ? fabs(a * b) : a * b; }

static void forward(const net *n, const double *x, const double *w, double *y, int64_t at_x, int64_t at_y, int64_t tap, int absolute) {
    for (int64_t c = 0; c < n->xc; ++c)
        for (int64_t m = 0; m < n->yc; ++m) y[at_y * n->yc + m] += term(x[at_x * n->xc + c], w[(tap * n->xc + c) * n->yc + m], absolute);
}

static void to_input(const net *n, const double *dy, const double *w, double *dx, int64_t at_x, int64_t at_y, int64_t tap, int absolute) {
    for (int64_t c = 0; c < n->xc; ++c)
        for (int64_t m = 0; m < n->yc; ++m) dx[at_x * n->xc + c] += term(dy[at_y * n->yc + m], w[(tap * n->xc + c) * n->yc + m], absolute);
}

static void to_weights(const net *n, const double *x, const double *dy, double *dw, int64_t at_x, int64_t at_y, int64_t tap, int absolute) {
    for (int64_t c = 0; c < n->xc; ++c)
        for (int64_t m = 0; m < n->yc; ++m) dw[(tap * n->xc + c) * n->yc + m] += term(x[at_x * n->xc + c], dy[at_y * n->yc + m], absolute);
}

static net net_of(const int64_t *x, const int64_t *y, int64_t kh, int64_t kw, int64_t stride, int64_t dilation) {
    return (net){x[0], x[1], x[2], x[3], y[1], y[2], y[3], kh, kw, stride, dilation};
}

static void clear(const ardm_call *call, double *out) { memset(out, 0, (size_t)ardm_shape_count(&call->out[0]) * sizeof *out); }

static int64_t run_forward(const ardm_call *call, const void *const *in, double *out, int absolute) {
    const int64_t *w = call->in[1].dim;
    const net n = net_of(call->in[0].dim, call->out[0].dim, w[0], w[1], call->attrs[0].i, call->attrs[1].i);
    clear(call, out);
    visit(&n, forward, in[0], in[1], out, absolute);
    return n.kh * n.kw * n.xc;
}

static int64_t run_to_input(const ardm_call *call, const void *const *in, double *out, int absolute) {
    const int64_t *w = call->in[1].dim;
    const net n = net_of(call->in[2].dim, call->in[0].dim, w[0], w[1], call->attrs[0].i, call->attrs[1].i);
    clear(call, out);
    visit(&n, to_input, in[0], in[1], out, absolute);
    return n.kh * n.kw * n.yc;
}

static int64_t run_to_weights(const ardm_call *call, const void *const *in, double *out, int absolute) {
    const int64_t *w = call->out[0].dim, group = call->attrs[0].i;
    net n = net_of(call->in[0].dim, call->in[1].dim, w[1], w[2], call->attrs[1].i, call->attrs[4].i);
    const double *x = in[0], *dy = in[1];
    clear(call, out);
    n.items = group;
    for (int64_t g = 0; g < w[0]; ++g)
        visit(&n, to_weights, x + g * group * n.xh * n.xw * n.xc, dy + g * group * n.yh * n.yw * n.yc, out + g * n.kh * n.kw * n.xc * n.yc, absolute);
    return group * n.yh * n.yw;
}

/* As for matmul: a rounding a term, one a block, and F. */
static void bound_of(const ardm_call *call, int64_t terms, double *bound) {
    const int64_t count = ardm_shape_count(&call->out[0]);
    for (int64_t i = 0; i < count; ++i) bound[i] = ((double)terms + 3) * 0x1p-24 * bound[i] + 0x1p-39;
}

ardm_status ardm__conv_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    run_forward(call, in, out[0], 0);
    return ARDM_OK;
}

ardm_status ardm__conv_grad_x_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    run_to_input(call, in, out[0], 0);
    return ARDM_OK;
}

ardm_status ardm__conv_grad_w_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    run_to_weights(call, in, out[0], 0);
    return ARDM_OK;
}

void ardm__conv_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound) {
    (void)k, (void)out;
    bound_of(call, run_forward(call, in, bound, 1), bound);
}

void ardm__conv_grad_x_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound) {
    (void)k, (void)out;
    bound_of(call, run_to_input(call, in, bound, 1), bound);
}

void ardm__conv_grad_w_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound) {
    (void)k, (void)out;
    bound_of(call, run_to_weights(call, in, bound, 1), bound);
}
