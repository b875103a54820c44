/* Changes of text by a fixed sequence; the caller frees what comes back. */
#ifndef MUTATE_H
#define MUTATE_H

#include "hostile.h"

/* A byte, a number or the length is another. */
char *mutate_text(const char *text, uint64_t *state);
/* One or two of: a number becomes an extreme one, a value takes another's place, an op another op's, lines vanish, double or swap. */
char *mutate_graph(const char *text, uint64_t *state);
/* Without the types behind colons, so that a change is carried on by inference and not refused by the text itself. */
char *strip_types(const char *text);

#endif
