#include "ardm/schedule.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/leb128.h"
#include "private.h"

struct ardm_schedule {
    uint32_t cells;
    uint32_t *units; /* cells */
    uint32_t *start; /* cells + 1: where a cell's steps begin */
    uint32_t *steps;
};

/* Room for `count[c]` steps a cell. */
static ardm_status allocate(ardm_schedule **out, const uint32_t *units, const uint32_t *count, uint32_t cells) {
    ardm_schedule *s = *out = calloc(1, sizeof *s);
    if (!s) return ardm_fail(ARDM_ENOMEM, "no memory for a schedule");
    size_t total = 0;
    for (uint32_t c = 0; c < cells; c++) total += count[c];
    s->cells = cells;
    s->units = malloc(((size_t)cells + 1) * sizeof *s->units);
    s->start = malloc(((size_t)cells + 1) * sizeof *s->start);
    s->steps = malloc((total + 1) * sizeof *s->steps);
    if (!s->units || !s->start || !s->steps) {
        ardm_schedule_free(out);
        return ardm_fail(ARDM_ENOMEM, "no memory for a schedule of %zu steps", total);
    }
    memcpy(s->units, units, cells * sizeof *units);
    s->start[0] = 0;
    for (uint32_t c = 0; c < cells; c++) s->start[c + 1] = s->start[c] + count[c];
    return ARDM_OK;
}

void ardm_schedule_free(ardm_schedule **schedule) {
    if (!*schedule) return;
    free((*schedule)->units);
    free((*schedule)->start);
    free((*schedule)->steps);
    free(*schedule);
    *schedule = NULL;
}

uint32_t ardm_schedule_cells(const ardm_schedule *schedule) { return schedule->cells; }
uint32_t ardm_schedule_units(const ardm_schedule *schedule, uint32_t cell) { return schedule->units[cell]; }
uint32_t ardm_schedule_calls(const ardm_schedule *schedule) { return schedule->start[schedule->cells]; }
const uint32_t *ardm_schedule_steps(const ardm_schedule *s, uint32_t cell, uint32_t *count) {
    assert(cell < s->cells);
    *count = s->start[cell + 1] - s->start[cell];
    return s->steps + s->start[cell];
}

static void tally(const uint32_t *units, uint32_t cells, uint32_t *filled, uint64_t *total) {
    *filled = 0;
    *total = 0;
    for (uint32_t c = 0; c < cells; c++) {
        *filled += units[c] > 0;
        *total += units[c];
    }
}

uint32_t ardm_schedule_default_budget(const uint32_t *units, uint32_t cells) {
    uint32_t filled;
    uint64_t total;
    tally(units, cells, &filled, &total);
    const uint32_t wanted = total < 48 ? (uint32_t)total : 48;
    return filled > wanted ? filled : wanted;
}

/* A heap of cells, the most urgent on top; ties go to the lower cell. */
typedef struct heap {
    double *gain; /* by cell */
    uint32_t *cell, size;
} heap;

static int before(const heap *h, uint32_t a, uint32_t b) { return h->gain[a] > h->gain[b] || (h->gain[a] == h->gain[b] && a < b); }

static void sink(heap *h, uint32_t i) {
    const uint32_t moved = h->cell[i];
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= h->size) break;
        if (child + 1 < h->size && before(h, h->cell[child + 1], h->cell[child])) child++;
        if (!before(h, h->cell[child], moved)) break;
        h->cell[i] = h->cell[child];
        i = child;
    }
    h->cell[i] = moved;
}

/* Shares `budget` calls: count[c] = 1 for every non-empty cell, the rest one by one where gain(c, count) is largest. */
static ardm_status share(uint32_t *count, const uint32_t *units, uint32_t cells, uint32_t budget, double (*gain)(void *, uint32_t, uint32_t),
                         void *user) {
    heap h = {malloc((cells + 1) * sizeof *h.gain), malloc((cells + 1) * sizeof *h.cell), 0};
    ardm_status status = h.gain && h.cell ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory to share calls over %u cells", cells);
    for (uint32_t c = 0; c < cells && !status; c++) {
        count[c] = units[c] > 0;
        budget -= count[c];
        if (units[c] < 2) continue;
        h.gain[c] = gain(user, c, 1);
        h.cell[h.size++] = c;
    }
    for (uint32_t i = h.size / 2; i-- > 0 && !status;) sink(&h, i);
    for (; budget && h.size && !status; budget--) {
        const uint32_t c = h.cell[0];
        if (++count[c] < units[c])
            h.gain[c] = gain(user, c, count[c]);
        else
            h.cell[0] = h.cell[--h.size];
        if (h.size) sink(&h, 0);
    }
    free(h.gain);
    free(h.cell);
    return status;
}

static ardm_status check_budget(const uint32_t *units, uint32_t cells, uint32_t *budget) {
    uint32_t filled;
    uint64_t total;
    tally(units, cells, &filled, &total);
    if (*budget < filled) return ardm_fail(ARDM_EINVAL, "schedule: a budget of %u calls is below the %u cells that each need one", *budget, filled);
    if (*budget > total) *budget = (uint32_t)total;
    return ARDM_OK;
}

typedef struct curves {
    double **costs; /* by cell */
    const uint32_t *known;
} curves;

static double marginal(void *user, uint32_t cell, uint32_t count) {
    const curves *c = user;
    return count < c->known[cell] ? c->costs[cell][count - 1] - c->costs[cell][count] : 0;
}

static ardm_status optimal(ardm_schedule **out, const double *loss, const uint32_t *units, uint32_t cells, uint32_t budget, double price) {
    *out = NULL;
    curves curve = {calloc((size_t)cells + 1, sizeof *curve.costs), NULL};
    uint32_t *count = calloc((size_t)cells + 1, sizeof *count), *known = calloc((size_t)cells + 1, sizeof *known);
    const double *at = loss;
    uint32_t filled;
    uint64_t total;
    tally(units, cells, &filled, &total);
    ardm_status status = ARDM_OK;
    if (!curve.costs || !count || !known) {
        status = ardm_fail(ARDM_ENOMEM, "no memory for a schedule of %u cells", cells);
        goto fail;
    }
    curve.known = known;
    for (uint32_t c = 0; c < cells; at += units[c++]) {
        if (units[c] < 2) continue;
        uint32_t most = units[c];
        if (price < 0 && most > budget - filled + 1) most = budget - filled + 1;
        curve.costs[c] = malloc(most * sizeof **curve.costs);
        if (!curve.costs[c]) {
            status = ardm_fail(ARDM_ENOMEM, "no memory for a schedule of %u cells", cells);
            goto fail;
        }
        if ((status = ardm__schedule_costs(curve.costs[c], &known[c], at, units[c], most, price))) goto fail;
    }
    if (price < 0) {
        if ((status = share(count, units, cells, budget, marginal, &curve))) goto fail;
    } else {
        for (uint32_t c = 0; c < cells; c++) {
            count[c] = units[c] > 0;
            while (count[c] < known[c] && marginal(&curve, c, count[c]) > price) count[c]++;
        }
    }
    if ((status = allocate(out, units, count, cells))) goto fail;
    at = loss;
    for (uint32_t c = 0; c < cells; at += units[c++])
        if (count[c] && (status = ardm_schedule_cell((*out)->steps + (*out)->start[c], NULL, at, units[c], count[c]))) goto fail;
fail:
    for (uint32_t c = 0; c < cells && curve.costs; c++) free(curve.costs[c]);
    free(curve.costs);
    free(count);
    free(known);
    if (status) ardm_schedule_free(out);
    return status;
}

ardm_status ardm_schedule_optimal(ardm_schedule **out, const double *loss, const uint32_t *units, uint32_t cells, uint32_t budget) {
    *out = NULL;
    ARDM_TRY(check_budget(units, cells, &budget));
    return optimal(out, loss, units, cells, budget, -1);
}

ardm_status ardm_schedule_priced(ardm_schedule **out, const double *loss, const uint32_t *units, uint32_t cells, double price) {
    *out = NULL;
    if (!(price >= 0)) return ardm_fail(ARDM_EINVAL, "schedule: a call cannot cost %g bits", price);
    return optimal(out, loss, units, cells, 0, price);
}

/* Fewest steps first. */
static double scarcity(void *user, uint32_t cell, uint32_t count) {
    (void)user;
    (void)cell;
    return -(double)count;
}

ardm_status ardm_schedule_equal(ardm_schedule **out, const double *loss, const uint32_t *units, uint32_t cells, uint32_t budget) {
    *out = NULL;
    ARDM_TRY(check_budget(units, cells, &budget));
    uint32_t *count = calloc((size_t)cells + 1, sizeof *count);
    if (!count) return ardm_fail(ARDM_ENOMEM, "no memory for a schedule of %u cells", cells);
    ardm_status status = share(count, units, cells, budget, scarcity, NULL);
    if (!status) status = allocate(out, units, count, cells);
    for (uint32_t c = 0; c < cells && !status; loss += units[c++])
        if (count[c]) status = ardm_schedule_cell((*out)->steps + (*out)->start[c], NULL, loss, units[c], count[c]);
    free(count);
    if (status) ardm_schedule_free(out);
    return status;
}

/* Units a step, so that a share in proportion takes from the coarsest cell. */
static double coarseness(void *user, uint32_t cell, uint32_t count) { return (double)((const uint32_t *)user)[cell] / (double)count; }

/* round-half-even(a / b) in integers. */
static uint32_t round_even(uint64_t a, uint64_t b) {
    const uint64_t q = a / b, twice = 2 * (a % b);
    return (uint32_t)(q + (twice > b || (twice == b && (q & 1))));
}

ardm_status ardm_schedule_naive(ardm_schedule **out, const uint32_t *units, uint32_t cells, uint32_t budget) {
    *out = NULL;
    ARDM_TRY(check_budget(units, cells, &budget));
    uint32_t *count = calloc((size_t)cells + 1, sizeof *count), *copy = malloc(((size_t)cells + 1) * sizeof *copy);
    ardm_status status = count && copy ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for a schedule of %u cells", cells);
    if (!status) {
        memcpy(copy, units, cells * sizeof *units);
        status = share(count, units, cells, budget, coarseness, copy);
    }
    if (!status) status = allocate(out, units, count, cells);
    for (uint32_t c = 0; c < cells && !status; c++)
        for (uint32_t j = 0; j < count[c]; j++) (*out)->steps[(*out)->start[c] + j] = round_even((uint64_t)j * units[c], count[c]);
    free(count);
    free(copy);
    return status;
}

/* Steps of an old cell at a new size; writes them when `to` is not NULL, returns how many. */
static uint32_t rescale(const uint32_t *steps, uint32_t count, uint32_t old, uint32_t units, uint32_t *to) {
    if (!units) return 0;
    if (!old) {
        if (to) to[0] = 0;
        return 1;
    }
    uint32_t n = 0, last = 0;
    for (uint32_t j = 0; j < count; j++) {
        const uint32_t p = (uint32_t)((uint64_t)steps[j] * units / old);
        if (n && p == last) continue;
        if (to) to[n] = p;
        last = p;
        n++;
    }
    return n;
}

ardm_status ardm_schedule_fit(ardm_schedule **out, const ardm_schedule *s, uint32_t stages, const uint32_t *units, uint32_t cells) {
    *out = NULL;
    if (!stages || cells % stages || s->cells % stages || !s->cells)
        return ardm_fail(ARDM_EINVAL, "schedule: %u and %u cells are not whole levels of %u stages", s->cells, cells, stages);
    const uint32_t levels = cells / stages, old = s->cells / stages;
    uint32_t *count = calloc((size_t)cells + 1, sizeof *count), *from = calloc((size_t)cells + 1, sizeof *from);
    ardm_status status = count && from ? ARDM_OK : ardm_fail(ARDM_ENOMEM, "no memory for a schedule of %u cells", cells);
    for (uint32_t c = 0; c < cells && !status; c++) {
        const uint32_t level = c % levels, back = levels - 1 - level;
        from[c] = c / levels * old + (back < old ? old - 1 - back : 0);
        count[c] = rescale(s->steps + s->start[from[c]], s->start[from[c] + 1] - s->start[from[c]], s->units[from[c]], units[c], NULL);
    }
    if (!status) status = allocate(out, units, count, cells);
    for (uint32_t c = 0; c < cells && !status; c++)
        rescale(s->steps + s->start[from[c]], s->start[from[c] + 1] - s->start[from[c]], s->units[from[c]], units[c],
                (*out)->steps + (*out)->start[c]);
    free(count);
    free(from);
    return status;
}

double ardm_schedule_predict(const ardm_schedule *s, const double *loss) {
    double bits = 0;
    for (uint32_t c = 0; c < s->cells; loss += s->units[c++])
        for (uint32_t j = s->start[c]; j < s->start[c + 1]; j++)
            bits += (double)((j + 1 < s->start[c + 1] ? s->steps[j + 1] : s->units[c]) - s->steps[j]) * loss[s->steps[j]];
    return bits;
}

ardm_status ardm_schedule_write(ardm_bytes *out, const ardm_schedule *s) {
    ARDM_TRY(ardm_leb128_write(out, s->cells));
    for (uint32_t c = 0; c < s->cells; c++) {
        if (s->units[c] < 2) continue;
        ARDM_TRY(ardm_leb128_write(out, s->start[c + 1] - s->start[c]));
        for (uint32_t j = s->start[c] + 1; j < s->start[c + 1]; j++) ARDM_TRY(ardm_leb128_write(out, s->steps[j] - s->steps[j - 1] - 1));
    }
    return ARDM_OK;
}

/* Walks the bytes twice: once to count steps, once (when `to` is not NULL) to keep them. */
static ardm_status read_steps(const uint8_t *at, const uint8_t *end, const uint32_t *units, uint32_t cells, uint32_t *count, ardm_schedule *to) {
    uint64_t value;
    ARDM_TRY(ardm_leb128_read(&value, &at, end, UINT32_MAX, "schedule: cells"));
    if (value != cells) return ardm_fail(ARDM_EFORMAT, "schedule: it has %llu cells, the item %u", (unsigned long long)value, cells);
    for (uint32_t c = 0; c < cells; c++) {
        uint64_t steps = units[c], step = 0;
        if (units[c] > 1) ARDM_TRY(ardm_leb128_read(&steps, &at, end, units[c], "schedule: steps of a cell"));
        if (units[c] && !steps) return ardm_fail(ARDM_EFORMAT, "schedule: cell %u has %u units and no step", c, units[c]);
        if (count) count[c] = (uint32_t)steps;
        if (to && steps) to->steps[to->start[c]] = 0;
        for (uint32_t j = 1; j < steps; j++) {
            ARDM_TRY(ardm_leb128_read(&value, &at, end, units[c], "schedule: a gap"));
            step += value + 1;
            if (step >= units[c])
                return ardm_fail(ARDM_EFORMAT, "schedule: step %llu of cell %u, which has %u units", (unsigned long long)step, c, units[c]);
            if (to) to->steps[to->start[c] + j] = (uint32_t)step;
        }
    }
    return at == end ? ARDM_OK : ardm_fail(ARDM_EFORMAT, "schedule: %zu bytes are left over", (size_t)(end - at));
}

ardm_status ardm_schedule_read(ardm_schedule **out, const void *data, size_t size, const uint32_t *units, uint32_t cells) {
    *out = NULL;
    const uint8_t *at = data;
    uint32_t *count = calloc((size_t)cells + 1, sizeof *count);
    if (!count) return ardm_fail(ARDM_ENOMEM, "no memory for a schedule of %u cells", cells);
    ardm_status status = read_steps(at, at + size, units, cells, count, NULL);
    if (!status) status = allocate(out, units, count, cells);
    if (!status) status = read_steps(at, at + size, units, cells, NULL, *out);
    free(count);
    if (status) ardm_schedule_free(out);
    return status;
}
