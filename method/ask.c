#include "ask_private.h"

void ardm_ask__item(const ardm_call_io *io, uint32_t item, const ardm_session *session, const ardm_layout *layout, int32_t stage,
                    const int32_t *symbols, const uint8_t *state) {
    const uint32_t units = ardm_layout_units(layout), parts = io->parts;
    io->stage[item] = stage;
    for (uint32_t u = 0; u < units; u++) {
        const size_t at = (size_t)item * io->symbols_each + (size_t)ardm_session_padded(session, layout, u) * parts;
        for (uint32_t i = 0; i < parts; i++) {
            io->symbols[at + i] = symbols[(size_t)u * parts + i];
            io->state[at + i] = state[u];
        }
    }
}

void ardm_ask__row(const ardm_call_io *io, uint32_t item, uint32_t row, const ardm_session *session, const ardm_layout *layout, int32_t stage,
                   uint32_t turn, uint32_t unit, const int32_t *symbol) {
    const size_t at = (size_t)item * io->rows + row;
    uint32_t children = 0, digit = 0;
    io->row[at] = (int32_t)ardm_session_padded(session, layout, unit);
    if (io->turns > 1) { /* one digit of the unit, beside what those before say */
        digit = ardm_session_digit(session, (uint32_t)stage, turn, symbol, &children);
        if (io->target) io->target[at] = (int32_t)digit;
        for (uint32_t i = 0; i < io->parts; i++) io->known[at * io->parts + i] = symbol[i];
    } else { /* the unit as a whole, which has more than one digit where an evaluation's head takes several turns to code it */
        for (uint32_t i = 0; i < io->parts; i++) {
            digit = ardm_process_digit(ardm_session_process(session), (uint32_t)stage, (uint32_t)symbol[i], &children);
            if (io->target) io->target[at * io->parts + i] = (int32_t)digit;
        }
    }
    io->children[at] = (int32_t)children;
}
