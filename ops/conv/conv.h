/* What the convolutions share: their extents, and the launches of the CPU class. */
#ifndef ARDM_CONV_H
#define ARDM_CONV_H

#include "ardm/op.h"

/* x[items,H,W,C] and y[items,OH,OW,M], "same" zero padding: tap (ky,kx) of y's pixel (oy,ox) is x's pixel
 * (oy * stride + (ky - KH / 2) * dilation, ox * stride + (kx - KW / 2) * dilation). */
typedef struct ardm_conv {
    int64_t items, height, width, channels; /* x */
    int64_t out_height, out_width, outputs; /* y */
    int64_t kernel_height, kernel_width, stride, dilation;
} ardm_conv;

/* Checks x [N,H,W,C] and a kernel against each other and sets out_height, out_width. */
ardm_status ardm__conv_check(ardm_conv *conv, const char *op);

/* How many tiles of 8 rows, each row `row` floats of the left factor, stay in the second-level cache while one panel of the right
 * factor after the other passes by. */
int64_t ardm__near_tiles(int64_t tiles, int64_t row);

/* Output 0 from inputs 0 and 1: y from x and w, or backward, dx from dy and w. */
ardm_status ardm__plan_convolve(ardm_recorder *recorder, const ardm_conv *conv, int32_t backward);
ardm_status ardm__plan_convolve_gpu(ardm_recorder *recorder, const ardm_conv *conv, int32_t backward, uint64_t side);

/* Inputs 0 and 1 are x and dy, output 0 is [groups,KH,KW,C,M]; conv->items are the items of one group. */
ardm_status ardm__plan_weight_gradient(ardm_recorder *recorder, const ardm_conv *conv, int64_t groups);
ardm_status ardm__plan_weight_gradient_gpu(ardm_recorder *recorder, const ardm_conv *conv, int64_t groups, uint64_t side);

ardm_status ardm__conv_oracle(const ardm_call *call, const void *const *in, void *const *out);
ardm_status ardm__conv_grad_x_oracle(const ardm_call *call, const void *const *in, void *const *out);
ardm_status ardm__conv_grad_w_oracle(const ardm_call *call, const void *const *in, void *const *out);
void ardm__conv_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound);
void ardm__conv_grad_x_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound);
void ardm__conv_grad_w_bound(const ardm_call *call, uint32_t k, const void *const *in, const void *const *out, double *bound);

#endif
