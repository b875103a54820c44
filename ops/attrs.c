/* Attribute text, "group=4, tb=1, expr=\"fma(a, b, c)\"": parsed strictly against an op's schema and printed back.
 *
 * A bare value runs to the next comma or blank; a quoted one may hold anything printable, with \" and \\ escaped. */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/config.h"
#include "ardm/op.h"

enum { MOST_TEXT = 16384, MOST_INTERNED = 64 << 20, MOST_NUMBER = 64 };

/* Texts live for ever: attribute values are compared and kept as pointers by graphs, recordings and caches. */
typedef struct interned {
    struct interned *next;
    char text[];
} interned;
static pthread_mutex_t intern_lock = PTHREAD_MUTEX_INITIALIZER;
static interned *intern_table[1024];
static size_t intern_bytes;

static const char *intern(const char *text, size_t length) {
    uint32_t hash = 2166136261u;
    for (size_t k = 0; k < length; ++k) hash = (hash ^ (uint8_t)text[k]) * 16777619u;
    interned **slot = &intern_table[hash % 1024];
    const char *found = NULL;
    pthread_mutex_lock(&intern_lock);
    for (interned *entry = *slot; entry && !found; entry = entry->next)
        if (strlen(entry->text) == length && memcmp(entry->text, text, length) == 0) found = entry->text;
    if (!found && intern_bytes + length <= MOST_INTERNED) {
        interned *entry = malloc(sizeof *entry + length + 1);
        if (entry) {
            memcpy(entry->text, text, length);
            entry->text[length] = '\0';
            entry->next = *slot;
            *slot = entry;
            intern_bytes += sizeof *entry + length + 1;
            found = entry->text;
        }
    }
    pthread_mutex_unlock(&intern_lock);
    return found;
}

static ardm_status set_value(ardm_attr_value *value, const ardm_op *op, const ardm_attr *attr, const char *text, size_t length) {
    char what[160], number[MOST_NUMBER];
    snprintf(what, sizeof what, "%s: attribute %s", op->name, attr->name);
    if (attr->type == ARDM_ATTR_TEXT) {
        value->s = intern(text, length);
        return value->s ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "%s: no memory for %zu bytes of text", what, length);
    }
    if (length >= sizeof number) return ardm_fail(ARDM_EINVAL, "%s: a number of %zu characters", what, length);
    memcpy(number, text, length);
    number[length] = '\0';
    if (attr->type == ARDM_ATTR_INT) return ardm_parse_int(&value->i, what, number, (int64_t)attr->low, (int64_t)attr->high);
    return ardm_parse_float(&value->f, what, number, attr->low, attr->high);
}

static int is_blank(char c) { return c == ' ' || c == '\t'; }
static int is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/* Reads a quoted value into `out`; *at stands behind the opening quote and is left behind the closing one. */
static ardm_status read_quoted(const ardm_op *op, const char *text, size_t length, size_t *at, char *out, size_t *out_length) {
    size_t used = 0;
    for (; *at < length && text[*at] != '"'; ++*at) {
        char c = text[*at];
        if (c == '\\') {
            if (++*at == length) break;
            c = text[*at];
            if (c != '"' && c != '\\') return ardm_fail(ARDM_EINVAL, "%s: \\ may stand before \" and \\ alone", op->name);
        }
        if ((uint8_t)c < 32 || c == 127) return ardm_fail(ARDM_EINVAL, "%s: byte %d in an attribute's text", op->name, (uint8_t)c);
        if (used == MOST_TEXT) return ardm_fail(ARDM_EINVAL, "%s: an attribute's text is longer than %d bytes", op->name, MOST_TEXT);
        out[used++] = c;
    }
    if (*at >= length) return ardm_fail(ARDM_EINVAL, "%s: an attribute's text has no closing quote", op->name);
    ++*at;
    *out_length = used;
    return ARDM_OK;
}

static uint32_t find_attr(const ardm_op *op, const char *name, size_t length) {
    uint32_t index = 0;
    while (index < op->n_attrs && (strlen(op->attrs[index].name) != length || memcmp(op->attrs[index].name, name, length) != 0)) ++index;
    return index;
}

static ardm_status parse_into(ardm_attr_value *values, const ardm_op *op, const char *text, size_t length, char *scratch, uint32_t *given) {
    size_t at = 0;
    for (;;) {
        while (at < length && is_blank(text[at])) ++at;
        if (at == length) return ARDM_OK;
        size_t name = at;
        while (at < length && is_word(text[at])) ++at;
        size_t name_length = at - name;
        int shown = name_length > 40 ? 40 : (int)name_length;
        if (name_length == 0 || at == length || text[at] != '=')
            return ardm_fail(ARDM_EINVAL, "%s: attributes are written name=value; byte %zu is not", op->name, at);
        ++at;
        uint32_t index = find_attr(op, text + name, name_length);
        if (index == op->n_attrs) return ardm_fail(ARDM_EINVAL, "%s has no attribute \"%.*s\"", op->name, shown, text + name);
        if (*given & (1u << index)) return ardm_fail(ARDM_EINVAL, "%s: attribute %s is given twice", op->name, op->attrs[index].name);
        const char *value = text + at;
        size_t value_length = 0;
        if (at < length && text[at] == '"') {
            ++at;
            value = scratch;
            ARDM_TRY(read_quoted(op, text, length, &at, scratch, &value_length));
        } else {
            for (; at < length && text[at] != ',' && !is_blank(text[at]); ++at, ++value_length)
                if ((uint8_t)text[at] <= 32 || (uint8_t)text[at] >= 127 || text[at] == '"')
                    return ardm_fail(ARDM_EINVAL, "%s: byte %d in the value of %s", op->name, (uint8_t)text[at], op->attrs[index].name);
            if (value_length == 0 || value_length > MOST_TEXT)
                return ardm_fail(ARDM_EINVAL, "%s: the value of %s has %zu bytes", op->name, op->attrs[index].name, value_length);
        }
        ARDM_TRY(set_value(&values[index], op, &op->attrs[index], value, value_length));
        *given |= 1u << index;
        while (at < length && is_blank(text[at])) ++at;
        if (at == length) return ARDM_OK;
        if (text[at] != ',') return ardm_fail(ARDM_EINVAL, "%s: a comma must follow the value of %s", op->name, op->attrs[index].name);
        ++at;
        while (at < length && is_blank(text[at])) ++at;
        if (at == length) return ardm_fail(ARDM_EINVAL, "%s: attributes end in a comma", op->name);
    }
}

ardm_status ardm_attrs_parse(ardm_attr_value *values, const ardm_op *op, const char *text, size_t length) {
    uint32_t given = 0;
    char *scratch = malloc(MOST_TEXT);
    if (!scratch) return ardm_fail(ARDM_ENOMEM, "%s: no memory for attributes", op->name);
    memset(values, 0, op->n_attrs * sizeof *values);
    ardm_status status = text ? parse_into(values, op, text, length, scratch, &given) : ARDM_OK;
    free(scratch);
    for (uint32_t index = 0; status == ARDM_OK && index < op->n_attrs; ++index) {
        const ardm_attr *attr = &op->attrs[index];
        if (given & (1u << index)) continue;
        if (!attr->fallback) return ardm_fail(ARDM_EINVAL, "%s: attribute %s is required", op->name, attr->name);
        status = set_value(&values[index], op, attr, attr->fallback, strlen(attr->fallback));
    }
    return status;
}

/* The shortest decimal that reads back as the same double. */
static void print_double(char *out, size_t size, double value) {
    for (int digits = 1; digits <= 17; ++digits) {
        snprintf(out, size, "%.*g", digits, value);
        if (strtod(out, NULL) == value) break;
    }
    for (char *c = out; *c; ++c)
        if (*c == ',') *c = '.'; /* a program may have set a locale */
}

static size_t print_text(char *out, const char *text) {
    size_t used = 0;
    int bare = *text != '\0';
    for (const char *c = text; *c; ++c) bare &= is_word(*c) || *c == '.' || *c == '-' || *c == '+';
    if (!bare) out[used++] = '"';
    for (; *text; ++text) {
        if (*text == '"' || *text == '\\') out[used++] = '\\';
        out[used++] = *text;
    }
    if (!bare) out[used++] = '"';
    out[used] = '\0';
    return used;
}

static int is_default(const ardm_op *op, const ardm_attr *attr, const ardm_attr_value *value) {
    ardm_attr_value fallback = {0};
    if (!attr->fallback || set_value(&fallback, op, attr, attr->fallback, strlen(attr->fallback)) != ARDM_OK) return 0;
    if (attr->type == ARDM_ATTR_INT) return value->i == fallback.i;
    return attr->type == ARDM_ATTR_TEXT ? value->s == fallback.s : value->f == fallback.f && !signbit(value->f) == !signbit(fallback.f);
}

ardm_status ardm_attrs_print(char *out, size_t size, const ardm_op *op, const ardm_attr_value *values) {
    size_t used = 0;
    if (size == 0) return ardm_fail(ARDM_EINVAL, "%s: no room to print attributes", op->name);
    out[0] = '\0';
    for (uint32_t index = 0; index < op->n_attrs; ++index) {
        const ardm_attr *attr = &op->attrs[index];
        if (is_default(op, attr, &values[index])) continue;
        size_t need = attr->type == ARDM_ATTR_TEXT ? 2 * strlen(values[index].s) + 3 : 40;
        char *value = malloc(need);
        if (!value) return ardm_fail(ARDM_ENOMEM, "%s: no memory for attributes", op->name);
        if (attr->type == ARDM_ATTR_INT) snprintf(value, need, "%" PRId64, values[index].i);
        if (attr->type == ARDM_ATTR_FLOAT) print_double(value, need, values[index].f);
        if (attr->type == ARDM_ATTR_TEXT) print_text(value, values[index].s);
        int written = snprintf(out + used, size - used, "%s%s=%s", used ? ", " : "", attr->name, value);
        free(value);
        if (written < 0 || (size_t)written >= size - used) return ardm_fail(ARDM_EINVAL, "%s: attributes do not fit in %zu bytes", op->name, size);
        used += (size_t)written;
    }
    return ARDM_OK;
}
