/* fuzz_config.c: any bytes are a config or a refusal with words. The first bytes are seldom valid, so the schema is small. */
#include <stdlib.h>
#include <string.h>

#include "ardm/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const ardm_config_key keys[] = {
        {"a", "t", ARDM_KEY_TEXT, "", 0, 0, NULL, NULL, NULL},
        {"a", "i", ARDM_KEY_INT, "1", -5, 1e18, NULL, NULL, NULL},
        {"b", "f", ARDM_KEY_FLOAT, "0.5", -1, 1e30, NULL, NULL, NULL},
        {"b", "c", ARDM_KEY_CHOICE, "x", 0, 0, "x|yy", NULL, NULL},
    };
    ardm_config *config;
    char *text = malloc(size + 1);
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    ardm_status status = ardm_config_parse(&config, "fuzz", text, size, keys, 4);
    if ((status == ARDM_OK) != (config != NULL) || (status && !*ardm_message())) abort();
    if (config && (ardm_config_int(config, "a", "i") < -5 || strlen(ardm_config_text(config, "a", "t")) > 1000)) abort();
    ardm_config_free(&config);
    free(text);
    return 0;
}
