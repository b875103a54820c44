/* libsndfile over host streams: judging a header, and FLAC both ways.
 *
 * libsndfile asks for a file that can be searched. A header is judged in memory. A FLAC file is read forwards: its first bytes are
 * kept as long as libsndfile may go back to them, and of its metadata blocks it sees the description of the stream alone. A FLAC file is
 * written into memory, for its header is completed last. libsndfile's own memory (below 8 MiB) is not the host's. */
#include <sndfile.h>
#include <string.h>

#include "audio.h"

enum { KEPT = 1 << 16, STREAMINFO = 34, FIRST = 4 + 4 + STREAMINFO };

/* A file as libsndfile sees it. */
typedef struct view {
    ardm_task *task;
    int64_t at, size;
    uint8_t *kept;      /* the first bytes */
    int64_t kept_bytes; /* that are there */
    int64_t room;       /* for them; while it is not full, what is read is kept */
    int64_t behind;     /* bytes of the view that the host's stream has given, kept or not */
    int32_t streams;    /* bytes behind the kept ones come from the host */
    int32_t short_of_memory;
} view;

static sf_count_t view_length(void *user) { return ((view *)user)->size; }
static sf_count_t view_tell(void *user) { return ((view *)user)->at; }

static sf_count_t view_seek(sf_count_t offset, int whence, void *user) {
    view *v = user;
    int64_t from = whence == SF_SEEK_SET ? 0 : whence == SF_SEEK_CUR ? v->at : v->size;
    if (offset < -from || offset > INT64_MAX - from) return -1;
    v->at = from + offset;
    return v->at;
}

/* Bytes that the stream still holds, up to `at`, are read on the way there. */
static sf_count_t view_read(void *to, sf_count_t count, void *user) {
    view *v = user;
    int64_t done = 0;
    while (done < count) {
        int64_t many = count - done;
        if (v->at < v->kept_bytes) {
            if (many > v->kept_bytes - v->at) many = v->kept_bytes - v->at;
            memcpy((uint8_t *)to + done, v->kept + v->at, (size_t)many);
        } else {
            if (!v->streams || v->at < v->behind) return done;
            int64_t gap = v->at - v->behind;
            if (gap > 0 && audio_host->skip(v->task, gap) != gap) return done;
            if (gap > 0) v->room = v->kept_bytes; /* what is kept must have no hole */
            many = audio_host->read(v->task, (uint8_t *)to + done, many);
            if (many <= 0) return done;
            int64_t keep = v->room - v->kept_bytes < many ? v->room - v->kept_bytes : many;
            if (keep > 0) memcpy(v->kept + v->kept_bytes, (uint8_t *)to + done, (size_t)keep);
            v->kept_bytes += keep > 0 ? keep : 0;
            if (keep < many) v->room = v->kept_bytes;
            v->behind = v->at + many;
        }
        v->at += many;
        done += many;
    }
    return done;
}

/* Grows by doubling; only written files do. */
static int32_t grow(view *v, int64_t need) {
    int64_t room = v->room ? v->room : KEPT;
    while (room < need) room *= 2;
    uint8_t *grown = audio_host->allocate(v->task, room);
    if (!grown) return 0;
    if (v->kept_bytes) memcpy(grown, v->kept, (size_t)v->kept_bytes);
    audio_host->release(v->task, v->kept);
    v->kept = grown;
    v->room = room;
    return 1;
}

static sf_count_t view_write(const void *from, sf_count_t count, void *user) {
    view *v = user;
    if (v->at > v->kept_bytes || count < 0 || count > INT32_MAX) return 0;
    if (v->at + count > v->room && !grow(v, v->at + count)) {
        v->short_of_memory = 1;
        return 0;
    }
    memcpy(v->kept + v->at, from, (size_t)count);
    v->at += count;
    if (v->at > v->kept_bytes) v->kept_bytes = v->size = v->at;
    return count;
}

static SF_VIRTUAL_IO calls = {view_length, view_seek, view_read, view_write, view_tell};

/* --- a header ---------------------------------------------------------------------------------------------------------------------- */

/* Which byte order and sign make `bytes` what libsndfile read; 0: none does. */
static int32_t settle(audio_form *form, const uint8_t *bytes, const int *read, int32_t samples) {
    for (int32_t way = 0; way < 4; ++way) {
        int32_t same = 1;
        form->big = way & 1;
        form->is_signed = way < 2 ? form->bits != 8 : form->bits == 8; /* the usual sign first */
        for (int32_t i = 0; i < samples && same; ++i) {
            int32_t symbols[3];
            int64_t each = form->bits / 8;
            memcpy((uint8_t *)(symbols + (form->bits == 24 ? 3 : 1)) - each, bytes + i * each, (size_t)each);
            audio_widen(form, 1, symbols);
            same = (int64_t)audio_sample(form, symbols) * (INT64_C(1) << (32 - form->bits)) == read[i];
        }
        if (same) return 1;
    }
    return 0;
}

static const char *subtype_name(int format, SF_FORMAT_INFO *info) {
    info->format = format & SF_FORMAT_SUBMASK;
    return sf_command(NULL, SFC_GET_FORMAT_INFO, info, sizeof *info) == 0 && info->name ? info->name : "samples of an unknown kind";
}

static int32_t check_info(ardm_task *task, audio_form *form, const SF_INFO *info) {
    SF_FORMAT_INFO subtype;
    int kind = info->format & SF_FORMAT_SUBMASK;
    form->bits = kind == SF_FORMAT_PCM_S8 || kind == SF_FORMAT_PCM_U8 ? 8 : kind == SF_FORMAT_PCM_16 ? 16 : kind == SF_FORMAT_PCM_24 ? 24 : 0;
    form->channels = info->channels;
    form->rate = info->samplerate;
    if (form->bits == 0)
        return audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "sound as %s; integers of 8, 16 and 24 bits are read",
                          subtype_name(info->format, &subtype));
    if (form->channels < 1 || form->channels > AUDIO_CHANNELS)
        return audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "sound of %d channels; 1 to %d are read", form->channels, AUDIO_CHANNELS);
    if (form->rate < 1) return audio_fail(task, ARDM_PLUGIN_EFORMAT, "sound of %d frames a second", form->rate);
    return ARDM_PLUGIN_OK;
}

int32_t audio_judge(ardm_task *task, audio_form *form, const uint8_t *head, int64_t head_bytes) {
    uint8_t *file = audio_host->allocate(task, head_bytes + AUDIO_BLOCK);
    int read[2 * AUDIO_CHANNELS];
    SF_INFO info = {0};
    if (!file) return audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    memcpy(file, head, (size_t)head_bytes);
    for (int32_t i = 0; i < AUDIO_BLOCK; ++i) file[head_bytes + i] = (uint8_t)(i * 89 + i / 7 + 5);
    view v = {.task = task, .size = head_bytes + AUDIO_BLOCK, .kept = file, .kept_bytes = head_bytes + AUDIO_BLOCK};
    SNDFILE *sound = sf_open_virtual(&calls, SFM_READ, &info, &v);
    int32_t status = sound ? check_info(task, form, &info)
                           : audio_fail(task, ARDM_PLUGIN_EFORMAT, "the description of the samples is not understood: %.200s", sf_strerror(NULL));
    if (!status && (sf_readf_int(sound, read, 2) != 2 || !settle(form, file + head_bytes, read, 2 * form->channels)))
        status = audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "samples of %d bits stand in the file in an unusual way", form->bits);
    if (sound) sf_close(sound);
    audio_host->release(task, file);
    return status;
}

/* --- FLAC read --------------------------------------------------------------------------------------------------------------------- */

typedef struct flac {
    view view;
    SNDFILE *sound;
    uint8_t side[2 + 10];
} flac;

/* The stream's description, marked as the last block, and nothing else of the metadata. */
static int32_t skim(ardm_task *task, const audio_reader *r, uint8_t *first) {
    uint8_t block[4];
    int64_t size = r->early[5] << 16 | r->early[6] << 8 | r->early[7];
    memcpy(first, r->early, 12);
    if ((first[4] & 127) != 0 || size != STREAMINFO) return audio_fail(task, ARDM_PLUGIN_EFORMAT, "FLAC whose first block is not its description");
    if (audio_host->read(task, first + 12, FIRST - 12) != FIRST - 12) return audio_fail(task, ARDM_PLUGIN_EFORMAT, "FLAC: the file is cut off");
    for (int32_t last = first[4] >> 7; !last; last = block[0] >> 7) {
        if (audio_host->read(task, block, 4) != 4) return audio_fail(task, ARDM_PLUGIN_EFORMAT, "FLAC: the file is cut off");
        size = block[1] << 16 | block[2] << 8 | block[3];
        if ((block[0] & 127) == 127) return audio_fail(task, ARDM_PLUGIN_EFORMAT, "FLAC: a block of the forbidden kind 127");
        if (audio_host->skip(task, size) != size) return audio_fail(task, ARDM_PLUGIN_EFORMAT, "FLAC: the file is cut off");
    }
    first[4] |= 128;
    return ARDM_PLUGIN_OK;
}

/* Refuses by name what libsndfile or the way back would not take. */
static int32_t check_flac(ardm_task *task, audio_reader *r, const uint8_t *info) {
    int32_t bits = ((info[12] & 1) << 4 | info[13] >> 4) + 1;
    r->form.rate = info[10] << 12 | info[11] << 4 | info[12] >> 4;
    r->form.channels = (info[12] >> 1 & 7) + 1;
    r->form.bits = bits;
    r->form.is_signed = bits != 8;
    r->frames = (int64_t)(info[13] & 15) << 32 | (int64_t)info[14] << 24 | info[15] << 16 | info[16] << 8 | info[17];
    if (bits != 8 && bits != 16 && bits != 24) return audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "FLAC of %d bits; 8, 16 and 24 are read", bits);
    if (r->form.rate < 1 || r->form.rate > 655350 || (r->form.rate > 65535 && r->form.rate % 10 != 0))
        return audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "FLAC of %d frames a second; up to 65,535, and tens up to 655,350, can be written again",
                          r->form.rate);
    if (r->frames == 0)
        return audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "FLAC that does not say its length; write it once more to a file: flac -d, then flac");
    return ARDM_PLUGIN_OK;
}

/* Left-justified integers at the end of the symbols' memory, made symbols from the front. */
static int32_t read_flac(ardm_task *task, audio_reader *r, int64_t count, int32_t *symbols) {
    flac *f = r->state;
    int64_t samples = count * r->form.channels, wide = r->form.bits == 24 ? 3 : 1;
    int32_t *values = symbols + samples * (wide - 1);
    int64_t got = sf_readf_int(f->sound, values, count);
    if (got != count || sf_error(f->sound) != SF_ERR_NO_ERROR)
        return audio_fail(task, ARDM_PLUGIN_EFORMAT, "FLAC damaged or cut off in frames %lld to %lld: %.150s", (long long)(r->at - count),
                          (long long)r->at - 1, sf_error(f->sound) ? sf_strerror(f->sound) : "samples are missing");
    for (int64_t i = 0; i < samples; ++i) audio_symbol(&r->form, values[i] >> (32 - r->form.bits), symbols + i * wide);
    return ARDM_PLUGIN_OK;
}

static void close_flac(ardm_task *task, audio_reader *r) {
    flac *f = r->state;
    if (f->sound) sf_close(f->sound);
    audio_host->release(task, f->view.kept);
    audio_host->release(task, f);
}

int32_t audio_flac_open(ardm_task *task, audio_reader *r) {
    flac *f = audio_host->allocate(task, sizeof *f);
    SF_INFO info = {0};
    if (!f) return audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    memset(f, 0, sizeof *f);
    r->state = f;
    r->close = close_flac;
    r->read = read_flac;
    view *v = &f->view;
    if (!(v->kept = audio_host->allocate(task, KEPT))) return audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    v->task = task;
    v->room = KEPT;
    v->kept_bytes = v->behind = FIRST;
    v->streams = 1;
    int32_t status = skim(task, r, v->kept);
    if (!status) status = check_flac(task, r, v->kept + 8);
    if (status) return status;
    v->size = audio_host->length(task); /* an upper bound: the blocks left out are unknown to it */
    f->sound = sf_open_virtual(&calls, SFM_READ, &info, v);
    if (!f->sound) return audio_fail(task, ARDM_PLUGIN_EFORMAT, "FLAC: %.200s", sf_strerror(NULL));
    audio_form seen = {0};
    if ((status = check_info(task, &seen, &info))) return status;
    if (seen.bits != r->form.bits || seen.channels != r->form.channels || seen.rate != r->form.rate || info.frames != r->frames)
        return audio_fail(task, ARDM_PLUGIN_EFORMAT, "FLAC: the description of the stream contradicts itself");
    f->side[0] = SIDE_FLAC;
    f->side[1] = (uint8_t)r->form.bits;
    r->side = f->side;
    r->side_bytes = 2 + audio_put_leb(f->side + 2, r->form.rate);
    return ARDM_PLUGIN_OK;
}

/* --- FLAC written ------------------------------------------------------------------------------------------------------------------ */

static int32_t write_flac(ardm_task *task, audio_writer *w, int64_t count, const int32_t *symbols) {
    flac *f = w->state;
    int *values = (int *)(void *)w->bytes;
    int64_t samples = count * w->form.channels, wide = w->form.bits == 24 ? 3 : 1, most = AUDIO_BLOCK / w->form.channels * w->form.channels;
    for (int64_t done = 0; done < samples;) {
        int64_t many = samples - done < most ? samples - done : most;
        for (int64_t i = 0; i < many; ++i) values[i] = audio_sample(&w->form, symbols + (done + i) * wide) * (1 << (32 - w->form.bits));
        if (sf_write_int(f->sound, values, many) != many)
            return f->view.short_of_memory
                       ? audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory for a FLAC file above %lld bytes", (long long)f->view.room)
                       : audio_fail(task, ARDM_PLUGIN_EIO, "FLAC: %.200s", sf_strerror(f->sound));
        done += many;
    }
    return ARDM_PLUGIN_OK;
}

static int32_t end_flac(ardm_task *task, audio_writer *w, int32_t finish) {
    flac *f = w->state;
    int32_t status = sf_close(f->sound) && finish ? audio_fail(task, ARDM_PLUGIN_EIO, "FLAC: the file cannot be finished") : ARDM_PLUGIN_OK;
    if (f->view.short_of_memory && finish)
        status = audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory for a FLAC file above %lld bytes", (long long)f->view.room);
    if (!status && finish) status = audio_host->write(task, f->view.kept, f->view.kept_bytes);
    audio_host->release(task, f->view.kept);
    audio_host->release(task, f);
    return status;
}

int32_t audio_flac_begin(ardm_task *task, audio_writer *w) {
    static const int formats[3] = {SF_FORMAT_FLAC | SF_FORMAT_PCM_S8, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_24};
    flac *f = audio_host->allocate(task, sizeof *f);
    SF_INFO info = {.samplerate = w->form.rate, .channels = w->form.channels, .format = formats[w->form.bits / 8 - 1]};
    double level = 5 / 8.0; /* of libsndfile's 0 to 1: level 5, flac's own default */
    if (!f) return audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    memset(f, 0, sizeof *f);
    f->view.task = task;
    f->sound = sf_open_virtual(&calls, SFM_WRITE, &info, &f->view);
    if (!f->sound || sf_command(f->sound, SFC_SET_COMPRESSION_LEVEL, &level, sizeof level) != SF_TRUE) {
        int32_t status = audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "no FLAC of %d channels and %d frames a second: %.150s", w->form.channels,
                                    w->form.rate, sf_strerror(f->sound));
        if (f->sound) sf_close(f->sound);
        audio_host->release(task, f->view.kept);
        audio_host->release(task, f);
        return status;
    }
    w->state = f;
    w->write = write_flac;
    w->end = end_flac;
    return ARDM_PLUGIN_OK;
}
