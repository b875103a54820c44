/* The text form, read. The text may be hostile: every length, count and reference is checked, and memory stays within a
 * small multiple of the text and the caller's limit on constants. */
#include <stdlib.h>
#include <string.h>

#include "ardm/config.h"
#include "internal.h"

typedef struct span {
    const char *at, *end;
} span;

typedef struct parser {
    ardm_graph *graph;
    const char *at, *end;
    uint32_t line;
    uint64_t limit;       /* bytes of constants still allowed */
    ardm_value *numbered; /* %12 of the text */
    uint32_t n_numbered;
    span outputs; /* resolved when all values are known */
} parser;

enum { MOST_NUMBERED = 1 << 20 };

static int is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
static int is_digit(char c) { return c >= '0' && c <= '9'; }
static int is_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.'; }
static void skip(span *text) {
    while (text->at < text->end && is_blank(*text->at)) ++text->at;
}
static int shown(const span *text) { return text->end - text->at > 40 ? 40 : (int)(text->end - text->at); }
static ardm_status unexpected(const span *text, const char *wanted) {
    return ardm_fail(ARDM_EFORMAT, "%s expected, not \"%.*s\"", wanted, shown(text), text->at);
}

static int take(span *text, const char *word) {
    size_t length = strlen(word);
    skip(text);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0) return 0;
    if (is_word(word[length - 1]) && text->at + length < text->end && is_word(text->at[length])) return 0;
    text->at += length;
    return 1;
}

static span take_word(span *text) {
    skip(text);
    span word = {text->at, text->at};
    while (word.end < text->end && is_word(*word.end)) ++word.end;
    text->at = word.end;
    return word;
}

/* Follows quoted text, in which \" and \\ are escaped: call for each character from the first; 1 inside and on the quotes. */
typedef struct quotes {
    int open, escaped;
} quotes;
static int inside(quotes *state, char c) {
    int was = state->open;
    if (state->escaped)
        state->escaped = 0;
    else if (was && c == '\\')
        state->escaped = 1;
    else if (c == '"')
        state->open = !was;
    return was || state->open;
}

/* The next line without its comment and outer blanks; 0 at the end of the text. */
static int next_line(parser *p, span *line) {
    while (p->at < p->end) {
        const char *end = memchr(p->at, '\n', (size_t)(p->end - p->at));
        quotes state = {0, 0};
        line->at = p->at;
        line->end = end ? end : p->end;
        p->at = end ? end + 1 : p->end;
        ++p->line;
        for (const char *c = line->at; c < line->end; ++c)
            if (!inside(&state, *c) && *c == '#') line->end = c;
        skip(line);
        while (line->end > line->at && is_blank(line->end[-1])) --line->end;
        if (line->at < line->end) return 1;
    }
    return 0;
}

/* "f32[N,784]": a word and what stands in its brackets. */
static ardm_status take_type(span *text, span *type) {
    *type = take_word(text);
    const char *close = text->at < text->end && *text->at == '[' ? memchr(text->at, ']', (size_t)(text->end - text->at)) : NULL;
    if (!close) return unexpected(type, "a type");
    text->at = type->end = close + 1;
    return ARDM_OK;
}

/* After a % : a label or a number. */
static ardm_status take_ref(span *text, span *ref) {
    skip(text);
    if (text->at == text->end || *text->at != '%') return unexpected(text, "a value such as %x");
    ++text->at;
    *ref = take_word(text);
    size_t length = (size_t)(ref->end - ref->at), digits = 0;
    while (digits < length && is_digit(ref->at[digits])) ++digits;
    if (length > 0 && digits == length) return length <= 7 ? ARDM_OK : unexpected(ref, "a number below 10000000");
    return ardm_graph__is_identifier(ref->at, length) ? ARDM_OK : unexpected(ref, "the name of a value");
}

static int32_t number_of(const span *ref) {
    int32_t number = 0;
    if (ref->at == ref->end || !is_digit(*ref->at)) return -1;
    for (const char *c = ref->at; c < ref->end; ++c) number = 10 * number + (*c - '0');
    return number;
}

static ardm_status resolve(const parser *p, const span *ref, ardm_value *value) {
    int32_t number = number_of(ref);
    if (number >= 0)
        *value = (uint32_t)number < p->n_numbered ? p->numbered[number] : -1;
    else
        *value = ardm_graph__map_find(&p->graph->labels, ref->at, (size_t)(ref->end - ref->at));
    if (*value >= 0) return ARDM_OK;
    return ardm_fail(ARDM_EFORMAT, "%%%.*s is not defined", shown(ref), ref->at);
}

/* Gives a value the name that the text uses. */
static ardm_status define(parser *p, const span *ref, ardm_value value) {
    int32_t number = number_of(ref);
    if (number < 0) {
        char label[ARDM_MAX_NAME + 1];
        memcpy(label, ref->at, (size_t)(ref->end - ref->at));
        label[ref->end - ref->at] = '\0';
        return ardm_graph__set_label(p->graph, value, label);
    }
    if (number >= MOST_NUMBERED) return ardm_fail(ARDM_EFORMAT, "%%%d: values are numbered from 0", number);
    if ((uint32_t)number >= p->n_numbered) {
        /* Numbers grow with the text, so a short text cannot ask for a long table. */
        uint32_t wider = p->n_numbered ? 2 * p->n_numbered : 256;
        if ((uint32_t)number >= wider) return ardm_fail(ARDM_EFORMAT, "%%%d: values are numbered from 0 in order", number);
        ardm_value *grown = realloc(p->numbered, wider * sizeof *grown);
        if (!grown) return ardm_fail(ARDM_ENOMEM, "no memory for %u values", wider);
        for (uint32_t k = p->n_numbered; k < wider; ++k) grown[k] = -1;
        p->numbered = grown;
        p->n_numbered = wider;
    }
    if (p->numbered[number] >= 0) return ardm_fail(ARDM_EEXIST, "%%%d is defined twice", number);
    p->numbered[number] = value;
    return ARDM_OK;
}

/* "graph mlp(%x: f32[N,784]) -> %y, loss=%3 {" */
static ardm_status read_header(parser *p) {
    span line, name, type;
    char text[ARDM_MAX_NAME + 1];
    if (!next_line(p, &line) || line.end - line.at != 12 || memcmp(line.at, "ardm graph 1", 12) != 0)
        return ardm_fail(ARDM_EFORMAT, "the first line must be \"ardm graph 1\"");
    if (!next_line(p, &line) || !take(&line, "graph")) return ardm_fail(ARDM_EFORMAT, "\"graph NAME(inputs) -> outputs {\" expected");
    name = take_word(&line);
    if (!ardm_graph__is_identifier(name.at, (size_t)(name.end - name.at))) return unexpected(&name, "a name");
    memcpy(text, name.at, (size_t)(name.end - name.at));
    text[name.end - name.at] = '\0';
    ARDM_TRY(ardm_graph_create(&p->graph, text));
    if (!take(&line, "(")) return unexpected(&line, "(");
    while (!take(&line, ")")) {
        if (p->graph->n_inputs > 0 && !take(&line, ",")) return unexpected(&line, ", or )");
        ARDM_TRY(take_ref(&line, &name));
        if (number_of(&name) >= 0) return unexpected(&name, "an input's name");
        memcpy(text, name.at, (size_t)(name.end - name.at));
        text[name.end - name.at] = '\0';
        if (!take(&line, ":")) return unexpected(&line, ":");
        ARDM_TRY(take_type(&line, &type));
        if (ardm_graph__add_input(p->graph, text, type.at, (size_t)(type.end - type.at)) < 0) return p->graph->status;
    }
    if (line.end == line.at || line.end[-1] != '{') return unexpected(&line, "{ at the end of the line");
    --line.end;
    if (take(&line, "->"))
        p->outputs = line;
    else if (skip(&line), line.at != line.end)
        return unexpected(&line, "-> or {");
    return ARDM_OK;
}

static ardm_status read_outputs(parser *p) {
    span text = p->outputs, ref;
    char name[ARDM_MAX_NAME + 1];
    ardm_value value;
    if (!text.at) return ARDM_OK;
    for (;;) {
        skip(&text);
        span word = take_word(&text);
        int named = word.at < word.end;
        if (named && (!ardm_graph__is_identifier(word.at, (size_t)(word.end - word.at)) || !take(&text, "=")))
            return unexpected(&word, "an output such as %y or loss=%y");
        ARDM_TRY(take_ref(&text, &ref));
        ARDM_TRY(resolve(p, &ref, &value));
        if (!named) word = ref;
        memcpy(name, word.at, (size_t)(word.end - word.at));
        name[word.end - word.at] = '\0';
        ardm_graph_output(p->graph, name, value);
        if (p->graph->status != ARDM_OK) return p->graph->status;
        skip(&text);
        if (text.at == text.end) return ARDM_OK;
        if (!take(&text, ",")) return unexpected(&text, "a comma");
    }
}

static ardm_status read_state(parser *p, const span *ref, span *line) {
    span type;
    char name[ARDM_MAX_NAME + 1], label[ARDM_MAX_NAME + 1];
    ARDM_TRY(take_type(line, &type));
    if (!take(line, "\"")) return unexpected(line, "the state's name in quotes");
    const char *close = memchr(line->at, '"', (size_t)(line->end - line->at));
    if (!close || close - line->at > ARDM_MAX_NAME || memchr(line->at, '\0', (size_t)(close - line->at)))
        return unexpected(line, "the state's name in quotes");
    memcpy(name, line->at, (size_t)(close - line->at));
    name[close - line->at] = '\0';
    line->at = close + 1;
    memcpy(label, ref->at, (size_t)(ref->end - ref->at));
    label[ref->end - ref->at] = '\0';
    int numbered = number_of(ref) >= 0;
    ardm_value value = ardm_graph__add_state(p->graph, name, type.at, (size_t)(type.end - type.at), numbered ? NULL : label);
    if (value < 0) return p->graph->status;
    return numbered ? define(p, ref, value) : ARDM_OK;
}

static ardm_status read_element(span *line, uint32_t dtype, void *data, int64_t index) {
    static const double low[] = {0, 0, INT32_MIN, 0, 0, 0}, high[] = {0, 0, INT32_MAX, 255, 65535, UINT32_MAX};
    char number[48];
    int64_t whole;
    double real;
    skip(line);
    size_t length = 0;
    while (line->at < line->end && (is_word(*line->at) || *line->at == '-' || *line->at == '+') && length + 1 < sizeof number)
        number[length++] = *line->at++;
    number[length] = '\0';
    if (dtype == ARDM_F32) {
        ARDM_TRY(ardm_parse_float(&real, "constant", number, -3.4028234663852886e38, 3.4028234663852886e38));
        ((float *)data)[index] = (float)real;
        return ARDM_OK;
    }
    ARDM_TRY(ardm_parse_int(&whole, "constant", number, (int64_t)low[dtype], (int64_t)high[dtype]));
    if (dtype == ARDM_I32) ((int32_t *)data)[index] = (int32_t)whole;
    if (dtype == ARDM_U8) ((uint8_t *)data)[index] = (uint8_t)whole;
    if (dtype == ARDM_U16) ((uint16_t *)data)[index] = (uint16_t)whole;
    if (dtype == ARDM_U32) ((uint32_t *)data)[index] = (uint32_t)whole;
    return ARDM_OK;
}

static int hex_digit(char c) { return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static ardm_status read_data(span *line, const ardm_shape *shape, void *data, uint64_t bytes) {
    if (take(line, "\"")) {
        if ((uint64_t)(line->end - line->at) < 2 * bytes + 1) return ardm_fail(ARDM_EFORMAT, "a constant has less than %zu bytes", (size_t)bytes);
        for (uint64_t k = 0; k < bytes; ++k, line->at += 2) {
            int high = hex_digit(line->at[0]), low = hex_digit(line->at[1]);
            if (high < 0 || low < 0) return unexpected(line, "hexadecimal digits");
            ((uint8_t *)data)[k] = (uint8_t)(high << 4 | low);
        }
        return take(line, "\"") ? ARDM_OK : unexpected(line, "a closing quote");
    }
    if (!take(line, "{")) return unexpected(line, "{ or \"");
    for (int64_t k = 0; k < ardm_shape_count(shape); ++k) {
        if (k > 0 && !take(line, ",")) return unexpected(line, "a comma");
        ARDM_TRY(read_element(line, shape->dtype, data, k));
    }
    return take(line, "}") ? ARDM_OK : unexpected(line, "}");
}

static ardm_status read_constant(parser *p, const span *ref, span *line) {
    span type;
    ardm_shape shape, twin;
    ARDM_TRY(take_type(line, &type));
    ARDM_TRY(ardm_graph__type_parse(p->graph, type.at, (size_t)(type.end - type.at), &shape, &twin));
    if (!ardm_shape_equal(&shape, &twin)) return ardm_fail(ARDM_ESHAPE, "a constant's extents are numbers");
    uint64_t bytes = ardm_shape_bytes(&shape);
    /* An element takes at least one character of text, so what does not fit the line is refused before it is allocated. */
    if (bytes > p->limit || (uint64_t)ardm_shape_count(&shape) > (uint64_t)(line->end - line->at))
        return ardm_fail(ARDM_EFORMAT, "a constant of %llu bytes; %llu are left", (unsigned long long)bytes, (unsigned long long)p->limit);
    p->limit -= bytes;
    void *data = malloc(bytes ? bytes : 1);
    if (!data) return ardm_fail(ARDM_ENOMEM, "no memory for a constant");
    ardm_status status = read_data(line, &shape, data, bytes);
    ardm_value value = status == ARDM_OK ? ardm_graph__add_constant(p->graph, &shape, data, NULL) : -1;
    free(data);
    if (status != ARDM_OK) return status;
    return value < 0 ? p->graph->status : define(p, ref, value);
}

/* The attributes end at the " : " that stands outside quotes. */
static span take_attrs(span *line) {
    quotes state = {0, 0};
    skip(line);
    span attrs = {line->at, line->at};
    while (attrs.end < line->end && (inside(&state, *attrs.end) || *attrs.end != ':')) ++attrs.end;
    line->at = attrs.end;
    while (attrs.end > attrs.at && is_blank(attrs.end[-1])) --attrs.end;
    return attrs;
}

static ardm_status check_types(parser *p, span *line, const ardm_value *outs, uint32_t n_out) {
    if (!take(line, ":")) return ARDM_OK;
    for (uint32_t k = 0; k < n_out; ++k) {
        span type;
        ardm_shape shape, twin;
        char text[ARDM_MAX_TYPE];
        const ardm_graph__value *value = &p->graph->values[outs[k]];
        if (k > 0 && !take(line, ",")) return unexpected(line, "a comma and the next output's type");
        ARDM_TRY(take_type(line, &type));
        ARDM_TRY(ardm_graph__type_parse(p->graph, type.at, (size_t)(type.end - type.at), &shape, &twin));
        if (!ardm_shape_equal(&shape, &value->shape) || !ardm_shape_equal(&twin, &value->twin))
            return ardm_fail(ARDM_ESHAPE, "the text says %.*s, the op gives %s", (int)(type.end - type.at), type.at,
                             ardm_graph_value_type(p->graph, outs[k], text, sizeof text));
    }
    return ARDM_OK;
}

static ardm_status read_node(parser *p, const span *refs, uint32_t n_refs, span *line) {
    ardm_value in[ARDM_MAX_OPERANDS], outs[ARDM_MAX_OPERANDS];
    uint32_t n_in = 0;
    char name[64];
    span word = take_word(line), ref;
    if (word.at == word.end || word.end - word.at >= (ptrdiff_t)sizeof name) return unexpected(&word, "the name of an op");
    memcpy(name, word.at, (size_t)(word.end - word.at));
    name[word.end - word.at] = '\0';
    const ardm_op *op = ardm_op_find(name);
    if (!op) return ardm_fail(ARDM_EFORMAT, "no op is called \"%s\"", name);
    if (n_refs != op->n_outputs) return ardm_fail(ARDM_EFORMAT, "%s has %u outputs, not %u", name, op->n_outputs, n_refs);
    skip(line);
    if (line->at < line->end && (*line->at == '%' || *line->at == '-')) do {
            if (n_in == ARDM_MAX_OPERANDS) return ardm_fail(ARDM_EFORMAT, "%s has more than %d operands", name, ARDM_MAX_OPERANDS);
            if (take(line, "-")) {
                in[n_in++] = -1;
                continue;
            }
            ARDM_TRY(take_ref(line, &ref));
            ARDM_TRY(resolve(p, &ref, &in[n_in++]));
        } while (take(line, ","));
    span attrs = take_attrs(line);
    if (ardm_graph__add_node(p->graph, outs, op, in, n_in, attrs.at, (size_t)(attrs.end - attrs.at)) < 0) return p->graph->status;
    for (uint32_t k = 0; k < n_refs; ++k) ARDM_TRY(define(p, &refs[k], outs[k]));
    return check_types(p, line, outs, n_refs);
}

static ardm_status read_update(parser *p, span *line) {
    span a, b;
    ardm_value state, value;
    ARDM_TRY(take_ref(line, &a));
    if (!take(line, ",")) return unexpected(line, "a comma");
    ARDM_TRY(take_ref(line, &b));
    ARDM_TRY(resolve(p, &a, &state));
    ARDM_TRY(resolve(p, &b, &value));
    ardm_graph_update(p->graph, state, value);
    return p->graph->status;
}

static ardm_status read_statement(parser *p, span *line) {
    span refs[ARDM_MAX_OPERANDS];
    uint32_t n_refs = 0;
    if (take(line, "update")) {
        ARDM_TRY(read_update(p, line));
    } else {
        do {
            if (n_refs == ARDM_MAX_OPERANDS) return ardm_fail(ARDM_EFORMAT, "more than %d outputs", ARDM_MAX_OPERANDS);
            ARDM_TRY(take_ref(line, &refs[n_refs++]));
        } while (take(line, ","));
        if (!take(line, "=")) return unexpected(line, "=");
        if (take(line, "state") || take(line, "constant")) {
            int state = line->at[-1] == 'e';
            if (n_refs != 1) return unexpected(line, "one value before =");
            ARDM_TRY(state ? read_state(p, &refs[0], line) : read_constant(p, &refs[0], line));
        } else {
            ARDM_TRY(read_node(p, refs, n_refs, line));
        }
    }
    skip(line);
    return line->at == line->end ? ARDM_OK : unexpected(line, "the end of the line");
}

static ardm_status read_graph(parser *p) {
    span line;
    ARDM_TRY(read_header(p));
    for (;;) {
        if (!next_line(p, &line)) return ardm_fail(ARDM_EFORMAT, "the text ends before the closing }");
        if (line.end - line.at == 1 && *line.at == '}') break;
        ARDM_TRY(read_statement(p, &line));
    }
    ARDM_TRY(read_outputs(p));
    if (next_line(p, &line)) return unexpected(&line, "nothing after the closing }");
    return ARDM_OK;
}

ardm_status ardm_graph_parse(ardm_graph **out, const char *text, size_t size, uint64_t limit) {
    parser p = {NULL, text, text + size, 0, limit, NULL, 0, {NULL, NULL}};
    *out = NULL;
    ardm_status status = read_graph(&p);
    free(p.numbered);
    if (status == ARDM_OK) {
        *out = p.graph;
        return ARDM_OK;
    }
    ardm_graph_free(&p.graph);
    return ardm_fail_in(status == ARDM_ENOMEM ? status : ARDM_EFORMAT, "graph text, line %u", p.line);
}
