/* ardm compress: files to archives, verified by decoding and by the C reference. */
#include "codec_files.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ardm_status read_inputs(ardm_codec_input *inputs, ardm_bytes *contents, const char *variant, const arguments *args) {
    int64_t first, end;
    ARDM_TRY(items_range(&first, &end, args));
    for (int32_t i = 0; i < args->n_files; i++) {
        struct stat info = {0};
        const char *path = args->files[i];
        if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) return ardm_fail(ARDM_EINVAL, "%s is no regular file", path);
        /* A packed file is compressed as it is, unless its inside is asked for. */
        ARDM_TRY(ardm_file_read(&contents[i], path, memory_limit(args), has(args, "shape")));
        inputs[i] = (ardm_codec_input){.name = strcmp(path, "-") == 0 ? "" : base_name(path),
                                       .data = contents[i].data,
                                       .size = contents[i].size,
                                       .shape = argument(args, "shape"),
                                       .variant = variant[0] ? variant : NULL,
                                       .first = first,
                                       .end = end,
                                       .mode = (uint32_t)info.st_mode & 0777,
                                       .mtime = (int64_t)info.st_mtime,
                                       .named_model = has(args, "model")};
    }
    return ARDM_OK;
}

static ardm_status write_outputs(const ardm_bytes *archives, uint32_t n, const ardm_codec_report *reports, const arguments *args) {
    const char *to = argument(args, "output");
    char path[4096];
    if (has(args, "each")) {
        if (!to) return ardm_fail(ARDM_EINVAL, "--each needs a folder: -o DIR");
        ARDM_TRY(ardm_make_directories(to));
        for (uint32_t i = 0; i < n; i++) {
            if (snprintf(path, sizeof path, "%s/%s.ardz", to, reports[i].name) >= (int)sizeof path)
                return ardm_fail(ARDM_EINVAL, "path too long: %s", to);
            ARDM_TRY(ardm_file_write(path, archives[i].data, archives[i].size, has(args, "force")));
        }
        return ARDM_OK;
    }
    if (!to) {
        if (args->n_files > 1) return ardm_fail(ARDM_EINVAL, "several files: name the archive with -o X.ardz");
        if (strcmp(args->files[0], "-") == 0)
            to = "-";
        else if (snprintf(path, sizeof path, "%s.ardz", args->files[0]) >= (int)sizeof path)
            return ardm_fail(ARDM_EINVAL, "path too long");
        else
            to = path;
    }
    if (strcmp(to, "-") == 0 && isatty(STDOUT_FILENO)) return ardm_fail(ARDM_EINVAL, "an archive is no text for a terminal; use -o FILE or a pipe");
    return ardm_file_write(to, archives[0].data, archives[0].size, has(args, "force"));
}

static void print_reports(const ardm_codec_report *reports, uint32_t n, const ardm_bytes *archives, uint32_t n_archives, const arguments *args) {
    uint64_t in = 0, out = 0, dimensions = 0, stored = 0;
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++) {
        const ardm_codec_report *r = &reports[i];
        char hash[17];
        print_hash(hash, r->hash);
        in += r->input_bytes;
        dimensions += r->dimensions;
        stored += r->stored_chunks;
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:s, s:b}", "name", r->name, "modality",
                                              r->modality, "input_bytes", (json_int_t)r->input_bytes, "archive_bytes", (json_int_t)r->archive_bytes,
                                              "dimensions", (json_int_t)r->dimensions, "chunks", (json_int_t)r->chunks, "stored_chunks",
                                              (json_int_t)r->stored_chunks, "calls", (json_int_t)r->calls, "bits", r->bits, "predicted_bits",
                                              r->predicted, "xxh64", hash, "same_bytes", (int)r->same_bytes));
    }
    for (uint32_t i = 0; i < n_archives; i++) out += archives[i].size;
    if (has(args, "json")) {
        json_dumpf(list, stdout, JSON_INDENT(1));
        printf("\n");
    } else if (!has(args, "quiet")) {
        printf("%u item%s, %llu bytes to %llu, %.4f bits a dimension, all bytes counted; %llu chunk%s stored without the model%s\n", n,
               n == 1 ? "" : "s", (unsigned long long)in, (unsigned long long)out, dimensions ? 8.0 * (double)out / (double)dimensions : 0,
               (unsigned long long)stored, stored == 1 ? "" : "s", has(args, "no-verify") ? "; not verified" : "; verified by decoding");
        for (uint32_t i = 0; i < n && has(args, "verbose"); i++)
            printf("  %s: %s, %u calls, %llu to %llu bytes, predicted %.0f bits, coded %.0f, %s come back\n", reports[i].name, reports[i].modality,
                   reports[i].calls, (unsigned long long)reports[i].input_bytes, (unsigned long long)reports[i].archive_bytes, reports[i].predicted,
                   reports[i].bits, what_comes_back(&reports[i]));
    }
    json_decref(list);
}

static ardm_status run(const arguments *args) {
    ARDM_TRY(need_files(args, 1, 100000));
    int64_t steps, seed;
    ARDM_TRY(argument_int(&steps, args, "steps", 0, 1, 1 << 24));
    ARDM_TRY(argument_int(&seed, args, "seed", 0, 0, INT64_MAX));
    ardm_codec_input *inputs = calloc((size_t)args->n_files, sizeof *inputs);
    ardm_bytes *contents = calloc((size_t)args->n_files, sizeof *contents), *archives = NULL;
    ardm_codec_report *reports = NULL;
    uint32_t n_archives = 0, n_reports = 0;
    open_models models;
    ardm_models source = models_of(&models, args);
    ardm_codec_options options = {(uint32_t)steps, (uint64_t)seed, !has(args, "no-verify"), has(args, "each"), memory_limit(args)};
    ardm_status status = inputs && contents ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for %d files", args->n_files);
    char variant[32];
    if (status == ARDM_OK) status = named_variant(variant, &models);
    if (status == ARDM_OK) status = read_inputs(inputs, contents, variant, args);
    if (status == ARDM_OK) status = ardm_compress(&archives, &n_archives, &reports, &n_reports, inputs, (uint32_t)args->n_files, &source, &options);
    if (status == ARDM_OK) status = write_outputs(archives, n_archives, reports, args);
    const char *to = argument(args, "output");
    int32_t piped = (to && strcmp(to, "-") == 0) || (!to && strcmp(args->files[0], "-") == 0);
    if (status == ARDM_OK && !piped) print_reports(reports, n_reports, archives, n_archives, args);
    for (uint32_t i = 0; archives && i < n_archives; i++) ardm_bytes_free(&archives[i]);
    for (int32_t i = 0; contents && i < args->n_files; i++) ardm_bytes_free(&contents[i]);
    free(archives);
    free(reports);
    free(contents);
    free(inputs);
    close_models(&models);
    return status;
}

static const option options[] = {
    {"output", 'o', "FILE", "the archive, - for standard output; with --each a folder"},
    {"model", 'm', "MODEL", "a file or a name; default: chosen by what each file is"},
    {"steps", 0, "N", "network calls an item; default max(cells, min(48, units))"},
    {"each", 0, NULL, "every item an archive of its own"},
    {"shape", 0, "HxWxC", "read the file as a raw array of such items"},
    {"no-verify", 0, NULL, "neither decode again nor recompute a network call with the C reference before writing"},
    {NULL, 0, NULL, NULL},
};
const command command_compress = {"compress",
                                  "FILE… [-o X.ardz] [-m MODEL] [--steps N]",
                                  "Compress files without loss; what no model helps is stored, so nothing grows.",
                                  "ardm compress photo.png",
                                  options,
                                  run};
