/* file.c: growable bytes, whole files in, atomic files out. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "ardm/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unpack.h"

enum { CHUNK = 1 << 20 };

/* ---- bytes ---- */

ardm_status ardm_bytes__reserve(ardm_bytes *bytes, size_t more) {
    if (more <= bytes->capacity - bytes->size) return ARDM_OK;
    if (more > PTRDIFF_MAX - bytes->size) return ardm_fail(ARDM_ENOMEM, "a buffer of %zu + %zu bytes is too large", bytes->size, more);
    size_t needed = bytes->size + more, capacity = bytes->capacity + bytes->capacity / 2;
    if (capacity < needed) capacity = needed;
    if (capacity < 64) capacity = 64;
    uint8_t *data = realloc(bytes->data, capacity);
    if (!data && capacity > needed) data = realloc(bytes->data, capacity = needed);
    if (!data) return ardm_fail(ARDM_ENOMEM, "no memory for a buffer of %zu bytes", needed);
    bytes->data = data;
    bytes->capacity = capacity;
    return ARDM_OK;
}

ardm_status ardm_bytes_append(ardm_bytes *bytes, const void *data, size_t size) {
    if (!size) return ARDM_OK;
    ARDM_TRY(ardm_bytes__reserve(bytes, size));
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return ARDM_OK;
}

ardm_status ardm_bytes_printf(ardm_bytes *bytes, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) return ardm_fail(ARDM_EINVAL, "text cannot be formatted as \"%s\"", format);
    ARDM_TRY(ardm_bytes__reserve(bytes, (size_t)length + 1));
    va_start(arguments, format);
    vsnprintf((char *)bytes->data + bytes->size, (size_t)length + 1, format, arguments);
    va_end(arguments);
    bytes->size += (size_t)length;
    return ARDM_OK;
}

void ardm_bytes_free(ardm_bytes *bytes) {
    free(bytes->data);
    *bytes = (ardm_bytes){0};
}

/* ---- reading ---- */

typedef struct reader {
    int descriptor;
    const char *path;
} reader;

static ardm_status read_some(void *user, uint8_t *buffer, size_t capacity, size_t *got) {
    const reader *from = user;
    ssize_t n;
    do n = read(from->descriptor, buffer, capacity);
    while (n < 0 && errno == EINTR);
    if (n < 0) return ardm_fail(ARDM_EIO, "%s: cannot be read: %s", from->path, strerror(errno));
    *got = (size_t)n;
    return ARDM_OK;
}

/* The first bytes, enough to know the magic; pipes may deliver them one by one. */
static ardm_status read_head(reader *from, uint8_t head[ARDM_PACKED_MAGIC], size_t *n_head) {
    *n_head = 0;
    for (size_t got = 1; got && *n_head < ARDM_PACKED_MAGIC; *n_head += got)
        ARDM_TRY(read_some(from, head + *n_head, ARDM_PACKED_MAGIC - *n_head, &got));
    return ARDM_OK;
}

static ardm_status read_plain(ardm_bytes *out, reader *from, const uint8_t *head, size_t n_head, uint64_t expected, uint64_t limit) {
    ARDM_TRY(ardm_bytes__reserve(out, (size_t)expected + 1));
    ARDM_TRY(ardm_bytes_append(out, head, n_head));
    for (;;) {
        size_t got = 0, room = out->capacity - out->size;
        if (room > CHUNK) room = CHUNK;
        if (!room) {
            ARDM_TRY(ardm_bytes__reserve(out, CHUNK));
            continue;
        }
        ARDM_TRY(read_some(from, out->data + out->size, room, &got));
        if (!got) break;
        out->size += got;
        if (out->size > limit) break;
    }
    if (out->size > limit) return ardm_fail(ARDM_ENOMEM, "%s: holds more than the %" PRIu64 " bytes allowed", from->path, limit);
    return ARDM_OK;
}

ardm_status ardm_file_read(ardm_bytes *out, const char *path, uint64_t limit, int32_t unpack) {
    *out = (ardm_bytes){0};
    reader from = {STDIN_FILENO, "standard input"};
    ardm_status status = ARDM_OK;
    const int named = strcmp(path, "-") != 0;
    if (named) {
        from.path = path;
        from.descriptor = open(path, O_RDONLY | O_CLOEXEC);
        if (from.descriptor < 0)
            return ardm_fail(errno == ENOENT || errno == ENOTDIR ? ARDM_ENOTFOUND : ARDM_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    struct stat facts;
    uint8_t head[ARDM_PACKED_MAGIC];
    size_t n_head;
    if (fstat(from.descriptor, &facts) < 0) {
        status = ardm_fail(ARDM_EIO, "%s: cannot be examined: %s", from.path, strerror(errno));
        goto fail;
    }
    if (S_ISDIR(facts.st_mode)) {
        status = ardm_fail(ARDM_EINVAL, "%s: is a folder, not a file", from.path);
        goto fail;
    }
    if ((status = read_head(&from, head, &n_head))) goto fail;
    const int32_t kind = unpack ? ardm_unpack__kind(head, n_head) : ARDM_PACKED_NONE;
    uint64_t expected = S_ISREG(facts.st_mode) && facts.st_size > 0 ? (uint64_t)facts.st_size : 0;
    if (kind) {
        status = ardm_unpack__stream(out, kind, head, n_head, read_some, &from, limit);
        if (status && status != ARDM_EIO) ardm_fail_in(status, "%s", from.path);
    } else if (expected > limit) {
        status = ardm_fail(ARDM_ENOMEM, "%s: holds %" PRIu64 " bytes, more than the %" PRIu64 " allowed", from.path, expected, limit);
    } else {
        status = read_plain(out, &from, head, n_head, expected > n_head ? expected : n_head, limit);
    }
    if (!status) status = ardm_bytes_printf(out, "%s", ""); /* a NUL after the end, for callers who read text */
fail:
    if (named) close(from.descriptor);
    if (status) ardm_bytes_free(out);
    return status;
}

/* ---- writing ---- */

static _Atomic int32_t fail_after;
static _Atomic uint32_t temporaries; /* names of this process's temporary files */

void ardm_file_fail_after(int32_t n) { fail_after = n; }

/* Whether a test wants this write, sync or rename to fail. */
static int refused(void) {
    if (fail_after <= 0 || --fail_after != 0) return 0;
    errno = EIO;
    return 1;
}

static int write_all(int descriptor, const uint8_t *data, size_t size) {
    while (size) {
        if (refused()) return -1;
        ssize_t n = write(descriptor, data, size < CHUNK ? size : CHUNK);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Pipes, terminals and devices cannot be replaced: they are written to. */
static ardm_status write_through(int descriptor, const char *shown, const void *data, size_t size) {
    if (write_all(descriptor, data, size) < 0) return ardm_fail(ARDM_EIO, "%s: %zu bytes cannot be written: %s", shown, size, strerror(errno));
    return ARDM_OK;
}

static ardm_status exists_already(const char *path) { return ardm_fail(ARDM_EEXIST, "%s: exists already and may not be overwritten", path); }

/* Gives the finished file its name. Without permission to overwrite this is a link, which fails where a rename would replace;
 * file systems without links (FAT) get a rename after one more look. */
static ardm_status give_name(const char *temporary, const char *path, int32_t overwrite) {
    if (refused()) return ardm_fail(ARDM_EIO, "%s: cannot be renamed to: %s", path, strerror(errno));
    if (!overwrite) {
        if (!link(temporary, path)) {
            unlink(temporary);
            return ARDM_OK;
        }
        if (errno == EEXIST || ardm_file_exists(path)) return exists_already(path);
    }
    if (rename(temporary, path) < 0) return ardm_fail(ARDM_EIO, "%s: cannot be renamed to: %s", path, strerror(errno));
    return ARDM_OK;
}

/* The name is durable once its folder is synced; file systems that cannot say so with EINVAL. */
static ardm_status sync_folder(const char *folder) {
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return ardm_fail(ARDM_EIO, "%s: cannot be opened to be synced: %s", folder, strerror(errno));
    int bad = refused() || (fsync(descriptor) < 0 && errno != EINVAL && errno != ENOTSUP);
    ardm_status status = bad ? ardm_fail(ARDM_EIO, "%s: cannot be synced: %s", folder, strerror(errno)) : ARDM_OK;
    close(descriptor);
    return status;
}

static ardm_status write_beside(const char *path, const void *data, size_t size, int32_t overwrite, const struct stat *old) {
    const char *slash = strrchr(path, '/');
    ardm_bytes folder = {0}, temporary = {0};
    int descriptor = -1, made = 0;
    ardm_status status = slash ? ardm_bytes_printf(&folder, "%.*s", slash == path ? 1 : (int)(slash - path), path) : ardm_bytes_printf(&folder, ".");
    if (status) goto fail;
    do {
        temporary.size = 0;
        uint32_t number = temporaries++;
        if ((status = ardm_bytes_printf(&temporary, "%s/.ardm-%ld-%" PRIu32 ".tmp", (char *)folder.data, (long)getpid(), number))) goto fail;
        descriptor = open((char *)temporary.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (descriptor < 0 && errno == EEXIST);
    if (descriptor < 0) {
        status = ardm_fail(errno == ENOENT || errno == ENOTDIR ? ARDM_ENOTFOUND : ARDM_EIO, "%s: cannot be created in %s: %s", path,
                           (char *)folder.data, strerror(errno));
        goto fail;
    }
    made = 1;
    if (old && fchmod(descriptor, old->st_mode & 0777) < 0) {
        status = ardm_fail(ARDM_EIO, "%s: permissions cannot be kept: %s", path, strerror(errno));
        goto fail;
    }
    if (write_all(descriptor, data, size) < 0) {
        status = ardm_fail(ARDM_EIO, "%s: %zu bytes cannot be written: %s", path, size, strerror(errno));
        goto fail;
    }
    if (refused() || fsync(descriptor) < 0) {
        status = ardm_fail(ARDM_EIO, "%s: cannot be synced: %s", path, strerror(errno));
        goto fail;
    }
    int closed = close(descriptor);
    descriptor = -1;
    if (closed < 0) {
        status = ardm_fail(ARDM_EIO, "%s: cannot be closed: %s", path, strerror(errno));
        goto fail;
    }
    if ((status = give_name((char *)temporary.data, path, overwrite))) goto fail;
    made = 0;
    status = sync_folder((char *)folder.data);
fail:
    if (descriptor >= 0) close(descriptor);
    if (made) unlink((char *)temporary.data);
    ardm_bytes_free(&temporary);
    ardm_bytes_free(&folder);
    return status;
}

ardm_status ardm_file_write(const char *path, const void *data, size_t size, int32_t overwrite) {
    if (!strcmp(path, "-")) return write_through(STDOUT_FILENO, "standard output", data, size);
    struct stat facts;
    const int exists = stat(path, &facts) == 0;
    if (exists && S_ISDIR(facts.st_mode)) return ardm_fail(ARDM_EINVAL, "%s: is a folder, not a file", path);
    if (exists && !S_ISREG(facts.st_mode)) {
        int descriptor = open(path, O_WRONLY | O_CLOEXEC);
        if (descriptor < 0) return ardm_fail(ARDM_EIO, "%s: cannot be opened: %s", path, strerror(errno));
        ardm_status status = write_through(descriptor, path, data, size);
        if (close(descriptor) < 0 && !status) status = ardm_fail(ARDM_EIO, "%s: cannot be closed: %s", path, strerror(errno));
        return status;
    }
    if (exists && !overwrite) return exists_already(path);
    /* The file behind a link is replaced, not the link. */
    char *target = exists ? realpath(path, NULL) : NULL;
    ardm_status status = write_beside(target ? target : path, data, size, overwrite, exists ? &facts : NULL);
    free(target);
    return status;
}

int32_t ardm_file_exists(const char *path) {
    struct stat facts;
    return lstat(path, &facts) == 0;
}

ardm_status ardm_make_directories(const char *path) {
    ardm_bytes copy = {0};
    ARDM_TRY(ardm_bytes_printf(&copy, "%s", path));
    char *text = (char *)copy.data;
    ardm_status status = ARDM_OK;
    for (char *end = text; !status && *end;) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        const char kept = *end;
        *end = '\0';
        struct stat facts;
        if (mkdir(text, 0777) < 0 && !(stat(text, &facts) == 0 && S_ISDIR(facts.st_mode)))
            status = ardm_fail(ARDM_EIO, "%s: folder cannot be made: %s", text, strerror(errno == EEXIST ? ENOTDIR : errno));
        *end = kept;
    }
    ardm_bytes_free(&copy);
    return status;
}
