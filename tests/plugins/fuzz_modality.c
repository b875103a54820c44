/* Any bytes as any modality: decoded within a small limit, and what decodes is written and rendered again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/modality.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ardm_modality_options options = ARDM_MODALITY_OPTIONS_INIT;
    const ardm_modality *m = NULL;
    ardm_item item;
    ardm_bytes out = {0};
    options.memory = 1 << 20;
    if (size > 0 && data[0] == 'R') options.shape = "2x3x3";
    setenv("ARDM_PLUGIN_PATH", ARDM_TEST_PLUGINS, 1);
    if (ardm_item_decode(&item, &m, data, size, "", &options) == ARDM_OK) {
        if (ardm_item_encode(&out, m, &item, 1 << 22) == ARDM_OK && item.exact &&
            (out.size != size || (size > 0 && memcmp(out.data, data, size) != 0)))
            abort();
        out.size = 0;
        (void)ardm_item_render(&out, m, &item, 1 << 22);
        ardm_item_free(&item);
    }
    ardm_bytes_free(&out);
    return 0;
}
