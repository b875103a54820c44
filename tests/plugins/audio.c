/* Sound: WAV and AIFF give back their bytes, FLAC its samples; anything else is named. */
#include <stdlib.h>
#include <string.h>

#include "sound.h"

START_TEST(wav_comes_back) {
    static const struct {
        int format, channels, rate, texts;
        const char *variant;
        size_t side; /* 0: the header that needs none */
    } files[] = {
        {SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 8000, 0, "pcm16", 0},    {SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 1, 8000, 0, "pcm8", 0},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_16, 2, 8000, 0, "pcm16x2", 0},  {SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 2, 8000, 0, "pcm8x2", 0},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_16, 2, 44100, 0, "pcm16x2", 5}, {SF_FORMAT_WAV | SF_FORMAT_PCM_24, 1, 8000, 0, "pcm24", 4},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_24, 2, 96000, 0, "pcm24x2", 5}, {SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8, 48000, 0, "pcm16x8", 5},
    };
    for (size_t k = 0; k < sizeof files / sizeof *files; ++k)
        for (int64_t frames = 0; frames < 80; frames = frames * 2 + 1) { /* odd sizes have a byte behind the samples */
            ardm_bytes file = {0};
            sound_make(&file, files[k].format, files[k].channels, files[k].rate, frames, 0);
            ck_assert_int_eq(sound_comes_back(&file, files[k].variant, sound_bits(files[k].format), files[k].channels, frames, files[k].side), 1);
            ardm_bytes_free(&file);
        }
}
END_TEST

/* What stands around the samples: texts in front and behind, other containers, other byte orders. */
START_TEST(chunks_come_back) {
    static const int formats[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16,
                                  SF_FORMAT_WAV | SF_FORMAT_PCM_U8,
                                  SF_FORMAT_WAVEX | SF_FORMAT_PCM_16,
                                  SF_FORMAT_WAVEX | SF_FORMAT_PCM_24,
                                  SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG,
                                  SF_FORMAT_RF64 | SF_FORMAT_PCM_16,
                                  SF_FORMAT_RF64 | SF_FORMAT_PCM_24,
                                  SF_FORMAT_AIFF | SF_FORMAT_PCM_16,
                                  SF_FORMAT_AIFF | SF_FORMAT_PCM_S8,
                                  SF_FORMAT_AIFF | SF_FORMAT_PCM_U8,
                                  SF_FORMAT_AIFF | SF_FORMAT_PCM_24,
                                  SF_FORMAT_AIFF | SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE};
    static const char *const variants[3][3] = {{"pcm8", "pcm8x2", "pcm8x3"}, {"pcm16", "pcm16x2", "pcm16x3"}, {"pcm24", "pcm24x2", "pcm24x3"}};
    for (size_t k = 0; k < sizeof formats / sizeof *formats; ++k)
        for (int texts = 0; texts < 4; ++texts)
            for (int channels = 1; channels <= 3; ++channels) {
                ardm_bytes file = {0};
                ardm_item item;
                int bits = sound_bits(formats[k]);
                const char *variant = variants[bits / 8 - 1][channels - 1];
                /* libsndfile 1.2 counts the byte that makes an AIFF chunk even as a frame. */
                int64_t frames = (formats[k] & SF_FORMAT_TYPEMASK) == SF_FORMAT_AIFF ? 40 : 41;
                sound_make(&file, formats[k], channels, 22050, frames, texts);
                OK(decode(&item, NULL, file.data, file.size, NULL));
                size_t side = item.side.size, samples = (size_t)(frames * channels * bits / 8);
                ardm_item_free(&item);
                ck_assert_int_eq(sound_comes_back(&file, variant, bits, channels, frames, side), 1);
                ck_assert_uint_le(side, file.size - samples + 5);
                ardm_bytes_free(&file);
            }
}
END_TEST

static int same_bytes(const ardm_bytes *file, int64_t frames, const char *variant) {
    ardm_item item;
    ardm_bytes out = {0};
    OK(decode(&item, NULL, file->data, file->size, variant));
    ck_assert_int_eq(item.extents[0], frames);
    OK(ardm_item_encode(&out, modality("audio"), &item, 0));
    int same = out.size == file->size && memcmp(out.data, file->data, out.size) == 0;
    ardm_item_free(&item);
    ardm_bytes_free(&out);
    return same;
}

/* By hand: odd chunks, a tail without order, sizes that are wrong. */
START_TEST(odd_files_come_back) {
    static const char odd[] = "LIST\5\0\0\0ABCDE\0junk\0\0\0\0";
    static const char samples[] = "0123456789abcdefghijk";
    for (uint32_t promised = 0; promised < 40; ++promised) {
        for (size_t there = 0; there <= 21; ++there) {
            ardm_bytes file = {0};
            sound_riff(&file, odd, sizeof odd - 1, 2, 16, promised);
            OK(ardm_bytes_append(&file, samples, there));
            size_t data = promised == 0 || promised > there ? there : promised;
            ck_assert_int_eq(same_bytes(&file, (int64_t)data / 4, "pcm16x2"), 1);
            ardm_bytes_free(&file);
        }
    }
    ardm_bytes file = {0}; /* written to a pipe: sizes of 2^32 - 1 */
    sound_riff(&file, "", 0, 1, 8, UINT32_MAX);
    OK(ardm_bytes_append(&file, samples, 21));
    ck_assert_int_eq(same_bytes(&file, 21, "pcm8"), 1);
    ardm_bytes_free(&file);
}
END_TEST

START_TEST(flac_gives_samples_back) {
    static const int formats[] = {SF_FORMAT_FLAC | SF_FORMAT_PCM_S8, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_24};
    static const char *const variants[3][2] = {{"pcm8", "pcm8x2"}, {"pcm16", "pcm16x2"}, {"pcm24", "pcm24x2"}};
    for (int k = 0; k < 3; ++k)
        for (int channels = 1; channels <= 2; ++channels)
            for (int64_t frames = 1; frames < 200000; frames = frames * 37 + 2) {
                ardm_bytes file = {0};
                sound_make(&file, formats[k], channels, 44100, frames, 1);
                (void)sound_comes_back(&file, variants[k][channels - 1], 8 * (k + 1), channels, frames, 5);
                ardm_bytes_free(&file);
            }
}
END_TEST

START_TEST(flac_is_checked) {
    ardm_bytes file = {0}, out = {0};
    ardm_item item, again;
    sound_make(&file, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 2, 48000, 70000, 1);
    OK(decode(&item, NULL, file.data, file.size, NULL));
    ck_assert_int_eq(item.exact, 0);
    OK(ardm_item_encode(&out, modality("audio"), &item, 0));
    ck_assert_int_eq(memcmp(out.data, "fLaC", 4), 0);
    size_t size = out.size;
    OK(ardm_item_encode(&out, modality("audio"), &item, 0)); /* the same once more, behind the first */
    ck_assert_uint_eq(out.size, 2 * size);
    ck_assert_int_eq(memcmp(out.data, out.data + size, size), 0);
    OK(decode(&again, NULL, out.data, size, "pcm16x2"));
    ck_assert_int_eq(memcmp(again.symbols, item.symbols, (size_t)item.count * 2), 0);
    ardm_item_free(&again);
    FAILS(ardm_item_encode(&out, modality("audio"), &item, 1000), ARDM_ENOMEM, "memory");
    ardm_item_free(&item);
    FAILS(decode(&item, NULL, file.data, file.size / 2, NULL), ARDM_EFORMAT, "cut off");
    file.data[file.size / 2] ^= 1;
    FAILS(decode(&item, NULL, file.data, file.size, NULL), ARDM_EFORMAT, "damaged");
    file.data[file.size / 2] ^= 1;
    memset(file.data + 22, 0, 4);
    file.data[21] &= 0xf0;
    FAILS(decode(&item, NULL, file.data, file.size, NULL), ARDM_EUNSUPPORTED, "its length");
    file.data[20] = (uint8_t)((file.data[20] & 0xfe) | 0);
    file.data[21] = 0xb0; /* 12 bits */
    FAILS(decode(&item, NULL, file.data, file.size, NULL), ARDM_EUNSUPPORTED, "FLAC of 12 bits");
    ardm_bytes_free(&file);
    ardm_bytes_free(&out);
}
END_TEST

START_TEST(other_kinds_are_named) {
    static const struct {
        int format, channels;
        const char *part;
    } kinds[] = {{SF_FORMAT_WAV | SF_FORMAT_FLOAT, 1, "32 bit float"},   {SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 1, "64 bit float"},
                 {SF_FORMAT_WAV | SF_FORMAT_PCM_32, 1, "32 bit"},        {SF_FORMAT_WAV | SF_FORMAT_ULAW, 1, "U-Law"},
                 {SF_FORMAT_WAV | SF_FORMAT_ALAW, 1, "A-Law"},           {SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 1, "IMA ADPCM"},
                 {SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM, 1, "Microsoft"},   {SF_FORMAT_WAV | SF_FORMAT_GSM610, 1, "GSM"},
                 {SF_FORMAT_WAVEX | SF_FORMAT_FLOAT, 2, "32 bit float"}, {SF_FORMAT_AIFF | SF_FORMAT_FLOAT, 1, "32 bit float"},
                 {SF_FORMAT_AIFF | SF_FORMAT_ULAW, 1, "U-Law"},          {SF_FORMAT_AIFF | SF_FORMAT_PCM_32, 2, "32 bit"},
                 {SF_FORMAT_WAV | SF_FORMAT_PCM_16, 9, "9 channels"},    {SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 12, "12 channels"}};
    ardm_item item;
    ardm_bytes file = {0};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; ++k) {
        file.size = 0;
        sound_make(&file, kinds[k].format, kinds[k].channels, 8000, 320, 0);
        FAILS(decode(&item, NULL, file.data, file.size, NULL), ARDM_EUNSUPPORTED, kinds[k].part);
    }
    FAILS(decode(&item, "audio", "no sound at all", 15, NULL), ARDM_EUNSUPPORTED, "neither WAV, AIFF nor FLAC");
    file.size = 0;
    sound_make(&file, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 2, 8000, 10, 0);
    FAILS(decode(&item, NULL, file.data, file.size, "pcm8"), ARDM_EUNSUPPORTED, "pcm16x2, but pcm8");
    FAILS(decode(&item, NULL, file.data, file.size, "pcm16x3"), ARDM_EUNSUPPORTED, "pcm16x2, but pcm16x3");
    FAILS(decode(&item, NULL, file.data, file.size, "mp3"), ARDM_EINVAL, "pcm16, pcm8 and pcm24");
    OK(decode(&item, NULL, file.data, file.size, "pcm16")); /* channels are left open */
    ardm_item_free(&item);
    ardm_bytes_free(&file);
}
END_TEST

static ardm_status open_shape(ardm_source **out, const void *data, size_t size, const char *shape, const char *variant) {
    ardm_modality_options options = ARDM_MODALITY_OPTIONS_INIT;
    options.shape = shape;
    options.variant = variant;
    return ardm_source_open(out, modality("audio"), data, size, "array", &options);
}

START_TEST(raw_samples_are_items) {
    uint8_t data[5 * 7 * 4];
    ardm_source *source;
    ardm_item item;
    ardm_bytes out = {0};
    for (size_t i = 0; i < sizeof data; ++i) data[i] = (uint8_t)(i * 29 + i / 9);
    OK(open_shape(&source, data, sizeof data, "7", "pcm16x2"));
    ck_assert_int_eq(ardm_source_items(source), 5);
    for (int k = 0; k < 5; k += 2) { /* with items left out */
        OK(ardm_source_item(&item, source, k));
        ck_assert_int_eq(item.extents[0], 7);
        ck_assert_uint_eq(item.channels, 2);
        ck_assert_uint_eq(item.symbols[3], (data[28 * k + 6] | (unsigned)data[28 * k + 7] << 8) ^ 0x8000u);
        out.size = 0;
        OK(ardm_item_encode(&out, modality("audio"), &item, 0));
        ck_assert_uint_eq(out.size, 28);
        ck_assert_int_eq(memcmp(out.data, data + 28 * k, 28), 0);
        ardm_item_free(&item);
    }
    ardm_source_close(&source);
    ardm_bytes_free(&out);
    static const char *const wrong[] = {"0", "07", "-7", "7x1", "7x", " 7", "99999999999", "x"};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; ++k) FAILS(open_shape(&source, data, sizeof data, wrong[k], NULL), ARDM_EINVAL, "shape");
    FAILS(open_shape(&source, data, sizeof data, "9", NULL), ARDM_EFORMAT, "140 bytes");
    FAILS(open_shape(&source, data, 0, "7", NULL), ARDM_EFORMAT, "0 bytes");
    FAILS(open_shape(&source, data, sizeof data, "7", "rgb"), ARDM_EINVAL, "variants");
}
END_TEST

START_TEST(blank_synthetic_and_picture) {
    static const char *const variants[] = {"pcm16", "pcm8", "pcm24", "pcm16x2", "pcm24x3"};
    static const uint32_t channels[] = {1, 1, 3, 2, 9};
    for (size_t k = 0; k < sizeof variants / sizeof *variants; ++k) {
        ardm_item item, again, other;
        ardm_bytes out = {0}, picture = {0};
        OK(ardm_item_synthetic(&item, modality("audio"), variants[k], 1, (const int64_t[]){3001}, 5));
        OK(ardm_item_synthetic(&again, modality("audio"), variants[k], 1, (const int64_t[]){3001}, 5));
        OK(ardm_item_synthetic(&other, modality("audio"), variants[k], 1, (const int64_t[]){3001}, 6));
        ck_assert_uint_eq(item.channels, channels[k]);
        ck_assert_str_eq(item.variant, variants[k]);
        ck_assert_int_eq(memcmp(item.symbols, again.symbols, (size_t)item.count * 2), 0);
        ck_assert_int_ne(memcmp(item.symbols, other.symbols, (size_t)item.count * 2), 0);
        ardm_item_free(&again);
        ardm_item_free(&other);
        /* Without a file behind it an item is a WAV file of 8,000 frames a second, which decodes to the same. */
        OK(ardm_item_encode(&out, modality("audio"), &item, 0));
        OK(decode(&again, NULL, out.data, out.size, variants[k]));
        ck_assert_uint_eq(out.data[24] | (unsigned)out.data[25] << 8, 8000);
        ck_assert_int_eq(again.count, item.count);
        ck_assert_int_eq(memcmp(item.symbols, again.symbols, (size_t)item.count * 2), 0);
        ardm_item_free(&again);
        OK(ardm_item_render(&picture, modality("audio"), &item, 0));
        OK(decode(&again, "image", picture.data, picture.size, "grey"));
        int64_t sounds = item.channels / (item.classes == 256 && variants[k][3] == '2' ? 3 : 1), dark = 0;
        ck_assert_int_eq(again.extents[0], sounds * 258 - 1);
        ck_assert_int_eq(again.extents[1], 1024);
        for (int64_t x = 0; x < 1024; ++x) { /* each column has ink in the first lane */
            int64_t here = dark;
            for (int64_t y = 0; y < 128; ++y) dark += again.symbols[y * 1024 + x] < 100;
            ck_assert_int_gt(dark, here);
        }
        ck_assert_int_lt(dark, 1024 * 128 / 2);
        ardm_item_free(&again);
        ardm_item_free(&item);
        ardm_bytes_free(&out);
        ardm_bytes_free(&picture);
    }
    ardm_item item;
    OK(ardm_item_blank(&item, modality("audio"), NULL, 1, (const int64_t[]){12}));
    ck_assert_str_eq(item.variant, "pcm16");
    ardm_item_free(&item);
    FAILS(ardm_item_blank(&item, modality("audio"), "rgb", 1, (const int64_t[]){12}), ARDM_EINVAL, "variants");
    FAILS(ardm_item_blank(&item, modality("audio"), NULL, 2, (const int64_t[]){3, 3}), ARDM_EINVAL, "one axis");
}
END_TEST

/* A wave of 16 samples is the 16th of 128 frequencies; half a second in, silence. */
START_TEST(pictures_show_frequencies) {
    static const int16_t wave[16] = {0, 7650, 14142, 18478, 20000, 18478, 14142, 7650, 0, -7650, -14142, -18478, -20000, -18478, -14142, -7650};
    ardm_item item, seen;
    ardm_bytes picture = {0};
    OK(ardm_item_blank(&item, modality("audio"), "pcm16x2", 1, (const int64_t[]){8192}));
    for (int i = 0; i < 8192; ++i) {
        item.symbols[2 * i] = (uint16_t)(32768 + (i < 4096 ? wave[i % 16] : 0));
        item.symbols[2 * i + 1] = (uint16_t)(32768 + (i < 4096 ? 0 : wave[i * 3 % 16]));
    }
    OK(ardm_item_render(&picture, modality("audio"), &item, 0));
    OK(decode(&seen, "image", picture.data, picture.size, "grey"));
    for (int channel = 0; channel < 2; ++channel)
        for (int x = 0; x < 1024; ++x) {
            const uint16_t *lane = seen.symbols + (channel * 258 + 129) * 1024 + x;
            int bin = channel ? 48 : 16, sounds = channel ? x >= 512 : x + 32 <= 512, silent = channel ? x + 32 <= 512 : x >= 512;
            if (sounds && x + 32 <= 1024) ck_assert_int_lt(lane[(127 - bin) * 1024], 30);
            for (int y = 0; y < 128; ++y)
                if (silent || (sounds && x + 32 <= 1024 && abs(127 - y - bin) > 4)) ck_assert_int_gt(lane[y * 1024], silent ? 254 : 150);
        }
    ardm_item_free(&item);
    ardm_item_free(&seen);
    ardm_bytes_free(&picture);
}
END_TEST

Suite *audio_suite(void) {
    Suite *suite = suite_create("audio");
    TCase *tests = tcase_create("audio");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, wav_comes_back);
    tcase_add_test(tests, chunks_come_back);
    tcase_add_test(tests, odd_files_come_back);
    tcase_add_test(tests, flac_gives_samples_back);
    tcase_add_test(tests, flac_is_checked);
    tcase_add_test(tests, other_kinds_are_named);
    tcase_add_test(tests, raw_samples_are_items);
    tcase_add_test(tests, blank_synthetic_and_picture);
    tcase_add_test(tests, pictures_show_frequencies);
    suite_add_tcase(suite, tests);
    return suite;
}
