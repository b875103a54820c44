/* Constants, checks and double-precision pieces of the mixture ops. */
#include "likelihood/mixture.h"

#include <math.h>

#include "ardm/exact.h"

const ardm_attr ardm__mixture_attrs[1] = {{"classes", ARDM_ATTR_INT, "256", 2, 65536, "bins K on -1 ... 1"}};

ardm__mixture ardm__mixture_make(int64_t M, int64_t K) {
    ardm__mixture mix = {(int32_t)M, (int32_t)K, 0, 3, 0, 0};
    float span = (float)(mix.K - 1);
    mix.low = ardm_flush(-ardm_log(span)) - 2.0f;
    mix.gap = ardm_flush(ardm_log(ardm_divide(2.0f, span)));
    mix.half = ardm_mul(span, 0.5f);
    return mix;
}

ardm__mixture ardm__mixture_of(const ardm_call *call) { return ardm__mixture_make(ardm_shape_last(&call->in[0], 0) / 3, call->attrs[0].i); }

int64_t ardm__mixture_strip(const ardm_recorder *recorder, const char **options) {
    int32_t cpu = recorder->facts->device_class == ARDM_CLASS_CPU;
    *options = cpu ? "-DSTRIP=16" : "-DSTRIP=1";
    return cpu ? 16 : 1;
}

ardm_status ardm__mixture_check(const ardm_call *call, uint32_t n) {
    const ardm_shape *p = &call->in[0];
    int64_t last = ardm_shape_last(p, 0);
    char left[128], right[128];
    if (last % 3 != 0 || last < 3 || last > 3 * ARDM__MIXTURES)
        return ardm_fail(ARDM_ESHAPE, "%s: p's last extent is %lld; it must be 3 M with M of 1 to %d", call->op->name, (long long)last,
                         ARDM__MIXTURES);
    for (uint32_t k = 1; k < n; ++k) {
        const ardm_shape *rows = &call->in[k];
        int32_t same = rows->rank + 1 == p->rank;
        for (uint32_t axis = 0; same && axis < rows->rank; ++axis) same = rows->dim[axis] == p->dim[axis];
        if (!same)
            return ardm_fail(ARDM_ESHAPE, "%s: p is %s but %s is %s; it must have p's extents but for the last", call->op->name,
                             ardm_shape_text(p, left, sizeof left), call->op->inputs[k].name, ardm_shape_text(rows, right, sizeof right));
    }
    return ARDM_OK;
}

ardm__component ardm__mixture_component_of(const double *p, double centre, int64_t m, int64_t M, int64_t K) {
    double low = -log((double)(K - 1)) - 2, raw = p[2 * M + m], scale = fmin(fmax(raw, low), 3);
    return (ardm__component){p[m], centre + p[M + m], exp(-scale), raw, raw < low || raw > 3};
}

ardm__component ardm__mixture_component(const ardm_call *call, const double *p, const double *centre, int64_t row, int64_t m) {
    int64_t width = ardm_shape_last(&call->in[0], 0);
    return ardm__mixture_component_of(p + row * width, centre[row], m, width / 3, call->attrs[0].i);
}

/* Mass between two points as a difference of sigmoids, on the side where both are small; far out the leading term. */
double ardm__mixture_log_mass(const ardm__component *c, int64_t k, int64_t K) {
    double step = 2.0 / (double)(K - 1), a = ((double)k * step - 1 - step / 2 - c->mean) * c->inverse, b = a + step * c->inverse;
    if (k == 0) return b < -30 ? b : -log1p(exp(-b));
    if (k == K - 1) return a > 30 ? -a : -log1p(exp(a));
    if (a > 30) return -a + log(-expm1(a - b));
    if (b < -30) return b + log(-expm1(a - b));
    if (a > 0) return log(1 / (1 + exp(a)) - 1 / (1 + exp(b)));
    return log(1 / (1 + exp(-b)) - 1 / (1 + exp(-a)));
}

static double logistic(double x) { return 1 / (1 + exp(-x)); }

void ardm__mixture_slopes(const ardm__component *c, int64_t k, int64_t K, double *by_mean, double *by_scale) {
    double step = 2.0 / (double)(K - 1), a = ((double)k * step - 1 - step / 2 - c->mean) * c->inverse, d = step * c->inverse, b = a + d;
    double low = k == 0 ? 0 : logistic(a), high = k == K - 1 ? 0 : logistic(-b);
    double width = k == 0 || k == K - 1 ? 0 : d / expm1(d);
    *by_mean = c->inverse * (low - high);
    *by_scale = -((k == K - 1 ? 0 : b * high) - (k == 0 ? 0 : a * low) + width);
}

double ardm__mixture_error(const ardm__component *c, double centre, int64_t k, int64_t K) {
    double step = 2.0 / (double)(K - 1), a = ((double)k * step - 1 - c->mean) * c->inverse;
    double place = (2 + fabs(centre) + fabs(c->mean)) * c->inverse; /* the mean's rounding, in scales */
    return 0x1p-23 * (4 * place + 4 * fabs(a) + 4 * step * c->inverse + 4 * fabs(log(step * c->inverse)) + 2 * fabs(c->weight) + 8);
}
