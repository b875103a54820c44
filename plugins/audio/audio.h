/* Sound of 8, 16 or 24 bits a sample, 1 to 8 channels. A reader gives frames as symbols; which file they come from is behind a small
 * table. A symbol is a sample in offset binary (the least is 0, silence 2^(bits-1)); one of 24 bits is three symbols of 256 classes, the
 * high byte first. */
#ifndef ARDM_PLUGINS_AUDIO_H
#define ARDM_PLUGINS_AUDIO_H

#include <stdint.h>

#include "ardm/plugin.h"

extern const ardm_host *audio_host;

/* Side bytes: none is a WAV file with the shortest header at AUDIO_RATE; else the first byte says what follows.
 *   SIDE_PLAIN  bits, rate (LEB128): a WAV file with the shortest header
 *   SIDE_WRAP   layout, size of the head (LEB128), head, tail: what stands around the samples of a WAV or AIFF file
 *   SIDE_FLAC   bits, rate (LEB128)
 *   SIDE_RAW    bits: samples alone, little-endian */
enum { SIDE_PLAIN = 1, SIDE_WRAP = 2, SIDE_FLAC = 3, SIDE_RAW = 4 };
enum { AUDIO_RATE = 8000, AUDIO_CHANNELS = 8 };

/* How samples stand in a file. */
typedef struct audio_form {
    int32_t bits, channels, rate;
    int32_t big;       /* high byte first */
    int32_t is_signed; /* two's complement, else offset binary */
} audio_form;

int64_t audio_frame_bytes(const audio_form *form);
/* Symbols a frame, and their classes. */
int32_t audio_width(const audio_form *form);
int32_t audio_classes(const audio_form *form);
/* The bytes stand at the end of the symbols' own memory and are widened from the front. */
void audio_widen(const audio_form *form, int64_t samples, int32_t *symbols);
void audio_narrow(const audio_form *form, int64_t samples, const int32_t *symbols, uint8_t *bytes);
/* One sample as a signed number, from its symbols and back. */
int32_t audio_sample(const audio_form *form, const int32_t *symbols);
void audio_symbol(const audio_form *form, int32_t sample, int32_t *symbols);
/* "pcm16", or "pcm16x2" for two channels; lives for ever. */
const char *audio_variant(const audio_form *form);
/* Channels 0 where the text leaves them open; 0 when it is no variant. */
int32_t audio_parse_variant(const char *text, audio_form *form);
/* LEB128 of at most 63 bits: bytes taken, 0 where they are damaged; bytes put. */
int64_t audio_get_leb(const uint8_t *from, int64_t bytes, int64_t *value);
int64_t audio_put_leb(uint8_t *to, int64_t value);

typedef struct audio_reader {
    audio_form form;       /* with items, frames and side: set by the kind's open */
    int64_t items, frames; /* frames of an item */
    int64_t at;            /* frames behind us, in file order */
    int32_t exact;
    const uint8_t *side;
    int64_t side_bytes;
    uint8_t early[12]; /* the first bytes, read to know the kind */
    int32_t (*read)(ardm_task *task, struct audio_reader *reader, int64_t count, int32_t *symbols);
    void (*close)(ardm_task *task, struct audio_reader *reader);
    void *state; /* the kind's own */
} audio_reader;

int32_t audio_wave_open(ardm_task *task, audio_reader *reader);
int32_t audio_flac_open(ardm_task *task, audio_reader *reader);
int32_t audio_raw_open(ardm_task *task, audio_reader *reader, const char *shape, const char *variant);

typedef struct audio_writer {
    audio_form form;
    int64_t frames, at;
    uint8_t *bytes; /* of AUDIO_BLOCK samples */
    uint8_t *tail;  /* behind the samples; NULL and one byte: a zero */
    int64_t tail_bytes;
    int32_t (*write)(ardm_task *task, struct audio_writer *writer, int64_t count, const int32_t *symbols);
    int32_t (*end)(ardm_task *task, struct audio_writer *writer, int32_t finish); /* also frees */
    void *state;
} audio_writer;

enum { AUDIO_BLOCK = 8192 };

/* side: what follows the first byte. form comes with bits and channels. */
int32_t audio_plain_begin(ardm_task *task, audio_writer *writer);
int32_t audio_wrap_begin(ardm_task *task, audio_writer *writer, const uint8_t *side, int64_t side_bytes);
int32_t audio_flac_begin(ardm_task *task, audio_writer *writer);
int32_t audio_picture_begin(ardm_task *task, audio_writer *writer);
int32_t audio_bytes_write(ardm_task *task, audio_writer *writer, int64_t count, const int32_t *symbols);
int32_t audio_bytes_end(ardm_task *task, audio_writer *writer, int32_t finish);

/* What libsndfile makes of a header: the form of its samples, or why they are not taken. `head` ends where samples begin. */
int32_t audio_judge(ardm_task *task, audio_form *form, const uint8_t *head, int64_t head_bytes);

/* Shades of AUDIO_SPECTRUM / 2 frequencies, lowest first, 0 loud and 255 silent; full scale is −1 to 1. */
enum { AUDIO_SPECTRUM = 256 };
void audio_spectrum(const double *samples, uint8_t *shades);

/* host->fail with numbers. */
int32_t audio_fail(ardm_task *task, int32_t status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

#endif
