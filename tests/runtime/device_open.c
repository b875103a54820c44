/* Finding and naming devices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "device.h"

START_TEST(reference_is_last) {
    const ardm_device_entry *entries;
    size_t count;
    ok(ardm_device_list(&entries, &count));
    ck_assert_uint_ge(count, 1);
    for (size_t k = 0; k < count; ++k) {
        ck_assert_int_eq(entries[k].facts.device_class == ARDM_CLASS_REFERENCE, k == count - 1);
        ck_assert_ptr_nonnull(entries[k].facts.name);
        ck_assert_uint_ge(entries[k].facts.compute_units, 1);
        ck_assert_uint_gt(entries[k].facts.max_allocation, 0);
    }
    ck_assert_str_eq(entries[count - 1].facts.name, "reference");
}
END_TEST

START_TEST(reference_opens) {
    ardm_device *device;
    ok(ardm_device_open(&device, "Reference"));
    ck_assert_int_eq(ardm_device_is_reference(device), 1);
    ck_assert_str_eq(ardm_device_name(device), "reference");
    ck_assert_ptr_null(ardm_device_cl_queue(device));
    ardm_kernel *kernel;
    ck_assert_int_eq(ardm_kernel_get(&kernel, device, "", "", "none"), ARDM_EUNSUPPORTED);
    ardm_device_close(&device);
    ck_assert_ptr_null(device);
    ardm_device_close(&device);
}
END_TEST

START_TEST(default_is_best_class) {
    const ardm_device_entry *entries;
    ardm_device *device;
    size_t count;
    uint32_t best = 0;
    ok(ardm_device_list(&entries, &count));
    for (size_t k = 0; k < count; ++k)
        if (!entries[k].why && entries[k].facts.device_class > best) best = entries[k].facts.device_class;
    uint32_t warnings = ardm_log_warnings();
    ok(ardm_device_open(&device, NULL));
    ck_assert_uint_eq(ardm_device_get_facts(device)->device_class, best);
    /* Falling to the reference is a warning, which the program turns into exit code 2. */
    ck_assert_int_eq(ardm_log_warnings() > warnings, best == ARDM_CLASS_REFERENCE);
    ardm_device_close(&device);
}
END_TEST

START_TEST(names_find_devices) {
    const ardm_device_entry *entries;
    size_t count;
    ok(ardm_device_list(&entries, &count));
    for (size_t k = 0; k < count; ++k) {
        const ardm_device_facts *facts = &entries[k].facts;
        ardm_device *device;
        char name[64];
        if (entries[k].why || facts->device_class == ARDM_CLASS_REFERENCE) continue;
        snprintf(name, sizeof name, "%u:%u", (unsigned)facts->platform_index, (unsigned)facts->device_index);
        ok(ardm_device_open(&device, name));
        ck_assert_ptr_eq(ardm_device_get_facts(device), facts);
        ardm_device_close(&device);
        /* Part of a name, in another case. */
        snprintf(name, sizeof name, "%.6s", facts->name);
        for (char *c = name; *c; ++c)
            if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 32);
        ok(ardm_device_open(&device, name));
        ardm_device_close(&device);
        setenv("ARDM_DEVICE", "reference", 1);
        ok(ardm_device_open(&device, ""));
        ck_assert_int_eq(ardm_device_is_reference(device), 1);
        ardm_device_close(&device);
        unsetenv("ARDM_DEVICE");
    }
}
END_TEST

START_TEST(unknown_names_list_what_there_is) {
    static const char *const names[] = {"no such device", "99:0", "0:99", ":", "0000:ff:1f.7", "0:0:0"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; ++k) {
        ardm_device *device = (ardm_device *)&names;
        ck_assert_int_eq(ardm_device_open(&device, names[k]), ARDM_ENOTFOUND);
        ck_assert_ptr_null(device);
        ck_assert_ptr_nonnull(strstr(ardm_message(), names[k]));
        ck_assert_ptr_nonnull(strstr(ardm_message(), "reference"));
    }
}
END_TEST

Suite *open_suite(void) {
    Suite *s = suite_create("device");
    TCase *t = tcase_create("open");
    tcase_add_test(t, reference_is_last);
    tcase_add_test(t, reference_opens);
    tcase_add_test(t, default_is_best_class);
    tcase_add_test(t, names_find_devices);
    tcase_add_test(t, unknown_names_list_what_there_is);
    suite_add_tcase(s, t);
    return s;
}
