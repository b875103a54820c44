/* Whole items through a network that sees a part of them at once: what is missing of each is drawn, and what was there is priced. */
#ifndef ARDM_CLI_FILL_H
#define ARDM_CLI_FILL_H

#include "ardm/budget.h"
#include "ardm/modality.h"
#include "model_file.h"

typedef struct filling {
    const ardm_budget *budget;
    uint64_t seed;
    double temperature; /* 1: the model's distribution */
    uint32_t count;     /* how many to draw */
    int32_t confidence; /* ARDM_CONFIDENCE_… */
    uint32_t from;      /* first stage that is drawn: the item tells x^(from) of its missing units */
    int32_t unknown;    /* the item does not say what else its missing units are */
    int32_t price;      /* price what is drawn too */
    const char *task;   /* for progress */
} filling;

typedef struct filled {
    double units;      /* that were missing */
    double true_bits;  /* what they cost in the item, given the rest; 0 when unknown */
    double drawn_bits; /* what they cost as they were drawn, the mean of all; 0 unless asked */
} filled;

/* MODEL FILE of a command line, opened and closed around `work`. */
typedef ardm_status fill_work(ardm_predictor *predictor, ardm_item *item, const ardm_modality *modality, const arguments *args);
ardm_status fill_with(fill_work *work, const arguments *args);

/* ARDM_EINVAL unless the model is of items like this one. */
ardm_status fill_check(const ardm_predictor *predictor, const ardm_item *item);

/* Draws the positions at which fill[] is 1 into drawn, u16[count, item->count], all of it written. A tile of a picture is filled by itself; a
 * window of text or sound begins with the model's context, drawn or given, at the end of the one before. */
ardm_status fill_item(filled *out, uint16_t *drawn, ardm_predictor *predictor, const filling *how, const ardm_item *item, const uint8_t *fill);

/* Writes the drawn items as files TO, or TO-0, TO-1 … before the ending; "-" has them one after another. The item's symbols change. */
ardm_status write_filled(const char *to, const ardm_predictor *predictor, ardm_item *item, const uint16_t *drawn, uint32_t count,
                         const arguments *args);

#endif
