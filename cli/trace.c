/* Traces as listings, sheets and folders, through what writes samples. */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#include "ardm/file.h"
#include "picture.h"

enum { FRAMES = 16, LISTING = 1, SHEET = 2, FOLDER = 3 };

struct trace {
    const char *path;
    const ardm_predictor *predictor;
    const arguments *args;
    const ardm_process *process;
    ardm_layout layout;
    int32_t kind;
    uint32_t n_frames, room; /* room: items that `frames` holds */
    int32_t *frames;         /* i32[room, units, parts] */
    ardm_bytes text;
};

ardm_status trace_open(trace **out, const char *path, const ardm_predictor *predictor, const ardm_layout *layout, const arguments *args) {
    const size_t n = strlen(path);
    *out = NULL;
    trace *t = calloc(1, sizeof *t);
    if (!t) return ardm_fail(ARDM_ENOMEM, "no memory for a trace");
    *out = t;
    t->path = path;
    t->predictor = predictor;
    t->args = args;
    t->process = ardm_session_process(predictor->session);
    t->layout = *layout;
    t->kind = strcmp(predictor->modality, "text") == 0 ? LISTING : n > 4 && strcmp(path + n - 4, ".png") == 0 ? SHEET : FOLDER;
    ardm_status status = ARDM_OK;
    if (t->kind != LISTING && !(t->frames = malloc((size_t)FRAMES * ardm_layout_symbols(layout) * sizeof *t->frames)))
        status = ardm_fail(ARDM_ENOMEM, "no memory for %d frames of %u symbols", FRAMES, ardm_layout_symbols(layout));
    else if (t->kind != LISTING)
        t->room = FRAMES;
    if (status == ARDM_OK && t->kind != FOLDER && strcmp(path, "-") != 0 && !has(args, "force") && ardm_file_exists(path))
        status = ardm_fail(ARDM_EEXIST, "%s exists; -f overwrites it", path);
    if (status == ARDM_OK && t->kind == FOLDER && strcmp(path, "-") == 0)
        status = ardm_fail(ARDM_EINVAL, "a trace of pictures or sounds is FILE.png or a folder, not standard output");
    if (status == ARDM_OK && t->kind == FOLDER) status = ardm_make_directories(path);
    if (status == ARDM_OK && t->kind == LISTING)
        status = ardm_bytes_printf(&t->text, "# call\tknown of the first sample: _ nothing, ? what it may be, . not printable\n");
    if (status != ARDM_OK) trace_free(out);
    return status;
}

void trace_free(trace **t) {
    if (!*t) return;
    free((*t)->frames);
    ardm_bytes_free(&(*t)->text);
    free(*t);
    *t = NULL;
}

/* Item `from` of a step as frame `to`. */
static void keep(trace *t, uint32_t to, const ardm_sample_step *step, uint32_t from) {
    const size_t symbols = ardm_layout_symbols(&t->layout);
    for (size_t u = 0; u < symbols; u++) {
        const uint32_t x = (uint32_t)step->symbols[from * symbols + u], partition = step->partition[from * symbols + u];
        t->frames[to * symbols + u] =
            (int32_t)((ardm_process_class(t->process, partition, x) + ardm_process_last(t->process, partition, x, NULL)) / 2);
    }
}

static ardm_status list(trace *t, const ardm_sample_step *step) {
    const uint32_t symbols = ardm_layout_symbols(&t->layout), letters = ardm_process_classes(t->process) == 27;
    ARDM_TRY(ardm_bytes_printf(&t->text, "%u\t", step->call + 1));
    for (uint32_t u = 0; u < symbols; u++) {
        const uint32_t x = (uint32_t)step->symbols[u], partition = step->partition[u];
        const uint32_t alone = ardm_process_class(t->process, partition, x) == ardm_process_last(t->process, partition, x, NULL);
        char shown = partition == 0 ? '_' : !alone ? '?' : letters ? (char)(x ? 'a' + x - 1 : ' ') : x >= 32 && x < 127 ? (char)x : '.';
        if (alone && !letters && (x == '\n' || x == '\t' || x == '\r')) shown = ' ';
        ARDM_TRY(ardm_bytes_append(&t->text, &shown, 1));
    }
    return ardm_bytes_append(&t->text, "\n", 1);
}

ardm_status trace_step(void *of, const ardm_sample_step *step) {
    trace *t = of;
    if (step->first) return ARDM_OK; /* a later batch */
    if (t->kind == LISTING) return list(t, step);
    if (t->kind == SHEET) { /* the last call is always one of them */
        const uint32_t frames = step->calls < FRAMES ? step->calls : FRAMES;
        if (t->n_frames < frames && step->call + 1 == (uint64_t)(t->n_frames + 1) * step->calls / frames) keep(t, t->n_frames++, step, 0);
        return ARDM_OK;
    }
    char path[4096];
    const uint32_t n = step->n < t->room ? step->n : t->room;
    for (uint32_t k = 0; k < n; k++) keep(t, k, step, k);
    if (snprintf(path, sizeof path, "%s/step-%04u.png", t->path, step->call + 1) >= (int)sizeof path)
        return ardm_fail(ARDM_EINVAL, "path too long: %.80s…", t->path);
    return write_items(path, t->predictor, &t->layout, t->frames, n, t->args);
}

ardm_status trace_finish(trace *t) {
    if (t->kind == LISTING) return ardm_file_write(t->path, t->text.data, t->text.size, has(t->args, "force"));
    return t->kind == SHEET ? write_items(t->path, t->predictor, &t->layout, t->frames, t->n_frames, t->args) : ARDM_OK;
}
