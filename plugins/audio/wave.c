/* WAV and AIFF. What stands around the samples is kept as it is, so the same bytes come back; the shortest WAV header needs no more
 * than its rate. libsndfile judges what the samples are; it sees the one chunk that says so and never the rest of a file. */
#include <string.h>

#include "audio.h"

enum { HEADER = 44, PREFIX = 16 };

typedef struct wave {
    uint8_t *memory; /* PREFIX bytes for the side's own fields, then the head, then the tail */
    int64_t room, head, tail;
    int64_t format, format_bytes; /* the chunk that describes the samples, in the head; 0: none yet */
    int64_t long_data;            /* RF64: size of the data from ds64, else -1 */
    uint8_t *samples;             /* of a file whose tail had to be read before them */
    int64_t given;                /* bytes of them that were handed out */
    int32_t big, aiff;
} wave;

static uint64_t number(const uint8_t *b, int n, int big) {
    uint64_t value = 0;
    for (int k = 0; k < n; ++k) value = value << 8 | b[big ? k : n - 1 - k];
    return value;
}

static void put_u32(uint8_t *to, uint64_t value, int big) {
    for (int k = 0; k < 4; ++k) to[big ? 3 - k : k] = (uint8_t)(value >> (8 * k));
}

static const uint8_t *head_at(const wave *v, int64_t at) { return v->memory + PREFIX + at; }

/* More of the file into the head. */
static int32_t take(ardm_task *task, wave *v, int64_t bytes) {
    if (bytes > v->room - v->head - v->tail) {
        int64_t left = audio_host->length(task) - v->head;
        if (bytes > left)
            return audio_fail(task, ARDM_PLUGIN_EFORMAT, "the file is cut off: a chunk of %lld bytes, of which %lld are there", (long long)bytes,
                              (long long)left);
        return audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "%lld bytes in front of the samples; up to %d around them are kept",
                          (long long)(v->head + bytes), ARDM_PLUGIN_SIDE - PREFIX);
    }
    if (audio_host->read(task, v->memory + PREFIX + v->head, bytes) != bytes) return audio_fail(task, ARDM_PLUGIN_EFORMAT, "the file is cut off");
    v->head += bytes;
    return ARDM_PLUGIN_OK;
}

/* Chunk by chunk up to the samples; *size is what the file says of them. */
static int32_t walk(ardm_task *task, wave *v, int64_t *size) {
    const char *wanted = v->aiff ? "COMM" : "fmt ", *samples = v->aiff ? "SSND" : "data";
    for (;;) {
        int32_t status = take(task, v, 8);
        if (status) return status;
        const uint8_t *chunk = head_at(v, v->head - 8);
        int64_t bytes = (int64_t)number(chunk + 4, 4, v->big), content = v->head;
        if (memcmp(chunk, samples, 4) == 0) {
            *size = bytes == UINT32_MAX && v->long_data >= 0 ? v->long_data : bytes;
            break;
        }
        if ((status = take(task, v, bytes))) return status;
        if ((bytes & 1) && (status = take(task, v, 1))) return status;
        if (memcmp(head_at(v, content - 8), wanted, 4) == 0 && !v->format) {
            v->format = content - 8;
            v->format_bytes = 8 + bytes;
        }
        if (memcmp(head_at(v, content - 8), "ds64", 4) == 0 && bytes >= 16) {
            uint64_t wide = number(head_at(v, content + 8), 8, 0);
            v->long_data = wide <= INT64_MAX ? (int64_t)wide : INT64_MAX;
        }
    }
    if (!v->format)
        return audio_fail(task, ARDM_PLUGIN_EFORMAT, "the samples come before the chunk \"%s\" that describes them, or it is missing", wanted);
    if (!v->aiff) return ARDM_PLUGIN_OK;
    /* SSND begins with the offset of the samples and a block size. */
    int32_t status = take(task, v, 8);
    if (status) return status;
    int64_t offset = (int64_t)number(head_at(v, v->head - 8), 4, 1);
    if (*size < 8 + offset)
        return audio_fail(task, ARDM_PLUGIN_EFORMAT, "SSND of %lld bytes with samples from byte %lld", (long long)*size, (long long)(8 + offset));
    *size -= 8 + offset;
    return take(task, v, offset);
}

/* The head that libsndfile judges: the container's twelve bytes, the version of an AIFC, the description, and a chunk for samples. */
static int32_t judge(ardm_task *task, audio_reader *r, const wave *v) {
    static const uint8_t version[12] = {'F', 'V', 'E', 'R', 0, 0, 0, 4, 0xa2, 0x80, 0x51, 0x40};
    uint8_t small[12 + 12 + 8 + 1024 + 1 + 16] = {0};
    int64_t n = 12, padded = v->format_bytes + (v->format_bytes & 1);
    memcpy(small, head_at(v, 0), 12);
    if (memcmp(small, "RF64", 4) == 0) memcpy(small, "RIFF", 4);
    if (padded > 8 + 1024)
        return audio_fail(task, ARDM_PLUGIN_EFORMAT, "%lld bytes describe the samples; 1024 are the most", (long long)v->format_bytes - 8);
    if (memcmp(small + 8, "AIFC", 4) == 0) {
        memcpy(small + n, version, sizeof version);
        n += (int64_t)sizeof version;
    }
    memcpy(small + n, head_at(v, v->format), (size_t)v->format_bytes);
    if (v->aiff && v->format_bytes >= 8 + 6) put_u32(small + n + 10, AUDIO_BLOCK, 1); /* its own count of frames is not needed */
    n += padded;
    memcpy(small + n, v->aiff ? "SSND" : "data", 4);
    put_u32(small + n + 4, AUDIO_BLOCK + (v->aiff ? 8 : 0), v->big);
    n += v->aiff ? 16 : 8;
    put_u32(small + 4, (uint64_t)n - 8 + AUDIO_BLOCK, v->big);
    return audio_judge(task, &r->form, small, n);
}

static void shortest(uint8_t *out, const audio_form *form, int64_t data) {
    static const uint8_t fixed[HEADER] = "RIFF....WAVEfmt \20\0\0\0\1\0..............data...";
    int64_t frame = audio_frame_bytes(form);
    memcpy(out, fixed, HEADER);
    put_u32(out + 4, (uint64_t)(HEADER - 8 + data + (data & 1)), 0);
    out[22] = (uint8_t)form->channels;
    out[23] = 0;
    put_u32(out + 24, (uint64_t)form->rate, 0);
    put_u32(out + 28, (uint64_t)form->rate * (uint64_t)frame, 0);
    out[32] = (uint8_t)frame;
    out[33] = 0;
    out[34] = (uint8_t)form->bits;
    out[35] = 0;
    put_u32(out + 40, (uint64_t)data, 0);
}

/* A file of the shortest form: its side bytes are its rate. */
static int32_t is_plain(const audio_reader *r, const wave *v, int64_t data) {
    uint8_t header[HEADER];
    if (v->aiff || v->big || v->head != HEADER || v->tail != (data & 1) || (v->tail && *head_at(v, HEADER) != 0)) return 0;
    shortest(header, &r->form, data);
    return memcmp(header, head_at(v, 0), HEADER) == 0;
}

static void describe(audio_reader *r, wave *v, int64_t data) {
    uint8_t prefix[PREFIX];
    int64_t n = 2;
    r->exact = 1;
    if (is_plain(r, v, data)) {
        v->memory[0] = SIDE_PLAIN;
        v->memory[1] = (uint8_t)r->form.bits;
        r->side = v->memory;
        r->side_bytes = r->form.rate == AUDIO_RATE && r->form.bits != 24 ? 0 : 2 + audio_put_leb(v->memory + 2, r->form.rate);
        return;
    }
    prefix[0] = SIDE_WRAP;
    prefix[1] = (uint8_t)(r->form.bits / 8 + (r->form.big ? 4 : 0) + (r->form.is_signed ? 8 : 0));
    n += audio_put_leb(prefix + 2, v->head);
    memcpy(v->memory + PREFIX - n, prefix, (size_t)n);
    r->side = v->memory + PREFIX - n;
    r->side_bytes = n + v->head + v->tail;
}

/* What stands behind the samples; they are read before it and kept. */
static int32_t read_tail(ardm_task *task, wave *v, int64_t data) {
    int64_t early = audio_host->length(task) - v->head - data;
    if (early > v->room - v->head)
        return audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "%lld bytes around the samples; up to %d are kept", (long long)(v->head + early),
                          ARDM_PLUGIN_SIDE - PREFIX);
    if (early == 0) return ARDM_PLUGIN_OK;
    if (!(v->samples = audio_host->allocate(task, data)))
        return audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory for the %lld bytes of samples in front of other chunks", (long long)data);
    if (audio_host->read(task, v->samples, data) != data || audio_host->read(task, v->memory + PREFIX + v->head, early) != early)
        return audio_fail(task, ARDM_PLUGIN_EFORMAT, "the file is cut off");
    v->tail = early;
    return ARDM_PLUGIN_OK;
}

static int32_t read_frames(ardm_task *task, audio_reader *r, int64_t count, int32_t *symbols) {
    wave *v = r->state;
    int64_t bytes = count * audio_frame_bytes(&r->form);
    uint8_t *to = (uint8_t *)(symbols + count * audio_width(&r->form)) - bytes;
    if (v && v->samples)
        memcpy(to, v->samples + v->given, (size_t)bytes);
    else if (audio_host->read(task, to, bytes) != bytes)
        return audio_fail(task, ARDM_PLUGIN_EFORMAT, "the file ends inside its samples");
    if (v) v->given += bytes;
    audio_widen(&r->form, count * r->form.channels, symbols);
    return ARDM_PLUGIN_OK;
}

static void close_wave(ardm_task *task, audio_reader *r) {
    wave *v = r->state;
    audio_host->release(task, v->memory);
    audio_host->release(task, v->samples);
    audio_host->release(task, v);
}

int32_t audio_wave_open(ardm_task *task, audio_reader *r) {
    wave *v = audio_host->allocate(task, sizeof *v);
    int64_t length = audio_host->length(task), size = 0;
    if (!v) return audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    *v = (wave){.room = length < ARDM_PLUGIN_SIDE - PREFIX ? length : ARDM_PLUGIN_SIDE - PREFIX, .long_data = -1};
    r->state = v;
    r->close = close_wave;
    r->read = read_frames;
    v->aiff = r->early[0] == 'F';
    v->big = v->aiff || r->early[3] == 'X';
    if (!(v->memory = audio_host->allocate(task, PREFIX + v->room))) return audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory for the file's chunks");
    memcpy(v->memory + PREFIX, r->early, sizeof r->early);
    v->head = sizeof r->early;
    int32_t status = walk(task, v, &size);
    if (!status) status = judge(task, r, v);
    if (status) return status;
    /* A file that was cut off or never closed promises more, or nothing: what is there counts. */
    int64_t left = length - v->head, data = size > left || size == 0 ? left : size;
    r->frames = data / audio_frame_bytes(&r->form);
    data = r->frames * audio_frame_bytes(&r->form);
    if ((status = read_tail(task, v, data))) return status;
    describe(r, v, data);
    return ARDM_PLUGIN_OK;
}

/* --- raw samples ------------------------------------------------------------------------------------------------------------------- */

int32_t audio_raw_open(ardm_task *task, audio_reader *r, const char *shape, const char *variant) {
    static const uint8_t sides[3][2] = {{SIDE_RAW, 8}, {SIDE_RAW, 16}, {SIDE_RAW, 24}};
    int64_t length = audio_host->length(task), frames = 0;
    r->form = (audio_form){.bits = 16, .rate = AUDIO_RATE};
    const char *at = shape;
    for (; *at >= '0' && *at <= '9' && frames <= INT32_MAX && *shape != '0'; ++at) frames = frames * 10 + (*at - '0');
    if (*at || frames < 1 || frames > INT32_MAX)
        return audio_fail(task, ARDM_PLUGIN_EINVAL, "shape \"%.40s\" is not the number of frames of an item of raw samples, as in 4096", shape);
    if (variant && !audio_parse_variant(variant, &r->form)) r->form.bits = 16; /* refused by name later */
    if (r->form.channels == 0) r->form.channels = 1;
    r->form.is_signed = r->form.bits != 8;
    int64_t each = frames * audio_frame_bytes(&r->form);
    if (length <= 0 || length % each != 0)
        return audio_fail(task, ARDM_PLUGIN_EFORMAT, "%lld bytes are no whole number of items of %lld frames, %lld bytes each", (long long)length,
                          (long long)frames, (long long)each);
    r->frames = frames;
    r->items = length / each;
    r->exact = 1;
    r->read = read_frames;
    r->side = sides[r->form.bits / 8 - 1];
    r->side_bytes = 2;
    return ARDM_PLUGIN_OK;
}

/* --- writing ----------------------------------------------------------------------------------------------------------------------- */

int32_t audio_bytes_write(ardm_task *task, audio_writer *w, int64_t count, const int32_t *symbols) {
    int64_t samples = count * w->form.channels, each = w->form.bits / 8, wide = w->form.bits == 24 ? 3 : 1;
    for (int64_t done = 0; done < samples;) {
        int64_t many = samples - done < AUDIO_BLOCK ? samples - done : AUDIO_BLOCK;
        audio_narrow(&w->form, many, symbols + done * wide, w->bytes);
        int32_t status = audio_host->write(task, w->bytes, many * each);
        if (status) return status;
        done += many;
    }
    return ARDM_PLUGIN_OK;
}

int32_t audio_bytes_end(ardm_task *task, audio_writer *w, int32_t finish) {
    static const uint8_t pad[1] = {0};
    if (!finish || w->tail_bytes == 0) return ARDM_PLUGIN_OK;
    return audio_host->write(task, w->tail ? w->tail : pad, w->tail_bytes);
}

int32_t audio_plain_begin(ardm_task *task, audio_writer *w) {
    uint8_t header[HEADER];
    int64_t data = w->frames * audio_frame_bytes(&w->form);
    if (data > UINT32_MAX - HEADER)
        return audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "%lld bytes of samples; a WAV file holds less than 4 GiB", (long long)data);
    shortest(header, &w->form, data);
    w->tail_bytes = data & 1;
    return audio_host->write(task, header, HEADER);
}

int32_t audio_wrap_begin(ardm_task *task, audio_writer *w, const uint8_t *side, int64_t side_bytes) {
    int64_t head = 0, used = side_bytes > 1 ? audio_get_leb(side + 1, side_bytes - 1, &head) : 0;
    if (used == 0 || head > side_bytes - 1 - used)
        return audio_fail(task, ARDM_PLUGIN_EFORMAT, "the kept chunks are damaged: a head of %lld bytes in %lld", (long long)head,
                          (long long)side_bytes);
    int64_t tail = side_bytes - 1 - used - head;
    if (tail > 0) {
        if (!(w->tail = audio_host->allocate(task, tail))) return audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory for %lld bytes", (long long)tail);
        memcpy(w->tail, side + 1 + used + head, (size_t)tail);
        w->tail_bytes = tail;
    }
    return audio_host->write(task, side + 1 + used, head);
}
