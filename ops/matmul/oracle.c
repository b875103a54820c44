/* Matrix products in double by their textbook definition, and the bound that fp32 block sums keep to it. */
#include <math.h>

#include "matmul/matmul.h"

static void multiply(const ardm_call *call, const double *x, const double *w, double *y, int absolute) {
    const int64_t rows = ardm_shape_rows(&call->in[0], 1), depth = ardm_shape_last(&call->in[0], 0), columns = ardm_shape_last(&call->out[0], 0);
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < columns; ++c) {
            double sum = 0;
            for (int64_t d = 0; d < depth; ++d) {
                const double term = x[r * depth + d] * (call->attrs[0].i ? w[c * depth + d] : w[d * columns + c]);
                sum += absolute ? fabs(term) : term;
            }
            y[r * columns + c] = sum;
        }
    }
}

/* Each term is rounded once into its block's chain, each block once into the total, and F drops less than 2^-40. */
static double error_of(double sum_of_magnitudes, int64_t terms) { return ((double)terms + 3) * 0x1p-24 * sum_of_magnitudes + 0x1p-39; }

ardm_status ardm__matmul_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    multiply(call, in[0], in[1], out[0], 0);
    return ARDM_OK;
}

void ardm__matmul_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound) {
    const int64_t count = ardm_shape_count(&call->out[k]), terms = ardm_shape_last(&call->in[0], 0);
    (void)out;
    multiply(call, in[0], in[1], bound, 1);
    for (int64_t i = 0; i < count; ++i) bound[i] = error_of(bound[i], terms);
}

static int64_t multiply_transposed(const ardm_call *call, const double *x, const double *dy, double *dw, int absolute) {
    const int64_t groups = call->out[0].dim[0], inputs = call->out[0].dim[1], outputs = call->out[0].dim[2];
    const int64_t terms = groups > 0 ? ardm_shape_rows(&call->in[0], 1) / groups : 0;
    for (int64_t g = 0; g < groups; ++g)
        for (int64_t i = 0; i < inputs; ++i)
            for (int64_t o = 0; o < outputs; ++o) {
                double *sum = &dw[(g * inputs + i) * outputs + o];
                *sum = 0;
                for (int64_t t = g * terms; t < (g + 1) * terms; ++t) {
                    const double term = x[t * inputs + i] * dy[t * outputs + o];
                    *sum += absolute ? fabs(term) : term;
                }
            }
    return terms;
}

ardm_status ardm__matmul_grad_oracle(const ardm_call *call, const void *const *in, void *const *out) {
    multiply_transposed(call, in[0], in[1], out[0], 0);
    return ARDM_OK;
}

void ardm__matmul_grad_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound) {
    const int64_t count = ardm_shape_count(&call->out[k]), terms = multiply_transposed(call, in[0], in[1], bound, 1);
    (void)out;
    for (int64_t i = 0; i < count; ++i) bound[i] = error_of(bound[i], terms);
}
