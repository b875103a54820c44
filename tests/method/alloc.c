/* alloc.c: each allocation of the host-side method in turn fails. The linker sends our allocations here (--wrap). */
#include <stdlib.h>

#include "ardm/archive.h"
#include "ardm/draw.h"
#include "ardm/model.h"
#include "ardm/rans.h"
#include "host.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static int countdown; /* 0: none fails */

static int refused(void) { return countdown > 0 && --countdown == 0; }

void *__wrap_malloc(size_t size) { return refused() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return refused() ? NULL : __real_calloc(count, size); }
void *__wrap_realloc(void *old, size_t size) { return refused() ? NULL : __real_realloc(old, size); }

static const uint32_t units[3] = {20, 0, 9};

static ardm_status make_schedule(void) {
    ardm_schedule *s = NULL, *t = NULL;
    ardm_bytes bytes = {0};
    double loss[29];
    for (int i = 0; i < 29; i++) loss[i] = i < 20 ? 5 - i * 0.2 : 3 - (i - 20) * 0.1;
    ardm_status status = ardm_schedule_optimal(&s, loss, units, 3, 7);
    if (!status) status = ardm_schedule_write(&bytes, s);
    if (!status) status = ardm_schedule_read(&t, bytes.data, bytes.size, units, 3);
    ardm_schedule_free(&s);
    if (!status) status = ardm_schedule_fit(&s, t, 1, units, 3);
    ardm_schedule_free(&s);
    if (!status) status = ardm_schedule_naive(&s, units, 3, 5);
    ardm_schedule_free(&s);
    ardm_schedule_free(&t);
    ardm_bytes_free(&bytes);
    return status;
}

static ardm_status make_orders(void) {
    static const uint16_t maps[6] = {0, 0, 0, 0, 1, 2};
    ardm_process *p = NULL;
    ardm_order *o = NULL;
    uint32_t counts[64], known[64] = {0}, strata[8];
    int32_t place[256];
    uint8_t state[256];
    ardm_status status = ardm_process_from_table(&p, 3, 1, maps, NULL);
    ardm_process_free(&p);
    if (!status) status = ardm_process_parse(&p, "absorbing 9");
    ardm_process_free(&p);
    if (!status) status = ardm_order_create(&o, &(ardm_order_family){.kind = ARDM_ORDER_QUINCUNX}, 0, &(ardm_layout){2, {16, 16}, 1});
    if (!status) status = ardm_order_place(o, NULL, 1, 0, 2, place, counts);
    if (!status) status = ardm_order_states_all(o, place, counts, known, state);
    if (!status) status = ardm_draw_strata(1, 2, 8, strata);
    ardm_order_free(&o);
    return status;
}

static ardm_status fill_model(ardm_model *m) {
    static const float weights[6] = {1, 2, 3, 4, 5, 6};
    ardm_curve *curve = NULL;
    ardm_schedule *schedule = NULL;
    ARDM_TRY(ardm_model_set(m, "ardm.format", "1"));
    ARDM_TRY(ardm_model_set(m, "ardm.graph", "ardm graph 1\n"));
    ARDM_TRY(ardm_model_set(m, "ardm.numerics", "1"));
    ARDM_TRY(ardm_model_set(m, "ardm.modality", "text 1"));
    ARDM_TRY(ardm_model_set(m, "ardm.process", "absorbing 256"));
    ARDM_TRY(ardm_model_set_order(m, &(ardm_order_family){.kind = ARDM_ORDER_BLOCKS, .low = 1, .high = 16}, NULL));
    ARDM_TRY(ardm_model_set_tensor(m, "w", ARDM_STORED_F32, 2, (const int64_t[]){2, 3}, weights));
    ardm_status status = ardm_curve_create(&curve, units, 3);
    if (!status) ardm_curve_add(curve, 0, 1, 20, 2, 1);
    if (!status) status = ardm_model_set_curve(m, curve);
    ardm_curve_free(&curve);
    if (!status) status = ardm_schedule_naive(&schedule, units, 3, 5);
    if (!status) status = ardm_model_set_schedule(m, 0, schedule);
    ardm_schedule_free(&schedule);
    return status;
}

static ardm_status make_model(void) {
    ardm_model *m = NULL, *n = NULL;
    ardm_bytes bytes = {0};
    ardm_sha256 hash;
    double bits;
    ardm_curve *curve = NULL;
    ardm_status status = ardm_model_create(&m);
    if (!status) status = fill_model(m);
    if (!status) status = ardm_model_export(&n, m, ARDM_STORED_I8);
    if (!status) status = ardm_model_print(&bytes, n);
    ardm_model_free(&n);
    if (!status) status = ardm_model_parse(&n, bytes.data, bytes.size, 1 << 20, "x");
    if (!status) status = ardm_model_check(n, "x");
    if (!status) status = ardm_model_identity(n, &hash);
    if (!status) status = ardm_model_curve(n, &curve);
    if (!status) status = ardm_curve_bound(curve, &bits);
    ardm_curve_free(&curve);
    ardm_model_free(&m);
    ardm_model_free(&n);
    ardm_bytes_free(&bytes);
    return status;
}

static ardm_status write_archive(ardm_archive_writer *w, ardm_bytes *bytes) {
    static const uint8_t data[500];
    ardm_archive_chunk chunk = {0};
    ardm_bytes kept = {0};
    ardm_archive_item item = {.n_extents = 1, .extents = {500}, .n_chunks = 1, .name = "a", .side = data, .side_size = 300};
    ARDM_TRY(ardm_archive_add_item(w, &item));
    ardm_status status = ardm_archive_store(&chunk, &kept, data, sizeof data);
    if (!status) status = ardm_archive_add_chunk(w, &chunk);
    if (!status) status = ardm_archive_add_item(w, &item);
    if (!status) status = ardm_archive_add_chunk(w, &chunk);
    ardm_bytes_free(&kept);
    return status ? status : ardm_archive_finish(w, bytes);
}

static ardm_status make_archive(void) {
    ardm_archive_writer *w = NULL;
    ardm_archive *a = NULL;
    ardm_bytes bytes = {0};
    ardm_status status = ardm_archive_writer_create(&w);
    if (!status) status = write_archive(w, &bytes);
    ardm_archive_writer_free(&w);
    if (!status) status = ardm_archive_open(&a, bytes.data, bytes.size, 1 << 20);
    ardm_archive_close(&a);
    ardm_bytes_free(&bytes);
    return status;
}

static ardm_status code(void) {
    static const uint32_t pairs[40][2] = {{5, 1}, {7, 1}};
    ardm_rans_encoder e;
    ardm_rans_begin(&e, 0);
    ardm_status status = ardm_rans_add(&e, pairs, 40);
    if (!status) status = ardm_rans_add(&e, pairs, 40);
    ardm_rans_free(&e);
    return status;
}

static ardm_status (*const calls[])(void) = {make_schedule, make_orders, make_model, make_archive, code};

/* Fails as out of memory as long as an allocation is left to fail, then succeeds. */
START_TEST(each_allocation_fails) {
    int n = 0;
    for (ardm_status status = ARDM_ENOMEM; status; n++) {
        ck_assert_int_lt(n, 1000);
        countdown = n + 1;
        status = calls[_i]();
        const int left = countdown;
        countdown = 0;
        if (status) ck_assert_msg(status == ARDM_ENOMEM && strstr(ardm_message(), "memory"), "%d: %s", n, ardm_message());
        /* Growing bytes tries again with less where much was refused. */
        if (!status && left == 0) status = ARDM_ENOMEM;
    }
    ck_assert_int_gt(n, 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("alloc");
    TCase *tests = tcase_create("alloc");
    tcase_add_loop_test(tests, each_allocation_fails, 0, (int)(sizeof calls / sizeof *calls));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
