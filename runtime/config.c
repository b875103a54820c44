/* config.c: values of an INI text by its schema. iniparser is one user at a time and reads only files, so its calls hold a lock
 * and the text passes through an anonymous one. */
#define _GNU_SOURCE /* memfd_create */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <iniparser.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct value {
    const ardm_config_key *key;
    char *text; /* NULL: the default holds */
    int64_t whole;
    double real;
} value;

struct ardm_config {
    size_t n;
    value values[];
};

/* ---- iniparser ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char complaint[256]; /* the last message of iniparser, under the lock */

static int keep_complaint(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(complaint, sizeof complaint, format, arguments);
    va_end(arguments);
    complaint[strcspn(complaint, "\n")] = '\0';
    return written;
}

static ardm_status load(dictionary **out, const char *name, const char *text, size_t size) {
    char path[32];
    int descriptor = memfd_create("ardm-config", MFD_CLOEXEC);
    if (descriptor < 0) return ardm_fail(ARDM_EIO, "%s: no anonymous file: %s", name, strerror(errno));
    ardm_status status = ARDM_OK;
    for (size_t done = 0; done < size;) {
        ssize_t n = write(descriptor, text + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            status = ardm_fail(ARDM_EIO, "%s: anonymous file cannot be written: %s", name, strerror(errno));
            goto fail;
        }
        done += (size_t)n;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    complaint[0] = '\0';
    iniparser_set_error_callback(keep_complaint);
    *out = iniparser_load(path);
    if (!*out) status = ardm_fail(ARDM_EINVAL, "%s: iniparser refuses it: %s", name, *complaint ? complaint : "no reason given");
fail:
    close(descriptor);
    return status;
}

/* ---- schema ---- */

/* Whether `text` is among "a|b|c". */
static int is_choice(const char *choices, const char *text) {
    const size_t length = strlen(text);
    for (const char *at = choices; *at;) {
        size_t n = strcspn(at, "|");
        if (n == length && !memcmp(at, text, n)) return 1;
        at += n + (at[n] == '|');
    }
    return 0;
}

static int parse_bool(int64_t *out, const char *text) {
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (int i = 0; i < 8; i++)
        if (!strcmp(text, words[i])) {
            *out = i & 1;
            return 1;
        }
    return 0;
}

static double whole_bound(double bound) { return bound < -0x1p62 ? -0x1p62 : bound > 0x1p62 ? 0x1p62 : bound; }

static ardm_status take(value *v, const char *what, const char *text) {
    const ardm_config_key *key = v->key;
    switch (key->type) {
    case ARDM_KEY_TEXT:
        return ARDM_OK;
    case ARDM_KEY_INT:
        return ardm_parse_int(&v->whole, what, text, (int64_t)whole_bound(key->low), (int64_t)whole_bound(key->high));
    case ARDM_KEY_FLOAT:
        return ardm_parse_float(&v->real, what, text, key->low, key->high);
    case ARDM_KEY_BOOL:
        if (!parse_bool(&v->whole, text)) return ardm_fail(ARDM_EINVAL, "%s: \"%.80s\" is neither yes nor no", what, text);
        return ARDM_OK;
    case ARDM_KEY_CHOICE:
        if (!is_choice(key->choices, text)) return ardm_fail(ARDM_EINVAL, "%s: \"%.80s\" is not one of %s", what, text, key->choices);
        return ARDM_OK;
    default:
        return ardm_fail(ARDM_EINVAL, "%s: the schema has a type %d that does not exist", what, (int)key->type);
    }
}

static value *find(ardm_config *config, const char *section, const char *name) {
    for (size_t i = 0; i < config->n; i++) {
        const ardm_config_key *key = config->values[i].key;
        if (!strcmp(key->section, section) && !strcmp(key->name, name)) return &config->values[i];
    }
    return NULL;
}

/* Reports an unknown section or key with the nearest known one, or with the section that does have the key. */
static ardm_status unknown(const ardm_config *config, const char *name, const ardm_ini_line *line) {
    const char **names = malloc((config->n + 1) * sizeof *names);
    if (!names) return ardm_fail(ARDM_ENOMEM, "%s: no memory for %zu names", name, config->n);
    size_t n = 0;
    int known_section = 0;
    const char *home = NULL;
    for (size_t i = 0; i < config->n; i++) {
        const ardm_config_key *key = config->values[i].key;
        known_section |= !strcmp(key->section, line->section);
        if (*line->key && !strcmp(key->name, line->key)) home = key->section;
    }
    for (size_t i = 0; i < config->n; i++) {
        const ardm_config_key *key = config->values[i].key;
        if (!known_section) names[n++] = key->section;
        if (known_section && !strcmp(key->section, line->section)) names[n++] = key->name;
    }
    names[n] = NULL;
    const char *nearest = ardm_nearest(known_section ? line->key : line->section, names);
    const unsigned number = (unsigned)line->number;
    if (!known_section && nearest)
        ardm_fail(ARDM_EINVAL, "%s:%u: section [%s] is unknown; the nearest is [%s]", name, number, line->section, nearest);
    else if (!known_section)
        ardm_fail(ARDM_EINVAL, "%s:%u: section [%s] is unknown", name, number, line->section);
    else if (nearest)
        ardm_fail(ARDM_EINVAL, "%s:%u: [%s] has no key %s; the nearest is %s", name, number, line->section, line->key, nearest);
    else if (home)
        ardm_fail(ARDM_EINVAL, "%s:%u: [%s] has no key %s; it belongs to [%s]", name, number, line->section, line->key, home);
    else
        ardm_fail(ARDM_EINVAL, "%s:%u: [%s] has no key %s", name, number, line->section, line->key);
    free(names);
    return ARDM_EINVAL;
}

static int known_section(const ardm_config *config, const char *section) {
    for (size_t i = 0; i < config->n; i++)
        if (!strcmp(config->values[i].key->section, section)) return 1;
    return 0;
}

/* Everything unknown is refused before iniparser sees the text, so its dictionary is no larger than the schema. */
static ardm_status check_names(ardm_config *config, const char *name, const ardm_ini_line *lines, size_t n_lines) {
    for (size_t i = 0; i < n_lines; i++) {
        const ardm_ini_line *line = &lines[i];
        if (*line->key ? !find(config, line->section, line->key) : !known_section(config, line->section)) return unknown(config, name, line);
    }
    return ARDM_OK;
}

static ardm_status take_line(ardm_config *config, const char *name, const ardm_ini_line *line, const dictionary *read) {
    char path[2 * ARDM_CONFIG_LONGEST_NAME + 2], what[512];
    snprintf(path, sizeof path, "%s:%s", line->section, line->key);
    snprintf(what, sizeof what, "%.300s:%u: [%s] %s", name, (unsigned)line->number, line->section, line->key);
    const char *text = iniparser_getstring(read, path, NULL);
    if (!text) return ardm_fail(ARDM_EINVAL, "%s: iniparser does not find its value", what);
    value *v = find(config, line->section, line->key);
    v->text = strdup(text);
    if (!v->text) return ardm_fail(ARDM_ENOMEM, "%s: no memory for %zu bytes", what, strlen(text));
    return take(v, what, v->text);
}

static ardm_status take_defaults(ardm_config *config, const char *name) {
    for (size_t i = 0; i < config->n; i++) {
        value *v = &config->values[i];
        char what[512];
        if (v->text) continue;
        snprintf(what, sizeof what, "%.300s: [%s] %s", name, v->key->section, v->key->name);
        if (!v->key->fallback)
            return ardm_fail(ARDM_EINVAL, "%s: must be given%s%s", what, v->key->help ? ": " : "", v->key->help ? v->key->help : "");
        ARDM_TRY(take(v, what, v->key->fallback));
    }
    return ARDM_OK;
}

ardm_status ardm_config_parse(ardm_config **out, const char *name, const char *text, size_t size, const ardm_config_key *keys, size_t n_keys) {
    *out = NULL;
    ardm_config *config = calloc(1, sizeof *config + n_keys * sizeof *config->values);
    if (!config) return ardm_fail(ARDM_ENOMEM, "%s: no memory for %zu values", name, n_keys);
    config->n = n_keys;
    for (size_t i = 0; i < n_keys; i++) config->values[i].key = &keys[i];

    ardm_ini_line *lines = NULL;
    size_t n_lines = 0;
    dictionary *read = NULL;
    if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) text += 3, size -= 3; /* a byte order mark */
    ardm_status status = ardm_ini__scan(&lines, &n_lines, name, text, size);
    if (!status) status = check_names(config, name, lines, n_lines);
    if (!status && n_lines) {
        pthread_mutex_lock(&lock);
        status = load(&read, name, text, size);
        for (size_t i = 0; !status && i < n_lines; i++)
            if (*lines[i].key) status = take_line(config, name, &lines[i], read);
        if (read) iniparser_freedict(read);
        pthread_mutex_unlock(&lock);
    }
    if (!status) status = take_defaults(config, name);
    free(lines);
    if (status) ardm_config_free(&config);
    *out = config;
    return status;
}

void ardm_config_free(ardm_config **config) {
    if (!*config) return;
    for (size_t i = 0; i < (*config)->n; i++) free((*config)->values[i].text);
    free(*config);
    *config = NULL;
}

/* ---- values ---- */

/* A key outside the schema is a mistake of the program, in release builds too. */
static const value *get(const ardm_config *config, const char *section, const char *name) {
    for (size_t i = 0; i < config->n; i++) {
        const ardm_config_key *key = config->values[i].key;
        if (!strcmp(key->section, section) && !strcmp(key->name, name)) return &config->values[i];
    }
    assert(!"the key is in the schema");
    abort();
}

const char *ardm_config_text(const ardm_config *config, const char *section, const char *name) {
    const value *v = get(config, section, name);
    return v->text ? v->text : v->key->fallback;
}

int64_t ardm_config_int(const ardm_config *config, const char *section, const char *name) {
    const value *v = get(config, section, name);
    assert(v->key->type == ARDM_KEY_INT);
    return v->whole;
}

double ardm_config_float(const ardm_config *config, const char *section, const char *name) {
    const value *v = get(config, section, name);
    assert(v->key->type == ARDM_KEY_FLOAT);
    return v->real;
}

int32_t ardm_config_bool(const ardm_config *config, const char *section, const char *name) {
    const value *v = get(config, section, name);
    assert(v->key->type == ARDM_KEY_BOOL);
    return v->whole != 0;
}

int32_t ardm_config_given(const ardm_config *config, const char *section, const char *name) { return get(config, section, name)->text != NULL; }
