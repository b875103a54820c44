/* The optimum of one cell. Cost of k steps up to unit t: C[k,t] = min over s < t of (C[k-1,s] - s L_s) + t L_s, a lower envelope of
 * lines in t whose slopes L_s do not rise with s, asked at rising t: one pass of a double-ended queue a layer. The steps are found
 * without keeping the layers: each run remembers where the best path crosses its middle layer, and both halves are solved alike,
 * which doubles the time and keeps memory at O(units). */
#include <stdlib.h>

#include "ardm/schedule.h"
#include "private.h"

typedef struct scratch {
    double *cost, *next, *intercept; /* units + 1 */
    uint32_t *queue, *cross, *crossed;
} scratch;

static void release(scratch *s) {
    free(s->cost);
    free(s->next);
    free(s->intercept);
    free(s->queue);
    free(s->cross);
    free(s->crossed);
}

static ardm_status reserve(scratch *s, uint32_t units) {
    const size_t n = (size_t)units + 1;
    s->cost = malloc(n * sizeof *s->cost);
    s->next = malloc(n * sizeof *s->next);
    s->intercept = malloc(n * sizeof *s->intercept);
    s->queue = malloc(n * sizeof *s->queue);
    s->cross = malloc(n * sizeof *s->cross);
    s->crossed = malloc(n * sizeof *s->crossed);
    if (s->cost && s->next && s->intercept && s->queue && s->cross && s->crossed) return ARDM_OK;
    release(s);
    return ardm_fail(ARDM_ENOMEM, "no memory for the schedule of %u units", units);
}

static ardm_status check(const double *loss, uint32_t units) {
    for (uint32_t n = 0; n < units; n++) {
        if (!(loss[n] >= 0 && loss[n] <= 1e300)) return ardm_fail(ARDM_EINVAL, "schedule: the loss with %u units known is %g", n, loss[n]);
        if (n && loss[n] > loss[n - 1])
            return ardm_fail(ARDM_EINVAL, "schedule: losses must not rise, but with %u units known it is %.9g and with %u %.9g", n - 1, loss[n - 1],
                             n, loss[n]);
    }
    return ARDM_OK;
}

static double line_at(const scratch *s, const double *loss, uint32_t line, uint32_t t) { return s->intercept[line] + (double)t * loss[line]; }

/* Whether `middle` lies nowhere below both its neighbours. Slopes fall from left to right. */
static int hidden(const scratch *s, const double *loss, uint32_t left, uint32_t middle, uint32_t right) {
    return (s->intercept[right] - s->intercept[left]) * (loss[left] - loss[middle]) <=
           (s->intercept[middle] - s->intercept[left]) * (loss[left] - loss[right]);
}

/* Layer k of the range [low, high): from cost (k-1 steps) to next (k steps), t = low + k .. high. Ties go to the lowest s.
 * mark 1: crossed[t] becomes t (this is the middle layer); 2: it is inherited; 0: not kept. */
static void layer(scratch *s, const double *loss, uint32_t low, uint32_t high, uint32_t k, int mark) {
    uint32_t head = 0, tail = 0;
    for (uint32_t t = low + k; t <= high; t++) {
        const uint32_t line = t - 1;
        s->intercept[line] = s->cost[line] - (double)line * loss[line];
        int keep = 1;
        if (tail > head && loss[s->queue[tail - 1]] == loss[line]) {
            if (s->intercept[line] >= s->intercept[s->queue[tail - 1]])
                keep = 0;
            else
                tail--;
        }
        while (keep && tail - head >= 2 && hidden(s, loss, s->queue[tail - 2], s->queue[tail - 1], line)) tail--;
        if (keep) s->queue[tail++] = line;
        while (tail - head >= 2 && line_at(s, loss, s->queue[head + 1], t) < line_at(s, loss, s->queue[head], t)) head++;
        const uint32_t best = s->queue[head];
        s->next[t] = line_at(s, loss, best, t);
        if (mark) s->crossed[t] = mark == 1 ? t : s->cross[best];
    }
    double *swap = s->cost;
    s->cost = s->next;
    s->next = swap;
    uint32_t *cross = s->cross;
    s->cross = s->crossed;
    s->crossed = cross;
}

/* One step from low to every t. */
static void first_layer(scratch *s, const double *loss, uint32_t low, uint32_t high, int mark) {
    for (uint32_t t = low + 1; t <= high; t++) {
        s->cost[t] = (double)(t - low) * loss[low];
        if (mark) s->cross[t] = t;
    }
}

static void solve(scratch *s, const double *loss, uint32_t low, uint32_t high, uint32_t k, uint32_t *steps) {
    if (k == high - low) {
        for (uint32_t j = 0; j < k; j++) steps[j] = low + j;
        return;
    }
    if (k == 1) {
        steps[0] = low;
        return;
    }
    const uint32_t middle = k / 2;
    first_layer(s, loss, low, high, middle == 1);
    for (uint32_t j = 2; j <= k; j++) layer(s, loss, low, high, j, j < middle ? 0 : j == middle ? 1 : 2);
    const uint32_t at = s->cross[high];
    solve(s, loss, low, at, middle, steps);
    solve(s, loss, at, high, k - middle, steps + middle);
}

static ardm_status check_budget(uint32_t units, uint32_t budget) {
    if (budget < 1 || budget > units) return ardm_fail(ARDM_EINVAL, "schedule: %u steps for %u units; there must be 1..%u", budget, units, units);
    return ARDM_OK;
}

ardm_status ardm_schedule_cell(uint32_t *steps, double *cost, const double *loss, uint32_t units, uint32_t budget) {
    scratch s = {0};
    ARDM_TRY(check_budget(units, budget));
    ARDM_TRY(check(loss, units));
    ARDM_TRY(reserve(&s, units));
    solve(&s, loss, 0, units, budget, steps);
    release(&s);
    if (cost) {
        *cost = 0;
        for (uint32_t j = 0; j < budget; j++) *cost += (double)((j + 1 < budget ? steps[j + 1] : units) - steps[j]) * loss[steps[j]];
    }
    return ARDM_OK;
}

ardm_status ardm__schedule_costs(double *costs, uint32_t *count, const double *loss, uint32_t units, uint32_t most, double price) {
    scratch s = {0};
    ARDM_TRY(check_budget(units, most));
    ARDM_TRY(check(loss, units));
    ARDM_TRY(reserve(&s, units));
    first_layer(&s, loss, 0, units, 0);
    costs[0] = s.cost[units];
    *count = 1;
    while (*count < most) {
        layer(&s, loss, 0, units, *count + 1, 0);
        costs[(*count)++] = s.cost[units];
        if (costs[*count - 2] - costs[*count - 1] <= price) break;
    }
    release(&s);
    return ARDM_OK;
}

ardm_status ardm_schedule_costs(double *costs, const double *loss, uint32_t units, uint32_t most) {
    uint32_t count = 0;
    return ardm__schedule_costs(costs, &count, loss, units, most, -1e300);
}
