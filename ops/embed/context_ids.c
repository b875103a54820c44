/* A hash of the ids before each position, so that tables of pairs and triples cost gathers instead of products. */
#include "embed/embed.h"

#include <inttypes.h>
#include <string.h>

#include "ardm/thread.h"

extern const char *const ardm_cl_embed_features;

enum { HISTORY, BUCKETS, STREAMS };

typedef struct job {
    const int32_t *ids, *block; /* block NULL: one block */
    int32_t *context;
    int64_t length, streams, history, buckets;
} job;

static ardm_status infer(const ardm_call *call, ardm_shape *outputs) {
    const int64_t buckets = call->attrs[BUCKETS].i, streams = call->attrs[STREAMS].i;
    if ((buckets & (buckets - 1)) != 0) return ardm_fail(ARDM_ESHAPE, "context_ids: %" PRId64 " buckets are no power of two", buckets);
    if (call->in[0].dim[1] % streams != 0)
        return ardm_fail(ARDM_ESHAPE, "context_ids: %" PRId64 " positions are no %" PRId64 " streams of one length", call->in[0].dim[1], streams);
    if (call->n_in > 1 && call->in[1].dtype && call->in[1].dim[0] != call->in[0].dim[0])
        return ardm_fail(ARDM_ESHAPE, "context_ids: block has %" PRId64 " elements for %" PRId64 " items", call->in[1].dim[0], call->in[0].dim[0]);
    outputs[0] = call->in[0];
    return ARDM_OK;
}

/* The definition. Nearest id first, all in 32-bit unsigned arithmetic:
 *   h = history * 0x9e3779b1;  for each id: h = (h ^ id) * 0x85ebca6b, h ^= h >> 15;  h *= 0xc2b2ae35, h ^= h >> 16
 * bucket = h & (buckets - 1). Ids of earlier blocks come from the clean stream, others from the position's own. -1 where the
 * history begins before the item, or it or the position itself is void (id below 0). */
static int32_t bucket_of(const job *j, int64_t item, int64_t row) {
    const int64_t p = row % j->length, given = j->block ? j->block[item] : 0, n = given <= 0 || given > j->length ? j->length : given;
    const int32_t *clean = j->ids + item * j->streams * j->length, *own = clean + row - p;
    uint32_t h = (uint32_t)j->history * 0x9e3779b1u;
    if (p < j->history || own[p] < 0) return -1;
    for (int64_t k = p - 1; k >= p - j->history; --k) {
        const int32_t id = k / n < p / n ? clean[k] : own[k];
        if (id < 0) return -1;
        h = (h ^ (uint32_t)id) * 0x85ebca6bu;
        h ^= h >> 15;
    }
    h *= 0xc2b2ae35u;
    h ^= h >> 16;
    return (int32_t)(h & (uint32_t)(j->buckets - 1));
}

static job state(const ardm_call *call, const void *const *in, void *const *out) {
    return (job){in[0],
                 call->n_in > 1 && call->in[1].dtype ? in[1] : NULL,
                 out[0],
                 call->in[0].dim[1] / call->attrs[STREAMS].i,
                 call->attrs[STREAMS].i,
                 call->attrs[HISTORY].i,
                 call->attrs[BUCKETS].i};
}

static void hash(void *user, int64_t begin, int64_t end) {
    const job *j = user;
    for (int64_t index = begin; index < end; ++index)
        j->context[index] = bucket_of(j, index / (j->streams * j->length), index % (j->streams * j->length));
}

static ardm_status reference(const ardm_call *call, const void *const *in, void *const *out) {
    job j = state(call, in, out);
    ardm_parallel(ardm_shape_count(&call->in[0]), 1024, hash, &j);
    return ARDM_OK;
}

/* Independently: gathers the history as text would be read, then folds it in 64-bit arithmetic reduced modulo 2^32. */
static ardm_status oracle(const ardm_call *call, const void *const *in, void *const *out) {
    const int64_t streams = call->attrs[STREAMS].i, length = call->in[0].dim[1] / streams, history = call->attrs[HISTORY].i;
    const int32_t *ids = in[0], *block = call->n_in > 1 && call->in[1].dtype ? in[1] : NULL;
    int32_t *to = out[0];
    for (int64_t item = 0; item < call->in[0].dim[0]; ++item)
        for (int64_t stream = 0; stream < streams; ++stream)
            for (int64_t p = 0; p < length; ++p) {
                int64_t seen[64], known = 0;
                for (int64_t back = 1; back <= history && p - back >= 0; ++back) {
                    const int64_t q = p - back, n = block && block[item] > 0 ? block[item] : length;
                    seen[known++] = ids[(item * streams + (q / n != p / n ? 0 : stream)) * length + q];
                }
                int fine = known == history && ids[(item * streams + stream) * length + p] >= 0;
                uint64_t h = ((uint64_t)history * 2654435761u) % (UINT64_C(1) << 32);
                for (int64_t k = 0; k < known; ++k) {
                    fine = fine && seen[k] >= 0;
                    h = (h ^ (uint64_t)(seen[k] & 0xffffffff)) * 2246822507u % (UINT64_C(1) << 32);
                    h ^= h / 32768;
                }
                h = h * 3266489909u % (UINT64_C(1) << 32);
                h ^= h / 65536;
                *to++ = fine ? (int32_t)(h % (uint64_t)call->attrs[BUCKETS].i) : -1;
            }
    return ARDM_OK;
}

static void cost(const ardm_call *call, double *flops, double *bytes) {
    *flops = 0;
    *bytes = 4.0 * (double)ardm_shape_count(&call->in[0]) * (double)(1 + call->attrs[HISTORY].i);
}

static ardm_status plan(const ardm_call *call, ardm_recorder *recorder) {
    const int64_t count = ardm_shape_count(&call->in[0]), streams = call->attrs[STREAMS].i, per = ardm__embed_per(recorder, 4096);
    const int32_t has_block = call->n_in > 1 && call->in[1].dtype != 0;
    return ARDM_LAUNCH(recorder, "context_ids", "", 1, (uint64_t)((count + per - 1) / per), 1, 1, per == 1 ? 0 : 1, 1, 1, ARDM_IN(0),
                       ARDM_IN(has_block ? 1 : 0), ARDM_OUT(0), ARDM_INT(has_block), ARDM_INT(count), ARDM_INT(call->in[0].dim[1] / streams),
                       ARDM_INT(streams), ARDM_INT(call->attrs[HISTORY].i), ARDM_INT(call->attrs[BUCKETS].i), ARDM_INT(per));
}

static const ardm_variant variants[] = {{ARDM_OP_ABI, sizeof(ardm_variant), "plain", ARDM_EXACT, NULL, &ardm_cl_embed_features, plan}};
static const ardm_attr attrs[] = {
    {"history", ARDM_ATTR_INT, NULL, 1, 32, "ids that are hashed"},
    {"buckets", ARDM_ATTR_INT, NULL, 1, 1 << 24, "a power of two"},
    {"streams", ARDM_ATTR_INT, "1", 1, 2, "2: positions are [clean; noisy]"},
};
static const ardm_port inputs[] = {{"ids", ARDM_DT(ARDM_I32), 2, 2, 0}, {"block", ARDM_DT(ARDM_I32), 1, 1, ARDM_PORT_OPTIONAL}};
static const ardm_port outputs[] = {{"context", ARDM_DT(ARDM_I32), 2, 2, 0}};
static const ardm_case cases[] = {
    {"i32[1,1]{0:256} -", "history=2, buckets=64"},
    {"i32[0,8]{0:256} -", "history=2, buckets=64"},
    {"i32[3,37]{-1:30} -", "history=2, buckets=16384"},
    {"i32[4,66]{0:257} i32[4]{0:4}", "history=3, buckets=4096, streams=2"},
    {"i32[2,600]{0:257} i32[2]{16:17}", "history=4, buckets=1, streams=2"},
    {"i32[2,64]{0:257} i32[2]{3:17}", "history=1, buckets=1024"},
};

const ardm_op ardm_op_context_ids = {
    ARDM_OP_ABI,
    sizeof(ardm_op),
    .name = "context_ids",
    .version = 1,
    .flags = ARDM_OP_NO_GRADIENT,
    .attrs = attrs,
    .n_attrs = 3,
    .inputs = inputs,
    .outputs = outputs,
    .n_inputs = 2,
    .n_outputs = 1,
    .sums = "",
    .help = "bucket of the `history` ids before each position; -1 at the start and beside void",
    .infer = infer,
    .reference = reference,
    .oracle = oracle,
    .cost = cost,
    .variants = variants,
    .n_variants = 1,
    .cases = cases,
    .n_cases = sizeof cases / sizeof cases[0],
};
