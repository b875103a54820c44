#include "mutate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/op.h"

/* text[0, at) + with + text[at + gone …) */
static char *splice(const char *text, size_t at, size_t gone, const char *with) {
    size_t n = strlen(text), m = strlen(with);
    char *out = malloc(n - gone + m + 1);
    memcpy(out, text, at);
    memcpy(out + at, with, m);
    memcpy(out + at + m, text + at + gone, n - at - gone + 1);
    return out;
}

static const char *const numbers[] = {"0",   "1",     "2",     "3",      "-1",         "7",          "16",          "17",
                                      "255", "65536", "99999", "100000", "2147483647", "2147483648", "-2147483648", "9223372036854775807",
                                      "64",  "1e30",  "0.5",   "128"};

/* A run of characters for which `inside` holds, the k-th; its length, 0 when there is none. */
static size_t run_of(const char *text, int (*inside)(int), uint64_t *state, size_t *at) {
    size_t runs = 0, n = strlen(text), wanted, length = 0;
    for (size_t i = 0; i < n; i++) runs += inside((unsigned char)text[i]) && (i == 0 || !inside((unsigned char)text[i - 1]));
    if (!runs) return 0;
    wanted = chance(state, (uint32_t)runs) + 1;
    for (size_t i = 0; i < n && wanted; i++)
        if (inside((unsigned char)text[i]) && (i == 0 || !inside((unsigned char)text[i - 1])) && --wanted == 0) *at = i;
    while (inside((unsigned char)text[*at + length])) length++;
    return length;
}

static int in_number(int c) { return isdigit(c) != 0; }
static int in_name(int c) { return isalnum(c) || c == '%' || c == '.' || c == '_'; }
static int in_line(int c) { return c != '\n' && c != 0; }

static char *number(const char *text, uint64_t *state) {
    size_t at = 0, n = run_of(text, in_number, state, &at);
    for (int tries = 0; tries < 60 && at && !strchr("=[,*/", text[at - 1]); tries++) n = run_of(text, in_number, state, &at); /* of no name */
    return splice(text, at, n, numbers[chance(state, sizeof numbers / sizeof *numbers)]);
}

char *mutate_text(const char *text, uint64_t *state) {
    size_t n = strlen(text);
    char with[2] = {0};
    switch (chance(state, 5)) {
    case 0:
        return number(text, state);
    case 1: { /* shorter */
        char *cut = splice(text, 0, 0, "");
        cut[chance(state, (uint32_t)n + 1)] = 0;
        return cut;
    }
    case 2:
        return splice(text, chance(state, (uint32_t)n + 1), 0, " 1:x-");
    default:
        with[0] = (char)(0x20 + chance(state, 0x5f)); /* a header is UTF-8 */
        return n ? splice(text, chance(state, (uint32_t)n), 1, with) : splice(text, 0, 0, with);
    }
}

/* One number for another wherever it stands: extents that agreed go on to agree, and so reach the ops. */
static char *number_everywhere(const char *text, uint64_t *state) {
    size_t at = 0, n = run_of(text, in_number, state, &at);
    for (int tries = 0; tries < 60 && at && !strchr("=[,*/", text[at - 1]); tries++) n = run_of(text, in_number, state, &at);
    const char *with = numbers[chance(state, 10)];
    char *out = splice(text, at, n, with);
    for (size_t i = 0; n && out[i]; i++) {
        size_t m = 0;
        while (in_number((unsigned char)out[i + m])) m++;
        if (m == n && memcmp(out + i, text + at, n) == 0 && i && strchr("=[,", out[i - 1])) {
            char *next = splice(out, i, n, with);
            free(out);
            out = next;
            m = strlen(with);
        }
        i += m ? m - 1 : 0;
    }
    return out;
}

static char *once(const char *text, uint64_t *state) {
    size_t at = 0, from = 0, n, m;
    char piece[4096];
    uint32_t kind = chance(state, 10);
    if (kind < 2) return number(text, state);
    if (kind < 3) return number_everywhere(text, state);
    if (kind < 7) { /* one name for another */
        n = run_of(text, in_name, state, &at);
        for (int tries = 0; tries < 20 && text[at] != '%'; tries++) n = run_of(text, in_name, state, &at);
        m = run_of(text, in_name, state, &from);
        for (int tries = 0; tries < 60 && (text[from] != '%' || from > at); tries++) m = run_of(text, in_name, state, &from);
    } else if (kind < 9) { /* one op for another */
        uint32_t ops = 0;
        while (ardm_op_at(ops)) ops++;
        const char *op = ardm_op_at(chance(state, ops))->name;
        n = run_of(text, in_line, state, &at);
        char *sign = memchr(text + at, '=', n);
        if (!sign || sign[1] != ' ') return number(text, state);
        at = (size_t)(sign + 2 - text);
        n = strcspn(text + at, " \n");
        return splice(text, at, n, op);
    } else { /* lines */
        n = run_of(text, in_line, state, &at);
        m = run_of(text, in_line, state, &from);
        if (chance(state, 2)) return splice(text, at, n + (text[at + n] == '\n'), "");
    }
    if (m >= sizeof piece) return number(text, state);
    memcpy(piece, text + from, m);
    piece[m] = 0;
    return splice(text, at, n, piece);
}

char *mutate_graph(const char *text, uint64_t *state) {
    char *out = once(text, state);
    for (uint32_t n = chance(state, 4) == 0; n > 0; n--) {
        char *next = once(out, state);
        free(out);
        out = next;
    }
    return out;
}

char *strip_types(const char *text) {
    char *out = malloc(strlen(text) + 1), *to = out;
    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n');
        if (!end) end = line + strlen(line);
        const char *type = line;
        while (type < end && strncmp(type, " : ", 3) != 0) type++;
        memcpy(to, line, (size_t)(type - line));
        to += type - line;
        if (*end) *to++ = *end++;
        line = end;
    }
    *to = 0;
    return out;
}
