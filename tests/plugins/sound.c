/* Files of sound_sample, written by libsndfile so that both sides do not share a mistake. */
#include "sound.h"

#include <stdlib.h>
#include <string.h>

typedef struct memory_file {
    ardm_bytes *bytes;
    size_t at;
} memory_file;

static sf_count_t length(void *user) { return (sf_count_t)((memory_file *)user)->bytes->size; }
static sf_count_t tell(void *user) { return (sf_count_t)((memory_file *)user)->at; }

static sf_count_t seek(sf_count_t offset, int whence, void *user) {
    memory_file *f = user;
    f->at = (size_t)(offset + (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (sf_count_t)f->at : length(user)));
    return (sf_count_t)f->at;
}

static sf_count_t read_bytes(void *to, sf_count_t count, void *user) {
    memory_file *f = user;
    size_t left = f->bytes->size - f->at, many = (size_t)count < left ? (size_t)count : left;
    if (many) memcpy(to, f->bytes->data + f->at, many);
    f->at += many;
    return (sf_count_t)many;
}

static sf_count_t write_bytes(const void *from, sf_count_t count, void *user) {
    memory_file *f = user;
    size_t over = f->bytes->size - f->at < (size_t)count ? f->bytes->size - f->at : (size_t)count;
    if (over) memcpy(f->bytes->data + f->at, from, over);
    OK(ardm_bytes_append(f->bytes, (const char *)from + over, (size_t)count - over));
    f->at += (size_t)count;
    return count;
}

static SF_VIRTUAL_IO calls = {length, seek, read_bytes, write_bytes, tell};

int sound_sample(int64_t i, int bits) {
    uint32_t value = (uint32_t)i * 0x9e3779b1u + (uint32_t)(i / 7) * 0x01234567u;
    if (i % 11 == 3) value = 0x80000000u;
    if (i % 11 == 5) value = 0x7fffffffu;
    value &= ~0u << (32 - bits);
    int32_t out;
    memcpy(&out, &value, sizeof out);
    return out;
}

int sound_bits(int format) {
    int kind = format & SF_FORMAT_SUBMASK;
    return kind == SF_FORMAT_PCM_S8 || kind == SF_FORMAT_PCM_U8 ? 8 : kind == SF_FORMAT_PCM_16 ? 16 : kind == SF_FORMAT_PCM_24 ? 24 : 32;
}

void sound_make(ardm_bytes *out, int format, int channels, int rate, int64_t frames, int texts) {
    memory_file file = {out, 0};
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *sound = sf_open_virtual(&calls, SFM_WRITE, &info, &file);
    ck_assert_msg(sound != NULL, "%s", sf_strerror(NULL));
    (void)sf_command(sound, SFC_RF64_AUTO_DOWNGRADE, NULL, SF_FALSE);
    if (texts & 1) ck_assert_int_eq(sf_set_string(sound, SF_STR_TITLE, "A title"), 0);
    int64_t n = frames * channels;
    int *values = malloc((size_t)n * sizeof *values + 1);
    for (int64_t i = 0; i < n; ++i) values[i] = sound_sample(i, sound_bits(format));
    ck_assert_int_eq(sf_write_int(sound, values, n), n);
    free(values);
    if (texts & 2) ck_assert_int_eq(sf_set_string(sound, SF_STR_COMMENT, "What was said behind it"), 0);
    ck_assert_int_eq(sf_close(sound), 0);
}

void sound_riff(ardm_bytes *out, const char *extra, size_t extra_bytes, int channels, int bits, uint32_t data) {
    uint32_t frame = (uint32_t)(channels * bits / 8), rate = 11025;
    const uint32_t words[] = {(uint32_t)(36 + extra_bytes) + data, 16, 1 | (uint32_t)channels << 16, rate, rate * frame,
                              frame | (uint32_t)bits << 16};
    OK(ardm_bytes_append(out, "RIFF", 4));
    OK(ardm_bytes_append(out, words, 4));
    OK(ardm_bytes_append(out, "WAVEfmt ", 8));
    OK(ardm_bytes_append(out, words + 1, 20));
    OK(ardm_bytes_append(out, extra, extra_bytes));
    OK(ardm_bytes_append(out, "data", 4));
    OK(ardm_bytes_append(out, &data, 4));
}

int sound_comes_back(const ardm_bytes *file, const char *variant, int bits, int channels, int64_t frames, size_t side) {
    ardm_item item;
    ardm_bytes out = {0};
    int wide = bits == 24 ? 3 : 1;
    OK(decode(&item, NULL, file->data, file->size, variant));
    ck_assert_uint_eq(item.rank, 1);
    ck_assert_uint_eq(item.channels, (unsigned)(channels * wide));
    ck_assert_uint_eq(item.classes, bits == 16 ? 65536 : 256);
    ck_assert_int_eq(item.extents[0], frames);
    ck_assert_int_eq(item.count, frames * channels * wide);
    ck_assert_str_eq(item.variant, variant);
    ck_assert_uint_eq(item.side.size, side);
    for (int64_t i = 0; i < frames * channels; ++i) {
        uint32_t want = ((uint32_t)sound_sample(i, bits) ^ 0x80000000u) >> (32 - bits), got = item.symbols[i * wide];
        for (int k = 1; k < wide; ++k) got = got << 8 | item.symbols[i * wide + k];
        ck_assert_msg(got == want, "sample %lld is %u, not %u", (long long)i, got, want);
    }
    OK(ardm_item_encode(&out, modality("audio"), &item, 0));
    int same = out.size == file->size && memcmp(out.data, file->data, out.size) == 0;
    ck_assert_int_eq(item.exact, same);
    if (!same) { /* the same samples in another file of the same kind, which then decodes to the same item */
        ardm_item again;
        OK(decode(&again, NULL, out.data, out.size, variant));
        ck_assert_int_eq(again.count, item.count);
        ck_assert_int_eq(memcmp(again.symbols, item.symbols, (size_t)item.count * 2), 0);
        ck_assert_uint_eq(again.side.size, item.side.size);
        ck_assert_int_eq(memcmp(again.side.data, item.side.data, item.side.size), 0);
        ardm_item_free(&again);
    }
    ardm_item_free(&item);
    ardm_bytes_free(&out);
    return same;
}
