/* dna: a modality of its own, complete and small; a template. Text of the letters A, C, G, T becomes symbols 0 to 3; one line feed at
 * the end may follow, and comes back.
 *
 * It is a shared module built against the installed ardm/plugin.h alone (CMakeLists.txt here), and loaded from a folder of
 * ARDM_PLUGIN_PATH. To make yours: rename the ids at the bottom, say in open() what a file holds, turn bytes to symbols in read() and
 * symbols to bytes in write(). Memory and streams are the host's. Everything is static: the module exports its entry and no more. */
#include <stdio.h>
#include <string.h>

#include <ardm/plugin.h>

static const ardm_host *host;
static const char letters[] = "ACGT";
enum { CHUNK = 4096, CLASSES = sizeof letters - 1 };

/* The state of one file that is read or written. The host frees it with the task if we forget. */
typedef struct strand {
    int64_t at, bases;
    uint8_t newline; /* what stands beside the symbols: 1 if a line feed ends the file */
    uint8_t data[];  /* reading: the whole file */
} strand;

/* Failure is a status and a text, with the numbers a person needs. */
static int32_t failed(ardm_task *task, int32_t status, const char *format, long long a, long long b) {
    char text[160];
    (void)snprintf(text, sizeof text, format, a, b);
    return host->fail(task, status, text);
}

static int32_t symbol_of(uint8_t byte) {
    const char *at = byte ? strchr(letters, byte) : NULL;
    return at ? (int32_t)(at - letters) : -1;
}

/* How sure are we that a file is ours, by its first bytes? `text` says 30 at most, so all letters being ours is worth more. */
static int32_t probe(const uint8_t *first, int64_t bytes, const char *name) {
    (void)name;
    int64_t n = bytes > 1 && bytes < CHUNK && first[bytes - 1] == '\n' ? bytes - 1 : bytes;
    for (int64_t i = 0; i < n; ++i)
        if (symbol_of(first[i]) < 0) return 0;
    return n > 0 ? 60 : 0;
}

static void describe(ardm_header *header) {
    header->rank = 1;
    header->channels = 1;
    header->classes = CLASSES;
    header->exact = 1; /* writing gives the same bytes */
    header->items = 1;
    header->variant = "acgt";
}

static int32_t check_options(ardm_task *task) {
    const char *variant = host->option(task, "variant");
    if (variant && strcmp(variant, "acgt") != 0) return host->fail(task, ARDM_PLUGIN_EINVAL, "dna has the variant acgt alone");
    return host->option(task, "shape") ? host->fail(task, ARDM_PLUGIN_EINVAL, "dna takes no shape") : ARDM_PLUGIN_OK;
}

/* --- reading --------------------------------------------------------------------------------------------------------------------- */

static int32_t open_file(ardm_task *task, ardm_header *header, void **reader) {
    int64_t length = host->length(task);
    int32_t status = check_options(task);
    if (status) return status;
    if (length < 0 || length > INT32_MAX)
        return failed(task, ARDM_PLUGIN_EUNSUPPORTED, "a strand of %lld bytes; up to %lld are read at once", length, INT32_MAX);
    strand *s = host->allocate(task, (int64_t)sizeof *s + length);
    if (!s) return failed(task, ARDM_PLUGIN_ENOMEM, "no memory for %lld bytes", length, 0);
    if (host->read(task, s->data, length) != length) return failed(task, ARDM_PLUGIN_EIO, "the file is shorter than its %lld bytes", length, 0);
    s->at = 0;
    s->newline = length > 0 && s->data[length - 1] == '\n';
    s->bases = length - s->newline;
    for (int64_t i = 0; i < s->bases; ++i)
        if (symbol_of(s->data[i]) < 0) return failed(task, ARDM_PLUGIN_EUNSUPPORTED, "byte %lld is %lld, none of A, C, G and T", i, s->data[i]);
    describe(header);
    header->extents[0] = s->bases;
    header->side = &s->newline; /* lives until close; kept out of the archive when there is nothing to say */
    header->side_bytes = s->newline;
    *reader = s;
    return ARDM_PLUGIN_OK;
}

static int32_t read_symbols(ardm_task *task, void *reader, int64_t item, int64_t first, int64_t count, int32_t *symbols) {
    const strand *s = reader;
    if (item != 0 || first < 0 || count < 0 || first > s->bases - count)
        return failed(task, ARDM_PLUGIN_EINVAL, "%lld bases from base %lld on: there are not so many", count, first);
    for (int64_t i = 0; i < count; ++i) symbols[i] = symbol_of(s->data[first + i]);
    return ARDM_PLUGIN_OK;
}

static void close_file(ardm_task *task, void *reader) { host->release(task, reader); }

/* --- writing: the header may come from a damaged archive ---------------------------------------------------------------------------- */

static int32_t begin(ardm_task *task, const ardm_header *header, uint32_t purpose, void **writer) {
    (void)purpose; /* a strand is its own picture */
    if (header->rank != 1 || header->channels != 1 || header->classes != CLASSES)
        return failed(task, ARDM_PLUGIN_EFORMAT, "an item of %lld axes and %lld classes is no strand", header->rank, header->classes);
    if (header->side_bytes > 1 || (header->side_bytes == 1 && header->side[0] != 1))
        return failed(task, ARDM_PLUGIN_EFORMAT, "%lld bytes beside the symbols; a strand has at most the byte 1", header->side_bytes, 0);
    strand *s = host->allocate(task, sizeof *s);
    if (!s) return host->fail(task, ARDM_PLUGIN_ENOMEM, "no memory for a strand");
    *s = (strand){.bases = header->extents[0], .newline = (uint8_t)header->side_bytes};
    *writer = s;
    return ARDM_PLUGIN_OK;
}

static int32_t write_symbols(ardm_task *task, void *writer, int64_t count, const int32_t *symbols) {
    strand *s = writer;
    char bytes[CHUNK];
    for (int64_t done = 0; done < count;) {
        int64_t many = count - done < CHUNK ? count - done : CHUNK;
        for (int64_t i = 0; i < many; ++i) bytes[i] = letters[symbols[done + i]]; /* the host checks 0 <= symbol < classes */
        int32_t status = host->write(task, bytes, many);
        if (status) return status;
        done += many;
    }
    s->at += count;
    return ARDM_PLUGIN_OK;
}

static int32_t end(ardm_task *task, void *writer, int32_t finish) {
    strand *s = writer;
    int32_t status = ARDM_PLUGIN_OK;
    if (finish && s->at != s->bases) status = failed(task, ARDM_PLUGIN_EFORMAT, "%lld of %lld bases were written", s->at, s->bases);
    if (finish && !status && s->newline) status = host->write(task, "\n", 1);
    host->release(task, s);
    return status;
}

/* --- items without a file ----------------------------------------------------------------------------------------------------------- */

static int32_t blank(ardm_task *task, ardm_header *header) {
    int32_t status = check_options(task);
    if (status) return status;
    if (header->rank != 1) return failed(task, ARDM_PLUGIN_EINVAL, "a strand has one axis, not %lld", header->rank, 0);
    describe(header);
    return ARDM_PLUGIN_OK;
}

/* Test data, a pure function of the seed: a random walk that likes to repeat what stood seven places before. */
static int32_t synthesise(ardm_task *task, const ardm_header *header, uint64_t seed, int32_t *symbols) {
    (void)task;
    for (int64_t i = 0; i < header->extents[0]; ++i) {
        seed = seed * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator; its high bits are the good ones */
        symbols[i] = i >= 7 && (seed >> 62) ? symbols[i - 7] : (int32_t)(seed >> 40 & 3);
    }
    return ARDM_PLUGIN_OK;
}

/* --- an order of its own: [order] family = plugin:codons ------------------------------------------------------------------------------ */

/* First the first bases of all codons, then the second, at last the third, which says least. A pure function of the extents. */
static int32_t levels(ardm_task *task, const char *order, uint32_t rank, const int64_t *extents, uint32_t channels, uint16_t *level) {
    (void)order; /* there is one */
    if (rank != 1 || channels != 1) return failed(task, ARDM_PLUGIN_EUNSUPPORTED, "codons are of strands, not of %lld axes", rank, 0);
    for (int64_t i = 0; i < extents[0]; ++i) level[i] = (uint16_t)(i % 3);
    return ARDM_PLUGIN_OK;
}

/* --- the tables --------------------------------------------------------------------------------------------------------------------- */

static const ardm_modality modalities[] = {{
    .abi = ARDM_PLUGIN_ABI,
    .size = sizeof(ardm_modality),
    .id = "org.example.dna", /* ids without a dot are ardm's own */
    .version = 1,            /* counts up when symbols or side bytes change their meaning */
    .help = "strands of A, C, G and T",
    .variants = "acgt",
    .metric = "bits/base",
    .suffix = ".txt",
    .config = "[data]\npath = FILE\nwindow = 512\n[modality]\nid = org.example.dna\n[order]\nfamily = blocks:16\n[network]\nkind = transformer\n",
    .probe = probe,
    .open = open_file,
    .read = read_symbols,
    .close = close_file,
    .begin = begin,
    .write = write_symbols,
    .end = end,
    .blank = blank,
    .synthesise = synthesise,
    .orders = "codons",
    .levels = levels,
}};

static const ardm_plugin plugin = {
    .abi = ARDM_PLUGIN_ABI,
    .size = sizeof(ardm_plugin),
    .id = "org.example.dna",
    .name = "DNA",
    .version = "1.0",
    .licence = "Apache-2.0",
    .modalities = modalities,
    .n_modalities = 1,
    .modality_stride = sizeof(ardm_modality),
};

const ardm_plugin *ardm_plugin_entry(const ardm_host *given) {
    if (given->abi != ARDM_PLUGIN_ABI || given->size < sizeof *given) return NULL; /* an older host lacks what is called here */
    host = given;
    return &plugin;
}
