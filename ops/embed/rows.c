/* The embedding references that carry work, to the bit. */
#include "embed/embed.h"

#include <math.h>

#include "ardm/exact.h"

/* The gradient of row `token` of a table: block sum over the token's positions in ascending order. The positions are counted
 * as they follow each other in the token's own list: a block ends after each 256 of them. */
void ARDM_REFERENCE(embed_sums)(const ardm_embed_sums *s, int64_t begin, int64_t end) {
    const int64_t width = s->width;
    for (int64_t index = begin; index < end; ++index) {
        const int64_t part = index / s->classes, token = index % s->classes;
        const int32_t *order = s->order + part * s->rows, *ends = s->ends + part * s->classes;
        const int64_t first = token > 0 ? ends[token - 1] : 0, last = ends[token];
        float *restrict out = s->out + index * width;
        for (int64_t c = 0; c < width; c += 64) {
            const int64_t count = width - c < 64 ? width - c : 64;
            float total[64] = {0}, sum[64];
            for (int64_t from = first; from < last; from += ARDM_EMBED_BLOCK) {
                const int64_t to = from + ARDM_EMBED_BLOCK < last ? from + ARDM_EMBED_BLOCK : last;
                for (int64_t l = 0; l < count; ++l) sum[l] = 0.0f;
                for (int64_t i = from; i < to; ++i) {
                    const float *restrict dy = s->dy + (part * s->rows + order[i]) * width + c;
                    for (int64_t l = 0; l < count; ++l) sum[l] += dy[l];
                }
                for (int64_t l = 0; l < count; ++l) total[l] += sum[l];
            }
            for (int64_t l = 0; l < count; ++l) out[c + l] = ardm_flush(total[l]);
        }
    }
}

/* f_i = exp(F(-i * step)); angle = F(x * f_i). */
void ARDM_REFERENCE(embed_sinusoids)(float *out, float x, float step, int64_t half) {
    for (int64_t i = 0; i < half; ++i) {
        const float f = ardm_exp(ardm_flush(ardm_mul((float)-(int)i, step)));
        const float angle = ardm_flush(ardm_mul(x, f));
        out[i] = ardm_flush(ardm_sin(angle));
        out[half + i] = ardm_flush(ardm_cos(angle));
    }
}
