/* A step that several devices share: gradients of ranges, their tree, and the same move everywhere. */
#include <stdlib.h>
#include <string.h>

#include "ardm/exact.h"
#include "ardm/objective.h"
#include "ardm/thread.h"
#include "replicas.h"

/* --- sums -------------------------------------------------------------------------------------------------------------------- */

typedef struct addition {
    float *sum;
    const float *more;
} addition;

/* A node of the tree, as op tree_sum has it: F of a sum that does not care which operand comes first. */
static void add_range(void *user, int64_t begin, int64_t end) {
    const addition *a = user;
    for (int64_t i = begin; i < end; i++) a->sum[i] = ardm_flush(a->sum[i] + a->more[i]);
}

static void add(float *sum, const float *more, size_t count) {
    addition a = {sum, more};
    ardm_parallel((int64_t)count, 1 << 16, add_range, &a);
}

static float *sum_at(const ardm_replica *r, int32_t level) { return r->sums + (size_t)level * r->trainer->replicas->count; }
static float *range_sum(const ardm_replica *r) { return sum_at(r, r->trainer->replicas->levels); }

/* Counts a part like a binary counter: its gradients, joined with every sum that waits below the lowest 0 bit, wait there; the last part's end as the
 * range's. */
static void count_part(const ardm_replica *r, int64_t part) {
    const ardm_replicas *all = r->trainer->replicas;
    int32_t level = 0;
    while (part >> level & 1) level++;
    float *own = sum_at(r, level);
    for (uint32_t i = 0; i < all->n_parameters; i++) {
        char name[32];
        memcpy(own + all->first[i], ardm_binding_output(r->backward, ardm_objective_gradient(name, i)),
               (all->first[i + 1] - all->first[i]) * sizeof *own);
    }
    for (int32_t below = 0; below < level; below++) add(own, sum_at(r, below), all->count);
}

/* The first part of a replica among all parts of the batch. */
static int64_t first_part(const ardm_replica *r) {
    const ardm_replicas *all = r->trainer->replicas;
    return ((int64_t)all->own * all->n + r->number) << all->levels;
}

static ardm_status differentiate(ardm_replica *r) {
    const ardm_replicas *all = r->trainer->replicas;
    for (int64_t part = 0; part < (int64_t)1 << all->levels; part++) {
        const int64_t at = first_part(r) + part;
        ARDM_TRY(ardm_trainer__fill(r->trainer, r->backward, r->trainer->step, at * all->items, all->items));
        ARDM_TRY(ardm_run(r->backward));
        all->parts[at].loss = *(const float *)ardm_binding_output(r->backward, "loss");
        all->parts[at].bad = *(const int32_t *)ardm_binding_output(r->backward, "bad");
        count_part(r, part);
    }
    return ARDM_OK;
}

/* --- exchange ---------------------------------------------------------------------------------------------------------------- */

/* The first replica's sum becomes that of the batch, and every part is known to all. Ranks swap as in a butterfly: after bit b each has the sum of
 * 2^(b+1) ranks, the same on all of them. */
static ardm_status reduce(const ardm_replicas *all) {
    float *sum = range_sum(&all->each[0]);
    for (uint32_t step = 1; step < all->n; step *= 2)
        for (uint32_t k = 0; k < all->n; k += 2 * step) add(range_sum(&all->each[k]), range_sum(&all->each[k + step]), all->count);
    int64_t parts = all->n_parts / all->n_ranks;
    for (uint32_t bit = 1; bit < all->n_ranks; bit *= 2, parts *= 2) {
        const uint32_t other = all->own ^ bit;
        ARDM_TRY(ardm_ranks_swap(all->ranks, other, sum, all->taken, all->count * sizeof *sum));
        add(sum, all->taken, all->count);
        ardm_replicas__part *own = all->parts + (all->own & ~(bit - 1)) / bit * parts;
        ardm_replicas__part *theirs = all->parts + (other & ~(bit - 1)) / bit * parts;
        ARDM_TRY(ardm_ranks_swap(all->ranks, other, own, theirs, (uint64_t)parts * sizeof *own));
    }
    return ARDM_OK;
}

/* One device's loss: of each part that [train] accumulate makes a number, which is the tree over its ranges; their sum in double. */
static double fold_losses(const ardm_replicas *all, int64_t accumulate) {
    const int64_t ranges = all->n_parts / accumulate;
    double loss = 0;
    for (int64_t i = 0; i < all->n_parts; i++) all->losses[i] = all->parts[i].loss;
    for (int64_t step = 1; step < ranges; step *= 2)
        for (int64_t i = 0; i < all->n_parts; i += 2 * step) all->losses[i] = ardm_flush(all->losses[i] + all->losses[i + step]);
    for (int64_t i = 0; i < all->n_parts; i += ranges) loss += (double)all->losses[i];
    return loss;
}

/* --- the step ---------------------------------------------------------------------------------------------------------------- */

static ardm_status move(ardm_replica *r) {
    static const char *const rates[] = {"rate", "limit", "c1", "c2", "average", "loss", "bad"};
    const ardm_replicas *all = r->trainer->replicas;
    const float *sum = range_sum(&all->each[0]);
    for (size_t k = 0; r->number > 0 && k < sizeof rates / sizeof *rates; k++)
        memcpy(ardm_binding_input(r->move, rates[k]), ardm_binding_input(all->each[0].move, rates[k]), 4);
    for (uint32_t i = 0; i < all->n_parameters; i++) {
        char name[32];
        memcpy(ardm_binding_input(r->move, ardm_objective_gradient(name, i)), sum + all->first[i], (all->first[i + 1] - all->first[i]) * sizeof *sum);
    }
    return ardm_run(r->move);
}

ardm_status ardm_replicas__step(double *loss, ardm_trainer *t) {
    ardm_replicas *all = t->replicas;
    int32_t bad = 0;
    ARDM_TRY(ardm_replicas__together(all, differentiate));
    ARDM_TRY(reduce(all));
    *loss = fold_losses(all, t->recipe->accumulate);
    for (int64_t i = 0; i < all->n_parts; i++) bad |= all->parts[i].bad;
    *(float *)ardm_binding_input(t->optimiser, "loss") = (float)*loss;
    *(int32_t *)ardm_binding_input(t->optimiser, "bad") = bad;
    return ardm_replicas__together(all, move);
}

/* A part's inputs are still there only where a device has one part; filling them again costs little. */
static ardm_status find_own(ardm_trainer *t, char node[160]) {
    const ardm_replicas *all = t->replicas;
    for (uint32_t k = 0; k < all->n && !node[0]; k++) {
        const ardm_replica *r = &all->each[k];
        for (int64_t part = first_part(r); part < first_part(r) + ((int64_t)1 << all->levels) && !node[0]; part++) {
            ARDM_TRY(ardm_trainer__fill(t, r->backward, t->step, part * all->items, all->items));
            ARDM_TRY(ardm_binding_find_nonfinite(r->backward, node, 160));
        }
    }
    return ARDM_OK;
}

ardm_status ardm_replicas__find_nonfinite(ardm_trainer *t, char node[160]) {
    const ardm_replicas *all = t->replicas;
    memset(node, 0, 160);
    ARDM_TRY(find_own(t, node));
    for (uint32_t bit = 1; bit < all->n_ranks; bit *= 2) { /* the lower rank's word counts, where it has one */
        char theirs[160];
        ARDM_TRY(ardm_ranks_swap(all->ranks, all->own ^ bit, node, theirs, sizeof theirs));
        if (theirs[0] && (!node[0] || (all->own & bit))) memcpy(node, theirs, sizeof theirs);
    }
    return node[0] ? ARDM_OK : ardm_binding_find_nonfinite(t->optimiser, node, 160);
}
