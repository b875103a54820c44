/* Grids of pictures, lines of text and joined sounds, through the modality's own writers. */
#include "picture.h"

#include <string.h>
#include <unistd.h>

#include "ardm/file.h"
#include "ardm/modality.h"

ardm_status show_item(ardm_bytes *out, const ardm_modality *modality, const ardm_item *item, const char *path) {
    const char *suffix = ardm_modality_suffix(modality);
    size_t n = strlen(path), k = strlen(suffix);
    int32_t drawn = item->rank > 1 || (n >= k && strcmp(path + n - k, suffix) == 0);
    return drawn ? ardm_item_render(out, modality, item, 0) : ardm_item_encode(out, modality, item, 0);
}

static ardm_status show(ardm_bytes *out, const ardm_predictor *p, uint32_t rank, const int64_t *extents, ardm_item *item, const char *path) {
    const ardm_modality *modality;
    ARDM_TRY(ardm_modality_find(&modality, p->modality));
    if (!item->symbols) return ardm_item_blank(item, modality, p->variant[0] ? p->variant : NULL, rank, extents);
    return show_item(out, modality, item, path);
}

ardm_status lay_out_items(ardm_bytes *out, const char *path, const ardm_predictor *predictor, const ardm_layout *layout, const int32_t *symbols,
                          uint32_t n) {
    ardm_item item;
    const uint32_t all = ardm_layout_symbols(layout), c = layout->channels * ardm_layout_parts(layout);
    ardm_status status = ARDM_OK;
    memset(&item, 0, sizeof item);
    int32_t text = strcmp(predictor->modality, "text") == 0;
    if (layout->rank == 1 && !text) {
        int64_t extents[3] = {(int64_t)n * layout->extent[0], 1, 1};
        status = show(out, predictor, 1, extents, &item, path);
        for (int64_t u = 0; status == ARDM_OK && u < item.count; u++) item.symbols[u] = (uint16_t)symbols[u];
        if (status == ARDM_OK) status = show(out, predictor, 1, extents, &item, path);
        ardm_item_free(&item);
    } else if (layout->rank == 1) {
        int64_t extents[3] = {layout->extent[0], 1, 1};
        for (uint32_t k = 0; k < n && status == ARDM_OK; k++) {
            status = show(out, predictor, 1, extents, &item, path);
            for (uint32_t u = 0; status == ARDM_OK && u < all; u++) item.symbols[u] = (uint16_t)symbols[(size_t)k * all + u];
            if (status == ARDM_OK) status = show(out, predictor, 1, extents, &item, path);
            if (status == ARDM_OK && n > 1) status = ardm_bytes_printf(out, "\n%s\n", k + 1 < n ? "--------" : "");
            ardm_item_free(&item);
        }
    } else {
        uint32_t across = 1;
        while (across * across < n) across++;
        uint32_t down = (n + across - 1) / across, h = layout->extent[0], w = layout->extent[1];
        int64_t extents[3] = {(int64_t)down * (h + 1) - 1, (int64_t)across * (w + 1) - 1, 1};
        status = show(out, predictor, 2, extents, &item, path);
        for (uint32_t k = 0; status == ARDM_OK && k < n; k++)
            for (uint32_t u = 0; u < all; u++) {
                int64_t y = k / across * (h + 1) + u / c / w, x = k % across * (w + 1) + u / c % w;
                item.symbols[(y * extents[1] + x) * c + u % c] = (uint16_t)symbols[(size_t)k * all + u];
            }
        if (status == ARDM_OK) status = show(out, predictor, 2, extents, &item, path);
        ardm_item_free(&item);
    }
    return status;
}

ardm_status write_items(const char *path, const ardm_predictor *predictor, const ardm_layout *layout, const int32_t *symbols, uint32_t n,
                        const arguments *args) {
    ardm_bytes file = {0};
    if (strcmp(path, "-") == 0 && strcmp(predictor->modality, "text") != 0 && isatty(STDOUT_FILENO))
        return ardm_fail(ARDM_EINVAL, "pictures and sounds are no text for a terminal; use -o FILE");
    ardm_status status = lay_out_items(&file, path, predictor, layout, symbols, n);
    if (status == ARDM_OK) status = ardm_file_write(path, file.data, file.size, has(args, "force"));
    ardm_bytes_free(&file);
    return status;
}
