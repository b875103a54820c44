#include "ask_private.h"

void ardm_ask__item(const ardm_call_io *io, uint32_t item, const ardm_session *session, const ardm_layout *layout, int32_t stage,
                    const int32_t *symbols, const uint8_t *state) {
    const uint32_t units = ardm_layout_units(layout);
    io->stage[item] = stage;
    for (uint32_t u = 0; u < units; u++) {
        const size_t at = (size_t)item * io->units + ardm_session_padded(session, layout, u);
        io->symbols[at] = symbols[u];
        io->state[at] = state[u];
    }
}

void ardm_ask__row(const ardm_call_io *io, uint32_t item, uint32_t row, const ardm_session *session, const ardm_layout *layout, int32_t stage,
                   uint32_t unit, int32_t symbol) {
    const size_t at = (size_t)item * io->rows + row;
    uint32_t children = 0, digit = ardm_process_digit(ardm_session_process(session), (uint32_t)stage, (uint32_t)symbol, &children);
    io->row[at] = (int32_t)ardm_session_padded(session, layout, unit);
    io->children[at] = (int32_t)children;
    if (io->target) io->target[at] = (int32_t)digit;
}
