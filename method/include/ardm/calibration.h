/* ardm/calibration.h (method): whether what is predicted with probability p happens with frequency p.
 *
 * Probabilities are the coder's: integer frequencies f of 2^24 (ardm/frequency.h). A prediction is one asked unit with its outcome and a
 * weight. Two tables are kept a cell:
 *   sure  the most probable digit of each prediction: its probability in 15 equal bins, against how often it is the outcome. The
 *         expected calibration error is the mean distance of the two, weighted by bins (Guo et al. 2017)
 *   each  every digit of every prediction, by powers of two: bin b holds 2^-(b+1) <= p < 2^-b, the first p = 1 too
 * A finite sample of a calibrated model has an error too: `chance` is its mean, were outcomes independent. */
#ifndef ARDM_CALIBRATION_H
#define ARDM_CALIBRATION_H

#include "ardm/dataset.h"
#include "ardm/session.h"

enum { ARDM_CALIBRATION_SURE = 0, ARDM_CALIBRATION_EACH = 1, ARDM_CALIBRATION_SURE_BINS = 15, ARDM_CALIBRATION_EACH_BINS = 24 };

typedef struct ardm_calibration ardm_calibration;

typedef struct ardm_reliability {
    uint64_t events;            /* 0: the bin is empty, all else is 0 */
    double low, high;           /* probabilities of the bin */
    double share;               /* of the weight of all events of the table */
    double predicted, observed; /* weighted means */
    double error;               /* standard error of `observed`, were outcomes independent */
} ardm_reliability;

ardm_status ardm_calibration_create(ardm_calibration **out, uint32_t cells);
void ardm_calibration_free(ardm_calibration **calibration);
uint32_t ardm_calibration_cells(const ardm_calibration *calibration);
/* frequency: u32[count], positive, 2^24 in all; count 1 is no prediction and is left out. */
void ardm_calibration_add(ardm_calibration *calibration, uint32_t cell, const uint32_t *frequency, uint32_t count, uint32_t outcome, double weight);
/* cell UINT32_MAX: all cells together. chance may be NULL. 0 where nothing was predicted. */
double ardm_calibration_error(const ardm_calibration *calibration, uint32_t cell, double *chance);
ardm_reliability ardm_calibration_bin(const ardm_calibration *calibration, int32_t table, uint32_t cell, uint32_t bin);

/* Cells of a session's predictions: stage by stage, level by level; of blocks families one for every block length. */
ardm_status ardm_calibration_open(ardm_calibration **out, ardm_session *session);
/* Adds what the network says about n items of the nominal layout, symbols i32[n, units]: `draws` draws of (cell, n) an item, stratified, as
 * the bound draws them. Every (cell, n) counts alike, so these are the predictions that coding unit by unit makes; of a draw at most
 * as many units as fit into 2^20 frequencies are asked. number: of the first item. */
ardm_status ardm_calibrate(ardm_calibration *calibration, ardm_session *session, const int32_t *symbols, uint64_t number, uint32_t n, uint32_t draws,
                           uint64_t seed);

#endif
