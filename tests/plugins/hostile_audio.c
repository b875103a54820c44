/* Sound files made to hurt. A file that still decodes must give back the very bytes that it was made of, however wrong they are. */
#include <stdlib.h>
#include <string.h>

#include "ardm/philox.h"
#include "sound.h"

enum { SIDE_PLAIN = 1, SIDE_WRAP = 2, SIDE_FLAC = 3, SIDE_RAW = 4 }; /* the first side byte, as the plugin's audio.h has it */

/* 1: refused with a reason. 0: decoded, within its classes, and the same bytes came back where that is promised. */
static int refused(const uint8_t *data, size_t size) {
    ardm_item item;
    ardm_bytes out = {0};
    uint8_t *copy = malloc(size + 1); /* exactly `size` bytes are valid, for the sanitizer */
    if (size) memcpy(copy, data, size);
    ardm_status status = try_decode(&item, "audio", copy, size);
    if (status == ARDM_OK) {
        ck_assert_int_eq(item.count, item.extents[0] * item.channels);
        for (int64_t i = 0; i < item.count; ++i) ck_assert_uint_lt(item.symbols[i], item.classes);
        OK(ardm_item_encode(&out, modality("audio"), &item, 0));
        if (item.exact) {
            ck_assert_uint_eq(out.size, size);
            ck_assert_int_eq(memcmp(out.data, data, size), 0);
        }
        ardm_item_free(&item);
    }
    free(copy);
    ardm_bytes_free(&out);
    return status != ARDM_OK;
}

static const int formats[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16,   SF_FORMAT_WAV | SF_FORMAT_PCM_U8,
                              SF_FORMAT_WAVEX | SF_FORMAT_PCM_24, SF_FORMAT_RF64 | SF_FORMAT_PCM_16,
                              SF_FORMAT_AIFF | SF_FORMAT_PCM_16,  SF_FORMAT_AIFF | SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE};
enum { FORMATS = sizeof formats / sizeof *formats, FRAMES = 40, CHANNELS = 2 };

static void make(ardm_bytes *file, int format) {
    file->size = 0;
    sound_make(file, format, CHANNELS, 22050, FRAMES, (format & SF_FORMAT_TYPEMASK) == SF_FORMAT_FLAC ? 1 : 3);
}

START_TEST(cut_files_are_refused_or_exact) {
    ardm_bytes file = {0};
    for (int k = 0; k < FORMATS; ++k) {
        size_t whole = 0, first = 0;
        make(&file, formats[k]);
        for (size_t n = 0; n <= file.size; ++n) {
            int no = refused(file.data, n);
            if (!no && !first) first = n; /* from the first byte of samples on there is something to give back */
            if (first) ck_assert_msg(!no, "%zu of %zu bytes: %s", n, file.size, ardm_message());
            whole += !no;
        }
        ck_assert_uint_gt(first, 44);
        ck_assert_uint_gt(whole, (size_t)(FRAMES * CHANNELS * sound_bits(formats[k]) / 8));
    }
    make(&file, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
    for (size_t n = 0; n < file.size; ++n) ck_assert_int_eq(refused(file.data, n), 1);
    ck_assert_int_eq(refused(file.data, file.size), 0);
    ardm_bytes_free(&file);
}
END_TEST

/* Byte `at` changed in `tries` ways; how many were refused. */
static int change(ardm_bytes *file, size_t at, int tries) {
    int no = 0;
    uint8_t old = file->data[at];
    for (int k = 1; k <= tries; ++k) {
        file->data[at] = (uint8_t)(old + (unsigned)k * 256u / ((unsigned)tries + 1u) + (tries < 255));
        no += refused(file->data, file->size);
    }
    file->data[at] = old;
    return no;
}

START_TEST(headers_are_not_believed) {
    ardm_bytes file = {0};
    for (int k = 0; k < FORMATS; ++k) {
        int no = 0;
        make(&file, formats[k]);
        for (size_t at = 0; at < file.size && at < 200; ++at) no += change(&file, at, at < 72 ? 24 : 4);
        ck_assert_int_gt(no, 400);
    }
    ardm_bytes_free(&file);
}
END_TEST

START_TEST(flac_is_not_believed) {
    ardm_bytes file = {0};
    static const int kinds[] = {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_24, SF_FORMAT_FLAC | SF_FORMAT_PCM_S8};
    for (int k = 0; k < 3; ++k) {
        size_t frame = 0;
        make(&file, kinds[k]);
        for (size_t at = 4, last = 0; !last; at += 4 + (size_t)(file.data[at + 1] << 16 | file.data[at + 2] << 8 | file.data[at + 3])) {
            last = file.data[at] >> 7;
            frame = at + 4 + (size_t)(file.data[at + 1] << 16 | file.data[at + 2] << 8 | file.data[at + 3]);
        }
        ck_assert_uint_gt(frame, 42);
        for (size_t at = 0; at < frame; ++at) (void)change(&file, at, at < 42 ? 24 : 1);
        /* Each frame ends in a checksum. */
        for (size_t at = frame; at < file.size; ++at) ck_assert_int_eq(change(&file, at, 4), 4);
    }
    ardm_bytes_free(&file);
}
END_TEST

static ardm_status limited(ardm_item *item, const ardm_bytes *file, uint64_t memory) {
    ardm_modality_options options = ARDM_MODALITY_OPTIONS_INIT;
    const ardm_modality *m = modality("audio");
    options.memory = memory;
    return ardm_item_decode(item, &m, file->data, file->size, "limited", &options);
}

START_TEST(promises_are_bounded) {
    static const char large[8] = {'J', 'U', 'N', 'K', 0, 0, 0, 0x20};
    static uint8_t zeros[3 << 20];
    ardm_bytes file = {0};
    ardm_item item;
    sound_riff(&file, large, sizeof large, 1, 16, 100); /* a chunk of 512 MiB that is not there */
    OK(ardm_bytes_append(&file, zeros, 100));
    FAILS(try_decode(&item, "audio", file.data, file.size), ARDM_EFORMAT, "cut off");
    file.size = 0;
    uint32_t bytes = 2 << 20;
    char junk[8] = "JUNK";
    memcpy(junk + 4, &bytes, 4);
    sound_riff(&file, junk, sizeof junk, 1, 16, 100); /* one that is there, in front and then behind */
    OK(ardm_bytes_append(&file, zeros, sizeof zeros));
    FAILS(limited(&item, &file, 0), ARDM_EUNSUPPORTED, "up to 1048560 around them");
    file.size = 0;
    sound_riff(&file, "", 0, 1, 16, 1000);
    OK(ardm_bytes_append(&file, zeros, 1000 + (2 << 20)));
    FAILS(limited(&item, &file, 0), ARDM_EUNSUPPORTED, "bytes around the samples");
    file.size = 44; /* the most that is kept: 2^20 less the fields of the side bytes */
    OK(ardm_bytes_append(&file, zeros, 1000 + (1 << 20) - 16 - 44));
    OK(limited(&item, &file, 0));
    ck_assert_uint_le(item.side.size, 1 << 20);
    ck_assert_uint_gt(item.side.size, (1 << 20) - 20);
    ardm_item_free(&item);
    /* FLAC of 2^31 - 1 frames in 1 MiB, and of more than fit. */
    make(&file, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
    memset(file.data + 22, 0xff, 4);
    file.data[22] = 0x7f;
    FAILS(try_decode(&item, "audio", file.data, file.size), ARDM_ENOMEM, "memory limit");
    file.data[22] = 0xff;
    FAILS(try_decode(&item, "audio", file.data, file.size), ARDM_EUNSUPPORTED, "4294967295 frames");
    ardm_bytes_free(&file);
}
END_TEST

/* Every allocation of the plugin fails once: nothing is left behind, and enough memory is enough. */
START_TEST(memory_runs_out) {
    static const int kinds[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_AIFF | SF_FORMAT_PCM_24, SF_FORMAT_FLAC | SF_FORMAT_PCM_16};
    ardm_bytes file = {0}, out = {0};
    for (int k = 0; k < 3; ++k) {
        int good = 0, short_of = 0;
        make(&file, kinds[k]);
        for (uint64_t memory = 16; memory < 300000; memory += memory / 16 + 1) {
            ardm_item item;
            int64_t before = memory_live();
            ardm_status status = limited(&item, &file, memory);
            if (status != ARDM_OK) {
                int64_t left = memory_live() - before;
                ck_assert_int_eq(left, 0);
                ck_assert_int_eq(status, ARDM_ENOMEM);
                ck_assert_int_eq(good, 0);
                short_of++;
                continue;
            }
            good++;
            ardm_item_free(&item);
        }
        ck_assert_int_gt(good, 0);
        ck_assert_int_gt(short_of, 20);
        ardm_item item;
        OK(limited(&item, &file, 0));
        for (uint64_t limit = 1, more = 1; more; limit += limit / 16 + 1) {
            out.size = 0;
            more = ardm_item_encode(&out, modality("audio"), &item, limit) != ARDM_OK;
            if (more) ck_assert_uint_eq(out.size, 0);
            if (more) ck_assert_msg(strstr(ardm_message(), "memory") || strstr(ardm_message(), "limit"), "%s", ardm_message());
            ck_assert_uint_lt(limit, 1 << 22);
        }
        for (uint64_t limit = 1, more = 1; more; limit += limit / 16 + 1) {
            out.size = 0;
            more = ardm_item_render(&out, modality("audio"), &item, limit) != ARDM_OK;
            ck_assert_uint_lt(limit, 1 << 22);
        }
        ardm_item_free(&item);
    }
    ardm_bytes_free(&file);
    ardm_bytes_free(&out);
}
END_TEST

/* A long file is read in slabs; only chunks behind the samples make the plugin hold them. */
START_TEST(long_files_are_streams) {
    enum { LONG = 2000000, SLACK = 1 << 20 };
    ardm_bytes file = {0};
    ardm_item item;
    for (int k = 0; k < 3; ++k) {
        file.size = 0;
        sound_make(&file, k == 2 ? SF_FORMAT_FLAC | SF_FORMAT_PCM_16 : SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 8000, LONG, k == 1 ? 2 : 0);
        int64_t before = memory_live();
        memory_watch();
        OK(decode(&item, NULL, file.data, file.size, NULL));
        int64_t peak = memory_peak() - before;
        ck_assert_int_eq(item.count, LONG);
        ck_assert_int_le(peak, 2 * LONG + (k == 1 ? 2 * LONG : 0) + (1 << 20) + SLACK);
        ardm_item_free(&item);
    }
    ardm_bytes_free(&file);
}
END_TEST

START_TEST(side_bytes_are_named) {
    static const struct {
        uint8_t side[5];
        size_t size;
        const char *part; /* NULL: they are good */
    } cases[] = {{{SIDE_WRAP, 2, 1, 'h', 't'}, 5, NULL},
                 {{SIDE_WRAP, 0x12, 1, 'h', 't'}, 5, "no sound"},
                 {{SIDE_WRAP, 1, 1, 'h', 't'}, 5, "no sound"},
                 {{SIDE_WRAP, 2, 3, 'h', 't'}, 5, "kept chunks"},
                 {{SIDE_WRAP, 2}, 2, "kept chunks"},
                 {{SIDE_PLAIN, 16, 0x81, 0x40}, 4, NULL},
                 {{SIDE_PLAIN, 16, 0x81}, 3, "no sound"},
                 {{SIDE_PLAIN, 16, 0}, 3, "no sound"},
                 {{SIDE_PLAIN, 16, 1, 1}, 4, "no sound"},
                 {{SIDE_PLAIN}, 1, "no sound"},
                 {{SIDE_FLAC, 16, 0x40}, 3, NULL},
                 {{SIDE_FLAC, 12, 0x40}, 3, "no sound"},
                 {{SIDE_RAW, 16}, 2, NULL},
                 {{SIDE_RAW, 16, 1}, 3, "no sound"},
                 {{7, 16, 1}, 3, "unknown kind 7"},
                 {{SIDE_FLAC, 16, 0xff, 0xff, 0x7f}, 5, "no FLAC of 1 channels"}};
    ardm_item item;
    ardm_bytes out = {0};
    OK(ardm_item_synthetic(&item, modality("audio"), "pcm16", 1, (const int64_t[]){50}, 1));
    for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
        item.side.size = out.size = 0;
        OK(ardm_bytes_append(&item.side, cases[k].side, cases[k].size));
        if (!cases[k].part)
            OK(ardm_item_encode(&out, modality("audio"), &item, 0));
        else {
            ck_assert_int_ne(ardm_item_encode(&out, modality("audio"), &item, 0), ARDM_OK);
            ck_assert_msg(strstr(ardm_message(), cases[k].part) != NULL, "side bytes %zu: %s", k, ardm_message());
        }
    }
    ardm_item_free(&item);
    ardm_bytes_free(&out);
}
END_TEST

START_TEST(side_bytes_are_not_believed) {
    static const char *const variants[] = {"pcm16", "pcm8", "pcm24", "pcm16x2", "pcm8x3"};
    ardm_bytes out = {0};
    uint8_t side[64];
    int good = 0, bad = 0;
    for (int v = 0; v < 5; ++v) {
        ardm_item item;
        OK(ardm_item_synthetic(&item, modality("audio"), variants[v], 1, (const int64_t[]){50}, 1));
        for (uint32_t trial = 0; trial < 2000; ++trial) {
            size_t n = ardm_random_word(1, ARDM_RANDOM_SYNTHETIC, 0, trial, 0) % sizeof side;
            for (size_t k = 0; k < n; ++k) side[k] = (uint8_t)ardm_random_word(1, ARDM_RANDOM_SYNTHETIC, 1, trial, (uint32_t)k);
            if (n > 0) side[0] = (uint8_t)(trial % 6);
            if (n > 1 && trial % 3 == 0) side[1] = (uint8_t)(trial % 5 * 8);
            if (n > 1 && trial % 3 == 1) side[1] = (uint8_t)(trial % 17);
            if (n > 2 && trial % 2 == 0) side[2] = (uint8_t)(trial % 50);
            if (trial % 4 == 0 && n > 4) n = 4;
            item.side.size = 0;
            OK(ardm_bytes_append(&item.side, side, n));
            out.size = 0;
            ardm_status status = ardm_item_encode(&out, modality("audio"), &item, HOSTILE_LIMIT);
            good += status == ARDM_OK;
            bad += status != ARDM_OK;
            if (status != ARDM_OK) ck_assert_uint_eq(out.size, 0);
            if (status != ARDM_OK) ck_assert_int_gt((int)strlen(ardm_message()), 10);
        }
        item.side.size = 0;
        item.channels = 10;
        FAILS(ardm_item_encode(&out, modality("audio"), &item, 0), ARDM_EFORMAT, "no sound");
        ardm_item_free(&item);
    }
    ck_assert_int_gt(good, 100);
    ck_assert_int_gt(bad, 5000);
    ardm_bytes_free(&out);
}
END_TEST

Suite *hostile_audio_suite(void) {
    Suite *suite = suite_create("hostile audio");
    TCase *tests = tcase_create("hostile audio");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, cut_files_are_refused_or_exact);
    tcase_add_test(tests, headers_are_not_believed);
    tcase_add_test(tests, flac_is_not_believed);
    tcase_add_test(tests, promises_are_bounded);
    tcase_add_test(tests, memory_runs_out);
    tcase_add_test(tests, long_files_are_streams);
    tcase_add_test(tests, side_bytes_are_named);
    tcase_add_test(tests, side_bytes_are_not_believed);
    suite_add_tcase(suite, tests);
    return suite;
}
