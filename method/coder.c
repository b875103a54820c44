/* Encoding and decoding of chunks over walks. */
#include "ardm/coder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/file.h"
#include "ardm/log.h"
#include "ardm/philox.h"
#include "ardm/rans.h"
#include "ardm/thread.h"
#include "ardm/walk.h"

enum { MOST_ITEMS = 32 };

static int32_t coded(const ardm_tile *tile, uint32_t unit) { return ardm_layout_masked(&tile->layout, tile->mask, unit) == ARDM_UNDECIDED; }

ardm_status ardm_chunk_checksum(uint32_t *out, const ardm_chunk *chunk) {
    size_t n = 0;
    for (uint32_t t = 0; t < chunk->n_tiles; t++) n += ardm_layout_symbols(&chunk->tiles[t].layout);
    uint8_t *bytes = malloc(n * 2 + 1);
    if (!bytes) return ardm_fail(ARDM_ENOMEM, "no memory for the checksum of %zu symbols", n);
    size_t at = 0;
    for (uint32_t t = 0; t < chunk->n_tiles; t++) {
        const ardm_tile *tile = &chunk->tiles[t];
        const uint32_t parts = ardm_layout_parts(&tile->layout);
        for (uint32_t k = 0, symbols = ardm_layout_symbols(&tile->layout); k < symbols; k++)
            if (coded(tile, k / parts)) {
                bytes[at++] = (uint8_t)tile->symbols[k];
                bytes[at++] = (uint8_t)(tile->symbols[k] >> 8);
            }
    }
    *out = ardm_xxh32(bytes, at);
    free(bytes);
    return ARDM_OK;
}

/* A group of one chunk: tiles that are coded call by call together. */
typedef struct group {
    ardm_chunk *chunk;
    uint32_t *tiles, n_tiles; /* indices into chunk->tiles */
    ardm_layout layout;
    uint32_t base;            /* digest rows of the chunk before this group */
    uint32_t free_units;      /* of a tile: neither given nor void */
    uint32_t turns;           /* rows a unit and stage */
    uint32_t (*intervals)[2]; /* encoding: [tile][(stage·turns + turn)·free + place] */
    uint32_t (*calls)[2];     /* encoding: (stage·turns + turn)·free + first place, length; of each call */
    uint32_t *digests;        /* encoding: [call][tile], its part of the chunk's digest */
    uint32_t n_calls;
} group;

typedef struct groups {
    group *list;
    uint32_t n;
} groups;

static void refuse(ardm_chunk *chunk, ardm_status status, const char *why) {
    chunk->status = status;
    snprintf(chunk->why, sizeof chunk->why, "%s", why);
}

static int32_t same_layout(const ardm_layout *a, const ardm_layout *b) { return memcmp(a, b, sizeof *a) == 0; }

static uint32_t free_of(const ardm_tile *tile) {
    uint32_t n = 0;
    for (uint32_t u = 0, units = ardm_layout_units(&tile->layout); u < units; u++) n += (uint32_t)coded(tile, u);
    return n;
}

static void free_groups(groups *g) {
    for (uint32_t i = 0; i < g->n; i++) {
        free(g->list[i].tiles);
        free(g->list[i].intervals);
        free(g->list[i].calls);
        free(g->list[i].digests);
    }
    free(g->list);
    g->list = NULL;
    g->n = 0;
}

static size_t rows_of(const group *g, uint32_t stages) { return (size_t)stages * g->turns * g->free_units; } /* a tile */

/* Groups of a chunk in coding order, appended. Tiles of a group have equally many coded units, so that their blocks agree. */
static ardm_status add_groups(groups *g, ardm_chunk *chunk, uint32_t stages, uint32_t turns) {
    uint32_t base = 0;
    uint8_t *taken = calloc(chunk->n_tiles ? chunk->n_tiles : 1, 1);
    if (!taken) return ardm_fail(ARDM_ENOMEM, "no memory for groups");
    for (uint32_t t = 0; t < chunk->n_tiles; t++) {
        if (taken[t]) continue;
        group *grown = realloc(g->list, (g->n + 1) * sizeof *grown);
        if (grown) g->list = grown;
        group *next = grown ? &grown[g->n] : NULL;
        if (next)
            *next = (group){.chunk = chunk,
                            .tiles = malloc(chunk->n_tiles * sizeof *next->tiles),
                            .layout = chunk->tiles[t].layout,
                            .base = base,
                            .turns = turns};
        if (!next || !next->tiles) {
            free(taken);
            return ardm_fail(ARDM_ENOMEM, "no memory for groups");
        }
        g->n++;
        next->free_units = free_of(&chunk->tiles[t]);
        for (uint32_t k = t; k < chunk->n_tiles; k++) {
            const ardm_tile *tile = &chunk->tiles[k];
            if (taken[k] || !same_layout(&tile->layout, &next->layout) || free_of(tile) != next->free_units) continue;
            if (k > t && tile->layout.rank == 1) continue;
            taken[k] = 1;
            next->tiles[next->n_tiles++] = k;
        }
        base += next->n_tiles * (uint32_t)rows_of(next, stages);
    }
    free(taken);
    return ARDM_OK;
}

static ardm_walk_item item_of(const group *g, uint32_t tile) {
    const ardm_tile *t = &g->chunk->tiles[g->tiles[tile]];
    return (ardm_walk_item){t->symbols, t->mask, g->chunk->number};
}

/* A call of a tile: where it is in the stage's sequence, and how many rows it has. */
typedef struct spot {
    uint32_t stage, place, turn, count;
} spot;

/* Digest number of the first row that `tile` of a group has in a call: see the closed form in method/archive.md. */
static uint32_t row_number(const group *g, uint32_t tile, spot at, int32_t causal) {
    if (causal) return g->base + tile * g->free_units;
    return g->base + g->n_tiles * (g->turns * (at.stage * g->free_units + at.place) + at.turn * at.count) + tile * at.count;
}

typedef struct seat { /* an item of a walk: which tile of which group */
    group *of;
    uint32_t tile;
} seat;

/* The call after `done` units of all stages. */
static spot spot_of(const group *g, const ardm_walk *walk, uint32_t call, uint32_t item, uint32_t done) {
    spot at = {0, 0, ardm_walk_turn(walk, call), ardm_walk_count(walk, call, item)};
    if (g->free_units) at.stage = done / g->free_units, at.place = done % g->free_units;
    return at;
}

static size_t slot_of(const group *g, uint32_t stage, uint32_t turn) { return ((size_t)stage * g->turns + turn) * g->free_units; }

/* First place of each item's rows in a call is needed before the call is run: it is the sum of the counts before it. */
static void number_rows(uint32_t *number, const ardm_walk *walk, uint32_t call, const seat *seats, uint32_t n, const uint32_t *done, int32_t causal) {
    for (uint32_t i = 0; i < n; i++) { number[i] = row_number(seats[i].of, seats[i].tile, spot_of(seats[i].of, walk, call, i, done[i]), causal); }
}

static ardm_status encode_batch(ardm_session *session, const ardm_coding *coding, const seat *seats, uint32_t n, uint32_t stages, double *done_rows,
                                double all_rows) {
    ardm_walk_item items[MOST_ITEMS];
    uint32_t number[MOST_ITEMS], done[MOST_ITEMS] = {0};
    ardm_walk *walk = NULL;
    int32_t causal = ardm_session_order(session)->kind == ARDM_ORDER_BLOCKS;
    for (uint32_t i = 0; i < n; i++) items[i] = item_of(seats[i].of, seats[i].tile);
    ARDM_TRY(ardm_walk_open(&walk, session, ARDM_TASK_ENCODE, &seats[0].of->layout, coding->schedule, coding->block, coding->seed, items, n));
    ardm_status status = ARDM_OK;
    uint32_t calls = ardm_walk_calls(walk);
    for (uint32_t i = 0; i < n; i++) {
        group *g = seats[i].of;
        if (!g->calls && (g->calls = calloc(calls ? calls : 1, sizeof *g->calls)) == NULL)
            status = ardm_fail(ARDM_ENOMEM, "no memory for %u calls", calls);
        if (!g->digests && (g->digests = calloc((size_t)calls * g->n_tiles + 1, sizeof *g->digests)) == NULL)
            status = ardm_fail(ARDM_ENOMEM, "no memory for %u digests", calls);
        if (!g->intervals && (g->intervals = calloc(g->n_tiles * rows_of(g, stages) + 1, sizeof *g->intervals)) == NULL)
            status = ardm_fail(ARDM_ENOMEM, "no memory for intervals");
    }
    for (uint32_t c = 0; c < calls && status == ARDM_OK; c++) {
        number_rows(number, walk, c, seats, n, done, causal);
        status = ardm_walk_run(walk, c, number, 1);
        if (status != ARDM_OK) break;
        const ardm_call_io *io = ardm_walk_io(walk);
        const uint32_t *interval = ardm_binding_output(io->binding, "interval");
        const uint32_t *digest = ardm_binding_output(io->binding, "digest");
        for (uint32_t i = 0; i < n; i++) {
            group *g = seats[i].of;
            ardm_walk_rows rows = ardm_walk_answer(walk, i);
            uint32_t(*own)[2] = g->intervals + seats[i].tile * rows_of(g, stages) + slot_of(g, rows.stage, rows.turn);
            for (uint32_t j = 0; j < rows.count; j++) {
                const uint32_t *pair = interval + 2 * ((size_t)i * io->rows + j);
                if (rows.children[j] < 2) continue;
                own[rows.place[j]][0] = pair[0];
                own[rows.place[j]][1] = pair[1];
            }
            g->chunk->digest += digest[i];
            g->digests[(size_t)c * g->n_tiles + seats[i].tile] = digest[i];
            const spot at = spot_of(g, walk, c, i, done[i]);
            g->calls[c][0] = (uint32_t)slot_of(g, at.stage, at.turn) + at.place;
            g->calls[c][1] = rows.count;
            g->n_calls = calls;
            if (at.turn + 1 == g->turns) done[i] += rows.count;
            *done_rows += rows.count;
        }
        status = ardm_progress(coding->task, *done_rows, all_rows, "symbols", NULL);
    }
    ardm_walk_close(&walk);
    return status;
}

/* The chunk's intervals in coding order through one rANS state. */
static ardm_status write_chunk(ardm_chunk *chunk, const groups *g, uint32_t stages, int32_t causal) {
    size_t total = 0, at = 0;
    for (uint32_t i = 0; i < g->n; i++)
        if (g->list[i].chunk == chunk) total += g->list[i].n_tiles * rows_of(&g->list[i], stages);
    uint32_t(*all)[2] = malloc((total + 1) * sizeof *all);
    if (!all) return ardm_fail(ARDM_ENOMEM, "no memory for %zu symbols", total);
    for (uint32_t i = 0; i < g->n; i++) {
        const group *q = &g->list[i];
        const size_t each = rows_of(q, stages);
        if (q->chunk != chunk || !q->intervals) continue;
        if (causal) { /* one window: by place, whichever calls answered */
            memcpy(all + at, q->intervals, q->n_tiles * each * sizeof *all);
            at += q->n_tiles * each;
            continue;
        }
        for (uint32_t c = 0; c < q->n_calls; c++)
            for (uint32_t t = 0; t < q->n_tiles; t++) {
                memcpy(all + at, q->intervals + t * each + q->calls[c][0], q->calls[c][1] * sizeof *all);
                at += q->calls[c][1];
            }
    }
    chunk->bits = 0;
    for (size_t k = 0; k < at; k++)
        if (all[k][1]) chunk->bits += 24 - log2((double)all[k][1]);
    ardm_rans_encoder coder = {0};
    ardm_rans_begin(&coder, chunk->checksum);
    ardm_status status = ardm_rans_add(&coder, (const uint32_t(*)[2])all, at);
    free(all);
    if (status == ARDM_OK) {
        ardm_rans_finish(&coder);
        chunk->state = coder.state;
        chunk->word_bytes = coder.count * 2;
        chunk->words = malloc(chunk->word_bytes + 1);
        if (!chunk->words) status = ardm_fail(ARDM_ENOMEM, "no memory for %zu words", coder.count);
        for (size_t k = 0; status == ARDM_OK && k < coder.count; k++) {
            chunk->words[2 * k] = (uint8_t)coder.words[k];
            chunk->words[2 * k + 1] = (uint8_t)(coder.words[k] >> 8);
        }
    }
    ardm_rans_free(&coder);
    return status;
}

/* One call of one tile, as it was made. */
typedef struct made {
    const group *of;
    uint32_t tile, call;
} made;

/* Any of them, by the seed; 0 when nothing was coded. */
static int32_t draw_call(made *out, const groups *g, uint64_t seed) {
    uint64_t total = 0;
    for (uint32_t i = 0; i < g->n; i++)
        for (uint32_t c = 0; c < g->list[i].n_calls; c++) total += g->list[i].calls[c][1] ? g->list[i].n_tiles : 0;
    if (!total) return 0;
    uint64_t word = (uint64_t)ardm_random_word(seed, ARDM_RANDOM_RECOMPUTE, 0, 0, 0) << 32 | ardm_random_word(seed, ARDM_RANDOM_RECOMPUTE, 0, 0, 1);
    uint64_t pick = word % total; /* a bias below 2^-32 is of no account here */
    for (uint32_t i = 0; i < g->n; i++)
        for (uint32_t c = 0; c < g->list[i].n_calls; c++) {
            uint32_t tiles = g->list[i].calls[c][1] ? g->list[i].n_tiles : 0;
            if (pick < tiles) {
                *out = (made){&g->list[i], (uint32_t)pick, c};
                return 1;
            }
            pick -= tiles;
        }
    return 0;
}

static ardm_status compare(const made *m, const ardm_walk *walk, uint32_t stages, const char *device) {
    const group *g = m->of;
    const uint32_t *interval = ardm_binding_output(ardm_walk_io(walk)->binding, "interval");
    const uint32_t *digest = ardm_binding_output(ardm_walk_io(walk)->binding, "digest");
    ardm_walk_rows rows = ardm_walk_answer(walk, 0);
    const uint32_t(*own)[2] = (const uint32_t(*)[2])(g->intervals + m->tile * rows_of(g, stages) + slot_of(g, rows.stage, rows.turn));
    char where[120];
    snprintf(where, sizeof where, "chunk %llu, tile %u, call %u of %u", (unsigned long long)g->chunk->number, g->tiles[m->tile],
             m->call / g->turns + 1, g->n_calls / g->turns);
    for (uint32_t j = 0; j < rows.count; j++) {
        const uint32_t *a = own[rows.place[j]], *b = interval + 2 * (size_t)j;
        if (rows.children[j] < 2 || (a[0] == b[0] && a[1] == b[1])) continue;
        return ardm_fail(ARDM_EINEXACT, "%s, row %u: %s codes %u+%u and the C reference %u+%u; the device is not exact", where, j, device, a[0], a[1],
                         b[0], b[1]);
    }
    uint32_t stored = g->digests[(size_t)m->call * g->n_tiles + m->tile];
    if (stored == digest[0]) return ARDM_OK;
    return ardm_fail(ARDM_EINEXACT,
                     "%s, one of rows 0 to %u: the frequencies have the digest %08x on %s and %08x by the C reference; the device is not exact",
                     where, rows.count - 1, stored, device, digest[0]);
}

/* The same call of the same tile alone: neither batch nor device may change a bit of it. */
static ardm_status recompute(const ardm_session *session, const ardm_coding *coding, const groups *g, uint32_t stages, int32_t causal) {
    made m;
    ardm_walk *walk = NULL;
    double began = ardm_clock();
    if (!draw_call(&m, g, coding->seed)) return ARDM_OK;
    ardm_walk_item item = item_of(m.of, m.tile);
    ARDM_TRY(ardm_walk_open(&walk, coding->reference, ARDM_TASK_ENCODE, &m.of->layout, coding->schedule, coding->block, coding->seed, &item, 1));
    const uint32_t wanted = m.of->calls[m.call][0];
    uint32_t index = 0, done = 0, number = 0;
    spot at = {0};
    for (; index < ardm_walk_calls(walk); index++) { /* a batch may have had more calls than its tile */
        at = spot_of(m.of, walk, index, 0, done);
        if (at.count && slot_of(m.of, at.stage, at.turn) + at.place == wanted) break;
        if (at.turn + 1 == m.of->turns) done += at.count;
    }
    const uint32_t count = at.count;
    ardm_status status = ARDM_OK;
    if (index == ardm_walk_calls(walk) || count != m.of->calls[m.call][1])
        status = ardm_fail(ARDM_EINVAL, "a tile alone has other calls than in its batch");
    number = row_number(m.of, m.tile, at, causal);
    /* The network runs in the first turn, and the others on what it said. */
    for (uint32_t turn = 0; status == ARDM_OK && turn <= at.turn; turn++) status = ardm_walk_run(walk, index - at.turn + turn, &number, 1);
    if (status == ARDM_OK) status = compare(&m, walk, stages, ardm_device_name(ardm_session_device(session)));
    if (status == ARDM_EINEXACT) refuse(m.of->chunk, status, ardm_message());
    if (status == ARDM_OK)
        ardm_log_write(ARDM_LOG_INFO, "chunk %llu, tile %u, call %u of %u: the C reference gives the same %u rows (%.2f s)",
                       (unsigned long long)m.of->chunk->number, m.of->tiles[m.tile], m.call / m.of->turns + 1, m.of->n_calls / m.of->turns, count,
                       ardm_clock() - began);
    ardm_walk_close(&walk);
    return status;
}

static double count_rows(const groups *g, uint32_t stages) {
    double rows = 0;
    for (uint32_t i = 0; i < g->n; i++) rows += (double)g->list[i].n_tiles * (double)rows_of(&g->list[i], stages);
    return rows;
}

ardm_status ardm_encode(ardm_session *session, const ardm_coding *coding, ardm_chunk *chunks, uint32_t n_chunks) {
    uint32_t stages = ardm_process_stages(ardm_session_process(session));
    int32_t causal = ardm_session_order(session)->kind == ARDM_ORDER_BLOCKS;
    groups g = {0};
    double done = 0;
    ardm_status status = ARDM_OK;
    for (uint32_t i = 0; i < n_chunks && status == ARDM_OK; i++) {
        chunks[i].digest = 0;
        chunks[i].status = ARDM_OK;
        status = ardm_chunk_checksum(&chunks[i].checksum, &chunks[i]);
        if (status == ARDM_OK) status = add_groups(&g, &chunks[i], stages, ardm_session_turns(session));
    }
    double all = count_rows(&g, stages);
    uint8_t *taken = calloc(g.n ? g.n : 1, 1);
    if (!taken && status == ARDM_OK) status = ardm_fail(ARDM_ENOMEM, "no memory for groups");
    for (uint32_t i = 0; i < g.n && status == ARDM_OK; i++) {
        seat seats[MOST_ITEMS];
        uint32_t n = 0;
        if (taken[i]) continue;
        for (uint32_t k = i; k < g.n && status == ARDM_OK; k++) { /* every tile of this layout and size, from any chunk */
            if (taken[k] || !same_layout(&g.list[k].layout, &g.list[i].layout)) continue;
            taken[k] = 1;
            for (uint32_t t = 0; t < g.list[k].n_tiles && status == ARDM_OK; t++) {
                seats[n++] = (seat){&g.list[k], t};
                if (n < MOST_ITEMS) continue;
                status = encode_batch(session, coding, seats, n, stages, &done, all);
                n = 0;
            }
        }
        if (n && status == ARDM_OK) status = encode_batch(session, coding, seats, n, stages, &done, all);
    }
    free(taken);
    if (status == ARDM_OK && coding->reference) status = recompute(session, coding, &g, stages, causal);
    for (uint32_t i = 0; i < n_chunks && status == ARDM_OK; i++) status = write_chunk(&chunks[i], &g, stages, causal);
    free_groups(&g);
    return status;
}

/* What the threads of one decoding call share. */
typedef struct take_job {
    const ardm_walk *walk;
    const seat *seats;
    const uint32_t *first;       /* first seat of each chunk's run, and one past the last */
    ardm_rans_decoder *decoders; /* by run */
    const uint32_t *frequency;
    uint32_t digits;
} take_job;

/* Reads the symbols of one call for some chunks. */
static void take_rows(void *user, int64_t begin, int64_t end) {
    take_job *job = user;
    uint32_t rows_capacity = ardm_walk_io(job->walk)->rows;
    for (int64_t run = begin; run < end; run++) {
        ardm_chunk *chunk = job->seats[job->first[run]].of->chunk;
        for (uint32_t i = job->first[run]; i < job->first[run + 1] && chunk->status == ARDM_OK; i++) {
            ardm_walk_rows rows = ardm_walk_answer(job->walk, i);
            for (uint32_t j = 0; j < rows.count; j++) {
                uint32_t digit = 0;
                if (rows.children[j] > 1) {
                    const uint32_t *f = job->frequency + ((size_t)i * rows_capacity + j) * job->digits;
                    uint32_t slot = ardm_rans_slot(&job->decoders[run]), start = 0;
                    while (digit + 1 < (uint32_t)rows.children[j] && slot - start >= f[digit]) start += f[digit++];
                    ardm_status status = ardm_rans_take(&job->decoders[run], start, f[digit]);
                    if (status != ARDM_OK) {
                        refuse(chunk, status, ardm_message());
                        break;
                    }
                }
                ardm_walk_decide(job->walk, i, rows.unit[j], digit);
            }
        }
    }
}

static ardm_status decode_batch(ardm_session *session, const ardm_coding *coding, const seat *seats, uint32_t n, ardm_rans_decoder **decoder_of,
                                double *done_rows, double all_rows) {
    ardm_walk_item *items = malloc(n * sizeof *items);
    uint32_t *number = malloc(n * sizeof *number), *done = calloc(n, sizeof *done), *first = malloc((n + 1) * sizeof *first), runs = 0;
    ardm_rans_decoder *decoders = malloc(n * sizeof *decoders);
    ardm_walk *walk = NULL;
    int32_t causal = ardm_session_order(session)->kind == ARDM_ORDER_BLOCKS;
    ardm_status status = items && number && done && first && decoders ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for %u tiles", n);
    for (uint32_t i = 0; i < n && status == ARDM_OK; i++) {
        items[i] = item_of(seats[i].of, seats[i].tile);
        if (i == 0 || seats[i].of->chunk != seats[i - 1].of->chunk) {
            decoders[runs] = *decoder_of[i];
            first[runs++] = i;
        }
    }
    if (status == ARDM_OK) first[runs] = n;
    if (status == ARDM_OK)
        status = ardm_walk_open(&walk, session, ARDM_TASK_DECODE, &seats[0].of->layout, coding->schedule, coding->block, coding->seed, items, n);
    for (uint32_t c = 0; status == ARDM_OK && c < ardm_walk_calls(walk); c++) {
        number_rows(number, walk, c, seats, n, done, causal);
        status = ardm_walk_run(walk, c, number, 1);
        if (status != ARDM_OK) break;
        const ardm_call_io *io = ardm_walk_io(walk);
        const uint32_t *digest = ardm_binding_output(io->binding, "digest");
        for (uint32_t i = 0; i < n; i++) {
            const ardm_walk_rows rows = ardm_walk_answer(walk, i);
            seats[i].of->chunk->digest -= digest[i]; /* what is left of the stored digest: 0 at the end */
            if (rows.turn + 1 == seats[i].of->turns) done[i] += rows.count;
            *done_rows += rows.count;
        }
        take_job job = {walk, seats, first, decoders, ardm_binding_output(io->binding, "frequency"), ardm_session_digits(session)};
        ardm_parallel(runs, 1, take_rows, &job);
        status = ardm_progress(coding->task, *done_rows, all_rows, "symbols", NULL);
    }
    for (uint32_t run = 0; status == ARDM_OK && run < runs; run++) *decoder_of[first[run]] = decoders[run];
    ardm_walk_close(&walk);
    free(items);
    free(number);
    free(done);
    free(first);
    free(decoders);
    return status;
}

/* Rounds: each unfinished chunk brings its next group; groups of one layout share calls. */
static ardm_status decode_rounds(ardm_session *session, const ardm_coding *coding, groups *g, ardm_chunk *chunks, uint32_t n_chunks,
                                 ardm_rans_decoder *decoders, uint32_t *next) {
    double done = 0, all = count_rows(g, ardm_process_stages(ardm_session_process(session)));
    seat *seats = malloc((size_t)MOST_ITEMS * 64 * sizeof *seats);
    ardm_rans_decoder **decoder_of = malloc((size_t)MOST_ITEMS * 64 * sizeof *decoder_of);
    ardm_status status = seats && decoder_of ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for a batch");
    while (status == ARDM_OK) {
        uint32_t n = 0;
        const ardm_layout *layout = NULL;
        for (uint32_t i = 0; i < n_chunks && n < MOST_ITEMS; i++) {
            if (chunks[i].status != ARDM_OK || next[i] >= g->n || g->list[next[i]].chunk != &chunks[i]) continue;
            group *own = &g->list[next[i]];
            if (layout && !same_layout(layout, &own->layout)) continue;
            if (n && n + own->n_tiles > MOST_ITEMS) continue;
            layout = &own->layout;
            for (uint32_t t = 0; t < own->n_tiles; t++) {
                decoder_of[n] = &decoders[i];
                seats[n++] = (seat){own, t};
            }
            next[i]++;
        }
        if (n == 0) break;
        status = decode_batch(session, coding, seats, n, decoder_of, &done, all);
    }
    free(seats);
    free(decoder_of);
    return status;
}

ardm_status ardm_decode(ardm_session *session, const ardm_coding *coding, ardm_chunk *chunks, uint32_t n_chunks) {
    uint32_t stages = ardm_process_stages(ardm_session_process(session));
    groups g = {0};
    ardm_status status = ARDM_OK;
    ardm_rans_decoder *decoders = calloc(n_chunks ? n_chunks : 1, sizeof *decoders);
    uint32_t *next = calloc(n_chunks ? n_chunks : 1, sizeof *next), *stored = calloc(n_chunks ? n_chunks : 1, sizeof *stored);
    if (!decoders || !next || !stored) status = ardm_fail(ARDM_ENOMEM, "no memory for %u chunks", n_chunks);
    for (uint32_t i = 0; i < n_chunks && status == ARDM_OK; i++) {
        ardm_chunk *c = &chunks[i];
        c->status = ARDM_OK;
        stored[i] = c->digest;
        if (c->n_tiles > (uint32_t)MOST_ITEMS * 64)
            refuse(c, ARDM_EFORMAT, "too many tiles in a chunk");
        else if (ardm_rans_open(&decoders[i], c->state, c->words, c->word_bytes) != ARDM_OK)
            refuse(c, ARDM_EFORMAT, ardm_message());
        for (uint32_t t = 0; t < c->n_tiles; t++) { /* nothing is known: every class is that of symbol 0 */
            const uint32_t parts = ardm_layout_parts(&c->tiles[t].layout);
            for (uint32_t k = 0, symbols = ardm_layout_symbols(&c->tiles[t].layout); k < symbols; k++)
                if (coded(&c->tiles[t], k / parts)) c->tiles[t].symbols[k] = 0;
        }
        next[i] = g.n;
        if (c->status == ARDM_OK) status = add_groups(&g, c, stages, ardm_session_turns(session));
    }
    if (status == ARDM_OK) status = decode_rounds(session, coding, &g, chunks, n_chunks, decoders, next);
    for (uint32_t i = 0; i < n_chunks && status == ARDM_OK; i++) {
        ardm_chunk *c = &chunks[i];
        int32_t same = c->digest == 0;
        c->digest = stored[i];
        ardm_status closed = c->status;
        if (closed == ARDM_OK) closed = ardm_chunk_checksum(&c->checksum, c);
        if (closed == ARDM_OK) closed = ardm_rans_close(&decoders[i], c->checksum);
        if (closed == ARDM_OK && same) continue;
        if (c->status == ARDM_OK && closed != ARDM_OK) refuse(c, closed, ardm_message());
        /* Damage changes what is shown and so the later frequencies: only a first call that differs would prove another arithmetic.
         * A digest that differs over a stream that ends well is such a proof. */
        if (closed == ARDM_OK && !same) refuse(c, ARDM_EINEXACT, "this device computes other frequencies than the one that encoded");
    }
    free(decoders);
    free(next);
    free(stored);
    free_groups(&g);
    return status;
}
