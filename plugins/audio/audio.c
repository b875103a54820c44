/* The audio modality: which kind a file is, frames as symbols, and files from symbols. */
#include "audio.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ardm/exact.h"

const ardm_host *audio_host;

enum { PURPOSE_SYNTHETIC = 9 };

int32_t audio_fail(ardm_task *task, int32_t status, const char *format, ...) {
    char message[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return audio_host->fail(task, status, message);
}

static int is(const uint8_t *at, const char *id) { return memcmp(at, id, 4) == 0; }

static int is_wave(const uint8_t *b) {
    return ((is(b, "RIFF") || is(b, "RIFX") || is(b, "RF64")) && is(b + 8, "WAVE")) || (is(b, "FORM") && (is(b + 8, "AIFF") || is(b + 8, "AIFC")));
}

static int32_t probe(const uint8_t *first, int64_t bytes, const char *name) {
    (void)name;
    if (bytes >= 12 && is_wave(first)) return 100;
    return bytes >= 8 && is(first, "fLaC") && (first[4] & 127) == 0 ? 100 : 0;
}

/* --- reading ----------------------------------------------------------------------------------------------------------------------- */

/* Opens what the first bytes say, or what the shape says. */
static int32_t open_kind(ardm_task *task, audio_reader *r, const char *variant) {
    const char *shape = audio_host->option(task, "shape");
    if (shape) return audio_raw_open(task, r, shape, variant);
    if (audio_host->length(task) < 0) return audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "sound must come from a file of known length");
    int64_t n = audio_host->read(task, r->early, sizeof r->early);
    if (n == 12 && is_wave(r->early)) return audio_wave_open(task, r);
    if (n == 12 && is(r->early, "fLaC")) return audio_flac_open(task, r);
    return audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED,
                      "neither WAV, AIFF nor FLAC; raw samples need the frames of an item, as in shape = 4096, and a variant");
}

static void close_reader(ardm_task *task, void *reader) {
    audio_reader *r = reader;
    if (!r) return;
    if (r->close) r->close(task, r);
    audio_host->release(task, r);
}

/* What is asked for: bits, and channels where they are named. */
static int32_t check_variant(ardm_task *task, const audio_form *form, const char *variant) {
    audio_form asked = {0};
    if (!variant) return ARDM_PLUGIN_OK;
    if (!audio_parse_variant(variant, &asked))
        return audio_fail(task, ARDM_PLUGIN_EINVAL, "the variants of audio are pcm16, pcm8 and pcm24, with x2 to x8 for channels, not %.40s",
                          variant);
    if (asked.bits != form->bits || (asked.channels && asked.channels != form->channels))
        return audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "the sound is %s, but %s is asked for", audio_variant(form), variant);
    return ARDM_PLUGIN_OK;
}

static int32_t open(ardm_task *task, ardm_header *header, void **reader) {
    const char *variant = audio_host->option(task, "variant");
    audio_reader *r = audio_host->allocate(task, sizeof *r);
    if (!r) return audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    memset(r, 0, sizeof *r);
    r->items = 1;
    int32_t status = open_kind(task, r, variant);
    if (!status) status = check_variant(task, &r->form, variant);
    if (!status && r->frames > INT32_MAX)
        status = audio_fail(task, ARDM_PLUGIN_EUNSUPPORTED, "%lld frames; up to %d are read at once", (long long)r->frames, INT32_MAX);
    if (status) {
        close_reader(task, r);
        return status;
    }
    header->rank = 1;
    header->channels = (uint32_t)audio_width(&r->form);
    header->classes = (uint32_t)audio_classes(&r->form);
    header->exact = (uint32_t)r->exact;
    header->extents[0] = r->frames;
    header->items = r->items;
    header->variant = audio_variant(&r->form);
    header->side = r->side;
    header->side_bytes = r->side_bytes;
    *reader = r;
    return ARDM_PLUGIN_OK;
}

static int32_t read_symbols(ardm_task *task, void *reader, int64_t item, int64_t first, int64_t count, int32_t *symbols) {
    audio_reader *r = reader;
    int64_t gap = item * r->frames + first - r->at, bytes = audio_frame_bytes(&r->form);
    if (gap != 0 && (gap < 0 || r->items == 1)) return audio_fail(task, ARDM_PLUGIN_EINVAL, "sound is read from its beginning to its end");
    if (gap > 0 && audio_host->skip(task, gap * bytes) != gap * bytes)
        return audio_fail(task, ARDM_PLUGIN_EFORMAT, "the file ends before item %lld", (long long)item);
    r->at += gap + count;
    return r->read(task, r, count, symbols);
}

/* --- writing ----------------------------------------------------------------------------------------------------------------------- */

/* Bits, channels and rate of what is to be written, from the side bytes, else from the variant; 0: they contradict the symbols. */
static int32_t form_of(const ardm_header *header, audio_form *form) {
    const uint8_t *side = header->side;
    int64_t n = header->side_bytes, rate = AUDIO_RATE;
    *form = (audio_form){.bits = header->classes == 65536 ? 16 : 8};
    if (n == 0) {
        audio_form named = {0};
        if (header->variant && audio_parse_variant(header->variant, &named) && named.bits == 24) form->bits = 24;
    } else if (side[0] == SIDE_WRAP) {
        form->bits = n > 1 ? 8 * (side[1] & 3) : 0;
        form->big = n > 1 && side[1] & 4;
        form->is_signed = n > 1 && side[1] & 8;
        if (n > 1 && side[1] >> 4) return 0;
    } else {
        form->bits = n > 1 ? side[1] : 0;
        if (side[0] != SIDE_RAW && (n < 3 || audio_get_leb(side + 2, n - 2, &rate) != n - 2)) return 0;
        if (side[0] == SIDE_RAW && n != 2) return 0;
    }
    if (form->bits != 8 && form->bits != 16 && form->bits != 24) return 0;
    if (n == 0 || side[0] != SIDE_WRAP) form->is_signed = form->bits != 8;
    form->rate = rate > 0 && rate <= INT32_MAX ? (int32_t)rate : 0;
    int32_t each = form->bits == 24 ? 3 : 1;
    form->channels = (int32_t)header->channels / each;
    return form->rate > 0 && form->channels >= 1 && form->channels <= AUDIO_CHANNELS && (int32_t)header->channels == each * form->channels &&
           (int32_t)header->classes == audio_classes(form);
}

static int32_t begin_kind(ardm_task *task, audio_writer *w, const ardm_header *header, uint32_t purpose) {
    int32_t kind = header->side_bytes > 0 ? header->side[0] : SIDE_PLAIN;
    w->write = audio_bytes_write;
    w->end = audio_bytes_end;
    if (purpose == ARDM_WRITE_PICTURE) return audio_picture_begin(task, w);
    if (kind == SIDE_PLAIN) return audio_plain_begin(task, w);
    if (kind == SIDE_WRAP) return audio_wrap_begin(task, w, header->side + 1, header->side_bytes - 1);
    if (kind == SIDE_FLAC) return audio_flac_begin(task, w);
    if (kind == SIDE_RAW) return ARDM_PLUGIN_OK;
    return audio_fail(task, ARDM_PLUGIN_EFORMAT, "side bytes of unknown kind %d", kind);
}

static void free_writer(ardm_task *task, audio_writer *w) {
    audio_host->release(task, w->bytes);
    audio_host->release(task, w->tail);
    audio_host->release(task, w);
}

static int32_t begin(ardm_task *task, const ardm_header *header, uint32_t purpose, void **writer) {
    audio_form form;
    if (header->rank != 1 || !form_of(header, &form))
        return audio_fail(task, ARDM_PLUGIN_EFORMAT, "an item of %u axes, %u symbols a position, %u classes and %lld side bytes is no sound",
                          header->rank, header->channels, header->classes, (long long)header->side_bytes);
    audio_writer *w = audio_host->allocate(task, sizeof *w);
    if (!w) return audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    *w = (audio_writer){.form = form, .frames = header->extents[0]};
    w->bytes = audio_host->allocate(task, AUDIO_BLOCK * 4);
    int32_t status = w->bytes ? begin_kind(task, w, header, purpose) : audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    if (status) {
        free_writer(task, w);
        return status;
    }
    *writer = w;
    return ARDM_PLUGIN_OK;
}

static int32_t write_symbols(ardm_task *task, void *writer, int64_t count, const int32_t *symbols) {
    audio_writer *w = writer;
    if (count > w->frames - w->at) return audio_fail(task, ARDM_PLUGIN_EINVAL, "more frames than the sound has");
    w->at += count;
    return w->write(task, w, count, symbols);
}

static int32_t end(ardm_task *task, void *writer, int32_t finish) {
    audio_writer *w = writer;
    int32_t whole = w->at == w->frames, status = w->end(task, w, finish && whole);
    if (!status && finish && !whole) status = audio_fail(task, ARDM_PLUGIN_EINVAL, "frames of the sound are missing");
    free_writer(task, w);
    return status;
}

/* --- items without a file ---------------------------------------------------------------------------------------------------------- */

static int32_t blank(ardm_task *task, ardm_header *header) {
    const char *variant = audio_host->option(task, "variant");
    audio_form form = {.bits = 16};
    if (variant && !audio_parse_variant(variant, &form)) return check_variant(task, &form, variant);
    if (header->rank != 1) return audio_fail(task, ARDM_PLUGIN_EINVAL, "sound has one axis, not %u", header->rank);
    if (form.channels == 0) form.channels = 1;
    header->channels = (uint32_t)audio_width(&form);
    header->classes = (uint32_t)audio_classes(&form);
    header->exact = 1;
    header->variant = audio_variant(&form);
    return ARDM_PLUGIN_OK;
}

static uint32_t draw(uint32_t index, uint32_t segment, uint32_t kind, uint64_t seed) {
    return ardm_philox_word(index, segment, kind, (uint32_t)PURPOSE_SYNTHETIC << 24, (uint32_t)seed, (uint32_t)(seed >> 32), 0);
}

/* Half waves of a parabola, -2^15 to 2^15, over a phase of 2^32. */
static int32_t wave(uint32_t phase) {
    int32_t x = (int32_t)(phase >> 16 & 32767), y = x * (32768 - x) / 8192;
    return phase >> 31 ? -y : y;
}

/* Eight segments a clip: tones of two partials that rise and fade, soft noise, silence. */
static int32_t synthesise(ardm_task *task, const ardm_header *header, uint64_t seed, int32_t *symbols) {
    audio_form form;
    if (!form_of(header, &form)) return audio_fail(task, ARDM_PLUGIN_EINVAL, "not a header of sound");
    int64_t length = header->extents[0], each = (length + 7) / 8, wide = form.bits == 24 ? 3 : 1;
    uint32_t phase = 0;
    for (int64_t i = 0; i < length; ++i) {
        uint32_t segment = (uint32_t)(i / each), kind = draw(0, segment, 0, seed) >> 30, step = (1u << 25) + (draw(1, segment, 0, seed) >> 5);
        int64_t into = i % each, loud = 128 * (into < each / 2 ? into : each - into) / each; /* 0 to 64 */
        phase += step;
        for (int32_t c = 0; c < form.channels; ++c) {
            uint32_t noise = draw((uint32_t)i, (uint32_t)c, 1, seed);
            int64_t value = 0; /* of 16 bits; 8 more below it */
            if (kind != 0) value = (int64_t)(noise >> 24) - 128;
            if (kind >= 2) value += (2 * wave(phase) + wave(3 * phase + (uint32_t)c * (1u << 29))) * loud / 256;
            if (kind == 1) value *= 8;
            value = value * 256 + (kind != 0 ? noise & 255 : 0);
            audio_symbol(&form, (int32_t)(value >> (24 - form.bits)), symbols + (i * form.channels + c) * wide);
        }
    }
    return ARDM_PLUGIN_OK;
}

/* --- the tables -------------------------------------------------------------------------------------------------------------------- */

static const ardm_setting settings[] = {
    {ARDM_PLUGIN_ABI, sizeof(ardm_setting), "variant", ARDM_SETTING_TEXT, NULL, 0, 0, NULL,
     "what sound must be: pcm16, pcm8 or pcm24; x2 to x8 behind it names the channels: pcm16x2"},
    {ARDM_PLUGIN_ABI, sizeof(ardm_setting), "shape", ARDM_SETTING_TEXT, NULL, 0, 0, NULL, "frames of an item of raw little-endian samples: 4096"}};

static const ardm_modality modalities[] = {{
    .abi = ARDM_PLUGIN_ABI,
    .size = sizeof(ardm_modality),
    .id = "audio",
    .version = 1,
    .n_settings = 2,
    .setting_stride = sizeof(ardm_setting),
    .settings = settings,
    .help = "sound of 8, 16 or 24 bits, 1 to 8 channels: WAV, AIFF, FLAC and raw samples",
    .variants = "pcm16|pcm8|pcm24",
    .metric = "bits/symbol",
    .suffix = ".png",
    .config = "[data]\npath = FILE\nwindow = 2048\n[modality]\nid = audio\nvariant = pcm16\n[process]\nfamily = absorbing\n"
              "[order]\nfamily = dyadic\n[network]\nkind = diffwave\nwidth = 64\nlayers = 10\nscales = 5\n[head]\nkind = mixture\n"
              "mixtures = 5\n[train]\nbatch = 8\ngiven = 0.1\n",
    .probe = probe,
    .open = open,
    .read = read_symbols,
    .close = close_reader,
    .begin = begin,
    .write = write_symbols,
    .end = end,
    .blank = blank,
    .synthesise = synthesise,
}};

static const ardm_plugin plugin = {
    .abi = ARDM_PLUGIN_ABI,
    .size = sizeof(ardm_plugin),
    .id = "org.ardm.audio",
    .name = "Audio",
    .version = "1.0",
    .licence = "Apache-2.0",
    .modalities = modalities,
    .n_modalities = 1,
    .modality_stride = sizeof(ardm_modality),
};

const ardm_plugin *ardm_plugin_entry(const ardm_host *given) {
    if (given->abi != ARDM_PLUGIN_ABI || given->size < sizeof *given) return NULL;
    audio_host = given;
    return &plugin;
}
