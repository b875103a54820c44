/* fuzz_model.c: any bytes are a safetensors file that prints to an equal one, or a refusal with words. */
#include <stdlib.h>
#include <string.h>

#include "ardm/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ardm_model *m = NULL, *n = NULL;
    ardm_bytes once = {0}, twice = {0};
    const ardm_status status = ardm_model_parse(&m, data, size, 1 << 22, "fuzz");
    if ((status == ARDM_OK) != (m != NULL) || (status && !*ardm_message())) abort();
    if (m) {
        if (ardm_model_check(m, "fuzz") == ARDM_OK && !ardm_model_get(m, "ardm.graph")) abort();
        if (ardm_model_print(&once, m) != ARDM_OK) abort();
        if (ardm_model_parse(&n, once.data, once.size, 1 << 24, "again") != ARDM_OK) abort();
        if (ardm_model_print(&twice, n) != ARDM_OK || once.size != twice.size || memcmp(once.data, twice.data, once.size) != 0) abort();
    }
    ardm_bytes_free(&once);
    ardm_bytes_free(&twice);
    ardm_model_free(&m);
    ardm_model_free(&n);
    return 0;
}
