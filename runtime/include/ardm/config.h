/* ardm/config.h (runtime): INI files read through iniparser as strings, and one schema that says what may be in them.
 *
 * Numbers are parsed here, strictly, in the C locale; unknown keys are errors that name the nearest known one. */
#ifndef ARDM_CONFIG_H
#define ARDM_CONFIG_H

#include <stddef.h>

#include "ardm/status.h"

enum { ARDM_KEY_TEXT = 1, ARDM_KEY_INT = 2, ARDM_KEY_FLOAT = 3, ARDM_KEY_BOOL = 4, ARDM_KEY_CHOICE = 5 };

typedef struct ardm_config_key {
    const char *section, *name;
    int32_t type;
    const char *fallback; /* default as text; NULL: must be given */
    double low, high;     /* range of int and float, inclusive */
    const char *choices;  /* "absorbing|zero-least-significant" for ARDM_KEY_CHOICE */
    const char *unit, *help;
} ardm_config_key;

typedef struct ardm_config ardm_config;

/* Parses `text` (NUL-terminated; `name` is for messages) against `keys`. Rejects NUL, lines over 1,000 bytes, repeated
 * keys and sections, unknown keys, values out of range: ARDM_EINVAL with line or key. `keys` is borrowed until the config is freed;
 * sections and names in it are lower case. */
ardm_status ardm_config_parse(ardm_config **out, const char *name, const char *text, size_t size, const ardm_config_key *keys, size_t n_keys);
void ardm_config_free(ardm_config **config);

/* Values after defaults; the section and key must be in the schema (asserted). */
const char *ardm_config_text(const ardm_config *config, const char *section, const char *name);
int64_t ardm_config_int(const ardm_config *config, const char *section, const char *name);
double ardm_config_float(const ardm_config *config, const char *section, const char *name);
int32_t ardm_config_bool(const ardm_config *config, const char *section, const char *name);
int32_t ardm_config_given(const ardm_config *config, const char *section, const char *name); /* 0: the default holds */

/* Strict number parsing for command lines and configs: the whole text, C locale, no octal, range checked. */
ardm_status ardm_parse_int(int64_t *out, const char *what, const char *text, int64_t low, int64_t high);
ardm_status ardm_parse_float(double *out, const char *what, const char *text, double low, double high);

/* The name in `names` (NULL-terminated) nearest to `word` by edit distance, or NULL when none is near. */
const char *ardm_nearest(const char *word, const char *const *names);

#endif
