/* The harness: device, clock, median, rows. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ardm/op_case.h"
#include "ardm/thread.h"

enum { SAMPLES = 9 };

/* On one thread the processor time of the process, which neighbours on the machine do not lengthen. */
static clockid_t clock_kind = CLOCK_MONOTONIC;

double bench_clock(void) {
    struct timespec now;
    clock_gettime(clock_kind, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

ardm_status bench_open(bench *b, const char *device) {
    memset(b, 0, sizeof *b);
    ARDM_TRY(ardm_device_open(&b->device, device));
    const ardm_device_facts *facts = ardm_device_get_facts(b->device);
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    b->threads = (int32_t)facts->compute_units < processors ? (int32_t)facts->compute_units : (int32_t)processors;
    if (b->threads < 1) b->threads = 1;
    if (b->threads == 1) clock_kind = CLOCK_PROCESS_CPUTIME_ID;
    printf("%s, %d thread%s, %s time; peak measured before each row\n", ardm_device_name(b->device), b->threads, b->threads == 1 ? "" : "s",
           b->threads == 1 ? "processor" : "wall");
    return ARDM_OK;
}

int bench_close(bench *b) {
    ardm_device_close(&b->device);
    if (b->failures) printf("%d rows failed\n", b->failures);
    return b->failures ? 1 : 0;
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(void (*body)(void *user, int32_t times), void *user) {
    double sample[SAMPLES], start;
    int32_t times = 1;
    body(user, 1);
    start = bench_clock();
    body(user, 1);
    const double once = bench_clock() - start;
    if (once < 0.03) times = (int32_t)(0.03 / (once > 1e-7 ? once : 1e-7)) + 1;
    for (int i = 0; i < SAMPLES; ++i) {
        start = bench_clock();
        body(user, times);
        sample[i] = (bench_clock() - start) / times;
    }
    qsort(sample, SAMPLES, sizeof *sample, compare);
    return sample[SAMPLES / 2];
}

typedef struct op_run {
    ardm_case_run *run;
    ardm_device *device;
    ardm_status status;
} op_run;

static void enqueue(void *user, int32_t times) {
    op_run *r = user;
    for (int32_t i = 0; i < times && r->status == ARDM_OK; ++i) r->status = ardm_case_run_enqueue(r->run);
    if (r->status == ARDM_OK) r->status = ardm_queue_finish(r->device);
}

static ardm_status compare_bytes(const ardm_case_data *data, ardm_case_run *run) {
    void *want[ARDM_MAX_OPERANDS] = {NULL}, *got[ARDM_MAX_OPERANDS] = {NULL};
    ardm_status status = ardm_case_outputs(want, data, 0);
    if (status == ARDM_OK) status = ardm_case_outputs(got, data, 0);
    if (status == ARDM_OK) status = ardm_case_reference(data, want);
    if (status == ARDM_OK) status = ardm_case_run_outputs(run, got);
    for (uint32_t k = 0; status == ARDM_OK && k < data->call.n_out; ++k)
        if (memcmp(want[k], got[k], ardm_shape_bytes(&data->out[k])) != 0)
            status = ardm_fail(ARDM_EINEXACT, "output %u differs from the reference", k);
    ardm_case_free_outputs(want, data);
    ardm_case_free_outputs(got, data);
    return status;
}

double bench_op(bench *b, const char *name, const char *inputs, const char *attrs) {
    const ardm_op *op = ardm_op_find(name);
    const ardm_variant *variant = NULL;
    ardm_case_data *data = NULL;
    op_run r = {NULL, b->device, ARDM_OK};
    double seconds = -1;
    ardm_status status = op ? ardm_case_open_text(&data, op, inputs, attrs, 0) : ardm_fail(ARDM_ENOTFOUND, "no op %s", name);
    if (status == ARDM_OK) status = ardm_variant_choose(&variant, &data->call, ardm_device_get_facts(b->device), ARDM_EXACT);
    if (status == ARDM_OK) status = ardm_case_run_open(&r.run, data, variant, b->device, NULL, 0);
    if (status == ARDM_OK) status = compare_bytes(data, r.run);
    if (status == ARDM_OK) {
        seconds = bench_median(enqueue, &r);
        status = r.status;
    }
    if (status != ARDM_OK) {
        printf("%s %s %s: %s\n", name, inputs, attrs ? attrs : "", ardm_message());
        b->failures++;
        seconds = -1;
    }
    ardm_case_run_close(&r.run);
    ardm_case_close(&data);
    return seconds;
}

void bench_row(const bench *b, const char *label, double flops, double seconds, double peak, double peak_target) {
    (void)b;
    printf("\n%-34s", label);
    if (seconds <= 0) return;
    printf(" %9.1f us %7.1f GFLOP/s", seconds * 1e6, flops / seconds / 1e9);
    if (peak > 0)
        printf("  of peak %.0f: %.3f (target %.2f)%s", peak, flops / seconds / 1e9 / peak, peak_target,
               flops / seconds / 1e9 < peak_target * peak ? " *" : "");
    fflush(stdout);
}

void bench_ratio(const char *peer, double seconds, double peer_seconds, double target) {
    if (seconds <= 0 || peer_seconds <= 0) return;
    printf("  %s %.2f", peer, peer_seconds / seconds);
    if (target > 0) printf(" (target %.2f)%s", target, peer_seconds < target * seconds ? " *" : "");
    fflush(stdout);
}
