/* Finding and opening the model that a command works with. */
#ifndef ARDM_CLI_MODEL_FILE_H
#define ARDM_CLI_MODEL_FILE_H

#include "command.h"

#include "ardm/predictor.h"

/* A path, or a name such as "tiles" for tiles.ardm in $ARDM_MODEL_PATH or the shipped models' folders. */
ardm_status find_model(char out[4096], const char *name);
/* The folders of shipped models, colon-separated: beside the program, and installed. */
const char *model_folders(void);
/* Opens `name` on the device of --device. */
ardm_status open_predictor(ardm_predictor *out, ardm_device **device, const char *name, const arguments *args);

#endif
