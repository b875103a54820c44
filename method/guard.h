/* The probe that stands before coding. */
#ifndef ARDM_GUARD_H
#define ARDM_GUARD_H

#include "ardm/program.h"

/* ARDM_EINEXACT with the failing line where the device does not compute the binding's kernels exactly on their own cases. */
ardm_status ardm_guard__binding(const ardm_binding *binding, ardm_device *device);

#endif
