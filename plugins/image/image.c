/* The image modality: which kind a file is, rows of bytes as symbols, and pictures from symbols. */
#include "image.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ardm/exact.h"

const ardm_host *image_host;

enum { PURPOSE_SYNTHETIC = 9 };

int32_t image_fail(ardm_task *task, int32_t status, const char *format, ...) {
    char message[320];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return image_host->fail(task, status, message);
}

int64_t image_get(image_input *in, void *to, int64_t bytes) {
    int64_t early = in->heads - in->taken < bytes ? in->heads - in->taken : bytes;
    if (early > 0) memcpy(to, in->head + in->taken, (size_t)early);
    in->taken += early;
    return early + (early < bytes ? image_host->read(in->task, (uint8_t *)to + early, bytes - early) : 0);
}

static int32_t probe(const uint8_t *first, int64_t bytes, const char *name) {
    (void)name;
    if (bytes >= 8 && memcmp(first, "\x89PNG\r\n\x1a\n", 8) == 0) return 100;
    if (bytes >= 3 && first[0] == 'P' && first[1] >= '1' && first[1] <= '7' &&
        (first[2] == '\n' || first[2] == '\r' || first[2] == ' ' || first[2] == '\t'))
        return 90;
    if (bytes >= 16 && memcmp(first, "\0\0\x08", 3) == 0 && (first[3] == 3 || first[3] == 4)) return 80;
    return 0;
}

static const char *variant_of(int64_t channels) { return channels == 1 ? "grey" : "rgb"; }

/* Opens what the first bytes say, or what the shape says. */
static int32_t open_kind(ardm_task *task, image_reader *r) {
    const char *shape = image_host->option(task, "shape");
    if (shape) return image_raw_open(task, r, shape);
    r->in.heads = image_host->read(task, r->in.head, sizeof r->in.head);
    if (r->in.heads == 8 && memcmp(r->in.head, "\x89PNG\r\n\x1a\n", 8) == 0) return image_png_open(task, r);
    if (r->in.heads >= 2 && r->in.head[0] == 'P' && r->in.head[1] >= '1' && r->in.head[1] <= '7') return image_pnm_open(task, r);
    if (r->in.heads >= 4 && memcmp(r->in.head, "\0\0", 2) == 0) return image_idx_open(task, r);
    return image_fail(task, ARDM_PLUGIN_EUNSUPPORTED,
                      "neither PNG, PNM (P5, P6) nor IDX; a raw array needs its shape, height x width x channels, as in shape = 32x32x3");
}

static void close_reader(ardm_task *task, void *reader) {
    image_reader *r = reader;
    if (!r) return;
    if (r->close) r->close(task, r);
    image_host->release(task, r);
}

static int32_t open(ardm_task *task, ardm_header *header, void **reader) {
    const char *variant = image_host->option(task, "variant");
    image_reader *r = image_host->allocate(task, sizeof *r);
    if (!r) return image_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    memset(r, 0, sizeof *r);
    r->in.task = task;
    r->items = 1;
    r->most = 255;
    int32_t status = open_kind(task, r);
    if (!status && (r->height < 1 || r->width < 1))
        status = image_fail(task, ARDM_PLUGIN_EFORMAT, "a picture of %lld x %lld pixels", (long long)r->width, (long long)r->height);
    if (!status && variant && strcmp(variant, variant_of(r->channels)) != 0)
        status = image_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "the picture is %s, but %s is asked for", variant_of(r->channels), variant);
    if (status) {
        close_reader(task, r);
        return status;
    }
    header->rank = 2;
    header->channels = (uint32_t)r->channels;
    header->classes = 256;
    header->exact = r->side_bytes == 0 || (r->side[0] != SIDE_PNG && (r->side[0] != SIDE_IDX || r->items == 1));
    header->extents[0] = r->height;
    header->extents[1] = r->width;
    header->items = r->items;
    header->variant = variant_of(r->channels);
    header->side = r->side;
    header->side_bytes = r->side_bytes;
    *reader = r;
    return ARDM_PLUGIN_OK;
}

/* The bytes are read to the end of the symbols' own memory and widened from the front: an i32 never reaches a byte not yet read. */
static int32_t read_symbols(ardm_task *task, void *reader, int64_t item, int64_t first, int64_t count, int32_t *symbols) {
    image_reader *r = reader;
    int64_t n = count * r->width * r->channels;
    uint8_t *bytes = (uint8_t *)symbols + 3 * n;
    int32_t status = r->rows(task, r, item, first, count, bytes);
    if (status) return status;
    for (int64_t i = 0; i < n; ++i) {
        int32_t s = bytes[i];
        if (s > r->most) return image_fail(task, ARDM_PLUGIN_EFORMAT, "a sample is %d, above the file's maximum %d", s, r->most);
        memcpy(symbols + i, &s, sizeof s);
    }
    return ARDM_PLUGIN_OK;
}

static int32_t begin(ardm_task *task, const ardm_header *header, uint32_t purpose, void **writer) {
    if (header->rank != 2 || (header->channels != 1 && header->channels != 3) || header->classes != 256 || header->extents[0] < 1 ||
        header->extents[1] < 1 || header->extents[0] > 1000000 || header->extents[1] > 1000000)
        return image_fail(task, ARDM_PLUGIN_EFORMAT, "%lld x %lld pixels of %u channels and %u classes are no picture that can be written",
                          (long long)header->extents[1], (long long)header->extents[0], header->channels, header->classes);
    image_writer *w = image_host->allocate(task, sizeof *w);
    if (!w) return image_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    *w = (image_writer){.height = header->extents[0], .width = header->extents[1], .channels = header->channels, .most = 255};
    w->line = image_host->allocate(task, w->width * w->channels);
    int32_t status = w->line ? ARDM_PLUGIN_OK : image_fail(task, ARDM_PLUGIN_ENOMEM, "no memory for a row of %lld pixels", (long long)w->width);
    w->rows = image_plain_write;
    const uint8_t *side = header->side;
    int64_t n = header->side_bytes;
    if (status) {
    } else if (purpose == ARDM_WRITE_PICTURE) {
        status = image_png_begin(task, w, NULL, 0);
    } else if (n == 0 || side[0] == SIDE_PNM) {
        status = image_pnm_begin(task, w, n > 0 ? side + 1 : NULL, n > 0 ? n - 1 : 0);
    } else if (side[0] == SIDE_PNG) {
        status = image_png_begin(task, w, side + 1, n - 1);
    } else if (side[0] == SIDE_IDX) {
        status = image_idx_begin(task, w, side + 1, n - 1);
    } else if (side[0] != SIDE_RAW || n != 1) {
        status = image_fail(task, ARDM_PLUGIN_EFORMAT, "side bytes of unknown kind %d", side[0]);
    }
    if (status) {
        image_host->release(task, w->line);
        image_host->release(task, w);
        return status;
    }
    *writer = w;
    return ARDM_PLUGIN_OK;
}

int32_t image_plain_write(ardm_task *task, image_writer *w, int64_t count, const int32_t *symbols) {
    int64_t n = w->width * w->channels;
    for (int64_t row = 0; row < count; ++row) {
        for (int64_t i = 0; i < n; ++i) {
            if (symbols[row * n + i] > w->most)
                return image_fail(task, ARDM_PLUGIN_EFORMAT, "a sample is %d, above the file's maximum %d", symbols[row * n + i], w->most);
            w->line[i] = (uint8_t)symbols[row * n + i];
        }
        int32_t status = image_host->write(task, w->line, n);
        if (status) return status;
    }
    return ARDM_PLUGIN_OK;
}

static int32_t write_symbols(ardm_task *task, void *writer, int64_t count, const int32_t *symbols) {
    image_writer *w = writer;
    if (count > w->height - w->row) return image_fail(task, ARDM_PLUGIN_EINVAL, "more rows than the picture has");
    w->row += count;
    return w->rows(task, w, count, symbols);
}

static int32_t end(ardm_task *task, void *writer, int32_t finish) {
    image_writer *w = writer;
    int32_t status = w->end ? w->end(task, w, finish) : ARDM_PLUGIN_OK;
    if (!status && finish && w->row != w->height) status = image_fail(task, ARDM_PLUGIN_EINVAL, "rows of the picture are missing");
    image_host->release(task, w->line);
    image_host->release(task, w);
    return status;
}

static int32_t blank(ardm_task *task, ardm_header *header) {
    const char *variant = image_host->option(task, "variant");
    if (!variant) variant = "rgb";
    if (strcmp(variant, "grey") != 0 && strcmp(variant, "rgb") != 0)
        return image_fail(task, ARDM_PLUGIN_EINVAL, "the variants of image are rgb and grey, not %s", variant);
    if (header->rank != 2) return image_fail(task, ARDM_PLUGIN_EINVAL, "a picture has two axes, not %u", header->rank);
    header->channels = strcmp(variant, "grey") == 0 ? 1 : 3;
    header->classes = 256;
    header->exact = 1;
    header->variant = variant_of(header->channels);
    return ARDM_PLUGIN_OK;
}

/* Two ramps, a few rectangles of flat colour, and a little noise. */
static int32_t synthesise(ardm_task *task, const ardm_header *header, uint64_t seed, int32_t *symbols) {
    int64_t height = header->extents[0], width = header->extents[1], channels = header->channels, box[4][4];
    const uint32_t low = (uint32_t)seed, high = (uint32_t)(seed >> 32), purpose = (uint32_t)PURPOSE_SYNTHETIC << 24;
    (void)task;
    for (uint32_t k = 0; k < 4; ++k)
        for (uint32_t j = 0; j < 4; ++j) box[k][j] = (int64_t)(ardm_philox_word(k, 0, 0, purpose, low, high, j) >> 8) % (j % 2 ? width : height);
    for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x)
            for (int64_t c = 0; c < channels; ++c) {
                int64_t value = 40 + (y * (60 + 50 * c)) / height + (x * (90 - 30 * c)) / width;
                for (uint32_t k = 0; k < 4; ++k)
                    if (y >= box[k][0] && x >= box[k][1] && y < box[k][0] + height / 3 && x < box[k][1] + width / 3)
                        value = (box[k][2] * 37 + box[k][3] * 11 + c * 60) % 200 + 20;
                value += ardm_philox_word((uint32_t)x, (uint32_t)y, (uint32_t)c + 1, purpose, low, high, 0) >> 29;
                symbols[(y * width + x) * channels + c] = (int32_t)value;
            }
    return ARDM_PLUGIN_OK;
}

static const ardm_setting settings[] = {
    {ARDM_PLUGIN_ABI, sizeof(ardm_setting), "variant", ARDM_SETTING_CHOICE, NULL, 0, 0, "rgb|grey", "what pictures must be"},
    {ARDM_PLUGIN_ABI, sizeof(ardm_setting), "shape", ARDM_SETTING_TEXT, NULL, 0, 0, NULL,
     "height x width x channels of a raw array's items: 32x32x3"}};

static const ardm_modality modalities[] = {{
    .abi = ARDM_PLUGIN_ABI,
    .size = sizeof(ardm_modality),
    .id = "image",
    .version = 1,
    .n_settings = 2,
    .setting_stride = sizeof(ardm_setting),
    .settings = settings,
    .help = "pictures of 8 bits a sample, grey or RGB: PNG, PNM, IDX and raw arrays",
    .variants = "rgb|grey",
    .metric = "bits/dim",
    .suffix = ".png",
    .config = "[data]\npath = FILE\ntile = 32\n[modality]\nid = image\nvariant = rgb\n[process]\nfamily = absorbing\n[order]\n"
              "family = quincunx\n[network]\nkind = unet\n[head]\nkind = mixture\nmixtures = 5\n",
    .probe = probe,
    .open = open,
    .read = read_symbols,
    .close = close_reader,
    .begin = begin,
    .write = write_symbols,
    .end = end,
    .blank = blank,
    .synthesise = synthesise,
}};

static const ardm_plugin plugin = {
    .abi = ARDM_PLUGIN_ABI,
    .size = sizeof(ardm_plugin),
    .id = "org.ardm.image",
    .name = "Image",
    .version = "1.0",
    .licence = "Apache-2.0",
    .modalities = modalities,
    .n_modalities = 1,
    .modality_stride = sizeof(ardm_modality),
};

const ardm_plugin *ardm_plugin_entry(const ardm_host *given) {
    if (given->abi != ARDM_PLUGIN_ABI || given->size < sizeof *given) return NULL;
    image_host = given;
    return &plugin;
}
