/* ardm cache: the folder of built programs. */
#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "ardm/cache.h"

static ardm_status run(const arguments *args) {
    char folder[4096];
    ARDM_TRY(need_files(args, 1, 1));
    ARDM_TRY(ardm_cache_folder(folder, sizeof folder));
    if (strcmp(args->files[0], "list") == 0) {
        ardm_cache_entry *entries = NULL;
        size_t count = 0;
        uint64_t bytes = 0;
        ARDM_TRY(ardm_cache_list(&entries, &count));
        for (size_t i = 0; i < count; i++) {
            printf("%-72s %9llu  %s%s\n", entries[i].name, (unsigned long long)entries[i].bytes, entries[i].device,
                   entries[i].good == 0 ? "  damaged" : "");
            bytes += entries[i].bytes;
        }
        printf("%zu files, %.1f MiB in %s\n", count, (double)bytes / (1 << 20), folder);
        free(entries);
        return ARDM_OK;
    }
    if (strcmp(args->files[0], "verify") == 0) {
        uint32_t seen = 0, removed = 0;
        ARDM_TRY(ardm_cache_verify(&seen, &removed));
        printf("%u programs seen, %u damaged and removed\n", seen, removed);
        return ARDM_OK;
    }
    if (strcmp(args->files[0], "clear") == 0) {
        uint32_t removed = 0;
        ARDM_TRY(ardm_cache_clear(&removed));
        printf("%u files removed from %s\n", removed, folder);
        return ARDM_OK;
    }
    return ardm_fail(ARDM_EINVAL, "ardm cache %s: choose list, verify or clear", args->files[0]);
}

static const option options[] = {{NULL, 0, NULL, NULL}};
const command command_cache = {"cache", "list|verify|clear", "Look after the cache of built kernels.", "ardm cache list", options, run};
