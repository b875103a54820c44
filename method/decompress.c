/* Archives to files: find the model, decode the chunks, restore the stored ones, and give nothing back that the hash does not confirm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec_private.h"

static ardm_status restore_stored(ardm_bytes *out, const ardm_archive *archive, uint32_t index, const ardm_archive_item *head) {
    uint64_t size = head->extents[0];
    if (head->n_extents != 1 || head->n_chunks != (size + ARDM_STORED_CHUNK - 1) / ARDM_STORED_CHUNK)
        return ardm_fail(ARDM_EFORMAT, "a stored item of %llu bytes has %llu chunks", (unsigned long long)size, (unsigned long long)head->n_chunks);
    uint8_t *data = malloc((size_t)size + 1);
    if (!data) return ardm_fail(ARDM_ENOMEM, "no memory for %llu bytes", (unsigned long long)size);
    ardm_status status = ARDM_OK;
    for (uint64_t i = 0; i < head->n_chunks && status == ARDM_OK; i++) {
        ardm_archive_chunk chunk;
        uint64_t at = i * ARDM_STORED_CHUNK;
        status = ardm_archive_chunk_at(archive, index, i, &chunk);
        if (status == ARDM_OK)
            status = ardm_archive_restore(&chunk, data + at, (size_t)(size - at < ARDM_STORED_CHUNK ? size - at : ARDM_STORED_CHUNK));
    }
    if (status == ARDM_OK && ardm_xxh64(data, (size_t)size) != head->hash)
        status = ardm_fail(ARDM_EFORMAT, "the restored bytes do not have the archive's hash");
    if (status == ARDM_OK) status = ardm_bytes_append(out, data, (size_t)size);
    free(data);
    return status;
}

/* The item that the extents describe, symbols 0, side bytes copied. */
static ardm_status blank_item(ardm_item *out, const ardm_modality **modality, const ardm_archive_item *head, const ardm_predictor *predictor,
                              uint64_t memory) {
    const char *id = ardm_codec__name(head->modality);
    const ardm_description *d = ardm_session_description(predictor->session);
    int64_t extents[3] = {1, 1, 1};
    memset(out, 0, sizeof *out);
    if (head->modality == ARDM_MODALITY_OTHER && ardm_codec__number(predictor->modality) == ARDM_MODALITY_OTHER) id = predictor->modality;
    if (strcmp(id, predictor->modality) != 0)
        return ardm_fail(ARDM_EFORMAT, "the archive holds %s and its model codes %s", id[0] ? id : "an unknown modality", predictor->modality);
    uint32_t with_channels = d->rank > 1;
    if (head->n_extents != d->rank + with_channels || (with_channels && head->extents[d->rank] != d->channels))
        return ardm_fail(ARDM_EFORMAT, "the item's extents do not fit its model");
    for (uint32_t i = 0; i < d->rank; i++) {
        if (head->extents[i] < 1 || head->extents[i] > INT32_MAX)
            return ardm_fail(ARDM_EFORMAT, "an extent of %llu cannot be", (unsigned long long)head->extents[i]);
        extents[i] = (int64_t)head->extents[i];
    }
    uint64_t symbols = d->channels, tiles = 1;
    for (uint32_t i = 0; i < d->rank; i++) {
        uint64_t step = d->extent[i] - (d->rank == 1 ? d->context : 0);
        symbols *= (uint64_t)extents[i]; /* the container has bounded the product */
        tiles *= ((uint64_t)extents[i] + step - 1) / step;
    }
    /* The item and its tiles hold six bytes a symbol, the restored file one or two more, a tile of one group some hundred bytes. */
    if (memory && (symbols > memory / 8 || tiles > memory / 128 || symbols * 8 + tiles * 128 > memory))
        return ardm_fail(ARDM_ENOMEM, "%llu symbols in %llu tiles need more than the memory limit of %llu bytes", (unsigned long long)symbols,
                         (unsigned long long)tiles, (unsigned long long)memory);
    ARDM_TRY(ardm_modality_find(modality, id));
    ARDM_TRY(ardm_item_blank(out, *modality, predictor->variant[0] ? predictor->variant : NULL, d->rank, extents));
    ardm_bytes_free(&out->side);
    ardm_status status = head->side_size ? ardm_bytes_append(&out->side, head->side, (size_t)head->side_size) : ARDM_OK;
    if (status == ARDM_OK && (out->channels != d->channels || out->classes != ardm_process_classes(ardm_session_process(predictor->session))))
        status = ardm_fail(ARDM_EFORMAT, "the model's symbols are not those of %s %s", id, out->variant);
    if (status != ARDM_OK) ardm_item_free(out);
    return status;
}

static ardm_status choose_schedule(ardm_budget *out, const ardm_archive_item *head, const ardm_predictor *predictor) {
    if (head->schedule == ARDM_ARCHIVE_EXPLICIT) return ardm_budget_read(out, predictor->session, 0, head->list, (size_t)head->list_size);
    return ardm_budget_frozen(out, predictor->model, predictor->session, head->schedule);
}

static ardm_status decode_chunks(ardm_codec__tiling *tiling, ardm_codec_report *report, const ardm_archive *archive, uint32_t index,
                                 const ardm_archive_item *head, const ardm_predictor *predictor, const ardm_budget *budget) {
    uint32_t classes = ardm_process_classes(ardm_session_process(predictor->session)), n = 0;
    ardm_chunk *coded = calloc(tiling->n_chunks + 1, sizeof *coded);
    if (!coded) return ardm_fail(ARDM_ENOMEM, "no memory for %u chunks", tiling->n_chunks);
    ardm_status status = ARDM_OK;
    for (uint32_t i = 0; i < tiling->n_chunks && status == ARDM_OK; i++) {
        ardm_archive_chunk chunk;
        status = ardm_archive_chunk_at(archive, index, i, &chunk);
        if (status != ARDM_OK) break;
        report->chunks++;
        if (chunk.kind == ARDM_CHUNK_CODED) {
            coded[n] = tiling->chunks[i];
            coded[n].digest = chunk.digest;
            coded[n].state = chunk.state;
            coded[n].words = (uint8_t *)chunk.data; /* the decoder only reads them */
            coded[n++].word_bytes = chunk.size;
            continue;
        }
        uint64_t size = ardm_codec__raw_size(&tiling->chunks[i], classes);
        uint8_t *raw = malloc((size_t)size + 1);
        report->stored_chunks++;
        if (!raw) status = ardm_fail(ARDM_ENOMEM, "no memory for a chunk");
        if (status == ARDM_OK) status = ardm_archive_restore(&chunk, raw, (size_t)size);
        if (status == ARDM_OK) status = ardm_codec__raw_set(&tiling->chunks[i], classes, raw);
        free(raw);
        if (status != ARDM_OK) ardm_fail_in(status, "chunk %u", i);
    }
    ardm_coding coding = {budget->schedule, budget->block, head->seed, "decode", NULL};
    if (status == ARDM_OK) status = ardm_decode(predictor->session, &coding, coded, n);
    for (uint32_t i = 0; i < n && status == ARDM_OK; i++)
        if (coded[i].status != ARDM_OK) status = ardm_fail(coded[i].status, "chunk %llu: %s", (unsigned long long)coded[i].number, coded[i].why);
    free(coded);
    return status;
}

static ardm_status decode_item(ardm_bytes *out, ardm_codec_report *report, const ardm_archive *archive, uint32_t index, const ardm_archive_item *head,
                               const ardm_predictor *predictor, uint64_t memory) {
    ardm_item item;
    const ardm_modality *modality = NULL;
    ardm_codec__tiling tiling = {0};
    ardm_budget budget = {0};
    ardm_bytes file = {0};
    ARDM_TRY(blank_item(&item, &modality, head, predictor, memory));
    ardm_status status = ardm_codec__tile(&tiling, &item, ardm_session_description(predictor->session));
    if (status == ARDM_OK && tiling.n_chunks != head->n_chunks)
        status = ardm_fail(ARDM_EFORMAT, "the item has %llu chunks and its extents ask for %u", (unsigned long long)head->n_chunks, tiling.n_chunks);
    if (status == ARDM_OK) status = choose_schedule(&budget, head, predictor);
    if (status == ARDM_OK) status = decode_chunks(&tiling, report, archive, index, head, predictor, &budget);
    if (status == ARDM_OK) {
        ardm_codec__gather(&tiling, &item);
        status = ardm_item_encode(&file, modality, &item, memory);
    }
    /* The hash tells also what was promised: the file's bytes, or its values. */
    if (status == ARDM_OK) {
        report->same_bytes = ardm_xxh64(file.data, file.size) == head->hash;
        uint64_t hash = head->hash;
        if (!report->same_bytes) status = ardm_codec__item_hash(&hash, &item);
        if (status == ARDM_OK && hash != head->hash) status = ardm_fail(ARDM_EFORMAT, "what was restored does not have the archive's hash");
    }
    if (status == ARDM_OK) {
        report->dimensions = (uint64_t)item.count;
        report->calls = budget.calls;
        snprintf(report->modality, sizeof report->modality, "%s", ardm_modality_id(modality));
        status = ardm_bytes_append(out, file.data, file.size);
    }
    ardm_bytes_free(&file);
    ardm_budget_free(&budget);
    ardm_codec__untile(&tiling);
    ardm_item_free(&item);
    return status;
}

ardm_status ardm_decompress(ardm_bytes *out, ardm_codec_report *report, const ardm_archive *archive, uint32_t index, const ardm_models *models,
                            uint64_t memory) {
    const ardm_archive_item *head = ardm_archive_at(archive, index);
    ardm_codec_report own;
    ardm_predictor *predictor = NULL;
    if (!report) report = &own;
    memset(report, 0, sizeof *report);
    snprintf(report->name, sizeof report->name, "%s", head->name);
    report->hash = head->hash;
    report->archive_bytes = ardm_archive_item_bytes(archive, index);
    if (head->modality == ARDM_MODALITY_NONE) {
        ARDM_TRY(restore_stored(out, archive, index, head));
        snprintf(report->modality, sizeof report->modality, "stored");
        report->same_bytes = 1;
        report->dimensions = head->extents[0];
        report->chunks = report->stored_chunks = (uint32_t)head->n_chunks;
        return ARDM_OK;
    }
    if (head->numerics != 1)
        return ardm_fail(ARDM_EUNSUPPORTED, "the item needs numerics version %u and this program has version 1; use a newer ardm", head->numerics);
    ARDM_TRY(models->by_identity(models->user, head->identity, &predictor));
    return decode_item(out, report, archive, index, head, predictor, memory);
}
