/* How much of the gradient is lost to flushing. The backward pass is seeded with 2^e so that products do not fall below 2^-40, where they
 * become +0. Whether e is large enough shows by running the same pass with a wider seed: powers of two change no bit of a product or a sum
 * but for what is flushed. An element of a parameter's gradient that is 0 with the one seed and not with the other was flushed; zeros that
 * have other reasons (rows of a table that no symbol of the batch uses, weights behind others that are still 0) are 0 with both. */
#include "trainer_private.h"

#include <math.h>
#include <stdio.h>

#include "ardm/objective.h"

/* Binades that the wider seed sees below the one that trains. The greatest e is 33, so nothing overflows unless a gradient is above 2^50. */
enum { ROOM = 40 };

ardm_status ardm_trainer__bind_gauge(ardm_trainer *t, const ardm_extent *extents, uint32_t n_extents, uint64_t memory) {
    ardm_graph *graph = NULL;
    ardm_bind_options options = ARDM_BIND_OPTIONS_INIT;
    options.memory = memory;
    ARDM_TRY(ardm_objective_gradients(&graph, &t->recipe->network, t->recipe->group));
    ardm_status status = ardm_bind(&t->gauge, graph, t->store, extents, n_extents, &options);
    ardm_graph_free(&graph);
    return status;
}

/* Elements that are not zero, over all parameters. */
static ardm_status nonzeros(int64_t *out, ardm_trainer *t, int32_t exponent) {
    *(float *)ardm_binding_input(t->gauge, "scale") = (float)ldexp(1, exponent);
    ARDM_TRY(ardm_run(t->gauge));
    *out = 0;
    for (uint32_t i = 0; i < ardm_graph_state_count(t->inference); i++) {
        char name[32];
        snprintf(name, sizeof name, "nonzero.%u", i);
        *out += *(const int32_t *)ardm_binding_output(t->gauge, name);
    }
    return ARDM_OK;
}

ardm_status ardm_trainer__flushed(double *share, ardm_trainer *t) {
    const int64_t batch = t->recipe->batch, items = batch / t->recipe->accumulate;
    ARDM_TRY(ardm_trainer__fill(t, t->gauge, t->step - 1, batch - items, items));
    int64_t kept, all;
    ARDM_TRY(nonzeros(&kept, t, t->exponent));
    ARDM_TRY(nonzeros(&all, t, t->exponent + ROOM));
    *share = all > kept ? (double)(all - kept) / (double)all : 0;
    return ARDM_OK;
}
