/* Pictures of 8 bits a sample, grey or RGB. A reader gives rows of bytes; which file they come from is behind a small table. */
#ifndef ARDM_PLUGINS_IMAGE_H
#define ARDM_PLUGINS_IMAGE_H

#include <stdint.h>

#include "ardm/plugin.h"

extern const ardm_host *image_host;

/* Side bytes: none is a PNM file with the shortest header; else the first byte says what follows. */
enum { SIDE_PNM = 1, SIDE_PNG = 2, SIDE_RAW = 3, SIDE_IDX = 4 };

/* The first bytes of a file have been read to know its kind; they come first. */
typedef struct image_input {
    ardm_task *task;
    uint8_t head[8];
    int64_t heads, taken;
} image_input;
int64_t image_get(image_input *in, void *to, int64_t bytes);

typedef struct image_reader image_reader;
struct image_reader {
    image_input in;
    int64_t items, height, width, channels; /* set by the kind's open */
    int64_t offset;                         /* bytes of samples behind us, in file order */
    int32_t most;                           /* greatest sample that the file allows */
    const uint8_t *side;
    int64_t side_bytes;
    int32_t (*rows)(ardm_task *task, image_reader *reader, int64_t item, int64_t first, int64_t count, uint8_t *out);
    void (*close)(ardm_task *task, image_reader *reader);
    void *state; /* the kind's own */
};

int32_t image_png_open(ardm_task *task, image_reader *reader);
int32_t image_pnm_open(ardm_task *task, image_reader *reader);
int32_t image_idx_open(ardm_task *task, image_reader *reader);
int32_t image_raw_open(ardm_task *task, image_reader *reader, const char *shape);
/* Rows of files whose samples stand one after another. */
int32_t image_plain_rows(ardm_task *task, image_reader *reader, int64_t item, int64_t first, int64_t count, uint8_t *out);

typedef struct image_writer {
    int64_t height, width, channels, row;
    int32_t most;
    uint8_t *line;
    int32_t (*rows)(ardm_task *task, struct image_writer *writer, int64_t count, const int32_t *symbols);
    int32_t (*end)(ardm_task *task, struct image_writer *writer, int32_t finish);
    void *state;
} image_writer;

/* side: what follows the first byte. */
int32_t image_png_begin(ardm_task *task, image_writer *writer, const uint8_t *side, int64_t side_bytes);
int32_t image_pnm_begin(ardm_task *task, image_writer *writer, const uint8_t *header, int64_t header_bytes);
/* An IDX file of one picture. */
int32_t image_idx_begin(ardm_task *task, image_writer *writer, const uint8_t *side, int64_t side_bytes);
/* Samples as they are. */
int32_t image_plain_write(ardm_task *task, image_writer *writer, int64_t count, const int32_t *symbols);

/* host->fail with numbers. */
int32_t image_fail(ardm_task *task, int32_t status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

#endif
