/* Sound files for the audio suites, made by libsndfile or by hand. */
#ifndef ARDM_TESTS_SOUND_H
#define ARDM_TESTS_SOUND_H

#include <sndfile.h>

#include "plugins.h"

/* Sample i of every test file, left-justified in 32 bits; its low bits beyond `bits` are 0. */
int sound_sample(int64_t i, int bits);
/* A file of `frames` frames of a libsndfile format; `texts` 1: a LIST in front of the samples, 2: behind them, 3: both. */
void sound_make(ardm_bytes *out, int format, int channels, int rate, int64_t frames, int texts);
int sound_bits(int format);
/* A RIFF header by hand: chunks `extra` (bytes) in front of the data, then `data` bytes that the header promises. */
void sound_riff(ardm_bytes *out, const char *extra, size_t extra_bytes, int channels, int bits, uint32_t data);
/* Decodes, checks form and samples against sound_sample, encodes; 1 where the same bytes came back. */
int sound_comes_back(const ardm_bytes *file, const char *variant, int bits, int channels, int64_t frames, size_t side);

#endif
