/* Samples laid out to look at or listen to: a grid picture, lines of text, sounds one after another. */
#ifndef ARDM_CLI_PICTURE_H
#define ARDM_CLI_PICTURE_H

#include "ardm/modality.h"
#include "model_file.h"

/* Writes n items (i32[n, units]) of a layout: pictures as one grid with a pixel between, text one after another, sounds joined in one file.
 * "-" is standard output. */
ardm_status write_items(const char *path, const ardm_predictor *predictor, const ardm_layout *layout, const int32_t *symbols, uint32_t n,
                        const arguments *args);

/* The same appended to memory, as a file named `path` would hold it: the name alone says whether sounds are drawn. */
ardm_status lay_out_items(ardm_bytes *out, const char *path, const ardm_predictor *predictor, const ardm_layout *layout, const int32_t *symbols,
                          uint32_t n);

/* A picture of an image; of text and sound the file itself, unless the name ends as the modality's pictures do. */
ardm_status show_item(ardm_bytes *out, const ardm_modality *modality, const ardm_item *item, const char *path);

#endif
