/* ardm: order-agnostic autoregressive diffusion models on any OpenCL device. This file knows the commands and nothing of their work. */
#include "command.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const command *const commands[] = {
    &command_train,    &command_eval,       &command_sample,  &command_infill, &command_refine, &command_schedule,
    &command_compress, &command_decompress, &command_list,    &command_test,   &command_graph,  &command_plan,
    &command_model,    &command_report,     &command_devices, &command_doctor, &command_cache,  &command_plugin,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void interrupt(int number) {
    (void)number;
    ardm_interrupt();
}

static int progress_shown;

static void clear_progress(void) {
    if (progress_shown) fputs("\r\033[K", stderr);
    progress_shown = 0;
}

static void log_line(void *user, int32_t level, const char *line) {
    (void)user;
    clear_progress();
    fprintf(stderr, "%s%s\n", level == ARDM_LOG_ERROR ? "ardm: " : level == ARDM_LOG_WARNING ? "ardm: warning: " : "", line);
}

static void show_progress(void *user, const char *task, double done, double total, const char *unit, const char *note) {
    static double started, shown_at;
    static const char *shown_task;
    (void)user;
    double now = ardm_clock();
    if (shown_task != task) started = now, shown_at = 0, shown_task = task;
    if (now - shown_at < 0.2) return;
    shown_at = now;
    double rate = now > started ? done / (now - started) : 0;
    fprintf(stderr, "\r\033[K%s %.0f", task, done);
    if (total > 0) fprintf(stderr, "/%.0f", total);
    fprintf(stderr, " %s, %.3g/s", unit, rate);
    if (total > 0 && rate > 0) fprintf(stderr, ", %.0f s left", (total - done) / rate);
    if (note) fprintf(stderr, ", %s", note);
    fflush(stderr);
    progress_shown = 1;
}

static void help(FILE *stream) {
    fputs("ardm: order-agnostic autoregressive diffusion models on any OpenCL device\n\nusage: ardm COMMAND [OPTIONS] …; ardm COMMAND --help tells "
          "more\n\n",
          stream);
    for (int i = 0; i < N_COMMANDS; i++) fprintf(stream, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
}

static int exit_code(ardm_status status) {
    switch (status) {
    case ARDM_OK:
        return ardm_log_warnings() ? EXIT_WARNING : EXIT_GOOD;
    case ARDM_EMODEL:
        return EXIT_MODEL;
    case ARDM_EINEXACT:
        return EXIT_INEXACT;
    case ARDM_EINTERRUPT:
        return EXIT_INTERRUPTED;
    default:
        return EXIT_ERROR;
    }
}

int main(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        help(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_ERROR : EXIT_GOOD;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("ardm %s\n", ARDM_VERSION);
        return EXIT_GOOD;
    }
    const char *names[N_COMMANDS + 1] = {NULL};
    const command *which = NULL;
    for (int i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i]->name;
        if (strcmp(argv[1], commands[i]->name) == 0) which = commands[i];
    }
    if (!which) {
        const char *near = ardm_nearest(argv[1], names);
        fprintf(stderr, "ardm: no command '%s'%s%s; ardm --help lists them\n", argv[1], near ? "; did you mean " : "", near ? near : "");
        return EXIT_ERROR;
    }
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    ardm_log_set(log_line, NULL, ARDM_LOG_WARNING);
    arguments args;
    ardm_status status = arguments_parse(&args, which, argc - 2, argv + 2);
    uint64_t bytes;
    if (status == ARDM_OK) status = memory_limit_parse(&bytes, argument(&args, "memory"));
    if (status == ARDM_OK && has(&args, "help")) {
        command_help(stdout, which);
    } else if (status == ARDM_OK) {
        int32_t level = has(&args, "quiet") ? ARDM_LOG_ERROR : has(&args, "verbose") ? ARDM_LOG_INFO : ARDM_LOG_WARNING;
        ardm_log_set(log_line, NULL, level);
        if (isatty(STDERR_FILENO) && level != ARDM_LOG_ERROR) ardm_progress_set(show_progress, NULL);
        status = which->run(&args);
    }
    clear_progress();
    if (status != ARDM_OK) fprintf(stderr, "ardm: %s\n", ardm_message());
    free(args.files);
    if (fflush(stdout) != 0 && status == ARDM_OK) {
        fprintf(stderr, "ardm: standard output: write failed\n");
        status = ARDM_EIO;
    }
    return exit_code(status);
}
