/* PNM: P5 (grey) and P6 (RGB) with samples of one byte. The shortest header, "P6\nWIDTH HEIGHT\n255\n", needs no side bytes; any
 * other is kept as it is, so the same bytes come back. */
#include "image.h"

#include <stdio.h>
#include <string.h>

enum { MOST_HEADER = 4096 };

typedef struct header {
    uint8_t text[MOST_HEADER + 1]; /* side byte first */
    int64_t size;                  /* of the header alone */
    int64_t width, height, most, channels;
} header;

/* Bytes of the header from a file or from memory, one at a time. */
typedef struct feed {
    image_input *in;
    const uint8_t *memory;
    int64_t left;
} feed;

static int next(feed *f, header *h) {
    uint8_t byte;
    if (h->size == MOST_HEADER) return -1;
    if (f->in ? image_get(f->in, &byte, 1) != 1 : f->left < 1) return -1;
    if (!f->in) {
        byte = *f->memory++;
        f->left--;
    }
    h->text[1 + h->size++] = byte;
    return byte;
}

static int is_blank(int c) { return c == ' ' || (c >= 9 && c <= 13); }

/* Blanks and comments, then a number; *last is the byte behind it. -1: none, or too large. */
static int64_t number(feed *f, header *h, int *last) {
    int64_t value = 0;
    int c = next(f, h), digits = 0;
    while (is_blank(c) || c == '#') {
        if (c == '#')
            while (c != '\n' && c != '\r' && c >= 0) c = next(f, h);
        c = next(f, h);
    }
    for (; c >= '0' && c <= '9'; c = next(f, h), digits++)
        if ((value = value * 10 + (c - '0')) > 1000000) return -1;
    *last = c;
    return digits > 0 ? value : -1;
}

static int32_t parse(ardm_task *task, feed *f, header *h) {
    int last = 0, first = next(f, h), kind = next(f, h);
    if (first != 'P' || (kind != '5' && kind != '6'))
        return image_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "PNM of kind P%c; P5 and P6 are read", kind > 32 && kind < 127 ? kind : '?');
    h->channels = kind == '5' ? 1 : 3;
    h->width = number(f, h, &last);
    h->height = h->width < 0 || !is_blank(last) ? -1 : number(f, h, &last);
    h->most = h->height < 0 || !is_blank(last) ? -1 : number(f, h, &last);
    if (h->most < 0 || !is_blank(last)) return image_fail(task, ARDM_PLUGIN_EFORMAT, "the PNM header is damaged, cut off or too long");
    if (h->width < 1 || h->height < 1 || h->most < 1)
        return image_fail(task, ARDM_PLUGIN_EFORMAT, "PNM of %lld x %lld pixels, maximum %lld", (long long)h->width, (long long)h->height,
                          (long long)h->most);
    if (h->most > 255)
        return image_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "PNM with samples up to %lld (16 bit); up to 255 is read", (long long)h->most);
    return ARDM_PLUGIN_OK;
}

static int64_t shortest(char *out, size_t size, int64_t channels, int64_t width, int64_t height) {
    return snprintf(out, size, "P%d\n%lld %lld\n255\n", channels == 1 ? 5 : 6, (long long)width, (long long)height);
}

static void close_pnm(ardm_task *task, image_reader *r) { image_host->release(task, r->state); }

int32_t image_pnm_open(ardm_task *task, image_reader *r) {
    header *h = image_host->allocate(task, sizeof *h);
    char canonical[64];
    if (!h) return image_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    memset(h, 0, sizeof *h);
    r->state = h;
    r->close = close_pnm;
    feed f = {&r->in, NULL, 0};
    int32_t status = parse(task, &f, h);
    if (status) return status;
    r->height = h->height;
    r->width = h->width;
    r->channels = h->channels;
    r->most = (int32_t)h->most;
    r->rows = image_plain_rows;
    int64_t length = image_host->length(task), samples = h->height * h->width * h->channels;
    if (length >= 0 && length < h->size + samples)
        return image_fail(task, ARDM_PLUGIN_EFORMAT, "the picture needs %lld bytes of samples, the file has %lld", (long long)samples,
                          (long long)(length - h->size));
    if (length > h->size + samples)
        return image_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "%lld bytes follow the picture; files of several pictures are not read",
                          (long long)(length - h->size - samples));
    if (shortest(canonical, sizeof canonical, h->channels, h->width, h->height) == h->size && memcmp(canonical, h->text + 1, (size_t)h->size) == 0)
        return ARDM_PLUGIN_OK;
    h->text[0] = SIDE_PNM;
    r->side = h->text;
    r->side_bytes = h->size + 1;
    return ARDM_PLUGIN_OK;
}

int32_t image_pnm_begin(ardm_task *task, image_writer *w, const uint8_t *bytes, int64_t n) {
    char canonical[64];
    if (!bytes) return image_host->write(task, canonical, shortest(canonical, sizeof canonical, w->channels, w->width, w->height));
    header *h = image_host->allocate(task, sizeof *h);
    if (!h) return image_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    memset(h, 0, sizeof *h);
    feed f = {NULL, bytes, n};
    int32_t status = parse(task, &f, h);
    if (!status && (f.left != 0 || h->width != w->width || h->height != w->height || h->channels != w->channels))
        status = image_fail(task, ARDM_PLUGIN_EFORMAT, "the kept PNM header does not belong to %lld x %lld pixels of %lld channels",
                            (long long)w->width, (long long)w->height, (long long)w->channels);
    w->most = (int32_t)h->most;
    image_host->release(task, h);
    return status ? status : image_host->write(task, bytes, n);
}
