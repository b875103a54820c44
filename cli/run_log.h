/* log.csv of a run folder, as it is found: rows by column, each field as text and as a number. */
#ifndef ARDM_CLI_RUN_LOG_H
#define ARDM_CLI_RUN_LOG_H

#include "ardm/file.h"

enum { LOG_STEP, LOG_SECONDS, LOG_ITEMS, LOG_BITS, LOG_BOUND, LOG_ERROR, LOG_RATE, LOG_NORM, LOG_CLIPPED, LOG_FLUSHED, LOG_COLUMNS };

typedef struct run_log {
    uint32_t n;       /* rows */
    uint32_t dropped; /* lines that are no rows */
    int32_t cut;      /* the last line has no end and is left out: the file is being written, or was when the machine stopped */
    ardm_bytes text;
    const char **field;         /* [n * LOG_COLUMNS], NULL where a row has none */
    double *value[LOG_COLUMNS]; /* [n], NaN where there is no finite number */
} run_log;

/* The name that the header gives a column. */
const char *run_log_name(int32_t column);
/* A file that is not there is a log of no rows. ARDM_ENOMEM, ARDM_EIO. */
ardm_status run_log_read(run_log *out, const char *path, uint64_t memory);
void run_log_free(run_log *log);
/* The text of a row's column; "" where there is none. */
const char *run_log_field(const run_log *log, uint32_t row, int32_t column);

#endif
