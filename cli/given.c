/* Given sets from pictures, files, ranges and grids. */
#include "given.h"

#include <string.h>

#include "ardm/file.h"

static ardm_status read_picture(uint8_t *fill, const ardm_item *item, const char *path, const arguments *args) {
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
    for (int64_t i = 0; status == ARDM_OK && i < drawn.count; i++) fill[i / drawn.channels] |= drawn.symbols[i] != 0;
    ardm_item_free(&drawn);
    ardm_bytes_free(&bytes);
    return status;
}

/* A digit a position; blanks and line ends only help the eye. */
static ardm_status read_digits(uint8_t *fill, int64_t length, const char *path, const arguments *args) {
    ardm_bytes bytes = {0};
    ardm_status status = ardm_file_read(&bytes, path, memory_limit(args), 1);
    int64_t n = 0;
    for (size_t i = 0; status == ARDM_OK && i < bytes.size; i++) {
        const uint8_t byte = bytes.data[i];
        if (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r') continue;
        if (byte != '0' && byte != '1')
            status = ardm_fail(ARDM_EINVAL, "%s: byte %zu is no 0 (given) or 1 (fill)", path, i);
        else if (n < length)
            fill[n] = byte == '1';
        n++;
    }
    if (status == ARDM_OK && n != length)
        status = ardm_fail(ARDM_ESHAPE, "%s has %lld digits and the item %lld positions; they must agree", path, (long long)n, (long long)length);
    ardm_bytes_free(&bytes);
    return status;
}

/* The next word of a list; ARDM_EINVAL when it is empty or too long. */
static ardm_status next_word(char word[48], const char **at, const char *name, const char *example) {
    const size_t n = strcspn(*at, ",");
    if (n == 0 || n >= 48) return ardm_fail(ARDM_EINVAL, "--%s: give ranges such as %s", name, example);
    memcpy(word, *at, n);
    word[n] = 0;
    *at += n + ((*at)[n] == ',');
    return ARDM_OK;
}

static ardm_status read_missing(uint8_t *fill, int64_t length, const char *text) {
    static const char example[] = "120-180,400-410, or a file of one 0 or 1 a position";
    for (const char *at = text; *at;) {
        char word[48], *dash;
        int64_t first, last;
        ARDM_TRY(next_word(word, &at, "mask", example));
        dash = strchr(word, '-');
        if (!dash) return ardm_fail(ARDM_EINVAL, "--mask %s: give ranges such as %s", text, example);
        *dash = 0;
        ARDM_TRY(ardm_parse_int(&first, "mask", word, 0, length - 1));
        ARDM_TRY(ardm_parse_int(&last, "mask", dash + 1, first, length - 1));
        memset(fill + first, 1, (size_t)(last - first + 1));
    }
    return ARDM_OK;
}

static ardm_status read_known(uint8_t *fill, int64_t length, const char *text) {
    memset(fill, 1, (size_t)length);
    for (const char *at = text; *at;) {
        char word[48];
        int64_t first, end;
        ARDM_TRY(next_word(word, &at, "given", "0:100,180:"));
        ARDM_TRY(range_of(&first, &end, word));
        if (end == INT64_MAX) end = length;
        if (first > end || end > length)
            return ardm_fail(ARDM_EINVAL, "--given %s: the item has positions 0:%lld, and %s is not among them", text, (long long)length, word);
        memset(fill + first, 0, (size_t)(end - first));
    }
    return ARDM_OK;
}

ardm_status read_given(uint8_t *fill, const ardm_item *item, const arguments *args) {
    const char *mask = argument(args, "mask"), *given = argument(args, "given");
    const int64_t positions = item->count / item->channels;
    int64_t grid, left = 0;
    if (!!mask + !!given + has(args, "grid") != 1)
        return ardm_fail(ARDM_EINVAL, "say once what is missing or given: --mask M.png of pictures, --mask 120-180 or --given 0:100 of text and "
                                      "sound, --grid 2 of any");
    memset(fill, 0, (size_t)positions);
    if (given && item->rank > 1) return ardm_fail(ARDM_EINVAL, "--given takes ranges of text and sound; of a picture give a --mask or a --grid");
    if (mask && item->rank > 1) ARDM_TRY(read_picture(fill, item, mask, args));
    if (mask && item->rank == 1) ARDM_TRY(ardm_file_exists(mask) ? read_digits(fill, positions, mask, args) : read_missing(fill, positions, mask));
    if (given) ARDM_TRY(read_known(fill, positions, given));
    ARDM_TRY(argument_int(&grid, args, "grid", 0, 2, 1 << 16));
    for (int64_t p = 0; grid && p < positions; p++) fill[p] = p / item->extents[1] % grid != 0 || p % item->extents[1] % grid != 0;
    for (int64_t p = 0; p < positions; p++) left += fill[p];
    return left ? ARDM_OK : ardm_fail(ARDM_EINVAL, "the mask is empty: nothing is to be filled");
}
