#include "ardm/process.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/exact.h"

struct ardm_process {
    uint32_t family, classes, base, stages, inputs, logits;
    char text[64];
    uint64_t width[ARDM_PROCESS_MAX_STAGES + 1]; /* regular: symbols a class of partition s, b^(S-s) */
    int32_t offset[ARDM_PROCESS_MAX_STAGES + 1]; /* augment: first input id of partition s */
    /* Tables, [S+1][K] each; `list` holds the children of stage s grouped by parent, `first` where a symbol's group begins. */
    uint16_t *least, *largest;
    uint16_t *digit, *list;
    uint32_t *first, *children;
    int32_t *ids;
    uint8_t *interval;
};

static ardm_status allocate(ardm_process **out) {
    *out = calloc(1, sizeof **out);
    return *out ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for a process");
}

void ardm_process_free(ardm_process **process) {
    if (!*process) return;
    free((*process)->least);
    free((*process)->largest);
    free((*process)->digit);
    free((*process)->list);
    free((*process)->first);
    free((*process)->children);
    free((*process)->ids);
    free((*process)->interval);
    free(*process);
    *process = NULL;
}

static uint64_t divide_up(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

/* Integer stage count: floating logarithms give 4 for K = 125, b = 5. */
static void set_regular(ardm_process *p) {
    uint64_t width = 1;
    for (p->stages = 0; width < p->classes; p->stages++) width *= p->base;
    width = 1;
    for (uint32_t s = p->stages + 1; s-- > 0; width *= p->base) p->width[s] = width;
    p->logits = 0;
    for (uint32_t s = 0; s < p->stages; s++) { /* the first parent is the fullest */
        const uint32_t n = ardm_process_children(p, s, 0);
        if (n > p->logits) p->logits = n;
    }
    p->inputs = p->classes;
    if (p->family == ARDM_PROCESS_ABSORBING) {
        p->offset[0] = (int32_t)p->classes;
        p->inputs = p->classes + 1;
    } else if (p->family == ARDM_PROCESS_AUGMENT_LEAST_SIGNIFICANT) {
        for (uint32_t s = p->stages; s-- > 0;) {
            p->offset[s] = (int32_t)p->inputs;
            p->inputs += (uint32_t)divide_up(p->classes, p->width[s]);
        }
    }
}

/* One decimal number, no sign, no leading zero; *at moves behind it. */
static int read_number(const char **at, uint32_t *out) {
    const char *c = *at;
    uint64_t value = 0;
    if (*c < '1' || *c > '9') return 0;
    for (; *c >= '0' && *c <= '9'; c++) {
        value = value * 10 + (uint64_t)(*c - '0');
        if (value > UINT32_MAX) return 0;
    }
    *at = c;
    *out = (uint32_t)value;
    return 1;
}

ardm_status ardm_process_parse(ardm_process **out, const char *text) {
    static const struct {
        const char *name;
        uint32_t family;
    } families[] = {{"absorbing ", ARDM_PROCESS_ABSORBING},
                    {"zero-least-significant ", ARDM_PROCESS_ZERO_LEAST_SIGNIFICANT},
                    {"augment-least-significant ", ARDM_PROCESS_AUGMENT_LEAST_SIGNIFICANT}};
    *out = NULL;
    uint32_t family = 0, classes = 0, base = 0;
    const char *at = text;
    for (size_t i = 0; i < sizeof families / sizeof *families && !family; i++) {
        const size_t n = strlen(families[i].name);
        if (strncmp(text, families[i].name, n) == 0) {
            family = families[i].family;
            at = text + n;
        }
    }
    if (!family)
        return ardm_fail(ARDM_EINVAL,
                         "process \"%.60s\" is not one of \"absorbing K\", \"zero-least-significant K b\", \"augment-least-significant K b\"", text);
    if (!read_number(&at, &classes) || classes < 2 || classes > ARDM_PROCESS_MAX_CLASSES)
        return ardm_fail(ARDM_EINVAL, "process \"%.60s\": the number of symbols must be 2..%u", text, ARDM_PROCESS_MAX_CLASSES);
    base = classes;
    if (family != ARDM_PROCESS_ABSORBING && (*at++ != ' ' || !read_number(&at, &base) || base < 2 || base > classes))
        return ardm_fail(ARDM_EINVAL, "process \"%.60s\": the base must be 2..%u", text, classes);
    if (*at) return ardm_fail(ARDM_EINVAL, "process \"%.60s\": unexpected \"%.20s\" at its end", text, at);
    ARDM_TRY(allocate(out));
    ardm_process *p = *out;
    p->family = family;
    p->classes = classes;
    p->base = base;
    set_regular(p);
    snprintf(p->text, sizeof p->text, "%s", text);
    return ARDM_OK;
}

static size_t cell(const ardm_process *p, uint32_t s, uint32_t x) { return (size_t)s * p->classes + x; }

/* Fills least and largest of partition s from labels; `seen` is u32[65536], the least symbol of a label + 1. */
static void relabel(ardm_process *p, uint32_t s, const uint16_t *map, uint32_t *seen) {
    memset(seen, 0, 65536 * sizeof *seen);
    for (uint32_t x = 0; x < p->classes; x++) {
        if (!seen[map[x]]) seen[map[x]] = x + 1;
        const uint32_t least = seen[map[x]] - 1;
        p->least[cell(p, s, x)] = (uint16_t)least;
        p->largest[cell(p, s, least)] = (uint16_t)x;
    }
    memset(seen, 0, 65536 * sizeof *seen);
    for (uint32_t x = 0; x < p->classes; x++) seen[p->least[cell(p, s, x)]]++;
    for (uint32_t x = 0; x < p->classes; x++) {
        const uint32_t least = p->least[cell(p, s, x)], last = p->largest[cell(p, s, least)];
        p->largest[cell(p, s, x)] = (uint16_t)last;
        p->interval[cell(p, s, x)] = seen[least] == last - least + 1;
    }
}

/* Children of stage s, grouped by parent in ascending order; `count` and `place` are u32[65536]. */
static void link_children(ardm_process *p, uint32_t s, uint32_t *count, uint32_t *place) {
    memset(count, 0, 65536 * sizeof *count);
    for (uint32_t x = 0; x < p->classes; x++)
        if (p->least[cell(p, s + 1, x)] == x) count[p->least[cell(p, s, x)]]++;
    uint32_t total = 0;
    for (uint32_t x = 0; x < p->classes; x++) {
        place[x] = total;
        total += count[x];
        if (count[x] > p->logits) p->logits = count[x];
    }
    for (uint32_t x = 0; x < p->classes; x++) {
        const uint32_t parent = p->least[cell(p, s, x)];
        p->first[cell(p, s, x)] = place[parent];
        p->children[cell(p, s, x)] = count[parent];
    }
    memset(count, 0, 65536 * sizeof *count);
    for (uint32_t x = 0; x < p->classes; x++) {
        const uint32_t parent = p->least[cell(p, s, x)], child = p->least[cell(p, s + 1, x)];
        if (child == x) {
            const uint32_t d = count[parent]++;
            p->digit[cell(p, s, x)] = (uint16_t)d;
            p->list[cell(p, s, place[parent] + d)] = (uint16_t)x;
        } else {
            p->digit[cell(p, s, x)] = p->digit[cell(p, s, child)];
        }
    }
}

/* Ids from fine to coarse: a class of one symbol or equal to its only child shares that id, any other gets a fresh one. */
static void number_inputs(ardm_process *p) {
    int32_t next = (int32_t)p->classes;
    for (uint32_t x = 0; x < p->classes; x++) p->ids[cell(p, p->stages, x)] = (int32_t)x;
    for (uint32_t s = p->stages; s-- > 0;) {
        for (uint32_t x = 0; x < p->classes; x++) {
            const uint32_t least = p->least[cell(p, s, x)];
            if (least != x)
                p->ids[cell(p, s, x)] = p->ids[cell(p, s, least)];
            else
                p->ids[cell(p, s, x)] = p->children[cell(p, s, x)] == 1 ? p->ids[cell(p, s + 1, x)] : next++;
        }
    }
}

static ardm_status check_chain(const ardm_process *p) {
    for (uint32_t x = 0; x < p->classes; x++)
        if (p->least[cell(p, 0, x)] != 0)
            return ardm_fail(ARDM_EINVAL, "process table: partition 0 must be one class, but symbol %u is apart from symbol 0", x);
    for (uint32_t s = 0; s < p->stages; s++) {
        for (uint32_t x = 0; x < p->classes; x++) {
            const uint32_t child = p->least[cell(p, s + 1, x)];
            if (p->least[cell(p, s, x)] != p->least[cell(p, s, child)])
                return ardm_fail(ARDM_EINVAL, "process table: symbols %u and %u share a class of partition %u but not of partition %u", child, x,
                                 s + 1, s);
        }
    }
    for (uint32_t x = 0; x < p->classes; x++)
        if (p->least[cell(p, p->stages, x)] != x)
            return ardm_fail(ARDM_EINVAL, "process table: partition %u must tell symbols apart, but %u and %u share a class", p->stages,
                             p->least[cell(p, p->stages, x)], x);
    return ARDM_OK;
}

static ardm_status check_ids(ardm_process *p, const int32_t *ids) {
    for (uint32_t s = 0; s <= p->stages; s++) {
        for (uint32_t x = 0; x < p->classes; x++) {
            const int32_t id = ids[cell(p, s, x)];
            if (id < 0 || id >= (1 << 22)) return ardm_fail(ARDM_EINVAL, "process table: symbol %u of partition %u has input id %d", x, s, id);
            if (id != ids[cell(p, s, p->least[cell(p, s, x)])])
                return ardm_fail(ARDM_EINVAL, "process table: symbol %u of partition %u has another input id than its class", x, s);
            p->ids[cell(p, s, x)] = id;
        }
    }
    return ARDM_OK;
}

ardm_status ardm_process_from_table(ardm_process **out, uint32_t classes, uint32_t stages, const uint16_t *maps, const int32_t *ids) {
    *out = NULL;
    if (classes < 2 || classes > ARDM_PROCESS_MAX_CLASSES)
        return ardm_fail(ARDM_EINVAL, "process table: %u symbols; there must be 2..%u", classes, ARDM_PROCESS_MAX_CLASSES);
    if (stages < 1 || stages > ARDM_PROCESS_MAX_STAGES)
        return ardm_fail(ARDM_EINVAL, "process table: %u stages; there must be 1..%u", stages, ARDM_PROCESS_MAX_STAGES);
    ardm_status status = allocate(out);
    if (status) return status;
    ardm_process *p = *out;
    const size_t n = (size_t)classes * (stages + 1);
    uint32_t *scratch = malloc(2 * 65536 * sizeof *scratch);
    p->family = ARDM_PROCESS_TABLE;
    p->classes = classes;
    p->stages = stages;
    p->least = calloc(n, sizeof *p->least);
    p->largest = calloc(n, sizeof *p->largest);
    p->digit = calloc(n, sizeof *p->digit);
    p->list = calloc(n, sizeof *p->list);
    p->first = calloc(n, sizeof *p->first);
    p->children = calloc(n, sizeof *p->children);
    p->ids = calloc(n, sizeof *p->ids);
    p->interval = calloc(n, sizeof *p->interval);
    if (!scratch || !p->least || !p->largest || !p->digit || !p->list || !p->first || !p->children || !p->ids || !p->interval) {
        status = ardm_fail(ARDM_ENOMEM, "no memory for a process table of %u symbols and %u stages", classes, stages);
        goto fail;
    }
    for (uint32_t s = 0; s <= stages; s++) relabel(p, s, maps + cell(p, s, 0), scratch);
    if ((status = check_chain(p))) goto fail;
    for (uint32_t s = 0; s < stages; s++) link_children(p, s, scratch, scratch + 65536);
    if (!ids)
        number_inputs(p);
    else if ((status = check_ids(p, ids)))
        goto fail;
    for (size_t i = 0; i < n; i++)
        if ((uint32_t)p->ids[i] + 1 > p->inputs) p->inputs = (uint32_t)p->ids[i] + 1;
    snprintf(p->text, sizeof p->text, "table %u %u", classes, stages);
    free(scratch);
    return ARDM_OK;
fail:
    free(scratch);
    ardm_process_free(out);
    return status;
}

uint32_t ardm_process_family(const ardm_process *process) { return process->family; }
uint32_t ardm_process_classes(const ardm_process *process) { return process->classes; }
uint32_t ardm_process_base(const ardm_process *process) { return process->base; }
uint32_t ardm_process_stages(const ardm_process *process) { return process->stages; }
uint32_t ardm_process_inputs(const ardm_process *process) { return process->inputs; }
uint32_t ardm_process_logits(const ardm_process *process) { return process->logits; }
const char *ardm_process_text(const ardm_process *process) { return process->text; }

uint32_t ardm_process_class(const ardm_process *p, uint32_t partition, uint32_t x) {
    assert(x < p->classes && partition <= p->stages);
    if (p->least) return p->least[cell(p, partition, x)];
    return x - (uint32_t)(x % p->width[partition]);
}

uint32_t ardm_process_last(const ardm_process *p, uint32_t partition, uint32_t x, int32_t *interval) {
    assert(x < p->classes && partition <= p->stages);
    if (interval) *interval = p->least ? p->interval[cell(p, partition, x)] : 1;
    if (p->least) return p->largest[cell(p, partition, x)];
    const uint64_t last = x - x % p->width[partition] + p->width[partition] - 1;
    return last < p->classes ? (uint32_t)last : p->classes - 1;
}

uint32_t ardm_process_children(const ardm_process *p, uint32_t stage, uint32_t parent) {
    assert(parent < p->classes && stage < p->stages);
    if (p->least) return p->children[cell(p, stage, parent)];
    const uint32_t least = ardm_process_class(p, stage, parent), last = ardm_process_last(p, stage, parent, NULL);
    return (uint32_t)((last - least) / p->width[stage + 1]) + 1;
}

uint32_t ardm_process_digit(const ardm_process *p, uint32_t stage, uint32_t x, uint32_t *children) {
    assert(x < p->classes && stage < p->stages);
    if (children) *children = ardm_process_children(p, stage, x);
    if (p->least) return p->digit[cell(p, stage, x)];
    return (uint32_t)(x % p->width[stage] / p->width[stage + 1]);
}

uint32_t ardm_process_child(const ardm_process *p, uint32_t stage, uint32_t parent, uint32_t digit) {
    assert(digit < ardm_process_children(p, stage, parent));
    if (p->least) return p->list[cell(p, stage, p->first[cell(p, stage, parent)] + digit)];
    return ardm_process_class(p, stage, parent) + (uint32_t)(digit * p->width[stage + 1]);
}

uint32_t ardm_process_class_count(const ardm_process *p, uint32_t partition) {
    assert(partition <= p->stages);
    if (!p->least) return (uint32_t)divide_up(p->classes, p->width[partition]);
    uint32_t n = 0;
    for (uint32_t x = 0; x < p->classes; x++) n += p->least[cell(p, partition, x)] == x;
    return n;
}

int32_t ardm_process_input(const ardm_process *p, uint32_t partition, uint32_t x) {
    assert(x < p->classes && partition <= p->stages);
    if (p->ids) return p->ids[cell(p, partition, x)];
    if (partition < p->stages && p->family == ARDM_PROCESS_ABSORBING) return p->offset[0];
    if (partition < p->stages && p->family == ARDM_PROCESS_AUGMENT_LEAST_SIGNIFICANT)
        return p->offset[partition] + (int32_t)(x / p->width[partition]);
    return (int32_t)ardm_process_class(p, partition, x);
}

float ardm_process_value(const ardm_process *p, uint32_t partition, uint32_t x) {
    const uint32_t sum = ardm_process_class(p, partition, x) + ardm_process_last(p, partition, x, NULL);
    return ardm_flush(ardm_divide((float)sum, (float)(p->classes - 1)) - 1.0f);
}

void ardm_process_maps(const ardm_process *p, uint16_t *maps, int32_t *ids) {
    for (uint32_t s = 0; s <= p->stages; s++) {
        for (uint32_t x = 0; x < p->classes; x++) {
            maps[cell(p, s, x)] = (uint16_t)ardm_process_class(p, s, x);
            ids[cell(p, s, x)] = ardm_process_input(p, s, x);
        }
    }
}

void ardm_process_table(const ardm_process *p, int32_t *table) {
    const size_t plane = (size_t)(p->stages + 1) * p->classes;
    for (uint32_t s = 0; s <= p->stages; s++) {
        for (uint32_t x = 0; x < p->classes; x++) {
            uint32_t children = 1;
            int32_t *at = table + cell(p, s, x);
            at[0] = (int32_t)ardm_process_class(p, s, x);
            at[plane] = (int32_t)ardm_process_last(p, s, x, NULL);
            at[2 * plane] = ardm_process_input(p, s, x);
            at[3 * plane] = s < p->stages ? (int32_t)ardm_process_digit(p, s, x, &children) : 0;
            at[4 * plane] = (int32_t)children;
        }
    }
}

ardm_status ardm_process_copy(ardm_process **out, const ardm_process *process) {
    if (process->family != ARDM_PROCESS_TABLE) return ardm_process_parse(out, process->text);
    *out = NULL;
    const size_t n = (size_t)(process->stages + 1) * process->classes;
    uint16_t *maps = malloc(n * sizeof *maps);
    int32_t *ids = malloc(n * sizeof *ids);
    ardm_status status = maps && ids ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for a process table");
    if (!status) {
        ardm_process_maps(process, maps, ids);
        status = ardm_process_from_table(out, process->classes, process->stages, maps, ids);
    }
    free(maps);
    free(ids);
    return status;
}
