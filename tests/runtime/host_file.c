/* host_file.c: files are read whole, replaced whole or not at all, whichever system call fails. */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ardm/file.h"
#include "host.h"

static char folder[64], path[128];

static void enter(void) {
    strcpy(folder, "runtime-host-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    umask(022);
}

/* Empties the folder and returns how many entries it had. */
static int empty_folder(void) {
    int n = 0;
    DIR *listing = opendir(folder);
    for (struct dirent *entry; (entry = readdir(listing));) {
        char name[400];
        if (entry->d_name[0] == '.' && (!entry->d_name[1] || entry->d_name[1] == '.')) continue;
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        remove(name);
        n++;
    }
    closedir(listing);
    return n;
}

static void leave(void) {
    ardm_file_fail_after(0);
    empty_folder();
    rmdir(folder);
}

static void check_content(const char *name, const void *data, size_t size) {
    ardm_bytes got;
    ck_ok(ardm_file_read(&got, name, 1 << 24, 0));
    ck_assert_uint_eq(got.size, size);
    ck_assert(!size || !memcmp(got.data, data, size));
    ck_assert_int_eq(got.data[got.size], 0);
    ardm_bytes_free(&got);
    ck_assert_ptr_null(got.data);
}

START_TEST(bytes_grow) {
    ardm_bytes bytes = {0};
    for (int i = 0; i < 1000; i++) ck_ok(ardm_bytes_printf(&bytes, "%d,", i));
    ck_assert_uint_eq(bytes.size, 10 * 2 + 90 * 3 + 900 * 4);
    ck_assert_uint_eq(strlen((char *)bytes.data), bytes.size);
    ck_ok(ardm_bytes_append(&bytes, "\0x", 2));
    ck_assert_int_eq(bytes.data[bytes.size - 1], 'x');
    ck_ok(ardm_bytes_append(&bytes, NULL, 0));
    ck_fails(ARDM_ENOMEM, "too large", ardm_bytes_append(&bytes, "", SIZE_MAX - 2));
    ardm_bytes_free(&bytes);
}
END_TEST

START_TEST(write_then_read) {
    ck_assert_int_eq(ardm_file_exists(path), 0);
    ck_ok(ardm_file_write(path, "first", 5, 0));
    ck_assert_int_eq(ardm_file_exists(path), 1);
    check_content(path, "first", 5);
    ck_fails(ARDM_EEXIST, "exists already", ardm_file_write(path, "second", 6, 0));
    check_content(path, "first", 5);
    ck_ok(ardm_file_write(path, "second", 6, 1));
    check_content(path, "second", 6);
    ck_ok(ardm_file_write(path, NULL, 0, 1));
    check_content(path, "", 0);
    ck_assert_int_eq(empty_folder(), 1);
}
END_TEST

START_TEST(limit_is_exact) {
    ardm_bytes got;
    ck_ok(ardm_file_write(path, "12345678", 8, 0));
    ck_ok(ardm_file_read(&got, path, 8, 1));
    ardm_bytes_free(&got);
    ck_fails(ARDM_ENOMEM, "holds 8 bytes, more than the 7 allowed", ardm_file_read(&got, path, 7, 1));
    ck_assert_ptr_null(got.data);
}
END_TEST

START_TEST(what_is_no_file_is_named) {
    ardm_bytes got;
    ck_fails(ARDM_ENOTFOUND, path, ardm_file_read(&got, path, 10, 0));
    ck_fails(ARDM_EINVAL, "is a folder", ardm_file_read(&got, folder, 10, 0));
    ck_fails(ARDM_EINVAL, "is a folder", ardm_file_write(folder, "", 0, 1));
    snprintf(path, sizeof path, "%s/none/file", folder);
    ck_fails(ARDM_ENOTFOUND, "cannot be created", ardm_file_write(path, "", 0, 1));
    ck_ok(ardm_file_write("/dev/null", "gone", 4, 0)); /* devices are written to, not replaced */
    struct stat facts;
    ck_assert_int_eq(stat("/dev/null", &facts), 0);
    ck_assert(S_ISCHR(facts.st_mode));
}
END_TEST

START_TEST(mode_and_link_are_kept) {
    char link_path[140];
    struct stat facts;
    snprintf(link_path, sizeof link_path, "%s.link", path);
    ck_ok(ardm_file_write(path, "old", 3, 0));
    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_int_eq(facts.st_mode & 0777, 0644);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(symlink("file", link_path), 0);
    ck_ok(ardm_file_write(link_path, "new", 3, 1));
    check_content(path, "new", 3);
    ck_assert_int_eq(lstat(link_path, &facts), 0);
    ck_assert(S_ISLNK(facts.st_mode));
    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_int_eq(facts.st_mode & 0777, 0600);
}
END_TEST

/* 2.5 MiB take three writes, then come the sync, the rename and the sync of the folder. */
START_TEST(nth_failure_leaves_old_or_new) {
    enum { SIZE = 5 << 19, WRITES = 3 };
    uint8_t *data = malloc(SIZE);
    for (int i = 0; i < SIZE; i++) data[i] = (uint8_t)(i * 7 + i / 251);
    for (int overwrite = 0; overwrite < 2; overwrite++)
        for (int n = 1; n <= WRITES + 4; n++) {
            if (overwrite) ck_ok(ardm_file_write(path, "old", 3, 1));
            ardm_file_fail_after(n);
            ardm_status status = ardm_file_write(path, data, SIZE, overwrite);
            ardm_file_fail_after(0);
            ck_assert_int_eq(status, n <= WRITES + 3 ? ARDM_EIO : ARDM_OK);
            if (n >= WRITES + 3)
                check_content(path, data, SIZE);
            else if (overwrite)
                check_content(path, "old", 3);
            else
                ck_assert_int_eq(ardm_file_exists(path), 0);
            ck_assert_int_eq(empty_folder(), overwrite || n >= WRITES + 3); /* no temporary file is left */
        }
    free(data);
}
END_TEST

/* Runs with `descriptor` replaced by an end of a new pipe; the other end is returned. */
static int take_over(int descriptor, int end, int *saved) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    *saved = dup(descriptor);
    dup2(ends[end], descriptor);
    close(ends[end]);
    return ends[!end];
}

START_TEST(dash_is_a_standard_stream) {
    int saved, pipe_end = take_over(STDIN_FILENO, 0, &saved);
    ck_assert_int_eq(write(pipe_end, "from a pipe", 11), 11);
    close(pipe_end);
    ardm_bytes got;
    ck_ok(ardm_file_read(&got, "-", 11, 1));
    dup2(saved, STDIN_FILENO);
    close(saved);
    ck_assert_str_eq((char *)got.data, "from a pipe");
    ardm_bytes_free(&got);

    char text[16] = "";
    fflush(stdout);
    pipe_end = take_over(STDOUT_FILENO, 1, &saved);
    ardm_status status = ardm_file_write("-", "to a pipe", 9, 0);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    ck_ok(status);
    ck_assert_int_eq(read(pipe_end, text, sizeof text), 9);
    close(pipe_end);
    ck_assert_str_eq(text, "to a pipe");
}
END_TEST

START_TEST(pipe_over_the_limit_is_refused) {
    int saved, pipe_end = take_over(STDIN_FILENO, 0, &saved);
    ck_assert_int_eq(write(pipe_end, "0123456789", 10), 10);
    close(pipe_end);
    ardm_bytes got;
    ardm_status status = ardm_file_read(&got, "-", 9, 1);
    dup2(saved, STDIN_FILENO);
    close(saved);
    ck_assert_int_eq(status, ARDM_ENOMEM);
}
END_TEST

START_TEST(folders_are_made) {
    char deep[160], file[200];
    snprintf(deep, sizeof deep, "%s/a//b/c/", folder);
    ck_ok(ardm_make_directories(deep));
    ck_ok(ardm_make_directories(deep));
    snprintf(file, sizeof file, "%s/a/b/c/f", folder);
    ck_ok(ardm_file_write(file, "x", 1, 0));
    ck_fails(ARDM_EIO, "folder cannot be made", ardm_make_directories(file));
    remove(file);
    for (const char *name = "c\0b\0a\0"; *name; name += 2) {
        snprintf(file, sizeof file, "%s/a%s%s", folder, *name == 'a' ? "" : "/b", *name == 'c' ? "/c" : "");
        ck_assert_int_eq(rmdir(file), 0);
    }
}
END_TEST

Suite *file_suite(void) {
    Suite *suite = suite_create("file");
    TCase *tests = tcase_create("file");
    tcase_add_checked_fixture(tests, enter, leave);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, bytes_grow);
    tcase_add_test(tests, write_then_read);
    tcase_add_test(tests, limit_is_exact);
    tcase_add_test(tests, what_is_no_file_is_named);
    tcase_add_test(tests, mode_and_link_are_kept);
    tcase_add_test(tests, nth_failure_leaves_old_or_new);
    tcase_add_test(tests, dash_is_a_standard_stream);
    tcase_add_test(tests, pipe_over_the_limit_is_refused);
    tcase_add_test(tests, folders_are_made);
    suite_add_tcase(suite, tests);
    return suite;
}
