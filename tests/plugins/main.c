/* main.c: runs the suites of the plugin boundary. */
#include <stdlib.h>
#include <string.h>

#include "plugins.h"

const ardm_modality *modality(const char *id) {
    const ardm_modality *found;
    OK(ardm_modality_find(&found, id));
    return found;
}

ardm_status decode(ardm_item *out, const char *id, const void *data, size_t size, const char *variant) {
    ardm_modality_options options = ARDM_MODALITY_OPTIONS_INIT;
    const ardm_modality *m = id ? modality(id) : NULL;
    options.variant = variant;
    return ardm_item_decode(out, &m, data, size, "", &options);
}

void png_of(ardm_bytes *out, const char *variant, int64_t height, int64_t width, uint64_t seed) {
    ardm_item item;
    OK(ardm_item_synthetic(&item, modality("image"), variant, 2, (const int64_t[]){height, width}, seed));
    OK(ardm_item_render(out, modality("image"), &item, 0));
    ardm_item_free(&item);
}

int main(void) {
    loader_prepare();
    SRunner *runner = srunner_create(loader_suite());
    srunner_add_suite(runner, text_suite());
    srunner_add_suite(runner, image_suite());
    srunner_add_suite(runner, png_suite());
    srunner_add_suite(runner, hostile_suite());
    srunner_add_suite(runner, audio_suite());
    srunner_add_suite(runner, hostile_audio_suite());
    srunner_add_suite(runner, data_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    loader_clean_up();
    return failed != 0;
}
