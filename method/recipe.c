/* The one table of config keys, and from text to a checked recipe. */
#include "ardm/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ardm/example.h"
#include "ardm/file.h"
#include "ardm/log.h"

static const ardm_config_key keys[] = {
    {"data", "path", ARDM_KEY_TEXT, NULL, 0, 0, NULL, "",
     "training files, blank-separated, relative to --data or $ARDM_DATA; path@A:B takes bytes A to B-1"},
    {"data", "shape", ARDM_KEY_TEXT, "", 0, 0, NULL, "", "extents of raw arrays, such as 32x32x3"},
    {"data", "tile", ARDM_KEY_INT, "32", 8, 256, NULL, "pixels", "edge of an image tile"},
    {"data", "window", ARDM_KEY_INT, "512", 16, 16384, NULL, "symbols",
     "length of a window of text or sound; coding gives its first half, except to a diffwave without order raster"},
    {"data", "crops", ARDM_KEY_CHOICE, "random", 0, 0, "random|fixed", "",
     "training tiles and windows at any place, or on the grid alone, each once an epoch"},
    {"data", "scales", ARDM_KEY_TEXT, "1", 0, 0, NULL, "",
     "whole factors, such as 1 2 4: each picture is trained on box-averaged down by one of them, drawn by example"},
    {"data", "licence", ARDM_KEY_TEXT, "not stated", 0, 0, NULL, "", "licence of the data, kept in the model"},
    {"modality", "id", ARDM_KEY_TEXT, NULL, 0, 0, NULL, "", "plugin: image, text, audio"},
    {"modality", "variant", ARDM_KEY_TEXT, "", 0, 0, NULL, "", "what of the plugin: rgb, grey; bytes, letters; …"},
    {"process", "family", ARDM_KEY_CHOICE, "absorbing", 0, 0, "absorbing|zero-least-significant|augment-least-significant|table", "", "transition"},
    {"process", "base", ARDM_KEY_INT, "2", 2, 65536, NULL, "", "branching factor of the least-significant families, any from 2 to K"},
    {"process", "partitions", ARDM_KEY_TEXT, "", 0, 0, NULL, "",
     "of a table: partitions 1 to S-1 apart by '/', classes by '|', symbols or ranges a-b by blanks"},
    {"order", "family", ARDM_KEY_TEXT, "uniform", 0, 0, NULL, "",
     "uniform, raster, quincunx (pictures), dyadic (sounds, text), blocks:n, blocks:1-16, permuted:n (blocks of a random order); of pictures one "
     "channel after another: channel-uniform, channel-raster, channel-quincunx; plugin:NAME, an order of the modality"},
    {"network", "kind", ARDM_KEY_CHOICE, NULL, 0, 0, "transformer|unet|diffwave", "", "network"},
    {"network", "width", ARDM_KEY_INT, "128", 16, 4096, NULL, "channels", "hidden width"},
    {"network", "layers", ARDM_KEY_INT, "6", 1, 128, NULL, "", "transformer, residual or gated blocks"},
    {"network", "heads", ARDM_KEY_INT, "4", 0, 64, NULL, "", "attention heads; 0 leaves a unet without attention"},
    {"network", "context", ARDM_KEY_INT, "0", 0, 8, NULL, "symbols", "transformer: hashed embeddings of up to so many preceding symbols"},
    {"network", "buckets", ARDM_KEY_INT, "1024", 16, 1048576, NULL, "rows", "rows of each hashed embedding, a power of two"},
    {"network", "stem", ARDM_KEY_INT, "32", 4, 512, NULL, "channels", "unet: width at full resolution"},
    {"network", "groups", ARDM_KEY_INT, "8", 1, 64, NULL, "", "unet: groups of group norm"},
    {"network", "scales", ARDM_KEY_INT, "3", 1, 5, NULL, "", "unet, diffwave: scales of the interpolation features"},
    {"network", "down", ARDM_KEY_INT, "2", 1, 4, NULL, "pixels", "unet: space-to-depth block"},
    {"network", "cycle", ARDM_KEY_INT, "10", 1, 20, NULL, "blocks", "diffwave: dilations 1, 2, 4 … over so many blocks, then from 1 again"},
    {"network", "conv", ARDM_KEY_INT, "0", 0, 31, NULL, "positions",
     "transformer that sees both ways: taps, an odd number, of a convolution before each attention; 0: none"},
    {"network", "form", ARDM_KEY_CHOICE, "small", 0, 0, "small|paper", "", "layers as we found them good at small sizes, or as the paper has them"},
    {"network", "embedding", ARDM_KEY_INT, "64", 1, 1024, NULL, "channels", "unet, diffwave of form paper: width of an id's row"},
    {"network", "every", ARDM_KEY_INT, "0", 0, 128, NULL, "blocks",
     "unet of form paper: attention behind every so-manieth block of either half; 0: in the middle alone"},
    {"network", "time", ARDM_KEY_BOOL, "no", 0, 0, NULL, "", "transformer of form paper: blocks are told how much is decided"},
    {"network", "dropout", ARDM_KEY_FLOAT, "0", 0, 0.99, NULL, "",
     "probability that a step of training drops an element of a residual branch; evaluation, coding and the model have none"},
    {"network", "expert_of_cell", ARDM_KEY_TEXT, "", 0, 0, NULL, "",
     "unet, diffwave of form small: a head of its own for some cells; a number a cell, stage by stage, level by level, such as 0 0 0 0 0 1"},
    {"head", "kind", ARDM_KEY_CHOICE, "softmax", 0, 0, "softmax|direct|data|mixture|pixel", "",
     "parametrisation: softmax of one stage; of several, direct, data or (cdf) mixture; pixel: a mixture of red, green given red, blue given both"},
    {"head", "mixtures", ARDM_KEY_INT, "5", 1, 32, NULL, "", "components of a mixture head"},
    {"train", "steps", ARDM_KEY_INT, "10000", 1, 1e9, NULL, "steps", "length of the run"},
    {"train", "batch", ARDM_KEY_INT, "32", 1, 65536, NULL, "items", "global batch"},
    {"train", "group", ARDM_KEY_INT, "0", 0, 65536, NULL, "items", "items a gradient group, 0: batch / 8; batch / group is a power of two"},
    {"train", "accumulate", ARDM_KEY_INT, "1", 1, 65536, NULL, "parts",
     "the global batch comes in, a power of two of whole groups each: less memory, the same weights to the bit"},
    {"train", "draws", ARDM_KEY_INT, "1", 1, 16, NULL, "", "(cell, n) draws an item and step; batch counts them"},
    {"train", "lr", ARDM_KEY_FLOAT, "0.002", 0, 10, NULL, "", "peak learning rate"},
    {"train", "warmup", ARDM_KEY_INT, "200", 0, 1e9, NULL, "steps", "linear warm-up"},
    {"train", "schedule", ARDM_KEY_CHOICE, "cosine", 0, 0, "cosine|constant|linear|rsqrt", "",
     "learning rate after warm-up: to zero by a cosine or a line, or with the root of the steps (warmup is their unit)"},
    {"train", "decay", ARDM_KEY_FLOAT, "0.0", 0, 1, NULL, "", "AdamW weight decay of matrices and kernels"},
    {"train", "beta1", ARDM_KEY_FLOAT, "0.9", 0, 0.9999, NULL, "", "Adam"},
    {"train", "beta2", ARDM_KEY_FLOAT, "0.98", 0, 0.99999, NULL, "", "Adam"},
    {"train", "eps", ARDM_KEY_FLOAT, "1e-8", 1e-10, 1, NULL, "", "Adam"},
    {"train", "clip", ARDM_KEY_FLOAT, "1.0", 0, 1e6, NULL, "", "limit of the global gradient norm; 0: none"},
    {"train", "average", ARDM_KEY_FLOAT, "0.05", 0, 0.5, NULL, "of the run", "horizon of the averaged weights"},
    {"train", "given", ARDM_KEY_FLOAT, "0.5", 0, 1, NULL, "", "probability that an item has a given set"},
    {"train", "auxiliary", ARDM_KEY_FLOAT, "0.0", 0, 1, NULL, "", "weight of the auxiliary cross-entropy"},
    {"train", "sampling", ARDM_KEY_CHOICE, "stratified", 0, 0, "uniform|stratified|antithetic", "",
     "how (cell, n) is drawn over a batch; without effect in order blocks"},
    {"train", "flips", ARDM_KEY_BOOL, "no", 0, 0, NULL, "", "random horizontal flips of images"},
    {"train", "rotations", ARDM_KEY_BOOL, "no", 0, 0, NULL, "", "random quarter turns of images"},
    {"train", "seed", ARDM_KEY_INT, "0", 0, 9e15, NULL, "", "random seed"},
    {"train", "checkpoint", ARDM_KEY_INT, "500", 1, 1e9, NULL, "steps", "between checkpoints"},
    {"train", "evaluate", ARDM_KEY_INT, "500", 1, 1e9, NULL, "steps", "between held-out bounds"},
    {"train", "keep", ARDM_KEY_CHOICE, "last", 0, 0, "last|best", "", "weights of the model: of the last step, or of the best held-out bound"},
    {"train", "patience", ARDM_KEY_INT, "0", 0, 1e9, NULL, "evaluations", "without a better held-out bound end the run; 0: never"},
    {"eval", "items", ARDM_KEY_INT, "200", 1, 1e9, NULL, "items", "held-out items of a bound during training"},
};

const ardm_config_key *ardm_recipe_keys(size_t *count) {
    *count = sizeof keys / sizeof *keys;
    return keys;
}

/* What the paper's networks lack or need. */
static ardm_status check_paper(const ardm_recipe *r) {
    const ardm_network *n = &r->network;
    const int32_t transformer = n->kind == ARDM_NETWORK_TRANSFORMER;
    if (n->every && (!n->paper || n->kind != ARDM_NETWORK_UNET)) return ardm_fail(ARDM_EINVAL, "[network] every is for kind = unet of form = paper");
    if (n->timed && (!n->paper || !transformer)) return ardm_fail(ARDM_EINVAL, "[network] time is for kind = transformer of form = paper");
    if (n->timed && n->streams == 2)
        return ardm_fail(ARDM_EINVAL, "[network] time: order %s trains every block of a window at once, which have no time in common", r->order);
    if (!n->paper) return ARDM_OK;
    if (!transformer && n->stem >= n->width)
        return ardm_fail(ARDM_EINVAL, "[network] stem %lld must be below width %lld: the rest of it comes from ids", (long long)n->stem,
                         (long long)n->width);
    if (n->width % 2) return ardm_fail(ARDM_EINVAL, "[network] width %lld must be even", (long long)n->width);
    if (n->kind == ARDM_NETWORK_UNET && (n->head == ARDM_HEAD_MIXTURE || n->head == ARDM_HEAD_CDF))
        return ardm_fail(ARDM_EUNSUPPORTED, "[head] a unet of form = paper takes softmax, direct or data");
    return ARDM_OK;
}

static ardm_status check(const ardm_recipe *r) {
    if (r->batch % r->group || ((r->batch / r->group) & (r->batch / r->group - 1)))
        return ardm_fail(ARDM_EINVAL, "[train] batch %lld / group %lld must be a power of two", (long long)r->batch, (long long)r->group);
    if ((r->accumulate & (r->accumulate - 1)) || r->batch / r->group % r->accumulate)
        return ardm_fail(ARDM_EINVAL, "[train] accumulate %lld must be a power of two that divides batch / group = %lld", (long long)r->accumulate,
                         (long long)(r->batch / r->group));
    if (r->batch % r->draws)
        return ardm_fail(ARDM_EINVAL, "[train] batch %lld must be a multiple of draws %lld", (long long)r->batch, (long long)r->draws);
    const ardm_network *n = &r->network;
    if (n->kind == ARDM_NETWORK_TRANSFORMER && n->heads == 0) return ardm_fail(ARDM_EINVAL, "[network] a transformer needs heads of at least 1");
    if (n->kind != ARDM_NETWORK_DIFFWAVE && n->heads && n->width % n->heads)
        return ardm_fail(ARDM_EINVAL, "[network] width %lld must be a multiple of heads %lld", (long long)n->width, (long long)n->heads);
    if (n->kind == ARDM_NETWORK_UNET && n->width % n->groups)
        return ardm_fail(ARDM_EINVAL, "[network] width %lld must be a multiple of groups %lld", (long long)n->width, (long long)n->groups);
    if (n->kind == ARDM_NETWORK_TRANSFORMER && r->window > 8192)
        return ardm_fail(ARDM_EINVAL, "[data] window %lld: a transformer has at most 8192 positions", (long long)r->window);
    if (n->buckets & (n->buckets - 1)) return ardm_fail(ARDM_EINVAL, "[network] buckets %lld must be a power of two", (long long)n->buckets);
    if (n->kind == ARDM_NETWORK_TRANSFORMER && (n->head == ARDM_HEAD_MIXTURE || n->head == ARDM_HEAD_CDF))
        return ardm_fail(ARDM_EUNSUPPORTED,
                         "[head] a mixture needs the interpolation of kind = unet or diffwave; a transformer takes softmax, direct or data");
    if (n->taps && (n->kind != ARDM_NETWORK_TRANSFORMER || n->streams == 2 || n->taps % 2 == 0))
        return ardm_fail(ARDM_EINVAL, "[network] conv %lld: an odd number, for a transformer whose order is not blocks", (long long)n->taps);
    if (n->experts > 1 && (n->kind == ARDM_NETWORK_TRANSFORMER || n->paper))
        return ardm_fail(ARDM_EUNSUPPORTED, "[network] expert_of_cell is for kind = unet or diffwave of form = small");
    ARDM_TRY(check_paper(r));
    if (n->head == ARDM_HEAD_PIXEL && (n->kind != ARDM_NETWORK_UNET || n->paper || strcmp(r->family, "absorbing") != 0))
        return ardm_fail(ARDM_EUNSUPPORTED, "[head] pixel needs kind = unet of form = small and the absorbing process");
    if (n->head == ARDM_HEAD_SOFTMAX && strcmp(r->family, "absorbing") != 0)
        return ardm_fail(ARDM_EINVAL, "[head] softmax is for the absorbing process; with family = %s say direct, data or mixture", r->family);
    if ((strcmp(r->family, "table") == 0) != (r->partitions[0] != 0))
        return ardm_fail(ARDM_EINVAL, "[process] partitions and family = table go together");
    const int32_t blocks = strncmp(r->order, "blocks:", 7) == 0 || n->permuted;
    if (n->permuted && n->context > 0)
        return ardm_fail(ARDM_EINVAL, "[network] context: the symbols before a position are not known in order %s; say context = 0", r->order);
    if (blocks && n->kind != ARDM_NETWORK_TRANSFORMER) return ardm_fail(ARDM_EUNSUPPORTED, "[order] %s needs the block-causal transformer", r->order);
    if (blocks && strcmp(r->family, "absorbing") != 0) return ardm_fail(ARDM_EUNSUPPORTED, "[order] %s needs the absorbing process", r->order);
    return ARDM_OK;
}

/* What depends on the data. Frequencies are of at most 4,096 children (numerics.md 7). */
static ardm_status check_form(const ardm_recipe *r) {
    enum { MOST = 4096 };
    const ardm_network *n = &r->network;
    if (n->kind == ARDM_NETWORK_DIFFWAVE && n->channels != 1)
        return ardm_fail(ARDM_EUNSUPPORTED,
                         "[network] kind = diffwave takes sounds of one channel, these have %lld: mix them or take the channels apart",
                         (long long)n->channels);
    if (n->head == ARDM_HEAD_PIXEL && n->channels != 3)
        return ardm_fail(ARDM_EINVAL, "[head] pixel is of three channels, these pictures have %lld: say mixture", (long long)n->channels);
    if (n->head == ARDM_HEAD_PIXEL && n->classes > MOST)
        return ardm_fail(ARDM_EUNSUPPORTED, "[head] pixel codes at most %d values a channel, these have %lld", MOST, (long long)n->classes);
    if (n->base > MOST && n->head != ARDM_HEAD_MIXTURE) /* a mixture's symbol is coded as digits of one row */
        return ardm_fail(ARDM_EUNSUPPORTED,
                         "one of %lld is chosen in a stage, at most %d can be coded: say [head] kind = mixture, or [process] family = "
                         "zero-least-significant and base = 256",
                         (long long)n->base, MOST);
    if (n->head != ARDM_HEAD_DATA && n->head != ARDM_HEAD_SOFTMAX) return ARDM_OK;
    /* A logit a symbol is dear where symbols are many: method.md 1. */
    const int64_t units = n->kind == ARDM_NETWORK_UNET ? r->tile * r->tile * n->channels : r->window;
    const double logits = (double)(r->batch / r->accumulate) * (double)units * (double)n->classes;
    if (logits > 1 << 28)
        return ardm_fail(
            ARDM_EUNSUPPORTED,
            "%lld items of %lld units with %lld logits each are %.3g numbers a batch, and 2^28 is the limit: take a smaller batch, accumulate, or a "
            "direct or mixture head",
            (long long)(r->batch / r->accumulate), (long long)units, (long long)n->classes, logits);
    if (n->head == ARDM_HEAD_DATA && n->classes > MOST)
        ardm_log_write(ARDM_LOG_WARNING, "a data head of %lld symbols computes all their logits in every stage; direct and mixture heads do not",
                       (long long)n->classes);
    return ARDM_OK;
}

static ardm_status parse_scales(ardm_augmentation *a, const char *text) {
    for (const char *at = text + strspn(text, " \t"); *at; at += strspn(at, " \t")) {
        char word[16];
        int64_t scale;
        const size_t length = strcspn(at, " \t");
        if (length >= sizeof word) return ardm_fail(ARDM_EINVAL, "[data] scales: %.20s… is no factor", at);
        memcpy(word, at, length);
        word[length] = 0;
        ARDM_TRY(ardm_parse_int(&scale, "[data] scales", word, 1, ARDM_MAX_SCALE));
        for (uint32_t i = 0; i < a->n_scales; i++)
            if (a->scale[i] == scale) return ardm_fail(ARDM_EINVAL, "[data] scales has %lld twice", (long long)scale);
        if (a->n_scales == ARDM_MAX_SCALES) return ardm_fail(ARDM_EINVAL, "[data] scales: more than %d of them", ARDM_MAX_SCALES);
        a->scale[a->n_scales++] = (uint32_t)scale;
        at += length;
    }
    return a->n_scales ? ARDM_OK : ardm_fail(ARDM_EINVAL, "[data] scales is empty; 1 leaves pictures as they are");
}

ardm_status ardm_recipe_parse(ardm_recipe **out, const char *name, const char *text, size_t size) {
    *out = NULL;
    ardm_recipe *r = calloc(1, sizeof *r);
    if (!r || !(r->text = malloc(size + 1))) {
        free(r);
        return ardm_fail(ARDM_ENOMEM, "%s: no memory", name);
    }
    memcpy(r->text, text, size);
    r->text[size] = 0;
    ardm_status status = ardm_config_parse(&r->config, name, r->text, size, keys, sizeof keys / sizeof *keys);
    if (status != ARDM_OK) goto fail;
    const ardm_config *c = r->config;
    r->paths = ardm_config_text(c, "data", "path");
    r->shape = ardm_config_text(c, "data", "shape");
    r->tile = ardm_config_int(c, "data", "tile");
    r->window = ardm_config_int(c, "data", "window");
    r->licence = ardm_config_text(c, "data", "licence");
    r->modality = ardm_config_text(c, "modality", "id");
    r->variant = ardm_config_text(c, "modality", "variant");
    r->family = ardm_config_text(c, "process", "family");
    r->base = ardm_config_int(c, "process", "base");
    r->partitions = ardm_config_text(c, "process", "partitions");
    r->order = ardm_config_text(c, "order", "family");
    const char *called = ardm_config_text(c, "network", "kind");
    int32_t kind = strcmp(called, "unet") == 0       ? ARDM_NETWORK_UNET
                   : strcmp(called, "diffwave") == 0 ? ARDM_NETWORK_DIFFWAVE
                                                     : ARDM_NETWORK_TRANSFORMER;
    r->network = (ardm_network){
        .size = sizeof r->network,
        .kind = kind,
        .family = r->family,
        .base = r->base,
        .width = ardm_config_int(c, "network", "width"),
        .layers = ardm_config_int(c, "network", "layers"),
        .heads = ardm_config_int(c, "network", "heads"),
        .mixtures = ardm_config_int(c, "head", "mixtures"),
        .streams = strncmp(r->order, "blocks:", 7) == 0 || strncmp(r->order, "permuted:", 9) == 0 ? 2 : 1,
        .permuted = strncmp(r->order, "permuted:", 9) == 0,
        .context = ardm_config_int(c, "network", "context"),
        .buckets = ardm_config_int(c, "network", "buckets"),
        .stem = ardm_config_int(c, "network", "stem"),
        .groups = ardm_config_int(c, "network", "groups"),
        .scales = ardm_config_int(c, "network", "scales"),
        .down = ardm_config_int(c, "network", "down"),
        .cycle = ardm_config_int(c, "network", "cycle"),
        .taps = ardm_config_int(c, "network", "conv"),
        .paper = strcmp(ardm_config_text(c, "network", "form"), "paper") == 0,
        .timed = ardm_config_bool(c, "network", "time"),
        .embedding = ardm_config_int(c, "network", "embedding"),
        .every = ardm_config_int(c, "network", "every"),
        .dropout = ardm_config_float(c, "network", "dropout"),
    };
    const char *head = ardm_config_text(c, "head", "kind");
    /* Of one stage, direct and data are both the softmax over K, and a child's interval is a bin. */
    int32_t staged = strcmp(r->family, "absorbing") != 0;
    if (strcmp(head, "pixel") == 0)
        r->network.head = ARDM_HEAD_PIXEL;
    else if (strcmp(head, "mixture") == 0)
        r->network.head = staged ? ARDM_HEAD_CDF : ARDM_HEAD_MIXTURE;
    else if (strcmp(head, "softmax") == 0 || !staged)
        r->network.head = ARDM_HEAD_SOFTMAX;
    else
        r->network.head = strcmp(head, "direct") == 0 ? ARDM_HEAD_DIRECT : ARDM_HEAD_DATA;
    r->steps = ardm_config_int(c, "train", "steps");
    r->batch = ardm_config_int(c, "train", "batch");
    r->group = ardm_config_int(c, "train", "group");
    if (r->group == 0) r->group = r->batch % 8 == 0 ? r->batch / 8 : r->batch;
    r->accumulate = ardm_config_int(c, "train", "accumulate");
    r->draws = ardm_config_int(c, "train", "draws");
    r->rate = ardm_config_float(c, "train", "lr");
    r->warmup = ardm_config_int(c, "train", "warmup");
    const char *schedule = ardm_config_text(c, "train", "schedule");
    r->schedule = strcmp(schedule, "cosine") == 0   ? ARDM_RATE_COSINE
                  : strcmp(schedule, "linear") == 0 ? ARDM_RATE_LINEAR
                  : strcmp(schedule, "rsqrt") == 0  ? ARDM_RATE_RSQRT
                                                    : ARDM_RATE_CONSTANT;
    r->decay = ardm_config_float(c, "train", "decay");
    r->beta1 = ardm_config_float(c, "train", "beta1");
    r->beta2 = ardm_config_float(c, "train", "beta2");
    r->epsilon = ardm_config_float(c, "train", "eps");
    r->clip = ardm_config_float(c, "train", "clip");
    r->average = ardm_config_float(c, "train", "average");
    r->given = ardm_config_float(c, "train", "given");
    r->auxiliary = ardm_config_float(c, "train", "auxiliary");
    const char *sampling = ardm_config_text(c, "train", "sampling");
    r->sampling = strcmp(sampling, "stratified") == 0   ? ARDM_SAMPLING_STRATIFIED
                  : strcmp(sampling, "antithetic") == 0 ? ARDM_SAMPLING_ANTITHETIC
                                                        : ARDM_SAMPLING_UNIFORM;
    r->augmentation.flips = ardm_config_bool(c, "train", "flips");
    r->augmentation.rotations = ardm_config_bool(c, "train", "rotations");
    r->augmentation.fixed = strcmp(ardm_config_text(c, "data", "crops"), "fixed") == 0;
    r->seed = (uint64_t)ardm_config_int(c, "train", "seed");
    r->checkpoint = ardm_config_int(c, "train", "checkpoint");
    r->evaluate = ardm_config_int(c, "train", "evaluate");
    r->keep_best = strcmp(ardm_config_text(c, "train", "keep"), "best") == 0;
    r->patience = ardm_config_int(c, "train", "patience");
    r->evaluate_items = ardm_config_int(c, "eval", "items");
    status = ardm_experts_parse(&r->experts, ardm_config_text(c, "network", "expert_of_cell"));
    r->network.experts = r->experts.count;
    if (status == ARDM_OK) status = parse_scales(&r->augmentation, ardm_config_text(c, "data", "scales"));
    if (status == ARDM_OK) status = check(r);
    if (status != ARDM_OK) goto fail;
    *out = r;
    return ARDM_OK;
fail:
    ardm_recipe_free(&r);
    return status;
}

ardm_status ardm_recipe_read(ardm_recipe **out, const char *path) {
    ardm_bytes bytes = {0};
    *out = NULL;
    ARDM_TRY(ardm_file_read(&bytes, path, 1 << 20, 0));
    ardm_status status = ardm_recipe_parse(out, path, (const char *)bytes.data, bytes.size);
    ardm_bytes_free(&bytes);
    return status;
}

static ardm_status take_process(ardm_recipe *r, int64_t classes, int64_t channels, int64_t base, ardm_process **process) {
    r->network.classes = classes;
    r->network.channels = channels;
    r->network.stages = ardm_process_stages(*process);
    r->network.base = base;
    r->network.inputs = ardm_process_inputs(*process);
    ardm_status status = check_form(r);
    if (status != ARDM_OK) ardm_process_free(process);
    return status;
}

static ardm_status resolve_table(ardm_recipe *r, int64_t classes, int64_t channels, ardm_process **process) {
    ARDM_TRY(ardm_process_from_partitions(process, (uint32_t)classes, r->partitions));
    const uint32_t stages = ardm_process_stages(*process);
    ardm_status status = ARDM_OK;
    for (uint32_t p = 0; p <= stages && r->network.head == ARDM_HEAD_CDF && status == ARDM_OK; p++)
        for (uint32_t x = 0; x < classes && status == ARDM_OK; x++) {
            int32_t interval;
            (void)ardm_process_last(*process, p, x, &interval);
            if (!interval)
                status = ardm_fail(ARDM_EINVAL, "[head] a mixture needs classes without gaps: partition %u has one at symbol %u; say direct or data",
                                   p, x);
        }
    free(r->table);
    r->table = malloc(5 * ((size_t)stages + 1) * (size_t)classes * sizeof *r->table);
    if (!r->table && status == ARDM_OK) status = ardm_fail(ARDM_ENOMEM, "no memory for a process table");
    if (status != ARDM_OK) {
        ardm_process_free(process);
        return status;
    }
    ardm_process_table(*process, r->table);
    r->network.table = r->table;
    return take_process(r, classes, channels, ardm_process_logits(*process), process);
}

ardm_status ardm_recipe_resolve(ardm_recipe *r, int64_t classes, int64_t channels, ardm_process **process) {
    char text[64];
    if (strcmp(r->family, "table") == 0) return resolve_table(r, classes, channels, process);
    if (strcmp(r->family, "absorbing") == 0)
        snprintf(text, sizeof text, "absorbing %lld", (long long)classes);
    else
        snprintf(text, sizeof text, "%s %lld %lld", r->family, (long long)classes, (long long)r->base);
    ARDM_TRY(ardm_process_parse(process, text));
    return take_process(r, classes, channels, ardm_process_base(*process), process);
}

void ardm_recipe_free(ardm_recipe **recipe) {
    if (!*recipe) return;
    ardm_config_free(&(*recipe)->config);
    free((*recipe)->text);
    free((*recipe)->table);
    free(*recipe);
    *recipe = NULL;
}
