/* ardm/predictor.h (method): a model file opened on a device. */
#ifndef ARDM_PREDICTOR_H
#define ARDM_PREDICTOR_H

#include "ardm/levels.h"
#include "ardm/model.h"
#include "ardm/session.h"

typedef struct ardm_predictor {
    ardm_model *model;
    ardm_store *store;
    ardm_session *session;
    ardm_levels *levels; /* of plugin and table orders, else NULL */
    ardm_device *device; /* borrowed */
    ardm_sha256 identity;
    char modality[32], variant[32];
    int32_t borrowed; /* the model belongs to another predictor */
} ardm_predictor;

/* Takes the model over, also on failure. The graph text is parsed as hostile text; every weight it names must be in the file
 * with the extents that it gives. `memory` limits each binding, 0: no limit. */
ardm_status ardm_predictor_open(ardm_predictor *out, ardm_model *model, ardm_device *device, uint64_t memory);
/* The same model on another device; `of` is closed after it. */
ardm_status ardm_predictor_twin(ardm_predictor *out, const ardm_predictor *of, ardm_device *device, uint64_t memory);
void ardm_predictor_close(ardm_predictor *predictor);

/* "extents 32x32 channels 3 head mixture multiple 2 context 0": the metadata ardm.layout. ARDM_EFORMAT says what is wrong. */
ardm_status ardm_description_parse(ardm_description *out, const char *text);
void ardm_description_print(char *out, size_t size, const ardm_description *description);

#endif
