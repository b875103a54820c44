/* ardm/plugin.h (runtime): the whole boundary between ardm and a plugin. A plugin includes this and ardm/exact.h, nothing else.
 *
 * A plugin is a shared module with one exported symbol, ardm_plugin_entry. Every struct begins with abi and size (what its author
 * compiled against: the other side reads nothing past it, so fields are appended), arrays of structs carry a stride. Only
 * fixed-width integers, float, double and pointers cross; text is UTF-8 with a closing NUL. Memory comes from the host and goes
 * back to it. Tables live for ever; nothing is unloaded. Entry and probe run on the main thread; calls with one task come from one
 * thread at a time, calls with two tasks may be concurrent. A plugin reports failure by `return host->fail(task, status, text)`;
 * it never exits, prints, opens files or touches OpenCL. Input and output are the task's streams alone. */
#ifndef ARDM_PLUGIN_H
#define ARDM_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ARDM_PLUGIN_ABI 1

/* Status: 0 is success; the numbers are those of ardm/status.h. */
#define ARDM_PLUGIN_OK 0
#define ARDM_PLUGIN_EINVAL 1        /* an option is wrong */
#define ARDM_PLUGIN_ENOMEM 3        /* host->allocate gave NULL */
#define ARDM_PLUGIN_EIO 4           /* a stream failed */
#define ARDM_PLUGIN_EFORMAT 5       /* the file is damaged or truncated */
#define ARDM_PLUGIN_EUNSUPPORTED 12 /* the file is good, and of a kind that is not offered */

/* One file being read or written: its streams, its memory, its message. */
typedef struct ardm_task ardm_task;

typedef struct ardm_host {
    uint32_t abi, size;
    const char *version;                                                /* of the host: "0.1.0" */
    int64_t (*read)(ardm_task *task, void *to, int64_t bytes);          /* how many came; fewer than asked for: the end */
    int64_t (*skip)(ardm_task *task, int64_t bytes);                    /* likewise, forwards only */
    int64_t (*length)(ardm_task *task);                                 /* of the input in bytes, -1 unknown */
    int32_t (*write)(ardm_task *task, const void *from, int64_t bytes); /* a status; the host bounds the output */
    void *(*allocate)(ardm_task *task, int64_t bytes);                  /* aligned to 16, not zeroed; NULL past the user's limit */
    void (*release)(ardm_task *task, void *memory);                     /* NULL is fine; what is left is freed with the task */
    int32_t (*fail)(ardm_task *task, int32_t status, const char *text); /* keeps a copy of text, returns status */
    const char *(*option)(ardm_task *task, const char *name);           /* a setting's value, NULL not given */
    const void *(*get)(const char *id);                                 /* optional powers, "ardm.op/1"; NULL: not here */
} ardm_host;

/* What a file holds: `items` items of the same form. */
typedef struct ardm_header {
    uint32_t abi, size;
    uint32_t rank;      /* of the positions, 1 to 3; a position is what an order may rank */
    uint32_t channels;  /* symbols a position, 1 to 64 */
    uint32_t classes;   /* K: symbols are 0 … K-1; 2 to 65,536 */
    uint32_t exact;     /* 1: writing it back gives the same bytes; 0: the same values */
    int64_t extents[3]; /* outermost first; unused ones are 1 */
    int64_t items;
    const char *variant; /* one of the modality's */
    const uint8_t *side; /* what writing needs beside the symbols; at most ARDM_PLUGIN_SIDE; lives until close */
    int64_t side_bytes;
} ardm_header;
#define ARDM_PLUGIN_SIDE 1048576

#define ARDM_SETTING_TEXT 1
#define ARDM_SETTING_INT 2
#define ARDM_SETTING_FLOAT 3
#define ARDM_SETTING_CHOICE 5
typedef struct ardm_setting { /* a row of the config's schema, section [modality] */
    uint32_t abi, size;
    const char *name;
    uint32_t type;
    const char *fallback; /* default as text, NULL: none */
    double low, high;     /* range of numbers, inclusive */
    const char *choices;  /* "grey|rgb" */
    const char *help;
} ardm_setting;

typedef struct ardm_modality ardm_modality;

#define ARDM_WRITE_FILE 1    /* the file back, from header, side and symbols */
#define ARDM_WRITE_PICTURE 2 /* something to look at; side may be empty */

struct ardm_modality {
    uint32_t abi, size;
    const char *id;   /* "image"; out of tree "org.example.score" */
    uint32_t version; /* of symbols and side bytes; a newer plugin reads what older ones wrote or counts up */
    uint32_t n_settings, setting_stride;
    const ardm_setting *settings;
    const char *help;
    const char *variants; /* "grey|rgb", the default first */
    const char *metric;   /* "bits/dim" */
    const char *suffix;   /* of ARDM_WRITE_PICTURE: ".png" */
    const char *config;   /* suggested network and config, INI text */

    /* 0: not mine; 1 to 100. `bytes` first bytes of the file, at most 4,096 of them; name may be "". */
    int32_t (*probe)(const uint8_t *first, int64_t bytes, const char *name);

    /* Reading. open fills the header (zeroed but for abi and size). read gives positions first … first+count-1 of the outermost
     * axis of an item, all channels; (item, first) never fall from call to call. close also follows a failed read. */
    int32_t (*open)(ardm_task *task, ardm_header *header, void **reader);
    int32_t (*read)(ardm_task *task, void *reader, int64_t item, int64_t first, int64_t count, int32_t *symbols);
    void (*close)(ardm_task *task, void *reader);

    /* Writing one item. The header, side included, may come from a hostile file: check it. begin, then slabs in order, then end,
     * which frees the writer; finish 0: an earlier call failed, only free. */
    int32_t (*begin)(ardm_task *task, const ardm_header *header, uint32_t purpose, void **writer);
    int32_t (*write)(ardm_task *task, void *writer, int64_t count, const int32_t *symbols);
    int32_t (*end)(ardm_task *task, void *writer, int32_t finish);

    /* A header for new items: rank and extents are set, the rest is filled in from the settings. */
    int32_t (*blank)(ardm_task *task, ardm_header *header);
    /* Symbols of a whole item for tests, a pure function of header and seed. */
    int32_t (*synthesise)(ardm_task *task, const ardm_header *header, uint64_t seed, int32_t *symbols);

    /* Appended; the table of an older author may end above. */

    /* Orders of its own, "codons|strands", which a config calls plugin:codons; NULL: none. A name has at most 23 bytes, none of them blank.
     * levels writes the level of each unit, u16[extents times channels] in the order of symbols: 0 … max, every one in use, max below the number of
     * units. A pure integer function of these numbers alone. A model keeps its nominal table and a hash of every smaller one, so a plugin that gives
     * others later is refused there. Extents that it has no levels for: ARDM_PLUGIN_EUNSUPPORTED. */
    const char *orders;
    int32_t (*levels)(ardm_task *task, const char *order, uint32_t rank, const int64_t *extents, uint32_t channels, uint16_t *levels);
};

typedef struct ardm_plugin {
    uint32_t abi, size;
    const char *id; /* "org.ardm.image": unique, stable, not for display */
    const char *name, *version, *licence;
    const ardm_modality *modalities;
    uint32_t n_modalities, modality_stride;
    const void *(*get)(const char *id); /* optional powers of the plugin; may be NULL */
} ardm_plugin;

/* A power that a plugin may have, "ardm.ranks/1": the processes of one job, numbered from 0, as a launcher such as mpirun starts them. Such plugins
 * stand in `ranks` below the folders of the others and are loaded in a process of a job only. All calls come from the main thread. */
typedef struct ardm_ranks_power {
    uint32_t abi, size;
    int32_t (*open)(uint32_t *rank, uint32_t *count);                              /* joins the job; a status */
    int32_t (*swap)(uint32_t other, const void *give, void *take, uint64_t bytes); /* both call it; waits, mostly asleep; a status */
    void (*close)(void);                                                           /* leaves the job, as every rank does */
    void (*abort)(int32_t code);                                                   /* ends every process of the job, this one too */
} ardm_ranks_power;

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const ardm_plugin *
ardm_plugin_entry(const ardm_host *host);

#ifdef __cplusplus
}
#endif
#endif
