/* Samples as bytes of a file and as symbols; names of forms; short numbers. */
#include <stdio.h>
#include <string.h>

#include "audio.h"

int64_t audio_frame_bytes(const audio_form *form) { return (int64_t)form->channels * (form->bits / 8); }
int32_t audio_width(const audio_form *form) { return form->channels * (form->bits == 24 ? 3 : 1); }
int32_t audio_classes(const audio_form *form) { return form->bits == 16 ? 65536 : 256; }

/* A sample in offset binary from its bytes, and its bytes. */
static uint32_t get(const audio_form *form, const uint8_t *b) {
    int32_t n = form->bits / 8;
    uint32_t value = 0;
    for (int32_t k = 0; k < n; ++k) value = value << 8 | b[form->big ? k : n - 1 - k];
    return form->is_signed ? value ^ 1u << (form->bits - 1) : value;
}

static void put(const audio_form *form, uint32_t value, uint8_t *b) {
    int32_t n = form->bits / 8;
    if (form->is_signed) value ^= 1u << (form->bits - 1);
    for (int32_t k = 0; k < n; ++k) b[form->big ? n - 1 - k : k] = (uint8_t)(value >> (8 * k));
}

static void split(const audio_form *form, uint32_t value, int32_t *symbols) {
    symbols[0] = (int32_t)(form->bits == 24 ? value >> 16 : value);
    if (form->bits != 24) return;
    symbols[1] = (int32_t)(value >> 8 & 255);
    symbols[2] = (int32_t)(value & 255);
}

static uint32_t join(const audio_form *form, const int32_t *s) {
    return form->bits == 24 ? (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | (uint32_t)s[2] : (uint32_t)s[0];
}

/* A sample's symbols never reach a byte not yet read: they take at least twice its bytes, and end where all bytes end. */
void audio_widen(const audio_form *form, int64_t samples, int32_t *symbols) {
    int64_t each = form->bits / 8, wide = form->bits == 24 ? 3 : 1;
    const uint8_t *bytes = (const uint8_t *)(symbols + samples * wide) - samples * each;
    for (int64_t i = 0; i < samples; ++i) {
        uint32_t value = get(form, bytes + i * each);
        split(form, value, symbols + i * wide);
    }
}

void audio_narrow(const audio_form *form, int64_t samples, const int32_t *symbols, uint8_t *bytes) {
    int64_t each = form->bits / 8, wide = form->bits == 24 ? 3 : 1;
    for (int64_t i = 0; i < samples; ++i) put(form, join(form, symbols + i * wide), bytes + i * each);
}

int32_t audio_sample(const audio_form *form, const int32_t *symbols) { return (int32_t)join(form, symbols) - (1 << (form->bits - 1)); }

void audio_symbol(const audio_form *form, int32_t sample, int32_t *symbols) { split(form, (uint32_t)(sample + (1 << (form->bits - 1))), symbols); }

static const char names[3][AUDIO_CHANNELS][8] = {
    {"pcm8", "pcm8x2", "pcm8x3", "pcm8x4", "pcm8x5", "pcm8x6", "pcm8x7", "pcm8x8"},
    {"pcm16", "pcm16x2", "pcm16x3", "pcm16x4", "pcm16x5", "pcm16x6", "pcm16x7", "pcm16x8"},
    {"pcm24", "pcm24x2", "pcm24x3", "pcm24x4", "pcm24x5", "pcm24x6", "pcm24x7", "pcm24x8"},
};

const char *audio_variant(const audio_form *form) { return names[form->bits / 8 - 1][form->channels - 1]; }

int32_t audio_parse_variant(const char *text, audio_form *form) {
    for (int32_t b = 0; b < 3; ++b)
        for (int32_t c = 0; c < AUDIO_CHANNELS; ++c)
            if (strcmp(text, names[b][c]) == 0) {
                form->bits = 8 * (b + 1);
                form->channels = c == 0 ? 0 : c + 1;
                return 1;
            }
    return 0;
}

int64_t audio_get_leb(const uint8_t *from, int64_t bytes, int64_t *value) {
    *value = 0;
    for (int64_t i = 0; i < bytes && i < 9; ++i) {
        *value |= (int64_t)(from[i] & 127) << (7 * i);
        if (from[i] < 128) return i + 1;
    }
    return 0;
}

int64_t audio_put_leb(uint8_t *to, int64_t value) {
    int64_t n = 0;
    for (; value > 127; value >>= 7) to[n++] = (uint8_t)(value | 128);
    to[n++] = (uint8_t)value;
    return n;
}
