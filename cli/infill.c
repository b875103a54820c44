/* ardm infill: fill any missing part of a picture, text or sound, several times if asked, and say what the true part would have cost. */
#include "picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/file.h"
#include "ardm/modality.h"
#include "ardm/sampler.h"

/* mask[position]: 1 where the item is to be filled. Pictures: a picture of the same extents, non-zero = fill. */
static ardm_status read_picture_mask(uint8_t *mask, const ardm_item *item, const char *path, const arguments *args) {
    ardm_bytes bytes = {0};
    ardm_item drawn;
    const ardm_modality *modality = NULL;
    memset(&drawn, 0, sizeof drawn);
    ARDM_TRY(ardm_file_read(&bytes, path, memory_limit(args), 1));
    ardm_status status = ardm_modality_find(&modality, "image");
    if (status == ARDM_OK) status = ardm_item_decode(&drawn, &modality, bytes.data, bytes.size, path, NULL);
    if (status == ARDM_OK && (drawn.extents[0] != item->extents[0] || drawn.extents[1] != item->extents[1]))
        status = ardm_fail(ARDM_ESHAPE, "the mask is %lldx%lld and the picture %lldx%lld; they must agree", (long long)drawn.extents[0],
                           (long long)drawn.extents[1], (long long)item->extents[0], (long long)item->extents[1]);
    for (int64_t i = 0; status == ARDM_OK && i < drawn.count; i++) mask[i / drawn.channels] |= drawn.symbols[i] != 0;
    ardm_item_free(&drawn);
    ardm_bytes_free(&bytes);
    return status;
}

/* "120-180,400-410": ranges of positions, both ends included. */
static ardm_status read_range_mask(uint8_t *mask, int64_t length, const char *text) {
    for (const char *at = text; *at;) {
        char word[48];
        size_t n = strcspn(at, ",");
        int64_t first, last;
        if (n == 0 || n >= sizeof word) return ardm_fail(ARDM_EINVAL, "--mask %s: give ranges such as 120-180,400-410", text);
        memcpy(word, at, n);
        word[n] = 0;
        char *dash = strchr(word, '-');
        if (!dash) return ardm_fail(ARDM_EINVAL, "--mask %s: give ranges such as 120-180,400-410", text);
        *dash = 0;
        ARDM_TRY(ardm_parse_int(&first, "mask", word, 0, length - 1));
        ARDM_TRY(ardm_parse_int(&last, "mask", dash + 1, first, length - 1));
        memset(mask + first, 1, (size_t)(last - first + 1));
        at += n + (at[n] == ',');
    }
    return ARDM_OK;
}

/* Bits of a filled unit where all one knows is the mean and spread of the known units of its channel: a discretised logistic. */
static double mean_cost(const ardm_item *item, const uint8_t *mask) {
    double total = 0;
    for (uint32_t c = 0; c < item->channels; c++) {
        double n = 0, sum = 0, squares = 0;
        for (int64_t p = 0; p < item->count / item->channels; p++) {
            if (mask[p]) continue;
            double x = item->symbols[p * item->channels + c];
            n++;
            sum += x;
            squares += x * x;
        }
        double mean = n > 0 ? sum / n : (item->classes - 1) / 2.0, variance = n > 1 ? squares / n - mean * mean : 1e4;
        double scale = sqrt(3 * (variance > 1 ? variance : 1)) / 3.14159265358979;
        for (int64_t p = 0; p < item->count / item->channels; p++) {
            if (!mask[p]) continue;
            uint32_t x = item->symbols[p * item->channels + c];
            double low = x == 0 ? 0 : 1 / (1 + exp(-(x - 0.5 - mean) / scale));
            double high = x + 1 == item->classes ? 1 : 1 / (1 + exp(-(x + 0.5 - mean) / scale));
            total -= log2(high - low > 1e-12 ? high - low : 1e-12);
        }
    }
    return total;
}

/* A part of the item that one network call sees: a tile, or a window; always of the nominal extents where the item is large enough. */
typedef struct part {
    int64_t y, x;
    ardm_layout layout;
} part;

static ardm_status fill_part(ardm_predictor *p, const ardm_budget *budget, const part *where, const ardm_item *item, const uint8_t *mask,
                             uint16_t *filled, uint32_t n, uint64_t seed, double *true_bits, double *units_filled) {
    uint32_t units = ardm_layout_units(&where->layout), c = item->channels, width = where->layout.rank > 1 ? where->layout.extent[1] : 1;
    int32_t *symbols = malloc((size_t)n * units * sizeof *symbols);
    uint8_t *state = malloc((size_t)n * units);
    ardm_status status = symbols && state ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for a part");
    uint32_t missing = 0;
    for (uint32_t u = 0; status == ARDM_OK && u < units; u++) {
        int64_t position = (where->y + u / c / width) * item->extents[1] + where->x + u / c % width;
        state[u] = mask[position] ? ARDM_UNDECIDED : ARDM_GIVEN;
        missing += mask[position] != 0;
        symbols[u] = item->symbols[position * c + u % c];
    }
    for (uint32_t k = 1; status == ARDM_OK && k < n; k++) {
        memcpy(symbols + (size_t)k * units, symbols, units * sizeof *symbols);
        memcpy(state + (size_t)k * units, state, units);
    }
    if (status == ARDM_OK && missing) {
        double bits = 0;
        uint64_t number = (uint64_t)(where->y * item->extents[1] + where->x);
        status = ardm_scheduled_cost(&bits, p->session, budget, seed, &where->layout, symbols, state, number, 1);
        *true_bits += bits;
        *units_filled += missing;
        ardm_sampling sampling = {budget, seed, 1, "infill"};
        /* Sample k of a part has a number of its own, whatever the other parts are. */
        if (status == ARDM_OK) status = ardm_sample(p->session, &sampling, &where->layout, symbols, state, number * 65536, n);
        for (uint32_t k = 0; status == ARDM_OK && k < n; k++)
            for (uint32_t u = 0; u < units; u++) {
                int64_t position = (where->y + u / c / width) * item->extents[1] + where->x + u / c % width;
                if (mask[position]) filled[(int64_t)k * item->count + position * c + u % c] = (uint16_t)symbols[(size_t)k * units + u];
            }
    }
    free(symbols);
    free(state);
    return status;
}

static ardm_status write_filled(const ardm_modality *modality, ardm_item *item, const uint16_t *filled, uint32_t n, const char *to,
                                const arguments *args) {
    ardm_status status = ARDM_OK;
    for (uint32_t k = 0; k < n && status == ARDM_OK; k++) {
        ardm_bytes file = {0};
        char path[4096];
        memcpy(item->symbols, filled + (int64_t)k * item->count, (size_t)item->count * sizeof *filled);
        status = show_item(&file, modality, item, to);
        const char *dot = strrchr(to, '.');
        int stem = dot && n > 1 ? (int)(dot - to) : (int)strlen(to);
        if (n == 1)
            snprintf(path, sizeof path, "%s", to);
        else
            snprintf(path, sizeof path, "%.*s-%u%s", stem, to, k, dot ? dot : "");
        if (status == ARDM_OK) status = ardm_file_write(path, file.data, file.size, has(args, "force"));
        ardm_bytes_free(&file);
    }
    return status;
}

static ardm_status fill(ardm_predictor *p, ardm_item *item, const ardm_modality *modality, const arguments *args) {
    const ardm_description *d = ardm_session_description(p->session);
    int64_t n, steps, seed, positions = item->count / item->channels;
    ARDM_TRY(argument_int(&n, args, "count", 1, 1, 256));
    ARDM_TRY(argument_int(&steps, args, "steps", 0, 1, 1 << 24));
    ARDM_TRY(argument_int(&seed, args, "seed", 0, 0, INT64_MAX));
    if (item->rank != d->rank || item->channels != d->channels || item->classes != ardm_process_classes(ardm_session_process(p->session)))
        return ardm_fail(ARDM_EINVAL, "the model fills %s %s; this is %s", p->modality, p->variant, item->variant);
    const char *to = argument(args, "output");
    if (!to) to = item->rank > 1 ? "filled.png" : strcmp(p->modality, "text") == 0 ? "-" : "filled.wav";
    ardm_budget budget;
    uint8_t *mask = calloc((size_t)positions, 1);
    uint16_t *filled = malloc((size_t)n * (size_t)item->count * sizeof *filled);
    double true_bits = 0, count = 0;
    ardm_status status = ardm_budget_choose(&budget, p->model, p->session, (uint32_t)steps);
    if (status == ARDM_OK && (!mask || !filled)) status = ardm_fail(ARDM_ENOMEM, "no memory for %lld fillings", (long long)n);
    if (status == ARDM_OK)
        status =
            item->rank > 1 ? read_picture_mask(mask, item, argument(args, "mask"), args) : read_range_mask(mask, positions, argument(args, "mask"));
    for (int64_t k = 0; status == ARDM_OK && k < n; k++) memcpy(filled + k * item->count, item->symbols, (size_t)item->count * sizeof *filled);
    double by_mean = status == ARDM_OK && item->rank > 1 ? mean_cost(item, mask) : 0;
    int64_t h = d->extent[0], w = item->rank > 1 ? d->extent[1] : 1;
    for (int64_t y = 0; y < item->extents[0] && status == ARDM_OK; y += h)
        for (int64_t x = 0; x < item->extents[1] && status == ARDM_OK; x += w) {
            uint32_t height = (uint32_t)(item->extents[0] - y < h ? item->extents[0] - y : h),
                     width = (uint32_t)(item->extents[1] - x < w ? item->extents[1] - x : w);
            part where = {y, x, {item->rank, {height, item->rank > 1 ? width : 0, 0}, item->channels}};
            status = fill_part(p, &budget, &where, item, mask, filled, (uint32_t)n, (uint64_t)seed, &true_bits, &count);
        }
    if (status == ARDM_OK && count == 0) status = ardm_fail(ARDM_EINVAL, "the mask is empty: nothing is to be filled");
    if (status == ARDM_OK) status = write_filled(modality, item, filled, (uint32_t)n, to, args);
    if (status == ARDM_OK && strcmp(to, "-") != 0) {
        printf("%s: %lld filling%s of %.0f units; what was there costs %.4f bits a filled unit", to, (long long)n, n == 1 ? "" : "s", count,
               true_bits / count);
        if (item->rank > 1) printf(", %.4f around the mean of the known ones", by_mean / count);
        printf("\n");
    }
    free(filled);
    free(mask);
    ardm_budget_free(&budget);
    return status;
}

static ardm_status run(const arguments *args) {
    ardm_predictor predictor;
    ardm_device *device = NULL;
    ardm_bytes bytes = {0};
    ardm_item item;
    const ardm_modality *modality = NULL;
    memset(&item, 0, sizeof item);
    ARDM_TRY(need_files(args, 2, 2));
    if (!has(args, "mask")) return ardm_fail(ARDM_EINVAL, "say what is missing: --mask M.png for pictures, --mask 120-180 for text and sound");
    ARDM_TRY(open_predictor(&predictor, &device, args->files[0], args));
    ardm_status status = ardm_file_read(&bytes, args->files[1], memory_limit(args), 1);
    if (status == ARDM_OK) status = ardm_modality_find(&modality, predictor.modality);
    if (status == ARDM_OK) status = ardm_item_decode(&item, &modality, bytes.data, bytes.size, args->files[1], NULL);
    if (status == ARDM_OK) status = fill(&predictor, &item, modality, args);
    ardm_item_free(&item);
    ardm_bytes_free(&bytes);
    ardm_predictor_close(&predictor);
    ardm_device_close(&device);
    return status;
}

static const option options[] = {
    {"mask", 0, "MASK", "pictures: a picture of the same size, non-zero = fill; text and sound: ranges such as 120-180,400-410"},
    {"count", 'n', "N", "how many fillings; default 1, more are FILE-0, FILE-1, …"},
    {"steps", 0, "N", "network calls a tile or window"},
    {"output", 'o', "FILE", "default filled.png, filled.wav (FILE.png draws it), or standard output for text"},
    {NULL, 0, NULL, NULL},
};
const command command_infill = {"infill",
                                "MODEL FILE --mask MASK [-n N]",
                                "Fill missing parts, and tell what the true parts cost.",
                                "ardm infill tiles photo.png --mask hole.png -o filled.png",
                                options,
                                run};
