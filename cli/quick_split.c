/* What a quick run holds out for its figures: whole files spread over the list, or the end of the largest one. The network never sees it; what
 * [train] evaluate measures comes out of the rest. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "quick.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec_files.h"

enum { SHARE = 20, MOST_FILES = 64, LEAST_FILES = 4, LEAST_HELD = 8, MOST_SYMBOLS = 1 << 22, LINE = 900 };

static int32_t is_text(const quick_data *d) { return strcmp(ardm_modality_id(d->modality), "text") == 0; }

/* --- parts of files ---------------------------------------------------------------------------------------------------------------- */

static ardm_status open_part(ardm_source **source, ardm_bytes *content, const quick_data *d, const char *path) {
    ardm_modality_options how = ARDM_MODALITY_OPTIONS_INIT;
    const ardm_modality *known = NULL;
    *source = NULL;
    memset(content, 0, sizeof *content);
    ARDM_TRY(ardm_file_read(content, path, d->memory, 1));
    const int32_t announced = ardm_modality_probe(&known, content->data, content->size, path) == ARDM_OK && known == d->modality && !is_text(d);
    how.variant = d->variant;
    how.shape = announced ? NULL : d->shape;
    how.memory = d->memory;
    return ardm_source_open(source, d->modality, content->data, content->size, path, &how);
}

static ardm_status crop(ardm_item *out, const quick_data *d, const ardm_item *from, const int64_t at[2], const int64_t extent[2]) {
    const int64_t extents[3] = {extent[0], d->rank > 1 ? extent[1] : 1, 1}, width = d->rank > 1 ? from->extents[1] : 1;
    ARDM_TRY(ardm_item_blank(out, d->modality, d->variant, d->rank, extents));
    if (out->channels != d->channels || out->classes != d->classes) {
        ardm_item_free(out);
        return ardm_fail(ARDM_EUNSUPPORTED, "the plugin %s makes other items of %s than it reads", ardm_modality_id(d->modality), d->variant);
    }
    const int64_t row = extents[1] * d->channels;
    for (int64_t y = 0; y < extents[0]; y++)
        memcpy(out->symbols + y * row, from->symbols + ((at[0] + y) * width + (d->rank > 1 ? at[1] : 0)) * d->channels,
               (size_t)row * sizeof *out->symbols);
    return ARDM_OK;
}

ardm_status quick_part_extents(int64_t extents[2], const quick_data *d, const quick_part *part) {
    ardm_source *source = NULL;
    ardm_bytes content;
    ardm_status status = open_part(&source, &content, d, part->path);
    if (status == ARDM_OK) {
        extents[0] = ardm_source_header(source)->extents[0];
        extents[1] = d->rank > 1 ? ardm_source_header(source)->extents[1] : 1;
    }
    ardm_source_close(&source);
    ardm_bytes_free(&content);
    return status;
}

ardm_status quick_part_item(ardm_item *out, const quick_data *d, const quick_part *part, int64_t index, const int64_t at[2],
                            const int64_t extent[2]) {
    ardm_source *source = NULL;
    ardm_bytes content;
    ardm_item whole;
    memset(&whole, 0, sizeof whole);
    memset(out, 0, sizeof *out);
    ardm_status status = open_part(&source, &content, d, part->path);
    if (status == ARDM_OK) status = ardm_source_item(&whole, source, index);
    if (status == ARDM_OK) status = crop(out, d, &whole, at, extent);
    ardm_item_free(&whole);
    ardm_source_close(&source);
    ardm_bytes_free(&content);
    return status;
}

/* Positions first … end-1 of the outermost axis as a file of the same kind. */
static ardm_status rows_as_file(ardm_bytes *out, const quick_data *d, const char *path, int64_t first, int64_t end) {
    ardm_source *source = NULL;
    ardm_bytes content;
    ardm_item whole, rows;
    memset(&whole, 0, sizeof whole);
    memset(&rows, 0, sizeof rows);
    ardm_status status = open_part(&source, &content, d, path);
    if (status == ARDM_OK && end == INT64_MAX) end = ardm_source_header(source)->extents[0];
    if (status == ARDM_OK && is_text(d)) { /* a symbol is a byte */
        status = ardm_bytes_append(out, content.data + first, (size_t)(end - first));
    } else {
        const int64_t at[2] = {first, 0};
        if (status == ARDM_OK) status = ardm_source_item(&whole, source, 0);
        const int64_t extent[2] = {end - first, whole.extents[1]};
        if (status == ARDM_OK) status = crop(&rows, d, &whole, at, extent);
        if (status == ARDM_OK) status = ardm_item_encode(out, d->modality, &rows, d->memory);
    }
    ardm_item_free(&rows);
    ardm_item_free(&whole);
    ardm_source_close(&source);
    ardm_bytes_free(&content);
    return status;
}

/* --- what is held out -------------------------------------------------------------------------------------------------------------- */

static ardm_status hold(quick_data *d, const quick_file *f, int64_t first, int64_t from) {
    quick_part *p = &d->held[d->n_held];
    *p = (quick_part){NULL, first, f->items, from, f->bytes, f->symbols};
    if (!(p->path = malloc(strlen(f->path) + 1))) return ardm_fail(ARDM_ENOMEM, "no memory for a path");
    strcpy(p->path, f->path);
    const double share = first > 0 ? (double)(f->items - first) / (double)f->items : (double)(f->extent[0] - from) / (double)f->extent[0];
    p->symbols = f->symbols / f->items * (f->items - first) / f->extent[0] * (f->extent[0] - from);
    p->bytes = (int64_t)((double)f->bytes * share);
    d->held_symbols += p->symbols;
    d->held_bytes += p->bytes;
    d->n_held++;
    return ARDM_OK;
}

/* Every SHARE-th file and one or two more, or as many as it takes where they are small; 0: no set of whole files is large enough and leaves three
 * quarters. */
static int32_t files_to_hold(const quick_data *d) {
    const int64_t wanted = LEAST_HELD * d->window * (d->rank > 1 ? d->window * d->channels : 1);
    if (d->n_files < LEAST_FILES) return 0;
    for (int32_t k = d->n_files / SHARE + (d->n_files < 8 ? 1 : 2); k <= d->n_files / LEAST_FILES; k++) {
        int64_t held = 0;
        if (k > MOST_FILES) k = MOST_FILES;
        for (int32_t i = 0; i < k; i++) held += d->files[(2 * (int64_t)i + 1) * d->n_files / (2 * k)].symbols;
        if (held >= wanted && held <= d->symbols / 4) return k;
        if (k == MOST_FILES) break;
    }
    return 0;
}

static ardm_status hold_end(quick_data *d) {
    const quick_file *f = &d->files[0];
    for (int32_t i = 1; i < d->n_files; i++)
        if (d->files[i].symbols > f->symbols) f = &d->files[i];
    if (f->items > 1) { /* the data set holds these out of training already: it splits such a file by items */
        if (f->items < 50)
            return ardm_fail(ARDM_EINVAL, "%s holds %lld items, and 50 are needed to hold one out; give more files", f->path, (long long)f->items);
        return hold(d, f, f->items - f->items / 50, 0);
    }
    const int64_t least = d->rank > 1 ? d->window : LEAST_HELD * d->window, row = f->symbols / f->extent[0];
    int64_t rows = f->extent[0] / SHARE;
    if (rows > MOST_SYMBOLS / row) rows = MOST_SYMBOLS / row;
    rows = rows < least ? least : d->rank > 1 ? rows / d->window * d->window : rows;
    if (rows > f->extent[0] / 2)
        return ardm_fail(ARDM_EINVAL, "%s is too small to hold a part of it out, and there are too few other files; give more", f->path);
    return hold(d, f, 0, f->extent[0] - rows);
}

/* --- where it is noted ------------------------------------------------------------------------------------------------------------- */

static ardm_status note(const quick_data *d, const char *folder) {
    char path[4096];
    json_t *list = json_array();
    for (int32_t i = 0; i < d->n_held; i++) {
        const quick_part *p = &d->held[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "path", p->path, "first", (json_int_t)p->first, "end", (json_int_t)p->end,
                                        "from", (json_int_t)p->from, "bytes", (json_int_t)p->bytes, "symbols", (json_int_t)p->symbols));
    }
    json_t *all = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:o}", "modality", ardm_modality_id(d->modality), "variant", d->variant, "shape",
                            d->shape ? d->shape : "", "rank", (int)d->rank, "channels", (int)d->channels, "classes", (int)d->classes, "window",
                            (json_int_t)d->window, "held_out", list);
    char *text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
    ardm_status status = text ? ARDM_OK : ardm_fail(ARDM_EINVAL, "a path of the held-out files is no UTF-8 and cannot be noted");
    if (status == ARDM_OK && snprintf(path, sizeof path, "%s/held-out.json", folder) >= (int)sizeof path)
        status = ardm_fail(ARDM_EINVAL, "path too long: %s", folder);
    if (status == ARDM_OK) status = ardm_file_write(path, text, strlen(text), 1);
    free(text);
    json_decref(all);
    return status;
}

static ardm_status read_note(quick_data *d, const json_t *all, const char *path) {
    const char *id, *variant, *shape;
    int rank, channels, classes;
    json_int_t window, numbers[5];
    json_t *list, *each;
    size_t i;
    if (json_unpack((json_t *)(uintptr_t)all, "{s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:o}", "modality", &id, "variant", &variant, "shape", &shape,
                    "rank", &rank, "channels", &channels, "classes", &classes, "window", &window, "held_out", &list) != 0 ||
        !json_is_array(list) || rank < 1 || rank > 2 || window < 1)
        return ardm_fail(ARDM_EFORMAT, "%s does not say what was held out", path);
    ARDM_TRY(ardm_modality_find(&d->modality, id));
    snprintf(d->variant, sizeof d->variant, "%s", variant);
    if (shape[0] && !(d->shape = malloc(strlen(shape) + 1))) return ardm_fail(ARDM_ENOMEM, "no memory for a shape");
    if (d->shape) strcpy(d->shape, shape);
    d->rank = (uint32_t)rank;
    d->channels = (uint32_t)channels;
    d->classes = (uint32_t)classes;
    d->window = window;
    d->held = calloc(json_array_size(list) + 1, sizeof *d->held);
    if (!d->held) return ardm_fail(ARDM_ENOMEM, "no memory for a list");
    json_array_foreach(list, i, each) {
        const char *file;
        quick_part *p = &d->held[d->n_held];
        if (json_unpack(each, "{s:s, s:I, s:I, s:I, s:I, s:I}", "path", &file, "first", &numbers[0], "end", &numbers[1], "from", &numbers[2], "bytes",
                        &numbers[3], "symbols", &numbers[4]) != 0 ||
            numbers[0] < 0 || numbers[1] <= numbers[0] || numbers[2] < 0 || numbers[3] < 1 || numbers[4] < 1)
            return ardm_fail(ARDM_EFORMAT, "%s: entry %zu is no part of a file", path, i);
        *p = (quick_part){malloc(strlen(file) + 1), numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
        if (!p->path) return ardm_fail(ARDM_ENOMEM, "no memory for a path");
        strcpy(p->path, file);
        d->n_held++;
        d->held_bytes += p->bytes;
        d->held_symbols += p->symbols;
    }
    return d->n_held ? ARDM_OK : ardm_fail(ARDM_EFORMAT, "%s names nothing that was held out", path);
}

ardm_status quick_split_read(quick_data *out, const char *folder, uint64_t memory) {
    char path[4096];
    json_error_t error;
    memset(out, 0, sizeof *out);
    out->memory = memory;
    if (snprintf(path, sizeof path, "%s/held-out.json", folder) >= (int)sizeof path) return ardm_fail(ARDM_EINVAL, "path too long: %s", folder);
    if (!ardm_file_exists(path)) return ardm_fail(ARDM_ENOTFOUND, "%s is missing: %s is no run of --quick", path, folder);
    json_t *all = json_load_file(path, 0, &error);
    if (!all) return ardm_fail(ARDM_EFORMAT, "%s:%d: %s", path, error.line, error.text);
    ardm_status status = read_note(out, all, path);
    json_decref(all);
    if (status != ARDM_OK) quick_data_free(out);
    return status;
}

/* --- what is left for training ----------------------------------------------------------------------------------------------------- */

/* What [data] path can say: no blank, pattern, range, quote or comment. */
static int32_t plain(const char *path) {
    for (; *path; path++)
        if ((unsigned char)*path <= ' ' || strchr("*?[]{}\\\"';#@%~", *path)) return 0;
    return 1;
}

static const quick_part *held_of(const quick_data *d, const quick_file *f) {
    for (int32_t i = 0; i < d->n_held; i++)
        if (strcmp(d->held[i].path, f->path) == 0) return &d->held[i];
    return NULL;
}

static ardm_status list_plainly(quick_data *d, int32_t *listed) {
    *listed = 1;
    for (int32_t i = 0; i < d->n_files; i++) {
        const quick_part *p = held_of(d, &d->files[i]);
        if (p && p->first == 0 && p->from == 0) continue;
        *listed &= plain(d->files[i].path) && (!p || p->from == 0 || is_text(d));
        ARDM_TRY(ardm_bytes_printf(&d->paths, "%s%s", d->paths.size ? " " : "", d->files[i].path));
        if (p && p->from > 0) ARDM_TRY(ardm_bytes_printf(&d->paths, "@0:%lld", (long long)p->from));
    }
    *listed &= d->paths.size <= LINE;
    return ARDM_OK;
}

/* Links of an earlier try that came to no run. */
static ardm_status empty_folder(const char *folder) {
    char path[4096];
    DIR *directory = opendir(folder);
    struct dirent *entry;
    ardm_status status = ARDM_OK;
    if (!directory) return ardm_fail(ARDM_EIO, "%s cannot be read", folder);
    while (status == ARDM_OK && (entry = readdir(directory)) != NULL) {
        const size_t digits = strspn(entry->d_name, "0123456789");
        if (entry->d_name[0] == '.') continue;
        if (digits != 6 || entry->d_name[6] != '-' || snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path)
            status = ardm_fail(ARDM_EEXIST, "%s/%s is not of a quick run; choose another folder with -o", folder, entry->d_name);
        else if (unlink(path) != 0)
            status = ardm_fail(ARDM_EIO, "%s cannot be removed", path);
    }
    closedir(directory);
    return status;
}

/* Too many paths for a line, or such as a config cannot say: a folder of links, and of what is left of a file that was cut. */
static ardm_status list_in_folder(quick_data *d, const char *folder) {
    char place[4096], path[4200];
    char *absolute = realpath(folder, NULL);
    if (!absolute) return ardm_fail(ARDM_EIO, "%s: its absolute path cannot be told", folder);
    ardm_status status = ARDM_OK;
    if (!plain(absolute))
        status = ardm_fail(ARDM_EINVAL, "the run folder %s has a character in its path that a config cannot say; choose another with -o", absolute);
    else if (snprintf(place, sizeof place, "%s/data", absolute) >= (int)sizeof place)
        status = ardm_fail(ARDM_EINVAL, "path too long: %s", absolute);
    free(absolute);
    if (status == ARDM_OK) status = ardm_make_directories(place);
    if (status == ARDM_OK) status = empty_folder(place);
    for (int32_t i = 0; i < d->n_files && status == ARDM_OK; i++) {
        const quick_file *f = &d->files[i];
        const quick_part *p = held_of(d, f);
        if (p && p->first == 0 && p->from == 0) continue;
        snprintf(path, sizeof path, "%s/%06d-%.80s", place, i, base_name(f->path));
        if (p && p->from > 0) {
            ardm_bytes kept = {0};
            status = rows_as_file(&kept, d, f->path, 0, p->from);
            if (status == ARDM_OK) status = ardm_file_write(path, kept.data, kept.size, 1);
            ardm_bytes_free(&kept);
        } else if (symlink(f->path, path) != 0)
            status = ardm_fail(ARDM_EIO, "%s: no link to %s can be made", path, f->path);
    }
    d->paths.size = 0;
    return status == ARDM_OK ? ardm_bytes_printf(&d->paths, "%s/*", place) : status;
}

ardm_status quick_split(quick_data *d, const char *folder) {
    int32_t listed;
    d->held = calloc((size_t)d->n_files, sizeof *d->held);
    if (!d->held) return ardm_fail(ARDM_ENOMEM, "no memory for a list of %d files", d->n_files);
    const int32_t k = files_to_hold(d);
    ardm_status status = k ? ARDM_OK : hold_end(d);
    for (int32_t i = 0; i < k && status == ARDM_OK; i++) status = hold(d, &d->files[(2 * (int64_t)i + 1) * d->n_files / (2 * k)], 0, 0);
    if (status == ARDM_OK) status = ardm_make_directories(folder);
    if (status == ARDM_OK) status = list_plainly(d, &listed);
    if (status == ARDM_OK && !listed) status = list_in_folder(d, folder);
    return status == ARDM_OK ? note(d, folder) : status;
}
