/* codec MODEL FILE: compresses a file in memory with a model, restores it, compares, and prints the sizes.
 *
 * The archive is what `ardm compress` writes: any other device that opens the same model decodes the same bytes. The model must fit
 * the kind of file (tests/golden/bytes.ardm for text); without a modality plugin nothing can be read, and ARDM_PLUGIN_PATH says
 * where those are if they are not installed beside the program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ardm/codec.h>
#include <ardm/device.h>
#include <ardm/log.h>

#define MEMORY ((uint64_t)1 << 30) /* no header may make the library allocate more than this */

/* The library asks for models; a program decides where they come from. Here there is one, or none. */
static ardm_status model_for(void *user, const char *modality, const char *variant, ardm_predictor **out) {
    ardm_predictor *own = user;
    int same = strcmp(own->modality, modality) == 0 && (!own->variant[0] || strcmp(own->variant, variant) == 0);
    *out = same ? own : NULL; /* NULL: the item is stored, through zstd */
    return ARDM_OK;
}

static ardm_status model_named(void *user, const uint8_t identity[8], ardm_predictor **out) {
    ardm_predictor *own = user;
    *out = NULL;
    if (memcmp(own->identity.bytes, identity, 8) != 0) return ardm_fail(ARDM_EMODEL, "the archive was made with another model");
    *out = own;
    return ARDM_OK;
}

/* The device first, then the model on it: weights are sent to the device once, kernels are built when they are first needed. */
static ardm_status open_model(ardm_device **device, ardm_predictor *predictor, const char *path) {
    ardm_model *model = NULL;
    ARDM_TRY(ardm_device_open(device, NULL));                      /* $ARDM_DEVICE, or the best; coding refuses one that is not exact */
    ARDM_TRY(ardm_model_load(&model, path, MEMORY));               /* every size in the file is checked */
    return ardm_predictor_open(predictor, model, *device, MEMORY); /* owns the model from here, also on failure */
}

static ardm_status compress(ardm_bytes *archive, ardm_codec_report *report, const ardm_bytes *file, const char *name, const ardm_models *models) {
    const ardm_codec_input input = {.name = name, .data = file->data, .size = file->size, .end = INT64_MAX, .named_model = 1};
    const ardm_codec_options options = {.memory = MEMORY}; /* steps 0: as many calls as the model's own schedule has */
    ardm_bytes *archives = NULL;
    ardm_codec_report *reports = NULL;
    uint32_t n_archives = 0, n_reports = 0;
    ardm_status status = ardm_compress(&archives, &n_archives, &reports, &n_reports, &input, 1, models, &options);
    if (status == ARDM_OK) {
        *archive = archives[0]; /* one input and no `each`: one archive of one item */
        *report = reports[0];
    }
    free(archives);
    free(reports);
    return status;
}

static ardm_status decompress(ardm_bytes *file, const ardm_bytes *archive, const ardm_models *models) {
    ardm_archive *container = NULL;
    ARDM_TRY(ardm_archive_open(&container, archive->data, archive->size, MEMORY));
    ardm_status status = ardm_decompress(file, NULL, container, 0, models, MEMORY);
    ardm_archive_close(&container);
    return status;
}

/* A text comes back byte by byte. A PNG comes back as another file of the same pixels, so there the symbols are compared. */
static ardm_status compare(const ardm_bytes *a, const ardm_bytes *b, int32_t same_bytes, const char *name) {
    const ardm_modality *modality = NULL;
    ardm_item x = {0}, y = {0};
    int same = a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
    ardm_status status = ARDM_OK;
    if (!same && !same_bytes) {
        status = ardm_item_decode(&x, &modality, a->data, a->size, name, NULL);
        if (status == ARDM_OK) status = ardm_item_decode(&y, &modality, b->data, b->size, name, NULL);
        same = status == ARDM_OK && x.count == y.count && memcmp(x.symbols, y.symbols, (size_t)x.count * sizeof *x.symbols) == 0;
    }
    ardm_item_free(&y);
    ardm_item_free(&x);
    if (status != ARDM_OK || same) return status;
    return ardm_fail(ARDM_EFORMAT, "%zu bytes came back, and they are not the %zu that went in", b->size, a->size);
}

static void print_warning(void *user, int32_t level, const char *line) {
    (void)user;
    (void)level;
    fprintf(stderr, "codec: %s\n", line);
}

int main(int argc, char **argv) {
    ardm_device *device = NULL;
    ardm_predictor predictor = {0};
    ardm_bytes file = {0}, archive = {0}, back = {0};
    ardm_codec_report report = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: codec MODEL.ardm FILE\n");
        return 1;
    }
    ardm_log_set(print_warning, NULL, ARDM_LOG_WARNING);
    const ardm_models models = {&predictor, model_for, model_named};
    const char *slash = strrchr(argv[2], '/'), *name = slash ? slash + 1 : argv[2];

    ardm_status status = open_model(&device, &predictor, argv[1]);
    if (status == ARDM_OK) status = ardm_file_read(&file, argv[2], MEMORY, 0);
    if (status == ARDM_OK) status = compress(&archive, &report, &file, name, &models);
    if (status == ARDM_OK) status = decompress(&back, &archive, &models);
    if (status == ARDM_OK) status = compare(&file, &back, report.same_bytes, name);
    if (status == ARDM_OK) {
        printf("device   %s\n", ardm_device_name(device));
        printf("item     %s, %llu symbols, %u of %u chunks without the model\n", report.modality, (unsigned long long)report.dimensions,
               report.stored_chunks, report.chunks);
        printf("source   %zu bytes\n", file.size);
        printf("archive  %zu bytes, %.3f bits a symbol\n", archive.size,
               report.dimensions ? 8.0 * (double)archive.size / (double)report.dimensions : 0);
        printf("restored %zu bytes: %s\n", back.size, report.same_bytes ? "the same" : "the same pixels in a new file");
    } else {
        fprintf(stderr, "codec: %s\n", ardm_message()); /* the text of the last failure, with its numbers */
    }
    ardm_bytes_free(&back);
    ardm_bytes_free(&archive);
    ardm_bytes_free(&file);
    ardm_predictor_close(&predictor);
    ardm_device_close(&device);
    return status == ARDM_OK ? 0 : 1;
}
