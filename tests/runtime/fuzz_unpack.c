/* fuzz_unpack.c: any bytes unpack within the limit or are refused with words. */
#include <stdlib.h>

#include "ardm/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ardm_bytes out;
    ardm_status status = ardm_unpack(&out, data, size, 1 << 16);
    if (status ? out.data != NULL || !*ardm_message() : out.size > 1 << 16) abort();
    ardm_bytes_free(&out);
    return 0;
}
