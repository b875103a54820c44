/* Built programs on disk. A driver compiles a kernel at its first launch with a local size, so a binary saved right after the
 * build holds little (73 + 2.8 ms against 69 + 117 ms were measured on PoCL): programs are saved after launches, and again when a
 * later launch used a pair of kernel and local size that the saved binary lacks.
 *
 * Entry: "ARDMPRG1" · key 32 · SHA-256 of the rest 32 · device text length u32, bytes · pairs u32, u64 each · binary u64, bytes. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ardm/cache.h"
#include "ardm/log.h"
#include "device_private.h"

enum { HEAD = 8 + 32 + 32, MOST_PAIRS = 4096 };
static const char magic[9] = "ARDMPRG1";
#define MOST_ENTRY (UINT64_C(64) << 20)

ardm_status ardm_cache_folder(char *out, size_t size) {
    const char *own = getenv("ARDM_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int written;
    if (own && own[0]) {
        if (strcmp(own, "off") == 0) return ardm_fail(ARDM_ENOTFOUND, "ARDM_CACHE is off");
        written = snprintf(out, size, "%s", own);
    } else if (xdg && xdg[0] == '/') {
        written = snprintf(out, size, "%s/ardm", xdg);
    } else if (home && home[0] == '/') {
        written = snprintf(out, size, "%s/.cache/ardm", home);
    } else {
        return ardm_fail(ARDM_ENOTFOUND, "neither ARDM_CACHE nor XDG_CACHE_HOME nor HOME names a folder for the cache");
    }
    return written > 0 && (size_t)written < size ? ARDM_OK : ardm_fail(ARDM_EINVAL, "the cache folder's name has %d bytes", written);
}

void ardm__cache_key(ardm_program *program, const char *prelude) {
    const ardm_device_facts *facts = program->device->facts;
    const char *const fields[] = {magic,       prelude,       program->source, program->options, facts->platform,
                                  facts->name, facts->vendor, facts->driver,   facts->version,   facts->c_version};
    ardm_identity *identity;
    memset(&program->key, 0, sizeof program->key);
    if (ardm_identity_begin(&identity) != ARDM_OK) return;
    for (size_t k = 0; k < sizeof fields / sizeof fields[0]; ++k) ardm_identity_field(identity, fields[k], strlen(fields[k]));
    /* PoCL compiles for as many units as it runs on in some versions; the number costs nothing here. */
    ardm_identity_field(identity, &facts->compute_units, sizeof facts->compute_units);
    ardm_identity_end(&identity, &program->key);
}

static ardm_status entry_path(char *out, size_t size, const ardm_sha256 *key) {
    char folder[900], hex[65];
    ARDM_TRY(ardm_cache_folder(folder, sizeof folder));
    ardm_sha256_hex(key, hex);
    snprintf(out, size, "%s/%s.program", folder, hex);
    return ARDM_OK;
}

typedef struct parsed {
    const uint8_t *key, *pairs, *binary;
    const char *device;
    uint32_t device_bytes, n_pairs;
    uint64_t binary_bytes;
} parsed;

static int take(const uint8_t **at, size_t *left, void *out, size_t bytes) {
    if (*left < bytes) return 0;
    memcpy(out, *at, bytes);
    *at += bytes;
    *left -= bytes;
    return 1;
}

/* 1 when the entry is whole, as its checksum says, and its lengths add up. */
static int parse_entry(parsed *out, const uint8_t *data, size_t size) {
    ardm_sha256 sum;
    if (size < HEAD || memcmp(data, magic, 8) != 0) return 0;
    ardm_sha256_of(&sum, data + HEAD, size - HEAD);
    if (memcmp(sum.bytes, data + 40, 32) != 0) return 0;
    out->key = data + 8;
    const uint8_t *at = data + HEAD;
    size_t left = size - HEAD;
    if (!take(&at, &left, &out->device_bytes, 4) || left < out->device_bytes) return 0;
    out->device = (const char *)at;
    at += out->device_bytes;
    left -= out->device_bytes;
    if (!take(&at, &left, &out->n_pairs, 4) || out->n_pairs > MOST_PAIRS || left < 8 * (size_t)out->n_pairs) return 0;
    out->pairs = at;
    at += 8 * (size_t)out->n_pairs;
    left -= 8 * (size_t)out->n_pairs;
    if (!take(&at, &left, &out->binary_bytes, 8) || left != out->binary_bytes || left == 0) return 0;
    out->binary = at;
    return 1;
}

static int load_binary(ardm_program *program, const parsed *entry) {
    ardm_device *device = program->device;
    cl_int code, status;
    size_t length = entry->binary_bytes;
    program->program = clCreateProgramWithBinary(device->context, 1, &device->id, &length, (const unsigned char *[]){entry->binary}, &status, &code);
    if (!program->program) return 0;
    if (code == CL_SUCCESS && status == CL_SUCCESS && clBuildProgram(program->program, 1, &device->id, "", NULL, NULL) == CL_SUCCESS) {
        program->pairs = malloc(8 * (size_t)entry->n_pairs + 8);
        if (program->pairs) {
            memcpy(program->pairs, entry->pairs, 8 * (size_t)entry->n_pairs);
            program->n_pairs = entry->n_pairs;
            return 1;
        }
    }
    clReleaseProgram(program->program);
    program->program = NULL;
    return 0;
}

int32_t ardm__cache_load(ardm_program *program) {
    char path[1024];
    ardm_bytes data = {0};
    parsed entry;
    int loaded = 0;
    if (entry_path(path, sizeof path, &program->key) != ARDM_OK || access(path, R_OK) != 0) return 0;
    if (ardm_file_read(&data, path, MOST_ENTRY, 0) == ARDM_OK && parse_entry(&entry, data.data, data.size) &&
        memcmp(entry.key, program->key.bytes, 32) == 0)
        loaded = load_binary(program, &entry);
    if (loaded)
        utimensat(AT_FDCWD, path, NULL, 0); /* the size cap drops what was not used for longest */
    else
        unlink(path);
    ardm_bytes_free(&data);
    return loaded;
}

void ardm__cache_launched(ardm_program *program, const char *kernel, const uint64_t local[3]) {
    uint64_t pair = ardm_xxh64(kernel, strlen(kernel)) ^ ardm_xxh64(local, 3 * sizeof *local);
    for (uint32_t k = 0; k < program->n_pairs; ++k)
        if (program->pairs[k] == pair) return;
    if (program->n_pairs == MOST_PAIRS) return;
    uint64_t *grown = realloc(program->pairs, (program->n_pairs + 1) * sizeof *grown);
    if (!grown) return;
    program->pairs = grown;
    program->pairs[program->n_pairs++] = pair;
    program->dirty = 1;
    program->device->dirty = 1;
}

typedef struct file_entry {
    char name[80];
    uint64_t bytes;
    int64_t used;
} file_entry;

static int by_use(const void *a, const void *b) {
    const file_entry *x = a, *y = b;
    return x->used < y->used ? -1 : x->used > y->used;
}
static int by_name(const void *a, const void *b) { return strcmp(((const file_entry *)a)->name, ((const file_entry *)b)->name); }

static int ends_in(const char *name, const char *end) {
    size_t length = strlen(name), tail = strlen(end);
    return length > tail && strcmp(name + length - tail, end) == 0;
}

/* Only names that ardm gives are ours; the folder may hold other files. */
static int is_ours(const char *name) {
    size_t hex = strspn(name, "0123456789abcdef");
    if (hex == 64 && (strcmp(name + 64, ".program") == 0 || strcmp(name + 64, ".probe") == 0)) return 1;
    return strncmp(name, "build-", 6) == 0 && strspn(name + 6, "0123456789abcdef") == 16 && strcmp(name + 22, ".log") == 0;
}

static size_t scan(file_entry **out, const char *folder, const char *only) {
    size_t count = 0, room = 0;
    DIR *open = opendir(folder);
    *out = NULL;
    if (!open) return 0;
    for (struct dirent *item; (item = readdir(open)) != NULL;) {
        char path[1200];
        struct stat facts;
        if (!is_ours(item->d_name) || (only && !ends_in(item->d_name, only)) || strlen(item->d_name) >= 80) continue;
        snprintf(path, sizeof path, "%s/%s", folder, item->d_name);
        if (stat(path, &facts) != 0) continue; /* another process removed it */
        if (count == room) {
            file_entry *grown = realloc(*out, (room = room * 2 + 16) * sizeof *grown);
            if (!grown) break;
            *out = grown;
        }
        file_entry *entry = &(*out)[count++];
        memset(entry, 0, sizeof *entry);
        memcpy(entry->name, item->d_name, strlen(item->d_name));
        entry->bytes = (uint64_t)facts.st_size;
        entry->used = (int64_t)facts.st_mtim.tv_sec;
    }
    closedir(open);
    return count;
}

static void enforce_cap(const char *folder) {
    file_entry *entries;
    uint64_t total = 0, cap = ARDM_CACHE_CAP;
    const char *other = getenv("ARDM_CACHE_CAP"); /* bytes, for tests and small disks */
    if (other && other[0]) cap = strtoull(other, NULL, 10);
    size_t count = scan(&entries, folder, ".program");
    for (size_t k = 0; k < count; ++k) total += entries[k].bytes;
    if (total > cap) qsort(entries, count, sizeof *entries, by_use);
    for (size_t k = 0; k < count && total > cap; ++k) {
        char path[1200];
        snprintf(path, sizeof path, "%s/%s", folder, entries[k].name);
        if (unlink(path) == 0) total -= entries[k].bytes;
    }
    free(entries);
}

static ardm_status pack(ardm_bytes *out, const ardm_program *program, const uint8_t *binary, uint64_t bytes) {
    char device[120];
    uint8_t head[HEAD];
    ardm_sha256 sum;
    memset(head, 0, sizeof head);
    memcpy(head, magic, 8);
    memcpy(head + 8, program->key.bytes, 32);
    int length = snprintf(device, sizeof device, "%.70s, %.40s", program->device->facts->name, program->device->facts->driver);
    uint32_t text = length > 0 ? (uint32_t)length : 0;
    ARDM_TRY(ardm_bytes_append(out, head, sizeof head));
    ARDM_TRY(ardm_bytes_append(out, &text, 4));
    ARDM_TRY(ardm_bytes_append(out, device, text));
    ARDM_TRY(ardm_bytes_append(out, &program->n_pairs, 4));
    ARDM_TRY(ardm_bytes_append(out, program->pairs, 8 * (size_t)program->n_pairs));
    ARDM_TRY(ardm_bytes_append(out, &bytes, 8));
    ARDM_TRY(ardm_bytes_append(out, binary, bytes));
    ardm_sha256_of(&sum, out->data + HEAD, out->size - HEAD);
    memcpy(out->data + 40, sum.bytes, 32);
    return ARDM_OK;
}

static void save(ardm_program *program) {
    char folder[900], path[1024];
    size_t size = 0;
    uint8_t *binary = NULL;
    ardm_bytes data = {0};
    if (ardm_cache_folder(folder, sizeof folder) != ARDM_OK || ardm_make_directories(folder) != ARDM_OK) return;
    if (entry_path(path, sizeof path, &program->key) != ARDM_OK) return;
    if (clGetProgramInfo(program->program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) != CL_SUCCESS) return;
    if (size == 0 || size > MOST_ENTRY / 2 || (binary = malloc(size)) == NULL) return;
    unsigned char *binaries[1] = {binary};
    if (clGetProgramInfo(program->program, CL_PROGRAM_BINARIES, sizeof binaries, binaries, NULL) == CL_SUCCESS &&
        pack(&data, program, binary, size) == ARDM_OK && ardm_file_write(path, data.data, data.size, 1) == ARDM_OK)
        enforce_cap(folder);
    ardm_bytes_free(&data);
    free(binary);
}

void ardm__cache_save(ardm_device *device) {
    if (!device->dirty) return;
    device->dirty = 0;
    for (ardm_program *program = device->programs; program; program = program->next) {
        if (!program->dirty) continue;
        program->dirty = 0;
        save(program);
    }
}

ardm_status ardm_cache_list(ardm_cache_entry **out, size_t *count) {
    char folder[900], path[1200];
    file_entry *files;
    *out = NULL;
    *count = 0;
    ARDM_TRY(ardm_cache_folder(folder, sizeof folder));
    size_t n = scan(&files, folder, NULL);
    if (n) qsort(files, n, sizeof *files, by_name);
    ardm_cache_entry *entries = calloc(n + 1, sizeof *entries);
    for (size_t k = 0; k < n && entries; ++k) {
        ardm_cache_entry *entry = &entries[k];
        ardm_bytes data = {0};
        parsed fields;
        snprintf(entry->name, sizeof entry->name, "%s", files[k].name);
        entry->bytes = files[k].bytes;
        entry->used = files[k].used;
        entry->good = -1;
        if (!ends_in(entry->name, ".program")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->name);
        entry->good = ardm_file_read(&data, path, MOST_ENTRY, 0) == ARDM_OK && parse_entry(&fields, data.data, data.size);
        if (entry->good) {
            char hex[65];
            ardm_sha256 key;
            memcpy(key.bytes, fields.key, 32);
            ardm_sha256_hex(&key, hex);
            entry->good = strncmp(hex, entry->name, 64) == 0;
            snprintf(entry->device, sizeof entry->device, "%.*s", (int)(fields.device_bytes < 119 ? fields.device_bytes : 119), fields.device);
        }
        ardm_bytes_free(&data);
    }
    free(files);
    if (!entries) return ardm_fail(ARDM_ENOMEM, "no memory to list %zu cache entries", n);
    *out = entries;
    *count = n;
    return ARDM_OK;
}

static ardm_status remove_some(uint32_t *seen, uint32_t *removed, int bad_only) {
    char folder[900], path[1200];
    ardm_cache_entry *entries;
    size_t count;
    *removed = 0;
    ARDM_TRY(ardm_cache_folder(folder, sizeof folder));
    ARDM_TRY(ardm_cache_list(&entries, &count));
    for (size_t k = 0; k < count; ++k) {
        if (entries[k].good >= 0 && seen) ++*seen;
        if (bad_only && entries[k].good != 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entries[k].name);
        *removed += unlink(path) == 0;
    }
    free(entries);
    return ARDM_OK;
}

ardm_status ardm_cache_verify(uint32_t *seen, uint32_t *removed) {
    *seen = 0;
    return remove_some(seen, removed, 1);
}

ardm_status ardm_cache_clear(uint32_t *removed) { return remove_some(NULL, removed, 0); }
