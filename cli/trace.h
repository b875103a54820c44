/* What a sampler knows after each call, to look at: undecided units of pictures and sounds are the middle of what they still may be. */
#ifndef ARDM_CLI_TRACE_H
#define ARDM_CLI_TRACE_H

#include "ardm/sampler.h"
#include "model_file.h"

typedef struct trace trace;

/* By modality and path: text is a listing of the first sample, a line a call; FILE.png is a sheet of up to 16 frames of the first sample, evenly
 * over the calls; any other path is a folder with a picture a call, each a grid of the first 16 samples. A listing or sheet is
 * refused here when it would overwrite (ARDM_EEXIST), before the work. */
ardm_status trace_open(trace **out, const char *path, const ardm_predictor *predictor, const ardm_layout *layout, const arguments *args);
/* For ardm_sampling.watch; user: the trace. */
ardm_status trace_step(void *of, const ardm_sample_step *step);
/* Writes what is not written. */
ardm_status trace_finish(trace *t);
void trace_free(trace **t);

#endif
