/* Which network trains how long: the largest of a ladder of which enough steps fit the time, by steps made on the device itself. */
#include "quick.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ardm/network.h"
#include "ardm/trainer.h"

/* A rung. `enough` steps are those from which on more width did more good than more steps, on two cores and samples/configs' data. */
typedef struct rung {
    int32_t width, layers, heads, stem, groups, buckets, enough;
    double rate;
} rung;

static const rung transformers[] = {{32, 2, 2, 0, 0, 256, 0, 0.004},        {64, 3, 4, 0, 0, 1024, 600, 0.003},
                                    {128, 5, 4, 0, 0, 1024, 1000, 0.002},   {256, 8, 8, 0, 0, 4096, 3000, 0.001},
                                    {512, 12, 8, 0, 0, 8192, 8000, 0.0005}, {0}};
static const rung unets[] = {{16, 2, 0, 8, 4, 0, 0, 0.003},      {32, 3, 0, 16, 8, 0, 1000, 0.002},     {64, 6, 0, 32, 8, 0, 2000, 0.002},
                             {128, 8, 0, 64, 8, 0, 6000, 0.001}, {256, 10, 0, 96, 8, 0, 12000, 0.0006}, {0}};
static const rung diffwaves[] = {{16, 4, 0, 0, 0, 0, 0, 0.003},      {32, 8, 0, 0, 0, 0, 800, 0.002},      {64, 10, 0, 0, 0, 0, 2000, 0.002},
                                 {128, 20, 0, 0, 0, 0, 6000, 0.001}, {256, 30, 0, 0, 0, 0, 12000, 0.0006}, {0}};

/* SHARE: timing a network takes a 150th of the time. LONG: steps of a run that is only timed. */
enum { FEWEST = 2, SOME_HUNDRED = 200, BOUNDS = 6, CALL_ITEMS = 8, SHARE = 150, LONG = 100000000 };

/* A network and the numbers of its run. */
typedef struct trial {
    const rung *rung;
    int64_t steps, warmup, checkpoint, evaluate, items;
} trial;

typedef struct measured {
    double step, call; /* seconds */
    int64_t parameters;
    int32_t fits; /* 0: the device has no memory for it */
} measured;

/* Ordered values of a sound are waves; what else has one axis is read from left to right. More classes than a frequency table holds come in digits.
 */
static int32_t kind_of(const quick_data *d) {
    if (d->rank == 2) return ARDM_NETWORK_UNET;
    return strcmp(ardm_modality_id(d->modality), "audio") == 0 || d->classes > 4096 ? ARDM_NETWORK_DIFFWAVE : ARDM_NETWORK_TRANSFORMER;
}

static const rung *ladder_of(const quick_data *d) {
    const int32_t kind = kind_of(d);
    return kind == ARDM_NETWORK_UNET ? unets : kind == ARDM_NETWORK_DIFFWAVE ? diffwaves : transformers;
}

/* --- the config -------------------------------------------------------------------------------------------------------------------- */

static ardm_status write_data(ardm_bytes *out, const quick_data *d) {
    ARDM_TRY(ardm_bytes_printf(out,
                               "# Written by ardm train --quick; ardm train takes it as it is. held-out.json names what it may not train on.\n"
                               "[data]\npath = %s\n",
                               (const char *)d->paths.data));
    if (d->shape) ARDM_TRY(ardm_bytes_printf(out, "shape = %s\n", d->shape));
    ARDM_TRY(ardm_bytes_printf(out, "%s = %lld\n", d->rank > 1 ? "tile" : "window", (long long)d->window));
    return ardm_bytes_printf(out, "# a model keeps the licence of its data\nlicence = not stated\n[modality]\nid = %s\nvariant = %s\n",
                             ardm_modality_id(d->modality), d->variant);
}

static ardm_status write_method(ardm_bytes *out, const quick_data *d, const rung *r) {
    const int32_t kind = kind_of(d), fine = d->classes > 4096;
    ARDM_TRY(ardm_bytes_printf(out, "[process]\nfamily = absorbing\n"));
    if (kind == ARDM_NETWORK_TRANSFORMER)
        return ardm_bytes_printf(out,
                                 "[order]\n# left to right in blocks, whose length is chosen when coding\nfamily = blocks:1-16\n[network]\n"
                                 "kind = transformer\nwidth = %d\nlayers = %d\nheads = %d\ncontext = 2\nbuckets = %d\n[head]\nkind = softmax\n",
                                 r->width, r->layers, r->heads, r->buckets);
    ARDM_TRY(ardm_bytes_printf(out, "[order]\n# coarse to fine: what lies between known values is cheap\nfamily = %s\n",
                               kind == ARDM_NETWORK_UNET ? "quincunx" : "dyadic"));
    if (kind == ARDM_NETWORK_UNET)
        ARDM_TRY(ardm_bytes_printf(out, "[network]\nkind = unet\nwidth = %d\nlayers = %d\nheads = 0\nstem = %d\ngroups = %d\nscales = 3\ndown = 2\n",
                                   r->width, r->layers, r->stem, r->groups));
    else
        ARDM_TRY(ardm_bytes_printf(out, "[network]\nkind = diffwave\nwidth = %d\nlayers = %d\nscales = 5\ncycle = 10\n", r->width, r->layers));
    /* Few values are names, many are amounts: neighbours in value are then neighbours in probability. */
    if (d->classes < 32) return ardm_bytes_printf(out, "[head]\n# %u values without an order\nkind = softmax\n", d->classes);
    /* On 11 photographs the same 400 steps end at 3.30 bits with it and at 3.64 without. */
    if (d->channels == 3 && !fine)
        return ardm_bytes_printf(out, "[head]\n# a pixel's green is told by its red, its blue by both\nkind = pixel\nmixtures = 5\n");
    return ardm_bytes_printf(out, "[head]\n%skind = mixture\nmixtures = 5\n", fine ? "# a value is told in two digits\n" : "");
}

static ardm_status write_training(ardm_bytes *out, const quick_data *d, const trial *t) {
    const int32_t kind = kind_of(d);
    ARDM_TRY(ardm_bytes_printf(out,
                               "[train]\n# as many as fitted the time by the speed of the device; the learning rate falls to zero over them\n"
                               "steps = %lld\nlr = %g\nwarmup = %lld\nschedule = cosine\nclip = 1\n",
                               (long long)t->steps, t->rung->rate, (long long)t->warmup));
    ARDM_TRY(ardm_bytes_printf(out, "batch = %d\n", kind == ARDM_NETWORK_UNET ? 32 : kind == ARDM_NETWORK_DIFFWAVE ? 8 : 16));
    if (kind != ARDM_NETWORK_TRANSFORMER)
        ARDM_TRY(ardm_bytes_printf(
            out, "# each item drawn serves two steps of the order; some items are filled in, for ardm infill\ndraws = 2\ngiven = 0.1\n"));
    else
        ARDM_TRY(ardm_bytes_printf(out, "given = 0\n"));
    if (kind == ARDM_NETWORK_UNET && d->channels > 1)
        ARDM_TRY(ardm_bytes_printf(out, "# pictures in colour are mostly of things that could as well stand mirrored\nflips = yes\n"));
    return ardm_bytes_printf(out, "checkpoint = %lld\nevaluate = %lld\n[eval]\nitems = %lld\n", (long long)t->checkpoint, (long long)t->evaluate,
                             (long long)t->items);
}

static ardm_status write_config(ardm_bytes *out, const quick_data *d, const trial *t) {
    ARDM_TRY(write_data(out, d));
    ARDM_TRY(write_method(out, d, t->rung));
    return write_training(out, d, t);
}

/* --- measuring --------------------------------------------------------------------------------------------------------------------- */

static ardm_status count_parameters(int64_t *out, const ardm_network *network) {
    ardm_graph *graph = NULL;
    *out = 0;
    ARDM_TRY(ardm_network_graph(&graph, network));
    for (uint32_t i = 0; i < ardm_graph_state_count(graph); i++)
        *out += ardm_shape_count(ardm_graph_value_shape(graph, ardm_graph_state_at(graph, i)));
    ardm_graph_free(&graph);
    return ARDM_OK;
}

static ardm_status parameters_of(int64_t *out, const quick_data *d, const trial *t) {
    ardm_bytes text = {0};
    ardm_recipe *recipe = NULL;
    ardm_process *process = NULL;
    ardm_status status = write_config(&text, d, t);
    if (status == ARDM_OK) status = ardm_recipe_parse(&recipe, "config.ini", (const char *)text.data, text.size);
    if (status == ARDM_OK) status = ardm_recipe_resolve(recipe, d->classes, d->channels, &process);
    if (status == ARDM_OK) status = count_parameters(out, &recipe->network);
    ardm_process_free(&process);
    ardm_recipe_free(&recipe);
    ardm_bytes_free(&text);
    return status;
}

static void drop_trial(const char *folder) {
    static const char *const names[] = {"config.ini", "run.safetensors", "run.previous.safetensors", "log.csv"};
    char path[4200];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* The first step builds kernels; those behind it, at least three unless they are long, are the speed. */
static ardm_status time_steps(measured *m, ardm_trainer *trainer, double share) {
    ardm_estimate bound;
    ARDM_TRY(ardm_trainer_run(trainer, 1));
    const double began = ardm_clock();
    int64_t steps = 0;
    double spent = 0;
    for (int64_t more = 1; spent < share && (steps < 3 || spent < share / 2); more *= 2) {
        ARDM_TRY(ardm_trainer_run(trainer, 1 + steps + more));
        steps += more;
        spent = ardm_clock() - began;
    }
    m->step = spent / (double)steps;
    ARDM_TRY(ardm_trainer_bound(&bound, trainer, CALL_ITEMS, 2));
    ARDM_TRY(ardm_trainer_bound(&bound, trainer, CALL_ITEMS, 2));
    m->call = bound.seconds; /* one for all of them, and no shorter for fewer */
    return ARDM_OK;
}

static ardm_status measure(measured *m, const quick_data *d, const trial *t, ardm_dataset *dataset, ardm_device *device, const char *folder,
                           double share) {
    char place[4096];
    ardm_bytes text = {0};
    ardm_recipe *recipe = NULL;
    ardm_trainer *trainer = NULL;
    if (snprintf(place, sizeof place, "%s/speed-%d", folder, (int)getpid()) >= (int)sizeof place)
        return ardm_fail(ARDM_EINVAL, "path too long: %s", folder);
    ardm_status status = write_config(&text, d, t);
    if (status == ARDM_OK) status = ardm_recipe_parse(&recipe, "config.ini", (const char *)text.data, text.size);
    if (status == ARDM_OK) status = ardm_trainer_open(&trainer, recipe, dataset, device, place, 0, d->limit);
    m->fits = status != ARDM_ENOMEM && status != ARDM_EDEVICE;
    if (status == ARDM_OK) status = time_steps(m, trainer, share);
    ardm_trainer_free(&trainer);
    ardm_recipe_free(&recipe);
    ardm_bytes_free(&text);
    drop_trial(place);
    return status;
}

/* --- choosing ---------------------------------------------------------------------------------------------------------------------- */

/* As people write numbers: two digits. */
static int64_t rounded(double x) {
    double unit = 1;
    while (x / unit >= 100) unit *= 10;
    return (int64_t)(floor(x / unit) * unit);
}

/* The model's curve takes 2,000 draws, at most 64 an item and 16 a call; coding has what is kept beside. */
static double curve_calls(const ardm_dataset *dataset) {
    const double most = 64 * (double)ardm_dataset_held_out(dataset);
    return (most < 2000 ? most : 2000) / 16 + 2;
}

double quick_reserve(double call, const ardm_dataset *dataset, const quick_time *time) {
    return curve_calls(dataset) * call + 0.12 * (time->end - time->began);
}

static void fill_in(trial *t, const measured *m, const ardm_dataset *dataset, const quick_time *time) {
    const double whole = time->end - time->began, left = time->end - ardm_clock();
    const double item = m->call / 8; /* two draws */
    double items = 0.005 * whole / item;
    t->items = items < CALL_ITEMS ? CALL_ITEMS : items > 200 ? 200 : rounded(items);
    /* A machine that others use too is slower at times: an eighth is left over. */
    const double training = (left - quick_reserve(m->call, dataset, time) - BOUNDS * (double)t->items * item) * 7 / 8;
    t->steps = training > m->step ? rounded(training / m->step) : 0;
    t->warmup = t->steps / 20 < 200 ? t->steps / 20 + 1 : 200;
    t->evaluate = t->steps / (BOUNDS - 1) + 1;
    t->checkpoint = t->steps / 20 + 1;
}

static ardm_status too_slow(const measured *m, const ardm_dataset *dataset, const ardm_device *device, const quick_time *time) {
    const double spent = ardm_clock() - time->began, seconds = spent + (SOME_HUNDRED * m->step * 8 / 7 + curve_calls(dataset) * m->call) / 0.8;
    return ardm_fail(ARDM_EINVAL,
                     "a step of the smallest network takes %.2g s on %s, so %.2g minutes have no room for %d of them beside the evaluation; give "
                     "--minutes %.2g or more, or a faster device",
                     m->step, ardm_device_name(device), (time->end - time->began) / 60, FEWEST, ceil(seconds / 6) / 10);
}

ardm_status quick_choose(quick_plan *out, const quick_data *d, ardm_dataset *dataset, ardm_device *device, const char *folder,
                         const quick_time *time) {
    const rung *ladder = ladder_of(d);
    const double whole = time->end - time->began;
    const int64_t dimensions = ardm_dataset_training(dataset) * (d->rank > 1 ? d->window * d->window * d->channels : d->window);
    trial best = {.rung = NULL};
    measured speed = {0, 0, 0, 1};
    memset(out, 0, sizeof *out);
    for (const rung *r = ladder; r->width; r++) {
        trial t = {r, LONG, 100, LONG, LONG, CALL_ITEMS};
        measured m = {0, 0, 0, 1};
        ARDM_TRY(parameters_of(&m.parameters, d, &t));
        /* What has more numbers to learn than symbols to learn them from learns by heart; and the file of a model has to pay for itself. */
        if (best.rung && m.parameters > dimensions) break;
        ardm_status status = measure(&m, d, &t, dataset, device, folder, whole / SHARE);
        if (status == ARDM_EINTERRUPT) return ardm_fail(status, "interrupted while networks were timed; there is nothing to go on with yet");
        if (best.rung && !m.fits) break;
        ARDM_TRY(status);
        fill_in(&t, &m, dataset, time);
        if (!best.rung && t.steps < FEWEST) return too_slow(&m, dataset, device, time);
        if (best.rung && t.steps < r->enough) break;
        best = t;
        speed = m;
        if (r[1].width && t.steps < 2 * r[1].enough) break; /* the next one is several times as slow */
    }
    fill_in(&best, &speed, dataset, time);
    if (best.steps < FEWEST) return too_slow(&speed, dataset, device, time);
    *out = (quick_plan){{0}, speed.parameters, best.steps, speed.step, speed.call, quick_reserve(speed.call, dataset, time)};
    return write_config(&out->config, d, &best);
}
