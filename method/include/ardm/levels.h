/* ardm/levels.h (method): levels that no formula here gives: those of a modality's own order (ardm/plugin.h) and of a model's table.
 *
 * A model holds the table of its nominal layout, and of a plugin's order the hash of the table of every smaller layout. Its own table is used as
 * it is; for other layouts the plugin is asked again, and refused where it answers otherwise than when the model was trained. */
#ifndef ARDM_LEVELS_H
#define ARDM_LEVELS_H

#include "ardm/model.h"

typedef struct ardm_levels ardm_levels;

/* For training: the tables of all layouts up to the nominal one are asked for, checked and hashed. Extents that the plugin refuses are left out, but
 * the nominal ones. ARDM_ENOTFOUND: no such modality or order. */
ardm_status ardm_levels_train(ardm_levels **out, const char *modality, const ardm_order_family *family, const ardm_layout *nominal);
/* Of a model with an order of kind PLUGIN or TABLE, borrowed. The modality is looked for when its plugin is first asked. */
ardm_status ardm_levels_open(ardm_levels **out, const ardm_model *model, const char *modality);
void ardm_levels_free(ardm_levels **levels);

/* For ardm_order_family and ardm_description; lives as long as `levels`. ARDM_EMODEL: the plugin gives other levels than the model was trained on. */
const ardm_level_source *ardm_levels_source(const ardm_levels *levels);
/* Puts order, table and hashes of ardm_levels_train into a model. */
ardm_status ardm_levels_record(const ardm_levels *levels, ardm_model *model);

#endif
