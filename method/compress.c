/* Files to archives: decode, tile, encode all chunks together, keep what the model does not help as stored chunks, verify. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/log.h"
#include "codec_private.h"

/* One item on its way into an archive. */
typedef struct job {
    const ardm_codec_input *input;
    ardm_item item;
    const ardm_modality *modality;
    ardm_predictor *predictor; /* NULL: stored as the bytes of the file */
    ardm_codec__tiling tiling;
    const uint8_t *bytes; /* of the file, where predictor is NULL */
    uint64_t size, hash;
    int32_t same_bytes;
    char name[256];
} job;

typedef struct jobs {
    job *list;
    uint32_t n;
} jobs;

static void free_jobs(jobs *all) {
    for (uint32_t i = 0; i < all->n; i++) {
        ardm_item_free(&all->list[i].item);
        ardm_codec__untile(&all->list[i].tiling);
    }
    free(all->list);
}

static int32_t same_content(const ardm_bytes *a, const void *data, size_t size) {
    return a->size == size && (size == 0 || memcmp(a->data, data, size) == 0);
}

static ardm_status new_job(job **out, jobs *all, const ardm_codec_input *input) {
    job *grown = realloc(all->list, (all->n + 1) * sizeof *grown);
    if (!grown) return ardm_fail(ARDM_ENOMEM, "no memory for an item");
    all->list = grown;
    *out = &grown[all->n++];
    memset(*out, 0, sizeof **out);
    (*out)->input = input;
    snprintf((*out)->name, sizeof(*out)->name, "%s", input->name);
    return ARDM_OK;
}

static ardm_status store_whole(jobs *all, const ardm_codec_input *input) {
    job *j = NULL;
    ARDM_TRY(new_job(&j, all, input));
    j->bytes = input->data;
    j->size = input->size;
    j->hash = ardm_xxh64(input->data, input->size);
    j->same_bytes = 1;
    return ARDM_OK;
}

/* Text that no modality announces: a model of bytes helps prose, not machine code. Control characters other than white space are rare
 * in the first. */
int32_t ardm_reads_as_text(const uint8_t *data, size_t size) {
    size_t looked = size < 65536 ? size : 65536, odd = 0;
    for (size_t i = 0; i < looked; i++) odd += data[i] < 32 && data[i] != '\n' && data[i] != '\r' && data[i] != '\t' && data[i] != '\f';
    return odd * 100 <= looked;
}

static ardm_status add_input(jobs *all, const ardm_codec_input *input, const ardm_models *models, const ardm_codec_options *options) {
    ardm_source *source = NULL;
    ardm_modality_options how = ARDM_MODALITY_OPTIONS_INIT;
    how.shape = input->shape;
    how.memory = options->memory;
    if (input->size == 0) return store_whole(all, input);
    /* A shape names the first modality that reads raw arrays of it; a file that its own plugin cannot read is still a file. */
    ardm_status opened = ARDM_EINVAL;
    const ardm_modality *reader = NULL;
    for (uint32_t i = 0; input->shape && opened != ARDM_OK && (reader = ardm_modality_at(i)) != NULL; i++)
        opened = ardm_source_open(&source, reader, input->data, input->size, input->name, &how);
    how.variant = input->variant;
    if (!input->shape && input->variant) opened = ardm_source_open(&source, NULL, input->data, input->size, input->name, &how);
    how.variant = NULL;
    if (!input->shape && opened != ARDM_OK) opened = ardm_source_open(&source, NULL, input->data, input->size, input->name, &how);
    if (opened != ARDM_OK) {
        if (input->shape) return ardm_fail_in(ARDM_EINVAL, "%s", input->name);
        ardm_log_write(ARDM_LOG_INFO, "%s: %s; stored as bytes", input->name, ardm_message());
        return store_whole(all, input);
    }
    const ardm_modality *modality = ardm_source_modality(source);
    const char *id = ardm_modality_id(modality);
    int64_t count = ardm_source_items(source), end = input->end < count ? input->end : count;
    ardm_predictor *predictor = NULL;
    ardm_status status = ARDM_OK;
    int32_t text = strcmp(id, "text") == 0;
    if (!text || input->named_model || ardm_reads_as_text(input->data, input->size))
        status = models->by_modality(models->user, id, ardm_source_header(source)->variant, &predictor);
    if (status == ARDM_OK && !predictor) {
        ardm_source_close(&source);
        if (input->shape || input->first > 0 || input->end < count)
            return ardm_fail(ARDM_EMODEL, "%s: there is no model for %s; name one with -m", input->name, id);
        return store_whole(all, input);
    }
    if (status == ARDM_OK && input->first >= end)
        status = ardm_fail(ARDM_EINVAL, "%s has %lld items; %lld to %lld are not among them", input->name, (long long)count, (long long)input->first,
                           (long long)input->end);
    for (int64_t i = 0; i < end && status == ARDM_OK; i++) {
        job *j = NULL;
        ardm_item skipped = {0};
        if (i < input->first) { /* sources are read forwards */
            status = ardm_source_item(&skipped, source, i);
            ardm_item_free(&skipped);
            continue;
        }
        status = new_job(&j, all, input);
        if (status == ARDM_OK) status = ardm_source_item(&j->item, source, i);
        if (status != ARDM_OK) break;
        j->modality = modality;
        j->predictor = predictor;
        if (count > 1) snprintf(j->name, sizeof j->name, "%.230s.%05lld", input->name, (long long)i);
        j->size = count > 1 ? (uint64_t)j->item.count : input->size;
        j->same_bytes = j->item.exact;
        if (!j->item.exact) status = ardm_codec__item_hash(&j->hash, &j->item);
        if (j->item.exact) { /* a promise of the plugin, kept or found out here */
            ardm_bytes back = {0};
            status = ardm_item_encode(&back, modality, &j->item, options->memory);
            if (status == ARDM_OK && count == 1 && !same_content(&back, input->data, input->size))
                status = ardm_fail(ARDM_EFORMAT, "%s: the %s plugin does not give back its bytes", input->name, id);
            if (status == ARDM_OK) j->hash = ardm_xxh64(back.data, back.size);
            ardm_bytes_free(&back);
        }
        if (status == ARDM_OK) status = ardm_codec__tile(&j->tiling, &j->item, ardm_session_description(predictor->session));
        if (status == ARDM_OK) ardm_codec__scatter(&j->tiling, &j->item);
    }
    ardm_source_close(&source);
    return status;
}

/* The model once more on the reference device, which is to make one call again; nothing where it codes already. */
static ardm_status open_twin(ardm_predictor *twin, ardm_device **reference, const ardm_predictor *predictor, uint64_t memory) {
    memset(twin, 0, sizeof *twin);
    if (ardm_device_is_reference(predictor->device)) return ARDM_OK;
    ARDM_TRY(ardm_device_open(reference, "reference"));
    return ardm_predictor_twin(twin, predictor, *reference, memory);
}

/* All chunks of all items of one predictor, in one call of the coder. */
static ardm_status encode_all(jobs *all, const ardm_predictor *predictor, const ardm_budget *budget, const ardm_codec_options *options) {
    ardm_predictor twin = {0};
    ardm_device *reference = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < all->n; i++)
        if (all->list[i].predictor == predictor) n += all->list[i].tiling.n_chunks;
    ardm_chunk *chunks = malloc((n + 1) * sizeof *chunks);
    if (!chunks) return ardm_fail(ARDM_ENOMEM, "no memory for %u chunks", n);
    n = 0;
    for (uint32_t i = 0; i < all->n; i++) {
        job *j = &all->list[i];
        if (j->predictor != predictor) continue;
        memcpy(chunks + n, j->tiling.chunks, j->tiling.n_chunks * sizeof *chunks);
        n += j->tiling.n_chunks;
    }
    ardm_status status = options->verify ? open_twin(&twin, &reference, predictor, options->memory) : ARDM_OK;
    ardm_coding coding = {budget->schedule, budget->block, options->seed, "compress", twin.session};
    if (status == ARDM_OK) status = ardm_encode(predictor->session, &coding, chunks, n);
    ardm_predictor_close(&twin);
    ardm_device_close(&reference);
    n = 0;
    for (uint32_t i = 0; i < all->n; i++) { /* words belong to the tiling again, also after a failure */
        job *j = &all->list[i];
        if (j->predictor != predictor) continue;
        memcpy(j->tiling.chunks, chunks + n, j->tiling.n_chunks * sizeof *chunks);
        n += j->tiling.n_chunks;
        for (uint32_t k = 0; status == ARDM_EINEXACT && k < j->tiling.n_chunks; k++)
            if (j->tiling.chunks[k].status == ARDM_EINEXACT) ardm_fail_in(status, "%s, nothing is written", j->name);
    }
    free(chunks);
    return status;
}

static ardm_status add_stored(ardm_archive_writer *writer, const uint8_t *data, uint64_t size) {
    ardm_archive_chunk stored;
    ardm_bytes kept = {0};
    ardm_status status = ardm_archive_store(&stored, &kept, data, (size_t)size);
    if (status == ARDM_OK) status = ardm_archive_add_chunk(writer, &stored);
    ardm_bytes_free(&kept);
    return status;
}

/* A coded chunk, or its symbols stored where that is smaller: an archive never grows because of a model. */
static ardm_status add_chunk(ardm_archive_writer *writer, const ardm_chunk *chunk, uint32_t classes, ardm_codec_report *report) {
    uint64_t size = ardm_codec__raw_size(chunk, classes);
    uint8_t *raw = malloc((size_t)size + 1);
    ardm_archive_chunk stored, coded = {ARDM_CHUNK_CODED, chunk->digest, chunk->state, chunk->words, chunk->word_bytes};
    ardm_bytes kept = {0};
    if (!raw) return ardm_fail(ARDM_ENOMEM, "no memory for a chunk");
    ardm_codec__raw_get(chunk, classes, raw);
    ardm_status status = ardm_archive_store(&stored, &kept, raw, (size_t)size);
    report->chunks++;
    if (status == ARDM_OK && stored.size < chunk->word_bytes) {
        report->stored_chunks++;
        status = ardm_archive_add_chunk(writer, &stored);
    } else if (status == ARDM_OK) {
        report->bits += chunk->bits;
        status = ardm_archive_add_chunk(writer, &coded);
    }
    ardm_bytes_free(&kept);
    free(raw);
    return status;
}

static ardm_status write_item(ardm_archive_writer *writer, const job *j, const ardm_budget *budget, uint64_t seed, ardm_codec_report *report) {
    ardm_archive_item item = {.seed = seed, .hash = j->hash, .name = j->name, .mode = j->input->mode, .mtime = j->input->mtime};
    ardm_bytes list = {0};
    ardm_status status = ARDM_OK;
    if (!j->predictor) {
        item.n_extents = 1;
        item.extents[0] = j->size;
        item.n_chunks = (j->size + ARDM_STORED_CHUNK - 1) / ARDM_STORED_CHUNK;
        item.seed = 0;
        status = ardm_archive_add_item(writer, &item);
        for (uint64_t at = 0; at < j->size && status == ARDM_OK; at += ARDM_STORED_CHUNK, report->chunks++, report->stored_chunks++)
            status = add_stored(writer, j->bytes + at, j->size - at < ARDM_STORED_CHUNK ? j->size - at : ARDM_STORED_CHUNK);
        return status;
    }
    memcpy(item.identity, j->predictor->identity.bytes, 32);
    item.numerics = 1;
    item.modality = ardm_codec__number(ardm_modality_id(j->modality));
    for (uint32_t i = 0; i < j->item.rank; i++) item.extents[item.n_extents++] = (uint64_t)j->item.extents[i];
    if (j->item.rank > 1) item.extents[item.n_extents++] = j->item.channels;
    item.side = j->item.side.data;
    item.side_size = j->item.side.size;
    item.n_chunks = j->tiling.n_chunks;
    item.schedule = budget->frozen >= 0 ? (uint32_t)budget->frozen : ARDM_ARCHIVE_EXPLICIT;
    if (budget->frozen < 0) status = ardm_schedule_write(&list, budget->schedule);
    item.list = list.data;
    item.list_size = list.size;
    if (status == ARDM_OK) status = ardm_archive_add_item(writer, &item);
    for (uint32_t i = 0; i < j->tiling.n_chunks && status == ARDM_OK; i++) status = add_chunk(writer, &j->tiling.chunks[i], j->item.classes, report);
    ardm_bytes_free(&list);
    return status;
}

/* Decodes what was written and compares it with what came in. */
static ardm_status verify(const ardm_bytes *archive, const jobs *all, uint32_t first, uint32_t n, const ardm_models *models, uint64_t memory) {
    ardm_archive *reader = NULL;
    ARDM_TRY(ardm_archive_open(&reader, archive->data, archive->size, memory));
    ardm_status status = ardm_archive_count(reader) == n ? ARDM_OK : ardm_fail(ARDM_EFORMAT, "the archive just written has another number of items");
    for (uint32_t i = 0; i < n && status == ARDM_OK; i++) {
        const job *j = &all->list[first + i];
        ardm_bytes back = {0};
        ardm_codec_report report;
        status = ardm_decompress(&back, &report, reader, i, models, memory);
        int32_t whole = !j->predictor || j->size == j->input->size;
        if (status == ARDM_OK && (report.hash != j->hash || (j->same_bytes && whole && !same_content(&back, j->input->data, j->input->size))))
            status = ardm_fail(ARDM_EFORMAT, "decoding gave something else");
        if (status != ARDM_OK && status != ARDM_EINTERRUPT) ardm_fail_in(status, "%s: verification failed, nothing is written", j->name);
        ardm_bytes_free(&back);
    }
    ardm_archive_close(&reader);
    return status;
}

static void describe(ardm_codec_report *report, const job *j, const ardm_budget *budget) {
    snprintf(report->name, sizeof report->name, "%s", j->name);
    snprintf(report->modality, sizeof report->modality, "%s", j->predictor ? ardm_modality_id(j->modality) : "stored");
    report->input_bytes = j->size;
    report->dimensions = j->predictor ? (uint64_t)j->item.count : j->size;
    report->hash = j->hash;
    report->same_bytes = j->same_bytes;
    if (!j->predictor) return;
    report->calls = budget->calls;
    report->predicted = budget->bits * (double)report->dimensions;
}

/* Container bytes of each item; of a single one all bytes of the archive. */
static ardm_status size_items(ardm_codec_report *reports, uint32_t n, const ardm_bytes *archive, uint64_t memory) {
    ardm_archive *reader = NULL;
    reports[0].archive_bytes = archive->size;
    if (n == 1) return ARDM_OK;
    ARDM_TRY(ardm_archive_open(&reader, archive->data, archive->size, memory));
    for (uint32_t i = 0; i < n; i++) reports[i].archive_bytes = ardm_archive_item_bytes(reader, i);
    ardm_archive_close(&reader);
    return ARDM_OK;
}

ardm_status ardm_compress(ardm_bytes **out, uint32_t *n_out, ardm_codec_report **reports, uint32_t *n_reports, const ardm_codec_input *inputs,
                          uint32_t n_inputs, const ardm_models *models, const ardm_codec_options *options) {
    jobs all = {0};
    ardm_budget *budgets = NULL;
    ardm_archive_writer *writer = NULL;
    ardm_status status = ARDM_OK;
    *out = NULL;
    *reports = NULL;
    *n_out = *n_reports = 0;
    for (uint32_t i = 0; i < n_inputs && status == ARDM_OK; i++) status = add_input(&all, &inputs[i], models, options);
    budgets = calloc(all.n + 1, sizeof *budgets);
    *reports = calloc(all.n + 1, sizeof **reports);
    *out = calloc(all.n + 1, sizeof **out);
    if (status == ARDM_OK && (!budgets || !*reports || !*out)) status = ardm_fail(ARDM_ENOMEM, "no memory for %u items", all.n);
    for (uint32_t i = 0; i < all.n && status == ARDM_OK; i++) { /* the first item of each predictor brings its budget and codes for all */
        ardm_predictor *p = all.list[i].predictor;
        uint32_t k = 0;
        while (k < i && all.list[k].predictor != p) k++;
        if (!p || k < i) continue;
        status = ardm_budget_choose(&budgets[i], p->model, p->session, options->steps);
        if (status == ARDM_OK) status = encode_all(&all, p, &budgets[i], options);
    }
    uint32_t first = 0;
    for (uint32_t i = 0; i < all.n && status == ARDM_OK; i++) {
        uint32_t k = 0;
        while (k < i && all.list[k].predictor != all.list[i].predictor) k++;
        if (!writer) status = ardm_archive_writer_create(&writer);
        if (status == ARDM_OK) status = write_item(writer, &all.list[i], &budgets[k], options->seed, &(*reports)[i]);
        describe(&(*reports)[i], &all.list[i], &budgets[k]);
        if (status != ARDM_OK || (!options->each && i + 1 < all.n)) continue;
        ardm_bytes *target = &(*out)[(*n_out)++];
        status = ardm_archive_finish(writer, target);
        ardm_archive_writer_free(&writer);
        if (status == ARDM_OK) status = size_items(*reports + first, i + 1 - first, target, options->memory);
        if (status == ARDM_OK && options->verify) status = verify(target, &all, first, i + 1 - first, models, options->memory);
        first = i + 1;
    }
    *n_reports = all.n;
    ardm_archive_writer_free(&writer);
    for (uint32_t i = 0; budgets && i < all.n; i++) ardm_budget_free(&budgets[i]);
    free(budgets);
    free_jobs(&all);
    if (status == ARDM_OK) return ARDM_OK;
    for (uint32_t i = 0; *out && i < *n_out; i++) ardm_bytes_free(&(*out)[i]);
    free(*out);
    free(*reports);
    *out = NULL;
    *reports = NULL;
    *n_out = *n_reports = 0;
    return status;
}
