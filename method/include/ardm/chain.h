/* ardm/chain.h (method): absorbing diffusion in T steps, run through the network: what the paper's model is compared with.
 *
 * Step t of T undecides each unit with probability t / T; going back, the network is asked for everything undecided and each of these
 * units is decided in this step with probability 1 / t, so an item costs B_T = sum over t of (1 / t) E[sum of nll over the undecided
 * units]. A draw takes one t (stratified over an item's draws) and one subset, and weighs its nll by T / t. The number of network
 * calls of the chain is T, of which only those that decide something are of use (ardm/diffusion.h). Reports only.
 * T = 0 is the limit of ever shorter steps: a time in (0, 1], drawn more often near 0, where 1 / t would make the variance infinite.
 * Words of Philox purpose 4: draw 0 the stratum's offset, draw 5 the time, draw 6 the subset.
 * Source: Austin et al. 2021 (D3PM); Hoogeboom et al. 2021, appendix C. */
#ifndef ARDM_CHAIN_H
#define ARDM_CHAIN_H

#include "ardm/session.h"

/* ARDM_EUNSUPPORTED, with the reason by name, unless the process is absorbing in one stage and every unit is in one level. */
ardm_status ardm_chain_check(ardm_session *session);

/* An unbiased estimate of B_T for each item, in bits, by `draws` network calls.
 *   bits  f64[n]    symbols  i32[n, units] of the nominal layout    number  of the first item: draws are a function of seed and number
 *   steps  T, 0: the limit */
ardm_status ardm_chain_cost(double *bits, ardm_session *session, uint32_t steps, uint32_t draws, uint64_t seed, const int32_t *symbols,
                            uint64_t number, uint32_t n);

#endif
