/* What the files of the framework share. */
#ifndef ARDM_OPS_PRIVATE_H
#define ARDM_OPS_PRIVATE_H

#include "ardm/op.h"

/* Generated variant `index` of an elementwise op, made once and kept for ever; NULL past the end or without memory. */
const ardm_variant *ardm__elementwise_variant(const ardm_op *op, uint32_t index);

#endif
