/* From a model file to a session: graph, weights and description, each checked. */
#include "ardm/predictor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of rows that have left the network. */
static const char *const heads[ARDM_HEAD_PIXEL + 1] = {
    [ARDM_HEAD_SOFTMAX] = "softmax", [ARDM_HEAD_DIRECT] = "direct", [ARDM_HEAD_MIXTURE] = "mixture", [ARDM_HEAD_PIXEL] = "pixel"};

void ardm_description_print(char *out, size_t size, const ardm_description *d) {
    char experts[3 * ARDM_EXPERT_CELLS_MAX];
    ardm_experts_print(experts, &d->experts);
    int n = d->rank == 2 ? snprintf(out, size, "extents %ux%u channels %u head %s multiple %u context 0", d->extent[0], d->extent[1], d->channels,
                                    heads[d->head], d->multiple)
                         : snprintf(out, size, "extents %u channels %u head %s multiple %u context %u", d->extent[0], d->channels, heads[d->head],
                                    d->multiple, d->context);
    if (d->experts.cells && n > 0 && (size_t)n < size) snprintf(out + n, size - (size_t)n, " experts %s", experts);
}

ardm_status ardm_description_parse(ardm_description *out, const char *text) {
    char head[16];
    unsigned height = 0, width = 0, channels = 0, multiple = 0, context = 0;
    int end = -1;
    memset(out, 0, sizeof *out);
    if (sscanf(text, "extents %5ux%5u channels %5u head %15s multiple %5u context %5u%n", &height, &width, &channels, head, &multiple, &context,
               &end) == 6) {
        out->rank = 2;
    } else {
        end = -1;
        if (sscanf(text, "extents %5u channels %5u head %15s multiple %5u context %5u%n", &height, &channels, head, &multiple, &context, &end) == 5)
            out->rank = 1;
    }
    if (out->rank && end > 0 && strncmp(text + end, " experts ", 9) == 0) {
        if (ardm_experts_parse(&out->experts, text + end + 9) != ARDM_OK)
            return ardm_fail(ARDM_EFORMAT, "the model's layout '%.80s' has experts that cannot be read", text);
        end = (int)strlen(text);
    }
    if (out->rank == 0 || end < 0 || text[end] != 0) return ardm_fail(ARDM_EFORMAT, "the model's layout '%.80s' cannot be read", text);
    uint64_t units = (uint64_t)height * (out->rank == 2 ? width : 1) * channels;
    if (units < 1 || units > ARDM_MAX_UNITS)
        return ardm_fail(ARDM_EFORMAT, "the model's layout '%.80s' has %llu units; 1 to %u can be", text, (unsigned long long)units, ARDM_MAX_UNITS);
    if (multiple < 1 || multiple > 64 || context >= height) return ardm_fail(ARDM_EFORMAT, "the model's layout '%.80s' is out of range", text);
    for (int32_t i = ARDM_HEAD_SOFTMAX; i <= ARDM_HEAD_PIXEL; i++)
        if (heads[i] && strcmp(head, heads[i]) == 0) out->head = i;
    if (!out->head) return ardm_fail(ARDM_EFORMAT, "the model's head '%s' is not known here", head);
    out->extent[0] = height;
    out->extent[1] = out->rank == 2 ? width : 0;
    out->channels = channels;
    out->multiple = multiple;
    out->context = context;
    return ARDM_OK;
}

static ardm_status put_weights(ardm_predictor *p, const ardm_graph *graph) {
    for (uint32_t i = 0; i < ardm_graph_state_count(graph); i++) {
        ardm_value value = ardm_graph_state_at(graph, i);
        const char *name = ardm_graph_value_name(graph, value);
        const ardm_shape *shape = ardm_graph_value_shape(graph, value);
        const ardm_tensor *tensor = ardm_model_tensor(p->model, name);
        if (!tensor || !ardm_model_is_weight(p->model, tensor))
            return ardm_fail(ARDM_EFORMAT, "the model lacks the weight %s that its graph names", name);
        int32_t same = tensor->rank == shape->rank;
        for (uint32_t d = 0; same && d < shape->rank; d++) same = tensor->dim[d] == shape->dim[d];
        char wanted[160];
        if (!same || shape->dtype != ARDM_F32)
            return ardm_fail(ARDM_EFORMAT, "weight %s: the graph asks for %s, the file has other extents", name,
                             ardm_shape_text(shape, wanted, sizeof wanted));
        float *data = malloc((size_t)ardm_shape_bytes(shape) + 1);
        if (!data) return ardm_fail(ARDM_ENOMEM, "no memory for %s", name);
        ardm_status status = ardm_model_widen(p->model, tensor, data);
        if (status == ARDM_OK) status = ardm_store_set(p->store, name, shape, data);
        free(data);
        ARDM_TRY(status);
    }
    return ARDM_OK;
}

/* "matmul@1 conv@1 …" against the ops of this program: a version counts up when one bit of an op changes, and then codes would differ. */
static ardm_status check_ops(const char *ops, const ardm_graph *graph) {
    for (const char *at = ops; *at; at += strspn(at, " ")) {
        char name[64];
        unsigned version = 0;
        int end = 0;
        const ardm_op *op;
        if (sscanf(at, "%63[^@ ]@%9u%n", name, &version, &end) != 2 || (at[end] && at[end] != ' '))
            return ardm_fail(ARDM_EFORMAT, "the model's ops cannot be read at '%.40s'", at);
        if (!(op = ardm_op_find(name))) return ardm_fail(ARDM_EUNSUPPORTED, "the model needs the op %s, which this program does not have", name);
        if (op->version != version)
            return ardm_fail(ARDM_EUNSUPPORTED,
                             "the model was made with version %u of the op %s and this program has version %u, which computes other bits", version,
                             name, op->version);
        at += end;
    }
    for (uint32_t i = 0; i < ardm_graph_node_count(graph); i++) {
        const char *name = ardm_graph_node_op(graph, i)->name, *at = ops;
        const size_t n = strlen(name);
        while ((at = strstr(at, name)) != NULL && !((at == ops || at[-1] == ' ') && at[n] == '@')) at += n;
        if (!at) return ardm_fail(ARDM_EFORMAT, "the model's graph has the op %s, of which its list of ops tells no version", name);
    }
    return ARDM_OK;
}

static ardm_status open_parts(ardm_predictor *p, uint64_t memory) {
    ardm_description description;
    ardm_graph *graph = NULL;
    char order[32];
    ardm_order_family family;
    ardm_process *process = NULL;
    const char *layout = ardm_model_get(p->model, "ardm.layout"), *text = ardm_model_get(p->model, "ardm.graph"),
               *modality = ardm_model_get(p->model, "ardm.modality"), *numerics = ardm_model_get(p->model, "ardm.numerics"),
               *ops = ardm_model_get(p->model, "ardm.ops");
    if (!layout || !text || !modality || !numerics || !ops)
        return ardm_fail(ARDM_EFORMAT, "the model lacks its layout, graph, modality, ops or numerics version");
    if (strcmp(numerics, "1") != 0)
        return ardm_fail(ARDM_EUNSUPPORTED, "the model needs numerics version %.8s and this program has version 1; use a newer ardm", numerics);
    p->variant[0] = 0;
    if (sscanf(modality, "%31s %*d %31s", p->modality, p->variant) < 1)
        return ardm_fail(ARDM_EFORMAT, "the model's modality '%.40s' cannot be read", modality);
    ARDM_TRY(ardm_description_parse(&description, layout));
    ARDM_TRY(ardm_model_order(p->model, &family));
    ardm_order_print(&family, order);
    description.order = order;
    if (family.kind == ARDM_ORDER_PLUGIN || family.kind == ARDM_ORDER_TABLE) {
        ARDM_TRY(ardm_levels_open(&p->levels, p->model, p->modality));
        description.levels = ardm_levels_source(p->levels);
    }
    ARDM_TRY(ardm_model_process(p->model, &process));
    description.process = ardm_process_text(process);
    description.chain = process;
    ardm_status status = ardm_graph_parse(&graph, text, strlen(text), memory ? memory : (uint64_t)1 << 31);
    if (status == ARDM_OK) status = check_ops(ops, graph);
    if (status == ARDM_OK) status = ardm_store_create(&p->store, p->device);
    if (status == ARDM_OK) status = put_weights(p, graph);
    if (status == ARDM_OK) status = ardm_session_create(&p->session, graph, p->store, NULL, &description, memory);
    if (status == ARDM_OK) status = ardm_model_identity(p->model, &p->identity);
    ardm_graph_free(&graph);
    ardm_process_free(&process);
    return status;
}

ardm_status ardm_predictor_open(ardm_predictor *out, ardm_model *model, ardm_device *device, uint64_t memory) {
    memset(out, 0, sizeof *out);
    out->model = model;
    out->device = device;
    ardm_status status = open_parts(out, memory);
    if (status != ARDM_OK) ardm_predictor_close(out);
    return status;
}

ardm_status ardm_predictor_twin(ardm_predictor *out, const ardm_predictor *of, ardm_device *device, uint64_t memory) {
    memset(out, 0, sizeof *out);
    out->model = of->model;
    out->borrowed = 1;
    out->device = device;
    ardm_status status = open_parts(out, memory);
    if (status != ARDM_OK) ardm_predictor_close(out);
    return status;
}

void ardm_predictor_close(ardm_predictor *predictor) {
    ardm_session_free(&predictor->session);
    ardm_levels_free(&predictor->levels);
    ardm_store_free(&predictor->store);
    if (!predictor->borrowed) ardm_model_free(&predictor->model);
    memset(predictor, 0, sizeof *predictor);
}
