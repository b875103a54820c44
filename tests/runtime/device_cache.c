/* The program cache: what it saves, and that nothing wrong with it is ever more than a slower build. */
#include <dirent.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ardm/cache.h"
#include "ardm/file.h"
#include "device.h"

extern char **environ;

/* Builds "y[i] = number + i", runs it with two local sizes and checks what it wrote. */
static void build_and_run(int number) {
    char source[200];
    int32_t got[64];
    ardm_device *device = test_device();
    ardm_kernel *kernel;
    ardm_buffer *buffer;
    snprintf(source, sizeof source, "kernel void count(global int *y) { y[get_global_id(0)] = %d + (int)get_global_id(0); }\n", number);
    ok(ardm_kernel_get(&kernel, device, source, "", "count"));
    ok(ardm_buffer_create(&buffer, device, sizeof got));
    for (uint64_t local = 1; local <= 16; local *= 16) {
        ardm_launch *launch;
        ardm_launch_arg arg = {ARDM_ARG_BUFFER, 0, 0, buffer};
        ok(ardm_queue_fill(device, buffer, 0, 0, sizeof got));
        ok(ardm_launch_create(&launch, device, kernel, 1, (const uint64_t[3]){64}, (const uint64_t[3]){local}, &arg, 1));
        ok(ardm_launch_enqueue(launch));
        ok(ardm_queue_read(device, buffer, 0, got, sizeof got));
        for (int k = 0; k < 64; ++k) ck_assert_int_eq(got[k], number + k);
        ardm_launch_release(&launch);
    }
    ardm_buffer_release(&buffer);
    ardm_device_close(&device);
}

static int have_device(void) {
    ardm_device *device = test_device();
    int have = device != NULL;
    ardm_device_close(&device);
    return have;
}

static void clear(void) {
    uint32_t removed;
    ok(ardm_cache_clear(&removed));
}

/* The path of the only program, and how many there are. */
static size_t only_program(char *path, size_t size) {
    ardm_cache_entry *entries;
    size_t count, programs = 0;
    char folder[900];
    ok(ardm_cache_folder(folder, sizeof folder));
    ok(ardm_cache_list(&entries, &count));
    for (size_t k = 0; k < count; ++k) {
        if (entries[k].good < 0) continue;
        ++programs;
        snprintf(path, size, "%s/%s", folder, entries[k].name);
    }
    free(entries);
    return programs;
}

START_TEST(second_build_is_loaded) {
    char path[1024];
    if (!have_device()) return;
    clear();
    build_and_run(1000);
    ck_assert_int_eq(strncmp(last_program_line, "built", 5), 0);
    ck_assert_uint_eq(only_program(path, sizeof path), 1);
    build_and_run(1000);
    ck_assert_msg(strncmp(last_program_line, "loaded", 6) == 0, "%s", last_program_line);
    build_and_run(2000);
    ck_assert_int_eq(strncmp(last_program_line, "built", 5), 0);
    uint32_t seen, removed;
    ok(ardm_cache_verify(&seen, &removed));
    ck_assert_uint_eq(seen, 2);
    ck_assert_uint_eq(removed, 0);
}
END_TEST

/* Every kind of damage: truncation at all small sizes and some large ones, and single turned bytes. */
START_TEST(damage_is_built_over) {
    char path[1024];
    ardm_bytes good = {0}, again = {0};
    if (!have_device()) return;
    clear();
    build_and_run(3000);
    ck_assert_uint_eq(only_program(path, sizeof path), 1);
    ok(ardm_file_read(&good, path, 1 << 26, 0));
    static const size_t cuts[] = {0, 1, 7, 8, 39, 40, 71, 72, 75, 76, 100};
    for (size_t k = 0; k < sizeof cuts / sizeof cuts[0] + 6; ++k) {
        ardm_bytes bad = {0};
        size_t n = sizeof cuts / sizeof cuts[0];
        ok(ardm_bytes_append(&bad, good.data, good.size));
        if (k < n)
            bad.size = cuts[k];
        else
            bad.data[(k - n) * good.size / 6 + (k - n == 0)] ^= 0x40;
        ok(ardm_file_write(path, bad.data, bad.size, 1));
        if (k % 3 == 0) {
            uint32_t seen, removed;
            ok(ardm_cache_verify(&seen, &removed));
            ck_assert_uint_eq(seen, 1);
            ck_assert_uint_eq(removed, 1);
            ok(ardm_file_write(path, bad.data, bad.size, 1));
        }
        build_and_run(3000);
        ck_assert_msg(strncmp(last_program_line, "built", 5) == 0, "damage %zu was loaded", k);
        ardm_bytes_free(&bad);
    }
    ok(ardm_file_read(&again, path, 1 << 26, 0));
    ck_assert_mem_eq(again.data, good.data, 72 - 32);
    ardm_bytes_free(&good);
    ardm_bytes_free(&again);
}
END_TEST

START_TEST(another_programs_entry_is_refused) {
    char first[1024], folder[900];
    ardm_bytes bytes = {0};
    ardm_cache_entry *entries;
    size_t count;
    if (!have_device()) return;
    clear();
    build_and_run(4000);
    only_program(first, sizeof first);
    ok(ardm_file_read(&bytes, first, 1 << 26, 0));
    build_and_run(5000);
    ok(ardm_cache_folder(folder, sizeof folder));
    ok(ardm_cache_list(&entries, &count));
    for (size_t k = 0; k < count; ++k) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, entries[k].name);
        if (entries[k].good == 1 && strcmp(path, first) != 0) ok(ardm_file_write(path, bytes.data, bytes.size, 1));
    }
    free(entries);
    build_and_run(5000);
    ck_assert_int_eq(strncmp(last_program_line, "built", 5), 0);
    ardm_bytes_free(&bytes);
}
END_TEST

START_TEST(cap_drops_the_oldest) {
    char path[1024];
    uint64_t bytes;
    ardm_cache_entry *entries;
    size_t count;
    if (!have_device()) return;
    clear();
    build_and_run(6000);
    ok(ardm_cache_list(&entries, &count));
    bytes = entries[0].bytes;
    free(entries);
    char cap[32];
    snprintf(cap, sizeof cap, "%llu", (unsigned long long)(bytes * 5 / 2));
    setenv("ARDM_CACHE_CAP", cap, 1);
    for (int k = 1; k <= 4; ++k) build_and_run(6000 + k);
    unsetenv("ARDM_CACHE_CAP");
    size_t left = only_program(path, sizeof path);
    ck_assert_uint_ge(left, 1);
    ck_assert_uint_le(left, 2);
}
END_TEST

START_TEST(foreign_files_stay) {
    char folder[900], path[1024];
    ok(ardm_cache_folder(folder, sizeof folder));
    ok(ardm_make_directories(folder));
    snprintf(path, sizeof path, "%s/notes.txt", folder);
    ok(ardm_file_write(path, "mine", 4, 1));
    clear();
    ck_assert_int_eq(ardm_file_exists(path), 1);
    unlink(path);
}
END_TEST

START_TEST(no_folder_is_no_error) {
    char *kept = strdup(getenv("ARDM_CACHE"));
    if (!have_device()) {
        free(kept);
        return;
    }
    static const char *const places[] = {"off", "/proc/none/ardm", "/dev/null/x"};
    for (size_t k = 0; k < sizeof places / sizeof places[0]; ++k) {
        setenv("ARDM_CACHE", places[k], 1);
        build_and_run(7000);
        ck_assert_int_eq(strncmp(last_program_line, "built", 5), 0);
    }
    setenv("ARDM_CACHE", kept, 1);
    free(kept);
    /* A full disk: the entry is lost, the run is not. */
    for (int n = 1; n <= 3; ++n) {
        clear();
        ardm_file_fail_after(n);
        build_and_run(7100 + n);
        ardm_file_fail_after(0);
    }
}
END_TEST

START_TEST(child_builds) {
    for (int k = 0; k < 6; ++k) build_and_run(8000 + k);
}
END_TEST

int cache_child(void) {
    Suite *s = suite_create("child");
    TCase *t = tcase_create("child");
    tcase_add_test(t, child_builds);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

START_TEST(processes_share_a_folder) {
    enum { CHILDREN = 3 };
    pid_t children[CHILDREN];
    uint32_t seen, removed;
    if (!have_device()) return;
    clear();
    char *arguments[] = {(char *)self, "--child", NULL};
    for (int k = 0; k < CHILDREN; ++k) ck_assert_int_eq(posix_spawn(&children[k], self, NULL, NULL, arguments, environ), 0);
    for (int k = 0; k < CHILDREN; ++k) {
        int status = -1;
        ck_assert_int_eq(waitpid(children[k], &status, 0), children[k]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child %d ended with %d", k, status);
    }
    ok(ardm_cache_verify(&seen, &removed));
    ck_assert_uint_eq(seen, 6);
    ck_assert_uint_eq(removed, 0);
}
END_TEST

Suite *cache_suite(void) {
    Suite *s = suite_create("cache");
    TCase *t = tcase_create("cache");
    tcase_add_test(t, second_build_is_loaded);
    tcase_add_test(t, damage_is_built_over);
    tcase_add_test(t, another_programs_entry_is_refused);
    tcase_add_test(t, cap_drops_the_oldest);
    tcase_add_test(t, foreign_files_stay);
    tcase_add_test(t, no_folder_is_no_error);
    tcase_add_test(t, processes_share_a_folder);
    suite_add_tcase(s, t);
    return s;
}
