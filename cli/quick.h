/* ardm train --quick: a model for the user's own kind of file within a time, and what it is worth. A file a concern: what the files are
 * (quick_data.c), what of them is held out (quick_split.c), which network trains how long (quick_plan.c), what held-out data costs (quick_worth.c).
 */
#ifndef ARDM_CLI_QUICK_H
#define ARDM_CLI_QUICK_H

#include "command.h"

#include "ardm/codec.h"
#include "ardm/dataset.h"
#include "ardm/file.h"
#include "ardm/modality.h"

typedef struct quick_file {
    char *path;                        /* absolute; owned */
    int64_t bytes;                     /* once unpacked */
    int64_t items, extent[2], symbols; /* items of one size, and the symbols of all of them */
} quick_file;

/* What the network never learns from: items first … end-1 of a file, of a single one what begins at `from` on the outermost axis. */
typedef struct quick_part {
    char *path; /* owned */
    int64_t first, end, from, bytes, symbols;
} quick_part;

typedef struct quick_data {
    const ardm_modality *modality;
    char variant[32], *shape; /* shape: of raw arrays, owned; NULL */
    uint32_t rank, channels, classes;
    int64_t window; /* edge of a tile, or length of a window */
    int64_t windows, symbols, bytes;
    quick_file *files;
    int32_t n_files, n_held;
    quick_part *held;
    int64_t held_symbols, held_bytes;
    ardm_bytes paths;       /* [data] path: what is trained on */
    uint64_t memory, limit; /* of a file; of a binding, 0: none */
} quick_data;

/* The time of all of it, on ardm_clock; infinite where a resumed run was given none. */
typedef struct quick_time {
    double began, end;
} quick_time;

typedef struct quick_plan {
    ardm_bytes config;
    int64_t parameters, steps;
    double step, call; /* seconds of a step and of a call for 16 windows, as measured */
    double reserve;    /* seconds to keep for what follows training */
} quick_plan;

/* Reads the files of the command line: all of one kind that a modality reads, and enough of it. */
ardm_status quick_look(quick_data *out, const arguments *args);
void quick_data_free(quick_data *data);

/* Holds data out, notes it in the run folder, and says in data->paths what is left. */
ardm_status quick_split(quick_data *data, const char *folder);
/* What quick_split noted: all that coding held-out data needs. */
ardm_status quick_split_read(quick_data *out, const char *folder, uint64_t memory);
/* Symbols and extents of item `index` of the part's file from `at` on, as a fresh item of the kind. */
ardm_status quick_part_item(ardm_item *out, const quick_data *data, const quick_part *part, int64_t index, const int64_t at[2],
                            const int64_t extent[2]);
ardm_status quick_part_extents(int64_t extents[2], const quick_data *data, const quick_part *part);

/* The network and the number of steps that fit the time, measured on the device. */
ardm_status quick_choose(quick_plan *out, const quick_data *data, ardm_dataset *dataset, ardm_device *device, const char *folder,
                         const quick_time *time);

/* Seconds to keep behind training, where a call for 16 windows takes `call`. */
double quick_reserve(double call, const ardm_dataset *dataset, const quick_time *time);

/* Codes held-out data with the model until the time is over, and prints what comes of it. */
ardm_status quick_worth(const quick_data *data, const char *model, const quick_time *time, const arguments *args);

/* The command. */
ardm_status quick(const arguments *args);

#endif
