/* The same terms must give the same bits however a computation is cut: two streams or one with decided blocks, alone or in a
 * batch, padded with void positions or not, one part or two (numerics.md 9). By the reference and by every exact variant. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/op_case.h"

/* Tests run once a way: 0 is the reference, n the n-th variant on the first OpenCL device. */
enum { MOST_WAYS = 3 };
static ardm_device *device;
static int way;

typedef struct problem {
    ardm_case_data *data;
    void *out[ARDM_MAX_OPERANDS];
} problem;

static void open_problem(problem *p, const char *op, const char *inputs, const char *attrs) {
    ck_assert_msg(ardm_case_open_text(&p->data, ardm_op_find(op), inputs, attrs, 0) == ARDM_OK, "%s", ardm_message());
    ck_assert_int_eq(ardm_case_outputs(p->out, p->data, 0), ARDM_OK);
}

static void close_problem(problem *p) {
    ardm_case_free_outputs(p->out, p->data);
    ardm_case_close(&p->data);
}

/* Returns 0 where the op has no such way here. */
static int run(problem *p) {
    if (way == 0) {
        ck_assert_msg(ardm_case_reference(p->data, p->out) == ARDM_OK, "%s", ardm_message());
        return 1;
    }
    char why[200];
    const ardm_variant *variant = ardm_variant_at(p->data->op, (uint32_t)way - 1);
    ardm_case_run *prepared;
    if (!device || !variant || variant->numerics != ARDM_EXACT) return 0;
    if (variant->accept && variant->accept(&p->data->call, ardm_device_get_facts(device), why, sizeof why) <= 0) return 0;
    ck_assert_msg(ardm_case_run_open(&prepared, p->data, variant, device, NULL, 1) == ARDM_OK, "%s", ardm_message());
    ck_assert_msg(ardm_case_run_outputs(prepared, p->out) == ARDM_OK, "%s", ardm_message());
    ardm_case_run_close(&prepared);
    return 1;
}

/* Rows of `width` 4-byte elements, starting at element `at`. */
static void same(const void *a, int64_t a_at, const void *b, int64_t b_at, int64_t count, const char *what) {
    const uint32_t *x = (const uint32_t *)a + a_at, *y = (const uint32_t *)b + b_at;
    for (int64_t i = 0; i < count; ++i)
        ck_assert_msg(x[i] == y[i], "%s: element %lld is %08x on one side and %08x on the other", what, (long long)i, x[i], y[i]);
}
static void put(problem *to, uint32_t k, int64_t to_at, const problem *from, uint32_t j, int64_t from_at, int64_t count) {
    memcpy((uint32_t *)to->data->inputs[k] + to_at, (const uint32_t *)from->data->inputs[j] + from_at, (size_t)count * 4);
}

enum { L = 40, D = 24, HEADS = 3 };

/* Both streams of one training call, against calls as a decoder makes them: one stream whose earlier blocks are decided. */
static void check_streams(int32_t n) {
    problem joined, single;
    open_problem(&joined, "attention", "f32[1,80,72] i32[1] -", "heads=3, streams=2");
    open_problem(&single, "attention", "f32[1,40,72] i32[1] -", "heads=3");
    *(int32_t *)joined.data->inputs[1] = *(int32_t *)single.data->inputs[1] = n;
    put(&single, 0, 0, &joined, 0, 0, L * 3 * D);
    if (run(&joined) && run(&single)) {
        same(joined.out[0], 0, single.out[0], 0, L * D, "o of the clean stream");
        for (int64_t h = 0; h < HEADS; ++h) {
            same(joined.out[1], h * 2 * L, single.out[1], h * L, L, "maximum of the clean stream");
            same(joined.out[2], h * 2 * L, single.out[2], h * L, L, "denominator of the clean stream");
        }
        for (int64_t begin = 0; begin < L; begin += n) {
            const int64_t count = begin + n < L ? n : L - begin;
            put(&single, 0, begin * 3 * D, &joined, 0, (L + begin) * 3 * D, (L - begin) * 3 * D);
            run(&single);
            same(joined.out[0], (L + begin) * D, single.out[0], begin * D, count * D, "o of a noisy block");
            for (int64_t h = 0; h < HEADS; ++h) same(joined.out[2], (2 * h + 1) * L + begin, single.out[2], h * L + begin, count, "its denominator");
            put(&single, 0, begin * 3 * D, &joined, 0, begin * 3 * D, count * 3 * D);
        }
    }
    close_problem(&joined);
    close_problem(&single);
}

START_TEST(streams_agree_with_decoding) {
    static const int32_t blocks[] = {1, 3, 7, 16, 40};
    way = _i;
    for (size_t k = 0; k < sizeof blocks / sizeof blocks[0]; ++k) check_streams(blocks[k]);
}
END_TEST

/* Item 2 of a batch of three, and alone. Operands whose first extent is 3 are cut; others are shared. */
static void check_batch(const char *op, const char *three, const char *one, const char *attrs) {
    problem batch, alone;
    open_problem(&batch, op, three, attrs);
    open_problem(&alone, op, one, attrs);
    for (uint32_t k = 0; k < batch.data->call.n_in; ++k) {
        if (!batch.data->inputs[k]) continue;
        const uint64_t bytes = ardm_shape_bytes(&alone.data->in[k]);
        const uint64_t skip = ardm_shape_equal(&batch.data->in[k], &alone.data->in[k]) ? 0 : 2 * bytes;
        memcpy(alone.data->inputs[k], (const char *)batch.data->inputs[k] + skip, bytes);
    }
    if (run(&batch) && run(&alone))
        for (uint32_t k = 0; k < batch.data->call.n_out; ++k) {
            const int64_t count = ardm_shape_count(&alone.data->out[k]);
            same(batch.out[k], 2 * count, alone.out[k], 0, count, op);
        }
    close_problem(&batch);
    close_problem(&alone);
}

START_TEST(place_in_the_batch) {
    way = _i;
    check_batch("attention", "f32[3,40,72] i32[3]{3:4} u8[3,40]{0:4}", "f32[1,40,72] i32[1] u8[1,40]", "heads=3");
    check_batch("attention", "f32[3,80,72] i32[3]{3:9} -", "f32[1,80,72] i32[1] -", "heads=3, streams=2");
    check_batch("attention_grad", "f32[3,80,72] i32[3]{3:9} - f32[3,80,24] f32[3,3,80]{2:4} f32[3,3,80]{1:40} f32[3,80,24]",
                "f32[1,80,72] i32[1] - f32[1,80,24] f32[1,3,80] f32[1,3,80] f32[1,80,24]", "heads=3, streams=2");
    check_batch("softmax", "f32[3,257]", "f32[1,257]", "");
    check_batch("layer_norm", "f32[3,7,100] f32[100] f32[100]", "f32[1,7,100] f32[100] f32[100]", "");
    check_batch("layer_norm_grad", "f32[3,300,40] f32[40] f32[3,300] f32[3,300]{0.5:2} f32[3,300,40]",
                "f32[1,300,40] f32[40] f32[1,300] f32[1,300] f32[1,300,40]", "group=1");
    check_batch("group_norm", "f32[3,300,40] f32[40] f32[40] u8[3,300]{0:4}", "f32[1,300,40] f32[40] f32[40] u8[1,300]", "groups=4");
    check_batch("group_norm_grad", "f32[3,300,40] f32[40] f32[3,4] f32[3,4]{0.5:2} f32[3,300,40] u8[3,300]{0:4}",
                "f32[1,300,40] f32[40] f32[1,4] f32[1,4] f32[1,300,40] u8[1,300]", "groups=4, group=1");
    check_batch("embed_grad", "i32[3,300]{0:5} f32[3,300,20]", "i32[1,300] f32[1,300,20]", "classes=5, group=1");
    check_batch("context_ids", "i32[3,80]{0:9} i32[3]{3:9}", "i32[1,80] i32[1]", "history=2, buckets=64, streams=2");
}
END_TEST

/* Positions past `length` are void in the longer problem and absent in the shorter. */
static void check_padding(const char *op, const char *longer, const char *shorter, const char *attrs, int64_t all, int64_t length, uint32_t mask) {
    problem padded, exact;
    open_problem(&padded, op, longer, attrs);
    open_problem(&exact, op, shorter, attrs);
    for (int64_t p = 0; p < all; ++p) ((uint8_t *)padded.data->inputs[mask])[p] = p < length ? 1 : 3;
    /* A void position has no gradient. */
    if (strcmp(op, "attention_grad") == 0) {
        const int64_t width = padded.data->in[6].dim[2];
        memset((float *)padded.data->inputs[6] + length * width, 0, (size_t)((all - length) * width) * sizeof(float));
    }
    for (uint32_t k = 0; k < exact.data->call.n_in; ++k) {
        if (!exact.data->inputs[k]) continue;
        /* [1, positions, width] is cut at its end, [1, heads, positions] row by row. */
        if (exact.data->in[k].rank == 3 && exact.data->in[k].dim[2] == length)
            for (int64_t row = 0; row < exact.data->in[k].dim[1]; ++row) put(&exact, k, row * length, &padded, k, row * all, length);
        else
            put(&exact, k, 0, &padded, k, 0, ardm_shape_count(&exact.data->in[k]));
    }
    if (run(&padded) && run(&exact)) same(padded.out[0], 0, exact.out[0], 0, ardm_shape_count(&exact.data->out[0]), op);
    close_problem(&padded);
    close_problem(&exact);
}

START_TEST(void_padding) {
    way = _i;
    check_padding("attention", "f32[1,300,72] - u8[1,300]", "f32[1,270,72] - -", "heads=3", 300, 270, 2);
    check_padding("attention", "f32[1,40,72] i32[1]{7:8} u8[1,40]", "f32[1,33,72] i32[1]{7:8} -", "heads=3", 40, 33, 2);
    check_padding("attention_grad", "f32[1,300,72] - u8[1,300] f32[1,300,24] f32[1,3,300]{2:4} f32[1,3,300]{1:99} f32[1,300,24]",
                  "f32[1,270,72] - - f32[1,270,24] f32[1,3,270] f32[1,3,270] f32[1,270,24]", "heads=3", 300, 270, 2);
    check_padding("group_norm", "f32[1,300,24] f32[24] f32[24] u8[1,300]", "f32[1,261,24] f32[24] f32[24] -", "groups=4", 300, 261, 3);
    check_padding("group_norm_grad", "f32[1,300,24] f32[24] f32[1,4] f32[1,4]{0.5:2} f32[1,300,24] u8[1,300]",
                  "f32[1,261,24] f32[24] f32[1,4] f32[1,4] f32[1,261,24] -", "groups=4, group=1", 300, 261, 5);
}
END_TEST

int main(void) {
    const ardm_device_entry *entries;
    size_t count;
    if (ardm_device_list(&entries, &count) == ARDM_OK)
        for (size_t k = 0; k < count && !device; ++k)
            if (!entries[k].why && entries[k].facts.device_class != ARDM_CLASS_REFERENCE) {
                char name[32];
                snprintf(name, sizeof name, "%u:%u", entries[k].facts.platform_index, entries[k].facts.device_index);
                if (ardm_device_open(&device, name) != ARDM_OK) printf("%s: %s\n", name, ardm_message());
            }
    printf("invariance: %s\n", device ? ardm_device_name(device) : "no OpenCL device, the reference alone");
    Suite *suite = suite_create("invariance");
    TCase *tests = tcase_create("bits");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, streams_agree_with_decoding, 0, MOST_WAYS);
    tcase_add_loop_test(tests, place_in_the_batch, 0, MOST_WAYS);
    tcase_add_loop_test(tests, void_padding, 0, MOST_WAYS);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    ardm_device_close(&device);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
