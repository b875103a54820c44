/* Parents and children on the host, for the references and for the oracles. */
#include "likelihood/children.h"

ardm_status ardm__children_check(const ardm_call *call, uint32_t parent, uint32_t table, int32_t *most) {
    const ardm_shape *x = &call->in[0], *rows = &call->in[parent], *stage = &call->in[parent + 1];
    ardm__chain chain;
    char left[128], right[128];
    ARDM_TRY(ardm__chain_call(&chain, call, table));
    int32_t same = rows->rank + 1 == x->rank;
    for (uint32_t axis = 0; same && axis < rows->rank; ++axis) same = rows->dim[axis] == x->dim[axis];
    if (!same)
        return ardm_fail(ARDM_ESHAPE, "%s: %s is %s but parent is %s; it must have %s's extents but for the last", call->op->name,
                         call->op->inputs[0].name, ardm_shape_text(x, left, sizeof left), ardm_shape_text(rows, right, sizeof right),
                         call->op->inputs[0].name);
    if (stage->dim[0] != rows->dim[0])
        return ardm_fail(ARDM_ESHAPE, "%s: parent has %lld items but stage has %lld", call->op->name, (long long)rows->dim[0],
                         (long long)stage->dim[0]);
    *most = chain.absorbing ? chain.classes : chain.base;
    return ARDM_OK;
}

ardm_status ardm__children_open(ardm__children *out, const ardm_call *call, const void *const *in, uint32_t parent, uint32_t table) {
    int64_t items = call->in[parent].dim[0], rows = ardm_shape_count(&call->in[parent]);
    ARDM_TRY(ardm__chain_call(&out->chain, call, table));
    out->parent = in[parent];
    out->stage = in[parent + 1];
    out->table = out->chain.table ? in[table] : NULL;
    out->per = items > 0 && rows > 0 ? rows / items : 1;
    out->most = out->chain.absorbing ? out->chain.classes : out->chain.base;
    return ARDM_OK;
}

ardm__parent ardm__parent_of(const ardm__children *children, int64_t row) {
    const ardm__chain *chain = &children->chain;
    const int32_t last = chain->classes - 1, shown = children->parent[row], stage = children->stage[row / children->per];
    const int32_t x = shown < 0 ? 0 : shown > last ? last : shown;
    ardm__parent p = {stage < 0 ? 0 : stage < chain->stages ? stage : chain->stages - 1, 0, 0, 1, 0};
    int32_t before;
    if (children->table) {
        p.low = ardm__chain_entry(chain, children->table, ARDM__LEAST, p.stage, x, 0, last);
        p.end = ardm__chain_entry(chain, children->table, ARDM__GREATEST, p.stage, x, p.low, last) + 1;
        p.count = ardm__chain_entry(chain, children->table, ARDM__CHILDREN, p.stage, x, 1, children->most);
        return p;
    }
    ardm__chain_widths(chain, p.stage, &before, &p.after);
    p.low = x - x % before;
    p.end = chain->classes - p.low < before ? chain->classes : p.low + before;
    p.count = (p.end - p.low - 1) / p.after + 1;
    return p;
}

void ardm__child_interval(const ardm__children *children, const ardm__parent *parent, int32_t j, int32_t *low, int32_t *high) {
    const ardm__chain *chain = &children->chain;
    const int32_t last = chain->classes - 1;
    if (!children->table) {
        *low = parent->low + j * parent->after;
        *high = (parent->end - *low < parent->after ? parent->end : *low + parent->after) - 1;
        return;
    }
    int32_t x = parent->low, end = parent->end - 1;
    while (x < end) {
        int32_t middle = (x + end) / 2;
        if (ardm__chain_entry(chain, children->table, ARDM__DIGIT, parent->stage, middle, 0, children->most - 1) < j)
            x = middle + 1;
        else
            end = middle;
    }
    *low = ardm__chain_entry(chain, children->table, ARDM__LEAST, parent->stage + 1, x, 0, last);
    *high = ardm__chain_entry(chain, children->table, ARDM__GREATEST, parent->stage + 1, x, *low, last);
}

static int64_t within(int64_t value, int64_t low, int64_t high) { return value < low ? low : value > high ? high : value; }

/* From the stage maps: x and the shown symbol agree in their leading digits, and the next digit of x is its child. */
int64_t ardm__leaf_child(const ardm_call *call, const void *const *in, uint32_t parent, uint32_t table, int64_t row, int64_t x) {
    int64_t K = call->attrs[1].i, items = call->in[parent].dim[0], rows = ardm_shape_count(&call->in[parent]);
    int64_t shown = within(((const int32_t *)in[parent])[row], 0, K - 1), stage = ((const int32_t *)in[parent + 1])[row / (rows / items)];
    int64_t base = call->attrs[0].s[1] == 'b' ? K : call->attrs[2].i, stages = 0, fine = 1;
    if (call->n_in > table && call->in[table].dtype) {
        int64_t partitions = call->in[table].dim[1];
        const int32_t *least = (const int32_t *)in[table] + within(stage, 0, partitions - 2) * K;
        int64_t from = within(least[shown], 0, K - 1), to = within(least[partitions * K + shown], from, K - 1);
        if (x < from || x > to || within(least[x], 0, K - 1) != from) return -1;
        return within(least[3 * partitions * K + x], 0, base - 1);
    }
    for (int64_t all = 1; all < K; all *= base) stages++;
    for (int64_t s = within(stage, 0, stages - 1) + 1; s < stages; ++s) fine *= base;
    return x / fine / base == shown / fine / base ? x / fine % base : -1;
}

/* Regular: from the leaves. Tables: the rule of children.h, whose bisection is part of it. */
int64_t ardm__child_intervals(const ardm_call *call, const void *const *in, uint32_t parent, uint32_t table, int64_t row, int64_t *low,
                              int64_t *high) {
    int64_t K = call->attrs[1].i, count = 0;
    if (call->n_in <= table || !call->in[table].dtype) {
        for (int64_t x = 0; x < K; ++x) {
            int64_t j = ardm__leaf_child(call, in, parent, table, row, x);
            if (j < 0) continue;
            if (j >= count) low[count++] = x;
            high[j] = x;
        }
        return count;
    }
    int64_t items = call->in[parent].dim[0], rows = ardm_shape_count(&call->in[parent]), plane = call->in[table].dim[1] * K;
    int64_t shown = within(((const int32_t *)in[parent])[row], 0, K - 1), stage = ((const int32_t *)in[parent + 1])[row / (rows / items)];
    const int32_t *least = (const int32_t *)in[table] + within(stage, 0, call->in[table].dim[1] - 2) * K;
    count = within(least[4 * plane + shown], 1, call->attrs[2].i);
    for (int64_t j = 0; j < count; ++j) {
        int64_t x = within(least[shown], 0, K - 1), end = within(least[plane + shown], x, K - 1);
        while (x < end) {
            int64_t middle = x + (end - x) / 2;
            if (within(least[3 * plane + middle], 0, call->attrs[2].i - 1) >= j)
                end = middle;
            else
                x = middle + 1;
        }
        low[j] = within(least[K + x], 0, K - 1);
        high[j] = within(least[plane + K + x], low[j], K - 1);
    }
    return count;
}
