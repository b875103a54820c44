/* Rows of log.csv. Columns go by the header's names: a log of an older program has fewer. */
#include "run_log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[LOG_COLUMNS] = {"step",        "seconds", "items",     "bits_per_dim", "bound",
                                               "bound_error", "lr",      "grad_norm", "clipped",      "flushed"};

enum { MOST_FIELDS = 64 };

const char *run_log_name(int32_t column) { return names[column]; }

const char *run_log_field(const run_log *log, uint32_t row, int32_t column) {
    const char *text = log->field[(size_t)row * LOG_COLUMNS + column];
    return text ? text : "";
}

void run_log_free(run_log *log) {
    for (int32_t c = 0; c < LOG_COLUMNS; c++) free(log->value[c]);
    free(log->field);
    ardm_bytes_free(&log->text);
    memset(log, 0, sizeof *log);
}

/* Cuts a line at its commas, in place. */
static uint32_t fields_of(char *fields[MOST_FIELDS], char *line) {
    uint32_t n = 0;
    for (char *at = line; n < MOST_FIELDS;) {
        fields[n++] = at;
        at = strchr(at, ',');
        if (!at) break;
        *at++ = 0;
    }
    return n;
}

static double number(const char *text) {
    char *end = NULL;
    const double value = text && *text ? strtod(text, &end) : NAN;
    return end && *end == 0 && isfinite(value) ? value : NAN;
}

static ardm_status make_room(run_log *log, uint32_t rows) {
    log->field = calloc((size_t)rows * LOG_COLUMNS + 1, sizeof *log->field);
    int32_t whole = log->field != NULL;
    for (int32_t c = 0; c < LOG_COLUMNS; c++) whole &= (log->value[c] = malloc((rows + 1) * sizeof **log->value)) != NULL;
    return whole ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for %u rows of a log", rows);
}

/* place[k]: the column that field k of a row is, -1 none. */
static void take_row(run_log *log, char *line, const int32_t place[MOST_FIELDS]) {
    char *fields[MOST_FIELDS];
    const uint32_t n = fields_of(fields, line);
    const char **row = log->field + (size_t)log->n * LOG_COLUMNS;
    for (uint32_t k = 0; k < n; k++)
        if (place[k] >= 0) row[place[k]] = fields[k];
    if (isnan(number(row[LOG_STEP]))) {
        memset(row, 0, LOG_COLUMNS * sizeof *row);
        log->dropped++;
        return;
    }
    for (int32_t c = 0; c < LOG_COLUMNS; c++) log->value[c][log->n] = number(row[c]);
    log->n++;
}

ardm_status run_log_read(run_log *out, const char *path, uint64_t memory) {
    memset(out, 0, sizeof *out);
    if (!ardm_file_exists(path)) return ARDM_OK;
    ARDM_TRY(ardm_file_read(&out->text, path, memory, 0));
    char *text = (char *)out->text.data, *end = text + out->text.size;
    uint32_t lines = 0;
    for (char *at = text; at < end; at++) {
        if (*at == 0) *at = '?'; /* no text: its line will be no row */
        lines += *at == '\n';
    }
    out->cut = out->text.size > 0 && end[-1] != '\n';
    ardm_status status = make_room(out, lines);
    int32_t place[MOST_FIELDS], first = 1;
    for (char *line = text, *next; status == ARDM_OK && line < end; line = next, first = 0) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop) break;
        next = stop + 1;
        *stop = 0;
        if (stop > line && stop[-1] == '\r') stop[-1] = 0;
        if (!first) {
            take_row(out, line, place);
            continue;
        }
        char *fields[MOST_FIELDS];
        const uint32_t n = fields_of(fields, line);
        for (uint32_t k = 0; k < MOST_FIELDS; k++) place[k] = -1;
        for (uint32_t k = 0; k < n; k++)
            for (int32_t c = 0; c < LOG_COLUMNS; c++)
                if (strcmp(fields[k], names[c]) == 0) place[k] = c;
    }
    if (status != ARDM_OK) run_log_free(out);
    return status;
}
