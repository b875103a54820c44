/* One item of a network call, filled in: what evaluator, diffusion chain and calibration share. Nobody else may use it. */
#ifndef ARDM_METHOD_ASK_PRIVATE_H
#define ARDM_METHOD_ASK_PRIVATE_H

#include "ardm/session.h"

/* Shows item `item` of the call its symbols and states (u8[units], unpadded) in a stage. */
void ardm_ask__item(const ardm_call_io *io, uint32_t item, const ardm_session *session, const ardm_layout *layout, int32_t stage,
                    const int32_t *symbols, const uint8_t *state);
/* Row `row` of the item asks for the digit of `unit` that `turn` is about; targets are filled in where the task has them. symbol: i32[parts], the
 * unit's
 */
void ardm_ask__row(const ardm_call_io *io, uint32_t item, uint32_t row, const ardm_session *session, const ardm_layout *layout, int32_t stage,
                   uint32_t turn, uint32_t unit, const int32_t *symbol);

#endif
