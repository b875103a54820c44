/* ardm decompress, list and test: what is inside archives, and is it whole. */
#include "codec_files.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name from a file must stay inside the folder it is put in. */
static ardm_status check_name(const char *name) {
    if (!name[0] || name[0] == '/' || strcmp(name, "..") == 0 || strstr(name, "../") || strstr(name, "/.."))
        return ardm_fail(ARDM_EFORMAT, "the stored name '%.100s' is not safe; give -o FILE", name);
    return ARDM_OK;
}

static ardm_status target_of(char out[4096], const ardm_archive *archive, uint32_t index, const char *source, const arguments *args) {
    const char *to = argument(args, "output"), *name = ardm_archive_at(archive, index)->name;
    struct stat info;
    int32_t folder = to && ((stat(to, &info) == 0 && S_ISDIR(info.st_mode)) || (to[0] && to[strlen(to) - 1] == '/'));
    char stripped[4096];
    if (!name[0]) { /* X.ardz holds X */
        snprintf(stripped, sizeof stripped, "%s", base_name(source));
        size_t n = strlen(stripped);
        if (n > 5 && strcmp(stripped + n - 5, ".ardz") == 0)
            stripped[n - 5] = 0;
        else if (!to || folder)
            return ardm_fail(ARDM_EINVAL, "%s stores no name; give -o FILE", source);
        name = stripped;
    }
    if (to && !folder) {
        if (ardm_archive_count(archive) > 1 && !has(args, "item"))
            return ardm_fail(ARDM_EINVAL, "%u items: -o must be a folder", ardm_archive_count(archive));
        return snprintf(out, 4096, "%s", to) < 4096 ? ARDM_OK : ardm_fail(ARDM_EINVAL, "path too long");
    }
    ARDM_TRY(check_name(name));
    if (folder) ARDM_TRY(ardm_make_directories(to));
    return snprintf(out, 4096, "%s%s%s", folder ? to : "", folder ? "/" : "", name) < 4096 ? ARDM_OK : ardm_fail(ARDM_EINVAL, "path too long");
}

static ardm_status restore(const ardm_archive *archive, uint32_t index, const char *source, const ardm_models *models, const arguments *args) {
    ardm_bytes file = {0};
    ardm_codec_report report;
    char target[4096];
    ARDM_TRY(target_of(target, archive, index, source, args));
    if (strcmp(target, "-") != 0 && !has(args, "force") && ardm_file_exists(target))
        return ardm_fail(ARDM_EEXIST, "%s exists; overwrite with -f", target);
    ardm_status status = ardm_decompress(&file, &report, archive, index, models, memory_limit(args));
    if (status == ARDM_OK) status = ardm_file_write(target, file.data, file.size, has(args, "force"));
    const ardm_archive_item *item = ardm_archive_at(archive, index);
    if (status == ARDM_OK && strcmp(target, "-") != 0) {
        if (item->mode && chmod(target, item->mode & 0777) != 0)
            ardm_log_write(ARDM_LOG_WARNING, "%s: its permissions could not be restored", target);
        if (!has(args, "quiet"))
            printf("%s: %zu bytes, %s%s\n", target, file.size, what_comes_back(&report), report.same_bytes ? "" : ", in a new file");
    }
    ardm_bytes_free(&file);
    return status == ARDM_OK ? status : ardm_fail_in(status, "%s, item %u", source, index);
}

/* Calls `each` for the chosen items of every archive; a damaged archive does not keep the next from being read. */
static ardm_status for_items(const arguments *args,
                             ardm_status (*each)(const ardm_archive *, uint32_t, const char *, const ardm_models *, const arguments *)) {
    ARDM_TRY(need_files(args, 1, 100000));
    open_models models;
    ardm_models source = models_of(&models, args);
    ardm_status worst = ARDM_OK;
    int64_t only;
    ARDM_TRY(argument_int(&only, args, "item", -1, 0, INT32_MAX));
    for (int32_t i = 0; i < args->n_files; i++) {
        ardm_bytes bytes = {0};
        ardm_archive *archive = NULL;
        ardm_status status = read_archive(&archive, &bytes, args->files[i], args);
        if (status == ARDM_OK && only >= ardm_archive_count(archive))
            status = ardm_fail(ARDM_EINVAL, "%s has %u items; there is no item %lld", args->files[i], ardm_archive_count(archive), (long long)only);
        for (uint32_t k = 0; status == ARDM_OK && k < ardm_archive_count(archive); k++)
            if (only < 0 || only == k) status = each(archive, k, args->files[i], &source, args);
        ardm_archive_close(&archive);
        ardm_bytes_free(&bytes);
        if (status == ARDM_OK) continue;
        worst = status;
        if (i + 1 < args->n_files && status != ARDM_EINTERRUPT) ardm_log_write(ARDM_LOG_ERROR, "%s", ardm_message());
        if (status == ARDM_EINTERRUPT) break;
    }
    close_models(&models);
    return worst;
}

static ardm_status run_decompress(const arguments *args) { return for_items(args, restore); }

static ardm_status test_item(const ardm_archive *archive, uint32_t index, const char *source, const ardm_models *models, const arguments *args) {
    ardm_bytes file = {0};
    ardm_codec_report report;
    ardm_status status = ardm_decompress(&file, &report, archive, index, models, memory_limit(args));
    if (status == ARDM_OK && !has(args, "quiet")) printf("%s: item %u whole, %s\n", source, index, what_comes_back(&report));
    ardm_bytes_free(&file);
    return status == ARDM_OK ? status : ardm_fail_in(status, "%s, item %u", source, index);
}

static ardm_status run_test(const arguments *args) { return for_items(args, test_item); }

static ardm_status list_archive(json_t *all, const char *path, const arguments *args) {
    static const char *const names[] = {"stored", "image", "text", "audio"};
    ardm_bytes bytes = {0};
    ardm_archive *archive = NULL;
    ardm_status status = read_archive(&archive, &bytes, path, args);
    for (uint32_t i = 0; status == ARDM_OK && i < ardm_archive_count(archive); i++) {
        const ardm_archive_item *item = ardm_archive_at(archive, i);
        char model[17], hash[17], extents[128] = "";
        uint64_t values = 1, stored = 0;
        for (uint32_t k = 0; k < 8; k++) snprintf(model + 2 * k, 3, "%02x", item->identity[k]);
        print_hash(hash, item->hash);
        for (uint32_t k = 0; k < item->n_extents; k++) {
            size_t n = strlen(extents);
            snprintf(extents + n, sizeof extents - n, "%s%llu", k ? "x" : "", (unsigned long long)item->extents[k]);
            values *= item->extents[k];
        }
        for (uint64_t k = 0; k < item->n_chunks && status == ARDM_OK; k++) {
            ardm_archive_chunk chunk;
            status = ardm_archive_chunk_at(archive, i, k, &chunk);
            stored += status == ARDM_OK && chunk.kind != ARDM_CHUNK_CODED;
        }
        uint64_t size = ardm_archive_item_bytes(archive, i);
        const char *kind = names[item->modality < 4 ? item->modality : 0];
        json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:s}", "archive", path, "name", item->name, "kind", kind,
                                             "extents", extents, "bytes", (json_int_t)size, "chunks", (json_int_t)item->n_chunks, "stored_chunks",
                                             (json_int_t)stored, "numerics", (json_int_t)item->numerics, "model", item->modality ? model : "",
                                             "xxh64", hash));
        if (!has(args, "json"))
            printf("%-6s %12s %10llu bytes %7.3f bits/dim %6llu chunks (%llu stored)  model %s  xxh64 %s  %s\n", kind, extents,
                   (unsigned long long)size, values ? 8.0 * (double)size / (double)values : 0, (unsigned long long)item->n_chunks,
                   (unsigned long long)stored, item->modality ? model : "none", hash, item->name[0] ? item->name : "(no name)");
    }
    ardm_archive_close(&archive);
    ardm_bytes_free(&bytes);
    return status;
}

static ardm_status run_list(const arguments *args) {
    ARDM_TRY(need_files(args, 1, 100000));
    json_t *all = json_array();
    ardm_status status = ARDM_OK;
    for (int32_t i = 0; i < args->n_files && status == ARDM_OK; i++) status = list_archive(all, args->files[i], args);
    if (status == ARDM_OK && has(args, "json")) {
        json_dumpf(all, stdout, JSON_INDENT(1));
        printf("\n");
    }
    json_decref(all);
    return status;
}

static const option decompress_options[] = {
    {"output", 'o', "PATH", "a file, a folder, or - for standard output"},
    {"model", 'm', "MODEL", "a file or a name; default: found by the archive's identity"},
    {"item", 0, "N", "one item alone"},
    {NULL, 0, NULL, NULL},
};
static const option test_options[] = {
    {"model", 'm', "MODEL", "a file or a name; default: found by the archive's identity"},
    {"item", 0, "N", "one item alone"},
    {NULL, 0, NULL, NULL},
};
static const option list_options[] = {{NULL, 0, NULL, NULL}};
const command command_decompress = {"decompress",
                                    "X.ardz… [-o PATH] [--item N]",
                                    "Restore files; the hash of each is checked before it is written.",
                                    "ardm decompress photo.png.ardz -o photo.png",
                                    decompress_options,
                                    run_decompress};
const command command_test = {"test",       "X.ardz…", "Decode everything and check every hash, writing nothing.", "ardm test *.ardz",
                              test_options, run_test};
const command command_list = {"list", "X.ardz…", "What archives hold, without their models.", "ardm list photos.ardz", list_options, run_list};
