/* What the embedding ops share: variants that take every device, sinusoids, and the reference rows. */
#ifndef ARDM_OPS_EMBED_H
#define ARDM_OPS_EMBED_H

#include "ardm/op.h"
#include "reference.h"

enum { ARDM_EMBED_BLOCK = 256 };

/* Sums over sorted positions, tokens begin <= token < end of [parts, classes]. */
typedef struct ardm_embed_sums {
    const float *dy;
    const int32_t *order, *ends; /* [parts, rows]: positions by token, ascending; [parts, classes]: where a token's list ends */
    float *out;
    int64_t rows, classes, width; /* rows: of a part */
} ardm_embed_sums;
ARDM_REFERENCE_DECLARE(void, embed_sums, (const ardm_embed_sums *s, int64_t begin, int64_t end));

/* out[0..half-1] = sin(x f_i), out[half..] = cos(x f_i), f_i = e^(-i step). */
ARDM_REFERENCE_DECLARE(void, embed_sinusoids, (float *out, float x, float step, int64_t half));
float ardm__embed_step(int64_t half); /* F(ln 10^4 * reciprocal(half - 1)), +0 for half = 1 */

/* Elements or rows that one work-item handles: many on a CPU, one elsewhere. */
int64_t ardm__embed_per(const ardm_recorder *recorder, int64_t many);
int32_t ardm__embed_accept_cpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n);
int32_t ardm__embed_accept_gpu(const ardm_call *call, const ardm_device_facts *facts, char *why, uint32_t n);

#endif
