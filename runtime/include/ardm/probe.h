/* ardm/probe.h (runtime): does a device compute what exact numerics promise?
 *
 * The primitives: fma with one rounding, cancellation, subnormal inputs, a product that must not fuse with the addition behind it,
 * int <-> float conversion, and every function of exact.h on some thousand points against the same text on the host. The ops'
 * own cases are run by ardm/op_probe.h. A verdict is kept in the cache folder, by device, driver and kernel text. A refusal is kept for people
 * to read; it is never believed, since saying again which line fails costs little. */
#ifndef ARDM_PROBE_H
#define ARDM_PROBE_H

#include <stddef.h>

#include "ardm/device.h"

/* ARDM_OK: exact. ARDM_EINEXACT: the message has the failing line. Other errors: the probe could not run. */
ardm_status ardm_probe_primitives(ardm_device *device);

/* The same, always run, with a line a check: `line` gets "fma rounds once: exact" or the first differing operands. */
typedef void (*ardm_probe_sink)(void *user, const char *name, int32_t exact, const char *line);
ardm_status ardm_probe_report(ardm_device *device, ardm_probe_sink sink, void *user);

/* Kept verdicts, for probes of other layers. `key` is any text; the device and driver are added. lookup: 1 exact, 0 not, -1 unknown. What is
 * exact is also remembered while the device is open, so that ARDM_CACHE=off costs one probe a run. */
int32_t ardm_probe_lookup(ardm_device *device, const char *key);
void ardm_probe_keep(ardm_device *device, const char *key, int32_t exact, const char *line);

#endif
