/* The probe of primitives, and that it sees what it is there to see. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/cache.h"
#include "device.h"
#include "device_private.h"

extern const char *const ardm_cl_probe;

typedef struct tally {
    int lines, failing;
    char last[300];
} tally;

static void count(void *user, const char *name, int32_t exact, const char *line) {
    tally *t = user;
    (void)name;
    ++t->lines;
    if (exact) return;
    ++t->failing;
    snprintf(t->last, sizeof t->last, "%s", line);
}

START_TEST(device_is_exact) {
    ardm_device *device = test_device();
    tally t = {0};
    uint32_t removed;
    if (!device) return;
    ok(ardm_probe_report(device, count, &t));
    ck_assert_int_eq(t.failing, 0);
    ck_assert_int_ge(t.lines, 20);
    /* The verdict is kept: the second time nothing is built and nothing launched. */
    ok(ardm_cache_clear(&removed));
    ok(ardm_probe_primitives(device));
    ardm_queue_counts before = ardm_device_counts(device);
    ok(ardm_probe_primitives(device));
    ck_assert_uint_eq(ardm_device_counts(device).launches, before.launches);
    ardm_device_close(&device);
    device = test_device();
    ok(ardm_probe_primitives(device));
    ck_assert_uint_eq(ardm_device_counts(device).launches, 0);
    ardm_device_close(&device);
}
END_TEST

/* The probe's own kernel with one line of arithmetic replaced by what a careless device would do. */
START_TEST(wrong_arithmetic_is_seen) {
    static const struct {
        const char *from, *to, *says;
    } plants[] = {{"as_uint(ardm_mul(p, q) + r)", "as_uint(fma(p, q, r))", "not fused"},
                  {"as_uint(fma(p, q, r))", "as_uint(p * q + r)", "fma rounds once"},
                  {"as_uint(ardm_flush(p))", "as_uint(p)", "small values"},
                  {"as_uint(ardm_exp(p))", "as_uint(exp(p))", "exp"},
                  {"as_uint(ardm_divide(p, q))", "as_uint(p * ardm_reciprocal(q))", "divide"},
                  {"(uint)(int)p", "(uint)convert_int_rte(p + 0.25f)", "float to integer"}};
    ardm_device *device = test_device();
    if (!device) return;
    for (size_t k = 0; k < sizeof plants / sizeof plants[0]; ++k) {
        tally t = {0};
        const char *at = strstr(ardm_cl_probe, plants[k].from);
        ck_assert_msg(at != NULL, "probe.cl has no \"%s\"", plants[k].from);
        size_t before = (size_t)(at - ardm_cl_probe);
        size_t room = strlen(ardm_cl_probe) + 200;
        char *source = malloc(room);
        snprintf(source, room, "%.*s%s%s", (int)before, ardm_cl_probe, plants[k].to, at + strlen(plants[k].from));
        ck_assert_msg(ardm__probe_source(device, source, count, &t) == ARDM_EINEXACT, "%s was not seen", plants[k].to);
        ck_assert_int_eq(t.failing, 1);
        ck_assert_msg(strstr(t.last, plants[k].says) != NULL, "%s", t.last);
        ck_assert_ptr_nonnull(strstr(ardm_message(), "is not exact"));
        free(source);
    }
    ardm_device_close(&device);
}
END_TEST

/* The kept verdict that says exact, or the one that does not; there is one of each. */
static void find_verdict(char path[1200], ardm_bytes *out, int exact) {
    char folder[900];
    ardm_cache_entry *entries;
    size_t count, found = 0;
    ok(ardm_cache_folder(folder, sizeof folder));
    ok(ardm_cache_list(&entries, &count));
    for (size_t k = 0; k < count; ++k) {
        ardm_bytes text = {0};
        char other[1200];
        if (strcmp(entries[k].name + strlen(entries[k].name) - 6, ".probe") != 0) continue;
        snprintf(other, sizeof other, "%s/%s", folder, entries[k].name);
        ok(ardm_file_read(&text, other, 4096, 0));
        if ((text.size == 71 && memcmp(text.data + 65, "exact", 5) == 0) == (exact != 0)) {
            ++found;
            memcpy(path, other, sizeof other);
            ok(ardm_bytes_append(out, text.data, text.size));
        }
        ardm_bytes_free(&text);
    }
    free(entries);
    ck_assert_uint_eq(found, 1);
}

static int32_t ask_anew(const char *key) {
    ardm_device *device = test_device();
    int32_t answer = ardm_probe_lookup(device, key);
    ardm_device_close(&device);
    return answer;
}

START_TEST(verdicts_are_kept_by_key) {
    ardm_device *device = test_device();
    if (!device) return;
    uint32_t removed;
    ok(ardm_cache_clear(&removed));
    ck_assert_int_eq(ardm_probe_lookup(device, "one"), -1);
    ardm_probe_keep(device, "one", 1, "");
    ardm_probe_keep(device, "two", 0, "op matmul case 3 differs");
    ck_assert_int_eq(ardm_probe_lookup(device, "one"), 1);
    ck_assert_int_eq(ardm_probe_lookup(device, "two"), 0);
    ck_assert_int_eq(ardm_probe_lookup(device, "three"), -1);
    ardm_device_close(&device);
    device = test_device(); /* from files alone: nothing is remembered any more */
    ck_assert_int_eq(ardm_probe_lookup(device, "one"), 1);
    ck_assert_int_eq(ardm_probe_lookup(device, "two"), 0);
    /* No other text counts as a verdict: another key's, a cut one, one with more behind it, the word alone. */
    ardm_bytes one = {0}, two = {0};
    char one_path[1200], two_path[1200];
    find_verdict(one_path, &one, 1);
    find_verdict(two_path, &two, 0);
    ardm_device_close(&device);
    ok(ardm_file_write(two_path, one.data, one.size, 1));
    ck_assert_int_eq(ask_anew("two"), -1);
    ok(ardm_file_write(one_path, "exact\n", 6, 1));
    ck_assert_int_eq(ask_anew("one"), -1);
    ok(ardm_file_write(one_path, one.data, one.size - 1, 1));
    ck_assert_int_eq(ask_anew("one"), 0);
    ok(ardm_bytes_append(&one, "\n", 1));
    ok(ardm_file_write(one_path, one.data, one.size, 1));
    ck_assert_int_eq(ask_anew("one"), 0);
    ok(ardm_file_write(one_path, one.data, one.size - 1, 1));
    ck_assert_int_eq(ask_anew("one"), 1);
    ardm_bytes_free(&one);
    ardm_bytes_free(&two);
}
END_TEST

Suite *probe_suite(void) {
    Suite *s = suite_create("probe");
    TCase *t = tcase_create("probe");
    tcase_add_test(t, device_is_exact);
    tcase_add_test(t, wrong_arithmetic_is_seen);
    tcase_add_test(t, verdicts_are_kept_by_key);
    suite_add_tcase(s, t);
    return s;
}
