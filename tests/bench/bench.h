/* Timing of ops against the arithmetic limit of the processor and against other libraries.
 *
 * A time is the median of nine samples of about 30 ms, after a warm-up. The limit, a loop of independent fused multiply-adds,
 * is measured again before every row, since clocks and neighbours change. */
#ifndef ARDM_BENCH_H
#define ARDM_BENCH_H

#include "ardm/device.h"
#include "ardm/op.h"

typedef struct bench {
    ardm_device *device;
    int32_t threads;  /* compute units of the device, at most the processors of this process */
    int32_t failures; /* rows that did not run or gave other bytes than the reference */
} bench;

/* Opens `device` (NULL: the default) and prints what is measured. */
ardm_status bench_open(bench *b, const char *device);
int bench_close(bench *b); /* exit code */

double bench_clock(void);
double bench_median(void (*body)(void *user, int32_t times), void *user); /* seconds of one time */

/* GFLOP/s of the FMA loop on all threads; 0 where this processor has no such loop. */
double bench_peak(const bench *b);

/* Seconds of all launches of one call of an op by the exact variant the device gets, packing included; its bytes are compared
 * with the reference first. Negative: it failed, and the reason was printed. */
double bench_op(bench *b, const char *op, const char *inputs, const char *attrs);

/* Seconds of the peers; negative: not built in, or refused. Layouts are theirs to choose and are prepared beforehand. */
double bench_openblas(const bench *b, int32_t m, int32_t n, int32_t k);
double bench_onednn_matmul(const bench *b, int32_t m, int32_t n, int32_t k);
enum { BENCH_FORWARD, BENCH_BACKWARD_DATA, BENCH_BACKWARD_WEIGHTS };
typedef struct bench_conv {
    int32_t items, height, width, channels, outputs, kernel_height, kernel_width, dilation;
} bench_conv;
double bench_onednn_conv(const bench *b, const bench_conv *conv, int32_t pass);

/* One row: speed, share of the peak beside its target, ratio to a peer beside its target (0: no target). */
void bench_row(const bench *b, const char *label, double flops, double seconds, double peak, double peak_target);
void bench_ratio(const char *peer, double seconds, double peer_seconds, double target);

#endif
