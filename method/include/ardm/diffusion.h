/* ardm/diffusion.h (method): what absorbing diffusion in T steps costs with the same network, computed from a loss curve.
 *
 * T equal steps undecide each unit at a uniform time; the network sees n of N units decided. With h the Bernstein polynomial of
 * the losses, B_T = (N / T) * sum over k < T of h(k / T): B_1 = N L_0, and T (B_T - sum L) tends to N (L_0 - L_(N-1)) / 2.
 * Reports only. Source: Austin et al. 2021 (D3PM), Hoogeboom et al. 2021, appendix C. */
#ifndef ARDM_DIFFUSION_H
#define ARDM_DIFFUSION_H

#include <stdint.h>

/* Bits an item. loss: f64[units], bits a unit with n units known; units, steps at least 1 (asserted). */
double ardm_diffusion_bits(const double *loss, uint32_t units, uint32_t steps);
/* Expected number of steps in which anything is decided, T (1 - (1 - 1/T)^N): the network calls that are not wasted. */
double ardm_diffusion_calls(uint32_t units, uint32_t steps);

#endif
