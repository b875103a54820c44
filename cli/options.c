/* Command lines: long and short options anywhere among the files, "--" ends them, unknown words name the nearest known one. */
#include "command.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const option common[] = {
    {"device", 'D', "NAME", "cpu, gpu, reference, platform:device or part of a name (see ardm devices)"},
    {"seed", 's', "N", "random seed; default 0"},
    {"memory", 'M', "SIZE", "limit, e.g. 2G or 512M; default 2G"},
    {"items", 0, "A:B", "items A to B-1 of the data alone"},
    {"json", 0, NULL, "print JSON"},
    {"no-fallback", 0, NULL, "a kernel variant that fails is an error, not a warning"},
    {"force", 'f', NULL, "overwrite existing files"},
    {"quiet", 'q', NULL, "errors only"},
    {"verbose", 'v', NULL, "tell counts, timings and choices"},
    {"help", 'h', NULL, "this text"},
    {NULL, 0, NULL, NULL},
};
enum { N_COMMON = sizeof common / sizeof *common - 1 };

static int32_t find(const command *which, const char *name, size_t length) {
    for (int32_t i = 0; i < N_COMMON; i++)
        if (strlen(common[i].name) == length && memcmp(common[i].name, name, length) == 0) return i;
    for (int32_t i = 0; which->options[i].name; i++)
        if (strlen(which->options[i].name) == length && memcmp(which->options[i].name, name, length) == 0) return N_COMMON + i;
    return -1;
}

static int32_t find_letter(const command *which, char letter) {
    for (int32_t i = 0; i < N_COMMON; i++)
        if (common[i].letter == letter) return i;
    for (int32_t i = 0; which->options[i].name; i++)
        if (which->options[i].letter == letter) return N_COMMON + i;
    return -1;
}

static const option *at(const command *which, int32_t index) { return index < N_COMMON ? &common[index] : &which->options[index - N_COMMON]; }

static ardm_status unknown(const command *which, const char *word, size_t length) {
    const char *names[64];
    int32_t n = 0;
    for (int32_t i = 0; i < N_COMMON; i++) names[n++] = common[i].name;
    for (int32_t i = 0; which->options[i].name; i++) names[n++] = which->options[i].name;
    names[n] = NULL;
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(length < 60 ? length : 60), word);
    const char *near = ardm_nearest(name, names);
    if (near) return ardm_fail(ARDM_EINVAL, "unknown option --%s; did you mean --%s?", name, near);
    return ardm_fail(ARDM_EINVAL, "unknown option --%s; see ardm %s --help", name, which->name);
}

ardm_status arguments_parse(arguments *out, const command *which, int argc, char **argv) {
    memset(out, 0, sizeof *out);
    out->command = which;
    out->files = calloc((size_t)argc + 1, sizeof *out->files);
    if (!out->files) return ardm_fail(ARDM_ENOMEM, "no memory for %d arguments", argc);
    int32_t options_end = 0;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (options_end || word[0] != '-' || !word[1]) {
            out->files[out->n_files++] = word;
        } else if (strcmp(word, "--") == 0) {
            options_end = 1;
        } else if (word[1] == '-') {
            const char *equals = strchr(word, '=');
            size_t length = equals ? (size_t)(equals - word - 2) : strlen(word + 2);
            int32_t index = find(which, word + 2, length);
            if (index < 0) return unknown(which, word + 2, length);
            if (!at(which, index)->value) {
                if (equals) return ardm_fail(ARDM_EINVAL, "--%s takes no value", at(which, index)->name);
                out->values[index] = "";
            } else {
                if (!equals && i + 1 >= argc)
                    return ardm_fail(ARDM_EINVAL, "--%s needs a value: %s", at(which, index)->name, at(which, index)->value);
                out->values[index] = equals ? equals + 1 : argv[++i];
            }
        } else {
            for (const char *letter = word + 1; *letter; letter++) {
                int32_t index = find_letter(which, *letter);
                if (index < 0) return ardm_fail(ARDM_EINVAL, "unknown option -%c; see ardm %s --help", *letter, which->name);
                if (!at(which, index)->value) {
                    out->values[index] = "";
                    continue;
                }
                if (!letter[1] && i + 1 >= argc) return ardm_fail(ARDM_EINVAL, "-%c needs a value: %s", *letter, at(which, index)->value);
                out->values[index] = letter[1] ? letter + 1 : argv[++i];
                break;
            }
        }
    }
    return ARDM_OK;
}

static void print_options(FILE *stream, const option *list) {
    for (; list->name; list++) {
        char left[64];
        snprintf(left, sizeof left, "%s%c%s --%s%s%s", list->letter ? "-" : " ", list->letter ? list->letter : ' ', list->letter ? "," : " ",
                 list->name, list->value ? " " : "", list->value ? list->value : "");
        fprintf(stream, "  %-26s %s\n", left, list->help);
    }
}

void command_help(FILE *stream, const command *which) {
    fprintf(stream, "ardm %s %s\n%s\n\n", which->name, which->usage, which->summary);
    print_options(stream, which->options);
    print_options(stream, common);
    fprintf(stream, "\nexample: %s\n", which->example);
}

const char *argument(const arguments *args, const char *name) {
    int32_t index = find(args->command, name, strlen(name));
    assert(index >= 0);
    return args->values[index];
}

int32_t has(const arguments *args, const char *name) { return argument(args, name) != NULL; }

ardm_status argument_int(int64_t *out, const arguments *args, const char *name, int64_t fallback, int64_t low, int64_t high) {
    const char *text = argument(args, name);
    *out = fallback;
    return text ? ardm_parse_int(out, name, text, low, high) : ARDM_OK;
}

ardm_status need_files(const arguments *args, int32_t least, int32_t most) {
    if (args->n_files < least || args->n_files > most) return ardm_fail(ARDM_EINVAL, "usage: ardm %s %s", args->command->name, args->command->usage);
    return ARDM_OK;
}

ardm_status open_device(ardm_device **out, const arguments *args) {
    ARDM_TRY(ardm_device_open(out, argument(args, "device")));
    ardm_log_write(ARDM_LOG_INFO, "device: %s", ardm_device_name(*out));
    return ARDM_OK;
}

ardm_status memory_limit_parse(uint64_t *out, const char *text) {
    *out = (uint64_t)2 << 30;
    if (!text) return ARDM_OK;
    char digits[24];
    size_t n = strspn(text, "0123456789");
    if (n == 0 || n >= sizeof digits) return ardm_fail(ARDM_EINVAL, "--memory %s: give a size such as 2G, 512M or 1000000", text);
    memcpy(digits, text, n);
    digits[n] = 0;
    int64_t value = 0;
    ARDM_TRY(ardm_parse_int(&value, "memory", digits, 1, (int64_t)1 << 42));
    int shift = 0;
    if (text[n] && !text[n + 1])
        shift = text[n] == 'K' ? 10 : text[n] == 'M' ? 20 : text[n] == 'G' ? 30 : -1;
    else if (text[n])
        shift = -1;
    if (shift < 0 || value > ((int64_t)1 << 42 >> shift)) return ardm_fail(ARDM_EINVAL, "--memory %s: give a size such as 2G, 512M or 1000000", text);
    *out = (uint64_t)value << shift;
    return ARDM_OK;
}

uint64_t memory_limit(const arguments *args) {
    uint64_t bytes = 0;
    memory_limit_parse(&bytes, argument(args, "memory")); /* main has refused what does not parse */
    return bytes;
}

ardm_status items_range(int64_t *first, int64_t *end, const arguments *args) { return range_of(first, end, argument(args, "items")); }

ardm_status range_of(int64_t *first, int64_t *end, const char *text) {
    *first = 0;
    *end = INT64_MAX;
    if (!text) return ARDM_OK;
    const char *colon = strchr(text, ':');
    char head[24];
    if (!colon || (size_t)(colon - text) >= sizeof head) return ardm_fail(ARDM_EINVAL, "items %s: give a range such as 0:100", text);
    memcpy(head, text, (size_t)(colon - text));
    head[colon - text] = 0;
    if (head[0]) ARDM_TRY(ardm_parse_int(first, "items", head, 0, INT64_MAX - 1));
    if (colon[1]) ARDM_TRY(ardm_parse_int(end, "items", colon + 1, *first, INT64_MAX));
    return ARDM_OK;
}
