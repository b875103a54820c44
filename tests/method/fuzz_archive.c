/* fuzz_archive.c: any bytes are an archive that can be walked to its end, or a refusal with words. */
#include <stdlib.h>

#include "ardm/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ardm_archive *a = NULL;
    const ardm_status status = ardm_archive_open(&a, data, size, 1 << 20);
    if ((status == ARDM_OK) != (a != NULL) || (status && !*ardm_message())) abort();
    static uint8_t room[4096];
    uint64_t sum = 0;
    for (uint32_t i = 0; a && i < ardm_archive_count(a); i++) {
        const ardm_archive_item *item = ardm_archive_at(a, i);
        for (uint64_t c = 0; c < item->n_chunks; c++) {
            ardm_archive_chunk chunk;
            if (ardm_archive_chunk_at(a, i, c, &chunk) != ARDM_OK) abort();
            for (uint64_t b = 0; b < chunk.size; b++) sum += chunk.data[b];
            if (chunk.kind != ARDM_CHUNK_CODED) ardm_archive_restore(&chunk, room, sizeof room);
        }
    }
    ardm_archive_close(&a);
    return sum == UINT64_MAX;
}
