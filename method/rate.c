/* Learning rates by step. What reaches a device comes from exact arithmetic: no libm, the same bits on every host. */
#include "ardm/exact.h"
#include "ardm/recipe.h"

/* Share of the steps behind the warm-up that `done` of them are. */
static float part(const ardm_recipe *r, int64_t done) { return ardm_divide((float)done, (float)(r->steps - r->warmup)); }

float ardm_recipe_rate(const ardm_recipe *r, int64_t step) {
    const float peak = (float)r->rate;
    if (step < r->warmup) return ardm_flush(ardm_mul(peak, ardm_divide((float)(step + 1), (float)r->warmup)));
    const int64_t unit = r->warmup > 0 ? r->warmup : 1;
    float factor = 1;
    switch (r->schedule) {
    case ARDM_RATE_RSQRT:
        factor = ardm_rsqrt(ardm_divide((float)(step + 1), (float)unit));
        break;
    case ARDM_RATE_COSINE: /* a run that is all warm-up never comes here */
        factor = ardm_mul(0.5f, 1.0f + ardm_cos(ardm_mul(part(r, step - r->warmup), 0x1.921fb6p+1f)));
        break;
    case ARDM_RATE_LINEAR:
        factor = part(r, r->steps - step);
        break;
    default:
        break;
    }
    return ardm_flush(ardm_mul(peak, factor > 0 ? factor : 0));
}
