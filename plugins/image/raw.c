/* Samples that stand one after another: raw arrays, whose shape the user gives, and IDX. An item of a raw array comes back as its
 * samples, one of an IDX file as an IDX file of one picture. */
#include "image.h"

#include <string.h>

static const uint8_t raw_side[1] = {SIDE_RAW}, idx_sides[2][2] = {{SIDE_IDX, 3}, {SIDE_IDX, 4}};

int32_t image_plain_rows(ardm_task *task, image_reader *r, int64_t item, int64_t first, int64_t count, uint8_t *out) {
    int64_t line = r->width * r->channels, at = (item * r->height + first) * line, gap = at - r->offset;
    if (gap < 0) return image_fail(task, ARDM_PLUGIN_EINVAL, "pictures are read forwards");
    while (gap > 0 && r->in.taken < r->in.heads) {
        r->in.taken++;
        gap--;
    }
    if (image_host->skip(task, gap) != gap || image_get(&r->in, out, count * line) != count * line)
        return image_fail(task, ARDM_PLUGIN_EFORMAT, "the file ends inside row %lld of picture %lld", (long long)(first + count - 1),
                          (long long)item);
    r->offset = at + count * line;
    return ARDM_PLUGIN_OK;
}

/* "32x32x3" or "28x28"; 0 when it is not a shape. */
static int32_t parse_shape(const char *text, int64_t *dims) {
    int32_t n = 0;
    for (;;) {
        int64_t value = 0;
        if (*text < '1' || *text > '9') return 0;
        for (; *text >= '0' && *text <= '9'; ++text)
            if ((value = value * 10 + (*text - '0')) > 1000000) return 0;
        dims[n++] = value;
        if (*text == '\0') return n;
        if (*text++ != 'x' || n == 3) return 0;
    }
}

static int32_t set_plain(ardm_task *task, image_reader *r, int64_t height, int64_t width, int64_t channels) {
    if (height < 1 || width < 1 || height > 1000000 || width > 1000000 || (channels != 1 && channels != 3))
        return image_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "pictures of %lld x %lld x %lld; 1 or 3 channels are read", (long long)height,
                          (long long)width, (long long)channels);
    r->height = height;
    r->width = width;
    r->channels = channels;
    r->rows = image_plain_rows;
    r->side = raw_side;
    r->side_bytes = sizeof raw_side;
    return ARDM_PLUGIN_OK;
}

int32_t image_raw_open(ardm_task *task, image_reader *r, const char *shape) {
    int64_t dims[3] = {0, 0, 1}, length = image_host->length(task);
    int32_t n = parse_shape(shape, dims);
    if (n < 2) return image_fail(task, ARDM_PLUGIN_EINVAL, "shape \"%.40s\" is not height x width x channels, as in 32x32x3", shape);
    int32_t status = set_plain(task, r, dims[0], dims[1], dims[2]);
    if (status) return status;
    int64_t each = dims[0] * dims[1] * dims[2];
    if (length < 0) return image_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "a raw array must come from a file of known length");
    if (length % each != 0 || length == 0)
        return image_fail(task, ARDM_PLUGIN_EFORMAT, "%lld bytes are no whole number of items of %lld bytes (shape %.40s)", (long long)length,
                          (long long)each, shape);
    r->items = length / each;
    return ARDM_PLUGIN_OK;
}

static int64_t big_endian(const uint8_t *b) { return ((int64_t)b[0] << 24) | ((int64_t)b[1] << 16) | ((int64_t)b[2] << 8) | b[3]; }

int32_t image_idx_open(ardm_task *task, image_reader *r) {
    uint8_t magic[4] = {0}, dims[16];
    if (image_get(&r->in, magic, 4) != 4 || magic[2] != 8 || magic[3] < 3 || magic[3] > 4)
        return image_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "IDX type %d of rank %d; pictures are bytes (8) of rank 3 or 4", magic[2], magic[3]);
    int64_t bytes = 4 * magic[3], length = image_host->length(task);
    if (image_get(&r->in, dims, bytes) != bytes) return image_fail(task, ARDM_PLUGIN_EFORMAT, "the IDX header is cut off");
    int32_t status = set_plain(task, r, big_endian(dims + 4), big_endian(dims + 8), magic[3] == 4 ? big_endian(dims + 12) : 1);
    if (status) return status;
    r->items = big_endian(dims);
    r->side = idx_sides[magic[3] - 3];
    r->side_bytes = sizeof idx_sides[0];
    int64_t each = r->height * r->width * r->channels, samples = length - 4 - bytes; /* the product of all four may pass 64 bits */
    if (length >= 0 && (samples % each != 0 || samples / each != r->items))
        return image_fail(task, ARDM_PLUGIN_EFORMAT, "IDX: %lld pictures need %lld bytes of samples each, the file has %lld in all",
                          (long long)r->items, (long long)each, (long long)samples);
    return ARDM_PLUGIN_OK;
}

int32_t image_idx_begin(ardm_task *task, image_writer *w, const uint8_t *side, int64_t side_bytes) {
    if (side_bytes != 1 || (side[0] != 4 && (side[0] != 3 || w->channels != 1)))
        return image_fail(task, ARDM_PLUGIN_EFORMAT, "the kept IDX rank does not belong to pictures of %lld channels", (long long)w->channels);
    const int64_t dims[4] = {1, w->height, w->width, w->channels};
    uint8_t header[20] = {0, 0, 8, side[0]};
    for (int k = 0; k < side[0]; ++k)
        for (int byte = 0; byte < 4; ++byte) header[4 + 4 * k + byte] = (uint8_t)(dims[k] >> (24 - 8 * byte));
    return image_host->write(task, header, 4 + 4 * (int64_t)side[0]);
}
