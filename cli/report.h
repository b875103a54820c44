/* The parts of ardm report, which training calls too: a page about a run folder. One file a part. */
#ifndef ARDM_CLI_REPORT_H
#define ARDM_CLI_REPORT_H

#include "model_file.h"

#include <jansson.h>

#include "ardm/budget.h"
#include "ardm/recipe.h"
#include "html.h"
#include "run_log.h"

typedef struct report_options {
    const char *folder;
    const char *output;      /* NULL: report.html of the folder, which is replaced */
    const char *root;        /* where relative paths of the config start, NULL: $ARDM_DATA */
    const char *device_name; /* of --device */
    ardm_device *device;     /* borrowed; NULL: opened by name when there is a model to open */
    int32_t log_only;        /* 1: no model is opened: what training can afford at each evaluation */
    int32_t overwrite;
    int64_t samples, steps, seed; /* samples 0: no pictures; steps 0: few calls */
    uint64_t memory;
} report_options;

/* What was found in the folder. What is not there, or cannot be read, is NULL or empty, and the page says so. */
typedef struct report {
    const report_options *options;
    html page;
    run_log log;
    ardm_bytes config; /* config.ini, else the checkpoint's */
    ardm_recipe *recipe;
    char config_wrong[1024], model_wrong[1024]; /* why not */
    char config_path[4096], model_path[4096], checkpoint[4096];
    int64_t checkpoint_step; /* -1: no checkpoint that can be read */
    ardm_device *own;        /* opened here */
    ardm_predictor predictor;
    int32_t has_model; /* the predictor is open */
    json_t *training;  /* ardm.training of the model, else NULL */
} report;

/* Writes the page. Where a part of it fails, the page says why and a warning tells. */
ardm_status write_report(const report_options *options);
/* For training: replaces report.html of the folder, without pictures; the first failure is a warning and never more. log_only as above. */
void refresh_report(const char *folder, ardm_device *device, int32_t log_only, uint64_t memory);

/* "ardm WORDS FOLDER/NAME", quoted for a shell; NAME NULL: the folder itself. Freed by the caller. */
ardm_status report_word(ardm_bytes *out, const report *r, const char *name);
/* Seconds a step of a row of the log, NaN where it cannot be told. */
double report_pace(const run_log *log, uint32_t row);

void report_summary(report *r);  /* report_facts.c */
void report_facts(report *r);    /* report_facts.c */
void report_curves(report *r);   /* report_curves.c */
void report_budgets(report *r);  /* report_budgets.c */
void report_pictures(report *r); /* report_pictures.c: samples; report_held_out.c */
void report_held_out(report *r, const ardm_budget *budget);
void report_log(report *r); /* report_log.c */

/* A failure of one part: told on the page and as a warning. An interrupt ends the page instead. */
void report_failed(report *r, const char *what, ardm_status status);

#endif
