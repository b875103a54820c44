/* Confidence from the coder's integer frequencies, in integers: no device, order of summation or library can turn a tie around. */
#include "confidence.h"

#include <stdlib.h>
#include <string.h>

#include "ardm/exact.h"
#include "ardm/frequency.h"
#include "ardm/philox.h"

ardm_status ardm_confidence_parse(int32_t *out, const char *text) {
    static const char *const names[] = {"probability", "margin", "entropy"};
    for (int32_t i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = ARDM_CONFIDENCE_PROBABILITY + i;
            return ARDM_OK;
        }
    return ardm_fail(ARDM_EINVAL, "confidence \"%.60s\" is not one of probability, margin, entropy", text);
}

/* Larger is surer. Frequencies sum to 2^24, so an entropy is ordered by the sum of f ln f: below 2^59 with logarithms in units of 2^-30, in
 * which floats from ln 2 on are whole. */
static int64_t confidence(const uint32_t *f, uint32_t n, int32_t kind) {
    int64_t best = 0, next = 0, sum = 0;
    for (uint32_t j = 0; j < n; j++) {
        if (f[j] > best) {
            next = best;
            best = f[j];
        } else if (f[j] > next) {
            next = f[j];
        }
        if (kind == ARDM_CONFIDENCE_ENTROPY && f[j] > 1) sum += f[j] * (int64_t)((double)ardm_log((float)f[j]) * 0x1p30);
    }
    return kind == ARDM_CONFIDENCE_PROBABILITY ? best : kind == ARDM_CONFIDENCE_MARGIN ? best - next : sum;
}

/* A digit at a temperature: of frequencies, which are what is at hand; none is below 2^-24. */
static uint32_t draw(const uint32_t *f, uint32_t n, double temperature, uint32_t slot) {
    if (temperature != 1) {
        float z[ARDM_FREQUENCY_MAX];
        uint32_t warm[ARDM_FREQUENCY_MAX];
        const float coldness = ardm_reciprocal((float)temperature);
        for (uint32_t j = 0; j < n; j++) z[j] = ardm_mul(ardm_log((float)f[j]), coldness);
        ardm_frequency_row(z, n, warm);
        return (uint32_t)ardm_frequency_find(warm, n, slot);
    }
    return (uint32_t)ardm_frequency_find(f, n, slot);
}

typedef struct candidate {
    int64_t confidence;
    uint32_t unit, row;
} candidate;

static int surest_first(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    if (x->confidence != y->confidence) return x->confidence > y->confidence ? -1 : 1;
    return x->unit < y->unit ? -1 : x->unit > y->unit;
}

static uint32_t slot_of(const ardm_walk *walk, const ardm_walk_rows *rows, uint64_t seed, uint64_t number, uint32_t unit) {
    return ardm_random_word(seed, ARDM_RANDOM_SAMPLE, 4 * (rows->stage * ardm_walk_turns(walk) + rows->turn), number, unit) >> 8;
}

/* Later turns of the units that turn 0 chose: those at the first places. */
static ardm_status decide_chosen(double *decided, ardm_walk *walk, const ardm_walk_rows *rows, uint32_t count, const ardm_sampling *sampling,
                                 uint32_t item, uint64_t number, const uint32_t *frequency, uint32_t width) {
    uint32_t first = rows->place[0];
    for (uint32_t j = 1; j < rows->count; j++)
        if (rows->place[j] < first) first = rows->place[j];
    for (uint32_t j = 0; j < rows->count; j++) {
        const uint32_t children = (uint32_t)rows->children[j];
        if (rows->place[j] - first >= count) continue;
        ardm_walk_decide(walk, item, rows->unit[j],
                         children > 1 ? draw(frequency + (size_t)j * width, children, sampling->temperature,
                                             slot_of(walk, rows, sampling->seed, number, rows->unit[j]))
                                      : 0);
    }
    *decided += count;
    return ARDM_OK;
}

ardm_status ardm_confidence__decide(double *decided, ardm_walk *walk, const ardm_session *session, const ardm_sampling *sampling, uint32_t call,
                                    uint32_t item, uint64_t number) {
    const ardm_call_io *io = ardm_walk_io(walk);
    const ardm_walk_rows rows = ardm_walk_answer(walk, item);
    const uint32_t count = ardm_walk_count(walk, call, item), width = ardm_session_digits(session);
    const uint32_t *frequency = (const uint32_t *)ardm_binding_output(io->binding, "frequency") + (size_t)item * io->rows * width;
    if (!count) return ARDM_OK;
    if (rows.turn) return decide_chosen(decided, walk, &rows, count, sampling, item, number, frequency, width);
    candidate *list = malloc(rows.count * sizeof *list);
    uint32_t *unit = malloc(count * sizeof *unit);
    if (!list || !unit) {
        free(list);
        free(unit);
        return ardm_fail(ARDM_ENOMEM, "no memory to choose among %u units", rows.count);
    }
    for (uint32_t j = 0; j < rows.count; j++)
        list[j] = (candidate){confidence(frequency + (size_t)j * width, (uint32_t)rows.children[j], sampling->confidence), rows.unit[j], j};
    qsort(list, rows.count, sizeof *list, surest_first);
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t children = (uint32_t)rows.children[list[k].row];
        const uint32_t slot = slot_of(walk, &rows, sampling->seed, number, list[k].unit);
        unit[k] = list[k].unit;
        ardm_walk_decide(walk, item, unit[k],
                         children > 1 ? draw(frequency + (size_t)list[k].row * width, children, sampling->temperature, slot) : 0);
    }
    ardm_walk_choose(walk, item, unit, count);
    *decided += count;
    free(unit);
    free(list);
    return ARDM_OK;
}
