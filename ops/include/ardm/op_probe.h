/* ardm/op_probe.h (ops): a device's verdict on the ops themselves: the production kernels run the ops' own cases and must give the
 * bytes of the C reference. Verdicts are kept, by device, driver, variant and kernel text, so that a second question costs a file. */
#ifndef ARDM_OP_PROBE_H
#define ARDM_OP_PROBE_H

#include "ardm/op.h"
#include "ardm/probe.h"

#define ARDM_PROBE_OPERATIONS 16777216.0 /* cases that cost more are left out */

/* Cases of `op` by `variant` on `device`; variant NULL: all exact variants that accept the device.
 * ARDM_OK: exact. ARDM_EINEXACT: the message names op, case, variant and the first differing element, or says that a variant that was
 * named takes no case. */
ardm_status ardm_op_probe(ardm_device *device, const ardm_op *op, const ardm_variant *variant);

/* Primitives, then every op, all really run whatever is kept; a line each to `sink` (may be NULL). Goes on after a failure and answers the first. */
ardm_status ardm_op_probe_all(ardm_device *device, ardm_probe_sink sink, void *user);

#endif
