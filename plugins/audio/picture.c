/* A picture of sound as a grey PNG: for each channel a lane of waves, the least and greatest sample of each column, and one of
 * frequencies, the highest on top, loud ones dark.
 *
 * libpng reports errors by longjmp: the one function that enters it sets its own target and keeps nothing in locals that an error
 * would need. All memory is the host's. */
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "audio.h"

enum { WIDTH = 1024, LANE = AUDIO_SPECTRUM / 2, GAP = 1, PAPER = 255, MIDDLE = 200, INK = 40 };

typedef struct picture {
    ardm_task *task;
    png_structp png;
    png_infop info;
    int64_t width, at, columns; /* columns; frames seen; columns whose spectrum is known */
    int32_t *low, *high;        /* [channels, width] */
    double *ring;               /* [channels, AUDIO_SPECTRUM]: the last samples */
    uint8_t *shades;            /* [channels, width, LANE] */
    uint8_t line[WIDTH];
    int32_t status; /* of a stream that failed, else 0 */
    char message[200];
} picture;

static void on_error(png_structp png, png_const_charp text) {
    picture *p = png_get_error_ptr(png);
    size_t n = strlen(text);
    if (n >= sizeof p->message) n = sizeof p->message - 1;
    memcpy(p->message, text, n);
    p->message[n] = '\0';
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static png_voidp take(png_structp png, png_alloc_size_t bytes) {
    picture *p = png_get_mem_ptr(png);
    return bytes <= INT64_MAX ? audio_host->allocate(p->task, (int64_t)bytes) : NULL;
}

static void give(png_structp png, png_voidp memory) {
    picture *p = png_get_mem_ptr(png);
    audio_host->release(p->task, memory);
}

static void drain(png_structp png, png_bytep from, size_t bytes) {
    picture *p = png_get_io_ptr(png);
    p->status = audio_host->write(p->task, from, (int64_t)bytes);
    if (p->status) png_error(png, "the output failed");
}

static void flush_nothing(png_structp png) { (void)png; }

static int64_t start_of(const audio_writer *w, const picture *p, int64_t column) { return column * w->frames / p->width; }

/* Spectra of the columns whose samples have all been seen; the last ones reach past the end into silence. */
static void listen(const audio_writer *w, picture *p) {
    int64_t seen = p->at + 1;
    for (; p->columns < p->width; ++p->columns) {
        int64_t start = start_of(w, p, p->columns);
        if (seen < w->frames && start + AUDIO_SPECTRUM > seen) return;
        for (int32_t c = 0; c < w->form.channels; ++c) {
            double samples[AUDIO_SPECTRUM];
            for (int64_t k = 0; k < AUDIO_SPECTRUM; ++k)
                samples[k] = start + k < seen ? p->ring[c * AUDIO_SPECTRUM + (start + k) % AUDIO_SPECTRUM] : 0;
            audio_spectrum(samples, p->shades + (c * p->width + p->columns) * LANE);
        }
    }
}

static int32_t look(ardm_task *task, audio_writer *w, int64_t count, const int32_t *symbols) {
    picture *p = w->state;
    int64_t wide = w->form.bits == 24 ? 3 : 1;
    (void)task;
    for (int64_t i = 0; i < count; ++i, ++p->at) {
        for (int32_t c = 0; c < w->form.channels; ++c) {
            int64_t column = c * p->width + p->at * p->width / w->frames;
            int32_t sample = audio_sample(&w->form, symbols + (i * w->form.channels + c) * wide);
            if (sample < p->low[column]) p->low[column] = sample;
            if (sample > p->high[column]) p->high[column] = sample;
            p->ring[c * AUDIO_SPECTRUM + p->at % AUDIO_SPECTRUM] = (double)sample / (double)(1 << (w->form.bits - 1));
        }
        listen(w, p);
    }
    return ARDM_PLUGIN_OK;
}

/* Row y of a lane of waves holds the samples of [top - (y+1) · span, top - y · span). */
static void draw_line(const audio_writer *w, picture *p, int64_t row) {
    int64_t channel = row / (2 * (LANE + GAP)), y = row % (LANE + GAP), waves = row / (LANE + GAP) % 2 == 0, full = INT64_C(1) << w->form.bits;
    int64_t above = full / 2 - y * full / LANE, below = full / 2 - (y + 1) * full / LANE;
    memset(p->line, y == LANE || (waves && y == LANE / 2) ? MIDDLE : PAPER, (size_t)p->width);
    if (y == LANE) return;
    for (int64_t x = 0; x < p->width; ++x) {
        int64_t at = channel * p->width + x;
        if (!waves)
            p->line[x] = p->shades[at * LANE + LANE - 1 - y];
        else if (p->low[at] < above && p->high[at] >= below)
            p->line[x] = INK;
    }
}

static int32_t draw(const audio_writer *w, picture *p) {
    int64_t rows = (int64_t)w->form.channels * 2 * (LANE + GAP) - GAP;
    if (setjmp(png_jmpbuf(p->png)))
        return p->status ? p->status : audio_fail(p->task, ARDM_PLUGIN_ENOMEM, "PNG: %s", p->message[0] ? p->message : "libpng gave no reason");
    png_set_write_fn(p->png, p, drain, flush_nothing);
    png_set_IHDR(p->png, p->info, (png_uint_32)p->width, (png_uint_32)rows, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(p->png, p->info);
    for (int64_t row = 0; row < rows; ++row) {
        draw_line(w, p, row);
        png_write_row(p->png, p->line);
    }
    png_write_end(p->png, NULL);
    return ARDM_PLUGIN_OK;
}

static void free_picture(ardm_task *task, picture *p) {
    if (p->png) png_destroy_write_struct(&p->png, &p->info);
    audio_host->release(task, p->low);
    audio_host->release(task, p->high);
    audio_host->release(task, p->ring);
    audio_host->release(task, p->shades);
    audio_host->release(task, p);
}

static int32_t end_picture(ardm_task *task, audio_writer *w, int32_t finish) {
    picture *p = w->state;
    int32_t status = ARDM_PLUGIN_OK;
    if (finish) {
        p->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, p, on_error, on_warning, p, take, give);
        p->info = p->png ? png_create_info_struct(p->png) : NULL;
        status = p->info ? draw(w, p) : audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory for libpng");
    }
    free_picture(task, p);
    return status;
}

int32_t audio_picture_begin(ardm_task *task, audio_writer *w) {
    picture *p = audio_host->allocate(task, sizeof *p);
    if (!p) return audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    memset(p, 0, sizeof *p);
    p->task = task;
    p->width = w->frames < 1 ? 1 : w->frames < WIDTH ? w->frames : WIDTH;
    int64_t n = w->form.channels * p->width;
    p->low = audio_host->allocate(task, n * (int64_t)sizeof *p->low);
    p->high = audio_host->allocate(task, n * (int64_t)sizeof *p->high);
    p->ring = audio_host->allocate(task, w->form.channels * AUDIO_SPECTRUM * (int64_t)sizeof *p->ring);
    p->shades = audio_host->allocate(task, n * LANE);
    if (!p->low || !p->high || !p->ring || !p->shades) {
        int32_t status = audio_fail(task, ARDM_PLUGIN_ENOMEM, "no memory for a picture of %lld columns", (long long)p->width);
        free_picture(task, p);
        return status;
    }
    for (int64_t i = 0; i < n; ++i) {
        p->low[i] = INT32_MAX;
        p->high[i] = INT32_MIN;
    }
    memset(p->shades, PAPER, (size_t)(n * LANE));
    w->state = p;
    w->write = look;
    w->end = end_picture;
    return ARDM_PLUGIN_OK;
}
