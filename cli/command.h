/* The program is a table of commands; each file of this folder is one. This header is what they share: options, help, exit codes. */
#ifndef ARDM_CLI_COMMAND_H
#define ARDM_CLI_COMMAND_H

#include <stdio.h>

#include "ardm/config.h"
#include "ardm/device.h"
#include "ardm/log.h"
#include "ardm/status.h"

enum { EXIT_GOOD = 0, EXIT_ERROR = 1, EXIT_WARNING = 2, EXIT_MODEL = 3, EXIT_INEXACT = 4, EXIT_INTERRUPTED = 130 };

typedef struct option {
    const char *name;  /* "output" for --output */
    char letter;       /* 'o' for -o, 0 none */
    const char *value; /* what the value is, for help: "FILE"; NULL: a switch */
    const char *help;
} option;

typedef struct command command;

/* A parsed command line. Values are those of the last occurrence. */
typedef struct arguments {
    const command *command;
    const char *values[48]; /* by index: common options first, then the command's; "" for a switch that is on */
    const char **files;     /* what is no option, in order */
    int32_t n_files;
} arguments;

struct command {
    const char *name, *usage, *summary, *example;
    const option *options; /* ends with a NULL name */
    ardm_status (*run)(const arguments *args);
};

/* For main: the command line of `which` behind its name; help; --memory as bytes. */
ardm_status arguments_parse(arguments *out, const command *which, int argc, char **argv);
void command_help(FILE *stream, const command *which);
ardm_status memory_limit_parse(uint64_t *out, const char *text);

/* NULL when not given. The name must be a common option or one of the command's (asserted). */
const char *argument(const arguments *args, const char *name);
int32_t has(const arguments *args, const char *name);
ardm_status argument_int(int64_t *out, const arguments *args, const char *name, int64_t fallback, int64_t low, int64_t high);
ardm_status need_files(const arguments *args, int32_t least, int32_t most);
ardm_status open_device(ardm_device **out, const arguments *args);            /* --device; says on -v what it took */
uint64_t memory_limit(const arguments *args);                                 /* --memory in bytes; default 2 GiB */
ardm_status range_of(int64_t *first, int64_t *end, const char *text);         /* "A:B", NULL: everything; end INT64_MAX when open */
ardm_status items_range(int64_t *first, int64_t *end, const arguments *args); /* --items A:B; end INT64_MAX when open */

extern const command command_devices, command_doctor, command_train, command_eval, command_sample, command_schedule, command_graph, command_plan,
    command_model, command_compress, command_decompress, command_list, command_test, command_infill, command_refine, command_cache, command_plugin,
    command_report;

#endif
