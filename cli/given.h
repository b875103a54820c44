/* What of an item is given and what is to be filled, as a command line says it. */
#ifndef ARDM_CLI_GIVEN_H
#define ARDM_CLI_GIVEN_H

#include "ardm/modality.h"
#include "command.h"

/* fill[position] becomes 1 where the item is to be filled, by the one of these options that is there:
 *   --mask M       pictures: a picture of the same extents, non-zero = fill; else ranges "120-180,400-410" with both ends, or a file of
 *                  one 0 (given) or 1 (fill) a position
 *   --given A:B,…  text and sound: what is not in these ranges, without their ends, is to be filled; ":100" is a prefix
 *   --grid N       every N-th position of each extent is given
 * ARDM_EINVAL when there is none or more than one, when nothing is left to fill, or when a range is outside the item. */
ardm_status read_given(uint8_t *fill, const ardm_item *item, const arguments *args);

#endif
