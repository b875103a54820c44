/* ini.c: the pre-scan of INI text. iniparser 4.1 joins lines at a backslash, cuts what follows a closed quote, skips one-letter
 * lines, keeps the last of two equal keys and stops at NUL. What passes here has one reading. */
#include <stdlib.h>
#include <string.h>

#include "config.h"

typedef struct scan {
    ardm_ini_line *lines;
    size_t n, capacity;
    const char *name;
    uint32_t number;
    char section[ARDM_CONFIG_LONGEST_NAME + 1];
} scan;

static ardm_status bad_line(const scan *s, const char *reason) { return ardm_fail(ARDM_EINVAL, "%s:%u: %s", s->name, (unsigned)s->number, reason); }

static int is_space(char c) { return c == ' ' || c == '\t'; }

static int is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; }

static void trim(const char **begin, const char **end) {
    while (*begin < *end && is_space(**begin)) ++*begin;
    while (*begin < *end && is_space((*end)[-1])) --*end;
}

/* Copies a name in lower case, as iniparser keeps it; 0 when it is none. */
static int copy_name(char out[ARDM_CONFIG_LONGEST_NAME + 1], const char *begin, const char *end) {
    trim(&begin, &end);
    size_t length = (size_t)(end - begin);
    if (!length || length > ARDM_CONFIG_LONGEST_NAME) return 0;
    for (size_t i = 0; i < length; i++) {
        char c = begin[i];
        if (!is_name(c)) return 0;
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out[length] = '\0';
    return 1;
}

static ardm_status add_line(scan *s, const char *key) {
    for (size_t i = 0; i < s->n; i++) {
        const ardm_ini_line *old = &s->lines[i];
        if (strcmp(old->section, s->section) || strcmp(old->key, key)) continue;
        return ardm_fail(ARDM_EINVAL, "%s:%u: [%s]%s%s was given already in line %u", s->name, (unsigned)s->number, s->section, *key ? " " : "", key,
                         (unsigned)old->number);
    }
    if (s->n == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 32;
        ardm_ini_line *lines = realloc(s->lines, capacity * sizeof *lines);
        if (!lines) return ardm_fail(ARDM_ENOMEM, "%s: no memory for %zu lines", s->name, capacity);
        s->lines = lines;
        s->capacity = capacity;
    }
    ardm_ini_line *line = &s->lines[s->n++];
    memcpy(line->section, s->section, sizeof line->section);
    memset(line->key, 0, sizeof line->key);
    memcpy(line->key, key, strlen(key));
    line->number = s->number;
    return ARDM_OK;
}

/* A quoted value ends the line but for a comment. */
static ardm_status check_quotes(const scan *s, const char *begin, const char *end) {
    trim(&begin, &end);
    if (begin == end || (*begin != '"' && *begin != '\'')) return ARDM_OK;
    const char *close = memchr(begin + 1, *begin, (size_t)(end - begin - 1));
    if (!close) return bad_line(s, "a quote is not closed");
    close++;
    trim(&close, &end);
    if (close < end && *close != ';' && *close != '#') return bad_line(s, "text follows the closing quote");
    return ARDM_OK;
}

static ardm_status scan_line(scan *s, const char *begin, const char *end) {
    for (const char *at = begin; at < end; at++) {
        unsigned char c = (unsigned char)*at;
        if ((c < 32 && c != '\t') || c == 127) return bad_line(s, "a control character");
    }
    trim(&begin, &end);
    if (begin < end && end[-1] == '\\') return bad_line(s, "a line may not end in a backslash");
    if (begin == end || *begin == '#' || *begin == ';') return ARDM_OK;
    if (*begin == '[') {
        if (end[-1] != ']') return bad_line(s, "a section is [name] and nothing else");
        if (!copy_name(s->section, begin + 1, end - 1)) return bad_line(s, "a section's name is 1 to 63 letters, digits, _ or -");
        return add_line(s, "");
    }
    const char *equals = memchr(begin, '=', (size_t)(end - begin));
    char key[ARDM_CONFIG_LONGEST_NAME + 1];
    if (!equals) return bad_line(s, "neither a [section], a key = value, nor a comment");
    if (!copy_name(key, begin, equals)) return bad_line(s, "a key is 1 to 63 letters, digits, _ or -");
    if (!*s->section) return bad_line(s, "a key stands before the first [section]");
    ARDM_TRY(check_quotes(s, equals + 1, end));
    return add_line(s, key);
}

ardm_status ardm_ini__scan(ardm_ini_line **lines, size_t *n_lines, const char *name, const char *text, size_t size) {
    scan s = {.name = name};
    ardm_status status = ARDM_OK;
    for (const char *at = text, *stop = text + size; !status && at < stop;) {
        s.number++;
        const char *newline = memchr(at, '\n', (size_t)(stop - at)), *end = newline ? newline : stop;
        if (newline && end > at && end[-1] == '\r') end--; /* a file from Windows */
        if (memchr(at, '\0', (size_t)(end - at)))
            status = bad_line(&s, "a NUL character");
        else if (end - at > ARDM_CONFIG_LONGEST_LINE)
            status = ardm_fail(ARDM_EINVAL, "%s:%u: %zu bytes in one line, %d are allowed", name, (unsigned)s.number, (size_t)(end - at),
                               ARDM_CONFIG_LONGEST_LINE);
        else
            status = scan_line(&s, at, end);
        at = newline ? newline + 1 : stop;
    }
    if (status) {
        free(s.lines);
        s.lines = NULL;
        s.n = 0;
    }
    *lines = s.lines;
    *n_lines = s.n;
    return status;
}
