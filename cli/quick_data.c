/* What the files of a quick run are: one kind, recognised as compress recognises it, and enough of it. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "quick.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LEAST_WINDOWS = 100, EDGE = 32, WINDOW = 512, SOUND = 2048, NAMED = 5 };

static char *copy_of(const char *text) {
    char *copy = malloc(strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

static ardm_status check_path(char **absolute, const quick_data *d, const char *path) {
    struct stat info;
    *absolute = NULL;
    if (strcmp(path, "-") == 0) return ardm_fail(ARDM_EINVAL, "--quick reads its files more than once: standard input cannot be one");
    if (stat(path, &info) != 0) return ardm_fail(ARDM_ENOTFOUND, "%s: no such file", path);
    if (S_ISDIR(info.st_mode)) return ardm_fail(ARDM_EINVAL, "%s is a folder; name the files in it, such as %s/*", path, path);
    if (!S_ISREG(info.st_mode)) return ardm_fail(ARDM_EINVAL, "%s is no regular file", path);
    if (!(*absolute = realpath(path, NULL))) return ardm_fail(ARDM_EIO, "%s: its absolute path cannot be told", path);
    for (int32_t i = 0; i < d->n_files; i++)
        if (strcmp(d->files[i].path, *absolute) == 0) {
            free(*absolute);
            *absolute = NULL;
            return ardm_fail(ARDM_EINVAL, "%s was given twice; what is held out of it would be trained on", path);
        }
    return ARDM_OK;
}

/* A shape names the first modality that reads raw arrays of it. */
static ardm_status open_shaped(ardm_source **out, const ardm_bytes *content, const char *path, const ardm_modality_options *how) {
    const ardm_modality *reader;
    ardm_bytes why = {0};
    ardm_status status = ARDM_EINVAL;
    for (uint32_t i = 0; status != ARDM_OK && (reader = ardm_modality_at(i)) != NULL; i++) {
        status = ardm_source_open(out, reader, content->data, content->size, path, how);
        if (status != ARDM_OK) ARDM_TRY(ardm_bytes_printf(&why, "\n  %s: %s", ardm_modality_id(reader), ardm_message()));
    }
    if (status != ARDM_OK)
        ardm_fail(status, "%s: no modality reads it as arrays of %s:%s", path, how->shape, why.data ? (const char *)why.data : " there is none");
    ardm_bytes_free(&why);
    return status;
}

/* As compress recognises a file; one that announces itself needs no shape. */
static ardm_status open_content(ardm_source **out, const ardm_bytes *content, const char *path, const arguments *args) {
    ardm_modality_options how = ARDM_MODALITY_OPTIONS_INIT;
    const ardm_modality *probed = NULL;
    const char *shape = argument(args, "shape");
    how.variant = argument(args, "variant");
    how.memory = memory_limit(args);
    *out = NULL;
    ARDM_TRY(ardm_modality_probe(&probed, content->data, content->size, path));
    const int32_t text = strcmp(ardm_modality_id(probed), "text") == 0;
    if (shape && text) {
        how.shape = shape;
        return open_shaped(out, content, path, &how);
    }
    if (text && !how.variant && !ardm_reads_as_text(content->data, content->size))
        return ardm_fail(ARDM_EUNSUPPORTED,
                         "%s: no modality reads it, and it is no prose; --variant bytes takes its bytes as they are, --shape as raw arrays", path);
    return ardm_source_open(out, probed, content->data, content->size, path, &how);
}

static int32_t same_kind(const quick_data *d, const ardm_source *source) {
    const ardm_item *header = ardm_source_header(source);
    return ardm_source_modality(source) == d->modality && strcmp(header->variant, d->variant) == 0 && header->rank == d->rank &&
           header->channels == d->channels && header->classes == d->classes;
}

static ardm_status take_kind(quick_data *d, const ardm_source *source, const char *path) {
    const ardm_item *header = ardm_source_header(source);
    d->modality = ardm_source_modality(source);
    snprintf(d->variant, sizeof d->variant, "%s", header->variant);
    d->rank = header->rank;
    d->channels = header->channels;
    d->classes = header->classes;
    if (d->rank > 2) return ardm_fail(ARDM_EUNSUPPORTED, "%s: items of rank %u have no network here", path, d->rank);
    if (d->rank == 1 && d->channels > 1)
        return ardm_fail(ARDM_EUNSUPPORTED, "%s is %s %s: %u symbols a position have no network yet; mix the channels, or take them apart", path,
                         ardm_modality_id(d->modality), d->variant, d->channels);
    return ARDM_OK;
}

/* Adds a file; one of another kind than the first is named in `odd`. */
static ardm_status look_at(quick_data *d, const char *path, ardm_bytes *odd, int32_t *n_odd, const arguments *args) {
    ardm_bytes content = {0};
    ardm_source *source = NULL;
    char *absolute = NULL;
    ARDM_TRY(check_path(&absolute, d, path));
    ardm_status status = ardm_file_read(&content, path, memory_limit(args), 1);
    if (status == ARDM_OK && content.size == 0) status = ardm_fail(ARDM_EINVAL, "%s is empty", path);
    if (status == ARDM_OK) status = open_content(&source, &content, path, args);
    if (status == ARDM_OK && ardm_source_header(source)->count * ardm_source_items(source) == 0)
        status = ardm_fail(ARDM_EINVAL, "%s holds nothing", path);
    if (status == ARDM_OK && d->n_files == 0) status = take_kind(d, source, path);
    if (status == ARDM_OK && !same_kind(d, source) && ++*n_odd <= NAMED)
        status = ardm_bytes_printf(odd, "%s%s is %s %s", *n_odd > 1 ? ", " : "", path, ardm_modality_id(ardm_source_modality(source)),
                                   ardm_source_header(source)->variant);
    if (status == ARDM_OK) {
        const ardm_item *header = ardm_source_header(source);
        d->files[d->n_files++] = (quick_file){absolute,
                                              (int64_t)content.size,
                                              ardm_source_items(source),
                                              {header->extents[0], header->rank > 1 ? header->extents[1] : 1},
                                              header->count * ardm_source_items(source)};
        absolute = NULL;
    }
    free(absolute);
    ardm_source_close(&source);
    ardm_bytes_free(&content);
    return status;
}

/* Tiles of 32 where at least half of the pixels are in pictures that hold one; else what the smallest picture holds, even for space-to-depth. */
static ardm_status choose_window(quick_data *d) {
    int64_t least = INT64_MAX, large = 0;
    d->window = strcmp(ardm_modality_id(d->modality), "audio") == 0 ? SOUND : WINDOW;
    if (d->rank == 1) return ARDM_OK;
    for (int32_t i = 0; i < d->n_files; i++) {
        const int64_t *e = d->files[i].extent, side = e[0] < e[1] ? e[0] : e[1];
        if (side < least) least = side;
        if (side >= EDGE) large += d->files[i].symbols;
    }
    d->window = large >= d->symbols - large ? EDGE : least / 2 * 2;
    if (d->window < 8)
        return ardm_fail(ARDM_EUNSUPPORTED, "the smallest picture is %lld pixels high or wide; a network needs tiles of 8 at least",
                         (long long)least);
    return ARDM_OK;
}

static int64_t windows_of(const quick_data *d, const quick_file *f) {
    return f->items * (f->extent[0] / d->window) * (d->rank > 1 ? f->extent[1] / d->window : 1);
}

static ardm_status check_amount(const quick_data *d) {
    const int64_t each = d->rank > 1 ? d->window * d->window * d->channels : d->window;
    char what[64];
    if (d->windows >= LEAST_WINDOWS) return ARDM_OK;
    if (d->rank > 1)
        snprintf(what, sizeof what, "tiles of %lldx%lld", (long long)d->window, (long long)d->window);
    else
        snprintf(what, sizeof what, "windows of %lld", (long long)d->window);
    return ardm_fail(
        ARDM_EINVAL,
        "%lld symbols in %d file%s are too little: they hold %lld %s, and %d are needed (%lld symbols). A network that sees fewer learns "
        "them by heart, and what it says of others cannot be measured",
        (long long)d->symbols, d->n_files, d->n_files == 1 ? "" : "s", (long long)d->windows, what, LEAST_WINDOWS, (long long)(LEAST_WINDOWS * each));
}

ardm_status quick_look(quick_data *out, const arguments *args) {
    ardm_bytes odd = {0};
    int32_t n_odd = 0;
    memset(out, 0, sizeof *out);
    out->memory = memory_limit(args);
    out->limit = has(args, "memory") ? out->memory : 0;
    out->files = calloc((size_t)args->n_files, sizeof *out->files);
    if (!out->files) return ardm_fail(ARDM_ENOMEM, "no memory for %d files", args->n_files);
    ardm_status status = ARDM_OK;
    if (has(args, "shape") && !(out->shape = copy_of(argument(args, "shape")))) status = ardm_fail(ARDM_ENOMEM, "no memory for a shape");
    for (int32_t i = 0; i < args->n_files && status == ARDM_OK; i++) {
        status = look_at(out, args->files[i], &odd, &n_odd, args);
        if (status == ARDM_OK) status = ardm_progress("look", i + 1, args->n_files, "files", NULL);
    }
    if (status == ARDM_OK && n_odd > 0)
        status = ardm_fail(ARDM_EINVAL, "a model is for one kind of file: %s is %s %s, but %s%s; give each kind a run of its own", args->files[0],
                           ardm_modality_id(out->modality), out->variant, (const char *)odd.data, n_odd > NAMED ? " and others" : "");
    ardm_bytes_free(&odd);
    ARDM_TRY(status);
    for (int32_t i = 0; i < out->n_files; i++) {
        out->symbols += out->files[i].symbols;
        out->bytes += out->files[i].bytes;
    }
    ARDM_TRY(choose_window(out));
    for (int32_t i = 0; i < out->n_files; i++) out->windows += windows_of(out, &out->files[i]);
    return check_amount(out);
}

void quick_data_free(quick_data *d) {
    for (int32_t i = 0; i < d->n_files; i++) free(d->files[i].path);
    for (int32_t i = 0; i < d->n_held; i++) free(d->held[i].path);
    free(d->files);
    free(d->held);
    free(d->shape);
    ardm_bytes_free(&d->paths);
    memset(d, 0, sizeof *d);
}
