/* ardm/philox.h (runtime): the counter-based random numbers of the whole system, Philox4x32-10 (Salmon et al., SC 2011).
 *
 * A word is a pure function of (seed, purpose, draw, item, index): nothing has a state, so order of work, batch and
 * device cannot change a draw. Key = (seed low, seed high); counter = (index >> 2, item low, item high,
 * purpose << 24 | draw); word = output[index & 3]. Uniform = (word >> 8) * 2^-24. */
#ifndef ARDM_PHILOX_H
#define ARDM_PHILOX_H

#include <stdint.h>

enum {
    ARDM_RANDOM_WEIGHTS = 1, /* item = first 8 bytes (little-endian) of SHA-256 of the tensor's name */
    ARDM_RANDOM_SHUFFLE = 2,
    ARDM_RANDOM_AUGMENT = 3,
    ARDM_RANDOM_STEP = 4,
    ARDM_RANDOM_GIVEN = 5,
    ARDM_RANDOM_DROPOUT = 6, /* item = step * 2^32 + place in the global batch; draw = layer of op dropout */
    ARDM_RANDOM_ORDER = 7,   /* draw = stage */
    ARDM_RANDOM_SAMPLE = 8,  /* draw = 4 * stage + digit */
    ARDM_RANDOM_SYNTHETIC = 9,
    ARDM_RANDOM_RECOMPUTE = 10 /* which call of an encoding is made again */
};

void ardm_philox4(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);
uint32_t ardm_random_word(uint64_t seed, uint32_t purpose, uint32_t draw, uint64_t item, uint32_t index);
float ardm_random_uniform(uint64_t seed, uint32_t purpose, uint32_t draw, uint64_t item, uint32_t index); /* [0, 1) */

#endif
