/* What the archive commands share: models kept open while a command runs, archives read, names made safe. */
#ifndef ARDM_CLI_CODEC_FILES_H
#define ARDM_CLI_CODEC_FILES_H

#include "model_file.h"

#include "ardm/codec.h"
#include "ardm/file.h"

typedef struct open_models {
    const arguments *args;
    ardm_device *device;
    ardm_predictor *list[16];
    uint32_t n;
} open_models;

/* Models come from -m, else from the search path. The device is opened with the first model; coding probes it. */
ardm_models models_of(open_models *models, const arguments *args);
/* What the model of -m codes ("rgb"; "" none is named): a text may be letters to one model and bytes to another. The model stays open. */
ardm_status named_variant(char out[32], open_models *models);
void close_models(open_models *models);
/* One model that is open already, for what it codes. */
ardm_models only_model(ardm_predictor *predictor);

/* Reads and opens an archive; `bytes` must outlive it. */
ardm_status read_archive(ardm_archive **out, ardm_bytes *bytes, const char *path, const arguments *args);
const char *base_name(const char *path);
void print_hash(char out[17], uint64_t hash);
/* "the same bytes", or which values. */
const char *what_comes_back(const ardm_codec_report *report);

#endif
