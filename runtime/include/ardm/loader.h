/* ardm/loader.h (runtime): finds and loads plugins, once; nothing unloads.
 *
 * Folders, in order: those of $ARDM_PLUGIN_PATH (colon-separated), then `plugins` beside the program or one folder up, then the
 * installed lib/ardm as seen from the program. In each, every *.so in order of its name. Folders and files that anybody may write
 * to are refused. Of two plugins with one id, and of two modalities with one id, the first wins. Main thread only. */
#ifndef ARDM_LOADER_H
#define ARDM_LOADER_H

#include "ardm/plugin.h"
#include "ardm/status.h"

typedef struct ardm_plugin_entry_info {
    const char *path;
    const ardm_plugin *plugin; /* NULL: refused */
    const char *why;           /* NULL: loaded */
} ardm_plugin_entry_info;

/* Loads on the first call. The array lives until the next call of ardm_plugins_add. */
ardm_status ardm_plugins_list(const ardm_plugin_entry_info **out, uint32_t *count);

/* Takes a plugin that is linked in. */
ardm_status ardm_plugins_add(const ardm_plugin *(*entry)(const ardm_host *host), const char *path);

/* Makes `power` available to plugins as host->get(id), "ardm.op/1". Before the first list; it must live for ever. */
ardm_status ardm_plugins_provide(const char *id, const void *power);

#endif
