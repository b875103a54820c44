/* ardm/codec.h (method): files to archives and back. method/archive.md is the specification. */
#ifndef ARDM_CODEC_H
#define ARDM_CODEC_H

#include "ardm/archive.h"
#include "ardm/budget.h"
#include "ardm/modality.h"
#include "ardm/predictor.h"

enum { ARDM_TILES_PER_CHUNK = 16, ARDM_TEXT_CHUNK = 16384, ARDM_STORED_CHUNK = 1 << 20 };

/* Where models come from. `by_modality` gives the model for a kind of item, or NULL in *out where there is none; `by_identity` finds
 * the one that an archive names (ARDM_EMODEL). Predictors stay the owner's. */
typedef struct ardm_models {
    void *user;
    ardm_status (*by_modality)(void *user, const char *modality, const char *variant, ardm_predictor **out);
    ardm_status (*by_identity)(void *user, const uint8_t identity[8], ardm_predictor **out);
} ardm_models;

typedef struct ardm_codec_input {
    const char *name; /* as stored; "" none */
    const void *data; /* of the file, borrowed */
    size_t size;
    const char *shape;   /* of raw arrays; NULL */
    const char *variant; /* read as this one where the file can be; NULL: as what its plugin takes it for */
    int64_t first, end;  /* items of it: 0, INT64_MAX for all */
    uint32_t mode;
    int64_t mtime;
    int32_t named_model; /* 1: the user chose the model, so unrecognised bytes go to it too */
} ardm_codec_input;

/* What became of an item. */
typedef struct ardm_codec_report {
    char name[256], modality[32];
    uint64_t input_bytes, archive_bytes, dimensions;
    uint32_t chunks, stored_chunks, calls;
    double bits, predicted; /* coded bits and the prediction of the schedule, both whole; 0 where stored */
    uint64_t hash;
    int32_t same_bytes; /* 1: the file's bytes come back; 0: its pixels */
} ardm_codec_report;

typedef struct ardm_codec_options {
    uint32_t steps; /* calls an item; 0: the default */
    uint64_t seed;
    int32_t verify; /* decode and compare what was made; on another device than `reference` let that make one call of each model again */
    int32_t each;   /* every item is an archive of its own */
    uint64_t memory;
} ardm_codec_options;

/* 1: bytes that no modality announces look like prose. Others go to a model of bytes only where the user names one. */
int32_t ardm_reads_as_text(const uint8_t *data, size_t size);

/* One archive for all items, or one for each; *out is an array of *n_out buffers, and *reports has one entry an item. The caller
 * frees buffers, arrays. With verify every archive has been decoded and compared. */
ardm_status ardm_compress(ardm_bytes **out, uint32_t *n_out, ardm_codec_report **reports, uint32_t *n_reports, const ardm_codec_input *inputs,
                          uint32_t n_inputs, const ardm_models *models, const ardm_codec_options *options);

/* Item `index` of an archive as the bytes of a file, appended to `out`. ARDM_EFORMAT: a damaged chunk or hash; nothing is then appended.
 * report may be NULL. */
ardm_status ardm_decompress(ardm_bytes *out, ardm_codec_report *report, const ardm_archive *archive, uint32_t index, const ardm_models *models,
                            uint64_t memory);

#endif
