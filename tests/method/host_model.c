/* host_model.c: the model file there and back, its identity, export, look-up, and bytes that lie. */
#define _XOPEN_SOURCE 700 /* mkdtemp, setenv */
#include "host.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ardm/model.h"

enum { LIMIT = 1 << 24 };

static const float weights[6] = {1.5f, -0.3f, 3e-3f, 0, -127, 8};

static ardm_model *make(void) {
    ardm_model *m = NULL;
    ardm_process *process = NULL;
    ardm_order_family order;
    ardm_curve *curve = NULL;
    ardm_schedule *schedule = NULL;
    const uint32_t units[3] = {4, 0, 5};
    ck_ok(ardm_model_create(&m));
    ck_ok(ardm_model_set(m, "ardm.format", "1"));
    ck_ok(ardm_model_set(m, "ardm.graph", "ardm graph 1\ngraph toy(%x: f32[N]) -> %y {\n\t\"quoted \\ \xc3\xa9\"\n}\n"));
    ck_ok(ardm_model_set(m, "ardm.numerics", "1"));
    ck_ok(ardm_model_set(m, "ardm.modality", "text 1"));
    ck_ok(ardm_process_parse(&process, "zero-least-significant 256 4"));
    ck_ok(ardm_model_set_process(m, process));
    ardm_process_free(&process);
    ck_ok(ardm_order_parse(&order, "blocks:1-16"));
    ck_ok(ardm_model_set_order(m, &order, NULL));
    ck_ok(ardm_curve_create(&curve, units, 3));
    ardm_curve_add(curve, 2, 1, 5, 0.1, 3);
    ck_ok(ardm_model_set_curve(m, curve));
    ardm_curve_free(&curve);
    ck_ok(ardm_schedule_naive(&schedule, units, 3, 5));
    ck_ok(ardm_model_set_schedule(m, 0, schedule));
    ardm_schedule_free(&schedule);
    ck_ok(ardm_model_set_tensor(m, "head.w", ARDM_STORED_F32, 2, (const int64_t[]){2, 3}, weights));
    ck_ok(ardm_model_set_tensor(m, "head.b", ARDM_STORED_F32, 1, (const int64_t[]){3}, weights));
    ck_ok(ardm_model_set_tensor(m, "empty", ARDM_STORED_F32, 2, (const int64_t[]){0, 3}, NULL));
    ck_ok(ardm_model_set_tensor(m, "scalar", ARDM_STORED_F32, 0, NULL, weights));
    ck_ok(ardm_model_check(m, "toy"));
    return m;
}

static void identity_of(const ardm_model *m, char hex[65]) {
    ardm_sha256 hash;
    ck_ok(ardm_model_identity(m, &hash));
    ardm_sha256_hex(&hash, hex);
}

START_TEST(everything_comes_back) {
    ardm_model *m = make(), *n = NULL;
    ardm_bytes bytes = {0}, again = {0};
    char a[65], b[65];
    ck_ok(ardm_model_print(&bytes, m));
    ck_ok(ardm_model_parse(&n, bytes.data, bytes.size, LIMIT, "toy"));
    ck_ok(ardm_model_check(n, "toy"));
    ck_ok(ardm_model_print(&again, n));
    ck_assert_uint_eq(again.size, bytes.size);
    ck_assert_mem_eq(again.data, bytes.data, bytes.size);
    identity_of(m, a);
    identity_of(n, b);
    ck_assert_str_eq(a, b);
    ck_assert_str_eq(ardm_model_get(n, "ardm.graph"), ardm_model_get(m, "ardm.graph"));
    ardm_process *process = NULL;
    ardm_order_family family;
    ardm_order *order = NULL;
    ardm_curve *curve = NULL;
    ardm_schedule *schedule = NULL;
    ck_ok(ardm_model_process(n, &process));
    ck_assert_str_eq(ardm_process_text(process), "zero-least-significant 256 4");
    ck_ok(ardm_model_order(n, &family));
    ck_assert_uint_eq(family.high, 16);
    ck_ok(ardm_model_levels(n, 4, &(ardm_layout){1, {10}, 1}, &order));
    ck_assert_uint_eq(ardm_order_levels(order), 3);
    ck_ok(ardm_model_curve(n, &curve));
    ck_assert_double_eq_tol(ardm_curve_mean(curve, 2, 1), 0.1, 1e-15);
    ck_assert_uint_eq(ardm_model_schedule_count(n), 1);
    ck_ok(ardm_model_schedule(n, 0, &schedule));
    ck_assert_uint_eq(ardm_schedule_calls(schedule), 5);
    ardm_schedule_free(&schedule);
    ck_fails(ARDM_ENOTFOUND, "schedule 1", ardm_model_schedule(n, 1, &schedule));
    uint32_t count = 0;
    for (uint32_t i = 0; i < ardm_model_tensor_count(n); i++) count += (uint32_t)ardm_model_is_weight(n, ardm_model_tensor_at(n, i));
    ck_assert_uint_eq(count, 4);
    float wide[6];
    ck_ok(ardm_model_widen(n, ardm_model_tensor(n, "head.w"), wide));
    ck_assert_mem_eq(wide, weights, sizeof wide);
    ck_assert_uint_eq(ardm_model_tensor(n, "scalar")->rank, 0);
    ck_assert_uint_eq(ardm_model_tensor(n, "empty")->bytes, 0);
    ardm_process_free(&process);
    ardm_order_free(&order);
    ardm_curve_free(&curve);
    ardm_bytes_free(&bytes);
    ardm_bytes_free(&again);
    ardm_model_free(&m);
    ardm_model_free(&n);
}
END_TEST

START_TEST(identity_covers_what_decoding_needs) {
    ardm_model *m = make();
    char base[65], other[65];
    identity_of(m, base);
    ck_ok(ardm_model_set(m, "ardm.training", "{}"));
    ck_ok(ardm_model_set(m, "ardm.config", "x"));
    ardm_curve *curve = NULL;
    ck_ok(ardm_curve_create(&curve, (const uint32_t[]){7}, 1));
    ck_ok(ardm_model_set_curve(m, curve));
    ardm_curve_free(&curve);
    identity_of(m, other);
    ck_assert_str_eq(base, other); /* facts, config and curve are outside it */
    float changed[6];
    memcpy(changed, weights, sizeof changed);
    changed[1] = nextafterf(changed[1], 9);
    ck_ok(ardm_model_set_tensor(m, "head.w", ARDM_STORED_F32, 2, (const int64_t[]){2, 3}, changed));
    identity_of(m, other);
    ck_assert_str_ne(base, other); /* one unit in the last place */
    ck_ok(ardm_model_set_tensor(m, "head.w", ARDM_STORED_F32, 2, (const int64_t[]){3, 2}, weights));
    identity_of(m, other);
    ck_assert_str_ne(base, other);
    ck_ok(ardm_model_set_tensor(m, "head.w", ARDM_STORED_F32, 2, (const int64_t[]){2, 3}, weights));
    identity_of(m, other);
    ck_assert_str_eq(base, other);
    ck_ok(ardm_model_set(m, "ardm.order", "blocks:1-15"));
    identity_of(m, other);
    ck_assert_str_ne(base, other);
    ck_ok(ardm_model_set(m, "ardm.order", "blocks:1-16"));
    ck_ok(ardm_model_set(m, "ardm.layout", "extents 512"));
    identity_of(m, other);
    ck_assert_str_ne(base, other);
    ck_ok(ardm_model_set(m, "ardm.layout", ""));
    identity_of(m, other);
    ck_assert_str_eq(base, other);
    ck_ok(ardm_model_remove_tensor(m, "schedule.00"));
    identity_of(m, other);
    ck_assert_str_ne(base, other);
    ardm_model_free(&m);
}
END_TEST

START_TEST(export_rounds_once) {
    ardm_model *m = make(), *bf16 = NULL, *int8 = NULL, *twice = NULL;
    float wide[6];
    char a[65], b[65];
    const float halfway[6] = {1 + 0x1p-8f, 1 + 3 * 0x1p-8f, -(1 + 0x1p-8f), 1 + 0x1.01p-8f, 0x1.fep127f, 0x1p-40f};
    ck_ok(ardm_model_set_tensor(m, "head.w", ARDM_STORED_F32, 2, (const int64_t[]){2, 3}, halfway));
    ck_ok(ardm_model_export(&bf16, m, ARDM_STORED_BF16));
    ck_ok(ardm_model_check(bf16, "bf16"));
    const ardm_tensor *w = ardm_model_tensor(bf16, "head.w");
    ck_assert_uint_eq(w->dtype, ARDM_STORED_BF16);
    ck_ok(ardm_model_widen(bf16, w, wide));
    const float want[6] = {1, 1 + 0x1p-6f, -1, 1 + 0x1p-7f, 0x1.fep127f, 0x1p-40f}; /* ties to even */
    for (int i = 0; i < 6; i++) ck_assert(wide[i] == want[i]);
    ck_assert_uint_eq(ardm_model_tensor(bf16, "head.b")->dtype, ARDM_STORED_F32); /* vectors stay */
    ck_ok(ardm_model_export(&twice, bf16, ARDM_STORED_BF16));
    identity_of(bf16, a);
    identity_of(twice, b);
    ck_assert_str_eq(a, b);
    ardm_model_free(&twice);
    const float rows[6] = {127, -3, 0.5f, 0, 0.1f, -0.25f};
    ck_ok(ardm_model_set_tensor(m, "head.w", ARDM_STORED_F32, 2, (const int64_t[]){2, 3}, rows));
    ck_ok(ardm_model_export(&int8, m, ARDM_STORED_I8));
    ck_ok(ardm_model_check(int8, "int8"));
    ck_ok(ardm_model_widen(int8, ardm_model_tensor(int8, "head.w"), wide));
    ck_assert(wide[0] == 127 && wide[1] == -3 && wide[2] == 0 && wide[3] == 0); /* 0.5 is halfway: even */
    ck_assert(wide[5] == -0.25f);
    ck_assert(fabsf(wide[4] - 0.1f) <= 0x1p-9f); /* half a step of 2^-8 */
    uint32_t count = 0;
    for (uint32_t i = 0; i < ardm_model_tensor_count(int8); i++) count += (uint32_t)ardm_model_is_weight(int8, ardm_model_tensor_at(int8, i));
    ck_assert_uint_eq(count, 4); /* the exponents are no weights */
    const float big[6] = {0, 0, 3.4e38f, 0, 0, 0};
    ck_ok(ardm_model_set_tensor(m, "head.w", ARDM_STORED_F32, 2, (const int64_t[]){2, 3}, big));
    ck_fails(ARDM_EINVAL, "element 2 of \"head.w\"", ardm_model_export(&twice, m, ARDM_STORED_BF16));
    ardm_model_free(&bf16);
    ardm_model_free(&int8);
    ardm_model_free(&m);
}
END_TEST

START_TEST(tables_travel_with_the_model) {
    ardm_model *m = make(), *n = NULL;
    ardm_process *process = NULL, *back = NULL;
    ardm_order *order = NULL, *levels = NULL;
    ardm_bytes bytes = {0};
    const uint16_t maps[12] = {0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 2, 3};
    const ardm_layout layout = {2, {2, 2}, 1};
    ck_ok(ardm_process_from_table(&process, 4, 2, maps, NULL));
    ck_ok(ardm_model_set_process(m, process));
    ck_ok(ardm_order_from_table(&order, (const uint16_t[]){0, 1, 1, 0}, &layout));
    ck_ok(ardm_model_set_order(m, &(ardm_order_family){.kind = ARDM_ORDER_TABLE}, order));
    ck_ok(ardm_model_print(&bytes, m));
    ck_ok(ardm_model_parse(&n, bytes.data, bytes.size, LIMIT, "toy"));
    ck_ok(ardm_model_check(n, "toy"));
    ck_ok(ardm_model_process(n, &back));
    for (uint32_t s = 0; s <= 2; s++)
        for (uint32_t x = 0; x < 4; x++) {
            ck_assert_uint_eq(ardm_process_class(process, s, x), ardm_process_class(back, s, x));
            ck_assert_int_eq(ardm_process_input(process, s, x), ardm_process_input(back, s, x));
        }
    ck_ok(ardm_model_levels(n, 0, &layout, &levels));
    ck_assert_uint_eq(ardm_order_level(levels)[2], 1);
    ardm_order_free(&levels);
    ck_fails(ARDM_EUNSUPPORTED, "another", ardm_model_levels(n, 0, &(ardm_layout){2, {4, 1}, 1}, &levels));
    ck_ok(ardm_model_remove_tensor(n, "process.ids"));
    ck_fails(ARDM_EFORMAT, "process.ids", ardm_model_check(n, "toy"));
    ardm_process_free(&process);
    ardm_process_free(&back);
    ardm_order_free(&order);
    ardm_model_free(&m);
    ardm_model_free(&n);
    ardm_bytes_free(&bytes);
}
END_TEST

START_TEST(models_that_lack_something) {
    static const char *const keys[] = {"ardm.format", "ardm.graph", "ardm.process", "ardm.order", "ardm.numerics", "ardm.modality"};
    static const char *const values[] = {"2", "graph 1", "absorbing 0", "sideways", NULL, NULL};
    for (int i = 0; i < 4; i++) {
        ardm_model *m = make();
        ck_ok(ardm_model_set(m, keys[i], values[i]));
        const ardm_status status = ardm_model_check(m, "toy");
        ck_assert_int_eq(status, ARDM_EFORMAT);
        ck_assert_msg(strncmp(ardm_message(), "toy: ", 5) == 0, "%s", ardm_message());
        ardm_model_free(&m);
    }
    ardm_model *m = NULL;
    ck_ok(ardm_model_create(&m));
    ck_fails(ARDM_EFORMAT, "ardm.format", ardm_model_check(m, "toy"));
    ck_fails(ARDM_EINVAL, "UTF-8", ardm_model_set(m, "a", "\xff"));
    ck_fails(ARDM_EINVAL, "cannot name", ardm_model_set_tensor(m, "__metadata__", ARDM_STORED_F32, 0, NULL, weights));
    ck_fails(ARDM_EINVAL, "extents", ardm_model_set_tensor(m, "a", ARDM_STORED_F32, 2, (const int64_t[]){1 << 30, 1 << 30}, weights));
    ardm_model_free(&m);
    m = make();
    const float bad[3] = {0, NAN, 0};
    ck_ok(ardm_model_set_tensor(m, "head.b", ARDM_STORED_F32, 1, (const int64_t[]){3}, bad));
    ck_fails(ARDM_EFORMAT, "element 1 of weight \"head.b\" is not finite", ardm_model_check(m, "toy"));
    ck_ok(ardm_model_set_tensor(m, "head.b", ARDM_STORED_I8, 1, (const int64_t[]){3}, "abc"));
    ck_fails(ARDM_EFORMAT, "head.b.exp", ardm_model_check(m, "toy"));
    ck_ok(ardm_model_set_tensor(m, "head.b", ARDM_STORED_U16, 1, (const int64_t[]){1}, "ab"));
    ck_fails(ARDM_EFORMAT, "type U16", ardm_model_check(m, "toy"));
    ardm_model_free(&m);
}
END_TEST

static ardm_status probe(const uint8_t *data, size_t size, uint64_t limit) {
    uint8_t *exact = malloc(size ? size : 1); /* exact size, so that a checker sees a byte too many */
    ardm_model *m = NULL;
    memcpy(exact, data, size);
    ardm_status status = ardm_model_parse(&m, exact, size, limit, "x");
    if (!status) status = ardm_model_check(m, "x");
    ardm_model_free(&m);
    free(exact);
    return status;
}

START_TEST(damaged_files) {
    ardm_model *m = make();
    ardm_bytes bytes = {0};
    uint64_t state = 71;
    uint32_t refused = 0;
    ck_ok(ardm_model_print(&bytes, m));
    ck_ok(probe(bytes.data, bytes.size, LIMIT));
    for (size_t cut = 0; cut < bytes.size; cut++) ck_fails(ARDM_EFORMAT, "x", probe(bytes.data, cut, LIMIT));
    ck_fails(ARDM_ENOMEM, "limit of 64 bytes", probe(bytes.data, bytes.size, 64));
    uint8_t *good = malloc(bytes.size);
    memcpy(good, bytes.data, bytes.size);
    for (size_t at = 0; at < bytes.size; at++)
        for (int change = 0; change < 20; change++) {
            memcpy(bytes.data, good, bytes.size);
            bytes.data[at] = change > 9 ? (uint8_t)("0[{\"9-.,"[next_random(&state) % 8]) : (uint8_t)next_random(&state);
            const ardm_status status = probe(bytes.data, bytes.size, LIMIT);
            ck_assert(status == ARDM_OK || status == ARDM_EFORMAT || status == ARDM_ENOMEM);
            refused += status != ARDM_OK;
        }
    ck_assert_uint_gt(refused, bytes.size);
    free(good);
    ardm_bytes_free(&bytes);
    ardm_model_free(&m);
}
END_TEST

/* A file around a header written by hand, with `size` bytes of tensors. */
static ardm_status with_header(const char *header, size_t size) {
    const uint64_t length = strlen(header);
    ardm_bytes bytes = {0};
    static const uint8_t zeros[256];
    ardm_model *m = NULL;
    ck_ok(ardm_bytes_append(&bytes, &length, 8));
    ck_ok(ardm_bytes_append(&bytes, header, length));
    ck_ok(ardm_bytes_append(&bytes, zeros, size));
    const ardm_status status = ardm_model_parse(&m, bytes.data, bytes.size, LIMIT, "x");
    ardm_model_free(&m);
    ardm_bytes_free(&bytes);
    return status;
}

START_TEST(headers_that_lie) {
    ck_ok(with_header("{}", 0));
    ck_ok(with_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8));
    ck_fails(ARDM_EFORMAT, "follow the last", with_header("{}", 1));
    ck_fails(ARDM_EFORMAT, "overlap or pass", with_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7));
    ck_fails(ARDM_EFORMAT, "extents say 12", with_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8));
    ck_fails(ARDM_EFORMAT, "bad extents", with_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8));
    ck_fails(ARDM_EFORMAT, "bad extents", with_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0));
    ck_fails(ARDM_EFORMAT, "\"F16\"", with_header("{\"a\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]}}", 8));
    ck_fails(ARDM_EFORMAT, "begins at 4", with_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}", 8));
    ck_fails(ARDM_EFORMAT, "overlap",
             with_header(
                 "{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", 8));
    ck_fails(ARDM_EFORMAT, "duplicate", with_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"a\":1}", 0));
    ck_fails(ARDM_EFORMAT, "not a string", with_header("{\"__metadata__\":{\"a\":1}}", 0));
    ck_fails(ARDM_EFORMAT, "is not an object", with_header("{\"__metadata__\":[]}", 0));
    ck_fails(ARDM_EFORMAT, "needs dtype", with_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[0]}}", 0));
    ck_fails(ARDM_EFORMAT, "lies at 0..-1", with_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1e0]}}", 1));
    ck_fails(ARDM_EFORMAT, "9 extents", with_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1));
    char deep[6000] = "{\"a\":";
    memset(deep + 5, '[', 5000);
    ck_fails(ARDM_EFORMAT, "JSON", with_header(deep, 0));
}
END_TEST

START_TEST(models_are_found_by_identity) {
    char folder[] = "method-host-XXXXXX", a[128], b[128], c[128];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(a, sizeof a, "%s/a.ardm", folder);
    snprintf(b, sizeof b, "%s/b.ardm", folder);
    snprintf(c, sizeof c, "%s/broken.ardm", folder);
    ardm_model *m = make(), *found = NULL;
    ardm_sha256 identity;
    ardm_bytes path = {0};
    ck_ok(ardm_model_identity(m, &identity));
    unsetenv("ARDM_MODEL_PATH");
    ck_fails(ARDM_EMODEL, "is not among", ardm_model_find(&found, identity.bytes, folder, LIMIT, NULL));
    ck_ok(ardm_model_write(m, a, 0));
    ck_ok(ardm_model_write(m, b, 0));
    ck_ok(ardm_file_write(c, "junk", 4, 0));
    ck_fails(ARDM_EEXIST, "a.ardm", ardm_model_write(m, a, 0));
    ck_ok(ardm_model_find(&found, identity.bytes, folder, LIMIT, &path)); /* a copy and a broken file do no harm */
    ck_assert_str_eq((const char *)path.data, a);
    ardm_model_free(&found);
    setenv("ARDM_MODEL_PATH", "/nowhere::", 1);
    ck_fails(ARDM_EMODEL, "/nowhere", ardm_model_find(&found, identity.bytes, NULL, LIMIT, NULL));
    setenv("ARDM_MODEL_PATH", folder, 1);
    ck_ok(ardm_model_find(&found, identity.bytes, NULL, LIMIT, NULL));
    ardm_model_free(&found);
    identity.bytes[7] ^= 1;
    ck_fails(ARDM_EMODEL, "is not among", ardm_model_find(&found, identity.bytes, NULL, LIMIT, NULL));
    ck_assert_ptr_null(found);
    ardm_bytes_free(&path);
    ardm_model_free(&m);
    unlink(a);
    unlink(b);
    unlink(c);
    rmdir(folder);
}
END_TEST

Suite *model_suite(void) {
    Suite *suite = suite_create("model");
    TCase *cases = tcase_create("model");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, everything_comes_back);
    tcase_add_test(cases, identity_covers_what_decoding_needs);
    tcase_add_test(cases, export_rounds_once);
    tcase_add_test(cases, tables_travel_with_the_model);
    tcase_add_test(cases, models_that_lack_something);
    tcase_add_test(cases, damaged_files);
    tcase_add_test(cases, headers_that_lie);
    tcase_add_test(cases, models_are_found_by_identity);
    suite_add_tcase(suite, cases);
    return suite;
}
