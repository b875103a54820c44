/* What the plugin suites share. */
#ifndef ARDM_TESTS_PLUGINS_H
#define ARDM_TESTS_PLUGINS_H

#include <check.h>
#include <stdint.h>

#include "ardm/modality.h"
#include "ardm/status.h"

Suite *loader_suite(void);
Suite *text_suite(void);
Suite *image_suite(void);
Suite *png_suite(void);
Suite *hostile_suite(void);
Suite *audio_suite(void);
Suite *hostile_audio_suite(void);
Suite *data_suite(void);

#define OK(call) ck_assert_msg((call) == ARDM_OK, "%s: %s", #call, ardm_message())
/* `call` fails with `status`, and its message holds `part`. */
#define FAILS(call, status, part)                                                                                                                    \
    do {                                                                                                                                             \
        ck_assert_int_eq((call), (status));                                                                                                          \
        ck_assert_msg(strstr(ardm_message(), (part)) != NULL, "message: %s", ardm_message());                                                        \
    } while (0)

/* Live bytes of the heap, and the most there were since `memory_watch`. */
int64_t memory_live(void);
void memory_watch(void);
int64_t memory_peak(void);

/* Before anything is loaded: a folder that anybody may write to, and one with a file that is no module. */
void loader_prepare(void);
void loader_clean_up(void);

const ardm_modality *modality(const char *id);
/* Decodes `data` as one item of a modality (NULL: probed). */
ardm_status decode(ardm_item *out, const char *id, const void *data, size_t size, const char *variant);
/* Decodes within HOSTILE_LIMIT bytes, asserts that the heap's peak stays there, that a failure has a reason and leaves nothing behind. */
enum { HOSTILE_LIMIT = 1 << 20 };
ardm_status try_decode(ardm_item *item, const char *id, const void *data, size_t size);
/* A picture of the generator as a PNG file. */
void png_of(ardm_bytes *out, const char *variant, int64_t height, int64_t width, uint64_t seed);

#endif
