/* config.h: what the pre-scan of an INI text tells its reader. */
#ifndef ARDM_RUNTIME_CONFIG_H
#define ARDM_RUNTIME_CONFIG_H

#include "ardm/config.h"

enum { ARDM_CONFIG_LONGEST_LINE = 1000, ARDM_CONFIG_LONGEST_NAME = 63 };

/* One line that matters: a section (key "") or a key in it, lower case. */
typedef struct ardm_ini_line {
    char section[ARDM_CONFIG_LONGEST_NAME + 1], key[ARDM_CONFIG_LONGEST_NAME + 1];
    uint32_t number; /* from 1 */
} ardm_ini_line;

/* Rejects what iniparser would read differently from a person: see ini.c. The caller frees *lines. */
ardm_status ardm_ini__scan(ardm_ini_line **lines, size_t *n_lines, const char *name, const char *text, size_t size);

#endif
