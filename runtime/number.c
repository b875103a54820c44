/* number.c: numbers from text, strictly, and the nearest known word. */
#define _XOPEN_SOURCE 700 /* newlocale */
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/config.h"

static int is_digit(char c) { return c >= '0' && c <= '9'; }

static const char *skip_digits(const char *text) {
    while (is_digit(*text)) text++;
    return text;
}

ardm_status ardm_parse_int(int64_t *out, const char *what, const char *text, int64_t low, int64_t high) {
    const char *first = text + (*text == '-' || *text == '+'), *end = skip_digits(first);
    if (end == first || *end) return ardm_fail(ARDM_EINVAL, "%s: \"%.80s\" is not a whole number", what, text);
    const uint64_t limit = *text == '-' ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    uint64_t size = 0;
    int fits = 1;
    for (const char *at = first; at < end; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (size > (limit - digit) / 10) fits = 0;
        if (!fits) break;
        size = size * 10 + digit;
    }
    int64_t value = *text != '-' ? (int64_t)size : size == limit ? INT64_MIN : -(int64_t)size;
    if (!fits || value < low || value > high) return ardm_fail(ARDM_EINVAL, "%s: %.80s is outside %" PRId64 " to %" PRId64, what, text, low, high);
    *out = value;
    return ARDM_OK;
}

/* [+-] digits [. digits] [e [+-] digits]: no hexadecimal, infinity or nan. */
static int is_decimal(const char *text) {
    text += *text == '-' || *text == '+';
    const char *end = skip_digits(text);
    int64_t digits = end - text;
    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        digits += end - fraction;
    }
    if (!digits) return 0;
    if (*end == 'e' || *end == 'E') {
        end += end[1] == '-' || end[1] == '+' ? 2 : 1;
        if (!is_digit(*end)) return 0;
        end = skip_digits(end);
    }
    return *end == '\0';
}

ardm_status ardm_parse_float(double *out, const char *what, const char *text, double low, double high) {
    if (!is_decimal(text)) return ardm_fail(ARDM_EINVAL, "%s: \"%.80s\" is not a number", what, text);
    /* strtod obeys the locale, which a program around the library may have set. */
    locale_t c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!c_locale) return ardm_fail(ARDM_ENOMEM, "no memory for the C locale");
    locale_t old = uselocale(c_locale);
    double value = strtod(text, NULL);
    uselocale(old);
    freelocale(c_locale);
    if (!(value >= low && value <= high)) return ardm_fail(ARDM_EINVAL, "%s: %.80s is outside %g to %g", what, text, low, high);
    *out = value;
    return ARDM_OK;
}

enum { LONGEST_WORD = 63 };

static int smaller(int a, int b) { return a < b ? a : b; }

/* Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
static int distance(const char *a, const char *b) {
    int row[3][LONGEST_WORD + 1], *before = row[0], *above = row[1], *now = row[2];
    const int n = (int)strlen(b);
    for (int j = 0; j <= n; j++) above[j] = before[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        now[0] = i;
        for (int j = 1; j <= n; j++) {
            now[j] = smaller(smaller(above[j], now[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = smaller(now[j], before[j - 2] + 1);
        }
        int *oldest = before;
        before = above;
        above = now;
        now = oldest;
    }
    return above[n];
}

const char *ardm_nearest(const char *word, const char *const *names) {
    const char *nearest = NULL;
    const size_t length = strlen(word);
    int least = 0;
    if (length > LONGEST_WORD) return NULL;
    for (; *names; names++) {
        const size_t other = strlen(*names), longer = other > length ? other : length;
        if (other > LONGEST_WORD) continue;
        const int d = distance(word, *names);
        /* A third of the letters may differ; a word that shares no letter is no suggestion. */
        if (d > smaller((int)longer / 3 + 1, (int)longer - 1)) continue;
        if (!nearest || d < least) {
            nearest = *names;
            least = d;
        }
    }
    return nearest;
}
