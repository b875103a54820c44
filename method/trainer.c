/* The training loop: draw a batch, one run of the step graph, and now and then a held-out bound and a checkpoint. */
#include "trainer_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/exact.h"
#include "ardm/file.h"
#include "ardm/log.h"
#include "ardm/philox.h"
#include "replicas.h"

ardm_status ardm_trainer__path(char out[4096], const ardm_trainer *trainer, const char *name) {
    if (snprintf(out, 4096, "%s/%s", trainer->folder, name) >= 4096) return ardm_fail(ARDM_EINVAL, "path too long: %s/%s", trainer->folder, name);
    return ARDM_OK;
}

ardm_description ardm_trainer__describe(const ardm_trainer *trainer) {
    ardm_layout layout = ardm_dataset_layout(trainer->dataset);
    const ardm_network *net = &trainer->recipe->network;
    /* A window goes on where the one before ends. What that tells is worth coding half a window at a time, unless the order begins all over
     * the window: then it tells the first sample or two, and twice the calls would be a bad bargain. */
    int32_t onward = net->kind != ARDM_NETWORK_DIFFWAVE || strcmp(trainer->recipe->order, "raster") == 0;
    return (ardm_description){
        .process = ardm_process_text(trainer->process),
        .chain = trainer->process,
        .order = trainer->recipe->order,
        .levels = trainer->family.source,
        .head = ardm_network_row_head(net),
        .rank = layout.rank,
        .extent = {layout.extent[0], layout.rank > 1 ? layout.extent[1] : 0},
        .channels = layout.channels,
        .multiple = net->kind == ARDM_NETWORK_UNET ? (uint32_t)net->down : 1,
        .context = layout.rank == 1 && onward ? layout.extent[0] / 2 : 0,
        .experts = trainer->recipe->experts,
    };
}

/* Means of m components start evenly apart, within a quarter of the range of symbols to both sides of the centre. */
static float spread(int64_t k, int64_t m) { return m > 1 ? ardm_flush(ardm_divide((float)(2 * k + 1 - m), (float)(4 * m))) : 0.0f; }

/* The output bias starts at the data's marginal, so that a fresh network already costs no more than the symbols' entropy. */
static void start_one_head(float *bias, const ardm_recipe *recipe, const ardm_dataset *dataset) {
    const ardm_network *net = &recipe->network;
    if (net->head == ARDM_HEAD_PIXEL) { /* green follows red, blue follows green: what pictures do */
        const int64_t m = net->mixtures;
        for (int64_t k = 0; k < m; k++) {
            bias[k] = 0;
            for (int64_t c = 0; c < 3; c++) {
                bias[(1 + c) * m + k] = c ? 0 : spread(k, m);
                bias[(4 + c) * m + k] = -2;
            }
            bias[7 * m + k] = bias[9 * m + k] = 1;
            bias[8 * m + k] = 0;
        }
        return;
    }
    int64_t channels = net->kind == ARDM_NETWORK_UNET ? net->channels : 1;
    if (net->head == ARDM_HEAD_MIXTURE || net->head == ARDM_HEAD_CDF) {
        int64_t m = net->mixtures;
        for (int64_t c = 0; c < channels; c++)
            for (int64_t k = 0; k < m; k++) {
                bias[c * 3 * m + k] = 0;
                bias[c * 3 * m + m + k] = spread(k, m);
                bias[c * 3 * m + 2 * m + k] = -2;
            }
        return;
    }
    if (net->head == ARDM_HEAD_DIRECT) { /* digits of each stage start uniform */
        memset(bias, 0, (size_t)(channels * net->stages * net->base) * sizeof *bias);
        return;
    }
    double *counts = calloc((size_t)(channels * net->classes), sizeof *counts);
    if (!counts) return; /* zeros are a valid start */
    ardm_dataset_marginal(dataset, counts);
    for (int64_t c = 0; c < channels; c++) {
        double total = (double)net->classes;
        for (int64_t k = 0; k < net->classes; k++) total += counts[c * net->classes + k];
        for (int64_t k = 0; k < net->classes; k++)
            bias[c * net->classes + k] = ardm_flush(ardm_log((float)((counts[c * net->classes + k] + 1) / total)));
    }
    free(counts);
}

/* Of several experts each head starts alike; a unit's numbers are together, expert by expert. */
static ardm_status start_head(float *bias, int64_t count, const ardm_recipe *recipe, const ardm_dataset *dataset) {
    const ardm_network *net = &recipe->network;
    const int64_t experts = net->experts > 1 ? net->experts : 1, own = count / experts;
    const int64_t units = net->kind == ARDM_NETWORK_UNET && net->head != ARDM_HEAD_PIXEL ? net->channels : 1, each = own / units;
    float *one = calloc((size_t)own, sizeof *one);
    if (!one) return ardm_fail(ARDM_ENOMEM, "no memory for a head");
    start_one_head(one, recipe, dataset);
    for (int64_t u = 0; u < units; u++)
        for (int64_t e = 0; e < experts; e++) memcpy(bias + (u * experts + e) * each, one + u * each, (size_t)each * sizeof *bias);
    free(one);
    return ARDM_OK;
}

/* Every state of the step graph: parameters by their initialiser, averages as copies, moments zero. */
static ardm_status start_states(ardm_trainer *t) {
    static const char *const tails[] = {".m", ".v", ".average"};
    for (uint32_t i = 0; i < ardm_graph_state_count(t->inference); i++) {
        ardm_value value = ardm_graph_state_at(t->inference, i);
        const char *name = ardm_graph_value_name(t->inference, value);
        const ardm_shape *shape = ardm_graph_value_shape(t->inference, value);
        float *data = calloc((size_t)ardm_shape_count(shape), sizeof *data);
        if (!data) return ardm_fail(ARDM_ENOMEM, "no memory for %s", name);
        ardm_status status = ARDM_OK;
        if (ardm_network_initialiser(name, shape).kind == ARDM_INIT_MARGINAL)
            status = start_head(data, ardm_shape_count(shape), t->recipe, t->dataset);
        else
            ardm_network_initialise(data, name, shape, t->recipe->seed);
        if (status == ARDM_OK) status = ardm_store_set(t->store, name, shape, data);
        for (int k = 0; k < 3 && status == ARDM_OK; k++) {
            char other[160];
            snprintf(other, sizeof other, "%s%s", name, tails[k]);
            status = ardm_store_set(t->store, other, shape, k == 2 ? data : NULL);
        }
        free(data);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

/* Sums of parts start empty. */
static ardm_status clear_parts(ardm_trainer *t) {
    for (uint32_t i = 0; t->levels > 0 && i < ardm_graph_state_count(t->inference); i++)
        for (int32_t level = 0; level < t->levels; level++) {
            char name[160];
            ardm_value value = ardm_graph_state_at(t->inference, i);
            snprintf(name, sizeof name, "%s.part%d", ardm_graph_value_name(t->inference, value), level);
            ARDM_TRY(ardm_store_set(t->store, name, ardm_graph_value_shape(t->inference, value), NULL));
        }
    return ARDM_OK;
}

static int32_t bit_length(uint64_t n) {
    int32_t bits = 0;
    for (; n; n >>= 1) bits++;
    return bits;
}

static const char log_header[] = "step,seconds,items,bits_per_dim,bound,bound_error,lr,grad_norm,clipped,flushed\n";

/* Drops rows of log.csv that are later than the checkpoint, or of its step when that is still to be evaluated: they are computed again. New columns
 * come last, so a log that was begun with fewer gets the header of today. */
static ardm_status trim_log(const ardm_trainer *t) {
    char path[4096];
    ardm_bytes text = {0};
    ARDM_TRY(ardm_trainer__path(path, t, "log.csv"));
    if (!ardm_file_exists(path)) return ARDM_OK;
    ARDM_TRY(ardm_file_read(&text, path, (uint64_t)1 << 30, 0));
    size_t first = 0, kept = 0;
    for (size_t at = 0; at < text.size;) {
        size_t end = at;
        while (end < text.size && text.data[end] != '\n') end++;
        if (end == text.size || (at > 0 && strtoll((const char *)text.data + at, NULL, 10) > t->step - t->due)) break;
        at = kept = end + 1;
        if (first == 0) first = kept;
    }
    ardm_bytes fresh = {0};
    ardm_status status = ardm_bytes_printf(&fresh, "%s%.*s", log_header, (int)(kept - first), (const char *)text.data + first);
    if (status == ARDM_OK && (fresh.size != text.size || memcmp(fresh.data, text.data, text.size) != 0))
        status = ardm_file_write(path, fresh.data, fresh.size, 1);
    ardm_bytes_free(&fresh);
    ardm_bytes_free(&text);
    return status;
}

/* The checkpoint of a run, or a fresh one's states and folder. */
static ardm_status begin_run(ardm_trainer *t, const char *folder, int32_t resume) {
    char path[4096];
    if (t->follows) return start_states(t); /* what they hold comes from rank 0 */
    if (resume) {
        ARDM_TRY(ardm_trainer__load(t));
        return trim_log(t);
    }
    ARDM_TRY(ardm_trainer__path(path, t, "run.safetensors"));
    if (ardm_file_exists(path)) return ardm_fail(ARDM_EEXIST, "%s exists; resume with --resume %s, or choose another folder", path, folder);
    ARDM_TRY(ardm_make_directories(folder));
    ARDM_TRY(start_states(t));
    ARDM_TRY(ardm_trainer__path(path, t, "config.ini"));
    return ardm_file_write(path, t->recipe->text, strlen(t->recipe->text), 1);
}

/* One device's whole step. */
static ardm_status bind_step(ardm_trainer *t, const ardm_extent *extents, uint32_t n_extents, uint64_t memory) {
    const ardm_recipe *r = t->recipe;
    ardm_objective objective = {r->group, r->beta1, r->beta2, r->epsilon, r->decay, t->exponent, t->levels};
    ardm_graph *step = NULL;
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    options.memory = memory;
    ARDM_TRY(ardm_objective_train(&step, &r->network, &objective));
    ardm_status status = ardm_bind(&t->binding, step, t->store, extents, n_extents, &options);
    ardm_graph_free(&step);
    t->optimiser = t->binding;
    return status;
}

static ardm_status open_parts(ardm_trainer *t, const ardm_trainer_devices *on, const char *folder, int32_t resume, uint64_t memory) {
    ardm_recipe *r = t->recipe;
    const ardm_layout whole = ardm_dataset_layout(t->dataset), layout = ardm_layout_join(&whole, ardm_head_parts(r->network.head, whole.channels));
    t->folder = malloc(strlen(folder) + 1);
    if (!t->folder) return ardm_fail(ARDM_ENOMEM, "no memory for a run");
    strcpy(t->folder, folder);
    const ardm_augmentation *a = &r->augmentation;
    if (layout.rank == 1 && (a->rotations || a->n_scales > 1 || a->scale[0] > 1))
        return ardm_fail(ARDM_EINVAL, "[train] rotations and [data] scales are for pictures; this is %s", ardm_dataset_modality(t->dataset));
    ARDM_TRY(ardm_recipe_resolve(r, ardm_dataset_classes(t->dataset), whole.channels, &t->process));
    ARDM_TRY(ardm_order_parse(&t->family, r->order));
    if (t->family.kind == ARDM_ORDER_PLUGIN) {
        ARDM_TRY(ardm_levels_train(&t->tables, ardm_dataset_modality(t->dataset), &t->family, &layout));
        t->family.source = ardm_levels_source(t->tables);
    }
    ARDM_TRY(ardm_orders_create(&t->orders, &t->family, &layout));
    ARDM_TRY(ardm_network_graph(&t->inference, &r->network));

    const ardm_order *order;
    ARDM_TRY(ardm_orders_get(&order, t->orders, 0));
    t->exponent = bit_length((uint64_t)r->batch * ardm_order_units(order));
    ARDM_TRY(ardm_replicas__create(t, on));
    t->levels = t->replicas ? 0 : bit_length((uint64_t)r->accumulate) - 1;
    t->examples = calloc((size_t)r->batch, sizeof *t->examples);
    t->stratum = malloc((size_t)r->batch * sizeof *t->stratum);
    if (!t->examples || !t->stratum) return ardm_fail(ARDM_ENOMEM, "no memory for a batch of %lld", (long long)r->batch);
    for (int64_t i = 0; i < r->batch; i++) ARDM_TRY(ardm_example_create(&t->examples[i], t->orders));

    ARDM_TRY(ardm_store_create(&t->store, t->device));
    t->beta1_power = t->beta2_power = 1;
    ARDM_TRY(begin_run(t, folder, resume));
    ARDM_TRY(clear_parts(t));
    ardm_extent extents[3] = {{"N", r->batch / r->accumulate}, {layout.rank == 2 ? "H" : "L", layout.extent[0]}, {"W", layout.extent[1]}};
    const uint32_t n_extents = layout.rank == 2 ? 3 : 2;
    ARDM_TRY(t->replicas ? ardm_replicas__bind(t, extents, n_extents, memory) : bind_step(t, extents, n_extents, memory));
    if (!t->follows) ARDM_TRY(ardm_trainer__bind_gauge(t, extents, n_extents, memory));
    ardm_description description = ardm_trainer__describe(t);
    return ardm_session_create(&t->session, t->inference, t->store, ".average", &description, memory);
}

ardm_status ardm_trainer_open_on(ardm_trainer **out, ardm_recipe *recipe, const ardm_dataset *dataset, const ardm_trainer_devices *on,
                                 const char *folder, int32_t resume, uint64_t memory) {
    ardm_trainer *trainer = calloc(1, sizeof *trainer);
    *out = NULL;
    if (!trainer) return ardm_fail(ARDM_ENOMEM, "no memory for a run");
    trainer->recipe = recipe;
    trainer->dataset = dataset;
    trainer->device = on->devices[0];
    ardm_status status = open_parts(trainer, on, folder, resume, memory);
    if (status != ARDM_OK) ardm_trainer_free(&trainer);
    *out = trainer;
    return status;
}

ardm_status ardm_trainer_open(ardm_trainer **out, ardm_recipe *recipe, const ardm_dataset *dataset, ardm_device *device, const char *folder,
                              int32_t resume, uint64_t memory) {
    const ardm_trainer_devices one = {&device, 1, NULL};
    return ardm_trainer_open_on(out, recipe, dataset, &one, folder, resume, memory);
}

void ardm_trainer_free(ardm_trainer **trainer) {
    ardm_trainer *t = *trainer;
    if (!t) return;
    ardm_session_free(&t->session);
    ardm_binding_free(&t->gauge);
    if (t->optimiser != t->binding) ardm_binding_free(&t->optimiser);
    ardm_binding_free(&t->binding);
    ardm_replicas__free(&t->replicas);
    ardm_graph_free(&t->inference);
    ardm_store_free(&t->store);
    for (int64_t i = 0; t->examples && i < t->recipe->batch; i++) ardm_example_destroy(&t->examples[i]);
    free(t->examples);
    free(t->stratum);
    ardm_orders_free(&t->orders);
    ardm_levels_free(&t->tables);
    ardm_process_free(&t->process);
    free(t->folder);
    free(t);
    *trainer = NULL;
}

void ardm_trainer_watch(ardm_trainer *trainer, void (*watch)(void *user), void *user) {
    trainer->watch = watch;
    trainer->watcher = user;
}

int64_t ardm_trainer_step(const ardm_trainer *trainer) { return trainer->step; }
ardm_store *ardm_trainer_store(const ardm_trainer *trainer) { return trainer->store; }
ardm_binding *ardm_trainer_binding(const ardm_trainer *trainer) { return trainer->binding; }

/* What every item of the batch shows and asks. */
static ardm_status draw_batch(ardm_trainer *t) {
    const ardm_recipe *r = t->recipe;
    ardm_draw_options options = {.seed = r->seed,
                                 .step = (uint64_t)t->step,
                                 .sampling = r->sampling,
                                 .batch = (uint32_t)r->batch,
                                 .given_share = (uint32_t)(r->given * 0x1p24),
                                 .auxiliary = r->auxiliary};
    ARDM_TRY(ardm_draw_strata(r->seed, options.step, options.batch, t->stratum));
    t->dimensions = 0;
    for (int64_t i = 0; i < r->batch; i++) {
        ardm_example *e = &t->examples[i];
        uint64_t number = (uint64_t)(t->step * r->batch + i);
        ARDM_TRY(ardm_example_draw(e, t->orders, ardm_process_stages(t->process), &options, number, t->stratum[i], NULL));
        t->dimensions += (double)e->dimensions * ardm_layout_parts(ardm_orders_layout(t->orders));
    }
    return ARDM_OK;
}

/* What dropout counts by, for items from `first` of the global batch on. */
static void fill_key(const ardm_trainer *t, ardm_binding *b, int64_t step, int64_t first) {
    uint32_t *key = ardm_binding_input(b, "key");
    if (!key) return;
    key[0] = (uint32_t)t->recipe->seed, key[1] = (uint32_t)(t->recipe->seed >> 32), key[2] = (uint32_t)step;
    *(int32_t *)ardm_binding_input(b, "first") = (int32_t)first;
}

ardm_status ardm_trainer__fill(ardm_trainer *t, ardm_binding *b, int64_t step, int64_t first, int64_t items) {
    const ardm_recipe *r = t->recipe;
    int32_t *symbols = ardm_binding_input(b, "symbols"), *stage = ardm_binding_input(b, "stage"), *block = ardm_binding_input(b, "block"),
            *expert = ardm_binding_input(b, "expert"), *position = ardm_binding_input(b, "position");
    uint8_t *state = ardm_binding_input(b, "state");
    float *time = ardm_binding_input(b, "time"), *weight = ardm_binding_input(b, "weight");
    const ardm_order *order;
    ARDM_TRY(ardm_orders_get(&order, t->orders, 0));
    const size_t units = ardm_order_units(order), parts = ardm_layout_parts(ardm_orders_layout(t->orders));
    int32_t *scratch = position ? malloc(units * sizeof *scratch) : NULL; /* devices fill side by side */
    if (position && !scratch) return ardm_fail(ARDM_ENOMEM, "no memory to order %zu units", units);
    for (int64_t i = 0; i < items; i++) {
        const ardm_example *e = &t->examples[first + i];
        uint64_t number = (uint64_t)(step * r->batch + first + i);
        ardm_dataset_example(t->dataset, number / (uint64_t)r->draws, r->seed, &r->augmentation, symbols + (size_t)i * units * parts);
        ardm_example_permute(e, (uint32_t)units, symbols + (size_t)i * units, scratch);
        for (size_t u = 0; position && u < units; u++) position[(size_t)i * units + u] = (int32_t)e->unit[u];
        for (size_t k = 0; k < units * parts; k++) state[(size_t)i * units * parts + k] = e->state[k / parts];
        stage[i] = e->stage;
        time[i] = e->time;
        if (block) block[i] = e->block;
        if (expert) expert[i] = (int32_t)ardm_session_expert(t->session, order, (uint32_t)e->stage, e->level);
        /* Batch loss = Σ nats / Σ dimensions. */
        for (size_t u = 0; u < units; u++) weight[(size_t)i * units + u] = ardm_flush((float)((double)e->weight[u] / t->dimensions));
    }
    free(scratch);
    fill_key(t, b, step, first);
    return ARDM_OK;
}

static void set_scalar(ardm_binding *binding, const char *name, float value) { *(float *)ardm_binding_input(binding, name) = value; }

static void fill_rates(ardm_trainer *t) {
    const ardm_recipe *r = t->recipe;
    float rate = ardm_recipe_rate(r, t->step), beta1 = (float)r->beta1, beta2 = (float)r->beta2;
    t->beta1_power = ardm_flush(ardm_mul(t->beta1_power, beta1));
    t->beta2_power = ardm_flush(ardm_mul(t->beta2_power, beta2));
    set_scalar(t->optimiser, "rate", rate);
    set_scalar(t->optimiser, "limit", r->clip > 0 ? (float)r->clip : 0x1p60f);
    set_scalar(t->optimiser, "c1", ardm_reciprocal(1.0f - t->beta1_power));
    set_scalar(t->optimiser, "c2", ardm_reciprocal(1.0f - t->beta2_power));
    /* min(d, (1 + i) / (10 + i)): short horizons while the weights still move fast. */
    float horizon = (float)(r->average * (double)r->steps), ramp = ardm_divide((float)(t->step + 1), (float)(t->step + 10));
    float keep = horizon > 1 ? 1.0f - ardm_reciprocal(horizon) : 0.0f;
    set_scalar(t->optimiser, "average", 1.0f - (keep < ramp ? keep : ramp));
}

/* The step's part `part`; the last one moves the weights. */
static ardm_status run_part(ardm_trainer *t, int64_t part) {
    const int64_t items = t->recipe->batch >> t->levels;
    ARDM_TRY(ardm_trainer__fill(t, t->binding, t->step, part * items, items));
    for (int32_t level = 0; level < t->levels; level++) {
        char name[32];
        const ardm_part_masks masks = ardm_objective_part((uint32_t)part, level);
        snprintf(name, sizeof name, "carry.%d", level);
        set_scalar(t->binding, name, masks.carry);
        snprintf(name, sizeof name, "store.%d", level);
        set_scalar(t->binding, name, masks.store);
        snprintf(name, sizeof name, "stay.%d", level);
        set_scalar(t->binding, name, masks.stay);
    }
    if (t->levels > 0) set_scalar(t->binding, "idle", part + 1 < (int64_t)1 << t->levels ? INFINITY : 0.0f);
    return ardm_run(t->binding);
}

/* All parts of a batch, or those up to one that is not finite. */
static ardm_status run_parts(double *loss, ardm_trainer *t) {
    *loss = 0;
    for (int64_t part = 0; part < 1 << t->levels; part++) {
        ARDM_TRY(run_part(t, part));
        *loss += (double)*(const float *)ardm_binding_output(t->binding, "loss");
        if (*(const int32_t *)ardm_binding_output(t->binding, "hold") != 0) break;
    }
    return ARDM_OK;
}

/* The device kept every state as it was; running the same step again with a test after each node finds where it went wrong. */
static ardm_status not_finite(ardm_trainer *t) {
    char node[160] = "";
    ARDM_TRY(t->replicas ? ardm_replicas__find_nonfinite(t, node) : ardm_binding_find_nonfinite(t->binding, node, sizeof node));
    ARDM_TRY(clear_parts(t));
    return ardm_fail(ARDM_EINVAL,
                     "step %lld is not finite, first at %s; nothing of it is kept, and the last checkpoint stays. Start anew, from a model of before "
                     "(--from) or not, with a lower [train] lr or clip",
                     (long long)t->step + 1, node[0] ? node : "the sum of the gradients' squares");
}

static ardm_status append_log(const ardm_trainer *t, float rate, double norm, double flushed) {
    char path[4096];
    ARDM_TRY(ardm_trainer__path(path, t, "log.csv"));
    FILE *file = fopen(path, "a");
    if (!file) return ardm_fail(ARDM_EIO, "%s: cannot append", path);
    fseek(file, 0, SEEK_END);
    if (ftell(file) == 0) fputs(log_header, file);
    fprintf(file, "%lld,%.1f,%lld,%.5f,%.5f,%.5f,%.3g,%.4g,%.3f,%.3g\n", (long long)t->step, t->seconds, (long long)(t->step * t->recipe->batch),
            t->logged_bits / (double)t->logged_steps, t->bound.bits, t->bound.error, (double)rate, norm, t->logged_clipped / (double)t->logged_steps,
            flushed);
    return fclose(file) == 0 ? ARDM_OK : ardm_fail(ARDM_EIO, "%s: cannot write", path);
}

/* Above 1 % the seed of the backward pass is too small for this network. */
static void warn_flushed(ardm_trainer *t, double flushed) {
    if (flushed <= 0.01 || t->warned) return;
    t->warned = 1;
    ardm_log_write(ARDM_LOG_WARNING,
                   "step %lld: %.1f %% of the gradients' elements are below 2^-40 with the backward pass seeded by 2^%d, and count as 0",
                   (long long)t->step, 100 * flushed, t->exponent);
}

/* The held-out bound of the step just made, and its row of the log. Interrupted it is due, and begins anew when the run is resumed. */
static ardm_status evaluate(ardm_trainer *t, double norm) {
    const ardm_recipe *r = t->recipe;
    ardm_estimate bound;
    ardm_status status = ardm_evaluate_bound(&bound, t->session, t->dataset, 0, r->evaluate_items, 2, r->seed, NULL, NULL);
    t->due = status == ARDM_EINTERRUPT;
    t->due_norm = t->due ? norm : 0;
    if (t->due) return ARDM_OK;
    ARDM_TRY(status);
    t->bound = bound;
    ardm_trainer__count_bound(t);
    double flushed = 0;
    ARDM_TRY(ardm_trainer__flushed(&flushed, t));
    ARDM_TRY(append_log(t, ardm_recipe_rate(r, t->step - 1), norm, flushed));
    if (t->watch) t->watch(t->watcher);
    ardm_log_write(ARDM_LOG_INFO, "step %lld: train %.4f, held-out bound %.4f ± %.4f bits per dimension, %.0f s, flushed gradients %.3g %%",
                   (long long)t->step, t->logged_bits / (double)t->logged_steps, t->bound.bits, t->bound.error, t->seconds, 100 * flushed);
    warn_flushed(t, flushed);
    t->logged_bits = t->logged_clipped = 0, t->logged_steps = 0;
    return ARDM_OK;
}

/* The evaluation that an interrupt left open, with the batch of its step. */
static ardm_status catch_up(ardm_trainer *t) {
    t->step--;
    ardm_status status = draw_batch(t);
    t->step++;
    if (status == ARDM_OK) status = evaluate(t, t->due_norm);
    if (status == ARDM_OK && !t->due) status = ardm_trainer__save(t);
    return status;
}

ardm_status ardm_trainer_run(ardm_trainer *t, int64_t until) {
    const ardm_recipe *r = t->recipe;
    static const double ln2 = 0.69314718055994530942;
    double scale = ldexp(1, t->exponent), norm = 0;
    int64_t last = until > 0 && until < r->steps ? until : r->steps;
    ARDM_TRY(ardm_replicas__spread(t));
    if (t->step == 0) ARDM_TRY(ardm_trainer__save(t)); /* so that a run can be resumed whenever it is killed */
    if (t->due && !t->follows) ARDM_TRY(catch_up(t));
    ARDM_TRY(ardm_replicas__follow(t));
    int32_t stop = t->due;
    while (t->step < last && !ardm_trainer__lost_patience(t) && !stop) {
        double began = ardm_clock();
        ARDM_TRY(draw_batch(t));
        const float powers[2] = {t->beta1_power, t->beta2_power};
        fill_rates(t);
        double loss = 0, squares = 0;
        ARDM_TRY(t->replicas ? ardm_replicas__step(&loss, t) : run_parts(&loss, t));
        if (*(const int32_t *)ardm_binding_output(t->optimiser, "hold") != 0) {
            t->beta1_power = powers[0], t->beta2_power = powers[1];
            return not_finite(t);
        }
        float clip = *(const float *)ardm_binding_output(t->optimiser, "clip");
        const float *norms = ardm_binding_output(t->optimiser, "norms");
        for (int64_t i = 0; i < ardm_shape_count(ardm_binding_shape(t->optimiser, "norms")); i++) squares += (double)norms[i];
        norm = sqrt(squares) / scale;
        t->step++;
        t->seconds += ardm_clock() - began;
        t->logged_bits += loss / ln2;
        t->logged_clipped += clip < 1;
        t->logged_steps++;
        char note[96];
        snprintf(note, sizeof note, "%.4f bits/dim", t->logged_bits / (double)t->logged_steps);
        int32_t look = t->step % r->evaluate == 0 || t->step == r->steps;
        stop = ardm_interrupted();
        ARDM_TRY(ardm_replicas__any(t, &stop));
        if (look && !t->follows) ARDM_TRY(evaluate(t, norm));
        if (look) ARDM_TRY(ardm_replicas__follow(t));
        stop |= t->due;
        if (look || t->step % r->checkpoint == 0 || stop || t->step == last) {
            ARDM_TRY(ardm_replicas__check(t));
            ARDM_TRY(ardm_trainer__save(t));
        }
        if (stop) break;
        ardm_status status = ardm_progress("train", (double)t->step, (double)r->steps, "steps", note);
        if (status != ARDM_OK && status != ARDM_EINTERRUPT) return status; /* an interrupt is met after the next step, with a checkpoint */
    }
    if (stop) return ardm_fail(ARDM_EINTERRUPT, "stopped at step %lld; go on with ardm train --resume %s", (long long)t->step, t->folder);
    if (t->step < last)
        ardm_log_write(ARDM_LOG_INFO, "step %lld: no bound below %.4f of step %lld in %lld evaluations, the run ends here", (long long)t->step,
                       t->best, (long long)t->best_step, (long long)t->stale);
    return ARDM_OK;
}
