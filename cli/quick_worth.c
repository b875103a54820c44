/* What a model is worth: pieces of held-out data are compressed, decoded again and compared, all bytes counted, as long as the time lasts; beside
 * them stands what ardm makes of the held-out files without a model. */
#include "quick.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/predictor.h"
#include "codec_files.h"

/* A piece is at most a chunk of the archive: what decodes alone. */
enum { CHUNK_SIDE = 4, CHUNK_WINDOWS = 16, LEAST_STORED = 1 << 20, STORED_A_SECOND = 50000 };

typedef struct piece {
    const quick_part *part;
    int64_t item, at[2], extent[2];
    int32_t whole; /* of a file: coded as that file */
} piece;

typedef struct pieces {
    piece *list;
    int64_t n, room;
} pieces;

/* Sums over what was coded, and each piece for the error. */
typedef struct coded {
    uint64_t bytes, symbols, inputs; /* inputs: input bytes of so many symbols */
    uint32_t chunks, stored, calls;
    double seconds;
    double *rate, *weight; /* bits a symbol and symbols, a piece */
    int64_t n;
    int32_t without; /* 1: archives do not code this modality */
} coded;

typedef struct worth {
    coded model;
    double bits, error;   /* bits a symbol */
    double coded, stored; /* bytes an input byte */
    double stored_in;     /* input bytes that were stored */
    uint64_t model_bytes; /* of the file */
    const char *path;     /* of the model */
    uint32_t steps;       /* 0: as compress does by default */
} worth;

/* --- pieces ------------------------------------------------------------------------------------------------------------------------ */

static ardm_status add(pieces *all, const piece *p) {
    if (all->n == all->room) {
        const int64_t room = all->room ? 2 * all->room : 256;
        piece *grown = realloc(all->list, (size_t)room * sizeof *grown);
        if (!grown) return ardm_fail(ARDM_ENOMEM, "no memory for %lld pieces", (long long)room);
        all->list = grown;
        all->room = room;
    }
    all->list[all->n++] = *p;
    return ARDM_OK;
}

/* Every piece of the held-out data of `size` positions an axis, cut short at the edges. */
static ardm_status cut(pieces *all, const quick_data *d, const int64_t size[2]) {
    all->n = 0;
    for (int32_t i = 0; i < d->n_held; i++) {
        const quick_part *part = &d->held[i];
        int64_t e[2];
        ARDM_TRY(quick_part_extents(e, d, part));
        const int32_t alone = part->first == 0 && part->end == 1 && part->from == 0;
        for (int64_t item = part->first; item < part->end; item++)
            for (int64_t y = part->from; y < e[0]; y += size[0])
                for (int64_t x = 0; x < e[1]; x += size[1]) {
                    const piece p = {part, item, {y, x}, {e[0] - y < size[0] ? e[0] - y : size[0], e[1] - x < size[1] ? e[1] - x : size[1]}, 0};
                    ARDM_TRY(add(all, &p));
                    all->list[all->n - 1].whole = alone && p.extent[0] == e[0] && p.extent[1] == e[1];
                }
    }
    return ARDM_OK;
}

/* Spreads pieces: number k is k strides of about 0.618 of all, so that any first few are from everywhere. */
static const piece *spread(const pieces *all, int64_t k) {
    int64_t stride = (int64_t)(0.6180339887 * (double)all->n);
    for (stride = stride < 1 ? 1 : stride;; stride++) {
        int64_t a = all->n, b = stride;
        while (b) {
            const int64_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1) return &all->list[k * stride % all->n];
    }
}

static ardm_status file_of(ardm_bytes *out, const quick_data *d, const piece *p) {
    ardm_item item;
    if (p->whole) return ardm_file_read(out, p->part->path, d->memory, 1);
    ARDM_TRY(quick_part_item(&item, d, p->part, p->item, p->at, p->extent));
    ardm_status status = ardm_item_encode(out, d->modality, &item, d->memory);
    ardm_item_free(&item);
    return status;
}

/* --- coding ------------------------------------------------------------------------------------------------------------------------ */

static ardm_status no_model(void *user, const char *modality, const char *variant, ardm_predictor **out) {
    (void)user, (void)modality, (void)variant;
    *out = NULL;
    return ARDM_OK;
}

static ardm_status compress_all(uint64_t *bytes, ardm_codec_report **reports, uint32_t *n, const ardm_bytes *contents, uint32_t n_contents,
                                const char *variant, const ardm_models *models, uint32_t steps, const quick_data *d) {
    ardm_codec_input *inputs = calloc(n_contents + 1, sizeof *inputs);
    ardm_bytes *archives = NULL;
    uint32_t n_archives = 0;
    const ardm_codec_options options = {.steps = steps, .verify = 1, .memory = d->memory};
    if (!inputs) return ardm_fail(ARDM_ENOMEM, "no memory for %u files", n_contents);
    for (uint32_t i = 0; i < n_contents; i++)
        inputs[i] = (ardm_codec_input){
            .name = "", .data = contents[i].data, .size = contents[i].size, .variant = variant, .end = INT64_MAX, .named_model = 1};
    ardm_status status = ardm_compress(&archives, &n_archives, reports, n, inputs, n_contents, models, &options);
    *bytes = 0;
    for (uint32_t i = 0; i < n_archives; i++) {
        *bytes += archives[i].size;
        ardm_bytes_free(&archives[i]);
    }
    free(archives);
    free(inputs);
    return status;
}

static ardm_status note_pieces(coded *c, const ardm_codec_report *reports, uint32_t n, uint64_t bytes) {
    double *rate = realloc(c->rate, (size_t)(c->n + n) * sizeof *rate);
    if (rate) c->rate = rate;
    double *weight = realloc(c->weight, (size_t)(c->n + n) * sizeof *weight);
    if (weight) c->weight = weight;
    if (!rate || !weight) return ardm_fail(ARDM_ENOMEM, "no memory for %u pieces", n);
    c->bytes += bytes;
    for (uint32_t i = 0; i < n; i++) {
        c->symbols += reports[i].dimensions;
        c->chunks += reports[i].chunks;
        c->stored += reports[i].stored_chunks;
        c->without |= strcmp(reports[i].modality, "stored") == 0;
        if (reports[i].calls) c->calls = reports[i].calls;
        c->rate[c->n] = 8.0 * (double)reports[i].archive_bytes / (double)reports[i].dimensions;
        c->weight[c->n++] = (double)reports[i].dimensions;
    }
    return ARDM_OK;
}

/* One archive of pieces first … first+n-1 of the spread. */
static ardm_status code(coded *c, const quick_data *d, const pieces *all, int64_t first, uint32_t n, ardm_predictor *p, uint32_t steps) {
    ardm_bytes *contents = calloc(n + 1, sizeof *contents);
    ardm_codec_report *reports = NULL;
    uint32_t n_reports = 0;
    uint64_t bytes = 0;
    const double began = ardm_clock();
    const ardm_models models = only_model(p);
    if (!contents) return ardm_fail(ARDM_ENOMEM, "no memory for %u pieces", n);
    ardm_status status = ARDM_OK;
    for (uint32_t i = 0; i < n && status == ARDM_OK; i++) status = file_of(&contents[i], d, spread(all, first + i));
    if (status == ARDM_OK) status = compress_all(&bytes, &reports, &n_reports, contents, n, d->variant, &models, steps, d);
    if (status == ARDM_OK) status = note_pieces(c, reports, n_reports, bytes);
    c->seconds += ardm_clock() - began;
    for (uint32_t i = 0; i < n; i++) ardm_bytes_free(&contents[i]);
    free(contents);
    free(reports);
    return status;
}

static void drop(coded *c) {
    free(c->rate);
    free(c->weight);
    memset(c, 0, sizeof *c);
}

/* A window twice, for kernels and for speed; then pieces as large as the time lets at least four of them be, twice as many an archive each time: a
 * device that is not full takes them at once. */
static ardm_status code_pieces(coded *c, const quick_data *d, ardm_predictor *p, uint32_t steps, const quick_time *time) {
    const ardm_description *model = ardm_session_description(p->session);
    const int64_t step = d->window - model->context;
    int64_t size[2] = {step, d->rank > 1 ? step : 1}, at = 0;
    pieces all = {0};
    ardm_status status = cut(&all, d, size);
    for (int32_t i = 0; i < 2 && status == ARDM_OK && (i == 0 || ardm_clock() < time->end); i++) {
        drop(c);
        status = code(c, d, &all, 0, 1, p, steps);
    }
    const double windows = status == ARDM_OK ? (time->end - ardm_clock()) * 0.8 / c->seconds / 4 : 0;
    if (status == ARDM_OK && windows >= 1 && !c->without) {
        const int64_t side = d->rank > 1 ? (int64_t)fmin(CHUNK_SIDE, sqrt(windows)) : (int64_t)fmin(CHUNK_WINDOWS, windows);
        size[0] = side * step;
        if (d->rank > 1) size[1] = side * step;
        drop(c);
        status = cut(&all, d, size);
        for (uint32_t n = 1; status == ARDM_OK && at < all.n && n > 0;) {
            if (n > all.n - at) n = (uint32_t)(all.n - at);
            const double before = c->seconds;
            status = code(c, d, &all, at, n, p, steps);
            at += n;
            const double fit = (time->end - ardm_clock()) * 0.8 / ((c->seconds - before) / n);
            n = fit < 1 ? 0 : fit < 2.0 * n ? (uint32_t)fit : 2 * n;
        }
    }
    free(all.list);
    return status;
}

/* The files of the held-out data as they are, by ardm without a model: zstd in chunks of a MiB, as long as a fiftieth of the time lasts. It learns
 * nothing beforehand, so a file that was cut counts as a whole: of a short end it would make less than it can. */
static ardm_status store_files(double *rate, double *size, const quick_data *d, const quick_time *time) {
    const ardm_models models = {NULL, no_model, NULL};
    const double whole = (time->end - time->began) * STORED_A_SECOND;
    const size_t room = whole > LEAST_STORED ? (size_t)whole : LEAST_STORED;
    size_t in = 0, out = 0;
    ardm_status status = ARDM_OK;
    for (int32_t i = 0; i < d->n_held && in < room && status == ARDM_OK; i++) {
        ardm_bytes content = {0};
        ardm_codec_report *reports = NULL;
        uint32_t n;
        uint64_t bytes = 0;
        status = ardm_file_read(&content, d->held[i].path, d->memory, 1);
        if (content.size > room - in) content.size = room - in;
        if (status == ARDM_OK) status = compress_all(&bytes, &reports, &n, &content, 1, NULL, &models, 0, d);
        in += content.size;
        out += (size_t)bytes;
        free(reports);
        ardm_bytes_free(&content);
    }
    *rate = in ? (double)out / (double)in : 0;
    *size = (double)in;
    return status;
}

/* Standard error of the mean by symbols; -1 of one piece. */
static double error_of(const coded *c, double mean) {
    double sum = 0;
    if (c->n < 2) return -1;
    for (int64_t i = 0; i < c->n; i++) {
        const double part = c->weight[i] / (double)c->symbols * (c->rate[i] - mean);
        sum += part * part;
    }
    return sqrt(sum * (double)c->n / (double)(c->n - 1));
}

/* --- telling ----------------------------------------------------------------------------------------------------------------------- */

static void print_size(char out[32], double bytes) {
    if (bytes < 1e6)
        snprintf(out, 32, "%.1f kB", bytes / 1e3);
    else if (bytes < 1e9)
        snprintf(out, 32, "%.1f MB", bytes / 1e6);
    else
        snprintf(out, 32, "%.1f GB", bytes / 1e9);
}

static void print_worth(const worth *w, const quick_data *d) {
    char error[32] = "", size[32];
    const double gain = w->stored - w->coded, spread_of = w->error > 0 ? w->error / w->bits * w->coded : 0;
    if (w->error >= 0) snprintf(error, sizeof error, " ± %.4f", w->error);
    printf("\n%lld piece%s of the held-out data coded in %.0f s, decoded again and compared, all bytes counted\n", (long long)w->model.n,
           w->model.n == 1 ? "" : "s", w->model.seconds);
    printf("  model      %llu bytes: %s\n", (unsigned long long)w->model_bytes, w->path);
    printf("  with it    %.4f bytes an input byte, %.4f%s bits a symbol, %u calls a window; %u of %u chunks were smaller stored\n", w->coded, w->bits,
           error, w->model.calls, w->model.stored, w->model.chunks);
    print_size(size, w->stored_in);
    printf("  without    %.4f bytes an input byte, stored through zstd (%s of the files, as they are)\n", w->stored, size);
    printf("  speed      %.0f input bytes a second, there and back\n", (double)w->model.inputs / w->model.seconds);
    if (gain <= 0) {
        printf(
            "The model never pays for itself: it makes such data no smaller than storing does. Give it more time (--minutes), more data, or a faster "
            "device%s.\n",
            d->rank > 1 ? "; files that are packed well already, such as photographs by a camera, are better compressed from their raw form" : "");
        return;
    }
    print_size(size, (double)w->model_bytes / gain);
    printf("The model pays for itself after %s of such data: %llu bytes / (%.4f - %.4f).\n", size, (unsigned long long)w->model_bytes, w->stored,
           w->coded);
    if (gain < 2 * spread_of) printf("The gain is within the error of so few pieces (± %.4f); more time makes it certain.\n", spread_of);
    printf("  ardm compress FILE -m %s", w->path);
    if (w->steps) printf(" --steps %u", w->steps);
    printf("\n");
}

static ardm_status print_json(const worth *w) {
    const double gain = w->stored - w->coded;
    json_t *all = json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:I}", "model", w->path, "model_bytes", (json_int_t)w->model_bytes,
                            "pieces", (json_int_t)w->model.n, "symbols", (json_int_t)w->model.symbols, "bits_a_symbol", w->bits, "error", w->error,
                            "coded", w->coded, "stored", w->stored, "steps", (json_int_t)w->model.calls, "chunks", (json_int_t)w->model.chunks,
                            "stored_chunks", (json_int_t)w->model.stored);
    if (!all) return ardm_fail(ARDM_ENOMEM, "no memory for the figures");
    json_object_set_new(all, "seconds", json_real(w->model.seconds));
    json_object_set_new(all, "pays_after_bytes", gain > 0 ? json_real((double)w->model_bytes / gain) : json_null());
    json_dumpf(all, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(all);
    return ARDM_OK;
}

static ardm_status open_rounded(ardm_predictor *out, uint64_t *bytes, const char *path, ardm_device *device, const quick_data *d) {
    ardm_model *model = NULL;
    ardm_bytes text = {0};
    ARDM_TRY(ardm_file_read(&text, path, d->memory, 0));
    *bytes = text.size;
    ardm_bytes_free(&text);
    ARDM_TRY(ardm_model_load(&model, path, d->memory));
    return ardm_predictor_open(out, model, device, d->limit);
}

ardm_status quick_worth(const quick_data *d, const char *path, const quick_time *time, const arguments *args) {
    worth w = {.path = path};
    ardm_predictor predictor;
    ardm_device *device = NULL;
    ARDM_TRY(open_device(&device, args));
    ardm_status status = open_rounded(&predictor, &w.model_bytes, path, device, d);
    if (status != ARDM_OK) {
        ardm_device_close(&device);
        return status;
    }
    /* Of a blocks family a call a symbol costs least; others have their default of 48. */
    if (ardm_session_order(predictor.session)->kind == ARDM_ORDER_BLOCKS)
        w.steps = (uint32_t)d->window - ardm_session_description(predictor.session)->context;
    status = store_files(&w.stored, &w.stored_in, d, time);
    if (status == ARDM_OK) status = code_pieces(&w.model, d, &predictor, w.steps, time);
    if (status == ARDM_EINTERRUPT) ardm_fail_in(status, "%s is written, its figures are not", path);
    if (status == ARDM_OK && w.model.without)
        printf("\nArchives store %s without a model so far, so there are no coded bytes to compare: ardm model show %s has the bound, in bits a "
               "symbol.\n",
               ardm_modality_id(d->modality), path);
    else if (status == ARDM_OK) {
        w.bits = 8.0 * (double)w.model.bytes / (double)w.model.symbols;
        w.error = error_of(&w.model, w.bits);
        const double each = (double)d->held_bytes / (double)d->held_symbols; /* input bytes a symbol */
        w.coded = w.bits / 8 / each;
        w.model.inputs = (uint64_t)(each * (double)w.model.symbols);
        if (has(args, "json"))
            status = print_json(&w);
        else
            print_worth(&w, d);
    }
    drop(&w.model);
    ardm_predictor_close(&predictor);
    ardm_device_close(&device);
    return status;
}
