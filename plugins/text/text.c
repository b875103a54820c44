/* Text: any file as bytes (K = 256), or the 27 symbols of the text8 alphabet (0 is the space, 1 to 26 are a to z). One item, one
 * axis. Nothing is lost, nothing stands beside the symbols. */
#include <stdio.h>
#include <string.h>

#include "ardm/exact.h"
#include "ardm/plugin.h"

static const ardm_host *host;

typedef struct text {
    int32_t letters; /* 27 symbols instead of bytes */
    int64_t at;      /* positions read or written */
} text;

enum { CHUNK = 4096, PURPOSE_SYNTHETIC = 9 };

static int32_t failed(ardm_task *task, int32_t status, const char *format, long long a, long long b) {
    char message[256];
    (void)snprintf(message, sizeof message, format, a, b);
    return host->fail(task, status, message);
}

/* The variant that is asked for: bytes unless said otherwise. */
static int32_t wants_letters(ardm_task *task, int32_t *letters) {
    const char *variant = host->option(task, "variant");
    *letters = variant && strcmp(variant, "letters") == 0;
    if (host->option(task, "shape")) return host->fail(task, ARDM_PLUGIN_EINVAL, "text takes no shape");
    if (variant && !*letters && strcmp(variant, "bytes") != 0)
        return host->fail(task, ARDM_PLUGIN_EINVAL, "the variants of text are bytes and letters");
    return ARDM_PLUGIN_OK;
}

static void describe(ardm_header *header, int32_t letters) {
    header->rank = 1;
    header->channels = 1;
    header->classes = letters ? 27 : 256;
    header->exact = 1;
    header->items = 1;
    header->variant = letters ? "letters" : "bytes";
}

static int32_t probe(const uint8_t *first, int64_t bytes, const char *name) {
    size_t n = strlen(name);
    int64_t odd = 0;
    for (int64_t i = 0; i < bytes; ++i) odd += (first[i] < 32 && first[i] != '\n' && first[i] != '\r' && first[i] != '\t') || first[i] == 127;
    if (n > 4 && strcmp(name + n - 4, ".txt") == 0) return 30;
    return odd == 0 ? 20 : 1;
}

static int32_t make(ardm_task *task, int32_t letters, void **out) {
    text *t = host->allocate(task, sizeof *t);
    if (!t) return host->fail(task, ARDM_PLUGIN_ENOMEM, "no memory");
    *t = (text){letters, 0};
    *out = t;
    return ARDM_PLUGIN_OK;
}

static int32_t open(ardm_task *task, ardm_header *header, void **reader) {
    int32_t letters, status = wants_letters(task, &letters);
    int64_t length = host->length(task);
    if (status) return status;
    if (length < 0 || length > INT32_MAX)
        return failed(task, ARDM_PLUGIN_EUNSUPPORTED, "a text of %lld bytes; up to %lld are read at once", (long long)length, INT32_MAX);
    describe(header, letters);
    header->extents[0] = length;
    return make(task, letters, reader);
}

static int32_t read_symbols(ardm_task *task, void *reader, int64_t item, int64_t first, int64_t count, int32_t *symbols) {
    text *t = reader;
    uint8_t bytes[CHUNK];
    (void)item;
    if (first < t->at) return host->fail(task, ARDM_PLUGIN_EINVAL, "text is read forwards");
    if (host->skip(task, first - t->at) != first - t->at) return failed(task, ARDM_PLUGIN_EFORMAT, "the text ends before byte %lld", first, 0);
    for (int64_t done = 0; done < count;) {
        int64_t many = count - done < CHUNK ? count - done : CHUNK;
        if (host->read(task, bytes, many) != many) return failed(task, ARDM_PLUGIN_EFORMAT, "the text ends before byte %lld", first + done + many, 0);
        for (int64_t i = 0; i < many; ++i) {
            symbols[done + i] = bytes[i];
            if (!t->letters) continue;
            symbols[done + i] = bytes[i] == ' ' ? 0 : bytes[i] >= 'a' && bytes[i] <= 'z' ? bytes[i] - 'a' + 1 : -1;
            if (symbols[done + i] < 0)
                return failed(task, ARDM_PLUGIN_EUNSUPPORTED, "byte %lld is %lld; letters are a to z and the space alone (use the variant bytes)",
                              first + done + i, bytes[i]);
        }
        done += many;
    }
    t->at = first + count;
    return ARDM_PLUGIN_OK;
}

static void close_reader(ardm_task *task, void *reader) { host->release(task, reader); }

static int32_t begin(ardm_task *task, const ardm_header *header, uint32_t purpose, void **writer) {
    int32_t letters = header->classes == 27;
    (void)purpose; /* text is its own picture */
    if (header->rank != 1 || header->channels != 1 || (header->classes != 256 && !letters))
        return failed(task, ARDM_PLUGIN_EFORMAT, "an item of %lld axes and %lld classes is no text", header->rank, header->classes);
    if (header->side_bytes != 0)
        return failed(task, ARDM_PLUGIN_EFORMAT, "text has nothing beside its symbols, here are %lld bytes", header->side_bytes, 0);
    return make(task, letters, writer);
}

static int32_t write_symbols(ardm_task *task, void *writer, int64_t count, const int32_t *symbols) {
    text *t = writer;
    uint8_t bytes[CHUNK];
    for (int64_t done = 0; done < count;) {
        int64_t many = count - done < CHUNK ? count - done : CHUNK;
        for (int64_t i = 0; i < many; ++i) {
            int32_t s = symbols[done + i];
            bytes[i] = (uint8_t)(!t->letters ? s : s == 0 ? ' ' : 'a' + s - 1);
        }
        int32_t status = host->write(task, bytes, many);
        if (status) return status;
        done += many;
    }
    return ARDM_PLUGIN_OK;
}

static int32_t end(ardm_task *task, void *writer, int32_t finish) {
    (void)finish;
    host->release(task, writer);
    return ARDM_PLUGIN_OK;
}

static int32_t blank(ardm_task *task, ardm_header *header) {
    int32_t letters, status = wants_letters(task, &letters);
    if (status) return status;
    if (header->rank != 1) return failed(task, ARDM_PLUGIN_EINVAL, "text has one axis, not %lld", header->rank, 0);
    describe(header, letters);
    return ARDM_PLUGIN_OK;
}

/* Made-up words of two to nine letters, vowels and consonants in turn; a full stop and a line's end in the variant bytes. */
static int32_t synthesise(ardm_task *task, const ardm_header *header, uint64_t seed, int32_t *symbols) {
    static const char vowels[] = "aeiouea", consonants[] = "ntrshldcmkbp";
    int64_t length = header->extents[0], i = 0;
    (void)task;
    for (uint32_t word = 0; i < length; ++word) {
        uint32_t size = 2 + (ardm_philox_word(word, 0, 0, (uint32_t)PURPOSE_SYNTHETIC << 24, (uint32_t)seed, (uint32_t)(seed >> 32), 0) >> 29);
        for (uint32_t k = 0; k <= size && i < length; ++k, ++i) {
            uint32_t draw = ardm_philox_word(word, k, 1, (uint32_t)PURPOSE_SYNTHETIC << 24, (uint32_t)seed, (uint32_t)(seed >> 32), 0) >> 8;
            char c = k == size ? ' ' : (k + word) % 2 ? vowels[draw % (sizeof vowels - 1)] : consonants[draw % (sizeof consonants - 1)];
            if (header->classes == 256 && k == size && word % 12 == 11) c = '\n';
            symbols[i] = header->classes == 256 ? (uint8_t)c : c == ' ' ? 0 : c - 'a' + 1;
        }
    }
    return ARDM_PLUGIN_OK;
}

static const ardm_setting settings[] = {
    {ARDM_PLUGIN_ABI, sizeof(ardm_setting), "variant", ARDM_SETTING_CHOICE, "bytes", 0, 0, "bytes|letters", "what a symbol is"}};

static const ardm_modality modalities[] = {{
    .abi = ARDM_PLUGIN_ABI,
    .size = sizeof(ardm_modality),
    .id = "text",
    .version = 1,
    .n_settings = 1,
    .setting_stride = sizeof(ardm_setting),
    .settings = settings,
    .help = "any file as bytes, or lower-case text as 27 symbols",
    .variants = "bytes|letters",
    .metric = "bits/symbol",
    .suffix = ".txt",
    .config = "[data]\npath = FILE\nwindow = 512\n[modality]\nid = text\nvariant = bytes\n[process]\nfamily = absorbing\n[order]\n"
              "family = blocks:16\n[network]\nkind = transformer\n",
    .probe = probe,
    .open = open,
    .read = read_symbols,
    .close = close_reader,
    .begin = begin,
    .write = write_symbols,
    .end = end,
    .blank = blank,
    .synthesise = synthesise,
}};

static const ardm_plugin plugin = {
    .abi = ARDM_PLUGIN_ABI,
    .size = sizeof(ardm_plugin),
    .id = "org.ardm.text",
    .name = "Text",
    .version = "1.0",
    .licence = "Apache-2.0",
    .modalities = modalities,
    .n_modalities = 1,
    .modality_stride = sizeof(ardm_modality),
};

const ardm_plugin *ardm_plugin_entry(const ardm_host *given) {
    if (given->abi != ARDM_PLUGIN_ABI || given->size < sizeof *given) return NULL;
    host = given;
    return &plugin;
}
