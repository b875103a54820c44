/* ardm/curve.h (method): what a unit still costs when n units of its cell are known, measured.
 *
 * A cell keeps at most 128 bins of relative time with the sum of losses and a visit count. Fitting smooths once, makes the
 * curve non-increasing (isotonic regression weighted by counts) and interpolates what was never visited. Doubles, + - * / only.
 * Losses are bits a unit. */
#ifndef ARDM_CURVE_H
#define ARDM_CURVE_H

#include "ardm/status.h"

#define ARDM_CURVE_BINS 128u

typedef struct ardm_curve ardm_curve;

/* units: u32[cells], the nominal units of each cell (0: empty cell). */
ardm_status ardm_curve_create(ardm_curve **out, const uint32_t *units, uint32_t cells);
void ardm_curve_free(ardm_curve **curve);
uint32_t ardm_curve_cells(const ardm_curve *curve);
uint32_t ardm_curve_units(const ardm_curve *curve, uint32_t cell);
uint32_t ardm_curve_bins(const ardm_curve *curve, uint32_t cell); /* min(128, units) */
double ardm_curve_visits(const ardm_curve *curve, uint32_t cell, uint32_t bin);
double ardm_curve_mean(const ardm_curve *curve, uint32_t cell, uint32_t bin); /* 0 when not visited */

/* One observation: mean loss over the remaining units of a cell with `units` units of which n < units are known. The bin is n bins / units. */
void ardm_curve_add(ardm_curve *curve, uint32_t cell, uint32_t n, uint32_t units, double loss, double weight);
/* Adds the sums of another curve of the same cells (asserted): halves of a held-out set, ranks. */
void ardm_curve_merge(ardm_curve *curve, const ardm_curve *other);
/* Multiplies all sums and counts by 0 <= factor <= 1, so that old observations fade. */
void ardm_curve_fade(ardm_curve *curve, double factor);

/* Losses of all cells one after another for the given units, f64[sum of units], non-increasing inside each cell: what
 * ardm/schedule.h takes. Where units equals the number of bins, bin n is unit n; else the curve runs straight between the
 * middles of bins, and on for half a bin at the ends. A cell never visited takes the visited cell before it, else the first visited.
 *   smooth  not 0: each inner bin is first averaged with its neighbours, 1-2-1 by counts
 * ARDM_EINVAL: nothing was ever visited, or cells differ. */
ardm_status ardm_curve_losses(const ardm_curve *curve, int32_t smooth, const uint32_t *units, uint32_t cells, double *losses);

/* The bound in bits an item: the sum of unit losses as ardm_curve_losses gives them. */
ardm_status ardm_curve_bound(const ardm_curve *curve, double *bits);

/* What a model stores: `curve.units` u32[cells], `curve.sum` and `curve.visits` f64[bins of all cells]. */
uint32_t ardm_curve_total_bins(const ardm_curve *curve);
const uint32_t *ardm_curve_all_units(const ardm_curve *curve);
const double *ardm_curve_sums(const ardm_curve *curve);
const double *ardm_curve_counts(const ardm_curve *curve);
/* ARDM_EFORMAT: sums or counts are not finite, or counts are negative. */
ardm_status ardm_curve_restore(ardm_curve *curve, const double *sums, const double *counts);

#endif
