/* Builders of the training step and of the heads that evaluation, coding and sampling put behind a network. */
#include "ardm/objective.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/frequency.h"

typedef struct parameter {
    ardm_value value;
    const char *name;
} parameter;

static int by_name(const void *a, const void *b) { return strcmp(((const parameter *)a)->name, ((const parameter *)b)->name); }

/* Units' targets from the whole symbols: the child under the decided parent, and how many are reachable. */
static ardm_value nll_of(ardm_graph *graph, const ardm_network *net, const ardm_network_inputs *in, ardm_network_outputs out) {
    int32_t image = net->kind == ARDM_NETWORK_UNET;
    ardm_value target = in->symbols, children = -1;
    if (ardm_network_row_head(net) == ARDM_HEAD_DIRECT) {
        ardm_value both[2];
        ardm_graph_node(graph, both, "digit", (const ardm_value[]){in->symbols, in->stage, ardm_network_table(graph, net)}, 3,
                        "family=%s, classes=%lld, base=%lld", net->family, (long long)net->classes, (long long)net->base);
        target = both[0];
        children = both[1];
        if (image) children = ARDM_NODE(graph, "merge", "first=1, count=3", children);
    }
    if (net->head == ARDM_HEAD_PIXEL)
        return ardm_graph_node(graph, NULL, "pixel_nll",
                               (const ardm_value[]){out.z, out.centre, ARDM_NODE(graph, "merge", "first=1, count=2", target)}, 3, "classes=%lld",
                               (long long)net->classes);
    if (image) target = ARDM_NODE(graph, "merge", "first=1, count=3", target);
    if (net->head == ARDM_HEAD_MIXTURE)
        return ardm_graph_node(graph, NULL, "mixture_nll", (const ardm_value[]){out.z, out.centre, target}, 3, "classes=%lld",
                               (long long)net->classes);
    return ARDM_NODE(graph, "softmax_nll", NULL, out.z, target, children);
}

/* What the graphs that differentiate share: the loss of a batch and its gradients by all parameters. */
typedef struct frame {
    ardm_graph *graph;
    ardm_value z, nll, loss;
    uint32_t n;            /* parameters, in byte order of their names: the order of the global norm */
    ardm_value *wrt;       /* n parameters */
    ardm_value *gradients; /* n, behind wrt */
    ardm_value *spare;     /* n, behind gradients */
} frame;

static void drop(frame *f) {
    free(f->wrt);
    ardm_graph_free(&f->graph);
}

/* Inputs of a batch, network and loss. */
static ardm_status begin(frame *f, const char *name, const ardm_network *net) {
    int32_t image = net->kind == ARDM_NETWORK_UNET;
    memset(f, 0, sizeof *f);
    ARDM_TRY(ardm_graph_create(&f->graph, name));
    ardm_graph *graph = f->graph;
    char extents[32] = "[N,L]", units[32] = "[N,L]", type[48];
    if (image) {
        snprintf(extents, sizeof extents, "[N,H,W,%lld]", (long long)net->channels);
        if (net->head == ARDM_HEAD_PIXEL)
            snprintf(units, sizeof units, "[N,H*W]");
        else
            snprintf(units, sizeof units, "[N,%lld*H*W]", (long long)net->channels);
    }
    ardm_network_inputs in = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    snprintf(type, sizeof type, "i32%s", extents);
    in.symbols = ardm_graph_input(graph, "symbols", type);
    snprintf(type, sizeof type, "u8%s", extents);
    in.state = ardm_graph_input(graph, "state", type);
    in.stage = ardm_graph_input(graph, "stage", "i32[N]");
    in.time = ardm_graph_input(graph, "time", "f32[N]");
    if (net->streams == 2) in.block = ardm_graph_input(graph, "block", "i32[N]");
    if (net->permuted) in.position = ardm_graph_input(graph, "position", "i32[N,L]");
    if (net->experts > 1) in.expert = ardm_graph_input(graph, "expert", "i32[N]");
    if (net->dropout > 0) {
        in.key = ardm_graph_input(graph, "key", "u32[3]");
        in.first = ardm_graph_input(graph, "first", "i32[]");
    }
    snprintf(type, sizeof type, "f32%s", units);
    ardm_value weight = ardm_graph_input(graph, "weight", type);
    ardm_network_outputs out = ardm_network_append(graph, net, &in);
    f->z = out.z;
    f->nll = nll_of(graph, net, &in, out);
    f->loss = ARDM_NODE(graph, "sum", NULL, ARDM_NODE(graph, "mul", NULL, f->nll, weight));
    return ardm_graph_check(graph);
}

/* Names of `from`'s states in their order, and room for gradients; the caller frees *out. */
static ardm_status list_parameters(parameter **out, frame *f, const ardm_graph *from) {
    f->n = ardm_graph_state_count(from);
    parameter *parameters = calloc(f->n, sizeof *parameters);
    f->wrt = calloc((size_t)f->n * 3, sizeof *f->wrt);
    *out = parameters;
    if (!parameters || !f->wrt) return ardm_fail(ARDM_ENOMEM, "no memory for %u parameters", f->n);
    f->gradients = f->wrt + f->n;
    f->spare = f->wrt + 2 * f->n;
    for (uint32_t i = 0; i < f->n; i++) {
        parameters[i].value = ardm_graph_state_at(from, i);
        parameters[i].name = ardm_graph_value_name(from, parameters[i].value);
    }
    qsort(parameters, f->n, sizeof *parameters, by_name);
    return ARDM_OK;
}

/* Gradients of the loss, seeded with `scale`. */
static ardm_status differentiate(frame *f, ardm_value scale, int64_t group) {
    parameter *parameters;
    ardm_status status = list_parameters(&parameters, f, f->graph);
    for (uint32_t i = 0; status == ARDM_OK && i < f->n; i++) f->wrt[i] = parameters[i].value;
    free(parameters);
    ARDM_TRY(status);
    ARDM_TRY(ardm_graph_differentiate(f->graph, f->loss, scale, group, f->wrt, f->n, f->gradients));
    for (uint32_t i = 0; i < f->n; i++)
        if (f->gradients[i] < 0) return ardm_fail(ARDM_EINVAL, "parameter %s has no gradient", ardm_graph_value_name(f->graph, f->wrt[i]));
    return ARDM_OK;
}

/* Moves one parameter: moments, weight and average in one node, the only writer of these four states. */
static void optimise(ardm_graph *graph, const ardm_objective *objective, const char *name, ardm_value w, ardm_value gradient, ardm_value hyper,
                     ardm_value hold) {
    char label[192], type[96];
    ardm_value moved[4], in[7] = {w, -1, -1, -1, gradient, hyper, hold};
    static const char *const parts[3] = {"m", "v", "average"};
    ardm_graph_value_type(graph, w, type, sizeof type);
    const ardm_shape *shape = ardm_graph_value_shape(graph, w);
    double decay = shape && shape->rank > 1 ? objective->decay : 0; /* gains and biases are not decayed; states added below may move the shape */
    for (int i = 0; i < 3; i++) {
        snprintf(label, sizeof label, "%s.%s", name, parts[i]);
        in[1 + i] = ardm_graph_state(graph, label, type);
    }
    ardm_graph_node(graph, moved, "adam", in, 7, "beta1=%.9g, beta2=%.9g, eps=%.9g, decay=%.9g", objective->beta1, objective->beta2,
                    objective->epsilon, decay);
    for (int i = 0; i < 4; i++) ardm_graph_update(graph, in[i], moved[i]);
}

/* Any number of scalars as one vector. */
static ardm_value stack(ardm_graph *graph, const ardm_value *scalars, uint32_t n) {
    ardm_value all = -1;
    for (uint32_t i = 0; i < n; i += ARDM_MAX_OPERANDS) {
        uint32_t count = n - i < ARDM_MAX_OPERANDS ? n - i : ARDM_MAX_OPERANDS;
        ardm_value part = ardm_graph_node(graph, NULL, "stack", scalars + i, count, NULL);
        all = all < 0 ? part : ARDM_NODE(graph, "concat", NULL, all, part);
    }
    return all;
}

ardm_part_masks ardm_objective_part(uint32_t part, int32_t level) {
    const uint32_t below = (1u << level) - 1, lower_full = (part & below) == below, bit = part >> level & 1;
    const float store = lower_full && !bit ? 1.0f : 0.0f;
    return (ardm_part_masks){lower_full && bit ? 1.0f : 0.0f, store, 1.0f - store};
}

/* Gradients of a part joined with those of the parts before it. Masks are 0 or 1 and what is joined is canonical, so that a product is the value or
 * +0, a sum with +0 the value, and only sums of two subtrees round. */
static void fold_parts(frame *f, int32_t levels) {
    ardm_graph *graph = f->graph;
    for (int32_t level = 0; level < levels; level++) {
        char label[192], type[96];
        snprintf(label, sizeof label, "carry.%d", level);
        ardm_value carry = ardm_graph_input(graph, label, "f32[]");
        snprintf(label, sizeof label, "store.%d", level);
        ardm_value store = ardm_graph_input(graph, label, "f32[]");
        snprintf(label, sizeof label, "stay.%d", level);
        ardm_value stay = ardm_graph_input(graph, label, "f32[]");
        for (uint32_t i = 0; i < f->n; i++) {
            snprintf(label, sizeof label, "%s.part%d", ardm_graph_value_name(graph, f->wrt[i]), level);
            ardm_graph_value_type(graph, f->wrt[i], type, sizeof type);
            ardm_value waiting = ardm_graph_state(graph, label, type), own = f->gradients[i];
            ardm_graph_update(graph, waiting,
                              ARDM_NODE(graph, "add", NULL, ARDM_NODE(graph, "mul", NULL, waiting, stay), ARDM_NODE(graph, "mul", NULL, own, store)));
            f->gradients[i] = ARDM_NODE(graph, "add", NULL, ARDM_NODE(graph, "mul", NULL, waiting, carry), own);
        }
    }
}

static ardm_value add_seed(ardm_graph *graph, int32_t exponent) {
    float power = 1;
    for (int32_t i = 0; i < exponent; i++) power *= 2;
    return ardm_graph_scalar(graph, power);
}

/* Rates of a step, as every graph that moves weights has them. */
typedef struct rates {
    ardm_value rate, limit, c1, c2, average;
} rates;

static rates add_rates(ardm_graph *graph) {
    rates r = {.rate = ardm_graph_input(graph, "rate", "f32[]")};
    r.limit = ardm_graph_input(graph, "limit", "f32[]");
    r.c1 = ardm_graph_input(graph, "c1", "f32[]");
    r.c2 = ardm_graph_input(graph, "c2", "f32[]");
    r.average = ardm_graph_input(graph, "average", "f32[]");
    return r;
}

/* From gradients to weights: norms, clip and hold of the step, and the optimiser unless it is held. bad: not 0 where a logit is not finite. */
static void move(frame *f, const ardm_objective *objective, const rates *r, ardm_value scale, ardm_value bad) {
    ardm_graph *graph = f->graph;
    for (uint32_t i = 0; i < f->n; i++) f->spare[i] = ARDM_NODE(graph, "square_sum", NULL, f->gradients[i]);
    ardm_value all = stack(graph, f->spare, f->n);
    ardm_value clip = ARDM_NODE(graph, "clip_factor", NULL, all, r->limit, scale);
    ardm_value zero = ardm_graph_scalar(graph, 0);
    ardm_value hyper = ARDM_NODE(graph, "stack", NULL, r->rate, clip, r->c1, r->c2, scale, r->average, zero, zero);
    ardm_value hold = ARDM_NODE(graph, "hold", NULL, all, f->loss, bad), still = hold;
    if (objective->levels > 0) /* an infinite `idle` holds the optimiser as what is not finite does */
        still = ARDM_NODE(graph, "hold", NULL, all, ardm_graph_input(graph, "idle", "f32[]"), hold);
    for (uint32_t i = 0; i < f->n; i++) {
        char name[160]; /* the graph's string may move when states are added */
        snprintf(name, sizeof name, "%s", ardm_graph_value_name(graph, f->wrt[i]));
        optimise(graph, objective, name, f->wrt[i], f->gradients[i], hyper, still);
    }
    ardm_graph_output(graph, "norms", all);
    ardm_graph_output(graph, "clip", clip);
    ardm_graph_output(graph, "hold", hold);
}

/* The frame's graph to the caller, when it is whole. */
static ardm_status hand_over(ardm_graph **out, frame *f) {
    ARDM_TRY(ardm_graph_check(f->graph));
    *out = f->graph;
    f->graph = NULL;
    return ARDM_OK;
}

ardm_status ardm_objective_train(ardm_graph **out, const ardm_network *net, const ardm_objective *objective) {
    frame f;
    *out = NULL;
    ardm_status status = begin(&f, "train", net);
    if (status != ARDM_OK) goto done;
    const rates r = add_rates(f.graph);
    const ardm_value scale = add_seed(f.graph, objective->exponent);
    status = differentiate(&f, scale, objective->group);
    if (status != ARDM_OK) goto done;
    fold_parts(&f, objective->levels);
    ardm_graph_output(f.graph, "nll", f.nll);
    ardm_graph_output(f.graph, "loss", f.loss);
    move(&f, objective, &r, scale, ARDM_NODE(f.graph, "count", "of=nonfinite", f.z));
    status = hand_over(out, &f);
done:
    drop(&f);
    return status;
}

ardm_status ardm_objective_backward(ardm_graph **out, const ardm_network *net, const ardm_objective *objective) {
    frame f;
    *out = NULL;
    ardm_status status = begin(&f, "backward", net);
    if (status == ARDM_OK) status = differentiate(&f, add_seed(f.graph, objective->exponent), objective->group);
    if (status != ARDM_OK) goto done;
    ardm_graph_output(f.graph, "loss", f.loss);
    ardm_graph_output(f.graph, "bad", ARDM_NODE(f.graph, "count", "of=nonfinite", f.z));
    for (uint32_t i = 0; i < f.n; i++) {
        char name[32];
        ardm_graph_output(f.graph, ardm_objective_gradient(name, i), f.gradients[i]);
    }
    status = hand_over(out, &f);
done:
    drop(&f);
    return status;
}

ardm_status ardm_objective_move(ardm_graph **out, const ardm_network *net, const ardm_objective *objective) {
    frame f = {0};
    ardm_graph *network = NULL;
    parameter *parameters = NULL;
    *out = NULL;
    ardm_status status = ardm_network_graph(&network, net);
    if (status == ARDM_OK) status = ardm_graph_create(&f.graph, "move");
    if (status == ARDM_OK) status = list_parameters(&parameters, &f, network);
    if (status != ARDM_OK) goto done;
    for (uint32_t i = 0; i < f.n; i++) {
        char type[96], name[32];
        ardm_graph_value_type(network, parameters[i].value, type, sizeof type);
        f.wrt[i] = ardm_graph_state(f.graph, parameters[i].name, type);
        f.gradients[i] = ardm_graph_input(f.graph, ardm_objective_gradient(name, i), type);
    }
    f.loss = ardm_graph_input(f.graph, "loss", "f32[]");
    const ardm_value bad = ardm_graph_input(f.graph, "bad", "i32[]");
    const rates r = add_rates(f.graph);
    move(&f, objective, &r, add_seed(f.graph, objective->exponent), bad);
    status = hand_over(out, &f);
done:
    free(parameters);
    ardm_graph_free(&network);
    drop(&f);
    return status;
}

const char *ardm_objective_gradient(char name[32], uint32_t index) {
    snprintf(name, 32, "gradient.%u", index);
    return name;
}

ardm_status ardm_objective_gradients(ardm_graph **out, const ardm_network *net, int64_t group) {
    frame f;
    *out = NULL;
    ardm_status status = begin(&f, "gradients", net);
    if (status == ARDM_OK) status = differentiate(&f, ardm_graph_input(f.graph, "scale", "f32[]"), group);
    for (uint32_t i = 0; status == ARDM_OK && i < f.n; i++) {
        char name[32];
        snprintf(name, sizeof name, "nonzero.%u", i);
        ardm_graph_output(f.graph, name, ARDM_NODE(f.graph, "count", "of=nonzero", f.gradients[i]));
    }
    if (status == ARDM_OK) status = ardm_graph_check(f.graph);
    if (status == ARDM_OK) {
        *out = f.graph;
        f.graph = NULL;
    }
    drop(&f);
    return status;
}

uint32_t ardm_head_parts(int32_t head, uint32_t channels) { return head == ARDM_HEAD_PIXEL ? channels : 1; }

uint32_t ardm_head_turns(int32_t head, int64_t classes) {
    if (head == ARDM_HEAD_PIXEL) return 3;
    return head == ARDM_HEAD_MIXTURE && classes > ARDM_FREQUENCY_MAX ? 2 : 1;
}

static int32_t has_centre(int32_t head) { return head == ARDM_HEAD_MIXTURE || head == ARDM_HEAD_PIXEL; }

static const char *const task_names[] = {"", "evaluate", "encode", "decode", "sample"};

/* From logits of children to what the task is after. */
static void finish(ardm_graph *graph, int32_t task, ardm_value z, ardm_value children, ardm_value target) {
    if (task == ARDM_TASK_SAMPLE) { /* temperature scales the logits first; coding refuses it by not having it */
        ardm_value warmth = ardm_graph_input(graph, "coldness", "f32[]");
        z = ARDM_NODE(graph, "mul", NULL, z, warmth);
    }
    ardm_value f = ARDM_NODE(graph, "frequency", NULL, z, children);
    if (task == ARDM_TASK_SAMPLE) {
        ardm_graph_output(graph, "symbol", ARDM_NODE(graph, "find", NULL, f, ardm_graph_input(graph, "slot", "u32[N,R]")));
        return;
    }
    ardm_value row = ardm_graph_input(graph, "row", "i32[N,R]");
    if (task == ARDM_TASK_ENCODE)
        ardm_graph_output(graph, "interval", ARDM_NODE(graph, "interval", NULL, f, target));
    else
        ardm_graph_output(graph, "frequency", f);
    ardm_graph_output(graph, "digest", ARDM_NODE(graph, "digest", NULL, f, row));
}

static ardm_status check_outputs(const ardm_graph *inference, int32_t head) {
    const uint32_t n_inputs = ardm_graph_input_count(inference), n_outputs = ardm_graph_output_count(inference);
    if (n_inputs <= 16 && n_outputs == (has_centre(head) ? 2u : 1u)) return ARDM_OK;
    return ardm_fail(ARDM_EFORMAT, "the model's graph has %u inputs and %u outputs, which its head does not fit", n_inputs, n_outputs);
}

ardm_status ardm_objective_head(ardm_graph **out, const ardm_graph *inference, int32_t task, int32_t head, int64_t classes) {
    ardm_graph *graph = NULL;
    ardm_value inputs[16], outputs[2] = {-1, -1};
    *out = NULL;
    ARDM_TRY(check_outputs(inference, head));
    ARDM_TRY(ardm_graph_create(&graph, task_names[task]));
    const uint32_t n_inputs = ardm_graph_input_count(inference);
    for (uint32_t i = 0; i < n_inputs; i++) {
        char type[96];
        ardm_value value = ardm_graph_input_at(inference, i);
        inputs[i] = ardm_graph_input(graph, ardm_graph_value_name(inference, value), ardm_graph_value_type(inference, value, type, sizeof type));
    }
    ardm_status status = ardm_graph_inline(graph, inference, inputs, n_inputs, outputs, ardm_graph_output_count(inference));
    if (status != ARDM_OK) goto fail;
    const int32_t pixel = head == ARDM_HEAD_PIXEL;
    ardm_value z = outputs[0], children = ardm_graph_input(graph, "children", "i32[N,R]");
    ardm_value target =
        task == ARDM_TASK_EVALUATE || task == ARDM_TASK_ENCODE ? ardm_graph_input(graph, "target", pixel ? "i32[N,R,3]" : "i32[N,R]") : -1;
    if (task == ARDM_TASK_EVALUATE) {
        ardm_value nll = has_centre(head) ? ardm_graph_node(graph, NULL, pixel ? "pixel_nll" : "mixture_nll",
                                                            (const ardm_value[]){z, outputs[1], target}, 3, "classes=%lld", (long long)classes)
                                          : ARDM_NODE(graph, "softmax_nll", NULL, z, target, children);
        ardm_graph_output(graph, "nll", nll);
    } else {
        if (head == ARDM_HEAD_MIXTURE)
            z = ardm_graph_node(graph, NULL, "mixture_logits", (const ardm_value[]){z, outputs[1]}, 2, "classes=%lld", (long long)classes);
        finish(graph, task, z, children, target);
    }
    status = ardm_graph_check(graph);
    if (status == ARDM_OK) {
        *out = graph;
        return ARDM_OK;
    }
fail:
    ardm_graph_free(&graph);
    return status;
}

ardm_status ardm_objective_turn(ardm_graph **out, const ardm_graph *inference, int32_t task, int32_t head, int64_t classes) {
    const int32_t pixel = head == ARDM_HEAD_PIXEL;
    ardm_graph *graph = NULL;
    ardm_value in[4];
    *out = NULL;
    ARDM_TRY(check_outputs(inference, head));
    ARDM_TRY(ardm_graph_create(&graph, task_names[task]));
    for (uint32_t i = 0; i < 2; i++) {
        char type[96];
        const char *name = ardm_graph_output_at(inference, i, &in[i]);
        in[i] = ardm_graph_input(graph, name, ardm_graph_value_type(inference, in[i], type, sizeof type));
    }
    in[2] = ardm_graph_input(graph, "known", pixel ? "i32[N,R,3]" : "i32[N,R]");
    in[3] = ardm_graph_input(graph, "turn", "i32[N]");
    ardm_value children = ardm_graph_input(graph, "children", "i32[N,R]");
    ardm_value target = task == ARDM_TASK_ENCODE ? ardm_graph_input(graph, "target", "i32[N,R]") : -1;
    ardm_value z = pixel ? ardm_graph_node(graph, NULL, "pixel_logits", in, 4, "classes=%lld", (long long)classes)
                         : ardm_graph_node(graph, NULL, "mixture_children", in, 4, "family=zero-least-significant, classes=%lld, base=%u",
                                           (long long)classes, ARDM_DIGIT_BASE);
    finish(graph, task, z, children, target);
    ardm_status status = ardm_graph_check(graph);
    if (status == ARDM_OK)
        *out = graph;
    else
        ardm_graph_free(&graph);
    return status;
}
