/* ardm plugin: what was loaded, from where, and what was refused. */
#include "command.h"

#include <string.h>

#include "ardm/loader.h"
#include "ardm/modality.h"

static ardm_status run(const arguments *args) {
    const ardm_plugin_entry_info *entries = NULL;
    uint32_t count = 0;
    ARDM_TRY(need_files(args, 1, 1));
    if (strcmp(args->files[0], "list") != 0) return ardm_fail(ARDM_EINVAL, "ardm plugin %s: choose list", args->files[0]);
    ARDM_TRY(ardm_plugins_list(&entries, &count));
    for (uint32_t i = 0; i < count; i++) {
        if (entries[i].plugin)
            printf("%-18s %-8s %s\n", entries[i].plugin->id, entries[i].plugin->version, entries[i].path);
        else
            printf("%-18s refused: %s (%s)\n", "-", entries[i].why, entries[i].path);
    }
    const ardm_modality *modality;
    for (uint32_t i = 0; (modality = ardm_modality_at(i)) != NULL; i++)
        printf("modality %-9s %s; variants %s; %s%s%s\n", ardm_modality_id(modality), ardm_modality_help(modality), ardm_modality_variants(modality),
               ardm_modality_metric(modality), ardm_modality_orders(modality)[0] ? "; orders " : "", ardm_modality_orders(modality));
    return ARDM_OK;
}

static const option options[] = {{NULL, 0, NULL, NULL}};
const command command_plugin = {"plugin", "list", "List plugins and the modalities they bring.", "ardm plugin list", options, run};
