/* Samples laid out to look at: a grid picture, or lines of text. */
#ifndef ARDM_CLI_PICTURE_H
#define ARDM_CLI_PICTURE_H

#include "model_file.h"

/* Writes n items (i32[n, units]) of a layout: pictures as one grid with a pixel between, text one after another. "-" is standard output. */
ardm_status write_items(const char *path, const ardm_predictor *predictor, const ardm_layout *layout, const int32_t *symbols, uint32_t n,
                        const arguments *args);

#endif
