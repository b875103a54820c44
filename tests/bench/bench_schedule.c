/* The schedule of one cell by the lower envelope, O(B N), beside the plain recursion, O(B N^2). Usage: bench_schedule */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "ardm/log.h"
#include "ardm/schedule.h"

enum { UNITS = 16000, FEWER = 4000, BUDGET = 50 };
static const double target = 0.2; /* seconds of all budgets at UNITS */

static long peak_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* A curve with steps and bends, non-increasing. */
static void draw_losses(double *loss, uint32_t units) {
    uint64_t state = 20211005;
    double fall = 0;
    for (uint32_t n = 0; n < units; n++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        fall += (double)(state >> 40) / 16777216.0 * 1e-5;
        loss[n] = 2 + 6.0 / (1 + 80.0 * n / units) - fall;
    }
}

/* cost(k, end) = min over start of cost(k - 1, start) + (end - start) loss[start] (paper, appendix A.2); costs[k-1] at end = units. */
static int plain(double *costs, const double *loss, uint32_t units) {
    double *last = malloc(((size_t)units + 1) * sizeof *last), *next = malloc(((size_t)units + 1) * sizeof *next);
    if (!last || !next) {
        free(last);
        free(next);
        return 1;
    }
    for (uint32_t end = 0; end <= units; end++) last[end] = end * loss[0];
    for (uint32_t k = 1; k <= BUDGET; k++) {
        costs[k - 1] = last[units];
        for (uint32_t end = 0; end <= units; end++) {
            double best = last[end];
            for (uint32_t start = 1; start < end; start++) {
                const double cost = last[start] + (end - start) * loss[start];
                if (cost < best) best = cost;
            }
            next[end] = best;
        }
        double *swap = last;
        last = next;
        next = swap;
    }
    free(last);
    free(next);
    return 0;
}

int main(void) {
    double *loss = malloc(UNITS * sizeof *loss), costs[BUDGET], wanted[BUDGET], cost;
    uint32_t steps[BUDGET];
    if (!loss) return 1;
    int failures = 0;
    const long before = peak_kib();
    draw_losses(loss, UNITS);
    double began = ardm_clock();
    if (ardm_schedule_costs(costs, loss, UNITS, BUDGET) != ARDM_OK) goto fail;
    const double of_costs = ardm_clock() - began;
    began = ardm_clock();
    for (uint32_t k = 1; k <= BUDGET; k++) {
        if (ardm_schedule_cell(steps, &cost, loss, UNITS, k) != ARDM_OK) goto fail;
        if (fabs(cost - costs[k - 1]) > 1e-9 * cost) failures++;
    }
    const double of_steps = ardm_clock() - began;
    printf("%d units, budgets 1 to %d: costs %.4f s%s, the steps of each too %.3f s; peak memory %ld KiB, %ld above the start\n", UNITS, BUDGET,
           of_costs, of_costs > target ? " *" : "", of_costs + of_steps, peak_kib(), peak_kib() - before);

    draw_losses(loss, FEWER);
    began = ardm_clock();
    if (ardm_schedule_costs(costs, loss, FEWER, BUDGET) != ARDM_OK) goto fail;
    const double envelope = ardm_clock() - began;
    began = ardm_clock();
    if (plain(wanted, loss, FEWER) != 0) goto fail;
    const double recursion = ardm_clock() - began;
    double worst = 0;
    for (uint32_t k = 0; k < BUDGET; k++) worst = fmax(worst, fabs(costs[k] - wanted[k]) / wanted[k]);
    failures += worst > 1e-12;
    printf("%d units: envelope %.4f s, plain recursion %.3f s, %.0f times as long; largest relative difference of a cost %.1e%s\n", FEWER, envelope,
           recursion, recursion / envelope, worst, failures ? ": WRONG" : "");
    free(loss);
    return failures > 0;
fail:
    fprintf(stderr, "bench_schedule: %s\n", ardm_message());
    free(loss);
    return 1;
}
