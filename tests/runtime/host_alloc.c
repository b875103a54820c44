/* host_alloc.c: each allocation in turn fails. The linker sends our allocations here (--wrap); those inside libraries go on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/config.h"
#include "ardm/file.h"
#include "host.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

static int countdown; /* 0: none fails */
static int broken;    /* Check allocates too, so what is wrong is told after the call */

static void expect(int truth) { broken |= !truth; }

static int refused(void) { return countdown > 0 && --countdown == 0; }

void *__wrap_malloc(size_t size) { return refused() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return refused() ? NULL : __real_calloc(count, size); }
void *__wrap_realloc(void *old, size_t size) { return refused() ? NULL : __real_realloc(old, size); }
char *__wrap_strdup(const char *text) { return refused() ? NULL : __real_strdup(text); }

static const ardm_config_key keys[] = {
    {"data", "path", ARDM_KEY_TEXT, "", 0, 0, NULL, NULL, NULL},
    {"train", "steps", ARDM_KEY_INT, "10", 1, 100, NULL, NULL, NULL},
    {"train", "lr", ARDM_KEY_FLOAT, "0.5", 0, 1, NULL, NULL, NULL},
};

static ardm_status parse_config(const char *text) {
    ardm_config *config;
    ardm_status status = ardm_config_parse(&config, "x.ini", text, strlen(text), keys, 3);
    expect((config != NULL) == (status == ARDM_OK));
    ardm_config_free(&config);
    return status;
}

static ardm_status good_config(void) { return parse_config("[data]\npath = a\n[train]\nsteps = 3\nlr = 0.25\n"); }

static ardm_status unknown_key(void) {
    ardm_status status = parse_config("[train]\nstep = 3\n");
    return status == ARDM_EINVAL ? ARDM_OK : status;
}

/* gzip of "abc" */
static const uint8_t gzip[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c, 0x4a, 6, 0, 0xc2, 0x41, 0x24, 0x35, 3, 0, 0, 0};

static ardm_status unpack(void) {
    ardm_bytes got;
    ardm_status status = ardm_unpack(&got, gzip, sizeof gzip, 100);
    if (!status) expect(!strcmp((char *)got.data, "abc"));
    expect((got.data != NULL) == (status == ARDM_OK));
    ardm_bytes_free(&got);
    return status;
}

static ardm_status round_trip(void) {
    static const char path[] = "runtime-host-alloc";
    ardm_bytes got;
    ARDM_TRY(ardm_file_write(path, gzip, sizeof gzip, 1));
    ARDM_TRY(ardm_file_read(&got, path, 100, 1));
    expect(!strcmp((char *)got.data, "abc"));
    ardm_bytes_free(&got);
    return ARDM_OK;
}

static ardm_status grow(void) {
    ardm_bytes bytes = {0};
    ardm_status status = ARDM_OK;
    for (int i = 0; !status && i < 200; i++) status = ardm_bytes_printf(&bytes, "%d ", i);
    ardm_bytes_free(&bytes);
    return status;
}

static ardm_status identity(void) {
    ardm_identity *state;
    ardm_sha256 hash;
    ARDM_TRY(ardm_identity_begin(&state));
    ardm_identity_end(&state, &hash);
    return ARDM_OK;
}

static ardm_status (*const calls[])(void) = {good_config, unknown_key, unpack, round_trip, grow, identity};

/* Fails as out of memory as long as an allocation is left to fail, then succeeds. */
START_TEST(each_allocation_fails) {
    int n = 0;
    for (ardm_status status = ARDM_ENOMEM; status; n++) {
        ck_assert_int_lt(n, 100);
        countdown = n + 1;
        status = calls[_i]();
        const int left = countdown;
        countdown = 0;
        ck_assert_int_eq(broken, 0);
        if (status) {
            ck_assert_int_eq(status, ARDM_ENOMEM);
            ck_assert(strstr(ardm_message(), "memory"));
        }
        /* A second try with less memory may succeed where the first was refused (growth by half). */
        if (!status && left == 0) status = ARDM_ENOMEM;
    }
    ck_assert_int_gt(n, 1);
    remove("runtime-host-alloc");
}
END_TEST

Suite *alloc_suite(void) {
    Suite *suite = suite_create("alloc");
    TCase *tests = tcase_create("alloc");
    tcase_add_loop_test(tests, each_allocation_fails, 0, (int)(sizeof calls / sizeof *calls));
    suite_add_tcase(suite, tests);
    return suite;
}
