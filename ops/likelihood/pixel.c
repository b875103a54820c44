/* Constants, checks and double-precision pieces of the pixel ops. */
#include "likelihood/pixel.h"

#include <math.h>
#include <string.h>

ardm__mixture ardm__pixel_mixture(const ardm_call *call) {
    return ardm__mixture_make(ardm_shape_last(&call->in[0], 0) / ARDM__PIXEL_BLOCKS, call->attrs[0].i);
}

int64_t ardm__pixel_count(const ardm_call *call) { return ardm_shape_rows(&call->in[0], 1); }

ardm_status ardm__pixel_check(const ardm_call *call) {
    const ardm_shape *z = &call->in[0];
    int64_t last = ardm_shape_last(z, 0);
    char left[128], right[128];
    if (last % ARDM__PIXEL_BLOCKS != 0 || last < ARDM__PIXEL_BLOCKS || last > ARDM__PIXEL_BLOCKS * ARDM__MIXTURES)
        return ardm_fail(ARDM_ESHAPE, "%s: z's last extent is %lld; it must be 10 M with M of 1 to %d", call->op->name, (long long)last,
                         ARDM__MIXTURES);
    for (uint32_t k = 1; k < 3; ++k) {
        const ardm_shape *rows = &call->in[k];
        int32_t same = rows->rank == z->rank && ardm_shape_last(rows, 0) == 3;
        for (uint32_t axis = 0; same && axis + 1 < rows->rank; ++axis) same = rows->dim[axis] == z->dim[axis];
        if (!same)
            return ardm_fail(ARDM_ESHAPE, "%s: z is %s but %s is %s; it must have z's extents with 3 as the last", call->op->name,
                             ardm_shape_text(z, left, sizeof left), call->op->inputs[k].name, ardm_shape_text(rows, right, sizeof right));
    }
    return ARDM_OK;
}

static double shift(const ardm__pixel *p, int64_t block, int64_t m, int64_t c) { return p->z[block * p->M + m] * (p->value[c] - p->centre[c]); }

double ardm__pixel_error(const ardm__pixel *p, int64_t c, int64_t m, int64_t bin) {
    double size = fabs(p->centre[c]) + fabs(p->z[(1 + c) * p->M + m]);
    for (int64_t from = 0; from < c; ++from) {
        double factor = fabs(p->z[(c == 1 ? 7 : 8 + from) * p->M + m]);
        size += factor * (2 + 2 * fabs(p->centre[from]));
    }
    return ardm__mixture_error(&p->by[c][m], size, bin, p->K);
}

void ardm__pixel_open(ardm__pixel *p, const ardm_call *call, const void *const *in, int64_t row) {
    const int32_t *values = (const int32_t *)in[2] + row * 3;
    memset(p, 0, sizeof *p);
    p->M = ardm_shape_last(&call->in[0], 0) / ARDM__PIXEL_BLOCKS;
    p->K = call->attrs[0].i;
    p->z = (const double *)in[0] + row * ARDM__PIXEL_BLOCKS * p->M;
    p->centre = (const double *)in[1] + row * 3;
    p->used = 1;
    for (int64_t c = 0; c < 3; ++c) {
        int64_t value = values[c];
        p->used &= value >= 0 && value < p->K;
        p->bin[c] = value < 0 ? 0 : value >= p->K ? p->K - 1 : value;
        p->value[c] = 2.0 * (double)p->bin[c] / (double)(p->K - 1) - 1;
    }
    for (int64_t m = 0; m < p->M; ++m) {
        double mass = p->weight[m] = p->z[m], off = 0;
        for (int64_t c = 0; c < 3; ++c) {
            double row_of_one[3] = {mass, p->z[(1 + c) * p->M + m], p->z[(4 + c) * p->M + m]}, mean = p->centre[c];
            if (c == 1) mean += shift(p, 7, m, 0);
            if (c == 2) mean += shift(p, 8, m, 0) + shift(p, 9, m, 1);
            p->by[c][m] = ardm__mixture_component_of(row_of_one, mean, 0, 1, p->K);
            p->by[c][m].weight = 0;
            mass += ardm__mixture_log_mass(&p->by[c][m], p->bin[c], p->K);
            p->error[c][m] = ardm__pixel_error(p, c, m, p->bin[c]);
            off += p->error[c][m] + 0x1p-23 * (1 + fabs(mass));
            p->mass[c][m] = mass;
            p->off[c][m] = off;
        }
    }
}

double ardm__pixel_sum(const double *mass, int64_t M) {
    double top = -INFINITY, sum = 0;
    for (int64_t m = 0; m < M; ++m) top = fmax(top, mass[m]);
    for (int64_t m = 0; m < M; ++m) sum += exp(mass[m] - top);
    return top + log(sum);
}

double ardm__pixel_spread(const double *mass, const double *off, int64_t M) {
    double worse[ARDM__MIXTURES];
    for (int64_t m = 0; m < M; ++m) worse[m] = mass[m] + off[m];
    return ardm__pixel_sum(worse, M) - ardm__pixel_sum(mass, M);
}
