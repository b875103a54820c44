/* Files to items: decoding through the modality, the held-out split, and the draws of training examples. */
#include "ardm/dataset.h"

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/config.h"
#include "ardm/modality.h"
#include "ardm/philox.h"

/* One decoded picture or text. Items are cut on a grid; training looks at positions before `split` on the outermost axis only. */
typedef struct piece {
    uint16_t *symbols;
    int64_t extent[2];      /* H, W of a picture; length, 1 of a text */
    int64_t split;          /* first position of the outermost axis that is held out */
    int64_t training, held; /* whole items on the grid of each part */
    int64_t training_before, held_before;
} piece;

struct ardm_dataset {
    const ardm_modality *modality;
    char variant[32];
    uint32_t rank, channels, classes;
    int64_t item[2]; /* extents of an item; item[1] is 1 for text */
    piece *pieces;
    int64_t n_pieces, room, training, held, seen;
    json_t *facts;
};

/* How many of n items are held out: 1/50, at least 200 where there are four times as many. */
static int64_t held_share(int64_t n) {
    int64_t share = n / 50;
    if (share < 200 && n >= 800) share = 200;
    return share;
}

static ardm_status add_piece(ardm_dataset *d, ardm_item *item, int32_t whole, int32_t held) {
    if (d->n_pieces == d->room) {
        int64_t room = d->room ? 2 * d->room : 64;
        piece *grown = realloc(d->pieces, (size_t)room * sizeof *grown);
        if (!grown) return ardm_fail(ARDM_ENOMEM, "no memory for %lld items", (long long)room);
        d->pieces = grown;
        d->room = room;
    }
    piece p = {.symbols = item->symbols, .extent = {item->extents[0], item->rank > 1 ? item->extents[1] : 1}};
    int64_t across = p.extent[1] / d->item[1], down = p.extent[0] / d->item[0];
    if (whole || held) {
        p.split = 0;
        p.held = across * down;
    } else {
        int64_t rows = held_share(across * down), kept;
        rows = across ? (rows + across - 1) / across : 0;
        kept = down - rows > 0 ? down - rows : 0;
        p.split = rows ? p.extent[0] - rows * d->item[0] : p.extent[0];
        p.training = kept * across;
        p.held = rows * across;
    }
    p.training_before = d->training;
    p.held_before = d->held;
    d->training += p.training;
    d->held += p.held;
    d->pieces[d->n_pieces++] = p;
    item->symbols = NULL; /* the piece owns them now */
    return ARDM_OK;
}

static ardm_status check_form(ardm_dataset *d, const ardm_item *header, const ardm_modality *modality, const char *name,
                              const ardm_dataset_options *o) {
    if (d->n_pieces == 0 && !d->modality) {
        d->modality = modality;
        d->rank = header->rank;
        d->channels = header->channels;
        d->classes = header->classes;
        snprintf(d->variant, sizeof d->variant, "%s", header->variant);
        d->item[0] = header->rank == 1 ? o->window : o->tile;
        d->item[1] = header->rank == 1 ? 1 : o->tile;
        if (header->rank > 2) return ardm_fail(ARDM_EUNSUPPORTED, "%s: items of rank %u have no network here", name, header->rank);
    }
    if (modality != d->modality || header->rank != d->rank || header->channels != d->channels || header->classes != d->classes)
        return ardm_fail(ARDM_EINVAL, "%s is %s %s of %u classes and %u channels; the files before are %s %s of %u and %u", name,
                         ardm_modality_id(modality), header->variant, header->classes, header->channels, ardm_modality_id(d->modality), d->variant,
                         d->classes, d->channels);
    return ARDM_OK;
}

static ardm_status add_source(ardm_dataset *d, ardm_source *source, const char *name, const ardm_dataset_options *o) {
    const ardm_item *header = ardm_source_header(source);
    ARDM_TRY(check_form(d, header, ardm_source_modality(source), name, o));
    int64_t count = ardm_source_items(source), first_held = count - held_share(count);
    ardm_item item;
    memset(&item, 0, sizeof item);
    for (int64_t i = 0; i < count; i++, d->seen++) {
        if (d->seen < o->first || d->seen >= o->end) continue;
        ardm_status status = ardm_source_item(&item, source, i);
        if (status == ARDM_OK) status = add_piece(d, &item, o->whole, count > 1 && i >= first_held);
        /* A file of many items is split by items, each of them whole. */
        if (status == ARDM_OK && count > 1 && !o->whole && i < first_held) {
            piece *p = &d->pieces[d->n_pieces - 1];
            d->training += p->held;
            d->held -= p->held;
            p->training += p->held;
            p->held = 0;
            p->split = p->extent[0];
        }
        ardm_item_free(&item);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

/* "path@A:B": the range, and the path without it. */
static ardm_status cut_range(char *path, int64_t *begin, int64_t *end) {
    char *at = strrchr(path, '@'), *colon = at ? strchr(at, ':') : NULL;
    *begin = 0;
    *end = INT64_MAX;
    if (!colon) return ARDM_OK;
    *at = *colon = 0;
    ARDM_TRY(ardm_parse_int(begin, path, at + 1, 0, INT64_MAX - 1));
    return ardm_parse_int(end, path, colon + 1, *begin + 1, INT64_MAX);
}

static ardm_status add_file(ardm_dataset *d, const char *path, int64_t begin, int64_t end, const ardm_dataset_options *o) {
    ardm_bytes bytes = {0};
    ardm_source *source = NULL;
    const ardm_modality *modality = NULL;
    ardm_modality_options options = ARDM_MODALITY_OPTIONS_INIT;
    ARDM_TRY(ardm_file_read(&bytes, path, o->memory, 1));
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    ardm_status status = ARDM_OK;
    if (begin > (int64_t)bytes.size)
        status = ardm_fail(ARDM_EINVAL, "%s has %zu bytes; @%lld:%lld starts behind them", path, bytes.size, (long long)begin, (long long)end);
    int64_t size = (end < (int64_t)bytes.size ? end : (int64_t)bytes.size) - begin;
    options.variant = o->variant && o->variant[0] ? o->variant : NULL;
    options.memory = o->memory;
    if (status == ARDM_OK && o->modality) status = ardm_modality_find(&modality, o->modality);
    if (status == ARDM_OK) {
        /* A shape says how raw bytes are read; files that announce themselves do not need it. */
        const ardm_modality *known = NULL;
        int32_t announced =
            ardm_modality_probe(&known, bytes.data + begin, (size_t)size, name) == ARDM_OK && known && strcmp(ardm_modality_id(known), "text") != 0;
        options.shape = o->shape && o->shape[0] && !announced ? o->shape : NULL;
        status = ardm_source_open(&source, modality, bytes.data + begin, (size_t)size, name, &options);
    }
    if (status == ARDM_OK) status = add_source(d, source, path, o);
    ardm_source_close(&source);
    if (status == ARDM_OK) {
        ardm_sha256 hash;
        char hex[65];
        ardm_sha256_of(&hash, bytes.data + begin, (size_t)size);
        ardm_sha256_hex(&hash, hex);
        json_array_append_new(d->facts, json_pack("{s:s, s:I, s:s}", "name", name, "bytes", (json_int_t)size, "sha256", hex));
    }
    ardm_bytes_free(&bytes);
    return status;
}

static ardm_status add_pattern(ardm_dataset *d, const char *word, size_t length, const ardm_dataset_options *o) {
    char pattern[4096];
    glob_t found;
    int64_t begin, end;
    const char *root = o->root ? o->root : getenv("ARDM_DATA");
    char own[2048];
    if (length >= sizeof own) return ardm_fail(ARDM_EINVAL, "path too long: %.60s…", word);
    memcpy(own, word, length);
    own[length] = 0;
    ARDM_TRY(cut_range(own, &begin, &end));
    int32_t here = own[0] == '/' || !root || ardm_file_exists(own);
    if (snprintf(pattern, sizeof pattern, "%s%s%s", here ? "" : root, here ? "" : "/", own) >= (int)sizeof pattern)
        return ardm_fail(ARDM_EINVAL, "path too long: %.60s…", own);
    if (glob(pattern, 0, NULL, &found) != 0)
        return ardm_fail(ARDM_ENOTFOUND, "%s: no such file; relative paths start at --data or $ARDM_DATA", pattern);
    ardm_status status = ARDM_OK;
    for (size_t i = 0; i < found.gl_pathc && status == ARDM_OK; i++) status = add_file(d, found.gl_pathv[i], begin, end, o);
    globfree(&found);
    return status;
}

/* Many short files, none of which is long enough to hold a part of its own: the last ones are held out, or the end of the last. */
static void hold_back(ardm_dataset *d) {
    int64_t wanted = held_share(d->training) > 0 ? held_share(d->training) : 1;
    for (int64_t i = d->n_pieces - 1; i >= 0 && wanted > 0 && d->training > 1; i--) {
        piece *p = &d->pieces[i];
        int64_t across = p->extent[1] / d->item[1], down = across ? p->training / across : 0;
        int64_t rows = across ? (wanted + across - 1) / across : 0, own;
        if (rows >= down) rows = p->training < d->training ? down : down - 1;
        own = rows * across;
        if (own == 0) continue;
        p->split = (down - rows) * d->item[0];
        p->training -= own;
        p->held += own;
        d->training -= own;
        d->held += own;
        wanted -= own;
    }
    for (int64_t i = 1; i < d->n_pieces; i++) {
        d->pieces[i].training_before = d->pieces[i - 1].training_before + d->pieces[i - 1].training;
        d->pieces[i].held_before = d->pieces[i - 1].held_before + d->pieces[i - 1].held;
    }
}

ardm_status ardm_dataset_open(ardm_dataset **out, const ardm_dataset_options *options) {
    *out = NULL;
    ardm_dataset *d = calloc(1, sizeof *d);
    if (!d || !(d->facts = json_array())) {
        free(d);
        return ardm_fail(ARDM_ENOMEM, "no memory for a data set");
    }
    ardm_status status = ARDM_OK;
    for (const char *at = options->paths; *at && status == ARDM_OK;) {
        at += strspn(at, " \t\n");
        size_t length = strcspn(at, " \t\n");
        if (length) status = add_pattern(d, at, length, options);
        at += length;
    }
    if (status == ARDM_OK && !options->whole && d->held == 0) hold_back(d);
    if (status == ARDM_OK && d->held + d->training == 0)
        status = ardm_fail(ARDM_EINVAL, "the data holds no whole item of %lldx%lld; lower [data] tile or window", (long long)d->item[0],
                           (long long)d->item[1]);
    if (status == ARDM_OK && !options->whole && (d->held == 0 || d->training == 0))
        status =
            ardm_fail(ARDM_EINVAL, "%lld training and %lld held-out items are too few; give more data", (long long)d->training, (long long)d->held);
    if (status != ARDM_OK) ardm_dataset_free(&d);
    *out = d;
    return status;
}

void ardm_dataset_free(ardm_dataset **dataset) {
    ardm_dataset *d = *dataset;
    if (!d) return;
    for (int64_t i = 0; i < d->n_pieces; i++) free(d->pieces[i].symbols);
    free(d->pieces);
    json_decref(d->facts);
    free(d);
    *dataset = NULL;
}

const char *ardm_dataset_modality(const ardm_dataset *dataset) { return ardm_modality_id(dataset->modality); }
const char *ardm_dataset_variant(const ardm_dataset *dataset) { return dataset->variant; }
uint32_t ardm_dataset_classes(const ardm_dataset *dataset) { return dataset->classes; }
int64_t ardm_dataset_training(const ardm_dataset *dataset) { return dataset->training; }
int64_t ardm_dataset_held_out(const ardm_dataset *dataset) { return dataset->held; }

ardm_layout ardm_dataset_layout(const ardm_dataset *d) {
    return (ardm_layout){d->rank, {(uint32_t)d->item[0], d->rank > 1 ? (uint32_t)d->item[1] : 0, 0}, d->channels};
}

/* Where an item is cut: rows and columns are those of the picture averaged down by `scale`. */
typedef struct crop {
    int64_t scale, y, x;
    int32_t mirror, turns; /* mirrored first, then turned counter-clockwise by so many quarters */
} crop;

/* The mean of a box, halves up. */
static int32_t box_mean(const ardm_dataset *d, const piece *p, int64_t scale, int64_t y, int64_t x, int64_t channel) {
    int64_t sum = scale * scale / 2;
    for (int64_t i = 0; i < scale; i++)
        for (int64_t j = 0; j < scale; j++) sum += p->symbols[((y * scale + i) * p->extent[1] + x * scale + j) * d->channels + channel];
    return (int32_t)(sum / (scale * scale));
}

static void cut(const ardm_dataset *d, const piece *p, const crop *at, int32_t *symbols) {
    for (int64_t i = 0; i < d->item[0]; i++)
        for (int64_t j = 0; j < d->item[1]; j++) {
            int64_t row = i, column = j;
            for (int32_t turn = 0; turn < at->turns; turn++) { /* of squares */
                const int64_t before = row;
                row = column;
                column = d->item[0] - 1 - before;
            }
            if (at->mirror) column = d->item[1] - 1 - column;
            for (int64_t k = 0; k < d->channels; k++) *symbols++ = box_mean(d, p, at->scale, at->y + row, at->x + column, k);
        }
}

/* The piece that holds item `index` of a part: the last one whose items begin at or before it. */
static const piece *piece_of(const ardm_dataset *d, int64_t index, int32_t held) {
    int64_t low = 0, high = d->n_pieces - 1;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2, before = held ? d->pieces[middle].held_before : d->pieces[middle].training_before;
        if (before <= index)
            low = middle;
        else
            high = middle - 1;
    }
    return &d->pieces[low];
}

void ardm_dataset_item(const ardm_dataset *d, int64_t index, int32_t *symbols) {
    const piece *p = piece_of(d, index, 1);
    int64_t own = index - p->held_before, across = p->extent[1] / d->item[1];
    const crop at = {1, p->split + own / across * d->item[0], own % across * d->item[1], 0, 0};
    cut(d, p, &at, symbols);
}

/* Place of `index` in a permutation of 0 … n−1: four Feistel rounds over the least even number of bits, walked until inside. */
static uint64_t permuted(uint64_t index, uint64_t n, uint64_t seed, uint64_t epoch) {
    uint32_t half = 1;
    while (half < 31 && ((uint64_t)1 << (2 * half)) < n) half++;
    uint64_t mask = ((uint64_t)1 << half) - 1;
    do {
        uint64_t left = index >> half, right = index & mask;
        for (uint32_t round = 0; round < 4; round++) {
            uint64_t next = left ^ (ardm_random_word(seed, ARDM_RANDOM_SHUFFLE, round, epoch, (uint32_t)right) & mask);
            left = right;
            right = next;
        }
        index = left << half | right;
    } while (index >= n);
    return index;
}

/* Words of purpose 3, draw 0, item = example. */
enum { WORD_ROW = 0, WORD_COLUMN = 1, WORD_MIRROR = 2, WORD_TURNS = 3, WORD_SCALE = 4 };

static int64_t drawn(uint64_t seed, uint64_t number, uint32_t word, int64_t count) {
    return (int64_t)(ardm_random_word(seed, ARDM_RANDOM_AUGMENT, 0, number, word) * (uint64_t)count >> 32);
}

/* One of the scales at which the training part of a picture holds a tile; 1 where none does. */
static int64_t draw_scale(const ardm_dataset *d, const piece *p, uint64_t number, uint64_t seed, const ardm_augmentation *a) {
    int64_t fit[ARDM_MAX_SCALES] = {1}, n = 0;
    for (uint32_t i = 0; i < a->n_scales; i++)
        if (p->split / a->scale[i] >= d->item[0] && p->extent[1] / a->scale[i] >= d->item[1]) fit[n++] = a->scale[i];
    return n > 1 ? fit[drawn(seed, number, WORD_SCALE, n)] : fit[0];
}

void ardm_dataset_example(const ardm_dataset *d, uint64_t number, uint64_t seed, const ardm_augmentation *a, int32_t *symbols) {
    uint64_t n = (uint64_t)d->training, index = permuted(number % n, n, seed, number / n);
    const piece *p = piece_of(d, (int64_t)index, 0);
    crop at = {.scale = draw_scale(d, p, number, seed, a)};
    int64_t rows = p->split / at.scale, columns = p->extent[1] / at.scale;
    if (!a->fixed) {
        at.y = drawn(seed, number, WORD_ROW, rows - d->item[0] + 1);
        at.x = drawn(seed, number, WORD_COLUMN, columns - d->item[1] + 1);
    } else if (at.scale == 1) {
        int64_t own = (int64_t)index - p->training_before, across = columns / d->item[1];
        at.y = own / across * d->item[0];
        at.x = own % across * d->item[1];
    } else {
        at.y = drawn(seed, number, WORD_ROW, rows / d->item[0]) * d->item[0];
        at.x = drawn(seed, number, WORD_COLUMN, columns / d->item[1]) * d->item[1];
    }
    at.mirror = a->flips && (ardm_random_word(seed, ARDM_RANDOM_AUGMENT, 0, number, WORD_MIRROR) & 1);
    at.turns = a->rotations ? (int32_t)drawn(seed, number, WORD_TURNS, 4) : 0;
    cut(d, p, &at, symbols);
}

void ardm_dataset_marginal(const ardm_dataset *d, double *counts) {
    for (int64_t i = 0; i < d->n_pieces; i++) {
        const piece *p = &d->pieces[i];
        if (p->training == 0) continue;
        for (int64_t k = 0, n = p->split * p->extent[1] * d->channels; k < n; k++) counts[k % d->channels * d->classes + p->symbols[k]]++;
    }
}

ardm_status ardm_dataset_facts(ardm_bytes *out, const ardm_dataset *dataset) {
    char *text = json_dumps(dataset->facts, JSON_COMPACT);
    if (!text) return ardm_fail(ARDM_ENOMEM, "no memory for the facts of the data");
    ardm_status status = ardm_bytes_append(out, text, strlen(text));
    free(text);
    return status;
}
