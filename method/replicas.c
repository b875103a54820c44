/* Several devices for one run: who they are, what they hold, and whether they agree. */
#define _POSIX_C_SOURCE 200809L
#include "replicas.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "ardm/objective.h"

/* --- doing things side by side ----------------------------------------------------------------------------------------------- */

static void work_one(ardm_replica *r) {
    r->status = r->work(r);
    if (r->status != ARDM_OK) snprintf(r->message, sizeof r->message, "%s", ardm_message());
}

static void *run_thread(void *user) {
    work_one(user);
    return NULL;
}

ardm_status ardm_replicas__together(ardm_replicas *all, ardm_status (*work)(ardm_replica *replica)) {
    pthread_t *threads = malloc(all->n * sizeof *threads);
    uint32_t started = 1;
    sigset_t signals, old;
    if (!threads) return ardm_fail(ARDM_ENOMEM, "no memory for %u threads", all->n);
    for (uint32_t k = 0; k < all->n; k++) all->each[k].work = work;
    sigfillset(&signals); /* signals are for the thread that runs the program */
    pthread_sigmask(SIG_SETMASK, &signals, &old);
    while (started < all->n && pthread_create(&threads[started], NULL, run_thread, &all->each[started]) == 0) started++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    work_one(&all->each[0]);
    for (uint32_t k = started; k < all->n; k++) work_one(&all->each[k]); /* no more threads to be had: slower, not wrong */
    for (uint32_t k = 1; k < started; k++) pthread_join(threads[k], NULL);
    free(threads);
    for (uint32_t k = 0; k < all->n; k++) {
        const ardm_replica *r = &all->each[k];
        if (r->status != ARDM_OK) return ardm_fail(r->status, "device %u of %u, %s: %s", k + 1, all->n, ardm_device_name(r->device), r->message);
    }
    return ARDM_OK;
}

/* --- making them ------------------------------------------------------------------------------------------------------------- */

/* Powers of two up to `most`, as people say them. */
static const char *powers_text(char text[96], int64_t most) {
    size_t n = 0;
    text[0] = '\0';
    for (int64_t k = 1; k <= most && n < 80; k *= 2) n += (size_t)snprintf(text + n, 96 - n, "%s%lld", k == 1 ? "" : ", ", (long long)k);
    return text;
}

static ardm_status check_counts(const ardm_recipe *r, const ardm_trainer_devices *on, uint32_t n_ranks) {
    const int64_t groups = r->batch / r->group, n = (int64_t)on->count * n_ranks;
    char text[96];
    if (on->count & (on->count - 1))
        return ardm_fail(ARDM_EINVAL, "%u devices cannot share a batch: its groups are added in a tree of two by two, so name 2, 4, 8 … devices",
                         on->count);
    if (n <= groups) return ARDM_OK;
    return ardm_fail(
        ARDM_EINVAL,
        "[train] batch %lld / group %lld is %lld groups, too few for %lld devices: %s would do, or a group of %lld items or fewer in a run "
        "that is begun anew",
        (long long)r->batch, (long long)r->group, (long long)groups, (long long)n, powers_text(text, groups),
        (long long)(r->batch / n ? r->batch / n : 1));
}

ardm_status ardm_replicas__create(ardm_trainer *t, const ardm_trainer_devices *on) {
    const ardm_recipe *r = t->recipe;
    const uint32_t n_ranks = on->ranks ? ardm_ranks_count(on->ranks) : 1;
    if (on->count == 1 && n_ranks == 1) return ARDM_OK;
    ARDM_TRY(check_counts(r, on, n_ranks));
    ardm_replicas *all = t->replicas = calloc(1, sizeof *all);
    if (!all || !(all->each = calloc(on->count, sizeof *all->each))) return ardm_fail(ARDM_ENOMEM, "no memory for %u devices", on->count);
    all->ranks = on->ranks;
    all->n_ranks = n_ranks;
    all->own = on->ranks ? ardm_ranks_own(on->ranks) : 0;
    all->n = on->count;
    t->follows = all->own > 0;
    const int64_t n = (int64_t)all->n * n_ranks;
    all->n_parts = r->accumulate > n ? r->accumulate : n;
    all->items = r->batch / all->n_parts;
    while (n << all->levels < all->n_parts) all->levels++;
    for (uint32_t k = 0; k < all->n; k++) {
        all->each[k].trainer = t;
        all->each[k].number = k;
        all->each[k].device = on->devices[k];
    }
    return ARDM_OK;
}

void ardm_replicas__free(ardm_replicas **replicas) {
    ardm_replicas *all = *replicas;
    if (!all) return;
    for (uint32_t k = 0; all->each && k < all->n; k++) {
        ardm_replica *r = &all->each[k];
        free(r->sums);
        if (k == 0) continue;
        ardm_binding_free(&r->backward);
        ardm_binding_free(&r->move);
        ardm_store_free(&r->store);
    }
    free(all->each);
    free(all->first);
    free(all->parts);
    free(all->losses);
    free(all->taken);
    free(all);
    *replicas = NULL;
}

/* --- what they hold ---------------------------------------------------------------------------------------------------------- */

static ardm_status share(const ardm_replicas *all, void *data, uint64_t bytes) {
    return all->n_ranks > 1 ? ardm_ranks_share(all->ranks, data, bytes) : ARDM_OK;
}

ardm_status ardm_replicas__spread(ardm_trainer *t) {
    ardm_replicas *all = t->replicas;
    for (uint32_t i = 0; all && i < ardm_store_count(t->store); i++) {
        const char *name = ardm_store_name(t->store, i);
        const ardm_shape *shape = ardm_store_shape(t->store, name);
        void *data = malloc((size_t)ardm_shape_bytes(shape) + 1);
        ardm_status status = data ? ardm_store_get(t->store, name, data) : ardm_fail(ARDM_ENOMEM, "no memory for %s", name);
        if (status == ARDM_OK) status = share(all, data, ardm_shape_bytes(shape));
        if (status == ARDM_OK && t->follows) status = ardm_store_restore(t->store, name, shape, data);
        for (uint32_t k = 1; status == ARDM_OK && k < all->n; k++) status = ardm_store_restore(all->each[k].store, name, shape, data);
        free(data);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

static ardm_status hash_states(ardm_replica *r) {
    r->hash = 0;
    for (uint32_t i = 0; i < ardm_store_count(r->store); i++) {
        const char *name = ardm_store_name(r->store, i);
        const size_t bytes = (size_t)ardm_shape_bytes(ardm_store_shape(r->store, name));
        void *data = malloc(bytes + 1);
        ardm_status status = data ? ardm_store_get(r->store, name, data) : ardm_fail(ARDM_ENOMEM, "no memory for %s", name);
        if (status == ARDM_OK) r->hash = r->hash * UINT64_C(0x9e3779b97f4a7c15) + ardm_xxh64(data, bytes);
        free(data);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

ardm_status ardm_replicas__check(ardm_trainer *t) {
    ardm_replicas *all = t->replicas;
    int32_t differ = 0;
    if (!all) return ARDM_OK;
    ARDM_TRY(ardm_replicas__together(all, hash_states));
    uint64_t hash = all->each[0].hash;
    ARDM_TRY(share(all, &hash, sizeof hash));
    for (uint32_t k = 0; k < all->n; k++) {
        if (all->each[k].hash == hash) continue;
        differ = 1;
        if (!all->warned++)
            ardm_log_write(
                ARDM_LOG_WARNING,
                "step %lld: device %u, %s, holds other weights than the first one. One of them is not exact (ardm doctor tells); all go on "
                "from the first one's at every checkpoint",
                (long long)t->step, all->own * all->n + k + 1, ardm_device_name(all->each[k].device));
    }
    ARDM_TRY(ardm_replicas__any(t, &differ));
    return differ ? ardm_replicas__spread(t) : ARDM_OK;
}

ardm_status ardm_replicas__follow(ardm_trainer *t) {
    int64_t known[2] = {t->due, t->stale};
    if (!t->replicas) return ARDM_OK;
    ARDM_TRY(share(t->replicas, known, sizeof known));
    t->due = known[0] != 0;
    t->stale = known[1];
    return ARDM_OK;
}

ardm_status ardm_replicas__any(const ardm_trainer *t, int32_t *flag) {
    return t->replicas && t->replicas->n_ranks > 1 ? ardm_ranks_any(t->replicas->ranks, flag) : ARDM_OK;
}

/* --- binding ----------------------------------------------------------------------------------------------------------------- */

/* What ranks must agree about, and where rank 0's checkpoint stands. */
typedef struct header {
    uint64_t config, training;
    int64_t step, devices;
    int32_t exponent;
    float beta1_power, beta2_power;
    int32_t unused; /* no padding in what is sent */
} header;

static ardm_status agree(ardm_trainer *t) {
    const ardm_replicas *all = t->replicas;
    const char *text = t->recipe->text, *what = NULL;
    const header own = {
        ardm_xxh64(text, strlen(text)), (uint64_t)ardm_dataset_training(t->dataset), t->step, all->n, t->exponent, t->beta1_power, t->beta2_power, 0};
    header first = own;
    ARDM_TRY(share(all, &first, sizeof first));
    if (own.config != first.config) what = "reads another config";
    if (own.training != first.training) what = "reads other data";
    if (own.devices != first.devices) what = "has another number of devices";
    if (what) return ardm_fail(ARDM_EINVAL, "rank %u %s than rank 0", all->own, what);
    t->step = first.step;
    t->exponent = first.exponent;
    t->beta1_power = first.beta1_power;
    t->beta2_power = first.beta2_power;
    return ARDM_OK;
}

static ardm_status bind_one(ardm_replica *r, const ardm_graph *backward, const ardm_graph *move, const ardm_extent *extents, uint32_t n_extents,
                            const ardm_bind_options *options) {
    const ardm_replicas *all = r->trainer->replicas;
    ARDM_TRY(ardm_bind(&r->backward, backward, r->store, extents, n_extents, options));
    ARDM_TRY(ardm_bind(&r->move, move, r->store, extents, 0, options));
    r->sums = malloc(((size_t)all->levels + 1) * all->count * sizeof *r->sums);
    return r->sums ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for %d sums of %zu gradients", all->levels + 1, all->count);
}

/* Where each gradient begins among all of them, in byte order of the parameters' names. */
static ardm_status lay_out(ardm_replicas *all, const ardm_graph *move) {
    char name[32];
    while (ardm_graph_find(move, ardm_objective_gradient(name, all->n_parameters)) >= 0) all->n_parameters++;
    all->first = calloc((size_t)all->n_parameters + 1, sizeof *all->first);
    all->parts = calloc((size_t)all->n_parts, sizeof *all->parts);
    all->losses = calloc((size_t)all->n_parts, sizeof *all->losses);
    if (!all->first || !all->parts || !all->losses) return ardm_fail(ARDM_ENOMEM, "no memory for %u gradients", all->n_parameters);
    for (uint32_t i = 0; i < all->n_parameters; i++) {
        const ardm_shape *shape = ardm_graph_value_shape(move, ardm_graph_find(move, ardm_objective_gradient(name, i)));
        all->first[i + 1] = all->first[i] + (size_t)ardm_shape_count(shape);
    }
    all->count = all->first[all->n_parameters];
    if (all->n_ranks > 1 && !(all->taken = malloc(all->count * sizeof *all->taken)))
        return ardm_fail(ARDM_ENOMEM, "no memory for %zu gradients", all->count);
    return ARDM_OK;
}

ardm_status ardm_replicas__bind(ardm_trainer *t, const ardm_extent *extents, uint32_t n_extents, uint64_t memory) {
    ardm_replicas *all = t->replicas;
    const ardm_recipe *r = t->recipe;
    ardm_graph *backward = NULL, *move = NULL;
    ardm_extent own[3];
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    options.memory = memory;
    ARDM_TRY(agree(t));
    const ardm_objective objective = {r->group, r->beta1, r->beta2, r->epsilon, r->decay, t->exponent, 0};
    memcpy(own, extents, n_extents * sizeof *own);
    own[0].value = all->items;
    all->each[0].store = t->store;
    ardm_status status = ARDM_OK;
    for (uint32_t k = 1; status == ARDM_OK && k < all->n; k++) status = ardm_store_create(&all->each[k].store, all->each[k].device);
    if (status == ARDM_OK) status = ardm_replicas__spread(t);
    if (status == ARDM_OK) status = ardm_objective_backward(&backward, &r->network, &objective);
    if (status == ARDM_OK) status = ardm_objective_move(&move, &r->network, &objective);
    if (status == ARDM_OK) status = lay_out(all, move);
    for (uint32_t k = 0; status == ARDM_OK && k < all->n; k++) status = bind_one(&all->each[k], backward, move, own, n_extents, &options);
    t->binding = all->each[0].backward;
    t->optimiser = all->each[0].move;
    ardm_graph_free(&backward);
    ardm_graph_free(&move);
    return status;
}
